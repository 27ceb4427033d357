"""Time and memory of many daily series: ours beside Prophet and statsforecast's optimised theta.

    python benchmarks/speed.py [--jobs 2] [--series 5000] [--days 400] [--horizon 90] [--draws 1000]

Comes in: sizes. Goes out: milliseconds a series of each program, ratios, how time grows with series, peak memory.

Series are made up: log-normal levels, a week, a trend, a yearly wave, noise that remembers. Each program makes joint or
simulated paths and keeps their totals over 30, 60 and all days ahead. Ours run on all series, the yardsticks on some of
them, all with ``--jobs`` processes that have met the program once before the clock starts, and one thread each.
Each of our models runs in a process of its own, whose peak memory is its own plus that of its largest worker for each
job: an upper bound. Read ratios, not milliseconds. A busy machine only adds to a time, so of ``--repeats`` runs of each
program the shortest counts; what was asked was asked of 5,000 series.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import parallel_config
from joblib.externals.loky import get_reusable_executor
from spans import Span, masks
from verdicts import OUT, Line, Verdict, at_most, print_lines, save
from yardsticks import client

from forecast.dependence import calibrate, totals
from forecast.models import model_of
from forecast.panel import FloatArray, Panel
from forecast.streams import stream

#: What is asked of a model's time over each yardstick's.
ASKED = {"auto": {"Prophet": 1 / 20, "OptimizedTheta": 1 / 2}, "fast": {"Prophet": 1 / 100, "OptimizedTheta": 1 / 10}}
#: How the logarithm of time may grow with that of series, and the memory that may be used.
SLOPE, GIGABYTES = (0.9, 1.1), 1.5
#: The series that this was asked of; of fewer it is shown.
ENOUGH = 5_000
#: Days of which ours are asked the totals.
MONTH = 30
#: Parts of all series that are timed, the last being all of them.
PARTS = (8, 4, 2, 1)
#: Series that are met before the clock starts: so many that every worker is called.
MET = 1_000


@dataclass(frozen=True, slots=True)
class Timed:
    """What one of our models took: seconds by number of series, and its peak memory in gigabytes."""

    model: str
    seconds: dict[int, float]
    gigabytes: float

    @property
    def series(self) -> int:
        """The most series that were timed."""
        return max(self.seconds)

    @property
    def each(self) -> float:
        """Seconds a series, of all series."""
        return self.seconds[self.series] / self.series

    @property
    def slope(self) -> float:
        """By how much the logarithm of time grows with that of the number of series (least squares)."""
        count, seconds = np.log(list(self.seconds)), np.log(list(self.seconds.values()))
        return float(np.polyfit(count, seconds, 1)[0]) if len(count) > 1 else float("nan")


# --------------------------------------------------------------------------------------------------------- series


def panel_of(count: int, days: int, seed: int) -> Panel:
    """Made-up daily series; the first are the same whatever the count."""
    periods = pd.date_range("2025-01-01", periods=days, freq="D")
    values = np.stack([series(periods, seed, i) for i in range(count)], axis=1)
    return Panel(values, periods, tuple(f"series-{i:05d}" for i in range(count)), "D")


def series(periods: pd.DatetimeIndex, seed: int, number: int) -> FloatArray:
    """One series: exp(level + growth + week + year + noise), float array (day,)."""
    rng = stream(seed, "speed", number)
    day = np.arange(len(periods))
    level = np.log(1_000.0) + 1.5 * rng.standard_normal()
    growth = rng.normal(0.02, 0.03) * day / 30.4375
    weekend = np.log(rng.uniform(0.3, 1.0))
    week = 0.05 * rng.standard_normal(7) + weekend * np.array([0, 0, 0, 0, 0, 1, 1])
    year = rng.uniform(0.0, 0.1) * np.cos(2 * np.pi * (day / 365.25 - rng.uniform()))
    sd, kept = rng.uniform(0.05, 0.3), rng.uniform(0.2, 0.7)
    fresh = sd * np.sqrt(1 - kept**2) * rng.standard_normal(len(day))
    noise = np.empty(len(day))
    last = 0.0
    for t, new in enumerate(fresh):
        noise[t] = last = kept * last + new
    return np.asarray(np.exp(level + growth + week[periods.day_of_week] + year + noise))


def some(panel: Panel, which: slice) -> Panel:
    """Some series of a panel."""
    return Panel(panel.values[:, which], panel.periods, panel.series[which], panel.freq)


def spans_of(horizon: int) -> tuple[Span, ...]:
    """The first 30 and 60 days ahead, as far as they go, and all of them."""
    return tuple(Span(f"{end} days", 0, end) for end in sorted({min(30, horizon), min(60, horizon), horizon}))


# ----------------------------------------------------------------------------------------------------------- ours


def total_paths(panel: Panel, model: str, *, horizon: int, draws: int, seed: int, jobs: int) -> FloatArray:
    """Totals of each month and future, as ``fc.sample_paths(..., total=)`` makes them: (draw, month, series)."""
    with parallel_config(n_jobs=jobs):
        law = calibrate(panel, model_of(model), horizon=horizon)
        return totals(law, np.arange(0, horizon, MONTH), count=draws, seed=seed)


def time_model(model: str, options: argparse.Namespace) -> Timed:
    """Time one model in this process, on ever more series."""
    panel = panel_of(options.series, options.days, options.seed)
    asked = {"horizon": options.horizon, "draws": options.draws, "seed": options.seed}
    total_paths(some(panel, slice(0, MET)), model, **asked, jobs=options.jobs)
    seconds: dict[int, float] = {}
    # All sizes in turn, and again: what else the machine does for a while then does not fall on one of them alone.
    for count in options.repeats * sorted({max(1, options.series // part) for part in PARTS}):
        taken = _seconds(some(panel, slice(0, count)), model, jobs=options.jobs, **asked)
        seconds[count] = min(taken, seconds.get(count, taken))
    get_reusable_executor().shutdown(wait=True)
    own, worker = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    # Linux counts in kilobytes. With one job there are no workers.
    return Timed(model, seconds, (own + (options.jobs * worker if options.jobs > 1 else 0)) * 1024 / 1e9)


def _seconds(panel: Panel, model: str, *, horizon: int, draws: int, seed: int, jobs: int) -> float:
    began = time.perf_counter()
    found = total_paths(panel, model, horizon=horizon, draws=draws, seed=seed, jobs=jobs)
    seconds = time.perf_counter() - began
    assert np.isfinite(found).all(), f"{model}: totals that are not finite"
    return seconds


def in_a_process(model: str, options: argparse.Namespace) -> Timed:
    """Time one model in a process of its own, so that its memory is its own."""
    words = [sys.executable, __file__, "--only", model]
    for name in ("series", "days", "horizon", "draws", "seed", "jobs", "repeats"):
        words += [f"--{name}", str(getattr(options, name))]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(words, env=os.environ | one_thread, stdout=subprocess.PIPE, text=True, check=True)
    held = json.loads(done.stdout.splitlines()[-1])
    return Timed(model, {int(n): s for n, s in held["seconds"].items()}, held["gigabytes"])


# ----------------------------------------------------------------------------------------------------- yardsticks


def time_yardstick(method: client.Method, panel: Panel, count: int, options: argparse.Namespace) -> float:
    """Seconds a series of a yardstick, over ``count`` series spread over the panel."""
    count = min(count, len(panel.series))
    chosen = some(panel, slice(None, None, len(panel.series) // count))
    seen = np.ones((options.horizon, len(chosen.series)), dtype=bool)
    mask = masks(spans_of(options.horizon), seen)
    asked = {"season": 7, "draws": options.draws, "seed": options.seed, "jobs": options.jobs}
    runs = (client.totals(chosen, method, spans=mask, **asked, fresh=True).seconds for _ in range(options.repeats))
    return min(runs) / len(chosen.series)


def ratio_lines(timed: Timed, others: dict[str, float]) -> list[Line]:
    """A model's time over each yardstick's."""
    asked, whole = ASKED.get(timed.model, {}), timed.series >= ENOUGH
    return [
        at_most(f"time a series over {name}'s", timed.model, value=timed.each / seconds, limit=asked[name], asked=whole)
        if name in asked
        else Line(f"time a series over {name}'s", timed.model, "", f"{timed.each / seconds:.4g}", "shown")
        for name, seconds in others.items()
    ]


def own_lines(timed: Timed) -> list[Line]:
    """Time, growth and memory of a model."""
    (low, high), whole = SLOPE, timed.series >= ENOUGH
    verdict: Verdict = (
        "shown" if not whole else "open" if np.isnan(timed.slope) else "PASS" if low <= timed.slope <= high else "MISS"
    )
    points = ", ".join(f"{n:,}: {s:.1f} s" for n, s in timed.seconds.items())
    return [
        Line("ms a series", timed.model, "", f"{1e3 * timed.each:.2f} ({points})", "shown"),
        Line("slope of log time in log series", timed.model, f"{low:g} to {high:g}", f"{timed.slope:.3f}", verdict),
        at_most(
            f"peak memory, {timed.series:,} series", timed.model, value=timed.gigabytes, limit=GIGABYTES, unit=" GB",
            asked=whole,
        ),
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="Time and memory of many daily series, beside other programs")
    parser.add_argument("--models", nargs="+", default=["auto", "fast"], help="names of the shelf (auto fast)")
    parser.add_argument("--series", type=int, default=5_000, help="daily series (5000)")
    parser.add_argument("--days", type=int, default=400, help="their length (400)")
    parser.add_argument("--horizon", type=int, default=90, help="days ahead (90)")
    parser.add_argument("--draws", type=int, default=1_000, help="paths (1000)")
    parser.add_argument("--prophet", type=int, default=60, help="series that Prophet is timed on; 0 for none (60)")
    parser.add_argument("--theta", type=int, default=200, help="series that theta is timed on; 0 for none (200)")
    parser.add_argument("--jobs", type=int, default=2, help="processes of every program (2)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the shortest counts (3)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the summary's file (out/bench)")
    options = parser.parse_args()
    if options.only:
        timed = time_model(options.only, options)
        print(json.dumps({"seconds": timed.seconds, "gigabytes": timed.gigabytes}))
        return 0
    wanted: dict[client.Method, int] = {"Prophet": options.prophet, "OptimizedTheta": options.theta}
    absent = [method for method, count in wanted.items() if count and not client.installed(method)]
    if absent:
        parser.error(f"{', '.join(absent)}: their environment is not there; run make yardsticks")
    began = time.perf_counter()
    print(f"{options.series:,} daily series of {options.days} days, {options.horizon} ahead, {options.draws:,} paths,")
    print(f"{options.jobs} processes; load of the machine {os.getloadavg()[0]:.1f}", flush=True)
    panel = panel_of(options.series, options.days, options.seed)
    others = {}
    for method, count in wanted.items():
        if count:
            others[str(method)] = time_yardstick(method, panel, count, options)
            print(f"  {method}: {1e3 * others[method]:.1f} ms a series, on {min(count, options.series)}", flush=True)
    lines = [Line("ms a series", name, "", f"{1e3 * seconds:.1f}", "shown") for name, seconds in others.items()]
    for model in options.models:
        timed = in_a_process(model, options)
        print(f"  {model}: {1e3 * timed.each:.2f} ms a series, {timed.gigabytes:.2f} GB", flush=True)
        lines += ratio_lines(timed, others) + own_lines(timed)
    print_lines(lines)
    save(options.out, "speed", lines, began=began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
