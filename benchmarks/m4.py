"""M4, weekly and hourly: our models beside the published ones. Comes in: the folder that holds m4/. Goes out: tables.

    python benchmarks/m4.py --data PATH [--models auto fast] [--origins 6] [--draws 1000]

Weekly is all 359 series, 13 weeks ahead; hourly is every fourth of the 414, 48 hours ahead. First the published scores
of Naive2 and seasonal naive on weekly are reproduced to three decimals: only then is the harness worth reading. Points
are the models' own; bands and totals come from their sample paths. Coverage of totals is printed for the test part (one
origin, so without a standard error) and for earlier origins inside the training part, one horizon apart, with the
standard error of a block bootstrap over these origins and the effective number of trials.

Source: Makridakis, Spiliotis and Assimakopoulos (2020), doi:10.1016/j.ijforecast.2019.04.014.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from forecast import scores
from forecast.coverage import CoverageError, coverage_error
from forecast.dependence import trajectories
from forecast.models import model_of
from forecast.panel import FloatArray, Panel

#: Published scores have three decimals.
DECIMALS = 5e-4


@dataclass(frozen=True)
class Setting:
    """One frequency of M4: files, season (of scores and Naive2), the clock, and the history that is kept."""

    name: str
    stem: str
    season: int
    freq: str
    kept: int
    complete: bool


SETTINGS = (
    Setting("Weekly", "Weekly", 1, "W", 600, complete=True),
    Setting("Hourly", "Hourly-every4th", 24, "h", 960, complete=False),
)


@dataclass(frozen=True)
class Part:
    """Series of one frequency: histories of unequal length, and the test part (horizon, series)."""

    setting: Setting
    names: tuple[str, ...]
    history: list[FloatArray]
    actual: FloatArray

    @property
    def horizon(self) -> int:
        """Periods ahead."""
        return len(self.actual)

    def scaled(self, score: Callable[..., FloatArray], *bands: FloatArray) -> float:
        """The mean over series of a score that is scaled inside each whole history."""
        season = self.setting.season
        return float(
            np.mean(
                [
                    score(self.actual[:, i], *(b[:, i] for b in bands), history=past, season=season)
                    for i, past in enumerate(self.history)
                ]
            )
        )

    def points(self, forecast: FloatArray) -> tuple[float, float]:
        """SMAPE and MASE: means over series."""
        return float(scores.smape(self.actual, forecast).mean()), self.scaled(scores.mase, forecast)

    def panel(self, back: int = 0) -> Panel:
        """What was known ``back`` periods before the end, right-aligned: dates are made up, M4 gives none."""
        setting = self.setting
        known = [past[: len(past) - back][-setting.kept :] for past in self.history]
        length = max(map(len, known))
        values = np.full((length, len(known)), np.nan)
        for i, past in enumerate(known):
            values[length - len(past) :, i] = past
        return Panel(values, pd.date_range("2000-01-02", periods=length, freq=setting.freq), self.names, setting.freq)


def read(folder: Path, setting: Setting) -> Part:
    train = pd.read_csv(folder / f"{setting.stem}-train.csv")
    test = pd.read_csv(folder / f"{setting.stem}-test.csv")
    if list(train.iloc[:, 0]) != list(test.iloc[:, 0]):
        sys.exit(f"{folder}: the series of {setting.stem}-train.csv and -test.csv differ")
    rows = train.iloc[:, 1:].to_numpy("float64")
    history = [row[np.isfinite(row)] for row in rows]
    return Part(setting, tuple(train.iloc[:, 0].astype(str)), history, test.iloc[:, 1:].to_numpy("float64").T)


# ------------------------------------------------------------------------------------------------ M4's own baselines


def naive2(past: FloatArray, horizon: int, season: int) -> FloatArray:
    """M4's Naive2: the last value, seasonally adjusted where a test says so, times the season: (horizon,)."""
    if season == 1 or not seasonal(past, season):
        return np.repeat(past[-1], horizon)
    index = indices(past, season)
    phase = (len(past) + np.arange(horizon)) % season
    return np.asarray(past[-1] / index[(len(past) - 1) % season] * index[phase])


def seasonal(past: FloatArray, season: int) -> bool:
    """M4's test: the autocorrelation at one season is beyond 1.645 of its standard error, given the shorter ones."""
    n = len(past)
    if n < 3 * season:
        return False
    apart = past - past.mean()
    r = np.array([apart[k:] @ apart[: n - k] for k in range(1, season + 1)]) / (apart @ apart)
    limit = 1.645 * np.sqrt((1 + 2 * (r[:-1] ** 2).sum()) / n)
    return bool(abs(r[-1]) > limit)


def indices(past: FloatArray, season: int) -> FloatArray:
    """Multiplicative indices of classical decomposition by a centred moving average: (season,), their mean 1."""
    weights = np.ones(season + 1 - season % 2)
    if season % 2 == 0:
        weights[[0, -1]] = 0.5
    trend = np.convolve(past, weights / weights.sum(), mode="valid")
    edge = len(weights) // 2
    ratio = np.full(len(past), np.nan)
    ratio[edge : edge + len(trend)] = past[edge : edge + len(trend)] / trend
    index = np.array([np.nanmean(ratio[phase::season]) for phase in range(season)])
    return np.asarray(index / index.mean())


def seasonal_naive(past: FloatArray, horizon: int, season: int) -> FloatArray:
    return np.resize(past[-season:], horizon)


# ----------------------------------------------------------------------------------------------------- our models


@dataclass(frozen=True)
class Bands:
    """A model's point (horizon, series), 95 % bands of periods, and 80 and 95 % bands of totals (series,)."""

    point: FloatArray
    low: FloatArray
    high: FloatArray
    total: FloatArray
    seconds: float


def forecast(panel: Panel, model: str, horizon: int, *, draws: int, seed: int) -> Bands:
    begin = time.perf_counter()
    made = trajectories(panel, model_of(model), horizon=horizon, count=draws, seed=seed)
    paths = made.paths()
    low, high = np.quantile(paths, [0.025, 0.975], axis=0)
    total = np.quantile(paths.sum(axis=1), [0.025, 0.1, 0.9, 0.975], axis=0)
    return Bands(made.point, low, high, total, time.perf_counter() - begin)


def earlier_origins(part: Part, model: str, *, origins: int, draws: int, seed: int) -> dict[int, CoverageError]:
    """Coverage of 80 and 95 % bands of totals at origins inside the training part, one horizon apart.

    A series takes part where four horizons were known.
    """
    h = part.horizon
    inside: dict[int, list[int]] = {80: [], 95: []}
    count: list[int] = []
    for back in range(origins * h, 0, -h):
        chosen = [i for i, past in enumerate(part.history) if len(past) - back >= 4 * h]
        known = Part(part.setting, tuple(part.names[i] for i in chosen), [part.history[i] for i in chosen], part.actual)
        total = np.array([part.history[i][len(part.history[i]) - back :][:h].sum() for i in chosen])
        low95, low80, high80, high95 = forecast(known.panel(back), model, h, draws=draws, seed=seed).total
        inside[80].append(int(((low80 <= total) & (total <= high80)).sum()))
        inside[95].append(int(((low95 <= total) & (total <= high95)).sum()))
        count.append(len(chosen))
    return {level: coverage_error(hits, count) for level, hits in inside.items()}


# --------------------------------------------------------------------------------------------------------- tables


def published(folder: Path, name: str, best: int) -> pd.DataFrame:
    """Published sMAPE, MASE, OWA and MSIS of one frequency: the best by OWA and by MSIS, the winner and baselines."""
    rows = [pd.read_csv(folder / f"m4_published_{kind}_results.csv") for kind in ("point", "PI")]
    table = pd.concat(rows).assign(team=lambda t: t["id"].astype(str) + " " + t["team"].str.slice(0, 30))
    wide = table.pivot_table(index="team", columns="metric", values=name, aggfunc="first", sort=False)
    wide = wide[["sMAPE", "MASE", "OWA", "MSIS"]]
    first = {*wide["OWA"].nsmallest(best).index, *wide["MSIS"].nsmallest(3).index}
    always = ("118 ", "Naive2 ", "sNaive ", "Theta ", "Com ", "ETS ", "ARIMA ")
    return wide[[team in first or team.startswith(always) for team in wide.index]].sort_values("OWA")


def reproduces(part: Part, wide: pd.DataFrame, naive: dict[str, tuple[float, float]]) -> bool:
    """Print our Naive2 and seasonal naive beside the published ones; whether they agree."""
    agree = True
    for team, own in naive.items():
        row = wide[wide.index.str.startswith(f"{team} ")].iloc[0]
        owa = float(scores.owa(*own, naive_smape=naive["Naive2"][0], naive_mase=naive["Naive2"][1]))
        pairs = [(own[0], row["sMAPE"]), (own[1], row["MASE"]), (owa, row["OWA"])]
        agree &= all(abs(ours - theirs) < DECIMALS for ours, theirs in pairs)
        told = "  ".join(f"{ours:.3f} (published {theirs:.3f})" for ours, theirs in pairs)
        print(f"  {team:8s} sMAPE, MASE, OWA: {told}")
    if not part.setting.complete:
        print("  (published on all 414 series, here on 104: they need not agree)")
    return agree or not part.setting.complete


def compare(part: Part, folder: Path, options: argparse.Namespace) -> bool:
    setting, h = part.setting, part.horizon
    print(f"\n{setting.name}: {len(part.history)} series, {h} ahead, the last {setting.kept} values kept")
    baselines = {"Naive2": naive2, "sNaive": seasonal_naive}
    naive = {
        team: part.points(np.stack([make(past, h, setting.season) for past in part.history], axis=1))
        for team, make in baselines.items()
    }
    wide = published(folder, setting.name, options.best)
    agree = reproduces(part, wide, naive)
    total = part.actual.sum(axis=0)
    rows, lines = {}, []
    for model in options.models:
        made = forecast(part.panel(), model, h, draws=options.draws, seed=options.seed)
        smape, mase = part.points(made.point)
        owa = float(scores.owa(smape, mase, naive_smape=naive["Naive2"][0], naive_mase=naive["Naive2"][1]))
        rows[f">>> {model}"] = {
            "sMAPE": smape,
            "MASE": mase,
            "OWA": owa,
            "MSIS": part.scaled(scores.msis, made.low, made.high),
        }
        low95, low80, high80, high95 = made.total
        inside = {80: (low80 <= total) & (total <= high80), 95: (low95 <= total) & (total <= high95)}
        score = float((scores.interval_score(total, low80, high80, level=80) / total).mean())
        held = earlier_origins(part, model, origins=options.origins, draws=options.draws, seed=options.seed)
        lines.append(
            f"  {model:8s} test part 80 %: {100 * inside[80].mean():.1f}, 95 %: {100 * inside[95].mean():.1f}; "
            f"interval score 80 % / total {score:.3f}; {1e3 * made.seconds / len(total):.1f} ms a series with paths"
        )
        lines += [
            f"  {'':8s} {options.origins} origins before, {level} %: {100 * c.share:.1f} ± {100 * c.se:.1f} "
            f"(95 % interval {100 * c.low:.1f} to {100 * c.high:.1f}; {c.trials:.0f} effective trials)"
            for level, c in held.items()
        ]
    table = pd.concat([wide, pd.DataFrame.from_dict(rows, orient="index")]).sort_values("OWA", kind="stable")
    print(table.to_string(float_format=lambda v: f"{v:.3f}", na_rep=""))
    print(f"coverage of the total over {h} periods, in %")
    print("\n".join(lines), flush=True)
    return agree


def main() -> int:
    parser = argparse.ArgumentParser(description="M4 weekly and hourly: our models beside the published ones")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds m4/")
    parser.add_argument("--models", nargs="+", default=["auto", "fast"], help="names of the shelf (auto fast)")
    parser.add_argument("--origins", type=int, default=6, help="origins before the test part (6)")
    parser.add_argument("--draws", type=int, default=1_000, help="sample paths (1000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--best", type=int, default=5, help="published methods shown, the best by OWA (5)")
    parser.add_argument("--only", choices=[s.name for s in SETTINGS], help="one frequency")
    options = parser.parse_args()
    folder = options.data / "m4"
    if not folder.is_dir():
        parser.error(f"{folder} is not a folder: --data names the folder that holds m4/")
    chosen = [s for s in SETTINGS if options.only in (None, s.name)]
    agree = [compare(read(folder, s), folder, options) for s in chosen]
    if not all(agree):
        print("\nNaive2 or seasonal naive do not reproduce the published scores: the harness is wrong", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
