"""Enrolling on site: batches that a tablet repeats, each rider answered alone."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update

from app.kernel.clock import system_now
from app.kernel.database import Database
from app.members.models import EnrolmentCode, Member, Person, Registration
from app.organisations.models import Organisation
from app.policies.models import Policy
from tests.access_fixtures import SignedIn, make_partner, member_token
from tests.cover_fixtures import at_business_time
from tests.enrolment.factories import enrol, item, make_code
from tests.members.factories import consents, form, keyed, number, register

pytestmark = pytest.mark.anyio


async def members_of(app: FastAPI, document_number: str) -> list[Member]:
    candidates = app.state.vault.blind_index_candidates("document", document_number)
    async with app.state.database.transaction() as session:
        found = select(Member).join(Person).where(Person.document_index.in_(candidates))
        return list((await session.scalars(found)).all())


async def registrations(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(Registration)) or 0


async def test_a_rider_standing_there_is_a_member(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn, site: Organisation
) -> None:
    code = await make_code(client, caseworker, site.id)
    rider = item(enrolment_code=code["code"])
    (answer,) = await enrol(client, caseworker, rider)
    assert (answer["outcome"], answer["repeated"]) == ("enrolled", False)
    (member,) = await members_of(app, rider["document"]["number"])
    assert member.number == answer["member"]["number"]
    assert (member.channel, member.organisation_id) == ("on_site", site.id)
    assert (member.enrolled_by, str(member.enrolment_code_id)) == (
        caseworker.account_id,
        code["id"],
    )
    view = await client.get(
        f"/v1/staff/members/{answer['member']['id']}", headers=caseworker.headers
    )
    assert view.json()["name"] == rider["name"]
    assert view.json()["phone_masked"][-4:] == rider["phone"][-4:]


async def test_a_repeated_reference_gets_its_first_answer(
    client: httpx.AsyncClient, caseworker: SignedIn, database: Database
) -> None:
    batch = [item() for _ in range(3)]
    first = await enrol(client, caseworker, *batch)
    count = await registrations(database)
    again = await enrol(client, caseworker, *reversed(batch), item())
    assert await registrations(database) == count + 1
    assert [a["repeated"] for a in again] == [True, True, True, False]
    for before, after in zip(first, reversed(again[:3]), strict=True):
        assert {**after, "repeated": False} == before


async def test_the_same_batch_at_the_same_time_enrols_once(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn, database: Database
) -> None:
    batch = [item() for _ in range(4)]
    count = await registrations(database)
    answers = await asyncio.gather(
        enrol(client, caseworker, *batch),
        enrol(client, caseworker, *reversed(batch)),
        enrol(client, caseworker, *batch[:2]),
    )
    assert await registrations(database) == count + 4
    numbers = {a["client_ref"]: a["member"]["number"] for a in answers[0]}
    for each in answers[1] + answers[2]:
        assert each["member"]["number"] == numbers[each["client_ref"]]


async def test_another_rider_under_a_used_reference_is_refused(
    client: httpx.AsyncClient, caseworker: SignedIn
) -> None:
    rider = item()
    await enrol(client, caseworker, rider)
    other = item(client_ref=rider["client_ref"])
    (answer,) = await enrol(client, caseworker, other)
    assert (answer["outcome"], answer["problem"]["code"]) == ("refused", "client-ref-reused")
    one, two = await enrol(client, caseworker, pair := item(), item(client_ref=pair["client_ref"]))
    assert (one["outcome"], two["problem"]["code"]) == ("enrolled", "client-ref-reused")


async def test_a_bad_item_spoils_only_itself(
    client: httpx.AsyncClient, caseworker: SignedIn, database: Database
) -> None:
    bad_number = item(document={"number": "110105194912310021"}, name="张3")
    no_consent = item(consents=consents("service_terms"))
    old_text = item(consents=[*consents(), {"purpose": "face", "version": 99}])
    bad_code = item(enrolment_code="0000000000000")
    too_old = item(seen_at=(system_now() - timedelta(days=31)).isoformat())
    good = item()
    count = await registrations(database)
    answers = await enrol(
        client, caseworker, bad_number, no_consent, old_text, bad_code, too_old, good
    )
    assert [a["outcome"] for a in answers] == ["refused"] * 5 + ["enrolled"]
    assert await registrations(database) == count + 1
    pointers = [
        {e["pointer"] for e in a["problem"].get("errors", [])} for a in answers if a["problem"]
    ]
    assert pointers == [
        {"/items/0/document/number", "/items/0/name"},
        {"/items/1/consents"},
        {"/items/2/consents/3"},
        set(),
        {"/items/4/seen_at"},
    ]
    assert answers[3]["problem"]["status"] == 404
    corrected = {**bad_number, "name": "张三", "document": {"number": number()}}
    (answer,) = await enrol(client, caseworker, corrected)
    assert answer["outcome"] == "enrolled"


async def test_a_code_counts_as_of_when_the_card_was_seen(
    client: httpx.AsyncClient, caseworker: SignedIn, site: Organisation, database: Database
) -> None:
    code = await make_code(client, caseworker, site.id)
    async with database.transaction() as session:
        await session.execute(
            update(EnrolmentCode)
            .where(EnrolmentCode.id == UUID(code["id"]))
            .values(expires_at=system_now() - timedelta(hours=1))
        )
    earlier = (system_now() - timedelta(hours=2)).isoformat()
    offline = item(enrolment_code=code["code"], seen_at=earlier)
    late = item(enrolment_code=code["code"])
    answers = await enrol(client, caseworker, offline, late)
    assert answers[0]["outcome"] == "enrolled"
    assert answers[1]["problem"]["status"] == 410


async def test_a_card_seen_twice_is_one_member(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn
) -> None:
    first = item()
    second = item(name=first["name"], document=first["document"])
    one, two = await enrol(client, caseworker, first, second)
    assert one["member"] == two["member"]
    assert len(await members_of(app, first["document"]["number"])) == 1
    renamed = item(name="别的人", document=first["document"])
    (answer,) = await enrol(client, caseworker, renamed)
    assert answer["problem"]["code"] == "name-differs"


async def test_the_riders_own_registration_is_completed(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn
) -> None:
    rider, card = await member_token(app), number()
    mine = await register(client, rider, card, "王小明")
    (answer,) = await enrol(
        client,
        caseworker,
        item(name="王小明", document={"number": card}, phone=rider.phone),
    )
    assert answer["registration_id"] == mine["id"]
    me = (await client.get("/v1/me", headers=rider.headers)).json()
    assert me["member"] == answer["member"]


async def test_the_second_factor_attaches_name_number_and_phone_together(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn
) -> None:
    attested = item()
    card, called = attested["document"]["number"], attested["name"]
    (answer,) = await enrol(client, caseworker, attested)
    stranger = await member_token(app)
    typed = await register(client, stranger, card, called)
    assert typed["member"] is None
    owner = await member_token(app, phone="+86" + attested["phone"])
    wrong = await client.post(
        "/v1/me/registration", headers=keyed(owner), json=form(card, "别的人")
    )
    assert (wrong.json()["status"], wrong.json()["member"]) == ("submitted", None)
    right = await client.patch("/v1/me/registration", headers=owner.headers, json={"name": called})
    assert right.status_code == 200, right.text
    assert (right.json()["status"], right.json()["member"]) == ("completed", answer["member"])
    assert right.json()["check"]["route"] == "attested_phone"
    held = (await client.get("/v1/me/consents", headers=owner.headers)).json()["items"]
    assert {i["purpose"] for i in held if i["given"]} == {
        "service_terms",
        "personal_information",
        "identity_number",
    }


@pytest.mark.usefixtures("plans_on_sale")
async def test_cover_starts_on_the_tablet_for_rider_or_sponsor(
    app: FastAPI,
    client: httpx.AsyncClient,
    caseworker: SignedIn,
    site: Organisation,
) -> None:
    sponsor = await make_partner(app, site.lineage[1])
    sponsored = await make_code(client, caseworker, site.id, sponsor_id=str(sponsor.id))
    plain = await make_code(client, caseworker, site.id)
    order: dict[str, Any] = {"plan_code": "RIDER-ACC", "shares": 2}
    answers = await enrol(
        client,
        caseworker,
        item(enrolment_code=plain["code"], order=order),
        item(enrolment_code=sponsored["code"], order=order | {"payer": "sponsor"}),
        item(enrolment_code=plain["code"], order=order | {"payer": "sponsor"}),
        item(enrolment_code=plain["code"], order=order | {"price_fen": 1}),
        item(enrolment_code=plain["code"], order=order | {"shares": 99}),
        item(enrolment_code=plain["code"], order={"plan_code": "NO-SUCH-PLAN"}),
    )
    assert {a["outcome"] for a in answers} == {"enrolled"}
    assert (answers[0]["order"]["status"], answers[0]["order"]["amount_fen"]) == ("open", 5000)
    assert answers[1]["order"]["status"] == "paid"
    assert answers[2]["order_problem"]["code"] == "sponsor-missing"
    assert [a["order"] for a in answers[2:]] == [None] * 4
    assert [a["order_problem"]["status"] for a in answers[3:]] == [409, 409, 404]


@pytest.mark.usefixtures("plans_on_sale")
async def test_cover_goes_on_and_grows_on_the_tablet(
    app: FastAPI,
    client: httpx.AsyncClient,
    caseworker: SignedIn,
    site: Organisation,
    database: Database,
) -> None:
    sponsor = await make_partner(app, site.lineage[1])
    code = await make_code(client, caseworker, site.id, sponsor_id=str(sponsor.id))
    rider = item(enrolment_code=code["code"])

    async def ordered(**order: Any) -> dict[str, Any]:
        again = rider | {"client_ref": item()["client_ref"]}
        body = {"plan_code": "RIDER-ACC", "payer": "sponsor", **order}
        (answer,) = await enrol(client, caseworker, again | {"order": body})
        assert answer["order"] is not None, answer
        found: dict[str, Any] = answer["order"]
        return found

    async def policies() -> list[Policy]:
        async with database.transaction() as session:
            (member,) = await members_of(app, rider["document"]["number"])
            found = select(Policy).where(Policy.person_id == member.person_id)
            return list((await session.scalars(found.order_by(Policy.id))).all())

    await ordered(shares=1)
    [policy] = await policies()
    continued = {"policy_id": str(policy.id)}
    added = await ordered(kind="upgrade", shares=2, **continued)
    assert (added["status"], [each.shares for each in await policies()]) == ("paid", [3])
    await at_business_time(database, policy.ends_at - timedelta(days=5))
    try:
        await ordered(kind="renewal", **continued)
    finally:
        await at_business_time(database, system_now())
    _, renewed = await policies()
    assert (renewed.follows_id, renewed.starts_at) == (policy.id, policy.ends_at)
    assert (renewed.shares, renewed.channel, renewed.sponsor_id) == (3, "on_site", sponsor.id)


async def test_the_batch_has_a_size_and_only_caseworkers_send_it(
    app: FastAPI, client: httpx.AsyncClient, caseworker: SignedIn
) -> None:
    path = "/v1/staff/enrolments"
    for items in ([], [item() for _ in range(51)], [item(card_seen=False)]):
        answer = await client.post(path, headers=keyed(caseworker), json={"items": items})
        assert answer.status_code == 422
    rider = await member_token(app)
    answer = await client.post(path, headers=keyed(rider), json={"items": [item()]})
    assert answer.status_code == 401
