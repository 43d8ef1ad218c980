"""A view opens once, says over every page who looks and when, and is a row in the read audit."""

import asyncio
import io
from uuid import UUID

import httpx
import pikepdf
import pytest
from fastapi import FastAPI
from PIL import Image, ImageChops
from sqlalchemy import text, update

from app.access.models import StaffAccount
from app.access.staff_accounts import disable_staff
from app.documents import storing, viewing
from app.documents.desk import Desk
from app.documents.models import BlobLink, StoredObject
from app.documents.viewers import marks_of
from app.kernel.clock import system_now
from app.kernel.ids import new_id
from app.kernel.principal import SYSTEM, Principal
from tests.access_fixtures import make_organisation, member_token, staff_token
from tests.documents import corpus

pytestmark = pytest.mark.anyio


@pytest.fixture
def desk(app: FastAPI) -> Desk:
    found: Desk = app.state.desk
    return found


@pytest.fixture
async def member(app: FastAPI) -> Principal:
    return Principal(kind="member", id=(await member_token(app)).account_id)


@pytest.fixture
async def reviewer(app: FastAPI) -> Principal:
    office = await make_organisation(app)
    return Principal(kind="staff", id=(await staff_token(app, office.id, ["reviewer"])).account_id)


async def _stored(desk: Desk, content: bytes | None = None) -> StoredObject:
    stored = await storing.prove_and_keep(desk, content or corpus.photo())
    async with desk.database.transaction() as session:
        session.add(stored)
    return stored


async def _link(desk: Desk, viewer: Principal, stored: StoredObject, variant: str) -> str:
    async with desk.database.transaction() as session:
        link = await viewing.give_link(session, desk.vault, viewer, stored, variant)
    return link.url


async def test_a_link_opens_once_and_leaves_a_trace(
    client: httpx.AsyncClient, desk: Desk, member: Principal
) -> None:
    stored = await _stored(desk)
    url = await _link(desk, member, stored, "thumbnail")
    answers = await asyncio.gather(*(client.get(url) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410, 410]
    shown = next(answer for answer in answers if answer.status_code == 200)
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["cache-control"] == "no-store, private"
    assert shown.content.startswith(b"\xff\xd8")
    assert await _reads(desk, stored, member) == 1


async def _reads(desk: Desk, stored: StoredObject, viewer: Principal) -> int:
    async with desk.database.transaction() as session:
        read = await session.scalar(
            text(
                "select count(*) from audit_entry where action = 'document.read'"
                " and :id = any(subject_ids) and actor_id = :viewer"
            ),
            {"id": stored.id, "viewer": viewer.id},
        )
    return int(read or 0)


async def test_an_old_or_altered_link_opens_nothing(
    client: httpx.AsyncClient, desk: Desk, member: Principal
) -> None:
    stored = await _stored(desk)
    url = await _link(desk, member, stored, "content")
    flipped = url[:-3] + ("A" if url[-3] != "A" else "B") + url[-2:]
    assert (await client.get(flipped)).status_code == 404
    assert (await client.get("/v1/blobs/" + "A" * 43)).status_code == 404
    async with desk.database.transaction() as session:
        await session.execute(
            update(BlobLink).where(BlobLink.object_id == stored.id).values(expires_at=system_now())
        )
    assert (await client.get(url)).status_code == 410


async def test_the_life_of_a_link_is_a_minute_at_most(desk: Desk, member: Principal) -> None:
    stored = await _stored(desk)
    async with desk.database.transaction() as session:
        link = await viewing.give_link(session, desk.vault, member, stored, "content")
        issued = await session.scalar(
            text("select expires_at - issued_at <= '60 s' from blob_link where object_id = :id"),
            {"id": stored.id},
        )
    assert issued
    assert (link.expires_at - system_now()).total_seconds() <= 60


async def test_who_looks_and_when_is_written_over_a_picture(
    client: httpx.AsyncClient, desk: Desk, member: Principal, reviewer: Principal
) -> None:
    stored = await _stored(desk, corpus.receipt(1))
    kept = await storing.read_object(desk, stored)
    seen = [
        (await client.get(await _link(desk, viewer, stored, "content"))).content
        for viewer in (member, reviewer)
    ]
    assert seen[0] != seen[1]
    for content in seen:
        before, after = (Image.open(io.BytesIO(each)) for each in (kept.content, content))
        assert before.size == after.size
        # Over every quarter, so that no part of the page can be cut out without it.
        for quarter in _quarters(before.size):
            unlike = ImageChops.difference(before.crop(quarter), after.crop(quarter))
            assert unlike.convert("L").point(lambda each: 255 * (each > 30)).getbbox()
    assert (await storing.read_object(desk, stored)).content == kept.content


def _quarters(size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    width, height = size[0] // 2, size[1] // 2
    return [(left, top, left + width, top + height) for left in (0, width) for top in (0, height)]


async def test_who_looks_and_when_is_written_over_every_page(
    client: httpx.AsyncClient, desk: Desk, reviewer: Principal
) -> None:
    stored = await _stored(desk, corpus.pdf(3))
    shown = await client.get(await _link(desk, reviewer, stored, "content"))
    assert shown.headers["content-type"] == "application/pdf"
    with pikepdf.open(io.BytesIO(shown.content)) as marked:
        assert len(marked.pages) == 3
        for page in marked.pages:
            (veil,) = [each for _, each in page.obj.Resources.XObject.items()]
            shade = veil.Resources.XObject.Veil.SMask
            assert isinstance(shade, pikepdf.Stream)
            shape = pikepdf.PdfImage(shade).as_pil_image()
            assert shape.point(lambda each: 255 * (each > 60)).getbbox()


async def test_the_marks_name_viewer_second_and_link(
    desk: Desk, member: Principal, reviewer: Principal
) -> None:
    link_id, at = (
        UUID(int=0x1A2B3C4D),
        system_now().replace(year=2026, month=11, day=22, hour=16, minute=1, second=2),
    )
    async with desk.database.transaction() as session:
        staff = await session.get_one(StaffAccount, reviewer.id)
        marks = await marks_of(session, desk.vault, "staff", reviewer.id, link_id, at)
        own = await marks_of(session, desk.vault, "member", member.id, link_id, at)
    assert marks == [
        f"{staff.display_name} {staff.username}",
        "2026-11-23 00:01:02",
        "No. 1a2b3c4d",
    ]
    assert own[0].startswith("会员 尾号")
    assert len(own[0]) == len("会员 尾号1234")


async def test_a_link_of_a_closed_account_opens_nothing(
    client: httpx.AsyncClient, desk: Desk, reviewer: Principal
) -> None:
    stored = await _stored(desk)
    url = await _link(desk, reviewer, stored, "content")
    async with desk.database.transaction() as session:
        staff = await session.get_one(StaffAccount, reviewer.id)
        await disable_staff(session, staff, actor=SYSTEM, now=system_now())
    assert (await client.get(url)).status_code == 410
    nobody = Principal(kind="member", id=new_id())
    assert (await client.get(await _link(desk, nobody, stored, "content"))).status_code == 410
    assert await _reads(desk, stored, reviewer) == 0
