"""Configurations as files: TOML comes in, an Organisation or a Population with its seed and hash goes out."""

from __future__ import annotations

import datetime as dt
import tomllib
import types
import typing
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from forecast.errors import TokenplanError, nearest
from forecast.generator.organisation import Organisation
from forecast.generator.population import Population


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration file: what to generate, with which seed, and the hash of what came out when it was frozen.

    ``sha256`` is that of :func:`forecast.generator.csv_bytes`; a file that is not frozen has none.
    """

    name: str
    title: str
    seed: int
    config: Organisation | Population
    sha256: str | None = None


def read_configuration(path: str | Path) -> Configuration:
    """Read a configuration from TOML.

    The file holds ``title``, ``seed``, perhaps ``sha256``, and one table: ``[population]`` with what differs from
    the defaults of :class:`Population`, or ``[organisation]`` with an :class:`Organisation` in full. Money is text.

    Raises
    ------
    TokenplanError
        There is no such file, it is not TOML, or a key or value in it is not allowed; the message names the nearest.
    """
    path = Path(path)
    if not path.is_file():
        beside = [p.name for p in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        raise TokenplanError(f"{path}: there is no such configuration file{nearest(path.name, beside)}")
    try:
        held = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise TokenplanError(f"{path}: is not TOML: {cause}") from cause
    _known(held, ["title", "seed", "sha256", "population", "organisation"], str(path))
    kinds = [k for k in ("population", "organisation") if k in held]
    if len(kinds) != 1:
        raise TokenplanError(f"{path}: needs one of the tables [population] and [organisation]; it has {len(kinds)}")
    kind: type[Organisation | Population] = Population if kinds == ["population"] else Organisation
    config = _build(kind, held[kinds[0]], f"{path}: [{kinds[0]}]")
    seed = _convert(int, held.get("seed", 0), f"{path}: seed")
    sha256 = held.get("sha256")
    return Configuration(path.stem, str(held.get("title", path.stem)), seed, config, sha256 and str(sha256))


def read_configurations(folder: str | Path) -> tuple[Configuration, ...]:
    """Every configuration of a folder, in the order of the files' names.

    Raises
    ------
    TokenplanError
        The folder holds no TOML file, or one of them cannot be read.
    """
    paths = sorted(Path(folder).glob("*.toml"))
    if not paths:
        raise TokenplanError(f"{folder}: holds no configuration (*.toml)")
    return tuple(read_configuration(path) for path in paths)


def _known(held: dict[str, Any], allowed: list[str], where: str) -> None:
    for key in held:
        if key not in allowed:
            raise TokenplanError(f"{where}: unknown key {key!r}; allowed: {', '.join(allowed)}{nearest(key, allowed)}")


def _build(kind: type, held: object, where: str) -> Any:
    """An instance of a configuration dataclass from a TOML table."""
    if not isinstance(held, dict):
        raise TokenplanError(f"{where}: must be a table; got {held!r}")
    _known(held, [f.name for f in fields(kind)], where)
    hints = typing.get_type_hints(kind)
    values = {key: _convert(hints[key], value, f"{where}.{key}") for key, value in held.items()}
    try:
        return kind(**values)
    except TokenplanError as cause:
        raise TokenplanError(f"{where}: {cause}") from cause
    except TypeError as cause:
        raise TokenplanError(f"{where}: {str(cause).partition(' ')[2]}") from cause


def _convert(hint: Any, value: object, where: str) -> Any:
    """``value`` as the annotated type of a field, or an error that names both."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _convert(next(a for a in arguments if a is not type(None)), value, where)
    if origin is typing.Literal:
        if value not in arguments:
            listed = ", ".join(map(repr, arguments))
            raise TokenplanError(f"{where}: {value!r} is not known; allowed: {listed}{nearest(value, arguments)}")
        return value
    if origin is tuple and isinstance(value, list):
        inner = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(inner) != len(value):
            raise TokenplanError(f"{where}: must hold {len(inner)} values; got {len(value)}")
        return tuple(_convert(t, v, f"{where}[{n}]") for n, (t, v) in enumerate(zip(inner, value, strict=True)))
    if is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value, where)
    return _scalar(hint, value, where)


def _scalar(hint: Any, value: object, where: str) -> Any:
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if hint is float and number:
        return float(typing.cast("int", value))
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint is Decimal and (number or isinstance(value, str)):
        try:
            return Decimal(typing.cast("str", value))
        except ArithmeticError as cause:
            raise TokenplanError(f"{where}: {value!r} is not a number") from cause
    if hint is dt.date and isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if hint in (str, bool) and isinstance(value, hint):
        return value
    wanted = {float: "a number", int: "a whole number", Decimal: "a number", dt.date: "a date (2026-01-31)"}
    name = wanted.get(hint, "text" if hint is str else "true or false" if hint is bool else "a list")
    raise TokenplanError(f"{where}: must be {name}; got {value!r}")
