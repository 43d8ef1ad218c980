"""The review queue: scoped, ordered, in pages that neither repeat nor skip."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.claims.schemas import QueuePage
from app.kernel.clock import system_now
from app.organisations.models import Kind
from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.claims.factories import Case, make_case
from tests.cover_fixtures import scalar

pytestmark = pytest.mark.anyio

COPY = """
insert into claim (id, number, incident_id, person_id, account_id, policy_id, plan_code,
                   plan_version_id, benefit_code, status, managing_organisation_id,
                   claimed_by_kind, claimed_by, opened_at, submitted_at, review_due_at, rank_at,
                   round)
select gen_random_uuid(), 'T' || gen_random_uuid(), incident_id, person_id, account_id, policy_id,
       plan_code, plan_version_id, benefit_code,
       (array['submitted', 'under_review', 'submitted', 'waiting_for_member'])[n % 4 + 1],
       cast(:organisation as uuid), claimed_by_kind, claimed_by, opened_at, submitted_at,
       review_due_at, cast(:start as timestamptz) + (n / 3) * interval '1 minute', 1
from claim, generate_series(1, :many) n where claim.id = cast(:claim as uuid)
"""


async def copies(app: FastAPI, case: Case, organisation_id: UUID, many: int) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(
            text(COPY),
            {
                "organisation": organisation_id,
                "start": system_now() + timedelta(days=10),
                "many": many,
                "claim": case.id,
            },
        )


async def walk(
    client: httpx.AsyncClient, reader: SignedIn, query: str = "", limit: int = 7
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await client.get(
            f"/v1/staff/claims?limit={limit}{query}{cursor}", headers=reader.headers
        )
        assert answer.status_code == 200, answer.text
        page = QueuePage.model_validate_json(answer.content)
        rows += answer.json()["items"]
        if page.next_cursor is None:
            return rows
        cursor = f"&cursor={page.next_cursor}"


async def test_pages_in_order_without_repeats(case: Case, app: FastAPI) -> None:
    await case.submitted()
    office = case.office
    await copies(app, case, office.organisation.id, 40)
    rows = await walk(case.client, office.reviewer)
    assert len(rows) == 31
    assert len({row["id"] for row in rows}) == 31
    order = [(row["rank_at"], row["id"]) for row in rows]
    assert order == sorted(order)
    waiting = await walk(case.client, office.reviewer, "&status=waiting_for_member")
    assert {row["status"] for row in waiting} == {"waiting_for_member"}
    assert len(waiting) == 10
    listed = await scalar(
        app.state.database,
        "select count(distinct shown) from audit_entry, unnest(subject_ids) shown"
        " where action = 'claim.list' and actor_id = :reviewer",
        reviewer=office.reviewer.account_id,
    )
    assert listed == 41
    both = await walk(
        case.client, office.reviewer, "&status=waiting_for_member&status=submitted", 5
    )
    assert len(both) == 31


async def test_scope_is_the_subtree(case: Case, app: FastAPI, client: httpx.AsyncClient) -> None:
    await case.submitted()
    agency = case.office.organisation
    unit = await make_organisation(app, Kind.UNIT, agency)
    site = await make_organisation(app, Kind.SITE, unit)
    await copies(app, case, site.id, 8)
    await copies(app, case, unit.id, 4)
    at_site = await staff_token(app, site.id, ["reviewer"])
    at_unit = await staff_token(app, unit.id, ["supervisor"])
    assert len(await walk(client, at_site)) == 6
    assert len(await walk(client, at_unit)) == 9
    assert len(await walk(client, case.office.reviewer)) == 10
    assert agency.parent_id is not None
    municipal = await staff_token(app, agency.parent_id, ["auditor"])
    assert len(await walk(client, municipal)) == 10
    other = await make_case(app, client)
    assert await walk(client, other.office.reviewer) == []


async def test_the_queue_follows_the_claim_and_the_tree(
    case: Case, app: FastAPI, client: httpx.AsyncClient
) -> None:
    await case.submitted()
    reviewer = case.office.reviewer
    assert [row["status"] for row in await walk(client, reviewer)] == ["submitted"]
    await case.lease()
    row = (await walk(client, reviewer))[0]
    assert (row["status"], row["lease_holder_id"]) == ("under_review", str(reviewer.account_id))
    elsewhere = await make_organisation(app)
    there = await staff_token(app, elsewhere.id, ["reviewer"])
    async with app.state.database.transaction() as session:
        await session.execute(
            text("update claim set managing_organisation_id = :there where id = :id"),
            {"there": elsewhere.id, "id": case.id},
        )
    assert await walk(client, reviewer) == []
    assert [row["id"] for row in await walk(client, there)] == [case.id]
    # The office moves under another one with everything it manages.
    above = await make_organisation(app)
    async with app.state.database.transaction() as session:
        await session.execute(
            text("update organisation set lineage = array[:above, id]::uuid[] where id = :id"),
            {"above": above.id, "id": elsewhere.id},
        )
    over = await staff_token(app, above.id, ["reviewer"])
    assert [row["id"] for row in await walk(client, over)] == [case.id]
    await client.post(f"{case.path}/withdrawal", headers=case.rider.headers)
    assert await walk(client, over) == []
    assert len(await walk(client, over, "&status=withdrawn")) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 422),
        ("limit=-1", 422),
        ("limit=1000000000", 422),
        ("status=draft'--", 422),
        ("cursor=AAAA", 400),
        ("cursor=" + "x" * 600, 422),
    ],
)
async def test_bad_queries(case: Case, query: str, status: int) -> None:
    answer = await case.client.get(
        f"/v1/staff/claims?{query}", headers=case.office.reviewer.headers
    )
    assert answer.status_code == status, answer.text


async def test_a_cursor_is_good_for_its_own_list_only(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await copies(app, case, case.office.organisation.id, 20)
    first = await case.client.get("/v1/staff/claims?limit=3", headers=case.office.reviewer.headers)
    cursor = first.json()["next_cursor"]
    other = await case.client.get(
        f"/v1/staff/claims?status=submitted&cursor={cursor}", headers=case.office.reviewer.headers
    )
    assert other.status_code == 400


async def test_caseworkers_see_it_members_do_not(case: Case) -> None:
    for caller, status in (
        (case.office.caseworker.headers, 200),
        (case.rider.headers, 401),
        ({}, 401),
    ):
        answer = await case.client.get("/v1/staff/claims", headers=caller)
        assert answer.status_code == status
