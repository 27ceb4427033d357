"""Checks of one value as TOML gives it. Comes in: the value. Goes out: what is wrong with it, in words, or nothing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from forecast.errors import nearest

#: Says what is wrong with a value, in words, or nothing where it will do.
Check: TypeAlias = Callable[[Any], str | None]

#: The largest number that a file may hold: more is a slip of the pen.
MOST: Final = 1e15
_DAY: Final = re.compile(r"[12]\d{3}-\d{2}-\d{2}$")
#: In place of a date: the first day of the plan.
START: Final = "start"


def shown(value: object) -> str:
    """A value as a message shows it: at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def listed(names: Iterable[str]) -> str:
    """Names in quotes, with commas between them."""
    return ", ".join(map(repr, names))


def text(value: object) -> str | None:
    """Text that is not blank."""
    return None if isinstance(value, str) and value.strip() else f"{shown(value)}: wanted text in quotes"


def number(value: Any) -> str | None:
    """A finite number."""
    plainly = isinstance(value, int | float) and not isinstance(value, bool)
    return None if plainly and abs(value) <= MOST else f"{shown(value)}: wanted a number, without quotes"


def whole(value: Any) -> str | None:
    """A whole number from 0 up."""
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
    return None if fits else f"{shown(value)}: wanted a whole number from 0 up, without quotes"


def count(least: int, most: int) -> Check:
    """A whole number between two others."""

    def check(value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if fits else f"{shown(value)}: wanted a whole number from {least:,} to {most:,}, without quotes"

    return check


def flag(value: object) -> str | None:
    """True or false."""
    return None if isinstance(value, bool) else f"{shown(value)}: wanted true or false, without quotes"


def day(value: object) -> str | None:
    """A calendar day."""
    try:
        known = isinstance(value, str) and bool(_DAY.match(value)) and bool(dt.date.fromisoformat(value))
    except ValueError:
        known = False
    return None if known else f"{shown(value)}: wanted a date, such as 2027-02-01"


def uncertain(value: object) -> str | None:
    """A number or a range of two numbers."""
    if isinstance(value, dict) and set(value) == {"p10", "p90"} and not any(number(v) for v in value.values()):
        falls = value["p10"] > value["p90"]
        return f"{shown(value)}: the low end is above the high end; swap them" if falls else None
    if number(value) is None:
        return None
    return f"{shown(value)}: wanted a number, or a range {{p10 = .., p90 = ..}}"


def texts(value: object) -> str | None:
    """A list of text."""
    fits = isinstance(value, list) and value and all(text(v) is None for v in value)
    return None if fits else f'{shown(value)}: wanted a list of text, such as ["month", "environment"]'


def texts_by_name(value: object) -> str | None:
    """A table of text."""
    fits = isinstance(value, dict) and all(text(v) is None for v in value.values())
    return None if fits else f'{shown(value)}: wanted a table of text, such as {{project = "search*"}}'


def choice(*allowed: str) -> Check:
    """One of some words."""

    def check(value: object) -> str | None:
        known = isinstance(value, str) and value in allowed
        return None if known else f"{shown(value)} is not known; allowed: {listed(allowed)}{nearest(value, allowed)}"

    return check


def accepted_by(attempt: Callable[[Any], object]) -> Check:
    """What a function of the library takes without an error; its own message says what is wrong."""

    def check(value: object) -> str | None:
        try:
            attempt(value)
        except (ValueError, OverflowError) as error:  # dates beyond what the calendar holds are not the library's own
            return str(error)
        return None

    return check


def both(first: Check, second: Check) -> Check:
    """What must pass one check, and then another."""
    return lambda value: first(value) or second(value)
