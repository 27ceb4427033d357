"""Random streams keyed by meaning. Comes in: a seed and names. Goes out: numbers that no order of work can change."""

from __future__ import annotations

import hashlib

import numpy as np

from forecast.panel import FloatArray


def stream(seed: int, *key: str | int) -> np.random.Generator:
    """Return the generator of one meaning, such as ``stream(7, "growth", "adoption")``.

    The state is a hash of seed and key, so that a name added or left out elsewhere moves no other stream.
    """
    text = "\x1f".join(map(str, (seed, *key))).encode("utf-8", "surrogatepass")
    words = np.frombuffer(hashlib.sha256(text).digest(), dtype=np.uint32)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([int(w) for w in words])))


def stratified(seed: int, count: int, *key: str | int) -> FloatArray:
    """``count`` uniform numbers in (0, 1), one in each of ``count`` equal strata, in the key's own order.

    One column of a Latin hypercube (McKay, Beckman and Conover 1979, doi:10.2307/1268522).
    """
    rng = stream(seed, *key)
    return (rng.permutation(count) + rng.uniform(size=count)) / count
