"""Budgets as enforcers take them, FOCUS rows and files of a small plan whose names try to break out of each."""

import errno
import json
import os
from pathlib import Path

import jsonschema
import numpy as np
import openpyxl
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from scenarios.report.outgoing import files
from scenarios.report.outgoing.focus import BILLED, FOCUS, named

#: Sums of floats of cents are exact far below a cent.
CENT = 0.005
ODD = ["=1+1", "@x \U0001f600\nnext", "\u202eright to left", "'=quoted", "\tcmd", "k" * 40_000, 'plain, "quoted"']

TEXT, NUMBER, MONEY = {"type": "string"}, {"type": "number"}, {"type": "string", "pattern": r"^([0-9]*\.)?[0-9]+$"}


def closed(required, **optional):
    """An object of these keys and no other."""
    return {
        "type": "object",
        "properties": required | optional,
        "required": list(required),
        "additionalProperties": False,
    }


def listed(items, **limits):
    return {"type": "array", "items": items, **limits}


NAME = {"type": "string", "minLength": 1, "maxLength": 100}
TAG = closed({"Key": TEXT, "Values": listed(TEXT, minItems=1)}, MatchOptions=listed({"enum": ["EQUALS", "ABSENT"]}))
AZURE_TAG = closed({"tags": closed({"name": TEXT, "operator": {"const": "In"}, "values": listed(TEXT, minItems=1)})})
ISO = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT00:00:00Z$"}
DATE = closed({"year": {"type": "integer"}, "month": {"type": "integer"}, "day": {"type": "integer"}})
WARNING = closed(
    {
        "NotificationType": {"enum": ["ACTUAL", "FORECASTED"]},
        "ComparisonOperator": {"enum": ["GREATER_THAN", "LESS_THAN", "EQUAL_TO"]},
        "Threshold": {"type": "number", "minimum": 0},
    },
    ThresholdType={"enum": ["PERCENTAGE", "ABSOLUTE_VALUE"]},
)
SUBSCRIBER = closed({"SubscriptionType": {"enum": ["SNS", "EMAIL"]}, "Address": TEXT})

#: What each publishes of the fields that are used: LiteLLM's BudgetNewRequest, AWS Budgets' CreateBudget (2016-10-20),
#: Azure's Microsoft.Consumption/budgets (2024-08-01), Google's billingbudgets/v1 Budget. Keys beside these are refused.
SCHEMAS = {
    "litellm": closed({"budget_id": NAME, "max_budget": {"type": "number", "minimum": 0}, "budget_duration": TEXT}),
    "aws": closed(
        {
            "Budget": closed(
                {
                    "BudgetName": NAME | {"pattern": r"^[^:\\]+$"},
                    "BudgetType": {"const": "COST"},
                    "TimeUnit": {"enum": ["DAILY", "MONTHLY", "QUARTERLY", "ANNUALLY"]},
                    "BudgetLimit": closed({"Amount": MONEY, "Unit": TEXT}),
                },
                TimePeriod=closed({"Start": {"type": "integer"}, "End": {"type": "integer"}}),
                Metrics=listed({"enum": ["BlendedCost", "UnblendedCost", "AmortizedCost"]}, minItems=1, maxItems=1),
                FilterExpression=closed({}, Tags=TAG, And=listed(closed({"Tags": TAG}), minItems=2)),
            )
        },
        AccountId={"type": "string", "pattern": r"^\d{12}$"},
        NotificationsWithSubscribers=listed(
            closed({"Notification": WARNING, "Subscribers": listed(SUBSCRIBER, minItems=1, maxItems=11)}), maxItems=10
        ),
    ),
    "azure": closed(
        {
            "type": {"const": "Microsoft.Consumption/budgets"},
            "apiVersion": TEXT,
            "name": {"type": "string", "pattern": r"^[A-Za-z0-9_-]{1,63}$"},
            "properties": closed(
                {
                    "category": {"const": "Cost"},
                    "amount": NUMBER,
                    "timeGrain": {"enum": ["Monthly", "Quarterly", "Annually"]},
                    "timePeriod": closed({"startDate": ISO}, endDate=ISO),
                },
                filter={"anyOf": [AZURE_TAG, closed({"and": listed(AZURE_TAG, minItems=2)})]},
                notifications={
                    "type": "object",
                    "maxProperties": 5,
                    "additionalProperties": closed(
                        {
                            "enabled": {"type": "boolean"},
                            "operator": {"enum": ["EqualTo", "GreaterThan", "GreaterThanOrEqualTo"]},
                            "threshold": {"type": "number", "minimum": 0, "maximum": 1000},
                            "contactEmails": listed(TEXT, minItems=1),
                        },
                        thresholdType={"enum": ["Actual", "Forecasted"]},
                    ),
                },
            ),
        }
    ),
    "google": closed(
        {
            "displayName": {"type": "string", "maxLength": 60},
            "amount": closed(
                {
                    "specifiedAmount": closed(
                        {
                            "currencyCode": TEXT,
                            "units": {"type": "string", "pattern": r"^\d+$"},
                            "nanos": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
                        }
                    )
                }
            ),
        },
        budgetFilter=closed(
            {"customPeriod": closed({"startDate": DATE, "endDate": DATE})},
            labels={"type": "object", "maxProperties": 1, "additionalProperties": listed(TEXT, minItems=1, maxItems=1)},
        ),
        thresholdRules=listed(closed({"thresholdPercent": NUMBER}, spendBasis={"enum": ["CURRENT_SPEND"]})),
        notificationsRule=closed({"monitoringNotificationChannels": listed(TEXT, maxItems=5)}),
    ),
}
CENTS = {
    "litellm": lambda b: round(b["max_budget"] * 100),
    "aws": lambda b: int(b["Budget"]["BudgetLimit"]["Amount"].replace(".", "")),
    "azure": lambda b: round(b["properties"]["amount"] * 100),
    "google": lambda b: (
        int(b["amount"]["specifiedAmount"]["units"]) * 100 + b["amount"]["specifiedAmount"]["nanos"] // 10_000_000
    ),
}


def usage_of(projects, currency="USD"):
    dates = pd.date_range(end="2026-10-31", periods=150)
    rng = np.random.default_rng(0)
    rows = []
    for i, project in enumerate(projects):
        for environment, size in (("development", 3e4), ("production", 9e4)):
            requests = (size + 7 * i) * np.exp(0.2 * rng.standard_normal(len(dates)))
            columns = {"date": dates, "provider": "openai", "model": "gpt-5", "environment": environment}
            measures = {"requests": requests, "input_tokens": requests * 1_200, "output_tokens": requests * 300}
            rows.append(pd.DataFrame(columns | {"project": project} | measures))
    return fc.Usage.from_frame(pd.concat(rows))


def plan_of(projects, *, lines=True, horizon="1Q", **options):
    projection = fc.project(usage_of(projects), horizon=horizon, model="seasonal_naive", trajectories=20, seed=1)
    components = [sc.Fixed("+base", monthly=12_000.01)] if lines else []
    policy = sc.EnvironmentSplit(development=(0.30, 0.35), production=(0.60, 0.70))
    return sc.plan(projection, components=components, split=policy, draws=200, seed=1, **options)


@pytest.fixture(scope="module")
def plan():
    return plan_of(["chat", "search"])


@pytest.fixture(scope="module")
def odd():
    return plan_of(ODD)


@pytest.mark.parametrize("enforcer", SCHEMAS)
@pytest.mark.parametrize("by", ["environment", []])
def test_requests_fit_what_is_published_and_add_up_to_the_plan(plan, enforcer, by):
    made = json.loads(json.dumps(plan.budgets(enforcer, by)))
    for body in made:
        jsonschema.validate(body, SCHEMAS[enforcer])
    assert len(made) == 3 * (2 if by else 1)
    assert sum(map(CENTS[enforcer], made)) == round(plan.budget * 100)
    table = plan.table(["month", "environment"] if by else ["month"])["budget"]
    assert sorted(map(CENTS[enforcer], made)) == sorted((table * 100).round().astype(int))


def test_two_tags_and_chosen_lines_add_up_to_those_lines(plan):
    by = ["environment", "project"]
    lines = plan.table([*by, "line"])["budget"].xs("tokens", level="line")
    for enforcer in ("litellm", "aws", "azure"):
        made = plan.budgets(enforcer, by, lines=["tokens"], tags={} if enforcer == "litellm" else {"project": "app"})
        for body in made:
            jsonschema.validate(body, SCHEMAS[enforcer])
        assert sum(map(CENTS[enforcer], made)) == round(lines.sum() * 100)
    keys = [
        t["Tags"]["Key"]
        for t in plan.budgets("aws", by, lines="tokens", tags={"project": "app"})[0]["Budget"]["FilterExpression"][
            "And"
        ]
    ]
    assert keys == ["environment", "app"]


def test_a_month_is_the_calendars(plan):
    (first, *_) = plan.budgets("aws", [])
    # 1 January 2027 and 1 February 2027, midnight UTC, in seconds since 1970.
    assert first["Budget"]["TimePeriod"] == {"Start": 1_798_761_600, "End": 1_801_440_000}
    (first, *_) = plan.budgets("google", [])
    period = first["budgetFilter"]["customPeriod"]
    assert period == {
        "startDate": {"year": 2027, "month": 1, "day": 1},
        "endDate": {"year": 2027, "month": 1, "day": 31},
    }


def test_who_is_warned_is_told_never_invented(plan):
    for enforcer in SCHEMAS:
        assert "@" not in json.dumps(plan.budgets(enforcer))
    told = {"aws": "arn:aws:sns:us-east-1:123456789012:spend", "azure": "finance@example.org"}
    told["google"] = "projects/p/notificationChannels/1"
    for enforcer, who in told.items():
        account = "123456789012" if enforcer == "aws" else None
        for body in plan.budgets(enforcer, notify=[who], account=account):
            jsonschema.validate(body, SCHEMAS[enforcer])
            assert who in json.dumps(body)


def test_teams_and_keys_take_one_month(plan):
    january = plan.table(["month", "environment"])["budget"].xs("2027-01", level="month")
    for entity in ("team", "key"):
        made = plan.budgets("litellm", month="2027-01", entity=entity)
        assert {b[f"{entity}_alias"]: b["max_budget"] for b in made} == pytest.approx(january.to_dict(), abs=CENT)
        assert all(b["metadata"]["month"] == "2027-01" for b in made)


def test_names_differ_and_fit(odd):
    for enforcer, most in (("litellm", 100), ("azure", 63), ("aws", 100)):
        short = [p for p in ODD if len(p) < 100]
        assert len(short) == len(ODD) - 1
        if enforcer != "litellm":
            with pytest.raises(PlanError, match=r"40000 letters.*no value of a tag"):
                odd.budgets(enforcer, "project", lines="tokens")
            continue
        names = [b["budget_id"] for b in odd.budgets(enforcer, "project", lines="tokens")]
        assert len(set(names)) == len(names) == 3 * len(ODD)
        assert max(map(len, names)) <= most


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda p: p.budgets("litelm"), "did you mean 'litellm'"),
        (lambda p: p.budgets("aws", "month"), "tagged with"),
        (lambda p: p.budgets("aws", "projct"), "did you mean 'project'"),
        (lambda p: p.budgets("aws", "project"), r"belongs to no project.*\+base.*lines=\['tokens'\]"),
        (lambda p: p.budgets("aws", month="2027-09"), "2027-03"),
        (lambda p: p.budgets("aws", lines=["token"]), "did you mean 'tokens'"),
        (lambda p: p.budgets("aws", notify=["nobody"]), "an e-mail address or a topic's ARN"),
        (lambda p: p.budgets("aws", account="12"), "twelve digits"),
        (lambda p: p.budgets("aws", entity="team"), "only 'litellm'"),
        (lambda p: p.budgets("litellm", entity="team"), "month='2027-01'"),
        (lambda p: p.budgets("litellm", notify=["a@b.org"]), "nobody"),
        (lambda p: p.budgets("google", ["environment", "project"], lines="tokens"), "one label"),
        (lambda p: p.budgets("aws", lines=["policy transfer"]), "below zero"),
        (lambda p: p.budgets("aws", lines=[]), "names no line"),
        (lambda p: p.budgets("aws", lines=5), "list of texts"),
        (lambda p: p.budgets("aws", notify=None), "list of texts"),
        (lambda p: p.budgets("aws", tags=["env"]), "by column"),
        (lambda p: p.budgets("aws", tags={"environment": 5}), "key of a tag"),
        (lambda p: p.budgets("aws", account=123456789012), "in quotes"),
        (lambda p: p.to_csv("a\0b"), "zero character"),
        (lambda p: p.to_csv("a" * 5_000), "too long"),
    ],
)
def test_what_cannot_be_said_is_refused_in_words(plan, call, told):
    with pytest.raises(PlanError, match=told):
        call(plan)


def test_google_refuses_a_label_that_it_does_not_take():
    plan = plan_of(["Chat"], lines=False)
    with pytest.raises(PlanError, match=r"'Chat'.*a-z, 0-9"):
        plan.budgets("google", "project", lines="tokens")


def again_is_the_plan(plan):
    """Whether rows of FOCUS's shape, added up, are the plan's tables."""
    rows = plan.to_focus()
    for by in (["month"], ["month", "environment"], list(plan.ledger.labels.columns)):
        wanted = plan.table(by)["budget"]
        again = rows.groupby([named(name) for name in by])["x_Budget"].sum()
        assert len(again) == len(wanted)
        np.testing.assert_allclose(again.reindex(wanted.index).to_numpy(), wanted.to_numpy(), atol=CENT)
    return rows


def test_parts_of_months_are_refused_and_told_in_focus():
    asked = {"start": "2026-11-11", "end": "2026-12-31", "model": "seasonal_naive", "trajectories": 20}
    plan = sc.plan(fc.project(usage_of(["chat"]), **asked), draws=100)
    with pytest.raises(PlanError, match="2026-11-11 to 2026-11-30"):
        plan.budgets("aws")
    rows = again_is_the_plan(plan)
    assert rows["ChargePeriodStart"].min() == pd.Timestamp("2026-11-11", tz="UTC")
    assert rows["BillingPeriodStart"].min() == pd.Timestamp("2026-11-01", tz="UTC")


def test_calendars_of_weeks_are_refused_and_told_in_focus():
    calendar = fc.Calendar(weeks="4-4-5")
    asked = {"horizon": "1Q", "calendar": calendar, "model": "seasonal_naive", "trajectories": 20}
    plan = sc.plan(fc.project(usage_of(["chat"]), **asked), draws=100)
    with pytest.raises(PlanError, match="calendar of weeks"):
        plan.budgets("google")
    rows = again_is_the_plan(plan)
    months = rows[["x_Month", "ChargePeriodStart", "ChargePeriodEnd"]].drop_duplicates()
    weeks = (months["ChargePeriodEnd"] - months["ChargePeriodStart"]).dt.days / 7
    assert weeks.tolist() == [4, 4, 5]


def test_money_without_an_environment_is_refused():
    usage = usage_of(["chat"]).frame[
        ["date", "provider", "model", "environment", "project", "requests", "input_tokens"]
    ]
    usage = usage.assign(environment=usage["environment"].where(usage["environment"] != "development", None))
    projection = fc.project(fc.Usage.from_frame(usage), horizon="1Q", model="seasonal_naive", trajectories=20)
    plan = sc.plan(projection, draws=100)
    with pytest.raises(PlanError, match=r"no environment.*tokens"):
        plan.budgets("litellm")
    assert "{}" not in set(again_is_the_plan(plan)["Tags"])


def test_budgets_are_written_whole(plan, tmp_path):
    path = plan.to_budgets(tmp_path / "aws.json", "aws", account="123456789012")
    assert json.loads(path.read_text(encoding="utf-8")) == plan.budgets("aws", account="123456789012")
    assert [p.name for p in tmp_path.iterdir()] == ["aws.json"]


def test_focus_rows_are_the_plan_again(odd):
    rows = odd.to_focus()
    assert tuple(rows.columns[: len(FOCUS)]) == FOCUS
    assert all(c.startswith("x_") for c in rows.columns[len(FOCUS) :])
    assert rows[list(BILLED)].isna().all(axis=None)
    assert len(rows) == len(odd.to_frame())
    for by in (["month", "environment"], ["line"], ["project"], ["month", "environment", "line", "project"]):
        columns = ["x_" + name.capitalize() for name in by]
        for amount in ("base", "budget", "contingency"):
            again = rows.groupby(columns)["x_" + amount.capitalize()].sum().round(2)
            wanted = odd.table(by)[amount]
            assert len(again) == len(wanted)
            np.testing.assert_allclose(again.reindex(wanted.index).to_numpy(), wanted.to_numpy(), atol=CENT)
    np.testing.assert_allclose(rows["x_ForecastMean"].sum(), odd.totals.mean(), rtol=1e-12)
    assert rows["ChargePeriodStart"].min() == pd.Timestamp("2027-01-01", tz="UTC")
    assert rows["ChargePeriodEnd"].max() == rows["BillingPeriodEnd"].max() == pd.Timestamp("2027-04-01", tz="UTC")
    assert set(rows["ChargeCategory"]) == {"Usage", "Purchase", "Adjustment"}
    assert {json.loads(t).get("project") for t in rows["Tags"]} == {*map(str.strip, ODD), None}


def test_files_bring_back_every_name_and_amount(odd, tmp_path):
    wanted = files.tidy(odd)
    csv = pd.read_csv(odd.to_csv(tmp_path / "plan.csv"), dtype=str, keep_default_na=False)
    for column in wanted.select_dtypes("number"):
        csv[column] = [float(cell or "nan") for cell in csv[column]]
    for column in ("line", "project", "environment"):
        assert csv[column].map(files.bare).tolist() == wanted[column].tolist()
    parquet = pd.read_parquet(odd.to_parquet(tmp_path / "plan.parquet"))
    document = json.loads(odd.to_json(tmp_path / "plan.json").read_text(encoding="utf-8"))
    told = pd.DataFrame(document["rows"])
    for frame in (parquet, told):
        assert frame["project"].tolist() == wanted["project"].tolist()
    for frame in (csv, parquet, told):
        assert list(frame.columns) == list(wanted.columns)
        for column in wanted.select_dtypes("number"):
            np.testing.assert_array_equal(frame[column].to_numpy(float), wanted[column].to_numpy(float))
    assert round(told["budget"].sum(), 2) == document["budget"] == odd.budget
    assert list(document["columns"]) == list(wanted.columns)


def test_no_cell_of_a_csv_is_a_formula(odd, tmp_path):
    raw = pd.read_csv(odd.to_csv(tmp_path / "plan.csv"), dtype=str, keep_default_na=False)
    texts = raw[["month", "line", "environment", "project"]].to_numpy().ravel()
    assert not [t for t in texts if t.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    assert "'+base" in texts


def test_formulas_stay_text_in_excel(odd, tmp_path):
    book = openpyxl.load_workbook(odd.to_excel(tmp_path / "plan.xlsx"))
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row if isinstance(c.value, str)]
    odd_cells = [c for c in cells if c.value.startswith(("=1+1", "+base"))]
    assert odd_cells
    assert all(c.data_type == "s" for c in odd_cells)


@pytest.mark.parametrize("text", [*ODD, "", "'", "''=x", "'plain", "-1", "＝1", "\r=x"])
def test_the_guard_is_undone(text):
    assert files.bare(files.guarded(text)) == text
    assert not files.guarded(text).startswith(files.SIGNS)


WRITERS = {
    "csv": lambda p, path: p.to_csv(path),
    "parquet": lambda p, path: p.to_parquet(path),
    "json": lambda p, path: p.to_json(path),
    "budgets": lambda p, path: p.to_budgets(path, "azure"),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_what_cannot_be_written_leaves_what_stood(plan, tmp_path, monkeypatch, kind):
    path = tmp_path / "out"
    path.write_text("before", encoding="utf-8")
    with pytest.raises(PlanError, match="no folder"):
        WRITERS[kind](plan, tmp_path / "nowhere" / "out")
    with pytest.raises(PlanError, match="is a device"):
        WRITERS[kind](plan, "/dev/full")
    assert Path("/dev/full").is_char_device()

    def full(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(PlanError, match="No space left"):
        WRITERS[kind](plan, path)
    assert path.read_text(encoding="utf-8") == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_text_that_is_no_unicode_is_told(tmp_path):
    with pytest.raises(PlanError, match="no Unicode text"):
        files.written(tmp_path / "x", lambda: "a\ud800")
    assert not list(tmp_path.iterdir())
