"""What past prices say, figure by figure with its filter, and how the law of sizes was chosen.

    python benchmarks/price_history.py [--pictures FOLDER]

Comes in: the shipped price history. Goes out: changes and SKU-years by filter, beside what was published of them; the
fit of `calibrate` by filter; how uneven half-years are, and how the rate foresaw later changes; the designs of sizes by
their log score on later changes; launches; and times.

Designs of sizes, each fitted to the changes before a date and scored on the changes of that date, by direction. The
score is the log density of log |log factor|, the higher the better:

- shrunk log-normal: what `forecast/prices/history/sizes.py` holds; a prior worth one change of both directions' middle.
- log-normal: the same without a prior (Student t of n - 1 degrees of freedom).
- robust log-normal: median and median absolute deviation in place of mean and standard deviation.
- resampled: past sizes, smoothed by a normal kernel of Silverman's bandwidth (Efron 1979; Silverman 1986, eq. 3.31).
- resampled, mirrored: the same from the sizes of both directions.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

import forecast as fc
from forecast.prices.history import calibrate, exposure, launch_prices, launches, price_changes
from forecast.prices.history.rates import SPELL
from forecast.prices.history.records import REPLACED
from forecast.prices.history.sizes import fitted_sizes, log_density

#: Fewest changes of a direction from which a design is fitted.
FEWEST = 3
#: Kernels are at least this wide on the log of a size, since many past sizes are equal.
NARROWEST = 0.1
#: Log density of log sizes at given log sizes, fitted to log sizes of the direction and to those of both.
Design = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


# ----------------------------------------------------------------------------------------------------------- facts


def told(changes: pd.DataFrame, years: float | None = None) -> str:
    """Counts, medians and rate of some changes."""
    moves = changes[changes["direction"].isin(["up", "down"])]
    down, up = (np.log(moves.loc[moves["direction"] == way, "factor"]) for way in ("down", "up"))
    text = f"{len(moves):4d} changes: {len(down):3d} down (median {_percent(down)}), {len(up):3d} up ({_percent(up)})"
    text += f", {100 * len(up) / max(len(moves), 1):.0f} % up, {int(moves['published'].sum())} published ahead"
    return text if years is None else f"{text}; {years:6.1f} SKU-years, {len(moves) / years:.3f} a year"


def _percent(logs: pd.Series) -> str:
    return f"{100 * np.expm1(logs.median()):+.0f} %" if len(logs) else "none"


def facts() -> None:
    snapshots = {"date_kinds": ["changed_between_snapshots"], "sellers": ["vendor"]}
    print("\n2024-01 to 2025-08. Published: 17 changes in 108.7 SKU-years (0.16), 15 down, median -65 %")
    for name, aliases, filters in (
        ("snapshots, vendors, no *-latest", False, snapshots),
        ("snapshots, vendors", True, snapshots),
        ("snapshots, all sellers", True, {"date_kinds": ["changed_between_snapshots"]}),
        ("effective dates, all sellers", True, {"date_kinds": ["effective_from"]}),
        ("every dated row", True, {}),
    ):
        table = price_changes(**filters, aliases=aliases)
        table = table[table["by"] <= "2025-08-31"]
        years = None
        if filters is snapshots:
            span = exposure(start="2024-01-01", end="2025-08-13", families=["litellm"], aliases=aliases)
            years = float(span["years"].sum())
        print(f"  {name:34s}{told(table, years)}")
    table = price_changes(**snapshots)
    table = table[table["by"] <= "2025-08-31"].drop_duplicates(["provider", "by", "old", "new"])
    print(f"  {'the second, equal moves once':34s}{told(table)}")
    print("  SKU-years take each SKU to stay until 2025-08-13: no row says when one left, so they are too many.")

    print("\n2025-06 to 2026-11. Published: 12 down (median -39 %), 16 up (median +100 %, 8 published step-ups)")
    for name, sellers, replaced in (
        ("effective, vendors and clouds", ["vendor", "cloud"], False),
        ("effective, vendors", ["vendor"], False),
        ("effective, hosts", ["host"], False),
        ("the first, with the replaced list", ["vendor", "cloud"], True),
    ):
        table = price_changes(date_kinds=["effective_from"], sellers=sellers)
        table = table[replaced | (table["family"] != REPLACED)].drop_duplicates(["provider", "model", "by"])
        print(f"  {name:34s}{told(table)}")
    print("\nOpenAI's flagship, blended. Published: 37.5 (2023-03), 3.44 (2025-08; -63 % a year), 11.25 (2026-04)")
    line = launches().query("provider == 'openai' and tier == 'flagship'")
    print("  launch prices: " + ", ".join(f"{r.launched:%Y-%m} {r.blended:g}" for r in line.itertuples()))
    rows = fc.price_history(providers=["openai"]).query("model == 'gpt-4' and date_kind == 'observed_by'")
    print("  gpt-4, first snapshot: " + ", ".join(f"{r.unit} {r.price:g}" for r in rows.itertuples()))

    print("\nA router. Published: about 0.9 changes a model-year, 64 % up")
    table = price_changes(date_kinds=["effective_from"], sellers=["router"])
    print(f"  {'effective, router':34s}{told(table[table['family'] != REPLACED])}")
    print(
        "  No rate: only models whose price changed are recorded. Most dates are those of a reading of the whole list:"
    )
    print("  " + ", ".join(f"{d:%Y-%m-%d} {n}" for d, n in table["by"].value_counts().sort_index().items()))


def fits() -> None:
    print("\nFits")
    for name, process in (
        ("default", calibrate()),
        ("snapshots to 2025-08-13", calibrate(date_kinds=("changed_between_snapshots",), as_of="2025-08-13")),
        ("effective and snapshots", calibrate(date_kinds=("effective_from", "changed_between_snapshots"))),
    ):
        print(f"\n{name}: {process!r}")
        print(process.fit.drop(columns="filter").round(3).to_string(index=False, na_rep=""))
        for note in process.notes:
            print(f"  {note}")


# ----------------------------------------------------------------------------------------------------------- sizes


def shrunk(at: np.ndarray, own: np.ndarray, both: np.ndarray) -> np.ndarray:
    """What the library holds; ``own`` are falls here, which is a matter of names only."""
    rest = _without(both, own)
    falls, _ = fitted_sizes([*(-np.exp(own)), *np.exp(rest)])
    return log_density(falls, np.exp(at))


def log_normal(at: np.ndarray, own: np.ndarray, both: np.ndarray) -> np.ndarray:
    n = len(own)
    return stats.t.logpdf(at, n - 1, own.mean(), own.std(ddof=1) * np.sqrt(1 + 1 / n))


def robust(at: np.ndarray, own: np.ndarray, both: np.ndarray) -> np.ndarray:
    n, spread = len(own), max(float(stats.median_abs_deviation(own, scale="normal")), NARROWEST)
    return stats.t.logpdf(at, n - 1, np.median(own), spread * np.sqrt(1 + 1 / n))


def resampled(at: np.ndarray, own: np.ndarray, both: np.ndarray) -> np.ndarray:
    reach = np.subtract(*np.percentile(own, [75, 25])) / 1.349
    spreads = [s for s in (own.std(ddof=1), reach) if s > 0]
    width = max(0.9 * min(spreads, default=0.0) * len(own) ** -0.2, NARROWEST)
    return np.log(stats.norm.pdf(at[:, None], own, width).mean(axis=1))


def mirrored(at: np.ndarray, own: np.ndarray, both: np.ndarray) -> np.ndarray:
    return resampled(at, both, both)


DESIGNS: dict[str, Design] = {
    "shrunk log-normal": shrunk,
    "log-normal": log_normal,
    "robust log-normal": robust,
    "resampled": resampled,
    "resampled, mirrored": mirrored,
}


def _without(both: np.ndarray, own: np.ndarray) -> np.ndarray:
    left = list(both)
    for value in own:
        left.remove(value)
    return np.array(left)


def scores(changes: pd.DataFrame, tested: pd.Series, trained: pd.Series) -> pd.DataFrame:
    """Log scores of each tested change, by design; one row a change, with its date."""
    rows = []
    for (day, way), group in changes[tested].groupby(["by", "direction"]):
        past = changes[trained & (changes["by"] < day)]
        own, both = past.loc[past["direction"] == way, "z"].to_numpy(), past["z"].to_numpy()
        if len(own) < FEWEST:
            continue
        at = group["z"].to_numpy()
        found = pd.DataFrame({name: design(at, own, both) for name, design in DESIGNS.items()})
        rows.append(found.assign(by=day, direction=way))
    return pd.concat(rows)


def experiment() -> None:
    changes = price_changes(sellers=["vendor"])
    keep = changes["direction"].isin(["up", "down"]) & ~changes["published"] & ~changes["correction"]
    changes = changes[keep & (changes["family"] != REPLACED)].copy()
    changes["z"] = np.log(np.abs(np.log(changes["factor"])))
    effective = changes["date_kind"] == "effective_from"
    every = pd.Series(data=True, index=changes.index)
    print("\nSizes: mean log score of later changes (vendors); and its loss to the first, with the error over dates")
    for name, tested, trained in (
        ("effective dates, from all before", effective, every),
        ("effective dates, from the same before", effective, effective),
        ("all dated changes, from all before", every, every),
    ):
        table = scores(changes, tested, trained)
        print(f"  {name}: {len(table)} changes on {table['by'].nunique()} dates")
        for design in DESIGNS:
            loss = (table["shrunk log-normal"] - table[design]).groupby(table["by"]).sum()
            error = np.sqrt(len(loss)) * loss.std(ddof=1) / len(table)
            ways = table.groupby("direction")[design].mean()
            print(
                f"    {design:22s}{table[design].mean():7.3f}   down {ways['down']:6.3f}  up {ways['up']:6.3f}"
                f"   loss {loss.sum() / len(table):+.3f} ± {error:.3f}"
            )


# ------------------------------------------------------------------------------------------------- rates held out


def held_out() -> None:
    """Changes after a date, beside what the fit as of that date foresaw for as many SKU-years of each provider."""
    print("\nLater changes (vendors): seen, and foreseen from what was known then, P10 to P90")
    print("  with spells: as paths draw it; without: one constant rate, Gamma(n + 1/2, E)")
    for kind, dates, end in (
        ("effective_from", ("2026-03-01", "2026-06-01", "2026-08-20"), "2026-11-09"),
        ("changed_between_snapshots", ("2024-08-01", "2024-10-30", "2025-03-29"), "2025-08-13"),
    ):
        for day in dates:
            try:
                before = calibrate(as_of=day, date_kinds=(kind,))
            except fc.ModelError as refusal:
                print(f"  {kind}, as of {day}: refused: {refusal}")
                continue
            after = calibrate(as_of=end, start=pd.Timestamp(day) + pd.Timedelta(days=1), date_kinds=(kind,))
            plain, seen, rng = before.pooled.rate, after.pooled.rate, np.random.default_rng(0)
            total = np.zeros(20_000)
            for one in after.providers:
                ahead = before.of(one.provider).rate.ahead
                total += rng.poisson(rng.gamma(ahead.shape, one.rate.watched / ahead.years, len(total)))
            low, high = np.quantile(total, [0.1, 0.9])
            fixed = stats.nbinom(plain.shape, plain.years / (plain.years + seen.watched)).ppf([0.1, 0.9])
            print(
                f"  {kind}, as of {day}: {seen.changes} in {seen.watched:.0f} SKU-years; with spells {low:.0f} to "
                f"{high:.0f}, without {fixed[0]:.0f} to {fixed[1]:.0f} (from {plain.changes} in {plain.watched:.0f})"
            )


def spells() -> None:
    """How far the pace of half-years varies: the likelihood of the shape of spells, all else averaged."""
    print("\nShape of spells: log likelihood to the best, other parameters averaged; 1e9 is none")
    shapes = np.array([0.25, 0.5, 0.7, 1.0, 2.0, 5.0, 20.0, 1e9])
    found = {}
    for kind, begin, end in (
        ("effective_from", "2025-06-01", "2026-11-09"),
        ("changed_between_snapshots", "2024-03-26", "2025-08-13"),
    ):
        found[kind] = evidence(*by_spell(kind, pd.Timestamp(begin), pd.Timestamp(end)), shapes)
    table = pd.DataFrame(found, index=[f"{s:g}" for s in shapes])
    table["both"] = table.sum(axis=1)
    print((table - table.max()).round(2).to_string())


def by_spell(kind: str, begin: pd.Timestamp, end: pd.Timestamp) -> tuple[np.ndarray, np.ndarray]:
    """Changes and SKU-years of vendors by half-year: (provider, spell)."""
    changes = price_changes(date_kinds=[kind], sellers=["vendor"])
    moved = changes["direction"].isin(["up", "down"]) & ~changes["published"] & (changes["family"] != REPLACED)
    changes = changes[moved]
    count = (end - begin).days // SPELL
    edges = [begin, *(end - pd.Timedelta(days=SPELL * k) for k in range(count - 1, -1, -1))]
    years, n = {}, {}
    for start, stop in pairwise(edges):
        span = exposure(start=start, end=stop, date_kinds=[kind])
        years[stop] = span.groupby("provider")["years"].sum()
        inside = (changes["by"] > start) & (changes["by"] <= stop)
        n[stop] = changes[inside].groupby("provider").size()
    watched = pd.DataFrame(years).fillna(0.0)
    return pd.DataFrame(n).reindex(watched.index).fillna(0).to_numpy(), watched.to_numpy()


def evidence(n: np.ndarray, years: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Log likelihood of each shape, with rates Gamma(k m, k), m and k averaged evenly on their logs: (shape,)."""
    rates = np.geomspace(1e-4, 10, 200)
    prior = [
        np.diff(stats.gamma.cdf(np.append(rates, np.inf), k * m, scale=1 / k))
        for m in np.geomspace(0.01, 1, 15)
        for k in np.geomspace(1, 300, 10)
    ]
    out = []
    for shape in shapes:
        mean = rates[:, None, None] * np.maximum(years, 1e-12)
        given = np.exp(stats.nbinom.logpmf(n, shape, shape / (shape + mean)).sum(axis=2))
        out.append(np.log(np.exp(np.log(np.array(prior) @ given).sum(axis=1)).mean()))
    return np.array(out)


# ------------------------------------------------------------------------------------------------- launches and time


def launched() -> None:
    fitted = launch_prices()
    print(f"\n{fitted!r}")
    print(fitted.fit.round(2).to_string(index=False))
    drawn = fitted.sample_launch("openai", "flagship", draws=20_000, seed=0)
    days, ratios = (np.quantile(values, [0.1, 0.5, 0.9]) for values in (drawn.days, drawn.price_ratio))
    print(f"next openai flagship: days {np.round(days)}, price ratio {np.round(ratios, 2)} (P10, P50, P90)")


def timed() -> None:
    begun = time.perf_counter()
    process = calibrate()
    fitted = time.perf_counter() - begun
    skus = pd.DataFrame(
        [(p.provider, f"m{i}") for i in range(3) for p in process.providers][:20], columns=["provider", "model"]
    )
    days = pd.date_range("2026-11-28", periods=184)
    begun = time.perf_counter()
    jumps = process.jumps(skus, days, draws=10_000, seed=0)
    drawn = time.perf_counter() - begun
    begun = time.perf_counter()
    factors = process.sample(skus, days, draws=10_000, seed=0)
    print(
        f"\ncalibrate {fitted:.2f} s; 10,000 draws × 184 days × 20 SKUs: {jumps!r} in {drawn:.2f} s, "
        f"all factors ({factors.nbytes / 1e6:.0f} MB) in {time.perf_counter() - begun:.2f} s"
    )
    last = factors[:, -1, :]
    print(f"after 184 days {100 * (last != 1).mean():.1f} % of prices have moved; mean factor {last.mean():.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, help="folder for the two pictures of the fit")
    folder = parser.parse_args().pictures
    rows = fc.price_history()
    print(f"{len(rows):,} prices of {rows.groupby(['provider', 'model']).ngroups:,} SKUs")
    print(rows.groupby("date_kind")["entry"].nunique().to_string())
    facts()
    fits()
    experiment()
    spells()
    held_out()
    launched()
    timed()
    for what in ("sizes", "rates") if folder else ():
        calibrate().plot(what).figure.savefig(folder / f"price_{what}.png")


if __name__ == "__main__":
    main()
