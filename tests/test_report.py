"""Charts, tables, workbook and page of one small plan whose names try to break out of each."""

import itertools
import re
import subprocess
import sys
from dataclasses import asdict
from io import BytesIO

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

import forecast as fc
import scenarios as sc
from forecast import drawing, figures
from forecast.errors import ModelError, PlanError
from scenarios.report import charts, save
from scenarios.report.months import months_of
from scenarios.report.page import page_html, write_page
from scenarios.report.tables import MONEY, plan_text, round_to, rows_of, shown
from scenarios.report.workbook import workbook_bytes, write_workbook
from tests.pages import DEMAND, FORMULA, SCRIPT, plan_of, usage_of

#: Money is held to the cent; sums of floats of cents are exact far below that.
CENT = 0.005


@pytest.fixture(scope="module")
def usage():
    return usage_of()


@pytest.fixture(scope="module")
def plan(usage):
    return plan_of(usage)


def texts_of(ax):
    """Every text that is drawn, with where it stands once the figure is laid out."""
    figure = ax.figure
    figure.draw_without_rendering()
    ticks = [
        tick.label1
        for axis in (ax.xaxis, ax.yaxis)
        for tick in axis.get_major_ticks()
        if min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    ]
    legend = ax.get_legend().get_texts() if ax.get_legend() else []
    found = [*ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label, *ticks, *legend]
    drawn = [text for text in found if text.get_text().strip() and text.get_visible()]
    return {text: Text.get_window_extent(text) for text in drawn}  # of an annotation, without its leader


# ---------------------------------------------------------------------------------------------------------- charts


@pytest.mark.parametrize("kind", charts.KINDS)
def test_a_chart_tells_its_finding_in_money_and_names_its_axes(plan, kind):
    ax = plan.plot(kind)
    assert re.search(r"USD [\d.,]+k?\b", ax.get_title())
    assert ax.get_xlabel()
    assert "USD" in ax.get_xlabel() + ax.get_ylabel()
    assert not any(re.search(r"\de[+-]?\d", text.get_text()) for text in texts_of(ax))


@pytest.mark.parametrize("kind", charts.KINDS)
def test_a_chart_draws_on_the_axes_it_is_given_and_leaves_no_figure_behind(plan, kind):
    ax = drawing.offscreen()
    assert plan.plot(kind, ax=ax) is ax
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.parametrize(("horizon", "split", "lines"), [
    ("1M", True, True), ("2M", False, False), ("90D", True, False), ("2Q", True, True), ("4Q", False, True),
])  # fmt: skip
def test_no_text_is_clipped_and_no_labels_overlap(usage, horizon, split, lines):
    made = plan_of(usage, horizon, split=split, lines=lines, draws=200)
    kinds = [kind for kind in charts.KINDS if split or kind != "policy"]
    drawn = [charts.picture(made, kind, limit=made.budget * 1.1) for kind in kinds]
    for ax in drawn:
        places = texts_of(ax)
        paper = ax.figure.bbox
        for text, place in places.items():
            assert paper.x0 <= place.x0 < place.x1 <= paper.x1, text
            assert paper.y0 <= place.y0 < place.y1 <= paper.y1, text
        for (one, a), (other, b) in itertools.combinations(places.items(), 2):
            touch = min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 2
            assert not touch, (one, other)


def test_the_month_that_history_and_forecast_share_is_counted_once(plan, usage):
    told = months_of(plan)
    assert list(told.gap_months.astype(str)) == ["2026-10", "2026-11", "2026-12"]
    assert told.known.index[-1] == pd.Period("2026-09", "M")
    october = usage.frame[(usage.frame["date"] >= "2026-10-01") & (usage.frame["date"] <= plan.projection.as_of)]
    paid = fc.PriceBook.builtin().cost(october).sum()
    np.testing.assert_allclose(told.gap[:, 0], plan.gap[:, 0] + paid)
    np.testing.assert_allclose(told.planned.sum(axis=1), plan.totals)
    assert abs(told.budget.sum() - plan.budget) < CENT


def test_a_month_in_part_history_is_not_shown_as_a_whole_one(plan):
    assert plan.projection.usage.start.day != 1
    assert months_of(plan).known.index[0].start_time > plan.projection.usage.start


def test_a_plan_that_starts_in_the_month_of_its_history_carries_the_known_days(usage):
    made = plan_of(usage, "90D", lines=False)
    told = months_of(made)
    assert not len(told.gap_months)
    assert told.months[0] == pd.Period("2026-10", "M")
    assert told.planned[:, 0].min() > made.ledger.money[:, 0].sum(axis=1).max()
    assert [str(m) for m in told.part] == ["2027-01"]


def test_the_chart_of_environments_says_who_is_squeezed(plan, usage):
    assert "Development is squeezed by USD" in charts.environments(plan).get_title()
    assert "18 %" in charts.environments(plan).get_title()
    assert "No split" in charts.environments(plan_of(usage, split=False)).get_title()
    easy = sc.plan(plan.projection, split=sc.EnvironmentSplit(production=(0.1, 0.9)), draws=200)
    assert "No environment is squeezed" in charts.environments(easy).get_title()


def test_the_s_curve_tells_the_chance_of_going_over_a_limit(plan):
    limit = plan.quantile(0.7)
    title = charts.s_curve(plan, limit=limit).get_title()
    assert "30 % of futures go over the limit" in title
    assert drawing.money(limit, "USD") in title


def test_a_probability_is_never_rounded_to_certainty():
    assert [charts.percent(p) for p in (0, 0.001, 0.3, 0.999, 1)] == ["0 %", "under 1 %", "30 %", "over 99 %", "100 %"]


def test_charts_take_light_or_dark_from_their_paper(plan):
    with drawing.chart_style(dark=True):
        dark = plan.plot()
    assert dark.title.get_color() == drawing.DARK.ink
    assert plan.plot().title.get_color() == drawing.LIGHT.ink
    assert dark.get_title()


@pytest.mark.parametrize("palette", [drawing.LIGHT, drawing.DARK])
def test_text_colours_keep_a_contrast_of_four_and_a_half(palette):
    def luminance(colour):
        parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))  # WCAG 2.2, relative luminance

    paper = luminance(palette.paper)
    for role in ("ink", "muted", "known", "future", "budget"):
        low, high = sorted((paper, luminance(asdict(palette)[role])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, role


def test_importing_reports_loads_no_drawing_library():
    code = (
        "import sys, scenarios.report.page, scenarios.report.workbook;"
        "assert not {'matplotlib', 'xlsxwriter'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ------------------------------------------------------------------------------------------------ a forecast's fan


@pytest.fixture(scope="module")
def paths(usage):
    frame = usage.frame.rename(columns={"environment": "unique_id", "date": "ds", "requests": "y"})
    return fc.sample_paths(frame[["unique_id", "ds", "y"]], horizon=14, freq="D", model="seasonal_naive", draws=200)


def test_a_fan_shows_history_bands_and_the_quantile_of_the_total(paths):
    ax = paths.plot("production")
    total = np.quantile(paths.values[:, :, paths.series.index("production")].sum(axis=1), 0.5)
    assert ax.get_title().startswith(f"production: {drawing.short(total)} over 14 days at P50")
    assert len(ax.collections) == 2
    assert len(ax.lines[0].get_xdata()) == 3 * 14


def test_a_fan_of_one_period_and_of_sums_has_no_history_and_still_a_picture(paths):
    for one in (paths.total(), paths.total("W-SUN"), paths.sum_series("all of it")):
        ax = figures.fan(one)
        assert ax.get_title()
        assert ax.get_xticklabels()


def test_a_fan_of_an_unknown_series_names_the_nearest():
    values = np.ones((3, 2, 1))
    made = fc.SamplePaths(values, pd.date_range("2026-01-01", periods=2), ("production",), 0, "by hand")
    with pytest.raises(ModelError, match=r"'producton'.*did you mean 'production'"):
        figures.fan(made, series="producton")


@pytest.mark.parametrize(("value", "told"), [
    (0, "0"), (0.004, "0.004"), (12.3, "12.30"), (950, "950"), (9_999.4, "9,999"), (9_999.6, "10.0k"),
    (26_805, "26.8k"), (304_214.7, "304k"), (999_600, "1.00M"), (-1_234_000, "−1.23M"), (5e13, "50.0T"),
])  # fmt: skip
def test_money_is_told_in_four_digits_without_exponent(value, told):
    assert drawing.short(value) == told
    assert "e" not in drawing.tick(value)


@pytest.mark.parametrize(("first", "last", "told"), [
    ("2027-01-01", "2027-06-30", "Q1–Q2 2027"), ("2027-01-01", "2027-12-31", "2027"),
    ("2026-10-01", "2027-03-31", "Q4 2026–Q1 2027"), ("2026-11-01", "2027-01-31", "Nov 2026–Jan 2027"),
    ("2027-02-03", "2027-02-13", "3 Feb–13 Feb 2027"), ("2026-10-30", "2027-01-27", "30 Oct 2026–27 Jan 2027"),
])  # fmt: skip
def test_a_span_is_told_as_a_planner_says_it(first, last, told):
    assert drawing.span_words(pd.Timestamp(first), pd.Timestamp(last)) == told


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_labels_are_moved_apart_in_order_and_stay_inside(places):
    wanted = np.sort(np.array(places))
    moved = drawing.apart(wanted, 10.0, 0.0, 100.0)
    assert (np.diff(moved) >= 10.0 - 1e-9).all()
    assert moved[0] >= -1e-9
    assert moved[-1] <= 100.0 + 1e-9


# ---------------------------------------------------------------------------------------------------------- tables


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_rounding_keeps_the_total_and_moves_no_amount_by_one(amounts):
    found = round_to(np.array(amounts), round(sum(amounts)))
    assert found.sum() == round(sum(amounts))
    assert np.abs(found - amounts).max() < 1 + 1e-6


@pytest.mark.parametrize("by", [("month", "environment"), ("environment",), ("quarter", "line"), ("month",), ()])
def test_shown_money_adds_up_to_the_shown_total(plan, by):
    table = shown(plan, by)
    assert table["budget"].sum() == round(plan.budget)
    assert table["base"].sum() == round(plan.base)
    assert (table["base"] + table["contingency"] == table["budget"]).all()
    assert (table["budget"] - plan.table(list(by))["budget"]).abs().max() <= 1.5


def test_quarters_environments_and_total_are_sums_of_the_rows_above_them(plan):
    rows = rows_of(plan, ("month", "environment"))
    kinds = {kind: [row for row in rows if row.kind == kind] for kind in ("cell", "quarter", "part", "total")}
    assert [len(found) for found in kinds.values()] == [24, 2, 4, 1]
    for name in ("base", "contingency", "budget"):
        at = MONEY.index(name)
        sums = {kind: sum(int(row.money[at].replace(",", "")) for row in found) for kind, found in kinds.items()}
        assert len(set(sums.values())) == 1


def test_a_small_plan_is_shown_to_the_cent():
    made = plan_of(usage_of({"production": 3.0}), "1M", split=False, lines=False)
    assert made.budget < 1_000
    assert shown(made, ("month",))["budget"].sum() == round(made.budget * 100)
    assert f"{made.budget:,.2f}" in plan_text(made)


def test_the_text_report_tells_budget_limit_totals_and_assumptions(plan):
    told = plan_text(plan, limit=plan.quantile(0.7))
    assert f"USD {round(plan.budget):,} at P80 for Q1–Q2 2027" in told
    assert "30 % of futures go over USD" in told
    assert f"funding {round(plan.budget) + 20_000:,}" in told
    for word in ("2027-03", "production", "2027Q1", "total", "P95", "contingency", "Assumptions", "seed 1"):
        assert word in told
    assert "\x1b" not in told
    assert "\x00" not in told
    rules = [line for line in told.splitlines() if line.startswith("---")]
    assert len({len(rule) for rule in rules}) == 1


@pytest.mark.parametrize("by", ["quarter", "environment", ("line", "project"), ()])
def test_the_text_report_goes_by_anything(plan, by):
    assert f"{round(plan.budget):,}" in plan_text(plan, by)


# -------------------------------------------------------------------------------------------------------- workbook


def books_of(content):
    return tuple(openpyxl.load_workbook(BytesIO(content), data_only=values) for values in (False, True))


def column_of(sheet, name):
    return next(cell.column for cell in sheet[3] if cell.value == name)


def test_the_workbook_has_its_sheets_with_frozen_headers(plan, tmp_path):
    path = plan.to_excel(tmp_path / "plan.xlsx")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == [
        "Summary", "Monthly", "Environments", "Lines", "Scenarios", "Bridge", "Assumptions", "Levels",
    ]  # fmt: skip
    assert all(sheet.freeze_panes for sheet in book)
    assert book["Summary"]._images
    assert book["Monthly"]._charts


@pytest.mark.parametrize("name", ["Monthly", "Environments", "Lines"])
def test_totals_are_live_sums_and_equal_the_plan_to_the_cent(plan, name):
    formulas, values = (book[name] for book in books_of(workbook_bytes(plan)))
    total = next(row for row in range(4, 200) if formulas.cell(row, 1).value == "Total")
    for amount, expected in (("base", plan.base), ("budget", plan.budget), ("contingency", plan.contingency)):
        column = column_of(formulas, amount)
        letter = formulas.cell(3, column).column_letter
        assert formulas.cell(total, column).value == f"=SUM({letter}4:{letter}{total - 1})"
        assert abs(values.cell(total, column).value - expected) < CENT
        cells = [values.cell(row, column).value for row in range(4, total)]
        assert abs(sum(cells) - expected) < CENT
    assert "(" in formulas.cell(4, column_of(formulas, "budget")).number_format


def test_the_summary_takes_its_figures_from_the_other_sheets(plan):
    formulas, values = (book["Summary"] for book in books_of(workbook_bytes(plan, limit=plan.quantile(0.7))))
    rows = {values.cell(row, 1).value: (formulas.cell(row, 2).value, values.cell(row, 2).value) for row in range(4, 20)}
    assert rows["Budget (P80)"][0].startswith("=Monthly!")
    assert rows["Budget (P80)"][1] == plan.budget
    assert rows["Funding"] == ("=SUM(B7:B8)", plan.funding)
    assert abs(next(v[1] for k, v in rows.items() if k and k.startswith("Chance of going over")) - 0.3) < 0.01
    assert rows["Months less environments"][1] == 0


def test_no_name_becomes_a_formula_or_a_link(plan):
    formulas, _ = books_of(workbook_bytes(plan))
    # Functions, cells, sheets and ranges of ours, numbers, and words that are written here.
    word = r"""SUM|SUMIFS|SUMPRODUCT|ROUND|IF|AND|OR|ABS|MIN|MAX|COUNT|COUNTBLANK|ISNUMBER|INDEX|MATCH|TODAY
        |confidence|level_no|plan_(base|budget)|lv_(base|budget|month|quarter|environment|row)
        |(Monthly|Environments|Summary)!|\$?[A-Z]{1,2}\$?\d+|[\d.]+|[-+*/=<>,():&]|"[\w :()',.]*\""""
    ours = re.compile(f"=(({word})*)", re.VERBOSE)
    texts = set()
    for sheet in formulas:
        for cell in itertools.chain.from_iterable(sheet.iter_rows()):
            assert cell.hyperlink is None
            if cell.data_type == "f":
                assert ours.fullmatch(cell.value), cell.value
            elif cell.data_type == "s" and cell.value:
                texts.add(cell.value)
                assert cell.quotePrefix or cell.value[0] not in "=+-@", cell.value
    assert {FORMULA, SCRIPT, "+base", "-emergency"} <= texts
    assert not any(re.search(r"[\x00-\x1f\u202e]", text) for text in texts)


def test_a_workbook_without_split_lines_or_environments(tmp_path):
    made = plan_of(usage_of({"production": 3e4}), "2M", split=False, lines=False)
    assert write_workbook(made, tmp_path / "plan.xlsx").stat().st_size > 10_000


def test_a_workbook_is_named_as_one(plan, tmp_path):
    with pytest.raises(PlanError, match=r"plan\.xls: .*such as plan\.xlsx"):
        plan.to_excel(tmp_path / "plan.xls")


def test_the_same_plan_makes_the_same_files(plan):
    assert workbook_bytes(plan) == workbook_bytes(plan)
    assert page_html(plan) == page_html(plan)


# ----------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("write", [write_page, write_workbook])
def test_a_file_that_cannot_be_written_is_named(plan, tmp_path, write):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder.xlsx").mkdir()
    for place, said in (
        ("none/plan.xlsx", "no folder"),
        ("file/plan.xlsx", "cannot be written"),
        ("folder.xlsx", "a folder"),
    ):
        with pytest.raises(PlanError, match=said) as caught:
            write(plan, tmp_path / place)
        assert str(tmp_path / place) in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.xlsx"]


def test_a_write_that_fails_halfway_leaves_the_old_file(tmp_path, monkeypatch):
    path = save(tmp_path / "plan.html", lambda: b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(PlanError, match=r"plan\.html cannot be written: No space left"):
        save(path, lambda: b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["plan.html"]


def test_a_read_only_folder_is_named(plan, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.touch", refuse)  # the system does not refuse root, whom tests may run as
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(PlanError, match=r"plan\.html cannot be written: the folder .* is read-only"):
        plan.to_html(tmp_path / "plan.html")


def test_a_file_has_the_rights_of_any_new_file(tmp_path):
    made = save(tmp_path / "a", bytes)
    (tmp_path / "b").write_bytes(b"")
    assert made.stat().st_mode == (tmp_path / "b").stat().st_mode


def test_the_picture_of_environments_tells_the_budgets_of_the_table():
    """A small plan, where months rounded apart make another 929 than 928."""
    plan = plan_of(usage_of({name: 0.01 * size for name, size in DEMAND.items()}), lines=False)
    budgets = [row.money[-1] for row in rows_of(plan, ["month", "environment"]) if row.kind == "part"]
    told = {text.get_text().split(", policy")[0] for text in plan.plot("environments").texts}
    assert {f"{whole:,.0f}" for whole in plan.table("environment")["budget"]} != set(budgets)
    assert {f"budget {drawing.short(float(amount.replace(',', '')))}" for amount in budgets} <= told
