"""Cold starts: series with little or no history. Comes in: a panel, what is expected, and when. Goes out: futures.

What peers did at their start, what the planner expects, and the days seen so far are weighed by Bayes' rule: the fewer
days there are, the more the first two count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from forecast.errors import ModelError, ScenarioError
from forecast.models.age import DAYS_A_PERIOD, YOUNG, ages
from forecast.models.baselines import SeasonalMean
from forecast.models.one_by_one import OneByOne
from forecast.models.peers import ANYTHING, Peers, peers_of
from forecast.models.protocol import Futures, Model, Rolled, roll
from forecast.panel import BoolArray, FloatArray, IntArray, Panel
from forecast.ranges import Uncertain, in_domain, uncertain, values
from forecast.streams import stratified, stream

#: Draws whose median is the point.
POINTS = 1_000
#: Nobody knows a level better than this beforehand (sd of its log): days that say otherwise win in time.
LEAST_DOUBT = 0.1
#: Frequencies by which launches are followed.
FOLLOWED = ("D", "B")
#: The most that the log of a period's use can be.
MOST_LOG = 60.0


@dataclass(frozen=True, slots=True)
class Demand:
    """What a product will use a day once it is grown: users × requests × (tokens + reasoning).

    Each is a number, ``between(low, high)`` (P10 to P90, log-normal) or a frozen ``scipy.stats`` distribution. Leave
    ``tokens`` out where the series counts requests.

    Parameters
    ----------
    users : uncertain number
        Active on a usual day.
    requests : uncertain number
        Of a user, a day.
    tokens : uncertain number
        Of a request, in and out, without reasoning.
    reasoning : uncertain number
        Reasoning tokens of a request, which are billed and seldom seen beforehand.

    Raises
    ------
    ModelError
        A number is negative, or no number.
    """

    users: Uncertain
    requests: Uncertain = 1.0
    tokens: Uncertain = 1.0
    reasoning: Uncertain = 0.0

    def __post_init__(self) -> None:
        """Check each factor."""
        for name in ("users", "requests", "tokens", "reasoning"):
            object.__setattr__(self, name, _amount(getattr(self, name), f"Demand: {name}"))

    def draw(self, count: int, seed: int, key: str) -> FloatArray:
        """Draw the day's use: float array (draw,)."""
        drawn = {
            name: values(getattr(self, name), stratified(seed, count, "demand", key, name), "amount")
            for name in ("users", "requests", "tokens", "reasoning")
        }
        return np.asarray(drawn["users"] * drawn["requests"] * (drawn["tokens"] + drawn["reasoning"]))


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Series that have just begun, or are about to, beside a model of those that are grown.

    With a the age in days and g the growth a month, a day's use is modelled as

        log y = level + log(1 - exp(-((a + 1) / tau)^k)) + g a / 30.4 + weekday + a walk + noise,

    noise of first-order dependence. Prior: the level as ``expected`` says, else as that of the panel's grown series (a
    wide log-normal); tau and k (how fast, and how S-shaped, a product grows) as the launches that the panel saw, beside
    a shipped prior that is worth three launches: tau 30 days within a factor of 2.2, k around 1; weekdays, walk and
    noise as of the grown series, among which they differ. The days seen are weighed in by Bayes' rule, which is
    credibility: a week tells much of the level reached and little of where it will end.

    Its sample paths are its own, tied to the other series' by rank. A series counts as launched until it is 56 days
    old: if it begins two weeks or more after the panel, or is named in ``expected``.

    Parameters
    ----------
    rest : str or Model
        What forecasts the grown series.
    expected : mapping of str to Demand or uncertain number
        By series, what it will use on a mean day once it is grown, in its own unit. A plain number is taken to within
        10 %. A forecast from a past date takes what is expected now.
    on : mapping of str to date
        Series that have not begun, and the day on which they will: they are forecast beside those of the frame.
    name : str
        What tables and messages call it.

    Raises
    ------
    ModelError
        A series is named that is neither in the panel nor in ``on``; there is nothing to judge a launch by; a date
        cannot be read; or the periods are not days.

    Notes
    -----
    The growth curve is the Weibull's distribution function; a mixture of peers' posteriors stands for their pooled
    shape. Source of the idea: Bühlmann (1967), Experience rating and credibility, doi:10.1017/S0515036100008989.
    """

    name: str = "launch"
    rest: str | Model = "auto"
    expected: Mapping[str, Demand | Uncertain] = field(default_factory=dict)
    on: Mapping[str, str | pd.Timestamp] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what is expected, and when."""
        from forecast.models import model_of

        rest = model_of(self.rest)
        if isinstance(rest, Launch):
            raise ModelError("rest: 'launch' itself cannot forecast the grown series; name another model")
        if getattr(rest, "paths", "joint") == "own" or getattr(rest, "planned", ()):
            raise ModelError(f"rest: of {rest.name!r} the point is taken: leave out paths='own' and planned series")
        object.__setattr__(self, "rest", rest)
        for what, given in (("expected", self.expected), ("on", self.on)):
            if not isinstance(given, Mapping):
                raise ModelError(f"{what}={given!r}: wanted a mapping from series, as {what}={{'search': ...}}")
        told = {
            str(s): e if isinstance(e, Demand) else _amount(e, f"expected of {s!r}") for s, e in self.expected.items()
        }
        object.__setattr__(self, "expected", told)
        object.__setattr__(self, "on", {str(s): _day(str(s), day) for s, day in self.on.items()})

    @property
    def planned(self) -> tuple[str, ...]:
        """Series that it forecasts beside those of the frame."""
        return tuple(self.on)

    @property
    def named(self) -> tuple[str, ...]:
        """Series that must be among those that are forecast."""
        return tuple(self.expected)

    # ------------------------------------------------------------------------------------------------- the protocol

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        return self.roll(panel, horizon, np.zeros(0, dtype=np.intp), 1).point

    def roll(self, panel: Panel, horizon: int, cuts: IntArray, length: int) -> Rolled:
        """Forecast the grown series by ``rest``; of the young ones the point is the median of their futures."""
        rolled = self._rest(panel, horizon, cuts, length)
        young, peers = self._known(panel)
        made = self._futures(panel, young, peers, horizon, POINTS, 0)
        point, words = rolled.point.copy(), list(rolled.method)
        point[:, made.columns] = np.median(made.values, axis=0)
        if peers is not None:
            for i in made.columns:
                words[i] = self._told(panel, int(i), peers)
        notes = (*rolled.notes, *self._said(panel, young, peers))
        return Rolled(point, rolled.past, cuts, tuple(words), notes)

    def _told(self, panel: Panel, i: int, peers: Peers) -> str:
        """What the futures of a young series rest on."""
        seen = int(np.isfinite(_since(panel.values[:, i])[0]).sum())
        level = "as expected" if panel.series[i] in self.expected else f"of {peers.grown} grown series"
        return f"launch: {seen} periods seen; level {level}; shape of {peers.launches} launches and the shipped prior"

    def _said(self, panel: Panel, young: BoolArray, peers: Peers | None) -> tuple[str, ...]:
        """What a reader must be told: levels that nobody stated, and arguments that say nothing."""
        bare = [s for s, y in zip(panel.series, young, strict=True) if y and s not in self.expected]
        idle = [s for s, y in zip(panel.series, young, strict=True) if not y and (s in self.expected or s in self.on)]
        notes = []
        if bare and peers is not None:
            told = ", ".join(bare[:5]) + (f" and {len(bare) - 5} more" if len(bare) > 5 else "")
            notes.append(f"launch: nothing is expected of {told}: the level is judged by {peers.grown} grown series")
        if idle:
            notes.append(
                f"launch: {', '.join(idle[:5])}: older than {YOUNG:.0f} days, so expected= and on= say nothing"
            )
        return tuple(notes)

    def _rest(self, panel: Panel, horizon: int, cuts: IntArray, length: int) -> Rolled:
        """Forecast by ``rest``; where that is fitted series by series, it need not take those that have just begun."""
        assert not isinstance(self.rest, str)
        young = self.young(panel)
        if not young.any() or not isinstance(self.rest, OneByOne):
            rolled = roll(self.rest, panel, horizon, cuts, length)
            return replace(rolled, method=rolled.method or (self.rest.name,) * len(panel.series))
        point = np.empty((horizon, len(young)))
        past = np.empty((len(cuts), length, len(young)))
        words = np.empty(len(young), dtype=object)
        notes: tuple[str, ...] = ()
        for model, mine in ((self.rest, ~young), (SeasonalMean(), young)):
            if mine.any():
                part = roll(model, panel.part(mine), horizon, cuts, length)
                point[:, mine], past[:, :, mine] = part.point, part.past
                words[mine] = part.method
                notes = (*notes, *part.notes)
        return Rolled(point, past, cuts, tuple(words), notes)

    def futures(self, panel: Panel, horizon: int, count: int, seed: int) -> Futures:
        """Futures of the young series and of those that are planned: see :class:`Launch`."""
        young, peers = self._known(panel)
        return self._futures(panel, young, peers, horizon, count, seed)

    def _known(self, panel: Panel) -> tuple[BoolArray, Peers | None]:
        """Which series are young, and what their peers tell; None where none is."""
        young = self.young(panel)
        if not young.any():
            return young, None
        if panel.freq not in FOLLOWED:
            raise ModelError(
                f"a launch is followed by day, not by freq={panel.freq!r}: give the series by day, and sum the paths "
                "with .total(...)"
            )
        return young, peers_of(panel, young)

    def _futures(
        self, panel: Panel, young: BoolArray, peers: Peers | None, horizon: int, count: int, seed: int
    ) -> Futures:
        columns = np.flatnonzero(young)
        drawn = np.zeros((count, horizon, len(columns)))
        if peers is not None:
            for k, i in enumerate(columns):
                drawn[:, :, k] = self._draw(panel, int(i), peers, horizon, count, seed)
        return Futures(drawn, columns)

    def young(self, panel: Panel) -> BoolArray:
        """Which series it takes: bool (series,)."""
        known = np.isfinite(panel.values)
        age = ages(panel, np.array([len(panel.values)], dtype=np.intp))[0]
        daily = DAYS_A_PERIOD.get(panel.freq, np.inf)
        lived = (len(panel.values) - np.argmax(known, axis=0)) * daily
        named = np.array([s in self.expected or s in self.on for s in panel.series])
        return np.asarray((age < YOUNG) | (named & (lived < YOUNG)) | ~known.any(axis=0))

    # --------------------------------------------------------------------------------------------------- one series

    def _draw(self, panel: Panel, i: int, peers: Peers, horizon: int, count: int, seed: int) -> FloatArray:
        """Futures of one series: (count, horizon)."""
        series = panel.series[i]
        daily = DAYS_A_PERIOD[panel.freq]
        mean, sd = self._level(series, peers, count, seed)
        values, begun = _since(panel.values[:, i])
        wait = self._wait(panel, i, horizon)
        seen = len(values)
        t = np.arange(seen + horizon) - (0 if seen else wait)
        age = np.maximum(t, 0) * daily
        season = peers.season[(begun + np.arange(seen + horizon)) % len(peers.season)]
        if not seen and sd >= ANYTHING:
            raise ModelError(
                f"launch {series!r}: there is no grown series in the panel to judge its level by; say what is "
                f"expected={{{series!r}: ...}}: between(low, high), or fc.Demand(users=..., requests=..., tokens=...)"
            )
        past = np.maximum(values, 0.0)
        middle, spread, weight = peers.posterior(past, age[:seen], season[:seen], mean, sd)
        rng = stream(seed, "launch", series)
        pick = _resampled(weight, count, rng)
        level = middle[pick] + spread[pick] * rng.standard_normal(count)
        log = level[:, None] + peers.curve(age[seen:])[pick] + season[seen:] + peers.wander(horizon, pick, rng)
        path = np.exp(np.minimum(log, MOST_LOG))
        path[:, t[seen:] < 0] = 0.0
        return path

    def _level(self, series: str, peers: Peers, count: int, seed: int) -> tuple[float, float]:
        """Mean and standard deviation of the log level, before anything was seen of the series."""
        told = self.expected.get(series)
        if told is None:
            return peers.level, peers.level_sd
        number = max(count, POINTS)
        if isinstance(told, Demand):
            drawn = told.draw(number, seed, series)
        else:
            drawn = values(told, stratified(seed, number, "expected", series), "amount")
        if not (drawn > 0).all():
            raise ModelError(f"launch {series!r}: what is expected must be above 0, and draws of it are not")
        log = np.log(drawn)
        return float(log.mean()), max(float(log.std()), LEAST_DOUBT)

    def _wait(self, panel: Panel, i: int, horizon: int) -> int:
        """Periods until a series that was not seen yet begins; at least the next one."""
        day = self.on.get(panel.series[i])
        if day is None:
            return 0
        return int(panel.future(horizon).searchsorted(pd.Timestamp(day)))


def _since(values: FloatArray) -> tuple[FloatArray, int]:
    """A series from its first use on, and where that stands; nothing, and the end, where it has none."""
    there = np.nan_to_num(values) > 0
    begun = int(np.argmax(there)) if there.any() else len(values)
    return values[begun:], begun


def _resampled(weight: FloatArray, count: int, rng: np.random.Generator) -> IntArray:
    """Particles in proportion to their weight, systematically, in random order: (count,)."""
    at = (np.arange(count) + rng.uniform()) / count
    pick = np.searchsorted(np.cumsum(weight) / weight.sum(), at, side="right")
    return np.asarray(rng.permutation(np.minimum(pick, len(weight) - 1)), dtype=np.intp)


def _amount(value: object, what: str) -> Uncertain:
    try:
        read = uncertain(value, what)
        in_domain(read, "amount", what)
    except ScenarioError as cause:
        raise ModelError(str(cause)) from cause
    return read


def _day(series: str, given: object) -> pd.Timestamp:
    try:
        read = pd.Timestamp(given)  # type: ignore[arg-type]
    except (ValueError, TypeError) as cause:
        raise ModelError(f"on: {series!r} begins on {given!r}, which is not a date; write it as 2026-03-01") from cause
    if pd.isna(read):
        raise ModelError(f"on: {series!r} begins on {given!r}, which is not a date; write it as 2026-03-01")
    return read.tz_localize(None).normalize()
