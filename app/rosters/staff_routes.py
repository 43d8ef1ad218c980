"""Agreements with partners, for administrators and supervisors who manage them."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from app.kernel.api_document import refused
from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import (
    CursorParameter,
    Page,
    PageSize,
    decode_cursor,
    encode_cursor,
    page_of,
)
from app.kernel.principal import Principal, Staff, require
from app.kernel.routing import router
from app.organisations.partners import visible_partner
from app.rosters import agreements, queries
from app.rosters.schemas import AgreementEnd, AgreementView, NewAgreement

routes = router("rosters")

AgreementMaker = Annotated[Principal, Depends(require("staff", "administrator", "supervisor"))]


@routes.post(
    "/v1/staff/partners/{partner_id}/agreements", status_code=201, response_model=AgreementView
)
async def make_agreement(
    maker: AgreementMaker,
    keyed: KeyedDep,
    partner_id: UUID,
    body: NewAgreement,
    session: SessionDep,
    now: NowDep,
) -> Response:
    """Agree with a partner on what each rider of its rosters is given; one per plan and day."""
    agreement = await agreements.make_agreement(
        session, maker, partner_id, **body.model_dump(), now=now
    )
    return await keyed.reply(201, AgreementView.model_validate(agreement))


@routes.post(
    "/v1/staff/partners/{partner_id}/agreements/{agreement_id}/end", responses=refused(409)
)
async def end_agreement(
    maker: AgreementMaker,
    partner_id: UUID,
    agreement_id: UUID,
    body: AgreementEnd,
    session: SessionDep,
    now: NowDep,
) -> AgreementView:
    """Set the last day on which rosters give new cover; cover that was given goes on."""
    agreement = await agreements.end_agreement(
        session, maker, partner_id, agreement_id, body.last_day, now
    )
    return AgreementView.model_validate(agreement)


@routes.get("/v1/staff/partners/{partner_id}/agreements")
async def list_agreements(
    staff: Staff,
    partner_id: UUID,
    session: SessionDep,
    vault: VaultDep,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[AgreementView]:
    """A partner's agreements, the newest first."""
    await visible_partner(session, staff, partner_id)
    listing = f"agreements:{partner_id}"
    after = decode_cursor(vault, listing, cursor)
    rows = await queries.agreements_page(
        session, partner_id, UUID(after[0]) if after else None, limit
    )
    return page_of(
        rows,
        limit,
        AgreementView.model_validate,
        lambda row: encode_cursor(vault, listing, [str(row.id)]),
    )
