"""What Sphinx is told to make the manual. Sources lie at the root of the checkout: links hold on a code host too."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, Final

from numpydoc.xref import DEFAULT_LINKS

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

project = "tokenplan"
author = "the tokenplan authors"
project_copyright = "the tokenplan authors, Apache-2.0"
version = release = installed("tokenplan")
language = "en"
smartquotes = False  # quotes of code stay as they are typed

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    # our own, in _ext
    "alternatives",
    "mathml",
    "protocols",
    "public_names",
    "sections",
]

root_doc = "docs/index"
include_patterns = ["*.md", "docs/**", "notebooks/*.ipynb", "data/*/*.md"]
exclude_patterns = [".*", "**/.*", "out", "build", "dist", "benchmarks", "forecast", "scenarios", "tests"]
exclude_patterns += ["data/*/*/**"]
nitpicky = True
templates_path = ["_templates"]

#: The pages below a page, in order; globs take what no other names. A page's own links say the order of a glob's.
manual_sections = {
    root_doc: [
        "docs/start",
        "docs/tutorials",
        "docs/how-to",
        "docs/ideas/index",
        "docs/reference/index",
        "docs/faq",
        "docs/glossary",
        "docs/finops",
        "CHANGELOG",
        "CONTRIBUTING",
        "The project <README>",
    ],
    "docs/tutorials": ["notebooks/*"],
    "docs/ideas/index": ["docs/ideas/*"],
    "docs/how-to": ["docs/*"],
    "docs/reference/index": [
        "docs/command",
        "docs/plan-file",
        "docs/formats",
        "docs/library",
        "docs/reference/*",
        "data/samples/SOURCES",
        "data/frozen/README",
    ],
}

# ---------------------------------------------------------------------------------------------------------- content

myst_enable_extensions = ["deflist", "dollarmath"]
myst_dmath_allow_digits = False  # 5$ and 7$ are money
myst_dmath_allow_space = True
myst_heading_anchors = 4
nb_execution_mode = "off"  # notebooks are shown as they are kept; their tests run them
nb_merge_streams = True

autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # types stand with the parameters, in words
autodoc_default_options = {"members": True, "inherited-members": "object,Exception,Warning,Sequence,Protocol"}
autosummary_generate = False
numpydoc_show_class_members = False
toc_object_entries_show_parents = "hide"
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"  # but for our own:
DEFAULT_LINKS.clear()  # Python's and NumPy's words would need their inventories, from the network
numpydoc_xref_aliases = {
    name: f"{package}.{name}"
    for package in ("forecast", "scenarios")
    for name in import_module(package).__all__
    if name[0].isupper()
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

# ------------------------------------------------------------------------------------------------------------- look

html_theme = "pydata_sphinx_theme"
html_math_renderer = "mathml"
html_title = "tokenplan"
html_static_path = ["_static"]
html_css_files = ["palette.css", "tokenplan.css"]
html_favicon = "_static/mark.svg"
html_copy_source = html_show_sourcelink = False
html_show_search_summary = False  # it would fetch each page, which a browser forbids where no server is
html_context = {"default_mode": "auto"}
html_additional_pages = {"index": "redirect.html"}
_ALONE: Final = ("start", "faq", "glossary", "finops")
html_sidebars = {
    page: [] for page in (root_doc, *(f"docs/{name}" for name in _ALONE), "CHANGELOG", "CONTRIBUTING", "README")
}
html_sidebars["notebooks/*"] = []  # their tables need the width; their list is the tutorials' page
html_theme_options: dict[str, Any] = {
    "logo": {"image_light": "docs/_static/mark.svg", "image_dark": "docs/_static/mark.svg", "text": "tokenplan"},
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 5,
    "navigation_with_keys": False,
    "primary_sidebar_end": [],
    "search_as_you_type": True,
    "search_bar_text": "Search the manual",
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 1,
}
