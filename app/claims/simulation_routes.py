"""Trying a draft of a plan out against the claims of the past."""

import hashlib
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Response

from app.claims import simulation_queries as queries
from app.claims import simulations
from app.claims.simulation_schemas import (
    SimulationBody,
    SimulationExampleView,
    SimulationLine,
    SimulationView,
    simulation_line,
    simulation_view,
)
from app.kernel.api_document import refused
from app.kernel.database import DatabaseDep, SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import (
    CursorParameter,
    Page,
    PageSize,
    decode_cursor,
    encode_cursor,
    page_of,
)
from app.kernel.principal import Principal, require
from app.kernel.routing import router

routes = router("plan simulations")

PlanMaker = Annotated[Principal, Depends(require("staff", "administrator", "supervisor"))]
IfNoneMatch = Annotated[
    str | None, Header(description="The ETag of the copy you have.", max_length=512)
]
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "Nothing has changed."}}


@routes.post(
    "/v1/staff/plan-simulations",
    status_code=202,
    response_model=SimulationView,
    responses=refused(404),
)
async def simulate_plan(
    maker: PlanMaker, keyed: KeyedDep, body: SimulationBody, session: SessionDep, now: NowDep
) -> Response:
    """Replay a version against claims that were decided: what would have been paid, and what
    it means for the members of today. The worker does it; follow its progress by id. For
    the municipal office.
    """
    simulation = await simulations.request(session, maker, body, now)
    return await keyed.reply(202, simulation_view(simulation))


@routes.get("/v1/staff/plan-simulations")
async def list_plan_simulations(
    maker: PlanMaker,
    session: SessionDep,
    vault: VaultDep,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[SimulationLine]:
    """Your office's simulations, newest first, without their results."""
    listing = f"plan-simulations:{maker.id}"
    after = decode_cursor(vault, listing, cursor)
    rows = await queries.page(session, maker, UUID(after[0]) if after else None, limit)
    return page_of(
        rows, limit, simulation_line, lambda row: encode_cursor(vault, listing, [str(row.id)])
    )


@routes.get(
    "/v1/staff/plan-simulations/{simulation_id}",
    response_model=SimulationView,
    responses=NOT_MODIFIED,
)
async def read_plan_simulation(
    maker: PlanMaker, simulation_id: UUID, session: SessionDep, if_none_match: IfNoneMatch = None
) -> Response:
    """How far a simulation is, and its result when it is done; with an ETag, so that asking
    again costs little.
    """
    simulation = await simulations.find(session, maker, simulation_id)
    content = simulation_view(simulation).model_dump_json().encode()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    given = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if etag in given or "*" in given:
        return Response(None, 304, headers)
    return Response(content, 200, headers, media_type="application/json")


@routes.post("/v1/staff/plan-simulations/{simulation_id}/cancellation", responses=refused(409))
async def cancel_plan_simulation(
    maker: PlanMaker, simulation_id: UUID, session: SessionDep, now: NowDep
) -> SimulationView:
    """Call a simulation off; what was replayed so far is kept without a result."""
    return simulation_view(await simulations.cancel(session, maker, simulation_id, now))


@routes.get("/v1/staff/plan-simulations/{simulation_id}/examples/{claim_id}")
async def explain_simulated_claim(
    maker: PlanMaker,
    simulation_id: UUID,
    claim_id: UUID,
    session: SessionDep,
    database: DatabaseDep,
    vault: VaultDep,
) -> SimulationExampleView:
    """One of the claims named in a result, with how both amounts came about; the reading is
    recorded.
    """
    return await simulations.example(session, database.reads, vault, maker, simulation_id, claim_id)
