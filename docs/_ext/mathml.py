"""Formulas as MathML, which browsers draw by themselves. Comes in: LaTeX. Goes out: MathML; nothing is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)
#: How many parts an element must have.
PARTS: Final = {
    **dict.fromkeys(("mfrac", "msub", "msup", "munder", "mover", "mroot"), 2),
    **dict.fromkeys(("msubsup", "munderover"), 3),
}


def mathml(node: nodes.Element, display: str) -> str:
    """The formula of a node; LaTeX that cannot be read or said in MathML is a warning."""
    latex = node.astext()
    try:
        made = str(convert(latex, display=display))
    except Exception as cause:  # noqa: BLE001 - the package's errors share no base of their own
        logger.warning("formula %r cannot be read: %r", latex, cause, location=node)
        return ""
    for fault in faults(made):
        logger.warning("formula %r: %s", latex, fault, location=node)
    return made


def faults(made: str) -> list[str]:
    """What the converter let pass: commands that it does not know, and elements that lack a part."""
    found = []
    for element in ET.fromstring(made).iter():  # noqa: S314 - written just before, from our own pages
        tag, text = element.tag.rpartition("}")[2], element.text or ""
        if text.startswith("\\"):
            found.append(f"{text} is not known")
        if tag == "mo" and not text and not len(element):
            found.append("an operator has no name")
        if tag in {"msub", "msup", "msubsup"} and _stretched(element[0]):
            found.append(f"{element[0].text} bears an index: only \\right does, with its \\left")
        if len(element) != PARTS.get(tag, len(element)):
            found.append(f"{tag} has {len(element)} parts, wanted {PARTS[tag]}")
    return found


def _stretched(element: ET.Element) -> bool:
    """Whether it is a fence that browsers would fit to the index that it bears."""
    return "minsize" in element.attrib or (element.text or "").strip() in {"|", "‖"}


def inline(writer: HTML5Translator, node: nodes.math) -> None:
    """A formula in a line."""
    writer.body.append(mathml(node, "inline"))
    raise nodes.SkipNode


def block(writer: HTML5Translator, node: nodes.math_block) -> None:
    """A formula on its own line, with its number where it has one."""
    writer.body.append(writer.starttag(node, "div", CLASS="formula"))
    writer.body.append(mathml(node, "block"))
    if node["number"]:
        writer.body.append(f'<span class="eqno">({node["number"]})')
        writer.add_permalink_ref(node, "Link to this formula")
        writer.body.append("</span>")
    writer.body.append("</div>")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx asks this."""
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
