"""Odd arguments of a plan and its tables: each is told in a sentence, none ends in a traceback."""

from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from scenarios.budget.convergence import MOST, convergence, enough
from scenarios.changes import World
from scenarios.workings import step_of
from tests.usages import organisation

RENT = sc.Fixed("rent", monthly=100.0)


@pytest.fixture(scope="module")
def projection():
    return fc.project(organisation(), horizon="1Q", seed=7, trajectories=20)


@pytest.fixture(scope="module")
def plan(projection):
    return sc.plan(projection, components=[RENT], draws=100)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"components": None}, "components: wanted a list, such as .*, not None"),
        ({"components": RENT}, "components: wanted a list"),
        ({"components": 5}, "components: wanted a list"),
        ({"detail": "environment"}, "detail: wanted a list, such as .*, not 'environment'"),
        ({"detail": None}, "detail: wanted a list"),
        ({"dependence": 5}, "dependence: wanted a list"),
        ({"split": 5}, "split=5: wanted EnvironmentSplit"),
        ({"error": 0.0}, "error=0.0"),
        ({"n_jobs": 0}, "n_jobs=0: wanted how many workers"),
        ({"n_jobs": "many"}, "n_jobs='many'"),
    ],
)
def test_arguments_of_a_plan_are_told(projection, plan, arguments, told):
    with pytest.raises(PlanError, match=told):
        sc.plan(projection, draws=100, **arguments)
    with pytest.raises(PlanError, match=told):
        plan.replan(**arguments)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (lambda p: p.table(5), "by=5: wanted a column or a list"),
        (lambda p: p.diversification(None), "by=None"),
        (lambda p: p.under(sc.BudgetPolicy(), by=5), "by=5"),
        (lambda p: p.quantile("high"), r"quantile\('high'\): a level lies strictly between 0 and 1"),
        (lambda p: p.standard_error(2), r"standard_error\(2\)"),
        (lambda p: p.percentile_of("much"), r"percentile_of\('much'\): wanted an amount"),
        (lambda _: sc.Split("project", shared={"*": np.array([1, 2])}), "wanted weights by part"),
        (lambda _: sc.BudgetPolicy(release=np.array([1, 2])), "wanted 'on need', 'on plan', 'never' or a date"),
    ],
)
def test_odd_questions_are_told(plan, asked, told):
    with pytest.raises(PlanError, match=told):
        asked(plan)


def test_what_a_new_plan_takes_a_plan_made_again_takes_too(plan):
    assert np.array_equal(plan.replan(scenario=None).totals, plan.totals)
    assert plan.replan(draws="auto", error=0.5).spec.draws == 2_000


def test_a_policy_takes_any_date():
    wanted = pd.Timestamp("2027-02-01")
    assert {sc.BudgetPolicy(release=day).day for day in (date(2027, 2, 1), wanted, "2027-02-01")} == {wanted}


def test_plans_that_cost_nothing_have_a_convergence():
    nothing, trajectory = np.zeros(400), np.arange(400) % 20
    told = convergence(SimpleNamespace(totals=nothing, trajectory=trajectory), (0.8,))
    assert (told["se"] == 0).all()
    assert told["se_percent"].isna().all()
    assert enough(lambda _: (nothing, trajectory), 0.8, 0.003) < MOST


def test_a_change_whose_class_is_defined_anew_is_another_change(monkeypatch):
    """As in a notebook, in which a cell that defines a change is mended and run again."""

    def defined():
        @dataclass(frozen=True)
        class Mine:
            by: float

        Mine.__qualname__ = "Mine"
        monkeypatch.setitem(globals(), "Mine", Mine)
        return Mine

    world = World(100, 1)
    steps = []
    for _ in range(2):
        cell = defined()
        steps.append(step_of(cell(0.5), world))
        assert step_of(cell(0.5), world) == steps[-1]
    assert steps[0] != steps[1]
