"""FOCUS: a bill in the FinOps Open Cost and Usage Specification comes in; charges of money and tokens go out.

A charge has three costs: billed, list and effective. What is bought ahead is billed when bought, and effective when
used, so that each column adds up by itself; the columns are never added to one another. Tokens are counted in
ConsumedQuantity or PricingQuantity, where the unit is one of tokens. Each kind is a meter of its own, so that cached
tokens stand beside input. Source: FOCUS 1.0 to 1.2 (CC-BY-4.0), and the provider names of 1.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from forecast.readers.bills import attributes_of, currency_of, first_known, objects_of, tags_of, told, width_of
from forecast.readers.contents import Content, Table
from forecast.readers.meters import (
    context_of,
    head_of,
    is_other,
    is_thinking,
    kind_of,
    model_of,
    provider_of,
    size_of,
    spelled,
    tier_of,
    tokens_in,
)
from forecast.readers.sheet import Extract, Sheet
from forecast.schema import UNITS

NAME: Final = "focus"
TITLE: Final = "FOCUS 1.0 to 1.2 cost and usage, of any vendor (CSV, JSON, Parquet)"
_NEEDED: Final = ("BilledCost", "BillingCurrency", "ChargeCategory", "ChargePeriodStart")
#: What writers put where there is no value.
_BLANKS: Final = ("NULL", "null", "None", "NaN")
_CATEGORIES: Final = ("usage", "purchase", "tax", "credit", "adjustment")
_CURRENCY: Final = r"[A-Z]{3}"
#: Columns that may name the meter, the plainest first; those with x_ are of Microsoft's and Amazon's exports.
_METERS: Final = ("SkuMeter", "x_SkuMeterName", "x_UsageType", "x_SkuDescription", "SkuId", "ChargeDescription")
_MODELS: Final = (*_METERS, "ResourceName", "ServiceName")
_AI: Final = "AI and Machine Learning"
_REQUESTS: Final = r"(?:api )?(?:requests?|calls?|invocations?)"
_ATTRIBUTES: Final = {
    "sub_account": "SubAccountName",
    "sub_account_id": "SubAccountId",
    "billing_account": "BillingAccountName",
    "service": "ServiceName",
    "resource": "ResourceName",
}
_TOKENS: Final = tuple(name for name, unit in UNITS.items() if unit.token and unit.part_of is None)


def fits(content: Content) -> bool:
    """Whether it has a charge's category, period and billed cost."""
    if isinstance(content, Table):
        return set(content.frame.columns) >= set(_NEEDED)
    return any(one.keys() >= set(_NEEDED) for _, one in objects_of(content)[:20])


def extract(content: Content) -> Iterator[Extract]:
    """Every charge: those without tokens are money alone."""
    if isinstance(content, Table):
        sheet = Sheet(content, _BLANKS)
    else:
        objects = objects_of(content)
        sheet = Sheet.of_records(content.name, [one for _, one in objects], [place for place, _ in objects])
        sheet.blanks = _BLANKS
    sheet.need(*_NEEDED)
    yield _charges(sheet)


def _charges(sheet: Sheet) -> Extract:
    category = _category(sheet)
    start = sheet.instants("ChargePeriodStart")
    end = sheet.instants("ChargePeriodEnd") if "ChargePeriodEnd" in sheet else start
    sheet.refuse(end < start, "the charge ends before it starts", "ChargePeriodStart", "ChargePeriodEnd")
    currency = currency_of(sheet, "BillingCurrency")
    money = {
        "billed_cost": sheet.number("BilledCost"),
        "list_cost": sheet.number("ListCost"),
        "effective_cost": sheet.number("EffectiveCost"),
    }
    money = {name: values for name, values in money.items() if values.notna().any() or name == "billed_cost"}
    provider = spelled(
        first_known(*(sheet.text(c) for c in ("ProviderName", "ServiceProviderName", "HostProviderName"))), provider_of
    )
    meter = first_known(*(sheet.text(c) for c in _METERS))
    known = _known_models(sheet, provider)
    tokens, kind = _tokens(sheet, meter, category, known)
    counted = tokens.notna()
    calls = _requests(sheet, category)
    searched = meter.str.contains(r"web.?search", case=False).fillna(False).astype(bool)
    requests = calls.mask(searched)
    named = known.where(counted | (category != "usage") | ~known.isin(set(known[counted])))
    metered = first_known(*(sheet.text(c) for c in _METERS if c not in ("SkuId", "ChargeDescription")))
    of_models = sheet.text("ServiceCategory").eq(_AI)
    tier = spelled(meter, tier_of)
    tags = tags_of(sheet, ("Tags", "x_Tags"))
    _notes(sheet, start, category, money)
    return sheet.extract(
        width_of(sheet, start, end, category == "usage"),
        {
            "date": start,
            "provider": provider,
            "model": first_known(
                named,
                spelled(meter, lambda m: head_of(m).lower() or m).where(counted),
                metered.where(of_models),
                sheet.text("ServiceName"),
                meter,
            ),
            "environment": tags.environment,
            "project": tags.project,
            "user": tags.user,
            "service_tier": tier.where(counted | (tier == "provisioned")),
            "region": first_known(sheet.text("RegionId"), sheet.text("RegionName")),
            "context_tier": spelled(meter, context_of).where(counted),
            "requests": requests,
            **({"searches": calls.where(searched)} if searched.any() else {}),
            **{unit: tokens.where(kind == unit) for unit in _TOKENS if (kind == unit).any()},
            **_thinking(meter, kind, tokens),
            **money,
            "currency": currency,
            "charge_category": category,
        },
        held={"requests": requests, "tokens": tokens, **money},
        attributes=attributes_of(sheet, _ATTRIBUTES, tags),
        apart=sheet.text("ServiceCategory").where(~of_models & ~counted & known.isna()),
    )


def _category(sheet: Sheet) -> pd.Series:
    """The kind of charge; a correction of an earlier period is an adjustment. What is neither marks a shifted row."""
    category = sheet.text("ChargeCategory").str.lower()
    sheet.refuse(
        ~category.isin(_CATEGORIES), f"ChargeCategory is not one of {', '.join(_CATEGORIES)}", "ChargeCategory"
    )
    kind = sheet.text("ChargeClass")
    sheet.refuse(kind.notna() & (kind.str.lower() != "correction"), "ChargeClass is not Correction", "ChargeClass")
    return category.mask(kind.str.lower() == "correction", "adjustment")


def _tokens(sheet: Sheet, meter: pd.Series, category: pd.Series, model: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Tokens of usage and their unit, from the quantity whose unit is one of tokens."""
    other = spelled(meter, is_other).eq(True)
    says = meter.astype("str").str.contains("token", case=False) & meter.notna()
    own = sheet.text("PricingCurrency").str.lower()
    found = pd.Series(np.nan, index=sheet.frame.index)
    for quantity, unit in (("ConsumedQuantity", "ConsumedUnit"), ("PricingQuantity", "PricingUnit")):
        spelling = sheet.text(unit).mask(lambda u: u.str.lower() == own)  # a vendor's own currency, "Token"
        each = spelled(spelling, tokens_in).astype("float64")
        each = each.fillna(spelled(spelling, size_of).astype("float64").where(says))
        each = each.fillna(_unsaid(spelling, meter, model))
        ours = each.notna() & (category == "usage") & ~other
        if ours.any():
            amount = sheet.number(quantity)
            sheet.refuse(ours & (amount < 0), f"{quantity} is below 0", quantity)
            found = found.fillna((amount * each).where(ours))
    lost = int(((category == "adjustment") & says & sheet.text("ConsumedQuantity").notna()).sum())
    if lost:
        sheet.notes.append(f"{lost} corrections give or take tokens: their money is taken, their tokens are not")
    return told(sheet, found, _kinds(sheet, meter), model)


def _unsaid(unit: pd.Series, meter: pd.Series, model: pd.Series) -> pd.Series:
    """Tokens of units that clouds do not name: millions in ``Units`` of Amazon's Marketplace, Google's ``count``."""
    market = meter.str.contains("-MP:", regex=False) & meter.str.contains("token", case=False)
    millions = unit.str.fullmatch("units?", case=False) & market
    ones = unit.str.lower().eq("count") & model.notna() & spelled(meter, kind_of).notna()
    return pd.Series(np.nan, index=unit.index).mask(ones.eq(True), 1.0).mask(millions.eq(True), 1e6)


def _kinds(sheet: Sheet, meter: pd.Series) -> pd.Series:
    """The unit of tokens of each row by the first name that says one."""
    named = ("ConsumedUnit", "PricingUnit", "SkuPriceId", "SkuId", "ChargeDescription")
    return first_known(*(spelled(one, kind_of) for one in (meter, *map(sheet.text, named))))


def _thinking(meter: pd.Series, kind: pd.Series, tokens: pd.Series) -> dict[str, pd.Series]:
    thought = spelled(meter, is_thinking).eq(True) & (kind == "output_tokens")
    return {"reasoning_tokens": tokens.where(thought)} if thought.any() else {}


def _requests(sheet: Sheet, category: pd.Series) -> pd.Series:
    """Requests, where they are the unit. A 1 in every row counts the row: LiteLLM writes it so."""
    unit = sheet.text("ConsumedUnit")
    ours = unit.str.fullmatch(_REQUESTS, case=False).fillna(False).astype(bool) & (category == "usage")
    if not ours.any():
        return pd.Series(np.nan, index=sheet.frame.index)
    amount = sheet.number("ConsumedQuantity").where(ours)
    if bool((amount[ours] == 1).all()):
        sheet.notes.append("every row says 1 request: that counts rows, so the number of requests is unknown")
        return pd.Series(np.nan, index=sheet.frame.index)
    sheet.refuse(amount < 0, "ConsumedQuantity is below 0", "ConsumedQuantity")
    return amount


def _known_models(sheet: Sheet, provider: pd.Series) -> pd.Series:
    """The model that the price catalogue knows, by the first column that names one, of services that may be of AI."""
    service = sheet.text("ServiceCategory")
    ours = service.isna() | service.eq(_AI)
    known = pd.Series(None, index=sheet.frame.index, dtype="object")
    for column in (c for c in _MODELS if c in sheet):
        pairs = pd.DataFrame({"provider": provider, "name": sheet.text(column)})[ours & known.isna()].dropna()
        unique = pairs.drop_duplicates()
        named = {(p, n): _model(str(p), str(n)) for p, n in unique.itertuples(index=False, name=None)}
        found = [named[pair] for pair in pairs.itertuples(index=False, name=None)]
        known = known.where(known.notna(), pd.Series(found, index=pairs.index, dtype="object"))
    return known


def _model(provider: str, name: str) -> str | None:
    world = provider == "aws" and "global" in name.lower()
    return model_of(provider, head_of(name), world=world) or model_of(provider, name, world=world)


def _notes(sheet: Sheet, start: pd.Series, category: pd.Series, money: dict[str, pd.Series]) -> None:
    """What a reader of the totals must know: corrections, currencies of a vendor's own, and what is bought ahead."""
    corrected = category.eq("adjustment") & sheet.text("ChargeClass").notna()
    if corrected.any():
        since = start[corrected].min()
        sheet.notes.append(f"{int(corrected.sum())} corrections of earlier periods, from {since:%Y-%m-%d} on")
    pricing = sheet.text("PricingCurrency").dropna()
    own = sorted(set(pricing[~pricing.str.fullmatch(_CURRENCY)]))
    if own:
        sheet.notes.append(f"prices are also in {', '.join(own)}, a vendor's own currency; money is in BillingCurrency")
    effective = money.get("effective_cost", pd.Series(np.nan, index=start.index))
    ahead = category.eq("purchase") & (money["billed_cost"] > 0) & effective.eq(0)
    if ahead.any():
        sheet.notes.append(
            f"{int(ahead.sum())} purchases of {money['billed_cost'][ahead].sum():,.2f} are billed ahead of use: they "
            "stand in billed_cost when bought, in effective_cost when used, and in list_cost twice: see charge_category"
        )
