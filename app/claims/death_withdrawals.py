"""A report of a death that was a mistake, undone by a supervisor."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import death_queries, promises
from app.claims.death_errors import ClaimsRestOnReport, ReportAnswered
from app.claims.death_models import DeathReport
from app.claims.deaths import end_report, locked_report, state_report
from app.claims.models import CLAIM, Claim
from app.claims.paying import pay
from app.claims.submission import take_back
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.members.blocking import unblock
from app.payouts.queries import of_claim


async def withdraw(
    session: AsyncSession,
    vault: Vault,
    supervisor: Principal,
    report_id: UUID,
    reason: str,
    now: datetime,
) -> DeathReport:
    """The report was a mistake: the member has everything back but what was ended.

    Claims that rest on it and are not decided are withdrawn with it.

    Raises DeathReportNotFound (404), ReportAnswered, ClaimsRestOnReport (409).
    """
    report = await locked_report(session, supervisor, report_id)
    if report.status != "confirmed" or report.person_id is None or report.confirmed_at is None:
        raise ReportAnswered(status=report.status)
    person_id = report.person_id
    made = await death_queries.survivors_claims_of(session, person_id, report.confirmed_at)
    open_claims = await death_queries.open_claims_of(session, person_id)
    decided = [each for each in made if not _may_be_taken_back(each)]
    shared = [each for each in open_claims if await _shared_out(session, each)]
    if decided or shared:
        numbers = [each.number for each in (*decided, *shared)]
        raise ClaimsRestOnReport(list(dict.fromkeys(numbers)))
    for claim in made:
        await take_back(session, supervisor, claim, now)
    await end_report(session, vault, supervisor, report, "withdrawn", reason, now)
    await unblock(session, person_id, actor=supervisor)
    for claim in open_claims:
        if claim.status != "withdrawn":
            await _give_back(session, supervisor, claim, now)
    await state_report(session, supervisor, report, "withdraw", now)
    return report


def _may_be_taken_back(claim: Claim) -> bool:
    return claim.decided_at is None and CLAIM.allows(claim.status, "withdrawn")


async def _shared_out(session: AsyncSession, claim: Claim) -> bool:
    """Whether a share of the claim has gone to a survivor, or is on its way."""
    return any(
        each.claimant_id is not None and each.status != "failed"
        for each in await of_claim(session, claim.id)
    )


async def _give_back(
    session: AsyncSession, supervisor: Principal, claim: Claim, now: datetime
) -> None:
    """A claim that was the member's own is that again, and is paid if it waited."""
    for claimant in await death_queries.claimants_of(session, claim.id):
        claimant.removed_at = now
    claim.for_survivors, claim.sealed_survivors = False, None
    await session.flush()
    if claim.status != "waiting_for_member":
        await promises.resume(session, claim, "review", now)
    if claim.status == "approved":
        await pay(session, supervisor, claim, now)
