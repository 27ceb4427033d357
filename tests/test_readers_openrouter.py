"""OpenRouter's activity and log: what prompt tokens hold, whose bill it is, names that prices know."""

from pathlib import Path

import pytest

import forecast as fc

HERE = Path(__file__).parent / "exports" / "openrouter"


def read(source, **options):
    return fc.read_usage(source, today="2026-11-30", **options)


def test_the_built_in_prices_know_the_slugs():
    book = fc.PriceBook.builtin()
    names = {
        m for name in ("activity.csv", "activity.json", "log.csv") for m in read(HERE / name).frame["model"].dropna()
    }
    unpriced = {m for m in names if "no row" in str(book.match("openrouter", m))}
    assert len(names) == 7
    assert all(m.endswith(":free") for m in unpriced)


def test_the_bill_is_that_of_openrouter_alone():
    usage = read(HERE / "activity.csv")
    assert usage.frame["billed_cost"].sum() == pytest.approx(4.05)
    assert "$1.25 are charged by providers to keys of one's own" in " ".join(usage.notes)


def test_the_activity_does_not_tell_cached_input_apart_and_the_log_does():
    assert "input_tokens hold those that were read from a cache" in " ".join(read(HERE / "activity.csv").notes)
    usage = read(HERE / "log.csv")
    first = usage.frame[usage.frame["model"] == "openai/gpt-5-mini-2025-08-07"].iloc[0]
    assert (first["input_tokens"], first["cache_read_tokens"], first["output_tokens"]) == (2_389, 8_000, 137)
    assert not any("read from a cache" in note for note in usage.notes)


def test_a_request_is_counted_once_by_its_id(tmp_path):
    header, first, *rest = (HERE / "log.csv").read_text().splitlines()
    # gen-9 is another request that looks like gen-2 to the token; its time lies between those of the other file
    (tmp_path / "more.csv").write_text("\n".join([header, first, rest[0].replace("gen-2", "gen-9")]))
    usage = read([HERE / "log.csv", tmp_path / "more.csv"], dedupe="request_id")
    assert usage.frame["requests"].sum() == 4
    assert usage.reading.conservation.loc["counted once", "requests"] == 1


def test_variants_are_models_of_their_own():
    frame = read(HERE / "log.csv").frame
    assert set(frame["model"]) == {
        "openai/gpt-5-mini-2025-08-07",
        "openai/gpt-oss-120b:free",
        "anthropic/claude-haiku-4.5",
    }
    assert set(frame["application"].dropna()) == {"Search"}


def test_people_are_there_if_asked_for():
    frame = read(HERE / "log.csv", personal=True).frame
    assert set(frame["user"].dropna()) == {"someone@example.com"}


def test_a_request_is_of_its_day_in_the_billing_zone():
    days = read(HERE / "log.csv", timezone="Europe/Berlin").frame.groupby("date")["requests"].sum()
    assert {f"{day:%m-%d}": n for day, n in days.items()} == {"06-28": 2, "06-30": 1}


def test_keys_can_tell_the_environment():
    rules = [{"match": {"api_key_name": "*-prod"}, "set": {"environment": "production"}}]
    frame = read(HERE / "log.csv", rules=rules).frame
    assert frame.groupby("environment")["requests"].sum().to_dict() == {"production": 2}


def test_activity_by_hour_is_hours_and_by_month_months():
    hours = read(HERE / "activity_hourly.csv").frame
    assert [f"{day:%d %H}" for day in hours["date"]] == ["12 00", "12 01", "12 13"]
    days = read(HERE / "activity_hourly.csv", grain="day").frame
    assert days.groupby("model")["requests"].sum().to_dict() == {
        "openai/gpt-5-mini": 5,
        "anthropic/claude-haiku-4.5": 4,
    }
    usage = read(HERE / "activity_monthly.csv")
    assert sorted(set(usage.frame["date"].dt.month)) == [3, 5]
    assert "taken as months" in " ".join(usage.notes)


def test_one_first_of_a_month_is_a_day(tmp_path):
    header, march, *_ = (HERE / "activity_monthly.csv").read_text().splitlines()
    (tmp_path / "activity.csv").write_text(f"{header}\n{march}\n")
    assert read(tmp_path / "activity.csv").grain == "day"
