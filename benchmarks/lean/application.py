"""The lean application: routes, pool, keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.kernel.database import Database, asyncpg_dsn
from app.kernel.vault import open_vault
from app.settings import Settings
from benchmarks.lean import claims, policies, scan
from benchmarks.lean.context import Context, public_key

CONNECTIONS = 16


async def _health(_request: Request) -> Response:
    return Response(b"ok")


async def _open(settings: Settings) -> Context:
    pool = await asyncpg.create_pool(
        asyncpg_dsn(settings.database_url),
        min_size=CONNECTIONS,
        max_size=CONNECTIONS,
        init=_json,
        reset=_nothing,
        server_settings={"role": settings.database_role, "jit": "off"},
    )
    vault = open_vault(settings)
    database = Database(settings)
    async with database.transaction() as session:
        await vault.refresh(session)
    await database.close()
    rows = await pool.fetch("select kid, public_jwk from signing_key")
    return Context(settings, pool, vault, {kid: public_key(jwk) for kid, jwk in rows})


async def _json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=msgspec.json.decode,
    )


async def _nothing(_connection: asyncpg.Connection) -> None:
    """No state is left on a connection, so none is reset."""


def create(settings: Settings) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.context = await _open(settings)
        yield
        await app.state.context.pool.close()

    routes = [Route("/healthz", _health), *scan.ROUTES, *policies.ROUTES, *claims.ROUTES]
    return Starlette(routes=routes, lifespan=lifespan)
