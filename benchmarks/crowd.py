"""Members in bulk: proven persons with accounts and cover, sealed as the application seals them."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from uuid import UUID

import asyncpg
import uvloop
from asyncpg import Range

from app.kernel.clock import business_day, day_start, system_now
from app.kernel.ids import new_id, new_number
from app.kernel.vault import Vault
from app.settings import Settings
from benchmarks import people, seed
from benchmarks.seed import PLAN, SECOND_PLAN, Seeded
from benchmarks.world import Tools, open_tools, tell

SLICE = 20_000
# So many of the members are remembered, for paths to choose from.
REMEMBERED = 20_000

Some = list[tuple[UUID, UUID]]


async def city(tools: Tools, settings: Settings, count: int) -> Seeded:
    """Organisations, staff, the catalogue, codes, and `count` members."""
    seeded = await seed.organisations(tools.owner)
    await seed.staff_and_plans(tools.database, tools.vault, seeded)
    await seed.enrolment_codes(tools.owner, seeded)
    await members(tools, settings, seeded, count)
    return seeded


async def members(tools: Tools, settings: Settings, seeded: Seeded, count: int) -> None:
    """Proven persons with an account, a membership, and cover that began a while ago.

    Sealing takes as long as storing: every processor has a process that does both.
    """
    tell(f"seeding {count:,} members")
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as processes:
        every = max(1, count // REMEMBERED)
        store = partial(_slice, settings, seeded.site_ids, every)
        slices = [
            loop.run_in_executor(processes, store, first, min(SLICE, count - first))
            for first in range(0, count, SLICE)
        ]
        for done, each in enumerate(slices, 1):
            seeded.members += await each
            if done % 10 == 0:
                tell(f"{done * SLICE:,} members")
    seeded.population = count
    await tools.owner.execute("vacuum analyze", timeout=1_800)


def _slice(settings: Settings, sites: Sequence[UUID], every: int, first: int, count: int) -> Some:
    """In a process of its own: `count` members from number `first`; the ids of some of them."""
    return uvloop.run(_stored(settings, sites, every, first, count))


async def _stored(
    settings: Settings, sites: Sequence[UUID], every: int, first: int, count: int
) -> Some:
    made = list(people.people(first, count))
    async with open_tools(settings) as tools:
        await store_people(tools.owner, tools.vault, sites, made)
        await _store_cover(tools.owner, sites, made)
    # Spread over everybody: a large city is read everywhere, not at one end.
    return [(one.account_id, one.person_id) for one in made[::every]]


async def store_people(
    owner: asyncpg.Pool, vault: Vault, sites: Sequence[UUID], made: Sequence[people.MadeUp]
) -> None:
    """Proven persons, their login accounts and memberships."""
    now = system_now() - timedelta(days=120)
    async with owner.acquire() as connection:
        await connection.copy_records_to_table(
            "person",
            records=(people.person_record(vault, one, now) for one in made),
            columns=people.PERSON,
        )
        await connection.copy_records_to_table(
            "member_account",
            records=(
                people.account_record(vault, one.account_id, one.phone, one.person_id, now)
                for one in made
            ),
            columns=people.ACCOUNT,
        )
        await connection.copy_records_to_table(
            "member",
            records=(
                (one.member_id, one.number, one.person_id, sites[at % len(sites)], "self", now)
                for at, one in enumerate(made)
            ),
            columns=people.MEMBER,
        )


async def _store_cover(
    owner: asyncpg.Pool, sites: Sequence[UUID], made: Sequence[people.MadeUp]
) -> None:
    """Everybody has a share of one plan, every fourth also one of another."""
    versions = dict(
        await owner.fetch("select plan_code, id from plan_version where status = 'published'")
    )
    issued_at = system_now() - timedelta(days=100)
    start = business_day(issued_at) + timedelta(days=1)
    period = Range(day_start(start), day_start(start.replace(year=start.year + 1)))
    policies: list[tuple[object, ...]] = []
    issues: list[tuple[object, ...]] = []
    slots: list[tuple[object, ...]] = []
    for at, one in enumerate(made):
        for plan in (PLAN, SECOND_PLAN) if at % 4 == 0 else (PLAN,):
            policy = new_id()
            site = sites[at % len(sites)]
            policies.append(
                (
                    *(policy, new_number("P"), one.person_id, plan, versions[plan], 1, period),
                    *("in_force", "bought", site, issued_at),
                )
            )
            issues.append(
                (
                    *(new_id(), policy, "issue", period.lower, issued_at, 1, period),
                    *("in_force", "member", one.account_id),
                )
            )
            slots.append((new_id(), one.person_id, plan, 1, period, policy))
    for table, columns, rows in (
        ("policy", POLICY, policies),
        ("policy_transaction", ISSUE, issues),
        ("share_slot", SLOT, slots),
    ):
        await owner.copy_records_to_table(table, records=rows, columns=columns, timeout=600)


POLICY = (
    *("id", "number", "person_id", "plan_code", "plan_version_id", "shares", "period"),
    *("status", "channel", "organisation_id", "issued_at"),
)
ISSUE = (
    *("id", "policy_id", "kind", "effective_at", "recorded_at", "shares", "period"),
    *("status", "actor_kind", "actor_id"),
)
SLOT = ("id", "person_id", "plan_code", "slot", "period", "policy_id")
