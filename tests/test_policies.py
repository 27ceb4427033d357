"""Rollover, holdback and release along every path: a plain program as referee, and no money made or lost."""

import dataclasses
import json
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.calendars import CALENDAR_YEAR, Calendar
from forecast.errors import PlanError
from forecast.streams import stream
from scenarios.budget.following import Clock, followed
from scenarios.budget.ledger import Ledger
from scenarios.budget.planfile import read_plan_file
from scenarios.cli import main
from scenarios.report.charts import percent
from tests.usages import organisation, plain

CENT = 0.005
#: Both programs add up the same few hundred doubles of about 1e5.
SAME = {"rtol": 1e-12, "atol": 1e-9}
#: Rounding of a sum of 24 doubles of about 1e3.
ROUNDING = 1e-9


def by_hand(budget, spend, policy, lapse, settle, deal):
    """One draw of a policy, as a clerk would keep it: lists and loops only."""
    periods, parts = len(budget), len(budget[0])
    pool, kept, owed = 0.0, [0.0] * parts, [0.0] * parts
    out = []
    for t in range(periods):
        ended = deal is not None and t >= deal
        held = [0.0 if ended else policy.holdback * max(b, 0.0) for b in budget[t]]
        pool += sum(held)
        owed = [o + h for o, h in zip(owed, held, strict=True)]
        released = [0.0] * parts
        if t == deal:
            left = [sum(max(budget[s][p], 0.0) for s in range(t, periods)) for p in range(parts)]
            share = [x / sum(left) for x in left] if sum(left) > 0 else [1 / parts] * parts
            released, pool = [pool * s for s in share], 0.0
        has = [kept[p] + budget[t][p] - held[p] + released[p] for p in range(parts)]
        lack = [max(spend[t][p] - has[p], 0.0) for p in range(parts)]
        if policy.release == "on need" and sum(lack) > 0:
            reach = min(pool, sum(lack)) / sum(lack)
            paid = [x * reach for x in lack]
            released = [a + b for a, b in zip(released, paid, strict=True)]
            lack = [a - b for a, b in zip(lack, paid, strict=True)]
            pool -= sum(paid)
        rest = [max(has[p] - spend[t][p], 0.0) for p in range(parts)]
        kept = [policy.rollover * x for x in rest]
        if policy.rollover_cap is not None:
            kept = [min(k, policy.rollover_cap * max(b, 0.0)) for k, b in zip(kept, budget[t], strict=True)]
        if lapse[t]:
            kept = [0.0] * parts
        lapsed = [a - b for a, b in zip(rest, kept, strict=True)]
        pool += sum(lapsed)
        if settle[t]:
            for p in range(parts):
                so_far = sum(spend[s][p] for s in range(t + 1)), sum(budget[s][p] for s in range(t + 1))
                if policy.release == "on plan" and so_far[0] <= so_far[1] + 1e-9:
                    released[p] += owed[p]
                    kept[p] += owed[p]
                    pool -= owed[p]
                owed[p] = 0.0
        out.append((released, lack, lapsed, list(kept), pool))
    return out


POLICIES = [
    sc.BudgetPolicy(rollover=rollover, rollover_cap=cap, expires=expires, holdback=holdback, release=release)
    for rollover, cap, expires, holdback, release in product(
        (0.0, 0.7, 1.0), (None, 0.3), (None, "quarter"), (0.0, 0.15), ("on need", "on plan", "never", "2027-03-10")
    )
]
PERIODS, PARTS, DRAWS = 8, 3, 25
QUARTERS = np.arange(1, PERIODS + 1) % 3 == 0


@pytest.fixture(scope="module")
def money():
    """Budgets of eight months, one of them negative, and spend that wanders around them, with a credit."""
    rng = stream(0, "policies")
    budget = np.round(rng.uniform(50.0, 150.0, (PERIODS, PARTS)), 2)
    budget[3, 1] = -12.5
    spend = budget * rng.lognormal(-0.05, 0.4, (DRAWS, PERIODS, PARTS))
    spend[0, 5, 2] = -40.0
    return budget, spend


def clock_of(policy):
    lapse = QUARTERS if policy.expires else np.zeros(PERIODS, dtype=bool)
    return Clock(lapse, QUARTERS, None if policy.day is None else 2)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.label)
def test_every_draw_equals_a_clerks_book(money, policy):
    budget, spend = money
    clock = clock_of(policy)
    found = followed(budget, spend, policy, clock)
    for d in range(DRAWS):
        told = by_hand(budget.tolist(), spend[d].tolist(), policy, clock.lapse, clock.settle, clock.deal)
        for t, (released, lack, lapsed, kept, pool) in enumerate(told):
            np.testing.assert_allclose(found.released[d, t], released, **SAME)
            np.testing.assert_allclose(found.shortfall[d, t], lack, **SAME)
            np.testing.assert_allclose(found.lapsed[d, t], lapsed, **SAME)
            np.testing.assert_allclose(found.kept[d, t], kept, **SAME)
            np.testing.assert_allclose(found.pool[d, t], pool, **SAME)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.label)
def test_in_each_draw_and_month_no_money_is_made_or_lost(money, policy):
    budget, spend = money
    found = followed(budget, spend, policy, clock_of(policy))
    so_far = np.cumsum(budget.sum(axis=1))
    of_them = np.cumsum((spend - found.shortfall).sum(axis=2), axis=1)
    held = found.kept.sum(axis=2) + found.pool
    assert np.abs(of_them + held - so_far).max() <= ROUNDING
    # The pool gives no more than it was given: what is held back, and what lapsed.
    given = np.cumsum((budget - found.granted).sum(axis=1)) + np.cumsum(found.lapsed.sum(axis=2), axis=1)
    assert np.abs(given - np.cumsum(found.released.sum(axis=2), axis=1) - found.pool).max() <= ROUNDING
    assert min(found.released.min(), found.shortfall.min(), found.lapsed.min(), found.pool.min()) >= -ROUNDING


def test_one_part_over_four_months_is_hand_arithmetic():
    budget, spend = np.full((4, 1), 100.0), np.array([[[70.0], [120.0], [110.0], [80.0]]])
    policy = sc.BudgetPolicy(rollover=0.5, holdback=0.1)
    found = followed(budget, spend, policy, Clock(np.zeros(4, dtype=bool), np.zeros(4, dtype=bool), None))
    # Granted 90 each month. Month 1: 20 left, 10 kept, 10 lapse; the pool has 10 + 10.
    # Month 2: 90 + 10 against 120: 20 short, the pool of 30 pays. Month 3: 90 against 110: 20 short, 20 in the pool.
    # Month 4: 10 left, 5 kept, 5 lapse; the pool has 10 + 5.
    assert found.kept[0, :, 0].tolist() == [10.0, 0.0, 0.0, 5.0]
    assert found.released[0, :, 0].tolist() == [0.0, 20.0, 20.0, 0.0]
    assert found.pool[0].tolist() == [20.0, 10.0, 0.0, 15.0]
    assert not found.shortfall.any()


def test_a_pool_that_does_not_reach_is_shared_by_what_is_lacked():
    budget = np.array([[100.0, 100.0]])
    found = followed(
        budget,
        np.array([[[120.0, 150.0]]]),
        sc.BudgetPolicy(holdback=0.1),
        Clock(np.zeros(1, dtype=bool), np.zeros(1, dtype=bool), None),
    )
    # They lack 30 and 60, and the pool has 20: a third goes to the one, two thirds to the other.
    np.testing.assert_allclose(found.released[0, 0], [20 / 3, 40 / 3], rtol=1e-12)
    np.testing.assert_allclose(found.shortfall[0, 0], [30 - 20 / 3, 60 - 40 / 3], rtol=1e-12)


# ------------------------------------------------------------------------------------------------------ of a plan


@pytest.fixture(scope="module")
def plan():
    projection = fc.project(organisation(), horizon="2Q", seed=7, trajectories=60)
    return sc.plan(
        projection,
        components=[sc.Fixed("base", sc.between(3_000, 6_000))],
        split=sc.EnvironmentSplit(development=(0.15, 0.20), production=(0.60, 0.70)),
        draws=400,
        seed=7,
    )


@pytest.mark.parametrize("every", ["month", "quarter", "year"])
@pytest.mark.parametrize("by", ["environment", ["environment", "project"], []])
def test_budgets_are_the_plans_to_the_cent_and_spend_is_its_demand(plan, by, every):
    run = plan.under(sc.BudgetPolicy(), by=by, every=every)
    assert round(run.budget.sum(), 2) == plan.budget
    np.testing.assert_allclose(run.spend.sum(axis=(1, 2)), plan.totals, rtol=1e-12)
    names = [every, *([by] if isinstance(by, str) else by)]
    table = plan.table(names, demand=True)
    assert run.budget.ravel().tolist() == table["budget"].tolist()
    np.testing.assert_allclose(np.median(run.spend, axis=0).ravel(), table["demand_p50"], rtol=1e-12, atol=1e-9)


def test_without_rollover_holdback_and_release_months_stand_alone(plan):
    run = plan.under(sc.BudgetPolicy(rollover=0, holdback=0, release="never"))
    over = np.maximum(run.spend - run.budget, 0.0)
    table = run.table(errors=True)
    parts = ["development", "production", "staging", "test"]
    assert list(table.index) == [*parts, "(central pool)", "total"]
    np.testing.assert_allclose(table.loc[parts, "expected_shortfall"], over.sum(axis=1).mean(axis=0), atol=2 * CENT)
    assert table.loc[parts, "probability_short"].tolist() == (over > CENT).any(axis=1).mean(axis=0).tolist()
    assert table.loc[parts, "months_short"].tolist() == (over > CENT).sum(axis=1).mean(axis=0).tolist()
    assert table.loc["total", "months_short"] == (over > CENT).any(axis=2).sum(axis=1).mean()
    lacked = over.sum(axis=(1, 2))
    assert table.loc["total", "shortfall_p95"] == pytest.approx(np.quantile(lacked, 0.95), abs=CENT)
    # Sixty trajectories stand for so many observations, and draws of one are more alike than others.
    assert table.loc["total", "expected_shortfall_se"] >= lacked.std() / np.sqrt(400)


def test_the_table_adds_up_to_the_cent(plan):
    for policy in (sc.BudgetPolicy(), sc.BudgetPolicy(release="on plan", expires="quarter", rollover_cap=0.5)):
        table = plan.under(policy).table()
        total = table.loc["total"]
        for column in ("budget", "spent", "expected_shortfall", "released", "lapsed", "idle"):
            assert round(table[column].iloc[:-1].sum(), 2) == total[column]
        assert total["budget"] + total["expected_shortfall"] == pytest.approx(total["spent"] + total["idle"], abs=0.02)
        months = plan.under(policy).by_period()
        assert months["spent"].sum() == pytest.approx(total["spent"], abs=6 * CENT)
        # Rows of a table give up to a cent of their rounding to each other.
        assert months["pool"].iloc[-1] == pytest.approx(table.loc["(central pool)", "idle"], abs=0.011)


def test_one_pool_for_all_and_full_rollover_is_short_only_when_all_is_spent(plan):
    """With everything held back and paid on need, a future is short exactly when spend to date exceeds the budget."""
    run = plan.under(sc.BudgetPolicy(holdback=1.0), by="environment")
    lacked = run.money.shortfall.sum(axis=(1, 2))
    funded = np.zeros(len(lacked))
    reach = np.zeros(len(lacked))
    for budget, spend in zip(run.budget.sum(axis=1), run.spend.sum(axis=2).T, strict=True):
        reach += budget
        paid = np.minimum(spend, reach - funded)
        funded += paid
    np.testing.assert_allclose(lacked, plan.totals - funded, atol=1e-6)
    # Over the whole span, that is the plan's own risk of going over.
    assert run.table().loc["total", "probability_short"] >= plan.probability_over(plan.budget)


def test_policies_are_compared_in_the_same_draws(plan):
    runs = [
        plan.under(p) for p in (sc.BudgetPolicy(rollover=0, holdback=0, release="never"), sc.BudgetPolicy(name="ours"))
    ]
    table = runs[0].compare(runs[1])
    assert list(table.index) == ["rollover 0%, holdback 0% never", "ours"]
    lacked = [run.money.shortfall.sum(axis=(1, 2)) for run in runs]
    assert table.loc["ours", "saved"] == pytest.approx((lacked[0] - lacked[1]).mean(), abs=CENT)
    assert table.loc["ours", "better"] == np.mean(lacked[0] - lacked[1] > CENT)
    assert table.iloc[0][["saved", "saved_se", "better"]].tolist() == [0.0, 0.0, 0.0]
    for run, row in zip(runs, table.index, strict=True):
        total = run.table().loc["total"]
        assert table.loc[row, "expected_shortfall"] == total["expected_shortfall"]
        assert table.loc[row, "idle"] == total["idle"]
    for other in (plan.under(sc.BudgetPolicy(), by="project"), plan.under(sc.BudgetPolicy(), every="quarter")):
        with pytest.raises(PlanError, match="not of the same plan, by and every"):
            runs[0].compare(other)
    with pytest.raises(PlanError, match=r"takes what plan\.under"):
        runs[0].compare(sc.BudgetPolicy())


# ------------------------------------------------------------------------------------------------------- calendars


@cache
def nine_months(weeks):
    """A plan of May to January, of a year by weeks or months."""
    usage = plain(np.full(200, 1_000.0), start="2025-10-01")
    calendar = Calendar(weeks=weeks)
    projection = fc.project(
        usage, start="2026-05-01", end="2027-01-31", model="run_rate", trajectories=20, calendar=calendar
    )
    return sc.plan(projection, draws=100)


def calendar_run(policy, calendar, every="month"):
    """A plan of one line that costs the same every month of a future, and from 1 to 100 by future."""
    plan = nine_months(calendar.weeks)
    days = plan.ledger.days
    labels = pd.DataFrame({"line": ["tokens"], "environment": "production"})
    money = np.repeat(np.arange(1.0, 101.0)[:, None, None], len(days), axis=1)
    one = np.ones(1, dtype=bool)
    ledger = Ledger(labels, money, one, one, days, ("production",), None, calendar)
    return dataclasses.replace(plan, ledger=ledger, _kept={}).under(policy, every=every)


@pytest.mark.parametrize(
    ("calendar", "expires", "ends"),
    [
        (CALENDAR_YEAR, "quarter", ["2026-06", "2026-09", "2026-12"]),
        (Calendar(start_month=2), "quarter", ["2026-07", "2026-10", "2027-01"]),
        (CALENDAR_YEAR, "year", ["2026-12"]),
        (Calendar(start_month=2), "year", ["2027-01"]),
        # By weeks 4-4-5 the third month of each quarter ends it; May to January are P05 to P13 of a year from January.
        (Calendar(weeks="4-4-5"), "quarter", ["FY2026P06", "FY2026P09", "FY2026P12"]),
    ],
    ids=str,
)
def test_what_is_kept_expires_with_the_fiscal_quarter_or_year(calendar, expires, ends):
    run = calendar_run(sc.BudgetPolicy(expires=expires, holdback=0.0, release="never"), calendar)
    lapsed = run.money.lapsed[0, :, 0]
    assert [m for m, x in zip(run.periods, lapsed, strict=True) if x > 0] == ends
    # What is kept to then is the sum of what was left in each month.
    left = np.diff([0.0, *np.cumsum(run.budget[:, 0] - run.spend[0, :, 0])[lapsed > 0]])
    np.testing.assert_allclose(lapsed[lapsed > 0], left, rtol=1e-12)


def test_by_quarter_a_quarters_budget_is_granted_at_once():
    run = calendar_run(sc.BudgetPolicy(holdback=0.0, expires="quarter"), CALENDAR_YEAR, every="quarter")
    assert run.periods == ("2026Q2", "2026Q3", "2026Q4", "2027Q1")
    assert [round(b / 80.2) for b in run.budget[:, 0]] == [2, 3, 3, 1]
    # The last quarter goes on after the plan: what is left of it is kept.
    assert (run.money.lapsed[0, :, 0] > 0).tolist() == [True, True, True, False]


@pytest.mark.parametrize(("day", "month"), [("2026-05-01", 0), ("2026-07-31", 2), ("2026-08-01", 3), ("2027-01-31", 8)])
def test_a_release_on_a_day_comes_in_its_month_and_ends_the_holdback(day, month):
    run = calendar_run(sc.BudgetPolicy(rollover=1.0, holdback=0.2, release=day), CALENDAR_YEAR)
    released = run.money.released[0, :, 0]
    held = 0.2 * run.budget[:month, 0].sum()
    np.testing.assert_allclose(released, np.where(np.arange(9) == month, held, 0.0), rtol=1e-12)
    np.testing.assert_allclose(run.money.granted[month:], run.budget[month:])


def test_who_is_on_plan_gets_back_what_was_held_at_the_end_of_the_quarter():
    run = calendar_run(sc.BudgetPolicy(holdback=0.2, release="on plan"), CALENDAR_YEAR)
    released = run.money.released[:, :, 0]
    # The budget is that of the 80th future and a bit: futures 1 to 80 spend no more to any date, 81 to 100 more.
    assert (released[:80] > 0).sum(axis=1).tolist() == [3] * 80
    assert not released[80:].any()
    np.testing.assert_allclose(released[0, [1, 4, 7]], 0.2 * np.array([2, 3, 3]) * 80.2, atol=3 * CENT)


# ---------------------------------------------------------------------------------------------- terms, words, files


def test_a_policy_says_what_it_does():
    policy = sc.BudgetPolicy(rollover=0.5, rollover_cap=2.0, expires="year", holdback=0.1, release="on plan")
    assert policy.describe() == (
        "50% of what is not spent rolls over, at most 2 of a month's budget, and lapses at the end of each fiscal "
        "year; 10% of each month's budget is held back; what lies in the pool is returned at the end of each fiscal "
        "quarter to who has spent no more than its budget to date"
    )
    assert sc.BudgetPolicy(rollover=0, holdback=0, release="never").describe() == (
        "what is not spent lapses; nothing is held back; what lies in the pool is kept"
    )
    assert sc.BudgetPolicy(release="2027-03-01").describe().endswith("the pool is dealt out on 2027-03-01")
    assert sc.BudgetPolicy(release="2027-03-01") == sc.BudgetPolicy(release=pd.Timestamp("2027-03-01"))


REFUSED = {
    "rollover above 1": ({"rollover": 1.5}, r"rollover = 1\.5: wanted a share from 0 to 1"),
    "rollover in words": ({"rollover": "all"}, "rollover = 'all': wanted a share"),
    "negative holdback": ({"holdback": -0.1}, r"holdback = -0\.1: wanted a share"),
    "a flag": ({"holdback": True}, "holdback = True: wanted a share"),
    "not a number": ({"rollover": float("nan")}, "rollover = nan: wanted a share"),
    "negative cap": ({"rollover_cap": -1}, "rollover_cap = -1: wanted a multiple of the month's budget"),
    "expiry": ({"expires": "quarterly"}, "did you mean 'quarter'"),
    "release": ({"release": "on needs"}, "wanted 'on need', 'on plan', 'never' or a date; did you mean 'on need'"),
    "a day that is none": ({"release": "2027-02-30"}, "'2027-02-30': wanted 'on need'"),
    "a number for a release": ({"release": 3}, "release = 3: wanted"),
    "name": ({"name": 3}, "name = 3: wanted text"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_terms_that_do_not_hold_are_refused_in_words(case):
    given, words = REFUSED[case]
    with pytest.raises(PlanError, match=words):
        sc.BudgetPolicy(**given)


def test_what_a_plan_cannot_follow_is_refused_in_words(plan):
    for wrong, words in (
        (lambda: plan.under("rollover"), "wanted a BudgetPolicy"),
        (lambda: plan.under(sc.BudgetPolicy(), by="month"), "by 'month' is not known"),
        (lambda: plan.under(sc.BudgetPolicy(), by="enviroment"), "did you mean 'environment'"),
        (lambda: plan.under(sc.BudgetPolicy(), every="week"), "every 'week' is not known"),
        (
            lambda: plan.under(sc.BudgetPolicy(release="2029-01-01")),
            "lies outside the plan of 2027-01-01 to 2027-06-30",
        ),
    ):
        with pytest.raises(PlanError, match=words):
            wrong()


def file_with(tmp_path, policy):
    usage = "date,provider,model,environment,project,requests,input_tokens\n"
    usage += "".join(
        f"2026-{m:02}-{d:02},openai,gpt-5,production,a,10,{d}00000\n" for m in (8, 9, 10) for d in range(1, 31)
    )
    (tmp_path / "usage.csv").write_text(usage, encoding="utf-8")
    path = tmp_path / "plan.toml"
    model = '[forecast]\nmodel = "seasonal_mean"\ntrajectories = 60\n'
    text = f'[plan]\nhorizon = "1Q"\ndraws = 200\n[usage]\nfile = "usage.csv"\n{model}{policy}'
    path.write_text(text, encoding="utf-8")
    return path


def test_a_plan_file_tells_a_policy(tmp_path):
    told = '[policy]\nrollover = 0.5\nrollover_cap = 1\nexpires = "quarter"\nholdback = 0.2\nrelease = 2027-02-01\n'
    assert read_plan_file(file_with(tmp_path, told)).policy == sc.BudgetPolicy(
        rollover=0.5, rollover_cap=1, expires="quarter", holdback=0.2, release="2027-02-01"
    )
    assert read_plan_file(file_with(tmp_path, "[policy]\n")).policy == sc.BudgetPolicy()
    assert read_plan_file(file_with(tmp_path, "")).policy is None


def test_every_problem_of_a_policy_in_a_file_is_told_at_once(tmp_path):
    wrong = '[policy]\nrollover = 2\nholdbak = 0.1\nexpires = "month"\nrelease = "someday"\nholdback = "10 %"\n'
    with pytest.raises(PlanError) as raised:
        read_plan_file(file_with(tmp_path, wrong + "[[components]]\nkind = 'reserve'\nname = 'm'\nto = 1\n"))
    told = str(raised.value)
    assert "6 problems" in told
    for words in (
        "policy.rollover: 2: wanted a share from 0 to 1",
        "policy.holdbak: is not a key; did you mean 'holdback'",
        "policy.expires: 'month' is not known; allowed: 'quarter', 'year'",
        "policy.release: 'someday': wanted 'on need', 'on plan', 'never' or a date",
        "policy.holdback: '10 %': wanted a share",
        "components[1]: Reserve 'm': to = 1: wanted a level above",
    ):
        assert words in told
    path = file_with(tmp_path, "")
    path.write_text("policy = 3\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(PlanError, match=r"policy: 3: wanted a table; write \[policy\]"):
        read_plan_file(path)


def test_the_command_tells_what_a_files_policy_does(tmp_path, capsys):
    path = file_with(tmp_path, '[policy]\nrelease = "never"\n')
    file = read_plan_file(path)
    run = file.plan(file.project(file.usage.read()), file.prices.book()).under(file.policy)
    total = run.table().loc["total"]
    assert main(["plan", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["policy"]
    assert told["terms"] == file.policy.describe()
    assert [row["environment"] for row in told["rows"]] == ["production", "(central pool)", "total"]
    assert told["rows"][-1]["idle"] == total["idle"]
    assert main(["plan", str(path)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Spending does not react to it." in out
    assert f"In {percent(total['probability_short'])} of futures some month is short." in out
    assert f"At the end {total['idle']:,.2f} USD lie idle on average" in out
