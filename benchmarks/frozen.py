"""Totals of tokens and cost on generated organisations: coverage and interval score beside an oracle's.

    python benchmarks/frozen.py [--configurations data/frozen] [--history 400 120 60] [--origins 4] [--tune]

Comes in: a folder of configurations. Goes out: for month (30 days) and quarter (92 days) totals, of each workload and
of the organisation, how often a nominal 80 % and 95 % band held, with the standard error of a bootstrap over origins
and the effective number of trials, and the interval score over the actual total, geometric mean, beside an oracle's,
which knows level, growth and event rates but no future event. Cost is priced at the dated prices, those after the
origin included: what is scored is usage, not the vendors' next price list.

The frozen configurations are for judging. ``--tune`` runs on populations of other seeds in their place.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import forecast as fc
from forecast import schema
from forecast.coverage import coverage_error
from forecast.generator import Generated, Population, generate_usage, read_configurations
from forecast.panel import FloatArray
from scenarios.costing import price_lanes

LENGTHS = {"month": 30, "quarter": 92}
QUARTER = LENGTHS["quarter"]
#: For choosing parameters: like the frozen ones in kind, none of them in seed or values.
TUNING = (
    {},
    {"growth": 0.05},
    {"growth": -0.02},
    {"bursty": 0.6},
    {"step_rate": 1.0},
    {"sd": (0.2, 0.5), "tails": 4.0},
    {"launches": 0.5},
    {"intermittent": 0.5, "level": (2_000.0, 8_000.0)},
    {"shared_sd": 0.15, "shock_rate": 4.0},
    {"level_sd": (0.05, 0.12), "growth_sd": (0.02, 0.05)},
    {"workloads": 48, "projects": 12},
    {"concentration": 3.0},
)


@dataclass(frozen=True)
class Scored:
    """Scores of one configuration, origin, history, measure, scope and length."""

    configuration: str
    origin: int
    history: int
    measure: str
    scope: str
    length: str
    inside80: int
    inside95: int
    above: int
    count: int
    log_score: float
    log_oracle: float


def organisations(folder: Path, *, tune: bool, limit: int) -> Iterator[tuple[str, Generated]]:
    """Name and truth of each organisation."""
    if tune:
        for i, values in enumerate(TUNING[:limit]):
            yield str(values), generate_usage(900 + i, config=Population(**values), truth=True)
        return
    for configuration in list(read_configurations(folder))[:limit]:
        yield configuration.name, generate_usage(config=configuration, truth=True)


def score(totals: FloatArray, actual: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Inside 80 %, inside 95 %, above the 80 % band, and the interval score over the actual total; each (series,)."""
    low95, low, middle, high, high95 = np.quantile(totals, [0.025, 0.1, 0.5, 0.9, 0.975], axis=0)
    width = high - low + 10 * np.maximum(low - actual, 0) + 10 * np.maximum(actual - high, 0)
    size = np.maximum(actual, 0.2 * middle)
    return (low <= actual) & (actual <= high), (low95 <= actual) & (actual <= high95), actual > high, width / size


def actual_totals(usage: fc.Usage, projection: fc.Projection, prices: fc.PriceBook) -> dict[str, FloatArray]:
    """What came: tokens and cost, float arrays (day, workload) in the projection's own order of workloads."""
    frame = usage.frame
    tokens = frame[[u for u in schema.BILLABLE if u in frame]].fillna(0.0).sum(axis=1)
    keys = ["environment", "project"]
    order = pd.MultiIndex.from_frame(projection.workloads[keys])
    found = {}
    for name, value in (("tokens", tokens), ("cost", prices.cost(usage).fillna(0.0))):
        wide = value.groupby([frame["date"], *(frame[k] for k in keys)]).sum().unstack(keys)
        found[name] = wide.reindex(index=projection.days, columns=order).fillna(0.0).to_numpy()
    return found


def forecast_totals(projection: fc.Projection, price: FloatArray, length: int) -> dict[str, FloatArray]:
    """Tokens and cost of the first ``length`` days: float arrays (trajectory, workload)."""
    lanes = projection.drivers.lanes
    count = len(projection.workloads)
    found = {"tokens": [], "cost": []}
    for block in projection.blocks(100):
        amount = block.volume[:, :, lanes["workload"]] * block.mix[:, :, lanes["leg"]] * block.intensity
        for name, value in (("tokens", amount), ("cost", amount * price)):
            sums = value[:, :length].sum(axis=1)
            by = np.zeros((len(sums), count))
            np.add.at(by.T, lanes["workload"].to_numpy(), sums.T)
            found[name].append(by)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def judge(name: str, truth: Generated, *, histories: list[int], origins: int, oracle_draws: int) -> Iterator[Scored]:
    """Score one organisation at its origins."""
    usage = truth.usage
    prices = fc.PriceBook.from_frame(truth.prices().rename(columns={"start": "valid_from"}).assign(currency="USD"))
    last = usage.end - pd.Timedelta(days=QUARTER + 3)
    for origin in range(origins):
        as_of = last - pd.Timedelta(days=QUARTER * (origins - 1 - origin))
        known = usage.until(as_of)
        made = truth.oracle(as_of.date(), horizon=QUARTER, draws=oracle_draws)
        keys = list(truth.workloads)
        for history in histories:
            recent = known.frame[known.frame["date"] > as_of - pd.Timedelta(days=history)]
            part = fc.Usage(recent.reset_index(drop=True), "day")
            end = str((as_of + pd.Timedelta(days=QUARTER)).date())
            start = str((as_of + pd.Timedelta(days=1)).date())
            projection = fc.project(part, start=start, end=end, lag=0, seed=1, trajectories=300)
            priced = price_lanes(projection, prices, unpriced="exclude")
            came = actual_totals(usage, projection, prices)
            place = [keys.index(f"{w.project}/{w.environment}") for w in projection.workloads.itertuples()]
            alive = came["tokens"].sum(axis=0) > 0
            for length, days in LENGTHS.items():
                ours = forecast_totals(projection, priced.price, days)
                theirs = {"tokens": made.tokens, "cost": made.cost}
                for measure in ("tokens", "cost"):
                    actual = came[measure][:days].sum(axis=0)
                    best = theirs[measure][:, :days][:, :, place].sum(axis=1)
                    for scope in ("workload", "organisation"):
                        a, f, o = actual[alive], ours[measure][:, alive], best[:, alive]
                        if scope == "organisation":
                            a, f, o = (x.sum(axis=-1, keepdims=True) for x in (a, f, o))
                        use = a > 0
                        in80, in95, above, width = score(f[:, use], a[use])
                        reference = score(o[:, use], a[use])[3]
                        yield Scored(
                            name, origin, history, measure, scope, length, int(in80.sum()), int(in95.sum()),
                            int(above.sum()), len(in80), float(np.log(width).sum()), float(np.log(reference).sum()),
                        )  # fmt: skip


def table(rows: list[Scored]) -> pd.DataFrame:
    """One row a history, measure, scope and length."""
    frame = pd.DataFrame([{f: getattr(r, f) for f in Scored.__dataclass_fields__} for r in rows])
    keys = ["history", "measure", "scope", "length"]
    out = []
    for key, part in frame.groupby(keys, sort=False):
        by = part.groupby(["configuration", "origin"], sort=False)[["inside80", "inside95", "count"]].sum()
        c80 = coverage_error(by["inside80"].to_numpy(float), by["count"].to_numpy(float))
        c95 = coverage_error(by["inside95"].to_numpy(float), by["count"].to_numpy(float))
        count = part["count"].sum()
        ours, best = np.exp(part["log_score"].sum() / count), np.exp(part["log_oracle"].sum() / count)
        found = {"cov80": c80.share, "se": c80.se, "trials": c80.trials, "low": c80.low, "high": c80.high}
        found |= {"cov95": c95.share, "above80": part["above"].sum() / count}
        out.append(dict(zip(keys, key, strict=True)) | found | {"score": ours, "oracle": best, "ratio": ours / best})
    return pd.DataFrame(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configurations", type=Path, default=Path(__file__).parents[1] / "data" / "frozen")
    parser.add_argument("--history", type=int, nargs="+", default=[400])
    parser.add_argument("--origins", type=int, default=4)
    parser.add_argument("--limit", type=int, default=1_000)
    parser.add_argument("--tune", action="store_true")
    asked = parser.parse_args()
    began, rows = time.perf_counter(), []
    for name, truth in organisations(asked.configurations, tune=asked.tune, limit=asked.limit):
        rows += judge(name, truth, histories=asked.history, origins=asked.origins, oracle_draws=300)
        print(f"{time.perf_counter() - began:6.0f} s  {name}", flush=True)
    with pd.option_context("display.width", 200, "display.max_columns", 30, "display.float_format", "{:.3f}".format):
        print(table(rows).to_string(index=False))


if __name__ == "__main__":
    main()
