"""The wheel holds what an installed library needs and nothing else; the pins are whole; no file names a registry."""

import os
import re
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
PACKAGES = ("forecast", "scenarios")

#: Made by tools, never committed: folders of these names, and everything in dot folders but .ci.
MADE = {"__pycache__", "build", "dist", "out"}
#: Put together here, so that this file names none either.
REGISTRIES = [
    ".".join(host)
    for host in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("anaconda", "org"),
        ("conda-forge", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("jsdelivr", "net"),
        ("unpkg", "com"),
        ("jfrog", "io"),
    )
]
INDEX_OPTIONS = ["--" + option for option in ("index-url", "extra-index-url", "find-links", "trusted-host")]
#: The address of a package index of any host: it ends in /simple.
INDEX_ADDRESS = re.compile(r"https?://\S*/simple\b", re.IGNORECASE)


def committed_texts() -> dict[str, str]:
    """Every text file of the checkout that a commit would hold, by its path."""
    texts = {}
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [name for name in inner if name not in MADE and (not name.startswith(".") or name == ".ci")]
        for name in names:
            path = Path(folder, name)
            try:
                texts[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return texts


def source_files(package: str) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / package).rglob("*")
        if path.is_file() and not MADE & set(path.parts) and not path.name.startswith(".")
    }


def samples() -> dict[str, bytes]:
    folder = ROOT / "data" / "samples"
    return {
        f"forecast/data/samples/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not MADE & set(path.parts) and not path.name.startswith(".")
    }


def requirements() -> dict[str, Requirement]:
    """Every package that pyproject.toml names, by its normal name: to run, to build and to develop."""
    named = [
        *PROJECT["dependencies"],
        *PYPROJECT["build-system"]["requires"],
        *(line for extra in PROJECT["optional-dependencies"].values() for line in extra),
    ]
    parsed = [Requirement(line) for line in named]
    return {canonicalize_name(r.name): r for r in parsed if canonicalize_name(r.name) != PROJECT["name"]}


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if line.strip() and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in pinned)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without a network and without an environment of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_is_one_pure_wheel_of_this_version(wheel):
    assert wheel.name == f"tokenplan-{PROJECT['version']}-py3-none-any.whl"


def test_wheel_holds_both_packages_whole_and_nothing_else(wheel):
    names = set(ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert tops == {*PACKAGES, f"tokenplan-{PROJECT['version']}.dist-info"}
    for package in PACKAGES:
        assert f"{package}/py.typed" in names
        assert source_files(package) <= names
    assert not [name for name in names if re.search(r"(^|/)(tests?/|test_|conftest)", name) and name.endswith(".py")]


def test_wheel_holds_the_samples_as_they_are(wheel):
    held, expected = ZipFile(wheel), samples()
    assert expected, "data/samples is empty"
    assert {name for name in held.namelist() if name.startswith("forecast/data/")} == set(expected)
    assert {name: held.read(name) for name in expected} == expected


def test_wheel_holds_the_shipped_scenarios(wheel):
    shipped = {path.name for path in (ROOT / "scenarios" / "library").glob("*.toml")}
    assert shipped, "scenarios/library is empty"
    assert {f"scenarios/library/{name}" for name in shipped} <= set(ZipFile(wheel).namelist())


def test_wheel_holds_the_presets(wheel):
    shipped = {path.name for path in (ROOT / "scenarios" / "components" / "presets").glob("*.toml")}
    assert shipped, "scenarios/components/presets is empty"
    assert {f"scenarios/components/presets/{name}" for name in shipped} <= set(ZipFile(wheel).namelist())


def test_wheel_installs_the_command_and_the_licence(wheel):
    held, info = ZipFile(wheel), f"tokenplan-{PROJECT['version']}.dist-info"
    entry_points = ConfigParser()
    entry_points.read_string(held.read(f"{info}/entry_points.txt").decode())
    assert dict(entry_points["console_scripts"]) == {"tokenplan": "scenarios.cli:main"}
    for name in ("LICENSE", "NOTICE"):
        assert held.read(f"{info}/licenses/{name}") == (ROOT / name).read_bytes()


def test_unpacked_wheel_finds_its_own_samples(wheel, tmp_path):
    ZipFile(wheel).extractall(tmp_path)
    name = min(samples()).removeprefix("forecast/data/samples/")
    code = f"from forecast.samples import sample_path; print(sample_path({name!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).resolve() == (tmp_path / "forecast" / "data" / "samples" / name).resolve()


def test_constraints_pin_every_dependency_within_its_bound():
    pinned = pins()
    for name, requirement in requirements().items():
        assert name in pinned, f"constraints.txt does not pin {name}"
        assert requirement.specifier.contains(pinned[name]), f"{name}=={pinned[name]} is not {requirement.specifier}"


def test_every_runtime_dependency_has_a_lower_bound_and_no_upper():
    for line in PROJECT["dependencies"]:
        assert {bound.operator for bound in Requirement(line).specifier} == {">="}, line


def test_no_committed_file_names_a_registry():
    words = [*REGISTRIES, *INDEX_OPTIONS]
    found = {
        path: hits
        for path, text in committed_texts().items()
        if (hits := [word for word in words if word in text.lower()] + INDEX_ADDRESS.findall(text))
    }
    assert not found


def test_constraints_hold_names_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.strip() and not re.fullmatch(r"#.*|[\w.-]+==[\w.]+", line)]
