"""The reconciliation against hand arithmetic, the sample's known bill, planted errors, and what must add up."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import forecast as fc
from forecast.errors import PriceError, UsageError
from forecast.reconciliation.causes import CAUSES
from forecast.reconciliation.implied_prices import price_correction
from forecast.reconciliation.rates import Intervals, simplest, stable_spans
from forecast.samples import sample_path

#: Money in tables is whole cents held as doubles: sums of some thousands of them are off by less than this.
SAME = 1e-6
#: Half a cent from rounding a number that is exact.
CENT = 0.005 + 1e-9
#: Money a million tokens: input, output.
LIST = {"small": (2, 8), "large": (10, 40), "other": (3, 12)}
MAKER = {"small": "acme", "large": "acme", "other": "umbra"}
DAYS = pd.date_range("2026-01-01", periods=40)


def book(**wrong):
    """Own list prices; ``wrong`` gives some models others."""
    rows = [
        {"provider": MAKER[model], "model": model, "unit": unit, "price": price}
        for model, prices in (LIST | wrong).items()
        for unit, price in zip(("input_tokens", "output_tokens"), prices, strict=True)
    ]
    return fc.PriceBook.from_frame(pd.DataFrame(rows))


def bill(*, discount=None, listed=True, seed=1, models=tuple(LIST), days=DAYS):
    """Usage with its bill: list to 0.0001, and list less the provider's discount to the cent."""
    rng, rates = np.random.default_rng(seed), {"acme": "0.05", "umbra": "0"} | (discount or {})
    rows = []
    for day in days:
        for model in models:
            for project in ("search", "support"):
                tokens = [int(n) for n in rng.integers(200_000, 9_000_000, 2)]
                exact = sum(Decimal(n) * price for n, price in zip(tokens, LIST[model], strict=True)) / 1_000_000
                at_list = exact.quantize(Decimal("0.0001"))
                billed = (at_list * (1 - Decimal(rates[MAKER[model]]))).quantize(Decimal("0.01"))
                row = {"date": day, "provider": MAKER[model], "model": model, "project": project, "requests": 10}
                row |= {"input_tokens": tokens[0], "output_tokens": tokens[1], "billed_cost": float(billed)}
                rows.append(row | ({"list_cost": float(at_list)} if listed else {}))
    return pd.DataFrame(rows).assign(currency="USD", charge_category="usage")


def charge(amount, category, date="2026-01-05", provider="acme", **columns):
    row = {"date": pd.Timestamp(date), "provider": provider, "billed_cost": amount, "charge_category": category}
    return pd.DataFrame([row | {"currency": "USD"} | columns])


def usage_of(*frames, **arguments):
    return fc.Usage.from_frame(pd.concat(frames, ignore_index=True), sort=True, **arguments)


def amounts(found):
    """Money by cause."""
    return dict(zip(found.causes["cause"], found.causes["amount"], strict=True))


def adds_up(found):
    """Whether each row's causes are its difference, to the cent."""
    table = found.table
    causes = table[list(CAUSES)].sum(axis=1)
    assert np.abs(causes - table["difference"]).max() < SAME
    assert np.abs(table["billed"].fillna(0) - table["priced"].fillna(0) - table["difference"]).max() < SAME
    assert found.causes["amount"].sum() == pytest.approx(found.billed - found.priced, abs=SAME)


@pytest.fixture(scope="module")
def sample():
    return fc.read_usage(sample_path("organisation_daily.csv"))


# --------------------------------------------------------------------------------------------------- the sample


def test_sample_bill_is_explained_to_the_cent(sample):
    found = fc.reconcile(sample, fc.PriceBook.builtin())
    adds_up(found)
    assert (found.table["unexplained"] == 0).all()
    assert set(amounts(found)) == {"discount", "credit", "rounding"}
    assert amounts(found)["credit"] == -2500.00
    # SOURCES.md of the sample: billed = list x (1 - discount), so the discount is that share of the export's list cost.
    frame = sample.frame
    late = frame["date"] >= "2026-01-01"
    rate = np.where(frame["provider"] == "openai", np.where(late, 0.08, 0.05), 0.0)
    rate = np.where((frame["provider"] == "anthropic") & late, 0.10, rate)
    assert amounts(found)["discount"] == pytest.approx(-(rate * frame["list_cost"].fillna(0)).sum(), abs=CENT)
    assert abs(amounts(found)["rounding"]) < CENT * len(frame)
    assert found.billed == round(frame["billed_cost"].sum(), 2)
    assert not found.causes["inferred"].any()


def test_sample_discounts_are_found_with_their_dates(sample):
    # The same with the list cost in the export and without it.
    for usage, inferred in ((sample, False), (replace(sample, frame=sample.frame.drop(columns="list_cost")), True)):
        found = fc.reconcile(usage, fc.PriceBook.builtin())
        adds_up(found)
        assert (found.table["unexplained"] == 0).all()
        rates = found.discounts
        assert rates["model"].isna().all()
        assert (rates["inferred"] == inferred).all()
        told = [(r.provider, f"{r.first:%Y-%m-%d}", f"{r.last:%Y-%m-%d}", r.discount) for r in rates.itertuples()]
        assert sorted(told) == [
            ("anthropic", "2025-09-29", "2025-12-31", 0.0),
            ("anthropic", "2026-01-01", "2026-10-31", 0.1),
            ("google", "2025-06-17", "2026-10-31", 0.0),
            ("openai", "2025-05-01", "2025-12-31", 0.05),
            ("openai", "2026-01-01", "2026-10-31", 0.08),
        ]


def test_sample_as_two_exports_by_model_and_by_provider_alone(sample):
    bare = replace(sample, frame=sample.frame.drop(columns=["list_cost", "billed_cost"]))
    for keys in (["provider", "model"], ["provider"]):
        summed = sample.frame.groupby(["date", *keys, "charge_category"], dropna=False)["billed_cost"].sum()
        cost = fc.Usage.from_frame(summed.reset_index().assign(currency="USD"), source="costs.csv")
        found = fc.reconcile(bare, fc.PriceBook.builtin(), by=["month", *keys], bill=cost)
        adds_up(found)
        assert (found.table["unexplained"] == 0).all()
        assert amounts(found)["credit"] == -2500.00
        assert sorted(found.discounts["discount"]) == [0, 0, 0.05, 0.08, 0.1]
        assert found.billed == round(sample.frame["billed_cost"].sum(), 2)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bills_of_other_organisations_are_explained(seed):
    usage = fc.generate_usage(seed=seed)
    found = fc.reconcile(usage, fc.PriceBook.builtin())
    adds_up(found)
    assert (found.table["unexplained"] == 0).all()


# ------------------------------------------------------------------------------------------------------- by hand


def test_one_day_by_hand():
    frame = pd.DataFrame(
        {
            "date": pd.Timestamp("2026-01-01"),
            "provider": "acme",
            "model": ["small", "large"],
            "input_tokens": [3_000_000, 1_000_000],
            "output_tokens": [500_000, 250_000],
            # small lists at 3 x 2 + 0.5 x 8 = 10.00, large at 1 x 10 + 0.25 x 40 = 20.00; both less 10 %.
            "billed_cost": [9.00, 18.00],
            "currency": "USD",
        }
    )
    found = fc.reconcile(usage_of(frame, charge(1.90, "tax"), charge(-4.00, "refund")), book(), by="provider")
    row = found.table.iloc[0]
    assert (row["priced"], row["billed"], row["difference"]) == (30.00, 24.90, -5.10)
    assert (row["discount"], row["tax"], row["refund"]) == (-3.00, 1.90, -4.00)
    assert (row["rounding"], row["unexplained"]) == (0, 0)
    assert row["status"] == "explained"
    assert found.discounts[["provider", "discount", "inferred"]].to_numpy().tolist() == [["acme", 0.1, True]]
    total = found.totals().iloc[0]
    assert total["effective_discount"] == pytest.approx(1 - 24.90 / 30.00, abs=SAME)


def test_agreement_is_told():
    found = fc.reconcile(usage_of(bill(discount={"acme": "0"})), book())
    assert set(found.table["status"]) == {"agrees"}
    assert set(amounts(found)) <= {"rounding"}
    assert (found.discounts["discount"] == 0).all()
    assert "every difference explained" in repr(found)


def test_effective_price_by_hand():
    # January: 4 M tokens list at 8.00 and are billed at 6.00; February: 2 M at 6.00, billed 3.00.
    frame = pd.DataFrame(
        {
            "date": pd.to_datetime(["2026-01-05", "2026-01-06", "2026-02-01"]),
            "provider": "acme",
            "model": "small",
            "input_tokens": [1_000_000, 3_000_000, 1_666_667],
            "output_tokens": [0, 0, 333_333],
            "billed_cost": [1.50, 4.50, 3.00],
            "currency": "USD",
        }
    )
    found = fc.reconcile(usage_of(frame), book()).effective_prices("ME")
    assert found["tokens"].tolist() == [4_000_000, 2_000_000]
    assert found["list_price"].tolist() == pytest.approx([8.00 / 4, 6.00 / 2], abs=1e-5)
    assert found["effective_price"].tolist() == pytest.approx([6.00 / 4, 3.00 / 2])
    assert found["effective_discount"].tolist() == pytest.approx([0.25, 0.50], abs=1e-5)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.93, 0.97, 0.95),  # a multiple of 0.05
        (0.9199, 0.9201, 0.92),
        (0.9949, 1.0001, 1.0),  # no discount where none may be
        (0.87499, 0.87501, 0.875),
        (1.2, 1.3, 1.25),
    ],
)
def test_simplest_number_between(low, high, expected):
    assert simplest(low, high) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("odd", "found"), [(2, [0.9]), (20, [])])
def test_rate_is_stable_only_where_it_holds_on_most_days(odd, found):
    # 30 days, of which the middle ones are billed at whatever ratio.
    ratio = np.full(30, 0.9)
    ratio[5 : 5 + odd] = np.linspace(0.3, 0.8, odd)
    seen = Intervals(np.arange(30), ratio - 1e-4, ratio + 1e-4)
    assert [span.rate for span in stable_spans(seen, "day")] == found


def test_change_of_a_rate_is_dated_to_the_day():
    ratio = np.repeat([0.95, 0.92], [12, 18])
    spans = stable_spans(Intervals(np.arange(30), ratio - 1e-4, ratio + 1e-4), "day")
    assert [(s.first, s.last, s.rate) for s in spans] == [(0, 11, 0.95), (12, 29, 0.92)]


def test_correction_of_one_price_by_hand():
    # The third unit costs 1.50 a million more than the book says; two lines are wrong in another way.
    quantities = np.random.default_rng(3).integers(100_000, 9_000_000, (40, 3)).astype(float)
    difference = np.round(quantities[:, 2] * 1.5e-6, 2)
    difference[[4, 9]] += 77
    found = price_correction(quantities, difference, np.full(40, CENT))
    assert found.price.tolist() == [0, 0, 1.5e-6]
    assert np.flatnonzero(~found.within).tolist() == [4, 9]
    assert price_correction(quantities, np.random.default_rng(4).uniform(1, 50, 40), np.full(40, CENT)) is None


# ----------------------------------------------------------------------------------------------- planted errors


LISTED = pytest.mark.parametrize("listed", [True, False])


@LISTED
def test_day_billed_twice(listed):
    frame = bill(listed=listed)
    day = (frame["date"] == "2026-01-17") & (frame["provider"] == "acme")
    extra = frame.loc[day, "billed_cost"].sum()
    frame.loc[day, [c for c in ("billed_cost", "list_cost") if c in frame]] *= 2
    found = fc.reconcile(usage_of(frame), book())
    adds_up(found)
    assert amounts(found)["billed_twice"] == pytest.approx(extra, abs=SAME)
    assert set(amounts(found)) == {"discount", "billed_twice", "rounding"}
    hit = found.table[found.table["billed_twice"] != 0]
    assert set(hit["date"]) == {pd.Timestamp("2026-01-17")}
    assert set(hit["model"]) == {"small", "large"}


@LISTED
@pytest.mark.parametrize("slipped", [["billed_cost"], ["billed_cost", "list_cost"]])
def test_cents_read_as_dollars_in_one_row(listed, slipped):
    frame = bill(listed=listed)
    extra = 99 * frame.loc[77, "billed_cost"]
    frame.loc[77, [c for c in slipped if c in frame]] *= 100
    found = fc.reconcile(usage_of(frame), book())
    adds_up(found)
    assert amounts(found)["cents_as_dollars"] == pytest.approx(extra, abs=SAME)
    assert set(amounts(found)) == {"discount", "cents_as_dollars", "rounding"}


def test_whole_export_in_cents_is_told_and_discount_is_still_found():
    frame = bill(listed=False)
    whole = frame["billed_cost"].sum()
    found = fc.reconcile(usage_of(frame.assign(billed_cost=100 * frame["billed_cost"])), book())
    adds_up(found)
    assert amounts(found)["cents_as_dollars"] == pytest.approx(99 * whole, abs=SAME)
    assert sorted(found.discounts["discount"]) == [0, 0.05]
    assert "unexplained" not in amounts(found)


@LISTED
def test_model_at_another_price(listed):
    # The book says 40 a million output tokens of large, the bill was made at 44.
    frame = bill(listed=listed)
    own = frame["model"] == "large"
    priced = frame.loc[own, "input_tokens"] * 10e-6 + frame.loc[own, "output_tokens"] * 44e-6
    frame.loc[own, "billed_cost"] = (0.95 * priced).round(2)
    if listed:
        frame.loc[own, "list_cost"] = priced.round(4)
    found = fc.reconcile(usage_of(frame), book())
    adds_up(found)
    assert amounts(found)["list_price"] == pytest.approx(4e-6 * frame.loc[own, "output_tokens"].sum(), abs=CENT)
    assert set(amounts(found)) == {"list_price", "discount", "rounding"}
    wrong = found.list_prices.iloc[0]
    assert (wrong["model"], wrong["unit"], len(found.list_prices)) == ("large", "output_tokens", 1)
    assert wrong["price_difference"] == pytest.approx(4.00, abs=0.001 if listed else SAME)
    assert found.discounts.set_index("provider")["discount"].to_dict() == {"acme": 0.05, "umbra": 0}


def test_model_at_another_price_throughout_is_no_discount_where_others_have_another():
    # All of large is billed at 1.25 times the book's prices, less the discount of 5 % that small has too.
    frame = bill(listed=False)
    own = frame["model"] == "large"
    found = fc.reconcile(usage_of(frame), book(large=(8, 32)))
    adds_up(found)
    priced = frame.loc[own, "input_tokens"].sum() * 8e-6 + frame.loc[own, "output_tokens"].sum() * 32e-6
    assert amounts(found)["list_price"] == pytest.approx(0.25 * priced, abs=CENT)
    assert found.list_prices["ratio"].iloc[0] == pytest.approx(1.25, abs=1e-6)
    assert set(amounts(found)) == {"list_price", "discount", "rounding"}


def test_discount_of_one_model_is_told_apart_where_the_export_has_its_list_cost():
    frame = bill()
    own = frame["model"] == "large"
    frame.loc[own, "billed_cost"] = (0.80 * frame.loc[own, "list_cost"]).round(2)
    found = fc.reconcile(usage_of(frame), book())
    adds_up(found)
    assert set(amounts(found)) == {"discount", "rounding"}
    named = found.discounts[found.discounts["model"] == "large"]
    assert named["discount"].tolist() == [0.2]


@LISTED
def test_row_that_came_late(listed):
    # What large used on the 17th stands in the bill on the 19th, as a row of money alone.
    frame = bill(listed=listed)
    row = frame.index[(frame["date"] == "2026-01-17") & (frame["model"] == "large")][0]
    money = frame.loc[row, "billed_cost"]
    frame.loc[row, [c for c in ("billed_cost", "list_cost") if c in frame]] = np.nan
    moved = charge(money, "usage", "2026-01-19", model="large", project="late")
    found = fc.reconcile(usage_of(frame, moved), book())
    adds_up(found)
    late = found.table.set_index(["date", "model"])["late"]
    assert late[late != 0].to_dict() == {
        (pd.Timestamp("2026-01-17"), "large"): -money,
        (pd.Timestamp("2026-01-19"), "large"): money,
    }
    assert set(amounts(found)) == {"discount", "late", "rounding"}
    assert amounts(found)["late"] == 0


def test_day_that_came_late_as_one_sum():
    # Two projects used large on the 17th; the bill has one sum of both, on the 20th.
    frame = bill(listed=False)
    day = (frame["date"] == "2026-01-17") & (frame["model"] == "large")
    money = frame.loc[day, "billed_cost"].sum()
    frame.loc[day, "billed_cost"] = np.nan
    found = fc.reconcile(usage_of(frame, charge(money, "usage", "2026-01-20", model="large", project="late")), book())
    adds_up(found)
    late = found.table.set_index(["date", "model"])["late"]
    assert late[late != 0].to_dict() == pytest.approx(
        {(pd.Timestamp("2026-01-17"), "large"): -money, (pd.Timestamp("2026-01-20"), "large"): money}, abs=CENT
    )
    assert set(amounts(found)) == {"discount", "late", "rounding"}


def test_money_that_comes_after_more_than_a_week_is_not_taken_as_late():
    frame = bill(listed=False)
    row = frame.index[(frame["date"] == "2026-01-17") & (frame["model"] == "large")][0]
    money = frame.loc[row, "billed_cost"]
    frame.loc[row, "billed_cost"] = np.nan
    found = fc.reconcile(usage_of(frame, charge(money, "usage", "2026-01-25", model="large", project="late")), book())
    adds_up(found)
    assert amounts(found)["no_usage"] == money
    assert amounts(found)["not_billed"] < 0
    assert "late" not in amounts(found)


def test_late_money_that_was_added_to_another_day_of_the_bill():
    frame = bill(listed=False)
    cost = frame.groupby(["date", "provider", "model"], as_index=False)["billed_cost"].sum().assign(currency="USD")
    small = cost["model"] == "small"
    source, target = (cost.index[small & (cost["date"] == day)][0] for day in ("2026-01-10", "2026-01-12"))
    money = cost.loc[source, "billed_cost"]
    cost.loc[target, "billed_cost"] += money
    found = fc.reconcile(usage_of(frame), book(), bill=usage_of(cost.drop(index=source), source="costs.csv"))
    adds_up(found)
    late = found.table.set_index(["date", "model"])["late"]
    assert late.loc[pd.Timestamp("2026-01-10"), "small"] == -money
    assert late.loc[pd.Timestamp("2026-01-12"), "small"] == pytest.approx(money, abs=4 * CENT)
    assert "unexplained" not in amounts(found)


@LISTED
def test_missing_money_missing_usage_and_missing_price(listed):
    frame = bill(listed=listed)
    frame.loc[5, [c for c in ("billed_cost", "list_cost") if c in frame]] = np.nan
    at_list = sum(
        frame.loc[5, f"{u}_tokens"] * p / 1e6 for u, p in zip(("input", "output"), LIST["large"], strict=True)
    )
    nameless = charge(12.34, "usage", "2026-01-30", model="large", project="x")
    unknown = charge(50.00, "usage", "2026-01-20", model="mystery", project="x", input_tokens=1e6, output_tokens=1e5)
    charges = [charge(-30.0, "credit"), charge(7.0, "purchase"), charge(-1.0, "adjustment", provider="umbra")]
    found = fc.reconcile(usage_of(frame, nameless, unknown, *charges), book())
    adds_up(found)
    told = amounts(found)
    assert frame.loc[5, "model"] == "other" or told["not_billed"] == pytest.approx(-at_list, abs=CENT)
    assert (told["no_usage"], told["unpriced"]) == (12.34, 50.00)
    assert (told["credit"], told["purchase"], told["adjustment"]) == (-30.0, 7.0, -1.0)
    assert "unexplained" not in told
    row = found.table[found.table["model"] == "mystery"].iloc[0]
    assert np.isnan(row["priced"])


def test_what_nothing_explains_is_left_and_shown():
    frame = bill()
    frame.loc[30, "billed_cost"] += 3.33
    found = fc.reconcile(usage_of(frame), book())
    adds_up(found)
    assert len(found.unexplained) == 1
    assert found.unexplained["unexplained"].iloc[0] == pytest.approx(3.33, abs=2 * CENT)
    assert found.unexplained["status"].tolist() == ["unexplained"]
    assert "unexplained)" in repr(found)


def test_one_line_is_no_evidence_of_a_discount():
    frame = bill(listed=False, days=DAYS[:1], models=("small",)).head(1)
    frame["billed_cost"] = (0.7 * frame["billed_cost"]).round(2)
    found = fc.reconcile(usage_of(frame), book())
    adds_up(found)
    assert set(amounts(found)) == {"unexplained"}
    assert found.discounts.empty


def test_money_that_follows_no_rule_is_unexplained():
    frame = bill(listed=False)
    own = frame["model"] == "large"
    frame.loc[own, "billed_cost"] = np.random.default_rng(8).uniform(10, 90, own.sum()).round(2)
    found = fc.reconcile(usage_of(frame), book())
    adds_up(found)
    left = found.table[found.table["unexplained"] != 0]
    assert set(left["model"]) == {"large"}
    assert len(left) > 0.9 * len(DAYS)
    # What holds elsewhere is still found.
    assert found.discounts.set_index("provider")["discount"].to_dict() == {"acme": 0.05, "umbra": 0}


def test_price_that_changed_in_the_middle_is_found_where_the_book_has_not_heard_of_it():
    frame = bill(listed=False)
    own = (frame["model"] == "large") & (frame["date"] >= "2026-01-21")
    priced = frame.loc[own, "input_tokens"] * 10e-6 + frame.loc[own, "output_tokens"] * 36e-6
    frame.loc[own, "billed_cost"] = (0.95 * priced).round(2)
    found = fc.reconcile(usage_of(frame), book())
    adds_up(found)
    wrong = found.list_prices.iloc[0]
    assert (wrong["unit"], wrong["price_difference"]) == ("output_tokens", pytest.approx(-4.0, abs=SAME))
    assert (wrong["first"], wrong["last"]) == (pd.Timestamp("2026-01-21"), DAYS[-1])
    assert amounts(found)["list_price"] == pytest.approx(-4e-6 * frame.loc[own, "output_tokens"].sum(), abs=CENT)
    assert "unexplained" not in amounts(found)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_slips_in_the_bill_of_a_whole_organisation_are_found_without_its_list_cost(seed):
    usage, rng, prices = fc.generate_usage(seed=seed), np.random.default_rng(seed), fc.PriceBook.builtin()
    frame = usage.frame.drop(columns="list_cost")
    used = frame["charge_category"] == "usage"
    day = (frame["date"] == rng.choice(frame["date"].unique()[30:-30])) & (frame["provider"] == "openai") & used
    twice = frame.loc[day, "billed_cost"].sum()
    frame.loc[day, "billed_cost"] *= 2
    cents, missing = rng.choice(np.flatnonzero(used & ~day & (frame["billed_cost"] > 1)), 2, replace=False)
    slip, lost = 99 * frame.loc[cents, "billed_cost"], prices.cost(frame.loc[[missing]]).iloc[0]
    frame.loc[cents, "billed_cost"] *= 100
    frame.loc[missing, "billed_cost"] = np.nan
    found = fc.reconcile(replace(usage, frame=frame), prices)
    adds_up(found)
    told = amounts(found)
    assert told["billed_twice"] == pytest.approx(twice, abs=SAME)
    assert told["cents_as_dollars"] == pytest.approx(slip, abs=SAME)
    assert told["not_billed"] == pytest.approx(-lost, abs=CENT)
    assert set(told) == {"billed_twice", "cents_as_dollars", "not_billed", "discount", "credit", "rounding"}
    assert sorted(found.discounts["discount"]) == [0, 0, 0.05, 0.08, 0.1]


def test_hourly_usage_is_compared_by_day():
    frame = bill(listed=False, days=pd.date_range("2026-01-01", periods=72, freq="h"))
    found = fc.reconcile(usage_of(frame), book())
    adds_up(found)
    assert found.table["date"].nunique() == 3
    assert set(amounts(found)) == {"discount", "rounding"}


def test_cell_that_is_priced_in_part_lays_the_rest_to_what_has_no_price():
    frame = bill(listed=False)
    unknown = {"model": "large", "project": "pictures", "images": 5.0}
    odd = charge(9.00, "usage", "2026-01-10", **unknown)
    usage = usage_of(frame, odd)
    cost = usage.frame.groupby(["date", "provider", "model"], as_index=False)["billed_cost"].sum()
    found = fc.reconcile(usage, book(), bill=usage_of(cost.assign(currency="USD"), source="costs.csv"))
    adds_up(found)
    assert amounts(found)["unpriced"] == pytest.approx(9.00, abs=3 * CENT)
    assert set(amounts(found)) == {"discount", "unpriced", "rounding"}


def test_billed_above_list_throughout_is_a_price_and_no_discount():
    frame = bill(listed=False, models=("other",), discount={"umbra": "-0.2"})
    found = fc.reconcile(usage_of(frame), book())
    adds_up(found)
    assert set(amounts(found)) <= {"list_price", "rounding"}
    assert found.list_prices["ratio"].iloc[0] == pytest.approx(1.2, abs=1e-6)


# ---------------------------------------------------------------------------------------------------- two exports


def test_names_of_the_bill_are_matched_by_the_price_book():
    tokens = {"input_tokens": 1_000_000.0, "output_tokens": 100_000.0}
    days = pd.date_range("2026-03-01", periods=5)
    usage = usage_of(pd.DataFrame({"date": days, "provider": "openai", "model": "gpt-4.1", **tokens}))
    # gpt-4.1 lists at 2.00 in and 8.00 out: 2.80 a day.
    cost = pd.DataFrame({"date": days, "provider": "OpenAI", "model": "gpt-4.1-2025-04-14", "billed_cost": 2.80})
    found = fc.reconcile(usage, fc.PriceBook.builtin(), bill=usage_of(cost.assign(currency="USD")))
    assert found.table["difference"].abs().max() == 0
    assert any("gpt-4.1-2025-04-14 in the bill is gpt-4.1" in note for note in found.notes)


def test_monthly_bill_of_daily_usage():
    frame = bill(days=pd.date_range("2026-01-01", "2026-03-31"), listed=False)
    month = frame.assign(date=frame["date"].dt.to_period("M").dt.start_time)
    cost = month.groupby(["date", "provider", "model"], as_index=False)["billed_cost"].sum().assign(currency="USD")
    found = fc.reconcile(usage_of(frame), book(), bill=usage_of(cost, grain="month"))
    adds_up(found)
    assert found.table["date"].nunique() == 3
    assert set(amounts(found)) == {"discount", "rounding"}
    assert found.discounts.set_index("provider")["discount"].to_dict() == {"acme": 0.05, "umbra": 0}


def test_only_days_of_both_exports_are_compared_and_the_rest_is_told():
    frame = bill(listed=False)
    cost = frame[frame["date"] >= "2026-01-21"].groupby(["date", "provider", "model"], as_index=False)["billed_cost"]
    found = fc.reconcile(usage_of(frame), book(), bill=usage_of(cost.sum().assign(currency="USD")))
    assert set(amounts(found)) == {"discount", "rounding"}
    assert found.table["date"].min() == pd.Timestamp("2026-01-21")
    assert any("outside lie 120 rows of usage and 0 of the bill" in note for note in found.notes)


# ------------------------------------------------------------------------------------------------ what must add up


MONEY = st.floats(0, 5_000, allow_nan=False).map(lambda v: round(v, 2))


@settings(max_examples=60)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["small", "large", "other", "mystery"]),
            st.integers(0, 5),
            st.one_of(st.none(), st.integers(0, 10_000_000)),
            st.one_of(st.none(), MONEY),
            st.one_of(st.none(), MONEY),
        ),
        min_size=1,
        max_size=30,
    ),
    by=st.sampled_from([("date", "model", "provider"), ("provider",), ("month", "model"), ("project", "date")]),
)
def test_causes_of_any_bill_add_up_to_the_cent(rows, by):
    frame = pd.DataFrame(rows, columns=["model", "day", "input_tokens", "billed_cost", "list_cost"])
    # A row of its own for each, and one that certainly measures something.
    frame = frame.assign(project=[f"p{i}" for i in range(len(frame))], requests=1.0, currency="USD")
    frame = frame.assign(date=pd.Timestamp("2026-01-01") + pd.to_timedelta(frame.pop("day"), unit="D"))
    frame = frame.assign(
        provider=frame["model"].map(MAKER).fillna("acme"), billed_cost=frame["billed_cost"].astype(float)
    )
    first = charge(1.0, "tax", "2026-01-01", project="tax")
    usage = usage_of(first, frame, grain="day")
    found = fc.reconcile(usage, book(), by=by)
    adds_up(found)
    priced = book().cost(usage)
    assert found.billed == pytest.approx(usage.frame["billed_cost"].sum(), abs=CENT)
    assert found.priced == pytest.approx(priced[usage.frame["input_tokens"] > 0].sum(), abs=CENT)
    assert found.table["rows"].sum() == len(usage.frame)
    parts = found.totals(by[0])
    assert parts["difference"].sum() == pytest.approx(found.totals()["difference"].sum(), abs=SAME)


def test_sums_by_model_are_those_of_the_rows(sample):
    found = fc.reconcile(sample, fc.PriceBook.builtin(), by=("date", "model", "provider", "environment"))
    exact = sample.frame.groupby(["provider", "model"])["billed_cost"].sum()
    got = found.summary.dropna(subset="model").set_index(["provider", "model"])["billed"]
    assert np.abs(got - exact).max() < CENT
    assert found.totals("environment")["billed"].sum() == pytest.approx(found.billed, abs=SAME)


# ------------------------------------------------------------------------------------------- implausible prices


def test_cents_read_as_dollars_are_seen_at_reading():
    frame = bill(listed=False)
    # Row 12 stands for the whole of one project's small on one day: 100 times too much.
    frame.loc[12, "billed_cost"] *= 100
    found = fc.implausible_prices(usage_of(frame), book())
    assert len(found) == 1
    row = found.iloc[0]
    assert (row["provider"], row["model"], row["rows"], row["of_rows"]) == ("acme", "small", 1, 80)
    assert row["first"] == row["last"] == frame.loc[12, "date"]
    assert row["ratio"] == pytest.approx(95, abs=0.5)
    assert row["looks_like"] == "looks like cents read as dollars (×100)"
    # input 2 and output 8 a million, weighed by the row's own tokens
    tokens = frame.loc[12, ["input_tokens", "output_tokens"]].to_numpy(dtype=float)
    assert row["list_price"] == pytest.approx(float(tokens @ [2, 8]) / tokens.sum())


def test_plausible_and_tiny_rows_pass_and_other_ratios_are_told():
    frame = bill(listed=False)
    assert fc.implausible_prices(usage_of(frame), book()).empty
    # 200 tokens list at 0.0004 and are billed a cent, 25 times that; the cent may be 0.005 rounded, 12.5 times.
    frame.loc[0, ["input_tokens", "output_tokens", "billed_cost"]] = [200, 0, 0.01]
    # 125,000 tokens list at 0.25 and are billed at a cent, 1/25; the cent may be 0.015 rounded, 1/16.7.
    frame.loc[1, ["input_tokens", "output_tokens", "billed_cost"]] = [125_000, 0, 0.01]
    assert fc.implausible_prices(usage_of(frame), book()).empty
    frame.loc[frame["model"] == "other", "billed_cost"] /= 100
    frame.loc[7, "billed_cost"] *= 30
    found = fc.implausible_prices(usage_of(frame), book()).set_index("model")
    assert found.loc["other", "looks_like"] == "looks like dollars read as cents (×0.01)"
    assert found.loc[frame.loc[7, "model"], "looks_like"] == "28 times the list price"  # 30 less 5 %


# ---------------------------------------------------------------------------------------------- errors, pictures


def test_what_cannot_be_compared_is_refused():
    frame = bill(listed=False)
    bare = usage_of(frame.drop(columns="billed_cost"))
    with pytest.raises(UsageError, match="no billed_cost to compare with"):
        fc.reconcile(bare, book())
    with pytest.raises(UsageError, match="no billed_cost"):
        fc.implausible_prices(bare, book())
    with pytest.raises(UsageError, match=r"by 'modle'.*did you mean 'model'"):
        fc.reconcile(usage_of(frame), book(), by=("date", "modle"))
    with pytest.raises(UsageError, match="tolerance=-1"):
        fc.reconcile(usage_of(frame), book(), tolerance=-1)
    with pytest.raises(PriceError, match="bill is in EUR and the prices are in USD"):
        fc.reconcile(usage_of(frame.assign(currency="EUR")), book())
    cost = charge(5.0, "usage", "2027-01-01", model="small")
    with pytest.raises(UsageError, match="no day in common"):
        fc.reconcile(bare, book(), bill=usage_of(cost))
    with pytest.raises(UsageError, match="by 'project' is not told by both"):
        fc.reconcile(bare, book(), by=("date", "project"), bill=usage_of(charge(5.0, "usage", model="small")))
    with pytest.raises(UsageError, match="pass it to reconcile"):
        fc.reconcile(usage_of(frame), book()).totals("project")


def test_picture_and_page(sample):
    found = fc.reconcile(sample, fc.PriceBook.builtin())
    ax = found.plot()
    # 831,205.25 at list less 775,746.54 billed is 55,458.71, or 6.7 %.
    assert "The bill is USD 55.5k (6.7 %) below list cost" in ax.get_title().replace("\n", " ")
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["priced at list", "discount", "credits", "rounding", "billed"]
    # The bars are the causes' amounts.
    widths = [round(patch.get_width(), 2) for patch in ax.patches]
    assert widths == pytest.approx(list(found.causes["amount"]), abs=SAME)
    prices = found.plot("prices")
    # 775,746.54 and the credit's 2,500.00 are billed for all tokens, 6.4 % below what they list at.
    assert "6.4 % below list" in prices.get_title().replace("\n", " ")
    assert prices.get_yticklabels()[0].get_text() == "gpt-4.1"
    with pytest.raises(UsageError, match="did you mean 'prices'"):
        found.plot("price")
    page = found._repr_html_()
    assert "negotiated discount" in page
    assert "gpt-4.1" in page
