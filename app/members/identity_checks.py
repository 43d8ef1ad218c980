"""Face checks: requested here, carried out by the vendor, answered by callback or poll.

Deadlines go by the system clock, because they are time-outs of another system. The
vendor is called between transactions: the attempt is recorded, the call made, the answer
recorded as a new fact. Without an answer a check stays requested, never verified.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.integrations.errors import OutsideError, Refused
from app.integrations.identity_vendor import IdentityVendor, VendorTicket
from app.kernel import audit
from app.kernel.clock import business_day, day_start, system_now
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.jobs import enqueue
from app.kernel.principal import SYSTEM, Principal
from app.kernel.problems import NotFound
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault
from app.members import queries
from app.members.check_answers import locked, record_result, settle
from app.members.completion import claimed_identity
from app.members.errors import (
    ConsentNeeded,
    FaceCheckUnsupported,
    IdentityCheckRunning,
    IdentityTriesUsedUp,
    RegistrationIncomplete,
)
from app.members.events import FOLLOW_CHECK
from app.members.models import IDENTITY_CHECK, REGISTRATION, IdentityCheck, Registration
from app.members.schemas import IdentityCheckView
from app.members.views import check_view, missing, tries_left
from app.settings import Settings

log = structlog.get_logger("identity")

CALLBACK_PATH = "/v1/identity-vendor/callbacks"
ASK_EVERY = timedelta(seconds=1)
# The vendor's refusals that are about the person's entries, and not about us.
_FAULTS_OF_THE_FORM = ("invalid_number", "unsupported_document")


async def request_check(
    session: AsyncSession,
    vault: Vault,
    settings: Settings,
    caller: Principal,
    now: datetime,
    at: datetime,
) -> IdentityCheckView:
    """Start a try of the registration under way; the worker or the first poll calls the vendor.

    Raises NotFound (404) without a registration, RegistrationIncomplete, ConsentNeeded,
    FaceCheckUnsupported, IdentityCheckRunning (409), IdentityTriesUsedUp (429).
    """
    registration = await queries.live_registration(session, caller.id, lock=True)
    if registration is None:
        raise NotFound
    purposes = {c.purpose for c in await queries.consents_of(session, caller.id)}
    await _refuse_unless_ready(vault, registration, purposes)
    left = await tries_left(session, settings, registration, at)
    if left < 1:
        raise IdentityTriesUsedUp(_until_midnight(at))
    check = IdentityCheck(
        id=new_id(),
        registration_id=registration.id,
        account_id=caller.id,
        route="vendor",
        status="requested",
        requested_at=at,
        deadline_at=at + timedelta(minutes=settings.identity_check_minutes),
    )
    begin(session, IDENTITY_CHECK, check, actor=caller, at=at)
    await move(session, REGISTRATION, registration, "checking", actor=caller, at=now)
    await enqueue(session, FOLLOW_CHECK, {"subject_id": str(check.id)})
    await audit.record(
        session,
        caller,
        "identity_check.request",
        subject="identity_check",
        subject_ids=[check.id, registration.id],
    )
    return check_view(vault, check, left - 1)


def _until_midnight(at: datetime) -> int:
    midnight = day_start(business_day(at) + timedelta(days=1))
    return int((midnight - at).total_seconds()) + 1


async def _refuse_unless_ready(
    vault: Vault, registration: Registration, purposes: set[str]
) -> None:
    if registration.status == "checking":
        raise IdentityCheckRunning
    record = vault.open("registration", registration.id, registration.sealed)
    if lacking := missing(record, purposes):
        raise RegistrationIncomplete(lacking)
    if "face" not in purposes:
        raise ConsentNeeded("face")
    if len(record["document_number"]) != 18:
        raise FaceCheckUnsupported


async def poll_check(
    database: Database,
    vault: Vault,
    vendor: IdentityVendor,
    caller: Principal,
    check_id: UUID,
) -> IdentityCheckView:
    """How the caller's check stands, asking the vendor where that can still tell more.

    A vendor that is slow or away only means that the check is still requested.
    """
    async with database.transaction() as session:
        if await queries.own_check(session, caller.id, check_id) is None:
            raise NotFound
    await advance(database, vault, vendor, check_id)
    async with database.transaction() as session:
        check = await queries.own_check(session, caller.id, check_id)
        if check is None:
            raise NotFound
        registration = await session.get_one(Registration, check.registration_id)
        left = await tries_left(session, database.settings, registration, system_now())
        await audit.record(
            session,
            caller,
            "identity_check.read",
            subject="identity_check",
            subject_ids=[check_id],
        )
        return check_view(vault, check, left)


async def advance(
    database: Database, vault: Vault, vendor: IdentityVendor, check_id: UUID
) -> datetime | None:
    """Take a requested check one step further: start it, ask about it, or let it expire.

    Returns its deadline while it is still requested, None once it is settled.
    """
    at = system_now()
    async with database.transaction() as session:
        check = await locked(session, check_id)
        if check is None or check.status != "requested":
            return None
        if check.deadline_at <= at:
            await settle(session, check, "expired", "timed_out", SYSTEM, at)
            return None
        recently = check.asked_at is not None and check.asked_at > at - ASK_EVERY
        if recently:
            return check.deadline_at
        check.asked_at = at
        reference, deadline = check.vendor_reference, check.deadline_at
        registration = await session.get_one(Registration, check.registration_id)
        identity = claimed_identity(vault, registration) if reference is None else None
    try:
        if identity is not None:
            callback = database.settings.public_base_url.rstrip("/") + CALLBACK_PATH
            ticket = await vendor.start(
                str(check_id), identity.name, identity.document.number, callback
            )
            await _record_start(database, vault, check_id, ticket)
        elif reference is not None:
            await record_result(database, vault, await vendor.result(reference))
    except Refused as refusal:
        if identity is None or refusal.code not in _FAULTS_OF_THE_FORM:
            log.warning("identity vendor refused", code=refusal.code)
            return deadline
        await _record_refusal(database, check_id, refusal.code)
        return None
    except OutsideError as error:
        log.info("identity vendor gave no answer", error=type(error).__name__)
    return deadline


async def _record_start(
    database: Database, vault: Vault, check_id: UUID, ticket: VendorTicket
) -> None:
    async with database.transaction() as session:
        check = await locked(session, check_id)
        if check is None or check.status != "requested":
            return
        check.vendor_reference = ticket.reference
        check.sealed_launch = vault.seal("identity_check", check_id, ticket.launch)
        # What the vendor says next may be asked for at once.
        check.asked_at = None
        await session.flush()


async def _record_refusal(database: Database, check_id: UUID, code: str) -> None:
    async with database.transaction() as session:
        check = await locked(session, check_id)
        if check is not None and check.status == "requested":
            await settle(session, check, "failed", code, SYSTEM, system_now())
