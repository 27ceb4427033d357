"""What holds of every bill: laws of money, and an exact referee that bills each day by itself."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from tests.contracts import CLOSE, YEAR, bill
from tests.day_by_day import DayByDay

MONEY = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=12, max_size=12)


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


@given(MONEY, MONEY, st.floats(0, 1))
@settings(max_examples=60)
def test_graduated_tiers_have_no_cliff(usage, more, small):
    # A cent more usage never costs more than a cent, nor less than the deepest share leaves of it.
    rule = SpendTiers("t", ((0, 0.0), (1e5, 0.1), (1e6, 0.3)))
    extra = np.full(12, 0.01 * small)
    rise = bill(np.add(usage, extra), rule, periods=YEAR).total.sum() - bill(usage, rule, periods=YEAR).total.sum()
    room = CLOSE * (sum(usage) + 1.0)
    assert 0.7 * extra.sum() - room <= rise <= extra.sum() + room


DAYS = st.dates(date(2026, 11, 1), date(2028, 3, 1))
PURCHASES = st.lists(
    st.builds(
        lambda on, worth, paid, length: Purchase(on, worth, paid * worth, date.fromordinal(on.toordinal() + length)),
        DAYS,
        st.floats(0, 1e6),
        st.floats(0, 1),
        st.integers(0, 500),
    ),
    min_size=1,
    max_size=4,
)


@given(MONEY, PURCHASES, st.sampled_from(["oldest", "expiring"]), st.sampled_from(["list", "refuse"]))
@settings(max_examples=100)
def test_credits_that_are_bought_are_used_expired_or_left(usage, purchases, order, exhausted):
    made = bill(usage, Credits("c", purchases, order, exhausted), periods=YEAR)
    granted, expired = made.memo["c: granted"].sum(), made.memo["c: expired"].sum()
    used, left = -made.lines["c: used"].sum(), made.balances["c: left"]
    room = CLOSE * (granted + 1.0)
    assert (left >= 0).all()
    assert used <= sum(usage) * (1 + CLOSE)
    assert used + expired + left[0, -1] == pytest.approx(granted, abs=room)
    seen = [p for p in purchases if p.on <= date(2027, 12, 31) and p.expires >= date(2027, 1, 1)]
    assert granted == pytest.approx(sum(p.worth for p in seen), abs=room)
    # What use costs is what was paid, less what was paid for what is left; and opening credits were paid before.
    opening = sum(p.cost for p in seen if p.on < date(2027, 1, 1))
    if left[0, -1] == 0:
        assert made.effective.sum() == pytest.approx(made.total.sum() + opening, abs=CLOSE * (sum(usage) + granted + 1))


SPAN = st.tuples(st.none() | DAYS, st.none() | DAYS).map(
    lambda two: dict(zip(("start", "end"), sorted(two) if None not in two else two, strict=True))
)
AMOUNT = st.integers(0, 4_000)
SHARE = st.integers(0, 20).map(lambda n: n / 20)
WINDOW = st.sampled_from(["month", "quarter", "year", "term"])


def kind(name, rule, **terms):
    return st.builds(lambda span, **given: rule(name, **given, **span), SPAN, **terms)


CONTRACT = st.lists(
    st.one_of(
        st.builds(
            lambda span, units, price, capacity, ratio: Provisioned("p", units, price, capacity, **ratio, **span),
            SPAN,
            st.integers(0, 3),
            SHARE,
            st.integers(1, 50),
            st.sampled_from([{}, {"profile": tuple(range(24))}, {"profile": (1,) * 8 + (5,) * 10 + (2,) * 6}]),
        ),
        kind("d1", Discount, share=SHARE),
        kind("d2", Discount, share=SHARE),
        kind(
            "t",
            SpendTiers,
            tiers=st.just(((0, 0.0), (1_000, 0.125), (3_000, 0.25))),
            window=WINDOW,
            spent_before=AMOUNT,
        ),
        kind("m", Seats, price=AMOUNT, minimum=st.integers(0, 9), prorate=st.booleans()),
        kind(
            "y",
            Seats,
            price=AMOUNT,
            per=st.just("year"),
            prorate=st.booleans(),
            paid_before=st.none() | st.integers(0, 9),
        ),
        kind(
            "a",
            Allowance,
            included=AMOUNT,
            fee=AMOUNT,
            overage=st.none() | SHARE,
            rollover=SHARE,
            cap=SHARE,
            carried_before=AMOUNT,
        ),
        kind(
            "b",
            Allowance,
            included=AMOUNT,
            per_seat=st.just(True),
            profile=st.sampled_from([(1.0,), (3, 1), (0, 1, 2, 5)]),
            rollover=SHARE,
        ),
        kind(
            "c",
            Commitment,
            amount=st.integers(0, 20_000),
            window=WINDOW,
            on=st.sampled_from(["charges", "usage"]),
            spent_before=st.none() | AMOUNT,
        ),
        kind("e", Commitment, amount=AMOUNT, window=WINDOW),
        st.builds(
            Credits,
            st.just("k"),
            PURCHASES.filter(lambda ps: all(p.on >= date(2027, 1, 1) for p in ps)),
            st.sampled_from(["oldest", "expiring"]),
            st.sampled_from(["list", "refuse"]),
            st.sampled_from(["usage", "charges", "due"]),
        ),
        kind("v", Tax, rate=SHARE, on=st.sampled_from(["billed", "due", "charges", "usage"])),
        kind("w", Tax, rate=SHARE),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda rule: rule.name,
)
#: Months, a year by quarters, and periods of odd length.
CLOCKS = [
    Periods.months("2027-01", 7),
    Periods(Periods.months("2027-01", 12).first[::3], Periods.months("2027-01", 12).last[2::3]),
    Periods(
        np.array(["2027-01-20", "2027-02-27", "2027-03-06"], "datetime64[D]"),
        np.array(["2027-02-26", "2027-03-05", "2027-06-11"], "datetime64[D]"),
    ),
]
#: The referee is exact. Each line is a few hundred products and differences of floats, the largest up to 1e6.
REFEREE = 1e-6


@given(
    CONTRACT,
    st.sampled_from(CLOCKS),
    st.lists(st.tuples(AMOUNT, st.integers(0, 9), st.integers(0, 99_999)), min_size=7, max_size=7),
)
@settings(max_examples=150, deadline=None)
def test_one_path_is_the_bill_of_its_days_in_exact_fractions(rules, periods, path):
    usage, seats, tokens = (list(column)[: len(periods)] for column in zip(*path, strict=True))
    counts = {"seats": seats, "total_tokens": tokens}
    rules = sorted(rules, key=lambda r: r.name)
    ours = bill(usage, *rules, periods=periods, **counts)
    span = list(zip(periods.first.tolist(), periods.last.tolist(), strict=True))
    theirs = DayByDay(usage, span, rules, counts).lines
    for name, money in ours.lines.items():
        assert money[0].tolist() == pytest.approx([float(m) for m in theirs[name]], abs=REFEREE), name


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
