"""Interval scores of totals: ours beside Prophet's and AutoETS' simulated paths, on the same series and origins.

    python benchmarks/intervals.py --data PATH [--models auto] [--step 14] [--jobs 2] [--training]

Comes in: the folder that holds m4/ and nn5/. Goes out: for the 13-week totals of M4 Weekly (all 359 series, the test
part), and for 56- and 90-day totals of NN5 (56 series, origins every ``--step`` days), each program's 80 % interval
score over the actual total, a mean over series and origins; the ratio of ours to theirs; and the geometric mean of the
three ratios. The origins just before Christmas stand apart: they are shown, and are in neither NN5 mean.

Every program draws 1,000 paths. Prophet has its defaults and sees the history that ours sees, gaps included. AutoETS
and optimised theta (statsforecast) have no season on weekly series and 7 days on NN5, gaps filled from the week before;
on M4 they see the last 260 weeks, by which AutoETS is the more accurate. The yardsticks' 56-day totals are those of the
first 56 of 90 simulated days. What they say is kept in benchmarks/.cache: the first run takes about half an hour.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import m4
import nn5
import numpy as np
import pandas as pd
from spans import Held, Span, actual_totals, forecast, held, masks
from verdicts import OUT, Line, at_most, looks, print_lines, save, shown
from yardsticks import client

from forecast.panel import Panel

#: What is asked of our interval score over each yardstick's; theta is shown.
ASKED = {"Prophet": 0.5, "AutoETS": 0.8}
#: Weeks of M4 that statsforecast's methods see.
ETS_WEEKS = 260
WEEKLY = m4.SETTINGS[0]
#: In the geometric mean, and apart from it.
MAIN, APART = ("M4-13", "NN5-56", "NN5-90"), ("Christmas 1997, 90", "Christmas 1996, 90")


@dataclass(frozen=True, slots=True)
class Scored:
    """How one program's totals held in one part: what :class:`spans.Held` holds, over all series and origins."""

    part: str
    program: str
    score: float
    inside80: float
    inside95: float
    count: int

    @classmethod
    def of(cls, part: str, program: str, found: list[Held]) -> Scored:
        """Means over all series and origins."""
        score = np.concatenate([h.score for h in found])
        in80, in95 = np.concatenate([h.inside80 for h in found]), np.concatenate([h.inside95 for h in found])
        score80, share80, share95 = (float(np.nanmean(x)) for x in (score, in80, in95))
        return cls(part, program, score80, share80, share95, int(np.isfinite(score).sum()))


def of_m4(folder: Path, options: argparse.Namespace) -> list[Scored]:
    """13-week totals of M4 Weekly."""
    part = m4.read(folder, WEEKLY, training=options.training)
    spans, seen = WEEKLY.spans[:1], np.isfinite(part.actual)
    total = actual_totals(spans, part.actual)[0]
    found = []
    for model in options.models:
        made = forecast(part.panel(), model, spans=spans, seen=seen, draws=options.draws, seed=options.seed)
        found.append(Scored.of("M4-13", model, [held(made.totals[:, 0], total)]))
    for method in options.yardsticks:
        panel = part.panel() if method == "Prophet" else part.panel(ETS_WEEKS)
        drawn = client.totals(
            panel, method, spans=masks(spans, seen), season=1, draws=options.draws, seed=options.seed, jobs=options.jobs
        )
        found.append(Scored.of("M4-13", method, [held(drawn.totals[:, 0], total)]))
        print(f"  M4-13 {method}", flush=True)
    return found


def of_nn5(panel: Panel, options: argparse.Namespace) -> list[Scored]:
    """56- and 90-day totals of NN5, and the Christmas origins apart."""
    by_part: dict[tuple[str, str], list[Held]] = {}

    def add(program: str, days: int, span: Span, found: Held) -> None:
        part = f"NN5-{span.end}"
        if days in nn5.CHRISTMAS:
            part = f"Christmas {nn5.CHRISTMAS[days][-4:]}, {span.end}"
        by_part.setdefault((part, program), []).append(found)

    for spans in (nn5.SPANS_56, nn5.SPANS_90[:1]):
        for days in nn5.origins_of(panel, spans[0].end, options.step):
            for model in options.models:
                made = nn5.at_origin(panel, model, days, spans=spans, draws=options.draws, seed=options.seed)
                add(model, days, spans[0], made.series[0])
    every = nn5.origins_of(panel, 56, options.step)
    for method in options.yardsticks:
        for i, days in enumerate(every):
            drawn = nn5.yardstick(panel, method, days, draws=options.draws, seed=options.seed, jobs=options.jobs)
            total = actual_totals(nn5.YARD_SPANS, nn5.ahead(panel, days, 90))
            for j, span in enumerate(nn5.YARD_SPANS[:2]):
                if days + span.end <= len(panel.periods):
                    add(method, days, span, held(drawn[:, j], total[j]))
            print(f"  NN5 {method}: origin {i + 1} of {len(every)}", flush=True)
    return [Scored.of(part, program, found) for (part, program), found in by_part.items()]


def table(scored: list[Scored]) -> pd.DataFrame:
    """One row a part and program."""
    order = {part: i for i, part in enumerate((*MAIN, *APART))}
    rows = [
        {
            "part": s.part, "program": s.program, "score / total": s.score, "covered 80": 100 * s.inside80,
            "covered 95": 100 * s.inside95, "totals": s.count,
        }
        for s in sorted(scored, key=lambda s: order.get(s.part, len(order)))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def ratios(scored: list[Scored], model: str, method: str) -> list[Line]:
    """Ours over theirs in each part, and the geometric mean."""
    score = {(s.part, s.program): s.score for s in scored}
    each = {part: score[part, model] / score[part, method] for part in (*MAIN, *APART) if (part, method) in score}
    lines = [
        Line(f"interval score over {method}'s, {part}", model, "", f"{ratio:.3f}", "shown")
        for part, ratio in each.items()
    ]
    mean = float(np.exp(np.mean([np.log(each[part]) for part in MAIN]))) if set(MAIN) <= set(each) else float("nan")
    what = f"interval score over {method}'s, geometric mean"
    if method not in ASKED:
        return [*lines, Line(what, model, "", f"{mean:.3f}", "shown")]
    return [*lines, at_most(what, model, value=mean, limit=ASKED[method])]


def main() -> int:
    parser = argparse.ArgumentParser(description="Interval scores of totals beside Prophet's and AutoETS'")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds m4/ and nn5/")
    parser.add_argument("--models", nargs="+", default=["auto"], help="names of the shelf (auto)")
    parser.add_argument("--yardsticks", nargs="+", choices=client.METHODS, default=list(client.METHODS))
    parser.add_argument("--step", type=int, default=14, help="days from NN5 origin to origin (14)")
    parser.add_argument("--draws", type=int, default=1_000, help="sample paths (1000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes of the yardsticks (2)")
    parser.add_argument("--training", action="store_true", help="leave the test parts unread")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the summary's file (out/bench)")
    options = parser.parse_args()
    for part in ("m4", "nn5"):
        if not (options.data / part).is_dir():
            parser.error(f"{options.data / part} is not a folder: --data names the folder that holds m4/ and nn5/")
    absent = [method for method in options.yardsticks if not client.installed(method)]
    if absent:
        parser.error(f"{', '.join(absent)}: their environment is not there; run make yardsticks")
    began = time.perf_counter()
    print("Test parts are not read." if options.training else f"{looks('m4')}\n{looks('nn5')}")
    panel = nn5.read(options.data / "nn5", training=options.training)
    scored = of_m4(options.data / "m4", options) + of_nn5(panel, options)
    print("\n80 % interval score over the actual total: mean over series and origins; coverage in %")
    print(table(scored).to_string(index=False, float_format=lambda v: f"{v:.3f}"))
    lines: list[Line] = []
    for model in options.models:
        own = [line for method in options.yardsticks for line in ratios(scored, model, method)]
        lines += own if model == options.models[0] else shown(own)
    print("\nratios of these means; geometric mean over " + ", ".join(MAIN))
    print_lines(lines)
    save(options.out, "intervals-training" if options.training else "intervals", lines, began=began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
