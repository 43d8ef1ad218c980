"""Areas and the tree of organisations."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.etags import IfMatch, etag_of, version_of
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
from app.kernel.schema import Day
from app.organisations import queries, service
from app.organisations.schemas import (
    AreaList,
    AreaView,
    KindWord,
    NewOrganisation,
    OrganisationChange,
    OrganisationView,
)

routes = router("organisations")

OnDay = Annotated[Day | None, Query(description="Leave out what is not valid on this day.")]


@routes.get("/v1/areas")
async def list_areas(session: SessionDep, on: OnDay = None) -> AreaList:
    """Districts and counties by GB/T 2260 code, with their validity and successors."""
    rows = (await session.scalars(queries.areas_on(on))).all()
    return AreaList(items=[AreaView.model_validate(row) for row in rows])


@routes.get("/v1/staff/organisations")
async def list_organisations(
    staff: Staff,
    session: SessionDep,
    vault: VaultDep,
    parent_id: Annotated[UUID | None, Query(description="Only its children.")] = None,
    kind: Annotated[KindWord | None, Query(description="Only this kind.")] = None,
    on: OnDay = None,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[OrganisationView]:
    """The organisations that the caller manages, oldest first; `parent_id` walks the tree."""
    listing = f"organisations:{staff.id}:{parent_id}:{kind}:{on}"
    query = queries.page_of_organisations(
        staff,
        parent_id=parent_id,
        kind=kind,
        on=on,
        after=decode_cursor(vault, listing, cursor),
        limit=limit,
    )
    rows = (await session.scalars(query)).all()
    return page_of(
        rows,
        limit,
        OrganisationView.model_validate,
        lambda row: encode_cursor(vault, listing, [str(row.id)]),
    )


@routes.post("/v1/staff/organisations", status_code=201, response_model=OrganisationView)
async def create_organisation(
    administrator: Administrator,
    body: NewOrganisation,
    keyed: KeyedDep,
    session: SessionDep,
    now: NowDep,
) -> Response:
    """Add an agency, unit or site under an organisation that the caller manages."""
    row = await service.create_organisation(session, administrator, **dict(body), now=now)
    return await keyed.reply(201, OrganisationView.model_validate(row), etag=etag_of(row))


@routes.get("/v1/staff/organisations/{organisation_id}")
async def read_organisation(
    staff: Staff, organisation_id: UUID, session: SessionDep, response: Response
) -> OrganisationView:
    """One organisation that the caller manages; its ETag is for changing it."""
    row = await service.visible_organisation(session, staff, organisation_id)
    response.headers["ETag"] = etag_of(row)
    return OrganisationView.model_validate(row)


@routes.patch("/v1/staff/organisations/{organisation_id}")
async def change_organisation(
    administrator: Administrator,
    organisation_id: UUID,
    body: OrganisationChange,
    session: SessionDep,
    now: NowDep,
    response: Response,
    if_match: IfMatch = None,
) -> OrganisationView:
    """Rename, move to another area, or end an organisation, naming its successor.

    `If-Match` must carry the ETag of the last reading (412 when somebody else was first).
    """
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    row = await service.change_organisation(
        session, administrator, organisation_id, changes, version=version_of(if_match), now=now
    )
    response.headers["ETag"] = etag_of(row)
    return OrganisationView.model_validate(row)
