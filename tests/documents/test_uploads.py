"""Chunks over HTTP: resumable, repeatable, all or nothing, the same from every process."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text, update

from app.documents import storing, uploads
from app.documents.desk import Desk
from app.documents.errors import DocumentRefused, UploadIncomplete, UploadNotFound
from app.documents.jobs import sweep
from app.documents.models import Upload, UploadChunk
from app.documents.schemas import OpenedUpload
from app.kernel.clock import system_now
from app.kernel.ids import new_id
from app.kernel.jobs import JobContext
from app.kernel.principal import Principal
from app.main import create_app
from app.settings import Settings
from tests.documents import corpus

pytestmark = pytest.mark.anyio

OCTETS = {"Content-Type": "application/octet-stream"}
OWNER = Principal(kind="member", id=new_id())
CHUNK = 64 * 1024


@pytest.fixture
def desk(app: FastAPI) -> Desk:
    found: Desk = app.state.desk
    return found


@pytest.fixture
async def another_process(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    application = create_app(settings)
    async with application.router.lifespan_context(application):
        transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as caller:
            yield caller


async def opened(desk: Desk, size: int, **more: Any) -> tuple[OpenedUpload, UUID]:
    subject_id = new_id()
    async with desk.database.transaction() as session:
        upload = await uploads.open_upload(
            session,
            desk,
            OWNER,
            purpose="test",
            subject_id=subject_id,
            kind="receipt",
            declared_bytes=size,
            **more,
        )
    return upload, subject_id


def picture() -> bytes:
    return corpus.photo(1200, 900, "PNG", compress_level=0)[: 3 * CHUNK + 1234]


def folder(settings: Settings) -> Path:
    return Path(urlparse(settings.object_store_url).path)


async def send(client: httpx.AsyncClient, url: str, start: int, content: bytes) -> httpx.Response:
    return await client.put(f"{url}/{start}", content=content, headers=OCTETS)


async def test_a_cut_upload_goes_on_from_another_process(
    client: httpx.AsyncClient, another_process: httpx.AsyncClient, desk: Desk
) -> None:
    content = picture()
    upload, subject_id = await opened(
        desk, len(content), declared_sha256=hashlib.sha256(content).hexdigest()
    )
    first = await send(client, upload.url, 0, content[:CHUNK])
    assert first.json()["received"] == CHUNK
    # The connection is cut here; the phone asks somebody else where to go on.
    assert (await another_process.get(upload.url)).json()["received"] == CHUNK
    for start in range(CHUNK, len(content), CHUNK):
        answer = await send(another_process, upload.url, start, content[start : start + CHUNK])
        assert answer.status_code == 200
    collected = await uploads.collect(desk, upload.token, OWNER, "test", subject_id)
    assert isinstance(collected, uploads.Collected)
    assert collected.content == content


async def test_the_same_chunk_again_changes_nothing(client: httpx.AsyncClient, desk: Desk) -> None:
    content = picture()
    upload, _ = await opened(desk, len(content))
    assert (await send(client, upload.url, 0, content[:CHUNK])).status_code == 200
    again = await send(client, upload.url, 0, content[:CHUNK])
    assert (again.status_code, again.json()["received"]) == (200, CHUNK)
    other = await send(client, upload.url, 0, bytes(CHUNK))
    assert (other.status_code, other.json()["expected_offset"]) == (409, CHUNK)


async def test_a_gap_names_the_expected_offset(client: httpx.AsyncClient, desk: Desk) -> None:
    upload, _ = await opened(desk, 10 * CHUNK)
    answer = await send(client, upload.url, CHUNK, bytes(CHUNK))
    assert answer.status_code == 409
    assert (answer.json()["code"], answer.json()["expected_offset"]) == ("unexpected-offset", 0)


async def test_parallel_copies_of_a_chunk_count_once(
    client: httpx.AsyncClient, desk: Desk, settings: Settings
) -> None:
    content = picture()[:CHUNK]
    upload, subject_id = await opened(desk, 2 * CHUNK)
    answers = await asyncio.gather(*(send(client, upload.url, 0, content) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["received"] for answer in answers} == {CHUNK}
    async with desk.database.transaction() as session:
        mine = select(Upload.id).where(Upload.subject_id == subject_id)
        chunks = (
            await session.scalars(select(UploadChunk).where(UploadChunk.upload_id.in_(mine)))
        ).all()
    # Other services of this run keep their files in the same folder.
    kept = folder(settings).glob(f"uploads/{chunks[0].upload_id}/*")
    assert [path.name for path in kept] == [chunks[0].object_key.rpartition("/")[2]]
    assert len(chunks) == 1


@pytest.mark.parametrize(
    ("path", "content", "headers", "status"),
    [
        ("{url}/0", b"", OCTETS, 422),
        ("{url}/0", bytes(2 * CHUNK + 1), OCTETS, 422),
        ("{url}/0", bytes(1024 * 1024 + 1), OCTETS, 422),
        ("{url}/0", bytes(1100 * 1024), OCTETS, 413),
        ("{url}/0", b"x", {"Content-Type": "text/plain"}, 415),
        ("{url}/-1", b"x", OCTETS, 422),
        ("{url}/zero", b"x", OCTETS, 422),
        ("/v1/uploads/00000000000000000000000000/0", b"x", OCTETS, 404),
        ("/v1/uploads/..%2F..%2Fetc/0", b"x", OCTETS, 404),
    ],
)
async def test_bad_chunks(
    client: httpx.AsyncClient,
    desk: Desk,
    path: str,
    content: bytes,
    headers: dict[str, str],
    status: int,
) -> None:
    upload, _ = await opened(desk, 2 * CHUNK)
    answer = await client.put(path.format(url=upload.url), content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_unknown_token_is_refused_before_the_body_is_read(
    client: httpx.AsyncClient,
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield bytes(1024)

    path = "/v1/uploads/00000000000000000000000000/0"
    assert (await client.put(path, content=endless(), headers=OCTETS)).status_code == 404


async def test_nothing_lies_on_disk_in_plain(
    client: httpx.AsyncClient, desk: Desk, settings: Settings
) -> None:
    content = b"\x89PNG CANARY-DIAGNOSIS" + bytes(500)
    upload, _ = await opened(desk, len(content))
    await send(client, upload.url, 0, content)
    stored = await storing.prove_and_keep(desk, corpus.photo())
    files = [path.read_bytes() for path in folder(settings).rglob("*") if path.is_file()]
    assert files
    assert not any(b"CANARY" in file or b"JFIF" in file for file in files)
    shown = await storing.read_object(desk, stored)
    assert hashlib.sha256(shown.content).digest() == stored.sha256


async def test_an_incomplete_or_foreign_upload_is_not_collected(desk: Desk) -> None:
    upload, subject_id = await opened(desk, 1000)
    with pytest.raises(UploadIncomplete) as incomplete:
        await uploads.collect(desk, upload.token, OWNER, "test", subject_id)
    assert incomplete.value.extensions == {"expected_offset": 0}
    stranger = Principal(kind="member", id=new_id())
    for owner, purpose, subject in (
        (stranger, "test", subject_id),
        (OWNER, "other", subject_id),
        (OWNER, "test", new_id()),
    ):
        with pytest.raises(UploadNotFound):
            await uploads.collect(desk, upload.token, owner, purpose, subject)


async def test_another_content_than_declared_is_refused(
    client: httpx.AsyncClient, desk: Desk
) -> None:
    upload, subject_id = await opened(desk, 5, declared_sha256="0" * 64)
    await send(client, upload.url, 0, b"12345")
    with pytest.raises(DocumentRefused) as refused:
        await uploads.collect(desk, upload.token, OWNER, "test", subject_id)
    assert refused.value.reason == "hash-mismatch"
    after = (await client.get(upload.url)).json()
    assert (after["status"], after["reason_code"]) == ("refused", "hash-mismatch")


async def test_old_uploads_are_swept(
    client: httpx.AsyncClient, desk: Desk, settings: Settings
) -> None:
    upload, _ = await opened(desk, 2 * CHUNK)
    await send(client, upload.url, 0, bytes(CHUNK))
    async with desk.database.transaction() as session:
        upload_id = await session.scalar(
            update(Upload)
            .where(Upload.token_hash == hashlib.sha256(upload.token.encode()).digest())
            .values(expires_at=system_now())
            .returning(Upload.id)
        )
    files = list((folder(settings) / "uploads" / str(upload_id)).glob("*"))
    assert len(files) == 1
    await sweep(JobContext(desk.database, desk.vault, settings, None), {})
    assert not files[0].exists()
    assert (await client.get(upload.url)).status_code == 410
    async with desk.database.transaction() as session:
        left = await session.scalar(
            text("select count(*) from upload_chunk where upload_id = :id"), {"id": upload_id}
        )
        assert left == 0
        assert (await session.get_one(Upload, upload_id)).status == "expired"
