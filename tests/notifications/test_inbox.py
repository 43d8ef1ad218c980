"""The inbox: pages, what is unread, and whose it is."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.database import Database
from tests.cover_fixtures import Rider, make_rider, scalar
from tests.notifications.outbox import go_to, now_of, tell

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("daytime")]


async def test_pages_go_back_in_time_and_count_what_is_unread(
    app: FastAPI, client: httpx.AsyncClient, database: Database, rider: Rider
) -> None:
    start = await now_of(database)
    for minutes in (3, 1, 2, 0, 4):
        await tell(app, rider.person.id, not_before=start + timedelta(minutes=minutes))
    await go_to(app, start + timedelta(minutes=10))
    seen: list[str] = []
    url = "/v1/me/messages?limit=2"
    while True:
        page = (await client.get(url, headers=rider.headers)).json()
        assert page["unread"] == 5
        seen += [each["at"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        url = f"/v1/me/messages?limit=2&cursor={page['next_cursor']}"
    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)
    [first] = (await client.get("/v1/me/messages?limit=1", headers=rider.headers)).json()["items"]
    assert first["title"] == {"zh": "保障已结束", "en": "Your cover has ended"}
    assert "2027年2月28日" in first["text"]["zh"]
    assert "28 February 2027" in first["text"]["en"]


async def test_reading_is_remembered_once(
    app: FastAPI, client: httpx.AsyncClient, database: Database, rider: Rider
) -> None:
    message_id = await tell(app, rider.person.id)
    url = f"/v1/me/messages/{message_id}/read"
    first = await client.put(url, headers=rider.headers)
    assert first.status_code == 200
    assert first.json()["read_at"] is not None
    again = await client.put(url, headers=rider.headers)
    assert again.json() == first.json()
    assert (
        await scalar(
            database,
            "select count(*) from audit_entry where :id = any(subject_ids)",
            id=message_id,
        )
        == 1
    )
    page = (await client.get("/v1/me/messages?unread=true", headers=rider.headers)).json()
    assert page == {"items": [], "unread": 0, "next_cursor": None}


async def test_nobody_reads_anothers_messages_or_the_morrows(
    app: FastAPI, client: httpx.AsyncClient, database: Database, rider: Rider
) -> None:
    other = await make_rider(app)
    mine = await tell(app, rider.person.id)
    tomorrow = await now_of(database) + timedelta(days=1)
    later = await tell(app, rider.person.id, not_before=tomorrow)
    for message_id, who in ((mine, other), (later, rider)):
        answer = await client.put(f"/v1/me/messages/{message_id}/read", headers=who.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "message-not-found")
    assert (await client.get("/v1/me/messages", headers=other.headers)).json()["items"] == []
    page = (await client.get("/v1/me/messages", headers=rider.headers)).json()
    assert [each["id"] for each in page["items"]] == [str(mine)]


async def test_a_cursor_is_good_for_its_own_list_only(
    app: FastAPI, client: httpx.AsyncClient, rider: Rider
) -> None:
    for _ in range(3):
        await tell(app, rider.person.id)
    page = (await client.get("/v1/me/messages?limit=1", headers=rider.headers)).json()
    url = f"/v1/me/messages?unread=true&limit=1&cursor={page['next_cursor']}"
    assert (await client.get(url, headers=rider.headers)).status_code == 400
