"""Dask: a frame of partitions comes in; each is grouped by DuckDB where it lies, and the sums of all go out."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pandas as pd

from forecast.errors import UsageError
from forecast.readers import grouping as g
from forecast.readers.logs import Log
from forecast.schema import Grain


def groups_of(frame: Any, log: Log, *, timezone: str, grain: Grain, dedupe: bool, source: str) -> g.Groups:
    """The sums of all partitions; a key that is in several has a row of each.

    Raises
    ------
    UsageError
        Ids are to be compared, which no partition can do alone.
    """
    if dedupe:
        raise UsageError(
            f"{source}: dedupe='request_id' compares all rows, and a partition of Dask's sees its own: write them as "
            "Parquet and read the folder, or drop the duplicates in Dask first"
        )
    from dask.base import compute
    from dask.delayed import delayed

    parts = [delayed(_of_partition)(part, log, timezone, grain) for part in frame.to_delayed()]
    made: tuple[g.Groups, ...] = compute(*parts)  # type: ignore[no-untyped-call]
    filled = [one.frame for one in made if len(one.frame)] or [made[0].frame]
    return g.Groups(pd.concat(filled, ignore_index=True), made[0].reasons)


def _of_partition(part: pd.DataFrame, log: Log, timezone: str, grain: Grain) -> g.Groups:
    from forecast.readers.duck import connection, typed

    with closing(connection()) as con:
        con.execute("SET threads = 1")
        return g.grouped(typed(con.from_df(part), log, timezone=timezone, grain=grain), log, dedupe=False)
