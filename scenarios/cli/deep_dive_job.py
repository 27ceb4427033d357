"""``tokenplan deep-dive``. Comes in: a plan that is over, and an export. Goes out: what held, and what to change.

JSON document ``tokenplan/deep-dive/1``:

- ``schema``, ``version`` (of tokenplan), ``name``, ``currency``, ``as_of``, ``by``
- ``findings``: sentences
- ``calibration``: ``part`` (last "all"), ``months``, ``bias``, ``error``, ``pit``, ``within``, ``within_se``
- ``opportunities``: ``lever, assumption, saving, p10, p90, percent, chance, why``
- ``savings``: ``lever, on, planned, realised, share, basis, why``
- ``overrides``: ``name, p50_with, p50_without, actual, added_value``
- ``stale``: ``topic, assumption, source, as_of, stale_from, days``
- ``settings``: ``model, error, bias, within, interval_score, crps, grade, proposed``
- ``bridge``: ``step, mean, p10, p90``; null where no month is over
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from typing import Any, Final

import pandas as pd

from scenarios.cli.approved import Approved, approved_of
from scenarios.cli.screen import Screen, records
from scenarios.cli.tables import Column, Style, aligned, csv, markdown
from scenarios.cli.timing import expected, megabytes_of
from scenarios.reviews.diving.dive import DeepDive, deep_dive

#: How the columns of each table are shown.
_STYLES: Final[dict[str, Style]] = {
    "months": "count",
    "days": "count",
    "bias": "share",
    "error": "share",
    "within": "share",
    "within_se": "share",
    "percent": "share",
    "chance": "share",
    "share": "share",
    "saving": "money",
    "p10": "money",
    "p90": "money",
    "planned": "money",
    "realised": "money",
    "p50_with": "money",
    "p50_without": "money",
    "actual": "money",
    "added_value": "money",
}
#: What the screen has no room for.
_HIDDEN: Final = {"assumption", "why", "basis", "interval_score", "crps", "source", "pit"}


def run(options: argparse.Namespace) -> int:
    """Look closely at a plan that is over."""
    screen = Screen(options.quiet)
    approved = approved_of(options, screen)
    by = options.by[0] if options.by else "environment"
    tried = expected("looking back", megabytes_of(options.usage), 2 + options.origins * len(options.models))
    with screen.progress({"trying levers and models": tried}) as step:
        step()
        made = deep_dive(
            approved.plan,
            approved.usage,
            as_of=None if options.as_of is None else pd.Timestamp(options.as_of),
            by=by,
            models=options.models,
            origins=options.origins,
        )
    if options.json:
        screen.write_json(document(approved, made))
    elif options.output == "csv":
        screen.write(csv(made.opportunities.reset_index()))
    else:
        screen.show(_text(approved, made, options, screen))
    return 0


def _text(approved: Approved, made: DeepDive, options: argparse.Namespace, screen: Screen) -> str:
    mark = options.output == "markdown"
    title = f"{approved.name}, as of {made.reviews[-1].as_of:%Y-%m-%d}"
    parts = [f"**{title}**" if mark else title, "\n".join(f"- {told}" for told in made.findings)]
    for name, table in made.tables().items():
        if name == "pits" or table.empty:
            continue
        shown = table.reset_index(drop=name == "stale")
        for column in shown.select_dtypes("datetime"):
            shown[column] = shown[column].dt.strftime("%Y-%m-%d")
        columns = [
            Column(c, c, _STYLES.get(c, "text"))
            for c in map(str, shown.columns)
            if c not in _HIDDEN or (name, c) == ("stale", "assumption")
        ]
        told = markdown(shown, columns) if mark else aligned(shown, columns, width=screen.width())
        parts.append(f"{f'**{name}**' if mark else name}\n{told}")
    return "\n\n".join(parts)


def document(approved: Approved, made: DeepDive) -> dict[str, Any]:
    """The deep dive as the JSON document that this module describes."""
    tables = {name: table for name, table in made.tables().items() if name != "pits"}
    told = {name: records(table.reset_index()) for name, table in tables.items()}
    told["calibration"] = records(made.calibration.rename_axis("part").reset_index())
    return {
        "schema": "tokenplan/deep-dive/1",
        "version": version("tokenplan"),
        "name": approved.name,
        "currency": approved.plan.currency,
        "as_of": made.reviews[-1].as_of.date(),
        "by": made.by,
        "findings": made.findings,
        **told,
        "bridge": None if made.bridge is None else records(made.bridge.table((0.1, 0.9))),
    }
