"""The table of formats. Comes in: the exports of tests/exports. Goes out: what reading each of them gave.

The table is measured: it holds what came out of the exports that the tests read. How cached tokens are counted in the
vendor's own file stands here (``CACHED``), and tests/test_formats.py adds it up from the files.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from markdown import cell, table

import forecast as fc
from forecast import schema
from forecast.readers.contents import contents
from forecast.readers.registry import readers

EXPORTS: Final = Path(__file__).parents[2] / "tests" / "exports"
#: After every date that the exports hold, so that none of them is told to lie ahead.
TODAY: Final = "2026-11-30"
#: Where the vendor's own file has the tokens that were read from a cache: inside its count of input, beside it, metered
#: apart by a product of their own, or not told.
CACHED: Final[dict[str, Literal["inside", "beside", "apart", "not told"]]] = {
    "openai": "inside",
    "anthropic": "beside",
    "focus": "apart",
    "aws": "apart",
    "azure": "apart",
    "google": "apart",
    "litellm": "inside",
    "otel": "inside",
    "ccusage": "beside",
    "openrouter": "inside",
    "langfuse": "not told",
}
_NORMALISED: Final = {
    "inside": "inside input: taken out of it",
    "beside": "beside input: as they are",
    "apart": "products of their own: by name",
    "not told": "not told: all is input",
}
_GRAINS: Final = ("hour", "day", "month")
_WHOSE: Final = ("project", "department", "application", "user", "segment", "cost_center")


@dataclass
class Read:
    """What the exports of one format gave, all of them together."""

    grains: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)


def formats_page() -> str:
    """What is read of each format, then the names that its rules can match."""
    found = measured()
    titles = fc.formats()
    shipped = [name for name in titles if name in found]
    rows = [[f"[`{n}`](#{n})", *_what(found[n]), _NORMALISED[CACHED[n]]] for n in shipped]
    any_ = ["any", "as its columns say", "if it has them", "as its columns say", "as its columns say"]
    rows += [[f"[`{n}`](#{n})", *any_] for n in titles if n not in found]
    parts = [table(["format", "grain", "tokens", "requests", "money", "cached tokens"], rows)]
    parts += [_section(name, titles[name], found.get(name)) for name in titles]
    return "\n\n".join(parts) + "\n"


def measured() -> dict[str, Read]:
    """What came out of the exports of each format."""
    found: defaultdict[str, Read] = defaultdict(Read)
    for folder in sorted(path for path in EXPORTS.iterdir() if path.is_dir()):
        read = found[folder.name]
        for pattern in tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8")):
            usage = fc.read_usage(str(folder / pattern), today=TODAY, services="all", personal=True)
            read.grains.add(usage.grain)
            read.columns |= {c for c in usage.frame if usage.frame[c].notna().any()}
            for path in folder.glob(pattern):
                for content in contents(path):
                    for extract in readers()[folder.name].extract(content):
                        read.attributes |= {a for a in extract.attributes if extract.frame[a].notna().any()}
    return dict(found)


def _what(read: Read) -> list[str]:
    tokens = [unit.removesuffix("_tokens").replace("_", " ") for unit in schema.UNITS if unit in read.columns]
    money = [name.removesuffix("_cost") for name in schema.MONEY if name in read.columns]
    return [
        ", ".join(grain for grain in _GRAINS if grain in read.grains),
        ", ".join(tokens),
        "yes" if schema.REQUESTS in read.columns else "no",
        ", ".join(money),
    ]


def _section(name: str, title: str, read: Read | None) -> str:
    if read is None:
        whose = "any column of the usage table that its columns, `columns=` and `fill=` give"
        return f"## {name}\n\n{cell(title)}.\n\nWhose it is: {whose}."
    own = [f"`{c}`" for c in _WHOSE if c in read.columns]
    environment = "a tag or label of the export" if "environment" in read.columns else "rules alone"
    lines = [
        f"- `environment` comes from {environment}." if read.attributes else "- `environment` comes from `fill=`.",
        f"- Without rules it gives {', '.join(own)}." if own else "- Without rules it says nothing of whose it is.",
        "- Routes: " + ", ".join(f"`{c}`" for c in schema.ROUTE if c in read.columns) + ".",
    ]
    if read.attributes:
        lines.append("- Rules can match " + ", ".join(f"`{a}`" for a in sorted(read.attributes)) + ".")
    return f"## {name}\n\n{cell(title)}.\n\n" + "\n".join(lines)
