"""Calibration of plans that are over. Comes in: reviews. Goes out: where actuals stood among the futures, by part.

A forecast is calibrated where its probability integral transforms are uniform: a tenth of actuals below the P10, half
below the P50 (Dawid 1984, doi:10.2307/2981683).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from scenarios.reviews.reviewing import Review

#: Ends of the central 80 %.
LOW, HIGH = 0.1, 0.9
#: Of what was spent, a part within this much of all is all: sums of doubles in another order.
SAME: Final = 1e-9


def pits(reviews: Sequence[Review], by: str) -> pd.DataFrame:
    """Where the actual of each part and month that is over stood among the plan's futures.

    Returns
    -------
    DataFrame
        ``plan``, ``month``, ``by``, ``p50``, ``actual``, ``pit`` (share of futures at or below the actual), ``within``
        (inside P10 to P90). Parts that every future tells alike have no spread, and are left out; so are parts that
        count as planned because nothing tells them.
    """
    rows = []
    for one in reviews:
        out = one.outlook
        table = one.table(["month", by]).reset_index()
        p50, over = _medians(one, by), set(out.months.index[out.months])
        assumed = _assumed(one, by).reindex(pd.MultiIndex.from_frame(table[["month", by]])).to_numpy("float64")
        told = np.abs(assumed) < np.abs(table["actual"]) * (1.0 - SAME)
        known = (
            told
            & table["month"].isin(over)
            & table["percentile"].notna()
            & ~table[by].astype("str").str.startswith("(")
        )
        for row in table[known].to_dict("records"):
            pit = float(row["percentile"])
            expected = float(p50.loc[(row["month"], row[by])])
            rows.append((one.plan.name, row["month"], row[by], expected, row["actual"], pit, LOW <= pit <= HIGH))
    return pd.DataFrame(rows, columns=["plan", "month", by, "p50", "actual", "pit", "within"])


def calibration_of(found: pd.DataFrame, by: str) -> pd.DataFrame:
    """How forecasts of each part held: bias, absolute error and coverage.

    Returns
    -------
    DataFrame
        Index ``by``, last ``all``; ``months``; ``bias``, the P50 less the actual over the actual (above 0: forecast too
        high); ``error``, the mean absolute error over the actual; ``pit`` its mean (0.5 where honest); ``within`` the
        share inside the 80 % band, ``within_se`` its binomial standard error if months were independent.
    """
    rows = {}
    for name, part in [*found.groupby(by, sort=True), ("all", found)]:
        whole = float(part["actual"].sum())
        gap = part["p50"] - part["actual"]
        count, share = len(part), float(part["within"].mean())
        rows[str(name)] = {
            "months": count,
            "bias": float(gap.sum()) / whole if whole else np.nan,
            "error": float(gap.abs().sum()) / whole if whole else np.nan,
            "pit": float(part["pit"].mean()),
            "within": share,
            "within_se": float(np.sqrt(share * (1.0 - share) / count)) if count else np.nan,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(by)


def _assumed(one: Review, by: str) -> pd.Series:
    """What of each month and part counts as planned: Series (part,)."""
    out = one.outlook
    labels, group = out.ledger.groups(["month", by])
    sums = np.bincount(group.ravel(), weights=out.assumed.ravel(), minlength=len(labels))
    return pd.Series(sums, index=pd.MultiIndex.from_frame(labels))


def _medians(one: Review, by: str) -> pd.Series:
    """The P50 of what each month and part was to demand, whatever a policy moves: Series (part,)."""
    ledger = one.plan.ledger
    labels, group = ledger.groups(["month", by])
    money = ledger.summed(group, len(labels), ledger.demand)
    return pd.Series(np.median(money, axis=0), index=pd.MultiIndex.from_frame(labels))
