"""Plans that are not shipped, written from printed terms and docs/plans.md alone, over the API.

Each says what its claims come to, worked out by hand; the shapes are such as published plans
have and the shipped ones lack.
"""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.kernel.clock import SHANGHAI
from app.plans.yaml_text import parse_yaml
from app.settings import Settings
from tests.cover_fixtures import Rider, make_rider
from tests.plans.authors import whole
from tests.plans.claimants import TODAY, Claimant, Service, running

pytestmark = [pytest.mark.anyio, pytest.mark.long]

HERE = Path(__file__)
UNSEEN: list[dict[str, Any]] = parse_yaml(HERE.with_name("unseen_plans.yaml").read_bytes())
# Of these one person each: the rest claims in process (`test_printed_plans`).
PRINTED: list[dict[str, Any]] = [
    plan | {"people": plan.get("people", ())[:1]}
    for plan in parse_yaml(HERE.with_name("printed_plans.yaml").read_bytes())
]
PLANS = [*UNSEEN, *PRINTED]
CLAIMED = [
    (f"{plan['document']['code']}-{at}", plan["document"]["code"], person)
    for plan in PLANS
    for at, person in enumerate(plan.get("people", ()), 1)
]
PRICED = [
    (f"{plan['document']['code']}-{at}", plan["document"]["code"], price)
    for plan in PLANS
    for at, price in enumerate(plan.get("prices", ()), 1)
]


@pytest.fixture(scope="module")
async def service(
    settings: Settings, clone_database: Callable[[str], str]
) -> AsyncIterator[Service]:
    own = settings.model_copy(
        update={"database_url": clone_database(f"unseen_{uuid.uuid4().hex[:12]}")}
    )
    async with running(own) as made:
        for plan in PLANS:
            await made.publish(whole(plan["document"]))
        yield made


async def rider_of(service: Service, said: Mapping[str, Any]) -> Rider:
    return await make_rider(
        service.app,
        sex=said.get("sex", "male"),
        birth_on=date.fromisoformat(said.get("born", "1990-05-17")),
        openid=f"o-{uuid.uuid4().hex[:20]}",
        organisation_id=service.office.organisation.id,
    )


async def claimant(
    service: Service, rider: Rider, plan: str, person: Mapping[str, Any]
) -> Claimant:
    """The person, covered since the day that makes the claims fall on the day said."""
    first_day = TODAY - timedelta(days=person["day"] + 1)
    shares, option = person.get("shares", 1), person.get("option")
    policy = await service.cover(rider, plan, first_day, shares, option)
    event_at = datetime.combine(first_day + timedelta(days=person["day"]), time(12), SHANGHAI)
    return Claimant(service, rider, policy, person["cause"], event_at, timedelta())


@pytest.mark.parametrize(
    ("plan", "person"), [each[1:] for each in CLAIMED], ids=[each[0] for each in CLAIMED]
)
async def test_claims_come_to_what_the_printed_terms_say(
    service: Service, plan: str, person: Mapping[str, Any]
) -> None:
    rider = await rider_of(service, person)
    under = {plan: await claimant(service, rider, plan, person)}
    for other in person.get("also", ()):
        under[other["plan"]] = await claimant(service, rider, other["plan"], person | other)
    for claim in person["claims"]:
        await under[claim.get("plan", plan)].claim(claim)


@pytest.mark.parametrize(
    ("plan", "price"), [each[1:] for each in PRICED], ids=[each[0] for each in PRICED]
)
async def test_a_quote_is_what_the_printed_terms_say(
    service: Service, plan: str, price: Mapping[str, Any]
) -> None:
    rider = await rider_of(service, price)
    answer = await service.client.post(
        "/v1/me/quotes", headers=rider.headers, json={"plan_code": plan} | price["asked"]
    )
    assert answer.status_code == 200, answer.text
    quote = answer.json()
    assert [each["code"] for each in quote["reasons"]] == price.get("failing", [])
    assert quote["total_fen"] == price["fen"]
    if "split" in price:
        parts = {each["payer"]: each["amount_fen"] for each in quote["split"]}
        assert {payer: amount for payer, amount in parts.items() if amount} == price["split"]
