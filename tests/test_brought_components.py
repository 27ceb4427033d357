"""Components of other packages: named in plan files by the kind under which a package brings them."""

import sys

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from scenarios.budget.linekeys import components_of
from scenarios.components import KINDS
from scenarios.components.kinds import COMPONENTS, ENTRY_POINTS
from scenarios.files.keys import Problems
from scenarios.files.writing import kind_told

CODE = '''
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.ranges import Uncertain
from scenarios.components import Owned


@dataclass(frozen=True)
class OnCall(Owned):
    """Somebody on call at weekends, paid by the day."""

    KIND = "OnCall"
    rate: Uncertain = 0.0

    def describe(self):
        return f"{self.name}: {self.rate} a day of each weekend"

    def money(self, world, months, context):
        spans = zip(months.first, months.last, strict=True)
        weekends = np.array([np.sum(pd.date_range(*span).day_of_week >= 5) for span in spans])
        return self.draw(world, self.rate, "amount", "rate")[:, None] * weekends


@dataclass(frozen=True)
class Costless:
    name: str
'''
#: Saturdays and Sundays of January to March 2027, counted on a calendar: 10, 8 and 8.
WEEKENDS = [10, 8, 8]


@pytest.fixture
def brings(tmp_path, monkeypatch):
    """Install a package by its files: a module, and what it says it brings."""

    def install(**points: str) -> None:
        (tmp_path / "lines_of_ours.py").write_text(CODE, encoding="utf-8")
        info = tmp_path / "lines_of_ours-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lines-of-ours\nVersion: 1.0\n", encoding="utf-8")
        lines = [f"{name} = {where}" for name, where in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{ENTRY_POINTS}]", *lines]) + "\n", encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "lines_of_ours", raising=False)

    yield install
    sys.modules.pop("lines_of_ours", None)


def read(*tables):
    problems = Problems("plan.toml", PlanError)
    made = components_of(list(tables), problems)
    problems.tell()
    return made


def test_a_package_brings_a_component_by_the_name_of_its_kind(brings):
    brings(on_call="lines_of_ours:OnCall")
    assert ENTRY_POINTS == "tokenplan.components"
    assert list(COMPONENTS) == [*KINDS, "on_call"]
    table = {"kind": "on_call", "name": "on call", "rate": 400.0, "department": "platform"}
    (made,) = read(table)
    assert made.describe() == "on call: 400.0 a day of each weekend"
    assert kind_told(made, COMPONENTS, "components[1]") == [
        'kind = "on_call"',
        'name = "on call"',
        'department = "platform"',
        "rate = 400.0",
    ]
    with pytest.raises(PlanError, match="did you mean 'on_call'"):
        read(table | {"kind": "on_cal"})


def test_its_money_is_in_the_plan(brings):
    brings(on_call="lines_of_ours:OnCall")
    (made,) = read({"kind": "on_call", "name": "on call", "rate": 400.0})
    rows = pd.DataFrame({"date": pd.date_range("2026-09-01", "2026-12-31"), "requests": 10.0, "total_tokens": 1e6})
    usage = fc.Usage.from_frame(rows.assign(provider="us", model="m", environment="production", project="p"))
    projection = fc.project(usage, horizon="2027Q1", model="run_rate", lag=0, seed=1)
    plan = sc.plan(projection, prices=fc.PriceBook.blended(2.0, currency="USD"), components=[made], draws=200, seed=1)
    table = plan.table(["line", "month"])
    np.testing.assert_allclose(table.loc["on call", "budget"], [400.0 * days for days in WEEKENDS])


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("lines_of_ours:Costless", "is no component: it lacks counts, describe, needs, owner, parameters, rows"),
        ("lines_of_ours:CODE", "cannot be loaded: AttributeError"),
        ("no.such.module:OnCall", "cannot be loaded: ModuleNotFoundError: No module named 'no'"),
    ],
)
def test_what_is_no_component_is_refused_and_stops_nothing_else(brings, where, words):
    brings(on_call=where)
    with pytest.raises(PlanError, match=words):
        read({"kind": "on_call", "name": "on call"})
    (fixed,) = read({"kind": "fixed", "name": "gateway", "monthly": 3_000.0})
    assert kind_told(fixed, COMPONENTS, "components[1]")[0] == 'kind = "fixed"'


def test_a_component_of_the_name_of_one_of_ours_is_refused(brings):
    brings(fixed="lines_of_ours:OnCall")
    with pytest.raises(
        PlanError, match="the component 'fixed', brought by lines_of_ours:OnCall, bears the name of one"
    ):
        read({"kind": "fixed", "name": "gateway", "monthly": 3_000.0})


def test_one_that_no_package_brings_stays_in_python(brings):
    brings()
    import lines_of_ours

    with pytest.raises(PlanError, match=r"OnCall is no kind that a file may name; .* entry point tokenplan.components"):
        kind_told(lines_of_ours.OnCall("on call"), COMPONENTS, "components[1]")
