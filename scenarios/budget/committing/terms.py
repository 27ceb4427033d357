"""The terms of a commitment. Comes in: what the caller wrote. Goes out: an offer that holds together, or all faults."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd

from forecast import schema
from forecast.calendars import date_of
from forecast.errors import PlanError, one_of
from forecast.panel import FloatArray
from forecast.prices.billing import Provisioned
from forecast.shown import short_repr

Kind = Literal["spend", "capacity", "minimum"]
Overage = Literal["on_demand", "discounted"]
SizedIn = Literal["on_demand", "paid"]
Every = Literal["month", "day"]
#: What capacity may count beside the units of usage.
COST, TOKENS = "cost", "total_tokens"
#: A month, which stands for its first day.
_MONTH: Final = re.compile(r"\d{4}-\d{2}")
#: Which arguments are of which kind; others are of all.
OF_KIND: Final[Mapping[Kind, tuple[str, ...]]] = {
    "spend": ("discount", "overage", "sized_in", "every", "profile", "peak_to_mean", "ramp"),
    "capacity": ("price", "price_per", "serves", "counts", "every", "profile", "peak_to_mean", "ramp"),
    "minimum": ("discount",),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be bought, of one kind; :func:`scenarios.commitment` tells the arguments.

    Attributes
    ----------
    tiers : tuple of (float, float)
        The least size of each discount, rising, and the discount; of capacity (0, 0) alone.
    level, weight : float array (level,)
        Demand of an hour over the period's mean, rising, and the share of hours that have it.
    """

    __repr__ = short_repr

    kind: Kind
    tiers: tuple[tuple[float, float], ...]
    overage: Overage
    sized_in: SizedIn
    price: float
    price_per: Literal["month", "hour"]
    serves: float
    counts: str | Mapping[str, float]
    every: Every
    profile: tuple[float, ...] | None
    peak_to_mean: float | None
    ramp: tuple[tuple[pd.Timestamp, float], ...]
    least: float
    step: float | None
    level: FloatArray = field(compare=False)
    weight: FloatArray = field(compare=False)

    @property
    def what(self) -> str:
        """What a size is, in words, after its number and before the currency's name is known."""
        if self.kind == "capacity":
            return "units"
        if self.kind == "minimum":
            return "paid over the term"
        return "a month paid" if self.sized_in == "paid" else "a month at on-demand prices"

    @property
    def floor(self) -> float:
        """The least size that is sold."""
        return max(self.least, self.tiers[0][0])

    @property
    def needs_a_floor(self) -> bool:
        """Whether the discount holds for all usage, so that nothing but a least size stops it from being free."""
        return self.kind == "minimum" or self.overage == "discounted"

    def discount(self, size: float) -> float:
        """The discount that a size earns."""
        return [share for least, share in self.tiers if least <= size][-1]

    def ramped(self, days: pd.DatetimeIndex) -> FloatArray:
        """Which part of the size holds on some days: (day,)."""
        part = np.ones(len(days))
        for first, share in self.ramp:
            part[days >= first] = share
        return part


def offered(kind: str, given: Mapping[str, Any]) -> Offer:
    """An offer from arguments, of which those left out are None.

    Raises
    ------
    PlanError
        A kind is unknown, or its arguments do not hold together: all faults at once.
    """
    one_of("commitment: kind", kind, get_args(Kind), PlanError)
    own = OF_KIND[kind]  # type: ignore[index]
    faults = [
        f"{name} is of kind={_of(name)}, not of kind={kind!r}"
        for name, value in given.items()
        if value is not None and name not in (*own, "least", "step")
    ]
    said = {name: value for name, value in given.items() if value is not None and name in (*own, "least", "step")}
    tiers = ((0.0, 0.0),) if kind == "capacity" else _tiers(said.get("discount"), faults)
    price = _number("price", said.get("price"), faults) if kind == "capacity" else 0.0
    serves = _number("serves", said.get("serves"), faults, above=True) if kind == "capacity" else 1.0
    for name, allowed in (
        ("overage", get_args(Overage)),
        ("sized_in", get_args(SizedIn)),
        ("price_per", ("month", "hour")),
        ("every", get_args(Every)),
    ):
        if name in said and said[name] not in allowed:
            faults.append(f"{name} = {said[name]!r}: wanted {' or '.join(map(repr, allowed))}")
    least = _number("least", said.get("least", 0.0), faults)
    step = _number("step", said["step"], faults, above=True) if "step" in said else None
    counts = _counts(said.get("counts", TOKENS), faults)
    ramp = _ramp(said.get("ramp"), faults)
    hours = _hours(said, faults)
    if faults:
        raise PlanError("commitment: " + "; ".join(faults))
    return Offer(
        kind,  # type: ignore[arg-type]
        tiers,
        said.get("overage", "on_demand"),
        said.get("sized_in", "paid" if kind == "minimum" else "on_demand"),
        price,
        said.get("price_per", "month"),
        serves,
        counts,
        said.get("every", "month"),
        hours.profile,
        hours.peak_to_mean,
        ramp,
        least,
        step,
        *_levels(hours),
    )


def _of(name: str) -> str:
    return " or ".join(repr(kind) for kind, own in OF_KIND.items() if name in own)


def number_of(value: object) -> float | None:
    """A finite number from 0 up, or None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return None
    return float(value) if 0 <= value < np.inf else None


def _number(name: str, value: object, faults: list[str], *, above: bool = False) -> float:
    number = number_of(value)
    if number is None or (above and number == 0):
        told = f"{name} is missing" if value is None else f"{name} = {value!r}"
        faults.append(f"{told}: wanted a number {'above 0' if above else 'from 0 up'}")
        return 1.0
    return number


def _tiers(discount: object, faults: list[str]) -> tuple[tuple[float, float], ...]:
    """The discount by the least size that it takes."""
    listed = dict(discount) if isinstance(discount, Mapping) else {0.0: discount}
    wanted = "wanted a share such as 0.2 for 20 %, or {least size: share}"
    if not listed or discount is None:
        faults.append(f"discount is missing: {wanted}")
        return ((0.0, 0.0),)
    known = {number_of(least): number_of(share) for least, share in listed.items()}
    tiers = sorted((k, v) for k, v in known.items() if k is not None and v is not None and v < 1)
    good = len(tiers) == len(listed)
    if not good:
        hint = "; 20 stands for 2,000 %" if any((number_of(v) or 0) >= 1 for v in listed.values()) else ""
        faults.append(f"discount = {discount!r}: {wanted}{hint}")
        return ((0.0, 0.0),)
    if any(high[1] < low[1] for low, high in pairwise(tiers)):
        faults.append(f"discount = {discount!r}: a larger size has a smaller discount")
    return tuple(tiers)


def _counts(counts: object, faults: list[str]) -> str | Mapping[str, float]:
    units = (schema.REQUESTS, *schema.UNITS)
    if isinstance(counts, str) and counts in (COST, *units):
        return counts
    if isinstance(counts, Mapping) and counts and set(counts) <= set(schema.UNITS):
        weights = {unit: number_of(weight) for unit, weight in counts.items()}
        if all(weight for weight in weights.values()):
            return {unit: float(weight or 0.0) for unit, weight in weights.items()}
    faults.append(
        f"counts = {counts!r}: wanted 'cost', 'total_tokens', 'requests', a unit of usage, or weights above 0 by unit "
        "such as {'input_tokens': 1, 'output_tokens': 4}"
    )
    return TOKENS


def _ramp(ramp: object, faults: list[str]) -> tuple[tuple[pd.Timestamp, float], ...]:
    """Parts of the size by the first day on which they hold."""
    if ramp is None:
        return ()
    wanted = "wanted parts of the size by month, such as {'2027-01': 0.5, '2027-03': 1}"
    if not isinstance(ramp, Mapping) or not ramp:
        faults.append(f"ramp = {ramp!r}: {wanted}")
        return ()
    steps = []
    for day, share in ramp.items():
        part = number_of(share)
        try:
            first = date_of(f"{day}-01" if _MONTH.fullmatch(str(day)) else day, "ramp", PlanError)
        except PlanError as why:
            faults.append(str(why))
            continue
        if part is None or first.day != 1:
            faults.append(f"ramp: {day} = {share!r}: {wanted}; a part holds from a month's first day")
        else:
            steps.append((first, part))
    return tuple(sorted(steps))


def _hours(said: Mapping[str, Any], faults: list[str]) -> Provisioned:
    """Demand inside a day, checked by the pricing rule that has the same."""
    profile, peak = said.get("profile"), said.get("peak_to_mean")
    asked = tuple(profile) if isinstance(profile, Sequence | np.ndarray) else profile
    try:
        return Provisioned("commitment", 1.0, 0.0, 1.0, profile=asked, peak_to_mean=peak)
    except ValueError as why:
        faults.append(str(why).split(": ", 1)[-1])
        return Provisioned("commitment", 1.0, 0.0, 1.0)


def _levels(hours: Provisioned) -> tuple[FloatArray, FloatArray]:
    """Levels of demand over its mean, rising, and the share of hours of each; equal ones together."""
    level, weight = hours.hours
    if hours.profile is None and hours.peak_to_mean in (None, 1.0):
        return np.ones(1), np.ones(1)
    order = np.argsort(level, kind="stable")
    return level[order], weight[order]
