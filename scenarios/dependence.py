"""Dependence: what makes uncertain parameters move together. Comes in: names and correlations. Goes out: ties."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

import numpy as np

from forecast.errors import ScenarioError, nearest, one_of
from forecast.panel import FloatArray
from forecast.shown import short_repr
from scenarios.changes import Change, World, label_of
from scenarios.changes.base import parameters_of
from scenarios.changes.world import Tie

#: An eigenvalue above minus this is 0 but for rounding.
_PSD: Final = 1e-12


class NearestCorrelationWarning(UserWarning):
    """Correlations that cannot hold together were moved to the nearest that can."""


@dataclass(frozen=True, slots=True)
class CommonFactor:
    """Parameters that depend on one thing that is not seen, such as how fast an organisation adopts.

    On the normal scale a parameter with loading l is l·F + √(1 - l²)·its own: two of them are correlated by the product
    of their loadings, and each keeps its own distribution. Groups drawn by ``per=`` share the factor.

    Parameters
    ----------
    name : str
        Names the factor's random numbers.
    loadings : mapping of float
        From -1 to 1, by what a change is called (its name, or its kind), or that and a field: ``"growth.monthly"``. In
        a plan's dependence also by the name of a component that draws one number, or that and a field.
    """

    __repr__ = short_repr

    name: str
    loadings: Mapping[str, float]

    def __post_init__(self) -> None:
        """Check loadings."""
        if not isinstance(self.loadings, Mapping) or not self.loadings:
            raise ScenarioError(f"CommonFactor {self.name!r}: give loadings by change, such as {{'growth': 0.7}}")
        for label, loading in self.loadings.items():
            if isinstance(loading, bool) or not isinstance(loading, int | float) or not -1 <= loading <= 1:
                raise ScenarioError(f"CommonFactor {self.name!r}: {label}: {loading!r}: a loading lies from -1 to 1")
        object.__setattr__(self, "loadings", dict(self.loadings))

    def describe(self) -> str:
        """In plain words."""
        told = ", ".join(f"{label} ({loading:+g})" for label, loading in self.loadings.items())
        return f"{self.name} moves together: {told}"


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """Rank correlations (Spearman's) between uncertain parameters, pair by pair; pairs not named are independent.

    Each parameter keeps its own distribution: normal scores are mixed and ranks are kept (Iman and Conover 1982,
    doi:10.1080/03610918208812265). A Spearman correlation s is 2 sin(π s / 6) on the normal scale. Correlations that
    cannot hold together (a matrix that is not positive semi-definite) are moved to the nearest that can (Higham 2002,
    doi:10.1093/imanum/22.3.329), with a warning.

    Parameters
    ----------
    pairs : mapping of (name, name) to float
        From -1 to 1; names as in :class:`CommonFactor`.
    """

    __repr__ = short_repr

    pairs: Mapping[tuple[str, str], float]

    def __post_init__(self) -> None:
        """Check pairs."""
        if not isinstance(self.pairs, Mapping) or not self.pairs:
            raise ScenarioError("RankCorrelation: give correlations by pair, such as {('growth', 'price cut'): 0.5}")
        seen: dict[frozenset[str], float] = {}
        for pair, value in self.pairs.items():
            if not isinstance(pair, tuple) or len(pair) != 2 or pair[0] == pair[1]:
                raise ScenarioError(f"RankCorrelation: {pair!r} is not a pair of two names")
            if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= 1:
                raise ScenarioError(f"RankCorrelation {pair[0]}, {pair[1]}: {value!r}: a correlation lies from -1 to 1")
            if seen.setdefault(frozenset(pair), float(value)) != value:
                raise ScenarioError(f"RankCorrelation: {pair[0]} and {pair[1]} are given twice, and differ")
        object.__setattr__(self, "pairs", dict(self.pairs))

    @property
    def names(self) -> tuple[str, ...]:
        """Every parameter named, in order."""
        return tuple(dict.fromkeys(name for pair in self.pairs for name in pair))

    def matrix(self) -> FloatArray:
        """The correlation on the normal scale: (parameter, parameter), positive semi-definite."""
        names = self.names
        out = np.eye(len(names))
        for (a, b), value in self.pairs.items():
            i, j = names.index(a), names.index(b)
            out[i, j] = out[j, i] = 2.0 * math.sin(math.pi * float(value) / 6.0)
        if np.linalg.eigvalsh(out)[0] >= -_PSD:
            return out
        near = _nearest(out)
        warnings.warn(
            f"the correlations of {', '.join(names)} cannot hold together; the nearest that can differ by up to "
            f"{np.abs(near - out).max():.2f}",
            NearestCorrelationWarning,
            stacklevel=2,
        )
        return near

    def describe(self) -> str:
        """In plain words."""
        return "rank correlations: " + ", ".join(f"{a} and {b} {value:+g}" for (a, b), value in self.pairs.items())


Dependence = CommonFactor | RankCorrelation


@dataclass(frozen=True, slots=True)
class _Member:
    """A parameter that a dependence names: the key of what draws it, and a glob over what that draws."""

    key: tuple[str, ...]
    parameter: str

    def fits(self, key: tuple[str, ...]) -> bool:
        own = key[: len(self.key)] == self.key
        return own and key[-1] != "coin" and fnmatchcase(key[-1], self.parameter)


@dataclass(frozen=True, slots=True)
class _Factor:
    name: str
    loadings: tuple[tuple[_Member, float], ...]

    def uniform(self, world: World, key: tuple[str, ...]) -> FloatArray | None:
        from scipy.special import ndtri

        for member, loading in self.loadings:
            if member.fits(key):
                own = world.alone(*key)
                score = loading * ndtri(world.alone("factor", self.name)) + math.sqrt(1 - loading**2) * ndtri(own)
                return _ranked(own, score)
        return None


@dataclass(frozen=True, slots=True)
class _Matrix:
    members: tuple[_Member, ...]
    names: tuple[str, ...]
    root: FloatArray

    def uniform(self, world: World, key: tuple[str, ...]) -> FloatArray | None:
        from scipy.special import ndtri

        for i, member in enumerate(self.members):
            if member.fits(key):
                score = np.zeros(world.draws)
                for weight, name in zip(self.root[i], self.names, strict=True):
                    score += weight * ndtri(world.alone("rank", name))
                return _ranked(world.alone(*key), score)
        return None


def ties_of(
    changes: Sequence[Change],
    dependence: Sequence[Dependence],
    *,
    lines: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Tie, ...]:
    """The ties of some changes' parameters, and of a plan's lines.

    Parameters
    ----------
    lines : mapping, optional
        What each component draws, by its name.

    Raises
    ------
    ScenarioError
        A name fits no change or several, or stands in two dependences; a line draws several numbers, or none.
    """
    ties: list[Tie] = []
    tied: set[str] = set()
    for one in dependence:
        names = list(one.loadings) if isinstance(one, CommonFactor) else list(one.names)
        for name in names:
            if name in tied:
                raise ScenarioError(f"dependence: {name!r} stands in two of them; a parameter is tied once")
            tied.add(name)
        members = [_member(name, changes, lines or {}) for name in names]
        if isinstance(one, CommonFactor):
            ties.append(_Factor(one.name, tuple(zip(members, map(float, one.loadings.values()), strict=True))))
        else:
            values, vectors = np.linalg.eigh(one.matrix())
            root = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
            ties.append(_Matrix(tuple(members), tuple(names), root))
    return tuple(ties)


def _member(name: str, changes: Sequence[Change], lines: Mapping[str, tuple[str, ...]]) -> _Member:
    found = {c.key: c for c in changes if label_of(c) == name}
    label, parameter = name, ""
    if not found and name not in lines and "." in name:
        label, parameter = name.rsplit(".", 1)
        found = {c.key: c for c in changes if label_of(c) == label}
    if label in lines:
        if found:
            raise ScenarioError(f"dependence: {label!r} is a change and a component too; give one of them another name")
        return _Member(("component", label), _of_line(label, parameter, lines[label]))
    if not found:
        there = sorted({label_of(c) for c in changes} | set(lines))
        whose = "the scenario's changes" + (" or the plan's components" if lines else "")
        raise ScenarioError(
            f"dependence: {name!r} is none of {whose}; there are {', '.join(there) or 'none'}{nearest(name, there)}"
        )
    if len(found) > 1:
        raise ScenarioError(f"dependence: {name!r} fits {len(found)} changes; tell them apart by name=")
    key, change = found.popitem()
    return _Member((key,), _drawn_as(change, parameter) if parameter else "*")


def _of_line(label: str, parameter: str, drawn: tuple[str, ...]) -> str:
    """Which number of a component is meant; without a name, the one that it draws."""
    if not drawn:
        raise ScenarioError(f"dependence: nothing is uncertain in {label!r}; give it a range, or leave it out")
    if not parameter and len(drawn) > 1:
        each = ", ".join(f"{label}.{name}" for name in drawn)
        raise ScenarioError(f"dependence: {label!r} draws several numbers; say which: {each}")
    if parameter:
        one_of(f"dependence: {label}'s parameter", parameter, drawn, ScenarioError)
    return parameter or drawn[0]


def _drawn_as(change: Change, parameter: str) -> str:
    """A glob over the names by which a change draws a parameter."""
    known = parameters_of(change)
    tied = [name for name, drawn in known.items() if drawn]
    if known.get(parameter) == "":
        raise ScenarioError(
            f"dependence: each event of {label_of(change)} draws {parameter} anew, so nothing can tie it; "
            f"there is {', '.join(tied) or 'nothing that can be tied'}"
        )
    one_of(f"dependence: {label_of(change)}'s parameter", parameter, tied, ScenarioError)
    return known[parameter]


def _nearest(matrix: FloatArray) -> FloatArray:
    """The nearest correlation matrix: that of the least Frobenius distance."""
    from statsmodels.stats.correlation_tools import corr_nearest
    from statsmodels.tools.sm_exceptions import IterationLimitWarning

    with warnings.catch_warnings():
        # It goes on until nothing moves any more, and says so though the matrix has long been found.
        warnings.simplefilter("ignore", IterationLimitWarning)
        near = np.asarray(corr_nearest(matrix, threshold=1e-8), dtype="float64")
    if np.linalg.eigvalsh(near)[0] < -_PSD:
        raise ScenarioError("RankCorrelation: no correlations near these can hold together; give fewer, or weaker ones")
    return near


def _ranked(own: FloatArray, score: FloatArray) -> FloatArray:
    """A parameter's own numbers in the order of a score: each keeps its stratum, so its distribution is unmoved."""
    order = np.argsort(np.argsort(score, kind="stable"), kind="stable")
    return np.asarray(np.sort(own)[order])
