"""What is odd about a claim is raised with its evidence, and waits for a person's word."""

import asyncio
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app.claims.strangers import found_a_strangers
from app.kernel.clock import system_now
from app.worker import JOBS
from tests.access_fixtures import staff_token
from tests.claims.factories import Case, bank_account, make_case, make_policy, run_jobs
from tests.claims.test_invariants import faults
from tests.claims.test_queue import walk
from tests.cover_fixtures import context_of, scalar
from tests.documents import corpus
from tests.policies.changing import cancelled_from_its_start

pytestmark = pytest.mark.anyio

MED = {"self_pay_fen": 1_000_000, "hospital_grade": 2}
SMALL = {"self_pay_fen": 50_000, "hospital_grade": 2}


async def elsewhere(case: Case, **policy: Any) -> Case:
    """Another rider's case at another office of the same city."""
    return await make_case(case.app, case.client, **policy)


def again(case: Case) -> Case:
    """Another claim of the same rider under the same policy."""
    return Case(case.app, case.client, case.office, case.rider, case.policy)


async def found_out(case: Case, account: dict[str, Any], facts: dict[str, Any]) -> tuple[Case, str]:
    """Another rider's account, named with a claim that is approved and found to be a stranger's:
    that rider's case, and the account's id."""
    other = await elsewhere(case)
    await other.post("/v1/me/payout-accounts", other.rider, account)
    bad = (await case.post("/v1/me/payout-accounts", case.rider, account)).json()["id"]
    await case.submitted(case.body() | {"payout_account_id": bad})
    assert (await case.lease()).status_code == 200
    await case.accept_all()
    [signal] = await case.signals()
    assert (await case.judge(signal["id"], "confirmed")).status_code == 200
    assert (await case.decide({"verdict": "approve", "facts": facts})).status_code == 200
    return other, str(bad)


def days_before(case: Case, days: int) -> dict[str, Any]:
    return case.body(occurred_at=(system_now() - timedelta(days=days)).isoformat())


async def hand_in(case: Case, record: bytes, body: dict[str, Any] | None = None) -> None:
    """Handed in with this file as the medical record."""
    await case.open(body)
    assert (await case.send("medical_record", record)).status_code == 201
    await case.complete(("receipt",))
    await case.submit()


async def kinds(case: Case) -> list[str]:
    return [each["kind"] for each in (await case.seen())["signals"]]


async def test_an_ordinary_claim_has_none(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await run_jobs(app)
    await case.lease()
    assert await kinds(case) == []


async def test_the_same_file_is_told_as_far_as_one_may_see(case: Case, app: FastAPI) -> None:
    other, content = await elsewhere(case), corpus.patches()
    await hand_in(other, content)
    await hand_in(case, content)
    [signal] = await case.signals()
    assert (signal["kind"], signal["verdict"]) == ("same-file", None)
    assert signal["text"]["zh"] == "文件与另一份申领相同"
    evidence = signal["evidence"]
    [mine] = [each for each in (await case.own())["documents"] if each["kind"] == "medical_record"]
    assert evidence["document_id"] == mine["files"][0]["id"]
    number = (await other.own())["number"]
    [claim] = evidence["claims"]
    told = {key: value for key, value in claim.items() if value is not None}
    assert told == {"number": number, "organisation_name": other.office.organisation.name}
    assert other.id not in str(signal)
    above = await case.signals(await case.above("auditor"))
    assert above[0]["evidence"]["claims"][0]["number"] == number
    # The other's office is told as well, once the worker has heard of it.
    await run_jobs(app)
    [told_there] = await other.signals()
    assert told_there["kind"] == "same-file"
    assert case.id not in str(told_there)


async def test_within_one_office_the_other_claim_can_be_opened(case: Case) -> None:
    other = await make_case(case.app, case.client, case.office)
    content = corpus.patches()
    await hand_in(other, content)
    await hand_in(case, content)
    [signal] = await case.signals()
    [claim] = signal["evidence"]["claims"]
    assert (claim["id"], claim["status"], claim["same_member"]) == (other.id, "submitted", False)
    assert claim["document_id"] is not None
    read = await scalar(
        case.app.state.database,
        "select subject_ids from audit_entry where action = 'claim.read_signals'"
        " and actor_id = :who order by position desc limit 1",
        who=case.office.reviewer.account_id,
    )
    assert {UUID(case.id), UUID(other.id)} <= set(read)


async def test_a_photograph_of_the_same_paper(case: Case) -> None:
    other, seed = await elsewhere(case), secrets.randbelow(10**9)
    await hand_in(other, corpus.receipt(seed, quality=80))
    await hand_in(case, corpus.receipt(seed, 700, 933, quality=60))
    [signal] = await case.signals()
    assert signal["kind"] == "near-image"
    assert signal["evidence"]["claims"][0]["distance"] <= 6


@pytest.mark.parametrize("turned", [(2, 2, 1, 1), (6, 0, 0, 0), (3, 3, 0, 0), (0, 0, 5, 1)])
async def test_six_bits_wherever_they_lie_are_found_and_seven_are_not(
    case: Case, turned: tuple[int, ...]
) -> None:
    other = await make_case(case.app, case.client, case.office)
    await other.submitted()
    await case.open()
    await case.complete()
    mine = theirs = secrets.randbits(64)
    for quarter, bits in enumerate(turned):
        theirs ^= ((1 << bits) - 1) << (16 * quarter)
    await looks_like(case, mine)
    await looks_like(other, theirs)
    await case.submit()
    assert await kinds(case) == ["near-image"]
    await looks_like(other, theirs ^ (1 << 63))
    third = await make_case(case.app, case.client, case.office)
    await third.open()
    await third.complete()
    await looks_like(third, mine)
    await third.submit()
    [signal] = await third.signals()
    assert [claim["id"] for claim in signal["evidence"]["claims"]] == [case.id]


async def looks_like(case: Case, hashed: int) -> None:
    """The medical record has this hash now."""
    await scalar(
        case.app.state.database,
        "update stored_object set perceptual_hash = :hash where id = (select object_id from"
        " claim_document where claim_id = :id and kind = 'medical_record') returning 1",
        hash=hashed - (1 << 64) if hashed >> 63 else hashed,
        id=case.id,
    )


async def test_an_invoice_of_a_claim_that_came_to_nothing(case: Case) -> None:
    other = again(case)
    await other.open(days_before(case, 3))
    await other.complete()
    await other.receipt(number="77665544")
    await other.submit()
    await other.denied()
    await case.open()
    await case.complete()
    await case.receipt(number="77665544")
    await case.submit()
    [signal] = await case.signals()
    assert signal["kind"] == "same-invoice"
    assert signal["evidence"]["receipt_id"] == (await case.own())["receipts"][0]["id"]


async def test_an_invoice_serves_one_of_fifty_that_ask_at_once(case: Case) -> None:
    cases = [again(case) for _ in range(50)]
    for each in cases:
        await each.open()
    number = secrets.token_hex(5)
    answers = await asyncio.gather(
        *(
            each.receipt(number=number if at % 2 else number.upper())
            for at, each in enumerate(cases)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 49]
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert refused["code"] == "receipt-used"
    assert "撤回" in refused["detail"]


async def test_soon_after_the_start_of_cover(case: Case) -> None:
    fresh = await make_case(case.app, case.client, case.office, started_days_ago=3)
    await fresh.submitted()
    [signal] = await fresh.signals()
    assert signal["kind"] == "early-incident"
    assert (signal["evidence"]["days"], signal["evidence"]["within_days"]) == (2, 3)
    later = await make_case(case.app, case.client, case.office, started_days_ago=4)
    await later.submitted()
    assert await kinds(later) == []


async def test_cover_that_ended_otherwise_after_the_claim_was_begun(
    case: Case, app: FastAPI
) -> None:
    await case.open()
    await case.complete()
    await cancelled_from_its_start(app.state.database, case.policy.id)
    await case.submit()
    [signal] = await case.signals()
    assert (signal["kind"], signal["evidence"]["reason_code"]) == ("outside-cover", "cancelled")


async def test_papers_dated_before_the_incident(case: Case) -> None:
    await case.open()
    await case.complete()
    await case.receipt(issued_on=(system_now() - timedelta(days=9)).date().isoformat())
    await case.submit()
    [signal] = await case.signals()
    assert signal["kind"] == "dated-before"
    assert signal["evidence"]["dated_on"] < signal["evidence"]["occurred_on"]


async def test_several_claims_for_one_event_name_each_other(case: Case, app: FastAPI) -> None:
    other = again(case)
    await case.submitted()
    await other.submitted()
    [signal] = await other.signals()
    assert signal["kind"] == "same-event"
    assert signal["evidence"]["claims"][0]["same_member"] is True
    assert await kinds(case) == []
    await run_jobs(app)
    assert await kinds(case) == ["same-event"]
    third = again(case)
    await third.submitted()
    [signal] = await third.signals()
    assert [claim["id"] for claim in signal["evidence"]["claims"]] == [other.id, case.id]
    await other.lease()
    # What was named before is not named again.
    [_, newer] = await other.signals()
    assert [claim["id"] for claim in newer["evidence"]["claims"]] == [third.id]
    another_day = again(case)
    await another_day.submitted(days_before(case, 3))
    assert await kinds(another_day) == []


async def test_an_account_of_strangers_whenever_it_is_recorded(case: Case, app: FastAPI) -> None:
    account = bank_account()
    other = await elsewhere(case)
    await case.submitted()
    for who in (other, case):
        recorded = await who.post("/v1/me/payout-accounts", who.rider, account)
        assert recorded.status_code == 201, recorded.text
    assert await kinds(case) == []
    await run_jobs(app)
    [signal] = await case.signals()
    assert signal["kind"] == "shared-account"
    evidence = signal["evidence"]
    assert evidence["account_ending"] == account["account_number"][-4:]
    assert evidence["organisation_name"] == other.office.organisation.name
    assert evidence["member_number"] is None
    assert account["account_number"] not in str(signal)
    await other.submitted()
    assert await kinds(other) == ["shared-account"]


async def test_money_waits_for_a_word_on_an_account_recorded_afterwards(
    case: Case, app: FastAPI
) -> None:
    account = bank_account()
    other, supervisor = await elsewhere(case), case.office.supervisor
    await other.post("/v1/me/payout-accounts", other.rider, account)
    await case.submitted(case.body("DISAB"))
    await case.approved(disability_grade=1)
    second = f"{case.staff_path}/second-approval"
    assert (await case.post(second, supervisor, {"verdict": "approve"})).status_code == 200
    await case.post("/v1/me/payout-accounts", case.rider, account)
    await run_jobs(app)
    own = await case.own()
    assert own["status"] == "approved"
    assert own["promises"][-1]["stops"][-1]["reason_code"] == "account-checked"
    asked = await case.post(f"{case.path}/payout", case.rider)
    assert (asked.status_code, asked.json()["code"]) == (409, "account-being-checked")
    [signal] = await case.signals()
    assert signal["kind"] == "shared-account"
    assert await faults(app) == {}
    judged = await case.judge(signal["id"], reviewer=supervisor)
    assert judged.status_code == 200, judged.text
    own = await case.own()
    assert own["status"] == "paying"
    assert own["promises"][-1]["stops"][-1]["until"] is not None
    assert await faults(app) == {}


async def test_who_enrolled_the_member_once_is_judged_by_another(case: Case) -> None:
    reviewer, another = case.office.reviewer, case.office.another_reviewer
    await make_policy(
        case.app,
        case.rider,
        case.office.organisation.id,
        plan_code="CQ-2015-HA",
        enrolled_by=reviewer.account_id,
    )
    await case.submitted()
    assert (await case.lease()).status_code == 200
    [signal] = await case.signals()
    assert signal["kind"] == "own-enrolment"
    assert signal["evidence"]["staff_id"] == str(reviewer.account_id)
    own = await case.judge(signal["id"])
    assert (own.status_code, own.json()["code"]) == (403, "judged-by-another")
    await case.accept_all()
    refused = await case.decide({"verdict": "approve", "facts": MED})
    assert refused.json()["signals"] == ["own-enrolment"]
    await case.client.delete(f"{case.staff_path}/lease", headers=reviewer.headers)
    assert (await case.lease(another)).status_code == 200
    assert (await case.judge(signal["id"], reviewer=another)).status_code == 200
    agreed = await case.decide({"verdict": "approve", "facts": MED}, another)
    assert agreed.status_code == 200, agreed.text


async def test_the_second_person_is_not_who_enrolled_the_member_once(case: Case) -> None:
    await make_policy(
        case.app,
        case.rider,
        case.office.organisation.id,
        plan_code="CQ-2015-HA",
        enrolled_by=case.office.supervisor.account_id,
    )
    await case.submitted(case.body("DISAB"))
    await case.approved(disability_grade=1)
    path, agree = f"{case.staff_path}/second-approval", {"verdict": "approve"}
    refused = await case.post(path, case.office.supervisor, agree)
    assert (refused.status_code, refused.json()["code"]) == (403, "conflict-of-interest")
    other = await staff_token(case.app, case.office.organisation.id, ["supervisor"])
    assert (await case.post(path, other, agree)).status_code == 200


async def test_one_word_for_each_and_it_stays(case: Case, app: FastAPI) -> None:
    other = again(case)
    await other.submitted()
    await case.submitted()
    [signal] = (await case.seen())["signals"]
    unheld = await case.judge(signal["id"])
    assert (unheld.status_code, unheld.json()["code"]) == (409, "lease-needed")
    await case.lease()
    await case.accept_all()
    refused = await case.decide({"verdict": "approve", "facts": MED})
    assert (refused.status_code, refused.json()["code"]) == (409, "signals-open")
    path = f"{case.staff_path}/signals/{signal['id']}/judgement"
    headers = case.office.reviewer.headers
    wordless = await case.client.put(path, headers=headers, json={"verdict": "harmless"})
    assert wordless.status_code == 422
    judged = await case.judge(signal["id"], "confirmed")
    assert judged.status_code == 200, judged.text
    assert (judged.json()["verdict"], judged.json()["note"]) == ("confirmed", "已电话核实")
    assert (await case.judge(signal["id"], "confirmed")).status_code == 200
    turned = await case.judge(signal["id"], "harmless")
    assert (turned.status_code, turned.json()["code"]) == (409, "signal-judged")
    missing = await case.judge(str(UUID(int=7)))
    assert (missing.status_code, missing.json()["code"]) == (404, "signal-not-found")
    for table, column, raised in (
        ("audit_entry", "action", "claim.raise_signal"),
        ("event_log", "name", "claim.signal_raised"),
        ("audit_entry", "action", "claim.judge_signal"),
        ("event_log", "name", "claim.signal_judged"),
    ):
        subject = "subject_id = :id" if table == "event_log" else ":id = any(subject_ids)"
        count = f"select count(*) from {table} where {column} = :name and {subject}"
        assert await scalar(app.state.database, count, name=raised, id=UUID(case.id)) == 1, raised
    sealed = "select sealed::text from claim_signal where id = :id"
    assert "核实" not in str(await scalar(app.state.database, sealed, id=UUID(signal["id"])))
    agreed = await case.decide({"verdict": "approve", "facts": MED})
    assert agreed.status_code == 200, agreed.text
    assert agreed.json()["signals"][0]["verdict"] == "confirmed"


async def test_a_signal_never_denies_and_a_denial_needs_no_judging(case: Case) -> None:
    other = again(case)
    await other.submitted()
    await case.submitted()
    assert await kinds(case) == ["same-event"]
    denied = await case.denied()
    assert denied["decisions"][-1]["reason_code"] == "not-an-accident"


async def test_what_comes_between_two_people_is_judged_by_the_second(
    case: Case, app: FastAPI
) -> None:
    await case.submitted(case.body("DISAB"))
    await case.approved(disability_grade=1)
    other = again(case)
    await other.submitted()
    await run_jobs(app)
    supervisor = case.office.supervisor
    path, agree = f"{case.staff_path}/second-approval", {"verdict": "approve"}
    refused = await case.post(path, supervisor, agree)
    assert refused.json()["signals"] == ["same-event"]
    [signal] = (await case.seen())["signals"]
    assert (await case.judge(signal["id"], reviewer=supervisor)).status_code == 200
    assert (await case.post(path, supervisor, agree)).status_code == 200
    assert await faults(app) == {}


async def test_the_rule_decides_nothing_odd_however_close_two_come(
    case: Case, app: FastAPI
) -> None:
    """Two small claims for one event: neither saw the other when it was handed in."""
    pair = [case, again(case)]
    for each in pair:
        await each.open(each.body() | {"facts": SMALL})
        await each.complete()
        assert (await each.receipt()).status_code == 200
    await asyncio.gather(*(each.submit() for each in pair))
    job = JOBS["claims.decide_by_rule"]
    await asyncio.gather(*(job(context_of(app), {"claim_id": each.id}) for each in pair))
    for each in pair:
        assert (await each.own())["status"] == "submitted"
        assert await kinds(each) == ["same-event"]


async def test_the_queue_orders_counts_and_filters_them(case: Case) -> None:
    other = again(case)
    await other.submitted()
    await case.submitted()
    reviewer = case.office.reviewer
    [row] = await walk(case.client, reviewer, "&signal=true")
    assert (row["id"], row["signals"], row["signal_ahead_hours"]) == (case.id, 1, 12)
    assert ahead(row) == timedelta(hours=12)
    counts = await case.client.get("/v1/staff/claim-counts", headers=reviewer.headers)
    assert counts.json()["signals"] == 1
    await case.lease()
    await case.judge_all()
    [row] = [each for each in await walk(case.client, reviewer) if each["id"] == case.id]
    assert (row["signals"], row["signal_ahead_hours"], ahead(row)) == (0, 0, timedelta())
    assert await walk(case.client, reviewer, "&signal=true") == []


def ahead(row: dict[str, Any]) -> timedelta:
    promised = datetime.fromisoformat(row["decision_promised_by"])
    return promised - datetime.fromisoformat(row["rank_at"])


async def test_others_see_and_judge_nothing(case: Case, client: httpx.AsyncClient) -> None:
    other = again(case)
    await other.submitted()
    await case.submitted()
    [signal] = (await case.seen())["signals"]
    stranger = (await elsewhere(case)).office.reviewer
    listed = await client.get(f"{case.staff_path}/signals", headers=stranger.headers)
    assert listed.status_code == 404
    assert (await case.judge(signal["id"], reviewer=stranger)).status_code == 404
    assert (await case.judge(signal["id"], reviewer=case.office.caseworker)).status_code == 403
    own = await case.own()
    assert "signals" not in own
    assert "same-event" not in str(own)


async def test_agreed_to_with_an_open_signal_is_a_fault(case: Case, app: FastAPI) -> None:
    await case.submitted()
    await case.approved(**MED)
    assert await faults(app) == {}
    planted = await scalar(
        app.state.database,
        "insert into claim_signal (id, claim_id, kind, evidence_key, evidence, raised_at)"
        " values (gen_random_uuid(), :id, 'same-event', 'x', '{}', now()) returning id",
        id=case.id,
    )
    assert list(await faults(app)) == ["18_signals"]
    judged = (
        "update claim_signal set verdict = 'harmless', judged_by = :who, judged_at = now()"
        " where id = :id returning 1"
    )
    who = case.office.reviewer.account_id
    await scalar(app.state.database, judged, id=planted, who=who)
    assert await faults(app) == {}


async def _approved_to_a_strangers(case: Case, app: FastAPI) -> tuple[str, str]:
    """Agreed to by two; the account is judged to be a stranger's indeed. Its id, and that of
    another one recorded by the member, which has cooled off."""
    account, supervisor = bank_account(), case.office.supervisor
    other = await elsewhere(case)
    await other.post("/v1/me/payout-accounts", other.rider, account)
    first = await case.post("/v1/me/payout-accounts", case.rider, account)
    await case.submitted(case.body("DISAB"))
    await run_jobs(app)
    await case.approved(disability_grade=1)
    assert [each["verdict"] for each in await case.signals()] == ["harmless"]
    await scalar(
        app.state.database,
        "update claim_signal set verdict = 'confirmed' where claim_id = :id returning 1",
        id=case.id,
    )
    second = f"{case.staff_path}/second-approval"
    assert (await case.post(second, supervisor, {"verdict": "approve"})).status_code == 200
    assert (await case.own())["status"] == "approved"
    later = await case.post("/v1/me/payout-accounts", case.rider, bank_account())
    assert later.json()["usable_from"] > first.json()["usable_from"]
    cooled = "update payout_account set usable_from = now() where id = :id returning 1"
    await scalar(app.state.database, cooled, id=later.json()["id"])
    return first.json()["id"], later.json()["id"]


async def chooses(case: Case, account_id: str | None) -> httpx.Response:
    return await case.client.put(
        f"{case.path}/payout-account",
        headers=case.rider.headers,
        json={"payout_account_id": account_id},
    )


async def test_another_account_after_one_in_doubt_is_looked_at_anew(
    case: Case, app: FastAPI
) -> None:
    _, clean = await _approved_to_a_strangers(case, app)
    assert (await chooses(case, clean)).status_code == 200
    await run_jobs(app)
    raised = {each["kind"]: each for each in await case.signals() if each["verdict"] is None}
    # Both ways that are left: the other account, and the wallet.
    assert set(raised) == {"account-after-doubt"}
    asked = await case.post(f"{case.path}/payout", case.rider)
    assert (asked.status_code, asked.json()["code"]) == (409, "account-being-checked")
    assert (await case.own())["status"] == "approved"
    assert await faults(app) == {}
    supervisor = case.office.supervisor
    for each in await case.signals():
        if each["evidence"]["account_ending"] and each["verdict"] is None:
            assert (await case.judge(each["id"], reviewer=supervisor)).status_code == 200
    assert (await case.own())["status"] == "paying"
    assert (
        await scalar(
            app.state.database,
            "select payout_account_id::text from payout where claim_id = :id",
            id=case.id,
        )
        == clean
    )
    assert await faults(app) == {}


async def test_an_account_that_was_confirmed_is_not_paid_by_the_way_round(
    case: Case, app: FastAPI
) -> None:
    """Taken back and recorded once more, it is another row with the same number."""
    shared, clean = await _approved_to_a_strangers(case, app)
    await run_jobs(app)
    for each in (shared, clean):
        path = f"/v1/me/payout-accounts/{each}"
        assert (await case.client.delete(path, headers=case.rider.headers)).status_code == 204
        asked = await case.post(f"{case.path}/payout", case.rider)
        assert asked.json()["code"] in ("account-being-checked", "no-payout-destination")
    assert (await case.own())["status"] == "approved"
    assert (
        await scalar(
            app.state.database, "select count(*) from payout where claim_id = :id", id=case.id
        )
        == 0
    )


async def test_the_wallet_is_a_way_as_well(case: Case, app: FastAPI) -> None:
    account = bank_account()
    other = await elsewhere(case)
    await other.post("/v1/me/payout-accounts", other.rider, account)
    mine = await case.post("/v1/me/payout-accounts", case.rider, account)
    await case.submitted(case.body() | {"payout_account_id": mine.json()["id"]})
    await run_jobs(app)
    assert (await case.lease()).status_code == 200
    await case.accept_all()
    [signal] = await case.signals()
    assert (await case.judge(signal["id"], "confirmed")).status_code == 200
    agreed = await case.decide({"verdict": "approve", "facts": MED})
    assert agreed.json()["status"] == "approved", agreed.text
    assert (await chooses(case, None)).status_code == 200
    asked = await case.post(f"{case.path}/payout", case.rider)
    assert (asked.status_code, asked.json()["code"]) == (409, "account-being-checked")
    [_, wallet] = await case.signals()
    assert (wallet["kind"], wallet["evidence"]["account_ending"]) == ("account-after-doubt", None)
    assert (await case.judge(wallet["id"])).status_code == 200
    assert (await case.payout())["method"] == "wechat"
    assert await faults(app) == {}


async def test_what_one_claim_found_out_the_next_one_knows(case: Case, app: FastAPI) -> None:
    """The stranger gives the number back meanwhile: that makes no friend of them."""
    account, database = bank_account(), app.state.database
    other, bad = await found_out(case, account, SMALL)
    changed = "update payout_account set account_index = :none where person_id = :id returning 1"
    fresh = secrets.token_bytes(16)
    await scalar(database, changed, none=fresh, id=other.rider.person.id)
    clean = (await case.post("/v1/me/payout-accounts", case.rider, bank_account())).json()["id"]
    gone = await case.client.delete(f"/v1/me/payout-accounts/{bad}", headers=case.rider.headers)
    assert gone.status_code == 204
    anew = (await case.post("/v1/me/payout-accounts", case.rider, account)).json()["id"]
    async with database.transaction() as session:
        found = [await found_a_strangers(session, UUID(each)) for each in (bad, anew, clean)]
    assert found == [True, True, False]
    cooled = "update payout_account set usable_from = now() where person_id = :id returning 1"
    await scalar(database, cooled, id=case.rider.person.id)
    for chosen in (anew, clean, None):
        later = again(case)
        await later.submitted(later.body() | {"payout_account_id": chosen})
        raised = [each for each in await later.signals() if each["kind"] == "account-after-doubt"]
        # Both accounts and the wallet, before anybody decides.
        assert [each["verdict"] for each in raised] == [None] * 3
        assert (await later.lease()).status_code == 200
        await later.accept_all()
        refused = await later.decide({"verdict": "approve", "facts": SMALL})
        assert "account-after-doubt" in refused.json()["signals"]
        for each in await later.signals():
            of_account = each["kind"] == "account-after-doubt"
            verdict = "confirmed" if of_account else "harmless"
            if each["verdict"] is None:
                assert (await later.judge(each["id"], verdict)).status_code == 200
        agreed = await later.decide({"verdict": "approve", "facts": SMALL})
        assert agreed.json()["status"] == "approved", agreed.text
        asked = await later.post(f"{later.path}/payout", later.rider)
        assert (asked.status_code, asked.json()["code"]) == (409, "account-being-checked")
    assert await faults(app) == {}


async def test_a_way_that_comes_after_the_word_on_the_others_is_held_at_payment(
    case: Case, app: FastAPI
) -> None:
    """An earlier claim's doubt is judged with the later one; a new account is not covered by it."""
    _, bad = await found_out(case, bank_account(), SMALL)
    later = again(case)
    await later.submitted(later.body() | {"payout_account_id": bad})
    assert (await later.lease()).status_code == 200
    await later.accept_all()
    for each in await later.signals():
        harmless = each["kind"] == "same-event" or each["evidence"]["account_ending"] is None
        verdict = "harmless" if harmless else "confirmed"
        assert (await later.judge(each["id"], verdict)).status_code == 200
    agreed = await later.decide({"verdict": "approve", "facts": SMALL})
    assert agreed.json()["status"] == "approved", agreed.text
    new = (await case.post("/v1/me/payout-accounts", case.rider, bank_account())).json()["id"]
    cooled = "update payout_account set usable_from = now() where id = :id returning 1"
    await scalar(app.state.database, cooled, id=new)
    assert (await chooses(later, new)).status_code == 200
    asked = await later.post(f"{later.path}/payout", later.rider)
    assert (asked.status_code, asked.json()["code"]) == (409, "account-being-checked")
    assert (await chooses(later, None)).status_code == 200
    assert (await later.post(f"{later.path}/payout", later.rider)).status_code == 201
    assert (await later.payout())["method"] == "wechat"
    assert await faults(app) == {}


async def test_a_word_on_one_wallet_is_none_on_the_next(case: Case, app: FastAPI) -> None:
    """The login is tied to another wallet between the word and the money."""
    await found_out(case, bank_account(), MED)
    assert (await chooses(case, None)).status_code == 200
    [_, first] = await case.signals()
    tied = "update member_account set openid_index = :wallet where id = :id returning 1"
    login = case.rider.caller.account_id
    await scalar(app.state.database, tied, wallet=secrets.token_bytes(16), id=login)
    assert (await case.judge(first["id"])).status_code == 200
    asked = await case.post(f"{case.path}/payout", case.rider)
    assert (asked.status_code, asked.json()["code"]) == (409, "account-being-checked")
    [_, _, second] = await case.signals()
    assert (second["kind"], second["verdict"]) == ("account-after-doubt", None)
    assert await faults(app) == {}
    assert (await case.judge(second["id"])).status_code == 200
    assert (await case.payout())["method"] == "wechat"
    assert await faults(app) == {}
