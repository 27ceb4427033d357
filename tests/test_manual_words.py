"""The manual's words: the glossary is whole, names that pages call exist, and what a page shows of a command is so."""

import re
from pathlib import Path

import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.schema import DIMENSIONS, UNITS
from scenarios.cli import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
#: A definition list: terms in bold on a line of their own, then a colon and what they mean, over one line or more.
ENTRY = re.compile(r"^\*\*(?P<terms>.+)\*\*\n: (?P<told>.+(?:\n  .+)*)$", re.MULTILINE)
TERMS = [term.strip("` ") for entry in ENTRY.finditer(GLOSSARY) for term in entry["terms"].split(",")]
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def page_id(page):
    return page.relative_to(ROOT).as_posix()


def test_every_bold_line_of_the_glossary_is_an_entry():
    assert len(re.findall(r"^\*\*", GLOSSARY, re.MULTILINE)) == len(ENTRY.findall(GLOSSARY)) > 100


def test_no_term_stands_twice_in_a_section():
    for section in GLOSSARY.split("\n## ")[1:]:
        terms = [term for entry in ENTRY.finditer(section) for term in entry["terms"].split(", ")]
        assert len(terms) == len(set(terms)), section.splitlines()[0]


def test_billable_units_are_in_the_glossary():
    assert set(UNITS) - set(TERMS) == set()


def test_columns_of_a_plans_table_are_in_the_glossary():
    days = pd.date_range("2026-01-01", "2026-03-31")
    frame = pd.DataFrame({"date": days, "provider": "openai", "model": "gpt-5", "environment": "production"})
    frame = frame.assign(project="search", department="product", requests=1_000.0, input_tokens=1e6)
    quarter = fc.project(fc.Usage.from_frame(frame), horizon="1Q", model="run_rate", trajectories=20)
    plan = sc.plan(quarter, components=[sc.Fixed("gateway", 100)], draws=100)
    by = ["month", "quarter", "year", "environment", "department", "project", "line"]
    table = plan.table(by, errors=True, demand=True)
    assert {*table.columns, *table.index.names} - set(TERMS) == set()


def test_labels_of_usage_are_in_the_glossary():
    known = {term.replace(" ", "_") for term in TERMS} | {"provider", "model", "region"}  # told with route
    assert set(DIMENSIONS) - known == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_names_that_a_page_calls_are_public(page):
    called = set(re.findall(r"(?<![\w.])(sc|fc)\.([A-Za-z]\w*)", page.read_text(encoding="utf-8")))
    assert [f"{short}.{name}" for short, name in called if not hasattr({"sc": sc, "fc": fc}[short], name)] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_of_a_page_lead_somewhere(page):
    """Files that are linked exist, and so do the headings that are linked in pages."""
    dead = []
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", FENCED.sub("", page.read_text(encoding="utf-8"))):
        path, _, heading = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (heading and file.suffix == ".md" and heading not in headings(file)):
            dead.append(target)
    assert not dead


def headings(page):
    """The anchors of a page's headings, as code hosts and MyST make them."""
    lines = re.findall(r"^#{1,4} (.+)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.strip().lower()).replace(" ", "-") for line in lines}


def test_start_shows_what_the_demo_says(capsys):
    page = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    shown = next(block for block in re.findall(r"```text\n(.*?)```", page, re.DOTALL) if "base (P50)" in block)
    assert main(["demo", "--quiet"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line for line in shown.splitlines() if line not in told] == []
