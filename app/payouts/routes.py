"""Members' bank accounts, and the gateway's notices about transfers."""

from uuid import UUID

from fastapi import Request, Response

from app.integrations.outside import OutsideDep
from app.kernel.clock import business_now
from app.kernel.database import DatabaseDep, SessionDep
from app.kernel.idempotency import KeyedDep
from app.kernel.principal import Member
from app.kernel.routing import router
from app.payouts import accounts
from app.payouts.notices import take_transfer_notice
from app.payouts.schemas import PayoutAccountBody, PayoutAccountList, PayoutAccountView

routes = router("payouts")

_NOTICE = {
    "requestBody": {
        "required": True,
        "description": "A signed and sealed notice as WeChat Pay v3 sends it.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


@routes.post("/v1/me/payout-accounts", status_code=201, response_model=PayoutAccountView)
async def record_payout_account(
    member: Member, request: Request, session: SessionDep, keyed: KeyedDep, body: PayoutAccountBody
) -> Response:
    """Record a bank account in your own, verified name. The first can be used at once; a
    later one takes money after 24 hours.
    """
    now = await business_now(session, sandbox=request.app.state.settings.sandbox)
    vault = request.app.state.vault
    return await keyed.reply(201, await accounts.record_account(session, vault, member, body, now))


@routes.get("/v1/me/payout-accounts")
async def list_payout_accounts(
    member: Member, request: Request, session: SessionDep
) -> PayoutAccountList:
    """Your accounts in use, with only their last digits."""
    now = await business_now(session, sandbox=request.app.state.settings.sandbox)
    return await accounts.list_accounts(session, request.app.state.vault, member, now)


@routes.delete("/v1/me/payout-accounts/{account_id}", status_code=204)
async def retire_payout_account(
    member: Member, request: Request, session: SessionDep, account_id: UUID
) -> None:
    """Stop using an account."""
    now = await business_now(session, sandbox=request.app.state.settings.sandbox)
    await accounts.retire_account(session, member, account_id, now)


@routes.post("/v1/gateway/wechat-pay/transfers", status_code=204, openapi_extra=_NOTICE)
async def take_transfer_notice_of_gateway(
    database: DatabaseDep, outside: OutsideDep, request: Request
) -> None:
    """Take WeChat Pay's notice about a transfer. Its signature is proven on the raw body; the
    same notice again changes nothing.
    """
    await take_transfer_notice(
        database,
        request.app.state.vault,
        outside.wechat_pay,
        request.headers,
        await request.body(),
    )
