"""Keys of shared cost. Comes in: words, weights or a table by pool. Goes out: for each pool, how it is dealt."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import PlanError, nearest
from forecast.shown import short_repr
from scenarios.reviews.allocating.bill import MONTH, USED

#: Who pays: a label, or one of each column of ``by``.
Payer: TypeAlias = tuple[str, ...]
Word = Literal["cost", "requests", "tokens", "even", "keep"]
#: How a pool is dealt: a word, weights by payer, or a table of weights.
Told: TypeAlias = "str | Mapping[Any, float | str] | pd.DataFrame | pd.Series"

#: What each word deals by.
WORDS: Final = {
    "cost": "by each payer's own cost",
    "requests": "by each payer's requests",
    "tokens": "by each payer's tokens",
    "even": "in equal parts among those who used anything",
    "keep": "not dealt",
}
#: What splits call the same.
_ALIASES: Final = {"equally": "even"}
#: In ``shared``, every pool that is not named.
EVERY: Final = "*"
#: Rows of usage without the label.
NOBODY: Final = schema.UNASSIGNED
#: Pools that any bill may have: rows without the label, by their category.
POOLS: Final = (NOBODY, *(c for c in schema.CHARGE_CATEGORIES if c != USED))
#: How far percents may be from 100 by rounding.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Key:
    """How one pool is dealt.

    Attributes
    ----------
    word : str
        One of :data:`WORDS`, or ``weights``.
    weights : tuple of (month or None, payer, weight)
        Where the word is ``weights``; a weight without a month holds in every month.
    """

    __repr__ = short_repr

    word: str
    weights: tuple[tuple[str | None, Payer, float], ...] = ()

    def describe(self) -> str:
        """In plain words."""
        if not self.weights:
            return WORDS[self.word]
        whole = math.fsum(w for _, _, w in self.weights)
        if any(month is not None for month, _, _ in self.weights):
            return "by weights of each month"
        return "by weights: " + ", ".join(f"{' / '.join(p)} {w / whole:.1%}" for _, p, w in self.weights[:6])


def keys_of(shared: object, by: tuple[str, ...], pools: Iterable[str]) -> dict[str, Key]:
    """The key of each pool.

    Parameters
    ----------
    shared : a key, or mapping of pool to key
        A mapping whose keys are pools (or ``"*"``) tells each; any other mapping is weights by payer, for all pools.
    by : tuple of str
    pools : iterable of str
        Pools that the bill has.

    Raises
    ------
    PlanError
        A word, weight or pool does not hold.
    """
    there = list(dict.fromkeys([*pools, *POOLS]))
    if isinstance(shared, Mapping) and _by_pool(shared, there):
        for name in shared:
            if name != EVERY and name not in there:
                raise PlanError(
                    f"shared: there is no pool {name!r}; there are {', '.join(there)}, and '*' for every other"
                    f"{nearest(name, there)}"
                )
        known = {name: _key(how, by, f"shared[{name!r}]") for name, how in shared.items()}
        return {pool: known.get(pool, known.get(EVERY, Key("cost"))) for pool in there}
    one = _key(shared, by, "shared")
    return dict.fromkeys(there, one)


def _by_pool(shared: Mapping[Any, Any], there: list[str]) -> bool:
    """Whether a mapping tells keys by pool: some value is a key of its own, not a weight."""
    keys = [v for v in shared.values() if isinstance(v, Mapping | pd.DataFrame | pd.Series) or v in (*WORDS, *_ALIASES)]
    named = any(k in there or k == EVERY for k in shared)
    return bool(keys) or (named and any(_weight(value) is None for value in shared.values()))


def _key(how: object, by: tuple[str, ...], told: str) -> Key:
    if isinstance(how, str):
        word = _ALIASES.get(how, how)
        if word not in WORDS:
            allowed = ", ".join(map(repr, WORDS))
            raise PlanError(
                f"{told}={how!r}: is no key; allowed: {allowed}, weights by payer, or a table{nearest(how, WORDS)}"
            )
        return Key(word)
    if isinstance(how, pd.Series):
        how = how.rename("weight").rename_axis(list(by)).reset_index()
    if isinstance(how, pd.DataFrame):
        return Key("weights", _table(how, by, told))
    if isinstance(how, Mapping):
        return Key("weights", _weights(how, by, told))
    raise PlanError(f"{told}={how!r}: wanted a word ({', '.join(map(repr, WORDS))}), weights by payer, or a table")


def _weights(how: Mapping[Any, Any], by: tuple[str, ...], told: str) -> tuple[tuple[None, Payer, float], ...]:
    """Weights by payer: numbers, or percents that sum to 100 %."""
    found: list[tuple[None, Payer, float]] = []
    percents = [isinstance(value, str) for value in how.values()]
    for name, value in how.items():
        payer = (name,) if isinstance(name, str) else name
        if not isinstance(payer, tuple) or len(payer) != len(by) or not all(isinstance(p, str) for p in payer):
            such = repr("sales") if len(by) == 1 else repr(tuple(f"a {c}" for c in by))
            raise PlanError(f"{told}: {name!r}: wanted a payer by {', '.join(by)}, such as {such}")
        weight = _weight(value)
        if weight is None:
            raise PlanError(f"{told}[{name!r}] = {value!r}: wanted a weight from 0 up, or a percent such as '60%'")
        found.append((None, payer, weight))
    total = math.fsum(w for _, _, w in found)
    if any(percents) and not all(percents):
        raise PlanError(f"{told}: some weights are percents and some are numbers; give all in one way")
    if any(percents) and abs(total - 100) > _ROUNDING:
        raise PlanError(f"{told}: percents sum to {total:g} %, not to 100 %; who pays the rest?")
    if not total > 0:
        raise PlanError(f"{told}: weights sum to {total:g}; give at least one above 0")
    return tuple(found)


def _weight(value: object) -> float | None:
    """A weight, or the number of a percent; None where it is neither."""
    if isinstance(value, str):
        try:
            value = float(value.strip().removesuffix("%")) if value.strip().endswith("%") else math.nan
        except ValueError:
            return None
    fits = isinstance(value, int | float | np.number) and not isinstance(value, bool) and 0 <= float(value) < math.inf
    return float(value) if fits else None  # type: ignore[arg-type]


def _table(how: pd.DataFrame, by: tuple[str, ...], told: str) -> tuple[tuple[str | None, Payer, float], ...]:
    """Weights of a table: the columns of ``by``, perhaps ``month``, and one of weights."""
    for column in by:
        if column not in how:
            have = ", ".join(map(str, how.columns))
            raise PlanError(f"{told}: the table has no column {column!r}; it has {have}{nearest(column, how.columns)}")
    rest = [c for c in how.columns if c not in (*by, MONTH)]
    if len(rest) != 1:
        raise PlanError(f"{told}: wanted one column of weights beside {', '.join(by)}; there are {rest or 'none'}")
    months: list[str | None] = [None] * len(how)
    if MONTH in how:
        try:
            months = [str(pd.Period(str(m)[:7], freq="M")) for m in how[MONTH]]
        except ValueError as cause:
            raise PlanError(
                f"{told}: column 'month' holds what is no month ({cause}); wanted such as 2027-01"
            ) from cause
    found: list[tuple[str | None, Payer, float]] = []
    for i, row in enumerate(how[[*by, rest[0]]].itertuples(index=False, name=None)):
        weight = None if isinstance(row[-1], str) else _weight(row[-1])
        if weight is None or not all(isinstance(p, str) for p in row[:-1]):
            raise PlanError(f"{told}: row {i} ({', '.join(map(repr, row))}): wanted labels and a weight from 0 up")
        found.append((months[i], tuple(row[:-1]), weight))
    seen = [(month, payer) for month, payer, _ in found]
    if twice := next((one for one in seen if seen.count(one) > 1), None) if len(set(seen)) < len(seen) else None:
        raise PlanError(f"{told}: {' / '.join(twice[1])} stands twice{f' in {twice[0]}' if twice[0] else ''}")
    if not math.fsum(w for _, _, w in found) > 0:
        raise PlanError(f"{told}: the weights sum to 0; give at least one above 0")
    return tuple(found)
