"""The rules of a review's decisions, on generated organisations: whether they were right, and in time.

    python benchmarks/review_rules.py [--organisations 24] [--jobs 2] [--judge]

Comes in: organisations that are drawn, each with its own seed. Goes out, of a quarter that is planned before its first
day and reviewed on its days 15, 31, 46 and 62:

- release: money given back where P80, or P50, of the outlook lies below the budget by 1,000 and 5 %, and how often what
  was spent in the end needed it back;
- approve: budgets of 75 % to 105 % of what was spent in the end; how many of those that more was asked for were gone
  over, and how often the P10, and the P50, of the days of going over came after the day.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

import forecast as fc
import scenarios as sc
from scenarios.reviews.breach import breach_of
from scenarios.reviews.reviewing import AMOUNT, PERCENT

DAYS = (15, 31, 46, 62)
#: Budgets, as parts of what was spent in the end.
PARTS = (0.75, 0.85, 0.90, 0.95, 1.00, 1.05)
RELEASED = (0.8, 0.5)
#: What is asked: of what was released at P80, at most so much is needed back; the day is too late in at most so many.
BACK, LATE = 0.30, 0.10


def judge(seed: int) -> pd.DataFrame:
    """One organisation: a row each review and rule, with whether it asked and whether it was right."""
    usage = fc.generate_usage(seed=seed)
    quarter = (usage.end + pd.Timedelta(days=1)).to_period("Q") - 1
    start, last = quarter.start_time.normalize(), quarter.end_time.normalize()
    known = usage.until(start - pd.Timedelta(days=1))
    span = {"start": f"{start:%Y-%m-%d}", "end": f"{last:%Y-%m-%d}"}
    plan = sc.plan(
        fc.project(known, **span, lag=0, seed=seed, trajectories=200), draws=500, seed=seed, unpriced="exclude"
    )
    spent = sc.review(plan, usage, as_of=last).breach().spent
    rows: list[tuple[str, bool, bool, bool]] = []
    for days in DAYS:
        out = sc.review(plan, usage, as_of=start + pd.Timedelta(days=days - 1)).outlook
        for level in RELEASED:
            left = out.quantile(level)
            free = plan.budget - left
            asked = free >= max(AMOUNT, PERCENT * plan.budget)
            rows.append((f"release at P{level * 100:g}", asked, asked and bool(spent[-1] > left), False))
        for part in PARTS:
            limit = part * float(spent[-1]) - 0.01
            if out.to_date > limit:
                continue
            breach = breach_of(out, limit)
            asked, over = breach.probability > 0.5, np.flatnonzero(spent > limit)
            late = breach.dates((0.1, 0.5)) > breach.days[over[0]] if asked and len(over) else (False, False)
            for name, value in zip(("P10", "P50"), late, strict=True):
                rows.append((f"approve by {name}", asked, asked and len(over) > 0, bool(value)))
    return pd.DataFrame(rows, columns=["rule", "asked", "came", "late"])


def main() -> int:
    """Print how the rules fared; with ``--judge`` 1 where one fell short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organisations", type=int, default=24)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--judge", action="store_true")
    asked = parser.parse_args()
    made = Parallel(asked.jobs)(delayed(judge)(seed) for seed in range(asked.organisations))
    table = (
        pd.concat(made)
        .query("asked")
        .groupby("rule")
        .agg(reviews=("asked", "size"), came=("came", "mean"), late=("late", "sum"), went=("came", "sum"))
    )
    table["late"] = table.pop("late") / table.pop("went").where(lambda n: n > 0)
    table.loc[table.index.str.startswith("release"), "late"] = np.nan
    print("came: of releases, needed back; of approvals, the budget was gone over. late: the day told came after it")
    print(table.round(3).to_string())
    fell = table.loc["release at P80", "came"] > BACK or table.loc["approve by P10", "late"] > LATE
    return int(asked.judge and bool(fell))


if __name__ == "__main__":
    sys.exit(main())
