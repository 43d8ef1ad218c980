"""A unit that joins as a whole: participation, everybody, equal shares, price in total."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.organisations.models import Kind
from tests.access_fixtures import make_organisation, staff_token
from tests.billing.buying import buy, codes, document, option, options, publish
from tests.cover_fixtures import Gateway, make_rider

pytestmark = pytest.mark.anyio

GROUP = {"minimum_participation": "0.75", "everybody_up_to": 10, "equal_shares": True}


def people(count: int, shares: int = 1, **more: Any) -> dict[str, Any]:
    return {"count": count, "age": 34, "sex": "male", "shares": shares, **more}


async def ask(
    client: httpx.AsyncClient, app: FastAPI, plan: str, headcount: int, *members: Any, **more: Any
) -> dict[str, Any]:
    unit = more.pop("unit", None) or await make_organisation(app, Kind.UNIT)
    staff = await staff_token(app, unit.id)
    body = {"plan_code": plan, "headcount": headcount, "members": list(members), **more}
    answer = await client.post("/v1/staff/group-quotes", headers=staff.headers, json=body)
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


@pytest.mark.parametrize(
    ("headcount", "members", "expected"),
    [
        (16, [people(12)], set()),
        (16, [people(11)], {"participation-too-low"}),
        (15, [people(11)], {"participation-too-low"}),
        (15, [people(12)], set()),
        (10, [people(9)], {"everybody-joins"}),
        (10, [people(10)], set()),
        (11, [people(9)], set()),
        (10, [people(7)], {"everybody-joins", "participation-too-low"}),
        (16, [people(6), people(6, shares=2)], {"shares-not-equal"}),
        (16, [people(17)], {"group-larger-than-unit"}),
        (16, [people(12, shares=4)], {"shares-over-limit"}),
        (16, [people(12, age=61)], {"age-above-maximum"}),
    ],
)
async def test_each_rule_of_a_group(
    client: httpx.AsyncClient,
    app: FastAPI,
    plans: None,
    headcount: int,
    members: list[Any],
    expected: set[str],
) -> None:
    plan = await publish(app, document(joining={"group": GROUP}))
    view = await ask(client, app, plan, headcount, *members)
    assert (codes(view), view["eligible"]) == (expected, not expected)


async def test_the_price_of_all_is_the_sum_of_each(
    client: httpx.AsyncClient, app: FastAPI, plans: None
) -> None:
    by_sex = {"choose": {"by": "sex", "cases": {"male": {"yuan": "62.5"}, "female": {"yuan": 70}}}}
    ages = {sex: {"minimum": 16, "maximum": 60} for sex in ("male", "female")}
    chosen = option(
        price=by_sex,
        split=[
            {"payer": "union", "amount": {"yuan": 30}},
            {"payer": "member", "amount": {"minus": [by_sex, {"yuan": 30}]}},
        ],
    )
    plan = await publish(app, document(eligibility={"ages": ages}, contribution=options(chosen)))
    view = await ask(client, app, plan, 5, people(3), people(2, sex="female"))
    assert (view["total_fen"], view["joining"], view["shares"]) == (32_750, 5, 5)
    assert {part["payer"]: part["amount_fen"] for part in view["split"]} == {
        "union": 15_000,
        "member": 17_750,
    }


async def test_who_holds_the_plan_already_has_joined(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, plans: None
) -> None:
    plan = await publish(app, document(joining={"group": GROUP}))
    unit = await make_organisation(app, Kind.UNIT)
    for _ in range(2):
        member = await make_rider(app, organisation_id=unit.id)
        await buy(client, gateway, member, plan)
    view = await ask(client, app, plan, 4, people(1), unit=unit, organisation_id=str(unit.id))
    assert (view["covered_already"], codes(view)) == (2, {"everybody-joins"})
    view = await ask(
        client, app, plan, 4, people(2, shares=2), unit=unit, organisation_id=str(unit.id)
    )
    assert codes(view) == {"shares-not-equal"}
