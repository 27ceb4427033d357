"""Unit costs, quality and cache hits by model. Comes in: usage. Goes out: alerts of ratios that drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from forecast.panel import BoolArray, FloatArray
from forecast.prices import PriceBook
from forecast.unit_economics.metrics import unit_metrics
from forecast.usage import Usage
from scenarios.reviews.alerts.alert import Alert, labelled, numbers
from scenarios.reviews.alerts.episodes import Episode, episodes
from scenarios.reviews.alerts.following import RATES, Followed, follow
from scenarios.reviews.alerts.rules import AlertRules
from scenarios.reviews.alerts.shifting import Shifted, shifted, typical

#: Days of a mean, and days apart that two stretches are still one episode.
WINDOW: Final = 7
QUIET: Final = 7
CACHE_WINDOW: Final = 3
#: A share of cache reads that was never above this is no cache; a collapse counts as this at the least.
LEAST_CACHE: Final = 0.05
FLOOR: Final = 0.001
#: A model's ratio counts on days on which it has at least this share of its median day's tokens.
LEAST_DAY: Final = 0.02


@dataclass(frozen=True, slots=True)
class _Look:
    """One ratio and how it is looked at."""

    rule: str
    metric: str
    said: str
    window: int
    change: float
    rise: bool


def unit_costs(
    usage: Usage,
    days: pd.DatetimeIndex,
    prices: PriceBook | None,
    quality: pd.DataFrame | None,
    rules: AlertRules,
    since: int,
) -> list[Alert]:
    """Ratios of each provider's model against the forecast before some days: a rise of cost, a fall of cache hits.

    Raises
    ------
    UsageError
        ``quality`` lacks a column, or holds no shares.
    """
    looks = _looks(rules, with_quality=quality is not None)
    if not looks:
        return []
    by = [c for c in ("provider", "model") if c in usage.frame and usage.frame[c].notna().any()]
    if not by:
        return []
    metrics = unit_metrics(usage, prices, by=by, period="D", quality=quality if rules.quality else None)
    tokens = _wide(metrics, "tokens", by, days)
    found = []
    for look in looks:
        ratio = _wide(metrics, look.metric, by, days)
        if len(ratio.columns):
            found += _alerts(look, ratio, _much(tokens, ratio), rules, since, by=by)
    return found


def _looks(rules: AlertRules, *, with_quality: bool) -> list[_Look]:
    made = []
    if rules.unit_cost:
        made += [
            _Look("unit_cost", "cost_per_million_tokens", "cost per token", WINDOW, rules.unit_cost_change, rise=True),
            _Look("unit_cost", "cost_per_request", "cost per request", WINDOW, rules.unit_cost_change, rise=True),
        ]
    if rules.quality and with_quality:
        per = {"cost_per_successful_task": "cost per successful task", "cost_per_accuracy_point": "cost per accuracy"}
        made += [_Look("quality", m, said, WINDOW, rules.quality_change, rise=True) for m, said in per.items()]
    if rules.cache:
        said = "share of input read from a cache"
        made.append(_Look("cache", "cache_hit_share", said, CACHE_WINDOW, rules.cache_fall, rise=False))
    return made


def _wide(metrics: pd.DataFrame, metric: str, by: list[str], days: pd.DatetimeIndex) -> pd.DataFrame:
    """One metric by day and group."""
    rows = metrics[metrics["metric"] == metric]
    named = rows.assign(**{c: rows[c].astype("object").where(rows[c].notna(), "(none)") for c in by})
    wide = named.set_index(["period", *by])["value"].unstack(by) if len(named) else pd.DataFrame(index=days)
    return wide.reindex(days)


def _much(tokens: pd.DataFrame, ratio: pd.DataFrame) -> BoolArray:
    """The days on which a model was used enough to judge a ratio."""
    used = tokens.reindex(columns=ratio.columns)
    typical = used.expanding(min_periods=1).median()
    return np.asarray((used >= LEAST_DAY * typical) & (used > 0))


def _alerts(
    look: _Look, ratio: pd.DataFrame, much: BoolArray, rules: AlertRules, since: int, *, by: list[str]
) -> list[Alert]:
    values = np.where(much, ratio.to_numpy("float64"), np.nan)
    if look.rule == "cache":
        ever = np.fmax.accumulate(np.nan_to_num(values), axis=0) >= LEAST_CACHE
        values = np.where(ever, np.maximum(values, FLOOR), np.nan)
    known = np.isfinite(values) & (values > 0)
    log = np.where(known, np.log(np.where(known, values, 1.0)), np.nan)
    weekday = np.asarray(ratio.index.day_of_week, dtype=np.intp)  # type: ignore[attr-defined]
    followed = follow(log, weekday, rates=RATES[:1])
    mean = shifted(followed, look.window, change=look.change)
    held = (Shifted.over if look.rise else Shifted.under)(mean, material=look.change, errors=rules.unit_errors)
    found = []
    for episode in episodes(held, quiet=QUIET, since=since):
        name = ratio.columns[episode.series]
        labels = dict(zip(by, name if isinstance(name, tuple) else (name,), strict=True))
        found.append(_alert(look, pd.DatetimeIndex(ratio.index), values, followed, mean, labels, episode))
    return found


def _alert(
    look: _Look,
    days: pd.DatetimeIndex,
    values: FloatArray,
    followed: Followed,
    mean: Shifted,
    labels: dict[str, str],
    episode: Episode,
) -> Alert:
    held, i = list(episode.days), episode.series
    t = held[int(np.argmax(np.abs(mean.size[held, i])))]
    errors, scale = abs(float(mean.size[t, i])) / float(mean.scale[t, i]), float(mean.scale[t, i])
    size = typical(followed, look.window, t, i)
    part = values[t - look.window + 1 : t + 1, i]
    now = float(np.median(part[np.isfinite(part)]))
    rule = {"unit_cost": "Unit cost", "quality": "Cost of quality", "cache": "Cache hits"}[look.rule]
    told = f"{now:.1%}" if look.rule == "cache" else f"{now:,.4g}"
    message = (
        f"{rule} of {labelled(labels)}: {look.said} was {np.expm1(size):+.0%} against the forecast before, over the "
        f"{look.window} days to {days[t]:%Y-%m-%d} (median {told}; since {days[held[0]]:%Y-%m-%d})."
    )
    evidence = numbers(change=float(np.expm1(size)), errors=errors, standard_error=scale, median=now)
    step = int(np.floor(abs(size) / np.log(1.5)))
    labels = {**labels, "ratio": look.metric}
    return Alert(look.rule, "warning", labels, days[held[0]], days[held[-1]], message, evidence, step)
