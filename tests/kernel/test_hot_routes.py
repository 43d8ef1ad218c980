"""Routing of our own: the index finds what the framework finds; hot routes refuse the same."""

import httpx
import pytest
from fastapi import FastAPI, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.kernel.database import SessionDep
from app.kernel.finding import RouteFinder
from app.kernel.principal import Member
from app.kernel.routing import hot_router, router
from tests.access_fixtures import member_token

pytestmark = pytest.mark.anyio


def test_a_hot_route_takes_no_dependency_that_is_not_prepared_for_it() -> None:
    async def greedy(member: Member, session: SessionDep) -> Response:
        return Response()

    with pytest.raises(TypeError, match="greedy"):
        hot_router("test").post("/greedy")(greedy)


async def test_every_route_is_in_the_index(app: FastAPI) -> None:
    finder = app.router.middleware_stack
    assert isinstance(finder, RouteFinder)
    indexed = {route.path for route in finder.routes}
    documented = set(app.openapi()["paths"])
    assert documented <= indexed
    assert all(isinstance(route, APIRoute) for route in finder.routes)


async def test_unknown_paths_and_wrong_methods_are_the_routers(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/nowhere")).status_code == 404
    assert (await client.get("/v1/me/policies/")).status_code == 404
    answer = await client.delete("/v1/me/policies")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 200), ("limit=1", 200), ("limit=0", 422), ("limit=x", 422), ("cursor=abc", 400)],
)
async def test_a_hot_route_validates_its_query(
    app: FastAPI, client: httpx.AsyncClient, query: str, status: int
) -> None:
    member = await member_token(app)
    answer = await client.get(f"/v1/me/policies?{query}", headers=member.headers)
    assert answer.status_code == status


async def test_a_hot_route_knows_its_door(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/me/policies")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("body", "code"), [(b"", "missing"), (b"null", "model-attributes-type")])
async def test_a_hot_route_says_of_no_body_what_others_say(
    app: FastAPI, client: httpx.AsyncClient, body: bytes, code: str
) -> None:
    member = await member_token(app)
    for path in ("/v1/me/orders", "/v1/me/claims"):
        headers = member.keyed | {"Content-Type": "application/json"}
        answer = await client.post(path, headers=headers, content=body)
        assert answer.status_code == 422
        assert [each["code"] for each in answer.json()["errors"]] == [code], path


@pytest.mark.parametrize(
    ("keyed", "body", "status", "code"),
    [
        (False, b"{}", 400, "missing-idempotency-key"),
        (False, b"", 400, "missing-idempotency-key"),
        (False, b"{", 400, "malformed-body"),
        (True, b"{}", 422, "invalid"),
    ],
)
async def test_a_hot_route_says_first_what_others_say_first(
    app: FastAPI, client: httpx.AsyncClient, keyed: bool, body: bytes, status: int, code: str
) -> None:
    member = await member_token(app)
    said = []
    for path in ("/v1/me/orders", "/v1/me/claims"):
        headers = (member.keyed if keyed else member.headers) | {"Content-Type": "application/json"}
        answer = await client.post(path, headers=headers, content=body)
        said.append((answer.status_code, answer.json()["code"]))
    assert said == [(status, code)] * 2


async def test_a_hot_route_tells_faults_of_query_and_body_together() -> None:
    class Named(BaseModel):
        name: str

    async def both(named: Named, limit: int) -> Response:
        return Response()

    plain = FastAPI()
    for kind, routes in (("hot", hot_router("test")), ("ordinary", router("test"))):
        routes.post(f"/{kind}")(both)
        plain.include_router(routes)
    told = []
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(plain), base_url="http://test"
    ) as asking:
        for kind in ("hot", "ordinary"):
            answer = await asking.post(f"/{kind}?limit=x", json={})
            told.append([each["loc"] for each in answer.json()["detail"]])
    assert told == [[["query", "limit"], ["body", "name"]]] * 2


@pytest.mark.parametrize("end", ["%0A", "%0a", "%0A%0A", "%0D%0A"])
async def test_a_path_that_ends_a_line_is_nobodys(
    app: FastAPI, client: httpx.AsyncClient, end: str
) -> None:
    """Hot and ordinary, with parameters and without: each pattern's `$` overlooks a line's end."""
    member = await member_token(app)
    some = "01890000-0000-7000-8000-000000000000"
    asked = [
        ("GET", "/v1/me/policies"),
        ("GET", "/v1/me/cover"),
        ("GET", "/v1/me/claims"),
        ("GET", f"/v1/me/orders/{some}"),
        ("GET", f"/v1/me/claims/{some}/payout"),
        ("POST", "/v1/me/orders"),
        ("POST", f"/v1/me/claims/{some}/payout"),
        ("GET", "/v1/scan/ABCDEFGH"),
        ("GET", "/healthz"),
        ("GET", "/openapi.json"),
        ("DELETE", "/v1/me/policies"),
    ]
    for method, path in asked:
        answer = await client.request(method, path + end, headers=member.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), path
        assert answer.headers["content-type"] == "application/problem+json"
