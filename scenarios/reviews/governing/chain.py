"""A hash chain in a file. Comes in: entries. Goes out: JSON lines, each with the hash of the one before.

A line holds ``line`` (its number), ``previous`` (the hash of the line before; zeros in the first), the entry, and
``hash``: SHA-256 of the line without it. A file beside it, named with ``.head``, holds the number and hash of the last
line, so that lines cut from the end are missed too. Whoever may write both files can write a whole new chain: keep
:func:`head_of` of the log somewhere else to prove that nobody did.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from forecast.errors import PlanError

#: What stands before the first line.
START: Final = "0" * 64
NUMBER, PREVIOUS, HASH = "line", "previous", "hash"
#: The longest line that is written or read.
LONGEST: Final = 100_000
#: Problems of a chain that one message lists.
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Chain:
    """The lines of a file, and what is wrong with them.

    Attributes
    ----------
    entries : tuple of dict
        The lines in order, as far as they can be read.
    problems : tuple of str
        Each names its line.
    head : str
        The hash of the last line.
    """

    entries: tuple[Mapping[str, Any], ...]
    problems: tuple[str, ...]
    head: str


def sealed(entry: Mapping[str, Any], number: int, previous: str) -> dict[str, Any]:
    """An entry as a line of the chain, with its hash."""
    body = {NUMBER: number, PREVIOUS: previous, **entry}
    return {**body, HASH: hashlib.sha256(_canonical(body)).hexdigest()}


def _canonical(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def read_chain(path: Path) -> Chain:
    """Read and prove a file; one that is absent is empty.

    Raises
    ------
    PlanError
        It cannot be read.
    """
    try:
        with path.open("rb") as file, _locked(file.fileno(), shared=True):
            data = file.read()
            told = _head_told(path)
    except FileNotFoundError:
        data, told = b"", _head_told(path)
    except OSError as cause:
        raise PlanError(f"{path} cannot be read: {cause.strerror or cause}") from cause
    return proved(data, told)


def proved(data: bytes, told: tuple[int, str] | None) -> Chain:
    """The chain of a file's bytes, held against what its head file tells."""
    lines = data.split(b"\n")
    problems: list[str] = []
    if lines[-1] and not _is_whole(lines[-1]):
        problems.append(f"line {len(lines)}: is cut off before its end")
        lines = lines[:-1]
    elif lines[-1]:
        problems.append(f"line {len(lines)}: has no line's end; something was cut or written by hand")
    else:
        lines = lines[:-1]
    entries: list[Mapping[str, Any]] = []
    seen: dict[str, int] = {}
    hashes = [START]
    for number, line in enumerate(lines, start=1):
        entry, wrong = _entry(line)
        problems += [f"line {number}: {wrong}"] if wrong else []
        if entry is None:
            hashes.append("")
            continue
        problems += [f"line {number}: {one}" for one in _linked(entry, number, hashes[-1], seen)]
        seen.setdefault(str(entry[HASH]), number)
        hashes.append(str(entry[HASH]))
        entries.append(entry)
    problems += _headed(hashes, told)
    return Chain(tuple(entries), tuple(problems), hashes[-1])


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _entry(line: bytes) -> tuple[dict[str, Any] | None, str]:
    """A line's entry, and what is wrong with its text or its own hash."""
    if len(line) > LONGEST:
        return None, f"is {len(line):,} bytes long; a line has at most {LONGEST:,}"
    try:
        entry = json.loads(line)
        body = {k: v for k, v in entry.items() if k != HASH} if isinstance(entry, dict) else None
        seal = None if body is None else hashlib.sha256(_canonical(body)).hexdigest()
    except (ValueError, RecursionError):
        return None, "is not JSON; it was changed or cut"
    if body is None or not {NUMBER, PREVIOUS, HASH} <= set(entry):
        return None, f"is no line of a log: it lacks {NUMBER}, {PREVIOUS} or {HASH}"
    same = entry[HASH] == seal and _canonical(entry) == line
    wrong = "" if same else "was changed after it was written: its hash is not that of its text"
    return entry, wrong


def _linked(entry: Mapping[str, Any], number: int, previous: str, seen: Mapping[str, int]) -> list[str]:
    """What is wrong with a line's place."""
    if str(entry[HASH]) in seen:
        return [f"stands twice: it is line {seen[str(entry[HASH])]} again"]
    if entry[NUMBER] != number:
        return [f"says that it is line {entry[NUMBER]}: lines were moved, taken out or put in before it"]
    if previous and entry[PREVIOUS] != previous:
        return ["does not follow the line before it: that one was changed, taken out or put in"]
    return []


def _headed(hashes: list[str], told: tuple[int, str] | None) -> list[str]:
    """What the head file tells against the lines: it may lag behind by an interrupted writing, never be ahead."""
    count = len(hashes) - 1
    if told is None:
        return [f"line {count}: the head file is missing, so that nobody knows whether lines follow"] if count else []
    number, seal = told
    if number > count:
        cut = f"line {number} is" if number == count + 1 else f"lines {count + 1} to {number} are"
        return [f"line {count + 1}: the log ends at line {count}, but {number} were written: {cut} missing"]
    if hashes[number] and hashes[number] != seal:
        return [f"line {number}: is not the line that was written: its hash is not that of the head file"]
    return []


def append(path: Path, what: Mapping[str, Any]) -> Mapping[str, Any]:
    """Append one entry, whole or not at all, while no one else does; returns it as it was written.

    Raises
    ------
    PlanError
        The log does not hold, or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
    except OSError as cause:
        raise PlanError(f"{path} cannot be written: {cause.strerror or cause}") from cause
    try:
        with _locked(descriptor, shared=False):
            data = _all(descriptor)
            chain = proved(data, _head_told(path))
            check(path, chain)
            entry = sealed(what, len(chain.entries) + 1, chain.head)
            line = _canonical(entry) + b"\n"
            if len(line) > LONGEST:
                raise PlanError(f"{path}: an entry of {len(line):,} bytes; wanted at most {LONGEST:,}")
            _write(descriptor, line, len(data), lambda: _write_head(path, entry))
            return entry
    except OSError as cause:
        raise PlanError(f"{path} cannot be written: {cause.strerror or cause}") from cause
    finally:
        os.close(descriptor)


def check(path: Path, chain: Chain) -> None:
    """Refuse a chain that does not hold, naming every bad line.

    Raises
    ------
    PlanError
        It does not.
    """
    if chain.problems:
        rest = len(chain.problems) - _SHOWN
        listed = "\n  ".join(chain.problems[:_SHOWN]) + (f"\n  and {rest} more" if rest > 0 else "")
        raise PlanError(f"{path}: the log does not hold; restore it from a copy\n  {listed}")


def head_of(path: Path) -> str:
    """The hash of the last line of a log that holds: with it, a copy can be proved later."""
    chain = read_chain(path)
    check(path, chain)
    return chain.head


def _all(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    found = []
    while piece := os.read(descriptor, 1 << 20):
        found.append(piece)
    return b"".join(found)


def _write(descriptor: int, line: bytes, size: int, then: Callable[[], None]) -> None:
    """Write a line to the end and do what belongs to it, or leave the file as it was."""
    try:
        left = line
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
        then()
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _head_file(path: Path) -> Path:
    return path.with_name(path.name + ".head")


def _head_told(path: Path) -> tuple[int, str] | None:
    """The number and hash of the last line, as the head file tells them; None where there is none that can be read."""
    try:
        number, seal = _head_file(path).read_text(encoding="ascii").split()
        return int(number), seal
    except (OSError, ValueError):
        return None


def _write_head(path: Path, entry: Mapping[str, Any]) -> None:
    beside = _head_file(path).with_name(f".{path.name}.head-{os.getpid()}")
    beside.write_text(f"{entry[NUMBER]} {entry[HASH]}\n", encoding="ascii")
    beside.replace(_head_file(path))


@contextmanager
def _locked(descriptor: int, *, shared: bool) -> Iterator[None]:
    """Hold the file against other writers."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
        try:
            yield
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
