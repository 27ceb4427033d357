"""Asking: the words of a question after a price come in; the SKU and the day go out, or what is wrong with them."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import NamedTuple

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import PriceError, one_of
from forecast.prices.context import SPELLINGS, canonical
from forecast.prices.hours import minute_of
from forecast.prices.matching import name_or_none
from forecast.prices.timeline import Sku


class Asked(NamedTuple):
    """What is priced, and on which day."""

    sku: Sku
    day: date


def asked(
    names: tuple[str | None, str | None],
    unit: str,
    on: date | str | pd.Timestamp,
    *,
    service_tier: str = "standard",
    context_tier: str | None = None,
    request_tokens: int | None = None,
    at: int | time | pd.Timestamp | str | None = None,
) -> Asked:
    """The SKU and the day of a question; ``names`` are provider and model.

    Raises
    ------
    PriceError
        A unit, tier, day, hour or size that is none.
    """
    one_of("unit", unit, tuple(schema.UNITS), PriceError)
    one_of("service tier", service_tier, schema.SERVICE_TIERS, PriceError)
    provider, model = map(name_or_none, names)
    size, tokens = _size(context_tier), _tokens(request_tokens, context_tier)
    minute = None if at is None else minute_of(at)
    return Asked(Sku(provider, model, unit, service_tier, size, minute, tokens), as_date(on))


def as_date(on: date | str | pd.Timestamp) -> date:
    """The day that is meant; the time of day is dropped.

    Raises
    ------
    PriceError
        It is none.
    """
    if isinstance(on, datetime) and not pd.isna(on):
        return on.date()
    if isinstance(on, date) and not isinstance(on, datetime):
        return on
    try:
        return datetime.fromisoformat(on).date()  # type: ignore[arg-type]
    except (TypeError, ValueError) as cause:
        raise PriceError(f"{on!r} is not a day; give it as 2026-09-01") from cause


def _size(context_tier: str | None) -> str:
    """A context tier in canonical spelling."""
    spelling = canonical(name_or_none(context_tier) or "")
    if spelling is None:
        raise PriceError(f"context tier {context_tier!r} is not known; write it as {SPELLINGS}")
    return spelling


def _tokens(request_tokens: int | None, context_tier: str | None) -> int | None:
    if request_tokens is None:
        return None
    if context_tier is not None:
        raise PriceError("request_tokens and context_tier both say the size of the request; give one of them")
    whole = isinstance(request_tokens, (int, np.integer)) and not isinstance(request_tokens, bool)
    if not whole or request_tokens < 0:
        raise PriceError(f"request_tokens={request_tokens!r} is not a count of tokens; give a whole number from 0 up")
    return int(request_tokens)
