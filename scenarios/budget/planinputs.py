"""What a plan file reads. Comes in: its ``[usage]`` and ``[prices]``. Goes out: where they stand, ready to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

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
from scenarios.files.checks import Check
from scenarios.files.keys import Keys, Problems, Table, check_keys

if TYPE_CHECKING:
    from forecast.readers.assemble import Services
    from forecast.readers.overlap import Overlap
    from forecast.readers.spelling import Decimal

#: What makes a workload where nobody says; those of them that the usage has.
WORKLOAD: Final = ("environment", "project")
#: The one project of usage that does not say whose it is.
WHOLE: Final = "all"
#: Columns that a log of requests may have beside those of usage.
LOG_COLUMNS: Final = ("request_id", "all_input_tokens")
_OF_BLENDED: Final = ("currency", "model", "provider")
#: A book that says nothing, to try shares on.
_ANY: Final = PriceBook(())


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSource:
    """Where usage stands, one export or several, and how it is read: the arguments of :func:`forecast.read_usage`."""

    file: Path | str | tuple[Path, ...]
    format: str | None = None
    rules: Path | None = None
    grain: Grain | None = None
    columns: Mapping[str, str] | None = None
    fill: Mapping[str, str] | None = None
    timezone: str = "UTC"
    duplicates: Duplicates = "refuse"
    sort: bool = False
    decimal: Decimal | None = None
    overlap: Overlap = "refuse"
    dedupe: Literal["request_id"] | None = None
    personal: bool = False
    services: Services = "ai"
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
        source = list(self.file) if isinstance(self.file, tuple) else self.file
        usage = read_usage(source, **arguments)
        if not _has(usage, "model"):
            raise UsageError(
                f"{usage.source}: there is no model; map the one that holds it (columns: model = its name), "
                "or state one for every row (fill: model = a name)"
            )
        if not workload_columns(usage):
            usage = read_usage(source, **{**arguments, "fill": {**(self.fill or {}), "project": WHOLE}})
        return usage


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSource:
    """Where prices come from: own rows over files, first named first, over a blended price over the vendors' lists.

    ``known``: the day as of which they are taken. ``long_share`` and ``off_peak_share``: what of the tokens stands in
    long requests, and in cheaper hours, by model.
    """

    builtin: bool = True
    files: tuple[Path, ...] = ()
    rows: tuple[Table, ...] = ()
    blended: Table | None = None
    known: str | None = None
    long_share: Mapping[str, float] = field(default_factory=dict)
    off_peak_share: Mapping[str, float] = field(default_factory=dict)

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
        if self.known is not None:
            whole = whole.known(self.known)
        for model, share in self.long_share.items():
            whole = whole.with_long_share(share, model)
        for model, share in self.off_peak_share.items():
            whole = whole.with_off_peak_share(share, model)
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
    from forecast.readers.assemble import Services
    from forecast.readers.overlap import Overlap
    from forecast.readers.spelling import Decimal

    file = partial(_is_file, folder)
    return {
        "usage": {
            "file": partial(_is_source, folder),
            "files": checks.both(checks.texts, _each(partial(_is_source, folder))),
            "sample": checks.accepted_by(lambda v: sample_path(str(v))),
            "format": checks.choice(*formats()),
            "rules": file,
            "grain": checks.choice(*get_args(Grain)),
            "columns": plankeys.keyed_by((*COLUMNS, *LOG_COLUMNS)),
            "fill": plankeys.keyed_by(COLUMNS),
            "timezone": plankeys.zone,
            "duplicates": checks.choice(*get_args(Duplicates)),
            "sort": checks.flag,
            "decimal": checks.choice(*get_args(Decimal)),
            "overlap": checks.choice(*get_args(Overlap)),
            "dedupe": checks.choice("request_id"),
            "personal": checks.flag,
            "services": checks.choice(*get_args(Services)),
            "currency": checks.text,
            "rates": file,
            "today": checks.day,
        },
        "prices": {
            "builtin": checks.flag,
            "files": checks.both(checks.texts, _each(file)),
            "rows": _tables_in_list,
            "blended": checks.accepted_by(_blended),
            "known": checks.day,
            "long_share": checks.accepted_by(lambda v: [_ANY.with_long_share(s, m) for m, s in _shares(v).items()]),
            "off_peak_share": checks.accepted_by(
                lambda v: [_ANY.with_off_peak_share(s, m) for m, s in _shares(v).items()]
            ),
        },
    }


def usage_of(written: object, held: Table, folder: Path, problems: Problems) -> UsageSource | None:
    """Where usage stands, or None with the problem noted; ``held`` is what of ``written`` holds."""
    given = written if isinstance(written, dict) else {}
    named = [k for k in ("file", "files", "sample") if k in given]
    if len(named) != 1:
        both = f"{' and '.join(named)} contradict each other: keep one"
        problems.add("usage", both if named else "file is missing: name the usage export")
    if "currency" in given and "rates" not in given:
        problems.add("usage.currency", 'needs rates: a file of dated rates of your own, such as rates = "rates.csv"')
    path: Path | tuple[Path, ...]
    if "files" in held:
        path = tuple(_resolved(folder, one) for one in held["files"])
    elif "file" in held:
        path = _resolved(folder, held["file"])
    elif "sample" in held:
        path = sample_path(held["sample"])
    else:
        return None
    rules, rates = (_resolved(folder, held[k]) if k in held else None for k in ("rules", "rates"))
    rest = {k: v for k, v in held.items() if k not in ("file", "files", "sample", "rules", "rates")}
    return UsageSource(file=path, rules=rules, rates=rates, **rest)


def prices_of(held: Table, folder: Path, problems: Problems) -> PriceSource:
    """Where prices come from; files and rows are read once, so that their problems are told with the others."""
    files = tuple(_resolved(folder, one) for one in held.get("files", ()))
    source = PriceSource(
        builtin=held.get("builtin", True),
        files=files,
        rows=tuple(held.get("rows", ())),
        blended=held.get("blended"),
        known=held.get("known"),
        long_share=_shares(held.get("long_share", {})),
        off_peak_share=_shares(held.get("off_peak_share", {})),
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


def _each(check: Check) -> Check:
    """The check of every one of a list."""
    return lambda names: next((wrong for one in names if (wrong := check(one))), None)


def _blended(value: object) -> PriceBook:
    table = check_keys(
        value,
        {"per_million": lambda _: None, "valid_from": checks.day, **dict.fromkeys(_OF_BLENDED, checks.text)},
        "",
        problems := Problems("blended", PlanError),
    )
    if isinstance(value, dict) and "per_million" not in value:
        problems.add("per_million", "is missing: the price of a million tokens")
    problems.tell()
    return PriceBook.blended(**table)


def _shares(value: Any) -> dict[str, float]:
    """Shares by model: of one number, of every model.

    Raises
    ------
    PlanError
        It is neither.
    """
    if isinstance(value, dict):
        return dict(value)
    if checks.number(value) is not None:
        raise PlanError(f'{checks.shown(value)}: wanted a share from 0 to 1, or a table by model: {{ "gpt-5*" = 0.2 }}')
    return {"*": value}


def _tables_in_list(value: object) -> str | None:
    fits = isinstance(value, list) and value and all(isinstance(row, dict) for row in value)
    return None if fits else "wanted a list of tables; write [[prices.rows]] before each price"
