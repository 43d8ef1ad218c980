"""What a board decides: who sat, who must not, how they voted, and the fund's last word."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.queries import enrolling_staff
from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.money import yuan
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, Forbidden, InvalidTransition, Unprocessable
from app.kernel.text import Text
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.ledger.accounts import RELIEF_PAYABLE
from app.ledger.service import post
from app.plans.errors import FactsMissing
from app.plans.facts import missing_faults
from app.relief import board_queries, queries
from app.relief.applying import find
from app.relief.assessing import explain_relief, standing_of_case
from app.relief.bodies import BoardDecisionBody, DeclineBody, GrantBody, HardshipBody, VoteBody
from app.relief.case_facts import facts_known, givers_known
from app.relief.case_models import RELIEF_CASE, ReliefCase, ReliefDecision, ReliefVote
from app.relief.errors import (
    BoardMemberUnknown,
    FundExhausted,
    HardshipAboveMaximum,
    HardshipNotAllowed,
    Interested,
    NothingByFormula,
    QuorumMissed,
    VotesContradict,
)
from app.relief.events import CASE_DECLINED, CASE_GRANTED, CASE_RETURNED
from app.relief.formulas import FormulaTerms
from app.relief.models import ReliefFund
from app.relief.paying import pay
from app.relief.terms import terms_of_case

TWICE = Text("同一人重复列出", "Somebody is listed twice.")


async def case_of_fund(session: AsyncSession, supervisor: Principal, case_id: UUID) -> ReliefCase:
    """The locked case, for who manages its fund; raises CaseNotFound (404), Forbidden (403)."""
    case = await find(session, supervisor, case_id, lock=True)
    managed = queries.managed_funds(supervisor).where(ReliefFund.id == case.fund_id)
    if await session.scalar(managed) is None:
        raise Forbidden
    return case


async def decide(
    session: AsyncSession,
    vault: Vault,
    supervisor: Principal,
    case_id: UUID,
    body: BoardDecisionBody,
    now: datetime,
) -> ReliefCase:
    """Record the board's word; a grant is taken from the fund and paid.

    The amount is the formula's, computed again while the fund is locked; on the way of
    hardship it is the board's, with its reason. Raises CaseNotFound, BoardMemberUnknown
    (404), Interested, Forbidden (403), QuorumMissed, NothingByFormula, HardshipNotAllowed,
    FundExhausted, InvalidTransition (409), VotesContradict, HardshipAboveMaximum,
    FactsMissing (422).
    """
    case = await case_of_fund(session, supervisor, case_id)
    if case.status != "board":
        raise InvalidTransition(current=case.status, target="granted")
    fund = await queries.locked_fund(session, case.fund_id)
    await _require_board(session, supervisor, fund, case, body.votes)
    agreed = 2 * Counter(each.vote for each in body.votes)["for"] > len(body.votes)
    if agreed == isinstance(body, DeclineBody):
        raise VotesContradict
    terms = await terms_of_case(session, case)
    amount, content = await _amount(session, vault, case, terms, body, now)
    path = "hardship" if isinstance(body, HardshipBody) else "formula"
    reason = body.reason_code if isinstance(body, DeclineBody) else None
    await record(
        session, vault, supervisor, fund, case, path, amount, reason, content, body.votes, now
    )
    if amount is None:
        await move(
            session, RELIEF_CASE, case, "declined", actor=supervisor, at=now, reason_code=reason
        )
        case.decided_at = now
        await session.flush()
        told = {"reason_code": reason}
        declined = Fact("relief_case", case.id, "relief_case.decline", CASE_DECLINED, told)
        await state(session, [declined], actor=supervisor, at=now, on_behalf_of=case.person_id)
        return case
    await grant(session, supervisor, fund, case, amount, path, now)
    return case


async def give_back(
    session: AsyncSession, supervisor: Principal, case_id: UUID, reason_code: str, now: datetime
) -> ReliefCase:
    """The board has to know more: papers and facts can be added, and the case referred again.

    Raises CaseNotFound (404), Forbidden, Interested (403), InvalidTransition (409).
    """
    case = await case_of_fund(session, supervisor, case_id)
    await refuse_interested(session, case, [supervisor.id])
    if case.status != "board":
        raise InvalidTransition(current=case.status, target="applied")
    await move(
        session, RELIEF_CASE, case, "applied", actor=supervisor, at=now, reason_code=reason_code
    )
    content = {"reason_code": reason_code}
    returned = Fact("relief_case", case.id, "relief_case.return", CASE_RETURNED, content)
    await state(session, [returned], actor=supervisor, at=now, on_behalf_of=case.person_id)
    return case


async def _require_board(
    session: AsyncSession,
    supervisor: Principal,
    fund: ReliefFund,
    case: ReliefCase,
    votes: Sequence[VoteBody],
) -> None:
    """Enough people sat, all of them of the fund's organisation, none with an interest."""
    present = [each.staff_id for each in votes]
    if len(set(present)) < len(present):
        raise Unprocessable(errors=[FieldError("/votes", "listed-twice", TWICE)])
    known = await board_queries.board_members(session, present, fund.organisation_id)
    if set(present) - known:
        raise BoardMemberUnknown
    await refuse_interested(session, case, [*present, supervisor.id])
    if len(present) < fund.quorum:
        raise QuorumMissed(fund.quorum)


async def refuse_interested(
    session: AsyncSession, case: ReliefCase, staff_ids: Sequence[UUID]
) -> None:
    """Raise Interested (403) for who enrolled the member, or is kin of the household."""
    enrolled_by = await enrolling_staff(session, case.person_id)
    interested = set() if enrolled_by is None else {enrolled_by}
    if case.household_id is not None:
        interested |= await board_queries.kin_at_work(session, case.household_id)
    found = sorted(interested & set(staff_ids), key=str)
    if found:
        raise Interested(found)


async def _amount(
    session: AsyncSession,
    vault: Vault,
    case: ReliefCase,
    terms: FormulaTerms,
    body: GrantBody | HardshipBody | DeclineBody,
    now: datetime,
) -> tuple[int | None, dict[str, Any]]:
    """What is granted, and what is kept of why."""
    facts = await facts_known(session, vault, case)
    at = await standing_of_case(session, case, terms, facts, now)
    found = at.assess()
    explanation = explain_relief(terms, found, await givers_known(session, case))
    content: dict[str, Any] = {"facts": facts, "explanation": explanation}
    if isinstance(body, DeclineBody):
        return None, content | {"note": body.note}
    if found.missing:
        raise FactsMissing(errors=missing_faults(found.missing, at.inputs))
    if isinstance(body, GrantBody):
        if not found.amount_fen:
            raise NothingByFormula([each.code for each in found.failed])
        return found.amount_fen, content | {"note": body.note}
    if terms.hardship is None or found.amount_fen:
        raise HardshipNotAllowed
    most = terms.hardship.most.fen
    if body.amount_fen > most:
        raise HardshipAboveMaximum(most, yuan(most))
    return body.amount_fen, content | {"reason": body.reason}


async def record(
    session: AsyncSession,
    vault: Vault,
    recorder: Principal,
    fund: ReliefFund,
    case: ReliefCase,
    path: str,
    amount_fen: int | None,
    reason_code: str | None,
    content: dict[str, Any],
    votes: Sequence[VoteBody],
    now: datetime,
) -> ReliefDecision:
    """The decision with everybody who sat; a condolence needs no quorum but its visitor."""
    decision_id = new_id()
    decision = ReliefDecision(
        id=decision_id,
        case_id=case.id,
        verdict="decline" if amount_fen is None else "grant",
        path=path,
        amount_fen=amount_fen,
        quorum=1 if path == "condolence" else fund.quorum,
        reason_code=reason_code,
        sealed=vault.seal("relief_decision", decision_id, content),
        recorded_by=recorder.id,
        decided_at=now,
    )
    session.add(decision)
    await session.flush()
    session.add_all(
        ReliefVote(decision_id=decision_id, staff_id=each.staff_id, vote=each.vote)
        for each in votes
    )
    await session.flush()
    return decision


async def grant(
    session: AsyncSession,
    actor: Principal,
    fund: ReliefFund,
    case: ReliefCase,
    amount_fen: int,
    path: str,
    now: datetime,
) -> None:
    """Take a decided grant from the locked fund, book it as owed, and send it.

    Raises FundExhausted (409) for more than the fund holds.
    """
    if amount_fen > fund.balance_fen:
        raise FundExhausted(fund.balance_fen)
    fund.granted_fen += amount_fen
    case.amount_fen, case.decided_at = amount_fen, now
    await move(session, RELIEF_CASE, case, "granted", actor=actor, at=now, reason_code=path)
    await post(
        session,
        "relief.granted",
        [(fund.account_code, amount_fen), (RELIEF_PAYABLE, -amount_fen)],
        event_on=business_day(now),
        reference_id=case.id,
        actor=actor,
    )
    content = {"amount_fen": amount_fen, "path": path, "fund_id": str(fund.id)}
    granted = Fact("relief_case", case.id, "relief_case.grant", CASE_GRANTED, content)
    await state(session, [granted], actor=actor, at=now, on_behalf_of=case.person_id)
    await pay(session, actor, case, now)
