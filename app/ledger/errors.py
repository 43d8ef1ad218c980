"""What the ledger refuses."""

from datetime import date
from uuid import UUID

from app.kernel.money import yuan
from app.kernel.problems import Conflict, Forbidden, NotFound, Problem, Unprocessable
from app.kernel.text import Text


class AlreadyPosted(Conflict):
    code = "already-posted"
    title = Text("该笔款项已入账", "Already posted")
    detail = Text("同一笔业务只入账一次。", "The same fact is posted once only.")


class Unbalanced(ValueError):
    """The entries given do not sum to zero: a fault of the caller, never of a user."""


class BooksAreMunicipal(Forbidden):
    """Books, bank and gateway belong to the municipal office, not to an agency."""

    code = "books-are-municipal"
    title = Text("账务由市级办事处管理", "The books are the municipal office's")
    detail = Text(
        "账簿、银行与支付平台账户由市级办事处管理，请联系市级办事处。",
        "Books, bank and gateway accounts are kept by the municipal office.",
    )


class AccountUnknown(NotFound):
    code = "ledger-account-not-found"
    title = Text("没有这个科目", "No such account")
    detail = Text("没有找到该会计科目。", "There is no such account, or you may not see it.")


class TransactionUnknown(NotFound):
    code = "ledger-transaction-not-found"
    title = Text("没有这笔分录", "No such transaction")
    detail = Text("没有找到该笔记账。", "There is no such transaction.")


class StatementTooLong(Unprocessable):
    code = "statement-too-long"
    title = Text("对账单过长", "Statement too long")
    detail = Text(
        "该期间有 {rows} 行，超出表格文件上限，请缩短期间或导出 CSV。",
        "{rows} rows do not fit into one sheet; take a shorter period, or CSV.",
    )


class MonthUnknown(Conflict):
    code = "ledger-month-not-closed"
    title = Text("该月尚未结账", "Month not closed")
    detail = Text("该月尚未结账，没有定格的余额。", "The month is not closed; nothing is frozen.")


class MonthClosedAlready(Conflict):
    code = "ledger-month-closed"
    title = Text("该月已结账", "Month closed already")
    detail = Text("该月已经结账，不能再次结账。", "A closed month stays as it is.")


class MonthOutOfOrder(Conflict):
    """Months close one after the other, from that of the first posting."""

    code = "ledger-month-out-of-order"
    title = Text("须按月份顺序结账", "Months close in order")
    detail = Text("下一个可结账的月份是 {next}。", "The next month to close is {next}.")

    def __init__(self, month: date | None) -> None:
        name = "-" if month is None else f"{month:%Y-%m}"
        super().__init__(extensions={"next": name}, next=name)


class MonthNotOver(Conflict):
    code = "ledger-month-not-over"
    title = Text("该月尚未结束", "Month not over")
    detail = Text("该月结束之后才能结账。", "A month can be closed when it is over.")


class BooksUnsound(Conflict):
    code = "books-unsound"
    title = Text("账簿不平", "The books do not hold")
    detail = Text(
        "该月有 {count} 笔记账不平，请先查明原因。",
        "{count} transactions of the month do not balance; find out why first.",
    )

    def __init__(self, transactions: list[UUID]) -> None:
        named = [str(each) for each in transactions[:100]]
        super().__init__(extensions={"transactions": named}, count=len(transactions))


class FollowsItsFact(Conflict):
    """Contributions, benefits and refunds are taken back where they happened."""

    code = "booking-follows-fact"
    title = Text("该笔记账随业务而定", "This booking follows its fact")
    detail = Text(
        "互助费、互助金、退款与冲正须在业务中更正，不能单独冲账。",
        "Contributions, benefits, refunds and reversals are corrected where they happened.",
    )


class AlreadyReversed(Conflict):
    code = "already-reversed"
    title = Text("该笔记账已冲正", "Reversed already")
    detail = Text(
        "一笔记账只能冲正一次。", "A transaction is reversed once, or its reversal waits."
    )


class NothingProposed(NotFound):
    code = "no-reversal-proposed"
    title = Text("没有待批的冲正", "No reversal to decide on")
    detail = Text("该笔记账没有等待第二人批准的冲正。", "No reversal of it waits for a decision.")


class SecondPersonNeeded(Forbidden):
    code = "second-person-needed"
    title = Text("须由另一人批准", "A second person is needed")
    detail = Text("提出的人不能自己批准。", "Who proposed it cannot approve it.")


class FundShort(Conflict):
    """`balance_fen` is what the fund holds."""

    code = "fund-short"
    title = Text("机构资金不足", "The fund does not hold enough")
    detail = Text(
        "该机构资金科目余额为 {yuan} 元，不足以支付。请减少金额，或待款项到账后再办。",
        "The fund account holds {yuan} yuan: ask for less, or wait until money has come in.",
    )

    def __init__(self, balance_fen: int) -> None:
        super().__init__(extensions={"balance_fen": balance_fen}, yuan=yuan(balance_fen))


class AccountNotForReceipts(Unprocessable):
    code = "account-not-for-receipts"
    title = Text("该科目不收款", "Not an account that money comes in for")
    detail = Text(
        "只能记入应收款、待处理款或机构资金科目。",
        "Money is received for receivables, suspense or an organisation's fund.",
    )


class ReceiptRecorded(Conflict):
    code = "receipt-recorded"
    title = Text("该笔银行收款已登记", "Receipt recorded already")
    detail = Text("同一银行流水号只登记一次。", "A bank reference is recorded once.")


CONSTRAINTS: dict[str, type[Problem]] = {
    "uq_ledger_transaction__fact": AlreadyPosted,
    "uq_ledger_reversal__transaction_id": AlreadyReversed,
    "uq_ledger_receipt__standing_reference": ReceiptRecorded,
    "ledger_month_is_closed": MonthClosedAlready,
    "pk_ledger_period": MonthClosedAlready,
}
