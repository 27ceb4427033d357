"""SQL: a table and what its columns mean come in; the query that groups it by day in its database goes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from forecast import schema
from forecast.errors import UsageError
from forecast.readers import grouping as g
from forecast.readers.lazyframes import Meaning
from forecast.readers.logs import MOMENT, Field, Log, verdicts
from forecast.readers.sheet import MOST_COUNT

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select, Table

#: Dialects whose words for days, months and zones are known here.
DIALECTS: Final = ("postgresql", "sqlite")
_NUMBER: Final = r"^\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\s*$"
_DATE: Final = (
    r"^\s*[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?\s*(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?\s*$"
)
_SHORT: Final = r"^\s*([0-9]{4}-(02-3.|02-29|(04|06|09|11)-31))"


@dataclass(frozen=True, slots=True)
class _Ops:
    """The words of :func:`forecast.readers.logs.verdicts` in SQL, over the typed columns."""

    columns: Any

    def moment(self) -> Any:
        return self.columns[g.moment_column()]

    def number(self, measure: str) -> Any:
        return self.columns[g.number_column(measure)]

    def unreadable(self, name: str) -> Any:
        return self.columns[g.unreadable_column(name)]

    def absent(self, value: Any) -> Any:
        return value.is_(None)

    def or_zero(self, value: Any) -> Any:
        import sqlalchemy as sa

        return sa.func.coalesce(value, 0.0)

    def aside(self) -> Any:
        return self.columns[g.ASIDE]


def grouped_query(
    table: Table, log: Log, meaning: Meaning, *, dialect: str, source: str
) -> tuple[Select[Any], tuple[str, ...]]:
    """The query, whose columns are those of :class:`forecast.readers.grouping.Groups`, and what each verdict says.

    Raises
    ------
    UsageError
        The dialect is not known, or cannot do what is asked.
    """
    import sqlalchemy as sa

    if dialect not in DIALECTS:
        raise UsageError(
            f"{source}: {dialect} is not grouped in the database yet; allowed: {', '.join(DIALECTS)}; "
            "or read an export of the table"
        )
    zoned = meaning.zone != "UTC" and not log.daily
    if dialect == "sqlite" and zoned:
        raise UsageError(f"{source}: sqlite knows no time zones: leave timezone= out, or read an export of the table")
    typed = _typed(table, log, meaning, dialect).subquery("typed")
    ops = _Ops(typed.c)
    found = list(verdicts(log, ops))
    verdict = sa.case(*((one.wrong, n) for n, one in enumerate(found, start=1)), else_=0).label(g.VERDICT)
    negative = [ops.number(m) < 0 for m in log.money]
    signed = sa.case((sa.or_(*negative), sa.true()), else_=sa.false()) if negative else sa.false()
    columns = [
        *typed.c,
        verdict,
        signed.label(g.NEGATIVE),
        *(_usable(ops.number(m), m, dialect).label(g.sum_column(m)) for m in log.measures),
    ]
    judged = sa.select(*columns).subquery("judged")
    keys = [judged.c[k] for k in (g.PERIOD, g.VERDICT, g.NEGATIVE, *(g.key_column(k) for k in log.by))]
    if meaning.dedupe:
        right = judged.c[g.VERDICT] == 0
        number = sa.func.row_number().over(
            partition_by=[judged.c[g.IDENTITY], right],
            order_by=[judged.c[g.moment_column()], *(judged.c[g.sum_column(m)] for m in log.measures)],
        )
        again = sa.case((sa.and_(number > 1, judged.c[g.IDENTITY].is_not(None), right), 1), else_=0)
        judged = sa.select(*judged.c, again.label(g.AGAIN)).subquery("deduped")
        keys = [judged.c[k.name] for k in keys] + [judged.c[g.AGAIN]]
    moment = judged.c[g.moment_column()]
    example = sa.case((judged.c[g.VERDICT] > 0, judged.c[g.EXAMPLE]))
    query = sa.select(
        *keys,
        sa.func.count().label(g.ROWS),
        sa.func.min(moment).label(g.BEGIN),
        sa.func.max(moment).label(g.END),
        sa.func.min(example).label(g.EXAMPLE),
        *(sa.func.count(judged.c[g.sum_column(m)]).label(g.known_column(m)) for m in log.measures),
        *(sa.func.sum(judged.c[g.sum_column(m)]).label(g.sum_column(m)) for m in log.measures),
    ).group_by(*keys)
    return query, tuple(one.reason for one in found)


def _usable(number: Any, measure: str, dialect: str) -> Any:
    import sqlalchemy as sa

    value = sa.case((sa.and_(number <= MOST_COUNT, number >= -MOST_COUNT), number))
    exact = dialect == "postgresql" and measure in schema.MONEY
    return sa.cast(value, sa.Numeric(38, g.DIGITS)) if exact else value


def _typed(table: Table, log: Log, meaning: Meaning, dialect: str) -> Select[Any]:
    import sqlalchemy as sa

    words = _POSTGRES if dialect == "postgresql" else _SQLITE
    moment, unreadable, bare = _moment(table, log.moment, words)
    columns: dict[str, Any] = {g.moment_column(): moment, g.unreadable_column(MOMENT): unreadable}
    for name, own in log.measures.items():
        columns[g.number_column(name)], columns[g.unreadable_column(name)] = _number(table, own, words)
    columns |= {g.unreadable_column(c): words.no_json(table.c[c]) for c in log.jsons}
    columns |= {g.key_column(name): _texts(table, own, words)[0] for name, own in log.by.items()}
    if log.aside is not None:
        text = sa.func.lower(_texts(table, log.aside.field, words)[0])
        columns[g.ASIDE] = sa.func.coalesce(text.in_(log.aside.values), sa.false())
    identity: Any = sa.literal("")
    if log.identity is not None:
        columns[g.IDENTITY] = sa.func.nullif(_texts(table, log.identity, words)[0], "")
        identity = sa.func.coalesce(columns[g.IDENTITY], "")
    local = moment if meaning.zone == "UTC" or log.daily else words.rezoned(moment, meaning.zone)
    columns[g.PERIOD] = words.floor(sa.case((bare, moment), else_=local), meaning.grain)
    example = identity
    for before, column in zip(g.example_parts(log), g.example_columns(log), strict=True):
        example = example + sa.literal(before) + sa.func.coalesce(sa.cast(table.c[column], sa.Text), "")
    columns[g.EXAMPLE] = example
    return sa.select(*(value.label(name) for name, value in columns.items()))


def _moment(table: Table, own: Field, words: _Words) -> tuple[Any, Any, Any]:
    """The instant in UTC, whether it is unreadable, and whether it is a day without a time."""
    import sqlalchemy as sa

    column = table.c[own.column]
    if isinstance(column.type, sa.DateTime) and words.typed_times:
        value = sa.func.timezone("UTC", column) if column.type.timezone else column
        return value, sa.false(), sa.false()
    if isinstance(column.type, sa.Date) and words.typed_times:
        return sa.cast(column, sa.DateTime), sa.false(), sa.true()
    text = sa.func.trim(sa.cast(column, sa.Text))
    readable = sa.and_(text.regexp_match(_DATE), sa.not_(text.regexp_match(_SHORT)))
    if words.typed_times:  # a day that a month may lack is checked by its first of March
        readable = text.regexp_match(_DATE)
        month = sa.cast(sa.func.substr(text, 1, 7) + "-01", sa.Date)
        last = sa.func.extract("day", month + sa.text("INTERVAL '1 month - 1 day'"))
        fits = sa.cast(sa.func.substr(text, 9, 2), sa.Integer) <= last
        readable = sa.case((readable, fits), else_=sa.false())
    moment = sa.case((readable, words.instant(text)))
    wrong = sa.and_(sa.func.coalesce(text, "") != "", sa.not_(sa.func.coalesce(readable, sa.false())))
    return moment, wrong, sa.func.coalesce(sa.func.length(text) <= 10, sa.false())


def _number(table: Table, own: Field, words: _Words) -> tuple[Any, Any]:
    """A number as float, and whether what stands there is none."""
    import sqlalchemy as sa

    column = table.c[own.column]
    if not own.paths and isinstance(column.type, sa.Integer | sa.Numeric) and words.typed_numbers:
        value: Any = sa.cast(column, sa.Double)
        return sa.case((value != sa.cast("NaN", sa.Double), value)), sa.false()
    values, bad = [], []
    for text in _texts(table, own, words):
        readable = text.regexp_match(_NUMBER)
        values.append(sa.case((readable, sa.cast(text, sa.Double))))
        bad.append(
            sa.and_(sa.func.coalesce(sa.func.trim(text), "") != "", sa.not_(sa.func.coalesce(readable, sa.false())))
        )
    if len(values) == 1:
        return values[0], bad[0]
    return sa.func.coalesce(*(sa.func.nullif(v, 0.0) for v in values), *values), sa.or_(*bad)


def _texts(table: Table, own: Field, words: _Words) -> list[Any]:
    import sqlalchemy as sa

    column = table.c[own.column]
    return [words.under(column, path) for path in own.paths] or [sa.cast(column, sa.Text)]


# ------------------------------------------------------------------------------------------------------- dialects


@dataclass(frozen=True, slots=True)
class _Words:
    """What two dialects say differently."""

    typed_times: bool
    typed_numbers: bool
    instant: Callable[[Any], Any]
    rezoned: Callable[[Any, str], Any]
    floor: Callable[[Any, str], Any]
    under: Callable[[Any, tuple[str, ...]], Any]
    no_json: Callable[[Any], Any]


def _postgres_under(column: Any, path: tuple[str, ...]) -> Any:
    import sqlalchemy as sa
    from sqlalchemy.dialects.postgresql import JSON, JSONB

    if not isinstance(column.type, JSON | JSONB):
        column = sa.cast(sa.func.nullif(sa.func.trim(sa.cast(column, sa.Text)), ""), JSONB)
    return column[path].astext


def _sqlite_under(column: Any, path: tuple[str, ...]) -> Any:
    import sqlalchemy as sa

    text = sa.cast(column, sa.Text)
    steps = "$" + "".join(f'."{step}"' for step in path)
    return sa.case((sa.func.json_valid(text) == 1, sa.cast(sa.func.json_extract(text, steps), sa.Text)))


def _sqlite_no_json(column: Any) -> Any:
    import sqlalchemy as sa

    text = sa.cast(column, sa.Text)
    return sa.and_(sa.func.coalesce(sa.func.trim(text), "") != "", sa.func.json_valid(text) == 0)


def _postgres_instant(text: Any) -> Any:
    """The instant that a text says; without an offset it is UTC."""
    import sqlalchemy as sa

    offset = text.regexp_match(r":[0-9.]+\s*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$")
    return sa.func.timezone("UTC", sa.cast(sa.case((offset, text), else_=text + " +00"), sa.DateTime(timezone=True)))


def _sqlite_instant(text: Any) -> Any:
    import sqlalchemy as sa

    spelt = sa.case(
        (text.regexp_match(r"[+-][0-9]{4}$"), sa.func.substr(text, 1, sa.func.length(text) - 2) + ":00"),
        (sa.and_(text.regexp_match(r":[0-9.]+\s*[+-][0-9]{2}$")), text + ":00"),
        else_=text,
    )
    return sa.func.strftime("%Y-%m-%d %H:%M:%f", spelt)


def _sqlite_floor(moment: Any, grain: str) -> Any:
    import sqlalchemy as sa

    form = {"hour": "%Y-%m-%d %H:00:00", "day": "%Y-%m-%d", "month": "%Y-%m-01"}[grain]
    return sa.func.strftime(form, moment)


def _postgres_floor(moment: Any, grain: str) -> Any:
    import sqlalchemy as sa

    return sa.func.date_trunc(sa.literal_column(f"'{grain}'"), moment)


def _postgres_rezoned(moment: Any, zone: str) -> Any:
    import sqlalchemy as sa

    return sa.func.timezone(zone, sa.func.timezone("UTC", moment))


def _false(column: Any) -> ColumnElement[bool]:
    import sqlalchemy as sa

    return sa.false()


_POSTGRES: Final = _Words(True, True, _postgres_instant, _postgres_rezoned, _postgres_floor, _postgres_under, _false)
#: A column of SQLite holds what was put in, whatever its type says: nothing is taken for typed.
_SQLITE: Final = _Words(
    False, False, _sqlite_instant, lambda moment, _: moment, _sqlite_floor, _sqlite_under, _sqlite_no_json
)
