"""Every model of the shelf on generated organisations: how its bands on totals hold, as they came and calibrated.

    python benchmarks/shelf.py [--models ets prophet ...] [--history 400] [--origins 2] [--limit 12] [--tune]

Comes in: a folder of configurations. Goes out: for month (30 days) and quarter (92 days) totals of tokens and of cost,
of each workload and of the organisation, how often each model's nominal 80 % band held; how far its median total was
off; its interval score beside ``auto``'s; and how long it took. Mix and intensity are forecast once, by ``auto``, as a
projection does for every model: what differs is volume.

Beside the calibrated band stands a raw one: the point moved by the model's own errors from one past cut, the same cut
for all workloads, with nothing pooled, centred or borrowed. For models that draw futures of their own (``paths="own"``)
there is that band too.

An organisation that a model refuses altogether is named and left out of its rows; ``origins`` says how many are in.

The frozen configurations are for judging. ``--tune`` runs on populations of other seeds in their place.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from frozen import LATE, LENGTHS, QUARTER, Task, history_of, price_book, tasks, what_came
from joblib import Parallel, delayed
from verdicts import OUT, RULE, Line, coverage_line, looks, print_lines, save, told

import forecast as fc
from forecast.coverage import coverage_error
from forecast.dependence import trajectories
from forecast.generator import generate_usage
from forecast.joint import Trajectories
from forecast.models import MODELS, Model, model_of
from forecast.models.combining import Combination
from forecast.models.curves import AdoptionCurve
from forecast.models.one_by_one import OneByOne
from forecast.models.protocol import Futures, Rolled, SamplingModel, cuts_of, roll
from forecast.panel import FloatArray, IntArray, Panel
from forecast.scores import interval_score
from forecast.streams import stream
from forecast.usage_totals import projected_totals

#: The bands that are held against what came.
BANDS = ("calibrated", "raw", "own")
#: Models whose futures may be their own.
CHOOSE = (OneByOne, AdoptionCurve)
#: Past log errors larger than this are cut: a forecast of nothing has no log.
MOST_LOG = 3.0


@dataclass(frozen=True, slots=True)
class Case:
    """One organisation at one origin: its projection, what came (day, workload) by measure, and the days that count."""

    name: str
    projection: fc.Projection
    prices: fc.PriceBook
    came: dict[str, FloatArray]
    seen: np.ndarray


@dataclass(frozen=True, slots=True)
class Key:
    """What rows are told apart by."""

    model: str
    band: str
    measure: str
    scope: str
    length: str


@dataclass(frozen=True, slots=True)
class Sums:
    """Of some totals: how many lay inside the 80 % band, and above it, and how many there were.

    ``off`` and ``score`` are sums of the absolute log error of the median and of the log of the score over the total.
    """

    inside: int
    above: int
    count: int
    off: float
    score: float


def cases_of(task: Task, *, history: int, origins: int, draws: int) -> list[Case]:
    """An organisation at its origins, a quarter apart."""
    truth = generate_usage(task.seed, config=task.config, truth=True)
    last = truth.usage.end - pd.Timedelta(days=QUARTER + LATE)
    return [
        case_of(task.name, truth.usage, price_book(truth), last - pd.Timedelta(days=QUARTER * back), history, draws)
        for back in reversed(range(origins))
    ]


def case_of(name: str, usage: fc.Usage, prices: fc.PriceBook, as_of: pd.Timestamp, history: int, draws: int) -> Case:
    """What was known on a date, projected by ``auto``, and what came after."""
    start, end = (str((as_of + pd.Timedelta(days=d)).date()) for d in (1, QUARTER))
    known = history_of(usage, as_of, history)
    projection = fc.project(known, start=start, end=end, lag=0, seed=1, trajectories=draws)
    seen = np.isin(projection.days, usage.frame["date"].unique())
    return Case(name, projection, prices, what_came(usage, projection, prices), seen)


class Once:
    """A model whose forecasts of one panel are made once, for all bands; ``own`` asks for its own futures."""

    def __init__(self, model: Model) -> None:
        self.rest, self.name = model, model.name
        self.own = False
        self._rolled: dict[tuple[int, int], Rolled] = {}

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """The model's point."""
        return self.rest.point(panel, horizon)

    def roll(self, panel: Panel, horizon: int, cuts: IntArray, length: int) -> Rolled:
        """The model's forecasts from the end and from each cut."""
        key = (len(panel.series), horizon)
        if key not in self._rolled:
            self._rolled[key] = roll(self.rest, panel, horizon, cuts, length)
        return self._rolled[key]

    def futures(self, panel: Panel, horizon: int, count: int, seed: int) -> Futures:
        """Its own futures, if it brings them or they are asked for."""
        model = replace(self.rest, paths="own") if self.own and isinstance(self.rest, CHOOSE) else self.rest
        if isinstance(model, SamplingModel):
            return model.futures(panel, horizon, count, seed)
        return Futures(np.zeros((count, horizon, 0)), np.zeros(0, dtype=np.intp))


def judge(case: Case, model: Once) -> dict[Key, Sums]:
    """Hold a model's bands against what came."""
    assert case.projection.cleaned is not None
    panel, horizon = case.projection.cleaned.panel, len(case.projection.days)
    count = case.projection.volume.count
    made = {"calibrated": trajectories(panel, model, horizon=horizon, count=count, seed=1, key="volume")}
    made["raw"] = raw(panel, model, made["calibrated"], count)
    if isinstance(model.rest, CHOOSE):
        model.own = True
        made["own"] = trajectories(panel, model, horizon=horizon, count=count, seed=1, key="volume")
    found: dict[Key, Sums] = {}
    for band, volume in made.items():
        projection = replace(case.projection, volume=volume)
        totals = projected_totals(projection, case.prices, unpriced="exclude").measures
        for measure, came in case.came.items():
            for length, days in LENGTHS.items():
                kept = np.flatnonzero(case.seen[:days])
                actual, ours = came[kept].sum(axis=0), totals[measure][:, kept].sum(axis=1)
                found[Key(model.name, band, measure, "workload", length)] = compared(actual, ours)
                whole = (actual.sum(keepdims=True), ours.sum(axis=1, keepdims=True))
                found[Key(model.name, band, measure, "organisation", length)] = compared(*whole)
    return found


def raw(panel: Panel, model: Once, made: Trajectories, count: int) -> Trajectories:
    """The point moved by the errors from one past cut, chained where the horizon is longer: nothing else."""
    horizon = len(made.point)
    cuts, length = cuts_of(panel, horizon)
    if not len(cuts):
        return replace(
            made, level=0 * made.level, growth=0 * made.growth, errors=0 * made.errors, own=None, column=None
        )
    past = roll(model, panel, length, cuts, length).past
    small = 0.02 * made.unit
    actual = np.stack([panel.values[c : c + length] for c in cuts])
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.log((actual + small) / (np.maximum(past, 0.0) + small))
    errors = np.clip(np.nan_to_num(errors), -MOST_LOG, MOST_LOG)
    rng = stream(1, "raw")
    blocks = -(-horizon // length)
    pick: IntArray = rng.integers(len(cuts), size=(count, blocks))
    t = np.arange(horizon)
    none = np.zeros_like(made.level)
    return replace(
        made,
        level=none,
        growth=none,
        errors=errors,
        origin=pick[:, t // length],
        offset=np.repeat((t % length)[None], count, axis=0),
        own=None,
        column=None,
    )


def compared(actual: FloatArray, ours: FloatArray) -> Sums:
    """Totals that came (series,), beside draws of them (draw, series)."""
    use = actual > 0
    actual, ours = actual[use], np.maximum(ours[:, use], 1e-9 * actual[use])
    low, middle, high = np.quantile(ours, [0.1, 0.5, 0.9], axis=0)
    inside, above = (actual >= low) & (actual <= high), actual > high
    score = interval_score(actual, low, high, level=80) / actual
    off = np.abs(np.log(np.maximum(middle, 1e-9 * actual) / actual))
    return Sums(int(inside.sum()), int(above.sum()), int(use.sum()), float(off.sum()), float(np.log(score).sum()))


def work(task: Task, names: list[str], *, history: int, origins: int, draws: int) -> list[tuple[dict, dict]]:
    """One organisation by every model: of each origin the sums, and the seconds of each model."""
    done = []
    for case in cases_of(task, history=history, origins=origins, draws=draws):
        sums: dict[Key, Sums] = {}
        seconds: dict[str, float] = {}
        once: dict[str, Once] = {}
        for name in names:
            began = time.perf_counter()
            model = model_of(name)
            if isinstance(model, Combination):
                model = replace(model, models=[once.get(m.name, m) for m in model.models])
            once[name] = Once(model)
            try:
                sums |= judge(case, once[name])
            except fc.ModelError as refused:
                # Such as Bass, where no launch lies in the history.
                print(f"{case.name}: {str(refused)[:160]}", flush=True)
            seconds[name] = time.perf_counter() - began
        done.append((sums, seconds))
    return done


def table(found: list[dict[Key, Sums]], seconds: list[dict[str, float]]) -> pd.DataFrame:
    """One row a model, band, measure, scope and length."""
    rows = []
    for key in dict.fromkeys(key for origin in found for key in origin):
        of = [origin[key] for origin in found if key in origin]
        count = np.array([s.count for s in of], dtype="float64")
        covered = coverage_error([s.inside for s in of], count)
        rows.append(
            {
                "model": key.model, "band": key.band, "measure": key.measure, "scope": key.scope, "length": key.length,
                "in 80": 100 * covered.share, "±": 100 * covered.se, "trials": covered.trials,
                "origins": len(of), "above": 100 * sum(s.above for s in of) / count.sum(),
                "off": 100 * sum(s.off for s in of) / count.sum(),
                "score": float(np.exp(sum(s.score for s in of) / count.sum())),
                "seconds": float(np.mean([s[key.model] for s in seconds])),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def page(made: pd.DataFrame) -> str:
    """The table of docs/models.md: totals of a quarter's tokens, by workload."""
    rows = ["| model | off | score | held | as they came | its own | organisations |", "|---|---|---|---|---|---|---|"]
    chosen = made[(made["measure"] == "tokens") & (made["scope"] == "workload") & (made["length"] == "quarter")]
    for model in chosen["model"].unique():
        of = chosen[chosen["model"] == model].set_index("band")
        held = f"{of.loc['calibrated', 'in 80']:.0f} ± {of.loc['calibrated', '±']:.0f} %"
        own = f"{of.loc['own', 'in 80']:.0f} %" if "own" in of.index else ""
        cells = f"{of.loc['calibrated', 'off']:.0f} % | {of.loc['calibrated', 'score']:.2f} | {held}"
        raw = f"{of.loc['raw', 'in 80']:.0f} %"
        rows.append(f"| `{model}` | {cells} | {raw} | {own} | {of.loc['calibrated', 'origins']} |")
    return "\n".join(rows)


def lines_of(found: list[dict[Key, Sums]], names: list[str]) -> list[Line]:
    """Each calibrated coverage beside what was asked, the raw one in its words."""
    lines = []
    for key in dict.fromkeys(key for origin in found for key in origin):
        if key.band != "calibrated" or key.model not in names:
            continue
        covered = {}
        for band in BANDS:
            of = [origin[replace(key, band=band)] for origin in found if replace(key, band=band) in origin]
            if of:
                covered[band] = coverage_error([s.inside for s in of], np.array([s.count for s in of], dtype="float64"))
        what = f"{key.length} {key.measure}, {key.scope}"
        line = coverage_line(what, key.model, found=covered["calibrated"], nominal=80)
        beside = ", ".join(f"{band} {100 * covered[band].share:.0f} %" for band in BANDS[1:] if band in covered)
        lines.append(replace(line, reached=f"{told(covered['calibrated'])}; {beside}"))
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description="Every model of the shelf on generated organisations")
    parser.add_argument("--configurations", type=Path, default=Path(__file__).parents[1] / "data" / "frozen")
    parser.add_argument("--models", nargs="+", default=list(MODELS), help="names of the shelf (all)")
    parser.add_argument("--history", type=int, default=400, help="days that are known (400)")
    parser.add_argument("--origins", type=int, default=2, help="origins of each organisation, a quarter apart (2)")
    parser.add_argument("--draws", type=int, default=300, help="futures (300)")
    parser.add_argument("--limit", type=int, help="the first so many organisations (all)")
    parser.add_argument("--every", type=int, default=1, help="each so many-th organisation (1: all)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--tune", action="store_true", help="other organisations: what parameters may be chosen on")
    parser.add_argument("--repeat", type=int, default=1, help="with --tune: organisations of each kind (1)")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the summary's file (out/bench)")
    options = parser.parse_args()
    began = time.perf_counter()
    asked = tasks(options.configurations, tune=options.tune, repeat=options.repeat, limit=options.limit)
    asked = asked[:: options.every]
    print("The frozen configurations are not read." if options.tune else looks("frozen"))
    print(f"{len(asked)} organisations, {options.origins} origins each, {len(options.models)} models", flush=True)
    arguments = {name: getattr(options, name) for name in ("history", "origins", "draws")}
    jobs = (delayed(work)(task, options.models, **arguments) for task in asked)
    done = []
    for task, found in zip(asked, Parallel(n_jobs=options.jobs, return_as="generator")(jobs), strict=True):
        done += found
        print(f"{time.perf_counter() - began:6.0f} s  {task.name}", flush=True)
    sums = [one for one, _ in done]
    made = table(sums, [one for _, one in done])
    print("\ncoverage and errors of medians in %; scores are geometric means over the actual total; seconds an origin")
    print(made.to_string(index=False, float_format=lambda v: f"{v:.2f}"))
    print(f"\nTotals of a quarter's tokens, by workload:\n\n{page(made)}")
    lines = lines_of(sums, options.models)
    print(f"\n{RULE}")
    print_lines(lines)
    save(options.out, "shelf-tune" if options.tune else "shelf", lines, began=began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
