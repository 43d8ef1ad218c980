"""The review queue over HTTP: pages, filters, counts."""

from typing import Annotated, get_args

from fastapi import Depends, Query, Request, Response

from app.claims import queue
from app.claims.life_schemas import QueueCounts
from app.claims.schemas import ClaimStatus, QueuePage
from app.kernel.database import DatabaseDep
from app.kernel.pagination import CursorParameter, PageSize
from app.kernel.principal import Principal, require
from app.kernel.routing import hot_router, router
from app.plans.literals import PLAN_CODE

routes = router("claims in review")
hot_routes = hot_router("claims in review")

_COUNTED = [status for status in get_args(ClaimStatus) if status != "draft"]

Reader = Annotated[
    Principal, Depends(require("staff", "caseworker", "reviewer", "supervisor", "auditor"))
]
Statuses = Annotated[
    list[ClaimStatus],
    Query(max_length=12, description="Statuses to show; without any, everything to be decided."),
]
PlanFilter = Annotated[
    str | None, Query(pattern=PLAN_CODE, description="Claims under this plan only.")
]
BenefitFilter = Annotated[
    str | None,
    Query(pattern=r"^[A-Z][A-Z0-9_]{1,31}$", description="Claims for this benefit only."),
]
EscalatedFilter = Annotated[
    bool | None, Query(description="Claims whose promised day was missed, or only the others.")
]
NudgedFilter = Annotated[
    bool | None,
    Query(description="Claims with four fifths of a promise's time gone, or only the others."),
]
SignalFilter = Annotated[
    bool | None, Query(description="Claims with a signal that nobody has judged, or without.")
]
ViewFilter = Annotated[
    queue.ViewName,
    Query(
        description="`mine`: those that you hold; `after_check`: decided by rule, for a person"
        " to look at."
    ),
]


@hot_routes.get(
    "/v1/staff/claims",
    response_class=Response,
    responses={
        200: {
            "model": QueuePage,
            "description": "A page, the most pressing first.",
        }
    },
)
async def list_claims_to_review(
    reader: Reader,
    request: Request,
    status: Statuses = [],  # noqa: B006  pydantic copies it
    plan: PlanFilter = None,
    benefit: BenefitFilter = None,
    escalated: EscalatedFilter = None,
    nudged: NudgedFilter = None,
    signal: SignalFilter = None,
    view: ViewFilter = "queue",
    cursor: CursorParameter = None,
    limit: PageSize = 50,
) -> Response:
    """The review queue of your organisation and all below it, the most pressing first: each
    row says what it is ordered by.
    """
    state = request.app.state
    wanted = queue.Wanted(tuple(status), plan, benefit, escalated, signal, nudged, view)
    page = await queue.queue_page(state.database.reads, state.vault, reader, wanted, cursor, limit)
    return Response(page, media_type="application/json")


@routes.get("/v1/staff/claim-counts")
async def count_claims(reader: Reader, database: DatabaseDep) -> QueueCounts:
    """How many claims of each status your organisation and all below it have to decide;
    1,001 means more than 1,000.
    """
    counted = await queue.queue_counts(database.reads, reader, _COUNTED)
    return QueueCounts(
        statuses={status: counted[status] for status in _COUNTED},
        escalated=counted["escalated"],
        nudged=counted["nudged"],
        signals=counted["signals"],
        after_check=counted["after_check"],
        mine=counted["mine"],
        offered_to_me=counted["offered_to_me"],
    )
