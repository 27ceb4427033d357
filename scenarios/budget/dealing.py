"""Dealing. Comes in: rows of a plan's money, and splits. Goes out: the ledger, in which every row belongs to a part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.calendars import Calendar
from forecast.errors import PlanError, nearest
from forecast.panel import BoolArray, FloatArray
from forecast.usage_rows import OTHER
from scenarios.budget.ledger import LINE, TOKENS, TRANSFER, Ledger, Level
from scenarios.budget.parting import Parent, Terms
from scenarios.budget.recent import COST
from scenarios.budget.shares import check_names
from scenarios.budget.splits import EVERY, Split
from scenarios.components import OWNER_COLUMNS, Row

ENVIRONMENT: Final = "environment"


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows on their way into a ledger.

    Attributes
    ----------
    labels : DataFrame (row,)
        A label that a row does not bear is null.
    blocks : tuple of float array (draw, month, row)
        Their money, side by side.
    own : bool array (row,)
        False for what was dealt.
    kept : tuple of str
        The columns that token rows bear.
    """

    labels: pd.DataFrame
    blocks: tuple[FloatArray, ...]
    own: BoolArray
    kept: tuple[str, ...]

    @property
    def demand(self) -> BoolArray:
        return np.asarray(self.labels[LINE] != TRANSFER)

    def money(self) -> FloatArray:
        """One array: (draw, month, row)."""
        return self.blocks[0] if len(self.blocks) == 1 else np.concatenate(self.blocks, axis=2)

    def parted(self, mask: BoolArray) -> tuple[list[FloatArray], list[FloatArray]]:
        """The blocks of the rows that a mask takes, and those of the others."""
        taken: list[FloatArray] = []
        left: list[FloatArray] = []
        at = 0
        for block in self.blocks:
            mine = mask[at : at + block.shape[2]]
            at += block.shape[2]
            if mine.all() or not mine.any():
                (taken if mine.all() else left).append(block)
            else:
                taken.append(block[:, :, mine])
                left.append(block[:, :, ~mine])
        return taken, left


def ledger_of(
    labels: pd.DataFrame,
    cost: FloatArray,
    lines: list[Row],
    days: pd.DatetimeIndex,
    splits: Sequence[Split],
    *,
    calendar: Calendar,
    terms: Terms | None = None,
) -> Ledger:
    """Allocate.

    Parameters
    ----------
    labels : DataFrame (cell,)
        Labels of the token lines, ``environment`` among them.
    cost : float array (draw, month, cell)
    lines : list of Row
        Lines that are not tokens: money (draw, month), and whose it is. Owner's columns that a line bears are columns
        of the ledger.
    days : DatetimeIndex (month,)
        The first day of each month.
    splits : sequence of Split
        Each is applied inside every part that those before it made.
    calendar : Calendar
    terms : Terms, optional

    A split makes one share vector a draw and applies it to every month. Lines that belong to no part are dealt by it,
    or by a key, and each part gets a row ``policy transfer``: its part of the money by its share, less its own demand
    and what was dealt to it. In every draw and month these rows sum to 0 inside what the split divides.
    """
    rows = _started(labels, cost, lines)
    environments = sorted(rows.labels.loc[rows.labels[ENVIRONMENT].notna(), ENVIRONMENT].unique())
    asked = terms or Terms()
    levels: list[Level] = []
    for split in splits:
        rows, asked, level = _split(rows, [done.split.by for done in levels], split, asked)
        levels.append(level)
    bears = np.asarray(rows.labels[ENVIRONMENT].notna())
    own = rows.own if any(split.by in rows.kept for split in splits) else bears & rows.demand
    told = rows.labels[ENVIRONMENT].where(rows.labels[ENVIRONMENT].notna(), schema.UNASSIGNED)
    first = levels[0].parted[0] if levels and levels[0].split.by == ENVIRONMENT else None
    return Ledger(
        rows.labels.assign(**{ENVIRONMENT: told}),
        rows.money(),
        rows.demand,
        own,
        days,
        tuple(first.parts if first is not None else environments),
        None if first is None else first.shares,
        calendar,
        tuple(levels),
    )


def _started(labels: pd.DataFrame, cost: FloatArray, lines: list[Row]) -> _Rows:
    """Tokens, lines with an environment, and lines without one."""
    labels = labels.assign(**{LINE: TOKENS})
    kept = tuple(labels.columns)
    labels[ENVIRONMENT] = labels[ENVIRONMENT].astype("object").where(labels[ENVIRONMENT].notna(), schema.UNASSIGNED)
    owners = [c for c in OWNER_COLUMNS if c not in labels and any(c in line.owner for line in lines)]
    columns = [LINE, ENVIRONMENT, *[c for c in labels.columns if c not in (LINE, ENVIRONMENT)], *owners]
    bearing = [line for line in lines if ENVIRONMENT in line.owner]
    free = [line for line in lines if ENVIRONMENT not in line.owner]
    told = [pd.DataFrame([{LINE: line.name, **line.owner}]) for line in (*bearing, *free)]
    table = pd.concat([labels, *told], ignore_index=True).reindex(columns=columns)
    own = np.concatenate([cost, *[line.money[:, :, None] for line in bearing]], axis=2)
    blocks = (own, *[line.money[:, :, None] for line in free])
    return _Rows(table, blocks, np.ones(len(table), dtype=bool), kept)


def _split(rows: _Rows, before: list[str], split: Split, terms: Terms) -> tuple[_Rows, Terms, Level]:
    """Apply one split inside every part that the columns ``before`` make."""
    labels, kept, by = rows.labels, split.by in rows.kept, split.by
    if by not in labels:
        labels = labels.assign(**{by: None})
    if kept:
        nobody = (labels[LINE] == TOKENS) & labels[by].isna()
        labels = labels.assign(**{by: labels[by].astype("object").mask(nobody, schema.UNASSIGNED)})
    bears = np.asarray(labels[by].notna())
    known = sorted(labels.loc[bears, by].unique())
    terms, measured, notes = _measured(split, terms, known, kept=kept)
    # Where neither plan nor usage tells the parts, the policy does.
    there = [*known, *[part for part in measured if part not in known]] if kept or measured else []
    _check(split, there, labels, kept=kept)
    own_blocks, free_blocks = rows.parted(bears)
    own = _side_by_side(own_blocks, rows.blocks[0])
    free = [block[:, :, i] for block in free_blocks for i in range(block.shape[2])]
    own_labels, free_labels = labels[bears].reset_index(drop=True), labels[~bears].reset_index(drop=True)
    parents = _parents(labels, before)
    plans = [Parent.of(where, split, own_labels, free_labels, terms, kept=kept) for where in parents]
    _check_size(rows, split, len(own_labels), plans, terms)
    whole = sum((block.sum(axis=(1, 2)) for block in rows.blocks), start=np.zeros(len(own)))
    made, tables, parted = [own], [own_labels], []
    for parent in plans:
        blocks, told, result = parent.divided(split, own, free, np.asarray(whole), terms)
        made += blocks
        tables += told
        parted.append(result)
        notes += [note for note in parent.notes if note not in notes]
    table = pd.concat(tables, ignore_index=True).reindex(columns=labels.columns)
    fresh = np.zeros(len(table), dtype=bool)
    fresh[: len(own_labels)] = rows.own[bears]
    if not kept:  # tokens that are dealt on are demand as they were
        sources = [source for parent in plans for source in parent.sources()]
        fresh[len(own_labels) :] = [source >= 0 and rows.own[~bears][source] for source in sources]
    columns = tuple(dict.fromkeys((*rows.kept, by)))
    return (
        _Rows(table, tuple(made), fresh, columns if kept else rows.kept),
        terms,
        Level(split, tuple(parted), tuple(notes)),
    )


def _side_by_side(blocks: list[FloatArray], like: FloatArray) -> FloatArray:
    """Some rows as one array (draw, month, row)."""
    if len(blocks) == 1:
        return blocks[0]
    return np.concatenate(blocks, axis=2) if blocks else np.zeros((*like.shape[:2], 0))


def _measured(split: Split, terms: Terms, known: list[str], *, kept: bool) -> tuple[Terms, list[str], list[str]]:
    """Recent usage with the parts of this split, their names, and notes of what was pooled."""
    recent = terms.recent
    if recent is None:
        return terms, [], []
    if not recent.has(split.by) and split.measures:
        raise PlanError(f"{split.told}: {recent.source} does not say {split.by}, so nothing recent can be told by it")
    notes: list[str] = []
    if not recent.has(split.by) or not (kept or split.measures):
        return replace(terms, recent=recent.without(split.by)), [], []
    if kept:
        recent = recent.labelled(split.by)
        recent = recent.pooled(split.by, known) if OTHER in known else recent
    else:
        named = [part for part, _, _ in split.ranges]
        named += [part for _, how in split.shared if not isinstance(how, str) for part, _ in how]
        recent, notes = recent.parts(split.by, split.days, split.most, named)
    amounts, _ = recent.amounts(COST, split.by, (), split.days)
    return replace(terms, recent=recent), sorted(map(str, amounts.index)) if split.measures else [], notes


def _check(split: Split, parts: list[str], labels: pd.DataFrame, *, kept: bool) -> None:
    """Refuse what the rows of the plan cannot answer."""
    if not kept and split.basis in ("demand", "equal risk"):
        raise PlanError(
            f"{split.told}: the plan does not keep {split.by} apart, so nobody knows what each wants; project by it, "
            f"fc.project(..., by=('environment', {split.by!r})), or split by basis='recent'"
        )
    if parts:
        check_names(split, parts)
    lines = [str(line) for line in labels[LINE].unique() if line not in (TOKENS, TRANSFER)]
    for line, _ in split.shared:
        if line not in (EVERY, *lines):
            raise PlanError(
                f"{split.told}: shared: there is no line {line!r}; there are {', '.join(lines) or 'none'}"
                f"{nearest(line, lines)}"
            )


def _check_size(rows: _Rows, split: Split, own: int, plans: list[Parent], terms: Terms) -> None:
    """Refuse a ledger that would not fit."""
    draws, months = rows.blocks[0].shape[:2]
    count = own + sum((len(parent.free) + 1) * len(parent.parts) for parent in plans)
    size = 8.0 * draws * months * count
    if size > terms.most_bytes:
        raise PlanError(
            f"{split.told}: {draws:,} draws x {months} months x {count:,} rows would take {size / 1e9:.1f} GB; keep "
            "less apart with detail=('environment', 'project'), pool more parts with most=, or take fewer draws"
        )


def _parents(labels: pd.DataFrame, before: list[str]) -> list[tuple[tuple[str, str], ...]]:
    """What is divided: every part that the splits before have made, in order."""
    if not before:
        return [()]
    found = labels[before].drop_duplicates().sort_values(before)
    return [tuple(zip(before, map(str, row), strict=True)) for row in found.itertuples(index=False)]
