"""Alerts against a plan, by hand arithmetic; and the command with its exit codes, rules file and webhook."""

import json

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from scenarios.cli import main
from scenarios.reviews.alerts.rules_file import read_rules
from tests import alerted
from tests.test_alerts import of
from tests.test_alerts_sent import OK, server

#: Only what stands against the plan.
ONLY = sc.AlertRules(spike=False, shift=False, unit_cost=False, cache=False, missing=False, unpriced=False)
#: A day of the two projects, all alike: 10,000 requests at 0.002 each.
FLAT = pd.DataFrame({"a": 6_000.0, "b": 4_000.0}, index=pd.date_range("2026-03-02", "2026-07-29"))
DAILY = 20.0


def usage(requests):
    return alerted.usage_of(requests)


@pytest.fixture(scope="module")
def plan():
    """July of the flat usage, priced at what it is billed at: 31 days of 20."""
    price = {"provider": "openai", "model": "gpt-5", "unit": "input_tokens", "price": "2", "valid_from": "2026-01-01"}
    prices = fc.PriceBook.from_frame(pd.DataFrame([price]))
    known = usage(FLAT.loc[:"2026-06-30"])
    ahead = fc.project(known, start="2026-07-01", end="2026-07-31", model="seasonal_naive", lag=0, trajectories=50)
    return sc.plan(ahead, prices=prices, draws=200)


def test_spend_as_planned_is_no_variance(plan):
    assert plan.budget == pytest.approx(31 * DAILY, rel=1e-6)
    assert len(sc.alerts(usage(FLAT), plan, as_of="2026-07-20", rules=ONLY)) == 0


def test_over_budget_takes_the_amount_and_the_share(plan):
    more = FLAT.copy()
    more.loc["2026-07-01":] *= 1.5
    # 20 days of 30 against 20 days of 20: 200 over 400, 50 %.
    rules = sc.AlertRules(**{**dict.fromkeys(sc.AlertRules.switches(), False), "budget": True})
    (one,) = sc.alerts(usage(more), plan, as_of="2026-07-20", rules=rules)
    assert one.rule == "budget"
    assert one.severity == "critical"
    assert one.evidence["spent"] == pytest.approx(600.0)
    assert one.evidence["budget_to_date"] == pytest.approx(400.0, abs=0.01)  # the plan's cents
    assert one.evidence["over"] == pytest.approx(200.0, abs=0.01)
    assert one.evidence["share"] == pytest.approx(0.5, abs=1e-4)
    assert one.since == pd.Timestamp("2026-07-01")
    # The next day is the same alert.
    assert sc.alerts(usage(more), plan, as_of="2026-07-21", rules=rules)[0].id == one.id
    for short in ({"budget_amount": 201.0}, {"budget_percent": 0.51}):
        quiet = sc.AlertRules(**{**dict.fromkeys(sc.AlertRules.switches(), False), "budget": True, **short})
        assert len(sc.alerts(usage(more), plan, as_of="2026-07-20", rules=quiet)) == 0


def test_a_breach_is_foreseen_from_what_was_spent_and_what_is_to_come(plan):
    more = FLAT.copy()
    more.loc["2026-07-01":] *= 1.5
    (one,) = of(sc.alerts(usage(more), plan, as_of="2026-07-20", rules=ONLY), "breach")
    # 600 spent, and the season repeats 30 a day for 11 days: 930 of 620, in every future.
    assert one.evidence["probability"] == 1.0
    assert one.evidence["p50"] == pytest.approx(930.0, rel=0.05)  # the step itself is among the errors of the past
    assert one.severity == "critical"
    assert not of(sc.alerts(usage(FLAT), plan, as_of="2026-07-20", rules=ONLY), "breach")


def test_a_day_outside_the_plan_is_noted(plan):
    found = sc.alerts(usage(FLAT), plan, as_of="2026-06-20", rules=ONLY)
    assert len(found) == 0
    assert "2026-07-01 to 2026-07-31" in found.notes[-1]


def test_another_currency_is_refused(plan):
    frame = usage(FLAT).frame.assign(currency="EUR")
    with pytest.raises(fc.PlanError, match="EUR and the plan in USD"):
        sc.alerts(fc.Usage.from_frame(frame), plan, as_of="2026-07-20", rules=ONLY)


# ------------------------------------------------------------------------------------------------------------ command


@pytest.fixture
def spiked(tmp_path):
    requests = alerted.volumes()
    requests.loc["2026-06-10", "project-2"] *= 4
    path = tmp_path / "usage.csv"
    usage(requests).frame.to_csv(path, index=False)
    return path


def test_the_command_leaves_with_4_where_something_fires(spiked, capsys):
    assert main(["alerts", str(spiked), "--as-of", "2026-06-10", "--quiet"]) == 4
    shown = capsys.readouterr().out
    assert "Alerts as of 2026-06-10" in shown
    assert "production/project-2" in shown
    assert main(["alerts", str(spiked), "--as-of", "2026-06-20", "--quiet"]) == 0
    assert capsys.readouterr().out == "Alerts as of 2026-06-20, the last 3 days: none\n"


def test_the_command_speaks_json_csv_and_markdown(spiked, capsys):
    day = [str(spiked), "--as-of", "2026-06-10", "--quiet"]
    assert main(["alerts", *day, "--json"]) == 4
    document = json.loads(capsys.readouterr().out)
    assert document["fired"] == len(document["alerts"]) > 0
    assert main(["alerts", *day, "--output", "csv"]) == 4
    assert capsys.readouterr().out.startswith("severity,rule,labels,since,day,message,id\n")
    assert main(["alerts", *day, "--output", "markdown"]) == 4
    assert capsys.readouterr().out.startswith("**Alerts as of 2026-06-10")


def test_the_command_sends_each_alert_once(spiked, tmp_path, capsys):
    with server(OK) as (url, got):
        asked = [
            "alerts",
            str(spiked),
            "--as-of",
            "2026-06-10",
            "--webhook",
            url,
            "--state",
            str(tmp_path / "sent.json"),
        ]
        assert main(asked) == 4
        assert "sent" in capsys.readouterr().err
        assert main(asked) == 4
        assert "sent nothing: no alert is new" in capsys.readouterr().err
    assert len(got) == 1
    assert main([*asked, "--state", str(tmp_path / "other.json"), "--timeout", "1"]) == 1
    told = capsys.readouterr().err
    assert "the message was not taken" in told
    assert "T0PS3CRET" not in told


def test_rules_of_a_file_are_checked_all_at_once(spiked, tmp_path, capsys):
    rules = tmp_path / "rules.toml"
    rules.write_text("spike = false\ndays = 5\nshift_change = 0.3\n")
    assert read_rules(rules) == sc.AlertRules(spike=False, days=5, shift_change=0.3)
    assert main(["alerts", str(spiked), "--as-of", "2026-06-10", "--thresholds", str(rules), "--quiet"]) == 0
    capsys.readouterr()
    rules.write_text('spikes = false\ndays = "x"\nshift_change = 30\n')
    assert main(["alerts", str(spiked), "--thresholds", str(rules)]) == 1
    told = capsys.readouterr().err
    assert "3 problems" in told
    assert "did you mean 'spike'" in told
    rules.write_text("spike = ")
    assert main(["alerts", str(spiked), "--thresholds", str(rules)]) == 1


def test_a_usage_of_numbers_of_the_edge_is_judged_without_a_warning():
    requests = alerted.volumes(2)
    requests["none"] = 0.0
    requests["rare"] = np.where(np.arange(len(requests)) % 29 == 0, 5.0, np.nan)
    requests["new"] = np.where(np.arange(len(requests)) > 100, 50.0, np.nan)
    requests["huge"] = 1e12
    assert not sc.alerts(usage(requests), as_of=alerted.DAYS[-1].date(), rules=sc.AlertRules(days=120)).fired
