"""What was known on a date, discounts off the layers beneath, and books compared and drawn."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import PriceError
from forecast.prices import PriceBook

mpl.use("Agg")
BUILTIN = PriceBook.builtin()
#: One rounding of an exact quotient.
FLOAT_TOLERANCE = 1e-15
ON = "2026-11-15"


def own(source="<frame>", **columns):
    rows = {"model": ["m"], "unit": ["input_tokens"]} | columns
    if "discount" not in rows:
        rows = {"price": ["1"]} | rows
    longest = max(len(v) for v in rows.values())
    frame = pd.DataFrame({k: v * longest if len(v) == 1 else v for k, v in rows.items()})
    return PriceBook.from_frame(frame, source=source)


def price(book, on, model="m", provider="p", unit="input_tokens", **kwargs):
    return book.price(provider, model, unit, on, **kwargs)


# ------------------------------------------------------------------------------------------------- known on a date


def test_a_book_that_did_not_know_of_a_rise_continues_the_old_price():
    book = own(price=["3", "4"], valid_from=["2025-01-01", "2026-01-01"], known_from=["", "2025-11-20"])
    assert book.rows[0].valid_to == date(2025, 12, 31)
    before, after = book.known("2025-11-19"), book.known("2025-11-20")
    assert [price(before, on) for on in ("2025-12-31", "2026-01-01", "2027-01-01")] == [3, 3, 3]
    assert [price(after, on) for on in ("2025-12-31", "2026-01-01", "2027-01-01")] == [3, 4, 4]
    assert after == book
    assert before.rows[0].valid_to is None
    assert len(before) == 1


def test_a_row_is_known_from_when_it_became_valid_where_nobody_says():
    book = own(price=["3", "4", "5"], valid_from=["", "2026-01-01", "2026-07-01"])
    assert [r.known_from for r in book.rows] == [None, date(2026, 1, 1), date(2026, 7, 1)]
    assert [len(book.known(on)) for on in ("2020-01-01", "2025-12-31", "2026-01-01", "2026-07-01")] == [1, 1, 2, 3]
    assert price(book.known("2026-06-30"), "2026-12-31") == 4


def test_a_planted_future_row_does_not_leak():
    planted = pd.DataFrame(
        {
            "provider": "openai",
            "model": "gpt-4o",
            "unit": ["input_tokens", "output_tokens"],
            "price": ["999", "999"],
            "valid_from": ["2026-02-01", "2025-06-01"],
            "known_from": ["2026-02-01", "2026-03-01"],  # the second was announced after the fact
        }
    )
    book = PriceBook.from_frame(planted) | BUILTIN
    then = book.known("2026-01-31")
    days = pd.date_range("2025-01-01", "2028-01-01", freq="7D")
    skus = pd.DataFrame({"provider": "openai", "model": "gpt-4o", "unit": ["input_tokens", "output_tokens"]})
    np.testing.assert_array_equal(then.matrix(skus, days), BUILTIN.known("2026-01-31").matrix(skus, days))
    assert "999" not in then.to_frame()["price"].map(str).tolist()
    assert price(book.known("2026-02-28"), "2026-12-01", "gpt-4o", "openai") == 999
    assert price(book.known("2026-02-28"), "2026-12-01", "gpt-4o", "openai", "output_tokens") == 10


def test_what_was_known_does_not_come_back():
    book = own(price=["3", "4"], valid_from=["2025-01-01", "2026-01-01"])
    assert book.known("2025-06-01").known("2027-01-01") == book.known("2025-06-01")
    assert book.known("2024-12-31").rows == ()
    with pytest.raises(PriceError, match="'then' is not a day"):
        book.known("then")


def test_the_catalogue_as_it_was_known():
    # gemini-3.6-flash rises from 0.75 to 1.50 on 2027-01-01; claude-opus-4-6's long tier ended on 2026-03-13
    flash = ("2027-06-01", "gemini-3.6-flash", "google")
    assert price(BUILTIN, *flash) == Decimal("1.5")
    assert price(BUILTIN.known("2026-12-31"), *flash) == Decimal("0.75")
    assert price(BUILTIN.known("2027-01-01"), *flash) == Decimal("1.5")
    opus = ("2026-06-01", "claude-opus-4-6", "anthropic")
    assert price(BUILTIN.known("2026-03-12"), *opus, context_tier=">200k") == 10
    assert price(BUILTIN.known("2026-03-13"), *opus, context_tier=">200k") == 5
    assert price(BUILTIN.known("2025-06-09"), "2026-06-01", "o3", "openai") == 10
    assert price(BUILTIN.known("2025-06-10"), "2026-06-01", "o3", "openai") == 2


def test_everything_is_known_in_the_end():
    assert BUILTIN.known("2100-01-01") == BUILTIN
    book = own(
        price=["3", "1", "3"], valid_from=["2026-01-01", "2026-03-01", "2026-04-01"], valid_to=["", "2026-03-31", ""]
    )
    assert book.known("2100-01-01") == book


def test_a_promotion_that_was_known_ends_and_the_old_price_goes_on():
    book = own(
        price=["3", "1", "2"],
        valid_from=["2026-01-01", "2026-03-01", "2026-04-01"],
        valid_to=["", "2026-03-31", ""],
    )
    then = book.known("2026-03-15")
    prices = [price(then, on) for on in ("2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01", "2027-01-01")]
    assert prices == [3, 1, 1, 3, 3]
    assert price(book, "2026-04-01") == 2


def test_an_end_that_was_stated_stays():
    book = own(price=["3", "4"], valid_from=["2025-01-01", "2026-02-01"], valid_to=["2025-12-31", ""])
    with pytest.raises(PriceError, match="no price on this date"):
        price(book.known("2025-06-01"), "2026-01-01")


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(1, 9)), min_size=1, max_size=8),
    st.integers(0, 400),
)
def test_known_is_the_book_that_would_have_been_written_then(rows, on):
    """A referee that never closes nor reopens: the newest row that had begun, of those announced by then."""
    start = pd.Timestamp("2025-01-01")
    unique = {begin: (begin, announced, amount) for begin, announced, amount in rows}
    frame = pd.DataFrame(
        {
            "model": "m",
            "unit": "input_tokens",
            "price": [p for _, _, p in unique.values()],
            "valid_from": [start + pd.Timedelta(days=b) for b, _, _ in unique.values()],
            "known_from": [start + pd.Timedelta(days=a) for _, a, _ in unique.values()],
        }
    )
    book = PriceBook.from_frame(frame).known(start + pd.Timedelta(days=on))
    announced = [(b, p) for b, a, p in unique.values() if a <= on]
    for day in (0, on, 150, 400, 800):
        begun = [p for b, p in sorted(announced) if b <= day]
        try:
            found = price(book, start + pd.Timedelta(days=day))
        except PriceError:
            found = None
        assert found == (begun[-1] if begun else None)


def test_files_say_when_a_price_was_announced(tmp_path):
    (tmp_path / "p.csv").write_text(
        "model,unit,price,valid_from,known_from\nm,input_tokens,3,2025-01-01,\nm,input_tokens,4,2026-01-01,2025-11-20\n"
    )
    (tmp_path / "p.toml").write_text(
        '[[prices]]\nmodel = "m"\nunit = "input_tokens"\nprice = 3\nvalid_from = 2025-01-01\n'
        '[[prices]]\nmodel = "m"\nunit = "input_tokens"\nprice = 4\nvalid_from = 2026-01-01\nknown_from = 2025-11-20\n'
    )
    for name in ("p.csv", "p.toml"):
        book = PriceBook.read(tmp_path / name)
        assert price(book.known("2025-11-19"), "2026-06-01") == 3
        again = PriceBook.from_frame(book.to_frame())
        assert again.rows == book.rows
        assert again.sha256 == book.sha256
        assert price(again.known("2025-11-19"), "2026-06-01") == 3
    other = own(price=["3"], valid_from=["2025-01-01"], known_from=["2024-12-01"])
    assert other.sha256 != own(price=["3"], valid_from=["2025-01-01"]).sha256
    with pytest.raises(PriceError, match="column 'known_from' is not a day in row 0: known_from=soon"):
        own(known_from=["soon"])


def test_the_builtin_book_survives_its_table():
    some = BUILTIN.to_frame().query("provider == 'anthropic'")
    again = PriceBook.from_frame(some)
    assert again.rows == tuple(row for row in BUILTIN.rows if row.provider == "anthropic")


# -------------------------------------------------------------------------------------------------------- discounts


def test_a_discount_is_a_share_off_the_list_price_from_a_date_to_a_date():
    mine = own(
        provider=["openai"], model=["gpt-4o"], unit=["*"], discount=["0.15"], valid_from=["2026-01-01"],
        valid_to=["2026-12-31"], note=["contract 7"], source="contract.csv",
    )  # fmt: skip
    book = mine | BUILTIN
    assert [price(book, on, "gpt-4o", "openai") for on in ("2025-12-31", "2026-01-01", "2026-12-31", "2027-01-01")] == [
        Decimal("2.5"),
        Decimal("2.125"),  # 0.85 · 2.50
        Decimal("2.125"),
        Decimal("2.5"),
    ]
    quote = book.quote("openai", "gpt-4o-2024-08-06", "output_tokens", ON)
    assert quote.price == Decimal("8.5")
    assert "15% off (contract.csv; contract 7)" in quote.note
    assert quote.row.price == 10
    assert [off.discount for off in quote.discounts] == [Decimal("0.15")]
    # tiers too, listed or by a published factor
    assert price(book, ON, "gpt-4o", "openai", service_tier="batch") == Decimal("1.0625")
    assert price(book, ON, "gpt-4o", "azure") == Decimal("2.5")
    assert "discounts by openai gpt-4o by exact, in contract.csv" in str(book.match("openai", "gpt-4o"))
    assert (BUILTIN | mine).price("openai", "gpt-4o", "input_tokens", ON) == Decimal("2.5")
    usage = pd.DataFrame(
        {"date": [pd.Timestamp(ON)], "provider": "openai", "model": "gpt-4o", "input_tokens": 2e6, "output_tokens": 1e6}
    )
    assert book.cost(usage).tolist() == [2 * 2.125 + 8.5]


def test_a_discount_alone_prices_nothing():
    book = own(discount=["0.5"], provider=["acme"], model=["house"])
    with pytest.raises(PriceError, match="unknown provider"):
        price(book, ON, "house", "acme")
    assert len(book) == 1
    assert book.rows == ()
    assert "1 discounts" in repr(book)
    with pytest.raises(PriceError, match="'house' is not in <frame>"):
        book.history("house")


def test_the_nearest_discount_holds_and_those_that_stack_come_off_what_is_left():
    book = own(
        provider=["*", "openai", "openai"],
        model=["*", "gpt-*", "gpt-4o"],
        unit=["*"],
        discount=["0.5", "0.2", "0.1"],
        stacks=["", "", "true"],
    )
    assert price(book | BUILTIN, ON, "gpt-4o", "openai") == Decimal("1.8")  # 2.50 · 0.8 · 0.9
    assert price(book | BUILTIN, ON, "claude-sonnet-5", "anthropic") == 1  # 2.00 · 0.5
    plain = own(provider=["*", "openai"], model=["*", "gpt-*"], unit=["*"], discount=["0.5", "0.2"])
    assert price(plain | BUILTIN, ON, "gpt-4o", "openai") == 2


def test_discounts_of_two_layers_come_off_one_after_the_other():
    framework = own(model=["*"], unit=["*"], discount=["0.10"], source="framework")
    campaign = own(model=["gpt-*"], unit=["input_tokens"], discount=["0.20"], source="campaign")
    book = campaign | framework | BUILTIN
    assert price(book, ON, "gpt-4o", "openai") == Decimal("1.8")
    assert price(book, ON, "gpt-4o", "openai", "output_tokens") == 9
    assert (
        "10% off (framework; undated); 20% off (campaign; undated)"
        in book.quote("openai", "gpt-4o", "input_tokens", ON).note
    )


def test_a_layers_own_price_is_not_discounted_by_it():
    book = own(model=["gpt-4o", "gpt-*"], unit=["input_tokens", "*"], price=["2", ""], discount=["", "0.5"])
    assert price(book | BUILTIN, ON, "gpt-4o", "openai") == 2
    assert price(book | BUILTIN, ON, "gpt-4o", "openai", "output_tokens") == 5


def test_a_discount_may_be_of_a_tier_or_a_size_of_request():
    book = own(
        model=["claude-*"], unit=["*"], discount=["0.5", "0.1"], service_tier=["batch", ""], context_tier=["", ">200k"]
    ) | BUILTIN  # fmt: skip
    assert price(book, ON, "claude-sonnet-4-5", "anthropic") == 3
    assert price(book, ON, "claude-sonnet-4-5", "anthropic", context_tier=">200k") == Decimal("5.4")
    assert price(book, ON, "claude-sonnet-5", "anthropic", service_tier="batch") == Decimal("0.5")


def test_a_discount_is_known_from_its_announcement_and_ends_with_the_next():
    book = own(model=["gpt-*"], unit=["*"], discount=["0.1", "0.3"], valid_from=["2026-01-01", "2026-07-01"]) | BUILTIN
    assert [price(book, on, "gpt-4o", "openai") for on in ("2026-06-30", "2026-07-01")] == [
        Decimal("2.25"),
        Decimal("1.75"),
    ]
    assert price(book.known("2026-06-30"), "2026-12-01", "gpt-4o", "openai") == Decimal("2.25")


def test_discounts_survive_the_table_and_the_file(tmp_path):
    book = own(
        model=["gpt-*", "m"], unit=["*", "seats"], price=["", "30"], discount=["0.125", ""], valid_from=["2026-01-01"]
    )
    again = PriceBook.from_frame(book.to_frame())
    assert again == book
    assert again.sha256 == book.sha256 != own(discount=["0.125"]).sha256
    (tmp_path / "d.toml").write_text('[[prices]]\nmodel = "gpt-*"\nunit = "*"\ndiscount = 0.125\nstacks = true\n')
    read = PriceBook.read(tmp_path / "d.toml")
    assert price(read | BUILTIN, ON, "gpt-4o", "openai") == Decimal("2.1875")
    assert read.discounts[0].stacks


@given(st.decimals(0, 1, places=3), st.decimals(0, 1, places=3), st.decimals(0, 100, places=4))
def test_discounts_are_exact_and_never_raise_a_price(first, second, listed):
    beneath = own(price=[str(listed)])
    book = own(discount=[str(second)], source="b") | own(discount=[str(first)], source="a") | beneath
    found = price(book, ON)
    assert found == listed * (1 - first) * (1 - second)
    assert found <= listed


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"discount": ["-0.1"]}, "column 'discount' is not a share in row 0: discount=-0.1; write the share"),
        ({"discount": ["NaN"]}, "column 'discount' is not a share in row 0: discount=NaN"),
        ({"discount": ["1.5"]}, "column 'discount' is not a share in row 0: discount=1.5"),
        ({"discount": ["15%"]}, "column 'discount' is not a share in row 0: discount=15%"),
        ({"discount": ["=1-0.85"]}, "column 'discount' is not a share in row 0: discount==1-0.85"),
        ({"discount": [True]}, "column 'discount' is not a share"),
        ({"discount": ["0.1"], "price": ["2"]}, "column 'price' stands beside a discount in row 0: price=2; a row"),
        ({"discount": ["0.1", ""], "price": ["", ""]}, "column 'price' is not a price in row 1"),
        ({"discount": ["0.1", ""]}, "column 'discount' is blank in row 1"),
        ({"discount": ["0.1"], "hours": ["01:00-02:00"]}, "column 'hours' stand beside a discount"),
        ({"discount": ["0.1"], "stacks": ["perhaps"]}, "column 'stacks' is not true or false in row 0: stacks=perhaps"),
        ({"discount": ["0.1"], "unit": ["tokens"]}, "column 'unit' is not known in row 0: unit=tokens"),
        ({"price": ["1"], "unit": ["*"]}, r"column 'unit' is not known in row 0: unit=\*"),
        ({"discount": ["0.1", "0.2"], "valid_from": ["2026-01-01"]},
         r"rows 0 and 1 both price \* m input_tokens \(\*\) from 2026-01-01"),
        ({"discount": ["0.1"], "valid_from": ["2026-02-01"], "valid_to": ["2026-01-01"]}, "is before valid_from"),
    ],
)  # fmt: skip
def test_bad_discounts(columns, says):
    with pytest.raises(PriceError, match=says):
        own(**columns)


def test_equal_globs_that_discount_otherwise_are_refused():
    book = own(model=["gp*", "*4o"], unit=["*"], discount=["0.1", "0.2"]) | BUILTIN
    with pytest.raises(PriceError, match=r"gp\* by 10% and \*4o by 20% both discount openai gp-4o"):
        price(
            own(model=["gp*", "*4o"], unit=["*"], discount=["0.1", "0.2"]) | own(model=["gp-4o"]), ON, "gp-4o", "openai"
        )
    assert price(book, ON, "claude-sonnet-5", "anthropic") == 2


def test_text_that_a_spreadsheet_would_run_is_only_a_name():
    book = own(model=["=cmd()"], note=["=1+1"])
    assert price(book, ON, "=cmd()") == 1
    assert "=1+1" in book.quote("p", "=cmd()", "input_tokens", ON).note
    with pytest.raises(PriceError, match="column 'price' is not a price in row 0: price==1"):
        own(price=["=1+1"])


# --------------------------------------------------------------------------------------------------------- compared


def test_books_that_agree_do_not_differ():
    assert BUILTIN.diff(BUILTIN).empty
    assert BUILTIN.diff(own() | BUILTIN)["change"].tolist() == ["added"]


def test_a_difference_says_what_from_what_to_and_when():
    old = own(
        model=["m", "m", "gone"], price=["2", "4", "1"], valid_from=["2026-01-01", "2026-07-01", ""], provider=["p"]
    )
    new = own(
        model=["m", "m", "new"], price=["2", "5", "1"], valid_from=["2026-01-01", "2026-06-01", ""], provider=["p"]
    )
    table = old.diff(new)
    told = [
        (
            r.change,
            r.model,
            r.valid_from.strftime("%Y-%m-%d") if r.valid_from is not pd.NaT else "",
            r.price_from,
            r.price_to,
        )
        for r in table.itertuples()
    ]
    assert told == [
        ("removed", "gone", "", 1, None),
        ("changed", "m", "2026-06-01", 2, 5),
        ("changed", "m", "2026-07-01", 4, 5),
        ("added", "new", "", None, 1),
    ]
    changed = table[table["change"] == "changed"]
    assert changed["percent"].tolist() == pytest.approx([150.0, 25.0], rel=FLOAT_TOLERANCE * 10)
    assert changed["valid_to"].tolist()[0] == pd.Timestamp("2026-06-30")
    assert np.isnan(table["percent"]).tolist() == [True, False, False, True]
    back = new.diff(old)
    assert back["change"].tolist() == ["added", "changed", "changed", "removed"]


def test_a_difference_of_currency_or_discount():
    table = own(currency=["USD"]).diff(own(currency=["EUR"]))
    assert table[["change", "currency_from", "currency_to"]].to_numpy().tolist() == [["changed", "USD", "EUR"]]
    assert np.isnan(table["percent"][0])
    table = own(discount=["0.1"]).diff(own(discount=["0.2"]))
    assert table[["change", "what", "price_from", "price_to"]].to_numpy().tolist() == [
        ["changed", "discount", Decimal("0.1"), Decimal("0.2")]
    ]
    assert own().diff(own(source="elsewhere")).empty


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), min_size=1, max_size=6, unique_by=lambda r: r[0]),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), min_size=1, max_size=6, unique_by=lambda r: r[0]),
)
def test_a_difference_holds_on_the_days_that_it_says(one, other):
    start = pd.Timestamp("2026-01-01")

    def book(rows):
        begins = [start + pd.Timedelta(days=d) for d, _ in rows]
        return own(price=[str(p) for _, p in rows], valid_from=begins)

    old, new = book(one), book(other)
    table = old.diff(new)
    for day in pd.date_range(start, periods=70):
        told = table[(table["valid_from"] <= day) & ~(table["valid_to"] < day)]

        def on(book, day=day):
            try:
                return price(book, day)
            except PriceError:
                return None

        assert len(told) == int(on(old) != on(new))
        if len(told):
            assert (told["price_from"].iloc[0], told["price_to"].iloc[0]) == (on(old), on(new))


# ------------------------------------------------------------------------------------------------------------ drawn


def test_a_chart_states_the_change_to_come():
    ax = BUILTIN.plot("gemini-3.6-flash", on="2026-11-28")
    assert ax.get_title() == "gemini-3.6-flash: input 0.75 → 1.50 USD a million from 2027-01-01"
    assert ax.get_ylabel() == "USD a million tokens"
    level = [line for line in ax.lines if len(set(line.get_ydata())) == 1]
    solid = [line for line in level if line.get_linestyle() == "-"]
    dashed = [line for line in level if line.get_linestyle() == "--" and len(line.get_xdata()) == 2]
    assert {float(line.get_ydata()[0]) for line in solid} == {0.75, 0.075, 3.75}
    assert {float(line.get_ydata()[0]) for line in dashed} >= {1.5, 0.15, 7.5}
    labels = {text.get_text() for text in ax.texts}
    assert {"input 1.50", "cache read 0.15", "output 7.50"} <= labels


def test_a_chart_states_the_latest_change_or_that_there_was_none():
    title = BUILTIN.plot("o3", provider="openai", on="2026-11-28").get_title()
    assert title == "o3: input 10.00 → 2.00 USD a million since 2025-06-10"
    title = BUILTIN.plot("gpt-4o", provider="openai", units=("input_tokens",), on="2026-11-28").get_title()
    assert title == "gpt-4o: input 2.50 USD a million, with no change known"
    batch = BUILTIN.plot("o3", provider="openai", service_tier="batch", on="2026-11-28").get_title()
    assert batch.startswith("o3 (batch): input 5.00 → 1.00")


def test_a_chart_takes_an_axes_and_draws_what_is_odd():
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    book = own(price=["0", "3"], valid_from=["2026-01-01", "2026-03-01"], model=["a$b$_c"])
    assert book.plot("a$b$_c", ax=ax, on="2026-06-01") is ax
    assert " ".join(ax.get_title().split()) == "a$b$_c: input 0.00 → 3.00 USD a million since 2026-03-01"
    ax.figure.savefig("/dev/null", format="png")
    seats = own(unit=["seats"], price=["30"]).plot("m", units=("seats",), on="2026-06-01")
    assert seats.get_ylabel() == "USD each"


def test_charts_of_nothing_are_refused():
    with pytest.raises(PriceError, match=r"'gpt-4oo' is not in genai-prices .*; did you mean 'gpt-4o'\?"):
        BUILTIN.plot("gpt-4oo", provider="openai")
    with pytest.raises(PriceError, match=r"gpt-4o: nothing to draw: seats \(standard\) has no price"):
        BUILTIN.plot("gpt-4o", provider="openai", units=("seats",))
    with pytest.raises(PriceError, match="unit 'tokens' is not known"):
        BUILTIN.plot("gpt-4o", provider="openai", units=("tokens",))
    with pytest.raises(PriceError, match="units are quoted for different counts"):
        BUILTIN.plot("gemini-2.5-flash", units=("input_tokens", "searches"))
    two = own(unit=["input_tokens", "output_tokens"], currency=["USD", "EUR"])
    with pytest.raises(PriceError, match="prices are in EUR and USD"):
        two.plot("m")


def test_a_timeline_lists_every_price_with_its_days():
    quotes = BUILTIN.timeline("openai", "o3", "input_tokens")
    assert [(q.price, date.fromordinal(q.start)) for q in quotes] == [(10, date.min), (2, date(2025, 6, 10))]
    assert BUILTIN.timeline("openai", "nothing", "input_tokens") == ()
