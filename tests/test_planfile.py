"""Plan files: what they say is what is planned, every problem is told at once, and the shipped ones hold."""

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from forecast.samples import sample_path
from scenarios.budget import planreference
from scenarios.budget.planfile import PlanFile, read_plan_file
from scenarios.budget.planreference import plan_file_keys
from scenarios.changes import KINDS as CHANGES
from scenarios.changes import World
from scenarios.cli.template_job import TEMPLATE
from scenarios.components import KINDS as COMPONENTS
from scenarios.files import keys
from scenarios.files.scenario_file import read_scenario, scenario_source

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "scenarios" / "library"

#: A quantile of 4,000 stratified draws is off by less than this, relative: its standard error is about 0.3 %.
DRAWN = 0.012

DAYS = pd.date_range("2026-06-01", "2026-10-31")
PLAN = '[plan]\nhorizon = "1Q"\ndraws = 200\nseed = 3\n[usage]\nfile = "usage.csv"\n'


STEP = '[overrides.change]\nkind = "step"\nby = -0.1\n'


def override(rest: str) -> str:
    """An override's table; ``rest`` are its further keys, and what it lays over the plan."""
    return f'[[overrides]]\nname = "quiet"\nwho = "finance"\nwhy = "a freeze"\non = 2026-11-20\n{rest}'


def usage_table() -> pd.DataFrame:
    """Five months of two environments, two projects and two models, with a weekly season."""
    rng = np.random.default_rng(5)
    rows = []
    for environment, level in (("development", 3e3), ("production", 9e3), ("test", 1e3)):
        for project in ("search", "chat"):
            volume = (
                level * np.where(DAYS.day_of_week > 4, 0.5, 1) * np.exp(0.1 * rng.standard_normal(len(DAYS)))
            ).round()
            rows += [
                pd.DataFrame(
                    {
                        "date": DAYS,
                        "provider": "openai",
                        "model": model,
                        "environment": environment,
                        "project": project,
                        "requests": volume,
                        "input_tokens": volume * 1_200,
                        "output_tokens": volume * 300,
                    }
                )
                for model in ("gpt-5", "gpt-5-mini")
            ]
    return pd.concat(rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("plans")
    usage_table().to_csv(where / "usage.csv", index=False)
    return where


def read(folder: Path, text: str) -> PlanFile:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return read_plan_file(path)


def problem(folder: Path, text: str) -> str:
    with pytest.raises(fc.PlanError) as raised:
        read(folder, text)
    return str(raised.value)


def made(file: PlanFile) -> sc.BudgetPlan:
    return file.plan(file.project(file.usage.read()), file.prices.book())


# ------------------------------------------------------------------------------------------------ what the file says


def test_a_plan_file_is_the_plan_that_the_same_arguments_make(folder):
    (folder / "prices.csv").write_text("model,unit,price,valid_from\ngpt-5,input_tokens,9.00,2026-01-01\n")
    file = read(
        folder,
        """
        version = 1
        [plan]
        name = "spring"
        start = 2027-01-01
        end = 2027-06-30
        confidence = 0.9
        draws = 300
        seed = 11
        limit = 1_000
        [usage]
        file = "usage.csv"
        [prices]
        files = ["prices.csv"]
        [forecast]
        model = "seasonal_mean"
        by = ["environment", "project"]
        lag = 1
        seed = 4
        trajectories = 120
        [scenario]
        name = "launch"
        [[scenario.changes]]
        kind = "growth"
        monthly = { p10 = 0.03, p90 = 0.08 }
        where = { project = "search" }
        [[scenario.changes]]
        kind = "price_change"
        model = "gpt-5*"
        on = 2027-02-01
        by = { p10 = -0.4, p90 = -0.2 }
        probability = 0.5
        [[components]]
        kind = "fixed"
        name = "base"
        monthly = 120
        start = 2027-02-01
        [[components]]
        kind = "reserve"
        name = "scaling"
        amount = 200
        [split]
        development = [0.15, 0.20]
        production = [0.60, 0.70]
        rest = "equally"
        [output]
        by = ["quarter", "environment"]
        """,
    )
    usage = fc.read_usage(folder / "usage.csv")
    projection = fc.project(
        usage, start="2027-01-01", end="2027-06-30", model="seasonal_mean", lag=1, seed=4, trajectories=120
    )
    direct = sc.plan(
        projection,
        prices=fc.PriceBook.read(folder / "prices.csv") | fc.PriceBook.builtin(),
        scenario=sc.Scenario(
            "launch",
            [
                sc.Growth(monthly=sc.between(0.03, 0.08), where={"project": "search"}),
                sc.PriceChange(model="gpt-5*", on="2027-02-01", by=sc.between(-0.4, -0.2), probability=0.5),
            ],
        ),
        components=[sc.Fixed("base", monthly=120, start="2027-02-01"), sc.Reserve("scaling", 200)],
        split=sc.EnvironmentSplit(development=(0.15, 0.20), production=(0.60, 0.70), rest="equally"),
        confidence=0.9,
        draws=300,
        seed=11,
    )
    plan = made(file)
    assert np.array_equal(plan.totals, direct.totals)
    assert plan.funding == direct.funding
    assert plan.spec.scenario == direct.spec.scenario
    pd.testing.assert_frame_equal(plan.table(file.groups(plan)), direct.table(["quarter", "environment"]))
    assert (file.name, file.limit) == ("spring", 1_000)


def test_what_is_not_said_has_the_defaults_of_the_library(folder):
    file = read(folder, '[plan]\nhorizon = "1Q"\n[usage]\nfile = "usage.csv"\n')
    assert file.name == "plan"
    assert (file.components, file.split, file.limit, file.by, dict(file.arguments)) == ((), None, None, (), {})
    direct = sc.plan(fc.project(fc.read_usage(folder / "usage.csv"), horizon="1Q"))
    plan = made(file)
    assert np.array_equal(plan.totals, direct.totals)
    assert file.groups(plan) == ("month", "environment")


def test_paths_are_relative_to_the_plan_file(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert len(read(folder, PLAN).usage.read().frame)


def test_one_seed_serves_forecast_and_draws_and_an_option_overrides_both(folder):
    file = read(folder, PLAN)
    usage = file.usage.read()
    assert file.project(usage).spec.seed == 3
    other = read(folder, PLAN + "[forecast]\nseed = 5\n")
    assert other.project(usage).spec.seed == 5
    changed = other.with_options(seed=9, draws=150)
    assert changed.project(usage).spec.seed == 9
    assert (changed.arguments["seed"], changed.arguments["draws"]) == (9, 150)


def test_own_prices_lie_over_blended_ones_and_those_over_the_vendors(folder):
    (folder / "prices.csv").write_text("model,unit,price\nours,input_tokens,3\ntheirs,input_tokens,4\n")
    book = read(
        folder,
        PLAN
        + """
        [prices]
        files = ["prices.csv"]
        blended = { per_million = 2.0, model = "ours" }
        [[prices.rows]]
        model = "ours"
        unit = "input_tokens"
        price = 5
        """,
    ).prices.book()
    day = "2026-10-01"
    assert book.price(None, "ours", "input_tokens", day) == 5
    assert book.price(None, "theirs", "input_tokens", day) == 4
    assert book.price(None, "ours", "total_tokens", day) == 2
    assert book.price("openai", "gpt-5", "output_tokens", day) == 10


def test_workloads_are_what_the_usage_has(folder, tmp_path):
    usage_table().drop(columns=["environment", "project"]).to_csv(tmp_path / "usage.csv", index=False)
    text = PLAN + '[output]\nby = ["month"]\n'
    made(file := read(tmp_path, text.replace('"usage.csv"', '"usage.csv"\nduplicates = "sum"')))
    assert file.project(file.usage.read()).spec.by == ("project",)


def test_draws_are_as_many_as_an_error_needs(folder):
    text = PLAN.replace("200", '"auto"\nerror = 0.02')
    file = read(folder, text)
    assert (file.arguments["draws"], file.arguments["error"]) == ("auto", 0.02)
    plan = made(file)
    direct = sc.plan(plan.projection, draws="auto", error=0.02, seed=3)
    assert np.array_equal(plan.totals, direct.totals)
    assert file.with_options(draws=150).plan(plan.projection, direct.spec.prices).spec.draws == 150


def test_usage_in_several_exports_is_added_up(folder):
    whole = usage_table()
    for environment, part in whole.groupby("environment"):
        part.to_csv(folder / f"{environment}.csv", index=False)
    names = '", "'.join(f"{e}.csv" for e in ("development", "production", "test"))
    file = read(folder, PLAN.replace('file = "usage.csv"', f'files = ["{names}"]\noverlap = "later"\nservices = "all"'))
    one = read(folder, PLAN).usage.read()
    assert file.usage.read().frame["requests"].sum() == one.frame["requests"].sum() == whole["requests"].sum()
    assert (file.usage.overlap, file.usage.services, file.usage.personal) == ("later", "all", False)


def test_prices_are_those_known_on_a_day_with_shares_by_model(folder):
    (folder / "dated.csv").write_text(
        "model,unit,price,valid_from,context_tier\nours,input_tokens,3,2026-01-01,<=200k\n"
        "ours,input_tokens,6,2026-01-01,>200k\nours,input_tokens,1,2026-12-01,<=200k\n"
    )
    text = PLAN + '[prices]\nbuiltin = false\nfiles = ["dated.csv"]\nlong_share = { "our*" = 0.25 }\n'
    book = read(folder, text).prices.book()
    assert float(book.price(None, "ours", "input_tokens", "2026-10-01")) == 3.75  # 0.75 · 3 + 0.25 · 6
    assert float(book.price(None, "ours", "input_tokens", "2027-01-01")) == 2.25  # 0.75 · 1 + 0.25 · 6
    # Whoever did not know of the cut of December goes on with the price before it.
    known = read(folder, text + "known = 2026-11-20\n").prices.book()
    assert float(known.price(None, "ours", "input_tokens", "2027-01-01")) == 3.75
    dated = read(folder, PLAN + "[prices]\nblended = { per_million = 2, valid_from = 2026-03-01 }\n").prices.book()
    with pytest.raises(fc.PriceError, match="no price on 2026-02-28"):
        dated.price(None, "x", "total_tokens", "2026-02-28")


def test_overrides_are_those_that_python_has(folder):
    base = """
        [scenario]
        name = "launch"
        [[scenario.changes]]
        kind = "step"
        name = "launch"
        by = { p10 = 0.1, p90 = 0.4 }
        on = "start + 1 month"
        [[components]]
        kind = "fixed"
        name = "seats"
        monthly = 900
        """
    said = 'who = "head of product"\nwhy = "the vendor is late"\non = 2026-11-20\n'
    slips = f"""
        [[overrides]]
        name = "slips"
        {said}
        replaces = "launch"
        [overrides.change]
        kind = "step"
        name = "launch"
        by = {{ p10 = 0.1, p90 = 0.4 }}
        on = "start + 2 months"
        """
    line = f"""
        [[overrides]]
        name = "storage"
        {said}
        [overrides.component]
        kind = "fixed"
        name = "storage"
        monthly = 50
        """
    plan = made(read(folder, PLAN + base + slips + line))
    same = {"who": "head of product", "why": "the vendor is late", "on": "2026-11-20"}
    lift = sc.Step(by=sc.between(0.1, 0.4), on="2027-03-01", name="launch")
    assert plan.spec.overrides == (
        sc.Override("slips", lift, replaces="launch", **same),
        sc.Override("storage", sc.Fixed("storage", monthly=50), **same),
    )
    without = made(read(folder, PLAN + base + line))
    assert np.array_equal(plan.without("slips").totals, without.totals)
    assert not np.array_equal(plan.totals, without.totals)


def test_several_weighted_scenarios_are_pooled_in_exact_counts(folder):
    text = (
        PLAN.replace("200", "250")
        + """
        [scenario]
        name = "three ways"
        [[scenario.branches]]
        weight = 0.5
        use = "standstill"
        [[scenario.branches]]
        weight = 0.3
        name = "boom"
        [[scenario.branches.changes]]
        kind = "growth"
        monthly = { p10 = 0.2, p90 = 0.4 }
        [[scenario.branches]]
        weight = 0.2
        name = "exit"
        [[scenario.branches.changes]]
        kind = "retire"
        on = "start"
        where = { project = "chat" }
        """
    )
    plan = made(read(folder, text))
    tree = plan.spec.scenario
    held = [within.astype(bool) for _, within in tree.alternatives(World(250, 3))]
    assert [branch.name for _, branch in tree.branches] == ["standstill", "boom", "exit"]
    assert [int(within.sum()) for within in held] == [125, 75, 50]
    assert np.array_equal(sum(within.astype(int) for within in held), np.ones(250))
    # Draw by draw the pool is the branch that the draw holds in; the budget is the pool's quantile.
    alone = [plan.replan(scenario=branch) for _, branch in tree.branches]
    pooled = np.select(held, [one.totals for one in alone])
    np.testing.assert_allclose(plan.totals, pooled, rtol=1e-12)  # sums in another order
    assert plan.budget == pytest.approx(round(float(np.quantile(pooled, 0.8)), 2), abs=0.01)
    average = float(np.dot([0.5, 0.3, 0.2], [one.budget for one in alone]))
    assert abs(plan.budget - average) > 0.02 * average


# ------------------------------------------------------------------------------------------------ what does not hold


def test_every_problem_is_told_at_once_with_its_key_path(folder):
    told = problem(
        folder,
        """
        limit = 5
        [plan]
        horizn = "2Q"
        draws = "many"
        confidence = 1.5
        [usage]
        file = "usge.csv"
        fill = { provder = "openai" }
        [forecast]
        model = "autoo"
        [scenario]
        [[scenario.changes]]
        kind = "growht"
        [[scenario.changes]]
        kind = "growth"
        monthly = "fast"
        [[components]]
        kind = "fixed"
        name = "base"
        [split]
        production = [0.9, 0.8]
        development = [0.1, 1.2]
        [ouput]
        by = ["month"]
        """,
    )
    first, *lines = told.splitlines()
    expected = {
        "limit": "belongs in [plan]",
        "ouput": "did you mean 'output'?",
        "plan.horizn": "did you mean 'horizon'?",
        "plan.draws": "'many': wanted a whole number",
        "plan.confidence": "confidence=1.5",
        "plan.horizon": "is missing",
        "usage.file": "did you mean 'usage.csv'?",
        "usage.fill": "did you mean 'provider'?",
        "forecast.model": "did you mean 'auto'?",
        "scenario.changes[1]": "did you mean 'growth'?",
        "scenario.changes[2].monthly": "{p10 = .., p90 = ..}",
        "components[1]": "monthly is missing",
        "split.production": "swap them",
        "split.development": "between 0 and 1",
    }
    assert first == f"{folder / 'plan.toml'}: {len(expected)} problems"
    assert {line.strip().split(": ")[0] for line in lines} == set(expected)
    for path, words in expected.items():
        assert any(line.strip().startswith(f"{path}: ") and words in line for line in lines), (path, told)


BAD = {
    "nothing": ("", "usage: file is missing"),
    "not TOML": ("[plan\n", "not well-formed TOML"),
    "a key twice": (PLAN + "file = 'b.csv'\n", "not well-formed TOML"),
    "a newer version": (
        "version = 2\n" + PLAN,
        "this tokenplan reads version 1; the file is of a newer one: upgrade it",
    ),
    "a version that never was": (
        "version = 0\n" + PLAN,
        "version = 0: this tokenplan reads version 1; write version = 1",
    ),
    "a version in words": (
        'version = "1"\n' + PLAN,
        "version = '1': this tokenplan reads version 1; write version = 1",
    ),
    "a version of true": ("version = true\n" + PLAN, "version = True: this tokenplan reads version 1; write"),
    "plan is no table": ("plan = 5\n[usage]\nfile = 'usage.csv'\n", "plan: 5: wanted a table"),
    "horizon 0": (PLAN.replace('"1Q"', "0"), "at least one period"),
    "horizon in words": (PLAN.replace('"1Q"', '"soon"'), "horizon 'soon' cannot be read"),
    "a horizon without end": (PLAN.replace('"1Q"', '"900Y"'), "longer than"),
    "horizon and start": (PLAN.replace("seed", "start = 2027-01-01\nseed"), "horizon and start"),
    "start without end": (PLAN.replace('horizon = "1Q"', "start = 2027-01-01"), "either as horizon"),
    "a date that is none": (PLAN.replace('horizon = "1Q"', 'start = "1 Foo"\nend = 2027-01-01'), "plan.start: '1 Foo'"),
    "too few draws": (PLAN.replace("200", "20"), "draws=20: wanted a whole number, at least 100"),
    "a draw too many": (PLAN.replace("200", "1" + "0" * 400), "plan.draws"),
    "a flag for a number": (PLAN.replace("seed = 3", "seed = true"), "plan.seed: True"),
    "no limit": (PLAN.replace("seed = 3", "limit = nan"), "plan.limit: nan"),
    "unpriced": (PLAN.replace("seed = 3", 'unpriced = "exlude"'), "did you mean 'exclude'?"),
    "an error without auto": (PLAN.replace("seed = 3", "error = 0.01"), 'is what draws = "auto" is to reach'),
    "an error of nothing": (PLAN.replace("200", '"auto"\nerror = 0'), "plan.error: error=0"),
    "file and files": (PLAN + 'files = ["usage.csv"]\n', "file and files contradict each other"),
    "no files": (PLAN.replace('file = "usage.csv"', "files = []"), "wanted a list of text"),
    "one of the files": (PLAN.replace('file = "usage.csv"', 'files = ["usage.csv", "usge.csv"]'), "'usage.csv'?"),
    "a currency without rates": (PLAN + 'currency = "EUR"\n', "usage.currency: needs rates"),
    "overlap": (PLAN + 'overlap = "latr"\n', "did you mean 'later'?"),
    "dedupe": (PLAN + 'dedupe = "id"\n', "allowed: 'request_id'"),
    "services": (PLAN + 'services = "every"\n', "allowed: 'ai', 'all'"),
    "prices known some day": (PLAN + '[prices]\nknown = "soon"\n', "wanted a date"),
    "a share above 1": (PLAN + "[prices]\nlong_share = 20\n", "20 is not a share"),
    "a share in words": (PLAN + '[prices]\nlong_share = "half"\n', "wanted a share from 0 to 1"),
    "a share by model": (PLAN + '[prices]\noff_peak_share = { "gpt*" = -1 }\n', "-1 is not a share"),
    "blended from some day": (PLAN + '[prices]\nblended = { per_million = 1, valid_from = "now" }\n', "wanted a date"),
    "overrides in one table": (PLAN + '[overrides]\nname = "a"\n', "write [[overrides]] before each"),
    "an override of nothing": (PLAN + override(""), "overrides[1]: says nothing; write [overrides.change]"),
    "an override of both": (
        PLAN + override('[overrides.change]\nkind = "step"\nby = 1\n[overrides.component]\nkind = "fixed"\n'),
        "holds a change and a component",
    ),
    "an override's key": (
        PLAN + override(STEP).replace("why =", "wy ="),
        "overrides[1].wy: is not a key; did you mean",
    ),
    "an override without why": (PLAN + override(STEP).replace("why =", "wy ="), "overrides[1]: why is missing"),
    "nobody's override": (PLAN + override(STEP).replace('"finance"', '""'), "overrides[1].who: '': wanted text"),
    "an override's day": (PLAN + override(STEP).replace("2026-11-20", '"start"'), "overrides[1].on: 'start'"),
    "an override's change": (PLAN + override(STEP.replace("by", "bye")), "overrides[1].change.bye: is not a key"),
    "an override's kind": (PLAN + override(STEP.replace("step", "stp")), "did you mean 'step'?"),
    "an override's line": (
        PLAN + override('[overrides.component]\nkind = "fixed"\nname = "a"\nmonthly = -1\n'),
        "overrides[1].component: Fixed 'a'",
    ),
    "what an override replaces": (
        PLAN + '[[components]]\nkind = "fixed"\nname = "seats"\nmonthly = 1\n' + override('replaces = "seat"\n' + STEP),
        "overrides: override 'quiet': replaces 'seat'",
    ),
    "an override twice": (PLAN + override(STEP) * 2, "two overrides are named 'quiet'"),
    "usage and sample": (PLAN + 'sample = "organisation_daily.csv"\n', "file and sample contradict"),
    "no such sample": (PLAN.replace('file = "usage.csv"', 'sample = "x"'), "sample 'x' is not known"),
    "a format": (PLAN + 'format = "tody"\n', "did you mean 'tidy'?"),
    "a zone": (PLAN + 'timezone = "Europe/Berlino"\n', "did you mean 'Europe/Berlin'?"),
    "a column": (PLAN + 'columns = { input_token = "a" }\n', "did you mean 'input_tokens'?"),
    "columns in a list": (PLAN + 'columns = ["a"]\n', "wanted a table of text"),
    "no price": (PLAN + "[prices]\nbuiltin = false\n", "leaves no price"),
    "a price file": (PLAN + '[prices]\nfiles = ["none.csv"]\n', "there is no such file"),
    "a price row": (PLAN + '[[prices.rows]]\nmodel = "a"\nunit = "input_tokens"\nprice = -1\n', "prices.rows"),
    "a price row's key": (PLAN + '[[prices.rows]]\nmodle = "a"\n', "prices.rows"),
    "blended without price": (PLAN + '[prices]\nblended = { currency = "USD" }\n', "per_million: is missing"),
    "blended in words": (PLAN + '[prices]\nblended = { per_million = "two" }\n', "'two' is not a price"),
    "by": (PLAN + '[forecast]\nby = ["enviroment"]\n', "did you mean 'environment'?"),
    "by twice": (PLAN + '[output]\nby = ["month", "month"]\n', "twice"),
    "by nothing": (PLAN + "[output]\nby = []\n", "wanted a list of text"),
    "a kind": (PLAN + '[[scenario.changes]]\nkind = "cache"\n', "kind 'cache' is not known; allowed: 'growth'"),
    "no kind": (PLAN + "[[scenario.changes]]\nmonthly = 0.1\n", "kind is missing"),
    "changes in one table": (PLAN + "[scenario.changes]\nkind = 'growth'\n", "[[scenario.changes]]"),
    "a key of a change": (PLAN + '[[scenario.changes]]\nkind = "growth"\nmonthy = 0.1\n', "did you mean 'monthly'?"),
    "where in words": (PLAN + '[[scenario.changes]]\nkind = "growth"\nmonthly = 1\nwhere = "a"\n', "table of text"),
    "no rate": (PLAN + '[[scenario.changes]]\nkind = "growth"\n', "either as monthly= or as yearly="),
    "less than nothing": (PLAN + '[[scenario.changes]]\nkind = "growth"\nmonthly = -1.5\n', "-100 %"),
    "half a range": (PLAN + '[[scenario.changes]]\nkind = "growth"\nmonthly = { p10 = 0.1 }\n', "{p10 = .., p90 = ..}"),
    "a range that falls": (
        PLAN + '[[scenario.changes]]\nkind = "growth"\nmonthly = { p10 = 0.2, p90 = 0.1 }\n',
        "the low end is above the high end",
    ),
    "a price without a day": (PLAN + '[[scenario.changes]]\nkind = "price_change"\nby = 0.1\n', "from which day"),
    "a change twice": (PLAN + '[[scenario.changes]]\nkind = "growth"\nmonthly = 0.1\n' * 2, "twice"),
    "a shipped scenario": (PLAN + '[scenario]\nuse = "stedy-growth"\n', "did you mean 'steady-growth'?"),
    "a component": (PLAN + '[[components]]\nkind = "fix"\n', "did you mean 'fixed'?"),
    "a component's key": (PLAN + '[[components]]\nkind = "fixed"\nname = "a"\nmontly = 1\n', "did you mean 'monthly'?"),
    "a negative line": (PLAN + '[[components]]\nkind = "fixed"\nname = "a"\nmonthly = -1\n', "cannot be negative"),
    "one name twice": (
        PLAN + '[[components]]\nkind = "reserve"\nname = "a"\namount = 1\n' * 2,
        "two are named 'a'",
    ),
    "components in a table": (PLAN + '[components]\nkind = "fixed"\n', "[[components]]"),
    "ranges above 1": (PLAN + "[split]\na = [0.6, 0.7]\nb = [0.5, 0.6]\n", "sum to 110.0%"),
    "a range of one": (PLAN + "[split]\nproduction = [0.6]\n", "split.production"),
    "rest": (PLAN + '[split]\nproduction = [0.6, 0.7]\nrest = "by deman"\n', "did you mean 'by demand'?"),
    "an empty split": (PLAN + "[split]\n", "name at least one environment"),
    "split in a list": (PLAN.replace("[plan]", "split = [1]\n[plan]"), "split: wanted a table"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_hold_is_told_with_its_place(folder, name):
    text, words = BAD[name]
    told = problem(folder, text)
    assert told.startswith(f"{folder / 'plan.toml'}: ")
    assert words in told


def test_a_file_that_cannot_be_read_says_why(folder, tmp_path):
    with pytest.raises(fc.PlanError, match=r"did you mean 'usage\.csv'"):
        read_plan_file(folder / "usage.cvs")
    with pytest.raises(fc.PlanError, match="is a folder"):
        read_plan_file(folder)
    (tmp_path / "latin.toml").write_bytes("[plan]\nname = 'é'\n".encode("latin-1"))
    with pytest.raises(fc.PlanError, match="not UTF-8"):
        read_plan_file(tmp_path / "latin.toml")


@pytest.mark.parametrize(("kind", "maker"), [*CHANGES.items(), *COMPONENTS.items()])
def test_every_field_of_every_kind_can_be_written(kind, maker):
    checks = keys.checks_of(maker)
    assert set(checks) == {f.name for f in fields(maker)}
    for name, check in checks.items():
        assert check(object()) is not None, f"{kind}.{name} takes anything"


#: Every kind of line as a file tells it, and as Python does.
LINES = {
    """kind = "fixed"
       name = "base"
       monthly = { p10 = 100, p90 = 200 }
       escalation = 0.05
       escalates_on = 2027-02-01
       department = "platform"
       gl_account = "6100\"""": sc.Fixed(
        "base",
        sc.between(100, 200),
        escalation=0.05,
        escalates_on="2027-02-01",
        department="platform",
        gl_account="6100",
    ),
    """kind = "per_unit"
       name = "seats"
       count = { 2027-03-01 = { p10 = 40, p90 = 60 }, 2027-01-01 = 10 }
       price = 30""": sc.PerUnit("seats", {"2027-01-01": 10, "2027-03-01": sc.between(40, 60)}, price=30),
    """kind = "per_unit"
       name = "gpu"
       count = "output_tokens"
       price = 2.5
       throughput = 400
       utilisation = { p10 = 0.2, p90 = 0.6 }
       min_machines = 1
       where = { model = "gpt*" }""": sc.PerUnit(
        "gpu",
        "output_tokens",
        price=2.5,
        throughput=400,
        utilisation=sc.between(0.2, 0.6),
        min_machines=1,
        where={"model": "gpt*"},
    ),
    """kind = "allowance"
       name = "pot"
       tokens = 1_000_000
       price = 2
       beyond = "rollover"
       where = { project = "search" }
       per = "environment\"""": sc.Allowance(
        "pot", tokens=1e6, price=2, beyond="rollover", where={"project": "search"}, per="environment"
    ),
    """kind = "project"
       name = "tuning"
       gpu_hours = { p10 = 500, p90 = 900 }
       price = 3
       start = 2027-02-10
       end = 2027-03-11
       slip = { p10 = 2, p90 = 20 }""": sc.Project(
        "tuning", sc.between(500, 900), price=3, start="2027-02-10", end="2027-03-11", slip=sc.between(2, 20)
    ),
    """kind = "stock"
       name = "weights"
       gb = 900
       price = 0.02
       growth = { p10 = 0.01, p90 = 0.04 }""": sc.Stock("weights", 900, price=0.02, growth=sc.between(0.01, 0.04)),
    """kind = "share_of"
       name = "hidden"
       share = { p10 = 0.05, p90 = 0.1 }
       of = ["tokens", "weights"]""": sc.ShareOf("hidden", sc.between(0.05, 0.1), of=("tokens", "weights")),
    """kind = "share_of"
       name = "all"
       share = 0.1
       of = "everything\"""": sc.ShareOf("all", 0.1, of="everything"),
    """kind = "risk"
       name = "audit"
       probability = 0.2
       impact = 900
       on = 2027-03-01""": sc.Risk("audit", 0.2, impact=900, on="2027-03-01"),
    """kind = "reserve"
       name = "for tuning"
       funds = "tuning\"""": sc.Reserve("for tuning", funds="tuning"),
    """kind = "reserve"
       name = "management reserve"
       to = 0.95
       held_by = "management\"""": sc.Reserve("management reserve", to=0.95, held_by="management"),
    """use = "storage"
       gb = 100
       cost_center = "cc-1\"""": sc.preset("storage", {"gb": 100, "cost_center": "cc-1"}),
}


def test_every_kind_of_line_is_read_as_python_has_it(folder):
    tables = "".join(f"[[components]]\n{text}\n" for text in LINES)
    tie = '[[dependence]]\nkind = "common_factor"\nname = "f"\nloadings = { base = 0.6, "weights.growth" = 0.6 }\n'
    file = read(folder, PLAN + tables + tie)
    assert list(file.components) == list(LINES.values())
    plan = made(file)
    direct = sc.plan(
        plan.projection,
        components=list(LINES.values()),
        dependence=[sc.CommonFactor("f", {"base": 0.6, "weights.growth": 0.6})],
        draws=200,
        seed=3,
    )
    assert np.array_equal(plan.totals, direct.totals)
    pd.testing.assert_frame_equal(plan.set_aside(), direct.set_aside())
    assert {type(c) for c in file.components} == set(COMPONENTS.values())


MORE = '\n[[components]]\nkind = "share_of"\nname = "b"\nshare = 0.1\nof = ["a"]'
BAD_LINES = {
    "a preset": ('use = "trainig"', "did you mean 'training'?"),
    "a preset's sizes": ('use = "storage"', "preset 'storage' needs gb (gigabytes on the first day)"),
    "a preset's key": ('use = "storage"\ngb = 5\ngrowht = 1', "did you mean 'growth'?"),
    "a preset and a kind": ('use = "storage"\nkind = "stock"\ngb = 5', "leave one out"),
    "a kind": ('kind = "shareof"\nname = "a"\nshare = 0.1', "did you mean 'share_of'?"),
    "a count": ('kind = "per_unit"\nname = "a"\ncount = "heads"\nprice = 1', "'heads' is not known"),
    "a negative count": ('kind = "per_unit"\nname = "a"\ncount = { 2027-01-01 = -4 }\nprice = 1', "cannot be negative"),
    "what happens beyond": ('kind = "allowance"\nname = "a"\namount = 1\nbeyond = "blok"', "did you mean 'block'?"),
    "a share of itself": (
        'kind = "share_of"\nname = "a"\nshare = 0.1\nof = ["b"]' + MORE,
        "and so of itself",
    ),
    "a reserve of nothing": ('kind = "reserve"\nname = "a"', "what it funds"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_line_that_does_not_hold_is_told_with_its_place(folder, name):
    text, words = BAD_LINES[name]
    told = problem(folder, f"{PLAN}[[components]]\n{text}\n")
    assert ": components" in told
    assert words in told


def test_ties_in_one_table_are_told(folder):
    assert "[[dependence]]" in problem(folder, PLAN + "[dependence]\nkind = 'common_factor'\n")
    assert "did you mean 'common_factor'" in problem(folder, PLAN + "[[dependence]]\nkind = 'comon_factor'\n")


# ------------------------------------------------------------------------------------------------- what is shipped


@pytest.mark.parametrize("path", sorted((ROOT / "data" / "samples").glob("*.toml")), ids=lambda p: p.name)
def test_sample_plans_hold(path):
    file = read_plan_file(path)
    assert file.limit
    assert file.usage.file.is_file()


def test_the_template_holds_with_every_key_in_use(folder, tmp_path):
    text = TEMPLATE.read_text(encoding="utf-8")
    assert read(tmp_path, text).name == "Plan"
    whole = re.sub(r"^#(?=[\[a-z])", "", text, flags=re.MULTILINE)
    for alternative in ("start", "end", "sample", "files"):
        whole = re.sub(rf"^{alternative} = .*\n", "", whole, count=1, flags=re.MULTILINE)
    (tmp_path / "usage.csv").write_bytes((folder / "usage.csv").read_bytes())
    file = read(tmp_path, whole)
    assert len(file.scenario.changes) == 3
    assert {type(c) for c in file.components} == set(COMPONENTS.values())
    assert len(file.dependence) == 1
    assert file.split is not None
    assert file.policy == sc.BudgetPolicy(rollover_cap=0.5, expires="quarter")
    assert "tokenplan scenario list" in text


def test_a_shipped_scenario_is_used_by_name_and_added_to(folder):
    own = '[scenario]\nuse = "price-cut"\n[[scenario.changes]]\nkind = "growth"\nmonthly = 0.05\n'
    file = read(folder, PLAN + own)
    start = pd.Timestamp("2027-01-01")
    first, second = file.scenario.scenario(start).changes
    assert first == scenario_source("price-cut").scenario(start).changes[0]
    assert (first.on, second) == (start, sc.Growth(monthly=0.05))
    assert file.scenario.name == "price-cut"
    assert "one half" in file.scenario.description


def test_a_scenario_file_says_what_it_is(tmp_path):
    (tmp_path / "bare.toml").write_text('titel = "x"\n[[changes]]\nkind = "growht"\nmonthly = 0.1\n')
    with pytest.raises(fc.ScenarioError) as raised:
        read_scenario(tmp_path / "bare.toml")
    told = str(raised.value)
    for words in ("titel: is not a key; did you mean 'title'?", "changes[1]", "description: is missing", "source"):
        assert words in told


def test_a_folder_of_no_exports_is_told(folder):
    (folder / "empty").mkdir()
    assert "the folder holds no .csv" in problem(folder, PLAN.replace("usage.csv", "empty"))


def test_usage_is_a_folder_or_a_glob_of_exports_with_rules(tmp_path):
    exports = sample_path("exports/rules.toml").parent
    for source in (exports, exports / "openai_usage_*"):
        (tmp_path / "plan.toml").write_text(
            f'[plan]\nhorizon = "1M"\n[usage]\nfile = "{source}"\nrules = "{exports / "rules.toml"}"\n'
            'today = 2026-11-30\n[forecast]\nlag = 0\n[output]\nby = ["month"]\n'
        )
        usage = read_plan_file(tmp_path / "plan.toml").usage.read()
        assert usage.frame["environment"].dropna().nunique() == 4
    (tmp_path / "plan.toml").write_text('[plan]\nhorizon = "1M"\n[usage]\nfile = "nothing*.json"\n')
    with pytest.raises(PlanError, match=r"usage\.file.*no file fits this glob"):
        read_plan_file(tmp_path / "plan.toml")


def test_the_reference_in_the_docs_is_what_the_schema_prints():
    page = (ROOT / "docs" / "plan-file.md").read_text(encoding="utf-8")
    assert page.split("from what is checked when a file is read.\n\n", 1)[1] == plan_file_keys()


def test_every_key_of_the_reference_is_one_and_is_told(monkeypatch):
    told = {name: dict(keys) for name, keys in planreference._SAID.items()}
    del told["[plan]"]["seed"]
    monkeypatch.setattr(planreference, "_SAID", told)
    with pytest.raises(LookupError, match=r"\[plan\]: seed"):
        plan_file_keys()
