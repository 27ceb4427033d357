"""Contracts: seats, allowances, commitments, credits, tiers, capacity and tax, as bills that a reader can check."""

from dataclasses import dataclass
from datetime import date
from importlib.metadata import EntryPoint

import numpy as np
import pytest

import forecast as fc
from forecast.errors import PriceError
from forecast.prices import billing
from forecast.prices.billing import (
    Allowance,
    Commitment,
    Credits,
    Discount,
    Periods,
    Provisioned,
    Purchase,
    Seats,
    SpendTiers,
    Tax,
    reading,
)
from tests.contracts import CLOSE, JANUARY, QUARTER, YEAR, bill, total

# ---------------------------------------------------------------------------------------------------------- periods


def test_months_know_their_days_and_parts():
    assert QUARTER.days.tolist() == [31, 28, 31]
    parts, of = QUARTER.split(np.array(["2027-01-17", "2027-02-15", "2027-02-15", "2026-01-01"], "datetime64[D]"))
    assert parts.days.tolist() == [16, 15, 14, 14, 31]
    assert of.tolist() == [0, 0, 1, 1, 2]
    assert parts.months_in(date(2027, 1, 17), date(2027, 2, 14)).tolist() == pytest.approx([0, 15 / 31, 14 / 28, 0, 0])
    assert YEAR.windows("quarter").number.tolist() == [q for q in range(4) for _ in range(3)]
    assert YEAR.windows("year", date(2027, 4, 1)).number.tolist() == [-1] * 3 + [0] * 9
    # Quarters from the 31st begin on the last day of months that have none; the year of 2028 has 29 February.
    begins = Periods.months("2027-12", 8).boundaries("quarter", date(2027, 11, 30))
    assert begins.astype(str).tolist() == ["2027-11-30", "2028-02-29", "2028-05-30", "2028-08-30"]
    assert YEAR.windows("term", date(2027, 2, 1), date(2029, 1, 31)).months.tolist() == [24]


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        (["2027-01-01"], ["2026-12-31"], "ends before it begins"),
        (["2027-01-01", "2027-01-31"], ["2027-01-31", "2027-02-28"], "period 1 .* does not follow the one before"),
        ([], [], "0 first and 0 last days"),
        (["2027-01-01", "NaT"], ["2027-01-31", "2027-02-28"], "has no first or last day"),
    ],
)
def test_periods_follow_one_another(first, last, message):
    with pytest.raises(PriceError, match=message):
        Periods(np.array(first, "datetime64[D]"), np.array(last, "datetime64[D]"))


# ------------------------------------------------------------------------------------------------------------ kinds


def test_a_discount_holds_from_its_day():
    # A tenth off from 15 February: 14 of 28 days of February, all of March.
    assert total([100, 100, 100], Discount("d", 0.10, start="2027-02-15")) == pytest.approx([100, 95, 90])


def test_seats_by_month_have_a_minimum_and_parts_of_months():
    # 10 seats at least, 20.00 each; from 17 January, 15 of 31 days.
    seats = Seats("seats", 20.0, minimum=10, start="2027-01-17")
    assert total([0, 0, 0], seats, seats=[8, 12, 10]) == pytest.approx([10 * 20 * 15 / 31, 240, 200])


def test_a_month_in_part_is_a_whole_one_without_proration():
    seats = Seats("seats", 20.0, prorate=False, start="2027-01-17", end="2027-03-10")
    assert total([0, 0, 0], seats, seats=[2, 3, 3]) == pytest.approx([40, 60, 60])


def test_a_contract_year_that_runs_already_is_paid():
    # From April 2026: 10 seats were paid then. 4 more in February cost 2 of 12 months; in April all 14 are due again.
    counts = [10, 14, 14, 14]
    rule = Seats("s", 120.0, per="year", start="2026-04-01")
    periods = Periods.months("2027-01", 4)
    assert total([0] * 4, rule, periods=periods, seats=counts) == pytest.approx([0, 4 * 20, 0, 14 * 120])
    # Where 12 had been paid for, only 2 are new; without proration they cost a whole year.
    told = Seats("s", 120.0, per="year", start="2026-04-01", paid_before=12, prorate=False)
    assert total([0] * 4, told, periods=periods, seats=counts) == pytest.approx([0, 2 * 120, 0, 14 * 120])


def test_seats_by_year_are_paid_in_advance_and_added_for_the_rest():
    # 10 at 120.00 in January; 2 more in July for 6 of 12 months; giving seats up pays nothing back.
    counts = [10] * 6 + [12] * 3 + [5] * 3
    assert total([0] * 12, Seats("s", 120.0, per="year"), periods=YEAR, seats=counts) == pytest.approx(
        [1200] + [0] * 5 + [2 * 120 * 6 / 12] + [0] * 5
    )


@pytest.mark.parametrize(("tokens", "money"), [(0.9e6, 50), (1.0e6, 50), (1.1e6, 50 + 0.1 * 4)])
def test_an_allowance_and_what_lies_beyond(tokens, money):
    # 50.00 a month for a million tokens, 4.00 a million beyond; at list they would cost 10.00 a million.
    rule = Allowance("plan", 1e6, fee=50.0, quantity="total_tokens", overage=4.0)
    one = Periods.months("2027-01", 1)
    assert total([tokens * 10e-6], rule, periods=one, total_tokens=[tokens]) == pytest.approx([money])


def test_an_allowance_of_money_a_seat_rolls_over():
    # 3 seats of 20.00 that include 20.00 of usage each; half of what is left is carried, at most a month's worth.
    rule = Allowance("team", 20.0, fee=20.0, per_seat=True, rollover=0.5)
    made = bill([10, 80, 100], rule, seats=[3, 3, 3])
    # January: 10 of 60 used, 25 carried. February: 80 of 85 used, 2.5 carried. March: 62.5 of 100, the rest at list.
    assert made.total[0].tolist() == pytest.approx([60, 60, 60 + 37.5])
    assert made.balances["team: left"][0].tolist() == pytest.approx([50, 5, 0])
    assert made.memo["team: beyond"][0].tolist() == pytest.approx([0, 0, 37.5])
    # All of it is carried, but never more than half a month's worth: 30 of the 50 that January left.
    capped = Allowance("team", 20.0, per_seat=True, rollover=1.0, cap=0.5)
    assert total([10, 95, 0], capped, seats=[3, 3, 3]) == pytest.approx([0, 95 - 90, 0])


def test_an_allowance_of_each_seat_is_not_anothers():
    # Two seats with 30.00 each. Together 60.00 covers 50.00; one that uses 40.00 of it alone has 10.00 beyond.
    pooled = Allowance("team", 30.0, per_seat=True)
    each = Allowance("team", 30.0, per_seat=True, profile=(4, 1))
    assert total([50.0], pooled, periods=JANUARY, seats=[2]) == pytest.approx([0])
    assert total([50.0], each, periods=JANUARY, seats=[2]) == pytest.approx([10])
    # 37.50 is where the heavier seat's 30.00 ends.
    assert total([37.49], each, periods=JANUARY, seats=[2]) == pytest.approx([0], abs=CLOSE)
    assert total([37.51], each, periods=JANUARY, seats=[2]) == pytest.approx([0.01 * 0.8], rel=1e-9)


def test_an_allowance_of_requests_takes_what_they_cost():
    # 1,000 requests a month are included; 1,500 cost 30.00 at list. So 500 beyond cost 10.00, or 25.00 at 0.05 each.
    free = Allowance("free", 1_000, quantity="requests")
    dear = Allowance("plan", 1_000, quantity="requests", overage=50.0, per=1_000)
    assert total([30.0], free, periods=JANUARY, requests=[1_500]) == pytest.approx([10])
    made = bill([30.0], dear, periods=JANUARY, requests=[1_500])
    assert made.total[0].tolist() == pytest.approx([25])
    parts = {kind: money[0, 0] for kind, money in made.by_kind().items()}
    assert parts == pytest.approx({"usage": 30, "included": -30, "overage": 25, "fee": 0})


@pytest.mark.parametrize(("usage", "shortfall"), [(99.0, 201.0), (100.0, 200.0), (400.0, 0.0)])
def test_a_commitment_bills_what_is_missing_at_the_end(usage, shortfall):
    made = bill([usage, 0, 0], Commitment("c", 300.0, window="quarter"))
    assert made.lines["c: shortfall"][0].tolist() == [0, 0, pytest.approx(shortfall)]


def test_a_commitment_owes_its_part_of_a_window_that_is_cut():
    assert total([0, 0, 0], Commitment("c", 1200.0, window="year")) == pytest.approx([0, 0, 300])
    # A year from October 2026, of which 350.00 is spent: by the end of March it owes 600.00, and 150.00 is missing.
    known = Commitment("c", 1200.0, start="2026-10-01", spent_before=350.0)
    assert total([50, 50, 0], known) == pytest.approx([50, 50, 150])


def test_a_commitment_of_a_term_is_trued_up_at_its_end():
    # 900.00 from 1 January to 31 March, whatever the months; from mid-February, only what is used from then counts.
    term = Commitment("c", 900.0, window="term", start="2027-01-01", end="2027-03-31")
    assert total([500, 100, 100], term) == pytest.approx([500, 100, 300])
    assert total([500, 100, 300], term) == pytest.approx([500, 100, 300])
    assert total([500, 100, 301], term) == pytest.approx([500, 100, 301])
    later = Commitment("c", 900.0, window="term", start="2027-02-15", end="2027-03-31")
    assert total([500, 100, 100], later) == pytest.approx([500, 100, 900 - 50])


def test_commitments_by_month_and_quarter_count_no_shortfall_of_each_other():
    month, quarter = Commitment("m", 100.0, window="month"), Commitment("q", 400.0, window="quarter")
    # 50, 150 and 100: January lacks 50; the quarter has used 300 of 400.
    made = bill([50, 150, 100], quarter, month)
    assert made.lines["m: shortfall"][0].tolist() == pytest.approx([50, 0, 0])
    assert made.lines["q: shortfall"][0].tolist() == pytest.approx([0, 0, 100])


def test_tiers_are_graduated_or_of_the_whole_volume():
    tiers = ((0, 0.0), (1_000, 0.1), (2_000, 0.2))
    # 999.99, then both sides of 1,000, then above 2,000.
    graduated, volume = SpendTiers("t", tiers), SpendTiers("t", tiers, how="volume")
    spend = np.array([999.99, 1_000.0, 1_000.01, 2_500.0])
    assert graduated.off(spend).tolist() == pytest.approx([0, 0, 0.001, 1_000 * 0.1 + 500 * 0.2])
    assert volume.off(spend).tolist() == pytest.approx([0, 100.0, 100.001, 500.0])
    # 800 a month: the second crosses 1,000 by 600, the third 2,000 by 400.
    assert total([800, 800, 800], graduated) == pytest.approx([800, 800 - 60, 800 - (40 + 80)])
    assert total([800, 800, 800], volume) == pytest.approx([800, 800 - 160, 800 - (480 - 160)])
    # The year from April 2026 has 900 when the bill begins: 100 at list, then a tenth off; from April on, anew.
    running = SpendTiers("t", tiers, start="2026-04-01", spent_before=900.0)
    assert total([150] * 4, running, periods=Periods.months("2027-01", 4)) == pytest.approx([145, 135, 135, 150])


def test_credits_are_drawn_oldest_first_and_what_is_left_expires():
    rule = Credits(
        "credits",
        (
            Purchase("2027-01-01", worth=100.0, paid=80.0, expires="2027-02-28"),
            Purchase("2027-01-10", worth=50.0),
        ),
    )
    made = bill([60, 10, 70], rule)
    # 80 + 50 are paid in January. 60 and 10 come from the first, of which 30 expire; March's 70 has 50 left.
    assert made.total[0].tolist() == pytest.approx([130, 0, 20])
    assert made.memo["credits: expired"][0].tolist() == pytest.approx([0, 0, 30])
    assert made.balances["credits: left"][0].tolist() == pytest.approx([90, 80, 0])
    # FOCUS: use costs 0.80 of what it is worth at list, the 30 that expire cost 24, and March's last 20 are billed.
    assert made.effective[0].tolist() == pytest.approx([48, 8, 24 + 50 + 20])
    assert made.effective.sum() == pytest.approx(made.total.sum())
    # Refused, March's last 20 are neither served nor billed.
    refusing = bill([60, 10, 70], Credits("credits", rule.purchases, exhausted="refuse"))
    assert refusing.total[0].tolist() == pytest.approx([130, 0, 0])
    assert refusing.lines["credits: refused"][0].tolist() == pytest.approx([0, 0, -20])


def test_credits_are_drawn_by_age_or_by_expiry():
    older, sooner = Purchase("2027-01-01", 50.0), Purchase("2027-01-02", 50.0, expires="2027-01-31")
    # January's 50 comes from the older, and the other 50 expire; drawn by expiry, the older pays for February.
    assert total([50, 50, 0], Credits("c", (sooner, older))) == pytest.approx([100, 50, 0])
    # One of 31 days lies before the second purchase: 50 / 31 come from the older one all the same.
    made = bill([50, 50, 0], Credits("c", (older, sooner), order="expiring"))
    assert made.memo["c: expired"].sum() == pytest.approx(50 / 31)
    assert made.total[0].tolist() == pytest.approx([100, 50 / 31, 0])


@pytest.mark.parametrize(("last", "used"), [("2027-01-15", 15), ("2027-01-16", 16), ("2027-01-31", 31)])
def test_credits_that_end_in_mid_month_pay_up_to_their_last_day(last, used):
    made = bill([31.0], Credits("c", (Purchase("2026-12-01", 100.0, paid=50.0, expires=last),)), periods=JANUARY)
    assert made.total[0, 0] == pytest.approx(31 - used)  # bought before the bill: not billed again
    assert made.effective[0, 0] == pytest.approx(31 - used + (used / 2 if used == 31 else 50))
    assert made.memo["c: expired"][0, 0] == pytest.approx(0 if used == 31 else 100 - used)


def test_credits_that_ended_before_the_bill_are_no_part_of_it():
    made = bill([10.0], Credits("c", (Purchase("2026-01-01", 100.0, expires="2026-12-31"),)), periods=JANUARY)
    assert made.total[0, 0] == pytest.approx(10)
    assert made.memo["c: expired"][0, 0] == made.memo["c: granted"][0, 0] == 0


def test_credits_pay_usage_and_fees_only_where_they_say_so():
    bought = (Purchase("2027-01-01", 100.0, paid=0.0),)
    for on, paid in (("usage", 20), ("charges", 30), ("due", 50)):
        rules = [Seats("s", 10.0), Commitment("c", 50.0, window="month"), Credits("gift", bought, on=on)]
        made = bill([20.0], *rules, periods=JANUARY, seats=[1])
        assert made.total[0, 0] == pytest.approx(50 - paid)


def test_capacity_serves_up_to_its_most_and_idles_below():
    # One unit serves 1,000 tokens an hour at 2.00: 744 hours of January cost 1,488.
    rule = Provisioned("ptu", 1, 2.0, 1_000)
    half = bill([500.0], rule, periods=JANUARY, total_tokens=[372_000])
    assert half.total[0].tolist() == pytest.approx([1_488])
    assert rule.utilisation(half)[0].tolist() == pytest.approx([0.5])
    assert half.lines["ptu: idle"][0].tolist() == pytest.approx([744])
    # Twice what it can serve: half of usage is billed on demand.
    assert total([1_000.0], rule, periods=JANUARY, total_tokens=[1_488_000]) == pytest.approx([1_488 + 500])
    # A peak of 1.5 of the mean at full load: half the hours need 1,500, so 500 of each spill; the others leave 500.
    peaky = Provisioned("ptu", 1, 2.0, 1_000, peak_to_mean=1.5)
    assert total([1_000.0], peaky, periods=JANUARY, total_tokens=[744_000]) == pytest.approx([1_488 + 250])
    # At 4.00 a thousand on demand, 500 of 1,000 tokens an hour pay for the hour.
    assert rule.break_even(4.0 / 1_000) == pytest.approx(0.5)
    idle = bill([2.0 * 744], rule, periods=JANUARY, total_tokens=[0.5 * 744_000])
    assert idle.total[0, 0] == pytest.approx(idle.lines["usage"][0, 0])


def test_a_peak_is_two_levels_of_the_day():
    # A ratio of 4: a quarter of the hours at 4 times the mean, nothing in the others.
    levels, shares = Provisioned("p", 1, 1.0, 1.0, peak_to_mean=4).hours
    assert (levels.tolist(), shares.tolist()) == ([0, 4], [0.75, 0.25])
    for ratio in (1.0, 1.5, 2.0, 3.0, 10.0):
        levels, shares = Provisioned("p", 1, 1.0, 1.0, peak_to_mean=ratio).hours
        assert levels @ shares == pytest.approx(1.0)
        assert levels.max() == pytest.approx(ratio)


def test_two_capacities_and_a_discount_take_nothing_twice():
    # 744,000 tokens cost 744.00. The first serves 250 an hour, the second 250 more: half is bought, a tenth off.
    rules = [
        Discount("d", 0.1),
        Provisioned("a", 1, 0.1, 250),
        Provisioned("b", 1, 0.2, 250),
        Allowance("free", 100_000, quantity="total_tokens"),
    ]
    made = bill([744.0], *rules, periods=JANUARY, total_tokens=[744_000])
    parts = {kind: money[0, 0] for kind, money in made.by_kind().items()}
    # 372,000 tokens are left for 334.80; 100,000 of them are free.
    bought = 372 * 0.9
    assert parts == pytest.approx({
        "usage": 744, "served": -372, "discount": -37.2, "included": -bought * 100 / 372,
        "capacity": 744 * 0.3, "idle": 0, "fee": 0,
    }, abs=1e-9)  # fmt: skip


@pytest.mark.parametrize("ratio", [1.0, 1.7])
def test_capacity_breaks_even_where_its_closed_form_says(ratio):
    rule = Provisioned("p", 3, 2.0, 1_000, peak_to_mean=ratio)
    on_demand = 5e-3  # 2.00 / (1,000 · 0.005) = 0.4
    assert rule.break_even(on_demand) == pytest.approx(0.4)
    for utilisation, better in ((0.39, False), (0.41, True)):
        tokens = utilisation * 3 * 1_000 * 744
        made = bill([tokens * on_demand], rule, periods=JANUARY, total_tokens=[tokens])
        assert rule.utilisation(made)[0, 0] == pytest.approx(utilisation)
        assert (made.total < made.lines["usage"]).all() == better


def test_tax_is_on_what_is_billed_and_never_twice_on_credits():
    rules = [Tax("vat", 0.2, start="2027-01-01"), Credits("c", (Purchase("2027-01-01", 100.0),))]
    assert total([60, 40, 10], *rules) == pytest.approx([120, 0, 12])
    # On what is due, the purchase is free of tax and use is not: 12, 8 and 2.
    at_use = [Tax("vat", 0.2, on="due"), rules[1]]
    assert total([60, 40, 10], *at_use) == pytest.approx([100 + 12, 8, 10 + 2])


def test_a_tax_rate_changes_on_its_day_and_no_tax_bears_tax():
    # 19 % to 15 February, 14 of 28 days of it at 20 %, and a second tax of 1 % on the same base.
    rules = [Tax("old", 0.19, end="2027-02-14"), Tax("new", 0.20, start="2027-02-15"), Tax("city", 0.01)]
    assert total([100, 100, 100], *rules) == pytest.approx([120, 101 + 9.5 + 10, 121])


def test_a_reversed_charge_is_told_and_not_billed():
    made = bill([100, 0, 50], Tax("vat", 0.2, reverse_charge=True))
    assert made.total[0].tolist() == pytest.approx([100, 0, 50])
    assert made.memo["vat: reverse charge"][0].tolist() == pytest.approx([20, 0, 10])


def test_money_that_is_given_back_takes_its_tax_with_it():
    # Volume tiers: February's 20 bring the year to 1,000, and a fifth of all of it comes back: 20 less 200.
    tiers = SpendTiers("t", ((0, 0.0), (1_000, 0.2)), how="volume")
    assert total([980, 20, 0], tiers, Tax("vat", 0.1)) == pytest.approx([1_078, -198, 0])


def test_dated_discounts_follow_one_another_within_a_period():
    quarter = Periods(np.array(["2027-01-01"], "datetime64[D]"), np.array(["2027-03-31"], "datetime64[D]"))
    rules = [Discount("old", 0.10, end="2027-01-31"), Discount("new", 0.20, start="2027-02-01")]
    assert total([900.0], *rules, periods=quarter) == pytest.approx([310 * 0.9 + 590 * 0.8])  # 900 in 90 days
    both = [Discount("one", 0.6), Discount("other", 0.6)]
    assert total([100.0], *both, periods=quarter) == pytest.approx([16])  # 0.4 of 0.4


def test_rules_compose_in_one_order_whatever_order_they_come_in():
    rules = [
        Tax("vat", 0.1),
        Commitment("c", 95.0, window="month"),
        Discount("d", 0.10),
        Seats("s", 5.0),
    ]
    # 100 less 10 is 90, two seats are 10: 100 is above 95, and 10 % tax makes 110.
    for order in (rules, rules[::-1]):
        assert total([100, 100, 100], *order, seats=[2, 2, 2]) == pytest.approx([110, 110, 110])
    # Without seats 90 is below 95: 95 and tax.
    assert total([100, 100, 100], *(r for r in rules if r.name != "s")) == pytest.approx([104.5] * 3)


# ------------------------------------------------------------------------------------------------------------ files

FILE = """
[[rules]]
kind = "discount"
name = "contract 17"
share = 0.08
start = 2027-01-01

[[rules]]
kind = "spend_tiers"
name = "volume"
tiers = [[0, 0.0], [100_000, 0.05]]

[[rules]]
kind = "credits"
name = "prepaid"
purchases = [{ on = 2027-01-01, worth = 1_000, paid = 900, expires = 2027-12-31 }]
"""


def test_a_contract_is_a_file(tmp_path):
    (tmp_path / "contract.toml").write_text(FILE)
    rules = fc.read_pricing_rules(tmp_path / "contract.toml")
    assert [type(r).__name__ for r in rules] == ["Discount", "SpendTiers", "Credits"]
    assert total([500, 500, 500], *rules) == pytest.approx([900, 0, 380])  # 460 a month of 1,000 in credits


def test_everything_that_is_wrong_is_told_at_once(tmp_path):
    (tmp_path / "bad.toml").write_text(
        '[[rules]]\nkind = "seat"\n[[rules]]\nkind = "discount"\nshare = 2\nnam = "x"\n'
        '[[rules]]\nkind = "tax"\nname = "vat"\nrate = 2\n[[rules]]\nkind = "credits"\nname = "c"\n'
        "purchases = [{ worth = 3 }]\n[other]\n"
    )
    with pytest.raises(PriceError) as raised:
        fc.read_pricing_rules(tmp_path / "bad.toml")
    told = str(raised.value)
    for part in (
        "table 'other' is not known",
        "rule 1: kind = 'seat' is not known",
        "did you mean 'seats'",
        "rule 2 (discount): key 'nam' is not known; did you mean 'name'",
        "rule 2 (discount): name is missing",
        "rule 3 (tax): Tax 'vat': rate = 2: wanted a number from 0 to 1",
        "rule 4 (credits): purchases 1: on is missing",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SpendTiers("t", ((10, 0.1),)), "thresholds that rise from 0"),
        (lambda: SpendTiers("t", ((0, 0.1),), how="both"), "allowed: 'graduated', 'volume'"),
        (lambda: Provisioned("p", 1, 1, 1, profile=(1.0,) * 23), "24 numbers"),
        (lambda: Provisioned("p", 1, 1, 1, profile=(1.0,) * 24, peak_to_mean=1.2), "contradict each other"),
        (
            lambda: Credits("c", (Purchase("2027-02-01", 1.0, expires="2027-01-01"),)),
            "it ends on 2027-01-01, before it starts on 2027-02-01",
        ),
        (lambda: Discount(" ", 0.1), "a rule needs a name"),
        (lambda: bill([1, 2, 3], Seats("s", 1.0)), "there is no quantity 'seats'; the bill has none"),
        (lambda: bill([1, 2, 3], Discount("d", 0.1), Discount("d", 0.2)), "two rules make a line 'd'"),
        (lambda: bill([1, 2]), r"shape \(1, 2\) does not fit 1 draws and 3 periods"),
        (lambda: bill([1, -2, 3]), "below 0 or not finite"),
    ],
)
def test_what_makes_no_sense_is_told(make, message):
    with pytest.raises(PriceError, match=message):
        make()


@dataclass(frozen=True)
class Surcharge:
    """A kind of another package."""

    name: str
    share: float = 0.01
    stage = "subscription"

    def dates(self, periods):
        return periods.first[:0]

    def apply(self, bill):
        return bill.with_lines({self.name: self.share * bill.total})


def test_a_rule_of_ones_own_joins_by_the_protocol():
    rule = Surcharge("surcharge")
    assert isinstance(rule, billing.PricingRule)
    assert total([100, 100, 100], rule, Tax("vat", 0.1)) == pytest.approx([111.1] * 3)
    with pytest.raises(PriceError, match="is no pricing rule: it needs name, stage"):
        bill([1, 2, 3], "a tenth off")


def test_a_kind_of_ones_own_is_read_from_files(monkeypatch):
    monkeypatch.setitem(billing.KINDS, "surcharge", Surcharge)
    (rule,) = fc.read_pricing_rules([{"kind": "surcharge", "name": "s", "share": 0.02}])
    assert rule == Surcharge("s", 0.02)


def test_other_packages_bring_kinds(monkeypatch):
    points = [
        EntryPoint("surcharge", f"{__name__}:Surcharge", "tokenplan.pricing_rules"),
        EntryPoint("broken", "no.such.module:Rule", "tokenplan.pricing_rules"),
    ]
    monkeypatch.setattr(reading, "entry_points", lambda **_: points)
    (rule,) = fc.read_pricing_rules({"rules": [{"kind": "surcharge", "name": "s"}]})
    assert rule.name == "s"
    with pytest.raises(PriceError, match=r"'broken', brought by no.such.module:Rule, cannot be loaded: ModuleNotFound"):
        fc.read_pricing_rules([{"kind": "broken", "name": "b"}])
    with pytest.raises(
        PriceError, match=r"kind = 'surcharg' is not known; allowed: .*broken; did you mean 'surcharge'"
    ):
        fc.read_pricing_rules([{"kind": "surcharg"}])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            {"kind": "tax", "name": "v", "rate": "0.2", "on": "bill"},
            "rate = '0.2'.*on = 'bill': .*did you mean 'billed'",
        ),
        ({"kind": "tax", "name": "v", "rate": True}, "rate = True: wanted a number"),
        ({"kind": "tax", "name": "v", "rate": 0.2, "start": "soon"}, "start = 'soon': wanted a day such as"),
        ({"kind": "commitment", "name": "c", "amount": 1, "window": "week"}, "window = 'week': allowed: 'month'"),
        ({"kind": "commitment", "name": "c", "amount": -1}, "amount = -1: wanted a number from 0 up"),
        ({"kind": "spend_tiers", "name": "t", "tiers": [1, 2]}, "wanted pairs of a threshold and a share"),
        ({"kind": "spend_tiers", "name": "t", "tiers": [[0, 0.1], [5, 2]]}, "shares from 0 to 1"),
        ({"kind": "allowance", "name": "a", "included": 1, "profile": [3, 1]}, "it needs per_seat = true"),
        ({"kind": "credits", "name": "c", "purchases": 5}, "wanted a list of tables with on, worth, paid, expires"),
        ({"kind": "credits", "name": "c", "purchases": []}, "wanted one purchase at least"),
        (
            {"kind": "discount", "name": "d", "share": 0.1, "start": date(2027, 2, 1), "end": date(2027, 1, 1)},
            "before it",
        ),
        ("discount", "wanted a table with a kind"),
    ],
)
def test_terms_that_do_not_hold_are_told(rule, message):
    with pytest.raises(PriceError, match=message):
        fc.read_pricing_rules([rule])


def test_two_rules_of_one_name_and_files_that_are_none_are_told(tmp_path):
    twice = [{"kind": "discount", "name": "d", "share": 0.1}] * 2
    with pytest.raises(PriceError, match="two rules are called 'd'"):
        fc.read_pricing_rules(twice)
    (tmp_path / "contract.toml").write_text("[[rules]\n")
    with pytest.raises(PriceError, match="cannot be read as TOML"):
        fc.read_pricing_rules(tmp_path / "contract.toml")
    with pytest.raises(PriceError, match=r"did you mean 'contract\.toml'"):
        fc.read_pricing_rules(tmp_path / "contracts.toml")
    with pytest.raises(PriceError, match=r"wanted one .* table a rule"):
        fc.read_pricing_rules({"rules": 1})
