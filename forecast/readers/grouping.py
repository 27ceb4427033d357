"""Grouping: the rows of a log, typed where they live, come in as a lazy frame; sums by period, key and verdict go out.

What each engine does in its own words (JSON, text that may be a number, time zones) is done before; from there on all
engines hear the same Narwhals. The typed columns are those of :class:`Typed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from forecast import schema
from forecast.readers.logs import Log, verdicts
from forecast.readers.sheet import MOST_COUNT

if TYPE_CHECKING:
    import narwhals as nw

#: Names of typed columns; no export has such.
PERIOD: Final = "__period"
ASIDE: Final = "__aside"
IDENTITY: Final = "__id"
ROW: Final = "__row"
VERDICT: Final = "__verdict"
NEGATIVE: Final = "__negative"
AGAIN: Final = "__again"
ROWS: Final = "__rows"
BEGIN: Final = "__begin"
END: Final = "__end"
#: Money is added up in units of 1e-12, exactly: the same rows give the same sum whatever the order of work.
DIGITS: Final = 12
EXAMPLE: Final = "__example"
#: Between the id and the cells of an example.
_APART: Final = "\x1f"
#: An example of a rejected row shows this much of its cells.
_SHOWN: Final = 200


def moment_column() -> str:
    """When, in UTC, without a zone; or the day."""
    return "__moment"


def number_column(measure: str) -> str:
    """A measure as float."""
    return f"__number_{measure}"


def unreadable_column(name: str) -> str:
    """Whether something stands there that cannot be read."""
    return f"__unreadable_{name}"


def key_column(name: str) -> str:
    """A dimension or attribute as text, null where blank."""
    return f"__key_{name}"


def sum_column(measure: str) -> str:
    """A measure's sum over a group."""
    return f"__sum_{measure}"


def known_column(measure: str) -> str:
    """How many rows of a group know a measure."""
    return f"__known_{measure}"


@dataclass(frozen=True, slots=True)
class Groups:
    """A log added up.

    Attributes
    ----------
    frame : DataFrame
        One row a period, key and verdict: ``PERIOD``, ``key_column`` of each, ``VERDICT`` (0 is right, n the n-th of
        the verdicts), ``NEGATIVE``, ``AGAIN``, ``ROWS``, ``BEGIN``, ``END``, ``EXAMPLE`` (a rejected row, as
        :func:`shown` reads it), and sums and known counts of each measure.
    reasons : tuple of str
        What each verdict says.
    """

    frame: pd.DataFrame
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Ops:
    """The words of :func:`verdicts` in Narwhals."""

    def moment(self) -> Any:
        return _nw().col(moment_column())

    def number(self, measure: str) -> Any:
        return _nw().col(number_column(measure))

    def unreadable(self, name: str) -> Any:
        return _nw().col(unreadable_column(name))

    def absent(self, value: Any) -> Any:
        return value.is_null()

    def or_zero(self, value: Any) -> Any:
        return value.fill_null(0.0)

    def aside(self) -> Any:
        return _nw().col(ASIDE)


def grouped(typed: nw.LazyFrame[Any], log: Log, *, dedupe: bool) -> Groups:
    """The sums by period, key and verdict, made where the rows live.

    Parameters
    ----------
    typed : LazyFrame
        The typed columns beside the log's own, which examples are shown of.
    dedupe : bool
        Mark what bears an id that an earlier row bears.
    """
    nw = _nw()
    found = list(verdicts(log, _Ops()))
    verdict = nw.lit(0)
    for number, one in reversed(list(enumerate(found, start=1))):
        verdict = nw.when(one.wrong).then(nw.lit(number)).otherwise(verdict)
    # Nearly all rows are right: one plain test of all lets an engine walk the long way for the others alone.
    wrong = reduce(lambda a, b: a | b, (one.wrong for one in found)).fill_null(False)
    verdict = nw.when(wrong).then(verdict).otherwise(nw.lit(0))
    judged = typed.with_columns(
        verdict.alias(VERDICT), _negative(log).alias(NEGATIVE), *(_usable(m) for m in log.measures)
    ).with_columns(nw.when(nw.col(VERDICT) > 0).then(_example(log)).alias(EXAMPLE))
    keys = [PERIOD, VERDICT, NEGATIVE, *(key_column(k) for k in log.by)]
    if dedupe:
        judged = judged.with_columns((nw.col(VERDICT) == 0).alias("__right"))
        first = nw.col(IDENTITY).is_first_distinct().over(IDENTITY, "__right", order_by=moment_column())
        judged = judged.with_columns((~first & ~nw.col(IDENTITY).is_null() & nw.col("__right")).alias(AGAIN))
        keys.append(AGAIN)
    table = judged.group_by(*keys).agg(
        nw.len().alias(ROWS),
        nw.col(moment_column()).min().alias(BEGIN),
        nw.col(moment_column()).max().alias(END),
        nw.col(EXAMPLE).min(),
        *(nw.col(sum_column(m)).count().alias(known_column(m)) for m in log.measures),
        *(nw.col(sum_column(m)).sum() for m in log.measures),
    )
    frame: pd.DataFrame = table.collect().to_pandas()
    return Groups(frame, tuple(one.reason for one in found))


def _negative(log: Log) -> Any:
    """Whether any money is below 0."""
    nw = _nw()
    below = [nw.col(number_column(m)) < 0 for m in log.money]
    return nw.lit(False) if not below else reduce(lambda a, b: a | b, below).fill_null(False)


def _usable(measure: str) -> Any:
    """A measure as it is added up: what is beyond any real count is no quantity, and is not."""
    nw = _nw()
    number = nw.col(number_column(measure))
    value = nw.when((number <= MOST_COUNT) & (number >= -MOST_COUNT)).then(number)
    if measure in schema.MONEY:
        value = value.cast(nw.Decimal(38, DIGITS))
    return value.alias(sum_column(measure))


def example_columns(log: Log) -> list[str]:
    """The columns that an example shows: no JSON, which may say who a person is."""
    shown = (log.moment, *log.measures.values())
    return list(dict.fromkeys(f.column for f in shown if not f.paths and f.column not in log.jsons))


def example_parts(log: Log) -> list[str]:
    """What stands before each cell of an example."""
    return [f"{_APART if i == 0 else ', '}{column}=" for i, column in enumerate(example_columns(log))]


def _example(log: Log) -> Any:
    """A row as text: its number or id, and the cells that may be wrong."""
    nw = _nw()
    parts: list[Any] = [nw.col(ROW).cast(nw.String).fill_null("")]
    for before, column in zip(example_parts(log), example_columns(log), strict=True):
        parts += [nw.lit(before), nw.col(column).cast(nw.String).fill_null("")]
    return nw.concat_str(parts, ignore_nulls=True)


def shown(groups: Groups, number: int) -> tuple[str, str]:
    """An example of a verdict, the first in the order of text: the row's id, and its cells."""
    found = groups.frame.loc[groups.frame[VERDICT] == number, EXAMPLE].dropna().astype("str")
    row, _, value = min(found, default="").partition(_APART)
    return row or "?", value[:_SHOWN]


def _nw() -> Any:
    import narwhals

    return narwhals
