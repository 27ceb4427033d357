"""Totals by other programs. Comes in: a panel and spans. Goes out: draws of totals, kept in a cache for the next run.

Prophet runs in the library's own environment; statsforecast, which needs an older pandas, in ``benchmarks/.venv``
(``make yardsticks``). Replies are kept under ``benchmarks/.cache`` by a hash of all that they depend on.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from yardsticks.exchange import Reply, Request

from forecast.panel import BoolArray, Panel

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache"
OWN_PYTHON = HERE.parent / ".venv" / "bin" / "python"

Method = Literal["AutoETS", "OptimizedTheta", "Prophet"]
#: Packages whose version may change a reply.
DEPENDS = ("cmdstanpy==", "coreforecast==", "numpy==", "prophet==", "statsforecast==")
METHODS: tuple[Method, ...] = get_args(Method)


def python_of(method: Method) -> Path:
    """The interpreter that a method runs in."""
    return Path(sys.executable) if method == "Prophet" else OWN_PYTHON


def engine_of(method: Method) -> Path:
    """The script that answers for a method."""
    return HERE / ("prophet_engine.py" if method == "Prophet" else "statsforecast_engine.py")


def installed(method: Method) -> bool:
    """Whether the environment of a method was made."""
    return python_of(method).exists()


def versions(method: Method) -> str:
    """What a reply depends on beside the request: the engine's own text, and the pins of what it works with."""
    pins = HERE.parents[1] / "constraints.txt" if method == "Prophet" else HERE / "requirements.txt"
    named = [line for line in pins.read_text(encoding="utf-8").splitlines() if line.startswith(DEPENDS)]
    return "".join(path.read_text(encoding="utf-8") for path in (engine_of(method), HERE / "exchange.py")) + str(named)


def totals(
    panel: Panel,
    method: Method,
    *,
    spans: BoolArray,
    season: int,
    draws: int,
    seed: int,
    jobs: int = 1,
    fresh: bool = False,
) -> Reply:
    """Draws of totals over ``spans`` (span, horizon, series) after the panel's end; ``fresh`` passes over the cache."""
    request = Request(panel.values, spans, season, panel.periods[0].isoformat(), panel.freq)
    key = hashlib.sha256()
    for part in (np.ascontiguousarray(panel.values), np.ascontiguousarray(spans)):
        key.update(repr(part.shape).encode() + part.tobytes())
    key.update(repr((method, season, request.first, request.step, draws, seed)).encode() + versions(method).encode())
    path = CACHE / f"{method}-{key.hexdigest()[:24]}.npz"
    if path.exists() and not fresh:
        return Reply.load(path)
    if not installed(method):
        sys.exit(f"{method} needs an environment of its own: make yardsticks")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        asked, answer = Path(folder, "request.npz"), Path(folder, "reply.npz")
        request.save(asked)
        command = [str(python_of(method)), str(engine_of(method)), str(asked), str(answer), "--method", method]
        command += ["--draws", str(draws), "--seed", str(seed), "--jobs", str(jobs)]
        one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
        done = subprocess.run(command, env=os.environ | one_thread, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{method} failed ({shlex.join(command)}):\n{done.stderr[-3000:]}")
        reply = Reply.load(answer)
        answer.replace(path)
    return reply
