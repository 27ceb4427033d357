"""Month-to-date projections of generated organisations: error beside the run rate's, and how 80 % bands held.

    python benchmarks/month_to_date.py [--organisations 200] [--months 2] [--model auto] [--jobs 2] [--tune]

Comes in: organisations that are drawn, each with its own seed. Goes out: for the total cost of a calendar month, told
at the end of its day 1, 5, 10 and 20: the mean absolute error in per cent of what came, and how often the 80 % band
held, of two designs and the run rate.

``refit`` forecasts the rest of the month anew from the day; ``condition`` keeps the futures that were made before the
month began, and moves each by how far what it said of the days seen lies from what came (regression of the log of the
rest on the log of the days seen, over the futures: Evensen 1994, doi:10.1029/94JC00572). The run rate is spend so far
over the days so far, times the days of the month.

Months of one organisation lie half a year apart. Cost is priced at dated prices, as a plan prices it.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from frozen import TUNING, price_book, what_came
from joblib import Parallel, delayed
from verdicts import OUT, RULE, at_most, coverage_line, print_lines, save

import forecast as fc
from forecast.coverage import coverage_error
from forecast.generator import Population, generate_usage
from forecast.panel import FloatArray
from forecast.usage_totals import projected_totals

DAYS = (1, 5, 10, 20)
#: What is asked: the error on day 5 in per cent, at most, and as a part of the run rate's.
ASKED, PART = 12.0, 0.5
#: The organisations that parameters may be chosen on, and those that are judged on.
TUNED, JUDGED = 30_000, 40_000
WAYS = ("run rate", "refit", "condition")


def conditioned(seen: FloatArray, rest: FloatArray, came: float) -> FloatArray:
    """Draws of the rest (draw,), given what came of the days seen: draws of those are ``seen`` (draw,)."""
    x, y = np.log(np.maximum(seen, 1e-12)), np.log(np.maximum(rest, 1e-12))
    spread = x - x.mean()
    slope = float(spread @ (y - y.mean()) / max(float(spread @ spread), 1e-300))
    return np.asarray(np.exp(y + slope * (np.log(max(came, 1e-12)) - x)))


def total_draws(usage: fc.Usage, prices: fc.PriceBook, start: pd.Timestamp, end: pd.Timestamp, model: str) -> tuple:
    known = usage.until(start - pd.Timedelta(days=1))
    made = fc.project(known, start=str(start.date()), end=str(end.date()), model=model, lag=0, seed=1, trajectories=300)
    draws = projected_totals(made, prices, unpriced="exclude").measures["cost"].sum(axis=2)
    return made, draws


def judge(seed: int, *, months: int, model: str) -> list[tuple[int, str, float, bool]]:
    """Rows of one organisation: day, way, relative error, whether the band held."""
    kind = Population(**TUNING[seed % len(TUNING)])  # type: ignore[arg-type]
    truth = generate_usage(seed, config=kind, truth=True)
    usage, prices = truth.usage, price_book(truth)
    last = (usage.end.normalize() - pd.Timedelta(days=3)).to_period("M") - 1
    found = []
    for back in range(months):
        month = last - 6 * back
        start, end = month.start_time, month.end_time.normalize()
        projection, before = total_draws(usage, prices, start, end, model)
        came = what_came(usage, projection, prices)["cost"].sum(axis=1)
        if not (came > 0).all():
            continue  # a day that the export lost: nobody knows what came
        for day in DAYS:
            seen, total = float(came[:day].sum()), float(came.sum())
            _, rest = total_draws(usage, prices, start + pd.Timedelta(days=day), end, model)
            ways = {
                "refit": seen + rest.sum(axis=1),
                "condition": seen + conditioned(before[:, :day].sum(axis=1), before[:, day:].sum(axis=1), seen),
            }
            found.append((day, "run rate", abs(seen / day * len(came) / total - 1.0), False))
            for way, draws in ways.items():
                low, middle, high = np.quantile(draws, [0.1, 0.5, 0.9])
                found.append((day, way, abs(middle / total - 1.0), bool(low <= total <= high)))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Month-to-date projections beside the run rate")
    parser.add_argument("--organisations", type=int, default=200)
    parser.add_argument("--months", type=int, default=2)
    parser.add_argument("--model", default="auto")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--tune", action="store_true", help="other organisations: what designs may be chosen on")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the summary's file (out/bench)")
    options = parser.parse_args()
    began = time.perf_counter()
    first = TUNED if options.tune else JUDGED
    work = (delayed(judge)(first + i, months=options.months, model=options.model) for i in range(options.organisations))
    rows = [row for found in Parallel(n_jobs=options.jobs)(work) for row in found]
    table = pd.DataFrame(rows, columns=["day", "way", "error", "held"])
    months = len(table) // (len(DAYS) * len(WAYS))
    print(f"{months} months of {options.organisations} organisations, {time.perf_counter() - began:.0f} s\n")
    of = table.groupby(["day", "way"])
    shown = of.agg(error=("error", "mean"), median=("error", "median"), held=("held", "mean"))
    print((100 * shown).round(1).to_string())
    lines = []
    for day in DAYS:
        mine = table[(table["day"] == day) & (table["way"] == "refit")]["held"].to_numpy("float64")
        found = coverage_error(mine, np.ones(len(mine)))
        lines.append(
            coverage_line(f"month's cost, end of day {day}", options.model, found=found, nominal=80, asked=True)
        )
    error = {way: 100 * float(shown.loc[(5, way), "error"]) for way in WAYS}
    lines += [
        at_most("day 5: mean absolute error in %", options.model, value=error["refit"], limit=ASKED, asked=True),
        at_most(
            "day 5: error over the run rate's",
            options.model,
            value=error["refit"] / error["run rate"],
            limit=PART,
            asked=True,
        ),
    ]
    print(f"\n{RULE}")
    print_lines(lines)
    save(options.out, "month-to-date-tune" if options.tune else "month-to-date", lines, began=began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
