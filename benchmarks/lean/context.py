"""What lean handlers share: the pool, the keys, and who a token belongs to."""

from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.requests import Request
from starlette.responses import Response

from app.kernel.vault import Vault
from app.settings import Settings

ES256 = ec.ECDSA(hashes.SHA256())
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Caller:
    """What a handler reads of a token."""

    id: UUID
    organisation_id: UUID | None


@dataclass(frozen=True)
class Terms:
    """What selling and cover need of a published plan version, which never changes.

    `benefits` are pairs of a benefit's code and name, with the days that each cause waits.
    """

    name: dict[str, str]
    price_fen: int
    max_shares: int
    youngest: int
    oldest: int
    benefits: list[tuple[str, dict[str, str], dict[str, int]]]


@dataclass
class Context:
    """One per process. `subscriptions` are pairs of event and job, `terms` go by version."""

    settings: Settings
    pool: asyncpg.Pool
    vault: Vault
    keys: dict[str, ec.EllipticCurvePublicKey]
    terms: dict[UUID, Terms]
    gateway_key: RSAPublicKey
    gateway_cipher: AESGCM
    subscriptions: list[tuple[str, str]]
    callers: dict[str, Caller] = field(default_factory=dict)

    def caller(self, request: Request) -> Caller:
        """The signature is verified once per token; nothing else of it is looked at."""
        token = request.headers["authorization"][7:]
        known = self.callers.get(token)
        if known is None:
            known = self.callers[token] = self._verify(token)
        return known

    def _verify(self, token: str) -> Caller:
        head, payload, signature = token.split(".")
        raw = _base64url(signature)
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        key = self.keys[msgspec.json.decode(_base64url(head))["kid"]]
        key.verify(encode_dss_signature(r, s), f"{head}.{payload}".encode(), ES256)
        claims = msgspec.json.decode(_base64url(payload))
        org = claims["org"]
        return Caller(UUID(claims["sub"]), UUID(org) if org else None)


def public_key(jwk: dict[str, Any]) -> ec.EllipticCurvePublicKey:
    x = int.from_bytes(_base64url(jwk["x"]), "big")
    y = int.from_bytes(_base64url(jwk["y"]), "big")
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def json_response(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, JSON)


def context_of(request: Request) -> Context:
    found: Context = request.app.state.context
    return found
