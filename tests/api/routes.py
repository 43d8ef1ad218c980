"""The application's own routes with their doors, roles, ids and example bodies."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from app.kernel.principal import Door
from app.kernel.routing import door_of
from tests.access_fixtures import SignedIn
from tests.api.world import Tenant, keyed
from tests.claims.factories import picture
from tests.cover_fixtures import Rider
from tests.kernel.test_public_routes import operations

_PARAMETER = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    path: str
    door: Door | None
    roles: frozenset[str]
    document: dict[str, Any]

    @property
    def parameters(self) -> list[str]:
        return _PARAMETER.findall(self.path)

    def url(self, tenant: Tenant) -> str:
        """The path with the tenant's own ids."""
        return _PARAMETER.sub(lambda match: tenant.of(self.id, match[1]), self.path)

    def address(self, tenant: Tenant) -> str:
        """The same with the query that it cannot do without."""
        query = {
            each["name"]: tenant.of(self.id, f"?{each['name']}")
            for each in self.document.get("parameters", ())
            if each["in"] == "query" and each["required"] and "uuid" in str(each["schema"])
        }
        return str(httpx.URL(self.url(tenant), params=query)) if query else self.url(tenant)

    def example(self) -> Any:
        """The example body of the document; None where it has no JSON body."""
        media = self.content.get("application/json", {})
        if "examples" in media:
            return next(iter(media["examples"].values()))["value"]
        return media.get("example")

    @property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document.get("requestBody", {}).get("content", {})
        return found


def discover(app: FastAPI) -> Iterator[Operation]:
    """Every documented operation, by walking the routes."""
    paths = app.openapi()["paths"]
    for label, route in operations(app):
        if isinstance(route, APIRoute):
            method, path = label.split(" ", 1)
            document = paths[path][method.lower()]
            yield Operation(
                id=document["operationId"],
                method=method,
                path=path,
                door=door_of(route.dependant),
                roles=roles_of(route.dependant),
                document=document,
            )


def roles_of(dependant: Dependant) -> frozenset[str]:
    """The roles of which a handler demands one; none where any caller of the door may."""
    roles: frozenset[str] = getattr(dependant.call, "roles", frozenset())
    return roles.union(*(roles_of(child) for child in dependant.dependencies))


async def call(
    client: httpx.AsyncClient,
    operation: Operation,
    url: str,
    who: SignedIn | Rider | None,
    body: Any = None,
) -> httpx.Response:
    """A well-formed call: with a fresh key, an ETag and the document's example as body."""
    headers = {"If-Match": '"1"', "Idempotency-Key": "nobody-in-particular"}
    if who is not None:
        headers |= keyed(who)
    if "multipart/form-data" in operation.content:
        return await client.request(
            operation.method,
            url,
            headers=headers,
            data={"kind": "receipt"},
            files={"file": ("a.jpg", picture(), "image/jpeg")},
        )
    body = operation.example() if body is None else body
    if body is None:
        return await client.request(operation.method, url, headers=headers)
    return await client.request(operation.method, url, headers=headers, json=body)
