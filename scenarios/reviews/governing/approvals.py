"""Approvals. Comes in: a plan, a model or a review, by a role, on a day. Goes out: a line of a log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from forecast.calendars import date_of
from forecast.errors import PlanError
from forecast.shown import Result, Shown, table_of
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.files import checks
from scenarios.reviews.governing.chain import HASH, NUMBER, Chain, append, check, read_chain

#: What an entry may say.
PLAN, MODEL, REVIEW, WITHDRAWN = "plan", "model", "review", "withdrawn"
#: The longest text that an entry may hold.
LONGEST: Final = 2_000


def hash_of(plan: BudgetPlan) -> str:
    """What a plan is known by in the log: 64 hexadecimal digits that change with any of its numbers."""
    return plan.fingerprint


class ApprovalLog(Result):
    """Who approved what, when: an append-only file of JSON lines, each with the hash of the one before.

    A line that was changed, moved, taken out, cut off or doubled is found, and told with its number. The file and its
    ``.head`` beside it are all there is; two writers wait for each other.

    Parameters
    ----------
    path : str or Path
        Made by the first entry.
    head : str, optional
        The hash of a line that is known from elsewhere (:attr:`head` as it was): the log must hold it.

    Raises
    ------
    PlanError
        The log does not hold; each bad line is named.
    """

    def __init__(self, path: str | Path, *, head: str | None = None) -> None:
        if not isinstance(path, str | Path) or not str(path).strip():
            raise PlanError(f"{path!r}: wanted the path of a log of approvals")
        self.path = Path(path)
        chain = self._chain()
        if head is not None and head not in {entry[HASH] for entry in chain.entries}:
            raise PlanError(f"{self.path}: no line has the hash {head!r}; it is another log, or it was written anew")

    def approve(self, plan: BudgetPlan, *, who: str, on: str | dt.date, note: str = "") -> Mapping[str, Any]:
        """Note that a role approves a plan, as it is: another number is another plan.

        Parameters
        ----------
        plan : BudgetPlan
        who : str
            A role of the policy.
        on : date
        note : str

        Returns
        -------
        mapping
            The line that was written.

        Raises
        ------
        PlanError
            A text or date does not hold, or the log does not or cannot be written.
        """
        if not isinstance(plan, BudgetPlan):
            raise PlanError(f"approve({type(plan).__name__}): wanted a plan, as sc.plan makes it")
        known = {"plan": hash_of(plan), "name": plan.name, "amount": plan.funding, "currency": plan.currency}
        return self._append(PLAN, known, who, on, note)

    def approve_model(
        self, model: str, *, who: str, on: str | dt.date, steps: Iterable[str] = (), note: str = ""
    ) -> Mapping[str, Any]:
        """Note that a role approves a model (a name or a glob) for use, after the steps that were done."""
        done = [_text(step, "steps") for step in ([steps] if isinstance(steps, str) else steps)]
        return self._append(MODEL, {"model": _text(model, "model"), "steps": done}, who, on, note)

    def reviewed(self, name: str, *, who: str, on: str | dt.date, note: str = "") -> Mapping[str, Any]:
        """Note that a review of the policy was held."""
        return self._append(REVIEW, {"review": _text(name, "review")}, who, on, note)

    def withdraw(self, line: int, *, who: str, on: str | dt.date, note: str = "") -> Mapping[str, Any]:
        """Take back an entry by its line's number: the line stays, and no longer counts."""
        entries = self.entries()
        if line not in set(entries.loc[entries["kind"] != WITHDRAWN, NUMBER]):
            raise PlanError(f"withdraw({line!r}): wanted the number of a line to take back; there are {len(entries)}")
        return self._append(WITHDRAWN, {"withdraws": line}, who, on, note)

    def entries(self) -> pd.DataFrame:
        """Every line in order.

        Returns
        -------
        DataFrame
            ``line, kind, plan, model, steps, review, withdraws, who, on, amount, note``; ``recorded``, when the line
            was written (UTC), which tells what was dated back; ``valid``, whether it was not withdrawn.
        """
        lines = self._chain().entries
        back = {entry.get("withdraws") for entry in lines if entry.get("kind") == WITHDRAWN}
        columns = (
            NUMBER,
            "kind",
            "plan",
            "model",
            "steps",
            "review",
            "withdraws",
            "who",
            "on",
            "amount",
            "note",
            "recorded",
        )
        rows = [{c: entry.get(c) for c in columns} | {"valid": entry[NUMBER] not in back} for entry in lines]
        table = pd.DataFrame(rows, columns=[*columns, "valid"], dtype="object")
        kinds = {NUMBER: "int64", "amount": "float64", "valid": "bool"}
        return table.astype(kinds).assign(on=pd.to_datetime(table["on"]))

    @property
    def head(self) -> str:
        """The hash of the last line: kept elsewhere, it proves this log later."""
        return self._chain().head

    def _chain(self) -> Chain:
        chain = read_chain(self.path)
        odd = [f"line {e[NUMBER]}: is no entry of approvals" for e in chain.entries if not _is_entry(e)]
        check(self.path, replace(chain, problems=(*chain.problems, *odd)))
        return chain

    def _append(self, kind: str, what: Mapping[str, Any], who: object, on: object, note: object) -> Mapping[str, Any]:
        day = date_of(on, "on", PlanError)
        told = _text(note, "note") if note else ""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        said = {"who": _text(who, "who"), "on": f"{day:%Y-%m-%d}", "note": told, "recorded": now}
        return append(self.path, {"kind": kind, **what, **said})

    def show(self) -> Shown:
        """Every line in order."""
        entries = self.entries()
        told = entries.assign(plan=entries["plan"].map(lambda v: v[:12] if isinstance(v, str) else v))
        told = told.drop(columns="recorded").dropna(axis="columns", how="all")
        table = table_of(told, kinds={"line": "label", "amount": "money", "note": "words"}, labels=1)
        return Shown("Approvals", str(self.path), (table,))

    def __repr__(self) -> str:
        """One line: where it is and how long."""
        return f"ApprovalLog({str(self.path)!r}, {len(self._chain().entries)} lines)"


def _is_entry(entry: Mapping[str, Any]) -> bool:
    """Whether a line says what one of its kind must."""
    needed = {PLAN: "plan", MODEL: "model", REVIEW: "review"}.get(str(entry.get("kind")), "who")
    known = entry.get("kind") in (PLAN, MODEL, REVIEW, WITHDRAWN) and checks.day(entry.get("on")) is None
    steps, back = entry.get("steps", []), entry.get("withdraws", 0)
    listed = isinstance(steps, list) and all(isinstance(s, str) for s in steps) and isinstance(back, int)
    return known and listed and isinstance(entry.get(needed), str) and isinstance(entry.get("who"), str)


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise PlanError(f"{what}={value!r}: wanted text that is not blank")
    if len(value) > LONGEST:
        raise PlanError(f"{what}: {len(value):,} letters; wanted at most {LONGEST:,}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as cause:
        raise PlanError(f"{what}={value[:20]!r}: holds what is no Unicode text") from cause
    return value
