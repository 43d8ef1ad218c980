"""Registering: typing claims, proof attaches, nothing is revealed."""

import asyncio
import secrets
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from app.kernel.clock import business_day, system_now
from app.kernel.database import Database
from app.kernel.jobs import JobContext
from app.kernel.vault import Vault
from app.members.documents import DocumentNumber, parse_document_number
from app.members.jobs import forget_stale
from app.members.matching import Identity, new_person
from app.members.models import Member, Person, Registration
from app.organisations.models import Organisation
from tests.access_fixtures import SignedIn, member_token, staff_token
from tests.members.factories import attest, consents, form, keyed, name, number, register

pytestmark = pytest.mark.anyio


async def persons_of(database: Database, vault: Vault, document_number: str) -> list[Person]:
    candidates = vault.blind_index_candidates("document", document_number)
    async with database.transaction() as session:
        found = select(Person).where(Person.document_index.in_(candidates))
        return list((await session.scalars(found)).all())


async def on_roster(app: FastAPI, document_number: str, called: str) -> Person:
    """A person pre-registered by a roster."""
    now = system_now()
    document = parse_document_number(document_number, today=business_day(now))
    assert isinstance(document, DocumentNumber)
    person = new_person(app.state.vault, Identity(called, document), now=now)
    async with app.state.database.transaction() as session:
        session.add(person)
    return person


async def test_a_half_finished_one_resumes_on_another_device(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    rider = await member_token(app)
    answer = await client.post("/v1/me/registration", headers=keyed(rider), json={"name": "张 三"})
    assert answer.status_code == 201
    assert answer.json()["status"] == "draft"
    assert answer.json()["missing"] == [
        "document",
        "consent:service_terms",
        "consent:personal_information",
        "consent:identity_number",
    ]
    again = await member_token(app, phone=rider.phone)
    seen = await client.get("/v1/me/registration", headers=again.headers)
    assert (seen.json()["id"], seen.json()["name_masked"]) == (answer.json()["id"], "张*")
    typed = number(sex="female").lower()
    rest = {"document": {"number": f" {typed[:6]} {typed[6:]} "}, "consents": consents()}
    done = await client.patch("/v1/me/registration", headers=again.headers, json=rest)
    assert done.status_code == 200, done.text
    assert (done.json()["status"], done.json()["missing"]) == ("submitted", [])
    assert done.json()["document"]["sex"] == "female"
    assert typed.upper() not in done.text
    assert done.json()["document"]["number_masked"].endswith(typed[-4:].upper())


async def test_one_at_a_time(app: FastAPI, client: httpx.AsyncClient) -> None:
    rider = await member_token(app)
    answers = await asyncio.gather(
        *(
            client.post("/v1/me/registration", headers=keyed(rider), json={"name": "李四"})
            for _ in range(5)
        )
    )
    assert sorted(a.status_code for a in answers) == [201, 409, 409, 409, 409]
    codes = {a.json()["code"] for a in answers if a.status_code == 409}
    assert codes == {"registration-exists"}


async def test_abandoning_forgets_and_frees(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    rider = await member_token(app)
    view = await register(client, rider, number(), name())
    gone = await client.delete("/v1/me/registration", headers=rider.headers)
    assert gone.status_code == 204
    async with database.transaction() as session:
        row = await session.get_one(Registration, view["id"])
        assert (row.status, row.document_index) == ("abandoned", None)
        assert app.state.vault.open("registration", row.id, row.sealed) == {}
    for method in ("GET", "DELETE"):
        answer = await client.request(method, "/v1/me/registration", headers=rider.headers)
        assert answer.status_code == 404
    again = await client.post("/v1/me/registration", headers=keyed(rider), json={})
    # The consents given before still stand: only name and document are missing.
    assert again.json()["missing"] == ["name", "document"]


async def test_every_fault_of_the_form_at_once(app: FastAPI, client: httpx.AsyncClient) -> None:
    rider = await member_token(app)
    body = {"name": "张3", "document": {"number": "110105194912310021"}}
    answer = await client.post("/v1/me/registration", headers=keyed(rider), json=body)
    assert answer.status_code == 422
    found = {(e["pointer"], e["code"]) for e in answer.json()["errors"]}
    assert found == {
        ("/name", "name-character"),
        ("/document/number", "document-check-character"),
    }
    assert "110105194912310021" not in answer.text


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"type": "passport", "number": "E1234567"}, "/document/issuing_country"),
        ({"number": "11010520991231002X"}, "/document/number"),
        ({"number": "11010519491231002X", "sex": "male"}, "/document/sex"),
    ],
)
async def test_a_fault_names_its_field(
    app: FastAPI, client: httpx.AsyncClient, document: dict[str, str], pointer: str
) -> None:
    rider = await member_token(app)
    answer = await client.post(
        "/v1/me/registration", headers=keyed(rider), json={"document": document}
    )
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


async def test_another_version_of_a_text_is_refused(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    rider = await member_token(app)
    body = {"consents": [{"purpose": "face", "version": 2}]}
    answer = await client.post("/v1/me/registration", headers=keyed(rider), json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "consent-outdated")
    assert answer.json()["present_versions"] == {"face": 1}


async def test_the_card_completes_without_a_face(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    caseworker: SignedIn,
) -> None:
    rider, card, called = await member_token(app), number(), name()
    view = await register(client, rider, card, called)
    answer = await attest(client, caseworker, view["id"], card.lower(), called)
    assert answer.status_code == 201, answer.text
    me = (await client.get("/v1/me", headers=rider.headers)).json()
    assert me["member"]["number"] == answer.json()["member"]["number"]
    assert me["registration_status"] == "completed"
    assert card not in str(me)
    async with database.transaction() as session:
        person = await session.scalar(
            select(Person).join(Member).where(Member.number == me["member"]["number"])
        )
        assert person is not None
        assert person.verified_by == "attestation"
    seen = (await client.get("/v1/me/registration", headers=rider.headers)).json()
    assert seen["member"] == answer.json()["member"]
    assert seen["check"]["route"] == "attestation"
    for body in ({}, form(number(), name())):
        again = await client.post("/v1/me/registration", headers=keyed(rider), json=body)
        assert (again.status_code, again.json()["code"]) == (409, "already-registered")


async def test_attesting_something_else_changes_nothing(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn
) -> None:
    rider, card, called = await member_token(app), number(), name()
    view = await register(client, rider, card, called)
    for other, spelled, pointers in (
        (number(), called, ["/document/number"]),
        (card, "别的人", ["/name"]),
        (number(), "别的人", ["/document/number", "/name"]),
    ):
        answer = await attest(client, caseworker, view["id"], other, spelled)
        assert (answer.status_code, answer.json()["code"]) == (422, "attestation-differs")
        assert [e["pointer"] for e in answer.json()["errors"]] == pointers
        assert card not in answer.text
    seen = await client.get("/v1/me/registration", headers=rider.headers)
    assert seen.json()["status"] == "submitted"


async def test_only_a_caseworker_attests(
    app: FastAPI, client: httpx.AsyncClient, site: Organisation
) -> None:
    rider, card, called = await member_token(app), number(), name()
    view = await register(client, rider, card, called)
    auditor = await staff_token(app, site.id, ["auditor"])
    assert (await attest(client, auditor, view["id"], card, called)).status_code == 403
    assert (await attest(client, rider, view["id"], card, called)).status_code == 401


async def test_a_draft_cannot_be_attested(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn
) -> None:
    rider, card = await member_token(app), number()
    opened = await client.post(
        "/v1/me/registration", headers=keyed(rider), json={"document": {"number": card}}
    )
    answer = await attest(client, caseworker, opened.json()["id"], card, "张三")
    assert (answer.status_code, answer.json()["code"]) == (409, "registration-incomplete")


async def test_typing_a_known_number_reveals_and_takes_nothing(
    app: FastAPI, client: httpx.AsyncClient, database: Database, caseworker: SignedIn
) -> None:
    owner, card, called = await member_token(app), number(), name()
    view = await register(client, owner, card, called)
    assert (await attest(client, caseworker, view["id"], card, called)).status_code == 201
    listed, listed_name = number(), name()
    await on_roster(app, listed, listed_name)
    answers = []
    for typed, spelled in ((card, called), (listed, listed_name), (number(), called)):
        thief = await member_token(app)
        body = await register(client, thief, typed, spelled)
        me = (await client.get("/v1/me", headers=thief.headers)).json()
        assert me["member"] is None
        answers.append({k: v for k, v in body.items() if not k.endswith("_at") and k != "id"})
    for answer in answers:
        answer["document"] = answer["name_masked"] = None
        answer["consents"] = [c["purpose"] for c in answer["consents"]]
    assert answers[0] == answers[1] == answers[2]


async def test_a_person_of_a_roster_is_attached_by_proof(
    app: FastAPI, client: httpx.AsyncClient, database: Database, caseworker: SignedIn
) -> None:
    card, called = number(), name()
    listed = await on_roster(app, card, called)
    rider = await member_token(app)
    view = await register(client, rider, card, called)
    assert (await attest(client, caseworker, view["id"], card, called)).status_code == 201
    found = await persons_of(database, app.state.vault, card)
    assert [person.id for person in found] == [listed.id]
    assert found[0].verified_at is not None


async def test_fifty_at_once_prove_one_document_and_are_one_person(
    app: FastAPI, client: httpx.AsyncClient, database: Database, site: Organisation
) -> None:
    card, called = number(), name()
    riders = [await member_token(app) for _ in range(50)]
    staff = [await staff_token(app, site.id) for _ in range(5)]
    views = [await register(client, rider, card, called) for rider in riders]

    async def prove(place: int) -> httpx.Response:
        # A pool that is exhausted for a moment says 503; the same key is sent again.
        headers = staff[place % 5].headers | {"Idempotency-Key": secrets.token_hex(8)}
        path = f"/v1/staff/registrations/{views[place]['id']}/attestation"
        body = {"document": {"number": card}, "name": called}
        while True:
            answer = await client.post(path, headers=headers, json=body)
            if answer.status_code != 503:
                return answer
            await asyncio.sleep(0.1)

    answers = await asyncio.gather(*(prove(place) for place in range(50)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["member"]["number"] for a in answers}) == 1
    found = await persons_of(database, app.state.vault, card)
    assert len(found) == 1
    async with database.transaction() as session:
        members = select(func.count()).select_from(Member).where(Member.person_id == found[0].id)
        assert await session.scalar(members) == 1


async def test_another_name_on_a_proven_document_is_for_an_office(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn
) -> None:
    card = number()
    for called, expected in (("张伟", 201), ("张玮", 409)):
        rider = await member_token(app)
        view = await register(client, rider, card, called)
        answer = await attest(client, caseworker, view["id"], card, called)
        assert answer.status_code == expected
    assert answer.json()["code"] == "name-differs"


async def test_the_code_that_was_scanned_places_the_member(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    rider = await member_token(app)
    for code in ("0000000000000", "ZZZ", "7K3M9QX2R8TWZ9999"):
        answer = await client.post(
            "/v1/me/registration", headers=keyed(rider), json={"enrolment_code": code}
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "enrolment-code-unknown")


async def test_what_nobody_comes_back_to_is_forgotten(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    stale, fresh = await member_token(app), await member_token(app)
    views = [await register(client, rider, number(), name()) for rider in (stale, fresh)]
    async with database.transaction() as session:
        row = await session.get_one(Registration, views[0]["id"])
        row.updated_at = system_now() - timedelta(days=91)
    await forget_stale(
        JobContext(database, app.state.vault, app.state.settings, app.state.outside), {}
    )
    async with database.transaction() as session:
        statuses = [(await session.get_one(Registration, view["id"])).status for view in views]
        row = await session.get_one(Registration, views[0]["id"])
        assert app.state.vault.open("registration", row.id, row.sealed) == {}
    assert statuses == ["abandoned", "submitted"]
