"""From files to one table: rules, what stands twice, restatements, several files, and what a hostile file is told."""

import gzip
import json
from importlib.metadata import EntryPoint

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import UsageError
from forecast.readers import registry
from forecast.readers.files import MOST_EXPANSION, files_of
from forecast.readers.rules import read_rules

DAY = 86_400
JUNE = 1_780_272_000  # 2026-06-01


def page(first, days, *, more=False, tokens=1000, **names):
    """A page of OpenAI's usage: one result a day."""
    names = {"model": "gpt-5", "project_id": "search", "api_key_id": "key_prod", **names}
    result = {"object": "organization.usage.completions.result", "output_tokens": 10, "num_model_requests": 2, **names}
    data = [
        {
            "object": "bucket",
            "start_time": JUNE + (first + i) * DAY,
            "end_time": JUNE + (first + i + 1) * DAY,
            "results": [result | {"input_tokens": tokens + i}],
        }
        for i in range(days)
    ]
    return {"object": "page", "data": data, "has_more": more, "next_page": "next" if more else None}


def read(source, **options):
    return fc.read_usage(source, today="2026-11-30", **options)


# ---------------------------------------------------------------------------------------------------------- pages


def test_pages_in_any_order_are_one_export():
    pages = [page(0, 7, more=True), page(7, 7, more=True), page(14, 7)]
    usage = read(pages)
    assert len(usage.frame) == 21
    pd.testing.assert_frame_equal(usage.frame, read(pages[::-1]).frame)


def test_a_page_that_is_there_twice_is_counted_once():
    pages = [page(0, 7, more=True), page(7, 7)]
    usage = read([*pages, pages[1]])
    assert usage.frame["input_tokens"].sum() == 2 * (7_000 + 21)
    assert usage.reading.overlaps["rows"].sum() == 7
    assert "counted once" in " ".join(usage.notes)


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ([page(0, 7, more=True), page(14, 7)], "a page is missing between 2026-06-08 and 2026-06-15"),
        ([page(0, 7, more=True)], "a page is missing from 2026-06-08"),
    ],
)
def test_a_missing_page_is_told(pages, message):
    with pytest.raises(UsageError, match=message):
        read(pages)


def test_a_day_that_an_export_covers_is_zero_and_one_that_none_covers_is_a_gap():
    first, later = page(0, 3), page(5, 2)
    first["data"][1]["results"] = []
    usage = read([first, later])
    by_day = usage.frame.groupby("date")["requests"].sum()
    assert by_day[pd.Timestamp("2026-06-02")] == 0
    assert pd.Timestamp("2026-06-04") not in by_day
    assert "1 days without any usage are zeros" in " ".join(usage.notes)


# -------------------------------------------------------------------------------------------------------- overlap


def test_exports_that_differ_are_refused_or_the_later_is_taken(tmp_path):
    for name, tokens in (("old.json", 1000), ("new.json", 1500)):
        (tmp_path / name).write_text(json.dumps(page(0, 3, tokens=tokens)))
    sources = [tmp_path / "old.json", tmp_path / "new.json"]
    with pytest.raises(UsageError, match=r"old\.json and .*new\.json both hold 3 periods.*1,000 in .*overlap='later'"):
        read(sources)
    usage = read(sources, overlap="later")
    assert usage.frame["input_tokens"].tolist() == [1500, 1501, 1502]
    account = usage.reading.conservation["tokens"]
    assert account["held"] == account["read"] + account["counted once"]
    assert account["counted once"] == 1000 + 1001 + 1002 + 30


def test_two_keys_of_one_project_are_parts_of_one_sum():
    usage = read([page(0, 3), page(0, 3, api_key_id="key_other")])
    assert usage.frame["requests"].tolist() == [4, 4, 4]
    assert usage.reading.overlaps.empty


def test_tidy_files_that_repeat_days_are_counted_once(tmp_path):
    days = pd.date_range("2026-06-01", periods=40)
    frame = pd.DataFrame({"date": days, "model": "gpt-5", "requests": np.arange(40) + 1})
    frame.iloc[:30].to_csv(tmp_path / "a.csv", index=False)
    frame.iloc[20:].to_csv(tmp_path / "b.csv", index=False)
    usage = read(tmp_path)
    assert usage.frame["requests"].tolist() == list(range(1, 41))
    assert usage.reading.overlaps["rows"].tolist() == [10]


def test_a_restated_month_takes_the_place_of_the_first_statement_and_the_past_can_be_asked():
    frame = pd.DataFrame(
        {
            "date": ["2026-05-01", "2026-06-01", "2026-05-01"],
            "model": "gpt-5",
            "billed_cost": [100.0, 120.0, 90.0],
            "currency": "USD",
            "recorded_at": ["2026-06-03", "2026-07-03", "2026-07-10"],
        }
    )
    usage = read(frame)
    assert usage.grain == "month"
    assert usage.frame["billed_cost"].tolist() == [90.0, 120.0]
    assert usage.superseded["billed_cost"].tolist() == [100.0]
    assert usage.known("2026-07-05").frame["billed_cost"].tolist() == [100.0, 120.0]
    assert usage.known("2026-06-30").frame["billed_cost"].tolist() == [100.0]
    with pytest.raises(UsageError, match="nothing was recorded on or before 2026-01-01"):
        usage.known("2026-01-01")


# ---------------------------------------------------------------------------------------------------------- rules

RULES = """
[[rules]]
match = { api_key_id = "*_prod*", project_id = "s*" }
set = { environment = "production", cost_center = "4711" }

[[rules]]
match = { api_key_id = "*_DEV*" }
set = { environment = "development", project = "{project_id} (lab)" }

[[rules]]
match = { project_id = "search" }
set = { project = "Search", department = "product" }
replace = true
"""


def test_rules_give_names_by_globs_and_show_what_they_do_not_match(tmp_path):
    (tmp_path / "rules.toml").write_text(RULES)
    pages = [page(0, 2), page(0, 2, api_key_id="key_dev", project_id="lab"), page(0, 2, api_key_id=None)]
    usage = read(pages, rules=tmp_path / "rules.toml")
    found = usage.frame.astype("object").fillna("").drop_duplicates(["environment", "project"])
    kept = found[["environment", "project", "department", "cost_center"]].to_numpy().tolist()
    assert sorted(kept) == [
        ["", "Search", "product", ""],
        ["development", "lab", "", ""],  # the export's own project stands: the rule does not say replace
        ["production", "Search", "product", "4711"],
    ]
    unmatched = usage.reading.unmatched
    blank = unmatched[unmatched["column"] == "environment"]
    assert blank[["project_id", "rows", "requests", "tokens"]].to_numpy().tolist() == [["search", 2, 4, 2021]]
    assert "no rule gives environment to 2 rows" in " ".join(usage.notes)


def test_a_name_that_a_source_lacks_matches_nothing():
    rules = [
        {"match": {"tag:env": "*"}, "set": {"environment": "{tag:env}"}},
        {"match": {"model": "x"}, "set": {"project": "x"}},
    ]
    usage = read(page(0, 2), rules=rules)
    assert usage.frame["environment"].isna().all()
    assert "1 rule matches tag:env, which the export does not have" in " ".join(usage.notes)


def test_a_rule_takes_parts_of_a_name():
    rule = {"match": {"api_key_id": "key_*_*"}, "set": {"environment": "{api_key_id.1}", "project": "p {api_key_id.2}"}}
    usage = read(
        [page(0, 2, api_key_id="key_prod_eu_west"), page(0, 2, api_key_id="Key_test_x")],
        rules=[rule | {"replace": True}],
    )
    assert sorted(map(tuple, usage.frame[["environment", "project"]].drop_duplicates().to_numpy())) == [
        ("prod", "p eu_west"),
        ("test", "p x"),
    ]
    with pytest.raises(UsageError, match=r"rule 1: \{api_key_id\.2\}: match has no glob of 'api_key_id' with 2 stars"):
        read(page(0, 2), rules=[{"match": {"api_key_id": "key_*"}, "set": {"project": "{api_key_id.2}"}}])


def test_rules_read_the_columns_of_a_tidy_table():
    frame = pd.DataFrame(
        {"date": ["2026-06-01", "2026-06-02"], "model": "gpt-5", "requests": 1, "namespace": "prod-eu"}
    )
    usage = read(frame, rules=[{"match": {"namespace": "prod-*"}, "set": {"environment": "production"}}])
    assert usage.frame["environment"].tolist() == ["production", "production"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            "[[rules]]\nmatch = { workspace = 'x' }\nset = { environment = 'y' }",
            r"rules match workspace, which the export",
        ),
        ("[[rule]]\nset = { environment = 'y' }", r"table 'rule' is not known; allowed: \[\[rules\]\]"),
        ("[[rules]]\nmatch = { project_id = 'x' }\nset = { enviroment = 'y' }", r"did you mean 'environment'"),
        ("[[rules]]\nmatch = { project_id = 3 }\nset = {}", r"match is not a table.*; rule 1 sets nothing"),
        ("[[rules]]\nsets = { environment = 'y' }", r"key 'sets' is not known; did you mean 'set'.*sets nothing"),
        ("", "there is no rule"),
        ("[[rules", "cannot be read as TOML"),
    ],
)
def test_bad_rules_are_told_all_at_once(rules, message, tmp_path):
    (tmp_path / "rules.toml").write_text(rules)
    with pytest.raises(UsageError, match=message):
        read(page(0, 2), rules=tmp_path / "rules.toml")


def test_rules_can_be_given_in_hand():
    made = read_rules([{"match": {"a": "*"}, "set": {"project": "x"}}])
    assert made.targets == ("project",)


# ---------------------------------------------------------------------------------------------------------- files


def test_folders_globs_lists_and_gzip_name_the_same_files(tmp_path):
    for i in range(3):
        (tmp_path / f"p{i}.json.gz").write_bytes(gzip.compress(json.dumps(page(i * 5, 5)).encode(), mtime=0))
    (tmp_path / "README.md").write_text("not an export")
    expected = read([page(i * 5, 5) for i in range(3)]).frame
    every = [str(tmp_path / f"p{i}.json.gz") for i in range(3)]
    for source in (tmp_path, str(tmp_path / "*.gz"), every, [tmp_path, tmp_path / "p1.json.gz"]):
        pd.testing.assert_frame_equal(read(source).frame, expected)
    assert len(files_of([tmp_path, *every])) == 3


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "half.json",
            b'{"object": "page", "data": [{"object": "bucket", "start_',
            "no whole JSON document.*may be cut",
        ),
        ("half.jsonl", b'{"a": 1}\n{"a": ', "line 2 is no JSON.*may be cut"),
        ("unknown.json", b'{"anything": [1, 2]}', "JSON of no format that is known here"),
        ("book.xlsx", b"PK\x03\x04", "a workbook: save the sheet as CSV"),
        ("all.zip", b"PK\x03\x04", "an archive: unpack it first"),
        ("zeros.csv", b"\0" * 500, "cannot be read as a table"),
        (
            "shifted.csv",
            b"date,model,requests\n2026-06-01,gpt-5,1\n,2026-06-02,gpt-5,1\n",
            "rows do not fit the header",
        ),
        ("twice.csv", b"date,model,date\n2026-06-01,a,1\n", "'date': stands twice in the header"),
    ],
)
def test_hostile_files_are_told_in_words(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message) as raised:
        read(tmp_path / name)
    assert name in str(raised.value)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("forecast.readers.files.WATCHED_BYTES", 1 << 20)
    row = b"2026-06-01,gpt-5,1\n"
    packed = gzip.compress(b"date,model,requests\n" + row * ((20 << 20) // len(row)), mtime=0)
    assert len(packed) * MOST_EXPANSION < 20 << 20
    (tmp_path / "bomb.csv.gz").write_bytes(packed)
    with pytest.raises(UsageError, match=r"bomb\.csv\.gz: unpacks to more than 400 times its size"):
        read(tmp_path / "bomb.csv.gz")


def test_a_long_table_is_read_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("forecast.readers.contents.CHUNK_ROWS", 7)
    times = [(JUNE + i * DAY, JUNE + (i + 1) * DAY) for i in range(50)]
    rows = "".join(f"{a},{b},gpt-5,{i},100,10,50\n" for i, (a, b) in enumerate(times, start=1))
    (tmp_path / "u.csv").write_text(
        "start_time,end_time,model,num_model_requests,input_tokens,output_tokens,input_cached_tokens\n" + rows
    )
    usage = read(tmp_path / "u.csv")
    assert usage.frame["requests"].tolist() == list(range(1, 51))
    assert usage.reading.sources["records"].tolist() == [50]
    assert usage.frame["input_tokens"].sum() == usage.frame["cache_read_tokens"].sum() == 2_500


def test_names_with_formulas_newlines_and_markup_are_only_names():
    odd = '=HYPERLINK("x")\n<b>,\u202e💥'
    usage = read([page(0, 2, project_id=odd, api_key_id=odd)])
    assert usage.frame["project"].unique().tolist() == [odd]
    assert "<b>," not in usage._repr_html_()


@pytest.mark.parametrize("source", [17, None, object(), [], [3.5]])
def test_what_is_no_source_is_told(source):
    with pytest.raises(UsageError, match=r"cannot be read as usage|no source is named"):
        read(source)


def test_options_of_tidy_tables_are_refused_elsewhere():
    with pytest.raises(UsageError, match=r"is read as openai .* leave out columns="):
        read(page(0, 2), columns={"date": "day"})
    with pytest.raises(UsageError, match=r"format 'opanai' is not known.*did you mean 'openai'"):
        read(page(0, 2), format="opanai")


def test_hours_are_moved_to_the_billing_zone_and_can_be_added_up():
    data = page(0, 1)
    data["data"] = [
        {
            **data["data"][0],
            "start_time": JUNE + h * 3600,
            "end_time": JUNE + (h + 1) * 3600,
        }
        for h in range(24)
    ]
    hours = read(data, timezone="America/New_York")
    assert hours.grain == "hour"
    assert hours.start == pd.Timestamp("2026-05-31 20:00")
    days = read(data, timezone="America/New_York", grain="day")
    assert days.frame["requests"].tolist() == [8, 40]  # 4 and 20 hours of 2 requests
    with pytest.raises(UsageError, match=r"cannot be read by hour|is by day"):
        read(page(0, 2), grain="hour")


def test_cents_that_are_read_as_dollars_are_noticed():
    days = pd.date_range("2026-06-01", periods=30)
    frame = pd.DataFrame({"date": days, "provider": "openai", "model": "gpt-5", "input_tokens": 8e6, "currency": "USD"})
    dollars, cents = read(frame.assign(billed_cost=10.0)), read(frame.assign(billed_cost=1_000.0))  # 8 times 1.25
    assert not dollars.notes
    assert "billed_cost of openai gpt-5 is 100 times its list price in 30 of 30 rows, from 2026-06-01" in cents.notes[0]
    assert "cents read as dollars" in cents.notes[0]


# ------------------------------------------------------------------------------------------- frames and third parties


def test_frames_of_other_libraries_are_read():
    import polars as pl

    frame = pd.DataFrame({"date": ["2026-06-01", "2026-06-02"], "model": "gpt-5", "requests": [1, 2]})
    pd.testing.assert_frame_equal(read(pl.from_pandas(frame)).frame, read(frame).frame)


class Counter:
    """A reader of another package: one line a day, date and count."""

    NAME = "counter"
    TITLE = "counter files"

    def fits(self, content):
        return "n_calls" in registry.columns_of(content)

    def extract(self, content):
        from forecast.readers.sheet import Sheet

        sheet = Sheet(content)
        calls = sheet.count("n_calls")
        yield sheet.extract(
            "day", {"date": sheet.days("when"), "model": "x", "requests": calls}, held={"requests": calls}
        )


def test_another_package_brings_a_reader(monkeypatch):
    entry = EntryPoint("counter", f"{__name__}:Counter", registry.ENTRY_POINTS)
    monkeypatch.setattr(EntryPoint, "load", lambda _: Counter())
    monkeypatch.setattr(registry, "entry_points", lambda **_: [entry])
    registry.readers.cache_clear()
    try:
        usage = read(pd.DataFrame({"when": ["2026-06-01", "2026-06-02"], "n_calls": [3, 4]}))
        assert usage.frame["requests"].tolist() == [3, 4]
        assert "counter" in registry.formats()
    finally:
        registry.readers.cache_clear()


def test_a_reader_of_ones_own_is_handed_over():
    export = pd.DataFrame({"when": ["2026-06-01", "2026-06-02"], "n_calls": [3, -4]})
    usage = read(export, format=Counter())
    assert usage.frame["requests"].tolist() == [3]
    assert usage.reading.sources["format"].tolist() == ["counter"]
    assert usage.reading.conservation.loc["rejected", "requests"] == -4
    with pytest.raises(UsageError, match="leave out columns="):
        read(export, format=Counter(), columns={"date": "when"})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Counter, "the class Counter, not an object of it, lacks them"),
        (5, "a reader needs NAME, TITLE.*; 5 lacks them"),
    ],
)
def test_what_is_no_reader_is_refused(given, words):
    with pytest.raises(UsageError, match=words):
        read(pd.DataFrame({"when": ["2026-06-01"], "n_calls": [3]}), format=given)


def test_the_shipped_readers_are_found_again():
    assert "counter" not in registry.formats()
    assert "openai" in registry.formats()


def test_a_tier_that_is_not_known_is_told():
    usage = read(page(0, 2, service_tier="ultra"))
    assert usage.frame["service_tier"].tolist() == ["standard", "standard"]
    assert "service_tier ultra is taken as standard" in " ".join(usage.notes)


def test_a_broken_line_is_named_by_its_number_blank_lines_counted(tmp_path):
    (tmp_path / "a.jsonl").write_text('\n{"a": 1}\n\n\n{"a": \n')
    with pytest.raises(UsageError, match="line 5 is no JSON"):
        read(tmp_path / "a.jsonl")
