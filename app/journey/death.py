"""A rider dies: the report, the blocked data, two survivors, a named one left out, their money."""

from collections.abc import Mapping
from datetime import timedelta, timezone
from typing import Any

from app.journey.office import Desk, business_clock
from app.journey.people import Rider, make_rider
from app.journey.rider import PLAN, Phone
from app.journey.survivors import (
    CHILD,
    MOTHER,
    SPOUSE,
    decide,
    document_of,
    enter_claimants,
    expect,
    expect_paid,
    hand_in,
    open_claim,
    refused,
)
from app.journey.transport import Caller, until

Desks = Mapping[str, Desk]

SHANGHAI = timezone(timedelta(hours=8))


async def play(desks: Desks, phone: Phone) -> None:
    """From the last will on the policy to the survivors' accounts; then a report by mistake."""
    spouse = _newcomer(phone)
    child = make_rider()
    await _name_beneficiaries(phone, spouse.rider, child)
    await spouse.enrol()
    report = await _report(spouse, phone, desks["administrator"])
    dead = await _confirm(desks["caseworker"], report)
    await _blocked(desks["caseworker"], phone, dead)
    claim = await open_claim(spouse, phone, report)
    await enter_claimants(desks["caseworker"], claim, spouse.rider, child)
    await hand_in(spouse, claim)
    await decide(desks, claim)
    await expect_paid(desks["caseworker"], spouse, claim)
    await _mistake(desks, _newcomer(phone))


def _newcomer(phone: Phone) -> Phone:
    rider = make_rider()
    caller = Caller(phone.world.api, phone.report.tally, address=rider.address)
    return Phone(phone.world, rider, caller, phone.report)


async def _name_beneficiaries(phone: Phone, spouse: Rider, child: Rider) -> None:
    path = f"/v1/me/policies/{phone.known['policy']['id']}/beneficiaries"
    mother = make_rider()
    named = [
        {
            "name": who.name,
            "relation": relation,
            "document": document_of(who),
            "share_percent": part,
        }
        for who, relation, part in (
            (spouse, "spouse", SPOUSE),
            (child, "child", CHILD),
            (mother, "parent", MOTHER),
        )
    ]
    with phone.report.step("rider 骑手", "names three beneficiaries 指定受益人"):
        view = await phone.caller.json("PUT", path, body={"beneficiaries": named})
        expect(len(view["beneficiaries"]) == 3, f"the beneficiaries are {view}")


async def _report(spouse: Phone, phone: Phone, administrator: Desk) -> str:
    """By an account of one's own; nobody learns from the answer whom we know."""
    today = (await business_clock(administrator.caller)).astimezone(SHANGHAI).date().isoformat()
    path = "/v1/me/death-reports"
    nobody = make_rider()
    with spouse.report.step("spouse 家属", "reports the death 申报身故") as remarks:
        answers = [
            await spouse.caller.json(
                "POST",
                path,
                body={
                    "name": who.name,
                    "document": document_of(who),
                    "died_on": today,
                    "relation": "spouse",
                },
                expect=201,
                keyed=True,
            )
            for who in (nobody, phone.rider)
        ]
        shown = [{**each, "id": None, "reported_at": None} for each in answers]
        expect(shown[0] == shown[1], "the answer tells whom we know")
        expect(answers[1]["status"] == "reported", f"the report is {answers[1]['status']}")
        remarks.append(str(answers[1]["status_text"]["zh"]))
    with phone.report.step("rider 骑手", "is not locked out by a word alone 未确认前不封存"):
        await phone.caller.call("GET", "/v1/me")
    return str(answers[1]["id"])


async def _confirm(caseworker: Desk, report: str) -> Any:
    with caseworker.report.step("caseworker 经办", "confirms with the certificate 确认") as remarks:
        await caseworker.stay_logged_in()
        page = await caseworker.caller.json("GET", "/v1/staff/death-reports?status=reported")
        expect(any(row["id"] == report for row in page["items"]), "the report waits nowhere")
        body = {"verdict": "confirm", "note": "居民死亡医学证明书原件(测试)"}
        path = f"/v1/staff/death-reports/{report}/answer"
        view = await caseworker.caller.json("POST", path, body=body, keyed=True)
        expect(view["status"] == "confirmed", f"the report is {view['status']}")
        remarks.append(f"member {view['member_id']}, died on {view['died_on']}")
    return view


async def _blocked(caseworker: Desk, phone: Phone, dead: Any) -> None:
    """Every door but the claim's is shut, and says why."""
    with phone.report.step("phone 手机", "is logged out, and cannot log in again 封存"):

        async def ask() -> int:
            answer = await phone.caller.call("GET", "/v1/me", expect=(200, 401))
            return answer.status_code

        await until("the end of the login", ask, lambda status: status == 401)
        codes = await phone.world.control(
            "wechat/codes", phone=phone.rider.phone, name=phone.rider.name
        )
        wechat = {"js_code": codes["js_code"], "phone_code": codes["phone_code"]}
        path = "/v1/member/sessions/wechat"
        await refused(Caller(phone.caller.http, phone.caller.tally), "POST", path, wechat, 409)
    with caseworker.report.step("caseworker 经办", "reads why nothing else is shown 查询受限"):
        for path in (
            f"/v1/staff/members/{dead['member_id']}",
            f"/v1/staff/policies/{phone.known['policy']['id']}/beneficiaries",
        ):
            answer = await caseworker.caller.json("GET", path, expect=409)
            expect(answer["code"] == "member-blocked", f"{path} says {answer['code']}")
            expect(answer["reason"] == "death", f"{path} gives no reason")
        quotes = f"/v1/staff/members/{dead['person_id']}/quotes"
        quote = {"plan_code": PLAN, "shares": 1, "occupation": "delivery_rider"}
        answer = await refused(caseworker.caller, "POST", quotes, quote, 409)
        expect(answer["code"] == "member-blocked", f"a quote says {answer['code']}")
    with phone.report.step("anybody 任何人", "finds no certificate 凭证不可查"):
        number = phone.known["policy"]["number"]
        await Caller(phone.caller.http, phone.caller.tally).call(
            "GET", f"/v1/certificates/{number}", expect=404
        )


async def _mistake(desks: Desks, phone: Phone) -> None:
    """A living rider is reported dead at a counter; a supervisor undoes it, with a reason."""
    caseworker, supervisor = desks["caseworker"], desks["supervisor"]
    await phone.enrol()
    with caseworker.report.step("caseworker 经办", "records a death by mistake 误登记"):
        grant = await caseworker.caller.json(
            "POST",
            "/v1/staff/serve-grants",
            body={"reason": "claim", "document": document_of(phone.rider)},
            expect=201,
            keyed=True,
        )
        member = await caseworker.caller.json("GET", f"/v1/staff/members/{grant['member']['id']}")
        today = (await business_clock(desks["administrator"].caller)).astimezone(SHANGHAI).date()
        body = {
            "person_id": member["person_id"],
            "died_on": today.isoformat(),
            "evidence": "同名(测试)",
        }
        report = await caseworker.caller.json(
            "POST", "/v1/staff/death-reports", body=body, expect=201, keyed=True
        )
        withdrawal = f"/v1/staff/death-reports/{report['id']}/withdrawal"
        reason = {"reason": "同名误登记，本人到场(测试)"}
        await caseworker.caller.call("POST", withdrawal, body=reason, keyed=True, expect=403)
    with supervisor.report.step("supervisor 主管", "undoes it with a reason 撤销登记"):
        await supervisor.stay_logged_in()
        view = await supervisor.caller.json("POST", withdrawal, body=reason, keyed=True)
        expect(view["status"] == "withdrawn", f"the report is {view['status']}")
    with phone.report.step("rider 骑手", "logs in again 恢复登录"):
        codes = await phone.world.control(
            "wechat/codes", phone=phone.rider.phone, name=phone.rider.name
        )
        answer = await phone.caller.json(
            "POST",
            "/v1/member/sessions/wechat",
            body={"js_code": codes["js_code"], "phone_code": codes["phone_code"]},
            expect=201,
        )
        phone.caller.token = answer["access_token"]
        me = await phone.caller.json("GET", "/v1/me")
        expect(me["member"] is not None, "the member is not there")
