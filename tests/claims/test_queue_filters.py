"""The queue says what it is ordered by, filters without losing a row, and counts up to a cap."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.claims.queue import CAP, Wanted, page_sql, queue_counts
from app.kernel.clock import system_now
from app.kernel.principal import Principal
from tests.claims.factories import Case, make_policy
from tests.claims.test_queue import copies, walk
from tests.cover_fixtures import scalar

pytestmark = pytest.mark.anyio

MED = {"self_pay_fen": 1_200_000, "hospital_grade": 2}


async def test_each_row_says_what_it_is_ordered_by(case: Case) -> None:
    await case.submitted(case.body() | {"facts": MED})
    [row] = await walk(case.client, case.office.reviewer)
    assert (row["at_stake_fen"], row["amount_ahead_hours"]) == (1_200_000, 12.0)
    assert (row["hardship"], row["hardship_ahead_hours"]) == (False, 0)
    ahead = datetime.fromisoformat(row["decision_promised_by"]) - datetime.fromisoformat(
        row["rank_at"]
    )
    assert ahead == timedelta(hours=12)
    marked = await case.client.put(
        f"{case.staff_path}/hardship",
        headers=case.office.caseworker.headers,
        json={"hardship": True},
    )
    assert marked.status_code == 200, marked.text
    [row] = await walk(case.client, case.office.reviewer)
    assert (row["hardship"], row["hardship_ahead_hours"]) == (True, 24)
    ahead = datetime.fromisoformat(row["decision_promised_by"]) - datetime.fromisoformat(
        row["rank_at"]
    )
    assert ahead == timedelta(hours=36)


async def test_a_fixed_sum_weighs_what_the_plan_pays(case: Case) -> None:
    await case.submitted(case.body("DISAB") | {"facts": {"disability_grade": 1}})
    [row] = await walk(case.client, case.office.reviewer)
    await case.approved()
    decided = (await case.seen())["decisions"][-1]["amount_fen"]
    assert row["at_stake_fen"] == decided > 0


async def test_filters_by_plan_benefit_lateness_and_signal(case: Case, app: FastAPI) -> None:
    await case.submitted()
    other = Case(app, case.client, case.office, case.rider, case.policy)
    other.policy = await make_policy(
        app, case.rider, case.office.organisation.id, plan_code="CQ-2015-HA", started_days_ago=90
    )
    days_ago = (system_now() - timedelta(days=3)).isoformat()
    await other.submitted(other.body("HOSP_DAY", occurred_at=days_ago))
    reviewer = case.office.reviewer

    async def ids(query: str) -> set[str]:
        return {row["id"] for row in await walk(case.client, reviewer, f"&{query}")}

    assert await ids("plan=CQ-2015-HA") == {other.id}
    assert await ids("plan=RIDER-ACC") == {case.id}
    assert await ids("plan=RIDER-ACC&benefit=DISAB") == set()
    assert await ids("benefit=HOSP_DAY") == {other.id}
    assert await ids("escalated=true") == await ids("signal=true") == set()
    await scalar(
        app.state.database,
        "update claim set escalated_at = now() where id = :id returning 1",
        id=case.id,
    )
    await scalar(
        app.state.database,
        "insert into claim_signal (id, claim_id, kind, evidence_key, evidence, raised_at)"
        " values (gen_random_uuid(), :id, 'near-image', 'x', '{}', now()) returning 1",
        id=other.id,
    )
    assert await ids("escalated=true") == {case.id}
    assert await ids("escalated=false") == {other.id}
    assert await ids("signal=true") == {other.id}
    assert await ids("signal=false") == {case.id}
    assert await ids("view=mine") == set()
    await case.lease()
    assert await ids("view=mine") == {case.id}
    for nonsense in ("view=all", "plan=';--", "escalated=perhaps"):
        answer = await case.client.get(f"/v1/staff/claims?{nonsense}", headers=reviewer.headers)
        assert answer.status_code == 422, nonsense


async def test_filtered_pages_neither_repeat_nor_skip_under_change(
    case: Case, app: FastAPI
) -> None:
    await case.submitted()
    await copies(app, case, case.office.organisation.id, 60)
    reviewer = case.office.reviewer
    first = await case.client.get(
        "/v1/staff/claims?plan=RIDER-ACC&limit=20", headers=reviewer.headers
    )
    seen = [row["id"] for row in first.json()["items"]]
    # Between the pages one that was shown moves to the end and one is taken away.
    await scalar(
        app.state.database,
        "update claim set rank_at = rank_at + interval '90 days' where id = :id returning 1",
        id=UUID(seen[0]),
    )
    await scalar(
        app.state.database,
        "update claim set status = 'withdrawn' where id = :id returning 1",
        id=UUID(seen[1]),
    )
    cursor = first.json()["next_cursor"]
    rest: list[dict[str, Any]] = []
    while cursor is not None:
        answer = await case.client.get(
            f"/v1/staff/claims?plan=RIDER-ACC&limit=20&cursor={cursor}", headers=reviewer.headers
        )
        rest += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
    later = [row["id"] for row in rest]
    assert set(seen) & set(later) == {seen[0]}
    assert len(set(seen) | set(later)) == 46
    foreign = await case.client.get(
        f"/v1/staff/claims?plan=CQ-2015-HA&limit=20&cursor={first.json()['next_cursor']}",
        headers=reviewer.headers,
    )
    assert foreign.status_code == 400


async def test_counts_are_capped(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await copies(app, case, case.office.organisation.id, 2_400)
    answer = await case.client.get("/v1/staff/claim-counts", headers=case.office.reviewer.headers)
    counts = answer.json()
    assert counts["statuses"]["submitted"] == CAP == 1_001
    assert counts["statuses"]["under_review"] == 600
    assert counts["statuses"]["paid"] == 0
    other = Principal("staff", UUID(int=1), UUID(int=2))
    nobody = await queue_counts(app.state.database.reads, other, ["submitted"])
    assert nobody == {
        "submitted": 0,
        "escalated": 0,
        "nudged": 0,
        "signals": 0,
        "after_check": 0,
        "mine": 0,
        "offered_to_me": 0,
    }


async def test_the_plain_page_is_a_range_of_one_index(case: Case, app: FastAPI) -> None:
    """However many claims there are, no arm of the statement sorts or scans a table."""
    await case.submitted()
    await copies(app, case, case.office.organisation.id, 3_000)
    sql = page_sql(Wanted().wanted_statuses(), True)
    assert sql.count("claim_queue") == 5
    async with app.state.database.transaction() as session:
        await session.execute(text("analyze claim_queue"))
        await session.execute(text("analyze claim"))
        filled = sql.replace("$1", f"'{case.office.organisation.id}'").replace("$2", "51")
        filled = filled.replace("$3", "gen_random_uuid()").replace("$4", "'-'")
        rows = await session.execute(text("explain " + filled.replace("::", "\\:\\:")))
        plan = "\n".join(row[0] for row in rows.all())
    assert plan.count("pk_claim_queue") == 5, plan
    assert "Seq Scan on claim_queue" not in plan
