"""Scanning a code; making, showing and revoking codes; enrolling riders on site."""

from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query, Request, Response

from app.enrolment import codes, on_site
from app.enrolment.errors import MiniProgramCodeUnavailable
from app.enrolment.scanning import ScanDesk
from app.enrolment.schemas import (
    EnrolmentCodeBody,
    EnrolmentCodeView,
    OnSiteAnswers,
    OnSiteBatch,
    ScanView,
)
from app.integrations.errors import OutsideError
from app.integrations.outside import OutsideDep
from app.kernel.api_document import refused
from app.kernel.audit import request_id
from app.kernel.clock import system_now
from app.kernel.database import DatabaseDep, SessionDep
from app.kernel.dependencies import NowDep, SettingsDep, VaultDep
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import CursorParameter, Page, PageSize
from app.kernel.principal import Caseworker, Staff
from app.kernel.rendering import database_problem
from app.kernel.routing import hot_router, router
from app.kernel.text import preferred_language

scan_routes = hot_router("enrolment")
routes = router("enrolment")

MINI_PROGRAM_PAGE = "pages/enrol/index"
Code = Annotated[
    str, Path(description="Capitals or not, O and I read as 0 and 1.", examples=["7K3M9QX2R8TWJ"])
]


@scan_routes.get(
    "/v1/enrolment-codes/{code}",
    response_model=ScanView,
    responses=refused(410),
)
async def scan_enrolment_code(request: Request, code: Code) -> Response:
    """The scan: site, plans with prices and the consents to show; public.

    An altered code is 404, an expired or revoked one 410.
    """
    desk: ScanDesk = request.app.state.scan_desk
    return Response(await desk.scan(code), media_type="application/json")


@routes.post("/v1/staff/enrolment-codes", status_code=201, response_model=EnrolmentCodeView)
async def create_enrolment_code(
    caseworker: Caseworker,
    body: EnrolmentCodeBody,
    keyed: KeyedDep,
    session: SessionDep,
    settings: SettingsDep,
    now: NowDep,
) -> Response:
    """Make a code for a site that you manage; its images are under it."""
    view = await codes.create_code(
        session, caseworker, body, settings.public_base_url, now, system_now()
    )
    return await keyed.reply(201, view)


@routes.get("/v1/staff/enrolment-codes")
async def list_enrolment_codes(
    staff: Staff,
    session: SessionDep,
    vault: VaultDep,
    settings: SettingsDep,
    site_id: Annotated[UUID | None, Query(description="Only the codes of this site.")] = None,
    cursor: CursorParameter = None,
    limit: PageSize = 50,
) -> Page[EnrolmentCodeView]:
    """Codes of the sites that you manage, newest first, with their scans."""
    return await codes.list_codes(
        session,
        vault,
        staff,
        site_id=site_id,
        cursor=cursor,
        limit=limit,
        base_url=settings.public_base_url,
        at=system_now(),
    )


@routes.get("/v1/staff/enrolment-codes/{code_id}")
async def read_enrolment_code(
    staff: Staff, code_id: UUID, session: SessionDep, settings: SettingsDep
) -> EnrolmentCodeView:
    """One code with its state and scans."""
    code = await codes.visible_code(session, staff, code_id)
    return codes.code_view(code, settings.public_base_url, system_now())


@routes.post(
    "/v1/staff/enrolment-codes/{code_id}/revocation",
    status_code=201,
    response_model=EnrolmentCodeView,
)
async def revoke_enrolment_code(
    caseworker: Caseworker,
    code_id: UUID,
    keyed: KeyedDep,
    session: SessionDep,
    settings: SettingsDep,
) -> Response:
    """Stop a code: whoever scans it from now on is told that it is gone (410)."""
    view = await codes.revoke_code(
        session, caseworker, code_id, settings.public_base_url, system_now()
    )
    return await keyed.reply(201, view)


@routes.get(
    "/v1/staff/enrolment-codes/{code_id}/image.{kind}",
    response_class=Response,
    responses={200: {"content": {"image/png": {}, "image/svg+xml": {}}}},
)
async def draw_enrolment_code(
    staff: Staff,
    code_id: UUID,
    kind: Annotated[Literal["png", "svg"], Path(description="The image's format.")],
    session: SessionDep,
    settings: SettingsDep,
) -> Response:
    """The QR image to print: PNG, or SVG for any size."""
    code = await codes.visible_code(session, staff, code_id)
    content = codes.picture(codes.url_of(code.code, settings.public_base_url), kind)
    return Response(content, media_type="image/png" if kind == "png" else "image/svg+xml")


@routes.get(
    "/v1/staff/enrolment-codes/{code_id}/mini-program-code",
    response_class=Response,
    responses={200: {"content": {"image/png": {}, "image/jpeg": {}}}},
)
async def draw_mini_program_code(
    staff: Staff, code_id: UUID, database: DatabaseDep, outside: OutsideDep
) -> Response:
    """The round code that opens the mini-program, made by WeChat; the code is its scene."""
    async with database.transaction() as session:
        code = (await codes.visible_code(session, staff, code_id)).code
    try:
        content = await outside.wechat.mini_program_code(code, MINI_PROGRAM_PAGE)
    except OutsideError as error:
        raise MiniProgramCodeUnavailable from error
    is_png = content.startswith(b"\x89PNG")
    return Response(content, media_type="image/png" if is_png else "image/jpeg")


@routes.post("/v1/staff/enrolments", status_code=200, response_model=OnSiteAnswers)
async def enrol_on_site(
    caseworker: Caseworker,
    body: OnSiteBatch,
    keyed: KeyedDep,
    session: SessionDep,
    now: NowDep,
    request: Request,
) -> Response:
    """Enrol up to 50 riders standing there, each answered on its own.

    You attest having seen each card. Safe to repeat in any batch: a `client_ref` that was
    taken before gets its first answer again. A refused item leaves nothing behind.
    """
    desk = on_site.Desk(
        session,
        keyed.vault,
        caseworker,
        now=now,
        at=system_now(),
        explain=partial(database_problem, constraints=request.app.state.constraints),
        language=preferred_language(request.headers.get("accept-language")),
        request_id=request_id(),
    )
    return await keyed.reply(200, OnSiteAnswers(items=await desk.enrol(body.items)))
