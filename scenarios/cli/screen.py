"""Where the command speaks. Comes in: results, notes and steps of work. Goes out: stdout, and progress on stderr."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np
import pandas as pd

from forecast.progress import watched
from forecast.shown.text import columns
from scenarios.cli.colours import coloured, wanted
from scenarios.cli.timing import TimeLeft, told


@dataclass(frozen=True, slots=True)
class Screen:
    """Stdout for results, stderr for what goes with them.

    Attributes
    ----------
    quiet : bool
        No progress and no notes.
    """

    quiet: bool

    def write(self, text: str) -> None:
        """Write a result."""
        sys.stdout.write(text if text.endswith("\n") else text + "\n")

    def show(self, text: str) -> None:
        """Write what is to be read: on a terminal it fits the line, and what matters most is in colour."""
        self.write(_for_terminal(text, sys.stdout))

    def write_json(self, document: Mapping[str, Any]) -> None:
        """Write a result as JSON: unknown numbers are null, periods and dates are text."""
        self.write(json.dumps(_jsonable(document), indent=2, ensure_ascii=False, allow_nan=False))

    def note(self, text: str) -> None:
        """Tell what goes with a result, unless quiet."""
        if not self.quiet:
            self.tell(f"note: {text}")

    def tell(self, text: str) -> None:
        """Tell what must be known, quiet or not."""
        sys.stderr.write(_for_terminal(text, sys.stderr, indent="  ") + "\n")

    def width(self) -> int | None:
        """How many characters a line of stdout may have; None where it is no terminal."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    @contextmanager
    def progress(self, steps: Mapping[str, float]) -> Iterator[Callable[[], None]]:
        """Show which step is at work and how long the rest will take; yields what to call as each step begins.

        ``steps``: name → seconds as measured (:func:`scenarios.cli.timing.expected`), in order. Where stderr is no
        terminal nothing is shown, and nothing is reckoned.
        """
        if self.quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            yield _say_nothing
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
        from rich.text import Text

        clock, names = TimeLeft(steps, time.monotonic), list(steps)

        class Left(ProgressColumn):
            def render(self, task: Task) -> Text:
                task.completed = clock.share()
                return Text(told(clock.left()))

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=20), Left())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar, watched(clock):
            task = bar.add_task("starting", total=1.0)
            begun = iter(names)

            def step() -> None:
                clock.step()
                bar.update(task, description=next(begun))

            yield step


def _for_terminal(text: str, stream: TextIO, *, indent: str = "") -> str:
    """Text as it is, or for a terminal: lines that fit, no control characters, few colours."""
    if not stream.isatty():
        return text
    width, lines = shutil.get_terminal_size().columns, []
    for line in text.split("\n"):
        plain = "".join(c for c in line if c.isprintable())
        if columns(plain) <= width:
            lines.append(plain)
            continue
        before = re.match(r" *(?:- |\d+\. )?", plain)
        hang = " " * len(before[0]) if before and before[0].strip() else (before[0] if before else "") + indent
        lines += textwrap.wrap(plain, width, subsequent_indent=hang, break_on_hyphens=False)
    whole = "\n".join(lines)
    return coloured(whole) if wanted(stream) else whole


def _say_nothing() -> None:
    """Progress that nobody watches."""


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as JSON takes them."""
    return [dict(zip(map(str, frame.columns), row, strict=True)) for row in frame.itertuples(index=False, name=None)]


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _jsonable(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_jsonable(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)
