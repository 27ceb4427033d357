"""``tokenplan backtest``. Comes in: a usage export. Goes out: how well models would have forecast its own past.

JSON document ``tokenplan/backtest/1``: ``schema, version, usage, measure, by, series, horizon, origins, freq, seed,
rows``. A row is a model with the columns of the scorecard's table (:class:`forecast.Scorecard`).
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import UsageError, one_of
from forecast.periods import GRAIN_FREQ
from forecast.usage import Usage
from scenarios.cli.interrupting import start_workers
from scenarios.cli.screen import Screen, records
from scenarios.cli.tables import Column, aligned, csv, markdown
from scenarios.cli.timing import expected, megabytes_of
from scenarios.cli.usage_input import read_usage_of, series_columns

_COLUMNS: Final = (
    Column("model", "model"),
    Column("wape", "error", "share"),
    Column("wape_total", "error of total", "share"),
    Column("bias_total", "bias of total", "share"),
    Column("coverage_80_total", "in 80 % band", "share"),
    Column("mase_to_run_rate", "to run rate", "number", spare=2),
    Column("dm_p", "p", "number", spare=3),
)
_LEGEND: Final = (
    "error: sum of misses over sum of actual values, of single periods and of the horizon's total; in 80 % band: share "
    "of totals inside P10 to P90; to run rate: error over that of the run rate, below 1 is better (p: by chance)"
)


def run(options: argparse.Namespace) -> int:
    """Score forecasts of a usage export's past and show the scores."""
    screen = Screen(options.quiet)
    start_workers(options.jobs)
    size, dates = megabytes_of(options.usage), options.origins * len(options.models) / options.jobs
    back = expected("looking back", size, dates)
    steps = {"reading usage": expected("reading", size), f"forecasting from {options.origins} past dates": back}
    with screen.progress(steps) as step:
        step()
        usage = read_usage_of(options)
        by, measure = series_columns(options, usage), options.measure or measure_of(usage)
        monthly = usage.grain == "month"
        lag = options.lag if options.lag is not None else 0 if monthly else 2
        frame, freq = series_of(usage, by, measure=measure, lag=lag), "MS" if monthly else GRAIN_FREQ["day"]
        horizon = options.horizon or (3 if monthly else 28)
        step()
        from forecast.backtesting import backtest

        card = backtest(
            frame,
            models=list(options.models),
            horizon=horizon,
            origins=options.origins,
            freq=freq,
            seed=options.seed,
            n_jobs=options.jobs,
        )
    table = card.table.reset_index()
    if options.json:
        screen.write_json(
            {
                "schema": "tokenplan/backtest/1",
                "version": version("tokenplan"),
                "usage": repr(usage),
                "measure": measure,
                "by": by,
                "series": frame["unique_id"].nunique(),
                "horizon": horizon,
                "origins": options.origins,
                "freq": freq,
                "seed": options.seed,
                "rows": records(table),
            }
        )
    elif options.output == "csv":
        screen.write(csv(table))
    elif options.output == "markdown":
        screen.write(markdown(table, _COLUMNS))
    else:
        period = "months" if monthly else "days"
        series = frame["unique_id"].nunique()
        screen.write(f"{measure} of {series} series, {horizon} {period} ahead from {options.origins} past dates\n")
        screen.show(aligned(table, _COLUMNS, width=screen.width()))
        screen.note(_LEGEND)
    return 0


def measure_of(usage: Usage) -> str:
    """What can be scored: requests where every row of usage has them, else tokens."""
    frame = usage.frame
    if schema.REQUESTS not in frame:
        return "tokens"
    tokens = _tokens(usage)
    return "requests" if bool((frame[schema.REQUESTS].notna() | (tokens == 0)).all()) else "tokens"


def series_of(usage: Usage, by: tuple[str, ...], *, measure: str, lag: int) -> pd.DataFrame:
    """The usage as series: ``unique_id, ds, y``, without the last ``lag`` periods.

    A period without any row is a gap; where others have rows, a series that has begun has 0.

    Raises
    ------
    UsageError
        A column of ``by`` is not there, the usage has none of the measure, or the lag leaves nothing.
    """
    frame = usage.frame
    for column in by:
        one_of("by", column, [c for c in schema.DIMENSIONS if c in frame], UsageError)
    if measure == schema.REQUESTS and schema.REQUESTS not in frame:
        raise UsageError(f"{usage.source}: there is no column 'requests'; score --measure tokens")
    value = frame[schema.REQUESTS].fillna(0.0) if measure == schema.REQUESTS else _tokens(usage)
    if not (value > 0).any():
        raise UsageError(f"{usage.source}: there are no {measure}, so none can be scored")
    keys = frame[list(by)].astype("object").fillna(schema.UNASSIGNED).astype(str)
    long = pd.DataFrame({"ds": frame[schema.DATE].dt.normalize(), "unique_id": keys.agg("|".join, axis=1), "y": value})
    wide = long.groupby(["ds", "unique_id"])["y"].sum().unstack().fillna(0.0)
    step = pd.offsets.MonthBegin() if usage.grain == "month" else pd.Timedelta(days=1)
    wide = wide[wide.index <= usage.end.normalize() - lag * step]
    if wide.empty:
        raise UsageError(f"{usage.source}: nothing is left before the last {lag} periods (--lag)")
    begun = np.cumsum(wide.to_numpy() > 0, axis=0) > 0
    kept = wide.where(begun).reset_index().melt(id_vars="ds", var_name="unique_id", value_name="y")
    return kept.dropna(subset="y")[["unique_id", "ds", "y"]].reset_index(drop=True)


def _tokens(usage: Usage) -> pd.Series:
    units = [u for u in usage.units if schema.UNITS[u].token]
    return usage.frame[units].fillna(0.0).sum(axis=1) if units else pd.Series(0.0, index=usage.frame.index)
