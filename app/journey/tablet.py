"""A caseworker's tablet at a station: a batch that is sent twice, and a code to pay by."""

import secrets
from typing import Any

from app.journey.office import Desk
from app.journey.people import Rider, make_rider
from app.journey.rider import PLAN
from app.journey.transport import Caller, Miss, until
from app.journey.world import World


async def enrol_on_site(caseworker: Desk, world: World) -> None:
    """Two riders stand there; one card is misread. The answer is lost once, nothing doubles."""
    report, caller = caseworker.report, caseworker.caller
    await caseworker.stay_logged_in()
    scanned = await caller.json("GET", f"/v1/enrolment-codes/{world.enrolment_code}")
    consents = [
        {"purpose": each["purpose"], "version": each["version"]} for each in scanned["consents"]
    ]
    rider, misread = make_rider(), make_rider()
    wrong = "0" if misread.number[-1] != "0" else "1"
    batch = {
        "items": [
            _item(rider, rider.number, consents, world.enrolment_code),
            _item(misread, misread.number[:-1] + wrong, consents, world.enrolment_code),
        ]
    }
    with report.step("caseworker 经办", "enrols two riders on the spot 现场入会") as remarks:
        answers = await _send(caller, batch)
        if [answer["outcome"] for answer in answers] != ["enrolled", "refused"]:
            raise Miss(f"the batch was answered {answers}")
        if answers[0]["order"] is None:
            raise Miss(f"no order was opened: {answers[0]['order_problem']}")
        remarks.append(f"enrolled as {answers[0]['member']['number']}")
        remarks.append(f"refused: {answers[1]['problem']['errors'][0]['message']}")
    with report.step("caseworker 经办", "sends the batch again: same answers 重复提交"):
        again = await _send(caller, batch)
        if again[0]["member"] != answers[0]["member"] or not again[0]["repeated"]:
            raise Miss(f"the repeated batch was answered {again}")
    await _pay_by_code(caseworker, world, answers[0]["order"]["id"])
    await _find_policy(caseworker, world, rider, consents)


def _item(rider: Rider, number: str, consents: list[Any], code: str) -> dict[str, Any]:
    return {
        "client_ref": f"tablet-{secrets.token_hex(8)}",
        "name": rider.name,
        "document": {"type": "resident_id", "number": number},
        "phone": rider.phone,
        "consents": consents,
        "card_seen": True,
        "enrolment_code": code,
        "order": {"plan_code": PLAN, "shares": 1, "payer": "member"},
    }


async def _send(caller: Caller, batch: dict[str, Any]) -> list[dict[str, Any]]:
    answered = await caller.json("POST", "/v1/staff/enrolments", body=batch, keyed=True)
    items: list[dict[str, Any]] = answered["items"]
    return items


async def _pay_by_code(caseworker: Desk, world: World, order_id: str) -> None:
    with caseworker.report.step("rider 骑手", "pays by the code on the tablet 扫码支付"):
        payment = await caseworker.caller.json(
            "POST", f"/v1/staff/orders/{order_id}/payments", expect=201, keyed=True
        )
        await world.control("pay", code_url=payment["code_url"])


async def _find_policy(caseworker: Desk, world: World, rider: Rider, consents: list[Any]) -> None:
    """At home: the proven phone with the attested name and number is the second factor."""
    phone = Caller(world.api, caseworker.report.tally, address=rider.address)
    with caseworker.report.step("rider 骑手", "logs in at home by SMS 短信登录"):
        while phone.token is None:
            await phone.call("POST", "/v1/one-time-codes", body={"phone": rider.phone}, expect=202)

            async def ask_phone() -> Any:
                return (await world.control("sms/list", phone=rider.phone))["messages"]

            messages = await until("the SMS", ask_phone, bool)
            answer = await phone.call(
                "POST",
                "/v1/member/sessions/phone",
                body={"phone": rider.phone, "code": messages[-1]["parameters"]["code"]},
                expect=201,
                # A code works once: if the answer was lost, another one is asked for.
                after_loss=(401, 422),
            )
            phone.token = answer.json().get("access_token")
    with caseworker.report.step(
        "rider 骑手", "finds the policy, without a face 查到保障"
    ) as remarks:
        registered = await phone.json(
            "POST",
            "/v1/me/registration",
            body={
                "name": rider.name,
                "document": {"type": "resident_id", "number": rider.number},
                "consents": consents,
            },
            expect=201,
            keyed=True,
        )
        if registered["status"] != "completed":
            raise Miss(f"the registration is {registered['status']}")

        async def ask_policies() -> Any:
            return (await phone.json("GET", "/v1/me/policies"))["items"]

        policies = await until("the policy", ask_policies, bool)
        remarks.append(f"policy {policies[0]['number']} is {policies[0]['state']}")
