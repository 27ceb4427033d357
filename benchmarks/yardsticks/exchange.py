"""What goes between the benchmarks and a yardstick, which may live in an environment of its own. NumPy alone.

Comes in: a request, series and the spans whose totals are wanted. Goes out: a reply, draws of these totals. Both are
.npz files::

    python ENGINE.py REQUEST.npz REPLY.npz --method NAME [--draws 1000] [--seed 0] [--jobs 1]

A series' seed is the seed plus its place, whatever the number of processes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Request:
    """Series to forecast.

    Attributes
    ----------
    values : float array (period, series)
        NaN before a series starts and where it has a gap.
    spans : bool array (span, horizon, series)
        The steps ahead that each wanted total sums.
    season : int
        Its length in periods.
    first, step : str
        The date of the first period, ISO 8601, and a pandas alias: for an engine that reads the calendar.
    """

    values: FloatArray
    spans: NDArray[np.bool_]
    season: int
    first: str
    step: str

    def save(self, path: Path) -> None:
        """Write to an .npz file."""
        np.savez(path, values=self.values, spans=self.spans, season=self.season, first=self.first, step=self.step)

    @classmethod
    def load(cls, path: Path) -> Request:
        """Read what :meth:`save` wrote."""
        with np.load(path) as held:
            return cls(held["values"], held["spans"], int(held["season"]), str(held["first"]), str(held["step"]))


@dataclass(frozen=True, slots=True)
class Reply:
    """Totals, float array (draw, span, series), and the seconds that all series took, start of processes left out."""

    totals: FloatArray
    seconds: float

    def save(self, path: Path) -> None:
        """Write to an .npz file, in single precision."""
        np.savez_compressed(path, totals=self.totals.astype("float32"), seconds=self.seconds)

    @classmethod
    def load(cls, path: Path) -> Reply:
        """Read what :meth:`save` wrote."""
        with np.load(path) as held:
            return cls(held["totals"].astype("float64"), float(held["seconds"]))


@dataclass(frozen=True, slots=True)
class Task:
    """One series: its values from the first known one on, and how it is asked for."""

    values: FloatArray
    spans: NDArray[np.bool_]
    season: int
    first: str
    skipped: int
    step: str
    method: str
    draws: int
    seed: int


#: Simulated paths of one series: float array (draw, horizon).
Engine = Callable[[Task], FloatArray]


def filled(values: FloatArray, season: int) -> FloatArray:
    """Gaps filled from the season before, in the first season from the value before: for engines that take none."""
    out = values.copy()
    for t in np.flatnonzero(np.isnan(out)):
        out[t] = out[t - season] if t >= season else out[t - 1]
    return out


def serve(engine: Engine) -> None:
    """Answer one request from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("request", type=Path)
    parser.add_argument("reply", type=Path)
    parser.add_argument("--method", required=True)
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    request = Request.load(asked.request)
    tasks = []
    for i, column in enumerate(request.values.T):
        begin = int(np.flatnonzero(np.isfinite(column))[0])
        spans = request.spans[:, :, i]
        tasks.append(
            Task(
                column[begin:], spans, request.season, request.first, begin, request.step, asked.method, asked.draws,
                asked.seed + i,
            )
        )  # fmt: skip
    work = _Totals(engine)
    with multiprocessing.Pool(asked.jobs) as pool:
        # Each process meets the engine once before the clock starts: imports are not what is measured.
        pool.map(work, tasks[:1] * asked.jobs, chunksize=1)
        began = time.perf_counter()
        totals = pool.map(work, tasks, chunksize=1)
        seconds = time.perf_counter() - began
    Reply(np.stack(totals, axis=2), seconds).save(asked.reply)


@dataclass(frozen=True, slots=True)
class _Totals:
    engine: Engine

    def __call__(self, task: Task) -> FloatArray:
        paths = self.engine(task)
        wanted = (task.draws, task.spans.shape[1])
        if paths.shape != wanted or not np.isfinite(paths).all():
            raise ValueError(f"{task.method}: wanted finite paths of shape {wanted}, got {paths.shape}")
        return np.asarray(paths @ task.spans.T.astype("float64"))
