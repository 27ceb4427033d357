"""The file. Comes in: members by name. Goes out: the bytes of a sealed zip, and from them the members, checked.

The zip's comment ends the file: the SHA-256 of every byte before it. So one byte changed anywhere is told, and a copy
that was cut short. The seal shows accidents, not forgery; what opens a file trusts none of its sizes, names or shapes.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from forecast.errors import PlanError, nearest
from scenarios.saved.arrays import Array, plain_bytes

#: The schema of the file, by name and version.
SCHEMA: Final = "tokenplan/saved/1"
MANIFEST: Final = "manifest.json"
VALUES: Final = "plan.json"
#: What stands before the seal's 64 hexadecimal digits.
MARK: Final = b"tokenplan sha256 "
_SEAL: Final = len(MARK) + 64
_MEMBER: Final = re.compile(r"arrays/\d{4,6}\.npy")
#: The beginning of an ``.npy`` file of the first version: what its numbers are, and its shape. Read by itself: numpy
#: evaluates it.
_HEAD: Final = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<>|][biufMmUS][\w\[\]]{1,12})', 'fortran_order': False, "
    rb"'shape': \(((?:\d{1,15}(?:, |,|(?=\))))*)\), \} *\n",
    re.DOTALL,
)
_LONGEST: Final = 4_096
#: The most that the members may take together, in bytes: twice the most that a plan may, and what surrounds it.
MOST: Final = 4_500_000_000
#: The most of JSON.
MOST_TEXT: Final = 500_000_000
#: Up to so many bytes the members may take whatever the file's size; beyond, so many times the file's.
_FREE: Final = 256_000_000
_RATIO: Final = 100
#: The quickest: draws are hardly smaller by the slowest.
_LEVEL: Final = 1


def packed(head: Mapping[str, Any], values: bytes, arrays: Sequence[Array]) -> bytes:
    """The file: a manifest of what ``head`` says and of every member, the values as JSON, and the arrays.

    Raises
    ------
    PlanError
        It is larger than what may be opened again.
    """
    members: list[tuple[str, bytes, Array | None]] = [(VALUES, values, None)]
    members += [(_name_of(i), _npy_head(array), array) for i, array in enumerate(arrays)]
    told = [_told(name, begin, array) for name, begin, array in members]
    whole = sum(int(one["bytes"]) for one in told)
    if whole > MOST or len(values) > MOST_TEXT:
        raise PlanError(
            f"the plan takes {whole:,} bytes, {len(values):,} of them in words; a saved plan takes at most {MOST:,} "
            f"and {MOST_TEXT:,}: keep less detail apart, or take fewer draws"
        )
    manifest = json.dumps({**head, "members": told}, ensure_ascii=True, indent=1).encode()
    made = _zipped(manifest, members, zipfile.ZIP_DEFLATED)
    if whole + len(manifest) > _allowed(len(made)):
        made = _zipped(manifest, members, zipfile.ZIP_STORED)
    return sealed(made)


def sealed(unsealed: bytes) -> bytes:
    """The bytes of a zip whose comment is as long as a seal, with the seal in its place."""
    body = unsealed[:-_SEAL] + MARK
    return body + hashlib.sha256(body).hexdigest().encode()


def opened(path: Path) -> tuple[dict[str, Any], Any, list[Array]]:
    """The manifest, the values and the arrays of a file.

    Raises
    ------
    PlanError
        It is no saved plan, was damaged or changed, is of a newer version, or is not what its manifest says; the
        message says which.
    """
    data = _bytes_of(path)
    _check_seal(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            return _read(file, len(data))
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError) as cause:
        raise PlanError(f"it is no whole zip file: {cause}") from cause


def _zipped(manifest: bytes, members: Sequence[tuple[str, bytes, Array | None]], method: int) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as file:
        for name, begin, array in [(MANIFEST, manifest, None), *members]:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o644 << 16
            content = begin if array is None else b"".join((begin, plain_bytes(array)))
            file.writestr(info, content, compress_type=method, compresslevel=_LEVEL)
        file.comment = MARK + b"0" * 64
    return into.getvalue()


def _told(name: str, begin: bytes, array: Array | None) -> dict[str, Any]:
    """What the manifest says of a member."""
    digest = hashlib.sha256(begin)
    size = len(begin)
    if array is not None:
        digest.update(plain_bytes(array))
        size += array.nbytes
    return {"name": name, "bytes": size, "sha256": digest.hexdigest()}


def _name_of(number: int) -> str:
    """What an array's member is called."""
    return f"arrays/{number:04d}.npy"


def _npy_head(array: Array) -> bytes:
    """The beginning of an ``.npy`` file."""
    into = io.BytesIO()
    told = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(into, told)
    return into.getvalue()


def _allowed(size: int) -> int:
    """How many bytes the members of a file of a size may take."""
    return min(MOST, max(_FREE, _RATIO * size))


def _bytes_of(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise PlanError("it is a folder; name the file of a saved plan")
        if not path.exists():
            beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            raise PlanError(f"there is no such file{nearest(path.name, beside)}")
        if not path.is_file():
            raise PlanError("it is a device, not a file")
        if path.stat().st_size > MOST:
            raise PlanError(f"it has {path.stat().st_size:,} bytes; a saved plan has at most {MOST:,}")
        return path.read_bytes()
    except OSError as cause:
        raise PlanError(f"it cannot be read: {cause.strerror or cause}") from cause


def _check_seal(data: bytes) -> None:
    """Refuse what is no saved plan, or not the one that was saved."""
    if not data:
        raise PlanError("the file is empty")
    body, seal = data[:-64], data[-64:]
    if not body.endswith(MARK):
        # The first member's name stands 30 bytes after the beginning of a zip.
        ours = data.startswith(b"PK\x03\x04") and data[30 : 30 + len(MANIFEST)] == MANIFEST.encode()
        if ours:
            raise PlanError("the end of it is missing or changed: it was cut short on its way; copy it once more")
        raise PlanError("it is no saved plan; plan.save(path) writes one, and 'tokenplan plan FILE --save path'")
    if hashlib.sha256(body).hexdigest().encode() != seal:
        raise PlanError("it is not as it was saved: some of its bytes were changed on its way; copy it once more")


def _read(file: zipfile.ZipFile, size: int) -> tuple[dict[str, Any], Any, list[Array]]:
    infos = file.infolist()
    names = [info.filename for info in infos]
    if twice := [name for name in names if names.count(name) > 1]:
        raise PlanError(f"{twice[0]!r} stands in it twice")
    strange = [n for n in names if n not in (MANIFEST, VALUES) and not _MEMBER.fullmatch(n)]
    if strange:
        raise PlanError(f"it holds {strange[0][:80]!r}, which is no part of a saved plan")
    for needed in (MANIFEST, VALUES):
        if needed not in names:
            raise PlanError(f"{needed} is missing from it")
    if (whole := sum(info.file_size for info in infos)) > _allowed(size):
        raise PlanError(f"its {size:,} bytes would unpack to {whole:,}, more than a saved plan of that size holds")
    if any(
        info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos
    ):
        raise PlanError("it is encrypted, or packed in a way that a saved plan is not")
    held = {info.filename: info for info in infos}
    manifest = _manifest(_parsed(_text(file, held[MANIFEST]), MANIFEST))
    told = {str(one["name"]): one for one in manifest["members"]}
    _check_members(set(told), set(names) - {MANIFEST})
    content = {name: _whole(file, held[name], one) for name, one in told.items()}
    if held[VALUES].file_size > MOST_TEXT:
        raise PlanError(f"{VALUES} takes {held[VALUES].file_size:,} bytes; at most {MOST_TEXT:,} are read")
    values = _parsed(content.pop(VALUES).tobytes(), VALUES)
    return manifest, values, [_array(name, content[name]) for name in map(_name_of, range(len(content)))]


def _check_members(told: Iterable[str], there: Iterable[str]) -> None:
    told, there = set(told), set(there)
    if lacking := sorted(told - there):
        raise PlanError(f"{lacking[0]} is missing from it")
    if more := sorted(there - told):
        raise PlanError(f"it holds {more[0]!r}, of which its manifest does not tell")
    if VALUES not in told or told - {VALUES} != set(map(_name_of, range(len(told) - 1))):
        raise PlanError("its arrays are not numbered one after another")


def _manifest(manifest: Any) -> dict[str, Any]:
    """The manifest, once its schema is known to be this one."""
    schema = str(manifest.get("schema")) if isinstance(manifest, dict) else ""
    found = re.fullmatch(r"tokenplan/saved/(\d{1,9})", schema)
    if found is None:
        raise PlanError(f"its manifest is of schema {schema[:80]!r}, not {SCHEMA!r}: it is no saved plan")
    if schema != SCHEMA:
        newer = int(found[1]) > int(SCHEMA.rsplit("/", 1)[1])
        made_by = str(manifest.get("made_with", {}).get("tokenplan", "another version"))[:40]
        remedy = "update tokenplan to open it" if newer else "this version no longer reads it"
        raise PlanError(f"it is of schema {schema}, saved by tokenplan {made_by}; this one reads {SCHEMA}: {remedy}")
    return dict(manifest)


def _text(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.file_size > _FREE:
        raise PlanError(f"{info.filename} takes {info.file_size:,} bytes; at most {_FREE:,} are read")
    return file.read(info)


def _parsed(text: bytes, name: str) -> Any:
    try:
        return json.loads(text.decode("ascii"))
    except (ValueError, RecursionError) as cause:
        raise PlanError(f"{name} in it is no JSON: {cause}") from cause


def _whole(file: zipfile.ZipFile, info: zipfile.ZipInfo, told: Mapping[str, Any]) -> Array:
    """A member's bytes, as many as it says and the manifest too."""
    if told["bytes"] != info.file_size:
        raise PlanError(f"{info.filename} takes {info.file_size:,} bytes; its manifest tells of {told['bytes']}")
    content = np.empty(info.file_size, dtype=np.uint8)
    view, at = content.data, 0
    with file.open(info) as one:
        while at < len(view) and (count := one.readinto(view[at:])):  # type: ignore[attr-defined]
            at += count
    if at < len(view) or hashlib.sha256(view).hexdigest() != told["sha256"]:
        raise PlanError(f"{info.filename} is not what its manifest says")
    return content


def _array(name: str, content: Array) -> Array:
    """The array of an ``.npy`` member, in the bytes that were read."""
    found = _HEAD.match(content[:_LONGEST].tobytes())
    if found is None:
        raise PlanError(f"{name} is no array of numbers, days or text, row by row, as a saved plan holds them")
    shape = tuple(int(size) for size in found[2].split(b",") if size.strip())
    dtype, begin = np.dtype(found[1].decode("ascii")), found.end()
    if math.prod(shape) * dtype.itemsize != len(content) - begin:
        raise PlanError(f"{name} tells of shape {shape} and holds {len(content) - begin:,} bytes")
    return content[begin:].view(dtype).reshape(shape)
