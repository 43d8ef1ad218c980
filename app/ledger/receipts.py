"""Money that came into the bank account: a sponsor's payment, or what a fund was given."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, Unprocessable
from app.kernel.text import Text
from app.ledger import queries
from app.ledger.accounts import BANK, RECEIVABLE_FROM, SPONSOR_RECEIVABLES, SUSPENSE
from app.ledger.errors import AccountNotForReceipts, AccountUnknown
from app.ledger.events import RECEIPT_RECORDED
from app.ledger.models import LedgerReceipt
from app.ledger.schemas import ReceiptBody, ReceiptView
from app.ledger.service import post

KIND = "receipt.recorded"
_FOR = frozenset({SPONSOR_RECEIVABLES, SUSPENSE, *RECEIVABLE_FROM.values()})
NOT_YET = Text("收款日期不能晚于今天", "The day lies ahead.")


async def record_receipt(
    session: AsyncSession, supervisor: Principal, body: ReceiptBody, now: datetime
) -> ReceiptView:
    """Book money of a bank statement line to what it came for; a reference is booked once.

    Raises AccountUnknown (404), AccountNotForReceipts (422), ReceiptRecorded (409).
    """
    if body.received_on > business_day(now):
        raise Unprocessable(errors=[FieldError("/received_on", "future-day", NOT_YET)])
    found = await queries.accounts(session, supervisor, body.account)
    if not found:
        raise AccountUnknown
    if found[0].organisation_id is None and body.account not in _FOR:
        raise AccountNotForReceipts
    receipt = LedgerReceipt(
        id=new_id(),
        bank_reference=body.bank_reference,
        account_code=body.account,
        amount_fen=body.amount_fen,
        received_on=body.received_on,
        recorded_by=supervisor.id,
        recorded_at=now,
    )
    session.add(receipt)
    await session.flush()
    posting_id = await post(
        session,
        KIND,
        [(BANK, body.amount_fen), (body.account, -body.amount_fen)],
        event_on=body.received_on,
        reference_id=receipt.id,
        actor=supervisor,
    )
    content = {"account": body.account, "amount_fen": body.amount_fen}
    recorded = Fact(
        "ledger_receipt", receipt.id, "ledger_receipt.record", RECEIPT_RECORDED, content
    )
    await state(session, [recorded], actor=supervisor, at=now)
    return ReceiptView(
        id=receipt.id,
        bank_reference=receipt.bank_reference,
        account=receipt.account_code,
        amount_fen=receipt.amount_fen,
        received_on=receipt.received_on,
        posting_id=posting_id,
    )
