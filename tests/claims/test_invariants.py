"""The invariants of claims and payouts hold after everything that other tests did, and can fail."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.claims.factories import Case, poll, run_jobs
from tests.cover_fixtures import scalar
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

FOLDER = Path(__file__).parents[1] / "invariants"
MINE = [
    "06_receipt_in_one_claim",
    "07_paid_claim_is_complete",
    "08_payout_approvers_and_payee",
    "09_unknown_payout_is_asked",
    "17_deaths",
    "18_signals",
    "claims_queue",
]


async def faults(app: FastAPI) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    async with app.state.database.transaction() as session:
        for name in MINE:
            rows = await session.execute(text((FOLDER / f"{name}.sql").read_text()))
            found[name] = [str(tuple(row)) for row in rows.all()]
    return {name: rows for name, rows in found.items() if rows}


async def paid(case: Case, app: FastAPI, simulators: Simulators) -> None:
    await case.submitted()
    await case.approved(self_pay_fen=1_000_000, hospital_grade=2)
    await run_jobs(app)
    package = (await case.payout())["confirmation"]["package"]
    simulators.control("transfers/confirm", package_info=package, behaviour="dropped")
    await poll(app)
    assert (await case.own())["status"] == "paid"


async def test_they_hold_and_each_can_fail(
    case: Case, app: FastAPI, simulators: Simulators
) -> None:
    await paid(case, app, simulators)
    assert await faults(app) == {}
    broken = {
        "07_paid_claim_is_complete": (
            "update claim set amount_fen = amount_fen + 1 where id = :id returning 1",
            "update claim set amount_fen = amount_fen - 1 where id = :id returning 1",
        ),
        "08_payout_approvers_and_payee": (
            "update claim set claimed_by_kind = 'staff', claimed_by ="
            " (select approvers[1] from payout where claim_id = claim.id)"
            " where id = :id returning 1",
            "update claim set claimed_by_kind = 'member', claimed_by = account_id"
            " where id = :id returning 1",
        ),
        "09_unknown_payout_is_asked": (
            "update payout set status = 'failed' where claim_id = :id returning 1",
            "update payout set status = 'paid' where claim_id = :id returning 1",
        ),
        "claims_queue": (
            "delete from claim_queue where claim_id = :id returning 1",
            "update claim set rank_at = null where id = :id returning 1",
        ),
    }
    for name, (breaking, mending) in broken.items():
        await scalar(app.state.database, breaking, id=case.id)
        assert name in await faults(app)
        await scalar(app.state.database, mending, id=case.id)
    assert await faults(app) == {}


LATER_ROUNDS = {
    "07_paid_claim_is_complete": (
        "update benefit_use set amount_fen = amount_fen + 1 where claim_id = :id",
        "update benefit_use set amount_fen = amount_fen - 1 where claim_id = :id",
    ),
    "08_payout_approvers_and_payee": (
        "update payout set by_rule = true where claim_id = :id and round = 1",
        "update payout set by_rule = false where claim_id = :id and round = 1",
    ),
    "09_unknown_payout_is_asked": (
        "update payout set round = 3 where claim_id = :id and round = 1",
        "update payout set round = 1 where claim_id = :id and round = 3",
    ),
    "claims_queue": (
        "update claim set deciding_organisation_id = (select parent_id from organisation"
        " where id = managing_organisation_id) where id = :id",
        "update claim set deciding_organisation_id = null where id = :id",
    ),
}

BREAKABLE = LATER_ROUNDS.keys() - {"claims_queue"}


async def test_over_several_rounds_too(case: Case, app: FastAPI, simulators: Simulators) -> None:
    """A claim that was paid twice, rightly; each rule about its rounds can fail."""
    await case.submitted(case.body() | {"facts": {"self_pay_fen": 800_000, "hospital_grade": 2}})
    await case.approved(self_pay_fen=500_000)
    await case.received(simulators)
    assert (await case.reopen()).status_code == 201
    await case.approved(self_pay_fen=700_000)
    await case.received(simulators)
    assert await faults(app) == {}
    database = app.state.database
    for name, (breaking, mending) in LATER_ROUNDS.items():
        async with database.transaction() as session:
            await session.execute(text(breaking), {"id": case.id})
        # The queue follows who decides by itself: nobody can break it this way.
        assert (name in await faults(app)) is (name in BREAKABLE), name
        async with database.transaction() as session:
            await session.execute(text(mending), {"id": case.id})
    assert await faults(app) == {}
