"""The pages in a real browser: quiet, by themselves, accessible, narrow, on paper; run by make test-system."""

import html
import itertools
from collections import Counter

import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from tests import browser
from tests.pages import DEMAND, EMOJI, SCRIPT, plan_of, usage_of

pytestmark = pytest.mark.system

#: WCAG 2.1: contrast of text (1.4.3), and of what shows the focus (1.4.11).
TEXT, MARK = 4.5, 3.0
#: Points of an A4 sheet's width that no word may cross: its right margin of 14 mm less a letter that leans over.
EDGE = browser.SHEET[0] * browser.POINTS - 14 / 25.4 * browser.POINTS + 3
#: How dark a printed sheet may be; a dark page would be near 1.
DARKEST = 0.35
WIDE, NARROW = 1280, 390

#: The contrast of a colour with the page's own, by WCAG's relative luminance.
CONTRAST = """
function light(colour) {
  const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
}
function contrast(colour) {
  const both = [light(colour), light(getComputedStyle(document.body).backgroundColor)].sort((a, b) => b - a)
  return (both[0] + 0.05) / (both[1] + 0.05)
}
"""


def sample(path):
    """The plan of the sample organisation, with two scenarios beside it."""
    usage = fc.read_usage("data/samples/organisation_daily.csv")
    projection = fc.project(usage, horizon="2Q", model="seasonal_naive", trajectories=60, seed=7)
    growth = sc.Growth(monthly=sc.between(0.03, 0.08))
    cheaper = sc.PriceChange(model="gpt-5*", on="2027-02-01", by=sc.between(-0.4, -0.2), probability=0.5)
    plan = sc.plan(
        projection,
        scenario=sc.Scenario("launch", [growth, cheaper]),
        components=[sc.Fixed("base infrastructure", monthly=12_000), sc.Reserve("emergency scaling", 20_000)],
        split=sc.EnvironmentSplit(development=(0.15, 0.20), production=(0.60, 0.70)),
        draws=400,
        seed=7,
    )
    beside = [sc.Scenario(f"{rate:.0%} a month", [sc.Growth(monthly=rate)]) for rate in (0.0, 0.1)]
    return plan.to_html(path, limit=800_000, scenarios=beside, title="First half of 2027")


def hostile(path):
    """Names that try to break out."""
    name = f'</title></style>{SCRIPT}javascript:alert(1) "onload=alert(1) {EMOJI} \u05d0\u05d1 url(http://bad.example)'
    scenario = sc.Scenario(name, [sc.Growth(monthly=0.1)])
    environments = {**DEMAND, "x" * 60: 9e3, "for those who evaluate models": 7e3, '"><b onclick=alert(1)>': 5e3}
    return plan_of(usage_of(environments)).to_html(path, scenarios=[scenario], title=name)


def small(path):
    """One environment, one month, euros, no lines, nothing changed."""
    rows = {"model": "gpt-5", "unit": ["input_tokens", "output_tokens"], "price": [1.0, 8.0], "currency": "EUR"}
    projection = fc.project(
        usage_of({"production": 3e4}), horizon="1M", model="seasonal_naive", trajectories=60, seed=1
    )
    prices = fc.PriceBook.from_frame(pd.DataFrame(rows))
    return sc.plan(projection, prices=prices, draws=300, seed=1).to_html(path)


def large(path):
    """Twelve departments in four environments over two fiscal years."""
    sizes = {"development": 3e3, "production": 9e3, "test": 1e3, None: 5e2}
    parts = [
        usage_of({environment: size * (i + 1) for environment, size in sizes.items()}).frame.assign(
            department=f"department of {letter * 12}", project="assistant"
        )
        for i, letter in enumerate("abcdefghijkl")
    ]
    projection = fc.project(
        fc.Usage.from_frame(pd.concat(parts)),
        horizon="24M",
        by=("environment", "department"),
        model="seasonal_naive",
        trajectories=60,
        calendar=fc.Calendar(start_month=2),
        seed=1,
    )
    splits = [
        sc.EnvironmentSplit(production=(0.6, 0.7), test=(0.05, 0.1)),
        sc.Split("department", {"department of aaaaaaaaaaaa": (0.05, 0.2)}),
    ]
    return sc.plan(projection, split=splits, draws=300, seed=1).to_html(path)


def review(path):
    """The review of a plan under way."""
    usage = fc.read_usage("data/samples/organisation_daily.csv")
    known = usage.until(pd.Timestamp("2026-06-30"))
    projection = fc.project(known, horizon="1Q", model="seasonal_naive", trajectories=60, seed=7, lag=0)
    plan = sc.plan(projection, scenario=sc.Scenario(f"{SCRIPT} {EMOJI}"), draws=400, seed=7)
    return sc.review(plan, usage, as_of="2026-08-15").to_html(path)


PAGES = {made.__name__: made for made in (sample, hostile, small, large, review)}


def letters_of(text):
    """How often each letter, digit and sign is there."""
    return Counter(c for c in text if c.isascii() and c.isprintable() and not c.isspace())


@pytest.fixture(scope="module")
def window():
    try:
        with browser.running() as found:
            yield found
    except browser.NoBrowserError as why:
        pytest.skip(f"PAGES NOT SEEN in a browser: {why}")


@pytest.fixture(scope="module", params=PAGES)
def page(request, tmp_path_factory):
    return PAGES[request.param](tmp_path_factory.mktemp("page") / f"{request.param}.html")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_page_is_quiet_stays_by_itself_and_is_accessible(window, page, dark):
    window.open(page, dark=dark)
    assert window.messages() == []
    assert window.requests() == [page.as_uri()]
    assert window.violations(only=["color-contrast"] if dark else None) == []  # what else there is, dark changes not
    assert window.run("return document.title").startswith("Budget")
    # axe does not look into pictures: every letter in them is a scaled path of some colour, on the page's.
    letters = "svg g[transform*=scale] use"
    poor = window.run(
        CONTRAST
        + "return [...new Set([...document.querySelectorAll(arguments[0])].map(e => getComputedStyle(e).fill))]"
        ".filter(c => contrast(c) < arguments[1])",
        letters,
        TEXT,
    )
    assert poor == []
    assert window.run("return document.querySelectorAll(arguments[0]).length", letters) > 50
    assert window.run("return getComputedStyle(document.body).backgroundColor") == (
        "rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)"
    )


def test_a_page_would_be_told_to_be_noisy_or_to_ask_for_something(window, tmp_path):
    """What is looked at above is there to be seen."""
    page = tmp_path / "bad.html"
    page.write_text("<img src='other.png'><p style='color:#ddd'>pale</p><script>console.warn('x')</script>", "utf-8")
    window.open(page)
    assert window.messages()
    assert len(window.requests()) == 2
    assert {"color-contrast", "image-alt", "html-has-lang"} <= {name for name, _, _ in window.violations()}


def test_headings_go_down_step_by_step_and_pictures_have_names(window, page):
    window.open(page)
    levels = window.run("return [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(e => +e.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    names = window.run("return [...document.querySelectorAll('svg')].map(e => e.getAttribute('aria-label') || '')")
    assert len(names) >= 2
    assert all(len(name) > 10 for name in names)
    assert window.run("return [...document.querySelectorAll('table')].every(t => t.caption && t.tHead)")


def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(window, page):
    from selenium.webdriver.common.keys import Keys

    window.open(page, width=NARROW)
    wanted = window.run(
        "const all = [...document.querySelectorAll('a[href], [tabindex=\"0\"]')];"
        "all.forEach((e, i) => e.dataset.at = i); return all.length"
    )
    moves = window.run("return [...document.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 1"
        " && /auto|scroll/.test(getComputedStyle(e).overflowX) && e !== document.documentElement)"
        ".map(e => e.dataset.at)")  # fmt: skip
    assert None not in moves  # what scrolls can be reached
    assert moves
    seen = []
    for _ in range(wanted):
        window.press(Keys.TAB)
        at, outline, inside = window.run(
            CONTRAST + "const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();"
            "return [e.dataset.at, s.outlineStyle === 'none' || parseFloat(s.outlineWidth) < 1 ? 0"
            " : contrast(s.outlineColor), r.right > 0 && r.bottom > 0 && r.top < innerHeight]"
        )
        assert outline >= MARK, at
        assert inside, at
        seen.append(int(at))
    assert seen == list(range(wanted))


def test_the_first_link_skips_to_the_content_and_the_others_lead_where_they_say(window, page):
    from selenium.webdriver.common.keys import Keys

    window.open(page)
    window.press(Keys.TAB)
    window.press(Keys.ENTER)
    assert window.run("return [location.hash, document.activeElement.id]") == ["#content", "content"]
    parts = window.run(
        "return [...document.querySelectorAll('nav a')].map(a => [a.textContent,"
        " document.getElementById(a.hash.slice(1)).querySelector('h2').textContent])"
    )
    assert len(parts) >= 5
    assert all(name == heading for name, heading in parts)


def test_a_page_fits_a_phone(window, page):
    window.open(page, width=NARROW)
    assert window.run("return document.documentElement.scrollWidth <= innerWidth")
    # A column of sentences is never squeezed to a few letters a line.
    narrowest = window.run(
        "return Math.min(...[...document.querySelectorAll('.prose td, .prose th')]"
        ".filter(e => e.textContent.length > 30).map(e => e.getBoundingClientRect().width))"
    )
    assert narrowest >= 150
    # Nothing lies over anything else: blocks of the page follow one another.
    boxes = window.run(
        "return [...document.querySelectorAll('section > *, header, nav, footer')]"
        ".map(e => e.getBoundingClientRect()).map(r => [r.top, r.bottom])"
    )
    in_order = sorted(boxes)
    assert all(a[1] <= b[0] + 1 for a, b in itertools.pairwise(in_order))


def test_a_page_prints_whole_on_white_sheets(window, page):
    window.open(page, dark=True)
    window.on_paper(dark=True)  # Chromium prints as if light were asked for; others may not
    shown = window.run("const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]")
    assert shown == ["rgb(255, 255, 255)", "rgb(26, 29, 33)"]
    pdf = window.printed()
    sheets = window.sheets(pdf)
    assert all(len(words) > 20 for words in sheets), "a sheet is empty but for its number"
    assert max(right for words in sheets for _, right, _ in words) <= EDGE, "a table is cut at the sheet's edge"
    assert [words[-1][2] for words in sheets] == [str(len(sheets))] * len(sheets)
    # Every letter of the page but for what is for the screen is on paper; those of pictures are paths.
    shown = window.run(
        "return [...document.querySelectorAll('h1, h2, h3, p:not(.see), dt, dd, td, th, figcaption, caption, li')]"
        ".filter(e => !e.closest('nav')).map(e => e.textContent).join(' ')"
    )
    printed = " ".join(html.unescape(word) for words in sheets for _, _, word in words)
    assert letters_of(shown) - letters_of(printed) == Counter()
    assert max(window.darkness(pdf)) < DARKEST
