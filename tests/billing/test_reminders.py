"""Reminders of the end: on which days, each once, and none that is not true any more."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.billing.receiving import take_refund
from app.billing.reminders import Reminder, last_day_of, remind, reminders_of
from app.kernel.clock import SHANGHAI, day_start
from app.kernel.database import Database
from tests.access_fixtures import make_organisation, staff_token
from tests.billing.buying import buy, document, instant, publish
from tests.cover_fixtures import Gateway, Rider, context_of, make_rider, scalar
from tests.notifications.outbox import (
    deliveries,
    go_to,
    messages_of,
    next_local,
    now_of,
    sms_of,
    work,
)
from tests.simulators_fixture import Simulators

DAY = timedelta(days=1)
JOBS = ("billing.cover_began", "billing.end_moved", "billing.remind", "notifications.")


@pytest.mark.parametrize(
    ("last_day", "expected"),
    [
        ("2027-03-30", ["2027-02-28", "2027-03-16", "2027-03-27", "2027-03-30", "2027-04-04"]),
        ("2028-03-30", ["2028-02-29", "2028-03-16", "2028-03-27", "2028-03-30", "2028-04-04"]),
        ("2028-02-29", ["2028-01-30", "2028-02-15", "2028-02-26", "2028-02-29", "2028-03-05"]),
        ("2027-01-03", ["2026-12-04", "2026-12-20", "2026-12-31", "2027-01-03", "2027-01-08"]),
        ("2026-12-31", ["2026-12-01", "2026-12-17", "2026-12-28", "2026-12-31", "2027-01-05"]),
    ],
)
def test_the_days_over_month_ends_and_leap_years(last_day: str, expected: list[str]) -> None:
    found = reminders_of(date.fromisoformat(last_day), 30)
    local = [each.at.astimezone(SHANGHAI) for each in found]
    assert [each.date().isoformat() for each in local] == expected
    assert {each.time() for each in local} == {time(10)}
    assert [each.days for each in found] == [30, 14, 3, 0, -5]


@pytest.mark.parametrize(("grace", "after"), [(0, False), (4, False), (5, True), (30, True)])
def test_the_last_one_comes_inside_the_grace_days_only(grace: int, after: bool) -> None:
    found = reminders_of(date(2027, 3, 30), grace)
    assert (Reminder(-5, datetime(2027, 4, 4, 2, tzinfo=UTC)) in found) is after


def test_the_last_covered_day_is_the_one_before_the_end() -> None:
    assert last_day_of(day_start(date(2028, 3, 1))) == date(2028, 2, 29)
    assert last_day_of(day_start(date(2028, 3, 1)) + timedelta(seconds=1)) == date(2028, 3, 1)


async def bought(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, rider: Rider, **changes: Any
) -> dict[str, Any]:
    """Cover whose beginning was told: its policy."""
    plan = await publish(app, document(**changes))
    view = await buy(client, gateway, rider, plan)
    await work(app, *JOBS)
    policy: dict[str, Any] = view["policy"]
    return policy | {"plan": plan}


async def at_ten(app: FastAPI, policy: dict[str, Any], days_before_last: int) -> None:
    """Ten o'clock, so many days before the last covered day, and what is due is done."""
    last_day = last_day_of(instant(policy["ends_at"]))
    at = datetime.combine(last_day - days_before_last * DAY, time(10), SHANGHAI)
    await go_to(app, at)
    await work(app, *JOBS)


@pytest.mark.anyio
@pytest.mark.usefixtures("daytime")
async def test_from_purchase_to_the_grace_days_each_reminder_comes_once(
    app: FastAPI,
    client: httpx.AsyncClient,
    gateway: Gateway,
    rider: Rider,
    database: Database,
    simulators: Simulators,
) -> None:
    policy = await bought(app, client, gateway, rider)
    assert await messages_of(database, rider.person.id) == ["policy_issued"]
    expected = ["policy_issued"]
    for days, template in (
        (31, None),
        (30, "renewal_reminder"),
        (29, None),
        (14, "renewal_reminder"),
        (3, "renewal_reminder"),
        (0, "renewal_reminder"),
        (-4, None),
        (-5, "renewal_grace"),
        (-20, None),
    ):
        await at_ten(app, policy, days)
        # Asked again by whomever, nothing is sent again.
        await remind(context_of(app), {"subject_id": policy["id"]})
        await work(app, *JOBS)
        expected += [template] if template else []
        assert await messages_of(database, rider.person.id) == expected, days
    assert len(sms_of(simulators, rider)) == len(expected)
    last_day = last_day_of(instant(policy["ends_at"]))
    until = sms_of(simulators, rider)[-1]["parameters"]["until"]
    day = last_day + 30 * DAY
    assert until == f"{day.year}年{day.month}月{day.day}日"


@pytest.mark.anyio
@pytest.mark.usefixtures("daytime")
async def test_after_a_long_sleep_only_the_latest_is_sent(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, rider: Rider, database: Database
) -> None:
    policy = await bought(app, client, gateway, rider)
    await at_ten(app, policy, 2)
    assert await messages_of(database, rider.person.id) == ["policy_issued", "renewal_reminder"]
    key = await scalar(
        database,
        "select once_key from message where person_id = :p and template = 'renewal_reminder'",
        p=rider.person.id,
    )
    assert key.endswith(":3")


@pytest.mark.anyio
@pytest.mark.usefixtures("daytime")
async def test_who_has_renewed_is_not_reminded(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, rider: Rider, database: Database
) -> None:
    policy = await bought(app, client, gateway, rider)
    await at_ten(app, policy, 14)
    renewal = {"kind": "renewal", "policy_id": policy["id"]}
    view = await buy(client, gateway, rider, policy["plan"], **renewal)
    await work(app, *JOBS)
    await at_ten(app, policy, 0)
    told = ["policy_issued", "renewal_reminder", "policy_renewed"]
    assert await messages_of(database, rider.person.id) == told
    due = "select count(*) from due_thing where job = 'billing.remind' and subject_id = :id"
    assert await scalar(database, due, id=policy["id"]) == 0
    await at_ten(app, view["policy"], 30)
    assert (await messages_of(database, rider.person.id))[3:] == ["renewal_reminder"]


@pytest.mark.anyio
@pytest.mark.usefixtures("daytime")
async def test_a_reminder_that_waits_for_the_morning_is_taken_back_when_the_end_moves(
    app: FastAPI,
    client: httpx.AsyncClient,
    gateway: Gateway,
    database: Database,
    simulators: Simulators,
) -> None:
    """A moratorium extends the cover in the night."""
    office = await make_organisation(app)
    rider = await make_rider(app, organisation_id=office.id)
    policy = await bought(app, client, gateway, rider)
    last_day = last_day_of(instant(policy["ends_at"]))
    await go_to(app, datetime.combine(last_day - 3 * DAY, time(21), SHANGHAI))
    await work(app, *JOBS)
    assert await messages_of(database, rider.person.id) == ["policy_issued", "renewal_reminder"]
    before = len(sms_of(simulators, rider))
    supervisor = await staff_token(app, office.id, ["supervisor"])
    declared = await client.post(
        "/v1/staff/moratoriums",
        headers=supervisor.keyed,
        json={
            "organisation_id": str(office.id),
            "first_day": (last_day - DAY).isoformat(),
            "last_day": (last_day + 20 * DAY).isoformat(),
            "reason": "防汛",
        },
    )
    assert declared.status_code == 201, declared.text
    await work(app, "policies.extend", *JOBS)
    await go_to(app, datetime.combine(last_day - 2 * DAY, time(9), SHANGHAI))
    await work(app, *JOBS)
    assert await messages_of(database, rider.person.id) == ["policy_issued"]
    assert len(sms_of(simulators, rider)) == before
    assert ("sms", "dropped", None) in await deliveries(database, rider.person.id)
    extended = policy | {"ends_at": (instant(policy["ends_at"]) + 20 * DAY).isoformat()}
    await at_ten(app, extended, 14)
    assert await messages_of(database, rider.person.id) == ["policy_issued", "renewal_reminder"]


@pytest.mark.anyio
@pytest.mark.usefixtures("daytime")
async def test_cancelled_cover_is_not_reminded_of_and_its_refund_is_told(
    app: FastAPI,
    client: httpx.AsyncClient,
    gateway: Gateway,
    rider: Rider,
    database: Database,
    simulators: Simulators,
) -> None:
    policy = await bought(app, client, gateway, rider)
    done = await client.post(f"/v1/me/policies/{policy['id']}/cancellation", headers=rider.keyed)
    assert done.status_code == 201, done.text
    await work(app, "billing.request_refund", *JOBS)
    refund = "select out_refund_no from refund r join contribution_order o on o.id = r.order_id"
    number = await scalar(database, f"{refund} where o.person_id = :p", p=rider.person.id)
    outside = app.state.outside
    for _ in range(50):
        told = await outside.wechat_pay.query_refund(number)
        if told.state == "SUCCESS":
            break
    await take_refund(database, told)
    await work(app, "billing.tell_refunds", *JOBS)
    await at_ten(app, policy, 0)
    assert await messages_of(database, rider.person.id) == ["policy_issued", "order_refunded"]
    assert sms_of(simulators, rider)[-1]["parameters"]["amount"] == "25.00"


@pytest.mark.anyio
@pytest.mark.usefixtures("daytime")
async def test_events_heard_twice_tell_once_and_nights_are_quiet(
    app: FastAPI,
    client: httpx.AsyncClient,
    gateway: Gateway,
    rider: Rider,
    database: Database,
    simulators: Simulators,
) -> None:
    await go_to(app, next_local(time(20)))
    plan = await publish(app, document())
    await buy(client, gateway, rider, plan)
    async with database.transaction() as session:
        await session.execute(
            text(
                "insert into pgqueuer.pgqueuer (priority, entrypoint, payload, headers, status)"
                " select priority, entrypoint, payload, headers, status from pgqueuer.pgqueuer"
                " where entrypoint = 'billing.cover_began'"
            )
        )
    await work(app, *JOBS)
    assert sms_of(simulators, rider) == []
    await go_to(app, await now_of(database) + timedelta(hours=12))
    await work(app, *JOBS)
    assert [each["template"] for each in sms_of(simulators, rider)] == ["policy_issued_zh"]
