"""A spend policy: contradictions are told at once, breaches with what mends them, and a touched log is found out."""

import json
import multiprocessing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.streams import stream
from scenarios.cli import main
from scenarios.reviews.governing.approvals import hash_of
from scenarios.reviews.governing.chain import head_of, read_chain

#: Tampered copies of a log that are tried.
CASES = 300
DAYS = pd.date_range("2026-01-01", "2026-03-31")
HEAD = 'name = "spend"\ncurrency = "USD"\n'


def written(folder: Path, text: str, head: str = HEAD) -> Path:
    path = folder / "policy.toml"
    path.write_text(head + text, encoding="utf-8")
    return path


def problem(folder: Path, text: str, head: str = HEAD) -> str:
    with pytest.raises(fc.PlanError) as raised:
        sc.load_policy(written(folder, text, head))
    return str(raised.value)


def usage(rows: list[dict[str, object]]) -> fc.Usage:
    plain = {"provider": "openai", "model": "gpt-5", "environment": "production", "requests": 1, "currency": "USD"}
    return fc.Usage.from_frame(pd.DataFrame([plain | row for row in rows]), duplicates="sum", sort=True)


def made_plan(draws: int = 200, **arguments: object) -> sc.BudgetPlan:
    rows = [
        pd.DataFrame(
            {
                "date": DAYS,
                "provider": "openai",
                "model": "gpt-5",
                "environment": environment,
                "project": "search",
                "requests": level * (1 + 0.01 * (np.arange(len(DAYS)) % 7)),
                "total_tokens": level * 1_000.0,
            }
        )
        for environment, level in (("development", 400.0), ("production", 600.0))
    ]
    projection = fc.project(fc.Usage.from_frame(pd.concat(rows)), horizon="1M", model="seasonal_mean", trajectories=40)
    book = fc.PriceBook.blended(10.0)
    return sc.plan(projection, prices=book, draws=draws, seed=1, **arguments)


@pytest.fixture(scope="module")
def plan() -> sc.BudgetPlan:
    return made_plan()


# --------------------------------------------------------------------------------------------------- policy files

WHOLE = """
[[approvers]]
role = "team lead"
upto = 1_000
environments = ["dev*"]
[[approvers]]
role = "head"
upto = 5_000
[[approvers]]
role = "board"
[[limits]]
per = "month"
amount = 20_000
[[limits]]
department = "sales"
per = "month"
amount = 2_000
severity = "warning"
[[models]]
environments = ["production"]
allow = ["gpt-5*", "claude-*"]
forbid = ["*-preview"]
tiers = ["standard", "batch"]
[new_models]
approval = "model board"
steps = ["security review", "evaluation"]
known = ["gpt-5*"]
[[reviews]]
name = "monthly spend"
every = "month"
role = "head"
first = 2026-04-15
grace_days = 5
[split]
production = [0.60, 0.70]
"""


def test_a_policy_is_read_as_it_is_written(tmp_path):
    policy = sc.load_policy(written(tmp_path, WHOLE))
    assert [a.role for a in policy.approvers] == ["team lead", "head", "board"]
    assert policy.who_may(900, "dev-eu") == ["team lead", "head", "board"]
    assert policy.who_may(1_000, "production") == ["head", "board"]
    # 5,000 is still the head's; a cent more is the board's.
    assert policy.who_may(5_000, "production") == ["head", "board"]
    assert policy.who_may(5_000.01, "production") == ["board"]
    assert policy.limits[1].where == (("department", "sales"),)
    assert policy.split == (("production", 0.6, 0.7),)
    assert policy.new_models.steps == ("security review", "evaluation")


def test_every_problem_is_told_at_once_with_nearest_names(tmp_path):
    text = """
    limitz = 3
    [[approvers]]
    rolle = "lead"
    upto = "much"
    [[limits]]
    deparment = "sales"
    per = "moth"
    amount = -1
    [[models]]
    tiers = ["bath"]
    [[reviews]]
    name = "r"
    every = "day"
    [split]
    production = [0.7, 0.6]
    """
    told = problem(tmp_path, text, 'currency = "dollars"\n')
    for words in (
        "currency: 'dollars': wanted a currency of three letters",
        "limitz: is not a key; did you mean 'limits'?",
        "approvers[1].rolle: is not a key; did you mean 'role'?",
        "approvers[1].upto: 'much': wanted a number",
        "approvers[1]: role is missing",
        "limits[1].deparment: is not a key; did you mean 'department'?",
        "limits[1].per: 'moth' is not known; allowed: 'month', 'quarter', 'year'; did you mean 'month'?",
        "limits[1].amount: -1: wanted an amount from 0 up",
        "models[1].tiers: 'bath' is no tier",
        "did you mean 'batch'?",
        "reviews[1].every: 'day' is not known",
        "reviews[1]: role is missing",
        "reviews[1]: first is missing",
        "split.production: [0.7, 0.6]: wanted the low and high share",
    ):
        assert words in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # limits
        (
            '[[limits]]\nper="year"\namount=100\n[[limits]]\ndepartment="a"\nper="year"\namount=101',
            "limits[2]: 101 a year of department a is above 100 a year of the organisation of limits[1]",
        ),
        ('[[limits]]\nper="quarter"\namount=100\n[[limits]]\nper="month"\namount=101', "of which it is a part"),
        (
            (
                '[[limits]]\ndepartment="a"\nproject="x"\nper="month"\namount=9\n'
                '[[limits]]\ndepartment="a"\nper="month"\namount=5'
            ),
            "limits[1]: 9 a month of department a, project x is above 5 a month of department a of limits[2]",
        ),
        (
            '[[limits]]\nper="year"\namount=9\n[[limits]]\nper="year"\namount=8',
            "limits[2]: is of the organisation a year",
        ),
        # models
        ('[[models]]\nallow=["gpt-5"]\nforbid=["gpt-5"]', "model 'gpt-5' is allowed and, by 'gpt-5', forbidden"),
        ('[[models]]\nallow=["gpt-5-mini"]\nforbid=["gpt-5*"]', "by 'gpt-5*', forbidden"),
        (
            '[[models]]\nenvironments=["prod*"]\nallow=["a"]\n[[models]]\nenvironments=["production"]\nforbid=["*"]',
            "models[1]: model 'a' is allowed and, by '*' of models[2], forbidden",
        ),
        ('[[models]]\ntiers=["batch"]\nforbid_tiers=["batch"]', "tier 'batch' is allowed and"),
        ('[[models]]\nenvironments=["test"]', "rules nothing; give allow"),
        # approvers
        (
            '[[approvers]]\nrole="a"\nupto=10\n[[approvers]]\nrole="b"\nabove=5',
            "'a' (up to 10) and 'b' (above 5) overlap (in any other environment)",
        ),
        (
            '[[approvers]]\nrole="a"\nupto=10\n[[approvers]]\nrole="b"\nabove=20',
            "may approve amounts from 10 to 20",
        ),
        ('[[approvers]]\nrole="a"\nupto=10', "nobody may approve more than 10; leave upto out of the highest"),
        (
            '[[approvers]]\nrole="a"\nupto=10\n[[approvers]]\nrole="b"\nupto=10\n[[approvers]]\nrole="c"',
            "'a' and 'b' both end at 10: which of them decides?",
        ),
        ('[[approvers]]\nrole="a"\nenvironments=["dev"]', "nobody may approve anything in any other environment"),
        ('[[approvers]]\nrole="a"\nupto=5\nabove=5\n[[approvers]]\nrole="b"', "the band is empty"),
        ('[[approvers]]\nrole="a"\nupto=5\n[[approvers]]\nrole="A"', "role 'A' stands in approvers[1] too"),
        # reviews, split
        (
            (
                '[[reviews]]\nname="r"\nevery="week"\nrole="a"\nfirst=2026-01-01\n'
                '[[reviews]]\nname="r"\nevery="year"\nrole="a"\nfirst=2026-01-01'
            ),
            "two are named 'r'",
        ),
        ("[split]\na=[0.6, 0.7]\nb=[0.5, 0.7]", "the low ends sum to 110.0%"),
        ("", "the policy rules nothing"),
        ("limits = 3", "wanted a list of tables"),
        ("approvers = [1]", "wanted a table"),
        ('[[limits]]\nper="month"\namount=nan', "wanted a number"),
        ('[[reviews]]\nname="r"\nevery="week"\nrole="a"\nfirst="soon"', "wanted a date"),
        (f'[[limits]]\nproject="{"x" * 40_000}"\nper="month"\namount=1', "is 40,000 letters long"),
        ('[[limits]]\nproject="a\\u0000b"\nper="month"\namount=1', "cannot be shown"),
    ],
)
def test_a_policy_that_contradicts_itself_is_told(tmp_path, text, words):
    assert words in problem(tmp_path, text)


def test_exceptions_are_no_contradictions(tmp_path):
    text = """
    [[limits]]
    per = "month"
    amount = 100
    [[limits]]
    per = "year"
    amount = 900
    [[limits]]
    project = "=1+1"
    per = "month"
    amount = 100
    [[models]]
    allow = ["gpt-*", "🦙*"]
    forbid = ["gpt-4*"]
    [[models]]
    environments = ["test"]
    forbid = ["claude-*"]
    [[models]]
    environments = ["production"]
    allow = ["claude-sonnet-5"]
    """
    assert len(sc.load_policy(written(tmp_path, text)).limits) == 3


@pytest.mark.parametrize("given", ["no-such.toml", "", None, 3])
def test_a_policy_that_cannot_be_read_is_told(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(fc.PlanError):
        sc.load_policy(given)


# ------------------------------------------------------------------------------------------- usage against a policy


def checked(tmp_path, text: str, rows: list[dict[str, object]], **arguments: object) -> sc.Checked:
    return sc.check(usage(rows), sc.load_policy(written(tmp_path, text)), on="2026-04-01", **arguments)


def test_limits_of_usage_by_hand(tmp_path):
    text = '[[limits]]\ndepartment="sales"\nper="month"\namount=100\n[[limits]]\nper="quarter"\namount=400'
    rows = [
        {"date": "2026-01-05", "department": "sales", "project": "x", "billed_cost": 90.0},
        {"date": "2026-01-06", "department": "sales", "project": "y", "billed_cost": 30.0},
        {"date": "2026-02-06", "department": "sales", "project": "y", "billed_cost": 100.0},
        {"date": "2026-02-06", "department": "other", "project": "z", "billed_cost": 180.01},
        {"date": "2026-04-01", "department": "other", "project": "z", "billed_cost": 400.0},
    ]
    made = checked(tmp_path, text, rows)
    assert [(v.where, v.found, v.allowed) for v in made.violations] == [
        ("department sales, 2026-01", "USD 120.00", "at most 100.00 a month"),
        ("the organisation, 2026Q1", "USD 400.01", "at most 400.00 a quarter"),
    ]
    assert "take 20.00 out (16.7%)" in made.violations[0].mend
    assert "x 90.00, y 30.00" in made.violations[0].mend
    assert not made.ok
    again = checked(tmp_path, text.replace("100", "99"), rows)
    assert made.violations[0].id == again.violations[0].id  # the same rule and place, whatever the amounts
    assert len(set(again.table()["id"])) == len(again.violations) == 3


def test_a_soft_limit_warns_and_a_misspelt_part_is_not_passed_over(tmp_path):
    text = (
        '[[limits]]\ndepartment="salse"\nper="month"\namount=1\n[[limits]]\nper="month"\namount=2\nseverity="warning"'
    )
    made = checked(tmp_path, text, [{"date": "2026-01-05", "department": "sales", "billed_cost": 90.0}])
    assert made.ok
    assert {v.severity for v in made.violations} == {"warning"}
    assert any("no department 'salse'" in v.found and "did you mean 'sales'" in v.found for v in made.violations)
    lacking = checked(tmp_path, text, [{"date": "2026-01-05", "billed_cost": 0.5}])
    assert any("does not tell department" in v.found for v in lacking.violations)


def test_a_glob_of_parts_shares_one_limit(tmp_path):
    rows = [{"date": "2026-01-05", "project": name, "billed_cost": 6.0} for name in ("search-a", "Search-b", "other")]
    made = checked(tmp_path, '[[limits]]\nproject="search*"\nper="month"\namount=11', rows)
    assert [(v.where, v.found) for v in made.violations] == [("project search*, 2026-01", "USD 12.00")]
    assert "the largest by project: Search-b 6.00, search-a 6.00" in made.violations[0].mend
    free = [*rows, {"date": "2026-01-05", "project": "search-free", "billed_cost": 0.0}]
    made = checked(tmp_path, '[[limits]]\nproject="search*"\nper="month"\namount=11', free)
    assert made.violations[0].mend.endswith("Search-b 6.00, search-a 6.00")


def test_a_rule_of_an_environment_that_is_not_there_does_not_pass_unsaid(tmp_path):
    text = '[[models]]\nenvironments=["prodution"]\nallow=["gpt-5"]'
    (one,) = checked(tmp_path, text, [{"date": "2026-01-05", "billed_cost": 6.0, "model": "other"}]).violations
    assert (one.severity, "did you mean 'production'" in one.found) == ("warning", True)


def test_models_and_tiers_by_environment(tmp_path):
    text = """
    [[models]]
    environments = ["prod*"]
    allow = ["gpt-5*"]
    forbid = ["*-preview"]
    tiers = ["standard"]
    [[models]]
    forbid = ["evil*"]
    """
    rows = [
        {"model": "GPT-5", "service_tier": "standard"},
        {"model": "gpt-5-preview", "service_tier": "standard"},
        {"model": "gpt-5-mini", "service_tier": "batch"},
        {"model": "=cmd|' /C calc'!A0", "service_tier": "standard"},
        {"model": "evil-1", "environment": "dev", "service_tier": "batch"},
        {"model": "gpt-4", "environment": "dev", "service_tier": "batch"},
        {"model": "m" * 40_000, "service_tier": "standard"},
        {"model": "lama🦙\u202e", "environment": None, "service_tier": "flex"},
    ]
    seen = usage([{"date": "2026-01-05", "billed_cost": 1.0} | row for row in rows])
    made = sc.check(seen, sc.load_policy(written(tmp_path, text)), on="2026-04-01")
    found = {(v.rule, v.where[:40]) for v in made.violations}
    assert found == {
        ("model", "production, gpt-5-preview"),
        ("tier", "production, gpt-5-mini, batch"),
        ("model", "production, =cmd|' /C calc'!A0"),
        ("model", "dev, evil-1"),
        ("model", "environment unassigned"),
        ("model", f"production, {'m' * 28}"),
    }
    assert max(len(v.where) for v in made.violations) <= 200
    assert "used 2026-01-05 to 2026-01-05: 1.00" in made.table()["found"].tolist()


def test_unknown_cost_is_told_and_never_taken_for_zero(tmp_path):
    text = '[[limits]]\nper="month"\namount=1\n[split]\nproduction=[0.9, 1.0]'
    made = checked(tmp_path, text, [{"date": "2026-01-05", "total_tokens": 1e9, "model": "nobody-knows"}])
    assert made.ok
    assert [v.rule for v in made.violations] == ["limit", "split"]
    assert all(v.severity == "warning" and "not checked" in v.found for v in made.violations)
    assert any("cost is unknown" in note for note in made.notes)
    priced = checked(tmp_path, text, [{"date": "2026-01-05", "total_tokens": 1e9}], prices=fc.PriceBook.blended(2.0))
    assert [v.found for v in priced.violations] == ["USD 2,000.00"]


def test_split_of_usage_by_hand(tmp_path):
    rows = [
        {"date": "2026-01-05", "environment": "production", "billed_cost": 50.0},
        {"date": "2026-01-05", "environment": "development", "billed_cost": 50.0},
        {"date": "2026-01-05", "environment": None, "billed_cost": 500.0},
    ]
    made = checked(tmp_path, "[split]\nproduction=[0.6, 0.7]\ndevelopment=[0.2, 0.5]", rows)
    (one,) = made.violations
    assert (one.where, one.found, one.allowed) == ("environment production", "50.0% of 100.00", "60.0% to 70.0%")
    assert one.mend.startswith("move 10.00 to production")


def test_another_currency_is_refused(tmp_path):
    policy = sc.load_policy(written(tmp_path, '[[limits]]\nper="month"\namount=1', 'currency = "EUR"\n'))
    with pytest.raises(fc.PlanError, match="money is in USD, the policy's in EUR"):
        sc.check(usage([{"date": "2026-01-05", "billed_cost": 1.0}]), policy)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((3, "policy"), "wanted a plan, as sc.plan makes it, or usage"),
        (("usage", 3), "wanted a policy"),
        (("usage", "policy", {"on": "soon"}), "on"),
        (("usage", "policy", {"approvals": "log.jsonl"}), "wanted a log"),
    ],
)
def test_bad_arguments_are_told(tmp_path, arguments, words):
    known = {
        "usage": usage([{"date": "2026-01-05", "billed_cost": 1.0}]),
        "policy": sc.load_policy(written(tmp_path, '[[limits]]\nper="month"\namount=1')),
    }
    thing, policy = (known.get(a, a) for a in arguments[:2])
    with pytest.raises(fc.TokenplanError, match=words):
        sc.check(thing, policy, **(arguments[2] if len(arguments) > 2 else {}))


# --------------------------------------------------------------------------------------------- plans and approvals


def test_a_plan_is_checked_by_its_budget_and_its_approval(tmp_path, plan):
    policy = sc.load_policy(written(tmp_path, WHOLE))
    log = sc.ApprovalLog(tmp_path / "log.jsonl")
    # 30 days x 1,000 requests x 1,000 tokens at 10.00 a million: about 300 for April, 40 % of it development.
    assert 290 < plan.funding < 330

    def rules() -> dict[str, sc.Checked]:
        made = sc.check(plan, policy, on="2026-04-10", approvals=log)
        return {v.rule: v for v in made.violations if v.severity == "error"}

    found = rules()
    assert set(found) == {"approval"}  # 60 % of it is production: inside the range
    assert found["approval"].allowed == "approval by head or board"
    assert "development, production" not in found["approval"].where
    log.approve(plan, who="team lead", on="2026-04-02")
    assert rules()["approval"].found.startswith("approved by team lead, which is not enough")
    log.approve(plan, who="head", on="2026-04-20")  # after the day of the check
    assert "approval" in rules()
    log.approve(plan, who="head", on="2026-04-03", note="as planned")
    assert not rules()
    log.withdraw(3, who="head", on="2026-04-04")
    assert "approval" in rules()
    assert log.entries()["valid"].tolist() == [True, True, False, True]


def test_another_number_is_another_plan(tmp_path, plan):
    before = hash_of(plan)
    plan.table(["month", "environment"])  # looking at it changes nothing
    assert hash_of(plan) == before == hash_of(made_plan())
    changed = made_plan(components=[sc.Fixed("base", monthly=0.01)])
    reserved = made_plan(components=[sc.Reserve("cushion", 1.0)])
    assert len({hash_of(plan), hash_of(changed), hash_of(reserved), hash_of(made_plan(confidence=0.9))}) == 4
    log = sc.ApprovalLog(tmp_path / "log.jsonl")
    log.approve(plan, who="board", on="2026-04-01")
    policy = sc.load_policy(written(tmp_path, '[[approvers]]\nrole = "board"'))
    assert sc.check(plan, policy, approvals=log, on="2026-04-02").ok
    (one,) = sc.check(changed, policy, approvals=log, on="2026-04-02").violations
    assert "1 other plans are approved: was it changed after?" in one.found


def test_limits_of_a_plan_and_what_it_does_not_keep_apart(tmp_path, plan):
    text = (
        f'[[limits]]\nper="month"\namount={plan.budget - 1}\n'
        '[[limits]]\nenvironment="production"\nper="month"\namount=1\n'
        '[[limits]]\ndepartment="sales"\nper="month"\namount=2\n[[models]]\nallow=["claude-*"]'
    )
    made = sc.check(plan, sc.load_policy(written(tmp_path, text)), on="2026-04-01")
    table = plan.table("environment")["budget"]
    found = {v.where: v for v in made.violations}
    assert "take 1.00 out" in found["the organisation, 2026-04"].mend
    assert found["environment production, 2026-04"].found == f"USD {table['production']:,.2f}"
    assert found["department sales, each month"].severity == "warning"
    assert found["production, gpt-5"].found == f"planned: {table['production']:,.2f}"


def test_new_models_and_reviews_that_are_owed(tmp_path):
    policy = sc.load_policy(written(tmp_path, WHOLE[WHOLE.index("[new_models]") : WHOLE.index("[split]")]))
    log = sc.ApprovalLog(tmp_path / "log.jsonl")
    seen = usage(
        [
            {"date": "2026-03-05", "model": "gpt-5-mini", "billed_cost": 1.0},
            {"date": "2026-03-06", "model": "claude-9", "billed_cost": 1.0},
        ]
    )

    def table(on: str) -> list[tuple[str, str, int, str]]:
        rows = sc.due(policy, log, on=on, usage=seen)
        return list(rows[["what", "name", "days", "state"]].itertuples(index=False, name=None))

    assert table("2026-04-10") == [
        ("model approval", "claude-9", 35, "overdue"),
        ("review", "monthly spend", -5, "ahead"),
    ]
    assert table("2026-04-20")[1] == ("review", "monthly spend", 5, "due")
    assert table("2026-04-21")[1] == ("review", "monthly spend", 6, "overdue")
    log.approve_model("claude-*", who="model board", on="2026-03-01", steps=["evaluation"])
    (one,) = [v for v in sc.check(seen, policy, approvals=log, on="2026-04-10").violations if v.rule == "new model"]
    assert one.found == "approved 2026-03-01 without security review"
    log.approve_model("claude-9", who="somebody", on="2026-03-01", steps=["evaluation", "security review"])
    assert not sc.check(seen, policy, approvals=log, on="2026-04-10").ok
    log.approve_model("claude-9", who="model board", on="2026-03-08", steps=["evaluation", "security review"])
    late = sc.check(seen, policy, approvals=log, on="2026-04-10")
    assert late.ok
    assert late.violations[0].found == "used from 2026-03-06, approved 2026-03-08"
    log.reviewed("monthly spend", who="head", on="2026-04-18")
    assert table("2026-04-30") == [("review", "monthly spend", -18, "ahead")]  # due again on 18 May


# ---------------------------------------------------------------------------------------------------------- the log


@pytest.fixture
def log(tmp_path) -> sc.ApprovalLog:
    log = sc.ApprovalLog(tmp_path / "log.jsonl")
    for i in range(5):
        log.approve_model(
            f"model-{i}", who="board", on=f"2026-01-0{i + 1}", note=("=1+1", "🦙", "a\nb", '"', "x" * 900)[i]
        )
    return log


def lines_of(log: sc.ApprovalLog) -> list[bytes]:
    return log.path.read_bytes().splitlines(keepends=True)


def found_out(log: sc.ApprovalLog, data: bytes) -> str:
    log.path.write_bytes(data)
    with pytest.raises(fc.PlanError) as raised:
        sc.ApprovalLog(log.path)
    with pytest.raises(fc.PlanError, match="does not hold"):
        log.approve_model("more", who="board", on="2026-02-01")
    assert log.path.read_bytes() == data  # nothing was written to it
    return str(raised.value)


def test_a_log_comes_back_as_it_was_written(log):
    table = sc.ApprovalLog(log.path).entries()
    assert table["line"].tolist() == [1, 2, 3, 4, 5]
    assert table["note"].tolist() == ["=1+1", "🦙", "a\nb", '"', "x" * 900]
    assert sc.ApprovalLog(log.path, head=log.head).head == head_of(log.path)
    first = json.loads(lines_of(log)[0])
    assert first["previous"] == "0" * 64
    assert json.loads(lines_of(log)[1])["previous"] == first["hash"]


def test_what_was_done_to_a_log_is_told_with_its_line(log):
    whole = lines_of(log)
    changed = whole[2].replace(b"model-2", b"model-9")
    assert "line 3: was changed after it was written" in found_out(log, b"".join([*whole[:2], changed, *whole[3:]]))
    assert "line 2: says that it is line 3" in found_out(log, b"".join([whole[0], whole[2], whole[1], *whole[3:]]))
    assert "line 3: says that it is line 4" in found_out(log, b"".join([*whole[:2], *whole[3:]]))
    assert "line 3: stands twice: it is line 2 again" in found_out(log, b"".join([*whole[:2], *whole[1:]]))
    assert "line 5: is cut off before its end" in found_out(log, b"".join(whole)[:-40])
    cut = found_out(log, b"".join(whole[:3]))
    assert "the log ends at line 3, but 5 were written: lines 4 to 5 are missing" in cut
    assert "line 1: the log ends at line 0" in found_out(log, b"")
    assert "line 6: is not JSON" in found_out(log, b"".join(whole) + b"hello\n")
    assert "line 2: is no line of a log" in found_out(log, b"".join([whole[0], b"[]\n", *whole[1:]]))
    spaced = whole[1].replace(b'":', b'" :')
    assert "line 2: was changed" in found_out(log, b"".join([whole[0], spaced, *whole[2:]]))
    assert "has no line's end" in found_out(log, b"".join(whole)[:-1])
    log.path.write_bytes(b"".join(whole))
    assert len(sc.ApprovalLog(log.path).entries()) == 5


def test_a_log_written_anew_is_found_by_a_hash_kept_elsewhere(tmp_path, log):
    kept = log.head
    other = sc.ApprovalLog(tmp_path / "other.jsonl")
    other.approve_model("mine", who="board", on="2026-01-01")
    with pytest.raises(fc.PlanError, match="another log, or it was written anew"):
        sc.ApprovalLog(other.path, head=kept)
    log.path.with_name("log.jsonl.head").unlink()
    with pytest.raises(fc.PlanError, match="the head file is missing"):
        sc.ApprovalLog(log.path)


def test_any_change_of_any_byte_is_found(log):
    whole = log.path.read_bytes()
    rng = stream(3, "tampering")
    for _ in range(CASES):
        at = int(rng.integers(len(whole)))
        how = int(rng.integers(3))
        byte = bytes([int(rng.integers(256))])
        data = whole[:at] + (byte + whole[at + 1 :], whole[at + 1 :], byte + whole[at:])[how]
        log.path.write_bytes(data)
        assert (data == whole) == (not read_chain(log.path).problems), (at, how, byte)


def test_a_line_that_was_written_before_its_head_is_kept(log):
    """The machine stopped between the two writings: the chain holds, and the next entry sets the head right."""
    head = log.path.with_name("log.jsonl.head")
    before = head.read_bytes()
    log.reviewed("r", who="board", on="2026-01-09")
    head.write_bytes(before)
    log.reviewed("r", who="board", on="2026-01-10")
    assert len(sc.ApprovalLog(log.path).entries()) == 7
    assert head.read_text(encoding="ascii") == f"7 {log.head}\n"


def _writes(path: str, who: str, count: int) -> None:
    for i in range(count):
        sc.ApprovalLog(path).reviewed(f"{who}-{i}", who=who, on="2026-01-01")


def test_two_writers_lose_nothing(tmp_path):
    path, count = str(tmp_path / "log.jsonl"), 25
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_writes, args=(path, who, count)) for who in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [w.exitcode for w in writers] == [0, 0]
    table = sc.ApprovalLog(path).entries()
    assert sorted(table["review"]) == sorted(f"{who}-{i}" for who in "ab" for i in range(count))
    for who in "ab":  # each writer's own lines stand in its own order
        assert table.loc[table["who"] == who, "review"].tolist() == [f"{who}-{i}" for i in range(count)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"who": ""}, "wanted text that is not blank"),
        ({"who": None}, "wanted text that is not blank"),
        ({"who": "x" * 40_000}, "40,000 letters"),
        ({"who": "\ud800"}, "no Unicode text"),
        ({"on": "soon"}, "on"),
        ({"note": "x" * 40_000}, "40,000 letters"),
    ],
)
def test_odd_entries_are_refused_and_nothing_is_written(tmp_path, arguments, words):
    log = sc.ApprovalLog(tmp_path / "log.jsonl")
    with pytest.raises(fc.PlanError, match=words):
        log.reviewed("r", **({"who": "board", "on": "2026-01-01"} | arguments))
    assert not log.path.exists()
    with pytest.raises(fc.PlanError, match="wanted a plan"):
        log.approve("plan", who="board", on="2026-01-01")
    with pytest.raises(fc.PlanError, match="cannot be written"):
        sc.ApprovalLog(tmp_path / "no" / "log.jsonl").reviewed("r", who="board", on="2026-01-01")
    with pytest.raises(fc.PlanError, match="wanted the number of a line"):
        log.withdraw(3, who="board", on="2026-01-01")
    with pytest.raises(fc.PlanError, match="cannot be read"):
        sc.ApprovalLog(tmp_path)


# ------------------------------------------------------------------------------------------------------ the command

PLAN = """\
[plan]
name = "April"
horizon = "1M"
draws = 100
[usage]
file = "usage.csv"
[prices]
builtin = false
blended = { per_million = 10.0 }
[forecast]
model = "seasonal_mean"
trajectories = 40
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    made_plan(100).projection.usage.frame.to_csv(tmp_path / "usage.csv", index=False)
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    written(tmp_path, WHOLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_command_checks_a_plan_and_approves_it(folder, capsys):
    asked = ["check", "plan.toml", "--policy", "policy.toml", "--approvals", "log.jsonl", "--on", "2026-04-10"]
    assert main(asked) == 4
    out = capsys.readouterr().out
    assert out.startswith("plan 'as forecast' against 'spend' on 2026-04-10: 2 errors, ")
    assert "error: approval: plan 'as forecast', production" in out
    assert "mend: have head approve it" in out
    approve = ["approve", "plan.toml", "--approvals", "log.jsonl", "--as", "head", "--on", "2026-04-05"]
    assert main(approve) == 0
    assert "line 1 of log.jsonl: head approves plan" in capsys.readouterr().out
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["ok"]) == ("tokenplan/check/1", True)
    assert {v["severity"] for v in told["violations"]} == {"warning"}
    assert told["due"][0]["name"] == "monthly spend"


def test_a_saved_plan_is_the_plan_that_was_approved(folder, capsys):
    made_plan().save(folder / "april.tokenplan")
    assert main(["approve", "april.tokenplan", "--approvals", "log.jsonl", "--as", "board", "--on", "2026-04-05"]) == 0
    policy = sc.load_policy("policy.toml")
    assert sc.check(made_plan(), policy, approvals=sc.ApprovalLog("log.jsonl"), on="2026-04-10").ok
    asked = ["check", "april.tokenplan", "--policy", "policy.toml", "--approvals", "log.jsonl", "--on", "2026-04-10"]
    assert main(asked) == 0
    assert "0 errors" in capsys.readouterr().out


def test_command_checks_usage_and_tells_what_is_wrong(folder, capsys):
    written(folder, '[[models]]\nallow = ["claude-*"]')
    assert main(["check", "usage.csv", "--policy", "policy.toml", "--output", "csv", "--quiet"]) == 4
    out, err = capsys.readouterr()
    assert out.startswith("id,rule,severity,where,found,allowed,mend\nmodel-")
    assert not err
    assert main(["check", "usage.csv", "--policy", "no.toml"]) == 1
    (folder / "log.jsonl").write_text("{}\n", encoding="utf-8")
    assert main(["check", "usage.csv", "--policy", "policy.toml", "--approvals", "log.jsonl"]) == 1
    assert "line 1: is no line of a log" in capsys.readouterr().err
