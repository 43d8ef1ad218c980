"""Moratoriums: days on which no cover ends, declared by a supervisor."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Response

from app.kernel.api_document import refused
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
from app.kernel.principal import Staff, Supervisor
from app.kernel.routing import router
from app.policies import moratoriums
from app.policies.change_schemas import MoratoriumBody, MoratoriumChange, MoratoriumView

routes = router("policies")
MoratoriumId = Annotated[UUID, Path(description="The moratorium's id.")]


@routes.post("/v1/staff/moratoriums", status_code=201, response_model=MoratoriumView)
async def declare_moratorium(
    supervisor: Supervisor, body: MoratoriumBody, keyed: KeyedDep, session: SessionDep, now: NowDep
) -> Response:
    """Declare that no cover managed in an organisation's subtree ends on these days.

    Cover that would end inside them lasts to the end of the last day, unless it was
    renewed; grace days count from the new end, and nothing lapses meanwhile.
    """
    row = await moratoriums.declare(session, supervisor, body, now)
    return await keyed.reply(201, MoratoriumView.model_validate(row), etag=etag_of(row))


@routes.get("/v1/staff/moratoriums")
async def list_moratoriums(
    staff: Staff,
    session: SessionDep,
    vault: VaultDep,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[MoratoriumView]:
    """Those in my subtree and those above that reach it, the newest first."""
    listing = f"moratoriums:{staff.id}"
    after = decode_cursor(vault, listing, cursor)
    rows = await moratoriums.page(session, staff, UUID(after[0]) if after else None, limit)
    return page_of(
        rows,
        limit,
        MoratoriumView.model_validate,
        lambda row: encode_cursor(vault, listing, [str(row.id)]),
    )


@routes.get("/v1/staff/moratoriums/{moratorium_id}")
async def read_moratorium(
    staff: Staff, session: SessionDep, moratorium_id: MoratoriumId, response: Response
) -> MoratoriumView:
    """One that concerns me; its ETag is for changing it."""
    row = await moratoriums.find(session, staff, moratorium_id)
    response.headers["ETag"] = etag_of(row)
    return MoratoriumView.model_validate(row)


@routes.patch("/v1/staff/moratoriums/{moratorium_id}", responses=refused(409))
async def change_moratorium(
    supervisor: Supervisor,
    body: MoratoriumChange,
    session: SessionDep,
    now: NowDep,
    moratorium_id: MoratoriumId,
    response: Response,
    if_match: IfMatch = None,
) -> MoratoriumView:
    """Move the last day, not into the past; what was extended before stays extended.

    `If-Match` must carry the ETag of the last reading (412 when somebody else was first).
    """
    row = await moratoriums.change(
        session, supervisor, moratorium_id, body.last_day, version_of(if_match), now
    )
    response.headers["ETag"] = etag_of(row)
    return MoratoriumView.model_validate(row)


@routes.post("/v1/staff/moratoriums/{moratorium_id}/withdrawal", responses=refused(409))
async def withdraw_moratorium(
    supervisor: Supervisor, session: SessionDep, now: NowDep, moratorium_id: MoratoriumId
) -> MoratoriumView:
    """Extend nothing more from now on; what was extended stays. Again it changes nothing."""
    row = await moratoriums.withdraw(session, supervisor, moratorium_id, now)
    return MoratoriumView.model_validate(row)
