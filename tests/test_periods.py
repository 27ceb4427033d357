"""Calendars and horizons, held to pandas' periods and 52-53-week offsets, and to calendars that were published."""

import datetime as dt
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

import forecast as fc
import scenarios as sc
from forecast.calendars import CALENDAR_YEAR
from forecast.errors import HorizonError, ModelError
from forecast.periods import extents, horizon
from scenarios.budget.planfile import read_plan_file
from scenarios.report.months import months_of
from tests.usages import organisation, plain

UNITS = ("month", "quarter", "year")
WEEKS = ("4-4-5", "4-5-4", "5-4-4")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHORT = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = pd.date_range("2019-12-25", "2033-01-08")

calendars = st.one_of(
    st.builds(fc.Calendar, start_month=st.integers(1, 12), named_by=st.sampled_from(["end", "start"])),
    st.builds(
        fc.Calendar,
        start_month=st.integers(1, 12),
        named_by=st.sampled_from(["end", "start"]),
        weeks=st.sampled_from(WEEKS),
        year_end=st.sampled_from(["last", "nearest"]),
        weekday=st.sampled_from(WEEKDAYS),
        extra_week=st.integers(1, 4),
    ),
)
days = st.dates(dt.date(1980, 1, 1), dt.date(2080, 12, 31)).map(pd.Timestamp)


def dates(*texts):
    return [pd.Timestamp(text) for text in texts]


# ------------------------------------------------------------------------------------------ whole months: pandas' year


@pytest.mark.parametrize("start_month", range(1, 13))
def test_fiscal_years_of_whole_months_are_those_of_pandas(start_month):
    calendar, ends_in = fc.Calendar(start_month=start_month), SHORT[start_month - 2]
    era = "FY" if start_month > 1 else ""
    for by, freq in (("quarter", f"Q-{ends_in}"), ("year", f"Y-{ends_in}"), ("month", "M")):
        theirs = DAYS.to_period(freq)
        assert calendar.start(DAYS, by).equals(theirs.start_time.as_unit("us"))
        assert calendar.end(DAYS, by).equals(theirs.end_time.normalize().as_unit("us"))
        # pandas names a fiscal year for the one that it ends in.
        names = theirs.astype(str) if by == "month" else era + theirs.astype(str)
        assert calendar.label(DAYS, by).tolist() == names.tolist()


def test_a_year_is_named_for_its_end_or_its_start():
    day = ["2027-01-15"]
    assert fc.Calendar(start_month=10).label(day, "year") == ["FY2027"]
    assert fc.Calendar(start_month=10, named_by="start").label(day, "quarter") == ["FY2026Q2"]
    assert fc.Calendar(named_by="start").label(day, "quarter") == ["2027Q1"]


# ------------------------------------------------------------------------------------ 52 and 53 weeks: pandas' offsets


@pytest.mark.parametrize("variation", ["last", "nearest"])
@pytest.mark.parametrize("weekday", range(7))
def test_years_by_weeks_end_where_pandas_ends_them(variation, weekday):
    for month in range(1, 13):
        offset = pd.offsets.FY5253(startingMonth=month, weekday=weekday, variation=variation)
        theirs = pd.date_range("2001-01-01", "2034-12-31", freq=offset)
        calendar = fc.Calendar(start_month=month % 12 + 1, weeks="4-4-5", year_end=variation, weekday=WEEKDAYS[weekday])
        assert calendar.end(theirs, "year").equals(theirs.as_unit("us"))
        following = calendar.end(theirs[:-1] + pd.Timedelta(days=1), "year")
        assert following.equals(theirs[1:].as_unit("us"))


@pytest.mark.parametrize("extra", [1, 2, 3, 4])
@pytest.mark.parametrize(("variation", "month"), [("last", 9), ("nearest", 1), ("nearest", 12)])
def test_quarters_by_weeks_end_where_pandas_ends_them(extra, variation, month):
    offset = pd.offsets.FY5253Quarter(startingMonth=month, weekday=5, variation=variation, qtr_with_extra_week=extra)
    theirs = pd.date_range("2003-01-01", "2030-12-31", freq=offset)
    calendar = fc.Calendar(start_month=month % 12 + 1, weeks="4-4-5", year_end=variation, extra_week=extra)
    assert calendar.end(theirs[:-1] + pd.Timedelta(days=1), "quarter").equals(theirs[1:].as_unit("us"))


def test_the_retail_calendar_is_the_one_that_nrf_publishes():
    """National Retail Federation, 4-5-4 Calendar, nrf.com/resources/4-5-4-calendar: long years; the 2024 calendar."""
    nrf = fc.Calendar.nrf(country=None)
    years = range(1999, 2027)
    long = [y for y in years if nrf.exposure(*nrf.named(f"FY{y}"), "year").days[0] == 53 * 7]
    assert long == [2000, 2006, 2012, 2017, 2023]
    assert nrf.named("FY2017") == tuple(dates("2017-01-29", "2018-02-03"))
    assert nrf.named("FY2023") == tuple(dates("2023-01-29", "2024-02-03"))
    year = nrf.exposure(*nrf.named("FY2024"), "month")
    ends = "2024-03-02 2024-04-06 2024-05-04 2024-06-01 2024-07-06 2024-08-03 2024-08-31 2024-10-05 2024-11-02"
    ends += " 2024-11-30 2025-01-04 2025-02-01"
    assert year.end.tolist() == dates(*ends.split())
    assert year.start[0] == pd.Timestamp("2024-02-04")
    assert (nrf.exposure(*nrf.named("FY2023"), "month").days // 7).tolist() == [4, 5, 4] * 3 + [4, 5, 5]


def test_quarters_of_a_company_are_those_of_its_filings():
    """Apple Inc., Forms 10-K and 10-Q: the last Saturday of September, and the 53rd week in the first quarter."""
    apple = fc.Calendar(start_month=10, weeks="4-4-5", year_end="last", extra_week=1)
    quarters = apple.exposure(*apple.named("FY2023"), "quarter")
    assert quarters.labels == ("FY2023Q1", "FY2023Q2", "FY2023Q3", "FY2023Q4")
    assert quarters.end.tolist() == dates("2022-12-31", "2023-04-01", "2023-07-01", "2023-09-30")
    assert (quarters.days // 7).tolist() == [14, 13, 13, 13]
    for year, end in ((2020, "2020-09-26"), (2021, "2021-09-25"), (2022, "2022-09-24")):
        assert apple.named(f"FY{year}")[1] == pd.Timestamp(end)


@pytest.mark.parametrize("weeks", WEEKS)
def test_months_by_weeks_have_the_lengths_of_their_name(weeks):
    calendar = fc.Calendar(weeks=weeks)
    year = calendar.exposure(*calendar.named("FY2026"), "month")
    assert (year.days // 7).tolist() == [int(n) for n in weeks.split("-")] * 4
    assert year.labels[0] == "FY2026P01"


# ------------------------------------------------------------------------------------------------- what always holds


@given(calendars, days)
def test_a_day_is_in_one_period_and_periods_nest(calendar, day):
    first = {by: calendar.start([day], by)[0] for by in UNITS}
    last = {by: calendar.end([day], by)[0] for by in UNITS}
    assert first["year"] <= first["quarter"] <= first["month"] <= day
    assert day <= last["month"] <= last["quarter"] <= last["year"]
    for by in UNITS:
        after = last[by] + pd.Timedelta(days=1)
        before = first[by] - pd.Timedelta(days=1)
        edges = [before, first[by], day, last[by], after]
        steps = np.diff(calendar.ordinals(edges, by)).tolist()
        assert steps == [1, 0, 0, 1]
        names = calendar.label(edges, by).tolist()
        assert names[1] == names[2] == names[3]
        assert sorted(names) == names
        assert len(set(names)) == 3


@given(calendars, days)
def test_quarters_partition_years_and_months_quarters(calendar, day):
    span = calendar.start([day], "year")[0], calendar.end([day], "year")[0]
    for by, count in (("month", 12), ("quarter", 4), ("year", 1)):
        parts = calendar.exposure(*span, by)
        assert len(parts.labels) == count
        assert parts.start[0] == span[0]
        assert parts.end[-1] == span[1]
        assert (parts.start[1:] == parts.end[:-1] + pd.Timedelta(days=1)).all()
        assert (parts.share == 1).all()
        assert parts.days.sum() == (span[1] - span[0]).days + 1
        assert parts.days.sum() in ((365, 366) if calendar.weeks is None else (364, 371))


@given(calendars, days)
def test_a_period_is_found_again_by_its_name(calendar, day):
    for by in UNITS:
        name = str(calendar.label([day], by)[0])
        assert calendar.named(name) == (calendar.start([day], by)[0], calendar.end([day], by)[0])


@given(calendars, days, st.integers(1, 400), st.sampled_from(UNITS), st.data())
def test_exposures_of_the_parts_of_a_span_add_up(calendar, day, length, by, data):
    cut = data.draw(st.integers(0, length - 1))
    middle, end = day + pd.Timedelta(days=cut), day + pd.Timedelta(days=length)
    whole = calendar.exposure(day, end, by).to_frame()
    parts = [calendar.exposure(day, middle, by), calendar.exposure(middle + pd.Timedelta(days=1), end, by)]
    added = pd.concat([part.to_frame() for part in parts]).groupby(level=0)[["share", "working_share", "covered"]].sum()
    # Shares are quotients of counts below 400: their sums are exact to a few roundings.
    np.testing.assert_allclose(added, whole[["share", "working_share", "covered"]], rtol=1e-14)
    assert whole["covered"].sum() == length + 1
    assert whole["share"].between(0, 1).all()
    inner = whole.iloc[1:-1]
    assert (inner["share"] == 1).all()


@settings(max_examples=50)
@given(calendars, days, st.integers(1, 9), st.sampled_from(UNITS), st.sampled_from(["D", "h"]))
def test_a_counted_horizon_is_that_many_whole_periods_after_the_as_of_date(calendar, day, count, by, freq):
    as_of = day if freq == "D" else day + pd.Timedelta(hours=13)
    made = horizon(as_of, freq=freq, span=f"{count}{by[0].upper()}", calendar=calendar)
    parts = calendar.exposure(made.start, made.end, by)
    assert len(parts.labels) == count
    assert (parts.share == 1).all()
    assert parts.start[0] == calendar.end([day], by)[0] + pd.Timedelta(days=1)
    planned = made.periods[made.periods >= made.start]
    assert len(planned) == parts.days.sum() * (24 if freq == "h" else 1)
    assert len(made.periods) - len(planned) == made.gap


# -------------------------------------------------------------------------------------------- exposure, working days


def test_a_month_in_part_is_worth_its_days():
    parts = fc.Calendar().exposure("2027-01-17", "2027-03-10")
    assert parts.labels == ("2027-01", "2027-02", "2027-03")
    assert parts.share.tolist() == [15 / 31, 1.0, 10 / 31]
    # January 2027 has 21 weekdays, 10 of them from Monday 18 to Friday 29; March 23, 8 of them up to Wednesday 10.
    assert parts.working_share.tolist() == [10 / 21, 1.0, 8 / 23]
    assert parts.to_frame().columns.tolist()[-2:] == ["share", "working_share"]


def test_month_to_date_and_year_to_date():
    fiscal = fc.Calendar(start_month=10)
    month, year = fiscal.to_date("2026-11-15"), fiscal.to_date("2026-11-15", "year")
    assert (month.labels, month.share[0]) == (("2026-11",), 0.5)
    assert (year.labels, year.covered[0], year.days[0]) == (("FY2027",), 31 + 15, 365)
    assert fiscal.to_date("2026-11-30").share[0] == 1.0


def test_without_a_country_monday_to_friday_are_worked():
    for first, last in (("2026-01-01", "2026-12-31"), ("2027-02-06", "2027-02-07"), ("2027-02-08", "2027-02-08")):
        after = np.datetime64(last) + 1
        assert fc.Calendar().working_days(first, last) == np.busday_count(first, after)


def test_federal_holidays_of_the_united_states():
    """U.S. Office of Personnel Management, federal holidays of 2026: 4 July is a Saturday, held on Friday the 3rd."""
    held = "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25"
    holidays = [f"2026-{day}" for day in held.split()]
    calendar = fc.Calendar(country="US")
    ours = calendar.is_working(pd.date_range("2026-01-01", "2026-12-31"))
    theirs = np.is_busday(np.arange("2026-01-01", "2027-01-01", dtype="datetime64[D]"), holidays=holidays)
    assert (ours == theirs).all()
    assert calendar.working_days("2026-01-01", "2026-12-31") == 250
    named = calendar.holidays("2026-07-01", "2026-07-31")
    assert named.to_dict() == {
        pd.Timestamp("2026-07-03"): "Independence Day (observed)",
        pd.Timestamp("2026-07-04"): "Independence Day",
    }


def test_bank_holidays_of_england():
    """gov.uk/bank-holidays, England and Wales 2026: eight, of which 28 December stands for Boxing Day."""
    held = ["01-01", "04-03", "04-06", "05-04", "05-25", "08-31", "12-25", "12-28"]
    quarter = fc.Calendar(start_month=4, country="gb", region="England").exposure("2026-01-01", "2026-12-31", "year")
    assert quarter.worked.sum() == np.busday_count("2026-01-01", "2027-01-01", holidays=[f"2026-{d}" for d in held])
    assert fc.Calendar(country="GB", region="ENG") == fc.Calendar(country="GBR", region="England")


def test_weekend_days_that_are_worked_and_weekends_that_are_others():
    """State Council of China, General Office, notice 12 of 2024; the UAE rest on Saturday and Sunday since 2022."""
    china = fc.Calendar(country="CN")
    assert china.is_working(["2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"]).all()
    assert not china.is_working(["2025-01-19", "2025-02-03", "2025-02-04", "2025-10-08", "2025-10-12"]).any()
    # Eight days from Tuesday 28 January: no working day but the Sunday and Saturday around them.
    assert china.working_days("2025-01-25", "2025-02-05") == 3
    emirates = fc.Calendar(country="AE")
    assert emirates.is_working(["2021-01-08", "2021-01-10", "2024-01-05", "2024-01-07"]).tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_a_region_has_holidays_of_its_own():
    epiphany = ["2027-01-06"]
    assert not fc.Calendar(country="DE", region="BY").is_working(epiphany)[0]
    assert fc.Calendar(country="DE", region="BE").is_working(epiphany)[0]
    assert fc.Calendar(country="DE").is_working(epiphany)[0]


def test_holidays_that_are_not_known_are_told():
    with pytest.raises(HorizonError, match=r"public holidays of LK are known from 2003 to \d{4}, not in 2090"):
        fc.Calendar(country="LK").working_days("2090-01-01", "2090-01-31")


# ------------------------------------------------------------------------------------------------------------ horizons


@pytest.mark.parametrize(
    ("span", "first", "last"),
    [
        ("1M", "2026-11-01", "2026-11-30"),
        ("2Q", "2027-01-01", "2027-06-30"),
        ("1Y", "2027-10-01", "2028-09-30"),
        ("FY2028", "2027-10-01", "2028-09-30"),
        ("FY2027Q2", "2027-01-01", "2027-03-31"),
        ("2027q3", "2027-04-01", "2027-06-30"),
        ("FY 2027-Q4", "2027-07-01", "2027-09-30"),
        ("CY2027", "2027-01-01", "2027-12-31"),
        ("CY2027Q3", "2027-07-01", "2027-09-30"),
        ("FY2027P03", "2026-12-01", "2026-12-31"),
        ("2027-02", "2027-02-01", "2027-02-28"),
        ("2W", "2026-11-02", "2026-11-15"),
        ("90D", "2026-10-30", "2027-01-27"),
        (14, "2026-10-30", "2026-11-12"),
    ],
)
def test_a_horizon_speaks_the_calendars_language(span, first, last):
    made = horizon(pd.Timestamp("2026-10-29"), freq="D", span=span, calendar=fc.Calendar(start_month=10))
    assert (made.start, made.end) == tuple(dates(first, last))


def test_a_week_of_a_year_by_weeks_ends_with_it():
    made = horizon(pd.Timestamp("2026-10-29"), freq="D", span="1W", calendar=fc.Calendar.nrf(country=None))
    assert (made.start, made.end) == tuple(dates("2026-11-01", "2026-11-07"))


def test_after_the_last_day_of_a_quarter_comes_the_next():
    fiscal = fc.Calendar(start_month=2)
    made = horizon(pd.Timestamp("2026-10-31"), freq="D", span="1Q", calendar=fiscal)
    assert (made.start, made.end, made.gap) == (*dates("2026-11-01", "2027-01-31"), 0)


def test_monthly_usage_has_fiscal_quarters_of_months():
    made = horizon(pd.Timestamp("2026-10-01"), freq="MS", span="1Q", calendar=fc.Calendar(start_month=2))
    assert made.periods[~(made.periods < made.start)].tolist() == dates("2026-11-01", "2026-12-01", "2027-01-01")


def test_hours_run_to_the_end_of_the_last_day():
    made = horizon(pd.Timestamp("2026-10-29 23:00"), freq="h", start="2026-10-30", end="2026-10-31")
    assert made.end == pd.Timestamp("2026-10-31 23:00")
    assert len(made.periods) == 48
    assert horizon(pd.Timestamp("2026-10-29 23:00"), freq="h", span=1).end == pd.Timestamp("2026-10-30")


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ("next year", r"cannot be read; write .*'FY2027'"),
        ("2027Q5", "cannot be read"),
        ("FY27", "cannot be read"),
        ("2027-13", "cannot be read"),
        ("0Q", "at least one period"),
        (0, "at least one period"),
        (True, "cannot be read"),
        ("99999Y", "longer than the calendar"),
        ("9" * 40 + "M", "longer than the calendar"),
        ("FY0000", "longer than the calendar"),
        ("FY9999", "longer than the calendar"),
        ("FY2027Q1", "starts on 2026-10-01, but usage is known up to 2026-10-29"),
    ],
)
def test_a_horizon_that_cannot_be_is_told(span, message):
    with pytest.raises(HorizonError, match=message):
        horizon(pd.Timestamp("2026-10-29"), freq="D", span=span, calendar=fc.Calendar(start_month=10))


def test_a_calendar_month_is_not_in_a_year_by_weeks():
    with pytest.raises(HorizonError, match=r"'2027-02' is a calendar month.*FY2027P01"):
        horizon(pd.Timestamp("2026-10-29"), freq="D", span="2027-02", calendar=fc.Calendar(weeks="4-4-5"))


# -------------------------------------------------------------------------------------------------------- bad calendars


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start_month": 0}, "start_month=0: wanted the number of a month, from 1 to 12, such as 10 for October"),
        ({"start_month": 13}, "from 1 to 12"),
        ({"start_month": True}, "start_month=True"),
        ({"start_month": 4.0}, "start_month=4.0"),
        ({"start_month": "October"}, "October is 10"),
        ({"named_by": "ends"}, "named_by 'ends' is not known; allowed: 'end', 'start'; did you mean 'end'"),
        ({"weeks": "4-4-4"}, "weeks '4-4-4' is not known; allowed: '4-4-5'"),
        ({"weeks": 445}, "weeks 445 is not known"),
        ({"weeks": "4-4-5", "weekday": "Saterday"}, "did you mean 'Saturday'"),
        ({"weeks": "4-4-5", "year_end": "first"}, "year_end 'first' is not known"),
        ({"weeks": "4-4-5", "extra_week": 5}, "extra_week=5: wanted the quarter"),
        ({"year_end": "last"}, "year_end='last' is of a year by weeks: give weeks="),
        ({"extra_week": 1}, "extra_week=1 is of a year by weeks"),
        ({"country": "Germny"}, "country='Germny' is not a country .* did you mean 'DE'"),
        ({"country": "united state"}, "did you mean 'US'"),
        ({"country": 49}, "country=49 is not a country"),
        ({"country": "DE", "region": "Bayrn"}, "region='Bayrn' is not a region of DE; .*did you mean 'Bayern'"),
        ({"country": "SG", "region": "X"}, "the same everywhere"),
        ({"region": "BY"}, "region='BY' is a part of a country: give country="),
    ],
)
def test_a_calendar_that_does_not_hold_is_told(arguments, message):
    with pytest.raises(HorizonError, match=message):
        fc.Calendar(**arguments)


@pytest.mark.parametrize(
    ("given_days", "message"),
    [
        ([1, 2], "wanted dates, not numbers such as 1"),
        (["2027-01-01", None], "1 of 2 are missing"),
        (["01/02/2027"], "write a day as 2027-02-01"),
        (["2027-02-30"], "write a day as 2027-02-01"),
    ],
)
def test_days_that_are_none_are_told(given_days, message):
    with pytest.raises(HorizonError, match=message):
        fc.Calendar().label(given_days, "month")


def test_spans_and_words_that_do_not_hold_are_told():
    with pytest.raises(HorizonError, match="ends on 2027-01-01, before it starts on 2027-02-01"):
        fc.Calendar().exposure("2027-02-01", "2027-01-01")
    with pytest.raises(HorizonError, match="start = '01/02/2027' is not a date"):
        fc.Calendar().working_days("01/02/2027", "2027-02-01")
    with pytest.raises(HorizonError, match=r"by 'quarters' is not known; .*did you mean 'quarter'"):
        fc.Calendar().label(["2027-01-01"], "quarters")
    with pytest.raises(HorizonError, match="no country"):
        fc.Calendar().holidays("2027-01-01", "2027-02-01")
    with pytest.raises(HorizonError, match=r"calendar=10: wanted a Calendar"):
        fc.project(plain(np.full(60, 1.0)), horizon="1Q", calendar=10)


def test_hours_and_zones_are_counted_to_their_own_day():
    late = pd.DatetimeIndex(["2027-03-31 23:30"])
    assert fc.Calendar(start_month=4).label(late, "year") == ["FY2027"]
    assert fc.Calendar(start_month=4).label(late.tz_localize("America/New_York"), "year") == ["FY2027"]
    assert fc.Calendar().label([dt.date(2027, 1, 1)], "month") == ["2027-01"]
    assert fc.Calendar().label([], "month").tolist() == []


def test_calendars_are_values():
    nrf = fc.Calendar.nrf()
    assert pickle.loads(pickle.dumps(nrf)) == nrf  # noqa: S301
    assert len({nrf, fc.Calendar.nrf(), fc.Calendar()}) == 2
    assert "4-5-4, ends on the Saturday nearest to the end of January; holidays of US" in nrf.describe()


# --------------------------------------------------------------------------------------------------- totals of paths


def ones(periods, draws=3):
    values = np.ones((draws, len(periods), 2)) * np.array([1.0, 2.0])
    return fc.SamplePaths(values, periods, ("a", "b"), 0, "by hand")


def test_totals_of_paths_by_a_fiscal_calendar():
    fiscal = fc.Calendar(start_month=2)
    found = ones(pd.date_range("2027-01-20", "2027-06-10")).total(fiscal, by="quarter")
    # FY2027 ends in January 2027: 12 days of its last quarter, then 28 + 31 + 30 days, then 31 + 10.
    assert found.values[0, :, 1].tolist() == [24.0, 178.0, 82.0]
    assert found.labels == ("FY2027Q4", "FY2028Q1", "FY2028Q2")
    assert found.periods.tolist() == dates("2027-01-31", "2027-04-30", "2027-07-31")
    table = found.quantile([0.1, 0.9])
    assert list(table.columns) == ["unique_id", "ds", "period", "0.1", "0.9"]
    assert table["period"].tolist() == [*found.labels, *found.labels]
    assert found.sum_series().labels == found.labels
    assert found.total().labels is None


def test_totals_by_the_calendar_year_are_those_of_pandas():
    paths = ones(pd.date_range("2026-11-05", "2028-02-03"))
    for by, alias in (("month", "ME"), ("quarter", "QE"), ("year", "YE")):
        ours, theirs = paths.total(CALENDAR_YEAR, by=by), paths.total(alias)
        np.testing.assert_array_equal(ours.values, theirs.values)
        assert ours.periods.equals(theirs.periods)


@pytest.mark.parametrize("freq", ["h", "D", "B", "MS", "ME", "QS-FEB", "W-SAT"])
def test_every_period_is_counted_once(freq):
    calendar = fc.Calendar.nrf(country=None) if freq == "W-SAT" else fc.Calendar(start_month=2)
    start, end = ("2027-02-01", "2028-01-31") if freq != "W-SAT" else ("2027-01-31", "2028-01-29")
    periods = pd.date_range(start, end, freq=freq)
    found = ones(periods).total(calendar, by="quarter")
    assert len(found.labels) == 4
    assert found.values[0, :, 0].sum() == len(periods)
    if freq == "W-SAT":
        assert found.values[0, :, 0].tolist() == [13.0] * 4


@pytest.mark.parametrize(
    ("periods", "calendar", "message"),
    [
        (
            pd.date_range("2027-01-03", periods=60, freq="W-SUN"),
            fc.Calendar(),
            r"11 of 60 .* one month .*2026-12-28",
        ),
        (pd.date_range("2027-01-01", periods=12, freq="MS"), fc.Calendar(weeks="4-4-5"), "8 of 12 periods lie in more"),
        (pd.DatetimeIndex(["2027-01-01", "2027-01-02", "2027-02-09"]), fc.Calendar(), "without a frequency"),
    ],
)
def test_periods_that_do_not_fit_are_told(periods, calendar, message):
    with pytest.raises(ModelError, match=message):
        ones(periods).total(calendar, by="month")


def test_which_total_is_meant_must_be_said():
    paths = ones(pd.date_range("2027-01-01", periods=40))
    with pytest.raises(ModelError, match="by None is not known; allowed: 'month', 'quarter', 'year'"):
        paths.total(fc.Calendar())
    with pytest.raises(ModelError, match="names a calendar's periods"):
        paths.total("ME", by="month")


@pytest.mark.parametrize(
    ("freq", "first", "last"),
    [
        ("h", "2027-01-04", "2027-01-04"),
        ("7D", "2027-01-04", "2027-01-10"),
        ("B", "2027-01-04", "2027-01-04"),
        ("W-MON", "2026-12-29", "2027-01-04"),
        ("MS", "2027-02-01", "2027-02-28"),
        ("QE", "2027-01-01", "2027-03-31"),
        ("YE", "2027-01-01", "2027-12-31"),
    ],
)
def test_the_days_of_a_period(freq, first, last):
    found = extents(pd.date_range("2027-01-04", periods=4, freq=freq))
    assert (found.first[0], found.last[0]) == tuple(dates(first, last))


# --------------------------------------------------------------------------------------------------------------- plans


@pytest.fixture(scope="module")
def million():
    """A million tokens a day at 1.00 a million, without noise, as of 29 October 2026."""
    table = pd.DataFrame({"date": pd.date_range("2026-01-01", "2026-10-31"), "provider": "p", "model": "m"})
    usage = fc.Usage.from_frame(table.assign(project="x", input_tokens=1e6))
    return usage, fc.PriceBook.from_frame(pd.DataFrame({"model": ["m"], "unit": ["input_tokens"], "price": [1.0]}))


def planned(million, calendar, span, **more):
    usage, prices = million
    projection = fc.project(usage, horizon=span, by="project", calendar=calendar, trajectories=20)
    return sc.plan(projection, prices=prices, draws=200, **more)


def test_a_plan_is_told_by_fiscal_quarters(million):
    plan = planned(million, fc.Calendar(start_month=2), "2Q")
    # As of 29 October the third quarter of FY2027 runs to the 31st; then November to January, February to April.
    table = plan.table(["year", "quarter"])
    assert table.index.tolist() == [("FY2027", "FY2027Q4"), ("FY2028", "FY2028Q1")]
    # Without noise a day costs 1.00.
    assert table["base"].to_numpy() == pytest.approx([92.0, 89.0], abs=0.01)
    assert plan.table("month").index[0] == "2026-11"
    asked = plan.assumptions.set_index("topic")["assumption"]
    assert asked["calendar"] == "fiscal year from February, named for the year that it ends in"


def test_the_calendar_is_kept_when_a_projection_is_made_again(million):
    usage, _ = million
    fiscal = fc.Calendar(start_month=2)
    projection = fc.project(usage, horizon="1Q", by="project", calendar=fiscal, trajectories=20)
    assert projection.spec.calendar == projection.at("2026-08-31").spec.calendar == fiscal
    assert fc.project(usage, horizon="1Q", by="project", trajectories=20).spec.calendar == CALENDAR_YEAR


def test_a_plan_by_weeks_adds_up_and_costs_each_month_its_days(million, tmp_path):
    nrf = fc.Calendar.nrf(country=None)
    once = sc.Fixed("new year", monthly=31.0, start="2027-01-01", end="2027-01-15")
    plan = planned(million, nrf, "2Q", components=[sc.Fixed("hosting", monthly=310.0), once])
    # FY2026 ends on 30 January 2027 after 13 weeks from 1 November; the next quarter is 13 weeks too.
    quarters = plan.table(["quarter", "line"])["base"].unstack("line")
    assert quarters.index.tolist() == ["FY2026Q4", "FY2027Q1"]
    assert quarters["tokens"].to_numpy() == pytest.approx([91.0, 91.0], abs=0.01)
    # November and December whole and 30 of 31 days of January; 1 January day, February, March, April, 1 May day.
    assert quarters["hosting"].to_numpy() == pytest.approx([310 * (2 + 30 / 31), 310 * (3 + 2 / 31)], abs=0.02)
    assert quarters["new year"].to_numpy() == pytest.approx([15.0, 0.0], abs=0.01)
    months = plan.table("month")
    assert months.index.tolist() == [*(f"FY2026P{m}" for m in (10, 11, 12)), *(f"FY2027P0{m}" for m in (1, 2, 3))]
    assert months["budget"].sum() == pytest.approx(plan.budget, abs=1e-6)
    # The picture keeps calendar months, as bills do: 182 days from November to 1 May, of which May has one.
    shown = months_of(plan)
    assert shown.months.equals(pd.period_range("2026-11", "2027-05", freq="M"))
    assert shown.usage == pytest.approx([30, 31, 31, 28, 31, 30, 1], abs=0.01)
    assert shown.budget.sum() == pytest.approx(plan.budget, abs=1e-6)
    assert shown.part == (pd.Period("2027-05", "M"),)
    assert "FY2026P10" in plan.to_html(tmp_path / "plan.html").read_text(encoding="utf-8")
    sheet = load_workbook(plan.to_excel(tmp_path / "plan.xlsx"))["Monthly"]
    row = {str(line[0].value): line[0].row for line in sheet.iter_rows()}
    sums = [str(cell.value) for cell in sheet[row["FY2027Q1"]] if str(cell.value).startswith("=SUM")]
    assert len(sums) == 3
    assert all(str(row["FY2027P01"]) in told and str(row["FY2027P03"]) in told for told in sums)


def test_the_same_days_cost_the_same_by_any_calendar():
    usage = organisation()
    span = {"start": "2026-11-01", "end": "2027-01-30", "trajectories": 40}
    split = sc.EnvironmentSplit(development=(0.15, 0.20), production=(0.60, 0.70), rest="by demand")
    plans = [
        sc.plan(fc.project(usage, **span, calendar=calendar), draws=300, split=split)
        for calendar in (None, fc.Calendar(start_month=10), fc.Calendar.nrf(country=None))
    ]
    for other in plans[1:]:
        # The order of summation differs by where days are cut.
        np.testing.assert_allclose(other.totals, plans[0].totals, rtol=1e-12)
        assert other.budget == plans[0].budget


def test_monthly_bills_are_not_planned_by_weeks():
    months = pd.date_range("2025-01-01", "2026-10-01", freq="MS")
    table = pd.DataFrame({"date": months, "provider": "openai", "model": "gpt-5", "project": "x", "requests": 100.0})
    usage = fc.Usage.from_frame(table.assign(input_tokens=1e6))
    with pytest.raises(HorizonError, match=r"by weeks \(4-4-5\) cuts .* a monthly bill can't be split"):
        fc.project(usage, horizon="1Q", by="project", calendar=fc.Calendar(start_month=10, weeks="4-4-5"))
    with pytest.raises(HorizonError, match="cuts through months"):
        fc.project(usage, start="2027-01-01", end="2027-03-01", by="project", calendar=fc.Calendar(weeks="4-4-5"))
    fiscal = fc.project(usage, horizon="FY2027Q2", by="project", calendar=fc.Calendar(start_month=10), trajectories=20)
    assert sc.plan(fiscal, draws=100).table("quarter").index.tolist() == ["FY2027Q2"]


def test_a_plan_file_tells_the_fiscal_year(million, tmp_path):
    million[0].frame.to_csv(tmp_path / "usage.csv", index=False)
    text = '[plan]\nhorizon = "1Q"\ndraws = 200\n[usage]\nfile = "usage.csv"\n[forecast]\ntrajectories = 20\n'
    path = tmp_path / "plan.toml"
    path.write_text(text + "[calendar]\nstart_month = 2\n", encoding="utf-8")
    file = read_plan_file(path)
    projection = file.project(million[0])
    assert projection.span.start == pd.Timestamp("2026-11-01")
    assert file.plan(projection, million[1]).table("quarter").index.tolist() == ["FY2027Q4"]
    path.write_text(text + '[calendar]\nstart_month = "May"\nweek = "4-4-5"\n', encoding="utf-8")
    with pytest.raises(fc.PlanError) as told:
        read_plan_file(path)
    assert "calendar.start_month: 'May': wanted a whole number" in str(told.value)
    assert "calendar.week: is not a key; did you mean 'weeks'" in str(told.value)
    path.write_text(text + "[calendar]\nstart_month = 14\n", encoding="utf-8")
    with pytest.raises(fc.PlanError, match="calendar: start_month=14: wanted the number of a month"):
        read_plan_file(path)
