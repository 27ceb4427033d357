"""The quarterly deep dive. Comes in: plans that are over, and usage. Goes out: what held, and what to change."""
