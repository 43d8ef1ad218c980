"""Certificates: the member's download, and the check that is open to everybody."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path, Request, Response

from app.access.addresses import client_address
from app.kernel import rate
from app.kernel.api_document import refused
from app.kernel.database import DatabaseDep, SessionDep
from app.kernel.dependencies import NowDep, SettingsDep, VaultDep
from app.kernel.principal import Member
from app.kernel.routing import router
from app.kernel.text import preferred_language
from app.policies.certificate import Kind, prepare, render
from app.policies.check import check_certificate, check_page, not_found_page
from app.policies.errors import PolicyNotFound
from app.policies.schemas import CertificateCheck

routes = router("certificates")
Number = Annotated[str, Path(max_length=32, description="As printed.", examples=["P4T9K2M7XQ18"])]
MEDIA = {"pdf": "application/pdf", "png": "image/png"}
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Robots-Tag": "noindex",
}
CHECKS_PER_MINUTE = 60


async def _limited(request: Request, database: DatabaseDep, vault: VaultDep) -> None:
    """Numbers cannot be guessed; this keeps the trying cheap for us."""
    bucket = vault.mac("certificate-check", client_address(request).encode())
    await rate.limit(database, bucket, at_most=CHECKS_PER_MINUTE, per=timedelta(minutes=1))


Limited = Annotated[None, Depends(_limited)]


@routes.get(
    "/v1/me/policies/{policy_id}/certificate.{kind}",
    response_class=Response,
    responses={
        200: {
            "description": "The certificate.",
            "content": {media: {"schema": {"type": "string"}} for media in MEDIA.values()},
        },
        **refused(409),
    },
)
async def download_certificate(
    member: Member,
    database: DatabaseDep,
    vault: VaultDep,
    settings: SettingsDep,
    policy_id: Annotated[UUID, Path(description="The policy's id.")],
    kind: Annotated[Kind, Path(description="`pdf` or `png`.")],
) -> Response:
    """The certificate of my policy, for printing or for showing on a phone."""
    async with database.transaction() as session:
        certificate = await prepare(session, vault, member, policy_id, settings)
    content = await render(certificate, kind)
    disposition = f'inline; filename="{certificate.number}.{kind}"'
    return Response(content, media_type=MEDIA[kind], headers={"Content-Disposition": disposition})


@routes.get("/v1/certificates/{number}")
async def check_certificate_number(
    session: SessionDep, vault: VaultDep, now: NowDep, number: Number, _limit: Limited
) -> CertificateCheck:
    """Whether a certificate is genuine; public. Names are masked, nothing else is shown."""
    return await check_certificate(session, vault, number, now)


@routes.get(
    "/certificates/{number}",
    response_class=Response,
    responses={
        200: {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}},
        404: {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}},
    },
)
async def show_certificate_page(
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    number: Number,
    _limit: Limited,
    accept_language: Annotated[str | None, Header()] = None,
) -> Response:
    """The page that a certificate's QR code opens; in Chinese, or in English on request."""
    language = preferred_language(accept_language)
    try:
        page, status = (
            check_page(await check_certificate(session, vault, number, now), language),
            200,
        )
    except PolicyNotFound:
        page, status = not_found_page(language), 404
    return Response(page, status, PAGE_HEADERS, media_type="text/html; charset=utf-8")
