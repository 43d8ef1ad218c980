"""What can become of one claim: each story answers its last status and the fen that were paid."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping

from app.journey.rider import Phone
from app.journey.transport import Miss
from tests.soak.life import WRIST, Life, Person

Ending = tuple[str, int]

WRIST_PAYS = 340_000
GRAZE = {"self_pay_fen": 45_000, "hospital_grade": 2}


async def approved(life: Life) -> Ending:
    await life.hands_in()
    await life.looks_through(life.reviewer)
    await life.decides(life.reviewer, "approve")
    return "paid", await life.gets_the_money()


async def partly(life: Life) -> Ending:
    await life.hands_in()
    await life.looks_through(life.reviewer)
    await life.decides(life.reviewer, "approve", facts={"self_pay_fen": 300_000})
    view = await life.stands("paying")
    if view["verdict"] != "partly_approved":
        raise Miss(f"the verdict is {view['verdict']}")
    return "paid", await life.gets_the_money()


async def denied(life: Life) -> Ending:
    await life.hands_in()
    await life.denies(life.reviewer)
    return "denied", 0


async def returned(life: Life) -> Ending:
    await life.hands_in()
    await life.reviewer.call("POST", f"{life.office}/lease")
    file = (await life.waiting_files(life.reviewer))[0]
    path, body = f"{life.office}/documents/{file}/return", {"reason_code": "unreadable"}
    await life.reviewer.call("POST", path, body=body, after_loss=(409,))
    await life.stands("waiting_for_member")
    await life.sends("medical_record")
    await life.rider.call("POST", f"{life.own}/submission", after_loss=(409,))
    await life.looks_through(life.reviewer)
    await life.decides(life.reviewer, "approve")
    return "paid", await life.gets_the_money()


async def withdrawn(life: Life) -> Ending:
    """The member takes it back at the moment in which a reviewer takes it."""
    await life.hands_in()
    await asyncio.gather(
        life.rider.call("POST", f"{life.own}/withdrawal", after_loss=(409,)),
        life.reviewer.call("POST", f"{life.office}/lease", expect=(200, 409)),
    )
    return "withdrawn", 0


async def appealed(life: Life) -> Ending:
    await life.hands_in()
    await life.denies(life.reviewer)
    await life.appeals()
    await life.reviewer.call("POST", f"{life.office}/lease", expect=409)
    await life.looks_through(life.supervisor)
    await life.decides(life.supervisor, "approve")
    return "paid", await life.gets_the_money()


async def upheld(life: Life) -> Ending:
    await life.hands_in()
    await life.denies(life.supervisor)
    await life.appeals()
    await life.reviewer.call("POST", f"{life.office}/lease")
    await life.decides(life.reviewer, "uphold", note="维持(测试)")
    return "denied", 0


async def by_two(life: Life) -> Ending:
    """Above the limit two people agree, and the money goes to the bank."""
    await _has_a_bank_account(life.rider)
    papers = ("medical_record", "disability_assessment")
    await life.hands_in("DISAB", {"disability_grade": 8}, papers)
    await life.looks_through(life.reviewer)
    await life.decides(life.reviewer, "approve")
    path, body = f"{life.office}/second-approval", {"verdict": "approve"}
    await life.reviewer.call("POST", path, body=body, keyed=True, expect=403)
    await life.supervisor.call("POST", path, body=body, keyed=True)
    return "paid", int((await life.stands("paid"))["amount_fen"])


async def _has_a_bank_account(rider: Person) -> None:
    caller, phone = await rider.awake(), rider.part
    assert isinstance(phone, Phone)
    async with rider.lock:
        if rider.bank_account is None:
            body = {
                "account_number": f"6222{int(phone.rider.phone[-10:]):015d}",
                "account_name": phone.rider.name,
                "bank_code": "ICBC",
            }
            recorded = await caller.json(
                "POST", "/v1/me/payout-accounts", body=body, expect=201, keyed=True
            )
            rider.bank_account = recorded["id"]


async def run_out(life: Life) -> Ending:
    """Nobody confirms in time; asked for again it comes under a new number, once."""
    await life.hands_in()
    await life.looks_through(life.reviewer)
    await life.decides(life.reviewer, "approve")
    await life.gets_the_money("expire")
    await life.stands("approved")
    await life.rider.call("POST", f"{life.own}/payout", expect=201, keyed=True)
    return "paid", await life.gets_the_money()


async def by_rule(life: Life) -> Ending:
    await life.opens("MED", GRAZE)
    receipt = {
        "code": "050001900104",
        "number": secrets.token_hex(8),
        "amount_fen": 45_000,
        "issued_on": life.happened_at[:10],
    }
    await life.rider.call("POST", f"{life.own}/receipts", body=receipt, keyed=True)
    for kind in ("medical_record", "receipt"):
        await life.sends(kind)
    await life.rider.call("POST", f"{life.own}/submission", after_loss=(409,))
    paid = await life.gets_the_money()
    if not (await life.stands("paid"))["decided_by_rule"]:
        raise Miss("a person is said to have decided")
    return "paid", paid


async def reopened(life: Life) -> Ending:
    """Paid, looked at again, and only the difference is paid."""
    await life.hands_in(facts=WRIST | {"self_pay_fen": 250_000})
    await life.looks_through(life.reviewer)
    await life.decides(life.reviewer, "approve")
    await life.gets_the_money()
    body = {"reason_code": "new-evidence", "note": "补交结算单(测试)"}
    path = f"{life.office}/reopening"
    await life.supervisor.call("POST", path, body=body, expect=201, keyed=True)
    await life.looks_through(life.reviewer)
    await life.decides(life.reviewer, "approve", facts=WRIST)
    return "paid", await life.gets_the_money()


async def duel(life: Life) -> Ending:
    """Two reviewers take it at once and decide at once, for and against: one word counts."""
    await life.hands_in()
    both = (life.reviewer, life.supervisor)
    leased = await asyncio.gather(
        *(who.call("POST", f"{life.office}/lease", expect=(200, 409)) for who in both)
    )
    if sorted(each.status_code for each in leased) != [200, 409]:
        raise Miss(f"the lease went to {[each.status_code for each in leased]}")
    await life.looks_through(both[0] if leased[0].status_code == 200 else both[1])
    no = {"reason_code": "not-an-accident"}
    answers = await asyncio.gather(
        *(life.decides(who, "approve", expect=(200, 409)) for who in both),
        *(life.decides(who, "deny", expect=(200, 409), **no) for who in both),
    )
    said = [each.status_code for each in answers]
    life.wins = said.count(200)
    if life.wins != 1:
        raise Miss(f"the decisions were answered {said}")
    if 200 in said[2:]:
        return "denied", 0
    return "paid", await life.gets_the_money()


Story = Callable[[Life], Awaitable[Ending]]

MIXED: tuple[Story, ...] = (
    approved,
    partly,
    denied,
    returned,
    withdrawn,
    appealed,
    upheld,
    by_two,
    run_out,
    by_rule,
    reopened,
)
# What each is worth when it ends as told.
WORTH: Mapping[Story, Ending] = {
    approved: ("paid", WRIST_PAYS),
    partly: ("paid", 290_000),
    denied: ("denied", 0),
    returned: ("paid", WRIST_PAYS),
    withdrawn: ("withdrawn", 0),
    appealed: ("paid", WRIST_PAYS),
    upheld: ("denied", 0),
    by_two: ("paid", 2_400_000),
    run_out: ("paid", WRIST_PAYS),
    by_rule: ("paid", 35_000),
    reopened: ("paid", WRIST_PAYS),
}
