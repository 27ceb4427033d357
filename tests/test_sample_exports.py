"""The sample exports: made from the sample organisation, and read back to the token and the cent."""

import gzip
import hashlib
import re

import pandas as pd
import pytest

import forecast as fc
from forecast.generator.exports import write_exports
from forecast.samples import sample_path

RULES = sample_path("exports/rules.toml")
FOLDER = RULES.parent
OCTOBER = pd.Period("2026-10", "M")
UNITS = ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"]
KEYS = ["date", "provider", "environment", "project", "model", "service_tier"]


@pytest.fixture(scope="module")
def sample():
    usage = fc.read_usage(sample_path("organisation_daily.csv"))
    return usage.frame[usage.frame["date"].dt.to_period("M") == OCTOBER]


@pytest.fixture(scope="module")
def read_back():
    return fc.read_usage(FOLDER, rules=RULES, today="2026-11-30")


def test_the_shipped_files_are_what_the_command_writes(tmp_path):
    usage = fc.read_usage(sample_path("organisation_daily.csv"))
    written = write_exports(usage, tmp_path, "2026-10")
    assert {p.name for p in written} == {p.name for p in FOLDER.glob("*.gz")}
    for path in written:
        assert gzip.decompress(path.read_bytes()) == gzip.decompress((FOLDER / path.name).read_bytes())


def test_their_hashes_stand_in_the_sources():
    told = dict(re.findall(r"\| `exports/(\S+)` \|.*`([0-9a-f]{64})` \|", sample_path("SOURCES.md").read_text("utf-8")))
    assert told == {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in FOLDER.iterdir()}


def test_every_key_is_read_back_to_the_token(sample, read_back):
    wanted = sample.dropna(subset="model").groupby(KEYS)[UNITS].sum()
    tokens = read_back.frame[read_back.frame[UNITS].notna().any(axis=1)]
    found = tokens.fillna({**dict.fromkeys(UNITS, 0.0), "service_tier": "standard"}).groupby(KEYS)[UNITS].sum()
    pd.testing.assert_frame_equal(found, wanted, check_exact=True)


def test_the_bill_is_read_back_to_the_cent(sample, read_back):
    wanted = sample.groupby("provider")["billed_cost"].sum()
    found = read_back.frame.groupby("provider")["billed_cost"].sum()
    pd.testing.assert_series_equal(found, wanted, rtol=1e-12)


def test_usage_and_bill_of_the_exports_are_explained_to_the_cent():
    usage = fc.read_usage(str(FOLDER / "*_usage_*"), rules=RULES, today="2026-11-30")
    bill = fc.read_usage(str(FOLDER / "*_costs_*"), today="2026-11-30")
    checked = fc.reconcile(usage, fc.PriceBook.builtin(), bill=bill)
    assert checked.unexplained.empty
    assert checked.discounts.set_index("provider")["discount"].round(4).to_dict() == {"anthropic": 0.1, "openai": 0.08}
