"""Registrations, hand-overs, reports of deaths, uploads and messages in each status."""

from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.documents import uploads
from app.documents.models import UPLOAD, Upload
from app.kernel.clock import business_day, system_now
from app.kernel.principal import SYSTEM
from app.kernel.transitions import Lifecycle, move
from app.notifications.models import DELIVERY, MessageDelivery
from tests.access_fixtures import SignedIn, member_token
from tests.claims.bereaved import Somebody, with_account
from tests.claims.factories import Case, Office, make_case, picture
from tests.cover_fixtures import make_rider
from tests.members.factories import attest, consents, form, name, number, register, start_check
from tests.notifications.outbox import delivery_ids, tell
from tests.walks.walk import Door, Person, Subject, Table


async def moved(
    app: FastAPI, lifecycle: Lifecycle, model: Any, row_id: UUID, way: tuple[str, ...], **more: Any
) -> None:
    """Along real edges, as the worker would; `more` is what it would have found."""
    async with app.state.database.transaction() as session:
        row = await session.get_one(model, row_id, with_for_update=True)
        for column, value in more.items():
            setattr(row, column, value)
        for status in way:
            await move(session, lifecycle, row, status, actor=SYSTEM, at=system_now())


def card(registration: Subject) -> dict[str, Any]:
    return {
        "document": {"number": registration.ids["number"]},
        "name": registration.ids["called"],
    }


REGISTRATIONS = Table(
    "registration",
    {
        "dra": "draft",
        "sub": "submitted",
        "chk": "checking",
        "com": "completed",
        "aba": "abandoned",
    },
    {
        "rx": "registration-exists",
        "ar": "already-registered",
        "rc": "registration-checking",
        "ri": "registration-incomplete",
        "ic": "identity-check-running",
        "nf": "not-found",
    },
    {
        "openRegistration": Door("member", lambda each: form(number(), each.ids["called"])),
        "resumeRegistration:name": Door("member", lambda each: {"name": each.ids["called"]}),
        "resumeRegistration:whole": Door(
            "member", lambda each: form(each.ids["number"], each.ids["called"])
        ),
        "abandonRegistration": Door("member"),
        "requestIdentityCheck": Door("member"),
        "withdrawConsent": Door("member"),
        "attestRegistration": Door("caseworker", card),
    },
    """
                           dra sub chk com aba
openRegistration           rx  rx  rx  ar  .
resumeRegistration:name    +   +   rc  nf  nf
resumeRegistration:whole   sub +   rc  nf  nf
abandonRegistration        aba aba aba nf  nf
requestIdentityCheck       ri  chk ic  nf  nf
withdrawConsent            +   dra dra +   +
attestRegistration         ri  com com nf  nf
""",
)


async def registration_in_each_status(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn
) -> dict[str, Subject]:
    found = {}
    for head in REGISTRATIONS.heads:
        member, document, called = await member_token(app), number(), name()
        if head == "dra":
            body = {"name": called, "consents": consents()}
            answer = await client.post("/v1/me/registration", headers=member.keyed, json=body)
            assert answer.status_code == 201, answer.text
            made = answer.json()
        else:
            made = await register(client, member, document, called, "face")
        if head == "chk":
            await start_check(client, member)
        if head == "com":
            done = await attest(client, caseworker, made["id"], document, called)
            assert done.status_code == 201, done.text
        if head == "aba":
            answer = await client.delete("/v1/me/registration", headers=member.headers)
            assert answer.status_code == 204, answer.text
        people: dict[str, Person] = {"member": member, "caseworker": caseworker}
        ids = {"number": document, "called": called, "purpose": "identity_number"}
        found[head] = Subject(made["id"], people, ids)
    return found


HANDOVERS = Table(
    "claim_handover",
    {"off": "offered", "acc": "accepted", "dec": "declined", "lap": "lapsed"},
    {"hl": "handover-lapsed"},
    {
        "answerClaimHandover:accept": Door("colleague", {"answer": "accept"}),
        "answerClaimHandover:decline": Door("colleague", {"answer": "decline"}),
    },
    """
                            off acc dec lap
answerClaimHandover:accept  acc =   hl  hl
answerClaimHandover:decline dec hl  =   hl
""",
)


async def handover_in_each_status(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> dict[str, Subject]:
    found = {}
    for head in HANDOVERS.heads:
        case = await make_case(app, client, office)
        await case.submitted()
        assert (await case.lease()).status_code == 200
        handover_id = await _offered(case, office.reviewer)
        if head == "lap":
            # The lease ran out, another took the claim and offers it in turn.
            await _let_run_out(case)
            assert (await case.lease(office.supervisor)).status_code == 200
            await _offered(case, office.supervisor)
        if head in ("acc", "dec"):
            word = {"acc": "accept", "dec": "decline"}[head]
            answer = await client.put(
                f"/v1/staff/claim-handovers/{handover_id}/answer",
                headers=office.another_reviewer.headers,
                json={"answer": word},
            )
            assert answer.status_code == 200, answer.text
        found[head] = Subject(handover_id, {"colleague": office.another_reviewer})
    return found


async def _offered(case: Case, who: SignedIn) -> str:
    to = {"to_staff_id": str(case.office.another_reviewer.account_id)}
    answer = await case.post(f"{case.staff_path}/handovers", who, to)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _let_run_out(case: Case) -> None:
    async with case.app.state.database.transaction() as session:
        await session.execute(
            text("update claim set lease_until = now() where id = :id"), {"id": case.id}
        )


DEATHS = Table(
    "death_report",
    {"rep": "reported", "con": "confirmed", "dec": "declined", "wdn": "withdrawn"},
    {"ra": "death-report-answered", "rb": "death-reported-before"},
    {
        "answerDeathReport:confirm": Door("caseworker", {"verdict": "confirm", "note": "已核实"}),
        "answerDeathReport:decline": Door("caseworker", {"verdict": "decline", "note": "健在"}),
        "withdrawDeathReport": Door("supervisor", {"reason": "同名误登记"}),
        "recordDeath": Door("caseworker", lambda report: recorded_death(report.ids["person_id"])),
    },
    """
                            rep con dec wdn
answerDeathReport:confirm   con ra  ra  ra
answerDeathReport:decline   dec ra  ra  ra
withdrawDeathReport         ra  wdn ra  ra
recordDeath                 +   rb  +   +
""",
)


def recorded_death(person_id: str) -> dict[str, Any]:
    today = business_day(system_now()).isoformat()
    return {"person_id": person_id, "died_on": today, "evidence": "死亡医学证明"}


async def death_in_each_status(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> dict[str, Subject]:
    spouse, found = await with_account(app, "王梅"), {}
    for head in DEATHS.heads:
        dead = await with_account(app, "张三", organisation_id=office.organisation.id)
        report_id = await _reported(client, spouse, dead)
        path = f"/v1/staff/death-reports/{report_id}"
        verdicts = {"con": "confirm", "wdn": "confirm", "dec": "decline"}
        if head in verdicts:
            word = {"verdict": verdicts[head], "note": "已核实"}
            headers = office.caseworker.keyed
            answer = await client.post(f"{path}/answer", headers=headers, json=word)
            assert answer.status_code == 200, answer.text
        if head == "wdn":
            body, headers = {"reason": "同名误登记"}, office.supervisor.keyed
            answer = await client.post(f"{path}/withdrawal", headers=headers, json=body)
            assert answer.status_code == 200, answer.text
        assert dead.rider is not None
        found[head] = Subject(
            report_id,
            {"caseworker": office.caseworker, "supervisor": office.supervisor},
            {"person_id": str(dead.rider.person.id)},
        )
    return found


async def _reported(client: httpx.AsyncClient, spouse: Somebody, dead: Somebody) -> str:
    assert spouse.rider is not None
    body = {
        "name": dead.name,
        "document": dead.document,
        "died_on": business_day(system_now()).isoformat(),
        "relation": "spouse",
    }
    answer = await client.post("/v1/me/death-reports", headers=spouse.rider.keyed, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _chunk(upload: Subject) -> dict[str, Any]:
    headers = {"Content-Type": "application/octet-stream"}
    return {"content": bytes.fromhex(upload.ids["content"]), "headers": headers}


UPLOADS = Table(
    "upload",
    {"rcv": "receiving", "fin": "finished", "ref": "refused", "exp": "expired"},
    {"uc": "upload-closed", "ue": "upload-expired"},
    {
        "putChunk": Door("nobody", form=_chunk),
        "finishClaimUpload": Door("member"),
    },
    """
                            rcv fin ref exp
putChunk                    =   =   =   ue
finishClaimUpload           fin =   uc  ue
""",
)


async def upload_in_each_status(app: FastAPI, client: httpx.AsyncClient) -> dict[str, Subject]:
    """All of them complete."""
    found = {}
    for head in UPLOADS.heads:
        case, content = await make_case(app, client), picture()
        claim = await case.open()
        body = {"kind": "medical_record", "bytes": len(content)}
        opened = (await case.post(f"{case.path}/uploads", case.rider, body)).json()
        async with app.state.database.transaction() as session:
            upload_id = await session.scalar(
                text("select id from upload where subject_id = :id"), {"id": claim["id"]}
            )
        ids = {"token": opened["token"], "offset": "0", "content": content.hex()}
        made = Subject(
            str(upload_id), {"member": case.rider, "nobody": None}, ids | {"claim_id": case.id}
        )
        sent = await client.put(f"{opened['url']}/0", **_chunk(made))
        assert sent.status_code == 200, sent.text
        if head == "fin":
            finish = f"{case.path}/uploads/{opened['token']}/finish"
            assert (await client.post(finish, headers=case.rider.headers)).status_code == 200
        if head == "ref":
            await uploads.refuse(app.state.desk, upload_id, "hash-mismatch", SYSTEM)
        if head == "exp":
            await moved(app, UPLOAD, Upload, upload_id, ("expired",))
        found[head] = made
    return found


DELIVERIES = Table(
    "message_delivery",
    {"que": "queued", "snd": "sending", "sen": "sent", "fai": "failed", "dro": "dropped"},
    {"na": "message-not-sent-again"},
    {"sendMessageAgain": Door("caseworker")},
    """
                            que snd sen fai dro
sendMessageAgain            na  na  na  que na
""",
)
_SENT = {
    "que": (),
    "snd": ("sending",),
    "sen": ("sending", "sent"),
    "fai": ("failed",),
    "dro": ("dropped",),
}


async def delivery_in_each_status(app: FastAPI, office: Office) -> dict[str, Subject]:
    found = {}
    for head in DELIVERIES.heads:
        rider = await make_rider(app, organisation_id=office.organisation.id)
        await tell(app, rider.person.id)
        [delivery_id] = await delivery_ids(app.state.database, rider.person.id)
        await moved(app, DELIVERY, MessageDelivery, delivery_id, _SENT[head])
        found[head] = Subject(str(delivery_id), {"caseworker": office.caseworker})
    return found
