"""Every table of every feature, so that metadata and transition tables are complete."""

from app.access import models as access
from app.kernel import audit, event_log, idempotency, jobs, rate, transitions, vault
from app.kernel.database import Base
from app.organisations import models as organisations

metadata = Base.metadata

__all__ = [
    "access",
    "audit",
    "event_log",
    "idempotency",
    "jobs",
    "metadata",
    "organisations",
    "rate",
    "transitions",
    "vault",
]
