"""The second factor: what a caseworker wrote down with the card in hand, typed again.

Name, number and the proven phone must all equal the attested ones (domain.md, "an equal
non-face route must exist"). A person whom only the vendor verified is not found this way.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.database import raw_connection
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault
from app.members import statements
from app.members.completion import complete, document_of
from app.members.models import IDENTITY_CHECK, IdentityCheck, Registration
from app.members.schemas import RegistrationView
from app.members.views import registration_view
from app.settings import Settings


async def attested_before(
    session: AsyncSession, vault: Vault, registration: Registration, caller: Principal
) -> bool:
    record = vault.open("registration", registration.id, registration.sealed)
    document = document_of(registration.document_type, record)
    if document is None:
        return False
    connection = await raw_connection(session)
    found = await connection.fetchval(
        statements.ATTESTED_PERSON,
        caller.id,
        vault.blind_index_candidates("document", document.index_value),
        vault.blind_index_candidates("name", record["name"].casefold()),
    )
    return found is not None


async def attach(
    session: AsyncSession,
    vault: Vault,
    settings: Settings,
    caller: Principal,
    registration_id: UUID,
    now: datetime,
    at: datetime,
) -> RegistrationView:
    """Attach the account: a caseworker wrote down this name, number and phone together."""
    registration = await session.get_one(Registration, registration_id, with_for_update=True)
    check = IdentityCheck(
        id=new_id(),
        registration_id=registration_id,
        account_id=caller.id,
        route="attested_phone",
        status="requested",
        requested_at=at,
        deadline_at=at,
        answered_at=at,
    )
    begin(session, IDENTITY_CHECK, check, actor=caller, at=at)
    await move(session, IDENTITY_CHECK, check, "passed", actor=caller, at=at)
    await complete(
        session,
        vault,
        registration,
        verified_by="attestation",
        route="attested_phone",
        actor=caller,
        now=now,
    )
    return await registration_view(session, vault, settings, registration, at)
