"""AWS: a Cost and Usage Report comes in, 2.0 or before; charges of Bedrock tokens, and all others as money, go out.

A line's usage type names the model and the kind of token: ``USE1-Claude4.6Opus-cache-read-input-token-count``. Cached
tokens are lines of their own, beside input. Amounts are in thousands of tokens, those of the Marketplace (``Units``) in
millions. Unblended cost is what is billed; net unblended cost is what is left after discounts. Only lines of usage hold
tokens: a tax or a credit repeats the amount that it is of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.readers.bills import (
    attributes_of,
    category_of,
    currency_of,
    first_known,
    maps_in,
    objects_of,
    tags_of,
    told,
    width_of,
)
from forecast.readers.contents import Content, Table
from forecast.readers.meters import (
    REGION,
    context_of,
    head_of,
    is_other,
    kind_of,
    model_of,
    spelled,
    tier_of,
    tokens_in,
)
from forecast.readers.sheet import TOKENS, Extract, Sheet

NAME: Final = "aws"
TITLE: Final = "AWS Cost and Usage Report with Bedrock (CSV, Parquet)"
_NEEDED: Final = (
    "line_item_usage_start_date",
    "line_item_line_item_type",
    "line_item_usage_type",
    "line_item_usage_amount",
    "line_item_unblended_cost",
    "line_item_currency_code",
)
_CATEGORIES: Final = {
    **dict.fromkeys(("usage", "discountedusage", "savingsplancoveredusage"), "usage"),
    **dict.fromkeys(("fee", "rifee", "savingsplanrecurringfee", "savingsplanupfrontfee"), "purchase"),
    "tax": "tax",
    "credit": "credit",
    "refund": "refund",
    **dict.fromkeys(
        (
            "savingsplannegation",
            "discount",
            "bundleddiscount",
            "edpdiscount",
            "privateratediscount",
            "sppdiscount",
            "rounding",
        ),
        "adjustment",
    ),
}
_THOUSANDS, _MILLIONS = 1e3, 1e6
#: Columns that may name the model where the usage type does not: those of the Marketplace.
_PRODUCTS: Final = ("product_product_name", "product_servicename", "product_service_name", "product_model")
_ATTRIBUTES: Final = {
    "account": "line_item_usage_account_id",
    "account_name": "line_item_usage_account_name",
    "product": "line_item_product_code",
    "resource": "line_item_resource_id",
}


def fits(content: Content) -> bool:
    """Whether it has a report's usage type and unblended cost, in either spelling."""
    if isinstance(content, Table):
        names = {_snake(str(c)) for c in content.frame.columns}
        return names >= {"line_item_usage_start_date", "line_item_usage_type"}
    return any({"line_item_usage_start_date", "line_item_usage_type"} <= o.keys() for _, o in objects_of(content)[:20])


def extract(content: Content) -> Iterator[Extract]:
    """Every line: those that hold no tokens are money alone."""
    if isinstance(content, Table):
        renamed = content.frame.rename(columns={c: _snake(str(c)) for c in content.frame.columns})
        sheet = Sheet(Table(content.name, renamed, content.ragged))
    else:
        objects = objects_of(content)
        sheet = Sheet.of_records(content.name, [one for _, one in objects], [place for place, _ in objects])
    sheet.need(*_NEEDED)
    yield _lines(sheet)


def _lines(sheet: Sheet) -> Extract:
    start = sheet.instants("line_item_usage_start_date")
    ends = "line_item_usage_end_date" in sheet
    end = sheet.instants("line_item_usage_end_date") if ends else start
    word = category_of(sheet, "line_item_line_item_type", _CATEGORIES)
    usage = word.eq("usage")
    kind_of_line = sheet.text("line_item_usage_type")
    money = {
        "billed_cost": sheet.number("line_item_unblended_cost"),
        "list_cost": sheet.number("pricing_public_on_demand_cost"),
        "effective_cost": sheet.number("line_item_net_unblended_cost"),
    }
    money = {name: values for name, values in money.items() if values.notna().any() or name == "billed_cost"}
    bedrock = sheet.text("line_item_product_code").str.contains("bedrock", case=False).fillna(False).astype(bool)
    known = _models(sheet, kind_of_line)
    tokens, kind = told(sheet, _tokens(sheet, kind_of_line, usage, bedrock), spelled(kind_of_line, kind_of), known)
    counted = tokens.notna()
    tier = spelled(kind_of_line, tier_of)
    tags = tags_of(sheet, ("tags", "resource_tags"), flat="resource_tags_")
    bare = kind_of_line.str.replace(_REGION, "", regex=True)
    return sheet.extract(
        width_of(sheet, start, end, usage) if ends else _width(start[usage]),
        {
            "date": start,
            "provider": "aws",
            "model": first_known(
                known.where(counted | ~usage),
                spelled(kind_of_line, lambda t: head_of(t) or None).where(counted),
                bare.where(bedrock),
                sheet.text("line_item_product_code"),
                bare,
            ),
            "environment": tags.environment,
            "project": tags.project,
            "user": first_known(sheet.text("line_item_iam_principal"), tags.user),
            "service_tier": tier.where(counted | (bedrock & (tier == "provisioned"))),
            "region": first_known(
                sheet.text("product_region_code"),
                sheet.text("product_region"),
                kind_of_line.str.extract(_REGION)[0],
            ),
            "context_tier": spelled(kind_of_line, context_of).where(counted),
            **{unit: tokens.where(kind == unit) for unit in TOKENS if (kind == unit).any()},
            **money,
            "currency": currency_of(sheet, "line_item_currency_code"),
            "charge_category": word.fillna("usage"),
        },
        held={"tokens": tokens, **money},
        apart=sheet.text("line_item_product_code").where(~bedrock & ~counted & known.isna()),
        attributes=attributes_of(sheet, _ATTRIBUTES, tags),
    )


_REGION: Final = rf"^({REGION})-(?:MP:(?:{REGION})_)?"


def _tokens(sheet: Sheet, usage_type: pd.Series, usage: pd.Series, bedrock: pd.Series) -> pd.Series:
    """Tokens of each line of usage: the unit says thousands or millions; ``Units`` of the Marketplace are millions."""
    unit = sheet.text("pricing_unit")
    each = spelled(unit, tokens_in).astype("float64")
    market = usage_type.str.contains("-MP:", regex=False).fillna(False).astype(bool)
    unsaid = unit.isna() | unit.str.fullmatch("units?", case=False).fillna(False).astype(bool)
    named = usage_type.str.contains("token", case=False).fillna(False).astype(bool) & (bedrock | market)
    usual = pd.Series(np.where(market | unit.notna(), _MILLIONS, _THOUSANDS), index=usage_type.index)
    each = each.fillna(usual.where(unsaid & named))
    ours = each.notna() & usage & ~spelled(usage_type, is_other).eq(True)
    amount = sheet.number("line_item_usage_amount")
    sheet.refuse(ours & (amount < 0), "line_item_usage_amount is below 0", "line_item_usage_amount")
    return (amount * each).where(ours)


def _models(sheet: Sheet, usage_type: pd.Series) -> pd.Series:
    """The models that the price catalogue knows, by usage type, else by the product's name."""
    world = usage_type.str.contains("global", case=False).fillna(False).astype(bool)
    product = pd.Series(
        [
            next((m[k] for k in ("product_name", "servicename", "model") if k in m), None)
            for m in maps_in(sheet, "product")
        ],
        index=sheet.frame.index,
        dtype="object",
    )
    product = first_known(*map(sheet.text, _PRODUCTS), product)
    names = pd.DataFrame({"type": usage_type.map(head_of, na_action="ignore"), "product": product, "world": world})
    read = {key: _model(*key) for key in names.drop_duplicates().itertuples(index=False, name=None)}
    return pd.Series([read[key] for key in names.itertuples(index=False, name=None)], index=names.index, dtype="object")


def _model(head: Any, product: Any, world: bool) -> str | None:  # noqa: FBT001 - a cell of a row
    for name in (head, product):
        if isinstance(name, str) and name:
            found = model_of(NAME, name, world=world) or model_of(NAME, head_of(name), world=world)
            if found is not None:
                return found
    return head_of(product).lower() if isinstance(product, str) and not head else None


def _width(start: pd.Series) -> Any:
    """Where a report has no end of a line: days, unless a line starts within one."""
    return "day" if start.dropna().eq(start.dropna().dt.normalize()).all() else "hour"


def _snake(name: str) -> str:
    """``lineItem/UsageStartDate`` of reports before 2.0 → ``line_item_usage_start_date``; other names as they are."""
    if "/" not in name:
        return name
    section, _, rest = name.partition("/")
    snakes = (re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", part).replace(":", "_").lower() for part in (section, rest))
    return "_".join(snakes)
