"""Visits of an office as a page: who was visited by whom, what came of it, what was noted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.models import Claim
from app.kernel import audit
from app.kernel.clock import day_start
from app.kernel.pagination import Page, decode_cursor, encode_cursor, page_of
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.organisations.models import Organisation
from app.organisations.queries import in_scope
from app.relief.case_models import ReliefCase, ReliefVisit
from app.relief.models import ReliefFund
from app.relief.schemas import VisitLine
from app.relief.views import line


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which visits a list shows: of an organisation and all below it, of days in
    Asia/Shanghai, of one person, of one case."""

    organisation_id: UUID | None = None
    first: date | None = None
    last: date | None = None
    person_id: UUID | None = None
    case_id: UUID | None = None


async def page_of_visits(
    session: AsyncSession,
    vault: Vault,
    reader: Principal,
    wanted: Wanted,
    cursor: str | None,
    limit: int,
) -> Page[VisitLine]:
    """Visits recorded by the reader's organisation and all below it, the latest visit first.

    The reading is recorded with everybody who is on the page: notes are personal.
    """
    listing = f"relief-visits:{reader.id}:{wanted}"
    after = decode_cursor(vault, listing, cursor)
    found = _wanted(reader, wanted).order_by(ReliefVisit.visited_at.desc(), ReliefVisit.id.desc())
    if after is not None:
        # The cursor names a visit: its instant is read again, exactly as it is stored.
        at = select(ReliefVisit.visited_at).where(ReliefVisit.id == UUID(after[0]))
        instant = at.scalar_subquery()
        found = found.where(
            (ReliefVisit.visited_at < instant)
            | ((ReliefVisit.visited_at == instant) & (ReliefVisit.id < UUID(after[0])))
        )
    rows = [(row[0], row[1]) for row in await session.execute(found.limit(limit + 1))]
    shown = await _lines(session, vault, [visit for visit, _ in rows], dict(rows))
    page = page_of(
        [visit for visit, _ in rows],
        limit,
        lambda visit: shown[visit.id],
        lambda visit: encode_cursor(vault, listing, [str(visit.id)]),
    )
    if page.items:
        named = [each for item in page.items for each in (item.id, item.person_id)]
        await audit.record(
            session,
            reader,
            "relief_visit.list",
            subject="relief_visit",
            subject_ids=list(dict.fromkeys(named)),
        )
    return page


def _wanted(reader: Principal, wanted: Wanted) -> Select[ReliefVisit, str]:
    found = (
        select(ReliefVisit, Organisation.name)
        .join(Organisation, Organisation.id == ReliefVisit.organisation_id)
        .where(in_scope(reader, ReliefVisit.organisation_id))
    )
    if wanted.organisation_id is not None:
        found = found.where(Organisation.lineage.contains([wanted.organisation_id]))
    if wanted.first is not None:
        found = found.where(ReliefVisit.visited_at >= day_start(wanted.first))
    if wanted.last is not None:
        found = found.where(ReliefVisit.visited_at < day_start(wanted.last + timedelta(days=1)))
    if wanted.person_id is not None:
        found = found.where(ReliefVisit.person_id == wanted.person_id)
    if wanted.case_id is not None:
        found = found.where(ReliefVisit.case_id == wanted.case_id)
    return found


async def _lines(
    session: AsyncSession,
    vault: Vault,
    visits: Sequence[ReliefVisit],
    offices: dict[ReliefVisit, str],
) -> dict[UUID, VisitLine]:
    """Each visit as it is shown, with its case and claim."""
    rows = await session.execute(
        select(ReliefCase, ReliefFund)
        .join(ReliefFund, ReliefFund.id == ReliefCase.fund_id)
        .where(ReliefCase.id.in_({each.case_id for each in visits if each.case_id is not None}))
    )
    cases = {case.id: line(case, fund) for case, fund in rows}
    named = await session.execute(
        select(Claim.id, Claim.number).where(
            Claim.id.in_({each.claim_id for each in visits if each.claim_id is not None})
        )
    )
    claims: dict[UUID | None, str] = {row[0]: row[1] for row in named}
    return {
        each.id: VisitLine(
            id=each.id,
            client_ref=each.client_ref,
            person_id=each.person_id,
            household_id=each.household_id,
            visited_at=each.visited_at,
            case=None if each.case_id is None else cases[each.case_id],
            claim_id=each.claim_id,
            claim_number=claims.get(each.claim_id),
            organisation_id=each.organisation_id,
            organisation_name=offices[each],
            visited_by=each.staff_id,
            notes=vault.open("relief_visit", each.id, each.sealed)["notes"],
            recorded_at=each.recorded_at,
        )
        for each in visits
    }
