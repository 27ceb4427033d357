"""The deep dive: savings and shares by hand, calibration of made-up forecasts, and what cannot be told."""

import json
from html import unescape

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from scenarios.cli import main
from scenarios.reviews.diving.calibration import calibration_of
from scenarios.reviews.diving.judged import judged
from scenarios.reviews.diving.opportunities import candidates, opportunities_of
from scenarios.reviews.diving.savings import savings_of
from tests.test_reviews import BOOK, PLAN, steady, used
from tests.usages import organisation

#: Sums of some hundred doubles, in another order.
ROUNDING = 1e-9


def trimmed_plan(**arguments):
    projection = fc.project(used(steady(PLAN, 100.0)), horizon="1Q", lag=0, model="seasonal_naive", trajectories=40)
    trim = sc.PromptTrim(by=-0.2, on="2026-07-11", name="shorter prompts")
    return sc.plan(projection, prices=BOOK, scenario=sc.Scenario("trim", [trim]), draws=200, **arguments)


def test_a_saving_planned_is_the_saving_realised():
    """From 11 July prompts are a fifth shorter: of 100 a day, 20 are saved on 21 days of July."""
    july = pd.date_range("2026-07-01", "2026-07-31")
    later = steady(july[10:], 100.0)
    later["input_tokens"] *= 0.8
    review = sc.review(trimmed_plan(), used(steady(july[:10], 100.0), later), as_of="2026-07-31")
    row = savings_of(review.outlook).loc["shorter prompts"]
    assert row["realised"] == pytest.approx(21 * 20.0, rel=ROUNDING)
    assert row["planned"] == pytest.approx(21 * 20.0, rel=ROUNDING)
    assert row["basis"] == "requests"


def test_a_lever_that_did_nothing_saved_nothing():
    july = pd.date_range("2026-07-01", "2026-07-31")
    review = sc.review(trimmed_plan(), used(steady(july, 100.0)), as_of="2026-07-31")
    row = savings_of(review.outlook).loc["shorter prompts"]
    assert row["realised"] == pytest.approx(0.0, abs=1e-6)
    assert row["share"] == pytest.approx(0.0, abs=1e-6)


def test_what_levers_would_save_by_hand():
    projection = fc.project(used(steady(PLAN, 100.0)), horizon="1Q", lag=0, model="seasonal_naive", trajectories=40)
    plan = sc.plan(projection, prices=BOOK, components=[sc.Fixed("gateway", 1_000)], draws=200)
    levers = [
        sc.PromptTrim(by=-0.1, name="a tenth"),
        sc.PromptTrim(by=-0.3, name="three tenths"),
        sc.Batch(share=0.5, name="batches"),  # at half the price: a quarter of 9,200
        sc.PromptTrim(by=-0.1, model="gpt-5", name="not used here"),
    ]
    table = opportunities_of(plan, levers)
    assert list(table.index) == ["three tenths", "batches", "a tenth", "not used here"]
    assert table.loc["batches", "saving"] == pytest.approx(2_300.0, rel=ROUNDING)
    assert table.loc["a tenth", "saving"] == pytest.approx(920.0, rel=ROUNDING)
    assert table.loc["a tenth", "percent"] == pytest.approx(920.0 / 12_200.0, rel=ROUNDING)
    assert np.isnan(table.loc["not used here", "saving"])
    assert "matches nothing" in table.loc["not used here", "why"]


def test_levers_are_found_on_what_costs_most():
    projection = fc.project(organisation(), horizon="1Q", model="seasonal_naive", trajectories=40)
    plan = sc.plan(projection, draws=200)
    names = [c.name for c in candidates(plan)]
    assert {"batches of gpt-5", "prompt cache of gpt-5", "gpt-5 to gpt-5-mini"} <= set(names)
    table = opportunities_of(plan)
    assert table["saving"].dropna().is_monotonic_decreasing
    assert (table["why"].eq("") == table["saving"].notna()).all()


def test_calibration_by_hand():
    found = pd.DataFrame(
        {
            "plan": "q",
            "month": ["2026-07", "2026-08"] * 2,
            "environment": ["production", "production", "test", "test"],
            "p50": [110.0, 110.0, 50.0, 50.0],
            "actual": [100.0, 100.0, 40.0, 60.0],
            "pit": [0.05, 0.3, 0.2, 0.95],
            "within": [False, True, True, False],
        }
    )
    table = calibration_of(found, "environment")
    assert table.loc["production", "bias"] == pytest.approx(0.10)
    assert table.loc["test", "bias"] == pytest.approx(0.0)
    assert table.loc["test", "error"] == pytest.approx(0.2)
    assert table.loc["all", "within"] == 0.5
    assert table.loc["all", "within_se"] == pytest.approx(0.25)  # sqrt(0.5 * 0.5 / 4)


def test_a_quarter_looked_at_whole():
    usage = organisation()
    projection = fc.project(usage.until("2026-06-30"), horizon="1Q", lag=0, model="seasonal_naive", trajectories=60)
    plan = sc.plan(projection, draws=300)
    dive = sc.deep_dive(
        plan, usage, as_of="2026-10-31", levers=[sc.PromptTrim(by=-0.1)], models=("seasonal_naive",), origins=2
    )
    assert dive.reviews[0].as_of == pd.Timestamp("2026-09-30")  # the plan's last day
    assert dive.calibration.loc["all", "months"] == 12
    assert dive.settings.index.tolist() == ["seasonal_naive"]
    assert dive.settings["proposed"].all()
    assert len(dive.findings) >= 4
    page = dive._repr_html_()
    assert "inside the plans' bands" in unescape(page)
    assert "What levers would save" in page


def test_what_cannot_be_judged_is_told():
    usage = organisation()
    projection = fc.project(usage.until("2026-06-30"), horizon="1Q", lag=0, model="seasonal_naive", trajectories=40)
    plan = sc.plan(projection, draws=200)
    with pytest.raises(PlanError, match=r"no month of these plans is over by 2026-07-20.*as_of="):
        sc.deep_dive(plan, usage, as_of="2026-07-20", models=())
    with pytest.raises(PlanError, match="keeps apart"):
        sc.deep_dive(plan, usage, by="team", models=())
    with pytest.raises(PlanError, match="wanted a BudgetPlan"):
        sc.deep_dive([], usage)


def test_a_judgement_is_scored_against_the_plan_without_it():
    """A line of 500 a month was doubled by hand; it cost 900 in July: 100 off with the judgement, 400 without."""
    july = pd.date_range("2026-07-01", "2026-07-31")
    line = sc.Fixed("gateway", 500)
    doubled = sc.Override(
        "a second region",
        sc.Fixed("gateway", 1_000),
        who="platform",
        why="Frankfurt opens",
        on="2026-06-20",
        replaces="gateway",
    )
    plan = trimmed_plan(components=[line, sc.Fixed("audits", sc.between(90, 110))], overrides=[doubled])
    told = pd.DataFrame({"month": ["2026-07"] * 2, "line": ["gateway", "audits"], "amount": [900.0, 100.0]})
    later = steady(july[10:], 100.0)
    later["input_tokens"] *= 0.8
    review = sc.review(plan, used(steady(july[:10], 100.0), later), as_of="2026-07-31", lines=told)
    table = judged(review.outlook)
    row = table.loc["a second region"]
    # The audits spread by 10 about 100, and the median of draws is near it: within a few dollars.
    assert row["p50_with"] - row["p50_without"] == pytest.approx(500.0, abs=0.01)
    assert row["added_value"] == pytest.approx(300.0, abs=10.0)
    assert row["who"] == "platform"


def test_the_command_tells_what_held(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    organisation().frame.to_csv("usage.csv", index=False)
    (tmp_path / "plan.toml").write_text(
        "[plan]\nname = 'Summer'\nstart = 2026-07-01\nend = 2026-09-30\ndraws = 200\n[usage]\nfile = 'usage.csv'\n"
        "[forecast]\nmodel = 'seasonal_naive'\ntrajectories = 40\nlag = 0\n"
    )
    asked = ["deep-dive", "plan.toml", "usage.csv", "--approved-on", "2026-06-30", "--as-of", "2026-09-30", "--quiet"]
    asked += ["--models", "seasonal_naive", "--origins", "2"]
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "tokenplan/deep-dive/1"
    assert told["calibration"][-1]["part"] == "all"
    assert told["calibration"][-1]["months"] == 12
    assert told["overrides"] == []
    assert main(asked) == 0
    shown = capsys.readouterr().out
    assert "Summer, as of 2026-09-30" in shown
    assert "opportunities" in shown
    assert main([*asked, "--by", "team"]) == 1
    assert "keeps apart" in capsys.readouterr().err
