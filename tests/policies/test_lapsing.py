"""Lapses: told once, when the grace days are over, to nobody who renewed."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import business_day, system_now
from app.kernel.database import Database
from app.policies.extending import extend_ending
from app.policies.lapsing import lapse_ended, lapse_slice
from app.policies.models import Policy
from app.policies.recording import locked_policy
from tests.cover_fixtures import context_of
from tests.policies.changing import (
    business_time,
    cancellable,
    colleague_rider,
    fetch,
    given,
    lasting,
    office,
    publish,
)

pytestmark = pytest.mark.anyio


async def lapsed(database: Database, *policies: Policy) -> list[UUID]:
    """What was told of these policies; a row each."""
    ids = [policy.id for policy in policies]
    told = await fetch(
        database,
        "select subject_id from event_log where name = 'policy.lapsed' and subject_id = any(:ids)",
        ids=ids,
    )
    kept = await fetch(
        database, "select policy_id from policy_lapse where policy_id = any(:ids)", ids=ids
    )
    assert sorted(row.subject_id for row in told) == sorted(row.policy_id for row in kept)
    return [row.subject_id for row in told]


async def look(app: FastAPI, times: int = 1) -> None:
    await asyncio.gather(*(lapse_ended(context_of(app), {}) for _ in range(times)))


async def test_told_once_when_the_grace_days_are_over(app: FastAPI, database: Database) -> None:
    """Five days of grace: not before their end, and one time whoever looks."""
    code = await publish(app, lasting(days=30))
    organisation, _ = await office(app, "supervisor")
    policies = [
        await given(app, await colleague_rider(app, organisation), code, starts_in=-29)
        for _ in range(7)
    ]
    over = policies[0].ends_at + timedelta(days=5)
    async with business_time(database, over - timedelta(minutes=5)):
        await look(app)
        assert await lapsed(database, *policies) == []
    async with business_time(database, over + timedelta(seconds=5)):
        await look(app, times=4)
        assert sorted(await lapsed(database, *policies)) == sorted(each.id for each in policies)
        await look(app, times=2)
        assert len(await lapsed(database, *policies)) == len(policies)
    [row] = await fetch(
        database,
        "select content from event_log where name = 'policy.lapsed' and subject_id = :id",
        id=policies[0].id,
    )
    assert set(row.content) == {"number", "person_id", "plan_code", "ended_at"}


async def test_slices_follow_one_another(app: FastAPI, database: Database) -> None:
    code = await publish(app, lasting(days=30))
    organisation, _ = await office(app, "supervisor")
    policies = [
        await given(app, await colleague_rider(app, organisation), code, starts_in=-60 - each)
        for each in range(5)
    ]
    after, seen = (system_now() - timedelta(days=300), UUID(int=0)), 0
    while True:
        async with database.transaction() as session:
            found = await lapse_slice(session, system_now(), after, limit=2)
        if not found:
            break
        seen += len(found)
        after = (found[-1]["ended_at"], found[-1]["id"])
    assert seen >= len(policies)
    assert len(await lapsed(database, *policies)) == len(policies)


async def test_who_renewed_or_cancelled_has_not_lapsed(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    def plan(document: dict[str, Any]) -> None:
        lasting(days=30)(document)
        cancellable(after_start={"fen": 0})(document)

    code = await publish(app, plan)
    organisation, _ = await office(app, "supervisor")
    riders = [await colleague_rider(app, organisation) for _ in range(2)]
    renewed, cancelled = [await given(app, rider, code, starts_in=-20) for rider in riders]
    follower = await given(app, riders[0], code, starts_in=10)
    async with database.transaction() as session:
        row = await locked_policy(session, follower.id)
        row.follows_id = renewed.id
    path = f"/v1/me/policies/{cancelled.id}/cancellation"
    assert (await client.post(path, headers=riders[1].keyed)).status_code == 201
    async with business_time(database, renewed.ends_at + timedelta(days=6)):
        await look(app, times=2)
    assert await lapsed(database, renewed, cancelled) == []


async def test_nothing_lapses_in_a_moratorium(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    """Whose grace days end inside it lapses after it; whose cover ends inside, from its new end."""
    code = await publish(app, lasting(days=30))
    organisation, supervisor = await office(app, "supervisor")
    today = business_day(system_now())
    graced = await given(app, await colleague_rider(app, organisation), code, starts_in=-33)
    running = await given(app, await colleague_rider(app, organisation), code, starts_in=-25)
    elsewhere = await given(
        app, await colleague_rider(app, (await office(app, "auditor"))[0]), code, starts_in=-33
    )
    declared = await client.post(
        "/v1/staff/moratoriums",
        headers=supervisor.keyed,
        json={
            "organisation_id": str(organisation.id),
            "first_day": today.isoformat(),
            "last_day": (today + timedelta(days=20)).isoformat(),
            "reason": "防汛",
        },
    )
    assert declared.status_code == 201, declared.text
    await extend_ending(context_of(app), {})
    now = system_now()
    for days, expected in (
        (15, {elsewhere.id}),
        (22, {elsewhere.id, graced.id}),
        (25, {elsewhere.id, graced.id}),
        (27, {elsewhere.id, graced.id, running.id}),
    ):
        async with business_time(database, now + timedelta(days=days)):
            await look(app, times=2)
        assert set(await lapsed(database, graced, running, elsewhere)) == expected, days
