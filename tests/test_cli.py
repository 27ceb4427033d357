"""The command: each job, each form of output, each exit code, and never a traceback."""

import json
import re
import shlex
import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from scenarios.budget.planfile import read_plan_file
from scenarios.cli import backtest_job, exports, forecast_job, main, plan_job, tables
from scenarios.cli.plan_view import plan_as_text

COMMAND = Path(sys.executable).with_name("tokenplan")
DAYS = pd.date_range("2026-06-01", "2026-10-31")
KEYS = "provider,model,environment,project"
PLAN = """\
[plan]
name = "Spring"
horizon = "1Q"
draws = 200
limit = 1_000
[usage]
file = "usage.csv"
[forecast]
model = "seasonal_mean"
trajectories = 60
[[components]]
kind = "reserve"
name = "scaling"
amount = 200
[split]
production = [0.60, 0.70]
"""


def usage_table(days: pd.DatetimeIndex = DAYS) -> pd.DataFrame:
    """Requests and tokens of a model in three environments, with a weekly season."""
    rng = np.random.default_rng(5)
    rows = []
    for environment, level in (("development", 3e3), ("production", 9e3), ("test", 1e3)):
        volume = (level * np.where(days.day_of_week > 4, 0.5, 1) * np.exp(0.1 * rng.standard_normal(len(days)))).round()
        tokens = {"requests": volume, "input_tokens": volume * 1_200, "output_tokens": volume * 300}
        keys = {"provider": "openai", "model": "gpt-5-mini", "environment": environment, "project": "search"}
        rows.append(pd.DataFrame({"date": days, **keys, **tokens}))
    return pd.concat(rows)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    usage_table().to_csv(tmp_path / "usage.csv", index=False)
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys):
    """Run the command here; returns its code, stdout and stderr."""

    def command(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        return code, *capsys.readouterr()

    return command


def outside(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a process of its own."""
    return subprocess.run([COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=False)


# ------------------------------------------------------------------------------------------------------------- plan


def test_plan_prints_months_environments_totals_and_what_to_fund(folder, run):
    code, out, err = run("plan", "plan.toml")
    plan = planned("plan.toml")
    assert code == 0
    assert out.startswith("Spring\n\nas forecast: USD ")
    header = ["month", "environment", "P10", "P50", "P80", "P90", "P95", "base", "contingency", "budget"]
    lines = [line.split() for line in out.splitlines() if not set(line) <= {"-"}]
    body = lines[lines.index(header) + 1 :]
    months = [row[-10] for row in body[:12] if len(row) == len(header)]
    assert months == ["2027-01", "2027-02", "2027-03", "all"]
    assert [row[-9] for row in body[:12]] == ["development", "production", "test"] * 4
    assert body[12][0] == "total"
    assert float(body[12][-1].replace(",", "")) == pytest.approx(plan.budget, abs=0.5)
    for words in ("funding", "scaling", "of futures go over USD 1,000", "standard error", "as of 2026-10-29"):
        assert words in out
    assert not err
    assert "\x1b" not in out


def planned(path: str) -> sc.BudgetPlan:
    file = read_plan_file(path)
    return file.plan(file.project(file.usage.read()), file.prices.book())


def test_plan_as_json_holds_what_its_documentation_lists(folder, run):
    code, out, _ = run("plan", "plan.toml", "--json", "--limit", "1e9")
    told, plan = json.loads(out), planned("plan.toml")
    documented = re.findall(r"``([a-z_]+)``", plan_job.__doc__.split("JSON document")[1])
    assert code == 0
    assert set(told) <= set(documented)
    assert told["schema"] == "tokenplan/plan/1"
    assert (told["currency"], told["by"], told["files"]) == ("USD", ["month", "environment"], [])
    assert told["horizon"] == {"as_of": "2026-10-29", "start": "2027-01-01", "end": "2027-03-31"}
    assert list(told["totals"]) == ["p10", "p50", "p80", "p90", "p95"]
    assert told["totals"]["p80"] == {"amount": plan.budget, "se": round(plan.standard_error(0.8), 2)}
    assert (told["base"], told["budget"], told["contingency"]) == (plan.base, plan.budget, plan.contingency)
    assert (told["funding"], told["reserves"]) == (plan.funding, [{"name": "scaling", "amount": 200.0}])
    assert (told["limit"], told["probability_over_limit"]) == (1e9, 0.0)
    assert len(told["rows"]) == 9
    (split,) = told["splits"]
    policy = plan.policy().reset_index()
    assert (split["by"], [part["state"] for part in split["parts"]]) == ("environment", policy["state"].tolist())
    assert [part["budget"] for part in split["parts"]] == policy["budget"].tolist()
    assert round(sum(row["budget"] for row in told["rows"]), 2) == plan.budget
    assert {row["topic"] for row in told["assumptions"]} >= {"usage", "prices", "scenario", "draws"}


def test_plan_as_csv_is_the_table(folder, run):
    code, out, _ = run("plan", "plan.toml", "--output", "csv", "--by", "quarter,environment", "--quiet")
    table = pd.read_csv(StringIO(out))
    expected = planned("plan.toml").table(["quarter", "environment"]).reset_index()
    assert code == 0
    pd.testing.assert_frame_equal(table, expected, check_dtype=False, atol=0.006, rtol=1e-6)


def test_plan_as_markdown(folder, run):
    _, out, err = run("plan", "plan.toml", "--output", "markdown", "--quiet", "--by", "month")
    rows = [line for line in out.splitlines() if line.startswith("|")]
    assert rows[0] == "| month | P10 | P50 | P80 | P90 | P95 | base | contingency | budget |"
    assert rows[1].count("---:") == 8
    assert [row.split()[1] for row in rows[2:]] == ["2027-01", "2027-02", "2027-03", "total"]
    assert not err


def test_options_override_the_plan_file(folder, run):
    one = json.loads(run("plan", "plan.toml", "--json", "--seed", "5", "--draws", "150")[1])
    again = json.loads(run("plan", "plan.toml", "--json", "--seed", "5", "--draws", "150")[1])
    other = json.loads(run("plan", "plan.toml", "--json", "--seed", "6", "--draws", "150")[1])
    assert (one["seed"], one["draws"]) == (5, 150)
    assert one == again
    assert one["totals"] != other["totals"]
    shipped = json.loads(run("plan", "plan.toml", "--json", "--scenario", "standstill")[1])
    assert shipped["scenario"] == "standstill"


def test_over_the_limit_leaves_with_3_and_the_probability(folder, run):
    plan = planned("plan.toml")
    code, out, err = run("plan", "plan.toml", "--limit", "10", "--quiet")
    assert code == 3
    assert err == (
        f"over the limit: P80 of {plan.budget:,.2f} USD is above 10.00; the probability of spending more is 100.0%\n"
    )
    assert out
    assert run("plan", "plan.toml", "--limit", str(plan.budget))[0] == 0
    assert run("plan", "plan.toml", "--limit", str(plan.budget - 0.01))[0] == 3


def test_a_limit_in_the_plan_file_is_shown_and_leaves_with_0(folder, run):
    (folder / "plan.toml").write_text(PLAN.replace("1_000", "10"))
    code, out, _ = run("plan", "plan.toml")
    assert code == 0
    assert "of futures go over USD 10" in out
    assert run("plan", "plan.toml", "--out", "made", "--limit", "20")[0] == 3
    page = (folder / "made" / "plan.html").read_text("utf-8")
    assert "of futures go over USD 20" in page
    assert "<h1>Budget plan: Spring</h1>" in page


def test_out_writes_charts_workbook_page_and_table(folder, run):
    code, _, err = run("plan", "plan.toml", "--out", "made/here")
    written = {path.name: path.read_bytes() for path in (folder / "made" / "here").iterdir()}
    assert code == 0
    assert set(written) == {"fan.png", "environments.png", "s_curve.png", "plan.xlsx", "plan.html", "plan.csv"}
    assert all(written[name].startswith(b"\x89PNG") for name in written if name.endswith(".png"))
    assert written["plan.xlsx"].startswith(b"PK")
    assert b"<html" in written["plan.html"]
    table = pd.read_csv(StringIO(written["plan.csv"].decode()))
    assert round(table["budget"].sum(), 2) == planned("plan.toml").budget
    assert all(f"wrote {Path('made/here') / name}" in err for name in written)


def test_nothing_half_written_is_left(folder, monkeypatch):
    def stop(path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        exports, "_writers", lambda *_: {"plan.csv": lambda p: p.write_text("whole"), "plan.html": stop}
    )
    with pytest.raises(OSError, match="No space left"):
        exports.write_files(planned("plan.toml"), folder / "made")
    assert list((folder / "made").iterdir()) == []


def test_a_price_that_is_missing_is_told_then_refused_then_left_out(folder, run):
    table = usage_table()
    unknown = table.assign(model=table["model"].where(table["environment"] != "test", "house-model"))
    unknown.to_csv(folder / "usage.csv", index=False)
    code, out, err = run("plan", "plan.toml")
    assert (code, out) == (1, "")
    assert err.startswith("note: 2 lines of usage have no price on some day: openai/house-model input_tokens")
    assert "error: plan.toml: 2 prices are unknown" in err
    (folder / "plan.toml").write_text(PLAN.replace("limit", 'unpriced = "exclude"\nlimit'))
    code, out, err = run("plan", "plan.toml", "--json")
    assert code == 0
    assert [row["model"] for row in json.loads(out)["unpriced"]] == ["house-model"] * 2
    assert err.startswith("note: 2 lines of usage have no price on some day: openai/house-model input_tokens")


# ---------------------------------------------------------------------------------------------- forecast and backtest


def test_forecast_prints_months_and_workloads_with_bands(folder, run):
    code, out, err = run("forecast", "usage.csv", "--horizon", "1Q", "--model", "seasonal_mean")
    assert code == 0
    assert "All workloads, 2027-01-01 to 2027-03-31, as of 2026-10-29" in out
    assert re.search(r"^measure +month +P10 +P50 +P90$", out, flags=re.MULTILINE)
    assert re.search(r"^tokens +development +search( +[\d,]+){3}$", out, flags=re.MULTILINE)
    assert "lag" in err


def test_forecast_bands_are_those_of_summed_futures(folder, run):
    arguments = ("forecast", "usage.csv", "--horizon", "1Q", "--by", "environment", "--seed", "2", "--json")
    told = json.loads(run(*arguments)[1])
    documented = re.findall(r"``([a-z_,\s]+)``", forecast_job.__doc__)
    assert set(told) <= {name.strip() for group in documented for name in group.split(",")}
    rows = pd.DataFrame(told["rows"]).set_index(["measure", "environment", "month"]).sort_index()
    assert set(rows.index.get_level_values("measure")) == {"requests", "tokens"}
    parts = rows.loc["requests"].drop("all", level="environment").drop("all", level="month")
    whole = rows.loc[("requests", "all", "all")]
    assert whole["p90"] < 0.99 * parts["p90"].sum()
    assert whole["p10"] > 1.01 * parts["p10"].sum()
    # A price of 1 a million for every token makes the plan's totals the tokens in millions.
    prices = fc.PriceBook.from_frame(
        pd.DataFrame({"model": "*", "unit": ["input_tokens", "output_tokens"], "price": [1.0, 1.0]})
    )
    usage = fc.read_usage(folder / "usage.csv")
    plan = sc.plan(fc.project(usage, horizon="1Q", by=["environment"], seed=2), prices=prices, seed=2)
    for name, level in forecast_job.LEVELS.items():
        assert rows.loc[("tokens", "all", "all"), name] == pytest.approx(1e6 * plan.quantile(level), rel=1e-9)


def test_forecast_of_a_frame_with_other_names(folder, run):
    usage_table().rename(columns={"date": "day", "input_tokens": "prompt"}).drop(columns="provider").to_csv("own.csv")
    options = ("--column", "date=day", "--column", "input_tokens=prompt", "--fill", "provider=openai")
    code, out, err = run("forecast", "own.csv", *options, "--horizon", "30", "--output", "csv", "--model", "run_rate")
    table = pd.read_csv(StringIO(out))
    assert code == 0, err
    assert list(table) == ["measure", "environment", "project", "month", "p10", "p50", "p90"]


def test_backtest_scores_each_model(folder, run):
    arguments = ("backtest", "usage.csv", "--models", "run_rate,seasonal_mean", "--horizon", "14", "--origins", "2")
    code, out, err = run(*arguments)
    assert code == 0
    assert out.startswith("requests of 3 series, 14 days ahead from 2 past dates\n")
    assert re.search(r"^seasonal_mean +\d+\.\d%", out, flags=re.MULTILINE)
    assert "run rate" in err
    told = json.loads(run(*arguments, "--json", "--measure", "tokens")[1])
    assert (told["measure"], told["series"], told["freq"]) == ("tokens", 3, "D")
    assert [row["model"] for row in told["rows"]] == ["run_rate", "seasonal_mean"]


def test_series_have_zeros_where_others_have_rows_and_gaps_where_none_has():
    days = pd.date_range("2026-01-01", periods=6)
    table = pd.DataFrame(
        {
            "date": [*days[[0, 1, 3, 4, 5]], *days[[1, 4]]],
            "model": "m",
            "project": ["a"] * 5 + ["b"] * 2,
            "requests": 1.0,
            "input_tokens": 5.0,
        }
    )
    series = backtest_job.series_of(fc.Usage.from_frame(table), ("project",), measure="tokens", lag=1)
    wide = series.pivot(index="ds", columns="unique_id", values="y")
    assert list(wide.index) == list(days[[0, 1, 3, 4]])
    assert wide["b"].fillna(-1).tolist() == [-1, 5, 0, 5]


# --------------------------------------------------------------------------------------------------- demo and template


@pytest.mark.parametrize("source", [(), ("usage.csv",), ("tokens.csv",), ("unknown.csv",), ("months.csv",)])
def test_the_template_runs_as_it_is(folder, run, source):
    table = usage_table()
    table.assign(total_tokens=1e6)[["date", "model", "total_tokens"]].drop_duplicates().to_csv(
        "tokens.csv", index=False
    )
    table.assign(model="house-model").to_csv("unknown.csv", index=False)
    month = table.assign(date=table["date"].dt.to_period("M").dt.start_time)
    month.groupby(["date", *KEYS.split(",")], as_index=False).sum().to_csv("months.csv", index=False)
    code, out, _ = run("template", *source)
    assert code == 0
    (folder / "mine.toml").write_text(out, encoding="utf-8")
    code, out, err = run("plan", "mine.toml", "--draws", "100", "--quiet")
    assert code == 0, err
    assert "Assumptions" in out


def test_the_demo_needs_no_file(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("demo", "--draws", "200", "--json", "--quiet")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert {row["environment"] for row in told["rows"]} == {"development", "production", "staging", "test"}
    assert len({row["month"] for row in told["rows"]}) == 6


# ------------------------------------------------------------------------------------------------ what goes wrong: 1


def with_cell(column: str, value: object, row: int = 7) -> str:
    table = usage_table().astype({column: "object"})
    table.iloc[row, table.columns.get_loc(column)] = value
    return table.to_csv(index=False)


def with_key(old: str, new: str) -> str:
    assert old in PLAN
    return PLAN.replace(old, new)


BAD_USAGE = {
    "empty": ("", "the file is empty"),
    "header only": (f"date,{KEYS},requests\n", "there are no rows"),
    "text in a number": (with_cell("input_tokens", "many"), "'input_tokens': is not a number in row 9"),
    "a negative number": (with_cell("requests", -1), "negative in row 9"),
    "an infinite number": (with_cell("requests", "inf"), "infinite in row 9"),
    "no date": (with_cell("date", None), "no date in row 9"),
    "no such date": (with_cell("date", "2026-13-01"), "cannot be read as a date: row 9"),
    "two time zones": (with_cell("date", "2026-06-08T00:00:00+02:00"), "zone"),
    "a row twice": (with_cell("date", "2026-06-07"), "repeat the period and key"),
    "a day to come": (with_cell("date", "2199-01-01", row=152), "2199-01-01"),
    "one row": (usage_table(DAYS[:1]).head(1).to_csv(index=False), "a projection needs at least"),
    "all zero": (usage_table().assign(requests=0, input_tokens=0, output_tokens=0).to_csv(index=False), "is 0"),
    "two currencies": (
        usage_table().assign(billed_cost=1.0, currency=["USD", "EUR", "EUR"] * len(DAYS)).to_csv(index=False),
        "currenc",
    ),
    "no model": (usage_table().drop(columns="model").to_csv(index=False), "there is no model"),
    "no date column": (usage_table().rename(columns={"date": "when"}).to_csv(index=False), "there is no column 'date'"),
    "a misspelt column": (usage_table().rename(columns={"requests": "request"}).to_csv(index=False), "did you mean"),
    "not a table": ('a,b\n"1,2\n', "usage.csv"),
    "binary": ("\x00\x01\x02", "usage.csv"),
}

BAD_PLANS = {
    "an unknown key": (with_key("horizon", "horizn"), "did you mean 'horizon'?"),
    "several problems": (with_key('"1Q"', "0").replace("[usage]", "[usge]"), "problems\n"),
    "a range that falls": (with_key("0.60, 0.70", "0.9, 0.8"), "split.production"),
    "ranges above 1": (with_key("[0.60, 0.70]", "[0.60, 0.70]\ntest = [0.5, 0.6]"), "sum to 110.0%"),
    "ranges below 1": (
        with_key("[0.60, 0.70]", "[0.1, 0.2]\ntest = [0.1, 0.2]\ndevelopment = [0.1, 0.2]"),
        "reach at most 60.0%",
    ),
    "no such environment": (with_key("production = ", "prodution = "), "did you mean 'production'?"),
    "an unknown kind": (with_key("reserve", "reserv"), "did you mean 'reserve'?"),
    "an unknown change": (PLAN + "[[scenario.changes]]\nkind = 'price_chnge'\n", "did you mean 'price_change'?"),
    "horizon 0": (with_key('"1Q"', '"0Q"'), "at least one period"),
    "a rate for percent": (PLAN + "[[scenario.changes]]\nkind = 'growth'\nmonthly = 5\n", "for 5 % write 0.05"),
    "prices beyond money": (
        PLAN + "[[scenario.changes]]\nkind = 'price_change'\non = 'start'\nto = 1e15\n",
        "the total reaches",
    ),
    "a horizon far off": (with_key('"1Q"', '"FY2999"'), "more than 10 years after the usage"),
    "a past horizon": (with_key('"1Q"', '"2020Q1"'), "usage is known up to 2026-10-29"),
    "no such usage": (with_key("usage.csv", "usag.csv"), "did you mean 'usage.csv'?"),
    "not TOML": ("[plan", "not well-formed TOML"),
    "by what is not kept": (PLAN + "[output]\nby = ['application']\n", "application"),
    "workloads by what is not there": (with_key("[forecast]", "[forecast]\nby = ['segment']"), "segment"),
    "no series kept": (with_key("[forecast]", "[forecast]\nmax_series = 0"), "forecast.max_series: 0"),
    "two currencies": (
        PLAN + "[[prices.rows]]\nmodel = '*'\nunit = 'input_tokens'\nprice = 1\ncurrency = 'EUR'\n",
        "prices are in",
    ),
    "a glob that matches nothing": (
        PLAN + "[[scenario.changes]]\nkind = 'growth'\nmonthly = 0\nwhere = { project = 'serch' }\n",
        "did you mean 'search'?",
    ),
    "two total growths": (
        PLAN + "".join(f"[[scenario.changes]]\nkind = 'growth'\nmonthly = 0\nname = '{n}'\n" for n in "ab"),
        "two total growths meet",
    ),
    "a line outside the plan": (
        PLAN + "[[components]]\nkind = 'fixed'\nname = 'x'\nmonthly = 1\n",
        "Fixed 'x'",
    ),
    "more draws than memory": (with_key("draws = 200", "draws = 900_000_000_000"), "draws"),
}
BAD_PLANS["a line outside the plan"] = (
    PLAN.replace("[split]", "[[components]]\nkind = 'fixed'\nname = 'x'\nmonthly = 1\nend = 2026-12-31\n[split]"),
    "outside the plan",
)


def refused(run, *arguments: str, words: str) -> None:
    code, out, err = run(*arguments)
    told = [line for line in err.splitlines() if not line.startswith("note: ")]
    assert (code, out) == (1, "")
    assert told[0].startswith("error: ")
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize("job", [("plan", "plan.toml"), ("forecast", "usage.csv"), ("backtest", "usage.csv")])
@pytest.mark.parametrize("name", BAD_USAGE)
def test_bad_usage_is_refused(folder, run, job, name):
    text, words = BAD_USAGE[name]
    if name == "one row" and job[0] == "backtest":
        words = "nothing is left before the last 2 periods"
    (folder / "usage.csv").write_text(text, encoding="utf-8")
    refused(run, *job, words=words)


@pytest.mark.parametrize("name", BAD_PLANS)
def test_a_bad_plan_is_refused(folder, run, name):
    text, words = BAD_PLANS[name]
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    refused(run, "plan", "plan.toml", words=words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plan", "pln.toml"), "did you mean 'plan.toml'?"),
        (("plan", "."), "is a folder"),
        (("plan", "plan.toml", "--scenario", "pricecut"), "did you mean 'price-cut'?"),
        (("plan", "plan.toml", "--by", "mnth"), "did you mean 'month'?"),
        (("plan", "plan.toml", "--by", "month,month"), "twice"),
        (("plan", "plan.toml", "--draws", "5"), "draws=5"),
        (("plan", "plan.toml", "--out", "usage.csv"), "usage.csv: is a file"),
        (("plan", "plan.toml", "--out", "usage.csv/below"), "usage.csv"),
        (("forecast", "usag.csv"), "did you mean 'usage.csv'?"),
        (("forecast", "usage.csv", "--horizon", "0"), "at least one period"),
        (("forecast", "usage.csv", "--horizon", "2000Y"), "longer than"),
        (("forecast", "usage.csv", "--model", "atuo"), "did you mean 'auto'?"),
        (("forecast", "usage.csv", "--by", "segment"), "segment"),
        (("forecast", "usage.csv", "--timezone", "Berlin"), "--timezone 'Berlin': is not a time zone"),
        (("forecast", "usage.csv", "--column", "dat=day"), "did you mean 'date'?"),
        (("forecast", "usage.csv", "--column", "date=day"), "'day', mapped to 'date', is not there"),
        (("forecast", "usage.csv", "--fill", "model=x"), "leave it out of fill="),
        (("backtest", "usage.csv", "--models", "auto,profet"), "'profet' is not known"),
        (("backtest", "usage.csv", "--models", "run_rate,run_rate"), "more than once"),
        (("backtest", "usage.csv", "--horizon", "400"), "too long for a history"),
        (("backtest", "usage.csv", "--origins", "90"), "possible: origins="),
        (("backtest", "usage.csv", "--by", "segment"), "segment"),
        (("backtest", "usage.csv", "--lag", "200"), "nothing is left"),
        (("template", "usag.csv"), "did you mean 'usage.csv'?"),
    ],
)
def test_wrong_input_is_told_in_one_message(folder, run, arguments, words):
    refused(run, *arguments, words=words)


def test_what_mends_it_is_told_as_an_option(folder, run):
    usage_table().rename(columns={"date": "when"}).to_csv("usage.csv", index=False)
    refused(run, "forecast", "usage.csv", words="columns={'date': '...'} (here: --column NAME=OWN)")


def test_columns_of_other_names_are_told_as_the_options_that_say_them(folder, run):
    own = {"date": "Usage Day", "model": "LLM", "requests": "Calls", "input_tokens": "Prompt Tokens"}
    usage_table().rename(columns=own).to_csv("own.csv", index=False)
    code, _, err = run("read", "own.csv")
    assert code == 1
    options = shlex.split(err.partition("by their names: ")[2].rstrip(")\n"))
    assert options[1::2] == [f"{name}={column}" for name, column in own.items()]
    assert run("read", "own.csv", *options)[0] == 0
    refused(run, "forecast", "own.csv", words="by their names: --column 'date=Usage Day' --column model=LLM")


def test_rows_that_do_not_fit_are_mended_by_no_option(folder, run):
    Path("odd.csv").write_text("date,model,requests\n2026-01-01,gpt-5,1,000\n")
    code, _, err = run("read", "odd.csv")
    assert code == 1
    assert "4 cells under 3 columns" in err
    assert "(here: " not in err


@pytest.mark.parametrize(
    "job", ["read", "forecast", "alerts", "backtest", "allocate", "init -o new.toml", "scenario compare batching"]
)
def test_a_plan_in_place_of_an_export_is_told(folder, run, job):
    Path("mine.toml").write_text("[plan]\n")
    first, *rest = job.split()
    told = [first, "compare", "mine.toml", "batching"] if first == "scenario" else [first, "mine.toml", *rest]
    refused(run, *told, words="mine.toml: is a plan and no export; name the export of usage that it is made of")


def test_an_error_of_the_system_is_told_with_its_place(folder, run, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", "plan.toml")

    monkeypatch.setattr(plan_job, "read_plan_file", refuse)
    assert run("plan", "plan.toml") == (1, "", "error: plan.toml: Permission denied\n")


# ------------------------------------------------------------------------------------------ the command line: 2, 130


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("pln",),
        ("plan",),
        ("plan", "plan.toml", "--limit", "much"),
        ("plan", "plan.toml", "--limit", "-5"),
        ("plan", "plan.toml", "--limit", "nan"),
        ("plan", "plan.toml", "--draws", "0"),
        ("plan", "plan.toml", "--draws", "1000000000"),
        ("forecast", "usage.csv", "--lag", "500"),
        ("plan", "plan.toml", "--seed", "-1"),
        ("plan", "plan.toml", "--by", "month,,project"),
        ("plan", "plan.toml", "--output", "xml"),
        ("plan", "plan.toml", "--json", "--output", "csv"),
        ("forecast", "usage.csv", "--column", "date"),
        ("backtest", "usage.csv", "--measure", "money"),
    ],
)
def test_a_wrong_command_line_leaves_with_2(folder, capsys, arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage: tokenplan" in capsys.readouterr().err


def test_an_interrupt_leaves_with_130_and_no_traceback(folder, run, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(plan_job, "read_plan_file", interrupt)
    assert run("plan", "plan.toml") == (130, "", "interrupted\n")


def test_the_installed_command_tells_its_version_and_its_errors(folder):
    version = outside("--version", folder=folder)
    assert re.fullmatch(r"tokenplan \d+\.\d+\.\d+\n", version.stdout)
    wrong = outside("plan", "none.toml", folder=folder)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("error: none.toml: there is no such file")
    assert "Traceback" not in wrong.stderr


def test_a_reader_that_goes_away_is_no_error(folder):
    command = f"{COMMAND} template | head -c 10"
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "# A plan f", "")


# ----------------------------------------------------------------------------------------------------- how it is shown


def test_progress_is_shown_on_a_terminal_only_and_not_if_quiet(folder, run, monkeypatch):
    assert "simulating" not in run("plan", "plan.toml")[2]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert "simulating" in run("plan", "plan.toml")[2]
    assert run("plan", "plan.toml", "--quiet")[2] == ""


FRAME = pd.DataFrame(
    {
        "month": ["2027-01", "2027-01", "total"],
        "environment": ["development", "production", "all"],
        **{name: [123_456.7, 1_234_567.8, float("nan")] for name in ("p10", "p50", "p95")},
    }
)
COLUMNS = [
    tables.Column("month", "month"),
    tables.Column("environment", "environment"),
    tables.Column("p10", "P10", "money", 1),
    tables.Column("p50", "P50", "money"),
    tables.Column("p95", "P95", "money", 2),
]


def test_a_table_is_aligned_and_labels_stand_once():
    assert tables.aligned(FRAME, COLUMNS).splitlines() == [
        "month    environment        P10        P50        P95",
        "2027-01  development    123,457    123,457    123,457",
        "         production   1,234,568  1,234,568  1,234,568",
        "total    all                  –          –          –",
    ]


@pytest.mark.parametrize(
    ("width", "header", "remark"),
    [
        (60, "month environment P10 P50 P95", ""),
        (50, "month environment P10 P50 P95", "(amounts in thousands)"),
        (40, "month environment P10 P50", "(amounts in thousands; left out to fit the line: P95)"),
        (33, "month environment P50", "(amounts in thousands; left out to fit the line: P95, P10)"),
    ],
)
def test_a_table_fits_the_line(width, header, remark):
    lines = tables.aligned(FRAME, COLUMNS, width=width).splitlines()
    assert lines[0].split() == header.split()
    assert " ".join(lines[4:]) == remark
    assert all(len(line) <= width for line in lines)


@pytest.mark.parametrize(("tokens", "unit"), [(100.0, ""), (1.0, "whole"), (0.01, "cents")])
def test_a_plan_fits_the_line(folder, tokens, unit):
    usage_table().assign(input_tokens=1e8 * tokens).to_csv(folder / "usage.csv", index=False)
    plan = planned("plan.toml")
    for width in (200, 80, 64):
        text = plan_as_text("Spring", plan, by=("month", "environment"), limit=None, width=width)
        table = text.split("\n\n")[2]
        assert tables.widest(table) <= width
        assert ("amounts in thousands" in table) == (width < 100 and not unit)
        shown = float(
            next(line for line in table.splitlines() if line.startswith("total")).split()[-1].replace(",", "")
        )
        assert shown == pytest.approx(plan.budget / 1_000, abs=0.06) or shown == pytest.approx(plan.budget, abs=0.6)


def test_text_that_a_spreadsheet_would_run_is_made_harmless():
    frame = pd.DataFrame({"project": ["=cmd()", "@x", "plain"], "p50": [-1.0, 2.0, 3.0]})
    assert tables.csv(frame) == "project,p50\n'=cmd(),-1.0\n'@x,2.0\nplain,3.0\n"


def test_markdown_keeps_its_columns_whatever_a_name_holds():
    frame = pd.DataFrame({"project": ["a|b\nc"], "p50": [1.0]})
    columns = [tables.Column("project", "project"), tables.Column("p50", "P50", "money")]
    assert tables.markdown(frame, columns).splitlines()[-1] == "| a\\|b c | 1 |"
