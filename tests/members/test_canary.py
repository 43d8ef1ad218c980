"""P14: what people entrust us with stands in no column in plain."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.database import Database
from app.simulators.signed_door import signed_callback
from tests.access_fixtures import SignedIn, member_token
from tests.members.factories import attest, keyed, number, register, start_check
from tests.simulators_fixture import Simulators

pytestmark = [pytest.mark.anyio, pytest.mark.long]

NAME = "欧阳金丝雀"
_TABLES = text(
    "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables"
    " where schemaname in ('public', 'pgqueuer')"
)


async def test_no_name_number_or_phone_in_any_column(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    caseworker: SignedIn,
    simulators: Simulators,
) -> None:
    card, abandoned, phone = number(), number(), "+8613977553311"
    rider = await member_token(app, phone=phone)
    await register(client, rider, abandoned, NAME, "face")
    check = await start_check(client, rider)
    await client.delete("/v1/me/registration", headers=rider.headers)
    view = await register(client, rider, card, NAME, "face")
    assert (await attest(client, caseworker, view["id"], card, NAME)).status_code == 201
    for path in ("/v1/me", "/v1/me/registration", f"/v1/me/identity-checks/{check['id']}"):
        assert (await client.get(path, headers=rider.headers)).status_code == 200
    standing: dict[str, Any] = {
        "client_ref": "canary-tablet-1",
        "name": NAME,
        "document": {"number": number()},
        "phone": "13977553312",
        "consents": [
            {"purpose": p, "version": 1}
            for p in ("service_terms", "personal_information", "identity_number")
        ],
        "card_seen": True,
    }
    enrolled = await client.post(
        "/v1/staff/enrolments", headers=keyed(caseworker), json={"items": [standing]}
    )
    assert enrolled.json()["items"][0]["outcome"] == "enrolled"
    headers, body = signed_callback(
        simulators.env["REDUMBRELLA_IDENTITY_VENDOR_SECRET"],
        {"reference": check["launch"]["token"], "order_ref": check["id"], "state": "passed"},
    )
    await client.post("/v1/identity-vendor/callbacks", headers=headers, content=body)
    planted = [NAME, card, abandoned, standing["document"]["number"], "13977553311", "13977553312"]
    found = [
        (table, canary)
        for table in await tables(database)
        for canary in planted
        if await holds(database, table, canary)
    ]
    assert found == []


async def tables(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list((await session.scalars(_TABLES)).all())


async def holds(database: Database, table: str, canary: str) -> bool:
    """Whether any row has the canary as text, or as bytes in a binary column."""
    in_hex = canary.encode().hex()
    async with database.transaction() as session:
        found = await session.scalar(
            text(
                f"select exists(select from {table} t"
                " where t::text like '%' || :canary || '%' or t::text like '%' || :hex || '%')"
            ),
            {"canary": canary, "hex": in_hex},
        )
    return bool(found)
