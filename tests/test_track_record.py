"""Track records: a past decision uses what was known on its day to the bit, and what came sees all that came later."""

import json
from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

import forecast as fc
import scenarios as sc
from forecast.calendars import CALENDAR_YEAR
from forecast.errors import PriceError
from forecast.streams import stream
from scenarios.budget.planfile import read_plan_file
from scenarios.cli import main
from scenarios.reviews.tracking.judging import GRADES, effective_trials, grade_of, kept, wilson
from scenarios.reviews.tracking.past_costs import costs_of
from scenarios.reviews.tracking.past_dates import Grid, Length, overlap_of
from scenarios.reviews.tracking.past_plans import known_spec, known_usage
from scenarios.reviews.tracking.record import COLUMNS

DAYS = pd.date_range("2025-01-01", "2026-04-02")
#: Half a cent: what rounding to cents may move an amount by.
CENT = 0.005
#: The origin that the leak tests look at: the plan of Q4 2025, decided two days before it.
ON, START, END = (pd.Timestamp(day) for day in ("2025-09-29", "2025-10-01", "2025-12-31"))


def table(*, noise: float = 0.2) -> pd.DataFrame:
    """Two environments of one project on one model, 15 months; each row is recorded on the day after its own.

    The last two days of an export are taken as incomplete, so that March is the last whole month.
    """
    rows = []
    for environment, level in (("development", 400.0), ("production", 1_600.0)):
        rng = stream(3, environment)
        week = np.where(DAYS.day_of_week > 4, 0.5, 1.0)
        requests = level * week * np.exp(noise * rng.standard_normal(len(DAYS)))
        named = {"provider": "acme", "model": "m1", "environment": environment, "project": "search"}
        frame = pd.DataFrame(
            {"date": DAYS, **named, "requests": requests.round(), "recorded_at": DAYS + pd.Timedelta("1D")}
        )
        rows.append(frame.assign(input_tokens=frame["requests"] * 1_000.0, output_tokens=frame["requests"] * 200.0))
    return pd.concat(rows, ignore_index=True)


def read(frame: pd.DataFrame) -> fc.Usage:
    return fc.Usage.from_frame(frame, sort=True)


def row(unit: str, price: float, **dates: object) -> dict[str, object]:
    return {"provider": "acme", "model": "m1", "unit": unit, "price": price, **dates}


#: Dollars a million tokens: 1,000 input and 200 output tokens, a request's, cost 0.20 and 0.16 cents.
LIST = [row("input_tokens", 2.0, valid_from="2024-01-01"), row("output_tokens", 8.0, valid_from="2024-01-01")]
PER_REQUEST = 1_000 * 2.0e-6 + 200 * 8.0e-6


def book(*more: dict[str, object]) -> fc.PriceBook:
    return fc.PriceBook.from_frame(pd.DataFrame([*LIST, *more]))


def planned(usage: fc.Usage, **arguments: object) -> sc.BudgetPlan:
    projection = fc.project(usage, horizon="1Q", model="seasonal_naive", trajectories=25, seed=5)
    return sc.plan(projection, **{"prices": book(), "draws": 150, "seed": 5, **arguments})


@pytest.fixture(scope="module")
def frame():
    return table()


@pytest.fixture(scope="module")
def usage(frame):
    return read(frame)


@pytest.fixture(scope="module")
def plan(usage):
    return planned(usage)


@pytest.fixture(scope="module")
def record(usage, plan):
    return sc.track_record(usage, plan, lead=2)


def at_origin(usage: fc.Usage, plan: sc.BudgetPlan, **arguments: object):
    (trial,) = sc.track_record(usage, plan, origins=[ON], **arguments).trials
    return trial


def decided(trial) -> tuple[object, ...]:
    """Every number that the decision made."""
    parts = trial.parts.loc[trial.parts["budget"] > 0, ["part", "budget"]].to_numpy().tolist()
    rules = {name: None if np.isnan(amount) else amount for name, amount in trial.rules.items()}
    return (trial.budget, trial.base, trial.p10, trial.p90, trial.funding, rules, parts)


# ------------------------------------------------------------------------------------------------ against a hand's loop


def test_a_trial_is_the_plan_that_would_have_been_made(record, usage, frame):
    trial = record.trials[-2]
    assert (trial.date.on, trial.date.start, trial.date.end) == (ON, START, END)
    past = read(frame[frame["recorded_at"] <= ON])
    # The last two days before the decision are incomplete, and one of them is not recorded yet.
    projection = fc.project(
        past, start="2025-10-01", end="2025-12-31", model="seasonal_naive", trajectories=25, seed=5, lag=1
    )
    made = sc.plan(projection, prices=book(), draws=150, seed=5)
    assert projection.as_of == ON - pd.Timedelta("2D")
    assert (trial.budget, trial.base, trial.funding) == (made.budget, made.base, made.budget)
    inside = frame[frame["date"].between(START, END)]
    came = inside["requests"].sum() * PER_REQUEST
    assert trial.actual == pytest.approx(came, abs=CENT)
    assert trial.percentile == made.percentile_of(trial.actual)
    own = made.table(["environment"])["budget"]
    table = record.parts().loc[ON]
    assert table["budget"].to_dict() == own.to_dict()
    for environment, money in (inside.groupby("environment")["requests"].sum() * PER_REQUEST).items():
        assert table.loc[environment, "actual"] == pytest.approx(money, abs=CENT)
    assert ((table["actual"] <= table["budget"]) == table["held"]).all()


def test_rules_of_thumb_are_those_of_a_pocket_calculator(record, frame):
    daily = frame.groupby("date")["requests"].sum() * PER_REQUEST
    last = record.trials[-1]
    known = daily[: last.date.on - pd.Timedelta("2D")]
    assert last.rules["run rate"] == pytest.approx(known[-28:].sum() / 28 * 90, abs=CENT)
    before = daily["2025-01-01":"2025-03-31"].sum()
    assert last.rules["last year plus 10 %"] == pytest.approx(1.1 * before, abs=CENT)
    assert np.isnan(record.trials[-2].rules["last year plus 10 %"])
    own = record.table()
    assert own["last year plus 10 % held"].isna().tolist() == [True, True, True, False]


def test_the_table_says_by_how_much(record):
    own = record.table()
    assert list(own.columns[: len(COLUMNS)]) == list(COLUMNS)
    for on, one in own.iterrows():
        trial = next(t for t in record.trials if t.date.on == on)
        assert one["held"] == (trial.actual <= trial.budget)
        assert one["overrun"] - one["idle"] == pytest.approx(trial.actual - trial.budget, abs=CENT)
        assert one["overrun"] * one["idle"] == 0
        assert one["error"] == trial.base / trial.actual - 1
        assert one["grade"] == grade_of(one["error"])


# --------------------------------------------------------------------------------------------------- nothing leaks back


def test_a_restatement_that_was_recorded_later_is_not_known(usage, plan, frame, record):
    clean = record.trials[-2]
    at = frame[(frame["environment"] == "production") & frame["date"].isin(["2025-09-10", "2025-11-10"])]
    size = at[["requests", "input_tokens", "output_tokens"]] * 50
    later = at.assign(recorded_at=pd.Timestamp("2026-01-20"), **{c: size[c] for c in size})
    trial = at_origin(read(pd.concat([frame, later])), plan)
    assert decided(trial) == decided(clean)
    more = 49 * at.loc[at["date"] > ON, "requests"].sum() * PER_REQUEST
    assert trial.actual - clean.actual == pytest.approx(more, abs=2 * CENT)


def test_a_row_that_was_recorded_later_is_not_known(plan, frame, usage, record):
    clean = record.trials[-2]
    new = frame[frame["date"].between("2025-09-01", "2025-10-31") & (frame["environment"] == "production")]
    new = new.assign(project="forgotten", recorded_at=pd.Timestamp("2025-12-01"))
    trial = at_origin(read(pd.concat([frame, new])), plan)
    assert decided(trial) == decided(clean)
    more = new.loc[new["date"] >= START, "requests"].sum() * PER_REQUEST
    assert trial.actual - clean.actual == pytest.approx(more, abs=2 * CENT)


def test_what_came_later_moves_nothing_before(plan, frame, record):
    clean = record.trials[-2]
    future = frame["date"] > ON
    new = frame[future & (frame["environment"] == "production")].assign(
        environment="staging", department="labs", service_tier="batch", requests=7e4
    )
    new = new.assign(input_tokens=7e7, cache_read_tokens=1e6, output_tokens=None)
    grown = frame.assign(
        **{c: frame[c].where(~future, 3 * frame[c]) for c in ("requests", "input_tokens", "output_tokens")}
    )
    cached = [row("cache_read_tokens", 0.2, valid_from="2024-01-01")]
    batch = [{**one, "service_tier": "batch"} for one in [*LIST, *cached]]
    trial = at_origin(read(pd.concat([grown, new])), plan, prices=book(*cached, *batch))
    assert decided(trial) == decided(clean)
    days = int((END - START).days) + 1
    more = 2 * clean.actual + days * (7e7 * 2.0e-6 + 1e6 * 0.2e-6)
    # Two amounts that were rounded to the cent, one of them three times.
    assert trial.actual - clean.actual == pytest.approx(more, abs=4 * CENT)
    assert trial.parts.set_index("part").loc["staging", "budget"] == 0


@pytest.mark.parametrize(
    "cut",
    [
        {"valid_from": "2025-11-01"},
        # Told late, and for days that had passed.
        {"valid_from": "2025-07-01", "known_from": "2025-11-15"},
    ],
    ids=["a later cut", "a cut that was told later"],
)
def test_a_price_cut_that_nobody_knew_of_is_not_known(usage, plan, frame, record, cut):
    clean = record.trials[-2]
    trial = at_origin(usage, plan, prices=book(row("input_tokens", 0.5, **cut)))
    assert decided(trial) == decided(clean)
    after = frame["date"].between(max(pd.Timestamp(cut["valid_from"]), START), END)
    less = frame.loc[after, "input_tokens"].sum() * 1.5e-6
    assert clean.actual - trial.actual == pytest.approx(less, abs=2 * CENT)
    known = at_origin(
        usage, plan, prices=book(row("input_tokens", 0.5, valid_from="2025-11-01", known_from="2025-09-29"))
    )
    assert known.budget < clean.budget


@pytest.mark.parametrize("stated_on", [None, "2025-09-30", {"growth": "2026-01-01"}])
def test_a_change_that_had_not_been_stated_is_left_out_and_listed(usage, plan, record, stated_on):
    boom = [sc.Growth(monthly=0.5)]
    clean = record.trials[-2]
    late = plan.replan(scenario=sc.Scenario("boom", boom, stated_on=stated_on))
    trial = at_origin(usage, late)
    assert decided(trial) == decided(clean)
    assert [one.label for one in trial.left_out] == ["growth"]
    assert trial.actual == clean.actual
    early = at_origin(usage, plan.replan(scenario=sc.Scenario("boom", boom, stated_on=ON)))
    assert early.left_out == ()
    assert early.budget > 1.5 * clean.budget


def test_left_out_changes_are_told(usage, plan):
    growth = sc.Growth(monthly=0.02)
    cut = sc.PriceChange(model="m1", on="2025-10-15", by=-0.1)
    both = sc.Scenario("both", [growth, cut], stated_on={"price_change": "2025-09-01"})
    found = sc.track_record(usage, plan.replan(scenario=both), lead=2)
    listed = found.left_out()
    assert listed.groupby("label").size().to_dict() == {"growth": 4, "price_change": 2}
    words = found.describe()
    assert "Left out at 4 of 4 origins: growth, which does not say when it was stated" in words
    assert "Left out at 2 of 4 origins: price_change, which was stated later." in words


def test_known_usage_is_that_of_a_shorter_export(frame, usage):
    short = read(frame[frame["recorded_at"] <= ON])
    assert known_usage(usage, ON).sha256 == short.sha256


# ------------------------------------------------------------------------------------------------ what stands beside it


def test_lines_are_left_out_and_reserves_stay(usage):
    base = [sc.Fixed("gateway", 500.0), sc.Reserve("rainy day", 40.0), sc.Reserve("high", to=0.95)]
    split = sc.EnvironmentSplit(development=(0.15, 0.25), production=(0.60, 0.85))
    plan = planned(usage, components=base, split=[split, sc.Split("project", shared={"gateway": "equally"})])
    found = sc.track_record(usage, plan, lead=2, origins=1)
    (trial,) = found.trials
    alone = sc.track_record(usage, planned(usage, split=split), lead=2, origins=1).trials[0]
    assert (trial.budget, trial.base) == (alone.budget, alone.base)
    # The amount, and what lies between P80 and P95.
    assert trial.funding > trial.budget + 40.0
    assert "gateway" in " ".join(found.notes)
    own = found.table().iloc[0]
    need = max(trial.actual - trial.budget, 0.0)
    assert own["idle_reserves"] == pytest.approx(max(trial.funding - trial.budget - need, 0.0), abs=CENT)
    assert set(found.summary().index) == {"P80 budget", "P80 budget with reserves", "run rate", "last year plus 10 %"}
    shares = found.parts("environment")["budget"] / trial.budget
    assert 0.15 - 1e-6 <= shares.iloc[0] <= 0.25 + 1e-6  # to the cent
    with pytest.raises(fc.PlanError, match=r"parts: by 'modell' is not known; allowed: 'environment', 'project'"):
        found.parts("modell")
    other = sc.track_record(usage, plan, lead=2, origins=1, horizon="1M")
    assert "rainy day" in " ".join(other.notes)


def test_changes_that_did_not_fit_then_are_left_out(usage, plan, record):
    clean = record.trials[-2]
    late = sc.PriceChange(model="m1", on="2026-02-01", by=-0.5, name="next year's cut")
    new = sc.Growth(monthly=0.5, where={"project": "not yet"}, name="a launch")
    fits = sc.Growth(monthly=0.5, name="boom")
    tie = sc.CommonFactor("luck", {"late": 0.5})
    stated = sc.Scenario("s", [late, new, fits], stated_on="2025-01-01")
    trial = at_origin(usage, plan.replan(scenario=sc.Scenario("s", [fits], stated_on="2025-01-01")))
    spec = replace(plan.spec, scenario=stated)
    (found,) = sc.track_record(usage, spec, projection=plan.projection.spec, origins=[ON]).trials
    assert decided(found) == decided(trial)
    assert [one.label for one in found.left_out] == ["next year's cut", "a launch"]
    assert "lies after the horizon" in found.left_out[0].told
    assert decided(found) != decided(clean)
    ranged = replace(late, name="late", by=sc.between(-0.5, -0.4))
    spec = replace(plan.spec, scenario=sc.Scenario("s", [ranged, fits], dependence=[tie], stated_on="2025-01-01"))
    (tied,) = sc.track_record(usage, spec, projection=plan.projection.spec, origins=[ON]).trials
    assert decided(tied) == decided(trial)


def test_ties_of_what_is_left_out_go_too(usage):
    changes = [
        sc.Growth(monthly=sc.between(0.01, 0.03)),
        sc.PriceChange(model="m1", on="2026-05-01", by=sc.between(-0.2, 0.0)),
    ]
    tie = sc.CommonFactor("luck", {"growth": 0.5, "price_change": 0.5})
    inner = sc.Scenario("s", changes, dependence=[tie], stated_on={"growth": "2025-01-01"})
    known = inner.known_on("2025-06-01")
    assert (known.scenario.dependence, [one.label for one in known.left_out]) == ((), ["price_change", "dependence"])
    outer = sc.Scenario("s", changes, stated_on={"growth": "2025-01-01"})
    plan = planned(usage, scenario=outer, dependence=[tie])
    assert plan.untied is not None
    assert known_spec(plan.spec, (), ON)[0].dependence == ()


def test_judgements_that_were_made_later_are_left_out_and_listed(usage, plan, record):
    clean = record.trials[-2]
    boom = sc.Growth(monthly=0.5, basis="extra", name="boom")
    said = {"who": "FinOps", "why": "the pilot's numbers"}
    late = sc.Override("faster", boom, on="2025-09-30", **said)
    line = sc.Override("audit", sc.Fixed("audit", 100.0), on="2025-01-01", **said)
    calm = sc.Scenario("s", [sc.Growth(monthly=0.0, name="calm")], stated_on="2026-01-01")
    loose = sc.Override("no calm", replace(boom, name="b", where={"project": "search"}), on=ON, replaces="calm", **said)
    (trial,) = sc.track_record(usage, plan.replan(scenario=calm, overrides=[late, line, loose]), origins=[ON]).trials
    assert decided(trial) == decided(clean)
    assert [(one.label, one.why) for one in trial.left_out] == [
        ("calm", "which was stated later"),
        ("faster", "which was made later"),
        ("audit", "which is a line beside tokens"),
        ("no calm", "which replaces what is left out"),
    ]
    early = at_origin(usage, plan.replan(overrides=[sc.Override("faster", boom, on=ON, **said)]))
    stated = at_origin(usage, plan.replan(scenario=sc.Scenario("s", [boom], stated_on=ON)))
    assert (decided(early), early.left_out) == (decided(stated), ())


def test_bills_say_what_came(frame, plan):
    billed = frame.assign(billed_cost=frame["requests"] * PER_REQUEST * 0.9, currency="USD")
    found = sc.track_record(read(billed), plan, lead=2, origins=1)
    inside = billed["date"].between("2026-01-01", "2026-03-29")
    came = billed.loc[billed["date"].between("2026-01-01", "2026-03-31"), "billed_cost"].sum()
    assert found.trials[0].actual == pytest.approx(came, abs=CENT)
    whole = costs_of(read(billed), book(), DAYS[-1], "refuse")
    assert whole.between(DAYS[0], DAYS[-1]).total == pytest.approx(billed["billed_cost"].sum(), abs=CENT)
    assert "what came is what was billed" in found.notes
    assert any("bills came to 90% of the price book's prices" in note for note in found.notes)
    half = billed.assign(billed_cost=billed["billed_cost"].where(billed["environment"] == "production"))
    mixed = costs_of(read(half), book(), DAYS[-1], "refuse").between(
        pd.Timestamp("2026-01-01"), pd.Timestamp("2026-03-29")
    )
    made = half[inside]
    listed = made.loc[made["environment"] == "development", "requests"].sum() * PER_REQUEST
    assert mixed.total == pytest.approx(made["billed_cost"].sum() + listed, abs=CENT)


def test_a_bill_in_rows_of_its_own_is_dealt_to_what_it_is_the_bill_of(frame):
    bill = frame.groupby("date")["requests"].sum().mul(PER_REQUEST * 0.8).rename("billed_cost").reset_index()
    bill = bill.assign(provider="acme", model="m1", currency="USD", recorded_at=bill["date"] + pd.Timedelta("3D"))
    whole = costs_of(read(pd.concat([frame, bill])), book(), DAYS[-1], "refuse")
    own = frame[["date", "environment", "requests"]]
    for environment in ("development", "production"):
        expected = own.loc[own["environment"] == environment, "requests"].sum() * PER_REQUEST * 0.8
        # A cent, where bills of 90 days and more are summed in floating point.
        assert whole.by("environment", ["development", "production"])[environment] == pytest.approx(expected, abs=0.01)
    assert whole.billed == pytest.approx(1.0)


def test_what_has_no_price_is_refused_or_left_out(frame, plan, record):
    odd = frame[frame["date"] > "2025-11-30"].assign(model="m9")
    grown = read(pd.concat([frame, odd]))
    with pytest.raises(fc.PriceError, match=r"neither a bill nor a price \(m9\).*unpriced='exclude'"):
        sc.track_record(grown, plan, lead=2, origins=1)
    found = sc.track_record(grown, plan.replan(unpriced="exclude"), lead=2, origins=2)
    assert found.trials[-2].actual == record.trials[-2].actual
    assert any("m9" in note for note in found.notes)


def test_a_decision_that_could_not_be_made_says_why(usage, plan, record):
    late = fc.PriceBook.from_frame(pd.DataFrame([{**one, "known_from": "2025-08-01"} for one in LIST]))
    found = sc.track_record(usage, plan, prices=late, lead=2)
    told = found.table()["why_not"]
    assert told.notna().tolist() == [True, True, False, False]
    assert "prices are unknown" in told.iloc[0]
    assert found.table()["held"].isna().tolist() == [True, True, False, False]
    assert found.summary().loc["P80 budget", "origins"] == 2
    assert "Not judged: 2025-03-30" in found.describe()
    assert found.trials[-1].budget == record.trials[-1].budget
    found.plot()
    with pytest.raises(fc.PlanError, match="none of 1 past decisions can be judged"):
        sc.track_record(usage, plan, prices=late, origins=["2025-06-01"])


def test_a_span_without_rows_is_not_judged(frame, plan):
    gone = frame["date"].between("2025-11-01", "2025-11-20")
    found = sc.track_record(read(frame[~gone]), plan, lead=2, origins=2)
    assert found.table()["why_not"].iloc[0].startswith("what came is not known: of 92 periods from 2025-10-01, 20")


def test_a_record_does_not_depend_on_workers(usage, plan, record):
    with joblib.parallel_config("threading"):
        other = sc.track_record(usage, plan, lead=2, origins=2, n_jobs=2)
    assert [decided(t) for t in other.trials] == [decided(t) for t in record.trials[-2:]]


# ---------------------------------------------------------------------------------------------------------- past dates


def grid(length: Length, step: Length | None = None, **changes: object) -> Grid:
    made = Grid(
        length=length,
        step=step or length,
        lead=15,
        lag=2,
        first=pd.Timestamp("2025-01-01"),
        last=pd.Timestamp("2026-04-29"),
        least=14,
        calendar=CALENDAR_YEAR,
        monthly=False,
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("made", "count", "starts", "first_on"),
    [
        (grid(Length(1, "quarter")), 8, ["2025-04-01", "2025-07-01", "2025-10-01", "2026-01-01"], "2025-03-17"),
        (grid(Length(1, "month")), 2, ["2026-02-01", "2026-03-01"], "2026-01-17"),
        (grid(Length(1, "quarter"), Length(1, "month")), 2, ["2025-12-01", "2026-01-01"], "2025-11-16"),
        (grid(Length(1, "month"), Length(1, "quarter")), 3, ["2025-09-01", "2025-12-01", "2026-03-01"], "2025-08-17"),
        (grid(Length(1, "year")), 3, [], None),
        (grid(Length(30, None)), 2, ["2026-03-01", "2026-03-31"], "2026-02-14"),
        (grid(Length(30, None), Length(10, None)), 2, ["2026-03-21", "2026-03-31"], "2026-03-06"),
        # October to December is a fiscal year's first quarter; half-years begin in October and April.
        (grid(Length(2, "quarter"), calendar=fc.Calendar(start_month=10)), 1, ["2025-10-01"], "2025-09-16"),
        (
            grid(Length(1, "quarter"), lead=3, lag=0, last=pd.Timestamp("2026-04-30"), least=3, monthly=True),
            9,
            ["2025-07-01", "2025-10-01", "2026-01-01"],
            "2025-04-30",
        ),
    ],
)  # fmt: skip
def test_past_spans_are_the_latest_whole_ones(made, count, starts, first_on):
    found = made.latest(count)
    assert [f"{one.start:%Y-%m-%d}" for one in found] == starts
    assert all(one.end <= made.last for one in found)
    if first_on:
        assert found[0].on == pd.Timestamp(first_on)


def test_overlaps_are_counted():
    assert overlap_of(grid(Length(1, "quarter")).latest(4)) == 1
    assert overlap_of(grid(Length(1, "quarter"), Length(1, "month")).latest(6)) == 3


def test_origins_by_date_plan_what_follows(usage, plan):
    found = sc.track_record(usage, plan, origins=["2025-08-20", "2025-07-01"], compare=())
    starts = [(f"{t.date.on:%Y-%m-%d}", f"{t.date.start:%Y-%m-%d}") for t in found.trials]
    assert starts == [("2025-07-01", "2025-07-01"), ("2025-08-20", "2025-10-01")]
    assert found.lead == "on the given days before it begins"
    assert list(found.summary().index) == ["P80 budget"]


def test_a_plan_brings_its_own_length_and_lead(usage):
    own = planned(usage.until("2026-03-20"))  # Q2 2026, 12 days later
    found = sc.track_record(usage, own, origins=2)
    assert [f"{t.date.on:%Y-%m-%d}" for t in found.trials] == ["2025-09-19", "2025-12-20"]
    assert found.lead == "12 days before it begins"
    named = fc.project(usage, start="2026-05-11", end="2026-06-09", model="seasonal_naive", trajectories=25)
    thirty = sc.track_record(usage, sc.plan(named, prices=book(), draws=150), origins=1)
    # 31 March is the last day that is complete; from 2 April, the export's last, 39 days lead to the plan's first.
    (trial,) = thirty.trials
    assert (trial.date.on, trial.date.end) == (pd.Timestamp("2026-01-22"), pd.Timestamp("2026-03-31"))
    same = sc.track_record(usage, own.spec, projection=own.projection.spec, origins=2, lead=12)
    assert [decided(t) for t in same.trials] == [decided(t) for t in found.trials]


def test_monthly_bills_are_replayed_by_month(frame):
    frame = frame[frame["date"] < "2026-04-01"]
    monthly = frame.assign(date=frame["date"].dt.to_period("M").dt.to_timestamp()).drop(columns="recorded_at")
    keys = ["date", "provider", "model", "environment", "project"]
    summed = fc.Usage.from_frame(
        monthly.groupby(keys)[["requests", "input_tokens", "output_tokens"]].sum().reset_index()
    )
    found = sc.track_record(summed, planned(summed), horizon="1M", origins=3)
    assert [(f"{t.date.on:%Y-%m-%d}", f"{t.date.start:%Y-%m-%d}") for t in found.trials] == [
        ("2025-12-31", "2026-01-01"), ("2026-01-31", "2026-02-01"), ("2026-02-28", "2026-03-01"),
    ]  # fmt: skip
    march = monthly.loc[monthly["date"] == "2026-03-01", "requests"].sum() * PER_REQUEST
    assert found.trials[-1].actual == pytest.approx(march, abs=CENT)
    three = monthly.loc[monthly["date"].between("2025-12-01", "2026-02-01"), "requests"].sum() * PER_REQUEST
    assert found.trials[-1].rules["run rate"] == pytest.approx(three / 90 * 31, abs=CENT)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"origins": 0}, "origins=0: wanted how many"),
        ({"origins": True}, "origins=True"),
        ({"origins": "2025-08-01"}, "origins='2025-08-01': wanted how many"),
        ({"origins": ["2025-08-01", "2025-08-01"]}, "2025-08-01 stands twice"),
        ({"origins": ["2025-13-01"]}, "not a day of the calendar"),
        ({"origins": ["2025-01-05"]}, "knows 3 of the 14 days"),
        ({"origins": ["2026-03-01"]}, "ends on 2026-06-30, and what came is known up to 2026-03-31"),
        ({"origins": ["2025-08-01"], "lead": 3}, "give one or the other"),
        ({"horizon": "1X"}, "horizon='1X'"),
        ({"horizon": "2027Q1"}, "past spans are of a length"),
        ({"horizon": 0}, "at least one period"),
        ({"horizon": "3Y"}, "2025-01-01 to 2026-04-02, is too short for a track record: it needs 14 days before"),
        ({"step": "10D"}, "step='10D': spans of one quarter are stepped by '1M', '1Q' or '1Y'"),
        ({"horizon": 30, "step": "1M"}, "spans of 30 days are stepped by a count of days"),
        ({"lead": -4}, "lead=-4: wanted a whole number of periods, at least -1"),
        ({"lead": 1.5}, "lead=1.5"),
        ({"compare": "run rate"}, "wanted a list of rules"),
        ({"compare": ["run rat"]}, "'run rat' is no rule.*did you mean 'run rate'"),
        ({"compare": ["last year", "last year"]}, "names a rule twice"),
        ({"prices": "list"}, "prices=str: wanted a price book"),
    ],
)
def test_odd_arguments_are_told_in_a_sentence(usage, plan, arguments, told):
    with pytest.raises(fc.TokenplanError, match=told):
        sc.track_record(usage, plan, **arguments)


def test_what_is_no_plan_is_refused(frame, usage, plan):
    with pytest.raises(fc.UsageError, match="takes a Usage, not DataFrame"):
        sc.track_record(frame, plan)
    with pytest.raises(fc.PlanError, match="takes a plan or its PlanSpec, not str"):
        sc.track_record(usage, "plan.toml")
    with pytest.raises(fc.PlanError, match=r"give projection=plan\.projection\.spec"):
        sc.track_record(usage, plan.spec)
    early = replace(plan.projection.spec, horizon=None, start="2025-10-01", end="2025-12-31")
    with pytest.raises(fc.HorizonError, match=r"does not follow this usage.*horizon='1Q', lead=30"):
        sc.track_record(usage, plan.spec, projection=early)
    assert len(sc.track_record(usage, plan.spec, projection=early, horizon="1Q", lead=30, origins=1).trials) == 1


# ------------------------------------------------------------------------------------------------------------- numbers


@given(st.integers(0, 60), st.integers(1, 60))
@settings(deadline=None)
def test_the_interval_is_wilsons(held, trials):
    held = min(held, trials)
    ours = wilson(held / trials, trials)
    theirs = binomtest(held, trials).proportion_ci(method="wilson")
    # Ten digits: both are the closed form in floating point.
    assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-10)


@given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(1, 1e6)), min_size=1, max_size=20))
@settings(deadline=None)
def test_what_is_lacking_and_left_adds_up(pairs):
    budget, actual = np.array(pairs).T
    found = kept(budget, actual, budget, 1)
    missed = found.origins - found.held
    over = missed * np.nan_to_num(found.mean_overrun)
    idle = found.held * np.nan_to_num(found.mean_idle)
    assert over - idle == pytest.approx(float((actual - budget).sum()), rel=1e-9, abs=1e-6)
    assert found.trials == found.origins
    assert np.isnan(found.se) == (found.share in {0.0, 1.0})


def test_a_record_by_hand():
    budget, actual = np.array([100.0, 100.0, 200.0, 80.0, np.nan]), np.array([90.0, 130.0, 150.0, 100.0, 5.0])
    found = kept(budget, actual, np.array([81.0, 117.0, 180.0, 100.0, 1.0]), 1)
    assert (found.origins, found.held, found.share, found.trials) == (4, 2, 0.5, 4.0)
    assert found.se == pytest.approx(np.sqrt(0.25 / 4))
    assert (found.mean_overrun, found.mean_idle) == (25.0, 30.0)
    assert (found.mean_overrun_share, found.mean_idle_share) == pytest.approx(((0.30 + 0.25) / 2, (0.10 + 0.25) / 2))
    assert found.mean_error == pytest.approx((0.10 + 0.10 + 0.20 + 0.0) / 4)


@pytest.mark.parametrize(
    ("error", "grade"),
    [(0.12, "run"), (-0.12, "run"), (0.121, "walk"), (-0.15, "walk"), (0.2, "crawl"), (0.21, "below crawl")],
)
def test_grades_are_those_of_finops(error, grade):
    assert grade_of(error) == grade
    assert GRADES == {"run": 0.12, "walk": 0.15, "crawl": 0.20}
    assert grade_of(float("nan")) is None


def test_overlapping_spans_are_worth_fewer_trials():
    # Sums of three in a row share two thirds: the interval must hold the truth as often as it says, where one that
    # takes each origin for a trial does not.
    rng, threshold, overlap, count = np.random.default_rng(1), 0.8416, 3, 24
    ours, naive = [], []
    for _ in range(150):
        each = rng.standard_normal(count + overlap - 1)
        held = np.convolve(each, np.ones(overlap), "valid") / np.sqrt(overlap) <= threshold
        trials = effective_trials(held, overlap)
        assert count / overlap <= trials <= count
        for found, worth in ((ours, trials), (naive, count)):
            low, high = wilson(held.mean(), worth)
            found.append(low <= 0.8 <= high)
    # 150 intervals of 95 %: their share is within 0.05 of it in all but one of 200 runs.
    assert np.mean(ours) >= 0.90
    assert np.mean(naive) < 0.90


def test_overlap_is_told(usage, plan):
    found = sc.track_record(usage, plan, lead=2, step="1M", origins=4)
    own = found.summary().loc["P80 budget"]
    assert own["origins"] == 4
    assert 4 / 3 <= own["trials"] <= 4
    assert "Up to 3 spans in a row overlap" in found.describe()


# ------------------------------------------------------------------------------------------------ stated_on, and files


GROWTH = sc.Growth(monthly=sc.between(0.02, 0.05))
CUT = sc.PriceChange(model="m1", on="2026-05-01", by=-0.2)


def test_a_day_of_stating_moves_no_number(usage, plan):
    bare = sc.Scenario("s", [GROWTH, CUT])
    dated = sc.Scenario("s", [GROWTH, CUT], stated_on="2026-01-05")
    assert bare == dated
    assert (bare.describe(), repr(bare)) == (dated.describe(), repr(dated))
    assert np.array_equal(plan.replan(scenario=bare).totals, plan.replan(scenario=dated).totals)


def test_days_of_stating_stay_with_their_changes():
    dated = sc.Scenario("s", [GROWTH, CUT], stated_on={"growth": "2026-01-05", CUT.key: "2026-02-01"})
    days = {GROWTH.key: pd.Timestamp("2026-01-05"), CUT.key: pd.Timestamp("2026-02-01")}
    leaf = sc.Scenario("leaf", [sc.Growth(monthly=0.1, where={"project": "x"})], stated_on="2026-03-01")
    tree = dated.tree([(0.5, leaf), (0.5, sc.Scenario("none"))])
    for made in (dated, dated.named("t"), dated.independent(), tree, sc.Scenario() | dated, dated.only(days)):
        assert dict(made.stated) == days
    assert set(dict((dated | leaf).stated)) == {*days, leaf.changes[0].key}
    assert dict(dated.only([CUT.key]).stated) == {CUT.key: days[CUT.key]}
    known = tree.known_on("2026-02-15")
    assert known.scenario.changes == (GROWTH, CUT)
    assert [branch.changes for _, branch in known.scenario.branches] == [(), ()]
    assert [one.stated_on for one in known.left_out] == [pd.Timestamp("2026-03-01")]
    assert tree.known_on("2026-03-01").scenario == tree


@pytest.mark.parametrize(
    ("stated_on", "told"),
    [
        ("soon", "stated_on = 'soon' is not a date"),
        (3, "stated_on = 3 is not a date"),
        ({"growth": "2026-02-30"}, r"stated_on\['growth'\] = '2026-02-30' is not a day"),
        (
            {"grwth": "2026-02-01"},
            "'grwth' is none of its changes; there are growth, price_change; did you mean 'growth'",
        ),
    ],
)
def test_odd_days_of_stating_are_refused(stated_on, told):
    with pytest.raises(fc.ScenarioError, match=told):
        sc.Scenario("s", [GROWTH, CUT], stated_on=stated_on)


def test_days_of_stating_go_through_files(tmp_path):
    leaf = sc.Scenario("leaf", [sc.Growth(monthly=0.1, where={"project": "x"})], stated_on="2026-03-01")
    dated = sc.Scenario("s", [GROWTH, CUT], stated_on={"growth": "2026-01-05"}).tree(
        [(0.5, leaf), (0.5, sc.Scenario("no"))]
    )
    text = sc.dump(dated)
    assert "stated_on = 2026-01-05" in text
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    back = sc.load(path)
    assert (back, back.stated) == (dated, dated.stated)
    assert back.branches[0][1].stated == leaf.stated
    above = tmp_path / "t.toml"
    head = 'title = "t"\nsource = "s"\ndescription = "d"\nuse = "s.toml"\n'
    own = '[[changes]]\nkind = "growth"\nmonthly = 0.04\n'
    above.write_text(head + own + "stated_on = 2026-04-01\n", encoding="utf-8")
    assert dict(sc.load(above).stated) == {GROWTH.key: pd.Timestamp("2026-04-01")}
    above.write_text(head, encoding="utf-8")
    assert sc.load(above).stated == dated.stated
    above.write_text(head + own + 'stated_on = "start"\n', encoding="utf-8")
    with pytest.raises(fc.ScenarioError, match=r"changes\[1\]\.stated_on: 'start': wanted a date"):
        sc.load(above)


def test_days_of_stating_go_through_plan_files_and_saved_plans(folder):
    file = read_plan_file(folder / "plan.toml")
    plan = file.plan(file.project(file.usage.read()), file.prices.book())
    days = plan.spec.scenario.stated
    assert [f"{day:%Y-%m-%d}" for _, day in days] == ["2025-11-01", "2025-01-01"]
    rows = [{key: value for key, value in one.items() if key != "valid_from"} for one in LIST]
    path = plan.to_toml(folder / "back.toml", prices={"builtin": False, "rows": rows}, usage={"file": "usage.csv"})
    assert read_plan_file(path).scenario.scenario(plan.projection.span.start).stated == days
    assert sc.load_plan(plan.save(folder / "plan.saved")).spec.scenario.stated == days


# ------------------------------------------------------------------------------------------------- words, picture, CLI


def test_the_record_speaks(record):
    words = record.describe().splitlines()
    held = record.summary()["held"]["P80 budget"]
    assert words[0].startswith("The P80 budget for one quarter, made 2 days before it begins, held ")
    assert f"{held} of 4 times" in words[0]
    assert "which 4 trials cannot tell from the 80 % that it promises" in words[0]
    assert any("in the FinOps maturity model" in line for line in words)
    assert any(line.startswith("The run rate would have held") for line in words)
    assert any(line.startswith("Last year plus 10 % would have held") for line in words)
    assert "Note: the history allows 4 of 8 past decisions." in words
    assert repr(record).startswith("TrackRecord(one quarter ahead, 2025-04-01 to 2026-")
    assert len(repr(record)) < 200
    page = record._repr_html_()
    assert "<table" in page
    assert "<script" not in page


def test_the_picture_states_the_finding(record):
    axes = record.plot()
    held = record.summary()["held"]["P80 budget"]
    assert axes.get_title() == f"P80 budget held {held} of 4 times"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["Q2 2025", "Q3 2025", "Q4 2025", "Q1 2026"]


PLAN = """
[plan]
name = "next quarter"
horizon = "1Q"
draws = 150
seed = 5
[usage]
file = "usage.csv"
[forecast]
model = "seasonal_naive"
trajectories = 25
[prices]
builtin = false
[[prices.rows]]
provider = "acme"
model = "m1"
unit = "input_tokens"
price = 2.0
[[prices.rows]]
provider = "acme"
model = "m1"
unit = "output_tokens"
price = 8.0
[[scenario.changes]]
kind = "growth"
monthly = 0.01
stated_on = 2025-11-01
[[scenario.changes]]
kind = "price_change"
model = "m1"
on = "start + 1 month"
by = -0.1
stated_on = 2025-01-01
[[components]]
kind = "fixed"
name = "gateway"
monthly = 100
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, frame):
    where = tmp_path_factory.mktemp("track")
    frame.to_csv(where / "usage.csv", index=False)
    (where / "plan.toml").write_text(PLAN, encoding="utf-8")
    return where


def run(capsys, *arguments):
    code = main(["track-record", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_plan_file_is_replayed(capsys, folder, usage):
    code, out, _ = run(capsys, folder / "plan.toml", "--origins", 2, "--lead", 2, "--json")
    told = json.loads(out)
    assert (code, told["schema"], told["lead"]) == (0, "tokenplan/track-record/1", "2 days before it begins")
    # What is told from the plan's first day is told from that of each past plan.
    for shown in told["rows"]:
        start = pd.Timestamp(shown["start"])
        changes = [sc.Growth(monthly=0.01), sc.PriceChange(model="m1", on=start + pd.DateOffset(months=1), by=-0.1)]
        days = {"growth": "2025-11-01", "price_change": "2025-01-01"}
        bare = fc.PriceBook.from_frame(pd.DataFrame([{**one, "valid_from": None} for one in LIST]))
        spec = replace(planned(usage).spec, prices=bare, scenario=sc.Scenario("s", changes, stated_on=days))
        asked = fc.project(usage, horizon="1Q", model="seasonal_naive", trajectories=25, seed=5).spec
        (trial,) = sc.track_record(usage, spec, projection=asked, origins=[shown["origin"]]).trials
        assert trial.date.start == start
        assert (shown["budget"], shown["actual"]) == (trial.budget, trial.actual)
    assert [(one["origin"], one["label"], one["stated_on"]) for one in told["left_out"]] == [
        (told["rows"][0]["origin"], "growth", "2025-11-01")
    ]
    assert {one["method"] for one in told["summary"]} == {"P80 budget", "run rate", "last year plus 10 %"}
    assert {one["part"] for one in told["parts"]} == {"development", "production"}


def test_every_form_of_output_is_told(capsys, folder):
    for form in ([], ["--output", "markdown"], ["--output", "csv"]):
        code, out, err = run(capsys, folder / "plan.toml", "--origins", 1, "--horizon", "1M", *form)
        assert (code, err) == (0, "")
        assert "2026-03-01" in out or "Mar 2026" in out
    code, out, _ = run(capsys, folder / "plan.toml", "--origins", 1, "--horizon", 30, "--step", 15)
    assert (code, "The P80 budget for 30 days" in out) == (0, True)


def test_a_short_history_is_told_in_a_sentence(capsys, folder):
    code, out, err = run(capsys, folder / "plan.toml", "--horizon", "2Y")
    assert (code, out) == (1, "")
    assert "is too short for a track record: it needs 14 days before a decision, and a span of 2 years" in err
    assert run(capsys, folder / "gone.toml")[0] == 1


def test_a_bill_in_another_currency_is_no_outcome(frame, plan):
    euros = read(frame.assign(billed_cost=1.0, currency="EUR"))
    with pytest.raises(PriceError, match="billed in EUR and budgets are in USD"):
        sc.track_record(euros, plan, origins=1)


def test_a_plan_says_that_the_bill_is_in_another_currency(frame):
    told = planned(read(frame.assign(billed_cost=1.0, currency="EUR"))).assumptions
    (row,) = told[told["topic"] == "bill"].itertuples()
    assert "in USD; the export is billed in EUR" in row.assumption
