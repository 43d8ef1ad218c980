"""Logins: refresh, reuse, logout, WeChat, and keys that rotate without logging anyone out."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text, update

from app.access.authentication import Authenticator
from app.access.keyring import ensure_signing_key, rotate_signing_key
from app.access.member_accounts import block_account, contact_of, person_id_of
from app.access.models import RefreshToken, SigningKey, TokenFamily
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.principal import SYSTEM
from app.organisations.models import Organisation
from tests.access.conftest import AnotherProcess
from tests.access.doors import enter, eventually, lives
from tests.access_fixtures import (
    SignedIn,
    member_token,
    partner_token,
    random_phone,
    staff_token,
)
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

REFRESH, CURRENT = "/v1/sessions/refresh", "/v1/sessions/current"
WECHAT = "/v1/member/sessions/wechat"


async def test_a_refresh_token_works_once_and_its_reuse_ends_the_login(
    app: FastAPI, client: httpx.AsyncClient, agency: Organisation
) -> None:
    staff = await staff_token(app, agency.id)
    first = await client.post(REFRESH, json={"refresh_token": staff.refresh_token})
    assert first.status_code == 200
    second = await client.post(REFRESH, json={"refresh_token": first.json()["refresh_token"]})
    assert second.status_code == 200
    stolen = await client.post(REFRESH, json={"refresh_token": staff.refresh_token})
    assert stolen.status_code == 401
    ended = await client.post(REFRESH, json={"refresh_token": second.json()["refresh_token"]})
    assert ended.status_code == 401

    async def dead() -> bool:
        newest = SignedIn(second.json()["access_token"], staff.account_id)
        return not await lives(client, newest) and not await lives(client, staff)

    await eventually(dead)


async def test_parallel_refreshes_are_a_reuse(app: FastAPI, client: httpx.AsyncClient) -> None:
    member = await member_token(app)
    body = {"refresh_token": member.refresh_token}
    answers = await asyncio.gather(*(client.post(REFRESH, json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]
    lucky = next(answer for answer in answers if answer.status_code == 200)
    after = await client.post(REFRESH, json={"refresh_token": lucky.json()["refresh_token"]})
    assert after.status_code == 401


@pytest.mark.parametrize("token", ["x" * 43, "A" * 20])
async def test_unknown_refresh_tokens_open_nothing(client: httpx.AsyncClient, token: str) -> None:
    assert (await client.post(REFRESH, json={"refresh_token": token})).status_code == 401


async def test_expired_refresh_tokens_and_families_open_nothing(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    past = system_now() - timedelta(seconds=1)
    for table in (RefreshToken, TokenFamily):
        member = await member_token(app)
        family_id = (await enter(app, member.token, "member")).family_id
        column = RefreshToken.family_id if table is RefreshToken else TokenFamily.id
        async with database.transaction() as session:
            await session.execute(update(table).where(column == family_id).values(expires_at=past))
        answer = await client.post(REFRESH, json={"refresh_token": member.refresh_token})
        assert answer.status_code == 401


async def test_refresh_tokens_are_kept_as_hashes_and_are_not_access_tokens(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    member = await member_token(app)
    async with database.transaction() as session:
        hashes = (await session.scalars(select(RefreshToken.token_hash))).all()
    assert all(len(digest) == 32 for digest in hashes)
    headers = {"Authorization": f"Bearer {member.refresh_token}"}
    assert (await client.delete(CURRENT, headers=headers)).status_code == 401


async def test_logging_out_ends_this_login_on_every_process_and_no_other(
    app: FastAPI,
    client: httpx.AsyncClient,
    agency: Organisation,
    another_process: AnotherProcess,
) -> None:
    staff, other = await staff_token(app, agency.id), await staff_token(app, agency.id)
    async with another_process() as (_, second):
        assert await lives(second, staff)
        assert (await client.delete(CURRENT, headers=staff.headers)).status_code == 204

        async def dead() -> bool:
            return not await lives(client, staff) and not await lives(second, staff)

        await eventually(dead)
        assert await lives(second, other)
    body = {"refresh_token": staff.refresh_token}
    assert (await client.post(REFRESH, json=body)).status_code == 401


async def test_a_blocked_member_is_out(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    member = await member_token(app)
    async with database.transaction() as session:
        await block_account(session, member.account_id, SYSTEM)

    async def dead() -> bool:
        return (await client.delete(CURRENT, headers=member.headers)).status_code == 401

    await eventually(dead)
    body = {"refresh_token": member.refresh_token}
    assert (await client.post(REFRESH, json=body)).status_code == 401


async def test_a_person_and_a_contact_belong_to_an_account(
    app: FastAPI, database: Database
) -> None:
    member = await member_token(app, openid="o-test-1")
    async with database.transaction() as session:
        assert await person_id_of(session, member.account_id) is None
        assert await contact_of(session, app.state.vault, member.account_id) == (
            member.phone,
            "o-test-1",
        )


class TestWeChat:
    """Mini-program login against the simulated platform."""

    async def test_first_login_needs_the_phone_later_ones_do_not(
        self, client: httpx.AsyncClient, simulators: Simulators
    ) -> None:
        phone = random_phone()
        codes = simulators.control("wechat/codes", phone=phone)
        alone = await client.post(WECHAT, json={"js_code": codes["js_code"]})
        assert (alone.status_code, alone.json()["code"]) == (409, "phone-proof-required")
        codes = simulators.control("wechat/codes", phone=phone)
        both = {"js_code": codes["js_code"], "phone_code": codes["phone_code"]}
        first = await client.post(WECHAT, json=both)
        assert first.status_code == 201, first.text
        again = simulators.control("wechat/codes", phone=phone)
        later = await client.post(WECHAT, json={"js_code": again["js_code"]})
        assert later.status_code == 201
        assert later.json()["account_id"] == first.json()["account_id"]

    async def test_the_account_of_an_sms_login_is_found_by_its_phone(
        self, app: FastAPI, client: httpx.AsyncClient, simulators: Simulators
    ) -> None:
        member = await member_token(app)
        codes = simulators.control("wechat/codes", phone=member.phone)
        body = {"js_code": codes["js_code"], "phone_code": codes["phone_code"]}
        answer = await client.post(WECHAT, json=body)
        assert answer.json()["account_id"] == str(member.account_id)

    async def test_an_identity_moves_to_the_account_of_the_proven_phone(
        self, app: FastAPI, client: httpx.AsyncClient, simulators: Simulators
    ) -> None:
        phone = random_phone()
        codes = simulators.control("wechat/codes", phone=phone)
        former = await member_token(app, openid=codes["openid"])
        body = {"js_code": codes["js_code"], "phone_code": codes["phone_code"]}
        answer = await client.post(WECHAT, json=body)
        assert answer.status_code == 201
        assert answer.json()["account_id"] != str(former.account_id)

    async def test_codes_work_once(self, client: httpx.AsyncClient, simulators: Simulators) -> None:
        codes = simulators.control("wechat/codes", phone=random_phone())
        body = {"js_code": codes["js_code"], "phone_code": codes["phone_code"]}
        assert (await client.post(WECHAT, json=body)).status_code == 201
        again = await client.post(WECHAT, json=body)
        assert (again.status_code, again.json()["code"]) == (422, "bad-wechat-code")

    @pytest.mark.parametrize(
        ("outcome", "status"), [("busy", 503), ("high_risk", 422), ("too_often", 429)]
    )
    async def test_what_wechat_refuses_is_said(
        self, client: httpx.AsyncClient, simulators: Simulators, outcome: str, status: int
    ) -> None:
        codes = simulators.control("wechat/codes", phone=random_phone(), outcome=outcome)
        answer = await client.post(WECHAT, json={"js_code": codes["js_code"]})
        assert answer.status_code == status


class TestKeyRotation:
    """A new key is published, then signs; the old one verifies until its tokens are over."""

    async def test_nobody_is_logged_out(
        self, app: FastAPI, client: httpx.AsyncClient, agency: Organisation, database: Database
    ) -> None:
        door: Authenticator = app.state.authenticate
        old_kid = door.keyring.keys.signing_kid
        before = await staff_token(app, agency.id)
        async with database.transaction() as session:
            key = await rotate_signing_key(session, app.state.vault, app.state.settings, SYSTEM)
            again = await rotate_signing_key(session, app.state.vault, app.state.settings, SYSTEM)
        assert key.id == again.id
        await door.refresh()
        published = (await client.get("/.well-known/jwks.json")).json()["keys"]
        assert {entry["kid"] for entry in published} >= {old_kid, key.kid}
        assert all("d" not in entry for entry in published)
        assert door.keyring.keys.signing_kid == old_kid
        await self._pass(database, key, timedelta(minutes=11))
        await door.refresh()
        assert door.keyring.keys.signing_kid == key.kid
        after = await staff_token(app, agency.id)
        assert await lives(client, before)
        assert await lives(client, after)
        await self._pass(database, key, timedelta(minutes=20))
        await door.refresh()
        kids = (await client.get("/.well-known/jwks.json")).json()["keys"]
        assert old_kid not in {entry["kid"] for entry in kids}
        assert not await lives(client, before)
        assert await lives(client, after)

    async def _pass(self, database: Database, key: SigningKey, time: timedelta) -> None:
        """Let time pass for keys: their instants move into the past instead."""
        async with database.transaction() as session:
            await session.execute(
                update(SigningKey).values(
                    active_at=SigningKey.active_at - time,
                    retires_at=SigningKey.retires_at - time,
                )
            )

    async def test_processes_that_start_together_make_one_key(
        self, app: FastAPI, database: Database
    ) -> None:
        async def ensure() -> None:
            async with database.transaction() as session:
                await ensure_signing_key(session, app.state.vault)

        async with database.transaction() as session:
            before = await session.scalar(select(func.count()).select_from(SigningKey))
        await asyncio.gather(*(ensure() for _ in range(5)))
        async with database.transaction() as session:
            assert await session.scalar(select(func.count()).select_from(SigningKey)) == before

    async def test_private_keys_are_sealed(self, database: Database) -> None:
        async with database.transaction() as session:
            for key in (await session.scalars(select(SigningKey))).all():
                assert b"PRIVATE" not in key.sealed
                assert "d" not in key.public_jwk

    async def test_the_key_set_may_be_cached(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/.well-known/jwks.json")
        assert answer.headers["cache-control"] == "public, max-age=300"


async def test_stale_knowledge_of_revocations_closes_the_staff_door_only(
    app: FastAPI, agency: Organisation, another_process: AnotherProcess
) -> None:
    staff, member = await staff_token(app, agency.id), await member_token(app)
    partner = await partner_token(app, agency.id)
    async with another_process() as (second, caller):
        door: Authenticator = second.state.authenticate
        assert await lives(caller, staff)
        async with app.state.database.transaction() as session:
            await session.execute(text("lock table token_revocation in access exclusive mode"))
            door.revocations._known_at -= 6
            refused = await caller.get("/v1/staff/me", headers=staff.headers)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        await enter(second, member.token, "member")
        await enter(second, partner.token, "partner")

        async def back() -> bool:
            return await lives(caller, staff)

        await eventually(back)
