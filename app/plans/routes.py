"""The public catalogue."""

import hashlib
from typing import Annotated, Any

from fastapi import Header, Path, Response
from pydantic import BaseModel

from app.kernel.api_document import refused
from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep
from app.kernel.routing import router
from app.plans import service
from app.plans.schemas import PlanList, PlanView, plan_summary, plan_view

routes = router("plans")

PlanCode = Annotated[
    str,
    Path(pattern=r"^[A-Z][A-Z0-9-]{1,31}$", description="The plan's code.", examples=["RIDER-ACC"]),
]
IfNoneMatch = Annotated[
    str | None, Header(description="The ETag of the copy you have.", max_length=512)
]
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "Your copy is still right."}}


def _answer(view: BaseModel, if_none_match: str | None) -> Response:
    content = view.model_dump_json().encode()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "public, max-age=60"}
    given = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if etag in given or "*" in given:
        return Response(None, 304, headers)
    return Response(content, 200, headers, media_type="application/json")


@routes.get("/v1/plans", response_model=PlanList, responses=NOT_MODIFIED)
async def list_plans(
    session: SessionDep, now: NowDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Plans that can be joined now, with prices; public, revalidated by ETag."""
    found = await service.versions_on_sale(session, now)
    return _answer(PlanList(items=[plan_summary(version) for version in found]), if_none_match)


@routes.get("/v1/plans/{code}", response_model=PlanView, responses={**NOT_MODIFIED, **refused(409)})
async def show_plan(
    code: PlanCode, session: SessionDep, now: NowDep, if_none_match: IfNoneMatch = None
) -> Response:
    """One plan: prices, who may join, benefits in words and as data, papers, clocks."""
    return _answer(plan_view(await service.version_on_sale(session, code, now)), if_none_match)
