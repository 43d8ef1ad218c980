"""The public catalogue."""

import hashlib
import json
from functools import cache
from typing import Annotated, Any

from fastapi import Header, Path, Response
from pydantic import BaseModel

from app.kernel.api_document import refused
from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep
from app.kernel.routing import router
from app.plans import service
from app.plans.errors import TableNotFound
from app.plans.literals import TABLE
from app.plans.plan_pages import PlanPage, plan_page
from app.plans.plan_views import plan_summary
from app.plans.schema import plan_schema
from app.plans.schemas import PlanList
from app.plans.table_views import TableList, TableView, table_summary, table_view
from app.plans.tables import standard_tables

routes = router("plans")

PlanCode = Annotated[
    str,
    Path(pattern=r"^[A-Z][A-Z0-9-]{1,31}$", description="The plan's code.", examples=["RIDER-ACC"]),
]
IfNoneMatch = Annotated[
    str | None, Header(description="The ETag of the copy you have.", max_length=512)
]
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "Your copy is still right."}}


TableCode = Annotated[
    str, Path(pattern=TABLE, description="The table's code.", examples=["JRT0083-2013"])
]
SCHEMA_CONTENT: dict[str, Any] = {
    "application/schema+json": {
        "schema": {"type": "object"},
        "example": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "required": ["code", "name", "benefits"],
        },
    }
}


def _answer(view: BaseModel, if_none_match: str | None) -> Response:
    return _conditional(view.model_dump_json().encode(), if_none_match, "application/json")


def _conditional(content: bytes, if_none_match: str | None, media_type: str) -> Response:
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "public, max-age=60"}
    given = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if etag in given or "*" in given:
        return Response(None, 304, headers)
    return Response(content, 200, headers, media_type=media_type)


@routes.get("/v1/plans", response_model=PlanList, responses=NOT_MODIFIED)
async def list_plans(
    session: SessionDep, now: NowDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Plans that can be joined now, with prices; public, revalidated by ETag."""
    found = await service.versions_on_sale(session, now)
    return _answer(PlanList(items=[plan_summary(version) for version in found]), if_none_match)


@routes.get("/v1/plans/{code}", response_model=PlanPage, responses={**NOT_MODIFIED, **refused(409)})
async def show_plan(
    code: PlanCode, session: SessionDep, now: NowDep, if_none_match: IfNoneMatch = None
) -> Response:
    """One plan: prices, who may join, benefits in words and as data, papers, clocks."""
    return _answer(plan_page(await service.version_on_sale(session, code, now)), if_none_match)


@routes.get("/v1/plan-tables", response_model=TableList, responses=NOT_MODIFIED)
async def list_plan_tables(if_none_match: IfNoneMatch = None) -> Response:
    """The standard tables that plan documents may use by name; public."""
    found = standard_tables().values()
    return _answer(TableList(items=[table_summary(table) for table in found]), if_none_match)


@routes.get("/v1/plan-tables/{code}", response_model=TableView, responses=NOT_MODIFIED)
async def show_plan_table(code: TableCode, if_none_match: IfNoneMatch = None) -> Response:
    """One standard table with its entries."""
    table = standard_tables().get(code)
    if table is None:
        raise TableNotFound
    return _answer(table_view(table), if_none_match)


@routes.get(
    "/v1/schemas/plan-version",
    response_class=Response,
    responses={200: {"description": "The schema.", "content": SCHEMA_CONTENT}, **NOT_MODIFIED},
)
async def show_plan_schema(if_none_match: IfNoneMatch = None) -> Response:
    """The JSON Schema (draft 2020-12) of a plan's document, for editors and checkers."""
    return _conditional(_schema(), if_none_match, "application/schema+json")


@cache
def _schema() -> bytes:
    return json.dumps(plan_schema(), ensure_ascii=False).encode()
