"""What was asked, what was reached, and the verdict. Comes in: numbers of one benchmark. Goes out: lines and a file.

Each benchmark leaves its lines in a JSON file; ``run.py summary`` prints all of them as one table. What was reached on
training parts has a name of its own, and is not in it.

The rule for a coverage: it must lie in 76 to 84 % (nominal 80) or 92 to 98 % (nominal 95) where there are at least
400 effective trials; elsewhere the nominal level must lie inside the bootstrap's 95 % interval. Effective trials are
p (1 - p) / SE^2 with SE from a block bootstrap over origins (``forecast.coverage.coverage_error``).
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
import tomllib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from forecast.coverage import CoverageError

HERE = Path(__file__).parent
#: Where the files for the summary go.
OUT = HERE.parent / "out" / "bench"
#: The coverage that each nominal level must have where there are enough effective trials.
ALLOWED = {80: (0.76, 0.84), 95: (0.92, 0.98)}
ENOUGH_TRIALS = 400
RULE = (
    "Coverage must lie in 76-84 % (nominal 80) or 92-98 % (nominal 95) where there are at least 400 effective trials;\n"
    "elsewhere the nominal level must lie inside the bootstrap's 95 % interval. ± is the bootstrap's standard error."
)

#: ``open``: the numbers cannot tell, such as a coverage of all or none; ``shown``: nothing was asked of this one.
Verdict = Literal["PASS", "MISS", "open", "shown"]


@dataclass(frozen=True, slots=True)
class Line:
    """One number of one model beside its target; all words are for readers."""

    what: str
    model: str
    asked: str
    reached: str
    verdict: Verdict


def at_most(what: str, model: str, *, value: float, limit: float, unit: str = "", asked: bool = True) -> Line:
    """A number that must not be above ``limit``; where it is not ``asked`` it is shown without a verdict."""
    verdict: Verdict = "open" if np.isnan(value) else "PASS" if value <= limit else "MISS"
    return Line(what, model, f"≤ {limit:g}{unit}", f"{value:.4g}{unit}", verdict if asked else "shown")


def of_coverage(found: CoverageError, nominal: int) -> Verdict:
    """The verdict of the rule above."""
    if np.isnan(found.trials):
        return "open"
    if found.trials >= ENOUGH_TRIALS:
        low, high = ALLOWED[nominal]
        return "PASS" if low <= found.share <= high else "MISS"
    return "PASS" if found.low <= nominal / 100 <= found.high else "MISS"


def told(found: CoverageError) -> str:
    """A coverage with what it is worth, in words."""
    if np.isnan(found.trials):
        return f"{100 * found.share:.1f} % (too few blocks of origins, or all or none inside: no interval)"
    return (
        f"{100 * found.share:.1f} ± {100 * found.se:.1f} % "
        f"({100 * found.low:.1f} to {100 * found.high:.1f}; {found.trials:.0f} trials)"
    )


def coverage_line(what: str, model: str, *, found: CoverageError, nominal: int, asked: bool = True) -> Line:
    """A coverage beside the rule."""
    low, high = (round(100 * edge) for edge in ALLOWED[nominal])
    verdict = of_coverage(found, nominal)
    return Line(f"{what}, {nominal} %", model, f"{low}-{high} %", told(found), verdict if asked else "shown")


def shown(lines: list[Line]) -> list[Line]:
    """The same lines without verdicts: of a model that nothing was asked of."""
    return [replace(line, verdict="shown") for line in lines]


def print_lines(lines: list[Line], *, indent: str = "  ") -> None:
    """A table of lines, aligned."""
    rows = [("", "model", "asked", "reached", "verdict")]
    rows += [(line.what, line.model, line.asked, line.reached, line.verdict) for line in lines]
    wide = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        cells = [text.ljust(width) for text, width in zip(row[:4], wide, strict=True)]
        print(f"{indent}{'  '.join(cells)}  {row[4]}")


# ---------------------------------------------------------------------------------------------- the summary's files


@dataclass(frozen=True, slots=True)
class Report:
    """What one benchmark left for the summary."""

    benchmark: str
    command: str
    seconds: float
    load: float
    lines: tuple[Line, ...]


def save(folder: Path, benchmark: str, lines: list[Line], *, began: float) -> Path:
    """Write the lines of one benchmark that began at ``began`` on the performance counter."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["python", *(Path(sys.argv[0]).name, *sys.argv[1:])]
    made = Report(benchmark, shlex.join(words), time.perf_counter() - began, os.getloadavg()[0], tuple(lines))
    path = folder / f"{benchmark}.json"
    path.write_text(json.dumps(asdict(made), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def load(path: Path) -> Report:
    """Read what :func:`save` wrote."""
    held = json.loads(path.read_text(encoding="utf-8"))
    return Report(**(held | {"lines": tuple(Line(**line) for line in held["lines"])}))


def looks(part: str) -> str:
    """How often a test part was looked at, and how parameters were chosen, from ``looks.toml``."""
    held = tomllib.loads((HERE / "looks.toml").read_text(encoding="utf-8"))
    row = held["parts"][part]
    return f"{row['what']}: looks so far {row['looks']}. {held['chosen']}"
