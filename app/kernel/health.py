"""Liveness, readiness, metrics, and the catalogue of problems."""

import asyncio
from typing import Annotated

from fastapi import Path, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from app.kernel.database import DatabaseDep
from app.kernel.problems import NotFound, Unavailable, every_problem
from app.kernel.routing import router
from app.kernel.text import preferred_language

routes = router("service")
READY_SECONDS = 1.0
ProblemCode = Annotated[str, Path(description="A problem's code.", examples=["not-found"])]


class Health(BaseModel):
    status: str


class ProblemWords(BaseModel):
    """One kind of refusal, as listed at `/problems`."""

    code: str
    status: int
    title: str
    detail: str


@routes.get("/healthz")
async def check_health() -> Health:
    """Whether the process answers at all."""
    return Health(status="ok")


@routes.get("/readyz")
async def check_readiness(database: DatabaseDep) -> Health:
    """Whether requests can be served: the database answers within a second."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            await database.reads.fetchval("select 1 from alembic_version")
    except Exception as error:
        raise Unavailable from error
    return Health(status="ready")


@routes.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def read_metrics() -> Response:
    """Prometheus metrics of this process; no personal data."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@routes.get("/problems")
async def list_problems(request: Request) -> list[ProblemWords]:
    """Every refusal this service knows, with its stable code."""
    language = preferred_language(request.headers.get("accept-language"))
    kinds = sorted({kind.code: kind for kind in every_problem()}.items())
    return [
        ProblemWords(
            code=code,
            status=kind.status,
            title=kind.title.in_language(language),
            detail=kind.detail.in_language(language),
        )
        for code, kind in kinds
    ]


@routes.get("/problems/{code}")
async def read_problem(code: ProblemCode, request: Request) -> ProblemWords:
    """One refusal; this is where a problem's `type` points."""
    for words in await list_problems(request):
        if words.code == code:
            return words
    raise NotFound
