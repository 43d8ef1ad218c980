"""Raising the contribution option of running cover: its price, its waiting, and what goes on."""

import asyncio
import copy
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import business_day, system_now
from app.kernel.database import Database
from tests.billing.buying import (
    DAY,
    ILLNESS,
    TICK,
    bought,
    buy,
    close,
    codes,
    cover,
    document,
    end_day,
    entries,
    instant,
    iso,
    on_day,
    option,
    options,
    order,
    publish,
    quote,
    refusal,
)
from tests.cover_fixtures import Gateway, Rider, scalar
from tests.notifications.outbox import messages_of, sms_of, work
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

LEFT = {"part": "remaining_days", "whole": "term_days"}


def tiered(**changes: Any) -> dict[str, Any]:
    """Options A, B and C at 30, 90 and 200 yuan a share; A may become B, and B become C."""

    def priced(code: str, yuan: int) -> dict[str, Any]:
        return option(code, price={"times": [{"yuan": yuan}, "shares"]})

    def raised(held: str, wanted: str, yuan: int) -> dict[str, Any]:
        of = {"times": [{"yuan": yuan}, "shares"]}
        return {"from": held, "to": wanted, "price": {"pro_rata": {"of": of, **LEFT}}}

    illness = {
        **ILLNESS,
        "pays": {
            "times": [
                {
                    "choose": {
                        "by": "option",
                        "cases": {"A": {"yuan": 100}, "B": {"yuan": 500}, "C": {"yuan": 900}},
                    }
                },
                "shares",
            ]
        },
    }
    upgrade = {
        "price": {"pro_rata": {"of": {"times": [{"yuan": 30}, "added_shares"]}, **LEFT}},
        "options": [raised("A", "B", 60), raised("B", "C", 110)],
    }
    content = {
        "contribution": options(priced("A", 30), priced("B", 90), priced("C", 200)),
        "waiting": {"accident_days": 0, "illness_days": 30},
        "benefits": [illness],
        "upgrade": upgrade,
    }
    return document(**{**content, **changes})


def to(policy: dict[str, Any], code: str) -> dict[str, Any]:
    return {"kind": "upgrade", "policy_id": policy["id"], "option": code}


async def estimate(
    client: httpx.AsyncClient, rider: Rider, policy: dict[str, Any], cause: str, at: datetime
) -> int:
    """What a claim would bring, in fen."""
    body = {
        "policy_id": policy["id"],
        "benefit_code": "ILL",
        "incident": {"cause": cause, "occurred_at": iso(at)},
        "facts": {},
    }
    answer = await client.post("/v1/me/claim-estimates", headers=rider.headers, json=body)
    assert answer.status_code == 200, answer.text
    fen: int = answer.json()["amount_fen"]
    return fen


async def test_the_higher_option_costs_the_days_left_and_waits_while_the_lower_pays(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, tiered())
    policy = await bought(client, gateway, rider, plan, shares=2, option="A")
    first = business_day(instant(policy["starts_at"]))
    days = (end_day(policy) - first).days
    async with on_day(database, first + 99 * DAY):
        view = await quote(client, rider, plan, **to(policy, "B"))
        price = (12_000 * (days - 100) * 2 + days) // (2 * days)
        assert (view["price_fen"], view["option"], view["shares"]) == (price, "B", 2)
        assert (view["eligible"], view["ends_at"]) == (True, policy["ends_at"])
        begins = instant(view["starts_at"])
        assert [(each["shares"], each["until"]) for each in view["waits"]] == [
            (2, iso(begins + 30 * DAY))
        ]
        made = await buy(client, gateway, rider, plan, price_fen=price, **to(policy, "B"))
    assert (made["kind"], made["option_code"], made["policy"]["id"]) == (
        "upgrade",
        "B",
        policy["id"],
    )
    assert await entries(database, made["id"]) == {
        "gateway-clearing": price,
        f"contributions:{plan}": -price,
    }
    live = "select count(*) from share_slot where policy_id = :id and released_at is null"
    assert await scalar(database, live, id=policy["id"]) == 2
    for moment, code, waiting in (
        (begins - TICK, "A", []),
        (begins, "B", ["B"]),
        (begins + 30 * DAY - TICK, "B", ["B"]),
        (begins + 30 * DAY, "B", []),
    ):
        said = await cover(client, rider, plan, moment)
        assert (said["shares"], said["policies"][0]["option_code"]) == (2, code), moment
        [benefit] = said["benefits"]
        assert benefit["shares_paying"] == {"illness": 2, "accident": 2}
        assert [each["option_code"] for each in benefit["options_waiting"]] == waiting, moment
        async with on_day(database, business_day(begins) + 40 * DAY):
            illness = await estimate(client, rider, policy, "illness", moment)
            accident = await estimate(client, rider, policy, "accident", moment)
        assert illness == (100_000 if moment >= begins + 30 * DAY else 20_000), moment
        assert accident == (100_000 if code == "B" else 20_000), moment
    shown = await client.get(f"/v1/me/policies/{policy['id']}", headers=rider.headers)
    changes = [(each["kind"], each["option_code"]) for each in shown.json()["transactions"]]
    assert changes == [("issue", None), ("upgrade", "B")]


@pytest.mark.usefixtures("daytime")
async def test_the_member_is_told_the_new_option_by_its_name(
    client: httpx.AsyncClient,
    app: FastAPI,
    gateway: Gateway,
    rider: Rider,
    database: Database,
    simulators: Simulators,
) -> None:
    content = tiered()
    content["contribution"]["options"][1]["name"] = {"zh": "乙档", "en": "the second tier"}
    plan = await publish(app, content)
    policy = await bought(client, gateway, rider, plan, shares=2, option="A")
    await buy(client, gateway, rider, plan, **to(policy, "B"))
    await work(app, "billing.cover_began", "billing.tell_upgrade", "notifications.")
    assert await messages_of(database, rider.person.id) == ["policy_issued", "option_raised"]
    assert sms_of(simulators, rider)[-1]["parameters"]["option"] == "乙档"
    inbox = (await client.get("/v1/me/messages", headers=rider.headers)).json()["items"]
    assert "the second tier" in inbox[0]["text"]["en"]


async def test_what_the_plan_does_not_raise_is_refused_by_name(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider
) -> None:
    plan = await publish(app, tiered())
    policy = await bought(client, gateway, rider, plan, option="A")
    for wanted, code in (("C", "option-not-raised"), ("D", "contribution-option-not-found")):
        view = await quote(client, rider, plan, **to(policy, wanted))
        assert codes(view) == {code}
        assert all(view["reasons"][0]["message"].values())
        status, refused = await refusal(client, rider, plan, **to(policy, wanted))
        assert (status, codes(refused)) == (422, {code})
    status, refused = await refusal(client, rider, plan, shares=2, **to(policy, "B"))
    assert (status, refused["code"]) == (422, "upgrades-apart")
    # The option that there is, is what shares are added to.
    view = await quote(client, rider, plan, shares=2, **to(policy, "A"))
    assert (view["eligible"], view["option"], view["shares"]) == (True, "A", 2)


async def test_a_plan_may_raise_options_and_add_no_shares(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider
) -> None:
    content = tiered()
    content["contribution"]["max_shares"] = 1
    del content["upgrade"]["price"]
    plan = await publish(app, content)
    policy = await bought(client, gateway, rider, plan, option="B")
    assert (await quote(client, rider, plan, **to(policy, "C")))["eligible"]
    status, refused = await refusal(client, rider, plan, kind="upgrade", policy_id=policy["id"])
    assert (status, refused["code"]) == (409, "upgrade-not-offered")


async def test_twice_raised_then_shares_then_renewed_without_a_gap(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    """A renewal takes over what the options have waited; the last one still waits its days."""
    plan = await publish(app, tiered())
    policy = await bought(client, gateway, rider, plan, option="A")
    ends, last = instant(policy["ends_at"]), end_day(policy)
    async with on_day(database, last - 60 * DAY):
        await buy(client, gateway, rider, plan, **to(policy, "B"))
    async with on_day(database, last - 11 * DAY):
        await buy(client, gateway, rider, plan, **to(policy, "C"))
        body = {"kind": "upgrade", "policy_id": policy["id"], "shares": 1}
        await buy(client, gateway, rider, plan, **body)
        view = await quote(client, rider, plan, kind="renewal", policy_id=policy["id"])
        assert (view["option"], view["shares"], view["price_fen"]) == ("C", 2, 40_000)
        renewed = await bought(client, gateway, rider, plan, kind="renewal", policy_id=policy["id"])
    c_pays = ends + 20 * DAY
    async with on_day(database, last + 40 * DAY):
        for moment, fen in (
            # Of two shares one has waited; of the options B has, C has not.
            (ends - TICK, 50_000),
            (ends, 50_000),
            (c_pays - TICK, 50_000),
            (c_pays, 180_000),
        ):
            held = policy if moment < ends else renewed
            assert await estimate(client, rider, held, "illness", moment) == fen, moment
        assert await estimate(client, rider, renewed, "accident", ends) == 180_000
    said = (await cover(client, rider, plan, ends))["policies"][1]
    since = [(each["option_code"], each["since_on"]) for each in said["options"]]
    assert since == [
        ("A", business_day(instant(policy["starts_at"])).isoformat()),
        ("B", (last - 59 * DAY).isoformat()),
        ("C", (last - 10 * DAY).isoformat()),
    ]
    # The next renewal goes on from there.
    async with on_day(database, end_day(renewed) - DAY):
        view = await quote(client, rider, plan, kind="renewal", policy_id=renewed["id"])
        assert (view["option"], view["shares"]) == ("C", 2)


@pytest.mark.parametrize(("wanted", "at_once"), [("B", 10_000), ("C", 90_000)])
async def test_a_renewal_with_a_higher_option_waits_where_the_plan_calls_it_higher(
    client: httpx.AsyncClient,
    app: FastAPI,
    gateway: Gateway,
    rider: Rider,
    database: Database,
    wanted: str,
    at_once: int,
) -> None:
    """A becomes B by a raise, so B waits; to C the plan knows no raise: another option."""
    plan = await publish(app, tiered())
    policy = await bought(client, gateway, rider, plan, option="A")
    ends = instant(policy["ends_at"])
    later = {"B": 50_000, "C": 90_000}[wanted]
    body = {"kind": "renewal", "policy_id": policy["id"], "option": wanted}
    async with on_day(database, end_day(policy) - 5 * DAY):
        renewed = await bought(client, gateway, rider, plan, **body)
    async with on_day(database, end_day(policy) + 40 * DAY):
        for moment, fen in ((ends, at_once), (ends + 30 * DAY, later)):
            assert await estimate(client, rider, renewed, "illness", moment) == fen, moment
        assert await estimate(client, rider, renewed, "accident", ends) == later


async def test_one_of_many_raises_wins_and_cancelling_closes_it(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider
) -> None:
    plan = await publish(app, tiered(cancellation={"before_start": "paid_fen"}))
    policy = await bought(client, gateway, rider, plan, option="A")
    answers = await asyncio.gather(
        *(refusal(client, rider, plan, **to(policy, "B")) for _ in range(8)),
    )
    assert sorted(status for status, _ in answers) == [201, *[409] * 7]
    [made] = [view for status, view in answers if status == 201]
    path = f"/v1/me/policies/{policy['id']}/cancellation"
    assert (await client.post(path, headers=rider.keyed)).status_code == 201
    shown = await client.get(f"/v1/me/orders/{made['id']}", headers=rider.headers)
    assert shown.json()["status"] == "closed"


async def test_what_was_paid_for_the_raise_goes_back_as_well(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider
) -> None:
    plan = await publish(app, tiered(cancellation={"before_start": "paid_fen"}))
    policy = await bought(client, gateway, rider, plan, option="A")
    raised = await buy(client, gateway, rider, plan, **to(policy, "B"))
    assert raised["amount_fen"] == 6_000
    path = f"/v1/me/policies/{policy['id']}/cancellation"
    view = (await client.get(path, headers=rider.headers)).json()
    assert view["refund_fen"] == 9_000, view


async def test_money_for_a_raise_of_cover_that_has_ended_goes_back(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    plan = await publish(app, tiered())
    policy = await bought(client, gateway, rider, plan, option="A")
    last: date = end_day(policy) - DAY
    async with on_day(database, last - DAY, timedelta(hours=23, minutes=50)):
        made = await order(client, rider, plan, **to(policy, "B"))
        paid = await gateway.pay(rider, made["id"])
    async with on_day(database, last, timedelta(minutes=5)):
        assert await gateway.deliver(gateway.payment_notice(paid, made["amount_fen"])) == 204
    shown = await client.get(f"/v1/me/orders/{made['id']}", headers=rider.headers)
    assert shown.json()["status"] != "paid"
    said = await cover(client, rider, plan, instant(policy["ends_at"]) - TICK)
    assert said["policies"][0]["option_code"] == "A"


async def test_a_version_that_has_no_lower_option_pays_by_the_one_renewed(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    """B still waits, but of A the version on sale knows nothing."""
    content = tiered()
    plan = await publish(app, content)
    policy = await bought(client, gateway, rider, plan, option="A")
    version = (await quote(client, rider, plan, option="B"))["plan_version_id"]
    ends = instant(policy["ends_at"])
    async with on_day(database, end_day(policy) - 11 * DAY):
        await buy(client, gateway, rider, plan, **to(policy, "B"))
    await close(app, version)
    newer = {**content, "contribution": {**content["contribution"]}}
    newer["contribution"]["options"] = content["contribution"]["options"][1:]
    newer["upgrade"] = {**content["upgrade"], "options": content["upgrade"]["options"][1:]}
    benefit = copy.deepcopy(content["benefits"][0])
    del benefit["pays"]["times"][0]["choose"]["cases"]["A"]
    newer["benefits"] = [benefit]
    await publish(app, newer, effective_from=system_now())
    async with on_day(database, end_day(policy) - 5 * DAY):
        body = {"kind": "renewal", "policy_id": policy["id"]}
        renewed = await bought(client, gateway, rider, plan, **body)
    async with on_day(database, end_day(policy) + 5 * DAY):
        assert await estimate(client, rider, renewed, "illness", ends) == 50_000
    said = (await cover(client, rider, plan, ends))["policies"][1]
    assert [each["option_code"] for each in said["options"]] == ["B"]
