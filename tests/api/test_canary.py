"""P14: a whole life with names and numbers that are then searched for everywhere.

The service runs as it does for `make run`, with its logs at their most talkative. What was
planted must be in no column, log, metric, file, data page or write-ahead log.
"""

import asyncio
import io
import os
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

from app.journey.claim import DISABILITY, HOSPITAL, Claim, accident_after
from app.journey.claim_review import agree, review
from app.journey.main import Journey
from app.journey.office import Desk, move_clock
from app.journey.people import Rider, make_rider
from app.journey.report import Report
from app.journey.rider import Phone
from app.journey.transport import Caller, until
from app.journey.world import World
from app.kernel.database import asyncpg_dsn
from app.launcher.instance import Instance
from tests.access_fixtures import SignedIn, random_phone
from tests.claims.factories import Case, make_office, make_policy, poll, run_jobs
from tests.cover_fixtures import load_plans
from tests.cover_fixtures import make_rider as make_proven_rider
from tests.launcher.test_run import started
from tests.members.factories import number, register, start_check
from tests.simulators_fixture import Simulators

pytestmark = [pytest.mark.anyio, pytest.mark.long]

PLACE, DESCRIPTION = "金丝雀路口九号", "金丝雀送餐摔倒左腕骨折"
PAPER = b"CANARY-PAPER-3f9a"


def canary_rider(serial: str) -> Rider:
    """Somebody whose name and phone nobody else has."""
    made = make_rider()
    return Rider(
        f"欧阳金丝雀{serial}",
        made.number,
        f"+861397755{secrets.randbelow(10**4):04d}",
        made.address,
    )


@dataclass
class Planted:
    """What was given to the service in confidence, in every spelling that it might keep."""

    texts: set[str] = field(default_factory=lambda: {PLACE, DESCRIPTION})
    # Something that is kept in plain: a search that misses it proves nothing.
    control: bytes = b"-"

    def person(self, rider: Rider) -> None:
        self.texts |= {rider.name, rider.number, rider.phone.removeprefix("+86")}

    @property
    def needles(self) -> list[bytes]:
        """UTF-8, JSON's escapes, and the hex of both in which bytes are printed."""
        plain = [text.encode() for text in self.texts]
        escaped = [
            text.encode("ascii", "backslashreplace") for text in self.texts if not text.isascii()
        ]
        return [PAPER, *plain, *escaped, *(each.hex().encode() for each in (PAPER, *plain))]

    def found(self, place: str, content: bytes) -> list[str]:
        return [f"{place}: {each.decode()}" for each in self.needles if each in content]


class CanaryPhone(Phone):
    """A phone whose photographs carry a marker."""

    def paper(self, words: str) -> bytes:
        file = io.BytesIO()
        with Image.open(io.BytesIO(super().paper(words))) as image:
            image.save(file, "JPEG", comment=PAPER)
        return file.getvalue()


class CanaryClaim(Claim):
    """A claim that tells where and how it happened."""

    async def submit(self, happened_at: datetime) -> None:
        send = self.phone.caller.call

        async def call(method: str, path: str, **options: Any) -> httpx.Response:
            if path == "/v1/me/claims":
                options["body"]["incident"] |= {"place": PLACE, "description": DESCRIPTION}
            return await send(method, path, **options)

        self.phone.caller.call = call  # type: ignore[method-assign]
        await super().submit(happened_at)


async def live(instance: Instance, planted: Planted, folder: Path) -> bytes:
    """Every door and every refusal that sees personal data; the metrics at the end."""
    report = Report(machine=True, alone=False)
    addresses: list[str] = []

    async def note(request: httpx.Request) -> None:
        addresses.append(str(request.url))

    async with (
        httpx.AsyncClient(
            base_url=instance.base_url, timeout=30, trust_env=False, event_hooks={"request": [note]}
        ) as api,
        httpx.AsyncClient(base_url=instance.simulator_url, timeout=30, trust_env=False) as outside,
    ):
        world = World(api, outside, instance.enrolment_code)
        journey = Journey(report, instance, world, 1, folder)
        rider = canary_rider("甲")
        planted.person(rider)
        planted.texts.add(f"{int(rider.phone[-10:]):015d}")
        phone = CanaryPhone(world, rider, Caller(api, report.tally), report)
        await phone.enrol()
        await phone.buy()
        await phone.keep_certificate(None)
        planted.control = phone.known["policy"]["number"].encode()
        for role in ("administrator", "caseworker", "reviewer", "supervisor"):
            await journey.desks[role].log_in()
        await move_clock(journey.desks["administrator"], _after_start(phone))
        for case in (HOSPITAL, DISABILITY):
            claim = CanaryClaim(phone, case)
            await claim.submit(accident_after(_starts(phone)))
            await review(journey.desks["reviewer"], claim)
            await agree(journey.desks["supervisor"], claim)
            await claim.receive_money()
        await _counter(journey.desks["caseworker"], world, planted)
        await _partner(instance, Caller(api, report.tally), planted)
        await _refusals(api, phone, planted)
        assert report.misses == []
        assert planted.found("addresses", "\n".join(addresses).encode()) == []
        return (await api.get("/metrics")).content


def _starts(phone: Phone) -> datetime:
    return datetime.fromisoformat(phone.known["policy"]["starts_at"])


def _after_start(phone: Phone) -> datetime:
    return _starts(phone) + timedelta(hours=12)


async def _counter(caseworker: Desk, world: World, planted: Planted) -> None:
    """One rider is enrolled on the spot, one is refused, one is looked for."""
    scanned = await caseworker.caller.json("GET", f"/v1/enrolment-codes/{world.enrolment_code}")
    consents = [{"purpose": c["purpose"], "version": c["version"]} for c in scanned["consents"]]
    items = []
    for serial in "乙丙":
        rider = canary_rider(serial)
        planted.person(rider)
        wrong = rider.number[:-1] + ("0" if rider.number[-1] != "0" else "1")
        planted.texts.add(wrong)
        items.append(
            {
                "client_ref": f"tablet-{secrets.token_hex(8)}",
                "name": rider.name,
                "document": {"number": rider.number if serial == "乙" else wrong},
                "phone": rider.phone,
                "consents": consents,
                "card_seen": True,
                "enrolment_code": world.enrolment_code,
            }
        )
    answered = await caseworker.caller.json(
        "POST", "/v1/staff/enrolments", body={"items": items}, keyed=True
    )
    assert [item["outcome"] for item in answered["items"]] == ["enrolled", "refused"]
    granted = await caseworker.caller.json(
        "POST",
        "/v1/staff/serve-grants",
        body={"reason": "claim", "document": items[0]["document"]},
        expect=201,
        keyed=True,
    )
    await caseworker.caller.json("GET", f"/v1/staff/members/{granted['member']['id']}")


async def _partner(instance: Instance, platform: Caller, planted: Planted) -> None:
    """A roster of a good row and a bad one, and the answers to them."""
    answer = await platform.http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(instance.partner_client_id, instance.partner_client_secret),
    )
    platform.token = answer.json()["access_token"]
    rows = []
    for serial in "丁戊":
        rider = canary_rider(serial)
        planted.person(rider)
        rows.append(
            {
                "rider_ref": secrets.token_hex(6),
                "name": rider.name,
                "document_number": rider.number if serial == "丁" else rider.number[:-2],
                "phone": rider.phone,
            }
        )
    planted.texts.add(rows[1]["document_number"])
    path = "/v1/partner/rosters/99"
    await platform.call("PUT", path, body={"riders": rows}, expect=202)

    async def ask() -> Any:
        return await platform.json("GET", path)

    applied = await until("the roster", ask, lambda view: view["status"] == "applied")
    assert applied["answers"]["enrolled"] == applied["answers"]["refused"] == 1
    await platform.json("GET", f"{path}/rows")


async def _refusals(api: httpx.AsyncClient, phone: Phone, planted: Planted) -> None:
    """What is wrong is often what gets logged."""
    rider = canary_rider("己")
    planted.person(rider)
    headers = {"Authorization": f"Bearer {phone.caller.token}", "Idempotency-Key": "canary-key-1"}
    account = {"account_number": rider.number, "account_name": rider.name, "bank_code": "ICBC"}
    for path, body in (
        ("/v1/me/payout-accounts", account),
        ("/v1/me/payout-accounts", account | {"account_number": [rider.number]}),
        ("/v1/me/claims", {"incident": rider.name}),
        ("/v1/me/registration", {"name": rider.name, "document": {"number": rider.number[:-1]}}),
        ("/v1/member/sessions/phone", {"phone": rider.phone, "code": "000000"}),
        ("/v1/one-time-codes", {"phone": f"{rider.phone}x"}),
        ("/v1/one-time-codes", {"phone": rider.phone}),
    ):
        answer = await api.post(path, headers=headers, json=body)
        assert answer.status_code in (202, 401, 404, 409, 422), (path, answer.text)
        assert rider.name not in answer.text, path
        assert rider.number not in answer.text, path
    # A member that is not known is named to whoever sent it, and to nobody else.
    odd = await api.post("/v1/me/payout-accounts", headers=headers, json={rider.number: 1})
    assert odd.status_code == 422
    raw = f'{{"name": "{rider.name}", "number": {rider.number[:-1]}'.encode()
    broken = await api.post(
        "/v1/me/registration", headers=headers | {"Content-Type": "application/json"}, content=raw
    )
    assert broken.status_code == 400


async def test_nothing_that_was_entrusted_lies_in_plain(tmp_path: Path) -> None:
    planted = Planted()
    data_dir = tmp_path / ".data"
    with started(data_dir, "--port", "0", REDUMBRELLA_LOG_LEVEL="debug") as run:
        instance = await asyncio.to_thread(run.wait_until_ready)
        metrics = await live(instance, planted, tmp_path)
        found = planted.found("metrics", metrics)
        async with owner(instance) as connection:
            controlled = set()
            async for table, content in dumps(connection):
                found += planted.found(table, content)
                if planted.control in content:
                    controlled.add(table)
            assert "public.policy" in controlled
    searched = {str(file.relative_to(data_dir)): file.read_bytes() for file in files(data_dir)}
    for name, content in searched.items():
        found += planted.found(name, content)
    assert found == []
    assert b'"route": "/v1/me/payout-accounts"' in searched["logs/api.log"]
    kept_in = {name.split("/pg_wal/")[0] for name in searched if planted.control in searched[name]}
    assert len(kept_in) >= 2, "data pages and write-ahead log"


def files(data_dir: Path) -> Iterable[Path]:
    """Logs, objects, data pages and write-ahead log; what outside systems keep is theirs."""
    for folder, _, names in os.walk(data_dir):
        for name in names:
            path = Path(folder, name)
            if "simulators" not in path.relative_to(data_dir).parts and path.is_file():
                yield path


@asynccontextmanager
async def owner(instance: Instance) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(asyncpg_dsn(instance.database_url))
    try:
        yield connection
    finally:
        await connection.close()


async def dumps(connection: asyncpg.Connection) -> AsyncIterator[tuple[str, bytes]]:
    """Every table of every schema of ours in the binary form of COPY: bytes as they are."""
    rows = await connection.fetch(
        "select schemaname, tablename from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema')"
    )
    for row in rows:
        content = io.BytesIO()
        await connection.copy_from_table(
            row["tablename"], schema_name=row["schemaname"], output=content, format="binary"
        )
        yield f"{row['schemaname']}.{row['tablename']}", content.getvalue()


async def test_the_search_finds_what_is_there() -> None:
    planted = Planted()
    for content in (DESCRIPTION.encode(), DESCRIPTION.encode().hex().encode(), PAPER):
        assert planted.found("here", b"\x00" + content + b"\x00")
    assert planted.found("here", b"\\u91d1\\u4e1d\\u96c0\\u8def\\u53e3\\u4e5d\\u53f7")
    assert not planted.found("here", b"nothing")


async def test_no_address_that_the_service_calls_names_anybody(
    app: FastAPI,
    client: httpx.AsyncClient,
    simulators: Simulators,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Log-in code, face check, WeChat transfer and bank payment: content goes in bodies."""
    called: list[str] = []
    send = httpx.AsyncClient.send

    async def noting(self: httpx.AsyncClient, request: httpx.Request, **how: Any) -> httpx.Response:
        called.append(str(request.url))
        return await send(self, request, **how)

    monkeypatch.setattr(httpx.AsyncClient, "send", noting)
    phone, card, name = random_phone(), number(), "欧阳金丝雀"
    assert (await client.post("/v1/one-time-codes", json={"phone": phone})).status_code == 202
    [message] = simulators.control("sms/list", phone=phone)["messages"]
    code = next(v for v in message["parameters"].values() if len(v) == 6)
    logged_in = await client.post("/v1/member/sessions/phone", json={"phone": phone, "code": code})
    assert logged_in.status_code == 201, logged_in.text
    tokens = logged_in.json()
    caller = SignedIn(tokens["access_token"], tokens["account_id"])
    await register(client, caller, card, name, "face")
    await start_check(client, caller)
    await load_plans(app)
    office = await make_office(app)
    account = f"62220200{secrets.randbelow(10**8):08d}"
    for by_bank in (False, True):
        rider = await make_proven_rider(
            app,
            openid=f"o-{secrets.token_hex(10)}",
            organisation_id=office.organisation.id,
            name=name,
        )
        policy = await make_policy(app, rider, office.organisation.id)
        case = Case(app, client, office, rider, policy)
        body = case.body(place=PLACE, description=DESCRIPTION)
        if by_bank:
            recorded = await case.post(
                "/v1/me/payout-accounts",
                rider,
                {"account_number": account, "account_name": name, "bank_code": "ICBC"},
            )
            body |= {"payout_account_id": recorded.json()["id"]}
        await case.submitted(body)
        await case.approved(self_pay_fen=1_000_000, hospital_grade=2)
        await run_jobs(app)
        await poll(app)
    outside = [url for url in called if url.startswith(simulators.base_url)]
    assert len({httpx.URL(url).path for url in outside}) >= 5
    planted = Planted({PLACE, DESCRIPTION, name, card, phone.removeprefix("+86"), account})
    assert planted.found("addresses", "\n".join(called).encode()) == []
    quoted = [str(httpx.URL("http://x/", params={"q": text}))[11:] for text in planted.texts]
    assert [text for text in quoted if any(text in url for url in called)] == []
