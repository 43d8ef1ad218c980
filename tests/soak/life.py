"""One claim and the people around it, over HTTP, who keep their nerve.

Whoever plays a part repeats a request until it is answered, with the same key; the money
comes when it comes.
"""

import asyncio
import random
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.journey.office import Desk
from app.journey.rider import Phone
from app.journey.transport import Caller, Miss
from tests.documents.corpus import patches

WRIST = {"self_pay_fen": 350_000, "hospital_grade": 2}
# Every way in which the gateway's word about a transfer may come, or not.
NOTICES = ("normal", "twice", "late", "dropped", "stale", "foreign_signature", "wrong_amount")
MONEY_SECONDS = 900.0
# Tokens are good for fifteen minutes.
LOG_IN_AGAIN_SECONDS = 780.0
LOGINS = 3


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

    async def call(
        self, method: str, path: str, *, expect: int | tuple[int, ...] = 200, **options: Any
    ) -> httpx.Response:
        """One request; logged in anew when its turn came after the token had run out."""
        expected = (expect,) if isinstance(expect, int) else expect
        if options.get("keyed") is True:
            options["keyed"] = secrets.token_hex(12)
        for _ in range(LOGINS):
            caller = await self.awake()
            token = caller.token
            answer = await caller.call(method, path, expect=(*expected, 401), **options)
            if answer.status_code != 401:
                return answer
            if self.part.caller.token == token:
                self.logged_in_at = 0.0
        raise Miss(f"{method} {path}: 401 after {LOGINS} logins")

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
        files = {"file": ("a.jpg", patches(), "image/jpeg")}
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
        """Takes the claim, accepts every file that waits, captures the receipt, and says that
        nothing odd is amiss."""
        await who.call("POST", f"{self.office}/lease")
        for file in await self.waiting_files(who):
            path = f"{self.office}/documents/{file}/acceptance"
            await who.call("POST", path, after_loss=(409,))
        await self.captures(who)
        for signal in (await who.json("GET", f"{self.office}/signals"))["items"]:
            if signal["verdict"] is None:
                body = {"verdict": "harmless", "note": "已核实(测试)"}
                path = f"{self.office}/signals/{signal['id']}/judgement"
                await who.call("PUT", path, body=body)

    async def captures(self, who: Person) -> None:
        """What the receipt says, unless somebody has typed it in or the plan asks for none."""
        view = await who.json("GET", self.office)
        if view["receipts"] or all(each["kind"] != "receipt" for each in view["documents"]):
            return
        receipt = {
            "code": "050001900104",
            "number": secrets.token_hex(8),
            "amount_fen": 350_000,
            "issued_on": self.happened_at[:10],
        }
        await who.call("POST", f"{self.office}/receipts", body=receipt, keyed=True)

    async def waiting_files(self, who: Person) -> list[str]:
        view = await who.json("GET", self.office)
        files = [file for each in view["documents"] for file in each["files"]]
        return [file["id"] for file in files if file["status"] == "waiting"]

    async def decides(
        self, who: Person, verdict: str, *, expect: int | tuple[int, ...] = 200, **more: Any
    ) -> httpx.Response:
        """The decision; in the storm a lease may run out before it, and is taken again."""
        expected = (expect,) if isinstance(expect, int) else expect
        while True:
            answer = await who.call(
                "POST",
                f"{self.office}/decision",
                body={"verdict": verdict, **more},
                expect=(*expected, 409),
                keyed=True,
            )
            if answer.status_code in expected:
                return answer
            if answer.json()["code"] != "lease-needed":
                raise Miss(f"decision: {answer.text}")
            await who.call("POST", f"{self.office}/lease")

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
