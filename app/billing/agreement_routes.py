"""Automatic renewal: a member's payment agreement, and the gateway's word about it."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Request, Response

from app.billing import agreements
from app.billing.agreement_schemas import RenewalAgreementBody, RenewalAgreementView
from app.billing.contracts import take_contract
from app.billing.errors import UnknownTrade, UntrustedNotice
from app.integrations.errors import Untrusted
from app.integrations.outside import OutsideDep
from app.integrations.wechat_pay import Contract
from app.kernel.api_document import refused
from app.kernel.clock import system_now
from app.kernel.database import DatabaseDep, SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.idempotency import ClaimDep
from app.kernel.principal import Member
from app.kernel.routing import router
from app.payouts.schemas import GATEWAY_NOTICE

routes = router("orders")
PolicyId = Annotated[UUID, Path(description="The policy's id, of any term of its chain.")]
PATH = "/v1/me/policies/{policy_id}/renewal-agreement"


@routes.post(PATH, status_code=201, response_model=RenewalAgreementView, responses=refused(409))
async def request_renewal_agreement(
    member: Member,
    claim: ClaimDep,
    database: DatabaseDep,
    outside: OutsideDep,
    policy_id: PolicyId,
    body: RenewalAgreementBody,
) -> Response:
    """Ask for automatic renewal: open `signing` in the mini-program, and confirm there.

    Three days before the end the renewal is ordered and charged, never above `most_fen`.
    409: the plan does not offer it, it is renewed or has an agreement already, or you have
    not logged in with WeChat. After a 503 repeat with the same key.
    """
    content = await agreements.request_agreement(
        database, claim, outside.wechat_pay, member, policy_id, body.most_fen
    )
    return claim.respond(201, content)


@routes.get(PATH)
async def show_renewal_agreement(
    member: Member,
    database: DatabaseDep,
    vault: VaultDep,
    outside: OutsideDep,
    policy_id: PolicyId,
) -> RenewalAgreementView:
    """The newest agreement of this cover, ended ones included. One that waits for you to
    confirm is asked about first.
    """
    return await agreements.show_agreement(database, vault, outside.wechat_pay, member, policy_id)


@routes.delete(PATH, status_code=204)
async def end_renewal_agreement(
    member: Member, session: SessionDep, now: NowDep, policy_id: PolicyId
) -> None:
    """No automatic renewal any more, from now on; again it changes nothing."""
    await agreements.end_by_member(session, member, policy_id, now)


@routes.post(
    agreements.AGREEMENTS_PATH,
    status_code=204,
    openapi_extra=GATEWAY_NOTICE,
    responses=refused(401, 404, 409),
)
async def take_agreement_notice(
    database: DatabaseDep, vault: VaultDep, outside: OutsideDep, request: Request
) -> None:
    """Take WeChat Pay's notice that an agreement was confirmed or ended. Its signature is
    proven on the raw body; the same notice again changes nothing.
    """
    try:
        notice = outside.wechat_pay.decrypt_and_verify_notice(
            request.headers, await request.body(), system_now()
        )
    except Untrusted as error:
        raise UntrustedNotice from error
    if not isinstance(notice.content, Contract):
        raise UnknownTrade
    await take_contract(database, vault, notice.content)
