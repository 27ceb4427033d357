"""Every shipped export: recognised, conserved to the token and cent, and safe to read when it is damaged.

A folder of ``tests/exports`` is a format. Its ``expected.toml`` says what each export (a file, or a glob of files that
belong together) holds, added up by hand.
"""

import csv
import io
import json
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast import schema
from forecast.errors import UsageError
from forecast.readers.registry import readers

FOLDER = Path(__file__).parent / "exports"
TODAY = "2026-11-30"
#: Sums of floats in another order: money has at most nine digits here.
RELATIVE = 1e-12

EXPORTS = {
    f"{folder.name}/{pattern}": (folder.name, folder / pattern, expected)
    for folder in sorted(p for p in FOLDER.iterdir() if p.is_dir())
    for pattern, expected in tomllib.loads((folder / "expected.toml").read_text()).items()
}
SINGLE = {name: one for name, one in EXPORTS.items() if one[1].is_file()}
SLOW = pytest.mark.slow


def is_even(path):
    """Whether every row of a CSV file fits its header: another has no frame that holds the same."""
    with path.open(encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    return all(len(row) == len(rows[0]) for row in rows)


TABLES = {name: one for name, one in SINGLE.items() if one[1].suffix == ".csv" and is_even(one[1])}


def read(source, **options):
    return fc.read_usage(source, today=TODAY, services="all", **options)


def sums(usage):
    measures = [m for m in (schema.REQUESTS, *schema.UNITS, *schema.MONEY) if m in usage.frame]
    return {m: usage.frame[m].sum() for m in measures if usage.frame[m].notna().any()}


def test_every_reader_has_exports_and_the_other_way_round():
    assert {name.split("/")[0] for name in EXPORTS} == set(readers())


@pytest.mark.parametrize(("format_", "path", "expected"), EXPORTS.values(), ids=EXPORTS.keys())
def test_an_export_is_recognised_and_conserved(format_, path, expected):
    usage = read(str(path))
    assert set(usage.reading.sources["format"]) == {format_}
    assert len(usage.frame) == expected["rows"]
    assert usage.reading.rejected["rows"].sum() == expected["rejected"]
    wanted = {k: v for k, v in expected.items() if k in (schema.REQUESTS, *schema.UNITS, *schema.MONEY)}
    found = {k: v for k, v in sums(usage).items() if v or k in wanted}
    assert found == pytest.approx(wanted, rel=RELATIVE)
    for column in ("grain", "currency"):
        if column in expected:
            assert getattr(usage, column) == expected[column]
    conservation = usage.reading.conservation
    left = conservation.loc["held"] - conservation.loc["rejected"] - conservation.loc["counted once"]
    np.testing.assert_allclose(left, conservation.loc["read"], rtol=RELATIVE, atol=1e-9)


@pytest.mark.parametrize(("format_", "path", "expected"), EXPORTS.values(), ids=EXPORTS.keys())
def test_an_export_that_is_named_is_read_alike(format_, path, expected):
    pd.testing.assert_frame_equal(read(str(path), format=format_).frame, read(str(path)).frame)


@pytest.mark.parametrize(("format_", "path", "expected"), SINGLE.values(), ids=SINGLE.keys())
def test_an_export_that_is_there_twice_is_counted_once(format_, path, expected, tmp_path):
    again = tmp_path / f"again{path.suffix}"
    again.write_bytes(path.read_bytes())
    once, twice = read(path), read([path, again])
    pd.testing.assert_frame_equal(once.frame, twice.frame)
    assert twice.reading.overlaps["rows"].sum() > 0


@pytest.mark.parametrize(("format_", "path", "expected"), EXPORTS.values(), ids=EXPORTS.keys())
def test_people_are_left_out_unless_asked_for(format_, path, expected):
    usage = read(str(path))
    assert "user" not in usage.frame
    told = " ".join([*usage.notes, usage.reading.unmatched.to_string(), repr(usage), usage._repr_html_()])
    assert "@example.com" not in told


#: The share of columns that every run leaves out or renames, one in so many; ``make test-slow`` takes each.
SOME, EACH = 6, 1


def damaged(path, one_in):
    """The file with columns missing, renamed, or shifted in one row; cut; and in other encodings."""
    raw = path.read_bytes()
    if path.suffix == ".csv":
        rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
        for i, name in enumerate(rows[0]):
            if i % one_in != len(path.name) % one_in:
                continue
            yield f"without {name}", written([r[:i] + r[i + 1 :] for r in rows])
            yield f"{name} renamed", written([[*rows[0][:i], f"{name}_x", *rows[0][i + 1 :]], *rows[1:]])
        yield "a row shifted right", written([*rows[:-1], ["", *rows[-1]]])
        yield "a row shifted left", written([*rows[:-1], rows[-1][1:]])
        yield "cells moved within a row", written([*rows[:-1], [*rows[-1][1:], rows[-1][0]]])
        yield "text for numbers", written([rows[0], *([c.replace("1", "l") for c in r] for r in rows[1:])])
        yield "formulas", written([rows[0], *([c and f"=HYPERLINK({c})" for c in r] for r in rows[1:])])
        yield "header alone", written(rows[:1])
        yield "another separator", raw.replace(b",", b";")
    else:
        yield "nothing in it", b"{}"
        yield "a list", b"[]"
        yield "a number", b"17"
        yield "text for numbers", raw.replace(b": 1", b': "many" , "x": 1')
        yield "null for objects", raw.replace(b"[", b"null, [", 1)
        yield "negative", raw.replace(b'tokens": ', b'tokens": -')
    for share in (0.25, 0.5, 0.9, 0.99):
        yield f"cut at {share:.0%}", raw[: int(len(raw) * share)]
    yield "Latin-1", raw.replace(b"e", "é".encode("latin-1"), 3)
    yield "zeros", b"\0" * 1000


def written(rows):
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


@pytest.mark.parametrize("one_in", [SOME, pytest.param(EACH, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("format_", "path", "expected"), SINGLE.values(), ids=SINGLE.keys())
def test_a_damaged_export_is_told_or_accounted_for(format_, path, expected, one_in, tmp_path):
    messages = []
    for n, (what, content) in enumerate(damaged(path, one_in)):
        file = tmp_path / path.name
        file.write_bytes(content)
        both = ({}, {"format": format_})
        for options in both if one_in == EACH else [both[n % 2]]:
            try:
                usage = read(file, **options)
            except UsageError as error:
                messages.append(f"{what}: {error}")
                continue
            account = usage.reading
            left = account.conservation.loc["held"] - account.conservation.loc[["rejected", "counted once"]].sum()
            np.testing.assert_allclose(left, account.conservation.loc["read"], rtol=RELATIVE, atol=1e-9, err_msg=what)
    assert messages
    assert all(str(tmp_path) in message for message in messages), "each names the file"


@pytest.mark.parametrize(("format_", "path", "expected"), SINGLE.values(), ids=SINGLE.keys())
@pytest.mark.parametrize("encoding", ["utf-16", *(pytest.param(e, marks=SLOW) for e in ("utf-8-sig", "utf-16-le"))])
def test_an_encoding_that_can_be_told_changes_nothing(format_, path, expected, encoding, tmp_path):
    file = tmp_path / path.name
    file.write_bytes(path.read_bytes().decode("utf-8-sig").encode(encoding))
    pd.testing.assert_frame_equal(read(file).frame, read(path).frame)


@pytest.mark.parametrize(("format_", "path", "expected"), TABLES.values(), ids=TABLES.keys())
def test_parquet_and_frames_hold_the_same(format_, path, expected, tmp_path):
    with path.open(encoding="utf-8-sig") as file:
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    if len(expected) <= 2:
        pytest.fail("the export expects no sums")
    frame.to_parquet(tmp_path / "export.parquet", index=False)
    pd.testing.assert_frame_equal(read(tmp_path / "export.parquet").frame, read(path).frame)
    pd.testing.assert_frame_equal(read(frame).frame, read(path).frame)


def test_json_in_hand_is_read_like_its_file():
    path = FOLDER / "openai" / "costs_page.json"
    pd.testing.assert_frame_equal(read(json.loads(path.read_text())).frame, read(path).frame)
