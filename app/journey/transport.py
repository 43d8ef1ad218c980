"""A client as ours should be: it retries what is safe to retry, with the same key."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

# A job of a killed worker is taken over after ten seconds, and may lose that one as well.
PATIENCE_SECONDS = 120.0
# A killed worker or API process is back within seconds; its answers until then.
RETRIED = {502, 503, 504}


class Miss(Exception):
    """An answer that the journey does not expect; the text says which and what came."""


@dataclass
class Tally:
    """How many requests were sent, how often one had to be repeated, and how long they took."""

    requests: int = 0
    repeats: int = 0
    seconds: list[float] = field(default_factory=list)


@dataclass
class Caller:
    """One device: an address of its own, perhaps a token, and patience."""

    http: httpx.AsyncClient
    tally: Tally
    address: str = "127.0.0.1"
    token: str | None = None
    refresh_token: str | None = None
    patience_seconds: float = PATIENCE_SECONDS

    async def call(
        self,
        method: str,
        path: str,
        *,
        expect: int | tuple[int, ...] = 200,
        body: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        keyed: bool | str = False,
        after_loss: tuple[int, ...] = (),
    ) -> httpx.Response:
        """One request until it is answered; raises Miss for a status not in `expect`.

        `keyed` sends an Idempotency-Key (a given one, or one made here) that stays the
        same over every retry, so that a lost answer costs nothing. Without one, `after_loss`
        are statuses that are accepted too once an answer was lost: the work may be done.
        """
        sent = {"X-Forwarded-For": self.address, **(headers or {})}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        if keyed:
            sent["Idempotency-Key"] = keyed if isinstance(keyed, str) else secrets.token_hex(12)
        expected = (expect,) if isinstance(expect, int) else expect
        until = time.monotonic() + self.patience_seconds
        pause, lost = 0.1, False
        while True:
            answer = await self._try(method, path, body, content, sent)
            if answer is not None and answer.status_code in (
                (*expected, *after_loss) if lost else expected
            ):
                return answer
            lost = lost or answer is None or answer.status_code in RETRIED
            if answer is not None and not _worth_repeating(answer):
                raise Miss(_told(method, path, answer))
            if time.monotonic() > until:
                raise Miss(f"{method} {path}: no answer within {self.patience_seconds:.0f} s")
            self.tally.repeats += 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)

    async def json(self, method: str, path: str, **options: Any) -> Any:
        """`call`, and its body."""
        return (await self.call(method, path, **options)).json()

    async def _try(
        self,
        method: str,
        path: str,
        body: Any,
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> httpx.Response | None:
        began = time.perf_counter()
        self.tally.requests += 1
        try:
            if content is not None:
                answer = await self.http.request(method, path, content=content, headers=headers)
            else:
                answer = await self.http.request(method, path, json=body, headers=headers)
        except httpx.TransportError:
            return None
        self.tally.seconds.append(time.perf_counter() - began)
        return answer


def _worth_repeating(answer: httpx.Response) -> bool:
    if answer.status_code in RETRIED:
        return True
    return answer.status_code == 409 and _code(answer) == "request-in-flight"


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("code", ""))
    except ValueError:
        return ""


def _told(method: str, path: str, answer: httpx.Response) -> str:
    return f"{method} {path}: {answer.status_code} {answer.text[:600]}"


async def until(what: str, ask: Any, accept: Any, *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Ask again and again until `accept(answer)`; raises Miss naming what never came."""
    end = time.monotonic() + seconds
    pause = 0.05
    while True:
        answer = await ask()
        if accept(answer):
            return answer
        if time.monotonic() > end:
            raise Miss(f"{what} did not come within {seconds:.0f} s; last answer: {answer}")
        await asyncio.sleep(pause)
        pause = min(1.6 * pause, 1.0)
