"""What an application needs before a board can look at it: consent, statements, papers."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.queries import account_of_person
from app.claims.year import accepted_kinds
from app.members.consent_models import Consent
from app.members.models import Person
from app.relief import queries
from app.relief.case_models import ReliefCase
from app.relief.errors import ConsentNeeded, PapersMissing, StatementsNeeded
from app.relief.formulas import FormulaTerms

CONSENT = "health"


async def require_consent(session: AsyncSession, person_id: UUID) -> None:
    """Raise ConsentNeeded (409) where nobody agreed to the use of health papers."""
    account_id = await account_of_person(session, person_id)
    found = await session.scalar(
        select(Consent.id)
        .where(
            Consent.purpose == CONSENT,
            Consent.withdrawn_at.is_(None),
            (Consent.person_id == person_id)
            | ((Consent.account_id == account_id) & Consent.account_id.is_not(None)),
        )
        .limit(1)
    )
    if found is None:
        raise ConsentNeeded


def require_statements(terms: FormulaTerms, given: Sequence[str]) -> None:
    missing = [each.code for each in terms.statements if each.code not in given]
    if missing:
        raise StatementsNeeded(missing)


async def missing_papers(session: AsyncSession, case: ReliefCase, terms: FormulaTerms) -> list[str]:
    """Kinds that neither the case nor an accepted paper of the year's claims has.

    An identity that the service has verified needs no paper.
    """
    person = await session.get_one(Person, case.person_id)
    there = {paper.kind for paper in await queries.papers_of(session, case.id)}
    there |= await accepted_kinds(session, case.claim_ids)
    if person.verified_at is not None:
        there.add("identity")
    return [kind for kind in terms.papers(case.ground) if kind not in there]


async def require_papers(session: AsyncSession, case: ReliefCase, terms: FormulaTerms) -> None:
    """Raise PapersMissing (409) naming each kind."""
    missing = await missing_papers(session, case, terms)
    if missing:
        raise PapersMissing(missing)
