"""A log that fits into memory: its description and a sheet come in, its records go out, one a row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.readers.logs import Field, Log, verdicts
from forecast.readers.sheet import MOST_COUNT, Extract, Page, Sheet

_BROKEN: Final = object()


@dataclass(frozen=True, slots=True)
class _Ops:
    """The words of :func:`forecast.readers.logs.verdicts` in pandas."""

    when: pd.Series
    numbers: dict[str, pd.Series]
    wrong: dict[str, pd.Series]
    set_aside: pd.Series

    def moment(self) -> pd.Series:
        naive: pd.Series = self.when.dt.tz_localize(None)
        return naive

    def number(self, measure: str) -> pd.Series:
        return self.numbers[measure]

    def unreadable(self, name: str) -> pd.Series:
        return self.wrong.get(name, pd.Series(False, index=self.when.index))

    def absent(self, value: pd.Series) -> pd.Series:
        return value.isna()

    def or_zero(self, value: pd.Series) -> pd.Series:
        return value.fillna(0.0)

    def aside(self) -> pd.Series:
        return self.set_aside


def extract_of(sheet: Sheet, log: Log, *, part: str | None = None, pages: Sequence[Page] = ()) -> Extract:
    """The records of a log, each by the same verdicts as in a warehouse."""
    cells = _Cells.of(sheet, log)
    numbers, wrong = {}, dict(cells.broken)
    for name, own in log.measures.items():
        numbers[name], wrong[name] = cells.number(own)
    when = sheet.days(log.moment.column) if log.daily else sheet.instants(log.moment.column)
    aside = pd.Series(False, index=sheet.frame.index)
    if log.aside is not None:
        aside = cells.text(log.aside.field).str.lower().isin(log.aside.values)
    for one in verdicts(log, _Ops(when, numbers, wrong, aside)):
        if one.reason.startswith(log.moment.column):  # the sheet has told of dates itself
            continue
        sheet.refuse(one.wrong, one.reason, *one.columns)
    usable = {m: value.where(value.abs() <= MOST_COUNT) for m, value in numbers.items()}
    columns: dict[str, pd.Series | str] = {schema.DATE: when, **log.fixed}
    columns |= named({k: cells.text(own) for k, own in log.texts.items()}, log)
    columns |= disjoint(usable, log)
    counted = usable.get(schema.REQUESTS, pd.Series(1.0, index=sheet.frame.index))
    columns[schema.REQUESTS] = counted
    held = {schema.REQUESTS: counted, **{m: usable[m] for m in log.money}}
    if log.tokens:
        held["tokens"] = pd.DataFrame({m: usable[m] for m in log.tokens}).sum(axis=1)
    sheet.notes += [note for note in log.notes if note not in sheet.notes]
    attributes = {k: listed(cells.text(own)) for k, own in log.attributes.items()}
    return sheet.extract(
        "day" if log.daily else "moment",
        columns,
        held=held,
        attributes=attributes,
        part=None if part is None else pd.Series(part, index=sheet.frame.index),
        identity=cells.text(log.identity) if log.identity is not None else None,
        pages=tuple(pages),
    )


def named(texts: dict[str, pd.Series], log: Log) -> dict[str, pd.Series]:
    """The texts, models without their provider's name before them."""
    if not log.prefixed or not {"provider", "model"} <= set(texts):
        return texts
    model, before = texts["model"], texts["provider"].fillna("") + "/"
    cut = [m.removeprefix(b) if isinstance(m, str) else None for m, b in zip(model, before, strict=True)]
    return texts | {"model": pd.Series(cut, index=model.index, dtype="str")}


def listed(text: pd.Series) -> pd.Series:
    """Text without blanks around it, and lists of tags spelt in one way: ``["a","b"]``."""
    spelt = text.astype("str").str.strip().str.replace('", "', '","', regex=False)
    return spelt.where(text.notna() & (spelt != ""))


def disjoint(measures: dict[str, pd.Series], log: Log) -> dict[str, pd.Series]:
    """Each measure less those that stand inside it.

    It may be done row by row or with sums: where a whole is unknown its parts are 0 or unknown too, else the row is
    rejected.
    """
    made = dict(measures)
    for part, whole in log.inside.items():
        made[whole] = made[whole] - measures[part].fillna(0.0)
    return made


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of a sheet, those inside JSON among them."""

    sheet: Sheet
    inside: dict[str, pd.Series]
    broken: dict[str, pd.Series]

    @classmethod
    def of(cls, sheet: Sheet, log: Log) -> _Cells:
        parsed = {column: sheet.frame[column].map(_object) for column in log.jsons}
        objects = {column: cells.map(lambda v: None if v is _BROKEN else v) for column, cells in parsed.items()}
        return cls(sheet, objects, {column: cells.map(lambda v: v is _BROKEN) for column, cells in parsed.items()})

    def text(self, own: Field) -> pd.Series:
        """A cell as text, null where blank."""
        if not own.paths:
            raw = self.sheet.frame[own.column]
            nested = raw.map(lambda v: isinstance(v, dict | list | np.ndarray)) if raw.dtype == object else None
            if nested is not None and nested.any():
                raw = raw.map(
                    lambda v: json.dumps(list(v), separators=(",", ":")) if isinstance(v, list | np.ndarray) else v
                )
                return raw.astype("str").str.strip().mask(self.sheet.frame[own.column].map(_nothing))
            return self.sheet.text(own.column)
        found = self.inside[own.column].map(lambda v: _under(v, own.paths[0]))
        text = found.map(lambda v: v if v is None or isinstance(v, str) else json.dumps(v)).astype("str").str.strip()
        return text.mask(found.isna() | (text == ""))

    def number(self, own: Field) -> tuple[pd.Series, pd.Series]:
        """A number, and whether what stands there is none."""
        texts = [self.text(own)] if not own.paths else [self.text(Field(own.column, (path,))) for path in own.paths]
        values = [pd.to_numeric(text, errors="coerce").astype("float64") for text in texts]
        bad = pd.Series(False, index=self.sheet.frame.index)
        for text, value in zip(texts, values, strict=True):
            bad |= text.notna() & value.isna()
        number = values[0]
        for value in values[1:]:
            number = number.where(number.notna() & (number != 0), value).fillna(values[0])
        return number, bad


def _object(cell: Any) -> Any:
    """What a JSON cell holds; None where blank."""
    if isinstance(cell, str):
        if not cell.strip():
            return None
        try:
            return json.loads(cell)
        except json.JSONDecodeError:
            return _BROKEN
    return cell if isinstance(cell, dict | list) else None


def _under(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _nothing(value: Any) -> bool:
    return value is None or (not isinstance(value, dict | list | np.ndarray) and bool(pd.isna(value)))
