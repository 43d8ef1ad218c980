"""A member's own relief: proposals that nobody asked for, taken up or not."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Request, Response

from app.documents.desk import DeskDep
from app.documents.multipart import multipart_body, read_form
from app.documents.schemas import BlobLinkView, ViewRequest
from app.integrations.outside import OutsideDep
from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.idempotency import KeyDep, KeyedDep
from app.kernel.pagination import CursorParameter, Page, PageSize
from app.kernel.principal import Member
from app.kernel.routing import router
from app.payouts.schemas import PayoutView
from app.payouts.service import view_payout
from app.relief import applying, listing, papers, paying, views
from app.relief.bodies import ApplicationBody
from app.relief.schemas import CaseLine, CaseView

routes = router("relief")

CaseId = Annotated[UUID, Path(description="The case's id.")]


@routes.get("/v1/me/relief-cases")
async def list_own_relief_cases(
    member: Member,
    session: SessionDep,
    vault: VaultDep,
    cursor: CursorParameter = None,
    limit: PageSize = 20,
) -> Page[CaseLine]:
    """Your relief, newest first; `proposed` are those that only wait for your word."""
    return await listing.page_of_own_cases(session, vault, member, cursor, limit)


@routes.get("/v1/me/relief-cases/{case_id}")
async def get_own_relief_case(
    member: Member, session: SessionDep, vault: VaultDep, now: NowDep, case_id: CaseId
) -> CaseView:
    """One case: what it may come to and why, and what is still needed."""
    return await views.show(session, vault, member, case_id, now)


@routes.post("/v1/me/relief-cases/{case_id}/application", response_model=CaseView)
async def apply_for_relief(
    member: Member,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    case_id: CaseId,
    body: ApplicationBody,
) -> Response:
    """Take a proposal up: your consent, your statements, and the documents it names. What
    your claims of the year already hold is not asked for again.
    """
    case = await applying.apply_by_member(session, vault, member, case_id, body, now)
    return await keyed.reply(200, await views.shown(session, vault, member, case, now))


@routes.post("/v1/me/relief-cases/{case_id}/withdrawal")
async def withdraw_relief_case(
    member: Member, session: SessionDep, vault: VaultDep, now: NowDep, case_id: CaseId
) -> CaseView:
    """You do not want it: nothing is asked of you any more."""
    case = await applying.withdraw(session, member, case_id, now)
    return await views.shown(session, vault, member, case, now)


@routes.post(
    "/v1/me/relief-cases/{case_id}/documents",
    status_code=201,
    response_model=CaseView,
    openapi_extra=multipart_body(),
)
async def send_relief_document(
    member: Member, desk: DeskDep, key: KeyDep, request: Request, case_id: CaseId
) -> Response:
    """Send one document of up to 8 MiB."""
    form = await read_form(request)
    claim = key.claim(form.digest)
    return claim.respond(201, await papers.send_whole(desk, claim, member, case_id, form))


@routes.delete("/v1/me/relief-cases/{case_id}/documents/{document_id}")
async def remove_relief_document(
    member: Member,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    case_id: CaseId,
    document_id: UUID,
) -> CaseView:
    """Take a document back before the board has the case."""
    case = await papers.take_back(session, member, case_id, document_id, now)
    return await views.shown(session, vault, member, case, now)


@routes.post("/v1/me/relief-cases/{case_id}/documents/{document_id}/view")
async def view_own_relief_document(
    member: Member,
    session: SessionDep,
    vault: VaultDep,
    case_id: CaseId,
    document_id: UUID,
    body: ViewRequest,
) -> BlobLinkView:
    """A link that opens one of your documents once, within a minute."""
    return await papers.give_view(session, vault, member, case_id, document_id, body.variant)


@routes.get("/v1/me/relief-cases/{case_id}/payout")
async def get_relief_payout(
    member: Member, session: SessionDep, vault: VaultDep, outside: OutsideDep, case_id: CaseId
) -> PayoutView:
    """Where your money is. While it waits for you, `confirmation` opens WeChat's page."""
    case = await applying.find(session, member, case_id)
    payout = await paying.payout_of_case(session, case)
    return view_payout(vault, payout, outside.wechat_pay.transfer_parameters)


@routes.post("/v1/me/relief-cases/{case_id}/payout", status_code=201, response_model=PayoutView)
async def request_relief_payout(
    member: Member,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    case_id: CaseId,
) -> Response:
    """Ask for the money again, after a payout failed or was not confirmed in time."""
    case = await applying.find(session, member, case_id, lock=True)
    await paying.pay_again(session, member, case, now)
    payout = await paying.payout_of_case(session, case)
    return await keyed.reply(201, view_payout(vault, payout))
