"""``tokenplan read``: what is in an export, what was not read, and what has no price, in each form of output."""

import json
from pathlib import Path

import pandas as pd
import pytest

import forecast as fc
from forecast.prices import PriceBook
from forecast.samples import sample_path
from scenarios.cli import main
from scenarios.cli.read_job import contents_of, gaps_of

EXPORTS = Path(__file__).parent / "exports"
#: One file or glob of each format.
FILES = sorted(str(p) for p in EXPORTS.glob("*/*") if p.suffix not in (".toml", ".md") and "page" not in p.stem)


def run(capsys, *arguments):
    code = main(["read", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_what_is_in_pages_is_shown(capsys):
    code, out, err = run(capsys, *sorted((EXPORTS / "openai").glob("usage_page*.json")))
    assert code == 0
    assert "5 rows by day, 2026-06-01 to 2026-06-04 (UTC)" in out
    assert "gpt-5.6-terra        43  27,000      10,448" in out
    assert "parts of the input are above the whole     1  page 1, data[1].results[1]" in out
    assert "Nothing is lost" in out
    assert "no price for this unit" in out
    assert "note: 1 days without any usage are zeros" in err


def test_what_has_no_tokens_is_not_told_to_be_priced(capsys, tmp_path):
    head, row = "date,provider,model,environment", "2026-06-01,openai,gpt-5-mini,production"
    for column, said in (
        ("billed_cost", "It holds money and no tokens: a plan forecasts that money as it is, and uses no price book."),
        ("requests", "It holds neither tokens nor money: a plan needs the columns of one of them."),
        ("input_tokens", "Everything that was used has a price in the built-in price book."),
    ):
        (tmp_path / "usage.csv").write_text(f"{head},{column},currency\n{row},12,USD\n")
        _, out, _ = run(capsys, tmp_path / "usage.csv")
        assert out.rstrip().endswith(said)


@pytest.mark.parametrize("path", FILES, ids=[str(Path(f).relative_to(EXPORTS)) for f in FILES])
@pytest.mark.parametrize("form", [[], ["--output", "markdown"], ["--output", "csv"], ["--json"]], ids=str)
def test_every_export_is_told_in_every_form(capsys, path, form):
    code, out, err = run(capsys, path, *form)
    assert "Traceback" not in out + err
    if code == 1:
        assert err.startswith("error: ")
        assert "there are no rows" in err  # an export of an empty span
        return
    assert code == 0
    assert out
    if form == ["--json"]:
        document = json.loads(out)
        assert document["schema"] == "tokenplan/read/1"
        assert document["conservation"]["held"]
        assert sum(source["records"] for source in document["sources"]) > 0


def test_json_holds_every_table(capsys):
    code, out, _ = run(capsys, EXPORTS / "openai" / "completions_usage.csv", "--json")
    document = json.loads(out)
    assert code == 0
    assert [(r["reason"], r["rows"]) for r in document["rejected"]] == [
        ("num_model_requests is below 0", 1),
        ("num_model_requests is not a number", 1),
    ]
    assert document["totals"] == [
        {
            "provider": "openai",
            "model": "gpt-5",
            "requests": 14,
            "input_tokens": 5_900,
            "cache_read_tokens": 3_000,
            "output_tokens": 1_300,
        }
    ]


def test_formats_are_listed(capsys):
    code, out, _ = run(capsys, "--formats")
    assert code == 0
    for name in fc.formats():
        assert name in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no export is named: tokenplan read EXPORT"),
        (["absent.csv"], "absent.csv: there is no such file"),
        ([sample_path("organisation_daily.csv"), "--format", "opneai"], "did you mean 'openai'"),
        ([sample_path("organisation_daily.csv"), "--rules", "none.toml"], "there is no such rules file"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(capsys, arguments, message):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (1, "")
    assert message in err


def test_gaps_are_spans():
    days = pd.DatetimeIndex(["2026-06-01", "2026-06-02", "2026-06-05", "2026-06-07"])
    usage = fc.read_usage(pd.DataFrame({"date": days, "model": "gpt-5", "requests": 1}))
    gaps = gaps_of(usage)
    assert gaps.to_numpy().tolist() == [
        [pd.Timestamp("2026-06-03"), pd.Timestamp("2026-06-04"), 2],
        [pd.Timestamp("2026-06-06"), pd.Timestamp("2026-06-06"), 1],
    ]


def test_totals_are_those_of_the_sample():
    usage = fc.read_usage(sample_path("organisation_daily.csv"))
    found = contents_of(usage, PriceBook.builtin())
    assert found.totals["billed_cost"].sum() == pytest.approx(usage.frame["billed_cost"].sum(), rel=1e-12)
    assert found.unpriced.empty
