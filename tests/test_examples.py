"""The examples, as their readers would run them: the script of a quarter, and another tool that imports the library."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import load_workbook
from starlette.testclient import TestClient

import forecast as fc
import scenarios as sc

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data" / "samples"
EXPORT = SAMPLES / "exports" / "openai_usage_2026-10.jsonl.gz"
#: Lines of the planning script that are not blank: about 40 is what is asked, with what is said and the way in.
MOST_LINES = 70


def quarterly(*arguments):
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / "quarterly_plan.py"), *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_script_of_a_quarter(tmp_path):
    usage, policy = SAMPLES / "organisation_daily.csv", ROOT / "examples" / "policy.toml"
    done = quarterly(usage, policy, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    plan = sc.load_plan(tmp_path / "plan.tokenplan")
    assert f"USD {plan.budget:,.0f} holds the two quarters in 80% of futures" in done.stdout
    assert f"probability of {plan.probability_over(700_000):.0%}" in done.stdout
    names = {"litellm.json", "plan.csv", "plan.html", "plan.tokenplan", "plan.xlsx", "scenarios.csv"}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert "Summary" in load_workbook(tmp_path / "plan.xlsx", read_only=True).sheetnames
    assert pd.read_csv(tmp_path / "scenarios.csv", index_col=0).index.tolist() == ["expected", "batches"]
    assert json.loads((tmp_path / "litellm.json").read_text(encoding="utf-8"))
    assert len(pd.read_csv(tmp_path / "plan.csv")) == len(plan.to_frame())

    strict = tmp_path / "policy.toml"
    strict.write_text('name = "strict"\ncurrency = "USD"\n[[limits]]\nper = "quarter"\namount = 1_000\n')
    done = quarterly(usage, strict, tmp_path / "again")
    assert done.returncode == 4
    assert "The policy is broken" in done.stderr


def test_the_script_tells_what_is_wrong_in_one_line(tmp_path):
    done = quarterly(tmp_path / "none.csv", ROOT / "examples" / "policy.toml", tmp_path / "out")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("error: ")
    assert "none.csv" in done.stderr


def test_the_script_stays_short():
    text = (ROOT / "examples" / "quarterly_plan.py").read_text(encoding="utf-8")
    assert len([line for line in text.splitlines() if line.strip()]) <= MOST_LINES


@pytest.fixture(scope="module")
def service():
    spec = spec_from_file_location("projections_service", ROOT / "examples" / "projections_service.py")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def client(service):
    with TestClient(service.application()) as client:
        yield client


def test_one_function_tells_what_the_plan_tells(service):
    usage = fc.read_usage(EXPORT, rules=SAMPLES / "exports" / "rules.toml")
    told = service.project_spend(usage, draws=500)
    plan = sc.plan(fc.project(usage, horizon="1Q", seed=0), draws=500, seed=0)
    assert (told.budget, told.currency, told.fingerprint) == (plan.budget, "USD", plan.fingerprint)
    assert told.p10 < told.p50 < told.p90
    assert round(sum(month.budget for month in told.months), 2) == round(plan.budget, 2)
    with pytest.raises(ValueError, match="frozen"):
        told.budget = 0


def test_an_export_is_posted_and_projected_once(service, client, monkeypatch):
    made = []
    real = sc.plan
    monkeypatch.setattr(service.sc, "plan", lambda *a, **k: made.append(1) or real(*a, **k))
    posted = client.post("/usage", params={"name": "usage.csv"}, content=sample())
    assert posted.status_code == 201, posted.text
    received = posted.json()
    assert received["models"] == ["gpt-5-mini"]
    assert received["rows"] == 60
    assert received["notes"] == ["usage.csv: cells are separated by semicolons"]
    again = client.post("/usage", params={"name": "usage.csv"}, content=sample())
    assert again.json()["id"] == received["id"]
    address = f"/usage/{received['id']}/projection"
    first, second = (client.get(address, params={"horizon": "30D"}) for _ in range(2))
    assert first.status_code == 200, first.text
    assert first.json() == second.json()
    assert len(made) == 1
    assert service.SpendProjection.model_validate(first.json()).as_of < pd.Timestamp(received["end"]).date()
    assert client.get(address, params={"horizon": "31D"}).json()["budget"] > first.json()["budget"]


def test_threads_get_the_same_numbers(service, client):
    id_ = client.post("/usage", params={"name": "u.csv"}, content=sample()).json()["id"]
    with ThreadPoolExecutor(4) as pool:
        seeds = [0, 1, 0, 1]
        found = list(pool.map(lambda s: client.get(f"/usage/{id_}/projection?horizon=30D&seed={s}").json(), seeds))
    assert found[0] == found[2] != found[1] == found[3]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("usage.csv", b"", "usage.csv: the file is empty"),
        ("usage.csv", b"a,b\n1,2\n", "usage.csv: there is no column 'date'"),
        ("../../etc/usage.xlsx", b"PK", "usage.xlsx: is a workbook: save the sheet as CSV"),
        ("usage.json", b"{", "is no whole JSON document"),
    ],
)
def test_what_cannot_be_read_is_told_in_the_librarys_words(client, name, content, message):
    answer = client.post("/usage", params={"name": name}, content=content)
    assert answer.status_code == 422
    assert answer.json()["kind"] == "UsageError"
    assert message in answer.json()["detail"]
    assert "/tmp" not in answer.json()["detail"]  # noqa: S108 - no path of the server's


def test_what_cannot_be_planned_is_told_too(client, service, monkeypatch):
    id_ = client.post("/usage", params={"name": "u.csv"}, content=sample(days=5)).json()["id"]
    short = client.get(f"/usage/{id_}/projection")
    assert short.status_code == 422
    assert "a projection needs at least 14" in short.json()["detail"]
    assert client.get("/usage/none/projection").status_code == 404
    assert client.get(f"/usage/{id_}/projection?confidence=2").status_code == 422
    assert client.get(f"/usage/{id_}/projection?horizon=soon").json()["kind"] == "HorizonError"
    monkeypatch.setattr(service, "MOST_BYTES", 10)
    assert client.post("/usage", content=sample()).status_code == 413


def test_the_schema_names_units(client):
    parts = client.get("/openapi.json").json()["components"]["schemas"]
    for name in ("SpendProjection", "MonthOfSpend"):
        for field in ("p10", "p50", "p90", "budget"):
            told = parts[name]["properties"][field]
            assert "currency" in told["description"] or "budget" in told["description"], (name, field)
    assert parts["SpendProjection"]["properties"]["currency"]["description"] == "ISO 4217 code of every amount"


def sample(days=60):
    frame = pd.DataFrame({"date": pd.date_range("2026-08-01", periods=days).strftime("%Y-%m-%d"), "project": "search"})
    made = frame.assign(
        provider="openai", model="gpt-5-mini", environment="production", requests=range(100, 100 + days)
    )
    return made.assign(input_tokens=900_000, output_tokens=100_000).to_csv(index=False, sep=";").encode()
