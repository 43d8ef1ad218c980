"""Pushing snapshots: sequences, repeats, who is missing, who may see what."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from tests.cover_fixtures import load_plans
from tests.rosters.factories import Platform, csv_of, fetch, make_platform, rider, snapshot

pytestmark = pytest.mark.anyio


async def test_every_rider_is_enrolled_and_answered(platform: Platform) -> None:
    riders = [rider() for _ in range(30)]
    accepted = await platform.put(riders)
    assert accepted.status_code == 202
    assert accepted.headers["location"] == accepted.json()["url"] == "/v1/partner/rosters/1"
    assert accepted.json()["status"] == "accepted"
    await platform.work()
    roster = await platform.status()
    assert roster["status"] == "applied"
    assert roster["answers"] == {"enrolled": 30, "updated": 0, "unchanged": 0, "refused": 0}
    rows = await platform.rows(limit=7)
    assert [row["row"] for row in rows] == list(range(1, 31))
    assert [row["rider_ref"] for row in rows] == [one["rider_ref"] for one in riders]
    assert all(row["policy_number"].startswith("P") for row in rows)


async def test_cover_waits_for_identity_and_is_wholly_written(platform: Platform) -> None:
    await platform.push([rider() for _ in range(5)])
    found = await fetch(
        platform.app,
        "select p.status, p.channel, t.kind, h.to_status, s.slot, s.period = p.period as same,"
        " person.verified_at, e.name from rider r join policy p on p.id = r.policy_id"
        " join person on person.id = p.person_id and person.id = r.person_id"
        " join policy_transaction t on t.policy_id = p.id join share_slot s on s.policy_id = p.id"
        " join status_history h on h.subject_id = p.id join event_log e on e.subject_id = p.id"
        " where r.partner_id = :partner and p.sponsor_id = :partner",
        partner=platform.caller.account_id,
    )
    assert len(found) == 5
    assert set(found) == {("pending", "roster", "issue", "pending", 1, True, None, "policy.issued")}


async def test_pushing_it_again_changes_no_row(platform: Platform) -> None:
    riders = [rider() for _ in range(40)]
    await platform.push(riders)
    before = await snapshot(platform.app)
    roster = await platform.push(riders)
    assert roster["answers"] == {"enrolled": 0, "updated": 0, "unchanged": 40, "refused": 0}
    assert await snapshot(platform.app) == before
    assert {row["answer"] for row in await platform.rows()} == {"unchanged"}


async def test_another_format_of_the_same_rows_changes_nobody(platform: Platform) -> None:
    riders = [rider() for _ in range(10)]
    first = await platform.push(riders)
    roster = await platform.push(csv_of(riders).encode(), media_type="text/csv")
    assert first["answers"]["enrolled"] == roster["answers"]["unchanged"] == 10
    before = await snapshot(platform.app)
    await platform.push(csv_of(riders).encode(), media_type="text/csv")
    assert await snapshot(platform.app) == before


async def test_the_same_sequence_is_answered_again_or_refused(platform: Platform) -> None:
    riders = [rider() for _ in range(3)]
    await platform.push(riders, sequence=7)
    again = await platform.put(riders, sequence=7)
    assert (again.status_code, again.json()["status"]) == (202, "applied")
    other = await platform.put(riders[:2], sequence=7)
    assert (other.status_code, other.json()["code"]) == (409, "roster-sequence-reused")
    older = await platform.put(riders[:2], sequence=6)
    assert (older.status_code, older.json()["code"]) == (409, "roster-older-snapshot")
    assert older.json()["current_sequence"] == 7
    left = await fetch(platform.app, "select count(*) from roster_chunk")
    assert left[0][0] == 0


async def test_twenty_copies_at_once_make_one_roster(platform: Platform) -> None:
    riders = [rider() for _ in range(5)]
    answers = await asyncio.gather(*(platform.put(riders, sequence=3) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    made = await fetch(
        platform.app,
        "select count(*) from roster where partner_id = :partner",
        partner=platform.caller.account_id,
    )
    assert made[0][0] == 1
    await asyncio.gather(platform.work(3), platform.work(3), return_exceptions=True)
    await platform.work(3)
    assert (await platform.status(3))["answers"]["enrolled"] == 5


async def test_an_older_one_that_was_not_begun_is_superseded(platform: Platform) -> None:
    riders = [rider() for _ in range(4)]
    await platform.put(riders, sequence=1)
    await platform.put(riders[:3], sequence=2)
    await platform.work(1)
    await platform.work(2)
    assert (await platform.status(1))["status"] == "superseded"
    assert (await platform.status(2))["answers"]["enrolled"] == 3


async def test_missing_riders_are_reported_and_keep_their_cover(platform: Platform) -> None:
    riders = [rider() for _ in range(20)]
    await platform.push(riders)
    roster = await platform.push(riders[4:])
    assert (roster["missing_riders"], roster["newly_missing"]) == (4, 4)
    page = await platform.get("/v1/partner/rosters/2/missing", limit=3)
    more = await platform.get("/v1/partner/rosters/2/missing", cursor=page["next_cursor"])
    missing = [one["rider_ref"] for one in page["items"] + more["items"]]
    assert missing == sorted(one["rider_ref"] for one in riders[:4])
    left = await fetch(
        platform.app,
        "select count(*) from policy where sponsor_id = :partner and status = 'pending'",
        partner=platform.caller.account_id,
    )
    assert left[0][0] == 20
    again = await platform.push(riders[3:])
    assert (again["missing_riders"], again["newly_missing"]) == (3, 0)
    assert again["answers"]["unchanged"] == 17


async def test_mass_disappearance_waits_for_a_confirmation(platform: Platform) -> None:
    riders = [rider() for _ in range(30)]
    await platform.push(riders)
    changed = [riders[0] | {"phone": "13900000000"}, *riders[1:15]]
    roster = await platform.push(changed)
    assert (roster["status"], roster["newly_missing"], roster["answered_rows"]) == ("held", 15, 0)
    confirmation = "/v1/partner/rosters/{}/confirmation"
    wrong = await platform.client.put(confirmation.format(1), headers=platform.caller.headers)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "roster-not-held")
    for _ in range(2):
        right = await platform.client.put(confirmation.format(2), headers=platform.caller.headers)
        assert right.status_code == 202
    await platform.work()
    roster = await platform.status()
    assert (roster["status"], roster["missing_riders"]) == ("applied", 15)
    assert roster["answers"] == {"enrolled": 0, "updated": 1, "unchanged": 14, "refused": 0}


async def test_a_newer_snapshot_replaces_a_held_one(platform: Platform) -> None:
    riders = [rider() for _ in range(20)]
    await platform.push(riders)
    assert (await platform.push(riders[:5]))["status"] == "held"
    assert (await platform.push(riders))["status"] == "applied"
    assert (await platform.status(2))["status"] == "superseded"


async def test_another_partner_sees_nothing_of_it(
    platform: Platform, app: FastAPI, client: httpx.AsyncClient
) -> None:
    riders = [rider() for _ in range(3)]
    await platform.push(riders)
    other = await make_platform(app, client)
    for path in ("", "/rows", "/missing"):
        answer = await client.get(f"/v1/partner/rosters/1{path}", headers=other.caller.headers)
        assert answer.status_code == 404
    assert (await other.get("/v1/partner/rosters"))["items"] == []
    before = await fetch(
        app, "select * from rider where partner_id = :p", p=platform.caller.account_id
    )
    await other.agree()
    roster = await other.push([one | {"phone": "13911111111"} for one in riders])
    assert roster["answers"]["refused"] == 3
    after = await fetch(
        app, "select * from rider where partner_id = :p", p=platform.caller.account_id
    )
    assert before == after


async def test_wrong_media_type_and_wrong_door(platform: Platform) -> None:
    answer = await platform.put(b"x", media_type="application/vnd.ms-excel")
    assert answer.status_code == 415
    answer = await platform.client.put("/v1/partner/rosters/1", headers=platform.staff.headers)
    assert answer.status_code == 401
    answer = await platform.client.put("/v1/partner/rosters/0", headers=platform.caller.headers)
    assert answer.status_code == 422


async def test_what_waits_for_the_worker_is_unreadable(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    await load_plans(app)
    platform = await make_platform(app, client)
    one = rider(document_number="11010519491231002X")
    await platform.put([one])
    pieces = await fetch(app, "select sealed from roster_chunk")
    assert pieces
    assert not any(b"11010519491231002X" in piece.sealed for piece in pieces)
    await platform.work()
    roster = await platform.status()
    assert (roster["status"], roster["errors"][0]["code"]) == ("refused", "no-agreement")
    assert not await fetch(app, "select 1 from roster_chunk")
