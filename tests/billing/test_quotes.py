"""Quotes: every failing rule at once, the split of the price, and orders at that price."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app.billing.plainness import excluded
from app.kernel.clock import business_day, system_now
from app.kernel.database import Database
from app.organisations.models import Kind
from tests.access_fixtures import make_organisation, staff_token
from tests.billing.buying import (
    buy,
    codes,
    document,
    entries,
    on_day,
    option,
    options,
    order,
    publish,
    quote,
    refusal,
)
from tests.cover_fixtures import Gateway, Rider, make_rider, scalar

pytestmark = pytest.mark.anyio

HEALTHY = {"code": "healthy", "words": {"zh": "身体健康", "en": "I am in good health"}}
INSURED = {"code": "insured", "words": {"zh": "已参加医保", "en": "I have medical insurance"}}
AGES = {"male": {"minimum": 16, "maximum": 60}}


async def test_every_failing_rule_is_named_with_words(
    client: httpx.AsyncClient, app: FastAPI, plans: None
) -> None:
    today = business_day(system_now())
    plan = await publish(
        app,
        document(
            eligibility={
                "ages": AGES,
                "occupations": ["courier"],
                "statements": [HEALTHY, INSURED],
                "unit_required": True,
                "card_required": True,
            },
            joining={
                "closes_on": (today - timedelta(days=1)).isoformat(),
                "channels": ["on_site"],
            },
            relations={"requires": ["CQ-2015-HA"]},
        ),
    )
    old = await make_rider(app, birth_on=date(1950, 1, 1))
    body: dict[str, Any] = {
        "shares": 4,
        "option": "Z",
        "term_days": 7,
        "starts_on": today.isoformat(),
        "occupation": "employee",
        "statements": ["insured"],
    }
    view = await quote(client, old, plan, **body)
    expected = {
        "age-above-maximum",
        "occupation-not-eligible",
        "statement-missing",
        "unit-required",
        "card-required",
        "joining-closed",
        "channel-not-open",
        "plan-required",
        "shares-over-limit",
        "contribution-option-not-found",
        "term-days-fixed",
        "start-out-of-range",
    }
    assert (view["eligible"], codes(view)) == (False, expected)
    [missing] = [each for each in view["reasons"] if each["code"] == "statement-missing"]
    assert (missing["statement"], missing["pointer"]) == ("healthy", "/statements")
    assert "身体健康" in missing["message"]["zh"]
    assert "I am in good health" in missing["message"]["en"]
    status, refused = await refusal(client, old, plan, **body)
    assert (status, refused["code"], codes(refused)) == (422, "not-eligible", expected)


async def test_whoever_states_and_belongs_is_eligible(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, database: Database, plans: None
) -> None:
    plan = await publish(
        app,
        document(
            eligibility={
                "ages": AGES,
                "statements": [HEALTHY],
                "unit_required": True,
                "card_required": True,
            }
        ),
    )
    unit = await make_organisation(app, Kind.UNIT)
    member = await make_rider(app, organisation_id=unit.id)
    body = {"statements": ["healthy"], "card_holder": True}
    view = await quote(client, member, plan, **body)
    assert (view["eligible"], view["reasons"], view["price_fen"]) == (True, [], 2500)
    made = await buy(client, gateway, member, plan, price_fen=view["price_fen"], **body)
    sealed = await scalar(
        database, "select sealed from contribution_order where id = :id", id=made["id"]
    )
    record = app.state.vault.open("contribution_order", UUID(made["id"]), sealed)
    assert record == {"statements": ["healthy"], "card_holder": True}
    woman = await make_rider(app, sex="female", organisation_id=unit.id)
    assert codes(await quote(client, woman, plan, **body)) == {"sex-not-eligible"}
    lonely = await make_rider(app)
    assert codes(await quote(client, lonely, plan, **body)) == {"unit-required"}


@pytest.mark.parametrize(("opens", "closes", "code"), [(0, 0, None), (1, 5, "joining-not-open")])
async def test_the_joining_window_counts_both_its_days(
    client: httpx.AsyncClient,
    app: FastAPI,
    rider: Rider,
    opens: int,
    closes: int,
    code: str | None,
) -> None:
    today = business_day(system_now())
    window = {
        "opens_on": (today + timedelta(days=opens)).isoformat(),
        "closes_on": (today + timedelta(days=closes)).isoformat(),
    }
    plan = await publish(app, document(joining=window))
    assert codes(await quote(client, rider, plan)) == ({code} if code else set())


async def test_plans_exclude_one_another_in_both_directions(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider
) -> None:
    first = await publish(app, document())
    excluding = await publish(app, document(relations={"excludes": [first]}))
    opened = await order(client, rider, first)
    assert codes(await quote(client, rider, excluding)) == {"plan-excluded"}
    await gateway.settle(rider, opened)
    status, refused = await refusal(client, rider, excluding)
    assert (status, codes(refused)) == (422, {"plan-excluded"})
    other = await make_rider(app)
    await buy(client, gateway, other, excluding)
    assert codes(await quote(client, other, first)) == {"plan-excluded"}


async def test_of_two_exclusive_plans_ordered_at_once_one_remains(
    client: httpx.AsyncClient,
    app: FastAPI,
    plans: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only one of the two documents names the other."""
    first = await publish(app, document())
    excluding = await publish(app, document(relations={"excludes": [first]}))
    monkeypatch.setattr(excluded, "_until", 0.0)
    for _ in range(5):
        member = await make_rider(app)
        answers = await asyncio.gather(
            *(refusal(client, member, plan) for plan in (first, excluding) * 4)
        )
        assert len({view["plan_code"] for status, view in answers if status == 201}) == 1


async def test_a_required_plan_has_to_be_paid(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider
) -> None:
    base = await publish(app, document())
    extra = await publish(app, document(relations={"requires": [base]}))
    opened = await order(client, rider, base)
    assert codes(await quote(client, rider, extra)) == {"plan-required"}
    await gateway.settle(rider, opened)
    assert (await quote(client, rider, extra))["eligible"]


async def test_a_price_is_split_and_a_deposit_is_no_income(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider, database: Database
) -> None:
    parts = [
        {"payer": "member", "amount": {"times": [{"yuan": 15}, "shares"]}},
        {"payer": "unit", "amount": {"times": [{"yuan": 6}, "shares"]}},
        {"payer": "union", "amount": {"times": [{"yuan": 4}, "shares"]}},
    ]
    chosen = option(split=parts, deposit={"times": [{"yuan": 5}, "shares"]})
    plan = await publish(app, document(contribution=options(chosen)))
    view = await quote(client, rider, plan, shares=2)
    assert (view["price_fen"], view["total_fen"], view["deposit_fen"]) == (3000, 5000, 1000)
    assert {part["payer"]: part["amount_fen"] for part in view["split"]} == {
        "member": 3000,
        "unit": 1200,
        "union": 800,
    }
    assert view["explanation"]["value"] == 5000
    made = await buy(client, gateway, rider, plan, shares=2, price_fen=3000)
    assert made["amount_fen"] == 3000
    assert await entries(database, made["id"]) == {
        "gateway-clearing": 3000,
        "unit-receivables": 1200,
        "union-receivables": 800,
        "deposits-held": -1000,
        f"contributions:{plan}": -4000,
    }


async def test_what_others_pay_alone_is_complete_at_once(
    client: httpx.AsyncClient, app: FastAPI, rider: Rider, database: Database
) -> None:
    chosen = option(split=[{"payer": "platform", "amount": {"times": [{"yuan": 25}, "shares"]}}])
    plan = await publish(app, document(contribution=options(chosen)))
    view = await order(client, rider, plan, shares=3)
    assert (view["status"], view["amount_fen"]) == ("paid", 0)
    assert await entries(database, view["id"]) == {
        "platform-receivables": 7500,
        f"contributions:{plan}": -7500,
    }


async def test_a_price_that_depends_on_the_unstated_says_so(
    client: httpx.AsyncClient, app: FastAPI, rider: Rider
) -> None:
    price = {"when": {"if": "card_holder", "then": {"yuan": 10}, "otherwise": {"yuan": 20}}}
    plan = await publish(app, document(contribution=options(option(price=price))))
    view = await quote(client, rider, plan)
    assert (view["price_fen"], codes(view)) == (None, {"fact-missing"})
    assert view["reasons"][0]["pointer"] == "/card_holder"
    status, refused = await refusal(client, rider, plan)
    assert (status, refused["code"]) == (422, "price-facts-missing")
    assert (await quote(client, rider, plan, card_holder=True))["price_fen"] == 1000
    assert (await order(client, rider, plan, card_holder=False))["amount_fen"] == 2000


async def test_days_are_chosen_and_priced_by_the_day(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, rider: Rider
) -> None:
    daily = option(
        term={"days_from": 1, "days_to": 30},
        price={"times": [{"yuan": "0.5"}, "shares", "term_days"]},
    )
    plan = await publish(app, document(contribution=options(daily)))
    today = business_day(system_now())
    later = today + timedelta(days=12)
    body: dict[str, Any] = {"term_days": 7, "shares": 2, "starts_on": later.isoformat()}
    view = await quote(client, rider, plan, **body)
    assert (view["price_fen"], view["first_covered_day"]) == (700, later.isoformat())
    assert view["last_covered_day"] == (later + timedelta(days=6)).isoformat()
    made = await buy(client, gateway, rider, plan, price_fen=700, **body)
    assert (made["policy"]["starts_at"], made["policy"]["ends_at"]) == (
        view["starts_at"],
        view["ends_at"],
    )
    one = await quote(client, rider, plan)
    assert (one["term_days"], one["price_fen"]) == (1, 50)
    for days in (31, 366):
        assert codes(await quote(client, rider, plan, term_days=days)) == {"term-days-out-of-range"}
    for first, expected in ((0, False), (1, True), (31, True), (32, False)):
        day = (today + timedelta(days=first)).isoformat()
        assert (await quote(client, rider, plan, starts_on=day))["eligible"] is expected, first


async def test_a_fixed_term_joined_late_costs_what_is_left_of_it(
    client: httpx.AsyncClient, app: FastAPI, rider: Rider, database: Database
) -> None:
    fixed = option(
        term={"first_day": "2028-01-01", "last_day": "2028-12-31"},
        split=[
            {"payer": "member", "amount": {"times": [{"yuan": 15}, "shares"]}},
            {"payer": "unit", "amount": {"times": [{"yuan": 10}, "shares"]}},
        ],
    )
    late = {
        "pro_rata": {
            "of": {"times": [{"yuan": 24}, "shares"]},
            "part": "remaining_months",
            "whole": 12,
        }
    }
    plan = await publish(app, document(contribution=options(fixed, late_price=late)))
    cases = [
        (date(2027, 12, 1), "2028-01-01", 2500),
        (date(2027, 12, 31), "2028-01-01", 2500),
        (date(2028, 1, 1), "2028-01-02", 2200),
        (date(2028, 2, 28), "2028-02-29", 2000),
        (date(2028, 2, 29), "2028-03-01", 2000),
        (date(2028, 12, 30), "2028-12-31", 0),
    ]
    for day, first_day, total in cases:
        async with on_day(database, day):
            view = await quote(client, rider, plan)
        assert (view["first_covered_day"], view["total_fen"]) == (first_day, total), day
        assert view["last_covered_day"] == "2028-12-31"
        assert sum(part["amount_fen"] for part in view["split"]) == total
    async with on_day(database, date(2028, 12, 31)):
        assert codes(await quote(client, rider, plan)) == {"term-is-over"}


async def test_ten_years_end_on_the_same_day(
    client: httpx.AsyncClient, app: FastAPI, rider: Rider, database: Database
) -> None:
    plan = await publish(app, document(contribution=options(option(term={"months": 120}))))
    async with on_day(database, date(2028, 2, 28)):
        view = await quote(client, rider, plan)
    assert (view["first_covered_day"], view["last_covered_day"]) == ("2028-02-29", "2038-02-27")


async def test_staff_quote_for_whom_they_manage(
    client: httpx.AsyncClient, app: FastAPI, plans: None, database: Database
) -> None:
    agency = await make_organisation(app)
    member = await make_rider(app, organisation_id=agency.id)
    staff = await staff_token(app, agency.id)
    path = f"/v1/staff/members/{member.person.id}/quotes"
    answer = await client.post(path, headers=staff.headers, json={"plan_code": "RIDER-ACC"})
    assert (answer.status_code, answer.json()["price_fen"]) == (200, 2500)
    audited = "select count(*) from audit_entry where action = 'quote.read' and actor_id = :id"
    assert await scalar(database, audited, id=staff.account_id) == 1
    stranger = await staff_token(app, (await make_organisation(app)).id)
    answer = await client.post(path, headers=stranger.headers, json={"plan_code": "RIDER-ACC"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "renewal"},
        {"kind": "upgrade"},
        {"policy_id": "0192f0c1-7a10-7c3e-8a44-51d8ac9ec001"},
        {"kind": "gift"},
        {"term_days": 0},
        {"statements": "healthy"},
        {"starts_on": "tomorrow"},
        {"unknown": 1},
    ],
)
async def test_a_body_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, rider: Rider, body: dict[str, Any]
) -> None:
    for path in ("/v1/me/quotes", "/v1/me/orders"):
        status, _ = await refusal(client, rider, "RIDER-ACC", path, **body)
        assert status == 422
