"""A claim at the office: found in the queue, looked through, decided, agreed to by a second."""

from datetime import datetime

from app.journey.claim import Case, Claim, receipt_of
from app.journey.office import Desk, judge_signals
from app.journey.transport import Miss


async def take(reviewer: Desk, claim: Claim) -> None:
    """Find the claim in the queue and reserve it."""
    with reviewer.report.step("reviewer 审核", "takes the claim from the queue 领取"):
        await reviewer.stay_logged_in()
        await _find_in_queue(reviewer, claim)
        await reviewer.caller.call("POST", f"/v1/staff/claims/{claim.id}/lease")


async def review(reviewer: Desk, claim: Claim) -> None:
    """Take the claim, look at each document, decide."""
    caller, report = reviewer.caller, reviewer.report
    path = f"/v1/staff/claims/{claim.id}"
    await take(reviewer, claim)
    if claim.case.return_first:
        with report.step("reviewer 审核", "returns an unreadable document 退回补正"):
            document = await _look_at(reviewer, path, claim.case.papers[0])
            await caller.call(
                "POST",
                f"{path}/documents/{document}/return",
                body={"reason_code": "unreadable"},
                after_loss=(409,),
            )
        await claim.answer_return()
        await caller.call("POST", f"{path}/lease")
    await approve(reviewer, claim)


async def approve(reviewer: Desk, claim: Claim) -> None:
    """Look at every waiting document, accept it, and agree; the amount is computed."""
    caller, report = reviewer.caller, reviewer.report
    path = f"/v1/staff/claims/{claim.id}"
    with report.step("reviewer 审核", "accepts the documents 材料通过"):
        for paper in claim.case.papers:
            while (document := await _look_at(reviewer, path, paper)) is not None:
                accept = f"{path}/documents/{document}/acceptance"
                await caller.call("POST", accept, after_loss=(409,))
    await _capture(reviewer, path, claim.case)
    await judge_signals(reviewer, path)
    with report.step("reviewer 审核", "approves; the amount is computed 同意") as remarks:
        decided = await caller.json(
            "POST",
            f"{path}/decision",
            body={"verdict": "approve", "facts": claim.case.facts},
            keyed=True,
        )
        decision = decided["decisions"][-1]
        remarks.append(f"{decision['amount_fen']} fen, now {decided['status']}")
        remarks.extend(step["zh"] for step in decision["explanation"]["steps"])


async def _capture(reviewer: Desk, path: str, case: Case) -> None:
    """What the receipt says, unless the rider has typed it in: nothing is paid on its picture."""
    view = await reviewer.caller.json("GET", path)
    if "receipt" not in case.papers or view["receipts"]:
        return
    with reviewer.report.step("reviewer 审核", "types in the receipt 录入发票"):
        happened_at = datetime.fromisoformat(view["incident"]["occurred_at"])
        # Where days in hospital are paid for, the sum on the receipt decides nothing.
        body = receipt_of(case.facts.get("self_pay_fen", 100_000), happened_at)
        await reviewer.caller.call("POST", f"{path}/receipts", body=body, keyed=True)


async def _find_in_queue(reviewer: Desk, claim: Claim) -> None:
    """Page through the queue until the claim is seen."""
    cursor, pages = "", 0
    while pages < 200:
        page = await reviewer.caller.json("GET", f"/v1/staff/claims?limit=50{cursor}")
        if any(row["id"] == claim.id for row in page["items"]):
            return
        if page["next_cursor"] is None:
            break
        cursor, pages = f"&cursor={page['next_cursor']}", pages + 1
    raise Miss("the claim is not in the review queue")


async def _look_at(reviewer: Desk, path: str, kind: str) -> str | None:
    """Open a waiting file of one kind through its single-use link; its id, None without any."""
    view = await reviewer.caller.json("GET", path)
    required = next(each for each in view["documents"] if each["kind"] == kind)
    file = next((each for each in required["files"] if each["status"] == "waiting"), None)
    if file is None:
        return None
    link = await reviewer.caller.json(
        "POST", f"{path}/documents/{file['id']}/view", body={"variant": "content"}
    )
    shown = await reviewer.caller.call("GET", link["url"], after_loss=(410,))
    if not shown.content:
        raise Miss("the document is empty")
    await reviewer.caller.call("GET", link["url"], expect=410)
    return str(file["id"])


async def agree(supervisor: Desk, claim: Claim) -> None:
    """The second of two people, where the plan asks for one."""
    path = f"/v1/staff/claims/{claim.id}"
    await supervisor.stay_logged_in()
    view = await supervisor.caller.json("GET", path)
    if view["status"] != "awaiting_second_approval":
        if claim.case.to_bank:
            raise Miss(f"a second approval was expected, the claim is {view['status']}")
        return
    with supervisor.report.step("supervisor 主管", "agrees as the second person 复核"):
        await supervisor.caller.call(
            "POST", f"{path}/second-approval", body={"verdict": "approve"}, keyed=True
        )
