"""Every public picture beside the one that was looked at: the images of docs/pictures.md, drawn anew by its code."""

import ast
import itertools
import re
from functools import cache
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.testing.compare import compare_images
from matplotlib.text import Text

from forecast.drawing import DARK, LIGHT, chart_style, offscreen
from forecast.prices.history.figures import What
from forecast.reconciliation.result import Picture
from forecast.scorecard import Kind
from forecast.usage_figures import KINDS as USAGE_KINDS
from scenarios.report.charts import KINDS as PLAN_KINDS
from scenarios.report.onepage.charts import KINDS as REVIEW_KINDS
from tests.pictured import PAGE, ROOT, drawn, method_of, pictures, png
from tests.test_palette import contrast
from tests.test_report import texts_of

#: How far an image may be from the one that is committed, as the root of the mean square of 0 to 255. The same drawing
#: is 0.1 to 0.4 away, which is what 256 colours lose; without the smallest label of all, a single 0, it is 1.2 away.
TOLERANCE = 0.8
#: Pictures weigh at most this much together, for a repository that stays small.
MOST_BYTES = 1_000_000
#: Drawn by others' kinds: plan.plot("bridge") and review.plot("bridge") are bridges.
WITHIN = {"Bridge.plot"}

SHOWN = {picture.name: picture for picture in pictures()}
every_picture = pytest.mark.parametrize("name", SHOWN)


@cache
def on_own_axes(name):
    """The picture on an Axes that was made before."""
    ax = offscreen((8.0, 4.8))
    return ax, drawn(SHOWN[name], ax)


def difference(name, ax, folder):
    """What is told of a picture that is not as committed, with the files that show it; None where it is."""
    made = folder / f"{name}.png"
    made.write_bytes(png(ax, None))
    held = folder / f"{name}-expected.png"
    held.write_bytes(SHOWN[name].file.read_bytes())
    found = compare_images(str(held), str(made), TOLERANCE)
    return found and f"{SHOWN[name].file.relative_to(ROOT)} is not what is drawn (look, then: make pictures)\n{found}"


@every_picture
def test_a_picture_is_drawn_as_it_was_looked_at(name, tmp_path):
    assert difference(name, drawn(SHOWN[name]), tmp_path) is None


def test_a_picture_that_lost_a_label_is_named_with_what_differs(tmp_path):
    ax = drawn(SHOWN["causes"])
    least = min((text for text in ax.texts if text.get_text()), key=lambda text: len(text.get_text()))
    assert least.get_text() == "0"
    least.set_visible(False)
    told = difference("causes", ax, tmp_path)
    assert told.startswith("docs/pictures/causes.png is not what is drawn")
    assert (tmp_path / "causes-failed-diff.png").exists()


@every_picture
def test_a_picture_is_drawn_on_the_axes_that_it_is_given(name):
    ax, made = on_own_axes(name)
    assert made is ax


@every_picture
def test_a_title_states_a_finding_with_a_number_and_a_subtitle_says_what_is_shown(name):
    _, ax = on_own_axes(name)
    title = ax.get_title().replace("\n", " ")
    assert re.search(r"\d", title)
    assert len(title.split()) >= 5
    assert not title.endswith((".", ":", ";", ","))
    assert any(text.get_text().strip() for text in ax.texts)
    assert ax.get_xlabel() or name in {"review_outlook", "review_bridge", "reforecast", "track_record"} | {
        "comparison_saved",
        "usage_calendar",
    }


@pytest.mark.parametrize("alone", [True, False])
@every_picture
def test_no_text_is_clipped_and_no_labels_overlap(name, alone):
    ax = drawn(SHOWN[name]) if alone else on_own_axes(name)[1]
    places, paper = texts_of(ax), ax.figure.bbox
    for text, place in places.items():
        assert paper.x0 <= place.x0 < place.x1 <= paper.x1, text
        assert paper.y0 <= place.y0 < place.y1 <= paper.y1, text
    for (one, a), (other, b) in itertools.combinations(places.items(), 2):
        touch = min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 2
        assert not touch, (one, other)


@pytest.mark.parametrize("dark", [False, True])
@every_picture
def test_all_text_is_legible_on_light_and_dark_paper(name, dark):
    with chart_style(dark=dark):
        ax = drawn(SHOWN[name])
    palette, other = (DARK, LIGHT) if dark else (LIGHT, DARK)
    for text in ax.figure.findobj(Text):
        if text.get_text().strip() and text.get_visible():
            assert contrast(text.get_color(), palette.paper) >= 4.5, text
    colours = {tuple(np.round(to_rgb(line.get_color()), 4)) for line in ax.lines}
    own = {tuple(np.round(to_rgb(colour), 4)) for colour in (palette.ink, palette.muted, palette.known)}
    strange = {tuple(np.round(to_rgb(colour), 4)) for colour in (other.ink, other.muted, other.known, other.future)}
    assert not colours & (strange - own)


@pytest.mark.parametrize("name", ["plan_fan", "usage_week", "projection", "review_outlook", "prices", "calibration"])
def test_a_picture_keeps_its_readers_locale_until_it_is_shown(name):
    with chart_style(locale="de_DE"):
        ax = drawn(SHOWN[name])
    told = [text.get_text() for text in texts_of(ax)]  # ticks are told as the figure is laid out: afterwards
    assert not [text for text in told if re.search(r"\d[kMB]\b|\d,\d{3}\b|\bUSD \d", text)]


def test_the_page_shows_every_picture_that_there_is():
    shown = {method_of(picture) for picture in SHOWN.values()}
    there = set()
    for file in [*(ROOT / "forecast").rglob("*.py"), *(ROOT / "scenarios").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                there |= {
                    f"{node.name}.{inner.name}"
                    for inner in node.body
                    if isinstance(inner, ast.FunctionDef) and re.fullmatch(r"plot(_\w+)?", inner.name)
                }
    assert there - WITHIN == shown


@pytest.mark.parametrize(("whose", "kinds"), [
    ("plan", PLAN_KINDS), ("review", REVIEW_KINDS), ("scores", get_args(Kind)), ("checked", get_args(Picture)),
    ("process", get_args(What)), ("(usage|hourly)", USAGE_KINDS),
])  # fmt: skip
def test_the_page_shows_every_kind_that_there_is(whose, kinds):
    text = PAGE.read_text(encoding="utf-8")
    assert [kind for kind in kinds if not re.search(rf'^{whose}\.plot\("{kind}"', text, re.MULTILINE)] == []


def test_no_image_is_left_over_and_all_of_them_are_small():
    files = set(Path(PAGE.parent / "pictures").iterdir())
    assert files == {picture.file for picture in SHOWN.values()}
    assert sum(file.stat().st_size for file in files) < MOST_BYTES
    assert all(picture.alt and not picture.alt.endswith(".") for picture in SHOWN.values())
