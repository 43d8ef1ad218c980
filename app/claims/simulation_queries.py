"""What a replay reads: people with decided claims, slice by slice, and the cover of the day."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.replay import DecidedClaim, OtherUse, PersonRows, Script
from app.claims.simulation_models import PlanSimulation
from app.kernel.clock import day_start
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.organisations.models import Organisation
from app.organisations.queries import in_scope, within
from app.plans.history import Use

FIRST = UUID(int=0)
SLICE_CLAIMS = 4_000

# $1 the plan, $2 from, $3 to, $4 the offices. A claim that was denied before anybody had
# stated facts cannot be replayed; what needs no facts has none.
_DECIDED = """
c.plan_code = $1 and c.status in ('approved', 'paying', 'paid', 'denied') and c.decided_at < $3
and (c.status <> 'denied' or exists (select from claim_facts f where f.claim_id = c.id))
"""
_COUNTED = "c.decided_at >= $2 and c.managing_organisation_id = any($4::uuid[])"
TOTAL = f"select count(*) from claim c where {_DECIDED} and {_COUNTED}"  # noqa: S608
# $5 the last person of the slice before, $6 claims in a slice. Nobody's claims are split.
_SLICE = f"""
select distinct person_id from (
  select c.person_id from claim c
  where {_DECIDED} and {_COUNTED} and c.person_id > $5
  order by c.person_id limit $6) found
"""  # noqa: S608
_CLAIMS = f"""
with chosen as materialized ({{people}})
select c.id, c.number, c.person_id, c.policy_id, c.incident_id, c.benefit_code,
       case when c.status <> 'denied' then c.amount_fen end as paid_fen,
       case when c.status = 'denied' then
         (select d.reason_code from decision d where d.claim_id = c.id and d.verdict = 'deny'
          order by d.id desc limit 1) end as denied_for,
       i.cause, i.occurred_at, c.opened_at, c.decided_at, p.birth_on, p.sex,
       {_COUNTED} as counted, f.id as facts_id, f.sealed
from chosen join person p on p.id = chosen.person_id
join claim c on c.person_id = chosen.person_id
join incident i on i.id = c.incident_id
left join lateral (
  select f.id, f.sealed from claim_facts f where f.claim_id = c.id order by f.version desc limit 1
) f on true
where {_DECIDED}
order by c.person_id, c.decided_at, c.id
"""  # noqa: S608
CLAIMS_OF_SLICE = _CLAIMS.format(people=_SLICE)
CLAIMS_OF_PERSON = _CLAIMS.format(people="select $5::uuid as person_id")
# $1 people, $2 the plan, $3 whether their other plans matter as well; the rows that
# `cover.plan_covers` folds.
_COVER = """
select p.person_id, p.plan_code, p.id as holder_id, p.id as policy_id, p.number,
       p.plan_version_id, t.status, t.shares, lower(t.period) as starts_at,
       upper(t.period) as ends_at, t.effective_at, t.counted_from, t.kind, p.option_code,
       t.option_code as raised_to,
       p.term_number, p.follows_id,
       case when p.follows_id is not null then coalesce(
           (select o.paid_at from contribution_order o where o.id = p.order_id), p.issued_at)
       end as bound_at
from policy p join policy_transaction t on t.policy_id = p.id
where p.person_id = any($1::uuid[]) and ($3 or p.plan_code = $2)
order by p.person_id, p.plan_code, p.id, t.recorded_at, t.id
"""
# $1 the plan, $2 as above.
_VERSIONS = """
select id, document::text from plan_version where status <> 'draft' and ($2 or plan_code = $1)
"""
# $1 people, $2 the plans whose payments are replayed.
_OTHER_USES = """
select person_id, recorded_at, plan_code, benefit_code, policy_id, incident_id, claim_id,
       event_on, amount_fen
from benefit_use
where person_id = any($1::uuid[]) and reversed_at is null and plan_code <> all($2::text[])
order by person_id, event_on, id
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads for one simulation; each call is a few statements, none of them in a transaction."""

    reads: asyncpg.Pool
    vault: Vault
    script: Script
    scope: tuple[str, datetime, datetime, list[UUID]]

    async def total(self) -> int:
        """How many claims count."""
        return int(await self.reads.fetchval(TOTAL, *self.scope, timeout=60))

    async def people_after(self, person_id: UUID | None) -> list[PersonRows]:
        """The next people whose claims count, with everything of theirs; empty at the end."""
        after = person_id or FIRST
        rows = await self.reads.fetch(CLAIMS_OF_SLICE, *self.scope, after, SLICE_CLAIMS)
        return await self._people(rows)

    async def person(self, person_id: UUID) -> PersonRows | None:
        """One person."""
        rows = await self.reads.fetch(CLAIMS_OF_PERSON, *self.scope, person_id)
        found = await self._people(rows)
        return found[0] if found else None

    async def _people(self, rows: Sequence[asyncpg.Record]) -> list[PersonRows]:
        people = list(dict.fromkeys(row["person_id"] for row in rows))
        if not people:
            return []
        every = self.script.looks_at_other_cover
        cover = await self.reads.fetch(_COVER, people, self.scope[0], every)
        others = await self._others(people)
        # A thread, because the worker's other jobs do not wait for thousands of records.
        return await asyncio.to_thread(self._gathered, rows, cover, others)

    async def _others(self, people: list[UUID]) -> Sequence[asyncpg.Record]:
        if not self.script.looks_at_other_plans:
            return ()
        replayed = list({self.scope[0], self.script.terms.code})
        found: Sequence[asyncpg.Record] = await self.reads.fetch(_OTHER_USES, people, replayed)
        return found

    def _gathered(
        self,
        rows: Sequence[asyncpg.Record],
        cover: Sequence[asyncpg.Record],
        others: Sequence[asyncpg.Record],
    ) -> list[PersonRows]:
        cover_of: dict[UUID, list[dict[str, Any]]] = {}
        for row in cover:
            cover_of.setdefault(row["person_id"], []).append(dict(row))
        uses_of: dict[UUID, list[OtherUse]] = {}
        for row in others:
            person_id, recorded_at, *used = row
            uses_of.setdefault(person_id, []).append(OtherUse(Use(*used), recorded_at))
        return [
            PersonRows(list(mine), cover_of.get(person_id, ()), uses_of.get(person_id, ()))
            for person_id, mine in groupby(map(self._claim, rows), key=attrgetter("person_id"))
        ]

    def _claim(self, row: asyncpg.Record) -> DecidedClaim:
        *known, facts_id, sealed = row
        facts = {} if sealed is None else self.vault.open("claim_facts", facts_id, sealed)
        return DecidedClaim._make((*known, facts))


def reader_of(
    reads: asyncpg.Pool,
    vault: Vault,
    simulation: PlanSimulation,
    script: Script,
    offices: list[UUID],
) -> Reader:
    """Reads what the simulation is about: claims decided on its days and before it was asked."""
    until = min(day_start(simulation.to_on + timedelta(days=1)), simulation.as_of)
    scope = (simulation.against, day_start(simulation.from_on), until, offices)
    return Reader(reads, vault, script, scope)


async def versions_for(reads: asyncpg.Pool, script: Script, plan_code: str) -> dict[UUID, str]:
    """The documents under which cover was sold, as JSON."""
    rows = await reads.fetch(_VERSIONS, plan_code, script.looks_at_other_cover)
    return {row["id"]: row["document"] for row in rows}


def visible(principal: Principal) -> Select[PlanSimulation]:
    """Simulations that the caller's office, or one below it, asked for."""
    return select(PlanSimulation).where(in_scope(principal, PlanSimulation.organisation_id))


async def find(
    session: AsyncSession, principal: Principal, simulation_id: UUID
) -> PlanSimulation | None:
    return await session.scalar(visible(principal).where(PlanSimulation.id == simulation_id))


async def page(
    session: AsyncSession, principal: Principal, before: UUID | None, limit: int
) -> Sequence[PlanSimulation]:
    """Newest first, one more than asked for."""
    query = visible(principal).order_by(PlanSimulation.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(PlanSimulation.id < before)
    return (await session.scalars(query)).all()


async def offices_of(session: AsyncSession, simulation: PlanSimulation) -> list[UUID]:
    """The organisations whose claims count: the office that asked, and all below it."""
    query = select(Organisation.id).where(within([simulation.organisation_id]))
    return list((await session.scalars(query.order_by(Organisation.id))).all())
