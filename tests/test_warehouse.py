"""Logs are grouped where they live: every engine gives the same usage, equal to a plain group-by of the same rows."""

import json
import sqlite3
import warnings

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import forecast as fc
from forecast.errors import UsageError
from forecast.readers import warehouse
from tests.spendlogs import plain, rows_of, summed

TODAY = "2026-11-30"
#: Sums of the same floats in another order; money in memory and in SQLite is added as floats.
RELATIVE = 1e-9


def read(source, **options):
    return fc.read_usage(source, today=TODAY, **options)


def in_memory(rows, folder, **options):
    return read(rows, **options)


def by_csv(rows, folder, **options):
    path = folder / f"{len(list(folder.iterdir()))}.csv"
    rows.to_csv(path, index=False)
    return read(path, **options)


def by_duckdb(rows, folder, **options):
    return read(duckdb.from_df(rows), **options)


def by_polars(rows, folder, **options):
    return read(pl.from_pandas(rows).lazy(), **options)


def by_sqlite(rows, folder, **options):
    path = folder / f"{len(list(folder.iterdir()))}.db"
    with sqlite3.connect(path) as connection:
        rows.to_sql("LiteLLM_SpendLogs", connection, index=False)
    connection.close()
    return read(f"sqlite:///{path}", **({"format": "litellm"} | options))


def by_parquet(rows, folder, **options):
    path = folder / f"{len(list(folder.iterdir()))}.parquet"
    rows.to_parquet(path)
    assert path.stat().st_size > warehouse.BIG_FILES
    return read(path, **options)


def by_dask(rows, folder, **options):
    frames = pytest.importorskip("dask.dataframe", reason="dask is not installed: its frames are not tested")
    return read(frames.from_pandas(rows, npartitions=3), **options)


ENGINES = [in_memory, by_csv, by_duckdb, by_polars, by_sqlite, by_parquet, by_dask]
#: SQLite knows no time zones.
ZONED = [e for e in ENGINES if e is not by_sqlite]


@pytest.fixture(autouse=True)
def _any_file_is_big(monkeypatch):
    monkeypatch.setattr(warehouse, "BIG_FILES", 1 << 12)


def alike(usage, other):
    keys = [c for c in usage.frame if usage.frame[c].dtype == "str" or c == "date"]
    one, two = (u.frame.sort_values(keys, ignore_index=True) for u in (usage, other))
    pd.testing.assert_frame_equal(one, two, rtol=RELATIVE)


def reasons(usage):
    table = usage.reading.rejected.groupby("reason")[["rows", "requests", "tokens", "money"]].sum()
    return table.sort_index()


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_gives_what_a_plain_group_by_gives(engine, tmp_path):
    rows = rows_of(1)
    usage = engine(rows, tmp_path)
    pd.testing.assert_frame_equal(summed(usage), plain(rows), rtol=RELATIVE, check_dtype=False)
    hits = rows[rows["cache_hit"] == "True"]
    assert usage.reading.rejected["rows"].sum() == len(hits)
    assert usage.reading.rejected["tokens"].sum() == hits["total_tokens"].sum()
    assert usage.reading.sources["records"].sum() == len(rows)
    assert usage.reading.conservation.loc["held", "tokens"] == rows["total_tokens"].sum()


@pytest.mark.parametrize("engine", ZONED)
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_days_are_those_of_the_billing_zone(engine, zone, tmp_path):
    rows = rows_of(2)
    expected = plain(rows, zone)
    assert not expected["date"].equals(plain(rows)["date"]) or not expected.equals(plain(rows))
    pd.testing.assert_frame_equal(
        summed(engine(rows, tmp_path, timezone=zone)), expected, rtol=RELATIVE, check_dtype=False
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_hours_and_months_on_request(engine, tmp_path):
    rows = rows_of(3)
    hourly = engine(rows, tmp_path, grain="hour")
    assert hourly.grain == "hour"
    pd.testing.assert_frame_equal(summed(hourly), plain(rows, step="h"), rtol=RELATIVE, check_dtype=False)
    monthly = engine(rows, tmp_path, grain="month")
    assert list(monthly.frame["date"].unique()) == [pd.Timestamp("2026-03-01"), pd.Timestamp("2026-04-01")]
    assert monthly.frame["output_tokens"].sum() == plain(rows)["output_tokens"].sum()


def test_sqlite_says_that_it_knows_no_zones(tmp_path):
    with pytest.raises(UsageError, match="sqlite knows no time zones"):
        by_sqlite(rows_of(2), tmp_path, timezone="Europe/Berlin")


def damaged():
    """Rows of every kind that cannot be right: one each, from an otherwise right log."""
    rows = rows_of(4).astype({"startTime": "str", "prompt_tokens": "object", "spend": "object"})
    rows.loc[:, "cache_hit"] = "False"
    rows.loc[0, "startTime"] = "yesterday"
    rows.loc[1, "startTime"] = None
    rows.loc[2, "startTime"] = "1999-01-01 00:00:00"
    rows.loc[3, "metadata"] = "{'single': 'quotes'}"
    rows.loc[4, "prompt_tokens"] = "many"
    rows.loc[5, "prompt_tokens"] = -10
    rows.loc[6, "prompt_tokens"] = 10**17
    rows.loc[7, ["prompt_tokens", "metadata"]] = [5, '{"additional_usage_values": {"cache_read_input_tokens": 6}}']
    rows.loc[8, "cache_hit"] = "True"
    rows.loc[9, "metadata"] = '{"additional_usage_values": {"cache_read_input_tokens": "six"}}'
    rows.loc[10, "startTime"] = "2026-02-30 00:00:00"
    return rows.astype({"startTime": "str", "prompt_tokens": "str", "spend": "str"}).replace(
        {"startTime": {"nan": None}}
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_rejected_rows_are_counted_by_reason_with_their_sums(engine, tmp_path):
    rows = damaged()
    usage = engine(rows, tmp_path)
    table = reasons(usage)
    assert table["rows"].sum() == 11
    assert table.loc["startTime cannot be read as a date", "rows"] == 2
    assert table.loc["startTime is blank: no date", "tokens"] == rows.loc[1, "total_tokens"]
    assert table.loc["prompt_tokens is below 0", "tokens"] == rows.loc[5, "completion_tokens"] - 10
    assert table.loc["prompt_tokens is beyond any real count", "tokens"] == rows.loc[6, "completion_tokens"]
    assert table.loc["prompt_tokens is not a number", "tokens"] == rows.loc[4, "completion_tokens"]
    pd.testing.assert_frame_equal(table, reasons(in_memory(rows, tmp_path)), rtol=RELATIVE)
    alike(usage, in_memory(rows, tmp_path))
    told = usage.reading.rejected.set_index("reason").loc["prompt_tokens is not a number"]
    assert "prompt_tokens=many" in told["value"]
    assert told["row"] in ("req-00004", "6", "5", "4")


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_unknown_stays_unknown(engine, tmp_path):
    rows = rows_of(5, 60).assign(cache_hit="False")
    rows["prompt_tokens"] = rows["prompt_tokens"].astype("float64").mask(rows.index < 30)
    rows["spend"] = np.nan
    rows.loc[rows.index < 30, "metadata"] = "{}"
    usage = engine(rows, tmp_path)
    assert usage.frame["requests"].sum() == 60
    assert "list_cost" not in usage.frame or usage.frame["list_cost"].isna().all()
    blind = read(duckdb.from_df(rows[rows.index < 30]))
    assert blind.frame["output_tokens"].sum() == rows.loc[rows.index < 30, "completion_tokens"].sum()
    assert "input_tokens" not in blind.frame or blind.frame["input_tokens"].isna().all()


@pytest.mark.parametrize("engine", [in_memory, by_csv, by_duckdb, by_polars, by_sqlite, by_parquet])
def test_requests_that_repeat_an_id_are_counted_once(engine, tmp_path):
    rows = rows_of(6).assign(cache_hit="False")
    again = pd.concat([rows, rows[rows.index % 7 == 0]], ignore_index=True)
    usage = engine(again, tmp_path, dedupe="request_id")
    pd.testing.assert_frame_equal(summed(usage), plain(rows), rtol=RELATIVE, check_dtype=False)
    assert usage.reading.conservation.loc["counted once", "requests"] == len(again) - len(rows)
    assert engine(again, tmp_path).frame["requests"].sum() == len(again)


@settings(max_examples=6)
@given(seed=st.integers(0, 10_000), zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns"]))
def test_any_log_gives_the_same_by_duckdb_polars_and_pandas(seed, zone):
    rows = rows_of(seed, 80)
    expected = plain(rows, zone)
    for source in (duckdb.from_df(rows), pl.from_pandas(rows).lazy()):
        pd.testing.assert_frame_equal(summed(read(source, timezone=zone)), expected, rtol=RELATIVE, check_dtype=False)


def test_the_same_rows_in_any_order_give_the_same_usage_bit_for_bit():
    rows = rows_of(7, 3_000)
    shuffled = rows.sample(frac=1, random_state=1)
    assert read(duckdb.from_df(rows)).sha256 == read(duckdb.from_df(shuffled)).sha256


def test_people_never_leave_the_warehouse_unless_asked_for():
    rows = duckdb.from_df(rows_of(8))
    assert "user" not in read(rows).frame
    assert read(rows, personal=True).frame["user"].nunique() > 10


def test_rules_see_what_the_log_has():
    rules = [{"match": {"key_alias": "key 1", "team_id": "team-*"}, "set": {"environment": "production"}}]
    rows = rows_of(9).assign(cache_hit="False")
    usage = read(duckdb.from_df(rows), rules=rules)
    matched = rows["metadata"].str.contains("key 1") & rows["team_id"].notna()
    found = usage.frame[usage.frame["environment"] == "production"]["requests"].sum()
    assert found == matched.sum() > 0


# ---------------------------------------------------------------------------------------------------- any log

COLUMNS = {
    "date": "group",
    "model": "order",
    "all_input_tokens": "usage.prompt",
    "cache_read_tokens": "usage.cached",
    "output_tokens": "usage.out",
    "team": "select",
}
LINES = [
    {
        "group": "2026-05-01T23:30:00+02:00",
        "order": "gpt-4o",
        "select": "a",
        "usage": {"prompt": 100, "cached": 40, "out": 7},
    },
    {
        "group": "2026-05-01T21:45:00Z",
        "order": "gpt-4o",
        "select": "a",
        "usage": {"prompt": 50, "cached": None, "out": 3},
    },
    {"group": "2026-05-02", "order": "gpt-4o", "select": "b", "usage": {"prompt": 10, "cached": 0, "out": 1}},
]


def lines(folder):
    path = folder / "log.jsonl"
    path.write_text("\n".join(map(json.dumps, LINES)))
    return path


def test_json_lines_with_reserved_words_are_mapped(tmp_path):
    usage = read(lines(tmp_path), format="log", columns=COLUMNS, fill={"provider": "openai"})
    # 1 May: (100 − 40) + 50 input, 40 read, 7 + 3 out; 2 May: 10, 0, 1.
    measures = ["requests", "input_tokens", "cache_read_tokens", "output_tokens"]
    assert usage.frame[measures].to_numpy().tolist() == [[2, 110, 40, 10], [1, 10, 0, 1]]
    assert set(usage.reading.sources["format"]) == {"log"}


def test_the_same_log_from_frames_csv_and_a_database(tmp_path):
    flat = pd.DataFrame([{**line, "usage": json.dumps(line["usage"])} for line in LINES])
    flat.to_csv(tmp_path / "log.csv", index=False)
    with sqlite3.connect(tmp_path / "log.db") as connection:
        flat.to_sql("from", connection, index=False)
    connection.close()
    options = {"format": "log", "columns": COLUMNS}
    expected = read(lines(tmp_path), **options)
    for source in (flat, pl.from_pandas(flat), pl.from_pandas(flat).lazy(), tmp_path / "log.csv"):
        alike(read(source, **options), expected)
    alike(read(f"sqlite:///{tmp_path}/log.db", table="from", **options), expected)


def test_a_line_that_does_not_fit_its_header_is_counted(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("date,model,output_tokens\n2026-05-01,gpt-4o,5\n2026-05-02,gpt-4o,6,7,8\n2026-05-03,gpt-4o,9\n")
    usage = read(path, format="log")
    assert usage.frame["output_tokens"].sum() == 14
    assert usage.reading.rejected["reason"].tolist() == ["the row does not fit the header"]
    assert usage.reading.sources["records"].sum() == 3


def test_the_same_file_twice_is_counted_once(tmp_path):
    rows = rows_of(10)
    for name in ("a", "b"):
        rows.to_parquet(tmp_path / f"{name}.parquet")
    usage = read(str(tmp_path / "*.parquet"), format="litellm")
    pd.testing.assert_frame_equal(summed(usage), plain(rows), rtol=RELATIVE, check_dtype=False)
    assert usage.reading.overlaps["rows"].sum() == len(rows[rows["cache_hit"] == "False"])


def test_parts_of_one_log_are_one_with_ids(tmp_path):
    rows = rows_of(11).assign(cache_hit="False")
    rows[rows.index % 2 == 0].to_parquet(tmp_path / "a.parquet")
    rows[rows.index % 3 > 0].to_parquet(tmp_path / "b.parquet")
    usage = read(str(tmp_path / "*.parquet"), format="litellm", dedupe="request_id")
    pd.testing.assert_frame_equal(
        summed(usage), plain(rows[(rows.index % 2 == 0) | (rows.index % 3 > 0)]), rtol=RELATIVE, check_dtype=False
    )


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"date": "wen"}, "column 'wen' is not there.*did you mean 'when'"),
        ({"output_tokens": "out"}, "no column is the date"),
        ({"date": "when"}, "nothing is measured"),
        ({"date": "when", "ouput_tokens": "out"}, "did you mean 'output_tokens'"),
    ],
)
def test_a_mapping_that_does_not_fit_is_told(columns, told):
    frame = duckdb.sql("SELECT TIMESTAMP '2026-01-01' AS \"when\", 5 AS out")
    with pytest.raises(UsageError, match=told):
        read(frame, format="log", columns=columns)


def test_an_engine_that_fails_says_so():
    broken = duckdb.sql("SELECT TIMESTAMP '2026-01-01' AS date, error('no more') AS output_tokens")
    with pytest.raises(UsageError, match=r"duckdb cannot read it.*no more"):
        read(broken, format="log")


# -------------------------------------------------------------------------------------------------- credentials

SECRET = "hunter2-s3cr3t"  # noqa: S105 - what must not be told
ADDRESSES = [
    f"postgresql://reader:{SECRET}@127.0.0.1:1/litellm",
    f"postgresql://reader:{SECRET}@127.0.0.1:1/litellm?password={SECRET}&sslmode=nonsense",
    f"postgresql://reader:{SECRET}@[::bad/litellm",
    f"postgresql://reader:{SECRET}@host:port-{SECRET}/litellm",
    f"nosuch://reader:{SECRET}@127.0.0.1/litellm",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_credentials_are_in_no_message_and_no_cause(address):
    with pytest.raises(UsageError) as caught:
        read(address, format="litellm")
    error = caught.value
    while error is not None:
        assert SECRET not in f"{error!r} {error}"
        assert not any(SECRET in str(part) for part in error.args)
        error = error.__cause__ or error.__context__


def test_an_unknown_table_names_the_nearest(tmp_path):
    with pytest.raises(UsageError, match=r"no such table.*did you mean 'LiteLLM_SpendLogs'"):
        by_sqlite(rows_of(1, 5), tmp_path, table="LiteLLM_SpendLog")


def test_a_database_without_a_table_asks_for_one():
    with pytest.raises(UsageError, match="name the table"):
        read("sqlite:///x.db")


def test_warnings_are_none():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(duckdb.from_df(rows_of(1, 30)))
