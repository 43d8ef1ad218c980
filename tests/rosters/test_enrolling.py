"""What a row stands for: persons, cover, limits, corrections, identity, money."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import business_day, day_start, system_now
from app.kernel.principal import SYSTEM
from app.members.documents import DocumentNumber, parse_document_number
from app.members.matching import Identity, prove_person
from app.policies import jobs as policy_jobs
from app.rosters import applying, jobs
from tests.cover_fixtures import at_business_time, load_plans
from tests.rosters.factories import Platform, fetch, make_platform, rider

pytestmark = pytest.mark.anyio


def identity_of(one: dict[str, Any]) -> Identity:
    document = parse_document_number(one["document_number"], today=business_day(system_now()))
    assert isinstance(document, DocumentNumber)
    return Identity(one["name"], document, f"+86{one['phone']}")


async def prove(platform: Platform, one: dict[str, Any]) -> str:
    """The rider passes an identity check elsewhere; the person's id."""
    state = platform.app.state
    async with state.database.transaction() as session:
        person = await prove_person(
            session,
            state.vault,
            identity_of(one),
            verified_by="vendor",
            actor=SYSTEM,
            now=system_now(),
        )
    return str(person.id)


async def riders_of(platform: Platform) -> list[Any]:
    return await fetch(
        platform.app,
        "select r.*, p.status, p.number, lower(p.period) as starts_at from rider r"
        " join policy p on p.id = r.policy_id where r.partner_id = :partner order by rider_ref",
        partner=platform.caller.account_id,
    )


async def test_a_proven_person_is_covered_at_once_and_the_partner_cannot_tell(
    platform: Platform,
) -> None:
    known, new = rider(rider_ref="A"), rider(rider_ref="B")
    person_id = await prove(platform, known)
    await platform.push([known, new])
    rows = await platform.rows()
    assert rows[0].keys() == rows[1].keys()
    assert {row["answer"] for row in rows} == {"enrolled"}
    first, second = await riders_of(platform)
    assert (str(first.person_id), first.status, second.status) == (person_id, "in_force", "pending")
    tomorrow = day_start(business_day(system_now()) + timedelta(days=1))
    assert first.starts_at == tomorrow


async def test_a_name_that_is_not_the_proven_one_waits(platform: Platform) -> None:
    known = rider(name="王小明")
    person_id = await prove(platform, known)
    await platform.push([known | {"name": "王大明"}])
    (found,) = await riders_of(platform)
    assert (found.status, str(found.person_id) == person_id) == ("pending", False)
    assert (await platform.rows())[0]["answer"] == "enrolled"
    await platform.push([known])
    (found,) = await riders_of(platform)
    assert (found.status, str(found.person_id)) == ("in_force", person_id)
    assert (await platform.rows())[0]["answer"] == "updated"
    former = await fetch(
        platform.app,
        "select status from policy where sponsor_id = :p and id <> :id",
        p=platform.caller.account_id,
        id=found.policy_id,
    )
    assert [row.status for row in former] == ["cancelled"]


async def test_pending_cover_comes_in_force_with_the_identity(platform: Platform) -> None:
    one = rider()
    await platform.push([one])
    person_id = await prove(platform, one)
    payload = {"event_id": person_id, "subject_id": person_id}
    for _ in range(2):
        await policy_jobs.activate(platform.context, payload)
        await jobs.identity_passed(platform.context, payload)
        (found,) = await riders_of(platform)
        await jobs.policy_activated(platform.context, {"subject_id": str(found.policy_id)})
    (found,) = await riders_of(platform)
    assert (found.status, str(found.person_id)) == ("in_force", person_id)
    assert found.covered_until is not None
    assert (await platform.push([one]))["answers"]["unchanged"] == 1


async def test_a_claim_made_while_its_person_was_proven_is_adopted(platform: Platform) -> None:
    one = rider()
    await platform.push([one])
    (claim,) = await riders_of(platform)
    # The proof that saw nothing of the roster's slice: it made a person of its own.
    hide = "update person set document_index = document_index || 'x'::bytea where id = :id"
    show = "update person set document_index = substr(document_index, 1, 16) where id = :id"
    await run(platform.app, hide, id=claim.person_id)
    person_id = await prove(platform, one)
    await run(platform.app, show, id=claim.person_id)
    for _ in range(2):
        await jobs.identity_passed(platform.context, {"subject_id": person_id})
    (found,) = await riders_of(platform)
    assert (str(found.person_id), found.status) == (person_id, "in_force")
    assert (await platform.push([one]))["answers"] == {
        "enrolled": 0,
        "updated": 0,
        "unchanged": 1,
        "refused": 0,
    }


async def run(app: FastAPI, sql: str, **given: Any) -> None:
    from sqlalchemy import text

    async with app.state.database.transaction() as session:
        await session.execute(text(sql), given)


async def test_without_identity_cover_begins_and_a_member_joins(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await load_plans(app)
    platform = await make_platform(app, client)
    await platform.agree(without_identity=True)
    await platform.push([rider() for _ in range(3)])
    assert {found.status for found in await riders_of(platform)} == {"in_force"}
    members = await fetch(
        app,
        "select m.channel, m.organisation_id from member m join rider r using (person_id)"
        " where r.partner_id = :p",
        p=platform.caller.account_id,
    )
    assert members == [("roster", platform.organisation_id)] * 3


async def test_the_limit_on_shares_holds_over_partners(
    platform: Platform, app: FastAPI, client: httpx.AsyncClient
) -> None:
    other = await make_platform(app, client)
    await other.agree()
    shared = [rider() for _ in range(20)]
    await platform.put([*shared, rider()])
    await other.put([*reversed(shared), rider()])
    await asyncio.gather(platform.work(), other.work())
    mine, theirs = (await platform.status())["answers"], (await other.status())["answers"]
    assert mine["enrolled"] + theirs["enrolled"] == 22
    assert mine["refused"] + theirs["refused"] == 20
    refused = await platform.rows(answer="refused") + await other.rows(answer="refused")
    assert {error["code"] for row in refused for error in row["errors"]} == {"shares-over-limit"}
    twice = await fetch(
        app,
        "select document_index from person where verified_at is null"
        " group by document_index, name_index having count(*) > 1",
    )
    assert twice == []


async def test_a_purchased_plan_is_owed_by_the_sponsor(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await load_plans(app)
    platform = await make_platform(app, client)
    await platform.agree("RIDER-ACC", shares=2, without_identity=True)
    await platform.push([rider(), rider()])
    owed = await fetch(
        app,
        "select e.account_code, e.amount_fen from ledger_transaction t"
        " join ledger_entry e on e.transaction_id = t.id join policy p on p.id = t.reference_id"
        " where t.kind = 'contribution.sponsored' and p.sponsor_id = :p order by 1",
        p=platform.caller.account_id,
    )
    assert owed == [("contributions:RIDER-ACC", -5000)] * 2 + [("sponsor-receivables", 5000)] * 2


async def test_a_new_reference_for_a_rider_who_left_the_list(platform: Platform) -> None:
    one = rider(rider_ref="old")
    await platform.push([one])
    (before,) = await riders_of(platform)
    roster = await platform.push([one | {"rider_ref": "new"}])
    (after,) = await riders_of(platform)
    assert (after.id, after.rider_ref, after.policy_id) == (before.id, "new", before.policy_id)
    assert (roster["answers"]["updated"], roster["missing_riders"]) == (1, 0)


@pytest.mark.parametrize("slice_rows", [1, 10])
async def test_two_riders_who_were_mixed_up(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, slice_rows: int
) -> None:
    monkeypatch.setattr("app.rosters.slices.JUDGED_ROWS", slice_rows)
    one, two = rider(rider_ref="A"), rider(rider_ref="B")
    await platform.push([one, two])
    first, second = await riders_of(platform)
    roster = await platform.push([two | {"rider_ref": "A"}, one | {"rider_ref": "B"}])
    assert roster["answers"]["updated"] == 2
    now_first, now_second = await riders_of(platform)
    assert (now_first.person_id, now_second.person_id) == (second.person_id, first.person_id)
    assert {now_first.status, now_second.status} == {"pending"}
    live = await fetch(
        platform.app,
        "select count(*) from policy where sponsor_id = :p and status = 'pending'",
        p=platform.caller.account_id,
    )
    assert live[0][0] == 2


async def test_a_lapsed_gift_is_given_again(platform: Platform) -> None:
    one = rider()
    await prove(platform, one)
    await platform.push([one])
    (before,) = await riders_of(platform)
    await at_business_time(platform.app.state.database, before.covered_until + timedelta(days=40))
    try:
        roster = await platform.push([one])
    finally:
        await at_business_time(platform.app.state.database, system_now())
    (after,) = await riders_of(platform)
    assert roster["answers"]["updated"] == 1
    assert after.policy_id != before.policy_id
    assert after.covered_until > before.covered_until


async def test_a_killed_worker_goes_on_where_it_stopped(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.rosters.slices.JUDGED_ROWS", 10)
    riders = [rider() for _ in range(35)]
    riders[20] = rider(phone="")
    await platform.put(riders)
    whole = applying.apply_slice
    seen: list[int] = []

    async def dies_in_the_third(*given: Any) -> None:
        seen.append(given[3].after)
        await whole(*given)
        if len(seen) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr(applying, "apply_slice", dies_in_the_third)
    with pytest.raises(asyncio.CancelledError):
        await platform.work()
    halfway = await platform.status()
    assert (halfway["status"], halfway["answered_rows"]) == ("applying", 20)
    await platform.work()
    assert seen == [0, 10, 20, 20, 30]
    roster = await platform.status()
    assert roster["answers"] == {"enrolled": 34, "updated": 0, "unchanged": 0, "refused": 1}
    assert [row["row"] for row in await platform.rows()] == list(range(1, 36))
    assert len(await riders_of(platform)) == 34


async def test_a_lost_race_runs_the_slice_again(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = applying.apply_slice
    tries: list[int] = []

    async def loses_once(*given: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise asyncpg.UniqueViolationError("another slice was faster")
        await whole(*given)

    monkeypatch.setattr(applying, "apply_slice", loses_once)
    roster = await platform.push([rider()])
    assert (len(tries), roster["answers"]["enrolled"]) == (2, 1)


async def test_applying_is_told_once(platform: Platform) -> None:
    await platform.push([rider()])
    await platform.work()
    told = await fetch(
        platform.app,
        "select content from event_log where name = 'roster.applied' and tenant_id = :p",
        p=platform.caller.account_id,
    )
    assert [row.content["enrolled"] for row in told] == [1]


async def test_a_correction_takes_back_what_the_sponsor_owed_and_no_more(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    """The rider had added a share of their own before the cover began."""
    await load_plans(app)
    platform = await make_platform(app, client)
    await platform.agree("RIDER-ACC", shares=2, without_identity=True)
    one = rider(rider_ref="corrected")
    await platform.push([one])
    raised = "update policy set shares = 3 where sponsor_id = :p returning id"
    [first] = await fetch(app, raised, p=platform.caller.account_id)
    await platform.push([rider(rider_ref="corrected")])
    owed = await fetch(
        app,
        "select t.kind, e.amount_fen from ledger_transaction t"
        " join ledger_entry e on e.transaction_id = t.id"
        " where e.account_code = 'sponsor-receivables' and t.reference_id = :id order by t.id",
        id=first.id,
    )
    assert owed == [
        ("contribution.sponsored", 5_000),
        ("contribution.sponsorship_taken_back", -5_000),
    ]
