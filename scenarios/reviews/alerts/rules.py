"""What fires. Comes in: thresholds. Goes out: the rules of all alerts, checked, each with its own switch."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

from forecast.errors import PlanError

#: Shares that lie between 0 and 1, and numbers that must be above 0.
_SHARES: Final = ("shift_change", "breach_probability", "unit_cost_change", "quality_change", "cache_fall")
_POSITIVE: Final = (
    "spike_alarms",
    "spike_total_alarms",
    "shift_errors",
    "shift_total_errors",
    "unit_errors",
    "quota_share",
)
_COUNTS: Final = ("days", "missing_days", "late_days")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRules:
    """Thresholds of every alert, and which are looked for.

    Parameters
    ----------
    days : int
        An alert is told if it held on one of the last so many days: 3 survive a weekend on which nothing ran.
    spike : bool
        A day's volume or cost above the forecast of the day before.
    spike_alarms, spike_total_alarms : float
        False alarms a month that are accepted over all series together, and of the organisation's total (Bonferroni:
        ``scenarios.reviews.alerts.law``). Fewer alarms, higher bounds.
    spike_drops : bool
        Also days far below the forecast: a public holiday is one.
    shift : bool
        The mean of seven days against the forecast before them; a rise is a warning, a fall is told.
    shift_change, shift_errors, shift_total_errors : float
        At least this change (0.20: 20 %), and so many standard errors of such means, of series and of the total.
    budget : bool
        Spend to date over the plan's budget to date.
    budget_percent, budget_amount : float
        Both must be passed: the share over budget (0.10: 10 %), and the amount.
    breach : bool
        The probability that a month of the plan, or all of it, ends above its budget.
    breach_probability : float
    unit_cost : bool
        Cost per token or per request of a model, seven days against the forecast before them.
    unit_cost_change : float
    quality : bool
        Cost per success, or per point of accuracy, where ``quality=`` is given.
    quality_change : float
    unit_errors : float
        Standard errors of such means, for unit costs, quality and cache hits.
    quota : bool
        Use close to a rate limit, where ``quotas=`` is given.
    quota_share : float
        Share of the limit.
    cache : bool
        A model's share of input that is read from a cache, three days against the forecast before them.
    cache_fall : float
        By how much of itself it falls (0.30: from 50 % to 35 %).
    unpriced : bool
        Usage without a price.
    missing : bool
        Series that stop reporting, and an export that ends too early.
    missing_days, late_days : int
        Days without rows of a series that reports daily; days between the export's end and ``as_of``.
    """

    days: int = 3
    spike: bool = True
    spike_alarms: float = 0.1
    spike_total_alarms: float = 0.6
    spike_drops: bool = False
    shift: bool = True
    shift_change: float = 0.20
    shift_errors: float = 3.5
    shift_total_errors: float = 3.0
    budget: bool = True
    budget_percent: float = 0.10
    budget_amount: float = 100.0
    breach: bool = True
    breach_probability: float = 0.5
    unit_cost: bool = True
    unit_cost_change: float = 0.15
    quality: bool = True
    quality_change: float = 0.15
    unit_errors: float = 4.5
    quota: bool = True
    quota_share: float = 0.8
    cache: bool = True
    cache_fall: float = 0.30
    unpriced: bool = True
    missing: bool = True
    missing_days: int = 2
    late_days: int = 2

    def __post_init__(self) -> None:
        wrong = [told for name in self.__dataclass_fields__ if (told := _wrong(name, getattr(self, name)))]
        if wrong:
            raise PlanError("AlertRules: " + "; ".join(wrong))

    @classmethod
    def switches(cls) -> tuple[str, ...]:
        """The names of the checks that can be switched off."""
        return tuple(f.name for f in fields(cls) if f.type == "bool" and f.name != "spike_drops")


def _wrong(name: str, value: object) -> str:
    """What is wrong with one field, in words; empty where it will do."""
    switch = isinstance(AlertRules.__dataclass_fields__[name].default, bool)
    if switch:
        return "" if isinstance(value, bool) else f"{name}={value!r}: wanted True or False"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in _COUNTS:
        return "" if number and isinstance(value, int) and value >= 1 else f"{name}={value!r}: wanted 1, 2, ... days"
    if not number or not math.isfinite(float(str(value))):
        return f"{name}={value!r}: wanted a number"
    size = float(str(value))
    if name in _SHARES and not 0 < size < 1:
        return (
            f"{name}={value!r}: wanted a share between 0 and 1, such as {AlertRules.__dataclass_fields__[name].default}"
        )
    if name in _POSITIVE and size <= 0:
        return f"{name}={value!r}: wanted a number above 0"
    return f"{name}={value!r}: wanted 0 or more" if size < 0 else ""
