"""Scenarios as files: what their keys may hold, which kinds of change there are, and how they are read."""
