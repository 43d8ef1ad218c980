"""A service with plans on sale, and people who claim under them as far as the API takes it.

Cover is given (`issue_policy`), everything else goes over HTTP.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from app.kernel.clock import business_day, system_now
from app.kernel.principal import SYSTEM
from app.main import create_app
from app.plans.service import version_on_sale
from app.policies.issue import issue_policy
from app.policies.models import Policy
from app.settings import Settings
from tests.claims.factories import Case, Office, make_office
from tests.cover_fixtures import Rider
from tests.plans.authors import Authors, make_authors

Facts = Mapping[str, Any]
TODAY = business_day(system_now())
# Plans of fixed days begin here; no case looks later than day 200.
FIXED_FIRST = TODAY - timedelta(days=300)


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


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """A service of its own, so that each plan is published once and as printed."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Service(app, client, await make_authors(app, client), await make_office(app))


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
            # A death is reported first; its survivors claim.
            assert opened.json()["code"] == "death-not-reported"
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
        await case.judge_all()
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
