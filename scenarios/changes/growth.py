"""Growth: a change of volume. Comes in: a rate a month or year. Goes out: its factor on each day of each draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.errors import ScenarioError, one_of
from forecast.panel import FloatArray
from forecast.periods import MONTH_DAYS
from forecast.ranges import Uncertain
from scenarios.changes.base import World, matching

Basis = Literal["total", "extra"]
#: A rate above this is taken for percent written as a number.
MOST = {"monthly": 1.0, "yearly": 20.0}


@dataclass(frozen=True, slots=True)
class Growth:
    """Compound growth of volume from the as-of date, at a rate drawn once a path.

    With g a month and t days since the as-of date the factor is ``(1 + g) ** (t / 30.4375)``. ``basis="total"`` states
    the whole growth: it takes out the forecast's own trend and that trend's uncertainty, and keeps season and noise.
    ``basis="extra"`` multiplies what is forecast.

    Parameters
    ----------
    monthly, yearly : number, between(low, high) or frozen scipy distribution
        One of the two; 0.05 is 5 %. A range is normal on log(1 + g).
    where : mapping, optional
        Globs over workload columns: ``{"project": "search*", "environment": "production"}``. All workloads if absent.
    basis : {"total", "extra"}
    per : str
        ``"all"``: one draw for all it touches; or a workload column: one draw each.
    name : str, optional
        Tells two growths on the same workloads apart, and names their random numbers.
    """

    monthly: Uncertain | None = None
    yearly: Uncertain | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    basis: Basis = "total"
    per: str = "all"
    name: str | None = None

    def __post_init__(self) -> None:
        """Check the rate."""
        if (self.monthly is None) == (self.yearly is None):
            raise ScenarioError("Growth: give the rate either as monthly= or as yearly=")
        which = "monthly" if self.monthly is not None else "yearly"
        rate = ranges.uncertain(self.monthly if self.yearly is None else self.yearly, f"Growth.{which}")
        ranges.in_domain(rate, "relative", f"Growth.{which}")
        ends = (rate.low, rate.high) if isinstance(rate, ranges.Between) else (rate,) if isinstance(rate, float) else ()
        for end in ends:
            if end > MOST[which]:
                raise ScenarioError(f"Growth.{which} = {end:g} is {end:+.0%}; for {end:g} % write {end / 100:g}")
        object.__setattr__(self, which, rate)
        object.__setattr__(self, "where", dict(self.where))
        one_of("Growth.basis", self.basis, get_args(Basis), ScenarioError)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        where = ",".join(f"{c}={p}" for c, p in sorted(self.where.items()))
        return "|".join(("growth", self.name or "", self.basis, where))

    @property
    def replaces_trend(self) -> bool:
        """Total growth replaces the forecast's trend; extra growth adds to it."""
        return self.basis == "total"

    def describe(self) -> str:
        """In plain words."""
        rate, unit = (self.monthly, "month") if self.monthly is not None else (self.yearly, "year")
        assert rate is not None
        what = "of " + ", ".join(f"{c} {p}" for c, p in self.where.items()) if self.where else "of all workloads"
        how = (
            "in all, in place of the forecast's own trend"
            if self.basis == "total"
            else "on top of the forecast's trend"
        )
        return f"volume {what} grows by {ranges.shown(rate, 'relative')} a {unit} {how}"

    def touches(self, workloads: pd.DataFrame) -> np.ndarray:
        """Which workloads: bool (workload,)."""
        return matching(workloads, self.where, what="Growth.where", error="the workloads")

    def group(self, workloads: pd.DataFrame) -> list[str]:
        """One name, or one a value of the ``per`` column."""
        if self.per == "all":
            return ["all"] * len(workloads)
        one_of("Growth.per", self.per, ["all", *workloads.columns], ScenarioError)
        return [str(v) for v in workloads[self.per]]

    def draw(self, world: World, group: str) -> FloatArray:
        """The log growth a day: (draw, 1)."""
        u = world.uniform(self.key, group, "rate")
        if self.monthly is not None:
            return (np.log1p(ranges.values(self.monthly, u, "relative")) / MONTH_DAYS)[:, None]
        assert self.yearly is not None
        return (np.log1p(ranges.values(self.yearly, u, "relative")) / (12 * MONTH_DAYS))[:, None]

    def factor(self, drawn: FloatArray, days: pd.DatetimeIndex, elapsed: FloatArray) -> FloatArray:
        """The factor (draw, day)."""
        del days
        return np.exp(drawn * elapsed[None, :])
