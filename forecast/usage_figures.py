"""Heat maps of usage. Comes in: a Usage. Goes out: an Axes, weekday by hour or by week, whose title states the peak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.drawing import (
    SIZE,
    Palette,
    canvas,
    headline,
    heat,
    key_below,
    label_ends,
    money,
    number,
    short,
    span_words,
    told_date,
)
from forecast.errors import UsageError, one_of
from forecast.panel import FloatArray
from forecast.usage import Usage

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS: Final = ("week", "calendar")
#: The weeks that a calendar shows: the last of them.
WEEKS_SHOWN: Final = 53
#: All tokens together; unlike units are never added.
TOKENS: Final = "tokens"
#: Hours, or weekdays and weekends, that differ by less than this part are alike.
ALIKE: Final = 0.05
_PARTS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class _Measure:
    """What is shown: its name, what it is counted in, and how much each period holds (period,); NaN where unknown."""

    name: str
    unit: str
    values: pd.Series

    def told(self, value: float) -> str:
        """An amount as a title says it."""
        return money(value, self.unit) if self.name != self.unit else short(value)


@dataclass(frozen=True, slots=True)
class _Cells:
    """What is drawn.

    Attributes
    ----------
    values : float array (weekday, column)
        Monday first; NaN where nothing is known.
    days : float array (weekday,)
        What a day of each weekday holds, told at its end.
    """

    values: FloatArray
    days: FloatArray


def usage_picture(usage: Usage, kind: str | None, measure: str | None, ax: Axes | None) -> Axes:
    """One of :data:`KINDS`; of hourly usage the week, of daily usage the calendar where none is named.

    Raises
    ------
    UsageError
        There is no such picture or measure, or the usage is too coarse for it.
    """
    chosen = kind if kind is not None else "week" if usage.grain == "hour" else "calendar"
    one_of("plot", chosen, KINDS, UsageError)
    if usage.grain == "month" or (chosen == "week" and usage.grain != "hour"):
        wanted, other = ("hourly", "'calendar' shows its days") if usage.grain == "day" else ("daily", "")
        told = f"plot({chosen!r}): {usage.source} is known by {usage.grain}, and this picture needs {wanted} usage"
        raise UsageError(f"{told}; {other}" if other else told)
    shown = _measured(usage, measure)
    return _week(usage, shown, ax) if chosen == "week" else _calendar(shown, ax)


def _measured(usage: Usage, measure: str | None) -> _Measure:
    """The measure that is asked for, or the first that there is."""
    frame = usage.frame
    if "charge_category" in frame:
        frame = frame[frame["charge_category"].isna() | (frame["charge_category"] == "usage")]
    token = [u for u in schema.BILLABLE if u in frame and schema.UNITS[u].token and frame[u].notna().any()]
    others = [c for c in (schema.REQUESTS, *schema.UNITS, *schema.MONEY) if c in frame and frame[c].notna().any()]
    there = list(dict.fromkeys([c for c in others if c == schema.REQUESTS] + [TOKENS] * bool(token) + others))
    if not there:
        raise UsageError(f"{usage.source}: there is nothing to draw: no requests, units or money")
    chosen = measure if measure is not None else there[0]
    one_of("measure", chosen, there, UsageError)
    rows = frame[token].sum(axis=1, min_count=1) if chosen == TOKENS else frame[chosen]
    name = chosen.replace("_", " ")
    unit = str(usage.currency) if chosen in schema.MONEY else name
    return _Measure(name, unit, rows.groupby(frame[schema.DATE]).sum(min_count=1).astype("float64"))


def _week(usage: Usage, shown: _Measure, ax: Axes | None) -> Axes:
    """Weekday by hour: means over the weeks. An hour without a row is 0; a day without one is left out."""
    hours = pd.date_range(usage.start.floor("h"), usage.end.floor("h"), freq="h")
    known = pd.DatetimeIndex(usage.frame[schema.DATE])
    seen = hours.normalize().isin(known.normalize())
    held = shown.values.reindex(hours).to_numpy(dtype="float64")
    held = np.where(hours.isin(known), held, np.where(seen, 0.0, np.nan))
    place = hours.day_of_week.to_numpy() * 24 + hours.hour.to_numpy()
    told = ~np.isnan(held)
    count = np.bincount(place[told], minlength=168)
    sums = np.bincount(place[told], weights=held[told], minlength=168)
    mean = np.divide(sums, count, out=np.full(168, np.nan), where=count > 0).reshape(7, 24)
    cells = _Cells(mean, mean.sum(axis=1))
    ax, palette = canvas(ax, (SIZE[0], 4.0))
    _draw(ax, cells, palette)
    every = 3 if ax.get_window_extent().width / ax.figure.dpi > 4.0 else 6
    day = pd.Timestamp("2026-01-05")
    ax.set_xticks(range(0, 25, every), [told_date(day + pd.Timedelta(hours=h % 24), "Hm") for h in range(0, 25, every)])
    ax.set_xlabel(f"hour of the day, {usage.timezone}", loc="right", parse_math=False)
    high, low = (np.unravel_index(at(mean), mean.shape) for at in (np.nanargmax, np.nanargmin))
    peak, least = float(mean[high]), float(mean[low])
    beside = f"; {_hour(low)} has none" if peak > 0 else ""
    if least > 0 and peak < (1 + ALIKE) * least:
        beside = ", about as in every hour"
    elif least > 0:
        beside = f", {number(peak / least, 1 if peak < 9.95 * least else 0)} times the quietest, {_hour(low)}"
    title = f"{shown.name[0].upper()}{shown.name[1:]} at the peak, {_hour(high)}: {shown.told(peak)} an hour{beside}"
    _outline(ax, high, palette)
    what = f"mean of each hour over {span_words(hours[0], hours[-1])}; right: a day's sum"
    missing = len(np.unique(hours.normalize()[~seen]))
    if missing:
        what += f"; {number(missing)} day{'s' if missing > 1 else ''} without rows left out"
    headline(ax, title, what, palette)
    _key(ax, float(np.nanmax(mean)), f"{shown.unit} an hour", palette, blank=bool(np.isnan(mean).any()))
    _ends(ax, cells, 24.0, palette)
    return ax


def _calendar(shown: _Measure, ax: Axes | None) -> Axes:
    """Weekday by week: a cell a day, the last year of them. A day without rows stays empty."""
    daily = shown.values.groupby(pd.DatetimeIndex(shown.values.index).normalize()).sum(min_count=1)
    days = pd.date_range(daily.index[0], daily.index[-1], freq="D")
    monday = days[-1] - pd.Timedelta(days=int(days[-1].day_of_week) + 7 * (WEEKS_SHOWN - 1))
    more = days[0] < monday
    days = days[days >= monday]
    held = daily.reindex(days).to_numpy(dtype="float64")
    first = days[0] - pd.Timedelta(days=int(days[0].day_of_week))
    week, weekday = (days - first).days.to_numpy() // 7, days.day_of_week.to_numpy()
    grid = np.full((7, int(week[-1]) + 1), np.nan)
    grid[weekday, week] = held
    usual = np.array([_median(row) for row in grid])
    cells = _Cells(grid, usual)
    ax, palette = canvas(ax, (SIZE[0], 3.4))
    _draw(ax, cells, palette)
    _months(ax, first, grid.shape[1])
    at = int(np.nanargmax(held))
    most = f"the most, {shown.told(float(held[at]))}, on {told_date(days[at], 'E')} {told_date(days[at], 'yMMMd')}"
    working, rest = _median(grid[:5]), _median(grid[5:])
    alike = not (working > 0 and rest > 0) or abs(working / rest - 1) < ALIKE
    told = f"{shown.told(working)} on a usual weekday, {short(rest)} on weekends"
    if alike:
        told = f"{shown.told(_median(grid))} on a usual day{'' if np.isnan(working + rest) else ', weekends alike'}"
    title = f"{shown.name[0].upper()}{shown.name[1:]}: {told}; {most}"
    _outline(ax, (int(weekday[at]), int(week[at])), palette)
    what = f"a day a cell, a week a column, {span_words(days[0], days[-1])}; right: a usual (median) day"
    if more:
        what += f"; the last {WEEKS_SHOWN} weeks"
    headline(ax, title, what, palette)
    _key(ax, float(np.nanmax(grid)), f"{shown.unit} a day", palette, blank=bool(np.isnan(held).any()))
    _ends(ax, cells, float(grid.shape[1]), palette)
    return ax


def _draw(ax: Axes, cells: _Cells, palette: Palette) -> None:
    """The cells, Monday at the top, with paper between them; what is not known stays paper."""
    values = np.ma.masked_invalid(cells.values)
    top = float(np.nanmax(cells.values)) or 1.0
    edge: Any = {"edgecolors": palette.paper, "linewidth": 1.0 if cells.values.shape[1] < 30 else 0.6}
    ax.pcolormesh(values[::-1], cmap=heat(palette), vmin=0.0, vmax=top, **edge)
    ax.set_xlim(0, cells.values.shape[1])
    ax.set_ylim(0, 7)
    ax.grid(visible=False)
    ax.spines["bottom"].set_visible(False)
    monday = pd.Timestamp("2026-01-05")
    names = [told_date(monday + pd.Timedelta(days=i), "E") for i in range(7)]
    ax.set_yticks(6.5 - np.arange(7), names, color=palette.ink)


def _months(ax: Axes, first: pd.Timestamp, weeks: int) -> None:
    """The months under their first whole week, with the year under the first and every January."""
    mondays = first + pd.to_timedelta(7 * np.arange(weeks), unit="D")
    begins = [i for i in range(weeks) if i == 0 or mondays[i].month != mondays[i - 1].month]
    if len(begins) > 1 and begins[1] - begins[0] < 3:
        begins = begins[1:]
    labels = []
    for i, at in enumerate(begins):
        year = f"\n{mondays[at].year}" if i == 0 or mondays[at].month == 1 else ""
        labels.append(told_date(mondays[at], "MMM") + year)
    ax.set_xticks([b + 0.5 for b in begins], labels)


def _outline(ax: Axes, cell: tuple[Any, ...], palette: Palette) -> None:
    """A frame around the cell that the title names."""
    from matplotlib.patches import Rectangle

    corner = (float(cell[1]), 6.0 - float(cell[0]))
    ax.add_patch(Rectangle(corner, 1.0, 1.0, fill=False, edgecolor=palette.budget, linewidth=2.0, zorder=4))


def _key(ax: Axes, top: float, unit: str, palette: Palette, *, blank: bool) -> None:
    """How much a colour is."""
    from matplotlib.patches import Patch

    colours = heat(palette)
    edge: Any = {"edgecolor": palette.grid, "linewidth": 0.6}
    marks = [Patch(facecolor=colours(part), label=short(part * top), **edge) for part in _PARTS]
    marks[-1].set_label(f"{marks[-1].get_label()} {unit}")
    if blank:
        marks.append(Patch(facecolor=palette.paper, label="no rows", **edge))
    key_below(ax, marks, palette, columns=len(marks))


def _ends(ax: Axes, cells: _Cells, x: float, palette: Palette) -> None:
    """Each weekday's usual amount beside its row."""
    told = [(6.5 - i, short(float(v)), palette.ink) for i, v in enumerate(cells.days) if np.isfinite(v)]
    label_ends(ax, x, told)


def _hour(cell: tuple[Any, ...]) -> str:
    """The hour of a cell: Tue 14:00."""
    moment = pd.Timestamp("2026-01-05") + pd.Timedelta(days=int(cell[0]), hours=int(cell[1]))
    return f"{told_date(moment, 'E')}\u00a0{told_date(moment, 'Hm')}"


def _median(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")
