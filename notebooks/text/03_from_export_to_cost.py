# %% [markdown]
# # From the vendors' exports: what did the month cost, and is the bill right?
#
# What providers export, read as it comes; every token priced on its date; the bill explained to the cent. The
# organisation is made up, the formats and the list prices are the vendors' own. To ask the same of your own exports,
# change the next cell.

# %% tags=["parameters"]
usage_files = "../data/samples/exports/*_usage_*.jsonl.gz"  # pages of OpenAI's and Anthropic's usage
bill_files = "../data/samples/exports/*_costs_*.jsonl.gz"  # pages of what they billed
rules = "../data/samples/exports/rules.toml"  # whose is it: by names of keys, workspaces and labels
watched = "gpt-5.6-terra"  # a model whose price moved
whole_file = "../data/samples/organisation_daily.csv"  # the whole history of all vendors, as one tidy table
doubled_on = "2026-10-05"  # a day whose bill is counted twice, to see whether it is found
in_cents, in_cents_on = "gpt-4.1", "2026-10-12"  # a model whose bill of a day is read in cents

# %% [markdown]
# ## What was used
#
# One call for both vendors. The format is found from the files. OpenAI counts cached tokens inside the input,
# Anthropic beside it; here each token stands in one column only.

# %%
import forecast as fc

usage = fc.read_usage(usage_files, rules=rules)
usage

# %% [markdown]
# ## Is everything there?
#
# What the files hold by their own columns, less what was rejected and what stood in two files, is what was read. If a
# page were missing, the reading would have stopped and said which.

# %%
usage.reading.conservation.style.format("{:,.0f}")

# %% [markdown]
# The same export twice changes nothing: what two files repeat is counted once, and said.

# %%
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

with TemporaryDirectory() as folder:
    copies = [copy(path, Path(folder) / f"copy of {path.name}") for path in Path().glob(usage_files)]
    twice = fc.read_usage([usage_files, *copies], rules=rules)
print("the same table:", "yes" if twice.frame.equals(usage.frame) else "no")
print(*(note.rsplit("/", 1)[-1] for note in twice.reading.notes), sep="\n")

# %% [markdown]
# ## Whose is it?
#
# No vendor knows your environments. A rules file reads them from the names of keys, workspaces and labels. What no
# rule matches is shown, never guessed: Anthropic's bill bears workspaces and no keys, so its environments can't be
# told.

# %%
print(Path(rules).read_text(encoding="utf-8").split("[[rules]]")[1].strip())

# %%
usage.frame.groupby(["environment", "project"])[list(usage.units)].sum().style.format("{:,.0f}")

# %%
left = fc.read_usage(bill_files, rules=rules).reading.unmatched
left = left[left["column"] == "environment"][["column", "workspace_id", "cost_type", "rows", "money"]]
left.style.hide().format({"rows": "{:.0f}", "money": "{:,.2f}"})

# %% [markdown]
# ## What it costs at list prices
#
# Prices are dated: each day pays the price that held on it. What has no price would be listed here, and is never 0.

# %%
prices = fc.PriceBook.builtin()
print("without a price:", ", ".join(prices.unpriced(usage)["model"].unique()) or "nothing")
cost = prices.cost(usage).groupby([usage.frame["provider"], usage.frame["model"]]).sum()
cost.rename("USD at list prices").map("{:,.2f}".format).to_frame()

# %% [markdown]
# How the names in the export came to a price, and what one of those prices did over time:

# %%
for provider, model in cost.index:
    print(prices.match(provider, model))

# %%
ax = prices.plot(watched, on=usage.end)

# %% [markdown]
# ## Is the bill right?
#
# The bill is another export, without tokens. Usage at list prices and the bill are laid side by side by day, model
# and provider, and each difference is given a cause.

# %%
bill = fc.read_usage(bill_files)
checked = fc.reconcile(usage, prices, bill=bill)
checked

# %%
ax = checked.plot()

# %% [markdown]
# The discounts, in the last table above, are inferred: nobody stated them, but billed over priced is the same for every
# day of a vendor but for rounding.

# %% [markdown]
# ## Is it right over the whole history?
#
# The whole history: in the sample three vendors, a price change, a discount that grew in January, and a credit. What
# is left without a cause:

# %%
whole = fc.read_usage(whole_file)
history = fc.reconcile(whole, prices)
print(f"priced {history.priced:,.2f}, billed {history.billed:,.2f}; unexplained rows: {len(history.unexplained)}")
ax = history.plot()

# %% [markdown]
# An error would be seen. Here one day is billed twice, and one model's bill of another day is read in cents:

# %%
wrong = whole.frame.copy()
day = wrong["date"] == doubled_on
wrong.loc[day, "billed_cost"] = 2 * wrong.loc[day, "billed_cost"]
cents = (wrong["date"] == in_cents_on) & (wrong["model"] == in_cents)
wrong.loc[cents, "billed_cost"] = 100 * wrong.loc[cents, "billed_cost"]
mistaken = fc.reconcile(fc.Usage.from_frame(wrong, sort=True), prices)
mistaken.causes[["cause", "amount", "rows"]].style.hide().format({"amount": "{:,.2f}"})

# %% [markdown]
# ## What does a unit cost?
#
# Unit economics: ratios of sums, not means of ratios. The last month, by model, in USD at list prices:

# %%
units = fc.unit_metrics(whole, prices, by=("provider", "model"), period="ME")
wanted = {
    "cost_per_million_tokens": ("a million tokens", "{:.2f}"),
    "cost_per_request": ("a request", "{:.4f}"),
    "tokens_per_request": ("tokens a request", "{:,.0f}"),
    "cache_hit_share": ("from a cache", "{:.0%}"),
    "batch_share": ("in batches", "{:.0%}"),
}
recent = units[(units["period"] == units["period"].max()) & units["metric"].isin(list(wanted))]
wide = recent.pivot(index=["provider", "model"], columns="metric", values="value")[list(wanted)]
wide.set_axis([name for name, _ in wanted.values()], axis=1).style.format(dict(wanted.values()), na_rep="")

# %% [markdown]
# ## The bill as prices of your own
#
# A discount that was found becomes part of the price book. Priced with it, usage costs what is billed, and so do
# plans.

# %%
import pandas as pd

rates = checked.discounts
own = pd.DataFrame({"provider": rates["provider"], "model": "*", "unit": "*", "discount": rates["discount"].round(4)})
negotiated = fc.PriceBook.from_frame(own, source="discounts found in the bill") | prices
print(f"priced with the discounts {negotiated.cost(usage).sum():,.2f}, billed {checked.billed:,.2f}")
print(negotiated.quote("openai", "gpt-5-mini", "input_tokens", "2026-10-31").note)
