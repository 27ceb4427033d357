"""Tokens of requests: numbers of requests come in, the tokens they took go out, drawn from a real trace.

The trace is one hour of conversations of the Azure LLM inference service, 19,366 requests with their context and
generated tokens (Patel et al., "Splitwise", ISCA 2024; CC-BY-4.0). Times are left out, the pairs are complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Up to this many requests are drawn one by one; more are drawn as one sum, by the central limit theorem.
ONE_BY_ONE: Final = 40


@dataclass(frozen=True, slots=True)
class Trace:
    """The trace's pairs and their moments.

    Attributes
    ----------
    pairs : int array (request, 2)
        Context and generated tokens of each request.
    mean : float array (2,)
    root : float array (2, 2)
        Lower triangular; root · rootᵀ is the covariance of a pair.
    """

    pairs: NDArray[np.int64]
    mean: NDArray[np.float64]
    root: NDArray[np.float64]


@lru_cache(maxsize=1)
def trace() -> Trace:
    """The pairs that ship with the package."""
    import gzip

    packed = (resources.files("forecast.generator") / "azure_tokens.csv.gz").read_bytes()
    header, _, body = gzip.decompress(packed).partition(b"\n")
    if header != b"context,generated":
        raise RuntimeError("forecast/generator/azure_tokens.csv.gz is damaged: install the package again")
    pairs = np.array(body.replace(b"\n", b",").rstrip(b",").split(b","), dtype=np.int64).reshape(-1, 2)
    n = len(pairs)
    total = pairs.sum(axis=0)
    # Sums of integers are exact, so these moments are the same on every machine.
    square = np.array([[int((pairs[:, i] * pairs[:, j]).sum()) for j in range(2)] for i in range(2)])
    covariance = [[(n * int(square[i, j]) - int(total[i]) * int(total[j])) / n**2 for j in range(2)] for i in range(2)]
    first = float(np.sqrt(covariance[0][0]))
    across = covariance[1][0] / first
    root = np.array([[first, 0.0], [across, float(np.sqrt(covariance[1][1] - across * across))]])
    return Trace(pairs, total / n, root)


def token_sums(requests: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Context and generated tokens of each day's requests.

    Parameters
    ----------
    requests : int array (day,)
    generator : Generator
        The stream of this series alone.

    Returns
    -------
    float array (day, 2)
        Sums over ``requests`` independent draws of a pair: mean n · mean, covariance n · covariance of the trace.
    """
    source = trace()
    normal = generator.standard_normal((len(requests), 2))
    n = requests.astype(np.float64)[:, None]
    spread = np.stack(
        [source.root[0, 0] * normal[:, 0], source.root[1, 0] * normal[:, 0] + source.root[1, 1] * normal[:, 1]], axis=1
    )
    sums: NDArray[np.float64] = n * source.mean + np.sqrt(n) * spread
    few = np.where(requests <= ONE_BY_ONE, requests, 0)
    if few.any():
        drawn = source.pairs[generator.integers(0, len(source.pairs), int(few.sum()))]
        day = np.repeat(np.arange(len(requests)), few)
        exact = np.zeros((len(requests), 2), dtype=np.int64)
        np.add.at(exact, day, drawn)
        sums = np.where((requests <= ONE_BY_ONE)[:, None], exact, sums)
    return sums
