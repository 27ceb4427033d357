"""Every public class by example. Comes in: nothing. Goes out: small results, and all that can be reached from them.

Classes are found by what public functions, methods and fields say they return; examples by walking over what results
hold and what their methods give without arguments.
"""

import inspect
import pkgutil
import sys
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd

import forecast as fc
import scenarios as sc

PACKAGES = ("forecast", "scenarios")
#: A name that no page may take for markup.
HOSTILE = "<script>alert(1)</script>&\"'"
#: Methods that write files, draw, or work for long.
_NOT_CALLED = ("to_", "plot", "write", "save", "send", "serve", "sensitivity", "convergence", "blocks", "draws", "at")


def is_ours(kind: object) -> bool:
    """Whether it is a class of the two packages."""
    return isinstance(kind, type) and kind.__module__.split(".")[0] in PACKAGES


@cache
def public_classes() -> frozenset[type]:
    """Classes that are public by name."""
    named = (getattr(package, name) for package in (fc, sc) for name in package.__all__)
    return frozenset(kind for kind in named if is_ours(kind) and not issubclass(kind, Exception | Warning))


@cache
def returned_classes() -> frozenset[type]:
    """Classes that public functions, and methods and properties of public classes, say they return."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            if "__main__" not in module.name:
                import_module(module.name)
    known = {}
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in PACKAGES:
            known |= {word: kind for word, kind in vars(module).items() if isinstance(kind, type)}
    todo = [getattr(package, name) for package in (fc, sc) for name in package.__all__]
    found, seen = set(), set()
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        asked = [one] if inspect.isfunction(one) else []
        if is_ours(one):
            members = [m for name, m in inspect.getmembers(one) if not name.startswith("_")]
            asked = [m.fget if isinstance(m, property) else m for m in members]
        for function in asked:
            if inspect.isfunction(function):
                told = str(function.__annotations__.get("return", ""))
                here = {**known, **vars(sys.modules[function.__module__])}
                made = {here[word] for word in _words(told) if is_ours(here.get(word))}
                found |= made
                todo += made
    return frozenset(kind for kind in found if not typing.is_typeddict(kind))


def _words(told: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "_" else " " for c in told).split()


def reached(roots: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Objects of ours that roots hold or give, the first of each class, with the way to it."""
    todo, seen = list(roots.items()), set()
    while todo:
        where, one = todo.pop(0)
        if isinstance(one, tuple | list):
            todo += [(f"{where}[{i}]", part) for i, part in enumerate(one[:3])]
        if not is_ours(type(one)) or type(one) in seen:
            continue
        seen.add(type(one))
        yield where, one
        for name, member in inspect.getmembers(type(one)):
            if name.startswith("_") or name.startswith(_NOT_CALLED):
                continue
            if isinstance(member, property) or inspect.ismemberdescriptor(member):
                todo.append((f"{where}.{name}", _got(one, name)))
            elif inspect.isfunction(member) and not _needed(member) and is_ours(_result_of(member)):
                todo.append((f"{where}.{name}()", _got(one, name, call=True)))


def _result_of(function: object) -> object:
    told = _words(str(function.__annotations__.get("return", "")))
    return vars(sys.modules[function.__module__]).get(told[0]) if told else None


def _needed(function: object) -> list[str]:
    given = list(inspect.signature(function).parameters.values())[1:]
    return [p.name for p in given if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def _got(one: object, name: str, *, call: bool = False) -> object:
    try:
        value = getattr(one, name)
        return value() if call else value
    except fc.TokenplanError:  # what this example does not have
        return None


def usage() -> fc.Usage:
    """Ten months of two projects in two environments, one project's name hostile, with a bill."""
    days = pd.date_range("2026-01-01", "2026-10-31")
    rows = []
    for environment, level in (("development", 300.0), ("production", 900.0)):
        for project, model in (("search", "gpt-5"), (HOSTILE, "gpt-5-mini")):
            volume = level * np.where(days.day_of_week > 4, 0.4, 1.0) * (1 + 0.001 * np.arange(len(days)))
            volume[-3] *= 8 if environment == "production" else 1
            frame = pd.DataFrame({"date": days, "requests": volume.round(), "provider": "openai", "model": model})
            frame = frame.assign(environment=environment, project=project, department=project, currency="USD")
            rows.append(
                frame.assign(
                    input_tokens=frame["requests"] * 40_000.0,
                    output_tokens=frame["requests"] * 1_000.0,
                    billed_cost=(frame["requests"] * 0.06).round(2),
                )
            )
    return fc.Usage.from_frame(pd.concat(rows))


#: Prices of the two models.
BOOK = pd.DataFrame(
    {
        "model": ["gpt-5", "gpt-5", "gpt-5-mini", "gpt-5-mini"],
        "unit": ["input_tokens", "output_tokens"] * 2,
        "price": ["1.25", "10.0", "0.25", "2.0"],
    }
)
#: A policy that the example breaks.
POLICY = """
name = "spend"
currency = "USD"

[[approvers]]
role = "team lead"

[[limits]]
amount = 10
per = "month"
"""


@cache
def examples(folder: str) -> Mapping[str, object]:
    """Small examples of what the packages make: what is not here must be reached from it."""
    used = usage()
    prices = fc.PriceBook.from_frame(BOOK)
    early = fc.Usage.from_frame(used.frame[used.frame["date"] <= "2026-07-31"])
    fast = {"model": "seasonal_naive", "trajectories": 20, "seed": 1}
    projection = fc.project(early, horizon="1Q", lag=0, **fast)
    growth = sc.Growth(monthly=sc.between(0.02, 0.05))
    scenario = sc.Scenario(HOSTILE, [growth, sc.PriceChange(model="gpt-5", on="2026-11-01", by=-0.1, probability=0.5)])
    plan = sc.plan(
        projection,
        prices=prices,
        scenario=scenario,
        components=[sc.Fixed(HOSTILE + "line", monthly=100), sc.Reserve("reserve", 500)],
        split=sc.EnvironmentSplit(development=(0.15, 0.40), production=(0.60, 0.85)),
        draws=200,
        seed=1,
    )
    frame = used.frame.groupby(["environment", "date"])["requests"].sum().reset_index()
    frame = frame.set_axis(["unique_id", "ds", "y"], axis=1)
    compared = sc.compare(projection, [scenario], prices=prices, draws=100, seed=1)
    paths = fc.sample_paths(frame, horizon=14, model="seasonal_naive", draws=50, seed=1)
    labels = pd.DataFrame({"unique_id": ["development", "production"], "team": ["all", "all"]})
    policy = _written(folder, "policy.toml", POLICY)
    log = sc.ApprovalLog(f"{folder}/approvals.jsonl")
    log.approve(plan, who="team lead", on="2026-11-01", note=HOSTILE)
    return {
        "usage": used,
        "prices": prices,
        "projection": projection,
        "scenario": scenario,
        "tree": sc.Scenario("tree").tree([(0.4, scenario), (0.6, sc.Scenario("calm"))]),
        "plan": plan,
        "where": plan.where(1_000),
        "under": plan.under(sc.BudgetPolicy()),
        "compared": compared,
        "bridge": compared.bridge(HOSTILE, by="change"),
        "break_even": compared.break_even(HOSTILE),
        "effect": scenario.effect(projection, prices=prices, draws=100),
        "sought": sc.goal_seek(
            projection,
            lambda x: sc.Scenario(HOSTILE, [sc.Growth(monthly=x)]),
            limit=float(np.quantile(compared.totals("as forecast"), 0.9)),
            within=(-0.05, 0.2),
            prices=prices,
            draws=100,
        ),
        "clipped": sc.clipped(projection, sc.Scenario("limit", [sc.Limit(tokens=1e7)]), prices=prices, draws=100),
        "commitment": sc.commitment(plan, discount=0.2),
        "review": sc.review(plan, used, as_of="2026-10-31", prices=prices),
        "reforecast": plan.reforecast(used, as_of="2026-10-31"),
        "dive": sc.deep_dive(plan, used, as_of="2026-10-31", prices=prices, models=["run_rate"], origins=1),
        "track_record": sc.track_record(used, plan),
        "alerts": sc.alerts(used, prices=prices),
        "allocation": sc.allocate(used, start="2026-10-01", end="2026-10-31"),
        "policy": sc.load_policy(policy),
        "checked": sc.check(used, sc.load_policy(policy), on="2026-11-01"),
        "approvals": log,
        "baseline": fc.baseline(used),
        "card": fc.backtest(used, prices=prices, models=["run_rate", "seasonal_naive"], horizon=14, origins=2),
        "paths": paths,
        "cleaned": fc.clean(frame),
        "hierarchy": fc.Hierarchy(labels, ("team",)),
        "reconciliation": fc.reconcile(used, prices),
        "frontier": fc.quality_frontier(
            used, pd.DataFrame({"model": ["gpt-5", "gpt-5-mini"], "accuracy": [0.9, 0.8]}), prices=prices
        ),
        "rates": fc.Rates.of({"EUR": 1.1}),
        "price_process": fc.calibrate_prices(),
        "shown": fc.show(plan.table("month"), title=HOSTILE, currency="USD"),
        **{f"input {type(one).__name__}": one for one in inputs()},
    }


def inputs() -> list[object]:
    """An example of what is handed over, for each class that no result above holds."""
    some, day, money = sc.between(0.1, 0.2), "2026-11-01", sc.between(100, 200)
    other = {"model": "gpt-5", "to": "gpt-5-mini"}
    fixed = sc.Fixed("machines", monthly=10)
    return [
        sc.Adoption(users=100, market=sc.between(200, 300), innovation=some, imitation=some),
        sc.AutoScale(before=some, after=sc.between(0.5, 0.6)),
        sc.Batch(share=some),
        sc.Campaign(start=day, end="2026-11-09", by=some),
        sc.Compress(by=sc.between(-0.2, -0.1)),
        sc.DataTransfer(price=0.01, bytes_per_token=4.0),
        sc.Deprecation(**other, on=day),
        sc.Discount(share=some),
        sc.Elasticity(elasticity=0.2),
        sc.ExchangeRate(by=some, currency="EUR"),
        sc.FineTune(**other, on=day, training=100),
        sc.Headcount(table=[sc.Heads("2026-10-01", 100), sc.Heads("2026-12-01", 120)]),
        sc.Heads("2026-10-01", 100),
        sc.Intensity("output_tokens", by=some),
        sc.Limit(tokens=1e9),
        sc.LinearGrowth(monthly=some),
        sc.LogisticGrowth(monthly=some, ceiling=sc.between(2, 3)),
        sc.Migrate(**other, on=day),
        sc.Negotiation(share=some, on=day),
        sc.NewWorkload("gpt-5", "openai", users=10, requests_per_user=10, tokens={"input_tokens": 100}, project="new"),
        sc.Outage(days=2, rate=1),
        sc.OutputCap(by=sc.between(-0.2, -0.1)),
        sc.Pack(items=4, shared=some),
        sc.PriceSteps(by={day: some}),
        sc.PromptCache(to=some, writes=some),
        sc.PromptTrim(by=sc.between(-0.2, -0.1)),
        sc.Region(to="eu", price_ratio=1.1),
        sc.ResponseFilter(by=sc.between(-0.2, -0.1)),
        sc.Retire(where={"project": "search"}, on=day),
        sc.RightSize(price_ratio=0.5, throughput_ratio=0.8),
        sc.Route(**other, share=some),
        sc.Runaway(hours=4, money=money, monthly=0.1),
        sc.SemanticCache(share=some),
        sc.Spikes(rate=6, by=some),
        sc.Spot(discount=some, overhead=some),
        sc.Step(by=some, on=day),
        sc.Tokenizer(by=some),
        sc.VendorPrices(),
        sc.Allowance("seats", amount=100),
        sc.PerUnit("assistants", {"2026-10-01": 40}, price=30),
        sc.Project("training", 1_000, price=2, start=day, duration=30),
        sc.Risk("audit", 0.1, impact=money),
        sc.ShareOf("pipelines", some),
        sc.Stock("storage", 20_000, price=0.023),
        sc.CommonFactor("demand", {"growth": 0.8}),
        sc.RankCorrelation({("growth", "machines"): 0.5}),
        sc.Override("machines cost more", fixed, who="head", why="the new machines", on=day, replaces="machines"),
        sc.Split("project", {"search": (0.2, 0.4)}),
        sc.AlertRules(),
        fc.AdoptionCurve(),
        fc.Auto(),
        fc.Combination(),
        fc.Demand(users=money),
        fc.ETS(),
        fc.Event("campaign", [("2026-02-09", "2026-02-13")]),
        fc.Holidays("US"),
        fc.Launch(),
        fc.Prophet(),
        fc.Regressors(pd.DataFrame({"ds": pd.date_range("2026-01-01", periods=3), "x": 1.0}), known_in_advance=True),
        fc.SARIMAX(),
        fc.STL(),
        fc.Theta(),
        fc.UnobservedComponents(),
        fc.WorkingDays("US"),
    ]


def _written(folder: str, name: str, text: str) -> str:
    path = Path(folder) / name
    path.write_text(text, encoding="utf-8")
    return str(path)
