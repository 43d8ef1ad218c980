"""Consents: one per purpose, listed, withdrawn, renewed."""

import httpx
import pytest
from fastapi import FastAPI

from tests.access_fixtures import member_token
from tests.members.factories import keyed, name, number, register

pytestmark = pytest.mark.anyio


async def test_texts_are_listed_with_what_was_agreed(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    rider = await member_token(app)
    items = (await client.get("/v1/me/consents", headers=rider.headers)).json()["items"]
    assert {item["purpose"] for item in items} == {
        "service_terms",
        "personal_information",
        "identity_number",
        "face",
        "health",
    }
    assert all(item["text_zh"] and item["text_en"] and item["given"] is None for item in items)
    required = {item["purpose"] for item in items if item["required_to_register"]}
    assert required == {"service_terms", "personal_information", "identity_number"}
    given = await client.post(
        "/v1/me/consents", headers=keyed(rider), json={"purpose": "health", "version": 1}
    )
    assert given.status_code == 201
    held = {i["purpose"] for i in given.json()["items"] if i["given"]}
    assert held == {"health"}


async def test_the_same_consent_twice_is_one(app: FastAPI, client: httpx.AsyncClient) -> None:
    rider = await member_token(app)
    body = {"purpose": "health", "version": 1}
    first = await client.post("/v1/me/consents", headers=keyed(rider), json=body)
    again = await client.post("/v1/me/consents", headers=keyed(rider), json=body)
    assert first.json() == again.json()


async def test_another_version_is_refused(app: FastAPI, client: httpx.AsyncClient) -> None:
    rider = await member_token(app)
    body = {"purpose": "health", "version": 9}
    answer = await client.post("/v1/me/consents", headers=keyed(rider), json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "consent-outdated")


async def test_withdrawing_what_registering_needs_makes_a_draft_again(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    rider = await member_token(app)
    await register(client, rider, number(), name())
    path = "/v1/me/consents/identity_number"
    assert (await client.delete(path, headers=rider.headers)).status_code == 204
    assert (await client.delete(path, headers=rider.headers)).status_code == 404
    seen = (await client.get("/v1/me/registration", headers=rider.headers)).json()
    assert (seen["status"], seen["missing"]) == ("draft", ["consent:identity_number"])
    back = await client.patch(
        "/v1/me/registration",
        headers=rider.headers,
        json={"consents": [{"purpose": "identity_number", "version": 1}]},
    )
    assert back.json()["status"] == "submitted"


async def test_a_purpose_nobody_knows_is_refused(app: FastAPI, client: httpx.AsyncClient) -> None:
    rider = await member_token(app)
    answer = await client.delete("/v1/me/consents/marketing", headers=rider.headers)
    assert answer.status_code == 422
