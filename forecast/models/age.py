"""How long a series has been in use. Comes in: a panel. Goes out: days since a launch inside it."""

from __future__ import annotations

import numpy as np

from forecast.panel import FloatArray, IntArray, Panel

#: A series that begins so many days after the panel was launched; until it is so many days old, what it did so far
#: says little of what it will do.
LAUNCHED, YOUNG = 14.0, 56.0
#: Frequencies of less than a week.
DAYS_A_PERIOD = {"D": 1.0, "B": 1.4, "h": 1 / 24}


def ages(panel: Panel, ends: IntArray) -> FloatArray:
    """How many days a series has been in use at each of some ends: (end, series); infinite unless it was launched.

    A series was launched if it begins two weeks or more after the panel. Series of weeks and longer are not asked.
    """
    begun = np.argmax(np.isfinite(panel.values), axis=0)
    daily = DAYS_A_PERIOD.get(panel.freq)
    if daily is None:
        return np.full((len(ends), len(begun)), np.inf)
    return np.where(begun * daily >= LAUNCHED, (np.asarray(ends)[:, None] - begun) * daily, np.inf)
