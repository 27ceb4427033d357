"""The Monte Carlo engine beside a plain program of the same model: python benchmarks/plan.py [--draws 10000].

The organisation is made up: ``--series`` projects in 4 environments and 4 departments, on 5 models of 2 sizes. A year
is planned by month and environment: growth is drawn for each department, each model's price may jump, one lever
shortens calls bit by bit, another routes a share of one model's calls to a cheaper one.

Printed, each beside what was asked:
- time from trajectories to table, the plain program's on the same draws, and how far the two are apart;
- time to draw as many normals as there are cells (draws x days x series);
- the standard error of the year's P80 from draws and from trajectories: as the plan tells it, and over repetitions;
- memory beyond the trajectories; slopes in series, draws and days; twelve scenarios; one toggled on a standing plan;
- with ``--dask 100000``: two workers beside one, on so many series.

One thread (``make bench-plan`` sees to it); wall time, the best of three; the plain program at its best chunk.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd

import forecast as fc
import scenarios as sc
from forecast.projection import projected
from scenarios.changes import World
from scenarios.changes.scene import Scene
from scenarios.outcome import outcomes

AGREE = 1e-12
ENVIRONMENTS = ("development", "production", "staging", "test")
START, END = "2026-01-01", "2026-12-31"
GROWTH = sc.Growth(monthly=sc.between(0.02, 0.06), per="department")
JUMP = sc.PriceChange(on="2026-04-15", by=sc.between(-0.4, -0.2), probability=0.5, per="model")
SHORTER = sc.Intensity(unit="total_tokens", model="model-1", by=sc.between(-0.2, -0.1), on="2026-03-01", ramp=60)
ROUTED = sc.Route("model-2", "model-3", share=sc.between(0.3, 0.6), on="2026-05-01", ramp=30)
SCENARIO = sc.Scenario("year", [GROWTH, JUMP, SHORTER, ROUTED])
PRICES = {f"model-{i}": price for i, price in enumerate((2.0, 1.0, 0.5, 4.0, 8.0), start=1)}


@lru_cache
def book() -> fc.PriceBook:
    """The prices of the five models."""
    rows = [
        {"provider": "house", "model": model, "unit": "total_tokens", "price": price, "per": 1_000_000}
        for model, price in PRICES.items()
    ]
    return fc.PriceBook.from_frame(pd.DataFrame(rows).assign(valid_from="2024-01-01", currency="USD"))


def usage(series: int, seed: int = 0, days: int = 400) -> fc.Usage:
    """Daily tokens of some projects: a level, a week, a common and an own walk, noise."""
    rng = np.random.default_rng(seed)
    t, k = np.arange(days), np.arange(series)
    logs = np.cumsum(rng.normal(0, 0.01, days))[:, None] + 0.001 * t[:, None]
    logs = logs + np.cumsum(rng.normal(0, 0.02, (days, series)), axis=0) + rng.normal(0, 0.15, (days, series))
    tokens = rng.lognormal(13, 1, series) * np.where(t % 7 < 5, 1.0, 0.4)[:, None] * np.exp(logs)
    date = pd.date_range(end="2025-12-03", periods=days)
    labels = {
        "provider": "house",
        "model": np.tile([f"model-{i % 5 + 1}" for i in k], days),
        "environment": np.tile([ENVIRONMENTS[i % 4] for i in k], days),
        "department": np.tile([f"unit-{i // 5 % 4 + 1}" for i in k], days),
        "project": np.tile([f"project-{i:06d}" for i in k], days),
    }
    frame = pd.DataFrame({"date": np.repeat(date.to_numpy(), series), **labels})
    return fc.read_usage(frame.assign(total_tokens=tokens.ravel().round()))


def project(series: int, end: str = END, seed: int = 7) -> fc.Projection:
    """The projection of so many series."""
    return fc.project(usage(series), start=START, end=end, model="fast", seed=seed, max_series=series)


def totals(projection: fc.Projection, *scenarios: sc.Scenario, draws: int, seed: int = 7) -> list[np.ndarray]:
    """Totals by scenario, with the table's cells made: (draw,) each."""
    made = outcomes(projection, scenarios, prices=book(), draws=draws, seed=seed, detail=("environment",))
    for one in made:
        np.quantile(one.cost, [0.1, 0.5, 0.8, 0.9, 0.95], axis=0)
    return [one.totals for one in made]


class Plain:
    """The same model by its formulas, as a good NumPy program has it: chunks of draws, everything by day and series.

    Trajectories, draws and prices are ready before the clock starts.
    """

    def __init__(self, projection: fc.Projection, draws: int, seed: int = 7) -> None:
        scene = Scene.of(projection, book(), World(draws, seed))
        self.draws, self.days = draws, projection.days
        model = projection.routes.iloc[projection.drivers.lanes["route"]]["model"].to_numpy()
        own = projection.workloads.iloc[projection.drivers.lanes["workload"]]
        self.model = np.array([int(m[-1]) - 1 for m in model])
        departments = sorted(set(own["department"]))
        self.department = np.array([departments.index(d) for d in own["department"]])
        self.rate = np.stack([GROWTH.rate(scene, d) for d in departments], axis=1)
        self.size = np.stack([scene.draw(JUMP.key, JUMP.by, "relative", "size", m) for m in PRICES], axis=1)
        self.happens = np.stack([scene.coin(JUMP.key, 0.5, m) for m in PRICES], axis=1)
        self.shorter = scene.draw(SHORTER.key, SHORTER.by, "relative", "by")
        self.routed = scene.draw(ROUTED.key, ROUTED.share, "share", "share")
        clock = scene.clock
        self.short_ramp = clock.ramp(pd.Timestamp(SHORTER.on), 60)
        self.route_ramp = clock.ramp(pd.Timestamp(ROUTED.on), 30)
        self.after = np.asarray(self.days >= JUMP.on)
        dealt = projection.draws(draws, seed)
        self.trajectory, self.scale = dealt.trajectory, np.exp(dealt.log_factor)
        steps = np.arange(1, len(self.days) + 1)[None, :, None]
        made = [b.volume * np.exp(-b.trend[:, None, :] * steps) * b.mix * b.intensity for b in projection.blocks(50)]
        self.base = np.concatenate(made)
        self.elapsed = projection.elapsed
        inside = np.asarray(self.days >= projection.span.start)
        self.first, month = int(np.argmax(inside)), self.days[inside].to_period("M")
        self.months = np.nonzero(~month.duplicated())[0]
        # Series of one factor stand together, so that a factor is multiplied in without a copy for each series.
        group = self.department * len(PRICES) + self.model
        order = np.argsort(group, kind="stable")
        self.base, own = np.ascontiguousarray(self.base[:, :, order]), own.iloc[order]
        self.groups = [(int(g), np.nonzero(group[order] == g)[0]) for g in np.unique(group)]
        self.environment = (own["environment"].to_numpy()[:, None] == np.array(ENVIRONMENTS)).astype(float)

    def run(self, chunk: int) -> np.ndarray:
        """Money by draw, month and environment."""
        out = np.empty((self.draws, len(self.months), len(ENVIRONMENTS)))
        price = np.array(list(PRICES.values())) / 1e6
        for begin in range(0, self.draws, chunk):
            d = slice(begin, min(begin + chunk, self.draws))
            grown = np.exp(self.rate[d, None, :] * self.elapsed[None, self.first :, None])
            charged = 1.0 + self.happens[d, None, :] * self.size[d, None, :] * self.after[None, self.first :, None]
            charged = charged * price
            # One factor by draw, day and (department, model), then one product by series.
            share = self.routed[d, None] * self.route_ramp[self.first :]
            charged[:, :, 0] *= 1.0 + self.shorter[d, None] * self.short_ramp[self.first :]
            charged[:, :, 1] = charged[:, :, 1] * (1.0 - share) + charged[:, :, 2] * share
            factor = (grown[:, :, :, None] * charged[:, :, None, :]).reshape(*grown.shape[:2], -1)
            cost = self.base[self.trajectory[d], self.first :]
            for g, mine in self.groups:
                cost[:, :, mine[0] : mine[-1] + 1] *= factor[:, :, g, None]
            cost *= self.scale[d, None, None]
            out[d] = np.add.reduceat(cost @ self.environment, self.months, axis=1)
        return out


def best(work: Callable[[], object], times: int = 3) -> float:
    """Seconds, the least of some runs."""
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        found.append(time.perf_counter() - begin)
    return min(found)


def told(what: str, asked: str, reached: str, ok: bool | None = None) -> bool:  # noqa: FBT001  (a table's row)
    """Print one row; whether it holds."""
    verdict = "" if ok is None else "PASS" if ok else "MISS"
    print(f"{what:<66} {asked:>10} {reached:>22}  {verdict}", flush=True)
    return ok is not False


def speed(series: int, draws: int, least: float) -> tuple[bool, float]:
    """The engine beside the plain program; the engine's seconds."""
    projection = project(series)
    projection.log_totals()
    (engine,) = totals(projection, SCENARIO, draws=draws)
    mine = best(lambda: totals(projection, SCENARIO, draws=draws))
    plain = Plain(projection, draws)
    few = max(1, 200 * 20 // series)
    chunks = {chunk: best(lambda c=chunk: plain.run(c), 1) for chunk in sorted({few, 2 * few, 4 * few})}
    chunk = min(chunks, key=chunks.get)
    theirs = chunks[chunk]
    apart = float(np.abs(plain.run(chunk).sum(axis=(1, 2)) / engine - 1).max())
    size = f"{draws:,} draws x {len(projection.days) - projection.span.gap} days x {series:,} series"
    ok = told(f"{size}: plain program ({chunk} draws at once)", "", f"{theirs:.2f} s")
    ok &= told("  this engine, trajectories made among it", "", f"{mine:.2f} s")
    ok &= told("  times as fast", f">= {least:g}", f"{theirs / mine:.1f}", theirs / mine >= least)
    ok &= told("  worst difference of a draw's total", f"{AGREE:g}", f"{apart:.1e}", apart < AGREE)
    return ok, mine


def normals(series: int, draws: int, mine: float) -> bool:
    """Time to draw as many normals as there are cells."""
    rng, out = np.random.Generator(np.random.SFC64(1)), np.empty(1_000_000)
    cells = draws * 365 * series
    each = best(lambda: rng.standard_normal(out=out), 5) / len(out)
    return told(
        f"drawing {cells / 1e6:,.0f} million normals takes as many times",
        ">= 12",
        f"{each * cells / mine:.1f}",
        each * cells / mine >= 12,
    )


def errors(series: int, draws: int, repeats: int) -> bool:
    """Standard errors of the year's P80: told, and over repetitions."""
    projection = project(series)
    plan = sc.plan(projection, prices=book(), scenario=SCENARIO, draws=draws, seed=7, detail=("environment",))
    row = plan.convergence().loc[("P80", draws)]
    again = [float(np.quantile(totals(projection, SCENARIO, draws=draws, seed=s)[0], 0.8)) for s in range(repeats)]
    others = []
    for seed in range(repeats):
        other = projected(projection.usage, replace(projection.spec, seed=seed), strict=True)
        others.append(float(np.quantile(totals(other, SCENARIO, draws=draws)[0], 0.8)))
    ok = True
    for name, part, seen, most in (
        ("draws", row["se_draws"], again, 0.3),
        ("trajectories", row["se_trajectories"], others, 0.7),
    ):
        one, over = 100 * part / row["quantile"], 100 * np.std(seen, ddof=1) / np.mean(seen)
        what = f"error of the year's P80 from {name}, %: told, over {repeats} repetitions"
        ok &= told(what, f"<= {most:g}", f"{one:.2f}, {over:.2f}", max(one, over) <= most)
    return ok


def memory(series: int, draws: int) -> bool:
    """Memory beyond what stood before."""
    projection = project(series)
    totals(projection, SCENARIO, draws=100)
    tracemalloc.start()
    totals(projection, SCENARIO, draws=draws)
    most = tracemalloc.get_traced_memory()[1] / 1e9
    tracemalloc.stop()
    return told("most memory at once beyond the projection, GB", "<= 0.3", f"{most:.3f}", most <= 0.3)


def many(series: int, draws: int) -> bool:
    """Twelve scenarios beside one; one toggled on a standing plan."""
    projection = project(series)
    twelve = [
        sc.Scenario(
            f"{i}",
            [
                GROWTH,
                sc.PriceChange(on=JUMP.on, by=-0.02 * i, probability=0.5, per="model"),
                sc.Intensity(unit="total_tokens", model=f"model-{i % 5 + 1}", by=-0.03 * i, on="2026-03-01", ramp=60),
            ],
        )
        for i in range(1, 13)
    ]
    one = best(lambda: totals(projection, twelve[4], draws=draws))
    together = best(lambda: totals(projection, *twelve, draws=draws), 2) / one
    ok = told("twelve scenarios of other levers and prices: times one", "<= 3", f"{together:.1f}", together <= 3)
    arguments = {"prices": book(), "draws": draws, "seed": 7, "detail": ("environment",)}
    plan = best(lambda: sc.plan(projection, scenario=SCENARIO, **arguments), 2)
    standing = sc.plan(projection, scenario=SCENARIO, **arguments)
    levers = [sc.Intensity(unit="total_tokens", model=f"model-{i}", by=-0.1, on="2026-06-01") for i in (4, 5)]
    other = [sc.Scenario("other", [*SCENARIO.changes, lever]) for lever in levers]
    toggled = [best(lambda s=s: standing.replan(scenario=s), 1) for s in other]
    fresh = sc.plan(projection, scenario=other[0], **arguments)
    same = bool((fresh.ledger.money == standing.replan(scenario=other[0]).ledger.money).all())
    part = float(np.mean(toggled)) / plan
    ok &= told("a lever toggled on a standing plan: part of the plan's time", "<= 0.3", f"{part:.2f}", part <= 0.3)
    return ok & told("  the same bits as a new plan", "yes", "yes" if same else "no", same)


def slopes(series: int, draws: int) -> None:
    """How time grows with each size: the power of ten times as much, or as near as it comes."""

    def power(small: fc.Projection, big: fc.Projection, few: int, lots: int, ratio: float) -> str:
        times = [best(lambda p=p, n=n: totals(p, SCENARIO, draws=n)) for p, n in ((small, few), (big, lots))]
        return f"{np.log(times[1] / times[0]) / np.log(ratio):.2f}"

    here = project(series)
    for one in (here, ten := project(10 * series), month := project(series, end="2026-05-31")):
        one.log_totals()
    told("slope in series (10 times)", "", power(here, ten, draws, draws, 10))
    told("slope in draws (10 times)", "", power(here, here, draws, 10 * draws, 10))
    told("slope in days (179 to 393)", "", power(month, here, draws, draws, len(here.days) / len(month.days)))


def tiled(projection: fc.Projection, times: int) -> fc.Projection:
    """A projection of so many times the series, each copy on its own: what is measured is the engine."""
    drivers = projection.drivers
    count, legs = len(drivers.workloads), len(drivers.legs)

    def more(frame: pd.DataFrame, **steps: int) -> pd.DataFrame:
        whole = pd.concat([frame] * times, ignore_index=True)
        copy = np.repeat(np.arange(times), len(frame))
        return whole.assign(**{name: whole[name] + copy * step for name, step in steps.items()})

    def wide(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values] * times, axis=-1)

    def longer(made: object) -> object:
        names = ("point", "level", "growth", "slope", "errors", "scale", "relative", "unit")
        return replace(made, **{n: wide(getattr(made, n)) for n in names}, seen=made.seen * times, method=())

    whole = replace(
        drivers,
        workloads=more(drivers.workloads),
        legs=more(drivers.legs, workload=count),
        lanes=more(drivers.lanes, leg=legs, workload=count),
        volume=wide(drivers.volume),
        odds=wide(drivers.odds),
        intensity=wide(drivers.intensity),
    )
    made = {name: longer(getattr(projection, name)) for name in ("volume", "mix", "intensity")}
    return replace(projection, drivers=whole, cleaned=None, **made)


def cluster(series: int, draws: int) -> bool:
    """Two Dask workers beside one, and this process."""
    import joblib
    from dask.distributed import Client, LocalCluster

    projection = tiled(project(2_000), series // 2_000)
    projection.log_totals()

    def run(n_jobs: int | None) -> np.ndarray:
        made = outcomes(
            projection, [SCENARIO], prices=book(), draws=draws, seed=7, detail=("environment",), n_jobs=n_jobs
        )
        return made[0].cost

    begin = time.perf_counter()
    alone = run(1)
    serial = time.perf_counter() - begin
    ok = told(f"{series:,} series, this process", ">= 60 s", f"{serial:.0f} s", serial >= 60)
    seconds = {}
    for workers in (1, 2):
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as local,
            Client(local),
            joblib.parallel_config(backend="dask"),
        ):
            begin = time.perf_counter()
            made = run(-1)
            seconds[workers] = time.perf_counter() - begin
        same = bool((made == alone).all())
        ok &= told(f"  {workers} Dask workers; the same bits", "yes", f"{seconds[workers]:.0f} s, {same}", same)
    gain = seconds[1] / seconds[2]
    return ok & told("  two workers beside one", ">= 1.7", f"{gain:.2f}", gain >= 1.7)


def main() -> int:
    """Measure, print, and say whether all holds."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--draws", type=int, default=10_000)
    options.add_argument("--series", type=int, default=200)
    options.add_argument("--repeats", type=int, default=12)
    options.add_argument("--dask", type=int, metavar="SERIES", help="so many series on one and two Dask workers")
    asked = options.parse_args()
    draws, series = asked.draws, asked.series
    if asked.dask:
        return 0 if cluster(asked.dask, draws) else 1
    ok, mine = speed(series, draws, 12)
    ok &= normals(series, draws, mine)
    ok &= memory(series, draws)
    ok &= many(series, draws)
    ok &= errors(series, draws, asked.repeats)
    slopes(series, draws)
    more, _ = speed(10 * series, draws, 100)
    return 0 if ok and more else 1


if __name__ == "__main__":
    sys.exit(main())
