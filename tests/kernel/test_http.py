"""What every request gets, whichever feature answers: ids, problems, caps, strict bodies."""

import httpx
import pytest

from app.kernel.gate import DEFAULT_BODY_LIMIT

pytestmark = pytest.mark.anyio


async def test_an_unknown_path_is_a_problem_with_the_request_id(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere", headers={"X-Request-Id": "tablet-17-a"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == "tablet-17-a"
    assert answer.json()["request_id"] == "tablet-17-a"
    assert answer.json()["title"] == "未找到"


async def test_english_on_request(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere", headers={"Accept-Language": "en-GB,zh;q=0.5"})
    assert answer.json()["title"] == "Not found"
    assert answer.headers["content-language"] == "en"


async def test_a_trace_is_continued(client: httpx.AsyncClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await client.get(
        "/healthz", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    )
    assert answer.headers["traceparent"].split("-")[1] == trace


async def test_the_wrong_method_names_the_right_one(client: httpx.AsyncClient) -> None:
    answer = await client.post("/healthz")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json()["code"] == "method-not-allowed"


async def test_the_wrong_method_names_every_right_one(client: httpx.AsyncClient) -> None:
    answer = await client.put("/v1/staff/organisations")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_a_declared_body_over_the_cap_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/healthz", content=b"x" * (DEFAULT_BODY_LIMIT + 1))
    assert answer.status_code == 413


async def test_nul_in_a_query_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz?a=%00")
    assert answer.status_code == 422


async def test_ready_when_the_database_answers(client: httpx.AsyncClient) -> None:
    assert (await client.get("/readyz")).json() == {"status": "ready"}
