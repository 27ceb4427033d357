"""The scorecard of a backtest. Comes in: what each model scored at each origin. Goes out: tables, a page, a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from forecast.coverage import LEAST_BLOCKS, CoverageError, coverage_by_level, coverage_error
from forecast.errors import ModelError, one_of
from forecast.panel import FloatArray
from forecast.scores import diebold_mariano, finops_grade, mean_known

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from forecast.figures import Palette

#: What is scored of a series, an origin and a scope. In the series' own unit, a mean over the scope's periods: actual
#: (mean |y|), error (mean f - y), mae, crps, pinball_* and interval_*. Without unit: the rest; smape in per cent, wape,
#: bias and coverage_* as shares.
SCORES = (
    *("count", "actual", "error", "mae", "mase", "rmsse", "smape", "wape", "bias", "crps"),
    *("pinball_10", "pinball_50", "pinball_80", "pinball_90", "pinball_95"),
    *("interval_80", "interval_95", "msis_95", "coverage_80", "coverage_95"),
)
#: The scope that every origin has beside its single periods.
HORIZON = "horizon"
PIT_BINS = 100

Kind = Literal["calibration", "pit"]


@dataclass(frozen=True, slots=True)
class OriginScores:
    """What one model scored at one origin.

    Attributes
    ----------
    values : float array (scope, score, series)
        In the order of ``SCORES``; NaN where nothing could be scored.
    pit : float array (scope, bin)
        Values by where they lay among the draws: ``PIT_BINS`` equal parts of 0 to 1.
    run_rate : float array (series,)
        The MASE of the run rate over the same periods.
    """

    values: FloatArray
    pit: FloatArray
    run_rate: FloatArray


@dataclass(frozen=True, slots=True)
class Design:
    """How a backtest was laid out.

    Attributes
    ----------
    models, series, scopes : tuple of str
        The first scope is the single period, such as ``day``; the last is ``horizon``.
    origins : DatetimeIndex
        The last known period of each origin.
    horizon, step : int
        Periods that each origin forecasts, and periods between origins.
    freq : str
    draws, seed : int
    """

    models: tuple[str, ...]
    series: tuple[str, ...]
    scopes: tuple[str, ...]
    origins: pd.DatetimeIndex
    horizon: int
    step: int
    freq: str
    draws: int
    seed: int

    @property
    def overlap(self) -> int:
        """How many consecutive origins share a part of their horizons."""
        return -(-self.horizon // self.step)

    @property
    def period(self) -> str:
        """The word for one period."""
        return self.scopes[0]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Scorecard:
    """How well models forecast history they had not seen.

    Attributes
    ----------
    table : DataFrame
        One row a model. Of single periods: ``mase`` and ``smape`` (means over series and origins), ``wape``, ``bias``,
        ``crps`` and ``interval_80`` (sums over series and origins, divided by the sum of actual values),
        ``coverage_80`` and ``coverage_95`` with ``_se`` (standard error by block bootstrap over origins) and
        ``_trials`` (effective number of trials). The same with ``_total``, of the total over the horizon, whose point
        is the median of summed paths, and ``finops_grade`` of ``wape_total``. Against the run rate:
        ``mase_to_run_rate`` (below 1 is better) and ``dm_p`` (Diebold-Mariano p-value, two-sided, over origins).
        Standard errors, trials and p-values are NaN with fewer than four origins whose horizons do not overlap.
    detail : DataFrame
        Tidy: ``model, origin, series, scope, score, value``. An origin is the last period known at it; a scope is a
        single period, whole weeks, months, quarters or years inside the horizon, or the whole horizon.
    pit : DataFrame
        ``model, scope, bin, count``: how many values lay below share ``bin`` of the draws, and above the bin before.
    design : Design
    """

    table: pd.DataFrame
    detail: pd.DataFrame = field(repr=False)
    pit: pd.DataFrame = field(repr=False)
    design: Design

    def plot(self, kind: Kind = "calibration", *, scope: str = HORIZON, ax: Axes | None = None) -> Axes:
        """Draw how honest the bands are, one line a model; returns the matplotlib Axes.

        ``calibration``: the share of values inside the band of each level, against that level: on the diagonal is
        right, below it the bands are too narrow. ``pit``: where values lay among the draws: flat is right, a U says
        too narrow, a hill too wide. ``scope`` is one of ``design.scopes``.

        Raises
        ------
        ModelError
            The kind or the scope is not known, or nothing was scored in that scope.
        """
        one_of("kind", kind, ("calibration", "pit"), ModelError)
        one_of("scope", scope, self.design.scopes, ModelError)
        held = self.pit[self.pit["scope"] == scope]
        counts = {name: held.loc[held["model"] == name, "count"].to_numpy("float64") for name in self.design.models}
        scored = max(count.sum() for count in counts.values())
        if scored == 0:
            raise ModelError(f"no {scope} was scored: no origin's horizon holds a whole one; take a longer horizon")
        period, horizon = self.design.period, self.design.horizon
        what = f"totals over {_count(horizon, period)}" if scope == HORIZON else f"{scope}s"
        dates = _count(len(self.design.origins), "date")
        subtitle = f"{scored:,.0f} {what} of {len(self.design.series)} series, forecast from {dates}"
        return _calibration(counts, subtitle, ax) if kind == "calibration" else _pit_plot(counts, subtitle, ax)

    def __repr__(self) -> str:
        """One line: what was tried, and which model's totals were nearest."""
        d = self.design
        shape = f"{len(d.models)} models x {len(d.origins)} origins x {len(d.series)} series"
        totals = self.table["wape_total"].dropna()
        best = f"; totals nearest: {totals.idxmin()}, off by {totals.min():.1%}" if len(totals) else ""
        return f"Scorecard({shape}, {d.horizon} {d.period}s ahead{best})"

    def _repr_html_(self) -> str:
        d, t = self.design, self.table
        shown = pd.DataFrame(
            {
                f"a {d.period} is off by": t["wape"].map(_percent),
                "the total is off by": t["wape_total"].map(_percent),
                "too high (+) or low (−)": t["bias_total"].map(lambda v: _percent(v, sign=True)),
                "FinOps grade": t["finops_grade"],
                "80 % band held the total": _shares(t, "coverage_80_total"),
                "95 % band held the total": _shares(t, "coverage_95_total"),
                "independent trials": t["coverage_80_total_trials"].map("{:.0f}".format),
                "band's score": t["interval_80_total"].map(_percent),
                "error to run rate's": t["mase_to_run_rate"].map("{:.2f}".format),
                "by chance (p)": t["dm_p"].map(lambda p: "below 0.01" if p < 0.01 else f"{p:.2f}"),
            },
            index=t.index.rename(None),
        ).replace("nan", "–")
        dates = f"{d.origins[0]:%Y-%m-%d}" + (f" to {d.origins[-1]:%Y-%m-%d}" if len(d.origins) > 1 else "")
        lead = (
            f"{len(d.series)} series, forecast {_count(d.horizon, d.period)} ahead from "
            f"{_count(len(d.origins), 'past date')}: {dates}"
        )
        notes = (
            "Every forecast saw only what was known on its date. Off by: sum of misses over sum of actual values; of a "
            "total, of its P50. "
            "FinOps grade of the total: run to 12 %, walk to 15 %, crawl to 20 %. An honest 80 % band holds about 80 % "
            "of totals (± one standard error; series on one date share its luck, so fewer trials are independent). "
            "Band's score: width plus penalty for misses, over the actual total; lower is better. Error to run rate's: "
            "below 1 beats continuing the recent mean; p below 0.05 is hardly chance."
        )
        return f"<p><b>Backtest</b>: {escape(lead)}</p>{shown.to_html(border=0)}<p><small>{escape(notes)}</small></p>"


def scorecard(design: Design, found: list[list[OriginScores]]) -> Scorecard:
    """Put a scorecard together from what each model (outer list) scored at each origin (inner list)."""
    values = np.stack([np.stack([one.values for one in row]) for row in found])
    pit = np.stack([np.sum([one.pit for one in row], axis=0) for row in found])
    run_rate = np.stack([one.run_rate for one in found[0]])
    rows = [_row(own, run_rate, design.overlap) for own in values]
    table = pd.DataFrame(rows, index=pd.Index(design.models, name="model"))
    return Scorecard(table, _detail(design, values), _pit(design, pit), design)


def _row(values: FloatArray, run_rate: FloatArray, overlap: int) -> dict[str, float | str]:
    """One model's row from values (origin, scope, score, series) and the run rate's MASE (origin, series)."""
    score = {name: values[:, 0, k] for k, name in enumerate(SCORES)}
    row = {name: float(mean_known(score[name].ravel())) for name in ("mase", "smape")}
    row |= _pooled(values[:, 0], overlap, "") | _pooled(values[:, -1], overlap, "_total")
    against = _against_run_rate(score["mase"], run_rate, overlap)
    return {**row, "finops_grade": finops_grade(row["wape_total"]), **against}


def _pooled(values: FloatArray, overlap: int, tail: str) -> dict[str, float]:
    """Sums over origins and series by the sum of actual values, and coverages. Values (origin, score, series)."""
    known = dict(zip(SCORES, np.nan_to_num(np.moveaxis(values, 1, 0)), strict=True))
    count = known["count"]
    actual = float((count * known["actual"]).sum())
    per_actual = {"wape": "mae", "bias": "error", "crps": "crps", "interval_80": "interval_80"}
    row = {
        name + tail: float((count * known[score]).sum()) / actual if actual > 0 else float("nan")
        for name, score in per_actual.items()
    }
    for name in ("coverage_80", "coverage_95"):
        inside = np.round(count * known[name]).sum(axis=1)
        row |= _coverage(name + tail, coverage_error(inside, count.sum(axis=1), overlap=overlap))
    return row


def _coverage(name: str, known: CoverageError) -> dict[str, float]:
    return {name: known.share, f"{name}_se": known.se, f"{name}_trials": known.trials}


def _against_run_rate(mase: FloatArray, run_rate: FloatArray, overlap: int) -> dict[str, float]:
    """The ratio of mean MASE, and the test over origins, where both are known. Arrays (origin, series)."""
    both = np.isfinite(mase) & np.isfinite(run_rate)
    own, other = (np.where(both, x, np.nan) for x in (mase, run_rate))
    most = float(mean_known(other.ravel()))
    ratio = float(mean_known(own.ravel())) / most if most > 0 else float("nan")
    test = diebold_mariano(mean_known(own.T), mean_known(other.T), horizon=overlap)
    return {"mase_to_run_rate": ratio, "dm_p": test.p_value if test.count >= LEAST_BLOCKS * overlap else float("nan")}


def _detail(design: Design, values: FloatArray) -> pd.DataFrame:
    """Tidy rows of values (model, origin, scope, score, series); what is NaN has no row."""
    at = np.nonzero(np.isfinite(values))
    model, origin, scope, score, series = at
    return pd.DataFrame(
        {
            "model": pd.Categorical.from_codes(model, categories=pd.Index(design.models)),
            "origin": design.origins.to_numpy()[origin],
            "series": pd.Categorical.from_codes(series, categories=pd.Index(design.series)),
            "scope": pd.Categorical.from_codes(scope, categories=pd.Index(design.scopes)),
            "score": pd.Categorical.from_codes(score, categories=pd.Index(SCORES)),
            "value": values[at],
        }
    )


def _pit(design: Design, counts: FloatArray) -> pd.DataFrame:
    """Counts (model, scope, bin) as rows."""
    keys = [design.models, design.scopes, np.arange(1, PIT_BINS + 1) / PIT_BINS]
    index = pd.MultiIndex.from_product(keys, names=["model", "scope", "bin"])
    return pd.DataFrame({"count": counts.ravel()}, index=index).reset_index()


def _calibration(counts: dict[str, FloatArray], subtitle: str, ax: Axes | None) -> Axes:
    """Coverage of every level against that level, a line a model, from PIT counts (bin,)."""
    from forecast.figures import SMALL, canvas, headline

    ax, palette = canvas(ax, (5.5, 5.5))
    ax.plot([0, 100], [0, 100], color=palette.muted, linewidth=0.8, zorder=0)
    told: list[str] = []
    for (name, count), (colour, dash) in zip(counts.items(), _lines(palette), strict=False):
        level, held = coverage_by_level(count)
        ax.plot(100 * level, 100 * held, color=colour, linestyle=dash, label=name)
        told.append(f"{100 * np.interp(0.8, level, held):.0f} % ({name})")
    ax.set(
        xlabel="level of the band, %", ylabel="actual values inside, %", xlim=(0, 100), ylim=(0, 100), aspect="equal"
    )
    ax.legend(frameon=False, loc="upper left", fontsize=SMALL, labelcolor=palette.ink)
    headline(ax, f"80 % bands held {told[0]}", subtitle, palette)
    return ax


def _pit_plot(counts: dict[str, FloatArray], subtitle: str, ax: Axes | None) -> Axes:
    """Frequency of actual values by where they lay among the draws, from PIT counts (bin,)."""
    from forecast.figures import SMALL, canvas, headline

    ax, palette = canvas(ax)
    ax.axhline(1, color=palette.muted, linewidth=0.8, zorder=0)
    for (name, count), (colour, dash) in zip(counts.items(), _lines(palette), strict=False):
        tenths = count.reshape(10, -1).sum(axis=1) / max(float(count.sum()), 1.0)
        ax.stairs(10 * tenths, np.linspace(0, 1, 11), baseline=None, color=colour, linestyle=dash, label=name)
    ax.set(xlabel="share of draws below the actual value", ylabel="frequency; 1 is even", xlim=(0, 1))
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False, loc="lower center", ncols=3, fontsize=SMALL, labelcolor=palette.ink)
    name, count = next(iter(counts.items()))
    high = float(count[len(count) // 2 :].sum() / max(float(count.sum()), 1.0))
    headline(ax, f"{100 * high:.0f} % of actual values lay above the median ({name})", subtitle, palette)
    return ax


def _lines(palette: Palette) -> Iterator[tuple[str, str]]:
    """Colours and dashes, apart in both."""
    colours = (palette.future, palette.budget, palette.known, palette.muted)
    return ((colour, dash) for dash in ("-", "--", ":", "-.") for colour in colours)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _percent(value: float, *, sign: bool = False) -> str:
    return "–" if np.isnan(value) else f"{100 * value:{'+' if sign else ''}.1f} %".replace("-", "−")


def _shares(table: pd.DataFrame, name: str) -> list[str]:
    """Coverages with their standard errors, in words."""
    pairs = zip(table[name], table[f"{name}_se"], strict=True)
    return [_percent(share) + ("" if np.isnan(se) else f" ± {100 * se:.0f}") for share, se in pairs]
