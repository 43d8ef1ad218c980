"""Facts about policies, and the jobs that hear others' facts."""

POLICY_ISSUED = "policy.issued"
POLICY_ACTIVATED = "policy.activated"
POLICY_CANCELLED = "policy.cancelled"
POLICY_VOIDED = "policy.voided"

ACTIVATE_PENDING = "policies.activate_pending"
