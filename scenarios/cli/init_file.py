"""The plan file of ``tokenplan init``. Comes in: a usage, how it is read, and answers. Goes out: the file's text.

It is the template that ``tokenplan template`` prints, with the answers in it as the objects of a plan write themselves.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from forecast.ranges import between
from forecast.usage import Usage
from scenarios.budget.planinputs import UsageSource
from scenarios.changes import Growth
from scenarios.cli.init_questions import Extras, Span
from scenarios.cli.template_job import TEMPLATE, fitted
from scenarios.components import KINDS as COMPONENTS
from scenarios.components import Fixed, Reserve
from scenarios.files.writing import change_told, kind_told, value_told

#: How usage is read, as the template comments it; the rest has no comment.
_COMMENTED: Final = ("columns", "fill", "timezone", "duplicates", "sort")


@dataclass(frozen=True, slots=True)
class Answers:
    """What a plan file of init says beside its usage."""

    horizon: Span
    growth: tuple[float, float] | None
    split: Mapping[str, tuple[float, float]]
    extras: Extras


def plan_text(usage: Usage, named: list[str], source: UsageSource, answers: Answers, *, name: str) -> str:
    """The text of the plan file.

    Parameters
    ----------
    usage : Usage
    named : list of str
        The exports, as the plan file names them: relative to its own folder.
    source : UsageSource
        How they are read.
    answers : Answers
    name : str
        What the plan is called.
    """
    one = argparse.Namespace(usage=named[0], column=(), fill=(), timezone=source.timezone)
    text = fitted(TEMPLATE.read_text(encoding="utf-8"), usage, one)
    text = text.replace(
        "It runs as it is:  tokenplan plan plan.toml", "Written by tokenplan init; change what you like."
    )
    text = _line(text, "name", f"name = {value_told(name, 'plan.name')}")
    text = _line(text, "horizon", f"horizon = {value_told(answers.horizon.horizon, 'plan.horizon')}")
    confidence = answers.extras.confidence
    told = f"confidence = {confidence:g}         # the budget is the P{confidence * 100:g} of the total"
    text = _line(text, "confidence", told, keep=False)
    if answers.horizon.month != 1:
        text = text.replace("#[calendar]  ", "[calendar]   ")
        text = _line(text, "#start_month", f"start_month = {answers.horizon.month}", keep=False)
    text = _usage(text, named, source)
    text = _before(text, "#[scenario]", _growth(answers.growth), drop=r"#\[scenario\]\n#name = .*\n#use = .*\n#\n")
    text = _before(text, "#[[components]]", _components(answers.extras))
    return _split(text, answers.split)


def _usage(text: str, named: list[str], source: UsageSource) -> str:
    """How the usage is read, key by key."""
    if len(named) > 1:
        text = re.sub(
            r"^file = .*\n", lambda _: f"files = {value_told(named, 'usage.files')}\n", text, flags=re.MULTILINE
        )
    default = {f.name: f.default for f in fields(UsageSource)}
    told = {n: getattr(source, n) for n in default if n != "file" and getattr(source, n) not in (default[n], None)}
    for key in _COMMENTED:
        if told.get(key):
            text = _line(
                text, key if key == "timezone" else f"#{key}", f"{key} = {value_told(told[key], key)}", keep=False
            )
    rest = {k: str(v) if isinstance(v, Path) else v for k, v in told.items() if k not in _COMMENTED}
    lines = "".join(f"{key} = {value_told(value, key)}\n" for key, value in rest.items())
    return re.sub(r"^timezone = .*\n", lambda m: m[0] + lines, text, count=1, flags=re.MULTILINE)


def _growth(growth: tuple[float, float] | None) -> list[str]:
    if growth is None:
        return []
    change = Growth(monthly=between(*growth) if growth[0] < growth[1] else growth[0])
    told = ["# Total growth from the last known day: it takes the place of the trend that is forecast."]
    return ["[scenario]", 'name = "growth"', "", *told, "[[scenario.changes]]", *change_told(change, "growth")]


def _components(extras: Extras) -> list[str]:
    fixed, reserve = (int(one) if one.is_integer() else one for one in (extras.fixed, extras.reserve))
    made: list[Any] = [Fixed("fixed costs", monthly=fixed)] if fixed else []
    made += [Reserve("reserve", reserve)] if reserve else []
    lines: list[str] = []
    for one in made:
        lines += [*([""] if lines else []), "[[components]]", *kind_told(one, COMPONENTS, one.name)]
    return lines


def _split(text: str, ranges: Mapping[str, tuple[float, float]]) -> str:
    """The split in place of the template's example, which goes to the next blank comment."""
    if not ranges:
        return text
    rows = "\n".join(
        f"{value_told(name, 'split') if not re.fullmatch(r'[A-Za-z0-9_-]+', name) else name} = "
        f"{value_told(list(ends), 'split')}"
        for name, ends in ranges.items()
    )
    whole = re.search(r"^#\[split\](.*)\n(#[^\n]+\n)+", text, flags=re.MULTILINE)
    assert whole is not None
    rest = [line for line in whole[0].splitlines() if line.startswith(("#rest", "#basis"))]
    return text[: whole.start()] + "\n".join([f"[split] {whole[1]}", rows, *rest]) + "\n" + text[whole.end() :]


def _before(text: str, place: str, lines: list[str], *, drop: str = "") -> str:
    """The template with lines before the first commented example of their kind."""
    if not lines:
        return text
    if drop:
        text, done = re.subn(drop, lambda _: place + "\n", text, count=1)
        assert done == 1, place
        return text.replace(place + "\n", "\n".join(lines) + "\n\n", 1)
    at = text.index(f"\n{place}\n") + 1
    return text[:at] + "\n".join(lines) + "\n\n" + text[at:]


def _line(text: str, key: str, line: str, *, keep: bool = True) -> str:
    """The template with the first line of a key replaced; its comment stays where it holds as well."""
    found = re.search(rf"^{re.escape(key)} = [^\n#]*(#[^\n]*)?$", text, flags=re.MULTILINE)
    assert found is not None, key
    comment = f"{line:<25} {found[1]}" if found[1] and keep else line
    return text[: found.start()] + comment + text[found.end() :]
