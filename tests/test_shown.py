"""Whatever is public shows itself: well-formed, escaped and short, in numbers that a finance person reads."""

import dataclasses
import math
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.shown import Result, Shown, Table, short_repr, show, table_of
from forecast.shown.cells import told
from forecast.shown.text import columns, table_text
from tests.public_results import HOSTILE, examples, is_ours, public_classes, reached, returned_classes

#: Letters that a name in a list, a debugger or a traceback may take.
SHORT = 200
#: Bytes of one result's HTML: twenty rows of ten columns are 16,000.
SMALL = 40_000
#: Elements that have no end.
VOID = {"br", "hr", "img", "input", "meta", "link", "col"}
#: What a viewer that keeps no style keeps: GitHub's sanitiser has these among its attributes.
KEPT = {"class", "align", "scope"}


class Checked(HTMLParser):
    """Parses a fragment, and notes what is not as it should be."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open, self.wrong, self.tags, self.text, self.numbers = [], [], [], "", []
        self.feed(text)
        self.close()
        self.wrong += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        given = dict(attrs)
        self.wrong += [f"<{tag} {name}>" for name in given if name not in KEPT]
        if "n" in (given.get("class") or "").split() and given.get("align") != "right":
            self.wrong.append(f"<{tag}> of a number is not aligned to the right")
        if tag in {"td", "th"}:
            self.numbers.append([given.get("align"), ""])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            return
        self.text += data
        if self.open and self.open[-1] in {"td", "th"}:
            self.numbers[-1][1] += data


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[type, object]:
    made = examples(str(tmp_path_factory.mktemp("results")))
    return {type(one): one for _, one in reached(made)}


@pytest.fixture(scope="module")
def results(found) -> dict[str, Result]:
    return {kind.__name__: one for kind, one in found.items() if hasattr(one, "_repr_html_")}


PUBLIC = sorted(public_classes(), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_every_public_class_has_an_example_and_a_short_name(found, kind):
    if getattr(kind, "_is_protocol", False):
        return
    assert kind in found, f"give tests/public_results.py an example of {kind.__name__}"
    name = repr(found[kind])
    assert name.startswith(kind.__name__) or kind is Shown
    assert kind is Shown or len(name) <= SHORT, name
    assert "\n" not in name or kind is Shown
    assert "object at 0x" not in name


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_what_holds_numbers_shows_itself_and_what_is_handed_over_is_its_call(found, kind):
    if getattr(kind, "_is_protocol", False):
        return
    one = found[kind]
    held = [getattr(one, f.name) for f in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []
    if any(isinstance(value, np.ndarray | pd.Series) for value in held):
        assert isinstance(one, Result)
    if not isinstance(one, Result | Shown):
        assert type(one).__repr__ in {short_repr, fc.Prophet.__repr__} or "__repr__" in vars(kind)


def test_what_results_hold_names_itself_shortly_too(found):
    long = {kind.__name__: len(repr(one)) for kind, one in found.items() if kind is not Shown}
    assert {name: size for name, size in long.items() if size > SHORT} == {}


def test_what_is_returned_is_mostly_reached(found):
    """The walk would prove little if it stopped at the door."""
    assert len(found) > 140
    assert len(set(found) & returned_classes()) > 40


def html_of(results):
    return {name: one._repr_html_() for name, one in results.items()}


def test_html_is_well_formed_and_small(results):
    assert len(results) > 35
    for name, page in html_of(results).items():
        seen = Checked(page)
        assert seen.wrong == [], name
        assert page.startswith('<div class="tokenplan">'), name
        assert not {"script", "img", "link", "iframe"} & set(seen.tags), name
        assert len(page) < SMALL, (name, len(page))
        assert page.count("<style>") == 1, name


def test_names_from_outside_are_text(results):
    pages = html_of(results)
    assert not [name for name, page in pages.items() if "<script" in page.lower()]
    assert sum(HOSTILE[:20] in Checked(page).text for page in pages.values()) > 15


def test_numbers_are_read_as_numbers(results):
    for name, page in html_of(results).items():
        seen = Checked(page)
        assert not re.search(r"\d[eE][+-]?\d", re.sub(r"[0-9a-f]{12,}", "", seen.text)), name
        assert not re.search(r"\b(nan|NaN|NaT|None|inf|<NA>)\b", seen.text), name
        for align, cell in seen.numbers:
            assert not re.fullmatch(r"-?\d+\.\d{5,}", cell) or float(cell) < 1, (name, cell)
            assert not re.fullmatch("[-\u2212]0(\\.0+)?", cell), (name, cell)
            if re.fullmatch("\u2212?[\\d,]+\\.\\d\\d", cell):
                assert align == "right", (name, cell)


def test_colours_come_from_the_notebook(results):
    for name, page in html_of(results).items():
        style = re.search("<style>(.*?)</style>", page)[1]
        assert not re.search(r"#[0-9a-f]{3}|rgb|: *(white|black)|background", style), name
        for rule in re.findall(r"([^{}]+)\{", style):
            assert all(part.strip().startswith(".tokenplan") for part in rule.split(",")), (name, rule)


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_text_fits_the_terminal(results, width):
    for name, one in results.items():
        shown = one if isinstance(one, Shown) else one.show()
        for line in shown.text(width).splitlines():
            assert columns(line) <= max(width, 100), (name, line)  # names alone may take 100
        assert "nan" not in shown.text(width).lower().replace("finance", ""), name


def test_show_takes_what_shows_itself_and_tables(results):
    card = results["Scorecard"]
    assert str(fc.show(card)) == str(card.show())
    assert fc.show(fc.show(card.table)).tables[0].labels == card.table.index.nlevels
    assert "mase" in str(fc.show(card.table["mase"]))
    with pytest.raises(fc.TokenplanError, match="show\\(dict\\): wanted a result"):
        fc.show({})


def test_no_table_of_a_plan_holds_what_is_only_rounding(found):
    plan = found[sc.BudgetPlan]
    for by in ("line", ["month", "line"], ["month", "environment", "line"], []):
        money = plan.table(by, errors=True, demand=True).select_dtypes("number").to_numpy()
        assert not ((money != 0) & (np.abs(money) < 1e-6)).any(), by


# ------------------------------------------------------------------------------------------------------------- cells

NAN = math.nan


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1234.5, -0.4, NAN], "money", ("1,234", "0", "\u2013")),  # 1,234.5 is rounded to even
        ([12.3, -2e-11], "money", ("12.30", "0.00")),
        ([1234.5, 0], "cents", ("1,234.50", "0.00")),
        ([0.5, 1, 0, -0.2, 1.5], "share", ("50.0 %", "100.0 %", "0.0 %", "\u221220.0 %", "150.0 %")),
        ([0.0004, 0.99999], "share", ("under 0.1 %", "over 99.9 %")),
        ([1.25, 0.075, 0.0000021, 15], "price", ("1.25", "0.075", "0.0000021", "15")),
        ([1e15, 3], "count", ("1,000,000,000,000,000", "3")),
        ([1e-5, 2e-6], "number", ("0.0000100", "0.0000020")),
        ([12.345, 0.001], "number", ("12.35", "0.00")),
        ([math.inf, 1], "money", ("\u221e", "1.00")),
        ([pd.Timestamp("2026-02-01"), pd.NaT], "date", ("2026-02-01", "\u2013")),
        ([pd.Timestamp("2026-02-01 13:00")], "date", ("2026-02-01 13:00",)),
        ([True, np.False_, None, pd.NA, "a\nb"], "label", ("yes", "no", "\u2013", "\u2013", "a b")),
    ],
)  # fmt: skip
def test_cells(values, kind, expected):
    assert told(values, kind) == expected


def test_what_is_more_than_the_whole_is_no_part_of_it():
    own = pd.DataFrame({"quality": [87.0, 91.5], "discount": [250.0, 100.5], "share": [0.25, 0.75], "wape": [1.5, 0.2]})
    assert table_of(own).kinds == ("number", "number", "share", "share")
    assert table_of(own).rows[0] == ("87.00", "250.00", "25.0 %", "150.0 %")


def test_money_of_one_table_is_told_in_one_way():
    frame = pd.DataFrame({"p50": [120_000.0, 3.0], "lapsed": [0.5, 0.0]})
    table = table_of(frame, kinds={"p50": "money", "lapsed": "money"})
    assert [row[1] for row in table.rows] == ["0", "0"]


def test_rows_left_out_are_counted_and_a_total_stays():
    frame = pd.DataFrame({"name": [f"n{i}" for i in range(57)], "cost": range(57)})
    table = table_of(frame, most=20, where="plan.table()")
    assert len(table.rows) == 20
    assert table.more == "\u2026 and 37 more, in plan.table()"
    summed = table_of(pd.concat([frame, pd.DataFrame({"cost": [1596]})]), most=20, total=True)
    assert (summed.rows[-1], summed.mark(20)) == (("total", "1,596"), "total")
    assert summed.more == "\u2026 and 37 more"
    assert "37 more" in table_text(table, 80)


def test_the_table_shown_is_not_changed():
    frame = pd.DataFrame({"x": [1.23456789]}, index=pd.Index([2026], name="year"))
    before = frame.copy()
    shown = show(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert shown.tables[0].rows == (("2026", "1.23"),)


def test_wide_tables_go_on_below_beside_their_labels():
    frame = pd.DataFrame({f"column_{i}": [i * 1e6] for i in range(9)}, index=pd.Index(["\u6771\u4eac"], name="place"))
    text = table_text(table_of(frame), 50)
    blocks = text.split("\n\n")
    assert len(blocks) > 2
    assert all(block.startswith("place") and "\u6771\u4eac" in block for block in blocks)
    assert max(map(columns, text.splitlines())) <= 50


def test_sentences_are_broken_inside_their_column():
    table = Table(("a", "why"), ("label", "words"), (("x", "one two three " * 20), ("y", "z")))
    lines = table_text(table, 60).splitlines()
    assert max(map(len, lines)) <= 60
    assert len(lines) > 6


def test_no_rows_are_no_table():
    empty = show(pd.DataFrame({"a": []}), title="nothing")
    assert "<table" not in empty._repr_html_()
    assert "No rows." in empty._repr_html_()
    assert str(empty).split() == ["nothing", "No", "rows."]


def test_short_names_tell_what_is_not_usual():
    @dataclasses.dataclass
    class Thing:
        name: str
        size: float = 1.0
        where: dict = dataclasses.field(default_factory=dict)
        money: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))

        __repr__ = short_repr

    assert repr(Thing("a")) == "Thing(name='a', money=<0>)"
    assert (
        repr(Thing("a", 2.0, {"x": 1}, np.zeros((2, 3000))))
        == "Thing(name='a', size=2.0, where={'x': 1}, money=<2 x 3,000>)"
    )
    assert len(repr(Thing("a" * 500, 2.0, {"x" * 99: 1}))) < SHORT
    assert is_ours(fc.Usage)
    assert not is_ours(Thing)
