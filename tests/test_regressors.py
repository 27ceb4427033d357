"""What is known beforehand: holidays, working days, events and tables, by hand; nothing that was known later."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import ModelError
from forecast.models.regressors import CollinearError, check_regressors, design
from forecast.panel import Panel
from forecast.streams import stream

NO_CUTS = np.zeros(0, dtype=np.intp)
AS_OF = pd.Timestamp("2026-01-31")


def column(regressor, start, periods, freq="D", as_of=AS_OF, series="a"):
    """The one column of a regressor: (period,)."""
    found = regressor.columns(pd.date_range(start, periods=periods, freq=freq), freq, as_of=as_of, series=series)
    assert found.values.shape == (periods, len(found.names))
    return found.values[:, 0].tolist()


def panel_of(values, freq="D", start="2025-01-01"):
    values = np.asarray(values, dtype="float64")
    values = values[:, None] if values.ndim == 1 else values
    periods = pd.date_range(start, periods=len(values), freq=freq)
    return Panel(values, periods, tuple(f"s{i}" for i in range(values.shape[1])), freq)


def frame_of(values, freq="D", start="2025-01-01"):
    return pd.DataFrame({"unique_id": "a", "ds": pd.date_range(start, periods=len(values), freq=freq), "y": values})


def noisy(periods=100, seed=0):
    return 100 * np.exp(0.1 * stream(seed, "regressors").standard_normal(periods))


def table(x, start="2025-01-01", freq="D", **columns):
    return pd.DataFrame({"ds": pd.date_range(start, periods=len(x), freq=freq), "x": x, **columns})


def model_with(*regressors, seasonal_order=(0, 0, 0, 0), **options):
    """Without a season, which most of what is asked here does not need."""
    return fc.SARIMAX(order=(1, 0, 0), seasonal_order=seasonal_order, regressors=regressors, **options)


# ------------------------------------------------------------------------------------------ working days and holidays


def test_working_days_of_months_by_hand():
    """January 2026 begins on a Thursday: 22 weekdays, less New Year and Martin Luther King's."""
    assert column(fc.WorkingDays("US"), "2026-01-01", 3, "MS") == [22 - 2, 20 - 1, 22]
    # In Germany New Year alone, and Epiphany (a Tuesday) in Bavaria; in April Good Friday and Easter Monday.
    assert column(fc.WorkingDays("DE"), "2026-01-01", 4, "MS") == [22 - 1, 20, 22, 22 - 2]
    assert column(fc.WorkingDays("DE", "BY"), "2026-01-01", 1, "MS") == [22 - 2]
    assert column(fc.WorkingDays(), "2026-01-01", 2, "MS") == [22, 20]
    # The Emirates rest on Saturday and Sunday, Saudi Arabia on Friday and Saturday: 5 + 5 days less.
    assert column(fc.WorkingDays("SA"), "2026-01-01", 1, "MS") == [31 - 10]
    assert column(fc.WorkingDays("US"), "2026-01-01", 1, "QS") == [20 + 19 + 22]
    assert column(fc.WorkingDays("US"), "2026-01-31", 2, "ME") == [20, 19]


def test_working_days_of_months_are_the_calendars():
    calendar = fc.Calendar(country="GB", region="ENG")
    starts = pd.date_range("2025-01-01", periods=24, freq="MS")
    wanted = [calendar.working_days(f"{s:%Y-%m-%d}", f"{s + pd.offsets.MonthEnd(0):%Y-%m-%d}") for s in starts]
    assert column(fc.WorkingDays("GB", "ENG"), "2025-01-01", 24, "MS") == wanted


def test_days_hours_and_weeks_of_the_fourth_of_july():
    """In 2026 it falls on a Saturday, and is kept on Friday the third."""
    assert column(fc.WorkingDays("US"), "2026-07-01", 6) == [1, 1, 0, 0, 0, 1]
    assert column(fc.Holidays("US"), "2026-07-01", 6) == [0, 0, 1, 0, 0, 0]
    hours = column(fc.Holidays("US"), "2026-07-02 22:00", 4, "h")
    assert hours == [0, 0, 1, 1]
    assert column(fc.WorkingDays("US"), "2026-07-02 22:00", 4, "h") == [1, 1, 0, 0]
    # A week bears the date of its last day.
    assert column(fc.WorkingDays("US"), "2026-07-05", 2, "W") == [4, 5]
    assert column(fc.Holidays("US"), "2026-07-05", 2, "W") == [1, 0]
    assert column(fc.Holidays("US"), "2026-07-01", 1, "MS") == [1]
    assert column(fc.WorkingDays("US"), "2026-07-01", 3, "B") == [1, 1, 0]


def test_the_effect_of_working_days_is_carried_to_months_ahead():
    """2 % a working day on top of a level: without noise to speak of the forecast is that arithmetic."""
    months = pd.date_range("2022-01-01", periods=54, freq="MS")
    worked = np.array(column(fc.WorkingDays("US"), "2022-01-01", 54, "MS"))
    values = 1_000 * np.exp(0.02 * worked + 0.001 * stream(1, "months").standard_normal(54))
    panel = Panel(values[:48, None], months[:48], ("a",), "MS")
    found = model_with(fc.WorkingDays("US")).point(panel, 6)[:, 0]
    np.testing.assert_allclose(found, 1_000 * np.exp(0.02 * worked[48:]), rtol=0.005)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fc.Holidays("UZA"), "country='UZA' is not a country.*did you mean"),
        (lambda: fc.WorkingDays("USA1"), "country='USA1'.*did you mean 'US'"),
        (lambda: fc.Holidays("GB", "EGN"), "region='EGN' is not a region of GB.*did you mean 'ENG'"),
        (lambda: fc.WorkingDays(None, "ENG"), "region"),
    ],
)
def test_an_unknown_calendar_is_told_with_the_nearest(make, message):
    with pytest.raises(ModelError, match=message):
        make()


# ------------------------------------------------------------------------------------------------------------- events


def test_an_events_days_are_ones():
    event = fc.Event("campaign", ["2026-03-02", ("2026-03-04", "2026-03-05")])
    assert column(event, "2026-03-01", 6) == [0, 1, 0, 1, 1, 0]
    assert column(fc.Event("one", "2026-03-02"), "2026-03-01", 3) == [0, 1, 0]


def test_of_longer_periods_an_event_takes_its_share_of_days():
    event = fc.Event("campaign", [("2026-03-30", "2026-04-03")])
    assert column(event, "2026-03-01", 3, "MS") == [2 / 31, 3 / 30, 0]
    assert column(event, "2026-03-29", 2, "W") == [0, 5 / 7]
    assert column(event, "2026-03-29 23:00", 3, "h") == [0, 1, 1]
    assert column(event, "2026-01-01", 2, "QS") == [2 / 90, 3 / 91]


def test_an_events_days_overlap_without_counting_twice():
    event = fc.Event("campaign", [("2026-03-02", "2026-03-04"), "2026-03-03", ("2026-03-04", "2026-03-05")])
    assert column(event, "2026-03-01", 6) == [0, 1, 1, 1, 1, 0]


@pytest.mark.parametrize(
    "on",
    [
        dt.date(2026, 3, 2),
        [dt.datetime(2026, 3, 2, 15, 30)],
        [np.datetime64("2026-03-02")],
        pd.Timestamp("2026-03-02 10:00"),
        [pd.Timestamp("2026-03-02", tz="Europe/Berlin")],
        [(dt.date(2026, 3, 2), "2026-03-02")],
        pd.DatetimeIndex(["2026-03-02"]),
        ("2026-03-02",),
    ],
)
def test_dates_of_every_make_are_read(on):
    event = fc.Event("campaign", on, known_from=dt.date(2026, 1, 31))
    assert column(event, "2026-03-01", 3) == [0, 1, 0]


@pytest.mark.parametrize(
    ("on", "message"),
    [
        ("sommer", "event 'campaign': 'sommer' is not a date; write it as 2026-03-01"),
        (["2026-03-02", "soon"], "'soon' is not a date"),
        ([None], "None is not a date"),
        (None, "None is not a date"),
        ([pd.NaT], "NaT is not a date"),
        (20260302, "20260302 is not a date"),
        ([], "on= names no date"),
        ([("2026-03-05", "2026-03-01")], "ends on 2026-03-01, before it begins on 2026-03-05"),
        ([("2026-03-01", "2026-03-02", "2026-03-03")], r"wanted a date or \(first, last\), not"),
    ],
)
def test_dates_that_cannot_be_read_are_told(on, message):
    with pytest.raises(ModelError, match=message):
        fc.Event("campaign", on)
    if isinstance(on, str):
        with pytest.raises(ModelError, match=message):
            fc.Event("campaign", "2026-03-01", known_from=on)


def test_an_event_is_known_once_it_was_decided_or_has_begun():
    event = fc.Event("campaign", ["2026-02-03", "2026-02-20"], known_from="2026-02-10")
    every = {"start": "2026-02-01", "periods": 28}
    for as_of, known in {"2026-02-02": [], "2026-02-03": [3], "2026-02-09": [3], "2026-02-10": [3, 20]}.items():
        found = column(event, **every, as_of=pd.Timestamp(as_of))
        assert [t + 1 for t, x in enumerate(found) if x] == known


def test_what_was_decided_within_the_last_month_of_the_history_is_known():
    """Months are called by their first day; a forecast is made when they are over."""
    months = pd.date_range("2025-01-01", periods=18, freq="MS")
    event = fc.Event("campaign", [("2025-12-15", "2025-12-20"), "2026-01-12"], known_from="2025-12-28")
    columns, idle = design([event], months, "MS", known=12, series="a")
    assert columns.values[:, 0].tolist() == [0] * 11 + [6 / 31, 1 / 31] + [0] * 5
    assert idle == ()
    as_table = table([0.0] * 17 + [1.0], freq="MS", known_from=["2025-01-01"] * 17 + ["2025-12-31"])
    columns, _ = design([fc.Regressors(as_table.assign(x=np.arange(18.0)))], months, "MS", known=12, series="a")
    assert columns.values[:, 0].tolist() == list(range(18))


def test_an_event_that_comes_for_the_first_time_is_taken_as_0_and_said():
    values = noisy()
    coming = fc.Event("campaign", [("2025-04-12", "2025-04-20")])  # history ends on 10 April
    plain, told = (
        fc.sample_paths(frame_of(values), 20, model=model, draws=30) for model in (model_with(), model_with(coming))
    )
    np.testing.assert_array_equal(told.values, plain.values)
    assert told.notes == (
        "sarimax: regressor 'campaign' has not varied in the history of some series: its effect is taken as 0 there",
    )
    assert plain.notes == ()


# -------------------------------------------------------------------------------------------------------------- tables


def test_a_tables_values_come_in_the_order_of_dates():
    shuffled = table(np.arange(20.0)).sample(frac=1, random_state=1)
    found = fc.Regressors(shuffled, known_in_advance=True)
    assert column(found, "2025-01-06", 5) == [5, 6, 7, 8, 9]


def test_rows_of_a_series_are_its_own():
    both = pd.concat([table([1.0] * 20, unique_id=7), table([2.0] * 20, unique_id="b")])
    found = fc.Regressors(both, known_in_advance=True)
    assert column(found, "2025-01-01", 2, series="7") == [1, 1]
    assert column(found, "2025-01-01", 2, series="b") == [2, 2]
    with pytest.raises(ModelError, match="no rows of the series 'c'"):
        column(found, "2025-01-01", 2, series="c")


def test_a_callers_table_stays_as_it_was_and_later_changes_of_it_do_nothing():
    mine = table(np.arange(120.0), known_from="2024-12-31").iloc[::-1]
    before = mine.copy(deep=True)
    model = model_with(fc.Regressors(mine))
    first = model.point(panel_of(noisy()), 20)
    pd.testing.assert_frame_equal(mine, before)
    mine["x"] = 0.0
    np.testing.assert_array_equal(model.point(panel_of(noisy()), 20), first)


def test_dates_of_a_table_may_be_text_of_any_iso_form_or_bear_a_zone():
    days = pd.date_range("2025-01-01", periods=3)
    for ds in (
        ["2025-01-01", "2025-01-02 00:00", "2025-01-03T00:00:00"],
        days.tz_localize("UTC"),
        [d.date() for d in days],
    ):
        read = fc.Regressors(pd.DataFrame({"ds": ds, "x": [1.0, 2.0, 3.0]}), known_in_advance=True)
        assert column(read, "2025-01-01", 3) == [1, 2, 3]


def test_columns_may_be_numbers_and_yes_or_no():
    days = pd.date_range("2025-01-01", periods=3)
    read = fc.Regressors(pd.DataFrame({"ds": days, 2025: [True, False, True]}), known_in_advance=True)
    assert column(read, "2025-01-01", 3) == [1, 0, 1]
    assert read.columns(days, "D", as_of=AS_OF, series="a").names == ("2025",)


def test_a_column_that_is_called_twice_is_told():
    twice = pd.concat([table([1.0] * 3), table([2.0] * 3)[["x"]]], axis=1)
    with pytest.raises(ModelError, match="two columns 'x'; keep one"):
        fc.Regressors(twice, known_in_advance=True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ds": ["2025-01-01"]}, "the regressors' table is a dict; wanted a DataFrame"),
        (table([1.0]).rename(columns={"ds": "date"}), "no column 'ds'; it has date, x"),
        (table([1.0]).rename(columns={"ds": "dss"}), "did you mean 'dss'"),
        (table([1.0])[["ds"]], "no column besides ds, unique_id and known_from"),
        (table([1.0, 2.0]).assign(ds=["2025-01-01", "later"]), "'ds': not a date in row 1: ds=later"),
        (table([1.0], known_from=[None]), "'known_from': not a date in row 0"),
        (table([1.0, np.nan, 3.0]), "'x': not a finite number in row 1: ds=2025-01-02.*fill gaps yourself"),
        (table([1.0, np.inf]), "'x': not a finite number in row 1"),
        (table(["1", "two"]), "'x': not a finite number in row 1.*x=two"),
        (pd.concat([table([1.0]), table([2.0])], ignore_index=True), "repeats ds: row 1: ds=2025-01-01"),
        (pd.concat([table([1.0], unique_id=1), table([2.0], unique_id="1")]), "repeats unique_id, ds"),
    ],
)
def test_a_table_that_cannot_be_read_is_told(given, message):
    with pytest.raises(ModelError, match=message):
        fc.Regressors(given, known_in_advance=True)


def test_a_table_must_say_when_it_was_known():
    with pytest.raises(
        ModelError, match=r"does not say when its values were known.*'known_from'.*known_in_advance=True"
    ):
        fc.Regressors(table(np.arange(120.0)))


def test_a_table_without_future_values_is_told_and_one_with_gaps():
    values = frame_of(noisy())
    short = fc.Regressors(table(np.arange(105.0)), known_in_advance=True)
    message = r"regressors x: no future values for 15 of 120 periods, 2025-04-16, .* and more: .* 2025-04-30"
    with pytest.raises(ModelError, match=message):
        fc.sample_paths(values, 20, model=model_with(short), draws=10)
    holes = fc.Regressors(table(np.arange(120.0)).drop(index=[7, 110]), known_in_advance=True)
    with pytest.raises(ModelError, match=r"no values \(gaps\) for 2 of 120 periods, 2025-01-08, 2025-04-21: "):
        fc.sample_paths(values, 20, model=model_with(holes), draws=10)
    # A series needs them from its own first value on.
    late = fc.sample_paths(
        values.iloc[10:], 9, model=model_with(fc.Regressors(holes.table, known_in_advance=True)), draws=5
    )
    assert np.isfinite(late.values).all()


def test_what_was_known_after_a_past_cut_is_refused_as_leakage():
    measured = table(noisy(120, seed=1))
    measured["known_from"] = measured["ds"]  # each day's value, that evening
    with pytest.raises(
        ModelError,
        match=r"regressors x: the value for 2025-04-11 was known from 2025-04-11 on, after the forecast's date "
        r"2025-04-10: using it would be leakage\. Add rows with what was expected",
    ):
        fc.sample_paths(frame_of(noisy()), 20, model=model_with(fc.Regressors(measured)), draws=10)
    # Known today for all days: today's forecast may use it, forecasts of the past may not.
    today = fc.Regressors(measured.assign(known_from="2025-04-10"))
    assert np.isfinite(model_with(today).point(panel_of(noisy()), 20)).all()
    with pytest.raises(ModelError, match="would be leakage"):
        fc.sample_paths(frame_of(noisy()), 20, model=model_with(today), draws=10)


def vintages():
    """What was planned at the outset, and on 1 March for the days from 20 March on."""
    plan = table(np.sin(np.arange(130.0)), known_from="2024-12-31")
    anew = plan[plan["ds"] >= "2025-03-20"].assign(known_from="2025-03-01")
    return plan, anew.assign(x=5.0 + np.cos(np.arange(len(anew))))


def test_a_past_cut_uses_what_was_known_then():
    plan, anew = vintages()
    both = fc.Regressors(pd.concat([anew, plan]))
    for as_of, wanted in {
        "2025-02-28": plan["x"].to_numpy(),
        "2025-03-01": np.concatenate([plan["x"][:78], anew["x"]]),
    }.items():
        np.testing.assert_array_equal(column(both, "2025-01-01", 130, as_of=pd.Timestamp(as_of)), wanted)
    # 59 days are known on 28 February, 60 on 1 March.
    values, cuts = panel_of(noisy()), np.array([50, 59, 60, 80])
    old, new = (model_with(r, refits=4).roll(values, 20, cuts, 20).past for r in (fc.Regressors(plan), both))
    np.testing.assert_array_equal(new[:2], old[:2])
    assert not np.allclose(new[2], old[2])


def test_a_value_planted_after_a_cut_changes_no_forecast_before_it():
    plan, _ = vintages()
    planted = plan.assign(known_from="2025-03-15", x=1_000.0)[plan["ds"] >= "2025-02-01"]
    values, cuts = panel_of(noisy()), np.array([50, 60, 80])  # 15 March is the 74th day
    clean, spoilt = (
        model_with(fc.Regressors(t)).roll(values, 20, cuts, 20) for t in (plan, pd.concat([plan, planted]))
    )
    np.testing.assert_array_equal(spoilt.past[:2], clean.past[:2])
    assert not np.allclose(spoilt.past[2], clean.past[2])


# -------------------------------------------------------------------------------------------------------- all together


def test_a_column_called_twice_among_regressors_is_told():
    with pytest.raises(ModelError, match="regressors: 'campaign' stands more than once"):
        model_with(fc.Event("campaign", "2025-02-01"), fc.Event("campaign", "2025-03-01")).point(panel_of(noisy()), 9)
    with pytest.raises(ModelError, match="'x' stands more than once"):
        model_with(fc.Regressors(table(np.arange(120.0)), known_in_advance=True), fc.Event("x", "2025-03-01")).point(
            panel_of(noisy()), 9
        )


def test_columns_of_which_one_follows_from_the_others_are_told():
    x = noisy(120, seed=2)
    columns = fc.Regressors(table(x, y=noisy(120, seed=3), z=3.0 - 2.0 * x), known_in_advance=True)
    with pytest.raises(CollinearError, match=r"regressors 'x', 'y', 'z': one follows from the others"):
        model_with(columns).point(panel_of(noisy()), 20)
    sums = fc.Regressors(table(x, y=x**2, z=x + x**2), known_in_advance=True)
    with pytest.raises(CollinearError, match="one follows from the others"):
        model_with(sums).point(panel_of(noisy()), 20)
    # Sizes of any unit are told apart.
    sizes = fc.Regressors(table(1e9 * x, y=1e-9 * noisy(120, seed=3)), known_in_advance=True)
    assert np.isfinite(model_with(sizes).point(panel_of(noisy()), 20)).all()


def test_working_days_beside_a_weekly_season_say_no_more_than_their_holidays():
    """Without holidays working days follow from the phases of the week: the forecast is what it is without them."""
    panel = panel_of(noisy() * np.where(np.arange(100) % 7 > 4, 0.4, 1.0))
    for kind, options in ((fc.SARIMAX, {"order": (1, 0, 0)}), (fc.UnobservedComponents, {"level": "local level"})):
        plain, told = (kind(regressors=r, **options).roll(panel, 21, NO_CUTS, 1) for r in ((), (fc.WorkingDays(),)))
        np.testing.assert_array_equal(told.point, plain.point)
        assert told.method[0].endswith(", working days left out: the season says the same")


@pytest.mark.parametrize("seasonal_order", [None, (0, 1, 0, 12)])
def test_a_holiday_that_moves_for_the_first_time_ahead_has_no_effect_that_nothing_tells(seasonal_order):
    """New Year's Day of 2028 is a Saturday, kept in December: until then each month has what it had."""
    dates = pd.date_range("2024-07-01", periods=48, freq="MS")
    panel = Panel(noisy(40)[:, None], dates[:40], ("a",), "MS")
    holidays = np.array(column(fc.Holidays("US"), "2024-07-01", 48, "MS"))
    assert (holidays[12:40] == holidays[:28]).all()
    assert (holidays[40:] != holidays[28:36]).any()
    model = model_with(fc.Holidays("US"), seasonal_order=seasonal_order)
    found = model.roll(panel, 8, NO_CUTS, 1)
    assert found.method[0].endswith("holidays US left out: the season says the same")
    np.testing.assert_allclose(found.point, model_with(seasonal_order=seasonal_order).point(panel, 8))


@pytest.mark.parametrize("kind", [fc.SARIMAX, fc.UnobservedComponents])
def test_the_unit_of_a_regressor_is_none_of_the_forecasts(kind):
    """Seats in ones or in millions, a price in dollars a token: L-BFGS stops a little elsewhere, and no more."""
    x = stream(8, "units").standard_normal(120)
    panel = panel_of(noisy() * np.exp(0.5 * x[:100]))
    options = {"order": (1, 0, 0)} if kind is fc.SARIMAX else {"level": "local level"}
    found = {
        size: kind(regressors=fc.Regressors(table(size * x), known_in_advance=True), **options).point(panel, 20)
        for size in (1.0, 1e-9, 1e-2, 300.0, 1e9)
    }
    # Nor is where it begins: a price index around 5,000, years.
    found[0.0] = kind(regressors=fc.Regressors(table(x + 5_000), known_in_advance=True), **options).point(panel, 20)
    for size, point in found.items():
        np.testing.assert_allclose(point, found[1.0], rtol=0.005, err_msg=str(size))
    np.testing.assert_allclose(np.log(found[1.0][:, 0] / 100), 0.5 * x[100:], atol=0.15)


@pytest.mark.parametrize(("freq", "periods"), [("D", 120), ("h", 24 * 12), ("W", 80), ("MS", 40)])
@pytest.mark.parametrize("kind", [fc.SARIMAX, fc.UnobservedComponents])
def test_every_frequency_takes_every_regressor(freq, periods, kind):
    dates = pd.date_range("2024-06-02", periods=periods + 8, freq=freq)
    spans = [(dates[k], dates[k] + pd.Timedelta(days=1)) for k in (20, periods // 2, periods + 2)]
    x = stream(5, "all", freq).standard_normal(len(dates))
    options = {"order": (1, 0, 0)} if kind is fc.SARIMAX else {"level": "local level"}
    model = kind(
        regressors=[
            fc.Holidays("US") if freq != "h" else fc.WorkingDays("US"),
            fc.Event("campaign", spans),
            fc.Regressors(pd.DataFrame({"ds": dates, "x": x}), known_in_advance=True),
        ],
        **options,
    )
    values = noisy(periods) * np.exp(0.3 * x[:periods])
    rolled = model.roll(Panel(values[:, None], dates[:periods], ("a",), freq), 8, NO_CUTS, 1)
    assert not rolled.method[0].startswith("seasonal_mean")
    # Noise of 10 % is left of what x explains.
    np.testing.assert_allclose(np.log(rolled.point[:, 0] / 100), 0.3 * x[periods:], atol=0.2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (table([1.0]), r"give a table as fc.Regressors\(table, known_in_advance=True\)"),
        ([table([1.0])], "regressors: DataFrame is none; wanted fc.Holidays"),
        ("US", "regressors='US': wanted fc.Holidays"),
        (None, "regressors=None: wanted"),
        (["US"], "regressors: str is none"),
        (fc.WorkingDays, "wanted fc.Holidays"),
        ([fc.WorkingDays], "the class WorkingDays is none, an object of it is"),
    ],
)
def test_what_is_no_regressor_is_told(given, message):
    with pytest.raises(ModelError, match=message):
        fc.SARIMAX(regressors=given)


def test_one_regressor_may_stand_alone():
    assert check_regressors(fc.WorkingDays()) == (fc.WorkingDays(),)
    assert fc.SARIMAX(regressors=fc.WorkingDays()).regressors == (fc.WorkingDays(),)


class Weather:
    """A user's own regressor: warm from April on."""

    def columns(self, periods, freq, *, as_of, series):
        """One column."""
        from forecast.models.regressors import Columns

        return Columns(("warm",), np.asarray(periods.month > 3, dtype=float)[:, None])


def test_a_regressor_of_ones_own_is_one():
    values = noisy() * np.where(np.arange(100) >= 90, 2.0, 1.0)  # April begins on the 90th day
    found = model_with(Weather()).point(panel_of(values), 14)
    assert (found > 170).all()
