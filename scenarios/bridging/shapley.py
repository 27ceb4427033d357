"""The Shapley value. Comes in: the total when only some drivers have moved. Goes out: what each driver adds."""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np

from forecast.errors import ScenarioError
from forecast.panel import FloatArray

#: What a total is in each draw (draw,) when the named players stand on the second side and the others on the first.
Value = Callable[[frozenset[int]], FloatArray]
#: The most players: 2^8 = 256 totals.
MOST_PLAYERS = 8


def shapley(value: Value, players: int) -> FloatArray:
    """What each player adds to a total, averaged over all orders in which players may move.

    φ[i] = Σ over S without i of |S|! (n - |S| - 1)! / n! · (v(S + i) - v(S)). Each of the 2^n coalitions is evaluated
    once. Σ φ = v(all) - v(none); a player that never changes the total gets exactly 0; players that change it alike
    get the same. With the two sides swapped, the answer is the same numbers with the other sign, bit for bit: each S is
    added together with its mirror, the players in neither S nor i.

    Parameters
    ----------
    value : callable
        Players (from 0) that have moved → total (draw,).
    players : int
        1 to 8.

    Returns
    -------
    float array (player, draw)

    Raises
    ------
    ScenarioError
        There are no players or too many, or coalitions differ in how many draws they have.

    Source: Shapley (1953), doi:10.1515/9781400881970-018; as a decomposition of changes: Shorrocks (2013),
    doi:10.1007/s10888-011-9214-z.
    """
    if not 1 <= players <= MOST_PLAYERS:
        raise ScenarioError(
            f"{players} steps: a bridge takes 1 to {MOST_PLAYERS}, as each combination of them is evaluated; "
            "let one step hold several changes"
        )
    values = _totals(value, players)
    everyone = 2**players - 1
    added = np.zeros((players, values.shape[1]))
    for i in range(players):
        for coalition in range(2**players):
            mirror = everyone & ~coalition & ~(1 << i)
            if coalition >> i & 1 or mirror < coalition:
                continue
            weight = 1.0 / (players * comb(players - 1, coalition.bit_count()))
            gain = values[coalition | 1 << i] - values[coalition]
            if mirror != coalition:
                gain = gain + (values[mirror | 1 << i] - values[mirror])
            added[i] += weight * gain
    return added


def _totals(value: Value, players: int) -> FloatArray:
    """The total of every coalition, by its bits: (coalition, draw)."""
    found = []
    for bits in range(2**players):
        moved = frozenset(i for i in range(players) if bits >> i & 1)
        found.append(np.atleast_1d(np.asarray(value(moved), dtype="float64")))
        if found[-1].shape != found[0].shape or found[0].ndim != 1:
            raise ScenarioError(
                f"bridge: the total with {sorted(moved)} moved has shape {found[-1].shape}, and with none "
                f"{found[0].shape}; wanted one amount a draw, of the same draws"
            )
    return np.stack(found)
