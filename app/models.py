"""Every table of every feature, so that metadata and transition tables are complete."""

from app.access import models as access
from app.billing import agreement_models as agreements
from app.billing import group_models as groups
from app.billing import models as billing
from app.claims import death_models as deaths
from app.claims import decision_models as decisions
from app.claims import life_models as life_of_claims
from app.claims import models as claims
from app.claims import queue_models as queues_of_claims
from app.claims import simulation_models as simulations
from app.documents import models as documents
from app.enrolment import models as enrolment
from app.kernel import audit, event_log, idempotency, jobs, rate, transitions, vault
from app.kernel.database import Base
from app.ledger import models as ledger
from app.members import consent_models as consents
from app.members import models as members
from app.notifications import models as notifications
from app.organisations import models as organisations
from app.payouts import batch_models as payout_batches
from app.payouts import models as payouts
from app.plans import models as plans
from app.policies import change_models as changes
from app.policies import models as policies
from app.relief import case_models as relief_cases
from app.relief import household_models as households
from app.relief import models as relief
from app.rosters import models as rosters
from app.treasury import models as treasury
from app.treasury import transfer_models as fund_transfers

metadata = Base.metadata

__all__ = [
    "access",
    "agreements",
    "audit",
    "billing",
    "changes",
    "claims",
    "consents",
    "deaths",
    "decisions",
    "documents",
    "enrolment",
    "event_log",
    "fund_transfers",
    "groups",
    "households",
    "idempotency",
    "jobs",
    "ledger",
    "life_of_claims",
    "members",
    "metadata",
    "notifications",
    "organisations",
    "payout_batches",
    "payouts",
    "plans",
    "policies",
    "queues_of_claims",
    "rate",
    "relief",
    "relief_cases",
    "rosters",
    "simulations",
    "transitions",
    "treasury",
    "vault",
]
