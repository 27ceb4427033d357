"""Uncertain numbers. Comes in: a number, a range or a frozen scipy distribution. Goes out: one value a draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np

from forecast.errors import ScenarioError
from forecast.panel import BoolArray, FloatArray

#: What a number means, and so the scale on which its range is normal: log1p for relative changes, logit for shares,
#: log for amounts.
Kind = Literal["relative", "share", "amount"]

#: The standard normal's 0.9 quantile.
Z90 = 1.2815515655446004


@dataclass(frozen=True, slots=True)
class Between:
    """A range that holds the value in four of five cases: ``low`` is its P10 and ``high`` its P90."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse a range that is not one."""
        for end in (self.low, self.high):
            if isinstance(end, bool) or not isinstance(end, int | float) or not math.isfinite(end):
                raise ScenarioError(f"between({self.low!r}, {self.high!r}): both ends must be finite numbers")
        if self.low > self.high:
            raise ScenarioError(f"between({self.low:g}, {self.high:g}): the low end is above the high end; swap them")

    def __str__(self) -> str:
        """As a reader says it."""
        return f"{self.low:g} to {self.high:g} (P10-P90)"


@runtime_checkable
class Distribution(Protocol):
    """Anything with a quantile function, such as a frozen ``scipy.stats`` distribution."""

    def ppf(self, q: FloatArray) -> FloatArray:
        """Values at probabilities ``q``."""
        ...


Uncertain: TypeAlias = float | Between | Distribution


def between(low: float, high: float) -> Between:
    """Return the range whose P10 is ``low`` and whose P90 is ``high``.

    It is normal on the scale of what it stands for: on log1p for a relative change, on logit for a share, on log for
    an amount.

    Parameters
    ----------
    low, high : float
    """
    return Between(low, high)


def uncertain(value: object, what: str) -> Uncertain:
    """Check one uncertain number as it comes from a caller or from TOML (``{p10 = 1, p90 = 2}``)."""
    if isinstance(value, Mapping):
        if set(value) != {"p10", "p90"}:
            raise ScenarioError(f"{what} = {dict(value)!r}: a range is written {{p10 = .., p90 = ..}}")
        return Between(value["p10"], value["p90"])
    if isinstance(value, Between):
        return value
    if isinstance(value, bool) or (
        not isinstance(value, int | float | np.floating | np.integer) and not isinstance(value, Distribution)
    ):
        raise ScenarioError(f"{what} = {value!r}: wanted a number, between(low, high), or a frozen scipy distribution")
    if isinstance(value, Distribution):
        _check_quantiles(value, what)
        return value
    if not math.isfinite(value):
        raise ScenarioError(f"{what} = {value!r}: wanted a finite number")
    return float(value)


def _check_quantiles(value: Distribution, what: str) -> None:
    """Refuse a distribution that has no quantiles: not frozen, of several variables, or of parameters that fit none."""
    try:
        known = np.asarray(value.ppf(np.array([0.1, 0.5, 0.9])), dtype="float64")
    except (TypeError, ValueError) as cause:
        raise ScenarioError(
            f"{what}: its quantiles cannot be asked for ({cause}); wanted a frozen distribution of one number, such as "
            "scipy.stats.norm(0.05, 0.01)"
        ) from cause
    if known.shape != (3,) or not np.isfinite(known).all():
        raise ScenarioError(
            f"{what}: its P10, P50 and P90 are {known.tolist()}; wanted a frozen distribution of one number"
        )


def least(value: Uncertain) -> float:
    """The lowest value that a check should look at: the number, or the range's low end."""
    if isinstance(value, Between):
        return value.low
    if isinstance(value, float | int):
        return float(value)
    return float(np.asarray(value.ppf(np.array([0.1])))[0])


def highest(value: Uncertain) -> float:
    """The highest value that a check should look at: the number, or the range's high end."""
    if isinstance(value, Between):
        return value.high
    if isinstance(value, float | int):
        return float(value)
    return float(np.asarray(value.ppf(np.array([0.9])))[0])


def ends(value: Uncertain) -> tuple[float, ...]:
    """The number, or the ends of a range; nothing of a distribution."""
    if isinstance(value, Between):
        return value.low, value.high
    return (float(value),) if isinstance(value, float | int) else ()


def values(value: Uncertain, u: FloatArray, kind: Kind, what: str = "an uncertain number") -> FloatArray:
    """The value in each draw, from uniform numbers ``u`` (draw,).

    Raises
    ------
    ScenarioError
        A distribution gives a value that its kind cannot take: it is refused, not clipped, which would make it another.
    """
    if isinstance(value, float | int):
        return np.full(u.shape, float(value))
    if isinstance(value, Between):
        if value.low == value.high:
            return np.full(u.shape, float(value.low))
        from scipy.special import ndtri

        there, back = _scale(kind)
        a, b = there(value.low), there(value.high)
        return np.asarray(back((a + b) / 2 + (b - a) / (2 * Z90) * ndtri(u)))
    made = np.asarray(value.ppf(u), dtype="float64")
    outside = ~_fits(made, kind)
    if outside.any():
        raise ScenarioError(
            f"{what} = {shown(value, kind)}: the distribution gives {made[outside][0]:g} in some draw, but "
            f"{_MUST[kind]}; give one that stays inside, or between(low, high)"
        )
    return made


_MUST: Final = {
    "relative": "a relative change must be above -1",
    "share": "a share lies between 0 and 1",
    "amount": "an amount cannot be negative",
}


def _fits(made: FloatArray, kind: Kind) -> BoolArray:
    """Which values a kind can take."""
    inside = {"relative": made > -1, "share": (made >= 0) & (made <= 1), "amount": made >= 0}[kind]
    return np.asarray(inside & np.isfinite(made))


def _scale(kind: Kind) -> tuple[Callable[[float], float], Callable[[FloatArray], FloatArray]]:
    """To the scale on which a range of this kind is normal, and back."""
    if kind == "relative":
        return math.log1p, lambda z: np.asarray(np.expm1(z))
    if kind == "amount":
        return math.log, lambda z: np.asarray(np.exp(z))
    from scipy.special import expit

    return lambda share: math.log(share / (1 - share)), lambda z: np.asarray(expit(z))


def in_domain(value: Uncertain, kind: Kind, what: str) -> None:
    """Refuse a number or range that its kind cannot take."""
    for end in ends(value):
        if kind == "relative" and end <= -1:
            hint = f"; for {end:g} % write {end / 100:g}" if end <= -2 else ""
            raise ScenarioError(f"{what} = {end:g}: a relative change of -100 % or less leaves nothing{hint}")
        if kind == "share" and not 0 <= end <= 1:
            raise ScenarioError(f"{what} = {end:g}: a share lies between 0 and 1")
        if kind == "amount" and end < 0:
            raise ScenarioError(f"{what} = {end:g}: an amount cannot be negative")
    if isinstance(value, Between) and value.low != value.high:
        if kind == "amount" and value.low <= 0:
            raise ScenarioError(f"{what} = {value}: the low end of an uncertain amount must be above 0")
        if kind == "share" and not (value.low > 0 and value.high < 1):
            raise ScenarioError(f"{what} = {value}: the ends of an uncertain share must lie strictly between 0 and 1")


def shown(value: Uncertain, kind: Kind) -> str:
    """Tell a number as a reader expects it: percent for relative changes and shares."""
    form = {"relative": "+.1%", "share": ".1%", "amount": ",.2f"}[kind]
    if isinstance(value, Between):
        return f"{value.low:{form}} to {value.high:{form}} (P10-P90)"
    if isinstance(value, float | int):
        return f"{value:{form}}"
    low, high = (float(v) for v in np.asarray(value.ppf(np.array([0.1, 0.9]))))
    return f"{low:{form}} to {high:{form}} (P10-P90)"
