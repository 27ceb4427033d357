"""What a plan hands to other programs. Comes in: a BudgetPlan. Goes out: enforcers' budgets, FOCUS rows, tables."""
