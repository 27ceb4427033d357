"""ccusage's days: classes that are disjoint, what totals hold beyond models, prices that aren't known."""

import json
from pathlib import Path

import pandas as pd
import pytest

import forecast as fc
from forecast.errors import UsageError

HERE = Path(__file__).parent / "exports" / "ccusage"
#: Costs in the file have at most six digits.
DIGITS = 1e-9


def read(source, **options):
    return fc.read_usage(source, today="2026-11-30", **options)


def export(**changes):
    """One day of one model, as ccusage writes it; its fields can be changed."""
    counts = {"inputTokens": 10, "outputTokens": 20, "cacheCreationTokens": 0, "cacheReadTokens": 70}
    model = {"modelName": "claude-haiku-4-5-20251001", **counts, "cost": 0.000117}
    day = {
        "date": "2026-05-01",
        **counts,
        "totalTokens": 100,
        "totalCost": 0.000117,
        "modelsUsed": [model["modelName"]],
    }
    return {"daily": [day | {"modelBreakdowns": [model]} | changes]}


def test_its_costs_are_list_prices_by_the_built_in_book():
    frame = read(HERE / "daily.json").frame
    first = frame[(frame["date"] == "2026-05-01") & (frame["model"] == "claude-sonnet-4-5-20250929")]
    # $3 in, $15 out, $3.75 written and $0.30 read a million: 0.0036 + 0.051 + 0.075 + 0.045
    assert first["list_cost"].tolist() == pytest.approx([0.1746], abs=DIGITS)
    assert fc.PriceBook.builtin().cost(first).tolist() == pytest.approx([0.1746], abs=DIGITS)
    assert "billed_cost" not in frame
    assert "requests" not in frame


def test_a_cost_of_nothing_is_a_price_that_is_not_known():
    frame = read(HERE / "daily.json").frame
    gemini = frame[frame["model"] == "gemini-2.5-pro"]
    assert gemini["list_cost"].isna().all()
    assert gemini["output_tokens"].tolist() == [250]  # 200, and 50 of thoughts that the day's total holds


def test_the_seller_is_told_by_the_name_of_a_model():
    frame = read(HERE / "daily.json").frame
    named = dict(zip(frame["model"], frame["provider"], strict=True))
    assert named["gemini-2.5-pro"] == "google"
    assert named["claude-haiku-4-5-20251001"] == "anthropic"


def test_projects_are_the_projects():
    frame = read(HERE / "instances.json").frame
    assert frame.groupby("project")["output_tokens"].sum().to_dict() == {"search": 3_000, "support": 1_260}


def test_a_day_that_is_absent_is_zero():
    by_day = read(HERE / "daily.json").frame.groupby("date")["input_tokens"].sum()
    assert len(by_day) == 5
    assert by_day["2026-05-03"] == 0


def test_days_may_be_called_periods():
    day = export()["daily"][0]
    day["period"] = day.pop("date")
    assert read({"daily": [day], "totals": {}}).frame["input_tokens"].tolist() == [10]


def test_models_that_hold_more_than_their_day_are_told():
    usage = read(export(outputTokens=5, totalTokens=85))
    rejected = usage.reading.rejected
    assert rejected["reason"].tolist() == ["the day's models hold more than the day"]
    assert rejected["tokens"].tolist() == [-15]


def test_a_total_that_cannot_be_read_is_rejected():
    usage = read(export(totalTokens="many"))
    assert usage.reading.rejected["reason"].tolist() == ["inputTokens is not a number"]
    assert usage.frame["output_tokens"].tolist() == [20]


def test_another_tools_report_is_not_mistaken_for_days():
    day = {"date": "2026-05-01", "inputTokens": 100, "cachedInputTokens": 40, "outputTokens": 5, "totalTokens": 105}
    with pytest.raises(UsageError, match="cachedInputTokens is a field of another report"):
        read({"daily": [day], "totals": {}})


def test_a_table_is_no_export_of_it(tmp_path):
    (tmp_path / "days.csv").write_text("date,inputTokens\n2026-05-01,5\n")
    with pytest.raises(UsageError, match="with --json"):
        read(tmp_path / "days.csv", format="ccusage")


def test_totals_are_those_of_the_export():
    told = json.loads((HERE / "daily.json").read_text())["totals"]
    conservation = read(HERE / "daily.json").reading.conservation
    assert conservation.loc["held", "tokens"] == told["totalTokens"]
    assert conservation.loc["held", "list_cost"] == pytest.approx(told["totalCost"], abs=DIGITS)


def test_a_report_on_codex_has_its_models_under_their_names_and_one_cost_a_day():
    frame = read(HERE / "codex.json").frame
    first = frame[frame["date"] == "2026-05-01"]
    # gpt-5: $1.25 in, $0.125 read and $10 out a million: 0.000875 + 0.0000375 + 0.002; reasoning is inside output
    assert first["list_cost"].tolist() == pytest.approx([0.0029125], abs=DIGITS)
    assert fc.PriceBook.builtin().cost(first).tolist() == pytest.approx([0.0029125], abs=DIGITS)
    second = frame[frame["date"] == "2026-05-02"]
    # the day's cost stands apart from its two models, and both have tokens that the book prices
    assert second.loc[second["model"].isna(), "list_cost"].tolist() == [0.00225]
    named = second[second["model"].notna()]
    assert set(named["model"]) == {"gpt-5", "gpt-5-mini"}
    assert named["list_cost"].isna().all()
    # gpt-5: 0.00125 + 0.0005; gpt-5-mini, $0.25, $0.025 and $2: 0.0001 + 0.000005 + 0.0002
    assert fc.PriceBook.builtin().cost(named).sum() == pytest.approx(0.002055, abs=DIGITS)


def test_a_day_of_which_all_is_rejected_is_unknown_and_not_zero():
    usage = read(HERE / "codex.json")
    assert usage.reading.rejected["reason"].tolist() == ["reasoning is above all output"]
    assert usage.frame["date"].max() == pd.Timestamp("2026-05-02")
    assert not any("zeros" in note for note in usage.notes)


def test_days_and_the_same_days_by_project_are_told(tmp_path):
    day = export(inputTokens=10_010, totalTokens=10_100)["daily"][0]
    (tmp_path / "daily.json").write_text(json.dumps({"daily": [day], "totals": {}}))
    (tmp_path / "instances.json").write_text(json.dumps({"projects": {"search": [day]}, "totals": {}}))
    notes = [note for note in read(tmp_path).notes if "under other names" in note]
    assert len(notes) == 1
    assert "daily.json and" in notes[0]
    assert "hold the same 10,100 tokens from 2026-05-01 to 2026-05-01" in notes[0]
    other = export(inputTokens=10_011, totalTokens=10_101)["daily"]
    (tmp_path / "instances.json").write_text(json.dumps({"projects": {"search": other}, "totals": {}}))
    assert not [note for note in read(tmp_path).notes if "under other names" in note]


def test_an_export_of_nothing_is_known_for_what_it_is():
    with pytest.raises(UsageError, match="there are no rows"):
        read({"daily": [], "totals": {}})
