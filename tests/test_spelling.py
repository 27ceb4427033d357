"""Files as spreadsheets save them: what the file tells is read, what it does not tell is refused, nothing is lost."""

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import forecast as fc
from forecast.errors import UsageError
from forecast.readers.spelling import written_plainly
from scenarios.cli import main

COLUMNS = {"date": "Datum", "model": "Modell", "input_tokens": "Eingabe", "billed_cost": "Kosten (EUR, netto)"}
OWN = {"columns": COLUMNS, "fill": {"currency": "EUR"}}
GERMAN = """Datum;Modell;Größe;Eingabe;"Kosten (EUR, netto)"
30.12.2025;gpt-5;groß;1.234.567;1.234,56
31.12.2025;gpt-5;klein;1.234;0,5
"""


def saved(folder, text, encoding="utf-8", name="usage.csv"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_german_file_is_read_and_what_was_assumed_is_told(tmp_path, encoding, separator):
    usage = fc.read_usage(saved(tmp_path, GERMAN.replace(";", separator), encoding), **OWN)
    assert usage.frame["input_tokens"].tolist() == [1_234_567, 1_234]
    assert usage.frame["billed_cost"].tolist() == [1_234.56, 0.5]
    assert usage.frame["date"].tolist() == [pd.Timestamp("2025-12-30"), pd.Timestamp("2025-12-31")]
    told = " ".join(usage.notes)
    assert "cells are separated by" in told
    assert "numbers are read with a decimal comma: 1.234.567 (row 2, Eingabe) is 1234567" in told
    assert "dates like 30.12.2025 are read as day.month.year" in told
    assert "columns not read: Größe" in told
    assert ("Windows-1252" in told) == (encoding == "cp1252")


def test_a_plain_file_is_noted_in_no_way(tmp_path):
    text = "date,model,input_tokens,billed_cost,currency\n2026-01-01,a,1234,1.234,USD\n2026-01-02,a,1500,2.345,USD\n"
    usage = fc.read_usage(saved(tmp_path, text))
    assert usage.notes == ()
    assert usage.frame["billed_cost"].tolist() == [1.234, 2.345]


@pytest.mark.parametrize(
    ("cells", "thousand", "decimal"),
    [
        (["1,234,567", "1,234"], 1234, None),
        (["1.234.567", "1.234"], 1234, None),
        (["0.25", "1,234"], 1234, None),
        (["0,25", "1.234"], 1234, None),
        (["1e3", "1234.5"], 1234.5, None),
        (["12345,678", "1.234"], 1234, None),
        (["1 234 567", "1\u202f234"], 1234, None),
        (["1'234.5", "1\u2019234"], 1234, None),
        (["7", "1.234"], 1234, ","),
        (["7", "1.234"], 1.234, "."),
        (["7", "1,234"], 1.234, ","),
        (["7", "1,234"], 1234, "."),
    ],
)
def test_what_other_numbers_tell_decides(cells, thousand, decimal):
    made = written_plainly(pd.DataFrame({"requests": cells}), {}, name="f", first_row=2, decimal=decimal)
    assert float(made.frame["requests"].iloc[1]) == thousand


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("cell", ["1.234", "12.500", '"1,234"'])
def test_a_count_that_may_be_two_is_refused_until_it_is_told(tmp_path, separator, cell):
    text = separator.join(["date", "model", "requests"]) + f"\n2026-01-01{separator}a{separator}{cell}\n"
    path = saved(tmp_path, text)
    told = f"column 'requests': {cell.strip(chr(34))} in row 2 may be thousands or a fraction.*decimal=','"
    with pytest.raises(UsageError, match=told):
        fc.read_usage(path)
    read = {mark: fc.read_usage(path, decimal=mark).frame["requests"].iloc[0] for mark in (",", ".")}
    assert max(read.values()) == 1_000 * min(read.values())


@pytest.mark.parametrize(("count", "cost"), [("1.234", "0.5"), ("12.000", "1234.5"), ("1,234", "0,5")])
def test_counts_that_a_mark_of_money_would_divide_by_a_thousand_are_refused(tmp_path, count, cost):
    text = f"date;model;requests;billed_cost;currency\n2026-01-01;a;{count};{cost};USD\n2026-01-02;a;7;1;USD\n"
    with pytest.raises(UsageError, match="is written as thousands are, beside column 'billed_cost'"):
        fc.read_usage(saved(tmp_path, text))
    mark = "," if "," in cost else "."
    told = fc.read_usage(saved(tmp_path, text), decimal=mark).frame["requests"].tolist()
    assert told == [float(count.replace(",", ".")), 7.0]


def test_counts_that_are_fractions_for_sure_are_read(tmp_path):
    text = "date;model;requests;billed_cost;currency\n2026-01-01;a;1.234;0.5;USD\n2026-01-02;a;10.5;1;USD\n"
    assert fc.read_usage(saved(tmp_path, text)).frame["requests"].tolist() == [1.234, 10.5]


def test_the_command_names_its_own_option(tmp_path, capsys):
    path = saved(tmp_path, "date;model;requests\n2026-01-01;a;1.234\n2026-01-02;a;2.345\n")
    assert main(["read", str(path)]) == 1
    assert "(here: --decimal , or --decimal .)" in capsys.readouterr().err
    assert main(["read", str(path), "--decimal", ","]) == 0
    assert "3,579" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("date;model;requests\n2026-01-01;a;1.5\n2026-01-02;a;2,5\n", {}, "a decimal point.*a decimal comma.*damaged"),
        ("date;model;requests\n2026-01-01;a;1.5\n", {"decimal": ","}, "1.5 in row 2 does not fit decimal=','"),
        ("date;model;requests\n2026-01-01;a;viele\n", {}, "'requests': is not a number in row 2: requests=viele"),
        ("date;model;requests\n2026-01-01;a;1.23.4\n", {}, "'requests': is not a number in row 2"),
        ("date;model;requests\n02/01/2026;a;1\n01/02/2026;a;1\n", {}, "02/01/2026 in row 2 may be a day and month"),
        ("date;model;requests\n31.12.2025;a;1\nSumme;a;1\n", {}, "cannot be read as a date"),
        ("date;model;requests\n31.13.2025;a;1\n", {}, "cannot be read as a date: row 2: date=2025-13-31"),
        ("date;a,b\n2026-01-01;1\n", {}, "as many columns by ',' as by ';'"),
        ("date;model;requests\n2026-01-01;a\n", {}, "2 cells under 3 columns"),
        ("date,model,requests\n2026-01-01,a,1\n", {"decimal": "'"}, 'decimal "\'" is not known'),
    ],
)
def test_what_is_damaged_or_not_told_is_refused(tmp_path, text, options, message):
    with pytest.raises(UsageError, match=message):
        fc.read_usage(saved(tmp_path, text), **options)


@pytest.mark.parametrize(
    ("dates", "first"),
    [
        (["31.12.2025", "1.1.2026"], "2025-12-31"),
        (["12/31/2025", "1/2/2026"], "2025-12-31"),
        (["31/12/2025", "1/1/2026"], "2025-12-31"),
        (["11.2025", "12.2025"], "2025-11-01"),
        (["11/2025", "12/2025"], "2025-11-01"),
        (["31.12.2025 9:00", "31.12.2025 10:00"], "2025-12-31 09:00"),
    ],
)
def test_dates_that_tell_their_order(dates, first):
    frame = pd.DataFrame({"date": dates, "model": "a", "requests": [1, 2]})
    assert fc.read_usage(frame).start == pd.Timestamp(first)


@pytest.mark.parametrize("name", ["usage.xlsx", "usage.ods", "usage.XLSM"])
def test_a_workbook_is_told_to_be_saved_as_csv(tmp_path, name):
    with pytest.raises(UsageError, match="save the sheet as CSV"):
        fc.read_usage(saved(tmp_path, "PK", name=name))


def test_a_vendors_file_that_a_spreadsheet_saved_is_refused(tmp_path):
    head = "start_time;end_time;num_model_requests;input_tokens;output_tokens;model\n"
    path = saved(tmp_path, head + "1767225600;1767312000;1.234;1.234.567;1.000;gpt-5\n")
    with pytest.raises(UsageError, match=r"columns of openai.*separated by ';'.*export it again"):
        fc.read_usage(path)


AMOUNTS = st.lists(st.decimals(min_value=0, max_value=10**9, places=2), min_size=1, max_size=6)


@given(AMOUNTS, st.booleans(), st.sampled_from([",.", ".,"]))
def test_amounts_come_back_to_the_cent(amounts, grouped, marks):
    thousands, mark = marks
    english = [f"{a:,.2f}" if grouped else f"{a:.2f}" for a in amounts]
    cells = [t.translate({ord(","): thousands, ord("."): mark}) for t in english]
    made = written_plainly(pd.DataFrame({"billed_cost": cells}), {}, name="f", first_row=2, separator=";")
    assert [Decimal(t) for t in made.frame["billed_cost"]] == amounts


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


@given(st.lists(st.from_regex(r"\A[1-9]\d{0,2}([.,]\d{1,3}){0,2}\Z"), min_size=1, max_size=4))
def test_every_column_is_read_in_one_way_or_refused(cells):
    frame = pd.DataFrame({"input_tokens": cells})
    try:
        made = written_plainly(frame, {}, name="f", first_row=2, separator=";").frame["input_tokens"]
    except UsageError:
        return
    ways = [[c.replace(thousands, "").replace(mark, ".") for c in cells] for thousands, mark in (",.", ".,")]
    numbers = [[read if is_number(read) else "none" for read in way] for way in (list(made), *ways)]
    # A cell that is no number stays as it is: the door refuses it.
    assert any(all(ours in (other, "none") for ours, other in zip(numbers[0], way, strict=True)) for way in numbers[1:])
