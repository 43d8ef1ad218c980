"""Partner platforms and their OAuth clients, managed by the organisation responsible."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import partner_clients
from app.access.models import PartnerClient
from app.kernel import audit
from app.kernel.ids import new_id
from app.kernel.pagination import keyset
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, NotFound, Unprocessable
from app.kernel.text import Text
from app.kernel.transitions import begin, move
from app.organisations import queries
from app.organisations.errors import PartnerSuspended
from app.organisations.models import PARTNER, Partner
from app.organisations.service import managed_reference

EXPIRED_ALREADY = Text("失效时间须在将来", "It must expire in the future.")


async def create_partner(
    session: AsyncSession,
    principal: Principal,
    *,
    organisation_id: UUID,
    name: str,
    uscc: str,
    now: datetime,
) -> Partner:
    """A partner managed by an organisation of the administrator's subtree (422 otherwise)."""
    await managed_reference(session, principal, organisation_id, "/organisation_id")
    partner = Partner(
        id=new_id(),
        name=name,
        uscc=uscc,
        organisation_id=organisation_id,
        status="active",
        version=1,
        created_at=now,
    )
    begin(session, PARTNER, partner, actor=principal, at=now)
    await session.flush()
    await _record(session, principal, "create", partner)
    return partner


async def visible_partner(session: AsyncSession, principal: Principal, partner_id: UUID) -> Partner:
    """A partner that the principal manages; raises NotFound (404) for any other."""
    query = queries.visible_partners(principal).where(Partner.id == partner_id)
    found = await session.scalar(query)
    if found is None:
        raise NotFound
    return found


async def suspend_partner(
    session: AsyncSession, principal: Principal, partner_id: UUID, now: datetime
) -> Partner:
    """No tokens any more, living ones die within seconds. Raises NotFound, InvalidTransition."""
    partner = await visible_partner(session, principal, partner_id)
    await move(session, PARTNER, partner, "suspended", actor=principal, at=now)
    partner.version += 1
    await session.flush()
    await partner_clients.suspend_clients(session, partner.id, now)
    await _record(session, principal, "suspend", partner)
    return partner


async def reinstate_partner(
    session: AsyncSession, principal: Principal, partner_id: UUID, now: datetime
) -> Partner:
    """Undo a suspension; the clients work again. Raises NotFound, InvalidTransition."""
    partner = await visible_partner(session, principal, partner_id)
    await move(session, PARTNER, partner, "active", actor=principal, at=now)
    partner.version += 1
    await session.flush()
    await partner_clients.reinstate_clients(session, partner.id)
    await _record(session, principal, "reinstate", partner)
    return partner


async def add_client(
    session: AsyncSession,
    principal: Principal,
    partner_id: UUID,
    *,
    expires_at: datetime | None,
    now: datetime,
) -> tuple[PartnerClient, str]:
    """A client and its secret, shown once. Raises NotFound, PartnerSuspended (409)."""
    partner = await visible_partner(session, principal, partner_id)
    if partner.status != "active":
        raise PartnerSuspended
    if expires_at is not None and expires_at <= now:
        message = FieldError("/expires_at", "expired-already", EXPIRED_ALREADY)
        raise Unprocessable(errors=[message])
    return await partner_clients.create_client(
        session,
        partner_id=partner.id,
        organisation_id=partner.organisation_id,
        expires_at=expires_at,
        actor=principal,
        now=now,
    )


async def list_clients(
    session: AsyncSession, principal: Principal, partner_id: UUID, after: UUID | None, limit: int
) -> Sequence[PartnerClient]:
    """Clients that the partner ever had, oldest first, one row more than `limit`; NotFound."""
    await visible_partner(session, principal, partner_id)
    query = queries.clients_of_visible_partners(principal, partner_id)
    return (await session.scalars(keyset(query, PartnerClient.id, after, limit))).all()


async def rotate_client(
    session: AsyncSession,
    principal: Principal,
    partner_id: UUID,
    client_row_id: UUID,
    *,
    overlap: timedelta,
    now: datetime,
) -> tuple[PartnerClient, str]:
    """A new secret; the former one works until the overlap has passed. Raises NotFound."""
    client = await _client(session, principal, partner_id, client_row_id)
    secret = await partner_clients.rotate_secret(
        session, client, overlap=overlap, actor=principal, now=now
    )
    return client, secret


async def disable_client(
    session: AsyncSession,
    principal: Principal,
    partner_id: UUID,
    client_row_id: UUID,
    now: datetime,
) -> None:
    """End a client for good; its tokens die within seconds. Raises NotFound."""
    client = await _client(session, principal, partner_id, client_row_id)
    await partner_clients.disable_client(session, client, actor=principal, now=now)


async def _client(
    session: AsyncSession, principal: Principal, partner_id: UUID, client_row_id: UUID
) -> PartnerClient:
    query = queries.clients_of_visible_partners(principal, partner_id)
    found = await session.scalar(
        query.where(PartnerClient.id == client_row_id).with_for_update(of=PartnerClient)
    )
    if found is None or found.disabled_at is not None:
        raise NotFound
    return found


async def _record(session: AsyncSession, principal: Principal, verb: str, row: Partner) -> None:
    await audit.record(
        session, principal, f"partner.{verb}", subject="partner", subject_ids=[row.id]
    )
