"""Splits in plan files: what they say is what is planned, and every problem is told with its key path."""

import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from scenarios.budget.planfile import read_plan_file
from tests.test_splits_of_plans import BOOK, hand_usage

PLAN = '[plan]\nhorizon = "1M"\ndraws = 100\n[usage]\nfile = "usage.csv"\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("splits")
    hand_usage().frame.to_csv(where / "usage.csv", index=False)
    return where


def read(folder, text):
    (folder / "plan.toml").write_text(PLAN + text, encoding="utf-8")
    return read_plan_file(folder / "plan.toml")


def problem(folder, text):
    with pytest.raises(fc.PlanError) as raised:
        read(folder, text)
    return str(raised.value)


def test_nested_splits_of_a_file_are_those_of_the_same_arguments(folder):
    file = read(
        folder,
        """
        [[components]]
        kind = "fixed"
        name = "base"
        monthly = 10
        [split]
        production = [0.50, 0.60]
        basis = "stochastic"
        [[splits]]
        by = "project"
        chat = { at_least = 0.3 }
        search = { at_most = 0.7 }
        shared = { base = { chat = 2, search = 1 }, "*" = "requests" }
        [[splits]]
        by = "user"
        basis = "recent"
        days = 30
        most = 3
        """,
    )
    splits = (
        sc.EnvironmentSplit(production=(0.5, 0.6), basis="stochastic"),
        sc.Split(
            "project",
            {"chat": (0.3, None), "search": (None, 0.7)},
            shared={"base": {"chat": 2, "search": 1}, "*": "requests"},
        ),
        sc.Split("user", basis="recent", days=30, most=3),
    )
    assert [s.describe() for s in file.split] == [s.describe() for s in splits]
    projection = file.project(file.usage.read())
    told, direct = (
        sc.plan(projection, prices=BOOK, components=file.components, split=s, draws=100) for s in (file.split, splits)
    )
    pd.testing.assert_frame_equal(told.table(["environment", "user"]), direct.table(["environment", "user"]))
    plan = file.plan(projection, BOOK)
    assert plan.policy().index.names == ["environment", "project", "user"]
    rows = plan.assumptions.loc[plan.assumptions["topic"] == "split", "assumption"].tolist()
    assert rows[0].startswith("production 50% to 60%; the rest by demand among the other environments; anywhere inside")
    assert rows[1].startswith("inside each environment, by project: chat at least 30%, search at most 70%")
    assert rows[2] == "inside each project, by user: by the cost of the last 30 days"
    assert rows[3].startswith("2 of 5 parts by user")


def test_a_plan_is_shown_by_what_it_is_split_by(folder):
    file = read(folder, '[[splits]]\nby = "user"\nbasis = "recent"\n[output]\nby = ["user"]\n')
    plan = file.plan(file.project(file.usage.read()), BOOK)
    assert plan.table(file.groups(plan)).index.tolist() == ["ann", "bob", "cid", "dee", "old", "unassigned"]


def test_a_part_that_is_named_like_a_key_stands_in_ranges(folder):
    file = read(folder, '[[splits]]\nby = "department"\nsales = 0.2\nranges = { by = [0.1, 0.2], ranges = 0.3 }\n')
    assert file.split.ranges == (("sales", 0.2, 0.2), ("by", 0.1, 0.2), ("ranges", 0.3, 0.3))
    file = read(folder, "[split]\nproduction = 0.6\nranges = { rest = 0.1 }\n")
    assert file.split.ranges == (("production", 0.6, 0.6), ("rest", 0.1, 0.1))
    # What a split over environments has no use for is an environment.
    assert read(folder, "[split]\nshared = [0.1, 0.2]\n").split.ranges == (("shared", 0.1, 0.2),)


def test_every_problem_is_told_at_once(folder):
    told = problem(
        folder,
        """
        [split]
        production = [0.9, 0.8]
        rest = "by demnd"
        [[splits]]
        by = "projct"
        chat = "half"
        [[splits]]
        sales = 0.3
        [[splits]]
        by = "user"
        basis = "recnt"
        days = 0
        shared = "requests"
        [[splits]]
        by = "department"
        shared = { base = "request" }
        """,
    )
    first, *lines = told.splitlines()
    expected = {
        "split.production": "swap them",
        "split.rest": "did you mean 'by demand'?",
        "splits[1].by": "did you mean 'project'?",
        "splits[1].chat": "wanted a share or a range",
        "splits[2]": "by is missing",
        "splits[3].basis": "did you mean 'recent'?",
        "splits[3].days": "wanted a whole number from 1",
        "splits[3].shared": "wanted a table by line",
        "splits[4]": "did you mean 'requests'?",
    }
    assert first.endswith(f"{len(expected)} problems")
    assert {line.strip().split(": ")[0] for line in lines} == set(expected)
    for path, words in expected.items():
        assert any(line.strip().startswith(f"{path}: ") and words in line for line in lines), (path, told)


WRONG = {
    "not a table": ("split = 0.5\n", "split: wanted a table, such as [split]"),
    "not a list": ('[splits]\nby = "user"\n', "splits: wanted a list of tables; write [[splits]]"),
    "not tables": ("splits = [1]\n", "splits[1]: wanted a table, such as [[splits]]"),
    "nothing named": ('[split]\nrest = "equally"\n', "split: name at least one environment"),
    "too much together": (
        '[[splits]]\nby = "project"\na = 0.6\nb = 0.6\n',
        "splits[1]: Split('project'): the low",
    ),
    "a part twice": (
        "[split]\nproduction = 0.6\nranges = { production = 0.5 }\n",
        "split.production: stands twice",
    ),
    "twice": ('[split]\na = 0.5\n[[splits]]\nby = "environment"\nb = 0.5\n', "splits: split: two are by 'environment'"),
    "a floor and more": (
        '[[splits]]\nby = "project"\na = { at_leest = 0.1 }\n',
        "splits[1].a: Split('project'): a =",
    ),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_does_not_hold_is_told(folder, text, message):
    # A key of the file's own, before its tables.
    where = text if text.startswith("[") else ""
    (folder / "plan.toml").write_text(("" if where else text) + PLAN + where, encoding="utf-8")
    with pytest.raises(fc.PlanError) as raised:
        read_plan_file(folder / "plan.toml")
    assert message in str(raised.value)
