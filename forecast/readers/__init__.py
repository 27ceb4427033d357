"""Readers: an export in, the canonical usage table out. One file a format; ``read_usage`` finds the right one."""

from __future__ import annotations

from forecast.readers.door import read_usage
from forecast.readers.registry import Reader, formats

__all__ = ["Reader", "formats", "read_usage"]
