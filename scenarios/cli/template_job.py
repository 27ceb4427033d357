"""``tokenplan template``. Comes in: a usage export, or nothing. Goes out: a commented plan file that runs as it is."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from forecast.prices import PriceBook
from forecast.usage import Usage
from scenarios.budget.planinputs import workload_columns
from scenarios.cli.screen import Screen
from scenarios.cli.timing import expected, megabytes_of
from scenarios.cli.usage_input import asked, read_usage_of

TEMPLATE: Final = Path(__file__).with_name("template.toml")
#: Fewer days of history than this and one quarter is proposed in place of two.
HALF_A_YEAR: Final = 182
#: Models without a price that a comment names; the rest are counted.
NAMED: Final = 5


def run(options: argparse.Namespace) -> int:
    """Print the plan file."""
    screen = Screen(options.quiet)
    text = TEMPLATE.read_text(encoding="utf-8")
    if options.usage is not None:
        with screen.progress({"reading usage": expected("reading", megabytes_of(options.usage))}) as step:
            step()
            usage = read_usage_of(options)
        text = _read_as(fitted(text, usage, options), asked(options))
    screen.write(text)
    return 0


def _read_as(text: str, how: Mapping[str, object]) -> str:
    """The template with how its export is read, as the command line says."""
    keys = ("format", "rules", "grain", "decimal", "currency", "rates")
    told = "".join(f"{key} = {_quoted(str(how[key]))}\n" for key in keys if key in how)
    return text.replace("\ntimezone = ", f"\n{told}timezone = ", 1)


def fitted(text: str, usage: Usage, options: argparse.Namespace) -> str:
    """The template for a usage export: its file, its columns, what its environments are called, what has no price."""
    by = workload_columns(usage)
    rows = ["month", "environment"] if "environment" in by and usage.frame["environment"].nunique() > 1 else ["month"]
    text = _set(text, "sample", f"file = {_quoted(str(options.usage))}")
    text = re.sub(r"^#file = .*\n", "", text, flags=re.MULTILINE)
    for key, pairs in (("columns", options.column), ("fill", options.fill)):
        if pairs:
            told = ", ".join(f"{name} = {_quoted(value)}" for name, value in pairs)
            text = _set(text, f"#{key}", f"{key} = {{ {told} }}")
    text = _set(text, "timezone", f"timezone = {_quoted(options.timezone or 'UTC')}")
    text = _set(text, "by", f"by = {_quoted_list(by)}")
    text = text.replace('by = ["month", "environment"]', f"by = {_quoted_list(rows)}")
    if usage.grain == "month":
        text = _set(text, "lag", "lag = 0                   # last months of the export that may be incomplete")
    elif (usage.end - usage.start).days < HALF_A_YEAR:
        text = text.replace(
            'horizon = "2Q"            # the next two whole quarters',
            'horizon = "1Q"            # the next whole quarter',
        )
    text = _environments(text, usage)
    return _prices(text, usage)


def _environments(text: str, usage: Usage) -> str:
    """Ranges for the environments that there are; none where there are none."""
    names = sorted(usage.frame["environment"].dropna().unique()) if "environment" in usage.frame else []
    lines = "".join(f"#{_key(name)} = [0.00, 1.00]\n" for name in names)
    return (
        re.sub(r"^#development = .*\n#production = .*\n", lambda _: lines, text, flags=re.MULTILINE) if lines else text
    )


def _prices(text: str, usage: Usage) -> str:
    """A stated price where only tokens of all kinds are known, or nothing has a price; else leave out what has none."""
    book = PriceBook.builtin()
    unpriced = book.unpriced(usage)
    if unpriced.empty:
        return text
    if usage.units == ("total_tokens",):
        told = 'blended = { per_million = 2.00, currency = "USD" }   # an example: state your own average price'
        return _set(text, "#blended", told)
    if not book.cost(usage).fillna(0.0).any():
        price = "price = 1.00              # an example: put your own price of a million in its place"
        units = map(_quoted, unpriced["unit"].unique())
        rows = "\n".join(f'[[prices.rows]]\nmodel = "*"\nunit = {unit}\n{price}\n' for unit in units)
        return re.sub(r"^#\[\[prices\.rows\]\](.*\n#)+.*\n", lambda _: rows.rstrip() + "\n", text, flags=re.MULTILINE)
    names = list(dict.fromkeys(f"{row.model} {row.unit}" for row in unpriced.itertuples()))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    told = f'unpriced = "exclude"     # left out, without a price: {", ".join(names[:NAMED])}{more}'
    return _set(text, "#unpriced", " ".join(told.split()))


def _set(text: str, key: str, line: str) -> str:
    """The template with the first line of a key replaced, its comment kept where the line brings none."""
    found = re.search(rf"^{re.escape(key)} = [^\n#]*(#[^\n]*)?$", text, flags=re.MULTILINE)
    assert found is not None, key
    comment = "" if "#" in line or not found[1] else f"   {found[1]}"
    return text[: found.start()] + line + comment + text[found.end() :]


def _quoted(text: str) -> str:
    """A TOML string: JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False)


def _quoted_list(names: list[str] | tuple[str, ...]) -> str:
    return "[" + ", ".join(map(_quoted, names)) + "]"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)
