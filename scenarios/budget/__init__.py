"""The budget: splits, contingency, the plan."""
