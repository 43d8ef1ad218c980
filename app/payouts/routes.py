"""Members' bank accounts, and the gateway's notices about transfers."""

from uuid import UUID

from fastapi import Request, Response

from app.integrations.outside import OutsideDep
from app.kernel.api_document import refused
from app.kernel.database import DatabaseDep, SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import CursorParameter, Page, PageSize
from app.kernel.principal import Member
from app.kernel.routing import router
from app.payouts import accounts
from app.payouts.notices import take_transfer_notice
from app.payouts.schemas import (
    GATEWAY_NOTICE,
    PayoutAccountBody,
    PayoutAccountView,
)

routes = router("payouts")
callback_routes = router("callbacks")


@routes.post("/v1/me/payout-accounts", status_code=201, response_model=PayoutAccountView)
async def record_payout_account(
    member: Member,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    keyed: KeyedDep,
    body: PayoutAccountBody,
) -> Response:
    """Record a bank account in your own, verified name. The first can be used at once; a
    later one takes money after 24 hours.
    """
    return await keyed.reply(201, await accounts.record_account(session, vault, member, body, now))


@routes.get("/v1/me/payout-accounts")
async def list_payout_accounts(
    member: Member,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[PayoutAccountView]:
    """Your accounts in use, newest first, with only their last digits."""
    return await accounts.list_accounts(session, vault, member, now, limit, cursor)


@routes.delete("/v1/me/payout-accounts/{account_id}", status_code=204)
async def retire_payout_account(
    member: Member, session: SessionDep, now: NowDep, account_id: UUID
) -> None:
    """Stop using an account."""
    await accounts.retire_account(session, member, account_id, now)


@callback_routes.post(
    "/v1/gateway/wechat-pay/transfers",
    status_code=204,
    openapi_extra=GATEWAY_NOTICE,
    responses=refused(401, 404, 409),
)
async def take_transfer_notice_of_gateway(
    database: DatabaseDep, vault: VaultDep, outside: OutsideDep, request: Request
) -> None:
    """Take WeChat Pay's notice about a transfer. Its signature is proven on the raw body; the
    same notice again changes nothing.
    """
    await take_transfer_notice(
        database,
        vault,
        outside.wechat_pay,
        request.headers,
        await request.body(),
    )
