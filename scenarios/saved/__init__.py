"""A plan kept in one file. Comes in: a BudgetPlan. Goes out: bytes that run nothing, and from them the same plan.

The file is a zip of a manifest, the plan's values as JSON, and its arrays as ``.npy``; the last bytes seal all others.
"""
