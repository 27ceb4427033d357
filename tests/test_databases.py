"""LiteLLM's tables in a real PostgreSQL, which groups them itself; run by make test-system."""

import json

import pandas as pd
import pytest

import forecast as fc
from forecast.errors import UsageError
from tests import postgres
from tests.spendlogs import plain, rows_of, summed

pytestmark = pytest.mark.system

TODAY = "2026-11-30"
#: Sums of the same floats in another order.
RELATIVE = 1e-9


@pytest.fixture(scope="session")
def server():
    try:
        with postgres.running() as found:
            yield found
    except postgres.NoPostgresError as why:
        pytest.skip(f"NOT TESTED against PostgreSQL: {why}")


@pytest.fixture(scope="session")
def connection(server):
    import psycopg

    with psycopg.connect(server.address, autocommit=True) as connection:
        connection.execute(postgres.TABLES)
        yield connection


@pytest.fixture
def logs(connection):
    """LiteLLM's spend logs, filled: the rows."""
    rows = rows_of(21, 2_000)
    connection.execute('TRUNCATE "LiteLLM_SpendLogs"')
    columns = ", ".join(f'"{c}"' for c in rows)
    with connection.cursor().copy(f'COPY "LiteLLM_SpendLogs" ({columns}) FROM STDIN') as copy:
        for row in rows.itertuples(index=False):
            copy.write_row([None if pd.isna(v) else v for v in row])
    return rows


def read(server, **options):
    return fc.read_usage(server.address, today=TODAY, **options)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_spend_logs_are_grouped_by_the_database(server, logs, zone):
    usage = read(server, format="litellm", timezone=zone)
    pd.testing.assert_frame_equal(summed(usage), plain(logs, zone), rtol=RELATIVE, check_dtype=False)
    assert usage.reading.rejected["rows"].sum() == (logs["cache_hit"] == "True").sum()


@pytest.mark.parametrize(("grain", "step"), [("hour", "h"), ("day", "D")])
def test_hours_on_request(server, logs, grain, step):
    usage = read(server, format="litellm", grain=grain)
    pd.testing.assert_frame_equal(summed(usage), plain(logs, step=step), rtol=RELATIVE, check_dtype=False)


def test_the_database_and_memory_read_the_same(server, logs):
    by_database, in_memory = read(server, format="litellm"), fc.read_usage(logs, today=TODAY)
    keys = ["date", "provider", "model", "charge_category"]
    one, two = (u.frame.sort_values(keys, ignore_index=True) for u in (by_database, in_memory))
    pd.testing.assert_frame_equal(one, two, rtol=RELATIVE)
    assert read(server, format="litellm").sha256 == by_database.sha256


def test_rejected_rows_are_counted_with_their_sums(server, connection, logs):
    connection.execute(
        """
        UPDATE "LiteLLM_SpendLogs" SET prompt_tokens = -10, cache_hit = 'False' WHERE request_id = 'req-00000';
        UPDATE "LiteLLM_SpendLogs" SET spend = 'NaN', cache_hit = 'False' WHERE request_id = 'req-00001';
        UPDATE "LiteLLM_SpendLogs" SET "startTime" = '1999-01-01', cache_hit = 'False' WHERE request_id = 'req-00002';
        UPDATE "LiteLLM_SpendLogs" SET prompt_tokens = 5, cache_hit = 'False', metadata =
            '{"additional_usage_values": {"cache_read_input_tokens": 6}}' WHERE request_id = 'req-00003';
        """
    )
    usage = read(server, format="litellm", dedupe="request_id")
    table = usage.reading.rejected.set_index("reason")
    assert table.loc["prompt_tokens is below 0", "tokens"] == logs.loc[0, "completion_tokens"] - 10
    assert table.loc["startTime is before 2015", "row"] == "req-00002"
    assert table.loc["prompt_tokens is below what it holds of cache_read_tokens and cache_write_tokens", "rows"] == 1
    assert usage.reading.sources["records"].sum() == len(logs)


def test_daily_tables_hold_the_same(server, connection, logs):
    used = logs["metadata"].map(lambda text: json.loads(text)["additional_usage_values"])
    read_ = used.map(
        lambda u: u.get("cache_read_input_tokens", 0) or u.get("prompt_tokens_details", {}).get("cached_tokens", 0)
    )
    written = used.map(lambda u: u["cache_creation_input_tokens"] or 0)
    table = logs.assign(read=read_, written=written, date=logs["startTime"].dt.strftime("%Y-%m-%d"), n=1)
    table = table[table["cache_hit"] != "True"]
    by = ["date", "api_key", "model", "custom_llm_provider", "user"]
    sums = (
        table.groupby(by)[["prompt_tokens", "completion_tokens", "read", "written", "spend", "n"]].sum().reset_index()
    )
    connection.execute('TRUNCATE "LiteLLM_DailyUserSpend"')
    names = "date, api_key, model, custom_llm_provider, user_id, prompt_tokens, completion_tokens, "
    names += "cache_read_input_tokens, cache_creation_input_tokens, spend, api_requests, id"
    with connection.cursor().copy(f'COPY "LiteLLM_DailyUserSpend" ({names}) FROM STDIN') as copy:
        for i, row in enumerate(sums.itertuples(index=False)):
            copy.write_row([*row, str(i)])
    usage = read(server, format="litellm", table="LiteLLM_DailyUserSpend", timezone="America/New_York")
    expected = plain(logs).fillna({"cache_write_tokens": 0})
    pd.testing.assert_frame_equal(summed(usage), expected, rtol=RELATIVE, check_dtype=False)
    assert "user" not in usage.frame


def test_reserved_words_and_text_in_a_table_of_any_kind(server, connection):
    connection.execute(
        """
        TRUNCATE "order";
        INSERT INTO "order" VALUES
            ('gpt-4o', '2026-05-01 23:30:00+02', '12', 0.5), ('gpt-4o', '2026-05-01 01:00:00+00', 'x', 1),
            ('gpt-4o', NULL, '3', NULL), ('gpt-4o', '2026-05-01 02:00:00+00', ' 8 ', -0.25);
        """
    )
    columns = {"date": "group", "model": "select", "output_tokens": "from", "billed_cost": "where"}
    usage = read(server, format="log", table="public.order", columns=columns, fill={"currency": "USD"})
    # Right are the first and the last row: 12 + 8 tokens, and 0.5 beside an adjustment of −0.25.
    assert usage.frame["output_tokens"].sum() == 20
    assert sorted(usage.frame["billed_cost"]) == [-0.25, 0.5]
    assert usage.reading.rejected["rows"].sum() == 2
    assert usage.reading.rejected["money"].sum() == 1


def test_an_engine_of_ones_own(server, logs):
    import sqlalchemy as sa

    engine = sa.create_engine(server.address.replace("postgresql", "postgresql+psycopg"))
    assert fc.read_usage(engine, format="litellm", today=TODAY).sha256 == read(server, format="litellm").sha256
    engine.dispose()


@pytest.mark.parametrize("what", ["password", "table", "database"])
def test_no_secret_is_told(server, logs, what):
    wrong = {
        "password": server.address.replace(server.password, "not-" + server.password),
        "table": server.address + f"?application_name={server.password}",
        "database": server.address.replace("/postgres", "/nowhere"),
    }[what]
    with pytest.raises(UsageError) as caught:
        fc.read_usage(wrong, format="litellm", table="nothing" if what == "table" else None)
    error = caught.value
    while error is not None:
        assert server.password not in f"{error!r} {error}"
        error = error.__cause__ or error.__context__


def test_nothing_of_the_address_is_in_a_usage(server, logs):
    usage = read(server, format="litellm")
    told = " ".join([usage.source, repr(usage), *usage.notes, usage.reading.sources.to_string(), usage._repr_html_()])
    assert server.password not in told
    assert "reader" not in usage.source
