"""Adoption curves before their end is seen: error of the next 90 days' total, and coverage of the curves' own bands.

    python benchmarks/curves.py [--panels 16] [--kinds logistic gompertz bass] [--unlike 0.25] [--seed 1]

Comes in: made-up panels of eight products of one kind of curve, launched at different times, of which the last known
day stands at 20, 40, 60 or 80 % of the ceiling (two products each). From 10 to 90 % of the ceiling it takes 270 days
about, a log factor of ``--unlike`` more or less from product to product; weekends are quieter, days differ by 12 %,
weeks wander by 8 %. Fitted are the same kind as the truth and, to see what a wrong kind costs, the next one.
Goes out, by what was reached and by way: the mean absolute log error of the 90 days' total and its mean (bias), both
in %; the part of totals within the own 80 % band, in %; and the 80 % interval score over the actual total. The ways:

- ``run_rate``: the mean of four weeks, with the library's calibrated band;
- ``ceiling a, b``: the ceiling is a to b times the recent level (P10, P90), on its own or ``pooled`` with the others;
- ``start alone``: next to nothing is assumed of the ceiling (0.1 to 1,000 times the level): how such curves start and
  how fast they rise decides;
- ``calibrated``: the default's point with the library's calibrated band in place of its own.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import numpy as np
import pandas as pd
from verdicts import OUT, Line, print_lines, save

from forecast.dependence import trajectories
from forecast.models import Model, model_of
from forecast.models.curve_fitting import Kind, log_share
from forecast.models.curves import WAY, AdoptionCurve
from forecast.panel import FloatArray, Panel
from forecast.ranges import Between
from forecast.scores import interval_score
from forecast.streams import stream

HORIZON, DRAWS, DAYS, LEAST = 90, 500, 270.0, 42
REACHED: Final = (0.2, 0.4, 0.6, 0.8)
PRODUCTS = 2 * REACHED
START: Final = {"logistic": -3.0, "gompertz": 1.3, "bass": 2.5}
WEEK = np.array([1.2, 1.2, 1.2, 1.2, 1.1, 0.6, 0.5])
NOISE, WANDER, TIE = 0.12, 0.08, 0.6
MULTIPLES = (Between(1.2, 3.0), Between(1.2, 8.0), Between(1.5, 10.0))


@dataclass(frozen=True, slots=True)
class World:
    """A panel, and what came after it: (horizon, series)."""

    panel: Panel
    actual: FloatArray


def world(kind: Kind, seed: int, unlike: float) -> World:
    """Eight products of one kind, right-aligned."""
    rng = stream(seed, "curves", kind)
    t, grown = np.arange(1.0, 4_000.0), []
    for reached in PRODUCTS:
        rate = np.log(WAY[kind] / DAYS) + unlike * rng.standard_normal()
        start = START[kind] + 1.5 * unlike * rng.standard_normal()
        share = np.exp(log_share(kind, t, np.array(start), np.array(rate)).log)
        known = max(LEAST, int(np.argmax(share >= reached)) + 1)
        days = known + HORIZON
        shocks = WANDER * np.sqrt(1 - TIE**2) * rng.standard_normal(days // 7 + 1)
        weeks = np.zeros(len(shocks))
        for k in range(1, len(weeks)):
            weeks[k] = TIE * weeks[k - 1] + shocks[k]
        log = weeks[np.arange(days) // 7] + NOISE * rng.standard_normal(days)
        grown.append(np.exp(rng.normal(7.0, 1.0)) * share[:days] * WEEK[np.arange(days) % 7] * np.exp(log))
    length = max(map(len, grown))
    values = np.stack([np.concatenate([np.full(length - len(y), np.nan), y]) for y in grown], axis=1)
    periods = pd.date_range("2024-01-01", periods=length - HORIZON)
    names = tuple(f"product {i}" for i in range(len(PRODUCTS)))
    return World(Panel(values[:-HORIZON], periods, names, "D"), values[-HORIZON:])


def ways(kind: Kind) -> dict[str, Model]:
    """Models by what the table calls them."""
    found: dict[str, Model] = {"run_rate": model_of("run_rate")}
    for pool in (False, True):
        said = ", pooled" if pool else ""
        for multiple in MULTIPLES:
            told = f"ceiling {multiple.low:g}, {multiple.high:g}{said}"
            found[told] = AdoptionCurve(kind=kind, multiple=multiple, pool=pool, paths="own")
        found[f"start alone{said}"] = AdoptionCurve(kind=kind, multiple=Between(0.1, 1000.0), pool=pool, paths="own")
    kinds = get_args(Kind)
    other: Kind = kinds[(kinds.index(kind) + 1) % len(kinds)]
    found["default, wrong kind"] = AdoptionCurve(kind=other, paths="own")
    found["default, calibrated"] = AdoptionCurve(kind=kind)
    return found


def scores(model: Model, made: World) -> pd.DataFrame:
    """One row a product."""
    if isinstance(model, AdoptionCurve) and model.paths == "own":
        point = model.point(made.panel, HORIZON)
        totals = model.futures(made.panel, HORIZON, DRAWS, 0).values.sum(axis=1)
        point = point[:, : totals.shape[1]]
    else:
        drawn = trajectories(made.panel, model, horizon=HORIZON, count=DRAWS, seed=0)
        point, totals = drawn.point, drawn.paths().sum(axis=1)
    actual = made.actual.sum(axis=0)
    low, high = np.quantile(totals, [0.1, 0.9], axis=0)
    off = 100 * np.log(point.sum(axis=0) / actual)
    inside = 100 * ((low <= actual) & (actual <= high))
    score = interval_score(actual, low, high, level=80) / actual
    return pd.DataFrame({"reached": PRODUCTS, "error": np.abs(off), "bias": off, "covered": inside, "score": score})


def main() -> int:
    parser = argparse.ArgumentParser(description="error and coverage of 90-day totals on the way up a curve")
    parser.add_argument("--panels", type=int, default=16, help="panels of each kind (16)")
    parser.add_argument("--kinds", nargs="+", default=list(get_args(Kind)), help="kinds of the truth (all)")
    parser.add_argument("--unlike", type=float, default=0.25, help="how far products' log rates differ (0.25)")
    parser.add_argument("--seed", type=int, default=1, help="of the first panel (1)")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the summary's file (out/bench)")
    options = parser.parse_args()
    began, found = time.perf_counter(), []
    for kind in options.kinds:
        models = ways(kind)
        for panel in range(options.panels):
            made = world(kind, options.seed + panel, options.unlike)
            found += [scores(model, made).assign(kind=kind, way=way) for way, model in models.items()]
    every = pd.concat(found, ignore_index=True)
    order = list(dict.fromkeys(every["way"]))
    for by in ("reached", "kind"):
        parts = {
            what: every.groupby(["way", by])[what].mean().unstack().loc[order]
            for what in ("error", "bias", "covered", "score")
        }
        print(f"\nby {by}: error and bias of the total, % (log); covered by the own 80 % band, %; interval score")
        table = pd.concat(parts, axis=1)
        print(table.to_string(float_format=lambda v: f"{v:.2f}" if abs(v) < 2 else f"{v:.0f}"))
    default = "ceiling 1.2, 8, pooled"
    ours = every[every["way"] == default]
    lines = [
        Line("mean absolute log error of 90 days, %", default, "", f"{ours['error'].mean():.1f}", "shown"),
        Line("covered by the own 80 % band, %", default, "", f"{ours['covered'].mean():.0f}", "shown"),
    ]
    print()
    print_lines(lines)
    save(options.out, "curves", lines, began=began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
