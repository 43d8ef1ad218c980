"""Staff: logging in, and accounts made, disabled, enabled and re-keyed by administrators."""

import asyncio

import httpx
import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from app.access.models import StaffAccount
from app.access.staff_accounts import create_staff
from app.kernel.audit import AuditEntry
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.idempotency import StoredAnswer
from app.kernel.ids import random_code
from app.kernel.principal import SYSTEM
from app.organisations.models import Kind, Organisation
from tests.access.conftest import AnotherProcess
from tests.access.doors import eventually, lives
from tests.access_fixtures import TOTP_SECRET, SignedIn, make_organisation, staff_token

pytestmark = pytest.mark.anyio

LOGIN, ACCOUNTS, ME = "/v1/staff/sessions", "/v1/staff/accounts", "/v1/staff/me"
PASSWORD = "a long enough password"


def totp(secret: str = TOTP_SECRET, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(system_now(), counter_offset=steps)


@pytest.fixture
async def username(app: FastAPI, agency: Organisation) -> str:
    """An account with a real password that need not be changed."""
    name = f"u{random_code(8).lower()}"
    password_hash = await app.state.authenticate.passwords.hash(PASSWORD)
    async with app.state.database.transaction() as session:
        await create_staff(
            session,
            app.state.vault,
            organisation_id=agency.id,
            username=name,
            display_name="测试员工",
            roles=["caseworker"],
            password_hash=password_hash,
            totp_secret=TOTP_SECRET,
            actor=SYSTEM,
            now=system_now(),
            initial=False,
        )
    return name


def credentials(username: str, **changes: str) -> dict[str, str]:
    return {"username": username, "password": PASSWORD, "totp_code": totp()} | changes


async def forget_step(database: Database, username: str) -> None:
    """As if the next thirty seconds had begun."""
    async with database.transaction() as session:
        await session.execute(
            update(StaffAccount).where(StaffAccount.username == username).values(last_totp_step=0)
        )


async def test_password_and_code_open_a_session(
    client: httpx.AsyncClient, username: str, agency: Organisation
) -> None:
    answer = await client.post(LOGIN, json=credentials(username))
    assert answer.status_code == 201, answer.text
    token = answer.json()
    assert token["refresh_expires_in"] == 12 * 3600
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    profile = (await client.get(ME, headers=headers)).json()
    assert profile["username"] == username
    assert (profile["organisation_id"], profile["roles"]) == (str(agency.id), ["caseworker"])


async def test_a_totp_code_works_once_also_in_parallel(
    client: httpx.AsyncClient, username: str
) -> None:
    body = credentials(username)
    answers = await asyncio.gather(*(client.post(LOGIN, json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 401, 401, 401]
    older = credentials(username, totp_code=totp(steps=-1))
    assert (await client.post(LOGIN, json=older)).status_code == 401


@pytest.mark.parametrize(("steps", "status"), [(-3, 401), (-1, 201), (1, 201), (3, 401)])
async def test_one_step_of_clock_drift_is_taken(
    client: httpx.AsyncClient, username: str, steps: int, status: int
) -> None:
    # In the last seconds of a step the server may already stand in the next one.
    left = 30 - system_now().timestamp() % 30
    await asyncio.sleep(left + 0.1 if left < 5 else 0)
    body = credentials(username, totp_code=totp(steps=steps))
    assert (await client.post(LOGIN, json=body)).status_code == status


async def test_what_was_wrong_is_not_said(
    app: FastAPI, client: httpx.AsyncClient, username: str, database: Database
) -> None:
    wrong_code = f"{(int(totp()) + 1) % 10**6:06d}"
    attempts = (
        credentials(username, password="not the password"),
        credentials(username, totp_code=wrong_code),
        credentials(f"x{random_code(8).lower()}"),
    )
    answers = [await client.post(LOGIN, json=body) for body in attempts]
    async with database.transaction() as session:
        await session.execute(
            update(StaffAccount).where(StaffAccount.username == username).values(status="disabled")
        )
    answers.append(await client.post(LOGIN, json=credentials(username)))
    bodies = [answer.json() | {"request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["code"] == "wrong-credentials"


async def test_unknown_users_cost_a_hash_as_well(app: FastAPI) -> None:
    """Not timed: the hasher is asked for both."""
    passwords = app.state.authenticate.passwords
    assert not await passwords.verify(PASSWORD, None)
    assert passwords._dummy is not None
    assert passwords._dummy.startswith("$argon2id$")


async def test_an_account_without_a_password_cannot_be_entered(
    app: FastAPI, client: httpx.AsyncClient, agency: Organisation, database: Database
) -> None:
    staff = await staff_token(app, agency.id)
    async with database.transaction() as session:
        name = (await session.get_one(StaffAccount, staff.account_id)).username
    answer = await client.post(LOGIN, json=credentials(name, password="unusable"))
    assert answer.status_code == 401


async def test_failures_are_limited_on_every_process_until_a_success(
    client: httpx.AsyncClient,
    username: str,
    another_process: AnotherProcess,
    database: Database,
) -> None:
    bad = credentials(username, password="wrong password!")
    for _ in range(9):
        assert (await client.post(LOGIN, json=bad)).status_code == 401
    assert (await client.post(LOGIN, json=credentials(username))).status_code == 201
    await forget_step(database, username)
    for _ in range(10):
        assert (await client.post(LOGIN, json=bad)).status_code == 401
    async with another_process() as (_, other):
        refused = await other.post(LOGIN, json=credentials(username))
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-logins")
        assert 0 < int(refused.headers["retry-after"]) <= 901


async def admin_of(app: FastAPI, organisation: Organisation) -> SignedIn:
    return await staff_token(app, organisation.id, ["administrator"])


def new_account(organisation_id: object, **changes: object) -> dict[str, object]:
    return {
        "organisation_id": str(organisation_id),
        "username": f"n{random_code(8).lower()}",
        "display_name": "新员工",
        "roles": ["caseworker", "reviewer"],
    } | changes


class TestAdministration:
    async def test_a_new_account_sets_its_own_password(
        self, app: FastAPI, client: httpx.AsyncClient, agency: Organisation, database: Database
    ) -> None:
        admin = await admin_of(app, agency)
        made = await client.post(ACCOUNTS, json=new_account(agency.id), headers=admin.keyed)
        assert made.status_code == 201, made.text
        secrets = made.json()
        body = {
            "username": secrets["account"]["username"],
            "password": secrets["initial_password"],
            "totp_code": totp(secrets["totp_secret"]),
        }
        refused = await client.post(LOGIN, json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "password-change-required")
        same = await client.post(LOGIN, json=body | {"new_password": body["password"]})
        assert same.status_code == 409
        entered = await client.post(LOGIN, json=body | {"new_password": PASSWORD})
        assert entered.status_code == 201, entered.text
        await forget_step(database, body["username"])
        assert (await client.post(LOGIN, json=body)).status_code == 401
        again = await client.post(LOGIN, json=body | {"password": PASSWORD})
        assert again.status_code == 201

    async def test_nobody_appoints_beyond_their_own_organisation(
        self, app: FastAPI, client: httpx.AsyncClient, agency: Organisation
    ) -> None:
        unit = await make_organisation(app, Kind.UNIT, agency)
        admin = await admin_of(app, unit)
        for organisation_id in (agency.id, agency.parent_id, (await make_organisation(app)).id):
            answer = await client.post(
                ACCOUNTS, json=new_account(organisation_id), headers=admin.keyed
            )
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["pointer"] == "/organisation_id"
        own = await client.post(ACCOUNTS, json=new_account(unit.id), headers=admin.keyed)
        assert own.status_code == 201

    @pytest.mark.parametrize(
        "changes", [{"roles": []}, {"roles": ["root"]}, {"username": "A b"}, {"display_name": ""}]
    )
    async def test_accounts_that_make_no_sense_are_refused(
        self,
        app: FastAPI,
        client: httpx.AsyncClient,
        agency: Organisation,
        changes: dict[str, object],
    ) -> None:
        admin = await admin_of(app, agency)
        body = new_account(agency.id, **changes)
        answer = await client.post(ACCOUNTS, json=body, headers=admin.keyed)
        assert answer.status_code == 422

    async def test_a_user_name_belongs_to_one(
        self, app: FastAPI, client: httpx.AsyncClient, agency: Organisation
    ) -> None:
        admin, body = await admin_of(app, agency), new_account(agency.id)
        answers = await asyncio.gather(
            *(client.post(ACCOUNTS, json=body, headers=admin.keyed) for _ in range(3))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409]

    async def test_the_list_shows_the_subtree_and_is_audited(
        self, app: FastAPI, client: httpx.AsyncClient, agency: Organisation, database: Database
    ) -> None:
        unit = await make_organisation(app, Kind.UNIT, agency)
        below = [await staff_token(app, unit.id) for _ in range(3)]
        stranger = await staff_token(app, (await make_organisation(app)).id)
        admin = await admin_of(app, agency)
        seen: set[str] = set()
        cursor = ""
        while True:
            answer = await client.get(f"{ACCOUNTS}?limit=2{cursor}", headers=admin.headers)
            page = answer.json()
            seen |= {item["id"] for item in page["items"]}
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        expected = {str(who.account_id) for who in (*below, admin)}
        assert seen == expected
        assert str(stranger.account_id) not in seen
        async with database.transaction() as session:
            entries = (
                await session.scalars(
                    select(AuditEntry).where(
                        AuditEntry.actor_id == admin.account_id,
                        AuditEntry.action == "staff_account.read",
                    )
                )
            ).all()
        assert len(entries) == 2
        assert {str(i) for entry in entries for i in entry.subject_ids} == expected

    async def test_strangers_accounts_cannot_be_touched(
        self, app: FastAPI, client: httpx.AsyncClient, agency: Organisation
    ) -> None:
        stranger = await staff_token(app, (await make_organisation(app)).id)
        admin = await admin_of(app, agency)
        for verb in ("disable", "enable", "rekey"):
            path = f"{ACCOUNTS}/{stranger.account_id}/{verb}"
            assert (await client.post(path, headers=admin.keyed)).status_code == 404
            own = f"{ACCOUNTS}/{admin.account_id}/{verb}"
            assert (await client.post(own, headers=admin.keyed)).status_code == 409

    async def test_a_disabled_account_is_dead_everywhere_within_five_seconds(
        self,
        app: FastAPI,
        client: httpx.AsyncClient,
        agency: Organisation,
        another_process: AnotherProcess,
    ) -> None:
        """P10, with two processes; both have the token in their cache."""
        staff, bystander = await staff_token(app, agency.id), await staff_token(app, agency.id)
        admin = await admin_of(app, agency)
        path = f"{ACCOUNTS}/{staff.account_id}"
        async with another_process() as (_, second):
            assert await lives(client, staff)
            assert await lives(second, staff)
            disabled = await client.post(f"{path}/disable", headers=admin.headers)
            assert disabled.json()["status"] == "disabled"

            async def dead() -> bool:
                return not await lives(client, staff) and not await lives(second, staff)

            await eventually(dead)
            assert await lives(second, bystander)
            refresh = {"refresh_token": staff.refresh_token}
            assert (await second.post("/v1/sessions/refresh", json=refresh)).status_code == 401
            twice = await client.post(f"{path}/disable", headers=admin.headers)
            assert (twice.status_code, twice.json()["code"]) == (409, "invalid-transition")
            enabled = await client.post(f"{path}/enable", headers=admin.headers)
            assert enabled.json()["status"] == "active"
            assert not await lives(second, staff)

    async def test_an_enabled_account_logs_in_at_once(
        self, app: FastAPI, client: httpx.AsyncClient, agency: Organisation, username: str
    ) -> None:
        admin = await admin_of(app, agency)
        listed = await client.get(f"{ACCOUNTS}?limit=100", headers=admin.headers)
        account = next(i for i in listed.json()["items"] if i["username"] == username)
        for verb in ("disable", "enable"):
            path = f"{ACCOUNTS}/{account['id']}/{verb}"
            assert (await client.post(path, headers=admin.headers)).status_code == 200
        answer = await client.post(LOGIN, json=credentials(username))
        assert answer.status_code == 201
        who = SignedIn(answer.json()["access_token"], account["id"])
        await app.state.authenticate.refresh()
        assert await lives(client, who)

    async def test_a_rekeyed_account_needs_its_new_secrets(
        self, app: FastAPI, client: httpx.AsyncClient, agency: Organisation, username: str
    ) -> None:
        admin = await admin_of(app, agency)
        entered = (await client.post(LOGIN, json=credentials(username))).json()
        path = f"{ACCOUNTS}/{entered['account_id']}/rekey"
        headers = admin.keyed
        lost = await client.post(path, headers=headers)
        again = await client.post(path, headers=headers)
        assert (again.content, again.headers["idempotency-replayed"]) == (lost.content, "true")
        secrets = again.json()
        await app.state.authenticate.refresh()
        assert not await lives(client, SignedIn(entered["access_token"], entered["account_id"]))
        assert (await client.post(LOGIN, json=credentials(username))).status_code == 401
        body = {
            "username": username,
            "password": secrets["initial_password"],
            "totp_code": totp(secrets["totp_secret"]),
            "new_password": "another long password",
        }
        assert (await client.post(LOGIN, json=body)).status_code == 201

    async def test_secrets_are_in_no_plain_column(
        self, app: FastAPI, client: httpx.AsyncClient, agency: Organisation, database: Database
    ) -> None:
        admin = await admin_of(app, agency)
        made = await client.post(ACCOUNTS, json=new_account(agency.id), headers=admin.keyed)
        secrets = made.json()
        async with database.transaction() as session:
            row = await session.get_one(StaffAccount, secrets["account"]["id"])
            opened = app.state.vault.open("staff_account", row.id, row.sealed)
        assert opened == {"totp_secret": secrets["totp_secret"]}
        assert secrets["totp_secret"].encode() not in row.sealed
        assert secrets["initial_password"] not in row.password_hash
        async with database.transaction() as session:
            kept = (await session.scalars(select(StoredAnswer.sealed_body))).all()
        assert kept
        for secret in (secrets["totp_secret"], secrets["initial_password"]):
            assert not any(secret.encode() in each for each in kept)
