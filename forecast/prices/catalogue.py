"""The shipped catalogue: genai-prices comes in, offline; dated price rows and the meaning of model names go out.

genai-prices is imported when first asked for, and its bundled data is read whatever a running process may have
downloaded over it: the same locked version gives the same prices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from forecast.prices.context import EVERY_SIZE, MOST, Band, name_of
from forecast.prices.dated import ONE_DAY, PriceRow
from forecast.prices.hours import ALL_DAY, Minutes, hours_of

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices

#: Our unit → the price keys that it is billed by, the first that is listed. Tokens read from or written to a cache
#: are input tokens: where a vendor lists no price of their own, the input price is what the bill shows. Audio has no
#: such fallback: vendors bill it far above text, so without a price of its own it is unpriced.
_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "input_tokens": ("input_mtok",),
    "cache_read_tokens": ("cache_read_mtok", "input_mtok"),
    "cache_write_tokens": ("cache_write_mtok", "input_mtok"),
    "cache_write_1h_tokens": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "output_tokens": ("output_mtok",),
    "input_audio_tokens": ("input_audio_mtok",),
    "output_audio_tokens": ("output_audio_mtok",),
    "searches": ("web_searches_kcount",),
}
#: Charges that a unit's price does not hold, told in its note.
_BESIDE: Final = {
    "input_tokens": {
        "input_image_mtok": "images in at {} per million tokens",
        "input_video_mtok": "video in at {} per million tokens",
        "cache_image_read_mtok": "cached images at {} per million tokens",
        "cache_audio_read_mtok": "cached audio at {} per million tokens",
        "audio_hours": "audio by length at {} an hour",
        "input_audio_hours": "audio in by length at {} an hour",
        "input_document_kpages": "documents in at {} per 1,000 pages",
        "input_annotated_document_kpages": "annotated documents in at {} per 1,000 pages",
        "input_mchars": "text in by length at {} per million characters",
        "storage_searches_kcount": "searches of stored files at {} per 1,000",
        "requests_kcount": "a fee of {} per 1,000 requests",
    },
    "output_tokens": {
        "output_image_mtok": "images out at {} per million tokens",
        "output_video_mtok": "video out at {} per million tokens",
        "output_reasoning_mtok": "reasoning at {} per million tokens",
        "output_citation_mtok": "citations at {} per million tokens",
    },
}
_CONTEXTS: Final = {
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}
_HALF_HOURS: Final = tuple(time(half // 2, half % 2 * 30) for half in range(48))
#: A day before any dated price.
_LONG_AGO: Final = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Listing:
    """What the catalogue knows of a usage's provider and model.

    Attributes
    ----------
    provider : str or None
        The catalogue's name of the provider; inferred from the model where the usage names none.
    owner, model : str or None
        The provider whose list holds the model's prices, and the model's name there. The owner differs from the
        provider where one sells the other's models at list price.
    others : tuple of str
        Where the usage names no provider: every other provider that sells a model of this name.
    """

    provider: str | None = None
    owner: str | None = None
    model: str | None = None
    others: tuple[str, ...] = ()


@cache
def _snapshot() -> tuple[DataSnapshot, dict[int, tuple[str, str]]]:
    """The bundled data, and whose each model is, by identity."""
    from genai_prices.data import providers
    from genai_prices.data_snapshot import DataSnapshot

    owners = {id(model): (provider.id, model.id) for provider in providers for model in provider.models}
    return DataSnapshot(providers=providers, from_auto_update=False), owners


@lru_cache(maxsize=65_536)
def listing(provider: str | None, model: str | None) -> Listing:
    """Match a usage's names to the catalogue by genai-prices' own rules: exact, alias, dated suffix or prefix."""
    from genai_prices.data_snapshot import find_provider_by_id

    snapshot, owners = _snapshot()
    if model is None:
        known = find_provider_by_id(snapshot.providers, provider) if provider else None
        return Listing(provider=known.id if known else None)
    if provider is None:
        return _without_provider(snapshot, owners, model)
    try:
        seller, info = snapshot.find_provider_model(model, None, provider, None)
    except LookupError:
        known = find_provider_by_id(snapshot.providers, provider)
        return Listing(provider=known.id if known else None)
    return Listing(seller.id, *owners[id(info)])


def _without_provider(snapshot: DataSnapshot, owners: dict[int, tuple[str, str]], model: str) -> Listing:
    sellers = tuple(p.id for p in snapshot.providers if p.find_model(model) is not None)
    # A gateway's "provider/model" names its provider: genai-prices reads it as LiteLLM's.
    for provider_id in (None, "litellm"):
        try:
            seller, info = snapshot.find_provider_model(model, None, provider_id, None)
        except LookupError:
            continue
        return Listing(seller.id, *owners[id(info)], tuple(s for s in sellers if s != seller.id))
    return Listing(others=sellers)


@cache
def source() -> str:
    """The catalogue's name and version."""
    from importlib.metadata import version

    return f"genai-prices {version('genai-prices')}"


@cache
def model_names(provider: str) -> tuple[str, ...]:
    """The models that a provider sells: its own, then those of others that it sells at their price."""
    from genai_prices.data_snapshot import find_provider_by_id

    snapshot, _ = _snapshot()
    seller = find_provider_by_id(snapshot.providers, provider)
    if seller is None:
        return ()
    others = seller.fallback_model_providers or []
    owners = [seller, *(p for p in snapshot.providers if p.id in others)]
    return tuple(model.id for owner in owners for model in owner.models)


def catalogue_rows() -> tuple[PriceRow, ...]:
    """Every price of the catalogue as dated rows, in US dollars.

    A price that starts on a date is a row with that ``valid_from``, and ends the row before it on the eve. Larger
    requests than the base tier's have rows of their ``context_tier``, and hours other than most of a day rows of their
    ``hours``. Days are UTC days. The catalogue does not say when a price was announced: a row is known from the day
    on which it became valid.
    """
    providers = _snapshot()[0].providers
    return tuple(row for provider in providers for model in provider.models for row in _model_rows(provider, model))


def _model_rows(provider: Provider, model: ModelInfo) -> Iterator[PriceRow]:
    starts = _starts(model)
    days = [starts[0] - ONE_DAY if starts else _LONG_AGO, *starts]
    standard = [_in_force(model, day, None) for day in days]
    for tier in ("standard", *_CONTEXTS):
        in_force = list(_tier_prices(model, tier, days, standard))
        for unit in _KEYS:
            by_day = [_quoted(force, unit, model, tier) for force in in_force]
            for apart in dict.fromkeys(key for priced in by_day for key in priced):
                for first, last, (price, note) in _runs([priced.get(apart) for priced in by_day]):
                    ended = last + 1 < len(days)
                    yield PriceRow(
                        provider=provider.id,
                        model=model.id,
                        unit=unit,
                        price=price,
                        service_tier=tier,
                        valid_from=days[first] if first else None,
                        valid_to=days[last + 1] - ONE_DAY if ended else None,
                        source=source(),
                        note=note,
                        context_tier=apart.context_tier,
                        hours=apart.hours,
                        open_ended=ended,
                    )


def _starts(model: ModelInfo) -> list[date]:
    from genai_prices.types import StartDateConstraint

    conditional = model.prices if isinstance(model.prices, list) else []
    constraints = [c.constraint for c in conditional] + [v.constraint for v in model.price_variants or []]
    return sorted({c.start_date for c in constraints if isinstance(c, StartDateConstraint)})


class Apart(NamedTuple):
    """What one unit is priced apart by: the size of a request, the hour of the day."""

    context_tier: str = ""
    hours: str = ""


Priced = tuple[Decimal, str]


def _runs(priced: list[Priced | None]) -> Iterator[tuple[int, int, Priced]]:
    """First and last position of each run of equal, known prices."""
    first = 0
    for last, here in enumerate(priced):
        if last + 1 < len(priced) and priced[last + 1] == here:
            continue
        if here is not None:
            yield first, last, here
        first = last + 1


@dataclass(frozen=True, slots=True)
class _InForce:
    """A model's prices on one day: those of most hours first, then others with their hours; and what to know."""

    by_hour: tuple[tuple[ModelPrice, Minutes], ...]
    note: str = ""


def _in_force(model: ModelInfo, day: date, context: dict[str, str] | None) -> _InForce:
    from genai_prices.types import ConditionalPrice, TimeOfDateConstraint

    conditions: list[ConditionalPrice] = model.prices if isinstance(model.prices, list) else []
    if not model.prices:
        return _InForce(())
    if not any(isinstance(c.constraint, TimeOfDateConstraint) for c in conditions):
        return _InForce(((model.get_prices(datetime.combine(day, time(12)), context), ALL_DAY),))
    by_half_hour = [model.get_prices(datetime.combine(day, at), context) for at in _HALF_HOURS]
    different: list[ModelPrice] = []
    for prices in by_half_hour:
        if prices not in different:
            different.append(prices)
    different.sort(key=by_half_hour.count, reverse=True)
    hours = [tuple((30 * i, 30 * i + 30) for i, p in enumerate(by_half_hour) if p == one) for one in different]
    return _InForce(tuple(zip(different, hours, strict=True)))


def _tier_prices(model: ModelInfo, tier: str, days: list[date], standard: list[_InForce]) -> Iterator[_InForce]:
    """A tier's prices on each day of ``days``.

    genai-prices dates a tier's price from the day on which it was checked. Before that day it is taken to have held
    as long as the standard price was the same; further back the tier has no row.
    """
    if tier == "standard":
        yield from standard
        return
    listed = [_is_listed(model, tier, day) for day in days]
    first = listed.index(True) if any(listed) else len(days)
    for i, day in enumerate(days):
        if i >= first:
            yield _in_force(model, day, _CONTEXTS[tier])
        elif first < len(days) and all(earlier == standard[first] for earlier in standard[i:first]):
            since = f"checked on {days[first]}; taken to have held before, as long as the standard price did"
            yield replace(_in_force(model, days[first], _CONTEXTS[tier]), note=since)
        else:
            yield _InForce(())


def _is_listed(model: ModelInfo, tier: str, day: date) -> bool:
    at = datetime.combine(day, time(12))
    variants = (v for v in model.price_variants or () if v.when == _CONTEXTS[tier])
    return any(v.constraint is None or v.constraint.active(at) for v in variants)


def _quoted(force: _InForce, unit: str, model: ModelInfo, tier: str) -> dict[Apart, Priced]:
    """One unit's prices on one day and what to know of them; none where the vendor lists none."""
    found: dict[Apart, Priced] = {}
    for n, (prices, minutes) in enumerate(force.by_hour):
        keys = _KEYS[unit]
        key = next((k for k in keys if getattr(prices, k) is not None), None)
        if key is None:
            continue
        notes = [force.note] if force.note else []
        if key != keys[0]:
            notes.append(f"no {keys[0].removesuffix('_mtok')} price is listed: billed as {key.removesuffix('_mtok')}")
        if tier != "standard" and not _lists(model, tier, key):
            notes.append(f"no {tier} price is listed: the standard price is billed")
        for other_key, charge in _BESIDE.get(unit, {}).items():
            if getattr(prices, other_key) is not None:
                notes.append(f"without {charge.format(_base(getattr(prices, other_key)))}")
        hours = hours_of(minutes) if n else ""
        for band, price in _bands(getattr(prices, key)):
            found[Apart(name_of(band), hours)] = (price, "; ".join(notes))
    return found


def _lists(model: ModelInfo, tier: str, key: str) -> bool:
    variants = (v for v in model.price_variants or () if v.when == _CONTEXTS[tier])
    return any(getattr(variant.prices, key) is not None for variant in variants)


def _base(price: Decimal | TieredPrices) -> Decimal:
    """The price of requests below the first threshold."""
    return price if isinstance(price, Decimal) else price.base


def _bands(price: Decimal | TieredPrices) -> Iterator[tuple[Band, Decimal]]:
    """The price of every request, or of the base tier; then that of each larger size.

    genai-prices bills a whole request at the highest tier whose start is *below* the request's input tokens.
    """
    yield EVERY_SIZE, _base(price)
    if isinstance(price, Decimal):
        return
    ends = [*(tier.start for tier in price.tiers[1:]), MOST]
    for tier, end in zip(price.tiers, ends, strict=True):
        if end > tier.start:
            yield Band(tier.start + 1, end), tier.price
