"""Alerts on actual usage. Comes in: usage, and a plan where there is one. Goes out: what is out of the ordinary."""
