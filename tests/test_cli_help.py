"""Help, its examples, what is misspelt, and completion: what a user meets before a command does anything."""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import typing
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

import scenarios as sc
from forecast.costs import Money
from scenarios.budget.planfile import read_plan_file
from scenarios.cli import main, options
from scenarios.cli.arguments import GROUPS, SHELLS, parser
from scenarios.cli.completion_job import script
from scenarios.cli.parsing import CODES, Command

ROOT = Path(__file__).parents[1]
#: What the examples of help find in their folder. Few draws and a plain model, so that all of them run in seconds.
PLAN = """\
[plan]
horizon = "1Q"
draws = 200
[usage]
file = "usage.csv"
[forecast]
model = "seasonal_mean"
trajectories = 60
"""
POLICY = """\
name = "spend"
currency = "USD"
[[approvers]]
role = "team lead"
upto = 1_000
[[approvers]]
role = "head of engineering"
upto = 10_000_000
[[approvers]]
role = "chief financial officer"
"""
#: A terminal of the usual width.
USUAL = 80


def commands(job: argparse.ArgumentParser) -> dict[str, Command]:
    """Every command by its words, those below others too."""
    found = {}
    for action in job._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                found |= {one.prog: one} | commands(one)
    return found


COMMANDS = commands(parser())
EXAMPLES = [(name, example) for name, job in COMMANDS.items() for example in job.examples]


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """A folder with the samples, a usage export, plan files, a plan that was saved, and a policy."""
    folder = tmp_path_factory.mktemp("samples")
    shutil.copytree(ROOT / "data" / "samples", folder / "data" / "samples")
    table = pd.read_csv(folder / "data" / "samples" / "organisation_daily.csv")
    table[(table["date"] >= "2026-01-01") & (table["project"] == "support-assistant")].assign(department="care").to_csv(
        folder / "usage.csv", index=False
    )
    for name in ("plan", "q3"):
        (folder / f"{name}.toml").write_text(PLAN, encoding="utf-8")
    (folder / "policy.toml").write_text(POLICY, encoding="utf-8")
    file = read_plan_file(folder / "q3.toml")
    known = file.usage.read().until(pd.Timestamp("2026-06-30"))
    file.plan(file.project(known), file.prices.book()).save(folder / "q3.tokenplan")
    return folder


# --------------------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[example for _, example in EXAMPLES])
def test_every_example_runs(samples, monkeypatch, capsys, name, example):
    monkeypatch.chdir(samples)
    words = shlex.split(example)
    into = Path(words.pop()) if ">" in words else None
    assert words[0] == "tokenplan"
    code = main([word for word in words[1:] if word != ">"])
    out, err = capsys.readouterr()
    assert code in {0, *COMMANDS[name].codes} - set(CODES) | {0}, err
    assert out or not {"--json", "csv"} & set(words)
    if into is not None:
        assert out
        into.write_text(out, encoding="utf-8")


def test_the_examples_of_the_whole_command_are_those_of_commands(samples, monkeypatch, capsys):
    """They are run above, or here."""
    monkeypatch.chdir(samples)
    every = {example for _, example in EXAMPLES}
    for example in set(parser().examples) - every:
        assert example == "tokenplan plan mine.toml --out made"
        main(["template", "usage.csv"])
        Path("mine.toml").write_text(capsys.readouterr().out, encoding="utf-8")
        assert main(["plan", "mine.toml", "--out", "made", "--draws", "200"]) == 0


@pytest.mark.parametrize("name", ["tokenplan", *COMMANDS])
@pytest.mark.parametrize("width", [60, USUAL, 200])
def test_help_fits_the_terminal_and_says_what_can_come(monkeypatch, name, width):
    monkeypatch.setenv("COLUMNS", str(width))
    job = COMMANDS.get(name, parser())
    text = job.format_help()
    assert max(map(len, text.splitlines())) <= min(width, 100)
    assert "examples:" in text
    assert text.startswith("usage: ")
    if name != "tokenplan":
        assert 2 <= len(job.examples) <= 3
        told = re.sub(r"\s+", " ", text[text.index("exit codes:") :])
        assert told.strip() == "exit codes: " + "; ".join(f"{code} {what}" for code, what in job.codes.items())


def test_commands_are_listed_by_the_order_of_work():
    text = parser().format_help()
    titles = re.findall(r"^(\w+):$", text, flags=re.MULTILINE)
    assert titles == [*GROUPS, "examples"]
    listed = re.findall(r"^  ([a-z-]+)  +\w", text, flags=re.MULTILINE)
    there = {name.removeprefix("tokenplan ") for name in COMMANDS if name.count(" ") == 1}
    assert listed == [name for names in GROUPS.values() for name in names if name in there]
    assert set(listed) == there


def test_only_commands_that_can_tell_them_have_further_codes():
    extra = {name: set(job.codes) - set(CODES) for name, job in COMMANDS.items()}
    can = {name.removeprefix("tokenplan "): codes for name, codes in extra.items() if codes}
    assert can == {"plan": {3}, "demo": {3}, "review": {4}, "alerts": {4}, "check": {4}, "approve": {4}}


def test_every_command_has_a_job_and_tells_what_its_options_are():
    for name, job in COMMANDS.items():
        if (run := job.get_default("run")) is not None:
            module, function = run.__qualname__.split(":")
            assert callable(getattr(import_module(f"scenarios.cli.{module}"), function)), name
        assert all(a.help or isinstance(a, argparse._SubParsersAction) for a in job._actions), name


def test_what_is_allowed_is_what_the_library_allows():
    assert set(options.MONEY) == set(typing.get_args(Money))


def test_a_command_line_that_says_nothing_is_answered_with_help(capsys):
    with pytest.raises(SystemExit) as left:
        main([])
    assert (left.value.code, capsys.readouterr().err) == (2, parser().format_help())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("plna plan.toml", "tokenplan: error: 'plna' is no command; did you mean 'plan'?"),
        ("trackrecord x", "did you mean 'track-record'?"),
        ("zzz", "tokenplan: error: 'zzz' is no command; tokenplan --help lists them"),
        (
            "plan plan.toml --limti 5",
            "tokenplan plan: error: --limti: there is no such option; did you mean '--limit'?",
        ),
        ("plan plan.toml --darws=5", "did you mean '--draws'?"),
        ("plan plan.toml other.toml", "tokenplan plan: error: other.toml: there is no such argument"),
        ("scenario shwo x", "tokenplan scenario: error: 'shwo' is no command; did you mean 'show'?"),
        ("scenario show x --strat 2027-01-01", "tokenplan scenario show: error: --strat"),
        ("plan plan.toml --output markdwon", "choose from table, csv, markdown; did you mean 'markdown'?"),
    ],
)
def test_what_is_misspelt_is_told_with_the_nearest_name(capsys, words, told):
    with pytest.raises(SystemExit) as left:
        main(words.split())
    err = capsys.readouterr().err
    assert left.value.code == 2
    assert told in err
    assert err.startswith("usage: tokenplan")
    assert len(err.splitlines()) <= 3


def test_the_command_is_a_module_too(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "scenarios", "--version"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert re.fullmatch(r"tokenplan \d+\.\d+\.\d+\n", run.stdout)


# --------------------------------------------------------------------------------------------------------- completion


def completions(folder: Path, line: str) -> list[str]:
    """What bash offers for the last word of a command line."""
    words = line.split(" ")
    code = (
        f"source script.bash\nCOMP_WORDS=({' '.join(map(shlex.quote, words))})\nCOMP_CWORD={len(words) - 1}\n"
        f"COMP_LINE={shlex.quote(line)}\nCOMP_POINT={len(line)}\n"
        f"_shtab_tokenplan tokenplan {shlex.quote(words[-1])} {shlex.quote(words[-2])}\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(["bash", "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return sorted(filter(None, done.stdout.splitlines()))


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shell")
    (folder / "script.bash").write_text(script("bash"), encoding="utf-8")
    for name in ("plan.toml", "usage.csv", "usage.parquet", "notes.md", "q1.tokenplan"):
        (folder / name).touch()
    (folder / "exports").mkdir()
    return folder


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("tokenplan pl", ["plan"]),
        ("tokenplan re", ["read", "reforecast", "review"]),
        ("tokenplan scenario ", ["compare", "list", "new", "show"]),
        ("tokenplan plan ", ["exports", "plan.toml"]),
        ("tokenplan review ", ["exports", "plan.toml", "q1.tokenplan"]),
        ("tokenplan review plan.toml u", ["usage.csv", "usage.parquet"]),
        ("tokenplan plan plan.toml --out ", ["exports"]),
        ("tokenplan plan plan.toml --output ", ["csv", "markdown", "table"]),
        ("tokenplan plan plan.toml --scenario pr", ["price-cut", "prompt-caching"]),
        ("tokenplan plan plan.toml --scenario pla", ["plan.toml"]),
        ("tokenplan scenario compare usage.csv spi", ["spikes"]),
        ("tokenplan forecast usage.csv --ho", ["--horizon"]),
        ("tokenplan prices gpt-5 --bo", []),  # what an option was called is not offered
        ("tokenplan completion ", sorted(SHELLS)),
    ],
)
def test_bash_completes(shell, line, offered):
    assert completions(shell, line) == offered


def test_bash_offers_every_command_and_every_scenario(shell):
    there = sorted(name.removeprefix("tokenplan ") for name in COMMANDS if name.count(" ") == 1)
    assert [word for word in completions(shell, "tokenplan ") if not word.startswith("-")] == there
    shipped = set(sc.shipped()["name"])
    assert shipped <= set(completions(shell, "tokenplan scenario show "))


@pytest.mark.parametrize("name", SHELLS)
def test_scripts_hold_for_their_shells(tmp_path, run_main, name):
    code, out = run_main("completion", name)
    assert code == 0
    (tmp_path / "script").write_text(out, encoding="utf-8")
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name} here to read its script")
    done = subprocess.run([name, "-n", tmp_path / "script"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def run_main(capsys):
    def command(*words: str) -> tuple[int, str]:
        return main(words), capsys.readouterr().out

    return command


# ------------------------------------------------------------------------------------------- the same words everywhere


def test_an_export_is_read_in_the_same_words_everywhere():
    reading = {
        "--format",
        "--rules",
        "--column",
        "--fill",
        "--grain",
        "--timezone",
        "--decimal",
        "--currency",
        "--rates",
    }
    by_name = {name: {o for a in job._actions for o in a.option_strings} for name, job in COMMANDS.items()}
    reads = {name for name, known in by_name.items() if known & reading}
    assert {name.removeprefix("tokenplan ") for name in reads} == {
        *("init", "template", "read", "forecast", "backtest", "scenario compare", "alerts", "allocate", "check"),
        *("review", "reforecast", "deep-dive"),
    }
    assert all(reading <= by_name[name] for name in reads)


@pytest.fixture
def two_currencies(tmp_path, monkeypatch):
    """An export in dollars and euros under other column names, and rates."""
    days = pd.date_range("2026-06-01", "2026-09-30")
    rows = [
        pd.DataFrame(
            {
                "day": days,
                "provider": "openai",
                "model": "gpt-5-mini",
                "environment": environment,
                "project": "search",
                "requests": 100,
                "input_tokens": 1e6,
                "output_tokens": 1e5,
                "billed_cost": 10.0,
                "currency": currency,
            }
        )
        for environment, currency in (("production", "USD"), ("test", "EUR"))
    ]
    pd.concat(rows).to_csv(tmp_path / "own.csv", index=False)
    pd.DataFrame({"currency": ["EUR"], "rate": ["1.20"], "base": ["USD"]}).to_csv(tmp_path / "rates.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return ["--column", "date=day", "--rates", "rates.csv", "--currency", "USD"]


def test_money_is_converted_wherever_usage_is_read(two_currencies, run_main):
    told = json.loads(run_main("read", "own.csv", *two_currencies, "--json")[1])
    assert told["currency"] == "USD"
    days = 122
    assert sum(row["billed_cost"] for row in told["totals"]) == pytest.approx(days * 10 * 2.20)
    told = json.loads(run_main("allocate", "own.csv", "--by", "environment", *two_currencies, "--json")[1])
    assert {row["environment"]: row["total"] for row in told["rows"]} == {"production": 1220.0, "test": 1464.0}
    out = run_main("template", "own.csv", *two_currencies)[1]
    Path("plan.toml").write_text(out.replace("draws = 10_000", "draws = 200"), encoding="utf-8")
    assert 'currency = "USD"\nrates = "rates.csv"' in out
    assert run_main("plan", "plan.toml", "--quiet")[0] == 0
    review = ("plan.toml", "own.csv", "--approved-on", "2026-08-31", "--as-of", "2026-09-25", "--quiet")
    Path("plan.toml").write_text(out.replace("2Q", "1M").replace("draws = 10_000", "draws = 200"), encoding="utf-8")
    assert run_main("review", *review)[0] == 0


def test_currencies_without_rates_are_refused_with_the_option(two_currencies, capsys):
    assert main(["read", "own.csv", "--column", "date=day"]) == 1
    assert "(here: --rates FILE --currency CODE)" in capsys.readouterr().err
    assert main(["read", "own.csv", "--column", "date=day", "--currency", "USD"]) == 1
    assert "(here: --rates FILE --currency CODE)" in capsys.readouterr().err


def test_alerts_with_a_plan_read_as_the_plan_file_does(two_currencies, capsys):
    (Path("plan.toml")).write_text(
        PLAN.replace(
            'file = "usage.csv"', 'file = "own.csv"\ncolumns = { date = "day" }\ncurrency = "USD"\nrates = "rates.csv"'
        ),
        encoding="utf-8",
    )
    assert main(["alerts", "own.csv", "--plan", "plan.toml", "--quiet"]) in (0, 4), capsys.readouterr().err
    assert main(["alerts", "own.csv", "--quiet"]) == 1
    assert "--column NAME=OWN" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------------ approval


def test_a_role_approves_within_its_band_alone(samples, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(samples)
    log = tmp_path / "log.jsonl"
    asked = ["approve", "plan.toml", "--policy", "policy.toml", "--approvals", str(log), "--on", "2026-11-20", "--as"]
    assert main([*asked, "team lead"]) == 4
    err = capsys.readouterr().err
    assert re.fullmatch(
        r"not approved: USD [\d,.]+ is beyond what team lead may approve by 'spend'; "
        r"chief financial officer or head of engineering may\n",
        err,
    )
    assert not log.exists()
    assert main([*asked, "teem lead"]) == 1
    assert "did you mean 'team lead'?" in capsys.readouterr().err
    assert main([*asked, "head of engineering"]) == 0
    assert sc.ApprovalLog(log).entries()["who"].tolist() == ["head of engineering"]


def test_a_role_of_one_environment_is_told_who_else_it_takes(samples, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(samples)
    narrow = (
        'name = "narrow"\ncurrency = "USD"\n[[approvers]]\nrole = "lead"\nupto = 9_000_000\n'
        'environments = ["development"]\n[[approvers]]\nrole = "board"\n'
    )
    (tmp_path / "narrow.toml").write_text(narrow, encoding="utf-8")
    asked = ["approve", "plan.toml", "--policy", str(tmp_path / "narrow.toml"), "--as", "lead"]
    assert main([*asked, "--approvals", str(tmp_path / "log.jsonl")]) == 0
    assert "note: for production it also takes board" in capsys.readouterr().err
