"""Budget policies. Comes in: how much rolls over, is held back and comes back when. Goes out: the same, checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from functools import partial
from typing import Final, Literal, get_args

import numpy as np
import pandas as pd

from forecast.calendars import date_of
from forecast.errors import HorizonError, PlanError, nearest, one_of
from forecast.shown import short_repr
from scenarios.files import checks
from scenarios.files.keys import Problems, check_keys

Expiry = Literal["quarter", "year"]
Release = Literal["on need", "on plan", "never"]

#: What each way of release means, in words.
_RELEASES: Final[dict[str, str]] = {
    "on need": "released to who is short, as far as it reaches",
    "on plan": "returned at the end of each fiscal quarter to who has spent no more than its budget to date",
    "never": "kept",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPolicy:
    """What happens month by month to money that is granted and not spent, and to money that is held back.

    Parameters
    ----------
    rollover : float
        The share of what a part has not spent that it keeps for the next month: 1 all of it, 0 none.
    rollover_cap : float, optional
        The most that it may keep, as a multiple of its budget of the month: 0.5 is half a month's budget.
    expires : {"quarter", "year"}, optional
        When what was kept is lost: at the end of each fiscal quarter or year.
    holdback : float
        The share of every month's budget that goes to a central pool and is not granted. What parts do not keep goes
        there too.
    release : {"on need", "on plan", "never"} or date
        What the pool gives back. "on need": to parts that are short in a month, all that they lack, or in proportion to
        it where the pool has less. "on plan": at the end of each fiscal quarter, to each part whose spend to date is no
        more than its budget to date, what was held back from it in that quarter. A date: all that the pool holds is
        dealt in the month of that day, by the budgets that are left, and nothing is held back from then on.
    name : str
        What tables call it; told from its terms where none is given.

    Raises
    ------
    PlanError
        A share is not from 0 to 1, a cap is negative, or a word is not known.
    """

    __repr__ = short_repr

    rollover: float = 1.0
    rollover_cap: float | None = None
    expires: Expiry | None = None
    holdback: float = 0.10
    release: Release | date | str = "on need"
    name: str = ""

    def __post_init__(self) -> None:
        """Check each term."""
        for term in ("rollover", "holdback"):
            if not (_is_number(value := getattr(self, term)) and 0 <= value <= 1):
                raise PlanError(f"BudgetPolicy: {term} = {value!r}: wanted a share from 0 to 1, such as 0.1")
        if self.rollover_cap is not None and not (_is_number(self.rollover_cap) and 0 <= self.rollover_cap < np.inf):
            raise PlanError(
                f"BudgetPolicy: rollover_cap = {self.rollover_cap!r}: wanted a multiple of the month's budget, 0 or "
                "more: 0.5 is half of it"
            )
        if self.expires is not None:
            one_of("BudgetPolicy: expires =", self.expires, get_args(Expiry), PlanError)
        if not isinstance(self.name, str):
            raise PlanError(f"BudgetPolicy: name = {self.name!r}: wanted text")
        if not (isinstance(self.release, str) and self.release in get_args(Release)):
            object.__setattr__(self, "release", _day(self.release))

    @property
    def day(self) -> pd.Timestamp | None:
        """The day on which all is released, where it is one."""
        return self.release if isinstance(self.release, pd.Timestamp) else None

    @property
    def label(self) -> str:
        """Its name, or its terms in short."""
        if self.name:
            return self.name
        cap = "" if self.rollover_cap is None else f" up to {self.rollover_cap:g}"
        expiry = f" within the {self.expires}" if self.expires else ""
        release = f"{self.day:%Y-%m-%d}" if self.day is not None else self.release
        return f"rollover {self.rollover:.0%}{cap}{expiry}, holdback {self.holdback:.0%} {release}"

    def describe(self) -> str:
        """In plain words."""
        kept = f"{self.rollover:.0%} of what is not spent rolls over" if self.rollover else "what is not spent lapses"
        if self.rollover and self.rollover_cap is not None:
            kept += f", at most {self.rollover_cap:g} of a month's budget"
        if self.rollover and self.expires:
            kept += f", and lapses at the end of each fiscal {self.expires}"
        what = _RELEASES.get(str(self.release), f"dealt out on {self.day:%Y-%m-%d}" if self.day is not None else "")
        held = f"{self.holdback:.0%} of each month's budget is held back" if self.holdback else "nothing is held back"
        return f"{kept}; {held}; what lies in the pool is {what}"


def policy_of(table: object, problems: Problems) -> BudgetPolicy | None:
    """The policy that a plan file tells in ``[policy]``, or None with what does not hold noted."""
    if table is None:
        return None
    before = len(problems.found)
    known = {f.name: checks.accepted_by(partial(_with, f.name)) for f in fields(BudgetPolicy)}
    held = check_keys(table, known, "policy", problems)
    return BudgetPolicy(**held) if len(problems.found) == before else None


def _with(term: str, value: object) -> BudgetPolicy:
    try:
        return BudgetPolicy(**{term: value})  # type: ignore[arg-type]
    except PlanError as error:
        raise PlanError(str(error).removeprefix(f"BudgetPolicy: {term} = ").removeprefix("BudgetPolicy: ")) from error


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _day(value: object) -> pd.Timestamp:
    words = ", ".join(map(repr, get_args(Release)))
    if isinstance(value, str | date):  # a Timestamp is a date
        try:
            return date_of(value, "release", PlanError)
        except (PlanError, HorizonError):
            close = nearest(str(value), get_args(Release))
            raise PlanError(f"BudgetPolicy: release = {value!r}: wanted {words} or a date{close}") from None
    raise PlanError(f"BudgetPolicy: release = {value!r}: wanted {words} or a date")
