"""Reconciliation: priced usage and the bill come in; what agrees, what differs, and why, go out."""

from __future__ import annotations
