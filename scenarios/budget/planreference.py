"""The reference of a plan file. Comes in: its schema. Goes out: every key that it may hold, as tables in Markdown.

The keys are those that are checked when a file is read; what is said of them stands here, and a key of which nothing is
said, or a saying without a key, is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from scenarios.budget.linekeys import OVERRIDE
from scenarios.budget.planfile import plain_tables
from scenarios.budget.policies import BudgetPolicy
from scenarios.budget.splitkeys import CAP, FLOOR, SPLIT, SPLITS
from scenarios.changes import KINDS as CHANGES
from scenarios.components import KINDS as COMPONENTS
from scenarios.files.hints import required
from scenarios.files.kinds import TIES
from scenarios.files.scenario_file import BODY, STATED

_RANGES: Final = "..."
#: What each key says, in the words of who writes a plan file; what holds without it stands after the semicolon.
_SAID: Final[Mapping[str, Mapping[str, str]]] = {
    "[plan]": {
        "name": "what the plan is called; the file's name",
        "horizon": '`"2Q"`, `"3M"`, `"90D"`, `"2027Q1"`, `"FY2027"`: needed, or `start` and `end`',
        "start": "first day, with `end` in place of `horizon`",
        "end": "last day",
        "confidence": "0.80: the budget is the P80 of the total; 0.80",
        "draws": 'futures, at least 100, or `"auto"`: as many as `error` needs; 10000',
        "error": 'with `draws = "auto"`: the standard error of the budget from draws, as a part of it; 0.003',
        "seed": "same inputs and seed, same plan; of the forecast too; 0",
        "limit": "money: shows how likely it is to spend more",
        "unpriced": '`"refuse"`, or `"exclude"` usage without a price; `"refuse"`',
    },
    "[calendar]": {
        "start_month": "month that the fiscal year starts in; 1",
        "named_by": 'the calendar year that names it: of its `"end"` or `"start"`; `"end"`',
        "weeks": 'months in weeks: `"4-4-5"`, `"4-5-4"`, `"5-4-4"`',
        "year_end": 'by weeks: the `weekday` `"nearest"` to the end of the last month, or `"last"` in it; `"nearest"`',
        "weekday": 'that a year by weeks ends on; `"Saturday"`',
        "extra_week": "the quarter whose last month takes the 53rd week; 4",
        "country": "whose holidays are no working days",
        "region": "of that country",
    },
    "[usage]": {
        "file": "an export, a folder or a glob; needed, or `files`, or `sample`",
        "files": "several of them, added up, what they hold twice once",
        "sample": "usage that ships with tokenplan",
        "format": "what wrote it (`tokenplan read --formats`); sniffed",
        "rules": "file of rules that give environment, project and the like",
        "grain": '`"hour"`, `"day"` or `"month"` to add up to; its own',
        "columns": "table: our column = the export's name for it",
        "fill": "table: our column = one value for every row",
        "timezone": 'billing zone of the dates; `"UTC"`',
        "duplicates": '`"refuse"`, or `"sum"` rows of one day and key; `"refuse"`',
        "sort": "accept dates in any order; false",
        "decimal": 'of tables of text, what stands before decimals: `"."` or `","`; told by the numbers',
        "overlap": 'where two exports differ: `"refuse"`, or take the `"later"` named; `"refuse"`',
        "dedupe": '`"request_id"`: compare single requests by their id',
        "personal": "keep who used it; false",
        "services": 'of a cloud\'s bill: `"ai"` alone, or `"all"`; `"ai"`',
        "currency": "what money is converted to, with `rates`",
        "rates": "file of dated exchange rates",
        "today": "rows after this day are refused; the machine's date",
    },
    "[prices]": {
        "builtin": "the vendors' dated list prices; true",
        "files": "CSV or TOML files of your own prices, laid over them, first named first",
        "rows": "`[[prices.rows]]`: single prices, laid over the files",
        "blended": "`{ per_million = 2.00 }`, also with `currency`, `model`, `provider`, `valid_from`: for usage that "
        "knows only `total_tokens`",
        "known": "a day: prices that were announced later are not used",
        "long_share": 'what of the tokens stands in long requests: a share, or by model `{ "gpt-5*" = 0.2 }`',
        "off_peak_share": "what of the tokens is used in cheaper hours: likewise",
    },
    "[forecast]": {
        "model": '`"auto"`, or the name of a model; `"auto"`',
        "by": "what makes a workload; `environment` and `project`, as far as the usage has them",
        "lag": "last periods of the export that may be incomplete; 2, of months 0",
        "seed": "of the forecast alone; that of `[plan]`",
        "max_series": "workloads beyond as many are pooled as `(other)`; 500",
        "trajectories": "joint paths that are kept; 500",
        "cleaning": "false, or a table: `gaps`, `partial`, `spikes`, `level_shifts`, `keep`, `exclude`; true",
    },
    "[scenario]": {
        "name": "what it is called",
        "description": "why it is looked at",
        "use": "a shipped scenario, or a file; what differs follows",
        "changes": "`[[scenario.changes]]`: one each, with its `kind`",
        "dependence": "`[[scenario.dependence]]`: what makes its parameters move together",
        "branches": "`[[scenario.branches]]`: one of several, with `weight`, and `name`, `use`, `changes` and the like",
    },
    "[[overrides]]": {
        "name": "by which it can be taken away; needed",
        "who": "who made the judgement; needed",
        "why": "on what grounds; needed",
        "on": "the day on which it was made; needed",
        "replaces": "a change or component that it stands in for; it comes last",
        "change": "`[overrides.change]`: as one of `[[scenario.changes]]`; this or `component` is needed",
        "component": "`[overrides.component]`: as one of `[[components]]`",
    },
    "[split]": {
        _RANGES: f"an environment = `[0.6, 0.7]`, `{{ {FLOOR} = 0.1 }}`, `{{ {CAP} = 0.3 }}`; also in `ranges`; needed",
        "rest": 'who is not named shares the rest `"by demand"` or `"equally"`; `"by demand"`',
        "basis": 'inside the ranges: `"demand"`, `"midpoint"`, `"stochastic"`, `"equal risk"`, `"recent"`; `"demand"`',
    },
    "[[splits]]": {
        "by": "a column: each split is inside every part that those before it make; needed",
        _RANGES: "a part = its range, as in `[split]`",
        "rest": "as in `[split]`",
        "basis": "as in `[split]`",
        "days": 'of `basis = "recent"`: the last days that are looked at; 90',
        "most": "parts that are kept apart, those that cost most; 20",
        "shared": "table: a line that belongs to no part = how it is dealt",
    },
    "[policy]": {
        "rollover": "the share of what is not spent that is kept for the next month; 1.0",
        "rollover_cap": "at most this multiple of the month's budget",
        "expires": '`"quarter"` or `"year"`: when what is kept is lost to the pool',
        "holdback": "the share of each month's budget that goes to the pool at once; 0.10",
        "release": 'what the pool gives back: `"on need"`, `"on plan"`, `"never"`, or a date; `"on need"`',
        "name": "what tables call it",
    },
    "[output]": {
        "by": "rows of tables: month, quarter, year, line, and columns of the usage; month and environment",
        "detail": "columns that are kept apart so that tables can be made by them",
    },
}
#: Fields that every component has, told once.
_OWNED: Final = (
    "environment",
    "department",
    "project",
    "cost_category",
    "cost_center",
    "gl_account",
    "start",
    "end",
    "currency",
    "stated_on",
)


def plan_file_keys() -> str:
    """Every key of a plan file, as Markdown: a table for each of its tables, then the kinds of lines and changes.

    Raises
    ------
    LookupError
        A key of the schema is not told here, or what is told is no key of it.
    """
    parts = [_table(name, keys) for name, keys in _schema().items()]
    parts.append(_kinds("[[components]]", "kind", COMPONENTS, beside=_OWNED))
    parts.append(_kinds("[[scenario.changes]]", "kind", CHANGES, beside=(STATED,)))
    parts.append(_kinds("[[dependence]]", "kind", TIES))
    return "\n\n".join(parts) + "\n"


def _schema() -> dict[str, tuple[str, ...]]:
    """The tables and the keys that are checked when a file is read."""
    plain = {f"[{name}]": tuple(keys) for name, keys in plain_tables(Path()).items()}
    output = {"[output]": plain.pop("[output]")}
    return {
        **plain,
        "[scenario]": tuple(BODY),
        "[[overrides]]": tuple(OVERRIDE),
        "[split]": (_RANGES, *SPLIT),
        "[[splits]]": (_RANGES, *SPLITS),
        "[policy]": tuple(f.name for f in fields(BudgetPolicy)),
        **output,
    }


def _table(name: str, keys: Iterable[str]) -> str:
    """One table: its keys, and what is said of each."""
    said, known = _SAID.get(name, {}), set(keys)
    if odd := known.symmetric_difference(said):
        raise LookupError(f"plan file, {name}: {', '.join(sorted(odd))}: told without being a key, or not told")
    rows = []
    for key, text in said.items():
        says, _, without = text.rpartition("; ")
        rows.append(f"| {'names' if key == _RANGES else f'`{key}`'} | {says or without} | {without if says else ''} |")
    return "\n".join([f"### `{name}`", "", "| key | says | without it |", "|---|---|---|", *rows])


def _kinds(name: str, key: str, kinds: Mapping[str, type[Any]], beside: tuple[str, ...] = ()) -> str:
    """The kinds of one list, and the keys that each needs and may have."""
    rows = []
    for kind, maker in kinds.items():
        own = [f for f in fields(maker) if f.init and f.name not in beside]
        needed = ", ".join(f"`{f.name}`" for f in own if required(f))
        may = ", ".join(f"`{f.name}`" for f in own if not required(f))
        rows.append(f"| `{kind}` | {needed} | {may} |")
    every = f"\nEvery one may also have {', '.join(f'`{f}`' for f in beside)}.\n" if beside else ""
    return "\n".join([f"### `{name}`", every, f"| `{key}` | needs | may have |", "|---|---|---|", *rows])
