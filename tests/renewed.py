"""Renew what pages say their code prints: ``python tests/renewed.py docs/faq.md ...``, all pages where none is named.

A text block that follows a python block, with a blank line between, is what that prints; ``tests/test_readme.py`` holds
the two together. New ones begin as an empty text block.
"""

import os
import shutil
import sys
from contextlib import redirect_stdout
from io import StringIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.test_readme import PAGES, SHELL, blocks, commands, run_here, run_python, stripped, told_of  # noqa: E402


def renew(page: Path) -> None:
    """Run a page from top to bottom, and write what it prints where it says so."""
    lines, namespace = page.read_text(encoding="utf-8").split("\n"), {"__name__": "__main__"}
    said = []
    for block, after in pairwise([*blocks(page), None]):
        if block.language == "python":
            printed = run_python(block, page, namespace)
            if told_of(block, after) is not None:
                said.append((after.line - 1, after.line - 1 + after.text.count("\n"), stripped(printed)))
        elif block.language in SHELL:
            for command in commands(block):
                with redirect_stdout(StringIO()):
                    run_here(command, page.name)
    for first, end, printed in reversed(said):
        lines[first:end] = printed
    page.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    mpl.use("agg")
    for named in [Path(name).resolve() for name in sys.argv[1:]] or PAGES:
        with TemporaryDirectory() as folder:
            shutil.copytree(ROOT / "data" / "samples", Path(folder) / "data" / "samples")
            os.chdir(folder)
            renew(named)
            os.chdir(ROOT)
