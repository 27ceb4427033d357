"""Docstrings of public objects: each has one, and it tells the arguments that a caller gives, by their names."""

import dataclasses
import inspect
from importlib import import_module

import pytest
from numpydoc.docscrape import ClassDoc
from numpydoc.validate import validate

#: What every docstring keeps: it is there (GL08), has a summary of one line that begins like a sentence (SS01 to SS03),
#: no unknown, doubled or misplaced section (GL03, GL06, GL07), no argument that the signature lacks (PR02), and
#: "name : type" with blanks (PR09 is the period after what is said, PR10 those blanks).
EVERY = {"GL03", "GL06", "GL07", "GL08", "PR02", "PR09", "PR10", "SS01", "SS02", "SS03"}
#: Functions, and classes that a caller makes, also name every argument. Methods may say theirs in a sentence.
MADE_BY_CALLERS = EVERY | {"PR01"}
PUBLIC = [(package, name) for package in ("forecast", "scenarios") for name in sorted(import_module(package).__all__)]


def ours(member):
    """Whether a member of a class is a method or property of ours."""
    made = getattr(member, "fget", None) or getattr(member, "__func__", member)
    return inspect.isfunction(made) and made.__module__.startswith(("forecast", "scenarios"))


def members(thing):
    """The public methods and properties of a class; none of what is no class."""
    if not inspect.isclass(thing):
        return []
    return [n for n in dir(thing) if not n.startswith("_") and ours(inspect.getattr_static(thing, n))]


def faults(name, kept):
    return [f"{name}: {code}: {says}" for code, says in validate(name)["errors"] if code in kept]


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_docstrings_are_whole(package, name):
    thing, dotted = getattr(import_module(package), name), f"{package}.{name}"
    called = not inspect.isclass(thing) or bool(ClassDoc(thing)["Parameters"])
    found = faults(dotted, MADE_BY_CALLERS if called else EVERY)
    for member in members(thing):
        found += faults(f"{dotted}.{member}", EVERY)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("package", "name"), PUBLIC)
def test_fields_of_results_are_told(package, name):
    thing = getattr(import_module(package), name)
    if not dataclasses.is_dataclass(thing) or (doc := ClassDoc(thing))["Parameters"]:
        return
    told = {field.strip() for entry in doc["Attributes"] for field in entry.name.split(",")}
    fields = {field.name for field in dataclasses.fields(thing) if not field.name.startswith("_")}
    assert not fields - told
