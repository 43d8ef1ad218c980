"""Access tokens: the one module that knows python-jose.

ES256 only, each key prepared once and found by `kid`; every claim is required and
type-checked by us, because python-jose accepts a token without `aud` and, unless told
otherwise, without `exp` (reliability.md, "Traps already measured").
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk, jws
from jose.backends.base import Key
from jose.exceptions import JOSEError

from app.kernel.ids import new_id
from app.kernel.principal import Door, Principal

ALGORITHM = "ES256"
AUDIENCES: dict[Door, str] = {
    "member": "redumbrella-member",
    "staff": "redumbrella-staff",
    "partner": "redumbrella-partner",
}
# Two machines' clocks may differ by this much.
SKEW = 5
MAX_TOKEN_LENGTH = 2_048
_HEADER_MEMBERS = frozenset({"alg", "kid", "typ"})
_LATEST = 2**33


# A key prepared by python-jose, named here so that nobody else imports it.
PreparedKey = Key


class InvalidToken(Exception):
    """The token is not one of ours, not for this door, or not valid now."""


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a token says. `fam` is the login or partner client it descends from, `gen` the
    account's generation when it was minted, `org` where its roles hold."""

    iss: str
    aud: str
    sub: UUID
    iat: int
    exp: int
    jti: UUID
    fam: UUID
    gen: int
    org: UUID | None
    roles: list[str]

    def principal(self, door: Door) -> Principal:
        return Principal(
            kind=door,
            id=self.sub,
            organisation_id=self.org,
            roles=frozenset(self.roles),
            family_id=self.fam,
        )


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of this process: one signs, all of `verifying` are believed."""

    signing_kid: str
    signing: Key
    verifying: Mapping[str, Key]
    public: tuple[Mapping[str, Any], ...]


def new_private_key() -> bytes:
    """A P-256 private key as PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_jwk(private_pem: bytes) -> dict[str, Any]:
    """The public half as a JWK; its `kid` is the RFC 7638 thumbprint."""
    public = jwk.construct(private_pem.decode(), ALGORITHM).public_key().to_dict()
    members = {name: _text(public[name]) for name in ("crv", "kty", "x", "y")}
    canonical = msgspec.json.encode(members, order="sorted")
    kid = _base64url(hashlib.sha256(canonical).digest())
    return {**members, "kid": kid, "use": "sig", "alg": ALGORITHM}


def prepare_signing(private_pem: bytes) -> Key:
    return jwk.construct(private_pem.decode(), ALGORITHM)


def prepare_verifying(public: Mapping[str, Any]) -> Key:
    return jwk.construct(dict(public), ALGORITHM)


def mint(
    keys: Keys,
    principal: Principal,
    *,
    issuer: str,
    generation: int,
    lifetime: timedelta,
    now: datetime,
) -> str:
    """A signed token for `principal` (a member, staff account or partner with a family)."""
    if principal.kind == "system" or principal.family_id is None:
        raise ValueError("the system has no tokens")
    issued_at = int(now.timestamp())
    claims = Claims(
        iss=issuer,
        aud=AUDIENCES[principal.kind],
        sub=principal.id,
        iat=issued_at,
        exp=issued_at + int(lifetime.total_seconds()),
        jti=new_id(),
        fam=principal.family_id,
        gen=generation,
        org=principal.organisation_id,
        roles=sorted(principal.roles),
    )
    return sign(keys, msgspec.to_builtins(claims))


def sign(keys: Keys, claims: Mapping[str, Any]) -> str:
    """The compact form of `claims` under the signing key."""
    token: str = jws.sign(
        dict(claims), keys.signing, headers={"kid": keys.signing_kid}, algorithm=ALGORITHM
    )
    return token


def verify(
    keys: Keys, token: str, *, door: Door, issuer: str, longest: timedelta, now: float
) -> Claims:
    """The claims of a genuine, current token of this door; raises InvalidToken.

    `longest` caps the lifetime whatever the token says; `now` is seconds since 1970.
    """
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        raise InvalidToken("form")
    key = _key_of(keys, token)
    try:
        payload = jws.verify(token, key, algorithms=[ALGORITHM])
        claims = msgspec.json.decode(payload, type=Claims, strict=True)
    except (JOSEError, msgspec.MsgspecError, ValueError) as error:
        raise InvalidToken("signature or claims") from error
    if claims.iss != issuer or claims.aud != AUDIENCES[door]:
        raise InvalidToken("issuer or audience")
    if not 0 < claims.exp - claims.iat <= longest.total_seconds() or claims.exp > _LATEST:
        raise InvalidToken("lifetime")
    if claims.iat > now + SKEW or claims.exp <= now:
        raise InvalidToken("time")
    return claims


def _key_of(keys: Keys, token: str) -> Key:
    """The key that the header names; a header with anything beyond alg, kid, typ is refused."""
    try:
        header = jws.get_unverified_header(token)
    except (JOSEError, ValueError, RecursionError) as error:
        raise InvalidToken("header") from error
    if not _HEADER_MEMBERS.issuperset(header) or header.get("alg") != ALGORITHM:
        raise InvalidToken("header")
    kid = header.get("kid")
    if not isinstance(kid, str) or kid not in keys.verifying:
        raise InvalidToken("key")
    return keys.verifying[kid]


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
