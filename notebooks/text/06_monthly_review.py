# %% [markdown]
# # Are we still on plan, why not, and what must be decided this month?
#
# A quarter was approved. Three reviews follow: a few days in, when the first month closes, and in the middle of the
# second. The budget stays as it was approved; what was spent stands beside it, and the rest is foreseen anew each
# time. The organisation is made up; to ask the same of your own usage, change the next cell and the lines.

# %% tags=["parameters"]
usage_file = "../data/samples/organisation_daily.csv"
approved_on, quarter = "2026-06-30", "2026Q3"
early_on, closed_on, midway_on = "2026-07-05", "2026-07-31", "2026-08-15"  # the days of three reviews
gateway_bill = 11_240.00  # USD: what the gateway cost in the first month
tighter = 200_000  # USD: an amount that somebody would rather spend
draws, seed = 1_000, 7

# %% [markdown]
# ## What was approved
#
# The plan knows nothing after its day. An export keeps growing, so it is cut there.

# %%
import pandas as pd

import forecast as fc
import scenarios as sc

usage = fc.read_usage(usage_file)
known = usage.until(pd.Timestamp(approved_on))
plan = sc.plan(
    fc.project(known, horizon=quarter, lag=0, seed=seed, trajectories=200),
    components=[sc.Fixed("gateway", monthly=12_000)],
    split=sc.EnvironmentSplit(development=(0.15, 0.20), production=(0.60, 0.70)),
    draws=draws,
    seed=seed,
)
plan.table("month")[["p10", "p50", "p90", "budget"]].style.format("{:,.0f}")

# %% [markdown]
# ## A few days in: news, or noise?
#
# A month under way is held against the part of its budget that its days make up. `percentile` says where the actual
# stands among the plan's own futures, cut in the same way: anything from 0.1 to 0.9 would be noise.

# %%
shown = dict.fromkeys(("budget", "actual", "variance"), "{:,.0f}") | {"percent": "{:+.0%}", "percentile": "{:.2f}"}
early = sc.review(plan, usage, as_of=early_on)
early.table().style.format(shown)

# %% [markdown]
# Days are counted, not weekdays, and in the sample two of these five are a weekend: part of what is left will come
# back. The rest is foreseen with its weekdays, so this early the outlook is the better judge.

# %%
ax = early.plot()

# %% [markdown]
# ## The month closes
#
# Nobody's export tells what the gateway cost, so it counts as planned until somebody says. `lines=` says it.

# %%
gateway = pd.DataFrame({"month": [closed_on[:7]], "line": ["gateway"], "amount": [gateway_bill]})
closed = sc.review(plan, usage, as_of=closed_on, lines=gateway)
closed

# %% [markdown]
# ## What moved it
#
# From the plan's mean to the actual, driver by driver. The plan was priced at list prices; what contracts and
# discounts took off stands as a step of its own.

# %%
ax = closed.plot("bridge")

# %% [markdown]
# ## Who it is
#
# Variances of at least 1,000 and 5 % of the budget, the largest first. Permanent is what the outlook keeps to the end
# of the quarter; timing is what it takes back.

# %%
closed.variances("environment").style.format(shown)

# %% [markdown]
# ## Half way: how will it end?
#
# Spent, foreseen, and budgeted, by month.

# %%
midway = sc.review(plan, usage, as_of=midway_on, lines=gateway)
ax = midway.plot("outlook")

# %% [markdown]
# ## When would a tighter limit be gone over?
#
# The same futures, held against another amount: how likely, on which day, and by how much.

# %%
midway.breach(tighter)

# %%
ax = midway.plot("burn_down", limit=tighter)

# %% [markdown]
# ## How the outlook walked
#
# Every version stays beside the approved budget. A bridge tells what moved the outlook from one to the next.

# %%
walk = plan.reforecast(usage, as_of=early_on)
for day in (closed_on, midway_on):
    walk = walk.reforecast(usage, as_of=day, lines=gateway)
ax = walk.plot()

# %%
walk.bridge().table().style.hide().format("{:,.0f}", subset=["mean", "p10", "p50", "p90"])

# %% [markdown]
# ## What finance reads
#
# The figures in sentences, and what is to be decided, by rules that are written below them on the page.

# %%
told = midway.summary().reset_index()[["part", "figure", "amount", "what"]]
words, amounts = (
    {"selector": "th, td", "props": "text-align: left"},
    {"selector": ".col2", "props": "text-align: right"},
)
told.style.hide().format({"amount": "{:,.2f}"}).set_table_styles([words, amounts])

# %% [markdown]
# One page to print or send, and a workbook whose totals are formulas.

# %%
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    files = [midway.to_html(Path(folder) / "review.html"), midway.to_excel(Path(folder) / "review.xlsx")]
    book = pd.ExcelFile(files[1])
    print(files[0].name, "and", files[1].name, "with the sheets", ", ".join(map(str, book.sheet_names)))
    book.close()

# %% [markdown]
# ## What it rests on
#
# What was assumed, left out, or taken as planned.

# %%
for note in midway.notes:
    print("-", note)
