"""``tokenplan forecast``. Comes in: a usage export. Goes out: requests and tokens by month and workload, with bands.

JSON document ``tokenplan/forecast/1``: ``schema, version, usage, as_of, start, end, model, draws, seed, by, rows,
notes``. A row holds ``measure`` (requests, tokens, or a unit that is no token), the ``by`` columns, ``month``, and
``p10, p50, p90``. ``"all"`` in a ``by`` column or in ``month`` is the sum over them: the band of a sum is the quantile
of summed futures, so bands do not add.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.panel import FloatArray
from forecast.projection import Projection, project
from forecast.usage_rows import SPEND
from scenarios.budget.planfile import check_horizon, check_reach
from scenarios.cli.screen import Screen, records
from scenarios.cli.tables import Column, aligned, csv, markdown
from scenarios.cli.timing import expected, megabytes_of
from scenarios.cli.usage_input import read_usage_of, series_columns
from scenarios.spans import spans_of

ALL: Final = "all"
LEVELS: Final = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
_BANDS: Final = tuple(Column(name, name.upper(), "count") for name in LEVELS)


def run(options: argparse.Namespace) -> int:
    """Forecast a usage export and show it."""
    screen = Screen(options.quiet)
    horizon = int(options.horizon) if options.horizon.isdigit() and len(options.horizon) < 4 else options.horizon
    check_horizon(horizon)
    size = megabytes_of(options.usage)
    steps = {"reading usage": "reading", "forecasting": "forecasting", "adding up": "adding up"}
    with screen.progress({name: expected(step, size) for name, step in steps.items()}) as step:
        step()
        usage = read_usage_of(options)
        step()
        by = series_columns(options, usage)
        check_reach(usage, horizon=horizon)
        projection = project(usage, horizon=horizon, model=options.model, seed=options.seed, by=by, lag=options.lag)
        step()
        rows = quantities(projection, draws=options.draws, seed=options.seed)
    span = projection.span
    if options.json:
        screen.write_json(
            {
                "schema": "tokenplan/forecast/1",
                "version": version("tokenplan"),
                "usage": repr(usage),
                "as_of": span.as_of.date(),
                "start": span.start.date(),
                "end": span.end.date(),
                "model": options.model,
                "draws": options.draws,
                "seed": options.seed,
                "by": by,
                "rows": records(rows),
                "notes": projection.notes,
            }
        )
        return 0
    if options.output == "csv":
        screen.write(csv(rows))
    else:
        _show(rows, by, options.output, screen=screen, projection=projection)
    for note in projection.notes:
        screen.note(note)
    return 0


def _show(rows: pd.DataFrame, by: tuple[str, ...], output: str, *, screen: Screen, projection: Projection) -> None:
    span = projection.span
    whole = (rows[list(by)] == ALL).all(axis=1)
    months = rows[whole]
    parts = rows[~whole & (rows["month"] == ALL)]
    tables = [
        (
            f"All workloads, {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}, as of {span.as_of:%Y-%m-%d}",
            months,
            ["month"],
        ),
        ("By workload, the whole span", parts, list(by)),
    ]
    for title, table, labels in tables:
        columns = [Column(c, c) for c in ("measure", *labels)]
        if output == "markdown":
            screen.write(f"**{title}**\n\n{markdown(table, [*columns, *_BANDS])}\n")
        else:
            screen.show(f"{title}\n\n{aligned(table, [*columns, *_BANDS], width=screen.width())}\n\n")


def quantities(projection: Projection, *, draws: int, seed: int) -> pd.DataFrame:
    """Requests, tokens and other units by month and workload: P10, P50 and P90 of the draws.

    Returns
    -------
    DataFrame
        ``measure``, the workload's columns, ``month``, ``p10``, ``p50``, ``p90``; ``"all"`` is the sum over them.
    """
    sums, measures = _monthly(projection)
    spans = spans_of(projection)
    months = [*spans.months[spans.planned].astype(str), ALL]
    by = list(projection.spec.by)
    names = projection.workloads[by].astype("object").fillna(schema.UNASSIGNED)
    dealt = projection.draws(draws, seed)
    factor = np.exp(dealt.log_factor)[:, None]
    tables = []
    for measure, paths in zip(measures, sums, strict=True):
        used = np.flatnonzero(paths.any(axis=(0, 1)))
        parts = [(dict.fromkeys(by, ALL), paths.sum(axis=2))] if len(used) else []
        parts += [(dict(zip(by, names.iloc[w], strict=True)), paths[:, :, w]) for w in used]
        for labels, path in parts:
            drawn = path[dealt.trajectory] * factor
            found = np.quantile(np.column_stack([drawn, drawn.sum(axis=1)]), list(LEVELS.values()), axis=0)
            bands = {name: found[i] for i, name in enumerate(LEVELS)}
            tables.append(pd.DataFrame({"measure": measure, **labels, "month": months, **bands}))
    return pd.concat(tables, ignore_index=True).round(2)


def _monthly(projection: Projection) -> tuple[FloatArray, list[str]]:
    """What each trajectory uses: (measure, trajectory, planned month, workload), and the measures."""
    lanes, workloads = projection.drivers.lanes, projection.workloads
    of_lane = [
        "tokens" if unit in schema.UNITS and schema.UNITS[unit].token else "money" if unit == SPEND else unit
        for unit in lanes["unit"]
    ]
    counted = (workloads["volume_unit"] == schema.REQUESTS).to_numpy()
    measures = [*([schema.REQUESTS] if counted.any() else []), *dict.fromkeys(of_lane)]
    spans = spans_of(projection)
    out = np.zeros((len(measures), projection.volume.count, int(spans.planned.sum()), len(workloads)))
    workload, leg = lanes["workload"].to_numpy(), lanes["leg"].to_numpy()
    for block in projection.blocks():
        if counted.any():
            volume = np.add.reduceat(block.volume, spans.starts, axis=1)[:, spans.planned]
            out[0, block.which] = np.where(counted, volume, 0.0)
        used = block.volume[:, :, workload] * block.mix[:, :, leg] * block.intensity
        by_month = np.add.reduceat(used, spans.starts, axis=1)[:, spans.planned]
        for lane, measure in enumerate(of_lane):
            out[measures.index(measure), block.which, :, workload[lane]] += by_month[:, :, lane]
    return out, measures
