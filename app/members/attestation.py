"""The equal route without a face: a caseworker has the card in hand."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.clock import business_day
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, NotFound
from app.kernel.text import Text
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault
from app.members import queries
from app.members.check_answers import end_running_check
from app.members.completion import claimed_identity, complete
from app.members.entry import read_identity
from app.members.errors import AttestationDiffers, RegistrationIncomplete
from app.members.matching import Identity
from app.members.models import IDENTITY_CHECK, IdentityCheck, Member, Registration
from app.members.schemas import AttestationBody

DIFFERS = Text(
    "与登记内容不一致，请对照证件核对", "Differs from the registration; compare the card."
)


async def attest(
    session: AsyncSession,
    vault: Vault,
    caller: Principal,
    registration_id: UUID,
    body: AttestationBody,
    now: datetime,
    at: datetime,
) -> Member:
    """Complete a registration whose card the caller has seen and entered again.

    Raises NotFound (404) for an unknown or finished one, AttestationDiffers (422) naming
    what differs, RegistrationIncomplete (409), NameDiffers (409).
    """
    registration = await queries.locked_registration(session, registration_id)
    if registration is None or registration.status in ("completed", "abandoned"):
        raise NotFound
    seen = read_identity(body.name, body.document, None, business_day(now))
    if registration.status == "draft":
        raise RegistrationIncomplete(["registration"])
    _compare(seen, claimed_identity(vault, registration))
    return await attest_registration(session, vault, caller, registration, now, at)


def _compare(seen: Identity, claimed: Identity) -> None:
    pairs = (
        ("/document/number", "document-differs", seen.document, claimed.document),
        ("/name", "name-differs", seen.name_value, claimed.name_value),
    )
    errors = [
        FieldError(pointer, code, DIFFERS)
        for pointer, code, one, other in pairs
        if _plain(one) != _plain(other)
    ]
    if errors:
        raise AttestationDiffers(errors=errors)


def _plain(value: object) -> str:
    return str(getattr(value, "index_value", value))


async def attest_registration(
    session: AsyncSession,
    vault: Vault,
    caller: Principal,
    registration: Registration,
    now: datetime,
    at: datetime,
) -> Member:
    """Record the attestation of a locked, submitted registration and complete it."""
    await end_running_check(session, registration, caller, at)
    check = IdentityCheck(
        id=new_id(),
        registration_id=registration.id,
        account_id=registration.account_id,
        route="attestation",
        status="requested",
        attested_by=caller.id,
        requested_at=at,
        deadline_at=at,
        answered_at=at,
    )
    begin(session, IDENTITY_CHECK, check, actor=caller, at=at)
    await move(session, IDENTITY_CHECK, check, "passed", actor=caller, at=at)
    await audit.record(
        session,
        caller,
        "registration.attest",
        subject="registration",
        subject_ids=[registration.id, check.id],
        on_behalf_of=registration.account_id,
    )
    return await complete(
        session,
        vault,
        registration,
        verified_by="attestation",
        route="attestation",
        actor=caller,
        now=now,
    )
