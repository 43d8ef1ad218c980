"""A claim from the accident to the money: the rider's part, and the reviewers'."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from app.journey.office import Desk, judge_signals
from app.journey.rider import Phone
from app.journey.transport import Miss, until

CHUNK = 24 * 1024


@dataclass(frozen=True)
class Case:
    """What happened, which benefit it falls under, and what the papers say."""

    words: str
    benefit: str
    papers: tuple[str, ...]
    facts: dict[str, Any]
    to_bank: bool = False
    return_first: bool = False
    cause: str = "accident"
    receipt_fen: int | None = None


HOSPITAL = Case(
    "a broken wrist, 3,500 yuan self-paid",
    "MED",
    ("medical_record", "receipt"),
    {"self_pay_fen": 350_000, "hospital_grade": 2},
    return_first=True,
)
DISABILITY = Case(
    "a disability of grade 5",
    "DISAB",
    ("medical_record", "disability_assessment"),
    {"disability_grade": 5},
    to_bank=True,
)

SMALL = Case(
    "a graze, 450 yuan self-paid",
    "MED",
    ("medical_record", "receipt"),
    {"self_pay_fen": 45_000, "hospital_grade": 2},
    receipt_fen=45_000,
)
SHANGHAI = timezone(timedelta(hours=8))


@dataclass
class Claim:
    """One claim under way; both sides read it again after each step."""

    phone: Phone
    case: Case
    id: str = ""
    view: dict[str, Any] | None = None

    @property
    def path(self) -> str:
        return f"/v1/me/claims/{self.id}"

    async def submit(self, happened_at: datetime) -> None:
        """Open, upload every document, hand in."""
        caller, report = self.phone.caller, self.phone.report
        account = await self._record_bank_account() if self.case.to_bank else None
        with report.step("rider 骑手", f"opens a claim: {self.case.words} 申领") as remarks:
            body = {
                "policy_id": self.phone.known["policy"]["id"],
                "benefit_code": self.case.benefit,
                "incident": {
                    "cause": self.case.cause,
                    "occurred_at": happened_at.isoformat(),
                    "place": "测试路口",
                    "description": "送餐途中摔倒(测试)",
                },
                "facts": self.case.facts,
            }
            if account is not None:
                body["payout_account_id"] = account
            opened = await caller.json("POST", "/v1/me/claims", body=body, expect=201, keyed=True)
            self.id = opened["id"]
            states = {each["kind"]: each["state"] for each in opened["documents"]}
            remarks.append(f"{opened['number']}: {states}")
        with report.step("rider 骑手", "uploads documents, one over a cut line 上传材料"):
            for paper in self.case.papers:
                await self.upload(paper)
        if self.case.receipt_fen is not None:
            await self._type_receipt(self.case.receipt_fen, happened_at)
        with report.step("rider 骑手", "hands the claim in 提交") as remarks:
            await caller.call("POST", f"{self.path}/submission", after_loss=(409,))
            self.view = await caller.json("GET", self.path)
            remarks.append(f"decision promised by {self.view['decision_promised_by']}")

    async def _record_bank_account(self) -> str:
        with self.phone.report.step("rider 骑手", "records a bank account 银行卡"):
            recorded = await self.phone.caller.json(
                "POST",
                "/v1/me/payout-accounts",
                body={
                    "account_number": f"6222{int(self.phone.rider.phone[-10:]):015d}",
                    "account_name": self.phone.rider.name,
                    "bank_code": "ICBC",
                },
                expect=201,
                keyed=True,
            )
        return str(recorded["id"])

    async def _type_receipt(self, amount_fen: int, happened_at: datetime) -> None:
        with self.phone.report.step("rider 骑手", "types in the receipt 录入发票"):
            body = _receipt(amount_fen, happened_at)
            await self.phone.caller.call("POST", f"{self.path}/receipts", body=body, keyed=True)

    async def upload(self, paper: str) -> None:
        """Two chunks; between them the line is cut and the phone asks where to go on."""
        caller, content = self.phone.caller, self.phone.paper(paper)
        opened = await caller.json(
            "POST",
            f"{self.path}/uploads",
            body={"kind": paper, "bytes": len(content)},
            expect=201,
            keyed=True,
        )
        octets = {"Content-Type": "application/octet-stream"}
        await caller.call("PUT", f"{opened['url']}/0", content=content[:CHUNK], headers=octets)
        while (received := (await caller.json("GET", opened["url"]))["received"]) < len(content):
            rest = content[received : received + opened["chunk_bytes"]]
            await caller.call("PUT", f"{opened['url']}/{received}", content=rest, headers=octets)
        finish = f"{self.path}/uploads/{opened['token']}/finish"
        await caller.call("POST", finish, after_loss=(404, 409, 410))

    async def answer_return(self) -> None:
        """Read what is wrong, photograph it again, hand in again."""
        with self.phone.report.step("rider 骑手", "replaces the returned document 补正") as remarks:
            view = await self.phone.caller.json("GET", self.path)
            returned = [each for each in view["documents"] if each["state"] == "returned"]
            if view["status"] != "waiting_for_member" or len(returned) != 1:
                raise Miss(f"the claim is {view['status']} with {len(returned)} returned")
            reasons = [file["reason"] for file in returned[0]["files"] if file["reason"]]
            remarks.append(f"{returned[0]['name']['zh']}: {reasons[-1]['zh'] if reasons else ''}")
            await self.upload(returned[0]["kind"])
            await self.phone.caller.call("POST", f"{self.path}/submission", after_loss=(409,))

    async def receive_money(self) -> None:
        """Confirm in WeChat where the gateway wants it, and wait until the money is there."""
        caller = self.phone.caller

        async def payout() -> Any:
            return await caller.json("GET", f"{self.path}/payout")

        if not self.case.to_bank:
            with self.phone.report.step("rider 骑手", "confirms the transfer 确认收款"):
                waiting = await until(
                    "the transfer",
                    payout,
                    lambda view: (
                        view["status"] != "requested"
                        and view["status"] != "sending"
                        and view["status"] != "accepted"
                    ),
                )
                if waiting["status"] != "waiting_confirm":
                    raise Miss(f"the payout is {waiting['status']}")
                await self.phone.world.control(
                    "transfers/confirm",
                    package_info=waiting["confirmation"]["package"],
                    openid=self.phone.openid,
                )
        with self.phone.report.step("rider 骑手", "has the money 到账") as remarks:

            async def claim() -> Any:
                return await caller.json("GET", self.path)

            paid = await until("the money", claim, lambda view: view["status"] == "paid")
            remarks.append(f"{paid['amount_fen']} fen at {paid['paid_at']}")
            remarks.extend(
                f"{entry['at']}  {entry['text']['zh']}  {entry['text']['en']}"
                for entry in paid["timeline"]
            )
            self.view = paid


def _receipt(amount_fen: int, happened_at: datetime) -> dict[str, Any]:
    """An invoice of the day of the event with a number that no other has."""
    return {
        "code": "050001900104",
        "number": secrets.token_hex(5),
        "amount_fen": amount_fen,
        "issued_on": happened_at.astimezone(SHANGHAI).date().isoformat(),
    }


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
        body = _receipt(case.facts.get("self_pay_fen", 100_000), happened_at)
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


def accident_after(starts_at: datetime) -> datetime:
    """An instant inside the cover: half past seven in the evening is too late for today."""
    return starts_at + timedelta(hours=8, minutes=30)
