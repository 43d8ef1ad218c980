"""From a proposal, or from nothing, to an application that a board can look at."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.year import costs_of_year
from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.principal import Principal
from app.kernel.problems import InvalidTransition
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.members.consents import give as give_consents
from app.members.serving import may_serve
from app.payouts.errors import AccountNotFound
from app.payouts.queries import account_of
from app.plans.errors import FactsMissing
from app.plans.facts import missing_faults
from app.relief import queries
from app.relief.assessing import standing_of_case
from app.relief.bodies import ApplicationBody, CounterApplicationBody, OpenCaseBody
from app.relief.case_facts import facts_known, give_facts, require_stated
from app.relief.case_models import RELIEF_CASE, ReliefCase
from app.relief.errors import (
    CaseNotFound,
    FactsClosed,
    FundClosed,
    FundNotFound,
    GroundNotCovered,
    NothingByFormula,
)
from app.relief.events import CASE_APPLIED, CASE_WITHDRAWN
from app.relief.formulas import FormulaTerms
from app.relief.models import ReliefFund
from app.relief.needs import require_consent, require_papers, require_statements
from app.relief.proposing import Residue, facts_of_household, open_case
from app.relief.terms import terms_in_force, terms_of_case


async def find(
    session: AsyncSession, principal: Principal, case_id: UUID, *, lock: bool = False
) -> ReliefCase:
    """A case that the caller may see; raises CaseNotFound (404)."""
    case = await queries.case_of(session, principal, case_id, lock=lock)
    if case is None:
        raise CaseNotFound
    return case


async def apply_by_member(
    session: AsyncSession,
    vault: Vault,
    member: Principal,
    case_id: UUID,
    body: ApplicationBody,
    now: datetime,
) -> ReliefCase:
    """The member takes a proposal up: consent, statements, what only they know, documents.

    Raises CaseNotFound (404), InvalidTransition, ConsentNeeded, PapersMissing (409),
    StatementsNeeded (422).
    """
    case = await find(session, member, case_id, lock=True)
    if body.consent is not None:
        await give_consents(session, member, [body.consent], now)
    return await _apply(session, vault, member, case, body, now)


async def apply_at_counter(
    session: AsyncSession,
    vault: Vault,
    caseworker: Principal,
    case_id: UUID,
    body: CounterApplicationBody,
    now: datetime,
) -> ReliefCase:
    """The same for a member who stands at the counter; the consent is theirs all the same."""
    case = await find(session, caseworker, case_id, lock=True)
    return await _apply(session, vault, caseworker, case, body, now)


async def _apply(
    session: AsyncSession,
    vault: Vault,
    actor: Principal,
    case: ReliefCase,
    body: ApplicationBody | CounterApplicationBody,
    now: datetime,
) -> ReliefCase:
    # What the board has comes back to the applicant by the board's word alone.
    if case.status != "proposed":
        raise InvalidTransition(current=case.status, target="applied")
    terms = await terms_of_case(session, case)
    await require_consent(session, case.person_id)
    require_statements(terms, body.statements)
    require_stated(terms, body.facts, by_member=actor.kind == "member")
    chosen = body.payout_account_id
    if chosen is not None and await account_of(session, case.person_id, chosen) is None:
        raise AccountNotFound
    facts = await give_facts(session, vault, actor, case, body.facts, None, now)
    await require_papers(session, case, terms)
    await move(
        session, RELIEF_CASE, case, "applied", actor=actor, at=now, on_behalf_of=_for(actor, case)
    )
    case.applied_at = now
    case.payout_account_id = chosen or case.payout_account_id
    case.account_id = actor.id if actor.kind == "member" else case.account_id
    await suggest(session, case, terms, facts, now)
    applied = Fact("relief_case", case.id, "relief_case.apply", CASE_APPLIED)
    await state(session, [applied], actor=actor, at=now, on_behalf_of=_for(actor, case))
    return case


async def open_at_counter(
    session: AsyncSession,
    vault: Vault,
    caseworker: Principal,
    body: OpenCaseBody,
    now: datetime,
    at: datetime,
    *,
    channel: str = "staff",
) -> ReliefCase:
    """A case that nobody proposed: disaster, a spouse's illness, papers from elsewhere.

    The year is the present one; what decided claims left is filled in. Raises CaseNotFound
    for somebody whom the caller neither manages nor serves, FundNotFound (404), FundClosed,
    NoFormula, CaseUnderWay (409), GroundNotCovered (422).
    """
    if not await may_serve(session, caseworker, body.person_id, at):
        raise CaseNotFound
    fund = await fund_for_person(session, caseworker, body.fund_id, body.person_id)
    formula, terms = await terms_in_force(session, fund)
    if body.ground not in terms.grounds:
        raise GroundNotCovered(terms.grounds)
    require_stated(terms, body.facts, by_member=False)
    household = await queries.household_of(session, body.person_id)
    year = business_day(now).year
    residue = Residue(year, await costs_of_year(session, vault, body.person_id, year))
    case = await open_case(
        session,
        caseworker,
        fund,
        formula,
        person_id=body.person_id,
        household_id=None if household is None else household.id,
        ground=body.ground,
        year=year,
        channel=channel,
        status="applied",
        now=now,
        claim_ids=[each.claim_id for each in residue.costs],
    )
    known = {**await facts_of_household(session, vault, household), **residue.facts, **body.facts}
    used = {each.name for each in terms.inputs}
    facts = {name: value for name, value in known.items() if name in used}
    await give_facts(session, vault, caseworker, case, facts, None, now)
    await suggest(session, case, terms, facts, now)
    applied = Fact("relief_case", case.id, "relief_case.open", CASE_APPLIED)
    await state(session, [applied], actor=caseworker, at=now, on_behalf_of=case.person_id)
    return case


async def fund_for_person(
    session: AsyncSession, caseworker: Principal, fund_id: UUID, person_id: UUID
) -> ReliefFund:
    """An open fund that the caseworker may use for this person.

    Raises FundNotFound (404), FundClosed (409).
    """
    fund = await session.scalar(queries.visible_funds(caseworker).where(ReliefFund.id == fund_id))
    if fund is None:
        raise FundNotFound
    if fund.status != "open":
        raise FundClosed
    if fund.id not in {each.id for each in await queries.funds_for(session, person_id)}:
        raise FundNotFound
    return fund


async def correct_facts(
    session: AsyncSession,
    vault: Vault,
    caseworker: Principal,
    case_id: UUID,
    facts: Mapping[str, Any],
    reason_code: str,
    now: datetime,
) -> ReliefCase:
    """What the documents say; old values are kept. Raises FactsClosed (409)."""
    case = await find(session, caseworker, case_id, lock=True)
    if case.status not in ("proposed", "applied"):
        raise FactsClosed
    terms = await terms_of_case(session, case)
    require_stated(terms, facts, by_member=False)
    merged = await give_facts(session, vault, caseworker, case, facts, reason_code, now)
    await suggest(session, case, terms, merged, now)
    return case


async def refer(
    session: AsyncSession, vault: Vault, caseworker: Principal, case_id: UUID, now: datetime
) -> ReliefCase:
    """Put an application on the board's list: papers and facts are complete.

    A case that the formula gives nothing goes on only where the fund has a way for real
    hardship. Raises ConsentNeeded, PapersMissing, NothingByFormula (409), FactsMissing (422).
    """
    case = await find(session, caseworker, case_id, lock=True)
    terms = await terms_of_case(session, case)
    await require_consent(session, case.person_id)
    await require_papers(session, case, terms)
    facts = await facts_known(session, vault, case)
    at = await standing_of_case(session, case, terms, facts, now)
    found = at.assess()
    if found.missing:
        raise FactsMissing(errors=missing_faults(found.missing, at.inputs))
    if not found.amount_fen and terms.hardship is None:
        raise NothingByFormula([each.code for each in found.failed])
    await move(session, RELIEF_CASE, case, "board", actor=caseworker, at=now)
    case.suggested_fen, case.referred_at = found.amount_fen, now
    await session.flush()
    referred = Fact("relief_case", case.id, "relief_case.refer")
    await state(session, [referred], actor=caseworker, at=now, on_behalf_of=case.person_id)
    return case


async def withdraw(
    session: AsyncSession, actor: Principal, case_id: UUID, now: datetime
) -> ReliefCase:
    """The member does not want it; raises InvalidTransition (409) once it is decided."""
    case = await find(session, actor, case_id, lock=True)
    await move(
        session, RELIEF_CASE, case, "withdrawn", actor=actor, at=now, on_behalf_of=_for(actor, case)
    )
    withdrawn = Fact("relief_case", case.id, "relief_case.withdraw", CASE_WITHDRAWN)
    await state(session, [withdrawn], actor=actor, at=now, on_behalf_of=_for(actor, case))
    return case


async def suggest(
    session: AsyncSession,
    case: ReliefCase,
    terms: FormulaTerms,
    facts: Mapping[str, Any],
    now: datetime,
) -> None:
    """What the formula comes to with the facts as they are now."""
    found = (await standing_of_case(session, case, terms, facts, now)).assess()
    case.suggested_fen = None if found.missing else found.amount_fen
    await session.flush()


def _for(actor: Principal, case: ReliefCase) -> UUID | None:
    return None if actor.kind == "member" else case.person_id
