"""The table of formats says where cached tokens stand in a vendor's file: added up here from the files themselves."""

import csv
import re
import sys
from pathlib import Path

import pytest

import forecast as fc
from forecast import schema
from forecast.readers.contents import contents
from forecast.readers.registry import readers

ROOT = Path(__file__).parents[1]
EXPORTS = ROOT / "tests" / "exports"

#: The fields of an export that count input and output, and those that count what a cache served and took.
FIELDS = {
    "openai": ("completions_usage.csv", ["input_tokens", "output_tokens"], ["input_cached_tokens"]),
    "anthropic": (
        "usage_page*.json",
        ["uncached_input_tokens", "output_tokens"],
        ["cache_read_input_tokens", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"],
    ),
    "litellm": (
        "daily_user_spend.csv",
        ["prompt_tokens", "completion_tokens"],
        ["cache_read_input_tokens", "cache_creation_input_tokens"],
    ),
    "otel": (
        "spans.jsonl",
        ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"],
        ["gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens"],
    ),
    "ccusage": ("daily.json", ["inputTokens", "outputTokens"], ["cacheReadTokens", "cacheCreationTokens"]),
    "openrouter": ("log.csv", ["tokens_prompt", "tokens_completion"], ["tokens_cached"]),
}
#: What ccusage tells a second time: each day by model, and the sum of all days.
AGAIN = re.compile(r'"modelBreakdowns": \[[^\]]*\]|"totals": \{[^}]*\}')
#: Tokens beside those: an agent's span repeats those of its call (OTel), and some are in a day's total alone (ccusage).
BESIDE = {"otel": -(700 + 90), "ccusage": 50}
CACHE = [unit for unit in schema.UNITS if unit.startswith("cache_")]


@pytest.fixture(scope="module")
def cached():
    """What the page of formats says, by format."""
    sys.path.insert(0, str(ROOT / "docs" / "_pages"))
    try:
        from formats import CACHED
    finally:
        del sys.path[0]
    return CACHED


def told(path, field):
    """The sum of a field over every record of a file."""
    text = re.sub(AGAIN, "", path.read_text(encoding="utf-8-sig"))
    if path.suffix == ".csv":
        return sum(float(row[field] or 0) for row in csv.DictReader(text.splitlines()))
    number = r'\s*(?::|, "value": \{"intValue":)\s*"?(-?\d+)'
    return sum(map(float, re.findall(re.escape(f'"{field}"') + number, text)))


def test_every_format_says_where_cached_tokens_are(cached):
    assert set(cached) == set(readers())
    assert {name for name, where in cached.items() if where in {"inside", "beside"}} == set(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_cached_tokens_are_inside_input_or_beside_it(name, cached):
    pattern, counted, of_cache = FIELDS[name]
    paths = sorted((EXPORTS / name).glob(pattern))
    whole = sum(told(path, field) for path in paths for field in counted) + BESIDE.get(name, 0)
    served = sum(told(path, field) for path in paths for field in of_cache)
    assert served > 0
    usage = fc.read_usage(str(EXPORTS / name / pattern), today="2026-11-30")
    held = usage.reading.conservation.loc["held", "tokens"]
    assert held - whole == (served if cached[name] == "beside" else 0)
    assert usage.frame[[c for c in CACHE if c in usage.frame]].sum().sum() > 0


def test_formats_that_meter_cached_tokens_apart_have_one_kind_a_line(cached):
    for name in (name for name, where in cached.items() if where == "apart"):
        seen = 0
        for path in (p for p in (EXPORTS / name).iterdir() if p.suffix in {".csv", ".jsonl"}):
            for content in contents(path):
                for extract in readers()[name].extract(content):
                    units = extract.frame[[u for u in schema.UNITS if u in extract.frame]]
                    tokens = units[[u for u in units if schema.UNITS[u].token and not schema.UNITS[u].part_of]]
                    assert (tokens.notna().sum(axis=1) <= 1).all(), f"{path.name}: a line holds several kinds of tokens"
                    seen += int(tokens.reindex(columns=CACHE).notna().to_numpy().sum())
        assert seen > 0, f"{name}: no export holds cached tokens"


def test_a_format_that_does_not_tell_cached_tokens_has_none(cached):
    for name in (name for name, where in cached.items() if where == "not told"):
        for pattern in ("daily.json", "daily_page*.json"):
            usage = fc.read_usage(str(EXPORTS / name / pattern), today="2026-11-30")
            assert not [c for c in CACHE if c in usage.frame and usage.frame[c].notna().any()]
