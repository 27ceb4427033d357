"""Polars: a lazy frame comes in; the same with typed columns goes out, still lazy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from forecast.readers import grouping as g
from forecast.readers.logs import MOMENT, Field, Log
from forecast.schema import Grain

if TYPE_CHECKING:
    import polars as pl

_STEPS: Final[dict[Grain, str]] = {"hour": "1h", "day": "1d", "month": "1mo"}
_OFFSET: Final = r"\d{2}:\d{2}(:\d{2})?(\.\d+)?\s*(Z|UTC|[+-]\d{2}(:?\d{2})?)$"


def typed(frame: pl.LazyFrame, log: Log, *, timezone: str, grain: Grain) -> Any:
    """The frame with the typed columns of :mod:`forecast.readers.grouping` beside its own, as a Narwhals frame."""
    import narwhals as nw
    import polars as pl

    kinds = dict(frame.collect_schema().items())
    moment, unreadable, bare = _moment(log.moment, kinds)
    columns = {g.moment_column(): moment, g.unreadable_column(MOMENT): unreadable}
    for name, own in log.measures.items():
        columns[g.number_column(name)], columns[g.unreadable_column(name)] = _number(own, kinds)
    for column in log.jsons:
        columns[g.unreadable_column(column)] = _no_json(column, kinds[column])
    columns |= {g.key_column(name): _texts(own, kinds)[0] for name, own in log.by.items()}
    if log.aside is not None:
        set_aside = _text(log.aside.field, kinds).str.to_lowercase().is_in(list(log.aside.values))
        columns[g.ASIDE] = set_aside.fill_null(value=False)
    if log.identity is not None:
        columns[g.IDENTITY] = _text(log.identity, kinds)
    columns[g.ROW] = columns.get(g.IDENTITY, pl.lit(""))
    made = frame.with_columns(**columns)
    local = pl.col(g.moment_column())
    if timezone != "UTC" and not log.daily:
        zoned = local.dt.replace_time_zone("UTC").dt.convert_time_zone(timezone).dt.replace_time_zone(None)
        local = pl.when(bare).then(local).otherwise(zoned)
    return nw.from_native(made.with_columns(local.dt.truncate(_STEPS[grain]).alias(g.PERIOD)))


def _moment(own: Field, kinds: dict[str, pl.DataType]) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """The instant in UTC, whether it is unreadable, and whether it is a day without a time."""
    import polars as pl

    column, kind, no = pl.col(own.column), kinds[own.column], pl.lit(value=False)
    if kind == pl.Date:
        return column.cast(pl.Datetime("us")), no, pl.lit(value=True)
    if isinstance(kind, pl.Datetime):
        naive = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if kind.time_zone else column
        return naive.cast(pl.Datetime("us")), no, no
    if kind.is_numeric():
        number = column.cast(pl.Float64)
        micros = (
            pl.when(number < 1e11)
            .then(number * 1e6)
            .when(number < 1e14)
            .then(number * 1e3)
            .when(number < 1e17)
            .then(number)
            .otherwise(number / 1e3)
        )
        return micros.round().cast(pl.Int64, strict=False).cast(pl.Datetime("us")), number.is_nan(), no
    text = column.cast(pl.String).str.strip_chars()
    day = text.str.len_chars() <= 10
    whole = pl.when(day).then(text + " 00:00:00").otherwise(text).str.replace("T", " ", literal=True)
    whole = whole.str.replace(r"\s*(Z|UTC)$", "+00:00").str.replace(r"([+-]\d{2})$", "${1}:00")
    whole = pl.when(text.str.contains(_OFFSET)).then(whole).otherwise(whole + "+00:00")
    forms = ("%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%d %H:%M%:z")
    found = [whole.str.to_datetime(form, strict=False, time_zone="UTC", time_unit="us") for form in forms]
    instant = pl.coalesce(found).dt.replace_time_zone(None)
    return instant, (text != "").fill_null(value=False) & instant.is_null(), day.fill_null(value=False)


def _number(own: Field, kinds: dict[str, pl.DataType]) -> tuple[pl.Expr, pl.Expr]:
    """A number as float, and whether what stands there is none."""
    import polars as pl

    if not own.paths and kinds[own.column].is_numeric():
        number = pl.col(own.column).cast(pl.Float64)
        return number.fill_nan(None), pl.lit(value=False)
    texts = [text.str.strip_chars() for text in _texts(own, kinds)]
    values = [text.cast(pl.Float64, strict=False).fill_nan(None) for text in texts]
    bad = pl.any_horizontal(
        [(text != "").fill_null(value=False) & value.is_null() for text, value in zip(texts, values, strict=True)]
    )
    if len(values) == 1:
        return values[0], bad
    return pl.coalesce([*(pl.when(v != 0).then(v) for v in values), *values]), bad


def _text(own: Field, kinds: dict[str, pl.DataType]) -> pl.Expr:
    import polars as pl

    text = _texts(own, kinds)[0].str.strip_chars()
    return pl.when(text != "").then(text)


def _texts(own: Field, kinds: dict[str, pl.DataType]) -> list[pl.Expr]:
    """What stands at each place of a field, as text."""
    import polars as pl

    kind = kinds[own.column]
    column = pl.col(own.column)
    if not own.paths:
        if isinstance(kind, pl.List):
            parts = pl.lit('"') + pl.element().cast(pl.String) + pl.lit('"')
            return [pl.lit("[") + column.list.eval(parts).list.join(",") + pl.lit("]")]
        return [column.cast(pl.String)]
    if isinstance(kind, pl.Struct):
        return [_in_struct(column, kind, path) for path in own.paths]
    return [column.str.json_path_match("$." + ".".join(path)) for path in own.paths]


def _in_struct(column: pl.Expr, kind: pl.Struct, path: tuple[str, ...]) -> pl.Expr:
    import polars as pl

    for step in path:
        inside = {f.name: f.dtype for f in kind.fields} if isinstance(kind, pl.Struct) else {}
        if step not in inside:
            return pl.lit(None, dtype=pl.String)
        column, kind = column.struct.field(step), inside[step]  # type: ignore[assignment]
    return column.cast(pl.String)


def _no_json(column: str, kind: pl.DataType) -> pl.Expr:
    """Whether a cell is neither blank nor JSON."""
    import polars as pl

    if isinstance(kind, pl.Struct):
        return pl.lit(value=False)
    text = pl.col(column).cast(pl.String)
    there = (~text.str.strip_chars().is_in(["", "null"])).fill_null(value=False)
    return there & text.str.json_path_match("$").is_null()
