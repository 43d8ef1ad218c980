"""The gateway changes its certificate: a running API learns it, and nobody makes it ask often."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app.integrations import outside
from app.integrations.errors import OutcomeUnknown
from app.main import create_app
from tests.conftest import MASTER_KEY
from tests.cover_fixtures import Gateway, load_plans, make_gateway, make_rider, order
from tests.integrations import orders
from tests.simulators_fixture import Simulators, listen, run_simulators

pytestmark = pytest.mark.anyio

NOWHERE = "http://127.0.0.1:9/notice"
RETRIES = (0.0, 0.05, 0.1, 0.2, 0.4, 1.0, 2.0, 4.0, 8.0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Simulators]:
    """Outside systems of this test's own, because their keys change for good."""
    with run_simulators(tmp_path / "simulators", notice_retry_seconds=RETRIES) as running:
        yield running


@pytest.fixture
async def api(
    world: Simulators, fresh_database_url: str, tmp_path: Path
) -> AsyncIterator[tuple[FastAPI, str]]:
    """An API that the gateway reaches at its address."""
    listener = listen()
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = create_app(
        world.settings(
            database_url=fresh_database_url,
            master_key=MASTER_KEY,
            log_level="error",
            public_base_url=base_url,
            object_store_url=(tmp_path / "objects").as_uri(),
        )
    )
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="error", access_log=False, lifespan="off")
    )
    async with app.router.lifespan_context(app):
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield app, base_url
        server.should_exit = True
        await serving


@pytest.fixture
async def gateway(api: tuple[FastAPI, str], world: Simulators) -> AsyncIterator[Gateway]:
    await load_plans(api[0])
    async with httpx.AsyncClient(base_url=api[1], trust_env=False) as caller:
        yield make_gateway(caller, world)


async def told(world: Simulators, path: str, **form: Any) -> dict[str, Any]:
    """A control door without blocking the loop in which the API answers."""
    return await asyncio.to_thread(world.control, path, **form)


async def fetches(world: Simulators) -> int:
    return int((await told(world, "certificates/list"))["fetches"])


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while True:
            if await true():
                return
            await asyncio.sleep(0.02)


async def buy(app: FastAPI, gateway: Gateway) -> tuple[str, Callable[[], Awaitable[bool]]]:
    """A rider's order with a code to pay; the code, and whether the order is paid."""
    rider = await make_rider(app)
    made = await order(gateway.client, rider)
    started = await gateway.client.post(
        f"/v1/me/orders/{made['id']}/payments", headers=rider.keyed, json={"trade_type": "native"}
    )
    assert started.status_code == 201, started.text

    async def paid() -> bool:
        view = await gateway.client.get(f"/v1/me/orders/{made['id']}", headers=rider.headers)
        return bool(view.json()["status"] == "paid")

    return started.json()["code_url"], paid


def forged(gateway: Gateway) -> tuple[dict[str, str], bytes]:
    """A notice of somebody who makes up a serial number."""
    headers, body = gateway.notice("TRANSACTION.SUCCESS", "transaction", {}, foreign=True)
    return headers | {"Wechatpay-Serial": secrets.token_hex(20)}, body


async def test_the_beat_learns_an_announced_certificate_before_it_signs(
    monkeypatch: pytest.MonkeyPatch, world: Simulators
) -> None:
    monkeypatch.setattr(outside, "CERTIFICATES_EVERY", timedelta(seconds=0.05))
    monkeypatch.setattr(outside, "CERTIFICATES_AT_MOST_EVERY", timedelta(0))
    async with outside.connect(world.settings()) as connected:
        beat = asyncio.create_task(outside.keep_certificates(connected))
        announced = (await told(world, "certificates/announce"))["published"][-1]
        asked = await fetches(world)

        async def asked_again() -> bool:
            return await fetches(world) >= asked + 2

        await until(asked_again)
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)
        rotated = await told(world, "certificates/rotate")
        assert rotated["signing"] == announced
        # Proven at once: nothing is fetched, and nothing runs that would fetch it.
        code_url = await connected.wechat_pay.prepay_native(orders.order(NOWHERE))
        assert code_url.startswith("weixin://")
        assert await fetches(world) == rotated["fetches"]


async def test_without_the_beat_the_new_certificate_is_not_believed(world: Simulators) -> None:
    """What the test above shows, it shows because of the beat."""
    async with outside.connect(world.settings()) as connected:
        await told(world, "certificates/rotate")
        with pytest.raises(OutcomeUnknown, match="UnknownSerial"):
            await connected.wechat_pay.prepay_native(orders.order(NOWHERE))


async def test_a_running_api_takes_notices_signed_by_a_certificate_it_never_saw(
    api: tuple[FastAPI, str], gateway: Gateway, world: Simulators
) -> None:
    code_url, paid = await buy(api[0], gateway)
    assert await fetches(world) == 0
    await told(world, "certificates/rotate")
    answer = await told(world, "pay", code_url=code_url)
    await until(paid)

    async def delivered() -> bool:
        listed = await told(world, "notices/list", parent=answer["out_trade_no"])
        return [notice["fate"] for notice in listed["notices"]] == ["delivered"]

    await until(delivered)
    listed = await told(world, "notices/list", parent=answer["out_trade_no"])
    # Refused while the key was unknown, taken at a later try.
    assert listed["notices"][0]["answers"][0] == 401
    assert listed["notices"][0]["answers"][-1] == 204
    assert await fetches(world) == 1
    # What was signed before the change counts still, and the next order asks for nothing.
    other, paid = await buy(api[0], gateway)
    taken = await asyncio.to_thread(gateway.take_money, other)
    assert await gateway.deliver(gateway.payment_notice(taken, 2500)) == 204
    assert await paid()
    assert await fetches(world) == 1


async def test_made_up_serial_numbers_cause_one_fetch_in_a_while(
    gateway: Gateway, world: Simulators
) -> None:
    assert await gateway.deliver(forged(gateway)) == 401

    async def asked_once() -> bool:
        return await fetches(world) == 1

    await until(asked_once)
    for _ in range(10):
        answers = await asyncio.gather(*(gateway.deliver(forged(gateway)) for _ in range(10)))
        assert set(answers) == {401}
    assert await fetches(world) == 1
    # A known serial number with another's signature asks for nothing.
    known = gateway.notice("TRANSACTION.SUCCESS", "transaction", {}, foreign=True)
    assert await gateway.deliver(known) == 401
    assert await fetches(world) == 1


async def test_the_limit_is_a_pause_and_not_an_end(
    monkeypatch: pytest.MonkeyPatch, gateway: Gateway, world: Simulators
) -> None:
    monkeypatch.setattr(outside, "CERTIFICATES_AT_MOST_EVERY", timedelta(seconds=0.1))
    for wanted in (1, 2, 3):

        async def asked(wanted: int = wanted) -> bool:
            await gateway.deliver(forged(gateway))
            return await fetches(world) >= wanted

        await until(asked)
