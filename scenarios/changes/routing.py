"""Requests to other models. Comes in: which share goes where, from when. Goes out: its tokens at the other's price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Final, Protocol

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import ScenarioError, one_of
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.prices.matching import name_or_none
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import Day, Stage, Step, checked, checked_day, told
from scenarios.changes.flows import Flows, Scope, Term
from scenarios.changes.levers import OUTPUT, PROMPT, Lever, known_as_money, share_of
from scenarios.changes.matching import NothingMatchesError
from scenarios.changes.scene import Scene, by_draw, by_path

#: Input that a model without a price for it reads as plain input.
_CACHED: Final = PROMPT[1:]
_IN: Final = (*PROMPT, "input_audio_tokens")
_OUT: Final = (*OUTPUT, "output_audio_tokens")


@dataclass(frozen=True, slots=True)
class Detour(Lever):
    """What :class:`Route`, :class:`Migrate` and :class:`FineTune` share: requests of one model go to another.

    With s the share, r that of routed requests that fail and are answered again by the source, and a as far as it has
    come, the source keeps 1 - a · s · (1 - r) of its tokens and requests; the target gets a · s of the tokens, times
    the ratio of their kind, and answers a · s · (1 - r) of the requests. A request counts once, where it is answered;
    what failed is paid at the target, and again at the source. Of two detours from one source the second takes its
    share of what the first left, so they never take more than all.

    Tokens read from or written to a cache go as such where the target has a price for them, and as plain input where
    it has none. Usage known only as money stays as it is, and so does what is on the target already.
    """

    stage: ClassVar[Stage] = "mix"

    model: str
    to: str
    _: KW_ONLY
    share: Uncertain = 1.0
    provider: str | None = None
    input_ratio: Uncertain = 1.0
    output_ratio: Uncertain = 1.0
    retries: Uncertain = 0.0

    def _check(self) -> None:
        what = type(self).__name__
        if not isinstance(self.to, str) or not self.to.strip() or any(c in self.to for c in "*?["):
            raise ScenarioError(f"{what}.to = {self.to!r}: wanted the name of one model, such as 'gpt-5-mini'")
        checked(self, "share", "share")
        checked(self, "input_ratio", "amount")
        checked(self, "output_ratio", "amount")
        checked(self, "retries", "share")
        self._check_more()

    def _check_more(self) -> None:
        """Check what is not common to all detours."""

    def _apart(self) -> tuple[object, ...]:
        return (self.to,)

    def describe(self) -> str:
        """In plain words."""
        using = f"{told_ratios(self)}{told_prices(self._prices())}"
        again = f"; {told(self.retries, 'share')} of them are answered again" if self.retries != 0.0 else ""
        where = self.to if self.provider is None else f"{self.provider}/{self.to}"
        return self._told(f"{share_of(self.share, 'requests')}{{of}} {self._verb()} to {where}{using}{again}")

    def _verb(self) -> str:
        return "go"

    def _share(self, scene: Scene) -> FloatArray:
        """The share that goes: (draw,)."""
        return self._drawn(scene, self.share, "share", "share")

    def _prices(self) -> Mapping[str, float]:
        """Prices of the target that the change states, money a quoted unit."""
        return {}

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Send requests to another model."""
        rows = self._rows(flows, scene)
        what, prices = type(self).__name__, self._prices()
        target = targets(flows, rows, scene, to=self.to, provider=self.provider, prices=prices, what=what)
        share = self._share(scene)
        if not share.any():
            return flows
        come = self._come(scene)
        retried = self._drawn(scene, self.retries, "share", "retries")
        parts = {
            "volume": by_path(share * (1.0 - retried), come),
            "in": by_path(share * self._drawn(scene, self.input_ratio, "amount", "input_ratio"), come),
            "out": by_path(share * self._drawn(scene, self.output_ratio, "amount", "output_ratio"), come),
            "other": by_path(share, come),
        }
        whole, moved = sent(flows, rows, target, parts, to=self.to, prices=prices)
        return self._judged(whole, scene, moved, None).times(
            np.nonzero(rows)[0].astype(np.intp), _left(parts["volume"])
        )

    def _rows(self, flows: Flows, scene: Scene) -> BoolArray:
        """Flows that may go: (flow,)."""
        what, touched = type(self).__name__, self._touched(flows, scene)
        there = np.asarray(flows.labels["model"] == self.to)
        if self.provider is not None:
            there = there & np.asarray(flows.labels["provider"] == self.provider)
        rows: BoolArray = touched & ~known_as_money(flows) & ~there
        if not rows.any():
            why = f"is on {self.to} already" if (touched & there).any() else "is known only as money"
            raise NothingMatchesError(f"{what}: all that model={self.model!r} touches {why}")
        if (flows.labels.loc[rows, "unit"] == "total_tokens").any() and (self.input_ratio, self.output_ratio) != (1, 1):
            raise ScenarioError(
                f"{what}: some of what it touches is known only as total_tokens, which neither input_ratio nor "
                "output_ratio fits"
            )
        return rows


class Ratios(Protocol):
    """A change that says how many tokens a request takes at another model."""

    @property
    def input_ratio(self) -> Uncertain:
        """Input there over input here."""
        ...

    @property
    def output_ratio(self) -> Uncertain:
        """Output there over output here."""
        ...


def told_ratios(change: Ratios) -> str:
    """In words, the ratios that are not 1."""
    ratios = [
        f"{told(value, 'amount')} times the {kind}"
        for value, kind in ((change.input_ratio, "input"), (change.output_ratio, "output"))
        if value != 1.0
    ]
    return f" with {' and '.join(ratios)}" if ratios else ""


def told_prices(prices: Mapping[str, float]) -> str:
    """In words, the prices that a change states."""
    return " at " + ", ".join(f"{v:g} a quoted unit of {u}" for u, v in prices.items()) if prices else ""


def checked_prices(change: object, field: str = "prices") -> None:
    """Check a field that holds prices by billable unit, money a quoted unit, and keep it as the change's own."""
    prices, what = getattr(change, field), f"{type(change).__name__}.{field}"
    if not isinstance(prices, Mapping):
        raise ScenarioError(f"{what} = {prices!r}: wanted prices by unit, such as {{'output_tokens': 10.0}}")
    for unit, price in prices.items():
        one_of(f"{what}: unit", unit, schema.BILLABLE, ScenarioError)
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < np.inf:
            raise ScenarioError(f"{what}: {unit} = {price!r}: wanted money a quoted unit, 0 or more")
    object.__setattr__(change, field, {unit: float(price) for unit, price in prices.items()})


@dataclass(frozen=True, slots=True)
class Target:
    """Under which unit and provider flows are billed at another model: both (row,)."""

    units: tuple[str, ...]
    owners: tuple[str | None, ...]


def targets(
    flows: Flows,
    rows: BoolArray,
    scene: Scene,
    *,
    to: str,
    provider: str | None,
    prices: Mapping[str, float],
    what: str,
) -> Target:
    """The unit and provider under which each of some flows is billed at another model.

    Parameters
    ----------
    prices : mapping
        Prices of the other model that a change states, by unit; then cached input not among them is plain input.

    Raises
    ------
    ScenarioError
        It has no price for some unit.
    """
    labels = flows.labels[rows].assign(model=to)
    sources = [name_or_none(own) for own in labels["provider"]]
    owner = {own: _owner(own, to, provider, prices, scene) for own in dict.fromkeys(sources)}
    owners = [owner[own] for own in sources]
    labels = labels.assign(provider=pd.Series(owners, index=labels.index, dtype="object"))
    known = labels["unit"].isin(prices).to_numpy()
    cached = labels["unit"].isin(_CACHED).to_numpy() & ~known
    if cached.any():
        dear = np.full(len(labels), fill_value=True) if prices else np.zeros(len(labels), dtype=bool)
        dear[cached] |= np.isnan(scene.quotes.of(labels[cached])).any(axis=0)
        labels = labels.assign(unit=labels["unit"].mask(cached & dear, PROMPT[0]))
    scene.require_price(labels[~labels["unit"].isin(prices)], what=what)
    return Target(tuple(labels["unit"]), tuple(owners))


def sent(
    flows: Flows,
    rows: BoolArray,
    target: Target,
    parts: Mapping[str, Term],
    *,
    to: str,
    prices: Mapping[str, float],
) -> tuple[Flows, IntArray]:
    """Send a part of some flows to another model, and leave what stays as it is.

    Parameters
    ----------
    parts : mapping of Term
        What goes of ``volume``, of tokens ``in`` and ``out``, and of ``other`` units.

    Returns
    -------
    The flows, and the numbers of the flows of volume that went.
    """
    kind = np.where(flows.volume[rows], "volume", [_kind(u) for u in flows.labels.loc[rows, "unit"]])
    at, whole = np.nonzero(rows)[0].astype(np.intp), flows
    groups = list(zip(target.units, target.owners, kind, strict=True))
    volume = [np.zeros(0, dtype=np.intp)]
    for group in dict.fromkeys(groups):
        mine = at[[same == group for same in groups]]
        unit, owner, part = group
        whole, moved = whole.split(mine, None, parts[part], {"provider": owner, "model": to, "unit": unit})
        whole = whole.at_price(moved, prices.get(unit, np.nan))
        if part == "volume":
            volume.append(moved)
    return whole, np.concatenate(volume)


def _owner(source: str | None, to: str, provider: str | None, prices: Mapping[str, float], scene: Scene) -> str | None:
    """The provider of another model: the one given, the source's where it sells the model, or the book's."""
    if provider is not None:
        return provider
    if prices or scene.quotes.prices.match(source, to).families:
        return source
    return scene.quotes.prices.match(None, to).seller


def _kind(unit: str) -> str:
    return "in" if unit in _IN else "out" if unit in _OUT else "other"


def _left(gone: Term) -> Term:
    """What stays where some part goes: 1 less it."""
    if gone.parts is not None and len(gone.parts) == 1:
        return by_draw(-gone.parts[0].by_draw, gone.parts[0].by_period)

    def value(scope: Scope) -> FloatArray:
        return np.asarray(1.0 - gone.value(scope))

    return Term(value)


@dataclass(frozen=True, slots=True)
class Route(Detour):
    """A router sends a share of one model's requests to another, such as a smaller or task-specific one.

    Parameters
    ----------
    model : str
        Glob of the sources: ``"gpt-5"``.
    to : str
        The model that answers in their place.
    share : number, between(low, high) or frozen scipy distribution
        Of the sources' requests, those that are routed.
    provider : str, optional
        Who sells it; the source's provider where it does, else the one that the price book names.
    input_ratio, output_ratio : number, between(low, high) or frozen scipy distribution
        Tokens a request at the target over those at the source.
    retries : number, between(low, high) or frozen scipy distribution
        Of the routed requests, those that fail and are answered again by the source; both are paid.
    where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`; ``quality`` is lost on what the target answers.
    """

    __repr__ = short_repr

    share: Uncertain

    def _verb(self) -> str:
        return "are routed"


@dataclass(frozen=True, slots=True)
class Migrate(Detour):
    """Requests of one model go to another from a date: a migration by choice, or one that a vendor forces.

    Parameters
    ----------
    model : str
        Glob of the sources: ``"gpt-4o*"``.
    to : str
        The model that answers in their place.
    on : date
        The first day.
    share, provider, input_ratio, output_ratio, retries
        As of :class:`Route`; all requests unless a share is given.
    forced : bool
        A bridge calls the effect mix where it is, and one of levers where it is not.
    where, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`.
    """

    __repr__ = short_repr

    _: KW_ONLY
    on: Day
    forced: bool = False

    def _check_more(self) -> None:
        checked_day(self, "on", needed=True)

    @property
    def step(self) -> Step:  # type: ignore[override]
        """Mix where it is forced, else levers."""
        return "mix" if self.forced else "levers"

    def _verb(self) -> str:
        return "have to move" if self.forced else "move"
