"""Riders made up for these tests, and the steps that every test of members repeats."""

import itertools
import secrets
from typing import Any

import httpx
from stdnum.cn import ric

from tests.access_fixtures import SignedIn

_serial = itertools.count(secrets.randbelow(9_000))
SURNAMES = "赵钱孙李周吴郑王冯陈"


def number(course: str = "00", *, area: str = "110105", sex: str = "male") -> str:
    """A synthetic resident ID never given out before in this run; `course` is the simulator's."""
    serial = next(_serial)
    birth = f"{1972 + serial // 336 % 30}{serial // 28 % 12 + 1:02d}{serial % 28 + 1:02d}"
    body = f"{area}{birth}{course}{1 if sex == 'male' else 2}"
    return body + ric.calc_check_digit(body + "0")


def name() -> str:
    return secrets.choice(SURNAMES) + "".join(
        secrets.choice("伟芳娜敏静强磊军洋勇艳杰涛明超") for _ in range(2)
    )


def keyed(caller: SignedIn) -> dict[str, str]:
    return caller.headers | {"Idempotency-Key": secrets.token_hex(8)}


def consents(*purposes: str) -> list[dict[str, Any]]:
    wanted = purposes or ("service_terms", "personal_information", "identity_number")
    return [{"purpose": purpose, "version": 1} for purpose in wanted]


def form(document_number: str, called: str, *more: str) -> dict[str, Any]:
    return {
        "name": called,
        "document": {"type": "resident_id", "number": document_number},
        "consents": consents() + (consents(*more) if more else []),
    }


async def register(
    client: httpx.AsyncClient, rider: SignedIn, document_number: str, called: str, *more: str
) -> dict[str, Any]:
    """A submitted registration."""
    answer = await client.post(
        "/v1/me/registration", headers=keyed(rider), json=form(document_number, called, *more)
    )
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    assert view["status"] == "submitted", view
    return view


async def attest(
    client: httpx.AsyncClient,
    caseworker: SignedIn,
    registration_id: str,
    document_number: str,
    called: str,
) -> httpx.Response:
    return await client.post(
        f"/v1/staff/registrations/{registration_id}/attestation",
        headers=keyed(caseworker),
        json={"document": {"number": document_number}, "name": called},
    )


async def start_check(client: httpx.AsyncClient, rider: SignedIn) -> dict[str, Any]:
    """A face check that the vendor has opened."""
    answer = await client.post("/v1/me/identity-checks", headers=keyed(rider))
    assert answer.status_code == 201, answer.text
    return await poll(client, rider, answer.json()["id"])


async def poll(client: httpx.AsyncClient, rider: SignedIn, check_id: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/me/identity-checks/{check_id}", headers=rider.headers)
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view
