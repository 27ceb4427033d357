"""What does not arrive, and what has no price. Comes in: usage. Goes out: alerts of both."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.panel import BoolArray
from forecast.prices import PriceBook
from forecast.usage import Usage
from scenarios.reviews.alerts.alert import WHOLE, Alert, labelled, numbers
from scenarios.reviews.alerts.board import Board
from scenarios.reviews.alerts.episodes import episodes
from scenarios.reviews.alerts.rules import AlertRules

#: Days over which a series' habit of reporting is taken, and the fewest that must be known.
HABIT: Final = 90
LEAST: Final = 28
#: A silence is told if it is as improbable as this.
IMPROBABLE: Final = 2e-4
#: A silence as long as this is an end, and no longer told.
ENDED: Final = 28
#: A silence must be longer than so many times the longest before.
LONGER: Final = 2.0


def missing(board: Board, rules: AlertRules, since: int) -> list[Alert]:
    """Days without any row, and series that stop reporting although they report nearly every day."""
    any_row = np.asarray(board.reported.any(axis=1))
    found = []
    for episode in episodes(~any_row[:, None], quiet=0, since=since):
        first, last, count = board.days[episode.first], board.days[episode.last], len(episode.days)
        message = (
            f"Missing data: no series has a row from {first:%Y-%m-%d} to {last:%Y-%m-%d} ({count} "
            f"{'days' if count > 1 else 'day'}): unknown, not zero."
        )
        found.append(Alert("missing", "warning", dict(WHOLE), first, last, message, numbers(days=count), count // 7))
    for episode in episodes(silent(board.reported, rules.missing_days), quiet=0, since=since):
        labels = board.labels[episode.series]
        # The silence began before it was long enough to be one.
        before = np.flatnonzero(board.reported[: episode.first, episode.series])[-1] + 1
        first, last = board.days[before], board.days[episode.last]
        count = int(any_row[before : episode.last + 1].sum())
        message = f"Missing data: {labelled(labels)} reports nearly every day and has no row since {first:%Y-%m-%d}."
        found.append(Alert("missing", "warning", labels, first, last, message, numbers(days=count), count // 7))
    return found


def silent(reported: BoolArray, least: int) -> BoolArray:
    """Days on which a series has been silent for longer than its habit allows: bool array (day, series).

    Days on which no series reports do not count. With r the share of the last 90 days on which the series reported
    before it fell silent, (1 - r) to the power of the silence must be below 2e-4.
    """
    any_row = np.asarray(reported.any(axis=1))
    gap = np.zeros(reported.shape[1], dtype=np.intp)
    longest = np.zeros(reported.shape[1])
    out = np.zeros(reported.shape, dtype=bool)
    seen = np.cumsum(reported & any_row[:, None], axis=0)
    share = np.zeros(reported.shape[1])
    for t in range(len(reported)):
        if not any_row[t]:
            continue
        now = reported[t]
        longest = np.where(now, np.maximum(longest, gap), longest)
        gap = np.where(now, 0, gap + 1)
        start = max(t - HABIT, 0)
        told = seen[t - 1] - (seen[start - 1] if start > 0 else 0) if t else seen[0]
        total = any_row[start:t].sum()
        share = np.where(gap == 1, told / (total + 1.0), share)
        enough = (seen[t] >= LEAST) & (gap >= least) & (gap <= ENDED) & (gap > LONGER * longest)
        with np.errstate(divide="ignore"):
            out[t] = enough & (gap * np.log(1.0 - np.minimum(share, 1.0 - 1e-9)) < np.log(IMPROBABLE))
    return out


def late(end: pd.Timestamp, as_of: pd.Timestamp, rules: AlertRules) -> list[Alert]:
    """An export that ends before the day that it is looked at for."""
    days = (as_of - end).days
    if days < rules.late_days:
        return []
    message = f"Late data: the export ends on {end:%Y-%m-%d}, {days} days before {as_of:%Y-%m-%d}."
    first = end + pd.Timedelta(days=1)
    return [Alert("late", "warning", dict(WHOLE), first, as_of, message, numbers(days=days), days // 7)]


def unpriced(usage: Usage, as_of: pd.Timestamp, prices: PriceBook, days: int) -> list[Alert]:
    """Models that were used of late and have no price: they cost nothing in any plan."""
    table = prices.unpriced(usage)
    if table.empty:
        return []
    recent = table[pd.to_datetime(table["last"]) > as_of - pd.Timedelta(days=days)]
    found = []
    names = recent[["provider", "model"]].astype("object").fillna(schema.UNASSIGNED)
    for (provider, model), rows in recent.groupby([names["provider"], names["model"]], sort=True):
        labels = {"provider": str(provider), "model": str(model)}
        share = float(rows["share"].sum())
        first, last = pd.Timestamp(rows["first"].min()), min(pd.Timestamp(rows["last"].max()).normalize(), as_of)
        message = (
            f"Unpriced: {labelled(labels)} has no price for {', '.join(sorted(set(rows['unit'])))} since "
            f"{first:%Y-%m-%d}, {share:.1%} of tokens: {rows['reason'].iloc[0]}."
        )
        evidence = numbers(share=share, quantity=float(rows["quantity"].sum()), skus=len(rows))
        found.append(Alert("unpriced", "warning", labels, first.normalize(), last, message, evidence))
    return found
