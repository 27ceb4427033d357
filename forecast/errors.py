"""The error tree, and the sentences errors are made of: where, what, what is allowed, what is nearest."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

#: Bad rows shown in one message; the count of the rest is always given.
ROWS_SHOWN = 5


class TokenplanError(ValueError):
    """Every error that this library raises on purpose. Catch this one to catch them all."""


class UsageError(TokenplanError):
    """A usage export, or a plain series, that cannot be read as it stands."""


class PriceError(TokenplanError):
    """A price book that cannot be read, or a price that it does not hold."""


class ModelError(TokenplanError):
    """A forecasting model that is unknown, or that the data cannot justify."""


class HorizonError(TokenplanError):
    """A horizon, start or end that is not a span of time after the history."""


class ScenarioError(TokenplanError):
    """A scenario or a change that is not well formed or matches nothing."""


class PlanError(TokenplanError):
    """A plan's component, split, confidence or plan file that does not hold together."""


def nearest(value: object, allowed: Iterable[object]) -> str:
    """The clause ``; did you mean 'x'?`` for the allowed name nearest to ``value``, or nothing."""
    close = difflib.get_close_matches(str(value).lower(), {str(a).lower(): str(a) for a in allowed}, n=1, cutoff=0.5)
    names = {str(a).lower(): str(a) for a in allowed}
    return f"; did you mean {names[close[0]]!r}?" if close else ""


def one_of(what: str, value: object, allowed: Iterable[object], error: type[TokenplanError] = TokenplanError) -> None:
    """Raise ``error`` unless ``value`` is one of ``allowed``; the message lists them and the nearest."""
    choices = list(allowed)
    if value not in choices:
        listed = ", ".join(map(repr, choices))
        raise error(f"{what} {value!r} is not known; allowed: {listed}{nearest(value, choices)}")


def bad_rows(frame: pd.DataFrame, bad: pd.Series, columns: list[str], *, first_row: int = 2) -> str:
    """Name up to five bad rows of ``frame`` by file row and value, and count the rest.

    ``bad`` is a boolean mask (row,). ``first_row`` is the file's row number of the first record: 2 under a header.
    """
    position = [int(p) for p in bad.to_numpy().nonzero()[0]]
    shown = [
        f"row {p + first_row}: " + ", ".join(f"{c}={_plain(frame[c].iloc[p])}" for c in columns)
        for p in position[:ROWS_SHOWN]
    ]
    rest = len(position) - len(shown)
    return "; ".join(shown) + (f"; and {rest} more" if rest else "")


def _plain(value: object) -> str:
    text = str(value)
    if text in ("nan", "None", "NaT", "<NA>", ""):
        return "(blank)"
    text = text.removesuffix(" 00:00:00")
    return text if len(text) <= 60 else text[:57] + "..."
