"""The plan's page as text: what is asked for, tables that add up and agree, names that stay names."""

import matplotlib.style
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.drawing import DARK, LIGHT
from scenarios.report.layout import POLICY
from scenarios.report.page import page_html
from scenarios.report.workbook import workbook_bytes
from tests.pages import DEMAND, SCRIPT, Reader, plan_of, usage_of

MINUS = "\u2212"


@pytest.fixture(scope="module")
def usage():
    return usage_of()


@pytest.fixture(scope="module")
def plan(usage):
    return plan_of(usage)


@pytest.fixture(scope="module")
def page(plan):
    return Reader(page_html(plan))


def number(cell):
    return int(cell.replace(",", "").replace(MINUS, "-"))


def numbers(cells):
    return [number(cell) for cell in cells]


def test_the_page_is_whole_in_itself_and_accessible(plan, tmp_path):
    text = plan.to_html(tmp_path / "plan.html").read_text("utf-8")
    page = Reader(text)
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    assert not page.all("script", "link", "img", "iframe", "object", "form", "base")
    for attrs in page.all("use", "image"):
        assert attrs["href"].startswith("#")
    assert page.all("meta")[1] == {"http-equiv": "Content-Security-Policy", "content": POLICY}
    assert "default-src 'none'" in POLICY
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("nav")) == 1
    assert len(page.all("svg")) == len(page.all("figure")) == len(page.all("figcaption")) >= 5
    assert len(page.all("table")) == len(page.all("caption")) == len(page.tables)  # each in a region of its own name
    assert all(attrs["role"] == "img" and "USD" in attrs["aria-label"] for attrs in page.all("svg"))
    assert all(attrs["scope"] in {"col", "row"} for attrs in page.all("th"))
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert page.all("html")[0]["lang"] == "en"


def test_every_link_leads_to_a_part_of_the_page(page):
    parts = [attrs["id"] for attrs in page.all("section")]
    links = [attrs["href"] for attrs in page.all("a")]
    assert links[0] == "#content"
    assert page.all("main")[0]["id"] == "content"
    assert links[1 : len(parts)] == [f"#{part}" for part in parts[1:]]  # the contents, in their order
    assert {link[1:] for link in links[len(parts) :]} <= set(parts)


def test_light_and_dark_are_the_palettes_and_paper_is_light(plan):
    text = page_html(plan)
    dark = text.index("@media screen and (prefers-color-scheme:dark)")
    assert text.index(f"--paper:{LIGHT.paper}") < dark < text.index(f"--paper:{DARK.paper}")
    drawn = text[text.index("<main") :]
    for colour in (LIGHT.ink, LIGHT.muted, LIGHT.future, LIGHT.budget):
        assert colour not in drawn  # pictures take the page's


def test_names_are_text_on_the_page_and_in_a_notebook(plan):
    named = page_html(plan, limit=1e5, title=f"</title>{SCRIPT}</style>")
    for text in (named, page_html(plan), plan._repr_html_()):
        page = Reader(text)
        assert not page.all("script")
        assert SCRIPT in page.text
        assert f"{round(plan.budget):,}" in page.text
    assert "\x00" not in named
    assert "\u202e" not in named


def test_the_page_says_first_what_is_asked_for(plan):
    page = Reader(page_html(plan, limit=plan.quantile(0.7), title="Next year"))
    budget, funding = (f"{round(amount):,}" for amount in (plan.budget, plan.budget + 20_000.5))
    assert "Budget plan: Next year" in page.text
    assert f"To be approved: USD {budget} for Q1–Q2 2027. It is enough in 80 % of 400 simulated futures." in page.text
    assert f"USD {funding} must be found." in page.text
    assert "30 % of futures go over USD" in page.text
    stress = [f"{plan.quantile(q):,.0f}" for q in (0.9, 0.95)]
    assert f"If it goes worse: USD {stress[0]} in 90 % and USD {stress[1]} in 95 % of futures" in page.text
    assert next(iter(page.all("section")))["id"] == "summary"


def test_a_budget_above_the_stress_levels_tells_only_those_beyond_it(usage):
    plan = plan_of(usage, "1M", confidence=0.92, draws=300)
    text = Reader(page_html(plan)).text
    assert "in 90 % and" not in text
    assert f"If it goes worse: USD {plan.quantile(0.95):,.0f} in 95 % of futures" in text
    assert "If it goes worse" not in Reader(page_html(plan.replan(confidence=0.97))).text


def test_the_budget_at_a_glance_adds_up_and_is_that_of_the_full_table(plan, page):
    head, *rows = page.tables["The budget by month and environment"]
    assert head[0] == "month"
    assert head[-1] == "total"
    shares, policy, rows = rows[-2], rows[-1], {row[0]: numbers(row[1:]) for row in rows[:-2]}
    assert list(rows) == ["2027-01", "2027-02", "2027-03", "2027Q1", "2027-04", "2027-05", "2027-06", "2027Q2", "total"]
    assert all(sum(row[:-1]) == row[-1] for row in rows.values())
    for column in range(len(head) - 1):
        for quarter, months in (("2027Q1", ("01", "02", "03")), ("2027Q2", ("04", "05", "06"))):
            assert rows[quarter][column] == sum(rows[f"2027-{m}"][column] for m in months)
        assert rows["total"][column] == rows["2027Q1"][column] + rows["2027Q2"][column]
    assert rows["total"][-1] == round(plan.budget)
    full = {tuple(row[:2]): number(row[-1]) for row in page.tables["The plan by month and environment"][1:]}
    for month in ("2027-01", "2027-06"):
        assert rows[month] == [*(full[month, name] for name in head[1:-1]), rows[month][-1]]
    at = head.index("development")
    assert policy[at] == "15–18 %"
    assert shares[at] == f"{rows['total'][at - 1] / rows['total'][-1] * 100:.1f} %"
    assert 15.0 <= float(shares[at].removesuffix(" %")) <= 18.0


def test_many_environments_stand_below_one_another(usage):
    many = usage_of({**{f"site {i}": 1e3 * (i + 1) for i in range(9)}, **DEMAND})
    page = Reader(page_html(plan_of(many, draws=200)))
    head, *rows = page.tables["The budget by month and environment"]
    assert head == ["environment", "2027Q1", "2027Q2", "total"]
    assert len(rows) == 14
    columns = list(zip(*(numbers(row[1:]) for row in rows), strict=True))
    assert all(sum(column[:-1]) == column[-1] for column in columns)


def test_pictures_have_their_numbers_in_tables(plan, page):
    levels = {row[0]: row[1:] for row in page.tables["Levels"][1:]}
    assert number(levels["P80"][0]) == round(plan.budget)
    assert levels["P80"][-1] == "budget"
    assert number(levels["P95"][1]) == round(plan.standard_error(0.95))
    glance = page.tables["The budget by month and environment"]
    months = page.tables["Spend by month, history to plan"][1:]
    told = {row[0]: row[5] for row in months if row[1] == "plan"}
    assert told.items() <= {row[0]: row[-1] for row in glance}.items()  # to the unit
    assert [row[0] for row in months if row[1] == "gap"] == ["2026-10", "2026-11", "2026-12"]
    policy = {row[0]: row[1:] for row in page.tables["Environments: demand, policy and budget"][1:]}
    told = plan.policy("environment")
    total = dict(zip(glance[0], next(row for row in glance if row[0] == "total"), strict=True))
    assert {name: row[5] for name, row in policy.items()}.items() <= total.items()
    assert number(policy["development"][5]) == pytest.approx(told.loc["development", "budget"], abs=8)
    assert policy["development"][3] == "15–18 %"
    assert sum(number(row[4]) for row in policy.values()) == pytest.approx(0, abs=len(policy))
    steps = page.tables["What must be found"][1:]
    assert number(steps[-1][1]) == round(plan.funding)
    bridge = next(rows for name, rows in page.tables.items() if name.startswith("From forecast alone"))
    assert sum(number(row[1]) for row in bridge[1:-1]) == pytest.approx(number(bridge[-1][1]), abs=len(bridge))


def test_a_plan_of_one_environment_tells_only_what_there_is():
    plan = plan_of(usage_of({"production": 3e4}), "1M", split=False, lines=False)
    page = Reader(page_html(plan))
    parts = [attrs["id"] for attrs in page.all("section")]
    assert parts == ["summary", "months", "budget", "sure", "lines", "scenarios", "bridge", "assumptions", "numbers"]
    assert "must be found" not in page.text
    assert "policy transfer" not in page.text


def test_each_split_has_its_picture_and_its_table(usage):
    frame = pd.concat([usage.frame.assign(department=name) for name in ("research", "care")])
    projection = fc.project(
        fc.Usage.from_frame(frame), horizon="1Q", by=("environment", "department"), model="seasonal_naive",
        trajectories=40, seed=1,
    )  # fmt: skip
    splits = [
        sc.EnvironmentSplit(production=(0.6, 0.7)),
        sc.Split("department", {"care": (0.2, 0.4), "research": (0.3, None)}),
    ]
    plan = sc.plan(projection, split=splits, draws=200, seed=1)
    head, *rows = Reader(page_html(plan)).tables["What each department wants and gets"]
    assert head[:2] == ["environment", "department"]
    assert {(row[1], row[5]) for row in rows} == {("care", "20–40 %"), ("research", "at least 30 %")}
    text = page_html(plan)
    assert "<svg" in text[text.index("<h2>What each department") : text.index("<h2>How sure")]


def test_months_begun_or_of_another_calendar_are_told_as_such(usage, page):
    words = "Months are calendar months"
    assert words not in page.text
    made = Reader(page_html(plan_of(usage, "90D", lines=False, draws=200)))
    assert words in made.text
    # October 2026 was under way: the picture holds what was spent in it, the plan does not.
    told = next(row for row in made.tables["Spend by month, history to plan"] if row[:2] == ["2026-10", "plan"])
    glance = next(row for row in made.tables["The budget by month and environment"] if row[0] == "2026-10")
    assert number(told[5]) > 10 * number(glance[-1])


def test_the_page_tells_the_plan_that_it_is_of(plan, page):
    assert plan.fingerprint in page.text


def test_every_page_that_can_be_written_is_known():
    writers = {
        f"{module.__name__}.{name}"
        for module in (fc, sc)
        for name in module.__all__
        if isinstance(getattr(module, name), type) and hasattr(getattr(module, name), "to_html")
    }
    # A cleaning tells its log as a piece for notebooks; the pages of the others are opened by test_pages_in_browser.py.
    assert writers - {"forecast.Cleaned"} == {"scenarios.BudgetPlan", "scenarios.Review"}


def test_months_of_a_plan_in_part_and_of_a_small_one_are_told_to_the_cent():
    plan = plan_of(usage_of({"production": 3.0, "test": 1.0}), "1M", split=False, lines=False)
    page = Reader(page_html(plan))
    rows = page.tables["The budget by month and environment"]
    assert rows[0] == ["month", "production", "test", "total"]
    total = next(row for row in rows if row[0] == "total")
    assert total[-1] == f"{plan.budget:,.2f}"
    assert pd.Series(total[1:3]).astype(float).sum() == pytest.approx(plan.budget, abs=1e-6)


def test_a_page_and_a_workbook_are_the_same_whatever_style_they_are_made_in(plan):
    page, book = page_html(plan), workbook_bytes(plan)
    with fc.chart_style(dark=True, locale="de_DE"):
        assert page_html(plan) == page
        assert workbook_bytes(plan) == book
        assert plan.plot().title.get_color() == DARK.ink  # pictures follow it again
    with matplotlib.style.context("dark_background"):
        assert page_html(plan) == page
