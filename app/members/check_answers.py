"""What the vendor answers about a face check: applied once, in time, or only written down."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.integrations.errors import Untrusted
from app.integrations.identity_vendor import IdentityVendor, VendorResult
from app.kernel import audit
from app.kernel.clock import business_now, system_now
from app.kernel.database import Database
from app.kernel.principal import SYSTEM, Principal
from app.kernel.problems import NotFound
from app.kernel.transitions import move
from app.kernel.vault import Vault
from app.members import queries
from app.members.completion import claimed_identity, complete
from app.members.errors import IdentityCheckAnswered, UntrustedCallback
from app.members.matching import verified_person
from app.members.models import IDENTITY_CHECK, REGISTRATION, IdentityCheck, Registration

log = structlog.get_logger("identity")


async def locked(session: AsyncSession, check_id: UUID) -> IdentityCheck | None:
    """The check, locked after its registration: everybody takes the two in this order."""
    registration_id = await session.scalar(
        select(IdentityCheck.registration_id).where(IdentityCheck.id == check_id)
    )
    if registration_id is None:
        return None
    await queries.locked_registration(session, registration_id)
    return await session.scalar(
        select(IdentityCheck).where(IdentityCheck.id == check_id).with_for_update()
    )


async def record_result(database: Database, vault: Vault, result: VendorResult) -> None:
    """Apply what a poll was told; a check settled meanwhile stays as it is."""
    if result.state == "pending":
        return
    async with database.transaction() as session:
        check = await locked(session, UUID(result.order_ref))
        if check is not None and check.status == "requested":
            now = await business_now(session, sandbox=database.settings.sandbox)
            await _apply(session, vault, check, result, now, system_now())


async def take_callback(
    session: AsyncSession,
    vault: Vault,
    vendor: IdentityVendor,
    headers: Mapping[str, str],
    raw_body: bytes,
    now: datetime,
    at: datetime,
) -> None:
    """The vendor's own message: proven on the raw body, taken once.

    Raises UntrustedCallback (401), NotFound (404) for a check we never started,
    IdentityCheckAnswered (409) for a reference that was answered before. An answer after
    the deadline is written down and changes nothing.
    """
    try:
        result = vendor.verify_callback(headers, raw_body, at)
    except Untrusted as error:
        log.warning("identity callback refused", error=type(error).__name__)
        raise UntrustedCallback from error
    check = await _of_result(session, result)
    if check.called_back_at is not None:
        raise IdentityCheckAnswered
    check.called_back_at = at
    if check.status == "requested" and check.deadline_at > at:
        await _apply(session, vault, check, result, now, at)
        return
    if check.status == "requested":
        await settle(session, check, "expired", "timed_out", SYSTEM, at)
    if check.status == "expired":
        await _keep_late(session, check, result)


async def _keep_late(session: AsyncSession, check: IdentityCheck, result: VendorResult) -> None:
    check.late_state = result.state
    await session.flush()
    await audit.record(
        session,
        SYSTEM,
        "identity_check.late_answer",
        subject="identity_check",
        subject_ids=[check.id],
        on_behalf_of=check.account_id,
        details={"state": result.state},
    )


async def _of_result(session: AsyncSession, result: VendorResult) -> IdentityCheck:
    try:
        check = await locked(session, UUID(result.order_ref))
    except ValueError:
        check = None
    if check is None or check.vendor_reference not in (None, result.reference):
        raise NotFound
    return check


async def _apply(
    session: AsyncSession,
    vault: Vault,
    check: IdentityCheck,
    result: VendorResult,
    now: datetime,
    at: datetime,
) -> None:
    """Carry out the vendor's decision; the check is locked and still requested."""
    check.vendor_reference = result.reference
    check.score = None if result.score is None else Decimal(str(result.score))
    check.evidence_reference = result.evidence_reference
    if result.state == "passed":
        registration = await session.get_one(Registration, check.registration_id)
        if await _is_blocked(session, vault, registration):
            await settle(session, check, "failed", "member_blocked", SYSTEM, at)
            return
        await settle(session, check, "passed", None, SYSTEM, at, back_to=None)
        await complete(
            session,
            vault,
            registration,
            verified_by="vendor",
            route="vendor",
            actor=SYSTEM,
            now=now,
        )
    elif result.state == "failed":
        await settle(session, check, "failed", result.code or "mismatch", SYSTEM, at)
    elif result.state == "expired":
        await settle(session, check, "expired", "timed_out", SYSTEM, at)


async def _is_blocked(session: AsyncSession, vault: Vault, registration: Registration) -> bool:
    """Whether the document is that of somebody whose death was confirmed."""
    value = claimed_identity(vault, registration).document.index_value
    person = await verified_person(session, vault, value)
    return person is not None and person.blocked_at is not None


async def settle(
    session: AsyncSession,
    check: IdentityCheck,
    status: str,
    reason: str | None,
    actor: Principal,
    at: datetime,
    *,
    back_to: str | None = "submitted",
) -> None:
    """End a check; unless it passed, its registration may be corrected and tried again."""
    check.reason_code, check.answered_at = reason, at
    await move(
        session,
        IDENTITY_CHECK,
        check,
        status,
        actor=actor,
        at=at,
        on_behalf_of=check.account_id,
        reason_code=reason,
    )
    await audit.record(
        session,
        actor,
        f"identity_check.{status}",
        subject="identity_check",
        subject_ids=[check.id, check.registration_id],
        on_behalf_of=check.account_id,
        details={"reason": reason} if reason else None,
    )
    if back_to is not None:
        registration = await session.get_one(Registration, check.registration_id)
        await move(session, REGISTRATION, registration, back_to, actor=actor, at=at)


async def end_running_check(
    session: AsyncSession, registration: Registration, actor: Principal, at: datetime
) -> None:
    """A caseworker looked at the card: nobody needs the face any more."""
    check = await queries.live_check(session, registration.id)
    if check is not None:
        await settle(session, check, "expired", "attested", actor, at, back_to=None)
