"""Each public name of ``scenarios``, used as a typed program would: mypy holds the types, and running it the rest."""

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import assert_type

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

import forecast as fc
import scenarios as sc

FloatArray = npt.NDArray[np.float64]

days = pd.date_range("2026-05-01", periods=150)
rows = pd.DataFrame({"date": days.repeat(2), "environment": ["development", "production"] * 150})
rows = rows.assign(provider="openai", model="gpt-5-mini", project="search", department="sales")
rows = rows.assign(requests=np.tile([300.0, 900.0], 150) * (1 + 0.1 * np.sin(np.arange(300) / 2)))
rows = rows.assign(input_tokens=rows["requests"] * 90_000, output_tokens=rows["requests"] * 15_000)
rows = rows.assign(billed_cost=rows["requests"] * 0.06, currency="USD")
usage = fc.read_usage(rows)
projection = fc.project(usage, start="2026-10-01", end="2026-11-30", model="seasonal_naive", seed=1)

# ---------------------------------------------------------------------------------------------------------- scenarios

some, less = sc.between(0.1, 0.3), sc.between(-0.3, -0.1)
start = "2026-10-15"
rule = fc.read_pricing_rules([{"kind": "discount", "name": "enterprise", "share": 0.1}])
launch = sc.NewWorkload(
    "gpt-5-mini",
    "openai",
    users=10,
    requests_per_user=5,
    tokens={"input_tokens": 900},
    environment="production",
    project="agents",
)
scenarios = [
    sc.Scenario("growth", [sc.Growth(monthly=sc.between(0.02, 0.05))]),
    sc.Scenario("linear", [sc.LinearGrowth(monthly=0.02)]),
    sc.Scenario("logistic", [sc.LogisticGrowth(monthly=0.05, ceiling=2.0)]),
    sc.Scenario("adoption", [sc.Adoption(users=100, market=1_000, innovation=0.01, imitation=0.3)]),
    sc.Scenario("heads", [sc.Headcount([sc.Heads("2026-09-01", 100), sc.Heads("2026-11-01", 120)])]),
    sc.Scenario("step", [sc.Step(by=some, on=start), sc.Campaign(start, "2026-10-20", by=0.2)]),
    sc.Scenario("retired", [sc.Retire({"environment": "development"}, on="2026-11-01")]),
    sc.Scenario("new", [launch]),
    sc.Scenario("events", [sc.Spikes(rate=1.0, by=some), sc.Runaway(hours=5, money=sc.between(10, 50), monthly=0.5)]),
    sc.Scenario("out", [sc.Outage(days=1, on=start), sc.Limit(requests=1e6)]),
    sc.Scenario("end", [sc.Deprecation("gpt-5-mini", to="gpt-5", on=start)]),
    sc.Scenario("tokens", [sc.Intensity("output_tokens", by=-0.1), sc.Tokenizer(by=0.05)]),
    sc.Scenario("prompts", [sc.PromptTrim(by=less), sc.OutputCap(by=less), sc.ResponseFilter(by=-0.1)]),
    sc.Scenario("packed", [sc.Pack(items=2, shared=0.5)]),
    sc.Scenario("cached", [sc.PromptCache(to=some, writes=0.1), sc.SemanticCache(share=0.1)]),
    sc.Scenario("batch", [sc.Batch(share=some)]),
    sc.Scenario("routed", [sc.Route("gpt-5-mini", "gpt-5-nano", share=some)]),
    sc.Scenario("moved", [sc.Migrate("gpt-5-mini", "gpt-5-nano", on=start)]),
    sc.Scenario("tuned", [sc.FineTune("gpt-5-mini", "gpt-5-nano", on=start, training=100)]),
    sc.Scenario("prices", [sc.PriceChange(model="gpt-5*", on=start, by=-0.2, probability=0.5)]),
    sc.Scenario("steps", [sc.PriceSteps(by={start: -0.1})]),
    sc.Scenario("terms", [sc.Discount(share=0.1), sc.Negotiation(share=some, on=start, probability=0.5)]),
    sc.Scenario("vendors", [sc.VendorPrices()]),
    sc.Scenario("contract", [sc.Contract(rule, start="2026-10-01", end="2026-11-30")]),
    sc.Scenario("abroad", [sc.ExchangeRate(by=0.01), sc.Region("eu", price_ratio=1.1)]),
    sc.Scenario("elastic", [sc.Elasticity(elasticity=0.2)]),
]
hosted: list[sc.Change] = [
    sc.Compress(by=less),
    sc.AutoScale(before=0.4, after=0.6),
    sc.RightSize(price_ratio=0.8, throughput_ratio=1.0),
    sc.Spot(discount=some, overhead=0.1),
    sc.DataTransfer(price=0.09, bytes_per_token=4),
]
compared = assert_type(sc.compare(projection, scenarios, draws=200, seed=1), sc.Comparison)
assert_type(compared.table(), pd.DataFrame)
assert_type(compared.totals("growth"), FloatArray)
assert_type(compared.bridge("growth"), sc.Bridge)
assert_type(scenarios[0].effect(projection, draws=200), sc.Effect)
assert_type(sc.load(str(sc.shipped()["name"].iloc[0]), start="2026-10-01"), sc.Scenario)
assert_type(sc.dump(scenarios[0]), str)
assert_type(sc.clipped(projection, scenarios[9], draws=200).table(), pd.DataFrame)


def growing(monthly: float) -> sc.Scenario:
    """A scenario by one number, as goal seek takes it."""
    return sc.Scenario("sought", [sc.Growth(monthly=monthly)])


middle = float(np.median(compared.totals("as forecast")))
assert_type(sc.goal_seek(projection, growing, limit=middle * 1.5, within=(0.0, 0.9), draws=200), sc.Sought)
assert_type(sc.reverse_stress(projection, growing, limit=middle * 1.5, within=(0.0, 0.9), draws=200), sc.Sought)

# -------------------------------------------------------------------------------------------------------------- plans

components: list[sc.Component] = [
    sc.Fixed("base", monthly=100),
    sc.PerUnit("seats", 10, price=3),
    sc.Allowance("search's", amount=50),
    sc.Project("training", 10, start="2026-10-05", price=sc.between(1, 3), duration=20),
    sc.Stock("storage", 100, price=0.02),
    sc.ShareOf("pipelines", some),
    sc.Risk("audit", 0.1, impact=sc.between(10, 50)),
    sc.Reserve("emergency", 20),
]
assert_type(sc.presets(), pd.DataFrame)
assert_type(sc.preset("base-infrastructure").name, str)
factor = sc.CommonFactor("price of GPUs", {"training.price": 0.5, "pipelines": 0.3})
pairs = sc.RankCorrelation({("audit.impact", "growth"): 0.2})
with warnings.catch_warnings():
    warnings.simplefilter("ignore", sc.NearestCorrelationWarning)
    plan = sc.plan(
        projection,
        scenario=scenarios[0],
        components=components,
        split=[sc.EnvironmentSplit(production=(0.6, 0.9)), sc.Split("project", {"search": (0.5, 1.0)})],
        overrides=[sc.Override("freeze", sc.Step(by=-0.05), who="finance", why="hiring is frozen", on="2026-09-20")],
        dependence=[factor, pairs],
        draws=500,
        seed=1,
    )
assert_type(plan, sc.BudgetPlan)
assert_type(plan.spec, sc.PlanSpec)
assert_type(plan.totals, FloatArray)
assert_type(plan.budget, float)
assert_type(plan.table(by=["month", "environment"]), pd.DataFrame)
assert_type(plan.probability_over(1e5), float)
assert_type(plan.plot(), Axes)
assert_type(plan.fingerprint, str)
assert_type(plan.under(sc.BudgetPolicy(holdback=0.1)), sc.PolicyPaths)
assert_type(sc.bridge(plan, plan.replan(confidence=0.9)), sc.Bridge)
offered = assert_type(sc.commitment(plan, discount=0.2), sc.Commitment)
assert_type(offered.cheapest, sc.SizedCommitment)
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    assert_type(plan.to_excel(folder / "plan.xlsx"), Path)
    assert_type(sc.load_plan(plan.save(folder / "plan.tokenplan")), sc.BudgetPlan)

    # ------------------------------------------------------------------------------------------------------- policies
    (folder / "policy.toml").write_text('name = "p"\ncurrency = "USD"\n[[limits]]\nper = "month"\namount = 1_000_000\n')
    policy = assert_type(sc.load_policy(folder / "policy.toml"), sc.SpendPolicy)
    log = sc.ApprovalLog(folder / "approvals.jsonl")
    checked = assert_type(sc.check(plan, policy, on="2026-10-01"), sc.Checked)
    assert_type(checked.ok, bool)
    log.approve(plan, who="chief financial officer", on="2026-10-01")
    assert_type(sc.due(policy, log, on="2026-10-01"), pd.DataFrame)

# ------------------------------------------------------------------------------------------------------------ actuals

later = rows.assign(date=rows["date"] + pd.Timedelta(days=150))
actual = fc.read_usage(pd.concat([rows, later[later["date"] < "2026-11-15"]]), today="2027-01-01")
review = assert_type(sc.review(plan, actual, as_of="2026-10-31"), sc.Review)
assert_type(review.outlook, sc.Outlook)
assert_type(plan.reforecast(actual, as_of="2026-10-31"), sc.Reforecast)
found = assert_type(sc.alerts(actual, plan, as_of="2026-11-10", rules=sc.AlertRules(spike=False)), sc.Alerts)
listed: Sequence[sc.Alert] = found
assert_type(sc.allocate(actual, "department"), sc.Allocation)
record = sc.track_record(usage, plan, horizon="14D", origins=["2026-08-20"])
assert_type(record, sc.TrackRecord)
assert_type(sc.deep_dive(plan, actual, as_of="2026-11-13", models=["seasonal_naive"], origins=1), sc.DeepDive)
