"""A page that loads nothing. Comes in: a title, sections, pictures, tables. Goes out: HTML for screen and paper."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from typing import TYPE_CHECKING

from forecast.drawing import LIGHT, one_line
from scenarios.report.look import style_sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Nothing is loaded, sent or run, whatever a name on the page tries.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
#: A table of more columns is printed small, so that paper holds it; one of at most so many rows is kept on one sheet.
WIDE, SHORT = 10, 22
#: Headers of so many letters.
_LONG = re.compile(r'<th( scope="(?:row|col)")(?: class="(n)")?>([^<]{20,})</th>')
#: A picture that is higher than this part of its width has more of a sheet than others.
TALL = 0.62


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page.

    Attributes
    ----------
    key : str
        Its name in addresses: letters.
    heading : str
        Text, as it is read.
    body : str
        HTML.
    """

    key: str
    heading: str
    body: str


def document(title: str, about: str, sections: Sequence[Section], *, style: str = "", foot: str = "") -> str:
    """A page of sections under its title, what it is about, and a list of them; the first is the summary.

    ``style`` comes beside the style of every page, ``foot`` is what stands under all, as text.
    """
    title = html.escape(title)
    listed = "".join(f'<li><a href="#{s.key}">{html.escape(s.heading)}</a></li>' for s in sections[1:])
    parts = "".join(
        f'<section id="{s.key}">\n<h2>{html.escape(s.heading)}</h2>\n{s.body}\n</section>\n' for s in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{style_sheet()}{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#content">Skip to the content</a>\n'
        f"<header><h1>{title}</h1>\n<p>{html.escape(about)}</p></header>\n"
        f'<nav aria-label="Contents"><ul>{listed}</ul></nav>\n'
        f'<main id="content" tabindex="-1">\n{parts}</main>\n'
        f"{f'<footer><p>{html.escape(foot)}</p></footer>' if foot else ''}\n</body>\n</html>\n"
    )


def scroll(table: str, label: str) -> str:
    """A table that scrolls by itself on a narrow screen, also from the keyboard; ``label`` is its own on the page.

    Long names may be broken, so that they cost neither screen nor paper the numbers beside them.
    """
    table = _LONG.sub(r'<th\1 class="long \2">\3</th>', table)
    wide = " wide" if table.split("</tr>", 1)[0].count("<th ") > WIDE else ""
    short = " short" if table.count("<tr") <= SHORT and 'class="prose"' not in table else ""
    told = html.escape(one_line(label, 120))
    return f'<div class="scroll{wide}{short}" role="region" aria-label="{told}" tabindex="0">{table}</div>'


def figure(ax: Axes, kind: str, caption: str) -> str:
    """A picture with its finding as alternative text, and how it is read under it; ``kind`` is its own on the page."""
    title = html.escape(" ".join(ax.get_title().split()))
    drawn = (
        f'<div class="scroll" role="region" aria-label="Picture: {title}" tabindex="0">{_svg(ax, kind, title)}</div>'
    )
    width, height = ax.figure.figure.get_size_inches()
    tall = ' class="tall"' if height > TALL * width else ""
    return f"<figure{tall}>{drawn}<figcaption>{html.escape(one_line(caption, 400))}</figcaption></figure>"


def see(key: str, words: str) -> str:
    """A line that leads to another part of the page."""
    return f'<p class="aside see"><a href="#{key}">{html.escape(words)}</a></p>'


def _svg(ax: Axes, kind: str, alt: str) -> str:
    """A picture as an element of the page: its colours are the page's, its names its own, and it holds no address."""
    made = StringIO()
    ax.figure.figure.savefig(made, format="svg", metadata={"Date": None})
    svg = made.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    view = re.search(r'viewBox="[^"]*"', svg)
    assert view is not None
    svg = re.sub(r"<svg[^>]*>", f'<svg {view[0]} role="img" aria-label="{alt}">', svg, count=1)
    svg = svg.replace("xlink:href", "href")
    names = {name: f"{kind}{i}" for i, name in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg)))}
    svg = re.sub(r'(\bid="|href="#|url\(#)([^")]+)', lambda found: found[1] + names[found[2]], svg)
    for role, colour in asdict(LIGHT).items():
        svg = svg.replace(colour, f"var(--{role})")
    return svg
