# %% [markdown]
# # How do we budget thousands of customers from a log too big for memory, and does a cluster help?
#
# A log of requests is grouped where it lies, and only daily sums come back. Of thousands of series the largest stand
# for themselves and the rest are pooled. What takes long is spread over a Dask cluster, for the same numbers. The log
# is made here, so that it can be as large as you like: to ask the same of your own, change the next cell and the
# names of columns.

# %% tags=["parameters"]
requests, customers = 1_000_000, 2_000  # of the log that is made: at weekends part of them stays away
horizon = "1Q"  # the whole quarter ahead
kept = [20, 100, 300]  # customers that stand for themselves, the rest pooled
confidence = 0.80
draws, seed = 2_000, 7
workers = 2  # of the cluster

# %% [markdown]
# ## A log, as a gateway writes it
#
# Parquet files, a row a request: when, whose, which model, how many tokens. Some customers use a thousand times what
# others use, each grows at a pace of its own, and weekends are quiet.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

folder = TemporaryDirectory()
log = duckdb.connect(config={"threads": 1})  # the same rows in the same order each time
made = [
    f"CREATE VIEW t AS FROM range({requests}) AS t(i)",
    "CREATE MACRO chance(i, what) AS (hash(i, what) % 1000003) / 1000003.0",  # even from 0 to 1, always the same
    f"CREATE VIEW calls AS SELECT i, CAST(floor({customers} * pow(chance(i, 'who'), 3)) AS INT) AS customer FROM t",
    "CREATE VIEW dated AS SELECT *, 245 * pow(chance(i, 'when'), 1 / (1 + chance(customer, 'pace'))) AS day FROM calls",
    "CREATE VIEW kept AS FROM dated WHERE CAST(floor(day) AS INT) % 7 BETWEEN 1 AND 5 OR chance(i, 'weekend') < 0.4",
]
for statement in made:
    log.execute(statement)

# %%
columns = """
    TIMESTAMP '2026-03-01' + to_seconds(CAST(day * 86400 AS BIGINT)) AS moment,
    'customer-' || lpad(customer::VARCHAR, 5, '0') AS customer,
    'team-' || (customer % 7) AS team,
    CASE WHEN chance(i, 'model') < 0.2 THEN 'gpt-5' ELSE 'gpt-5-mini' END AS model,
    2000 + hash(i, 'in') % 20000 AS prompt,
    100 + hash(i, 'out') % 1500 AS answer
"""
log.execute(f"COPY (SELECT {columns} FROM kept) TO '{folder.name}' (FORMAT parquet, FILE_SIZE_BYTES '4MB')")
files = list(Path(folder.name).glob("*.parquet"))
print(f"{len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.0f} MB")

# %% [markdown]
# ## Read where it lies
#
# `format="log"` takes any log, with the names of its columns. Here a DuckDB relation over the files: DuckDB groups
# them, out of core, and what comes back is a sum a day, customer and model, whatever the number of requests. Polars,
# PySpark and Dask frames and a database's table serve alike.

# %%
import forecast as fc

calls = log.sql(f"FROM '{folder.name}/*.parquet'")
columns = {"date": "moment", "project": "customer", "department": "team"}
columns |= {"input_tokens": "prompt", "output_tokens": "answer"}
own = {"provider": "openai", "environment": "production"}
usage = fc.read_usage(calls, format="log", columns=columns, fill=own)
print(f"{usage.frame['requests'].sum():,.0f} requests in {len(usage.frame):,} rows a day, customer and model")

# %% [markdown]
# The account of the reading: what the log holds by its own columns is what was read.

# %%
usage.reading.conservation.style.format("{:,.0f}")

# %% [markdown]
# ## Who matters?
#
# A few customers are much of the money, as a rule. By how many are kept:

# %%
import numpy as np
import pandas as pd

prices = fc.PriceBook.builtin()
spend = prices.cost(usage).groupby(usage.frame["project"]).sum().sort_values(ascending=False)
share = (spend.cumsum() / spend.sum()).to_numpy()
largest = [*kept, len(share)]
held = pd.DataFrame({"the largest": largest, "of the money": [share[most - 1] for most in largest]})
held.style.hide().format({"the largest": "{:,}", "of the money": "{:.0%}"})

# %% [markdown]
# ## Does it matter how many are pooled?
#
# `max_series=` keeps the largest; the tail becomes one series, `(other)`, and nothing of it is lost. The more series,
# the longer it takes, and the weaker what each history says of itself.

# %%
import scenarios as sc

plans = {}
for most in kept:
    projection = fc.project(usage, horizon=horizon, by=("project",), max_series=most, seed=seed)
    plans[most] = sc.plan(projection, prices=prices, confidence=confidence, draws=draws, seed=seed)
print(projection.notes[0])

# %% [markdown]
# The plan with the most of them:

# %%
ax = plans[kept[-1]].plot()

# %% [markdown]
# And the quarter's total, by the number of customers that stand for themselves:

# %%
import matplotlib.pyplot as plt

from forecast.drawing import style

ends = {most: [plan.quantile(q) for q in (0.1, 0.5, 0.9)] for most, plan in plans.items()}
budgets = [plan.budget for plan in plans.values()]
with style() as palette:
    fig, ax = plt.subplots(figsize=(8, 3))
    for place, (low, middle, high) in enumerate(ends.values()):
        ax.plot([low, high], [place] * 2, color=palette.future, linewidth=7, alpha=0.35)
        ax.plot(middle, place, "o", color=palette.future)
    ax.plot(budgets, range(len(budgets)), "D", color=palette.budget)
    ax.set_yticks(range(len(ends)), [f"{most:,} and (other)" for most in ends])
    ax.set(xlim=(0, None), ylim=(-0.6, len(ends) - 0.4), xlabel="USD; bar P10 to P90, dot P50, diamond the budget")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_title(f"Pooling moves the budget by {max(budgets) / min(budgets) - 1:.0%}")

# %% [markdown]
# ## All of them, if totals are enough
#
# A forecast of every customer by day in every future would be an array of draws, days and series. `total=` keeps the
# totals of months alone, and never holds the paths.

# %%
daily = usage.frame.groupby(["project", "date"])["requests"].sum().reset_index()
frame = daily.rename(columns={"project": "unique_id", "date": "ds", "requests": "y"})
months = fc.sample_paths(frame, horizon=92, model="fast", draws=500, total="ME", seed=seed)
paths_would_take = 500 * 92 * len(months.series) * 8
print(f"{len(months.series):,} series: {months.values.nbytes / 1e6:,.0f} MB of totals,")
print(f"where paths would take {paths_would_take / 1e6:,.0f} MB")

# %% [markdown]
# ## Parts that add up
#
# Customers, teams and the whole are sums of the same futures: each level adds up in every draw. Bands need not: in the
# sample the whole is known hardly better than a team, since what nobody knows, such as growth, is much alike for all.

# %%
teams = usage.frame.drop_duplicates("project")[["project", "department"]].set_axis(["unique_id", "team"], axis=1)
tree = fc.Hierarchy(teams, levels=["team"])
sums = tree.add_up(months)  # draw, month, every customer, team and the whole
levels = dict(zip(sums.series, sums.values.sum(axis=1).T, strict=True))
parts = sum(levels[team] for team in set(teams["team"]))
print("the teams add up to the whole in every draw:", np.allclose(parts, levels["total"], rtol=1e-12))

# %%
named = [*sorted(set(teams["team"])), "total"]
bands = pd.DataFrame(
    {name: np.quantile(levels[name], [0.1, 0.5, 0.9]) for name in named}, index=["P10", "P50", "P90"]
).T
bands["half the band, of P50"] = (bands["P90"] - bands["P10"]) / 2 / bands["P50"]
bands.rename_axis("requests").style.format("{:,.0f}").format("±{:.1%}", subset=["half the band, of P50"])

# %% [markdown]
# ## A cluster
#
# Parallel work goes through joblib, so the backend is yours to choose: here Dask workers on this machine, elsewhere a
# scheduler's address. What comes out does not depend on who worked: the same bits as in this process.

# %%
import joblib
from dask.distributed import Client, LocalCluster

with (
    LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
    Client(cluster),
    joblib.parallel_config(backend="dask"),
):
    spread = sc.plan(projection, prices=prices, confidence=confidence, draws=draws, seed=seed, n_jobs=-1)
alone = plans[kept[-1]]
print(f"{workers} workers, the same bits: {bool((spread.totals == alone.totals).all())}")

# %% [markdown]
# Does it help? Not at this size: in one process the plan takes seconds, and workers must first be started, load the
# library and be told what to do. It is for plans that take minutes. `make bench-plan` measures it: a plan of 100,000
# series in this process, on one worker and on two, on your machine.

# %%
folder.cleanup()
