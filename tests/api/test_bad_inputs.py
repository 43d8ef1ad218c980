"""The row "any" of the table of bad inputs, tried on every route that it concerns."""

import copy
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.database import Database
from app.kernel.gate import DEFAULT_BODY_LIMIT
from app.main import BODY_LIMITS
from tests.access_fixtures import SignedIn
from tests.api.routes import Operation, call, discover
from tests.api.test_tenancy import fingerprint, owner_of
from tests.api.world import Tenant, keyed
from tests.cover_fixtures import Rider

pytestmark = [pytest.mark.anyio, pytest.mark.long]

Tenants = tuple[Tenant, Tenant]
JSON = "application/json"
CANARY = "CANARY-9d3f"
# Bodies that are read as they came: proven by a signature, or by the worker.
RAW = {
    "takePaymentNotice",
    "takeRefundNotice",
    "takeTransferNoticeOfGateway",
    "takeAgreementNotice",
    "takeIdentityCallback",
    "pushRoster",
}
RAW_JSON: dict[str, tuple[bytes, int]] = {
    "not JSON": (b'{"a": ', 400),
    "empty": (b"", 422),
    "nested 100,000 deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 413),
    "nested 40,000 deep": (b"[" * 40_000 + b"]" * 40_000, 400),
    "not UTF-8": (b'{"name": "\xff\xfe"}', 400),
    "UTF-16": ('{"name": "CANARY-9d3f"}'.encode("utf-16"), 400),
    "NaN": (b'{"a": NaN}', 422),
    "Infinity": (b'{"a": -Infinity}', 422),
    "NUL": (b'{"name": "CANARY-9d3f\\u0000"}', 422),
    "a lone surrogate": (b'{"name": "CANARY-9d3f\\ud800"}', 422),
    "a member twice": (b'{"CANARY-9d3f": 1, "CANARY-9d3f": 2}', 422),
    "an unknown member": (b'{"CANARY-9d3f": 1}', 422),
    "a list": (b'["CANARY-9d3f"]', 422),
    "a number beyond all": (b'{"a": ' + b"9" * 5_000 + b"}", 400),
}


def takes_json(app: FastAPI) -> list[Operation]:
    return [each for each in discover(app) if JSON in each.content and each.id not in RAW]


def sender(operation: Operation, tenant: Tenant) -> SignedIn | Rider | None:
    return None if operation.door is None else owner_of(operation, tenant)


async def send(
    client: httpx.AsyncClient, operation: Operation, tenant: Tenant, content: Any, **more: str
) -> httpx.Response:
    who = sender(operation, tenant)
    headers = {"Content-Type": JSON, "If-Match": '"1"', **(keyed(who) if who else {}), **more}
    return await client.request(
        operation.method, operation.url(tenant), headers=headers, content=content
    )


def wrong(answer: httpx.Response, *statuses: int) -> str:
    """What is not as promised about a refusal; empty if all is."""
    if answer.status_code not in statuses:
        return f"{answer.status_code} {answer.text[:200]}"
    if answer.headers["content-type"] != "application/problem+json":
        return f"a {answer.headers['content-type']}"
    document = answer.json()
    if document["request_id"] != answer.headers["x-request-id"]:
        return "no request id"
    return "an echo" if CANARY in json.dumps(document["detail"]) else ""


@pytest.mark.parametrize("name", RAW_JSON)
async def test_json_that_is_none_or_cannot_be_meant(
    app: FastAPI, client: httpx.AsyncClient, tenants: Tenants, name: str
) -> None:
    content, status = RAW_JSON[name]
    faults = {}
    for operation in takes_json(app):
        # Such depth does not fit under the limit except where files are sent.
        expected = 400 if status == 413 and limit_of(operation) > len(content) else status
        answer = await send(client, operation, tenants[0], content)
        if fault := wrong(answer, expected):
            faults[operation.id] = fault
    assert faults == {}


def limit_of(operation: Operation) -> int:
    return next(
        (limit for prefix, limit in BODY_LIMITS.items() if operation.path.startswith(prefix)),
        DEFAULT_BODY_LIMIT,
    )


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_other_content_types(
    app: FastAPI, client: httpx.AsyncClient, tenants: Tenants, media_type: str
) -> None:
    faults = {}
    for operation in takes_json(app):
        body = json.dumps(operation.example()).encode()
        headers = {"Content-Type": media_type}
        answer = await send(client, operation, tenants[0], body, **headers)
        if fault := wrong(answer, 415):
            faults[operation.id] = fault
    assert faults == {}


async def test_bodies_over_the_limit_declared_or_streamed(
    app: FastAPI, client: httpx.AsyncClient, tenants: Tenants
) -> None:
    """Also where raw bytes, forms and files are sent; declared ones are not even read."""
    faults = {}
    for operation in discover(app):
        if not operation.content:
            continue
        limit = limit_of(operation)
        media_type = next(iter(operation.content))
        declared = await send(
            client, operation, tenants[0], b"", **_declared(media_type, limit + 1)
        )
        if fault := wrong(declared, 413):
            faults[f"{operation.id} declared"] = fault
        if limit <= DEFAULT_BODY_LIMIT:
            streamed = await send(
                client, operation, tenants[0], _stream(limit), **{"Content-Type": media_type}
            )
            if fault := wrong(streamed, 413):
                faults[f"{operation.id} streamed"] = fault
    assert faults == {}


def _declared(media_type: str, length: int) -> dict[str, str]:
    return {"Content-Type": media_type, "Content-Length": str(length)}


async def _stream(limit: int) -> AsyncIterator[bytes]:
    yield b'{"a": "'
    for _ in range(limit // 65_536 + 1):
        yield b"x" * 65_536
    yield b'"}'


def _variants(example: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Each leaf of an example by its path, with values of types that it does not have."""
    if isinstance(example, dict):
        for name, member in example.items():
            # What a fact may be is the plan's to say, after the claim is found; a plan's
            # document takes a decimal as text, too (tests/plans/test_checking.py).
            if name not in ("facts", "document"):
                yield from _variants(member, (*path, name))
    elif isinstance(example, list):
        for place, member in enumerate(example[:1]):
            yield from _variants(member, (*path, place))
    else:
        yield from ((path, value) for value in _unlike(example))


def _unlike(example: Any) -> list[Any]:
    if isinstance(example, bool):
        return [1, "true", None]
    if isinstance(example, int):
        return [True, str(example), 2**63, 0.5, -(2**31), []]
    return [7, True, [example], {"a": 1}, "x" * 200_000]


def _with(example: Any, path: tuple[str | int, ...], value: Any) -> Any:
    changed = copy.deepcopy(example)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


async def test_no_member_takes_another_type(
    app: FastAPI, client: httpx.AsyncClient, database: Database, tenants: Tenants
) -> None:
    """`true`, "100", 0.5 or 2^63 where a number is asked, a number where a text is; no effect."""
    faults, tried = {}, 0
    for operation in takes_json(app):
        before = await fingerprint(database)
        for path, value in _variants(operation.example()):
            body = json.dumps(_with(operation.example(), path, value)).encode()
            answer = await send(client, operation, tenants[0], body)
            tried += 1
            if fault := wrong(answer, 422):
                faults[f"{operation.id} {path} {str(value)[:20]}"] = fault
        after = await fingerprint(database)
        faults |= {f"{operation.id} wrote {t}": "" for t in after if after[t] != before[t]}
    assert faults == {}
    assert tried > 300


@pytest.mark.parametrize("limit", ["0", "-1", "1000000000", "101", "1.5", "x", "", "٣"])
async def test_limits_of_lists(
    app: FastAPI, client: httpx.AsyncClient, tenants: Tenants, limit: str
) -> None:
    await _lists(app, client, tenants[0], {"limit": limit}, 422, "limit")


@pytest.mark.parametrize("cursor", ["", "AAAA", "x" * 500, "%", "'; drop table claim; --", "🌂"])
async def test_tampered_cursors(
    app: FastAPI, client: httpx.AsyncClient, tenants: Tenants, cursor: str
) -> None:
    await _lists(app, client, tenants[0], {"cursor": cursor}, 400, "cursor")


async def _lists(
    app: FastAPI,
    client: httpx.AsyncClient,
    tenant: Tenant,
    query: dict[str, str],
    status: int,
    parameter: str,
) -> None:
    faults, tried = {}, 0
    for operation in discover(app):
        if parameter in {each["name"] for each in operation.document.get("parameters", ())}:
            url = str(httpx.URL(operation.url(tenant), params=query))
            answer = await call(client, operation, url, owner_of(operation, tenant))
            tried += 1
            if fault := wrong(answer, status):
                faults[operation.id] = fault
    assert faults == {}
    assert tried >= 8


async def test_a_cursor_is_of_one_list_and_one_caller(
    app: FastAPI, client: httpx.AsyncClient, tenants: Tenants
) -> None:
    """A genuine one, carried to every other list, and with one character changed."""
    mine, other = tenants
    first = await client.get("/v1/me/claims?limit=1", headers=mine.rider.headers)
    cursor = first.json()["next_cursor"]
    assert cursor
    following = await client.get(
        f"/v1/me/claims?limit=1&cursor={cursor}", headers=mine.rider.headers
    )
    assert following.json()["items"][0]["id"] != first.json()["items"][0]["id"]
    changed = [
        cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        for place in range(len(cursor) - 1)
    ]
    for bad in changed:
        answer = await client.get(f"/v1/me/claims?cursor={bad}", headers=mine.rider.headers)
        assert wrong(answer, 400) == "", bad
    for operation in discover(app):
        names = {each["name"] for each in operation.document.get("parameters", ())}
        if "cursor" not in names or operation.id == "listOwnClaims":
            continue
        url = f"{operation.url(mine)}?cursor={cursor}"
        answer = await call(client, operation, url, owner_of(operation, mine))
        assert wrong(answer, 400) == "", operation.id
    foreign = await client.get(f"/v1/me/claims?cursor={cursor}", headers=other.rider.headers)
    assert wrong(foreign, 400) == ""


@pytest.mark.parametrize(
    "text", ["%", "_", "%25", "'", '"', "\\", "*", "P%", "' or 1=1 --", "..", "﹪"]
)
async def test_wildcards_and_quotes_are_letters(
    app: FastAPI, client: httpx.AsyncClient, tenants: Tenants, text: str
) -> None:
    """Where free text reaches a look-up, it finds nothing."""
    quoted = httpx.URL("http://test/").copy_with(path=f"/{text}").raw_path.decode()[1:]
    for path in ("/v1/certificates/", "/v1/enrolment-codes/", "/v1/plans/", "/problems/"):
        answer = await client.get(path + quoted)
        assert answer.status_code in (404, 422), (path, answer.text)
        assert wrong(answer, 404, 422) == "", path
    caller = tenants[0].rider
    for query in ("plan", "occupation"):
        answer = await client.get(
            "/v1/me/eligibility", params={"plan": "RIDER-ACC", query: text}, headers=caller.headers
        )
        assert wrong(answer, 404, 422) == ""


@pytest.mark.parametrize("raw", ["%00", "a%00b", "%ff%fe", "%ed%a0%80"])
async def test_bytes_in_addresses_that_are_no_text(
    app: FastAPI, client: httpx.AsyncClient, tenants: Tenants, raw: str
) -> None:
    """In every path parameter of text and in every query parameter."""
    mine, _ = tenants
    for path in ("/v1/certificates/", "/v1/enrolment-codes/", "/v1/plans/", "/v1/blobs/"):
        answer = await client.get(path + raw)
        assert wrong(answer, 404, 422) == "", path
    for operation in discover(app):
        if operation.method != "GET" or operation.door is None:
            continue
        for parameter in operation.document.get("parameters", ()):
            if parameter["in"] == "query":
                url = f"{operation.url(mine)}?{parameter['name']}={raw}"
                answer = await call(client, operation, url, owner_of(operation, mine))
                assert wrong(answer, 400, 422, 404) == "", (operation.id, parameter["name"])


async def test_headers_nobody_would_send(
    app: FastAPI, client: httpx.AsyncClient, tenants: Tenants
) -> None:
    rider = tenants[0].rider
    odd: dict[str, bytes] = {
        "Accept-Language": b"\xff\xfe, en;q=\xb2, zh;q=nan" + b",x" * 2_000,
        "X-Request-Id": b"\xff" * 20,
        "traceparent": b"00-" + b"g" * 32 + b"-0-0",
        "If-None-Match": b"\xff" * 300,
        "X-Forwarded-For": b"1.1.1.1, \xff\xfe, " * 100,
        "Content-Type": b"application/json; charset=\xff",
    }
    for name, value in odd.items():
        headers = [(b"authorization", rider.headers["Authorization"].encode())]
        answer = await client.get("/v1/me", headers=[*headers, (name.encode(), value)])
        assert answer.status_code == 200, name
        plans = await client.get("/v1/plans", headers=[(name.encode(), value)])
        assert plans.status_code == 200, name
