"""The plan's tidy table as files. Comes in: a BudgetPlan. Goes out: CSV, Parquet or JSON, whole or not at all.

The schema is :data:`COLUMNS`; ``docs/handing-over.md`` tells it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from scenarios.budget.budget_plan import LEVELS, BudgetPlan
from scenarios.report import save
from scenarios.report.book.writing import FORMULA_SIGNS

#: The schema of a table, by name and version.
SCHEMA: Final = "tokenplan.plan/1"
#: What a spreadsheet takes for a formula at the start of a cell, as typed or after a tab or a line's end is dropped.
SIGNS: Final = (*FORMULA_SIGNS, "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: What each column holds. Between ``line`` and ``p10`` stand the other columns that the plan keeps apart, as text.
COLUMNS: Final = {
    "month": "month of the plan's calendar, such as 2027-01",
    "line": "budget line; tokens, and policy transfer, which adds up to 0",
    **{name: f"the row's own {name.upper()}, in currency; does not add up" for name in LEVELS},
    "demand_share": "the row's part of its month's demand; null for rows without demand of their own",
    "base": "the row's part of the total's P50, in currency, to the cent; adds up",
    "budget": "the row's part of the total's quantile at the plan's confidence, in currency, to the cent; adds up",
    "contingency": "budget less base, in currency, to the cent; adds up",
    "currency": "ISO 4217 code of every amount",
}


def tidy(plan: BudgetPlan) -> pd.DataFrame:
    """The plan's tidy frame with its currency: one row a month and row of the ledger."""
    return plan.to_frame().assign(currency=plan.currency)


def write_csv(plan: BudgetPlan, path: Path) -> Path:
    """Write the tidy frame as CSV, in UTF-8.

    Text that a spreadsheet would take for a formula has an apostrophe before it; :func:`bare` takes it away again.

    Raises
    ------
    PlanError
        The file cannot be written.
    """
    return written(path, lambda: csv_text(tidy(plan)))


def write_parquet(plan: BudgetPlan, path: Path) -> Path:
    """Write the tidy frame as Parquet, text as it is.

    Raises
    ------
    PlanError
        The file cannot be written.
    """

    def made() -> bytes:
        into = BytesIO()
        tidy(plan).to_parquet(into, index=False, engine="pyarrow")
        return into.getvalue()

    return written(path, made)


def write_json(plan: BudgetPlan, path: Path) -> Path:
    """Write the tidy frame as one JSON object: what the plan is, ``columns`` and ``rows``; unknown is null.

    Raises
    ------
    PlanError
        The file cannot be written.
    """
    return written(path, lambda: json.dumps(_document(plan), ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def csv_text(frame: pd.DataFrame) -> str:
    """A frame as CSV that no spreadsheet runs: every text is quoted, and guarded where it needs it."""
    safe = frame.rename(columns=guarded)
    for column, kind in safe.dtypes.items():
        if not pd.api.types.is_numeric_dtype(kind):
            safe[column] = safe[column].map(guarded, na_action="ignore")
    return str(safe.to_csv(index=False, lineterminator="\n", quoting=2, escapechar=None))


def guarded(text: Any) -> Any:
    """A text that a spreadsheet keeps a text: an apostrophe before what it would take for a formula."""
    return f"'{text}" if isinstance(text, str) and text.lstrip("'").startswith(SIGNS) else text


def bare(text: Any) -> Any:
    """The text that :func:`guarded` was given."""
    if isinstance(text, str) and text.startswith("'") and text.lstrip("'").startswith(SIGNS):
        return text[1:]
    return text


def written(path: Path, content: Callable[[], str | bytes]) -> Path:
    """Write a file whole or not at all (:func:`scenarios.report.save`), text as UTF-8.

    Raises
    ------
    PlanError
        The folder is missing, read-only or full, ``path`` is a device, or a name holds what is no Unicode.
    """
    path = Path(path)
    if "\0" in str(path):
        raise PlanError(f"{str(path)!r} cannot be written: no file's name holds a zero character")
    with suppress(OSError):  # of which the writing itself tells more
        if path.exists() and not path.is_file() and not path.is_dir():
            raise PlanError(f"{path} cannot be written: it is a device, not a file; name a file")

    def made() -> bytes:
        told = content()
        try:
            return told if isinstance(told, bytes) else told.encode("utf-8")
        except UnicodeEncodeError as cause:
            piece = told[max(0, cause.start - 20) : cause.end + 20] if isinstance(told, str) else ""
            raise PlanError(f"{path} cannot be written: {piece!r} holds what is no Unicode text") from cause

    return save(path, made)


def _document(plan: BudgetPlan) -> dict[str, Any]:
    frame = tidy(plan)
    told = {name: COLUMNS.get(name, "what the plan keeps apart by this column") for name in frame.columns}
    span = plan.projection.span
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    plain = [{k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()} for row in rows]
    return {
        "schema": SCHEMA,
        "plan": plan.name,
        "currency": plan.currency,
        "confidence": plan.confidence,
        "start": f"{span.start:%Y-%m-%d}",
        "end": f"{span.end:%Y-%m-%d}",
        "as_of": f"{plan.projection.as_of:%Y-%m-%d}",
        "base": plan.base,
        "budget": plan.budget,
        "contingency": plan.contingency,
        "columns": told,
        "rows": plain,
    }
