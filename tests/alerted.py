"""Made-up usage for tests of alerts: comes in a few numbers, goes out a Usage with a bill whose noise is known."""

import numpy as np
import pandas as pd

from forecast import Usage
from forecast.streams import stream

#: 120 days of no year's end and no public holiday that matters: weekends at 40 %.
DAYS = pd.date_range("2026-03-02", periods=120)
#: Weekends' part of a working day.
WEEKEND = 0.4
#: Money a request, and a million tokens: 1,000 input tokens a request at 2 a million.
PRICE = 0.002


def volumes(count: int = 6, noise: float = 0.08, seed: int = 0) -> pd.DataFrame:
    """Requests by day and project: about 10,000 on a working day, log-normal."""
    week = np.where(DAYS.day_of_week > 4, WEEKEND, 1.0)
    rows = {
        f"project-{i}": 10_000.0 * week * np.exp(noise * stream(seed, "alerts", i).standard_normal(len(DAYS)))
        for i in range(count)
    }
    return pd.DataFrame(rows, index=DAYS).round()


def usage_of(requests: pd.DataFrame, **columns: object) -> Usage:
    """Usage of one model: a row a day and project, NaN for no row."""
    long = requests.rename_axis("date").reset_index().melt("date", var_name="project", value_name="requests").dropna()
    frame = long.assign(provider="openai", model="gpt-5", environment="production", currency="USD")
    frame = frame.assign(
        input_tokens=frame["requests"] * 1_000.0, billed_cost=(frame["requests"] * PRICE).round(2), **columns
    )
    return Usage.from_frame(frame, sort=True)
