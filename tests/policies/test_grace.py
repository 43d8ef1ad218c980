"""Grace days that a moratorium prolongs: renewed without a gap for as long as nothing lapses."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import business_day, day_start, system_now
from app.kernel.database import Database
from app.plans.terms import PlanTerms
from app.policies.grace import renewal_closes_at
from tests.access_fixtures import SignedIn, make_organisation
from tests.billing.buying import cover, document, instant, iso, option, options, quote, refusal
from tests.billing.buying import publish as publish_document
from tests.cover_fixtures import Gateway
from tests.policies.changing import bought, business_time, colleague_rider, given, office

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
TICK = timedelta(seconds=1)


def plan(**renewal: Any) -> dict[str, Any]:
    """Twenty days of cover, five of grace, and illness that waits thirty days."""
    return document(
        contribution=options(option(term={"days": 20})),
        renewal={"grace_days": 5, "opens_days_before": 10, **renewal},
        waiting={"accident_days": 0, "illness_days": 30},
    )


@pytest.mark.parametrize(
    ("moratoriums", "closes_on"),
    [
        ([], "2028-03-05"),
        # Over at 24:00 of the 4th: inside what begins on the 5th or before.
        ([("2028-03-06", "2028-03-20")], "2028-03-05"),
        ([("2028-03-05", "2028-03-20")], "2028-03-21"),
        ([("2028-02-28", "2028-03-05")], "2028-03-06"),
        ([("2028-02-28", "2028-03-04")], "2028-03-05"),
        ([("2028-03-01", "2028-03-10"), ("2028-03-11", "2028-03-12")], "2028-03-13"),
        ([("2028-03-01", "2028-03-10"), ("2028-03-12", "2028-03-15")], "2028-03-11"),
        ([("2028-03-01", "2028-03-20"), ("2028-03-02", "2028-03-06")], "2028-03-21"),
    ],
)
def test_until_when(moratoriums: list[tuple[str, str]], closes_on: str) -> None:
    """Cover that ended with 28 February 2028: the 29th is the first of five days of grace."""
    terms = PlanTerms.model_validate(plan())
    days = [(date.fromisoformat(one), date.fromisoformat(two)) for one, two in moratoriums]
    found = renewal_closes_at(terms, day_start(date(2028, 2, 29)), days)
    assert business_day(found).isoformat() == closes_on


async def declare(
    client: httpx.AsyncClient, supervisor: SignedIn, organisation_id: Any, first: date, last: date
) -> str:
    body = {
        "organisation_id": str(organisation_id),
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "reason": "防汛",
    }
    answer = await client.post("/v1/staff/moratoriums", headers=supervisor.keyed, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_in_a_moratorium_it_is_renewed_without_a_gap_until_its_last_day_is_over(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, database: Database
) -> None:
    code = await publish_document(app, plan())
    organisation, supervisor = await office(app, "supervisor")
    rider = await colleague_rider(app, organisation)
    policy = (await bought(client, gateway, rider, code))["policy"]
    ends = instant(policy["ends_at"])
    first, last = business_day(ends) + 3 * DAY, business_day(ends) + 20 * DAY
    closes = day_start(last + DAY)
    body = {"kind": "renewal", "policy_id": policy["id"]}
    async with business_time(database, ends + 4 * DAY):
        await declare(client, supervisor, organisation.id, first, last)
        for moment, reason in (
            (ends, "in_grace"),
            (ends + 12 * DAY, "in_grace"),
            (closes - TICK, "in_grace"),
            (closes, "ended"),
        ):
            said = await cover(client, rider, code, moment)
            assert (said["covered"], said["reason"]) == (False, reason), moment
        assert instant((await cover(client, rider, code, ends))["policies"][0]["until"]) == closes
    async with business_time(database, closes + TICK):
        status, said = await refusal(client, rider, code, "/v1/me/quotes", **body)
        assert (status, said["code"]) == (409, "renewal-not-open")
        assert instant(said["closes_at"]) == closes
    async with business_time(database, closes - 600 * TICK):
        assert instant((await quote(client, rider, code, **body))["pay_before"]) == closes
        renewed = (await bought(client, gateway, rider, code, **body))["policy"]
        assert instant(renewed["starts_at"]) == ends
        # Its days are counted from the old end, and old shares have waited already.
        later = await cover(client, rider, code, day_start(business_day(ends) + 19 * DAY))
        assert later["reason"] == "in_grace"
    [layer] = (await cover(client, rider, code, closes - TICK))["policies"][1]["layers"]
    assert layer["since_on"] == business_day(instant(policy["starts_at"])).isoformat()


async def test_elsewhere_and_once_withdrawn_grace_ends_as_it_would(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    code = await publish_document(app, plan(covered_in_grace=True))
    organisation, supervisor = await office(app, "supervisor")
    other = await make_organisation(app)
    riders = [await colleague_rider(app, each) for each in (organisation, other)]
    # Ended three days ago: two days of grace are left.
    policies = [await given(app, rider, code, starts_in=-23) for rider in riders]
    today = business_day(system_now())
    declared = await declare(client, supervisor, organisation.id, today, today + 9 * DAY)
    at = policies[0].ends_at + 7 * DAY
    said = [await cover(client, rider, code, at) for rider in riders]
    assert [(each["covered"], each["reason"]) for each in said] == [
        (True, "in_grace"),
        (False, "ended"),
    ]
    staff = await client.get(
        f"/v1/staff/members/{riders[0].person.id}/cover",
        headers=supervisor.headers,
        params={"at": iso(at)},
    )
    assert staff.json()["covered"] is True
    path = f"/v1/staff/moratoriums/{declared}/withdrawal"
    assert (await client.post(path, headers=supervisor.keyed)).status_code == 200
    assert (await cover(client, riders[0], code, at))["reason"] == "ended"
