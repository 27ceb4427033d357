"""What importing costs, and what it offers: the public names are a promise, and this file is where it is written."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: What a plan begins with. It costs at most this much of ``import pandas``, which it holds.
FIRST = "import forecast as fc, scenarios as sc; fc.Usage, fc.PriceBook, fc.project, fc.sample_paths, sc.between"
RATIO = 1.5
#: Fewest and most rounds of the timing. The least of several runs is what the import itself costs;
#: a busy machine only adds to it, so more rounds are run before the test complains.
ROUNDS = (5, 25)

LAZY = {
    "babel",
    "dask",
    "duckdb",
    "genai_prices",
    "matplotlib",
    "narwhals",
    "polars",
    "prophet",
    "pydantic",
    "pyspark",
    "rich",
    "ruptures",
    "scipy.stats",
    "sqlalchemy",
    "statsmodels",
    "xlsxwriter",
}

PUBLIC = {
    "forecast": {
        # usage and prices
        "PriceBook",
        "Rates",
        "PriceProcess",
        "calibrate_prices",
        "Usage",
        "formats",
        "generate_usage",
        "price_history",
        "read_pricing_rules",
        "read_usage",
        # usage against the bill, unit economics
        "QualityFrontier",
        "Reconciliation",
        "implausible_prices",
        "quality_frontier",
        "reconcile",
        "unit_metrics",
        # cleaning
        "Cleaned",
        "Cleaning",
        "clean",
        # models
        "Combination",
        "Demand",
        "Launch",
        "AdoptionCurve",
        "ETS",
        "Prophet",
        "SARIMAX",
        "STL",
        "Theta",
        "UnobservedComponents",
        # parts that add up
        "Hierarchy",
        "reconciled_paths",
        # what else moves a series
        "Event",
        "Holidays",
        "Regressors",
        "WorkingDays",
        # forecasts
        "CostBaseline",
        "Auto",
        "Calendar",
        "Model",
        "Projection",
        "SamplePaths",
        "Scorecard",
        "Shown",
        "show",
        "backtest",
        "baseline",
        "project",
        "sample_paths",
        # pictures
        "chart_style",
        # errors
        "HorizonError",
        "ModelError",
        "PlanError",
        "PriceError",
        "ScenarioError",
        "TokenplanError",
        "UsageError",
    },
    "scenarios": {
        # what programs name in their types
        "Change",
        "Component",
        # scenarios
        "Growth",
        # volume, limits and events
        "Adoption",
        "Campaign",
        "DeepDive",
        "Deprecation",
        "Headcount",
        "Heads",
        "Limit",
        "LinearGrowth",
        "LogisticGrowth",
        "NewWorkload",
        "Outage",
        "Outlook",
        "Retire",
        "Review",
        "Runaway",
        "Spikes",
        "Step",
        "clipped",
        # levers
        "AutoScale",
        "Batch",
        "Compress",
        "DataTransfer",
        "FineTune",
        "Intensity",
        "Migrate",
        "OutputCap",
        "Pack",
        "PromptCache",
        "PromptTrim",
        "Reforecast",
        "Region",
        "ResponseFilter",
        "RightSize",
        "Route",
        "SemanticCache",
        "Split",
        "Spot",
        "Tokenizer",
        "Override",
        "PlanSpec",
        "PriceChange",
        "PriceSteps",
        "VendorPrices",
        "Discount",
        "Negotiation",
        "Contract",
        "ExchangeRate",
        "Elasticity",
        "Scenario",
        "between",
        "dump",
        "load",
        "shipped",
        # how a method would have done
        "TrackRecord",
        "track_record",
        # plans
        "BudgetPlan",
        "BudgetPolicy",
        "PolicyPaths",
        # commitments against on demand
        "Commitment",
        "SizedCommitment",
        "commitment",
        "load_plan",
        "EnvironmentSplit",
        "Allowance",
        "Fixed",
        "PerUnit",
        "Project",
        "Reserve",
        "Risk",
        "ShareOf",
        "Stock",
        "preset",
        "presets",
        "plan",
        # who pays what of a bill
        "Allocation",
        "allocate",
        # a spend policy, and what is held against it
        "ApprovalLog",
        "Checked",
        "SpendPolicy",
        "check",
        "due",
        "load_policy",
        # alerts on actual usage
        "Alert",
        "AlertRules",
        "Alerts",
        "alerts",
        # from one total to another
        "Bridge",
        "bridge",
        # scenarios beside each other
        "CommonFactor",
        "Comparison",
        "Effect",
        "NearestCorrelationWarning",
        "RankCorrelation",
        "Sought",
        "compare",
        "deep_dive",
        "goal_seek",
        "reverse_stress",
        "review",
    },
}


def fresh(code: str) -> str:
    """Run ``code`` in a new interpreter and return what it printed."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def seconds(code: str) -> float:
    timed = f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"
    return float(fresh(timed))


def test_importing_costs_little_more_than_pandas():
    ours, pandas = [], []
    fewest, most = ROUNDS
    for done in range(1, most + 1):
        pandas.append(seconds("import pandas"))
        ours.append(seconds(FIRST))
        if done >= fewest and min(ours) <= RATIO * min(pandas):
            return
    pytest.fail(
        f"{FIRST} takes {min(ours):.3f} s, {min(ours) / min(pandas):.2f} times import pandas"
        f" ({min(pandas):.3f} s; allowed: {RATIO}); see python -X importtime"
    )


def test_heavy_packages_are_imported_when_needed_only():
    loaded = set(json.loads(fresh(f"{FIRST}; import json, sys; print(json.dumps(sorted(sys.modules)))")))
    assert {"forecast.projection", "scenarios", "pandas"} <= loaded
    assert not loaded & LAZY


def test_nothing_heavy_is_imported_before_a_name_is_asked_for():
    """So that help and completion of the command are there at once, and an interrupt never meets half an import."""
    code = "import forecast, scenarios, scenarios.cli, scenarios.cli.arguments, json, sys; forecast.errors; "
    loaded = set(json.loads(fresh(code + "print(json.dumps(sorted(sys.modules)))")))
    assert not loaded & {*LAZY, "numpy", "pandas", "scipy"}


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names(package):
    module = import_module(package)
    assert set(module.__all__) == PUBLIC[package]
    assert len(module.__all__) == len(set(module.__all__))
    assert PUBLIC[package] <= set(dir(module))


@pytest.mark.parametrize(
    ("package", "name"), [(package, name) for package in PUBLIC for name in sorted(PUBLIC[package])]
)
def test_public_name_is_documented_and_no_module_bears_it(package, name):
    thing = getattr(import_module(package), name)
    assert callable(thing)
    assert (thing.__doc__ or "").strip(), f"{package}.{name} has no docstring"
    assert not (ROOT / package / name).exists()
    assert not (ROOT / package / f"{name}.py").exists(), f"{package}/{name}.py hides {package}.{name} once imported"
