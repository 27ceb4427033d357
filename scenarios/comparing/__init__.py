"""Comparing scenarios: what each costs, what made the difference, what would reach a limit."""
