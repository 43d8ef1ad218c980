"""A rider dies: the report, the blocked data, two survivors, a named one left out, their money."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from app.journey.claim import Case, Claim, accident_after, agree, approve, take
from app.journey.office import Desk, business_clock
from app.journey.people import Rider, make_rider
from app.journey.rider import PLAN, Phone
from app.journey.transport import Caller, Miss, until

Desks = Mapping[str, Desk]

FATAL = Case(
    "a fatal accident",
    "DEATH",
    ("death_certificate", "kinship_proof"),
    {},
    to_bank=True,
)
# What the rider wrote down: the mother died before him, the other two share what is hers.
SPOUSE, CHILD, MOTHER = 34, 33, 33
WHOLE_FEN = 8_000_000
SPOUSE_FEN, CHILD_FEN = 4_059_701, 3_940_299
SHANGHAI = timezone(timedelta(hours=8))


def expect(holds: bool, words: str) -> None:
    """Raise Miss unless it holds."""
    if not holds:
        raise Miss(words)


async def play(desks: Desks, phone: Phone) -> None:
    """From the last will on the policy to the survivors' accounts; then a report by mistake."""
    spouse = _newcomer(phone)
    child = make_rider()
    await _name_beneficiaries(phone, spouse.rider, child)
    await spouse.enrol()
    report = await _report(spouse, phone, desks["administrator"])
    dead = await _confirm(desks["caseworker"], report)
    await _blocked(desks["caseworker"], phone, dead)
    claim = await _open(spouse, phone, report)
    await _claimants(desks["caseworker"], claim, spouse.rider, child)
    await _hand_in(spouse, claim)
    await _decide(desks, claim)
    await _paid(desks["caseworker"], spouse, claim)
    await _mistake(desks, _newcomer(phone))


def _newcomer(phone: Phone) -> Phone:
    rider = make_rider()
    caller = Caller(phone.world.api, phone.report.tally, address=rider.address)
    return Phone(phone.world, rider, caller, phone.report)


def _document(rider: Rider) -> dict[str, str]:
    return {"type": "resident_id", "number": rider.number}


async def _name_beneficiaries(phone: Phone, spouse: Rider, child: Rider) -> None:
    path = f"/v1/me/policies/{phone.known['policy']['id']}/beneficiaries"
    mother = make_rider()
    named = [
        {"name": who.name, "relation": relation, "document": _document(who), "share_percent": part}
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
                    "document": _document(who),
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
        await _refused(Caller(phone.caller.http, phone.caller.tally), "POST", path, wechat, 409)
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
        answer = await _refused(caseworker.caller, "POST", quotes, quote, 409)
        expect(answer["code"] == "member-blocked", f"a quote says {answer['code']}")
    with phone.report.step("anybody 任何人", "finds no certificate 凭证不可查"):
        number = phone.known["policy"]["number"]
        await Caller(phone.caller.http, phone.caller.tally).call(
            "GET", f"/v1/certificates/{number}", expect=404
        )


async def _refused(caller: Caller, method: str, path: str, body: Any, status: int) -> Any:
    return await caller.json(method, path, body=body, expect=status)


async def _open(spouse: Phone, phone: Phone, report: str) -> Claim:
    """The confirmed report names the policy; the survivor claims as herself alone."""
    claim = Claim(spouse, FATAL)
    with spouse.report.step("spouse 家属", "claims under the policy 申领身故互助金") as remarks:
        view = await spouse.caller.json("GET", f"/v1/me/death-reports/{report}")
        policies = [(each["policy_id"], each["benefit_code"]) for each in view["policies"]]
        wanted = (phone.known["policy"]["id"], FATAL.benefit)
        expect(wanted in policies, f"the report offers {policies}")
        starts = datetime.fromisoformat(phone.known["policy"]["starts_at"])
        body = {
            "policy_id": wanted[0],
            "benefit_code": FATAL.benefit,
            "incident": {
                "cause": "accident",
                "occurred_at": accident_after(starts).isoformat(),
                "place": "测试路口",
                "description": "送餐途中与货车相撞(测试)",
            },
        }
        opened = await spouse.caller.json(
            "POST", "/v1/me/claims", body=body, expect=201, keyed=True
        )
        claim.id = opened["id"]
        states = {each["kind"]: each["state"] for each in opened["documents"]}
        expect(states["claimant_identity"] == "verified", f"the papers are {states}")
        own = opened["claimants"][0]
        expect(own["own"] and own["named"] and own["share_percent"] == SPOUSE, f"she is {own}")
        remarks.append(f"{opened['number']}: {states}")
    with spouse.report.step("spouse 家属", "uploads the papers 上传材料"):
        for paper in FATAL.papers:
            await claim.upload(paper)
    with spouse.report.step("spouse 家属", "cannot hand in without the others 须登记全部受益人"):
        answer = await spouse.caller.json("POST", f"{claim.path}/submission", expect=409)
        expect(answer["code"] == "claimants-missing", f"submission says {answer['code']}")
    return claim


async def _claimants(caseworker: Desk, claim: Claim, spouse: Rider, child: Rider) -> None:
    """At the counter, card in hand; whoever is not named is refused, who is left out explained."""
    path = f"/v1/staff/claims/{claim.id}/claimants"
    cards = [
        {
            "name": who.name,
            "document": _document(who),
            "phone": who.phone,
            "relation": relation,
            "card_seen": True,
        }
        for who, relation in ((spouse, "spouse"), (child, "child"))
    ]
    note = "母亲已于被保障人之前去世(测试)"
    with caseworker.report.step("caseworker 经办", "refuses a stranger 非受益人不予登记"):
        stranger = {**cards[1], "name": "测试外人", "document": _document(make_rider())}
        body: dict[str, Any] = {"claimants": [cards[0], stranger], "note": note}
        answer = await _refused(caseworker.caller, "PUT", path, body, 422)
        codes = [error["code"] for error in answer["errors"]]
        expect(codes == ["not-named"], f"a stranger is refused with {codes}")
        answer = await _refused(caseworker.caller, "PUT", path, {"claimants": cards}, 422)
        codes = [error["code"] for error in answer["errors"]]
        expect(codes == ["beneficiary-left-out"], f"leaving one out is refused with {codes}")
    with caseworker.report.step("caseworker 经办", "enters two survivors 登记申领人") as remarks:
        view = await caseworker.caller.json("PUT", path, body={"claimants": cards, "note": note})
        percents = [each["share_percent"] for each in view["claimants"]]
        expect(percents == [SPOUSE, CHILD], f"the percents are {percents}")
        named = [each["share_percent"] for each in view["survivors"]["beneficiaries"]]
        expect(named == [SPOUSE, CHILD, MOTHER], f"the policy names {named}")
        remarks.append(view["survivors"]["left_out_note"])
    with caseworker.report.step("caseworker 经办", "records the child's account 银行卡"):
        await caseworker.caller.call(
            "POST",
            f"{path}/{view['claimants'][1]['id']}/payout-account",
            body=_account(child),
            expect=201,
            keyed=True,
        )


def _account(rider: Rider) -> dict[str, str]:
    return {
        "account_number": f"6222{int(rider.phone[-10:]):015d}",
        "account_name": rider.name,
        "bank_code": "ICBC",
    }


async def _hand_in(spouse: Phone, claim: Claim) -> None:
    with spouse.report.step("spouse 家属", "records an account and hands in 提交") as remarks:
        await spouse.caller.call(
            "POST",
            "/v1/me/payout-accounts",
            body=_account(spouse.rider),
            expect=201,
            keyed=True,
        )
        view = await spouse.caller.json("POST", f"{claim.path}/submission")
        other = next(each for each in view["claimants"] if not each["own"])
        expect("*" in other["name"], "the other survivor's name is shown whole")
        remarks.append(f"decision promised by {view['decision_promised_by']}")


async def _decide(desks: Desks, claim: Claim) -> None:
    reviewer, supervisor = desks["reviewer"], desks["supervisor"]
    path = f"/v1/staff/claims/{claim.id}"
    await take(reviewer, claim)
    with reviewer.report.step("reviewer 审核", "reads the kinship of each 核对亲属关系"):
        view = await reviewer.caller.json("GET", path)
        papers = {each["kind"]: each["files"] for each in view["documents"]}
        for file in (*papers["death_certificate"], *papers["kinship_proof"]):
            accept = f"{path}/documents/{file['id']}/acceptance"
            await reviewer.caller.call("POST", accept)
        yes = {"verdict": "approve"}
        answer = await reviewer.caller.json(
            "POST", f"{path}/decision", body=yes, keyed=True, expect=409
        )
        expect(answer["code"] == "kinship-not-proven", f"approval says {answer['code']}")
        for claimant in view["claimants"]:
            await reviewer.caller.call(
                "PUT",
                f"{path}/claimants/{claimant['id']}/kinship",
                body={"document_id": papers["kinship_proof"][0]["id"]},
            )
    await approve(reviewer, claim)
    await agree(supervisor, claim)


async def _paid(caseworker: Desk, spouse: Phone, claim: Claim) -> None:
    """Each has a share of their own; the fen add up to the whole."""

    async def ask() -> Any:
        return await spouse.caller.json("GET", claim.path)

    with spouse.report.step("survivors 家属", "have the money 到账") as remarks:
        view = await until("the money", ask, lambda seen: seen["status"] == "paid")
        expect(view["amount_fen"] == WHOLE_FEN, f"the amount is {view['amount_fen']}")
        own = next(each for each in view["claimants"] if each["own"])
        other = next(each for each in view["claimants"] if not each["own"])
        expect(own["payout"]["amount_fen"] == SPOUSE_FEN, f"she has {own['payout']}")
        expect(other["payout"] is None, "she sees the other's payout")
        money = await spouse.caller.json("GET", f"{claim.path}/payout")
        expect(money["id"] == own["payout"]["id"], "the payout shown is not hers")
        staff = await caseworker.caller.json("GET", f"/v1/staff/claims/{claim.id}")
        sent = [each["payout"] for each in staff["claimants"]]
        fens = [each["amount_fen"] for each in sent]
        expect(fens == [SPOUSE_FEN, CHILD_FEN] and sum(fens) == WHOLE_FEN, f"shares are {fens}")
        expect({each["status"] for each in sent} == {"paid"}, f"the payouts are {sent}")
        remarks.append(" + ".join(str(fen) for fen in fens) + f" = {WHOLE_FEN} fen")


async def _mistake(desks: Desks, phone: Phone) -> None:
    """A living rider is reported dead at a counter; a supervisor undoes it, with a reason."""
    caseworker, supervisor = desks["caseworker"], desks["supervisor"]
    await phone.enrol()
    with caseworker.report.step("caseworker 经办", "records a death by mistake 误登记"):
        grant = await caseworker.caller.json(
            "POST",
            "/v1/staff/serve-grants",
            body={"reason": "claim", "document": _document(phone.rider)},
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
