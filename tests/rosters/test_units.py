"""Plans that a unit joins as a whole, given by a roster: the unit joins first there as well."""

from typing import Any

import pytest

from app.organisations.models import Kind, Organisation
from tests.access_fixtures import make_organisation, staff_token
from tests.billing.buying import document, publish
from tests.cover_fixtures import make_rider
from tests.rosters.factories import Platform, fetch, rider

pytestmark = pytest.mark.anyio

GROUP = {"minimum_participation": "0.75", "everybody_up_to": 10, "equal_shares": True}


async def unit_of(platform: Platform) -> Organisation:
    """A unit below the partner's managing organisation."""
    async with platform.app.state.database.transaction() as session:
        office = await session.get_one(Organisation, platform.organisation_id)
    return await make_organisation(platform.app, Kind.UNIT, office)


async def join(platform: Platform, unit: Organisation, plan: str, shares: int) -> None:
    members = [await make_rider(platform.app, organisation_id=unit.id) for _ in range(2)]
    staff = await staff_token(platform.app, unit.id, ["caseworker"])
    body = {
        "organisation_id": str(unit.id),
        "plan_code": plan,
        "person_ids": [str(each.person.id) for each in members],
        "headcount": 2,
        "shares": shares,
        "evidence": "社保缴费通知单",
    }
    answer = await platform.client.post("/v1/staff/group-joinings", headers=staff.keyed, json=body)
    assert answer.status_code == 201, answer.text


async def said(platform: Platform, *riders: dict[str, Any]) -> list[list[tuple[str, str]]]:
    """The errors of each row, by column and code."""
    await platform.push(list(riders))
    return [
        [(error["column"], error["code"]) for error in row["errors"]]
        for row in await platform.rows()
    ]


async def test_riders_of_a_unit_wait_until_it_has_joined(platform: Platform) -> None:
    plan = await publish(platform.app, document(joining={"group": GROUP}))
    unit = await unit_of(platform)
    site = await make_organisation(platform.app, Kind.SITE, unit)
    await platform.agree(plan, without_identity=True)
    of_site = rider(plan=plan, site=site.name)
    of_unit = rider(plan=plan, site=unit.name)
    of_none = rider(plan=plan)
    first = [("site", "unit-joins-first")]
    assert await said(platform, of_site, of_unit, of_none) == [first, first, []]
    row = (await platform.rows())[0]
    assert "单位" in row["errors"][0]["message"]
    await join(platform, unit, plan, shares=1)
    assert await said(platform, of_site, of_unit, of_none) == [[], [], []]
    given = await fetch(
        platform.app,
        "select count(*) as n from policy where sponsor_id = :id and plan_code = :plan",
        id=platform.caller.account_id,
        plan=plan,
    )
    assert given[0].n == 3


async def test_the_agreement_gives_as_many_shares_as_the_unit_takes(platform: Platform) -> None:
    plan = await publish(platform.app, document(joining={"group": GROUP}))
    unit = await unit_of(platform)
    await join(platform, unit, plan, shares=2)
    await platform.agree(plan, without_identity=True)
    one = rider(plan=plan, site=unit.name)
    assert await said(platform, one) == [[("shares", "shares-not-equal")]]
    row = (await platform.rows())[0]
    assert "2" in row["errors"][0]["message"]


async def test_every_rule_is_named_at_once(platform: Platform) -> None:
    """The unit's beside the person's."""
    ages = {sex: {"minimum": 50, "maximum": 60} for sex in ("male", "female")}
    content = document(joining={"group": GROUP}, eligibility={"ages": ages})
    plan = await publish(platform.app, content)
    unit = await unit_of(platform)
    await platform.agree(plan, without_identity=True)
    [errors] = await said(platform, rider(plan=plan, site=unit.name))
    assert errors == [("document_number", "age-below-minimum"), ("site", "unit-joins-first")]


async def test_a_rider_of_no_unit_is_refused_where_the_plan_wants_one(platform: Platform) -> None:
    content = document(joining={"group": GROUP})
    content["eligibility"] = {**content["eligibility"], "unit_required": True}
    plan = await publish(platform.app, content)
    await platform.agree(plan, without_identity=True)
    assert await said(platform, rider(plan=plan)) == [[("site", "unit-required")]]


async def test_the_answer_tells_nothing_of_where_a_known_person_belongs(
    platform: Platform,
) -> None:
    """The site of the row is judged, not what is known: new or known, the answer is the same."""
    plan = await publish(platform.app, document(joining={"group": GROUP}))
    other = await unit_of(platform)
    await platform.agree(plan, without_identity=True)
    one = rider(plan="SH-GIG-C", site=other.name)
    assert await said(platform, one) == [[]]
    assert await said(platform, {**one, "plan": plan, "site": ""}) == [[]]
