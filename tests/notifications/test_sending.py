"""Nothing is sent twice, what failed is seen, and quiet hours are kept."""

import asyncio
from datetime import time, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.access.member_accounts import contact_of
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.jobs import RetryLater
from app.notifications import sending
from app.notifications.service import take_back
from tests.access_fixtures import make_organisation, member_token, staff_token
from tests.cover_fixtures import Rider, context_of, make_person, make_rider, scalar
from tests.notifications.outbox import (
    LAPSED,
    deliveries,
    delivery_ids,
    go_to,
    messages_of,
    next_local,
    now_of,
    sms_of,
    tell,
    work,
)
from tests.simulators_fixture import Simulators

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("daytime")]


async def test_a_fact_is_told_once_whoever_tells_it(
    app: FastAPI, database: Database, simulators: Simulators, rider: Rider
) -> None:
    key = f"policy_lapsed:{new_id()}"
    told = await asyncio.gather(*(tell(app, rider.person.id, once_key=key) for _ in range(8)))
    assert len([each for each in told if each is not None]) == 1
    await work(app)
    assert await tell(app, rider.person.id, once_key=key) is None
    await work(app)
    assert len(sms_of(simulators, rider)) == 1
    assert await deliveries(database, rider.person.id) == [("sms", "sent", None)]


async def test_two_workers_send_one_sms(
    app: FastAPI, database: Database, simulators: Simulators, rider: Rider
) -> None:
    await tell(app, rider.person.id)
    [delivery_id] = await delivery_ids(database, rider.person.id)
    context = context_of(app)
    await asyncio.gather(*(sending.send(context, delivery_id) for _ in range(4)))
    assert len(sms_of(simulators, rider)) == 1
    assert await deliveries(database, rider.person.id) == [("sms", "sent", None)]


async def test_a_worker_killed_between_the_call_and_its_record_sends_no_second_sms(
    app: FastAPI,
    database: Database,
    simulators: Simulators,
    rider: Rider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await tell(app, rider.person.id)
    [delivery_id] = await delivery_ids(database, rider.person.id)

    async def killed(*_: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as broken:
        broken.setattr(sending, "_record", killed)
        with pytest.raises(asyncio.CancelledError):
            await sending.send(context_of(app), delivery_id)
    assert await deliveries(database, rider.person.id) == [("sms", "sending", None)]
    await sending.send(context_of(app), delivery_id)
    assert len(sms_of(simulators, rider)) == 1
    assert await deliveries(database, rider.person.id) == [("sms", "sent", None)]


async def test_an_answer_that_never_came_is_asked_for_under_the_same_key(
    app: FastAPI, database: Database, simulators: Simulators, rider: Rider
) -> None:
    await tell(app, rider.person.id)
    [delivery_id] = await delivery_ids(database, rider.person.id)
    simulators.control("faults", system="sms", mode="silent")
    with pytest.raises(RetryLater):
        await sending.send(context_of(app), delivery_id)
    await sending.send(context_of(app), delivery_id)
    assert len(sms_of(simulators, rider)) == 1


async def test_a_new_phone_in_between_gets_no_second_copy(
    app: FastAPI, database: Database, simulators: Simulators, rider: Rider
) -> None:
    """The carrier knows the key with the old number: it was taken."""
    await tell(app, rider.person.id)
    [delivery_id] = await delivery_ids(database, rider.person.id)
    simulators.control("faults", system="sms", mode="silent")
    with pytest.raises(RetryLater):
        await sending.send(context_of(app), delivery_id)
    async with database.transaction() as session:
        await session.execute(
            text("update message_delivery set account_id = :other where id = :id"),
            {"other": (await make_rider(app)).caller.account_id, "id": delivery_id},
        )
    await sending.send(context_of(app), delivery_id)
    assert await deliveries(database, rider.person.id) == [("sms", "sent", None)]


async def test_a_carrier_that_is_down_is_given_up_at_last(
    app: FastAPI,
    database: Database,
    simulators: Simulators,
    rider: Rider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "ATTEMPTS", 3)
    await tell(app, rider.person.id)
    [delivery_id] = await delivery_ids(database, rider.person.id)
    simulators.control("faults", system="sms", mode="refuse", calls=3)
    waits = []
    for _ in range(3):
        with pytest.raises(RetryLater) as later:
            await sending.send(context_of(app), delivery_id)
        waits.append(later.value.after)
    assert waits == sorted(waits)
    assert waits[0] < waits[2]
    await sending.send(context_of(app), delivery_id)
    assert await deliveries(database, rider.person.id) == [("sms", "failed", "unreachable")]
    assert sms_of(simulators, rider) == []


async def test_who_has_only_a_phone_on_the_file_is_reached_there(
    app: FastAPI, database: Database, simulators: Simulators
) -> None:
    person = await make_person(app)
    async with database.transaction() as session:
        record = app.state.vault.open("person", person.id, person.sealed)
        sealed = app.state.vault.seal("person", person.id, record | {"phone": "+8613800001234"})
        await session.execute(
            text("update person set sealed = :sealed where id = :id"),
            {"sealed": sealed, "id": person.id},
        )
    await tell(app, person.id)
    await work(app)
    assert await deliveries(database, person.id) == [("sms", "sent", None)]
    unreachable = await make_person(app)
    await tell(app, unreachable.id)
    assert await deliveries(database, unreachable.id) == []


async def test_nothing_rings_at_night(
    app: FastAPI, database: Database, simulators: Simulators, rider: Rider
) -> None:
    await go_to(app, next_local(time(20)))
    await tell(app, rider.person.id)
    await work(app)
    assert sms_of(simulators, rider) == []
    morning = await scalar(
        database, "select not_before from message where person_id = :p", p=rider.person.id
    )
    await go_to(app, morning - timedelta(seconds=30))
    await work(app)
    assert sms_of(simulators, rider) == []
    await go_to(app, morning)
    await work(app)
    assert len(sms_of(simulators, rider)) == 1


async def test_a_retry_that_falls_into_the_night_waits_for_the_morning(
    app: FastAPI, database: Database, simulators: Simulators, rider: Rider
) -> None:
    evening = next_local(time(20))
    await go_to(app, evening - timedelta(seconds=30))
    await tell(app, rider.person.id)
    [delivery_id] = await delivery_ids(database, rider.person.id)
    simulators.control("faults", system="sms", mode="refuse")
    with pytest.raises(RetryLater):
        await sending.send(context_of(app), delivery_id)
    await go_to(app, evening)
    await sending.send(context_of(app), delivery_id)
    assert sms_of(simulators, rider) == []
    await go_to(app, evening + timedelta(hours=12))
    await work(app)
    assert len(sms_of(simulators, rider)) == 1


async def test_what_is_not_true_any_more_is_taken_back_before_it_goes_out(
    app: FastAPI, client: httpx.AsyncClient, database: Database, simulators: Simulators
) -> None:
    rider = await make_rider(app)
    subject = new_id()
    await go_to(app, next_local(time(21)))
    await tell(app, rider.person.id, subject_id=subject)
    async with database.transaction() as session:
        now = await now_of(database)
        taken = await take_back(session, subject_id=subject, templates=("policy_lapsed",), now=now)
    assert taken == 1
    await go_to(app, next_local(time(21)) + timedelta(hours=13))
    await work(app)
    assert sms_of(simulators, rider) == []
    assert await messages_of(database, rider.person.id) == []
    assert await deliveries(database, rider.person.id) == [("sms", "dropped", None)]
    inbox = await client.get("/v1/me/messages", headers=rider.headers)
    assert inbox.json() == {"items": [], "unread": 0, "next_cursor": None}


async def test_what_failed_is_seen_by_those_who_look_after_it(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    organisation = await make_organisation(app)
    person = await make_person(app, organisation_id=organisation.id)
    caller = await member_token(app, person_id=person.id, phone="+8619900009120")
    await tell(app, person.id)
    await work(app)
    assert await deliveries(database, person.id) == [("sms", "failed", "undeliverable")]
    auditor = await staff_token(app, organisation.id, ["auditor"])
    answer = await client.get("/v1/staff/messages?status=failed", headers=auditor.headers)
    [shown] = answer.json()["items"]
    assert (shown["channel"], shown["reason_code"]) == ("sms", "undeliverable")
    assert shown["to_masked"] == "199****9120"
    assert caller.phone not in answer.text
    assert "张小明" not in answer.text
    looked = await scalar(
        database,
        "select count(*) from audit_entry where action = 'message_delivery.read'"
        " and actor_id = :who and :id = any(subject_ids)",
        who=auditor.account_id,
        id=shown["id"],
    )
    assert looked == 1
    elsewhere = await staff_token(app, (await make_organisation(app)).id, ["administrator"])
    other = await client.get("/v1/staff/messages?status=failed", headers=elsewhere.headers)
    assert other.json()["items"] == []
    too_small = await staff_token(app, organisation.id, ["reviewer"])
    refused = await client.get("/v1/staff/messages", headers=too_small.headers)
    assert refused.status_code == 403


async def test_a_failed_sms_is_sent_again_by_staff_and_arrives_once(
    app: FastAPI, client: httpx.AsyncClient, database: Database, simulators: Simulators
) -> None:
    organisation = await make_organisation(app)
    rider = await make_rider(app, organisation_id=organisation.id)
    simulators.control(
        "faults", system="sms", mode="code", calls=1, status=400, code="undeliverable"
    )
    await tell(app, rider.person.id)
    await work(app)
    assert await deliveries(database, rider.person.id) == [("sms", "failed", "undeliverable")]
    caseworker = await staff_token(app, organisation.id, ["caseworker"])
    listed = await client.get("/v1/staff/messages?status=failed", headers=caseworker.headers)
    [shown] = listed.json()["items"]
    path = f"/v1/staff/messages/{shown['id']}/retry"
    elsewhere = await staff_token(app, (await make_organisation(app)).id, ["caseworker"])
    assert (await client.post(path, headers=elsewhere.headers)).status_code == 404
    auditor = await staff_token(app, organisation.id, ["auditor"])
    assert (await client.post(path, headers=auditor.headers)).status_code == 403
    again = await client.post(path, headers=caseworker.headers)
    assert (again.status_code, again.json()["status"]) == (200, "queued")
    refused = await client.post(path, headers=caseworker.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "message-not-sent-again")
    await work(app)
    assert await deliveries(database, rider.person.id) == [("sms", "sent", None)]
    assert len(sms_of(simulators, rider)) == 1


async def test_neither_phone_nor_name_leaves_the_vault(
    app: FastAPI, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    person = await make_person(app, name="金丝雀")
    caller = await member_token(app, person_id=person.id, phone="+8619900009230")
    parameters = {**LAPSED, "plan": {"zh": "CANARY-PLAN", "en": "CANARY-PLAN"}}
    await tell(app, person.id, parameters=parameters)
    await work(app)
    async with database.transaction() as session:
        tables = ("message", "message_delivery", "subscription_consent", "due_thing", "job_start")
        rows = [
            str(row)
            for table in (*tables, "pgqueuer.pgqueuer", "pgqueuer.pgqueuer_log", "event_log")
            for row in (await session.execute(text(f"select t::text from {table} t"))).all()
        ]
        phone, _ = await contact_of(session, app.state.vault, caller.account_id)
    everything = "\n".join(rows) + "".join(capfd.readouterr())
    assert phone == caller.phone
    for canary in ("金丝雀", "19900009230", "CANARY-PLAN"):
        assert canary not in everything
        assert canary.encode().hex() not in everything
