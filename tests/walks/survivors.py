"""Survivors' claims in each status that papers can come in, and what each door does with them."""

from dataclasses import replace
from typing import Any

import httpx
from fastapi import FastAPI

from tests.claims.bereaved import PAPERS, Bereaved, Somebody, with_account
from tests.claims.factories import Office, make_case, picture
from tests.walks.claims_table import DOORS as OF_CLAIMS
from tests.walks.claims_table import HEADS, LEGEND
from tests.walks.claims_world import card, paper
from tests.walks.walk import Door, Subject, Table

# `lat` was the member's own when the member died: the widow has come, and nothing is proven.
# In `rev` and `wai` her kinship is proven by the second of her own papers; in `app` by that of
# the office, and she waits for an account.
CELLS = """
                               dra lat rev wai app den
sendClaimDocument:proof        +   +   +   +   +   dc
sendClaimDocument:record       +   dc  dc  +   dc  dc
takeBackClaimDocument:theirs   df  df  df  df  df  dc
takeBackClaimDocument:own      +   +   +   +   +   dc
takeBackClaimDocument:proven   .   .   dc  +   .   dc
submitReceivedClaim            sub =   =   sub it  it
withdrawClaim                  fb  fb  fb  fb  fb  fb
enterClaimants                 +   cc  cc  +   +   cc
recordClaimantAccount          +   +   +   +   +   cc
proveClaimantKinship           nr  ln  +   nr  +   nr
resumeClaimClock               =   =   =   =   =   =
returnClaimDocument            nr  ln  wai +   nr  nr
requestClaimPayout             it  it  it  it  nd  it
"""


def _heirs(_: Subject) -> dict[str, Any]:
    return {"claimants": [Somebody("李小").claimant("child", share_percent=100)]}


def _proof(claim: Subject) -> dict[str, Any]:
    return paper(replace(claim, ids={"kind": "kinship_proof"}))


TABLE = Table(
    "survivors' claim",
    HEADS | {"lat": "submitted"},
    LEGEND
    | {
        "df": "claim-document-not-found",
        "fb": "forbidden",
        "cc": "claimants-closed",
        "nd": "no-payout-destination",
    },
    {
        "sendClaimDocument:proof": Door("member", form=_proof),
        "sendClaimDocument:record": Door("member", form=paper),
        "takeBackClaimDocument:theirs": Door("member"),
        "takeBackClaimDocument:own": Door("member"),
        "takeBackClaimDocument:proven": Door("member"),
        "submitReceivedClaim": Door("caseworker"),
        "withdrawClaim": Door("member"),
        "enterClaimants": Door("caseworker", _heirs),
        "recordClaimantAccount": Door("caseworker", lambda _: card()),
        "proveClaimantKinship": Door("reviewer", lambda claim: {"document_id": claim.ids["own"]}),
        "resumeClaimClock": OF_CLAIMS["resumeClaimClock"],
        "returnClaimDocument": OF_CLAIMS["returnClaimDocument"],
        "requestClaimPayout": OF_CLAIMS["requestClaimPayout"],
    },
    CELLS,
    "claim",
)


async def in_each_status(
    app: FastAPI, client: httpx.AsyncClient, office: Office
) -> dict[str, Subject]:
    """The widow has a login of her own; what is paid for a death is too much for her wallet."""
    return {head: await _claim(app, client, office, head) for head in TABLE.heads}


async def _claim(app: FastAPI, client: httpx.AsyncClient, office: Office, head: str) -> Subject:
    bereaved = Bereaved(await make_case(app, client, office), app)
    case, widow = bereaved.case, await with_account(app, "王梅")
    if head == "lat":
        await case.submitted()
    await bereaved.died()
    if head != "lat":
        await bereaved.open()
    entered = await bereaved.enter(widow.claimant(share_percent=100))
    assert entered.status_code == 200, entered.text
    if head != "lat":
        await bereaved.send(*PAPERS)
    theirs = [file for each in (await case.seen())["documents"] for file in each["files"]]
    own, proven = "", ""
    if head != "app":
        own, proven = await _sent(bereaved, widow), await _sent(bereaved, widow)
    if head in ("rev", "wai", "den"):
        await _reviewed(bereaved, head, [each["id"] for each in theirs], proven)
    if head == "app":
        assert (await bereaved.approved())["status"] == "approved"
        own = await _sent(bereaved, widow)
    return Subject(
        case.id,
        {
            "member": widow.rider,
            "caseworker": office.caseworker,
            "reviewer": office.reviewer,
        },
        {
            "kind": "medical_record" if head == "lat" else "death_certificate",
            "own": own,
            "claimant_id": (await case.seen())["claimants"][0]["id"],
            "document_id": theirs[0]["id"],
            "takeBackClaimDocument:own.document_id": own,
            "takeBackClaimDocument:proven.document_id": proven,
        },
    )


async def _sent(bereaved: Bereaved, widow: Somebody) -> str:
    """A proof of kinship that the widow sends herself; its id."""
    assert widow.rider is not None
    answer = await bereaved.client.post(
        f"{bereaved.case.path}/documents",
        headers=widow.rider.keyed,
        data={"kind": "kinship_proof"},
        files={"file": ("a.jpg", picture(), "image/jpeg")},
    )
    assert answer.status_code == 201, answer.text
    [proofs] = [
        [file["id"] for file in each["files"]]
        for each in answer.json()["documents"]
        if each["kind"] == "kinship_proof"
    ]
    return str(max(proofs))


async def _reviewed(bereaved: Bereaved, head: str, theirs: list[str], proven: str) -> None:
    case, reviewer = bereaved.case, bereaved.case.office.reviewer
    assert (await bereaved.submit()).status_code == 200
    assert (await case.lease()).status_code == 200
    view = await case.seen()
    path = f"{case.staff_path}/claimants/{view['claimants'][0]['id']}/kinship"
    answer = await case.client.put(path, headers=reviewer.headers, json={"document_id": proven})
    assert answer.status_code == 200, answer.text
    if head == "den":
        no = {"verdict": "deny", "reason_code": "not-an-accident"}
        assert (await case.decide(no)).status_code == 200
    if head == "wai":
        path = f"{case.staff_path}/documents/{theirs[1]}/return"
        answer = await case.post(path, reviewer, {"reason_code": "unreadable"})
        assert answer.status_code == 200, answer.text
        await bereaved.send("kinship_proof")
