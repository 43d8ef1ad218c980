"""Facts that rosters state, and the names of the jobs behind them."""

ROSTER_APPLIED = "roster.applied"

APPLY_ROSTER = "rosters.apply"
ROSTER_IDENTITY_PASSED = "rosters.identity_passed"
SWEEP_CHUNKS = "rosters.sweep_chunks"
