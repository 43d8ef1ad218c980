"""What WeChat Pay is asked and answers: frozen shapes and the Protocol; money in fen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

from app.integrations.wechat_pay.bill_shapes import FundBill, TradeBill
from app.integrations.wechat_pay.contract_shapes import (
    ChargeRequest,
    Contract,
    ContractRequest,
    ContractSigning,
)

TradeType = Literal["JSAPI", "NATIVE", "APP", "MWEB", "MICROPAY", "FACEPAY", "PAP"]
PaymentState = Literal[
    "SUCCESS", "REFUND", "NOTPAY", "CLOSED", "REVOKED", "USERPAYING", "PAYERROR", "ACCEPT"
]
RefundState = Literal["SUCCESS", "CLOSED", "PROCESSING", "ABNORMAL"]
TransferState = Literal[
    "ACCEPTED",
    "PROCESSING",
    "WAIT_USER_CONFIRM",
    "TRANSFERING",
    "SUCCESS",
    "FAIL",
    "CANCELING",
    "CANCELLED",
]

# From this amount on WeChat demands the payee's real name with a transfer.
TRANSFER_NAME_REQUIRED_FEN = 200_000


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order at the gateway; the same number with the same content may be sent again.

    `out_trade_no` 6–32 of `[0-9A-Za-z_\\-|*]`, `description` ≤ 127, `attach` ≤ 128,
    `notify_url` https ≤ 255 without a query, `expires_at` with a time zone.
    """

    out_trade_no: str
    description: str
    amount_fen: int
    notify_url: str
    expires_at: datetime
    attach: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """An order as the gateway sees it: the answer of a query and the content of a notice.

    `amount_fen` is what the order asked, `payer_total_fen` what the payer gave after
    coupons; both are None while nobody has paid (a query of an unpaid order has no amount).
    """

    mchid: str
    appid: str
    out_trade_no: str
    state: PaymentState
    transaction_id: str | None = None
    trade_type: str | None = None
    amount_fen: int | None = None
    payer_total_fen: int | None = None
    currency: str = "CNY"
    payer_openid: str | None = field(default=None, repr=False)
    paid_at: datetime | None = None
    attach: str = ""


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Money back for a paid order; `out_refund_no` ≤ 64, `total_fen` is the order's amount.

    An empty `notify_url` asks for no notice.
    """

    out_trade_no: str
    out_refund_no: str
    refund_fen: int
    total_fen: int
    reason: str
    notify_url: str


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as the gateway sees it: answer of request and query, content of a notice."""

    out_trade_no: str
    out_refund_no: str
    refund_id: str
    transaction_id: str
    state: RefundState
    refund_fen: int
    total_fen: int
    succeeded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """Money to a member's WeChat wallet (商家转账).

    `out_bill_no` ≤ 32 alphanumeric, `remark` ≤ 32 characters; `user_name` is required from
    200,000 fen and sealed on the way; `report` are the (info_type, info_content) pairs that
    the transfer scene demands.
    """

    out_bill_no: str
    openid: str = field(repr=False)
    amount_fen: int
    remark: str
    notify_url: str
    user_name: str | None = field(default=None, repr=False)
    report: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer as the gateway sees it.

    `package_info` opens the confirmation page on the rider's phone. Only `transfer` gives
    it, in WAIT_USER_CONFIRM: send the same request again to get it anew. `amount_fen` and
    `openid` are None in the answer of `transfer` (the gateway does not repeat them).
    """

    out_bill_no: str
    transfer_bill_no: str
    state: TransferState
    package_info: str | None = field(default=None, repr=False)
    amount_fen: int | None = None
    openid: str | None = field(default=None, repr=False)
    fail_reason: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A proven notice; `content` has the same shape as the matching query's answer.

    `id` is the gateway's, equal in repeated deliveries of one notice.
    """

    id: str
    event_type: str
    created_at: datetime
    content: Payment | Refund | Transfer | Contract


class WeChatPay(Protocol):
    """The payment gateway, API v3.

    Every call raises `Unreachable`, `OutcomeUnknown` or `Refused`, whose `code` is the
    gateway's own word: ORDERPAID, ORDER_CLOSED, ORDER_NOT_EXIST, OUT_TRADE_NO_USED,
    INVALID_REQUEST, PARAM_ERROR, SIGN_ERROR, NOT_ENOUGH, RESOURCE_NOT_EXISTS, NOT_FOUND,
    NO_STATEMENT_EXIST, ….
    """

    @property
    def mchid(self) -> str: ...

    @property
    def appid(self) -> str: ...

    async def prepay_jsapi(self, order: OrderRequest, openid: str) -> str:
        """Open an order for one payer in the mini-program; the `prepay_id` (valid 2 h)."""
        ...

    async def prepay_native(self, order: OrderRequest) -> str:
        """Open an order for anybody who scans; the `code_url` to show as a QR code."""
        ...

    def client_parameters(self, prepay_id: str) -> dict[str, str]:
        """What `wx.requestPayment` takes: timeStamp, nonceStr, package, signType, paySign."""
        ...

    def transfer_parameters(self, package_info: str) -> dict[str, str]:
        """What `wx.requestMerchantTransfer` takes: mchId, appId, package."""
        ...

    async def query_order(self, out_trade_no: str) -> Payment:
        """The truth about an order; `Refused("ORDER_NOT_EXIST")` if it never arrived."""
        ...

    async def close_order(self, out_trade_no: str) -> None:
        """End an unpaid order; `Refused("ORDERPAID")` if somebody was quicker."""
        ...

    async def request_contract(self, request: ContractRequest) -> ContractSigning:
        """Begin a payment agreement; `Refused("CONTRACT_EXISTED")` once it is signed."""
        ...

    async def query_contract(self, contract_code: str) -> Contract:
        """The truth about an agreement; `Refused("CONTRACT_NOT_EXIST")` if nobody confirmed."""
        ...

    async def end_contract(self, contract_code: str, remark: str) -> None:
        """End an agreement as the merchant; again it changes nothing."""
        ...

    async def charge(self, request: ChargeRequest) -> None:
        """Ask for money under an agreement: accepted, not taken. The notice or `query_order`
        says what became of it (SUCCESS, PAYERROR; ACCEPT until then). The same number never
        charges twice. `Refused` with CONTRACT_TERMINATED, CONTRACT_NOT_EXIST, ….
        """
        ...

    async def refund(self, request: RefundRequest) -> Refund:
        """Give money back; the same `out_refund_no` never pays twice. Usually PROCESSING."""
        ...

    async def query_refund(self, out_refund_no: str) -> Refund:
        """The truth about a refund; `Refused("RESOURCE_NOT_EXISTS")` if it never arrived."""
        ...

    async def transfer(self, request: TransferRequest) -> Transfer:
        """Send money to a wallet; the same `out_bill_no` never pays twice.

        Raises ValueError for 200,000 fen or more without `user_name`.
        """
        ...

    async def query_transfer(self, out_bill_no: str) -> Transfer:
        """The truth about a transfer; `Refused("NOT_FOUND")` if it never arrived."""
        ...

    async def cancel_transfer(self, out_bill_no: str) -> Transfer:
        """Take back a transfer nobody has confirmed yet; CANCELING or CANCELLED."""
        ...

    async def trade_bill(self, on: date) -> TradeBill:
        """The bill of a past day (Asia/Shanghai); `Refused("NO_STATEMENT_EXIST")` if empty."""
        ...

    async def fund_bill(self, on: date) -> FundBill:
        """Every movement of the account on a past day, transfers to wallets among them."""
        ...

    async def unknown_serial(self) -> None:
        """Return once a message has named a key we do not hold, since the last refresh."""
        ...

    async def refresh_platform_certificates(self) -> int:
        """Fetch the gateway's current certificates and trust them; how many there are."""
        ...

    def decrypt_and_verify_notice(
        self, headers: Mapping[str, str], raw_body: bytes, now: datetime
    ) -> Notice:
        """Prove and open a notice; raises the `Untrusted` errors. `now` is the system clock."""
        ...
