"""The scorecard of a backtest. Comes in: what each model scored at each origin. Goes out: tables, a page, a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from forecast.errors import ModelError, one_of
from forecast.panel import FloatArray
from forecast.pooling import pooled
from forecast.scopes import HORIZON
from forecast.scoring import PIT_BINS, SCORES, OriginScores
from forecast.shown import CellKind, Result, Shown, rows_as, short_repr

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from forecast.scorecard_figures import Calibration

Kind = Literal["calibration", "pit"]

#: The columns of the table: of single periods, and of the total over the horizon.
_PERIOD: Final = (
    *("mase", "smape", "owa", "wape", "bias", "crps", "interval_80"),
    *(f"coverage_{level}{tail}" for level in (80, 95) for tail in ("", "_se", "_trials")),
)
_TOTAL: Final = tuple(name for name in _PERIOD if name not in ("mase", "smape", "owa"))
#: What a part of a usage's scorecard is called: the columns that tables have before the model.
_PART: Final = ("measure", "level")


@dataclass(frozen=True, slots=True)
class Part:
    """Series whose scores are pooled.

    Attributes
    ----------
    measure : str
        ``tokens`` or ``cost`` of a usage; blank for plain series.
    level : str
        ``workload``, or ``organisation`` for their joint sum; blank for plain series.
    series : tuple of str
    """

    __repr__ = short_repr

    measure: str
    level: str
    series: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Design:
    """How a backtest was laid out.

    Attributes
    ----------
    models, scopes : tuple of str
        The first scope is the single period, such as ``day``; the last is ``horizon``.
    parts : tuple of Part
        One for plain series; for usage one a measure and level.
    origins : DatetimeIndex
        The last known period of each origin.
    horizon, step : int
        Periods that each origin forecasts, and periods between origins.
    freq : str
    draws, seed : int
    currency : str, optional
        What cost is in.
    """

    __repr__ = short_repr

    models: tuple[str, ...]
    scopes: tuple[str, ...]
    parts: tuple[Part, ...]
    origins: pd.DatetimeIndex
    horizon: int
    step: int
    freq: str
    draws: int
    seed: int
    currency: str | None = None

    @property
    def series(self) -> tuple[str, ...]:
        """The plain series, or the workloads."""
        return self.parts[0].series

    @property
    def of_usage(self) -> bool:
        """Whether tokens and cost of a usage were scored."""
        return bool(self.parts[0].measure)

    @property
    def overlap(self) -> int:
        """How many consecutive origins share a part of their horizons."""
        return -(-self.horizon // self.step)

    @property
    def period(self) -> str:
        """The word for one period."""
        return self.scopes[0]

    def part(self, measure: str | None, level: str | None) -> Part:
        """The part of a measure and level: by default the last measure, cost where it was priced, by workload.

        Raises
        ------
        ModelError
            There is no such measure or level; plain series have neither.
        """
        asked = {"measure": measure, "level": level}
        for name, value in asked.items():
            if value is not None and not self.of_usage:
                raise ModelError(f"{name}={value!r}: plain series have no {name}; leave it out")
            if value is not None:
                one_of(name, value, dict.fromkeys(getattr(part, name) for part in self.parts), ModelError)
        measure, level = measure or self.parts[-1].measure, level or self.parts[0].level
        return next(part for part in self.parts if (part.measure, part.level) == (measure, level))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Scorecard(Result):
    """How well models forecast history they had not seen.

    Attributes
    ----------
    table : DataFrame
        One row a model; of a usage one a measure (tokens, cost), level (workload, organisation) and model. Of single
        periods: ``mase`` and ``smape`` (means over series and origins), ``owa`` (their mean ratio to Naive2's),
        ``wape``, ``bias``, ``crps`` and ``interval_80`` (sums over series and origins, divided by the sum of actual
        values), ``coverage_80`` and ``coverage_95`` with ``_se`` (standard error by block bootstrap over origins) and
        ``_trials`` (effective number of trials). Those in money's terms again with ``_total``, of the total over the
        horizon, whose point is the median of summed paths, and ``finops_grade`` of ``wape_total``. Against the run
        rate: ``mase_to_run_rate`` (below 1 is better) and ``dm_p`` (Diebold-Mariano p-value, two-sided, over origins),
        of single periods, and with ``_total``.
        Standard errors, trials and p-values are NaN with fewer than four origins whose horizons do not overlap.
    by_scope : DataFrame
        The same and every other score, one row a scope (day, week, month, quarter, year, horizon) and model: also
        ``count``, ``rmsse``, ``msis_95``, ``interval_95`` and ``pinball_*``. A total's ``mase``, ``rmsse``, ``owa`` and
        ``msis_95`` are scaled by the steps from one known total of its kind to the next (for the horizon: stretches as
        long as it, counted back from the origin), and NaN where no series knows at least three such steps.
    detail : DataFrame
        Tidy: ``model, origin, series, scope, score, value``; of a usage after ``measure, level``. An origin is the last
        period known at it; a scope is a single period, whole weeks, months, quarters or years inside the horizon, or
        the whole horizon.
    pit : DataFrame
        ``model, origin, scope, bin, count``: how many values lay below share ``bin`` of the draws, and above the bin
        before.
    design : Design
    notes : tuple of str
        What was left out or assumed.
    """

    table: pd.DataFrame
    by_scope: pd.DataFrame = field(repr=False)
    detail: pd.DataFrame = field(repr=False)
    pit: pd.DataFrame = field(repr=False)
    design: Design
    notes: tuple[str, ...] = field(default=())

    def plot(
        self,
        kind: Kind = "calibration",
        *,
        scope: str = HORIZON,
        measure: str | None = None,
        level: str | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw how honest the bands are, one line a model; returns the matplotlib Axes.

        ``calibration``: the share of values inside the band of each level, against that level, with its standard
        error: on the diagonal is right, below it the bands are too narrow. ``pit``: where values lay among the draws:
        flat is right, a U says too narrow, a hill too wide. ``scope`` is one of ``design.scopes``. Of a usage,
        ``measure`` is ``tokens`` or ``cost`` (cost where it was priced), ``level`` is ``workload`` or ``organisation``
        (workload).

        Raises
        ------
        ModelError
            The kind, scope, measure or level is not known, or nothing was scored in that scope.
        """
        one_of("kind", kind, ("calibration", "pit"), ModelError)
        one_of("scope", scope, self.design.scopes, ModelError)
        part = self.design.part(measure, level)
        found = {name: self._calibration(name, part, scope) for name in self.design.models}
        scored = max(float(one.counts.sum()) for one in found.values())
        if scored == 0:
            raise ModelError(f"no {scope} was scored: no origin's horizon holds a whole one; take a longer horizon")
        from forecast.scorecard_figures import calibration_plot, pit_plot

        draw = calibration_plot if kind == "calibration" else pit_plot
        what = "totals" if scope == HORIZON else f"{scope}s"
        return draw(found, what, self._subtitle(part, scope, scored), ax)

    def _calibration(self, model: str, part: Part, scope: str) -> Calibration:
        from forecast.scorecard_figures import Calibration

        place = tuple(getattr(part, name) for name in _columns(self.design))
        held = self.pit[(self.pit["scope"] == scope) & (self.pit["model"] == model)]
        for name, value in zip(_columns(self.design), place, strict=True):
            held = held[held[name] == value]
        counts = held["count"].to_numpy("float64").reshape(len(self.design.origins), -1)
        row = self.by_scope.loc[(*place, scope, model)]
        share, se, trials = (float(row[f"coverage_80{tail}"]) for tail in ("", "_se", "_trials"))
        return Calibration(counts, share, se, trials, self.design.overlap)

    def _subtitle(self, part: Part, scope: str, scored: float) -> str:
        period, horizon = self.design.period, self.design.horizon
        what = f"totals over {_count(horizon, period)}" if scope == HORIZON else f"{scope}s"
        whose = f"{len(part.series)} series"
        if self.design.of_usage:
            whose = f"the organisation's {part.measure}"
            if part.level == "workload":
                whose = f"{part.measure} in {_count(len(part.series), 'workload')}"
        return f"{scored:,.0f} {what} of {whose}, forecast from {_count(len(self.design.origins), 'date')}"

    def __repr__(self) -> str:
        """One line: what was tried, and which model's totals were nearest."""
        d = self.design
        what = f"{len(d.series)} {'workloads' if d.of_usage else 'series'}"
        shape = f"{len(d.models)} models x {len(d.origins)} origins x {what}"
        last = d.parts[-1]
        totals = self.table["wape_total"].dropna()
        for name in _PART if d.of_usage else ():
            totals = totals[totals.index.get_level_values(name) == getattr(last, name)]
        whose = f"the organisation's {last.measure}" if d.of_usage else "totals"
        models = totals.index.get_level_values("model")
        best = f"; {whose} nearest: {models[int(totals.argmin())]}, off by {totals.min():.1%}" if len(totals) else ""
        return f"Scorecard({shape}, {d.horizon} {d.period}s ahead{best})"

    def show(self) -> Shown:
        """How far off each model was, how often its bands held, and beside the run rate; with how to read it."""
        d, t = self.design, self.table
        columns = {
            f"a {d.period} is off by": t["wape"].map(_percent),
            "the total is off by": t["wape_total"].map(_percent),
            "too high (+) or low (\u2212)": t["bias_total"].map(lambda v: _percent(v, sign=True)),
            "FinOps grade": t["finops_grade"],
            "80 % band held the total": _shares(t, "coverage_80_total"),
            "95 % band held the total": _shares(t, "coverage_95_total"),
            "independent trials": t["coverage_80_total_trials"].map("{:.0f}".format),
            "band's score": t["interval_80_total"].map(_percent),
            "error to run rate's": t["mase_to_run_rate"].map("{:.2f}".format),
            "by chance (p)": t["dm_p"].map(lambda p: "below 0.01" if p < 0.01 else f"{p:.2f}"),
        }
        cells = pd.DataFrame(columns).replace("nan", "\u2013").astype(str).to_numpy().tolist()
        names = [key if isinstance(key, tuple) else (key,) for key in t.index]
        rows = [(*map(str, name), *cell) for name, cell in zip(names, cells, strict=True)]
        names_are: list[CellKind] = ["label"] * t.index.nlevels
        kinds: list[CellKind] = ["label" if head == "FinOps grade" else "number" for head in columns]
        dates = f"{d.origins[0]:%Y-%m-%d}" + (f" to {d.origins[-1]:%Y-%m-%d}" if len(d.origins) > 1 else "")
        what = f"{len(d.series)} series"
        if d.of_usage:
            what = f"{' and '.join(self._measures)} of {_count(len(d.series), 'workload')} and of the organisation"
        lead = (
            f"{what}, forecast {_count(d.horizon, d.period)} ahead from {_count(len(d.origins), 'past date')}: {dates}"
        )
        reading = (
            "Every forecast saw only what was known on its date. Off by: sum of misses over sum of actual values; of a "
            "total, of its P50. "
            "FinOps grade of the total: run to 12 %, walk to 15 %, crawl to 20 %. An honest 80 % band holds about 80 % "
            "of totals (\u00b1 one standard error; series on one date share its luck: fewer trials are independent). "
            "Band's score: width plus penalty for misses, over the actual total; lower is better. Error to run rate's: "
            "below 1 beats continuing the recent mean; p below 0.05 is hardly chance."
        )
        heads = [*(str(n or "") for n in t.index.names), *columns]
        table = rows_as(rows, heads, [*names_are, *kinds], labels=len(names_are))
        return Shown("Backtest", f"{lead[0].upper()}{lead[1:]}.", (table,), (reading, *self.notes))

    @property
    def _measures(self) -> list[str]:
        told = {"cost": f"cost ({self.design.currency})"}
        return [told.get(name, name) for name in dict.fromkeys(part.measure for part in self.design.parts)]


def scorecard(design: Design, found: list[list[OriginScores]], *, notes: tuple[str, ...] = ()) -> Scorecard:
    """Put a scorecard together from what each model (outer list) scored at each origin (inner list).

    A series that was not scored at an origin is NaN there.
    """
    axis = {(p, name): i for i, (p, name) in enumerate((p, n) for p, x in enumerate(design.parts) for n in x.series)}
    values, yardstick, scale = (
        np.stack([np.stack([_placed(getattr(one, name), one.series, axis) for one in row]) for row in found])
        for name in ("values", "yardstick", "scale")
    )
    pit = np.stack([np.stack([one.pit for one in row]) for row in found])
    part = np.array([p for p, _ in axis])
    rows = [
        {
            **_labels(design, p),
            "scope": scope,
            "model": model,
            **pooled(
                values[m, :, k][..., part == p],
                yardstick[m, :, k][..., part == p],
                scale[m][:, part == p],
                design.overlap,
            ),
        }
        for p in range(len(design.parts))
        for k, scope in enumerate(design.scopes)
        for m, model in enumerate(design.models)
    ]
    by_scope = pd.DataFrame(rows).set_index([*_columns(design), "scope", "model"])
    told = dict.fromkeys(note for row in found for one in row for note in one.notes)
    return Scorecard(
        _table(by_scope, design), by_scope, _detail(design, values), _pit(design, pit), design, (*notes, *told)
    )


def _placed(values: FloatArray, series: tuple[tuple[int, str], ...], axis: dict[tuple[int, str], int]) -> FloatArray:
    """Values (..., series) on the scorecard's axis of series; NaN elsewhere."""
    out = np.full((*values.shape[:-1], len(axis)), np.nan)
    out[..., [axis[key] for key in series]] = values
    return out


def _columns(design: Design) -> tuple[str, ...]:
    return _PART if design.of_usage else ()


def _labels(design: Design, part: int) -> dict[str, str]:
    return {name: getattr(design.parts[part], name) for name in _columns(design)}


def _table(by_scope: pd.DataFrame, design: Design) -> pd.DataFrame:
    """One row a part and model: of single periods, then of the total over the horizon."""
    at = by_scope.index.get_level_values("scope")
    single, total = (by_scope[at == scope].droplevel("scope") for scope in (design.period, HORIZON))
    named = total.rename(columns=_total_name)
    against = ["mase_to_run_rate", "dm_p"]
    columns = [single[list(_PERIOD)], named[[_total_name(name) for name in _TOTAL]], total["finops_grade"]]
    return pd.concat([*columns, single[against], named[[_total_name(name) for name in against]]], axis=1)


def _total_name(name: str) -> str:
    """What a column is called in the table where it is of the total: ``coverage_80_se`` is ``coverage_80_total_se``."""
    kind = next((tail for tail in ("_se", "_trials") if name.endswith(tail)), "")
    return f"{name.removesuffix(kind)}_total{kind}"


def _detail(design: Design, values: FloatArray) -> pd.DataFrame:
    """Tidy rows of values (model, origin, scope, score, series); what is NaN has no row."""
    model, origin, scope, score, series = at = np.nonzero(np.isfinite(values))
    part = np.array([p for p, x in enumerate(design.parts) for _ in x.series], dtype=np.intp)[series]
    names = np.array([name for x in design.parts for name in x.series], dtype=object)
    keys = {
        name: pd.Categorical(np.array([getattr(x, name) for x in design.parts], dtype=object)[part])
        for name in _columns(design)
    }
    return pd.DataFrame(
        {
            **keys,
            "model": pd.Categorical.from_codes(model, categories=pd.Index(design.models)),
            "origin": design.origins.to_numpy()[origin],
            "series": pd.Categorical(names[series], categories=list(dict.fromkeys(names))),
            "scope": pd.Categorical.from_codes(scope, categories=pd.Index(design.scopes)),
            "score": pd.Categorical.from_codes(score, categories=pd.Index(SCORES)),
            "value": values[at],
        }
    )


def _pit(design: Design, counts: FloatArray) -> pd.DataFrame:
    """Counts (model, origin, part, scope, bin) as rows."""
    bins = np.arange(1, PIT_BINS + 1) / PIT_BINS
    index = pd.MultiIndex.from_product(
        [design.models, design.origins, range(len(design.parts)), design.scopes, bins],
        names=["model", "origin", "part", "scope", "bin"],
    )
    rows = pd.DataFrame({"count": counts.ravel()}, index=index).reset_index()
    keys = {name: [getattr(design.parts[p], name) for p in rows["part"]] for name in _columns(design)}
    return rows.assign(**keys)[[*keys, "model", "origin", "scope", "bin", "count"]]


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _percent(value: float, *, sign: bool = False) -> str:
    return "–" if np.isnan(value) else f"{100 * value:{'+' if sign else ''}.1f} %".replace("-", "−")


def _shares(table: pd.DataFrame, name: str) -> list[str]:
    """Coverages with their standard errors, in words."""
    pairs = zip(table[name], table[f"{name}_se"], strict=True)
    return [_percent(share) + ("" if np.isnan(se) else f" ± {100 * se:.0f}") for share, se in pairs]
