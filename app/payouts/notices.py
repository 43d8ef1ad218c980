"""The gateway's word about a transfer: proven on the raw body, applied once."""

from collections.abc import Mapping

from app.integrations.errors import Untrusted
from app.integrations.wechat_pay import Transfer, WeChatPay
from app.kernel.clock import business_now, system_now
from app.kernel.database import Database
from app.kernel.jobs import enqueue
from app.kernel.vault import Vault
from app.payouts import queries
from app.payouts.errors import ForeignNotice, UntrustedNotice
from app.payouts.events import ASK
from app.payouts.settlement import apply, of_transfer


async def take_transfer_notice(
    database: Database,
    vault: Vault,
    gateway: WeChatPay,
    headers: Mapping[str, str],
    raw_body: bytes,
) -> None:
    """Believe a proven notice; raises UntrustedNotice (401), ForeignNotice (404), NoticeDiffers.

    Repeated and shuffled notices are harmless: what is settled stays as it is. A notice that
    a transfer failed is not believed alone: the gateway is asked.
    """
    try:
        notice = gateway.decrypt_and_verify_notice(headers, raw_body, system_now())
    except Untrusted as error:
        raise UntrustedNotice from error
    transfer = notice.content
    if not isinstance(transfer, Transfer):
        raise ForeignNotice
    async with database.transaction() as session:
        payout = await queries.locked_by_bill(session, transfer.out_bill_no)
        if payout is None:
            raise ForeignNotice
        now = await business_now(session, sandbox=database.settings.sandbox)
        outcome = of_transfer(transfer)
        if outcome.status == "failed" and outcome.amount_fen == payout.amount_fen:
            # Only an answer to our own question frees the claim for another number.
            await enqueue(session, ASK, {"payout_id": str(payout.id)})
            return
        await apply(session, vault, payout, outcome, now)
