"""Unit economics against hand arithmetic, SciPy's slope, and the usage's own totals; the frontier; bad input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import forecast as fc
from forecast.errors import UsageError
from forecast.samples import sample_path
from forecast.unit_economics.metrics import median_slope
from forecast.unit_economics.quality import dominance

#: Sums of a few thousand doubles in another order, relative.
SAME = 1e-9
BY = ("provider", "model")


def usage_of(*rows, **arguments):
    """Usage of ``acme``; money is in USD where a row has any."""
    frame = pd.DataFrame(list(rows))
    frame = frame.assign(date=pd.to_datetime(frame["date"]), provider="acme")
    if {"billed_cost", "list_cost"} & set(frame):
        frame = frame.assign(currency="USD")
    return fc.Usage.from_frame(frame, sort=True, **arguments)


def value(table, metric, **where):
    """The one value of a metric."""
    own = table[table["metric"] == metric]
    for column, wanted in where.items():
        own = own[own[column] == (pd.Timestamp(wanted) if column == "period" else wanted)]
    assert len(own) == 1, own
    return own.iloc[0]["value"]


def row(date, model="a", **columns):
    return {"date": date, "model": model} | columns


# ------------------------------------------------------------------------------------------------------- by hand


def test_unit_costs_by_hand():
    usage = usage_of(
        row(
            "2026-01-05",
            requests=100,
            input_tokens=600_000,
            cache_read_tokens=0,
            output_tokens=400_000,
            billed_cost=3.0,
        ),
        row("2026-01-06", requests=300, input_tokens=0, cache_read_tokens=2e6, output_tokens=1e6, billed_cost=5.0),
        row("2026-02-01", requests=50, input_tokens=1e6, cache_read_tokens=1e6, output_tokens=0, billed_cost=1.0),
        row("2026-02-01", "b", requests=10, input_tokens=2e6, cache_read_tokens=0, output_tokens=0, billed_cost=2.0),
    )
    table = fc.unit_metrics(usage)
    january = {"model": "a", "period": "2026-01-31"}
    # 8.00 over 4 M tokens and 400 requests: a ratio of sums (the mean of 3.00 and 1.67 a million would be 2.33).
    assert value(table, "cost_per_million_tokens", **january) == pytest.approx(8.00 / 4)
    assert value(table, "cost_per_request", **january) == pytest.approx(8.00 / 400)
    assert value(table, "tokens_per_request", **january) == pytest.approx(4_000_000 / 400)
    # 2 M read from the cache of 2.6 M read in all.
    assert value(table, "cache_hit_share", **january) == pytest.approx(2.0 / 2.6)
    assert value(table, "cache_hit_share", model="a", period="2026-02-28") == pytest.approx(0.5)
    assert value(table, "cost", model="b", period="2026-02-28") == 2.0
    assert set(table.loc[table["metric"] == "cost_per_request", "basis"]) == {"billed cost"}
    assert set(table.loc[table["metric"] == "cost_per_request", "unit"]) == {"USD/request"}
    whole = fc.unit_metrics(usage, by=(), period=None)
    assert value(whole, "cost_per_request") == pytest.approx(11.00 / 460)


def test_shares_of_batch_cache_writes_and_reasoning_by_hand():
    usage = usage_of(
        row("2026-01-05", service_tier="batch", input_tokens=6e6, cache_read_tokens=1e6, cache_write_tokens=1e6,
            cache_write_1h_tokens=2e6, output_tokens=1e6, reasoning_tokens=4e5),
        row("2026-01-05", service_tier="standard", input_tokens=8e6, output_tokens=1e6),
        row("2026-01-05", service_tier=None, input_tokens=9e9),
    )  # fmt: skip
    table = fc.unit_metrics(usage, by="model")
    # Batch: 11 M of 11 M + 9 M whose tier is known. Cache: 1 of 6 + 1 + 3, the row that knows its cache reads.
    assert value(table, "batch_share") == pytest.approx(11 / 20)
    assert value(table, "cache_hit_share") == pytest.approx(1 / 10)
    # Reasoning is known of the first row's million output tokens alone.
    assert value(table, "reasoning_share") == pytest.approx(0.4)


def test_unknown_is_null_and_money_is_priced_where_there_is_no_bill():
    usage = usage_of(row("2026-01-05", "gpt-4.1", input_tokens=1e6), row("2026-01-05", "mystery", input_tokens=1e6))
    bare = fc.unit_metrics(usage)
    for metric in ("cost_per_million_tokens", "cost_per_request", "batch_share", "reasoning_share", "cache_hit_share"):
        assert np.isnan(value(bare, metric, model="gpt-4.1"))
    assert bare.loc[bare["metric"] == "cost", "value"].isna().all()
    assert bare.loc[bare["metric"] == "requests", "value"].isna().all()
    book = fc.PriceBook.from_frame(pd.DataFrame({"model": ["gpt-4.1"], "unit": ["input_tokens"], "price": [2]}))
    table = fc.unit_metrics(usage, book)
    assert value(table, "cost_per_million_tokens", model="gpt-4.1") == pytest.approx(2.0)
    assert np.isnan(value(table, "cost_per_million_tokens", model="mystery"))
    assert set(table.loc[table["metric"] == "cost", "basis"]) == {"priced at list"}
    assert value(table, "tokens", model="mystery") == 1e6


def test_row_without_money_is_in_no_cost_of_a_token():
    usage = usage_of(
        row("2026-01-05", requests=10, input_tokens=1e6, billed_cost=4.0),
        row("2026-01-06", requests=90, input_tokens=9e6, billed_cost=None),
    )
    table = fc.unit_metrics(usage)
    assert value(table, "cost_per_million_tokens") == 4.0
    assert value(table, "cost_per_request") == 0.4
    assert value(table, "tokens") == 10e6
    told = table[table["metric"] == "cost_per_million_tokens"].iloc[0]
    assert (told["numerator"], told["denominator"]) == (4.0, 1e6)


def test_credits_and_taxes_are_in_no_unit_cost():
    usage = usage_of(
        row("2026-01-05", input_tokens=1e6, billed_cost=4.0, charge_category="usage"),
        row("2026-01-05", None, billed_cost=-3.0, charge_category="credit"),
        row("2026-01-05", None, billed_cost=1.0, charge_category="tax"),
    )
    assert value(fc.unit_metrics(usage, by=()), "cost_per_million_tokens") == 4.0


# -------------------------------------------------------------------------------------------------------- trends


def test_trend_by_hand_and_robust():
    # 5 % a month, whatever the weekday; one week of an incident at 20 times does not move the median.
    days = pd.date_range("2026-01-05", periods=7 * 16)  # a Monday, 16 whole weeks
    week = np.repeat(1.05 ** (7 * np.arange(16) / 30.4375), 7) * 1000
    frame = pd.DataFrame({"date": days, "model": "a", "requests": week, "input_tokens": 1e6})
    table = fc.unit_metrics(usage_of(*frame.to_dict("records")))
    assert value(table, "request_trend") == pytest.approx(5.0, rel=SAME)
    week[21:28] *= 20
    spiked = fc.unit_metrics(usage_of(*frame.assign(requests=week).to_dict("records")))
    assert value(spiked, "request_trend") == pytest.approx(5.0, abs=0.2)
    few = fc.unit_metrics(usage_of(*frame.head(26).to_dict("records")))
    assert np.isnan(value(few, "request_trend"))


def test_trend_of_months_and_slope_as_scipy_has_it():
    from scipy.stats import theilslopes

    months = pd.date_range("2025-01-01", periods=8, freq="MS")
    frame = pd.DataFrame({"date": months, "model": "a", "requests": 100 * 0.9 ** np.arange(8), "input_tokens": 1e6})
    table = fc.unit_metrics(usage_of(*frame.to_dict("records")))
    # A tenth less each calendar month; an average month is 30.4375 days, and these differ by a day or three.
    assert value(table, "request_trend", period="2025-08-31") == pytest.approx(-10.0, abs=0.35)
    x, y = np.sort(np.random.default_rng(5).uniform(0, 100, 40)), np.random.default_rng(6).normal(size=40)
    assert median_slope(x, y) == pytest.approx(theilslopes(y, x).slope, rel=SAME)


# ------------------------------------------------------------------------------------------------------ capacity


def test_provisioned_throughput_by_hand():
    usage = usage_of(
        row("2026-01-30", service_tier="provisioned", input_tokens=30e6),
        row("2026-01-31", service_tier="provisioned", input_tokens=6e6),
        row("2026-02-01", service_tier="provisioned", input_tokens=72e6),
        row("2026-02-01", service_tier="standard", input_tokens=999e6),
    )
    bought = pd.DataFrame(
        {
            "provider": "acme",
            "model": "a",
            "tokens_per_minute": [25_000, 25_000],
            "valid_from": [None, "2026-02-01"],
            "valid_to": [None, "2026-02-28"],
        }
    )
    table = fc.unit_metrics(usage, capacity=bought)
    # 25,000 a minute carry 36 M a day: 36 M used of 2 x 36 M in January; on 1 February 72 M of 2 x 36 M.
    assert value(table, "provisioned_utilisation", period="2026-01-31") == pytest.approx(0.5)
    assert value(table, "provisioned_utilisation", period="2026-02-28") == pytest.approx(1.0)


def test_gpu_hours_by_hand():
    usage = usage_of(*(row(f"2026-01-0{d}", gpu_hours=24.0 * d) for d in range(1, 5)))
    busy = pd.DataFrame(
        {
            "provider": "acme",
            "model": "a",
            "date": ["2026-01-01", "2026-01-02", "2026-01-09"],
            "busy_gpu_hours": [18.0, 36.0, 99.0],
        }
    )
    table = fc.unit_metrics(usage, capacity=busy)
    # Both are known of two days: 54 busy of 24 + 48 paid for; other days are neither idle nor overfull.
    assert value(table, "gpu_utilisation") == pytest.approx(54 / 72)


def test_peaks_against_limits_by_hand():
    # 100 hours; hour k has 60 k requests, so k a minute. Hour 0 has no row and counts as 0.
    hours = pd.date_range("2026-01-01 01:00", periods=99, freq="h")
    records = [row(h, requests=60.0 * k, input_tokens=6000.0 * k) for k, h in enumerate(hours, 1)]
    records.append(row("2026-01-01 00:00", "b", requests=6.0, input_tokens=60.0))
    limits = pd.DataFrame({"provider": "acme", "model": ["a"], "requests_per_minute": 120, "percentile": 90.0})
    table = fc.unit_metrics(usage_of(*records), period=None, limits=limits)
    assert value(table, "peak_requests_per_minute") == 99
    # Of 0 … 99, as numpy's quantile has it: 98.01 and 89.1.
    assert value(table, "p99_requests_per_minute") == pytest.approx(98.01)
    assert value(table, "needed_requests_per_minute") == pytest.approx(89.1)
    assert value(table, "headroom_requests_per_minute") == pytest.approx(1 - 99 / 120)
    burst = fc.unit_metrics(usage_of(*records), period=None, limits=limits.assign(burst=2.0, tokens_per_minute=20_000))
    assert value(burst, "headroom_requests_per_minute") == pytest.approx(1 - 198 / 120)
    assert value(burst, "headroom_tokens_per_minute") == pytest.approx(1 - 2 * 9900 / 20_000)


# ------------------------------------------------------------------------------------------------------- quality


def test_cost_against_quality_by_hand():
    usage = usage_of(
        row("2026-01-05", requests=200, input_tokens=1e6, billed_cost=10.0),
        row("2026-01-05", "b", requests=100, input_tokens=1e6, billed_cost=30.0),
        row("2026-02-05", requests=100, input_tokens=1e6, billed_cost=8.0),
    )
    good = pd.DataFrame({"model": ["a", "b"], "success_rate": [0.5, 0.9], "accuracy": [0.8, None]})
    table = fc.unit_metrics(usage, quality=good)
    # 10.00 for 200 requests of which half succeed; 30.00 for 90; 8.00 for 50.
    assert value(table, "cost_per_successful_task", model="a", period="2026-01-31") == pytest.approx(0.10)
    assert value(table, "cost_per_successful_task", model="b") == pytest.approx(30 / 90)
    assert value(table, "cost_per_successful_task", model="a", period="2026-02-28") == pytest.approx(0.16)
    # 0.05 a task over 80 points.
    assert value(table, "cost_per_accuracy_point", model="a", period="2026-01-31") == pytest.approx(0.05 / 80)
    assert np.isnan(value(table, "cost_per_accuracy_point", model="b"))
    counted = pd.DataFrame(
        {
            "provider": "acme",
            "model": "a",
            "date": ["2026-01-05", "2026-01-06"],
            "tasks": [10, 30],
            "success_rate": [1.0, 0.5],
        }
    )
    table = fc.unit_metrics(usage, quality=counted)
    # 10 + 15 successes, not 40 times the mean rate of 0.75.
    assert value(table, "cost_per_successful_task", model="a", period="2026-01-31") == pytest.approx(10 / 25)
    assert np.isnan(value(table, "cost_per_successful_task", model="b"))


def test_frontier_by_hand():
    cost = {"cheap": 1.0, "good": 4.0, "waste": 5.0, "best": 9.0, "twin": 4.0, "unknown": 2.0}
    usage = usage_of(*(row("2026-01-05", m, requests=10, input_tokens=1e6, billed_cost=c) for m, c in cost.items()))
    good = pd.DataFrame({"model": ["cheap", "good", "waste", "best", "twin"], "accuracy": [0.5, 0.8, 0.7, 0.9, 0.8]})
    found = fc.quality_frontier(usage, good)
    table = found.table.set_index("model")
    assert table["price"].to_dict() == pytest.approx({m: c / 10 for m, c in cost.items() if m != "unknown"})
    # Equals do not beat each other; waste is beaten by both.
    assert table["on_frontier"].to_dict() == {"cheap": True, "good": True, "twin": True, "waste": False, "best": True}
    assert set(table.loc["waste", "dominated_by"].split(", ")) == {"good", "twin"}
    assert found.left_out == ("unknown",)
    assert repr(found).startswith("QualityFrontier(4 of 5 on the frontier: cheap, ")
    by_token = fc.quality_frontier(usage, good, price="cost_per_million_tokens")
    assert by_token.table.set_index("model")["price"].to_dict() == pytest.approx(
        {m: c for m, c in cost.items() if m != "unknown"}
    )


POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12)


@settings(max_examples=100)
@given(POINTS)
def test_frontier_is_what_comparing_all_pairs_says(points):
    price, quality = (np.array(c, dtype=float) for c in zip(*points, strict=True))
    beats = dominance(price, quality)
    for j, (p, q) in enumerate(points):
        beaten = [a for a in points if a[0] <= p and a[1] >= q and a != (p, q)]
        assert beats[:, j].any() == bool(beaten)
        # Whoever is beaten is beaten by one that nobody beats.
        assert not beaten or any(beats[i, j] and not beats[:, i].any() for i in range(len(points)))


def test_frontier_plot_names_every_model():
    cost = {"cheap": 1.0, "good": 4.0, "waste": 6.0, "best": 90.0}
    usage = usage_of(*(row("2026-01-05", m, requests=10, input_tokens=1e6, billed_cost=c) for m, c in cost.items()))
    good = pd.DataFrame({"model": list(cost), "accuracy": [0.5, 0.8, 0.7, 0.9]})
    found = fc.quality_frontier(usage, good)
    ax = found.plot()
    told = " ".join(text.get_text() for text in ax.texts)
    assert all(model in told for model in cost)
    titles = {ax.get_title(loc=loc) for loc in ("left", "center", "right")}
    assert any("waste costs 1.5 times good" in title.replace("\n", " ") for title in titles)
    assert "waste" in found._repr_html_()


# ------------------------------------------------------------------------------------------------ what must add up


@settings(max_examples=40)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", None]),
            st.integers(0, 70),
            st.one_of(st.none(), st.integers(0, 10_000)),
            st.one_of(st.none(), st.integers(0, 10_000_000)),
            st.one_of(st.none(), st.integers(0, 500_000)),
        ),
        min_size=1,
        max_size=25,
    ),
    by=st.sampled_from([("provider", "model"), ("model",), (), ("project",)]),
    period=st.sampled_from(["D", "W", "MS", "ME", "QE", "YS", None]),
)
def test_sums_are_the_usage_s_totals(rows, by, period):
    frame = pd.DataFrame(rows, columns=["model", "day", "requests", "input_tokens", "cents"])
    frame = frame.assign(date=pd.Timestamp("2026-01-01") + pd.to_timedelta(frame.pop("day"), unit="D"))
    frame = frame.assign(billed_cost=frame.pop("cents").astype(float) / 100, currency="USD", provider="acme")
    frame = frame.assign(project=[f"p{i % 3}" for i in range(len(frame))], user=[f"u{i}" for i in range(len(frame))])
    frame = frame.assign(images=1.0)
    usage = fc.Usage.from_frame(frame, sort=True, grain="day")
    table = fc.unit_metrics(usage, by=by, period=period)
    for metric, column in (("cost", "billed_cost"), ("requests", "requests"), ("tokens", "input_tokens")):
        own = table.loc[table["metric"] == metric, "value"]
        assert own.sum() == pytest.approx(usage.frame[column].sum(), rel=SAME, abs=SAME)
        assert not own.isna().all() or usage.frame[column].isna().all()
    ratios = table[table["denominator"].notna()]
    expected = ratios["numerator"] / ratios["denominator"].where(ratios["denominator"] > 0)
    scale = np.where(ratios["metric"] == "cost_per_million_tokens", 1e6, 1.0)
    assert np.allclose(ratios["value"], scale * expected, rtol=SAME, equal_nan=True)
    shares = table.loc[table["unit"] == "share", "value"].dropna()
    assert shares.between(0, 1).all()
    assert not table.duplicated(["metric", *by, "period"]).any()


def test_sample_adds_up_to_its_totals():
    usage = fc.read_usage(sample_path("organisation_daily.csv"))
    table = fc.unit_metrics(usage)
    used = usage.frame[usage.frame["charge_category"] == "usage"]
    assert table.loc[table["metric"] == "cost", "value"].sum() == pytest.approx(used["billed_cost"].sum(), rel=SAME)
    assert table.loc[table["metric"] == "requests", "value"].sum() == pytest.approx(used["requests"].sum(), rel=SAME)
    batch = value(table, "batch_share", model="gemini-3.6-flash", period="2026-10-31")
    own = used[(used["model"] == "gemini-3.6-flash") & (used["date"] >= "2026-10-01")]
    tokens = own[["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"]].sum(axis=1)
    assert batch == pytest.approx(tokens[own["service_tier"] == "batch"].sum() / tokens.sum(), rel=SAME)


# --------------------------------------------------------------------------------------------------------- errors


DAY = row("2026-01-05", requests=10, input_tokens=1e6, billed_cost=1.0)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"by": ("modle",)}, "by 'modle' is not known.*did you mean 'model'"),
        ({"period": "M"}, "period 'M' is not known"),
        ({"limits": pd.DataFrame({"provider": ["acme"], "model": ["a"]})}, "usage by day does not tell its peak hours"),
        ({"capacity": pd.DataFrame({"model": ["a"], "tokens_per_minute": [1]})}, "no column 'provider'"),
        ({"capacity": pd.DataFrame({"provider": ["acme"], "model": ["a"]})}, "neither 'tokens_per_minute' nor"),
        (
            {"capacity": pd.DataFrame({"provider": ["acme"], "model": ["a"], "tokens_per_minute": [-1]})},
            "'tokens_per_minute' holds -1; give numbers from 0 up",
        ),
        (
            {"capacity": pd.DataFrame({"provider": ["acme"], "model": ["a"], "busy_gpu_hours": [1]})},
            "no column 'date'",
        ),
        ({"quality": pd.DataFrame({"model": ["a"]})}, "neither 'accuracy' nor 'success_rate'"),
        ({"quality": pd.DataFrame({"model": ["a"], "accuracy": [80]})}, "holds 80; give numbers from 0 to 1"),
        ({"quality": pd.DataFrame({"model": ["a", "a"], "accuracy": [0.8, 0.9]})}, "a group stands twice"),
        (
            {"quality": pd.DataFrame({"provider": ["acme"], "model": ["a"], "accuracy": [0.8], "tasks": [3]})},
            "tasks are counted by date",
        ),
    ],
)
def test_what_cannot_be_told_is_refused(arguments, match):
    with pytest.raises(UsageError, match=match):
        fc.unit_metrics(usage_of(DAY), **arguments)


def test_frontier_refuses_what_it_cannot_compare():
    with pytest.raises(UsageError, match="no column 'accuracy'"):
        fc.quality_frontier(usage_of(DAY), pd.DataFrame({"model": ["a"], "success_rate": [0.5]}))
    with pytest.raises(UsageError, match="do the names agree"):
        fc.quality_frontier(usage_of(DAY), pd.DataFrame({"model": ["x"], "accuracy": [0.5]}))
    with pytest.raises(UsageError, match="measure 'acuracy' is not known"):
        fc.quality_frontier(usage_of(DAY), pd.DataFrame({"model": ["a"], "accuracy": [0.5]}), measure="acuracy")


def test_limits_want_each_group_once():
    usage = usage_of(*(row(f"2026-01-01 0{h}:00", requests=60, input_tokens=1e3) for h in range(1, 4)))
    twice = pd.DataFrame({"provider": "acme", "model": ["a", "a"], "requests_per_minute": [1, 2]})
    with pytest.raises(UsageError, match="1 rows repeat the group"):
        fc.unit_metrics(usage, limits=twice)
    with pytest.raises(UsageError, match="neither 'requests_per_minute' nor 'tokens_per_minute'"):
        fc.unit_metrics(usage, limits=twice[["provider", "model"]].head(1))
