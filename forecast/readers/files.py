"""Files: a path, glob, folder or list of them comes in; the files that they name go out, opened as plain text."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from forecast.errors import UsageError, nearest

TABLES: Final = (".csv", ".tsv", ".txt")
JSONS: Final = (".json", ".jsonl", ".ndjson")
PARQUETS: Final = (".parquet", ".pq")
READABLE: Final = (*TABLES, *JSONS, *PARQUETS)
#: How spreadsheets of western Europe save text that is no UTF-8.
WESTERN: Final = "cp1252"
#: Bytes by which that is told.
SEEN_BYTES: Final = 1 << 20
#: A gzipped file is refused beyond this expansion: logs shrink 5 to 40 times, a bomb a thousand times.
MOST_EXPANSION: Final = 400
#: Expansion is watched from this size on: a small file of one repeated row may shrink more.
WATCHED_BYTES: Final = 256 << 20
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_OTHER_KINDS: Final = {
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers"), "a workbook: save the sheet as CSV"),
    ".zip": "an archive: unpack it first",
    ".zst": "compressed by zstd: unpack it first",
    ".7z": "an archive: unpack it first",
    ".tar": "an archive: unpack it first",
    ".tgz": "an archive: unpack it first",
    ".pdf": "a document: export CSV, JSON or Parquet",
}


def files_of(source: str | Path | Iterable[str | Path]) -> list[Path]:
    """The files that a path, a glob, a folder or several of them name, each once, in order.

    A folder stands for the readable files in it, sorted by name; files of other kinds in it are passed over.

    Raises
    ------
    UsageError
        A path names nothing, or a file of a kind that is not read.
    """
    named = [source] if isinstance(source, str | Path) else list(source)
    if not named:
        raise UsageError("no file is named: give a path, a glob, a folder, or a list of them")
    found: dict[Path, Path] = {}
    for one in named:
        for path in _expanded(one):
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _expanded(one: str | Path) -> list[Path]:
    path = Path(one).expanduser()
    if path.is_dir():
        inside = sorted(p for p in path.iterdir() if p.is_file() and kind_of(p) in READABLE)
        if not inside:
            raise UsageError(f"{path}: the folder holds no {', '.join(READABLE)} file, plain or gzipped")
        return inside
    if path.exists():
        kind = kind_of(path)
        if kind in _OTHER_KINDS:
            raise UsageError(f"{path}: is {_OTHER_KINDS[kind]}")
        if path.stat().st_size == 0:
            raise UsageError(f"{path}: the file is empty; export it again")
        return [path]
    if any(sign in str(one) for sign in "*?["):
        rooted = path.is_absolute()
        matched = sorted(
            Path(path.anchor).glob(str(path.relative_to(path.anchor))) if rooted else Path().glob(str(path))
        )
        matched = [p for p in matched if p.is_file()]
        if not matched:
            raise UsageError(f"{one}: no file fits this glob")
        return [p for found in matched for p in _expanded(found)]
    beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    raise UsageError(f"{path}: there is no such file{nearest(path.name, beside)}")


def kind_of(path: Path) -> str:
    """The file's suffix in lower case, that before ``.gz`` where it is gzipped."""
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes[-1:] == [".gz"]:
        suffixes = suffixes[:-1] or [".csv"]
    return suffixes[-1] if suffixes else ".csv"


@contextmanager
def opened(path: Path, *, or_western: bool = False) -> Iterator[io.TextIOWrapper]:
    """The file as text: gzip unpacked, and UTF-8 or UTF-16 told by its first bytes.

    ``or_western`` takes what is no UTF-8 in its first megabyte for Windows-1252: for tables that a person saved.

    Raises
    ------
    UsageError
        The bytes are no text, the archive is cut or broken, or it unpacks to implausibly much.
    """
    zipped = _starts(path, b"\x1f\x8b")
    with path.open("rb", buffering=0) as file:
        raw = _Watched(gzip.GzipFile(fileobj=file), path) if zipped else file
        buffered = io.BufferedReader(raw, SEEN_BYTES)
        try:
            seen = buffered.peek(SEEN_BYTES)
            encoding = _encoding(seen[:4096])
            if or_western and encoding == "utf-8" and not _is_utf8(seen):
                encoding = WESTERN
            text = io.TextIOWrapper(buffered, encoding=encoding, newline="")
            yield text
            text.detach()
        except UnicodeDecodeError as cause:
            raise UsageError(
                f"{path}: is not {cause.encoding.upper()} text (byte {cause.start} of the part read last); "
                "save it as UTF-8"
            ) from cause
        except (EOFError, gzip.BadGzipFile, OSError) as cause:
            if isinstance(cause, OSError) and not isinstance(cause, gzip.BadGzipFile) and cause.errno is not None:
                raise
            raise UsageError(f"{path}: the gzip file is cut or broken: {cause}; export it again") from cause


def _starts(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


def _encoding(head: bytes) -> str:
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    if len(head) >= 4 and head[1::2].count(0) > len(head) // 4:
        return "utf-16-le"
    if len(head) >= 4 and head[0::2].count(0) > len(head) // 4:
        return "utf-16-be"
    return "utf-8"


def _is_utf8(head: bytes) -> bool:
    """Whether bytes are UTF-8, a letter that is cut at their end among it."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


class _Watched(io.RawIOBase):
    """A gzip stream that refuses to unpack to implausibly much."""

    def __init__(self, packed: gzip.GzipFile, path: Path) -> None:
        self._packed = packed
        self._path = path
        self._most = max(WATCHED_BYTES, MOST_EXPANSION * path.stat().st_size)
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = self._packed.read(len(buffer))
        self._read += len(part)
        if self._read > self._most:
            raise UsageError(
                f"{self._path}: unpacks to more than {MOST_EXPANSION} times its size; this is no usage export, "
                "or unpack it yourself first"
            )
        buffer[: len(part)] = part
        return len(part)
