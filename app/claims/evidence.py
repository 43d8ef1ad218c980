"""Documents of a claim: uploads opened and finished, files sent whole, replaced, looked at."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import queries, views
from app.claims.bodies import OpenUploadBody
from app.claims.errors import (
    ClaimNotFound,
    DocumentNotAskedFor,
    DocumentNotFound,
    DocumentsClosed,
    ReceiptUsed,
    SameFile,
    TooManyFiles,
)
from app.claims.facts import require_open
from app.claims.keeping import ENDED
from app.claims.locks import lock_file
from app.claims.models import DOCUMENT, Claim, ClaimDocument
from app.claims.papers import kinds_of
from app.claims.receipts import forget_readings, read_from
from app.claims.survivors import unprove
from app.claims.terms import terms_of
from app.documents import storing, uploads, viewing
from app.documents.desk import Desk
from app.documents.errors import DocumentRefused
from app.documents.models import StoredObject
from app.documents.multipart import SentFile
from app.documents.prover import Invoice
from app.documents.schemas import BlobLinkView, OpenedUpload
from app.kernel.clock import business_now
from app.kernel.facts import Fact, state
from app.kernel.idempotency import Claim as KeyClaim
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault

PURPOSE = "claim"
FILES_PER_KIND = 9
KINSHIP_PROOF = "kinship_proof"
# What its member had handed in before dying still needs to be shown whose it is.
LATE_FOR_SURVIVORS = frozenset({"submitted", "under_review", "approved"})


async def open_upload(
    session: AsyncSession, desk: Desk, actor: Principal, claim_id: UUID, body: OpenUploadBody
) -> OpenedUpload:
    """Begin a chunked upload for one kind; raises ClaimNotFound, DocumentsClosed,
    DocumentNotAskedFor, TooManyFiles."""
    claim = await _claim(session, actor, claim_id)
    await _require_kind(session, claim, body.kind)
    return await uploads.open_upload(
        session,
        desk,
        actor,
        purpose=PURPOSE,
        subject_id=claim.id,
        kind=body.kind,
        declared_bytes=body.bytes,
        declared_sha256=body.sha256,
    )


async def finish_upload(desk: Desk, actor: Principal, claim_id: UUID, token: str) -> UUID:
    """Prove a complete upload and add it to the claim; again it gives the same document.

    Raises DocumentRefused (422) with the reason, and what `open_upload` raises.
    """
    async with desk.database.transaction() as session:
        await _claim(session, actor, claim_id)
    collected = await uploads.collect(desk, token, actor, PURPOSE, claim_id)
    if isinstance(collected, UUID):
        async with desk.database.transaction() as session:
            document = await queries.document_by_object(session, collected)
        if document is None:
            raise DocumentNotFound
        return document.id
    try:
        stored = await storing.prove_and_keep(desk, collected.content)
        invoices = await _read(desk, collected.kind, stored)
    except DocumentRefused as refused:
        await uploads.refuse(desk, collected.upload_id, refused.reason, actor)
        raise
    async with desk.database.transaction() as session:
        added = await _add(session, desk, actor, claim_id, collected.kind, stored, invoices)
        await uploads.finish(session, collected.upload_id, added.object_id, actor)
        return added.id


async def send_whole(
    desk: Desk, key: KeyClaim, actor: Principal, claim_id: UUID, form: SentFile
) -> bytes:
    """A file that came in one piece; the same file for the same kind changes nothing.

    Returns the claim's view as JSON, stored under the caller's key together with the
    document. Raises what `open_upload` raises, DocumentRefused (422), IdempotencyKeyReused
    (422), RequestInFlight (409) and Replay.
    """
    async with desk.database.transaction() as session:
        await key.hold(session)
        claim = await _claim(session, actor, claim_id)
        await _require_kind(session, claim, form.kind)
    stored = await storing.prove_and_keep(desk, form.content)
    invoices = await _read(desk, form.kind, stored)
    async with desk.database.transaction() as session:
        keyed = await key.hold(session)
        await _add(session, desk, actor, claim_id, form.kind, stored, invoices)
        view = await views.show(session, desk.vault, actor, claim_id)
        content = view.model_dump_json().encode()
        await keyed.store(201, content)
    return content


async def _add(
    session: AsyncSession,
    desk: Desk,
    actor: Principal,
    claim_id: UUID,
    kind: str,
    stored: StoredObject,
    invoices: Sequence[Invoice],
) -> ClaimDocument:
    now = await business_now(session, sandbox=desk.database.settings.sandbox)
    claim = await _claim(session, actor, claim_id, lock=True)
    known = await _known(session, claim, kind, stored.original_sha256)
    if known is not None:
        return known
    await _require_kind(session, claim, kind)
    session.add(stored)
    await session.flush()
    await _replace_returned(session, actor, claim, kind, now)
    document = _document(actor, claim, kind, stored, now)
    begin(session, DOCUMENT, document, actor=actor, at=now, on_behalf_of=_for(actor, claim))
    await session.flush()
    await read_from(session, desk.vault, claim, document, invoices, now)
    content = {"document_id": str(document.id), "kind": kind}
    added = Fact("claim", claim.id, "claim.add_document", None, content)
    await state(session, [added], actor=actor, at=now, on_behalf_of=_for(actor, claim))
    return document


async def _read(desk: Desk, kind: str, stored: StoredObject) -> Sequence[Invoice]:
    """What the printed codes on a receipt say; other papers are not searched for any."""
    return await storing.read_invoices(desk, stored) if kind == "receipt" else ()


def _document(
    actor: Principal, claim: Claim, kind: str, stored: StoredObject, now: datetime
) -> ClaimDocument:
    return ClaimDocument(
        id=new_id(),
        claim_id=claim.id,
        kind=kind,
        object_id=stored.id,
        fingerprint=stored.original_sha256,
        status="waiting",
        uploaded_by_kind=actor.kind,
        uploaded_by=actor.id,
        uploaded_at=now,
    )


async def _known(
    session: AsyncSession, claim: Claim, kind: str, fingerprint: bytes
) -> ClaimDocument | None:
    """The same file on this claim; raises SameFile for another kind, ReceiptUsed for another
    claim's receipt."""
    await lock_file(session, fingerprint)
    for document, _ in await queries.documents_of(session, claim.id):
        if document.fingerprint == fingerprint:
            if document.kind != kind or document.status == "returned":
                raise SameFile
            return document
    if kind == "receipt" and await queries.receipt_file_used(session, claim.id, fingerprint):
        raise ReceiptUsed
    return None


async def _replace_returned(
    session: AsyncSession, actor: Principal, claim: Claim, kind: str, now: datetime
) -> None:
    for document, _ in await queries.documents_of(session, claim.id):
        if document.kind == kind and document.status == "returned":
            await move(session, DOCUMENT, document, "replaced", actor=actor, at=now)
            await forget_readings(session, document, now)


async def take_back(
    session: AsyncSession, actor: Principal, claim_id: UUID, document_id: UUID, now: datetime
) -> None:
    """Take a file back before the claim is submitted; it stays in history.

    What a decision was taken on stays; so does, once a claim of survivors is handed in, all but
    a proof of kinship that nobody has accepted. Raises DocumentNotFound (404), also for a paper
    that somebody else sent to such a claim, DocumentsClosed (409).
    """
    claim = await _claim(session, actor, claim_id, lock=True)
    found = await queries.document_of(session, claim.id, document_id)
    if found is None or found[0].status == "replaced" or not _theirs(actor, claim, found[0]):
        raise DocumentNotFound
    # Survivors may still add proofs here, but what a reviewer works with is not theirs to take.
    late = claim.status in LATE_FOR_SURVIVORS
    if late and (found[0].kind != KINSHIP_PROOF or found[0].status == "accepted"):
        raise DocumentsClosed
    if claim.decided_at is not None and found[0].uploaded_at <= claim.decided_at:
        raise DocumentsClosed
    await move(session, DOCUMENT, found[0], "replaced", actor=actor, at=now)
    await forget_readings(session, found[0], now)
    await unprove(session, claim, document_id)
    content = {"document_id": str(document_id)}
    taken = Fact("claim", claim.id, "claim.take_back_document", None, content)
    await state(session, [taken], actor=actor, at=now, on_behalf_of=_for(actor, claim))


async def give_view(
    session: AsyncSession,
    vault: Vault,
    viewer: Principal,
    claim_id: UUID,
    document_id: UUID,
    variant: str,
) -> BlobLinkView:
    """A single-use link to one file; raises ClaimNotFound, DocumentNotFound (404),
    DocumentBlocked (409)."""
    claim = await queries.find(session, viewer, claim_id)
    if claim is None:
        raise ClaimNotFound
    found = await queries.document_of(session, claim.id, document_id)
    if found is None:
        raise DocumentNotFound
    if not _theirs(viewer, claim, found[0]):
        raise DocumentNotFound
    return await viewing.give_link(
        session,
        vault,
        viewer,
        found[1],
        variant,
        on_behalf_of=_for(viewer, claim),
        in_use=claim.status not in ENDED,
    )


def _theirs(actor: Principal, claim: Claim, document: ClaimDocument) -> bool:
    """Other survivors' papers are theirs, and the dead member's are blocked."""
    own = document.uploaded_by == actor.id
    return own or actor.kind != "member" or not claim.for_survivors


async def _claim(
    session: AsyncSession, actor: Principal, claim_id: UUID, *, lock: bool = False
) -> Claim:
    find = queries.find_locked if lock else queries.find
    claim = await find(session, actor, claim_id)
    if claim is None:
        raise ClaimNotFound
    if not (claim.for_survivors and claim.status in LATE_FOR_SURVIVORS):
        require_open(claim)
    return claim


async def _require_kind(session: AsyncSession, claim: Claim, kind: str) -> None:
    terms = await terms_of(session, claim)
    asked_for = [each for each in kinds_of(claim, terms) if each != "identity"]
    if kind not in asked_for:
        raise DocumentNotAskedFor(asked_for)
    if claim.status in LATE_FOR_SURVIVORS and kind != KINSHIP_PROOF:
        raise DocumentsClosed
    files = [file for file, _ in await queries.documents_of(session, claim.id) if file.kind == kind]
    if len(files) >= FILES_PER_KIND:
        raise TooManyFiles


def _for(actor: Principal, claim: Claim) -> UUID | None:
    return None if actor.kind == "member" else claim.person_id
