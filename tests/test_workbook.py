"""The workbook follows what is typed: its levels beside plans made anew, and LibreOffice's sums beside its own."""

import dataclasses
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from scenarios.budget.alternatives import ALONE, alternatives_of, plan_bridge
from scenarios.budget.planfile import read_plan_file
from scenarios.report.book.levels import CHOICES, levels_of, plan_at
from scenarios.report.page import page_html
from scenarios.report.workbook import workbook_bytes
from tests import office

#: Money is held to the cent; sums of floats of cents are exact far below that.
CENT = 0.005
#: Shares and quantiles are the same floats, added in another order.
RELATIVE = 1e-9
ODD = "=1+1"
DEMAND = {"development": 3e4, "production": 9e4, "staging": 1e4, ODD: 8e3}


@pytest.fixture(scope="module")
def projection():
    days = pd.date_range(end="2026-10-31", periods=200)
    rng = np.random.default_rng(3)
    rows = []
    for i, ((environment, size), project) in enumerate(product(DEMAND.items(), ("app", "bot"))):
        requests = size * np.exp(0.3 * rng.standard_normal(len(days)))
        columns = {"date": days, "provider": "openai", "model": "gpt-5", "environment": environment}
        columns |= {"project": project, "department": "ab"[i // 2 % 2]}
        measures = {"requests": requests, "input_tokens": requests * 1_200, "output_tokens": requests * 300}
        rows.append(pd.DataFrame(columns | measures))
    usage = fc.Usage.from_frame(pd.concat(rows))
    return fc.project(usage, horizon="2Q", model="seasonal_naive", trajectories=60, seed=1, by=COLUMNS)


COLUMNS = ("environment", "project", "department")
POLICY = sc.EnvironmentSplit(development=(0.15, 0.18), production=(0.60, 0.70))
LAUNCH = sc.Scenario(
    "launch",
    [
        sc.Growth(monthly=sc.between(0.03, 0.08)),
        sc.PriceChange(model="gpt-5*", on="2027-02-01", by=sc.between(-0.4, -0.2), probability=0.5),
    ],
)
LINES = (sc.Fixed("+base", monthly=12_000), sc.Reserve("-emergency", 20_000.5))


def planned(projection, **changed):
    arguments = {"scenario": LAUNCH, "components": LINES, "split": POLICY, "draws": 400, "seed": 1, **changed}
    return sc.plan(projection, **arguments)


@pytest.fixture(scope="module")
def plan(projection):
    return planned(projection)


@pytest.fixture(scope="module")
def sample():
    file = read_plan_file(Path("data/samples/organisation.toml"))
    return file.plan(file.project(file.usage.read()), file.prices.book())


def books_of(plan, **options):
    content = workbook_bytes(plan, **options)
    return tuple(openpyxl.load_workbook(BytesIO(content), data_only=values) for values in (False, True))


def rows_of(sheet, first, *, last=None):
    """The rows from the one that begins with a text, to where the first column is blank or ``last``."""
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    start = next(i for i, row in enumerate(rows) if row[0] == first)
    end = next((i for i in range(start, len(rows)) if rows[i][0] in {None, last}), len(rows))
    width = next((i for i, name in enumerate(rows[start]) if name is None), len(rows[start]))
    return pd.DataFrame([row[:width] for row in rows[start + 1 : end]], columns=rows[start][:width]).set_index(first)


def environments_of(sheet):
    """The sheet of environments: its table, shares, and months by environment."""
    found = [i for i, row in enumerate(sheet.iter_rows(max_col=1, values_only=True), 1) if row[0] == "environment"]
    table = rows_of(sheet, "environment", last="Total")
    shares = {sheet.cell(row, 1).value: row for row in range(found[1] + 1, found[1] + 1 + len(table))}
    return table, shares, rows_of(sheet, "month", last="Total")


def follows(book, other):
    """Whether a workbook's sheets tell another plan's money, to the cent."""
    monthly, (table, _, months) = rows_of(book["Monthly"], "month", last="Total"), environments_of(book["Environments"])
    for told, by in ((monthly, "month"), (table, "environment"), (rows_of(book["Monthly"], "quarter"), "quarter")):
        expected = other.table(by)
        for name in ("base", "budget", "contingency"):
            np.testing.assert_allclose(told[name].astype(float), expected[name], rtol=0, atol=CENT)
    cells = other.table(["month", "environment"])["budget"].unstack().fillna(0.0)
    np.testing.assert_allclose(months[list(cells.columns)].astype(float), cells, rtol=0, atol=CENT)
    lines = [str(c) for c in other.ledger.labels.columns]
    told = rows_of(book["Lines"], "line", last="Total")
    np.testing.assert_allclose(told["budget"].astype(float), other.table(lines)["budget"], rtol=0, atol=CENT)
    summary = dict(book["Summary"].iter_rows(min_row=4, max_row=16, max_col=2, values_only=True))
    assert summary["Base (P50)"] == pytest.approx(other.base, abs=CENT)
    assert summary["Contingency"] == pytest.approx(other.contingency, abs=CENT)
    assert summary[f"Budget (P{other.confidence * 100:g})"] == pytest.approx(other.budget, abs=CENT)
    if other.reserves:
        assert summary["Funding"] == pytest.approx(other.funding, abs=CENT)
    assert summary["Check"] == summary["Months less environments"] == 0


# ---------------------------------------------------------------------------------------------------------- levels

SPLITS = {
    "policy": {},
    "none": {"split": None},
    "equal risk": {"split": sc.Split("environment", {"development": (0.05, 0.6)}, basis="equal risk")},
    "two": {"split": [POLICY, sc.Split("department")]},
    "up to P95": {"components": [*LINES, sc.Reserve("management", to=0.95)]},
    "sized": {"components": [*LINES, sc.Reserve("vendor", funds="price_change")]},
}


@pytest.mark.parametrize("kind", SPLITS)
def test_each_level_holds_the_cents_of_a_plan_made_anew(projection, kind):
    plan = planned(projection, **SPLITS[kind])
    levels = levels_of(plan)
    assert levels.levels[levels.chosen] == plan.confidence
    for i, level in enumerate(levels.levels):
        anew = plan.replan(confidence=level)
        for by in ("month", "environment", "line"):
            expected, number = anew.table(by), levels.numbers(anew.table(by).index) - 1
            for name, held in (("base", levels.base), ("budget", levels.budget)):
                told = np.bincount(number, weights=held[:, i], minlength=len(expected))
                np.testing.assert_allclose(told, expected[name], rtol=0, atol=CENT)
        assert [r.held for r in levels.plans[i].reserves] == pytest.approx([r.held for r in anew.reserves], abs=CENT)
        assert [r.held for r in levels.plans[i].earmarks] == pytest.approx([r.held for r in anew.earmarks], abs=CENT)


def test_a_level_that_the_reserves_forbid_is_no_choice(projection):
    plan = planned(projection, components=[sc.Reserve("management", to=0.90)])
    assert levels_of(plan).levels == tuple(level for level in CHOICES if level < 0.90)
    kept = planned(projection, components=[sc.Reserve("vendor", 1_000.0, funds="price_change")])
    assert plan_at(kept, 0.50) is None  # no contingency to keep it in
    assert levels_of(kept).levels[0] == 0.60


def test_the_plans_own_level_is_in_the_list(projection):
    plan = planned(projection, confidence=0.825)
    formulas, values = books_of(plan)
    assert plan.confidence in levels_of(plan).levels
    assert values["Summary"]["B4"].value == 0.825
    assert values["Summary"]["B4"].number_format == "0.0#%"
    assert formulas["Summary"].data_validations.dataValidation[0].formula1 == "level_list"
    follows(values, plan)


def test_cells_of_a_large_plan_are_put_together(plan, monkeypatch):
    monkeypatch.setattr("scenarios.report.book.levels.MOST_CELLS", 80)
    _, values = books_of(plan)
    assert "The plan is large: cells are put together by line, environment." in values["Levels"]["A2"].value
    summary = dict(values["Summary"].iter_rows(min_row=4, max_row=16, max_col=2, values_only=True))
    assert summary["Budget (P80)"] == plan.budget
    assert rows_of(values["Lines"], "line", last="Total")["budget"].sum() == pytest.approx(plan.budget, abs=CENT)
    monkeypatch.setattr("scenarios.report.book.levels.MOST_CELLS", 10)
    formulas, values = books_of(plan)
    assert "put together by environment." in values["Levels"]["A2"].value
    assert rows_of(values["Lines"], "line", last="Total")["budget"].sum() == pytest.approx(plan.budget, abs=CENT)
    assert "lv_row" not in formulas.defined_names


def test_kept_values_are_the_plans(plan):
    follows(books_of(plan)[1], plan)


def test_cells_to_type_in_look_like_it(plan):
    formulas, _ = books_of(plan)
    sheet = formulas["Environments"]
    _, shares, _ = environments_of(sheet)
    for cell in [formulas["Summary"]["B4"], *(sheet.cell(row, 3) for row in shares.values())]:
        assert cell.font.color.rgb == "FF0000FF"
        assert cell.fill.fgColor.rgb == "FFFFF9DB"


# ---------------------------------------------------------------------------------------------- scenarios and bridge


def test_scenarios_stand_beside_the_plan_in_the_same_futures(plan, projection):
    frozen = sc.Scenario("no growth", [sc.Growth(monthly=0.0)])
    made = alternatives_of(plan, [frozen, plan.replan(scenario=None)])
    assert [one.name for one in made] == ["launch", "no growth", "as forecast"]
    np.testing.assert_allclose(made[1].totals, plan.replan(scenario=frozen).totals, rtol=RELATIVE)
    compared = sc.compare(projection, [LAUNCH, frozen], prices=plan.spec.prices, draws=100)
    named = alternatives_of(plan, compared)
    assert [(one.name, one.planned) for one in named] == [(ALONE, False), ("launch", True), ("no growth", False)]
    np.testing.assert_allclose(named[0].totals, plan.replan(scenario=None).totals, rtol=RELATIVE)
    _, values = books_of(plan, scenarios=compared)
    table = rows_of(values["Scenarios"], "scenario")
    for one in named:
        row = table.loc[one.name]
        np.testing.assert_allclose(
            row[["P10", "P50", "P80", "P90", "P95"]].astype(float),
            np.quantile(one.totals, [0.1, 0.5, 0.8, 0.9, 0.95]),
            rtol=0,
            atol=CENT,
        )
        assert row["budget"] == pytest.approx(np.quantile(one.totals, 0.8), abs=CENT)
        assert row["against the plan"] == pytest.approx(row["budget"] - plan.budget, abs=CENT)
        assert row["in per cent"] == pytest.approx(row["against the plan"] / plan.budget)


def test_what_cannot_stand_beside_the_plan_is_told(plan, projection):
    other = fc.project(projection.usage, horizon="1Q", model="seasonal_naive", trajectories=20, seed=1, by=COLUMNS)
    with pytest.raises(PlanError, match="another projection"):
        alternatives_of(plan, sc.compare(other, [LAUNCH], prices=plan.spec.prices, draws=100))
    with pytest.raises(PlanError, match="plan of other months"):
        alternatives_of(plan, [planned(other)])
    with pytest.raises(PlanError, match="neither a scenario nor a plan"):
        alternatives_of(plan, ["launch"])
    with pytest.raises(PlanError, match="wanted a comparison, or a list"):
        alternatives_of(plan, LAUNCH)
    with pytest.raises(PlanError, match="two are called 'launch'"):
        alternatives_of(plan, [sc.Scenario("launch", [sc.Growth(monthly=0.5)])])
    with pytest.raises(PlanError, match="wanted a bridge"):
        workbook_bytes(plan, bridge="launch")


@pytest.mark.parametrize("components", [LINES, [sc.ShareOf("support", 0.10, of="tokens")]])
def test_the_bridge_leads_from_the_forecast_alone_to_the_plan(projection, components):
    plan = planned(projection, components=components)
    told = plan_bridge(plan)
    assert told.names == (ALONE, "launch")
    assert told.steps == ("volume", "price")
    np.testing.assert_allclose(told.before, plan.replan(scenario=None).totals, rtol=RELATIVE)
    np.testing.assert_allclose(told.after, plan.totals, rtol=RELATIVE)
    assert not told.residual.any()
    growth, price = (plan.replan(scenario=sc.Scenario("one", [change])) for change in LAUNCH.changes)
    # Two players' Shapley value by hand: the mean of coming first and of coming last.
    by_hand = ((growth.totals - told.before) + (told.after - price.totals)) / 2
    np.testing.assert_allclose(told.amounts[0], by_hand, rtol=0, atol=1e-6)


def test_the_bridges_sheet_adds_up_by_formulas(plan):
    formulas, values = (book["Bridge"] for book in books_of(plan))
    table = rows_of(values, "step")
    bridge = plan_bridge(plan)
    np.testing.assert_allclose(table["amount"].iloc[: len(bridge.table())], bridge.table()["mean"], atol=CENT)
    assert table["amount"].iloc[-1] == plan.budget
    row = {cell.value: cell.row for cell in values["A"] if cell.value}
    assert formulas.cell(row["sum of the steps"], 2).value == "=ROUND(SUM(B5:B6),2)"
    assert formulas.cell(row["change"], 2).value == "=ROUND(B7-B4,2)"
    assert values.cell(row["residual: 0 where all is told"], 2).value == 0
    assert formulas._charts


def test_a_bridge_of_many_steps_tells_some_together(projection, monkeypatch):
    changes = [*LAUNCH.changes, sc.Intensity(unit="output_tokens", by=-0.1), sc.PromptTrim(by=-0.1)]
    plan = planned(projection, scenario=sc.Scenario("many", changes))
    apart = plan_bridge(plan)
    monkeypatch.setattr("scenarios.budget.alternatives.MOST_STEPS", 3)
    told = plan_bridge(plan)
    assert len(apart.steps) == 4
    assert set(told.steps) == {"volume", "use of tokens", "price and currency"}
    np.testing.assert_allclose(told.after, plan.totals, rtol=RELATIVE)


def test_without_changes_the_plan_is_the_forecast_alone(projection):
    plan = planned(projection, scenario=None)
    _, values = books_of(plan)
    assert rows_of(values["Scenarios"], "scenario").index.tolist() == ["as forecast"]
    assert plan_bridge(plan).steps == ()
    assert rows_of(values["Bridge"], "step")["amount"].iloc[-1] == plan.budget


def test_the_page_tells_scenarios_and_the_bridge_as_the_workbook_does(plan, projection):
    frozen = sc.Scenario("<no> growth", [sc.Growth(monthly=0.0)])
    text = page_html(plan, scenarios=[frozen])
    assert "<h2>Scenarios</h2>" in text
    assert "<h2>From forecast alone to launch</h2>" in text
    assert "&lt;no&gt; growth" in text
    less = round(plan.replan(scenario=frozen).budget) - round(plan.budget)
    assert f"{less:,.0f}".replace("-", "\u2212") in text
    assert text == page_html(plan, scenarios=[frozen], bridge=plan_bridge(plan))
    quiet = planned(projection, scenario=None)
    assert "<h2>Scenarios</h2>" not in page_html(quiet)
    assert "<h2>Scenarios</h2>" in page_html(quiet, scenarios=[frozen])


def test_what_a_plan_hands_over_does_not_depend_on_what_it_handed_over_before(projection):
    first, second = planned(projection), planned(projection)
    table = first.table(["month", "line"], demand=True, errors=True)
    table.loc[:, "budget"] = 0.0  # a table is the caller's own
    first.totals[:] = 0.0
    labels, group = first.ledger.groups(["month"])
    labels.loc[:, "month"], group[:] = "x", 0
    assert workbook_bytes(first) == workbook_bytes(second)
    pd.testing.assert_frame_equal(first.to_frame(), second.to_frame())


# ----------------------------------------------------------------------------------------------------- assumptions


def test_dates_of_assumptions_are_dates_and_stale_ones_ask_to_be_looked_at(plan):
    known = plan.assumptions.head(3).assign(
        as_of=["2026-10-29", None, "by hand"], stale_from=[pd.Timestamp("2027-01-31"), pd.NaT, pd.NaT]
    )
    formulas, values = (book["Assumptions"] for book in books_of(dataclasses.replace(plan, assumptions=known)))
    assert [cell.value for cell in values[3]] == ["topic", "assumption", "source", "as_of", "stale_from", "stale?"]
    assert [values.cell(row, 4).value for row in (4, 5, 6)] == [datetime(2026, 10, 29), None, "by hand"]
    assert values.cell(4, 5).value == datetime(2027, 1, 31)
    assert formulas.cell(4, 6).value == '=IF(E4="","",IF(TODAY()>=E4,"look again",""))'
    assert not values.cell(4, 6).value


# ------------------------------------------------------------------------------------- worked out by an office suite


def typed(content, path, *cells):
    """A workbook in which some cells were typed; without kept values, so that every formula is worked out."""
    book = openpyxl.load_workbook(BytesIO(content))
    for sheet, cell, value in cells:
        book[sheet][cell] = value
    book.save(path)
    return path


def worked_out(paths, folder):
    folder.mkdir()
    try:
        made = office.recalculated(paths, folder)
    except office.NoOfficeError as why:
        pytest.skip(f"NOT TESTED in LibreOffice: {why}")
    return [openpyxl.load_workbook(path, data_only=True) for path in made]


def cells_of(book):
    return {
        (sheet.title, cell.coordinate): cell.value
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.value not in {None, ""}
    }


@pytest.mark.system
def test_libreoffice_works_out_what_the_workbook_keeps(sample, plan, projection, tmp_path):
    plans = {"sample": sample, "odd": plan}
    plans |= {kind: planned(projection, **SPLITS[kind]) for kind in ("none", "two", "equal risk", "sized")}
    content = {name: workbook_bytes(made) for name, made in plans.items()}
    paths = [typed(made, tmp_path / f"{name}.xlsx") for name, made in content.items()]
    for path, book in zip(paths, worked_out(paths, tmp_path / "out"), strict=True):
        kept = cells_of(openpyxl.load_workbook(BytesIO(content[path.stem]), data_only=True))
        # What asks for today tells another thing every day: it is checked for its own two answers.
        clocks = {w for w, f in cells_of(openpyxl.load_workbook(path)).items() if "TODAY(" in str(f)}
        found = cells_of(book)
        assert {found.pop(where, "") for where in clocks} <= {"", "look again"}
        assert kept.keys() == found.keys(), path.stem
        for where, value in kept.items():
            if isinstance(value, int | float):
                assert found[where] == pytest.approx(value, rel=RELATIVE, abs=1e-6), (path.stem, where)
            else:
                assert found[where] == value, (path.stem, where)


@pytest.mark.system
def test_another_confidence_tells_the_plan_made_anew(sample, projection, tmp_path):
    risk = planned(projection, **SPLITS["equal risk"])
    upto = planned(projection, **SPLITS["up to P95"])
    asked = [(sample, level) for level in CHOICES] + [(risk, 0.6), (upto, 0.9)]
    content = {id(plan): workbook_bytes(plan) for plan in (sample, risk, upto)}
    paths = [
        typed(content[id(plan)], tmp_path / f"{i}.xlsx", ("Summary", "B4", level))
        for i, (plan, level) in enumerate(asked)
    ]
    for (plan, level), book in zip(asked, worked_out(paths, tmp_path / "out"), strict=True):
        anew = plan.replan(confidence=level)
        follows(book, anew)
        assert rows_of(book["Bridge"], "step")["amount"].iloc[-1] == pytest.approx(anew.budget, abs=CENT)
        told = rows_of(book["Scenarios"], "scenario").loc["launch" if plan is sample else LAUNCH.name, "budget"]
        assert told == pytest.approx(anew.budget, abs=CENT)


@pytest.mark.system
def test_a_typed_share_moves_money_and_totals_stay(sample, plan, tmp_path):
    asked = [
        (sample, {"development": 0.16}, 0.80, 0),
        (sample, {"development": 0.2, "production": 0.6123, "staging": 0.1, "test": 0.0877}, 0.80, 0),
        (sample, {"production": 0.65}, 0.95, 0),
        (sample, {"development": 0.30}, 0.80, 1),  # above the policy's 20 %, and production stays within its own
        (sample, {"development": 0.2, "production": 0.6, "staging": 0.1, "test": 0.2}, 0.80, 1),  # 1.1 in all
        (plan, {ODD: 0.08}, 0.80, 0),
    ]
    paths = []
    for i, (made, shares, confidence, _) in enumerate(asked):
        content = workbook_bytes(made)
        sheet = openpyxl.load_workbook(BytesIO(content))["Environments"]
        _, rows, _ = environments_of(sheet)
        cells = [("Environments", f"C{rows[name]}", share) for name, share in shares.items()]
        paths.append(typed(content, tmp_path / f"{i}.xlsx", ("Summary", "B4", confidence), *cells))
    for (made, shares, confidence, wrong), book in zip(asked, worked_out(paths, tmp_path / "out"), strict=True):
        anew = made.replan(confidence=confidence)
        table, _, months = environments_of(book["Environments"])
        summary = dict(book["Summary"].iter_rows(min_row=4, max_row=16, max_col=2, values_only=True))
        assert summary["Check"] >= 1 if wrong else summary["Check"] == 0
        assert summary[f"Budget (P{confidence * 100:g})"] == pytest.approx(anew.budget, abs=CENT)
        assert table["budget"].sum() == pytest.approx(anew.budget, abs=CENT)
        assert table["base"].sum() == pytest.approx(anew.base, abs=CENT)
        np.testing.assert_allclose(months.iloc[:, : len(table)].sum(axis=1), anew.table("month")["budget"], atol=CENT)
        np.testing.assert_allclose(months.iloc[:, : len(table)].sum(), table["budget"], atol=CENT)
        for name, share in list(shares.items())[:3]:  # the last of all typed shares has what is left
            by_hand = (Decimal(str(share)) * Decimal(f"{anew.budget:.2f}")).quantize(Decimal("0.01"), ROUND_HALF_UP)
            assert table.loc[name, "budget"] == pytest.approx(float(by_hand), abs=CENT)
        if len(shares) == 4 and not wrong:  # as a plan whose policy says so, but for the rounding of its finer cells
            fixed = made.replan(split=sc.Split("environment", shares))
            finer = CENT * 2 * len(fixed.ledger.labels)
            told = fixed.table(["month", "environment"])["budget"].unstack()
            np.testing.assert_allclose(months[list(shares)].astype(float), told[list(shares)], rtol=0, atol=finer)
        if len(shares) == 1:  # the others keep their proportions
            rest = anew.table("environment")["budget"].drop(list(shares))
            moved = table["budget"].drop(list(shares)) / rest
            np.testing.assert_allclose(moved, moved.iloc[0], rtol=1e-6)  # cents, of tens of thousands
