"""Two ways to round a bill to cents: each line against the total, or from the total to months, payers, lines.

Prints how far, in cents, the worst line, payer's month, month and payer of a random bill are from their exact amounts:
``python benchmarks/allocation_cents.py``.
"""

from __future__ import annotations

import numpy as np

from scenarios.budget.contingency import to_cents
from scenarios.reviews.allocating.cents import cents_of

BILLS, MONTHS = 200, 12


def main() -> None:
    """Round random bills both ways."""
    rng = np.random.default_rng(0)
    worst: dict[str, list[list[float]]] = {"at once": [], "top down": []}
    for _ in range(BILLS):
        payers, lines = int(rng.integers(3, 40)), int(rng.integers(1, 30))
        places = np.meshgrid(range(MONTHS), range(payers), range(lines), indexing="ij")
        month, payer = places[0].ravel(), places[1].ravel()
        amounts = rng.lognormal(3, 2, size=len(month)) * np.where(rng.random(len(month)) < 0.05, -1, 1)
        for name, cents in (
            ("at once", to_cents(amounts, float(amounts.sum()))),
            ("top down", cents_of(amounts, month, payer)),
        ):
            off = cents - amounts * 100.0
            groups = (np.arange(len(off)), month * payers + payer, month, payer)
            worst[name].append([float(np.abs(np.bincount(g, weights=off)).max()) for g in groups])
    print(f"Cents off, the worst and the mean of {BILLS} bills:")
    print(f"{'':>10} {'line':>10} {'payer x month':>14} {'month':>10} {'payer':>10}")
    for name, found in worst.items():
        table = np.array(found)
        shown = [f"{a:.2f}/{b:.2f}" for a, b in zip(table.max(axis=0), table.mean(axis=0), strict=True)]
        print(f"{name:>10} {shown[0]:>10} {shown[1]:>14} {shown[2]:>10} {shown[3]:>10}")


if __name__ == "__main__":
    main()
