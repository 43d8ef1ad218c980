"""Documents of a relief case: sent whole, looked at by a link that opens once, taken back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.documents import storing, viewing
from app.documents.desk import Desk
from app.documents.models import StoredObject
from app.documents.multipart import SentFile
from app.documents.schemas import BlobLinkView
from app.kernel.clock import business_now
from app.kernel.facts import Fact, state
from app.kernel.idempotency import Claim as KeyClaim
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.relief import queries, views
from app.relief.applying import find
from app.relief.case_models import ReliefCase, ReliefDocument
from app.relief.errors import FactsClosed, PaperNotAskedFor, PaperNotFound
from app.relief.keeping import ENDED
from app.relief.terms import terms_of_case

OPEN = ("proposed", "applied")


async def send_whole(
    desk: Desk, key: KeyClaim, actor: Principal, case_id: UUID, form: SentFile
) -> bytes:
    """A file for one kind; the same file again changes nothing. The case's view as JSON.

    Raises CaseNotFound (404), FactsClosed (409), PaperNotAskedFor, DocumentRefused (422),
    and what keys raise.
    """
    async with desk.database.transaction() as session:
        await key.hold(session)
        case = await find(session, actor, case_id)
        await _require_kind(session, case, form.kind)
    stored = await storing.prove_and_keep(desk, form.content)
    async with desk.database.transaction() as session:
        keyed = await key.hold(session)
        now = await business_now(session, sandbox=desk.database.settings.sandbox)
        case = await find(session, actor, case_id, lock=True)
        await _require_kind(session, case, form.kind)
        await _add(session, actor, case, form.kind, stored, now)
        view = await views.shown(session, desk.vault, actor, case, now)
        content = view.model_dump_json().encode()
        await keyed.store(201, content)
    return content


async def _require_kind(session: AsyncSession, case: ReliefCase, kind: str) -> None:
    if case.status not in OPEN:
        raise FactsClosed
    asked_for = [
        each
        for each in (await terms_of_case(session, case)).papers(case.ground)
        if each != "identity"
    ]
    if kind not in asked_for:
        raise PaperNotAskedFor(asked_for)


async def _add(
    session: AsyncSession,
    actor: Principal,
    case: ReliefCase,
    kind: str,
    stored: StoredObject,
    now: datetime,
) -> None:
    papers = await queries.papers_of(session, case.id)
    if any(paper.fingerprint == stored.original_sha256 for paper in papers):
        return
    session.add(stored)
    await session.flush()
    session.add(
        ReliefDocument(
            id=new_id(),
            case_id=case.id,
            kind=kind,
            object_id=stored.id,
            fingerprint=stored.original_sha256,
            uploaded_by_kind=actor.kind,
            uploaded_by=actor.id,
            uploaded_at=now,
        )
    )
    await session.flush()
    added = Fact("relief_case", case.id, "relief_case.add_document", None, {"kind": kind})
    await state(session, [added], actor=actor, at=now, on_behalf_of=_for(actor, case))


async def take_back(
    session: AsyncSession, actor: Principal, case_id: UUID, document_id: UUID, now: datetime
) -> ReliefCase:
    """Take a file off a case before the board has it; raises PaperNotFound (404)."""
    case = await find(session, actor, case_id, lock=True)
    if case.status not in OPEN:
        raise FactsClosed
    for paper in await queries.papers_of(session, case.id):
        if paper.id == document_id:
            paper.removed_at = now
            await session.flush()
            taken = Fact("relief_case", case.id, "relief_case.take_back_document")
            await state(session, [taken], actor=actor, at=now, on_behalf_of=_for(actor, case))
            return case
    raise PaperNotFound


async def give_view(
    session: AsyncSession,
    vault: Vault,
    viewer: Principal,
    case_id: UUID,
    document_id: UUID,
    variant: str,
) -> BlobLinkView:
    """A single-use link to one file; raises CaseNotFound, PaperNotFound (404),
    DocumentBlocked (409)."""
    case = await find(session, viewer, case_id)
    for paper in await queries.papers_of(session, case.id):
        if paper.id == document_id:
            stored = await session.get_one(StoredObject, paper.object_id)
            return await viewing.give_link(
                session,
                vault,
                viewer,
                stored,
                variant,
                on_behalf_of=_for(viewer, case),
                in_use=case.status not in ENDED,
            )
    raise PaperNotFound


def _for(actor: Principal, case: ReliefCase) -> UUID | None:
    return None if actor.kind == "member" else case.person_id
