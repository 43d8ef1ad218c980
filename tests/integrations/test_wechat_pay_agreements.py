"""Payment agreements over the wire: our client against the simulated gateway."""

import asyncio
import secrets
from typing import Any

import pytest

from app.integrations.errors import OutcomeUnknown, Refused
from app.integrations.wechat_pay import (
    ChargeRequest,
    Contract,
    ContractRequest,
    Payment,
    WeChatPay,
)
from app.kernel.clock import system_now
from tests.simulators_fixture import Catcher, Simulators

pytestmark = pytest.mark.anyio


def code() -> str:
    return f"A{secrets.token_hex(8)}"


def asked(catcher: Catcher, **changes: Any) -> ContractRequest:
    known: dict[str, Any] = {
        "contract_code": code(),
        "openid": f"o{secrets.token_hex(12)}",
        "display_account": "P4T9K2M7XQ1B",
        "notify_url": catcher.url("agreements"),
    }
    return ContractRequest(**(known | changes))


async def signed(pay: WeChatPay, simulators: Simulators, catcher: Catcher) -> Contract:
    request = asked(catcher)
    await pay.request_contract(request)
    simulators.control(
        "agreements/sign", out_contract_code=request.contract_code, behaviour="dropped"
    )
    return await pay.query_contract(request.contract_code)


def charge_of(catcher: Catcher, contract: Contract, **changes: Any) -> ChargeRequest:
    known: dict[str, Any] = {
        "out_trade_no": f"T{secrets.token_hex(10)}",
        "contract_id": contract.contract_id,
        "description": "骑手意外互助保障 续保",
        "amount_fen": 2500,
        "notify_url": catcher.url("charges"),
    }
    return ChargeRequest(**(known | changes))


async def settled(pay: WeChatPay, out_trade_no: str) -> Payment:
    for _ in range(100):
        payment = await pay.query_order(out_trade_no)
        if payment.state != "ACCEPT":
            return payment
        await asyncio.sleep(0.02)
    raise AssertionError("the charge is still under way")


async def code_of(call: Any) -> str:
    with pytest.raises(Refused) as refused:
        await call
    return refused.value.code


async def test_the_same_request_gives_the_same_page_and_another_is_refused(
    pay: WeChatPay, catcher: Catcher
) -> None:
    request = asked(catcher)
    first = await pay.request_contract(request)
    assert await pay.request_contract(request) == first
    assert first.path.endswith(first.ticket)
    other = asked(catcher, contract_code=request.contract_code)
    assert await code_of(pay.request_contract(other)) == "INVALID_REQUEST"
    query = pay.query_contract(request.contract_code)
    assert await code_of(query) == "CONTRACT_NOT_EXIST"


async def test_signing_and_ending_are_told_under_signature(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    path = f"agreements-{secrets.token_hex(4)}"
    request = asked(catcher, notify_url=catcher.url(path))
    signing = await pay.request_contract(request)
    simulators.control("agreements/sign", pre_entrustweb_id=signing.ticket, behaviour="twice")
    simulators.control("agreements/end", pre_entrustweb_id=signing.ticket)
    caught = await asyncio.to_thread(catcher.wait, path, 3)
    notices = [
        pay.decrypt_and_verify_notice(each.headers, each.body, system_now()) for each in caught
    ]
    states = sorted(each.content.state for each in notices)
    assert states == ["ADD", "ADD", "TERMINATED"]
    for notice in notices:
        assert isinstance(notice.content, Contract)
        assert notice.content.contract_code == request.contract_code
        assert notice.content.openid == request.openid
    known = await pay.query_contract(request.contract_code)
    assert (known.state, known.ended_by) == ("TERMINATED", "USER_TERMINATE")
    assert known.ended_at is not None
    await pay.end_contract(request.contract_code, "again")
    assert (await pay.query_contract(request.contract_code)).ended_by == "USER_TERMINATE"


async def test_a_charge_is_accepted_then_paid_and_never_twice(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    contract = await signed(pay, simulators, catcher)
    request = charge_of(catcher, contract)
    simulators.control("charges/next", seconds=3600)
    await pay.charge(request)
    assert (await pay.query_order(request.out_trade_no)).state == "ACCEPT"
    assert await code_of(pay.close_order(request.out_trade_no)) == "USERPAYING"
    await pay.charge(request)
    simulators.control("charges/finish", out_trade_no=request.out_trade_no)
    paid = await settled(pay, request.out_trade_no)
    assert (paid.state, paid.trade_type, paid.amount_fen) == ("SUCCESS", "PAP", 2500)
    assert paid.payer_openid == contract.openid
    await pay.charge(request)
    again = await pay.query_order(request.out_trade_no)
    assert again.transaction_id == paid.transaction_id
    other = charge_of(catcher, contract, out_trade_no=request.out_trade_no, amount_fen=1)
    assert await code_of(pay.charge(other)) == "OUT_TRADE_NO_USED"


async def test_a_charge_without_money_is_told_and_closed(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    contract = await signed(pay, simulators, catcher)
    path = f"charges-{secrets.token_hex(4)}"
    request = charge_of(catcher, contract, notify_url=catcher.url(path))
    simulators.control("charges/next", refusal="NOTENOUGH")
    await pay.charge(request)
    [told] = await asyncio.to_thread(catcher.wait, path, 1)
    notice = pay.decrypt_and_verify_notice(told.headers, told.body, system_now())
    assert isinstance(notice.content, Payment)
    assert (notice.content.state, notice.content.transaction_id) == ("PAYERROR", None)
    assert (await pay.query_order(request.out_trade_no)).state == "PAYERROR"


async def test_an_agreement_that_is_over_charges_nothing(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    contract = await signed(pay, simulators, catcher)
    await pay.end_contract(contract.contract_code, "会员关闭自动续保")
    request = charge_of(catcher, contract)
    assert await code_of(pay.charge(request)) == "CONTRACT_TERMINATED"
    nobodys = charge_of(catcher, contract, contract_id="2026")
    assert await code_of(pay.charge(nobodys)) == "CONTRACT_NOT_EXIST"
    assert await code_of(pay.query_order(request.out_trade_no)) == "ORDER_NOT_EXIST"


@pytest.mark.parametrize("mode", ["silent", "error", "foreign_signature"])
async def test_an_answer_that_proves_nothing_leaves_the_outcome_unknown(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher, mode: str
) -> None:
    contract = await signed(pay, simulators, catcher)
    request = charge_of(catcher, contract)
    simulators.control("faults", system="wechat-pay", mode=mode, path="transactions/apply")
    with pytest.raises(OutcomeUnknown):
        await pay.charge(request)
    await pay.charge(request)
    assert (await settled(pay, request.out_trade_no)).state == "SUCCESS"


async def test_a_foreign_phone_confirms_nothing(
    pay: WeChatPay, simulators: Simulators, catcher: Catcher
) -> None:
    request = asked(catcher)
    await pay.request_contract(request)
    with pytest.raises(AssertionError, match="403"):
        simulators.control(
            "agreements/sign", out_contract_code=request.contract_code, openid="o-somebody"
        )
