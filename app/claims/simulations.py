"""Simulations for the people who write plans: asked for, watched, called off, looked into."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import simulation_queries as queries
from app.claims.decision_models import Decision
from app.claims.errors import ClaimNotFound, SimulationNotFound
from app.claims.events import SIMULATE
from app.claims.facts import givers_of
from app.claims.models import Claim
from app.claims.replay import Outcome, Script, replay
from app.claims.simulation_models import SIMULATION, PlanSimulation
from app.claims.simulation_schemas import SimulationBody, SimulationExampleView
from app.claims.simulation_sums import nothing
from app.kernel import audit
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.jobs import enqueue
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, Unprocessable
from app.kernel.text import Text
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault
from app.plans import authoring
from app.plans import queries as plans
from app.plans.checking import check
from app.plans.errors import MunicipalOfficeNeeded, PlanNotFound
from app.plans.explanation import explain
from app.plans.terms import PlanTerms

DAYS = Text("开始日期不能晚于结束日期", "The first day is after the last.")
UNKNOWN_BENEFIT = Text("草稿没有此项责任", "The draft has no such benefit.")


async def request(
    session: AsyncSession, staff: Principal, body: SimulationBody, now: datetime
) -> PlanSimulation:
    """Ask for a replay; the worker does it.

    The document is kept as it is now. Raises PlanVersionNotFound, PlanNotFound (404),
    MunicipalOfficeNeeded (403), InvalidPlan, Unprocessable (422).
    """
    office_id = await _require_office(session, staff)
    version = await authoring.find(session, staff, body.version_id)
    terms = check(version.document)
    against = body.against or version.plan_code
    if await plans.plan(session, against) is None:
        raise PlanNotFound
    _require_sense(body, terms)
    simulation = PlanSimulation(
        id=new_id(),
        organisation_id=office_id,
        requested_by=staff.id,
        requested_at=now,
        version_id=version.id,
        version_number=version.number,
        plan_code=version.plan_code,
        document=version.document,
        against=against,
        benefits=dict(body.benefits),
        from_on=body.from_on,
        to_on=body.to_on,
        as_of=now,
        status="requested",
        starts=0,
        claims_done=0,
        worked_ms=0,
        sums=nothing(),
    )
    begin(session, SIMULATION, simulation, actor=staff, at=now)
    await session.flush()
    await enqueue(session, SIMULATE, {"simulation_id": str(simulation.id)})
    await _state(session, staff, simulation, "request", now)
    return simulation


def _require_sense(body: SimulationBody, terms: PlanTerms) -> None:
    faults = []
    if body.from_on > body.to_on:
        faults.append(FieldError("/from_on", "days-order", DAYS))
    faults += [
        FieldError(f"/benefits/{old}", "unknown-benefit", UNKNOWN_BENEFIT)
        for old, new in body.benefits.items()
        if new not in terms.by_code
    ]
    if faults:
        raise Unprocessable(errors=faults)


async def _require_office(session: AsyncSession, staff: Principal) -> UUID:
    """The caller's municipal office; raises MunicipalOfficeNeeded (403)."""
    if staff.organisation_id is None or not await plans.is_root(session, staff.organisation_id):
        raise MunicipalOfficeNeeded
    return staff.organisation_id


async def find(session: AsyncSession, staff: Principal, simulation_id: UUID) -> PlanSimulation:
    """Raises MunicipalOfficeNeeded (403), SimulationNotFound (404)."""
    await _require_office(session, staff)
    found = await queries.find(session, staff, simulation_id)
    if found is None:
        raise SimulationNotFound
    return found


async def cancel(
    session: AsyncSession, staff: Principal, simulation_id: UUID, now: datetime
) -> PlanSimulation:
    """Call it off; a slice under way is thrown away. Raises InvalidTransition (409) at the end."""
    simulation = await find(session, staff, simulation_id)
    await move(session, SIMULATION, simulation, "cancelled", actor=staff, at=now)
    simulation.finished_at = now
    await session.flush()
    await _state(session, staff, simulation, "cancel", now)
    return simulation


async def _state(
    session: AsyncSession, staff: Principal, simulation: PlanSimulation, verb: str, now: datetime
) -> None:
    content = {"plan_code": simulation.plan_code, "version": simulation.version_number}
    done = Fact("plan_simulation", simulation.id, f"plan_simulation.{verb}", None, content)
    await state(session, [done], actor=staff, at=now)


async def example(
    session: AsyncSession,
    reads: asyncpg.Pool,
    vault: Vault,
    staff: Principal,
    simulation_id: UUID,
    claim_id: UUID,
) -> SimulationExampleView:
    """One of the examples, with how both amounts came about; the reading is recorded.

    Raises SimulationNotFound, ClaimNotFound (404) for a claim that is no example.
    """
    simulation = await find(session, staff, simulation_id)
    if str(claim_id) not in _examples(simulation):
        raise ClaimNotFound
    claim = await session.get_one(Claim, claim_id)
    await audit.record(
        session,
        staff,
        "plan_simulation.read_example",
        subject="claim",
        subject_ids=[claim.id, claim.person_id],
        on_behalf_of=claim.person_id,
        details={"simulation_id": str(simulation.id)},
    )
    terms = await asyncio.to_thread(PlanTerms.model_validate, simulation.document)
    script = Script(terms, simulation.benefits)
    outcome = await _replayed(session, reads, vault, simulation, script, claim)
    then = None
    if outcome.found is not None:
        then = explain(terms, outcome.found, await givers_of(session, claim.id))
    decision = await _decision(session, claim.id)
    opened: Mapping[str, object] = (
        {} if decision is None else vault.open("decision", decision.id, decision.sealed)
    )
    return SimulationExampleView.model_validate(
        {
            "claim_id": claim.id,
            "number": claim.number,
            "benefit_code": claim.benefit_code,
            "benefit_code_then": outcome.benefit_code,
            "paid_now_fen": outcome.now_fen,
            "paid_then_fen": outcome.then_fen,
            "reason_now": outcome.claim.denied_for,
            "reason_then": outcome.reason,
            "explanation_now": opened.get("explanation"),
            "explanation_then": then,
        }
    )


def _examples(simulation: PlanSimulation) -> set[str]:
    return {each["claim_id"] for end in ("worst", "best") for each in simulation.sums[end]}


async def _replayed(
    session: AsyncSession,
    reads: asyncpg.Pool,
    vault: Vault,
    simulation: PlanSimulation,
    script: Script,
    claim: Claim,
) -> Outcome:
    """The claim again, after everything that its person was paid before."""
    offices = await queries.offices_of(session, simulation)
    reader = queries.reader_of(reads, vault, simulation, script, offices)
    person = await reader.person(claim.person_id)
    versions = await queries.versions_for(reads, script, simulation.against)
    script = replace(
        script,
        versions={
            version_id: PlanTerms.model_validate_json(document)
            for version_id, document in versions.items()
        },
    )
    for outcome in () if person is None else replay(script, person):
        if outcome.claim.id == claim.id:
            return outcome
    raise ClaimNotFound  # decided anew since then


async def _decision(session: AsyncSession, claim_id: UUID) -> Decision | None:
    """The decision that counts."""
    return await session.scalar(
        select(Decision)
        .where(Decision.claim_id == claim_id, Decision.verdict.in_(("approve", "deny")))
        .order_by(Decision.id.desc())
        .limit(1)
    )
