"""A claim from the accident to the money: the rider's part."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

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
            body = receipt_of(amount_fen, happened_at)
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


def receipt_of(amount_fen: int, happened_at: datetime) -> dict[str, Any]:
    """An invoice of the day of the event with a number that no other has."""
    return {
        "code": "050001900104",
        "number": secrets.token_hex(5),
        "amount_fen": amount_fen,
        "issued_on": happened_at.astimezone(SHANGHAI).date().isoformat(),
    }


def accident_after(starts_at: datetime) -> datetime:
    """An instant inside the cover: half past seven in the evening is too late for today."""
    return starts_at + timedelta(hours=8, minutes=30)
