"""Pictures of a plan as files, and what its budget hangs on as a picture."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import forecast as fc
import scenarios as sc
from forecast.drawing import money
from forecast.errors import PlanError
from scenarios.report.charts import KINDS


@pytest.fixture(scope="module")
def plan():
    days = pd.date_range(end="2026-10-31", periods=120)
    requests = 1e5 * np.exp(0.2 * np.random.default_rng(1).standard_normal(len(days)))
    columns = {"date": days, "provider": "openai", "model": "gpt-5", "environment": "production", "project": "app"}
    measures = {"requests": requests, "input_tokens": requests * 1_200, "output_tokens": requests * 300}
    usage = fc.Usage.from_frame(pd.DataFrame(columns | measures))
    projection = fc.project(usage, horizon="1Q", model="seasonal_naive", trajectories=40, seed=1)
    changes = [
        sc.Growth(monthly=sc.between(0.0, 0.08)),
        sc.PriceChange(model="gpt-5*", on="2027-02-01", by=sc.between(-0.1, -0.05)),
    ]
    return sc.plan(projection, scenario=sc.Scenario("launch", changes), draws=300, seed=1)


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_a_picture_is_the_same_bytes_each_time_and_tells_no_date(plan, tmp_path, form):
    first, again = (plan.to_picture(tmp_path / f"{name}.{form}").read_bytes() for name in "ab")
    assert first == again
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[form]
    assert first.startswith(start)
    for said in (b"CreationDate", b"<dc:date>", b"matplotlib v", b"Matplotlib v", b"tIME"):
        assert said not in first


def test_a_png_is_as_sharp_as_print_asks(plan, tmp_path):
    with Image.open(plan.to_picture(tmp_path / "fan.png")) as image:
        assert image.size == (1_200, 675)  # 8 by 4.5 inches of 150 dots


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "policy"])
def test_every_picture_can_be_written(plan, tmp_path, kind):
    assert plan.to_picture(tmp_path / f"{kind}.svg", kind).stat().st_size > 5_000


def test_a_limit_is_marked_and_rows_are_chosen(plan, tmp_path):
    bare = plan.to_picture(tmp_path / "a.svg", "s_curve").read_bytes()
    assert plan.to_picture(tmp_path / "b.svg", "s_curve", limit=plan.budget).read_bytes() != bare
    names = [tick.get_text() for tick in plan.plot("tornado", by="driver").get_yticklabels()]
    told = plan.sensitivity("driver")["swing"].dropna()
    assert names == told.index[np.argsort(-told.abs().to_numpy())].tolist()
    assert "volume" in names


@pytest.mark.parametrize(("name", "options", "told"), [
    ("plan.gif", {}, r"plan\.gif: a picture's name ends in \.png, \.svg or \.pdf, such as plan\.png"),
    ("plan", {}, "a picture's name ends in"),
    ("plan.png", {"kind": "tornadoes"}, "tornado"),
    ("plan.png", {"by": "driver"}, "only 'policy' and 'tornado' are told by something"),
    ("plan.png", {"limit": 5.0}, "only 's_curve' and 'cumulative' mark a limit"),
    ("plan.png", {"kind": "tornado", "by": "colour"}, "sensitivity by"),
    ("no/plan.png", {}, "there is no folder"),
])  # fmt: skip
def test_what_cannot_be_written_is_told_and_leaves_nothing(plan, tmp_path, name, options, told):
    with pytest.raises(PlanError, match=told):
        plan.to_picture(tmp_path / name, **options)
    assert not list(tmp_path.iterdir())


def test_the_tornado_tells_the_widest_swing_first(plan):
    swing = plan.sensitivity()["swing"].dropna().abs().sort_values(ascending=False)
    ax = plan.plot("tornado")
    assert [tick.get_text() for tick in ax.get_yticklabels()] == swing.index.tolist()
    assert ax.get_title() == f"What moves the budget most: {swing.index[0]}, by {money(swing.iloc[0], 'USD')}"
    reaches = [
        max(b.get_x() + b.get_width(), b.get_x()) - min(b.get_x(), b.get_x() + b.get_width()) for b in ax.patches
    ]
    assert reaches[0] + reaches[1] == pytest.approx(swing.iloc[0])  # the two sides of the first bar


def test_where_nothing_moves_the_budget_by_itself_the_picture_says_so(plan, monkeypatch):
    table = plan.sensitivity().assign(swing=np.nan)
    monkeypatch.setattr("scenarios.budget.budget_plan.sensitivity_of", lambda *_, **__: table)
    assert plan.plot("tornado").get_title().startswith("Nothing that is drawn moves the budget of USD")
