"""Dealing. Comes in: a bill, who pays by which columns, keys. Goes out: exact lines of each payer, and what was dealt.

A row that bears every label of ``by`` is its payer's own. Others are pools, dealt month by month among the payers that
bear the labels which the row does have, by the key of the pool.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import PlanError, nearest
from forecast.panel import FloatArray, IntArray
from scenarios.reviews.allocating.bill import AMOUNT, BOUGHT, LINE, MONTH, QUANTITY, TOKENS, UNIT, USED, Bill
from scenarios.reviews.allocating.cents import cents_of
from scenarios.reviews.allocating.keys import NOBODY, Key, Payer

DIRECT, SHARED, UNALLOCATED = "direct", "shared", "unallocated"
#: What tells one line of a payer's own from another.
ROUTE: Final = ("provider", "model", "service_tier")
_POOL, _KNOWN = "_pool", "_known"


@dataclass(frozen=True, slots=True)
class Dealt:
    """Lines of every payer, exact and in cents.

    Attributes
    ----------
    lines : DataFrame (line,)
        The ``by`` columns, ``month``, ``provider``, ``model``, ``service_tier``, ``line``, ``charge`` (direct, shared
        or unallocated), ``key``, ``share``, ``quantity``, ``unit``, ``exact`` and ``cents``.
    counts : DataFrame (payer,)
        Index ``by``; ``requests``, ``tokens``, ``users``; NaN is unknown.
    gross, allocated : float
        Positive charges in all, and those that somebody bears by label.
    notes : tuple of str
    """

    lines: pd.DataFrame
    counts: pd.DataFrame
    gross: float
    allocated: float
    notes: tuple[str, ...]


def pools_of(bill: Bill, by: tuple[str, ...], platform: tuple[tuple[str, str], ...]) -> pd.Series:
    """The pool of each row, empty where the row is somebody's own: (row,)."""
    frame = bill.frame
    known = frame[list(by)].notna().all(axis=1)
    other = frame[LINE].where(frame[LINE] != USED, NOBODY)
    pool = pd.Series(np.where(known, "", other), index=frame.index, dtype="object")
    for column, label in platform:
        pool = pool.mask((frame[column] == label) & ((pool == "") | (pool == NOBODY)), label)
    return pool


def dealt(bill: Bill, by: tuple[str, ...], pools: pd.Series, keys: dict[str, Key]) -> Dealt:
    """Deal every pool.

    Raises
    ------
    PlanError
        Nobody can pay a pool: there is no payer, nobody has what its key measures, or its weights name nobody.
    """
    frame = bill.frame.assign(**{_POOL: pools})
    own = frame[_POOL] == ""
    direct = frame[own]
    months = sorted(frame[MONTH].unique())
    basis = _Basis.of(direct, by, months)
    amounts = _pooled(frame[~own], by)
    made = _Made(by, basis.payers)
    for known in sorted(amounts[_KNOWN].unique(), reverse=True):
        added = np.zeros((len(months), len(basis.payers)))
        for row in amounts[amounts[_KNOWN] == known].to_dict("records"):
            pool, month, amount = str(row[_POOL]), str(row[MONTH]), float(row[AMOUNT])
            where = tuple(row[c] if isinstance(row[c], str) else None for c in by)
            part = basis.part(pool, keys[pool], where, month) if amount else _kept()
            made.add(pool, month, amount, where, part)
            added[basis.months[month], part.payers] += amount * part.shares
        basis.add(added)
    tables = [_direct(direct, by), made.table()]
    lines = pd.concat(tables, ignore_index=True)
    lines = lines.sort_values([*by, MONTH, "charge", LINE, *ROUTE, UNIT], kind="stable", ignore_index=True)
    payer_of = lines.groupby(list(by), sort=True).ngroup().to_numpy(dtype="int64")
    month_of = lines[MONTH].map({m: i for i, m in enumerate(months)}).to_numpy(dtype="int64")
    cents = cents_of(lines["exact"].to_numpy("float64"), np.asarray(month_of), np.asarray(payer_of))
    charged = frame[AMOUNT].clip(lower=0.0)
    return Dealt(
        lines.assign(cents=cents),
        _counts(direct, by),
        float(charged.sum()),
        float(charged[own].sum()),
        tuple(made.notes),
    )


def _direct(direct: pd.DataFrame, by: tuple[str, ...]) -> pd.DataFrame:
    """Each payer's own lines."""
    route = {c: direct[c].astype("object") if c in direct else None for c in ROUTE}
    told = direct.assign(**{c: pd.Series(route[c], index=direct.index, dtype="object").fillna("") for c in ROUTE})
    places = [*by, MONTH, LINE, *ROUTE, UNIT]
    sums = told.groupby(places, sort=True)
    table = sums[AMOUNT].sum().to_frame("exact")
    # A sum in which one part is unknown is unknown.
    table[QUANTITY] = sums[QUANTITY].sum(min_count=1).where(sums[QUANTITY].count() == sums.size())
    return table.reset_index().assign(charge=DIRECT, key="", share=np.nan)


def _pooled(rows: pd.DataFrame, by: tuple[str, ...]) -> pd.DataFrame:
    """Money of each pool by month and by the labels that its rows do have; ``_known`` counts these."""
    labels = rows[list(by)].astype("object").where(rows[list(by)].notna(), None)
    labels.loc[~rows[_POOL].isin([NOBODY]) & (rows[_POOL] != rows[LINE]), :] = None  # a platform serves everybody
    told = rows.assign(**{c: labels[c] for c in by})
    amounts = told.groupby([*by, _POOL, MONTH], dropna=False, sort=True)[AMOUNT].sum().reset_index()
    return amounts.assign(**{_KNOWN: amounts[list(by)].notna().sum(axis=1)})


@dataclass(slots=True)
class _Made:
    """Lines of what was dealt, under way."""

    by: tuple[str, ...]
    payers: list[Payer]
    labels: list[tuple[str, ...]] = field(default_factory=list)
    told: list[tuple[str, str, str, str]] = field(default_factory=list)
    money: list[tuple[float, float]] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    def add(self, pool: str, month: str, amount: float, where: tuple[str | None, ...], part: _Part) -> None:
        """Everybody's part of one pool in one month; one line of nobody's where it is kept."""
        self.notes |= dict.fromkeys(part.notes)
        if not len(part.payers):
            self.labels.append(tuple(label or NOBODY for label in where))
            self.told.append((month, pool, UNALLOCATED, part.word))
            self.money.append((amount, float("nan")))
            return
        for i, share in zip(part.payers.tolist(), part.shares.tolist(), strict=True):
            if share > 0:
                self.labels.append(self.payers[i])
                self.told.append((month, pool, SHARED, part.word))
                self.money.append((amount * share, share))

    def table(self) -> pd.DataFrame:
        """The lines as a frame."""
        table = pd.DataFrame(self.labels, columns=list(self.by), dtype="object")
        table[[MONTH, LINE, "charge", "key"]] = pd.DataFrame(self.told, columns=range(4), dtype="object")
        table[["exact", "share"]] = pd.DataFrame(self.money, columns=range(2), dtype="float64")
        table[[*ROUTE, UNIT]] = ""
        table[QUANTITY] = np.nan
        return table


def _counts(direct: pd.DataFrame, by: tuple[str, ...]) -> pd.DataFrame:
    """What each payer's own usage was; unknown where a row of usage does not say."""
    used = direct[(direct[LINE] == USED)]
    groups = used.groupby(list(by), sort=True)
    table = pd.DataFrame(index=groups.size().index)
    for name in (schema.REQUESTS, TOKENS):
        told = used[name] if name in used else pd.Series(np.nan, index=used.index)
        lacking = (told.isna() & used[BOUGHT].astype(bool)).groupby([used[c] for c in by]).any()
        table[name] = told.groupby([used[c] for c in by]).sum(min_count=1).where(~lacking)
    if "user" in used:
        named = used["user"].notna().groupby([used[c] for c in by]).all()
        table["users"] = groups["user"].nunique().astype("float64").where(named)
    else:
        table["users"] = np.nan
    return table


@dataclass(frozen=True, slots=True)
class _Part:
    """How one pool is dealt in one month: to whom, with what shares (payer,), by what; kept where nobody pays."""

    payers: IntArray
    shares: FloatArray
    word: str
    notes: tuple[str, ...] = ()


def _kept(*notes: str) -> _Part:
    return _Part(np.zeros(0, dtype=np.intp), np.zeros(0), "keep", notes)


@dataclass(slots=True)
class _Basis:
    """What keys measure: each payer's own cost, requests, tokens and presence, by month (month, payer).

    ``lacking`` tells what a measure does not see. ``_inside`` and ``_tables`` keep what was worked out.
    """

    by: tuple[str, ...]
    payers: list[Payer]
    months: dict[str, int]
    amounts: dict[str, FloatArray]
    lacking: dict[str, str]
    _inside: dict[tuple[int, ...], dict[Payer, list[int]]] = field(default_factory=dict)
    _tables: dict[Key, tuple[FloatArray, FloatArray, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, direct: pd.DataFrame, by: tuple[str, ...], months: list[str]) -> _Basis:
        """Measure the rows that are somebody's own."""
        payers: list[Payer] = sorted(set(direct[list(by)].itertuples(index=False, name=None)))
        shape = len(months), len(payers)
        place = {payer: i for i, payer in enumerate(payers)}
        column = np.array([place[p] for p in direct[list(by)].itertuples(index=False, name=None)], dtype=np.intp)
        row = direct[MONTH].map({m: i for i, m in enumerate(months)}).to_numpy("int64")
        cell = row * shape[1] + column

        def summed(values: pd.Series) -> FloatArray:
            weights = values.fillna(0.0).to_numpy("float64")
            return np.bincount(cell, weights=weights, minlength=shape[0] * shape[1]).reshape(shape).astype("float64")

        lacking = {}
        for name in (schema.REQUESTS, TOKENS):
            if missing := int((direct[name].isna() & direct[BOUGHT].astype(bool)).sum()):
                lacking[name] = f"{missing} rows of usage without {name} have no part in keys by {name}"
        amounts = {
            "cost": summed(direct[AMOUNT]),
            "requests": summed(direct[schema.REQUESTS]),
            "tokens": summed(direct[TOKENS]),
            "even": (summed(pd.Series(1.0, index=direct.index)) > 0).astype("float64"),
        }
        return cls(by, payers, {m: i for i, m in enumerate(months)}, amounts, lacking)

    def add(self, amounts: FloatArray) -> None:
        """What was dealt at one level is cost at the next: (month, payer)."""
        self.amounts["cost"] = self.amounts["cost"] + amounts
        self._tables.pop(Key("cost"), None)

    def part(self, pool: str, key: Key, where: tuple[str | None, ...], month: str) -> _Part:
        """How a pool is dealt in a month among the payers that bear the labels ``where``."""
        if key.word == "keep":
            return _kept()
        inside = self._bearing(where)
        place = ", ".join(f"{c} {w}" for c, w in zip(self.by, where, strict=True) if w is not None)
        told = f"{pool}{f' of {place}' if place else ''}"
        if not len(inside) and place:
            return _kept(f"{told}: is not dealt, because nobody by {' and '.join(self.by)} is known there")
        if not len(inside):
            raise PlanError(
                f"{told}: nobody can pay it: no row of the bill bears {' and '.join(self.by)}; allocate by another "
                "column, or keep it apart: shared='keep'"
            )
        return self._weighed(told, key, inside, month)

    def _bearing(self, where: tuple[str | None, ...]) -> IntArray:
        """Which payers bear some labels."""
        known = tuple(i for i, label in enumerate(where) if label is not None)
        if known not in self._inside:
            groups: dict[Payer, list[int]] = {}
            for i, payer in enumerate(self.payers):
                groups.setdefault(tuple(payer[c] for c in known), []).append(i)
            self._inside[known] = groups
        labels = tuple(label for label in where if label is not None)
        return np.array(self._inside[known].get(labels, []), dtype=np.intp)

    def _weighed(self, told: str, key: Key, inside: IntArray, month: str) -> _Part:
        """By the key in that month; where nobody has any, by that of the span; where nobody there has any, evenly."""
        table, whole, note = self._table(key)
        if not whole.sum() > 0:
            raise PlanError(
                f"{told}: is dealt by {key.word}, of which nobody has any; deal it by 'even' or weights, or 'keep' it"
            )
        notes = tuple(n for n in (note, self.lacking.get(key.word, "")) if n)
        weight = table[self.months[month], inside]
        if weight.sum() > 0:
            return _Part(inside, weight / weight.sum(), key.word, notes)
        weight = whole[inside]
        if weight.sum() > 0:
            note = f"{told} of {month}: nobody has any {key.word} in that month; dealt by that of the whole span"
            return _Part(inside, weight / weight.sum(), key.word, (*notes, note))
        note = f"{told} of {month}: nobody there has any {key.word}; dealt in equal parts"
        return _Part(inside, np.full(len(inside), 1.0 / len(inside)), "even", (*notes, note))

    def _table(self, key: Key) -> tuple[FloatArray, FloatArray, str]:
        """A key by month (month, payer) and over the span (payer,), nothing below 0; and what to tell of it."""
        if key not in self._tables:
            if key.weights:
                table, note = self._given(key)
                whole = table.sum(axis=0)
            else:
                own = self.amounts[key.word]
                table, whole = np.maximum(own, 0.0), np.maximum(own.sum(axis=0), 0.0)
                below = key.word == "cost" and (own < 0).any()
                note = "whose own cost is below 0 in a month has no part in keys by cost of that month" if below else ""
            self._tables[key] = table, whole, note
        return self._tables[key]

    def _given(self, key: Key) -> tuple[FloatArray, str]:
        """Given weights by month (month, payer)."""
        place = {payer: i for i, payer in enumerate(self.payers)}
        table, unused = np.zeros((len(self.months), len(self.payers))), []
        for month, payer, weight in key.weights:
            if payer not in place:
                listed = [" / ".join(p) for p in self.payers]
                raise PlanError(
                    f"shared: there is no payer {' / '.join(payer)!r} in the bill; it has {', '.join(listed[:20])}"
                    f"{nearest(' / '.join(payer), listed)}"
                )
            if month is None:
                table[:, place[payer]] = weight
            elif month in self.months:
                table[self.months[month], place[payer]] = weight
            else:
                unused.append(month)
        told = f"weights of {', '.join(sorted(set(unused)))} are of no month of the bill" if unused else ""
        return table, told
