"""Two designs of a scenario, measured on the sample organisation: python benchmarks/what_if.py [--draws 10000].

A. Each change maps arrays of every draw, day and lane to arrays (the plain program).
B. Each change splits and multiplies flows; the engine adds flows up first and works on one factor a group (what ships).

Printed: agreement of the two, time and memory of each, how many times one scenario twelve of them take together, and
what common random numbers are worth. A pass is agreement to 1e-12: both add the same numbers in another order.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

import forecast as fc
import scenarios as sc
from scenarios.changes import World
from scenarios.changes.scene import Scene
from scenarios.outcome import outcomes

SAMPLE = Path(__file__).parents[1] / "data" / "samples" / "organisation_daily.csv"
AGREE = 1e-12
CHUNK = 50
GROWTH = sc.Growth(monthly=sc.between(0.02, 0.06))
CUT = sc.PriceChange(on="2027-02-01", by=sc.between(-0.4, -0.2), probability=0.5)
CACHE = sc.PromptCache(model="claude-sonnet-5", to=sc.between(0.4, 0.65), writes=sc.between(0.3, 0.6))
ROUTE = sc.Route("gpt-4.1", "gpt-5-mini", share=sc.between(0.3, 0.6), on="2027-02-01", ramp=30)
INPUT = ("input_tokens", "cache_read_tokens", "cache_write_tokens")


def plain(projection: fc.Projection, prices: fc.PriceBook, draws: int, seed: int) -> np.ndarray:
    """Design A, by the formulas alone: totals of growth, routing, caching and a price change, (draw,)."""
    scene = Scene.of(projection, prices, World(draws, seed))
    lanes, days = projection.drivers.lanes, projection.days
    rate = GROWTH.rate(scene)
    size, happens = scene.draw(CUT.key, CUT.by, "relative", "size"), scene.coin(CUT.key, 0.5)
    hit, writes = (scene.draw(CACHE.key, v, "share", n) for v, n in ((CACHE.to, "to"), (CACHE.writes, "writes")))
    share = scene.draw(ROUTE.key, ROUTE.share, "share", "share")
    ramp = np.clip((np.asarray((days - np.datetime64("2027-02-01")).days) + 1) / 30, 0, 1)
    skus = projection.routes.iloc[lanes["route"]].reset_index(drop=True).assign(unit=lanes["unit"].to_numpy())
    book = np.nan_to_num(prices.matrix(skus, days))
    model, unit, leg = skus["model"].to_numpy(), skus["unit"].to_numpy(), lanes["leg"].to_numpy()
    routed = np.nonzero(model == "gpt-4.1")[0]
    target = np.nan_to_num(prices.matrix(skus.iloc[routed].assign(model="gpt-5-mini").reset_index(drop=True), days))
    prompts = [np.nonzero((leg == one) & np.isin(unit, INPUT))[0] for one in np.unique(leg[model == "claude-sonnet-5"])]
    dealt = projection.draws(draws, seed)
    blocks = list(projection.blocks(20))
    steps, inside = np.arange(1, len(days) + 1), np.asarray(days >= projection.span.start)
    first = int(np.argmax(days >= "2027-02-01"))
    totals = np.empty(draws)
    for begin in range(0, draws, CHUNK):
        d = np.arange(begin, min(begin + CHUNK, draws))
        rows = [(blocks[r // 20], r % 20) for r in dealt.trajectory[d]]
        volume = np.stack([b.volume[i] * np.exp(-b.trend[i] * steps[:, None]) for b, i in rows])
        volume = volume * np.exp(rate[d, None] * projection.elapsed + dealt.log_factor[d, None])[:, :, None]
        mix, intensity = np.stack([b.mix[i] for b, i in rows]), np.stack([b.intensity[i] for b, i in rows])
        quantity = volume[:, :, lanes["workload"].to_numpy()] * mix[:, :, leg] * intensity
        gone = quantity[:, :, routed] * (share[d, None] * ramp)[:, :, None]
        quantity[:, :, routed] -= gone
        for at in prompts:
            whole, read = quantity[:, :, at].sum(axis=2), hit[d, None]
            parts = {"cache_read_tokens": read, "cache_write_tokens": (1 - read) * writes[d, None]}
            parts["input_tokens"] = (1 - read) * (1 - writes[d, None])
            for lane in at:
                quantity[:, :, lane] = whole * parts[unit[lane]]
        charged, moved = np.repeat(book[None], len(d), axis=0), np.repeat(target[None], len(d), axis=0)
        for prices_now, start in ((charged, book), (moved, target)):
            on = happens[d]
            prices_now[on, first:] = (start[first] * (1 + size[d[on], None]))[:, None, :]
        totals[d] = (quantity * charged)[:, inside].sum(axis=(1, 2)) + (gone * moved)[:, inside].sum(axis=(1, 2))
    return totals


def measured(work: Callable[[], object]) -> tuple[object, float, float]:
    """What a piece of work gives, its seconds, and the most memory it held beyond what was there, in MB."""
    begin = time.perf_counter()
    out = work()
    seconds = time.perf_counter() - begin
    tracemalloc.start()
    work()
    most = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return out, seconds, most


def main() -> int:
    """Measure, print, and say whether the designs agree."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--draws", type=int, default=10_000)
    draws = options.parse_args().draws
    usage, prices = fc.read_usage(SAMPLE), fc.PriceBook.builtin()
    projection = fc.project(usage, horizon="2Q", seed=7)
    scenario = sc.Scenario("all", [GROWTH, CUT, CACHE, ROUTE])

    def run(*every: sc.Scenario, seed: int = 7) -> list[np.ndarray]:
        made = outcomes(
            projection, every, prices=prices, draws=draws, seed=seed, detail=("environment",), unpriced="exclude"
        )
        return [one.totals for one in made]

    (flows,), seconds_b, memory_b = measured(lambda: run(scenario))
    full, seconds_a, memory_a = measured(lambda: plain(projection, prices, draws, 7))
    apart = float(np.abs(flows / full - 1).max())
    print(f"{draws:,} draws x {len(projection.days)} days x {len(projection.drivers.lanes)} lanes, two quarters")
    print(f"A. arrays of every draw, day and lane   {seconds_a:7.2f} s  {memory_a:8.0f} MB")
    print(f"B. flows                                {seconds_b:7.2f} s  {memory_b:8.0f} MB")
    print(f"A takes {seconds_a / seconds_b:.1f} times as long; the totals differ by {apart:.1e} at most")
    twelve = [sc.Scenario(f"{i}", [GROWTH, sc.PromptTrim(by=-0.02 * i)]) for i in range(1, 13)]
    begin = time.perf_counter()
    run(twelve[0])
    one = time.perf_counter() - begin
    begin = time.perf_counter()
    run(*twelve)
    print(f"twelve scenarios together take {(time.perf_counter() - begin) / one:.1f} times as long as one of them")
    cut = sc.Scenario("cut", [sc.PriceChange(on=str(projection.span.start.date()), by=-0.05)])
    as_is, same = run(sc.Scenario(), cut)
    (other,) = run(cut, seed=8)
    gain = np.std(other - as_is) / np.std(same - as_is)
    print(f"a sure price cut of 5 %: the difference's standard error is {gain:.0f} times smaller in the same worlds")
    return 0 if apart < AGREE else 1


if __name__ == "__main__":
    sys.exit(main())
