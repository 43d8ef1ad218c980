"""Serving a member of any organisation: found exactly, for a reason, for a while."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from app.kernel.audit import AuditEntry
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.members.consent_models import ServeGrant
from app.organisations.models import Kind
from tests.access_fixtures import SignedIn, make_organisation, member_token, staff_token
from tests.members.factories import attest, keyed, name, number, register

pytestmark = pytest.mark.anyio


async def a_member(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn
) -> tuple[SignedIn, str, str]:
    """A proven member without a site: rider, document number, member id."""
    rider, card, called = await member_token(app), number(), name()
    view = await register(client, rider, card, called)
    answer = await attest(client, caseworker, view["id"], card, called)
    return rider, card, str(answer.json()["member"]["id"])


async def test_found_by_number_served_for_a_while_and_written_down(
    app: FastAPI, client: httpx.AsyncClient, database: Database, caseworker: SignedIn
) -> None:
    _, card, member_id = await a_member(app, client, caseworker)
    elsewhere = await staff_token(app, (await make_organisation(app, Kind.SITE)).id)
    path = f"/v1/staff/members/{member_id}"
    assert (await client.get(path, headers=elsewhere.headers)).status_code == 404
    granted = await client.post(
        "/v1/staff/serve-grants",
        headers=keyed(elsewhere),
        json={"reason": "claim", "document": {"number": card.lower()}},
    )
    assert granted.status_code == 201, granted.text
    assert granted.json()["member"]["id"] == member_id
    seen = await client.get(path, headers=elsewhere.headers)
    assert seen.status_code == 200
    assert card not in seen.text
    assert seen.json()["document"]["number_masked"].endswith(card[-4:])
    async with database.transaction() as session:
        reads = select(AuditEntry).where(
            AuditEntry.action == "member.read", AuditEntry.actor_id == elsewhere.account_id
        )
        assert [e.subject_ids[0] for e in await session.scalars(reads)] == [UUID(member_id)]
        await session.execute(
            update(ServeGrant)
            .where(ServeGrant.staff_id == elsewhere.account_id)
            .values(expires_at=system_now() - timedelta(seconds=1))
        )
    assert (await client.get(path, headers=elsewhere.headers)).status_code == 404


async def test_a_code_read_out_works_once(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn
) -> None:
    rider, _, member_id = await a_member(app, client, caseworker)
    code = (await client.post("/v1/me/serve-codes", headers=keyed(rider))).json()["code"]
    body = {"reason": "relief", "code": code}
    first = await client.post("/v1/staff/serve-grants", headers=keyed(caseworker), json=body)
    assert first.json()["member"]["id"] == member_id
    again = await client.post("/v1/staff/serve-grants", headers=keyed(caseworker), json=body)
    assert again.status_code == 404


async def test_nobody_is_found_by_half_a_key(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn
) -> None:
    path = "/v1/staff/serve-grants"
    for body, status in (
        ({"reason": "claim"}, 422),
        ({"reason": "claim", "code": "12345678", "document": {"number": number()}}, 422),
        ({"reason": "curious", "code": "12345678"}, 422),
        ({"reason": "claim", "document": {"number": "110"}}, 422),
        ({"reason": "claim", "document": {"number": number()}}, 404),
    ):
        answer = await client.post(path, headers=keyed(caseworker), json=body)
        assert answer.status_code == status, body


async def test_finding_is_limited(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn
) -> None:
    body = {"reason": "claim", "code": "00000000"}
    statuses = [
        (
            await client.post("/v1/staff/serve-grants", headers=keyed(caseworker), json=body)
        ).status_code
        for _ in range(61)
    ]
    assert set(statuses[:60]) == {404}
    assert statuses[60] == 429


async def test_the_office_at_the_top_manages_members_without_a_site(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn
) -> None:
    _, _, member_id = await a_member(app, client, caseworker)
    top = await staff_token(
        app, (await make_organisation(app, Kind.MUNICIPAL_OFFICE)).id, ["auditor"]
    )
    answer = await client.get(f"/v1/staff/members/{member_id}", headers=top.headers)
    assert answer.status_code == 200


async def test_a_code_needs_a_proven_member(app: FastAPI, client: httpx.AsyncClient) -> None:
    rider = await member_token(app)
    answer = await client.post("/v1/me/serve-codes", headers=keyed(rider))
    assert (answer.status_code, answer.json()["code"]) == (409, "identity-required")
