"""The command on a terminal and beside it: what fits, colours, pipes, Ctrl-C at any moment."""

import contextlib
import fcntl
import os
import pty
import random
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len

from scenarios.cli import main, tables
from scenarios.cli.colours import coloured

ROOT = Path(__file__).parents[1]
#: One thread a process: as many run at once as the tests start.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PLAN = """\
[plan]
name = "Spring"
horizon = "1Q"
draws = 200
limit = 1_000
[usage]
file = "usage.csv"
[forecast]
model = "seasonal_mean"
trajectories = 60
[split]
production = [0.60, 0.70]
"""
#: Seconds until an interrupted command must be gone, on a busy machine: what is not is taken to hang.
GONE = 60
#: Seconds within which the process that keeps track of what workers share sees that its parent is gone.
LAST = 10
#: Seconds that ``tokenplan demo`` may take. It was asked to take less than 20 and takes 3 to 4 on a laptop; a machine
#: that runs other tests beside is several times slower.
DEMO = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A usage of two models in three environments, and a plan file."""
    made = tmp_path_factory.mktemp("terminal")
    days, rng, rows = pd.date_range("2026-03-01", "2026-10-31"), np.random.default_rng(5), []
    for environment, level in (("development", 3e5), ("production", 9e6), ("test", 1e5)):
        volume = (level * np.exp(0.1 * rng.standard_normal(len(days)))).round()
        keys = {"provider": "openai", "model": "gpt-5-mini", "environment": environment, "project": "search"}
        tokens = {"requests": volume, "input_tokens": volume * 1_200, "output_tokens": volume * 300}
        rows.append(pd.DataFrame({"date": days, **keys, **tokens}))
    pd.concat(rows).to_csv(made / "usage.csv", index=False)
    (made / "plan.toml").write_text(PLAN, encoding="utf-8")
    return made


def on_terminal(folder: Path, *words: str, columns: int = 80, **environment: str) -> tuple[int, str]:
    """Run the command on a terminal of some width; returns its code, and all that was written."""
    child, stream = pty.fork()
    if child == 0:
        os.chdir(folder)
        variables = {"TERM": "xterm-256color", **ENVIRONMENT, **environment}
        variables.pop("COLUMNS", None)
        command = [sys.executable, "-m", "scenarios", *words]
        os.execve(sys.executable, command, {k: v for k, v in variables.items() if v})  # noqa: S606
    fcntl.ioctl(stream, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    found = b""
    with contextlib.suppress(OSError):
        while part := os.read(stream, 65_536):
            found += part
    os.close(stream)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), found.decode()


JOBS = [
    ("read", "usage.csv"),
    ("forecast", "usage.csv", "--horizon", "1Q", "--model", "seasonal_mean", "--draws", "300"),
    ("plan", "plan.toml"),
]


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job[0])
def test_everything_that_is_printed_fits_the_terminal(folder, job, columns):
    code, written = on_terminal(folder, *job, columns=columns)
    lines = [line.rsplit("\r", 1)[-1] for line in ESCAPE.sub("", written).replace("\r\n", "\n").split("\n")]
    assert code == 0
    assert len(lines) > 10
    assert [line for line in lines if cell_len(line) > columns] == []


def test_colours_are_on_a_terminal_alone_and_nowhere_if_forbidden(folder):
    job = ("plan", "plan.toml", "--quiet")
    assert COLOUR.search(on_terminal(folder, *job)[1])
    assert not ESCAPE.search(on_terminal(folder, *job, NO_COLOR="1")[1])
    assert not ESCAPE.search(on_terminal(folder, *job, TERM="dumb")[1])


def test_progress_tells_time_left_on_a_terminal_alone(folder):
    job = ("plan", "plan.toml")
    assert re.search(r"(?:a moment|about \d+ s) left", on_terminal(folder, *job)[1])
    assert "━" not in on_terminal(folder, *job, TERM="dumb")[1]


def test_piped_output_is_whole_and_plain(folder):
    done = subprocess.run(
        [sys.executable, "-m", "scenarios", "plan", "plan.toml"],
        cwd=folder,
        env=ENVIRONMENT | {"COLUMNS": "40"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "left out to fit" not in done.stdout
    assert re.search(
        r"^month +environment +P10 +P50 +P80 +P90 +P95 +base +contingency +budget$", done.stdout, re.MULTILINE
    )


def test_the_demo_is_there_within_twenty_seconds(tmp_path):
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "scenarios", "demo"], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert time.monotonic() - began < DEMO


# --------------------------------------------------------------------------------------------------------- the tables


def counted(**columns):
    return pd.DataFrame(columns), [tables.Column(name, name, "count") for name in columns]


def test_large_quantities_are_told_in_millions_and_small_ones_as_they_are():
    frame, columns = counted(records=[120, 7], tokens=[123_456_789_012.0, 1e6], requests=[5_400_000.0, 2e5])
    assert tables.aligned(frame, columns, width=34).splitlines() == [
        "records     tokens  requests",
        "    120  123,456.8       5.4",
        "      7        1.0       0.2",
        "(large quantities in millions)",
    ]
    assert "million" not in tables.aligned(frame, columns, width=80)


def test_text_is_broken_into_lines_where_nothing_is_spare():
    frame = pd.DataFrame({"what": ["a lever that has a long name", "b"], "why": ["c", "since it saves"], "n": [1, 2]})
    columns = [tables.Column("what", "what"), tables.Column("why", "why"), tables.Column("n", "n", "count")]
    assert tables.aligned(frame, columns, width=32).splitlines() == [
        "what           why             n",
        "a lever that   c               1",
        "has a long",
        "name",
        "b              since it saves  2",
    ]


def test_what_does_not_fit_at_all_is_left_out_from_the_right():
    frame, columns = counted(**{f"column_{k}": [k] for k in range(9)})
    lines = tables.aligned(frame, columns, width=40).splitlines()
    assert lines[0].split() == ["column_0", "column_1", "column_2", "column_3"]
    assert " ".join(lines[2:]).startswith("(left out to fit the line: column_8,")
    assert max(map(len, lines)) <= 40


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("launch: USD 850,586 at P80 for Q1–Q2 2027", ["1"]),
        ("over the limit: P80 of 5.00 USD is above 3.00", ["31"]),
        ("  32 % of futures go over USD 800,000", ["33"]),
        ("development  20  10  unfavourable  permanent", ["31"]),
        ("production   20  10  favourable    timing", ["32"]),
        ("model  error  error of total", []),
        ("an unfavourable-looking name", []),
    ],
)
def test_few_words_are_in_colour(text, codes):
    assert re.findall(r"\x1b\[(\d+)m", coloured(text)) == [c for code in codes for c in (code, "0")]
    assert ESCAPE.sub("", coloured(text)) == text


# --------------------------------------------------------------------------------------------------------------- ctrl-c


def started(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """The command in a process group of its own, from the moment on that Python itself has started."""
    code = "import sys; print('up', flush=True); from scenarios.cli import main; sys.exit(main())"
    made = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert made.stdout.readline() == b"up\n"
    return made


def running(group: int) -> list[str]:
    """Processes of a group that are alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of = stat.read_text().rpartition(")")[2].split()[:3]
            if int(of) == group and state != "Z":
                found.append(stat.parent.name)
    return found


COMMANDS = {
    "plan": ("plan", "plan.toml", "--draws", "20000", "--out", "made", "--save", "made.tokenplan"),
    "workers": ("backtest", "usage.csv", "--models", "auto,fast", "--origins", "8", "--jobs", "2"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="process groups are looked up under /proc")
@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        (name, round(random.Random(f"{name}{k}").uniform(0.0, most), 2))  # noqa: S311
        for name, most in (("plan", 4.0), ("workers", 6.0))
        for k in range(4)
    ],
)
def test_ctrl_c_ends_everything_in_one_line(folder, name, seconds):
    """An interrupt at a moment that only the seed knows: while importing, reading, working, or writing."""
    before = set(folder.rglob("*"))
    command = started(folder, *COMMANDS[name])
    time.sleep(seconds)
    over = command.poll() is not None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(command.pid, signal.SIGINT)
    _, err = command.communicate(timeout=GONE)
    if command.returncode == 0:  # it was over before
        assert b"interrupted" not in err
    else:
        assert not over
        assert (command.returncode, err) == (130, b"interrupted\n")
    until = time.monotonic() + LAST
    while running(command.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert running(command.pid) == []
    half = [path for path in set(folder.rglob("*")) - before if path.name.startswith((".writing", ".tokenplan"))]
    assert half == []


def test_an_interrupt_in_another_programs_words_is_one_all_the_same(folder, monkeypatch, capsys):
    """As engines do that stop at the signal and raise an error of their own."""
    from scenarios.cli import plan_job

    def stopped(path):
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        raise RuntimeError("query was stopped")

    monkeypatch.chdir(folder)
    monkeypatch.setattr(plan_job, "read_plan_file", stopped)
    assert main(["plan", "plan.toml"]) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_was_lost_is_raised_again(folder, monkeypatch, capsys):
    """In a destructor nothing can be raised."""
    from scenarios.cli import plan_job

    class Lost:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)
            time.sleep(0)

    def lost(path):
        thing = Lost()
        del thing
        for _ in range(1_000):
            time.sleep(0.01)
        raise AssertionError("nobody stopped it")

    monkeypatch.chdir(folder)
    monkeypatch.setattr(plan_job, "read_plan_file", lost)
    assert main(["plan", "plan.toml"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_an_error_without_an_interrupt_is_not_hidden(folder, monkeypatch):
    from scenarios.cli import plan_job

    def broken(path):
        raise RuntimeError("a defect")

    monkeypatch.chdir(folder)
    monkeypatch.setattr(plan_job, "read_plan_file", broken)
    with pytest.raises(RuntimeError, match="a defect"):
        main(["plan", "plan.toml"])
