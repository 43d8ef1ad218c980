"""Households: one file each, looked at once a year."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Response

from app.kernel.api_document import refused
from app.kernel.clock import system_now
from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import CursorParameter, Page, PageSize
from app.kernel.principal import Caseworker, Principal, require
from app.kernel.routing import router
from app.relief import households, listing
from app.relief.bodies import ExitBody, HouseholdBody, KinBody, ReviewBody, SituationBody
from app.relief.file_views import household_view
from app.relief.schemas import HouseholdLine, HouseholdStatus, HouseholdView

routes = router("households")

Reader = Annotated[Principal, Depends(require("staff", "caseworker", "supervisor", "auditor"))]
HouseholdId = Annotated[UUID, Path(description="The household's id.")]


@routes.get("/v1/staff/households")
async def list_households(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    status: Annotated[HouseholdStatus | None, Query(description="Only these.")] = None,
    cursor: CursorParameter = None,
    limit: PageSize = 50,
) -> Page[HouseholdLine]:
    """Files of your organisation and all below it; `review_due` are those to look at again."""
    return await listing.page_of_households(session, vault, reader, status, cursor, limit)


@routes.post(
    "/v1/staff/households",
    status_code=201,
    response_model=HouseholdView,
    responses=refused(404),
)
async def open_household(
    caseworker: Caseworker,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    body: HouseholdBody,
) -> Response:
    """Open a member's household: one household, one file."""
    at = system_now()
    household = await households.open_household(session, vault, caseworker, body, now, at)
    return await keyed.reply(201, await household_view(session, vault, caseworker, household))


@routes.get("/v1/staff/households/{household_id}")
async def get_household(
    reader: Reader, session: SessionDep, vault: VaultDep, household_id: HouseholdId
) -> HouseholdView:
    """The whole file with its history; the reading is recorded."""
    household = await households.find(session, reader, household_id)
    return await household_view(session, vault, reader, household)


@routes.post(
    "/v1/staff/households/{household_id}/members",
    status_code=201,
    response_model=HouseholdView,
)
async def add_household_member(
    caseworker: Caseworker,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    household_id: HouseholdId,
    body: KinBody,
) -> Response:
    """Somebody joins the household; nobody is in two."""
    household = await households.add_member(
        session, vault, caseworker, household_id, body, now, system_now()
    )
    return await keyed.reply(201, await household_view(session, vault, caseworker, household))


@routes.delete("/v1/staff/households/{household_id}/members/{household_member_id}")
async def remove_household_member(
    caseworker: Caseworker,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    household_id: HouseholdId,
    household_member_id: UUID,
) -> HouseholdView:
    """Somebody leaves the household; the file remembers them."""
    household = await households.remove_member(
        session, caseworker, household_id, household_member_id, now
    )
    return await household_view(session, vault, caseworker, household)


@routes.post("/v1/staff/households/{household_id}/situations", response_model=HouseholdView)
async def record_household_situation(
    caseworker: Caseworker,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    household_id: HouseholdId,
    body: SituationBody,
) -> Response:
    """How the household stands now; what was known before stays in the file."""
    household = await households.record_situation(
        session, vault, caseworker, household_id, body.situation, now
    )
    return await keyed.reply(200, await household_view(session, vault, caseworker, household))


@routes.post("/v1/staff/households/{household_id}/reviews", response_model=HouseholdView)
async def review_household(
    caseworker: Caseworker,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    household_id: HouseholdId,
    body: ReviewBody,
) -> Response:
    """The household stays in the file; the next review is due a year from today."""
    household = await households.review(session, vault, caseworker, household_id, body, now)
    return await keyed.reply(200, await household_view(session, vault, caseworker, household))


@routes.post("/v1/staff/households/{household_id}/exit")
async def exit_household(
    caseworker: Caseworker,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    household_id: HouseholdId,
    body: ExitBody,
) -> HouseholdView:
    """The household leaves with a reason."""
    household = await households.leave(session, vault, caseworker, household_id, body, now)
    return await household_view(session, vault, caseworker, household)
