"""What a plan hands over: charts, tables, a workbook, a page. Comes in: a BudgetPlan. Goes out: pictures and files."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from forecast.errors import PlanError


def save(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all: beside its place first, then moved there.

    Raises
    ------
    PlanError
        The folder is missing or cannot be written to, or the disk is full; what stood at ``path`` is as it was.
    """
    beside = path.parent / f".tokenplan-{secrets.token_hex(6)}"
    try:
        try:
            with beside.open("xb") as file:
                file.write(content)
            beside.replace(path)
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
    except OSError as cause:
        where = str(path) if len(str(path)) <= 200 else f"{str(path)[:199]}…"
        raise PlanError(f"{where} cannot be written: {_why(path, cause)}") from cause
    return path


def _why(path: Path, cause: OSError) -> str:
    """What is wrong and what to do, from the state of the disk and the system's own word."""
    said = cause.strerror or str(cause)
    with suppress(OSError):
        if not path.parent.exists():
            return f"there is no folder {path.parent}; make it first"
        if not path.parent.is_dir():
            return f"{path.parent} is not a folder"
        if path.is_dir():
            return "it is a folder; name a file in it"
        if not os.access(path.parent, os.W_OK):
            return f"the folder {path.parent} is read-only ({said}); choose another"
    return said
