"""A unit that joins as a whole: participation, everybody, equal shares, price in total."""

from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.organisations.models import Kind, Organisation
from tests.access_fixtures import make_organisation, staff_token
from tests.billing.buying import buy, codes, document, option, options, publish, refusal
from tests.cover_fixtures import Gateway, Rider, make_rider

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
    members = [await make_rider(app, organisation_id=unit.id) for _ in range(2)]
    status, said = await join(client, app, unit, plan, members, headcount=2)
    assert status == 201, said
    for member in members:
        await buy(client, gateway, member, plan)
    view = await ask(client, app, plan, 4, people(1), unit=unit, organisation_id=str(unit.id))
    assert (view["covered_already"], codes(view)) == (2, {"everybody-joins"})
    view = await ask(
        client, app, plan, 4, people(2, shares=2), unit=unit, organisation_id=str(unit.id)
    )
    assert codes(view) == {"shares-not-equal"}


async def join(
    client: httpx.AsyncClient,
    app: FastAPI,
    unit: Organisation,
    plan: str,
    members: list[Rider],
    **more: Any,
) -> tuple[int, dict[str, Any]]:
    """The unit joins with these members."""
    staff = more.pop("staff", None) or await staff_token(app, unit.id, ["caseworker"])
    body = {
        "organisation_id": str(unit.id),
        "plan_code": plan,
        "person_ids": [str(each.person.id) for each in members],
        "evidence": "社保缴费通知单",
        **more,
    }
    answer = await client.post("/v1/staff/group-joinings", headers=staff.keyed, json=body)
    return answer.status_code, answer.json()


async def test_the_unit_joins_before_its_people_and_one_short_is_too_few(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, plans: None
) -> None:
    """Sixteen people: twelve are three quarters, eleven are not. Who comes later joins them."""
    plan = await publish(app, document(joining={"group": GROUP}))
    unit = await make_organisation(app, Kind.UNIT)
    site = await make_organisation(app, Kind.SITE, unit)
    members = [
        await make_rider(app, organisation_id=(site if at % 2 else unit).id) for at in range(13)
    ]
    first, later = members[0], members[12]
    for path in ("/v1/me/quotes", "/v1/me/orders"):
        status, said = await refusal(client, first, plan, path)
        assert codes(said) == {"unit-joins-first"}, said
    assert status == 422
    asked = await client.get("/v1/me/eligibility", headers=first.headers, params={"plan": plan})
    assert codes(asked.json()) == {"unit-joins-first"}
    status, said = await join(client, app, unit, plan, members[:11], headcount=16, shares=2)
    assert (status, codes(said)) == (422, {"participation-too-low"})
    assert "75" in said["errors"][0]["message"]
    assert "12" in said["errors"][0]["message"]
    status, view = await join(client, app, unit, plan, members[:12], headcount=16, shares=2)
    assert (status, view["people"], view["headcount"]) == (201, 12, 16)
    for member in (first, later):
        status, said = await refusal(client, member, plan)
        assert (status, codes(said)) == (422, {"shares-not-equal"})
        made = await buy(client, gateway, member, plan, shares=2)
        assert made["policy"]["status"] == "in_force"
    staff = await staff_token(app, unit.id)
    listed = await client.get("/v1/staff/group-joinings", headers=staff.headers)
    assert [each["id"] for each in listed.json()["items"]] == [view["id"]]


@pytest.mark.parametrize(
    ("people", "headcount", "expected"),
    [
        (9, 10, {"everybody-joins"}),
        (7, 10, {"everybody-joins", "participation-too-low"}),
        (10, 10, set()),
        (3, 2, {"group-larger-than-unit"}),
    ],
)
async def test_small_units_join_with_everybody(
    client: httpx.AsyncClient,
    app: FastAPI,
    plans: None,
    people: int,
    headcount: int,
    expected: set[str],
) -> None:
    plan = await publish(app, document(joining={"group": GROUP}))
    unit = await make_organisation(app, Kind.UNIT)
    members = [await make_rider(app, organisation_id=unit.id) for _ in range(people)]
    status, said = await join(client, app, unit, plan, members, headcount=headcount)
    assert (status, codes(said)) == (422 if expected else 201, expected)


async def test_every_fault_of_the_people_is_named(
    client: httpx.AsyncClient, app: FastAPI, plans: None
) -> None:
    plan = await publish(app, document(joining={"group": GROUP, "opens_on": "2099-01-01"}))
    unit, other = [await make_organisation(app, Kind.UNIT) for _ in range(2)]
    member = await make_rider(app, organisation_id=unit.id)
    old = await make_rider(app, organisation_id=unit.id, birth_on=date(1940, 1, 1))
    stranger = await make_rider(app, organisation_id=other.id)
    status, said = await join(client, app, unit, plan, [member, stranger, member], headcount=3)
    assert (status, {each["pointer"]: each["code"] for each in said["errors"]}) == (
        422,
        {"/person_ids/1": "not-of-the-unit", "/person_ids/2": "named-twice"},
    )
    status, said = await join(client, app, unit, plan, [member, old], headcount=2, shares=4)
    assert (status, sorted((each["pointer"], each["code"]) for each in said["errors"])) == (
        422,
        [
            ("", "joining-not-open"),
            ("/person_ids/1", "age-above-maximum"),
            ("/shares", "shares-over-limit"),
        ],
    )
    foreign = await staff_token(app, other.id, ["caseworker"])
    status, said = await join(client, app, unit, plan, [member], headcount=1, staff=foreign)
    assert (status, codes(said)) == (422, {"unknown-organisation"})
    alone = await publish(app, document())
    status, said = await join(client, app, unit, alone, [member], headcount=1)
    assert (status, said["code"]) == (409, "group-not-offered")


async def test_who_is_in_no_unit_joins_alone(
    client: httpx.AsyncClient, app: FastAPI, gateway: Gateway, plans: None
) -> None:
    """Group rules are about units: where the plan leaves it to people, nothing keeps them."""
    plan = await publish(app, document(joining={"group": GROUP}))
    rider = await make_rider(app)
    assert (await buy(client, gateway, rider, plan))["policy"]["status"] == "in_force"
