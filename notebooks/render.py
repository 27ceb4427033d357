"""Notebooks as text come in; notebooks that have been run come out, with their output, the same bytes each time.

``notebooks/text/*.py`` is what is written and reviewed; ``notebooks/*.ipynb`` is made from it, by ``make notebooks``:
run from a clean kernel, without the times, addresses and random names that differ from run to run.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
TEXTS = HERE / "text"
#: Seconds that a cell may take.
CELL_TIMEOUT = 300
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def made(text: Path) -> nbformat.NotebookNode:
    """The notebook of a text, not yet run."""
    notebook = jupytext.read(text)
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for i, cell in enumerate(notebook.cells):
        cell.id = f"cell-{i:02d}"
        cell.metadata = nbformat.from_dict({"tags": cell.metadata["tags"]} if "tags" in cell.metadata else {})
    notebook.nbformat_minor = 5
    return notebook


def run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """The notebook after a run from top to bottom in ``folder``, by a kernel of its own."""
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name=KERNEL["name"],
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    return settled(client.execute())


def settled(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what differs from run to run: the kernel's version, addresses, random names of tables."""
    notebook.metadata["language_info"] = nbformat.from_dict({"name": "python"})
    for i, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/plain" in data:
                data["text/plain"] = re.sub(r" at 0x[0-9a-f]+>", ">", data["text/plain"])
            if "text/html" in data:  # a styled table names its cells by five random digits
                data["text/html"] = re.sub(r"\bT_[0-9a-f]{5}(?=\b|_)", f"T_{i:02d}", data["text/html"])
    return notebook


def main(names: list[str]) -> None:
    """Run the notebooks whose names begin like one of ``names``, or all."""
    os.environ.pop("MPLBACKEND", None)  # the kernel chooses its own, which shows pictures in the page
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
    whole, processor = time.perf_counter(), _processor()
    for text in sorted(TEXTS.glob("*.py")):
        if not names or text.stem.startswith(tuple(names)):
            begun = time.perf_counter()
            nbformat.write(run(made(text), HERE), HERE / f"{text.stem}.ipynb")
            print(f"{text.stem}: {time.perf_counter() - begun:.0f} s", flush=True)
    print(f"all: {time.perf_counter() - whole:.0f} s by the clock, {_processor() - processor:.0f} s of processor time")


def _processor() -> float:
    """Seconds of processor time of the kernels so far."""
    return os.times().children_user + os.times().children_system


if __name__ == "__main__":
    main(sys.argv[1:])
