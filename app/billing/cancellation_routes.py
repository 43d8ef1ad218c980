"""Cancelling cover: what it would give back, then the deed; and taking it back."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Response

from app.billing import cancelling, reinstating
from app.billing.cancellation_schemas import (
    CancellationView,
    PaymentBackView,
    ReinstatementBody,
    ReinstatementView,
    StaffCancellationBody,
)
from app.billing.cancelling import Cancellation
from app.kernel import audit
from app.kernel.api_document import refused
from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep
from app.kernel.idempotency import KeyedDep
from app.kernel.principal import Caseworker, Member, Reviewer
from app.kernel.routing import router
from app.policies.finding import policy_within_reach
from app.policies.recording import locked_policy

routes = router("policies")
PolicyId = Annotated[UUID, Path(description="The policy's id.")]


@routes.get("/v1/me/policies/{policy_id}/cancellation", responses=refused(409))
async def preview_cancellation(
    member: Member, session: SessionDep, now: NowDep, policy_id: PolicyId
) -> CancellationView:
    """What cancelling now would give back by the plan's rule, and from when cover ends.

    409: the plan offers none now (`cancellation-not-offered`), a claim is open
    (`claim-open`), it was renewed (`renewed-already`), or it runs no more.
    """
    policy = await policy_within_reach(session, member, policy_id)
    return view_of(await cancelling.judge(session, policy, now))


@routes.post(
    "/v1/me/policies/{policy_id}/cancellation",
    status_code=201,
    response_model=CancellationView,
    responses=refused(409),
)
async def cancel_policy(
    member: Member, keyed: KeyedDep, session: SessionDep, now: NowDep, policy_id: PolicyId
) -> Response:
    """Cancel my cover: it ends with this day, or never begins; the refund is on its way.

    Refused like the preview.
    """
    found = await policy_within_reach(session, member, policy_id)
    policy = await locked_policy(session, found.id)
    done = await cancelling.cancel(
        session, policy, reason_code="member_cancelled", actor=member, now=now
    )
    return await keyed.reply(201, view_of(done))


@routes.get("/v1/staff/policies/{policy_id}/cancellation", responses=refused(409))
async def preview_cancellation_for_member(
    caseworker: Caseworker, session: SessionDep, now: NowDep, policy_id: PolicyId
) -> CancellationView:
    """The same for a member whom you manage or serve; the look is recorded."""
    policy = await policy_within_reach(session, caseworker, policy_id)
    judged = await cancelling.judge(session, policy, now)
    await audit.record(
        session,
        caseworker,
        "cancellation.preview",
        subject="policy",
        subject_ids=[policy.id, policy.person_id],
        on_behalf_of=policy.person_id,
    )
    return view_of(judged)


@routes.post(
    "/v1/staff/policies/{policy_id}/cancellation",
    status_code=201,
    response_model=CancellationView,
    responses=refused(409),
)
async def cancel_policy_for_member(
    caseworker: Caseworker,
    body: StaffCancellationBody,
    keyed: KeyedDep,
    session: SessionDep,
    now: NowDep,
    policy_id: PolicyId,
) -> Response:
    """Cancel cover for a member whom you manage or serve, by the plan's rule."""
    found = await policy_within_reach(session, caseworker, policy_id)
    policy = await locked_policy(session, found.id)
    done = await cancelling.cancel(
        session, policy, reason_code=body.reason, actor=caseworker, now=now
    )
    return await keyed.reply(201, view_of(done))


@routes.post(
    "/v1/staff/policies/{policy_id}/reinstatement",
    status_code=201,
    response_model=ReinstatementView,
    responses=refused(409),
)
async def reinstate_policy(
    reviewer: Reviewer,
    body: ReinstatementBody,
    keyed: KeyedDep,
    session: SessionDep,
    now: NowDep,
    policy_id: PolicyId,
) -> Response:
    """Put cancelled cover in force again before its old end.

    Without a gap while the cancellation is not effective yet, or cover had not begun;
    otherwise from the next day, with new waiting days. 409: it is not cancelled, its end
    has passed, the refund was sent (`refund-under-way`), or its places are taken.
    """
    found = await policy_within_reach(session, reviewer, policy_id)
    policy = await locked_policy(session, found.id)
    change = await reinstating.reinstate(
        session, policy, reason_code=body.reason, actor=reviewer, now=now
    )
    view = ReinstatementView(
        policy_id=policy.id,
        number=policy.number,
        status=policy.status,
        effective_at=change.effective_at,
        starts_at=policy.starts_at,
        ends_at=policy.ends_at,
    )
    return await keyed.reply(201, view)


def view_of(cancellation: Cancellation) -> CancellationView:
    ending = cancellation.ending
    return CancellationView(
        policy_id=ending.policy.id,
        number=ending.policy.number,
        plan_code=ending.policy.plan_code,
        started=ending.started,
        ends_at=ending.ends_at,
        paid_fen=cancellation.paid_fen,
        claimed_fen=cancellation.claimed_fen,
        refund_fen=cancellation.member_fen,
        deposit_fen=cancellation.deposit_fen,
        payments=[
            PaymentBackView(
                order_id=back.source.order.id,
                amount_fen=back.total_fen,
                method="sponsor" if back.source.attempt is None else back.method,
            )
            for back in cancellation.backs
        ],
        explanation=cancellation.explanation,
    )
