"""Splits as they are told. Comes in: a column, ranges, and what decides inside them. Goes out: the same, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from forecast import schema
from forecast.errors import PlanError, nearest, one_of
from forecast.shown import short_repr

Rest = Literal["by demand", "equally"]
Basis = Literal["demand", "midpoint", "stochastic", "equal risk", "recent"]
Key = Literal["requests", "tokens", "cost", "equally"]
#: A share: a number, a range, or a range with one end.
Range: TypeAlias = float | tuple[float | None, float | None]
#: How a line is dealt: by weights that are given, or by what is measured.
Weights: TypeAlias = tuple[tuple[str, float], ...] | Key

#: What money can be split over.
SPLIT_BY: Final = (
    "environment",
    "department",
    "project",
    "application",
    "user",
    "segment",
    *(c for c in schema.OWNERS if c != "department"),
)
#: In ``shared``, every line that is not named.
EVERY: Final = "*"
#: Days of usage that are recent, and the parts that are kept apart by them, unless asked otherwise.
DAYS, MOST = 90, 20
#: What rounding may add to a sum of shares.
ROUNDING: Final = 1e-12
#: The words that begin what a basis does, in a sentence.
_TOLD: Final = {
    "demand": "as demanded",
    "midpoint": "at the middle of each range",
    "stochastic": "anywhere inside the ranges, all shares alike",
    "equal risk": "so that each overruns its part with the same probability",
    "recent": "by the cost of the last {days} days",
}


@dataclass(frozen=True, slots=True, init=False)
class Split:
    """How money is split over the parts of a column: a range of shares for some, the rest among the others.

    Parameters
    ----------
    by : str
        What is split over: environment, department, project, application, user, segment, cost_category, cost_center or
        gl_account.
    ranges : mapping of part to (low, high) or number, optional
        A number is a fixed share, ``(low, None)`` a floor, ``(None, high)`` a cap. Without ranges the basis decides.
    rest : {"by demand", "equally"}
        How the parts without a range share what is left.
    basis : {"demand", "midpoint", "stochastic", "equal risk", "recent"}
        Where inside the ranges shares lie. ``"demand"``: each draw's demand shares, moved to the nearest point of the
        ranges. ``"midpoint"``: the middles of the ranges. ``"stochastic"``: drawn in every future, uniformly from all
        shares inside the ranges that sum to 1. ``"equal risk"``: constant, such that every part's demand exceeds its
        budget with the same probability. ``"recent"``: constant, by what the usage of the last ``days`` days cost, also
        over columns that the plan does not keep apart, such as ``user``.
    days : int
        How many days up to the as-of date are recent.
    most : int
        How many parts ``"recent"`` keeps apart of a column that the plan does not; those that cost less are pooled.
    shared : mapping of line to weights or word, optional
        How lines that belong to no part are dealt before policy: by weights, such as heads ``{"sales": 30, "support":
        12}``, or by recent ``"requests"``, ``"tokens"`` or ``"cost"``, or ``"equally"``. ``"*"`` stands for every line
        that is not named. Lines without a key are dealt by the shares.

    Raises
    ------
    PlanError
        A range is not one, the ranges cannot sum to 1, or a word or number does not hold.
    """

    __repr__ = short_repr

    by: str
    ranges: tuple[tuple[str, float, float], ...]
    rest: Rest
    basis: Basis
    days: int
    most: int
    shared: tuple[tuple[str, Weights], ...]

    def __init__(
        self,
        by: str,
        ranges: Mapping[str, Range] | None = None,
        *,
        rest: Rest = "by demand",
        basis: Basis = "demand",
        days: int = DAYS,
        most: int = MOST,
        shared: Mapping[str, Mapping[str, float] | Key] | None = None,
    ) -> None:
        one_of("Split: by", by, SPLIT_BY, PlanError)
        object.__setattr__(self, "by", by)
        told = self.told
        one_of(f"{told}.rest", rest, get_args(Rest), PlanError)
        one_of(f"{told}.basis", basis, get_args(Basis), PlanError)
        if ranges is not None and not isinstance(ranges, Mapping):
            raise PlanError(f"{told}: ranges = {ranges!r}: wanted a range by part, such as {{'sales': (0.30, 0.50)}}")
        checked = tuple((_name(told, part), *_range(told, part, value)) for part, value in (ranges or {}).items())
        for name, count in (("days", days), ("most", most)):
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise PlanError(f"{told}: {name} = {count!r}: wanted a whole number, at least 1")
        held = {"ranges": checked, "rest": rest, "basis": basis, "days": days, "most": most}
        for name, value in {**held, "shared": _shared(told, shared)}.items():
            object.__setattr__(self, name, value)
        self._check()
        open_ended = [
            part for part, value in (ranges or {}).items() if isinstance(value, tuple | list) and None in value
        ]
        if basis == "midpoint" and open_ended:
            raise PlanError(
                f"{told}: {open_ended[0]} = {(ranges or {})[open_ended[0]]!r}: a middle needs two ends; give both, or "
                "another basis"
            )

    def _check(self) -> None:
        least = sum(low for _, low, _ in self.ranges)
        if least > 1 + ROUNDING:
            raise PlanError(
                f"{self.told}: the low ends of {self.listed()} sum to {least:.1%}, above 100 %; lower one of them"
            )
        if self.basis in ("midpoint", "stochastic") and not self.ranges:
            raise PlanError(
                f"{self.told}: basis {self.basis!r} takes its shares from ranges; name at least one part, such as "
                "(0.60, 0.70)"
            )
        if self.basis == "equal risk" and self.rest == "equally":
            raise PlanError(
                f"{self.told}: rest='equally' contradicts basis 'equal risk', by which every part has its own share; "
                "leave one of them out"
            )

    @property
    def told(self) -> str:
        """How messages call it."""
        return f"Split({self.by!r})"

    @property
    def measures(self) -> bool:
        """Whether it must see recent usage."""
        keys = [how for _, how in self.shared]
        return self.basis == "recent" or any(isinstance(how, str) and how != "equally" for how in keys)

    def listed(self) -> str:
        """The ranges, as a sentence lists them."""
        return ", ".join(f"{part} {_shown(low, high)}" for part, low, high in self.ranges)

    def key_of(self, line: str) -> Weights | None:
        """How a line that belongs to no part is dealt before policy; None: by the shares."""
        known = dict(self.shared)
        return known.get(line, known.get(EVERY))

    def describe(self) -> str:
        """In plain words."""
        told = []
        if self.ranges:
            named = ", ".join(f"{part} {_ends(low, high)}" for part, low, high in self.ranges)
            told.append(f"{named}; the rest {self.rest} among the other {_plural(self.by)}")
        if self.basis != "demand" or not self.ranges:
            told.append(_TOLD[self.basis].format(days=self.days))
        told += [f"{'every other line' if line == EVERY else line} {_how(how)}" for line, how in self.shared]
        return "; ".join(told)


class EnvironmentSplit(Split):
    """How money is split over environments: :class:`Split` by environment, with ranges as arguments.

    Parameters
    ----------
    **ranges : (low, high) or number
        One for each named environment: ``development=(0.15, 0.20), production=(0.60, 0.70)``.
    rest : {"by demand", "equally"}
        How the other environments share what is left.
    basis : {"demand", "midpoint", "stochastic", "equal risk", "recent"}
        Where inside the ranges shares lie.

    Raises
    ------
    PlanError
        A range is not one, or the ranges cannot sum to 1.
    """

    __repr__ = short_repr

    __slots__ = ()

    def __init__(self, *, rest: Rest = "by demand", basis: Basis = "demand", **ranges: Range) -> None:
        if not ranges:
            raise PlanError("EnvironmentSplit: name at least one environment, such as production=(0.60, 0.70)")
        super().__init__("environment", ranges, rest=rest, basis=basis)

    @property
    def told(self) -> str:
        """How messages call it."""
        return "EnvironmentSplit"


def checked_splits(split: object) -> tuple[Split, ...]:
    """One split or a sequence of them as a tuple; none where there is none.

    Raises
    ------
    PlanError
        One is no split, or two are by the same column.
    """
    if split is None:
        return ()
    listed = tuple(split) if isinstance(split, list | tuple) else (split,)
    for one in listed:
        if not isinstance(one, Split):
            raise PlanError(
                f"split={one!r}: wanted EnvironmentSplit(production=(0.60, 0.70), ...) or Split('department', ...), or "
                "a list of them"
            )
    columns = [one.by for one in listed if isinstance(one, Split)]
    for column in columns:
        if columns.count(column) > 1:
            raise PlanError(f"split: two are by {column!r}; each divides what those before it made: keep one")
    return tuple(one for one in listed if isinstance(one, Split))


def _name(told: str, part: object) -> str:
    if not isinstance(part, str) or not part.strip():
        raise PlanError(f"{told}: {part!r}: wanted the name of a part")
    return part


def _range(told: str, name: str, value: object) -> tuple[float, float]:
    ends = (value, value) if isinstance(value, int | float) else value
    if not isinstance(ends, tuple | list) or len(ends) != 2 or ends == (None, None):
        raise PlanError(f"{told}: {name} = {value!r}: wanted a share or a range (low, high), such as (0.60, 0.70)")
    for end in ends:
        if end is not None and (isinstance(end, bool) or not isinstance(end, int | float) or not 0 <= end <= 1):
            raise PlanError(f"{told}: {name} = {value!r}: a share lies between 0 and 1")
    low, high = (0.0 if ends[0] is None else float(ends[0])), (1.0 if ends[1] is None else float(ends[1]))
    if low > high:
        raise PlanError(f"{told}: {name} = [{low:g}, {high:g}]: the low end is above the high end; swap them")
    return low, high


def _shared(told: str, shared: object) -> tuple[tuple[str, Weights], ...]:
    if shared is None:
        return ()
    if not isinstance(shared, Mapping):
        raise PlanError(f"{told}: shared = {shared!r}: wanted how each line is dealt, such as {{'*': 'requests'}}")
    return tuple((_line(told, line), _weights(told, line, how)) for line, how in shared.items())


def _line(told: str, line: object) -> str:
    if not isinstance(line, str) or not line.strip():
        raise PlanError(f"{told}: shared: {line!r}: wanted the name of a line, or '*' for every other")
    return line


def _weights(told: str, line: str, how: object) -> Weights:
    what = f"{told}: shared[{line!r}]"
    words: tuple[Key, ...] = get_args(Key)
    for word in words:
        if isinstance(how, str) and how == word:
            return word
    if isinstance(how, str):
        listed = ", ".join(map(repr, words))
        raise PlanError(f"{what} {how!r} is not known; allowed: {listed}, or weights by part{nearest(how, words)}")
    if not isinstance(how, Mapping) or not how:
        raise PlanError(f"{what} = {how!r}: wanted weights by part, such as {{'sales': 30}}, or one of {words}")
    for part, weight in how.items():
        plain = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not plain or not math.isfinite(weight) or weight < 0:
            raise PlanError(f"{what}: {part} = {weight!r}: wanted a weight from 0 up, such as heads")
    if not sum(how.values()) > 0:
        raise PlanError(f"{what}: every weight is 0; give one of them more")
    return tuple((_name(told, part), float(weight)) for part, weight in how.items())


def _shown(low: float, high: float) -> str:
    return f"{_percent(low)}-{_percent(high)}"


def _percent(share: float) -> str:
    return f"{share * 100:.4g}%"


def _ends(low: float, high: float) -> str:
    if low == high:
        return _percent(low)
    if low == 0.0 or high == 1.0:
        return f"at most {_percent(high)}" if low == 0.0 else f"at least {_percent(low)}"
    return f"{_percent(low)} to {_percent(high)}"


def _how(how: Weights) -> str:
    if isinstance(how, str):
        return how if how == "equally" else f"by recent {how}"
    return "by " + " : ".join(f"{part} {weight:g}" for part, weight in how)


def _plural(column: str) -> str:
    return {
        "cost_category": "cost categories",
        "cost_center": "cost centres",
        "gl_account": "general-ledger accounts",
    }.get(column, f"{column}s")
