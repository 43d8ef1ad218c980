"""Face checks: every course of the vendor, and what each leaves behind."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text, update

from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.event_log import LoggedEvent
from app.kernel.jobs import JobContext
from app.members.events import FOLLOW_CHECK
from app.members.jobs import follow_identity_check
from app.members.models import IdentityCheck, Person
from tests.access_fixtures import SignedIn, member_token
from tests.members.conftest import SignedCallback
from tests.members.factories import (
    attest,
    form,
    keyed,
    name,
    number,
    poll,
    register,
    start_check,
)
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio


async def ready(
    app: FastAPI, client: httpx.AsyncClient, course: str = "00"
) -> tuple[SignedIn, str, str]:
    """A rider whose registration waits for a face check, with number and name."""
    rider, card, called = await member_token(app), number(course), name()
    await register(client, rider, card, called, "face")
    return rider, card, called


async def check_row(database: Database, check_id: str) -> IdentityCheck:
    async with database.transaction() as session:
        return await session.get_one(IdentityCheck, UUID(check_id))


async def settled(
    client: httpx.AsyncClient, rider: SignedIn, database: Database, check_id: str
) -> dict[str, Any]:
    """The check once the vendor's answer is in."""
    async with asyncio.timeout(10):
        while True:
            await forget_last_question(database, check_id)
            view = await poll(client, rider, check_id)
            if view["status"] != "requested":
                return view
            await asyncio.sleep(0.05)


async def forget_last_question(database: Database, check_id: str) -> None:
    async with database.transaction() as session:
        await session.execute(
            update(IdentityCheck).where(IdentityCheck.id == UUID(check_id)).values(asked_at=None)
        )


async def call_back(
    client: httpx.AsyncClient, signed: SignedCallback, row: IdentityCheck, **result: Any
) -> httpx.Response:
    headers, body = signed(
        {
            "reference": row.vendor_reference,
            "order_ref": str(row.id),
            "state": "passed",
            "code": "ok",
            "score": 96.4,
            "evidence_reference": "evidence-1",
        }
        | result
    )
    return await client.post("/v1/identity-vendor/callbacks", headers=headers, content=body)


async def test_passing_makes_person_and_member_and_says_so(
    app: FastAPI, client: httpx.AsyncClient, database: Database, simulators: Simulators
) -> None:
    rider, card, _ = await ready(app, client)
    check = await start_check(client, rider)
    assert check["status"] == "requested"
    assert check["launch"]["token"]
    assert check["tries_left"] == 4
    simulators.control("identity/complete", reference=check["launch"]["token"])
    done = await settled(client, rider, database, check["id"])
    assert (done["status"], done["launch"]) == ("passed", None)
    me = (await client.get("/v1/me", headers=rider.headers)).json()
    assert me["member"]["number"].startswith("M")
    candidates = app.state.vault.blind_index_candidates("document", card)
    async with database.transaction() as session:
        person = await session.scalar(select(Person).where(Person.document_index.in_(candidates)))
        assert person is not None
        assert person.verified_by == "vendor"
        told = await session.scalar(
            select(LoggedEvent).where(
                LoggedEvent.name == "identity.passed", LoggedEvent.subject_id == person.id
            )
        )
        assert told is not None
        assert told.content["route"] == "vendor"


@pytest.mark.parametrize(("course", "reason"), [("90", "mismatch"), ("91", "liveness_failed")])
async def test_failing_says_why_and_leaves_tries(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    simulators: Simulators,
    course: str,
    reason: str,
) -> None:
    rider, _, _ = await ready(app, client, course)
    check = await start_check(client, rider)
    simulators.control("identity/complete", reference=check["launch"]["token"])
    done = await settled(client, rider, database, check["id"])
    assert (done["status"], done["reason"]["code"]) == ("failed", reason)
    assert done["reason"]["zh"]
    seen = (await client.get("/v1/me/registration", headers=rider.headers)).json()
    assert (seen["status"], seen["tries_left"], seen["member"]) == ("submitted", 4, None)


async def test_tries_of_a_day_are_limited_and_the_card_still_works(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    simulators: Simulators,
    caseworker: SignedIn,
) -> None:
    rider, card, called = await ready(app, client, "90")
    for left in (4, 3, 2, 1, 0):
        check = await start_check(client, rider)
        assert check["tries_left"] == left
        simulators.control("identity/complete", reference=check["launch"]["token"])
        await settled(client, rider, database, check["id"])
    answer = await client.post("/v1/me/identity-checks", headers=keyed(rider))
    assert (answer.status_code, answer.json()["code"]) == (429, "identity-tries-used-up")
    assert 0 < int(answer.headers["retry-after"]) <= 86_401
    # Starting over does not give new tries.
    await client.delete("/v1/me/registration", headers=rider.headers)
    view = await register(client, rider, card, called)
    assert view["tries_left"] == 0
    answer = await client.post("/v1/me/identity-checks", headers=keyed(rider))
    assert answer.status_code == 429
    assert (await attest(client, caseworker, view["id"], card, called)).status_code == 201


async def test_one_check_at_a_time(app: FastAPI, client: httpx.AsyncClient) -> None:
    rider, _, _ = await ready(app, client)
    answers = await asyncio.gather(
        *(client.post("/v1/me/identity-checks", headers=keyed(rider)) for _ in range(8))
    )
    assert sorted(a.status_code for a in answers) == [201] + [409] * 7
    changed = await client.patch(
        "/v1/me/registration", headers=rider.headers, json={"name": "李四"}
    )
    assert (changed.status_code, changed.json()["code"]) == (409, "registration-checking")


async def test_a_face_needs_its_own_consent(app: FastAPI, client: httpx.AsyncClient) -> None:
    rider = await member_token(app)
    await register(client, rider, number(), name())
    answer = await client.post("/v1/me/identity-checks", headers=keyed(rider))
    assert (answer.status_code, answer.json()["code"]) == (409, "consent-needed")
    assert answer.json()["other_route"] == "attestation"


async def test_a_passport_is_for_the_counter(app: FastAPI, client: httpx.AsyncClient) -> None:
    rider = await member_token(app)
    body = form(number(), "Anna Lee", "face")
    body["document"] = {
        "type": "passport",
        "number": number()[:9],
        "issuing_country": "FRA",
        "birth_on": "1990-01-01",
        "sex": "female",
    }
    opened = await client.post("/v1/me/registration", headers=keyed(rider), json=body)
    assert opened.json()["status"] == "submitted", opened.text
    answer = await client.post("/v1/me/identity-checks", headers=keyed(rider))
    assert answer.json()["code"] == "face-check-unsupported"


async def test_a_silent_vendor_means_pending_never_verified(
    app: FastAPI, client: httpx.AsyncClient, database: Database, simulators: Simulators
) -> None:
    rider, _, _ = await ready(app, client, "93")
    check = await start_check(client, rider)
    simulators.control("identity/complete", reference=check["launch"]["token"])
    await forget_last_question(database, check["id"])
    assert (await poll(client, rider, check["id"]))["status"] == "requested"
    me = (await client.get("/v1/me", headers=rider.headers)).json()
    assert (me["member"], me["registration_status"]) == (None, "checking")


async def test_the_worker_starts_follows_and_ends_a_check_nobody_polls(
    app: FastAPI, client: httpx.AsyncClient, database: Database, simulators: Simulators
) -> None:
    rider, _, _ = await ready(app, client, "93")
    opened = await client.post("/v1/me/identity-checks", headers=keyed(rider))
    check_id = opened.json()["id"]
    context = JobContext(database, app.state.vault, app.state.settings, app.state.outside)
    await follow_identity_check(context, {"subject_id": check_id})
    assert (await check_row(database, check_id)).vendor_reference is not None
    async with database.transaction() as session:
        waiting = await session.scalar(
            text(
                "select count(*) from pgqueuer.pgqueuer where entrypoint = :job"
                " and convert_from(payload, 'utf8')::jsonb ->> 'subject_id' = :id"
            ),
            {"job": FOLLOW_CHECK, "id": check_id},
        )
        assert waiting == 2
        await session.execute(
            update(IdentityCheck)
            .where(IdentityCheck.id == UUID(check_id))
            .values(deadline_at=system_now() - timedelta(seconds=1))
        )
    await follow_identity_check(context, {"subject_id": check_id})
    done = await poll(client, rider, check_id)
    assert (done["status"], done["reason"]["code"]) == ("expired", "timed_out")
    seen = (await client.get("/v1/me/registration", headers=rider.headers)).json()
    assert seen["status"] == "submitted"


async def test_a_vendor_that_is_down_costs_no_try(
    app: FastAPI, client: httpx.AsyncClient, database: Database, simulators: Simulators
) -> None:
    rider, _, _ = await ready(app, client)
    opened = await client.post("/v1/me/identity-checks", headers=keyed(rider))
    check_id = opened.json()["id"]
    async with database.transaction() as session:
        await session.execute(
            update(IdentityCheck)
            .where(IdentityCheck.id == UUID(check_id))
            .values(deadline_at=system_now())
        )
    done = await poll(client, rider, check_id)
    assert (done["status"], done["tries_left"]) == ("expired", 5)


async def test_the_callback_completes_and_its_copy_is_409(
    app: FastAPI, client: httpx.AsyncClient, database: Database, signed: SignedCallback
) -> None:
    rider, _, _ = await ready(app, client)
    check = await start_check(client, rider)
    row = await check_row(database, check["id"])
    answers = [await call_back(client, signed, row) for _ in range(3)]
    assert [a.status_code for a in answers] == [204, 409, 409]
    assert answers[1].json()["code"] == "identity-check-answered"
    assert (await poll(client, rider, check["id"]))["status"] == "passed"


async def test_callbacks_in_parallel_are_taken_once(
    app: FastAPI, client: httpx.AsyncClient, database: Database, signed: SignedCallback
) -> None:
    rider, _, _ = await ready(app, client)
    row = await check_row(database, (await start_check(client, rider))["id"])
    answers = await asyncio.gather(*(call_back(client, signed, row) for _ in range(10)))
    assert sorted(a.status_code for a in answers) == [204] + [409] * 9


async def test_a_late_answer_is_written_down_and_not_applied(
    app: FastAPI, client: httpx.AsyncClient, database: Database, signed: SignedCallback
) -> None:
    rider, _, _ = await ready(app, client)
    check = await start_check(client, rider)
    async with database.transaction() as session:
        await session.execute(
            update(IdentityCheck)
            .where(IdentityCheck.id == UUID(check["id"]))
            .values(deadline_at=system_now())
        )
    row = await check_row(database, check["id"])
    assert (await call_back(client, signed, row)).status_code == 204
    row = await check_row(database, check["id"])
    assert (row.status, row.late_state) == ("expired", "passed")
    me = (await client.get("/v1/me", headers=rider.headers)).json()
    assert (me["member"], me["registration_status"]) == (None, "submitted")
    assert (await call_back(client, signed, row)).status_code == 409


async def test_an_answer_after_abandoning_attaches_nothing(
    app: FastAPI, client: httpx.AsyncClient, database: Database, signed: SignedCallback
) -> None:
    rider, _, _ = await ready(app, client)
    row = await check_row(database, (await start_check(client, rider))["id"])
    assert (await client.delete("/v1/me/registration", headers=rider.headers)).status_code == 204
    assert (await call_back(client, signed, row)).status_code == 204
    row = await check_row(database, str(row.id))
    assert (row.status, row.reason_code, row.late_state) == ("expired", "abandoned", "passed")
    assert (await client.get("/v1/me", headers=rider.headers)).json()["member"] is None


async def test_a_callback_is_believed_by_its_signature_only(
    app: FastAPI, client: httpx.AsyncClient, database: Database, signed: SignedCallback
) -> None:
    rider, _, _ = await ready(app, client)
    row = await check_row(database, (await start_check(client, rider))["id"])
    content = {"reference": row.vendor_reference, "order_ref": str(row.id), "state": "passed"}
    headers, body = signed(content)
    path = "/v1/identity-vendor/callbacks"
    unsigned = {k: v for k, v in headers.items() if k != "X-Signature"}
    old = headers | {"X-Timestamp": str(int(headers["X-Timestamp"]) - 301)}
    for head, raw in (
        (headers, body + b" "),
        (unsigned, body),
        (old, body),
        (headers | {"X-Signature": "0" * 64}, body),
    ):
        answer = await client.post(path, headers=head, content=raw)
        assert (answer.status_code, answer.json()["code"]) == (401, "untrusted-callback")
    assert (await check_row(database, str(row.id))).status == "requested"


async def test_a_callback_about_an_unknown_check_is_404(
    app: FastAPI, client: httpx.AsyncClient, database: Database, signed: SignedCallback
) -> None:
    rider, _, _ = await ready(app, client)
    row = await check_row(database, (await start_check(client, rider))["id"])
    assert (await call_back(client, signed, row, reference="face-other")).status_code == 404
    assert (await call_back(client, signed, row, order_ref="not-ours")).status_code == 404
    other = "01900000-0000-7000-8000-000000000000"
    assert (await call_back(client, signed, row, order_ref=other)).status_code == 404


async def test_the_card_ends_a_running_check(
    app: FastAPI,
    client: httpx.AsyncClient,
    database: Database,
    caseworker: SignedIn,
    signed: SignedCallback,
) -> None:
    rider, card, called = await ready(app, client)
    check = await start_check(client, rider)
    seen = (await client.get("/v1/me/registration", headers=rider.headers)).json()
    assert (await attest(client, caseworker, seen["id"], card, called)).status_code == 201
    done = await poll(client, rider, check["id"])
    assert (done["status"], done["reason"]["code"]) == ("expired", "attested")
    row = await check_row(database, check["id"])
    assert (await call_back(client, signed, row)).status_code == 204


async def test_a_check_is_its_owners_alone(app: FastAPI, client: httpx.AsyncClient) -> None:
    rider, _, _ = await ready(app, client)
    check = await start_check(client, rider)
    other = await member_token(app)
    answer = await client.get(f"/v1/me/identity-checks/{check['id']}", headers=other.headers)
    assert answer.status_code == 404


async def test_withdrawing_the_face_ends_the_check(app: FastAPI, client: httpx.AsyncClient) -> None:
    rider, _, _ = await ready(app, client)
    check = await start_check(client, rider)
    gone = await client.delete("/v1/me/consents/face", headers=rider.headers)
    assert gone.status_code == 204
    done = await poll(client, rider, check["id"])
    assert (done["status"], done["reason"]["code"]) == ("expired", "consent_withdrawn")
    answer = await client.post("/v1/me/identity-checks", headers=keyed(rider))
    assert answer.json()["code"] == "consent-needed"
