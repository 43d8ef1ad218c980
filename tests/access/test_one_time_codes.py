"""One-time codes: how they are sent, guessed, locked and limited."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text, update

from app.access.models import MemberAccount, OneTimeCode
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.vault import Vault
from tests.access.conftest import AnotherProcess
from tests.access_fixtures import member_token, random_phone
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

SEND, LOGIN = "/v1/one-time-codes", "/v1/member/sessions/phone"


@pytest.fixture
def codes_of(simulators: Simulators) -> Callable[[str], list[str]]:
    """What the phone's owner can read, oldest first."""

    def read(phone: str) -> list[str]:
        messages = simulators.control("sms/list", phone=phone)["messages"]
        return [message["parameters"]["code"] for message in messages]

    return read


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


async def test_a_code_opens_a_session_once(
    client: httpx.AsyncClient, codes_of: Callable[[str], list[str]]
) -> None:
    phone = random_phone()
    sent = await client.post(SEND, json={"phone": phone})
    assert (sent.status_code, sent.json()) == (202, {"expires_in": 300})
    body = {"phone": phone, "code": codes_of(phone)[0]}
    answers = await asyncio.gather(*(client.post(LOGIN, json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
    tokens = next(answer.json() for answer in answers if answer.status_code == 201)
    assert tokens["expires_in"] == 900
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await client.delete("/v1/sessions/current", headers=headers)).status_code == 204


async def test_known_and_unknown_phones_get_the_same_answer(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    known = await member_token(app)
    answers = [
        await client.post(SEND, json={"phone": phone}) for phone in (known.phone, random_phone())
    ]
    assert answers[0].status_code == answers[1].status_code == 202
    assert answers[0].json() == answers[1].json()


async def test_a_second_login_finds_the_same_account_however_the_phone_is_typed(
    client: httpx.AsyncClient, codes_of: Callable[[str], list[str]]
) -> None:
    phone = random_phone()
    local = phone.removeprefix("+86")
    wide = local.translate({ord(str(n)): 0xFF10 + n for n in range(10)})
    accounts = set()
    for typed in (phone, local, wide, f"{local[:3]} {local[3:7]} {local[7:]}"):
        await client.post(SEND, json={"phone": typed})
        body = {"phone": typed, "code": codes_of(phone)[-1]}
        answer = await client.post(LOGIN, json=body)
        assert answer.status_code == 201, answer.text
        accounts.add(answer.json()["account_id"])
    assert len(accounts) == 1


@pytest.mark.parametrize(
    "phone", ["02363001234", "12345678901", "+8610000000000", "abcdefghijk", "+861381234567890"]
)
async def test_only_mobiles_get_codes(client: httpx.AsyncClient, phone: str) -> None:
    answer = await client.post(SEND, json={"phone": phone})
    assert (answer.status_code, answer.json()["code"]) == (422, "not-a-mobile-number")
    assert answer.json()["errors"][0]["pointer"] == "/phone"
    assert phone not in answer.text


async def test_five_wrong_guesses_lock_the_code(
    client: httpx.AsyncClient, codes_of: Callable[[str], list[str]]
) -> None:
    phone = random_phone()
    await client.post(SEND, json={"phone": phone})
    code = codes_of(phone)[0]
    body = {"phone": phone, "code": wrong(code)}
    guesses = [await client.post(LOGIN, json=body) for _ in range(5)]
    assert [guess.status_code for guess in guesses] == [422] * 4 + [409]
    right = await client.post(LOGIN, json={"phone": phone, "code": code})
    assert (right.status_code, right.json()["code"]) == (409, "one-time-code-locked")
    await client.post(SEND, json={"phone": phone})
    fresh = await client.post(LOGIN, json={"phone": phone, "code": codes_of(phone)[-1]})
    assert fresh.status_code == 201


async def test_parallel_guesses_do_not_stretch_the_five(
    client: httpx.AsyncClient, codes_of: Callable[[str], list[str]]
) -> None:
    phone = random_phone()
    await client.post(SEND, json={"phone": phone})
    code = codes_of(phone)[0]
    body = {"phone": phone, "code": wrong(code)}
    answers = await asyncio.gather(*(client.post(LOGIN, json=body) for _ in range(12)))
    assert [answer.status_code for answer in answers].count(422) == 4
    assert (await client.post(LOGIN, json=body | {"code": code})).status_code == 409


async def test_a_code_ends_after_five_minutes(
    client: httpx.AsyncClient, codes_of: Callable[[str], list[str]], database: Database
) -> None:
    phone = random_phone()
    await client.post(SEND, json={"phone": phone})
    async with database.transaction() as session:
        newest = select(OneTimeCode.id).order_by(OneTimeCode.created_at.desc()).limit(1)
        past = system_now() - timedelta(seconds=1)
        await session.execute(
            update(OneTimeCode)
            .where(OneTimeCode.id == newest.scalar_subquery())
            .values(expires_at=past)
        )
    answer = await client.post(LOGIN, json={"phone": phone, "code": codes_of(phone)[0]})
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong-one-time-code")


async def test_only_the_newest_code_counts(
    client: httpx.AsyncClient, codes_of: Callable[[str], list[str]]
) -> None:
    phone = random_phone()
    await client.post(SEND, json={"phone": phone})
    await client.post(SEND, json={"phone": phone})
    old, new = codes_of(phone)
    if old != new:
        assert (await client.post(LOGIN, json={"phone": phone, "code": old})).status_code == 422
    assert (await client.post(LOGIN, json={"phone": phone, "code": new})).status_code == 201


async def test_the_eleventh_message_an_hour_is_refused_by_every_process(
    client: httpx.AsyncClient, another_process: AnotherProcess
) -> None:
    phone = random_phone()
    for _ in range(5):
        assert (await client.post(SEND, json={"phone": phone})).status_code == 202
    async with another_process() as (_, other):
        for _ in range(5):
            assert (await other.post(SEND, json={"phone": phone})).status_code == 202
        for caller in (client, other):
            refused = await caller.post(SEND, json={"phone": phone})
            assert refused.status_code == 429
            assert 0 < int(refused.headers["retry-after"]) <= 3_601


async def test_one_address_cannot_send_to_everybody(another_process: AnotherProcess) -> None:
    async with another_process("203.0.113.77", codes_per_address=3) as (_, caller):
        spoofed = [{"X-Forwarded-For": f"198.51.100.{n}"} for n in range(4)]
        answers = [
            await caller.post(SEND, json={"phone": random_phone()}, headers=header)
            for header in spoofed
        ]
        assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    async with another_process("203.0.113.77", codes_per_address=3) as (_, restarted):
        assert (await restarted.post(SEND, json={"phone": random_phone()})).status_code == 429


async def test_a_trusted_proxy_names_the_caller(another_process: AnotherProcess) -> None:
    trusted = {"trusted_proxies": ("203.0.113.88",), "codes_per_address": 1}
    async with another_process("203.0.113.88", **trusted) as (_, caller):
        for forwarded, status in (
            ("198.51.100.1", 202),
            ("198.51.100.1", 429),
            ("198.51.100.200, 198.51.100.1", 429),
            ("198.51.100.2, 203.0.113.88", 202),
        ):
            answer = await caller.post(
                SEND, json={"phone": random_phone()}, headers={"X-Forwarded-For": forwarded}
            )
            assert answer.status_code == status


@pytest.mark.parametrize(
    ("phone", "status", "code"),
    [
        ("+8619900009000", 422, "message-not-delivered"),
        ("+8619900009001", 429, "too-many-requests"),
        ("+8619900009002", 503, "unavailable"),
    ],
)
async def test_what_the_carrier_refuses_is_said(
    client: httpx.AsyncClient, phone: str, status: int, code: str
) -> None:
    answer = await client.post(SEND, json={"phone": phone})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_first_logins_in_parallel_make_one_account(app: FastAPI) -> None:
    phone = random_phone()
    made = await asyncio.gather(*(member_token(app, phone=phone) for _ in range(12)))
    assert len({member.account_id for member in made}) == 1


async def test_neither_phone_nor_code_is_stored_in_the_clear(
    client: httpx.AsyncClient,
    codes_of: Callable[[str], list[str]],
    database: Database,
    app: FastAPI,
) -> None:
    phone = random_phone()
    await client.post(SEND, json={"phone": phone})
    code = codes_of(phone)[0]
    await client.post(LOGIN, json={"phone": phone, "code": code})
    async with database.transaction() as session:
        for table in ("one_time_code", "member_account", "rate_counter", "audit_entry"):
            rows = str((await session.scalars(text(f"select t::text from {table} t"))).all())
            assert phone[3:] not in rows
            assert phone.encode().hex() not in rows
            assert code.encode().hex() not in rows
        vault: Vault = app.state.vault
        account = (
            await session.scalars(
                select(MemberAccount).where(
                    MemberAccount.phone_index == vault.blind_index("phone", phone)
                )
            )
        ).one()
        assert vault.open("member_account", account.id, account.sealed)["phone"] == phone
