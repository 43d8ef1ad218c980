"""Renewing: the window to the second, no gap and no waiting, the grace days, and races."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app.billing.judging import Wish
from app.billing.orders import open_order, open_renewal
from app.billing.price_inputs import Choice
from app.kernel.clock import business_day, day_start, system_now
from app.kernel.database import Database
from app.kernel.principal import SYSTEM
from tests.access_fixtures import make_organisation
from tests.billing.buying import (
    DAY,
    TICK,
    bought,
    buy,
    close,
    codes,
    cover,
    document,
    end_day,
    instant,
    iso,
    on_day,
    option,
    options,
    order,
    publish,
    quote,
    refusal,
    waiting_plan,
)
from tests.cover_fixtures import Gateway, Rider, at_business_time, make_rider, scalar

pytestmark = pytest.mark.anyio


async def test_the_window_is_exact(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, document(renewal={"opens_days_before": 30, "grace_days": 10}))
    policy = await bought(client, gateway, rider, plan)
    ends = instant(policy["ends_at"])
    body = {"kind": "renewal", "policy_id": policy["id"]}
    cases = [
        (ends - 30 * DAY - 5 * TICK, False),
        (ends - 30 * DAY + 2 * TICK, True),
        (ends, True),
        (ends + 10 * DAY - 5 * TICK, True),
        (ends + 10 * DAY + 2 * TICK, False),
    ]
    for moment, expected in cases:
        await at_business_time(database, moment)
        try:
            status, said = await refusal(client, rider, plan, "/v1/me/quotes", **body)
        finally:
            await at_business_time(database, system_now())
        assert (status == 200) is expected, moment
        if expected:
            assert said["starts_at"] == policy["ends_at"]
        else:
            assert said["code"] == "renewal-not-open"
            assert instant(said["opens_at"]) == ends - 30 * DAY
            assert instant(said["closes_at"]) == ends + 10 * DAY


async def test_a_renewal_before_the_end_leaves_no_gap_and_waits_for_nothing(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, waiting_plan())
    policy = await bought(client, gateway, rider, plan)
    ends = instant(policy["ends_at"])
    async with on_day(database, end_day(policy) - 10 * DAY):
        body = {"kind": "renewal", "policy_id": policy["id"], "shares": 3}
        view = await quote(client, rider, plan, **body)
        assert (view["price_fen"], view["follows_without_gap"]) == (7500, True)
        assert [(each["cause"], each["shares"]) for each in view["waits"]] == [("illness", 2)]
        made = await buy(client, gateway, rider, plan, price_fen=7500, **body)
        assert (made["kind"], made["policy"]["starts_at"]) == ("renewal", policy["ends_at"])
    renewed = made["policy"]["id"]
    row = "select array[follows_id::text, term_number::text] from policy where id = :id"
    assert await scalar(database, row, id=renewed) == [policy["id"], "2"]
    kinds = "select array_agg(kind order by recorded_at, id) from policy_transaction"
    kinds += " where policy_id = :id"
    assert await scalar(database, kinds, id=renewed) == ["renew", "upgrade"]
    for moment, paying in ((ends - TICK, 1), (ends, 1), (ends + 30 * DAY, 3)):
        said = await cover(client, rider, plan, moment)
        assert (said["covered"], said["shares"]) == (True, 1 if moment < ends else 3)
        assert said["benefits"][0]["shares_paying"]["illness"] == paying, moment
    said = await cover(client, rider, plan, ends + DAY)
    assert said["benefits"][0]["waits_until"] == {}
    [waiting] = said["benefits"][0]["waiting"]
    assert (waiting["shares"], waiting["until"]) == (2, iso(ends + 30 * DAY))
    since = [layer["since_on"] for layer in said["policies"][1]["layers"]]
    first_day = business_day(instant(policy["starts_at"])).isoformat()
    assert since == [first_day, end_day(policy).isoformat()]


async def test_on_the_last_grace_day_cover_goes_on_from_the_old_end(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, waiting_plan(renewal={"grace_days": 10}))
    policy = await bought(client, gateway, rider, plan)
    ends, last = instant(policy["ends_at"]), end_day(policy) + 9 * DAY
    said = await cover(client, rider, plan, ends + DAY)
    assert (said["reason"], said["covered"]) == ("in_grace", False)
    assert said["policies"][0]["until"] == iso(ends + 10 * DAY)
    assert "续保" in said["explanation"]["zh"]
    async with on_day(database, last, timedelta(hours=23, minutes=50)) as paid_at:
        made = await buy(
            client, gateway, rider, plan, kind="renewal", policy_id=policy["id"], shares=2
        )
        assert made["policy"]["starts_at"] == policy["ends_at"]
        assert instant(made["expires_at"]) == ends + 10 * DAY
    said = await cover(client, rider, plan, ends + DAY)
    assert (said["reason"], said["covered"]) == ("in_grace", False)
    said = await cover(client, rider, plan, paid_at + timedelta(minutes=5))
    assert (said["reason"], said["covered"]) == ("covered", True)
    assert said["benefits"][0]["shares_paying"] == {"illness": 1, "accident": 1}
    midnight = day_start(last + DAY)
    said = await cover(client, rider, plan, midnight)
    assert said["benefits"][0]["shares_paying"] == {"illness": 1, "accident": 2}


async def test_the_hours_of_a_payment_are_covered_from_the_payment_on(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, plans: None, database: Database
) -> None:
    """A claim follows the same rule as the answer."""
    rider = await make_rider(app, organisation_id=(await make_organisation(app)).id)
    plan = await publish(app, document(renewal={"grace_days": 10}))
    policy = await bought(client, gateway, rider, plan)
    ends = instant(policy["ends_at"])
    async with on_day(database, end_day(policy) + 3 * DAY, timedelta(hours=12)) as paid_at:
        made = await buy(client, gateway, rider, plan, kind="renewal", policy_id=policy["id"])
        for moment, expected in (
            (ends, "in-grace"),
            (paid_at - timedelta(hours=1), "in-grace"),
        ):
            incident = {
                "cause": "accident",
                "occurred_at": iso(moment),
                "place": "重庆市渝中区",
                "description": "送餐途中摔倒",
            }
            body = {
                "policy_id": made["policy"]["id"],
                "benefit_code": "DISAB",
                "incident": incident,
            }
            answer = await client.post("/v1/me/claims", headers=rider.keyed, json=body)
            assert answer.status_code == 422, answer.text
            assert answer.json()["reason_code"] == expected
    async with on_day(database, end_day(policy) + 4 * DAY):
        body["incident"] = {**incident, "occurred_at": iso(paid_at + timedelta(hours=1))}
        answer = await client.post("/v1/me/claims", headers=rider.keyed, json=body)
        assert answer.status_code == 201, answer.text


async def test_grace_covers_where_the_plan_says_so(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    rules = {"grace_days": 10, "covered_in_grace": True}
    plan = await publish(app, document(renewal=rules))
    policy = await bought(client, gateway, rider, plan)
    ends = instant(policy["ends_at"])
    for moment, covered in ((ends, True), (ends + 10 * DAY - TICK, True), (ends + 10 * DAY, False)):
        assert (await cover(client, rider, plan, moment))["covered"] is covered
    async with on_day(database, end_day(policy) + 5 * DAY):
        await buy(client, gateway, rider, plan, kind="renewal", policy_id=policy["id"])
    said = await cover(client, rider, plan, ends + DAY)
    assert (said["reason"], said["covered"], said["shares"]) == ("covered", True, 1)


async def test_several_layers_go_on_one_transaction_each(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, waiting_plan())
    policy = await bought(client, gateway, rider, plan)
    first = business_day(instant(policy["starts_at"]))
    async with on_day(database, first + 100 * DAY):
        await buy(client, gateway, rider, plan, kind="upgrade", policy_id=policy["id"], shares=2)
    async with on_day(database, end_day(policy) - 5 * DAY):
        made = await buy(client, gateway, rider, plan, kind="renewal", policy_id=policy["id"])
        assert made["shares"] == 3
        renewed = made["policy"]["id"]
    rows = "select array_agg(shares || ' ' || kind order by recorded_at, id)"
    rows += " from policy_transaction where policy_id = :id"
    assert await scalar(database, rows, id=renewed) == ["1 renew", "3 renew"]
    said = await cover(client, rider, plan, instant(policy["ends_at"]))
    layers = said["policies"][1]["layers"]
    assert layers == [
        {"shares": 1, "since_on": first.isoformat()},
        {"shares": 2, "since_on": (first + 101 * DAY).isoformat()},
    ]


async def test_fewer_shares_give_up_the_newest_first(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, waiting_plan())
    policy = await bought(client, gateway, rider, plan)
    first = business_day(instant(policy["starts_at"]))
    async with on_day(database, first + 100 * DAY):
        await buy(client, gateway, rider, plan, kind="upgrade", policy_id=policy["id"], shares=2)
    async with on_day(database, end_day(policy) - 5 * DAY):
        made = await buy(
            client, gateway, rider, plan, kind="renewal", policy_id=policy["id"], shares=2
        )
    said = await cover(client, rider, plan, instant(made["policy"]["starts_at"]))
    assert [layer["shares"] for layer in said["policies"][1]["layers"]] == [1, 1]


async def test_the_version_on_sale_and_its_price_apply(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    content = document()
    plan = await publish(app, content)
    opened = await buy(client, gateway, rider, plan)
    policy = opened["policy"]
    dearer = option("B", price={"times": [{"yuan": 30}, "shares"]})
    await close(app, opened["plan_version_id"])
    await publish(app, {**content, "contribution": options(dearer)})
    async with on_day(database, end_day(policy) - DAY):
        view = await quote(client, rider, plan, kind="renewal", policy_id=policy["id"])
        assert (view["price_fen"], view["option"]) == (3000, "B")
        assert view["plan_version_id"] != opened["plan_version_id"]


async def test_the_renewal_age_replaces_the_highest(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, plans: None, database: Database
) -> None:
    ages = {"male": {"minimum": 16, "maximum": 60}}
    plan = await publish(app, document(eligibility={"ages": ages, "renewal_maximum_age": 61}))
    today = business_day(system_now())
    turning = await make_rider(app, birth_on=date(today.year - 61, today.month, 1) + 62 * DAY)
    policy = await bought(client, gateway, turning, plan)
    async with on_day(database, end_day(policy) - DAY):
        body = {"kind": "renewal", "policy_id": policy["id"]}
        assert (await quote(client, turning, plan, **body))["eligible"]
        assert codes(await quote(client, turning, plan)) >= {"age-above-maximum"}
        renewed = (await buy(client, gateway, turning, plan, **body))["policy"]
    async with on_day(database, end_day(renewed) - DAY):
        body = {"kind": "renewal", "policy_id": renewed["id"]}
        status, refused = await refusal(client, turning, plan, **body)
        assert (status, codes(refused)) == (422, {"age-above-maximum"})


async def test_what_was_stated_stands_and_new_shares_need_new_statements(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    healthy = {"code": "healthy", "words": {"zh": "身体健康", "en": "Healthy"}}
    rules = {
        "ages": {"male": {"minimum": 16, "maximum": 60}},
        "statements": [healthy],
        "card_required": True,
    }
    plan = await publish(app, document(eligibility=rules))
    policy = await bought(client, gateway, rider, plan, statements=["healthy"], card_holder=True)
    async with on_day(database, end_day(policy) - DAY):
        body: dict[str, Any] = {"kind": "renewal", "policy_id": policy["id"]}
        assert (await quote(client, rider, plan, **body))["eligible"]
        more = {**body, "shares": 2}
        assert codes(await quote(client, rider, plan, **more)) == {"statement-missing"}
        assert (await quote(client, rider, plan, **more, statements=["healthy"]))["eligible"]


async def test_the_money_of_a_renewal_paid_after_grace_goes_back(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, document(renewal={"grace_days": 1}))
    policy = await bought(client, gateway, rider, plan)
    async with on_day(database, end_day(policy), timedelta(hours=23, minutes=58)):
        opened = await order(client, rider, plan, kind="renewal", policy_id=policy["id"])
        paid = await gateway.pay(rider, opened["id"])
    async with on_day(database, end_day(policy) + DAY, timedelta(minutes=5)) as late:
        notice = gateway.payment_notice(paid, opened["amount_fen"])
        assert await gateway.deliver(notice) == 204
        assert late is not None
        answer = await client.get(f"/v1/me/orders/{opened['id']}", headers=rider.headers)
    assert answer.json()["status"] == "refunding"
    assert answer.json()["refund"]["reason_code"] == "paid_after_grace"
    followers = "select count(*) from policy where follows_id = :id"
    assert await scalar(database, followers, id=policy["id"]) == 0


async def test_a_policy_is_renewed_once(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, document())
    policy = await bought(client, gateway, rider, plan)
    body = {"kind": "renewal", "policy_id": policy["id"]}
    async with on_day(database, end_day(policy) - DAY):
        answers = await asyncio.gather(*(refusal(client, rider, plan, **body) for _ in range(20)))
        statuses = sorted(status for status, _ in answers)
        assert statuses.count(201) == 1, statuses
        [opened] = [view for status, view in answers if status == 201]
        await gateway.settle(rider, opened)
        status, refused = await refusal(client, rider, plan, **body)
        assert (status, refused["code"]) == (409, "already-renewed")
    followers = "select count(*) from policy where follows_id = :id"
    assert await scalar(database, followers, id=policy["id"]) == 1


async def test_two_paid_renewals_become_one_policy(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    """A sponsor's renewal overtakes an order whose payment comes afterwards."""
    plan = await publish(app, document())
    policy = await bought(client, gateway, rider, plan)
    async with on_day(database, end_day(policy) - DAY) as now:
        opened = await order(client, rider, plan, kind="renewal", policy_id=policy["id"])
        paid = await gateway.pay(rider, opened["id"])
        path = f"/v1/me/orders/{opened['id']}/cancellation"
        await client.post(path, headers=rider.headers)
        wish = Wish(
            plan, Choice(), "renewal", UUID(policy["id"]), channel="on_site", payer="sponsor"
        )
        async with database.transaction() as session:
            made = await open_order(
                session,
                app.state.vault,
                wish,
                person_id=rider.person.id,
                account_id=None,
                actor=SYSTEM,
                now=now,
            )
        assert made.status == "paid"
        assert await gateway.deliver(gateway.payment_notice(paid, 2500)) == 204
    followers = "select count(*) from policy where follows_id = :id"
    assert await scalar(database, followers, id=policy["id"]) == 1


async def test_an_agreement_renews_only_where_the_plan_lets_it(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    from app.billing.errors import RenewalNotOffered

    manual = await publish(app, document(renewal={"modes": ["manual"], "grace_days": 3}))
    both = await publish(app, document(renewal={"modes": ["manual", "automatic"]}))

    async def renew(plan: str) -> str:
        policy = await bought(client, gateway, rider, plan)
        now: datetime = instant(policy["ends_at"]) - 3 * DAY
        async with database.transaction() as session:
            made = await open_renewal(
                session,
                app.state.vault,
                UUID(policy["id"]),
                actor=SYSTEM,
                now=now,
                automatic=True,
            )
        return made.status

    assert await renew(both) == "open"
    with pytest.raises(RenewalNotOffered):
        await renew(manual)


async def test_policies_of_others_are_not_found(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider
) -> None:
    plan = await publish(app, document())
    policy = await bought(client, gateway, rider, plan)
    other = await make_rider(app)
    for kind in ("renewal", "upgrade"):
        body = {"kind": kind, "policy_id": policy["id"]}
        for path in ("/v1/me/quotes", "/v1/me/orders"):
            status, refused = await refusal(client, other, plan, path, **body)
            assert (status, refused["code"]) == (404, "policy-not-found")
        status, _ = await refusal(client, rider, "RIDER-ACC", **body)
        assert status == 404
