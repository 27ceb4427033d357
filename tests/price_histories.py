"""Made-up price histories, by the process itself: rates, sizes and a seed come in; rows of a history go out."""

import numpy as np
import pandas as pd

from forecast.prices.history.jumps import DAYS_IN_YEAR


def made_up(seed, rates, skus, up=0.4, days=1461):
    """SKUs from day one, Poisson changes, log-normal sizes; a last row says until when they were watched."""
    rng = np.random.default_rng(seed)
    rows = []
    for provider, rate in rates.items():
        for i in range(skus):
            price = 10.0
            rows.append((provider, f"{provider}-{i}", 0, price))
            when = np.sort(rng.uniform(1, days, rng.poisson(rate * days / DAYS_IN_YEAR)))
            for day in when:
                size = np.exp(rng.normal(-0.7, 0.5))
                price *= np.exp(size if rng.uniform() < up else -size)
                rows.append((provider, f"{provider}-{i}", int(day), price))
    table = pd.DataFrame(rows, columns=["provider", "model", "day", "price"])
    table["date"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(table.pop("day"), unit="D")
    table = table.drop_duplicates(["provider", "model", "date"])
    last = pd.DataFrame(
        [("(clock)", "tick", 1.0, pd.Timestamp("2022-01-01") + pd.Timedelta(days=days))], columns=table.columns
    )
    return pd.concat([table, last]).assign(unit="input_tokens", date_kind="effective_from", source="made up", note="")
