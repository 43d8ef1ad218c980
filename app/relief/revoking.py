"""Taking a grant back that was not paid: its sum is the fund's again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.jobs import unschedule
from app.kernel.principal import Principal
from app.kernel.transitions import move
from app.ledger.accounts import RELIEF_PAYABLE
from app.ledger.service import post
from app.relief import queries
from app.relief.board import case_of_fund, refuse_interested
from app.relief.case_models import RELIEF_CASE, ReliefCase
from app.relief.events import CASE_REVOKED, PAY


async def revoke(
    session: AsyncSession, supervisor: Principal, case_id: UUID, reason_code: str, now: datetime
) -> ReliefCase:
    """End a granted case; one on its way to be paid is stopped there first.

    Raises CaseNotFound (404), Forbidden, Interested (403), InvalidTransition (409).
    """
    case = await case_of_fund(session, supervisor, case_id)
    await refuse_interested(session, case, [supervisor.id])
    fund = await queries.locked_fund(session, case.fund_id)
    await move(
        session, RELIEF_CASE, case, "revoked", actor=supervisor, at=now, reason_code=reason_code
    )
    amount = case.amount_fen or 0
    fund.granted_fen -= amount
    await unschedule(session, PAY, case.id)
    await post(
        session,
        "relief.revoked",
        [(RELIEF_PAYABLE, amount), (fund.account_code, -amount)],
        event_on=business_day(now),
        reference_id=case.id,
        actor=supervisor,
    )
    content = {"amount_fen": amount, "reason_code": reason_code}
    revoked = Fact("relief_case", case.id, "relief_case.revoke", CASE_REVOKED, content)
    await state(session, [revoked], actor=supervisor, at=now, on_behalf_of=case.person_id)
    return case
