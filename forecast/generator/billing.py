"""The bill: tokens by route and day come in, list and billed cost go out, exact to the last digit.

Money is counted in whole numbers: a token's cost in 1e-12 of the currency, a list cost in 1e-4, a billed cost in
cents. So a bill is the same on every machine, and equals the arithmetic of its tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np

from forecast.generator.organisation import BATCH_PRICE, Organisation
from forecast.generator.routing import Routes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

#: The order of the last axis of every array of token kinds.
KINDS: Final = ("input", "cache_read", "cache_write", "output")
_LIST_STEP: Final = 10**8  # 1e-12 in 1e-4
_RATE_STEP: Final = 10**4  # discounts in 1e-4


@dataclass(frozen=True, slots=True)
class Bill:
    """What the tokens cost: ``list_cost`` in 1e-4 of the currency and ``billed_cost`` in cents, (day, route)."""

    list_cost: Ints
    billed_cost: Ints


def unit_prices(organisation: Organisation, routes: Routes, days: int | None = None) -> Ints:
    """Each day's price of each route's token kinds, in 1e-6 of the currency per million; int array (day, route, kind).

    Before a model's first price its first price stands: nothing is sent there yet.
    """
    days = organisation.days if days is None else days
    table = np.zeros((days, len(routes.model), len(KINDS)), dtype=np.int64)
    for j, (model, tier) in enumerate(zip(routes.model, routes.service_tier, strict=True)):
        factor = BATCH_PRICE if tier == "batch" else Decimal(1)
        for n, price in enumerate(sorted((p for p in organisation.prices if p.model == model), key=lambda p: p.start)):
            first = 0 if n == 0 else max(0, (price.start - organisation.start).days)
            for k, kind in enumerate(KINDS):
                table[first:, j, k] = int((getattr(price, kind) or Decimal(0)) * factor * 10**6)
    return table


def has_cache_writes(organisation: Organisation, routes: Routes) -> NDArray[np.bool_]:
    """Whether each route's model charges for cache writes, bool array (route,)."""
    charged = {p.model for p in organisation.prices if p.cache_write is not None}
    return np.array([model in charged for model in routes.model])


def bill(organisation: Organisation, routes: Routes, tokens: Ints) -> Bill:
    """Price ``tokens`` (day, route, kind) at each day's list price, and take off each provider's discount.

    Both costs are rounded half up, the billed one from the rounded list cost, as on an invoice.
    """
    exact = np.zeros(tokens.shape[:2], dtype=np.int64)
    prices = unit_prices(organisation, routes)
    for k in range(len(KINDS)):
        exact += tokens[..., k] * prices[..., k]
    listed = (exact + _LIST_STEP // 2) // _LIST_STEP
    rest = _RATE_STEP - _discounts(organisation, routes)
    cents = (listed * rest + 100 * _RATE_STEP // 2) // (100 * _RATE_STEP)
    return Bill(listed, cents)


def _discounts(organisation: Organisation, routes: Routes) -> Ints:
    """Each day's discount in 1e-4, int array (day, route)."""
    rates = np.zeros((organisation.days, len(routes.model)), dtype=np.int64)
    for discount in sorted(organisation.discounts, key=lambda d: d.start):
        first = max(0, (discount.start - organisation.start).days)
        for j, provider in enumerate(routes.provider):
            if provider == discount.provider:
                rates[first:, j] = int(discount.rate * _RATE_STEP)
    return rates
