"""Every published case through the public API: publish, cover, claim, approve; and the prices."""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from copy import deepcopy
from datetime import datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from app.kernel.clock import SHANGHAI
from app.plans.yaml_text import parse_yaml
from app.settings import Settings
from tests.cover_fixtures import make_rider
from tests.plans.authors import version
from tests.plans.claimants import FIXED_FIRST, TODAY, Claimant, Service, running
from tests.plans.published import CASES, FIRST_DAY

pytestmark = [pytest.mark.anyio, pytest.mark.long]


@cache
def printed() -> dict[str, dict[str, Any]]:
    """Every shipped document as it stands in its file."""
    found = {}
    for folder in ("data", "library"):
        for entry in files("app.plans").joinpath(folder).iterdir():
            if entry.name.endswith(".yaml"):
                document = parse_yaml(entry.read_bytes())["document"]
                found[document["code"]] = document
    return found


@pytest.fixture(scope="module")
async def service(
    settings: Settings, clone_database: Callable[[str], str]
) -> AsyncIterator[Service]:
    own = settings.model_copy(
        update={"database_url": clone_database(f"cases_{uuid.uuid4().hex[:12]}")}
    )
    async with running(own) as made:
        for case in (*CASES["benefits"], *CASES["prices"]):
            if "plan" in case:
                await made.publish(printed()[case["plan"]])
        yield made


async def claimant_of(service: Service, case: Mapping[str, Any]) -> Claimant:
    """The case's person, covered since the day that the case says."""
    plan, days = case["plan"], case["covered_since_days"]
    fixed = any("first_day" in o["term"] for o in printed()[plan]["contribution"]["options"])
    first_day = FIXED_FIRST if fixed else TODAY - timedelta(days=days + 1)
    rider = await make_rider(
        service.app,
        sex=case.get("sex", "male"),
        openid=f"o-{uuid.uuid4().hex[:20]}",
        organisation_id=service.office.organisation.id,
    )
    for other in case.get("holds", ()):
        await service.publish(version(other)["document"])
        await service.cover(rider, other, TODAY - timedelta(days=60))
    policy = await service.cover(rider, plan, first_day, case["shares"], case["option"])
    event_at = datetime.combine(first_day + timedelta(days=days), time(12), SHANGHAI)
    shift = first_day - FIRST_DAY
    return Claimant(service, rider, policy, case["cause"], event_at, shift)


async def paid_elsewhere(service: Service, claimant: Claimant, other: Mapping[str, Any]) -> None:
    """A claim paid under another plan: one that asks for papers that a member can send."""
    document = deepcopy(printed()[claimant.policy.plan_code])
    document["code"] = other["plan"]
    document["relations"] = {}
    for limit in document.get("limits", ()):
        limit.pop("plans", None)
    for benefit in document["benefits"]:
        benefit.pop("documents", None)
        benefit.pop("payee", None)
        benefit["limits"] = []
    await service.publish(document)
    policy = await service.cover(claimant.rider, other["plan"], FIXED_FIRST, 1, "B")
    elsewhere = Claimant(
        service, claimant.rider, policy, claimant.cause, claimant.event_at, claimant.shift
    )
    step = {"benefit": other["benefit"], "facts": {}, "expect_fen": other["paid_fen"]}
    await elsewhere.claim(step)


@pytest.mark.parametrize("case", CASES["benefits"], ids=lambda case: str(case["id"]))
async def test_benefit_case(service: Service, case: Mapping[str, Any]) -> None:
    claimant = await claimant_of(service, case)
    for other in case.get("other_plans", ()):
        await paid_elsewhere(service, claimant, other)
    for step in (*case.get("history", ()), case):
        await claimant.claim(step)


def priced(case: Mapping[str, Any]) -> dict[str, Any]:
    """A plan with the case's own price and parts."""
    document: dict[str, Any] = version()["document"]
    [option] = document["contribution"]["options"]
    option |= {"price": case["price"], "split": case["split"]}
    return document


@pytest.mark.parametrize("case", CASES["prices"], ids=lambda case: str(case["id"]))
async def test_price_case(service: Service, case: Mapping[str, Any]) -> None:
    plan = case.get("plan")
    if plan is None:
        document = priced(case)
        await service.publish(document)
        plan = document["code"]
    rider = await make_rider(service.app, sex=case["inputs"].get("sex", "male"))
    asked = {
        "plan_code": plan,
        "shares": case["inputs"]["shares"],
        "option": case.get("option", "A"),
    }
    answer = await service.client.post("/v1/me/quotes", headers=rider.headers, json=asked)
    assert answer.status_code == 200, answer.text
    quote, people = answer.json(), case.get("people", 1)
    assert quote["total_fen"] * people == case["expect_fen"]
    shown = {each["payer"]: each["amount_fen"] * people for each in quote["split"]}
    # The member stands there with nothing, too.
    parts = {payer: amount for payer, amount in shown.items() if amount}
    if "expect_split_fen" in case:
        assert parts == case["expect_split_fen"]
    if "expect_deposit_fen" in case:
        assert quote["deposit_fen"] == case["expect_deposit_fen"]
