"""Two survivors and a policy that names a third: the claim, its papers, and a share for each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.journey.claim import Case, Claim, accident_after
from app.journey.claim_review import agree, approve, take
from app.journey.office import Desk
from app.journey.people import Rider, make_rider
from app.journey.rider import Phone
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


def expect(holds: bool, words: str) -> None:
    """Raise Miss unless it holds."""
    if not holds:
        raise Miss(words)


def document_of(rider: Rider) -> dict[str, str]:
    return {"type": "resident_id", "number": rider.number}


async def refused(caller: Caller, method: str, path: str, body: Any, status: int) -> Any:
    return await caller.json(method, path, body=body, expect=status)


async def open_claim(spouse: Phone, phone: Phone, report: str) -> Claim:
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


async def enter_claimants(caseworker: Desk, claim: Claim, spouse: Rider, child: Rider) -> None:
    """At the counter, card in hand; whoever is not named is refused, who is left out explained."""
    path = f"/v1/staff/claims/{claim.id}/claimants"
    cards = [
        {
            "name": who.name,
            "document": document_of(who),
            "phone": who.phone,
            "relation": relation,
            "card_seen": True,
        }
        for who, relation in ((spouse, "spouse"), (child, "child"))
    ]
    note = "母亲已于被保障人之前去世(测试)"
    with caseworker.report.step("caseworker 经办", "refuses a stranger 非受益人不予登记"):
        stranger = {**cards[1], "name": "测试外人", "document": document_of(make_rider())}
        body: dict[str, Any] = {"claimants": [cards[0], stranger], "note": note}
        answer = await refused(caseworker.caller, "PUT", path, body, 422)
        codes = [error["code"] for error in answer["errors"]]
        expect(codes == ["not-named"], f"a stranger is refused with {codes}")
        answer = await refused(caseworker.caller, "PUT", path, {"claimants": cards}, 422)
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


async def hand_in(spouse: Phone, claim: Claim) -> None:
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


async def decide(desks: Desks, claim: Claim) -> None:
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


async def expect_paid(caseworker: Desk, spouse: Phone, claim: Claim) -> None:
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
