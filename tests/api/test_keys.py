"""P3 on every keyed route, and a hundred equal requests where money moves."""

import asyncio
import secrets
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.database import Database
from tests.access.doors import eventually
from tests.access_fixtures import member_token
from tests.api.routes import Operation, discover
from tests.api.storm import storm
from tests.api.test_tenancy import fingerprint, owner_of
from tests.api.world import ACCOUNT, MED, Tenant
from tests.claims.factories import make_case
from tests.cover_fixtures import load_plans, make_rider, scalar

pytestmark = pytest.mark.anyio

BAD_KEYS = [None, "", "short", "with blanks in it", "x" * 65, "schlüssel-1"]


def keyed_operations(app: FastAPI) -> list[Operation]:
    return [
        operation
        for operation in discover(app)
        if "Idempotency-Key"
        in {parameter["name"] for parameter in operation.document.get("parameters", ())}
    ]


@pytest.mark.parametrize("key", BAD_KEYS)
async def test_no_keyed_route_works_without_a_good_key(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    tenants: tuple[Tenant, Tenant],
    key: str | None,
) -> None:
    tenant, _ = tenants
    operations = keyed_operations(app)
    assert len(operations) >= 15
    before = await fingerprint(database)
    for operation in operations:
        headers: dict[str, Any] = dict(owner_of(operation, tenant).headers)
        if key is not None:
            headers["Idempotency-Key"] = key.encode()
        answer = await client.request(
            operation.method, operation.url(tenant), headers=headers, json=operation.example()
        )
        assert answer.status_code == 400, (operation.id, answer.text)
        assert answer.json()["code"] == "missing-idempotency-key", operation.id
    assert await fingerprint(database) == before


async def test_whatever_creates_or_moves_money_is_keyed(app: FastAPI) -> None:
    """The POSTs that are not keyed, each with what makes a repetition harmless."""
    unkeyed = {
        operation.id
        for operation in discover(app)
        if operation.method == "POST" and operation.door is not None
    } - {operation.id for operation in keyed_operations(app)}
    assert unkeyed == {
        # Repeated, they find the state they want and change nothing, or say 409.
        "disableStaffAccount",
        "enableStaffAccount",
        "suspendPartner",
        "reinstatePartner",
        "withdrawMoratorium",
        "closeReliefFund",
        "reopenReliefFund",
        "publishReliefFormula",
        "closeReliefFormula",
        "withdrawReliefCase",
        "withdrawReliefCaseAtCounter",
        "referReliefCase",
        "exitHousehold",
        "sendMessageAgain",
        # Each gives a link of its own that opens once.
        "viewOwnReliefDocument",
        "viewReliefDocument",
        "cancelPlanSimulation",
        "endAgreement",
        "cancelOrder",
        "submitClaim",
        "withdrawClaim",
        "submitReceivedClaim",
        "leaseClaim",
        "acceptClaimDocument",
        "returnClaimDocument",
        # The token is of one upload, which becomes one document: again it is the same one.
        "finishClaimUpload",
        "finishReceivedUpload",
        # A look, whose link opens once: a link given out again would be dead or a second look.
        "viewOwnClaimDocument",
        "linkPayoutBatchFile",
        "viewClaimDocument",
        # They store nothing.
        "estimateClaim",
        "estimateMemberClaim",
        "quoteCover",
        "quoteForMember",
        "quoteGroup",
        "validatePlanVersion",
    }


async def test_an_order(
    app: FastAPI,
    client: httpx.AsyncClient,
    another_process: httpx.AsyncClient,
    database: Database,
) -> None:
    await load_plans(app)
    rider = await make_rider(app)
    body = {"plan_code": "RIDER-ACC", "shares": 2}
    view = await storm(
        [client, another_process], "/v1/me/orders", rider.headers, body, other=body | {"shares": 1}
    )
    person_id = rider.person.id
    for sql, expected in (
        ("select count(*) from contribution_order where person_id = :p", 1),
        ("select count(*) from share_slot where person_id = :p and released_at is null", 2),
        (
            "select count(*) from status_history h join contribution_order o"
            " on o.id = h.subject_id where o.person_id = :p",
            1,
        ),
        (
            "select count(*) from audit_entry a join contribution_order o"
            " on o.id = any(a.subject_ids) where o.person_id = :p",
            1,
        ),
    ):
        assert await scalar(database, sql, p=person_id) == expected, sql
    assert view["shares"] == 2


async def test_a_gift_that_is_complete_at_once(
    app: FastAPI,
    client: httpx.AsyncClient,
    another_process: httpx.AsyncClient,
    database: Database,
) -> None:
    await load_plans(app)
    rider = await make_rider(app)
    body = {"plan_code": "SH-GIG-C", "shares": 1}
    other = body | {"plan_code": "RIDER-ACC"}
    await storm([client, another_process], "/v1/me/orders", rider.headers, body, other=other)
    for table in ("contribution_order", "policy"):
        sql = f"select count(*) from {table} where person_id = :p"
        assert await scalar(database, sql, p=rider.person.id) == 1


async def test_a_bank_account(
    app: FastAPI,
    client: httpx.AsyncClient,
    another_process: httpx.AsyncClient,
    database: Database,
) -> None:
    rider = await make_rider(app)
    await storm([client, another_process], "/v1/me/payout-accounts", rider.headers, ACCOUNT)
    sql = "select count(*) from payout_account where person_id = :p"
    assert await scalar(database, sql, p=rider.person.id) == 1


async def test_a_claim_its_decision_and_its_payout(
    app: FastAPI,
    client: httpx.AsyncClient,
    another_process: httpx.AsyncClient,
    database: Database,
) -> None:
    clients = [client, another_process]
    case = await make_case(app, client)
    view = await storm(clients, "/v1/me/claims", case.rider.headers, case.body())
    case.id = view["id"]
    count = "select count(*) from claim where person_id = :p"
    assert await scalar(database, count, p=case.rider.person.id) == 1
    await case.complete()
    await case.submit()
    assert (await case.lease()).status_code == 200
    await case.accept_all()
    decided = await storm(
        clients,
        f"{case.staff_path}/decision",
        case.office.reviewer.headers,
        {"verdict": "approve", "facts": MED},
    )
    assert decided["status"] == "paying"
    for table in ("decision", "payout"):
        sql = f"select count(*) from {table} where claim_id = :c"
        assert await scalar(database, sql, c=case.id) == 1


async def held_up(database: Database) -> bool:
    waiting = "select count(*) from pg_locks where relation = 'consent'::regclass and not granted"
    return bool(await scalar(database, waiting))


async def test_a_copy_in_flight_is_refused_at_once_and_then_replayed(
    app: FastAPI, client: httpx.AsyncClient, another_process: httpx.AsyncClient, database: Database
) -> None:
    """The first is held up inside its transaction; the copy does not wait for it."""
    rider = await member_token(app)
    body = {"purpose": "health", "version": 1}
    headers = rider.headers | {"Idempotency-Key": secrets.token_hex(8)}
    async with database.transaction() as session:
        await session.execute(text("lock table consent in share mode"))
        first = asyncio.create_task(client.post("/v1/me/consents", headers=headers, json=body))
        await eventually(lambda: held_up(database))
        copy = await another_process.post("/v1/me/consents", headers=headers, json=body)
        assert (copy.status_code, copy.json()["code"]) == (409, "request-in-flight")
        assert copy.headers["retry-after"] == "1"
        assert not first.done()
    assert (await first).status_code == 201
    again = await another_process.post("/v1/me/consents", headers=headers, json=body)
    assert (again.status_code, again.content) == (201, (await first).content)
