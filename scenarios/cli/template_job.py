"""``tokenplan template``. Comes in: a usage export, or nothing. Goes out: a commented plan file that runs as it is."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Final

from forecast.prices import PriceBook
from forecast.usage import Usage
from scenarios.budget.planinputs import workload_columns
from scenarios.cli.screen import Screen
from scenarios.cli.usage_input import source_of

TEMPLATE: Final = Path(__file__).with_name("template.toml")
#: Fewer days of history than this and one quarter is proposed in place of two.
HALF_A_YEAR: Final = 182


def run(options: argparse.Namespace) -> int:
    """Print the plan file."""
    screen = Screen(options.quiet)
    text = TEMPLATE.read_text(encoding="utf-8")
    if options.usage is not None:
        source = source_of(options)
        with screen.progress(1) as step:
            step("reading usage")
            usage = source.read()
        text = fitted(text, usage, options)
    screen.write(text)
    return 0


def fitted(text: str, usage: Usage, options: argparse.Namespace) -> str:
    """The template for a usage export: its file, its columns, what its environments are called, what has no price."""
    by = workload_columns(usage)
    rows = ["month", "environment"] if "environment" in by else ["month"]
    text = _set(text, "sample", f"file = {_quoted(str(options.usage))}")
    text = re.sub(r"^#file = .*\n", "", text, flags=re.MULTILINE)
    for key, pairs in (("columns", options.column), ("fill", options.fill)):
        if pairs:
            told = ", ".join(f"{name} = {_quoted(value)}" for name, value in pairs)
            text = _set(text, f"#{key}", f"{key} = {{ {told} }}")
    text = _set(text, "timezone", f"timezone = {_quoted(options.timezone)}")
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
    """A stated price where only tokens of all kinds are known; else leave out what has no price, and say so."""
    unpriced = PriceBook.builtin().unpriced(usage)
    if unpriced.empty:
        return text
    if usage.units == ("total_tokens",):
        told = 'blended = { per_million = 2.00, currency = "USD" }   # an example: state your own average price'
        return _set(text, "#blended", told)
    names = ", ".join(dict.fromkeys(f"{row.model} {row.unit}" for row in unpriced.head(5).itertuples()))
    more = f" and {len(unpriced) - 5} more" if len(unpriced) > 5 else ""
    return _set(
        text, "#unpriced", f'unpriced = "exclude"     # without a price and left out: {names}{more}'.replace("\n", " ")
    )


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
