"""PySpark: a frame of a session comes in; the same with typed columns goes out, still lazy."""

from __future__ import annotations

from typing import Any, Final

from forecast.readers import grouping as g
from forecast.readers.logs import MOMENT, Field, Log
from forecast.schema import Grain

_OFFSET: Final = r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?([.][0-9]+)?\s*(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)$"


def typed(frame: Any, log: Log, *, timezone: str, grain: Grain) -> Any:
    """The frame with the typed columns of :mod:`forecast.readers.grouping` beside its own, as a Narwhals frame.

    Times are worked out as microseconds of UTC, so that the session's own time zone changes nothing.
    """
    import narwhals as nw
    from pyspark.sql import functions as F  # noqa: N812 - as everybody calls it

    kinds = {f.name: f.dataType.typeName() for f in frame.schema.fields}
    moment, unreadable, bare = _moment(log.moment, kinds)
    columns = {g.moment_column(): moment, g.unreadable_column(MOMENT): unreadable}
    for name, own in log.measures.items():
        columns[g.number_column(name)], columns[g.unreadable_column(name)] = _number(own, kinds)
    columns |= {g.unreadable_column(c): _no_json(c, kinds[c]) for c in log.jsons}
    columns |= {g.key_column(name): _texts(own, kinds)[0] for name, own in log.by.items()}
    if log.aside is not None:
        set_aside = F.lower(_texts(log.aside.field, kinds)[0]).isin(list(log.aside.values))
        columns[g.ASIDE] = F.coalesce(set_aside, F.lit(False))
    if log.identity is not None:
        text = _texts(log.identity, kinds)[0]
        columns[g.IDENTITY] = F.when(text != "", text)
    columns[g.ROW] = columns.get(g.IDENTITY, F.lit(""))
    made = frame.withColumns(columns)
    instant = F.col(g.moment_column())
    local = instant
    if timezone != "UTC" and not log.daily:
        zoned = F.convert_timezone(F.lit("UTC"), F.lit(timezone), instant)
        local = F.when(bare, instant).otherwise(zoned)
    return nw.from_native(made.withColumn(g.PERIOD, F.date_trunc(grain, local).cast("timestamp_ntz")))


def _moment(own: Field, kinds: dict[str, str]) -> tuple[Any, Any, Any]:
    """The instant in UTC, whether it is unreadable, and whether it is a day without a time."""
    from pyspark.sql import functions as F  # noqa: N812

    column, kind, no, yes = F.col(own.column), kinds[own.column], F.lit(False), F.lit(True)
    if kind == "date":
        return column.cast("timestamp_ntz"), no, yes
    if kind == "timestamp_ntz":
        return column, no, no
    if kind == "timestamp":
        return _from_micros(F.unix_micros(column)), no, no
    if kind in ("integer", "long", "short", "byte", "float", "double", "decimal"):
        number = column.cast("double")
        micros = (
            F.when(number < 1e11, number * 1e6)
            .when(number < 1e14, number * 1e3)
            .when(number < 1e17, number)
            .otherwise(number / 1e3)
        )
        return _from_micros(F.round(micros).cast("long")), F.coalesce(F.isnan(number), no), no
    text = F.trim(column.cast("string"))
    whole = F.when(text.rlike(_OFFSET), text).otherwise(F.concat(text, F.lit("Z")))
    bare = F.coalesce(F.length(text) <= 10, no)
    whole = F.when(bare, F.concat(text, F.lit(" 00:00:00Z"))).otherwise(whole)
    instant = _from_micros(F.unix_micros(F.try_to_timestamp(whole)))
    return instant, F.coalesce(text != "", no) & instant.isNull(), bare


def _from_micros(micros: Any) -> Any:
    """Microseconds since 1970 as a time without a zone."""
    from pyspark.sql import functions as F  # noqa: N812

    start = F.lit("1970-01-01 00:00:00").cast("timestamp_ntz")
    return start + F.make_dt_interval(F.lit(0), F.lit(0), F.lit(0), (micros / 1e6).cast("decimal(18,6)"))


def _number(own: Field, kinds: dict[str, str]) -> tuple[Any, Any]:
    """A number as float, and whether what stands there is none."""
    from pyspark.sql import functions as F  # noqa: N812

    no = F.lit(False)
    if not own.paths and kinds[own.column] in ("integer", "long", "short", "byte", "float", "double", "decimal"):
        number = F.col(own.column).cast("double")
        return F.when(~F.isnan(number), number), no
    values, bad = [], no
    for text in _texts(own, kinds):
        value = F.trim(text).try_cast("double")
        value = F.when(~F.isnan(value), value)
        values.append(value)
        bad |= F.coalesce(F.trim(text) != "", no) & value.isNull()
    if len(values) == 1:
        return values[0], bad
    return F.coalesce(*(F.when(v != 0, v) for v in values), *values), bad


def _texts(own: Field, kinds: dict[str, str]) -> list[Any]:
    """What stands at each place of a field, as text."""
    from pyspark.sql import functions as F  # noqa: N812

    column, nested = F.col(own.column), kinds[own.column] in ("array", "struct", "map")
    text = F.to_json(column) if nested else column.cast("string")
    return [F.get_json_object(text, "$." + ".".join(path)) for path in own.paths] or [text]


def _no_json(column: str, kind: str) -> Any:
    """Whether a cell is neither blank nor JSON."""
    from pyspark.sql import functions as F  # noqa: N812

    if kind != "string":
        return F.lit(False)
    text = F.trim(F.col(column))
    there = F.coalesce(~text.isin("", "null"), F.lit(False))
    return there & F.get_json_object(text, "$").isNull()
