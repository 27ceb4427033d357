"""Contracts: seats, allowances, commitments, credits, tiers, capacity and tax, as bills that a reader can check."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    billed,
)

YEAR = Periods.months("2027-01", 12)
QUARTER = Periods.months("2027-01", 3)
#: Sums of a few products of floats.
CLOSE = 1e-12
MONEY = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=12, max_size=12)


def bill(usage, *rules, periods=QUARTER, **quantities):
    made = billed(np.atleast_2d(usage), periods, rules, quantities={k: np.atleast_2d(v) for k, v in quantities.items()})
    np.testing.assert_allclose(sum(made.lines.values()), made.total, rtol=CLOSE)
    return made


def total(usage, *rules, **options):
    return bill(usage, *rules, **options).total[0].tolist()


# ---------------------------------------------------------------------------------------------------------- periods


def test_months_know_their_days_and_parts():
    assert QUARTER.days.tolist() == [31, 28, 31]
    assert QUARTER.covered("2027-01-17", "2027-02-14").tolist() == [15 / 31, 14 / 28, 0]
    assert QUARTER.months_in("2027-01-17").tolist() == pytest.approx([15 / 31, 1, 1])
    assert YEAR.windows("quarter").tolist() == [w for q in (228, 229, 230, 231) for w in [q] * 3]
    assert YEAR.windows("year", "2027-04-01").tolist() == [-1] * 3 + [0] * 9


# ------------------------------------------------------------------------------------------------------------ kinds


def test_a_discount_holds_from_its_day():
    # A tenth off from 15 February: 14 of 28 days of February, all of March.
    assert total([100, 100, 100], Discount("d", 0.10, start="2027-02-15")) == pytest.approx([100, 95, 90])


def test_seats_by_month_have_a_minimum_and_parts_of_months():
    # 10 seats at least, 20.00 each; from 17 January, 15 of 31 days.
    seats = Seats("seats", 20.0, minimum=10, start="2027-01-17")
    assert total([0, 0, 0], seats, seats=[8, 12, 10]) == pytest.approx([10 * 20 * 15 / 31, 240, 200])


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
    assert made.memo["team: left"][0].tolist() == pytest.approx([50, 5, 0])


@pytest.mark.parametrize(("usage", "shortfall"), [(99.0, 201.0), (100.0, 200.0), (400.0, 0.0)])
def test_a_commitment_bills_what_is_missing_at_the_end(usage, shortfall):
    made = bill([usage, 0, 0], Commitment("c", 300.0, window="quarter"))
    assert made.lines["c: shortfall"][0].tolist() == [0, 0, pytest.approx(shortfall)]


def test_a_commitment_owes_its_part_of_a_window_that_is_cut():
    assert total([0, 0, 0], Commitment("c", 1200.0, window="year")) == pytest.approx([0, 0, 300])


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


def test_credits_are_drawn_by_expiry_and_what_is_left_expires():
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
    assert made.memo["credits: left"][0].tolist() == pytest.approx([0, 0, 0])
    refusing = Credits("credits", rule.purchases, exhausted="refuse")
    with pytest.raises(PriceError, match=r"'credits' are used up in the period from 2027-03-01"):
        bill([60, 10, 70], refusing)


def test_capacity_serves_up_to_its_most_and_idles_below():
    # One unit serves 1,000 tokens an hour at 2.00: 744 hours of January cost 1,488.
    january = Periods.months("2027-01", 1)
    rule = Provisioned("ptu", 1, 2.0, 1_000)
    half = bill([500.0], rule, periods=january, total_tokens=[372_000])
    assert half.total[0].tolist() == pytest.approx([1_488])
    assert half.memo["ptu: utilisation"][0].tolist() == pytest.approx([0.5])
    assert half.memo["ptu: idle"][0].tolist() == pytest.approx([744])
    # Twice what it can serve: half of usage is billed on demand.
    assert total([1_000.0], rule, periods=january, total_tokens=[1_488_000]) == pytest.approx([1_488 + 500])
    # A peak of 1.5 of the mean at full load: half the hours need 1,500, so 500 of each spill; the others leave 500.
    peaky = Provisioned("ptu", 1, 2.0, 1_000, peak_to_mean=1.5)
    assert total([1_000.0], peaky, periods=january, total_tokens=[744_000]) == pytest.approx([1_488 + 250])
    # At 4.00 a thousand on demand, 500 of 1,000 tokens an hour pay for the hour.
    assert rule.break_even(4.0 / 1_000) == pytest.approx(0.5)
    idle = bill([2.0 * 744], rule, periods=january, total_tokens=[0.5 * 744_000])
    assert idle.total[0, 0] == pytest.approx(idle.lines["usage"][0, 0])


def test_tax_is_on_what_is_billed_and_never_twice_on_credits():
    rules = [Tax("vat", 0.2, start="2027-01-01"), Credits("c", (Purchase("2027-01-01", 100.0),))]
    assert total([60, 40, 10], *rules) == pytest.approx([120, 0, 12])


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


# ------------------------------------------------------------------------------------------------------- properties


@given(MONEY, MONEY)
@settings(max_examples=60)
def test_a_bill_rises_with_usage_and_never_falls_below_the_commitment(usage, more):
    rules = [
        SpendTiers("t", ((0, 0.0), (1e5, 0.1), (1e6, 0.3))),
        Commitment("c", 5e5, window="year"),
        Tax("vat", 0.19),
    ]
    one, other = (bill(u, *rules, periods=YEAR).total.sum() for u in (usage, np.add(usage, more)))
    assert one >= 5e5 * 1.19 * (1 - CLOSE)
    assert other >= one * (1 - 1e-9)


@given(MONEY, st.lists(st.tuples(st.integers(0, 11), st.floats(1, 1e6), st.integers(0, 11)), min_size=1, max_size=4))
@settings(max_examples=60)
def test_credits_that_are_bought_are_used_expired_or_left(usage, bought):
    purchases = tuple(
        Purchase(YEAR.first[m].item(), worth, expires=YEAR.last[min(11, m + length)].item())
        for m, worth, length in bought
    )
    made = bill(usage, Credits("c", purchases), periods=YEAR)
    gone = -made.lines["c: used"].sum() + made.memo["c: expired"].sum() + made.memo["c: left"].sum()
    assert gone == pytest.approx(sum(p.worth for p in purchases), rel=1e-9)
    assert (made.total >= -1e-6).all()


@given(st.lists(st.decimals(0, 1000, places=2), min_size=12, max_size=12))
@settings(max_examples=30)
def test_one_path_is_the_bill_in_decimals(usage):
    rules = [Discount("d", 0.08), SpendTiers("t", ((0, 0), (2_000, 0.05))), Tax("vat", 0.19)]
    spent, wanted = Decimal(0), []
    for money in usage:
        off = max(spent + money - 2_000, Decimal(0)) - max(spent - 2_000, Decimal(0))
        spent += money
        wanted.append((money - money * Decimal("0.08") - off * Decimal("0.05")) * Decimal("1.19"))
    assert total([float(m) for m in usage], *rules, periods=YEAR) == pytest.approx([float(w) for w in wanted], abs=1e-9)


def test_draws_are_billed_side_by_side():
    rng = np.random.default_rng(3)
    usage, seats = rng.gamma(2.0, 1e4, (50, 12)), rng.integers(1, 40, (50, 12)).astype(float)
    rules = [
        SpendTiers("t", ((0, 0.0), (1e5, 0.1)), how="volume"),
        Seats("s", 240.0, per="year"),
        Allowance("a", 30.0, fee=10.0, per_seat=True, rollover=1.0),
        Commitment("c", 2e5),
        Credits("k", (Purchase("2027-02-01", 5e4, expires="2027-08-31"),)),
        Tax("vat", 0.19),
    ]
    together = billed(usage, YEAR, rules, quantities={"seats": seats}).total
    apart = [billed(usage[[d]], YEAR, rules, quantities={"seats": seats[[d]]}).total[0] for d in range(50)]
    np.testing.assert_allclose(together, apart, rtol=CLOSE)


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
        "rule 3: Tax 'vat': rate = 2: wanted a number from 0 to 1",
        "rule 4: purchase 1: on is missing",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SpendTiers("t", ((10, 0.1),)), "thresholds that rise from 0"),
        (lambda: SpendTiers("t", ((0, 0.1),), how="both"), "allowed: 'graduated', 'volume'"),
        (lambda: Provisioned("p", 1, 1, 1, profile=(1.0,) * 23), "24 numbers"),
        (lambda: Provisioned("p", 1, 1, 1, profile=(1.0,) * 24, peak_to_mean=1.2), "contradict each other"),
        (lambda: Credits("c", (Purchase("2027-02-01", 1.0, expires="2027-01-01"),)), "expires before it is bought"),
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


class Surcharge:
    """A kind of another package."""

    name = "surcharge"
    stage = "subscription"

    def apply(self, bill):
        return bill.with_lines({self.name: 0.01 * bill.total})


def test_a_rule_of_ones_own_joins_by_the_protocol():
    assert isinstance(Surcharge(), billing.PricingRule)
    assert total([100, 100, 100], Surcharge(), Tax("vat", 0.1)) == pytest.approx([111.1] * 3)
