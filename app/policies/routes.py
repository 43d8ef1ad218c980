"""What members see of their cover, and what anybody may check of a certificate."""

from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import Path, Query, Request, Response

from app.kernel.database import Database, SessionDep
from app.kernel.dependencies import NowDep
from app.kernel.pagination import CursorParameter, PageSize, decode_cursor, encode_cursor
from app.kernel.principal import Member, Staff
from app.kernel.routing import hot_router, router
from app.kernel.schema import Instant
from app.kernel.vault import Vault
from app.policies import cover_answer, queries, reading
from app.policies.schemas import CoverView, PolicyPage, PolicyView

routes = router("policies")
hot_routes = hot_router("policies")
PolicyId = Annotated[UUID, Path(description="The policy's id.")]
PersonId = Annotated[UUID, Path(description="The person's id.")]
At = Annotated[
    Instant | None,
    Query(description="The instant asked about; absent: now.", examples=["2026-03-01T00:00:00Z"]),
]
KnownAt = Annotated[
    Instant | None,
    Query(
        description="By what was recorded until then; absent: by all that is known.",
        examples=["2026-03-01T00:00:00Z"],
    ),
]


@hot_routes.get("/v1/me/policies", response_model=PolicyPage)
async def list_policies(
    member: Member, request: Request, limit: PageSize = 20, cursor: CursorParameter = None
) -> Response:
    """My policies, newest first. Nothing in the answer says whose they are."""
    database: Database = request.app.state.database
    vault: Vault = request.app.state.vault
    listing = f"policies:{member.id}"
    position = decode_cursor(vault, listing, cursor)
    if position is None:
        rows = await database.reads.fetch(queries.FIRST_PAGE, member.id, limit + 1)
    else:
        rows = await database.reads.fetch(
            queries.NEXT_PAGE, member.id, limit + 1, UUID(position[0])
        )
    more = len(rows) > limit
    following = encode_cursor(vault, listing, [str(rows[limit - 1]["id"])]) if more else None
    now = queries.clock_in(rows)
    items = [reading.policy_line(row, now) for row in rows[:limit]]
    return _json({"items": items, "next_cursor": following})


@routes.get("/v1/me/policies/{policy_id}")
async def show_policy(
    member: Member, session: SessionDep, now: NowDep, policy_id: PolicyId
) -> PolicyView:
    """One of my policies with everything that was done to it."""
    return await reading.show_policy(session, member.id, policy_id, now)


@hot_routes.get("/v1/me/cover", response_model=CoverView)
async def show_cover(member: Member, request: Request, at: At = None) -> Response:
    """Whether I am covered at an instant, plan by plan, or why not.

    Reasons: `covered`, `in_grace` (ended, and can be renewed until `until`), `not_started`,
    `pending_identity`, `unpaid`, `ended`, `cancelled`, `void`. Each benefit says which
    causes pay then for how many shares, and until when the others wait.
    """
    database: Database = request.app.state.database
    return _json(await cover_answer.cover_of_account(database.reads, member.id, at))


@routes.get("/v1/staff/members/{person_id}/cover")
async def show_member_cover(
    staff: Staff,
    session: SessionDep,
    now: NowDep,
    person_id: PersonId,
    at: At = None,
    known_at: KnownAt = None,
) -> CoverView:
    """A member's cover at an instant, for staff who manage or serve the person; recorded.

    With `known_at` as it was answered then: what was recorded later is left out.
    """
    answer = await cover_answer.cover_for_staff(session, staff, person_id, at or now, known_at)
    return CoverView.model_validate(answer)


_encode = msgspec.json.Encoder().encode


def _json(content: object) -> Response:
    return Response(_encode(content), media_type="application/json")
