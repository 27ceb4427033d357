"""Contingency that adds up: levels, Euler shares, what one budget gains over many, and the staircase to the funding."""

import dataclasses
from io import BytesIO
from statistics import NormalDist

import numpy as np
import openpyxl
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.calendars import CALENDAR_YEAR
from forecast.errors import PlanError
from forecast.streams import stream
from scenarios.budget.contingency import (
    HALF_WIDTH,
    euler_errors,
    euler_shares,
    kernel_weights,
    quantile_error,
)
from scenarios.budget.ledger import Ledger
from scenarios.report.workbook import workbook_bytes
from tests.usages import plain

CENT = 0.005
#: An estimate lies within this many of its standard errors of what it estimates, but for one in 15,000.
ERRORS = 4.0
#: Three correlated normal lines: their means, and what each moves by with three independent normals.
MEAN = np.array([60.0, 30.0, 10.0])
LOADING = np.array([[6.0, 0.0, 0.0], [3.0, 8.0, 0.0], [-1.0, 1.0, 4.0]])
COVARIANCE = LOADING @ LOADING.T
SPREAD = float(np.sqrt(COVARIANCE.sum()))
#: How much of each line moves with the total.
BETA = COVARIANCE.sum(axis=1) / SPREAD**2
CONFIDENCES = (0.5, 0.8, 0.9, 0.95, 0.99)


def normal_lines(draws, *key):
    return MEAN + stream(0, "normal lines", *key).standard_normal((draws, 3)) @ LOADING.T


def normal(confidence):
    """The closed form: each line's quantile, its Euler part, the total's quantile, and the density factor 1 / f."""
    z = NormalDist().inv_cdf(confidence)
    alone = MEAN + z * np.sqrt(np.diag(COVARIANCE))
    part = MEAN + z * BETA * SPREAD
    return alone, part, float(MEAN.sum() + z * SPREAD), 1.0 / NormalDist().pdf(z)


def euler_spread(confidence, draws):
    """Standard error of an Euler part by its closed form: residual noise under the kernel, and the quantile's own."""
    half = min(HALF_WIDTH, 2 * (1 - confidence))
    left = np.diag(COVARIANCE) - BETA**2 * SPREAD**2
    # Σ w² of an Epanechnikov kernel over 2 h n draws is 0.6 / (h n); a tilt makes it at most twice that.
    noise = left * 0.6 / (half * draws) * (2.0 if confidence > 0.9 else 1.0)
    own = SPREAD * normal(confidence)[3] * np.sqrt(confidence * (1 - confidence) / draws)
    return np.sqrt(noise + (BETA * own) ** 2)


@pytest.fixture(scope="module")
def projection():
    usage = plain(np.full(120, 1_000.0), start="2026-01-01")
    return fc.project(usage, start="2026-05-01", end="2026-06-30", lag=0, seed=0, trajectories=20)


@pytest.fixture(scope="module")
def small(projection):
    return sc.plan(projection, draws=100)


def by_hand(small, money, confidence=0.8, *components, trajectory=None):
    """A plan whose ledger is told: money (draw, line) of one month."""
    draws, lines = money.shape
    labels = pd.DataFrame({"line": [f"line {i}" for i in range(lines)], "environment": "production"})
    every = np.ones(lines, dtype=bool)
    day = pd.DatetimeIndex(["2026-05-01"])
    ledger = Ledger(labels, money[:, None, :], every, every, day, ("production",), None, CALENDAR_YEAR)
    return dataclasses.replace(
        small,
        spec=dataclasses.replace(small.spec, confidence=confidence, components=components),
        ledger=ledger,
        trajectory=np.arange(draws) if trajectory is None else trajectory,
        _kept={},
    )


def counted(small, confidence=0.8, *components):
    """A plan whose hundred totals are 1, 2, … 100."""
    return by_hand(small, np.arange(1.0, 101.0)[:, None], confidence, *components)


# -------------------------------------------------------------------------------------------- shares that add up


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_correlated_normal_lines_agree_with_their_closed_form(small, confidence):
    draws = 200_000
    alone, part, total, steep = normal(confidence)
    table = by_hand(small, normal_lines(draws), confidence).diversification("line")
    own = np.sqrt(np.diag(COVARIANCE)) * steep * np.sqrt(confidence * (1 - confidence) / draws)
    lines = table.iloc[:-1]
    assert (np.abs(lines["alone"] - alone) < ERRORS * own + CENT).all()
    assert (np.abs(lines["budget"] - part) < ERRORS * euler_spread(confidence, draws) + 2 * CENT).all()
    spread = SPREAD * steep * np.sqrt(confidence * (1 - confidence) / draws)
    assert table.loc["total", "budget"] == pytest.approx(total, abs=ERRORS * spread + CENT)
    gained = alone.sum() - total
    # The three quantiles and the total's are positively correlated: their errors sum to no more than each alone.
    assert table.loc["total", "gained"] == pytest.approx(gained, abs=ERRORS * (own.sum() + spread))
    assert table.loc["total", "gained_share"] == pytest.approx(gained / alone.sum(), rel=0.05, abs=2e-3)


@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_near_the_end_shares_have_no_bias_where_the_plain_kernel_has(confidence):
    _, part, _, _ = normal(confidence)
    rounds, draws = 80, 10_000
    tilted, plainly = [], []
    for i in range(rounds):
        lines = normal_lines(draws, "bias", i)
        total = lines.sum(axis=1)
        tilted.append(euler_shares(total, lines, confidence))
        rank = (np.argsort(np.argsort(total)) + 0.5) / draws
        weight = np.maximum(0.0, 1.0 - ((rank - confidence) / HALF_WIDTH) ** 2)
        plainly.append(np.quantile(total, confidence) * (weight @ lines) / (weight @ total))
    error = np.std(tilted, axis=0) / np.sqrt(rounds)
    assert (np.abs(np.mean(tilted, axis=0) - part) < ERRORS * error).all()
    assert np.abs(np.mean(plainly, axis=0) - part).max() > 5.0 * error.max()
    # What is mended costs no precision: the root of the mean squared error falls.
    assert np.square(tilted - part).mean() < np.square(plainly - part).mean()


def test_up_to_p90_the_kernel_is_the_plain_one_tilted():
    total = normal_lines(1_000).sum(axis=1)
    rank = (np.argsort(np.argsort(total)) + 0.5) / 1_000
    for confidence in (0.5, 0.8, 0.9):
        plain = np.maximum(0.0, 1.0 - ((rank - confidence) / 0.05) ** 2)
        near = plain > 1e-9
        logs = np.log(kernel_weights(total, confidence)[near] / plain[near])
        slope, start = np.polyfit(total[near], logs, 1)
        np.testing.assert_allclose(logs, start + slope * total[near], atol=1e-9)


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9, 0.95])
def test_what_costs_the_same_in_every_draw_is_told_exactly(confidence):
    lines = np.column_stack([normal_lines(1_000), np.full(1_000, 15_000.0)])
    # The tilt is found to 1e-14 of the total's scale.
    assert euler_shares(lines.sum(axis=1), lines, confidence)[-1] == pytest.approx(15_000.0, rel=1e-9)


@pytest.mark.parametrize("confidence", [0.91, 0.95, 0.99, 0.999, 0.99999])
@pytest.mark.parametrize("draws", [100, 1_000])
def test_in_the_tail_weights_are_shares_and_meet_the_quantile(confidence, draws):
    for lines in (normal_lines(draws, "tail"), np.exp(3.0 * normal_lines(draws, "tail") / SPREAD)):
        total = lines.sum(axis=1)
        weight = kernel_weights(total, confidence)
        assert weight.min() >= 0.0
        # A hundred doubles are added up.
        assert weight.sum() == pytest.approx(1.0, rel=1e-12)
        assert weight @ total == pytest.approx(np.quantile(total, confidence), rel=1e-9)


@pytest.mark.parametrize("total", [np.full(100, 7.0), np.repeat([1.0, 9.0], 50), np.zeros(100)], ids=str)
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_totals_that_hardly_vary_are_shared_out_too(total, confidence):
    parts = np.column_stack([0.25 * total, 0.75 * total])
    np.testing.assert_allclose(
        euler_shares(total, parts, confidence), np.quantile(total, confidence) * np.array([1, 3]) / 4
    )


@pytest.mark.parametrize("confidence", [*CONFIDENCES, 0.97, 0.999])
def test_budgets_sum_to_the_quantile_to_the_cent_at_any_confidence(small, confidence):
    plan = by_hand(small, normal_lines(1_000, "cents"), confidence)
    table = plan.table(["line"])
    assert round(table["budget"].sum(), 2) == plan.budget == round(float(np.quantile(plan.totals, confidence)), 2)
    assert round(table["contingency"].sum(), 2) == plan.contingency


# ------------------------------------------------------------------------------------------------ standard errors


@pytest.mark.parametrize(("draws", "trajectories"), [(200, 200), (2_000, 100)])
def test_standard_errors_of_shares_are_confirmed_by_replication(draws, trajectories):
    rounds = 300
    trajectory = np.arange(draws) % trajectories
    for confidence in (0.8, 0.95):
        found, told = [], []
        for i in range(rounds):
            common = normal_lines(trajectories, "common", i)[trajectory]
            lines = 0.5 * common + normal_lines(draws, "own", i)
            total = lines.sum(axis=1)
            found.append(euler_shares(total, lines, confidence))
            told.append(euler_errors(total, lines, confidence, trajectory))
        # 300 rounds know a standard deviation to 4 %; 200 draws leave 20 of them under the kernel.
        np.testing.assert_allclose(np.mean(told, axis=0), np.std(found, axis=0), rtol=0.15)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_the_standard_error_of_a_quantile_agrees_with_its_closed_form(confidence):
    draws = 20_000
    steep = normal(confidence)[3]
    told = [
        quantile_error(stream(i, "quantile").standard_normal(draws), confidence, np.arange(draws)) for i in range(20)
    ]
    # The slope is that of a chord, a tenth steeper at most where the tail bends: the error errs to the safe side.
    assert np.mean(told) == pytest.approx(steep * np.sqrt(confidence * (1 - confidence) / draws), rel=0.12)


# --------------------------------------------------------------------------------------------------------- levels


def test_levels_are_hand_arithmetic(small):
    table = counted(small).levels()
    # The quantile of 1 … 100 at level p is 1 + 99 p.
    assert list(table.index) == ["P50", "P80", "P90", "P95", "mean"]
    assert table["role"].tolist() == ["plan", "commitment", "stress", "stress", "expected"]
    assert table["amount"].tolist() == [50.5, 80.2, 90.1, 95.05, 50.5]
    assert table["added"].iloc[1:4].tolist() == [29.7, 9.9, 4.95]
    assert table["added"].isna().tolist() == [True, False, False, False, True]
    # The standard deviation of 1 … 100 is √((100² - 1) / 12) = 28.866; its sample form divides by 99.
    assert table.loc["mean", "standard_error"] == pytest.approx(np.sqrt(9_999 / 12 / 99), rel=1e-12)


def test_the_mean_of_a_skewed_total_is_not_its_median(small):
    amounts = np.append(np.full(90, 100.0), np.full(10, 1_100.0))[:, None]
    table = by_hand(small, amounts).levels()
    assert table.loc["P50", "amount"] == 100.0
    assert table.loc["mean", ["amount", "percentile"]].tolist() == [200.0, 0.9]


@pytest.mark.parametrize(
    ("confidence", "rows"),
    [
        (0.5, ["P50", "P50", "P90", "P95", "mean"]),
        (0.9, ["P50", "P90", "P95", "mean"]),
        (0.95, ["P50", "P95", "P99", "mean"]),
        (0.995, ["P50", "P99.5", "mean"]),
    ],
)
def test_stress_lies_above_the_commitment(small, confidence, rows):
    assert list(counted(small, confidence).levels().index) == rows


# ------------------------------------------------------------------------------------------------ diversification


def test_parts_that_move_together_gain_nothing_and_those_that_move_apart_gain_all(small):
    ladder = np.arange(1.0, 101.0)
    together = by_hand(small, np.column_stack([ladder, 2.0 * ladder])).diversification("line")
    assert together["gained"].abs().max() <= 2 * CENT + 1e-9
    apart = by_hand(small, np.column_stack([ladder, 101.0 - ladder])).diversification("line")
    # Each alone needs 80.2 and both together always 101.
    assert apart["alone"].tolist() == [80.2, 80.2, 160.4]
    assert apart.loc["total", ["budget", "gained"]].tolist() == [101.0, 59.4]
    assert apart.loc["total", "gained_share"] == pytest.approx(59.4 / 160.4)


def test_diversification_adds_up_to_the_cent_and_agrees_with_the_table(small):
    plan = by_hand(small, normal_lines(500, "table"))
    gained, table = plan.diversification(["line", "environment"], errors=True), plan.table(["line", "environment"])
    assert gained["budget"].iloc[:-1].tolist() == table["budget"].tolist()
    assert np.abs(gained["alone"].iloc[:-1] - table["p80"]).max() <= CENT + 1e-9
    for column in ("alone", "budget", "gained"):
        assert round(gained[column].iloc[:-1].sum(), 2) == gained[column].iloc[-1]
    assert gained.index[-1] == ("total", "")
    assert gained["budget_se"].iloc[-1] == plan.standard_error(0.8)
    assert (gained[["alone_se", "budget_se"]] > 0).all(axis=None)


def test_diversification_needs_parts(small):
    with pytest.raises(PlanError, match="name what the parts are"):
        small.diversification([])
    with pytest.raises(PlanError, match="did you mean 'environment'"):
        small.diversification("enviroment")


# --------------------------------------------------------------------------------------------- reserves, funding


def test_a_management_reserve_reaches_its_level(small):
    plan = counted(small, 0.8, sc.Reserve("management reserve", to=0.95))
    (reserve,) = plan.reserves
    # 95.05 less the budget of 80.20
    assert reserve.amount == 14.85
    assert plan.funding == 95.05
    assert plan.set_aside().loc["management reserve", ["amount", "within", "held_by"]].tolist() == [
        14.85,
        "funding",
        "management",
    ]


def test_of_reserves_up_to_levels_each_begins_where_the_lower_ends(small):
    reserves = [sc.Reserve("board", to=0.99), sc.Reserve("beside", 7.005), sc.Reserve("division", to=0.9)]
    plan = counted(small, 0.8, *reserves)
    assert {r.name: r.amount for r in plan.reserves} == {"board": 8.91, "beside": 7.005, "division": 9.9}
    assert plan.funding == pytest.approx(99.01 + 7.0, abs=1e-9)  # 7.005 as a double lies below


def test_the_staircase_sums_to_the_cent(small):
    earmarks = (
        sc.Reserve("spikes", 10.0, funds="a", held_by="management"),
        sc.Reserve("audit", 4.333, funds="b"),
        sc.Reserve("move", 4.333, funds="b"),
    )
    beside = (sc.Reserve("vendor", 20.0, held_by="team"), sc.Reserve("management reserve", to=0.95))
    plan = dataclasses.replace(counted(small, 0.8, *beside), earmarks=earmarks)
    table = plan.funding_table()
    told = table["amount"].to_dict()
    # Two of 4.333 are 8.67 together: the largest remainder gives one of them the cent.
    assert told == {
        "base (P50)": 50.5,
        "spikes": 10.0,
        "audit": 4.34,
        "move": 4.33,
        "contingency, free": 11.03,
        "budget (P80)": 80.2,
        "management reserve": 14.85,
        "vendor": 20.0,
        "funding": 115.05,
    }
    steps = table[table["kind"] != "sum"]["amount"]
    assert round(steps[:5].sum(), 2) == plan.budget
    assert round(steps.sum(), 2) == plan.funding == told["funding"]
    assert table["reaches"].tolist() == [50.5, 60.5, 64.84, 69.17, 80.2, 80.2, 95.05, 115.05, 115.05]
    assert table["covers"].iloc[:7].tolist() == [0.5, 0.6, 0.64, 0.69, 0.8, 0.8, 0.95]
    assert table["covers"].iloc[7:].isna().all()
    assert table["held_by"].dropna().tolist() == [
        "team", "management", "team", "team", "team", "management", "team",
    ]  # fmt: skip


def test_the_workbook_tells_the_same_staircase(small):
    earmarks = (sc.Reserve("audit", 4.333, funds="b"), sc.Reserve("move", 4.333, funds="b"))
    beside = (sc.Reserve("vendor", 20.0), sc.Reserve("management reserve", to=0.95))
    plan = dataclasses.replace(counted(small, 0.8, *beside), earmarks=earmarks)
    steps = plan.funding_table()["amount"].drop("contingency, free")
    sheet = openpyxl.load_workbook(BytesIO(workbook_bytes(plan)), data_only=True)["Summary"]
    told = {name: amount for name, amount, _ in sheet.iter_rows(min_row=4, max_row=14, max_col=3, values_only=True)}
    assert {name.lower(): round(told[name], 2) for name in told if name.lower() in steps.index.str.lower()} == {
        name.lower(): amount for name, amount in steps.items()
    }
    assert told["P95"] == round(plan.quantile(0.95), 2)


def test_the_picture_of_the_staircase_shows_its_steps(small):
    reserves = [sc.Reserve("vendor", 20.0), sc.Reserve("management reserve", to=0.95)]
    plan = counted(small, 0.8, *reserves)
    ax = plan.plot("funding")
    bars = [(bar.get_x(), bar.get_width()) for bar in ax.patches]
    # Base, contingency, budget, up to P95, vendor, funding: each begins where the one before ends, sums at 0.
    told = [(0.0, 50.5), (50.5, 29.7), (0.0, 80.2), (80.2, 14.85), (95.05, 20.0), (0.0, 115.05)]
    np.testing.assert_allclose(bars, told, atol=1e-9)
    words = [text.get_text() for text in ax.texts]
    assert "+14.85, enough in 95 %" in words
    assert "+20.00" in words
    assert "management reserve (management)" in [label.get_text() for label in ax.get_yticklabels()]
    title = ax.get_title().replace("\n", " ")
    assert title.startswith("USD 115 to be found for ")
    assert title.endswith(": USD 80.20 at P80 and 34.85 beside it")
    assert len(counted(small).plot("funding").patches) == 3


def test_a_plan_without_reserves_has_a_short_staircase(small):
    plan = counted(small)
    assert plan.funding_table()["amount"].to_dict() == {
        "base (P50)": 50.5,
        "contingency": 29.7,
        "budget (P80)": 80.2,
        "funding": 80.2,
    }


def test_a_management_reserve_is_planned_told_and_shown(projection):
    lines = [sc.Fixed("base", sc.between(100.0, 400.0)), sc.Reserve("management reserve", to=0.95)]
    plan = sc.plan(projection, components=lines, draws=500)
    assert plan.funding == round(plan.quantile(0.95), 2)
    assert "management reserve: what lies between the budget and P95, held by the management" in set(
        plan.assumptions["assumption"]
    )
    assert not plan.earmarks


REFUSED = {
    "no size": ({}, "or the level that it reaches: to=0.95"),
    "certainty": ({"to": 1.0}, "to = 1.0: wanted a level above the plan's confidence and below 1"),
    "nothing": ({"to": 0}, "to = 0: wanted a level"),
    "a percentage": ({"to": 95}, "to = 95: wanted a level"),
    "text": ({"to": "P95"}, "to = 'P95': wanted a level"),
    "level and amount": ({"to": 0.95, "amount": 5.0}, "leave amount out"),
    "level and event": ({"to": 0.95, "funds": "spikes"}, "leave funds out"),
    "an unknown holder": ({"amount": 5.0, "held_by": "manager"}, "did you mean 'management'"),
    "a negative amount": ({"amount": -5.0}, "cannot be negative"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_reserves_that_do_not_hold_are_refused_in_words(case):
    given, words = REFUSED[case]
    with pytest.raises(PlanError, match=words):
        sc.Reserve("reserve", **given)


def test_a_reserve_up_to_what_is_covered_is_refused(projection):
    for level, confidence in ((0.8, 0.8), (0.75, 0.8), (0.9, 0.95)):
        with pytest.raises(PlanError, match=f"to = {level} is not above the plan's confidence of {confidence}"):
            sc.plan(projection, components=[sc.Reserve("m", to=level)], confidence=confidence, draws=100)
    twice = [sc.Reserve("a", to=0.9), sc.Reserve("b", to=0.9)]
    with pytest.raises(PlanError, match="'a' reaches already"):
        sc.plan(projection, components=twice, draws=100)


@pytest.mark.parametrize("confidence", [0, 1, 0.0, 1.0, -0.8, 80, None, "P80", True, float("nan")])
def test_confidence_of_nought_or_one_is_refused(projection, confidence):
    with pytest.raises(PlanError, match=r"wanted a one-sided confidence from 0\.5 to below 1"):
        sc.plan(projection, confidence=confidence, draws=100)
