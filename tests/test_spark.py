"""PySpark in local mode groups a log itself and gives what a plain group-by gives; run by make test-spark."""

import pandas as pd
import pytest

import forecast as fc
from tests.spendlogs import plain, rows_of, summed

pytestmark = [
    pytest.mark.spark,
    # Py4J leaves sockets to the garbage collector, and PySpark's own code is not ours to mend.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

TODAY = "2026-11-30"
#: Sums of the same floats in another order.
RELATIVE = 1e-9


@pytest.fixture(scope="session")
def session():
    sql = pytest.importorskip("pyspark.sql", reason="NOT TESTED against PySpark: it is not installed: make test-spark")
    made = (
        sql.SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "Pacific/Auckland")  # that of the session changes nothing
        .getOrCreate()
    )
    yield made
    made.stop()


@pytest.fixture(scope="session")
def frame(session, tmp_path_factory):
    """A log as Spark reads it from Parquet, and its rows."""
    rows = rows_of(31, 500)
    path = tmp_path_factory.mktemp("spark") / "log.parquet"
    rows.to_parquet(path, coerce_timestamps="us")
    return session.read.parquet(str(path)), rows


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize(("grain", "step"), [("hour", "h"), ("day", "D")])
def test_spark_gives_what_a_plain_group_by_gives(frame, zone, grain, step):
    spark, rows = frame
    usage = fc.read_usage(spark, timezone=zone, grain=grain, today=TODAY)
    pd.testing.assert_frame_equal(summed(usage), plain(rows, zone, step), rtol=RELATIVE, check_dtype=False)
    assert usage.reading.sources["records"].sum() == len(rows)


def test_text_is_read_or_rejected(session):
    rows = [
        ("2026-05-01T23:30:00+02:00", "12"),
        ("2026-05-01 21:45:00", "8"),
        ("2026-05-02", "1"),
        ("yesterday", "3"),
        ("2026-05-03", "many"),
        (None, "4"),
        ("2026-05-03", "-5"),
    ]
    log = session.createDataFrame(rows, "`order` string, `from` string")
    usage = fc.read_usage(log, format="log", columns={"date": "order", "output_tokens": "from"}, today=TODAY)
    assert usage.frame[["requests", "output_tokens"]].to_numpy().tolist() == [[2, 20], [1, 1]]
    reasons = usage.reading.rejected.set_index("reason")["rows"].to_dict()
    assert reasons == {
        "order cannot be read as a date": 1,
        "order is blank: no date": 1,
        "from is not a number": 1,
        "from is below 0": 1,
    }


def test_ids_that_repeat_are_counted_once(frame):
    spark, rows = frame
    usage = fc.read_usage(spark.union(spark), dedupe="request_id", today=TODAY)
    pd.testing.assert_frame_equal(summed(usage), plain(rows), rtol=RELATIVE, check_dtype=False)
