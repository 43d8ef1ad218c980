"""A condolence visit and a claim in one act, recorded once however often the tablet sends it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.models import Claim
from app.claims.opening import open_by_staff
from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.members.serving import may_serve
from app.policies.queries import policy_by_id
from app.relief import queries
from app.relief.applying import fund_for_person, open_at_counter
from app.relief.board import grant, record, refuse_interested
from app.relief.bodies import OpenCaseBody, VisitBody, VisitGrantBody, VoteBody
from app.relief.case_models import ReliefCase, ReliefVisit
from app.relief.errors import (
    CaseNotFound,
    CondolenceGiven,
    GroundNotCovered,
    NoCondolence,
    OtherPersonsPolicy,
    VisitDiffers,
)
from app.relief.models import ReliefFund
from app.relief.proposing import open_case
from app.relief.schemas import VisitView
from app.relief.terms import terms_in_force
from app.relief.views import line


async def record_visit(
    session: AsyncSession,
    vault: Vault,
    caseworker: Principal,
    body: VisitBody,
    now: datetime,
    at: datetime,
) -> VisitView:
    """The visit with its grant and its claim, in this transaction; again it changes nothing.

    Raises CaseNotFound (404) for somebody whom the caller neither manages nor serves,
    VisitDiffers, CondolenceGiven, NoCondolence, FundExhausted, FundClosed (409), Interested
    (403), OtherPersonsPolicy, GroundNotCovered (422), and what opening a claim raises.
    """
    digest = vault.mac("relief-visit", body.model_dump_json().encode())
    await queries.lock_person(session, caseworker.id)
    known = await queries.visit_by_reference(session, caseworker.id, body.client_ref)
    if known is not None:
        if known.body_hash != digest:
            raise VisitDiffers
        return await _view(session, known)
    if caseworker.organisation_id is None or not await may_serve(
        session, caseworker, body.person_id, at
    ):
        raise CaseNotFound
    household = await queries.household_of(session, body.person_id)
    household_id = None if household is None else household.id
    case = None
    if body.grant is not None:
        case = await _granted(session, vault, caseworker, body, body.grant, household_id, now, at)
    claim = await _claimed(session, vault, caseworker, body, now)
    visit_id = new_id()
    visit = ReliefVisit(
        id=visit_id,
        client_ref=body.client_ref,
        staff_id=caseworker.id,
        organisation_id=caseworker.organisation_id,
        person_id=body.person_id,
        household_id=household_id,
        case_id=None if case is None else case.id,
        claim_id=None if claim is None else claim.id,
        body_hash=digest,
        sealed=vault.seal("relief_visit", visit_id, {"notes": body.notes}),
        visited_at=body.visited_at,
        recorded_at=now,
    )
    session.add(visit)
    await session.flush()
    visited = Fact("relief_visit", visit.id, "relief_visit.record")
    await state(session, [visited], actor=caseworker, at=now, on_behalf_of=body.person_id)
    return await _view(session, visit)


async def _claimed(
    session: AsyncSession, vault: Vault, caseworker: Principal, body: VisitBody, now: datetime
) -> Claim | None:
    if body.claim is None:
        return None
    policy = await policy_by_id(session, body.claim.policy_id)
    if policy is not None and policy.person_id != body.person_id:
        raise OtherPersonsPolicy
    return await open_by_staff(session, vault, caseworker, body.claim, now)


async def _granted(
    session: AsyncSession,
    vault: Vault,
    caseworker: Principal,
    body: VisitBody,
    wanted: VisitGrantBody,
    household_id: UUID | None,
    now: datetime,
    at: datetime,
) -> ReliefCase:
    """The fund's fixed sum at once, or a case for its board."""
    if wanted.kind == "formula":
        # Its parts were validated with the visit's body.
        asked = OpenCaseBody.model_construct(
            person_id=body.person_id,
            fund_id=wanted.fund_id,
            ground=wanted.ground,
            facts=wanted.facts,
        )
        return await open_at_counter(session, vault, caseworker, asked, now, at, channel="visit")
    return await _condoled(session, vault, caseworker, body.person_id, wanted, household_id, now)


async def _condoled(
    session: AsyncSession,
    vault: Vault,
    caseworker: Principal,
    person_id: UUID,
    wanted: VisitGrantBody,
    household_id: UUID | None,
    now: datetime,
) -> ReliefCase:
    """The fixed sum of the fund's rule, granted at once."""
    fund = await fund_for_person(session, caseworker, wanted.fund_id, person_id)
    fund = await queries.locked_fund(session, fund.id)
    formula, terms = await terms_in_force(session, fund)
    if wanted.ground not in terms.grounds:
        raise GroundNotCovered(terms.grounds)
    if terms.condolence is None:
        raise NoCondolence
    year = business_day(now).year
    await _require_left(session, fund, person_id, household_id, year, terms.condolence.per_year)
    case = await open_case(
        session,
        caseworker,
        fund,
        formula,
        person_id=person_id,
        household_id=household_id,
        ground=wanted.ground,
        year=year,
        channel="visit",
        status="applied",
        now=now,
        kind="condolence",
    )
    await refuse_interested(session, case, [caseworker.id])
    amount = terms.condolence.amount.fen
    content = {
        "note": None,
        "facts": {},
        "explanation": _fixed(amount),
    }
    votes = [VoteBody.model_construct(staff_id=caseworker.id, vote="for")]
    await record(
        session, vault, caseworker, fund, case, "condolence", amount, None, content, votes, now
    )
    await grant(session, caseworker, fund, case, amount, "condolence", now)
    return case


async def _require_left(
    session: AsyncSession,
    fund: ReliefFund,
    person_id: UUID,
    household_id: UUID | None,
    year: int,
    per_year: int,
) -> None:
    """Raise CondolenceGiven (409) where the household has had what a year allows."""
    persons = {person_id}
    if household_id is not None:
        members = await queries.members_of(session, household_id)
        persons |= {each.person_id for each in members if each.person_id is not None}
    given = [
        case
        for case in await queries.granted_to(session, fund.id, list(persons), household_id)
        if case.kind == "condolence" and case.year == year
    ]
    if len(given) >= per_year:
        raise CondolenceGiven


def _fixed(amount_fen: int) -> dict[str, object]:
    """The explanation of a sum that the fund's rule fixes."""
    return {
        "code": "result",
        "zh": "慰问金(按基金规定的固定金额)",
        "en": "Condolence grant, the fixed sum of the fund's rule",
        "value": amount_fen,
        "unit": "fen",
        "source": "plan",
        "steps": [],
    }


async def _view(session: AsyncSession, visit: ReliefVisit) -> VisitView:
    shown = None
    if visit.case_id is not None:
        case = await session.get_one(ReliefCase, visit.case_id)
        shown = line(case, await session.get_one(ReliefFund, case.fund_id))
    claim = None if visit.claim_id is None else await session.get_one(Claim, visit.claim_id)
    return VisitView(
        id=visit.id,
        client_ref=visit.client_ref,
        person_id=visit.person_id,
        household_id=visit.household_id,
        visited_at=visit.visited_at,
        case=shown,
        claim_id=visit.claim_id,
        claim_number=None if claim is None else claim.number,
    )
