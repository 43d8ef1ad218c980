"""What can become of one claim, told over HTTP by people who keep their nerve.

A story answers how its claim ends: its status and the fen that were paid. Whoever plays a
part repeats a request until it is answered, with the same key; the money comes when it comes.
"""

import asyncio
import io
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image

from app.journey.office import Desk
from app.journey.rider import Phone
from app.journey.transport import Caller, Miss

Ending = tuple[str, int]

WRIST = {"self_pay_fen": 350_000, "hospital_grade": 2}
WRIST_PAYS = 340_000
GRAZE = {"self_pay_fen": 45_000, "hospital_grade": 2}
# Every way in which the gateway's word about a transfer may come, or not.
NOTICES = ("normal", "twice", "late", "dropped", "stale", "foreign_signature", "wrong_amount")
MONEY_SECONDS = 900.0
# Tokens are good for fifteen minutes.
LOG_IN_AGAIN_SECONDS = 780.0


@dataclass
class Patient(Caller):
    """A device that waits for its turn, and for as long as the storm may last."""

    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    patience_seconds: float = MONEY_SECONDS

    async def _try(self, *request: Any) -> httpx.Response | None:
        async with self.turn:
            return await super()._try(*request)


@dataclass
class Person:
    """A rider or somebody of the staff; logged in again before the token runs out."""

    part: Phone | Desk
    logged_in_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    bank_account: str | None = None

    async def awake(self) -> Caller:
        async with self.lock:
            if time.monotonic() - self.logged_in_at > LOG_IN_AGAIN_SECONDS:
                await self.part.log_in()
                self.logged_in_at = time.monotonic()
        return self.part.caller

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await (await self.awake()).call(method, path, **options)

    async def json(self, method: str, path: str, **options: Any) -> Any:
        return (await self.call(method, path, **options)).json()


@dataclass
class Life:
    """One claim and the people around it."""

    rider: Person
    reviewer: Person
    supervisor: Person
    happened_at: str
    id: str = ""
    wins: int = 0

    @property
    def own(self) -> str:
        return f"/v1/me/claims/{self.id}"

    @property
    def office(self) -> str:
        return f"/v1/staff/claims/{self.id}"

    async def opens(self, benefit: str, facts: Mapping[str, Any]) -> None:
        phone = self.rider.part
        assert isinstance(phone, Phone)
        body = {
            "policy_id": phone.known["policy"]["id"],
            "benefit_code": benefit,
            "incident": {
                "cause": "accident",
                "occurred_at": self.happened_at,
                "place": "测试路口",
                "description": "送餐途中摔倒(测试)",
            },
            "facts": facts,
        }
        opened = await self.rider.json("POST", "/v1/me/claims", body=body, expect=201, keyed=True)
        self.id = opened["id"]

    async def sends(self, kind: str) -> None:
        files = {"file": ("a.png", picture(), "image/png")}
        form = httpx.Request("POST", "http://form", data={"kind": kind}, files=files)
        content, headers = form.read(), {"Content-Type": form.headers["Content-Type"]}
        path = f"{self.own}/documents"
        await self.rider.call(
            "POST", path, content=content, headers=headers, expect=201, keyed=True
        )

    async def hands_in(
        self,
        benefit: str = "MED",
        facts: Mapping[str, Any] = WRIST,
        papers: tuple[str, ...] = ("medical_record", "receipt"),
    ) -> None:
        await self.opens(benefit, facts)
        for kind in papers:
            await self.sends(kind)
        await self.rider.call("POST", f"{self.own}/submission", after_loss=(409,))

    async def looks_through(self, who: Person) -> None:
        """Takes the claim and accepts every file that waits."""
        await who.call("POST", f"{self.office}/lease")
        for file in await self._waiting(who):
            path = f"{self.office}/documents/{file}/acceptance"
            await who.call("POST", path, after_loss=(409,))

    async def _waiting(self, who: Person) -> list[str]:
        view = await who.json("GET", self.office)
        files = [file for each in view["documents"] for file in each["files"]]
        return [file["id"] for file in files if file["status"] == "waiting"]

    async def decides(self, who: Person, verdict: str, **more: Any) -> httpx.Response:
        body, expect = {"verdict": verdict, **more}, more.pop("expect", 200)
        body.pop("expect", None)
        return await who.call(
            "POST", f"{self.office}/decision", body=body, expect=expect, keyed=True
        )

    async def denies(self, who: Person) -> None:
        await who.call("POST", f"{self.office}/lease")
        await self.decides(who, "deny", reason_code="not-an-accident")

    async def appeals(self) -> None:
        body = {"text": "有交警证明，是意外事故(测试)"}
        await self.rider.call("POST", f"{self.own}/appeal", body=body, expect=201, keyed=True)

    async def payout(self, *statuses: str) -> Any:
        """The newest payout, once it stands in one of these."""
        return await self._until(f"{self.own}/payout", statuses)

    async def stands(self, *statuses: str) -> Any:
        """The claim, once it stands in one of these."""
        return await self._until(self.own, statuses)

    async def _until(self, path: str, statuses: tuple[str, ...]) -> Any:
        end, pause = time.monotonic() + MONEY_SECONDS, 0.3
        while True:
            answer = await self.rider.call("GET", path, expect=(200, 404))
            if answer.status_code == 200 and answer.json()["status"] in statuses:
                return answer.json()
            if time.monotonic() > end:
                raise Miss(f"{path} never stood in {statuses}: {answer.text[:300]}")
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))
            pause = min(1.6 * pause, 8.0)

    async def gets_the_money(self, confirm: str = "confirm") -> int:
        """Confirms in WeChat, or lets it run out; the fen of the claim, all rounds together."""
        waiting = await self.payout("waiting_confirm")
        phone = self.rider.part
        assert isinstance(phone, Phone)
        await phone.world.control(
            f"transfers/{confirm}",
            package_info=waiting["confirmation"]["package"],
            openid=phone.openid,
            behaviour=random.choice(NOTICES),
        )
        if confirm == "expire":
            return 0
        return int((await self.stands("paid"))["amount_fen"])


def picture() -> bytes:
    """A picture like no other, to the eye as well: coloured squares, chosen by chance."""
    image = Image.frombytes("RGB", (8, 8), secrets.token_bytes(192)).resize((64, 64), 0)
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


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
    file = (await life._waiting(life.reviewer))[0]
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
