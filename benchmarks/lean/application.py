"""The lean application: routes, pool, keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509 import load_pem_x509_certificate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.kernel.database import Database, asyncpg_dsn
from app.kernel.vault import open_vault
from app.settings import Settings
from app.subscriptions import SUBSCRIPTIONS
from benchmarks.lean import claims, notices, orders, policies, register, scan
from benchmarks.lean.context import Context, Terms, public_key

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
    keys = await pool.fetch("select kid, public_jwk from signing_key")
    versions = await pool.fetch("select id, document from plan_version")
    return Context(
        settings,
        pool,
        vault,
        keys={kid: public_key(jwk) for kid, jwk in keys},
        terms={version: _terms(document) for version, document in versions},
        gateway_key=_gateway_key(settings),
        gateway_cipher=AESGCM(settings.wechat_pay_api_v3_key.get_secret_value().encode()),
        # Only what a settled order publishes; the other handlers' events have no listeners.
        subscriptions=[
            (event, job)
            for event in ("order.paid", "policy.issued")
            for job in SUBSCRIPTIONS.get(event, ())
        ],
    )


def _terms(document: dict[str, Any]) -> Terms:
    contribution, ages = document["contribution"], document["eligibility"]["ages"]
    price = contribution["options"][0]["price"]
    return Terms(
        name=document["name"],
        price_fen=(price["times"][0] if "times" in price else price)["yuan"] * 100,
        max_shares=contribution["max_shares"],
        youngest=max(each["minimum"] for each in ages.values()),
        oldest=min(each["maximum"] for each in ages.values()),
        benefits=[
            (benefit["code"], benefit["name"], _waits(benefit, document.get("waiting", {})))
            for benefit in document["benefits"]
        ],
    )


def _waits(benefit: dict[str, Any], waiting: dict[str, int]) -> dict[str, int]:
    """Days of each cause; a benefit may have its own for illness."""
    general = {
        "accident": waiting.get("accident_days", 0),
        "illness": waiting.get("illness_days", 0),
    }
    own = benefit.get("waiting_days")
    days = general if own is None else general | {"illness": own}
    return {cause: days[cause] for cause in benefit["causes"]}


def _gateway_key(settings: Settings) -> RSAPublicKey:
    path = settings.wechat_pay_platform_certificates_file
    if path is None:
        raise ValueError("the gateway's certificate is not set")
    key = load_pem_x509_certificate(path.read_bytes()).public_key()
    if not isinstance(key, RSAPublicKey):
        raise TypeError("the gateway's key is not an RSA key")
    return key


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

    routes = [
        Route("/healthz", _health),
    ]
    for feature in (scan, register, policies, orders, notices, claims):
        routes += feature.ROUTES
    return Starlette(routes=routes, lifespan=lifespan)
