"""What an outside system says about a payout, applied once however often it is said."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.integrations.bank import BankTransfer
from app.integrations.wechat_pay import Transfer
from app.kernel.clock import business_day, system_now
from app.kernel.facts import Fact, state
from app.kernel.principal import SYSTEM
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.ledger import accounts as chart
from app.ledger.service import post
from app.payouts.batch_rows import follow
from app.payouts.errors import NoticeDiffers
from app.payouts.events import PAYOUT_FAILED, PAYOUT_PAID, PAYOUT_WAITING
from app.payouts.models import PAYOUT, Payout
from app.payouts.moving import move_payout

log = structlog.get_logger("payouts")

# The rider has a day to confirm; then the gateway fails the transfer (wechat.md).
CONFIRM_WITHIN = timedelta(hours=24)
SETTLED = frozenset({"paid", "failed"})
# Status → the audit's verb, and the event for whoever listens.
TOLD = {
    "waiting_confirm": ("payout.await_confirmation", PAYOUT_WAITING),
    "paid": ("payout.settle", PAYOUT_PAID),
    "failed": ("payout.fail", PAYOUT_FAILED),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a payout stands outside; `amount_fen` is None where the answer does not repeat it."""

    status: Literal["accepted", "waiting_confirm", "paid", "failed"]
    reference: str | None = None
    amount_fen: int | None = None
    code: str | None = None
    package_info: str | None = None


def of_transfer(transfer: Transfer) -> Outcome:
    """WeChat's eight states in our four; the others are still on their way."""
    status: Literal["accepted", "waiting_confirm", "paid", "failed"] = "accepted"
    if transfer.state == "WAIT_USER_CONFIRM":
        status = "waiting_confirm"
    elif transfer.state == "SUCCESS":
        status = "paid"
    elif transfer.state in ("FAIL", "CANCELLED"):
        status = "failed"
    code = (transfer.fail_reason or transfer.state) if status == "failed" else None
    return Outcome(
        status, transfer.transfer_bill_no, transfer.amount_fen, code, transfer.package_info
    )


def of_bank(transfer: BankTransfer) -> Outcome:
    """The bank's three states in ours."""
    if transfer.state == "pending":
        return Outcome("accepted", transfer.bank_reference, transfer.amount_fen)
    if transfer.state == "paid":
        return Outcome("paid", transfer.bank_reference, transfer.amount_fen)
    return Outcome("failed", transfer.bank_reference, transfer.amount_fen, transfer.code)


async def apply(
    session: AsyncSession, vault: Vault, payout: Payout, outcome: Outcome, now: datetime
) -> None:
    """Bring a locked payout to what was heard; repeated, late and shuffled news change nothing.

    Paid: debt and money leave the books in this transaction and `payout.paid` is told.
    Raises NoticeDiffers (409) for another amount, and says so in the log.
    """
    if outcome.amount_fen not in (None, payout.amount_fen):
        log.error("payout amount differs", payout_id=str(payout.id))
        raise NoticeDiffers
    if payout.status in SETTLED:
        if outcome.status in SETTLED and outcome.status != payout.status:
            log.error("payout outcome contradicts", payout_id=str(payout.id))
        return
    payout.outside_reference = outcome.reference or payout.outside_reference
    if outcome.package_info is not None:
        payout.sealed_package = vault.seal(
            "payout", payout.id, {"package_info": outcome.package_info}
        )
    if outcome.status == payout.status:
        await session.flush()
        return
    if outcome.status == "waiting_confirm":
        payout.confirm_before = (payout.sent_at or system_now()) + CONFIRM_WITHIN
    if outcome.status in SETTLED:
        payout.settled_at, payout.next_poll_at, payout.sealed_package = now, None, None
        payout.failure_code = outcome.code
    if outcome.status in TOLD:
        await move(
            session, PAYOUT, payout, outcome.status, actor=SYSTEM, at=now, reason_code=outcome.code
        )
    else:
        await move_payout(session, payout, outcome.status, now=now, reason=outcome.code)
    if outcome.status == "paid":
        await _book(session, payout, now)
    await follow(session, payout)
    if outcome.status in TOLD:
        await _tell(session, payout, now)


async def _book(session: AsyncSession, payout: Payout, now: datetime) -> None:
    money = chart.BANK if payout.method == "bank" else chart.GATEWAY_CLEARING
    kind, debt = "benefit.paid", chart.BENEFITS_PAYABLE
    if payout.refund_id is not None:
        kind, debt = "refund.paid", chart.REFUNDS_PAYABLE
    if payout.relief_case_id is not None:
        kind, debt = "relief.paid", chart.RELIEF_PAYABLE
    await post(
        session,
        kind,
        [(debt, payout.amount_fen), (money, -payout.amount_fen)],
        event_on=business_day(now),
        reference_id=payout.id,
        actor=SYSTEM,
    )


async def _tell(session: AsyncSession, payout: Payout, now: datetime) -> None:
    verb, event = TOLD[payout.status]
    content = {
        "claim_id": str(payout.claim_id) if payout.claim_id else None,
        "refund_id": str(payout.refund_id) if payout.refund_id else None,
        "relief_case_id": str(payout.relief_case_id) if payout.relief_case_id else None,
        "amount_fen": payout.amount_fen,
        "failure_code": payout.failure_code,
    }
    await state(session, [Fact("payout", payout.id, verb, event, content)], actor=SYSTEM, at=now)
