"""A spend policy. Comes in: who may approve what, limits, models, reviews, ranges. Goes out: one frozen value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal

import pandas as pd

from forecast.shown import CellKind, Result, Shown, Table, short_repr, table_of

Per = Literal["month", "quarter", "year"]
Every = Literal["week", "month", "quarter", "year"]
Severity = Literal["error", "warning"]

#: What a limit may be of, from the largest part of an organisation to the smallest; none of them is the whole.
PARTS: Final = ("department", "project", "environment", "application")
#: Months of each period, to compare limits.
MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
#: What a review's cadence adds to its last date.
CADENCE: Final = {
    "week": pd.DateOffset(weeks=1),
    "month": pd.DateOffset(months=1),
    "quarter": pd.DateOffset(months=3),
    "year": pd.DateOffset(years=1),
}
ANY: Final = ("*",)


def fits(name: object, patterns: Iterable[str]) -> bool:
    """Whether a name matches one of some globs; case does not count, and a name with brackets of its own is itself."""
    low = str(name).lower()
    return any(low == p.lower() or fnmatchcase(low, p.lower()) for p in patterns)


@dataclass(frozen=True, slots=True)
class Approver:
    """A role, and up to what it may approve.

    Attributes
    ----------
    role : str
        A role or body, not a person.
    upto : float or None
        The most it may approve; None is any amount.
    above : float or None
        Amounts from here on are its own to approve; None: from where the next smaller band ends.
    environments : tuple of str
        Globs of the environments in which it may approve.
    """

    role: str
    upto: float | None = None
    above: float | None = None
    environments: tuple[str, ...] = ANY

    @property
    def most(self) -> float:
        """``upto``, infinity where it is open."""
        return float("inf") if self.upto is None else self.upto


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """The most that a part of the organisation may spend a period.

    Attributes
    ----------
    amount : float
    per : {"month", "quarter", "year"}
    where : tuple of (column, label or glob)
        What of the organisation; empty for the whole. Labels that fit a glob share the limit.
    severity : {"error", "warning"}
    """

    amount: float
    per: Per
    where: tuple[tuple[str, str], ...] = ()
    severity: Severity = "error"

    @property
    def told(self) -> str:
        """What it is of, in words."""
        return ", ".join(f"{c} {label}" for c, label in self.where) or "the organisation"


@dataclass(frozen=True, slots=True)
class ModelRule:
    """Models and service tiers that some environments may use, as globs.

    Without ``allow`` every model is allowed that is not forbidden; likewise tiers.
    """

    environments: tuple[str, ...] = ANY
    allow: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    forbid_tiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewModels:
    """How a model that is not among ``known`` (globs) is approved: by which role, after which steps."""

    role: str
    steps: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewRule:
    """A review that comes round: its cadence, its first due date, and days of grace before it is overdue."""

    name: str
    every: Every
    role: str
    first: pd.Timestamp
    grace_days: int = 0

    def due(self, last: pd.Timestamp | None) -> pd.Timestamp:
        """When it is next due: one cadence after the last, or at first."""
        return self.first if last is None else last + CADENCE[self.every]


@dataclass(frozen=True, slots=True)
class SpendPolicy(Result):
    """What may be spent, by whom, on what, as :func:`scenarios.load_policy` reads it.

    Attributes
    ----------
    name, currency : str
    approvers : tuple of Approver
    limits : tuple of SpendLimit
    models : tuple of ModelRule
    new_models : NewModels, optional
    reviews : tuple of ReviewRule
    split : tuple of (environment, low, high)
        Ranges of the share of money of each environment.
    source : str
        The file that it was read from.
    """

    __repr__ = short_repr

    name: str
    currency: str
    approvers: tuple[Approver, ...] = ()
    limits: tuple[SpendLimit, ...] = ()
    models: tuple[ModelRule, ...] = ()
    new_models: NewModels | None = None
    reviews: tuple[ReviewRule, ...] = ()
    split: tuple[tuple[str, float, float], ...] = ()
    source: str = ""

    def show(self) -> Shown:
        """Who may approve how much, and what may be spent, on what."""
        who = [(a.role, a.most, ", ".join(a.environments)) for a in self.approvers]
        limits = [(x.told, x.amount, f"a {x.per}", x.severity) for x in self.limits]
        models = [tuple(", ".join(part) for part in (m.environments, m.allow, m.forbid)) for m in self.models]
        reviews = [(r.name, f"every {r.every}", r.role, r.first) for r in self.reviews]

        def table(
            rows: Iterable[tuple[object, ...]], heads: list[str], caption: str, kinds: Mapping[str, CellKind]
        ) -> Table:
            return table_of(pd.DataFrame(list(rows), columns=heads), caption=caption, kinds=kinds, labels=1)

        money = f"Money in {self.currency}"
        words: CellKind = "words"
        share: CellKind = "share"
        wordy = dict.fromkeys(("allowed", "forbidden"), words)
        return Shown(
            f"Spend policy: {self.name}",
            self.source,
            (
                table(who, ["role", "up to", "environments"], f"{money}: who may approve what.", {"up to": "money"}),
                table(limits, ["of", "at most", "per", "severity"], f"{money}: limits.", {"at most": "money"}),
                table(models, ["environments", "allowed", "forbidden"], "Models.", wordy),
                table(self.split, ["environment", "low", "high"], "Shares of money.", {"low": share, "high": share}),
                table(reviews, ["review", "due", "by", "first"], "Reviews.", {}),
            ),
        )

    def bands(self, environment: str) -> list[tuple[Approver, float]]:
        """The approvers of an environment by rising band, each with where its band begins."""
        own = sorted((a for a in self.approvers if fits(environment, a.environments)), key=lambda a: a.most)
        ends = [0.0, *(a.most for a in own)]
        return [(a, ends[i] if a.above is None else a.above) for i, a in enumerate(own)]

    def who_may(self, amount: float, environment: str) -> list[str]:
        """The roles that may approve an amount in an environment, the lowest first."""
        return [a.role for a, _ in self.bands(environment) if amount <= a.most]
