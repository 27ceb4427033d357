"""Presets: lines of the field with usual ranges and their sources. Comes in: a name and sizes. Goes out: a component.

A preset is a TOML file in ``presets/``, found by name::

    title = "Training a model"
    about = "What it is and what it is not."
    currency = "USD"                     # what its money is in; left out where it has none

    [component]                          # fields of the kind, with ranges
    kind = "project"
    price = { p10 = 2.0, p90 = 4.0 }

    [needs]                              # fields that only the reader knows, and what they are
    gpu_hours = "GPU hours of one run"

    [units]                              # of each range
    price = "USD a GPU hour"

    [sources]                            # of each range: where it comes from and when it was looked at, or "assumption"
    price = "..."
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import pandas as pd

from forecast.errors import PlanError, TokenplanError, nearest, one_of
from scenarios.components import KINDS, Owned
from scenarios.files.hints import shapes_of
from scenarios.files.keys import Problems, Table, plain
from scenarios.files.scenario_file import parsed

FOLDER: Final = Path(__file__).with_name("presets")
#: What a preset's component says that is no number of its own, so that it needs no source.
PLAIN: Final = ("kind", "name", "of", "count", "funds", "beyond", "per", "cost_category", "currency")


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset as its file tells it.

    Attributes
    ----------
    name, title, about : str
    component : dict
        The table of the component, as far as the preset says it.
    needs, units, sources : dict
        By field: what must be said, the unit of a number, and where it comes from.
    """

    name: str
    title: str
    about: str
    component: Table
    needs: Mapping[str, str]
    units: Mapping[str, str]
    sources: Mapping[str, str]

    def table(self, sizes: Mapping[str, Any]) -> Table:
        """The component's table with what is said of it, which takes the place of the preset's own.

        Raises
        ------
        PlanError
            A size that it needs is missing.
        """
        if lacking := [f"{field} ({what})" for field, what in self.needs.items() if field not in sizes]:
            raise PlanError(f"preset {self.name!r} needs {'; '.join(lacking)}")
        return {**self.component, **sizes}


def preset_names() -> tuple[str, ...]:
    """The presets that there are."""
    return tuple(path.stem for path in sorted(FOLDER.glob("*.toml")))


def read_preset(name: object) -> Preset:
    """The preset of a name.

    Raises
    ------
    PlanError
        There is none.
    """
    one_of("preset", name, preset_names(), PlanError)
    told = parsed(FOLDER / f"{name}.toml", PlanError)
    component = {"name": str(name).replace("-", " "), **told["component"]}
    if "currency" in told:
        component["currency"] = told["currency"]
    parts = (told.get(part, {}) for part in ("needs", "units", "sources"))
    return Preset(str(name), told["title"], told["about"], component, *parts)


def preset(name: str, sizes: Mapping[str, Any] | None = None) -> Owned:
    """Return the component of a preset: usual ranges of a line of the field, by sizes that are your own.

    Parameters
    ----------
    name : str
        One that :func:`presets` lists, such as ``"training"``.
    sizes : mapping, optional
        Fields of the component: those that the preset needs, and any other, which takes the place of its own:
        ``{"gpu_hours": 20_000, "start": "2027-03-01", "duration": 30}``.

    Raises
    ------
    PlanError
        There is no such preset, a size is missing, or a field is not one of the component's.
    """
    known = read_preset(name)
    if sizes is not None and not isinstance(sizes, Mapping):
        raise PlanError(f"preset {name!r}: sizes = {sizes!r}: wanted fields and values, such as {{'gb': 20_000}}")
    given = dict(sizes or {})
    maker = KINDS[known.component["kind"]]
    there = [f.name for f in fields(maker) if f.init]
    for field in given:
        if field not in there:
            raise PlanError(
                f"preset {name!r}: {field!r} is no field of {maker.KIND}; it has {', '.join(there)}"
                f"{nearest(field, there)}"
            )
    known.table(given)
    # What the preset itself says is in the words of a file; what is given is as Python has it.
    shapes = shapes_of(maker, relative=False)
    said = {field: shapes[field].made(v, pd.Timestamp) for field, v in known.component.items() if field != "kind"}
    return maker(**{**said, **given})


def presets() -> pd.DataFrame:
    """Return what every preset says, a row for each number, with its source.

    Returns
    -------
    DataFrame with the columns ``preset``, ``title``, ``kind``, ``field``, ``value``, ``unit`` and ``source``. What is
    yours to say has the value "yours"; a source of "assumption" says that none was found.
    """
    rows = []
    for name in preset_names():
        one = read_preset(name)
        head = (name, one.title, one.component["kind"])
        rows += [(*head, field, "yours", what, "to be stated") for field, what in one.needs.items()]
        # A reserve has no number of its own: the plan sizes it.
        if "funds" in one.component:
            rows.append((*head, "funds", one.component["funds"], "name", "sized in the plan"))
        rows += [
            (*head, field, _told(one.component[field]), one.units[field], source)
            for field, source in one.sources.items()
        ]
    return pd.DataFrame(rows, columns=["preset", "title", "kind", "field", "value", "unit", "source"])


def preset_table(table: Table, path: str, problems: Problems) -> Table | None:
    """The table of a component that a plan file takes from a preset, or None with its problems noted."""
    own = {k: v for k, v in plain(table).items() if k != "use"}
    if "kind" in own:
        problems.add(path, "use and kind: the preset says which kind it is; leave one out")
        return None
    try:
        return read_preset(table["use"]).table(own)
    except TokenplanError as error:
        problems.add(path, str(error))
        return None


def _told(value: object) -> str:
    return f"{value['p10']:g} to {value['p90']:g} (P10-P90)" if isinstance(value, dict) else f"{value}"
