"""Names of access's jobs."""

FORGET_EXPIRED = "access.forget_expired"
