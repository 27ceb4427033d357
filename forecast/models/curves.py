"""Adoption curves: use that rises towards a ceiling. Comes in: a panel. Goes out: forecasts from the end and past cuts.

Everything about a curve itself, its fit and its draws is in :mod:`forecast.models.curve_fitting`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args

import numpy as np
import pandas as pd

from forecast.errors import ModelError, nearest, one_of
from forecast.models.curve_fitting import Before, Curves, Kind, Levels, drawn, fitted, log_share
from forecast.models.curve_history import RECENT, Seen, seen_at
from forecast.models.falling_back import INSTEAD, NoneFittedError, with_fallback
from forecast.models.one_by_one import Paths
from forecast.models.protocol import Futures, Model, Rolled, checked
from forecast.panel import FloatArray, IntArray, Panel
from forecast.ranges import Z90, Between
from forecast.shown import short_repr
from forecast.streams import stream

Ceiling = float | Between
#: The ceiling over the recent level, where none is given: P10 and P90.
MULTIPLE: Final = Between(1.2, 8.0)
#: Mean and standard deviation of where a curve starts: logit of the share at the launch; log b; log (q/p).
START: Final = {"logistic": (-3.0, 2.0), "gompertz": (1.1, 0.7), "bass": (2.5, 1.5)}
#: Rate times the time from 10 to 90 % of the ceiling; the median of that time in days, and its log's deviation.
WAY: Final = {"logistic": math.log(81), "gompertz": math.log(math.log(0.1) / math.log(0.9)), "bass": math.log(81)}
DAYS, DAYS_SPREAD = 365.0, 1.0
#: What is added before logs are taken, over the recent level.
OFFSET = 0.1
#: How many periods tell the mean length of one.
AVERAGED = 12


@dataclass(frozen=True, kw_only=True)
class AdoptionCurve:
    """A curve that rises to a ceiling: logistic, Gompertz, or Bass's share of users so far.

    The level (the mean of a season: of a week, for daily series) is::

        log y_t = log K + log S(t; start, rate) + u_t,      u_t = tie u_{t-1} + noise

    times the phase of the season; t counts periods since a series' first use, and S is
    :func:`forecast.models.curve_fitting.log_share`'s. The point is the curve of the posterior's mode (MAP), with the
    last deviation dying out as ``tie`` says. Gaps are left out of the fit. No yearly season is modelled.

    Before its inflection a curve says nothing of its ceiling: what is assumed of it decides. Unless it is given, the
    ceiling over the recent level (four seasons) is log-normal, in four of five cases between 1.2 and 8: of the ranges
    tried on made-up products (``benchmarks/curves.py``) the one that serves them best from 20 to 80 % of the way. The
    time from 10 to 90 % of the ceiling is log-normal about a year (a factor of e is one standard deviation). The start
    is normal: logit of the share at launch -3 +- 2, Gompertz's log b 1.1 +- 0.7, Bass's log(q/p) 2.5 +- 1.5 (p = 0.03
    and q = 0.38 a year are what durable goods have shown; here only their ratio is used).

    Parameters
    ----------
    kind : {"logistic", "gompertz", "bass"}
        The logistic is symmetric about its inflection at half the ceiling; Gompertz turns at 37 % of it; Bass rises
        from nothing at the first use, and suits series whose launch is in the history.
    ceiling : float, Between, or mapping of series to either, optional
        What the planner knows of the ceiling, in the series' unit a period, mean over a season; a range is its P10 and
        P90. Series that a mapping does not name have the default. It also holds at past cuts.
    multiple : float or Between
        The ceiling over the recent level where none is given.
    pool : bool
        Learn start and rate from all series of the panel: how other products grew tells how a young one will.
    fallback : str or Model, optional
        What forecasts series that no curve fits: too short, with values below 0, falling (the last quarter below 80 %
        of the highest), resting, or jumping (usually by more than a factor of 2 from week to week); and by Bass one
        whose launch lies before the history (its first month is above 30 % of its highest week). The result's
        notes name them. None refuses.
    paths : {"joint", "own"}
        Sample paths calibrated around the point, as of every model; or the curve's own: parameters drawn from the
        posterior, deviations and days within a season added, uncalibrated.
    name : str
        What tables and messages call it; the kind, unless given.

    Raises
    ------
    ModelError
        An argument does not hold; a given ceiling lies below the largest recent level (a mean of four seasons) of its
        series.

    Notes
    -----
    Source: Bass (1969), doi:10.1287/mnsc.15.5.215; Gompertz (1825), doi:10.1098/rstl.1825.0026; Meade and Islam
    (2006), doi:10.1016/j.ijforecast.2006.01.005.
    """

    __repr__ = short_repr

    kind: Kind = "logistic"
    ceiling: Ceiling | Mapping[str, Ceiling] | None = None
    multiple: Ceiling = MULTIPLE
    pool: bool = True
    fallback: str | Model | None = "seasonal_mean"
    paths: Paths = "joint"
    name: str = ""

    def __post_init__(self) -> None:
        """Check the arguments."""
        from forecast.models import model_of

        one_of("kind", self.kind, get_args(Kind), ModelError)
        one_of("paths", self.paths, get_args(Paths), ModelError)
        if not isinstance(self.pool, bool):
            raise ModelError(f"pool={self.pool!r}: wanted True or False")
        if isinstance(self.ceiling, Mapping):
            for series, one in self.ceiling.items():
                _amount(f"ceiling of series {series!r}", one)
        elif self.ceiling is not None:
            _amount("ceiling", self.ceiling)
        _amount("multiple", self.multiple)
        if not self.name:
            object.__setattr__(self, "name", self.kind)
        if self.fallback is not None:
            object.__setattr__(self, "fallback", model_of(self.fallback))

    # ------------------------------------------------------------------------------------------------- the protocol

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        return self.roll(panel, horizon, np.zeros(0, dtype=np.intp), 1).point

    def roll(self, panel: Panel, horizon: int, cuts: IntArray, length: int) -> Rolled:
        """Forecast from the end and from each cut, each with what was known then."""
        count = len(panel.series)
        seen = [self._seen(panel, int(cut)) for cut in (*cuts, len(panel.values))]
        if not seen[-1].good.any():
            raise self._refused(panel, seen[-1])
        fit = self._fitted(panel, seen)
        point, past = np.full((horizon, count), np.nan), np.full((len(cuts), length, count), np.nan)
        for k, known in enumerate(seen):
            out = point if k == len(cuts) else past[k]
            of = np.nonzero(fit.cut == k)[0]
            columns = fit.column[of]
            part = fit.curves.part(of)
            ahead = known.ahead(len(out))[:, columns]
            share = log_share(self.kind, ahead, part.theta[:, 1], part.theta[:, 2]).log
            left = part.tie ** known.blocks_ahead(len(out))[:, columns] * part.last
            phase = known.within(self.kind, part, columns).phase
            out[:, columns] = np.exp(part.theta[:, 0] + share + left) * phase[np.arange(len(out)) % known.season]
        return self._with_fallback(panel, seen[-1], Rolled(point, past, cuts, self._words(panel, seen[-1], fit)))

    def futures(self, panel: Panel, horizon: int, count: int, seed: int) -> Futures:
        """The curves' own sample paths of the series that they were fitted to, if ``paths="own"``: else none."""
        if self.paths == "joint":
            return Futures(np.zeros((count, horizon, 0)), np.zeros(0, dtype=np.intp))
        seen = self._seen(panel, len(panel.values))
        fit = self._fitted(panel, [seen])
        ahead, blocks = seen.ahead(horizon), -(-horizon // seen.season)
        gap = seen.blocks_ahead(1)[0]
        within = seen.within(self.kind, fit.curves, fit.column)
        values = np.empty((count, horizon, len(fit.column)))
        step = np.arange(horizon)
        for i, column in enumerate(fit.column):
            rng = stream(seed, "own", self.name, panel.series[column])
            one = fit.curves.part(np.array([i]))
            theta, noise = drawn(self.kind, fit.levels.part(np.array([i])), one, count, rng)
            share = log_share(self.kind, ahead[:, column], theta[:, 1:2], theta[:, 2:3]).log
            wander = _wander(float(one.last[0]), float(one.tie[0]), int(gap[column]), noise, blocks, rng)
            shape = within.shape[rng.integers(len(within.shape), size=(count, blocks)), :, i].reshape(count, -1)
            log = theta[:, :1] + share + wander[:, step // seen.season]
            values[:, :, i] = np.exp(log) * within.phase[step % seen.season, i] * shape[:, :horizon]
        return Futures(values, fit.column)

    # ----------------------------------------------------------------------------------------------------- its parts

    def _seen(self, panel: Panel, cut: int) -> Seen:
        """What is known at a cut; Bass counts from the launch, so that has to be in the history."""
        return seen_at(panel, cut, since_launch=self.kind == "bass")

    def _fitted(self, panel: Panel, seen: list[Seen]) -> _Fit:
        """Fit all series at all cuts at once."""
        self._check_caps(panel, seen[-1])
        cut = np.concatenate([np.full(int(s.good.sum()), k) for k, s in enumerate(seen)]).astype(np.intp)
        column = np.concatenate([np.nonzero(s.good)[0] for s in seen]).astype(np.intp)
        blocks = max(len(s.level) for s in seen)
        level, t = (np.full((len(cut), blocks), np.nan) for _ in range(2))
        recent = np.zeros(len(cut))
        for k, s in enumerate(seen):
            rows = cut == k
            level[rows, blocks - len(s.level) :] = s.level[:, s.good].T
            t[rows, blocks - len(s.level) :] = s.t[:, s.good].T
            recent[rows] = s.recent[s.good]
        levels = Levels.of(level, t, OFFSET * recent)
        before = self._before(panel, column, recent)
        return _Fit(fitted(self.kind, levels, before, cut, pool=self.pool), levels, cut, column)

    def _before(self, panel: Panel, column: IntArray, recent: FloatArray) -> Before:
        """What is assumed: normals of log ceiling, start and log rate."""
        mean, root = np.zeros((len(column), 3)), np.zeros((len(column), 3, 3))
        for p, i in enumerate(column):
            given = self._ceiling(panel.series[i])
            centre, spread = _log_normal(self.multiple if given is None else given)
            mean[p, 0], root[p, 0, 0] = centre + (math.log(recent[p]) if given is None else 0.0), spread
        days = (panel.future(AVERAGED)[-1] - panel.periods[-1]) / pd.Timedelta(days=AVERAGED)
        mean[:, 1], root[:, 1, 1] = START[self.kind]
        mean[:, 2], root[:, 2, 2] = math.log(WAY[self.kind] * days / DAYS), DAYS_SPREAD
        return Before(mean, root)

    def _ceiling(self, series: str) -> Ceiling | None:
        return self.ceiling.get(series) if isinstance(self.ceiling, Mapping) else self.ceiling

    def _check_caps(self, panel: Panel, seen: Seen) -> None:
        """Refuse a ceiling that use has passed."""
        for i in np.nonzero(seen.good)[0]:
            given = self._ceiling(panel.series[i])
            if given is None:
                continue
            cap = given.high if isinstance(given, Between) else given
            if cap < (largest := seen.largest(int(i))):
                raise ModelError(
                    f"model {self.name!r}, series {panel.series[i]!r}: ceiling={given} lies below its largest recent "
                    f"level, {largest:,.6g} a period (mean of {RECENT * seen.season} periods); give a higher "
                    "ceiling, or none"
                )

    def _words(self, panel: Panel, seen: Seen, fit: _Fit) -> tuple[str, ...]:
        """What was fitted, a sentence a series."""
        words = [f"{self.name}: not fitted"] * len(panel.series)
        end = np.nonzero(fit.cut == fit.cut.max())[0]
        pooled = f"; start and rate pooled over {len(end)} series" if self.pool and len(end) > 1 else ""
        for p in end:
            i = fit.column[p]
            log, start, rate = fit.curves.theta[p]
            off = Z90 * math.sqrt(fit.curves.spread[p, 0, 0])
            share = math.exp(float(log_share(self.kind, seen.ahead(1)[0, i] - 1, start, rate).log))
            low, high = math.exp(log - off), math.exp(log + off)
            words[i] = (
                f"{self.name}: ceiling {math.exp(log):,.6g} (P10-P90 {low:,.6g} to {high:,.6g}), {share:.0%} of it "
                f"reached, 10 to 90 % in {WAY[self.kind] / math.exp(rate):,.0f} periods{pooled}"
            )
        return tuple(words)

    def _with_fallback(self, panel: Panel, seen: Seen, rolled: Rolled) -> Rolled:
        """Put the fallback's forecasts where there is no curve, and say so."""
        reasons = {int(i): seen.why[i] for i in np.flatnonzero(~seen.good)}
        told = Rolled(rolled.point, rolled.past, rolled.cuts, rolled.method, (*rolled.notes, *self._unnamed(panel)))
        made = with_fallback(told, panel, name=self.name, fallback=self.fallback, reasons=reasons)
        checked(self, made.point, made.point.shape)
        return made

    def _refused(self, panel: Panel, seen: Seen) -> NoneFittedError:
        """What is raised where no series has a curve."""
        shown = "; ".join(f"{s}: {why}" for s, why in list(zip(panel.series, seen.why, strict=True))[:5])
        more = f"; and {len(panel.series) - 5} more" if len(panel.series) > 5 else ""
        return NoneFittedError(f"model {self.name!r} could not be fitted to any series ({shown}{more}). {INSTEAD}")

    def _unnamed(self, panel: Panel) -> tuple[str, ...]:
        """Name ceilings that belong to no series."""
        if not isinstance(self.ceiling, Mapping):
            return ()
        lost = [s for s in self.ceiling if s not in panel.series]
        return tuple(f"{self.name}: no series {s!r}, which has a ceiling{nearest(s, panel.series)}" for s in lost[:5])


@dataclass(frozen=True, slots=True)
class _Fit:
    """Curves of problems; which cut and which series each is: int arrays (problem,)."""

    curves: Curves
    levels: Levels
    cut: IntArray
    column: IntArray


# ------------------------------------------------------------------------------------------------------ small numbers


def _wander(last: float, tie: float, gap: int, noise: FloatArray, blocks: int, rng: np.random.Generator) -> FloatArray:
    """Deviations ahead, ``gap`` blocks after the last known: (draw, block)."""
    out = np.empty((len(noise), blocks))
    link = tie**gap
    before = np.full(len(noise), last)
    for k in range(blocks):
        before = link * before + math.sqrt(1 - link**2) * noise * rng.standard_normal(len(noise))
        out[:, k], link = before, tie
    return out


def _log_normal(value: Ceiling) -> tuple[float, float]:
    """The mean and standard deviation of the log of a number, 0 for one that is given, or of a P10 and P90."""
    if isinstance(value, Between):
        low, high = math.log(value.low), math.log(value.high)
        return (low + high) / 2, (high - low) / (2 * Z90)
    return math.log(value), 0.0


def _amount(what: str, value: object) -> None:
    low = value.low if isinstance(value, Between) else value
    if isinstance(low, bool) or not isinstance(low, int | float | np.number) or not 0 < low < math.inf:
        raise ModelError(f"{what} = {value!r}: wanted a number above 0, or between(low, high) of such numbers")
