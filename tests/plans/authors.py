"""Whoever writes plans over HTTP: an agency's author and the municipal office."""

import secrets
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from app.organisations.models import Kind
from app.plans.sending import EXAMPLE
from tests.access_fixtures import SignedIn, make_organisation, staff_token

PATH = "/v1/staff/plan-versions"


@dataclass(frozen=True)
class Authors:
    """An agency's administrator who drafts, and the municipal office's who publishes."""

    client: httpx.AsyncClient
    agency: SignedIn
    office: SignedIn

    async def post(
        self, path: str, body: Any = None, who: SignedIn | None = None, **headers: str
    ) -> httpx.Response:
        return await self.client.post(
            f"{PATH}{path}", headers=(who or self.agency).keyed | headers, json=body
        )

    async def validate(self, body: Any) -> list[dict[str, Any]]:
        """The faults of a version that is not kept."""
        answer = await self.client.post(
            "/v1/staff/plan-validations", headers=self.agency.headers, json=body
        )
        assert answer.status_code == 200, answer.text
        faults: list[dict[str, Any]] = answer.json()["faults"]
        return faults

    async def draft(self, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A draft; the answer with its ETag as `etag`."""
        answer = await self.post("", body or version())
        assert answer.status_code == 201, answer.text
        view: dict[str, Any] = answer.json()
        return view | {"etag": answer.headers["etag"]}

    async def publish(self, version_id: str) -> httpx.Response:
        return await self.post(f"/{version_id}/publication", who=self.office)

    async def published(self, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        drafted = await self.draft(body)
        answer = await self.publish(drafted["id"])
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    async def put(
        self, version_id: str, body: Any, etag: str | None, who: SignedIn | None = None
    ) -> httpx.Response:
        headers = (who or self.agency).headers | ({} if etag is None else {"If-Match": etag})
        return await self.client.put(f"{PATH}/{version_id}", headers=headers, json=body)

    async def get(self, path: str, who: SignedIn | None = None, **headers: str) -> httpx.Response:
        return await self.client.get(
            f"{PATH}{path}", headers=(who or self.agency).headers | headers
        )


async def make_authors(app: FastAPI, client: httpx.AsyncClient) -> Authors:
    city = await make_organisation(app, Kind.MUNICIPAL_OFFICE)
    agency = await make_organisation(app, Kind.AGENCY, city)
    return Authors(
        client,
        await staff_token(app, agency.id, ["administrator"]),
        await staff_token(app, city.id, ["administrator"]),
    )


def version(code: str | None = None, **document: Any) -> dict[str, Any]:
    """A right version of a plan that nobody has yet; `document` replaces parts."""
    made: dict[str, Any] = deepcopy(EXAMPLE)
    made["document"] |= {"code": code or f"T-{secrets.token_hex(5).upper()}"} | document
    return made


def whole(piece: Mapping[str, Any]) -> dict[str, Any]:
    """The document with what every plan has; ages are those of both sexes unless it says so."""
    document: dict[str, Any] = version()["document"] | deepcopy(dict(piece))
    if "eligibility" not in piece:
        ages = document["eligibility"]["ages"]
        ages["female"] = ages["male"]
    return document


def faults(answer: httpx.Response) -> set[tuple[str, str]]:
    """Pointers and codes of a refusal; each has words."""
    assert answer.status_code == 422, answer.text
    found = answer.json()["errors"]
    assert all(each["message"] for each in found)
    return {(each["pointer"], each["code"]) for each in found}
