"""WeChat Pay's JSON, typed strictly, and its translation into our shapes."""

from datetime import datetime
from typing import TypeVar

import msgspec

from app.integrations.errors import OutcomeUnknown, Unreadable
from app.integrations.wechat_pay.contract_shapes import (
    Contract,
    ContractSigning,
    ContractState,
)
from app.integrations.wechat_pay.shapes import (
    Payment,
    PaymentState,
    Refund,
    RefundState,
    Transfer,
    TransferState,
)
from app.integrations.wechat_pay.signing import SYSTEM

Wire = TypeVar("Wire", bound=msgspec.Struct)


class ErrorWire(msgspec.Struct):
    code: str
    message: str = ""


class PrepayWire(msgspec.Struct):
    prepay_id: str = ""
    code_url: str = ""


class AmountWire(msgspec.Struct):
    total: int
    payer_total: int | None = None
    currency: str = "CNY"


class PayerWire(msgspec.Struct):
    openid: str = ""


class PaymentWire(msgspec.Struct):
    mchid: str
    appid: str
    out_trade_no: str
    trade_state: PaymentState
    transaction_id: str = ""
    trade_type: str = ""
    success_time: str = ""
    attach: str = ""
    amount: AmountWire | None = None
    payer: PayerWire | None = None


class RefundAmountWire(msgspec.Struct):
    total: int
    refund: int


class RefundWire(msgspec.Struct):
    out_trade_no: str
    out_refund_no: str
    refund_id: str
    transaction_id: str
    amount: RefundAmountWire
    # The query says `status`, the notice `refund_status` and `mchid`.
    status: RefundState | None = None
    refund_status: RefundState | None = None
    success_time: str = ""
    mchid: str = ""


class TransferWire(msgspec.Struct):
    out_bill_no: str
    transfer_bill_no: str
    state: TransferState
    package_info: str = ""
    transfer_amount: int | None = None
    openid: str = ""
    fail_reason: str = ""
    update_time: str = ""
    mch_id: str = ""


class SigningWire(msgspec.Struct):
    pre_entrustweb_id: str
    redirect_appid: str
    redirect_path: str


class TerminationWire(msgspec.Struct):
    contract_termination_mode: str = ""
    contract_terminated_time: str = ""


class ContractWire(msgspec.Struct):
    mchid: str
    contract_id: str
    out_contract_code: str
    contract_state: ContractState
    openid: str
    contract_signed_time: str = ""
    contract_terminate_info: TerminationWire | None = None


class ChargeWire(msgspec.Struct):
    out_trade_no: str


class ResourceWire(msgspec.Struct):
    algorithm: str
    ciphertext: str
    nonce: str
    associated_data: str = ""


class NoticeWire(msgspec.Struct):
    id: str
    create_time: str
    event_type: str
    resource_type: str
    resource: ResourceWire


class CertificateWire(msgspec.Struct):
    serial_no: str
    encrypt_certificate: ResourceWire


class CertificatesWire(msgspec.Struct):
    data: list[CertificateWire]


class BillAddressWire(msgspec.Struct):
    hash_type: str
    hash_value: str
    download_url: str


def parse_answer(body: bytes, shape: type[Wire]) -> Wire:
    """Read a proven answer; OutcomeUnknown if it is not what the protocol says."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise OutcomeUnknown(SYSTEM, "answer not understood") from error


def parse_notice(body: bytes, shape: type[Wire]) -> Wire:
    """Read a proven notice or its opened content; Unreadable if it is not as it should be."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise Unreadable(SYSTEM, shape.__name__) from error


def instant(text: str) -> datetime | None:
    """RFC 3339 with a zone, or None for an absent one; ValueError for anything else."""
    if not text:
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at


def payment(wire: PaymentWire) -> Payment:
    """The gateway's order as ours; ValueError for an unreadable time."""
    amount = wire.amount
    return Payment(
        mchid=wire.mchid,
        appid=wire.appid,
        out_trade_no=wire.out_trade_no,
        state=wire.trade_state,
        transaction_id=wire.transaction_id or None,
        trade_type=wire.trade_type or None,
        amount_fen=amount.total if amount else None,
        payer_total_fen=amount.payer_total if amount else None,
        currency=amount.currency if amount else "CNY",
        payer_openid=(wire.payer.openid or None) if wire.payer else None,
        paid_at=instant(wire.success_time),
        attach=wire.attach,
    )


def refund(wire: RefundWire) -> Refund:
    """The gateway's refund as ours; ValueError without a status or with an unreadable time."""
    state = wire.status or wire.refund_status
    if state is None:
        raise ValueError("a refund without a status")
    return Refund(
        out_trade_no=wire.out_trade_no,
        out_refund_no=wire.out_refund_no,
        refund_id=wire.refund_id,
        transaction_id=wire.transaction_id,
        state=state,
        refund_fen=wire.amount.refund,
        total_fen=wire.amount.total,
        succeeded_at=instant(wire.success_time),
    )


def transfer(wire: TransferWire) -> Transfer:
    """The gateway's transfer as ours; ValueError for an unreadable time."""
    return Transfer(
        out_bill_no=wire.out_bill_no,
        transfer_bill_no=wire.transfer_bill_no,
        state=wire.state,
        package_info=wire.package_info or None,
        amount_fen=wire.transfer_amount,
        openid=wire.openid or None,
        fail_reason=wire.fail_reason or None,
        updated_at=instant(wire.update_time),
    )


def signing(wire: SigningWire) -> ContractSigning:
    return ContractSigning(wire.pre_entrustweb_id, wire.redirect_appid, wire.redirect_path)


def contract(wire: ContractWire) -> Contract:
    """The gateway's agreement as ours; ValueError for an unreadable time."""
    over = wire.contract_terminate_info
    return Contract(
        contract_code=wire.out_contract_code,
        contract_id=wire.contract_id,
        state=wire.contract_state,
        openid=wire.openid,
        signed_at=instant(wire.contract_signed_time),
        ended_at=instant(over.contract_terminated_time) if over else None,
        ended_by=over.contract_termination_mode if over else None,
    )
