"""Loading. Comes in: the file of a saved plan. Goes out: the BudgetPlan, of the same numbers, bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import PlanError, TokenplanError
from forecast.joint import Trajectories
from forecast.projection import Projection
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import Ledger
from scenarios.budget.spec import PlanSpec
from scenarios.saved.archive import opened
from scenarios.saved.arrays import Array
from scenarios.saved.kinds import own_kinds
from scenarios.saved.reading import WRONG, Reader
from scenarios.saved.saving import LIBRARIES, OPENED, installed
from scenarios.workings import Workings


def load_plan(path: str | Path, *, kinds: Iterable[type[Any]] = ()) -> BudgetPlan:
    """Open a plan that ``plan.save(path)`` wrote: the same numbers, bit for bit, and no model fitted.

    Nothing in the file is run: it is read as numbers, text and tables, from which only tokenplan's own classes are
    made. Where other versions of tokenplan, numpy, pandas or scipy made it, an assumption tells both; its draws are
    kept as they are.

    Parameters
    ----------
    path : str or Path
    kinds : sequence of classes
        Classes of one's own that the plan holds, as they were handed to ``plan.save``.

    Raises
    ------
    PlanError
        The file is no saved plan, was cut short or changed, is of a newer version, or holds what was not handed over;
        the message says which, and what to do.
    """
    own = own_kinds(kinds, "sc.load_plan")
    where = Path(path)
    try:
        manifest, tree, arrays = opened(where)
        plan = _plan(Reader(arrays, own).make(tree))
        return _noted(plan, manifest["made_with"])
    except PlanError as cause:
        raise PlanError(f"{where}: {cause}") from cause
    except (TokenplanError, MemoryError, *WRONG) as cause:
        raise PlanError(f"{where}: it holds what makes no plan ({type(cause).__name__}: {cause})") from cause


def _plan(parts: dict[str, Any]) -> BudgetPlan:
    """The plan of its parts, once they fit each other."""
    spec, projection = parts["spec"], parts["projection"]
    for name, kind in (("spec", PlanSpec), ("projection", Projection), ("ledger", Ledger)):
        if type(parts[name]) is not kind:
            raise PlanError(f"its {name} is a {type(parts[name]).__name__}")
    _check_projection(projection)
    workings = Workings.of(projection, spec.prices, spec.draws, spec.seed)
    plan = BudgetPlan(**parts, workings=workings)
    _check_ledger(plan)
    return plan


def _check_ledger(plan: BudgetPlan) -> None:
    """Refuse draws of other shapes than the plan's arguments and labels tell of."""
    ledger, draws, rows = plan.ledger, plan.spec.draws, len(plan.ledger.labels)
    wanted: dict[str, tuple[Any, tuple[int, ...], str]] = {
        "ledger.money": (ledger.money, (draws, len(ledger.days), rows), "f"),
        "ledger.demand": (ledger.demand, (rows,), "b"),
        "ledger.own": (ledger.own, (rows,), "b"),
        "gap": (plan.gap, (draws, len(plan.gap_months)), "f"),
        "trajectory": (plan.trajectory, (draws,), "iu"),
    }
    if plan.untied is not None:
        wanted["untied"] = (plan.untied, (draws,), "f")
    if ledger.shares is not None:
        wanted["ledger.shares"] = (ledger.shares, (draws, len(ledger.environments)), "f")
    for level in ledger.levels:
        for parted in level.parted:
            shape = (draws, len(parted.parts))
            told = {"shares": parted.shares, "moved": parted.moved}
            told |= {} if parted.demand is None else {"demand": parted.demand}
            wanted |= {f"the {name} by {level.split.by}": (array, shape, "f") for name, array in told.items()}
            wanted[f"the ranges by {level.split.by}"] = (parted.ranges, (len(parted.parts), 2), "f")
    _check(wanted)
    _check_places("trajectory", plan.trajectory, plan.projection.volume.count)


def _check_projection(projection: Projection) -> None:
    """Refuse trajectories of other shapes than the projection's days and labels tell of."""
    drivers, days = projection.drivers, len(projection.days)
    for name, made, series in (
        ("volume", projection.volume, len(drivers.workloads)),
        ("mix", projection.mix, len(drivers.legs)),
        ("intensity", projection.intensity, len(drivers.lanes)),
    ):
        if type(made) is not Trajectories:
            raise PlanError(f"its {name} is a {type(made).__name__}")
        count, pool = projection.spec.trajectories, np.shape(made.errors)
        _check(
            {
                f"{name}.point": (made.point, (days, series), "f"),
                f"{name}.level": (made.level, (count, series), "f"),
                f"{name}.growth": (made.growth, (count, series), "f"),
                f"{name}.slope": (made.slope, (series,), "f"),
                f"{name}.errors": (made.errors, (*pool[:2], series), "f"),
                f"{name}.origin": (made.origin, (count, days), "iu"),
                f"{name}.offset": (made.offset, (count, days), "iu"),
                f"{name}.relative": (made.relative, (series,), "b"),
                f"{name}.unit": (made.unit, (series,), "f"),
            }
        )
        _check_places(f"{name}.origin", made.origin, pool[0])
        _check_places(f"{name}.offset", made.offset, pool[1])


def _check(wanted: Mapping[str, tuple[Any, tuple[int, ...], str]]) -> None:
    for name, (array, shape, kinds) in wanted.items():
        if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype.kind not in kinds:
            told = f"shape {array.shape} of {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
            raise PlanError(f"its {name} has {told}; shape {shape} is what the plan tells of")


def _check_places(name: str, places: Array, count: int) -> None:
    if places.size and not (int(places.min()) >= 0 and int(places.max()) < count):
        raise PlanError(f"its {name} tells of one that is none of the {count}")


def _noted(plan: BudgetPlan, made_with: Mapping[str, str]) -> BudgetPlan:
    """The plan, with what it was made and opened with among its assumptions where that is not the same."""
    here = installed()
    made = {name: str(made_with.get(name, "unknown")) for name in LIBRARIES}
    others = [name for name in LIBRARIES if made[name] != here[name]]
    known = plan.assumptions[plan.assumptions["topic"] != OPENED]
    if not others:
        return plan if len(known) == len(plan.assumptions) else replace(plan, assumptions=known.reset_index(drop=True))
    told = "; ".join(f"made with {name} {made[name]}, opened with {name} {here[name]}" for name in others)
    source = ", ".join(f"{name} {made[name]}" for name in LIBRARIES)
    row = {"topic": OPENED, "assumption": told, "source": source}
    added = pd.DataFrame([row]).reindex(columns=known.columns).astype(known.dtypes.to_dict())
    return replace(plan, assumptions=pd.concat([known, added], ignore_index=True))
