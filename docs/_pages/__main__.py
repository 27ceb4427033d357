"""What the code writes of docs/. Comes in: parsers, readers, schema, shipped files, notebooks, colours. Files go out.

``python docs/_pages`` writes what stands after the mark of each file anew; with ``--check`` it names the files that
differ, and leaves with 1 where there are any.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from colours import mark, variables  # noqa: E402 - the checkout's packages come first
from command import command_page  # noqa: E402
from formats import formats_page  # noqa: E402
from library import library_page  # noqa: E402
from tutorials import tutorials_page  # noqa: E402

from scenarios.budget.planreference import plan_file_keys  # noqa: E402

MARK: Final = "<!-- what follows is written by docs/_pages -->\n\n"
#: Each file, the words after which it is written, and what writes it.
PAGES: Final[dict[str, tuple[str, Callable[[], str]]]] = {
    "_static/mark.svg": (MARK, mark),
    "_static/palette.css": ("What follows is written by docs/_pages. */\n\n", variables),
    "command.md": (MARK, command_page),
    "formats.md": (MARK, formats_page),
    "library.md": (MARK, library_page),
    "plan-file.md": ("from what is checked when a file is read.\n\n", plan_file_keys),
    "tutorials.md": (MARK, tutorials_page),
}


def main(arguments: list[str]) -> int:
    """Write the pages, or say which are stale."""
    stale = []
    for name, (after_what, written) in PAGES.items():
        page = ROOT / "docs" / name
        before = page.read_text(encoding="utf-8")
        if before.count(after_what) != 1:
            sys.stderr.write(
                f"docs/{name}: {after_what.strip()!r} stands there {before.count(after_what)} times, wanted once\n"
            )
            return 1
        after = before.partition(after_what)[0] + after_what + written()
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
