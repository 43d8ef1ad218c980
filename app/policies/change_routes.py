"""Corrections of policies: beneficiaries by the member, everything else by staff."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Response

from app.kernel.api_document import refused
from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import CursorParameter, Page, PageSize
from app.kernel.principal import Member, Principal, Reviewer, Staff, require
from app.kernel.routing import router
from app.policies import endorsing
from app.policies.beneficiaries import show_beneficiaries
from app.policies.change_schemas import (
    BeneficiariesBody,
    BeneficiariesView,
    EndorsementBody,
    EndorsementRecordView,
    EndorsementView,
)
from app.policies.finding import policy_within_reach
from app.policies.recording import locked_policy

routes = router("policies")
PolicyId = Annotated[UUID, Path(description="The policy's id.")]
Endorser = Annotated[Principal, Depends(require("staff", "caseworker", "reviewer", "supervisor"))]


@routes.get("/v1/me/policies/{policy_id}/beneficiaries")
async def show_own_beneficiaries(
    member: Member, session: SessionDep, vault: VaultDep, policy_id: PolicyId
) -> BeneficiariesView:
    """Whom I have named, masked; without anybody the legal heirs are paid."""
    policy = await policy_within_reach(session, member, policy_id)
    return await show_beneficiaries(session, vault, member, policy)


@routes.put("/v1/me/policies/{policy_id}/beneficiaries", responses=refused(409))
async def name_beneficiaries(
    member: Member,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    policy_id: PolicyId,
    body: BeneficiariesBody,
) -> BeneficiariesView:
    """Name all beneficiaries anew; percents add up to 100, an empty list names nobody.

    The same list again changes nothing.
    """
    found = await policy_within_reach(session, member, policy_id)
    policy = await locked_policy(session, found.id)
    await endorsing.name_own_beneficiaries(session, vault, member, policy, body, now)
    return await show_beneficiaries(session, vault, member, policy)


@routes.get("/v1/staff/policies/{policy_id}/beneficiaries")
async def show_beneficiaries_of_member(
    staff: Staff, session: SessionDep, vault: VaultDep, policy_id: PolicyId
) -> BeneficiariesView:
    """Whom a member that you manage or serve has named; the look is recorded."""
    policy = await policy_within_reach(session, staff, policy_id)
    return await show_beneficiaries(session, vault, staff, policy)


@routes.post(
    "/v1/staff/policies/{policy_id}/endorsements",
    status_code=201,
    response_model=EndorsementView,
    responses=refused(409),
)
async def endorse_policy(
    endorser: Endorser,
    body: EndorsementBody,
    keyed: KeyedDep,
    session: SessionDep,
    now: NowDep,
    policy_id: PolicyId,
) -> Response:
    """Correct name, document, occupation or beneficiaries, with a reason and what was seen.

    Names and documents need a reviewer or supervisor who has seen the card; they change the
    person's record, and every certificate says the new name from now on. 409: the document
    is another member's (`document-of-another`), or the policy runs no more.
    """
    found = await policy_within_reach(session, endorser, policy_id)
    policy = await locked_policy(session, found.id)
    view = await endorsing.endorse(session, keyed.vault, endorser, policy, body, now)
    return await keyed.reply(201, view)


@routes.get("/v1/staff/policies/{policy_id}/endorsements")
async def list_endorsements(
    reviewer: Reviewer,
    session: SessionDep,
    vault: VaultDep,
    policy_id: PolicyId,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[EndorsementRecordView]:
    """Corrections with what was recorded before and after, oldest first; a look is recorded."""
    policy = await policy_within_reach(session, reviewer, policy_id)
    return await endorsing.read_endorsements(session, vault, reviewer, policy, limit, cursor)
