"""Reviews: a plan beside what happened. Comes in: a plan and usage. Goes out: variances, outlooks, who must know."""
