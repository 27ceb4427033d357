"""What a component is: a line of a budget that is not tokens. Everything else here is built from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np
import pandas as pd

from forecast import ranges, schema
from forecast.calendars import date_of
from forecast.errors import PlanError, ScenarioError
from forecast.panel import FloatArray
from forecast.ranges import Between, Distribution, Kind, Uncertain
from forecast.shown import short_repr
from scenarios.changes import World

#: A calendar day, as text (2027-02-01) or Timestamp.
Day: TypeAlias = str | pd.Timestamp
#: Whose a line is: an environment, a workload's department and project, and what it is in the books.
OWNER_COLUMNS = ("environment", "project", *schema.OWNERS)


@dataclass(frozen=True, slots=True)
class Months:
    """The months of a plan, the first and last in part where the plan cuts them.

    Attributes
    ----------
    first, last : DatetimeIndex (month,)
        First and last day of each.
    """

    first: pd.DatetimeIndex
    last: pd.DatetimeIndex

    def __len__(self) -> int:
        """How many."""
        return len(self.first)

    @property
    def days(self) -> FloatArray:
        """Days of each: (month,)."""
        return np.asarray((self.last - self.first).days, dtype="float64") + 1.0

    @property
    def whole(self) -> FloatArray:
        """Days of the whole calendar month that each lies in: (month,)."""
        return np.asarray(self.first.days_in_month, dtype="float64")

    def inside(self, start: pd.Timestamp | None, end: pd.Timestamp | None) -> FloatArray:
        """Days of each that lie from ``start`` to ``end``: (month,)."""
        begin = self.first if start is None else self.first.where(self.first > start, start)
        finish = self.last if end is None else self.last.where(self.last < end, end)
        return np.maximum(np.asarray((finish - begin).days, dtype="float64") + 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Count:
    """What a component must see of the usage, month by month.

    Attributes
    ----------
    unit : str
        ``"cost"``, ``"requests"``, ``"total_tokens"`` or a unit of usage.
    where : tuple of (column, glob)
    per : str, optional
        A column whose values are kept apart; all together where it is None.
    what : str
        Whose it is, for messages.
    """

    unit: str
    where: tuple[tuple[str, str], ...] = ()
    per: str | None = None
    what: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was seen: ``groups`` (group,) and ``values`` (draw, month, group)."""

    __repr__ = short_repr

    groups: tuple[str, ...]
    values: FloatArray

    @property
    def all(self) -> FloatArray:
        """All groups together: (draw, month)."""
        return np.asarray(self.values.sum(axis=2))


@dataclass(frozen=True, slots=True)
class Context:
    """What a component may look at beside its own draws.

    Attributes
    ----------
    currency : str
        The plan's.
    tokens : float array (draw, month)
        Usage at its prices.
    counted : mapping of Count to Counted
        What the components asked for.
    lines : mapping of float array (draw, month)
        Lines that are known, by name: those of the scenario's changes, then those of the components before this one.
    """

    currency: str
    tokens: FloatArray
    counted: Mapping[Count, Counted] = field(default_factory=dict)
    lines: Mapping[str, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """Money of one line, with whose it is.

    Attributes
    ----------
    name : str
    owner : dict
        By column, as far as it is said.
    money : float array (draw, month)
    component : str, optional
        The component that it is a row of; None where a change of the scenario brings it.
    """

    __repr__ = short_repr

    name: str
    owner: Mapping[str, str]
    money: FloatArray
    component: str | None = None


@runtime_checkable
class Component(Protocol):
    """A line of a budget that is not tokens: money a month in each draw. Frozen.

    Random numbers are named ``("component", name, parameter)``: the same in every plan with the same seed.
    """

    @property
    def name(self) -> str:
        """What tables call it; names its random numbers too."""
        ...

    @property
    def owner(self) -> Mapping[str, str]:
        """Whose it is, by column, as far as it is said."""
        ...

    def describe(self) -> str:
        """In plain words, what it assumes."""
        ...

    def parameters(self) -> tuple[str, ...]:
        """What it draws: what a dependence may tie."""
        ...

    def counts(self) -> tuple[Count, ...]:
        """What it must see of the usage."""
        ...

    def needs(self) -> tuple[str, ...] | None:
        """The lines that it is reckoned from, by name; None: all others."""
        ...

    def rows(self, world: World, months: Months, context: Context) -> tuple[Row, ...]:
        """Its rows in a plan's tables, at least one."""
        ...


@dataclass(frozen=True, slots=True)
class Owned:
    """What every component says beside its amount: whose it is, and when.

    Parameters
    ----------
    name : str
    environment : str, optional
        Whose line it is; without one it is dealt to environments by the split.
    department, project, cost_category, cost_center, gl_account : str, optional
        Whose it is in the books: columns of the plan's tables.
    start, end : date, optional
        First and last day of the line.
    currency : str, optional
        What its money is in; the plan's where it does not say. A plan in another currency refuses it.
    stated_on : date, optional
        When its numbers were stated, such as the day of a quote: dates it in the plan's assumptions.
    """

    __repr__ = short_repr

    KIND: ClassVar[str] = "Component"

    name: str
    environment: str | None = field(default=None, kw_only=True)
    department: str | None = field(default=None, kw_only=True)
    project: str | None = field(default=None, kw_only=True)
    cost_category: str | None = field(default=None, kw_only=True)
    cost_center: str | None = field(default=None, kw_only=True)
    gl_account: str | None = field(default=None, kw_only=True)
    start: Day | None = field(default=None, kw_only=True)
    end: Day | None = field(default=None, kw_only=True)
    currency: str | None = field(default=None, kw_only=True)
    stated_on: Day | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Check name, owner and dates, then what the kind has of its own."""
        if not isinstance(self.name, str) or not self.name.strip():
            raise PlanError(f"{self.KIND}: a component needs a name")
        for column in (*OWNER_COLUMNS, "currency"):
            value = getattr(self, column)
            if value is not None and (not isinstance(value, str) or not value.strip()):
                raise PlanError(f"{self.told}: {column} = {value!r}: wanted text")
        for day in ("start", "end", "stated_on"):
            self.checked_day(day)
        if self.start is not None and self.end is not None and pd.Timestamp(self.end) < pd.Timestamp(self.start):
            raise PlanError(f"{self.told}: it ends on {_day(self.end)}, before it starts on {_day(self.start)}")
        self.check()

    def check(self) -> None:
        """Check what the kind has of its own."""

    # ------------------------------------------------------------------------------------------------ what it says

    @property
    def told(self) -> str:
        """How messages call it."""
        return f"{self.KIND} {self.name!r}"

    @property
    def owner(self) -> dict[str, str]:
        """Whose it is, by column, as far as it is said."""
        return {c: v for c in OWNER_COLUMNS if (v := getattr(self, c)) is not None}

    def parameters(self) -> tuple[str, ...]:
        """What it draws: the names of its uncertain numbers."""
        return tuple(f.name for f in fields(self) if _is_uncertain(getattr(self, f.name)))

    def counts(self) -> tuple[Count, ...]:
        """What it must see of the usage."""
        return ()

    def needs(self) -> tuple[str, ...] | None:
        """The lines that it is reckoned from, by name; None: all others."""
        return ()

    def _dates(self) -> str:
        first = "" if self.start is None else f" from {_day(self.start)}"
        return first + ("" if self.end is None else f" to {_day(self.end)}")

    # ------------------------------------------------------------------------------------------------ what it costs

    def money(self, world: World, months: Months, context: Context) -> FloatArray:
        """Money in each month of a plan, or part of one: (draw, month)."""
        raise NotImplementedError

    def rows(self, world: World, months: Months, context: Context) -> tuple[Row, ...]:
        """Its rows in a plan's tables, most often one.

        Raises
        ------
        PlanError
            It lies outside the plan, or its money is in another currency.
        """
        self.refuse_currency(context)
        self.in_sight(months)
        return (Row(self.name, self.owner, self.money(world, months, context), self.name),)

    def draw(self, world: World, value: Uncertain, kind: Kind, parameter: str) -> FloatArray:
        """One value a draw of an uncertain number: (draw,)."""
        u = world.uniform("component", self.name, parameter)
        return ranges.values(value, u, kind, f"{self.told}: {parameter}")

    def refuse_currency(self, context: Context) -> None:
        """Refuse money in another currency than the plan's."""
        if self.currency is not None and self.currency != context.currency:
            raise PlanError(
                f"{self.told}: its money is in {self.currency} and the plan's in {context.currency}; convert its "
                f"amounts and write currency = {context.currency!r}"
            )

    def in_sight(self, months: Months) -> None:
        """Refuse a line that lies outside the plan."""
        if not months.inside(self.first_day, self.last_day).any():
            raise PlanError(
                f"{self.told} runs {_day(self.start) if self.start else 'from the start'} to "
                f"{_day(self.end) if self.end else 'the end'}, outside the plan of {months.first[0]:%Y-%m-%d} to "
                f"{months.last[-1]:%Y-%m-%d}"
            )

    def exposure(self, months: Months) -> FloatArray:
        """The part of each calendar month, by days, that plan and line both cover: (month,)."""
        return months.inside(self.first_day, self.last_day) / months.whole

    def covered(self, months: Months) -> FloatArray:
        """The part of each month's days in the plan that the line covers: (month,)."""
        return months.inside(self.first_day, self.last_day) / months.days

    def window(self) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
        """Its first and last day, as far as it says them."""
        first, last = (None if day is None else pd.Timestamp(day) for day in (self.start, self.end))
        return first, last

    @property
    def first_day(self) -> pd.Timestamp | None:
        """Its first day, where it says one."""
        return self.window()[0]

    @property
    def last_day(self) -> pd.Timestamp | None:
        """Its last day, where it says one."""
        return self.window()[1]

    # ------------------------------------------------------------------------------------- what its fields may hold

    def checked(self, attribute: str, kind: Kind) -> None:
        """Check an uncertain field and keep it as it is used; None stays None."""
        value = getattr(self, attribute)
        if value is not None:
            object.__setattr__(self, attribute, checked_number(value, kind, f"{self.told}: {attribute}"))

    def checked_day(self, attribute: str) -> None:
        """Check a field that holds a day and keep it as a Timestamp; None stays None."""
        value = getattr(self, attribute)
        if value is not None:
            day = date_of(value, f"{self.KIND}.{attribute}", PlanError)
            object.__setattr__(self, attribute, day)

    def checked_where(self) -> None:
        """Keep a mapping of globs as the component's own."""
        value = getattr(self, "where")  # noqa: B009 - not every kind has the field
        if not isinstance(value, Mapping) or not all(
            isinstance(k, str) and isinstance(v, str) for k, v in value.items()
        ):
            raise PlanError(f'{self.told}: where = {value!r}: wanted globs by column, such as {{"project": "search*"}}')
        object.__setattr__(self, "where", dict(value))


def checked_number(value: object, kind: Kind, what: str) -> Uncertain:
    """An uncertain number as it is used.

    Raises
    ------
    PlanError
        It is none, or its kind cannot take it.
    """
    try:
        known = ranges.uncertain(value, what)
        ranges.in_domain(known, kind, what)
    except ScenarioError as cause:
        raise PlanError(str(cause)) from cause
    return known


def shown_amount(value: Uncertain) -> str:
    """An amount as a reader expects it: whole numbers plain, small prices with the digits that they have."""
    if isinstance(value, Between):
        return f"{_plainly(value.low)} to {_plainly(value.high)} (P10-P90)"
    return _plainly(value) if isinstance(value, float | int) else ranges.shown(value, "amount")


def _plainly(number: float) -> str:
    return f"{number:,.0f}" if number == round(number) else f"{number:,.2f}" if abs(number) >= 1 else f"{number:.4g}"


def _is_uncertain(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_is_uncertain(v) for v in value.values())
    return (isinstance(value, Between) and value.low != value.high) or (
        isinstance(value, Distribution) and not isinstance(value, type)
    )


def _day(value: Day | None) -> str:
    return f"{pd.Timestamp(value):%Y-%m-%d}" if value is not None else ""
