"""Presets: every line of the field is there, each of its numbers has a unit and a source, and a plan takes them all."""

import re
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from scenarios.components import KINDS
from scenarios.components.preset_files import PLAIN, preset_names, read_preset
from scenarios.files.keys import checks_of
from tests.usages import plain

#: The lines that a budget of language models has, by the preset of each.
FIELD = {
    "api-subscriptions",
    "base-infrastructure",
    "training",
    "fine-tuning",
    "inference-compute",
    "storage",
    "preprocessing",
    "versioning",
    "backup",
    "development-upkeep",
    "compliance-monitoring",
    "data-transfer",
    "reserve-training",
    "reserve-fine-tuning",
    "reserve-emergency-scaling",
    "reserve-vendor-negotiation",
}
SIZES = {
    "gpu_hours": sc.between(800, 1_500),
    "start": "2026-05-10",
    "duration": 30,
    "count": 12,
    "gb": 5_000,
    "added": 100,
    "where": {"model": "gpt-5"},
    "monthly": 400,
    "escalates_on": "2026-06-01",
}


def sized(name):
    return sc.preset(name, {field: SIZES[field] for field in read_preset(name).needs})


def test_every_line_of_the_field_has_a_preset():
    assert set(preset_names()) >= FIELD
    assert set(sc.presets()["preset"]) == set(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_every_number_has_a_unit_and_a_source(name):
    one = read_preset(name)
    numbers = {field for field in one.component if field not in PLAIN}
    assert numbers == set(one.sources) == set(one.units)
    assert not numbers & set(one.needs)
    maker = KINDS[one.component["kind"]]
    assert set(one.needs) <= {f.name for f in fields(maker)}
    checks = checks_of(maker)
    for field, value in one.component.items():
        assert field == "kind" or checks[field](value) is None
    for field, source in one.sources.items():
        found = re.search(r"https://\S+", source) and re.search(r"looked up 20\d\d-\d\d-\d\d", source)
        assert found or source.startswith("assumption"), (field, source)
    # Money of a preset is in a currency, which a plan in another refuses.
    if any("USD" in unit for unit in one.units.values()):
        assert one.component["currency"] == "USD"


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_its_component_with_ones_own_sizes(name):
    made = sized(name)
    assert type(made) is KINDS[read_preset(name).component["kind"]]
    assert made.name == name.replace("-", " ")
    renamed = sc.preset(name, {f: SIZES[f] for f in read_preset(name).needs} | {"name": "x", "department": "ours"})
    assert (renamed.name, renamed.owner["department"]) == ("x", "ours")


def test_a_plan_takes_every_preset():
    usage = plain(np.full(120, 1_000.0), start="2026-01-01", output_tokens=1e5)
    projection = fc.project(usage, start="2026-05-01", end="2026-06-30", lag=0, trajectories=10)
    changes = [
        sc.Spikes(rate=12.0, by=sc.between(1.0, 4.0), days=3.0),
        sc.PriceChange(on="2026-05-15", by=sc.between(0.1, 0.5)),
    ]
    # Reserves are sized where what they fund brings contingency about; few dollars of tokens bring little.
    lines = [sized(name) for name in preset_names()]
    small = {"reserve emergency scaling", "reserve vendor negotiation"}
    plan = sc.plan(
        projection,
        scenario=sc.Scenario("x", changes),
        components=[line for line in lines if line.name not in small],
        draws=500,
        seed=1,
    )
    assert set(plan.ledger.labels["line"]) == {"tokens", *(c.name for c in lines if not isinstance(c, sc.Reserve))}
    assert {"reserve training", "reserve fine tuning"} == set(plan.set_aside().index)
    other = [line for line in lines if line.name in small]
    few = sc.plan(projection, scenario=sc.Scenario("x", changes), components=other, draws=500, seed=1)
    assert set(few.set_aside().index) == small


def test_a_preset_in_another_currency_than_the_plan_is_refused():
    frame = plain(np.full(120, 1_000.0), start="2026-01-01").frame.assign(model="ours")
    rows = [{"model": "ours", "unit": "input_tokens", "price": 1.0, "currency": "EUR"}]
    projection = fc.project(fc.Usage.from_frame(frame), start="2026-05-01", end="2026-06-30", lag=0, trajectories=10)
    book = fc.PriceBook.from_frame(pd.DataFrame(rows))
    with pytest.raises(PlanError, match="in USD and the plan's in EUR"):
        sc.plan(projection, prices=book, components=[sized("storage")], draws=100)
    own = sc.preset("storage", {"gb": 100, "price": 0.02, "currency": "EUR"})
    assert sc.plan(projection, prices=book, components=[own], draws=100).currency == "EUR"


@pytest.mark.parametrize(
    ("name", "sizes", "words"),
    [
        ("trainig", {}, "did you mean 'training'"),
        ("training", {"gpu_hours": 5}, r"needs start \(the day on which it is to begin\); duration"),
        ("storage", {"gb": 5, "growht": 1}, "did you mean 'growth'"),
        ("storage", 5, "wanted fields and values"),
        ("storage", {"gb": -5}, "cannot be negative"),
    ],
)
def test_a_preset_that_does_not_hold_is_refused(name, sizes, words):
    with pytest.raises(PlanError, match=words):
        sc.preset(name, sizes)
