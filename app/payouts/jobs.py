"""Sending payouts and asking about them: attempt recorded, call, answer recorded.

A payout found in `sending` or `unknown` was perhaps sent: it is asked about, and sent
again only under its own number, when the outside system says that it never arrived.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.member_accounts import contact_of
from app.integrations.bank import BankTransferRequest
from app.integrations.errors import OutcomeUnknown, Refused, Unreachable
from app.integrations.outside import Outside
from app.integrations.wechat_pay import TransferRequest
from app.kernel.clock import system_now
from app.kernel.jobs import Handler, JobContext, RetryLater, enqueue
from app.members.models import Person
from app.members.service import name_of
from app.payouts import batch_jobs, queries
from app.payouts.batch_rows import follow
from app.payouts.events import ASK, POLL, SEND, STOP, TELL_ACCOUNT, TELL_FAILED, TELL_WAITING
from app.payouts.messages import tell_account, tell_failed, tell_waiting
from app.payouts.models import PAYOUT, Payout, PayoutAccount
from app.payouts.moving import move_payout
from app.payouts.remarks import remark_of
from app.payouts.settlement import SETTLED, Outcome, apply, of_bank, of_transfer
from app.payouts.stopping import stop, stopped_before_sending

log = structlog.get_logger("payouts")

# The scene "company compensation" demands these two; shown to the member on confirming.
REPORT = (("赔付原因", "互助保障给付"),)
NEVER_ARRIVED = frozenset({"NOT_FOUND", "unknown_reference"})
# Refusals that money or time heals: nothing was done, and it may be tried again as it is.
FOR_LATER = frozenset({"NOT_ENOUGH", "insufficient_funds", "FREQUENCY_LIMITED", "RATELIMIT_EXCEED"})
SOONEST, LATEST = timedelta(seconds=2), timedelta(minutes=10)
UNHEARD = timedelta(seconds=30)

Call = Callable[[], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class _Calls:
    """The two things to say about one payout: send it, ask about it."""

    send: Call
    ask: Call


async def send(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Send a requested payout once; one that may have been sent before is asked about."""
    payout_id = UUID(payload["payout_id"])
    async with context.transaction() as session:
        payout = await queries.locked(session, payout_id)
        if payout.status != "requested" or await _goes_by_batch(context, session, payout):
            return
        if payout.stop_requested_at is not None:
            await stopped_before_sending(context, session, payout)
            return
        calls = await _calls(context, session, payout)
        now = await context.business_now(session)
        payout.sent_at = system_now()
        # Only for a crash before the answer is recorded: the answer brings it nearer.
        payout.next_poll_at = payout.sent_at + UNHEARD
        await move_payout(session, payout, "sending", now=now)
    try:
        outcome = await calls.send()
    except Unreachable:
        await _back_to(context, payout_id, "requested", "unreachable")
        raise RetryLater(timedelta(seconds=5)) from None
    except OutcomeUnknown:
        await _back_to(context, payout_id, "unknown", "outcome-unknown")
        return
    except Refused as refused:
        await _refused(context, payout_id, calls, refused)
        return
    await _record(context, payout_id, outcome, ask_next=SOONEST)


async def _goes_by_batch(context: JobContext, session: AsyncSession, payout: Payout) -> bool:
    """Choose the lane of money to a bank; what waits for a batch is not looked after here."""
    if payout.method != "bank":
        return False
    if payout.lane is None:
        small = payout.amount_fen <= context.settings.bank_direct_most_fen
        payout.lane = "direct" if small else "batch"
    if payout.lane == "batch":
        payout.next_poll_at = None
    await session.flush()
    return payout.lane == "batch"


async def ask(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Ask the outside system how a payout stands, and believe only that."""
    payout_id = UUID(payload["payout_id"])
    async with context.transaction() as session:
        payout = await queries.locked(session, payout_id)
        if payout.status in SETTLED or payout.status == "requested":
            return
        calls = await _calls(context, session, payout)
        lacks_package = payout.sealed_package is None
    try:
        outcome = await calls.ask()
        if outcome.status == "waiting_confirm" and lacks_package:
            # Only sending gives the package; the same number again is the same transfer.
            outcome = await calls.send()
    except (Unreachable, OutcomeUnknown):
        return
    except Refused as refused:
        if refused.code in NEVER_ARRIVED:
            await _back_to(context, payout_id, "requested", "never-arrived")
        else:
            log.error("payout cannot be asked about", payout_id=str(payout_id), code=refused.code)
        return
    await _record(context, payout_id, outcome)


async def poll(context: JobContext, _payload: Mapping[str, Any]) -> None:
    """Look after every payout that is neither paid nor failed, less often as it gets older."""
    async with context.transaction() as session:
        now = system_now()
        for payout in await queries.due_for_asking(session, now, 200):
            job = SEND if payout.status == "requested" else ASK
            key = f"{job}:{payout.id}"
            await enqueue(session, job, {"payout_id": str(payout.id)}, dedupe_key=key)
            age = now - (payout.sent_at or now)
            payout.next_poll_at = now + min(max(age / 2, SOONEST), LATEST)


async def _calls(context: JobContext, session: AsyncSession, payout: Payout) -> _Calls:
    """Everything that must be read for calling out, read while the row is locked."""
    outside: Outside = context.outside
    person = await session.get_one(Person, payout.payee_person_id)
    name = name_of(context.vault, person)
    remark = remark_of(payout)
    if payout.method == "wechat":
        if payout.account_id is None:
            raise ValueError("a wallet payout without an account")
        _, openid = await contact_of(session, context.vault, payout.account_id)
        request = TransferRequest(
            out_bill_no=payout.out_bill_no,
            openid=openid or "",
            amount_fen=payout.amount_fen,
            remark=remark,
            notify_url=f"{context.settings.public_base_url}/v1/gateway/wechat-pay/transfers",
            user_name=name,
            report=REPORT,
        )
        return _Calls(
            partial(_send_wechat, outside, request),
            partial(_ask_wechat, outside, payout.out_bill_no),
        )
    account = await session.get_one(PayoutAccount, payout.payout_account_id)
    record = context.vault.open("payout_account", account.id, account.sealed)
    order = BankTransferRequest(
        reference=payout.out_bill_no,
        account_number=record["account_number"],
        account_name=name,
        bank_code=record["bank_code"],
        amount_fen=payout.amount_fen,
        remark=remark,
    )
    return _Calls(partial(_send_bank, outside, order), partial(_ask_bank, outside, order.reference))


async def _send_wechat(outside: Outside, request: TransferRequest) -> Outcome:
    return of_transfer(await outside.wechat_pay.transfer(request))


async def _ask_wechat(outside: Outside, out_bill_no: str) -> Outcome:
    return of_transfer(await outside.wechat_pay.query_transfer(out_bill_no))


async def _send_bank(outside: Outside, request: BankTransferRequest) -> Outcome:
    return of_bank(await outside.bank.submit_transfer(request))


async def _ask_bank(outside: Outside, reference: str) -> Outcome:
    return of_bank(await outside.bank.query_transfer(reference))


async def _refused(context: JobContext, payout_id: UUID, calls: _Calls, refused: Refused) -> None:
    """A no to this request is final only if no earlier copy was taken: ask before believing it."""
    log.warning("payout refused", payout_id=str(payout_id), code=refused.code)
    try:
        await _record(context, payout_id, await calls.ask())
    except (Unreachable, OutcomeUnknown):
        await _back_to(context, payout_id, "unknown", refused.code)
    except Refused as unknown:
        if unknown.code not in NEVER_ARRIVED:
            await _back_to(context, payout_id, "unknown", refused.code)
        elif refused.code in FOR_LATER:
            await _back_to(context, payout_id, "requested", refused.code)
            raise RetryLater(timedelta(minutes=5)) from None
        else:
            await _record(context, payout_id, Outcome("failed", code=refused.code))


async def _record(
    context: JobContext, payout_id: UUID, outcome: Outcome, ask_next: timedelta | None = None
) -> None:
    """Apply what was heard; `ask_next` is when to ask again if that was not final."""
    async with context.transaction() as session:
        payout = await queries.locked(session, payout_id)
        if ask_next is not None:
            payout.next_poll_at = system_now() + ask_next
        await apply(session, context.vault, payout, outcome, await context.business_now(session))


async def _back_to(context: JobContext, payout_id: UUID, status: str, reason: str) -> None:
    """Sent without an answer, or not at all; a notice may have been quicker."""
    async with context.transaction() as session:
        payout = await queries.locked(session, payout_id)
        if not PAYOUT.allows(payout.status, status):
            return
        now: datetime = await context.business_now(session)
        payout.next_poll_at = system_now() + SOONEST
        await move_payout(session, payout, status, now=now, reason=reason)
        await follow(session, payout)


JOBS: Mapping[str, Handler] = {
    SEND: send,
    ASK: ask,
    POLL: poll,
    STOP: stop,
    TELL_WAITING: tell_waiting,
    TELL_FAILED: tell_failed,
    TELL_ACCOUNT: tell_account,
    **batch_jobs.JOBS,
}
TIMERS: Mapping[str, timedelta] = {POLL: timedelta(seconds=2), **batch_jobs.TIMERS}
