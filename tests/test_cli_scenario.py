"""``tokenplan scenario``: those there are, what one assumes, a file to begin with, and what is asked wrongly."""

import json
import re
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from scenarios.changes import KINDS
from scenarios.cli import compare_job, main, scenario_job
from scenarios.files.scenario_file import shipped_scenarios

NEXT_QUARTER = (pd.Timestamp.today().to_period("Q") + 1).start_time

MINE = """\
title = "Launch of the assistant"
author = "FinOps"
source = "The pilot, 2026-03 to 2026-08."
date = 2026-11-20
description = "What the launch adds, and how sure that is: the pilot was small, and its teams were keen on it."
use = "price-cut"

[[changes]]
kind = "growth"
monthly = { p10 = 0.03, p90 = 0.08 }
where = { project = "search*" }

[[branches]]
weight = 0.75
name = "one product"

[[branches]]
weight = 0.25
name = "two products"
[[branches.changes]]
kind = "growth"
name = "second"
basis = "extra"
monthly = 0.02
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys):
    """Run the command here; returns its code, stdout and stderr."""

    def command(*arguments: str) -> tuple[int, str, str]:
        code = main(["scenario", *arguments])
        return code, *capsys.readouterr()

    return command


def documented(schema: str) -> set[str]:
    part = scenario_job.__doc__.split(schema)[1].split("JSON document")[0]
    return {name.strip() for group in re.findall(r"``([a-z_,\s]+)``", part) for name in group.split(",")}


# --------------------------------------------------------------------------------------------------------------- list


def test_the_shipped_scenarios_are_listed(run):
    code, out, err = run("list")
    head, *rows = out.splitlines()
    assert (code, head.split()) == (0, ["name", "title", "written", "description"])
    assert [row.split()[0] for row in rows] == list(shipped_scenarios())
    assert re.search(r"^standstill +Standstill +2026-11-23 +Nothing grows any more: volume stays", out, re.MULTILINE)
    assert err == "note: 'tokenplan scenario show NAME' tells what one assumes\n"


def test_the_list_in_other_forms(run):
    told = json.loads(run("list", "--json")[1])
    assert set(told) | set(told["rows"][0]) <= documented("tokenplan/scenarios/1")
    table = sc.shipped()
    assert [row["name"] for row in told["rows"]] == table["name"].tolist()
    assert {row["date"] for row in told["rows"]} == set(table["date"].dt.strftime("%Y-%m-%d"))
    frame = pd.read_csv(StringIO(run("list", "--output", "csv")[1]))
    assert frame["source"].tolist() == table["source"].tolist()
    assert run("list", "--output", "markdown")[1].splitlines()[1] == "| --- | --- | --- | --- |"


# --------------------------------------------------------------------------------------------------------------- show


def test_what_a_scenario_assumes_is_told_in_plain_words(folder, run):
    code, out, err = run("show", "mine.toml", "--start", "2027-01-01")
    assert (code, err) == (0, "")
    assert out == (
        """\
Launch of the assistant (mine)

What the launch adds, and how sure that is: the pilot was small, and its teams were keen on it.

It assumes:
- prices of all models change by -50.0% to -20.0% (P10-P90) from 2027-01-01, with a probability of
  50%
- volume of project search* grows by +3.0% to +8.0% (P10-P90) a month in all, in place of the
  forecast's own trend

In the branch 'one product', with a weight of 75%:
- nothing changes beside what all branches share

In the branch 'two products', with a weight of 25%:
- volume of all workloads grows by +2.0% a month on top of the forecast's trend

Source: The pilot, 2026-03 to 2026-08.
Written: 2026-11-20 by FinOps
Uses: price-cut
Days: start; start is 2027-01-01
File: mine.toml
"""
    )


def test_a_shipped_scenario_is_shown_from_the_next_quarter_on_unless_told(run):
    code, out, err = run("show", "price-cut")
    assert code == 0
    assert f"from {NEXT_QUARTER:%Y-%m-%d}, with a probability of 50%" in " ".join(out.split())
    assert out.endswith(f"Days: start; start is {NEXT_QUARTER:%Y-%m-%d}\nFile: ships with tokenplan\n")
    assert err == f"note: days are those of a plan from {NEXT_QUARTER:%Y-%m-%d}; --start gives another\n"
    assert run("show", "price-cut", "--quiet")[2] == ""
    assert "Days:" not in run("show", "standstill")[1]


def test_what_is_assumed_in_other_forms(folder, run):
    told = json.loads(run("show", "mine.toml", "--json", "--start", "2027-01-01")[1])
    assert set(told) | set(told["assumes"][0]) <= documented("tokenplan/scenario/1")
    assert (told["schema"], told["name"], told["author"]) == ("tokenplan/scenario/1", "mine", "FinOps")
    assert (told["uses"], told["start"], told["file"]) == ("price-cut", "2027-01-01", "mine.toml")
    rows = [(row["branch"], row["weight"]) for row in told["assumes"]]
    assert rows == [(None, 1.0), (None, 1.0), ("one product", 0.75), ("two products", 0.25)]
    assert json.loads(run("show", "standstill", "--json")[1])["start"] is None
    frame = pd.read_csv(StringIO(run("show", "mine.toml", "--output", "csv")[1]))
    assert list(frame) == ["branch", "weight", "assumption"]
    assert len(frame) == 4
    lines = run("show", "mine.toml", "--output", "markdown")[1].splitlines()
    assert lines[0] == "**Launch of the assistant** (mine)"
    assert (
        "| two products | 25.0% | volume of all workloads grows by +2.0% a month on top of the forecast's trend |"
        in lines
    )
    assert "| assumption |" in run("show", "standstill", "--output", "markdown")[1].splitlines()


def test_branches_below_branches_are_told_by_their_way_and_weight():
    inner = sc.Scenario("inner").tree([(0.5, sc.Scenario("a", [sc.Growth(monthly=0.1)])), (0.5, sc.Scenario("b"))])
    table = scenario_job.assumptions_of(sc.Scenario("s").tree([(0.4, inner), (0.6, sc.Scenario("c"))]))
    assert table["branch"].tolist() == ["inner / a", "inner / b", "c"]
    assert table["weight"].tolist() == pytest.approx([0.2, 0.2, 0.6])
    empty = scenario_job.assumptions_of(sc.Scenario())
    assert empty["assumption"].tolist() == ["nothing changes but what is forecast"]


# ---------------------------------------------------------------------------------------------------------------- new


def test_a_new_file_holds_as_it_is_and_with_every_key_in_use(folder, run):
    code, out, err = run("new", "own.toml")
    assert (code, out) == (0, "")
    assert err == "note: wrote own.toml; 'tokenplan scenario show own.toml' tells what it assumes\n"
    made = sc.load("own.toml")
    assert made.changes == (sc.Growth(monthly=sc.between(0.02, 0.05)),)
    assert run("show", "own.toml")[0] == 0
    text = Path("own.toml").read_text(encoding="utf-8")
    assert f"date = {pd.Timestamp.today():%Y-%m-%d} " in text
    whole = re.sub(r"^#(?=[\[a-z])", "", text, flags=re.MULTILINE)
    Path("whole.toml").write_text(whole, encoding="utf-8")
    every = sc.load("whole.toml", start="2027-01-01")
    assert [branch.name for _, branch in every.branches] == ["no second product", "a second product"]
    assert len(every.changes) == 3  # two, after the one of price-cut
    assert every.dependence
    for kind in KINDS:
        assert re.search(rf"^# {kind}: [A-Z]", text, re.MULTILINE)


@pytest.mark.parametrize("name", shipped_scenarios())
def test_a_new_file_starts_from_a_shipped_scenario(folder, run, name):
    assert run("new", "own.toml", "--from", name)[0] == 0
    own, shipped = sc.load("own.toml", start="2027-01-01"), sc.load(name, start="2027-01-01")
    assert (own.name, own.changes) == ("own", shipped.changes)
    assert Path("own.toml").read_text(encoding="utf-8").startswith(f"# Made from {name}, which ships with tokenplan 0.")


def test_a_file_that_is_there_is_overwritten_only_by_force(folder, run):
    code, out, err = run("new", "mine.toml")
    assert (code, out) == (1, "")
    assert err == "error: mine.toml: is there already; --force overwrites it\n"
    assert Path("mine.toml").read_text(encoding="utf-8") == MINE
    assert run("new", "mine.toml", "--force", "--quiet") == (0, "", "")
    assert sc.load("mine.toml").changes == (sc.Growth(monthly=sc.between(0.02, 0.05)),)


# ------------------------------------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "pricecut"), "did you mean 'price-cut'?"),
        (("show", "mien.toml"), "did you mean 'mine.toml'?"),
        (("show", "mine"), "for the file write 'mine.toml'"),
        (("show", "./"), "is a folder"),
        (("new", "own"), "write 'own.toml'"),
        (("new", "own.toml", "--from", "stedy-growth"), "did you mean 'steady-growth'?"),
        (("new", "folder.toml"), "is a folder"),
        (("new", "none/own.toml"), "none/own.toml cannot be written: there is no folder none"),
    ],
)
def test_what_is_wrong_is_told_in_one_message(folder, run, arguments, words):
    (folder / "folder.toml").mkdir()
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert words in err
    assert not Path("own.toml").exists()


@pytest.mark.parametrize(
    "arguments", [(), ("lst",), ("show",), ("new",), ("show", "price-cut", "--start", "soon"), ("list", "price-cut")]
)
def test_a_wrong_command_line_leaves_with_2(capsys, arguments):
    with pytest.raises(SystemExit) as left:
        main(["scenario", *arguments])
    assert left.value.code == 2
    assert "usage: tokenplan" in capsys.readouterr().err


def test_a_plan_takes_a_scenario_file_in_place_of_its_own(folder, capsys):
    days = pd.date_range("2026-06-01", "2026-10-31")
    pd.DataFrame(
        {
            "date": days,
            "provider": "openai",
            "model": "gpt-5-mini",
            "project": "search",
            "requests": 9,
            "input_tokens": 1e6,
        }
    ).to_csv("usage.csv", index=False)
    Path("plan.toml").write_text('[plan]\nhorizon = "1Q"\ndraws = 200\n[usage]\nfile = "usage.csv"\n', encoding="utf-8")
    assert main(["plan", "plan.toml", "--scenario", "mine.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scenario"] == "mine"
    Path("mine.toml").write_text(MINE.replace("0.25", "0.5"), encoding="utf-8")
    assert main(["plan", "plan.toml", "--scenario", "mine.toml"]) == 1
    assert capsys.readouterr().err == "error: mine.toml: tree: the weights sum to 1.25, not to 1\n"


# ------------------------------------------------------------------------------------------------------------ compare


@pytest.fixture
def usage(folder):
    """A million tokens a day at 1.00 a million, without noise or trend, in each of two projects."""
    days = pd.date_range("2026-06-01", "2026-10-31")
    keys = {"date": days, "provider": "p", "model": "m", "requests": 1_000, "input_tokens": 1e6}
    pd.concat([pd.DataFrame({**keys, "project": name}) for name in ("search", "chat")]).to_csv("usage.csv", index=False)
    pd.DataFrame({"model": ["m"], "unit": ["input_tokens"], "price": [1.0]}).to_csv("prices.csv", index=False)
    write = {
        "dearer.toml": ("price_change", 'on = "start"\nby = 0.5'),
        "half.toml": ("price_change", 'on = "start"\nby = -0.5'),
    }
    for name, (kind, keys_of) in write.items():
        text = f'title = "T"\nsource = "S"\ndescription = ""\n[[changes]]\nkind = "{kind}"\n{keys_of}\n'
        (folder / name).write_text(text, encoding="utf-8")
    return folder


COMPARED = (
    "compare",
    "usage.csv",
    "dearer.toml",
    "half.toml",
    "--prices",
    "prices.csv",
    "--horizon",
    "1Q",
    "--lag",
    "0",
)
FEW = ("--draws", "100", "--model", "run_rate")


def test_scenarios_are_compared_in_the_same_worlds(usage, run):
    code, out, err = run(*COMPARED, *FEW)
    title, _, *lines = out.splitlines()
    assert code == 0
    assert title == "USD, 2027-01-01 to 2027-03-31, as of 2026-10-31; beside 'as forecast' in the same 100 worlds"
    # 90 days of two million tokens at 1.00 are 180; half as much again and half of it are 270 and 90
    assert [line.split() for line in lines] == [
        ["scenario", "mean", "P10", "P50", "P80", "P90", "more", "by", "its", "P10", "its", "P90", "cheaper"],
        ["as", "forecast", "180.00", "180.00", "180.00", "180.00", "180.00", "0.00", "0.00", "0.00", "0.0%"],
        ["dearer", "270.00", "270.00", "270.00", "270.00", "270.00", "90.00", "90.00", "90.00", "0.0%"],
        ["half", "90.00", "90.00", "90.00", "90.00", "90.00", "-90.00", "-90.00", "-90.00", "100.0%"],
    ]
    assert "days between the history and the plan are forecast but not planned" in err


def test_a_comparison_as_json_holds_what_its_documentation_lists(usage, run):
    told = json.loads(run(*COMPARED, *FEW, "--json", "--seed", "3")[1])
    names = {n.strip() for g in re.findall(r"``([a-z_0-9,\s]+)``", compare_job.__doc__) for n in g.split(",")}
    assert set(told) | set(told["rows"][0]) <= names
    assert (told["schema"], told["seed"], told["draws"], told["files"]) == ("tokenplan/compare/1", 3, 100, [])


def test_the_base_is_another_scenario_where_one_is_named(usage, run):
    arguments = (
        "compare",
        "usage.csv",
        "dearer.toml",
        "steady-growth",
        "--base",
        "half.toml",
        "--prices",
        "prices.csv",
    )
    told = json.loads(run(*arguments, "--horizon", "1Q", *FEW, "--json", "--seed", "3")[1])
    assert told["base"] == "half"
    projection = fc.project(fc.read_usage("usage.csv"), horizon="1Q", by=["project"], model="run_rate", seed=3)
    start = projection.span.start
    direct = sc.compare(
        projection,
        [sc.load("dearer.toml", start=start), sc.load("steady-growth")],
        base=sc.load("half.toml", start=start),
        prices=fc.PriceBook.read("prices.csv"),
        draws=100,
        seed=3,
    ).table()
    for row in told["rows"]:
        for column in direct.columns:
            assert row[column] == pytest.approx(direct.loc[row["scenario"], column], abs=0.006), (row, column)
    frame = pd.read_csv(StringIO(run(*arguments, "--horizon", "1Q", *FEW, "--output", "csv", "--seed", "3")[1]))
    assert frame["mean"].tolist() == [row["mean"] for row in told["rows"]]
    lines = run(*arguments, "--horizon", "1Q", *FEW, "--output", "markdown")[1].splitlines()
    assert lines[0].startswith("**USD, 2027-01-01 to 2027-03-31")
    # of the growth, requests are told: volume is another
    assert lines[2].startswith("| scenario | mean |")
    assert "| requests |" in lines[2]


def test_out_writes_tables_chart_and_a_waterfall_a_scenario(usage, run):
    (usage / "odd.toml").write_text(MINE.replace("use =", 'name = "a/b: c"\nuse ='), encoding="utf-8")
    code, _, err = run(*COMPARED[:4], "odd.toml", *COMPARED[4:], *FEW, "--out", "made/here")
    written = {path.name: path.read_bytes() for path in Path("made/here").iterdir()}
    charts = {"scenarios.png", "waterfall-dearer.png", "waterfall-half.png", "waterfall-a-b-c.png"}
    assert code == 0
    assert set(written) == {"compare.csv", "bridge.csv", *charts}
    assert all(written[name].startswith(b"\x89PNG") for name in charts)
    assert all(f"note: wrote {Path('made/here') / name}" in err for name in written)
    steps = pd.read_csv(StringIO(written["bridge.csv"].decode())).set_index("scenario").loc["dearer"]
    assert steps["step"].tolist() == ["as forecast", "price", "dearer"]
    assert steps["mean"].tolist() == pytest.approx([180, 90, 270])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("usge.csv", "half.toml"), "did you mean 'usage.csv'?"),
        (("usage.csv", "hlf.toml"), "did you mean 'half.toml'?"),
        (("usage.csv", "half.toml", "half.toml"), "two scenarios are called 'half'"),
        (("usage.csv", "half.toml", "--base", "half.toml"), "two scenarios are called 'half'"),
        (("usage.csv", "half.toml"), "1 price is unknown"),
        (("usage.csv", "half.toml", "--prices", "none.csv"), "none.csv"),
        (("usage.csv", "half.toml", "--horizon", "soon"), "horizon 'soon' cannot be read"),
        (("usage.csv", "mine.toml", "--prices", "prices.csv", "--by", "segment"), "segment"),
        (("usage.csv", "half.toml", "--prices", "prices.csv", "--out", "usage.csv"), "usage.csv: is a file"),
    ],
)
def test_what_cannot_be_compared_is_told(usage, run, arguments, words):
    code, out, err = run("compare", *arguments, *FEW)
    assert (code, out) == (1, "")
    assert words in err
    assert "Traceback" not in err


def test_files_are_called_after_their_scenarios_each_its_own_way():
    names = ("a", "a/b", "a b", "…", "../etc", "a-b~2", "A")
    found = compare_job._file_names(names)
    assert len({name.lower() for name in found.values()}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._~-]*", name) for name in found.values())
