"""Cold starts: totals of launched workloads at 0, 7 and 30 days of history, by ``launch`` and by the run rate.

    python benchmarks/launches.py [--ages 0 7 30] [--repeat 6] [--judge] [--oracle] [--jobs 2]

Comes in: made-up organisations of which many workloads begin inside the span. Goes out, for the requests of the next 30
and 90 days of each launched workload: how often the 80 % band held, its interval score over the actual total (geometric
and plain mean; the geometric one forgives misses) beside that of the run rate, and how far the median was off. With
``--oracle``, once something was seen, that of an oracle too, which knows level, ramp and rates of events.

At 0 days a run rate has nothing to go on: beside it stands the run rate of the mean grown workload, in its own band.
``launch`` is shown with nothing expected (levels as of the grown workloads) and with what a planner expects: a range
whose P10 to P90 is a factor of 3.6 wide, drawn so that the true level lies anywhere in it as often as it says.

Parameters are chosen without ``--judge``; with it, on organisations of other seeds.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from verdicts import OUT, RULE, Line, at_most, coverage_line, print_lines, save

from forecast.coverage import coverage_error
from forecast.dependence import trajectories
from forecast.generator import Generated, Population, generate_usage
from forecast.models import model_of
from forecast.models.launch import Launch
from forecast.panel import FloatArray, Panel
from forecast.ranges import Z90, Between
from forecast.scores import interval_score
from forecast.streams import stream

LENGTHS = (30, 90)
LONGEST = max(LENGTHS)
#: Organisations by kind, all with many launches.
KINDS: tuple[dict[str, object], ...] = (
    {"launches": 0.6},
    {"launches": 0.4, "ramp_days": (5.0, 30.0)},
    {"launches": 0.5, "ramp_days": (40.0, 120.0)},
    {"launches": 0.5, "bursty": 0.5},
    {"launches": 0.5, "sd": (0.2, 0.4)},
    {"launches": 0.4, "growth": 0.04},
)
TUNE, JUDGE = 20_000, 30_000
#: What a planner does not know of the log level: its standard deviation.
DOUBT = 0.5
#: A launch is looked at if the organisation was known for so many days before it.
BEFORE = 120
SMALL = 1e-9


@dataclass(frozen=True, slots=True)
class Found:
    """One launched workload at one age: what came and each model's draws, as inside, score over actual, error."""

    organisation: int
    age: int
    length: int
    model: str
    inside: bool
    score: float
    off: float


def panel_of(truth: Generated) -> Panel:
    """Requests by workload and day; NaN before a workload begins."""
    frame = truth.usage.frame
    wide = frame.assign(key=frame["project"].astype(str) + "/" + frame["environment"].astype(str))
    table = wide.pivot_table(index="date", columns="key", values="requests", aggfunc="sum")
    days = pd.date_range(table.index[0], table.index[-1])
    values = table.reindex(days).to_numpy("float64")
    begun = np.argmax(np.isfinite(values), axis=0)
    # Inside a life, a day without rows is a day without requests.
    values = np.where(np.arange(len(days))[:, None] >= begun, np.nan_to_num(values), np.nan)
    return Panel(values, days, tuple(table.columns), "D")


def judge(number: int, config: Population, seed: int, ages: list[int], draws: int, *, oracle: bool) -> list[Found]:
    """Look at every launch of an organisation."""
    truth = generate_usage(seed, config=config, truth=True)
    panel = panel_of(truth)
    begun = np.argmax(np.isfinite(panel.values), axis=0)
    found: list[Found] = []
    for i in np.flatnonzero(begun >= BEFORE):
        for age in ages:
            cut = int(begun[i]) + age
            came = panel.values[cut : cut + LONGEST, i]
            if len(came) < LONGEST or not came.sum() > 0:
                continue
            known = panel.until(cut)
            seen = np.isfinite(known.values).any(axis=0)
            grown = float(panel.values[cut + 150 : cut + 180, i].mean()) if cut + 180 <= len(panel.values) else np.nan
            made = forecasts(known, seen, int(i), grown, seed, draws)
            if age and oracle:
                best = truth.oracle(panel.periods[cut - 1].date(), horizon=LONGEST, draws=draws)
                made["oracle"] = best.requests[:, :, best.workloads.index(panel.series[i])]
            for name, drawn in made.items():
                for length in LENGTHS:
                    total, actual = drawn[:, :length].sum(axis=1), float(came[:length].sum())
                    low, middle, high = np.quantile(total, [0.1, 0.5, 0.9])
                    score = float(interval_score(np.array(actual), np.array(low), np.array(high), level=80)) / actual
                    off = abs(float(np.log(max(middle, SMALL * actual) / actual)))
                    found.append(Found(number, age, length, name, bool(low <= actual <= high), score, off))
    return found


def forecasts(known: Panel, seen: np.ndarray, i: int, grown: float, seed: int, draws: int) -> dict[str, FloatArray]:
    """Draws (draw, day) of one workload by each way; ``grown`` is its use once grown, if that was seen."""
    series = known.series[i]
    first = known.future(1)[0]
    cold = not seen[i]
    keep = seen.copy()
    keep[i] = True
    part = known.part(keep)
    column = int(np.flatnonzero(keep).tolist().index(i))
    on = {series: first} if cold else {}
    ways: dict[str, Launch] = {"launch": Launch(rest="seasonal_mean", on=on)}
    if np.isfinite(grown) and grown > 0:
        rng = stream(seed, "planner", series)
        middle = float(np.log(grown) + DOUBT * rng.standard_normal())
        low, high = (float(np.exp(middle + sign * Z90 * DOUBT)) for sign in (-1, 1))
        ways["launch, expected"] = Launch(rest="seasonal_mean", on=on, expected={series: Between(low, high)})
    made = {}
    for name, model in ways.items():
        futures = model.futures(part, LONGEST, draws, 1)
        at = futures.columns.tolist().index(column)
        made[name] = futures.values[:, :, at]
    if cold:
        made["run_rate"] = np.zeros((draws, LONGEST))
        rest = known.part(seen)
        alone = Panel(np.nan_to_num(np.nanmean(rest.values, axis=1, keepdims=True)), rest.periods, ("mean",), "D")
        run = trajectories(alone, model_of("run_rate"), horizon=LONGEST, count=draws, seed=1)
        made["mean peer"] = run.paths()[:, :, 0]
    else:
        run = trajectories(known.part(seen), model_of("run_rate"), horizon=LONGEST, count=draws, seed=1)
        at = int(np.flatnonzero(seen).tolist().index(i))
        made["run_rate"] = run.paths(slice(None), slice(at, at + 1))[:, :, 0]
    return made


def table(found: list[Found]) -> tuple[pd.DataFrame, list[Line]]:
    """One row an age, length and way; and the lines beside what was asked."""
    frame = pd.DataFrame([{k: getattr(f, k) for k in Found.__slots__} for f in found])
    rows, lines = [], []
    for (age, length, model), part in frame.groupby(["age", "length", "model"], sort=True):
        by = part.groupby("organisation")["inside"].agg(["sum", "count"])
        covered = coverage_error(by["sum"].tolist(), by["count"].to_numpy("float64"))
        score = float(np.exp(np.log(np.maximum(part["score"], SMALL)).mean()))
        rows.append(
            {
                "days seen": age, "total of": length, "model": model, "launches": len(part),
                "in 80": 100 * covered.share, "±": 100 * covered.se, "trials": covered.trials,
                "score": score, "mean score": part["score"].mean(), "off": 100 * part["off"].median(),
            }
        )  # fmt: skip
        if model.startswith("launch"):
            what = f"{length} days, {age} seen"
            lines.append(coverage_line(what, model, found=covered, nominal=80))
            same = part.set_index("organisation").index.unique()
            rival = frame[(frame["age"] == age) & (frame["length"] == length) & (frame["model"] == "run_rate")]
            rival = rival[rival["organisation"].isin(same)]
            run = float(np.exp(np.log(np.maximum(rival["score"], SMALL)).mean()))
            mean = float(part["score"].mean() / rival["score"].mean())
            lines.append(at_most(f"{what}: score over the run rate's, geometric", model, value=score / run, limit=0.5))
            lines.append(at_most(f"{what}: score over the run rate's, mean", model, value=mean, limit=0.5))
    return pd.DataFrame(rows), lines


def main() -> int:
    parser = argparse.ArgumentParser(description="Totals of launched workloads at 0, 7 and 30 days of history")
    parser.add_argument("--ages", type=int, nargs="+", default=[0, 7, 30], help="days of history (0 7 30)")
    parser.add_argument("--repeat", type=int, default=6, help="organisations of each kind (6)")
    parser.add_argument("--draws", type=int, default=500, help="futures (500)")
    parser.add_argument("--judge", action="store_true", help="organisations of seeds that nothing was chosen on")
    parser.add_argument("--oracle", action="store_true", help="an oracle's score beside; takes longer")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the summary's file (out/bench)")
    options = parser.parse_args()
    began = time.perf_counter()
    base = JUDGE if options.judge else TUNE
    tasks = [
        (k * 100 + r, Population(**kind), base + 100 * k + r)  # type: ignore[arg-type]
        for k, kind in enumerate(KINDS)
        for r in range(options.repeat)
    ]
    work = (delayed(judge)(*task, options.ages, options.draws, oracle=options.oracle) for task in tasks)
    found = [one for some in Parallel(n_jobs=options.jobs)(work) for one in some]
    made, lines = table(found)
    print(f"{len(tasks)} organisations; coverage and errors of medians in %, scores over the actual total\n")
    print(made.to_string(index=False, float_format=lambda v: f"{v:.2f}"))
    print(f"\n{RULE}")
    print_lines(lines)
    save(options.out, "launches" if options.judge else "launches-tune", lines, began=began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
