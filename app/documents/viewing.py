"""Links that show one file to one person once, each use a row in the read audit."""

import base64
import binascii
from datetime import timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.documents.desk import Desk
from app.documents.errors import DocumentBlocked, LinkExpired
from app.documents.models import BlobLink, StoredObject
from app.documents.schemas import BlobLinkView
from app.documents.storing import Content, read_object
from app.documents.viewers import marks_of
from app.kernel import audit
from app.kernel.clock import system_now
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import NotFound
from app.kernel.vault import Vault

LINK_LIFE = timedelta(seconds=60)
_MAC_BYTES = 16


async def give_link(
    session: AsyncSession,
    vault: Vault,
    viewer: Principal,
    stored: StoredObject,
    variant: str,
    *,
    on_behalf_of: UUID | None = None,
    in_use: bool = False,
) -> BlobLinkView:
    """A signed link to one variant; raises NotFound (404) when there is no such variant.

    The caller has checked that `viewer` may see the file, and says whether what it is for is
    `in_use`: otherwise a blocked file is DocumentBlocked (409) but for its member and for
    auditors.
    """
    entitled = in_use or viewer.kind == "member" or "auditor" in viewer.roles
    if stored.blocked_at is not None and not entitled:
        raise DocumentBlocked
    if stored.sealed is None or (variant == "thumbnail" and stored.thumbnail_key is None):
        raise NotFound
    link = BlobLink(
        id=new_id(),
        object_id=stored.id,
        variant=variant,
        viewer_kind=viewer.kind,
        viewer_id=viewer.id,
        on_behalf_of=on_behalf_of,
        expires_at=system_now() + LINK_LIFE,
    )
    session.add(link)
    await session.flush()
    signed = link.id.bytes + vault.mac("blob-link", link.id.bytes, _MAC_BYTES)
    return BlobLinkView(
        url=f"/v1/blobs/{base64.urlsafe_b64encode(signed).decode().rstrip('=')}",
        media_type=stored.media_type if variant == "content" else "image/jpeg",
        expires_at=link.expires_at,
    )


async def follow_link(desk: Desk, token: str) -> Content:
    """Use the link up, record the read, then decrypt and write over every page who looks.

    Raises NotFound (404) for a forged link, LinkExpired (410) for a used or old one,
    Unavailable (503) for what cannot be marked: nothing is shown unmarked.
    """
    link_id, now = _verified(desk.vault, token), system_now()
    async with desk.database.transaction() as session:
        link = await session.scalar(
            update(BlobLink)
            .where(
                BlobLink.id == link_id,
                BlobLink.used_at.is_(None),
                BlobLink.expires_at > now,
            )
            .values(used_at=now)
            .returning(BlobLink)
        )
        if link is None:
            raise LinkExpired
        stored = await session.get_one(StoredObject, link.object_id)
        lines = await marks_of(session, desk.vault, link.viewer_kind, link.viewer_id, link.id, now)
        await _record_read(session, link, stored)
    found = await read_object(desk, stored, link.variant)
    marked = await desk.prover.mark(found.content, found.media_type, lines)
    return Content(found.media_type, marked)


async def _record_read(session: AsyncSession, link: BlobLink, stored: StoredObject) -> None:
    viewer = Principal(kind=link.viewer_kind, id=link.viewer_id)  # type: ignore[arg-type]
    await audit.record(
        session,
        viewer,
        "document.read",
        subject="stored_object",
        subject_ids=[stored.id],
        on_behalf_of=link.on_behalf_of,
        details={"variant": link.variant, "link_id": str(link.id)},
    )


def _verified(vault: Vault, token: str) -> UUID:
    try:
        signed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotFound from error
    link_id, mac = signed[:16], signed[16:]
    if len(mac) != _MAC_BYTES or not vault.mac_matches("blob-link", link_id, mac):
        raise NotFound
    return UUID(bytes=link_id)
