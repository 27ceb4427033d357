"""Governance of spend. Comes in: a policy, approvals, plans, usage. Goes out: what breaks the policy, what is due."""
