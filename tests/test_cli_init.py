"""``tokenplan init``: what it writes runs at once, questions are asked and read, a failure leaves nothing behind."""

import io
import os
import pty
import shutil
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from forecast.errors import TokenplanError
from scenarios.budget.planfile import read_plan_file
from scenarios.cli import init_job, main
from scenarios.cli.init_columns import Header, Mapped, answered, suggested
from scenarios.cli.init_questions import Extras, Span, read_extras, read_growth, read_span, read_split, usual_split

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data" / "samples"
EXPORTS = [
    "organisation_daily.csv",
    "burstgpt_daily.csv",
    "exports",
    *sorted(f"exports/{path.name}" for path in (SAMPLES / "exports").glob("*.gz")),
]
#: Few draws: what is shown is that a plan runs, not its numbers.
FEW = ("--draws", "200", "--quiet")

FINANCE = "Monat;Anbieter;Modell;Umgebung;Projekt;Anfragen;Eingabe-Token;Ausgabe-Token;Kosten (EUR)\n" + "".join(
    f"{month % 12 + 1:02d}.{2025 + month // 12};OpenAI;gpt-5-mini;{stage};Größenprüfung;"
    f"{size}.{100 + month};{size}.{200 + month}.000;{size}0.000;{size}.000,50\n"
    for month in range(18)
    for stage, size in (("Entwicklung", 3), ("Produktion", 9), ("Test", 1))
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SAMPLES, tmp_path / "data")
    return tmp_path


@pytest.fixture
def run(capsys):
    def run(*arguments):
        code = main([*map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def typed(monkeypatch):
    """Answers as they are typed at a terminal."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    return lambda *lines: monkeypatch.setattr(sys, "stdin", Terminal("".join(f"{line}\n" for line in lines)))


@pytest.mark.parametrize("export", EXPORTS)
def test_every_sample_becomes_a_plan_that_runs(folder, run, export):
    code, out, err = run("init", Path("data", export))
    assert code == 0, err
    assert len(out.splitlines()) == 4
    assert out.endswith("plan.toml is written and tried. Next: tokenplan plan plan.toml\n")
    assert f"{Path('data', export)}: " in out
    assert "nobody was asked: horizon is" in err
    code, out, err = run("plan", "plan.toml", *FEW)
    assert code == 0, err
    assert f"Plan of {Path(export).name}" in out
    assert sorted(p.name for p in folder.iterdir()) == ["data", "plan.toml"]


def test_the_template_is_still_there_to_be_changed(folder, run):
    run("init", "data/organisation_daily.csv")
    text = Path("plan.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)
    assert told["split"] == {"development": [0.15, 0.20], "production": [0.60, 0.70]}
    assert told["plan"]["confidence"] == 0.8
    assert "scenario" not in told
    assert '#kind = "per_unit"' in text
    assert "#[policy]" in text


def test_options_answer_every_question(folder, run):
    options = ("--horizon", "2Q from October", "--growth", "3%..8%", "--split", "production=50..60")
    code, _, err = run("init", "data/organisation_daily.csv", *options, "--extras", "P85, fixed 12,000, reserve 20000")
    assert code == 0, err
    assert "nobody was asked" not in err
    told = tomllib.loads(Path("plan.toml").read_text(encoding="utf-8"))
    assert told["calendar"] == {"start_month": 10}
    assert told["scenario"]["changes"] == [{"kind": "growth", "monthly": {"p10": 0.03, "p90": 0.08}}]
    assert told["components"] == [
        {"kind": "fixed", "name": "fixed costs", "monthly": 12_000},
        {"kind": "reserve", "name": "reserve", "amount": 20_000},
    ]
    assert told["split"] == {"production": [0.5, 0.6]}
    assert told["plan"]["confidence"] == 0.85
    assert "# the budget is the P85 of the total" in Path("plan.toml").read_text(encoding="utf-8")


def test_paths_are_told_from_where_the_plan_stands(folder, run):
    Path("plans").mkdir()
    rules = ("--rules", "data/exports/rules.toml")
    code, _, err = run("init", "data/exports", *rules, "-o", "plans/october.toml")
    assert code == 0, err
    told = tomllib.loads(Path("plans/october.toml").read_text(encoding="utf-8"))
    assert told["usage"]["file"] == "../data/exports"
    assert told["usage"]["rules"] == "../data/exports/rules.toml"
    assert run("plan", "plans/october.toml", *FEW)[0] == 0


def test_a_path_on_another_drive_is_told_whole(folder, monkeypatch):
    def apart(*_):
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(init_job.os.path, "relpath", apart)
    assert init_job._beside("usage.csv", folder / "plan.toml") == str(Path("usage.csv").absolute())


def test_several_exports_are_several_files(folder, run):
    names = ["openai_usage_2026-10.jsonl.gz", "google_billing_2026-10.jsonl.gz"]
    assert run("init", *(f"data/exports/{name}" for name in names))[0] == 0
    assert read_plan_file("plan.toml").usage.file == tuple(Path(f"data/exports/{name}") for name in names)
    assert run("plan", "plan.toml", *FEW)[0] == 0


def test_a_german_finance_export_needs_no_option(folder, run):
    Path("finanzen.csv").write_bytes(FINANCE.encode("cp1252"))
    code, out, err = run("init", "finanzen.csv")
    assert code == 0, err
    assert "18 months, 2025-01-01 to 2026-06-01" in out
    # 18 months x (3,000 + 9,000 + 1,000.50 ...): each row is its size in thousands and 50 cents.
    assert f"{18 * (3_000.5 + 9_000.5 + 1_000.5):,.2f} EUR" in out
    assert "input_tokens = Eingabe-Token" in err
    assert "decimal comma" in err
    assert "the plan is in USD, as its prices are; the export's money is in EUR" in err
    told = tomllib.loads(Path("plan.toml").read_text(encoding="utf-8"))
    assert told["split"] == {"Entwicklung": [0.15, 0.20], "Produktion": [0.60, 0.70]}
    assert run("plan", "plan.toml", *FEW)[0] == 0


def test_an_export_of_money_alone_is_planned_in_its_own_currency(folder, run):
    lines = FINANCE.splitlines()
    kept = [";".join([*line.split(";")[:4], line.split(";")[-1]]) for line in lines]
    Path("kosten.csv").write_text("\n".join(kept).replace("Monat", "Buchungsmonat"), encoding="utf-8")
    code, out, err = run("init", "kosten.csv")
    assert code == 0, err
    assert "the plan is in" not in err
    assert "It holds money and no tokens: a plan forecasts that money as it is, and uses no price book." in out
    code, out, err = run("plan", "plan.toml", *FEW)
    assert code == 0, err
    assert "as forecast: EUR " in out


def daily(**columns):
    """A hundred days of two environments."""
    days = pd.date_range("2026-06-01", periods=100)
    frame = pd.DataFrame({"date": days.repeat(2), "environment": ["dev", "prod"] * 100, "model": "gpt-5-mini"})
    return frame.assign(requests=range(100, 300), input_tokens=1_000_000, output_tokens=90_000, **columns)


def test_a_model_without_a_price_is_told_and_the_plan_runs(folder, run):
    daily().assign(model=["our-llm", "gpt-5-mini"] * 100).to_csv("usage.csv", index=False)
    code, out, err = run("init", "usage.csv")
    assert code == 0
    assert "Without a price in the built-in price book: our-llm input_tokens (45.9% of tokens)" in out
    assert "look at [prices] in plan.toml first" in err
    assert run("plan", "plan.toml", *FEW)[0] == 0


def test_several_currencies_need_rates_of_your_own(folder, run):
    daily(billed_cost=1.5, currency=["EUR", "USD"] * 100).to_csv("usage.csv", index=False)
    code, _, err = run("init", "usage.csv")
    assert code == 1
    assert "(here: --rates FILE --currency CODE)" in err
    Path("rates.csv").write_text("date,currency,rate\n2026-01-01,EUR,1.1\n", encoding="utf-8")
    code, out, err = run("init", "usage.csv", "--rates", "rates.csv", "--currency", "USD")
    assert code == 0, err
    assert f"{100 * (1.5 + 1.5 * 1.1):,.2f} USD" in out
    assert run("plan", "plan.toml", *FEW)[0] == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"date,model,requests\n", "there are no rows"),
        (b"a,b\n1,2\n", "there is no column 'date'.*--column NAME=OWN"),
        (b"date,model,requests\n2026-10-01,gpt-5,7\n", "cannot be made, and nothing was written.*at least 14"),
        (b"date;model;requests\n2026-10-01;gpt-5;1.234\n", "thousands or a fraction.*--decimal"),
        (b"date,requests\n2026-10-01,7\n", "there is no model.*--column"),
    ],
)
def test_what_cannot_be_planned_leaves_nothing(folder, run, content, message):
    Path("usage.csv").write_bytes(content)
    before = sorted(folder.iterdir())
    code, _, err = run("init", "usage.csv")
    assert code == 1
    assert pd.Series([err]).str.contains(message).all(), err
    assert "Traceback" not in err
    assert sorted(folder.iterdir()) == before


def test_a_file_that_is_there_stays_unless_forced(folder, run):
    Path("plan.toml").write_text("mine", encoding="utf-8")
    code, _, err = run("init", "data/organisation_daily.csv")
    assert code == 1
    assert "plan.toml: is there already; name another by -o, or overwrite it with --force" in err
    assert Path("plan.toml").read_text(encoding="utf-8") == "mine"
    assert run("init", "data/organisation_daily.csv", "--force")[0] == 0
    assert read_plan_file("plan.toml").name == "Plan of organisation_daily.csv"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-o", "data"), "is a folder; name the plan file"),
        (("-o", "no/plan.toml"), "there is no folder no"),
        (("--growth", "much"), "--growth 'much'"),
        (("--horizon", "90Y"), "--horizon.*longer than 10 years"),
        (("--split", "prod=1..2"), "--split 'prod' is no environment.*development, production"),
        (("--extras", "20%"), "--extras '20%'.*from 50%"),
        (("--timezone", "Mars"), "--timezone"),
        (("--column", "date=dya"), "'dya', mapped to 'date', is not there"),
    ],
)
def test_an_option_that_means_nothing_is_told(folder, run, options, message):
    code, _, err = run("init", "data/organisation_daily.csv", *options)
    assert code == 1
    assert pd.Series([err]).str.contains(message).all(), err
    assert sorted(p.name for p in folder.iterdir()) == ["data"]


def test_questions_are_asked_again_until_they_are_answered(folder, run, typed):
    Path("own.csv").write_text(daily().rename(columns={"date": "when", "environment": "s"}).to_csv(index=False))
    typed(
        "date=wen", "date=when, environment=s, project='search'", "", "1Q", "3 8 9", "3..8", "dev=15..20", "90, fixed 5"
    )
    code, out, err = run("init", "own.csv")
    assert code == 0, err
    assert [f"{n}/5  " in out for n in range(1, 6)] == [True] * 5
    assert "there is no column 'wen'" in err
    assert "wanted growth a month" in err
    told = tomllib.loads(Path("plan.toml").read_text(encoding="utf-8"))
    assert told["usage"]["columns"] == {"date": "when", "environment": "s"}
    assert told["usage"]["fill"] == {"project": "search"}
    assert told["plan"]["horizon"] == "1Q"
    assert told["scenario"]["changes"][0]["monthly"] == {"p10": 0.03, "p90": 0.08}
    assert told["components"][0]["monthly"] == 5
    assert run("plan", "plan.toml", *FEW)[0] == 0


def test_the_end_of_the_answers_leaves_nothing(folder, run, typed):
    typed("", "2Q")
    code, _, err = run("init", "data/organisation_daily.csv")
    assert code == 1
    assert "the answers ended before the questions; nothing was written" in err
    assert sorted(p.name for p in folder.iterdir()) == ["data"]


def test_nobody_is_asked_with_yes(folder, run, typed):
    typed()
    assert run("init", "data/burstgpt_daily.csv", "--yes")[0] == 0


def test_control_c_at_a_terminal_leaves_nothing(folder):
    """A terminal of the system's: the question is there, and the key ends it."""
    code = "import sys; from scenarios.cli import main; sys.exit(main())"
    child, terminal = pty.fork()
    if child == 0:
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", code, "init", "data/burstgpt_daily.csv"])  # noqa: S606
    shown = b""
    while b"1/5" not in shown or not shown.endswith(b"] "):
        shown += os.read(terminal, 4096)
    os.write(terminal, b"\x03")
    try:
        while part := os.read(terminal, 4096):
            shown += part
    except OSError:
        pass  # how Linux tells that the other end is closed
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 130, shown.decode()
    assert sorted(p.name for p in folder.iterdir()) == ["data"]


# ------------------------------------------------------------------------------------------------------- what is typed


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("data", None),
        ("3%..8%", (0.03, 0.08)),
        ("3-8", (0.03, 0.08)),
        ("3 to 8", (0.03, 0.08)),
        ("-5% -2%", (-0.05, -0.02)),
        ("-5..2", (-0.05, 0.02)),
        ("4", (0.04, 0.04)),
        ("0.4%", (0.004, 0.004)),
        ("0", (0.0, 0.0)),
    ],
)
def test_growth_is_in_percent(written, meant):
    assert read_growth(written) == meant


@pytest.mark.parametrize("written", ["", "8..3", "0.03..0.08", "1 2 3", "-100", "a lot", "3%%", "nan", "inf"])
def test_growth_that_means_nothing(written):
    with pytest.raises(TokenplanError):
        read_growth(written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2Q", Span("2Q", 1)),
        (" FY2027 from October ", Span("FY2027", 10)),
        ("6M from 4", Span("6M", 4)),
        ("2Q from sept", Span("2Q", 9)),
    ],
)
def test_spans(written, meant):
    assert read_span(written) == meant


@pytest.mark.parametrize(
    "written", ["", "soon", "2Q from Octember", "2Q from 13", "2Q from o", "2Q from", "from October"]
)
def test_spans_that_mean_nothing(written):
    with pytest.raises(TokenplanError):
        read_span(written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("80%", Extras(0.8, 0, 0)),
        ("P90; reserve 20000", Extras(0.9, 0, 20_000)),
        ("fixed 12,000, reserve 1_000.50", Extras(0.8, 12_000, 1_000.5)),
        ("0.85, fixed 1", Extras(0.85, 1, 0)),
    ],
)
def test_extras(written, meant):
    assert read_extras(written) == meant


@pytest.mark.parametrize(
    "written", ["100%", "49", "fixed", "fixed -3", "fixed nan", "reserve 1.234,50", "reserve 1.234", "very sure"]
)
def test_extras_that_mean_nothing(written):
    with pytest.raises(TokenplanError):
        read_extras(written)


def test_splits_name_environments_that_are_there_and_can_be_met():
    names = ["dev", "prod", "test"]
    assert read_split("none", names) == {}
    assert read_split("dev=15%..20%, prod=0.6..0.7", names) == {"dev": (0.15, 0.20), "prod": (0.6, 0.7)}
    for wrong in ("dev", "dev=15", "qa=1..2", "dev=20..15", "dev=60..70, prod=60..70", "dev=a..b", ""):
        if wrong:
            with pytest.raises(TokenplanError):
                read_split(wrong, names)
    with pytest.raises(TokenplanError, match="don't reach 100 %"):
        read_split("dev=10..20, prod=60..70", ["dev", "prod"])


def test_the_usual_split_can_always_be_met():
    assert usual_split(["development", "production", "test"]) == {"development": (0.15, 0.2), "production": (0.6, 0.7)}
    assert usual_split(["Dev", "PROD"]) == {"Dev": (0.15, 0.2)}
    assert usual_split(["production"]) == usual_split(["a", "b"]) == usual_split([]) == {}


def test_columns_are_suggested_by_their_names_and_never_twice():
    header = Header(
        "tidy", ("Datum", "Modell", "Kosten [EUR]", "Token", "env", "Environment", "requests", "cached tokens")
    )
    made = suggested(header, Mapped({}, {}))
    assert made.columns == {"date": "Datum", "model": "Modell", "total_tokens": "Token", "billed_cost": "Kosten [EUR]"}
    assert made.fill == {"currency": "EUR"}
    assert suggested(header, Mapped({"model": "env"}, {"currency": "CHF"})).fill == {"currency": "CHF"}
    assert suggested(Header("tidy", ("Usage Day", "Calls")), Mapped({}, {})).columns["date"] == "Usage Day"
    assert "date" not in suggested(Header("tidy", ("Start Date", "End Date")), Mapped({}, {})).columns
    more = answered('environment = env, project = "a, b", model = -, rules = r.toml', header, made)
    assert more.columns["environment"] == "env"
    assert more.fill == {"currency": "EUR", "project": "a, b"}
    assert "model" not in more.columns
    assert more.rules == "r.toml"
    for wrong in ("project", "projekt = env", "project = Projekt", "= env"):
        with pytest.raises(TokenplanError):
            answered(wrong, header, made)
