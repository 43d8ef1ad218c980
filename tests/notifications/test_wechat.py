"""WeChat: one permission, one message; what may have been sent is never sent again."""

import asyncio
import secrets
from datetime import time, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.jobs import RetryLater
from app.notifications import sending
from app.notifications.service import take_back
from tests.cover_fixtures import Rider, context_of, make_rider, scalar
from tests.notifications.outbox import (
    deliveries,
    delivery_ids,
    go_to,
    next_local,
    now_of,
    sms_of,
    tell,
    work,
)
from tests.simulators_fixture import Simulators

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("daytime")]

TEMPLATE = "policy_lapsed"


@pytest.fixture
async def rider(app: FastAPI, simulators: Simulators) -> Rider:
    """A rider whom WeChat knows."""
    phone = f"+86139{secrets.randbelow(10**8):08d}"
    openid = simulators.control("wechat/codes", phone=phone)["openid"]
    return await make_rider(app, openid=openid)


async def openid_of(app: FastAPI, rider: Rider) -> str:
    from app.access.member_accounts import contact_of

    async with app.state.database.transaction() as session:
        _, openid = await contact_of(session, app.state.vault, rider.caller.account_id)
    assert openid is not None
    return openid


async def allow(
    app: FastAPI,
    client: httpx.AsyncClient,
    simulators: Simulators,
    rider: Rider,
    count: int = 1,
    *,
    at_wechat: int | None = None,
) -> int:
    """The member answers that often, at WeChat and to us; how many we count."""
    openid = await openid_of(app, rider)
    there = count if at_wechat is None else at_wechat
    if there:
        simulators.control("wechat/consents", openid=openid, template_id=TEMPLATE, count=there)
    left = 0
    for _ in range(count):
        left = await answer(client, rider, "accepted", secrets.token_hex(8))
    return left


async def answer(client: httpx.AsyncClient, rider: Rider, word: str, reference: str) -> int:
    told = await client.put(
        f"/v1/me/message-subscriptions/{TEMPLATE}",
        headers=rider.headers,
        json={"answer": word, "reference": reference},
    )
    assert told.status_code == 200, told.text
    return int(told.json()["left"])


async def came(app: FastAPI, simulators: Simulators, rider: Rider) -> list[dict[str, Any]]:
    openid = await openid_of(app, rider)
    found: list[dict[str, Any]] = simulators.control("wechat/messages/list", openid=openid)[
        "messages"
    ]
    return found


async def test_each_permission_brings_one_message_then_sms(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    simulators: Simulators,
    rider: Rider,
) -> None:
    assert await allow(app, client, simulators, rider, 2) == 2
    for _ in range(3):
        await tell(app, rider.person.id)
    await work(app)
    assert [each[0] for each in await deliveries(database, rider.person.id)] == [
        "wechat",
        "wechat",
        "sms",
    ]
    messages = await came(app, simulators, rider)
    assert len(messages) == 2
    assert len(sms_of(simulators, rider)) == 1
    assert messages[0]["template_id"] == TEMPLATE
    assert messages[0]["data"]["time2"] == {"value": "2027年2月28日"}
    listed = await client.get("/v1/me/message-subscriptions", headers=rider.headers)
    left = {each["template"]: each["left"] for each in listed.json()["items"]}
    assert left[TEMPLATE] == 0


async def test_an_answer_told_twice_counts_once_and_a_refusal_not_at_all(
    client: httpx.AsyncClient, rider: Rider
) -> None:
    assert await answer(client, rider, "accepted", "same-reference") == 1
    assert await answer(client, rider, "accepted", "same-reference") == 1
    assert await answer(client, rider, "rejected", "another-one") == 1
    assert await answer(client, rider, "accepted", "third-one") == 2
    unknown = await client.put(
        "/v1/me/message-subscriptions/no_such",
        headers=rider.headers,
        json={"answer": "accepted", "reference": "1234"},
    )
    assert (unknown.status_code, unknown.json()["code"]) == (404, "message-template-not-found")


async def test_parallel_messages_do_not_share_a_permission(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    simulators: Simulators,
    rider: Rider,
) -> None:
    await allow(app, client, simulators, rider, 1)
    await asyncio.gather(*(tell(app, rider.person.id) for _ in range(4)))
    await work(app)
    channels = sorted(each[0] for each in await deliveries(database, rider.person.id))
    assert channels == ["sms", "sms", "sms", "wechat"]
    assert len(await came(app, simulators, rider)) == 1


async def test_wechats_count_is_the_one_that_holds(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    simulators: Simulators,
    rider: Rider,
) -> None:
    """It knows of no permission: the SMS goes, and what we counted is struck off."""
    await allow(app, client, simulators, rider, 3, at_wechat=0)
    await tell(app, rider.person.id)
    await work(app)
    assert await deliveries(database, rider.person.id) == [
        ("wechat", "failed", "not_subscribed"),
        ("sms", "sent", None),
    ]
    await tell(app, rider.person.id)
    assert (await deliveries(database, rider.person.id))[-1][:2] == ("sms", "queued")


async def test_no_answer_from_wechat_is_never_asked_again(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    simulators: Simulators,
    rider: Rider,
) -> None:
    await allow(app, client, simulators, rider, 2)
    await tell(app, rider.person.id)
    simulators.control("faults", system="wechat", mode="silent", path="subscribe/send")
    await work(app)
    assert await deliveries(database, rider.person.id) == [("wechat", "failed", "outcome_unknown")]
    assert len(await came(app, simulators, rider)) == 1
    assert sms_of(simulators, rider) == []


async def test_a_busy_wechat_is_asked_later(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    simulators: Simulators,
    rider: Rider,
) -> None:
    await allow(app, client, simulators, rider, 1)
    await tell(app, rider.person.id)
    [delivery_id] = await delivery_ids(database, rider.person.id)
    simulators.control("faults", system="wechat", mode="busy", path="subscribe/send")
    with pytest.raises(RetryLater):
        await sending.send(context_of(app), delivery_id)
    await sending.send(context_of(app), delivery_id)
    assert await deliveries(database, rider.person.id) == [("wechat", "sent", None)]
    assert len(await came(app, simulators, rider)) == 1


async def test_an_abandoned_attempt_counts_as_sent(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    simulators: Simulators,
    rider: Rider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its worker was killed after the call; nobody can know, so nobody sends again."""
    await allow(app, client, simulators, rider, 1)
    await tell(app, rider.person.id)
    [delivery_id] = await delivery_ids(database, rider.person.id)

    async def killed(*_: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as broken:
        broken.setattr(sending, "_record", killed)
        with pytest.raises(asyncio.CancelledError):
            await sending.send(context_of(app), delivery_id)
    with pytest.raises(RetryLater):
        await sending.send(context_of(app), delivery_id)
    async with database.transaction() as session:
        await session.execute(
            text("update message_delivery set tried_at = tried_at - interval '2 min'")
        )
    await sending.send(context_of(app), delivery_id)
    assert await deliveries(database, rider.person.id) == [("wechat", "failed", "outcome_unknown")]
    assert len(await came(app, simulators, rider)) == 1


async def test_a_permission_that_was_not_used_stands_for_another_message(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    simulators: Simulators,
    rider: Rider,
) -> None:
    await allow(app, client, simulators, rider, 1)
    subject, evening = new_id(), next_local(time(20))
    await go_to(app, evening)
    await tell(app, rider.person.id, subject_id=subject)
    used = "select count(*) from subscription_consent where delivery_id is not null and account_id"
    assert await scalar(database, f"{used} = :a", a=rider.caller.account_id) == 1
    async with database.transaction() as session:
        await take_back(
            session, subject_id=subject, templates=(TEMPLATE,), now=await now_of(database)
        )
    assert await scalar(database, f"{used} = :a", a=rider.caller.account_id) == 0
    await tell(app, rider.person.id)
    await go_to(app, evening + timedelta(hours=13))
    await work(app)
    assert await deliveries(database, rider.person.id) == [
        ("wechat", "dropped", None),
        ("wechat", "sent", None),
    ]
