"""Usage of every kind that exports bring, taken to a plan: by month, by hour, money alone, credits, very many users."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc

DAYS = pd.date_range("2026-01-01", periods=200)
#: A plan of noise-free usage is that usage: what is left is the rounding of money to cents.
EXACT = 1e-6


def plan(usage, horizon="1Q", **options):
    projection = fc.project(usage, horizon=horizon, seed=1, **options)
    return sc.plan(projection, prices=fc.PriceBook.builtin(), draws=200, seed=1)


def tokens(**columns):
    frame = pd.DataFrame({"date": DAYS, "provider": "openai", "model": "gpt-5", "project": "search"})
    return frame.assign(requests=1_000.0, input_tokens=1e6, output_tokens=1e5, **columns)


def money(amount=100.0, **columns):
    frame = pd.DataFrame({"date": DAYS, "provider": "openai", "model": "web search", "project": "search"})
    return frame.assign(billed_cost=amount, currency="USD", **columns)


def median(plan):
    return float(np.median(plan.totals))


def test_money_beside_tokens_of_one_project_is_planned_with_them():
    usage = fc.read_usage(pd.concat([tokens(), money()]), sort=True)
    made = plan(usage)
    # A day: 1 million input tokens at 1.25, a tenth of a million output tokens at 10.00, and 100.00 of searches.
    assert median(made) == pytest.approx(92 * (1.25 + 1.00 + 100.0), rel=EXACT)
    workloads = fc.project(usage, horizon="1Q", seed=1).workloads
    assert workloads["volume_unit"].tolist() == ["requests", "spend"]
    assert workloads["project"].tolist() == ["search", "search"]
    assert list(made.table("project").index.unique()) == ["search"]


def test_growth_of_a_project_moves_its_money_as_well_and_prices_of_tokens_do_not():
    usage = fc.read_usage(pd.concat([tokens(), money()]), sort=True)
    projection = fc.project(usage, horizon="1Q", seed=1)
    dearer = sc.Scenario("dearer", [sc.PriceChange(model="gpt-5", on="2026-10-01", by=1.0)])
    made = sc.plan(projection, prices=fc.PriceBook.builtin(), scenario=dearer, draws=200, seed=1)
    assert median(made) == pytest.approx(92 * (2 * 2.25 + 100.0), rel=EXACT)


def test_a_backtest_scores_tokens_and_money_of_one_project_together():
    usage = fc.read_usage(pd.concat([tokens(), money()]), sort=True)
    card = fc.backtest(usage, prices=fc.PriceBook.builtin(), models=["run_rate"], horizon=14, origins=2)
    assert card.table["wape_total"].max() < EXACT


def test_money_without_tokens_is_a_spend_series():
    made = plan(fc.read_usage(money()))
    assert median(made) == pytest.approx(92 * 100.0, rel=EXACT)


def test_refunds_and_credits_are_kept_in_the_usage_and_not_forecast():
    back = money(-300.0, charge_category="refund").iloc[[50]]
    credit = money(-100.0, charge_category="credit").iloc[[60]]
    usage = fc.read_usage(pd.concat([money(charge_category="usage"), back, credit]), sort=True)
    assert usage.frame["billed_cost"].sum() == pytest.approx(200 * 100.0 - 400.0)
    projection = fc.project(usage, horizon="1Q", seed=1)
    assert "2 rows of category credit, refund (-400.00 USD)" in " ".join(projection.notes)
    assert median(plan(usage)) == pytest.approx(92 * 100.0, rel=EXACT)


def test_monthly_bills_are_forecast_by_month_and_never_spread_over_days():
    months = pd.date_range("2024-01-01", periods=30, freq="MS")
    frame = pd.DataFrame({"date": months, "provider": "openai", "model": "gpt-5", "project": "all"})
    usage = fc.read_usage(frame.assign(billed_cost=1_000.0, currency="USD"))
    projection = fc.project(usage, horizon="1Q", seed=1)
    assert usage.grain == "month"
    assert projection.days.equals(pd.date_range("2026-07-01", periods=3, freq="MS"))
    assert median(plan(usage)) == pytest.approx(3 * 1_000.0, rel=EXACT)


def test_hours_are_planned_as_their_days_and_keep_their_peaks():
    hours = pd.date_range("2026-03-01", periods=24 * 120, freq="h")
    wave = np.where((hours.hour >= 9) & (hours.hour < 17), 250.0, 50.0)  # 8 · 250 + 16 · 50 = 2,800 a day
    frame = pd.DataFrame({"date": hours, "provider": "openai", "model": "gpt-5", "project": "search"})
    usage = fc.read_usage(frame.assign(requests=wave, input_tokens=wave * 1_000.0))
    assert usage.grain == "hour"
    assert usage.frame["requests"].max() == 250.0
    assert median(plan(usage)) == pytest.approx(92 * 2.8 * 1.25, rel=EXACT)


def test_very_many_users_are_one_workload_of_their_project_and_pooled_where_they_are_asked_for():
    users, days = 3_000, 40
    frame = pd.DataFrame(
        {
            "date": np.repeat(pd.date_range("2026-06-01", periods=days), users),
            "provider": "openai",
            "model": "gpt-5",
            "project": "search",
            "user": np.tile([f"u{i}" for i in range(users)], days),
            "requests": 1.0,
            "input_tokens": 1_000.0,
        }
    )
    usage = fc.read_usage(frame)
    assert len(fc.project(usage, horizon="1M", seed=1).workloads) == 1
    by_user = fc.project(usage, horizon="1M", seed=1, by=("user",), max_series=50, trajectories=50)
    assert len(by_user.workloads) == 51
    assert "2950 of 3000 workloads" in " ".join(by_user.notes)
    total = by_user.volume.point.sum()
    assert total == pytest.approx(users * len(by_user.days), rel=EXACT)


def test_cost_centres_that_rules_give_are_in_every_table_of_the_plan():
    usage = fc.read_usage(
        pd.concat([tokens(environment="production"), tokens(environment="test").assign(project="lab")]),
        sort=True,
        rules=[
            {
                "match": {"project": "search"},
                "set": {"cost_center": "4711", "gl_account": "6815", "cost_category": "run"},
            },
            {"match": {"project": "*"}, "set": {"cost_center": "4712"}},
        ],
    )
    made = plan(usage)
    table = made.table(["cost_center", "gl_account"])
    assert table.index.tolist() == [("4711", "6815"), ("4712", "unassigned")]
    assert table["p50"].tolist() == pytest.approx([92 * 2.25] * 2, rel=EXACT)
    assert usage.reading.unmatched["column"].unique().tolist() == ["gl_account", "cost_category"]


def test_a_project_of_two_cost_centres_is_shown_without_one_and_said_so():
    usage = fc.read_usage(pd.concat([tokens(cost_center="1"), tokens(cost_center="2", environment="test")]), sort=True)
    projection = fc.project(usage, horizon="1Q", seed=1, by="project")
    assert "cost_center" not in projection.workloads
    assert "1 workloads have more than one cost_center" in " ".join(projection.notes)


def test_long_requests_are_planned_at_the_price_of_their_size():
    frame = pd.DataFrame({"date": DAYS, "provider": "google", "model": "gemini-2.5-pro", "project": "search"})
    frame = frame.assign(requests=100.0, input_tokens=1e6)
    both = pd.concat([frame.assign(context_tier="0-200k"), frame.assign(context_tier=">200k")])
    usage = fc.read_usage(both, sort=True)
    # Google lists 1.25 a million up to 200,000 tokens in a request, and 2.50 above.
    assert median(plan(usage)) == pytest.approx(92 * (1.25 + 2.50), rel=EXACT)


def test_a_bill_beside_its_usage_is_not_planned_twice():
    # As a vendor exports it: tokens without money, and money without tokens, of the same model and days.
    costs = money(2.5, model="gpt-5", charge_category="usage")
    searches = money(100.0)
    usage = fc.read_usage(pd.concat([tokens(), costs, searches]), sort=True)
    projection = fc.project(usage, horizon="1Q", seed=1)
    assert "198 rows of money (495.00 USD) are the bill of usage" in " ".join(projection.notes)  # 198 days of 2.50
    assert median(plan(usage)) == pytest.approx(92 * (2.25 + 100.0), rel=EXACT)
    at_list = fc.baseline(usage, prices=fc.PriceBook.builtin())
    assert "are the bill of usage beside them" in " ".join(at_list.notes)
    billed = fc.baseline(usage).totals("period")
    assert billed["total"].iloc[0] == pytest.approx(31 * 102.5, rel=1e-3)
