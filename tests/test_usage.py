"""The door: what a bad export is told, and what a good one keeps."""

import gzip

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import UsageError

GOOD = pd.DataFrame(
    {
        "date": ["2026-01-01", "2026-01-02", "2026-01-01", "2026-01-02"],
        "provider": "openai",
        "model": ["gpt-5", "gpt-5", "gpt-5-mini", "gpt-5-mini"],
        "environment": "production",
        "project": "search",
        "requests": [10, 12, 5, 6],
        "input_tokens": [1000, 1200, 500, 600],
        "output_tokens": [100, 120, 50, None],
    }
)


def changed(column, values):
    return GOOD.assign(**{column: values})


BAD = {
    "wrong column": (GOOD.rename(columns={"date": "day"}), r"no column 'date'.*columns=\{'date': '...'\}"),
    "misspelt column": (GOOD.rename(columns={"requests": "Request"}), r"'Request'.*columns=\{'requests': 'Request'\}"),
    "text in a number": (changed("requests", ["10", "x", "5", "6"]), r"'requests'.*not a number in row \d: requests=x"),
    "negative tokens": (changed("input_tokens", [1, -2, 3, 4]), r"'input_tokens'.*negative in row \d: input_tokens=-2"),
    "infinite": (changed("requests", [1, np.inf, 3, 4]), r"'requests'.*infinite in row \d"),
    "nothing measured": (
        GOOD.assign(requests=[1, None, 3, 4], input_tokens=[1, None, 3, 4], output_tokens=None),
        r"nothing is measured in row \d",
    ),
    "no date": (changed("date", ["2026-01-01", None, "2026-01-01", "2026-01-02"]), r"'date'.*no date in row \d"),
    "unparsable date": (changed("date", ["2026-01-01", "soon", "2026-01-01", "2026-01-02"]), r"read as a date.*soon"),
    "dates as numbers": (changed("date", [1, 2, 1, 2]), r"holds numbers.*2026-01-31"),
    "mixed zones": (
        changed("date", ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00+02:00"] * 2),
        r"mixes time zones.*one zone",
    ),
    "out of order": (
        pd.DataFrame({"date": ["2026-01-01", "2026-01-03", "2026-01-02"], "model": "a", "requests": [1, 2, 3]}),
        r"out of order.*row \d: date=2026-01-02.*sort=True",
    ),
    "duplicate keys": (pd.concat([GOOD, GOOD.iloc[:1]]), r"1 rows repeat.*row \d.*duplicates='sum'"),
    "future": (changed("date", ["2026-01-01", "2099-01-02"] * 2), r"2 rows are after .*today="),
    "all zeros": (GOOD.assign(requests=0, input_tokens=0, output_tokens=0), r"is 0: nothing was used"),
    "no rows": (GOOD.iloc[:0], r"no rows"),
    "total beside its parts": (GOOD.assign(total_tokens=2e3), r"'total_tokens'.*billed twice"),
    "sums of weeks": (
        pd.DataFrame({"date": pd.date_range("2026-01-04", periods=8, freq="W"), "model": "a", "requests": 1}),
        r"stands 7 days apart throughout.*by day",
    ),
    "moments": (changed("date", ["2026-01-01 10:31", "2026-01-02 11:07"] * 2), r"log of requests"),
    "two currencies": (
        GOOD.assign(billed_cost=1.0, currency=["USD", "EUR", "USD", "USD"]),
        r"'currency'.*EUR and USD.*rates= at stated rates",
    ),
    "money without currency": (GOOD.assign(billed_cost=1.0), r"no column 'currency'.*fill="),
    "negative money": (GOOD.assign(billed_cost=[1, -1, 1, 1], currency="USD"), r"'billed_cost'.*charge_category"),
    "unknown tier": (GOOD.assign(service_tier="bach"), r"'service_tier'.*did you mean 'batch'"),
    "part above the whole": (GOOD.assign(reasoning_tokens=1e6), r"'reasoning_tokens'.*above output_tokens"),
}


@pytest.mark.parametrize(("frame", "message"), BAD.values(), ids=BAD.keys())
def test_bad_frames_are_told_where_and_what_to_do(frame, message):
    with pytest.raises(UsageError, match=message):
        fc.read_usage(frame)


@pytest.mark.parametrize(("frame", "message"), BAD.values(), ids=BAD.keys())
def test_bad_files_name_the_file(frame, message, tmp_path):
    path = tmp_path / "usage.csv"
    frame.to_csv(path, index=False)
    with pytest.raises(UsageError, match=r"usage\.csv"):
        fc.read_usage(path)


def test_a_files_rows_are_numbered_as_an_editor_numbers_them(tmp_path):
    path = tmp_path / "usage.csv"
    path.write_text("date,model,requests\n2026-01-01,a,1\n2026-01-02,a,many\n")
    with pytest.raises(UsageError, match="row 3: requests=many"):
        fc.read_usage(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.csv", None, "no such file"),
        ("empty.csv", b"", "the file is empty"),
        ("latin.jsonl", '{"date": "caf\xe9"}\n'.encode("latin-1"), "not UTF-8"),
        (
            "cut.csv.gz",
            gzip.compress(b"date,model,requests\n2026-01-01,a,1\n", mtime=0)[:20],
            "the gzip file is cut or broken",
        ),
        ("broken.parquet", b"PAR1nonsense", "cannot be read as Parquet"),
        (
            "quote.csv",
            b'date,model,requests\n2026-01-01,"a,1\n',
            "cannot be read as a table, line 2: unexpected end of data",
        ),
    ],
)
def test_broken_files_are_told_so(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        fc.read_usage(path)


def test_a_misnamed_file_is_told_its_neighbour(tmp_path):
    GOOD.to_csv(tmp_path / "usage_2026.csv", index=False)
    with pytest.raises(UsageError, match=r"did you mean 'usage_2026\.csv'"):
        fc.read_usage(tmp_path / "usage_2025.csv")


def test_nothing_is_lost_between_file_and_table(tmp_path):
    for path in (tmp_path / "usage.csv", tmp_path / "usage.csv.gz", tmp_path / "usage.parquet"):
        GOOD.to_parquet(path, index=False) if path.suffix == ".parquet" else GOOD.to_csv(path, index=False)
        usage = fc.read_usage(path)
        assert usage.grain == "day"
        assert len(usage.frame) == len(GOOD)
        for column in ("requests", "input_tokens", "output_tokens"):
            assert usage.frame[column].sum() == GOOD[column].sum()


def test_null_stays_unknown():
    usage = fc.read_usage(GOOD)
    assert usage.frame["output_tokens"].isna().sum() == 1


def test_columns_are_mapped_and_the_unread_named():
    frame = GOOD.rename(columns={"date": "day", "input_tokens": "prompt"}).assign(colour="blue")
    usage = fc.read_usage(frame, columns={"date": "day", "input_tokens": "prompt"})
    assert usage.frame["input_tokens"].sum() == GOOD["input_tokens"].sum()
    assert usage.notes == ("columns not read: colour",)


def test_newest_first_is_an_order():
    frame = GOOD.iloc[::-1]
    pd.testing.assert_frame_equal(fc.read_usage(frame).frame, fc.read_usage(GOOD).frame)


def test_duplicates_can_be_summed_and_are_counted():
    usage = fc.read_usage(pd.concat([GOOD, GOOD]), duplicates="sum")
    assert usage.frame["requests"].sum() == 2 * GOOD["requests"].sum()
    assert "4 rows were added" in usage.notes[0]


@pytest.mark.parametrize(
    ("dates", "grain"),
    [
        (["2026-01-01", "2026-01-02"], "day"),
        (["2026-01-01", "2026-02-01"], "month"),
        (["2026-01-01 00:00", "2026-01-01 01:00"], "hour"),
    ],
)
def test_the_grain_is_found(dates, grain):
    usage = fc.read_usage(pd.DataFrame({"date": dates, "model": "a", "requests": [1, 2]}))
    assert usage.grain == grain


def test_hours_with_an_offset_move_to_the_billing_zone_and_days_do_not():
    hours = pd.DataFrame({"date": ["2026-01-01T23:00:00-05:00", "2026-01-02T00:00:00-05:00"], "requests": [1, 2]})
    assert [f"{d:%d %H}" for d in fc.read_usage(hours).frame["date"]] == ["02 04", "02 05"]
    days = pd.DataFrame({"date": ["2026-01-01T00:00:00-05:00", "2026-01-02T00:00:00-05:00"], "requests": [1, 2]})
    assert fc.read_usage(days).start == pd.Timestamp("2026-01-01")


def test_the_callers_frame_is_not_changed():
    before = GOOD.copy()
    fc.read_usage(GOOD, fill={"department": "product"})
    pd.testing.assert_frame_equal(GOOD, before)


def test_one_row_is_read_but_cannot_be_projected():
    usage = fc.read_usage(GOOD.iloc[:1])
    with pytest.raises(fc.ModelError, match=r"history.*at least 14.*longer span"):
        fc.project(usage, horizon="1Q")


def test_hash_tells_content():
    assert fc.read_usage(GOOD).sha256 == fc.read_usage(GOOD).sha256
    assert fc.read_usage(GOOD).sha256 != fc.read_usage(changed("requests", [10, 12, 5, 7])).sha256


def test_months_dated_on_their_last_day_are_months():
    dates = pd.date_range("2026-01-31", periods=6, freq="ME")
    usage = fc.read_usage(pd.DataFrame({"date": dates, "model": "a", "requests": 1}))
    assert usage.grain == "month"
    assert usage.start == pd.Timestamp("2026-01-01")


def test_slips_that_may_be_meant_are_noted():
    frame = GOOD.assign(environment=["Prod", "Prod", "prod", "prod"], input_tokens=[1.516, 2.5, 3.0, 4.0])
    told = " ".join(fc.read_usage(frame).notes)
    assert "environment spells one name in several ways: Prod, prod" in told
    assert "input_tokens holds fractions, such as 1.516" in told
