"""README.md and docs/, run as a reader would: every python block and every tokenplan command, from top to bottom."""

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest

from scenarios.cli import main

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("**/*.md"))]

SHELL = {"bash", "console"}
RUN = {"python"} | SHELL
#: Shown, not run. Any other word after the fence is refused, so that no code escapes by its label.
SHOWN = {"csv", "json", "makefile", "markdown", "mermaid", "text", "toml"}

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})\s*(?P<language>[^\s`]*)")
COMMAND = re.compile(r"^(?:\.venv/bin/)?(?P<command>tokenplan\b.*)$")
#: The command's exit codes: fine, and over the limit that was given with --limit.
FINE, OVER_LIMIT = 0, 3
#: Columns that what a page prints is laid out for.
WIDTH = 100


@dataclass(frozen=True, slots=True)
class Block:
    language: str
    line: int
    text: str


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order; a fence that is never closed is an error."""
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), start=1)
    found = []
    for number, line in lines:
        if not (opening := FENCE.match(line)):
            continue
        body = []
        for _, inner in lines:
            if inner.strip() == opening["fence"]:
                break
            body.append(inner.removeprefix(opening["indent"]) + "\n")
        else:
            pytest.fail(f"{relative(page)}:{number}: this fence is never closed")
        found.append(Block(opening["language"], number + 1, "".join(body)))
    return found


def commands(block: Block) -> list[str]:
    """The tokenplan commands of a shell block: in ``console`` the lines after ``$``, in ``bash`` every line."""
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$").strip() for line in lines if line.startswith("$")]
    return [found["command"] for line in lines if (found := COMMAND.match(line.strip()))]


def run_command(command: str, where: str) -> None:
    """Run a command line as a shell would, pipes and redirections included, with this environment's tokenplan."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    allowed = {FINE, OVER_LIMIT} if "--limit" in shlex.split(command, comments=True) else {FINE}
    assert done.returncode in allowed, f"{where}: {command}\nleft with {done.returncode}\n{done.stdout}{done.stderr}"


def run_here(command: str, where: str) -> None:
    """Run a command line of ours in this process; its output goes where ``>`` says, or to what pytest captures."""
    words = shlex.split(command, comments=True)
    words, into = (words[:-2], words[-1]) if ">" in words[-2:-1] else (words, None)
    with Path(into or os.devnull).open("w", encoding="utf-8") as file, redirect_stdout(file if into else sys.stdout):
        try:
            code = main(words[1:])
        except SystemExit as left:
            code = left.code
    allowed = {FINE, OVER_LIMIT} if "--limit" in words else {FINE}
    assert code in allowed, f"{where}: {command}\nleft with {code}"


def run_python(block: Block, page: Path, namespace: dict[str, object]) -> str:
    """Run a block; returns what it printed."""
    padded = "\n" * (block.line - 1) + block.text  # so that a traceback names the line of the page
    with redirect_stdout(io.StringIO()) as printed, patch.dict(os.environ, COLUMNS=str(WIDTH)):
        exec(compile(padded, str(page), "exec"), namespace)  # noqa: S102
    return printed.getvalue()


def told_of(block: Block, after: Block | None) -> str | None:
    """What a page says a python block prints: the text block that follows it with nothing but a blank line between."""
    follows = after is not None and after.language == "text"
    return after.text if follows and after.line == block.line + block.text.count("\n") + 3 else None


def stripped(text: str) -> list[str]:
    """The lines of a text without what stands unseen at their ends."""
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def relative(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """An empty folder with the sample data where a clone has it."""
    if (ROOT / "data" / "samples").is_dir():
        shutil.copytree(ROOT / "data" / "samples", tmp_path / "data" / "samples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_readme_has_code_to_run():
    found = blocks(README)
    assert any(block.language == "python" for block in found), "README.md shows no python"
    assert any(commands(block) for block in found if block.language in SHELL), "README.md shows no tokenplan command"


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_fence_says_what_it_holds(page):
    odd = [f"{relative(page)}:{b.line - 1}: {b.language!r}" for b in blocks(page) if b.language not in RUN | SHOWN]
    assert not odd, f"label these blocks with one of {sorted(RUN | SHOWN)}: {odd}"


@pytest.mark.usefixtures("clone")
@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_page_runs(page):
    namespace: dict[str, object] = {"__name__": "__main__"}
    shown = False
    for block, after in pairwise([*blocks(page), None]):
        if block.language == "python":
            printed = run_python(block, page, namespace)
            told = told_of(block, after)
            assert told is None or stripped(printed) == stripped(told), (
                f"{relative(page)}:{block.line} prints\n{printed}\npython tests/renewed.py {relative(page)} renews it"
            )
        elif block.language in SHELL:
            for command in commands(block):
                # The first as a shell does, and what only a shell can; the others without a start of Python for each.
                alone = shown and not set("|;&<*$`") & set(command)
                (run_here if alone else run_command)(command, f"{relative(page)}:{block.line}")
                shown = True
