"""One part of a plan, divided. Comes in: its rows, a split. Goes out: dealt rows and transfers, and the shares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import PlanError
from forecast.panel import BoolArray, FloatArray
from scenarios.budget.contingency import euler_shares
from scenarios.budget.ledger import LINE, TOKENS, TRANSFER, Parted
from scenarios.budget.recent import COST, Recent, weights_in
from scenarios.budget.shares import Wanted, ranges_of, shares_of
from scenarios.budget.splits import Split, Weights


@dataclass(frozen=True, slots=True)
class Terms:
    """What a split may look at beside the rows.

    Attributes
    ----------
    seed : int
    confidence : float
        Of the budget that parts of equal risk share.
    recent : Recent, optional
        None where no split asks for it.
    most_bytes : float
        The most memory that the ledger may take.
    """

    seed: int = 0
    confidence: float = 0.80
    recent: Recent | None = None
    most_bytes: float = np.inf


@dataclass(frozen=True, slots=True)
class Parent:
    """What a split divides: its rows, its parts, and how rows that belong to no part are dealt.

    Attributes
    ----------
    where : tuple of (column, label)
    parts : tuple of str (part,)
    own : bool array (own row,)
        Which of the rows that bear a label lie in it.
    free : tuple of int (dealt row,)
        Which of those that bear none.
    labels, free_labels : DataFrame
        Of all rows that bear a label, and of all that do not.
    keys : tuple of float array (part,) or None
        What each dealt row is dealt by before policy; None: by the shares.
    recent : float array (part,), optional
        Each part's share of what recent usage cost, where the split goes by it.
    kept : bool
        Whether tokens bear the column.
    notes : tuple of str
    """

    where: tuple[tuple[str, str], ...]
    parts: tuple[str, ...]
    own: BoolArray
    free: tuple[int, ...]
    labels: pd.DataFrame
    free_labels: pd.DataFrame
    keys: tuple[FloatArray | None, ...]
    recent: FloatArray | None
    kept: bool
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        where: tuple[tuple[str, str], ...],
        split: Split,
        labels: pd.DataFrame,
        free_labels: pd.DataFrame,
        terms: Terms,
        *,
        kept: bool,
    ) -> Parent:
        """What lies in one part of the plan: ``kept`` says whether tokens bear the column that it is split by."""
        own = _inside(labels, where)
        free = tuple(int(i) for i in np.nonzero(_inside(free_labels, where))[0])
        lines = [str(free_labels[LINE].iloc[i]) for i in free]
        asked = [None if line in (TOKENS, TRANSFER) else split.key_of(line) for line in lines]
        seen, notes = _measured(split, asked, where, terms)
        found = set(labels.loc[own, split.by]) | {part for part, _, _ in split.ranges}
        found |= {part for how in asked if isinstance(how, tuple) for part, _ in how}
        found |= {part for amounts in seen.values() for part in amounts.index}
        recent = seen.get(COST) if split.basis == "recent" else None
        silent = recent is not None and recent.empty
        if kept and recent is None and not own.any() and not any(asked):
            # Only lines, and no tokens that would say whose they are: they are dealt as the whole plan's are.
            found |= set(labels[split.by])
            notes.append(f"nothing{_place(where)} says its {split.by}: it is dealt as in the whole plan")
        if not found or (silent and not kept):
            found |= {schema.UNASSIGNED}
        parts = tuple(sorted(found))
        if silent:
            to = schema.UNASSIGNED if schema.UNASSIGNED in parts else "all parts equally"
            notes.append(f"nothing was used of late{_place(where)}: by {split.by} it is dealt to {to}")
            recent = pd.Series(1.0, index=[schema.UNASSIGNED] if schema.UNASSIGNED in parts else list(parts))
        weights = None if recent is None else weights_in(recent, parts)
        keys = [
            (None if kept else weights) if line == TOKENS else _key(split, line, how, parts, seen, _place(where))
            for line, how in zip(lines, asked, strict=True)
        ]
        noted = tuple(dict.fromkeys(notes))
        return cls(where, parts, own, free, labels, free_labels, tuple(keys), weights, kept, noted)

    def sources(self) -> Iterable[int]:
        """For every row that is made, the dealt row that it comes from; -1 for policy transfers."""
        return [i for i in self.free for _ in self.parts] + [-1] * len(self.parts)

    def divided(
        self, split: Split, own: FloatArray, free: list[FloatArray], whole: FloatArray, terms: Terms
    ) -> tuple[list[FloatArray], list[pd.DataFrame], Parted]:
        """The dealt rows and policy transfers: their money, their labels, and how the money was divided.

        Parameters
        ----------
        own : float array (draw, month, own row)
        free : list of float array (draw, month)
            Each dealt row.
        whole : float array (draw,)
            The plan's total.
        """
        label = self.labels[split.by].to_numpy()
        want = np.stack([own[:, :, self.own & (label == part)].sum(axis=2) for part in self.parts], axis=2)
        dealt_by = list(zip(self.free, self.keys, strict=True))
        recent = None
        if self.recent is not None:
            recent = want.sum(axis=(1, 2))[:, None] * self.recent
        for i, key in dealt_by:
            if key is not None:
                want = want + free[i][:, :, None] * key
                recent = None if recent is None else recent + free[i].sum(axis=1)[:, None] * key
        horizon = want.sum(axis=1)
        keyed = any(key is not None for key in self.keys)
        silent = self.kept and self.recent is None and not self.own.any() and not keyed
        known = (self.kept and not silent) or self.recent is not None
        room = self._room(horizon, free, whole, terms) if split.basis == "equal risk" else np.zeros(len(own))
        demand = horizon if known else None
        if silent:
            horizon = np.stack([own[:, :, label == part].sum(axis=(1, 2)) for part in self.parts], axis=1)
        told = horizon if self.kept or known else None
        shares = shares_of(split, Wanted(_place(self.where), self.parts, told, room, recent, len(own), terms.seed))
        transfer = shares[:, None, :] * want.sum(axis=2, keepdims=True) - want
        if not split.ranges and (split.basis == "demand" or (split.basis == "recent" and not self.kept)):
            transfer = np.zeros_like(want)  # without a policy each part has what it wants, in every month
        dealt = [free[i][:, :, None] * (shares[:, None, :] if key is None else key) for i, key in dealt_by]
        rows = [self.free_labels.iloc[[i] * len(self.parts)].assign(**{split.by: self.parts}) for i in self.free]
        rows.append(pd.DataFrame([{LINE: TRANSFER, **dict(self.where), split.by: part} for part in self.parts]))
        moved = np.asarray(transfer.sum(axis=1))
        result = Parted(self.where, self.parts, shares, demand, moved, ranges_of(split, self.parts))
        return [*dealt, transfer], rows, result

    def _room(self, horizon: FloatArray, free: list[FloatArray], whole: FloatArray, terms: Terms) -> FloatArray:
        """The budget that is divided, less the demand that is dealt by the shares: (draw,)."""
        every, spent = horizon.sum(axis=1), np.zeros(len(whole))
        for i, key in zip(self.free, self.keys, strict=True):
            if key is None:
                every = every + free[i].sum(axis=1)
                if self.free_labels[LINE].iloc[i] != TRANSFER:
                    spent = spent + free[i].sum(axis=1)
        budget = float(euler_shares(whole, every[:, None], terms.confidence)[0])
        return np.asarray(budget - spent)


def _inside(labels: pd.DataFrame, where: tuple[tuple[str, str], ...]) -> BoolArray:
    inside = np.ones(len(labels), dtype=bool)
    for column, label in where:
        inside &= np.asarray(labels[column] == label)
    return inside


def _measured(
    split: Split, asked: list[Weights | None], where: tuple[tuple[str, str], ...], terms: Terms
) -> tuple[dict[str, pd.Series], list[str]]:
    """What recent usage says of the parts, by what is measured, as far as the split asks; and notes."""
    words = [how for how in asked if isinstance(how, str) and how != "equally"]
    seen: dict[str, pd.Series] = {}
    notes: list[str] = []
    for word in dict.fromkeys([*([COST] if split.basis == "recent" else []), *words]):
        assert terms.recent is not None
        seen[word], more = terms.recent.amounts(word, split.by, where, split.days)
        notes += more
    return seen, notes


def _key(
    split: Split, line: str, how: Weights | None, parts: tuple[str, ...], seen: dict[str, pd.Series], place: str
) -> FloatArray | None:
    """What a line is dealt by, summing to 1 (part,); None: by the shares."""
    if how is None:
        return None
    if how == "equally":
        return np.full(len(parts), 1.0 / len(parts))
    if not isinstance(how, str):
        return weights_in(pd.Series(dict(how)), parts)
    if seen[how].empty:
        raise PlanError(
            f"{split.told}: shared[{line!r}] = {how!r}: no {how} are known{place} of the last {split.days} days; deal "
            "it by weights, or 'equally'"
        )
    return weights_in(seen[how], parts)


def _place(where: tuple[tuple[str, str], ...]) -> str:
    return f" in {', '.join(f'{column} {label}' for column, label in where)}" if where else ""
