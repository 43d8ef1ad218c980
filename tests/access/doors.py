"""Trying tokens at doors, and waiting for what must happen within the five seconds of P10."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import httpx
from fastapi import FastAPI, Request

from app.access.authentication import Authenticator
from app.kernel.principal import Door, Principal
from app.kernel.problems import Unauthenticated
from tests.access_fixtures import SignedIn


async def eventually(check: Callable[[], Awaitable[bool]]) -> None:
    """Until it holds; TimeoutError after five seconds."""
    async with asyncio.timeout(5):
        while not await check():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def lives(client: httpx.AsyncClient, who: SignedIn) -> bool:
    """Whether a staff token still opens the staff door."""
    answer = await client.get("/v1/staff/me", headers=who.headers)
    return answer.status_code == 200


async def enter(app: FastAPI, token: str, door: Door) -> Principal:
    """What the door makes of a token; raises what it raises."""
    headers = [(b"authorization", f"Bearer {token}".encode())]
    authenticator = cast(Authenticator, app.state.authenticate)
    return await authenticator(Request({"type": "http", "headers": headers}), door)


async def opens(app: FastAPI, token: str, door: Door) -> bool:
    """Whether a token opens the door."""
    try:
        await enter(app, token, door)
    except Unauthenticated:
        return False
    return True
