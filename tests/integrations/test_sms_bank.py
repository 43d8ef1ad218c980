"""Short messages and bank transfers against the simulators."""

import asyncio
import secrets
from dataclasses import replace
from typing import Any

import httpx
import pytest

from app.integrations.bank import Bank, BankTransfer, BankTransferRequest, create_bank
from app.integrations.errors import OutcomeUnknown, Refused
from app.integrations.sms import Sms, create_sms
from app.settings import Settings
from tests.simulators_fixture import Simulators

PHONE = "+8613800000031"


@pytest.fixture
async def sms(settings: Settings, http: httpx.AsyncClient) -> Sms:
    return create_sms(settings, http)


@pytest.fixture
async def bank(settings: Settings, http: httpx.AsyncClient) -> Bank:
    return create_bank(settings, http)


def transfer(**changes: Any) -> BankTransferRequest:
    given: dict[str, Any] = {
        "reference": f"B{secrets.token_hex(12)}",
        "account_number": "6222000000000001234",
        "account_name": "测试骑手",
        "bank_code": "102100099996",
        "amount_fen": 250_000,
        "remark": "互助金",
    }
    return BankTransferRequest(**(given | changes))


async def settled(bank: Bank, reference: str) -> BankTransfer:
    for _ in range(200):
        if (found := await bank.query_transfer(reference)).state != "pending":
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("the bank never answered")


async def test_message_arrives_once_per_key(sms: Sms, simulators: Simulators) -> None:
    key = secrets.token_hex(8)
    first = await sms.send(PHONE, "one-time-code", {"code": "123456", "minutes": "5"}, key)
    again = await sms.send(PHONE, "one-time-code", {"minutes": "5", "code": "123456"}, key)
    assert first == again
    with pytest.raises(Refused) as refused:
        await sms.send(PHONE, "one-time-code", {"code": "654321"}, key)
    assert refused.value.code == "key_reused"
    arrived = simulators.control("sms/list", phone=PHONE)["messages"]
    assert [message["parameters"]["code"] for message in arrived] == ["123456"]
    assert simulators.control("sms/list", phone="+8613800000032")["messages"] == []


@pytest.mark.parametrize(
    ("phone", "code"),
    [
        ("+8619900009000", "undeliverable"),
        ("+8619900009011", "too_often"),
        ("+8619900009992", "unknown_template"),
        ("13800000031", "bad_request"),
    ],
)
async def test_messages_that_are_refused(sms: Sms, phone: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        await sms.send(phone, "one-time-code", {"code": "1"}, secrets.token_hex(8))
    assert refused.value.code == code
    assert phone not in str(refused.value)


async def test_bank_pays(bank: Bank) -> None:
    request = transfer()
    accepted = await bank.submit_transfer(request)
    assert (accepted.state, accepted.amount_fen, accepted.settled_at) == ("pending", 250_000, None)
    done = await settled(bank, request.reference)
    assert (done.state, done.code, done.bank_reference) == ("paid", "", accepted.bank_reference)
    assert done.settled_at is not None
    assert done.settled_at.tzinfo is not None
    assert "6222" not in repr(request)
    assert "测试" not in repr(request)


@pytest.mark.parametrize(
    ("ending", "code"),
    [("9990", "account_not_found"), ("9991", "name_mismatch"), ("9992", "account_closed")],
)
async def test_bank_rejects(bank: Bank, ending: str, code: str) -> None:
    request = transfer(account_number=f"622200000000000{ending}")
    await bank.submit_transfer(request)
    done = await settled(bank, request.reference)
    assert (done.state, done.code) == ("rejected", code)


async def test_same_reference_is_never_new_money(bank: Bank) -> None:
    request = transfer()
    first = await bank.submit_transfer(request)
    await settled(bank, request.reference)
    again = await bank.submit_transfer(request)
    assert (again.bank_reference, again.state) == (first.bank_reference, "paid")
    with pytest.raises(Refused) as refused:
        await bank.submit_transfer(replace(request, amount_fen=1))
    assert refused.value.code == "reference_reused"


async def test_slow_and_silent_accounts(bank: Bank, simulators: Simulators) -> None:
    slow, never = (
        transfer(account_number="62220000009993"),
        transfer(account_number="62220000009994"),
    )
    for request in (slow, never):
        await bank.submit_transfer(request)
    await asyncio.sleep(0.2)
    assert (await bank.query_transfer(slow.reference)).state == "pending"
    assert (await settled(bank, slow.reference)).state == "paid"
    assert (await bank.query_transfer(never.reference)).state == "pending"
    simulators.control("bank/settle", reference=never.reference, state="rejected")
    assert (await bank.query_transfer(never.reference)).code == "account_not_found"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"account_number": "12"}, "bad_account"),
        ({"amount_fen": 0}, "bad_amount"),
        ({"amount_fen": -5}, "bad_amount"),
        ({"reference": "with-dash"}, "bad_request"),
        ({"remark": "长" * 61}, "bad_request"),
    ],
)
async def test_bank_refuses_bad_fields(bank: Bank, change: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        await bank.submit_transfer(transfer(**change))
    assert refused.value.code == code


async def test_unknown_reference(bank: Bank) -> None:
    with pytest.raises(Refused) as refused:
        await bank.query_transfer("B000")
    assert refused.value.code == "unknown_reference"


async def test_unproven_answer_is_no_answer(bank: Bank, simulators: Simulators) -> None:
    request = transfer()
    simulators.control("faults", system="bank", mode="foreign_signature")
    with pytest.raises(OutcomeUnknown):
        await bank.submit_transfer(request)
    # It had arrived all the same: that is what asking is for.
    assert (await bank.query_transfer(request.reference)).reference == request.reference
