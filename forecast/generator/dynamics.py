"""The volume process: parameters, a state and innovations come in, the log volume of each day and its parts go out.

For workload w on day t, all on the natural log:

    volume = level + season + noise + burst + loading · (shared + shock),  or nothing on an inactive day
    level_t = level_{t−1} + (growth + wander_t) / 30.4375 + walk_t + step_t
    wander, noise, burst, shared, shock: autoregressions of first order

The same function makes the history (one future, from the first day) and an oracle's futures (many, from a later
state), so an oracle can know everything but the innovations to come.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from forecast.generator.organisation import Organisation
from forecast.generator.streams import stream
from forecast.generator.workload import DAYS_A_MONTH, DAYS_A_YEAR, Noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Growth forgets half of its distance from its mean in half a year.
_WANDER: Final = 0.5 ** (1 / 182.6)
#: An innovation is cut here, in standard deviations: a Student draw has no largest value, a day's requests do.
_CUT: Final = 4.0
#: A burst is cut at this log size, twentyfold: providers' rate limits end what is larger.
_LARGEST_BURST: Final = 3.0


@dataclass(frozen=True, slots=True)
class Dynamics:
    """Parameters of all workloads, float arrays (workload,), and of what they share."""

    growth: Floats
    growth_sd: Floats
    level_sd: Floats
    step_rate: Floats
    step_sd: Floats
    sd: Floats
    persistence: Floats
    tails: Floats
    burst_rate: Floats
    burst_size: Floats
    burst_decay: Floats
    active: Floats
    active_persistence: Floats
    loading: Floats
    shared_sd: float
    shared_persistence: float
    shock_rate: float
    shock_sd: float
    shock_decay: float

    @classmethod
    def of(cls, organisation: Organisation) -> Dynamics:
        """The parameters of an organisation, workload by workload."""
        own = {
            f.name: np.array([getattr(w.noise, f.name) for w in organisation.workloads], dtype=np.float64)
            for f in fields(Noise)
        }
        shared = organisation.shared
        return cls(
            growth=np.array([w.growth for w in organisation.workloads]),
            shared_sd=shared.sd,
            shared_persistence=shared.persistence,
            shock_rate=shared.shock_rate,
            shock_sd=shared.shock_sd,
            shock_decay=shared.shock_decay,
            **own,
        )


@dataclass(frozen=True, slots=True)
class State:
    """Where the process stands after a day: arrays (..., workload), and (...,) for the last two."""

    level: Floats
    wander: Floats
    noise: Floats
    burst: Floats
    on: NDArray[np.bool_]
    shared: Floats
    shock: Floats


@dataclass(frozen=True, slots=True)
class Innovations:
    """What chance adds each day: arrays (..., day, workload), and (..., day) for the last two.

    ``walk`` holds the level's random walk and its steps; ``step`` the steps alone, ``start`` the first wander
    (..., workload), ``on`` uniforms that decide whether a workload is active.
    """

    start: Floats
    wander: Floats
    walk: Floats
    step: Floats
    noise: Floats
    burst: Floats
    on: Floats
    shared: Floats
    shock: Floats


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The process day by day: arrays (..., day, workload), and (..., day) for the last two."""

    level: Floats
    wander: Floats
    noise: Floats
    burst: Floats
    on: NDArray[np.bool_]
    shared: Floats
    shock: Floats

    def state(self, day: int) -> State:
        """Where one trajectory stood after ``day``; the leading axes must be absent."""
        return State(**{f.name: getattr(self, f.name)[day] for f in fields(self)})

    def log_volume(self, season: Floats, loading: Floats) -> Floats:
        """The log of expected requests, −inf where inactive; ``season`` is an array (day, workload)."""
        common = (self.shared + self.shock)[..., None] * loading
        volume = self.level + season + self.noise + self.burst + common
        return np.where(self.on, volume, -np.inf)


def innovations(
    dynamics: Dynamics, keys: Sequence[str], size: tuple[int, ...], *, seed: int, world: str
) -> Innovations:
    """Draw what chance adds, each quantity of each workload from a stream of its own.

    ``size`` is (..., day); ``world`` names the future that is drawn, so that a future differs from the history.
    """

    def rng(purpose: str, key: str) -> np.random.Generator:
        return stream(seed, world, purpose, key)

    def events(purpose: str, key: str, rate: float) -> NDArray[np.bool_]:
        return rng(purpose, key).random(size) < rate / DAYS_A_YEAR

    columns: dict[str, list[Floats]] = {n: [] for n in ("start", "wander", "walk", "step", "noise", "burst", "on")}
    forget = float(np.sqrt(1.0 - _WANDER**2))
    for i, key in enumerate(keys):
        columns["start"].append(dynamics.growth_sd[i] * rng("start", key).standard_normal(size[:-1]))
        columns["wander"].append(dynamics.growth_sd[i] * forget * rng("growth", key).standard_normal(size))
        steps = _student(rng("step size", key), 4.0, size) * dynamics.step_sd[i]
        step = np.where(events("step", key, dynamics.step_rate[i]), steps, 0.0)
        walk = dynamics.level_sd[i] / float(np.sqrt(DAYS_A_MONTH)) * rng("level", key).standard_normal(size)
        columns["step"].append(step)
        columns["walk"].append(walk + step)
        fresh = float(np.sqrt(1.0 - dynamics.persistence[i] ** 2)) * dynamics.sd[i]
        columns["noise"].append(fresh * _student(rng("noise", key), dynamics.tails[i], size))
        sizes = dynamics.burst_size[i] * rng("burst size", key).standard_exponential(size)
        columns["burst"].append(
            np.where(events("burst", key, dynamics.burst_rate[i]), np.minimum(sizes, _LARGEST_BURST), 0.0)
        )
        columns["on"].append(rng("active", key).random(size))
    common = float(np.sqrt(1.0 - dynamics.shared_persistence**2)) * dynamics.shared_sd
    shocks = dynamics.shock_sd * _student(rng("shock size", "all"), 4.0, size)
    return Innovations(
        **{name: np.stack(column, axis=-1) for name, column in columns.items()},
        shared=common * rng("shared", "all").standard_normal(size),
        shock=np.where(events("shock", "all", dynamics.shock_rate), shocks, 0.0),
    )


def advance(dynamics: Dynamics, start: State, chance: Innovations) -> Trajectory:
    """Run the process from the day after ``start`` through as many days as ``chance`` has."""
    shape = chance.noise.shape
    days = shape[-2]
    out = Trajectory(
        level=np.empty(shape),
        wander=np.empty(shape),
        noise=np.empty(shape),
        burst=np.empty(shape),
        on=np.empty(shape, dtype=bool),
        shared=np.empty(shape[:-1]),
        shock=np.empty(shape[:-1]),
    )
    trend = dynamics.growth / DAYS_A_MONTH
    kept = dynamics.active_persistence
    level, wander, noise, burst, on = start.level, start.wander, start.noise, start.burst, start.on
    shared, shock = start.shared, start.shock
    for t in range(days):
        wander = _WANDER * wander + chance.wander[..., t, :]
        level = level + trend + wander / DAYS_A_MONTH + chance.walk[..., t, :]
        noise = dynamics.persistence * noise + chance.noise[..., t, :]
        burst = dynamics.burst_decay * burst + chance.burst[..., t, :]
        on = chance.on[..., t, :] < dynamics.active + kept * (on - dynamics.active)
        shared = dynamics.shared_persistence * shared + chance.shared[..., t]
        shock = dynamics.shock_decay * shock + chance.shock[..., t]
        out.level[..., t, :] = level
        out.wander[..., t, :] = wander
        out.noise[..., t, :] = noise
        out.burst[..., t, :] = burst
        out.on[..., t, :] = on
        out.shared[..., t] = shared
        out.shock[..., t] = shock
    return out


def first_state(dynamics: Dynamics, level: Floats, chance: Innovations) -> State:
    """The state before the first day: the given log level (workload,), and no noise yet."""
    return State(
        level=level - dynamics.growth / DAYS_A_MONTH,
        wander=chance.start,
        noise=np.zeros_like(level),
        burst=np.zeros_like(level),
        on=dynamics.active > 0.5,
        shared=np.zeros(()),
        shock=np.zeros(()),
    )


def _student(generator: np.random.Generator, df: float, size: tuple[int, ...]) -> Floats:
    """Student draws of unit variance, cut at 4; normal ones for df = 0."""
    if df == 0:
        return generator.standard_normal(size)
    return np.clip(generator.standard_t(df, size) * float(np.sqrt((df - 2.0) / df)), -_CUT, _CUT)
