"""The scene of a scenario: what a change may look at. Comes in: a projection, prices, random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.calendars import date_of
from forecast.errors import PriceError, ScenarioError
from forecast.lanes import sku_prices, units_per_price
from forecast.panel import BoolArray, FloatArray
from forecast.prices import PriceBook
from forecast.projection import Projection
from forecast.ranges import Kind, Uncertain
from forecast.shown import short_repr
from scenarios.changes.clock import Clock
from scenarios.changes.flows import GIGABYTES, VOLUME, Flows, Part, Scope, Term
from scenarios.changes.matching import NothingMatchesError, matching
from scenarios.changes.world import World
from scenarios.spans import Spans, spans_of

_ONE = np.ones(1)
_SKU = ("provider", "model", "service_tier", "context_tier", "unit")


@dataclass(frozen=True, slots=True)
class Quotes:
    """A price book on the periods of one projection, each SKU looked up once.

    Attributes
    ----------
    prices : PriceBook
    days : DatetimeIndex (period,)
    billed : str or None
        Currency of what is known only as money.
    """

    __repr__ = short_repr

    prices: PriceBook
    days: pd.DatetimeIndex
    billed: str | None
    _known: dict[tuple[object, ...], FloatArray] = field(default_factory=dict, repr=False)
    _currency: dict[frozenset[tuple[object, ...]], str | None] = field(default_factory=dict, repr=False)

    def of(self, labels: pd.DataFrame) -> FloatArray:
        """Money a unit by the book: (period, row); NaN where it has no price."""
        names = [c for c in _SKU if c in labels]
        if labels.empty:
            return np.zeros((len(self.days), 0))
        code = labels.groupby(names, dropna=False, sort=False).ngroup().to_numpy()
        first = np.unique(code, return_index=True)[1]
        distinct = labels[names].iloc[first]
        keys = [tuple(None if pd.isna(v) else v for v in row) for row in distinct.itertuples(index=False)]
        new = [i for i, key in enumerate(keys) if key not in self._known]
        if new:
            asked = distinct.iloc[new].reset_index(drop=True)
            for column, key in zip(
                sku_prices(asked, self.days, self.prices, billed=self.billed).price.T, new, strict=True
            ):
                self._known[keys[key]] = column
        return np.stack([self._known[key] for key in keys], axis=1)[:, code]

    def currency(self, labels: pd.DataFrame) -> str | None:
        """The one currency of some SKUs, or None where none has a price."""
        names = [c for c in _SKU if c in labels]
        asked = labels[names].drop_duplicates().reset_index(drop=True)
        key = frozenset(asked.astype("object").where(asked.notna(), None).itertuples(index=False, name=None))
        if key not in self._currency:
            self._currency[key] = sku_prices(asked, self.days, self.prices, billed=self.billed).currency
        return self._currency[key]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a change looks at while it acts.

    Attributes
    ----------
    projection : Projection
    world : World
        Random numbers, by meaning.
    clock : Clock
    spans : Spans
        The months that money is told by.
    quotes : Quotes
    """

    projection: Projection
    world: World
    clock: Clock
    spans: Spans
    quotes: Quotes

    @classmethod
    def of(cls, projection: Projection, prices: PriceBook, world: World, quotes: Quotes | None = None) -> Scene:
        """The scene of one projection; ``quotes`` shares what was looked up for another scenario."""
        clock = Clock.of(
            projection.as_of, projection.days, projection.elapsed, monthly=projection.usage.grain == "month"
        )
        known = quotes or Quotes(prices, projection.days, projection.usage.currency)
        return cls(projection, world, clock, spans_of(projection), known)

    # ------------------------------------------------------------------------------------------------- which flows

    def matching(self, flows: Flows, where: Mapping[str, str], *, what: str) -> BoolArray:
        """Flows whose labels match globs: (flow,). Volume that no longer has a request of its own is none of them.

        Raises
        ------
        ScenarioError
            A column is none, or a glob matches nothing; the message has the nearest names.
        """
        columns = [c for c in flows.labels.columns if c != "workload"]
        sent = ~flows.avoided
        found = np.zeros(len(flows), dtype=bool)
        found[sent] = matching(flows.labels.loc[sent, columns], where, what=what, error="the usage")
        return found

    def demand(self, flows: Flows, where: Mapping[str, str], *, what: str) -> BoolArray:
        """The same, and the volume of the same workloads that no longer has a request of its own: (flow,).

        What moves the volume of a workload moves that too, listed before the change that saves requests or after it.
        Globs over routes choose none of it.
        """
        found = self.matching(flows, where, what=what)
        own = [c for c in self.projection.workloads.columns if c in flows.labels]
        avoided = flows.avoided
        if avoided.any() and set(where) <= set(own):
            found = found | (avoided & matching(flows.labels[own], where, what=what, error="the usage"))
        return found

    def units(self, flows: Flows, rows: BoolArray, units: tuple[str, ...], *, what: str) -> BoolArray:
        """Of some flows, those of some units; an error where there are none."""
        found: BoolArray = rows & np.asarray(flows.labels["unit"].isin(units))
        if not found.any():
            there = sorted(set(flows.labels.loc[rows, "unit"]) - {VOLUME})
            raise NothingMatchesError(
                f"{what}: what it acts on has no {' or '.join(units)}; it has {', '.join(there) or 'nothing billed'}"
            )
        return found

    # -------------------------------------------------------------------------------------------- what is drawn once

    def draw(self, key: str, value: Uncertain, kind: Kind, parameter: str, group: str = "all") -> FloatArray:
        """One value a draw of an uncertain number: (draw,)."""
        if isinstance(value, float | int):
            return np.full(self.world.draws, float(value))
        what = f"{key.split('|', 1)[0]}: {parameter}"
        return ranges.values(value, self.world.uniform(key, group, parameter), kind, what)

    def coin(self, key: str, probability: float, group: str = "all") -> BoolArray:
        """Whether it happens, in each draw: (draw,)."""
        return np.asarray(self.world.uniform(key, group, "coin") < probability)

    # ------------------------------------------------------------------------------------------------------- dates

    def date(self, value: str | pd.Timestamp | None, what: str) -> pd.Timestamp | None:
        """A date that a change names: from the first day of the history to the last of the horizon.

        Raises
        ------
        ScenarioError
            It lies outside.
        """
        if value is None:
            return None
        day, begun = date_of(value, what, ScenarioError), self.projection.usage.start.normalize()
        if day < begun:
            raise ScenarioError(f"{what} = {day:%Y-%m-%d}: lies before the history, which begins on {begun:%Y-%m-%d}")
        if day > self.clock.last:
            raise ScenarioError(
                f"{what} = {day:%Y-%m-%d}: lies after the horizon, which ends on {self.clock.last:%Y-%m-%d}"
            )
        return day

    # ------------------------------------------------------------------------------------------------------- prices

    def require_price(self, labels: pd.DataFrame, *, what: str) -> None:
        """Refuse SKUs that the price book does not know on every day.

        Raises
        ------
        ScenarioError
            One is unpriced; the message names it.
        """
        billed = labels[labels["unit"] != VOLUME]
        if billed.empty:
            return
        missing = np.isnan(self.quotes.of(billed)).any(axis=0)
        if missing.any():
            first = billed[missing].iloc[0]
            names = {c: None if pd.isna(first.get(c)) else str(first[c]) for c in ("provider", "model", "service_tier")}
            told = "" if names["service_tier"] is None else f" ({names['service_tier']})"
            owner = names["provider"] or "any provider"
            raise ScenarioError(
                f"{what}: {owner}/{names['model']} has no price for {first['unit']}{told}; "
                "add it to the price book, or state its prices in the change where it takes them"
                f"{self._why(names, str(first['unit']))}"
            )

    def _why(self, names: Mapping[str, str | None], unit: str) -> str:
        """What the price book itself says of a SKU that it cannot price."""
        try:
            self.quotes.prices.quote(
                names["provider"],
                str(names["model"]),
                unit,
                self.clock.first,
                service_tier=names["service_tier"] or "standard",
            )
        except PriceError as why:
            return f": {why}"
        return ""

    def priced(self, flows: Flows, *, provider: str, model: str, unit: str, what: str) -> BoolArray:
        """Billed flows whose provider, model and unit match globs: (flow,)."""
        billed = ~flows.volume & np.asarray(flows.labels["unit"] != GIGABYTES)
        globs = {c: g for c, g in (("provider", provider), ("model", model), ("unit", unit)) if g != "*"}
        found = np.zeros(len(flows), dtype=bool)
        found[billed] = matching(
            flows.labels.loc[billed, ["provider", "model", "unit"]], globs, what=what, error="the SKUs in use"
        )
        return found

    def book(self, flows: Flows) -> FloatArray:
        """Money for one unit by the book, or as a change stated it: (period, flow); 0 for volume, NaN where unknown."""
        out = np.zeros((len(self.clock.periods), len(flows)))
        ask = ~flows.volume & ~np.isfinite(flows.quoted)
        if ask.any():
            out[:, ask] = self.quotes.of(flows.labels[ask])
        stated = np.isfinite(flows.quoted)
        out[:, stated] = (flows.quoted / self.per(flows.labels))[stated]
        return out

    def per(self, labels: pd.DataFrame) -> FloatArray:
        """How many units a quoted price is for: (flow,)."""
        return units_per_price(labels)


def constant(profile: FloatArray) -> Term:
    """A factor that is the same in every draw: ``profile`` (period,)."""
    row = np.asarray(profile, dtype="float64")[None, :]

    def value(scope: Scope) -> FloatArray:
        return row

    return Term(value, (Part(_ONE, row[0]),))


def by_draw(values: FloatArray, profile: FloatArray | None = None) -> Term:
    """1 + value · profile: what comes in by ``profile`` (period,), to the extent that each draw has of it (draw,)."""
    come = _ONE if profile is None else np.asarray(profile, dtype="float64")

    def value(scope: Scope) -> FloatArray:
        return np.asarray(1.0 + values[scope.draws][:, None] * come[None, :])

    # Where it has not begun and where it is whole, one product each, so that all of a flow less all of it is nothing.
    none, whole = come == 0.0, come == 1.0
    between = ~none & ~whole
    parts = (
        Part(_ONE, np.where(none | between, 1.0, 0.0)),
        Part(1.0 + values, np.where(whole, 1.0, 0.0)),
        Part(values, np.where(between, come, 0.0)),
    )
    return Term(value, tuple(part for part in parts if part.by_period.any()))


def by_path(values: FloatArray, profile: FloatArray | None = None) -> Term:
    """Value · profile: a factor (draw,), where a profile (period,) is given as far as it has come."""
    come = _ONE if profile is None else np.asarray(profile, dtype="float64")

    def value(scope: Scope) -> FloatArray:
        return np.asarray(values[scope.draws][:, None] * come[None, :])

    return Term(value, (Part(values, come),))


def part(values: FloatArray, profile: FloatArray | None = None) -> tuple[Term, Term]:
    """What stays and what goes of a flow of which a share goes: 1 - share · profile, and share · profile."""
    return by_draw(-values, profile), by_path(values, profile)
