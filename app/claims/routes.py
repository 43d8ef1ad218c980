"""A member's own claims: open, prove, submit, follow, withdraw."""

from uuid import UUID

from fastapi import Request, Response

from app.claims import evidence, facts, listing, opening, paying, receipts, submission, views
from app.claims.bodies import (
    FactsBody,
    OpenClaimBody,
    OpenUploadBody,
    PayoutChoiceBody,
    ReceiptBody,
)
from app.claims.counter import CounterDep, UploadToken
from app.claims.errors import ClaimNotFound
from app.claims.models import Claim
from app.claims.queries import find, find_locked
from app.claims.schemas import ClaimSummary, ClaimView
from app.claims.terms import terms_of
from app.documents.desk import DeskDep
from app.documents.multipart import multipart_body, read_form
from app.documents.schemas import BlobLinkView, OpenedUpload, ViewRequest
from app.integrations.outside import OutsideDep
from app.kernel.api_document import refused
from app.kernel.database import DatabaseDep
from app.kernel.idempotency import KeyDep, KeyedDep
from app.kernel.pagination import CursorParameter, Page, PageSize
from app.kernel.principal import Member, Principal
from app.kernel.routing import router
from app.members.service import person_of
from app.payouts.models import Payout
from app.payouts.schemas import PayoutView
from app.payouts.service import payout_of_claim, view_payout

routes = router("claims")


@routes.post("/v1/me/claims", status_code=201, response_model=ClaimView, responses=refused(404))
async def open_claim(
    member: Member, counter: CounterDep, keyed: KeyedDep, body: OpenClaimBody
) -> Response:
    """Open a claim under one of your policies. The incident has to lie inside the cover; a
    refusal says why (`reason_code`) and what to do.
    """
    claim = await opening.open_by_member(counter.session, counter.vault, member, body, counter.now)
    return await keyed.reply(
        201, await views.member_view(counter.session, counter.vault, claim, member)
    )


@routes.get("/v1/me/claims")
async def list_own_claims(
    member: Member,
    request: Request,
    database: DatabaseDep,
    cursor: CursorParameter = None,
    limit: PageSize = 20,
) -> Page[ClaimSummary]:
    """Your claims, newest first."""
    vault = request.app.state.vault
    return await listing.own_claims(database.reads, vault, member, cursor, limit)


@routes.get("/v1/me/claims/{claim_id}")
async def get_own_claim(member: Member, counter: CounterDep, claim_id: UUID) -> ClaimView:
    """One of your claims: what is missing, what happened when, and the day on which a
    decision is promised.
    """
    return await views.show(counter.session, counter.vault, member, claim_id)


@routes.put("/v1/me/claims/{claim_id}/facts")
async def give_claim_facts(
    member: Member, counter: CounterDep, claim_id: UUID, body: FactsBody
) -> ClaimView:
    """Give facts that the amount depends on; a reviewer compares them with the documents."""
    claim = await find_locked(counter.session, member, claim_id)
    if claim is None:
        raise ClaimNotFound
    facts.require_open(claim)
    terms = await terms_of(counter.session, claim)
    await facts.give_facts(
        counter.session, counter.vault, member, claim, terms, body.facts, None, counter.now
    )
    return await views.member_view(counter.session, counter.vault, claim, member)


@routes.post("/v1/me/claims/{claim_id}/receipts", response_model=ClaimView)
async def add_claim_receipt(
    member: Member, counter: CounterDep, keyed: KeyedDep, claim_id: UUID, body: ReceiptBody
) -> Response:
    """Type in a receipt's code, number, amount and day. One receipt pays once; the same one
    again on this claim corrects amount and day. What a code printed on a document says stands
    there already, to be compared.
    """
    claim = await find_locked(counter.session, member, claim_id)
    if claim is None:
        raise ClaimNotFound
    facts.require_open(claim)
    await receipts.type_in(counter.session, counter.vault, member, claim, body, counter.now)
    return await keyed.reply(
        200, await views.member_view(counter.session, counter.vault, claim, member)
    )


@routes.delete("/v1/me/claims/{claim_id}/receipts/{receipt_id}", status_code=204)
async def take_back_claim_receipt(
    member: Member, counter: CounterDep, claim_id: UUID, receipt_id: UUID
) -> None:
    """Take back a receipt that was typed wrongly; one that stands on a document goes with it."""
    claim = await find_locked(counter.session, member, claim_id)
    if claim is None:
        raise ClaimNotFound
    facts.require_open(claim)
    await receipts.take_back(counter.session, member, claim, receipt_id, counter.now)


@routes.post("/v1/me/claims/{claim_id}/uploads", status_code=201, response_model=OpenedUpload)
async def open_claim_upload(
    member: Member,
    counter: CounterDep,
    keyed: KeyedDep,
    claim_id: UUID,
    body: OpenUploadBody,
) -> Response:
    """Begin a chunked upload of one document. Send chunks of up to 1 MiB with
    `PUT {url}/{offset}`, then finish it.
    """
    opened = await evidence.open_upload(counter.session, counter.files, member, claim_id, body)
    return await keyed.reply(201, opened)


@routes.post("/v1/me/claims/{claim_id}/uploads/{token}/finish")
async def finish_claim_upload(
    member: Member, desk: DeskDep, claim_id: UUID, token: UploadToken
) -> ClaimView:
    """Finish an upload: the file is checked now and refused at once, with the reason, or it
    belongs to the claim. Finishing again changes nothing.
    """
    await evidence.finish_upload(desk, member, claim_id, token)
    async with desk.database.transaction() as session:
        return await views.show(session, desk.vault, member, claim_id)


@routes.post(
    "/v1/me/claims/{claim_id}/documents",
    status_code=201,
    response_model=ClaimView,
    openapi_extra=multipart_body(),
)
async def send_claim_document(
    member: Member, desk: DeskDep, key: KeyDep, request: Request, claim_id: UUID
) -> Response:
    """Send one document of up to 8 MiB in one piece: a form with `kind` and `file`. Larger
    ones, and bad networks, go through uploads.
    """
    form = await read_form(request)
    claim = key.claim(form.digest)
    return claim.respond(201, await evidence.send_whole(desk, claim, member, claim_id, form))


@routes.delete("/v1/me/claims/{claim_id}/documents/{document_id}", status_code=204)
async def take_back_claim_document(
    member: Member, counter: CounterDep, claim_id: UUID, document_id: UUID
) -> None:
    """Take a document back before the claim is submitted."""
    await evidence.take_back(counter.session, member, claim_id, document_id, counter.now)


@routes.post("/v1/me/claims/{claim_id}/documents/{document_id}/view")
async def view_own_claim_document(
    member: Member, counter: CounterDep, claim_id: UUID, document_id: UUID, body: ViewRequest
) -> BlobLinkView:
    """A link to one of your documents: it opens once, within 60 seconds."""
    return await evidence.give_view(
        counter.session, counter.vault, member, claim_id, document_id, body.variant
    )


@routes.post("/v1/me/claims/{claim_id}/submission")
async def submit_claim(member: Member, counter: CounterDep, claim_id: UUID) -> ClaimView:
    """Hand the claim in, once every document is there; `missing` names those that are not.
    The answer says by which day a decision is promised.
    """
    claim = await submission.submit(counter.session, counter.vault, member, claim_id, counter.now)
    return await views.member_view(counter.session, counter.vault, claim, member)


@routes.post("/v1/me/claims/{claim_id}/withdrawal")
async def withdraw_claim(member: Member, counter: CounterDep, claim_id: UUID) -> ClaimView:
    """Withdraw a claim that is not decided yet."""
    claim = await submission.withdraw(counter.session, member, claim_id, counter.now)
    return await views.member_view(counter.session, counter.vault, claim, member)


@routes.get("/v1/me/claims/{claim_id}/payout")
async def get_claim_payout(
    member: Member, counter: CounterDep, outside: OutsideDep, claim_id: UUID
) -> PayoutView:
    """Where your money is. While it waits for you, `confirmation` opens WeChat's page."""
    claim = await find(counter.session, member, claim_id)
    if claim is None:
        raise ClaimNotFound
    payout = await _own_payout(counter, member, claim)
    return view_payout(counter.vault, payout, outside.wechat_pay.transfer_parameters)


async def _own_payout(counter: CounterDep, member: Principal, claim: Claim) -> Payout:
    """A survivor's own share, or the member's money."""
    payee = await person_of(counter.session, member.id) if claim.for_survivors else None
    return await payout_of_claim(counter.session, claim.id, None if payee is None else payee.id)


@routes.post("/v1/me/claims/{claim_id}/payout", status_code=201, response_model=PayoutView)
async def request_claim_payout(
    member: Member, counter: CounterDep, keyed: KeyedDep, claim_id: UUID
) -> Response:
    """Ask for the money again, after a payout failed or was not confirmed in time."""
    claim = await paying.pay_again(counter.session, member, claim_id, counter.now)
    payout = await _own_payout(counter, member, claim)
    return await keyed.reply(201, view_payout(counter.vault, payout))


@routes.put("/v1/me/claims/{claim_id}/payout-account", responses=refused(409))
async def choose_claim_account(
    member: Member, counter: CounterDep, claim_id: UUID, body: PayoutChoiceBody
) -> ClaimView:
    """Choose which of your bank accounts takes this claim's money, or null for WeChat where it
    can carry the sum. Not while money is on its way, nor where none is to come: the claim is
    paid, denied or withdrawn.
    """
    claim = await paying.choose_account(
        counter.session, member, claim_id, body.payout_account_id, counter.now
    )
    return await views.member_view(counter.session, counter.vault, claim, member)
