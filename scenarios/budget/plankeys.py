"""Checks of what only plan files hold. Comes in: a value. Goes out: what is wrong with it, in words, or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo, available_timezones

from forecast.errors import nearest
from scenarios.files.checks import Check, shown, text, texts, texts_by_name


def zone(value: object) -> str | None:
    """A time zone by its IANA name."""
    try:
        ZoneInfo(str(value))
    except (ValueError, OSError, LookupError):
        close = nearest(value, available_timezones())
        return f"{shown(value)}: is not a time zone, such as 'UTC' or 'Europe/Berlin'{close}"
    return text(value)


def names_in(allowed: Iterable[str]) -> Check:
    """A list of some names, each once."""
    known = tuple(allowed)

    def check(value: object) -> str | None:
        if (wrong := texts(value)) is not None or not isinstance(value, list):
            return wrong
        for name in value:
            if name not in known:
                return f"{name!r} is not known; allowed: {', '.join(known)}{nearest(name, known)}"
        return None if len(set(value)) == len(value) else f"{shown(value)} names one of them twice"

    return check


def keyed_by(allowed: Iterable[str]) -> Check:
    """A table of text whose keys are some names."""
    known = tuple(allowed)

    def check(value: object) -> str | None:
        if (wrong := texts_by_name(value)) is not None or not isinstance(value, dict):
            return wrong
        for name in value:
            if name not in known:
                return f"{name!r} is not a column of usage; allowed: {', '.join(known)}{nearest(name, known)}"
        return None

    return check
