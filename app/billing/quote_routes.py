"""Prices and eligibility before anything is bought."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response

from app.billing import group_joinings, group_quotes, queries, quotes
from app.billing.group_models import GroupJoining
from app.billing.group_schemas import (
    GroupJoiningBody,
    GroupJoiningView,
    GroupQuoteBody,
    GroupQuoteView,
)
from app.billing.judging import Wish
from app.billing.price_inputs import Choice
from app.billing.schemas import EligibilityView, QuoteBody, QuoteView
from app.kernel.api_document import refused
from app.kernel.database import SessionDep
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
from app.kernel.principal import Caseworker, Member, Staff
from app.kernel.routing import router
from app.plans.terms import Occupation

routes = router("orders")
PersonId = Annotated[UUID, Path(description="The person's id.")]
PlanCode = Query(
    pattern=r"^[A-Z][A-Z0-9-]{1,31}$", description="The plan's code.", examples=["RIDER-ACC"]
)


@routes.get("/v1/me/eligibility", responses=refused(404, 409))
async def check_eligibility(
    member: Member,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    plan: Annotated[str, PlanCode],
    shares: Annotated[int, Query(ge=1, le=100, description="How many to order.")] = 1,
    occupation: Annotated[Occupation | None, Query(description="The rider's work.")] = None,
) -> EligibilityView:
    """Whether I could order this plan now, every reason why not, and the price.

    Statements that the plan asks for are among the reasons: only a quote states them.
    """
    wish = Wish(plan, Choice(shares=shares, occupation=occupation))
    person_id = await queries.person_id_of(session, member.id)
    return await quotes.eligibility(session, vault, person_id, wish, now)


@routes.post("/v1/me/quotes", responses=refused(404, 409))
async def quote_cover(
    member: Member, session: SessionDep, vault: VaultDep, now: NowDep, body: QuoteBody
) -> QuoteView:
    """What cover would cost me and from when to when it would run, and every reason why not.

    Nothing is kept. The same body with `price_fen` as an order costs exactly this. Of a
    renewal outside its window: 409 `renewal-not-open` with the dates; of an upgrade that
    the plan does not know: 409 `upgrade-not-offered`.
    """
    person_id = await queries.person_id_of(session, member.id)
    return await quotes.quote(session, vault, person_id, body.wish(), now)


@routes.post("/v1/staff/members/{person_id}/quotes", responses=refused(404, 409))
async def quote_for_member(
    staff: Staff,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    person_id: PersonId,
    body: QuoteBody,
) -> QuoteView:
    """The same for a member whom the caller manages or serves, as bought on site; recorded."""
    wish = body.wish(channel="on_site")
    return await quotes.quote_for_staff(session, vault, staff, person_id, wish, now)


@routes.post("/v1/staff/group-quotes", responses=refused(404, 409))
async def quote_group(
    staff: Staff, session: SessionDep, now: NowDep, body: GroupQuoteBody
) -> GroupQuoteView:
    """What a unit that joins as a whole would pay, and which of the plan's rules it fails.

    Nobody is named: people who are alike are one entry with a count. With the unit's id
    those of it who hold the plan count towards participation and equal shares.
    """
    return await group_quotes.group_quote(session, staff, body, now)


@routes.post(
    "/v1/staff/group-joinings",
    status_code=201,
    response_model=GroupJoiningView,
    responses=refused(404, 409),
)
async def join_as_group(
    caseworker: Caseworker,
    body: GroupJoiningBody,
    keyed: KeyedDep,
    session: SessionDep,
    now: NowDep,
) -> Response:
    """A unit joins a plan as a whole: its people are named and judged together.

    Every rule that is not met is named: participation, everybody of a small unit, equal
    shares, ages. From then on the people of the unit may order the plan, also who comes
    to it later; before that they may not.
    """
    row = await group_joinings.declare(session, caseworker, body, now)
    return await keyed.reply(201, _joining_view(row, len(body.person_ids)))


@routes.get("/v1/staff/group-joinings")
async def list_group_joinings(
    staff: Staff,
    session: SessionDep,
    vault: VaultDep,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[GroupJoiningView]:
    """Units of mine that have joined plans as a whole, the newest first."""
    listing = f"group-joinings:{staff.id}"
    after = decode_cursor(vault, listing, cursor)
    rows = await group_joinings.page(session, staff, UUID(after[0]) if after else None, limit)
    return page_of(
        rows,
        limit,
        lambda row: _joining_view(*row),
        lambda row: encode_cursor(vault, listing, [str(row[0].id)]),
    )


def _joining_view(row: GroupJoining, people: int) -> GroupJoiningView:
    return GroupJoiningView(
        id=row.id,
        organisation_id=row.organisation_id,
        plan_code=row.plan_code,
        headcount=row.headcount,
        shares=row.shares,
        people=people,
        evidence=row.evidence,
        declared_by=row.declared_by,
        declared_at=row.declared_at,
    )
