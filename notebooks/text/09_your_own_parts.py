# %% [markdown]
# # Can we bring a model, a change, a reader and a cost line of our own, and what do they move?
#
# Four small classes, each held to what the library's own are held to: the model to the backtest, the change to its
# neutral value and to hand arithmetic, the reader to the account of what it read, the line to its sum. Then one plan
# with all four.

# %% tags=["parameters"]
usage_file = "../data/samples/organisation_daily.csv"
horizon = "2Q"
days, dates = 28, 6  # the backtest: days ahead, and from how many past dates
closed = "2027-02-15", "2027-02-19"  # a week in which development rests
draws, seed = 2_000, 7

# %% [markdown]
# ## A model
#
# A name, and a point forecast: `panel.values` is an array of periods and series, and so is what comes back. Bands are
# made around it from its own past errors, as around any model. This one carries the mean week of the last four on,
# and lets its growth over the four before ebb away.

# %%
from dataclasses import dataclass

import numpy as np
import pandas as pd

import forecast as fc
import scenarios as sc


@dataclass(frozen=True)
class Ebbing:
    """The mean week of the last four, with the growth since the four before, which ebbs away."""

    half_life: float = 28.0  # days until growth is half of what it was
    name: str = "ebbing"

    def point(self, panel, horizon):
        """Forecast: float array (horizon, series)."""
        values = pd.DataFrame(panel.values).ffill().fillna(0).to_numpy()[-56:]
        last, before = (np.maximum(part.sum(axis=0), 1e-9) for part in (values[-28:], values[:-28]))
        growth = np.log(last / before).clip(-0.5, 0.5)
        ahead = np.arange(horizon)
        come = (1 - 0.5 ** ((ahead + 1) / self.half_life))[:, None]
        return values[-28:].reshape(4, 7, -1).mean(axis=0)[ahead % 7] * np.exp(growth * come)


# %% [markdown]
# In a backtest beside `auto` and the run rate, on the same dates:

# %%
usage = fc.read_usage(usage_file)
prices = fc.PriceBook.builtin()
models = [Ebbing(), "auto", "run_rate"]
card = fc.backtest(usage, prices=prices, models=models, horizon=days, origins=dates, seed=seed)
shown = {"wape_total": "{:.1%}", "bias_total": "{:+.1%}", "coverage_80_total": "{:.0%}"}
shown |= {"mase_to_run_rate_total": "{:.2f}"}
card.table.loc["cost"][list(shown)].style.format(shown)

# %% [markdown]
# Are its bands honest?

# %%
ax = card.plot()

# %% [markdown]
# ## A change
#
# A frozen dataclass that gets the flows from a projection to the bill, and gives them back multiplied. What is
# uncertain is drawn once a path, by a name that stays the same in every scenario.

# %%
from forecast.ranges import Uncertain
from scenarios.changes.scene import by_draw


@dataclass(frozen=True)
class Closed:
    """Part of an environment's requests that stay away from a first to a last day."""

    environment: str
    first: str
    last: str
    away: Uncertain = 0.0  # a share, or a range
    name: str | None = None
    stage = step = "volume"

    @property
    def key(self):
        return f"closed|{self.environment}|{self.first}"

    def describe(self):
        return f"{self.environment} is closed from {self.first} to {self.last}"

    def act(self, flows, scene):
        rows = scene.matching(flows, {"environment": self.environment}, what="Closed")
        inside = scene.clock.periods.to_series().between(self.first, self.last).to_numpy(dtype=float)
        away = scene.draw(self.key, self.away, "share", "away")  # once a path: (draw,)
        return flows.times(rows, by_draw(-away, inside))  # 1 - away on those days, 1 on all others


# %% [markdown]
# By hand: a million tokens a day at 2 USD are 2 USD a day. Where two fifths stay away for five days, 5 · 0.4 · 2 = 4
# USD are saved in every future. And at its neutral value it changes nothing, to the bit.

# %%
flat = pd.DataFrame({"date": pd.date_range("2026-05-01", "2026-10-31"), "requests": 1_000.0, "total_tokens": 1e6})
flat = fc.Usage.from_frame(flat.assign(provider="us", model="m", environment="development", project="p"))
even = fc.project(flat, horizon="2027Q1", lag=0, model="run_rate", seed=seed)
week = "development", "2027-02-15", "2027-02-19"
tried = {"neutral": Closed(*week), "two fifths": Closed(*week, away=0.4)}
hand = sc.compare(
    even,
    [sc.Scenario(name, [change]) for name, change in tried.items()],
    prices=fc.PriceBook.blended(2.0, currency="USD"),
    draws=500,
    seed=seed,
)
moved = {name: hand.delta(name) for name in tried}
print(f"neutral: no bit moved: {bool((moved['neutral'] == 0).all())}")
print(f"two fifths: {moved['two fifths'].min():+.6f} to {moved['two fifths'].max():+.6f} USD")

# %% [markdown]
# ## A reader
#
# A format has a name, says whether a part of a file is of it, and gives the records. A `Sheet` types the columns; a
# row that cannot be right is rejected with its reason. `held=` is the export's own count: what is read must add up to
# it, so a kind of token that is forgotten is found. This gateway counts cached tokens inside input.

# %%
from forecast.readers.registry import columns_of
from forecast.readers.sheet import Sheet


class Gateway:
    """One line a day and model, cached tokens inside input."""

    NAME, TITLE = "gateway", "our gateway's daily calls"

    def fits(self, content):
        return {"when", "calls", "tokens_in", "cached", "tokens_out"} <= columns_of(content)

    def extract(self, content):
        sheet = Sheet(content)
        calls, cached = sheet.count("calls"), sheet.count("cached")
        read, written = sheet.count("tokens_in"), sheet.count("tokens_out")
        fresh = sheet.within(cached, read, "cached is above all input", "tokens_in", "cached")
        columns = {"date": sheet.days("when"), "provider": "openai", "model": sheet.text("model"), "requests": calls}
        columns |= {"input_tokens": fresh, "cache_read_tokens": cached, "output_tokens": written}
        yield sheet.extract("day", columns, held={"requests": calls, "tokens": read.add(written, fill_value=0)})


# %% [markdown]
# Four rows, of which one says that more was cached than was sent:

# %%
export = pd.DataFrame(
    [
        ("2026-10-01", "gpt-5-mini", 120, 90_000, 30_000, 21_000),
        ("2026-10-01", "gpt-5", 30, 45_000, 5_000, 9_000),
        ("2026-10-02", "gpt-5-mini", 140, 99_000, 41_000, 25_000),
        ("2026-10-02", "gpt-5", 20, 31_000, 310_000, 7_000),
    ],
    columns=["when", "model", "calls", "tokens_in", "cached", "tokens_out"],
)
read = fc.read_usage(export, format=Gateway())
read.reading.conservation.style.format("{:,.0f}")

# %%
read.reading.rejected[["row", "reason", "value"]].style.hide()

# %% [markdown]
# ## A line of the budget
#
# `Owned` knows whose a line is and from when to when; what is left to say is money in each draw and month. Somebody
# on call is paid by the weekend day.

# %%
from scenarios.components import Owned


@dataclass(frozen=True)
class OnCall(Owned):
    """Somebody on call at weekends: days of the weekend times the rate."""

    KIND = "OnCall"
    rate: Uncertain = 0.0  # money a day, or a range

    def describe(self):
        return f"{self.name}: {self.rate} a day of each weekend"

    def money(self, world, months, context):
        spans = zip(months.first, months.last, strict=True)
        weekends = np.array([np.sum(pd.date_range(*span).day_of_week >= 5) for span in spans])
        return self.draw(world, self.rate, "amount", "rate")[:, None] * weekends


# %% [markdown]
# ## All four in one plan
#
# The reader's usage would go in the same way; here it is the sample's. The model is named in the projection, the
# change in the scenario, the line among the components.

# %%
projection = fc.project(usage, horizon=horizon, model=Ebbing(), seed=seed)
plan = sc.plan(
    projection,
    prices=prices,
    scenario=sc.Scenario("ours", [Closed("development", *closed, away=sc.between(0.6, 0.9))]),
    components=[OnCall("on call", rate=250.0)],
    draws=draws,
    seed=seed,
)
plan.table("line")[["p10", "p50", "p80", "budget"]].style.format("{:,.0f}")

# %% [markdown]
# The line by hand:

# %%
weekend = pd.date_range(projection.span.start, projection.span.end).day_of_week >= 5
on_call = plan.table("line").loc["on call", "p50"]
print(f"{weekend.sum()} days at 250: {250 * weekend.sum():,.0f} {plan.currency}; in the plan {on_call:,.0f}")

# %% [markdown]
# What does each of them move? The plan is made four times: by `auto`, by our model, with the closed week, with the
# line.

# %%
asked = {"prices": prices, "draws": draws, "seed": seed}
steps = {
    "auto": sc.plan(fc.project(usage, horizon=horizon, seed=seed), **asked),
    "our model": sc.plan(projection, **asked),
    "our change": sc.plan(projection, scenario=plan.spec.scenario, **asked),
    "our line": plan,
}
budgets = pd.Series({name: step.budget for name, step in steps.items()})
moved = budgets.diff().dropna()
moved.rename(plan.currency).to_frame().style.format("{:+,.0f}")

# %%
import matplotlib.pyplot as plt

from forecast.drawing import style

with style() as palette:
    fig, ax = plt.subplots(figsize=(8, 2.6))
    ax.barh(moved.index[::-1], moved[::-1], color=np.where(moved[::-1] > 0, palette.budget, palette.future), height=0.5)
    ax.axvline(0, color=palette.muted, linewidth=1)
    ax.set(xlabel=f"{plan.currency} of the budget")
    ax.xaxis.set_major_formatter("{x:+,.0f}")
    ax.set_title(f"Ours move the budget from {budgets['auto']:,.0f} to {plan.budget:,.0f} {plan.currency}")

# %% [markdown]
# ## Kept, and handed over
#
# A saved plan runs no code. Whoever opens it has the classes, and says so:

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

kinds = [Ebbing, Closed, OnCall]
with TemporaryDirectory() as folder:
    kept = sc.load_plan(plan.save(Path(folder) / "ours.tokenplan", kinds=kinds), kinds=kinds)
print("the same numbers, bit for bit:", bool((kept.totals == plan.totals).all()))

# %% [markdown]
# ## As words in files and commands
#
# A package brings each by an entry point. Then `model = "ebbing"`, `kind = "closed"`, `kind = "on_call"` are words of
# a plan file, and exports of the gateway are known when they are seen, by the command too.
#
# ```toml
# [project.entry-points."tokenplan.models"]
# ebbing = "our_package:Ebbing"
#
# [project.entry-points."tokenplan.changes"]
# closed = "our_package:Closed"
#
# [project.entry-points."tokenplan.components"]
# on_call = "our_package:OnCall"
#
# [project.entry-points."tokenplan.readers"]
# gateway = "our_package:gateway"
# ```
