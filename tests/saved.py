"""Saved plans for tests: a small one, and files made of changed parts, sealed again."""

import hashlib
import io
import json
import warnings
import zipfile

import numpy as np
import pandas as pd

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from scenarios.saved import archive
from tests.usages import plain

#: Few prices: the built-in book's are told and read thousands of times.
BOOK = fc.PriceBook.from_frame(
    pd.DataFrame(
        {
            "model": ["gpt-5", "gpt-5", "gpt-5-mini", "gpt-5-mini"],
            "unit": ["input_tokens", "output_tokens"] * 2,
            "price": ["1.25", "10.0", "0.25", "2.0"],
        }
    )
)


def small_plan():
    """A plan whose file is small: one workload, few prices and draws."""
    usage = plain(np.linspace(900.0, 1_100.0, 60), start="2026-09-01")
    made = fc.project(usage, horizon="1M", model="seasonal_naive", trajectories=5, seed=1)
    lines = [sc.Fixed("base", monthly=sc.between(10, 20))]
    return sc.plan(made, prices=BOOK, components=lines, draws=100, seed=1)


def told_of(path, *, kinds=()):
    """The sentence of a file that is refused; None where it opens."""
    try:
        sc.load_plan(path, kinds=kinds)
    except PlanError as error:
        return str(error).removeprefix(f"{path}: ")
    return None


def zip_of(members, method=zipfile.ZIP_DEFLATED):
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", method) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two of one name
        for name, data in members.items() if isinstance(members, dict) else members:
            file.writestr(zipfile.ZipInfo(name), data, compress_type=method)
        file.comment = archive.MARK + b"0" * 64
    return into.getvalue()


def members_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def forged(members, *, manifest=None):
    """A sealed file of other members, its manifest mended to fit them."""
    head = json.loads(members["manifest.json"])
    head["members"] = [
        {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
        if name != "manifest.json"
    ]
    head |= manifest or {}
    return archive.sealed(zip_of({**members, "manifest.json": json.dumps(head).encode()}))
