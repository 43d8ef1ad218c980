"""Deciding where money goes, and recording that it is owed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day, system_now
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.jobs import enqueue
from app.kernel.principal import Principal
from app.kernel.transitions import begin
from app.kernel.vault import Vault
from app.ledger import accounts as chart
from app.ledger.service import post
from app.members.blocking import blocked_since
from app.payouts import queries
from app.payouts.errors import (
    AccountCoolingOff,
    AccountNotFound,
    NoDestination,
    PayeeBlocked,
    PayoutNotFound,
)
from app.payouts.events import PAYOUT_REQUESTED, SEND
from app.payouts.models import PAYOUT, Payout
from app.payouts.schemas import PayoutStatus, PayoutView

# A wallet transfer has to be confirmed and is capped by the gateway; larger sums go by bank.
WECHAT_MOST_FEN = 2_000_000


@dataclass(frozen=True, slots=True)
class Destination:
    """How a payout travels: to the wallet of a login account, or to a bank account."""

    method: Literal["wechat", "bank"]
    account_id: UUID | None = None
    payout_account_id: UUID | None = None


async def choose_destination(
    session: AsyncSession,
    *,
    person_id: UUID,
    account_id: UUID | None,
    preferred: UUID | None,
    amount_fen: int,
    now: datetime,
) -> Destination:
    """The account that the payee named, else the wallet for small sums, else a bank account.

    Raises AccountNotFound (404), AccountCoolingOff, NoDestination, PayeeBlocked (409).
    """
    if await blocked_since(session, person_id) is not None:
        raise PayeeBlocked
    if preferred is not None:
        account = await queries.account_of(session, person_id, preferred)
        if account is None:
            raise AccountNotFound
        if account.usable_from > now:
            raise AccountCoolingOff(account.usable_from)
        return Destination("bank", payout_account_id=account.id)
    small = account_id is not None and amount_fen <= WECHAT_MOST_FEN
    if small and account_id and await queries.has_wechat(session, account_id):
        return Destination("wechat", account_id=account_id)
    cooling: datetime | None = None
    for account in await queries.accounts_of(session, person_id):
        if account.usable_from <= now:
            return Destination("bank", payout_account_id=account.id)
        cooling = account.usable_from
    if cooling is not None:
        raise AccountCoolingOff(cooling)
    raise NoDestination


async def request_payout(
    session: AsyncSession,
    *,
    claim_id: UUID,
    plan_code: str,
    person_id: UUID,
    amount_fen: int,
    destination: Destination,
    approvers: Sequence[UUID],
    actor: Principal,
    now: datetime,
    urgent: bool = False,
    claim_round: int = 1,
    by_rule: bool = False,
    claimant_id: UUID | None = None,
) -> Payout:
    """Owe what a round of a claim adds to its member and have the worker send it.

    `claimant_id` names the survivor whose share it is instead. One payout of a claim,
    round and claimant lives at a time (PayoutLive, 409). With the first one
    the benefit is booked as expense and debt, under the claim's id or, where it adds to
    what an earlier round paid or is a share, its own; a later one only pays that debt. A claim
    decided by rule has no approvers. Speaks by `payout.paid` and `payout.failed`. `urgent`
    money never waits for a batch.
    """
    first = not await queries.count_of_claim(session, claim_id, claim_round, claimant_id)
    earlier = await queries.paid_of_claim(session, claim_id)
    cause = {"claim_id": claim_id}
    payout = _payout(cause, plan_code, person_id, amount_fen, destination, approvers, now)
    payout.round, payout.by_rule, payout.claimant_id = claim_round, by_rule, claimant_id
    payout.lane = "direct" if urgent else None
    begin(session, PAYOUT, payout, actor=actor, at=now)
    await session.flush()
    if first:
        await post(
            session,
            "benefit.approved",
            [(chart.benefits_of(plan_code), amount_fen), (chart.BENEFITS_PAYABLE, -amount_fen)],
            event_on=business_day(now),
            reference_id=payout.id if earlier or claimant_id else claim_id,
            actor=actor,
        )
    await _send(session, payout, cause, actor, now)
    return payout


async def request_refund_payout(
    session: AsyncSession,
    *,
    refund_id: UUID,
    plan_code: str,
    person_id: UUID,
    amount_fen: int,
    destination: Destination,
    actor: Principal,
    now: datetime,
) -> Payout:
    """Pay a refund, which is owed on the books already, to an account of the member.

    One payout of a refund lives at a time (PayoutLive, 409). Speaks like `request_payout`.
    """
    cause = {"refund_id": refund_id}
    payout = _payout(cause, plan_code, person_id, amount_fen, destination, [actor.id], now)
    begin(session, PAYOUT, payout, actor=actor, at=now)
    await session.flush()
    await _send(session, payout, cause, actor, now)
    return payout


async def request_relief_payout(
    session: AsyncSession,
    *,
    relief_case_id: UUID,
    fund_code: str,
    person_id: UUID,
    amount_fen: int,
    destination: Destination,
    approvers: Sequence[UUID],
    actor: Principal,
    now: datetime,
) -> Payout:
    """Pay a relief grant, which is owed on the books already; `approvers` are its board.

    One payout of a case lives at a time (PayoutLive, 409). Speaks like `request_payout`.
    """
    cause = {"relief_case_id": relief_case_id}
    payout = _payout(cause, fund_code, person_id, amount_fen, destination, approvers, now)
    begin(session, PAYOUT, payout, actor=actor, at=now)
    await session.flush()
    await _send(session, payout, cause, actor, now)
    return payout


def _payout(
    cause: Mapping[str, UUID],
    plan_code: str,
    person_id: UUID,
    amount_fen: int,
    destination: Destination,
    approvers: Sequence[UUID],
    now: datetime,
) -> Payout:
    payout_id = new_id()
    return Payout(
        id=payout_id,
        claim_id=cause.get("claim_id"),
        refund_id=cause.get("refund_id"),
        relief_case_id=cause.get("relief_case_id"),
        plan_code=plan_code,
        method=destination.method,
        amount_fen=amount_fen,
        payee_person_id=person_id,
        account_id=destination.account_id,
        payout_account_id=destination.payout_account_id,
        approvers=list(approvers),
        status="requested",
        # Both outside systems take up to 32 letters and digits.
        out_bill_no=payout_id.hex.upper(),
        requested_at=now,
        next_poll_at=system_now(),
    )


async def _send(
    session: AsyncSession,
    payout: Payout,
    cause: Mapping[str, UUID],
    actor: Principal,
    now: datetime,
) -> None:
    content: dict[str, object] = {name: str(value) for name, value in cause.items()}
    content |= {"method": payout.method, "amount_fen": payout.amount_fen}
    requested = Fact("payout", payout.id, "payout.request", PAYOUT_REQUESTED, content)
    await state(session, [requested], actor=actor, at=now)
    await enqueue(session, SEND, {"payout_id": str(payout.id)}, dedupe_key=f"{SEND}:{payout.id}")


async def payout_of_claim(
    session: AsyncSession, claim_id: UUID, payee_id: UUID | None = None
) -> Payout:
    """The newest payout of a claim that the caller may see, or of it to one payee.

    Raises PayoutNotFound (404).
    """
    payout = await queries.latest_of_claim(session, claim_id, payee_id)
    if payout is None:
        raise PayoutNotFound
    return payout


def _seconds_left(payout: Payout) -> int | None:
    if payout.confirm_before is None:
        return None
    return max(0, int((payout.confirm_before - system_now()).total_seconds()))


def view_payout(
    vault: Vault, payout: Payout, confirmation_of: Callable[[str], dict[str, str]] | None = None
) -> PayoutView:
    """`confirmation_of` makes of the package what the phone takes; None for staff."""
    confirmation = None
    waiting = payout.status == "waiting_confirm" and payout.sealed_package is not None
    if confirmation_of is not None and waiting and payout.sealed_package is not None:
        package = vault.open("payout", payout.id, payout.sealed_package)["package_info"]
        confirmation = confirmation_of(package)
    return PayoutView(
        id=payout.id,
        method=cast(Literal["wechat", "bank"], payout.method),
        amount_fen=payout.amount_fen,
        status=cast(PayoutStatus, payout.status),
        requested_at=payout.requested_at,
        settled_at=payout.settled_at,
        confirm_before=payout.confirm_before if waiting else None,
        confirm_seconds=_seconds_left(payout) if waiting else None,
        stopping=payout.stop_requested_at is not None and payout.settled_at is None,
        confirmation=confirmation,
        failure_code=payout.failure_code,
    )
