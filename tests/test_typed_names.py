"""Every public name is used by a typed program, which mypy checks (``make lint``) and which runs without a warning."""

import ast
import inspect
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PROGRAMS = {name: ROOT / "tests" / "typed" / f"{name}_names.py" for name in ("forecast", "scenarios")}
#: How each package is called in the programs.
ALIAS = {"forecast": "fc", "scenarios": "sc"}

#: Where a type is Any on purpose: what Python itself can't tell (any frame, any dates that pandas reads), bodies of
#: JSON, and arguments that are those of another function.
ANY = {
    "forecast.Calendar.end: days",
    "forecast.Calendar.is_working: days",
    "forecast.Calendar.label: days",
    "forecast.Calendar.ordinals: days",
    "forecast.Calendar.start: days",
    "forecast.Rates.convert: amounts",
    "forecast.Rates.convert: days",
    "forecast.Rates.of: rates",
    "forecast.Rates.rate: days",
    "forecast.read_pricing_rules: rules",
    "forecast.read_usage: rules",
    "forecast.read_usage: source",
    "scenarios.ApprovalLog.approve: return",
    "scenarios.ApprovalLog.approve_model: return",
    "scenarios.ApprovalLog.reviewed: return",
    "scenarios.ApprovalLog.withdraw: return",
    "scenarios.BudgetPlan.budgets: return",
    "scenarios.BudgetPlan.reforecast: arguments",
    "scenarios.BudgetPlan.replan: arguments",
    "scenarios.BudgetPlan.save: kinds",
    "scenarios.BudgetPlan.to_budgets: asked",
    "scenarios.BudgetPlan.to_toml: prices",
    "scenarios.BudgetPlan.to_toml: usage",
    "scenarios.load_plan: kinds",
    "scenarios.preset: sizes",
}


@pytest.mark.parametrize("package", PROGRAMS)
def test_every_public_name_is_used(package):
    tree = ast.parse(PROGRAMS[package].read_text(encoding="utf-8"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == ALIAS[package]
    }
    assert set(import_module(package).__all__) - used == set()


@pytest.mark.parametrize("package", PROGRAMS)
def test_the_program_runs_without_a_warning(package, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAMS[package])],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def functions(package):
    """Every public function and method, by its name."""
    module = import_module(package)
    for name in module.__all__:
        thing = getattr(module, name)
        if not inspect.isclass(thing):
            yield f"{package}.{name}", thing
            continue
        for owner in thing.__mro__:
            if owner.__module__.partition(".")[0] not in PROGRAMS:
                continue
            for member, value in vars(owner).items():
                inner = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
                if not member.startswith("_") and inspect.isfunction(inner):
                    yield f"{package}.{name}.{member}", inner


@pytest.mark.parametrize("package", PROGRAMS)
def test_no_type_is_any_but_where_it_is_meant(package):
    found, bare = set(), set()
    for name, function in functions(package):
        told = function.__annotations__
        arguments = [p for p in inspect.signature(function).parameters if p not in ("self", "cls")]
        bare |= {f"{name}: {a}" for a in [*arguments, "return"] if a not in told}
        found |= {f"{name}: {argument}" for argument, kind in told.items() if "Any" in str(kind)}
    assert not bare, "types are missing"
    assert found == {one for one in ANY if one.startswith(f"{package}.")}


@pytest.mark.parametrize("package", PROGRAMS)
def test_what_is_loaded_late_is_told_to_type_checkers(package):
    """Every public name is bound where a type checker looks: imported, or imported under TYPE_CHECKING."""
    module = import_module(package)
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    bound = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(module.__all__) <= bound
    assert set(module._LATER) <= set(module.__all__)


@pytest.mark.slow
def test_types_are_there_for_who_installs_the_wheel(tmp_path):
    """From outside: mypy reads the built wheel's own types, by its py.typed."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    assert subprocess.run(build, capture_output=True, check=False).returncode == 0
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    ZipFile(wheel).extractall(site)
    assert (site / "forecast" / "py.typed").exists()
    assert (site / "scenarios" / "py.typed").exists()
    program = tmp_path / "program.py"
    program.write_text(
        "import forecast as fc\nimport scenarios as sc\n"
        "reveal_type(fc.read_usage('usage.csv'))\nreveal_type(sc.plan(fc.project(fc.read_usage('u.csv'))))\n"
        "reveal_type(sc.compare)\nreveal_type(sc.Growth(monthly=0.1))\nfc.no_such_name\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file",
            os.devnull,
            "--follow-imports=silent",
            str(program),
        ],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert '"forecast.usage.Usage"' in done.stdout, done.stdout + done.stderr
    assert '"scenarios.budget.budget_plan.BudgetPlan"' in done.stdout
    assert '"scenarios.changes.growth.Growth"' in done.stdout
    assert "Comparison" in done.stdout
    assert 'Module has no attribute "no_such_name"' in done.stdout
