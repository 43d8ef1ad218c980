"""Every table of every feature, so that metadata and transition tables are complete."""

from app.access import models as access
from app.documents import models as documents
from app.enrolment import models as enrolment
from app.kernel import audit, event_log, idempotency, jobs, rate, transitions, vault
from app.kernel.database import Base
from app.members import consent_models as consents
from app.members import models as members
from app.organisations import models as organisations
from app.rosters import models as rosters

metadata = Base.metadata

__all__ = [
    "access",
    "audit",
    "consents",
    "documents",
    "enrolment",
    "event_log",
    "idempotency",
    "jobs",
    "members",
    "metadata",
    "organisations",
    "rate",
    "rosters",
    "transitions",
    "vault",
]
