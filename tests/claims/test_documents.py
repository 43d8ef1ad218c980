"""A claim's documents over HTTP: chunks, forms, refusals at once, one receipt once."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.access_fixtures import member_token
from tests.claims.factories import Case, make_case, picture
from tests.cover_fixtures import scalar
from tests.documents.hostile import one_hostile

pytestmark = pytest.mark.anyio

OCTETS = {"Content-Type": "application/octet-stream"}


async def upload(case: Case, kind: str, content: bytes, chunk: int = 700) -> str:
    """Send in chunks; the token."""
    opened = await case.post(
        f"{case.path}/uploads",
        case.rider,
        {"kind": kind, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()},
    )
    assert opened.status_code == 201, opened.text
    for start in range(0, len(content), chunk):
        part = content[start : start + chunk]
        answer = await case.client.put(
            f"{opened.json()['url']}/{start}", content=part, headers=OCTETS
        )
        assert answer.status_code == 200, answer.text
    return str(opened.json()["token"])


async def finish(case: Case, token: str) -> httpx.Response:
    return await case.post(f"{case.path}/uploads/{token}/finish", case.rider)


def files(view: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    found = next(each for each in view["documents"] if each["kind"] == kind)
    return list(found["files"])


async def test_in_chunks(case: Case) -> None:
    await case.open()
    token = await upload(case, "receipt", picture())
    done = await finish(case, token)
    assert done.status_code == 200, done.text
    (file,) = files(done.json(), "receipt")
    assert (file["media_type"], file["status"]) == ("image/jpeg", "waiting")
    again = await finish(case, token)
    assert files(again.json(), "receipt") == [file]


async def test_finishing_twice_at_once_makes_one_document(case: Case) -> None:
    await case.open()
    token = await upload(case, "receipt", picture())
    answers = await asyncio.gather(*(finish(case, token) for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len(files(await case.own(), "receipt")) == 1


async def test_an_unfinished_upload_says_where_to_go_on(case: Case) -> None:
    await case.open()
    opened = await case.post(f"{case.path}/uploads", case.rider, {"kind": "receipt", "bytes": 9})
    answer = await finish(case, opened.json()["token"])
    assert (answer.status_code, answer.json()["expected_offset"]) == (409, 0)


@pytest.mark.parametrize(
    "name", ["empty", "svg", "jpeg cut at 60%", "scripted pdf", "encrypted pdf", "jpeg and zip"]
)
async def test_bad_files_are_refused_at_once_with_the_reason(case: Case, name: str) -> None:
    await case.open()
    content, reasons = one_hostile(name)
    sent = await case.send("receipt", content)
    assert sent.status_code == 422
    assert sent.json()["reason_code"] in reasons
    assert sent.json()["detail"]
    if content:
        token = await upload(case, "receipt", content, chunk=200_000)
        refused = await finish(case, token)
        assert (refused.status_code, refused.json()["code"]) == (422, "document-refused")
        assert (await finish(case, token)).json()["code"] == "upload-closed"
    assert files(await case.own(), "receipt") == []


async def test_a_kind_nobody_asked_for(case: Case) -> None:
    await case.open()
    for kind in ("death_certificate", "identity", "selfie", ""):
        answer = await case.send(kind)
        assert answer.status_code == 422, kind
    answer = await case.post(f"{case.path}/uploads", case.rider, {"kind": "selfie", "bytes": 1})
    assert answer.status_code == 422
    big = {"kind": "receipt", "bytes": 20 * 1024 * 1024 + 1}
    assert (await case.post(f"{case.path}/uploads", case.rider, big)).status_code == 422


async def test_the_same_file_for_two_kinds(case: Case) -> None:
    await case.open()
    content = picture()
    assert (await case.send("receipt", content)).status_code == 201
    again = await case.send("receipt", content)
    assert len(files(again.json(), "receipt")) == 1
    other = await case.send("medical_record", content)
    assert (other.status_code, other.json()["code"]) == (422, "same-file")


async def send_form(
    case: Case, headers: dict[str, str], kind: str, content: bytes
) -> httpx.Response:
    return await case.client.post(
        f"{case.path}/documents",
        headers=headers,
        data={"kind": kind},
        files={"file": ("a.jpg", content, "image/jpeg")},
    )


async def test_a_form_sent_again_with_its_key(case: Case) -> None:
    """Equal forms differ in their bytes, by the boundary; what they hold is compared."""
    await case.open()
    headers, content = case.rider.keyed, picture()
    first = await send_form(case, headers, "receipt", content)
    assert first.status_code == 201, first.text
    again = await send_form(case, headers, "receipt", content)
    assert first.request.headers["content-type"] != again.request.headers["content-type"]
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    for kind, other in (("receipt", picture()), ("medical_record", content)):
        changed = await send_form(case, headers, kind, other)
        assert (changed.status_code, changed.json()["code"]) == (422, "idempotency-key-reused")
    own = await case.own()
    assert [len(files(own, kind)) for kind in ("receipt", "medical_record")] == [1, 0]


async def test_a_form_sent_many_times_at_once(case: Case, app: FastAPI) -> None:
    await case.open()
    headers, content = case.rider.keyed, picture()
    copies = (send_form(case, headers, "receipt", content) for _ in range(6))
    answers = await asyncio.gather(*copies)
    refused = {each.json()["code"] for each in answers if each.status_code == 409}
    assert refused <= {"request-in-flight"}
    done = [each for each in answers if each.status_code != 409]
    assert {each.status_code for each in done} == {201}
    assert len({each.content for each in done}) == 1
    assert sum("idempotency-replayed" not in each.headers for each in done) == 1
    count = "select count(*) from claim_document where claim_id = :claim"
    assert await scalar(app.state.database, count, claim=case.id) == 1


async def test_a_refused_file_leaves_its_key_free(case: Case) -> None:
    await case.open()
    headers = case.rider.keyed
    assert (await send_form(case, headers, "receipt", b"nonsense")).status_code == 422
    assert (await send_form(case, headers, "receipt", picture())).status_code == 201


async def test_one_receipt_pays_once(case: Case, app: FastAPI, client: httpx.AsyncClient) -> None:
    other = await make_case(app, client)
    await case.open()
    await other.open()
    content = picture()
    assert (await case.send("receipt", content)).status_code == 201
    copied = await other.send("receipt", content)
    assert (copied.status_code, copied.json()["code"]) == (409, "receipt-used")
    printed: dict[str, Any] = {
        "code": "0500019",
        "number": f"N{case.id[-12:]}",
        "amount_fen": 100,
        "issued_on": "2026-11-20",
    }
    first = await case.post(f"{case.path}/receipts", case.rider, printed)
    again = await case.post(f"{case.path}/receipts", case.rider, printed)
    assert len(first.json()["receipts"]) == len(again.json()["receipts"]) == 1
    lower = printed | {"number": printed["number"].lower()}
    stolen = await other.post(f"{other.path}/receipts", other.rider, lower)
    assert (stolen.status_code, stolen.json()["code"]) == (409, "receipt-used")
    await client.post(f"{case.path}/withdrawal", headers=case.rider.headers)
    freed = await other.post(f"{other.path}/receipts", other.rider, lower)
    assert freed.status_code == 200


async def test_a_receipt_claimed_twice_at_once(
    case: Case, app: FastAPI, client: httpx.AsyncClient
) -> None:
    other = await make_case(app, client)
    await case.open()
    await other.open()
    printed = {"number": f"R{case.id[-12:]}", "amount_fen": 1, "issued_on": "2026-11-20"}
    answers = await asyncio.gather(
        *(each.post(f"{each.path}/receipts", each.rider, printed) for each in (case, other))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_documents_are_closed_during_review(case: Case) -> None:
    await case.submitted()
    answer = await case.send("receipt")
    assert (answer.status_code, answer.json()["code"]) == (409, "documents-closed")
    file = files(await case.own(), "receipt")[0]
    gone = await case.client.delete(
        f"{case.path}/documents/{file['id']}", headers=case.rider.headers
    )
    assert gone.status_code == 409


async def test_taking_a_document_back(case: Case) -> None:
    await case.open()
    file = files((await case.send("receipt")).json(), "receipt")[0]
    path = f"{case.path}/documents/{file['id']}"
    assert (await case.client.delete(path, headers=case.rider.headers)).status_code == 204
    assert (await case.client.delete(path, headers=case.rider.headers)).status_code == 404
    assert files(await case.own(), "receipt") == []


async def test_nobody_uploads_without_a_token(case: Case) -> None:
    """The caller is known before a byte of the body is read."""
    await case.open()
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100_000):
            sent += 1
            yield bytes(65_536)

    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = await case.client.post(
            f"{case.path}/documents",
            headers=headers | {"Content-Type": "multipart/form-data; boundary=x"},
            content=endless(),
        )
        assert answer.status_code == 401
    unkeyed = await case.client.post(
        f"{case.path}/documents",
        headers=case.rider.headers | {"Content-Type": "multipart/form-data; boundary=x"},
        content=endless(),
    )
    assert (unkeyed.status_code, unkeyed.json()["code"]) == (400, "missing-idempotency-key")
    stranger = await member_token(case.app)
    answer = await case.client.post(
        f"{case.path}/documents",
        headers=stranger.keyed,
        data={"kind": "receipt"},
        files={"file": ("a.jpg", picture(), "image/jpeg")},
    )
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x", 422),
        (b"", "multipart/form-data", 400),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 422),
        (bytes(9 * 1024 * 1024), "multipart/form-data; boundary=x", 413),
    ],
)
async def test_bad_forms(case: Case, content: bytes, content_type: str, status: int) -> None:
    await case.open()
    answer = await case.client.post(
        f"{case.path}/documents",
        headers=case.rider.keyed | {"Content-Type": content_type},
        content=content,
    )
    assert answer.status_code == status, answer.text


async def test_looking_at_a_document_is_recorded(case: Case, app: FastAPI) -> None:
    await case.submitted()
    file = files(await case.seen(), "medical_record")[0]
    path = f"{case.staff_path}/documents/{file['id']}/view"
    link = await case.post(path, case.office.reviewer, {"variant": "thumbnail"})
    assert link.status_code == 200, link.text
    shown = await case.client.get(link.json()["url"])
    assert shown.content.startswith(b"\xff\xd8")
    assert (await case.client.get(link.json()["url"])).status_code == 410
    read = await scalar(
        app.state.database,
        "select count(*) from audit_entry where action = 'document.read' and actor_id = :reviewer"
        " and on_behalf_of = :person",
        reviewer=case.office.reviewer.account_id,
        person=case.rider.person.id,
    )
    assert read == 1
