"""The registry of formats. Comes in: a format's name, or a part of an export. Goes out: the reader that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final, Protocol, runtime_checkable

from forecast.errors import UsageError, one_of
from forecast.readers.contents import Content, Table
from forecast.readers.sheet import Extract

#: Other packages bring readers by this group: each entry is an object of the protocol :class:`Reader`.
ENTRY_POINTS: Final = "tokenplan.readers"
#: In the order in which they are asked whether they fit. ``tidy`` is what remains.
_SHIPPED: Final = (
    "openai",
    "anthropic",
    "focus",
    "aws",
    "azure",
    "google",
    "litellm",
    "otel",
    "ccusage",
    "openrouter",
    "langfuse",
)


@runtime_checkable
class Reader(Protocol):
    """What reads one format: a module or any object with these members.

    ``fits`` looks at a first part of a file, a :class:`~forecast.readers.contents.Table` or JSON
    :class:`~forecast.readers.contents.Documents`. ``extract`` gives the records of each part, made by a
    :class:`~forecast.readers.sheet.Sheet`.
    """

    NAME: str
    TITLE: str

    def fits(self, content: Content) -> bool:
        """Whether the part is of this format."""

    def extract(self, content: Content) -> Iterator[Extract]:
        """The records of the part."""


@cache
def readers() -> dict[str, Reader]:
    """Every reader by the name of its format: shipped ones, then those of other packages.

    Raises
    ------
    UsageError
        An installed package brings what is no reader, or one of a name that is taken.
    """
    found: dict[str, Reader] = {}
    for name in _SHIPPED:
        module = import_module(f"forecast.readers.{name}")
        if not isinstance(module, Reader):
            raise TypeError(f"forecast.readers.{name} is no reader")
        found[name] = module
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            made = entry.load()
        except (ImportError, AttributeError) as cause:
            raise UsageError(f"the reader {entry.name!r} of {entry.value} cannot be loaded: {cause}") from cause
        if not isinstance(made, Reader):
            raise UsageError(f"the reader {entry.name!r} of {entry.value} lacks NAME, TITLE, fits or extract")
        if entry.name in (*found, "tidy"):
            raise UsageError(f"the reader {entry.name!r} of {entry.value} bears the name of another")
        found[entry.name] = made
    return found


def formats() -> dict[str, str]:
    """The formats that can be read, by name, and what each is."""
    from forecast.readers import tidy, warehouse

    return {name: reader.TITLE for name, reader in readers().items()} | {m.NAME: m.TITLE for m in (warehouse, tidy)}


def reader_of(content: Content, format: str | Reader | None) -> Reader | None:  # noqa: A002 - as in read_usage
    """The reader of a part: the one that is given or named, else the first that fits; None stands for ``tidy``.

    Raises
    ------
    UsageError
        The name is not known, or what is given is no reader.
    """
    if format is None:
        return next((reader for reader in readers().values() if reader.fits(content)), None)
    if isinstance(format, str):
        one_of("format", format, formats(), UsageError)
        return readers().get(format)
    if isinstance(format, type) or not isinstance(format, Reader):
        kind = f"the class {format.__name__}, not an object of it," if isinstance(format, type) else f"{format!r}"
        raise UsageError(f"a reader needs NAME, TITLE, fits(content) and extract(content); {kind} lacks them")
    return format


def columns_of(content: Content) -> set[str]:
    """The column names of a table, or no name."""
    return set(map(str, content.frame.columns)) if isinstance(content, Table) else set()
