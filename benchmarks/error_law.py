"""The shipped law of errors, fitted anew: what forecast/calibration.py holds where a series' own errors say too little.

    python benchmarks/error_law.py [--seeds 6000 6100 7000 7100] [--jobs 2] [--quick]

Comes in: made-up organisations of the kinds that frozen.py tunes on and of one with many launches; none is a frozen
configuration. Goes out: each fitted number beside the constant in the code, with its standard error (bootstrap over
organisations) and how many totals stand behind it.

At some dates of each organisation its requests by workload are forecast by ``auto``, from 60, 120 and 400 days, for 28
and 91 days. With A the actual total and F the forecast one, 2 % of the mean added to both,

    R = log(A / F).

- LAW_DRIFT, LAW_NOISE, LAW_AVERAGE: R is Student t of free degrees of freedom around a middle, with
  S^2 = n drift^2 + (noise n^-average v)^2 over the backtest's n seasons, widened to the horizon as the code does, and v
  the root mean square of the mean errors of whole seasons at past cuts; maximum likelihood, of series that seldom rest.
- RESTING_SCALE: the same with S alone, of series that often rest.
- T4_SCALE: R less its calibrated centre, over its calibrated scale, is Student t of 4 degrees around a middle.
- WIDEN: the power of (horizon / the backtest's length) in S, beside that of v.
- LEARNING: the power of 1 / n by which the 80 % scale of R falls with the history n, the horizon held.
- LAUNCH_RISE, LAUNCH_DAYS: least absolute deviations of R from the rise by age, of series that begin two weeks or more
  after the panel; LAUNCH_SCALE: the 80 % scale of what is left while they are young, by age. Histories of 400 days.

The 80 % scale is the 80 % quantile of the distance to the median, over a standard normal's. The constants are priors
for other data too, not these numbers rounded: WIDEN lies between what is found here and what page views want.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from frozen import KEYS, LATE, TUNING
from joblib import Parallel, delayed
from scipy import special
from scipy.optimize import minimize

from forecast import calibration as law
from forecast.dependence import WIDEN
from forecast.generator import Population, generate_usage
from forecast.models import model_of
from forecast.models.protocol import cuts_of, roll
from forecast.panel import FloatArray, Panel

KINDS: tuple[dict[str, object], ...] = (*TUNING, {"launches": 0.6})
SEEDS = (6000, 6100, 7000, 7100)
HISTORIES, HORIZONS = (60, 120, 400), (28, 91)
LONGEST = max(HORIZONS)
#: As-of dates of each organisation, and days from one to the next.
DATES, APART = 4, 140
#: Both totals have this part of the series' mean added, and no log counts as more.
SMALL, MOST = 0.02, 3.0
#: Days of a season.
SEASON = 7
#: The 80 % quantile of the absolute value of a standard normal.
Q80 = 1.2815515655446004
SAMPLES, SEED = 40, 0
#: Ages, in days, at which launched series are shown.
AGES = (0, 3, 7, 14, 28, 42, 56, 84, 112, 400)

#: Fitted numbers by name.
Fitted = dict[str, float]
Fit = Callable[[pd.DataFrame], Fitted]


# ------------------------------------------------------------------------------------------------- errors of totals


def volumes(seed: int, kind: dict[str, object]) -> pd.DataFrame:
    """Requests by day and workload; NaN on days that the export lost and before a workload's first request."""
    frame = generate_usage(seed, config=Population(**kind)).frame  # type: ignore[arg-type]
    wide = frame.groupby(["date", *KEYS])["requests"].sum().unstack(KEYS)
    lost = wide.isna().all(axis=1)
    begun = (wide.fillna(0.0) > 0).cummax()
    wide = wide.fillna(0.0).where(begun).mask(lost)
    return wide.reindex(pd.date_range(wide.index[0], wide.index[-1]))


def errors_of(seed: int, kind: dict[str, object], *, dates: int) -> pd.DataFrame:
    """Log errors of one organisation's totals: a row a date, history, horizon and workload."""
    wide = volumes(seed, kind)
    last = len(wide) - LONGEST - LATE
    found = [
        errors_at(wide, end, history, horizon)
        for end in (last - APART * back for back in range(dates))
        for history in HISTORIES
        for horizon in HORIZONS
        if end >= history
    ]
    return pd.concat(found, ignore_index=True).assign(organisation=seed)


def errors_at(wide: pd.DataFrame, end: int, history: int, horizon: int) -> pd.DataFrame:
    """Log errors of the totals of ``horizon`` days after ``end`` days, ``history`` of which are known."""
    known = wide.iloc[end - history : end]
    used = (known.fillna(0.0) > 0).any().to_numpy()
    panel = Panel(known.to_numpy()[:, used], pd.DatetimeIndex(known.index), tuple(map(str, np.flatnonzero(used))), "D")
    actual = wide.to_numpy()[end : end + horizon, used]
    cuts, length = cuts_of(panel, horizon)
    rolled = roll(model_of("auto"), panel, horizon, cuts, length)
    unit = np.nanmean(panel.values, axis=0)
    past = law.past_errors(panel, rolled, length, np.ones(len(unit), dtype=bool), unit)
    calibrated = law.Totals.of(past, cuts, panel.seasons[0])
    seen = np.isfinite(actual)
    small = SMALL * unit * seen.sum(axis=0)
    meant = np.where(seen, rolled.point, 0.0).sum(axis=0)
    r = np.log((np.nansum(actual, axis=0) + small) / (meant + small))
    return pd.DataFrame(
        {
            "date": end,
            "history": history,
            "horizon": horizon,
            "length": length,
            "series": panel.series,
            "age": past.age,
            "resting": past.resting,
            "r": np.clip(r, -MOST, MOST),
            "v": volatility(past.errors, panel.seasons[0]),
            "standard": (r - calibrated.centre) / (calibrated.scale * (horizon / length) ** WIDEN),
        }
    )


def volatility(errors: FloatArray, season: int) -> FloatArray:
    """Root mean square of the mean error of whole seasons (series,), of errors (cut, length, series)."""
    whole = errors.shape[1] // season
    blocks = errors[:, : whole * season].reshape(len(errors), whole, season, -1)
    there = np.isfinite(blocks)
    mean = np.where(there, blocks, 0.0).sum(axis=2) / np.maximum(there.sum(axis=2), 1)
    seen = there.any(axis=2).sum(axis=(0, 1))
    return np.asarray(np.sqrt((mean**2).sum(axis=(0, 1)) / np.where(seen > 0, seen, np.nan)))


# ------------------------------------------------------------------------------------------------------------- fits


def against(r: FloatArray, middle: float, scale: FloatArray, free: float) -> float:
    """Minus the mean log density of Student t; ``scale`` is a logarithm."""
    density = special.gammaln((free + 1) / 2) - special.gammaln(free / 2) - 0.5 * np.log(np.pi * free) - scale
    return -float(np.mean(density - (free + 1) / 2 * np.log1p(((r - middle) * np.exp(-scale)) ** 2 / free)))


def student(r: FloatArray, features: FloatArray, degrees: float | None = None) -> FloatArray:
    """Student t by maximum likelihood: middle, log(degrees - 1), and the coefficients of log S on the features."""
    x = np.column_stack([np.ones(len(r)), features])

    def loss(p: FloatArray) -> float:
        return against(r, p[0], x @ p[2:], 1 + np.exp(p[1]) if degrees is None else degrees)

    begin = np.r_[0.0, 1.0, np.log(scale80(r)), np.zeros(x.shape[1] - 1)]
    return np.asarray(minimize(loss, begin, method="BFGS").x)


def scale80(r: FloatArray) -> float:
    """The 80 % quantile of the distance to the median, over a standard normal's."""
    return float(np.quantile(np.abs(r - np.median(r)), 0.8)) / Q80


def of_law(table: pd.DataFrame) -> Fitted:
    """The scale of a total by the volatility of seasons."""
    r, v, n = table["r"].to_numpy(), table["v"].to_numpy(), table["length"].to_numpy() / SEASON
    wider = WIDEN * np.log(table["horizon"] / table["length"]).to_numpy()

    def loss(p: FloatArray) -> float:
        scale = 0.5 * np.log(n * np.exp(2 * p[2]) + (np.exp(p[3]) * n ** -p[4] * v) ** 2) + wider
        return against(r, p[0], scale, 1 + np.exp(p[1]))

    begin = [0.0, 1.0, np.log(law.LAW_DRIFT), np.log(law.LAW_NOISE), law.LAW_AVERAGE]
    _, free, drift, noise, average = minimize(loss, begin, method="BFGS").x
    return {
        "LAW_DRIFT": np.exp(drift),
        "LAW_NOISE": np.exp(noise),
        "LAW_AVERAGE": average,
        "degrees of freedom": 1 + np.exp(free),
    }


def of_widening(table: pd.DataFrame) -> Fitted:
    """How the scale grows beyond the backtest's length, beside volatility."""
    features = np.log(np.column_stack([table["v"], table["horizon"] / table["length"]]))
    return {"WIDEN": student(table["r"].to_numpy(), features)[4]}


def of_resting(table: pd.DataFrame) -> Fitted:
    """The scale of a total of series that often rest."""
    _, free, level = student(table["r"].to_numpy(), np.zeros((len(table), 0)))
    return {"RESTING_SCALE": np.exp(level), "degrees of freedom, resting": 1 + np.exp(free)}


def of_shape(table: pd.DataFrame) -> Fitted:
    """The scale of a Student t of 4 degrees, of errors in their calibrated scales."""
    r = table["standard"].to_numpy()
    free = student(r, np.zeros((len(r), 0)))
    return {
        "T4_SCALE": np.exp(student(r, np.zeros((len(r), 0)), 4.0)[2]),
        "degrees of freedom, calibrated": 1 + np.exp(free[1]),
    }


def of_learning(table: pd.DataFrame) -> Fitted:
    """The power by which the error falls with the history: of workloads that have every history."""
    x, y = [], []
    for _, part in table.groupby("horizon"):
        scale = part.groupby("history")["r"].agg(lambda r: scale80(r.to_numpy()))
        log = np.log(scale.index.to_numpy(dtype="float64"))
        x.append(log - log.mean())
        y.append(np.log(scale.to_numpy()) - np.log(scale.to_numpy()).mean())
    across, down = np.concatenate(x), np.concatenate(y)
    return {"LEARNING": -float(across @ down) / float(across @ across)}


def rise_at(age: FloatArray, rise: float, days: float) -> FloatArray:
    """What a launched series' total is expected to be above its forecast, as a log."""
    return np.asarray(rise * np.exp(-((age / days) ** 1.5)))


def of_launches(table: pd.DataFrame) -> Fitted:
    """The rise of launched series by age, and the scale of what is left of R while they are young."""
    r, age = table["r"].to_numpy(), table["age"].to_numpy()

    def loss(p: FloatArray) -> float:
        return float(np.abs(r - rise_at(age, *np.exp(p))).mean())

    rise, days = np.exp(minimize(loss, np.log([law.LAUNCH_RISE, law.LAUNCH_DAYS]), method="Nelder-Mead").x)
    old = (age > days) & (age < law.YOUNG)
    left = (r - rise_at(age, rise, days))[old]
    return {"LAUNCH_RISE": rise, "LAUNCH_DAYS": days, "LAUNCH_SCALE": scale80(left) if old.any() else np.nan}


# ------------------------------------------------------------------------------------------------------------ tables


def fits_of(table: pd.DataFrame) -> list[tuple[Fit, pd.DataFrame]]:
    """Each fit, and the totals that it is made of."""
    settled = table[np.isinf(table["age"])]
    busy = settled[~settled["resting"] & (settled["v"] > 0)]
    times = settled.groupby(["organisation", "date", "series"])["history"].transform("nunique")
    launched = table[np.isfinite(table["age"]) & (table["history"] == max(HISTORIES))]
    return [
        (of_law, busy),
        (of_widening, busy),
        (of_resting, settled[settled["resting"]]),
        (of_shape, settled[np.isfinite(settled["standard"])]),
        (of_learning, settled[times == len(HISTORIES)]),
        (of_launches, launched),
    ]


def spread(fit: Fit, table: pd.DataFrame, *, jobs: int, samples: int) -> Fitted:
    """Standard errors of fitted numbers, by a bootstrap over organisations."""
    rows = list(table.groupby("organisation").indices.values())
    rng = np.random.default_rng(SEED)
    picks = [np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))]) for _ in range(samples)]
    again = pd.DataFrame(Parallel(n_jobs=jobs)(delayed(fit)(table.iloc[pick]) for pick in picks))
    return {str(name): float(values.std()) for name, values in again.items()}


def constants() -> dict[str, float]:
    """What the code holds."""
    names = ("LAW_DRIFT", "LAW_NOISE", "LAW_AVERAGE", "RESTING_SCALE", "T4_SCALE", "LEARNING")
    names += ("LAUNCH_RISE", "LAUNCH_DAYS", "LAUNCH_SCALE")
    return {name: float(getattr(law, name)) for name in names} | {"WIDEN": WIDEN, "degrees of freedom, calibrated": 4.0}


def by_volatility(table: pd.DataFrame) -> pd.DataFrame:
    """The 80 % scale of R by sixths of v, beside the law's."""
    parts = table.groupby(pd.qcut(table["v"], 6, labels=False))
    middle = parts["v"].median()
    return pd.DataFrame(
        {
            "totals": parts.size(),
            "v": middle,
            "80 % scale": parts["r"].agg(lambda r: scale80(r.to_numpy())),
            "law of 13 weeks": law.law_scale(middle.to_numpy(), 13.0),
        }
    )


def by_age(table: pd.DataFrame) -> pd.DataFrame:
    """Median and 80 % scale of R by age of launched series, beside the code's."""
    parts = table.groupby(pd.cut(table["age"], AGES), observed=True)
    age = parts["age"].median()
    rise = rise_at(age.to_numpy(), law.LAUNCH_RISE, law.LAUNCH_DAYS)
    least = np.where(age < law.YOUNG, law.LAUNCH_SCALE, np.nan)
    return pd.DataFrame(
        {
            "totals": parts.size(),
            "median": parts["r"].median(),
            "rise in code": rise,
            "80 % scale": parts["r"].agg(lambda r: scale80(r.to_numpy())),
            "least scale in code": np.hypot(least, rise),
        }
    )


def shown(table: pd.DataFrame, *, index: bool) -> str:
    """A table for reading."""
    return table.to_string(index=index, float_format=lambda value: f"{value:.3f}", na_rep="")


def main() -> int:
    parser = argparse.ArgumentParser(description="Fit the shipped law of errors anew, beside the constants in the code")
    told = f"organisations' first seeds: {len(KINDS)} kinds each (6000 6100 7000 7100)"
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help=told)
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--quick", action="store_true", help="only the first seed, two dates, ten bootstrap samples")
    options = parser.parse_args()
    began = time.perf_counter()
    seeds, dates, samples = (options.seeds[:1], 2, 10) if options.quick else (options.seeds, DATES, SAMPLES)
    work = [delayed(errors_of)(seed + i, kind, dates=dates) for seed in seeds for i, kind in enumerate(KINDS)]
    print(f"The frozen configurations are not read. {len(work)} organisations, {dates} dates each", flush=True)
    table = pd.concat(Parallel(n_jobs=options.jobs)(work), ignore_index=True)
    print(f"{time.perf_counter() - began:6.0f} s  {len(table):,} totals forecast", flush=True)
    held, rows = constants(), []
    for fit, part in fits_of(table):
        fitted, error = fit(part), spread(fit, part, jobs=options.jobs, samples=samples)
        rows += [
            {"number": name, "fitted": value, "±": error[name], "in code": held.get(name, np.nan), "totals": len(part)}
            for name, value in fitted.items()
        ]
        print(f"{time.perf_counter() - began:6.0f} s  {', '.join(fitted)}", flush=True)
    print(f"\n{shown(pd.DataFrame(rows), index=False)}")
    parts = dict(fits_of(table))
    print(f"\nby volatility, series that seldom rest\n{shown(by_volatility(parts[of_law]), index=False)}")
    print(f"\nby age in days, launched series\n{shown(by_age(parts[of_launches]), index=True)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
