"""Short names of objects. Comes in: a frozen dataclass. Goes out: its call, without what stands at its default."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import numpy as np
import pandas as pd

#: Letters of one value, and of all.
_MOST, _ALL = 60, 160


def short_repr(thing: Any) -> str:
    """``Growth(monthly=0.05)``: only what is not at its default; arrays and tables by their shape."""
    told = []
    for field in fields(thing):
        if not field.repr or not field.init or field.name.startswith("_"):
            continue
        value = getattr(thing, field.name)
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if _same(value, default):
            continue
        told.append(f"{field.name}={_short(value)}")
        if sum(len(part) + 2 for part in told) > _ALL:
            told[-1] = "\u2026"
            break
    return f"{type(thing).__name__}({', '.join(told)})"


def _same(value: object, default: object) -> bool:
    if isinstance(value, np.ndarray | pd.DataFrame | pd.Series | pd.Index):
        return False
    return value is default or (type(value) is type(default) and bool(value == default))


def _short(value: object) -> str:
    if isinstance(value, np.ndarray | pd.DataFrame):
        return f"<{' x '.join(f'{n:,}' for n in value.shape)}>"
    if isinstance(value, pd.Series | pd.Index):
        return f"<{len(value):,}>"
    if isinstance(value, pd.Timestamp):
        return repr(f"{value:%Y-%m-%d}" if value == value.normalize() else str(value))
    text = repr(value)
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}\u2026"
