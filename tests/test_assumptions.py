"""The ledger of a plan's assumptions: each with the day that it is of, and what has gone stale by a day."""

import json
from datetime import date

import numpy as np
import openpyxl
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from scenarios.budget import assumed
from scenarios.budget.assumed import COLUMNS, GOES_STALE, Assumption, ledger_table
from scenarios.cli import main
from scenarios.report.tables import plan_text

DAYS = pd.date_range("2026-06-01", "2026-10-31")


def usage_of(**more: object) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": DAYS,
            "provider": "openai",
            "model": "gpt-5",
            "environment": "production",
            "project": "search",
            "requests": 1_000.0,
            "input_tokens": 1_200_000.0,
            "output_tokens": 300_000.0,
            **more,
        }
    )


PRICES = pd.DataFrame(
    {
        "provider": "openai",
        "model": "gpt-5",
        "unit": ["input_tokens", "input_tokens", "output_tokens"],
        "price": [2.0, 1.0, 10.0],
        "valid_from": ["2026-02-01", "2026-09-15", "2026-02-01"],
        "source": "our quote",
    }
)


def plan_of(
    frame: pd.DataFrame | None = None, prices: fc.PriceBook | None = None, **arguments: object
) -> sc.BudgetPlan:
    usage = frame if isinstance(frame, fc.Usage) else fc.Usage.from_frame(usage_of() if frame is None else frame)
    projection = fc.project(usage, horizon="1Q", model="seasonal_naive", trajectories=20, seed=3)
    book = fc.PriceBook.from_frame(PRICES) if prices is None else prices
    return sc.plan(projection, prices=book, draws=100, **arguments)


def row(plan: sc.BudgetPlan, topic: str, containing: str = "") -> pd.Series:
    rows = plan.assumptions[plan.assumptions["topic"] == topic]
    (found,) = [r for _, r in rows.iterrows() if containing in r["assumption"]]
    return found


@pytest.fixture(scope="module")
def plan():
    return plan_of(
        components=[
            sc.Fixed("quoted", monthly=1_000, stated_on="2026-08-31"),
            sc.Fixed("guessed", monthly=500),
            sc.Reserve("rainy day", 2_000, stated_on="2026-09-30"),
        ],
        scenario=sc.Scenario("s", [sc.Growth(monthly=0.02)]),
    )


def test_the_ledger_has_its_columns_the_first_three_first(plan):
    assert tuple(plan.assumptions.columns) == COLUMNS
    assert COLUMNS[:3] == ("topic", "assumption", "source")
    assert plan.assumptions["as_of"].dtype == plan.assumptions["stale_from"].dtype == np.dtype("datetime64[us]")


def test_dates_are_those_of_the_calendar_by_hand(plan):
    usage = row(plan, "usage")
    assert (usage["as_of"], usage["stale_from"]) == (pd.Timestamp("2026-10-31"), pd.Timestamp("2026-12-05"))
    # Of the quote's three prices that of 15 September is the newest.
    prices = row(plan, "price")
    assert prices["source"] == "our quote"
    assert (prices["as_of"], prices["stale_from"]) == (pd.Timestamp("2026-09-15"), pd.Timestamp("2026-12-14"))
    assert row(plan, "prices")["as_of"] == prices["as_of"]
    quoted = row(plan, "component", "quoted")
    assert (quoted["as_of"], quoted["stale_from"]) == (pd.Timestamp("2026-08-31"), pd.Timestamp("2026-12-01"))
    assert row(plan, "reserve")["as_of"] == pd.Timestamp("2026-09-30")


def test_what_nobody_dated_has_no_date_and_what_cannot_go_stale_does_not(plan):
    guessed = row(plan, "component", "guessed")
    assert pd.isna(guessed["as_of"])
    assert pd.isna(guessed["stale_from"])
    for topic in ("horizon", "scenario", "draws", "forecast"):
        assert pd.isna(row(plan, topic)["stale_from"])
    topics = set(plan.assumptions.loc[plan.assumptions["stale_from"].notna(), "topic"])
    assert topics <= set(GOES_STALE)


def test_every_topic_with_days_is_one_that_a_plan_can_have():
    frame = usage_of(billed_cost=5.0, currency="EUR")
    usage = fc.Usage.from_frame(frame, rates=fc.Rates.of({"EUR": "1.1"}))
    extra = frame.assign(model="in-house-7b", requests=1.0, billed_cost=None)
    whole = fc.Usage.from_frame(pd.concat([usage.frame, extra.assign(currency=None)]), sort=True)
    plan = plan_of(
        whole,
        unpriced="exclude",
        components=[sc.Fixed("f", monthly=1, stated_on="2026-10-01"), sc.Reserve("r", 1, stated_on="2026-10-01")],
    )
    told = {*plan.assumptions["topic"], *plan_of(usage).assumptions["topic"]}
    assert told >= set(GOES_STALE) - {"override"}


def test_a_price_without_a_date_dates_nothing():
    plan = plan_of(prices=fc.PriceBook.from_frame(PRICES.iloc[[0, 2]].drop(columns="valid_from"), source="a note"))
    found = row(plan, "price")
    assert "no price of it has a date" in found["assumption"]
    assert pd.isna(found["as_of"])
    assert pd.isna(found["stale_from"])
    assert pd.isna(row(plan, "prices")["as_of"])


def test_a_price_announced_after_the_as_of_date_dates_nothing():
    later = pd.DataFrame([{**PRICES.iloc[0].to_dict(), "valid_from": "2027-02-01", "price": 3.0}])
    plan = plan_of(prices=fc.PriceBook.from_frame(pd.concat([PRICES, later])))
    assert row(plan, "price")["as_of"] == pd.Timestamp("2026-09-15")


def test_sellers_are_dated_apart_and_a_published_discount_by_the_month_of_its_check():
    other = usage_of(provider="anthropic", model="claude-sonnet-4-5", service_tier="batch")
    plan = plan_of(pd.concat([usage_of(service_tier="standard"), other]), fc.PriceBook.builtin())
    rows = plan.assumptions[plan.assumptions["topic"] == "price"]
    assert rows["assumption"].str.contains("list of openai, for gpt-5").sum() == 1
    assert rows["assumption"].str.contains("list of anthropic, for claude-sonnet-4-5").sum() == 1
    for told in rows.loc[rows["assumption"].str.startswith("anthropic batch at 50%"), "as_of"]:
        assert told == pd.Timestamp("2026-11-01")


@pytest.mark.parametrize(
    ("rates", "as_of"),
    [
        ({"date": ["2026-06-01", "2026-10-01", "2026-12-01"], "rate": [1.1, 1.2, 1.3]}, pd.Timestamp("2026-10-01")),
        ({"date": [None], "rate": [1.1]}, None),
    ],
)
def test_rates_are_of_the_newest_day_that_was_used(rates, as_of):
    table = fc.Rates.from_frame(pd.DataFrame({"currency": "EUR", **rates}))
    usage = fc.Usage.from_frame(usage_of(billed_cost=5.0, currency="EUR"), rates=table)
    found = row(plan_of(usage), "rates")
    assert "EUR is converted to USD" in found["assumption"]
    assert found["as_of"] == as_of if as_of is not None else pd.isna(found["as_of"])
    assert usage.until("2026-08-01").exchanged == usage.known("2026-12-01").exchanged == usage.exchanged


def test_a_contract_is_good_until_its_end():
    rule = {"kind": "seats", "name": "licence", "price": 30.0}
    past = sc.Contract(rules=[rule], start="2026-07-01", end="2027-06-30", seats=5, name="running")
    plan = plan_of(scenario=sc.Scenario("s", [past]))
    found = row(plan, "contract")
    assert found["source"] == "running"
    assert (found["as_of"], found["stale_from"]) == (pd.Timestamp("2026-07-01"), pd.Timestamp("2027-07-01"))
    # Signed some day before it begins: nobody says when.
    ahead = sc.Contract(rules=[rule], start="2027-01-01", seats=5, name="ahead")
    found = row(plan_of(scenario=sc.Scenario("s", [ahead])), "contract")
    assert pd.isna(found["as_of"])
    assert pd.isna(found["stale_from"])


# ----------------------------------------------------------------------------------------------------------- stale


def test_stale_lists_what_is_past_due_by_a_day_with_days(plan):
    stale = plan.stale(on="2026-12-05")
    assert list(stale.columns) == [*COLUMNS, "days"]
    assert dict(zip(stale["topic"], stale["days"], strict=True)) == {"usage": 0, "component": 4}
    pd.testing.assert_frame_equal(
        stale.drop(columns="days"), plan.assumptions.loc[stale.index], check_names=False, check_column_type=False
    )
    assert stale.columns.name == "stale on 2026-12-05"
    assert plan.stale("2026-11-30").empty
    assert set(plan.stale(pd.Timestamp("2026-12-14"))["topic"]) == {"usage", "price", "prices", "component"}


def test_without_a_day_it_takes_today_and_says_so(plan, monkeypatch):
    class Frozen(date):
        @classmethod
        def today(cls):
            return date(2026, 12, 6)

    monkeypatch.setattr(assumed, "date", Frozen)
    stale = plan.stale()
    assert stale.columns.name == "stale on 2026-12-06, today"
    assert "today" in str(stale)
    assert stale.loc[stale["topic"] == "usage", "days"].tolist() == [1]


def test_a_plan_does_not_depend_on_todays_clock(monkeypatch):
    class Later(date):
        @classmethod
        def today(cls):
            return date(2031, 1, 1)

    before = plan_of()
    monkeypatch.setattr(assumed, "date", Later)
    pd.testing.assert_frame_equal(before.assumptions, plan_of().assumptions)


@pytest.mark.parametrize("day", ["soon", "2027-13-01", 3, "", pd.NaT])
def test_what_is_no_day_is_told(plan, day):
    with pytest.raises(PlanError, match="stale"):
        plan.stale(on=day)


def test_an_empty_ledger_has_nothing_stale():
    assert assumed.stale_of(ledger_table([]), "2027-01-01").empty
    assert Assumption("usage", "a", "b").stale_from is None


# ------------------------------------------------------------------------------------------------------ where shown


def test_who_shows_assumptions_shows_their_dates(plan, tmp_path):
    assert "as of 2026-10-31" in " ".join(plan_text(plan).split())
    assert "as of 2026-10-31" in plan._repr_html_()
    page = plan.to_html(tmp_path / "plan.html").read_text(encoding="utf-8")
    assert '<th scope="col">as of</th>' in page
    assert '<td class="day">2026-08-31</td>' in page
    assert "NaT" not in page
    sheet = openpyxl.load_workbook(plan.to_excel(tmp_path / "plan.xlsx"))["Assumptions"]
    cells = " ".join(str(cell.value) for line in sheet.iter_rows() for cell in line)
    assert "2026-10-31" in cells
    assert "NaT" not in cells


def test_the_json_document_has_dates_or_null(tmp_path, capsys):
    usage_of().to_csv(tmp_path / "usage.csv", index=False)
    (tmp_path / "plan.toml").write_text(
        '[plan]\nhorizon = "1Q"\ndraws = 100\n[usage]\nfile = "usage.csv"\n[forecast]\nmodel = "seasonal_naive"\n'
        '[[components]]\nkind = "fixed"\nname = "quoted"\nmonthly = 10\nstated_on = 2026-08-31\n'
        '[[overrides]]\nname = "o"\nwho = "a"\nwhy = "b"\non = 2026-11-20\n'
        '[overrides.change]\nkind = "step"\nby = 0.1\n'
    )
    assert main(["plan", str(tmp_path / "plan.toml"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    rows = document["assumptions"]
    (override,) = document["overrides"]
    assert (override["name"], override["replaces"], override["on"]) == ("o", None, "2026-11-20")
    (usage,) = [r for r in rows if r["topic"] == "usage"]
    assert (usage["as_of"], usage["stale_from"]) == ("2026-10-31", "2026-12-05")
    (quoted,) = [r for r in rows if r["topic"] == "component"]
    assert quoted["as_of"] == "2026-08-31"
    (seed,) = [r for r in rows if r["topic"] == "draws"]
    assert seed["as_of"] is None
    assert seed["stale_from"] is None
