"""Two ways to deal a change of cost to its drivers: the Shapley value (Shapley/Sun) beside LMDI-I.

    python benchmarks/bridge.py [--draws 10000] [--rows 172] [--months 9]

Comes in: hand-made cases, and made-up rows of volume, mix, intensity and price before and after. Goes out, for both
ways: what each driver adds in the hand-made cases (where a share vanishes, where money is negative, at an outlier);
residuals; whether halves of a row add up to the row; the steps' spread over draws; time and memory at the size asked.

LMDI-I, additive: Δx = Σ L(after, before) ln(x after / x before), L(a, b) = (a - b) / ln(a / b), with the limits for
zeros of Ang, Zhang and Choi (1998), doi:10.1016/S0360-5442(98)00016-4, and Wood and Lenzen (2006),
doi:10.1016/j.enpol.2004.11.010. Source: Ang (2005), doi:10.1016/j.enpol.2003.10.010.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from forecast.panel import FloatArray
from forecast.streams import stream
from scenarios.bridging import product_effects

Way = Callable[[Sequence[FloatArray], Sequence[FloatArray]], FloatArray]
DRIVERS: Final = ("volume", "mix", "intensity", "price")
BLOCK = 256


def lmdi(before: Sequence[FloatArray], after: Sequence[FloatArray]) -> FloatArray:
    """LMDI-I's amounts (factor, draw, row); NaN where before and after are not both 0 or more."""
    v0, v1 = _product(before), _product(after)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(np.isclose(v0, v1, rtol=1e-12, atol=0.0), v0, (v1 - v0) / np.log(v1 / v0))
        out = np.stack([mean * np.log(b / a) for a, b in zip(before, after, strict=True)])
    gone = (v0 == 0) | (v1 == 0)
    if gone.any():
        # In the limit all that appears or ends is laid to what is 0 on one side only; several such share alike.
        zero = np.stack([np.broadcast_to((a == 0) != (b == 0), v0.shape) for a, b in zip(before, after, strict=True)])
        share = zero / np.maximum(zero.sum(axis=0), 1)
        out = np.where(gone, share * (v1 - v0), out)
    return np.asarray(np.where((v0 < 0) | (v1 < 0), np.nan, out))


def _product(factors: Sequence[FloatArray]) -> FloatArray:
    made = np.asarray(factors[0])
    for factor in factors[1:]:
        made = made * factor
    return made


WAYS: Final[dict[str, Way]] = {"Shapley": product_effects, "LMDI-I": lmdi}


def rows_of(*rows: Sequence[float]) -> list[FloatArray]:
    """Rows of volume, mix, intensity, price as factors (1, row)."""
    return [np.array([column]) for column in np.array(rows, dtype="float64").T]


#: What happened; rows before; rows after: volume, mix, intensity, price.
CASES: Final = (
    ("price +10 %, volume +20 %", [(100, 1, 1, 1)], [(120, 1, 1, 1.1)]),
    ("a new workload of 50", [(0, 1, 1, 1)], [(50, 1, 1, 1)]),
    (
        "volume doubles, and all of it moves to a model at a quarter of the price",
        [(100, 1, 1, 1), (100, 0, 1, 0.25)],
        [(200, 0, 1, 1), (200, 1, 1, 0.25)],
    ),
    (
        "the same, but 1 % stays and 1 % was there before",
        [(100, 0.99, 1, 1), (100, 0.01, 1, 0.25)],
        [(200, 0.01, 1, 1), (200, 0.99, 1, 0.25)],
    ),
    (
        "the same, but a millionth stays and a millionth was there before",
        [(100, 1 - 1e-6, 1, 1), (100, 1e-6, 1, 0.25)],
        [(200, 1e-6, 1, 1), (200, 1 - 1e-6, 1, 0.25)],
    ),
    ("an outlier: intensity x 1,000, volume +10 %", [(100, 1, 1, 1)], [(110, 1, 1_000, 1)]),
    ("a price below 0 (a credit) turns positive, volume +10 %", [(100, 1, 1, -0.1)], [(110, 1, 1, 0.1)]),
)


def made_up(draws: int, rows: int, *key: str | int) -> tuple[list[FloatArray], list[FloatArray]]:
    """Rows in workloads of eight; a tenth of routes is on one side only."""
    rng = stream(0, "bridge", *key)
    workload = np.arange(rows) // 8
    sides = []
    for _ in range(2):
        volume = np.exp(0.3 * rng.standard_normal((draws, workload[-1] + 1)))[:, workload]
        odds = np.exp(rng.standard_normal((draws, rows))) * (rng.random(rows) > 0.05)
        total = np.add.reduceat(odds, np.arange(0, rows, 8), axis=1)[:, workload]
        intensity = np.exp(0.2 * rng.standard_normal((draws, rows)))
        price = np.exp(0.1 * rng.standard_normal(rows))[None, :] * np.ones((draws, 1))
        sides.append([volume, odds / total, intensity, price])
    return sides[0], sides[1]


def hand_made() -> None:
    for words, before, after in CASES:
        a, b = rows_of(*before), rows_of(*after)
        print(f"\n{words}: {_product(a).sum():,.6g} -> {_product(b).sum():,.6g}")
        for name, way in WAYS.items():
            added = way(a, b).sum(axis=(1, 2))
            print(
                f"  {name:8s}" + "".join(f"{driver:>12s} {v:>10,.2f}" for driver, v in zip(DRIVERS, added, strict=True))
            )


def sums() -> None:
    before, after = made_up(2_000, 172, "sums")
    change = _product(after) - _product(before)
    moved = np.abs(_product(after)).sum(axis=1) + np.abs(_product(before)).sum(axis=1)
    half0, half1 = ([f if i != 1 else 0.5 * f for i, f in enumerate(side)] for side in (before, after))
    print("\n2,000 draws of 172 rows: residual over money, largest; two halves of each row less the row, largest;")
    print("steps' standard deviations over draws")
    for name, way in WAYS.items():
        added = way(before, after)
        left = np.abs(change.sum(axis=1) - added.sum(axis=(0, 2))) / moved
        split = np.abs(2 * way(half0, half1) - added).max()
        spread = added.sum(axis=2).std(axis=1)
        print(f"  {name:8s} {left.max():.1e}  {split:.1e}  " + "  ".join(f"{v:.2f}" for v in spread))


def timing(draws: int, rows: int, months: int) -> None:
    print(f"\n{draws:,} draws x {rows} rows x {months} months, in blocks of {BLOCK} draws:")
    sides = [made_up(BLOCK, rows, "time", month) for month in range(months)]
    for name, way in WAYS.items():
        begun = time.perf_counter()
        for before, after in sides:
            for _ in range(-(-draws // BLOCK)):
                way(before, after).sum(axis=2)
        print(f"  {name:8s} {time.perf_counter() - begun:.2f} s")
    print(f"  at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def referee() -> None:
    """LMDI-I as the tests of the R package LMDIR hold it: two rows of three factors, 1971 to 1972."""
    before, after = (rows_of(*rows) for rows in (((1, 10, 2), (4, 5, 3)), ((4, 5, 3), (5, 6, 4))))
    np.testing.assert_allclose(
        lmdi(before, after).sum(axis=(1, 2)), [69.79006598, -9.455125793, 39.66505981], rtol=1e-9
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=172)
    parser.add_argument("--months", type=int, default=9)
    asked = parser.parse_args()
    referee()
    hand_made()
    sums()
    timing(asked.draws, asked.rows, asked.months)


if __name__ == "__main__":
    main()
