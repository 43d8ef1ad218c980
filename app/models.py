"""Every table of every feature, so that metadata and transition tables are complete."""

from app.kernel import audit, event_log, idempotency, jobs, rate, transitions, vault
from app.kernel.database import Base

metadata = Base.metadata

__all__ = ["audit", "event_log", "idempotency", "jobs", "metadata", "rate", "transitions", "vault"]
