"""Claims at the counter and in review."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Request, Response

from app.claims import (
    adjudication,
    capturing,
    evidence,
    facts,
    opening,
    paying,
    receipts,
    review,
    submission,
    views,
)
from app.claims.bodies import (
    DecisionBody,
    OpenClaimBody,
    OpenUploadBody,
    ReceiptBody,
    ReturnBody,
    ReviewedFactsBody,
    SecondApprovalBody,
)
from app.claims.counter import CounterDep, UploadToken
from app.claims.queue_routes import Reader
from app.claims.schemas import LeaseView, StaffClaimView
from app.claims.terms import terms_of
from app.documents.desk import DeskDep
from app.documents.multipart import multipart_body, read_form
from app.documents.schemas import BlobLinkView, OpenedUpload, ViewRequest
from app.kernel.api_document import refused
from app.kernel.idempotency import KeyDep, KeyedDep
from app.kernel.principal import Caseworker, Principal, Reviewer, Supervisor
from app.kernel.routing import router
from app.payouts.schemas import PayoutView
from app.payouts.service import payout_of_claim, view_payout

routes = router("claims in review")


@routes.post(
    "/v1/staff/claims",
    status_code=201,
    response_model=StaffClaimView,
    responses=refused(404),
)
async def receive_claim(
    caseworker: Caseworker, counter: CounterDep, keyed: KeyedDep, body: OpenClaimBody
) -> Response:
    """Open a claim for a member whom you manage or are serving. Any office may receive a
    claim; the managing one decides it.
    """
    claim = await opening.open_by_staff(
        counter.session, counter.vault, caseworker, body, counter.now
    )
    return await keyed.reply(201, await views.staff_view(counter.session, counter.vault, claim))


@routes.get("/v1/staff/claims/{claim_id}")
async def get_claim(reader: Reader, counter: CounterDep, claim_id: UUID) -> StaffClaimView:
    """One claim with its documents, facts and history; the reading is recorded."""
    view = await views.show(counter.session, counter.vault, reader, claim_id)
    assert isinstance(view, StaffClaimView)  # noqa: S101  what staff are shown
    return view


@routes.post("/v1/staff/claims/{claim_id}/uploads", status_code=201, response_model=OpenedUpload)
async def open_received_upload(
    caseworker: Caseworker,
    counter: CounterDep,
    keyed: KeyedDep,
    claim_id: UUID,
    body: OpenUploadBody,
) -> Response:
    """Begin a chunked upload for a claim that you received or manage."""
    opened = await evidence.open_upload(counter.session, counter.files, caseworker, claim_id, body)
    return await keyed.reply(201, opened)


@routes.post("/v1/staff/claims/{claim_id}/uploads/{token}/finish")
async def finish_received_upload(
    caseworker: Caseworker, desk: DeskDep, claim_id: UUID, token: UploadToken
) -> StaffClaimView:
    """Finish an upload: checked now, refused at once with the reason, or part of the claim."""
    await evidence.finish_upload(desk, caseworker, claim_id, token)
    return await _shown(desk, caseworker, claim_id)


@routes.post(
    "/v1/staff/claims/{claim_id}/documents",
    status_code=201,
    response_model=StaffClaimView,
    openapi_extra=multipart_body(),
)
async def send_received_document(
    caseworker: Caseworker, desk: DeskDep, key: KeyDep, request: Request, claim_id: UUID
) -> Response:
    """Send one document of up to 8 MiB for a claim that you received or manage."""
    form = await read_form(request)
    claim = key.claim(form.digest)
    return claim.respond(201, await evidence.send_whole(desk, claim, caseworker, claim_id, form))


async def _shown(desk: DeskDep, staff: Principal, claim_id: UUID) -> StaffClaimView:
    async with desk.database.transaction() as session:
        view = await views.show(session, desk.vault, staff, claim_id)
    assert isinstance(view, StaffClaimView)  # noqa: S101  what staff are shown
    return view


@routes.post("/v1/staff/claims/{claim_id}/submission")
async def submit_received_claim(
    caseworker: Caseworker, counter: CounterDep, claim_id: UUID
) -> StaffClaimView:
    """Hand a received claim in for its member, once every document is there."""
    claim = await submission.submit(
        counter.session, counter.vault, caseworker, claim_id, counter.now
    )
    return await views.staff_view(counter.session, counter.vault, claim)


@routes.post("/v1/staff/claims/{claim_id}/lease")
async def lease_claim(reviewer: Reviewer, counter: CounterDep, claim_id: UUID) -> LeaseView:
    """Take a claim for ten minutes; what you do on it renews them. Somebody else's lease is
    409.
    """
    claim = await review.take_lease(
        counter.session, counter.vault, reviewer, claim_id, counter.now, counter.system_now
    )
    return LeaseView(
        claim_id=claim.id, holder_id=reviewer.id, until=claim.lease_until or counter.system_now
    )


@routes.delete("/v1/staff/claims/{claim_id}/lease", status_code=204)
async def release_claim(reviewer: Reviewer, counter: CounterDep, claim_id: UUID) -> None:
    """Give a claim back to the queue; a supervisor may release anybody's."""
    await review.release_lease(counter.session, reviewer, claim_id, counter.now)


@routes.put("/v1/staff/claims/{claim_id}/facts")
async def correct_claim_facts(
    reviewer: Reviewer, counter: CounterDep, claim_id: UUID, body: ReviewedFactsBody
) -> StaffClaimView:
    """Correct facts by the documents, with the reason; the former values are kept."""
    claim = await review.find_leased(counter.session, reviewer, claim_id, counter.system_now)
    terms = await terms_of(counter.session, claim)
    await facts.give_facts(
        counter.session,
        counter.vault,
        reviewer,
        claim,
        terms,
        body.facts,
        body.reason_code,
        counter.now,
    )
    return await views.staff_view(counter.session, counter.vault, claim)


@routes.post("/v1/staff/claims/{claim_id}/receipts", response_model=StaffClaimView)
async def add_reviewed_receipt(
    reviewer: Reviewer, counter: CounterDep, keyed: KeyedDep, claim_id: UUID, body: ReceiptBody
) -> Response:
    """Type in a receipt as it stands on the document of a claim that you hold; without one
    nothing is approved on receipts. One receipt pays once; the same one again corrects amount
    and day.
    """
    claim = await capturing.capture(
        counter.session,
        counter.vault,
        reviewer,
        claim_id,
        body,
        counter.now,
        counter.system_now,
    )
    return await keyed.reply(200, await views.staff_view(counter.session, counter.vault, claim))


@routes.delete("/v1/staff/claims/{claim_id}/receipts/{receipt_id}", status_code=204)
async def take_back_reviewed_receipt(
    reviewer: Reviewer, counter: CounterDep, claim_id: UUID, receipt_id: UUID
) -> None:
    """Take a receipt that was typed wrongly off a claim that you hold."""
    claim = await review.find_leased(counter.session, reviewer, claim_id, counter.system_now)
    await receipts.take_back(counter.session, reviewer, claim, receipt_id, counter.now)


@routes.post("/v1/staff/claims/{claim_id}/documents/{document_id}/view")
async def view_claim_document(
    reader: Reader, counter: CounterDep, claim_id: UUID, document_id: UUID, body: ViewRequest
) -> BlobLinkView:
    """A link to one document: it opens once, within 60 seconds, and that is recorded."""
    return await evidence.give_view(
        counter.session, counter.vault, reader, claim_id, document_id, body.variant
    )


@routes.post("/v1/staff/claims/{claim_id}/documents/{document_id}/acceptance")
async def accept_claim_document(
    reviewer: Reviewer, counter: CounterDep, claim_id: UUID, document_id: UUID
) -> StaffClaimView:
    """Accept one document of a claim that you hold."""
    claim = await review.accept_document(
        counter.session, reviewer, claim_id, document_id, counter.now, counter.system_now
    )
    return await views.staff_view(counter.session, counter.vault, claim)


@routes.post("/v1/staff/claims/{claim_id}/documents/{document_id}/return")
async def return_claim_document(
    reviewer: Reviewer, counter: CounterDep, claim_id: UUID, document_id: UUID, body: ReturnBody
) -> StaffClaimView:
    """Return one document with a coded reason. The claim waits for its member, and the
    promised day moves by as long as it waits.
    """
    claim = await review.return_document(
        counter.session,
        counter.vault,
        reviewer,
        claim_id,
        document_id,
        body,
        counter.now,
        counter.system_now,
    )
    return await views.staff_view(counter.session, counter.vault, claim)


@routes.post("/v1/staff/claims/{claim_id}/decision", response_model=StaffClaimView)
async def decide_claim(
    reviewer: Reviewer,
    counter: CounterDep,
    keyed: KeyedDep,
    claim_id: UUID,
    body: Annotated[DecisionBody, Body()],
) -> Response:
    """Approve, with the amount computed from the plan and the facts, or deny with a coded
    reason. Above the plan's limit a second person has to agree. After an appeal or a
    reopening, uphold leaves standing what was decided before.
    """
    claim = await adjudication.decide(
        counter.session,
        counter.vault,
        reviewer,
        claim_id,
        body,
        counter.now,
        counter.system_now,
    )
    return await keyed.reply(200, await views.staff_view(counter.session, counter.vault, claim))


@routes.post("/v1/staff/claims/{claim_id}/second-approval", response_model=StaffClaimView)
async def approve_claim_second(
    supervisor: Supervisor,
    counter: CounterDep,
    keyed: KeyedDep,
    claim_id: UUID,
    body: Annotated[SecondApprovalBody, Body()],
) -> Response:
    """Agree, as a second person, to an amount above the plan's limit, or send the claim back."""
    claim = await adjudication.second_approval(
        counter.session, counter.vault, supervisor, claim_id, body, counter.now
    )
    return await keyed.reply(200, await views.staff_view(counter.session, counter.vault, claim))


@routes.get("/v1/staff/claims/{claim_id}/payout")
async def get_payout_of_claim(reader: Reader, counter: CounterDep, claim_id: UUID) -> PayoutView:
    """The newest payout of a claim."""
    await views.show(counter.session, counter.vault, reader, claim_id)
    return view_payout(counter.vault, await payout_of_claim(counter.session, claim_id))


@routes.post("/v1/staff/claims/{claim_id}/payout", status_code=201, response_model=PayoutView)
async def reissue_payout_of_claim(
    supervisor: Supervisor, counter: CounterDep, keyed: KeyedDep, claim_id: UUID
) -> Response:
    """Pay again, under a new number, after the outside system said that a payout failed."""
    claim = await paying.pay_again(counter.session, supervisor, claim_id, counter.now)
    payout = await payout_of_claim(counter.session, claim.id)
    return await keyed.reply(201, view_payout(counter.vault, payout))
