"""Reports of deaths, and what survivors and offices do about their claims."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.claims import (
    death_queries,
    death_views,
    death_withdrawals,
    deaths,
    kinship,
    survivors,
    views,
)
from app.claims.counter import CounterDep
from app.claims.death_bodies import (
    ClaimantsBody,
    DeathReportAnswerBody,
    DeathReportBody,
    DeathWithdrawalBody,
    KinshipBody,
    ReceivedDeathReportBody,
    SameIncidentBody,
)
from app.claims.death_errors import DeathReportNotFound
from app.claims.death_schemas import DeathReportView, ReportStatus, StaffDeathReportView
from app.claims.schemas import StaffClaimView
from app.kernel.api_document import refused
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import (
    CursorParameter,
    Page,
    PageSize,
    decode_cursor,
    encode_cursor,
)
from app.kernel.principal import Caseworker, Member, Reviewer, Staff, Supervisor
from app.kernel.routing import router
from app.payouts.schemas import PayoutAccountBody, PayoutAccountView

routes = router("deaths")
staff_routes = router("deaths at the office")


@routes.post("/v1/me/death-reports", status_code=201, response_model=DeathReportView)
async def report_death(
    member: Member, counter: CounterDep, keyed: KeyedDep, body: DeathReportBody
) -> Response:
    """Report the death of a member whom you lost, at most five times a day. An office confirms
    it with the death certificate; then `policies` says what you may claim under. The answer
    is the same whether or not we know the person.
    """
    report = await deaths.report_by_member(
        counter.session, counter.vault, member, body, counter.now
    )
    view = await death_views.own_report(counter.session, counter.vault, member, report)
    return await keyed.reply(201, view)


@routes.get("/v1/me/death-reports/{report_id}")
async def get_own_death_report(
    member: Member, counter: CounterDep, report_id: UUID
) -> DeathReportView:
    """A report that you made, and once it is confirmed what you may claim under."""
    report = await death_queries.find_report(counter.session, member, report_id)
    if report is None:
        raise DeathReportNotFound
    return await death_views.own_report(counter.session, counter.vault, member, report)


@staff_routes.post(
    "/v1/staff/death-reports",
    status_code=201,
    response_model=StaffDeathReportView,
    responses=refused(404),
)
async def record_death(
    caseworker: Caseworker, counter: CounterDep, keyed: KeyedDep, body: ReceivedDeathReportBody
) -> Response:
    """Record the death of a member whom you manage or serve (a serve grant for a claim). From
    now on their data serves claims and retention alone: no login, no cover, no message, no
    look outside the claims.
    """
    report = await deaths.report_by_staff(
        counter.session, counter.vault, caseworker, body, counter.now
    )
    view = await death_views.staff_report(counter.session, counter.vault, caseworker, report)
    return await keyed.reply(201, view)


@staff_routes.get("/v1/staff/death-reports")
async def list_death_reports(
    staff: Staff,
    counter: CounterDep,
    status: Annotated[
        ReportStatus | None, Query(description="Only reports that stand like this.")
    ] = None,
    cursor: CursorParameter = None,
    limit: PageSize = 20,
) -> Page[StaffDeathReportView]:
    """Reports that your organisation answers, and those that you made, newest first."""
    listing = f"death-reports:{staff.id}:{status}"
    position = decode_cursor(counter.vault, listing, cursor)
    before = None if position is None else UUID(position[0])
    rows = await death_queries.reports_page(counter.session, staff, status, before, limit)
    shown = [
        await death_views.staff_report(counter.session, counter.vault, staff, row)
        for row in rows[:limit]
    ]
    more = len(rows) > limit
    next_cursor = encode_cursor(counter.vault, listing, [str(shown[-1].id)]) if more else None
    return Page(items=shown, next_cursor=next_cursor)


@staff_routes.get("/v1/staff/death-reports/{report_id}")
async def get_death_report(
    staff: Staff, counter: CounterDep, report_id: UUID
) -> StaffDeathReportView:
    """One report; the look is recorded."""
    report = await death_queries.find_report(counter.session, staff, report_id)
    if report is None:
        raise DeathReportNotFound
    return await death_views.staff_report(counter.session, counter.vault, staff, report)


@staff_routes.post(
    "/v1/staff/death-reports/{report_id}/answer", response_model=StaffDeathReportView
)
async def answer_death_report(
    caseworker: Caseworker,
    counter: CounterDep,
    keyed: KeyedDep,
    report_id: UUID,
    body: DeathReportAnswerBody,
) -> Response:
    """Confirm what a survivor reported, having seen the death certificate, or decline it.
    Confirmed, the member's data is blocked.
    """
    report = await deaths.answer(
        counter.session, counter.vault, caseworker, report_id, body, counter.now
    )
    view = await death_views.staff_report(counter.session, counter.vault, caseworker, report)
    return await keyed.reply(200, view)


@staff_routes.post(
    "/v1/staff/death-reports/{report_id}/withdrawal", response_model=StaffDeathReportView
)
async def withdraw_death_report(
    supervisor: Supervisor,
    counter: CounterDep,
    keyed: KeyedDep,
    report_id: UUID,
    body: DeathWithdrawalBody,
) -> Response:
    """Undo a report that was a mistake: the member can log in again, claims that rest on it
    are withdrawn. Ended agreements and orders stay ended. Once such a claim is decided, 409.
    """
    report = await death_withdrawals.withdraw(
        counter.session, counter.vault, supervisor, report_id, body.reason, counter.now
    )
    view = await death_views.staff_report(counter.session, counter.vault, supervisor, report)
    return await keyed.reply(200, view)


@staff_routes.put("/v1/staff/claims/{claim_id}/claimants")
async def enter_claimants(
    caseworker: Caseworker, counter: CounterDep, claim_id: UUID, body: ClaimantsBody
) -> StaffClaimView:
    """Enter who claims for a dead member, with their cards in hand: the beneficiaries whom the
    policy named, with its percents, or else the legal heirs with theirs. It replaces those
    entered before.
    """
    claim = await survivors.enter_claimants(
        counter.session, counter.vault, caseworker, claim_id, body, counter.now
    )
    return await views.staff_view(counter.session, counter.vault, claim)


@staff_routes.post(
    "/v1/staff/claims/{claim_id}/claimants/{claimant_id}/payout-account",
    status_code=201,
    response_model=PayoutAccountView,
)
async def record_claimant_account(
    caseworker: Caseworker,
    counter: CounterDep,
    keyed: KeyedDep,
    claim_id: UUID,
    claimant_id: UUID,
    body: PayoutAccountBody,
) -> Response:
    """Record a bank account in a claimant's own name. The first can be used at once; a later
    one takes money after 24 hours, and its owner is told.
    """
    view = await kinship.record_account(
        counter.session, counter.vault, caseworker, claim_id, claimant_id, body, counter.now
    )
    return await keyed.reply(201, view)


@staff_routes.put("/v1/staff/claims/{claim_id}/claimants/{claimant_id}/kinship")
async def prove_claimant_kinship(
    reviewer: Reviewer,
    counter: CounterDep,
    claim_id: UUID,
    claimant_id: UUID,
    body: KinshipBody,
) -> StaffClaimView:
    """Name the paper that shows how a claimant was related; it is accepted with that. Nothing
    is approved or paid before every claimant's is.
    """
    claim = await kinship.prove_kinship(
        counter.session,
        reviewer,
        claim_id,
        claimant_id,
        body.document_id,
        counter.now,
        counter.system_now,
    )
    return await views.staff_view(counter.session, counter.vault, claim)


@staff_routes.put("/v1/staff/claims/{claim_id}/incident")
async def join_claim_incident(
    reviewer: Reviewer, counter: CounterDep, claim_id: UUID, body: SameIncidentBody
) -> StaffClaimView:
    """Say that a claim you hold is about the same incident as another claim of its member:
    benefits that exclude each other, and sums paid within the incident, then count.
    """
    claim = await kinship.join_incident(
        counter.session,
        counter.vault,
        reviewer,
        claim_id,
        body.claim_id,
        counter.now,
        counter.system_now,
    )
    return await views.staff_view(counter.session, counter.vault, claim)
