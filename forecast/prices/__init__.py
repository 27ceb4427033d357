"""Prices: vendors' lists and one's own rows come in; a dated price for every unit, or the word that there is none."""

from __future__ import annotations

from forecast.prices.book import PriceBook
from forecast.prices.dated import Discount, PriceRow
from forecast.prices.matching import Family, PriceMatch
from forecast.prices.timeline import Quote

__all__ = ["Discount", "Family", "PriceBook", "PriceMatch", "PriceRow", "Quote"]
