"""Alerts: what fires on planted spikes and shifts, what does not, and that tomorrow changes nothing of today."""

import json
import math
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import forecast as fc
import scenarios as sc
from scenarios.reviews.alerts import law
from scenarios.reviews.alerts.dips import common_dips
from scenarios.reviews.alerts.episodes import episodes
from scenarios.reviews.alerts.following import CLIP, HALF_LIFE, WARM, WEEKDAY, follow, logs
from scenarios.reviews.alerts.reporting import silent
from scenarios.reviews.alerts.shifting import shifted
from tests import alerted

LAST = alerted.DAYS[-1].date()
#: Sums and logs of the same numbers in another order.
EXACT = 1e-12


def of(found, rule, **labels):
    return [a for a in found if a.rule == rule and labels.items() <= dict(a.labels).items()]


# ------------------------------------------------------------------------------------------------------------ numbers


def test_a_bound_is_students_quantile_shared_among_the_tests():
    expected = law.SHRUNK * stats.t.isf(0.7 / (30.4375 * 2), law.TAILS)
    assert law.bound(0.7, 2) == pytest.approx(expected, rel=1e-9)
    assert law.chance(np.array([expected]))[0] == pytest.approx(0.7 / 60.875, rel=1e-9)


@given(st.floats(0.01, 5.0), st.integers(1, 2_000))
def test_more_tests_and_fewer_alarms_ask_for_more(alarms, tests):
    assert law.bound(alarms, tests + 1) >= law.bound(alarms, tests)
    assert law.bound(alarms / 2, tests) > law.bound(alarms, tests) or alarms / (30.4375 * tests) > 0.5


def test_as_many_false_alarms_come_as_are_accepted():
    # 40,000 months of 10 series whose errors follow the law: 0.5 alarms a month, with a Poisson error of 0.0035.
    errors = law.SHRUNK * np.random.default_rng(3).standard_t(law.TAILS, (40_000, 30, 10)).astype("float32")
    share = float((errors > law.bound(0.5, 10)).mean())
    assert share * 30.4375 * 10 == pytest.approx(0.5, abs=4 * 0.0036)


def test_following_is_the_plain_recursion():
    """One rate and one series, day by day, in plain Python."""
    days = pd.date_range("2026-01-05", periods=100)
    rng = np.random.default_rng(1)
    log = 5 + 0.3 * (days.day_of_week.to_numpy() > 4) + 0.1 * rng.standard_normal(100)
    log[60] += 2.0
    log[70] = np.nan
    weekday = days.day_of_week.to_numpy()
    found = follow(log[:, None], weekday, rates=(0.2,))
    start, day = log[:WARM], weekday[:WARM]
    level = float(np.median(start[day < 5]))
    rest = float(np.median(start[day > 4])) - level
    week = []
    for k in range(7):
        of_class = rest if k > 4 else 0.0
        own = start[day == k]
        week.append(of_class + len(own) / (len(own) + 2.0) * (float(np.median(own)) - level - of_class))
    scale = max(1.4826 * float(np.median([abs(start[t] - level - week[day[t]]) for t in range(WARM)])), 0.03)
    keep = 0.5 ** (1 / HALF_LIFE)
    for t in range(100):
        ahead = level + week[weekday[t]]
        assert found.expected[t, 0] == pytest.approx(ahead, abs=EXACT)
        assert found.scale[t, 0] == pytest.approx(scale, abs=EXACT)
        if np.isnan(log[t]):
            continue
        error = min(max(log[t] - ahead, -CLIP * scale), CLIP * scale)
        level, week[weekday[t]] = level + 0.2 * error, week[weekday[t]] + WEEKDAY * 0.8 * error
        scale = max(keep * scale + (1 - keep) * 1.2533 * abs(error), 0.02)


def test_a_week_of_thirty_per_cent_more_is_a_shift_of_its_log():
    weekday = alerted.DAYS.day_of_week.to_numpy()
    values = np.where(weekday > 4, 40.0, 100.0)[:, None]
    values[80:] *= 1.3
    size = shifted(follow(logs(values), weekday), 7, change=0.2).size
    assert size[79, 0] == pytest.approx(0.0, abs=EXACT)
    # Each day counts with its log, up to the least clip of 0.35: log 1.3 = 0.26.
    assert size[82, 0] == pytest.approx(3 / 7 * math.log(1.3), abs=EXACT)
    assert size[86, 0] == pytest.approx(math.log(1.3), abs=EXACT)


def test_a_common_dip_is_a_holiday_but_the_fourth_in_a_week_is_a_fall():
    values = alerted.volumes(8).to_numpy(copy=True)
    values[80] *= 0.4
    values[100:] *= 0.5
    weekday = alerted.DAYS.day_of_week.to_numpy()
    there = common_dips(follow(logs(values), weekday, counts=True), alerted.DAYS).there
    assert np.flatnonzero(there[:103]).tolist() == [80, 100, 101, 102]
    assert not there[103:106].any()


def test_episodes_are_stretches_with_few_quiet_days_between():
    held = np.array([[0, 1, 1, 0, 0, 1, 0, 0, 0, 1]], dtype=bool).T
    assert [e.days for e in episodes(held, quiet=2, since=0)] == [(1, 2, 5), (9,)]
    assert [e.days for e in episodes(held, quiet=1, since=0)] == [(1, 2), (5,), (9,)]
    assert [e.days for e in episodes(held, quiet=2, since=5)] == [(1, 2, 5), (9,)]
    assert episodes(held[:9], quiet=2, since=6) == []


def test_silence_is_judged_by_the_habit_before():
    reported = np.ones((120, 3), dtype=bool)
    reported[::3, 1] = False  # two days of three
    reported[110:, :2] = False
    late = silent(reported, 2)
    assert np.flatnonzero(late[:, 0]).tolist() == list(range(111, 120))
    # 60 of 90 days, so 60 / 91: (31 / 91)^k < 2e-4 from the eighth silent day on, which day 117 is.
    assert np.flatnonzero(late[:, 1]).tolist() == [117, 118, 119]
    assert not late[:, 2].any()


# ------------------------------------------------------------------------------------------------------------ planted


def test_nothing_fires_on_quiet_usage():
    found = sc.alerts(alerted.usage_of(alerted.volumes()), as_of=LAST)
    assert len(found) == 0
    assert not found.fired


def test_a_spike_is_found_on_its_day_with_the_numbers_behind_it():
    requests = alerted.volumes()
    requests.loc["2026-06-10", "project-2"] *= 3
    found = of(sc.alerts(alerted.usage_of(requests), as_of="2026-06-10"), "spike", project="project-2")
    (one,) = found
    assert one.since == one.day == pd.Timestamp("2026-06-10")
    assert one.evidence["actual"] in (
        requests.loc["2026-06-10", "project-2"],
        pytest.approx(one.evidence["ratio"] * one.evidence["expected"]),
    )
    # Three times a day of noise 0.08: the forecast itself is off by less than three of those.
    assert one.evidence["ratio"] == pytest.approx(3.0, rel=0.25)
    assert one.evidence["expected"] < one.evidence["edge"] < one.evidence["actual"]
    assert "production/project-2 on 2026-06-10" in one.message


def test_a_spike_of_most_of_what_everybody_uses_is_critical():
    requests = alerted.volumes()
    requests.loc["2026-06-10", "project-2"] *= 8
    found = sc.alerts(alerted.usage_of(requests), as_of="2026-06-10")
    assert found[0].severity == "critical"
    assert of(found, "spike", scope="organisation")


def test_a_spike_on_a_holiday_is_found_and_the_holiday_is_not():
    requests = alerted.volumes(8)
    requests.loc["2026-06-10"] *= 0.3
    assert not sc.alerts(alerted.usage_of(requests), as_of="2026-06-11").fired
    # As much as on any working day, on a day on which everybody rests.
    requests.loc["2026-06-10", "project-2"] /= 0.3
    assert of(sc.alerts(alerted.usage_of(requests), as_of="2026-06-10"), "spike", project="project-2")


def test_drops_are_told_only_where_asked():
    requests = alerted.volumes()
    requests.loc["2026-06-10", "project-2"] *= 0.2
    usage = alerted.usage_of(requests)
    assert not of(sc.alerts(usage, as_of="2026-06-10"), "drop")
    (one,) = of(
        sc.alerts(usage, as_of="2026-06-10", rules=sc.AlertRules(spike_drops=True)), "drop", project="project-2"
    )
    assert one.evidence["ratio"] == pytest.approx(0.2, rel=0.25)


def test_shifts_up_warn_and_shifts_down_are_told():
    requests = alerted.volumes(noise=0.04)
    requests.loc["2026-06-10":, "project-1"] *= 1.4
    requests.loc["2026-06-10":, "project-2"] *= 0.6
    found = sc.alerts(alerted.usage_of(requests), as_of="2026-06-16", rules=sc.AlertRules(spike=False))
    (up,) = of(found, "shift", project="project-1")
    (down,) = of(found, "shift", project="project-2")
    assert (up.severity, down.severity) == ("warning", "info")
    assert up.evidence["change"] == pytest.approx(0.4, abs=0.08)  # a 7-day mean of noise 0.04 has an error of 0.03
    assert down.evidence["change"] == pytest.approx(-0.4, abs=0.08)
    assert up in found.fired
    assert down not in found.fired


def test_what_is_told_of_a_day_does_not_change_with_what_comes_later():
    requests = alerted.volumes(noise=0.15, seed=4)
    requests.loc["2026-05-20", "project-3"] *= 3
    requests.loc["2026-06-01":, "project-1"] *= 1.6
    usage = alerted.usage_of(requests)
    every = {}
    plain = {"unit_cost": False, "cache": False, "missing": False}
    for a in sc.alerts(usage, as_of=LAST, rules=sc.AlertRules(days=len(alerted.DAYS), **plain)):
        every[a.id] = a
    days = [*pd.date_range("2026-05-19", "2026-05-22"), *pd.date_range("2026-06-01", "2026-06-08")]
    daily = {}
    for day in days:
        for a in sc.alerts(usage, as_of=day.date(), rules=sc.AlertRules(days=1, **plain)):
            daily.setdefault(a.id, []).append(a)
    begun = {i for i, a in every.items() if a.since in days}
    assert begun <= set(daily) <= set(every)
    assert {a.rule for i in begun for a in daily[i]} == {"spike", "shift"}
    for told in daily.values():
        assert len({a.since for a in told}) == 1
        assert [a.day for a in told] == sorted(a.day for a in told)


def test_an_alert_keeps_its_fingerprint_until_it_changes():
    requests = alerted.volumes()
    requests.loc["2026-06-10", "project-2"] *= 2.0
    one = of(sc.alerts(alerted.usage_of(requests), as_of="2026-06-10"), "spike", project="project-2")[0]
    again = of(sc.alerts(alerted.usage_of(requests), as_of="2026-06-12"), "spike", project="project-2")[0]
    assert (one.id, one.fingerprint) == (again.id, again.fingerprint)
    requests.loc["2026-06-11", "project-2"] *= 20.0
    worse = of(sc.alerts(alerted.usage_of(requests), as_of="2026-06-12"), "spike", project="project-2")[0]
    assert worse.id == one.id
    assert worse.fingerprint != one.fingerprint


# ------------------------------------------------------------------------------------------------------------ the rest


def test_a_price_that_rises_shows_as_unit_cost_of_the_model():
    usage = alerted.usage_of(alerted.volumes())
    late = usage.frame["date"] >= "2026-06-10"
    frame = usage.frame.assign(billed_cost=usage.frame["billed_cost"].where(~late, usage.frame["billed_cost"] * 1.25))
    found = of(sc.alerts(fc.Usage.from_frame(frame), as_of="2026-06-16"), "unit_cost")
    assert {a.labels["ratio"] for a in found} == {"cost_per_million_tokens", "cost_per_request"}
    for one in found:
        # Seven days of 25 % more, and rounding to cents.
        assert one.evidence["change"] == pytest.approx(0.25, abs=1e-3)
        assert one.labels["model"] == "gpt-5"


def test_a_cache_that_stops_is_a_collapse():
    usage = alerted.usage_of(alerted.volumes())
    day = usage.frame["date"]
    read = usage.frame["input_tokens"] * np.where(day >= "2026-06-12", 0.0, 0.5)
    frame = usage.frame.assign(cache_read_tokens=read, input_tokens=usage.frame["input_tokens"] - read)
    (one,) = of(sc.alerts(fc.Usage.from_frame(frame), as_of="2026-06-16"), "cache")
    assert one.evidence["median"] == pytest.approx(0.001)
    off = sc.AlertRules(cache=False)
    assert not of(sc.alerts(fc.Usage.from_frame(frame), as_of="2026-06-16", rules=off), "cache")


def test_quality_that_falls_at_the_same_price_costs_more_a_success():
    usage = alerted.usage_of(alerted.volumes())
    rate = np.where(alerted.DAYS >= "2026-06-10", 0.6, 0.8)
    quality = pd.DataFrame({"date": alerted.DAYS, "model": "gpt-5", "success_rate": rate})
    (one,) = of(sc.alerts(usage, as_of="2026-06-16", quality=quality), "quality")
    assert one.evidence["change"] == pytest.approx(0.8 / 0.6 - 1, abs=1e-3)
    assert not of(sc.alerts(usage, as_of="2026-06-09", quality=quality), "quality")


def test_quotas_by_day_and_by_minute_are_plain_arithmetic():
    flat = alerted.volumes() * 0 + 1_440.0
    flat.loc["2026-06-16", "project-0"] = 1_440.0 * 4
    quotas = pd.DataFrame(
        {"model": ["gpt-5"], "requests_per_minute": [20.0], "tokens_per_day": [1_440.0 * 9e3], "burst": [2.0]}
    )
    found = of(sc.alerts(alerted.usage_of(flat), as_of="2026-06-16", quotas=quotas), "quota")
    by = {a.labels["quota"]: a for a in found}
    # (5 x 1,440 + 4 x 1,440) requests in 1,440 minutes, twice that in the busiest: 18 of 20; and 9,000 tokens of 9,000.
    assert by["requests_per_minute"].evidence["share"] == pytest.approx(0.9)
    assert by["requests_per_minute"].severity == "warning"
    assert by["tokens_per_day"].evidence["share"] == pytest.approx(1.0)
    assert by["tokens_per_day"].severity == "critical"


def test_series_and_days_that_do_not_arrive():
    requests = alerted.volumes()
    requests.loc["2026-06-20":, "project-1"] = np.nan
    requests.loc["2026-06-10"] = np.nan
    usage = alerted.usage_of(requests)
    (whole,) = of(sc.alerts(usage, as_of="2026-06-10"), "missing")
    assert (whole.since, whole.labels["scope"]) == (pd.Timestamp("2026-06-10"), "organisation")
    (one,) = of(sc.alerts(usage, as_of="2026-06-22"), "missing")
    assert (one.since, one.labels["project"]) == (pd.Timestamp("2026-06-20"), "project-1")
    assert one.evidence["days"] == 3
    (late,) = of(sc.alerts(usage, as_of="2026-07-03"), "late")
    assert late.evidence["days"] == 4
    assert not sc.alerts(usage, as_of="2026-06-22", rules=sc.AlertRules(missing=False))


def test_a_model_without_a_price_is_told_and_keeps_its_id():
    requests = alerted.volumes()
    usage = alerted.usage_of(requests)
    frame = usage.frame.drop(columns=["billed_cost", "currency"])
    named = frame.assign(model=frame["model"].where(frame["project"] != "project-0", "house-model-1"))
    made = fc.Usage.from_frame(named, sort=True)
    (one,) = of(sc.alerts(made, as_of="2026-06-10"), "unpriced")
    assert one.labels["model"] == "house-model-1"
    assert one.id == of(sc.alerts(made, as_of="2026-06-11"), "unpriced")[0].id


# ------------------------------------------------------------------------------------------------------------ as values


def test_alerts_are_a_frozen_list_with_a_table_and_json():
    requests = alerted.volumes()
    requests.loc["2026-06-10", "project-2"] *= 4
    found = sc.alerts(alerted.usage_of(requests), as_of="2026-06-10")
    assert found[0] is next(iter(found))
    assert list(found.table()["id"]) == [a.id for a in found]
    document = json.loads(found.to_json())
    assert document["schema"] == "tokenplan/alerts/1"
    assert document["alerts"][0]["id"] == found[0].id
    assert "<table" in found._repr_html_()
    with pytest.raises(FrozenInstanceError):
        found.days = 9
    with pytest.raises(TypeError):
        found[0].evidence["ratio"] = 1.0


def test_labels_are_escaped_on_a_page():
    requests = alerted.volumes().rename(columns={"project-2": "<script>"})
    requests.loc["2026-06-10", "<script>"] *= 4
    assert "<script>" not in sc.alerts(alerted.usage_of(requests), as_of="2026-06-10")._repr_html_()


def test_every_check_has_its_switch():
    assert set(sc.AlertRules.switches()) == {
        "spike", "shift", "budget", "breach", "unit_cost", "quality", "quota", "cache", "unpriced", "missing",
    }  # fmt: skip
    requests = alerted.volumes()
    requests.loc["2026-06-10":, "project-2"] *= 4
    off = sc.AlertRules(**dict.fromkeys(sc.AlertRules.switches(), False))
    assert len(sc.alerts(alerted.usage_of(requests), as_of="2026-06-16", rules=off)) == 0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"days": 0}, "days=0"),
        ({"days": 2.0}, "days=2.0"),
        ({"spike": 1}, "spike=1"),
        ({"shift_change": 20}, "a share between 0 and 1"),
        ({"spike_alarms": 0}, "above 0"),
        ({"budget_amount": -1}, "0 or more"),
        ({"unit_errors": float("nan")}, "wanted a number"),
    ],
)
def test_rules_that_do_not_hold_are_told(wrong, says):
    with pytest.raises(fc.PlanError, match=says):
        sc.AlertRules(**wrong)


def test_arguments_that_do_not_hold_are_told():
    usage = alerted.usage_of(alerted.volumes())
    with pytest.raises(fc.UsageError, match="takes a Usage"):
        sc.alerts(usage.frame)
    with pytest.raises(fc.PlanError, match="rules"):
        sc.alerts(usage, rules={"days": 1})
    with pytest.raises(fc.UsageError, match="the usage begins on 2026-03-02"):
        sc.alerts(usage, as_of="2020-01-01")
    with pytest.raises(fc.UsageError, match="team"):
        sc.alerts(usage, by="team")
    with pytest.raises(fc.UsageError, match=r"modell.*model"):
        sc.alerts(usage, quotas=pd.DataFrame({"modell": ["x"], "tokens_per_day": [1.0]}))
    with pytest.raises(fc.UsageError, match="none of requests_per_minute"):
        sc.alerts(usage, quotas=pd.DataFrame({"model": ["x"]}))
    with pytest.raises(fc.PlanError, match="BudgetPlan"):
        sc.alerts(usage, plan="q1.toml")


def test_short_and_monthly_usage_says_what_was_not_looked_at():
    short = sc.alerts(alerted.usage_of(alerted.volumes().head(30)))
    assert "the usage spans 28 days" in short.notes[0]  # 30 less the two that may be incomplete
    frame = alerted.usage_of(alerted.volumes()).frame
    frame = frame[frame["date"].dt.day == 1].assign(date=frame["date"])
    monthly = sc.alerts(fc.Usage.from_frame(frame, grain="month"))
    assert "daily or hourly" in monthly.notes[0]


def test_the_spike_of_an_hour_is_found_in_hourly_usage():
    hours = pd.date_range("2026-03-02", periods=24 * 100, freq="h")
    rng = np.random.default_rng(5)
    shape = 500.0 * (1 + 0.8 * np.sin(2 * np.pi * hours.hour.to_numpy() / 24))
    requests = np.round(shape * np.exp(0.05 * rng.standard_normal(len(hours))))
    at = int(np.flatnonzero(hours == "2026-06-05 18:00")[0])  # the quietest hour: a day's total hardly moves
    requests[at] *= 3
    frame = pd.DataFrame({"date": hours, "provider": "openai", "model": "gpt-5", "requests": requests})
    usage = fc.Usage.from_frame(frame.assign(input_tokens=requests * 1_000.0))
    found = of(sc.alerts(usage, as_of="2026-06-05"), "spike")
    (one,) = [a for a in found if a.labels.get("each") == "hour"]
    assert one.evidence["hour"] == 18
    assert "the hour from 18:00" in one.message
