"""Making, listing and revoking enrolment codes, and the pictures of them."""

from datetime import datetime, timedelta
from io import BytesIO
from typing import Literal
from uuid import UUID

import segno
from sqlalchemy.ext.asyncio import AsyncSession

from app.enrolment import queries
from app.enrolment.schemas import EnrolmentCodeBody, EnrolmentCodeView
from app.kernel import audit
from app.kernel.clock import business_day
from app.kernel.ids import new_id
from app.kernel.pagination import Page, decode_cursor, encode_cursor, page_of
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, NotFound, Unprocessable
from app.kernel.text import Text
from app.kernel.vault import Vault
from app.members.codes import new_code
from app.members.models import EnrolmentCode
from app.organisations.models import Kind, Organisation
from app.organisations.queries import visible_staff
from app.organisations.service import managed_reference
from app.plans import queries as plans

LONGEST = timedelta(days=2 * 366)
MODULE_PIXELS = 10
QUIET_MODULES = 4

NOT_A_SITE = Text("入会码只能设在有效的站点", "A code hangs at a site that is still open.")
UNKNOWN_STAFF = Text("经办人员不存在或已停用", "Unknown or disabled staff account.")
UNKNOWN_SPONSOR = Text("出资方不存在", "Unknown sponsor.")
UNKNOWN_PLAN = Text("没有此互助保障活动", "Unknown plan.")
EXPIRY = Text("失效时间须在两年之内的将来", "It expires in the future, within two years.")


async def create_code(
    session: AsyncSession,
    caller: Principal,
    body: EnrolmentCodeBody,
    base_url: str,
    now: datetime,
    at: datetime,
) -> EnrolmentCodeView:
    """A new code at a site that the caller manages; expiry goes by the system clock.

    Raises Unprocessable (422) naming every wrong reference.
    """
    site = await managed_reference(session, caller, body.organisation_id, "/organisation_id")
    errors = _site_errors(site, now) + await _reference_errors(session, caller, site, body)
    if not at < body.expires_at <= at + LONGEST:
        errors.append(FieldError("/expires_at", "expiry", EXPIRY))
    if errors:
        raise Unprocessable(errors=errors)
    code = EnrolmentCode(
        id=new_id(),
        code=new_code(),
        organisation_id=site.id,
        campaign=body.campaign,
        caseworker_id=body.caseworker_id or caller.id,
        sponsor_id=body.sponsor_id,
        plan_codes=sorted(set(body.plan_codes)),
        expires_at=body.expires_at,
        scans=0,
        created_by=caller.id,
        created_at=at,
    )
    session.add(code)
    await session.flush()
    await audit.record(
        session, caller, "enrolment_code.create", subject="enrolment_code", subject_ids=[code.id]
    )
    return code_view(code, base_url, at)


def _site_errors(site: Organisation, now: datetime) -> list[FieldError]:
    day = business_day(now)
    ended = site.valid_to is not None and site.valid_to <= day
    if site.kind != Kind.SITE or ended:
        return [FieldError("/organisation_id", "not-a-site", NOT_A_SITE)]
    return []


async def _reference_errors(
    session: AsyncSession, caller: Principal, site: Organisation, body: EnrolmentCodeBody
) -> list[FieldError]:
    errors = []
    if body.caseworker_id is not None and body.caseworker_id != caller.id:
        found = (await session.scalars(visible_staff(caller))).all()
        if not any(s.id == body.caseworker_id and s.status == "active" for s in found):
            errors.append(FieldError("/caseworker_id", "unknown-staff", UNKNOWN_STAFF))
    sponsor_id = body.sponsor_id
    if sponsor_id and not await queries.may_sponsor(session, caller, site, sponsor_id):
        errors.append(FieldError("/sponsor_id", "unknown-sponsor", UNKNOWN_SPONSOR))
    for place, plan_code in enumerate(body.plan_codes):
        if await plans.plan(session, plan_code) is None:
            errors.append(FieldError(f"/plan_codes/{place}", "unknown-plan", UNKNOWN_PLAN))
    return errors


async def visible_code(session: AsyncSession, caller: Principal, code_id: UUID) -> EnrolmentCode:
    """A code of a site that the caller manages; raises NotFound (404)."""
    code = await session.scalar(queries.visible_codes(caller).where(EnrolmentCode.id == code_id))
    if code is None:
        raise NotFound
    return code


async def list_codes(
    session: AsyncSession,
    vault: Vault,
    caller: Principal,
    *,
    site_id: UUID | None,
    cursor: str | None,
    limit: int,
    base_url: str,
    at: datetime,
) -> Page[EnrolmentCodeView]:
    """Newest first, of one site or of all that the caller manages."""
    listing = f"enrolment-codes:{caller.id}:{site_id}"
    after = decode_cursor(vault, listing, cursor)
    rows = await session.scalars(
        queries.page_of_codes(caller, site_id=site_id, after=after, limit=limit)
    )
    return page_of(
        rows.all(),
        limit,
        lambda code: code_view(code, base_url, at),
        lambda code: encode_cursor(vault, listing, [str(code.id)]),
    )


async def revoke_code(
    session: AsyncSession, caller: Principal, code_id: UUID, base_url: str, at: datetime
) -> EnrolmentCodeView:
    """Stop a code at once; revoking it again changes nothing. Raises NotFound (404)."""
    code = await visible_code(session, caller, code_id)
    if code.revoked_at is None:
        code.revoked_at = at
        await session.flush()
        await audit.record(
            session,
            caller,
            "enrolment_code.revoke",
            subject="enrolment_code",
            subject_ids=[code.id],
        )
    return code_view(code, base_url, at)


def url_of(code: str, base_url: str) -> str:
    """What the QR image carries: a phone without the mini-program opens the scan itself."""
    return f"{base_url.rstrip('/')}/v1/enrolment-codes/{code}"


def picture(text: str, kind: Literal["png", "svg"]) -> bytes:
    """A QR image with a quiet zone, error correction M: survives a scratched poster."""
    content = BytesIO()
    segno.make(text, error="m", micro=False).save(
        content, kind=kind, scale=MODULE_PIXELS, border=QUIET_MODULES
    )
    return content.getvalue()


def code_view(code: EnrolmentCode, base_url: str, at: datetime) -> EnrolmentCodeView:
    status: Literal["active", "expired", "revoked"] = "active"
    if code.revoked_at is not None:
        status = "revoked"
    elif queries.is_expired(code, at):
        status = "expired"
    return EnrolmentCodeView(
        id=code.id,
        code=code.code,
        status=status,
        organisation_id=code.organisation_id,
        campaign=code.campaign,
        caseworker_id=code.caseworker_id,
        sponsor_id=code.sponsor_id,
        plan_codes=code.plan_codes,
        expires_at=code.expires_at,
        revoked_at=code.revoked_at,
        scans=code.scans,
        last_scanned_at=code.last_scanned_at,
        url=url_of(code.code, base_url),
        created_at=code.created_at,
    )
