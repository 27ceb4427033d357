"""Each public name of ``forecast``, used as a typed program would: mypy holds the types, and running it the rest."""

import tempfile
from pathlib import Path
from typing import assert_type

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

import forecast as fc

FloatArray = npt.NDArray[np.float64]

# ------------------------------------------------------------------------------------------------------ usage, prices

days = pd.date_range("2026-05-01", periods=150)
rows = pd.DataFrame({"date": days.repeat(2), "environment": ["development", "production"] * 150})
rows = rows.assign(provider="openai", model="gpt-5-mini", project="search", department="sales")
rows = rows.assign(requests=np.tile([300.0, 900.0], 150) * (1 + 0.1 * np.sin(np.arange(300) / 2)))
rows = rows.assign(input_tokens=rows["requests"] * 900, output_tokens=rows["requests"] * 150)
rows = rows.assign(billed_cost=rows["requests"] * 0.0006, currency="USD")
usage = assert_type(fc.read_usage(rows), fc.Usage)
assert_type(fc.generate_usage(seed=0), fc.Usage)
assert_type(fc.formats(), dict[str, str])
assert_type(usage.frame, pd.DataFrame)
assert_type(usage.notes, tuple[str, ...])
assert_type(usage.start, pd.Timestamp)
assert_type(usage.currency, str | None)

prices = assert_type(fc.PriceBook.builtin(), fc.PriceBook)
assert_type(prices | fc.PriceBook.blended(2.0, currency="USD"), fc.PriceBook)
assert_type(prices.cost(usage), "pd.Series")
assert_type(prices.unpriced(usage), pd.DataFrame)
rates = assert_type(fc.Rates.of({"EUR": 1.1}), fc.Rates)
assert_type(rates.rate("EUR", "USD", days), FloatArray)
assert_type(fc.price_history(), pd.DataFrame)
process = assert_type(fc.calibrate_prices(), fc.PriceProcess)
assert_type(process.notes, tuple[str, ...])
for rule in fc.read_pricing_rules([{"kind": "discount", "name": "enterprise", "share": 0.1}]):
    assert_type(rule.name, str)
assert_type(fc.implausible_prices(usage, prices), pd.DataFrame)
explained = assert_type(fc.reconcile(usage, prices, by="model"), fc.Reconciliation)
assert_type(explained.table, pd.DataFrame)
assert_type(fc.unit_metrics(usage, prices), pd.DataFrame)
quality = pd.DataFrame({"provider": ["openai"], "model": ["gpt-5-mini"], "accuracy": [0.8]})
assert_type(fc.quality_frontier(usage, quality, prices=prices), fc.QualityFrontier)

with fc.chart_style(dark=True, locale="de_DE"):
    assert_type(usage.plot("calendar"), Axes)
assert_type(fc.show(explained.table, currency="USD"), fc.Shown)
assert_type(explained.show(), fc.Shown)

# ------------------------------------------------------------------------------------------------------------- models

plain = rows.rename(columns={"environment": "unique_id", "date": "ds", "requests": "y"})[["unique_id", "ds", "y"]]
event = fc.Event("campaign", ["2026-06-01"])
known = fc.Regressors(
    pd.DataFrame({"ds": pd.date_range("2026-05-01", periods=300), "seats": 1.0}), known_in_advance=True
)
models: list[fc.Model] = [
    fc.ETS(),
    fc.STL(),
    fc.SARIMAX(regressors=[event, fc.WorkingDays("US"), fc.Holidays("US"), known]),
    fc.Theta(),
    fc.UnobservedComponents(),
    fc.Prophet(),
    fc.AdoptionCurve(),
    fc.Auto(fast=True),
    fc.Combination(models=["ets", "theta"]),
    fc.Launch(expected={"search": fc.Demand(users=100)}),
]
for model in models:
    assert_type(model.name, str)
cleaned = assert_type(fc.clean(plain, how=fc.Cleaning(spikes=False)), fc.Cleaned)
assert_type(cleaned.frame, pd.DataFrame)

# ---------------------------------------------------------------------------------------------------------- forecasts

paths = assert_type(fc.sample_paths(cleaned.frame, 28, model="seasonal_naive", draws=100), fc.SamplePaths)
assert_type(paths.values, FloatArray)
assert_type(paths.quantile([0.1, 0.9]), pd.DataFrame)
calendar = assert_type(fc.Calendar(start_month=10), fc.Calendar)
assert_type(paths.total(calendar, by="quarter"), fc.SamplePaths)
labels = pd.DataFrame({"unique_id": ["development", "production"], "whole": "all"})
parts = assert_type(fc.Hierarchy(labels, ["whole"]), fc.Hierarchy)
summed = fc.reconciled_paths(plain, 28, parts, model="seasonal_naive", draws=100)
assert_type(summed, fc.SamplePaths)
card = assert_type(fc.backtest(plain, models=["seasonal_naive"], origins=2, draws=100), fc.Scorecard)
assert_type(card.table, pd.DataFrame)
base = assert_type(fc.baseline(usage, prices=prices), fc.CostBaseline)
assert_type(base.totals("period"), pd.DataFrame)
projection = assert_type(fc.project(usage, horizon="30D", model="seasonal_naive", seed=1), fc.Projection)
assert_type(projection.as_of, pd.Timestamp)
assert_type(projection.at("2026-09-01"), fc.Projection)

# ------------------------------------------------------------------------------------------------------------- errors

errors: list[type[fc.TokenplanError]] = [
    fc.HorizonError,
    fc.ModelError,
    fc.PlanError,
    fc.PriceError,
    fc.ScenarioError,
    fc.UsageError,
]
with tempfile.TemporaryDirectory() as folder:
    try:
        fc.read_usage(Path(folder) / "none.csv")
    except fc.TokenplanError as error:
        assert_type(error, fc.TokenplanError)
        assert type(error) in errors  # noqa: PT017 - this is a program, not a test
    else:
        raise AssertionError("a file that is not there was read")
