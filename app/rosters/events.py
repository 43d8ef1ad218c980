"""Facts that rosters state, and the names of the jobs behind them."""

ROSTER_APPLIED = "roster.applied"

APPLY_ROSTER = "rosters.apply"
# Hears identity.passed.
ROSTER_IDENTITY_PASSED = "rosters.identity_passed"
# Hears policy.activated.
FOLLOW_ACTIVATION = "rosters.policy_activated"
SWEEP_CHUNKS = "rosters.sweep_chunks"
