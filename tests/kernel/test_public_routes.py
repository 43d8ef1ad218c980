"""Every route has a principal, or is named here: the one list of what anybody may call."""

from collections.abc import Iterable, Iterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route

from app.kernel.routing import HotRoute, StrictRoute, door_of

pytestmark = pytest.mark.anyio

PUBLIC = {
    # The service itself
    "GET /healthz": "liveness",
    "GET /readyz": "readiness",
    "GET /metrics": "no personal data; the shipped proxy keeps it inside",
    "GET /problems": "documentation",
    "GET /problems/{code}": "documentation",
    "GET /openapi.json": "documentation",
    "GET /docs": "documentation",
    "GET /docs/oauth2-redirect": "documentation",
    "GET /redoc": "documentation",
    "GET /v1/sandbox/clock": "sandboxes only",
    # Logging in is what gives a principal
    "POST /v1/one-time-codes": "limited per phone and address",
    "POST /v1/member/sessions/phone": "five guesses a code, limited per address",
    "POST /v1/member/sessions/wechat": "proven by WeChat, limited per address",
    "POST /v1/staff/sessions": "limited per user name and address",
    "POST /v1/sessions/refresh": "proven by a 256-bit token",
    "POST /oauth/token": "proven by a 256-bit secret, limited per client and address",
    "GET /.well-known/jwks.json": "public keys",
    # Reference data
    "GET /v1/areas": "districts and counties",
    "GET /v1/plans": "the catalogue",
    "GET /v1/plans/{code}": "the catalogue",
    "GET /v1/plan-tables": "standard tables",
    "GET /v1/plan-tables/{code}": "standard tables",
    "GET /v1/schemas/plan-version": "what a plan's document looks like",
    # Reached with something in the hand that proves enough
    "GET /v1/enrolment-codes/{code}": "the scan, before anybody has logged in",
    "GET /v1/certificates/{number}": "whether a certificate is genuine; names are masked",
    "GET /certificates/{number}": "the same as a page",
    "GET /v1/uploads/{token}": "the token in the path is the secret of one upload",
    "PUT /v1/uploads/{token}/{offset}": "the token in the path is the secret of one upload",
    "GET /v1/blobs/{token}": "a signed link that opens once",
    # Outside systems that sign their messages; proven on the raw body
    "POST /v1/identity-vendor/callbacks": "signed by the vendor",
    "POST /v1/gateway/wechat-pay/agreements": "signed by the gateway",
    "POST /v1/gateway/wechat-pay/payments": "signed by the gateway",
    "POST /v1/gateway/wechat-pay/refunds": "signed by the gateway",
    "POST /v1/gateway/wechat-pay/transfers": "signed by the gateway",
}


def leaves(routes: Iterable[BaseRoute]) -> Iterator[Route]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from leaves(included.routes)
        elif isinstance(route, Route):
            yield route
        else:
            raise AssertionError(f"a kind of route that this walk does not know: {route!r}")


def operations(app: FastAPI) -> Iterator[tuple[str, Route]]:
    for route in leaves(app.routes):
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}:
            yield f"{method} {route.path}", route


def guarded(route: Route) -> bool:
    return isinstance(route, APIRoute) and door_of(route.dependant) is not None


async def test_every_route_has_a_principal_or_is_on_the_list(app: FastAPI) -> None:
    open_to_all = {name for name, route in operations(app) if not guarded(route)}
    assert open_to_all - PUBLIC.keys() == set()


async def test_the_list_names_nothing_that_is_gone(app: FastAPI) -> None:
    assert PUBLIC.keys() - {name for name, _ in operations(app)} == set()


async def test_bodies_are_read_strictly_everywhere(app: FastAPI) -> None:
    """FastAPI's own route class would read the body before it looks at the token."""
    lax = {
        name
        for name, route in operations(app)
        if isinstance(route, APIRoute)
        and not isinstance(route, StrictRoute | HotRoute)  # a hot route takes no body at all
        and (route.body_field is not None or guarded(route))
    }
    assert lax == set()


async def test_guarded_routes_answer_401_without_a_token(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    """The declaration is not enough: each is called, with a body that would be read later."""
    for name, route in operations(app):
        if guarded(route):
            method, path = name.split(" ", 1)
            answer = await client.request(method, path, content=b"{", headers={})
            assert answer.status_code == 401, name


async def test_operation_ids_are_unique(app: FastAPI) -> None:
    names = [route.unique_id for _, route in operations(app) if isinstance(route, APIRoute)]
    assert sorted(names) == sorted(set(names))
