"""Azure: an export of cost details comes in; charges of models' tokens, and all others as money, go out.

A meter's name says the model and the kind of token in short words: ``gpt 4o 1120 cached Inp glbl Tokens``. Cached
tokens are meters of their own, beside input. A quantity is in thousands of tokens unless the meter or its unit says
millions. Names of columns differ in their case by kind of account, and are read in any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from forecast.readers.bills import attributes_of, category_of, currency_of, first_known, objects_of, tags_of, told
from forecast.readers.contents import Content, Table
from forecast.readers.meters import (
    context_of,
    head_of,
    is_other,
    kind_of,
    model_of,
    size_of,
    spelled,
    tier_of,
    tokens_in,
    words_of,
)
from forecast.readers.sheet import TOKENS, Extract, Sheet

NAME: Final = "azure"
TITLE: Final = "Azure cost details with Azure OpenAI and Foundry models (CSV, Parquet)"
_DATES: Final = ("Date", "UsageDateTime", "UsageDate")
_QUANTITIES: Final = ("Quantity", "UsageQuantity")
_COSTS: Final = ("CostInBillingCurrency", "PreTaxCost", "Cost")
_CURRENCIES: Final = ("BillingCurrency", "BillingCurrencyCode", "Currency")
_ATTRIBUTES: Final = {
    "subscription": ("SubscriptionName",),
    "subscription_id": ("SubscriptionId", "SubscriptionGuid"),
    "resource_group": ("ResourceGroup", "ResourceGroupName"),
    "resource": ("ResourceName", "ResourceId", "InstanceName", "InstanceId"),
    "service": ("MeterCategory",),
    "meter": ("MeterName",),
    "invoice_section": ("InvoiceSectionName", "InvoiceSection"),
}
_COLUMNS: Final = (
    *_DATES,
    *_QUANTITIES,
    *_COSTS,
    *_CURRENCIES,
    *(c for names in _ATTRIBUTES.values() for c in names),
    "MeterCategory",
    "MeterSubCategory",
    "MeterName",
    "UnitOfMeasure",
    "ResourceLocation",
    "ChargeType",
    "CostCenter",
    "PayGCostInBillingCurrency",
    "Tags",
)
_CATEGORIES: Final = {
    **dict.fromkeys(("usage", "unusedreservation", "unusedsavingsplan"), "usage"),
    "purchase": "purchase",
    "refund": "refund",
    "tax": "tax",
    "credit": "credit",
    **dict.fromkeys(("adjustment", "roundingadjustment"), "adjustment"),
}
_AI: Final = r"cognitive services|foundry|azure openai|azure ai"
_THOUSAND: Final = 1e3
#: Makers of models whose meters leave their name to the subcategory: ``V4 Pro`` of ``Azure Deepseek Models``.
_FAMILIES: Final = ("gpt", "deepseek", "grok", "mistral", "llama", "phi", "claude", "kimi")


def fits(content: Content) -> bool:
    """Whether it has a meter's category and name and a quantity, in any case of letters."""
    wanted = {"metercategory", "metername"}
    if isinstance(content, Table):
        names = {str(c).casefold() for c in content.frame.columns}
        return names >= wanted and not names.isdisjoint(q.casefold() for q in _QUANTITIES)
    return any(wanted <= {k.casefold() for k in one} for _, one in objects_of(content)[:20])


def extract(content: Content) -> Iterator[Extract]:
    """Every charge: those without tokens are money alone."""
    if isinstance(content, Table):
        table = content
    else:
        objects = objects_of(content)
        table = Sheet.of_records(content.name, [one for _, one in objects], [place for place, _ in objects]).table
    spelling = {c.casefold(): c for c in _COLUMNS}
    renamed = table.frame.rename(columns={c: spelling.get(str(c).casefold(), c) for c in table.frame.columns})
    sheet = Sheet(Table(table.name, renamed, table.ragged))
    for names in (_DATES, _QUANTITIES, _COSTS, _CURRENCIES):
        if not any(name in sheet for name in names):
            sheet.need(names[0])
    sheet.need("MeterCategory", "MeterName")
    yield _charges(sheet)


def _charges(sheet: Sheet) -> Extract:
    date = sheet.days(*_DATES)
    category = category_of(sheet, "ChargeType", _CATEGORIES) if "ChargeType" in sheet else None
    if category is None:
        category = pd.Series("usage", index=sheet.frame.index, dtype="object")
    usage = category.eq("usage")
    meter, group = sheet.text("MeterName"), sheet.text("MeterCategory")
    ours = group.str.contains(_AI, case=False).fillna(False).astype(bool)
    money = {"billed_cost": sheet.number(*_COSTS), "list_cost": sheet.number("PayGCostInBillingCurrency")}
    money = {name: values for name, values in money.items() if values.notna().any() or name == "billed_cost"}
    known = _models(meter, sheet.text("MeterSubCategory"))
    tokens, kind = told(sheet, _tokens(sheet, meter, usage & ours), spelled(meter, kind_of), known)
    counted = tokens.notna()
    tier = spelled(meter, tier_of)
    tags = tags_of(sheet, ("Tags",))
    return sheet.extract(
        "day",
        {
            "date": date,
            "provider": "azure",
            "model": first_known(
                known.where(counted | (ours & ~usage)),
                spelled(meter, lambda m: head_of(m).lower() or None).where(counted),
                meter.where(ours),
                group,
                meter,
            ),
            "environment": tags.environment,
            "project": tags.project,
            "cost_center": sheet.text("CostCenter"),
            "user": tags.user,
            "service_tier": tier.where(counted | (ours & (tier == "provisioned"))),
            "region": sheet.text("ResourceLocation"),
            "context_tier": spelled(meter, context_of).where(counted),
            **{unit: tokens.where(kind == unit) for unit in TOKENS if (kind == unit).any()},
            **money,
            "currency": currency_of(sheet, *_CURRENCIES),
            "charge_category": category.fillna("usage"),
        },
        held={"tokens": tokens, **money},
        attributes=attributes_of(sheet, _ATTRIBUTES, tags),
        apart=group.where(~ours & group.notna()),
    )


def _tokens(sheet: Sheet, meter: pd.Series, ours: pd.Series) -> pd.Series:
    """Tokens of usage: thousands, or what the meter or its unit says; where both say it and differ, unknown."""
    unit = sheet.text("UnitOfMeasure")
    says = meter.str.contains("token", case=False).fillna(False).astype(bool)
    says |= unit.str.contains("token", case=False).fillna(False).astype(bool)
    rows = ours & says & ~spelled(meter, is_other).eq(True)
    by_name = spelled(meter, _said).astype("float64")
    by_unit = first_known(spelled(unit, tokens_in), spelled(unit, size_of)).astype("float64")
    by_unit = by_unit.where(by_unit >= _THOUSAND)  # a bare 1 says nothing
    amount = sheet.number(*_QUANTITIES)
    column = next((q for q in _QUANTITIES if q in sheet), _QUANTITIES[0])
    sheet.refuse(rows & (amount < 0), f"{column} is below 0", column)
    differ = rows & by_name.notna() & by_unit.notna() & (by_name != by_unit)
    if differ.any():
        sheet.notes.append(
            f"the meter and its unit differ on the tokens of {int(differ.sum())} rows, such as "
            f"{meter[differ].iloc[0]!r} in {unit[differ].iloc[0]!r}: their tokens are unknown, their money is kept"
        )
    return (amount * by_name.fillna(by_unit).fillna(_THOUSAND)).where(rows & ~differ)


def _said(meter: str) -> float | None:
    """How many tokens the name says that a unit is."""
    found = re.search(r"\b1 ?([km])\b", words_of(meter))
    return None if found is None else {"k": 1e3, "m": 1e6}[found[1]]


def _models(meter: pd.Series, subcategory: pd.Series) -> pd.Series:
    """The models that the price catalogue knows, by the head of the meter and the maker in its subcategory."""
    names = pd.DataFrame({"meter": meter, "group": subcategory})
    read = {key: _model(*key) for key in names.drop_duplicates().itertuples(index=False, name=None)}
    return pd.Series([read[key] for key in names.itertuples(index=False, name=None)], index=meter.index, dtype="object")


def _model(meter: Any, group: Any) -> str | None:
    head = head_of(meter) if isinstance(meter, str) else ""
    if not head:
        return None
    within = str(group).casefold().replace("openai", "gpt")
    prefixed = [f"{family}-{head}" for family in _FAMILIES if family in within and family not in head.casefold()]
    return next((found for name in (head, *prefixed) if (found := model_of(NAME, name)) is not None), None)
