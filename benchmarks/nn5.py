"""NN5, daily cash withdrawals: accuracy of the last 56 days, and coverage of totals by rolling origins.

    python benchmarks/nn5.py --data PATH [--models auto fast] [--step 14] [--draws 1000] [--training] [--by-origin]

Comes in: the folder that holds nn5/ (56 series, 791 days with gaps, day 0 is Monday 18 March 1996; the last 56 days
were the competition's test part). Goes out, for each model:

- sMAPE of the last 56 days by the competition's definition, a mean over series of means over days, gaps left out;
- coverage of totals over 56 and 90 days from origins every ``--step`` days, each with at least 266 days of history: of
  each series and of the sum over all series, whose paths are joint;
- coverage of 7, 30 and 90 days, and of the middle and last 30, all out of the same 90-day forecasts;
- the origins just before Christmas, 90 days ahead, beside AutoETS' simulated paths.

``--training`` leaves the last 56 days unread: what parameters may be chosen on.

Source: NN5 forecasting competition (2008), http://www.neural-forecasting-competition.com/NN5/results.htm.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from spans import Held, Made, Span, actual_totals, covered, forecast, held, masks
from verdicts import OUT, RULE, Line, Verdict, at_most, coverage_line, looks, print_lines, save, shown
from yardsticks import client

from forecast import scores
from forecast.panel import FloatArray, Panel

DAY_0 = "1996-03-18"
TEST = 56
#: The best of the competition's table, on all 111 series (here 56 of them), and what is asked here.
PUBLISHED, ASKED_SMAPE = 19.9, 20.0
#: Days known at the first origin; every 14 days from here comes upon both Christmas origins.
FIRST_ORIGIN = 266
#: Days known just before Christmas: the first day ahead is 22 December 1997 or 23 December 1996.
CHRISTMAS = {644: "22 December 1997", 280: "23 December 1996"}
SPANS_56 = (Span("56 days", 0, 56),)
SPANS_90 = (
    Span("90 days", 0, 90),
    Span("first 7 of 90 days", 0, 7),
    Span("first 30 of 90 days", 0, 30),
    Span("middle 30 of 90 days", 30, 60),
    Span("last 30 of 90 days", 60, 90),
)
#: Spans that nothing was asked of: they show where a month inside a quarter goes wrong.
SHOWN = {"middle 30 of 90 days", "last 30 of 90 days"}
#: What yardsticks are asked for: a 56-day total of simulated paths is that of the first 56 of 90 days.
YARD_SPANS = (Span("56 days", 0, 56), Span("90 days", 0, 90), Span("30 days", 0, 30), Span("7 days", 0, 7))


@dataclass(frozen=True, slots=True)
class Origin:
    """How one forecast's totals held: each span's series, and the sum over series of each."""

    days: int
    series: tuple[Held, ...]
    together: tuple[Held, ...]


def read(folder: Path, *, training: bool) -> Panel:
    """All series on their dates; without the last 56 days where only the training part is wanted."""
    frame = pd.read_csv(folder / "nn5_first56.csv", index_col="day")
    values = frame.to_numpy("float64")
    if training:
        values = values[:-TEST]
    return Panel(values, pd.date_range(DAY_0, periods=len(values), freq="D"), tuple(map(str, frame.columns)), "D")


def origins_of(panel: Panel, horizon: int, step: int) -> list[int]:
    """Days known at each origin: every ``step`` days, as long as the whole horizon lies inside the panel."""
    return list(range(FIRST_ORIGIN, len(panel.periods) - horizon + 1, step))


def ahead(panel: Panel, days: int, horizon: int) -> FloatArray:
    """What came after ``days``: float array (horizon, series), NaN beyond the panel's end."""
    came = panel.values[days : days + horizon]
    return np.concatenate([came, np.full((horizon - len(came), came.shape[1]), np.nan)])


def smape_of(panel: Panel, model: str, *, draws: int, seed: int) -> tuple[float, Made]:
    """The competition's score of the last 56 days."""
    known, actual = panel.until(len(panel.periods) - TEST), panel.values[-TEST:]
    made = forecast(known, model, spans=SPANS_56, seen=np.isfinite(actual), draws=draws, seed=seed)
    return float(scores.smape(actual, made.point).mean()), made


def at_origin(panel: Panel, model: str, days: int, *, spans: tuple[Span, ...], draws: int, seed: int) -> Origin:
    """Forecast from one origin and hold every span to what came."""
    actual = ahead(panel, days, max(span.end for span in spans))
    made = forecast(panel.until(days), model, spans=spans, seen=np.isfinite(actual), draws=draws, seed=seed)
    total = actual_totals(spans, actual)
    series = tuple(held(made.totals[:, i], total[i]) for i in range(len(spans)))
    there = np.isfinite(total)
    together = tuple(
        held(made.totals[:, i, there[i]].sum(axis=1, keepdims=True), total[i, there[i]].sum(keepdims=True))
        for i in range(len(spans))
    )
    return Origin(days, series, together)


def coverage_lines(model: str, rolled: list[Origin], spans: tuple[Span, ...], step: int) -> list[Line]:
    """Coverage of each span over origins, and for the whole horizon of the sum over series."""
    lines = []
    horizon = max(span.end for span in spans)
    for i, span in enumerate(spans):
        # Errors of two origins share days, and what moved before them, up to the later end of the spans.
        overlap = -(-span.end // step)
        parts = {f"{span.name}": [origin.series[i] for origin in rolled]}
        if span.end - span.begin == horizon:
            parts[f"{span.name}, sum of all series"] = [origin.together[i] for origin in rolled]
        for what, found in parts.items():
            for nominal, inside in ((80, [h.inside80 for h in found]), (95, [h.inside95 for h in found])):
                error = covered(inside, overlap=overlap)
                asked = span.name not in SHOWN
                lines.append(coverage_line(f"NN5 {what}", model, found=error, nominal=nominal, asked=asked))
    return lines


def yardstick(panel: Panel, method: client.Method, days: int, *, draws: int, seed: int, jobs: int) -> FloatArray:
    """Totals by another program from one origin, over ``YARD_SPANS``: float array (draw, span, series)."""
    actual = ahead(panel, days, max(span.end for span in YARD_SPANS))
    mask = masks(YARD_SPANS, np.isfinite(actual))
    known = panel.until(days)
    return client.totals(known, method, spans=mask, season=7, draws=draws, seed=seed, jobs=jobs).totals


def christmas(panel: Panel, model: str, options: argparse.Namespace) -> list[Line]:
    """Share of 90-day totals covered from just before Christmas, beside AutoETS."""
    lines = []
    for days, date in CHRISTMAS.items():
        if days + 90 > len(panel.periods):
            continue
        total = actual_totals(SPANS_90[:1], ahead(panel, days, 90))[0]
        ours = at_origin(panel, model, days, spans=SPANS_90[:1], draws=options.draws, seed=options.seed)
        share = np.nanmean(ours.series[0].inside80)
        what = f"NN5 90 days from {date}, 80 %"
        if not client.installed("AutoETS"):
            lines.append(Line(what, model, "≥ AutoETS", f"{100 * share:.1f} %; make yardsticks for AutoETS", "open"))
            continue
        drawn = yardstick(panel, "AutoETS", days, draws=options.draws, seed=options.seed, jobs=options.jobs)
        theirs = held(drawn[:, 1], total)
        least = np.nanmean(theirs.inside80)
        against = f"{100 * share:.1f} %; score {np.nanmean(ours.series[0].score):.3f} (AutoETS"
        against += f" {np.nanmean(theirs.score):.3f})"
        # The second Christmas is the one that the history could have told of; the first is shown.
        verdict: Verdict = "PASS" if share >= least else "MISS"
        asked = f"≥ {100 * least:.1f} % (AutoETS)"
        lines.append(Line(what, model, asked, against, verdict if days == max(CHRISTMAS) else "shown"))
    return lines


def by_origin(panel: Panel, rolled: list[Origin], spans: tuple[Span, ...]) -> None:
    """Print the coverage of every origin and span, in per cent."""
    rows = {
        f"{panel.periods[0] + pd.Timedelta(days=o.days):%Y-%m-%d}": [100 * np.nanmean(h.inside80) for h in o.series]
        for o in rolled
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=[span.name for span in spans])
    print(table.to_string(float_format=lambda v: f"{v:.0f}"))


def compare(panel: Panel, model: str, options: argparse.Namespace) -> list[Line]:
    begin = time.perf_counter()
    score, made = smape_of(panel, model, draws=options.draws, seed=options.seed)
    lines = [at_most("NN5 last 56 days, sMAPE", model, value=score, limit=ASKED_SMAPE, unit=" %")]
    missing = 0
    for spans in (SPANS_56, SPANS_90):
        origins = origins_of(panel, max(span.end for span in spans), options.step)
        rolled = [
            at_origin(panel, model, days, spans=spans, draws=options.draws, seed=options.seed) for days in origins
        ]
        missing += sum(int(np.isnan(h.inside80).sum()) for o in rolled for h in o.series)
        lines += coverage_lines(model, rolled, spans, options.step)
        if options.by_origin:
            print(f"\n{model}: coverage of 80 % bands by the first day ahead, in %")
            by_origin(panel, rolled, spans)
    lines += christmas(panel, model, options)
    last = f"{1e3 * made.seconds / len(panel.series):.1f} ms a series and forecast of 56 days with paths"
    print(f"\n{model}: {last}; {missing} totals left out, seen by less than half; {time.perf_counter() - begin:.0f} s")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description="NN5: accuracy, and coverage of totals by rolling origins")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds nn5/")
    parser.add_argument("--models", nargs="+", default=["auto", "fast"], help="names of the shelf (auto fast)")
    parser.add_argument("--step", type=int, default=14, help="days from origin to origin (14)")
    parser.add_argument("--draws", type=int, default=1_000, help="sample paths (1000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes of the yardstick (2)")
    parser.add_argument("--training", action="store_true", help="leave the last 56 days unread")
    parser.add_argument("--by-origin", action="store_true", help="print every origin")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the summary's file (out/bench)")
    options = parser.parse_args()
    folder = options.data / "nn5"
    if not folder.is_dir():
        parser.error(f"{folder} is not a folder: --data names the folder that holds nn5/")
    began = time.perf_counter()
    panel = read(folder, training=options.training)
    known = {h: origins_of(panel, h, options.step) for h in (56, 90)}
    print(f"NN5: {len(panel.series)} series, {len(panel.periods)} days; origins every {options.step} days: ", end="")
    print(f"{len(known[56])} of 56 and {len(known[90])} of 90 days ahead, {FIRST_ORIGIN} days known at the first")
    print(looks("nn5") if not options.training else "The last 56 days are not read; those before stand in for them.")
    lines = compare(panel, options.models[0], options)
    for model in options.models[1:]:
        lines += shown(compare(panel, model, options))
    print(f"\npublished: sMAPE {PUBLISHED} %, the competition's best on all 111 series\n{RULE}")
    print_lines(lines)
    save(options.out, "nn5-training" if options.training else "nn5", lines, began=began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
