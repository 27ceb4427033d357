"""Members that all changes, and all lines of a budget, have alike. Comes in: a page. Goes out: the same, those folded.

They are told once, with the protocol (``docs/reference/extending.rst``); on the page of a class they stand folded, each
with its place, so that links and the search find them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from docutils import nodes
from public_names import found
from sphinx import addnodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PROTOCOLS: Final = {"change": "scenarios.changes.base.Change", "line": "scenarios.components.base.Component"}


def members(protocol: str) -> set[str]:
    """The public members of a protocol."""
    return {name for name in vars(found(protocol)) if not name.startswith("_")}


def folded(_app: Sphinx, document: nodes.document) -> None:
    """Fold the shared members of each class of a page."""
    for described in document.findall(addnodes.desc):
        if described.get("objtype") != "class":
            continue
        name = f"{described[0]['module']}.{described[0]['fullname']}"
        for called, protocol in PROTOCOLS.items():
            shared = members(protocol)
            if found(name) is not found(protocol) and shared <= set(dir(found(name))):
                _fold(described[-1], called, shared)


def _fold(content: nodes.Element, called: str, shared: set[str]) -> None:
    """Move the shared members to the end, below one line that names them."""
    inside: list[nodes.Node] = []
    told = []
    for member in [one for one in content.children if isinstance(one, addnodes.desc)]:
        short = str(member[0]["fullname"]).rpartition(".")[2]
        if short in shared:
            member[0]["_toc_name"] = ""
            before = content[content.index(member) - 1]
            for node in (before, member) if isinstance(before, addnodes.index) else (member,):
                content.remove(node)
                inside.append(node)
            told.append(short)
    if inside:
        line = f"As every {called}: {', '.join(told)}"
        content += nodes.raw("", f'<details class="shared"><summary>{line}</summary>', format="html")
        content += inside
        content += nodes.raw("", "</details>", format="html")


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx asks this."""
    app.connect("doctree-read", folded, priority=100)  # before the lists of contents are made
    return {"parallel_read_safe": True, "parallel_write_safe": True}
