"""References to public names. Comes in: names as the code knows them. Goes out: links to where the manual tells them.

Five things, each of them small:

- a name by where its code stands (``forecast.usage.Usage``) or bare (``Usage``) is found under its public name;
- inline code that starts with a public name, such as ``sc.plan(...)``, is a link to it, in pages and notebooks alike;
- so is each call of one in a block of Python;
- a docstring that ends with ": :func:`inner`." is told on by that function's own: a method arranges, and the function
  that does the work says what comes out;
- a signature shows what a caller may give: no private fields, and none where the class is made by the library alone.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

if TYPE_CHECKING:
    from sphinx import addnodes
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

PACKAGES: Final = {"fc": "forecast", "sc": "scenarios"}
#: What results are called in pages, and what they are.
CALLED: Final = {
    "baseline": "forecast.CostBaseline",
    "book": "forecast.PriceBook",
    "card": "forecast.Scorecard",
    "compared": "scenarios.Comparison",
    "comparison": "scenarios.Comparison",
    "dive": "scenarios.DeepDive",
    "outlook": "scenarios.Outlook",
    "paths": "forecast.SamplePaths",
    "plan": "scenarios.BudgetPlan",
    "prices": "forecast.PriceBook",
    "projection": "forecast.Projection",
    "reforecast": "scenarios.Reforecast",
    "review": "scenarios.Review",
    "scenario": "scenarios.Scenario",
    "usage": "forecast.Usage",
}
CODE: Final = re.compile(r"(?P<first>[a-z_]+)\.(?P<rest>[A-Za-z_]+(?:\.[A-Za-z_]+)*)(?:\(.*)?", re.DOTALL)
#: A public name in Python as it stands in a page, coloured.
COLOURED: Final = re.compile(
    r'<span class="n">(?P<first>fc|sc)</span><span class="o">\.</span><span class="n">(?P<name>\w+)</span>'
    r'(?:<span class="o">\.</span><span class="n">(?P<member>\w+)</span>)?'
)
TOLD_ON: Final = re.compile(r":\s+:func:`(?P<inner>[\w.]+)`\.$")


@cache
def public() -> dict[int, str]:
    """The public name of each public object, by the object's identity."""
    named = {}
    for package in PACKAGES.values():
        module = import_module(package)
        named |= {id(getattr(module, name)): f"{package}.{name}" for name in module.__all__}
    return named


@cache
def by_bare_name() -> dict[str, str]:
    """Every public name, by its last part."""
    return {name.rpartition(".")[2]: name for name in public().values()}


def found(dotted: str) -> Any:
    """What a dotted name stands for; None where nothing does."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            thing: Any = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            thing = getattr(thing, part, None)
        return thing
    return None


def public_name(target: str) -> str | None:
    """The public name of a target, members included; None where it has none."""
    if target in by_bare_name():
        return by_bare_name()[target]
    owner, _, member = target.rpartition(".")
    for dotted, rest in ((target, ""), (owner, f".{member}")):
        bare = by_bare_name().get(dotted) if rest else None
        name = bare or (public().get(id(found(dotted))) if dotted.startswith(tuple(PACKAGES.values())) else None)
        if name is not None:
            return name + rest
    return None


def resolved(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, inner: nodes.Element
) -> nodes.reference | None:
    """A link to the public name of what Sphinx found no page of."""
    if node.get("refdomain") != "py" or (name := public_name(str(node["reftarget"]))) is None:
        return None
    return _link(app, env, str(node["refdoc"]), name, inner)


def _link(app: Sphinx, env: BuildEnvironment, at: str, name: str, inner: nodes.Node) -> nodes.reference | None:
    entry = env.domains.python_domain.objects.get(name)
    if entry is None:
        return None
    return make_refnode(app.builder, at, entry.docname, entry.node_id, inner, name)


class CodeLinks(SphinxPostTransform):
    """Inline code that starts with a public name becomes a link to it."""

    default_priority = 5

    def run(self, **_: object) -> None:
        """Sphinx asks this of each page."""
        for literal in list(self.document.findall(nodes.literal)):
            inside = literal.parent
            while inside is not None and not isinstance(inside, nodes.reference | nodes.title):
                inside = inside.parent
            if inside is not None or (name := self._name(literal.astext())) is None:
                continue
            at = self.env.current_document.docname
            made = literal.deepcopy()
            if (link := _link(self.app, self.env, at, name, made)) is not None:
                literal.replace_self(link)

    @staticmethod
    def _name(code: str) -> str | None:
        told = CODE.fullmatch(code)
        if told is None:
            return None
        owner = PACKAGES.get(told["first"]) or CALLED.get(told["first"])
        return owner and f"{owner}.{told['rest']}"


def linked_blocks(app: Sphinx, pagename: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    """Make public names in blocks of Python links, of a page that is about to be written."""
    objects = app.env.domains.python_domain.objects

    def link(coloured: re.Match[str]) -> str:
        name = f"{PACKAGES[coloured['first']]}.{coloured['name']}"
        entry = objects.get(f"{name}.{coloured['member']}") or objects.get(name)
        if entry is None:
            return coloured[0]
        address = f"{app.builder.get_relative_uri(pagename, entry.docname)}#{entry.node_id}"
        return f'<a class="in-code" href="{address}">{coloured[0]}</a>'

    if "body" in context:
        context["body"] = COLOURED.sub(link, context["body"])


def told_on(_app: Sphinx, _what: str, _name: str, obj: object, _options: object, lines: list[str]) -> None:
    """Replace the reference that a docstring ends with by what is said there."""
    text = "\n".join(lines).rstrip()
    reference = TOLD_ON.search(text)
    inner = found(reference["inner"]) if reference else None
    if reference is None or not callable(inner):
        return
    _, _, rest = (inspect.getdoc(inner) or "").partition("\n\n")
    lines[:] = [*(text[: reference.start()] + ".").splitlines(), "", *_less(rest, obj).splitlines(), ""]


def _less(doc: str, obj: object) -> str:
    """The documentation, without the parameters that the caller does not have."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", doc, re.DOTALL | re.MULTILINE)
    if section is None or not callable(obj):
        return doc
    known = set(inspect.signature(obj).parameters)
    entries = re.split(r"^(?=\S)", section[1], flags=re.MULTILINE)
    kept = "".join(entry for entry in entries if known & set(re.split(r"[\s,:]+", entry.split("\n", 1)[0])))
    return doc[: section.start(1)] + kept + doc[section.end(1) :] if kept else doc.replace(section[0], "")


def signature(
    _app: Sphinx, what: str, _name: str, obj: object, _options: object, told: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """The arguments a caller may give; none of a class that has no section Parameters."""
    if what == "class" and "Parameters\n" not in (inspect.getdoc(obj) or ""):
        return "", returned
    return told and re.sub(r", _\w+=[^,)]*", "", told.replace("<factory>", "...")), returned


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx asks this."""
    app.connect("missing-reference", resolved)
    app.connect("autodoc-process-docstring", told_on, priority=400)  # before numpydoc reads the sections
    app.connect("autodoc-process-signature", signature, priority=600)  # after numpydoc
    app.connect("html-page-context", linked_blocks)
    app.add_post_transform(CodeLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
