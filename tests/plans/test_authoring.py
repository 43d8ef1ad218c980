"""Plans written over HTTP: drafted, replaced, published once, closed, compared."""

import asyncio
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import business_day, system_now
from tests.access_fixtures import make_organisation, staff_token
from tests.cover_fixtures import scalar
from tests.plans.authors import PATH, Authors, faults, make_authors, version

pytestmark = pytest.mark.anyio


@pytest.fixture
async def authors(app: FastAPI, client: httpx.AsyncClient) -> Authors:
    return await make_authors(app, client)


async def test_from_the_draft_to_the_shelf(authors: Authors, client: httpx.AsyncClient) -> None:
    drafted = await authors.draft()
    code = drafted["plan_code"]
    assert (drafted["number"], drafted["status"]) == (1, "draft")
    assert (await client.get(f"/v1/plans/{code}")).status_code == 404
    published = await authors.publish(drafted["id"])
    assert published.json()["status"] == "published"
    plan = (await client.get(f"/v1/plans/{code}")).json()
    assert plan["version_id"] == drafted["id"]
    [benefit] = plan["benefits"]
    assert "50" in benefit["words"]["pays"]["zh"]
    assert benefit["words"]["limits"][0]["en"]
    assert benefit["terms"]["pays"] == drafted["document"]["benefits"][0]["pays"]
    assert plan["options"][0]["price_words"]["en"]
    closed = await authors.post(f"/{drafted['id']}/closure", who=authors.office)
    assert closed.json()["status"] == "closed"
    assert (await client.get(f"/v1/plans/{code}")).json()["code"] == "plan-not-on-sale"
    again = await authors.post(f"/{drafted['id']}/reopening", who=authors.office)
    assert again.json()["status"] == "published"
    await authors.post(f"/{drafted['id']}/closure", who=authors.office)
    retired = await authors.post(f"/{drafted['id']}/retirement", who=authors.office)
    assert retired.json()["status"] == "retired"
    gone = await authors.post(f"/{drafted['id']}/reopening", who=authors.office)
    assert gone.status_code == 409


async def test_every_step_is_audited_and_told(authors: Authors, app: FastAPI) -> None:
    drafted = await authors.draft()
    body = version(drafted["plan_code"])
    await authors.put(drafted["id"], body, drafted["etag"])
    await authors.publish(drafted["id"])
    for verb in ("closure", "reopening", "closure", "retirement"):
        await authors.post(f"/{drafted['id']}/{verb}", who=authors.office)
    for table, column, names in (
        ("audit_entry", "action", "draft replace publish close reopen close retire"),
        ("event_log", "name", "drafted replaced published closed reopened closed retired"),
    ):
        order = "position" if table == "audit_entry" else "sequence"
        where = "subject_ids[1]" if table == "audit_entry" else "subject_id"
        found = await scalar(
            app.state.database,
            f"select string_agg({column}, ' ' order by {order}) from {table} where {where} = :id",
            id=drafted["id"],
        )
        assert found == " ".join(f"plan_version.{name}" for name in names.split())


async def test_numbers_follow_one_another_even_in_a_race(authors: Authors) -> None:
    body = version()
    drafted = await asyncio.gather(*(authors.draft(body) for _ in range(6)))
    assert sorted(each["number"] for each in drafted) == [1, 2, 3, 4, 5, 6]


async def test_a_published_version_never_changes(authors: Authors) -> None:
    body = version()
    published = await authors.published(body)
    reading = await authors.get(f"/{published['id']}")
    etag = reading.headers["etag"]
    changed = deepcopy(body)
    changed["document"]["summary"]["zh"] = "另一句话"
    for answer in (
        await authors.put(published["id"], changed, etag),
        await authors.client.delete(
            f"{PATH}/{published['id']}", headers=authors.agency.headers | {"If-Match": etag}
        ),
        await authors.publish(published["id"]),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "plan-version-published")
    assert (await authors.get(f"/{published['id']}")).json() == reading.json()


async def test_one_of_two_publications_wins(authors: Authors) -> None:
    drafted = await authors.draft()
    answers = await asyncio.gather(*(authors.publish(drafted["id"]) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_a_stale_or_missing_etag(authors: Authors) -> None:
    drafted = await authors.draft()
    body = version(drafted["plan_code"])
    body["document"]["summary"]["en"] = "Another sentence."
    missing = await authors.put(drafted["id"], body, None)
    assert (missing.status_code, missing.json()["code"]) == (428, "precondition-required")
    first = await authors.put(drafted["id"], body, drafted["etag"])
    assert first.status_code == 200
    assert first.headers["etag"] != drafted["etag"]
    stale = await authors.put(drafted["id"], body, drafted["etag"])
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")
    other = await authors.put(drafted["id"], version(), first.headers["etag"])
    assert faults(other) == {("/document/code", "other-plan")}


async def test_overlapping_dates_name_the_other_version(authors: Authors) -> None:
    first = await authors.published()
    code = first["plan_code"]
    today = business_day(system_now())

    def between(since: date, until: date | None) -> dict[str, Any]:
        dates = {"effective_from": str(since)} | ({"effective_to": str(until)} if until else {})
        return version(code) | dates

    second = await authors.draft(between(today, None))
    refused = await authors.publish(second["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "plan-versions-overlap")
    assert refused.json()["version"]["id"] == first["id"]
    assert refused.json()["version"]["number"] == 1
    await authors.post(f"/{first['id']}/closure", who=authors.office)
    assert (await authors.publish(second["id"])).status_code == 200
    reopened = await authors.post(f"/{first['id']}/reopening", who=authors.office)
    assert (reopened.status_code, reopened.json()["version"]["number"]) == (409, 2)
    # Days that only touch do not overlap.
    one, two = version(), version()
    two["document"]["code"] = one["document"]["code"]
    one |= {"effective_to": str(today)}
    two |= {"effective_from": str(today), "effective_to": str(today + timedelta(days=9))}
    await authors.published(one)
    await authors.published(two)


async def test_the_next_version_takes_over_on_a_day(authors: Authors) -> None:
    first = await authors.published()
    today = business_day(system_now())
    day = str(today + timedelta(days=10))
    second = await authors.draft(version(first["plan_code"]) | {"effective_from": day})
    assert (await authors.publish(second["id"])).status_code == 409

    async def end(version_id: str, day: str | None) -> httpx.Response:
        return await authors.client.put(
            f"{PATH}/{version_id}/end-of-sale",
            headers=authors.office.headers,
            json={"effective_to": day},
        )

    past = await end(first["id"], str(today))
    assert faults(past) == {("/effective_to", "not-to-come")}
    ended = await end(first["id"], day)
    assert (ended.json()["status"], ended.json()["effective_to"]) == ("published", day)
    shown = await authors.client.get(f"/v1/plans/{first['plan_code']}")
    assert shown.json()["effective_to"] == day
    assert (await authors.publish(second["id"])).status_code == 200
    back = await end(first["id"], None)
    assert (back.status_code, back.json()["code"]) == (409, "plan-versions-overlap")
    draft = await authors.draft(version(first["plan_code"]))
    refused = await end(draft["id"], day)
    assert (refused.status_code, refused.json()["code"]) == (409, "plan-version-not-on-sale")


async def test_plans_that_require_each_other_in_a_circle(authors: Authors) -> None:
    one, two, three = (version()["document"]["code"] for _ in range(3))
    await authors.published(version(one, relations={"requires": [two]}))
    await authors.published(version(two, relations={"requires": [three]}))
    last = version(three, relations={"requires": [one], "pays_after": [two]})
    assert [each["code"] for each in await authors.validate(last)] == ["requires-cycle"]
    drafted = await authors.draft(last)
    refused = await authors.publish(drafted["id"])
    assert faults(refused) == {("/document/relations/requires/0", "requires-cycle")}
    assert f"{three} → {one} → {two} → {three}" in refused.json()["errors"][0]["message"]
    await authors.post(f"/{(await first_of(authors, one))['id']}/closure", who=authors.office)
    assert (await authors.publish(drafted["id"])).status_code == 200


async def first_of(authors: Authors, code: str) -> dict[str, Any]:
    answer = await authors.get(f"?plan={code}")
    found: dict[str, Any] = answer.json()["items"][0]
    return found


async def test_only_the_municipal_office_publishes(authors: Authors) -> None:
    drafted = await authors.draft()
    for verb in ("publication", "closure", "reopening", "retirement", "end-of-sale"):
        ask = authors.client.put if verb == "end-of-sale" else authors.client.post
        body = {"effective_to": None} if verb == "end-of-sale" else None
        path = f"{PATH}/{drafted['id']}/{verb}"
        answer = await ask(path, headers=authors.agency.keyed, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "municipal-office-needed")


async def test_a_draft_is_for_those_above_its_author(authors: Authors, app: FastAPI) -> None:
    drafted = await authors.draft()
    elsewhere = await staff_token(app, (await make_organisation(app)).id, ["administrator"])
    assert (await authors.get(f"/{drafted['id']}", authors.office)).status_code == 200
    assert (await authors.get(f"/{drafted['id']}", elsewhere)).status_code == 404
    stolen = await authors.put(drafted["id"], version(), drafted["etag"], elsewhere)
    assert stolen.status_code == 404
    code = drafted["plan_code"]
    assert (await authors.get(f"?plan={code}", elsewhere)).json()["items"] == []
    await authors.publish(drafted["id"])
    assert (await authors.get(f"/{drafted['id']}", elsewhere)).status_code == 200


async def test_lists_are_pages(authors: Authors) -> None:
    body = version()
    drafted = [await authors.draft(body) for _ in range(3)]
    code = body["document"]["code"]
    await authors.publish(drafted[1]["id"])
    first = (await authors.get(f"?plan={code}&limit=2")).json()
    assert [each["number"] for each in first["items"]] == [3, 2]
    rest = (await authors.get(f"?plan={code}&limit=2&cursor={first['next_cursor']}")).json()
    assert ([each["number"] for each in rest["items"]], rest["next_cursor"]) == ([1], None)
    only = (await authors.get(f"?plan={code}&status=published")).json()["items"]
    assert [each["number"] for each in only] == [2]


async def test_differences_place_by_place_and_in_words(authors: Authors) -> None:
    body = version()
    was = await authors.draft(body)
    changed = deepcopy(body)
    document = changed["document"]
    [benefit] = document["benefits"]
    benefit["pays"]["each"]["gives"]["times"][0] = {"yuan": 60}
    benefit["limits"] = []
    document["benefits"] = [{**deepcopy(benefit), "code": "SECOND"}, benefit]
    document["waiting"] = {"accident_days": 3}
    becomes = await authors.draft(changed)
    answer = await authors.get(f"/{becomes['id']}/differences?against={was['id']}")
    found = {each["pointer"]: each for each in answer.json()["differences"]}
    assert {place: each["change"] for place, each in found.items()} == {
        "/waiting": "added",
        "/benefits/0": "added",
        "/benefits/1/pays/each/gives/times/0/yuan": "changed",
        "/benefits/0/limits/0": "removed",
    }
    price = found["/benefits/1/pays/each/gives/times/0/yuan"]
    assert (price["was"], price["becomes"]) == (50, 60)
    assert "给付金额" in price["words"]["zh"]
    assert price["words"]["en"].endswith("from 50 to 60")
    same = await authors.get(f"/{was['id']}/differences?against={was['id']}")
    assert same.json() == {"differences": []}
