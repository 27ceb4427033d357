"""``python -W error``: imports, the demo, a plan file and what init writes raise no warning of ours or of a package."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data" / "samples"
COMMAND = "import sys; from scenarios.cli import main; sys.exit(main())"
EVERY_NAME = "import forecast, scenarios\nfor m in (forecast, scenarios): [getattr(m, name) for name in m.__all__]"


def strict(*arguments, folder):
    """Run Python with every warning an error; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return done.stdout


@pytest.mark.parametrize("code", ["import forecast", "import scenarios", "import scenarios.cli", EVERY_NAME])
def test_importing(code, tmp_path):
    assert strict("-c", code, folder=tmp_path) == ""


def test_the_demo_with_all_its_files(tmp_path):
    told = strict("-c", COMMAND, "demo", "--draws", "500", "--out", "out", folder=tmp_path)
    assert "First half of 2027" in told
    assert (tmp_path / "out" / "plan.html").exists()


def test_from_an_export_to_a_plan(tmp_path):
    shutil.copy(SAMPLES / "burstgpt_daily.csv", tmp_path)
    strict("-c", COMMAND, "init", "burstgpt_daily.csv", folder=tmp_path)
    assert "Plan of burstgpt_daily.csv" in strict("-c", COMMAND, "plan", "plan.toml", folder=tmp_path)


def test_the_module_is_the_command(tmp_path):
    assert strict("-m", "scenarios", "--version", folder=tmp_path).startswith("tokenplan ")
