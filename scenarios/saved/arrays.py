"""Arrays. Comes in: an array of numbers, days or text. Goes out: what a saved plan's JSON says of it, and back.

Small ones stand in the JSON itself; the others are members of the file. The order of an array's axes in memory is
kept: sums follow it, and so their last bits do. Large ones of floating-point numbers are kept as planes (byte, number):
the first bytes of all numbers, then the second ones; the last axis runs slowest. Signs and exponents, which are alike,
then lie together, and pack a sixth smaller in three quarters of the time.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from forecast.errors import PlanError

Array = np.ndarray[Any, Any]

#: Arrays of at most so many bytes stand in the JSON.
INLINE: Final = 1_024
#: Floating-point numbers of at least so many bytes are kept as planes.
PLANES: Final = 65_536
#: Booleans, whole numbers, floating-point numbers, days and spans of time, text of one width.
DTYPES: Final = frozenset("biufMmUS")


def laid_out(values: Array) -> tuple[Array, tuple[int, ...]]:
    """The array with its axes as they lie in memory, and what they were: ``values = dense.transpose(axes)``."""
    axes = tuple(range(values.ndim))
    if values.flags.c_contiguous:
        return values, axes
    order = sorted(axes, key=lambda axis: -abs(values.strides[axis]))
    return np.ascontiguousarray(values.transpose(order)), tuple(order.index(axis) for axis in axes)


def array_node(values: Array, members: list[Array], path: str) -> dict[str, Any]:
    """What the JSON says of an array; a large one joins ``members``."""
    checked(values, path)
    dense, axes = laid_out(values)
    node: dict[str, Any] = {"$": "array", "dtype": values.dtype.str, "shape": list(dense.shape)}
    if axes != tuple(range(values.ndim)):
        node["axes"] = list(axes)
    if dense.nbytes <= INLINE:
        return node | {"data": base64.b64encode(dense.tobytes()).decode("ascii")}
    if planes := dense.dtype == np.dtype("<f8") and dense.nbytes >= PLANES:
        node["planes"] = planes
        dense = np.ascontiguousarray(np.ascontiguousarray(dense.T).reshape(-1).view("u1").reshape(-1, 8).T)
    members.append(dense)
    return node | {"member": len(members) - 1}


def digest_node(values: Array, path: str) -> dict[str, Any]:
    """What an array holds, without where or how it lies: for fingerprints."""
    checked(values, path)
    dense = np.ascontiguousarray(values)
    little = dense.astype(dense.dtype.newbyteorder("<"), copy=False)
    digest = hashlib.sha256(plain_bytes(little)).hexdigest()
    return {"$": "array", "dtype": little.dtype.str, "shape": list(little.shape), "sha256": digest}


def small(codes: Array) -> Array:
    """Whole numbers in the narrowest type that holds them all."""
    low, high = (int(codes.min()), int(codes.max())) if len(codes) else (0, 0)
    return codes.astype(np.promote_types(np.min_scalar_type(low), np.min_scalar_type(high)))


def plain_bytes(dense: Array) -> memoryview:
    """The bytes of an array whose axes lie in order, as they lie."""
    return dense.reshape(-1).view("u1").data


def checked(values: Array, path: str) -> None:
    """Refuse an array of what a saved plan does not hold."""
    if values.dtype.kind not in DTYPES or values.dtype.hasobject:
        raise PlanError(f"{path}: an array of {values.dtype} cannot be saved; wanted numbers, days or text")


def array_of(node: dict[str, Any], members: Sequence[Array]) -> Array:
    """The array that the JSON tells of.

    Raises
    ------
    PlanError
        It does not fit what is told of it.
    """
    shape, dtype = tuple(node["shape"]), np.dtype(str(node["dtype"]))
    axes = tuple(node.get("axes", range(len(shape))))
    if dtype.kind not in DTYPES or not all(type(n) is int and n >= 0 for n in shape):
        raise PlanError(f"an array of {dtype} and shape {shape} is none of a saved plan's")
    if "member" in node:
        number = node["member"]
        if type(number) is not int or not 0 <= number < len(members):
            raise PlanError(f"it tells of an array {number!r} that is not there")
        dense = _whole(members[number], shape) if node.get("planes") else members[number]
    else:
        held = bytearray(base64.b64decode(str(node["data"]), validate=True))
        if len(held) != math.prod(shape) * dtype.itemsize:
            raise PlanError(f"an array of shape {shape} holds {len(held)} bytes")
        dense = np.frombuffer(held, dtype=dtype).reshape(shape) if held else np.empty(shape, dtype)
    if dense.shape != shape or dense.dtype != dtype:
        raise PlanError(f"an array has shape {dense.shape} of {dense.dtype}; {shape} of {dtype} is told of it")
    return dense.transpose(axes) if axes != tuple(range(len(shape))) else dense


def _whole(planes: Array, shape: tuple[int, ...]) -> Array:
    """The floating-point numbers of their planes."""
    if planes.dtype != np.uint8 or planes.shape != (8, math.prod(shape)):
        raise PlanError(f"planes of shape {planes.shape} of {planes.dtype} are no numbers of shape {shape}")
    numbers = np.ascontiguousarray(planes.T).reshape(-1).view("<f8")
    return np.ascontiguousarray(numbers.reshape(shape[::-1]).T)
