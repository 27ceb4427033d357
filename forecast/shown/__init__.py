"""What a notebook and a terminal show. Comes in: tables and sentences of a result. Goes out: one HTML, one text."""

from __future__ import annotations

from forecast.shown.cells import CellKind
from forecast.shown.page import Result, Shown, show
from forecast.shown.shorter import short_repr
from forecast.shown.table import Mark, Table, rows_as, table_of

__all__ = ["CellKind", "Mark", "Result", "Shown", "Table", "rows_as", "short_repr", "show", "table_of"]
