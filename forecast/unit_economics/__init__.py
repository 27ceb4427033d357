"""Unit economics: usage, prices and quality come in; cost a token, a request and a task, and capacity, go out."""

from __future__ import annotations
