"""A draft of a plan replayed against 400,000 decided claims, by a worker of its own.

The claims have sealed facts, and every twentieth of them had been denied. The draft doubles
the deductible, so that each claim's amount is known and the sums are checked to the fen.
"""

import asyncio
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import uvloop

from app.claims import simulations
from app.claims.simulation_models import PlanSimulation
from app.claims.simulation_run import simulate
from app.claims.simulation_schemas import SimulationBody
from app.claims.simulation_work import processes
from app.kernel.clock import business_day, system_now
from app.kernel.database import asyncpg_dsn
from app.kernel.ids import new_id
from app.kernel.jobs import JobContext
from app.kernel.principal import SYSTEM, Principal
from app.kernel.vault import Vault
from app.plans.service import draft_version, version_on_sale
from benchmarks import crowd, seed
from benchmarks.roster_worker import memory_mb, worker_context
from benchmarks.world import Stand, Tools, open_tools, tell

CLAIMS_EACH = 4
BUDGET_PER_S, MEMORY_BUDGET_MB = 5_000, 300
DEDUCTIBLE_FEN, DRAFT_DEDUCTIBLE_FEN = 10_000, 20_000
# All claims of one person together stay below the limit of the term.
LEAST_FEN, MOST_FEN = 12_000, 60_000
DENIED_EACH = 20

INCIDENT = ("id", "person_id", "cause", "occurred_at", "sealed")
FACTS = (
    *("id", "claim_id", "version", "names", "sealed", "given_by_kind", "given_by", "given_at"),
)
CLAIM = (
    *("id", "number", "incident_id", "person_id", "policy_id", "plan_code", "plan_version_id"),
    *("benefit_code", "status", "managing_organisation_id", "claimed_by_kind", "claimed_by"),
    *("opened_at", "round", "amount_fen", "decided_at"),
)
DECISION = (
    *("id", "claim_id", "round", "step", "verdict", "reason_code", "sealed", "decided_by"),
    "decided_at",
)


class Expected(NamedTuple):
    """What the replay has to find."""

    claims: int
    paid_now_fen: int
    paid_then_fen: int


async def decided_claims(tools: Tools, city: seed.Seeded, count: int) -> Expected:
    """Decided claims of everybody in turn, with what they come to now and then."""
    policies = await tools.owner.fetch(
        "select id, person_id, plan_version_id, organisation_id from policy where plan_code = $1"
        " order by id",
        seed.PLAN,
    )
    staff, now, numbers = city.staff_ids["office_reviewer"], system_now(), random.Random(7)
    paid_now = paid_then = 0
    async with tools.owner.acquire() as connection:
        await connection.execute("alter table claim disable trigger user")
        for first in range(0, count, crowd.SLICE):
            rows: dict[str, list[tuple[object, ...]]] = {
                "incident": [],
                "claim": [],
                "claim_facts": [],
                "decision": [],
            }
            for at in range(first, min(first + crowd.SLICE, count)):
                cost = numbers.randrange(LEAST_FEN, MOST_FEN)
                denied = at % DENIED_EACH == 0
                days = 1 + at * 80 // count
                happened = now - timedelta(days=90, seconds=-3600 * days)
                for table, row in _rows(
                    tools.vault, policies[at % len(policies)], at, cost, denied, happened, staff
                ):
                    rows[table].append(row)
                if not denied:
                    paid_now += cost - DEDUCTIBLE_FEN
                    paid_then += max(0, cost - DRAFT_DEDUCTIBLE_FEN)
            await _copy(connection, rows)
        await connection.execute("alter table claim enable trigger user")
    await tools.owner.execute("vacuum analyze", timeout=600)
    return Expected(count, paid_now, paid_then)


async def _copy(connection: asyncpg.Connection, rows: dict[str, list[tuple[object, ...]]]) -> None:
    columns = {"incident": INCIDENT, "claim": CLAIM, "claim_facts": FACTS, "decision": DECISION}
    for table, of in columns.items():
        await connection.copy_records_to_table(table, records=rows[table], columns=of, timeout=600)


def _rows(
    vault: Vault,
    policy: asyncpg.Record,
    at: int,
    cost: int,
    denied: bool,
    happened: datetime,
    staff: UUID,
) -> Iterator[tuple[str, tuple[object, ...]]]:
    """One claim: what happened, the claim, its facts, and the decision where it was denied."""
    incident, claim, facts = new_id(), new_id(), new_id()
    decided = happened + timedelta(days=5)
    yield "incident", (incident, policy["person_id"], "accident", happened, b"\x00")
    status, amount = ("denied", None) if denied else ("approved", cost - DEDUCTIBLE_FEN)
    yield (
        "claim",
        (
            *(claim, f"C{at:010d}S", incident, policy["person_id"], policy["id"], seed.PLAN),
            *(policy["plan_version_id"], "MED", status, policy["organisation_id"], "staff", staff),
            *(happened, 1, amount, decided),
        ),
    )
    known = {"self_pay_fen": cost, "hospital_grade": 1 if denied else 3}
    sealed = vault.seal("claim_facts", facts, known)
    yield "claim_facts", (facts, claim, 1, list(known), sealed, "staff", staff, decided)
    if denied:
        reason = "hospital-grade-too-low"
        yield "decision", (*(new_id(), claim, 1, "first", "deny", reason, b"\x00", staff, decided),)


async def ask(tools: Tools, city: seed.Seeded) -> UUID:
    """A draft with twice the deductible, and the request to try it out."""
    now = system_now()
    office = Principal("staff", city.staff_ids["office_reviewer"], city.office_id)
    async with tools.database.transaction() as session:
        sold = await version_on_sale(session, seed.PLAN, now)
        document = deepcopy(sold.document)
        [medical] = [each for each in document["benefits"] if each["code"] == "MED"]
        medical["pays"]["at_most"]["of"]["minus"][1] = {"fen": DRAFT_DEDUCTIBLE_FEN}
        draft = await draft_version(
            session,
            document,
            effective_from=now + timedelta(days=100),
            effective_to=None,
            actor=SYSTEM,
            now=now,
        )
        day = business_day(now)
        first, last = str(day - timedelta(days=365)), str(day)
        body = SimulationBody.model_validate(
            {"version_id": str(draft.id), "from_on": first, "to_on": last}
        )
        return (await simulations.request(session, office, body, now)).id


async def _prepared(stand: Stand, claims: int) -> tuple[list[UUID], Expected]:
    """Two simulations of the same: one is measured, the other killed."""
    async with open_tools(stand.settings) as tools:
        city = await seed.organisations(tools.owner)
        await seed.staff_and_plans(tools.database, tools.vault, city)
        people = max(1, claims // CLAIMS_EACH)
        tell(f"simulation: {people:,} members and {claims:,} decided claims")
        await crowd.members(tools, stand.settings, city, people)
        expected = await decided_claims(tools, city, claims)
        return [await ask(tools, city) for _ in range(2)], expected


async def _worked(context: JobContext, simulation_id: UUID) -> dict[str, Any]:
    """Seconds from the job's start to the result, and how large the processes became."""
    base = memory_mb()
    started = time.perf_counter()
    await simulate(context, {"simulation_id": str(simulation_id)})
    seconds = time.perf_counter() - started
    async with context.transaction() as session:
        simulation = await session.get_one(PlanSimulation, simulation_id)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "status": simulation.status,
        "totals": (simulation.result or {}).get("totals"),
        "members": (simulation.result or {}).get("membership", {}).get("members"),
        "seconds": seconds,
        "base_mb": base,
        "peak_mb": memory_mb(),
        "child_peak_mb": children.ru_maxrss / 1024,
    }


def _worker(stand: Stand, simulation_id: UUID) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.simulation", str(simulation_id)],
        env=stand.variables,
        stdout=subprocess.PIPE,
    )


def _finished(stand: Stand, simulation_id: UUID, expected: Expected) -> dict[str, Any]:
    """The figures of a worker that works it off; raises RuntimeError for wrong sums."""
    with _worker(stand, simulation_id) as worker:
        told, _ = worker.communicate()
    if worker.returncode:
        raise RuntimeError("the worker failed")
    found: dict[str, Any] = json.loads(told)
    totals = found["totals"] or {}
    if {name: totals.get(name) for name in Expected._fields} != expected._asdict():
        raise RuntimeError(f"{found} instead of {expected}")
    return found


async def _done(stand: Stand, simulation_id: UUID) -> int:
    connection = await asyncpg.connect(asyncpg_dsn(stand.settings.database_url))
    try:
        statement = "select claims_done from plan_simulation where id = $1"
        return int(await connection.fetchval(statement, simulation_id))
    finally:
        await connection.close()


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def kill_midway(stand: Stand, simulation_id: UUID, claims: int) -> int:
    """Kill a worker at about a third; claims done then. Its processes must follow it."""
    with _worker(stand, simulation_id) as worker:
        while (done := asyncio.run(_done(stand, simulation_id))) < claims / 3:
            if worker.poll() is not None:
                raise RuntimeError("the worker ended before it was killed")
            time.sleep(0.1)
        tasks = Path(f"/proc/{worker.pid}/task").glob("*/children")
        children = [int(pid) for task in tasks for pid in task.read_text().split()]
        worker.kill()
    until = time.monotonic() + 10
    while any(_alive(pid) for pid in children):
        if time.monotonic() > until:
            raise RuntimeError("a process outlived its worker")
        time.sleep(0.1)
    return done


def run(stand: Stand, claims: int) -> int:
    """Print the path's line; returns 1 when an answer was wrong."""
    (measured, killed), expected = asyncio.run(_prepared(stand, claims))
    try:
        found = _finished(stand, measured, expected)
        done = kill_midway(stand, killed, claims)
        tell(f"simulation: killed after {done:,} claims")
        _finished(stand, killed, expected)
    except RuntimeError as error:
        tell(f"simulation: WRONG: {error}")
        return 1
    number = processes(claims)
    # What is shared between the processes is counted in each of them.
    memory = found["peak_mb"] + (number * found["child_peak_mb"])
    line = {
        "path": "simulation",
        "rows_per_s": round(claims / found["seconds"]),
        "budget_rows_per_s": BUDGET_PER_S,
        "claims": claims,
        "members": found["members"],
        "seconds": round(found["seconds"], 1),
        "processes": number,
        "base_mb": round(found["base_mb"]),
        "peak_mb": round(found["peak_mb"]),
        "child_peak_mb": round(found["child_peak_mb"]),
        "memory_mb": round(memory),
        "memory_budget_mb": MEMORY_BUDGET_MB,
        "killed_at": done,
    }
    print(json.dumps(line), flush=True)
    return 0


async def _main(simulation_id: UUID) -> dict[str, Any]:
    async with worker_context() as context:
        return await _worked(context, simulation_id)


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_main(UUID(sys.argv[1])))))
