"""Past budgets of generated organisations: how often the P80 held, beside rules of thumb.

    python benchmarks/track_record.py [--model auto] [--origins 4] [--jobs 2] [--tune]

Comes in: a folder of configurations. Goes out: of the budgets for a month and for a quarter that
``scenarios.track_record`` would have set, decided 15 days before, at origins a quarter apart: how often the P80 held,
what was lacking where it did not and left where it did, and the same of the run rate and of last year plus 10 %.

The whole decision is replayed: usage and prices as they were known, forecast, and the P80 of the total. What came is
what was billed, workloads that began after the decision and prices that changed after it among it. Origins of one
organisation share its luck: the bootstrap's blocks are organisations. What was asked was asked of the P80.

The frozen configurations are for judging. ``--tune`` runs on populations of other seeds in their place.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from frozen import Task, tasks
from joblib import Parallel, delayed
from verdicts import OUT, RULE, Line, coverage_line, looks, print_lines, save

import forecast as fc
import scenarios as sc
from forecast.coverage import coverage_error
from forecast.generator import Generated, generate_usage
from forecast.generator.organisation import BATCH_PRICE
from forecast.projection import ProjectionSpec
from scenarios.reviews.tracking.rules import USUAL

SPANS = {"month": "1M", "quarter": "1Q"}
#: Origins lie a quarter apart, so that those of a month are of different seasons too.
STEP = "1Q"
#: Days from the decision to the first day that it plans.
LEAD = 15


@dataclass(frozen=True, slots=True)
class Found:
    """The records of one organisation: a table of origins and one of environments, each by span."""

    origins: pd.DataFrame
    parts: pd.DataFrame


def price_book(truth: Generated) -> fc.PriceBook:
    """The organisation's own dated prices with those of batches; a row is known from the day on which it holds."""
    table = truth.prices().rename(columns={"start": "valid_from"}).assign(currency="USD", service_tier="standard")
    batch = table.assign(service_tier="batch", price=table["price"] * BATCH_PRICE)
    return fc.PriceBook.from_frame(pd.concat([table, batch], ignore_index=True))


def judge(task: Task, *, model: str, origins: int, draws: int, trajectories: int) -> Found:
    """Replay one organisation's budgets."""
    truth = generate_usage(task.seed, config=task.config, truth=True)
    spec = sc.PlanSpec(price_book(truth), sc.Scenario(), (), None, 0.8, draws, 1, "exclude", ("environment",))
    tables, parts = [], []
    for name, horizon in SPANS.items():
        asked = ProjectionSpec(horizon=horizon, model=model, seed=1, trajectories=trajectories)
        record = sc.track_record(truth.usage, spec, projection=asked, step=STEP, lead=LEAD, origins=origins)
        tables.append(record.table().reset_index().assign(span=name, task=task.name))
        parts.append(record.parts().reset_index().assign(span=name, task=task.name))
    return Found(pd.concat(tables, ignore_index=True), pd.concat(parts, ignore_index=True))


def held_line(what: str, model: str, held: pd.Series, task: pd.Series, *, asked: bool) -> Line:
    """How often budgets held, the bootstrap's blocks being organisations."""
    known = held.notna()
    by = held[known].astype(float).groupby(task[known])
    return coverage_line(what, model, found=coverage_error(by.sum(), by.size()), nominal=80, asked=asked)


def lines_of(origins: pd.DataFrame, parts: pd.DataFrame, model: str) -> list[Line]:
    """The P80 beside what was asked; the rest is shown."""
    lines = []
    for span, table in origins.groupby("span", sort=False):
        lines.append(held_line(f"{span}: the P80 budget held", model, table["held"], table["task"], asked=True))
        lines += [
            held_line(f"{span}: {rule} held", rule, table[f"{rule} held"], table["task"], asked=False) for rule in USUAL
        ]
        own = parts[parts["span"] == span]
        what = f"{span}: budgets of environments held"
        lines.append(held_line(what, model, own["held"].astype("boolean"), own["task"], asked=False))
    whole = origins["task"]
    lines.append(held_line("both: the P80 budget held", model, origins["held"], whole, asked=True))
    return lines


def money_table(origins: pd.DataFrame) -> pd.DataFrame:
    """What budgets lacked and left, in per cent of what came: means over origins."""
    rows = []
    for span, table in origins.groupby("span", sort=False):
        for name, budget, prefix in (("P80 budget", "budget", ""), *((r, r, f"{r} ") for r in USUAL)):
            own = table[table[f"{prefix}held"].notna()]
            kept = own[f"{prefix}held"].astype(bool)
            over, idle = (100 * own[f"{prefix}{what}"] / own["actual"] for what in ("overrun", "idle"))
            rows.append(
                {
                    "span": span, "budget": name, "origins": len(own), "held": 100 * kept.mean(),
                    "lacking, where missed": over[~kept].mean(), "left, where held": idle[kept].mean(),
                    "lacking, of all": over.mean(), "left, of all": idle.mean(),
                    "off": 100 * ((own[budget if prefix else "base"] - own["actual"]).abs() / own["actual"]).mean(),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description="Past budgets of generated organisations, beside rules of thumb")
    parser.add_argument("--configurations", type=Path, default=Path(__file__).parents[1] / "data" / "frozen")
    parser.add_argument("--model", default="auto", help="a name of the shelf (auto)")
    parser.add_argument("--origins", type=int, default=4, help="origins of each organisation, a quarter apart (4)")
    parser.add_argument("--draws", type=int, default=1_000, help="futures of a plan (1000)")
    parser.add_argument("--trajectories", type=int, default=300, help="trajectories of a projection (300)")
    parser.add_argument("--limit", type=int, help="the first so many organisations (all)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--tune", action="store_true", help="other organisations: what parameters may be chosen on")
    parser.add_argument("--repeat", type=int, default=1, help="with --tune: organisations of each kind (1)")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the summary's file (out/bench)")
    options = parser.parse_args()
    began = time.perf_counter()
    asked = tasks(options.configurations, tune=options.tune, repeat=options.repeat, limit=options.limit)
    print("The frozen configurations are not read." if options.tune else looks("frozen"))
    print(f"{len(asked)} organisations, {options.origins} origins each, decided {LEAD} days before", flush=True)
    arguments = {name: getattr(options, name) for name in ("model", "origins", "draws", "trajectories")}
    work = (delayed(judge)(task, **arguments) for task in asked)
    found: list[Found] = []
    for task, one in zip(asked, Parallel(n_jobs=options.jobs, return_as="generator")(work), strict=True):
        found.append(one)
        held = one.origins["held"].dropna()
        print(f"{time.perf_counter() - began:6.0f} s  {task.name}: held {held.sum()} of {len(held)}", flush=True)
    origins = pd.concat([f.origins for f in found], ignore_index=True)
    parts = pd.concat([f.parts for f in found], ignore_index=True)
    for row in origins[origins["why_not"].notna()].itertuples():
        print(f"not judged: {row.task}, {row.origin:%Y-%m-%d}: {row.why_not}")
    print("\nmeans over origins in per cent of what came; off: the distance of the P50, or of the rule")
    print(money_table(origins).to_string(index=False, float_format=lambda v: f"{v:.1f}"))
    rank = np.histogram(origins["percentile"].dropna(), bins=10, range=(0, 1))[0]
    print(f"what came stood among the futures, by tenths from the lowest: {' '.join(map(str, rank))}")
    grades = origins["grade"].value_counts(normalize=True).mul(100).round(1).to_dict()
    print(f"FinOps grades of the P50, in per cent of origins: {grades}")
    lines = lines_of(origins, parts, options.model)
    print(f"\n{RULE}")
    print_lines(lines)
    save(options.out, "track-record-tune" if options.tune else "track-record", lines, began=began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
