"""A hunt for plans that a split breaks: any rows, lines, ranges, bases and nesting, held to the identities of money."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
from hypothesis import assume, given

import scenarios as sc
from forecast.calendars import CALENDAR_YEAR
from forecast.errors import PlanError
from scenarios.budget.contingency import euler_shares, to_cents
from scenarios.budget.dealing import ledger_of
from scenarios.budget.ledger import TRANSFER
from scenarios.components import Row

DRAWS, MONTHS = 40, 3
DAYS = pd.date_range("2027-01-01", periods=MONTHS, freq="MS")
COLUMNS = ("environment", "department", "project")
NAMES = ("a", "b", "c")
#: Rounding of a few hundred additions and products of doubles, relative to the largest total.
ROUNDING = 1e-11

labels = st.fixed_dictionaries({c: st.sampled_from([*NAMES, None]) for c in COLUMNS})
#: Scale, spread, and whether it is money back.
sizes = st.tuples(st.sampled_from([0.0, 1e-3, 1.0, 1e6]), st.floats(0, 2), st.integers(0, 2**32 - 1))
owners = st.dictionaries(st.sampled_from(COLUMNS), st.sampled_from(NAMES), max_size=2)


def money(size, rows=None):
    scale, spread, seed = size
    shape = (DRAWS, MONTHS) if rows is None else (DRAWS, MONTHS, rows)
    return scale * np.exp(spread * np.random.default_rng(seed).standard_normal(shape))


@st.composite
def ranges(draw, names):
    """Ranges around shares that sum to 1, so that most can be met."""
    picked = draw(st.lists(st.sampled_from(names), unique=True, max_size=len(names)))
    weights = [draw(st.floats(0.01, 1)) for _ in names]
    middle = dict(zip(names, np.array(weights) / sum(weights), strict=True))
    wide = st.sampled_from([0.0, 1e-9, 0.05, 0.3, 1.0])
    return {n: (max(0.0, middle[n] - draw(wide)), min(1.0, middle[n] + draw(wide))) for n in picked}


@st.composite
def splits(draw):
    out = []
    for by in draw(st.permutations(COLUMNS))[: draw(st.integers(1, 3))]:
        how = draw(st.sampled_from([None, "equally", {"a": 2.0, "b": 1.0}]))
        basis = draw(st.sampled_from(["demand", "midpoint", "stochastic", "equal risk"]))
        told = draw(ranges(NAMES))
        if not told and basis in ("midpoint", "stochastic"):
            basis = "demand"
        rest = "by demand" if basis == "equal risk" else draw(st.sampled_from(["by demand", "equally"]))
        out.append(sc.Split(by, told, basis=basis, rest=rest, shared=None if how is None else {"*": how}))
    return out


@given(st.lists(st.tuples(labels, sizes), max_size=5), st.lists(st.tuples(owners, sizes), max_size=3), splits())
def test_whatever_is_split_money_is_conserved_and_shares_lie_inside_their_ranges(rows, lines, asked):
    # Every name is there, so that ranges may name it.
    every = [*rows, *((dict.fromkeys(COLUMNS, name), (1.0, 1.0, i)) for i, name in enumerate(NAMES))]
    cells = pd.DataFrame([label for label, _ in every], columns=list(COLUMNS))
    cost = np.stack([money(size) for _, size in every], axis=2)
    beside = [Row(f"line {i}", owner, money(size)) for i, (owner, size) in enumerate(lines)]
    before = cost.sum(axis=2) + sum((line.money for line in beside), start=np.zeros((DRAWS, MONTHS)))
    try:
        ledger = ledger_of(cells, cost, beside, DAYS, asked, calendar=CALENDAR_YEAR)
    except PlanError as error:
        assume("reach at most" not in str(error))  # ranges that these parts cannot meet
        raise
    most = before.max() or 1.0
    assert np.isfinite(ledger.money).all()
    assert np.abs(ledger.money.sum(axis=2) - before).max() <= ROUNDING * most
    transfers = (ledger.labels["line"] == TRANSFER).to_numpy()
    assert np.abs(ledger.money[:, :, transfers].sum(axis=2)).max() <= ROUNDING * most
    columns = [split.by for split in asked]
    assert ledger.labels[columns].notna().all().all()
    for depth, level in enumerate(ledger.levels):
        covered = np.zeros(len(ledger.labels), dtype=bool)
        for parted in level.parted:
            assert np.abs(parted.shares.sum(axis=1) - 1).max() <= 1e-12
            assert parted.shares.min() >= 0
            inside = np.ones(len(ledger.labels), dtype=bool)
            for column, label in parted.where:
                inside &= (ledger.labels[column] == label).to_numpy()
            whole = ledger.money[:, :, inside].sum(axis=2)
            for i, part in enumerate(parted.parts):
                mine = inside & (ledger.labels[columns[depth]] == part).to_numpy()
                covered |= mine
                if level.split.ranges or level.split.basis != "demand":
                    given_to = ledger.money[:, :, mine].sum(axis=2)
                    assert np.abs(given_to - parted.shares[:, [i]] * whole).max() <= ROUNDING * most
            for part, low, high in level.split.ranges:
                share = parted.shares[:, parted.parts.index(part)]
                assert low <= share.min()
                assert share.max() <= high
        assert covered.all()
    total = ledger.totals
    cents = to_cents(euler_shares(total, ledger.money.reshape(DRAWS, -1), 0.8), float(np.quantile(total, 0.8)))
    assert cents.sum() == round(float(np.quantile(total, 0.8)) * 100)
