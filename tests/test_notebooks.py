"""Every notebook runs from top to bottom, where a user would open it, and shows at least one chart."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("**/*.ipynb"))

#: A cell that takes longer than this many seconds is a notebook nobody waits for.
CELL_TIMEOUT = 300


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_runs(path, tmp_path, monkeypatch):
    monkeypatch.delenv("MPLBACKEND")  # the kernel chooses its own, which shows charts in the page
    folder = tmp_path / "notebooks"
    folder.mkdir()
    if (ROOT / "data" / "samples").is_dir():
        shutil.copytree(ROOT / "data" / "samples", tmp_path / "data" / "samples")
    notebook = nbformat.read(path, as_version=4)

    NotebookClient(
        notebook, timeout=CELL_TIMEOUT, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()

    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert any("image/png" in output.get("data", {}) for output in outputs), "the notebook shows no chart"
