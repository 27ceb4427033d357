"""Files of saved plans that were damaged or forged: each is told in a sentence, and none runs."""

import io
import json
import pickle
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scenarios as sc
from forecast.errors import PlanError
from scenarios.saved import archive
from tests.saved import forged, members_of, small_plan, told_of, zip_of


@pytest.fixture(scope="module")
def small():
    return small_plan()


@pytest.fixture(scope="module")
def content(small, tmp_path_factory):
    return small.save(tmp_path_factory.mktemp("small") / "small.tokenplan").read_bytes()


# ------------------------------------------------------------------------------------------------------------ damage


def test_one_byte_changed_anywhere_is_refused(content, tmp_path):
    path = tmp_path / "x"
    flips = np.random.default_rng(0).integers(1, 256, len(content))
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= int(flips[place])
        with pytest.raises(PlanError, match=r"changed|no saved plan"):
            archive._check_seal(bytes(changed))
        if place % 997 == 0:
            path.write_bytes(changed)
            assert told_of(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bytes_changed_cut_or_added_are_refused(content, tmp_path, data):
    path = tmp_path / "x"
    place = data.draw(st.integers(0, len(content) - 1))
    other = data.draw(
        st.sampled_from([content[:place], content[place:], content + b"\0", content[:place] + b"\0" + content[place:]])
    )
    path.write_bytes(other)
    if other != content:
        assert told_of(path)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda c: c[: len(c) // 2], "it was cut short on its way"),
        (lambda c: c[:-1], "cut short"),
        (lambda _: b"", "is empty"),
        (lambda _: b"[plan]\nhorizon = '1Q'\n", "it is no saved plan"),
        (lambda _: pickle.dumps([1, 2]), "it is no saved plan"),
        (lambda _: zip_of({"xl/workbook.xml": b"<x/>"})[:-81] + bytes(81), "it is no saved plan"),
        (lambda c: c.replace(b"manifest.json", b"manifest.jsom"), "it is not as it was saved"),
    ],
)
def test_what_is_no_saved_plan_is_told(content, tmp_path, made, told):
    (tmp_path / "x").write_bytes(made(content))
    assert told in told_of(tmp_path / "x")


def test_a_file_that_is_not_there_is_told(content, tmp_path):
    (tmp_path / "q1.tokenplan").write_bytes(content)
    assert "there is no such file; did you mean 'q1.tokenplan'" in told_of(tmp_path / "q1.tokenplam")
    assert "it is a folder" in told_of(tmp_path)
    assert "it is a device" in told_of(Path("/dev/null"))
    with pytest.raises(PlanError, match="no such file"):
        sc.load_plan(tmp_path / "nowhere" / "x")
    with pytest.raises(PlanError):
        sc.load_plan("a\0b")


# ------------------------------------------------------------------------- forged: sealed again after it was changed


@pytest.fixture
def forge(content, tmp_path):
    """Writes a changed plan, sealed again; gives the sentence that refuses it, or None."""

    def made(change, **manifest):
        members = members_of(content)
        changed = change(members)
        path = tmp_path / "forged"
        path.write_bytes(forged(members if changed is None else changed, manifest=manifest))
        return told_of(path)

    return made


def unchanged(members):
    """The same members."""
    return members


def test_a_plan_that_is_only_sealed_again_opens(forge):
    assert forge(unchanged) is None


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ("tokenplan/saved/2", r"saved by tokenplan 9\.9; this one reads tokenplan/saved/1: update tokenplan"),
        ("tokenplan/saved/0", "this version no longer reads it"),
        ("tokenplan/plan/1", "it is no saved plan"),
        (None, "it is no saved plan"),
    ],
)
def test_another_schema_is_told(forge, schema, told):
    sentence = forge(unchanged, schema=schema, made_with={"tokenplan": "9.9"})
    assert re.search(told, sentence)


def test_members_missing_or_beside_are_told(content, tmp_path, forge):
    members = members_of(content)
    assert len([name for name in members if name.endswith(".npy")]) > 1
    path = tmp_path / "x"
    for name in members:
        path.write_bytes(archive.sealed(zip_of({n: d for n, d in members.items() if n != name})))
        assert f"{name} is missing" in told_of(path)
    for name in ("evil.py", "../up.npy", "/etc/passwd", "arrays/../../x.npy", "arrays/x.npy", "arrays\\0000.npy"):
        path.write_bytes(archive.sealed(zip_of(members | {name: b"x"})))
        assert "which is no part of a saved plan" in told_of(path)
        assert "no part of a saved plan" in forge(lambda m, name=name: m | {name: b"x"})
    path.write_bytes(archive.sealed(zip_of(members | {"arrays/9999.npy": b"x"})))
    assert "of which its manifest does not tell" in told_of(path)
    assert "not numbered one after another" in forge(lambda m: m | {"arrays/9999.npy": b"x"})
    path.write_bytes(archive.sealed(zip_of([*members.items(), ("plan.json", members["plan.json"])])))
    assert "stands in it twice" in told_of(path)
    assert not (tmp_path.parent / "up.npy").exists()


def test_members_that_are_not_what_the_manifest_says_are_told(content, tmp_path):
    members = members_of(content)
    for name in set(members) - {"manifest.json"}:
        other = members | {name: members[name][:-1] + bytes([members[name][-1] ^ 1])}
        (tmp_path / "x").write_bytes(archive.sealed(zip_of(other)))
        assert f"{name} is not what its manifest says" in told_of(tmp_path / "x")
        other = members | {name: members[name] + b" "}
        (tmp_path / "x").write_bytes(archive.sealed(zip_of(other)))
        assert "its manifest tells of" in told_of(tmp_path / "x")


def test_a_file_that_would_unpack_to_far_more_is_refused(content, tmp_path):
    bomb = members_of(content) | {"arrays/0000.npy": bytes(300_000_000)}
    (tmp_path / "x").write_bytes(archive.sealed(zip_of(bomb)))
    assert (tmp_path / "x").stat().st_size < 1_000_000
    assert "would unpack to 300," in told_of(tmp_path / "x")


def test_a_size_that_lies_is_refused(content, tmp_path):
    members = members_of(content)
    data = bytearray(zip_of(members | {"arrays/0000.npy": bytes(9_000_000)}))
    size, said = (9_000_000).to_bytes(4, "little"), len(members["arrays/0000.npy"]).to_bytes(4, "little")
    assert data.count(size) == 2
    (tmp_path / "x").write_bytes(archive.sealed(bytes(data.replace(size, said))))
    assert told_of(tmp_path / "x")


def npy(array, **options):
    into = io.BytesIO()
    np.save(into, array, **options)
    return into.getvalue()


class Ran:
    """Says that it ran when it is unpickled."""

    ran = False

    def __reduce__(self):
        return setattr, (Ran, "ran", True)


def test_arrays_that_run_or_lie_are_refused(forge):
    objects = npy(np.array([Ran()], dtype=object), allow_pickle=True)
    assert "is no array of numbers" in forge(lambda m: m | {"arrays/0000.npy": objects})
    assert not Ran.ran
    lying = npy(np.zeros(4)).replace(b"(4,)", b"(9,)")
    assert "tells of shape (9,)" in forge(lambda m: m | {"arrays/0000.npy": lying})
    giant = npy(np.zeros(4)).replace(b"'shape': (4,), }             ", b"'shape': (4444444444444,), } ")
    assert "tells of shape (4444444444444,)" in forge(lambda m: m | {"arrays/0000.npy": giant})
    assert "is no array" in forge(lambda m: m | {"arrays/0000.npy": b"x"})
    for head in (b"__import__('os')", b"{'descr': '|O', ", b"{'shape': (((", b'"' * 90):
        assert "is no array" in forge(lambda m, head=head: m | {"arrays/0000.npy": npy(np.zeros(4))[:10] + head})
    assert "is told of it" in forge(lambda m: m | {"arrays/0000.npy": npy(np.zeros(4))})


@pytest.mark.parametrize("name", ["ledger", "gap", "trajectory", "projection"])
def test_arrays_of_another_shape_are_told(small, tmp_path, name):
    ledger, made = small.ledger, small.projection
    other = {
        "ledger": {"ledger": replace(ledger, money=ledger.money[:-1])},
        "gap": {"gap": small.gap[:, :-1]},
        "trajectory": {"trajectory": small.trajectory + 5},
        "projection": {"projection": replace(made, volume=replace(made.volume, level=made.volume.level[:, :0]))},
    }[name]
    told = told_of(replace(small, **other).save(tmp_path / "x"))
    assert "is what the plan tells of" in told or "is none of the 5" in told


EMPTY = {"$": "array", "dtype": "|u1", "shape": [0], "data": ""}


@pytest.mark.parametrize(
    "node",
    [
        {"$": "kind", "kind": "os.system", "fields": {}},
        {"$": "kind", "kind": "forecast.Projection", "fields": {}},
        {"$": "kind", "kind": "change.Growth", "fields": {"monthly": 0.1, "evil": 1}},
        {"$": "kind", "kind": "change.Growth", "fields": {"monthly": "x"}},
        {"$": "own", "name": "Popen", "module": "subprocess", "fields": {"args": "x"}},
        {"$": "distribution", "name": "__class__", "args": [], "kwds": {"$": "dict", "items": []}},
        {"$": "distribution", "name": "norm", "args": ["x"], "kwds": {"$": "dict", "items": []}},
        {"$": "array", "dtype": "O", "shape": [1], "data": ""},
        {"$": "array", "dtype": "<f8", "shape": [-1], "data": ""},
        {"$": "array", "dtype": "<f8", "shape": [10**12], "data": ""},
        {"$": "array", "dtype": "<f8", "shape": [1], "member": 99},
        {"$": "objects", "shape": [10**10], "cells": {"$": "cells", "values": [], "codes": EMPTY}},
        {"$": "same", "number": 10**9},
        {"$": "scalar", "dtype": "O", "value": 1},
        {"$": "range", "ends": [0, 1, 0], "name": None},
        {"$": "eval", "value": "1"},
        {"$": "offset", "value": "x"},
        {},
        7,
        "x",
    ],
    ids=str,
)
def test_values_that_no_plan_holds_are_told(forge, node):
    for field in ("spec", "ledger", "gap"):

        def change(members, field=field):
            tree = json.loads(members["plan.json"])
            tree["items"] = [[key, node if key == field else value] for key, value in tree["items"]]
            members["plan.json"] = json.dumps(tree).encode()

        assert forge(change)


def places(tree, path=()):
    yield path
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inside:
        yield from places(value, (*path, key))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_put_in_place_of_another_is_told_or_opens(content, tmp_path, data):
    members = members_of(content)
    tree = json.loads(members["plan.json"])
    path = data.draw(st.sampled_from([p for p in places(tree) if p]))
    inside = tree
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = data.draw(
        st.sampled_from(
            [None, 0, -1, 1.5, "", "x", [], [1], {}, {"$": "NaT"}, {"$": "same", "number": 0}, 10**30, True]
        )
    )
    members["plan.json"] = json.dumps(tree).encode()
    (tmp_path / "x").write_bytes(forged(members))
    told_of(tmp_path / "x")  # any other error than PlanError fails the test


def test_words_that_are_no_json_are_told(forge):
    for text in (b"{", b"[" * 100_000, b"\xff", b'{"$": "dict"', b"9" * 9_999):
        assert "is no JSON" in forge(lambda m, text=text: m | {"plan.json": text})
