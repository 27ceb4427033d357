# %% [markdown]
# # What if we cache, batch or migrate, and does it pay?
#
# A team has time for one or two of three projects next year: prompt caching, batching, or moving off a dear model.
# What would each save, how surely, at what quality, and when has it paid for itself? The organisation is made up, the
# list prices are the vendors' own. To ask the same of your own usage, change the next cell and the three options.

# %% tags=["parameters"]
usage_file = "../data/samples/organisation_daily.csv"
horizon = "FY2027"
budget = 1_700_000  # USD for the year: what finance has in mind
target = 1_500_000  # and what it would rather see at P80
monthly_growth = 0.02, 0.05  # what the team expects, in four cases of five
draws, seed = 4_000, 7

# %% [markdown]
# ## What is spent where?
#
# Options are looked for where the money is. The last quarter at list prices, by project and model:

# %%
import matplotlib.pyplot as plt
import pandas as pd

import forecast as fc
import scenarios as sc

usage = fc.read_usage(usage_file)
prices = fc.PriceBook.builtin()
recent = usage.frame[usage.frame["date"] > usage.end - pd.Timedelta(days=91)]
spend = prices.cost(usage)[recent.index].groupby([recent["project"], recent["model"]]).sum()
spend[spend > 0.005 * spend.sum()].unstack().fillna(0).style.format("{:,.0f}")

# %% [markdown]
# ## What would happen anyway
#
# The projection holds what usage does by itself. Here the team states its own growth in place of the forecast's
# trend, drawn once for each future.

# %%
projection = fc.project(usage, horizon=horizon, seed=seed)
growth = sc.Growth(monthly=sc.between(*monthly_growth))
anyway = sc.Scenario("anyway", [growth])
anyway.describe()

# %% [markdown]
# ## Three options
#
# Each is one change on one driver, with a day, a ramp, an uncertain effect, its price, and what it costs in quality.
# Ranges are P10 to P90: what the team would bet four to one on.

# %%
caching = sc.PromptCache(
    model="claude-sonnet-5",
    where={"project": "contract-review"},
    to=sc.between(0.40, 0.65),  # of all input tokens, read from the cache
    writes=sc.between(0.30, 0.60),  # of the rest, written to it, at 1.25 times the price
    on="2027-02-01",
    ramp=30,
    setup=sc.between(6_000, 12_000),
    name="caching",
)
print(caching.describe())

# %% [markdown]
# What can wait goes in batches, at half the price:

# %%
batching = sc.Batch(
    model="gemini-3.6-flash",
    where={"project": "document-extraction"},
    share=sc.between(0.25, 0.45),  # of the requests that are not batched today
    on="2027-02-01",
    ramp=30,
    setup=sc.between(4_000, 8_000),
    name="batching",
)
print(batching.describe())

# %% [markdown]
# A smaller model is cheaper, writes more, and fails at some:

# %%
migrating = sc.Migrate(
    model="gpt-4.1",
    to="gpt-5-mini",
    on="2027-03-01",
    ramp=45,
    output_ratio=sc.between(1.1, 1.6),  # the smaller model writes more
    retries=sc.between(0.02, 0.08),  # and fails at some, which the old one answers again
    quality=sc.between(0.01, 0.04),  # fewer tasks done
    setup=sc.between(15_000, 30_000),
    name="migrating",
)
print(migrating.describe())

# %% [markdown]
# ## What does each save, and how surely?
#
# Draw by draw the same world, with and without the option: the difference is known far better than either total.
# `delta` is what the year costs more or less, setup included; `cheaper` the share of futures in which the option
# pays.

# %%
options = [caching, batching, migrating]
scenarios = [sc.Scenario(option.name, [growth, option]) for option in options]
everything = sc.Scenario("all three", [growth, *options])
compared = sc.compare(projection, [*scenarios, everything], base=anyway, prices=prices, draws=draws, seed=seed)

shown = compared.table()[["mean", "p80", "delta", "delta_p10", "delta_p90", "cheaper", "quality"]]
shown.style.format("{:,.0f}").format("{:.1%}", subset=["cheaper", "quality"])

# %%
ax = compared.plot()

# %% [markdown]
# ## What does each add when all are done?
#
# The bridge from one total to the other. Its steps add up in every draw, and none depends on the order in which they
# are told (Shapley values).

# %%
bridge = compared.bridge("all three", by="change")
bridge

# %%
ax = bridge.plot()

# %% [markdown]
# ## When has it paid for itself?
#
# Setup is paid once, savings come by the month. What has been saved by the end of each month, in the middle and in
# four of five futures:

# %%
fig, axes = plt.subplots(1, 3, figsize=(13, 3.8), sharey=True, layout="constrained")
for ax, option in zip(axes, options, strict=True):
    compared.plot_saved(option.name, ax=ax)

# %%
pd.DataFrame({option.name: compared.paid_back(option.name) for option in options}).iloc[3::3].style.format("{:.1%}")

# %% [markdown]
# ## What is lost for it?
#
# Saving beside quality lost: who is beaten by another that saves more and loses no more.

# %%
ax = compared.plot_frontier()

# %% [markdown]
# ## What did it do, driver by driver?
#
# Batching moves requests from one tier to another and nothing else; the rest is what growth did.

# %%
effect = scenarios[1].effect(projection, prices=prices, seed=seed)
moved = effect.drivers[effect.drivers["driver"] != "volume"]
shares = ["before", "after", "change", "change_p10", "change_p90"]
moved.style.hide().format("{:.2%}", subset=shares)

# %% [markdown]
# ## And if prices fall anyway?
#
# A dear model may get cheaper by itself; then moving off it saves less. One market in three, drawn once for each
# future: list prices of OpenAI fall by 20 % to 40 % in the spring.

# %%
cut = sc.PriceChange(provider="openai", on="2027-04-01", by=sc.between(-0.40, -0.20))
markets = [(1 / 3, sc.Scenario("openai cheaper", [cut])), (2 / 3, sc.Scenario("prices stay"))]
market = sc.Scenario("market").tree(markets)
stay, move = anyway | market, scenarios[2] | market
uncertain = sc.compare(projection, [move.named("migrating")], base=stay.named("staying"), draws=draws, seed=seed)

saved = -uncertain.delta("migrating")
print(f"migrating saves {saved.mean():,.0f} USD on average, and pays in {(saved > 0).mean():.1%} of futures")
certain = -compared.delta("migrating")
print(f"with prices that stay: {certain.mean():,.0f} USD, {(certain > 0).mean():.1%}")

# %% [markdown]
# Branch by branch: what the year costs after the move, if prices fall and if they stay.

# %%
uncertain.branches("migrating").style.format("{:,.0f}").format("{:.1%}", subset=["weight"])


# %% [markdown]
# ## What would it take?
#
# Goal seek: beside the other two, which share of all requests of gemini-3.6-flash would have to wait, for the P80 of
# the year to come to what finance would rather see?


# %%
def waiting(share):
    rest = sc.Batch(model="gemini-3.6-flash", share=share, on="2027-02-01", ramp=30, name="batching")
    return sc.Scenario("more batches", [growth, caching, migrating, rest])


needed = sc.goal_seek(projection, waiting, limit=target, within=(0.0, 1.0), draws=1_000, seed=seed)
print(f"{needed.value:.0%} in batches bring the P80 to {target:,.0f}")


# %% [markdown]
# Reverse stress: at which growth does the plan with all three break the budget in one future of two?


# %%
def growing(rate):
    return sc.Scenario("all three", [sc.Growth(monthly=rate), *options])


breaking = sc.reverse_stress(projection, growing, limit=budget, within=(0.0, 0.15), draws=1_000, seed=seed)
print(f"growth of {breaking.value:.1%} a month breaks {budget:,.0f} in one future of two")

# %% [markdown]
# ## Does it matter that things move together?
#
# If adoption is fast, it is fast everywhere: growth by project, each with a draw of its own, beside the same growth
# tied to one factor. What is independent averages out; what moves together does not.

# %%
apart = sc.Scenario("each on its own", [sc.Growth(monthly=sc.between(0.0, 0.08), per="project")])
together = sc.Scenario("together", apart.changes, dependence=[sc.CommonFactor("adoption", {"growth": 0.9})])
tied = sc.compare(projection, [together], base=apart, prices=prices, draws=draws, seed=seed).table()
tied["width of P10-P90"] = tied["p90"] - tied["p10"]
tied[["p10", "p50", "p80", "p90", "width of P10-P90"]].style.format("{:,.0f}")

# %% [markdown]
# ## The decision, kept
#
# In the sample batching and migrating go into the plan; caching waits until its hit share has been measured. The
# scenario is a small file that a plan, a colleague or `tokenplan scenario compare` reads.

# %%
decided = sc.Scenario("batch and migrate", [growth, batching, migrating], "Decided for the year.")
print(sc.dump(decided))

# %%
plan = sc.plan(projection, prices=prices, scenario=decided, draws=draws, seed=seed)
plan.table("quarter")[["p50", "p80", "budget"]].style.format("{:,.0f}")
