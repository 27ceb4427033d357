"""Exchange rates of a bridge. Comes in: dated rates. Goes out: what each currency was worth on either side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecast.errors import ScenarioError, nearest
from forecast.panel import FloatArray

if TYPE_CHECKING:
    from forecast.currency import Rates


@dataclass(frozen=True, slots=True)
class Exchange:
    """What currencies are worth in the one that a bridge is told in.

    Attributes
    ----------
    into : str
        The currency that the bridge is told in.
    before, after : mapping of str to number or float array (draw or 1,)
        Units of ``into`` for one unit of each currency, as it holds on the first side and on the second.
    """

    into: str
    before: Mapping[str, float | FloatArray]
    after: Mapping[str, float | FloatArray]

    def worth(self, currency: str, *, after: bool) -> FloatArray:
        """Units of ``into`` for one of a currency on one side: (draw or 1,).

        Raises
        ------
        ScenarioError
            The rate is not known, or is no number above 0.
        """
        rates = self.after if after else self.before
        if currency == self.into:
            return np.ones(1)
        if currency not in rates:
            known = ", ".join([self.into, *sorted(rates)])
            raise ScenarioError(
                f"there is no rate of {currency} into {self.into} {'after' if after else 'before'}; "
                f"known: {known}{nearest(currency, rates)}"
            )
        rate = np.atleast_1d(np.asarray(rates[currency], dtype="float64"))
        if rate.ndim != 1 or not np.isfinite(rate).all() or (rate <= 0).any():
            raise ScenarioError(f"the rate of {currency} into {self.into} is {rates[currency]!r}: wanted above 0")
        return rate

    def reversed(self) -> Exchange:
        """With the sides swapped."""
        return Exchange(self.into, self.after, self.before)


def exchange_on(rates: Rates, into: str, *, before: str | pd.Timestamp, after: str | pd.Timestamp) -> Exchange:
    """The rates of all of a table's currencies into one, on one day of each side.

    Raises
    ------
    PriceError
        A currency has no rate on a day.
    """
    days = pd.Timestamp(before), pd.Timestamp(after)
    first, last = ({c: float(rates.rate(c, into, d)[0]) for c in rates.currencies} for d in days)
    return Exchange(into, first, last)
