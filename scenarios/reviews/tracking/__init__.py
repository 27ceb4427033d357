"""The track record: a method of planning, replayed at past dates with what was known then, beside what came."""
