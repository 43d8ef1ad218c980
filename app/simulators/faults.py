"""Trouble on request: the next calls of one system answer wrongly, late or not at all."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.simulators.world import control

HANG_SECONDS = 30.0

System = Literal["wechat", "wechat-pay", "identity", "sms", "bank"]
Mode = Literal["slow", "refuse", "time_out", "silent", "error", "busy", "code", "foreign_signature"]


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """What happens to the next `calls` calls whose path contains `path`."""

    system: System
    mode: Mode
    calls: Annotated[int, Meta(ge=1)] = 1
    delay_ms: Annotated[int, Meta(ge=0, le=60_000)] = 0
    path: str = ""
    status: Annotated[int, Meta(ge=400, le=499)] = 400
    code: str = "INVALID_REQUEST"
    message: str = "asked for through the control door"


class Nothing(msgspec.Struct):
    """An empty form."""


@dataclass(frozen=True, slots=True)
class Faults:
    """ASGI middleware in front of all systems; the control door itself never fails."""

    app: ASGIApp
    active: list[Fault]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._take(scope["path"]) if scope["type"] == "http" else None
        if fault is None:
            await self.app(scope, receive, send)
            return
        await asyncio.sleep(fault.delay_ms / 1000)
        match fault.mode:
            case "slow":
                await self.app(scope, receive, send)
            case "code" | "foreign_signature":
                # These need the system's own words and keys, so it does them itself.
                await self.app({**scope, "fault": fault}, receive, send)
            case "error":
                await _answer(500, "SYSTEM_ERROR")(scope, receive, send)
            case "busy" if fault.system == "wechat":
                await JSONResponse({"errcode": -1, "errmsg": "system error"})(scope, receive, send)
            case "busy":
                await _answer(429, "FREQUENCY_LIMITED")(scope, receive, send)
            case "refuse":
                await _cut(scope, receive, send)
            case "time_out":
                await _hang(receive)
                await _cut(scope, receive, send)
            case "silent":
                await self.app(scope, receive, _swallow)
                await _hang(receive)
                await _cut(scope, receive, send)

    def _take(self, path: str) -> Fault | None:
        for fault in self.active:
            if path.startswith(f"/{fault.system}/") and fault.path in path:
                fault.calls -= 1
                if fault.calls == 0:
                    self.active.remove(fault)
                return fault
        return None


def routes(active: list[Fault]) -> list[Route]:
    """The control door's list of faults."""

    def add(fault: Fault) -> Any:
        active.append(fault)
        return msgspec.to_builtins(active)

    def clear(_: Nothing) -> Any:
        active.clear()
        return []

    return [control("/faults", Fault, add), control("/faults/clear", Nothing, clear)]


def _answer(status: int, code: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": "asked for through the control door"}, status)


async def _swallow(_: Message) -> None:
    """Let an answer get lost."""


async def _hang(receive: Receive) -> None:
    """Until the caller has gone, at most half a minute."""
    try:
        async with asyncio.timeout(HANG_SECONDS):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


async def _cut(scope: Scope, receive: Receive, send: Send) -> None:
    """End the connection without a byte of answer."""
    # ASGI has no word for this; uvicorn's `send` belongs to an object with the transport.
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        await _answer(500, "SYSTEM_ERROR")(scope, receive, send)
    else:
        transport.abort()
        await asyncio.sleep(0.01)  # let uvicorn notice, or it complains that we said nothing
