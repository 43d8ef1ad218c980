"""The papers of one claim: which kinds it needs, and where each stands."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries
from app.claims.death_queries import claimants_of
from app.claims.models import Claim
from app.claims.terms import KindState, state_of_kind
from app.members.models import Person
from app.plans.benefits import DocumentKind
from app.plans.terms import PlanTerms


def kinds_of(claim: Claim, terms: PlanTerms) -> tuple[DocumentKind, ...]:
    """What the plan asks for; where survivors are paid, kinship has to be shown as well."""
    kinds = terms.documents(claim.benefit_code)
    if claim.for_survivors and "kinship_proof" not in kinds:
        return (*kinds, "kinship_proof")
    return kinds


async def states_of(
    session: AsyncSession, claim: Claim, terms: PlanTerms
) -> dict[DocumentKind, KindState]:
    """Each kind that the claim needs and where it stands.

    Claimants are entered by the proof of their identity, which fulfils theirs.
    """
    person = await session.get_one(Person, claim.person_id)
    files = [file for file, _ in await queries.documents_of(session, claim.id)]
    proven = set()
    if person.verified_at is not None:
        proven.add("identity")
    if claim.for_survivors and await claimants_of(session, claim.id):
        proven.add("claimant_identity")
    return {
        kind: state_of_kind(kind, files, identity_verified=kind in proven)
        for kind in kinds_of(claim, terms)
    }
