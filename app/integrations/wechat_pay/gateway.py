"""The signed door to WeChat Pay: every request signed, every answer proven before it is read."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from app.integrations.errors import OutcomeUnknown, Refused, Untrusted
from app.integrations.http import call
from app.integrations.wechat_pay import wire
from app.integrations.wechat_pay.signing import SYSTEM, MerchantKey, PlatformKeys, nonce


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where the gateway is, who we are to it, and how we know it; `seconds` per exchange."""

    base_url: str
    seconds: float
    http: httpx.AsyncClient
    merchant: MerchantKey
    platform: PlatformKeys

    async def ask(
        self, method: str, path: str, shape: type[wire.Wire], body: Any = None
    ) -> wire.Wire:
        """Send and read a proven answer; raises Unreachable, OutcomeUnknown, Refused."""
        return wire.parse_answer(await self.proven(method, path, body), shape)

    async def proven(self, method: str, path: str, body: Any = None) -> bytes:
        """The body of a proven 2xx answer (empty for 204)."""
        content = b"" if body is None else msgspec.json.encode(body)
        response = await self.send(method, path, content)
        if response.status_code >= 400 and "wechatpay-signature" not in response.headers:
            # The gateway signs nothing for somebody whose own signature it refuses.
            raise refusal(response)
        self.prove(response)
        if response.status_code >= 400:
            raise refusal(response)
        return response.content

    async def send(
        self, method: str, path: str, content: bytes = b"", *, seconds: float | None = None
    ) -> httpx.Response:
        """Sign and send; the answer is not proven yet. `path` includes the query."""
        headers = {
            "Authorization": self.merchant.authorization(
                method, path, content, timestamp=int(time.time()), nonce_str=nonce()
            ),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "red-umbrella",
            "Wechatpay-Serial": self.platform.preferred_serial(),
        }
        return await call(
            self.http,
            SYSTEM,
            method,
            f"{self.base_url}{path}",
            seconds=seconds or self.seconds,
            content=content,
            headers=headers,
        )

    def prove(self, response: httpx.Response) -> None:
        """Raise OutcomeUnknown unless the gateway signed this answer just now."""
        try:
            self.platform.verify(response.headers, response.content, datetime.now(UTC))
        except Untrusted as error:
            raise OutcomeUnknown(SYSTEM, f"unproven answer: {type(error).__name__}") from error


def refusal(response: httpx.Response) -> Refused | OutcomeUnknown:
    """The gateway's definite no, or OutcomeUnknown if this does not read like the gateway."""
    try:
        error = msgspec.json.decode(response.content, type=wire.ErrorWire)
    except msgspec.DecodeError:
        return OutcomeUnknown(SYSTEM, f"status {response.status_code} without a reason")
    return Refused(SYSTEM, error.code, error.message)
