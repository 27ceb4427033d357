"""M4, weekly and hourly: our models beside the published ones. Comes in: the folder that holds m4/. Goes out: tables.

    python benchmarks/m4.py --data PATH [--models auto fast] [--origins 6] [--draws 1000] [--training]

Weekly is all 359 series, 13 weeks ahead; hourly is every fourth of the 414, 48 hours ahead. First the published scores
of Naive2 and seasonal naive on weekly are reproduced to three decimals: only then is the harness worth reading. Points
are the models' own; bands and totals come from their sample paths. Coverage of totals, of the whole horizon and of its
parts, is told by the test part and earlier origins inside the training part, one horizon apart, with the standard
error of a block bootstrap over origins and the effective number of trials.

``--training`` leaves the test part unread, and lets the last horizon of the training part stand in for it: what
parameters may be chosen on.

Source: Makridakis, Spiliotis and Assimakopoulos (2020), doi:10.1016/j.ijforecast.2019.04.014.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from spans import Held, Span, actual_totals, covered, forecast, held
from verdicts import OUT, RULE, Line, at_most, coverage_line, looks, print_lines, save, shown

from forecast import naive2 as library
from forecast import scores
from forecast.panel import FloatArray, Panel

#: Published scores have three decimals.
DECIMALS = 5e-4


@dataclass(frozen=True)
class Setting:
    """One frequency of M4: files, season (of scores and Naive2), the clock, the history that is kept, and targets.

    ``spans`` are the totals whose coverage is told: the first is the whole horizon, for which coverage is asked.
    """

    name: str
    stem: str
    season: int
    freq: str
    kept: int
    complete: bool
    owa: float
    msis: float
    spans: tuple[Span, ...]


SETTINGS = (
    Setting(
        "Weekly", "Weekly", 1, "W", 600, complete=True, owa=0.70, msis=17.5,
        spans=(Span("13 weeks", 0, 13), Span("first 4 weeks", 0, 4), Span("last 4 weeks", 9, 13)),
    ),
    Setting(
        "Hourly", "Hourly-every4th", 24, "h", 960, complete=False, owa=0.42, msis=6.5,
        spans=(Span("48 hours", 0, 48), Span("first 24 hours", 0, 24), Span("last 24 hours", 24, 48)),
    ),
)  # fmt: skip


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

    def panel(self, kept: int | None = None) -> Panel:
        """What was known, right-aligned: dates are made up, M4 gives none."""
        setting = self.setting
        known = [past[-(kept or setting.kept) :] for past in self.history]
        length = max(map(len, known))
        values = np.full((length, len(known)), np.nan)
        for i, past in enumerate(known):
            values[length - len(past) :, i] = past
        return Panel(values, pd.date_range("2000-01-02", periods=length, freq=setting.freq), self.names, setting.freq)


def read(folder: Path, setting: Setting, *, training: bool = False) -> Part:
    """All series of one frequency; with ``training`` the last horizon of the training part is what is to come."""
    train = pd.read_csv(folder / f"{setting.stem}-train.csv")
    test = pd.read_csv(folder / f"{setting.stem}-test.csv")
    if list(train.iloc[:, 0]) != list(test.iloc[:, 0]):
        sys.exit(f"{folder}: the series of {setting.stem}-train.csv and -test.csv differ")
    rows = train.iloc[:, 1:].to_numpy("float64")
    history = [row[np.isfinite(row)] for row in rows]
    names, actual = tuple(train.iloc[:, 0].astype(str)), test.iloc[:, 1:].to_numpy("float64").T
    if training:
        h = len(actual)
        return Part(setting, names, [past[:-h] for past in history], np.stack([past[-h:] for past in history], axis=1))
    return Part(setting, names, history, actual)


# ------------------------------------------------------------------------------------------------ M4's own baselines


def naive2(past: FloatArray, horizon: int, season: int) -> FloatArray:
    """The library's Naive2 of one series: (horizon,). Dates are made up."""
    panel = Panel(past[:, None], pd.date_range("2000-01-02", periods=len(past)), ("past",), "D")
    return library.naive2(panel, horizon, season=season)[:, 0]


def seasonal_naive(past: FloatArray, horizon: int, season: int) -> FloatArray:
    return np.resize(past[-season:], horizon)


# ----------------------------------------------------------------------------------------------------- our models


def earlier(part: Part, back: int) -> Part:
    """The part as it stood ``back`` periods before the test part: the series of which four horizons were known."""
    h = part.horizon
    chosen = [i for i, past in enumerate(part.history) if len(past) - back >= 4 * h]
    past = [part.history[i] for i in chosen]
    actual = np.stack([p[len(p) - back :][:h] for p in past], axis=1)
    history = [p[: len(p) - back] for p in past]
    return replace(part, names=tuple(part.names[i] for i in chosen), history=history, actual=actual)


def totals_held(part: Part, model: str, *, draws: int, seed: int) -> list[Held]:
    """How the totals of each span held at one origin."""
    spans, seen = part.setting.spans, np.isfinite(part.actual)
    made = forecast(part.panel(), model, spans=spans, seen=seen, draws=draws, seed=seed)
    total = actual_totals(spans, part.actual)
    return [held(made.totals[:, i], total[i]) for i in range(len(spans))]


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


def coverage_lines(part: Part, model: str, last: list[Held], options: argparse.Namespace) -> list[Line]:
    """Coverage of every span's total: at the last origin, at those before it, and at all of them."""
    h, count = part.horizon, options.origins
    before = [
        totals_held(earlier(part, back), model, draws=options.draws, seed=options.seed)
        for back in range(count * h, 0, -h)
    ]
    end = "training part's end" if options.training else "test part"
    lines = []
    for i, span in enumerate(part.setting.spans):
        name = f"{part.setting.name} {span.name}"
        for nominal in (80, 95):
            inside = [x[i].inside80 if nominal == 80 else x[i].inside95 for x in (*before, last)]
            every = coverage_line(
                f"{name}, {count + 1} origins", model, found=covered(inside, overlap=1), nominal=nominal, asked=i == 0
            )
            earlier_ones = coverage_line(
                f"{name}, {count} before the {end}",
                model,
                found=covered(inside[:-1], overlap=1),
                nominal=nominal,
                asked=False,
            )
            alone = f"{100 * np.nanmean(inside[-1]):.1f} %"
            lines += [every, earlier_ones, Line(f"{name}, {end}, {nominal} %", model, "", alone, "shown")]
    return lines


def compare(part: Part, folder: Path, options: argparse.Namespace) -> list[Line]:
    """Print one frequency's table, beside the published rows, and give its lines."""
    setting, h = part.setting, part.horizon
    print(f"\n{setting.name}: {len(part.history)} series, {h} ahead, the last {setting.kept} values kept")
    baselines = {"Naive2": naive2, "sNaive": seasonal_naive}
    naive = {
        team: part.points(np.stack([make(past, h, setting.season) for past in part.history], axis=1))
        for team, make in baselines.items()
    }
    wide = published(folder, setting.name, options.best)
    lines = []
    if setting.complete and not options.training:
        agree = reproduces(part, wide, naive)
        what = f"{setting.name} published Naive2 and sNaive, three decimals"
        lines.append(
            Line(what, "", "reproduced", "reproduced" if agree else "not reproduced", "PASS" if agree else "MISS")
        )
    rows = {}
    for model in options.models:
        seen = np.isfinite(part.actual)
        made = forecast(
            part.panel(), model, spans=setting.spans, seen=seen, draws=options.draws, seed=options.seed, bands=True
        )
        smape, mase = part.points(made.point)
        owa = float(scores.owa(smape, mase, naive_smape=naive["Naive2"][0], naive_mase=naive["Naive2"][1]))
        assert made.low is not None
        assert made.high is not None
        msis = part.scaled(scores.msis, made.low, made.high)
        rows[f">>> {model}"] = {"sMAPE": smape, "MASE": mase, "OWA": owa, "MSIS": msis}
        total = actual_totals(setting.spans, part.actual)
        last = [held(made.totals[:, i], total[i]) for i in range(len(setting.spans))]
        score = f"{np.nanmean(last[0].score):.3f}"
        own = [
            at_most(f"{setting.name} OWA", model, value=owa, limit=setting.owa),
            at_most(f"{setting.name} MSIS 95 %", model, value=msis, limit=setting.msis),
            *coverage_lines(part, model, last, options),
            Line(f"{setting.name} {setting.spans[0].name}, score / total", model, "", score, "shown"),
        ]
        lines += own if model == options.models[0] else shown(own)
        print(f"  {model}: {1e3 * made.seconds / len(part.names):.1f} ms a series with {options.draws} paths")
    table = pd.concat([wide, pd.DataFrame.from_dict(rows, orient="index")]).sort_values("OWA", kind="stable")
    note = "" if setting.complete else " (published: all 414 series; ours and its Naive2: these 104)"
    note += "; ours on the training part's end" if options.training else ""
    print(f"published scores on the test part{note}")
    print(table.to_string(float_format=lambda v: f"{v:.3f}", na_rep=""), flush=True)
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description="M4 weekly and hourly: our models beside the published ones")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds m4/")
    parser.add_argument("--models", nargs="+", default=["auto", "fast"], help="names of the shelf (auto fast)")
    parser.add_argument("--origins", type=int, default=6, help="origins before the test part (6)")
    parser.add_argument("--draws", type=int, default=1_000, help="sample paths (1000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--best", type=int, default=5, help="published methods shown, the best by OWA (5)")
    parser.add_argument("--only", choices=[s.name for s in SETTINGS], help="one frequency")
    parser.add_argument("--training", action="store_true", help="leave the test part out; the last origin stands in")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the summary's file (out/bench)")
    options = parser.parse_args()
    folder = options.data / "m4"
    if not folder.is_dir():
        parser.error(f"{folder} is not a folder: --data names the folder that holds m4/")
    began = time.perf_counter()
    print("The test part stands aside: its place has the training part's end." if options.training else looks("m4"))
    chosen = [s for s in SETTINGS if options.only in {None, s.name}]
    parts = [read(folder, s, training=options.training) for s in chosen]
    lines = [line for part in parts for line in compare(part, folder, options)]
    print(f"\n{RULE}")
    print_lines(lines)
    save(options.out, "m4-training" if options.training else "m4", lines, began=began)
    if any(line.asked == "reproduced" and line.verdict == "MISS" for line in lines):
        print("\nNaive2 or seasonal naive do not reproduce the published scores: the harness is wrong", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
