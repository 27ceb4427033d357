"""Values of saved plans: what is told as JSON comes back of the same type, value, order in memory and identity."""

import json

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from scenarios.changes import KINDS as CHANGES
from scenarios.components import KINDS as COMPONENTS
from scenarios.files.kinds import TIES
from scenarios.saved.arrays import INLINE, PLANES, laid_out
from scenarios.saved.kinds import ROOMS, _classes, class_of, kind_of
from scenarios.saved.reading import Reader
from scenarios.saved.writing import Writer


def there_and_back(value, own=()):
    writer = Writer(own)
    tree = json.loads(json.dumps(writer.tell(value, "x"), allow_nan=False))
    return Reader(writer.members, {kind.__name__: kind for kind in own}).make(tree)


def same(one, other):
    """Equal, of the same types all the way down."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert laid_out(one)[1] == laid_out(other)[1]
        assert other.flags.writeable
        same(one.ravel().tolist(), other.ravel().tolist())
    elif isinstance(one, pd.DataFrame):
        same(one.index, other.index)
        same(one.columns, other.columns)
        for i in range(one.shape[1]):
            same(one.iloc[:, i], other.iloc[:, i])
    elif isinstance(one, pd.Series | pd.Index):
        assert one.dtype == other.dtype
        assert repr(one.dtype) == repr(other.dtype)
        assert getattr(one, "freq", None) == getattr(other, "freq", None)
        same(one.tolist(), other.tolist())
        assert one.name == other.name
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    elif isinstance(one, dict):
        same(list(one.items()), list(other.items()))
    else:
        assert repr(one) == repr(other)
        assert one is other or one == other or one != one  # noqa: PLR0124 - not a number


RANDOM = np.random.default_rng(3)
ARRAYS = {
    "empty": np.empty((0, 3)),
    "none": np.empty(()),
    "small": np.arange(6.0).reshape(2, 3),
    "large": RANDOM.standard_normal((9, 50, 40)),
    "turned": RANDOM.standard_normal((9, 50, 40)).transpose(2, 0, 1),
    "fortran": np.asfortranarray(RANDOM.standard_normal((200, 90))),
    "odd": np.tile([np.nan, -np.nan, np.inf, -np.inf, -0.0, 5e-324], 3_000),
    "narrow": RANDOM.standard_normal(9_000).astype("float32"),
    "bool": RANDOM.standard_normal(9_000) > 0,
    "whole": RANDOM.integers(-5, 5, (300, 40)),
    "days": np.arange(900).astype("M8[D]").astype("M8[us]"),
    "text": np.array(["a", "\U0001f600bc", ""]),
    "any": np.array([None, "x", 1, 1.0, True, ("t", 2), np.nan], dtype=object),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_come_back_with_their_axes_in_order(kind):
    back = there_and_back(ARRAYS[kind])
    same(ARRAYS[kind], back)
    assert back.tobytes() == ARRAYS[kind].tobytes() or kind == "any"
    large = ARRAYS["large"]
    assert large.nbytes > PLANES > INLINE


def test_sums_over_axes_that_lie_otherwise_keep_their_bits():
    values = np.exp(RANDOM.standard_normal((300, 7, 60))).transpose(1, 2, 0)
    back = there_and_back(values)
    for axes in (0, 1, 2, (0, 1), (1, 2), None):
        assert np.asarray(values.sum(axis=axes)).tobytes() == np.asarray(back.sum(axis=axes)).tobytes()


DAYS = pd.date_range("2026-01-01", periods=9)
STAMP = pd.Timestamp("2026-03-01 12:30:00.000001", tz="Europe/Paris")
FRAMES = {
    "none and nan": pd.Series([None, np.nan, pd.NA, pd.NaT, "x"], dtype=object),
    "no rows": pd.Series([], dtype=object),
    "mixed": pd.Series([1, True, 1.0, "1", None, ("x", 1), [1], {"a": 1}], dtype=object),
    "half a pair": pd.Series(["\ud800", "\udfff"], dtype=object),
    "text": pd.Series(["x", None, "x", "\0", ""]),
    "text in Python": pd.Series(["x", None], dtype=pd.StringDtype("python", na_value=np.nan)),
    "text or NA": pd.Series(["x", None], dtype="string"),
    "no text": pd.Series([None, None], dtype="str"),
    "days in seconds": pd.Series(pd.to_datetime(["2026-01-01", None])).astype("M8[s]"),
    "zone": pd.Series([STAMP, pd.NaT]),
    "categories": pd.Series(pd.Categorical(["b", None], categories=["c", "b"], ordered=True)),
    "whole or NA": pd.Series([2**62, None], dtype="Int64"),
    "small or NA": pd.Series([1.5, None], dtype="Float32"),
    "true or NA": pd.Series([True, None], dtype="boolean"),
    "periods": pd.Series(pd.period_range("2026-01", periods=2, freq="Q")),
    "spans": pd.Series(pd.to_timedelta([1, None], unit="s")),
    "narrow": pd.Series([1, 2], dtype="int8"),
}
INDEXES = {
    "months": pd.date_range("2026-01-01", periods=3, freq="MS", name="month"),
    "hours": pd.date_range("2026-01-01", periods=3, freq="24h"),
    "no freq": pd.DatetimeIndex(["2026-01-01", "2026-01-05"]),
    "zone": pd.date_range("2026-03-28", periods=4, freq="D", tz="Europe/Paris"),
    "periods": pd.period_range("2026-01", periods=3, freq="M", name="m"),
    "range": pd.RangeIndex(3, 30, 9, name=("a", 1)),
    "levels": pd.MultiIndex.from_tuples([("a", 1), ("b", None)], names=["x", None]),
    "objects": pd.Index(["a", None, 1.5], dtype=object),
    "categories": pd.CategoricalIndex(["a", "b"]),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_columns_come_back_exactly(kind):
    column = FRAMES[kind]
    same(column, there_and_back(column))
    frame = pd.DataFrame({"a": column, "b": 1.5})
    same(frame, there_and_back(frame))
    same(frame.set_axis(["a", "a"], axis=1), there_and_back(frame.set_axis(["a", "a"], axis=1)))


@pytest.mark.parametrize("kind", INDEXES)
def test_indexes_come_back_exactly(kind):
    same(INDEXES[kind], there_and_back(INDEXES[kind]))


PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.decimals(allow_nan=False),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(),
    st.datetimes().map(pd.Timestamp),
    st.floats(width=32).map(np.float32),
    st.text(max_size=3).map(np.str_),
)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        PLAIN,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.lists(inner, max_size=4).map(tuple),
            st.dictionaries(st.text(max_size=3), inner, max_size=3),
        ),
    )
)
def test_values_come_back_exactly(value):
    same(value, there_and_back(value))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.floats(), st.text(max_size=2)), max_size=9))
def test_columns_of_any_values_come_back_exactly(values):
    column = pd.Series(values, dtype=object)
    same(column, there_and_back(column))


def test_shipped_scenarios_and_components_come_back():
    for name in sc.shipped()["name"]:
        made = sc.load(name, start="2027-01-01")
        assert there_and_back(made) == made
        assert repr(there_and_back(made)) == repr(made)


@pytest.mark.parametrize(
    "model",
    [
        fc.Auto(),
        fc.Combination(models=["seasonal_naive", fc.Theta()]),
        fc.Prophet(regressors=[fc.Holidays("DE"), fc.Event("fair", ["2026-05-04"], known_from="2026-01-01")]),
        fc.SARIMAX(
            order=(1, 0, 0),
            regressors=[fc.Regressors(pd.DataFrame({"ds": DAYS, "x": np.arange(9.0)}), known_in_advance=True)],
        ),
        fc.STL(),
        fc.UnobservedComponents(),
        fc.ETS(),
        fc.AdoptionCurve(ceiling={"search": sc.between(2, 3)}),
        fc.Launch(
            expected={"new": fc.Demand(users=sc.between(5, 9), requests=3.0, tokens=900.0)}, on={"new": "2027-01-01"}
        ),
    ],
    ids=lambda m: type(m).__name__,
)
def test_models_come_back(model):
    back = there_and_back(model)
    assert type(back) is type(model)
    assert repr(back) == repr(model)


def test_frozen_distributions_come_back_and_others_are_refused():
    for law in (scipy.stats.norm(0.05, scale=np.float64(0.01)), scipy.stats.poisson(3), scipy.stats.triang(c=0.3)):
        u = np.linspace(0.001, 0.999, 99)
        assert there_and_back(law).ppf(u).tobytes() == law.ppf(u).tobytes()
    bins = scipy.stats.rv_histogram(np.histogram([1.0, 2.0, 2.0], bins=2))
    for law in (bins, bins.freeze(), type(scipy.stats.norm)(a=0.0, name="norm").freeze()):
        with pytest.raises(PlanError, match=r"x is a .* of scipy\.stats\..*, of which a file cannot say"):
            there_and_back(law)


def test_every_kind_of_change_component_and_model_may_be_saved():
    makers = [*CHANGES.values(), *COMPONENTS.values(), *TIES.values()]
    makers += [fc.Auto, fc.Combination, fc.ETS, fc.Prophet, fc.SARIMAX, fc.STL, fc.Theta, fc.UnobservedComponents]
    makers += [fc.AdoptionCurve, fc.Launch, fc.Demand, fc.Event, fc.Holidays, fc.Regressors, fc.WorkingDays]
    makers += [fc.Calendar, fc.Cleaning, sc.EnvironmentSplit, sc.Split, sc.PlanSpec, sc.Scenario]
    for maker in makers:
        assert class_of(kind_of(maker)) is maker
    for room in ROOMS:
        assert _classes(room)
