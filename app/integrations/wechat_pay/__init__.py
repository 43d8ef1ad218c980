"""WeChat Pay v3: `create_wechat_pay(settings, http)` and the shapes it speaks in."""

from app.integrations.wechat_pay.bill_shapes import BillRow, FundBill, FundRow, TradeBill
from app.integrations.wechat_pay.client import create_wechat_pay
from app.integrations.wechat_pay.contract_shapes import (
    ChargeRequest,
    Contract,
    ContractRequest,
    ContractSigning,
    ContractState,
)
from app.integrations.wechat_pay.shapes import (
    TRANSFER_NAME_REQUIRED_FEN,
    Notice,
    OrderRequest,
    Payment,
    PaymentState,
    Refund,
    RefundRequest,
    RefundState,
    Transfer,
    TransferRequest,
    TransferState,
    WeChatPay,
)

__all__ = [
    "TRANSFER_NAME_REQUIRED_FEN",
    "BillRow",
    "ChargeRequest",
    "Contract",
    "ContractRequest",
    "ContractSigning",
    "ContractState",
    "FundBill",
    "FundRow",
    "Notice",
    "OrderRequest",
    "Payment",
    "PaymentState",
    "Refund",
    "RefundRequest",
    "RefundState",
    "TradeBill",
    "Transfer",
    "TransferRequest",
    "TransferState",
    "WeChatPay",
    "create_wechat_pay",
]
