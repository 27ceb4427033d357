"""Notebooks: made from their text, run from a clean kernel without a warning, and kept with what they print."""

import ast
import importlib.util
import json
import re
import shutil
import socket
from pathlib import Path

import jupytext
import nbformat
import papermill
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TEXTS = sorted((ROOT / "notebooks" / "text").glob("*.py"))
SAMPLE = "../data/samples/organisation_daily.csv"
#: Lines of code that a cell may have: one idea; a class is one idea, and may have more.
LINES, LINES_OF_A_CLASS = 17, 20
#: Bytes that a notebook may have: pages of a code host show no larger ones.
MOST_BYTES = 1_000_000
#: Places on the machine that ran it.
PLACES = re.compile(r"/(home|root|tmp|var|work|Users|private|opt)/|[A-Z]:\\\\|localhost|127\.0\.0\.1|0x[0-9a-f]{8}")


def _render():
    spec = importlib.util.spec_from_file_location("render", ROOT / "notebooks" / "render.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


render = _render()
of_each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code(notebook) for output in cell.outputs]


def words(output):
    """What an output says, by kind; pictures are said to be there."""
    if output.output_type == "stream":
        return {output.name: output.text}
    data = output.get("data", {})
    return {kind: "there" if kind.startswith("image/") else value for kind, value in data.items()}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where a user would open a notebook: beside the samples."""
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the kernel chooses its own, which shows pictures in the page
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    shutil.copytree(ROOT / "data" / "samples", tmp_path / "data" / "samples")
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks"


# --------------------------------------------------------------------------------------------- one source of truth


def test_each_text_has_its_notebook():
    assert [path.stem for path in NOTEBOOKS] == [path.stem for path in TEXTS]
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{i:02d}" for i in range(1, len(NOTEBOOKS) + 1)]


@of_each
def test_the_notebook_is_made_of_its_text(path):
    def told(notebook):
        return [(cell.cell_type, cell.id, cell.metadata, cell.source) for cell in notebook.cells]

    assert told(read(path)) == told(render.made(render.TEXTS / f"{path.stem}.py")), "run make notebooks"


@of_each
def test_a_notebook_as_text_is_its_text(path):
    """What is edited in Jupyter comes back as the same text."""
    notebook = read(path)
    notebook.metadata = {}
    text = jupytext.writes(notebook, fmt="py:percent")
    text = re.sub(r"\A# ---\n.*?# ---\n+", "", text, flags=re.DOTALL)
    blank = re.compile(r"\n{2,}")  # how many blank lines part two cells is the formatter's
    assert blank.sub("\n\n", text) == blank.sub("\n\n", (render.TEXTS / f"{path.stem}.py").read_text(encoding="utf-8"))


@of_each
def test_nothing_of_the_run_is_kept(path):
    notebook = read(path)
    assert notebook.metadata == {"kernelspec": render.KERNEL, "language_info": {"name": "python"}}
    assert {key for cell in notebook.cells for key in cell.metadata} <= {"tags"}
    told = json.dumps([words(output) for output in outputs(notebook)])
    assert not PLACES.search(told), PLACES.search(told)
    assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", told) or len(socket.gethostname()) < 4
    assert path.stat().st_size < MOST_BYTES


# ------------------------------------------------------------------------------------------------- how each is made


@of_each
def test_a_question_stands_first(path):
    notebook = read(path)
    heads = [line for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    assert heads[0].startswith("# ")
    assert heads[0].endswith("?")
    assert [line for line in heads if line.startswith("# ") and not line.startswith("# [")][1:] in ([], _toml(heads))


def _toml(lines):
    """Comments in a code block of the prose are no headings."""
    inside, found = False, []
    for line in lines:
        inside ^= line.startswith("```")
        if inside and line.startswith("# "):
            found.append(line)
    return found


@of_each
def test_parameters_stand_on_top(path):
    first = code(read(path))[0]
    assert first.metadata.get("tags") == ["parameters"]
    for statement in ast.parse(first.source).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)  # what papermill can put in its place


@of_each
def test_a_cell_is_one_idea(path):
    for cell in code(read(path)):
        lines = [
            line for line in cell.source.splitlines() if line.strip() and not line.strip().startswith(("#", '"""'))
        ]
        most = LINES_OF_A_CLASS if re.search(r"^class ", cell.source, re.MULTILINE) else LINES
        assert len(lines) <= most, cell.source


@of_each
def test_every_cell_that_says_something_is_kept_with_what_it_says(path):
    notebook = read(path)
    for cell in code(notebook):
        last = ast.parse(cell.source).body[-1]
        shows = isinstance(last, ast.Expr) and not re.match(r"\w+\.(cleanup|savefig)\(", cell.source.splitlines()[-1])
        if shows or "print(" in cell.source or ".plot" in cell.source:
            assert cell.outputs, cell.source
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    assert any("image/png" in words(output) for output in outputs(notebook)), "the notebook shows no picture"


# --------------------------------------------------------------------------------------------------------- they run


@of_each
def test_it_runs_and_says_what_is_kept(path, folder):
    made = render.run(render.made(render.TEXTS / f"{path.stem}.py"), folder)
    assert not [o for o in outputs(made) if o.output_type == "error"]
    assert not [o.text for o in outputs(made) if o.get("name") == "stderr"], "a notebook warns of nothing"
    assert [words(o) for o in outputs(made)] == [words(o) for o in outputs(read(path))], "run make notebooks"


def test_a_run_leaves_the_same_bytes(folder):
    text = render.TEXTS / "03_from_export_to_cost.py"
    once, twice = (nbformat.writes(render.run(render.made(text), folder)) for _ in range(2))
    assert once == twice


# ------------------------------------------------------------------------------------------------- other parameters


@pytest.fixture
def other(folder):
    """The usage of another organisation, of the same months."""
    import forecast as fc

    path = folder / "other.csv"
    usage = fc.generate_usage(seed=3)
    usage.frame.to_csv(path, index=False)
    return usage, path.name


def told(folder, name, **parameters):
    """What a notebook prints with other parameters."""
    made = papermill.execute_notebook(
        ROOT / "notebooks" / f"{name}.ipynb", None, parameters, cwd=folder, kernel_name="python3", progress_bar=False
    )
    assert not [o.text for o in outputs(made) if o.get("name") == "stderr"]
    return "\n".join(str(v) for o in outputs(made) for v in words(o).values())


def test_a_higher_confidence_is_followed(folder):
    sample = "\n".join(
        str(v) for o in outputs(read(ROOT / "notebooks" / "01_first_budget.ipynb")) for v in words(o).values()
    )
    higher = told(folder, "01_first_budget", confidence=0.9)
    spend = re.compile(r"We expect to spend ([\d,]+) USD")
    budget = re.compile(r"A budget of ([\d,]+) USD is enough in (\d+)% of futures")
    assert spend.search(higher)[1] == spend.search(sample)[1]
    assert budget.search(higher)[2] == "90"
    assert number(budget.search(higher)[1]) > number(budget.search(sample)[1])


def number(text):
    return int(text.replace(",", ""))


@pytest.mark.parametrize("name", ["01_first_budget", "06_monthly_review"])
def test_other_usage_is_followed(name, folder, other):
    usage, file = other
    kept = "\n".join(str(v) for o in outputs(read(ROOT / "notebooks" / f"{name}.ipynb")) for v in words(o).values())
    made = told(folder, name, usage_file=file)
    assert figures(made)
    assert not figures(made) & figures(kept)
    if name == "01_first_budget":
        assert f"Usage({len(usage.frame):,} rows by day" in made


def figures(text):
    """Amounts of more than ten thousand that a notebook prints."""
    return set(re.findall(r"\b\d{2,3},\d{3}\.\d{2}\b|\bspend ([\d,]{7,}) USD", text)) - {""}


def test_a_budget_of_other_usage_at_another_confidence(folder, other):
    """All of notebook 05 asks its own questions of the plan: sums that agree are asserted in its cells."""
    _, file = other
    made = told(folder, "05_the_budget", usage_file=file, confidence=0.9, growth=[0.0, 0.01], draws=1_000)
    assert "P90" in re.search(r"BudgetPlan\([^)]*\)", made)[0]
    assert "by +0.0% to +1.0% (P10-P90) a month" in made


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [p for p in NOTEBOOKS if "usage_file =" in code(read(p))[0].source], ids=lambda p: p.stem
)
def test_each_runs_on_another_organisation(path, folder, other):
    assert told(folder, path.stem, usage_file=other[1])
