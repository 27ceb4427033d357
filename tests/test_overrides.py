"""Overrides by hand: dated, with who and why, laid over a plan, and taken away again without a trace."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError, ScenarioError, TokenplanError

DAYS = pd.date_range("2026-06-01", "2026-10-31")
SAID = {"who": "head of product", "why": "the vendor is late", "on": "2026-11-20"}


def usage_table() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    parts = []
    for environment, level in (("development", 3_000.0), ("production", 9_000.0)):
        volume = (level * np.exp(0.1 * rng.standard_normal(len(DAYS)))).round()
        parts.append(
            pd.DataFrame(
                {
                    "date": DAYS,
                    "provider": "openai",
                    "model": "gpt-5",
                    "environment": environment,
                    "project": "search",
                    "requests": volume,
                    "input_tokens": volume * 1_200,
                    "output_tokens": volume * 300,
                }
            )
        )
    return pd.concat(parts)


def launch(on: str, name: str | None = "launch") -> sc.NewWorkload:
    return sc.NewWorkload(
        model="gpt-5",
        provider="openai",
        users=sc.between(800, 1_500),
        requests_per_user=20,
        tokens={"input_tokens": 1_000, "output_tokens": 300},
        project="assistant",
        environment="production",
        on=on,
        name=name,
    )


SCENARIO = sc.Scenario(
    "launch", [sc.Growth(monthly=sc.between(0.01, 0.05), where={"project": "search"}), launch("2027-02-01")]
)
LINES = (sc.Fixed("licences", monthly=1_000), sc.Reserve("rainy day", 5_000))


@pytest.fixture(scope="module")
def projection():
    usage = fc.Usage.from_frame(usage_table(), sort=True)
    return fc.project(usage, horizon="1Q", model="seasonal_naive", trajectories=40, seed=3)


def plan_of(projection, *overrides, **arguments) -> sc.BudgetPlan:
    asked = {"scenario": SCENARIO, "components": LINES, "draws": 400, "seed": 3, **arguments}
    return sc.plan(projection, overrides=overrides, **asked)


SLIP = sc.Override("launch slips", launch("2027-03-01"), replaces="launch", **SAID)
CUT = sc.Override("licences cut", sc.Fixed("licences", monthly=700), replaces="licences", **SAID)
CLOUD = sc.Override("second cloud", sc.Fixed("second cloud", monthly=2_000), **SAID)
DIP = sc.Override("quiet spring", sc.Step(by=-0.1, on="2027-02-15"), **SAID)


@pytest.fixture(scope="module")
def plain(projection):
    return plan_of(projection)


@pytest.fixture(scope="module")
def judged(projection):
    return plan_of(projection, SLIP, CUT, CLOUD, DIP)


def same(one: sc.BudgetPlan, other: sc.BudgetPlan) -> None:
    """Bit for bit, what is told in words included."""
    np.testing.assert_array_equal(one.ledger.money, other.ledger.money)
    np.testing.assert_array_equal(one.totals, other.totals)
    pd.testing.assert_frame_equal(one.table(), other.table())
    pd.testing.assert_frame_equal(one.assumptions, other.assumptions)
    assert one.funding == other.funding


# ------------------------------------------------------------------------------------------------- what is in force


def test_an_override_in_place_of_a_change_is_the_plan_with_that_change(projection):
    other = sc.Scenario("launch", [SCENARIO.changes[0], launch("2027-03-01")])
    np.testing.assert_array_equal(plan_of(projection, SLIP).totals, plan_of(projection, scenario=other).totals)


def test_an_override_in_place_of_a_component_is_the_plan_with_that_component(projection):
    other = (sc.Fixed("licences", monthly=700), LINES[1])
    np.testing.assert_array_equal(plan_of(projection, CUT).totals, plan_of(projection, components=other).totals)


def test_without_replaces_it_comes_last(projection):
    whole = sc.Scenario("launch", [*SCENARIO.changes, DIP.what])
    expected = plan_of(projection, scenario=whole, components=(*LINES, CLOUD.what))
    np.testing.assert_array_equal(plan_of(projection, CLOUD, DIP).ledger.money, expected.ledger.money)


def test_a_component_may_stand_in_for_a_change_and_a_change_for_a_component(projection):
    quoted = sc.Override("quoted", sc.Fixed("assistant", monthly=9_000), replaces="launch", **SAID)
    shrunk = sc.Override("shrunk", DIP.what, replaces="licences", **SAID)
    only = sc.Scenario("launch", [SCENARIO.changes[0]])
    expected = plan_of(projection, scenario=only, components=(*LINES, quoted.what))
    np.testing.assert_array_equal(plan_of(projection, quoted).totals, expected.totals)
    expected = plan_of(projection, scenario=sc.Scenario("launch", [*SCENARIO.changes, DIP.what]), components=LINES[1:])
    np.testing.assert_array_equal(plan_of(projection, shrunk).totals, expected.totals)


def test_a_reserve_may_be_overridden(projection, plain):
    more = sc.Override("more", sc.Reserve("rainy day", 8_000), replaces="rainy day", **SAID)
    made = plan_of(projection, more)
    assert made.funding == pytest.approx(plain.funding + 3_000, abs=0.005)  # a reserve is outside the total
    assert made.set_aside().loc["rainy day", "amount"] == 8_000


def test_a_change_is_replaced_in_every_branch(projection):
    calm, busy = sc.Scenario("calm", [launch("2027-02-01")]), sc.Scenario("busy", [launch("2027-02-01"), DIP.what])
    tree = sc.Scenario("both", [SCENARIO.changes[0]]).tree([(0.6, calm), (0.4, busy)])
    later = sc.Scenario("both", [SCENARIO.changes[0]]).tree(
        [
            (0.6, sc.Scenario("calm", [launch("2027-03-01")])),
            (0.4, sc.Scenario("busy", [launch("2027-03-01"), DIP.what])),
        ]
    )
    made = plan_of(projection, SLIP, scenario=tree)
    np.testing.assert_array_equal(made.totals, plan_of(projection, scenario=later).totals)
    same(made.without("launch slips"), plan_of(projection, scenario=tree))


def test_what_is_tied_and_funded_is_what_is_in_force(projection):
    kept = sc.Reserve("for the cloud", funds="second cloud")
    cloud = sc.Override("second cloud", sc.Fixed("second cloud", monthly=sc.between(500, 4_000)), **SAID)
    tie = sc.CommonFactor("mood", {"second cloud": 0.7, "launch.users": 0.7})
    made = plan_of(projection, cloud, components=(*LINES, kept), dependence=[tie])
    expected = plan_of(projection, components=(*LINES, kept, cloud.what), dependence=[tie])
    np.testing.assert_array_equal(made.totals, expected.totals)
    assert made.earmarks[0].held == expected.earmarks[0].held > 0
    np.testing.assert_array_equal(made.untied, expected.untied)
    pd.testing.assert_frame_equal(made.sensitivity(), expected.sensitivity())


# ----------------------------------------------------------------------------------------------------- taking away


@pytest.mark.parametrize("name", ["launch slips", "licences cut", "second cloud", "quiet spring"])
def test_without_is_the_plan_that_was_made_without_it_bit_for_bit(projection, judged, name):
    every = (SLIP, CUT, CLOUD, DIP)
    same(judged.without(name), plan_of(projection, *(o for o in every if o.name != name)))


def test_without_all_of_them_is_the_plan_as_asked(judged, plain):
    made = judged
    for name in [o.name for o in judged.spec.overrides]:
        made = made.without(name)
    same(made, plain)
    assert made.spec == plain.spec


def test_the_spec_keeps_what_was_asked_beside_what_is_laid_over(judged, projection):
    assert judged.spec.scenario == SCENARIO
    assert judged.spec.components == LINES
    assert judged.spec.overrides == (SLIP, CUT, CLOUD, DIP)
    assert judged.spec.laid.overrides == ()
    assert judged.spec.laid.scenario.changes[1].on == pd.Timestamp("2027-03-01")
    np.testing.assert_array_equal(sc.plan(projection, **arguments_of(judged.spec)).totals, judged.totals)
    np.testing.assert_array_equal(sc.plan(projection, **arguments_of(judged.spec.laid)).totals, judged.totals)


def arguments_of(spec: sc.PlanSpec) -> dict[str, object]:
    return {name: getattr(spec, name) for name in spec.__dataclass_fields__}


def test_replan_keeps_overrides_and_lays_them_over_what_is_new(projection, judged):
    calm = sc.Scenario("calm", [launch("2027-01-15")])
    same(judged.replan(scenario=calm), plan_of(projection, SLIP, CUT, CLOUD, DIP, scenario=calm))
    same(judged.replan(overrides=[]), plan_of(projection))
    with pytest.raises(PlanError, match="replaces 'launch', which is neither"):
        judged.replan(scenario=sc.Scenario())


# ------------------------------------------------------------------------------------------------------- the table


def test_the_table_lists_them_with_who_why_and_when(judged):
    table = judged.overrides()
    assert list(table.columns) == ["name", "what", "replaces", "who", "why", "on"]
    assert table["name"].tolist() == ["launch slips", "licences cut", "second cloud", "quiet spring"]
    assert table["replaces"].tolist() == ["launch", "licences", None, None]
    assert set(table["on"]) == {pd.Timestamp("2026-11-20")}
    assert set(table["who"]) == {SAID["who"]}


def test_effects_are_by_how_much_each_alone_moves_the_plan(projection, judged):
    table = judged.overrides(effects=True).set_index("name")
    months = 3  # the quarter, whole
    for column in ("base_effect", "budget_effect"):
        assert table.loc["second cloud", column] == pytest.approx(2_000 * months, abs=0.02)  # cents of two plans
        assert table.loc["licences cut", column] == pytest.approx(-300 * months, abs=0.02)
        assert table.loc["launch slips", column] < 0
        assert table.loc["quiet spring", column] < 0
    alone = plan_of(projection, CUT, CLOUD, DIP)
    assert table.loc["launch slips", "budget_effect"] == round(judged.budget - alone.budget, 2)


def test_a_plan_without_overrides_has_an_empty_table(plain):
    for effects in (False, True):
        assert plain.overrides(effects=effects).empty
    assert "budget_effect" in plain.overrides(effects=True)


def test_they_stand_in_the_ledger_of_assumptions(judged):
    rows = judged.assumptions[judged.assumptions["topic"] == "override"]
    assert rows["source"].tolist() == ["head of product: the vendor is late"] * 4
    assert set(rows["as_of"]) == {pd.Timestamp("2026-11-20")}
    assert set(rows["stale_from"]) == {pd.Timestamp("2027-02-20")}
    assert rows["assumption"].iloc[0].startswith("launch slips: a new workload")
    assert rows["assumption"].iloc[0].endswith("in place of 'launch'")
    lines = judged.assumptions[judged.assumptions["topic"] == "component"]
    assert lines["source"].tolist() == ["override 'licences cut'", "override 'second cloud'"]


# ---------------------------------------------------------------------------------------------------------- errors

BAD = {
    "no name": (lambda: sc.Override(" ", DIP.what, **SAID), "needs a name"),
    "no who": (lambda: sc.Override("a", DIP.what, who="", why="b", on="2026-11-20"), "who = '': say who made it"),
    "no why": (
        lambda: sc.Override("a", DIP.what, who="b", why=None, on="2026-11-20"),
        "why = None: say on what grounds",
    ),
    "no date": (lambda: sc.Override("a", DIP.what, who="b", why="c", on="soon"), "Override 'a': on"),
    "no what": (lambda: sc.Override("a", 500_000, **SAID), "500000 is neither a change nor a component"),
    "a class": (lambda: sc.Override("a", sc.Step, **SAID), "is neither a change nor a component"),
    "a scenario": (lambda: sc.Override("a", SCENARIO, **SAID), "is neither a change nor a component"),
    "blank replaces": (lambda: sc.Override("a", DIP.what, replaces="", **SAID), "name what it stands in for"),
}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD.keys())
def test_what_is_no_override_is_told(make, message):
    with pytest.raises(PlanError, match=message):
        make()


def other(override: sc.Override, **fields: object) -> sc.Override:
    held = {name: getattr(override, name) for name in ("who", "why", "on", "replaces")} | fields
    return sc.Override(held.pop("name", override.name), held.pop("what", override.what), **held)


BAD_PLANS = {
    "unknown": ([other(SLIP, replaces="lunch")], "replaces 'lunch'.*there are growth, launch, licences.*'launch'"),
    "twice replaced": ([SLIP, other(SLIP, name="again")], "'launch slips' and 'again' both replace 'launch'"),
    "one name": ([CLOUD, other(DIP, name="second cloud")], "two overrides are named 'second cloud'"),
    "no override": ([DIP.what], "is not an override; wanted"),
    "after the plan": ([other(CLOUD, on="2027-04-01")], "after the plan's last day, 2027-03-31"),
    "a line of that name": (
        [other(CLOUD, what=sc.Fixed("licences", monthly=1))],
        "two components are named 'licences'",
    ),
    "a change that stands": ([other(CLOUD, what=launch("2027-03-01"))], "launch.*stands twice"),
    "of another's": ([CLOUD, other(CUT, replaces="second cloud")], "neither a change nor a component of the plan"),
}


@pytest.mark.parametrize(("overrides", "message"), BAD_PLANS.values(), ids=BAD_PLANS.keys())
def test_overrides_that_do_not_fit_are_told(projection, overrides, message):
    with pytest.raises(TokenplanError, match=message):
        plan_of(projection, *overrides)


def test_what_two_bear_by_name_is_told(projection):
    named = (sc.Fixed("launch", monthly=5),)
    with pytest.raises(PlanError, match="2 of the plan's changes and components are called 'launch'"):
        plan_of(projection, SLIP, components=named)


def test_a_tie_that_an_override_takes_away_is_told(projection):
    tied = sc.Scenario(
        "t", SCENARIO.changes, dependence=[sc.CommonFactor("mood", {"launch.users": 0.5, "growth": 0.5})]
    )
    gone = other(SLIP, what=launch("2027-03-01", name="later"))
    with pytest.raises((PlanError, ScenarioError), match="launch"):
        plan_of(projection, gone, scenario=tied)


def test_overrides_that_are_no_list_and_names_that_are_none_are_told(projection, judged, plain):
    with pytest.raises(PlanError, match="overrides: wanted a list"):
        sc.plan(projection, overrides=SLIP, draws=100)
    with pytest.raises(PlanError, match=r"no override 'launch slip'.*'launch slips'"):
        judged.without("launch slip")
    with pytest.raises(PlanError, match="none in this plan"):
        plain.without("launch slips")


def test_an_override_is_a_value():
    assert other(SLIP) == SLIP
    assert other(SLIP, why="another") != SLIP
    with pytest.raises(AttributeError):
        SLIP.who = "nobody"
    assert replace(SLIP, why="another").why == "another"
