"""Dated exchange rates: what holds when, cross rates, and usage in several currencies made one."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import forecast as fc
from forecast.errors import PlanError, PriceError, UsageError
from scenarios.budget.planfile import read_plan_file

#: A rate is an exact quotient, rounded once to the nearest float, and a product of two floats.
RELATIVE = 1e-15

TABLE = pd.DataFrame(
    {
        "currency": ["EUR", "EUR", "GBP"],
        "date": ["2026-01-01", "2026-02-01", None],
        "rate": ["1.10", "1.20", "1.25"],
        "source": "treasury",
    }
)


def test_a_rate_holds_from_its_day_until_the_next():
    rates = fc.Rates.from_frame(TABLE)
    days = ["2026-01-01", "2026-01-31", "2026-02-01", "2026-12-31"]
    assert rates.rate("EUR", "USD", days).tolist() == [1.10, 1.10, 1.20, 1.20]
    assert rates.rate("usd", "usd", days).tolist() == [1.0] * 4
    # Both sides through the base: a pound is 1.25 dollars, a euro 1.10.
    assert rates.rate("GBP", "EUR", ["2026-01-15"])[0] == pytest.approx(1.25 / 1.10, rel=RELATIVE)
    assert rates.rate("USD", "EUR", ["2026-01-15"])[0] == pytest.approx(1 / 1.10, rel=RELATIVE)
    assert "1 undated" in repr(rates)


@given(st.decimals("0.0001", "10000", places=6), st.decimals("0.0001", "10000", places=6))
def test_cross_rates_are_quotients_and_there_and_back_is_one(one, other):
    rates = fc.Rates.of({"EUR": one, "JPY": other})
    day = ["2026-01-01"]
    assert rates.rate("EUR", "JPY", day)[0] == pytest.approx(float(Decimal(one) / Decimal(other)), rel=RELATIVE)
    assert rates.rate("EUR", "JPY", day)[0] * rates.rate("JPY", "EUR", day)[0] == pytest.approx(1.0, rel=RELATIVE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": ["1.1", "-1", "1"]}, r"'rate' is no number above 0: row 1: rate=-1"),
        ({"rate": ["1.1", "NaN", "1"]}, r"'rate' is no number above 0"),
        ({"currency": ["EUR", "Euro", "GBP"]}, r"'currency' is no code of three letters: row 1: currency=Euro"),
        ({"currency": ["EUR", "USD", "GBP"]}, r"which is 1 by itself: leave it out"),
        ({"date": ["2026-01-01", "soon", None]}, r"'date' is no day such as 2026-01-31: row 1: date=soon"),
        ({"date": ["2026-01-01", "2026-01-01", None]}, r"'date' has a second rate of its currency: row 1"),
        ({"per": 1}, r"column 'per' is not known; allowed: 'currency'"),
    ],
)
def test_a_bad_table_is_told(change, message):
    with pytest.raises(PriceError, match=message):
        fc.Rates.from_frame(TABLE.assign(**change))


def test_what_has_no_rate_is_told_and_never_one():
    rates = fc.Rates.from_frame(TABLE, max_age=90)
    with pytest.raises(PriceError, match=r"no rate of JPY into USD; the table has USD, EUR, GBP"):
        rates.rate("JPY", "USD", ["2026-01-01"])
    with pytest.raises(PriceError, match=r"EUR has no rate on 2025-12-31: the first is of 2026-01-01"):
        rates.rate("EUR", "USD", ["2025-12-31"])
    with pytest.raises(PriceError, match=r"of 2026-02-01, older than 90 days"):
        rates.rate("EUR", "USD", ["2026-06-01"])
    assert rates.rate("GBP", "USD", ["2030-01-01"])[0] == 1.25  # an undated rate is never stale


def test_files_hold_rates(tmp_path):
    TABLE.to_csv(tmp_path / "rates.csv", index=False)
    (tmp_path / "rates.toml").write_text(
        'base = "USD"\n[[rates]]\ncurrency = "EUR"\ndate = 2026-01-01\nrate = 1.10\n'
        '[[rates]]\ncurrency = "EUR"\ndate = 2026-02-01\nrate = 1.20\n'
    )
    for name in ("rates.csv", "rates.toml"):
        assert fc.Rates.read(tmp_path / name).rate("EUR", "USD", ["2026-02-10"])[0] == 1.20
    with pytest.raises(PriceError, match=r"did you mean 'rates\.csv'"):
        fc.Rates.read(tmp_path / "rate.csv")
    (tmp_path / "bad.toml").write_text("[[rates]\n")
    with pytest.raises(PriceError, match="cannot be read as a table of rates"):
        fc.Rates.read(tmp_path / "bad.toml")


def usage_in(*codes):
    days = pd.to_datetime(["2026-01-15", "2026-02-15"])
    parts = [
        pd.DataFrame({"date": days, "model": code, "billed_cost": [100.0, 200.0], "list_cost": 50.0, "currency": code})
        for code in codes
    ]
    return pd.concat(parts)


def test_usage_in_several_currencies_is_read_in_one():
    rates = fc.Rates.from_frame(TABLE)
    usage = fc.read_usage(usage_in("USD", "EUR"), sort=True, rates=rates)
    assert usage.currency == "USD"
    cost = usage.frame.set_index("model")["billed_cost"]
    np.testing.assert_allclose(cost["EUR"], [110.0, 240.0], rtol=RELATIVE)  # 100 · 1.10, 200 · 1.20
    assert cost["USD"].tolist() == [100.0, 200.0]
    assert usage.frame.loc[usage.frame["model"] == "EUR", "list_cost"].tolist() == pytest.approx([55.0, 60.0])
    assert "2 rows in EUR are converted to USD at 1.1 to 1.2" in " ".join(usage.notes)
    euros = fc.read_usage(usage_in("USD"), rates=rates, currency="EUR")
    np.testing.assert_allclose(euros.frame["billed_cost"], [100 / 1.10, 200 / 1.20], rtol=1e-14)


def test_without_rates_two_currencies_are_refused_and_the_way_out_is_named():
    with pytest.raises(UsageError, match=r"EUR and USD.*rates="):
        fc.read_usage(usage_in("USD", "EUR"), sort=True)
    with pytest.raises(UsageError, match=r"rates='rates\.csv': wanted dated rates, such as fc\.Rates\.read"):
        fc.read_usage(usage_in("USD", "EUR"), sort=True, rates="rates.csv")
    with pytest.raises(UsageError, match=r"currency='EUR' needs rates="):
        fc.read_usage(usage_in("USD"), currency="EUR")


def test_amounts_are_converted_each_at_the_rate_of_its_day():
    rates = fc.Rates.from_frame(TABLE)
    days = ["2026-01-15", "2026-02-15"]
    np.testing.assert_allclose(rates.convert([100, 200], "EUR", "USD", days), [110.0, 240.0], rtol=RELATIVE)
    paths = np.array([[100.0, 200.0], [1.0, -2.0]])  # draws × days; a refund is converted as a charge is
    np.testing.assert_allclose(rates.convert(paths, "EUR", "USD", days), [[110.0, 240.0], [1.1, -2.4]], rtol=RELATIVE)
    assert rates.convert(80.0, "GBP", "USD", "2026-01-15") == pytest.approx(100.0, rel=RELATIVE)
    with pytest.raises(PriceError, match=r"3 days for amounts of shape \(2,\)"):
        rates.convert([1, 2], "EUR", "USD", [*days, "2026-03-01"])


#: An amount and a rate that are rounded once each, their product, and sums of a hundred: far below a cent in a billion.
REFEREE = 1e-12
amounts = st.lists(st.decimals("-1000000", "1000000", places=2), min_size=1, max_size=100)


@given(amounts, st.decimals("0.0001", "10000", places=6), st.decimals("0.0001", "10000", places=6))
def test_converted_money_is_what_exact_decimals_give(money, one, other):
    rates = fc.Rates.of({"EUR": one, "JPY": other})
    ours = rates.convert([float(m) for m in money], "EUR", "JPY", "2026-01-01")
    exact = [m * one / other for m in money]
    for mine, theirs in zip(ours, exact, strict=True):
        assert mine == pytest.approx(float(theirs), rel=REFEREE)
    assert abs(ours.sum() - float(sum(exact))) <= REFEREE * float(sum(map(abs, exact)))


def test_a_table_may_name_its_base_and_a_moment_is_its_day():
    frame = pd.DataFrame({"currency": ["USD", "GBP"], "rate": ["0.90", "1.15"], "base": "eur"})
    rates = fc.Rates.from_frame(frame.assign(date=pd.Timestamp("2026-01-01")))
    assert rates.currencies == ("EUR", "GBP", "USD")
    assert rates.rate("GBP", "USD", ["2026-01-01"])[0] == pytest.approx(1.15 / 0.90, rel=RELATIVE)
    with pytest.raises(PriceError, match=r"'base' is not EUR: a table has one base: row 1: base=USD"):
        fc.Rates.from_frame(frame.assign(base=["EUR", "USD"]))
    with pytest.raises(PriceError, match=r"'base' is not USD: a table has one base"):
        fc.Rates.from_frame(frame, base="USD")
    with pytest.raises(PriceError, match=r"'date' is no day such as 2026-01-31: row 0: date=2026-01-01 13:00"):
        fc.Rates.from_frame(frame.assign(date="2026-01-01 13:00"))


def test_days_that_are_none_are_refused_and_never_take_the_last_rate():
    rates = fc.Rates.from_frame(TABLE)
    with pytest.raises(PriceError, match="1 days are blank"):
        rates.rate("EUR", "USD", ["2026-01-01", None])
    with pytest.raises(PriceError, match="wanted days such as 2026-01-31"):
        rates.rate("EUR", "USD", ["soon"])
    assert rates.rate("EUR", "USD", "2026-01-05").tolist() == [1.10]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("rates = 1", r"wanted one \[\[rates\]\] table a rate"),
        ('base = 3\n[[rates]]\ncurrency = "EUR"\nrate = 1', "base = 3: wanted a currency's code"),
        ('max_age = "90"\n[[rates]]\ncurrency = "EUR"\nrate = 1', "max_age = '90': wanted a whole number of days"),
        ('[[rates]]\ncurrency = "EUR"\nrate = true', "'rate' is no number above 0: row 1: rate=True"),
        ('[[rates]]\ncurrency = "EUR"\nrate = 1\ndate = 2026-01-01T10:00:00+02:00', "is no day such as 2026-01-31"),
        ('bases = "EUR"', "key 'bases' is not known.*did you mean 'base'"),
    ],
)
def test_what_a_file_states_beside_its_rates_is_checked(tmp_path, content, message):
    (tmp_path / "rates.toml").write_text(content)
    with pytest.raises(PriceError, match=message):
        fc.Rates.read(tmp_path / "rates.toml")


def test_a_rate_of_no_age_is_of_its_own_day_only(tmp_path):
    (tmp_path / "rates.toml").write_text('max_age = 90\n[[rates]]\ncurrency = "EUR"\nrate = 1.1\ndate = 2026-01-01')
    rates = fc.Rates.read(tmp_path / "rates.toml", max_age=0)  # what is asked for goes before what the file says
    assert rates.rate("EUR", "USD", "2026-01-01")[0] == 1.1
    with pytest.raises(PriceError, match="older than 0 days"):
        rates.rate("EUR", "USD", "2026-01-02")


#: A bill in euros by day: 1.60 + 0.06 on 1 October 2026, 0.90 + 0.04 on the 2nd.
BILL = Path(__file__).parent / "exports" / "azure" / "cost_details_mca.csv"


def october(*rates):
    frame = pd.DataFrame(rates, columns=["date", "rate"])
    return fc.Rates.from_frame(frame.assign(currency="EUR"))


def test_a_bill_is_converted_at_the_rate_of_each_day():
    usage = fc.read_usage(BILL, rates=october(("2026-10-01", "1.10"), ("2026-10-02", "1.20")))
    by_day = usage.frame.groupby("date")["billed_cost"].sum()
    np.testing.assert_allclose(by_day, [1.66 * 1.10, 0.94 * 1.20], rtol=REFEREE)
    billed = usage.reading.conservation["billed_cost"]
    assert billed["read"] == pytest.approx(2.60, rel=REFEREE)  # what the bill says, before it is converted


def test_a_month_has_one_rate_or_is_read_by_day():
    moves = october(("2026-10-01", "1.10"), ("2026-10-02", "1.20"))
    with pytest.raises(UsageError, match=r"the rate of EUR into USD changes within 2026-10.*read it by day"):
        fc.read_usage(BILL, rates=moves, grain="month")
    usage = fc.read_usage(BILL, rates=october(("2026-10-01", "1.10"), ("2026-11-01", "1.20")), grain="month")
    assert usage.frame["billed_cost"].sum() == pytest.approx(2.60 * 1.10, rel=REFEREE)
    # Rows of a tidy table are converted as they come, before days are added up: 100 · 1.10 + 200 · 1.20.
    table = usage_in("EUR").assign(date=pd.to_datetime(["2026-10-01", "2026-10-02"]))
    assert fc.read_usage(table, rates=moves, grain="month").frame["billed_cost"].sum() == pytest.approx(350.0)


def test_a_plan_file_names_its_rates(tmp_path):
    days = pd.date_range("2026-06-01", "2026-09-30")
    tidy = {"date": days, "model": "gpt-5", "provider": "openai", "input_tokens": 1e6, "billed_cost": 2.0}
    pd.DataFrame(tidy).assign(currency="EUR").to_csv(tmp_path / "usage.csv", index=False)
    (tmp_path / "rates.csv").write_text("currency,date,rate\nEUR,2026-01-01,1.10\n")
    text = '[plan]\nhorizon = "1M"\n[usage]\nfile = "usage.csv"\nrates = "rates.csv"\ncurrency = "USD"\n'
    (tmp_path / "plan.toml").write_text(text)
    usage = read_plan_file(tmp_path / "plan.toml").usage.read()
    assert usage.currency == "USD"
    assert usage.frame["billed_cost"].sum() == pytest.approx(122 * 2.0 * 1.10)  # June to September: 122 days
    (tmp_path / "plan.toml").write_text(text.replace("rates.csv", "rate.csv"))
    with pytest.raises(PlanError, match=r"rates: .*rate\.csv"):
        read_plan_file(tmp_path / "plan.toml")
