"""Episodes. Comes in: days on which something held. Goes out: stretches of them, each with its first day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.panel import BoolArray


@dataclass(frozen=True, slots=True)
class Episode:
    """Days of one series on which a rule held, no more than some quiet days apart.

    Attributes
    ----------
    series : int
    days : tuple of int
        The days on which it held.
    """

    series: int
    days: tuple[int, ...]

    @property
    def first(self) -> int:
        """The day on which it began."""
        return self.days[0]

    @property
    def last(self) -> int:
        """The last day on which it held."""
        return self.days[-1]


def episodes(held: BoolArray, *, quiet: int, since: int) -> list[Episode]:
    """The episodes of each series that still held on day ``since`` or later.

    Parameters
    ----------
    held : bool array (day, series)
    quiet : int
        After more than so many quiet days the next one begins.
    since : int
    """
    found: list[Episode] = []
    for i in np.flatnonzero(held[max(since, 0) :].any(axis=0)):
        days = np.flatnonzero(held[:, i])
        parts = np.split(days, np.flatnonzero(np.diff(days) > quiet + 1) + 1)
        found += [Episode(int(i), tuple(int(d) for d in part)) for part in parts]
    return [one for one in found if one.last >= since]
