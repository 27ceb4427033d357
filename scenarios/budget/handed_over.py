"""What a plan hands over: pictures, workbook, page, files, budgets for enforcers. Comes in: a plan. Goes out: those.

Every method is one call upward, into the modules that make what is asked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from scenarios.budget.ledger import columns_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scenarios.bridging.bridge import Bridge
    from scenarios.budget.alternatives import Alternatives
    from scenarios.budget.budget_plan import BudgetPlan
    from scenarios.budget.policies import BudgetPolicy
    from scenarios.report.outgoing.enforcers import Entity


class HandedOver(ABC):
    """The ways out of a :class:`scenarios.BudgetPlan`."""

    __slots__ = ()

    @property
    @abstractmethod
    def _plan(self) -> BudgetPlan:
        """The plan itself."""

    def plot(
        self, kind: str = "fan", *, limit: float | None = None, by: str | None = None, ax: Axes | None = None
    ) -> Axes:
        """Draw the plan.

        ``"fan"`` (months, with history), ``"cumulative"`` (spend by day against the budget's path, and when a ``limit``
        is gone over), ``"s_curve"`` (marking ``limit``), ``"environments"``, ``"stack"`` (environments month by month),
        ``"policy"`` (what each part of the split ``by`` a column, or of the last, wants beside its range),
        ``"funding"`` (the staircase from base to what must be found), ``"tornado"`` (what the budget hangs on:
        :meth:`sensitivity`, ``by`` its rows), or ``"bridge"`` (from the forecast alone to the plan).
        """
        from scenarios.report.charts import drawn

        return drawn(self._plan, kind, limit=limit, by=by, ax=ax)

    def to_picture(
        self, path: str | Path, kind: str = "fan", *, limit: float | None = None, by: str | None = None
    ) -> Path:
        """Write what :meth:`plot` draws as PNG, SVG or PDF, by the name's end; returns its path."""
        from scenarios.report.pictures import write_picture

        return write_picture(self._plan, Path(path), kind, limit=limit, by=by)

    def to_excel(
        self,
        path: str | Path,
        *,
        limit: float | None = None,
        scenarios: Alternatives | None = None,
        bridge: Bridge | None = None,
    ) -> Path:
        """Write the workbook, with other scenarios and a bridge: :func:`scenarios.report.workbook.write_workbook`."""
        from scenarios.report.workbook import write_workbook

        return write_workbook(self._plan, Path(path), limit=limit, scenarios=scenarios, bridge=bridge)

    def to_html(
        self,
        path: str | Path,
        *,
        limit: float | None = None,
        scenarios: Alternatives | None = None,
        bridge: Bridge | None = None,
        title: str | None = None,
    ) -> Path:
        """The plan as one self-contained page at ``path``, its result: :func:`scenarios.report.page.write_page`."""
        from scenarios.report.page import write_page

        return write_page(self._plan, Path(path), limit=limit, scenarios=scenarios, bridge=bridge, title=title)

    def budgets(
        self,
        enforcer: str,
        by: list[str] | tuple[str, ...] | str = "environment",
        *,
        month: str | None = None,
        lines: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
        notify: Sequence[str] = (),
        account: str | None = None,
        entity: Entity = "budget",
    ) -> list[dict[str, Any]]:
        """The budgets as "litellm", "aws", "azure" or "google" takes them: requests of ``outgoing/enforcers.py``."""
        from scenarios.report.outgoing.enforcers import asked_of, budgets_of

        asked = asked_of(columns_of(by), month, lines, tags, notify, account, entity)
        return budgets_of(self._plan, enforcer, asked)

    def to_budgets(
        self, path: str | Path, enforcer: str, by: list[str] | tuple[str, ...] | str = "environment", **asked: Any
    ) -> Path:
        """Write :meth:`budgets`, whose arguments it takes, as a JSON list; returns its path."""
        from scenarios.report.outgoing.enforcers import write_budgets

        return write_budgets(Path(path), lambda: self.budgets(enforcer, by, **asked))

    def to_focus(self) -> pd.DataFrame:
        """The plan as rows of FOCUS's shape: :func:`scenarios.report.outgoing.focus.focus_rows`."""
        from scenarios.report.outgoing.focus import focus_rows

        return focus_rows(self._plan)

    def to_csv(self, path: str | Path) -> Path:
        """Write :meth:`to_frame` as CSV that no spreadsheet runs; returns its path."""
        from scenarios.report.outgoing.files import write_csv

        return write_csv(self._plan, Path(path))

    def to_parquet(self, path: str | Path) -> Path:
        """Write :meth:`to_frame` as Parquet; returns its path."""
        from scenarios.report.outgoing.files import write_parquet

        return write_parquet(self._plan, Path(path))

    def to_json(self, path: str | Path) -> Path:
        """Write :meth:`to_frame` as one JSON document; returns its path."""
        from scenarios.report.outgoing.files import write_json

        return write_json(self._plan, Path(path))

    def to_toml(
        self,
        path: str | Path,
        *,
        usage: Mapping[str, Any] | None = None,
        prices: Mapping[str, Any] | None = None,
        policy: BudgetPolicy | None = None,
    ) -> Path:
        """Write the plan as a plan file, which is read back and compared first; returns its path.

        ``usage`` and ``prices`` are its tables ``[usage]`` and ``[prices]``: the file that the usage was read from, and
        the vendors' lists, unless given. The file is refused where it would not make the same plan.
        """
        from scenarios.budget.planwriting import Beside, plan_text_of
        from scenarios.report import save

        beside = Beside(usage=usage, prices=prices or {}, policy=policy)
        return save(Path(path), lambda: plan_text_of(self._plan, Path(path), beside).encode())

    def save(self, path: str | Path, *, kinds: Sequence[type[Any]] = ()) -> Path:
        """Write it to one file, for :func:`scenarios.load_plan`: :func:`scenarios.saved.saving.save_plan`."""
        from scenarios.saved.saving import save_plan

        return save_plan(self._plan, Path(path), kinds)
