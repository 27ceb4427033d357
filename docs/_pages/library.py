"""What ships. Comes in: scenarios and presets in TOML. Goes out: what each assumes, and where that comes from."""

from __future__ import annotations

import re

from markdown import cell, table

import scenarios as sc

#: The first day of the plan in which days of shipped scenarios are told.
START = "2027-01-01"
ADDRESS = re.compile(r"https?://[^\s,;)]+(?<![.:])")


def library_page() -> str:
    """Shipped scenarios, then presets."""
    return "\n\n".join(["## Scenarios", *_scenarios(), "## Presets", *_presets()]) + "\n"


def _scenarios() -> list[str]:
    shipped = sc.shipped()
    told = (
        '`sc.load("steady-growth")` gives one in Python, `use = "steady-growth"` in a plan file, and '
        "`tokenplan scenario show steady-growth` tells it in the shell. Days count from the plan's first, here from "
        f"{START}."
    )
    parts = [
        told,
        table(
            ["name", "what it is"],
            [[f"[`{one.name}`](#{one.name})", cell(one.title)] for one in shipped.itertuples()],
        ),
    ]
    for one in shipped.itertuples():
        parts += [
            f"### {one.name}",
            f"{one.title}. {one.description}",
            *_assumed(sc.load(one.name, start=START)),
            f"Source ({one.date:%Y-%m-%d}): {_linked(one.source)}",
        ]
    return parts


def _assumed(scenario: sc.Scenario) -> list[str]:
    """What it assumes, branch by branch."""
    own = ["\n".join(f"- {cell(change.describe())}" for change in scenario.changes)] if scenario.changes else []
    for weight, branch in scenario.branches:
        own += [f"In the branch `{branch.name}`, with a weight of {weight:.0%}:", *_assumed(branch)]
    return own


def _presets() -> list[str]:
    told = sc.presets()
    parts = [
        '`sc.preset("storage", {"gb": 5_000})` is a line with these ranges; what is yours to say stands as *yours*.'
    ]
    for name, rows in told.groupby("preset", sort=False):
        fields = [
            [f"`{row.field}`", "*yours*", cell(row.unit), ""]
            if row.value == "yours"
            else [f"`{row.field}`", cell(row.value), cell(row.unit), _linked(cell(row.source))]
            for row in rows.itertuples()
        ]
        parts += [
            f"### {name}",
            f"{rows['title'].iloc[0]}: a line of kind `{rows['kind'].iloc[0]}`.",
            table(["field", "value", "unit", "source"], fields),
        ]
    return parts


def _linked(source: str) -> str:
    """The text of a source, its addresses as links named by their host."""
    return ADDRESS.sub(lambda found: f"[{found[0].split('/')[2].removeprefix('www.')}]({found[0]})", source)
