# %% [markdown]
# # Were our bands honest, and what do we change next quarter?
#
# A quarter is over. First the track record: how would this very way of budgeting have done at every past date? Then
# the deep dive: who was forecast badly, where the error came from, what a lever saved, what another would save, and
# which settings the next quarter takes. The organisation is made up; to ask the same of your own usage, change the
# next cell.

# %% tags=["parameters"]
usage_file = "../data/samples/organisation_daily.csv"
approved_on, as_of = "2026-06-30", "2026-09-30"  # the quarter lies between
months = 6  # of the track record
draws, seed = 1_000, 7

# %% [markdown]
# ## The plan that was approved
#
# It counted on batches from the middle of July, and somebody who knew better than the history said so, with a date.

# %%
import pandas as pd

import forecast as fc
import scenarios as sc

usage = fc.read_usage(usage_file)
known = usage.until(pd.Timestamp(approved_on))
known

# %%
batches = sc.Batch(model="gpt-4.1", share=sc.between(0.2, 0.4), on="2026-07-15", name="batches")
judged = sc.Override(
    "support grows less",
    sc.Growth(monthly=sc.between(-0.02, 0.01), where={"project": "support*"}, name="support"),
    who="customer care",
    why="the new site answers part of the questions",
    on="2026-06-20",
)
print(judged.describe())

# %%
plan = sc.plan(
    fc.project(known, horizon="1Q", lag=0, seed=seed, trajectories=200),
    scenario=sc.Scenario("summer", [batches], stated_on="2026-06-01"),
    split=sc.EnvironmentSplit(development=(0.15, 0.20), production=(0.60, 0.70)),
    overrides=[judged],
    draws=draws,
    seed=seed,
)
plan

# %% [markdown]
# ## The track record: how would it have done in the past?
#
# The whole decision made again at past dates, each with only what was known on that day: usage, prices, changes that
# had been stated. Beside it the two rules of thumb that it must beat.

# %%
record = sc.track_record(usage, plan, horizon="1M", origins=months)
print(record.describe())

# %%
ax = record.plot()

# %%
shown = {"base": "{:,.0f}", "budget": "{:,.0f}", "actual": "{:,.0f}", "overrun": "{:,.0f}", "idle": "{:,.0f}"}
shown |= {"percentile": "{:.0%}", "error": "{:+.1%}"}
record.table()[[*shown, "held", "grade"]].style.format(shown, na_rep="").format_index("{:%Y-%m-%d}")

# %% [markdown]
# One organisation and few months say little about one month in five. What they show is whether the bands are absurd;
# `make bench-track` asks the same of many organisations.

# %% [markdown]
# ## The quarter looked at closely

# %%
dive = sc.deep_dive(plan, usage, as_of=as_of, models=("auto", "seasonal_naive"), origins=2)
for finding in dive.findings:
    print("-", finding)

# %% [markdown]
# ## Whose forecasts held?
#
# `within` should be about 80 %; `pit` is where actuals stood among the futures, half way up where forecasts are
# honest. Three months of each part are few: read the error beside its standard error.

# %%
shares = {
    "bias": "{:+.1%}",
    "error": "{:.1%}",
    "within": "{:.0%}",
    "within_se": "{:.0%}",
    "pit": "{:.2f}",
    "months": "{:.0f}",
}
dive.calibration.style.format(shares)

# %% [markdown]
# ## Where did the error come from?
#
# The plan's mean to the actual. What contracts took off list prices was not in the plan: a discount belongs in the
# next one.

# %%
ax = dive.bridge.plot()

# %% [markdown]
# ## What did the levers save, and was the judgement worth it?
#
# Realised is what the requests since would have cost at the cost a request of the four weeks before, so that whatever
# else changed in the meantime is in it: in the sample nobody sent batches, and what little shows is that. A judgement
# adds value where the plan with it came nearer to the actual than the plan without it.

# %%
saved = {"on": "{:%Y-%m-%d}", "planned": "{:,.0f}", "realised": "{:,.0f}", "share": "{:.0%}"}
dive.savings.style.format(saved, na_rep="")

# %%
money = dict.fromkeys(("p50_with", "p50_without", "actual"), "{:,.0f}")
money |= {"added_value": "{:+,.0f}", "on": "{:%Y-%m-%d}"}
dive.overrides.style.format(money)

# %% [markdown]
# ## What would save most in the quarter to come?
#
# Each lever alone on the next quarter, in the same futures. The ranges are assumptions until somebody has tried: hand
# your own with `levers=`.

# %%
shown = {"saving": "{:,.0f}", "p10": "{:,.0f}", "p90": "{:,.0f}", "percent": "{:.1%}", "chance": "{:.0%}"}
dive.opportunities[[*shown]].head(8).style.format(shown, na_rep="")

# %% [markdown]
# ## Which settings does the next quarter take?
#
# Models from past dates on the organisation's cost. Another than the one in use is proposed only where it scores a
# tenth better.

# %%
shown = {"error": "{:.1%}", "bias": "{:+.1%}", "within": "{:.0%}", "interval_score": "{:.2f}", "crps": "{:.3f}"}
dive.settings.style.format(shown)

# %% [markdown]
# ## What ought to be looked at again?

# %%
stale = dive.stale[["topic", "assumption", "as_of", "stale_from", "days"]]
days = {"as_of": "{:%Y-%m-%d}", "stale_from": "{:%Y-%m-%d}"}
stale.style.hide().format(days, na_rep="").set_table_styles([{"selector": "th, td", "props": "text-align: left"}])
