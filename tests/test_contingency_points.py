"""Where point estimates stand among the futures of a plan."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast import Usage
from forecast.calendars import CALENDAR_YEAR
from forecast.errors import PlanError
from scenarios.budget.ledger import Ledger
from tests.usages import plain

CENT = 0.005
#: Input tokens of gpt-5: dollars a million, at 1,000 tokens a request.
PRICE = 1.25
#: 426 days: 100,000 requests a day until March 2026, then 200,000.
DAYS = pd.date_range("2025-03-01", "2026-04-30")
VALUES = np.where(DAYS < "2026-03-01", 1e5, 2e5)
BEFORE, SINCE = (1e5 * 1_000 * PRICE / 1e6, 2e5 * 1_000 * PRICE / 1e6)


@pytest.fixture(scope="module")
def projection():
    usage = plain(VALUES, start="2025-03-01")
    return fc.project(usage, start="2026-05-01", end="2026-06-30", lag=0, model="run_rate", trajectories=20)


def planned(projection, *components):
    return sc.plan(projection, components=components, draws=100)


def futures(plan):
    """The same plan with totals of 1,000, 2,000, … 100,000, of which a line is 500 and usage the rest."""
    total = np.arange(1.0, 101.0) * 1_000.0
    labels = pd.DataFrame({"line": ["tokens", "seats"], "environment": "production"})
    money = np.column_stack([total - 500.0, np.full(100, 500.0)])[:, None, :]
    every = np.ones(2, dtype=bool)
    day = pd.DatetimeIndex(["2026-05-01"])
    ledger = Ledger(labels, money, every, every, day, ("production",), None, CALENDAR_YEAR)
    return dataclasses.replace(plan, ledger=ledger, _kept={})


@pytest.fixture(scope="module")
def plan(projection):
    return futures(planned(projection))


def test_where_says_number_and_words(plan):
    at = plan.where(38_000)
    assert (at.percentile, at.probability_over, at.told) == (0.38, 0.62, "P38")
    # The P80 of 1,000 … 100,000 is 80,200.
    assert at.shortfall == 42_200.0
    assert (
        str(at) == "USD 38,000.00: that is P38; 62.0% of futures cost more, and it is 42,200.00 below the budget (P80)"
    )
    assert at.percentile == plan.percentile_of(38_000)


@pytest.mark.parametrize(
    ("amount", "told", "side"),
    [
        (0, "below all 100 futures", "below the budget"),
        (999.99, "below all 100 futures", "below the budget"),
        (100_000, "enough in all 100 futures", "above the budget"),
        (80_200, "P80", "is the budget"),
        (99_500.0, "P99", "above the budget"),
    ],
)
def test_words_at_the_ends(plan, amount, told, side):
    at = plan.where(amount)
    assert at.told == told
    assert side in str(at)


def test_nearly_all_and_nearly_none_are_not_rounded_to_all_and_none(plan):
    at = plan.where(1_000)
    assert dataclasses.replace(at, percentile=0.004).told == "under P1"
    assert dataclasses.replace(at, percentile=0.996).told == "over P99"


def test_run_rate_and_last_year_are_hand_arithmetic(plan):
    table = plan.point_estimates(vendor_quote=70_000)
    assert list(table.index) == ["run rate", "last year plus 10 %", "median", "mean", "vendor_quote"]
    # The last 28 days are all of 200,000 requests; May and June have 61 days; seats are 500.
    assert table.loc["run rate", "tokens"] == pytest.approx(61 * SINCE, rel=1e-12)
    assert table.loc["run rate", "amount"] == pytest.approx(61 * SINCE + 500.0, abs=CENT)
    assert table.loc["last year plus 10 %", "tokens"] == pytest.approx(61 * BEFORE * 1.1, rel=1e-12)
    assert table.loc["last year plus 10 %", "amount"] == pytest.approx(61 * BEFORE * 1.1 + 500.0, abs=CENT)
    # 61 days of 250 USD and 500 are 15,750: fifteen of the hundred futures cost no more.
    assert table.loc["run rate", ["percentile", "probability_over", "told"]].tolist() == [0.15, 0.85, "P15"]
    assert table.loc["run rate", "shortfall"] == pytest.approx(80_200 - 15_750, abs=CENT)
    assert table.loc["median", "amount"] == table.loc["mean", "amount"] == 50_500.0
    assert table.loc["vendor_quote", ["amount", "percentile", "basis"]].tolist() == [70_000.0, 0.7, "given"]
    assert table["basis"].iloc[0] == "28 days from 2026-04-03 to 2026-04-30, carried over 61 days"
    assert table["basis"].iloc[1] == "2025-05-01 to 2025-06-30"


def test_percent_is_put_on_last_year_alone(plan):
    more, less, same = (plan.point_estimates(percent=p) for p in (0.2, -0.05, 0))
    assert more.loc["last year plus 20 %", "tokens"] == pytest.approx(61 * BEFORE * 1.2)
    assert less.loc["last year less 5 %", "tokens"] == pytest.approx(61 * BEFORE * 0.95)
    assert same.loc["last year", "tokens"] == pytest.approx(61 * BEFORE)
    assert more.loc["run rate", "amount"] == same.loc["run rate", "amount"]


def test_like_is_compared_with_like():
    """Usage that goes on as it is makes the run rate the plan's own total, whatever else the plan holds."""
    usage = plain(np.full(120, 2e5), start="2026-01-01")
    projection = fc.project(usage, start="2026-05-01", end="2026-06-30", lag=0, model="run_rate", trajectories=20)
    lines = [sc.Fixed("seats", 400.0), sc.Risk("audit", 0.5, impact=300.0)]
    for components in ([], lines):
        plan = planned(projection, *components)
        table = plan.point_estimates()
        usage = 61 * SINCE
        # Seats of two months; the risk comes in half of the futures.
        assert table.loc["run rate", "amount"] == pytest.approx(usage + (950.0 if components else 0.0), abs=CENT)
        assert table.loc["mean", "amount"] == pytest.approx(table.loc["run rate", "amount"], rel=1e-9)


def test_a_year_that_is_not_known_is_blank_and_says_why():
    usage = plain(np.full(120, 1_000.0), start="2026-01-01")
    projection = fc.project(usage, start="2026-05-01", end="2026-06-30", lag=0, trajectories=20)
    table = planned(projection).point_estimates()
    row = table.loc["last year plus 10 %"]
    assert row[["amount", "percentile", "shortfall", "told"]].isna().all()
    assert row["basis"] == "not known: it is 2025-05-01 to 2025-06-30, and the history 2026-01-01 to 2026-04-30"


def test_a_young_history_has_a_run_rate_of_the_days_it_has():
    usage = plain(np.full(20, 1_000.0), start="2026-01-01")
    projection = fc.project(usage, start="2026-01-21", end="2026-01-31", lag=0, model="run_rate", trajectories=20)
    table = planned(projection).point_estimates()
    assert table.loc["run rate", "amount"] == pytest.approx(11 * 1.25, abs=CENT)
    assert table.loc["run rate", "basis"].startswith("20 days from 2026-01-01 to 2026-01-20")


def test_monthly_usage_has_a_run_rate_of_three_months():
    months = pd.date_range("2024-01-01", "2026-03-01", freq="MS")
    requests = np.where(months < "2026-01-01", 3e6, [31e5 if m.month != 2 else 28e5 for m in months])
    frame = pd.DataFrame({"date": months, "provider": "openai", "model": "gpt-5", "environment": "production"})
    frame = frame.assign(project="search", requests=requests, input_tokens=requests * 1_000.0)
    usage = fc.Usage.from_frame(frame, grain="month")
    projection = fc.project(usage, start="2026-04-01", end="2026-06-30", lag=0, model="run_rate", trajectories=20)
    table = planned(projection).point_estimates(percent=0.0)
    # 100,000 requests a day in January to March, which have 90 days; April to June have 91.
    assert table.loc["run rate", "amount"] == pytest.approx(91 * 1e5 * 1_000 * PRICE / 1e6, abs=CENT)
    assert table.loc["run rate", "basis"] == "90 days from 2026-01-01 to 2026-03-31, carried over 91 days"
    assert table.loc["last year", "amount"] == pytest.approx(3 * 3e6 * 1_000 * PRICE / 1e6, abs=CENT)


@pytest.mark.parametrize("amount", [-1, -0.01, float("nan"), float("inf"), "400k", None, True])
def test_what_is_no_amount_is_refused(plan, amount):
    with pytest.raises(PlanError, match="wanted an amount of money"):
        plan.where(amount)
    with pytest.raises(PlanError, match=r"point_estimates: quote = .*: wanted an amount of money"):
        plan.point_estimates(quote=amount)


def test_names_and_percents_that_do_not_hold_are_refused(plan):
    with pytest.raises(PlanError, match="'mean' is an estimate of the plan's own"):
        plan.point_estimates(mean=5.0)
    for percent in ("10 %", True, -1, float("nan")):
        with pytest.raises(PlanError, match=r"wanted what is put on last year, such as 0\.10"):
            plan.point_estimates(percent=percent)


def test_what_is_known_only_as_money_counts_in_history_and_point_estimates():
    """Beside the usage of the other tests, 40 dollars a day of a service whose export has no tokens."""
    voice = {"date": DAYS, "provider": "acme", "model": "voice", "environment": "production", "project": "calls"}
    money = pd.DataFrame(voice).assign(billed_cost=40.0, currency="USD", charge_category="usage")
    usage = Usage.from_frame(pd.concat([plain(VALUES, start="2025-03-01").frame, money], ignore_index=True))
    made = planned(fc.project(usage, start="2026-05-01", end="2026-06-30", lag=0, model="run_rate", trajectories=20))
    told = made.point_estimates(percent=0.0)["amount"]
    assert told["run rate"] == pytest.approx((SINCE + 40.0) * 61, abs=CENT)
    assert told["last year"] == pytest.approx((BEFORE + 40.0) * 61, abs=CENT)
    assert made.history["2026-04"] == pytest.approx((SINCE + 40.0) * 30, abs=CENT)
