"""A member's look at their own data."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.member_accounts import contact_of, person_id_of
from app.kernel import audit
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.members import queries
from app.members.models import Person
from app.members.names import mask_name
from app.members.phones import mask_phone
from app.members.schemas import MeView
from app.members.views import member_short, person_document


async def read_me(session: AsyncSession, vault: Vault, caller: Principal) -> MeView:
    """Account, registration and, once proven, person and membership; all masked."""
    phone, _ = await contact_of(session, vault, caller.id)
    registration = await queries.latest_registration(session, caller.id)
    person_id = await person_id_of(session, caller.id)
    person = await session.get(Person, person_id) if person_id else None
    member = await queries.member_of_person(session, person_id) if person_id else None
    shown = [caller.id] if person_id is None else [caller.id, person_id]
    await audit.record(
        session, caller, "member_account.read", subject="member_account", subject_ids=shown
    )
    view = MeView(
        account_id=caller.id,
        phone_masked=mask_phone(phone),
        registration_status=registration.status if registration else None,
    )
    if person is None:
        return view
    name, document, _ = person_document(vault, person)
    return view.model_copy(
        update={
            "member": member_short(member) if member else None,
            "name_masked": mask_name(name),
            "document": document,
            "verified_at": person.verified_at,
            "joined_at": member.joined_at if member else None,
        }
    )
