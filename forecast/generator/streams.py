"""Random streams: a seed and the name of what is drawn come in, a generator that nothing else shares goes out.

They are the generator's own, apart from :mod:`forecast.streams`: hashes of samples and frozen configurations depend on
them, so they never change, whatever becomes of the library's.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Bits kept of a rate before it is drawn from; see :func:`settled`.
_BITS = 20


def stream(seed: int, *names: object) -> np.random.Generator:
    """The generator of one quantity, keyed by what it means and never by when it is drawn.

    Adding a workload, or drawing in another order, leaves every other stream as it was.
    """
    digest = hashlib.sha256("\x1f".join(map(str, names)).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


def settled(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """``value`` with 20 bits of mantissa: within 1e-6 of itself, and the same on every processor.

    Vector units differ in the last bit of an exponential; without this, a hash of the output would too.
    """
    mantissa, exponent = np.frexp(value)
    rounded: NDArray[np.float64] = np.ldexp(np.rint(np.ldexp(mantissa, _BITS)), exponent - _BITS)
    return rounded


def autoregression(
    normals: NDArray[np.float64], persistence: float, start: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """A first-order autoregression of unit variance from standard normals (..., day, series).

    It begins at a stationary draw, or goes on from ``start`` (..., series).
    """
    out = np.empty_like(normals)
    fresh = float(np.sqrt(1.0 - persistence**2))
    value = start
    for t in range(normals.shape[-2]):
        today = normals[..., t, :]
        value = today if value is None else persistence * value + fresh * today
        out[..., t, :] = value
    return out
