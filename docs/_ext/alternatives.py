"""Words for who does not see a picture. Comes in: pages. Goes out: each picture without such words has its heading's.

Pictures of notebooks bear no words of their own, and a file's name tells a listener nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def name_pictures(_: Sphinx, page: nodes.document) -> None:
    """Give each picture that has none the words of the heading it stands under."""
    for picture in page.findall(nodes.image):
        section = picture.parent
        while section is not None and not isinstance(section, nodes.section):
            section = section.parent
        if section is not None and not picture.get("alt"):
            picture["alt"] = f"Picture: {section.next_node(nodes.title).astext()}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx asks this."""
    app.connect("doctree-read", name_pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
