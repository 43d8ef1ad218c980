"""Every published case through the public API: publish, cover, claim, approve; and the prices.

A service with a database of its own, so that each plan is published once and as printed.
Cover is given (`issue_policy`), everything else goes over HTTP.
"""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import SHANGHAI, business_day, system_now
from app.kernel.principal import SYSTEM
from app.main import create_app
from app.plans.service import version_on_sale
from app.plans.yaml_text import parse_yaml
from app.policies.issue import issue_policy
from app.policies.models import Policy
from app.settings import Settings
from tests.claims.factories import Case, Office, make_office
from tests.cover_fixtures import Rider, make_rider
from tests.plans.authors import Authors, make_authors, version
from tests.plans.published import CASES, FIRST_DAY

pytestmark = pytest.mark.anyio

Facts = Mapping[str, Any]
TODAY = business_day(system_now())
# Plans of fixed days begin here; no case looks later than day 200.
FIXED_FIRST = TODAY - timedelta(days=300)


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


def moved(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its fixed days moved to where they are not long ago."""
    document = deepcopy(document)
    for option in document["contribution"]["options"]:
        term = option["term"]
        if "first_day" in term:
            first, last = (date.fromisoformat(term[end]) for end in ("first_day", "last_day"))
            term |= {"first_day": str(FIXED_FIRST), "last_day": str(FIXED_FIRST + (last - first))}
    document.get("joining", {}).pop("opens_on", None)
    document.get("joining", {}).pop("closes_on", None)
    return document


@dataclass
class Service:
    """One service with all plans of the cases on sale, and who works there."""

    app: FastAPI
    client: httpx.AsyncClient
    authors: Authors
    office: Office
    plans: set[str] = field(default_factory=set)

    async def publish(self, document: dict[str, Any]) -> None:
        if document["code"] not in self.plans:
            since = str(TODAY - timedelta(days=3_000))
            body = {"effective_from": since, "document": moved(document)}
            await self.authors.published(body)
            self.plans.add(document["code"])

    async def cover(
        self, rider: Rider, plan: str, first_day: date, shares: int = 1, option: str | None = None
    ) -> Policy:
        now = system_now()
        async with self.app.state.database.transaction() as session:
            return await issue_policy(
                session,
                person=rider.person,
                version=await version_on_sale(session, plan, now),
                shares=shares,
                start_on=first_day,
                channel="gifted",
                organisation_id=self.office.organisation.id,
                actor=SYSTEM,
                now=now,
                option=option,
            )


@pytest.fixture(scope="module")
async def service(
    settings: Settings, clone_database: Callable[[str], str]
) -> AsyncIterator[Service]:
    own = settings.model_copy(
        update={"database_url": clone_database(f"cases_{uuid.uuid4().hex[:12]}")}
    )
    app = create_app(own)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            authors = await make_authors(app, client)
            made = Service(app, client, authors, await make_office(app))
            for case in (*CASES["benefits"], *CASES["prices"]):
                if "plan" in case:
                    await made.publish(printed()[case["plan"]])
            yield made


@dataclass
class Claimant:
    """A rider under one plan since a day; claims are of one day of cover."""

    service: Service
    rider: Rider
    policy: Policy
    cause: str
    event_at: datetime
    # By how much the days among the facts move.
    shift: timedelta

    def facts(self, given: Facts) -> dict[str, Any]:
        return {
            name: str(value + self.shift) if isinstance(value, date) else value
            for name, value in given.items()
        }

    async def estimate(self, benefit: str, facts: Facts) -> dict[str, Any]:
        answer = await self.service.client.post(
            "/v1/me/claim-estimates",
            headers=self.rider.headers,
            json={
                "policy_id": str(self.policy.id),
                "benefit_code": benefit,
                "incident": {"cause": self.cause, "occurred_at": self.event_at.isoformat()},
                "facts": self.facts(facts),
            },
        )
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    def body(self, case: Case, benefit: str, facts: Facts) -> dict[str, Any]:
        incident = {"cause": self.cause, "occurred_at": self.event_at.isoformat()}
        return case.body(benefit, **incident) | {"facts": self.facts(facts)}

    async def claim(self, step: Mapping[str, Any]) -> None:
        """One claim as far as the API takes it; the estimate says the same before."""
        benefit, expected = step["benefit"], step["expect_fen"]
        estimate = await self.estimate(benefit, step["facts"])
        assert estimate["facts_missing"] == []
        if estimate["covered"]:
            assert estimate["amount_fen"] == expected, estimate
        reasons = step.get("expect_failed", [])
        assert [each["code"] for each in estimate["failed"]] == reasons
        assert bool(estimate["reason_code"]) == (expected == 0)
        service = self.service
        case = Case(service.app, service.client, service.office, self.rider, self.policy)
        opened = await case.post(
            "/v1/me/claims", self.rider, self.body(case, benefit, step["facts"])
        )
        if not estimate["covered"]:
            assert (expected, opened.status_code) == (0, 422)
            assert opened.json()["reason_code"] == estimate["reason_code"]
            return
        if opened.status_code == 409:
            # After a death its beneficiary claims at an office.
            assert opened.json()["code"] == "claimant-needed"
            return
        assert opened.status_code == 201, opened.text
        await self.review(case, opened.json(), expected, estimate["reason_code"])

    async def review(
        self, case: Case, opened: dict[str, Any], expected: int, reason: str | None
    ) -> None:
        """Papers, submission, decision; what comes to nothing is denied with its reason."""
        case.id = opened["id"]
        kinds = [each["kind"] for each in opened["documents"] if each["state"] == "missing"]
        await case.complete(tuple(kinds))
        await case.submit()
        assert (await case.lease()).status_code == 200
        await case.accept_all()
        decided = await case.decide({"verdict": "approve"})
        if expected == 0:
            assert decided.status_code == 422, decided.text
            assert decided.json()["code"] == "condition-not-met"
            assert decided.json()["reason_code"] == reason
            denied = await case.decide({"verdict": "deny", "reason_code": reason})
            assert denied.status_code == 200, denied.text
            assert denied.json()["decisions"][0]["reason"]["zh"]
            return
        assert decided.status_code == 200, decided.text
        view = decided.json()
        if view["status"] == "awaiting_second_approval":
            second = await case.post(
                f"{case.staff_path}/second-approval",
                self.service.office.supervisor,
                {"verdict": "approve"},
            )
            assert second.status_code == 200, second.text
            view = second.json()
        assert view["amount_fen"] == expected
        assert view["decisions"][-1]["explanation"]["value"] == expected


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
