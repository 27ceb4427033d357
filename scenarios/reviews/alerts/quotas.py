"""Rate limits. Comes in: usage and quotas. Goes out: alerts of days on which use came near a limit, or reached it.

What is used stops at a limit: at 100 % the demand may be larger than what is seen (cf. :func:`scenarios.clipped`).
A limit a minute is held against the busiest hour's mean of hourly usage, or the day's mean of daily usage, times
``burst``: how many times that mean the busiest minute is.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import UsageError, nearest
from forecast.panel import FloatArray
from forecast.unit_economics.costs import UnitRows, numbers, unit_rows
from forecast.usage import Usage
from scenarios.reviews.alerts.alert import Alert, Severity, labelled
from scenarios.reviews.alerts.alert import numbers as evidence_of
from scenarios.reviews.alerts.episodes import Episode, episodes
from scenarios.reviews.alerts.rules import AlertRules

#: What a quota may limit: its column, what is counted, and minutes of one (a day's has none).
LIMITS: Final = {
    "requests_per_minute": ("requests", 1.0),
    "tokens_per_minute": ("tokens", 1.0),
    "requests_per_day": ("requests", 0.0),
    "tokens_per_day": ("tokens", 0.0),
}
BURST: Final = "burst"
#: Days apart that two approaches are still one episode.
QUIET: Final = 1


def near_quotas(
    usage: Usage, days: pd.DatetimeIndex, quotas: pd.DataFrame, rules: AlertRules, since: int
) -> list[Alert]:
    """Days on which a group's use was at least ``quota_share`` of its limit.

    Parameters
    ----------
    quotas : DataFrame
        Columns of the usage that make a group (``model``), ``requests_per_minute``, ``tokens_per_minute``,
        ``requests_per_day`` and/or ``tokens_per_day``, and optionally ``burst`` (1).

    Raises
    ------
    UsageError
        A column is unknown, or holds no numbers.
    """
    by, kinds = _checked(usage, quotas)
    rows = unit_rows(usage, None, (), None)
    burst = numbers(quotas, BURST, "quotas") if BURST in quotas else np.ones(len(quotas))
    found = []
    for kind in kinds:
        limits = numbers(quotas, kind, "quotas")
        for i in np.flatnonzero(np.isfinite(limits) & (limits > 0)):
            own = np.ones(len(rows.frame), dtype=bool)
            for column in by:
                own &= (rows.frame[column].astype("object") == quotas[column].iloc[i]).to_numpy()
            share = _use(rows, usage.grain, days, own, kind) * (burst[i] if "minute" in kind else 1.0) / limits[i]
            labels = {**{c: str(quotas[c].iloc[i]) for c in by}, "quota": kind}
            held = episodes(share[:, None] >= rules.quota_share, quiet=QUIET, since=since)
            found += [_alert(labels, kind, float(limits[i]), share, days, episode) for episode in held]
    return found


def _checked(usage: Usage, quotas: pd.DataFrame) -> tuple[list[str], list[str]]:
    if not isinstance(quotas, pd.DataFrame):
        raise UsageError(f"quotas: wanted a DataFrame, not {type(quotas).__name__}")
    kinds = [c for c in LIMITS if c in quotas]
    by = [c for c in quotas.columns if c not in LIMITS and c != BURST]
    for column in by:
        have = [c for c in schema.DIMENSIONS if c in usage.frame]
        if column not in have:
            close = nearest(column, [*have, *LIMITS, BURST])
            raise UsageError(f"quotas: {column!r} is neither a column of the usage nor a limit{close}")
    if not kinds:
        raise UsageError(f"quotas: there is none of {', '.join(LIMITS)} among {', '.join(map(str, quotas.columns))}")
    return by, kinds


def _use(rows: UnitRows, grain: str, days: pd.DatetimeIndex, own: np.ndarray, kind: str) -> FloatArray:
    """A group's use by day in the limit's unit: the day's sum, or the rate a minute of its busiest hour or its mean."""
    measure, minutes = LIMITS[kind]
    amount = np.nan_to_num(getattr(rows, measure))[own]
    dates = pd.DatetimeIndex(rows.frame[schema.DATE])[own]
    day = days.get_indexer(dates.normalize())
    if minutes and grain == "hour":
        cell = day * 24 + dates.hour.to_numpy()
        by_hour = np.bincount(cell, weights=amount, minlength=len(days) * 24).reshape(-1, 24)
        return np.asarray(by_hour.max(axis=1) / 60.0)
    whole = np.bincount(day, weights=amount, minlength=len(days))
    return np.asarray(whole / 1440.0 if minutes else whole)


def _alert(
    labels: dict[str, str], kind: str, limit: float, share: FloatArray, days: pd.DatetimeIndex, episode: Episode
) -> Alert:
    held = list(episode.days)
    t = held[int(np.argmax(share[held]))]
    most = float(share[t])
    severity: Severity = "critical" if most >= 1 else "warning"
    clipped = "; use stops at a limit: demand may be larger than what is seen" if most >= 1 else ""
    message = (
        f"Quota of {labelled({k: v for k, v in labels.items() if k != 'quota'}) or 'all'}: {most:.0%} of "
        f"{limit:,.0f} {kind.replace('_', ' ')} on {days[t]:%Y-%m-%d}{clipped}."
    )
    evidence = evidence_of(share=most, limit=limit, used=most * limit, days=len(held))
    return Alert("quota", severity, labels, days[held[0]], days[held[-1]], message, evidence, int(most * 10))
