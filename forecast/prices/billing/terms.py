"""The terms of a rule. Comes in: a rule as written. Goes out: its numbers, choices and days, or all that is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from forecast.errors import PriceError, nearest
from forecast.prices.billing.periods import Days


def check(
    rule: Any,
    *,
    numbers: Mapping[str, tuple[float, float]] | None = None,
    choices: Mapping[str, Sequence[str]] | None = None,
    days: Iterable[str] = ("start", "end"),
    also: Iterable[str] = (),
    named: bool = True,
) -> None:
    """Make a frozen rule's terms floats and dates, and hold them to their limits.

    Parameters
    ----------
    rule : dataclass with a name
    numbers : mapping
        Attribute → least and most; None is left where it is the attribute's value.
    choices : mapping
        Attribute → the words that it may be.
    days : iterable of str
        Attributes that are days, or None. The first may not lie after the second.
    also : iterable of str
        What else is wrong, in words.
    named : bool
        Whether it must have a name.

    Raises
    ------
    PriceError
        Everything that is wrong with the rule.
    """
    name, problems = getattr(rule, "name", None), []
    if named and (not isinstance(name, str) or not name.strip()):
        problems.append(f"name = {name!r}: a rule needs a name")
    for attribute, (low, high) in (numbers or {}).items():
        value = getattr(rule, attribute)
        number = _number(value)
        if number is None or not low <= number <= high:
            wanted = f"from {low:g} to {high:g}" if np.isfinite(high) else f"from {low:g} up"
            problems.append(f"{attribute} = {value!r}: wanted a number {wanted}")
        else:
            object.__setattr__(rule, attribute, number)
    for attribute, allowed in (choices or {}).items():
        value = getattr(rule, attribute)
        if value not in allowed:
            listed = ", ".join(map(repr, allowed))
            problems.append(f"{attribute} = {value!r}: allowed: {listed}{nearest(value, allowed)}")
    found = []
    for attribute in days:
        value = getattr(rule, attribute)
        try:
            day = day_of(value)
        except ValueError:
            problems.append(f"{attribute} = {value!r}: wanted a day such as 2027-01-31")
            continue
        object.__setattr__(rule, attribute, day)
        found.append(day)
    if len(found) == 2 and found[0] is not None and found[1] is not None and found[1] < found[0]:
        problems.append(f"it ends on {found[1]}, before it starts on {found[0]}")
    problems += also
    if problems:
        raise PriceError(f"{type(rule).__name__} {f'{name!r}: ' if named else ''}" + "; ".join(problems))


def _number(value: object) -> float | None:
    """A finite number as a float, or None where it is none."""
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return None
    number = float(value)
    return number if np.isfinite(number) else None


def day_of(value: object) -> date | None:
    """A day from a date, a moment or a text; None stays None.

    Raises
    ------
    ValueError
        It is none of these.
    """
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, np.datetime64):
        return date.fromisoformat(str(value.astype("datetime64[D]")))
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no day")  # noqa: TRY004 - told with the rule's other faults
    return date.fromisoformat(value)


def edges(start: date | None, end: date | None, others: Days | None = None) -> Days:
    """The days on which something begins anew: ``start``, the day after ``end``, and others."""
    own = [] if start is None else [np.datetime64(start, "D")]
    own += [] if end is None else [np.datetime64(end, "D") + 1]
    return np.concatenate(
        [np.array(own, dtype="datetime64[D]"), np.empty(0, "datetime64[D]") if others is None else others]
    )
