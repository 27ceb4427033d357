"""Alerts: false alarms on clean usage, and what is found of planted spikes and level shifts.

    python benchmarks/alerts.py [--judge] [--organisations 40] [--taxi nab_nyc_taxi.csv] [--out out/bench]

Comes in: made-up organisations of 25 workloads each (40 of them: 1,000 series) over 18 months, of which the last 365
days are looked at. *Clean* is the generator's
default population without what is an event: no launches, retirements, level steps, bursts, organisation-wide shocks,
reporting gaps, price changes or successors (``CLEAN`` below). Day-to-day noise (log sd 0.05 to 0.33, AR(1), Student 6),
shared movement, weeks, US holidays, quiet days at the year's end, month ends, growth, wandering levels, resting
workloads, drifting tokens and mix are all in it.

Goes out:

1. false alarms (warnings and worse, all rules at their defaults) an organisation and month, with the standard error
   over organisations; beside it, for the eye, what fires when bursts, shocks, steps and launches are left in;
2. spikes of one day, planted on every judged day of every series in turn: found if the day's requests or cost is
   flagged. Size in tail scales: the 99.9 % quantile of the one-day-ahead error over 3.09. That quantile is the series'
   scale on the day times the quantile of all standardised errors; beside it, that of the series' own year, whose 365
   errors make it too small on average;
3. shifts planted on four days a year in one series that is used daily at a time, and in the total: found if flagged
   within 7 days; by the standard deviation of the clean seven-day mean's error;
4. with ``--taxi``, NYC taxi demand (Numenta Anomaly Benchmark, MIT licence): which of the five labelled windows hold an
   alert. Three of those are falls, so ``spike_drops=True`` there.

Bounds and constants were chosen without ``--judge``; with it, organisations of other seeds are looked at.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from verdicts import OUT, Line, Verdict, at_most, print_lines, save

import scenarios as sc
from forecast.generator import Population, generate_usage
from forecast.panel import BoolArray, FloatArray
from forecast.usage import Usage
from scenarios.reviews.alerts.board import Board, Measure, board_of
from scenarios.reviews.alerts.dips import Dips
from scenarios.reviews.alerts.judging import Watched, dips_of, watched
from scenarios.reviews.alerts.law import bound
from scenarios.reviews.alerts.shifting import shifted
from scenarios.reviews.alerts.shifts import WINDOW

TUNE, JUDGE = 1_000, 70_000
#: Days looked at, and months.
YEAR, MONTHS = 365, 12.0
SIZE: dict[str, Any] = {"months": 18, "workloads": 25, "projects": 7, "late": ()}
#: What a clean organisation does not have.
CLEAN: dict[str, Any] = {
    "launches": 0.0,
    "retirement_rate": 0.0,
    "step_rate": 0.0,
    "burst_rate": (0.0, 0.0),
    "bursty": 0.0,
    "shock_rate": 0.0,
    "gap_rate": 0.0,
    "price_change_rate": 0.0,
    "successor_rate": 0.0,
}
TAILS = {"series": (4.0, 6.0, 8.0, 10.0), "total": (3.0, 4.0, 5.0, 6.0)}
ASKED = {"series": 8.0, "total": 4.0}
SHIFTS = (-0.3, 0.2, 0.3, 0.5)
#: Days of the judged year on which shifts are planted.
PLANTED = (30, 125, 215, 310)
#: A series is used daily, and has means of seven days, if it is on this share of days; the others are left aside.
DAILY = 0.9
#: Standard deviations of the clean seven-day mean's error (log): the promise holds in the first.
CLASSES = (0.0, 0.045, 0.07, 0.1, 0.15, 9.0)
NORMAL_TAIL = 3.09
WINDOWS = {
    "marathon 2014-11-02": ("2014-10-30", "2014-11-03"),
    "Thanksgiving": ("2014-11-25", "2014-11-29"),
    "Christmas": ("2014-12-23", "2014-12-27"),
    "New Year": ("2014-12-29", "2015-01-03"),
    "snow storm": ("2015-01-24", "2015-01-29"),
}


@dataclass(frozen=True, slots=True)
class Errors:
    """One-day errors of an organisation's judged year, standardised and plain: arrays (measure, day, series)."""

    rises: FloatArray
    scale: FloatArray
    plain: FloatArray


@dataclass(frozen=True, slots=True)
class Found:
    """What one organisation gave."""

    seed: int
    alarms: Counter[tuple[str, str]]
    busy: int
    errors: dict[str, Errors]
    shifts: list[tuple[str, float, float, bool]]
    seconds: float


def usage_of(seed: int, *, clean: bool) -> Usage:
    return generate_usage(seed=seed, config=Population(**SIZE, **(CLEAN if clean else {})))


def looked_at(seed: int) -> Found:
    usage = usage_of(seed, clean=True)
    began = time.process_time()
    rules = sc.AlertRules(days=YEAR)
    alarms = Counter((one.rule, one.severity) for one in sc.alerts(usage, as_of=usage.end.date(), rules=rules))
    seconds = time.process_time() - began
    busy = usage_of(seed, clean=False)
    others = len(sc.alerts(busy, as_of=busy.end.date(), rules=rules).fired)
    board = board_of(usage, usage.end.normalize(), None, ("environment", "project"))
    seen = [watched(board, measure) for measure in board.measures]
    errors = {"series": errors_of(seen, parts=True), "total": errors_of(seen, parts=False)}
    return Found(seed, alarms, others, errors, planted(board, seen), seconds)


def errors_of(seen: list[Watched], *, parts: bool) -> Errors:
    sides = [one.parts if parts else one.whole for one in seen]
    plain = [np.where(s.found.judged, s.found.log - s.found.expected, np.nan) for s in sides]
    made = (np.stack(rows)[:, -YEAR:] for rows in ([s.rises for s in sides], [s.scale for s in sides], plain))
    return Errors(*made)


# ------------------------------------------------------------------------------------------------------------ shifts


def planted(board: Board, seen: list[Watched]) -> list[tuple[str, float, float, bool]]:
    """Each planted shift: series or total, the clean mean's error sd, the size, and whether it was found in 7 days."""
    rules = sc.AlertRules()
    dips = [dips_of(board, measure) for measure in board.measures]
    sds = {
        "series": np.nanstd(
            shifted(seen[0].parts.found, WINDOW, change=rules.shift_change, skipped=seen[0].parts.dips).size[-YEAR:],
            axis=0,
        ),
        "total": np.nanstd(
            shifted(seen[0].whole.found, WINDOW, change=rules.shift_change, skipped=seen[0].whole.dips).size[-YEAR:],
            axis=0,
        ),
    }
    known = np.isfinite(board.measures[0].parts[-YEAR:]).mean(axis=0)
    daily = {"series": known >= DAILY, "total": np.ones(1, dtype=bool)}
    out = []
    for day in PLANTED:
        first = len(board.days) - YEAR + day
        until = replace(board, days=board.days[: first + WINDOW])
        for size in SHIFTS:
            moved = [_moved(measure, first, size) for measure in board.measures]
            apart = [watched(until, m, _first(d, first + WINDOW)) for m, d in zip(moved, dips, strict=True)]
            together = [watched(until, m) for m in moved]
            for kind, sides, limit in (
                ("series", [one.parts for one in apart], rules.shift_errors),
                ("total", [one.whole for one in together], rules.shift_total_errors),
            ):
                flags = np.zeros((WINDOW, len(sds[kind])), dtype=bool)
                there = daily[kind].copy()
                for side in sides:
                    still = side.dips if size > 0 else side.quiet
                    mean = shifted(side.found, WINDOW, change=rules.shift_change, skipped=still)
                    look = mean.over if size > 0 else mean.under
                    flags |= look(material=rules.shift_change, errors=limit)[first : first + WINDOW]
                    there &= side.found.judged[first]
                hit = flags.any(axis=0)
                out += [(kind, float(sds[kind][i]), size, bool(hit[i])) for i in np.flatnonzero(there)]
    return out


def _first(dips: Dips, days: int) -> Dips:
    return Dips(**{field.name: getattr(dips, field.name)[:days] for field in fields(Dips)})


def _moved(measure: Measure, first: int, size: float) -> Measure:
    parts, whole = measure.parts[: first + WINDOW].copy(), measure.whole[: first + WINDOW].copy()
    parts[first:] *= 1.0 + size
    whole[first:] *= 1.0 + size
    return replace(measure, parts=parts, whole=whole)


# ------------------------------------------------------------------------------------------------------------ lines


def alarm_lines(found: list[Found]) -> list[Line]:
    fired = np.array([sum(n for (_, s), n in one.alarms.items() if s != "info") for one in found]) / MONTHS
    told = np.array([sum(one.alarms.values()) for one in found]) / MONTHS
    busy = np.array([one.busy for one in found]) / MONTHS
    lines = [at_most("false alarms an organisation and month", "all rules", value=float(fired.mean()), limit=1.0)]
    lines[0] = replace(lines[0], reached=_with_error(fired))
    rules = sorted({rule for one in found for rule, _ in one.alarms})
    for rule in rules:
        own = np.array([sum(n for (r, s), n in one.alarms.items() if r == rule and s != "info") for one in found])
        lines.append(Line("  of which", rule, "", _with_error(own / MONTHS), "shown"))
    lines.append(Line("with those that only inform", "all rules", "", _with_error(told), "shown"))
    lines.append(Line("bursts, shocks, steps, launches left in", "all rules", "", _with_error(busy), "shown"))
    return lines


def _with_error(values: FloatArray) -> str:
    return f"{values.mean():.3f} ± {values.std(ddof=1) / np.sqrt(len(values)):.3f}"


def spike_lines(found: list[Found]) -> list[Line]:
    lines = []
    for kind, tails in TAILS.items():
        every = [one.errors[kind] for one in found]
        pooled = np.concatenate([e.rises[0][np.isfinite(e.rises[0])] for e in every])
        high = float(np.quantile(pooled, 0.999))
        rules = sc.AlertRules()
        for size in tails:
            asked = size >= ASKED[kind]
            by_law = np.mean([_spikes_found(e, rules, kind, size * high / NORMAL_TAIL * e.scale[0]) for e in every])
            own = [np.nanquantile(e.plain[0], 0.999, axis=0) * size / NORMAL_TAIL for e in every]
            by_year = np.mean([_spikes_found(e, rules, kind, o[None]) for e, o in zip(every, own, strict=True)])
            verdict: Verdict = ("PASS" if by_law >= 0.95 else "MISS") if asked else "shown"
            what = f"spikes of {size:g} tail scales in {'a series' if kind == 'series' else 'the total'}"
            lines.append(Line(what, "by the law", "≥ 95 %" if asked else "", f"{by_law:.1%}", verdict))
            lines.append(Line("  the same", "by own year", "", f"{by_year:.1%}", "shown"))
    return lines


def _spikes_found(errors: Errors, rules: sc.AlertRules, kind: str, size: FloatArray) -> float:
    """The share of judged days on which a spike of a log ``size`` is flagged, in requests or in cost."""
    measures, _, series = errors.rises.shape
    limit = (
        bound(rules.spike_alarms, measures * series) if kind == "series" else bound(rules.spike_total_alarms, measures)
    )
    there: BoolArray = np.isfinite(errors.rises).all(axis=0)
    with np.errstate(invalid="ignore"):
        hit = (errors.rises + size[None] / errors.scale > limit).any(axis=0)
    return float(hit[there].mean())


def shift_lines(found: list[Found]) -> list[Line]:
    table = pd.DataFrame([row for one in found for row in one.shifts], columns=["kind", "sd", "size", "found"])
    table["class"] = pd.cut(table["sd"], CLASSES).astype("str")
    lines = []
    for kind in ("series", "total"):
        own = table[table["kind"] == kind]
        for size in SHIFTS:
            asked = abs(size) >= 0.3
            held = own[(own["sd"] <= CLASSES[1]) & (own["size"] == size)]["found"]
            share = float(held.mean()) if len(held) else np.nan
            error = float(np.sqrt(share * (1 - share) / len(held))) if len(held) else np.nan
            verdict: Verdict = ("PASS" if share >= 0.95 else "MISS") if asked and len(held) else "shown"
            what = (
                f"shifts of {size:+.0%} in {'a series' if kind == 'series' else 'the total'} within 7 days, sd ≤ 4.5 %"
            )
            told = f"{share:.1%} ± {error:.1%} of {len(held)}"
            lines.append(Line(what, "all", "≥ 95 %" if asked else "", told, verdict))
    return lines


def print_curve(found: list[Found]) -> None:
    table = pd.DataFrame([row for one in found for row in one.shifts], columns=["kind", "sd", "size", "found"])
    table["sd of the 7-day mean"] = pd.cut(table["sd"], CLASSES)
    curve = table.pivot_table(
        index=["kind", "sd of the 7-day mean"], columns="size", values="found", aggfunc="mean", observed=True
    )
    count = table[table["size"] == 0.3].groupby(["kind", "sd of the 7-day mean"], observed=True).size()
    print("\nShare of shifts found within 7 days, by size and by the sd of the clean seven-day mean's error:")
    print(curve.assign(shifts=count).round(3).to_string())


# ------------------------------------------------------------------------------------------------------------ taxi


def taxi_lines(path: Path) -> list[Line]:
    rows = pd.read_csv(path, parse_dates=["timestamp"])
    hourly = rows.groupby(rows["timestamp"].dt.floor("h"))["value"].sum()
    named = {"provider": "nyc", "model": "taxi", "environment": "production", "project": "taxi"}
    frame = pd.DataFrame(
        {"date": hourly.index, **named, "requests": hourly.to_numpy(), "input_tokens": hourly.to_numpy()}
    )
    usage = Usage.from_frame(frame, source=path.name)
    rules = sc.AlertRules(days=YEAR, spike_drops=True, unpriced=False)
    found = sc.alerts(usage, as_of=usage.end.date(), rules=rules)
    lines, inside = [], set()
    for name, (first, last) in WINDOWS.items():
        own = [a for a in found.fired if a.since <= pd.Timestamp(last) and a.day >= pd.Timestamp(first)]
        inside |= {a.id for a in own}
        told = f"{own[0].rule} of {own[0].since:%m-%d}" if own else "nothing"
        lines.append(Line(f"NYC taxi: {name}", f"{len(own)} alerts", "found", told, "PASS" if own else "MISS"))
    outside = [a for a in found.fired if a.id not in inside]
    days = sorted({f"{a.since:%m-%d}" for a in outside})
    lines.append(Line("NYC taxi: outside the windows", f"{len(outside)} alerts", "", ", ".join(days), "shown"))
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument(
        "--judge", action="store_true", help="other organisations than those that bounds were chosen on"
    )
    parser.add_argument("--organisations", type=int, default=40)
    parser.add_argument("--taxi", type=Path, help="nab_nyc_taxi.csv")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    began = time.perf_counter()
    first = JUDGE if options.judge else TUNE
    seeds = range(first, first + options.organisations)
    found = Parallel(n_jobs=options.jobs)(delayed(looked_at)(seed) for seed in seeds)
    part = "judged" if options.judge else "tuning"
    series = options.organisations * SIZE["workloads"]
    print(f"{options.organisations} organisations, {series} series, {YEAR} days each, seeds from {first} ({part})")
    print(f"CPU of sc.alerts over a year: {sum(one.seconds for one in found):.1f} s for all {series} series\n")
    lines = [*alarm_lines(found), *spike_lines(found), *shift_lines(found)]
    lines += taxi_lines(options.taxi) if options.taxi else []
    print_lines(lines)
    print_curve(found)
    save(options.out, "alerts" if options.judge else "alerts-tuning", lines, began=began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
