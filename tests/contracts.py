"""Bills of contracts in tests: usage and rules come in; a bill whose parts are seen to add up goes out."""

import numpy as np

from forecast.prices.billing import Periods, billed

YEAR = Periods.months("2027-01", 12)
QUARTER = Periods.months("2027-01", 3)
JANUARY = Periods.months("2027-01", 1)
#: Sums and differences of a few hundred floats, relative to the largest of them.
CLOSE = 1e-12


def bill(usage, *rules, periods=QUARTER, **quantities):
    made = billed(np.atleast_2d(usage), periods, rules, quantities={k: np.atleast_2d(v) for k, v in quantities.items()})
    np.testing.assert_allclose(made.lines["usage"], np.atleast_2d(usage), rtol=CLOSE)  # nothing is lost in splitting
    size = sum(map(np.abs, made.lines.values())).max() + 1.0
    np.testing.assert_allclose(sum(made.by_kind().values()), made.total, rtol=0, atol=CLOSE * size)
    return made


def total(usage, *rules, **options):
    return bill(usage, *rules, **options).total[0].tolist()
