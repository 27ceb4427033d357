"""What people see of a review: every figure by hand, every decision by its rule, and nothing from outside but text."""

import itertools
import json
import math
import re
from dataclasses import replace
from io import BytesIO

import matplotlib as mpl
import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

import forecast as fc
import scenarios as sc
from forecast.drawing import chart_style
from forecast.errors import PlanError
from scenarios.cli import main
from scenarios.report.onepage.charts import KINDS
from scenarios.report.onepage.figures import adding, part_column, summary_of, told_of, told_table
from scenarios.report.onepage.page import page_html
from scenarios.report.onepage.wording import Teller, between_words, listed, percent_of, rank_words
from scenarios.report.onepage.workbook import workbook_bytes
from scenarios.reviews.budgeted import held_in
from tests.pages import Reader

#: Half a cent: what a sum of cents in floating point may be off by.
CENT = 0.005
SCRIPT, FORMULA = "<script>alert(1)</script>", '=HYPERLINK("http://bad.example","x")'
#: A day's bill by environment: 100 in all. 0.25 USD a million input tokens is what gpt-5-mini costs.
BILL = {"production": 70.0, "development": 30.0}
PER_TOKEN = 0.25e-6
#: 1 July to 15 August: 46 days over, 46 to come.
DAY, SPENT, LEFT = "2026-08-15", 4_600.0, 46


def usage_of(bill=None, start="2026-03-01", end="2026-09-30"):
    """The same usage every day, billed at list prices."""
    days = pd.date_range(start, end)
    rows = [
        pd.DataFrame(
            {
                "date": days,
                "provider": "openai",
                "model": "gpt-5-mini",
                "environment": environment,
                "project": "search",
                "requests": 1_000.0,
                "input_tokens": amount / PER_TOKEN,
                "billed_cost": amount,
                "currency": "USD",
            }
        )
        for environment, amount in (bill or BILL).items()
    ]
    return fc.Usage.from_frame(pd.concat(rows))


def plan_of(usage, *, lines=(), draws=200, end="2026-09-30"):
    known = usage.until(pd.Timestamp("2026-06-30"))
    projection = fc.project(known, start="2026-07-01", end=end, lag=0, model="seasonal_mean", trajectories=40, seed=3)
    return sc.plan(projection, components=list(lines), draws=draws, seed=3)


@pytest.fixture(scope="module")
def usage():
    return usage_of()


@pytest.fixture(scope="module")
def plan(usage):
    return plan_of(usage)


@pytest.fixture(scope="module")
def august(plan, usage):
    return sc.review(plan, usage, as_of=DAY)


@pytest.fixture(scope="module")
def lined(usage):
    """A review of a plan with a fixed line, which no export tells."""
    return sc.review(plan_of(usage, lines=[sc.Fixed("gateway", monthly=310)]), usage, as_of=DAY)


def by_hand(review, *, budget, rates=None, day=None):
    """The review with futures that can be reckoned by hand: the rest costs one rate a day, 50 to 149.5 by half units.

    The budget is spread over the quarter's days; without a rest of its own, money lies evenly over days.
    """
    out = review.outlook
    rates = 50.0 + 0.5 * np.arange(200) if rates is None else rates
    weight = np.array([0.0, 16.0, 30.0])
    share = np.array([name == "production" for name in out.labels["environment"]]) * 0.7
    share += np.array([name == "development" for name in out.labels["environment"]]) * 0.3
    ahead = rates[:, None, None] * weight[None, :, None] * share[None, None, :]
    table = pd.DataFrame({"period": ["2026Q3"], "amount": [budget]})
    made = replace(out, ahead=ahead, rest=None, budget=held_in(table, review.plan))
    if day is not None:
        made = replace(made, as_of=pd.Timestamp(day))
    return replace(review, outlook=made)


def figures(review, **asked):
    table = review.summary(**asked).set_index("figure")
    return table["amount"], table["what"]


# --------------------------------------------------------------------------------------------------------- figures


def test_figures_are_what_is_reckoned_by_hand(august):
    made = by_hand(august, budget=8_740)  # 95 a day
    amount, what = figures(made)
    assert amount["Budget to date"] == 46 * 95
    assert amount["Actual to date"] == SPENT
    assert amount["Variance to date"] == 46 * 95 - SPENT == -230
    assert what["Variance to date"].startswith("USD 230 (5.3 %) over budget, unfavourable")  # 230 / 4,370
    assert amount["Budget left"] == 8_740 - SPENT
    assert what["Budget left"].endswith("90 a day")
    # 200 rates from 50 to 149.5: the median is 99.75, P10 is at 0.1 * 199 steps of 0.5.
    assert amount["Outlook, P50"] == round(SPENT + LEFT * 99.75)
    assert amount["Outlook, P10"] == round(SPENT + LEFT * (50 + 0.5 * 19.9))
    assert amount["Outlook, P90"] == round(SPENT + LEFT * (50 + 0.5 * 179.1))
    assert amount["Variance of the outlook"] == 8_740 - round(SPENT + LEFT * 99.75)
    assert amount["Chance of going over"] == 119 / 200  # rates above 90
    assert amount["Overrun if it goes over"] == round(np.mean([LEFT * (r - 90) for r in 50 + 0.5 * np.arange(81, 200)]))


def test_the_day_of_going_over_is_told_with_its_range(august):
    _, what = figures(by_hand(august, budget=8_740))
    # 4,140 are left. Of the 119 rates above 90, the 12th, 60th and 108th highest run out at 4,140 / rate.
    highest = np.sort(50 + 0.5 * np.arange(81, 200))[::-1]
    days = [pd.Timestamp(DAY) + pd.Timedelta(days=math.floor(4_140 / highest[n - 1]) + 1) for n in (12, 60, 108)]
    assert f"around {days[1].day} {days[1]:%B %Y}" in what["Overrun if it goes over"]
    assert between_words(days[0], days[2]) in what["Overrun if it goes over"]


def test_drivers_add_up_to_what_they_explain(august):
    table = summary_of(august)
    drivers = table[table.index == "drivers"].set_index("figure")["amount"]
    assert drivers[:-1].sum() == drivers["Plan to actual"]
    assert drivers["Plan to actual"] == round(31 * 100.0 - august.bridge().before.mean())


def test_a_bill_below_list_prices_is_a_driver_of_its_own(plan, usage):
    frame = usage.frame.copy()
    frame["billed_cost"] *= 0.9
    review = sc.review(plan, fc.Usage.from_frame(frame[frame["date"] >= "2026-07-01"]), as_of="2026-07-31")
    amount, _ = figures(review)
    assert amount["discounts and bill"] == -310  # a tenth of 31 days of 100


def test_the_largest_variances_are_told_by_the_column_that_tells_parts(august):
    made = by_hand(august, budget=9_200)
    table = pd.DataFrame(
        {"period": "2026Q3", "environment": ["production", "development"], "amount": [4_600.0, 4_600.0]}
    )
    review = replace(made, outlook=replace(made.outlook, budget=held_in(table, made.plan)), amount=100.0)
    assert part_column(review) == "environment"
    table = review.summary()
    told = table[table.index == "largest variances"].set_index("figure")
    # Each was given 50 a day for 46 days; production spent 70 and development 30.
    assert told["amount"].to_dict() == {"production": -920.0, "development": 920.0}
    assert "USD 920 (40.0 %) over budget, unfavourable, permanent" in told["what"]["production"]
    assert "favourable, permanent" in told["what"]["development"]


def test_before_the_first_day_nothing_is_told_as_spent(plan, usage):
    review = sc.review(plan, usage, as_of="2026-06-30")
    amount, what = figures(review)
    assert amount["Actual to date"] == 0
    assert "the plan begins on 1 July 2026" in what["Actual to date"]
    assert "Variance to date" not in amount
    assert told_of(review).finding.startswith("Nothing of the plan's days is over")


def test_a_plan_that_is_over_tells_no_rest(plan, usage):
    review = sc.review(plan, usage, as_of="2026-09-30")
    amount, _ = figures(review)
    assert amount["Outlook"] == 9_200  # 92 days of 100
    assert "Rest as foreseen" not in amount
    assert told_of(review).finding.startswith("USD 9,200 was spent")


def test_restated_days_are_told(plan):
    frame = usage_of().frame.copy()
    day = (frame["date"] == "2026-06-30") & (frame["environment"] == "production")
    frame.loc[day, "billed_cost"] += 12.0
    review = sc.review(plan, fc.Usage.from_frame(frame), as_of="2026-07-05")
    amount, what = figures(review)
    assert amount["Restated"] == 12
    assert "1 day was billed otherwise before: 30 June 2026" in what["Restated"]


def test_a_small_plan_is_told_to_the_cent():
    usage = usage_of({"production": 0.07, "development": 0.03})
    amount, what = figures(sc.review(plan_of(usage), usage, as_of=DAY))
    assert amount["Actual to date"] == 4.6
    assert "USD 0.0" not in what["Budget left"]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.sampled_from([0, 2]))
def test_told_amounts_add_up_to_the_told_whole(amounts, digits):
    tell, whole = Teller("USD", digits), float(np.sum(amounts))
    told = adding(pd.Series(amounts), whole, tell)
    # Sums of at most 30 multiples of a cent, each exact to 1e-10 at this size.
    assert abs(told.sum() - tell.rounded(whole)) < 1e-6
    # The largest remainder moves an amount by less than one step, and half a step more where the whole is rounded.
    assert np.abs(told - amounts).max() <= 1.5 * 10.0**-digits + 1e-6


def test_tables_told_in_whole_units_add_up_to_the_figures(lined):
    amount, _ = figures(lined)
    for by in ("month", "environment"):
        table = told_table(lined, by)
        assert table["budget"].sum() == amount["Budget to date"]
        assert table["actual"].sum() == amount["Actual to date"]
        assert table["variance"].sum() == amount["Variance to date"]


@pytest.mark.parametrize(
    ("value", "whole", "told"),
    [
        (5, 100, "5.0 %"),
        (-5, 100, "5.0 %"),
        (0.04, 100, "under 0.1 %"),
        (300, 100, "300.0 %"),
        (3_000, 100, "30 times it"),
    ],
)
def test_a_part_is_told_in_percent(value, whole, told):
    assert percent_of(value, whole) == told


def test_words():
    tell = Teller("EUR", 0)
    assert tell.variance(500, 10_000) == "EUR 500 (5.0 %) under budget"
    assert tell.variance(-500, 0) == "EUR 500 over budget"
    assert tell.variance(0.4, 10_000) == "on budget"
    assert tell.amount(-1_500) == "\u22121,500"
    assert between_words(pd.Timestamp("2026-12-30"), pd.Timestamp("2027-01-02")) == "30 December 2026 to 2 January 2027"
    assert between_words(pd.Timestamp("2026-07-01"), pd.Timestamp("2026-07-01")) == "1 July 2026"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert rank_words(0.0).startswith("below all")
    assert rank_words(1.0).startswith("above all")
    assert rank_words(0.999).startswith("P99")
    assert rank_words(float("nan")) == ""


# ------------------------------------------------------------------------------------------------------- decisions


def decisions(review):
    return {d.kind: d for d in told_of(review).decisions}


def test_more_is_asked_for_where_most_futures_go_over(august):
    made = decisions(by_hand(august, budget=8_740))["approve"]
    need = SPENT + LEFT * (50 + 0.5 * 0.8 * 199)  # P80 of the rates
    assert made.amount == round(need) - 8_740
    day = pd.Timestamp(DAY) + pd.Timedelta(days=math.floor(4_140 / 144) + 1)  # the 12th highest of 119 rates is 144
    assert made.by == day
    assert f"act by {day.day} {day:%B %Y}" in made.words
    middle = LEFT * 99.75
    assert f"costs {100 * (middle - 4_140) / middle:.1f} % less" in made.words
    assert "60 % of futures go over the budget" in made.words  # 59.5 %


@pytest.mark.parametrize(("budget", "asked"), [(9_200, False), (9_176, True)])
def test_half_of_the_futures_is_not_most_of_them(august, budget, asked):
    # 9,200 leaves 100 a day: 99 rates are above it. 9,176 leaves 99.48: the rate of 99.5 is above it too, and 101 are.
    assert ("approve" in decisions(by_hand(august, budget=budget))) is asked


def test_a_budget_that_is_gone_over_says_since_when(august):
    made = decisions(by_hand(august, budget=4_050))["approve"]
    assert made.by is None
    assert "the budget was gone over on 10 August 2026" in made.words  # 41 days of 100


def test_a_plan_that_is_over_asks_for_what_was_spent(plan, usage):
    review = sc.review(plan, usage, as_of="2026-09-30")
    out = replace(review.outlook, budget=held_in(pd.DataFrame({"period": ["2026Q3"], "amount": [9_000]}), plan))
    made = decisions(replace(review, outlook=out))["approve"]
    assert made.amount == 200
    assert made.by is None
    assert "gone over on 29 September 2026" in made.words  # the 91st day of 100


@pytest.mark.parametrize(("budget", "free"), [(11_600, None), (11_620, 1_058)])
def test_money_is_released_from_the_threshold_on(august, budget, free):
    need = round(SPENT + LEFT * (50 + 0.5 * 0.8 * 199))  # 10,562: 11,600 is less than 10 % above it
    made = decisions(replace(by_hand(august, budget=budget), amount=1_040.0, percent=0.05))
    assert ("release" in made) is (free is not None)
    if free is not None:
        assert made["release"].amount == free == budget - need
        assert f"what is left is P80 of the outlook, USD {need:,}, enough in 80 % of futures" in made["release"].words


def test_the_percent_of_the_threshold_counts_as_well(august):
    made = by_hand(august, budget=11_620)
    assert "release" not in decisions(replace(made, amount=0.0, percent=0.1))
    assert "release" in decisions(replace(made, amount=0.0, percent=0.09))


def test_what_the_plan_does_not_know_needs_an_owner(plan):
    more = usage_of({**BILL, "sandbox": 5.0}, start="2026-07-01")
    made = decisions(sc.review(plan, more, as_of="2026-07-31"))["own"]
    assert made.amount == 31 * 5
    assert "the environment 'sandbox', which no budget holds: USD 155 to date" in made.words


def test_a_credit_needs_no_owner_and_usage_without_a_label_that_was_planned_so_neither(plan, usage):
    credit = usage.frame[usage.frame["date"] == "2026-07-20"].head(1)
    credit = credit.assign(charge_category="credit", billed_cost=-20.0, input_tokens=np.nan, requests=np.nan)
    frame = pd.concat([usage.frame.assign(charge_category="usage"), credit])
    assert "own" not in decisions(sc.review(plan, fc.Usage.from_frame(frame), as_of=DAY))
    bare = fc.Usage.from_frame(usage.frame[usage.frame["environment"] == "production"].drop(columns="environment"))
    projection = fc.project(
        bare.until("2026-06-30"), start="2026-07-01", end="2026-07-31", lag=0, model="seasonal_mean", by=("project",)
    )
    assert "own" not in decisions(sc.review(sc.plan(projection, draws=100), bare, as_of="2026-07-31"))


def test_a_new_model_alone_needs_no_owner(plan, usage):
    frame = usage.frame.copy()
    late = frame["date"] >= "2026-07-10"
    frame["model"] = frame["model"].astype("object").mask(late, "gpt-5-nano")
    made = sc.review(plan, fc.Usage.from_frame(frame), as_of="2026-07-31")
    assert made.outlook.unplanned.any()
    assert "own" not in decisions(made)


def test_lines_that_nobody_told_are_asked_for(lined, usage):
    made = decisions(lined)["tell"]
    assert made.amount == 310 + 150  # July, and 15 of 31 days of August
    assert "gateway (460)" in made.words
    told = pd.DataFrame({"month": ["2026-07", "2026-08"], "line": "gateway", "amount": [300.0, 140.0]})
    assert "tell" not in decisions(sc.review(lined.plan, usage, as_of=DAY, lines=told))


def test_nothing_to_decide_is_said(plan, usage):
    table = sc.review(plan, usage, as_of="2026-06-30").summary()
    assert table.loc["decisions needed", "what"] == "Nothing is to be decided."


# -------------------------------------------------------------------------------------------------------- pictures


def words_of(ax):
    texts = [*ax.texts, ax.title, *ax.get_xticklabels(), *ax.get_yticklabels()]
    return " ".join(t.get_text().replace("\n", " ") for t in texts)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_draws_on_the_axes_it_is_given_and_says_what_it_finds(august, kind):
    ax = Figure(figsize=(8, 4.5)).add_subplot()
    assert august.plot(kind, ax=ax) is ax
    assert len(ax.get_title()) > 20
    assert "USD" in ax.get_ylabel()


def test_a_burn_down_holds_what_was_spent_what_is_to_come_and_the_budgets_path(august):
    made = by_hand(august, budget=8_740)
    ax = made.plot()
    lines = [line.get_ydata() for line in ax.get_lines()]
    assert any(np.allclose(y, 100.0 * np.arange(47), atol=CENT) for y in lines if len(y) == 47)  # spent
    path = next(y for y in lines if len(y) == 93)
    assert abs(path[-1] - 8_740) < CENT
    assert abs(path[46] - 46 * 95) < CENT
    middle = next(y for y in lines if len(y) == 47 and abs(y[0] - SPENT) < CENT)
    assert np.allclose(middle, SPENT + 99.75 * np.arange(47))
    assert "60 % of futures go over the budget of USD 8,740" in " ".join(ax.get_title().split())
    assert "60 % go over, around" in words_of(ax)


def test_a_burn_down_is_held_to_any_limit(august):
    ax = by_hand(august, budget=8_740).plot(limit=9_200.0)
    assert "limit 9,200" in words_of(ax)
    assert "50 % of futures go over the limit of USD 9,200" in " ".join(ax.get_title().split())  # 49.5 %


def test_a_burn_down_says_when_a_limit_was_gone_over(august):
    ax = by_hand(august, budget=4_050).plot()
    assert "Spend went over the budget of USD 4,050 on 10 Aug 2026" in " ".join(ax.get_title().split())
    assert "gone over on 10 Aug" in words_of(ax)


@pytest.mark.parametrize(("day", "told"), [("2026-06-30", "Nothing spent yet"), ("2026-09-30", "USD 9,200 was spent")])
def test_a_burn_down_before_and_after_the_plan(plan, usage, day, told):
    assert told in sc.review(plan, usage, as_of=day).plot().get_title()


def test_a_plan_of_one_month_has_its_pictures(usage):
    made = sc.review(plan_of(usage, end="2026-07-31"), usage, as_of="2026-07-05")
    for kind in ("burn_down", "outlook"):
        made.plot(kind).figure.canvas.draw()
    with pytest.raises(PlanError, match="no month of the plan is over by 2026-07-05"):
        made.plot("bridge")


def test_the_outlook_by_month_has_bars_of_money(august):
    made = by_hand(august, budget=9_200)
    ax = made.plot("outlook")
    heights = [bar.get_height() for bar in ax.patches]
    # Spent by month, then what is foreseen on top: 16 and 30 days of 99.75.
    assert np.allclose(heights, [3_100, 1_500, 0, 0, 16 * 99.75, 30 * 99.75], atol=CENT)
    assert "USD 9,188 at P50" in ax.get_title()  # 4,600 + 4,588.5, half to even


def test_the_walk_shows_every_version_beside_the_budget(plan, usage):
    made = plan.reforecast(usage, as_of="2026-07-05").reforecast(usage, as_of=DAY)
    ax = made.plot()
    dots = [line for line in ax.get_lines() if line.get_marker() == "o"]
    assert [float(dot.get_ydata()[0]) for dot in dots] == made.walk()["p50"].tolist()
    names = words_of(ax)
    assert "plan 30 Jun 2026" in names
    assert "1+2 15 Aug 2026" in names


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_take_light_or_dark_from_their_paper(august, kind):
    with chart_style(dark=True) as palette:
        ax = august.plot(kind)
        assert mpl.colors.to_hex(ax.title.get_color()) == palette.ink


def test_a_picture_that_there_is_not_is_refused(august):
    with pytest.raises(PlanError, match="burn_down"):
        august.plot("burndown")
    with pytest.raises(PlanError, match="only 'burn_down' marks a limit"):
        august.plot("outlook", limit=5.0)


# -------------------------------------------------------------------------------------------------------- workbook


@pytest.fixture(scope="module")
def hostile():
    """Names that a page or a spreadsheet might run."""
    usage = usage_of({SCRIPT: 70.0, FORMULA: 30.0})
    plan = plan_of(usage, lines=[sc.Fixed("+base", monthly=310)])
    return sc.review(plan, usage, as_of=DAY)


def books_of(content):
    return tuple(openpyxl.load_workbook(BytesIO(content), data_only=values) for values in (False, True))


@pytest.fixture(scope="module")
def content(lined):
    return workbook_bytes(lined)


@pytest.fixture(scope="module")
def books(content):
    """The workbook of a review, as formulas and as values."""
    return books_of(content)


def test_the_workbook_has_its_sheets(august, tmp_path):
    book = openpyxl.load_workbook(august.to_excel(tmp_path / "review.xlsx"))
    assert book.sheetnames == ["Summary", "By month", "By environment", "Outlook", "Bridge", "Notes"]
    assert book["Summary"]._images
    assert book["Bridge"]._images


@pytest.mark.parametrize(("name", "after"), [("By month", "actual"), ("By environment", "actual"), ("Outlook", "p50")])
def test_totals_and_variances_are_formulas_that_hold_what_they_come_to(lined, books, name, after):
    formulas, values = (book[name] for book in books)
    heads = {str(cell.value).lower(): cell.column for cell in formulas[3]}
    total = next(row for row in range(4, 40) if formulas.cell(row, 1).value == "Total")
    money = {
        c: [values.cell(row, heads[c]).value for row in range(4, total + 1)] for c in ("budget", after, "variance")
    }
    for column in ("budget", "actual"):
        letter = formulas.cell(3, heads[column]).column_letter
        assert formulas.cell(total, heads[column]).value == f"=SUM({letter}4:{letter}{total - 1})"
    *parts, whole = money["budget"]
    assert abs(sum(parts) - whole) < CENT
    for row, (budget, taken, variance) in enumerate(zip(*money.values(), strict=True), start=4):
        assert formulas.cell(row, heads["variance"]).value == (
            f"={formulas.cell(row, heads['budget']).coordinate}-{formulas.cell(row, heads[after]).coordinate}"
        )
        assert abs(variance - (budget - taken)) < 2 * CENT  # P50 is rounded to the cent in its cell
    out = lined.outlook
    due = out.budget.total if name == "Outlook" else float(out.budget.by([], out.elapsed).iloc[0])
    assert abs(whole - due) < CENT


def test_the_summary_takes_its_figures_from_the_other_sheets(lined, books):
    formulas, values = (book["Summary"] for book in books)
    rows = {values.cell(r, 1).value: (formulas.cell(r, 2).value, values.cell(r, 2).value) for r in range(3, 60)}
    assert rows["Actual to date"][0].startswith("='By month'!")
    assert rows["Actual to date"][1] == SPENT + 460
    assert rows["Budget"][0].startswith("='Outlook'!")
    assert rows["Budget"][1] == lined.outlook.budget.total


def test_no_name_becomes_a_formula_or_a_link(hostile):
    formulas, _ = books_of(workbook_bytes(hostile))
    cell = r"[A-Z]+\d+"
    ours = re.compile(
        rf"=(SUM\({cell}:{cell}\)|{cell}-{cell}|IF\({cell}=0,\"\",{cell}/{cell}\)|'(By month|Outlook)'!{cell})"
    )
    texts = set()
    for sheet in formulas:
        for one in itertools.chain.from_iterable(sheet.iter_rows()):
            assert one.hyperlink is None
            if one.data_type == "f":
                assert ours.fullmatch(one.value), one.value
            elif one.data_type == "s" and one.value:
                texts.add(one.value)
                assert one.quotePrefix or one.value[0] not in "=+-@", one.value
    assert any(FORMULA[:20] in text for text in texts)


@pytest.mark.parametrize("day", ["2026-06-30", "2026-09-30"])
def test_a_workbook_at_the_ends_of_the_plan(plan, usage, day, tmp_path):
    review = sc.review(plan, usage, as_of=day)
    assert review.to_excel(tmp_path / "review.xlsx").stat().st_size > 10_000


def test_a_workbook_is_named_as_one(august, tmp_path):
    with pytest.raises(PlanError, match=r"review\.xls: .*such as review\.xlsx"):
        august.to_excel(tmp_path / "review.xls")


# ------------------------------------------------------------------------------------------------------------ page


@pytest.fixture(scope="module")
def page(august, tmp_path_factory):
    return august.to_html(tmp_path_factory.mktemp("page") / "review.html").read_text("utf-8")


def test_the_page_is_whole_in_itself_and_tells_the_figures(august, page):
    text, page = page, Reader(page)
    assert "http:" not in text
    assert "https:" not in text
    assert not page.all("script", "link", "img", "iframe", "object")
    parts = [attrs["id"] for attrs in page.all("section")]
    assert [attrs["href"] for attrs in page.all("a")] == ["#content", *(f"#{part}" for part in parts[1:])]
    assert "default-src 'none'" in text
    assert len(page.all("svg")) == 3
    assert all(attrs["aria-label"] for attrs in page.all("svg"))
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert "4,600" in page.text
    for part in told_of(august).figures:
        assert part.what in page.text


def test_names_are_text_on_the_page_and_in_a_notebook(hostile):
    text = page_html(hostile)
    for one in (text, hostile._repr_html_(), hostile.outlook._repr_html_()):
        assert not Reader(one).all("script")
    assert SCRIPT[:20] in Reader(text).text


def test_the_same_review_makes_the_same_files(plan, usage, lined, content, page):
    assert page_html(sc.review(plan, usage, as_of=DAY)) == page
    assert workbook_bytes(sc.review(lined.plan, usage, as_of=DAY)) == content


@pytest.mark.parametrize("write", ["to_html", "to_excel"])
def test_a_file_that_cannot_be_written_is_named_and_nothing_is_left(august, tmp_path, write):
    path = tmp_path / "missing" / ("review.xlsx" if write == "to_excel" else "review.html")
    with pytest.raises(PlanError, match="there is no folder"):
        getattr(august, write)(path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("day", ["2026-06-30", "2026-09-30"])
def test_a_page_at_the_ends_of_the_plan(plan, usage, day):
    page = Reader(page_html(sc.review(plan, usage, as_of=day)))
    assert len(page.all("svg")) == 3 - (day < "2026-07-31")  # no bridge before a month is over


def test_notebooks_show_reviews_as_tables(august, plan, usage):
    made = by_hand(august, budget=8_740)
    review, outlook, breach = (Reader(one._repr_html_()).text for one in (made, made.outlook, made.breach()))
    assert "Approve USD 1,822 more" in review
    assert "4,600" in review
    assert "60 %" in outlook
    assert "USD 8,740" in breach
    assert "60 %" in breach
    walk = Reader(plan.reforecast(usage, as_of=DAY)._repr_html_()).text
    assert "1+2" in walk
    assert "2026-06-30" in walk
    never = Reader(made.breach(1e9)._repr_html_()).text
    assert "0 %" in never
    assert "Overrun" not in never


def test_a_budget_that_tells_no_parts_has_no_tables_of_parts(august):
    made = by_hand(august, budget=9_200)
    assert part_column(made) is None
    assert "By environment" not in openpyxl.load_workbook(BytesIO(workbook_bytes(made))).sheetnames


# --------------------------------------------------------------------------------------------------------- command

PLAN = """\
[plan]
name = "Third quarter"
start = 2026-07-01
end = 2026-09-30
draws = 100
[usage]
file = "usage.csv"
[forecast]
model = "seasonal_mean"
trajectories = 40
lag = 0
[[components]]
kind = "fixed"
name = "gateway"
monthly = 310
"""
REPLAY = ("--approved-on", "2026-06-30", "--as-of", DAY)


@pytest.fixture
def folder(tmp_path, monkeypatch, usage):
    usage.frame.to_csv(tmp_path / "usage.csv", index=False)
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder, capsys):
    """Run the command on the plan file and the export; returns its code, stdout and stderr."""

    def command(job, *arguments):
        code = main([job, "plan.toml", "usage.csv", *arguments])
        return code, *capsys.readouterr()

    return command


def test_review_shows_the_plan_beside_what_happened(run, folder):
    code, out, err = run("review", *REPLAY, "--html", "review.html", "--excel", "review.xlsx")
    assert code == 0
    assert "Third quarter: review as of 15 August 2026" in out
    assert "Say what gateway (460) cost" in out
    assert "2026-07" in out
    assert "--lines TABLE.csv" in err
    assert (folder / "review.html").exists()
    assert (folder / "review.xlsx").exists()


def test_review_as_json_holds_the_reviews_numbers(run):
    (code, out, err) = run("review", *REPLAY, "--by", "environment", "--json", "--quiet")
    assert (code, err) == (0, "")
    made = json.loads(out)
    assert made["schema"] == "tokenplan/review/1"
    assert made["to_date"]["actual"] == SPENT + 460
    rows = {row["environment"]: row["actual"] for row in made["rows"]}
    assert abs(sum(rows.values()) - made["to_date"]["actual"]) < CENT
    assert made["breach"]["probability"] <= 1
    assert [d["kind"] for d in made["decisions"]][-1] == "tell"
    assert made["bridge"][0]["step"] == "plan"
    assert abs(sum(step["mean"] for step in made["bridge"][:-1]) - made["bridge"][-1]["mean"]) < CENT


def test_review_takes_a_budget_and_lines_from_tables(run, folder):
    (folder / "budget.csv").write_text("period,environment,amount\n2026Q3,production,5000\n2026Q3,development,2000\n")
    (folder / "lines.csv").write_text("month,line,amount\n2026-07,gateway,300\n2026-08,gateway,140\n")
    code, out, _ = run("review", *REPLAY, "--budget", "budget.csv", "--lines", "lines.csv", "--json", "--quiet")
    made = json.loads(out)
    assert code == 0
    assert made["budget"] == 7_000
    assert made["to_date"]["actual"] == SPENT + 440
    assert [d["kind"] for d in made["decisions"]] == ["approve"]


def test_review_leaves_with_4_where_it_is_likelier_over_than_allowed(run, folder):
    (folder / "budget.csv").write_text("period,amount\n2026Q3,5000\n")
    code, _, err = run("review", *REPLAY, "--budget", "budget.csv", "--fail-over", "0.8", "--quiet")
    assert code == 4
    assert "go over the budget of 5,000.00 USD; --fail-over allows 80 %" in err
    assert run("review", *REPLAY, "--budget", "budget.csv", "--fail-over", "1", "--quiet")[0] == 0


@pytest.mark.parametrize(
    ("files", "arguments", "told"),
    [
        ({}, ("--as-of", DAY), "--approved-on DATE"),
        ({"b.csv": "period,amount\n2026Q3,much\n"}, (*REPLAY, "--budget", "b.csv"), "amount = 'much'"),
        ({"b.csv": ""}, (*REPLAY, "--budget", "b.csv"), "b.csv: cannot be read as CSV"),
        ({}, (*REPLAY, "--budget", "none.csv"), "none.csv"),
        (
            {"l.csv": "month,line,amount\nsoon,gateway,3\n"},
            (*REPLAY, "--lines", "l.csv"),
            "l.csv, line 2: month 'soon'",
        ),
        ({"l.csv": "month,line,amount\n2026-07,gate,3\n"}, (*REPLAY, "--lines", "l.csv"), "'gate' is no line"),
        ({}, (*REPLAY, "--by", "colour"), "colour"),
        ({}, (*REPLAY, "--excel", "review.txt"), "a workbook's name ends in .xlsx"),
        ({}, ("--approved-on", "2026-02-01", "--as-of", DAY), "plan.toml: "),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(run, folder, files, arguments, told):
    for name, text in files.items():
        (folder / name).write_text(text)
    code, out, err = run("review", *arguments, "--quiet")
    assert code == 1
    assert told in err
    assert "Traceback" not in err
    assert not out


@pytest.mark.parametrize("arguments", [("--fail-over", "1.5"), ("--as-of", "soon"), ("--fail-over", "nan")])
def test_a_wrong_command_line_leaves_with_2(run, arguments):
    with pytest.raises(SystemExit) as left:
        run("review", *arguments)
    assert left.value.code == 2


def test_a_saved_plan_is_reviewed_as_it_was_approved(folder, capsys, usage):
    made = plan_of(usage, lines=[sc.Fixed("gateway", monthly=310)], draws=100)
    made.save(folder / "q3.tokenplan")
    assert main(["review", "q3.tokenplan", "usage.csv", "--as-of", DAY, "--json", "--quiet"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["budget"] == made.budget
    assert told["to_date"]["actual"] == SPENT + 460
    assert main(["review", "q3.tokenplan", "usage.csv", "--as-of", DAY, "--draws", "50", "--quiet"]) == 1
    assert "a saved plan is as it was approved; --draws goes with a plan file" in capsys.readouterr().err
    (folder / "own.csv").write_text((folder / "usage.csv").read_text().replace("date", "day", 1))
    assert main(["review", "q3.tokenplan", "own.csv", "--as-of", DAY, "--quiet"]) == 1
    assert "(here: --column NAME=OWN; by their names: --column date=day)" in capsys.readouterr().err
    assert main(["review", "q3.tokenplan", "own.csv", "--as-of", DAY, "--column", "date=day", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["to_date"]["actual"] == SPENT + 460
    (folder / "heads.csv").write_text("month,who,amount\n2026-07,gateway,300\n")
    assert main(["review", "q3.tokenplan", "usage.csv", "--as-of", DAY, "--lines", "heads.csv", "--quiet"]) == 1
    assert "wanted a table with the columns month, line, amount; it has month, who, amount" in capsys.readouterr().err
    assert main(["plan", "q3.tokenplan"]) == 1
    assert "is a saved plan, which is made already" in capsys.readouterr().err


def test_reforecast_walks_through_its_days(run):
    days = ("--approved-on", "2026-06-30", "--as-of", "2026-07-05", "--as-of", DAY)
    code, out, _ = run("reforecast", *days, "--json", "--quiet")
    made = json.loads(out)
    assert code == 0
    assert made["schema"] == "tokenplan/reforecast/1"
    assert [v["version"] for v in made["versions"]] == ["plan", "0+3", "1+2"]
    assert made["versions"][0]["bridge"] is None
    for version in made["versions"][1:]:
        *steps, end = version["bridge"]
        assert abs(sum(step["mean"] for step in steps) - end["mean"]) < CENT
    code, out, _ = run("reforecast", *days)
    assert code == 0
    assert "0+3" in out
    assert "months under way" in out


def test_reforecast_refuses_days_out_of_order(run):
    code, _, err = run("reforecast", "--approved-on", "2026-06-30", "--as-of", DAY, "--as-of", "2026-07-05", "--quiet")
    assert code == 1
    assert "versions follow one another in time" in err
