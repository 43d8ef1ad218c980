"""Who looks at a file, in the words that are written over it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import MemberAccount, StaffAccount
from app.documents.errors import LinkExpired
from app.kernel.clock import SHANGHAI
from app.kernel.vault import Vault


async def marks_of(
    session: AsyncSession, vault: Vault, kind: str, viewer_id: UUID, link_id: UUID, at: datetime
) -> list[str]:
    """Three lines: the viewer, the second in Asia/Shanghai, and the end of the link's id, by
    which the read is found in the audit.

    Staff by name and user name, members by the end of their number. Raises LinkExpired (410)
    for an account that was closed since the link was given.
    """
    viewer = await _named(session, vault, kind, viewer_id)
    return [viewer, f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}", f"No. {link_id.hex[-8:]}"]


async def _named(session: AsyncSession, vault: Vault, kind: str, viewer_id: UUID) -> str:
    if kind == "staff":
        staff = await session.get(StaffAccount, viewer_id)
        if staff is None or staff.status != "active":
            raise LinkExpired
        return f"{staff.display_name} {staff.username}"
    member = await session.get(MemberAccount, viewer_id)
    if member is None or member.status != "active":
        raise LinkExpired
    phone: str = vault.open("member_account", member.id, member.sealed)["phone"]
    return f"会员 尾号{phone[-4:]}"
