"""Forecasts of the known past. Comes in: series or usage, a model and a cut. Goes out: the model's scores there.

Only what lies before the cut goes to the model and to the making of its paths.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

from forecast.calendars import Calendar
from forecast.cleaning import Cleaning, check_names
from forecast.dependence import trajectories
from forecast.errors import HorizonError, ModelError, PriceError
from forecast.lanes import Unpriced
from forecast.models import Model
from forecast.panel import BoolArray, FloatArray, IntArray, Panel
from forecast.prices import PriceBook
from forecast.projection import LEAST_HISTORY, LEAST_MONTHS, ProjectionSpec, names_of, projected
from forecast.sampling import check_count
from forecast.schema import UNASSIGNED
from forecast.scorecard import Part
from forecast.scoring import Origin, OriginScores, score_paths
from forecast.usage import Usage
from forecast.usage_rows import OTHER
from forecast.usage_totals import DailyTotals, Names, daily_totals, members_of, projected_totals

#: What the sum over workloads is called.
ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class Asked:
    """What every forecast of a backtest is asked for."""

    horizon: int
    draws: int
    seed: int
    calendar: Calendar


class Known(Protocol):
    """A known past that can be cut and forecast."""

    @property
    def periods(self) -> pd.DatetimeIndex:
        """Every known period: (period,)."""
        ...

    @property
    def freq(self) -> str:
        """The pandas alias of one period."""
        ...

    @property
    def least(self) -> int:
        """Periods that a forecast needs before it."""
        ...

    @property
    def currency(self) -> str | None:
        """What money is in."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out or assumed."""
        ...

    def started(self, cut: int) -> bool:
        """Whether anything has a value by then."""
        ...

    def score(self, model: Model, cut: int, asked: Asked) -> OriginScores:
        """Forecast from the first ``cut`` periods, and score against those that follow."""
        ...

    def parts(self, found: list[OriginScores]) -> tuple[Part, ...]:
        """The series that were scored."""
        ...


@dataclass(frozen=True, slots=True)
class KnownSeries:
    """Plain series."""

    panel: Panel
    least: int = 2
    currency: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def periods(self) -> pd.DatetimeIndex:
        """Every known period: (period,)."""
        return self.panel.periods

    @property
    def freq(self) -> str:
        """The pandas alias of one period."""
        return self.panel.freq

    def started(self, cut: int) -> bool:
        """Whether any series has a value by then."""
        return bool(np.isfinite(self.panel.values[:cut]).any())

    def score(self, model: Model, cut: int, asked: Asked) -> OriginScores:
        """Forecast the series that have started, and score them."""
        whole = self.panel.until(cut)
        started: BoolArray = np.isfinite(whole.values).sum(axis=0) > 0
        known = Panel(whole.values[:, started], whole.periods, tuple(np.array(whole.series)[started]), whole.freq)
        made = trajectories(known, model, horizon=asked.horizon, count=asked.draws, seed=asked.seed)
        actual = self.panel.values[cut : cut + asked.horizon, started]
        origin = Origin(known, actual, np.zeros(len(known.series), dtype=np.intp), asked.calendar)

        def paths(block: slice) -> FloatArray:
            return made.paths(slice(None), block)

        return score_paths(origin, paths, made.point, draws=asked.draws, parts=1, notes=made.notes)

    def parts(self, found: list[OriginScores]) -> tuple[Part, ...]:
        """All series, whether or not they were scored."""
        return (Part("", "", self.panel.series),)


@dataclass(frozen=True, slots=True)
class KnownUsage:
    """Usage, as tokens and cost of workloads and of the organisation.

    Attributes
    ----------
    usage : Usage
    totals : DailyTotals
        What was used, and what it cost at the price book.
    prices : PriceBook, optional
    by : tuple of str
    max_series : int
    unpriced : {"refuse", "exclude"}
    cleaning : Cleaning, optional
        What is done to the history of each origin, as far as it was known there.
    """

    usage: Usage
    totals: DailyTotals
    prices: PriceBook | None
    by: tuple[str, ...]
    max_series: int
    unpriced: Unpriced
    cleaning: Cleaning | None
    _labels: dict[Names, str] = field(init=False)

    def __post_init__(self) -> None:
        """Give every workload, pooled ones included, a name of its own."""
        pooled = {
            tuple(OTHER if o else n for o, n in zip(tail_of(self.by), w, strict=True)) for w in self.totals.workloads
        }
        every = sorted({*self.totals.workloads, *pooled}, key=str)
        plain = ["|".join(_word(c, n) for c, n in zip(self.by, names, strict=True)) for names in every]
        told = plain if len(set(plain)) == len(plain) else [str(names) for names in every]
        object.__setattr__(self, "_labels", dict(zip(every, told, strict=True)))
        if self.cleaning is not None:
            check_names(self.cleaning, names_of(every))

    @property
    def periods(self) -> pd.DatetimeIndex:
        """Every known period: (period,)."""
        return self.totals.periods

    @property
    def freq(self) -> str:
        """The pandas alias of one period."""
        return "MS" if self.usage.grain == "month" else "D"

    @property
    def least(self) -> int:
        """Periods that a projection needs before it."""
        return LEAST_MONTHS if self.usage.grain == "month" else LEAST_HISTORY

    @property
    def currency(self) -> str | None:
        """What cost is in."""
        return self.totals.currency

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out or assumed."""
        priced = "no prices were given: cost is not scored"
        if self.prices is not None:
            priced = (
                "cost is priced at the dated price book on both sides, prices after an origin included: what is judged "
                "is usage"
            )
        if self.cleaning is None:
            return (priced, "volume is fitted as it was measured (cleaning=None)", *self.totals.notes)
        return (priced, *self.totals.notes)

    def started(self, cut: int) -> bool:
        """Whether any workload has used something by then."""
        return bool(self.totals.until(cut))

    def score(self, model: Model, cut: int, asked: Asked) -> OriginScores:
        """Project the drivers, and score tokens and cost of each workload and of the organisation."""
        as_of, ahead = self.periods[cut - 1], self.periods[cut : cut + asked.horizon]
        spec = ProjectionSpec(
            start=f"{ahead[0]:%Y-%m-%d}",
            end=f"{ahead[-1]:%Y-%m-%d}",
            model=model,
            seed=asked.seed,
            by=self.by,
            lag=0,
            max_series=self.max_series,
            trajectories=asked.draws,
            cleaning=self.cleaning,
        )
        projection = projected(self.until(as_of), spec)
        made = projected_totals(projection, self.prices, unpriced=self.unpriced)
        workloads = list(made.workloads)
        members, later = members_of(self.totals, workloads, tail=tail_of(self.by), known=cut)
        everything = np.arange(len(self.totals.workloads))
        names = [*(self._labels[names] for names in workloads), ORGANISATION]
        kept: list[tuple[int, int]] = []
        columns: list[FloatArray] = []
        for m, values in enumerate(self.totals.measures.values()):
            whole = self.totals.summed(values, [*members, everything])
            for k in np.flatnonzero(np.isfinite(whole[:cut]).any(axis=0)):
                kept.append((2 * m + int(k == len(members)), int(k)))
                columns.append(whole[: cut + asked.horizon, k])
        table = np.stack(columns, axis=1)
        known = Panel(table[:cut], self.periods[:cut], tuple(names[k] for _, k in kept), self.freq)
        part, column = (np.array(x, dtype=np.intp) for x in zip(*kept, strict=True))
        sources = [made.measures[name] for name in self.totals.measures]

        def paths(block: slice) -> FloatArray:
            source = sources[part[block.start] // 2]
            if part[block.start] % 2:
                return np.asarray(source.sum(axis=2, keepdims=True))
            return np.asarray(source[:, :, column[block]])

        return score_paths(
            Origin(known, table[cut:], part, asked.calendar),
            paths,
            None,
            draws=asked.draws,
            parts=2 * len(sources),
            notes=(
                *projection.volume.notes,
                *made.notes,
                *self._newcomers(later, slice(cut, cut + asked.horizon), as_of),
            ),
        )

    def parts(self, found: list[OriginScores]) -> tuple[Part, ...]:
        """Each measure by workload, of those that were scored at some origin, and of the organisation."""
        scored = sorted({key for one in found for key in one.series})
        return tuple(
            Part(measure, level, tuple(name for p, name in scored if p == 2 * m + k))
            for m, measure in enumerate(self.totals.measures)
            for k, level in enumerate(("workload", ORGANISATION))
        )

    def until(self, as_of: pd.Timestamp) -> Usage:
        """The usage that was known at the end of a period."""
        return self.usage.until(as_of + pd.Timedelta(days=1, microseconds=-1) if self.usage.grain == "hour" else as_of)

    def _newcomers(self, later: IntArray, span: slice, as_of: pd.Timestamp) -> tuple[str, ...]:
        """What workloads that began after an origin were worth there."""
        told = []
        for name, values in self.totals.measures.items():
            new, all_of_it = float(values[span][:, later].sum()), float(values[span].sum())
            if new > 0:
                told.append(f"{new / all_of_it:.1%} of {name}")
        if not told:
            return ()
        note = (
            f"{' and '.join(told)} after {as_of:%Y-%m-%d} was of workloads that began later: the organisation's actual "
            "holds it, and no forecast from that date could know it"
        )
        return (note,)


def known_usage(
    usage: Usage,
    *,
    prices: PriceBook | None,
    by: tuple[str, ...],
    lag: int | None,
    max_series: int,
    unpriced: Unpriced,
    cleaning: Cleaning | None,
) -> KnownUsage:
    """Check the arguments that are of usage, and add up what was used.

    Raises
    ------
    HorizonError, ModelError, PriceError, UsageError
        An argument does not hold, usage has no price, or there is nothing to score.
    """
    if prices is not None and not isinstance(prices, PriceBook):
        raise PriceError(f"prices={type(prices).__name__}: wanted a price book, such as fc.PriceBook.builtin()")
    check_count("max_series", max_series, ModelError)
    chosen = (0 if usage.grain == "month" else 2) if lag is None else lag
    if isinstance(chosen, bool) or not isinstance(chosen, int) or chosen < 0:
        raise HorizonError(f"lag={lag!r}: wanted a whole number of periods, 0 or more")
    totals = daily_totals(usage, by=by, lag=chosen, prices=prices, unpriced=unpriced)
    return KnownUsage(usage, totals, prices, by, max_series, unpriced, cleaning)


def tail_of(by: tuple[str, ...]) -> tuple[bool, ...]:
    """Which of the ``by`` columns say ``(other)`` for the workloads that a projection pools."""
    apart = [column != "environment" for column in by]
    return tuple(apart if any(apart) else [True] * len(by))


def _word(column: str, name: str | None) -> str:
    """What a blank value is called."""
    if name is not None:
        return name
    return UNASSIGNED if column == "environment" else f"(no {column})"
