"""Endorsements: what people are called, who is paid after them; sealed, dated, attested."""

import asyncio
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.principal import SYSTEM
from app.members.models import Person
from app.policies.beneficiaries import beneficiaries_at, record_of
from app.policies.cover import cover_at
from app.policies.recording import Change, locked_policy, record_change
from tests.access_fixtures import SignedIn, staff_token
from tests.billing.buying import document, instant, option, options, publish, quote
from tests.cover_fixtures import Gateway, Rider, load_plans, make_person, scalar
from tests.members.factories import number
from tests.policies.changing import (
    bought,
    business_time,
    colleague_rider,
    fetch,
    given,
    office,
)

pytestmark = pytest.mark.anyio
CANARY = "王卡娜丽"


@pytest.fixture
async def covered(app: FastAPI) -> tuple[Rider, str, SignedIn, SignedIn]:
    """A rider with running cover, the policy's id, a reviewer and a caseworker."""
    await load_plans(app)
    organisation, reviewer = await office(app, "reviewer")
    caseworker = await staff_token(app, organisation.id, ["caseworker"])
    rider = await colleague_rider(app, organisation)
    policy = await given(app, rider, "RIDER-ACC", starts_in=-10)
    return rider, str(policy.id), reviewer, caseworker


Covered = tuple[Rider, str, SignedIn, SignedIn]


def body(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "reason": "录入错误", "evidence": "身份证原件", **more}


async def endorse(
    client: httpx.AsyncClient, policy_id: str, who: SignedIn, content: dict[str, Any]
) -> httpx.Response:
    path = f"/v1/staff/policies/{policy_id}/endorsements"
    return await client.post(path, headers=who.keyed, json=content)


async def test_a_name_is_corrected_by_who_has_seen_the_card(
    app: FastAPI, client: httpx.AsyncClient, database: Database, covered: Covered
) -> None:
    rider, policy_id, reviewer, caseworker = covered
    content = body("name", name="李 大明", card_seen=True)
    assert (await endorse(client, policy_id, caseworker, content)).status_code == 403
    unseen = await endorse(client, policy_id, reviewer, content | {"card_seen": False})
    assert (unseen.status_code, unseen.json()["errors"][0]["code"]) == (422, "card-not-seen")
    before = system_now()
    done = await endorse(client, policy_id, reviewer, content)
    assert done.status_code == 201, done.text
    async with database.transaction() as session:
        person = await session.get_one(Person, rider.person.id)
        record = app.state.vault.open("person", person.id, person.sealed)
        assert record["name"] == "李大明"
        assert person.name_index == app.state.vault.blind_index("name", "李大明")
        [plan] = await cover_at(session, rider.person.id, system_now())
        [known] = await cover_at(session, rider.person.id, system_now(), known_at=before)
    assert (plan.covered, known.covered) == (True, True)
    policy_number = await scalar(database, "select number from policy where id = :id", id=policy_id)
    check = await client.get(f"/v1/certificates/{policy_number}")
    assert check.json()["holder"] == "李**"
    certificate = await client.get(
        f"/v1/me/policies/{policy_id}/certificate.pdf", headers=rider.headers
    )
    assert certificate.status_code == 200
    listed = await client.get(
        f"/v1/staff/policies/{policy_id}/endorsements", headers=reviewer.headers
    )
    [item] = listed.json()["items"]
    assert (item["was"]["name"], item["becomes"]["name"]) == ("张小明", "李大明")
    assert (item["kind"], item["card_seen"], item["reason"]) == ("name", True, "录入错误")
    same = await endorse(client, policy_id, reviewer, content)
    assert (same.status_code, same.json()["errors"][0]["code"]) == (422, "unchanged")
    kinds = await fetch(
        database,
        "select kind, status, reason_code from policy_transaction where policy_id = :id"
        " order by recorded_at",
        id=policy_id,
    )
    assert [tuple(row) for row in kinds][1:] == [("endorse", "in_force", "name")]


async def test_a_document_proves_one_person_only(
    app: FastAPI, client: httpx.AsyncClient, database: Database, covered: Covered
) -> None:
    rider, policy_id, reviewer, _ = covered
    another = await make_person(app)
    taken = number()
    async with database.transaction() as session:
        row = await session.get_one(Person, another.id)
        row.document_index = app.state.vault.blind_index("document", taken)
    document = {"type": "resident_id", "number": taken}
    content = body("document_number", document=document, card_seen=True)
    refused = await endorse(client, policy_id, reviewer, content)
    assert (refused.status_code, refused.json()["code"]) == (409, "document-of-another")
    right = number()
    content["document"] = {"type": "resident_id", "number": right}
    done = await endorse(client, policy_id, reviewer, content)
    assert done.status_code == 201, done.text
    async with database.transaction() as session:
        person = await session.get_one(Person, rider.person.id)
    assert person.document_index == app.state.vault.blind_index("document", right)
    assert (person.document_type, person.birth_on.strftime("%Y%m%d")) == (
        "resident_id",
        right[6:14],
    )
    listed = await client.get(
        f"/v1/staff/policies/{policy_id}/endorsements", headers=reviewer.headers
    )
    assert right not in listed.text
    assert (await endorse(client, policy_id, reviewer, content)).status_code == 422


async def test_two_people_corrected_to_one_document_at_once(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    await load_plans(app)
    organisation, reviewer = await office(app, "supervisor")
    riders = [await colleague_rider(app, organisation) for _ in range(2)]
    policies = [await given(app, rider, "RIDER-ACC", starts_in=-10) for rider in riders]
    document = {"type": "resident_id", "number": number()}
    content = body("document_number", document=document, card_seen=True)
    answers = await asyncio.gather(
        *(endorse(client, str(policy.id), reviewer, content) for policy in policies)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_an_occupation_has_to_be_one_that_the_plan_covers(
    client: httpx.AsyncClient, covered: Covered
) -> None:
    _, policy_id, reviewer, caseworker = covered
    refused = await endorse(
        client, policy_id, caseworker, body("occupation", occupation="employee")
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "not-eligible")
    for occupation in ("courier", "truck_driver"):
        done = await endorse(
            client, policy_id, caseworker, body("occupation", occupation=occupation)
        )
        assert done.status_code == 201, done.text
    listed = await client.get(
        f"/v1/staff/policies/{policy_id}/endorsements", headers=reviewer.headers
    )
    assert [item["was"]["occupation"] for item in listed.json()["items"]] == [None, "courier"]


@pytest.mark.parametrize(
    "content",
    [
        body("name"),
        body("name", occupation="courier"),
        body("occupation", occupation="courier", name="李大明"),
        body("document_number", name="李大明"),
        body("beneficiary"),
        body(
            "beneficiary",
            beneficiaries=[{"name": "王红", "relation": "child", "share_percent": 99}],
        ),
        body("name", name="李大明") | {"reason": ""},
        body("sex", name="李大明"),
    ],
)
async def test_what_an_endorsement_says_has_to_fit(
    client: httpx.AsyncClient, covered: Covered, content: dict[str, Any]
) -> None:
    assert (await endorse(client, covered[1], covered[2], content)).status_code == 422


def beneficiaries(*percents: int, name: str = CANARY) -> dict[str, Any]:
    return {
        "beneficiaries": [
            {
                "name": name,
                "relation": "spouse",
                "document": {"type": "resident_id", "number": number()},
                "share_percent": percent,
            }
            for percent in percents
        ]
    }


async def test_beneficiaries_are_sealed_and_dated(
    app: FastAPI, client: httpx.AsyncClient, database: Database, covered: Covered
) -> None:
    rider, policy_id, reviewer, _ = covered
    path = f"/v1/me/policies/{policy_id}/beneficiaries"
    first = beneficiaries(60, 40)
    named = await client.put(path, headers=rider.headers, json=first)
    assert named.status_code == 200, named.text
    assert [each["share_percent"] for each in named.json()["beneficiaries"]] == [60, 40]
    assert CANARY not in named.text
    between = system_now()
    again = await client.put(path, headers=rider.headers, json=first)
    assert again.json() == named.json()
    second = beneficiaries(100, name="王二娜丽")
    assert (await client.put(path, headers=rider.headers, json=second)).status_code == 200
    count = "select count(*) from policy_transaction where policy_id = :id and kind = 'endorse'"
    assert await scalar(database, count, id=policy_id) == 2
    async with database.transaction() as session:
        for instant, names in ((between, [CANARY, CANARY]), (system_now(), ["王二娜丽"])):
            rows = await beneficiaries_at(session, UUID(policy_id), instant)
            assert [record_of(app.state.vault, row)["name"] for row in rows] == names
    seen = await client.get(
        f"/v1/staff/policies/{policy_id}/beneficiaries", headers=reviewer.headers
    )
    assert seen.json()["beneficiaries"][0]["name"] == "王二娜丽"
    number_given = second["beneficiaries"][0]["document"]["number"]
    assert number_given not in seen.text
    for table in ("beneficiary", "endorsement", "event_log", "audit_entry", "policy_transaction"):
        rows = await fetch(database, f"select {table}::text as row from {table}")
        assert not [row for row in rows if CANARY in row.row or number_given in row.row], table
    emptied = await client.put(path, headers=rider.headers, json={"beneficiaries": []})
    assert emptied.json()["beneficiaries"] == []


async def test_faults_of_beneficiaries_are_all_named(
    client: httpx.AsyncClient, covered: Covered
) -> None:
    rider, policy_id, *_ = covered
    path = f"/v1/me/policies/{policy_id}/beneficiaries"
    content = beneficiaries(50, 50)
    content["beneficiaries"][0]["name"] = "1"
    content["beneficiaries"][1]["document"]["number"] = "11010519491231002A"
    answer = await client.put(path, headers=rider.headers, json=content)
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        "/beneficiaries/0/name",
        "/beneficiaries/1/document/number",
    }
    for wrong in (beneficiaries(50, 49), beneficiaries(101), beneficiaries(0, 100)):
        answer = await client.put(path, headers=rider.headers, json=wrong)
        assert answer.status_code == 422
    many = beneficiaries(*([10] * 9), 5, 5)
    assert (await client.put(path, headers=rider.headers, json=many)).status_code == 422


async def test_changes_at_once_leave_one_whole_list(
    client: httpx.AsyncClient, database: Database, covered: Covered
) -> None:
    rider, policy_id, *_ = covered
    path = f"/v1/me/policies/{policy_id}/beneficiaries"
    lists = [beneficiaries(*percents) for percents in ((100,), (50, 50), (34, 33, 33))] * 5
    answers = await asyncio.gather(
        *(client.put(path, headers=rider.headers, json=each) for each in lists)
    )
    assert {answer.status_code for answer in answers} == {200}
    total = "select sum(share_percent) from beneficiary where policy_id = :id and ended_at is null"
    assert await scalar(database, total, id=policy_id) == 100


async def test_a_correction_does_not_overtake_a_change_that_begins_later(
    app: FastAPI, client: httpx.AsyncClient, database: Database, covered: Covered
) -> None:
    """Shares that begin tomorrow do not begin today because a name was corrected."""
    rider, policy_id, reviewer, _ = covered
    tomorrow = system_now() + timedelta(days=1)
    async with database.transaction() as session:
        policy = await locked_policy(session, UUID(policy_id))
        policy.shares = 2
        await record_change(
            session,
            policy,
            Change("upgrade", "test", "policy.upgrade", "policy.upgraded"),
            effective_at=tomorrow,
            actor=SYSTEM,
            now=system_now(),
        )
    content = body("name", name=f"李{secrets.choice('一二三四五六七八')}", card_seen=True)
    assert (await endorse(client, policy_id, reviewer, content)).status_code == 201
    async with database.transaction() as session:
        [today] = await cover_at(session, rider.person.id, system_now())
        [later] = await cover_at(session, rider.person.id, tomorrow)
    assert (today.shares, later.shares) == (1, 2)


async def test_a_renewal_is_judged_and_priced_by_the_corrected_occupation(
    app: FastAPI, client: httpx.AsyncClient, gateway: Gateway, database: Database
) -> None:
    price = {
        "choose": {
            "by": "occupation",
            "cases": {"courier": {"yuan": 50}},
            "otherwise": {"yuan": 30},
        }
    }
    content = document(contribution=options(option(price=price)))
    plan = await publish(app, content)
    organisation, caseworker = await office(app, "caseworker")
    rider = await colleague_rider(app, organisation)
    made = await bought(client, gateway, rider, plan, occupation="delivery_rider")
    assert made["amount_fen"] == 3000
    policy = made["policy"]
    renewal = {"kind": "renewal", "policy_id": policy["id"]}
    for occupation, price_fen in (("courier", 5000), ("truck_driver", 3000), ("courier", 5000)):
        corrected = body("occupation", occupation=occupation)
        done = await endorse(client, policy["id"], caseworker, corrected)
        assert done.status_code == 201, done.text
        async with business_time(database, instant(policy["ends_at"]) - timedelta(days=5)):
            view = await quote(client, rider, plan, **renewal)
            assert view["price_fen"] == price_fen, occupation
            # What the member states with the renewal itself comes first.
            stated = await quote(client, rider, plan, occupation="other_gig", **renewal)
            assert stated["price_fen"] == 3000
    async with business_time(database, instant(policy["ends_at"]) - timedelta(days=5)):
        renewed = await bought(client, gateway, rider, plan, **renewal)
    assert renewed["amount_fen"] == 5000
    second = renewed["policy"]
    async with business_time(database, instant(second["ends_at"]) - timedelta(days=5)):
        view = await quote(client, rider, plan, kind="renewal", policy_id=second["id"])
        assert view["price_fen"] == 5000
