"""A rider lets WeChat's confirmation run out: asked about, sent anew, paid once; then by bank."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.journey.claim import HOSPITAL, Case, Claim, accident_after
from app.journey.claim_review import review
from app.journey.office import Desk
from app.journey.rider import Phone
from app.journey.transport import Miss, until

Desks = Mapping[str, Desk]

SPRAIN = Case(
    "a sprained ankle, 1,200 yuan self-paid",
    "MED",
    ("medical_record", "receipt"),
    {"self_pay_fen": 120_000, "hospital_grade": 2},
)
ROUND = Case(HOSPITAL.words, HOSPITAL.benefit, HOSPITAL.papers, HOSPITAL.facts)
DAY_SECONDS = 86_400
QUERY = "/out-bill-no/"
# More questions than are asked while the gateway stays silent.
SILENT_CALLS = 200
# By then the service has asked, and asked again.
ASKED_WITHIN_SECONDS = 3


def expect(holds: bool, words: str) -> None:
    """Raise Miss unless it holds."""
    if not holds:
        raise Miss(words)


async def play(desks: Desks, phone: Phone) -> None:
    """The same way twice: once taken in WeChat after all, once sent to a bank instead."""
    claim = await _approved(desks, phone, ROUND)
    first = await _countdown(claim)
    await _run_out(claim, first)
    second = await _anew(claim, first)
    await claim.receive_money()
    await _once(claim, second)
    other = await _approved(desks, phone, SPRAIN)
    lost = await _countdown(other)
    await _expire(other, lost)
    await _failed(other, lost)
    await _to_bank(other, lost)


async def _approved(desks: Desks, phone: Phone, case: Case) -> Claim:
    claim = Claim(phone, case)
    starts = datetime.fromisoformat(phone.known["policy"]["starts_at"])
    await claim.submit(accident_after(starts))
    await review(desks["reviewer"], claim)
    return claim


async def _payout(claim: Claim) -> Any:
    return await claim.phone.caller.json("GET", f"{claim.path}/payout")


async def _countdown(claim: Claim) -> Any:
    """What the phone shows while the money waits."""

    async def ask() -> Any:
        return await _payout(claim)

    with claim.phone.report.step("rider 骑手", "sees until when to confirm 倒计时") as remarks:
        view = await until("the transfer", ask, lambda seen: seen["status"] == "waiting_confirm")
        expect(view["confirm_before"] is not None, "no end of the time is told")
        expect(0 < view["confirm_seconds"] <= DAY_SECONDS, f"{view['confirm_seconds']} s are left")
        later = await until(
            "the countdown", ask, lambda seen: seen["confirm_seconds"] < view["confirm_seconds"]
        )
        remarks.append(f"{later['confirm_seconds']} s left, until {later['confirm_before']}")
    with claim.phone.report.step("rider 骑手", "cannot have it twice meanwhile 不得重复付款"):
        answer = await _ask_again(claim, 409)
        expect(answer["code"] == "payout-live", f"asking again says {answer['code']}")
    return later


async def _ask_again(claim: Claim, status: int) -> Any:
    return await claim.phone.caller.json("POST", f"{claim.path}/payout", expect=status, keyed=True)


async def _expire(claim: Claim, waiting: Any) -> None:
    with claim.phone.report.step("rider 骑手", "lets the time run out 逾期未确认"):
        package = waiting["confirmation"]["package"]
        await claim.phone.world.control("transfers/expire", package_info=package)


async def _run_out(claim: Claim, waiting: Any) -> None:
    """The gateway's notice alone frees nothing: only its answer to our own question does."""
    world = claim.phone.world
    fault = {"system": "wechat-pay", "mode": "error", "path": QUERY, "calls": SILENT_CALLS}
    await world.control("faults", **fault)
    await _expire(claim, waiting)
    with claim.phone.report.step("gateway 支付", "says it failed, and cannot be asked 未核实"):

        async def told() -> Any:
            notices = await world.control("notices/list", parent=await _number(claim))
            return notices["notices"]

        await until("the notice", told, lambda found: any(_delivered(each) for each in found))
        await asyncio.sleep(ASKED_WITHIN_SECONDS)
        view = await _payout(claim)
        expect(view["status"] == "waiting_confirm", f"unasked the payout is {view['status']}")
        answer = await _ask_again(claim, 409)
        expect(answer["code"] == "payout-live", f"unasked a new number says {answer['code']}")
    await world.control("faults/clear")
    await _failed(claim, waiting)


def _delivered(notice: Any) -> bool:
    return bool(notice["fate"] == "delivered")


async def _number(claim: Claim) -> str:
    """Our number of the newest payout: its id in 32 characters."""
    return str((await _payout(claim))["id"]).replace("-", "").upper()


async def _failed(claim: Claim, waiting: Any) -> None:
    async def ask() -> Any:
        return await _payout(claim)

    with claim.phone.report.step("gateway 支付", "answers that it failed 查询确认失败") as remarks:
        view = await until("the failure", ask, lambda seen: seen["status"] == "failed")
        expect(view["id"] == waiting["id"], "something new was sent without being asked for")
        expect(view["failure_code"] == "OVERDUE_CLOSE", f"it failed with {view['failure_code']}")
        remarks.append(view["failure_code"])

    async def told() -> Any:
        return (await claim.phone.caller.json("GET", "/v1/me/messages"))["items"]

    with claim.phone.report.step("rider 骑手", "is told, and that it can be sent again 通知"):
        await until(
            "the message",
            told,
            lambda found: any(
                each["template"] == "payout_failed" and each["subject_id"] == waiting["id"]
                for each in found
            ),
        )


async def _anew(claim: Claim, former: Any) -> Any:
    with claim.phone.report.step("rider 骑手", "asks again: a new number 重新发起") as remarks:
        view = await _ask_again(claim, 201)
        expect(view["id"] != former["id"], "the number is the old one")
        expect(view["amount_fen"] == former["amount_fen"], "the amount is another one")
        remarks.append(f"{former['id']} → {view['id']}")
    return view


async def _once(claim: Claim, second: Any) -> None:
    with claim.phone.report.step("rider 骑手", "was paid once 只付一次") as remarks:
        view = await _payout(claim)
        expect(view["id"] == second["id"] and view["status"] == "paid", f"the payout is {view}")
        paid = await claim.phone.caller.json("GET", claim.path)
        expect(paid["amount_fen"] == view["amount_fen"], "another sum was paid")
        answer = await _ask_again(claim, 409)
        expect(answer["code"] == "invalid-transition", f"asking again says {answer['code']}")
        remarks.append(f"asking once more: {answer['code']}")


async def _to_bank(claim: Claim, former: Any) -> None:
    caller, rider = claim.phone.caller, claim.phone.rider
    with claim.phone.report.step("rider 骑手", "has it sent to a bank 改付银行卡") as remarks:
        account = await caller.json(
            "POST",
            "/v1/me/payout-accounts",
            body={
                "account_number": f"6222{int(rider.phone[-10:]):015d}",
                "account_name": rider.name,
                "bank_code": "ICBC",
            },
            expect=201,
            keyed=True,
        )
        chosen = {"payout_account_id": account["id"]}
        await caller.call("PUT", f"{claim.path}/payout-account", body=chosen)
        view = await _ask_again(claim, 201)
        expect(view["method"] == "bank" and view["id"] != former["id"], f"it goes by {view}")

        async def ask() -> Any:
            return await caller.json("GET", claim.path)

        paid = await until("the money", ask, lambda seen: seen["status"] == "paid")
        money = await _payout(claim)
        expect(money["status"] == "paid" and money["id"] == view["id"], f"the payout is {money}")
        remarks.append(f"{paid['amount_fen']} fen at {paid['paid_at']}")
