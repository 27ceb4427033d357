"""Hand-made worlds for levers: a model with every price, one without cache prices, machines of one's own."""

import numpy as np
import pandas as pd

import forecast as fc
import scenarios as sc
from scenarios.changes import World
from scenarios.costing import Course, enact
from scenarios.outcome import outcomes
from scenarios.simulation import Sum, simulate

#: Money a million tokens, a GPU hour: "big" has every price, "small" none of a cache or of batches.
PRICES = {
    ("acme", "big", "standard"): {
        "input_tokens": 2.0,
        "cache_read_tokens": 0.2,
        "cache_write_tokens": 2.5,
        "cache_write_1h_tokens": 4.0,
        "output_tokens": 8.0,
    },
    ("acme", "big", "batch"): {
        "input_tokens": 1.0,
        "cache_read_tokens": 0.1,
        "cache_write_tokens": 1.25,
        "output_tokens": 4.0,
    },
    ("acme", "small", "standard"): {"input_tokens": 0.5, "output_tokens": 2.0},
    ("acme", "level", "standard"): {"input_tokens": 0.5, "cache_read_tokens": 0.5, "output_tokens": 2.0},
    ("rival", "other", "standard"): {"input_tokens": 3.0, "output_tokens": 5.0},
    ("own", "llama", "standard"): {"gpu_hours": 4.0},
}
BOOK = fc.PriceBook.from_frame(
    pd.DataFrame(
        [
            {"provider": provider, "model": model, "service_tier": tier, "unit": unit, "price": price}
            for (provider, model, tier), units in PRICES.items()
            for unit, price in units.items()
        ]
    )
)
#: Days of the two months that are planned.
MAY, JUNE = 31, 30


def world(model="big", provider="acme", **a_day):
    """A projection of May and June 2026 by 120 equal days of one model."""
    days = pd.date_range("2026-01-01", periods=120)
    frame = pd.DataFrame({"date": days, "provider": provider, "model": model, "environment": "production"})
    frame = frame.assign(project="search", requests=1_000.0, **a_day)
    usage = fc.Usage.from_frame(frame)
    return fc.project(usage, start="2026-05-01", end="2026-06-30", lag=0, seed=0, trajectories=10)


def months(projection, *changes, draws=20):
    """Money of May and June: (draw, month)."""
    (made,) = outcomes(projection, [sc.Scenario("x", changes)], prices=BOOK, draws=draws, seed=1)
    return made.monthly


def totals(projection, *changes, draws=20):
    return months(projection, *changes, draws=draws).sum(axis=1)


def served(projection, *changes, by=("model",), draws=20):
    """Requests by where they are answered, and the mean quality of all."""
    drawn = World(draws, 1)
    enacted = enact(projection, BOOK, Course.of(sc.Scenario("x", changes), drawn), drawn)
    rows = np.nonzero(enacted.flows.volume)[0]
    labels = enacted.flows.labels.iloc[rows][list(by)].fillna("-").astype("str").agg("/".join, axis=1)
    names = sorted(set(labels))
    cell = np.array([names.index(n) for n in labels], dtype=np.intp)
    counted, judged = (Sum(enacted, what, rows, cell, len(names)) for what in ("quantity", "quality"))
    made = simulate(projection, [counted, judged], draws=draws, seed=1)
    requests, good = (s.sum(axis=1).mean(axis=0) for s in made.sums)
    return dict(zip(names, requests, strict=True)), good.sum() / requests.sum()
