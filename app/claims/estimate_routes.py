"""Trying a claim out before it is filed."""

from typing import Annotated

from fastapi import Depends

from app.claims import estimating
from app.claims.bodies import EstimateBody, MemberEstimateBody
from app.claims.counter import CounterDep
from app.claims.estimate_schemas import ClaimEstimateView
from app.kernel.api_document import refused
from app.kernel.principal import Member, Principal, require
from app.kernel.routing import router

routes = router("claims")
staff_routes = router("claims in review")

Asker = Annotated[Principal, Depends(require("staff", "caseworker", "reviewer", "supervisor"))]


@routes.post("/v1/me/claim-estimates", responses=refused(404))
async def estimate_claim(
    member: Member, counter: CounterDep, body: EstimateBody
) -> ClaimEstimateView:
    """What a claim of yours would come to, by the same rules as a real one; nothing is
    filed. Give `policy_id`, or `plan_code` for whatever covers you there. While facts are
    missing the answer names them and says between what and what the amount lies; where
    nothing would be paid it says why.
    """
    return await estimating.estimate_own(counter.session, member, body, counter.now)


@staff_routes.post("/v1/staff/claim-estimates", responses=refused(404))
async def estimate_member_claim(
    staff: Asker, counter: CounterDep, body: MemberEstimateBody
) -> ClaimEstimateView:
    """The same for a member whom you manage or are serving; the look is recorded."""
    return await estimating.estimate_for_member(
        counter.session, staff, body, counter.now, counter.system_now
    )
