"""Scenario files: what they say is what is assumed, every problem is told at once, and what is written comes back."""

import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Literal, Union, get_args, get_origin, get_type_hints

import pandas as pd
import pytest
import scipy.stats
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import forecast as fc
import scenarios as sc
from forecast import schema
from forecast.errors import PlanError, ScenarioError
from forecast.prices import billing
from forecast.prices.billing import PricingRule
from forecast.ranges import Between, Uncertain
from scenarios.budget.planfile import read_plan_file
from scenarios.changes import KINDS, Change, kind_of
from scenarios.dependence import CommonFactor, RankCorrelation
from scenarios.files.days import resolved
from scenarios.files.hints import required, shape_of, shapes_of
from scenarios.files.kinds import CHANGES, ENTRY_POINTS
from scenarios.files.scenario_file import scenario_source

LIBRARY = Path(__file__).parents[1] / "scenarios" / "library"
START = pd.Timestamp("2027-01-01")
HEAD = 'title = "Mine"\nsource = "The pilot."\ndescription = "Why."\n'
GROWTH = '[[changes]]\nkind = "growth"\nmonthly = 0.05\n'
CUT = '[[changes]]\nkind = "price_change"\non = "start"\nby = -0.1\n'


@pytest.fixture
def write(tmp_path):
    def written(text: str, name: str = "mine.toml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return written


def refused(path: Path, **options: object) -> str:
    with pytest.raises(ScenarioError) as raised:
        sc.load(path, **options)
    return str(raised.value)


# --------------------------------------------------------------------------------------------------- what a file says


def test_a_file_is_the_scenario_that_the_same_arguments_make(write):
    path = write(
        """
        title = "Launch of the assistant"
        author = "FinOps"
        source = "The pilot, 2026-03 to 2026-08."
        date = 2026-11-20
        description = "What the launch adds."
        [[changes]]
        kind = "growth"
        monthly = { p10 = 0.03, p90 = 0.08 }
        where = { project = "search*" }
        [[changes]]
        kind = "price_change"
        model = "gpt-5*"
        on = 2027-02-01
        by = -0.25
        probability = 0.5
        per = "model"
        """,
        "launch.toml",
    )
    growth = sc.Growth(monthly=sc.between(0.03, 0.08), where={"project": "search*"})
    cut = sc.PriceChange(model="gpt-5*", on="2027-02-01", by=-0.25, probability=0.5, per="model")
    assert sc.load(path) == sc.Scenario("launch", [growth, cut], "What the launch adds.")
    assert sc.load(str(path)) == sc.load(path, start="2027-01-01")
    told = scenario_source(path)
    assert (told.title, told.author, told.date) == ("Launch of the assistant", "FinOps", "2026-11-20")
    assert told.source == "The pilot, 2026-03 to 2026-08."


def test_a_file_may_give_its_name_and_change_nothing(write):
    assert sc.load(write(HEAD + 'name = "as planned"\nchanges = []\n')) == sc.Scenario("as planned", [], "Why.")


@pytest.mark.parametrize(
    ("told", "day"),
    [
        ("start", "2027-01-31"),
        ("start+30d", "2027-03-02"),  # 28 days of February, and two of March
        ("start + 1 day", "2027-02-01"),
        ("start-2w", "2027-01-17"),
        ("start + 2 weeks", "2027-02-14"),
        ("start+1m", "2027-02-28"),  # February has no 31st
        ("start + 2 months", "2027-03-31"),
        ("start+1q", "2027-04-30"),
        ("start - 1 quarter", "2026-10-31"),
        ("start + 1 year", "2028-01-31"),
        ("start+13y", "2040-01-31"),
        ("2027-05-06", "2027-05-06"),
    ],
)
def test_days_are_told_from_the_plans_first(write, told, day):
    assert resolved(told, pd.Timestamp("2027-01-31")) == pd.Timestamp(day)
    path = write(HEAD + CUT.replace('"start"', f'"{told}"'))
    assert sc.load(path, start="2027-01-31").changes[0].on == pd.Timestamp(day)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("begin", "'begin': wanted a date, such as 2027-02-01, or 'start'"),
        ("start+", "wanted a date"),
        ("start + one month", "wanted a date"),
        ("start + 1.5 months", "wanted a date"),
        ("start+3h", "wanted a date"),
        ("starting", "wanted a date"),
        ("start + 51 years", "more than 50 years from the start"),
        ("start - 99999d", "more than 50 years from the start"),
        ("2027-02-30", "wanted a date"),
        ("1.2.2027", "wanted a date"),
    ],
)
def test_a_day_that_is_none_is_refused(write, told, words):
    told = refused(write(HEAD + CUT.replace('"start"', f'"{told}"')), start="2027-01-01")
    assert "changes[1].on: " in told
    assert words in told


def test_the_plans_first_day_must_be_known_where_days_count_from_it(write):
    path = write(HEAD + GROWTH + CUT + CUT.replace('"start"', '"start + 2m"\nname = "later"'))
    assert refused(path) == (
        f"{path}: 'start', 'start + 2m' are told from the plan's first day; say which that is: start=\"2027-01-01\""
    )
    assert "start = 'soon' is not a date" in refused(path, start="soon")


@dataclass(frozen=True)
class Window:
    """Between two days, for the tests of files."""

    start: str | pd.Timestamp
    end: str | pd.Timestamp
    name: str | None = None
    key = "window"
    stage = step = "volume"

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", pd.Timestamp(self.start))
        object.__setattr__(self, "end", pd.Timestamp(self.end))
        if self.end < self.start:
            raise ScenarioError("Window: ends before it starts")

    def describe(self) -> str:
        return "a window"

    def act(self, flows, scene):
        return flows


def test_a_change_between_a_date_and_a_day_from_the_start_waits_for_the_first_day(write, monkeypatch):
    monkeypatch.setitem(KINDS, "window", Window)
    text = HEAD + '[[changes]]\nkind = "window"\nstart = 2027-03-01\nend = "start + 6 months"\n'
    assert sc.load(write(text), start="2027-01-01").changes[0].end == pd.Timestamp("2027-07-01")
    assert "are told" not in refused(write(text))
    assert "Window: ends before it starts" in refused(write(text), start="2026-06-01")
    # what can be said without the day is said at once
    assert "changes[1]: end is missing" in refused(write(text.replace("end =", "#end =")))
    assert "Window: ends before it starts" in refused(write(text.replace("start = 2027-03-01", 'start = "start+7m"')))


# --------------------------------------------------------------------------------------------------- what differs only


def test_a_file_uses_another_and_says_only_what_differs(write):
    write(HEAD + GROWTH + CUT, "base.toml")
    own = (
        '[[changes]]\nkind = "growth"\nmonthly = 0.08\n[[changes]]\nkind = "growth"\nbasis = "extra"\nmonthly = 0.01\n'
    )
    made = sc.load(write(HEAD + 'use = "./base.toml"\n' + own, "more.toml"), start=START)
    assert made.name == "more"
    # the growth is the same thing by another size and takes its place; the other growth is added
    assert made.changes == (
        sc.Growth(monthly=0.08),
        sc.PriceChange(on=START, by=-0.1),
        sc.Growth(monthly=0.01, basis="extra"),
    )
    third = sc.load(write(HEAD + 'use = "more.toml"\n' + CUT.replace("-0.1", "0.2"), "third.toml"), start=START)
    assert third.changes == (made.changes[0], sc.PriceChange(on=START, by=0.2), made.changes[2])


def test_a_file_uses_a_shipped_scenario(write):
    made = sc.load(write(HEAD + 'use = "steady-growth"\n'))
    assert made.changes == sc.load("steady-growth").changes
    assert (made.name, made.description) == ("mine", "Why.")


def test_what_is_used_must_be_there_and_not_itself(write):
    assert "did you mean 'price-cut'?" in refused(write(HEAD + 'use = "pricecut"\n'))
    assert "there is no such file" in refused(write(HEAD + 'use = "gone.toml"\n'))
    write(HEAD + 'use = "mine.toml"\n', "other.toml")
    told = refused(write(HEAD + 'use = "other.toml"\n'))
    assert "uses itself, by way of mine.toml and other.toml" in told
    write(HEAD + GROWTH.replace("0.05", '"fast"'), "other.toml")
    assert "use: " in (told := refused(write(HEAD + 'use = "other.toml"\n')))
    assert "changes[1].monthly: 'fast': wanted a number" in told


def test_a_change_that_stands_twice_in_one_file_is_refused(write):
    assert "stands twice" in refused(write(HEAD + GROWTH + GROWTH.replace("0.05", "0.06")))


# ------------------------------------------------------------------------------------------- branches and dependence

TREE = (
    HEAD
    + CUT
    + """
[[dependence]]
kind = "common_factor"
name = "market"
loadings = { price_change = 0.5 }
[[branches]]
weight = 0.6
use = "standstill"
[[branches]]
weight = 0.4
name = "boom"
description = "A second product."
[[branches.changes]]
kind = "growth"
name = "first"
monthly = { p10 = 0.05, p90 = 0.09 }
[[branches.changes]]
kind = "growth"
name = "second"
basis = "extra"
monthly = { p10 = 0.01, p90 = 0.02 }
[[branches.dependence]]
kind = "rank_correlation"
pairs = [["first", "second", 0.5]]
"""
)


def test_branches_are_those_of_a_tree(write):
    still = sc.Scenario("standstill", sc.load("standstill").changes, sc.load("standstill").description)
    boom = sc.Scenario(
        "boom",
        [
            sc.Growth(monthly=sc.between(0.05, 0.09), name="first"),
            sc.Growth(monthly=sc.between(0.01, 0.02), name="second", basis="extra"),
        ],
        "A second product.",
        dependence=[RankCorrelation({("first", "second"): 0.5})],
    )
    trunk = sc.Scenario(
        "mine", [sc.PriceChange(on=START, by=-0.1)], "Why.", dependence=[CommonFactor("market", {"price_change": 0.5})]
    )
    expected = trunk.tree([(0.6, still), (0.4, boom)])
    assert sc.load(write(TREE), start=START) == expected
    # used by another file, its branches stay, and what differs is laid over what all of them share
    more = sc.load(write(HEAD + 'use = "mine.toml"\n' + CUT.replace("-0.1", "-0.2"), "more.toml"), start=START)
    assert more.branches == expected.branches
    assert more.changes == (sc.PriceChange(on=START, by=-0.2),)
    assert more.dependence == expected.dependence


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("weight = 0.4", "weight = 0.5", "the weights sum to 1.1, not to 1"),
        ("weight = 0.4", "", "branches[2]: weight is missing"),
        ("weight = 0.4", 'weight = "much"', "branches[2].weight: 'much': wanted a number"),
        ("weight = 0.4", "wieght = 0.4", "branches[2].wieght: is not a key; did you mean 'weight'?"),
        ('name = "boom"', "", "branches[2]: name is missing"),
        ("0.09", '"x"', "branches[2].changes[1].monthly: "),
        ('"standstill"', '"standstil"', "branches[1].use: scenario 'standstil' is not known"),
        ('"first", "second", 0.5', '"first", 0.5', "branches[2].dependence[1].pairs: [1]: "),
        ('"first", "second", 0.5', '"first", "secnd", 0.5', "did you mean 'second'?"),
        ('"first", "second", 0.5', '"first", "second", 3', "a correlation lies from -1 to 1"),
        ("common_factor", "comon_factor", "dependence[1]: kind 'comon_factor' is not known"),
        ("[[branches.changes]]", "[branches.changes]", "not well-formed TOML"),
    ],
)
def test_what_does_not_hold_in_a_branch_is_told_with_its_place(write, old, new, words):
    assert old in TREE
    assert words in refused(write(TREE.replace(old, new, 1)), start=START)


# ------------------------------------------------------------------------------------------------ what does not hold


def test_every_problem_is_told_at_once(write):
    path = write(
        """
        titel = "Mine"
        source = ""
        date = "soon"
        [[changes]]
        kind = "growht"
        [[changes]]
        kind = "growth"
        monthly = true
        [[changes]]
        kind = "growth"
        monthly = { p10 = 0.2, p90 = 0.1 }
        [[changes]]
        kind = "price_change"
        by = "half"
        probabilty = 0.5
        [[branches]]
        weight = 1
        """
    )
    first, *lines = refused(path).splitlines()
    expected = {
        "titel": "did you mean 'title'?",
        "source": "wanted text in quotes",
        "date": "'soon': wanted a date",
        "title": "is missing: a scenario says what it is",
        "description": "is missing",
        "changes[1]": "did you mean 'growth'?",
        "changes[2].monthly": "True: wanted a number",
        "changes[3].monthly": "the low end is above the high end; swap them",
        "changes[4].by": "'half': wanted a number",
        "changes[4].probabilty": "did you mean 'probability'?",
        "branches[1]": "name is missing",
    }
    assert first == f"{path}: {len(expected)} problems"
    assert {line.strip().split(": ")[0] for line in lines} == set(expected)
    for place, words in expected.items():
        assert any(line.strip().startswith(f"{place}: ") and words in line for line in lines), (place, lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD, "changes: is missing: write [[changes]] before each change"),
        (HEAD + "changes = 3\n", "changes: wanted a list of tables; write [[changes]]"),
        (HEAD + "changes = [3]\n", "changes[1]: 3: wanted a table with kind ="),
        (HEAD + "use = 3\n", "use: 3: wanted text in quotes"),
        (HEAD + "date = 2026-02-30\n" + GROWTH, "not well-formed TOML"),
        (HEAD + 'date = "2026-02-30"\n' + GROWTH, "date: '2026-02-30': wanted a date"),
        ("title = \n", "not well-formed TOML"),
        (HEAD + GROWTH.replace("0.05", "5"), "for 5 % write 0.05"),
    ],
)
def test_what_does_not_hold_is_told(write, text, words):
    path = write(text)
    told = refused(path)
    assert told.startswith(f"{path}: ")
    assert words in told


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("pricecut", "'price-cut'"),
        ("nowhere/mine.toml", "there is no such file"),
        (".", "is not known"),
        ("./", "is a folder"),
        ("", "wanted the path"),
        (None, "wanted the path"),
        (3, "wanted the path"),
    ],
)
def test_what_is_not_there_is_told(source, words):
    assert words in refused(source)


def test_a_file_named_without_its_ending_is_told(write, monkeypatch, tmp_path):
    write(HEAD + GROWTH)
    monkeypatch.chdir(tmp_path)
    assert "for the file write 'mine.toml'" in refused("mine")
    assert sc.load("mine.toml").name == "mine"


def test_a_plan_file_has_the_same_tables_and_errors_of_its_own(write):
    write("date,model,requests,input_tokens\n2026-10-01,gpt-5,1,10\n", "usage.csv")
    plan = '[plan]\nhorizon = "1Q"\n[usage]\nfile = "usage.csv"\n[scenario]\n'
    write(TREE)
    told = read_plan_file(write(plan + 'use = "./mine.toml"\n', "plan.toml")).scenario
    assert told.scenario(START).changes == sc.load(write(TREE), start=START).changes
    with pytest.raises(PlanError) as raised:
        read_plan_file(write(plan + 'use = "gone.toml"\n[[scenario.branches]]\nweight = 2\n', "plan.toml"))
    for words in ("scenario.use: ", "there is no such file", "scenario.branches[1]: name is missing"):
        assert words in str(raised.value)
    with pytest.raises(PlanError, match=r"scenario: tree: the weight of 'a' is 2"):
        read_plan_file(write(plan + '[[scenario.branches]]\nweight = 2\nname = "a"\n', "plan.toml"))


# ------------------------------------------------------------------------------------------------------ what is shipped


def test_the_shipped_scenarios_are_the_files_of_the_library():
    table = sc.shipped()
    assert list(table) == ["name", "title", "description", "source", "date"]
    assert table["name"].tolist() == sorted(path.stem for path in LIBRARY.glob("*.toml"))
    assert not table.isna().any(axis=None)
    assert str(table["date"].dtype).startswith("datetime64")


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.toml")), ids=lambda p: p.stem)
def test_a_shipped_scenario_loads_by_its_name_and_comes_back(path, tmp_path):
    made = sc.load(path.stem, start=START)
    assert made.name == path.stem
    assert made == sc.load(path, start=START)
    (tmp_path / "again.toml").write_text(sc.dump(made), encoding="utf-8")
    assert sc.load(tmp_path / "again.toml") == made


# ----------------------------------------------------------------------------------------------------- fields by hints


@dataclass(frozen=True)
class Part:
    """A part of a change."""

    share: float
    from_day: pd.Timestamp | None = None


Word = Literal["fast", "slow"]
HINTS = [
    (str, "a", "a", 3),
    (bool, True, True, 1),
    (int, 3, 3, 2.5),
    (float, 0.5, 0.5, "0.5"),
    (float | None, 2, 2, True),
    (Word, "slow", "slow", "slwo"),
    (Uncertain, {"p10": 0.1, "p90": 0.2}, Between(0.1, 0.2), {"p10": 0.1}),
    (Uncertain | None, 0.3, 0.3, "0.3"),
    (str | pd.Timestamp, "start+1m", pd.Timestamp("2027-02-01"), "start+1x"),
    (tuple[str, ...], ["a", "b"], ("a", "b"), "a"),
    (Sequence[Word], ["fast"], ("fast",), ["fats"]),
    (Mapping[str, str], {"project": "x*"}, {"project": "x*"}, {"project": 3}),
    (Mapping[str, Uncertain], {"m": {"p10": 1, "p90": 2}}, {"m": Between(1, 2)}, {"m": "1"}),
    (Uncertain | Mapping[str, Uncertain], {"m": 0.5}, {"m": 0.5}, {"m": "x"}),
    (str | tuple[str, ...], "a", "a", [1]),
    (str | tuple[str, ...], ["a"], ("a",), 1),
    (
        tuple[tuple[str | pd.Timestamp, float], ...],
        [{"date": "2027-02-01", "value": 0.3}, ["start", 0.5]],
        ((pd.Timestamp("2027-02-01"), 0.3), (START, 0.5)),
        [{"date": "2027-02-01", "valu": 0.3}],
    ),
    (Mapping[pd.Timestamp, float], {"start + 1q": 0.3}, {pd.Timestamp("2027-04-01"): 0.3}, {"soon": 0.3}),
    (Mapping[tuple[str, str], float], [["a", "b", 0.3]], {("a", "b"): 0.3}, [["a", 0.3]]),
    (
        tuple[Part, ...],
        [{"share": 0.3, "from_day": "start"}],
        (Part(0.3, START),),
        [{"from_day": "start"}],
    ),
    (Part | None, {"share": 1}, Part(1), {"share": 1, "to_day": 3}),
]


@pytest.mark.parametrize(("hint", "told", "made", "wrong"), HINTS, ids=lambda v: str(v)[:40])
def test_a_field_takes_what_its_hint_says(hint, told, made, wrong):
    shape = shape_of(hint)
    assert shape.wrong(told) is None
    assert shape.made(told, lambda day: resolved(day, START)) == made
    assert shape.wrong(wrong)
    assert shape.wrong(object())


@dataclass(frozen=True)
class Billed(Window):
    """A change that holds pricing rules, which it makes of tables."""

    rules: tuple[PricingRule, ...] = ()

    def __post_init__(self) -> None:
        Window.__post_init__(self)
        tables = [rule for rule in self.rules if isinstance(rule, dict)]
        object.__setattr__(self, "rules", fc.read_pricing_rules(tables) if tables else tuple(self.rules))


def test_pricing_rules_are_tables_of_their_kind_and_come_back(write, monkeypatch):
    monkeypatch.setitem(KINDS, "billed", Billed)
    text = (
        HEAD
        + """
        [[changes]]
        kind = "billed"
        start = "start"
        end = "start + 1 year"
        [[changes.rules]]
        kind = "credits"
        name = "prepaid"
        purchases = [{ on = "start + 1m", worth = 1_000, paid = 900, expires = 2027-12-31 }]
        [[changes.rules]]
        kind = "spend_tiers"
        name = "volume"
        tiers = [[0, 0.0], [5_000, 0.1]]
        [[changes.rules]]
        kind = "commitment"
        name = "floor"
        amount = 500
        on = "usage"
        start = 2027-02-01
        """
    )
    made = sc.load(write(text), start=START)
    bought = [billing.Purchase(date(2027, 2, 1), 1_000, 900, date(2027, 12, 31))]
    assert made.changes[0].rules == (
        billing.Credits("prepaid", tuple(bought)),
        billing.SpendTiers("volume", ((0, 0.0), (5_000, 0.1))),
        billing.Commitment("floor", 500, on="usage", start=date(2027, 2, 1)),
    )
    assert sc.load(write(sc.dump(made))) == made
    told = refused(write(text.replace('kind = "credits"', "")), start=START)
    assert "changes[1].rules: [1]: " in told
    assert "wanted a table with a kind" in told
    assert "kind = 'credit' is not known" in refused(write(text.replace('"credits"', '"credit"')), start=START)


def test_what_no_file_can_hold_is_told():
    assert "cannot be given in a file (it takes DataFrame); give it in Python" in (
        shape_of(pd.DataFrame).wrong(3) or ""
    )


@pytest.mark.parametrize(
    ("hint", "value", "words"),
    [
        (Uncertain | Mapping[str, Uncertain], "x", "wanted a number, or a range {p10 = .., p90 = ..}, or a table"),
        (tuple[str, ...], ["a", 3], "[2]: 3: wanted text in quotes"),
        (tuple[tuple[pd.Timestamp, float], ...], [3], "[1]: 3: wanted a day and a value, such as {date = 2027-02-01"),
        (Part, {"share": 1, "from_dya": 3}, "from_dya: is not a key; did you mean 'from_day'?"),
        (Part, {}, "share is missing"),
        (Part, 3, "3: wanted a table of share, from_day"),
    ],
)
def test_what_a_field_does_not_take_is_told(hint, value, words):
    assert words in (shape_of(hint).wrong(value) or "")


# ------------------------------------------------------------------------------------------------------- and back again

#: Letters that a TOML string must escape, and some that it need not.
LETTERS = st.sampled_from(list('ab-_*. "\\\n\t\x01\x7fä’雪😀#=[]{}'))
WORDS = st.text(LETTERS, min_size=1, max_size=6).filter(lambda text: text.strip())
#: Between a rate, a share and an amount: most fields take these.
NUMBERS = st.floats(0.01, 0.4, allow_subnormal=False)
DATES = st.dates(pd.Timestamp("2026-01-01").date(), pd.Timestamp("2031-12-31").date()).map(pd.Timestamp)
#: Kinds whose fields depend on one another so much that drawing them one by one hardly ever holds.
OWN: dict[str, st.SearchStrategy[Change]] = {}


def values(hint: object) -> st.SearchStrategy[object]:
    """Values of a field."""
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    chosen = []
    if Between in parts:
        ends = st.lists(NUMBERS, min_size=2, max_size=2, unique=True).map(lambda two: Between(*sorted(two)))
        return st.one_of(NUMBERS, ends)
    for part in parts:
        inner = get_args(part)
        origin = get_origin(part)
        simple = {str: WORDS, float: NUMBERS, int: st.integers(0, 400), bool: st.booleans(), pd.Timestamp: DATES}
        if part in simple:
            chosen.append(simple[part])
        elif origin is Literal:
            chosen.append(st.sampled_from(inner))
        elif origin is tuple and Ellipsis not in inner:
            chosen.append(st.tuples(*map(values, inner)))
        elif isinstance(origin, type) and issubclass(origin, Mapping):
            chosen.append(st.dictionaries(values(inner[0]), values(inner[1]), min_size=1, max_size=3))
        elif origin is not None:
            chosen.append(st.lists(values(inner[0]), min_size=1, max_size=3).map(tuple))
        elif hasattr(part, "__dataclass_fields__"):
            chosen.append(changes(part))
    return st.one_of(DATES) if pd.Timestamp in parts else st.one_of(chosen)


@st.composite
def changes(draw, maker, own=types.MappingProxyType({})):
    """A change of a kind, its fields drawn one by one, some from strategies of their own."""
    hints = get_type_hints(maker)
    held = {
        f.name: draw(own.get(f.name, values(hints[f.name])))
        for f in fields(maker)
        if required(f) or (f.init and draw(st.booleans()))
    }
    try:
        return maker(**held)
    except ScenarioError:
        assume(False)


FALLS = st.one_of(NUMBERS.map(lambda fall: -fall), st.just(Between(-0.4, -0.2)))
OWN |= {
    kind: changes(KINDS[kind], {"by": FALLS}) for kind in ("prompt_trim", "output_cap", "response_filter", "compress")
}
QUANTITIES = st.dictionaries(
    st.sampled_from(schema.BILLABLE), st.one_of(st.floats(0, 1e9), st.just(Between(2, 5))), min_size=1
)
RISES = {
    "logistic_growth": {"ceiling": st.one_of(st.floats(1.01, 50), st.just(Between(2, 5)))},
    "adoption": {"users": st.floats(1, 9), "market": st.one_of(st.floats(10, 50), st.just(Between(12, 15)))},
    "new_workload": {"tokens": QUANTITIES},
    "runaway": {"tokens": QUANTITIES},
    "deprecation": {"share": st.just(1.0), "retries": st.just(0.0)},
}
OWN |= {kind: changes(KINDS[kind], own) for kind, own in RISES.items()}
RULES = (
    billing.Commitment("floor", 1_000.0, window="month", end="2027-12-31"),
    billing.Provisioned("units", 2, 3.5, 1e6, profile=tuple(range(24))),
    billing.Seats("seats", 30.0),
    billing.Allowance("plan", 1e6, quantity="total_tokens", overage=2.0),
    billing.Credits("credits", (billing.Purchase("2027-01-01", 500.0, paid=450.0),)),
    billing.SpendTiers("tiers", ((0, 0), (1_000, 0.1))),
    billing.Tax("tax", 0.19),
)
OWN["contract"] = changes(
    KINDS["contract"],
    {"rules": st.lists(st.sampled_from(RULES), min_size=1, unique=True).map(tuple), "seats": NUMBERS},
)
OWN["pack"] = changes(KINDS["pack"], {"items": st.one_of(st.floats(1, 50), st.just(Between(2, 5)))})


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(data=st.data())
def test_every_kind_comes_back_from_its_file(kind, data, tmp_path_factory):
    change = data.draw(OWN[kind] if kind in OWN else changes(KINDS[kind]))
    made = sc.Scenario(data.draw(WORDS), [change], data.draw(st.text(LETTERS, max_size=9)))
    path = tmp_path_factory.mktemp("back") / "x.toml"
    path.write_text(
        sc.dump(made, title='It’s "so"', author="FinOps", date="2026-11-28"), encoding="utf-8", newline="\n"
    )
    assert sc.load(path) == made
    assert type(sc.load(path).changes[0]) is KINDS[kind]


def test_a_tree_comes_back_from_its_file(write):
    made = sc.load(write(TREE), start=START)
    deep = sc.Scenario("deep").tree([(0.25, made), (0.75, sc.Scenario("else"))])
    for one in (made, deep, made | sc.Scenario("more", [sc.Growth(monthly=0.1, basis="extra")]), sc.Scenario()):
        assert sc.load(write(sc.dump(one), "again.toml")) == one


def test_what_is_written_is_small_and_plain():
    made = sc.Scenario("cut", [sc.PriceChange(model="gpt-5*", on="2027-02-01", by=sc.between(-0.4, -0.2))], "Why.")
    assert sc.dump(made, title="Price cut", author="FinOps", source="The pilot.", date="2026-11-28") == (
        'name = "cut"\ntitle = "Price cut"\nauthor = "FinOps"\nsource = "The pilot."\ndate = 2026-11-28\n'
        'description = "Why."\n\n'
        '[[changes]]\nkind = "price_change"\nmodel = "gpt-5*"\non = 2027-02-01\nby = { p10 = -0.4, p90 = -0.2 }\n'
    )


@dataclass(frozen=True)
class Lossy(Window):
    """A change that forgets what it was given."""

    amount: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", self.amount * 2)


@dataclass(frozen=True)
class Odd(Window):
    """A change that holds what no file can."""

    what: object = None


def test_what_cannot_be_written_is_told(monkeypatch):
    def told(change: object) -> str:
        with pytest.raises(ScenarioError) as raised:
            sc.dump(sc.Scenario("s", [change]))
        return str(raised.value)

    frozen = sc.Growth(monthly=scipy.stats.norm(0.05, 0.01))
    assert "changes[1].monthly: a frozen distribution cannot be written to a file; state it as" in told(frozen)
    assert f"Window is no kind that a file may name; there are {', '.join(KINDS)}" in told(
        Window("2027-01-01", "2027-02-01")
    )
    monkeypatch.setitem(KINDS, "lossy", Lossy)
    monkeypatch.setitem(KINDS, "odd", Odd)
    days = {"start": "2027-01-01", "end": "2027-02-01"}
    assert "would come back from a file as" in told(Lossy(**days))
    assert "changes[1].what: object cannot be written" in told(Odd(**days, what=object()))
    assert "changes[1].what: nan cannot be written" in told(Odd(**days, what=float("nan")))
    with pytest.raises(ScenarioError, match="date = 'soon' is not a date"):
        sc.dump(sc.Scenario(), date="soon")


# ------------------------------------------------------------------------------------------- changes of other packages


def test_a_kind_is_its_class_in_small_letters():
    for kind, maker in KINDS.items():
        assert kind == kind_of(object.__new__(maker))


CODE = '''
from dataclasses import dataclass
from typing import Literal

import scenarios as sc


@dataclass(frozen=True)
class Surge:
    """Volume is higher for some days."""

    by: float
    mood: Literal["calm", "wild"] = "calm"
    name: str | None = None
    stage = step = "volume"

    def __post_init__(self):
        if self.by < 0:
            raise ValueError("by: wanted 0 or more")

    @property
    def key(self):
        return f"surge|{self.by}"

    def describe(self):
        return f"a {self.mood} surge by {self.by:.0%}"

    def act(self, flows, scene):
        return flows


@dataclass(frozen=True)
class Keyless:
    by: float

    def describe(self):
        return "nothing"


class Plain(Surge):
    pass


class Undataclassed:
    key = name = stage = step = "x"
    describe = act = None


@dataclass(frozen=True)
class Hidden(Surge):
    what: "NotThere" = None
'''


@pytest.fixture
def brings(tmp_path, monkeypatch):
    """Install a package by its files: a module, and what it says it brings."""

    def install(**points: str) -> None:
        (tmp_path / "elsewhere.py").write_text(CODE, encoding="utf-8")
        info = tmp_path / "elsewhere-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n", encoding="utf-8")
        lines = [f"{name} = {where}" for name, where in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{ENTRY_POINTS}]", *lines]) + "\n", encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "elsewhere", raising=False)

    yield install
    sys.modules.pop("elsewhere", None)


SURGE = '[[changes]]\nkind = "surge"\nby = 0.2\nmood = "wild"\n'


def test_a_package_brings_a_change_by_the_name_of_its_kind(brings, write):
    brings(surge="elsewhere:Surge")
    assert ENTRY_POINTS == "tokenplan.changes"
    assert list(CHANGES) == [*KINDS, "surge"]
    made = sc.load(write(HEAD + SURGE))
    assert made.describe() == "mine: a wild surge by 20%"
    assert sc.load(write(sc.dump(made))) == made
    assert "did you mean 'surge'?" in refused(write(HEAD + SURGE.replace('"surge"', '"sruge"')))
    assert "did you mean 'wild'?" in refused(write(HEAD + SURGE.replace('"wild"', '"wlid"')))
    assert "changes[1]: by is missing: a surge needs it" in refused(write(HEAD + '[[changes]]\nkind = "surge"\n'))
    assert "changes[1]: by: wanted 0 or more" in refused(write(HEAD + SURGE.replace("0.2", "-0.2")))


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("elsewhere:Keyless", "is no change: it lacks act, key, name, stage, step"),
        ("elsewhere:Undataclassed", "is no dataclass"),
        ("elsewhere:CODE", "cannot be loaded: AttributeError"),
        ("no.such.module:Surge", "cannot be loaded: ModuleNotFoundError: No module named 'no'"),
        ("elsewhere:Hidden", "has type hints that cannot be read: name 'NotThere' is not defined"),
    ],
)
def test_what_is_no_change_is_refused_and_stops_nothing_else(brings, write, where, words):
    brings(surge=where)
    told = refused(write(HEAD + SURGE))
    assert f"changes[1]: the change 'surge', brought by {where}, " in told
    assert words in told
    assert sc.load(write(HEAD + GROWTH)).changes == (sc.Growth(monthly=0.05),)


def test_a_change_of_the_name_of_one_of_ours_is_refused(brings, write):
    brings(growth="elsewhere:Surge", surge="elsewhere:Surge")
    told = refused(write(HEAD + GROWTH))
    assert "the change 'growth', brought by elsewhere:Surge, bears the name of one of tokenplan's own" in told
    assert sc.load(write(HEAD + SURGE)).changes
    with pytest.raises(ScenarioError, match="bears the name of one of tokenplan's own"):
        CHANGES["growth"]


def test_the_fields_of_every_kind_can_be_told_in_a_file():
    for kind, maker in KINDS.items():
        for name, shape in shapes_of(maker).items():
            assert "cannot be given in a file" not in (shape.wrong(object()) or ""), f"{kind}.{name}"
