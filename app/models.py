"""Every table of every feature, so that metadata and transition tables are complete."""

from app.access import models as access
from app.claims import models as claims
from app.documents import models as documents
from app.enrolment import models as enrolment
from app.kernel import audit, event_log, idempotency, jobs, rate, transitions, vault
from app.kernel.database import Base
from app.members import consent_models as consents
from app.members import models as members
from app.organisations import models as organisations
from app.payouts import models as payouts
from app.rosters import models as rosters

metadata = Base.metadata

__all__ = [
    "access",
    "audit",
    "claims",
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
    "payouts",
    "rosters",
    "transitions",
    "vault",
]
