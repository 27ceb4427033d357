"""Formulas as MathML, which browsers draw by themselves. Comes in: LaTeX. Goes out: MathML; nothing is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)


def mathml(node: nodes.Element, display: str) -> str:
    """The formula of a node; a command that is not known, or LaTeX that cannot be read, is a warning."""
    latex = node.astext()
    try:
        made = convert(latex, display=display)
    except Exception as cause:  # noqa: BLE001 - the package's errors share no base of their own
        logger.warning("formula %r cannot be read: %r", latex, cause, location=node)
        return ""
    if "<mi>\\" in made:
        logger.warning("formula %r holds a command that MathML lacks", latex, location=node)
    return made


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
