"""Saving. Comes in: a BudgetPlan. Goes out: one file of its values and arrays, the same bytes for the same plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.report.outgoing.files import written
from scenarios.saved.archive import SCHEMA, packed
from scenarios.saved.kinds import kind_of, own_kinds
from scenarios.saved.reading import WRONG, Reader
from scenarios.saved.writing import Node, Writer

#: Whose versions a saved plan tells, and the topic of the assumption that tells of others.
LIBRARIES: Final = ("tokenplan", "numpy", "pandas", "scipy")
OPENED: Final = "opened"
#: What of a plan is made new when it is opened.
MADE_NEW: Final = ("workings",)


def save_plan(plan: BudgetPlan, path: Path, kinds: Iterable[type[Any]] = ()) -> Path:
    """Write a plan to one file, whole or not at all; returns its path.

    The file holds no code, and none of it is run when it is opened. Same plan and versions, same bytes. It holds the
    usage that the plan rests on: who may see the plan may see that.

    Parameters
    ----------
    kinds : sequence of classes
        Changes, components, distributions or models of one's own in the plan: dataclasses, made again from their fields
        by whoever opens the file and has them: ``sc.load_plan(path, kinds=[MyChange])``.

    Raises
    ------
    PlanError
        The plan holds what a file cannot say, or the file cannot be written; what stood at ``path`` is as it was.
    """
    own = own_kinds(kinds, "plan.save")
    if ours := [name for name, made_by in own.items() if kind_of(made_by) is not None]:
        raise PlanError(f"plan.save: kinds: {ours[0]} is tokenplan's own; leave it out")
    return written(Path(path), lambda: content_of(plan, own))


def content_of(plan: BudgetPlan, own: Mapping[str, type[Any]]) -> bytes:
    """The bytes of a plan's file."""
    writer = Writer(tuple(own.values()))
    try:
        tree = _tree(parts_of(plan), writer)
        _check_same(tree, writer, own)
    except PlanError:
        raise
    except WRONG as cause:
        raise PlanError(f"the plan holds what cannot be made again from a file: {cause}") from cause
    head = {"schema": SCHEMA, **_head(plan), "made_with": made_with(plan), "fingerprint": fingerprint_of(plan)}
    return packed(head, _text(tree), writer.members)


def parts_of(plan: BudgetPlan) -> dict[str, Any]:
    """What of a plan is kept, by field."""
    return {f.name: getattr(plan, f.name) for f in fields(plan) if f.name not in MADE_NEW and f.name[0] != "_"}


def fingerprint_of(plan: BudgetPlan) -> str:
    """A SHA-256 of what a plan says: its arguments, what it was made from, and its draws.

    A plan and its opened copy have the same, whatever the libraries' versions, wherever the file and the export stand.
    Words that only tell of the usage and the plan (notes, assumptions, the export's name) are no part of it.

    Raises
    ------
    PlanError
        The plan holds what is no value, such as a function.
    """
    projection = plan.projection
    usage = projection.usage
    said = {
        "usage": [usage.frame, usage.grain, usage.timezone],
        "forecast": [projection.spec, projection.span, projection.days],
        "trajectories": [projection.volume, projection.mix, projection.intensity],
        "plan": {name: part for name, part in parts_of(plan).items() if name not in ("projection", "assumptions")},
    }
    return hashlib.sha256(_text(Writer(bare=True).tell(said, "plan"))).hexdigest()


def made_with(plan: BudgetPlan) -> dict[str, str]:
    """The versions that made a plan: those that are installed, or those that an opened one tells of."""
    for row in plan.assumptions.itertuples():
        if row.topic == OPENED:
            return dict(part.split(" ", 1) for part in str(row.source).split(", "))
    return installed()


def installed() -> dict[str, str]:
    """The versions that are installed."""
    return {name: version(name) for name in LIBRARIES} | {"numpy": np.__version__, "pandas": pd.__version__}


def _head(plan: BudgetPlan) -> dict[str, Any]:
    """What a reader of the manifest learns of the plan."""
    span, spec = plan.projection.span, plan.spec
    return {
        "name": plan.name,
        "as_of": f"{span.as_of:%Y-%m-%d}",
        "start": f"{span.start:%Y-%m-%d}",
        "end": f"{span.end:%Y-%m-%d}",
        "currency": plan.currency,
        "confidence": spec.confidence,
        "draws": spec.draws,
        "seed": spec.seed,
    }


def _tree(parts: Mapping[str, Any], writer: Writer) -> Node:
    """The tree of a plan's parts."""
    return {"$": "dict", "items": [[name, writer.tell(part, f"plan.{name}")] for name, part in parts.items()]}


def _check_same(tree: Node, writer: Writer, own: Mapping[str, type[Any]]) -> None:
    """Read a plan's tree back and tell it again: what would come back otherwise is not saved."""
    back = Reader(writer.members, own).make(tree)
    again = _tree(back, Writer(writer.own))
    if again != tree:
        changed = next(
            name for (name, one), (_, other) in zip(tree["items"], again["items"], strict=True) if one != other
        )
        raise PlanError(f"plan.{changed} would come back from a file otherwise than it is, so it is not saved")


def _text(tree: Node) -> bytes:
    """A tree as JSON, in ASCII: any text goes in, half a pair of surrogates too."""
    return json.dumps(tree, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
