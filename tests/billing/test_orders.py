"""Ordering: the server's price, eligibility, one open order, shares never over the limit."""

import asyncio
import secrets
from datetime import date, timedelta

import httpx
import pytest
from fastapi import FastAPI

from app.billing.judging import Wish
from app.billing.orders import open_order
from app.billing.price_inputs import Choice
from app.kernel.clock import business_day, day_start, system_now
from app.kernel.database import Database
from app.kernel.principal import SYSTEM
from app.policies.errors import SharesOverLimit
from tests.access_fixtures import member_token
from tests.cover_fixtures import Gateway, Rider, make_rider, order, scalar

pytestmark = pytest.mark.anyio


async def test_an_order_is_priced_by_the_server_and_reserves_shares(
    client: httpx.AsyncClient, rider: Rider, database: Database
) -> None:
    view = await order(client, rider, shares=2)
    assert (view["status"], view["amount_fen"], view["shares"]) == ("open", 5000, 2)
    tomorrow = business_day(system_now()) + timedelta(days=1)
    assert view["first_covered_day"] == tomorrow.isoformat()
    held = await scalar(
        database,
        "select array_agg(slot order by slot) from share_slot where order_id = :id"
        " and released_at is null",
        id=view["id"],
    )
    assert held == [1, 2]


async def test_another_price_than_ours_is_refused(client: httpx.AsyncClient, rider: Rider) -> None:
    body = {"plan_code": "RIDER-ACC", "shares": 2, "price_fen": 4999}
    answer = await client.post("/v1/me/orders", headers=rider.keyed, json=body)
    assert (answer.status_code, answer.json()["price_fen"]) == (409, 5000)


@pytest.mark.parametrize("shares", [0, -1, True, "2", 2**63, 1.5, None])
async def test_shares_are_a_whole_number(
    client: httpx.AsyncClient, rider: Rider, shares: object
) -> None:
    body = {"plan_code": "RIDER-ACC", "shares": shares}
    answer = await client.post("/v1/me/orders", headers=rider.keyed, json=body)
    assert answer.status_code == 422


async def test_every_failing_rule_is_named_at_once(
    client: httpx.AsyncClient, app: FastAPI, plans: None
) -> None:
    old = await make_rider(app, birth_on=date(1950, 1, 1))
    body = {"plan_code": "RIDER-ACC", "shares": 4, "occupation": "employee"}
    answer = await client.post("/v1/me/orders", headers=old.keyed, json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "not-eligible"
    assert {error["code"] for error in answer.json()["errors"]} == {
        "age-above-maximum",
        "occupation-not-eligible",
        "shares-over-limit",
    }


async def test_more_shares_than_the_plan_has_are_refused(
    client: httpx.AsyncClient, rider: Rider
) -> None:
    body = {"plan_code": "RIDER-ACC", "shares": 4}
    answer = await client.post("/v1/me/orders", headers=rider.keyed, json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "shares-over-limit")


async def test_nobody_unproven_orders(client: httpx.AsyncClient, app: FastAPI, plans: None) -> None:
    stranger = await member_token(app)
    headers = stranger.headers | {"Idempotency-Key": secrets.token_hex(8)}
    answer = await client.post("/v1/me/orders", headers=headers, json={"plan_code": "RIDER-ACC"})
    assert (answer.status_code, answer.json()["code"]) == (409, "identity-required")


async def test_an_unknown_plan_is_not_found(client: httpx.AsyncClient, rider: Rider) -> None:
    answer = await client.post(
        "/v1/me/orders", headers=rider.keyed, json={"plan_code": "NO-SUCH-PLAN"}
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "plan-not-found")


async def test_a_key_used_again_orders_once(
    client: httpx.AsyncClient, rider: Rider, database: Database
) -> None:
    headers, body = rider.keyed, {"plan_code": "RIDER-ACC", "shares": 1}
    first = await client.post("/v1/me/orders", headers=headers, json=body)
    again = await client.post("/v1/me/orders", headers=headers, json=body)
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    count = "select count(*) from contribution_order where person_id = :id"
    assert await scalar(database, count, id=rider.person.id) == 1


async def test_a_key_used_for_another_body_is_refused(
    client: httpx.AsyncClient, rider: Rider
) -> None:
    headers = rider.keyed
    await client.post("/v1/me/orders", headers=headers, json={"plan_code": "RIDER-ACC"})
    other = {"plan_code": "RIDER-ACC", "shares": 2}
    answer = await client.post("/v1/me/orders", headers=headers, json=other)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")


@pytest.mark.parametrize("plan_code", ["RIDER-ACC", "SH-GIG-C"])
async def test_one_key_in_thirty_parallel_requests_orders_once(
    client: httpx.AsyncClient, rider: Rider, database: Database, plan_code: str
) -> None:
    headers, body = rider.keyed, {"plan_code": plan_code, "shares": 1}
    answers = await asyncio.gather(
        *(client.post("/v1/me/orders", headers=headers, json=body) for _ in range(30))
    )
    done = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in done}) == 1
    refused = [answer.json()["code"] for answer in answers if answer.status_code != 201]
    assert set(refused) <= {"request-in-flight"}
    count = "select count(*) from contribution_order where person_id = :id"
    assert await scalar(database, count, id=rider.person.id) == 1


async def test_a_second_open_order_is_refused(client: httpx.AsyncClient, rider: Rider) -> None:
    first = await order(client, rider)
    answer = await client.post(
        "/v1/me/orders", headers=rider.keyed, json={"plan_code": "RIDER-ACC", "shares": 1}
    )
    assert (answer.status_code, answer.json()["order_id"]) == (409, first["id"])


async def test_thirty_parallel_orders_leave_one(
    client: httpx.AsyncClient, rider: Rider, database: Database
) -> None:
    body = {"plan_code": "RIDER-ACC", "shares": 2}
    answers = await asyncio.gather(
        *(client.post("/v1/me/orders", headers=rider.keyed, json=body) for _ in range(30))
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes.count(201) == 1, codes
    assert set(codes) == {201, 409}
    live = "select count(*) from share_slot where person_id = :id and released_at is null"
    assert await scalar(database, live, id=rider.person.id) == 2


async def test_shares_of_parallel_channels_never_pass_the_limit(
    app: FastAPI, rider: Rider, database: Database
) -> None:
    """Twenty sponsors give one share each at the same moment: three get through."""

    async def give() -> bool:
        try:
            async with database.transaction() as session:
                await open_order(
                    session,
                    app.state.vault,
                    Wish("RIDER-ACC", Choice(), channel="on_site", payer="sponsor"),
                    person_id=rider.person.id,
                    account_id=None,
                    actor=SYSTEM,
                    now=system_now(),
                )
        except SharesOverLimit:
            return False
        return True

    assert sum(await asyncio.gather(*(give() for _ in range(20)))) == 3
    most = await scalar(
        database,
        "select count(*) from share_slot where person_id = :id and released_at is null",
        id=rider.person.id,
    )
    assert most == 3


async def test_shares_held_leave_fewer_to_buy(
    client: httpx.AsyncClient, rider: Rider, gateway: Gateway
) -> None:
    await gateway.settle(rider, await order(client, rider, shares=2))
    answer = await client.get(
        "/v1/me/eligibility", headers=rider.headers, params={"plan": "RIDER-ACC", "shares": 2}
    )
    assert answer.json()["shares_available"] == 1
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["shares-over-limit"]
    over = await client.post(
        "/v1/me/orders", headers=rider.keyed, json={"plan_code": "RIDER-ACC", "shares": 2}
    )
    assert (over.status_code, over.json()["code"]) == (409, "shares-over-limit")
    assert (await order(client, rider, shares=1))["status"] == "open"


async def test_a_gift_is_complete_at_once_and_costs_nothing(
    client: httpx.AsyncClient, rider: Rider, database: Database
) -> None:
    view = await order(client, rider, "SH-GIG-C")
    assert (view["status"], view["amount_fen"], view["channel"]) == ("paid", 0, "gifted")
    assert view["policy"]["status"] == "in_force"
    posted = "select count(*) from ledger_transaction where reference_id = :id"
    assert await scalar(database, posted, id=view["id"]) == 0


async def test_a_sponsor_owes_what_it_pays_for(
    app: FastAPI, rider: Rider, database: Database
) -> None:
    async with database.transaction() as session:
        made = await open_order(
            session,
            app.state.vault,
            Wish("RIDER-ACC", Choice(shares=3), channel="on_site", payer="sponsor"),
            person_id=rider.person.id,
            account_id=None,
            actor=SYSTEM,
            now=system_now(),
        )
    assert made.status == "paid"
    entries = await scalar(
        database,
        "select jsonb_object_agg(account_code, amount_fen) from ledger_entry e"
        " join ledger_transaction t on t.id = e.transaction_id where t.reference_id = :id",
        id=made.id,
    )
    assert entries == {"sponsor-receivables": 7500, "contributions:RIDER-ACC": -7500}


async def test_cancelling_gives_the_shares_back(
    client: httpx.AsyncClient, rider: Rider, database: Database
) -> None:
    view = await order(client, rider, shares=3)
    path = f"/v1/me/orders/{view['id']}/cancellation"
    assert (await client.post(path, headers=rider.headers)).json()["status"] == "closed"
    assert (await client.post(path, headers=rider.headers)).json()["status"] == "closed"
    assert (await order(client, rider, shares=3))["status"] == "open"


async def test_orders_of_others_are_not_found(
    client: httpx.AsyncClient, app: FastAPI, rider: Rider
) -> None:
    view = await order(client, rider)
    other = await make_rider(app)
    for method, path in (("GET", ""), ("POST", "/cancellation"), ("POST", "/refund")):
        answer = await client.request(
            method, f"/v1/me/orders/{view['id']}{path}", headers=other.keyed
        )
        assert answer.status_code == 404, path
    assert (await client.get("/v1/me/orders", headers=other.headers)).json()["items"] == []


async def test_orders_are_listed_newest_first_in_pages(
    client: httpx.AsyncClient, rider: Rider
) -> None:
    made = [(await order(client, rider, code))["id"] for code in ("SH-GIG-C", "RIDER-ACC")]
    first = (await client.get("/v1/me/orders?limit=1", headers=rider.headers)).json()
    rest = (
        await client.get(
            "/v1/me/orders",
            headers=rider.headers,
            params={"limit": 1, "cursor": first["next_cursor"]},
        )
    ).json()
    assert [first["items"][0]["id"], rest["items"][0]["id"]] == made[::-1]
    assert rest["next_cursor"] is None
    tampered = {"cursor": first["next_cursor"][:-2] + "AA"}
    answer = await client.get("/v1/me/orders", headers=rider.headers, params=tampered)
    assert answer.status_code == 400


async def test_the_policy_starts_at_midnight_after_the_payment(
    client: httpx.AsyncClient, rider: Rider, gateway: Gateway
) -> None:
    view = await gateway.settle(rider, await order(client, rider))
    tomorrow = business_day(system_now()) + timedelta(days=1)
    starts = day_start(tomorrow).isoformat().replace("+00:00", "Z")
    assert view["policy"]["starts_at"] == starts
