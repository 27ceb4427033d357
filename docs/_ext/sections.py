"""The tree of pages. Comes in: which pages lie below which. Goes out: a hidden toctree at the end of each of them.

Pages of Markdown list what lies below them by plain links, which work on a code host too; nothing is told twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import PurePosixPath
from posixpath import normpath
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: A link in Markdown, or in reStructuredText.
LINK: Final = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)|:doc:`[^`<]*<([^`>]+)>`")
TOCTREE: Final = "\n\n```{{toctree}}\n:hidden:\n\n{}\n```\n"


def children(sections: Mapping[str, Sequence[str]], documents: Sequence[str]) -> dict[str, list[str]]:
    """The pages below each page that there is; those of one that there is not yet lie below the first."""
    root = next(iter(sections))
    named = {document_of(name) for listed in sections.values() for name in listed if "*" not in name}
    below: dict[str, list[str]] = {page: [] for page in sections if page in documents}
    taken = {root}
    for page, listed in sections.items():
        for pattern in map(document_of, listed):
            fitting = [d for d in sorted(documents) if _fits(d, pattern) and (d == pattern or d not in named)]
            below[page if page in below else root] += [d for d in fitting if d not in taken]
            taken |= set(fitting)
    return below


def document_of(listed: str) -> str:
    """The document of an entry, which may be told as ``title <document>``."""
    return listed.rpartition("<")[2].removesuffix(">")


def _fits(document: str, pattern: str) -> bool:
    """Whether a glob, whose ``*`` stays inside its folder, fits."""
    return document.count("/") == pattern.count("/") and fnmatch(document, pattern)


def ordered(page: str, below: Sequence[str], source: str) -> list[str]:
    """The pages below, those that the page links to first, in the order of its links."""
    here = PurePosixPath(page).parent
    targets = [(here / told[1]).with_suffix("") if told[1] else here / told[2] for told in LINK.finditer(source)]
    linked = [normpath(target.as_posix()) for target in targets]
    return sorted(below, key=lambda d: linked.index(d) if d in linked else len(linked))


def appended(app: Sphinx, docname: str, source: list[str]) -> None:
    """Write the toctree at the end of a page."""
    sections = app.config.manual_sections
    below = children(sections, sorted(app.env.found_docs)).get(docname)
    if not below:
        return
    globs = any("*" in pattern for pattern in sections[docname])
    titles = {document_of(entry): entry.partition(" <")[0] for entry in sections[docname] if entry.endswith(">")}
    entries = ordered(docname, below, source[0]) if globs else below
    listed = "\n".join(f"{titles[d]} </{d}>" if d in titles else f"/{d}" for d in entries)
    if app.env.doc2path(docname).suffix == ".rst":
        source[0] += "\n\n.. toctree::\n   :hidden:\n\n" + "".join(f"   {d}\n" for d in listed.splitlines())
    else:
        source[0] += TOCTREE.format(listed)


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx asks this."""
    app.add_config_value("manual_sections", {}, "env", types=frozenset({dict}))
    app.connect("source-read", appended)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
