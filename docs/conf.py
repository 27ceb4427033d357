"""What Sphinx is told to make the manual. Sources lie at the root of the checkout: links hold on a code host too."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

project = "tokenplan"
author = "the tokenplan authors"
project_copyright = "the tokenplan authors. Apache-2.0"
release = version = installed("tokenplan")
language = "en"

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "mathml",
    "public_names",
]
root_doc = "docs/index"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/**", "notebooks/*.ipynb", "data/*/*.md"]
exclude_patterns = [".*", "out", "build", "dist", "benchmarks", "data/*/*/**", "forecast", "scenarios", "tests", "**/.*"]
nitpicky = True
html_theme = "pydata_sphinx_theme"
html_math_renderer = "mathml"
nb_execution_mode = "off"
myst_heading_anchors = 4
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "inherited-members": "object,Exception,Warning,Sequence,Protocol"}
autosummary_generate = False
numpydoc_show_class_members = False
