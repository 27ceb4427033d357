"""A plan written as a plan file: it is read to the same arguments, and makes the same plan bit for bit."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from scenarios.budget.planfile import read_plan_file

DAYS = pd.date_range("2026-06-01", "2026-10-31")
SAID = {"who": "head of product", "why": 'the vendor says "later"', "on": "2026-11-20"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("plans")
    rng = np.random.default_rng(5)
    parts = []
    for environment, project, level in (("development", "search", 3e3), ("production", "chat", 9e3)):
        volume = (level * np.exp(0.1 * rng.standard_normal(len(DAYS)))).round()
        parts.append(
            pd.DataFrame(
                {
                    "day": DAYS,
                    "provider": "openai",
                    "model": "gpt-5",
                    "environment": environment,
                    "project": project,
                    "requests": volume,
                    "input_tokens": volume * 1_200,
                    "output_tokens": volume * 300,
                }
            )
        )
    table = pd.concat(parts)
    table.to_csv(where / "odd.csv", index=False)
    table.rename(columns={"day": "date"}).to_csv(where / "usage.csv", index=False)
    (where / "prices.csv").write_text("model,unit,price,valid_from\ngpt-5,input_tokens,9.00,2026-01-01\n")
    return where


def projection_of(folder, **arguments) -> fc.Projection:
    asked = {"horizon": "1Q", "model": "seasonal_naive", "trajectories": 40, "seed": 3, "lag": 1, **arguments}
    return fc.project(fc.read_usage(folder / "usage.csv"), **asked)


def read_again(path) -> sc.BudgetPlan:
    file = read_plan_file(path)
    return file.plan(file.project(file.usage.read()), file.prices.book())


def same(made: sc.BudgetPlan, plan: sc.BudgetPlan) -> None:
    np.testing.assert_array_equal(made.ledger.money, plan.ledger.money)
    pd.testing.assert_frame_equal(made.table(), plan.table())
    pd.testing.assert_frame_equal(made.overrides(), plan.overrides())
    assert made.spec.overrides == plan.spec.overrides


def launch(on: str) -> sc.Step:
    return sc.Step(by=sc.between(0.1, 0.4), on=on, name="launch", where={"environment": "production"})


WHOLE = {
    "scenario": sc.Scenario("launch", [launch("2027-02-01")], "A launch, and what it costs.", dependence=[]).tree(
        [(0.7, sc.Scenario("calm")), (0.3, sc.Scenario("boom", [sc.Growth(monthly=0.1)]))]
    ),
    "components": [
        sc.Fixed("gateway", monthly=sc.between(3_000, 5_000), stated_on="2026-09-15", department="platform"),
        sc.PerUnit("seats", count={"2027-01-01": 40, "2027-03-01": 60}, price=30),
        sc.Allowance("tokens of chat", amount=500, beyond="block", where={"project": "chat"}),
        sc.ShareOf("pipelines", share=sc.between(0.05, 0.1), of=["tokens", "seats"]),
        sc.Risk("audit", probability=0.1, impact=sc.between(2_000, 6_000)),
        sc.Stock("storage", gb=20_000, price=0.023),
        sc.Reserve("rainy day", 5_000),
        sc.Reserve("management reserve", to=0.95),
    ],
    "dependence": [sc.CommonFactor("mood", {"gateway": 0.7, "pipelines": 0.3})],
    "overrides": [
        sc.Override("slips", launch("2027-03-01"), replaces="launch", **SAID),
        sc.Override("fewer seats", sc.PerUnit("seats", count=30, price=30), replaces="seats", **SAID),
        sc.Override("freeze", sc.Step(by=-0.05, on="2027-02-15"), **SAID),
    ],
    "split": [
        sc.EnvironmentSplit(development=(0.15, 0.40), production=(0.6, 0.8)),
        sc.Split("project", {"chat": (None, 1.0)}, basis="recent", days=60, shared={"gateway": "equally"}),
    ],
    "confidence": 0.9,
    "draws": 200,
    "seed": 5,
    "detail": ("environment", "project", "model"),
}


def test_a_whole_plan_is_read_again_bit_for_bit(folder):
    calendar = fc.Calendar(start_month=10)
    cleaning = fc.Cleaning(spikes=False, exclude=(("*", "2026-07-01", "2026-07-02"),))
    projection = projection_of(folder, calendar=calendar, cleaning=cleaning)
    book = fc.PriceBook.read(folder / "prices.csv") | fc.PriceBook.builtin()
    plan = sc.plan(projection, prices=book, **WHOLE)
    policy = sc.BudgetPolicy(rollover_cap=0.5, expires="quarter")
    prices = {"files": ["prices.csv"]}
    path = plan.to_toml(folder / "whole.toml", usage={"file": "usage.csv"}, prices=prices, policy=policy)
    file = read_plan_file(path)
    assert file.policy == policy
    assert (file.forecast["calendar"], file.forecast["cleaning"]) == (calendar, cleaning)
    made = read_again(path)
    same(made, plan)
    assert made.spec.scenario == plan.spec.scenario
    assert made.spec.components == plan.spec.components
    assert made.spec.dependence == plan.spec.dependence
    same(read_again(made.to_toml(folder / "again.toml", usage={"file": "usage.csv"}, prices=prices)), plan)


def test_a_plain_plan_names_its_own_usage(folder, tmp_path):
    plan = sc.plan(projection_of(folder, cleaning=None), draws=100)
    made = read_again(plan.to_toml(tmp_path / "plain.toml"))
    same(made, plan)
    assert made.spec == plan.spec
    assert made.projection.spec == plan.projection.spec


def test_a_span_by_days_and_a_plan_to_an_error_are_written_as_they_came(folder):
    projection = projection_of(folder, horizon=None, start="2027-01-01", end="2027-02-28")
    plan = sc.plan(projection, draws="auto", error=0.02)
    file = read_plan_file(plan.to_toml(folder / "auto.toml"))
    assert file.arguments["draws"] == plan.spec.draws
    same(read_again(folder / "auto.toml"), plan)


# ---------------------------------------------------------------------------------------------------- what cannot be


def test_usage_that_is_read_otherwise_is_told_until_it_is_said_how(folder):
    usage = fc.read_usage(folder / "odd.csv", columns={"date": "day"}, fill={"department": "product"})
    plan = sc.plan(fc.project(usage, horizon="1Q", model="seasonal_naive", trajectories=30), draws=100)
    with pytest.raises(PlanError, match="reads other usage than the plan's"):
        plan.to_toml(folder / "odd.toml", usage={"file": "usage.csv"})
    assert not (folder / "odd.toml").exists()
    how = {"file": "odd.csv", "columns": {"date": "day"}, "fill": {"department": "product"}}
    same(read_again(plan.to_toml(folder / "odd.toml", usage=how)), plan)


def test_a_plan_whose_usage_was_read_from_no_file_says_what_to_name(tmp_path):
    usage = fc.generate_usage(seed=0)
    plan = sc.plan(fc.project(usage, horizon="1Q", model="seasonal_naive", trajectories=30), draws=100)
    with pytest.raises(PlanError, match=r"read from no file that is there .*usage=\{\"file\": \"usage.csv\"\}"):
        plan.to_toml(tmp_path / "plan.toml")
    with pytest.raises(PlanError, match="there is no folder"):
        plan.to_toml(tmp_path / "missing" / "plan.toml")
    usage.frame.to_csv(tmp_path / "usage.csv", index=False)
    written = plan.to_toml(tmp_path / "plan.toml", usage={"file": "usage.csv"})
    np.testing.assert_array_equal(read_again(written).totals, plan.totals)


def test_prices_of_ones_own_are_told_until_it_is_said_whence(folder):
    book = fc.PriceBook.read(folder / "prices.csv") | fc.PriceBook.builtin()
    plan = sc.plan(projection_of(folder), prices=book, draws=100)
    with pytest.raises(PlanError, match="reads other prices than the plan's"):
        plan.to_toml(folder / "own.toml")


class Own:
    name = "own"

    def point(self, panel, horizon):
        return fc.models.model_of("seasonal_naive").point(panel, horizon)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": sc.Scenario("s", [sc.Growth(monthly=scipy.stats.norm(0.02, 0.01))])}, "frozen distribution"),
        ({"components": [sc.Fixed("f", monthly=scipy.stats.uniform(1, 2))]}, r"components\[1\].*frozen distribution"),
        (
            {"overrides": [sc.Override("o", sc.Fixed("f", monthly=scipy.stats.uniform(1, 2)), **SAID)]},
            r"overrides\[1\]\.component\.monthly: a frozen distribution",
        ),
    ],
)
def test_what_a_file_cannot_say_is_told_with_its_place(folder, arguments, message):
    plan = sc.plan(projection_of(folder), draws=100, **arguments)
    with pytest.raises(PlanError, match=message):
        plan.to_toml(folder / "cannot.toml")
    assert not (folder / "cannot.toml").exists()


def test_a_model_of_ones_own_is_told(folder):
    plan = sc.plan(projection_of(folder, model=Own()), draws=100)
    with pytest.raises(PlanError, match=r"forecast\.model: 'own' is an object of Python"):
        plan.to_toml(folder / "model.toml")
