"""Who pays what: every table sums to the bill to the cent, keys deal as they say, and what is unknown is not 0."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import forecast as fc
import scenarios as sc
from forecast.streams import stream
from scenarios.cli import main
from scenarios.reviews.allocating.cents import cents_of, rounded_within, total_cents

#: Random bills of the conservation test: as many as were asked to hold.
CASES = 10_000
#: Cents that a month, or a payer's month, may be from its exact amount: the largest remainder moves a part by less than
#: one cent at each level, and a part of a part by less than one more.
CENT = 1.0


def usage(rows: list[dict[str, object]], **columns: object) -> fc.Usage:
    """A bill of hand-made rows: 2026-01-05, one model, US dollars, unless a row says otherwise."""
    plain = {"date": "2026-01-05", "provider": "openai", "model": "gpt-5", "currency": "USD", **columns}
    return fc.Usage.from_frame(pd.DataFrame([plain | row for row in rows]), duplicates="sum")


def bill(*amounts: tuple[str | None, float], **columns: object) -> fc.Usage:
    """A bill of amounts by department; what is negative is a credit."""
    return usage(
        [
            {
                "department": who,
                "billed_cost": money,
                "application": f"a{i}",
                "charge_category": "usage" if money >= 0 else "credit",
            }
            for i, (who, money) in enumerate(amounts)
        ],
        **columns,
    )


def totals(made: sc.Allocation) -> dict[object, float]:
    return made.table()["total"].to_dict()


# ------------------------------------------------------------------------------------------------------ by hand


def test_shared_cost_by_cost_by_hand():
    made = sc.allocate(bill(("sales", 600.0), ("support", 300.0), (None, 90.0)), "department")
    # 90 by 600 : 300 is 60 and 30.
    assert made.table().loc["sales"].tolist() == [600.0, 60.0, 660.0, pytest.approx(100 * 660 / 990), "cost"]
    assert made.table().loc["support", ["direct", "shared", "total"]].tolist() == [300.0, 30.0, 330.0]
    assert made.total == 990.0
    assert made.allocation_percent == pytest.approx(100 * 900 / 990)
    assert made.unallocated.loc["unassigned", "amount"] == 90.0
    assert made.pools.loc["unassigned", ["key", "amount", "dealt", "kept", "payers"]].tolist() == [
        "cost",
        90.0,
        90.0,
        0.0,
        2,
    ]


def test_one_cent_goes_to_the_largest_remainder_by_hand():
    # 0.10 in three equal parts: 3.33 cents each; the first by name takes the cent that is left.
    made = sc.allocate(bill(("a", 1.0), ("b", 1.0), ("c", 1.0), (None, 0.10)), "department", shared="even")
    assert totals(made) == {"a": 1.04, "b": 1.03, "c": 1.03}


@pytest.mark.parametrize(
    ("shared", "sales", "support"),
    [
        ("cost", 60.0, 30.0),  # 600 : 300
        ("requests", 18.0, 72.0),  # 10 : 40
        ("tokens", 67.5, 22.5),  # 3,000 : 1,000
        ("even", 45.0, 45.0),
        ("equally", 45.0, 45.0),
        ({"sales": 7, "support": 2}, 70.0, 20.0),
        ({"sales": "25%", "support": "75%"}, 22.5, 67.5),
        ({"support": "100%"}, 0.0, 90.0),
        (pd.DataFrame({"department": ["sales", "support"], "heads": [1, 8]}), 10.0, 80.0),
        (pd.Series({"sales": 1, "support": 8}), 10.0, 80.0),
        ({"unassigned": "even"}, 45.0, 45.0),
        ({"*": "requests", "tax": "even"}, 18.0, 72.0),
    ],
)
def test_every_key_by_hand(shared, sales, support):
    rows = [
        {"department": "sales", "billed_cost": 600.0, "requests": 10, "input_tokens": 3_000},
        {"department": "support", "billed_cost": 300.0, "requests": 40, "input_tokens": 1_000},
        {"department": None, "billed_cost": 90.0, "requests": 1, "input_tokens": 1},
    ]
    table = sc.allocate(usage(rows), shared=shared).table()
    assert table["shared"].to_dict() == {"sales": sales, "support": support}


def test_what_is_not_dealt_is_shown_and_the_bill_still_sums():
    made = sc.allocate(bill(("sales", 600.0), (None, 90.0)), shared="keep")
    assert totals(made) == {"sales": 600.0, "unassigned": 90.0}
    assert made.pools.loc["unassigned", ["dealt", "kept"]].tolist() == [0.0, 90.0]
    assert made.unallocated.loc["all", "percent"] == pytest.approx(100 * 90 / 690)


def test_each_month_is_dealt_by_its_own_usage():
    rows = [
        {"date": "2026-01-05", "department": "a", "billed_cost": 10.0},
        {"date": "2026-01-05", "department": None, "billed_cost": 8.0},
        {"date": "2026-02-05", "department": "a", "billed_cost": 10.0},
        {"date": "2026-02-05", "department": "b", "billed_cost": 30.0},
        {"date": "2026-02-06", "department": None, "billed_cost": 8.0},
    ]
    monthly = sc.allocate(usage(rows)).table(monthly=True)["shared"].to_dict()
    assert monthly == {("a", "2026-01"): 8.0, ("a", "2026-02"): 2.0, ("b", "2026-02"): 6.0}


def test_a_month_in_which_nobody_has_the_key_is_dealt_by_the_span_and_says_so():
    rows = [
        {"date": "2026-01-05", "department": None, "billed_cost": 8.0},
        {"date": "2026-02-05", "department": "a", "billed_cost": 10.0},
        {"date": "2026-02-05", "department": "b", "billed_cost": 30.0},
    ]
    made = sc.allocate(usage(rows))
    assert made.table(monthly=True)["shared"].to_dict()[("a", "2026-01")] == 2.0
    assert any("2026-01" in note and "whole span" in note for note in made.notes)


def test_taxes_credits_commitments_platform_and_own_lines_are_pools():
    rows = [
        {"department": "a", "project": "x", "billed_cost": 100.0},
        {"department": "b", "project": "y", "billed_cost": 300.0},
        {"department": "core", "project": "gateway", "billed_cost": 40.0},
        {"billed_cost": -20.0, "charge_category": "credit"},
        {"billed_cost": 80.0, "charge_category": "tax"},
        {"billed_cost": 400.0, "charge_category": "purchase"},
    ]
    made = sc.allocate(
        usage(rows),
        platform={"project": "gateway"},
        lines={"support": {"2026-01": 10.0}},
        shared={"purchase": {"a": "50%", "b": "50%"}, "gateway": "even", "*": "cost"},
    )
    assert made.pools["amount"].to_dict() == {
        "credit": -20.0,
        "gateway": 40.0,
        "purchase": 400.0,
        "support": 10.0,
        "tax": 80.0,
    }
    # a: 100 + 200 (half of 400) + 20 (half of 40) + a quarter of -20 + 80 + 10
    assert totals(made) == {"a": 337.5, "b": 572.5}
    assert made.total == 910.0


def test_a_row_with_some_labels_is_dealt_among_those_that_bear_them():
    rows = [
        {"department": "a", "project": "x", "billed_cost": 30.0},
        {"department": "a", "project": "y", "billed_cost": 10.0},
        {"department": "b", "project": "z", "billed_cost": 60.0},
        {"department": "a", "billed_cost": 20.0},
        {"billed_cost": 12.0},
    ]
    made = sc.allocate(usage(rows), ["department", "project"])
    # 20 of a by 30 : 10 is 15 and 5; then 12 by 45 : 15 : 60 is 4.50, 1.50 and 6.
    assert totals(made) == {("a", "x"): 49.5, ("a", "y"): 16.5, ("b", "z"): 66.0}
    # The department's own bill is the same as when allocated by department: 60 + 12 * 60 / 120.
    assert totals(sc.allocate(usage(rows))) == {"a": 66.0, "b": 66.0}


def test_a_credit_larger_than_the_cost_has_no_part_in_keys_by_cost():
    made = sc.allocate(bill(("a", 10.0), ("a", -30.0), ("b", 10.0), (None, 6.0)))
    assert totals(made) == {"a": -20.0, "b": 16.0}
    assert any("below 0" in note for note in made.notes)


# -------------------------------------------------------------------------------------------------- conservation


def random_bill(case: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amounts (cell,) with credits, sub-cent amounts, zeros and halves of a cent; months and payers of each."""
    rng = stream(11, "bills", case)
    size = int(rng.integers(1, 25))
    scale = 10.0 ** rng.integers(-4, 6, size=size)
    amounts = rng.standard_normal(size) * scale * (rng.random(size) > 0.2)
    halves = rng.random(size) < 0.2
    amounts[halves] = rng.integers(-500, 500, size=int(halves.sum())) / 200.0
    return amounts, rng.integers(0, 4, size=size), rng.integers(0, 6, size=size)


def test_cents_sum_to_the_bill_in_ten_thousand_random_cases():
    for case in range(CASES):
        amounts, month, payer = random_bill(case)
        cents = cents_of(amounts, month, payer)
        exact = sum(map(Fraction, amounts.tolist())) * 100
        # The referee is exact arithmetic; at half a cent either side will do.
        assert abs(int(cents.sum()) - exact) <= Fraction(1, 2) + Fraction(1, 10**6), case
        for group in (month, month * 6 + payer):
            off = np.abs(np.bincount(group, weights=cents - amounts * 100.0))
            assert off.max() < CENT + 1e-6, case  # floating point of amounts to 1e6
        assert not cents[amounts == 0].any(), case


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 3)), min_size=1, max_size=40))
def test_largest_remainder_is_brute_force_largest_remainder(cells):
    """Amounts in thousandths of a cent, so that the referee is whole numbers."""
    thousandths = [a for a, _ in cells]
    amounts, group = np.array(thousandths) / 1e5, np.array([g for _, g in cells])
    whole = np.array([round(sum(a for a, g in cells if g == i) / 1_000) for i in range(4)], dtype=np.int64)
    found = rounded_within(amounts, group, whole)
    for i in range(4):
        own = [j for j, (_, g) in enumerate(cells) if g == i]
        floors = {j: thousandths[j] // 1_000 for j in own}
        up = int(whole[i]) - sum(floors.values())
        order = sorted(own, key=lambda j: (-(thousandths[j] % 1_000), j))
        wanted = {j: floors[j] + (j in order[:up]) for j in own}
        assert sum(found[own]) == (whole[i] if own else 0)
        # Floating point may take one of two equal remainders for the larger.
        assert sorted(found[own] - np.array([floors[j] for j in own])) == sorted(wanted[j] - floors[j] for j in own)


@pytest.mark.parametrize("seed", range(8))
def test_whole_allocations_sum_to_the_bill(seed):
    rng = stream(5, "allocations", seed)
    rows = []
    for i in range(int(rng.integers(2, 60))):
        money = float(np.round(rng.lognormal(0, 4), int(rng.integers(0, 7))))
        category = str(rng.choice(["usage", "usage", "usage", "credit", "tax", "purchase"]))
        rows.append(
            {
                "date": f"2026-0{rng.integers(1, 4)}-05",
                "department": None if rng.random() < 0.3 else str(rng.choice(["a", "b", "c", "=1+1"])),
                "project": None if rng.random() < 0.3 else str(rng.choice(["x", "y"])),
                "model": str(rng.choice(["gpt-5", "gpt-5-mini"])),
                "application": f"a{i}",
                "billed_cost": -money if category == "credit" else money,
                "charge_category": category,
                "requests": float(rng.integers(0, 3)) if category == "usage" else None,
            }
        )
    rows.append({"department": "a", "project": "x", "billed_cost": 1e6, "requests": 1.0, "application": "last"})
    seen = usage(rows)
    wanted = total_cents(seen.frame["billed_cost"].to_numpy())
    for by in ("department", ["department", "project"]):
        for key in ("cost", "even", "keep", "requests"):
            made = sc.allocate(seen, by, shared=key)
            tables = (made.table(), made.table(monthly=True))
            for table in tables:
                assert round(table["total"].sum() * 100) == wanted
                parts = (table["direct"] * 100).round() + (table["shared"] * 100).round()
                assert (parts == (table["total"] * 100).round()).all()
            lines = made.invoices()
            assert round(lines["amount"].sum() * 100) == wanted
            by_payer = lines.groupby(list(made.by))["amount"].sum()
            assert np.allclose(by_payer, made.table()["total"].reindex(by_payer.index), atol=1e-6, rtol=0)
            assert round(made.unallocated["amount"].drop("all").sum() * 100) == round(
                made.unallocated.loc["all", "amount"] * 100
            )


def test_the_order_of_rows_changes_nothing():
    seen = bill(("a", 10.005), ("b", 20.013), ("c", 0.3333), (None, 7.777), (None, -1.111))
    again = fc.Usage.from_frame(seen.frame.iloc[::-1], sort=True)
    pd.testing.assert_frame_equal(sc.allocate(seen).invoices(), sc.allocate(again).invoices())


# ------------------------------------------------------------------------------- invoices and unit costs


def test_an_invoice_tells_quantity_and_effective_price():
    rows = [
        {"department": "a", "input_tokens": 1_500_000, "output_tokens": 500_000, "requests": 100, "billed_cost": 5.0},
        {"department": "a", "model": "images", "images": 40, "billed_cost": 1.6},
        {"department": "a", "model": "mixed", "images": 4, "input_tokens": 10, "billed_cost": 1.0},
        {"department": "b", "seats": 3, "billed_cost": 60.0, "model": None},
    ]
    lines = sc.allocate(usage(rows)).invoices("a").set_index("model")
    assert lines.loc["gpt-5", ["quantity", "unit", "unit_price", "amount"]].tolist() == [2e6, "tokens", 2.5, 5.0]
    assert lines.loc["images", ["quantity", "unit", "unit_price"]].tolist() == [40.0, "images", pytest.approx(0.04)]
    assert np.isnan(lines.loc["mixed", "quantity"])
    assert np.isnan(lines.loc["mixed", "unit_price"])
    with pytest.raises(fc.PlanError, match="there is no such payer by department; there are a, b; did you mean"):
        sc.allocate(usage(rows)).invoices("aa")


def test_unit_costs_by_hand_and_unknown_is_not_zero():
    rows = [
        {"department": "a", "user": "u1", "requests": 10, "input_tokens": 5, "billed_cost": 6.0},
        {"department": "a", "user": "u2", "requests": 20, "input_tokens": 5, "billed_cost": 3.0},
        {"department": "b", "user": None, "requests": None, "input_tokens": 5, "billed_cost": 9.0},
        {"department": None, "requests": None, "billed_cost": 2.0, "charge_category": "tax"},
    ]
    made = sc.allocate(usage(rows), tasks := "department")
    table = made.unit_costs(tasks={"a": 4})
    assert tasks in table.index.names
    # a pays 9 and half of the tax.
    assert table.loc["a", ["cost", "users", "cost_per_user", "cost_per_request", "cost_per_task"]].tolist() == [
        10.0,
        2.0,
        5.0,
        pytest.approx(10 / 30),
        2.5,
    ]
    assert table.loc["b", ["cost_per_user", "cost_per_request", "cost_per_task"]].isna().all()
    assert made.unit_costs("requests", basis="direct").loc["a", "cost_per_request"] == pytest.approx(9 / 30)
    assert np.isnan(made.unit_costs(["users"], users={"a": 0}).loc["a", "cost_per_user"])


def test_usage_without_money_is_priced():
    rows = [
        {"department": "a", "total_tokens": 3_000_000},
        {"department": "b", "total_tokens": 1_000_000},
        {"department": None, "total_tokens": 4_000_000},
    ]
    book = fc.PriceBook.blended(2.0)
    made = sc.allocate(usage(rows), prices=book)
    # 2.00 a million: 6 and 2, and 8 by 3 : 1.
    assert totals(made) == {"a": 12.0, "b": 4.0}


def test_unknown_cost_is_refused_or_listed():
    rows = [
        {"department": "a", "input_tokens": 1_000, "billed_cost": 3.0},
        {"department": "b", "input_tokens": 1_000, "billed_cost": None, "model": "new"},
    ]
    with pytest.raises(fc.PriceError, match=r"'billed_cost' is blank in 1 of 2 rows .*2026-01-05, new; .*exclude"):
        sc.allocate(usage(rows))
    made = sc.allocate(usage(rows), unpriced="exclude")
    assert totals(made) == {"a": 3.0}
    assert made.excluded["model"].tolist() == ["new"]
    with pytest.raises(fc.PriceError, match=r"no-such-model.*unpriced='exclude'"):
        sc.allocate(usage([rows[0] | {"model": "no-such-model"}]), prices=fc.PriceBook.builtin())


# ------------------------------------------------------------------------------------------------- bad input

TWO = (("sales", 1.0), ("support", 2.0), (None, 1.0))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"by": "departement"}, "no such column; it has .*did you mean 'department'"),
        ({"by": "user"}, "personal=True"),
        ({"by": "region"}, "no such column; it has [a-z, _]*$"),  # a label of ours, not a slip
        ({"by": []}, "wanted a column or several"),
        ({"by": ["department", "department"]}, "each once"),
        ({"shared": "costs"}, "is no key; allowed: 'cost'.*did you mean 'cost'"),
        ({"shared": {"salse": 1, "support": 2}}, "no payer 'salse' in the bill; it has sales, support; did you mean"),
        ({"shared": {"sales": "60%", "support": "30%"}}, "percents sum to 90 %, not to 100 %"),
        ({"shared": {"sales": "60%", "support": 40}}, "all in one way"),
        ({"shared": {"sales": -1, "support": 2}}, "wanted a weight from 0 up"),
        ({"shared": {"sales": 0, "support": 0}}, "weights sum to 0"),
        ({"shared": {"sales": float("nan")}}, "wanted a weight from 0 up"),
        ({"shared": {"unassinged": "cost", "*": "even"}}, "no pool 'unassinged'.*did you mean 'unassigned'"),
        ({"shared": {"unassinged": "cost"}}, "no pool 'unassinged'.*did you mean 'unassigned'"),
        ({"shared": "requests"}, "dealt by requests, of which nobody has any; deal it by 'even'"),
        ({"shared": pd.DataFrame({"team": ["sales"], "w": [1]})}, "no column 'department'"),
        ({"shared": pd.DataFrame({"department": ["sales", "sales"], "w": [1, 2]})}, "stands twice"),
        ({"shared": pd.DataFrame({"department": ["sales"], "month": ["soon"], "w": [1]})}, "holds what is no month"),
        ({"shared": 3}, "wanted a word"),
        ({"platform": {"project": "gateway"}}, "no row of the bill has project 'gateway'; there are none"),
        ({"platform": {"department": "suport"}}, "did you mean 'support'"),
        ({"lines": {"support": "much"}}, "wanted an amount of money"),
        ({"lines": {"support": {"2031-01": 1.0}}}, "is not of the span; it has 2026-01 to 2026-01"),
        ({"lines": {"tax": 3.0}}, "give the line another name"),
        ({"lines": {"support": float("inf")}}, "wanted an amount of money"),
        ({"start": "2026-02-01", "end": "2026-01-01"}, "swap them"),
        ({"start": "2025-01-01", "end": "2025-02-01"}, "no rows from 2025-01-01 to 2025-02-01"),
        ({"money": "cost"}, "allowed: 'billed_cost'"),
        ({"money": "list_cost"}, "list_cost"),
        ({"unpriced": "ignore"}, "allowed: 'refuse', 'exclude'"),
    ],
)
def test_bad_arguments_are_told_in_a_sentence(arguments, words):
    with pytest.raises(fc.TokenplanError, match=f"(?s){words}"):
        sc.allocate(bill(*TWO), **arguments)


def test_several_currencies_and_bills_that_nobody_can_pay_are_refused():
    one = bill(("a", 1.0), ("b", 1.0))
    mixed = replace(one, frame=one.frame.assign(currency=["EUR", "USD"]))
    with pytest.raises(fc.UsageError, match="money is in EUR and USD"):
        sc.allocate(mixed)
    nobody = usage([{"department": None, "billed_cost": 1.0, "project": "x"}])
    with pytest.raises(fc.PlanError, match="no row of the bill bears department; allocate by another"):
        sc.allocate(nobody)
    assert totals(sc.allocate(nobody, shared="keep")) == {"unassigned": 1.0}


def test_odd_names_stay_text_in_files(tmp_path):
    names = ["=HYPERLINK(1)", "+1", "🦙 team", "é\u202e", "x" * 40_000, "a,b\nc"]
    made = sc.allocate(bill(*((name, 1.5) for name in names), (None, 3.0)))
    assert made.total == 12.0
    made.to_csv(tmp_path / "a.csv")
    back = pd.read_csv(tmp_path / "a.csv")
    assert round(back["amount"].sum(), 2) == 12.0
    assert not back["department"].str.startswith(("=", "+")).any()
    made.to_excel(tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["Allocation", "Shared", "Invoices"]
    kinds = {cell.data_type for row in book["Allocation"].iter_rows(min_row=2, max_row=7, max_col=1) for cell in row}
    assert kinds == {"s"}
    assert "<table" in made._repr_html_()
    with pytest.raises(fc.PlanError, match=r"\.xlsx"):
        made.to_excel(tmp_path / "a.csv")


def test_sums_of_the_workbook_are_the_bill(tmp_path):
    made = sc.allocate(bill(*TWO))
    made.to_excel(tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx", data_only=True)["Invoices"]
    heads = [cell.value for cell in sheet[1]]
    assert sheet.cell(sheet.max_row, heads.index("amount") + 1).value == made.total == 4.0


# --------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def export(tmp_path, monkeypatch):
    bill(("sales", 600.0), ("support", 300.0), (None, 90.0), requests=2).frame.to_csv(tmp_path / "u.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_command_shows_who_pays_what(export, capsys):
    assert main(["allocate", "u.csv", "--by", "department"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("USD 990.00 from 2026-01-05 to 2026-01-05, by department; 90.9 % of charges bear it")
    assert "sales       600.00   60.00  660.00  66.7%  cost" in out
    assert main(["allocate", "u.csv", "--shared", "unassigned=even", "--json", "--out", "i.csv"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "tokenplan/allocate/1"
    assert {row["department"]: row["total"] for row in told["rows"]} == {"sales": 645.0, "support": 345.0}
    assert round(pd.read_csv("i.csv")["amount"].sum(), 2) == told["total"] == 990.0
    (export / "heads.csv").write_text("department,heads\nsales,1\nsupport,2\n", encoding="utf-8")
    assert main(["allocate", "u.csv", "--shared", "heads.csv", "--output", "csv"]) == 0
    assert "sales,600.0,30.0,630.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--by", "team"], "has no such column"),
        (["--shared", "heads.csv"], "there is no such file"),
        (["--shared", "cost", "--shared", "even"], "POOL=KEY"),
        (["--out", "x.pdf"], "ends in .csv or .xlsx"),
        (["--out", "no/such/x.csv"], "there is no folder"),
    ],
)
def test_command_tells_what_is_wrong(export, capsys, arguments, words):
    assert main(["allocate", "u.csv", *arguments]) == 1
    assert words in capsys.readouterr().err
