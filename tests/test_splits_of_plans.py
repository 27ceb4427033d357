"""Splits inside plans: money that moves and adds up, parts inside parts, shared costs and recent shares by hand."""

import itertools
from io import BytesIO

import numpy as np
import openpyxl
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from scenarios.budget.bounded import nearest_in_ranges
from scenarios.budget.dealing import ledger_of
from scenarios.components import Row
from scenarios.report.page import page_html
from scenarios.report.workbook import workbook_bytes
from tests.test_report import texts_of
from tests.usages import organisation

#: Rounding of a sum of doubles, relative to the sum.
ROUNDING = 1e-12
DRAWS = 300
ENVIRONMENTS = ["development", "production", "staging", "test"]
POLICY = sc.EnvironmentSplit(development=(0.15, 0.20), production=(0.60, 0.70))
LINES = [
    sc.Fixed("base", monthly=sc.between(9_000, 15_000)),
    sc.Fixed("desk", 300.0, department="service"),
    sc.Fixed("cluster", 700.0, environment="staging"),
    sc.ShareOf("hidden", sc.between(0.05, 0.15), of="tokens", project="search"),
]


#: A book of four prices takes no time to hash.
BOOK = fc.PriceBook.from_frame(
    pd.DataFrame(
        [
            ("gpt-5", "input_tokens", 1.25),
            ("gpt-5", "output_tokens", 10.0),
            ("gpt-5-mini", "input_tokens", 0.25),
            ("gpt-5-mini", "output_tokens", 2.0),
        ],
        columns=["model", "unit", "price"],
    )
)


@pytest.fixture(scope="module")
def projection():
    return fc.project(organisation(), horizon="1Q", seed=7, trajectories=25)


def planned(projection, split, *lines, **more):
    return sc.plan(
        projection, components=lines or LINES, split=split, prices=BOOK, **{"draws": DRAWS, "seed": 7, **more}
    )


@pytest.fixture(scope="module")
def unsplit(projection):
    return planned(projection, None)


# ------------------------------------------------------------------------------------------------- what was, remains


def test_policy_makes_no_money_even_by_rounding(projection):
    """Transfers of a month sum to 0.00, and so all other lines to the plan's amounts."""
    plan = planned(projection, [POLICY, sc.Split("department", {"service": (0.30, None)})])
    table = plan.table(["month", "line"])
    moved = table.xs("policy transfer", level="line")[["base", "budget", "contingency"]]
    assert moved.to_numpy().tolist() == [[0.0, 0.0, 0.0]] * 3
    assert plan.table(["environment", "line"]).xs("policy transfer", level="line")["budget"].abs().min() > 1.0
    others = plan.table("line").drop(index="policy transfer")
    assert [round(others[c].sum(), 2) for c in ("base", "budget")] == [plan.base, plan.budget]


def test_a_split_over_environments_is_bit_for_bit_what_a_plain_program_gives(projection, unsplit):
    """The rule of environments alone, written out: shares of the horizon's demand, nearest point, lines dealt by it."""
    plan = planned(projection, POLICY)
    money, labels = unsplit.ledger.money, unsplit.ledger.labels
    bears = unsplit.ledger.own
    own = [money[:, :, bears & (labels["environment"] == e).to_numpy()].sum(axis=2) for e in ENVIRONMENTS]
    month = np.stack(own, axis=2)
    demand = month.sum(axis=1)
    wanted = demand / demand.sum(axis=1, keepdims=True)
    point = np.column_stack([wanted[:, 0], wanted[:, 1], wanted[:, 2:].sum(axis=1)])
    given = nearest_in_ranges(point, np.array([0.15, 0.60, 0.0]), np.array([0.20, 0.70, 1.0]))
    among = wanted[:, 2:] / wanted[:, 2:].sum(axis=1, keepdims=True)
    shares = np.column_stack([given[:, 0], given[:, 1], given[:, 2:] * among])
    transfer = shares[:, None, :] * month.sum(axis=2, keepdims=True) - month
    dealt = [money[:, :, [i]] * shares[:, None, :] for i in np.nonzero(~bears)[0]]
    assert np.array_equal(plan.ledger.shares, shares)
    assert np.array_equal(plan.ledger.money, np.concatenate([money[:, :, bears], *dealt, transfer], axis=2))


def test_a_split_by_environment_is_the_same_told_either_way(projection):
    one = planned(projection, POLICY)
    two = planned(projection, sc.Split("environment", {"development": (0.15, 0.20), "production": (0.60, 0.70)}))
    three = planned(projection, [POLICY])
    for other in (two, three):
        assert np.array_equal(one.ledger.money, other.ledger.money)
        pd.testing.assert_frame_equal(one.table(), other.table())


# ---------------------------------------------------------------------------------- money moves, adds up, stays inside

DEPARTMENTS = {"product": (0.35, 0.60), "service": (0.30, 0.55)}
SPLITS = {
    "department": [sc.Split("department", DEPARTMENTS)],
    "department by a key": [sc.Split("department", DEPARTMENTS, shared={"*": {"product": 3, "service": 1}})],
    "project, no policy": [sc.Split("project")],
    "drawn": [sc.Split("project", {"search": (0.3, 0.45)}, basis="stochastic")],
    "nested": [POLICY, sc.Split("department", DEPARTMENTS, basis="equal risk")],
    "nested with a key": [POLICY, sc.Split("department", DEPARTMENTS, shared={"base": "cost", "*": "equally"})],
    "the other way": [sc.Split("department"), sc.EnvironmentSplit(production=(0.5, 0.6), basis="stochastic")],
    "three deep": [POLICY, sc.Split("department", DEPARTMENTS, basis="midpoint"), sc.Split("project", basis="recent")],
    "nobody told": [sc.Split("segment", {"a": 0.3, "b": (0.5, None), "c": (None, 0.4)}, basis="stochastic")],
}


@pytest.fixture(scope="module", params=SPLITS.values(), ids=SPLITS.keys())
def split(request, projection):
    return planned(projection, request.param)


def summed(plan, by, rows=None):
    labels, group = plan.ledger.groups(by)
    return labels, plan.ledger.summed(group, len(labels), rows)


def test_policy_moves_money_inside_each_part_and_month_and_makes_none(split, unsplit):
    ledger = split.ledger
    before: list[str] = []
    np.testing.assert_allclose(split.totals, unsplit.totals, rtol=ROUNDING)
    for level in ledger.levels:
        # What a part of the splits before holds is, in every draw and month, what it was before this one.
        _, money = summed(split, ["month", *before])
        _, demand = summed(split, ["month"], ledger.demand)
        np.testing.assert_allclose(money.reshape(DRAWS, 3, -1).sum(axis=2), demand, rtol=ROUNDING)
        for parted in level.parted:
            assert np.abs(parted.moved.sum(axis=1)).max() <= ROUNDING * split.totals.max()
        before.append(level.split.by)
    own = ~ledger.demand
    if own.any():
        _, moved = summed(split, ["month"], own)
        assert np.abs(moved).max() <= ROUNDING * split.totals.max()


def test_each_part_has_its_share_of_what_it_is_part_of_in_every_draw(split):
    columns: list[str] = []
    for level in split.ledger.levels:
        columns.append(level.split.by)
        labels, money = summed(split, columns)
        for parted in level.parted:
            at = [
                int(np.nonzero((labels[columns] == [*[v for _, v in parted.where], part]).all(axis=1))[0][0])
                for part in parted.parts
            ]
            share = money[:, at] / money[:, at].sum(axis=1, keepdims=True)
            np.testing.assert_allclose(share, parted.shares, rtol=0, atol=1e-11)
            for part, low, high in level.split.ranges:
                given = parted.shares[:, parted.parts.index(part)]
                assert low <= given.min()
                assert given.max() <= high


def test_parts_add_up_to_the_budget_to_the_cent_over_any_by(split):
    columns = ("month", *split.ledger.labels.columns)
    for by in ([], *([c] for c in columns), *itertools.pairwise(columns), columns):
        table = split.table(list(by))
        assert round(table["budget"].sum(), 2) == split.budget
        assert round(table["base"].sum(), 2) == split.base
        assert round(table["contingency"].sum(), 2) == split.contingency


def test_budget_shares_lie_inside_the_ranges(split):
    for level in split.ledger.levels:
        policy = split.policy(level.split.by)
        inside = list(policy.index.names[:-1])
        whole = policy["budget"].groupby(inside).transform("sum") if inside else policy["budget"].sum()
        # Cents are rounded once a row and month, at most a cent each.
        slack = 0.01 * split.ledger.money[0].size / whole
        share = policy["budget"] / whole
        named = policy["low"].notna()
        assert (share >= policy["low"] - slack)[named].all()
        assert (share <= policy["high"] + slack)[named].all()


def test_the_policy_table_says_what_the_plan_says(split):
    for level in split.ledger.levels:
        policy = split.policy(level.split.by)
        table = split.table(list(policy.index.names), demand=True).loc[policy.index]
        assert (policy["budget"] == table["budget"]).all()
        known = policy["demand_share"].notna()
        assert (policy["overrun"] == table["overrun"])[known].all()
        assert policy["overrun"][~known].isna().all()
        assert (policy["state"] == "unknown").equals(~known)
        assert known.all() or level.split.by == "segment"
        assert policy["share"].sum() == pytest.approx(len(level.parted), rel=ROUNDING)
        ranged = policy[known & policy["low"].notna()]
        median = ranged["demand_p50"]
        squeezed, lifted = median > ranged["high"], median < ranged["low"]
        assert (ranged["state"] == np.where(squeezed, "squeezed", np.where(lifted, "lifted", "inside"))).all()
        shares = split.shares(level.split.by)
        np.testing.assert_allclose(shares.mean().to_numpy(), policy["share"].to_numpy(), rtol=ROUNDING)


# ------------------------------------------------------------------------------------------------------- equal risk


@pytest.mark.parametrize("before", [[], [POLICY], [sc.Split("department", basis="recent")]], ids=len)
def test_parts_of_equal_risk_overrun_equally_often(projection, before):
    plan = planned(projection, [*before, sc.Split("project", basis="equal risk")])
    policy = plan.policy()
    groups = list(policy.index.names[:-1])
    over = policy["overrun"].groupby(groups) if groups else [((), policy["overrun"])]
    for _, part in over:
        # Budgets are told in cents, which may tip a draw that lies within a cent of it, at most one a part.
        assert part.max() - part.min() <= 1 / DRAWS + ROUNDING


def test_ranges_stop_some_and_the_others_keep_equal_risk(projection):
    policy = planned(projection, sc.EnvironmentSplit(development=(0.15, 0.18), basis="equal risk")).policy()
    assert policy.loc["development", "share"] == pytest.approx(0.18, rel=ROUNDING)
    assert policy.loc["development", ["at_high", "state"]].tolist() == [1.0, "squeezed"]
    others = policy["overrun"].drop("development")
    assert others.max() - others.min() <= 1 / DRAWS + ROUNDING
    assert policy.loc["development", "overrun"] > others.max()


# ------------------------------------------------------------------------------------------------------ by hand

DAYS = pd.date_range("2026-01-01", periods=151)  # to 31 May: June is planned
#: environment, project, user, requests a day, and from which to which day.
USED = [
    ("production", "search", "ann", 600.0, 0, 151),
    ("production", "search", "old", 200.0, 0, 91),  # the last 90 days begin on day 61: 30 of these are inside
    ("production", "search", "bob", 200.0, 91, 151),
    ("production", "chat", "ann", 100.0, 0, 151),
    ("production", "chat", None, 100.0, 0, 151),
    ("development", "search", "cid", 300.0, 0, 151),
    ("development", "chat", "dee", 100.0, 0, 151),
]
#: 1,000 input tokens a request of a model at 1.25 USD a million.
PRICE = 0.00125


def hand_usage(*, used=USED, **more):
    rows = [
        pd.DataFrame(
            {"date": DAYS[a:b], "environment": e, "project": p, "user": u, "requests": n, "input_tokens": 1_000.0 * n}
        )
        for e, p, u, n, a, b in used
    ]
    frame = pd.concat(rows, ignore_index=True).assign(provider="openai", model="gpt-5", **more)
    return fc.Usage.from_frame(frame)


@pytest.fixture(scope="module")
def june():
    """Flat usage: June costs 30 days of what every day costs, in every draw."""
    return fc.project(hand_usage(), start="2026-06-01", end="2026-06-30", lag=0, trajectories=20)


def hand(june, split, *lines, **more):
    return sc.plan(june, components=lines, split=split, prices=BOOK, draws=100, seed=1, **more)


def day(requests):
    return requests * PRICE * 30


def test_nested_shares_by_hand(june):
    plan = hand(
        june,
        [sc.EnvironmentSplit(production=(0.5, 0.6)), sc.Split("project", {"chat": (0.3, None)})],
        sc.Fixed("base", 10.0),
        sc.Fixed("lab", 4.0, project="search"),
    )
    # A day's requests: production 1,000 and development 400 of 1,400, or 71 %: cut to 60 %. All the money, tokens, base
    # 10 and lab 4, is split 60 : 40. Inside production search has 800 and 60 % of lab as its own, chat 200: of 37.5 +
    # 2.4 chat wants 7.5, or 18.8 %: lifted to 30 %. Development: of 15 + 1.6 chat wants 3.75, or 22.6 %: 30 %.
    whole = day(1_400) + 14.0
    assert plan.budget == pytest.approx(whole, abs=0.005)
    budgets = plan.table(["environment", "project"])["budget"]
    expected = {
        ("production", "chat"): 0.18,
        ("production", "search"): 0.42,
        ("development", "chat"): 0.12,
        ("development", "search"): 0.28,
    }
    for key, share in expected.items():
        assert budgets[key] == pytest.approx(share * whole, abs=0.02)
    policy = plan.policy()
    assert policy.loc[("production", "chat"), "demand_share"] == pytest.approx(7.5 / (37.5 + 0.6 * 4), rel=1e-9)
    assert policy.loc[("development", "chat"), "demand_share"] == pytest.approx(3.75 / (15 + 0.4 * 4), rel=1e-9)
    assert policy["state"].tolist() == ["lifted", "squeezed", "lifted", "squeezed"]
    # What policy moves: 60 % of the tokens less what production wants; then 30 % of each part's labelled money.
    upper = plan.policy("environment")
    assert upper.loc["production", "transfer"] == pytest.approx(0.6 * day(1_400) - day(1_000), rel=1e-9)
    assert policy.loc[("production", "chat"), "transfer"] == pytest.approx(0.3 * (37.5 + 2.4) - 7.5, rel=1e-9)
    # And a part's demand is its own with what is dealt to it: 7.5, and 30 % of 60 % of base.
    demand = plan.table(["environment", "project"], demand=True)["demand_p50"]
    assert demand["production", "chat"] == pytest.approx(7.5 + 0.3 * 0.6 * 10, rel=1e-9)


def test_where_only_lines_are_they_are_dealt_as_the_whole_plan_by_hand(june):
    split = [sc.Split("environment"), sc.Split("project", {"chat": (0.25, 0.5)})]
    plan = hand(june, split, sc.Fixed("host", 40.0, environment="lab"))
    # Nothing was used in the lab: of all usage chat has 300 of 1,400, or 21 %: lifted to 25 % there too.
    policy = plan.policy().loc["lab"]
    assert policy["share"].to_numpy() == pytest.approx([0.25, 0.75])
    assert policy["budget"].to_numpy() == pytest.approx([10.0, 30.0], abs=0.01)
    assert policy["state"].tolist() == ["unknown", "unknown"]
    told = plan.assumptions.loc[plan.assumptions["topic"] == "split", "assumption"]
    assert "nothing in environment lab says its project: it is dealt as in the whole plan" in told.tolist()


def test_shared_costs_by_a_key_by_hand(june):
    lines = [sc.Fixed("base", 12.0), sc.Fixed("other", 6.0)]
    # Heads 1 : 2, whatever is used; everything else by recent requests, 1,100 : 300 a day.
    shared = {"base": {"search": 1, "chat": 2}, "*": "requests"}
    budgets = hand(june, sc.Split("project", shared=shared), *lines).table(["project", "line"])["budget"]
    requests = {"search": 1_100, "chat": 300}
    for project, base in (("search", 4.0), ("chat", 8.0)):
        assert budgets[project, "base"] == pytest.approx(base, abs=0.01)
        assert budgets[project, "other"] == pytest.approx(6.0 * requests[project] / 1_400, abs=0.01)
    # With a policy the key counts as demand before it: (41.25 + 4 + 4.71) of the 70.5 that all want is 70.9 %.
    policy = hand(june, sc.Split("project", {"search": (0.2, 0.5)}, shared=shared), *lines).policy()
    wanted = (day(1_100) + 4.0 + 6.0 * 1_100 / 1_400) / (day(1_400) + 18.0)
    assert policy.loc["search", "demand_share"] == pytest.approx(wanted, rel=1e-9)
    assert policy.loc["search", "budget"] == pytest.approx(0.5 * (day(1_400) + 18.0), abs=0.02)
    assert policy.loc["search", "transfer"] == pytest.approx((0.5 - wanted) * (day(1_400) + 18.0), rel=1e-9)
    equally = hand(june, sc.Split("project", shared={"*": "equally"}), *lines).table(["project", "line"])["budget"]
    assert equally["chat", "base"] == equally["search", "base"] == 6.0


def test_the_example_of_the_page_by_hand():
    """Own demand 60 : 40, a gateway of 21 by heads 2 : 1, a cap of one half."""
    labels = pd.DataFrame({"environment": "production", "department": ["engineering", "customer-care"]})
    cost = np.tile([60.0, 40.0], (100, 1, 1))
    heads = {"gateway": {"engineering": 30, "customer-care": 15}}
    split = sc.Split("department", {"engineering": (None, 0.5)}, shared=heads)
    row = Row("gateway", {}, np.full((100, 1), 21.0))
    days = pd.DatetimeIndex(["2027-01-01"])
    ledger = ledger_of(labels, cost, [row], days, [split], calendar=fc.Calendar())
    (parted,) = ledger.levels[0].parted
    assert parted.parts == ("customer-care", "engineering")
    assert parted.demand[0].tolist() == [47.0, 74.0]
    assert parted.moved[0] == pytest.approx([13.5, -13.5], rel=ROUNDING)
    assert ledger.summed(*_grouped(ledger, "department"))[0] == pytest.approx([60.5, 60.5], rel=ROUNDING)


def _grouped(ledger, column):
    labels, group = ledger.groups([column])
    return group, len(labels)


#: Requests of the last 90 days by user.
BY_USER = {"ann": 700 * 90, "bob": 200 * 60, "old": 200 * 30, "unassigned": 100 * 90, "cid": 300 * 90, "dee": 100 * 90}


def test_users_by_the_cost_of_their_last_90_days_by_hand(june):
    plan = hand(june, sc.Split("user", basis="recent"), sc.Fixed("base", 10.0))
    policy = plan.policy()
    assert policy.index.tolist() == sorted(BY_USER)
    whole = sum(BY_USER.values())
    for user, requests in BY_USER.items():
        assert policy.loc[user, "demand_share"] == pytest.approx(requests / whole, rel=1e-9)
        assert policy.loc[user, "budget"] == pytest.approx((day(1_400) + 10.0) * requests / whole, abs=0.02)
    assert (policy["transfer"] == 0).all()
    thirty = hand(june, sc.Split("user", basis="recent", days=60)).policy()
    assert "old" not in thirty.index
    assert thirty.loc["bob", "share"] == pytest.approx(200 / 1_400, rel=1e-9)


def test_the_users_that_cost_least_are_pooled_and_that_is_told(june):
    plan = hand(june, sc.Split("user", {"dee": (0.05, None)}, basis="recent", most=2))
    policy = plan.policy()
    # ann and cid cost most, dee is named; bob, old and nobody are pooled.
    assert policy.index.tolist() == ["(other)", "ann", "cid", "dee"]
    whole = sum(BY_USER.values())
    assert policy.loc["(other)", "demand_share"] == pytest.approx((12_000 + 6_000 + 9_000) / whole, rel=1e-9)
    told = plan.assumptions.loc[plan.assumptions["topic"] == "split", "assumption"]
    assert told.str.contains(r"3 of 6 parts by user \(21.4% of the cost\) are pooled as '\(other\)': most=2").any()


def test_users_inside_environments_have_shares_of_their_own_by_hand(june):
    plan = hand(june, [sc.EnvironmentSplit(production=0.5), sc.Split("user", basis="recent")])
    shares = plan.shares()
    assert shares["production", "ann"].to_numpy() == pytest.approx(63_000 / 90_000)
    assert shares["development", "cid"].to_numpy() == pytest.approx(0.75)
    assert ("development", "ann") not in shares
    assert plan.policy()["budget"].groupby("environment").sum().to_numpy() == pytest.approx(day(700), abs=0.01)
    # A deeper split sees the same pools: of what ann used search has 600 : 100, of the others' 300 : 200 and 18,000.
    user, other = sc.Split("user", basis="recent", most=1), sc.Split("application", {"x": 1.0}, basis="midpoint")
    deeper = hand(june, [user, other, sc.Split("project", basis="recent")]).shares()
    assert deeper["ann", "x", "search"].to_numpy() == pytest.approx(600 / 700)
    assert deeper["(other)", "x", "search"].to_numpy() == pytest.approx(45_000 / 63_000)


def test_a_recent_split_of_a_column_that_the_plan_keeps_moves_money(june):
    policy = hand(june, sc.Split("project", basis="recent")).policy()
    assert policy.loc["chat", "share"] == pytest.approx(300 / 1_400, rel=1e-9)
    assert np.abs(policy["transfer"]).max() <= 1e-9


def test_rows_without_a_price_are_left_out_of_recent_shares_and_told():
    frame = hand_usage().frame
    other = frame[frame["user"] == "dee"].assign(model="in-house-7b", requests=5.0)
    usage = fc.Usage.from_frame(pd.concat([frame, other]))
    june = fc.project(usage, start="2026-06-01", end="2026-06-30", lag=0, trajectories=20)
    plan = hand(june, sc.Split("user", basis="recent"), unpriced="exclude")
    assert plan.shares()["dee"].iloc[0] == pytest.approx(BY_USER["dee"] / sum(BY_USER.values()), rel=1e-9)
    told = plan.assumptions.loc[plan.assumptions["topic"] == "split", "assumption"]
    assert told.str.contains("90 rows of the last 90 days without a cost are left out").any()


def test_monthly_usage_is_recent_by_whole_months():
    months = pd.date_range("2025-06-01", "2026-05-01", freq="MS")
    rows = [
        pd.DataFrame({"date": months, "user": user, "requests": np.where(np.arange(12) >= since, 9e3, 1.0)})
        for user, since in (("ann", 0), ("bob", 9), ("cid", 11))
    ]
    frame = pd.concat(rows).assign(provider="openai", model="gpt-5", environment="production", project="search")
    usage = fc.Usage.from_frame(frame.assign(input_tokens=frame["requests"] * 1e3))
    projection = fc.project(usage, horizon=1, lag=0, trajectories=20)
    shares = hand(projection, sc.Split("user", basis="recent")).shares().iloc[0]
    # March, April and May: ann and bob in all of them, cid in May, with a request in each of the two before.
    assert shares["ann"] == shares["bob"] == pytest.approx(27_000 / (27_000 * 2 + 9_002), rel=1e-9)


def test_tokens_that_nobody_owns_are_a_part_of_their_own(june):
    used = [*USED, (None, "search", "eve", 200.0, 0, 151)]
    projection = fc.project(hand_usage(used=used), start="2026-06-01", end="2026-06-30", lag=0, trajectories=20)
    policy = hand(projection, sc.EnvironmentSplit(unassigned=(0.0, 0.1))).policy()
    assert policy.loc["unassigned", "demand_share"] == pytest.approx(200 / 1_600, rel=1e-9)
    assert policy.loc["unassigned", "state"] == "squeezed"
    # And what they used of late is told inside it.
    users = hand(projection, [sc.Split("environment"), sc.Split("user", basis="recent")]).policy()
    assert users.loc["unassigned"].index.tolist() == ["eve"]


# ------------------------------------------------------------------------------------------------------ what is wrong

WRONG = {
    "no such part": (sc.Split("project", {"serch": 0.5}), "no project 'serch'.*did you mean 'search'"),
    "no such part of a key": (sc.Split("project", shared={"base": {"chta": 1}}), "did you mean 'chat'"),
    "no such line": (sc.Split("project", shared={"bsae": "equally"}), "no line 'bsae'.*base.*did you mean 'base'"),
    "beyond reach": (
        sc.Split("project", {"chat": (0, 0.2), "search": 0.3}),
        "50.0% and there is no other project",
    ),
    "beyond reach inside": (
        [sc.EnvironmentSplit(production=0.5), sc.Split("project", {"chat": (0, 0.2), "search": 0.3})],
        "reach at most 50.0% in environment development",
    ),
    "what nobody keeps apart": (sc.Split("user"), "does not keep user apart.*by=.*'user'.*basis='recent'"),
    "what nobody knows": (sc.Split("segment", basis="recent"), "does not say segment"),
    "a policy that is not whole": (sc.Split("segment", {"a": 0.5}, basis="midpoint"), "reach at most 50.0%"),
    "no such user": (sc.Split("user", {"an": 0.2}, basis="recent"), "did you mean 'ann'"),
    "twice": ([sc.Split("project"), sc.Split("project")], "two are by 'project'"),
    "not a split": ("project", "wanted EnvironmentSplit"),
    "a number": (0.5, "wanted EnvironmentSplit"),
    "not splits": ([sc.Split("project"), "user"], "wanted EnvironmentSplit"),
}


@pytest.mark.parametrize(("split", "message"), WRONG.values(), ids=WRONG.keys())
def test_splits_that_a_plan_cannot_follow_are_told(june, split, message):
    with pytest.raises(PlanError, match=message):
        hand(june, split, sc.Fixed("base", 10.0))


def test_a_ledger_that_would_not_fit_is_refused_in_words(june, monkeypatch):
    monkeypatch.setattr("scenarios.budget.planning.MOST_BYTES", 10_000)
    with pytest.raises(PlanError, match=r"100 draws x 1 months x \d+ rows would take.*detail=.*most="):
        hand(june, sc.Split("user", basis="recent"))


def test_a_plan_without_a_split_has_no_policy(unsplit, projection):
    for ask in (unsplit.policy, unsplit.shares):
        with pytest.raises(PlanError, match="no split"):
            ask()
    with pytest.raises(PlanError, match="did you mean 'environment'"):
        planned(projection, POLICY).policy("enviroment")


# ------------------------------------------------------------------------------------------------------- the picture


def test_the_picture_says_who_is_squeezed(projection, unsplit):
    titles = {
        "Development is squeezed by USD": sc.EnvironmentSplit(development=(0.15, 0.18)),
        "Nobody is squeezed by the split of USD": sc.Split("environment", basis="equal risk"),
        "Development / product is squeezed by USD": [POLICY, sc.Split("department", {"product": (0.3, 0.5)})],
        "The policy alone divides USD": sc.Split("segment", {"a": 0.4, "b": 0.6}, basis="midpoint"),
    }
    for title, split in titles.items():
        plan = planned(projection, split)
        ax = plan.plot("policy")
        assert " ".join(ax.get_title().split()).startswith(title)
        assert len(ax.get_yticks()) == len(plan.policy())
    with pytest.raises(PlanError, match="no split"):
        unsplit.plot("policy")


def test_the_picture_shows_any_split_of_several(projection):
    plan = planned(projection, [POLICY, sc.Split("department", {"product": (0.3, 0.5)})])
    ax = plan.plot("policy", by="environment")
    assert ax.get_title().startswith("Development is squeezed by USD")
    assert [text.get_text() for text in ax.get_yticklabels()] == ["test", "staging", "development", "production"]
    with pytest.raises(PlanError, match="did you mean 'department'"):
        plan.plot("policy", by="departement")
    with pytest.raises(PlanError, match="only 'policy' and 'tornado' are told"):
        plan.plot("fan", by="environment")


def test_a_headline_shows_what_differs_and_the_share_that_tables_tell(projection):
    free = planned(projection, sc.Split("environment")).policy()["demand_p50"]
    titles = {}
    for part, wanted in free.items():
        cap = np.floor(wanted * 1_000 - 1e-9) / 1_000  # a tenth of a percent below at the most
        plan = planned(projection, sc.EnvironmentSplit(**{part: (None, cap)}))
        share = plan.policy().loc[part, "share"]
        tied = round(100 * wanted) == round(100 * share)
        told = f"wants {wanted:.{1 if tied else 0}%}, gets {share:.{1 if tied else 0}%}".replace("%", " %")
        assert told in " ".join(plan.plot("policy").get_title().split())
        titles[part] = tied
    assert set(titles.values()) == {True, False}


def test_no_text_of_the_picture_touches_another(projection):
    policy = {"product": (0.3, 0.5), "a department whose name is long": (None, 0.4)}
    line = sc.Fixed("x", 1_000.0, department="a department whose name is long")
    ax = planned(projection, [POLICY, sc.Split("department", policy)], line).plot("policy")
    places = texts_of(ax)
    paper = ax.figure.bbox
    for place in places.values():
        assert paper.x0 <= place.x0 < place.x1 <= paper.x1
    for (one, a), (other, b) in itertools.combinations(places.items(), 2):
        touch = min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 2
        assert not touch, (one, other)


def test_the_picture_shows_the_largest_of_many_parts(projection):
    parts = {f"part {i:02d}": i / 210 for i in range(1, 21)}
    ax = planned(projection, sc.Split("segment", parts, basis="midpoint")).plot("policy")
    assert [text.get_text() for text in ax.get_yticklabels()] == [f"part {i:02d}" for i in range(5, 21)]
    assert "the 16 largest budgets, 4 more not shown" in " ".join(t.get_text() for t in ax.texts)


def test_workbook_and_page_tell_every_split(projection):
    plan = planned(
        projection, [POLICY, sc.Split("department", DEPARTMENTS), sc.Split("segment", {"x": 1.0}, basis="midpoint")]
    )
    book = openpyxl.load_workbook(BytesIO(workbook_bytes(plan)), data_only=True)
    assert book.sheetnames[2:5] == ["Environments", "By department", "By segment"]
    rows = [[cell.value for cell in row] for row in book["By department"].iter_rows(min_row=3)]
    policy = plan.policy("department")
    told = pd.DataFrame(rows[1 : len(policy) + 1], columns=rows[0]).set_index(["environment", "department"])
    assert told.index.tolist() == policy.index.tolist()
    for name, column in (("budget", "budget"), ("policy to", "high"), ("demand over budget", "overrun")):
        np.testing.assert_allclose(told[name].astype(float), policy[column].astype(float), rtol=ROUNDING)
    assert rows[len(policy) + 1][rows[0].index("budget")] == pytest.approx(plan.budget, abs=0.001)
    told = page_html(plan)
    assert all(f"<h2>What each {by} wants and gets</h2>" in told for by in ("department", "segment"))
    assert "wants and gets</h2>" not in page_html(planned(projection, POLICY))


def test_a_plan_made_again_with_another_split_is_that_of_the_same_arguments(projection, unsplit):
    splits = [POLICY, sc.Split("user", {"a": 0.4, "b": 0.6}, basis="stochastic")]
    again = unsplit.replan(split=splits)
    assert np.array_equal(again.ledger.money, planned(projection, splits).ledger.money)
    assert np.array_equal(again.replan(split=None).ledger.money, unsplit.ledger.money)
    with pytest.raises(PlanError, match="wanted EnvironmentSplit"):
        unsplit.replan(split=0.5)
