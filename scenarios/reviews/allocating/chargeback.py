"""Chargeback and showback. Comes in: usage, prices, keys. Goes out: who pays what of the bill, to the cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from forecast import schema
from forecast.costs import Money
from forecast.errors import PlanError, UsageError, nearest
from forecast.lanes import Unpriced
from forecast.prices import PriceBook
from forecast.usage import Usage
from scenarios.reviews.allocating.allocation import Allocation, labels_of
from scenarios.reviews.allocating.bill import Bill, Day, bill_of
from scenarios.reviews.allocating.dealing import dealt, pools_of
from scenarios.reviews.allocating.keys import Told, keys_of


def allocate(
    usage: Usage,
    by: str | Sequence[str] = "department",
    *,
    prices: PriceBook | None = None,
    money: Money = "billed_cost",
    shared: Told | Mapping[str, Told] = "cost",
    platform: Mapping[str, str | Sequence[str]] | None = None,
    lines: Mapping[str, float | Mapping[str, float]] | None = None,
    unpriced: Unpriced = "refuse",
    start: Day | None = None,
    end: Day | None = None,
) -> Allocation:
    """Allocate a bill: who pays what, by department, project, application or user (chargeback, or showback).

    What bears every label of ``by`` is its payer's own (direct). The rest is shared: rows of usage without the label
    (pool ``unassigned``), taxes, credits, refunds, adjustments and purchases without it (pools of these names),
    ``platform`` and ``lines``. A pool is dealt month by month: payer p pays its amount times w(p) / Σ w, by the pool's
    key. A row with some labels of ``by`` is dealt among the payers that bear these. Cents are rounded once (largest
    remainder), so that every table sums to the bill.

    Parameters
    ----------
    usage : Usage
    by : str or several
        Columns of the usage. ``user`` needs usage that was read with ``personal=True``.
    prices : PriceBook, optional
        Price all quantities at this book; rows without a quantity keep their money. Without it the bill is ``money``.
    money : {"billed_cost", "effective_cost", "list_cost"}
    shared : key, or mapping of pool to key
        ``"cost"``, ``"requests"``, ``"tokens"``: by the payer's own in that month (where nobody has any in a month, by
        that of the span, which is noted); ``"even"``; ``"keep"``: not dealt, and shown as ``unassigned``; weights by
        payer (numbers such as heads, or percents ``"60%"`` that sum to 100 %); or a table with the ``by`` columns,
        perhaps ``month``, and one of weights. ``"*"`` stands for every pool that is not named; those of no key are
        dealt by cost.
    platform : mapping of column to labels, optional
        Rows that serve everybody, such as ``{"project": "gateway"}``; each label is a pool.
    lines : mapping of name to amount, optional
        Money that the export lacks, such as support: for the whole span in equal parts a month, or by month. Each is a
        pool.
    unpriced : {"refuse", "exclude"}
        What to do about usage whose cost is unknown; what is excluded is listed in ``excluded``, never counted as 0.
    start, end : date, optional
        The first and last day of the bill.

    Raises
    ------
    UsageError
        A column is not there, there is no money, or it is in several currencies.
    PriceError
        The cost of some usage is unknown, and ``unpriced`` does not exclude it.
    PlanError
        A key, weight, line or platform does not hold, or nobody can pay a pool.
    """
    columns = _columns(usage, by)
    bill = bill_of(usage, prices=prices, money=money, unpriced=unpriced, start=start, end=end, lines=lines or {})
    pools = pools_of(bill, columns, _platform(bill, platform))
    keys = keys_of(shared, columns, (p for p in pools.unique() if p))
    made = dealt(bill, columns, pools, keys)
    return Allocation(
        columns,
        made.lines,
        made.counts,
        keys,
        bill.currency,
        bill.start,
        bill.end,
        bill.source,
        made.gross,
        made.allocated,
        bill.excluded,
        (*bill.notes, *made.notes),
    )


def _columns(usage: Usage, by: object) -> tuple[str, ...]:
    """What tells payers apart."""
    asked = (by,) if isinstance(by, str) else tuple(by) if isinstance(by, list | tuple) else ()
    if not asked or len(set(asked)) < len(asked):
        raise UsageError(f"by={by!r}: wanted a column or several, each once, such as by='department'")
    if not isinstance(usage, Usage):
        raise UsageError(f"usage={type(usage).__name__}: wanted a Usage, such as fc.read_usage('usage.csv')")
    there = labels_of(usage.frame.columns)
    for column in asked:
        if column not in there:
            known = "; read it with personal=True" if column == "user" else ""
            hint = known if column in schema.DIMENSIONS else nearest(column, there)
            raise UsageError(f"by={column!r}: {usage.source} has no such column; it has {', '.join(there)}{hint}")
    return asked


def _platform(bill: Bill, platform: object) -> tuple[tuple[str, str], ...]:
    """What serves everybody: pairs of column and label, each of which the bill has."""
    if platform is None:
        return ()
    if not isinstance(platform, Mapping):
        raise PlanError(f"platform={platform!r}: wanted labels by column, such as {{'project': 'gateway'}}")
    found = []
    for column, labels in platform.items():
        if column not in schema.DIMENSIONS or column not in bill.frame:
            there = labels_of(bill.frame.columns)
            raise PlanError(f"platform: there is no column {column!r}; there are {', '.join(there)}")
        for label in [labels] if isinstance(labels, str) else list(labels):
            known = sorted({str(name) for name in bill.frame[column].dropna()})
            if label not in known:
                listed = ", ".join(known[:20]) or "none"
                raise PlanError(
                    f"platform: no row of the bill has {column} {label!r}; there are {listed}{nearest(label, known)}"
                )
            found.append((str(column), str(label)))
    return tuple(found)
