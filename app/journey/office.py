"""The union's side: staff at their desks and tablets, and the sandbox's clock."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyotp

from app.journey.report import Report
from app.journey.transport import Caller, Miss

TOTP_SECONDS = 30


@dataclass(frozen=True)
class Credentials:
    """A staff account of the demonstration."""

    username: str
    password: str = field(repr=False)
    totp_secret: str = field(repr=False)


@dataclass
class Desk:
    """Somebody of the staff, logged in once for the whole journey."""

    credentials: Credentials
    caller: Caller
    report: Report
    logged_in_at: float = 0.0

    async def log_in(self) -> None:
        """User name, password and a code that was not used before.

        A code works once, so a second journey within 30 seconds takes the next one.
        """
        generator = pyotp.TOTP(self.credentials.totp_secret)
        for pause, ahead in ((0, 0), (0, TOTP_SECONDS), (TOTP_SECONDS, TOTP_SECONDS)):
            await asyncio.sleep(pause)
            answer = await self.caller.call(
                "POST",
                "/v1/staff/sessions",
                body={
                    "username": self.credentials.username,
                    "password": self.credentials.password,
                    "totp_code": generator.at(int(time.time()) + ahead),
                },
                expect=(201, 401),
            )
            if answer.status_code == 201:
                self._take(answer.json())
                return
        raise Miss(f"{self.credentials.username} cannot log in: {answer.text[:300]}")

    def _take(self, tokens: dict[str, Any]) -> None:
        self.caller.token = tokens["access_token"]
        self.caller.refresh_token = tokens["refresh_token"]
        self.logged_in_at = time.monotonic()

    async def stay_logged_in(self) -> None:
        """Rotate the tokens before the access token runs out."""
        if time.monotonic() - self.logged_in_at < 600:
            return
        self._take(
            await self.caller.json(
                "POST",
                "/v1/sessions/refresh",
                body={"refresh_token": self.caller.refresh_token},
            )
        )


async def business_clock(caller: Caller) -> datetime:
    """What the sandbox's business clock shows."""
    clocks = await caller.json("GET", "/v1/sandbox/clock")
    return datetime.fromisoformat(clocks["business_at"])


async def move_clock(administrator: Desk, to: datetime) -> None:
    """Move the business clock forward; never back."""
    if to > await business_clock(administrator.caller):
        await administrator.caller.call("PUT", "/v1/sandbox/clock", body={"at": to.isoformat()})


async def judge_signals(reviewer: Desk, path: str) -> None:
    """Say what is behind everything odd: an approval waits for that."""
    caller = reviewer.caller
    listed = (await caller.json("GET", f"{path}/signals"))["items"]
    unjudged = [each for each in listed if each["verdict"] is None]
    if not unjudged:
        return
    with reviewer.report.step("reviewer 审核", "looks into what is odd 核实提示") as remarks:
        for signal in unjudged:
            word = {"verdict": "harmless", "note": "已向会员和医院核实(测试)"}
            await caller.call("PUT", f"{path}/signals/{signal['id']}/judgement", body=word)
            remarks.append(f"{signal['text']['zh']}  {signal['text']['en']}")
