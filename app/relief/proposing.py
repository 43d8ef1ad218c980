"""Proposing relief without being asked: a year's residue run through the open funds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.models import Claim
from app.claims.queries import account_of_person, municipal_office
from app.claims.year import ClaimCost, costs_of_year
from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id, new_number
from app.kernel.principal import SYSTEM, Principal
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault
from app.members.service import member_of
from app.relief import queries
from app.relief.assessing import Standing, standing
from app.relief.case_facts import give_facts
from app.relief.case_models import RELIEF_CASE, ReliefCase
from app.relief.errors import CaseNotFound
from app.relief.events import CASE_PROPOSED, CASE_WITHDRAWN
from app.relief.formulas import OF_HOUSEHOLD
from app.relief.household_models import Household
from app.relief.models import ReliefFormula, ReliefFund
from app.relief.terms import terms_of_formula

# Reasons in the history of a case.
NOTHING_LEFT = "nothing-left"


@dataclass(frozen=True, slots=True)
class Residue:
    """What a year left with a person: self-paid less what mutual aid paid, never below zero."""

    year: int
    costs: Sequence[ClaimCost]

    @property
    def facts(self) -> dict[str, int]:
        """As the facts that formulas know, in fen."""
        self_pay = sum(each.self_pay_fen for each in self.costs)
        paid = sum(each.paid_fen for each in self.costs)
        return {
            "self_pay_fen": self_pay,
            "mutual_aid_fen": paid,
            "net_self_pay_fen": max(0, self_pay - paid),
        }


async def propose_after(
    session: AsyncSession,
    vault: Vault,
    claim: Claim,
    occurred_at: datetime,
    cause: str,
    now: datetime,
) -> list[ReliefCase]:
    """Run the residue of a decided claim's year through every open fund of its member.

    A case is proposed where a fund's formula grants something, or may once missing facts
    are known; one that stands proposed, or was applied for, is brought up to date. Nothing
    is granted here.
    """
    await queries.lock_person(session, claim.person_id)
    year = business_day(occurred_at).year
    residue = Residue(year, await costs_of_year(session, vault, claim.person_id, year))
    proposed = []
    for fund in await queries.funds_for(session, claim.person_id):
        formula = await queries.formula_in_force(session, fund.id)
        if formula is None or cause not in terms_of_formula(formula).grounds:
            continue
        case = await _propose(session, vault, claim.person_id, fund, formula, cause, residue, now)
        if case is not None:
            proposed.append(case)
    return proposed


async def _propose(
    session: AsyncSession,
    vault: Vault,
    person_id: UUID,
    fund: ReliefFund,
    formula: ReliefFormula,
    ground: str,
    residue: Residue,
    now: datetime,
) -> ReliefCase | None:
    terms = terms_of_formula(formula)
    household = await queries.household_of(session, person_id)
    facts = {**await facts_of_household(session, vault, household), **residue.facts}
    used = {each.name for each in terms.inputs}
    facts = {name: value for name, value in facts.items() if name in used}
    open_ones = await queries.cases_of_person(
        session, person_id, fund.id, residue.year, ("proposed", "applied")
    )
    mine = next((case for case in open_ones if case.channel == "claim"), None)
    at = await standing(
        session,
        terms,
        fund_id=fund.id,
        person_id=person_id,
        household_id=None if household is None else household.id,
        ground=ground,
        year=residue.year,
        facts=facts,
        now=now,
    )
    found = at.assess()
    suggested = None if found.missing else found.amount_fen
    if mine is not None:
        await _bring_up_to_date(session, vault, mine, at, residue, facts, suggested, now)
        return mine
    if not at.promising(found) or await _before_the_board(session, person_id, fund, residue.year):
        return None
    case = await open_case(
        session,
        SYSTEM,
        fund,
        formula,
        person_id=person_id,
        household_id=None if household is None else household.id,
        ground=ground,
        year=residue.year,
        channel="claim",
        status="proposed",
        now=now,
        claim_ids=[each.claim_id for each in residue.costs],
        suggested_fen=suggested,
    )
    await give_facts(session, vault, SYSTEM, case, facts, None, now)
    content = {"fund_id": str(fund.id), "suggested_fen": suggested}
    told = Fact("relief_case", case.id, "relief_case.propose", CASE_PROPOSED, content)
    await state(session, [told], actor=SYSTEM, at=now, on_behalf_of=person_id)
    return case


async def _before_the_board(
    session: AsyncSession, person_id: UUID, fund: ReliefFund, year: int
) -> bool:
    """A case with the board is decided first; one applied for by hand is not doubled."""
    statuses = ("applied", "board")
    return bool(await queries.cases_of_person(session, person_id, fund.id, year, statuses))


async def _bring_up_to_date(
    session: AsyncSession,
    vault: Vault,
    case: ReliefCase,
    at: Standing,
    residue: Residue,
    facts: Mapping[str, Any],
    suggested: int | None,
    now: datetime,
) -> None:
    """More claims were decided: the same case says what they come to together."""
    await give_facts(session, vault, SYSTEM, case, facts, None, now)
    case.claim_ids = [each.claim_id for each in residue.costs]
    case.suggested_fen = suggested
    await session.flush()
    if case.status != "proposed" or at.promising(at.assess()):
        return
    await move(
        session, RELIEF_CASE, case, "withdrawn", actor=SYSTEM, at=now, reason_code=NOTHING_LEFT
    )
    withdrawn = Fact(
        "relief_case", case.id, "relief_case.withdraw", CASE_WITHDRAWN, {"reason": NOTHING_LEFT}
    )
    await state(session, [withdrawn], actor=SYSTEM, at=now, on_behalf_of=case.person_id)


async def facts_of_household(
    session: AsyncSession, vault: Vault, household: Household | None
) -> dict[str, Any]:
    """What a household's file says, as far as formulas may know it."""
    if household is None:
        return {}
    situations = await queries.situations_of(session, household.id)
    members = await queries.members_of(session, household.id)
    known: dict[str, Any] = {}
    if situations:
        newest = situations[0]
        known = vault.open("household_situation", newest.id, newest.sealed)
    known.setdefault("household_size", max(1, len(members)))
    return {name: value for name, value in known.items() if name in OF_HOUSEHOLD}


async def open_case(
    session: AsyncSession,
    actor: Principal,
    fund: ReliefFund,
    formula: ReliefFormula,
    *,
    person_id: UUID,
    household_id: UUID | None,
    ground: str,
    year: int,
    channel: str,
    status: str,
    now: datetime,
    kind: str = "formula",
    claim_ids: Sequence[UUID] = (),
    suggested_fen: int | None = None,
) -> ReliefCase:
    """A new case at the office that manages the member; raises CaseUnderWay (409)."""
    member = await member_of(session, person_id)
    office = None if member is None else member.organisation_id
    office = office or await municipal_office(session)
    if office is None:
        raise CaseNotFound
    case = ReliefCase(
        id=new_id(),
        number=new_number("R"),
        fund_id=fund.id,
        formula_id=formula.id,
        person_id=person_id,
        household_id=household_id,
        organisation_id=office,
        kind=kind,
        channel=channel,
        ground=ground,
        year=year,
        status=status,
        suggested_fen=suggested_fen,
        claim_ids=list(claim_ids),
        account_id=await account_of_person(session, person_id),
        opened_by_kind=actor.kind,
        opened_by=actor.id,
        opened_at=now,
        applied_at=None if status == "proposed" else now,
    )
    begin(session, RELIEF_CASE, case, actor=actor, at=now, on_behalf_of=person_id)
    await session.flush()
    return case
