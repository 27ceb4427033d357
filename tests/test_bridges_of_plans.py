"""From a plan to another, and from a plan to what was used: what each driver moved the money by."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from tests.usages import organisation, plain

FLAT = np.full(549, 1_000.0)


@pytest.fixture(scope="module")
def plan():
    """1,000 requests of 1,000 tokens a day at 1.25 a million from November to January, and 50 a month of fixed cost."""
    projection = fc.project(plain(FLAT), start="2026-11-01", end="2027-01-31", lag=0, trajectories=10)
    line = sc.Fixed("machines", monthly=50.0)
    return sc.plan(projection, components=[line], draws=200, seed=1)


def actual(requests, tokens):
    """What was used in November: requests a day of so many tokens each, half of them by the smaller model."""
    days = pd.date_range("2026-11-01", "2026-11-30")
    frame = pd.DataFrame({"date": days, "provider": "openai", "environment": "production", "project": "search"})
    half = {"requests": requests / 2, "input_tokens": requests / 2 * tokens}
    return fc.Usage.from_frame(pd.concat([frame.assign(model=m, **half) for m in ("gpt-5", "gpt-5-mini")]))


def test_from_a_plan_to_what_was_used(plan):
    made = sc.bridge(plan, actual(1_200.0, 900.0), start="2026-11-01", end="2026-11-30")
    assert made.names == ("plan", "actual")
    assert np.array_equal(made.residual, np.zeros(200))
    # 30 days of 1.25 and 50 fixed; then 1,200 x 900 tokens a day, half at 1.25 and half at 0.25.
    assert made.before.mean() == pytest.approx(30 * 1.25 + 50, rel=2e-3)
    assert made.after.mean() == pytest.approx(30 * 1.2 * 0.9 * 0.75, rel=1e-12)
    means = made.means
    assert means["fixed lines"] == pytest.approx(-50.0, abs=0.01)
    assert means["price"] == pytest.approx(0.0, abs=0.01)
    # gpt-5: volume, intensity and share go from 1, 1, 1 to 1.2, 0.9, 0.5 of 37.5. gpt-5-mini is new to the workload:
    # its share goes from 0 to 0.5, its intensity is 0.9 on both sides, of 7.5. Shapley values of three and two factors:
    volume = 37.5 * 0.2 * ((1 + 0.9 * 0.5) / 3 + (0.9 + 0.5) / 6) + 7.5 * 0.9 * 0.2 * 0.5 / 2
    mix = -37.5 * 0.5 * ((1 + 1.2 * 0.9) / 3 + (1.2 + 0.9) / 6) + 7.5 * 0.9 * 0.5 * (1 + 1.2) / 2
    intensity = -37.5 * 0.1 * ((1 + 1.2 * 0.5) / 3 + (1.2 + 0.5) / 6)
    # The plan's band is a few parts in a thousand wide.
    assert means["volume"] == pytest.approx(volume, abs=0.1)
    assert means["mix"] == pytest.approx(mix, abs=0.1)
    assert means["intensity"] == pytest.approx(intensity, abs=0.1)


def test_from_one_plan_to_another():
    projection = fc.project(organisation(), horizon="1Q", seed=7, trajectories=40)
    first, second = (
        sc.plan(projection, scenario=sc.Scenario("x", changes), draws=300, seed=3)
        for changes in ([], [sc.PriceChange(on="2027-01-01", by=-0.2)])
    )
    made = sc.bridge(first, second, names=("before", "after"), draws=300)
    np.testing.assert_allclose(made.amounts[made.steps.index("price")], -0.2 * first.totals, rtol=1e-9)
    assert made.means[["volume", "intensity", "mix"]].abs().max() == 0.0
    np.testing.assert_allclose(made.before, first.totals, rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": "2026-11-05", "end": "2026-11-30"}, "are not whole months of the plan"),
        ({"start": "2027-03-01", "end": "2027-03-31"}, "are not whole months of the plan"),
    ],
)
def test_a_span_that_cuts_months_is_told(plan, arguments, message):
    with pytest.raises(fc.ScenarioError, match=message):
        sc.bridge(plan, actual(1_000.0, 1_000.0), **arguments)


def test_what_is_no_side_is_told(plan):
    with pytest.raises(fc.ScenarioError, match="takes plans, usage or driver states, not str"):
        sc.bridge(plan, "usage.csv")
