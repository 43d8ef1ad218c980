"""Relief at the office: cases, boards, and visits from the tablet."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Path, Query, Request, Response
from fastapi.openapi.models import Example

from app.documents.desk import DeskDep
from app.documents.multipart import multipart_body, read_form
from app.documents.schemas import BlobLinkView, ViewRequest
from app.kernel.api_document import refused
from app.kernel.clock import system_now
from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.idempotency import KeyDep, KeyedDep
from app.kernel.pagination import CursorParameter, Page, PageSize
from app.kernel.principal import Caseworker, Principal, Supervisor, require
from app.kernel.routing import router
from app.kernel.schema import Day
from app.relief import (
    applying,
    board,
    listing,
    papers,
    paying,
    revoking,
    views,
    visit_listing,
    visits,
)
from app.relief.bodies import (
    BoardDecisionBody,
    BoardReturnBody,
    CaseFactsBody,
    CounterApplicationBody,
    OpenCaseBody,
    RevocationBody,
    VisitBody,
)
from app.relief.schemas import CaseStatus, StaffCaseLine, StaffCaseView, VisitLine, VisitView

routes = router("relief cases")

Reader = Annotated[Principal, Depends(require("staff", "caseworker", "supervisor", "auditor"))]
CaseId = Annotated[UUID, Path(description="The case's id.")]
_SEATS = [
    {"staff_id": f"0192f0c1-7a10-7c3e-8a44-51d8ac9ec0{at:02d}", "vote": "for"} for at in (1, 2, 3)
]
DECISIONS: dict[str, Example] = {
    "grant": {"summary": "By the formula", "value": {"verdict": "grant", "votes": _SEATS}},
    "hardship": {
        "summary": "Hardship below the threshold",
        "value": {
            "verdict": "grant_for_hardship",
            "votes": _SEATS,
            "amount_fen": 300_000,
            "reason": "独自抚养两名子女, 近三个月无收入",
        },
    },
    "decline": {
        "summary": "Not granted",
        "value": {
            "verdict": "decline",
            "reason_code": "helped-elsewhere",
            "votes": [each | {"vote": "against"} for each in _SEATS],
        },
    },
}
Statuses = Annotated[
    list[CaseStatus],
    Query(max_length=8, description="Statuses to show; without any, everything under way."),
]


@routes.get("/v1/staff/relief-cases")
async def list_relief_cases(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    status: Statuses = [],  # noqa: B006  pydantic copies it
    cursor: CursorParameter = None,
    limit: PageSize = 50,
) -> Page[StaffCaseLine]:
    """Cases of your organisation and all below it, newest first."""
    return await listing.page_of_cases(session, vault, reader, status, cursor, limit)


@routes.post(
    "/v1/staff/relief-cases",
    status_code=201,
    response_model=StaffCaseView,
    responses=refused(404),
)
async def open_relief_case(
    caseworker: Caseworker,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    body: OpenCaseBody,
) -> Response:
    """Open a case that nobody proposed, for somebody whom you manage or are serving."""
    case = await applying.open_at_counter(session, vault, caseworker, body, now, system_now())
    return await keyed.reply(201, await views.shown(session, vault, caseworker, case, now))


@routes.get("/v1/staff/relief-cases/{case_id}", response_model=StaffCaseView)
async def get_relief_case(
    reader: Reader, session: SessionDep, vault: VaultDep, now: NowDep, case_id: CaseId
) -> object:
    """One case with its facts, papers, claims, board and history; the reading is recorded."""
    return await views.show(session, vault, reader, case_id, now)


@routes.patch("/v1/staff/relief-cases/{case_id}/facts", response_model=StaffCaseView)
async def correct_relief_facts(
    caseworker: Caseworker,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    case_id: CaseId,
    body: CaseFactsBody,
) -> object:
    """Facts as the documents say; what was known before is kept with its giver."""
    case = await applying.correct_facts(
        session, vault, caseworker, case_id, body.facts, body.reason_code, now
    )
    return await views.shown(session, vault, caseworker, case, now)


@routes.post("/v1/staff/relief-cases/{case_id}/application", response_model=StaffCaseView)
async def apply_at_counter(
    caseworker: Caseworker,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    case_id: CaseId,
    body: CounterApplicationBody,
) -> Response:
    """Take a proposal up for a member at the counter; the consent is the member's own."""
    case = await applying.apply_at_counter(session, vault, caseworker, case_id, body, now)
    return await keyed.reply(200, await views.shown(session, vault, caseworker, case, now))


@routes.post("/v1/staff/relief-cases/{case_id}/referral", response_model=StaffCaseView)
async def refer_relief_case(
    caseworker: Caseworker, session: SessionDep, vault: VaultDep, now: NowDep, case_id: CaseId
) -> object:
    """Put a complete application on the board's list."""
    case = await applying.refer(session, vault, caseworker, case_id, now)
    return await views.shown(session, vault, caseworker, case, now)


@routes.post("/v1/staff/relief-cases/{case_id}/withdrawal", response_model=StaffCaseView)
async def withdraw_relief_case_at_counter(
    caseworker: Caseworker, session: SessionDep, vault: VaultDep, now: NowDep, case_id: CaseId
) -> object:
    """The member does not want it."""
    case = await applying.withdraw(session, caseworker, case_id, now)
    return await views.shown(session, vault, caseworker, case, now)


@routes.post("/v1/staff/relief-cases/{case_id}/decision", response_model=StaffCaseView)
async def decide_relief_case(
    supervisor: Supervisor,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    case_id: CaseId,
    body: Annotated[BoardDecisionBody, Body(openapi_examples=DECISIONS)],
) -> Response:
    """Record the board's word: who sat and how they voted. The amount is the formula's, or
    on the way of hardship the board's with its written reason; a grant is paid at once.
    """
    case = await board.decide(session, vault, supervisor, case_id, body, now)
    return await keyed.reply(200, await views.shown(session, vault, supervisor, case, now))


@routes.post("/v1/staff/relief-cases/{case_id}/return", response_model=StaffCaseView)
async def return_relief_case(
    supervisor: Supervisor,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    case_id: CaseId,
    body: BoardReturnBody,
) -> Response:
    """The board has to know more before it decides: the member is told why, papers and facts
    can be added, and a caseworker refers the case again.
    """
    case = await board.give_back(session, supervisor, case_id, body.reason_code, now)
    return await keyed.reply(200, await views.shown(session, vault, supervisor, case, now))


@routes.post("/v1/staff/relief-cases/{case_id}/payout", response_model=StaffCaseView)
async def pay_relief_case_again(
    supervisor: Supervisor,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    case_id: CaseId,
) -> Response:
    """Pay a granted case again after its payout failed."""
    case = await applying.find(session, supervisor, case_id, lock=True)
    await paying.pay_again(session, supervisor, case, now)
    return await keyed.reply(200, await views.shown(session, vault, supervisor, case, now))


@routes.post("/v1/staff/relief-cases/{case_id}/revocation", response_model=StaffCaseView)
async def revoke_relief_grant(
    supervisor: Supervisor,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    case_id: CaseId,
    body: RevocationBody,
) -> Response:
    """Take a grant back that was not paid: its sum is the fund's again, and the member is told
    why. A payout under way is stopped first.
    """
    case = await revoking.revoke(session, supervisor, case_id, body.reason_code, now)
    return await keyed.reply(200, await views.shown(session, vault, supervisor, case, now))


@routes.post(
    "/v1/staff/relief-cases/{case_id}/documents",
    status_code=201,
    response_model=StaffCaseView,
    openapi_extra=multipart_body(),
)
async def send_relief_document_at_counter(
    caseworker: Caseworker, desk: DeskDep, key: KeyDep, request: Request, case_id: CaseId
) -> Response:
    """Send one document of up to 8 MiB for a member at the counter."""
    form = await read_form(request)
    claim = key.claim(form.digest)
    return claim.respond(201, await papers.send_whole(desk, claim, caseworker, case_id, form))


@routes.post("/v1/staff/relief-cases/{case_id}/documents/{document_id}/view")
async def view_relief_document(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    case_id: CaseId,
    document_id: UUID,
    body: ViewRequest,
) -> BlobLinkView:
    """A link that opens one document once, within a minute; the look is recorded."""
    return await papers.give_view(session, vault, reader, case_id, document_id, body.variant)


@routes.post("/v1/staff/visits", status_code=201, response_model=VisitView, responses=refused(404))
async def record_visit(
    caseworker: Caseworker,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    body: VisitBody,
) -> Response:
    """A condolence visit and a claim in one act: both are recorded, or neither. The same
    `client_ref` again, from a tablet that was offline, is answered with what was recorded.
    """
    view = await visits.record_visit(session, vault, caseworker, body, now, system_now())
    return await keyed.reply(201, view)


@routes.get("/v1/staff/visits")
async def list_visits(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    organisation_id: Annotated[
        UUID | None, Query(description="Only of this organisation and all below it.")
    ] = None,
    first: Annotated[Day | None, Query(alias="from", description="First day of a visit.")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Last day, included.")] = None,
    person_id: Annotated[UUID | None, Query(description="Only visits to this person.")] = None,
    case_id: Annotated[UUID | None, Query(description="Only what this case came from.")] = None,
    cursor: CursorParameter = None,
    limit: PageSize = 50,
) -> Page[VisitLine]:
    """Visits recorded by your organisation and all below it, the latest first. The reading is
    recorded with everybody on the page.
    """
    wanted = visit_listing.Wanted(organisation_id, first, last, person_id, case_id)
    return await visit_listing.page_of_visits(session, vault, reader, wanted, cursor, limit)
