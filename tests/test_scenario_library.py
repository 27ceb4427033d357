"""Every shipped scenario gives, on usage made by hand, the totals that stand beside it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from scenarios.files.scenario_file import shipped_scenarios
from tests.usages import DAYS

LIBRARY = Path(sc.__file__).parent / "library"
#: A quantile of 4,000 draws is off by less than this, relative: of several numbers its standard error is about 0.3 %.
DRAWN = 0.012
#: Money a million tokens.
PRICES = {
    "gpt-5": {"input_tokens": 1.00, "cache_read_tokens": 0.10, "cache_write_tokens": 1.25, "output_tokens": 4.00},
    "gpt-5-mini": {"input_tokens": 0.20, "output_tokens": 0.80},
    "gpt-5.6-terra": {"input_tokens": 2.00, "output_tokens": 8.00},
}


@pytest.fixture(scope="module")
def flat():
    """1.00 a day, half for input and half for output, without noise, and the quarter from two months on."""
    table = pd.DataFrame({"date": DAYS, "provider": "openai", "model": "gpt-5", "environment": "production"})
    table = table.assign(project="x", requests=1e3, input_tokens=500e3, output_tokens=125e3)
    rows = [
        {"provider": "openai", "model": model, "unit": unit, "price": price * share, "service_tier": tier}
        for model, units in PRICES.items()
        for unit, price in units.items()
        for tier, share in (("standard", 1.0), ("batch", 0.5))
    ]
    prices = fc.PriceBook.from_frame(pd.DataFrame(rows))
    return fc.project(fc.Usage.from_frame(table), horizon="1Q", lag=0), prices


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_scenarios_give_their_expected_results(path, flat):
    expected = json.loads(path.with_suffix(".expected.json").read_text(encoding="utf-8"))
    projection, prices = flat
    scenario = sc.load(path.stem, start=projection.span.start)
    totals = sc.plan(projection, prices=prices, scenario=scenario, draws=4_000, seed=1).totals
    for level, amount in expected["total"].items():
        assert np.quantile(totals, float(level)) == pytest.approx(amount, rel=expected.get("within", DRAWN)), level
    assert expected["how"]


def test_every_expected_result_belongs_to_a_scenario_and_each_is_listed():
    files = {p.name.removesuffix(".expected.json") for p in LIBRARY.glob("*.expected.json")}
    assert files == set(shipped_scenarios()) == set(sc.shipped()["name"])
    assert files
