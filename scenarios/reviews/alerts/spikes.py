"""Spikes. Comes in: days against their forecasts. Goes out: alerts of days outside the band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from forecast.panel import FloatArray, IntArray
from scenarios.reviews.alerts.alert import WHOLE, Alert, Severity, labelled, numbers
from scenarios.reviews.alerts.board import HOURS, Board
from scenarios.reviews.alerts.episodes import Episode, episodes
from scenarios.reviews.alerts.following import Followed
from scenarios.reviews.alerts.judging import Judged, Watched
from scenarios.reviews.alerts.law import bound, chance
from scenarios.reviews.alerts.rules import AlertRules

Rule = Literal["spike", "drop"]
#: Days apart that two spikes of a series are still one episode.
QUIET: Final = 2
#: An excess of at least this share of what the whole organisation was expected to use is critical.
CRITICAL: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Band:
    """One measure of the same series: its name, what is judged, errors in scales and the bound on them.

    ``hour`` (day,) is which hour of the day is meant, of a band by hours.
    """

    name: str
    judged: Judged
    errors: FloatArray
    bound: float
    whole: Judged
    hour: IntArray | None = None


def spikes(
    board: Board, measures: Sequence[Watched], hours: Judged | None, rules: AlertRules, since: int
) -> list[Alert]:
    """Days above the band of their one-day-ahead forecast, of each series and of the total; below it where asked."""
    found = []
    for rule in ("spike", "drop") if rules.spike_drops else ("spike",):
        rise = rule == "spike"
        # Hourly usage is looked at by day and by hour of the day: each gets half of the alarms.
        alarms = rules.spike_total_alarms / (2.0 if hours is not None else 1.0)
        whole = [_band(m.name, m.whole, m.whole, bound(alarms, len(measures)), rise=rise) for m in measures]
        found += _alerts(board, rule, whole, [dict(WHOLE)], since)
        if len(board.labels) > 1:
            limit = bound(rules.spike_alarms, len(measures) * len(board.labels))
            parts = [_band(m.name, m.parts, m.whole, limit, rise=rise) for m in measures]
            found += _alerts(board, rule, parts, board.labels, since)
        if hours is not None:
            limit = bound(alarms, HOURS)
            band = _worst_hour(_band(measures[0].name, hours, measures[0].whole, limit, rise=rise), hours, rise=rise)
            found += _alerts(board, rule, [band], [{**WHOLE, "each": "hour"}], since)
    return found


def _band(name: str, judged: Judged, whole: Judged, limit: float, *, rise: bool) -> _Band:
    return _Band(name, judged, judged.rises if rise else judged.falls, limit, whole)


def _worst_hour(band: _Band, hours: Judged, *, rise: bool) -> _Band:
    """A band of the one hour of each day that lies the furthest out."""
    worst = np.argmax(np.nan_to_num(band.errors, nan=-np.inf), axis=1)

    def picked(values: FloatArray) -> FloatArray:
        return np.take_along_axis(values, worst[:, None], axis=1)

    log, expected, own, guard, level, week = (
        picked(getattr(hours.found, name)) for name in ("log", "expected", "scale", "high", "level", "week")
    )
    chosen = np.take_along_axis(hours.found.judged, worst[:, None], axis=1)
    found = Followed(log, expected, own, guard, level, week, chosen)
    high, low, scale = picked(hours.high), picked(hours.low), picked(hours.scale)
    judged = Judged(found, high, low, scale, hours.dips[:, :1], hours.quiet[:, :1])
    return replace(band, judged=judged, errors=judged.rises if rise else judged.falls, hour=worst)


def _alerts(
    board: Board, rule: Rule, bands: Sequence[_Band], labels: Sequence[Mapping[str, str]], since: int
) -> list[Alert]:
    with np.errstate(invalid="ignore"):
        held = np.logical_or.reduce([band.errors > band.bound for band in bands])
    return [_alert(board, rule, bands, labels[e.series], e) for e in episodes(held, quiet=QUIET, since=since)]


def _alert(board: Board, rule: Rule, bands: Sequence[_Band], labels: Mapping[str, str], episode: Episode) -> Alert:
    days, i = list(episode.days), episode.series
    over = np.array([np.nan_to_num(band.errors[days, i], nan=-np.inf) / band.bound for band in bands])
    which, worst = np.unravel_index(int(np.argmax(over)), over.shape)
    band, t = bands[int(which)], days[int(worst)]
    judged, rise = band.judged, rule == "spike"
    expected = float(np.exp((judged.high if rise else judged.low)[t, i]))
    actual = float(np.exp(judged.found.log[t, i]))
    edge = expected * float(np.exp(band.bound * judged.scale[t, i] * (1 if rise else -1)))
    organisation = float(np.exp(band.whole.high[t, 0]))
    severity: Severity = "critical" if rise and actual - expected >= CRITICAL * organisation else "warning"
    money = f" {board.currency}" if band.name == "cost" else f" {band.name}"
    told = f"{actual:,.0f}{money}, where {expected:,.0f} was expected and {edge:,.0f} is the edge of the band"
    more = f"; {len(days)} days since {board.days[days[0]]:%Y-%m-%d}, the last {board.days[days[-1]]:%Y-%m-%d}"
    hour = "" if band.hour is None else f", the hour from {band.hour[t]:02d}:00"
    message = (
        f"{'Spike' if rise else 'Drop'} in {labelled(labels)} on {board.days[t]:%Y-%m-%d}{hour}: {told}"
        f"{more if len(days) > 1 else ''}."
    )
    evidence = numbers(
        actual=actual,
        expected=expected,
        edge=edge,
        ratio=actual / expected,
        scales=float(band.errors[t, i]),
        probability=float(chance(np.array(band.errors[t, i]))),
        days=len(days),
        hour=None if band.hour is None else float(band.hour[t]),
    )
    step = int(np.floor(abs(np.log(actual / expected)) / np.log(1.5)))
    return Alert(rule, severity, labels, board.days[days[0]], board.days[days[-1]], message, evidence, step)
