"""P3: a keyed POST takes effect once, whichever way its key is held."""

import asyncio
import secrets

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update

from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.idempotency import StoredAnswer
from app.members.consent_models import Consent
from app.members.models import Registration
from tests.access_fixtures import member_token

pytestmark = pytest.mark.anyio

# The first holds its key in one statement, the second in the request's transaction.
PATHS = [
    ("/v1/me/registration", {"name": "王小明"}, Registration),
    ("/v1/me/consents", {"purpose": "health", "version": 1}, Consent),
]


@pytest.mark.parametrize(("path", "body", "table"), PATHS)
async def test_a_hundred_copies_at_once_are_one_effect(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    path: str,
    body: dict[str, object],
    table: type[Registration] | type[Consent],
) -> None:
    rider = await member_token(app)
    headers = rider.headers | {"Idempotency-Key": secrets.token_hex(8)}
    answers = await asyncio.gather(
        *(client.post(path, headers=headers, json=body) for _ in range(100))
    )
    assert {a.status_code for a in answers} <= {201, 409, 503}
    assert {a.json()["code"] for a in answers if a.status_code == 409} <= {"request-in-flight"}
    done = [a for a in answers if a.status_code == 201]
    assert len({a.content for a in done}) == 1
    assert sum("idempotency-replayed" not in a.headers for a in done) == 1
    last = await client.post(path, headers=headers, json=body)
    assert (last.content, last.headers["idempotency-replayed"]) == (done[0].content, "true")
    async with database.transaction() as session:
        rows = select(func.count()).select_from(table).where(table.account_id == rider.account_id)
        assert await session.scalar(rows) == 1


@pytest.mark.parametrize(("path", "body", "table"), PATHS)
async def test_keys_are_needed_judged_and_personal(
    app: FastAPI, client: httpx.AsyncClient, path: str, body: dict[str, object], table: object
) -> None:
    rider, other = await member_token(app), await member_token(app)
    for bad in ({}, {"Idempotency-Key": "short"}, {"Idempotency-Key": "with blanks in it"}):
        answer = await client.post(path, headers=rider.headers | bad, json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "missing-idempotency-key")
    key = {"Idempotency-Key": secrets.token_hex(8)}
    assert (await client.post(path, headers=rider.headers | key, json=body)).status_code == 201
    changed = await client.post(path, headers=rider.headers | key, json=body | {"name": "李四"})
    assert changed.status_code == 422
    # Somebody else's key of the same name is another key.
    assert (await client.post(path, headers=other.headers | key, json=body)).status_code == 201


async def test_an_answer_that_expired_is_judged_afresh(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    path, body, _ = PATHS[0]
    rider = await member_token(app)
    headers = rider.headers | {"Idempotency-Key": secrets.token_hex(8)}
    assert (await client.post(path, headers=headers, json=body)).status_code == 201
    async with database.transaction() as session:
        await session.execute(update(StoredAnswer).values(expires_at=system_now()))
    again = await client.post(path, headers=headers, json=body)
    assert (again.status_code, again.json()["code"]) == (409, "registration-exists")
    await client.delete(path, headers=rider.headers)
    anew = await client.post(path, headers=headers, json=body)
    assert (anew.status_code, "idempotency-replayed" in anew.headers) == (201, False)
    replayed = await client.post(path, headers=headers, json=body)
    assert replayed.headers["idempotency-replayed"] == "true"
