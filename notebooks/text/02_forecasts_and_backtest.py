# %% [markdown]
# # How far can we trust a forecast of next quarter's total?
#
# A forecast of one quarter, and what such forecasts would have been worth on the days that are already known. The
# organisation is made up; the list prices are the vendors' own. To ask the same of your own export, change the next
# cell.

# %% tags=["parameters"]
usage_file = "../data/samples/organisation_daily.csv"
quarter = "2027Q1"
country = "US"  # whose working days are counted
models = ["auto", "run_rate", "seasonal_naive"]
days, dates = 28, 12  # the backtest: days ahead, and from how many past dates
quarter_days, quarter_dates = 91, 4  # the same for whole quarters
little_file = "../data/samples/burstgpt_daily.csv"  # 61 days, for comparison
seed = 7  # the same seed gives the same numbers

# %% [markdown]
# ## What was used

# %%
import forecast as fc

usage = fc.read_usage(usage_file)
usage

# %% [markdown]
# ## What was found in the history
#
# Before volume is fitted, its faults are looked for. Excluded: what was not measured, or is a fault for certain.
# Moved: what lies before a lasting shift goes to the new level. Noted: odd, but left as it is. If you know better,
# `fc.Cleaning(keep=..., exclude=...)` overrules any line.

# %%
projection = fc.project(usage, horizon=quarter, seed=seed)
projection.cleaned

# %% [markdown]
# ## The number to beat
#
# A forecast has to earn its keep against the bill of continuing as now, for the same quarter.

# %%
prices = fc.PriceBook.builtin()
baseline = fc.baseline(usage, horizon=quarter, prices=prices, by="environment", seed=seed)
baseline

# %% [markdown]
# ## A forecast is many futures
#
# Each draw is one future of all environments and all days together. Tokens are drawn by day; the picture shows whole
# weeks.

# %%
tokens = (
    usage.frame.assign(y=usage.frame[list(usage.units)].sum(axis=1))
    .query("date <= @projection.as_of")
    .groupby(["environment", "date"])["y"]
    .sum()
    .reset_index()
    .rename(columns={"environment": "unique_id", "date": "ds"})
)
tokens = fc.clean(tokens).frame
ahead = (projection.span.end - projection.as_of).days
paths = fc.sample_paths(tokens, horizon=ahead, draws=1_000, seed=seed)
paths

# %%
weeks = paths.total("W-SUN")
past = tokens.set_index("ds").groupby("unique_id")["y"].resample("W-SUN").sum().reset_index()
past = past[past["ds"] <= projection.as_of]
whole_weeks = weeks.values[:, 1:-1], weeks.periods[1:-1]  # the first and the last are cut
shown = fc.SamplePaths(*whole_weeks, weeks.series, seed, paths.method, history=past)
largest = past.groupby("unique_id")["y"].sum().idxmax()
ax = shown.plot(largest)
ax.yaxis.label.set_text("tokens a week")

# %% [markdown]
# ## A quarter's band is not the sum of daily bands
#
# Daily bounds added up say that every day is unlucky at once. Days drawn apart, each on its own, say that no error
# lasts. Neither is so: a growth rate that is wrong today is still wrong next month, and Tuesday's noise is gone by
# Wednesday. So each future is summed first, and the quantile is taken last.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

inside = paths.periods >= projection.span.start
futures = paths.values[:, inside]  # draw, day, environment
whole, daily, by_environment = futures.sum(axis=(1, 2)), futures.sum(axis=2), futures.sum(axis=1)
apart = np.random.default_rng(seed).permuted(daily, axis=0).sum(axis=1)
bounds = {
    "each future summed, then the band": np.quantile(whole, [0.1, 0.9]),
    "bands of days, added up": np.quantile(daily, [0.1, 0.9], axis=0).sum(axis=1),
    "bands of environments, added up": np.quantile(by_environment, [0.1, 0.9], axis=0).sum(axis=1),
    "days drawn apart, then summed": np.quantile(apart, [0.1, 0.9]),
}
bands = pd.DataFrame(bounds, index=["P10", "P90"]).T / np.median(whole) - 1
bands.assign(**{"width, of P50": bands["P90"] - bands["P10"]}).map("{:+.1%}".format)

# %% [markdown]
# ## Working days and holidays
#
# Months differ in working days. What the forecast makes of each:

# %%
calendar = fc.Calendar(country=country)
months = calendar.exposure(projection.span.start, projection.span.end).to_frame()[["days", "working_days"]]
monthly = np.median(paths.total("ME").values.sum(axis=2), axis=0)[-len(months) :] / 1e9
months["tokens, P50"] = monthly
months["a day"] = monthly / months["days"]
months["a working day"] = monthly / months["working_days"]
months.style.format("{:,.2f} bn", subset=["tokens, P50", "a day", "a working day"])

# %% [markdown]
# Nobody told the model about holidays: it looks for a country whose holidays the history keeps. Each is compared here
# with the same weekday two and three weeks before, as it was a year ago, and as it is forecast.

# %%
known = usage.frame.groupby("date")["requests"].sum().loc[: projection.as_of]
requests = pd.concat([known, projection.to_frame().groupby("date")["p50"].sum()])


def beside_usual(day):
    """How a day compares with the same weekday two and three weeks before."""
    usual = requests.reindex([day - pd.Timedelta(days=14), day - pd.Timedelta(days=21)]).mean()
    return requests.get(day, np.nan) / usual - 1


# %%
ahead_of_us = calendar.holidays(projection.as_of + pd.Timedelta(days=1), projection.span.end)
year_before = calendar.holidays(projection.as_of - pd.Timedelta(days=364), projection.as_of)
before = {name: beside_usual(day) for day, name in year_before.items()}
columns = {
    "date": ahead_of_us.index.date,
    "a year ago": [before.get(name, np.nan) for name in ahead_of_us],
    "forecast": [beside_usual(day) for day in ahead_of_us.index],
}
kept = pd.DataFrame(columns, index=ahead_of_us.to_list())
kept.style.format("{:+.0%}", subset=["a year ago", "forecast"], na_rep="unknown")

# %% [markdown]
# ## Would it have been right?
#
# Go back to past dates, forget what came after, forecast, and compare. `run_rate` continues the mean of the last 28
# days, `seasonal_naive` repeats the last week; `auto` is what the forecast above uses.

# %%
card = fc.backtest(usage, prices=prices, models=models, horizon=days, origins=dates, seed=seed)
card


# %% [markdown]
# The same of totals alone, which is what a budget is about. Diebold-Mariano asks whether the difference to the run
# rate could be luck: p below 0.05 is hardly chance. The run rate that all are held against is that of tokens or of
# cost itself; the model `run_rate` continues requests, and has mix and tokens a request from `auto`, as every model
# does.

# %%
TOTALS = {
    "wape_total": ("off by", "{:.1%}"),
    "finops_grade": ("FinOps grade", "{}"),
    "coverage_80_total": ("80 % band held", "{:.0%}"),
    "coverage_80_total_se": ("±", "{:.0%}"),
    "coverage_80_total_trials": ("independent trials", "{:.0f}"),
    "mase_to_run_rate_total": ("error to run rate's", "{:.2f}"),
    "dm_p_total": ("Diebold-Mariano p", "{:.2f}"),
}


def of_totals(table):
    """What a scorecard's table says of totals over the horizon."""
    named = dict(TOTALS.values())
    return table[list(TOTALS)].set_axis(list(named), axis=1).style.format(named, na_rep="–")


of_totals(card.table)


# %%
def against_run_rate(card):
    """Which rows beat the run rate, or lose to it, by more than chance."""
    sure = card.table[card.table["dm_p_total"] < 0.05]["mase_to_run_rate_total"]
    told = {"better than the run rate": sure[sure < 1], "worse than the run rate": sure[sure > 1]}
    for words, rows in told.items():
        print(f"{words}, hardly by chance:", "; ".join(" ".join(row) for row in rows.index) or "none")


against_run_rate(card)

# %% [markdown]
# A ± is one standard error. Workloads share the luck of a date, so the trials that count are at most the totals that
# were scored, and often fewer. Where all totals were inside, no error can be told: that a band of 80 % always held is
# no proof that it always will.
#
# ## Are the bands honest?
#
# An honest 80 % band holds 80 % of what comes, and so at every level: on the diagonal.

# %%
ax = card.plot()

# %% [markdown]
# Where the values lay among the draws: high at both ends says too narrow, high in the middle too wide, a slope that
# the middle is off.

# %%
ax = card.plot("pit")

# %% [markdown]
# ## A whole quarter ahead
#
# The question is about a quarter, so the test is made of quarters. The history holds few of them, and that limits
# what can be said.

# %%
far = fc.backtest(usage, prices=prices, models=models, horizon=quarter_days, origins=quarter_dates, seed=seed)
against_run_rate(far)
of_totals(far.table)

# %% [markdown]
# What could not be known at those dates:

# %%
from IPython.display import Markdown

Markdown("\n".join(f"- {note}" for note in far.notes))

# %% [markdown]
# ## What more history buys, and what distance costs
#
# Half the width of the organisation's 80 % band, as a share of P50: by how much history is known, and how many days
# are to be told. Each is the mean over four as-of dates.

# %%
from itertools import product

known_days, told_days = [45, 90, 180, 360], [7, 28, 91, 182]


def half_width(history, horizon, end):
    """Half the band of the organisation's total, of its P50."""
    cut = tokens[(tokens["ds"] > end - pd.Timedelta(days=history)) & (tokens["ds"] <= end)]
    total = fc.sample_paths(cut, horizon=horizon, draws=500, seed=seed).values.sum(axis=(1, 2))
    low, middle, high = np.quantile(total, [0.1, 0.5, 0.9])
    return (high - low) / 2 / middle


# %%
ends = [projection.as_of - pd.Timedelta(days=28 * k) for k in range(4)]
cells = [np.mean([half_width(h, t, end) for end in ends]) for h, t in product(known_days, told_days)]
widths = pd.DataFrame(
    np.reshape(cells, (len(known_days), len(told_days))),
    index=pd.Index(known_days, name="days known"),
    columns=pd.Index(told_days, name="days told"),
)
widths.map("±{:.1%}".format)

# %%
from forecast.drawing import style

with style():
    ax = (100 * widths.T).plot(style=["o-", "s--", "^:", "D-."], figsize=(8, 4.2), xticks=told_days, ylim=(0, None))
    ax.legend(title="days known", loc="lower right", ncols=4, frameon=False)
    ax.set(xlabel="days told", ylabel="half the 80 % band, % of P50")
    ax.set_title(f"A quarter's band: ±{widths.loc[45, 91]:.0%} from 45 days, ±{widths.loc[360, 91]:.0%} from 360")

# %% [markdown]
# ## With little data
#
# The other sample is real: 61 days of one campus service, whose dates are nominal, so no weekday or holiday can be
# read from them. A band needs past errors, and these days hold hardly any. What is missing comes from priors, and the
# projection says so.

# %%
little = fc.read_usage(little_file)
month = fc.project(little, horizon="30D", seed=seed)
print(f"What its band rests on: {month.volume.seen[0]}.")
print(*month.notes, sep="\n")
requests_of_month = month.volume.paths()[:, month.span.gap :].sum(axis=(1, 2))
low, middle, high = np.quantile(requests_of_month, [0.1, 0.5, 0.9])
print(f"Requests of 30 days: {middle:,.0f} at P50, {low / middle - 1:+.0%} at P10 and {high / middle - 1:+.0%} at P90.")

# %%
little_card = fc.backtest(little, models=models, horizon=7, origins=5, seed=seed)
of_totals(little_card.table.xs("organisation", level="level"))

# %% [markdown]
# ## So, how far?
#
# First, why the forecast in money is not the number to beat. Prices that are known to change are in the price book;
# the rest is the forecast's own.

# %%
import scenarios as sc

plan = sc.plan(projection, prices=prices, seed=seed)
last = usage.frame.query("date <= @projection.as_of and model.notna()")
last = last[last["date"] > projection.as_of - pd.Timedelta(days=28)]
price = prices.cost(last.assign(date=projection.span.start)).sum() / prices.cost(last).sum()
volume = requests.loc[projection.span.start :].mean() / last.groupby("date")["requests"].sum().mean()
continued = baseline.totals()["total"].item()
print(f"Continuing as now: {continued:,.0f} {baseline.currency}")
print(f"Prices known for {quarter}: {price - 1:+.1%}")
print(f"Requests a day: {volume - 1:+.1%}")
print(f"Mix of models and workloads, and tokens a request: {plan.base / continued / price / volume - 1:+.1%}")
print(f"Forecast, P50: {plan.base:,.0f} {plan.currency}")

# %% [markdown]
# Second, where the organisation's cost came out beside what had been forecast for it, date by date:


# %%
def came_out(card):
    """Actual cost of the organisation over its forecast, less 1, by date."""
    own = card.detail.query("measure == 'cost' and level == 'organisation' and model == 'auto' and scope == 'horizon'")
    wide = own.pivot(index="origin", columns="score", values="value")
    return wide["actual"] / (wide["actual"] + wide["error"]) - 1


spans = {f"{days} days": came_out(card), f"{quarter_days} days": came_out(far)}
pd.DataFrame({span: off.describe()[["count", "min", "50%", "max"]] for span, off in spans.items()}).T.style.format(
    "{:+.1%}", subset=["min", "50%", "max"]
).format("{:.0f}", subset=["count"])

# %% [markdown]
# And the answer: the band of the quarter, and where past totals would have lain in it. The quarter lies further ahead
# than those did, so its band has more to hold.

# %%
low, high = (plan.quantile(level) / plan.base - 1 for level in (0.1, 0.9))
inside_band = sum(int(off.between(low, high).sum()) for off in spans.values())
with style() as palette:
    fig, ax = plt.subplots(figsize=(8, 2.8))
    ax.axvspan(100 * low, 100 * high, color=palette.future, alpha=0.18)
    ax.axvline(0, color=palette.future)
    for place, off in enumerate(spans.values()):
        ax.plot(100 * off, [place] * len(off), "o", color=palette.known, alpha=0.7)
    ax.set_yticks(range(len(spans)), [f"past forecasts\nof {span}" for span in spans])
    ax.set(ylim=(-0.6, 1.6), xlabel=f"cost beside P50, %; shaded: the 80 % band of {quarter}")
    ax.set_title(
        f"{quarter}: {plan.base:,.0f} {plan.currency}, {low:+.0%} to {high:+.0%}; "
        f"{inside_band} of {sum(map(len, spans.values()))} past totals within that"
    )
