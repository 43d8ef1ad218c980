"""What the plan asks of a claim: its documents and facts, and where they stand."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.errors import UnknownFact
from app.claims.models import Claim, ClaimDocument
from app.plans.benefits import Benefit, DocumentKind
from app.plans.facts import facts_of, read_facts
from app.plans.inputs import Item, Value
from app.plans.service import version_of
from app.plans.terms import PlanTerms

# A proven identity fulfils these without a file.
PROVEN_WITHOUT_FILE = frozenset({"identity", "claimant_identity"})
KindState = Literal["missing", "verified", "waiting", "accepted", "returned"]


async def terms_of(session: AsyncSession, claim: Claim) -> PlanTerms:
    """The terms that the policy was sold under."""
    return (await version_of(session, claim.plan_version_id)).terms


def check_known(terms: PlanTerms, benefit: Benefit, facts: Mapping[str, Any]) -> None:
    """Raise UnknownFact (422) naming each fact that this benefit does not use, or misread."""
    _, faults = read_facts(facts_of(terms, benefit), facts)
    if faults:
        raise UnknownFact(errors=faults)


def known_facts(
    terms: PlanTerms, benefit: Benefit, facts: Mapping[str, Any]
) -> dict[str, Value | tuple[Item, ...]]:
    """Stored facts as exact values."""
    values, _ = read_facts(facts_of(terms, benefit), facts)
    return values


def state_of_kind(
    kind: DocumentKind, files: Sequence[ClaimDocument], *, identity_verified: bool
) -> KindState:
    """Where one kind stands: a returned file outweighs, then a waiting one."""
    statuses = {file.status for file in files if file.kind == kind}
    if kind in PROVEN_WITHOUT_FILE and identity_verified and not statuses:
        return "verified"
    for state in ("returned", "waiting", "accepted"):
        if state in statuses:
            return state
    return "missing"
