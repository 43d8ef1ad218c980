"""The WeChat Pay v3 client: one method per operation, its body and its answer."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.integrations.errors import OutcomeUnknown, Untrusted
from app.integrations.wechat_pay import wire
from app.integrations.wechat_pay.bill_shapes import FundBill, TradeBill
from app.integrations.wechat_pay.bills import read_bill, read_fund_bill
from app.integrations.wechat_pay.contract_shapes import (
    ChargeRequest,
    Contract,
    ContractRequest,
    ContractSigning,
)
from app.integrations.wechat_pay.gateway import Gateway, refusal
from app.integrations.wechat_pay.notices import open_resource, read_notice
from app.integrations.wechat_pay.setting_up import read_keys
from app.integrations.wechat_pay.shapes import (
    TRANSFER_NAME_REQUIRED_FEN,
    Notice,
    OrderRequest,
    Payment,
    Refund,
    RefundRequest,
    Transfer,
    TransferRequest,
    WeChatPay,
)
from app.integrations.wechat_pay.signing import SYSTEM, nonce
from app.settings import Settings

Answer = TypeVar("Answer")
Shape = TypeVar("Shape")

BILL_SECONDS = 60.0
# The gateway compares a name with its own records, and refuses one below this amount.
TRANSFER_NAME_ALLOWED_FEN = 30
SIGNING = "/v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign/mini-program"
CHARGES = "/v3/papay/pay/transactions/apply"
TRANSFERS = "/v3/fund-app/mch-transfer/transfer-bills"


def create_wechat_pay(settings: Settings, http: httpx.AsyncClient) -> WeChatPay:
    """Read the keys once; UnusableSettings names the setting that is missing or wrong."""
    keys = read_keys(settings)
    gateway = Gateway(
        base_url=settings.wechat_pay_base_url.rstrip("/"),
        seconds=settings.outbound_timeout,
        http=http,
        merchant=keys.merchant,
        platform=keys.platform,
    )
    return Client(settings, gateway, AESGCM(keys.api_v3))


class Client:
    """`WeChatPay` over HTTP; made by `create_wechat_pay`."""

    def __init__(self, settings: Settings, gateway: Gateway, cipher: AESGCM) -> None:
        self._appid = settings.wechat_appid
        self._plan_id = settings.wechat_pay_agreement_plan_id
        self._scene_id = settings.wechat_pay_transfer_scene_id
        self._gateway = gateway
        self._cipher = cipher

    @property
    def mchid(self) -> str:
        return self._gateway.merchant.mchid

    @property
    def appid(self) -> str:
        return self._appid

    async def prepay_jsapi(self, order: OrderRequest, openid: str) -> str:
        body = self._order(order) | {"payer": {"openid": openid}}
        answer = await self._gateway.ask(
            "POST", "/v3/pay/transactions/jsapi", wire.PrepayWire, body
        )
        return _present(answer.prepay_id)

    async def prepay_native(self, order: OrderRequest) -> str:
        body = self._order(order)
        answer = await self._gateway.ask(
            "POST", "/v3/pay/transactions/native", wire.PrepayWire, body
        )
        return _present(answer.code_url)

    def client_parameters(self, prepay_id: str) -> dict[str, str]:
        timestamp, nonce_str, package = str(int(time.time())), nonce(), f"prepay_id={prepay_id}"
        text = f"{self._appid}\n{timestamp}\n{nonce_str}\n{package}\n"
        return {
            "timeStamp": timestamp,
            "nonceStr": nonce_str,
            "package": package,
            "signType": "RSA",
            "paySign": self._gateway.merchant.sign(text.encode()),
        }

    def transfer_parameters(self, package_info: str) -> dict[str, str]:
        return {"mchId": self.mchid, "appId": self._appid, "package": package_info}

    async def query_order(self, out_trade_no: str) -> Payment:
        path = (
            f"/v3/pay/transactions/out-trade-no/{quote(out_trade_no, safe='')}?mchid={self.mchid}"
        )
        return _translated(wire.payment, await self._gateway.ask("GET", path, wire.PaymentWire))

    async def close_order(self, out_trade_no: str) -> None:
        path = f"/v3/pay/transactions/out-trade-no/{quote(out_trade_no, safe='')}/close"
        await self._gateway.proven("POST", path, {"mchid": self.mchid})

    async def request_contract(self, request: ContractRequest) -> ContractSigning:
        body = {
            "appid": self._appid,
            "plan_id": self._plan_id,
            "out_contract_code": request.contract_code,
            "contract_display_account": request.display_account,
            "contract_notify_url": request.notify_url,
            "openid": request.openid,
        }
        return wire.signing(await self._gateway.ask("POST", SIGNING, wire.SigningWire, body))

    async def query_contract(self, contract_code: str) -> Contract:
        answer = await self._gateway.ask("GET", self._contract(contract_code), wire.ContractWire)
        return _translated(wire.contract, answer)

    async def end_contract(self, contract_code: str, remark: str) -> None:
        path = f"{self._contract(contract_code)}/terminate"
        await self._gateway.proven("POST", path, {"contract_termination_remark": remark})

    async def charge(self, request: ChargeRequest) -> None:
        body = {
            "appid": self._appid,
            "out_trade_no": request.out_trade_no,
            "description": request.description,
            "transaction_notify_url": request.notify_url,
            "contract_id": request.contract_id,
            "amount": {"total": request.amount_fen, "currency": "CNY"},
        }
        body |= {"attach": request.attach} if request.attach else {}
        answer = await self._gateway.ask("POST", CHARGES, wire.ChargeWire, body)
        if answer.out_trade_no != request.out_trade_no:
            raise OutcomeUnknown(SYSTEM, "answer about another charge")

    def _contract(self, contract_code: str) -> str:
        code = quote(contract_code, safe="")
        return f"/v3/papay/sign/contracts/plan-id/{self._plan_id}/out-contract-code/{code}"

    async def refund(self, request: RefundRequest) -> Refund:
        body: dict[str, Any] = {
            "out_trade_no": request.out_trade_no,
            "out_refund_no": request.out_refund_no,
            "reason": request.reason,
            "amount": {
                "refund": request.refund_fen,
                "total": request.total_fen,
                "currency": "CNY",
            },
        }
        body |= {"notify_url": request.notify_url} if request.notify_url else {}
        answer = await self._gateway.ask(
            "POST", "/v3/refund/domestic/refunds", wire.RefundWire, body
        )
        return _translated(wire.refund, answer)

    async def query_refund(self, out_refund_no: str) -> Refund:
        path = f"/v3/refund/domestic/refunds/{quote(out_refund_no, safe='')}"
        return _translated(wire.refund, await self._gateway.ask("GET", path, wire.RefundWire))

    async def transfer(self, request: TransferRequest) -> Transfer:
        if request.amount_fen >= TRANSFER_NAME_REQUIRED_FEN and not request.user_name:
            raise ValueError("a transfer of 200,000 fen or more needs the payee's name")
        body: dict[str, Any] = {
            "appid": self._appid,
            "out_bill_no": request.out_bill_no,
            "transfer_scene_id": self._scene_id,
            "openid": request.openid,
            "transfer_amount": request.amount_fen,
            "transfer_remark": request.remark,
            "notify_url": request.notify_url,
            "transfer_scene_report_infos": [
                {"info_type": kind, "info_content": content} for kind, content in request.report
            ],
        }
        if request.user_name and request.amount_fen >= TRANSFER_NAME_ALLOWED_FEN:
            body["user_name"] = self._gateway.platform.seal(request.user_name)
        return _translated(
            wire.transfer, await self._gateway.ask("POST", TRANSFERS, wire.TransferWire, body)
        )

    async def query_transfer(self, out_bill_no: str) -> Transfer:
        path = f"{TRANSFERS}/out-bill-no/{quote(out_bill_no, safe='')}"
        return _translated(wire.transfer, await self._gateway.ask("GET", path, wire.TransferWire))

    async def cancel_transfer(self, out_bill_no: str) -> Transfer:
        path = f"{TRANSFERS}/out-bill-no/{quote(out_bill_no, safe='')}/cancel"
        return _translated(wire.transfer, await self._gateway.ask("POST", path, wire.TransferWire))

    async def trade_bill(self, on: date) -> TradeBill:
        path = f"/v3/bill/tradebill?bill_date={on.isoformat()}&bill_type=ALL&tar_type=GZIP"
        zipped, sha1 = await self._bill(path)
        return await asyncio.to_thread(read_bill, on, zipped, sha1)

    async def fund_bill(self, on: date) -> FundBill:
        path = f"/v3/bill/fundflowbill?bill_date={on.isoformat()}&account_type=BASIC&tar_type=GZIP"
        zipped, sha1 = await self._bill(path)
        return await asyncio.to_thread(read_fund_bill, on, zipped, sha1)

    async def _bill(self, path: str) -> tuple[bytes, str]:
        """The zipped file of a bill, and the digest under which it was announced."""
        address = await self._gateway.ask("GET", path, wire.BillAddressWire)
        if not address.download_url.startswith(f"{self._gateway.base_url}/"):
            # Our signature must not be sent to whatever address an answer names.
            raise OutcomeUnknown(SYSTEM, "bill at a foreign address")
        download = address.download_url.removeprefix(self._gateway.base_url)
        response = await self._gateway.send("GET", download, seconds=BILL_SECONDS)
        if response.status_code != 200:
            raise refusal(response)
        return response.content, address.hash_value

    async def unknown_serial(self) -> None:
        await self._gateway.platform.missed.wait()

    async def refresh_platform_certificates(self) -> int:
        self._gateway.platform.missed.clear()
        response = await self._gateway.send("GET", "/v3/certificates")
        if response.status_code != 200:
            raise refusal(response)
        answer = wire.parse_answer(response.content, wire.CertificatesWire)
        try:
            # The answer may be signed with a certificate that is inside it, so it is the
            # seal under our own key that proves these, and the signature afterwards.
            found = [open_resource(self._cipher, each.encrypt_certificate) for each in answer.data]
            count = sum(self._gateway.platform.trust_certificates(pem) for pem in found)
        except (Untrusted, ValueError) as error:
            raise OutcomeUnknown(SYSTEM, "certificates not understood") from error
        self._gateway.prove(response)
        return count

    def decrypt_and_verify_notice(
        self, headers: Mapping[str, str], raw_body: bytes, now: datetime
    ) -> Notice:
        return read_notice(self._gateway.platform, self._cipher, self.mchid, headers, raw_body, now)

    def _order(self, order: OrderRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "appid": self._appid,
            "mchid": self.mchid,
            "description": order.description,
            "out_trade_no": order.out_trade_no,
            "time_expire": order.expires_at.isoformat(timespec="seconds"),
            "notify_url": order.notify_url,
            "amount": {"total": order.amount_fen, "currency": "CNY"},
        }
        return body | ({"attach": order.attach} if order.attach else {})


def _present(value: str) -> str:
    if not value:
        raise OutcomeUnknown(SYSTEM, "answer not understood")
    return value


def _translated(translate: Callable[[Answer], Shape], answer: Answer) -> Shape:
    """An answer as one of our shapes; a time that cannot be read leaves the outcome unknown."""
    try:
        return translate(answer)
    except ValueError as error:
        raise OutcomeUnknown(SYSTEM, "answer not understood") from error
