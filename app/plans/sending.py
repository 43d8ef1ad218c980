"""A plan version in a request's body, JSON or YAML, and in the answer that was asked for."""

import asyncio
import re
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from app.kernel.problems import PreconditionFailed, PreconditionRequired, UnsupportedMediaType
from app.plans.authoring import etag_of
from app.plans.checking import MAX_FAULTS
from app.plans.errors import InvalidPlan
from app.plans.models import PlanVersion
from app.plans.staff_schemas import version_view
from app.plans.versions_text import (
    JSON,
    YAML,
    Judged,
    PlanVersionBody,
    SentVersion,
    content_of,
    judge_version,
    read_version,
    written,
)

EXAMPLE: dict[str, Any] = {
    "effective_from": "2026-01-01",
    "document": {
        "code": "EXAMPLE-1",
        "name": {"zh": "示例互助保障", "en": "Example mutual aid"},
        "summary": {"zh": "住院每日50元。", "en": "50 yuan for each day in hospital."},
        "kind": "purchased",
        "source": {
            "issuer": {"zh": "某市总工会", "en": "A city's federation of trade unions"},
            "as_of": "2026",
            "published_plan": "none",
        },
        "eligibility": {"ages": {"male": {"minimum": 16, "maximum": 60}}},
        "contribution": {
            "max_shares": 1,
            "options": [{"code": "A", "term": {"months": 12}, "price": {"yuan": 30}}],
        },
        "benefits": [
            {
                "code": "HOSP_DAY",
                "name": {"zh": "住院津贴", "en": "Hospital allowance"},
                "trigger": {"zh": "因意外住院", "en": "A hospital stay after an accident"},
                "causes": ["accident"],
                "pays": {"each": {"of": "stays", "gives": {"times": [{"yuan": 50}, "stays.days"]}}},
                "limits": [{"max": {"yuan": 5000}, "per": "term"}],
            }
        ],
    },
}


def version_body() -> dict[str, Any]:
    """The `openapi_extra` of a handler that takes a version."""
    schema = PlanVersionBody.model_json_schema()
    content = {
        JSON: {"schema": schema, "example": EXAMPLE},
        YAML: {"schema": schema, "example": written(EXAMPLE).decode()},
    }
    return {"requestBody": {"required": True, "content": content}}


VERSION_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The version; with `Accept: application/yaml` as a file to edit.",
        "content": {YAML: {"schema": {"type": "object"}}},
    }
}


def _media_type(request: Request) -> str:
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found not in (JSON, YAML):
        raise UnsupportedMediaType(expected=f"{JSON} / {YAML}")
    return found


# A large document takes its time: in a thread, so that nobody else waits for it.
async def _sent(request: Request) -> SentVersion:
    media_type = _media_type(request)
    return await asyncio.to_thread(read_version, await request.body(), media_type)


async def _judged(request: Request) -> Judged:
    media_type = _media_type(request)
    judged = await asyncio.to_thread(judge_version, await request.body(), media_type)
    if judged.around:
        raise InvalidPlan(errors=[*judged.around, *judged.inside][:MAX_FAULTS])
    return judged


SentVersionDep = Annotated[SentVersion, Depends(_sent)]
JudgedDep = Annotated[Judged, Depends(_judged)]
_ETAG = re.compile(r'"[^"]*"|\*')


def etags_in(if_match: str | None) -> frozenset[str]:
    """The tags of an If-Match header; PreconditionRequired (428), PreconditionFailed (412)."""
    if if_match is None:
        raise PreconditionRequired
    found = frozenset(_ETAG.findall(if_match))
    if not found:
        raise PreconditionFailed
    return found


def version_response(request: Request, version: PlanVersion) -> Response:
    """The version as the caller would have it."""
    headers = {"ETag": etag_of(version), "Vary": "Accept"}
    if _prefers_yaml(request.headers.get("accept", "")):
        return Response(written(content_of(version)), 200, headers, media_type=YAML)
    content = version_view(version).model_dump_json()
    return Response(content, 200, headers, media_type=JSON)


def changed_response(version: PlanVersion) -> Response:
    """A version after a change, as JSON."""
    content = version_view(version).model_dump_json()
    return Response(content, 200, {"ETag": etag_of(version)}, media_type=JSON)


def _prefers_yaml(accept: str) -> bool:
    """Whether YAML is named before JSON; quality values are not looked at."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    named = [kind for kind in kinds if kind in (JSON, YAML)]
    return named[:1] == [YAML]
