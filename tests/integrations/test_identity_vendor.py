"""Face checks against the simulated vendor: started, answered by callback and by poll."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app.integrations.errors import BadSignature, Refused, StaleMessage, Unreadable, Untrusted
from app.integrations.http import create_http
from app.integrations.identity_vendor import IdentityVendor, create_identity_vendor
from app.settings import Settings
from app.simulators.signed_door import signed_callback
from tests.simulators_fixture import Catcher, Simulators, id_number, run_simulators

NAME = "测试骑手"


@pytest.fixture
async def vendor(settings: Settings, http: httpx.AsyncClient) -> IdentityVendor:
    return create_identity_vendor(settings, http)


def order_ref() -> str:
    return f"check-{secrets.token_hex(8)}"


async def started(vendor: IdentityVendor, catcher: Catcher, sequence: str) -> tuple[str, str]:
    """The reference of a new check and the path of its callback."""
    path = order_ref()
    ticket = await vendor.start(path, NAME, id_number(sequence), catcher.url(path))
    assert (await vendor.result(ticket.reference)).state == "pending"
    return ticket.reference, path


@pytest.mark.parametrize(
    ("sequence", "state", "code"),
    [
        ("002", "passed", "ok"),
        ("899", "passed", "ok"),
        ("901", "failed", "mismatch"),
        ("912", "failed", "liveness_failed"),
    ],
)
async def test_the_number_decides(
    vendor: IdentityVendor,
    simulators: Simulators,
    catcher: Catcher,
    sequence: str,
    state: str,
    code: str,
) -> None:
    reference, path = await started(vendor, catcher, sequence)
    simulators.control("identity/complete", reference=reference)
    result = await vendor.result(reference)
    assert (result.state, result.code, result.order_ref) == (state, code, path)
    assert result.evidence_reference is not None
    assert result.score is not None
    caught = catcher.wait(path)[0]
    assert vendor.verify_callback(caught.headers, caught.body, datetime.now(UTC)) == result
    assert NAME.encode() not in caught.body


async def test_slow_twice_silent(
    vendor: IdentityVendor, simulators: Simulators, catcher: Catcher
) -> None:
    slow, slow_path = await started(vendor, catcher, "921")
    twice, twice_path = await started(vendor, catcher, "941")
    silent, silent_path = await started(vendor, catcher, "931")
    for reference in (slow, twice, silent):
        simulators.control("identity/complete", reference=reference)
    assert (await vendor.result(slow)).state == "pending"
    first, second = await asyncio.to_thread(catcher.wait, twice_path, 2)
    assert first.body == second.body
    await asyncio.to_thread(catcher.wait, slow_path)
    assert (await vendor.result(slow)).state == "passed"
    assert (await vendor.result(silent)).state == "pending"
    assert catcher.at(silent_path) == []


async def test_late_answer_comes_after_the_ticket_has_expired(
    tmp_path: Path, catcher: Catcher
) -> None:
    with run_simulators(tmp_path) as own:
        settings = own.settings()
        async with create_http(settings) as http:
            vendor = create_identity_vendor(settings, http)
            reference, path = await started(vendor, catcher, "951")
            own.control("identity/complete", reference=reference)
            own.control("clock", advance_seconds=1800)
            assert (await vendor.result(reference)).state == "expired"
            own.control("clock", advance_seconds=2)
            await asyncio.to_thread(catcher.wait, path)
            assert (await vendor.result(reference)).state == "passed"


async def test_answer_can_be_hurried_and_the_course_chosen(
    vendor: IdentityVendor, simulators: Simulators, catcher: Catcher
) -> None:
    reference, _ = await started(vendor, catcher, "931")
    simulators.control("identity/complete", reference=reference)
    simulators.control("identity/answer", reference=reference)
    assert (await vendor.result(reference)).state == "passed"
    chosen, _ = await started(vendor, catcher, "002")
    simulators.control("identity/complete", reference=chosen, course="mismatch")
    assert (await vendor.result(chosen)).code == "mismatch"


async def test_same_order_gives_the_same_ticket(vendor: IdentityVendor, catcher: Catcher) -> None:
    ref, url = order_ref(), catcher.url("same")
    first, again = [await vendor.start(ref, NAME, id_number("002"), url) for _ in range(2)]
    assert first == again
    assert first.reference in first.launch["page"]
    with pytest.raises(Refused) as refused:
        await vendor.start(ref, "测试乘客", id_number("002"), url)
    assert refused.value.code == "bad_request"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("110105194912310021", "invalid_number"),
        ("11010519491231A02X", "invalid_number"),
        ("E12345678", "unsupported_document"),
    ],
)
async def test_numbers_the_vendor_refuses(vendor: IdentityVendor, number: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        await vendor.start(order_ref(), NAME, number, "http://127.0.0.1:1/never")
    assert refused.value.code == code
    assert number not in str(refused.value)


async def test_unknown_reference_and_wrong_secret(
    vendor: IdentityVendor, settings: Settings, http: httpx.AsyncClient
) -> None:
    with pytest.raises(Refused) as refused:
        await vendor.result("face none?x=1")
    assert refused.value.code == "unknown_reference"
    wrong = settings.model_copy(update={"identity_vendor_secret": SecretStr("wrong")})
    # The vendor's refusal is signed with a key that we do not have, so we know nothing.
    with pytest.raises(Exception, match="unproven answer 401"):
        await create_identity_vendor(wrong, http).result("face-1")


RESULT = {"reference": "face-1", "order_ref": "check-1", "state": "passed", "code": "ok"}


@pytest.mark.parametrize(
    ("change", "body", "minutes", "error"),
    [
        ({}, b'{"state":"passed"}', 0, BadSignature),
        ({"X-Signature": ""}, None, 0, BadSignature),
        ({"X-Signature": "0" * 64}, None, 0, BadSignature),
        ({"X-Signature": "é" * 64}, None, 0, BadSignature),
        ({"X-Nonce": "other"}, None, 0, BadSignature),
        ({"X-Timestamp": ""}, None, 0, BadSignature),
        ({"X-Timestamp": "now"}, None, 0, BadSignature),
        ({}, None, 6, StaleMessage),
        ({}, None, -6, StaleMessage),
    ],
)
async def test_callbacks_that_are_not_believed(
    vendor: IdentityVendor,
    settings: Settings,
    change: dict[str, str],
    body: bytes | None,
    minutes: int,
    error: type[Untrusted],
) -> None:
    headers, signed = signed_callback(settings.identity_vendor_secret.get_secret_value(), RESULT)
    now = datetime.now(UTC)
    assert vendor.verify_callback(headers, signed, now).state == "passed"
    with pytest.raises(error):
        vendor.verify_callback(
            headers | change, signed if body is None else body, now + timedelta(minutes=minutes)
        )


@pytest.mark.parametrize("content", [{}, [], RESULT | {"state": "maybe"}, RESULT | {"score": "9"}])
async def test_genuine_and_still_unreadable(
    vendor: IdentityVendor, settings: Settings, content: Any
) -> None:
    headers, body = signed_callback(settings.identity_vendor_secret.get_secret_value(), content)
    with pytest.raises(Unreadable):
        vendor.verify_callback(headers, body, datetime.now(UTC))
