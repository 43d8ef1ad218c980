"""Login, phone number, mini-program code and subscribe message against the simulator."""

import asyncio
import io
from typing import Any

import httpx
import pytest
import respx
from PIL import Image
from pydantic import SecretStr

from app.integrations.errors import OutcomeUnknown, Refused, Unreachable
from app.integrations.wechat import WeChat, create_wechat
from app.settings import Settings
from tests.simulators_fixture import Simulators

PHONE = "+8613800000011"


@pytest.fixture
async def wechat(settings: Settings, http: httpx.AsyncClient) -> WeChat:
    return create_wechat(settings, http)


async def test_login_code_works_once(wechat: WeChat, simulators: Simulators) -> None:
    codes = simulators.control("wechat/codes", phone=PHONE)
    session = await wechat.code_to_session(codes["js_code"])
    assert (session.openid, session.unionid) == (codes["openid"], codes["unionid"])
    assert session.openid not in repr(session)
    with pytest.raises(Refused) as refused:
        await wechat.code_to_session(codes["js_code"])
    assert refused.value.code == "bad_code"


async def test_a_phone_always_logs_in_as_the_same_user(simulators: Simulators) -> None:
    first, again = (simulators.control("wechat/codes", phone=PHONE) for _ in range(2))
    assert first["openid"] == again["openid"]
    other = simulators.control("wechat/codes", phone="+8613800000012")
    assert other["openid"] != first["openid"]


@pytest.mark.parametrize(
    ("outcome", "code"), [("high_risk", "high_risk_user"), ("too_often", "too_often")]
)
async def test_login_refusals(
    wechat: WeChat, simulators: Simulators, outcome: str, code: str
) -> None:
    codes = simulators.control("wechat/codes", phone=PHONE, outcome=outcome)
    with pytest.raises(Refused) as refused:
        await wechat.code_to_session(codes["js_code"])
    assert refused.value.code == code


async def test_busy_means_that_nothing_was_done(wechat: WeChat, simulators: Simulators) -> None:
    codes = simulators.control("wechat/codes", phone=PHONE, outcome="busy")
    with pytest.raises(Unreachable):
        await wechat.code_to_session(codes["js_code"])


async def test_wrong_secret(settings: Settings, http: httpx.AsyncClient) -> None:
    wrong = settings.model_copy(update={"wechat_secret": SecretStr("wrong")})
    with pytest.raises(Refused) as refused:
        await create_wechat(wrong, http).code_to_session("any")
    assert refused.value.code == "bad_credentials"
    with pytest.raises(Refused) as refused:
        await create_wechat(wrong, http).phone_number("any")
    assert refused.value.code == "bad_credentials"


async def test_phone_number_is_e164_and_works_once(wechat: WeChat, simulators: Simulators) -> None:
    codes = simulators.control("wechat/codes", phone=PHONE)
    assert await wechat.phone_number(codes["phone_code"]) == PHONE
    with pytest.raises(Refused) as refused:
        await wechat.phone_number(codes["phone_code"])
    assert refused.value.code == "bad_code"


async def test_phone_number_of_another_mini_program_is_refused(
    wechat: WeChat, simulators: Simulators
) -> None:
    codes = simulators.control("wechat/codes", phone=PHONE, watermark_appid="wx0000000000000000")
    with pytest.raises(Refused) as refused:
        await wechat.phone_number(codes["phone_code"])
    assert refused.value.code == "foreign_watermark"


async def test_mini_program_code_is_a_picture(wechat: WeChat) -> None:
    picture = Image.open(io.BytesIO(await wechat.mini_program_code("7K3M9QX2", "pages/scan/index")))
    assert picture.width == picture.height > 100


@pytest.mark.parametrize(
    ("scene", "page", "code"),
    [
        ("x" * 33, "pages/scan", "bad_scene"),
        ("a b", "pages/scan", "bad_scene"),
        ("", "pages/scan", "bad_scene"),
        ("abc", "/pages/scan", "bad_page"),
    ],
)
async def test_bad_scene_or_page(wechat: WeChat, scene: str, page: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        await wechat.mini_program_code(scene, page)
    assert refused.value.code == code


async def test_one_consent_is_one_message(wechat: WeChat, simulators: Simulators) -> None:
    openid = simulators.control("wechat/codes", phone="+8613800000013")["openid"]
    send: Any = wechat.send_subscribe_message
    values = {"thing1": "理赔已受理", "date2": "2026-11-22"}
    with pytest.raises(Refused) as refused:
        await send(openid, "template-1", values)
    assert refused.value.code == "not_subscribed"
    simulators.control("wechat/consents", openid=openid, template_id="template-1")
    with pytest.raises(Refused) as refused:
        await send(openid, "template-1", {"thing1": "超" * 21})
    assert refused.value.code == "bad_values"
    await send(openid, "template-1", values, page="pages/claim/index")
    with pytest.raises(Refused):
        await send(openid, "template-1", values)
    sent = simulators.control("wechat/messages/list", openid=openid)["messages"]
    assert [message["data"]["thing1"]["value"] for message in sent] == ["理赔已受理"]
    with pytest.raises(Refused) as refused:
        await send("onobody0000000000000000000000", "template-1", values)
    assert refused.value.code == "bad_openid"


@pytest.fixture
def counted(settings: Settings) -> Any:
    """WeChat as a table of answers, to count the token calls."""
    with respx.mock(base_url=settings.wechat_base_url, assert_all_called=False) as router:
        yield router


def token(text: str) -> httpx.Response:
    return httpx.Response(200, json={"access_token": text, "expires_in": 7200})


async def test_many_callers_share_one_token_call(wechat: WeChat, counted: respx.MockRouter) -> None:
    fetch = counted.post("/cgi-bin/stable_token").mock(return_value=token("first"))
    picture = httpx.Response(200, content=b"\x89PNG", headers={"content-type": "image/png"})
    counted.post("/wxa/getwxacodeunlimit").mock(return_value=picture)
    await asyncio.gather(*(wechat.mini_program_code("abc", "p") for _ in range(20)))
    assert fetch.call_count == 1


@pytest.mark.parametrize("errcode", [40001, 42001, 40014])
async def test_refused_token_is_renewed_once(
    wechat: WeChat, counted: respx.MockRouter, errcode: int
) -> None:
    fetch = counted.post("/cgi-bin/stable_token").mock(side_effect=[token("old"), token("new")])
    send = counted.post("/cgi-bin/message/subscribe/send").mock(
        side_effect=[
            httpx.Response(200, json={"errcode": errcode, "errmsg": "invalid credential"}),
            httpx.Response(200, json={"errcode": 0}),
        ]
    )
    await wechat.send_subscribe_message("o123456", "t", {})
    assert [call.request.url.params["access_token"] for call in send.calls] == ["old", "new"]
    assert b'"force_refresh":false' in fetch.calls.last.request.content


async def test_renewal_is_forced_only_if_nobody_else_renewed(
    wechat: WeChat, counted: respx.MockRouter
) -> None:
    fetch = counted.post("/cgi-bin/stable_token").mock(
        side_effect=[token("old"), token("old"), token("new")]
    )
    refusal = httpx.Response(200, json={"errcode": 40001, "errmsg": "invalid credential"})
    send = counted.post("/cgi-bin/message/subscribe/send").mock(return_value=refusal)
    with pytest.raises(Refused) as refused:
        await wechat.send_subscribe_message("o123456", "t", {})
    assert refused.value.code == "bad_credentials"
    assert (fetch.call_count, send.call_count) == (3, 2)
    assert b'"force_refresh":true' in fetch.calls.last.request.content


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"unionid": "u"}),
        httpx.Response(200, json=[]),
        httpx.Response(404, json={}),
        httpx.Response(302, headers={"location": "http://elsewhere.invalid"}),
    ],
)
async def test_answers_nobody_can_read(
    wechat: WeChat, counted: respx.MockRouter, answer: httpx.Response
) -> None:
    counted.get("/sns/jscode2session").mock(return_value=answer)
    with pytest.raises(OutcomeUnknown):
        await wechat.code_to_session("js")


async def test_unknown_errcode_keeps_its_number(wechat: WeChat, counted: respx.MockRouter) -> None:
    counted.get("/sns/jscode2session").mock(
        return_value=httpx.Response(200, json={"errcode": 41002, "errmsg": "appid missing"})
    )
    with pytest.raises(Refused) as refused:
        await wechat.code_to_session("js")
    assert (refused.value.code, refused.value.message) == ("wechat_41002", "appid missing")
