"""What a changed fact cost, line by line; verdicts in plain words."""

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.claims.factories import Case

pytestmark = pytest.mark.anyio

CLAIMED = {"self_pay_fen": 1_000_000, "hospital_grade": 2}


async def test_less_accepted_is_partly_approved_with_a_line(case: Case) -> None:
    await case.submitted(case.body() | {"facts": CLAIMED})
    await case.lease()
    await case.accept_all()
    body = {"facts": {"self_pay_fen": 600_000}, "reason_code": "calculation-corrected"}
    changed = await case.client.put(
        f"{case.staff_path}/facts", headers=case.office.reviewer.headers, json=body
    )
    assert changed.status_code == 200, changed.text
    decided = (await case.decide({"verdict": "approve"})).json()
    assert (decided["verdict"], decided["amount_fen"]) == ("partly_approved", 590_000)
    decision = (await case.own())["decisions"][0]
    assert decision["verdict"] == "partly_approved"
    assert decision["claimed_fen"] == 990_000
    [line] = decision["changes"]
    assert (line["name"], line["claimed"], line["accepted"]) == ("self_pay_fen", 1_000_000, 600_000)
    assert (line["cost_fen"], line["reason_code"]) == (400_000, "calculation-corrected")
    assert line["reason"]["zh"] == "更正计算"
    assert line["text"]["zh"]


async def test_costs_add_up_over_several_facts(case: Case) -> None:
    """The cap hides a part of the first change; the lines still add up to the difference."""
    await case.submitted(case.body() | {"facts": CLAIMED | {"self_pay_fen": 3_000_000}})
    await case.approved(self_pay_fen=400_000, hospital_grade=3)
    decision = (await case.own())["decisions"][0]
    assert {line["name"] for line in decision["changes"]} == {"self_pay_fen", "hospital_grade"}
    costs = sum(line["cost_fen"] for line in decision["changes"])
    assert costs == decision["claimed_fen"] - decision["amount_fen"] == 610_000


async def test_as_claimed_or_more_is_approved_whole(case: Case) -> None:
    await case.submitted(case.body() | {"facts": CLAIMED})
    decided = await case.approved(self_pay_fen=1_100_000 - 200_000 + 200_000, hospital_grade=2)
    assert decided["verdict"] == "approved"
    [decision] = (await case.own())["decisions"]
    [line] = decision["changes"]
    assert line["cost_fen"] <= 0


async def test_facts_that_only_the_reviewer_gave_are_no_change(case: Case) -> None:
    await case.submitted()
    decided = await case.approved(**CLAIMED)
    assert decided["verdict"] == "approved"
    assert decided["decisions"][0]["changes"] == []
    assert decided["decisions"][0]["claimed_fen"] == 990_000


async def test_what_the_lines_say_is_sealed(case: Case, app: FastAPI) -> None:
    await case.submitted(case.body() | {"facts": CLAIMED | {"self_pay_fen": 765_432}})
    await case.approved(self_pay_fen=500_000)
    async with app.state.database.transaction() as session:
        found = await session.scalar(
            text(
                "select count(*) from decision d where claim_id = :id and d::text like '%765432%'"
            ),
            {"id": case.id},
        )
    assert found == 0


async def test_denied_is_a_verdict_with_its_reason(case: Case) -> None:
    await case.submitted()
    view = await case.denied()
    assert (view["verdict"], view["shown_as"]) == ("denied", "not_agreed")
    own = await case.own()
    assert own["appeal_until"] is not None
    assert own["next_step_by"] == own["appeal_until"]
