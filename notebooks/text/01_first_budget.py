# %% [markdown]
# # What will we spend on language models, and what should we set aside?
#
# From a daily usage export to a budget for the quarters ahead. The sample is eighteen months of a made-up
# organisation; the list prices are the vendors' own. To ask the same of your own export, change the next cell.

# %% tags=["parameters"]
usage_file = "../data/samples/organisation_daily.csv"
columns = {}  # where your columns have other names: {"date": "day", "model": "model_name"}
fill = {}  # what your export does not say: {"currency": "EUR"}
unpriced = "refuse"  # or "exclude": leave out a model without a price
horizon = "2Q"  # the two whole quarters ahead
growth = 0.03, 0.08  # a month: between these in four cases out of five
confidence = 0.80  # the budget is to be enough in 80 % of futures
split = {"development": (0.15, 0.20), "production": (0.60, 0.70)}  # shares by environment; {} for none
limit = 800_000  # what has been granted so far
draws, seed = 10_000, 7  # the same seed gives the same numbers
out = "../out/first_budget"  # where the workbook and the page go

# %% [markdown]
# ## What was used
#
# One row a model. Nothing is dropped: what is no usage, such as the sample's credit without a model, is shown as
# well, and is not forecast.

# %%
import forecast as fc

usage = fc.read_usage(usage_file, columns=columns, fill=fill)
usage

# %% [markdown]
# A model without a price would be missing from the budget, so that comes first.

# %%
prices = fc.PriceBook.builtin()
print("models without a price:", ", ".join(prices.unpriced(usage)["model"].unique()) or "none")

# %% [markdown]
# ## What management expects
#
# It goes in as ranges, low to high: what usage grows by a month, and, with even odds, what the price of the GPT-5
# models falls by in February.

# %%
import scenarios as sc

launch = sc.Scenario(
    "launch",
    [
        sc.Growth(monthly=sc.between(*growth)),
        sc.PriceChange(model="gpt-5*", on="2027-02-01", by=sc.between(-0.4, -0.2), probability=0.5),
    ],
)
launch.describe()

# %% [markdown]
# ## The plan
#
# Each future draws its own growth, prices and daily ups and downs, and is added up on its own. The budget is what is
# enough in the share of futures that is asked for.

# %%
terms = {
    "prices": prices,
    "components": [sc.Fixed("base infrastructure", monthly=12_000), sc.Reserve("emergency scaling", 20_000)],
    "split": sc.EnvironmentSplit(**split, rest="by demand") if split else None,
    "unpriced": unpriced,
    "confidence": confidence,
    "draws": draws,
    "seed": seed,
}
projection = fc.project(usage, horizon=horizon, seed=seed)
plan = sc.plan(projection, scenario=launch, **terms)
plan

# %% [markdown]
# That is, for the cover note:

# %%
print(f"We expect to spend {plan.base:,.0f} {plan.currency}.")
print(f"A budget of {plan.budget:,.0f} {plan.currency} is enough in {confidence:.0%} of futures.")
print(f"With the reserve for emergency scaling, we set aside {plan.funding:,.0f} {plan.currency}.")

# %% [markdown]
# ## Month by month
#
# Bands widen because nobody knows the growth rate; the dotted line is usage without the fixed infrastructure. In the
# sample, part of the rise in January is a price that is in the price book already: Gemini 3.6 Flash doubles on the
# first. February is a short month.

# %%
ax = plan.plot()

# %% [markdown]
# ## Who gets how much
#
# Where an environment wants more than policy allows, or less than policy keeps for it, the split moves the
# difference.

# %%
ax = plan.plot("environments")

# %% [markdown]
# ## Is the granted amount enough?

# %%
print(f"{limit:,} {plan.currency} is exceeded in {plan.probability_over(limit):.0%} of futures.")
ax = plan.plot("s_curve", limit=limit)

# %% [markdown]
# ## What does the launch change?
#
# The same futures, without the launch and with it. Without it usage follows its own trend, and only prices that are
# already known change.

# %%
import pandas as pd

steady = sc.plan(projection, **terms)
side = pd.DataFrame(
    {p.name: [p.base, p.contingency, p.budget, p.funding] for p in (steady, plan)},
    index=["expected (P50)", "contingency", f"budget ({confidence:.0%} sure)", "budget and reserve"],
)
side["difference"] = side["launch"] - side["as forecast"]
side.map("{:,.0f}".format)

# %% [markdown]
# Medians of two plans differ by what a usual future differs by, more or less. Future by future it is known exactly:

# %%
extra = pd.Series(plan.totals - steady.totals)
low, middle, high = extra.quantile([0.1, 0.5, 0.9])
print(f"The launch moves spend by {low:+,.0f} (P10), {middle:+,.0f} (P50), {high:+,.0f} (P90) {plan.currency};")
print(f"in {(extra > 0).mean():.0%} of futures we spend more with it than without.")

# %% [markdown]
# ## Hand it over
#
# The workbook is for finance, the page for everybody else.

# %%
from pathlib import Path

folder = Path(out)
folder.mkdir(parents=True, exist_ok=True)
files = [plan.to_excel(folder / "plan.xlsx"), plan.to_html(folder / "plan.html")]
print(*(path.name for path in files), sep=", ")

# %% [markdown]
# ## What it rests on
#
# Prices are list prices: a discount in your contract comes off these amounts.

# %%
from IPython.display import Markdown

dated = ["" if pd.isna(day) else f" (as of {day:%Y-%m-%d})" for day in plan.assumptions["as_of"]]
rows = zip(plan.assumptions.itertuples(), dated, strict=True)
Markdown("\n".join(f"- **{row.topic}**: {row.assumption}{day}" for row, day in rows))
