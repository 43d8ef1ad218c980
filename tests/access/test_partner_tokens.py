"""Partners: RFC 6749 client credentials, secrets that overlap, suspension."""

import base64
from datetime import timedelta
from urllib.parse import quote_plus

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from app.access.models import PartnerClient
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.organisations.models import Kind, Organisation
from tests.access.conftest import AnotherProcess
from tests.access.doors import enter, eventually, opens
from tests.access_fixtures import SignedIn, make_organisation, make_partner, staff_token

pytestmark = pytest.mark.anyio

TOKEN, PARTNERS = "/oauth/token", "/v1/staff/partners"
GRANT = {"grant_type": "client_credentials"}
USCC = "91110000600037341L"


@pytest.fixture
async def admin(app: FastAPI, agency: Organisation) -> SignedIn:
    return await staff_token(app, agency.id, ["administrator"])


@pytest.fixture
async def clients_path(app: FastAPI, agency: Organisation) -> str:
    return f"{PARTNERS}/{(await make_partner(app, agency.id)).id}/clients"


async def new_client(client: httpx.AsyncClient, admin: SignedIn, path: str) -> tuple[str, str, str]:
    """Row id, client id and secret."""
    made = await client.post(path, json={}, headers=admin.keyed)
    assert made.status_code == 201, made.text
    body = made.json()
    return body["client"]["id"], body["client"]["client_id"], body["client_secret"]


async def ask(client: httpx.AsyncClient, client_id: str, secret: str) -> httpx.Response:
    form = GRANT | {"client_id": client_id, "client_secret": secret}
    return await client.post(TOKEN, data=form)


async def test_a_partner_is_made_and_gets_a_token(
    app: FastAPI, client: httpx.AsyncClient, admin: SignedIn, agency: Organisation
) -> None:
    body = {"organisation_id": str(agency.id), "name": "示例平台", "uscc": USCC}
    partner = await client.post(PARTNERS, json=body, headers=admin.keyed)
    assert partner.status_code == 201, partner.text
    path = f"{PARTNERS}/{partner.json()['id']}"
    _, client_id, secret = await new_client(client, admin, f"{path}/clients")
    answer = await ask(client, client_id, secret)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
    principal = await enter(app, answer.json()["access_token"], "partner")
    assert str(principal.id) == partner.json()["id"]
    assert principal.organisation_id == agency.id
    listed = await client.get(f"{path}/clients", headers=admin.headers)
    assert secret not in listed.text
    again = await client.post(PARTNERS, json=body, headers=admin.keyed)
    assert (again.status_code, again.json()["code"]) == (409, "partner-name-taken")


async def test_basic_and_body_are_equal_but_not_both(
    client: httpx.AsyncClient, admin: SignedIn, clients_path: str
) -> None:
    _, client_id, secret = await new_client(client, admin, clients_path)
    pair = base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()
    basic = {"Authorization": f"Basic {pair}"}
    assert (await client.post(TOKEN, data=GRANT, headers=basic)).status_code == 200
    both = GRANT | {"client_id": client_id, "client_secret": secret}
    answer = await client.post(TOKEN, data=both, headers=basic)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_refusals_are_in_the_words_of_the_rfc(
    client: httpx.AsyncClient, admin: SignedIn, clients_path: str
) -> None:
    _, client_id, secret = await new_client(client, admin, clients_path)
    good = GRANT | {"client_id": client_id, "client_secret": secret}
    cases = [
        ({}, 400, "invalid_request"),
        (good | {"grant_type": "password"}, 400, "unsupported_grant_type"),
        (good | {"scope": "everything"}, 400, "invalid_scope"),
        (good | {"client_secret": "wrong"}, 401, "invalid_client"),
        (good | {"client_secret": ""}, 401, "invalid_client"),
        (good | {"client_id": "ru-0000000000000000"}, 401, "invalid_client"),
        (good | {"client_id": "\x00"}, 401, "invalid_client"),
        (GRANT, 401, "invalid_client"),
    ]
    for form, status, error in cases:
        answer = await client.post(TOKEN, data=form)
        assert (answer.status_code, answer.json()["error"]) == (status, error), form
        assert answer.headers["cache-control"] == "no-store"
        if status == 401:
            assert answer.headers["www-authenticate"].startswith("Basic")
    form_type = {"Content-Type": "application/x-www-form-urlencoded"}
    twice = await client.post(
        TOKEN, content=b"grant_type=client_credentials&grant_type=x", headers=form_type
    )
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")
    for content in (b"\xff\xfe", b"grant_type=%ff", b"&".join([b"a=b"] * 50)):
        answer = await client.post(TOKEN, content=content, headers=form_type)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    as_json = await client.post(TOKEN, json=good)
    assert (as_json.status_code, as_json.json()["error"]) == (400, "invalid_request")
    for header in ("Basic !!!", "Basic", "Bearer abc", "Basic " + base64.b64encode(b"a").decode()):
        answer = await client.post(TOKEN, data=GRANT, headers={"Authorization": header})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_old_and_new_secret_overlap(
    client: httpx.AsyncClient, admin: SignedIn, clients_path: str, database: Database
) -> None:
    row_id, client_id, old = await new_client(client, admin, clients_path)
    rotate = f"{clients_path}/{row_id}/rotate"
    rotated = await client.post(rotate, json={"overlap_hours": 24}, headers=admin.keyed)
    assert rotated.status_code == 200, rotated.text
    new = rotated.json()["client_secret"]
    assert new != old
    assert rotated.json()["client"]["client_id"] == client_id
    for secret in (old, new):
        assert (await ask(client, client_id, secret)).status_code == 200
    async with database.transaction() as session:
        await session.execute(
            update(PartnerClient)
            .where(PartnerClient.client_id == client_id)
            .values(former_secret_until=system_now() - timedelta(seconds=1))
        )
    assert (await ask(client, client_id, old)).status_code == 401
    assert (await ask(client, client_id, new)).status_code == 200
    at_once = await client.post(rotate, json={"overlap_hours": 0}, headers=admin.keyed)
    assert (await ask(client, client_id, new)).status_code == 401
    assert (await ask(client, client_id, at_once.json()["client_secret"])).status_code == 200


async def test_a_lost_secret_is_had_again_with_its_key(
    client: httpx.AsyncClient, admin: SignedIn, clients_path: str
) -> None:
    row_id, client_id, former = await new_client(client, admin, clients_path)
    rotate, headers = f"{clients_path}/{row_id}/rotate", admin.keyed
    body = {"overlap_hours": 24}
    lost = await client.post(rotate, json=body, headers=headers)
    again = await client.post(rotate, json=body, headers=headers)
    assert (again.content, again.headers["idempotency-replayed"]) == (lost.content, "true")
    # Rotated a second time, the former secret would not be the former one any more.
    for secret in (former, again.json()["client_secret"]):
        assert (await ask(client, client_id, secret)).status_code == 200


async def test_a_client_ends(
    app: FastAPI,
    client: httpx.AsyncClient,
    admin: SignedIn,
    clients_path: str,
    database: Database,
) -> None:
    row_id, client_id, secret = await new_client(client, admin, clients_path)
    _, other_id, other_secret = await new_client(client, admin, clients_path)
    token = (await ask(client, client_id, secret)).json()["access_token"]
    other = (await ask(client, other_id, other_secret)).json()["access_token"]
    assert await opens(app, token, "partner")
    path = f"{clients_path}/{row_id}"
    assert (await client.delete(path, headers=admin.headers)).status_code == 204
    assert (await ask(client, client_id, secret)).status_code == 401

    async def dead() -> bool:
        return not await opens(app, token, "partner")

    await eventually(dead)
    assert await opens(app, other, "partner")
    async with database.transaction() as session:
        past = system_now() - timedelta(seconds=1)
        await session.execute(
            update(PartnerClient).where(PartnerClient.client_id == other_id).values(expires_at=past)
        )
    assert (await ask(client, other_id, other_secret)).status_code == 401
    late = {"expires_at": "2020-01-01T00:00:00Z"}
    assert (await client.post(clients_path, json=late, headers=admin.keyed)).status_code == 422


async def test_a_suspended_partner_is_out_until_reinstated(
    app: FastAPI, client: httpx.AsyncClient, admin: SignedIn, clients_path: str
) -> None:
    _, client_id, secret = await new_client(client, admin, clients_path)
    token = (await ask(client, client_id, secret)).json()["access_token"]
    path = clients_path.removesuffix("/clients")
    suspended = await client.post(f"{path}/suspend", headers=admin.headers)
    assert suspended.json()["status"] == "suspended"
    await app.state.authenticate.refresh()
    assert not await opens(app, token, "partner")
    assert (await ask(client, client_id, secret)).status_code == 401
    refused = await client.post(clients_path, json={}, headers=admin.keyed)
    assert (refused.status_code, refused.json()["code"]) == (409, "partner-suspended")
    twice = await client.post(f"{path}/suspend", headers=admin.headers)
    assert twice.status_code == 409
    back = await client.post(f"{path}/reinstate", headers=admin.headers)
    assert back.json()["status"] == "active"
    fresh = (await ask(client, client_id, secret)).json()["access_token"]
    assert await opens(app, fresh, "partner")
    assert not await opens(app, token, "partner")


async def test_strangers_cannot_see_or_touch_a_partner(
    app: FastAPI, client: httpx.AsyncClient, admin: SignedIn, clients_path: str
) -> None:
    row_id, _, _ = await new_client(client, admin, clients_path)
    stranger = await staff_token(app, (await make_organisation(app)).id, ["administrator"])
    path = clients_path.removesuffix("/clients")
    attempts = [
        await client.get(path, headers=stranger.headers),
        await client.get(clients_path, headers=stranger.headers),
        await client.post(clients_path, json={}, headers=stranger.keyed),
        await client.post(f"{clients_path}/{row_id}/rotate", json={}, headers=stranger.keyed),
        await client.delete(f"{clients_path}/{row_id}", headers=stranger.headers),
        await client.post(f"{path}/suspend", headers=stranger.headers),
        await client.post(f"{path}/reinstate", headers=stranger.headers),
    ]
    assert [answer.status_code for answer in attempts] == [404] * 7
    assert (await client.get(PARTNERS, headers=stranger.headers)).json()["items"] == []


async def test_partners_are_paged_by_name(
    app: FastAPI, client: httpx.AsyncClient, admin: SignedIn, agency: Organisation
) -> None:
    unit = await make_organisation(app, Kind.UNIT, agency)
    made = [await make_partner(app, organisation.id) for organisation in (agency, unit, unit)]
    names, cursor = [], ""
    while True:
        page = (await client.get(f"{PARTNERS}?limit=1{cursor}", headers=admin.headers)).json()
        names += [item["name"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert names == sorted(partner.name for partner in made)


async def test_guessing_secrets_is_limited(
    client: httpx.AsyncClient,
    admin: SignedIn,
    clients_path: str,
    another_process: AnotherProcess,
) -> None:
    _, client_id, secret = await new_client(client, admin, clients_path)
    for _ in range(30):
        assert (await ask(client, client_id, "wrong")).status_code == 401
    async with another_process() as (_, other):
        refused = await ask(other, client_id, secret)
    assert (refused.status_code, refused.json()["error"]) == (429, "temporarily_unavailable")
    assert int(refused.headers["retry-after"]) > 0
