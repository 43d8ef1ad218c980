"""One ASGI application for all outside systems: `create_app(state_dir, config)`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from app.simulators import (
    bank,
    bank_batches,
    bank_statements,
    control,
    faults,
    identity,
    sms,
    wechat,
    wechat_pay,
    wechat_phone,
)
from app.simulators.config import SimulatorConfig
from app.simulators.outbox import Outbox
from app.simulators.store import Store
from app.simulators.timers import Clock, Timers
from app.simulators.world import World

STATE_FILE = "simulators.sqlite3"


def create_app(state_dir: Path | None, config: SimulatorConfig) -> ASGIApp:
    """All simulators under their prefixes; state in `state_dir`, or in memory for None.

    Needs its lifespan (uvicorn runs it): without it nothing timed happens and no notice
    is sent. `GET /healthz` answers 200 once it is up.
    """
    world = _world(state_dir, config)
    active: list[faults.Fault] = []
    keys = wechat_pay.PayKeys(config)
    app = Starlette(
        routes=[
            Route("/healthz", _healthz),
            *control.control_routes(world),
            *faults.routes(active),
            *wechat_phone.control_routes(world),
            *wechat_pay.control_routes(world, keys),
            *identity.control_routes(world),
            *sms.control_routes(world),
            *bank.control_routes(world),
            *bank_batches.control_routes(world),
            *bank_statements.control_routes(world),
            Mount("/wechat", routes=wechat.routes(world)),
            Mount("/wechat-pay", routes=wechat_pay.routes(world, keys)),
            Mount("/identity", routes=identity.routes(world)),
            Mount("/sms", routes=sms.routes(world)),
            Mount("/bank", routes=_bank_routes(world)),
        ],
        lifespan=lambda _: _running(world),
    )
    # Outside of Starlette's own layers: to cut a connection it needs the server's `send`.
    return faults.Faults(app, active)


def _bank_routes(world: World) -> list[Route]:
    return [
        *bank.routes(world),
        *bank_batches.routes(world),
        *bank_statements.routes(world),
    ]


def _world(state_dir: Path | None, config: SimulatorConfig) -> World:
    if state_dir is not None:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store(None if state_dir is None else state_dir / STATE_FILE)
    clock = Clock(store)
    timers = Timers(store, clock)
    return World(config, store, clock, timers, Outbox(store, timers, config))


@contextlib.asynccontextmanager
async def _running(world: World) -> AsyncIterator[None]:
    # Merchants are on the loopback address: proxies of the environment do not concern us.
    async with httpx.AsyncClient(
        timeout=world.config.notice_timeout_seconds, trust_env=False
    ) as http:
        world.outbox.http = http
        running = asyncio.create_task(world.timers.run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            world.store.close()


async def _healthz(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})
