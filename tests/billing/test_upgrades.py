"""Adding shares to running cover: pro-rated, waiting by layer, and never over the limit."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.billing.errors import OrderAlreadyOpen
from app.billing.judging import Wish
from app.billing.orders import open_order
from app.billing.price_inputs import Choice
from app.kernel.clock import business_day
from app.kernel.database import Database
from app.kernel.principal import SYSTEM
from app.policies.errors import SharesOverLimit
from tests.billing.buying import (
    DAY,
    TICK,
    bought,
    buy,
    codes,
    cover,
    document,
    end_day,
    entries,
    instant,
    iso,
    on_day,
    order,
    publish,
    quote,
    refusal,
    waiting_plan,
)
from tests.cover_fixtures import Gateway, Rider, scalar
from tests.notifications.outbox import messages_of, sms_of, work
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio


def upgrade_of(policy: dict[str, Any], shares: int = 1) -> dict[str, Any]:
    return {"kind": "upgrade", "policy_id": policy["id"], "shares": shares}


async def test_shares_are_added_at_the_price_of_the_days_left(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, waiting_plan())
    policy = await bought(client, gateway, rider, plan)
    first, ends = business_day(instant(policy["starts_at"])), instant(policy["ends_at"])
    days = (end_day(policy) - first).days
    async with on_day(database, first + 99 * DAY):
        view = await quote(client, rider, plan, **upgrade_of(policy, 2))
        left = days - 100
        price = (5000 * left * 2 + days) // (2 * days)
        assert (view["price_fen"], view["ends_at"]) == (price, policy["ends_at"])
        assert view["first_covered_day"] == (first + 100 * DAY).isoformat()
        assert [(each["shares"], each["until"]) for each in view["waits"]] == [
            (2, iso(instant(view["starts_at"]) + 30 * DAY))
        ]
        made = await buy(client, gateway, rider, plan, price_fen=price, **upgrade_of(policy, 2))
    assert (made["kind"], made["policy"]["id"]) == ("upgrade", policy["id"])
    assert await entries(database, made["id"]) == {
        "gateway-clearing": price,
        f"contributions:{plan}": -price,
    }
    begins = instant(view["starts_at"])
    expected = [
        (begins - TICK, 1, {"illness": 1, "accident": 1}),
        (begins, 3, {"illness": 1, "accident": 3}),
        (begins + 30 * DAY - TICK, 3, {"illness": 1, "accident": 3}),
        (begins + 30 * DAY, 3, {"illness": 3, "accident": 3}),
        (ends - TICK, 3, {"illness": 3, "accident": 3}),
    ]
    for moment, shares, paying in expected:
        said = await cover(client, rider, plan, moment)
        assert (said["shares"], said["benefits"][0]["shares_paying"]) == (shares, paying), moment
    live = "select count(*) from share_slot where policy_id = :id and released_at is null"
    assert await scalar(database, live, id=policy["id"]) == 3
    events = "select count(*) from event_log where name = 'policy.upgraded' and subject_id = :id"
    assert await scalar(database, events, id=policy["id"]) == 1


async def test_an_illness_pays_for_the_shares_that_have_waited(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, waiting_plan())
    policy = await bought(client, gateway, rider, plan)
    first = business_day(instant(policy["starts_at"]))
    async with on_day(database, first + 99 * DAY):
        await buy(client, gateway, rider, plan, **upgrade_of(policy, 2))
    for day, fen in ((first + 129 * DAY, 10_000), (first + 130 * DAY, 30_000)):
        async with on_day(database, day + DAY) as now:
            body = {
                "policy_id": policy["id"],
                "benefit_code": "ILL",
                "incident": {
                    "cause": "illness",
                    "occurred_at": iso(now - DAY),
                },
                "facts": {},
            }
            answer = await client.post("/v1/me/claim-estimates", headers=rider.headers, json=body)
            assert answer.status_code == 200, answer.text
            assert answer.json()["amount_fen"] == fen, answer.text


async def test_a_plan_without_upgrades_says_so(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider
) -> None:
    content = document()
    del content["upgrade"]
    plan = await publish(app, content)
    policy = await bought(client, gateway, rider, plan)
    for path in ("/v1/me/quotes", "/v1/me/orders"):
        status, refused = await refusal(client, rider, plan, path, **upgrade_of(policy))
        assert (status, refused["code"]) == (409, "upgrade-not-offered")


async def test_cover_that_ends_tomorrow_takes_no_more_shares(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, document())
    policy = await bought(client, gateway, rider, plan)
    last = end_day(policy) - DAY
    async with on_day(database, last - DAY):
        view = await quote(client, rider, plan, **upgrade_of(policy))
        assert view["first_covered_day"] == view["last_covered_day"] == last.isoformat()
    async with on_day(database, last):
        status, refused = await refusal(client, rider, plan, **upgrade_of(policy))
        assert (status, refused["code"]) == (409, "upgrade-not-open")


async def test_the_limit_counts_what_is_held(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider
) -> None:
    plan = await publish(app, document())
    policy = await bought(client, gateway, rider, plan, shares=2)
    view = await quote(client, rider, plan, **upgrade_of(policy, 2))
    assert (view["shares_available"], codes(view)) == (1, {"shares-over-limit"})
    status, refused = await refusal(client, rider, plan, **upgrade_of(policy, 2))
    assert (status, refused["code"]) == (409, "shares-over-limit")


async def test_a_hundred_upgrades_for_one_free_share_leave_one(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, document())
    policy = await bought(client, gateway, rider, plan, shares=2)
    first = business_day(instant(policy["starts_at"]))
    async with on_day(database, first + 5 * DAY) as now:

        async def upgrade(payer: str) -> bool:
            wish = Wish(plan, Choice(), "upgrade", UUID(policy["id"]), payer=payer)  # type: ignore[arg-type]
            try:
                async with database.transaction() as session:
                    await open_order(
                        session,
                        app.state.vault,
                        wish,
                        person_id=rider.person.id,
                        account_id=None,
                        actor=SYSTEM,
                        now=now,
                    )
            except (SharesOverLimit, OrderAlreadyOpen):
                return False
            return True

        won = await asyncio.gather(
            *(upgrade("sponsor" if turn % 2 else "member") for turn in range(100))
        )
    assert sum(won) == 1
    live = "select count(*) from share_slot where person_id = :id and released_at is null"
    assert await scalar(database, live, id=rider.person.id) == 3


async def test_money_for_cover_that_has_ended_meanwhile_goes_back(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, document())
    policy = await bought(client, gateway, rider, plan)
    async with on_day(database, end_day(policy) - 2 * DAY, timedelta(hours=23, minutes=58)):
        opened = await order(client, rider, plan, **upgrade_of(policy))
        paid = await gateway.pay(rider, opened["id"])
    async with on_day(database, end_day(policy) - DAY, timedelta(minutes=2)):
        notice = gateway.payment_notice(paid, opened["amount_fen"])
        assert await gateway.deliver(notice) == 204
        answer = await client.get(f"/v1/me/orders/{opened['id']}", headers=rider.headers)
    assert answer.json()["refund"]["reason_code"] == "cover_ended"
    shares = "select shares from policy where id = :id"
    assert await scalar(database, shares, id=policy["id"]) == 1


async def test_a_notice_told_thirty_times_adds_shares_once(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, document())
    policy = await bought(client, gateway, rider, plan)
    opened = await order(client, rider, plan, **upgrade_of(policy))
    paid = await gateway.pay(rider, opened["id"])
    made = [gateway.payment_notice(paid, opened["amount_fen"]) for _ in range(30)]
    statuses = await asyncio.gather(*(gateway.deliver(each) for each in made))
    assert set(statuses) == {204}
    shares = "select shares from policy where id = :id"
    assert await scalar(database, shares, id=policy["id"]) == 2
    changes = "select count(*) from policy_transaction where order_id = :id"
    assert await scalar(database, changes, id=opened["id"]) == 1


@pytest.mark.usefixtures("daytime")
async def test_the_member_is_told_of_each_upgrade_once(
    client: httpx.AsyncClient,
    app: FastAPI,
    gateway: Gateway,
    rider: Rider,
    database: Database,
    simulators: Simulators,
) -> None:
    plan = await publish(app, waiting_plan())
    policy = await bought(client, gateway, rider, plan)
    jobs = ("billing.cover_began", "billing.tell_upgrade", "notifications.")
    await work(app, *jobs)
    for _ in range(2):
        await buy(client, gateway, rider, plan, **upgrade_of(policy))
    # What is heard twice is told once.
    repeat = text(
        "insert into pgqueuer.pgqueuer (priority, entrypoint, payload, status)"
        " select 0, 'billing.tell_upgrade', convert_to(json_build_object('event_id', id,"
        " 'subject_id', subject_id)::text, 'UTF8'), 'queued' from event_log"
        " where name = 'policy.upgraded' and subject_id = :id"
    )
    async with database.transaction() as session:
        await session.execute(repeat, {"id": policy["id"]})
    await work(app, *jobs)
    told = ["policy_issued", "policy_upgraded", "policy_upgraded"]
    assert await messages_of(database, rider.person.id) == told
    first, second = sms_of(simulators, rider)[1:]
    assert (first["template"], first["parameters"]["shares"]) == ("policy_upgraded_zh", "2")
    assert second["parameters"]["shares"] == "3"
    inbox = (await client.get("/v1/me/messages", headers=rider.headers)).json()["items"]
    newest = inbox[0]
    assert newest["subject_id"] == policy["id"]
    assert policy["number"] in newest["text"]["zh"]
    assert "3 shares" in newest["text"]["en"]
