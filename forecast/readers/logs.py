"""Logs: which columns of a log of requests say what. Comes in: column names. Goes out: one description for all.

It is carried out by a :class:`~forecast.readers.sheet.Sheet` (files that fit into memory), by Narwhals (DuckDB, Polars,
PySpark; Dask by DuckDB) and by SQL in a database; :func:`verdicts` says for all of them what makes a row wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from forecast import schema
from forecast.errors import UsageError, nearest, one_of
from forecast.readers.sheet import FIRST_DAY, MOST_COUNT, TOKENS

#: What a column of a log may be mapped to, beside the canonical columns: a request's own id, and all of its input
#: where tokens that a cache served or took stand inside.
IDENTITY: Final = "request_id"
WHOLE_INPUT: Final = "all_input_tokens"
_CACHE: Final[tuple[str, ...]] = ("cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens")
_MEASURES: Final = (schema.REQUESTS, *schema.UNITS, *schema.MONEY)
_TEXTS: Final = (*schema.DIMENSIONS, "currency", "charge_category")


@dataclass(frozen=True, slots=True)
class Field:
    """A column, or what stands in its JSON under the first of ``paths`` that holds something other than 0."""

    column: str
    paths: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Aside:
    """Rows whose ``field``, in lower case, is one of ``values`` are set aside for ``reason``."""

    field: Field
    values: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Log:
    """What the columns of a log mean.

    Attributes
    ----------
    name : str
        The format.
    moment : Field
        When: an instant, or with ``daily`` a calendar day that is not re-zoned.
    measures : mapping
        Canonical measure → its field. Where ``requests`` is not among them, each row is one request.
    texts : mapping
        Canonical dimension → its field.
    attributes : mapping
        Names that rules may match → their fields.
    inside : mapping
        Measure → the whole that holds it: it is taken out of it, so that units are disjoint.
    fixed : mapping
        Canonical text column → one value for all rows.
    identity : Field or None
        A request's own id.
    aside : Aside or None
    prefixed : bool
        A model may bear its provider's name, as in ``openai/gpt-4o``, which is cut off.
    notes : tuple of str
        What a reader of the usage must know.
    """

    name: str
    moment: Field
    measures: Mapping[str, Field]
    daily: bool = False
    texts: Mapping[str, Field] = field(default_factory=dict)
    attributes: Mapping[str, Field] = field(default_factory=dict)
    inside: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    identity: Field | None = None
    aside: Aside | None = None
    prefixed: bool = False
    notes: tuple[str, ...] = ()

    @property
    def by(self) -> dict[str, Field]:
        """What a row is grouped by, beside its period: dimensions, then attributes."""
        return {**self.texts, **self.attributes}

    @property
    def jsons(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """Columns that hold JSON, and every path that is read from them."""
        found: dict[str, dict[tuple[str, ...], None]] = {}
        for one in self.fields:
            if one.paths:
                found.setdefault(one.column, {}).update(dict.fromkeys(one.paths))
        return {column: tuple(paths) for column, paths in found.items()}

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every field."""
        own = [f for f in (self.identity, self.aside.field if self.aside is not None else None) if f is not None]
        return (self.moment, *self.measures.values(), *self.by.values(), *own)

    @property
    def wholes(self) -> dict[str, list[str]]:
        """A whole → its parts: those that are taken out, and those that are only reported."""
        found: dict[str, list[str]] = {}
        for part, whole in self.inside.items():
            found.setdefault(whole, []).append(part)
        for name in self.measures:
            unit = schema.UNITS.get(name)
            if unit is not None and unit.part_of in self.measures:
                found.setdefault(str(unit.part_of), []).append(name)
        return found

    @property
    def tokens(self) -> list[str]:
        """Measures that add up to all tokens: wholes, and what is in none."""
        return [m for m in self.measures if m in TOKENS and m not in self.inside]

    @property
    def money(self) -> list[str]:
        """The money columns among the measures."""
        return [m for m in schema.MONEY if m in self.measures]

    def without(self, personal: Iterable[str]) -> Log:
        """The log as it is read where nobody asks who used it."""
        hidden = set(personal)
        return self._replace(
            texts={k: v for k, v in self.texts.items() if k not in hidden},
            attributes={k: v for k, v in self.attributes.items() if k not in hidden},
        )

    def held_to(self, columns: Iterable[str], *, source: str) -> Log:
        """The log without what this source does not have.

        Raises
        ------
        UsageError
            A column that the log cannot do without is missing.
        """
        there = list(columns)
        for need in (self.moment, *(self.measures[m] for m in self.tokens)):
            if need.column not in there:
                raise UsageError(
                    f"{source}: there is no column {need.column!r}; the columns are {', '.join(there[:60])}"
                    f"{nearest(need.column, there)}; export it with all columns, or map its own names with "
                    "format='log', columns={...}"
                )
        measures = {k: v for k, v in self.measures.items() if v.column in there}
        return self._replace(
            measures=measures,
            texts={k: v for k, v in self.texts.items() if v.column in there},
            attributes={k: v for k, v in self.attributes.items() if v.column in there},
            inside={k: v for k, v in self.inside.items() if k in measures},
            identity=self.identity if self.identity is not None and self.identity.column in there else None,
            aside=self.aside if self.aside is not None and self.aside.field.column in there else None,
        )

    def _replace(self, **changes: Any) -> Log:
        from dataclasses import replace

        return replace(self, **changes)


def log_of(columns: Mapping[str, str], *, there: Iterable[str], source: str) -> Log:
    """The description of any log, from a mapping of canonical names to the log's own.

    Parameters
    ----------
    columns : mapping
        Canonical column (``date``, ``model``, ``input_tokens``, ``requests``, …) → the log's column, or a path into
        its JSON: ``{"cache_read_tokens": "usage.cached"}``. Columns that bear a canonical name need no mapping.
        ``request_id`` is a request's own id; ``all_input_tokens`` is input that holds what a cache served or took,
        which is then taken out of it. Any other name becomes an attribute that rules may match.
    there : iterable of str
        The log's columns.
    source : str
        What errors call it.

    Raises
    ------
    UsageError
        No date, nothing measured, or a column that is not there.
    """
    present = list(there)
    known = {c: c for c in (schema.DATE, *_MEASURES, *_TEXTS, IDENTITY) if c in present}
    fields = {name: _field(own, present, source) for name, own in (known | dict(columns)).items()}
    moment = fields.pop(schema.DATE, None)
    if moment is None:
        raise UsageError(
            f"{source}: no column is the date; the columns are {', '.join(present[:60])}; "
            "map the one that says when: columns={'date': '...'}"
        )
    whole = fields.pop(WHOLE_INPUT, None)
    measures = {"input_tokens": whole} if whole is not None else {}
    if whole is not None and "input_tokens" in columns:
        raise UsageError(f"{source}: columns= maps both {WHOLE_INPUT!r} and 'input_tokens': which one is it?")
    measures |= {m: fields.pop(m) for m in _MEASURES if m in fields and m not in measures}
    fields.pop("input_tokens", None)
    if "total_tokens" not in columns and any(m in TOKENS for m in measures if m != "total_tokens"):
        measures.pop("total_tokens", None)  # a log's own sum of the parts that are read
    if not measures:
        raise UsageError(
            f"{source}: nothing is measured: none of {', '.join(_MEASURES)} is there; "
            "map a column: columns={'input_tokens': '...'}"
        )
    texts: dict[str, Field] = {t: fields.pop(t) for t in _TEXTS if t in fields}
    identity = fields.pop(IDENTITY, None)
    inside: dict[str, str] = {part: "input_tokens" for part in _CACHE if part in measures} if whole is not None else {}
    return Log("log", moment, measures, texts=texts, attributes=fields, inside=inside, identity=identity)


def _field(own: str, present: list[str], source: str) -> Field:
    if own in present:
        return Field(own)
    column, dot, path = own.partition(".")
    if dot and column in present:
        return Field(column, (tuple(path.split(".")),))
    raise UsageError(
        f"{source}: column {own!r} is not there; the columns are {', '.join(present[:60])}{nearest(own, present)}"
    )


def check_mapping(columns: Mapping[str, str]) -> None:
    """Refuse a mapping to a name that looks like a canonical one and is none."""
    for name in columns:
        if name.endswith(("_tokens", "_cost")):
            one_of("canonical column", name, (*_MEASURES, *_TEXTS, schema.DATE, IDENTITY, WHOLE_INPUT), UsageError)


# ------------------------------------------------------------------------------------------------ what is wrong


class Ops(Protocol):
    """The few words in which :func:`verdicts` speaks; Narwhals and SQL each have them.

    Of each row ``moment`` is an instant or day, ``number(m)`` a measure, and the three others are truth values.
    """

    def moment(self) -> Any:
        """When, or null."""

    def number(self, measure: str) -> Any:
        """A measure, or null; infinite and absurd ones as they are."""

    def unreadable(self, name: str) -> Any:
        """Whether the moment, a measure or a JSON column holds something that cannot be read."""

    def absent(self, value: Any) -> Any:
        """Whether a value is null."""

    def or_zero(self, value: Any) -> Any:
        """A value, or 0 where it is null."""

    def aside(self) -> Any:
        """Whether the row is to be set aside."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Rows for which ``wrong`` is true cannot be used, for ``reason``; ``columns`` show why.

    A column of JSON is never shown: it may say who a person is.
    """

    reason: str
    wrong: Any
    columns: tuple[str, ...]


MOMENT: Final = "moment"
#: A sentence that also names the limit of what is a number of tokens, requests or currency units.
ABSURD: Final = "is beyond any real count"


def verdicts(log: Log, ops: Ops) -> Iterator[Verdict]:
    """What makes a row wrong, in the order in which it is told."""
    when = log.moment.column
    yield Verdict(f"{when} cannot be read as a date", ops.unreadable(MOMENT), (when,))
    yield Verdict(f"{when} is blank: no date", ops.absent(ops.moment()), (when,))
    yield Verdict(f"{when} is before {FIRST_DAY:%Y}", ops.moment() < FIRST_DAY.to_pydatetime(), (when,))
    for column in log.jsons:
        yield Verdict(f"{column} is no JSON", ops.unreadable(column), ())
    for name, own in log.measures.items():
        called, shown, value = told(own), () if own.paths else (own.column,), ops.number(name)
        yield Verdict(f"{called} is not a number", ops.unreadable(name), shown)
        if name not in schema.MONEY:
            yield Verdict(f"{called} is below 0", value < 0, shown)
        yield Verdict(f"{called} {ABSURD}", (value > MOST_COUNT) | (value < -MOST_COUNT), shown)
    for whole, parts in log.wholes.items():
        added = ops.or_zero(ops.number(parts[0]))
        for part in parts[1:]:
            added += ops.or_zero(ops.number(part))
        columns = dict.fromkeys(log.measures[m].column for m in (whole, *parts) if not log.measures[m].paths)
        reason = f"{told(log.measures[whole])} is below what it holds of {' and '.join(parts)}"
        yield Verdict(reason, added > ops.or_zero(ops.number(whole)), tuple(columns))
    if log.aside is not None:
        yield Verdict(log.aside.reason, ops.aside(), (log.aside.field.column,))


def told(own: Field) -> str:
    """A field as an error calls it."""
    return own.column if not own.paths else f"{own.column}.{'.'.join(own.paths[0])}"
