"""``tokenplan scenario compare``. Comes in: a usage export, and scenarios. Goes out: what each costs beside the others.

JSON document ``tokenplan/compare/1``:

- ``schema``, ``version`` (of tokenplan), ``usage``, ``as_of``, ``start``, ``end``, ``currency``, ``draws``, ``seed``
- ``base``: what the scenarios are held against
- ``rows``: ``scenario``, ``mean`` and ``p10, p50, p80, p90`` of its total; ``delta`` with ``delta_p10, delta_p90``:
  what it costs more than the base in the same worlds; ``cheaper``: the probability that it costs less; ``requests`` and
  ``quality`` over those of the base, null where they are not known
- ``files``: what was written with ``--out``; ``notes``
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pandas as pd

from forecast.prices import PriceBook
from forecast.projection import project
from forecast.usage import Usage
from scenarios.budget.planfile import check_horizon, check_reach
from scenarios.cli.exports import save_chart, write_whole
from scenarios.cli.prices_job import book_of
from scenarios.cli.screen import Screen, records
from scenarios.cli.tables import LARGE, Column, Style, aligned, csv, markdown
from scenarios.cli.timing import expected, megabytes_of
from scenarios.cli.usage_input import read_usage_of, series_columns
from scenarios.comparing.comparison import By, Comparison, compare
from scenarios.files.scenario_file import scenario_source
from scenarios.files.source import ScenarioSource

_MONEY: Final = ("mean", "p10", "p50", "p80", "p90", "delta", "delta_p10", "delta_p90")
#: What is left out first where the line is too short, highest first.
_SPARE: Final = {"mean": 7, "p10": 6, "p80": 5, "p90": 4, "delta_p10": 3, "delta_p90": 2, "cheaper": 1}
_HEADS: Final = {"delta": "more by", "delta_p10": "its P10", "delta_p90": "its P90"}
_SHARE_DIGITS: Final = 6


def run(options: argparse.Namespace) -> int:
    """Compare scenarios on a usage export."""
    screen = Screen(options.quiet)
    horizon = int(options.horizon) if options.horizon.isdigit() and len(options.horizon) < 4 else options.horizon
    check_horizon(horizon)
    told = [scenario_source(name) for name in options.scenarios]
    base = None if options.base is None else scenario_source(options.base)
    size, several = megabytes_of(options.usage), len(told) + 1
    steps = {"reading usage": expected("reading", size), "forecasting": expected("forecasting", size)}
    steps |= {"simulating": expected("simulating", size, several)}
    steps |= {"writing files": expected("writing", size, several)} if options.out else {}
    with screen.progress(steps) as step:
        step()
        usage, book = read_usage_of(options), book_of(options)
        made = _compared(usage, told, base, step=step, options=options, horizon=horizon, book=book)
        written: list[Path] = []
        if options.out:
            step()
            written = write_whole(options.out, _writers(made, options.bridge))
    _show(made, usage, written, options, screen=screen)
    return 0


def _compared(
    usage: Usage,
    told: list[ScenarioSource],
    base: ScenarioSource | None,
    *,
    step: Callable[[], None],
    options: argparse.Namespace,
    horizon: int | str,
    book: PriceBook,
) -> Comparison:
    step()
    check_reach(usage, horizon=horizon)
    by = series_columns(options, usage)
    projection = project(usage, horizon=horizon, model=options.model, seed=options.seed, by=by, lag=options.lag)
    step()
    start = projection.span.start
    return compare(
        projection,
        [one.scenario(start) for one in told],
        base=None if base is None else base.scenario(start),
        prices=book,
        draws=options.draws,
        seed=options.seed,
        unpriced=options.unpriced,
    )


def _show(made: Comparison, usage: Usage, written: list[Path], options: argparse.Namespace, *, screen: Screen) -> None:
    table, span = table_of(made), made.projection.span
    if options.json:
        screen.write_json(
            {
                "schema": "tokenplan/compare/1",
                "version": version("tokenplan"),
                "usage": repr(usage),
                "as_of": span.as_of.date(),
                "start": span.start.date(),
                "end": span.end.date(),
                "currency": made.currency,
                "draws": made.draws,
                "seed": made.seed,
                "base": made.names[0],
                "rows": records(table),
                "files": [str(path) for path in written],
                "notes": (*made.notes, *made.projection.notes),
            }
        )
        return
    if options.output == "csv":
        screen.write(csv(table))
    else:
        title = (
            f"{made.currency}, {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}, as of {span.as_of:%Y-%m-%d}; "
            f"beside {made.names[0]!r} in the same {made.draws:,} worlds"
        )
        form = options.output == "markdown"
        shown = markdown(table, _columns(table)) if form else aligned(table, _columns(table), width=screen.width())
        screen.show(f"{f'**{title}**' if form else title}\n\n{shown}")
    for path in written:
        screen.note(f"wrote {path}")
    for note in (*made.notes, *made.projection.notes):
        screen.note(note)


def table_of(made: Comparison) -> pd.DataFrame:
    """The comparison as a frame without index: money to the cent."""
    table = made.table().reset_index()
    digits = dict.fromkeys(("cheaper", "requests", "quality"), _SHARE_DIGITS)
    return table.round({**dict.fromkeys(_MONEY, 2), **digits})


def _columns(table: pd.DataFrame) -> list[Column]:
    """The columns to show; requests and quality where a scenario moves them."""
    style: Style = "money" if table["mean"].abs().max() >= LARGE / 100 else "cents"
    heads = {name: _HEADS.get(name, name.upper() if name.startswith("p") else name) for name in _MONEY}
    money = [Column(name, head, style, _SPARE.get(name, 0)) for name, head in heads.items()]
    moved = [name for name in ("requests", "quality") if (table[name].dropna() != 1.0).any()]
    return [
        Column("scenario", "scenario"),
        *money,
        Column("cheaper", "cheaper", "share", _SPARE["cheaper"]),
        *(Column(name, name, "share") for name in moved),
    ]


def _writers(made: Comparison, by: By) -> dict[str, Callable[[Path], object]]:
    """The files of a comparison: its table and chart, and of each scenario what makes its difference."""
    bridges = {name: made.bridge(name, by=by) for name in made.names[1:]}
    steps = pd.concat([b.table().assign(scenario=name) for name, b in bridges.items()], ignore_index=True)
    steps = steps[["scenario", *steps.columns.drop("scenario")]]
    frames = {"compare.csv": table_of(made), "bridge.csv": steps}
    writers: dict[str, Callable[[Path], object]] = {name: partial(_write_csv, frame) for name, frame in frames.items()}
    writers["scenarios.png"] = partial(save_chart, made.plot)
    for name, file in _file_names(made.names[1:]).items():
        writers[f"waterfall-{file}.png"] = partial(save_chart, bridges[name].plot)
    return writers


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    path.write_text(csv(frame), encoding="utf-8")


def _file_names(names: tuple[str, ...]) -> dict[str, str]:
    """Names as parts of file names, each its own whatever the system makes of capitals."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "scenario"
        own = next(p for p in (plain, *(f"{plain}~{i}" for i in range(2, len(names) + 1))) if p.lower() not in taken)
        taken.add(own.lower())
        found[name] = own
    return found
