"""The gateway's doors: each request's signature is checked, each answer is signed."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.simulators.store import Record
from app.simulators.wechat_pay import (
    bills,
    certificates,
    contract_forms,
    contracts,
    forms,
    notices,
    orders,
    phone,
    refunds,
    transfers,
)
from app.simulators.wechat_pay.forms import PayError
from app.simulators.wechat_pay.keys import PayKeys
from app.simulators.world import World, control

Answer = tuple[int, Any]
Act = Callable[[World, PayKeys, Request, bytes], Answer]

PAY = "/v3/pay/transactions"
REFUNDS = "/v3/refund/domestic/refunds"
CONTRACTS = "/v3/papay/sign/contracts/plan-id/{plan_id}/out-contract-code/{number}"
SIGNING = "/v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign/mini-program"
TRANSFERS = "/v3/fund-app/mch-transfer/transfer-bills"


def routes(world: World, keys: PayKeys) -> list[Route]:
    """What the merchant calls."""
    certificates.remember(world, keys)
    world.outbox.register(notices.KIND, partial(notices.make, keys))
    world.timers.on("refund", partial(refunds.finish, world))
    world.timers.on("charge", partial(contracts.finish, world))
    world.timers.on("transfer-offer", partial(transfers.offer_later, world))
    world.timers.on("transfer-expire", partial(transfers.expire_later, world))
    world.timers.on("transfer-cancel", partial(transfers.cancel_later, world))
    door = partial(_door, world, keys)
    number = "/out-trade-no/{number}"
    return [
        door("POST", f"{PAY}/jsapi", partial(_prepay, "JSAPI")),
        door("POST", f"{PAY}/native", partial(_prepay, "NATIVE")),
        door("GET", f"{PAY}{number}", _query_order),
        door("POST", f"{PAY}{number}/close", _close_order),
        door("POST", REFUNDS, _refund),
        door("GET", f"{REFUNDS}/{{number}}", _query_refund),
        door("POST", SIGNING, _request_contract),
        door("GET", CONTRACTS, _query_contract),
        door("POST", f"{CONTRACTS}/terminate", _end_contract),
        door("POST", "/v3/papay/pay/transactions/apply", _charge),
        door("POST", TRANSFERS, _transfer),
        door("GET", f"{TRANSFERS}/out-bill-no/{{number}}", _query_transfer),
        door("POST", f"{TRANSFERS}/out-bill-no/{{number}}/cancel", _cancel_transfer),
        door("GET", "/v3/bill/tradebill", _announce_trades),
        door("GET", "/v3/bill/fundflowbill", _announce_movements),
        door("GET", "/v3/billdownload/file", _download_bill),
        door("GET", "/v3/certificates", _certificates),
    ]


def control_routes(world: World, keys: PayKeys) -> list[Route]:
    """What a person at the phone, or a test, does."""
    return [
        control("/pay", phone.PayForm, partial(phone.pay, world, keys)),
        control("/transfers/confirm", phone.TransferChoice, partial(phone.confirm, world)),
        control("/transfers/expire", phone.TransferChoice, partial(phone.expire, world)),
        control(
            "/transfers/next", transfers.NextTransferForm, partial(transfers.choose_next, world)
        ),
        control("/refunds/next", refunds.NextRefundForm, partial(refunds.choose_next, world)),
        control("/agreements/sign", contracts.ContractChoice, partial(contracts.sign, world)),
        control("/agreements/end", contracts.ContractChoice, partial(contracts.end_by_user, world)),
        control("/charges/next", contracts.NextChargeForm, partial(contracts.choose_next, world)),
        control("/charges/finish", contracts.ChargeChoice, partial(contracts.finish_now, world)),
        *certificates.control_routes(world, keys),
        *bills.control_routes(world),
    ]


def _door(world: World, keys: PayKeys, method: str, path: str, act: Act) -> Route:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        authorization = request.headers.get("authorization", "")
        objection = keys.objection(authorization, method, _signed_path(request), body)
        if objection is not None:
            # Nothing is signed for somebody who cannot sign.
            return _json(401, {"code": "SIGN_ERROR", "message": objection})
        fault = request.scope.get("fault")
        try:
            if fault is not None and fault.mode == "code":
                raise PayError(fault.status, fault.code, fault.message)
            status, answer = act(world, keys, request, body)
        except PayError as error:
            status, answer = error.status, {"code": error.code, "message": error.message}
        response = answer if isinstance(answer, Response) else _json(status, answer)
        foreign = fault is not None and fault.mode == "foreign_signature"
        response.headers.update(keys.signed_headers(bytes(response.body), foreign=foreign))
        return response

    return Route(path, endpoint, methods=[method])


def _signed_path(request: Request) -> str:
    """Path and query as they were sent, without the prefix under which we are mounted."""
    raw = request.scope["raw_path"].decode("ascii")
    path = raw.removeprefix(request.scope.get("root_path", ""))
    query = request.scope["query_string"].decode("ascii")
    return f"{path}?{query}" if query else path


def _json(status: int, content: Any) -> Response:
    if content is None:
        return Response(status_code=status)
    body = msgspec.json.encode(content)
    return Response(body, status, media_type="application/json; charset=utf-8")


def _prepay(trade_type: str, world: World, _: PayKeys, __: Request, body: bytes) -> Answer:
    return 200, orders.open_order(world, forms.read(body, forms.OrderForm), trade_type)


def _query_order(world: World, _: PayKeys, request: Request, __: bytes) -> Answer:
    if request.query_params.get("mchid") != world.config.mchid:
        raise PayError(400, "PARAM_ERROR", "mchid is missing or wrong")
    order = orders.existing(world, request.path_params["number"])
    return 200, orders.view(world, order)


def _close_order(world: World, _: PayKeys, request: Request, body: bytes) -> Answer:
    if forms.read(body, forms.CloseForm).mchid != world.config.mchid:
        raise PayError(400, "PARAM_ERROR", "mchid is wrong")
    orders.close(world, request.path_params["number"])
    return 204, None


def _refund(world: World, _: PayKeys, __: Request, body: bytes) -> Answer:
    return 200, refunds.request(world, forms.read(body, forms.RefundForm))


def _query_refund(world: World, _: PayKeys, request: Request, __: bytes) -> Answer:
    return 200, refunds.query(world, request.path_params["number"])


def _transfer(world: World, keys: PayKeys, request: Request, body: bytes) -> Answer:
    serial = request.headers.get("wechatpay-serial", "")
    return 200, transfers.request(world, keys, forms.read(body, forms.TransferForm), serial)


def _query_transfer(world: World, _: PayKeys, request: Request, __: bytes) -> Answer:
    return 200, transfers.seen(world, transfers.existing(world, request.path_params["number"]))


def _cancel_transfer(world: World, _: PayKeys, request: Request, __: bytes) -> Answer:
    return 200, transfers.cancel(world, request.path_params["number"])


def _request_contract(world: World, _: PayKeys, __: Request, body: bytes) -> Answer:
    return 200, contracts.request(world, forms.read(body, contract_forms.SignForm))


def _contract(world: World, request: Request) -> Record:
    return contracts.existing(world, request.path_params["plan_id"], request.path_params["number"])


def _query_contract(world: World, _: PayKeys, request: Request, __: bytes) -> Answer:
    return 200, contracts.seen(world, _contract(world, request))


def _end_contract(world: World, _: PayKeys, request: Request, body: bytes) -> Answer:
    forms.read(body, contract_forms.EndForm)
    by_merchant = "MCH_TERMINATE"
    contracts.end(world, _contract(world, request), notices.Behaviour(), by_merchant)
    return 204, None


def _charge(world: World, _: PayKeys, __: Request, body: bytes) -> Answer:
    return 200, contracts.charge(world, forms.read(body, contract_forms.ChargeForm))


def _announce_trades(world: World, _: PayKeys, request: Request, __: bytes) -> Answer:
    if request.query_params.get("bill_type", "") not in ("", "ALL"):
        raise PayError(400, "PARAM_ERROR", "only bill_type ALL is simulated")
    return _announced(world, "trade", request)


def _announce_movements(world: World, _: PayKeys, request: Request, __: bytes) -> Answer:
    if request.query_params.get("account_type", "") not in ("", "BASIC"):
        raise PayError(400, "PARAM_ERROR", "only the basic account is simulated")
    return _announced(world, "fund", request)


def _announced(world: World, bill: bills.Bill, request: Request) -> Answer:
    base_url = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"
    return 200, bills.announce(world, bill, request.query_params.get("bill_date", ""), base_url)


def _download_bill(world: World, _: PayKeys, request: Request, __: bytes) -> Answer:
    content = bills.download(world, request.query_params.get("token", ""))
    return 200, Response(content, media_type="application/x-gzip")


def _certificates(world: World, keys: PayKeys, _: Request, __: bytes) -> Answer:
    return 200, certificates.fetch(world, keys)
