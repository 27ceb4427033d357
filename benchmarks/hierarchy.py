"""Levels made one: 80 % bands of totals at every node, beside plain sums of the parts and other ways to reconcile.

    python benchmarks/hierarchy.py [--horizon 30] [--kinds 13] [--part] [--seeds 3] [--origins 2] [--out out/bench]

Comes in: made-up organisations of the kinds that error_law.py names, of seeds of their own. Requests by project and
environment are known for 400 days; their sums by project, by environment and in all are nodes too (the levels cross).
Goes out, for the total of the horizon (and with ``--part`` of its first and last third), by level:

- score: the 80 % interval score over the actual total, a mean over nodes, organisations and dates, as a ratio to that
  of plain sums of the parts;
- covered: the part of the nodes' totals that lay within the 80 % band, in %.

The ways: ``parts added up`` draws the series alone; ``levels alone`` is each level's own forecast, which does not add
up; ``drawn apart`` projects each draw of levels that were drawn independently; ``whole paths in order`` projects after
the wholes' draws were put in the order of the parts' sums; ``means alone`` scales the parts' paths to the reconciled
mean path; ``reconciled`` is what ``reconciled_paths`` does: means, then totals in order. All project by mint.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from error_law import KINDS, LATE, volumes
from verdicts import OUT, Line, print_lines, save

from forecast.hierarchy import Hierarchy
from forecast.hierarchy.levels import (
    brought,
    each_alone,
    independent_cuts,
    moved,
    panels_of,
    past_errors,
    paths_of,
    spread_of,
)
from forecast.hierarchy.projection import fitted, projected
from forecast.hierarchy.sums import all_nodes, history_of
from forecast.models import model_of
from forecast.panel import FloatArray, IntArray, Panel
from forecast.scores import interval_score

HISTORY, DRAWS, FIRST_SEED, APART = 400, 500, 301, 210
LEVELS = {"total": "total", "environment": "environment", "project": "project", "series": "workload"}
PARTS, OURS = "parts added up", "reconciled"


def ways(alone: FloatArray, gain: FloatArray, codes: IntArray) -> dict[str, FloatArray]:
    """Paths of all nodes (draw, period, node) by each way, from each level's own."""
    upper = gain.shape[1]
    bottom = alone[:, :, upper:]
    positive = np.ones(bottom.shape[2], dtype=bool)
    sums = all_nodes(bottom, codes)
    ordered = alone.copy()
    rank, own = (np.argsort(paths.sum(axis=1), axis=0, kind="stable") for paths in (sums, alone))
    for node in range(upper):
        ordered[rank[:, node], :, node] = alone[own[:, node], :, node]
    mean = np.maximum(projected(alone.mean(axis=0), gain, codes), 0.0)
    found = {
        "drawn apart": np.maximum(projected(alone, gain, codes), 0.0),
        "whole paths in order": np.maximum(projected(ordered, gain, codes), 0.0),
        "means alone": brought(bottom, bottom.mean(axis=0), mean, positive),
        OURS: moved(alone, gain, codes, positive=positive).bottom,
    }
    return {PARTS: sums, "levels alone": alone} | {name: all_nodes(made, codes) for name, made in found.items()}


def scores(wide: pd.DataFrame, end: int, horizon: int) -> pd.DataFrame:
    """How each way held after ``end`` days: a row a way, part of the horizon and level."""
    known = wide.iloc[end - HISTORY : end]
    used = (known.fillna(0.0) > 0).any().to_numpy()
    known, ahead = known.loc[:, used], wide.loc[:, used].iloc[end : end + horizon].to_numpy()
    labels = known.columns.to_frame(index=False)
    labels["unique_id"] = labels["project"] + "/" + labels["environment"]
    hierarchy = Hierarchy(labels, ["project", "environment"])
    panel = Panel(known.to_numpy(), pd.DatetimeIndex(known.index), tuple(labels["unique_id"]), "D")
    levels = panels_of(panel, history_of(panel.values, hierarchy.codes), hierarchy)
    models = dict.fromkeys(levels, model_of("auto"))
    alone = paths_of(each_alone(levels, models, horizon=horizon, draws=DRAWS, seed=0), levels, hierarchy)
    errors, spread = past_errors(levels, hierarchy, models, horizon=horizon), spread_of(alone)
    overlap = independent_cuts(panel, horizon)
    fit = fitted("mint", hierarchy.summing, errors, scale=spread, independent=overlap, spread=spread)
    seen = np.isfinite(ahead).any(axis=1)
    actual = all_nodes(np.nan_to_num(ahead), hierarchy.codes)
    third, step, node = horizon // 3, np.arange(horizon), hierarchy.nodes["level"].to_numpy()
    spans = {"whole": seen, "first third": seen & (step < third), "last third": seen & (step >= horizon - third)}
    rows = []
    for way, paths in ways(alone, fit.gain, hierarchy.codes).items():
        for part, days in spans.items():
            total = actual[days].sum(axis=0)
            low, high = np.quantile(paths[:, days].sum(axis=1), [0.1, 0.9], axis=0)
            score, inside = interval_score(total, low, high, level=80), (low <= total) & (total <= high)
            for level in LEVELS:
                here = (node == level) & (total > 0)
                rows.append((way, part, level, float((score[here] / total[here]).mean()), float(inside[here].mean())))
    return pd.DataFrame(rows, columns=["way", "part", "level", "score", "inside"])


def table(found: pd.DataFrame) -> pd.DataFrame:
    """Scores over those of plain sums, and coverage in %: a row a way, columns by level."""
    order = list(dict.fromkeys(found["way"]))
    score = found.groupby(["way", "level"])["score"].mean().unstack()
    ratio = score / score.loc[PARTS]
    inside = 100 * found.groupby(["way", "level"])["inside"].mean().unstack()
    both = pd.concat({"score": ratio[list(LEVELS)], "covered": inside[list(LEVELS)]}, axis=1)
    return both.rename(columns=LEVELS, level=1).loc[order]


def main() -> int:
    parser = argparse.ArgumentParser(description="80 % bands of totals at every node of made-up organisations")
    parser.add_argument("--horizon", type=int, default=30, help="days ahead (30)")
    parser.add_argument("--kinds", type=int, default=len(KINDS), help=f"kinds of organisations ({len(KINDS)})")
    parser.add_argument("--seeds", type=int, default=3, help="organisations of each kind (3)")
    parser.add_argument("--origins", type=int, default=2, help=f"dates of each, {APART} days apart (2)")
    parser.add_argument("--part", action="store_true", help="also the first and last third of the horizon")
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the summary's file (out/bench)")
    options = parser.parse_args()
    began, found = time.perf_counter(), []
    for number, kind in enumerate(KINDS[: options.kinds]):
        for seed in (FIRST_SEED + number + 100 * i for i in range(options.seeds)):
            wide = volumes(seed, kind)
            last = len(wide) - options.horizon - LATE
            for back in range(options.origins):
                case = f"{number}/{seed}/{back}"
                found.append(scores(wide, last - APART * back, options.horizon).assign(case=case))
    every = pd.concat(found, ignore_index=True)
    print(
        f"{len(found)} forecasts of {options.horizon} days: score over that of {PARTS!r}; coverage of 80 % bands in %"
    )
    for part in ("whole", "first third", "last third") if options.part else ("whole",):
        print(f"\n{part} of the horizon")
        print(table(every[every["part"] == part]).round({"score": 3}).to_string(float_format=lambda v: f"{v:.3g}"))
    ours = table(every[every["part"] == "whole"]).loc[OURS]
    lines = [
        Line(f"interval score over that of sums, {told}", OURS, "", f"{ours['score', told]:.3f}", "shown")
        for told in LEVELS.values()
    ]
    print()
    print_lines(lines)
    save(options.out, "hierarchy", lines, began=began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
