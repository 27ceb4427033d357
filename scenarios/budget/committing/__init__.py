"""Commitments against paying on demand. Comes in: a plan and an offer. Goes out: what each size costs on every path."""
