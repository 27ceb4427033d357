"""Totals of tokens and cost on generated organisations: coverage and interval score beside an oracle's.

    python benchmarks/frozen.py [--model auto] [--history 400 120 60] [--origins 4] [--jobs 2] [--tune]

Comes in: a folder of configurations. Goes out: for month (30 days) and quarter (92 days) totals of tokens and of cost,
of each workload and of the organisation, how often a nominal 80 % and 95 % band held, with the standard error of a
bootstrap over organisations and origins and the effective number of trials; and the interval score over the actual
total, geometric mean, beside an oracle's, which knows level, growth and event rates but no future event. What was
asked was asked at 400 days of history; shorter ones are shown.

The ratio of plain sums of scores, which weighs by money, is shown beside the one that is asked. A geometric mean of
single scores is no proper score: it is least for bands that hold about half.

Cost is priced at the dated prices, those after the origin included: what is scored is usage, not the vendors' next
price list. (The oracle's cost does not know them, so that ratios of cost flatter; those of tokens don't.) A workload
that used nothing in the span is left out alone, and is in the organisation. A day that the export lost altogether is in
no total. What was launched after the origin is in none either: neither we nor the oracle could know of it.

The frozen configurations are for judging. ``--tune`` runs on populations of other seeds in their place.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from spans import held
from verdicts import OUT, RULE, Line, at_most, coverage_line, looks, print_lines, save

import forecast as fc
from forecast import schema
from forecast.coverage import CoverageError, coverage_error
from forecast.generator import Configuration, Generated, Population, generate_usage, read_configurations
from forecast.panel import FloatArray
from forecast.usage_totals import projected_totals

LENGTHS = {"month": 30, "quarter": 92}
QUARTER = LENGTHS["quarter"]
#: Last days of an export, reported in part, that no span reaches.
LATE = 3
#: What is asked, and the days of history that it is asked at.
RATIO, ASKED_HISTORY = 1.75, 400
KEYS = ["environment", "project"]
#: For choosing parameters: like the frozen ones in kind, none of them in seed or values.
TUNING: tuple[dict[str, object], ...] = (
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


@dataclass(frozen=True, slots=True)
class Task:
    """One organisation to make: its configuration, and the seed where that holds none."""

    name: str
    config: Configuration | Population
    seed: int | None


@dataclass(frozen=True, slots=True)
class Sums:
    """How some totals held: how many lay inside 80 and 95 % and above 80 %, of how many; sums of scores and their logs.

    ``score`` and ``oracle`` are in the totals' own unit; the logs are of scores over the actual total.
    """

    inside80: int
    inside95: int
    above80: int
    count: int
    score: float
    oracle: float
    log_score: float
    log_oracle: float


@dataclass(frozen=True, slots=True)
class Key:
    """What rows of the table are told apart by."""

    history: int
    measure: str
    scope: str
    length: str


#: How the totals of one organisation and origin held.
Origin = dict[Key, Sums]


# --------------------------------------------------------------------------------------------------- organisations


def tasks(folder: Path, *, tune: bool, repeat: int, limit: int | None) -> list[Task]:
    """The organisations to judge on, or those to choose parameters on, each kind ``repeat`` times."""
    if tune:
        kinds = [(str(values), Population(**values)) for values in TUNING]  # type: ignore[arg-type]
        made = [Task(name, kind, 900 + 100 * r + i) for r in range(repeat) for i, (name, kind) in enumerate(kinds)]
    else:
        made = [Task(c.name, c, None) for c in read_configurations(folder)]
    return made[:limit]


def price_book(truth: Generated) -> fc.PriceBook:
    """The organisation's own dated prices, those to come included."""
    return fc.PriceBook.from_frame(truth.prices().rename(columns={"start": "valid_from"}).assign(currency="USD"))


def history_of(usage: fc.Usage, as_of: pd.Timestamp, days: int) -> fc.Usage:
    """The last ``days`` known on ``as_of``."""
    known = usage.until(as_of).frame
    return fc.Usage(known[known["date"] > as_of - pd.Timedelta(days=days)].reset_index(drop=True), "day")


# -------------------------------------------------------------------------------------------------------- one origin


def what_came(usage: fc.Usage, projection: fc.Projection, prices: fc.PriceBook) -> dict[str, FloatArray]:
    """Tokens and cost, float arrays (day, workload) in the projection's own order of workloads."""
    frame = usage.frame
    tokens = frame[[u for u in schema.BILLABLE if u in frame]].fillna(0.0).sum(axis=1)
    order = pd.MultiIndex.from_frame(projection.workloads[KEYS])
    found = {}
    for name, value in (("tokens", tokens), ("cost", prices.cost(usage).fillna(0.0))):
        wide = value.groupby([frame["date"], *(frame[k] for k in KEYS)]).sum().unstack(KEYS)
        found[name] = wide.reindex(index=projection.days, columns=order).fillna(0.0).to_numpy()
    return found


def compared(actual: FloatArray, ours: FloatArray, oracle: FloatArray) -> Sums:
    """Totals that came (series,), beside draws of them (draw, series), ours and the oracle's."""
    use = actual > 0
    mine, best = held(ours[:, use], actual[use]), held(oracle[:, use], actual[use])
    above = actual[use] > np.quantile(ours[:, use], 0.9, axis=0)
    return Sums(
        int(mine.inside80.sum()),
        int(mine.inside95.sum()),
        int(above.sum()),
        int(use.sum()),
        float((mine.score * actual[use]).sum()),
        float((best.score * actual[use]).sum()),
        float(np.log(mine.score).sum()),
        float(np.log(best.score).sum()),
    )


def judge(task: Task, *, model: str, histories: list[int], origins: int, draws: int) -> list[Origin]:
    """Score one organisation at its origins, a quarter apart."""
    truth = generate_usage(task.seed, config=task.config, truth=True)
    last = truth.usage.end - pd.Timedelta(days=QUARTER + LATE)
    every = [last - pd.Timedelta(days=QUARTER * back) for back in reversed(range(origins))]
    return [judge_origin(truth, as_of, model=model, histories=histories, draws=draws) for as_of in every]


def judge_origin(truth: Generated, as_of: pd.Timestamp, *, model: str, histories: list[int], draws: int) -> Origin:
    """Score every history, measure, scope and length of one origin."""
    usage, prices = truth.usage, price_book(truth)
    best = truth.oracle(as_of.date(), horizon=QUARTER, draws=draws)
    start, end = (str((as_of + pd.Timedelta(days=d)).date()) for d in (1, QUARTER))
    found: Origin = {}
    for history in histories:
        known = history_of(usage, as_of, history)
        projection = fc.project(known, start=start, end=end, model=model, lag=0, seed=1, trajectories=draws)
        made = projected_totals(projection, prices, unpriced="exclude").measures
        came = what_came(usage, projection, prices)
        seen = np.isin(projection.days, usage.frame["date"].unique())
        place = [truth.workloads.index(f"{w.project}/{w.environment}") for w in projection.workloads.itertuples()]
        for measure, oracle in (("tokens", best.tokens), ("cost", best.cost)):
            for length, days in LENGTHS.items():
                kept = np.flatnonzero(seen[:days])
                each = [x[..., kept, :].sum(axis=-2) for x in (came[measure], made[measure], oracle[:, :, place])]
                found[Key(history, measure, "workload", length)] = compared(*each)
                whole = (x.sum(axis=-1, keepdims=True) for x in each)
                found[Key(history, measure, "organisation", length)] = compared(*whole)
    return found


# ------------------------------------------------------------------------------------------------------------- tables


@dataclass(frozen=True, slots=True)
class Row:
    """How totals held over organisations and origins."""

    key: Key
    covered80: CoverageError
    covered95: CoverageError
    above80: float
    score: float
    oracle: float
    summed: float


def row_of(key: Key, found: list[Sums]) -> Row:
    """Pool the sums of every organisation and origin, which are the bootstrap's blocks."""
    count = np.array([s.count for s in found], dtype="float64")
    in80, in95 = (coverage_error([getattr(s, name) for s in found], count) for name in ("inside80", "inside95"))
    names = ("above80", "score", "oracle", "log_score", "log_oracle")
    above, ours, best, log_ours, log_best = (float(sum(getattr(s, n) for s in found) / count.sum()) for n in names)
    return Row(key, in80, in95, above, float(np.exp(log_ours)), float(np.exp(log_best)), ours / best)


def table(rows: list[Row]) -> pd.DataFrame:
    """The rows for reading, coverage in per cent."""
    return pd.DataFrame(
        [
            {
                **asdict(r.key),
                "in 80": 100 * r.covered80.share, "±": 100 * r.covered80.se, "trials": r.covered80.trials,
                "in 95": 100 * r.covered95.share, "above 80": 100 * r.above80,
                "score": r.score, "oracle": r.oracle, "ratio": r.score / r.oracle, "of sums": r.summed,
            }
            for r in rows
        ]
    )  # fmt: skip


def lines_of(rows: list[Row], model: str) -> list[Line]:
    """Each row beside what was asked; at other histories than that which it was asked at it is shown."""
    lines = []
    for r in rows:
        what = f"{r.key.length} {r.key.measure}, {r.key.scope}, {r.key.history} days"
        asked = r.key.history == ASKED_HISTORY
        lines += [
            coverage_line(what, model, found=r.covered80, nominal=80, asked=asked),
            coverage_line(what, model, found=r.covered95, nominal=95, asked=asked),
            at_most(f"{what}: score over the oracle's", model, value=r.score / r.oracle, limit=RATIO, asked=asked),
        ]
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description="Totals on generated organisations, beside an oracle's")
    parser.add_argument("--configurations", type=Path, default=Path(__file__).parents[1] / "data" / "frozen")
    parser.add_argument("--model", default="auto", help="a name of the shelf (auto)")
    parser.add_argument("--history", type=int, nargs="+", default=[ASKED_HISTORY], help="days that are known (400)")
    parser.add_argument("--origins", type=int, default=4, help="origins of each organisation, a quarter apart (4)")
    parser.add_argument("--draws", type=int, default=300, help="futures, ours and the oracle's (300)")
    parser.add_argument("--limit", type=int, help="the first so many organisations (all)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--tune", action="store_true", help="other organisations: what parameters may be chosen on")
    parser.add_argument("--repeat", type=int, default=1, help="with --tune: organisations of each kind (1)")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the summary's file (out/bench)")
    options = parser.parse_args()
    began = time.perf_counter()
    asked = tasks(options.configurations, tune=options.tune, repeat=options.repeat, limit=options.limit)
    print("The frozen configurations are not read." if options.tune else looks("frozen"))
    print(f"{len(asked)} organisations, {options.origins} origins each, {options.draws} futures", flush=True)
    arguments = {name: getattr(options, name) for name in ("model", "origins", "draws")}
    work = (delayed(judge)(task, histories=options.history, **arguments) for task in asked)
    found: list[Origin] = []
    for task, judged in zip(asked, Parallel(n_jobs=options.jobs, return_as="generator")(work), strict=True):
        found += judged
        print(f"{time.perf_counter() - began:6.0f} s  {task.name}", flush=True)
    rows = [row_of(key, [origin[key] for origin in found]) for key in found[0]]
    print(
        "\ncoverage in %; scores are geometric means over the actual total; of sums: the ratio of plain sums of scores"
    )
    print(table(rows).to_string(index=False, float_format=lambda v: f"{v:.2f}"))
    lines = lines_of(rows, options.model)
    print(f"\n{RULE}")
    print_lines(lines)
    save(options.out, "frozen-tune" if options.tune else "frozen", lines, began=began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
