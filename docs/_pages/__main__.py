"""Pages that the code writes. Comes in: parsers, readers, schema, shipped files, notebooks. Goes out: Markdown.

``python docs/_pages`` writes what stands after the mark of each page anew; with ``--check`` it names the pages that
differ, and leaves with 1 where there are any.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from command import command_page  # noqa: E402 - the checkout's packages come first
from formats import formats_page  # noqa: E402
from library import library_page  # noqa: E402
from tutorials import tutorials_page  # noqa: E402

from scenarios.budget.planreference import plan_file_keys  # noqa: E402

MARK: Final = "<!-- what follows is written by docs/_pages -->\n\n"
#: Each page, the words after which it is written, and what writes it.
PAGES: Final[dict[str, tuple[str, Callable[[], str]]]] = {
    "command.md": (MARK, command_page),
    "formats.md": (MARK, formats_page),
    "library.md": (MARK, library_page),
    "plan-file.md": ("from what is checked when a file is read.\n\n", plan_file_keys),
    "tutorials.md": (MARK, tutorials_page),
}


def main(arguments: list[str]) -> int:
    """Write the pages, or say which are stale."""
    stale = []
    for name, (mark, written) in PAGES.items():
        page = ROOT / "docs" / name
        before = page.read_text(encoding="utf-8")
        if before.count(mark) != 1:
            sys.stderr.write(f"docs/{name}: {mark.strip()!r} stands there {before.count(mark)} times, wanted once\n")
            return 1
        after = before.partition(mark)[0] + mark + written()
        if after != before:
            stale.append(name)
            if "--check" not in arguments:
                page.write_text(after, encoding="utf-8")
    if stale:
        done = "are stale: make pages" if "--check" in arguments else "were written"
        sys.stdout.write(f"{', '.join(f'docs/{name}' for name in stale)} {done}\n")
    return int(bool(stale) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
