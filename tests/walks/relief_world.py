"""Relief cases, households, funds and formulas in each status, with everybody who acts on them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.kernel.clock import system_now
from app.relief.households import review_due
from tests.access_fixtures import SignedIn
from tests.claims.factories import poll
from tests.cover_fixtures import Rider
from tests.relief.factories import Board, formula, work
from tests.relief.test_proposals import decided, own_cases
from tests.simulators_fixture import Simulators
from tests.walks.walk import Person, Subject

FACTS = {"net_self_pay_fen": 6_000_000}


async def case_in_each_status(board: Board, simulators: Simulators) -> dict[str, Subject]:
    """By the columns of the table of relief cases."""
    found = {}
    for head in ("pro", "apd", "boa", "gra", "pyg", "pai", "dec", "wdn", "rvk"):
        rider = await board.rider()
        case_id = await _case(board, rider, head, simulators)
        view = await board.seen(case_id)
        files = [file for paper in view["papers"] for file in paper["files"]]
        people: dict[str, Person] = {"member": rider, **staff_of(board)}
        votes = {"for": board.votes(), "against": board.votes("against", "against", "against")}
        found[head] = Subject(case_id, people, {"document_id": files[0]}, votes)
    return found


def staff_of(board: Board) -> dict[str, SignedIn]:
    return {
        "caseworker": board.caseworker,
        "supervisor": board.supervisor,
        "administrator": board.administrator,
    }


async def _case(board: Board, rider: Rider, head: str, simulators: Simulators) -> str:
    if head == "pro":
        await decided(board.app, board, rider, self_pay_fen=8_000_000, hospital_grade=2)
        [proposed] = await own_cases(board, rider)
        case_id = str(proposed["id"])
        assert (await board.send(case_id, "medical_record")).status_code == 201
        return case_id
    case = await board.opened(rider, FACTS)
    await board.complete(case)
    case_id = str(case["id"])
    path = f"/v1/staff/relief-cases/{case_id}"
    if head == "wdn":
        await board.post(f"{path}/withdrawal", board.caseworker)
    if head in ("apd", "wdn"):
        return case_id
    await board.post(f"{path}/referral", board.caseworker)
    if head == "dec":
        votes = board.votes("against", "against", "against")
        no = {"verdict": "decline", "reason_code": "helped-elsewhere", "votes": votes}
        assert (await board.decide(case_id, no)).status_code == 200
    if head in ("boa", "dec"):
        return case_id
    assert (await board.decide(case_id)).status_code == 200
    await work(board.app)
    if head == "pai":
        await _ends(board, case_id, simulators, "confirm")
    elif head != "pyg":
        await _ends(board, case_id, simulators, "expire")
    if head == "rvk":
        await board.post(f"{path}/revocation", board.supervisor, {"reason_code": "own-wish"})
    return case_id


async def _ends(board: Board, case_id: str, simulators: Simulators, how: str) -> None:
    """The member confirms in WeChat, or lets it run out."""
    async with board.app.state.database.transaction() as session:
        number = await session.scalar(
            text("select out_bill_no from payout where relief_case_id = :id"), {"id": case_id}
        )
    simulators.control(f"transfers/{how}", out_bill_no=number, behaviour="dropped")
    await poll(board.app)
    await work(board.app)


async def household_in_each_status(board: Board) -> dict[str, Subject]:
    """By the columns of the table of households."""
    found = {}
    for head in ("ope", "due", "exd"):
        rider = await board.rider()
        kin = [{"relation": "spouse", "name": "王芳"}]
        body = {"person_id": str(rider.person.id), "address": "某街道", "members": kin}
        made = await board.post("/v1/staff/households", board.caseworker, body)
        if head == "due":
            async with board.app.state.database.transaction() as session:
                later = system_now() + timedelta(days=400)
                await review_due(session, UUID(made["id"]), later)
        if head == "exd":
            path = f"/v1/staff/households/{made['id']}/exit"
            await board.post(path, board.caseworker, {"reason_code": "own-wish"})
        wife = made["members"][1]["id"]
        found[head] = Subject(made["id"], staff_of(board), {"household_member_id": wife})
    return found


async def fund_in_each_status(board: Board, other: Board) -> dict[str, Subject]:
    """An open fund with a formula in force and a draft, and such a fund that is closed."""
    found = {}
    for head, each in (("ope", board), ("clo", other)):
        await each.post(f"{each.path}/formulas", each.administrator, formula(each.code))
        rider = await each.rider()
        if head == "clo":
            await each.post(f"{each.path}/closing", each.administrator)
        ids = {
            "person_id": str(rider.person.id),
            "publishReliefFormula.formula_number": "2",
            "closeReliefFormula.formula_number": "1",
        }
        found[head] = Subject(each.fund["id"], staff_of(each), ids, {"code": each.code})
    return found


async def formula_in_each_status(board: Board) -> dict[str, Subject]:
    """The fund's first formula is closed by its second; the third is a draft."""
    await board.publish(formula(board.code))
    drafted = await board.post(f"{board.path}/formulas", board.administrator, formula(board.code))
    async with board.app.state.database.transaction() as session:
        rows = await session.execute(
            text("select number, id from relief_formula where fund_id = :id"),
            {"id": board.fund["id"]},
        )
        ids: dict[int, Any] = {row.number: row.id for row in rows}
    numbers = {"clo": 1, "pub": 2, "dra": int(drafted["number"])}
    return {
        head: Subject(
            str(ids[number]),
            staff_of(board),
            {"fund_id": board.fund["id"], "formula_number": str(number)},
        )
        for head, number in numbers.items()
    }
