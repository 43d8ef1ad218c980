"""Every way in which a call can fail, sorted into the three errors that callers decide by."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import pytest
import respx

from app.integrations.bank import create_bank
from app.integrations.errors import OutcomeUnknown, OutsideError, Refused, Unreachable
from app.integrations.http import call
from app.integrations.identity_vendor import create_identity_vendor
from app.integrations.sms import create_sms
from app.integrations.wechat import create_wechat
from app.integrations.wechat_pay import create_wechat_pay
from app.settings import Settings
from app.simulators.signed_door import sign
from tests.integrations import orders
from tests.integrations.test_sms_bank import transfer
from tests.simulators_fixture import Simulators, id_number

Call = Callable[[Settings, httpx.AsyncClient], Awaitable[object]]

CALLS: dict[str, Call] = {
    "wechat": lambda settings, http: create_wechat(settings, http).code_to_session("js"),
    "wechat-pay": lambda settings, http: create_wechat_pay(settings, http).prepay_native(
        orders.order("https://merchant.invalid/notice")
    ),
    "identity": lambda settings, http: create_identity_vendor(settings, http).start(
        orders.number(), "测试骑手", id_number(), "http://127.0.0.1:1/never"
    ),
    "sms": lambda settings, http: create_sms(settings, http).send(
        "+8613800000041", "one-time-code", {"code": "1"}, orders.number()
    ),
    "bank": lambda settings, http: create_bank(settings, http).submit_transfer(transfer()),
}


@pytest.fixture
def impatient(settings: Settings) -> Settings:
    return settings.model_copy(update={"outbound_timeout": 0.1})


@pytest.fixture(autouse=True)
def healed(simulators: Simulators) -> Iterator[None]:
    yield
    simulators.control("faults/clear")


@pytest.mark.parametrize("system", CALLS)
@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("time_out", OutcomeUnknown),
        ("silent", OutcomeUnknown),
        ("refuse", OutcomeUnknown),
        ("error", OutcomeUnknown),
        ("busy", Unreachable),
    ],
)
async def test_outage(
    settings: Settings,
    impatient: Settings,
    http: httpx.AsyncClient,
    simulators: Simulators,
    system: str,
    mode: str,
    error: type[OutsideError],
) -> None:
    simulators.control("faults", system=system, mode=mode)
    started = time.monotonic()
    with pytest.raises(error):
        await CALLS[system](impatient, http)
    assert time.monotonic() - started < 1.0
    # One call only: the next one works again, or is refused for its made-up code.
    with contextlib.suppress(Refused):
        await CALLS[system](settings, http)


@pytest.mark.parametrize("system", CALLS)
async def test_nobody_listens(settings: Settings, http: httpx.AsyncClient, system: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    names = ("wechat", "wechat_pay", "identity_vendor", "sms", "bank")
    nowhere = settings.model_copy(update={f"{name}_base_url": address for name in names})
    with pytest.raises(Unreachable):
        await CALLS[system](nowhere, http)


@pytest.mark.parametrize("system", ["wechat-pay", "identity", "sms", "bank"])
async def test_any_refusal_keeps_its_code_and_hides_its_message(
    settings: Settings, http: httpx.AsyncClient, simulators: Simulators, system: str
) -> None:
    simulators.control("faults", system=system, mode="code", code="NOT_ENOUGH", message="测试骑手")
    with pytest.raises(Refused) as refused:
        await CALLS[system](settings, http)
    assert (refused.value.code, refused.value.message) == ("NOT_ENOUGH", "测试骑手")
    assert "测试骑手" not in str(refused.value)


@pytest.mark.parametrize("system", ["wechat-pay", "identity", "sms", "bank"])
async def test_foreign_signature_proves_nothing(
    settings: Settings, http: httpx.AsyncClient, simulators: Simulators, system: str
) -> None:
    simulators.control("faults", system=system, mode="foreign_signature")
    with pytest.raises(OutcomeUnknown):
        await CALLS[system](settings, http)


async def test_silent_payment_arrived_all_the_same(
    settings: Settings, impatient: Settings, http: httpx.AsyncClient, simulators: Simulators
) -> None:
    pay = create_wechat_pay(impatient, http)
    request = orders.transfer("https://merchant.invalid/notice")
    simulators.control("faults", system="wechat-pay", mode="silent", path="transfer-bills")
    with pytest.raises(OutcomeUnknown):
        await pay.transfer(request)
    asking = create_wechat_pay(settings, http)
    assert (await asking.query_transfer(request.out_bill_no)).state == "WAIT_USER_CONFIRM"


async def test_connection_that_is_never_accepted_is_unreachable(http: httpx.AsyncClient) -> None:
    # A listener with a full queue: the kernel lets further connection attempts wait.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        try:
            url = f"http://127.0.0.1:{full.getsockname()[1]}/"
            with pytest.raises(Unreachable):
                await call(http, "bank", "GET", url, seconds=0.2)
        finally:
            for each in waiting:
                each.close()


async def test_time_limit_is_for_the_whole_answer(http: httpx.AsyncClient) -> None:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    with respx.mock as router:
        router.get("http://slow.invalid/").mock(
            side_effect=lambda request: httpx.Response(200, content=drip())
        )
        with pytest.raises((OutcomeUnknown, Unreachable)):
            await call(http, "bank", "GET", "http://slow.invalid/", seconds=0.2)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (httpx.ConnectError, Unreachable),
        (httpx.ConnectTimeout, Unreachable),
        (httpx.PoolTimeout, Unreachable),
        (httpx.ProxyError, Unreachable),
        (httpx.WriteTimeout, OutcomeUnknown),
        (httpx.WriteError, OutcomeUnknown),
        (httpx.ReadTimeout, OutcomeUnknown),
        (httpx.ReadError, OutcomeUnknown),
        (httpx.RemoteProtocolError, OutcomeUnknown),
    ],
)
async def test_transport_failures(
    http: httpx.AsyncClient, failure: type[Exception], error: type[OutsideError]
) -> None:
    with respx.mock as router:
        router.post("http://bank.invalid/").mock(side_effect=failure)
        with pytest.raises(error):
            await call(http, "bank", "POST", "http://bank.invalid/", seconds=1)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(400, json={"code": "PARAM_ERROR", "message": "m"}), Refused),
        (httpx.Response(403, text="<html>forbidden</html>"), OutcomeUnknown),
        (httpx.Response(404), OutcomeUnknown),
        (httpx.Response(200, json={"code_url": "weixin://x"}), OutcomeUnknown),
        (httpx.Response(302, headers={"location": "http://x.invalid"}), OutcomeUnknown),
        (httpx.Response(503), OutcomeUnknown),
        (httpx.Response(429, json={"code": "FREQUENCY_LIMITED"}), Unreachable),
    ],
)
async def test_unsigned_answers_of_the_payment_gateway(
    settings: Settings, http: httpx.AsyncClient, answer: httpx.Response, error: type[OutsideError]
) -> None:
    with respx.mock as router:
        router.post(url__startswith=settings.wechat_pay_base_url).mock(return_value=answer)
        with pytest.raises(error):
            await CALLS["wechat-pay"](settings, http)


async def test_redirects_are_not_followed(http: httpx.AsyncClient) -> None:
    with respx.mock as router:
        elsewhere = httpx.Response(302, headers={"location": "http://elsewhere.invalid"})
        router.post("http://bank.invalid/").mock(return_value=elsewhere)
        with pytest.raises(OutcomeUnknown):
            await call(http, "bank", "POST", "http://bank.invalid/", seconds=1)


async def test_answer_about_another_transfer_is_not_believed(
    settings: Settings, http: httpx.AsyncClient
) -> None:
    secret = settings.bank_secret.get_secret_value()

    def other(request: httpx.Request) -> httpx.Response:
        body = b'{"reference":"B2","state":"paid","amount_fen":1}'
        parts = (b"answer", b"200", b"1", request.headers["x-nonce"].encode(), body)
        headers = {"X-Timestamp": "1", "X-Signature": sign(secret, *parts)}
        return httpx.Response(200, content=body, headers=headers)

    with respx.mock as router:
        router.get(url__startswith=settings.bank_base_url).mock(side_effect=other)
        bank = create_bank(settings, http)
        assert (await bank.query_transfer("B2")).state == "paid"
        with pytest.raises(OutcomeUnknown):
            await bank.query_transfer("B1")
