"""One appeal, to people who did not decide; reopening; and only the difference is paid."""

import asyncio
import io
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from PIL import Image
from sqlalchemy.exc import IntegrityError

from app.claims.decision_models import Decision
from app.kernel.clock import business_day, system_now
from app.kernel.ids import new_id
from tests.access_fixtures import SignedIn, make_organisation, staff_token
from tests.claims.factories import Case, Office, make_case, picture, poll, run_jobs
from tests.claims.test_invariants import faults
from tests.claims.test_receipts import invoice_photo, number, printed
from tests.cover_fixtures import at_business_time, scalar
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

DUELS = 50

MED = {"self_pay_fen": 1_000_000, "hospital_grade": 2}


async def decided_above(
    case: Case, reviewer: SignedIn, body: dict[str, object]
) -> dict[str, object]:
    assert (await case.lease(reviewer)).status_code == 200
    await case.accept_all(reviewer)
    answer = await case.decide(body, reviewer)
    assert answer.status_code == 200, answer.text
    view: dict[str, object] = answer.json()
    return view


async def test_a_denied_claim_is_decided_anew_above(
    case: Case, app: FastAPI, simulators: Simulators
) -> None:
    await case.submitted()
    await case.denied()
    answer = await case.appeal("CANARY-APPEAL 是意外")
    assert answer.status_code == 201, answer.text
    view = answer.json()
    assert (view["status"], view["shown_as"]) == ("appealed", "being_checked")
    assert view["appeal"]["text"] == "CANARY-APPEAL 是意外"
    assert view["decision_promised_by"] is not None
    assert [each["outcome"] for each in view["promises"]] == ["kept", None]
    # New papers may come until somebody begins.
    assert (await case.send("medical_record")).status_code == 201
    # The office below sees it and does not decide it.
    assert (await case.lease(case.office.another_reviewer)).status_code == 403
    above = await case.above()
    decided = await decided_above(case, above, {"verdict": "approve", "facts": MED})
    assert (decided["status"], decided["amount_fen"]) == ("paying", 990_000)
    own = await case.received(simulators)
    assert own["appeal"]["outcome"] == "decided_anew"
    assert own["verdict"] == "approved"
    again = await case.appeal()
    assert (again.status_code, again.json()["code"]) == (409, "appealed-before")
    assert await faults(app) == {}


async def test_the_queue_of_the_parent_has_it(case: Case) -> None:
    await case.submitted()
    await case.denied()
    await case.appeal()
    above = await case.above()
    page = await case.client.get("/v1/staff/claims?status=appealed", headers=above.headers)
    assert case.id in [row["id"] for row in page.json()["items"]]
    below = await case.client.get(
        "/v1/staff/claims?status=appealed", headers=case.office.reviewer.headers
    )
    assert below.json()["items"] == []


async def test_upheld_is_final(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await case.denied()
    assert (await case.appeal()).status_code == 201
    above = await case.above()
    assert (await case.lease(above)).status_code == 200
    answer = await case.decide({"verdict": "uphold", "note": "维持"}, above)
    assert (answer.status_code, answer.json()["status"]) == (200, "denied"), answer.text
    own = await case.own()
    assert (own["appeal"]["outcome"], own["verdict"]) == ("upheld", "denied")
    assert own["timeline"][-1]["reason"]["zh"] == "不属于意外事故"
    assert own["appeal_until"] is None
    assert await faults(app) == {}


async def test_who_decided_does_not_decide_the_appeal(
    app: FastAPI, client: object, simulators: Simulators
) -> None:
    """The municipal office's own decisions stay there, with other people."""
    root = await make_organisation(app)
    assert root.parent_id is not None
    city = root.parent_id
    reviewer, other = [await staff_token(app, city, ["reviewer"]) for _ in range(2)]
    office = Office(root, reviewer, reviewer, other, await staff_token(app, city, ["supervisor"]))
    case = await make_case(app, client, office)  # type: ignore[arg-type]
    await case.submitted()
    await case.denied()
    assert (await case.appeal()).status_code == 201
    refused = await case.lease(reviewer)
    assert (refused.status_code, refused.json()["code"]) == (409, "decided-before")
    assert (await case.lease(other)).status_code == 200


async def test_the_database_too_refuses_the_same_decider(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await case.denied()
    await case.appeal()
    again = Decision(
        id=new_id(),
        claim_id=UUID(case.id),
        round=2,
        stage=2,
        step="first",
        verdict="deny",
        reason_code="excluded",
        sealed=b"",
        decided_by=case.office.reviewer.account_id,
        decided_at=system_now(),
    )
    with pytest.raises(IntegrityError, match="ex_decision__other_people_on_appeal"):
        await stored(app, again)


async def stored(app: FastAPI, row: Decision) -> None:
    async with app.state.database.transaction() as session:
        session.add(row)


async def test_an_appeal_in_time_once_and_of_something_decided(case: Case, app: FastAPI) -> None:
    await case.submitted()
    early = await case.appeal()
    assert (early.status_code, early.json()["code"]) == (409, "not-decided")
    await case.denied()
    until = datetime.fromisoformat((await case.own())["appeal_until"])
    try:
        await at_business_time(app.state.database, until + timedelta(seconds=1))
        late = await case.appeal()
        assert (late.status_code, late.json()["code"]) == (409, "appeal-too-late")
        assert datetime.fromisoformat(late.json()["until"]) == until
        await at_business_time(app.state.database, until - timedelta(minutes=5))
        assert (await case.appeal()).status_code == 201
    finally:
        await at_business_time(app.state.database, system_now())


async def test_two_appeals_at_once_one_counts(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await case.denied()
    answers = await asyncio.gather(*(case.appeal() for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    count = "select count(*) from claim_appeal where claim_id = :id"
    assert await scalar(app.state.database, count, id=case.id) == 1


async def test_an_office_appeals_for_the_member(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await case.denied()
    stranger = await make_organisation(app)
    elsewhere = await staff_token(app, stranger.id, ["caseworker"])
    path, body = f"{case.staff_path}/appeal", {"text": "代会员提出"}
    assert (await case.post(path, elsewhere, body)).status_code == 404
    assert (await case.post(path, case.office.caseworker, body)).status_code == 201


async def test_receipts_are_held_again(case: Case, app: FastAPI) -> None:
    await case.submitted()
    assert (await case.lease()).status_code == 200
    number = {"number": "99887766", "amount_fen": 5000}
    body = {"code": "050001900104", "issued_on": "2026-11-01"} | number
    path = f"{case.staff_path}/receipts"
    assert (await case.post(path, case.office.reviewer, body)).status_code == 200
    await case.decide({"verdict": "deny", "reason_code": "excluded"})
    other = Case(app, case.client, case.office, case.rider, case.policy)
    await other.open()
    assert (await other.receipt(**number)).status_code == 200
    refused = await case.appeal()
    assert (refused.status_code, refused.json()["code"]) == (409, "receipt-used")
    await case.client.post(f"{other.path}/withdrawal", headers=case.rider.headers)
    assert (await case.appeal()).status_code == 201
    await case.client.post(f"{case.path}/withdrawal", headers=case.rider.headers)
    assert (await case.own())["status"] == "appealed"


async def test_a_paid_claim_reopened_pays_the_difference(
    case: Case, app: FastAPI, simulators: Simulators
) -> None:
    await case.submitted(case.body() | {"facts": MED})
    await case.approved(self_pay_fen=500_000)
    await case.received(simulators)
    by_reviewer = await case.reopen(case.office.reviewer)
    assert by_reviewer.status_code == 403
    reopened = await case.reopen()
    assert reopened.status_code == 201, reopened.text
    assert (reopened.json()["status"], reopened.json()["paid_before_fen"]) == ("reopened", 490_000)
    await case.lease()
    less = await case.decide({"verdict": "approve", "facts": {"self_pay_fen": 400_000}})
    assert (less.status_code, less.json()["code"]) == (409, "nothing-more")
    deny = await case.decide({"verdict": "deny", "reason_code": "excluded"})
    assert deny.json()["code"] == "nothing-more"
    more = await case.decide({"verdict": "approve", "facts": {"self_pay_fen": 800_000}})
    assert more.status_code == 200, more.text
    assert more.json()["amount_fen"] == 790_000
    assert (await case.payout())["amount_fen"] == 300_000
    own = await case.received(simulators)
    assert (own["amount_fen"], own["paid_before_fen"]) == (790_000, 490_000)
    database = app.state.database
    uses = "select array_agg(amount_fen order by id) from benefit_use where claim_id = :id"
    assert await scalar(database, uses, id=case.id) == [490_000, 300_000]
    booked = (
        "select sum(e.amount_fen) from ledger_entry e join ledger_transaction t"
        " on t.id = e.transaction_id where t.kind = 'benefit.approved' and t.reference_id in"
        " (select id from payout where claim_id = :id union select cast(:id as uuid))"
        " and e.amount_fen > 0"
    )
    assert await scalar(database, booked, id=case.id) == 790_000
    assert await faults(app) == {}


async def test_upheld_after_payment_stays_paid(
    case: Case, app: FastAPI, simulators: Simulators
) -> None:
    await case.submitted()
    await case.approved(**MED)
    await case.received(simulators)
    assert (await case.appeal()).status_code == 201
    assert (await case.send("receipt")).status_code == 201
    above = await case.above()
    assert (await case.lease(above)).status_code == 200
    answer = await case.decide({"verdict": "uphold", "note": "金额无误"}, above)
    assert (answer.status_code, answer.json()["status"]) == (200, "paid"), answer.text
    assert answer.json()["amount_fen"] == 990_000
    assert await faults(app) == {}


async def test_nothing_to_uphold_in_a_first_round(case: Case) -> None:
    await case.submitted()
    await case.lease()
    answer = await case.decide({"verdict": "uphold", "note": "?"})
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-uphold")


async def test_reopening_while_paying(case: Case, app: FastAPI, simulators: Simulators) -> None:
    """Whoever is first, the money goes once and the books agree."""
    await case.submitted()
    await case.approved(**MED)
    await run_jobs(app)
    assert (await case.reopen()).json()["code"] == "not-decided"
    package = (await case.payout())["confirmation"]["package"]
    simulators.control("transfers/confirm", package_info=package, behaviour="dropped")
    answers, _ = await asyncio.gather(asyncio.gather(*(case.reopen() for _ in range(5))), poll(app))
    done = [answer.status_code for answer in answers]
    assert set(done) <= {201, 409}
    await poll(app)
    if 201 not in done:
        assert (await case.reopen()).status_code == 201
    assert done.count(201) <= 1
    count = "select count(*) from payout where claim_id = :id"
    assert await scalar(app.state.database, count, id=case.id) == 1
    assert await faults(app) == {}


@pytest.mark.long
async def test_two_reviewers_on_one_claim_again_and_again(case: Case, app: FastAPI) -> None:
    """They take, accept and decide at once; each claim has one decision and one payout.

    `make soak` has 200 such duels while everything is killed.
    """
    for _ in range(DUELS):
        one = Case(app, case.client, case.office, case.rider, case.policy)
        await one.submitted(one.body() | {"facts": {"self_pay_fen": 20_000, "hospital_grade": 2}})
        people = (one.office.reviewer, one.office.another_reviewer)
        leased = await asyncio.gather(*(one.lease(each) for each in people))
        assert sorted(answer.status_code for answer in leased) == [200, 409]
        winner = people[0] if leased[0].status_code == 200 else people[1]
        await one.accept_all(winner)
        await one.judge_all(winner)
        body = {"verdict": "approve"}
        answers = await asyncio.gather(*(one.decide(body, each) for each in (*people, *people)))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    database, person = app.state.database, case.rider.person.id
    for table in ("decision", "payout"):
        sql = f"select count(*) from {table} t join claim c on c.id = claim_id where person_id = :p"
        assert await scalar(database, sql, p=person) == DUELS
    assert await faults(app) == {}


async def test_what_was_paid_on_stays_with_the_claim(case: Case, simulators: Simulators) -> None:
    """Neither typed nor read is its invoice free again while somebody looks a second time."""
    await case.open()
    typed, read = number(), number()
    assert (await case.send("medical_record")).status_code == 201
    day = business_day(system_now() - timedelta(days=1)).isoformat()
    # Like no other claim's picture: this one is handed in.
    paper = Image.open(io.BytesIO(picture())).convert("RGB").resize((1200, 900))
    photo = invoice_photo(printed(read, day=day), paper=paper)
    assert (await case.send("receipt", photo)).status_code == 201
    assert (await case.receipt(number=typed)).status_code == 200
    await case.submit()
    await case.approved(**MED)
    await case.received(simulators)
    assert (await case.appeal()).status_code == 201
    headers = case.rider.headers
    held = {each["number"]: each["id"] for each in (await case.own())["receipts"]}
    refused = await case.client.delete(f"{case.path}/receipts/{held[typed]}", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "receipt-paid")
    above = await case.above()
    assert (await case.lease(above)).status_code == 200
    [file] = next(
        each["files"] for each in (await case.seen(above))["documents"] if each["kind"] == "receipt"
    )
    path = f"{case.staff_path}/documents/{file['id']}/return"
    assert (await case.post(path, above, {"reason_code": "unreadable"})).status_code == 200
    assert (await case.send("receipt")).status_code == 201
    other = Case(case.app, case.client, case.office, case.rider, case.policy)
    await other.open()
    for each in (typed, read):
        again = await other.receipt(number=each)
        assert (again.status_code, again.json()["code"]) == (409, "receipt-used")
