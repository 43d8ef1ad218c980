"""One claim in each status, with the people and papers that every door to claims needs."""

import secrets
from datetime import timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.clock import business_day, system_now
from tests.claims.factories import Case, Office, make_case, picture, poll, run_jobs
from tests.claims.test_life import MED
from tests.simulators_fixture import Simulators
from tests.walks.walk import Person, Subject


async def claim_in_each_status(
    app: FastAPI, client: httpx.AsyncClient, office: Office, simulators: Simulators
) -> dict[str, Subject]:
    """By the columns of the table of claims."""
    found = {}
    for head, bring in _WAYS.items():
        case = await make_case(app, client, office)
        made = await _drafted(case, "DISAB" if head == "sec" else "MED")
        await bring(case, simulators)
        found[head] = await _subject(case, head, made)
    return found


async def _drafted(case: Case, benefit: str) -> dict[str, str]:
    """A draft with every paper, a receipt from before the event, and two uploads under way."""
    other = (await case.open())["id"]
    opened = await case.open(case.body(benefit))
    early = business_day(system_now() - timedelta(days=3)).isoformat()
    assert (await case.receipt(issued_on=early)).status_code == 200
    kinds = [each["kind"] for each in opened["documents"] if each["state"] == "missing"]
    await case.complete(tuple(kinds))
    return {
        "other": other,
        "finishClaimUpload.token": await _upload(case, case.path, case.rider),
        "finishReceivedUpload.token": await _upload(case, case.staff_path, case.office.caseworker),
    }


async def _upload(case: Case, path: str, who: Any) -> str:
    content = picture()
    body = {"kind": "medical_record", "bytes": len(content)}
    opened = await case.post(f"{path}/uploads", who, body)
    assert opened.status_code == 201, opened.text
    sent = await case.client.put(
        f"{opened.json()['url']}/0",
        content=content,
        headers={"Content-Type": "application/octet-stream"},
    )
    assert sent.status_code == 200, sent.text
    return str(opened.json()["token"])


async def _subject(case: Case, head: str, made: dict[str, str]) -> Subject:
    view = await case.own()
    files = [
        file["id"]
        for each in view["documents"]
        if each["kind"] != "medical_record"
        for file in each["files"]
    ]
    signals = await case.signals()
    above = head == "apl"
    return Subject(
        case.id,
        {
            "member": case.rider,
            "caseworker": case.office.caseworker,
            "reviewer": await case.above("reviewer") if above else case.office.reviewer,
            "supervisor": await case.above("supervisor") if above else case.office.supervisor,
        },
        made
        | {
            "document_id": files[0],
            "receipt_id": view["receipts"][0]["id"] if view["receipts"] else case.id,
            "signal_id": signals[0]["id"] if signals else case.id,
            "claimant_id": case.id,
            "colleague": str(case.office.another_reviewer.account_id),
        },
    )


async def _draft(case: Case, _: Simulators) -> None:
    """It is one."""


async def _submitted(case: Case, _: Simulators) -> None:
    await case.submit()


async def _under_review(case: Case, _: Simulators) -> None:
    await case.submit()
    assert (await case.lease()).status_code == 200
    await case.accept_all()
    await case.judge_all()


async def _waiting(case: Case, _: Simulators) -> None:
    """One paper went back and came again; the reviewer still holds the claim."""
    await case.submit()
    assert (await case.lease()).status_code == 200
    papers = (await case.seen())["documents"]
    [record] = [each for each in papers if each["kind"] == "medical_record"]
    answer = await case.post(
        f"{case.staff_path}/documents/{record['files'][0]['id']}/return",
        case.office.reviewer,
        {"reason_code": "unreadable"},
    )
    assert answer.status_code == 200, answer.text
    assert (await case.send("medical_record")).status_code == 201


async def _second(case: Case, _: Simulators) -> None:
    await case.submit()
    await case.approved(disability_grade=1)


async def _approved(case: Case, simulators: Simulators) -> None:
    """Its money came back unconfirmed."""
    await _paying(case, simulators)
    async with case.app.state.database.transaction() as session:
        number = await session.scalar(
            text("select out_bill_no from payout where claim_id = :id"), {"id": case.id}
        )
    simulators.control("transfers/expire", out_bill_no=number, behaviour="dropped")
    await poll(case.app)


async def _paying(case: Case, _: Simulators) -> None:
    await case.submit()
    await case.approved(**MED)
    await run_jobs(case.app)


async def _paid(case: Case, simulators: Simulators) -> None:
    await _paying(case, simulators)
    await case.received(simulators)


async def _denied(case: Case, _: Simulators) -> None:
    await case.submit()
    await case.denied()


async def _appealed(case: Case, simulators: Simulators) -> None:
    await _denied(case, simulators)
    assert (await case.appeal()).status_code == 201


async def _reopened(case: Case, simulators: Simulators) -> None:
    await _denied(case, simulators)
    assert (await case.reopen()).status_code == 201


async def _withdrawn(case: Case, _: Simulators) -> None:
    answer = await case.post(f"{case.path}/withdrawal", case.rider)
    assert answer.status_code == 200, answer.text


_WAYS = {
    "dra": _draft,
    "sub": _submitted,
    "rev": _under_review,
    "wai": _waiting,
    "sec": _second,
    "app": _approved,
    "pyg": _paying,
    "pai": _paid,
    "den": _denied,
    "apl": _appealed,
    "reo": _reopened,
    "wdn": _withdrawn,
}


def paper(subject: Subject) -> dict[str, Any]:
    """A new file of the subject's kind, as a form."""
    kind = subject.ids.get("kind", "medical_record")
    return {"data": {"kind": kind}, "files": {"file": ("a.jpg", picture(), "image/jpeg")}}


def card() -> dict[str, Any]:
    """An account that nobody else has."""
    return {
        "account_number": f"6222{secrets.randbelow(10**12):012d}1",
        "account_name": "王梅",
        "bank_code": "ICBC",
    }


async def paper_in_each_status(case: Case) -> dict[str, Subject]:
    """Four papers of one claim, which its reviewer holds and which waits for its member."""
    await case.open()
    ids: dict[str, str] = {}
    for head, kind in (
        ("acc", "medical_record"),
        ("ret", "medical_record"),
        ("wai", "receipt"),
        ("rep", "receipt"),
    ):
        sent = await case.send(kind)
        assert sent.status_code == 201, sent.text
        files = [file["id"] for each in sent.json()["documents"] for file in each["files"]]
        [ids[head]] = [each for each in files if each not in ids.values()]
    taken = f"{case.path}/documents/{ids['rep']}"
    await case.client.delete(taken, headers=case.rider.headers)
    await case.submit()
    assert (await case.lease()).status_code == 200
    for head, act in (("acc", "acceptance"), ("ret", "return")):
        answer = await case.post(
            f"{case.staff_path}/documents/{ids[head]}/{act}",
            case.office.reviewer,
            {"reason_code": "unreadable"} if act == "return" else None,
        )
        assert answer.status_code == 200, answer.text
    people: dict[str, Person] = {"member": case.rider, "reviewer": case.office.reviewer}
    return {
        head: Subject(paper_id, people, {"claim_id": case.id, "document_id": paper_id})
        for head, paper_id in ids.items()
    }
