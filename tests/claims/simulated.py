"""Decided claims without their papers, for replays: amounts by the engine, real histories."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
from fastapi import FastAPI
from sqlalchemy import text

from app.claims.amounts import assess_claim
from app.claims.deciding import Sitting, finding, record, record_approval
from app.claims.facts import give_facts
from app.claims.jobs import JOBS
from app.claims.models import CLAIM, Claim, Incident
from app.claims.terms import terms_of
from app.kernel.clock import add_months, business_day, system_now
from app.kernel.ids import new_id, new_number
from app.kernel.principal import SYSTEM, Principal
from app.kernel.transitions import begin, move
from app.members.models import Person
from app.organisations.models import Kind, Organisation
from app.plans.models import PlanVersion
from app.policies.issue import issue_policy
from app.policies.models import Policy
from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.cover_fixtures import context_of, make_person
from tests.plans.authors import Authors, version

PATH = "/v1/staff/plan-simulations"
WORDS = {"zh": "字", "en": "words"}


def benefit(code: str, pays: object, **more: Any) -> dict[str, Any]:
    named = {"code": code, "name": WORDS, "trigger": WORDS, "pays": pays}
    return {**named, "causes": ["accident", "illness"], "documents": ["identity"], **more}


def condition(code: str, require: object) -> dict[str, Any]:
    return {"code": code, "require": require, "words": WORDS}


@dataclass
class Desk:
    """A municipal office with an agency, and the plan whose claims are replayed."""

    app: FastAPI
    client: httpx.AsyncClient
    office: Organisation
    agency: Organisation
    chief: SignedIn
    authors: Authors
    code: str
    reviewer: SignedIn

    async def publish(self, **document: Any) -> UUID:
        made = await self.authors.published(version(self.code, **document))
        return UUID(made["id"])

    async def draft(self, **document: Any) -> str:
        made = await self.authors.draft(
            version(self.code, **document) | {"effective_from": "2027-06-01"}
        )
        return str(made["id"])

    async def cover(
        self, version_id: UUID, *, shares: int = 1, started_days_ago: int = 90, **person: Any
    ) -> Policy:
        """Cover of somebody new, at the agency."""
        made = await make_person(
            self.app,
            verified_at=system_now() - timedelta(days=400),
            organisation_id=self.agency.id,
            **person,
        )
        start = business_day(system_now()) - timedelta(days=started_days_ago)
        async with self.app.state.database.transaction() as session:
            return await issue_policy(
                session,
                person=await session.get_one(Person, made.id),
                version=await session.get_one(PlanVersion, version_id),
                shares=shares,
                start_on=start,
                channel="bought",
                organisation_id=self.agency.id,
                actor=SYSTEM,
                now=system_now() - timedelta(days=started_days_ago + 1),
            )

    async def decided(
        self,
        policy: Policy,
        benefit_code: str,
        facts: Mapping[str, Any],
        *,
        days_ago: float,
        denied_for: str | None = None,
        happened_days_ago: float | None = None,
        cause: str = "accident",
    ) -> Claim:
        """A claim approved by the engine, or denied, so many days ago."""
        vault, now = self.app.state.vault, system_now() - timedelta(days=days_ago)
        happened = system_now() - timedelta(days=happened_days_ago or days_ago + 1)
        reviewer = Principal("staff", self.reviewer.account_id, self.agency.id)
        async with self.app.state.database.transaction() as session:
            incident_id = new_id()
            incident = Incident(
                id=incident_id,
                person_id=policy.person_id,
                cause=cause,
                occurred_at=happened,
                sealed=vault.seal("incident", incident_id, {"place": "", "description": ""}),
            )
            session.add(incident)
            await session.flush()
            claim = self._claim(policy, incident, benefit_code, happened)
            begin(session, CLAIM, claim, actor=SYSTEM, at=now)
            await session.flush()
            terms = await terms_of(session, claim)
            if facts:
                await give_facts(session, vault, reviewer, claim, terms, facts, None, now)
            for status in ("submitted", "under_review"):
                await move(session, CLAIM, claim, status, actor=SYSTEM, at=now)
            content: dict[str, Any] = {"note": None, "facts": dict(facts), "explanation": None}
            sitting = Sitting(session, vault, reviewer, claim, terms, now)
            target = "approved" if denied_for is None else "denied"
            if denied_for is None:
                case, found = await assess_claim(session, claim, terms, facts, now)
                await record_approval(sitting, await finding(sitting, case, found, facts), None)
            else:
                await record(sitting, "first", "deny", content, reason=denied_for)
            claim.decided_at = now
            await session.flush()
            await move(session, CLAIM, claim, target, actor=SYSTEM, at=now)
        return claim

    def _claim(
        self, policy: Policy, incident: Incident, benefit_code: str, opened_at: datetime
    ) -> Claim:
        return Claim(
            id=new_id(),
            number=new_number("C"),
            incident_id=incident.id,
            person_id=policy.person_id,
            account_id=None,
            policy_id=policy.id,
            plan_code=policy.plan_code,
            plan_version_id=policy.plan_version_id,
            benefit_code=benefit_code,
            status="draft",
            managing_organisation_id=self.agency.id,
            claimed_by_kind="staff",
            claimed_by=self.reviewer.account_id,
            opened_at=opened_at,
            round=1,
        )

    def body(self, version_id: object, **more: Any) -> dict[str, Any]:
        today = business_day(system_now())
        days = {"from_on": str(today - timedelta(days=400)), "to_on": str(today)}
        return {"version_id": str(version_id), **days, **more}

    async def ask(self, body: Mapping[str, Any], who: SignedIn | None = None) -> httpx.Response:
        return await self.client.post(PATH, headers=(who or self.chief).keyed, json=body)

    async def asked(self, body: Mapping[str, Any]) -> str:
        answer = await self.ask(body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def work(self, simulation_id: str) -> None:
        """The worker's job, which was enqueued with the request."""
        [payload] = await self.jobs(simulation_id)
        await JOBS["claims.simulate"](context_of(self.app), payload)

    async def jobs(self, simulation_id: str) -> list[dict[str, Any]]:
        async with self.app.state.database.transaction() as session:
            rows = await session.scalars(
                text(
                    "select payload from pgqueuer.pgqueuer where entrypoint = 'claims.simulate'"
                    " and convert_from(payload, 'utf8') like :id"
                ),
                {"id": f"%{simulation_id}%"},
            )
            return [msgspec.json.decode(row) for row in rows]

    async def read(self, simulation_id: str, who: SignedIn | None = None) -> dict[str, Any]:
        answer = await self.client.get(
            f"{PATH}/{simulation_id}", headers=(who or self.chief).headers
        )
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    async def simulated(self, version_id: object, **more: Any) -> dict[str, Any]:
        """Asked for, worked off, read."""
        simulation_id = await self.asked(self.body(version_id, **more))
        await self.work(simulation_id)
        view = await self.read(simulation_id)
        assert view["status"] == "done", view
        return view

    async def uses(self) -> int:
        """How many uses of limits there really are, for nothing may be added to them."""
        async with self.app.state.database.transaction() as session:
            found = await session.scalar(
                text("select count(*) from benefit_use where plan_code = :code"),
                {"code": self.code},
            )
        return int(found or 0)


async def make_desk(app: FastAPI, client: httpx.AsyncClient) -> Desk:
    office = await make_organisation(app, Kind.MUNICIPAL_OFFICE)
    agency = await make_organisation(app, Kind.AGENCY, office)
    chief = await staff_token(app, office.id, ["administrator"])
    author = await staff_token(app, agency.id, ["administrator"])
    return Desk(
        app=app,
        client=client,
        office=office,
        agency=agency,
        chief=chief,
        authors=Authors(client, author, chief),
        code=f"T-{secrets.token_hex(5).upper()}",
        reviewer=await staff_token(app, agency.id, ["reviewer"]),
    )


def born(years: int) -> date:
    """The birthday of somebody who is so many years old for half a year."""
    return add_months(business_day(system_now()), -12 * years - 6)
