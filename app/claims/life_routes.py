"""Appeals, reopening, clocks, hand-overs, after-checks, and claims completed at any counter."""

from uuid import UUID

from fastapi import Response

from app.claims import (
    after_checks,
    appeals,
    facts,
    handovers,
    hardship,
    judging,
    receipts,
    review,
    views,
)
from app.claims.bodies import (
    AfterCheckBody,
    AppealBody,
    FactsBody,
    HandoverAnswerBody,
    HandoverBody,
    HardshipBody,
    JudgementBody,
    PauseBody,
    ReceiptBody,
    ReopeningBody,
)
from app.claims.counter import CounterDep
from app.claims.errors import ClaimNotFound
from app.claims.life_schemas import HandoverView
from app.claims.models import Claim
from app.claims.queries import find_locked
from app.claims.queue_routes import Reader
from app.claims.schemas import ClaimView, StaffClaimView
from app.claims.signal_schemas import SignalView
from app.claims.signal_views import show_signals, signal_views
from app.claims.terms import terms_of
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import (
    CursorParameter,
    Page,
    PageSize,
    decode_cursor,
    encode_cursor,
    page_of,
)
from app.kernel.principal import Caseworker, Member, Principal, Reviewer, Supervisor
from app.kernel.routing import router

routes = router("claims")
staff_routes = router("claims in review")


@routes.post("/v1/me/claims/{claim_id}/appeal", status_code=201, response_model=ClaimView)
async def appeal_claim(
    member: Member, counter: CounterDep, keyed: KeyedDep, claim_id: UUID, body: AppealBody
) -> Response:
    """Disagree with a decision, once, within the plan's days. People who did not decide look
    at it, in the organisation above. Until they begin you may add documents.
    """
    claim = await appeals.appeal(
        counter.session, counter.vault, member, claim_id, body.text, counter.now
    )
    return await keyed.reply(
        201, await views.member_view(counter.session, counter.vault, claim, member)
    )


@staff_routes.post(
    "/v1/staff/claims/{claim_id}/appeal", status_code=201, response_model=StaffClaimView
)
async def appeal_claim_for_member(
    caseworker: Caseworker, counter: CounterDep, keyed: KeyedDep, claim_id: UUID, body: AppealBody
) -> Response:
    """Write down a member's appeal at the counter."""
    claim = await appeals.appeal(
        counter.session, counter.vault, caseworker, claim_id, body.text, counter.now
    )
    return await keyed.reply(201, await views.staff_view(counter.session, counter.vault, claim))


@staff_routes.post(
    "/v1/staff/claims/{claim_id}/reopening", status_code=201, response_model=StaffClaimView
)
async def reopen_claim(
    supervisor: Supervisor,
    counter: CounterDep,
    keyed: KeyedDep,
    claim_id: UUID,
    body: ReopeningBody,
) -> Response:
    """Look again at a denied or paid claim. What was paid stays paid; only the difference is
    added.
    """
    claim = await appeals.reopen(
        counter.session, counter.vault, supervisor, claim_id, body, counter.now
    )
    return await keyed.reply(201, await views.staff_view(counter.session, counter.vault, claim))


@staff_routes.put("/v1/staff/claims/{claim_id}/pause")
async def pause_claim_clock(
    reviewer: Reviewer, counter: CounterDep, claim_id: UUID, body: PauseBody
) -> StaffClaimView:
    """Stop the promise of a claim that you hold, because another body owes an answer."""
    claim = await review.pause(
        counter.session, reviewer, claim_id, body.reason_code, counter.now, counter.system_now
    )
    return await views.staff_view(counter.session, counter.vault, claim)


@staff_routes.delete("/v1/staff/claims/{claim_id}/pause")
async def resume_claim_clock(
    reviewer: Reviewer, counter: CounterDep, claim_id: UUID
) -> StaffClaimView:
    """The answer is there: the promise goes on with the days that were left."""
    claim = await review.go_on(counter.session, reviewer, claim_id, counter.now)
    return await views.staff_view(counter.session, counter.vault, claim)


@staff_routes.put("/v1/staff/claims/{claim_id}/hardship")
async def mark_claim_hardship(
    reader: Reader, counter: CounterDep, claim_id: UUID, body: HardshipBody
) -> StaffClaimView:
    """Say that the member is in hardship: the claim moves ahead in the queue by a day. Not
    once it is decided or withdrawn.
    """
    claim = await hardship.mark_hardship(
        counter.session, reader, claim_id, hardship=body.hardship, now=counter.now
    )
    return await views.staff_view(counter.session, counter.vault, claim)


@staff_routes.put("/v1/staff/claims/{claim_id}/reception/facts")
async def give_received_facts(
    caseworker: Caseworker, counter: CounterDep, claim_id: UUID, body: FactsBody
) -> StaffClaimView:
    """Give facts as the member tells them, for a claim that you received or manage."""
    claim = await _open_claim(counter, caseworker, claim_id)
    terms = await terms_of(counter.session, claim)
    await facts.give_facts(
        counter.session, counter.vault, caseworker, claim, terms, body.facts, None, counter.now
    )
    return await views.staff_view(counter.session, counter.vault, claim)


@staff_routes.post("/v1/staff/claims/{claim_id}/reception/receipts", response_model=StaffClaimView)
async def add_received_receipt(
    caseworker: Caseworker, counter: CounterDep, keyed: KeyedDep, claim_id: UUID, body: ReceiptBody
) -> Response:
    """Type in a receipt for the member. One receipt pays once; the same one again corrects
    amount and day.
    """
    claim = await _open_claim(counter, caseworker, claim_id)
    await receipts.type_in(counter.session, counter.vault, caseworker, claim, body, counter.now)
    return await keyed.reply(200, await views.staff_view(counter.session, counter.vault, claim))


@staff_routes.delete("/v1/staff/claims/{claim_id}/reception/receipts/{receipt_id}", status_code=204)
async def take_back_received_receipt(
    caseworker: Caseworker, counter: CounterDep, claim_id: UUID, receipt_id: UUID
) -> None:
    """Take back a receipt that was typed wrongly for the member."""
    claim = await _open_claim(counter, caseworker, claim_id)
    await receipts.take_back(counter.session, caseworker, claim, receipt_id, counter.now)


async def _open_claim(counter: CounterDep, caseworker: Principal, claim_id: UUID) -> Claim:
    claim = await find_locked(counter.session, caseworker, claim_id)
    if claim is None:
        raise ClaimNotFound
    facts.require_open(claim)
    return claim


@staff_routes.post(
    "/v1/staff/claims/{claim_id}/handovers", status_code=201, response_model=HandoverView
)
async def hand_over_claim(
    reviewer: Reviewer, counter: CounterDep, keyed: KeyedDep, claim_id: UUID, body: HandoverBody
) -> Response:
    """Offer a claim that you hold to a colleague who may review it; it stays yours until the
    colleague accepts.
    """
    offered = await handovers.offer(
        counter.session, reviewer, claim_id, body.to_staff_id, counter.now, counter.system_now
    )
    return await keyed.reply(201, HandoverView.model_validate(offered))


@staff_routes.get("/v1/staff/claim-handovers")
async def list_offered_claims(
    reviewer: Reviewer,
    counter: CounterDep,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[HandoverView]:
    """Claims that colleagues offer to you, oldest first."""
    vault, listing = counter.vault, f"claim-handovers:{reviewer.id}"
    after = decode_cursor(vault, listing, cursor)
    offered = await handovers.offered_to(
        counter.session, reviewer, UUID(after[0]) if after else None, limit
    )
    return page_of(
        offered,
        limit,
        HandoverView.model_validate,
        lambda row: encode_cursor(vault, listing, [str(row.id)]),
    )


@staff_routes.put("/v1/staff/claim-handovers/{handover_id}/answer")
async def answer_claim_handover(
    reviewer: Reviewer, counter: CounterDep, handover_id: UUID, body: HandoverAnswerBody
) -> HandoverView:
    """Take a claim that is offered to you, with its lease, or decline."""
    offered = await handovers.answer(
        counter.session,
        reviewer,
        handover_id,
        accept=body.answer == "accept",
        now=counter.now,
        system_now=counter.system_now,
    )
    return HandoverView.model_validate(offered)


@staff_routes.get("/v1/staff/claims/{claim_id}/signals")
async def list_claim_signals(
    reader: Reader,
    counter: CounterDep,
    claim_id: UUID,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[SignalView]:
    """What is odd about a claim, with the evidence and with what people found. Another
    office's claim is told by number and office only.
    """
    return await show_signals(counter.session, counter.vault, reader, claim_id, limit, cursor)


@staff_routes.put("/v1/staff/claims/{claim_id}/signals/{signal_id}/judgement")
async def judge_claim_signal(
    reviewer: Reviewer,
    counter: CounterDep,
    claim_id: UUID,
    signal_id: UUID,
    body: JudgementBody,
) -> SignalView:
    """Say what is behind a signal of a claim that you hold; your word stays. It denies
    nothing: an approval wants every signal judged, and a denial its own coded reason.
    """
    claim, signal = await judging.judge(
        counter.session,
        counter.vault,
        reviewer,
        claim_id,
        signal_id,
        body,
        counter.now,
        counter.system_now,
    )
    [shown] = await signal_views(counter.session, counter.vault, reviewer, claim, [signal])
    return shown


@staff_routes.put("/v1/staff/claims/{claim_id}/after-check")
async def check_claim_afterwards(
    reviewer: Reviewer, counter: CounterDep, claim_id: UUID, body: AfterCheckBody
) -> StaffClaimView:
    """A person's word on a claim that was decided by rule: confirm it, or reopen it with a
    note once it is paid.
    """
    claim = await after_checks.check_afterwards(
        counter.session, counter.vault, reviewer, claim_id, body, counter.now
    )
    return await views.staff_view(counter.session, counter.vault, claim)
