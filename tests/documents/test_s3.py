"""Files of members in S3: a real server, reached by the settings that a deployment makes."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app.documents import storing, uploads
from app.documents.desk import Desk
from app.documents.storage import new_data_key, open_storage
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import Unavailable
from app.main import create_app
from app.settings import Settings
from tests.conftest import MASTER_KEY
from tests.documents import corpus
from tests.documents.s3 import BUCKET, SECRET_KEY, S3Server, run_s3
from tests.simulators_fixture import Simulators, listen

pytestmark = pytest.mark.anyio

EXAMPLE = Path(__file__).parents[2] / "deploy" / "example.service.env"
OPTION = re.compile(r"^# (REDUMBRELLA_OBJECT_STORE_\w+)=(.+)$", re.MULTILINE)
OWNER = Principal(kind="member", id=new_id())
NO_MORE_TRIES = {"connect_timeout": "300ms", "timeout": "300ms", "read_timeout": "300ms"}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with run_s3(tmp_path_factory.mktemp("s3")) as running:
        yield running


def in_s3(options: dict[str, str], folder: str = "members") -> Settings:
    """Settings as the environment of a deployment makes them."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REDUMBRELLA_OBJECT_STORE_URL", f"s3://{BUCKET}/{folder}")
        environment.setenv("REDUMBRELLA_OBJECT_STORE_OPTIONS", json.dumps(options))
        return Settings(environment="test")


@pytest.fixture
async def service(
    s3: S3Server,
    simulators: Simulators,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[FastAPI]:
    monkeypatch.setenv("REDUMBRELLA_OBJECT_STORE_URL", f"s3://{BUCKET}/members")
    monkeypatch.setenv("REDUMBRELLA_OBJECT_STORE_OPTIONS", json.dumps(s3.options()))
    app = create_app(
        simulators.settings(database_url=database_url, master_key=MASTER_KEY, log_level="error")
    )
    async with app.router.lifespan_context(app):
        yield app


def files(s3: S3Server) -> bytes:
    return b"".join(path.read_bytes() for path in s3.directory.rglob("*") if path.is_file())


async def test_an_uploaded_document_is_stored_read_and_deleted(
    service: FastAPI, s3: S3Server
) -> None:
    desk: Desk = service.state.desk
    content, subject_id = corpus.photo(), new_id()
    async with desk.database.transaction() as session:
        upload = await uploads.open_upload(
            session,
            desk,
            OWNER,
            purpose="test",
            subject_id=subject_id,
            kind="receipt",
            declared_bytes=len(content),
        )
    transport = httpx.ASGITransport(app=service, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as caller:
        for start in range(0, len(content), 64 * 1024):
            answer = await caller.put(
                f"{upload.url}/{start}",
                content=content[start : start + 64 * 1024],
                headers={"Content-Type": "application/octet-stream"},
            )
            assert answer.status_code == 200, answer.text
    collected = await uploads.collect(desk, upload.token, OWNER, "test", subject_id)
    assert isinstance(collected, uploads.Collected)
    assert collected.content == content

    stored = await storing.prove_and_keep(desk, collected.content)
    assert stored.thumbnail_key is not None
    folder = stored.object_key.rpartition("/")[0]
    names = await desk.storage.names(folder)
    assert {stored.object_key, stored.thumbnail_key} <= set(names)
    shown = await storing.read_object(desk, stored)
    assert shown.content.startswith(b"\xff\xd8\xff")
    held = files(s3)
    assert stored.object_key.rpartition("/")[2].encode() in held
    assert b"JFIF" not in held

    await desk.storage.delete([stored.object_key, stored.thumbnail_key])
    with pytest.raises(Unavailable):
        await storing.read_object(desk, stored)
    left = await desk.storage.names(folder)
    assert not {stored.object_key, stored.thumbnail_key} & set(left)
    # What is gone may be deleted again: a sweep that was killed starts over.
    await desk.storage.delete([stored.object_key])


async def test_an_object_is_written_once(s3: S3Server) -> None:
    storage, key = open_storage(in_s3(s3.options(), "once")), new_data_key()
    await storage.put("objects/a", key, b"first")
    with pytest.raises(Unavailable):
        await storage.put("objects/a", key, b"second")
    assert await storage.get("objects/a", key) == b"first"


async def test_wrong_keys_or_a_missing_bucket_are_503(s3: S3Server) -> None:
    refused = open_storage(in_s3(s3.options(secret_access_key="wrong")))
    missing = open_storage(
        in_s3(s3.options()).model_copy(update={"object_store_url": "s3://elsewhere/members"})
    )
    for storage in (refused, missing):
        with pytest.raises(Unavailable):
            await storage.put("objects/b", new_data_key(), b"content")


async def test_a_silent_server_is_503_and_not_a_long_wait() -> None:
    """The library itself would try for three minutes."""
    with listen() as listener:
        listener.listen()
        options = {
            "endpoint": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "allow_http": "true",
            "access_key_id": "a",
            "secret_access_key": "b",
            "region": "none",
        }
        with pytest.raises(Unavailable):
            await open_storage(in_s3(options | NO_MORE_TRIES)).get("objects/c", new_data_key())


def test_a_wrong_option_is_named_and_no_value_is_shown() -> None:
    with pytest.raises(ValueError, match="endpiont") as error:
        open_storage(in_s3({"endpiont": "http://s3:8333", "secret_access_key": SECRET_KEY}))
    assert SECRET_KEY not in str(error.value)


def test_the_example_of_the_deployment_opens() -> None:
    given = dict(OPTION.findall(EXAMPLE.read_text()))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in given.items():
            environment.setenv(name, value)
        settings = Settings(environment="test", master_key=SecretStr("unused"))
    assert settings.object_store_url.startswith("s3://")
    assert settings.object_store_options["allow_http"] == "true"
    open_storage(settings)
