"""``tokenplan prices``: what a model costs, in each form of output, and what is wrong with the question."""

from __future__ import annotations

import json
import re
from io import StringIO

import pandas as pd
import pytest

from forecast.prices import PriceBook
from scenarios.cli import main, prices_job

BUILTIN = PriceBook.builtin()
ON = ("--on", "2026-11-28")


@pytest.fixture
def run(capsys):
    """Run the command here; returns its code, stdout and stderr."""

    def command(*arguments: str) -> tuple[int, str, str]:
        code = main(["prices", *arguments])
        return code, *capsys.readouterr()

    return command


def test_prices_show_the_match_the_day_the_history_and_what_is_to_come(run):
    code, out, err = run("gemini-3.6-flash", "--provider", "google", *ON)
    assert (code, err) == (0, "")
    assert out.startswith("google gemini-3.6-flash → google gemini-3.6-flash by exact, in genai-prices ")
    today, changes = out.split("every price of what has changed or will:")
    lines = [line.split() for line in today.splitlines()]
    assert ["input_tokens", "standard", "0.75", "USD", "1M", "always", "2026-12-31"] in lines
    assert ["batch", "0.375", "USD", "1M", "always", "2026-12-31"] in lines
    assert ["searches", "standard", "14.00", "USD", "1,000", "always", "open"] in lines
    assert ["1.50", "USD", "1M", "2027-01-01", "open"] in [line.split() for line in changes.splitlines()]
    assert "known to come: 10 prices from 2027-01-01" in out
    assert "- undated: input_tokens, cache_read_tokens" in out
    assert "- no cache_write price is listed: billed as input: cache_write_tokens" in out


def test_prices_on_a_day(run):
    code, out, _ = run("o3", "--provider", "openai", "--on", "2025-06-09")
    first = out.split("on 2025-06-09:")[1].split("every price")[0]
    assert code == 0
    assert re.search(r"input_tokens\s+standard\s+10\.00 USD", first)
    assert "2.00 USD" not in first
    assert "known to come" in out


def test_sizes_and_hours_have_rows_of_their_own(run):
    _, out, _ = run("claude-sonnet-4-5", *ON)
    assert re.search(r"input_tokens\s+standard\s+3\.00 USD\s+1M\s+always\s+open\n\s+>200k\s+6\.00 USD", out)
    assert "usage that says no size of request pays the price without one" in out
    _, out, _ = run("deepseek-chat", *ON)
    assert re.search(r"input_tokens\s+standard\s+0\.27 USD.*\n\s+16:30-00:30\s+0\.135 USD", out)
    assert "daily usage pays the price without hours" in out
    # a long tier that ended is not shown after its end
    _, out, _ = run("claude-opus-4-6", "--on", "2026-06-01")
    assert ">200k" not in out.split("on 2026-06-01:")[1].split("every price")[0]


def test_prices_as_json_hold_what_the_documentation_lists(run):
    code, out, _ = run("gpt-5.6-sol", "--provider", "openai", *ON, "--json")
    told = json.loads(out)
    documented = re.findall(r"``([a-z_]+)``", prices_job.__doc__.split("JSON document")[1])
    assert code == 0
    assert set(told) <= set(documented)
    assert told["schema"] == "tokenplan/prices/1"
    assert told["on"] == "2026-11-28"
    assert told["families"][0]["how"] == "exact"
    standard = {(p["unit"], p["context_tier"]): p for p in told["prices"] if p["service_tier"] == "standard"}
    for (unit, size), row in standard.items():
        exact = BUILTIN.price("openai", "gpt-5.6-sol", unit, "2026-11-28", context_tier=size or None)
        assert f"{exact.normalize():f}" == row["price"]
    assert standard["input_tokens", ">272k"]["price"] == "8"
    assert (standard["input_tokens", ""]["since"], standard["input_tokens", ""]["until"]) == ("2026-08-21", None)
    assert len(told["history"]) > len(told["prices"])
    assert told["ahead"] == []


def test_prices_as_csv_and_markdown(run):
    _, out, _ = run("o3", "--provider", "openai", *ON, "--output", "csv")
    table = pd.read_csv(StringIO(out), dtype=str)
    rows = table.query("unit == 'input_tokens' and service_tier == 'standard'")
    assert rows["price"].tolist() == ["10", "2"]
    assert rows["since"].tolist()[1] == "2025-06-10"
    _, out, _ = run("o3", "--provider", "openai", *ON, "--output", "markdown")
    assert "| input_tokens | standard | 10.00 USD | 1M | always | 2025-06-09 |" in out
    assert out.startswith("**openai o3 → openai o3 by exact")


def test_ones_own_prices_and_discounts_hold_over_the_list(run, tmp_path):
    (tmp_path / "mine.csv").write_text(
        "provider,model,unit,discount,valid_from,note\nopenai,gpt-4o,*,0.15,2026-01-01,contract 7\n"
    )
    (tmp_path / "more.toml").write_text('[[prices]]\nmodel = "house"\nunit = "input_tokens"\nprice = 0.125\n')
    books = ("--book", str(tmp_path / "mine.csv"), "--book", str(tmp_path / "more.toml"))
    code, out, _ = run("gpt-4o", "--provider", "openai", *ON, *books)
    assert code == 0
    assert re.search(r"input_tokens\s+standard\s+2\.125 USD\s+1M\s+2026-01-01\s+open", out)
    assert "15% off (" in out
    assert "contract 7" in out
    assert "discounts by openai gpt-4o by exact" in out
    code, out, _ = run("house", *ON, *books)
    assert "0.125 USD" in out


def test_a_name_with_control_characters_or_formulas_is_harmless(run, tmp_path):
    (tmp_path / "odd.csv").write_text('model,unit,price,note\n=cmd(),input_tokens,1,"=1+1\x1b[31m\nx"\n')
    code, out, _ = run("=cmd()", *ON, "--book", str(tmp_path / "odd.csv"))
    assert code == 0
    assert "\x1b" not in out
    _, out, _ = run("=cmd()", *ON, "--book", str(tmp_path / "odd.csv"), "--output", "csv")
    assert "'=1+1" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("gpt-4oo",), "error: 'gpt-4oo' is not in genai-prices"),
        (("gpt-4oo", "--provider", "openai"), "did you mean 'gpt-4o'?"),
        (("gpt-4o", "--provider", "opnai"), "'gpt-4o' is not in genai-prices"),
        (("gpt-4o", "--book", "nowhere.csv"), "error: nowhere.csv: there is no such file"),
    ],
)
def test_wrong_input_ends_with_1_and_the_nearest_name(run, arguments, says):
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert says in err
    assert "Traceback" not in err


def test_a_model_that_several_sell_needs_a_provider(run, tmp_path):
    (tmp_path / "two.csv").write_text("provider,model,unit,price\nacme,m,input_tokens,1\nzeta,m,input_tokens,2\n")
    code, _, err = run("m", "--book", str(tmp_path / "two.csv"))
    assert code == 1
    assert "'m' is sold by acme, zeta, each at its own price; name one with --provider" in err


@pytest.mark.parametrize(
    "arguments", [(), ("o3", "--on", "soon"), ("o3", "--output", "pdf"), ("o3", "--json", "--output", "csv")]
)
def test_a_wrong_command_line_ends_with_2(run, arguments):
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert stopped.value.code == 2


def test_no_price_on_the_day_is_told(run, tmp_path):
    (tmp_path / "late.csv").write_text("provider,model,unit,price,valid_from\nacme,m,input_tokens,1,2027-02-01\n")
    code, out, _ = run("m", "--provider", "acme", *ON, "--book", str(tmp_path / "late.csv"))
    assert code == 0
    assert "no price holds on this day" in out
    assert "known to come: 1 price from 2027-02-01" in out
