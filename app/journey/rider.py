"""The rider's phone: from scanning a code to cover in force, then from a claim to the money."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from app.journey.people import Rider, make_paper
from app.journey.report import Report
from app.journey.transport import Caller, Miss, until
from app.journey.world import World

PLAN = "RIDER-ACC"
SHARES = 2


@dataclass
class Phone:
    """One rider with the phone in hand, and what the phone has learned so far."""

    world: World
    rider: Rider
    caller: Caller
    report: Report
    openid: str = ""
    known: dict[str, Any] = field(default_factory=dict)

    async def enrol(self) -> None:
        """Scan, log in, register, prove identity."""
        await self._scan()
        await self.log_in()
        await self._register()
        await self._prove_identity()

    async def _scan(self) -> None:
        with self.report.step("rider 骑手", "scans the site's code 扫码") as remarks:
            path = f"/v1/enrolment-codes/{self.world.enrolment_code}"
            scanned = await self.caller.json("GET", path)
            self.known["consents"] = scanned["consents"]
            offered = [plan["code"] for plan in scanned["plans"]]
            if PLAN not in offered:
                raise Miss(f"the code does not offer {PLAN}: {offered}")
            remarks.append(f"{scanned['site']['name']}: {', '.join(offered)}")

    async def log_in(self) -> None:
        """With two fresh codes of WeChat; again it gives new tokens."""
        with self.report.step("rider 骑手", "logs in with the mini-program 微信登录"):
            while True:
                codes = await self.world.control(
                    "wechat/codes", phone=self.rider.phone, name=self.rider.name
                )
                self.openid = codes["openid"]
                # Codes work once: if the answer was lost, the phone asks WeChat for new ones.
                answer = await self.caller.call(
                    "POST",
                    "/v1/member/sessions/wechat",
                    body={"js_code": codes["js_code"], "phone_code": codes["phone_code"]},
                    expect=201,
                    after_loss=(422,),
                )
                if answer.status_code == 201:
                    break
            tokens = answer.json()
            self.caller.token = tokens["access_token"]
            self.caller.refresh_token = tokens["refresh_token"]

    async def _register(self) -> None:
        consents = [
            {"purpose": each["purpose"], "version": each["version"]}
            for each in self.known["consents"]
        ]
        with self.report.step("rider 骑手", "registers: name, document, consents 登记"):
            await self.caller.call(
                "POST",
                "/v1/me/registration",
                body={"enrolment_code": self.world.enrolment_code, "consents": consents},
                expect=201,
                keyed=True,
            )
            # The signal is lost here; the half-finished registration is resumed.
            view = await self.caller.json(
                "PATCH",
                "/v1/me/registration",
                body={
                    "name": self.rider.name,
                    "document": {"type": "resident_id", "number": self.rider.number},
                },
            )
            if view["status"] != "submitted":
                raise Miss(f"the registration is {view['status']}, missing {view['missing']}")

    async def _prove_identity(self) -> None:
        with self.report.step("rider 骑手", "proves identity at the vendor 实名核验") as remarks:
            check = await self.caller.json("POST", "/v1/me/identity-checks", expect=201, keyed=True)
            path = f"/v1/me/identity-checks/{check['id']}"

            async def ask() -> Any:
                return await self.caller.json("GET", path)

            opened = await until("the face step", ask, lambda view: view["launch"] is not None)
            await self.world.control("identity/complete", reference=opened["launch"]["token"])
            passed = await until(
                "the vendor's answer", ask, lambda view: view["status"] != "requested"
            )
            if passed["status"] != "passed":
                raise Miss(f"the identity check {passed['status']}: {passed['reason']}")
            me = await self.caller.json("GET", "/v1/me")
            remarks.append(f"member {me['member']['number']}, {me['name_masked']}")

    async def buy(self) -> None:
        """Order, pay in WeChat, and see the policy."""
        with self.report.step("rider 骑手", f"orders {SHARES} shares of {PLAN} 下单") as remarks:
            wanted = {"plan_code": PLAN, "shares": SHARES, "occupation": "delivery_rider"}
            order = await self.caller.json(
                "POST", "/v1/me/orders", body=wanted, expect=201, keyed=True
            )
            self.known["order"] = order
            remarks.append(f"{order['number']}: {order['amount_fen']} fen")
        path = f"/v1/me/orders/{order['id']}"
        with self.report.step("rider 骑手", "pays in WeChat 微信支付"):
            payment = await self.caller.json(
                "POST", f"{path}/payments", body={"trade_type": "jsapi"}, expect=201, keyed=True
            )
            await self.world.control(
                "pay",
                parameters=payment["client_parameters"],
                openid=self.openid,
                behaviour=self.world.notices,
            )
        with self.report.step("gateway 支付", "tells us, cover is issued 支付通知") as remarks:

            async def ask() -> Any:
                return await self.caller.json("GET", path)

            paid = await until("the policy", ask, lambda view: view["policy"] is not None)
            if paid["status"] != "paid":
                raise Miss(f"the order is {paid['status']}")
            self.known["policy"] = paid["policy"]
            remarks.append(f"policy {paid['policy']['number']} from {paid['policy']['starts_at']}")

    async def keep_certificate(self, folder: Path | None) -> None:
        """Download the certificate, and check it as anybody may."""
        policy = self.known["policy"]
        with self.report.step("rider 骑手", "keeps the certificate 电子凭证") as remarks:
            for kind in ("pdf", "png"):
                path = f"/v1/me/policies/{policy['id']}/certificate.{kind}"
                answer = await self.caller.call("GET", path)
                if folder is not None:
                    remarks.append(_save(folder, f"{policy['number']}.{kind}", answer.content))
            shown = await self.caller.json("GET", f"/v1/certificates/{policy['number']}")
            if self.rider.name in str(shown):
                raise Miss("the public check page shows the whole name")

    async def expect_cover(self, at: datetime, *, covered: bool) -> None:
        """Ask "am I covered?" for one instant."""
        words = "is covered 已生效" if covered else "is not covered yet, and reads why 未生效"
        with self.report.step("rider 骑手", words) as remarks:
            instant = at.isoformat().replace("+00:00", "Z")
            view = await self.caller.json("GET", f"/v1/me/cover?at={instant}")
            plan = next(each for each in view["plans"] if each["plan_code"] == PLAN)
            if plan["covered"] is not covered:
                raise Miss(f"covered is {plan['covered']} ({plan['reason']}) at {instant}")
            remarks.append(f"{plan['reason']}: {plan['explanation']['zh']}")

    def paper(self, words: str) -> bytes:
        return make_paper(words)


def _save(folder: Path, name: str, content: bytes) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return str(folder / name)
