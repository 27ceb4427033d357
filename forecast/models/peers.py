"""What grown series and past launches tell of a new one. Comes in: a panel. Goes out: level, season, noise, shapes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from forecast.models.age import DAYS_A_PERIOD, LAUNCHED, YOUNG
from forecast.panel import BoolArray, FloatArray, IntArray, Panel, known_median
from forecast.periods import MONTH_DAYS
from forecast.ranges import Z90
from forecast.streams import stratified

#: Shapes that stand for all: draws of the shipped prior.
PARTICLES = 6_000
#: The shipped prior: days to 63 % of the level (log), how S-shaped (log), and growth a month afterwards: mean, sd.
TAU, K, GROWTH = (float(np.log(30.0)), 0.6), (0.0, 0.2), (0.01, 0.07)
#: Launches that the shipped prior is worth against those that the panel saw.
PRIOR_LAUNCHES = 3.0
#: A launch tells its shape once it is this old, by its first days.
OLD_ENOUGH, FIRST_DAYS = 84.0, 120.0
#: Where no grown series tells: noise of weekly means, and the walk a month, both of logs.
WEEK, WALK = 0.1, 0.1
#: How far series differ in them (sd of logs), at least and at most.
DIFFER, DIFFER_MOST = 0.5, 0.8
#: The dependence of a day's noise on the day's before, and the most that its log varies (sd).
PERSISTENCE, MOST_NOISE = 0.3, 1.0
#: The least noise of weekly means and walk; of the recent past this many weeks are read.
LEAST_WEEK, LEAST_WALK, WEEKS = 0.08, 0.12, 26
#: Noise and walk are tried at these normal scores of how far series differ.
SCORES = (-1.4, -0.5, 0.0, 0.5, 1.4)
#: The least spread of log levels among peers, and that of a level of which nothing is known.
LEVEL_SD, ANYTHING = 0.5, 3.0
#: A week without use counts as this part of the mean so far.
SMALL = 0.02


@dataclass(frozen=True, slots=True)
class Peers:
    """What is known of launches before one is looked at.

    Attributes
    ----------
    level, level_sd : float
        Mean and standard deviation of log levels of grown series.
    season : float array (phase,)
        What a phase adds to the log; phase 0 is that of the panel's first period.
    week, walk : float
        Of logs: the standard deviation of weekly means' noise, and of the walk a month.
    tau, k, growth, noisy, walks : float array (particle,)
        The shape, and how many times noise and walk of a particle are the peers'.
    weight : float array (particle,)
        How well each fits the launches that the panel saw, the shipped prior included; sums to 1.
    grown, launches : int
        How many grown series there are, and how many launches the panel saw.
    daily : float
        Days a period.
    """

    level: float
    level_sd: float
    season: FloatArray
    week: float
    walk: float
    tau: FloatArray
    k: FloatArray
    growth: FloatArray
    noisy: FloatArray
    walks: FloatArray
    weight: FloatArray
    grown: int
    launches: int
    daily: float

    def curve(self, age: FloatArray) -> FloatArray:
        """The log of what part of the level is reached by age in days, and growth: (particle, period)."""
        hazard = ((age + 1.0) / self.tau[:, None]) ** self.k[:, None]
        made: FloatArray = np.log(-np.expm1(-hazard)) + self.growth[:, None] * age / MONTH_DAYS
        return made

    def posterior(
        self, values: FloatArray, age: FloatArray, phase: FloatArray, mean: float, sd: float
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Today's level by particle (the walk so far in it), its spread, and each particle's weight.

        Days are averaged by week, so that a day of rest does no harm. With x the log of a week's mean less that of the
        particle's curve, C their covariance about the level, 1 a vector of ones and c the covariance of the walk today
        with x: the first level has precision q = 1 / sd^2 + 1' C^-1 1 and mean m = (mean / sd^2 + 1' C^-1 x) / q;
        today's has mean m + c' C^-1 (x - m) and variance (1 - c' C^-1 1)^2 / q + walk^2 age - c' C^-1 c.

        Parameters
        ----------
        values, age, phase : float array (period,)
            What was seen, at which age in days, and what the phase adds to its log.
        mean, sd : float
            Of the log level, beforehand.
        """
        middle, spread = np.full(len(self.tau), mean), np.full(len(self.tau), sd)
        blocks = _weeks(values, age)
        if not blocks:
            return middle, spread, self.weight
        shape = np.exp(self.curve(age) + phase)
        # A week without use says that there was little: the log of nothing is taken at a fiftieth of the mean.
        least = SMALL * float(np.nanmean(values))
        left = np.stack([np.log(max(values[b].mean(), least) / shape[:, b].mean(axis=1)) for b in blocks], axis=1)
        at = np.array([float(age[b].mean()) for b in blocks])
        days = np.array([max(1.0, float(b.sum()) * self.daily) for b in blocks])
        log = np.empty(len(self.tau))
        for noisy, walks in {*zip(self.noisy.tolist(), self.walks.tolist(), strict=True)}:
            mine = (self.noisy == noisy) & (self.walks == walks)
            step = (walks * self.walk) ** 2 / MONTH_DAYS
            covariance = step * np.minimum(at[:, None], at)
            covariance += np.diag((noisy * self.week) ** 2 * 7.0 / days)
            inverse = np.linalg.inv(covariance)
            ones = inverse.sum(axis=0)
            precision = 1.0 / max(sd, 1e-6) ** 2 + float(ones.sum())
            here = (mean / max(sd, 1e-6) ** 2 + left[mine] @ ones) / precision
            fit = np.einsum("pi,ij,pj->p", left[mine], inverse, left[mine], optimize=True) - precision * here**2
            log[mine] = -0.5 * (fit + np.log(precision) + np.linalg.slogdet(covariance)[1])
            carried = inverse @ (step * at)
            middle[mine] = here * (1 - carried.sum()) + left[mine] @ carried
            walked = step * (float(age[-1]) - float(at @ carried))
            spread[mine] = np.sqrt((1 - carried.sum()) ** 2 / precision + max(walked, 0.0))
        log += np.log(np.maximum(self.weight, 1e-300))
        weight = np.exp(log - log.max())
        return middle, spread, weight / weight.sum()

    def wander(self, horizon: int, pick: IntArray, rng: np.random.Generator) -> FloatArray:
        """The walk and the noise of the periods ahead, of chosen particles: (draw, horizon).

        Days are as noisy as makes their weekly means as noisy as they are, and the noise has a mean of 1.
        """
        count = len(pick)
        steps = rng.standard_normal((count, horizon)) * self.walk * np.sqrt(self.daily / MONTH_DAYS)
        noise = rng.standard_normal((count, horizon))
        noise[:, 1:] *= np.sqrt(1 - PERSISTENCE**2)
        for t in range(1, horizon):
            noise[:, t] += PERSISTENCE * noise[:, t - 1]
        alone = np.sqrt(7.0 / self.daily * (1 - PERSISTENCE) / (1 + PERSISTENCE))
        size = np.minimum(self.week * self.noisy[pick] * alone, MOST_NOISE)[:, None]
        return np.asarray(np.cumsum(steps, axis=1) * self.walks[pick, None] + size * noise - size**2 / 2)


def _weeks(values: FloatArray, age: FloatArray) -> list[BoolArray]:
    """Known days of each week of a life: masks (period,); none where nothing was used yet."""
    week, known = (age // 7).astype(int), np.isfinite(values)
    masks = [known & (week == w) for w in np.unique(week)] if (np.nan_to_num(values) > 0).any() else []
    return [mask for mask in masks if mask.any()]


def peers_of(panel: Panel, young: BoolArray) -> Peers:
    """Read levels, seasons and noise from the grown series, and shapes from those that were launched inside."""
    daily = DAYS_A_PERIOD[panel.freq]
    known = np.isfinite(panel.values)
    grown = ~young & (known.sum(axis=0) * daily >= YOUNG)
    season = panel.seasons[0]
    level, level_sd = 0.0, ANYTHING
    phases, kept = np.zeros(season), Scatter(WEEK, WALK, DIFFER, DIFFER)
    if grown.any():
        values = np.maximum(panel.values[:, grown], 0.0)
        phases = _phases(np.log(values + 0.02 * np.nanmean(values, axis=0) + 1e-12), season)
        kept = _scatter(values, daily)
        recent = values[-round(4 * 7 / daily) :]
        size = np.where(np.isfinite(recent), recent, 0.0).sum(axis=0) / np.maximum(np.isfinite(recent).sum(axis=0), 1)
        logs = np.log(size[size > 0])
        if len(logs):
            spread = float(logs.std(ddof=1)) if len(logs) > 1 else 1.5
            level, level_sd = float(logs.mean()), max(LEVEL_SD, spread * float(np.sqrt(1 + 1 / len(logs))))
    shapes = _shapes(kept)
    weight = np.full(PARTICLES, 1 / PARTICLES)
    plain = Peers(level, level_sd, phases, kept.week, kept.walk, *shapes, weight, int(grown.sum()), 0, daily)
    return _pooled(plain, panel, grown)


def _pooled(plain: Peers, panel: Panel, grown: BoolArray) -> Peers:
    """Weigh the shapes by the launches that the panel saw: a mixture of the prior and of each one's posterior."""
    begun = np.argmax(np.isfinite(panel.values), axis=0)
    lived = (len(panel.values) - begun) * plain.daily
    seen = np.flatnonzero(grown & (begun * plain.daily >= LAUNCHED) & (lived >= OLD_ENOUGH))
    weight = PRIOR_LAUNCHES * plain.weight
    for i in seen:
        values = panel.values[begun[i] : begun[i] + round(FIRST_DAYS / plain.daily), i]
        age: FloatArray = np.arange(len(values), dtype="float64") * plain.daily
        phase = plain.season[(begun[i] + np.arange(len(values))) % len(plain.season)]
        weight = weight + plain.posterior(np.maximum(values, 0.0), age, phase, plain.level, ANYTHING)[2]
    return replace(plain, weight=weight / weight.sum(), launches=len(seen))


def _shapes(kept: Scatter) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Particles of the shipped prior: tau, k, growth, and the factors of noise and walk, each (particle,)."""
    from scipy.special import ndtr, ndtri

    tau, k, growth = (
        mean + sd * ndtri(stratified(0, PARTICLES, "shape of launches", name))
        for name, (mean, sd) in {"tau": TAU, "k": K, "growth": GROWTH}.items()
    )
    edge = ndtr((np.array(SCORES)[1:] + np.array(SCORES)[:-1]) / 2)
    noisy, walks = (
        np.exp(differ * np.array(SCORES))[np.searchsorted(edge, stratified(0, PARTICLES, "shape of launches", name))]
        for name, differ in {"noise": kept.noise_differs, "walk": kept.walk_differs}.items()
    )
    return np.exp(tau), np.exp(k), growth, noisy, walks


def _phases(z: FloatArray, season: int) -> FloatArray:
    """What each phase adds to the log, the median over seasons and series: (phase,)."""
    whole = min(len(z) // season, WEEKS)
    if whole < 2:
        return np.zeros(season)
    begin = len(z) - whole * season
    folded = z[begin:].reshape(whole, season, -1)
    centred = folded - known_median(folded, axis=1)[:, None]
    phase = known_median(known_median(centred), axis=1)
    phase = np.nan_to_num(phase - np.nanmean(phase))
    # A level is that of a mean day: phases average to 1, not their logs to 0.
    return np.roll(phase - np.log(np.exp(phase).mean()), begin % season)


@dataclass(frozen=True, slots=True)
class Scatter:
    """How grown series scatter, in logs: medians over series, and how far series differ (sd of logs)."""

    week: float
    walk: float
    noise_differs: float
    walk_differs: float


def _scatter(values: FloatArray, daily: float) -> Scatter:
    """Read the noise of weekly means and the walk from the last half year of grown series (period, series)."""
    width = round(7 / daily)
    whole = min(len(values) // width, WEEKS)
    if whole < 8:
        return Scatter(WEEK, WALK, DIFFER, DIFFER)
    blocks = values[len(values) - whole * width :].reshape(whole, width, -1)
    known = np.isfinite(blocks)
    mean = np.where(known, blocks, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    with np.errstate(divide="ignore"):
        week = np.where((known.sum(axis=1) > width / 2) & (mean > 0), np.log(mean), np.nan)
    # Second differences of weeks have 1.5 times the variance of one; a walk adds little over two weeks.
    noise = _scale80(week[1:-1] - 0.5 * (week[:-2] + week[2:])) / np.sqrt(1.5)
    walk = np.sqrt(np.maximum(_scale80(week[4:] - week[:-4]) ** 2 - 2 * noise**2, 0.0) * MONTH_DAYS / 28)
    return Scatter(
        max(_middle(noise, WEEK), LEAST_WEEK),
        max(_middle(walk, WALK), LEAST_WALK),
        _differ(noise, LEAST_WEEK),
        _differ(walk, LEAST_WALK),
    )


def _scale80(values: FloatArray) -> FloatArray:
    """The scale by the distance that four of five known values keep from 0: (series,); NaN where few are known."""
    size = np.abs(values)
    known = np.isfinite(size).sum(axis=0)
    ordered = np.sort(size, axis=0)
    at = np.clip((0.8 * known).astype(np.intp), 0, np.maximum(known - 1, 0))
    found = np.take_along_axis(ordered, at[None], axis=0)[0] / Z90
    return np.where(known >= 4, found, np.nan)


def _middle(values: FloatArray, otherwise: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else otherwise


def _differ(values: FloatArray, least: float) -> float:
    """How far series differ: the standard deviation of logs, at least what is shipped."""
    known = np.log(np.maximum(values[np.isfinite(values)], least))
    return float(np.clip(known.std(), DIFFER, DIFFER_MOST)) if len(known) > 1 else DIFFER
