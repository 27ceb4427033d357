"""A plan kept and opened: python benchmarks/saved_plan.py. CPU time, size, and that all of it is the same.

The sample organisation's two quarters in 10,000 draws, with growth, a price cut, a fixed line, a reserve and a split.
Printed, each beside what was asked: the file's size, CPU seconds to save and to open (the best of three), and whether
the opened plan's draws, and those of another scenario planned from it, are those of the plan to the bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import forecast as fc
import scenarios as sc
from forecast.samples import sample_path

DRAWS = 10_000
ASKED = 1.5


def cpu(what: Callable[[], object]) -> float:
    best = np.inf
    for _ in range(3):
        begin = time.process_time()
        what()
        best = min(best, time.process_time() - begin)
    return best


def main() -> None:
    usage = fc.read_usage(sample_path("organisation_daily.csv"))
    growth = sc.Growth(monthly=sc.between(0.03, 0.08))
    cut = sc.PriceChange(model="gpt-5*", on="2027-02-01", by=sc.between(-0.4, -0.2), probability=0.5)
    plan = sc.plan(
        fc.project(usage, horizon="2Q", model="fast", seed=7),
        scenario=sc.Scenario("launch", [growth, cut]),
        components=[sc.Fixed("base infrastructure", monthly=12_000), sc.Reserve("emergency scaling", 20_000)],
        split=sc.EnvironmentSplit(development=(0.15, 0.20), production=(0.60, 0.70)),
        draws=DRAWS,
        seed=7,
    )
    other = sc.Scenario("other", [sc.Growth(monthly=0.1)])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "q1.tokenplan"
        saving = cpu(lambda: plan.save(path))
        opening = cpu(lambda: sc.load_plan(path))
        opened = sc.load_plan(path)
        held = plan.ledger.money.nbytes
        print(f"file {path.stat().st_size / 1e6:.1f} MB, of {held / 1e6:.1f} MB of draws")
        print(f"save {saving:.2f} s of CPU (asked: below {ASKED}), open {opening:.2f} s")
        same = np.array_equal(opened.ledger.money, plan.ledger.money)
        again = np.array_equal(opened.replan(scenario=other).totals, plan.replan(scenario=other).totals)
        print(f"draws the same to the bit: {same}; another scenario's: {again}; fingerprint {plan.fingerprint[:16]}")
        print(f"the same bytes when saved again: {opened.save(path).read_bytes() == plan.save(path).read_bytes()}")


if __name__ == "__main__":
    main()
