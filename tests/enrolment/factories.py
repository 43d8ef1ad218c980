"""Codes and on-site items as a tablet sends them."""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from app.kernel.clock import system_now
from tests.access_fixtures import SignedIn, random_phone
from tests.members.factories import consents, keyed, name, number


async def make_code(
    client: httpx.AsyncClient, caseworker: SignedIn, site_id: UUID, **more: Any
) -> dict[str, Any]:
    body = {
        "organisation_id": str(site_id),
        "expires_at": (system_now() + timedelta(days=30)).isoformat(),
    } | more
    answer = await client.post("/v1/staff/enrolment-codes", headers=keyed(caseworker), json=body)
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


def item(**more: Any) -> dict[str, Any]:
    return {
        "client_ref": f"tablet-{secrets.token_hex(6)}",
        "name": name(),
        "document": {"type": "resident_id", "number": number()},
        "phone": random_phone().removeprefix("+86"),
        "consents": consents(),
        "card_seen": True,
    } | more


async def enrol(
    client: httpx.AsyncClient, caseworker: SignedIn, *items: dict[str, Any]
) -> list[dict[str, Any]]:
    answer = await client.post(
        "/v1/staff/enrolments", headers=keyed(caseworker), json={"items": list(items)}
    )
    assert answer.status_code == 200, answer.text
    answers: list[dict[str, Any]] = answer.json()["items"]
    assert [a["client_ref"] for a in answers] == [i["client_ref"] for i in items]
    return answers
