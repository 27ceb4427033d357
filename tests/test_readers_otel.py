"""OpenTelemetry: spans and metrics are two accounts of the same requests; cumulative series tell differences."""

import json
from pathlib import Path

import pytest

import forecast as fc
from forecast.errors import UsageError

EXPORTS = Path(__file__).parent / "exports" / "otel"
TODAY = "2026-11-30"


def read(source, **options):
    return fc.read_usage(source, today=TODAY, **options)


def test_spans_are_preferred_to_the_metric_and_said_so():
    usage = read(EXPORTS / "both.jsonl")
    assert usage.frame["requests"].tolist() == [1]
    assert any("2 points of gen_ai.client.token.usage are passed over" in note for note in usage.notes)


def test_a_span_that_sums_up_its_children_is_not_counted_beside_them():
    rows = [json.loads(line) for line in (EXPORTS / "spans.jsonl").read_text().splitlines()]
    spans = rows[1]["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert [s["parentSpanId"] for s in spans] == ["", "aaaaaaaaaaaaaaaa", ""]
    frame = read([rows[1]]).frame
    # The agent and its model call both tell 700 tokens of input.
    assert frame["input_tokens"].tolist() == [700]
    assert frame["reasoning_tokens"].tolist() == [50]


def test_cumulative_series_are_differences_and_begin_anew_after_a_reset():
    frame = read(EXPORTS / "metrics_cumulative.jsonl").frame
    assert frame["input_tokens"].tolist() == [3_000, 500, 200, 0]
    assert frame["output_tokens"].tolist() == [450, 60, 40, 0]


def test_a_fall_without_a_new_start_is_a_reset_too():
    lines = [json.loads(line) for line in (EXPORTS / "metrics_cumulative.jsonl").read_text().splitlines()]
    text = json.dumps(lines[2])
    began = json.loads((EXPORTS / "metrics_cumulative.jsonl").read_text().splitlines()[0])
    point = began["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["histogram"]["dataPoints"][0]
    own = lines[2]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["histogram"]["dataPoints"][0]
    restarted = json.loads(text.replace(own["startTimeUnixNano"], point["startTimeUnixNano"]))
    frame = read([*lines[:2], restarted]).frame
    assert frame["input_tokens"].tolist() == [3_000, 500, 200]


def test_delta_and_cumulative_tell_the_same_hours():
    delta = read(EXPORTS / "metrics_delta.jsonl").frame
    cumulative = read(EXPORTS / "metrics_cumulative.jsonl").frame.head(2)
    assert delta["input_tokens"].tolist() == cumulative["input_tokens"].tolist()


def test_where_it_ran_is_read_from_the_resource():
    frame = read(EXPORTS / "spans.jsonl").frame
    assert set(frame["environment"]) == {"production"}
    assert set(frame["application"]) == {"search"}


def test_spans_have_ids_and_metrics_have_none():
    twice = [json.loads(line) for line in (EXPORTS / "spans.jsonl").read_text().splitlines()] * 2
    usage = read(twice, dedupe="request_id")
    assert usage.frame["requests"].sum() == 4
    with pytest.raises(UsageError, match="bears no ids"):
        read(EXPORTS / "metrics_delta.jsonl", dedupe="request_id")


def test_spans_and_metrics_of_two_files_are_not_added_up(tmp_path):
    with pytest.raises(UsageError, match="one usage has one grain"):
        read([EXPORTS / "spans.jsonl", EXPORTS / "metrics_delta.jsonl"])


def test_the_built_in_prices_know_every_route():
    prices = fc.PriceBook.builtin()
    frame = read(EXPORTS / "spans.jsonl").frame
    for provider, model in frame[["provider", "model"]].drop_duplicates().itertuples(index=False):
        assert "no row" not in str(prices.match(provider, model))
