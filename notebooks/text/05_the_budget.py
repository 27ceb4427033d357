# %% [markdown]
# # What is in the budget, who gets what, and what must be found?
#
# From a usage export and a list of lines to a budget for the quarters ahead that finance can sign: every amount has
# an owner, a probability and a sum that agrees. The organisation is made up; list prices are the vendors' own. To ask
# the same of your own usage, change the next cell and the lines.

# %% tags=["parameters"]
usage_file = "../data/samples/organisation_daily.csv"
horizon = "2Q"  # the two whole quarters ahead
confidence = 0.80  # the budget is to be enough in 80 % of futures
vendor_quote = 700_000  # USD: an amount that somebody has in mind
growth = 0.02, 0.05  # a month: between these in four cases out of five
development, production = (0.15, 0.20), (0.60, 0.70)  # what policy gives them of the money
draws, seed = 4_000, 7

# %% [markdown]
# ## What is in it
#
# Tokens come from the projection of the usage. Beside them stand lines by hand, and presets, whose ranges come with a
# unit and a source; sizes are yours to say. Each may have an owner: an environment, a department, an account.

# %%
import pandas as pd

import forecast as fc
import scenarios as sc

usage = fc.read_usage(usage_file)
prices = fc.PriceBook.builtin()
projection = fc.project(usage, horizon=horizon, seed=seed)
usage

# %% [markdown]
# What a preset says, and where its numbers come from:

# %%
told = sc.presets().query("preset == 'training'")
told[["field", "value", "unit", "source"]].style.hide().set_table_styles(
    [{"selector": "th, td", "props": "text-align: left"}]
)

# %%
lines = [
    sc.Fixed("gateway", sc.between(3_000, 5_000)),
    sc.Fixed("service desk", 2_500, department="customer-care", gl_account="6110"),
    sc.PerUnit("assistants", {"2027-01-01": 80, "2027-04-01": 120}, price=30, department="engineering"),
    sc.preset("storage", {"gb": 40_000, "environment": "production"}),
    sc.preset(
        "training",
        {"gpu_hours": sc.between(6_000, 10_000), "start": "2027-02-01", "duration": 45, "department": "engineering"},
    ),
    sc.Risk("audit", probability=0.15, impact=sc.between(15_000, 40_000)),
]
for line in lines:
    print("-", line.describe())

# %% [markdown]
# ## What may happen, and what moves together
#
# The scenario is the plan's view of growth, prices and spikes. Where demand is strong, usage grows faster, the model
# is trained more often and the gateway costs more: one factor ties the three. Drawn each on its own, a bad one would
# often meet a good one, and the budget would look safer than it is.

# %%
scenario = sc.Scenario(
    "first half",
    [
        sc.Growth(monthly=sc.between(*growth)),
        sc.PriceChange(model="gpt-5*", on="2027-02-01", by=sc.between(-0.4, -0.2), probability=0.5),
        sc.Spikes(rate=6, by=sc.between(0.5, 2.0), days=3),
    ],
)
print(scenario.describe())

# %%
demand = sc.CommonFactor("strong demand", {"growth": 0.8, "training.runs": 0.7, "gateway": 0.5})
print(demand.describe())

# %% [markdown]
# ## Who is to get what, and what is kept back
#
# A policy for environments, another inside each of them for departments, and reserves: in the contingency, above the
# budget, and beside the plan.

# %%
policy = sc.EnvironmentSplit(development=development, production=production)
nested = sc.Split(
    "department",
    {"customer-care": (0.25, None), "operations": (None, 0.45)},  # a floor and a cap
    shared={"gateway": "requests"},  # a shared cost, dealt by a key
)
reserves = [
    sc.preset("reserve-emergency-scaling"),  # within the contingency, sized by what spikes add to it
    sc.Reserve("for the audit", 4_000, funds="audit"),  # within it too, by hand
    sc.Reserve("management reserve", to=0.95),  # above the budget, up to the P95
    sc.Reserve("vendor negotiation", 10_000),  # beside the plan
]

# %% [markdown]
# ## The plan

# %%
plan = sc.plan(
    projection,
    prices=prices,
    scenario=scenario,
    components=[*lines, *reserves],
    dependence=[demand],
    split=[policy, nested],
    confidence=confidence,
    draws=draws,
    seed=seed,
)
plan

# %% [markdown]
# What the common factor does to it, beside the same plan with everything drawn on its own:

# %%
plan.dependence_effect()[["p10", "p50", "p80", "p95", "contingency"]].style.format("{:,.0f}")

# %% [markdown]
# ## Who gets what: environments
#
# In every future the shares that the environments want are moved to the nearest that policy allows. `squeezed` wants
# more than its range, `overrun` is how likely its demand exceeds its part of the budget.

# %%
shown = {"demand_p10": "{:.1%}", "demand_p50": "{:.1%}", "demand_p90": "{:.1%}", "low": "{:.0%}", "high": "{:.0%}"}
shown |= {"share": "{:.1%}", "transfer": "{:+,.0f}", "budget": "{:,.0f}", "overrun": "{:.0%}", "state": "{}"}
plan.policy("environment")[list(shown)].style.format(shown, na_rep="")

# %%
ax = plan.plot("policy", by="environment")

# %% [markdown]
# ## Who gets what: departments inside them
#
# A floor and a cap inside each environment, and the gateway dealt by recent requests. The rows of one environment sum
# to what it got above.

# %%
plan.policy()[list(shown)].style.format(shown, na_rep="")

# %%
ax = plan.plot("policy")

# %% [markdown]
# The same ranges, with other ways to choose a share inside them: by demand, the middles, drawn inside them, or such
# that parts overrun equally often as far as the ranges let them. No way moves the total: only who holds the money,
# and so who runs short.

# %%
bases = ["demand", "midpoint", "stochastic", "equal risk"]
ranges = {"development": development, "production": production}
ways = {basis: plan.replan(split=sc.Split("environment", ranges, basis=basis)).policy() for basis in bases}
beside = pd.concat(ways, axis=1)[[(b, c) for b in bases for c in ("budget", "overrun")]]
beside.style.format({c: "{:,.0f}" if c[1] == "budget" else "{:.0%}" for c in beside})

# %% [markdown]
# ## How much is enough
#
# The P50 is as likely too much as too little. The budget is the level of the confidence that was asked for; P90 and
# P95 are what a bad half-year costs.

# %%
levels = {"percentile": "{:.1%}", "amount": "{:,.2f}", "standard_error": "{:,.0f}", "added": "{:,.2f}"}
plan.levels().style.format(levels, na_rep="")

# %% [markdown]
# Base, contingency and budget of any table add up to these, to the cent; quantiles of rows don't, and are not meant
# to. A row's budget is its average in the futures around the P80 of the total, weighed so that the total's average is
# the P80 itself: a line that never varies has no contingency.

# %%
money = ["base", "contingency", "budget"]
table = plan.table("line")
table.loc["total"] = table[money].sum()
table[["p50", "p80", *money]].style.format("{:,.2f}", na_rep="")

# %%
views = ["line", "quarter", "month, environment", "environment, department"]
sums = pd.DataFrame({by: plan.table(by.split(", "))[money].sum().round(2) for by in views}).T
assert (sums == [plan.base, plan.contingency, plan.budget]).all(axis=None)
sums.rename_axis("summed by").style.format("{:,.2f}")

# %% [markdown]
# What one budget saves: not all parts turn out dear in the same future, so together they need less than each funded
# on its own at the same confidence. In the sample tokens are nearly everything and little is gained between lines;
# departments that differ gain more. The audit alone would get nothing at P80, since it comes in fewer than one future
# of five; in the budget it has its part.

# %%
gain = {"alone": "{:,.2f}", "budget": "{:,.2f}", "gained": "{:,.2f}", "gained_share": "{:.1%}"}
plan.diversification("line").style.format(gain, na_rep="")

# %% [markdown]
# ## Is the amount that they have in mind enough?

# %%
print(plan.where(vendor_quote))
points = plan.point_estimates(percent=0.10, vendor_quote=vendor_quote)
shown = {"amount": "{:,.0f}", "told": "{}", "probability_over": "{:.0%}", "shortfall": "{:,.0f}", "basis": "{}"}
points[list(shown)].style.format(shown)

# %% [markdown]
# ## What must be found, and who holds it
#
# The team holds the contingency. What is kept for an event is a label on it and adds nothing. Management holds what
# lies above the budget.

# %%
steps = plan.funding_table()
assert steps.loc["funding", "amount"] == plan.funding == round(steps.query("kind != 'sum'")["amount"].sum(), 2)
money = {"amount": "{:,.2f}", "reaches": "{:,.2f}", "covers": "{:.1%}"}
steps.fillna({"held_by": "", "funds": ""}).style.format(money, na_rep="")

# %%
ax = plan.plot("funding")

# %% [markdown]
# ## Month by month: what becomes of unspent money
#
# The same budgets under two policies, followed along every future. What a month does not need may be kept, lapse, or
# wait in a central pool for who is short.

# %%
alone = sc.BudgetPolicy(name="months stand alone", rollover=0, holdback=0, release="never")
pooled = sc.BudgetPolicy(name="a tenth held back", rollover=0.5, expires="quarter", holdback=0.10, release="on need")
compared = plan.under(alone).compare(plan.under(pooled))
shown = {"probability_short": "{:.0%}", "months_short": "{:.1f}", "expected_shortfall": "{:,.0f}", "idle": "{:,.0f}"}
shown |= {"saved": "{:,.0f}", "saved_se": "{:,.0f}", "better": "{:.0%}"}
compared[list(shown)].style.format(shown)

# %% [markdown]
# ## How sure is the budget itself?
#
# The standard error has two parts: the number of draws, which more draws cure, and the finite set of past errors that
# the forecast rests on, which they don't. From ever more of the draws:

# %%
errors = {"quantile": "{:,.0f}", "se_draws": "{:,.0f}", "se_trajectories": "{:,.0f}", "se": "{:,.0f}"}
sure = plan.convergence().loc[f"P{100 * confidence:g}"]
sure[list(errors)].style.format(errors, na_rep="not told apart")

# %% [markdown]
# `draws="auto"` draws until the first part is small enough: here half a percent of the budget.

# %%
enough = sc.plan(
    projection,
    prices=prices,
    scenario=scenario,
    components=lines,
    dependence=[demand],
    confidence=confidence,
    draws="auto",
    error=0.005,
    seed=seed,
)
print(enough)

# %% [markdown]
# ## A lever, on and off
#
# `plan.replan(scenario=...)` makes the plan again and reuses what the lever leaves alone, which is the faster the
# less it touches; the numbers are those of a new plan. Draw by draw the worlds are the same, so the difference is
# known far better than either total.

# %%
batching = sc.Batch(model="gemini-3.6-flash", share=sc.between(0.25, 0.45), on="2027-02-01", ramp=30, name="batching")
with_batches = plan.replan(scenario=sc.Scenario("with batches", [*scenario.changes, batching]))
saved = pd.Series(plan.totals - with_batches.totals)
low, middle, high = saved.quantile([0.1, 0.5, 0.9])
told = f"saved, future by future: {low:,.0f} (P10), {middle:,.0f} (P50), {high:,.0f} (P90) {plan.currency}"
told += f"\nbudget: {plan.budget:,.2f} before, {with_batches.budget:,.2f} with it"
print(told)

# %% [markdown]
# ## What the budget hangs on
#
# Each bar is how far the budget lies apart between a low and a high value of one number, all else as it may come.
# What stands on top is worth a meeting; what stands at the bottom is not.

# %%
ax = plan.plot("tornado")

# %%
hangs = plan.sensitivity()
shown = {"rank_correlation": "{:+.2f}", "first": "{:.1%}", "total": "{:.1%}", "swing": "{:,.0f}"}
hangs[list(shown)].head(6).style.format(shown, na_rep="")

# %% [markdown]
# ## A judgement by hand
#
# Somebody knows what the history does not: a dated entry with who and why, shown in every result, worth what the plan
# says it moves, and taken away without a trace.

# %%
late = sc.Override(
    "training slips",
    sc.preset("training", {"gpu_hours": sc.between(6_000, 10_000), "start": "2027-03-15", "duration": 45}),
    who="platform",
    why="the data is not ready before March",
    on="2026-11-20",
    replaces="training",
)
judged = plan.replan(overrides=[late])
assert (judged.without("training slips").totals == plan.totals).all()
effects = judged.overrides(effects=True)
shown = dict.fromkeys(effects.select_dtypes("number"), "{:+,.0f}") | {"on": "{:%Y-%m-%d}"}
effects.style.hide().format(shown)

# %% [markdown]
# ## Commit, or pay on demand
#
# A vendor takes a fifth off what is promised, used or not. On every future of the plan: what does each size save, and
# how surely?

# %%
offer = sc.commitment(plan, "spend", discount=0.20)
print(offer.cheapest)
ax = offer.plot()

# %% [markdown]
# What the plan rests on, and what of it ought to be looked at again by the day on which it begins:

# %%
stale = plan.stale(on="2027-01-01")[["topic", "assumption", "as_of", "stale_from", "days"]]
stale = stale.style.hide().format({"as_of": "{:%Y-%m-%d}", "stale_from": "{:%Y-%m-%d}"}, na_rep="")
stale.set_table_styles([{"selector": "th, td", "props": "text-align: left"}])

# %% [markdown]
# ## Hand it over
#
# A workbook in which a typed share or another confidence moves every total, a page that stands alone, and the plan
# itself in one file: opened again it gives the same numbers, bit for bit.

# %%
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    files = [plan.to_excel(Path(folder) / "budget.xlsx"), plan.to_html(Path(folder) / "budget.html")]
    book = pd.read_excel(files[0], sheet_name="Summary", skiprows=2, usecols="A:C", nrows=12)
    kept = sc.load_plan(plan.save(Path(folder) / "budget.tokenplan"))
    assert (kept.totals == plan.totals).all()
    assert kept.fingerprint == plan.fingerprint
    print(*(path.name for path in files), sep=", ")
book.style.hide().format({"USD": "{:,.2f}"}, na_rep="")
