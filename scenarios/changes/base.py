"""What a change is: one thing that would move one driver of the bill. Everything else here is built from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable

import pandas as pd

from forecast import ranges
from forecast.calendars import date_of
from forecast.errors import ScenarioError
from forecast.panel import BoolArray, FloatArray
from forecast.ranges import Kind, Uncertain
from forecast.shown import short_repr
from scenarios.changes.flows import Flows
from scenarios.changes.scene import Scene

#: A calendar day, as text (2027-02-01) or Timestamp; in a scenario's file also ``"start"``.
Day: TypeAlias = str | pd.Timestamp
#: In which order drivers are gone through; changes on one driver act in the order in which a scenario lists them.
Stage = Literal["volume", "mix", "intensity", "limit", "price", "response"]
STAGES: Final[tuple[Stage, ...]] = ("volume", "mix", "intensity", "limit", "price", "response")
#: What a bridge calls the effect of a change.
Step = Literal["volume", "intensity", "mix", "price", "levers", "one-offs", "currency"]
STEPS: Final[tuple[Step, ...]] = ("volume", "intensity", "mix", "price", "levers", "one-offs", "currency")
#: A relative change of a price or of tokens above this, a rise of 400 %, is taken for percent written as a number.
MOST_RISE: Final = 4.0


@runtime_checkable
class Change(Protocol):
    """One change on one driver. Frozen; composes with others.

    Its members say which driver it acts on (``stage``), what a bridge calls its effect (``step``), and what it does to
    the flows. What lasts is drawn once a path, with random numbers named by ``key``.
    """

    @property
    def key(self) -> str:
        """What the change is, in words that stay the same across scenarios: names its random numbers."""
        ...

    @property
    def name(self) -> str | None:
        """What a reader calls it; the kind where it is None."""
        ...

    @property
    def stage(self) -> Stage:
        """The driver it acts on."""
        ...

    @property
    def step(self) -> Step:
        """What a bridge calls its effect."""
        ...

    def describe(self) -> str:
        """In plain words, what it assumes."""
        ...

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """The flows after it."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """Money beside tokens that a change brings.

    Attributes
    ----------
    name : str
    environment : str or None
        Whose it is; None: dealt to all by the split.
    money : float array (draw, span)
    """

    __repr__ = short_repr

    name: str
    environment: str | None
    money: FloatArray


@runtime_checkable
class Costed(Protocol):
    """A change that also costs money beside tokens: a project, a licence, machines."""

    def lines(self, scene: Scene) -> list[Line]:
        """What it costs by span."""
        ...


@runtime_checkable
class Settling(Protocol):
    """A change of how some usage is billed, known only when a month's usage is added up: a contract."""

    def covers(self, flows: Flows, scene: Scene) -> BoolArray:
        """Whose usage it bills: (flow,)."""
        ...

    def counts(self) -> tuple[str, ...]:
        """Units that it counts beside money."""
        ...

    def meets(self, other: Settling) -> bool:
        """Whether it bills days that another bills too: then no usage may be of both."""
        ...

    def settle(
        self, spend: FloatArray, counted: Mapping[str, FloatArray], scene: Scene
    ) -> list[tuple[str, FloatArray]]:
        """Lines that are billed on top of the usage at its prices, or below 0 in its place: name, (draw, span).

        ``spend`` (draw, span) is the usage at its prices, ``counted`` its quantities (draw, span) by unit; the spans
        are those of the scene, the gap's among them.
        """
        ...


def kind_of(change: Change | type[Change]) -> str:
    """The word for the kind of a change or its class: the class's name in small letters, such as ``price_change``."""
    name = (change if isinstance(change, type) else type(change)).__name__
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def label_of(change: Change) -> str:
    """What a reader calls a change: its name, or its kind."""
    return change.name or kind_of(change)


def parameters_of(change: Change) -> dict[str, str]:
    """What may be tied to other parameters: each field that holds uncertain numbers, and a glob over their names.

    A class says by its class variable ``drawn`` where a name is not the field's; an empty one is of numbers that each
    event draws anew, which nothing can tie.
    """
    found: dict[str, str] = {}
    if is_dataclass(change):
        found = {f.name: f.name for f in fields(change) if "Uncertain" in str(f.type)}
    return found | dict(getattr(change, "drawn", {}))


def key_of(kind: str, *parts: object) -> str:
    """The key of a change: its kind and what tells it apart; a mapping by its sorted entries."""

    def told(value: object) -> str:
        if isinstance(value, Mapping):
            return ",".join(f"{k}={v}" for k, v in sorted(value.items()))
        if isinstance(value, pd.Timestamp):
            return str(value.date())
        return "" if value is None else str(value)

    return "|".join((kind, *map(told, parts)))


# ------------------------------------------------------------------------------- what the fields of a change may hold


def checked(change: object, field: str, kind: Kind, *, most: float | None = None) -> None:
    """Check an uncertain field of a frozen change and keep it as it is used; None stays None.

    A relative change above ``most`` is taken for percent written as a number, and refused.
    """
    value = getattr(change, field)
    if value is None:
        return
    object.__setattr__(change, field, known_as(value, kind, f"{type(change).__name__}.{field}", most=most))


def known_as(value: object, kind: Kind, what: str, *, most: float | None = None) -> Uncertain:
    """An uncertain number of a kind, checked as :func:`checked` does."""
    known = ranges.uncertain(value, what)
    ranges.in_domain(known, kind, what)
    for end in ranges.ends(known):
        if most is not None and end > most:
            raise ScenarioError(f"{what} = {end:g} is {end:+.0%}; for {end:g} % write {end / 100:g}")
    return known


def checked_day(change: object, field: str, *, needed: bool = False) -> None:
    """Check a field that holds a day and keep it as a Timestamp; None stays None."""
    value = getattr(change, field)
    what = f"{type(change).__name__}.{field}"
    if value is None or value == "":
        if needed:
            raise ScenarioError(f"{type(change).__name__}: say from which day: {field}='2027-02-01'")
        object.__setattr__(change, field, None)
        return
    object.__setattr__(change, field, date_of(value, what, ScenarioError))


def checked_term(change: object, names: tuple[str, str] = ("on", "until"), *, needed: Collection[str] = ()) -> None:
    """Check two fields that hold a first and a last day; the last may not lie before the first."""
    for name in names:
        checked_day(change, name, needed=name in needed)
    first, last = (stamp(getattr(change, name)) for name in names)
    if first is not None and last is not None and last < first:
        raise ScenarioError(
            f"{type(change).__name__}.{names[1]} = {last:%Y-%m-%d}: lies before {names[0]} = {first:%Y-%m-%d}"
        )


def stamp(day: Day | None) -> pd.Timestamp | None:
    """A checked day as a Timestamp."""
    return None if day is None else pd.Timestamp(day)


def checked_where(change: object, field: str = "where") -> None:
    """Keep a mapping of globs as the change's own."""
    value = getattr(change, field)
    what = f"{type(change).__name__}.{field}"
    if not isinstance(value, Mapping) or not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        raise ScenarioError(f'{what} = {value!r}: wanted globs by column, such as {{"project": "search*"}}')
    object.__setattr__(change, field, dict(value))


def checked_probability(change: object, field: str = "probability") -> None:
    """Check a field that holds a probability."""
    value = getattr(change, field)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ScenarioError(f"{type(change).__name__}.{field} = {value!r}: wanted a number from 0 to 1")


def checked_days(change: object, field: str) -> None:
    """Check a field that holds a number of days, such as a ramp."""
    value = getattr(change, field)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 3_650:
        raise ScenarioError(f"{type(change).__name__}.{field} = {value!r}: wanted a number of days from 0 to 3,650")


def told_where(where: Mapping[str, str], otherwise: str = "all workloads") -> str:
    """In words, what globs choose."""
    return ", ".join(f"{c} {p}" for c, p in where.items()) if where else otherwise


def told_from(on: Day | None, ramp: float = 0.0, until: Day | None = None) -> str:
    """In words, from when on, how fast, and until when."""
    start = "" if on is None else f" from {pd.Timestamp(on):%Y-%m-%d}"
    end = "" if until is None else f" until {pd.Timestamp(until):%Y-%m-%d}"
    return start + (f", within {ramp:g} days" if ramp else "") + end


def told_chance(probability: float) -> str:
    """In words, that something need not happen."""
    return "" if probability == 1 else f", with a probability of {probability:.0%}"


def told(value: Uncertain, kind: Kind) -> str:
    """In words, an uncertain number."""
    return ranges.shown(value, kind)
