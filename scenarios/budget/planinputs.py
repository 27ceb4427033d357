"""What a plan file reads. Comes in: its ``[usage]`` and ``[prices]``. Goes out: where they stand, ready to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Final, get_args

import pandas as pd

from forecast.checks import COLUMNS, Duplicates
from forecast.currency import Rates
from forecast.errors import PlanError, TokenplanError, UsageError, nearest
from forecast.prices import PriceBook
from forecast.samples import sample_path
from forecast.schema import Grain
from forecast.usage import Usage
from scenarios.budget import plankeys
from scenarios.files import checks
from scenarios.files.keys import Keys, Problems, Table, check_keys

#: What makes a workload where nobody says; those of them that the usage has.
WORKLOAD: Final = ("environment", "project")
#: The one project of usage that does not say whose it is.
WHOLE: Final = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSource:
    """Where usage stands and how it is read: the arguments of :func:`forecast.read_usage`."""

    file: Path | str
    format: str | None = None
    rules: Path | None = None
    grain: Grain | None = None
    columns: Mapping[str, str] | None = None
    fill: Mapping[str, str] | None = None
    timezone: str = "UTC"
    duplicates: Duplicates = "refuse"
    sort: bool = False
    currency: str | None = None
    rates: Path | None = None
    today: str | None = None

    def read(self) -> Usage:
        """Read the usage.

        One without a model has nothing to price it by, and is refused. One that does not say whose it is becomes one
        workload, the project "all": volume is forecast for workloads, never for models.

        Raises
        ------
        UsageError, PriceError
            The file breaks a rule of the usage table; that of rates breaks one of theirs.
        """
        from forecast.readers import read_usage  # readers of every format: loaded when one is needed

        arguments = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "file"}
        arguments["rates"] = Rates.read(self.rates) if self.rates is not None else None
        usage = read_usage(self.file, **arguments)
        if not _has(usage, "model"):
            raise UsageError(
                f"{usage.source}: there is no model; map the one that holds it (columns: model = its name), "
                "or state one for every row (fill: model = a name)"
            )
        if not workload_columns(usage):
            usage = read_usage(self.file, **{**arguments, "fill": {**(self.fill or {}), "project": WHOLE}})
        return usage


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSource:
    """Where prices come from: own rows over files, first named first, over a blended price over the vendors' lists."""

    builtin: bool = True
    files: tuple[Path, ...] = ()
    rows: tuple[Table, ...] = ()
    blended: Table | None = None

    def book(self) -> PriceBook:
        """The price book.

        Raises
        ------
        PriceError
            A file or row breaks a rule of the price table.
        """
        books = [PriceBook.from_frame(pd.DataFrame(list(self.rows)), source="[[prices.rows]]")] if self.rows else []
        books += [PriceBook.read(path) for path in self.files]
        books += [PriceBook.blended(**self.blended)] if self.blended else []
        books += [PriceBook.builtin()] if self.builtin else []
        whole = books[0]
        for below in books[1:]:
            whole |= below
        return whole


def workload_columns(usage: Usage) -> tuple[str, ...]:
    """What makes a workload where nobody says: environment and project, or what the usage has instead."""
    found = tuple(c for c in WORKLOAD if _has(usage, c))
    return found or next(((c,) for c in ("application", "department") if _has(usage, c)), ())


def _has(usage: Usage, column: str) -> bool:
    return column in usage.frame and bool(usage.frame[column].notna().any())


def input_tables(folder: Path) -> dict[str, Keys]:
    """Keys of ``[usage]`` and ``[prices]``, and the check of each; paths are relative to ``folder``."""
    from forecast.readers import formats

    file = partial(_is_file, folder)
    return {
        "usage": {
            "file": partial(_is_source, folder),
            "sample": checks.accepted_by(lambda v: sample_path(str(v))),
            "format": checks.choice(*formats()),
            "rules": file,
            "grain": checks.choice(*get_args(Grain)),
            "columns": plankeys.keyed_by(COLUMNS),
            "fill": plankeys.keyed_by(COLUMNS),
            "timezone": plankeys.zone,
            "duplicates": checks.choice(*get_args(Duplicates)),
            "sort": checks.flag,
            "currency": checks.text,
            "rates": file,
            "today": checks.day,
        },
        "prices": {
            "builtin": checks.flag,
            "files": checks.both(checks.texts, lambda v: next((w for one in v if (w := file(one))), None)),
            "rows": _tables_in_list,
            "blended": checks.accepted_by(_blended),
        },
    }


def usage_of(written: object, held: Table, folder: Path, problems: Problems) -> UsageSource | None:
    """Where usage stands, or None with the problem noted; ``held`` is what of ``written`` holds."""
    named = [k for k in ("file", "sample") if isinstance(written, dict) and k in written]
    if len(named) != 1:
        both = "file and sample contradict each other: keep one" if named else "file is missing: name the usage export"
        problems.add("usage", both)
    if not {"file", "sample"} & set(held):
        return None
    path = _resolved(folder, held["file"]) if "file" in held else sample_path(held["sample"])
    rules, rates = (_resolved(folder, held[k]) if k in held else None for k in ("rules", "rates"))
    rest = {k: v for k, v in held.items() if k not in ("file", "sample", "rules", "rates")}
    return UsageSource(file=path, rules=rules, rates=rates, **rest)


def prices_of(held: Table, folder: Path, problems: Problems) -> PriceSource:
    """Where prices come from; files and rows are read once, so that their problems are told with the others."""
    files = tuple(_resolved(folder, one) for one in held.get("files", ()))
    source = PriceSource(
        builtin=held.get("builtin", True), files=files, rows=tuple(held.get("rows", ())), blended=held.get("blended")
    )
    if not (source.builtin or source.files or source.rows or source.blended):
        problems.add("prices", "builtin = false leaves no price: give files, rows or blended")
        return source
    parts = [(f"prices.files[{i}]", PriceSource(builtin=False, files=(one,))) for i, one in enumerate(files, start=1)]
    parts += [("prices.rows", PriceSource(builtin=False, rows=source.rows))] if source.rows else []
    for at, part in parts:
        try:
            part.book()
        except TokenplanError as error:
            problems.add(at, str(error))
    return source


def _resolved(folder: Path, name: str) -> Path:
    return folder / Path(name).expanduser()


def _is_source(folder: Path, name: object) -> str | None:
    """One file, a folder of exports, or a glob of them."""
    path = _resolved(folder, str(name))
    if isinstance(name, str) and name.strip() and (path.is_dir() or any(sign in name for sign in "*?[")):
        from forecast.readers.files import files_of

        return checks.accepted_by(lambda _: files_of(path))(name)
    return _is_file(folder, name)


def _is_file(folder: Path, name: object) -> str | None:
    if (wrong := checks.text(name)) is not None:
        return wrong
    path = _resolved(folder, str(name))
    try:
        if path.is_file():
            return None
        if path.is_dir():
            return f"{path} is a folder; name one file"
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    except OSError as error:
        return f"{checks.shown(name)} cannot be read: {error.strerror}"
    return f"there is no such file: {path}{nearest(path.name, beside)}"


def _blended(value: object) -> PriceBook:
    table = check_keys(
        value,
        {"per_million": lambda _: None, "currency": checks.text, "model": checks.text, "provider": checks.text},
        "",
        problems := Problems("blended", PlanError),
    )
    if isinstance(value, dict) and "per_million" not in value:
        problems.add("per_million", "is missing: the price of a million tokens")
    problems.tell()
    return PriceBook.blended(**table)


def _tables_in_list(value: object) -> str | None:
    fits = isinstance(value, list) and value and all(isinstance(row, dict) for row in value)
    return None if fits else "wanted a list of tables; write [[prices.rows]] before each price"
