"""What members are told about relief."""

from collections.abc import Mapping
from typing import Any

from app.kernel.event_log import heard
from app.kernel.jobs import JobContext
from app.notifications.service import notify
from app.relief.case_models import ReliefCase
from app.relief.events import (
    CASE_AWAITS_ACCOUNT,
    CASE_DECLINED,
    CASE_GRANTED,
    CASE_PAID,
    CASE_PROPOSED,
    CASE_RETURNED,
    CASE_REVOKED,
)
from app.relief.models import ReliefFund

TEMPLATES: Mapping[str, str] = {
    CASE_PROPOSED: "relief_proposed",
    CASE_GRANTED: "relief_granted",
    CASE_DECLINED: "relief_declined",
    CASE_RETURNED: "relief_returned",
    CASE_PAID: "relief_paid",
    CASE_REVOKED: "relief_revoked",
    CASE_AWAITS_ACCOUNT: "relief_account",
}


async def tell(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Hear a proposal, a decision or a payment, and tell the person it is about."""
    async with context.transaction() as session:
        event = await heard(session, payload)
        case = await session.get_one(ReliefCase, event.subject_id)
        fund = await session.get_one(ReliefFund, case.fund_id)
        said: dict[str, Any] = {"number": case.number}
        if event.name == CASE_PROPOSED:
            said["fund"] = {"zh": fund.name_zh, "en": fund.name_en}
        if event.name in (CASE_GRANTED, CASE_PAID):
            said["amount"] = event.content["amount_fen"]
        # The board may return a case more than once; everything else comes once.
        once = f"{event.name}:{event.id if event.name == CASE_RETURNED else case.id}"
        await notify(
            session,
            context.vault,
            person_id=case.person_id,
            template=TEMPLATES[event.name],
            subject="relief_case",
            subject_id=case.id,
            parameters=said,
            once_key=once,
            now=await context.business_now(session),
        )
