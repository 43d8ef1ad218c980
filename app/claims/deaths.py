"""Reports of deaths: made, confirmed or declined by an office, withdrawn as a mistake."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import death_queries, promises, queries
from app.claims.death_bodies import (
    DeathReportAnswerBody,
    DeathReportBody,
    ReceivedDeathReportBody,
)
from app.claims.death_errors import (
    DeathReportedBefore,
    DeathReportNotFound,
    PersonNotFoundByReport,
    ReportAnswered,
)
from app.claims.death_models import DEATH_REPORT, DeathReport
from app.claims.errors import ClaimNotFound
from app.claims.events import DEATH_CONFIRMED, DEATH_REPORTED, DEATH_WITHDRAWN
from app.kernel.clock import business_day, system_now
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, NotFound, TooManyRequests, Unprocessable
from app.kernel.text import Text
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault
from app.members.blocking import block
from app.members.documents import index_value
from app.members.entry import read_identity
from app.members.matching import verified_person
from app.members.models import Member, Person
from app.members.names import normalise_name
from app.members.queries import reachable_members
from app.members.service import member_of, name_of, person_of
from app.payouts.stopping import stop_for_death

REPORTS_A_DAY, A_DAY = 5, timedelta(days=1)
IN_FUTURE = Text("身故日期晚于今天", "The day lies in the future.")


async def report_by_member(
    session: AsyncSession, vault: Vault, member: Principal, body: DeathReportBody, now: datetime
) -> DeathReport:
    """A claimant with a proven identity says who died; it waits for an office's word.

    The same whether or not anybody is known by it; nobody tries out numbers this way. Raises
    IdentityRequired (409), TooManyRequests (429), Unprocessable (422) with every faulty field.
    """
    reporter = await person_of(session, member.id)
    if await death_queries.reports_since(session, member.id, now - A_DAY) >= REPORTS_A_DAY:
        raise TooManyRequests(int(A_DAY.total_seconds()))
    today = business_day(now)
    _not_future(body.died_on, today)
    identity = read_identity(body.name, body.document, None, today)
    typed = {
        "name": identity.name,
        "document_type": identity.document.type,
        "document_number": identity.document.number,
        "issuing_country": identity.document.issuing_country,
    }
    person = await _known(session, vault, typed)
    if person is not None and person.id == reporter.id:
        person = None
    report = _report(vault, member, body.died_on, "reported", typed, now)
    report.relation = body.relation
    report.person_id = None if person is None else person.id
    report.organisation_id = await _office(session, report.person_id)
    begin(session, DEATH_REPORT, report, actor=member, at=now)
    await session.flush()
    await state_report(session, member, report, "report", now)
    return report


async def report_by_staff(
    session: AsyncSession,
    vault: Vault,
    staff: Principal,
    body: ReceivedDeathReportBody,
    now: datetime,
) -> DeathReport:
    """An office knows of a death: the member's data is blocked from now on.

    Raises NotFound (404) for somebody whom the caller neither manages nor serves,
    DeathReportedBefore (409), Unprocessable (422).
    """
    _not_future(body.died_on, business_day(now))
    reach = reachable_members(staff, system_now()).where(Member.person_id == body.person_id)
    found = (await session.execute(reach)).first()
    if found is None:
        raise NotFound
    report = _report(vault, staff, body.died_on, "confirmed", {"evidence": body.evidence}, now)
    report.person_id = body.person_id
    report.organisation_id = await _office(session, body.person_id)
    report.confirmed_by, report.confirmed_at = staff.id, now
    await _block(session, vault, staff, report, now)
    begin(session, DEATH_REPORT, report, actor=staff, at=now)
    await session.flush()
    await state_report(session, staff, report, "confirm", now)
    return report


def _report(
    vault: Vault,
    actor: Principal,
    died_on: date,
    status: str,
    record: dict[str, Any],
    now: datetime,
) -> DeathReport:
    report_id = new_id()
    return DeathReport(
        id=report_id,
        died_on=died_on,
        status=status,
        sealed=vault.seal("death_report", report_id, record),
        reported_by_kind=actor.kind,
        reported_by=actor.id,
        reported_at=now,
    )


def _not_future(died_on: date, today: date) -> None:
    if died_on > today:
        raise Unprocessable(errors=[FieldError("/died_on", "died-in-future", IN_FUTURE)])


async def _known(session: AsyncSession, vault: Vault, typed: dict[str, Any]) -> Person | None:
    """The proven person whom a claimant means: the same document and the same name."""
    value = index_value(typed["document_type"], typed["document_number"], typed["issuing_country"])
    person = await verified_person(session, vault, value)
    if person is None:
        return None
    same = normalise_name(name_of(vault, person)).casefold()
    return person if same == normalise_name(typed["name"]).casefold() else None


async def _office(session: AsyncSession, person_id: UUID | None) -> UUID:
    """Who answers: the member's organisation, else the municipal office."""
    member = None if person_id is None else await member_of(session, person_id)
    if member is not None and member.organisation_id is not None:
        return member.organisation_id
    office = await queries.municipal_office(session)
    if office is None:
        raise ClaimNotFound
    return office


async def answer(
    session: AsyncSession,
    vault: Vault,
    staff: Principal,
    report_id: UUID,
    body: DeathReportAnswerBody,
    now: datetime,
) -> DeathReport:
    """Confirm a claimant's report, which blocks the member's data, or decline it.

    Raises DeathReportNotFound (404), ReportAnswered, PersonNotFoundByReport,
    DeathReportedBefore (409).
    """
    report = await locked_report(session, staff, report_id)
    if report.status != "reported":
        raise ReportAnswered(status=report.status)
    record = vault.open("death_report", report.id, report.sealed)
    if body.verdict == "decline":
        await end_report(session, vault, staff, report, "declined", body.note, now)
        await state_report(session, staff, report, "decline", now)
        return report
    if report.person_id is None:
        person = await _known(session, vault, record)
        report.person_id = None if person is None else person.id
    if report.person_id is None:
        raise PersonNotFoundByReport
    report.sealed = vault.seal("death_report", report.id, {**record, "evidence": body.note})
    report.confirmed_by, report.confirmed_at = staff.id, now
    await _block(session, vault, staff, report, now)
    await move(session, DEATH_REPORT, report, "confirmed", actor=staff, at=now)
    await state_report(session, staff, report, "confirm", now)
    return report


async def locked_report(session: AsyncSession, staff: Principal, report_id: UUID) -> DeathReport:
    """A report within the caller's reach, locked; raises DeathReportNotFound (404)."""
    report = await death_queries.find_report(session, staff, report_id, lock=True)
    if report is None:
        raise DeathReportNotFound
    return report


async def _block(
    session: AsyncSession, vault: Vault, staff: Principal, report: DeathReport, now: datetime
) -> None:
    """From here on the data serves claims and retention; open claims are the survivors'."""
    if report.person_id is None:
        raise PersonNotFoundByReport
    if await death_queries.confirmed_report(session, report.person_id) is not None:
        raise DeathReportedBefore
    await block(session, report.person_id, actor=staff, now=now)
    for claim in await death_queries.open_claims_of(session, report.person_id):
        claim.for_survivors = True
        for which in ("review", "payout"):
            await promises.stop(session, claim, which, "payee-died", now)
    await session.flush()
    await stop_for_death(session, vault, report.person_id, staff, now)


async def end_report(
    session: AsyncSession,
    vault: Vault,
    staff: Principal,
    report: DeathReport,
    status: str,
    reason: str,
    now: datetime,
) -> None:
    """Decline or withdraw a locked report; the reason is sealed with it."""
    record = vault.open("death_report", report.id, report.sealed)
    report.sealed = vault.seal("death_report", report.id, {**record, "reason": reason})
    report.ended_by, report.ended_at = staff.id, now
    await move(session, DEATH_REPORT, report, status, actor=staff, at=now)


_EVENTS = {
    "report": DEATH_REPORTED,
    "confirm": DEATH_CONFIRMED,
    "decline": None,
    "withdraw": DEATH_WITHDRAWN,
}


async def state_report(
    session: AsyncSession, actor: Principal, report: DeathReport, verb: str, now: datetime
) -> None:
    """The report's audit row, and the event about its person where one is known."""
    facts = [Fact("death_report", report.id, f"death_report.{verb}")]
    event = _EVENTS[verb]
    if event is not None and report.person_id is not None:
        told = {"report_id": str(report.id), "died_on": report.died_on.isoformat()}
        facts.append(Fact("person", report.person_id, f"person.death_{verb}", event, told))
    await state(session, facts, actor=actor, at=now, on_behalf_of=report.person_id)
