"""What a plan hands over: charts, tables, a workbook, a page. Comes in: a BudgetPlan. Goes out: pictures and files."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from forecast.errors import PlanError


def save(path: Path, content: Callable[[], bytes]) -> Path:
    """Write a file whole or not at all: beside its place first, then moved there.

    ``content`` makes what is written, after the place has been found good: a wrong path costs no work.

    Raises
    ------
    PlanError
        The folder is missing or cannot be written to, or the disk is full; what stood at ``path`` is as it was.
    """
    beside = path.parent / f".tokenplan-{secrets.token_hex(6)}"
    try:
        with _named(path):
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            beside.touch(exist_ok=False)
        made = content()
        with _named(path):
            beside.write_bytes(made)
            beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return path


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn the system's errors into one that names the file and what to do."""
    try:
        yield
    except OSError as cause:
        where = str(path) if len(str(path)) <= 200 else f"{str(path)[:199]}…"
        raise PlanError(f"{where} cannot be written: {_why(path, cause)}") from cause


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
