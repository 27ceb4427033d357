"""Pricing rules beyond a price a token: usage money and quantities come in; the bill, line by line, goes out."""

from __future__ import annotations

from forecast.prices.billing.bill import Bill, Periods, PricingRule, billed
from forecast.prices.billing.capacity import Provisioned
from forecast.prices.billing.commitments import Commitment, Credits, Purchase
from forecast.prices.billing.discounts import Discount, SpendTiers
from forecast.prices.billing.reading import KINDS, read_pricing_rules
from forecast.prices.billing.subscriptions import Allowance, Seats
from forecast.prices.billing.taxes import Tax

__all__ = [
    "KINDS",
    "Allowance",
    "Bill",
    "Commitment",
    "Credits",
    "Discount",
    "Periods",
    "PricingRule",
    "Provisioned",
    "Purchase",
    "Seats",
    "SpendTiers",
    "Tax",
    "billed",
    "read_pricing_rules",
]
