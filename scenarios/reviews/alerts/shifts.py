"""Level shifts. Comes in: followed series. Goes out: alerts of weeks that lie off the forecast before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from scenarios.reviews.alerts.alert import WHOLE, Alert, Severity, labelled, numbers
from scenarios.reviews.alerts.board import Board
from scenarios.reviews.alerts.episodes import Episode, episodes
from scenarios.reviews.alerts.following import Followed
from scenarios.reviews.alerts.judging import Judged, Watched
from scenarios.reviews.alerts.rules import AlertRules
from scenarios.reviews.alerts.shifting import Shifted, shifted, typical

WINDOW: Final = 7
#: Days apart that two stretches of a series are still one episode.
QUIET: Final = 7


def shifts(board: Board, measures: Sequence[Watched], rules: AlertRules, since: int) -> list[Alert]:
    """Seven-day means off the forecast of their eve, of each series and of the total: rises warn, falls are told."""
    found = _alerts(board, [(m.name, m.whole) for m in measures], [dict(WHOLE)], rules, rules.shift_total_errors, since)
    if len(board.labels) > 1:
        found += _alerts(board, [(m.name, m.parts) for m in measures], board.labels, rules, rules.shift_errors, since)
    return found


def _alerts(
    board: Board,
    measures: Sequence[tuple[str, Judged]],
    labels: Sequence[Mapping[str, str]],
    rules: AlertRules,
    errors: float,
    since: int,
) -> list[Alert]:
    found = []
    for rise in (True, False):
        look = Shifted.over if rise else Shifted.under
        means = [
            (n, shifted(one.found, WINDOW, change=rules.shift_change, skipped=one.dips if rise else one.quiet))
            for n, one in measures
        ]
        followed = [one.found for _, one in measures]
        held = np.logical_or.reduce([look(m, material=rules.shift_change, errors=errors) for _, m in means])
        found += [
            _alert(board, means, followed, labels[e.series], e, rise=rise)
            for e in episodes(held, quiet=QUIET, since=since)
        ]
    return found


def _alert(
    board: Board,
    means: Sequence[tuple[str, Shifted]],
    followed: Sequence[Followed],
    labels: Mapping[str, str],
    episode: Episode,
    *,
    rise: bool,
) -> Alert:
    days, i, sign = list(episode.days), episode.series, 1 if rise else -1
    over = np.array([np.nan_to_num(sign * m.size[days, i] / m.scale[days, i], nan=-np.inf) for _, m in means])
    which, worst = np.unravel_index(int(np.argmax(over)), over.shape)
    name, mean = means[int(which)]
    t = days[int(worst)]
    errors, scale = abs(float(mean.size[t, i])) / float(mean.scale[t, i]), float(mean.scale[t, i])
    size = typical(followed[int(which)], WINDOW, t, i)
    message = (
        f"Level shift in {labelled(labels)}: the {WINDOW} days to {board.days[t]:%Y-%m-%d} used {np.expm1(size):+.0%} "
        f"of {name} against the forecast before them, {errors:.1f} standard errors "
        f"(since {board.days[days[0]]:%Y-%m-%d})."
    )
    evidence = numbers(change=float(np.expm1(size)), errors=errors, standard_error=scale, days=len(days))
    step = int(np.floor(abs(size) / np.log(1.5)))
    severity: Severity = "warning" if rise else "info"
    return Alert("shift", severity, labels, board.days[days[0]], board.days[days[-1]], message, evidence, step)
