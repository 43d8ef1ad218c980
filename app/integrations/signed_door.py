"""The signed HTTP shape that identity vendor, SMS carrier and bank share: HMAC-SHA256."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import httpx
import msgspec

from app.integrations.errors import (
    BadSignature,
    OutcomeUnknown,
    Refused,
    StaleMessage,
    Unreadable,
)
from app.integrations.http import call

TOLERANCE_SECONDS = 300

Wire = TypeVar("Wire", bound=msgspec.Struct)


class ErrorWire(msgspec.Struct):
    code: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class SignedDoor:
    """One system behind signed requests, signed answers and signed callbacks.

    A text is signed as its parts joined by line feeds, the first part saying what it is:
    `request, method, path and query, timestamp, nonce, body`;
    `answer, status, timestamp, the request's nonce, body`;
    `callback, timestamp, nonce, body`. The signature is lower-case hex.
    """

    system: str
    base_url: str
    app_id: str
    secret: bytes = field(repr=False)
    seconds: float
    http: httpx.AsyncClient = field(repr=False)

    async def ask(self, method: str, path: str, shape: type[Wire], body: Any = None) -> Wire:
        """Send a request and read the proven answer.

        Raises Unreachable, OutcomeUnknown (also for an unproven answer) or Refused.
        """
        content = b"" if body is None else msgspec.json.encode(body)
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        signed = ("request", method, path, timestamp, nonce)
        headers = {
            "Content-Type": "application/json",
            "X-App-Id": self.app_id,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": self._sign(content, *signed),
        }
        response = await call(
            self.http,
            self.system,
            method,
            f"{self.base_url}{path}",
            seconds=self.seconds,
            content=content,
            headers=headers,
        )
        self._prove(response, nonce)
        try:
            if response.status_code >= 400:
                error = msgspec.json.decode(response.content, type=ErrorWire)
                raise Refused(self.system, error.code, error.message)
            return msgspec.json.decode(response.content, type=shape)
        except msgspec.DecodeError as error:
            raise OutcomeUnknown(self.system, "answer not understood") from error

    def verify_callback(
        self, headers: Mapping[str, str], raw_body: bytes, now: datetime, shape: type[Wire]
    ) -> Wire:
        """Prove and read an incoming callback; BadSignature, StaleMessage or Unreadable."""
        timestamp = _header(headers, "X-Timestamp")
        if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
            raise BadSignature(self.system, "timestamp")
        if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
            raise StaleMessage(self.system)
        wanted = self._sign(raw_body, "callback", timestamp, _header(headers, "X-Nonce"))
        if not _same(wanted, _header(headers, "X-Signature")):
            raise BadSignature(self.system)
        try:
            return msgspec.json.decode(raw_body, type=shape)
        except msgspec.DecodeError as error:
            raise Unreadable(self.system, shape.__name__) from error

    def _prove(self, response: httpx.Response, nonce: str) -> None:
        """An answer must be signed, fresh by being bound to our nonce, and to this status."""
        timestamp = response.headers.get("x-timestamp", "")
        status = str(response.status_code)
        wanted = self._sign(response.content, "answer", status, timestamp, nonce)
        if not _same(wanted, response.headers.get("x-signature", "")):
            raise OutcomeUnknown(self.system, f"unproven answer {status}")

    def _sign(self, body: bytes, *parts: str) -> str:
        text = "\n".join(parts).encode() + b"\n" + body
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()


def _same(wanted: str, given: str) -> bool:
    # Compared as bytes: a header may hold characters that compare_digest refuses in text.
    return hmac.compare_digest(wanted.encode(), given.encode())


def _header(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name.lower()) or headers.get(name) or ""
