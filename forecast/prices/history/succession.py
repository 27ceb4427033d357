"""Launch prices of successors. Comes in: launches by tier. Goes out: when the next comes, and at what price.

A provider's price for its best model falls and rises as it launches the next one, and few prices change in between: who
moves on to new models pays their launch prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Final

import numpy as np
import pandas as pd

from forecast.errors import ModelError, PriceError, nearest
from forecast.panel import FloatArray
from forecast.prices.history import records
from forecast.prices.history.changes import DAYS_IN_YEAR, INPUT_WEIGHT, price_changes
from forecast.prices.history.rates import Rate, shrunk_rates
from forecast.shown import Result, Shown, table_of
from forecast.streams import stream

#: A launch price that the source itself changed within so many days is the changed one.
CORRECTED_WITHIN: Final = 7
#: Words by which models of one tier and day are told apart: each word has successors of its own.
VARIANTS: Final = ("nano", "mini", "pro", "flash")
#: Until when the shipped launches are complete.
LAUNCHES_UNTIL: Final = records.READ_ON["models.dev"]
_LAUNCH_COLUMNS: Final = ("provider", "tier", "model", "launched", "input", "output", "blended", "corrected")


@dataclass(frozen=True, slots=True)
class LaunchSample:
    """The next launch of a tier in each future.

    Attributes
    ----------
    days : float array (draw,)
        From the as-of date to the launch; not bounded.
    price_ratio : float array (draw,)
        The successor's launch price over its predecessor's (blended three of input to one of output).
    """

    days: FloatArray
    price_ratio: FloatArray


@dataclass(frozen=True, slots=True, repr=False)
class LaunchProcess(Result):
    """Launches of successors: a Poisson process a tier, and launch prices like those that were.

    The time to the next launch is exponential with a rate that is known up to a Gamma law, which takes the time since
    the last launch into account (no launch is news too): days = 365.25 · Pareto II (Lomax). The price ratio is one of
    those seen, with weights drawn by the Bayesian bootstrap (Rubin 1981, doi:10.1214/aos/1176345338): equal prices
    stay as likely as they were.

    Attributes
    ----------
    successions : DataFrame
        As :func:`successors` returns it.
    tiers : tuple of (provider, tier)
    rates : tuple of Rate
        Launches a year, of each tier.
    other : Rate
        Of a tier that is not among them.
    ratios : tuple of float
    as_of : Timestamp
    """

    successions: pd.DataFrame
    tiers: tuple[tuple[str, str], ...]
    rates: tuple[Rate, ...]
    other: Rate
    ratios: tuple[float, ...]
    as_of: pd.Timestamp

    def rate(self, provider: str, tier: str) -> Rate:
        """Launches a year of a tier; those of any other tier where it has no history."""
        key = (records.main_name(provider.casefold()), tier.casefold())
        return self.rates[self.tiers.index(key)] if key in self.tiers else self.other

    @property
    def fit(self) -> pd.DataFrame:
        """What was fitted, a row a tier: launches, years watched, rate a year with P10 and P90, own price ratios."""
        keys = [*self.tiers, ("(any other)", "")]
        ratios = self.successions.groupby(["provider", "tier"])["ratio"].agg(list).to_dict()
        rows = [
            {
                "provider": provider,
                "tier": tier,
                "successions": rate.changes,
                "years": rate.watched,
                "rate": rate.mean,
                "rate_p10": rate.quantile(0.1),
                "rate_p90": rate.quantile(0.9),
                "ratios": ", ".join(f"{r:.2f}" for r in ratios.get((provider, tier), [])),
            }
            for (provider, tier), rate in zip(keys, (*self.rates, self.other), strict=True)
        ]
        return pd.DataFrame(rows)

    def sample_launch(self, provider: str, tier: str, *, draws: int, seed: int) -> LaunchSample:
        """Days to a tier's next launch, and its price over the present model's, in each future.

        The rate of a path and the weights of the ratios are drawn once a path; streams are keyed by provider and tier.
        """
        if draws < 1:
            raise PriceError(f"draws {draws} is below 1")
        law, key = self.rate(provider, tier), (records.main_name(provider.casefold()), tier.casefold())
        rate = stream(seed, "launch rate", *key).gamma(law.shape, 1 / law.years, size=draws)
        gap = stream(seed, "launch gap", *key).standard_exponential(draws) / rate * DAYS_IN_YEAR
        weight = stream(seed, "launch weights").standard_exponential((draws, len(self.ratios)))
        reach = np.cumsum(weight, axis=1)
        at = stream(seed, "launch price", *key).uniform(size=draws) * reach[:, -1]
        which = (reach < at[:, None]).sum(axis=1)
        return LaunchSample(days=gap, price_ratio=np.array(self.ratios)[which])

    def __repr__(self) -> str:
        logs = np.log(self.ratios)
        up, down = int((logs > 0).sum()), int((logs < 0).sum())
        return (
            f"LaunchProcess({len(self.ratios)} successions in {len(self.tiers)} tiers: {down} cheaper, "
            f"{len(logs) - up - down} at the same price, {up} dearer, median ratio {np.median(self.ratios):.2f}; "
            f"as of {self.as_of:%Y-%m-%d})"
        )

    def show(self) -> Shown:
        """How often each tier was succeeded, and at what price."""
        said = repr(self).removeprefix("LaunchProcess(").removesuffix(")")
        return Shown("How models succeed each other", said, (table_of(self.fit, where="process.fit"),))


def launches() -> pd.DataFrame:
    """The shipped launch prices by provider and tier.

    Columns provider, tier, model, launched, input, output (US dollars per million tokens), blended (¾ input + ¼
    output), corrected: the source changed the price within a week of the launch, and the changed one is given.
    """
    table = _shipped().rename(
        columns={"release_date": "launched", "input_usd_per_mtok": "input", "output_usd_per_mtok": "output"}
    )
    table["provider"] = table["provider"].map(records.main_name)
    table["launched"] = pd.to_datetime(table["launched"]).astype("datetime64[s]")
    table["corrected"] = False
    soon = price_changes(date_kinds=("repo_commit_date",)).sort_values("by", kind="stable")
    soon = soon[soon["correction"] & soon["direction"].isin(["up", "down"])]
    for i, row in table.iterrows():
        same = soon[(soon["provider"] == row["provider"]) & (soon["model"] == row["model"])]
        same = same[(same["by"] - row["launched"]).dt.days.between(0, CORRECTED_WITHIN)]
        for change in same.itertuples():
            table.loc[i, ["input", "output"]] *= [change.factor_input, change.factor_output]  # type: ignore[index]
            table.loc[i, "corrected"] = True
    table["blended"] = INPUT_WEIGHT * table["input"] + (1 - INPUT_WEIGHT) * table["output"]
    return table[list(_LAUNCH_COLUMNS)]


def successors(history: pd.DataFrame | None = None, *, as_of: str | date | pd.Timestamp | None = None) -> pd.DataFrame:
    """Each launch with the one before it in its provider's tier.

    Models of one tier that launch on one day are variants (mini, nano, …), each with its own line.

    Parameters
    ----------
    history : DataFrame, optional
        Launches with the columns of :func:`launches` (``corrected`` may be missing); by default the shipped ones.
    as_of : date, optional
        Later launches are not looked at.

    Returns
    -------
    DataFrame
        provider, tier (with the variant where it has one), predecessor, successor, launched, days (between the two
        launches), ratio (of blended launch prices).

    Raises
    ------
    PriceError
        A column is missing.
    """
    table = _by_line(history, as_of)
    lines = table.groupby(["provider", "tier"], sort=True)
    before = lines[["model", "launched", "blended"]].shift()
    pairs = pd.DataFrame(
        {
            "provider": table["provider"],
            "tier": table["tier"],
            "predecessor": before["model"],
            "successor": table["model"],
            "launched": table["launched"],
            "days": (table["launched"] - before["launched"]).dt.days,
            "ratio": table["blended"] / before["blended"],
        }
    )
    return pairs[before["model"].notna()].reset_index(drop=True)


def launch_prices(
    history: pd.DataFrame | None = None, *, as_of: str | date | pd.Timestamp | None = None
) -> LaunchProcess:
    """Fit intervals and price ratios of launches.

    Each tier is watched from its first launch to ``as_of`` (by default the day on which the shipped launches end), the
    time since its last launch included; its rate is drawn to the other tiers' by how short that is.

    Raises
    ------
    ModelError
        No launch has a predecessor.
    """
    day = LAUNCHES_UNTIL if as_of is None else pd.Timestamp(as_of).normalize()
    pairs = successors(history, as_of=day)
    if pairs.empty:
        raise ModelError(f"no launch by {day:%Y-%m-%d} has a predecessor in its tier: take a later as_of")
    table = _by_line(history, day)
    end = day if history is not None else min(day, LAUNCHES_UNTIL)
    years = (end - table.groupby(["provider", "tier"])["launched"].min()).dt.days / DAYS_IN_YEAR
    years = years[years > 0]
    tiers = [(str(p), str(t)) for p, t in years.index]
    counts = pairs.groupby(["provider", "tier"]).size().reindex(years.index, fill_value=0)
    rates = shrunk_rates(counts.to_numpy()[:, None], years.to_numpy()[:, None], even=True)
    return LaunchProcess(
        successions=pairs,
        tiers=tuple(tiers),
        rates=rates.own,
        other=rates.other,
        ratios=tuple(float(r) for r in pairs["ratio"]),
        as_of=end,
    )


def _by_line(history: pd.DataFrame | None, as_of: str | date | pd.Timestamp | None) -> pd.DataFrame:
    """Launches up to a day, earliest first, with the variant in the tier where one day has several."""
    table = launches() if history is None else history
    needed = ("provider", "tier", "model", "launched", "blended")
    for column in needed:
        if column not in table.columns:
            raise PriceError(f"launches: column {column!r} is missing{nearest(column, table.columns)}")
    table = table[list(needed)].assign(launched=pd.to_datetime(table["launched"]))
    if as_of is not None:
        table = table[table["launched"] <= pd.Timestamp(as_of)]
    several = table.groupby(["provider", "tier", "launched"])["model"].transform("size") > 1
    crowded = table[several].groupby(["provider", "tier"]).size()
    tiers = [
        f"{tier} {_variant(model)}".strip() if (provider, tier) in crowded.index else tier
        for provider, tier, model in zip(table["provider"], table["tier"], table["model"], strict=True)
    ]
    return table.assign(tier=tiers).sort_values(["provider", "tier", "launched"], kind="stable").reset_index(drop=True)


def _variant(model: str) -> str:
    words = model.casefold().split("-")
    return next((word for word in VARIANTS if word in words), "")


def _shipped() -> pd.DataFrame:
    with (files("forecast.prices.history") / "price_lineage_by_tier.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)
