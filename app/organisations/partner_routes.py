"""Partner platforms and their OAuth clients, for administrators."""

from datetime import timedelta
from uuid import UUID

from fastapi import Response

from app.access.models import PartnerClient
from app.kernel.api_document import refused
from app.kernel.clock import system_now
from app.kernel.database import SessionDep
from app.kernel.dependencies import VaultDep
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import (
    CursorParameter,
    Page,
    PageSize,
    decode_cursor,
    encode_cursor,
    page_of,
)
from app.kernel.principal import Administrator, Staff
from app.kernel.routing import router
from app.organisations import partners, queries
from app.organisations.schemas import (
    NewPartner,
    NewPartnerClient,
    PartnerClientView,
    PartnerSecretView,
    PartnerView,
    SecretRotation,
)

routes = router("partners")


def _secret_view(client: PartnerClient, secret: str) -> PartnerSecretView:
    view = PartnerClientView.model_validate(client)
    return PartnerSecretView(client=view, client_secret=secret)


@routes.post("/v1/staff/partners", status_code=201, response_model=PartnerView)
async def create_partner(
    administrator: Administrator, body: NewPartner, keyed: KeyedDep, session: SessionDep
) -> Response:
    """Add a partner platform managed by an organisation of the caller's subtree."""
    row = await partners.create_partner(
        session, administrator, **body.model_dump(), now=system_now()
    )
    return await keyed.reply(201, PartnerView.model_validate(row))


@routes.get("/v1/staff/partners")
async def list_partners(
    staff: Staff,
    session: SessionDep,
    vault: VaultDep,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[PartnerView]:
    """The partners of the caller's subtree, by name."""
    listing = f"partners:{staff.id}"
    after = decode_cursor(vault, listing, cursor)
    query = queries.page_of_partners(staff, after=after, limit=limit)
    rows = (await session.scalars(query)).all()
    return page_of(
        rows,
        limit,
        PartnerView.model_validate,
        lambda row: encode_cursor(vault, listing, [row.name, str(row.id)]),
    )


@routes.get("/v1/staff/partners/{partner_id}")
async def read_partner(staff: Staff, partner_id: UUID, session: SessionDep) -> PartnerView:
    """One partner of the caller's subtree."""
    row = await partners.visible_partner(session, staff, partner_id)
    return PartnerView.model_validate(row)


@routes.post("/v1/staff/partners/{partner_id}/suspend", responses=refused(409))
async def suspend_partner(
    administrator: Administrator, partner_id: UUID, session: SessionDep
) -> PartnerView:
    """Shut a partner out; all its tokens are dead on every process within five seconds."""
    row = await partners.suspend_partner(session, administrator, partner_id, system_now())
    return PartnerView.model_validate(row)


@routes.post("/v1/staff/partners/{partner_id}/reinstate", responses=refused(409))
async def reinstate_partner(
    administrator: Administrator, partner_id: UUID, session: SessionDep
) -> PartnerView:
    """Undo a suspension; the partner's clients get tokens again."""
    row = await partners.reinstate_partner(session, administrator, partner_id, system_now())
    return PartnerView.model_validate(row)


@routes.post(
    "/v1/staff/partners/{partner_id}/clients",
    status_code=201,
    response_model=PartnerSecretView,
)
async def create_partner_client(
    administrator: Administrator,
    partner_id: UUID,
    body: NewPartnerClient,
    keyed: KeyedDep,
    session: SessionDep,
) -> Response:
    """Give a partner an OAuth client; only this answer, and its replay, shows the secret."""
    client, secret = await partners.add_client(
        session, administrator, partner_id, expires_at=body.expires_at, now=system_now()
    )
    return await keyed.reply(201, _secret_view(client, secret))


@routes.get("/v1/staff/partners/{partner_id}/clients")
async def list_partner_clients(
    administrator: Administrator,
    partner_id: UUID,
    session: SessionDep,
    vault: VaultDep,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[PartnerClientView]:
    """Every OAuth client that the partner ever had, without secrets, oldest first."""
    listing = f"partner-clients:{partner_id}"
    after = decode_cursor(vault, listing, cursor)
    rows = await partners.list_clients(
        session, administrator, partner_id, UUID(after[0]) if after else None, limit
    )
    return page_of(
        rows,
        limit,
        PartnerClientView.model_validate,
        lambda row: encode_cursor(vault, listing, [str(row.id)]),
    )


@routes.post(
    "/v1/staff/partners/{partner_id}/clients/{client_row_id}/rotate",
    response_model=PartnerSecretView,
)
async def rotate_partner_secret(
    administrator: Administrator,
    partner_id: UUID,
    client_row_id: UUID,
    body: SecretRotation,
    keyed: KeyedDep,
    session: SessionDep,
) -> Response:
    """Replace a client's secret; the former one works during the overlap."""
    client, secret = await partners.rotate_client(
        session,
        administrator,
        partner_id,
        client_row_id,
        overlap=timedelta(hours=body.overlap_hours),
        now=system_now(),
    )
    return await keyed.reply(200, _secret_view(client, secret))


@routes.delete("/v1/staff/partners/{partner_id}/clients/{client_row_id}", status_code=204)
async def disable_partner_client(
    administrator: Administrator, partner_id: UUID, client_row_id: UUID, session: SessionDep
) -> None:
    """End a client for good; its tokens are dead on every process within five seconds."""
    await partners.disable_client(session, administrator, partner_id, client_row_id, system_now())
