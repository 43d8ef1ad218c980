"""Stories of one rider each, in the middle of the first covered day; what fails is a miss."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from app.journey import death, expiry, relief
from app.journey.claim import DISABILITY, HOSPITAL, SMALL, Case, Claim, accident_after
from app.journey.claim_review import agree, approve, review, take
from app.journey.office import Desk, move_clock
from app.journey.rider import Phone
from app.journey.transport import Miss, until

Desks = Mapping[str, Desk]
Scenario = Callable[[Desks, Phone], Awaitable[None]]

# A decision by rule has to come this soon after the claim was handed in.
RULE_SECONDS = 20.0
# What happens this soon after the start of cover, a person looks at.
EARLY = timedelta(days=3)


def expect(holds: bool, words: str) -> None:
    """Raise Miss unless it holds."""
    if not holds:
        raise Miss(words)


async def _submitted(phone: Phone, case: Case, after: timedelta = timedelta()) -> Claim:
    claim = Claim(phone, case)
    starts = datetime.fromisoformat(phone.known["policy"]["starts_at"])
    await claim.submit(accident_after(starts + after))
    return claim


async def _own(claim: Claim) -> Any:
    return await claim.phone.caller.json("GET", claim.path)


async def returned_document(desks: Desks, phone: Phone) -> None:
    """A paper goes back with a reason, the clock stands meanwhile, and all of it is on record."""
    claim = await _submitted(phone, HOSPITAL)
    await review(desks["reviewer"], claim)
    await agree(desks["supervisor"], claim)
    await claim.receive_money()
    with phone.report.step("rider 骑手", "reads why the promise moved 查看时限") as remarks:
        view = await _own(claim)
        made = view["promises"][0]
        reasons = [stop["reason_code"] for stop in made["stops"]]
        expect(reasons == ["waiting-for-member"], f"the stops are {reasons}")
        expect(made["outcome"] == "kept", f"the promise was {made['outcome']}")
        statuses = [entry["status"] for entry in view["timeline"]]
        expect("waiting_for_member" in statuses, "the return is not in the timeline")
        remarks.append(f"{made['stops'][0]['reason']['zh']}: {made['stops'][0]['since']}")


async def four_eyes(desks: Desks, phone: Phone) -> None:
    """Above the limit the first person is not the second; two words stand behind the money."""
    claim = await _submitted(phone, DISABILITY)
    reviewer, supervisor = desks["reviewer"], desks["supervisor"]
    path = f"/v1/staff/claims/{claim.id}"
    second = f"{path}/second-approval"
    yes = {"verdict": "approve"}
    await review(reviewer, claim)
    with phone.report.step("rider 骑手", "is told no amount before two agreed 复核中"):
        view = await _own(claim)
        expect(view["status"] == "awaiting_second_approval", f"the claim is {view['status']}")
        expect(view["amount_fen"] is None, "an amount is told before two agreed")
    with reviewer.report.step("reviewer 审核", "cannot be the second as well 不得自行复核"):
        await reviewer.caller.call("POST", second, body=yes, keyed=True, expect=403)
    await agree(supervisor, claim)
    with supervisor.report.step("supervisor 主管", "agrees once 不重复复核"):
        await supervisor.caller.call("POST", second, body=yes, keyed=True, expect=409)
    await claim.receive_money()
    with reviewer.report.step("reviewer 审核", "sees both words 两人签字") as remarks:
        view = await reviewer.caller.json("GET", path)
        steps = [each["step"] for each in view["decisions"]]
        expect(steps == ["first", "second"], f"the decisions are {steps}")
        expect(view["amount_fen"] > view["second_approval_above_fen"], "one person was enough")
        remarks.append(f"{view['amount_fen']} fen above {view['second_approval_above_fen']}")


async def appeal(desks: Desks, phone: Phone) -> None:
    """Denied, appealed with a new paper, decided anew by somebody else, and paid; once."""
    claim = await _submitted(phone, HOSPITAL)
    reviewer, supervisor = desks["reviewer"], desks["supervisor"]
    await take(reviewer, claim)
    with reviewer.report.step("reviewer 审核", "denies with a reason 不予"):
        await reviewer.caller.call(
            "POST",
            f"/v1/staff/claims/{claim.id}/decision",
            body={"verdict": "deny", "reason_code": "not-an-accident"},
            keyed=True,
        )
    with phone.report.step("rider 骑手", "reads why, and until when to appeal 查看理由") as remarks:
        view = await _own(claim)
        expect(view["verdict"] == "denied", f"the verdict is {view['verdict']}")
        expect(view["shown_as"] == "not_agreed", f"it is shown as {view['shown_as']}")
        expect(view["appeal_until"] is not None, "no appeal is offered")
        remarks.append(f"{view['decisions'][-1]['reason']['zh']}; {view['appeal_until']}")
    with phone.report.step("rider 骑手", "appeals with a new paper 申诉") as remarks:
        body = {"text": "有交警证明，是意外事故(测试)"}
        path = f"{claim.path}/appeal"
        view = await phone.caller.json("POST", path, body=body, expect=201, keyed=True)
        remarks.append(f"to {view['appeal']['organisation_name']}")
        await claim.upload("medical_record")
    with reviewer.report.step("reviewer 审核", "who denied may not decide again 回避"):
        lease = f"/v1/staff/claims/{claim.id}/lease"
        await reviewer.caller.call("POST", lease, expect=409)
    await take(supervisor, claim)
    await approve(supervisor, claim)
    await claim.receive_money()
    with phone.report.step("rider 骑手", "cannot appeal twice 不得重复申诉"):
        view = await _own(claim)
        outcome = view["appeal"]["outcome"]
        expect(outcome == "decided_anew", f"the appeal ended as {outcome}")
        await phone.caller.call("POST", f"{claim.path}/appeal", body=body, expect=409, keyed=True)


async def straight_through(desks: Desks, phone: Phone) -> None:
    """A small complete claim is decided in seconds without a person, marked so, and paid."""
    starts = datetime.fromisoformat(phone.known["policy"]["starts_at"])
    with phone.report.step("sandbox 时钟", "lets the first days pass 过数日"):
        await move_clock(desks["administrator"], starts + EARLY + timedelta(hours=12))
    claim = await _submitted(phone, SMALL, EARLY)
    with phone.report.step("rule 规则", "decides at once 即时核定") as remarks:

        async def ask() -> Any:
            return await _own(claim)

        view = await until(
            "the decision",
            ask,
            lambda seen: seen["status"] in ("approved", "paying", "paid"),
            seconds=RULE_SECONDS,
        )
        expect(view["decided_by_rule"], "the claim is not marked as decided by rule")
        expect(view["amount_fen"] == 35_000, f"the amount is {view['amount_fen']}")
        expect(view["decisions"][0]["by_rule"], "a person is named")
        remarks.append(f"{view['amount_fen']} fen")
        remarks.extend(step["zh"] for step in view["decisions"][0]["explanation"]["steps"])
    await claim.receive_money()


SCENARIOS: Mapping[str, Scenario] = {
    "returned-document": returned_document,
    "four-eyes": four_eyes,
    "appeal": appeal,
    "straight-through": straight_through,
    "death": death.play,
    "payout-expiry": expiry.play,
    "relief": relief.play,
}
