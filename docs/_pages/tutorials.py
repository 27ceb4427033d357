"""The tutorials. Comes in: the notebooks. Goes out: the question that each answers, in order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

NOTEBOOKS: Final = Path(__file__).parents[2] / "notebooks"


def tutorials_page() -> str:
    """Title and first words of each notebook."""
    return "\n\n".join(_told(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))) + "\n"


def _told(path: Path) -> str:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    first = next("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")
    title, _, rest = first.removeprefix("# ").partition("\n")
    about = " ".join(rest.strip().split("\n\n")[0].split())
    return f"## {int(path.name[:2])}. [{title.strip()}](../notebooks/{path.name})\n\n{about}"
