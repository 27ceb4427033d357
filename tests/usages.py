"""Hand-made usage for tests: comes in a few numbers, goes out a Usage whose truth is known."""

import numpy as np
import pandas as pd

from forecast import Usage
from forecast.streams import stream

#: 18 months of days that end on a month's last day but one, so that lag=0 leaves a one-day gap before a quarter.
DAYS = pd.date_range("2025-05-01", "2026-10-31")


def organisation(*, noise: float = 0.25, growth: dict[str, float] | None = None, seed: int = 0) -> Usage:
    """Four environments x two projects x two models: log-normal days, weekends at 40 %, monthly growth by project."""
    rows = []
    rates = growth or {"search": 0.03, "support": 0.01}
    for environment, level in (("development", 3e4), ("test", 9e3), ("staging", 6e3), ("production", 8e4)):
        for project, rate in rates.items():
            rng = stream(seed, environment, project)
            trend = (1 + rate) ** (np.arange(len(DAYS)) / 30.4375)
            week = np.where(DAYS.day_of_week > 4, 0.4, 1.0)
            volume = level * trend * week * np.exp(noise * rng.standard_normal(len(DAYS)))
            for model, share, tokens in (("gpt-5-mini", 0.7, 900.0), ("gpt-5", 0.3, 1400.0)):
                rows.append(
                    pd.DataFrame(
                        {
                            "date": DAYS,
                            "provider": "openai",
                            "model": model,
                            "environment": environment,
                            "project": project,
                            "department": "product" if project == "search" else "service",
                            "requests": volume * share,
                            "input_tokens": volume * share * tokens,
                            "output_tokens": volume * share * 250.0,
                        }
                    )
                )
    return Usage.from_frame(pd.concat(rows))


def plain(values: np.ndarray, start: str = "2025-05-01", **columns: object) -> Usage:
    """One workload of one model with ``values`` requests a day and 1,000 input tokens each."""
    days = pd.date_range(start, periods=len(values))
    frame = pd.DataFrame({"date": days, "provider": "openai", "model": "gpt-5", "environment": "production"})
    frame = frame.assign(project="search", requests=values, input_tokens=values * 1_000.0, **columns)
    return Usage.from_frame(frame)
