"""P11: every forged token is 401, at every door; the right door with too small a role is 403."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from jose import jws

from app.access import tokens
from app.access.authentication import Authenticator
from app.organisations.models import Organisation
from tests.access.doors import opens
from tests.access_fixtures import SignedIn, member_token, partner_token, staff_token

pytestmark = pytest.mark.anyio

STAFF = "/v1/staff/me"


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(app: FastAPI, claims: dict[str, Any], **header: Any) -> str:
    """Signed with our own key, whatever the claims and the header say."""
    keys = door_of(app).keyring.keys
    merged = {"alg": "ES256", "typ": "JWT", "kid": keys.signing_kid} | header
    signing_input = f"{encoded(merged)}.{encoded(claims)}"
    return f"{signing_input}.{encoded(keys.signing.sign(signing_input.encode()))}"


def door_of(app: FastAPI) -> Authenticator:
    authenticator: Authenticator = app.state.authenticate
    return authenticator


async def status_of(client: httpx.AsyncClient, token: str, path: str = STAFF) -> int:
    answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["code"] == "unauthenticated"
    return answer.status_code


@pytest.fixture
async def staff(app: FastAPI, agency: Organisation) -> SignedIn:
    return await staff_token(app, agency.id, ["caseworker"])


async def test_our_own_way_of_forging_makes_good_tokens(
    app: FastAPI, client: httpx.AsyncClient, staff: SignedIn
) -> None:
    """Otherwise the tests below would pass for the wrong reason."""
    assert await status_of(client, staff.token) == 200
    assert await status_of(client, signed(app, claims_of(staff.token))) == 200


def without(name: str, claims: dict[str, Any]) -> dict[str, Any]:
    return {claim: value for claim, value in claims.items() if claim != name}


CLAIMS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    **{
        f"without {name}": partial(without, name)
        for name in ("iss", "aud", "sub", "iat", "exp", "jti", "fam", "gen", "org", "roles")
    },
    "other issuer": lambda c: c | {"iss": "https://somebody.invalid"},
    "member audience": lambda c: c | {"aud": "redumbrella-member"},
    "list of audiences": lambda c: c | {"aud": [c["aud"], "redumbrella-member"]},
    "null audience": lambda c: c | {"aud": None},
    "expired": lambda c: c | {"iat": c["iat"] - 900, "exp": int(time.time()) - 1},
    "exp as string": lambda c: c | {"exp": str(c["exp"])},
    "exp as float": lambda c: c | {"exp": c["exp"] + 0.5},
    "exp as true": lambda c: c | {"exp": True},
    "exp absurdly late": lambda c: c | {"exp": 10**12},
    "exp beyond 64 bits": lambda c: c | {"exp": 10**30},
    "exp negative": lambda c: c | {"exp": -1},
    "longer than we give": lambda c: c | {"exp": c["iat"] + 901},
    "issued in the future": lambda c: c | {"iat": c["iat"] + 60, "exp": c["exp"] + 60},
    "issued after its end": lambda c: c | {"iat": c["exp"] + 1},
    "iat as string": lambda c: c | {"iat": str(c["iat"])},
    "sub is no id": lambda c: c | {"sub": "admin' or 1=1"},
    "sub is empty": lambda c: c | {"sub": ""},
    "sub is a number": lambda c: c | {"sub": 1},
    "roles as text": lambda c: c | {"roles": "administrator"},
    "roles of objects": lambda c: c | {"roles": [{"administrator": True}]},
    "unknown claim": lambda c: c | {"act": "somebody"},
    "nbf": lambda c: c | {"nbf": c["exp"]},
}


@pytest.mark.parametrize("name", CLAIMS)
async def test_wrong_claims_are_refused_although_we_signed_them(
    app: FastAPI, client: httpx.AsyncClient, staff: SignedIn, name: str
) -> None:
    assert await status_of(client, signed(app, CLAIMS[name](claims_of(staff.token)))) == 401


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"]},
        {"crit": ["urn:unknown"], "urn:unknown": 1},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"kid": "../../../etc/passwd"},
        {"kid": "' or '1'='1"},
        {"kid": "unknown"},
        {"kid": None},
        {"kid": ["a"]},
        {"kid": {"a": 1}},
        {"jku": "https://somebody.invalid/jwks.json"},
        {"x5u": "https://somebody.invalid/cert.pem"},
        {"jwk": {"kty": "EC"}},
        {"alg": "ES384"},
        {"alg": "none"},
        {"alg": "NONE"},
        {"alg": "HS256"},
        {"alg": None},
        {"zip": "DEF"},
    ],
    ids=str,
)
async def test_headers_beyond_ours_are_refused_although_we_signed_them(
    app: FastAPI, client: httpx.AsyncClient, staff: SignedIn, header: dict[str, Any]
) -> None:
    assert await status_of(client, signed(app, claims_of(staff.token), **header)) == 401


async def test_no_signature_is_no_token(
    app: FastAPI, client: httpx.AsyncClient, staff: SignedIn
) -> None:
    claims = encoded(claims_of(staff.token))
    kid = door_of(app).keyring.keys.signing_kid
    for algorithm in ("none", "None", "nOnE", ""):
        header = encoded({"alg": algorithm, "typ": "JWT", "kid": kid})
        assert await status_of(client, f"{header}.{claims}.") == 401
        assert await status_of(client, f"{header}.{claims}.AAAA") == 401


async def test_the_public_key_is_no_hmac_secret(
    app: FastAPI, client: httpx.AsyncClient, staff: SignedIn
) -> None:
    """RS/ES → HS confusion: everything that an attacker can make of the published key."""
    published = (await client.get("/.well-known/jwks.json")).json()["keys"][0]
    key = tokens.prepare_verifying(published)
    pem = key.to_pem()
    der = serialization.load_pem_public_key(pem).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    secrets = (pem, pem.strip(), der, json.dumps(published).encode(), published["x"].encode())
    for secret in secrets:
        for algorithm in ("HS256", "HS384", "HS512"):
            forged = hmac_token(claims_of(staff.token), secret, algorithm, published["kid"])
            assert await status_of(client, forged) == 401


def hmac_token(claims: dict[str, Any], secret: bytes, algorithm: str, kid: str) -> str:
    digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[algorithm]
    header = encoded({"alg": algorithm, "typ": "JWT", "kid": kid})
    signing_input = f"{header}.{encoded(claims)}"
    mac = hmac.new(secret, signing_input.encode(), getattr(hashlib, digest)).digest()
    return f"{signing_input}.{encoded(mac)}"


async def test_keys_of_somebody_else_are_no_keys(
    app: FastAPI, client: httpx.AsyncClient, staff: SignedIn
) -> None:
    kid = door_of(app).keyring.keys.signing_kid
    claims = claims_of(staff.token)
    pem = tokens.new_private_key()
    foreign = jws.sign(claims, pem.decode(), headers={"kid": kid}, algorithm="ES256")
    assert await status_of(client, foreign) == 401
    rsa_pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    foreign = jws.sign(claims, rsa_pem.decode(), headers={"kid": kid}, algorithm="RS256")
    assert await status_of(client, foreign) == 401


async def test_garbage_is_refused(client: httpx.AsyncClient, staff: SignedIn) -> None:
    head, body, signature = staff.token.split(".")
    flipped = ("B" if signature[10] != "B" else "C").join((signature[:10], signature[11:]))
    other = encoded(claims_of(staff.token) | {"roles": ["administrator"]})
    deep = encoded(b"[" * 900 + b"]" * 900)
    for token in (
        "",
        "x",
        "..",
        "a.b.c",
        f"{head}.{body}",
        f"{head}.{body}.{flipped}",
        f"{head}.{other}.{signature}",
        f"{head}.{body}.{signature}.{signature}",
        f"{deep}.{body}.{signature}",
        f"{encoded([1])}.{body}.{signature}",
        f"{encoded(b'nonsense')}.{body}.{signature}",
        f"{staff.token}\u00e9",
        staff.token + "A" * 4_000,
    ):
        header = f"Bearer {token}".encode()
        answer = await client.get(STAFF, headers=[(b"Authorization", header)])
        assert answer.status_code == 401, token
    for value in (staff.token, f"Basic {staff.token}", f"Bearer{staff.token}", "Bearer", ""):
        assert (await client.get(STAFF, headers={"Authorization": value})).status_code == 401
    assert (await client.get(STAFF)).status_code == 401


async def test_a_good_token_at_the_wrong_door(
    app: FastAPI, client: httpx.AsyncClient, staff: SignedIn, agency: Organisation
) -> None:
    member = await member_token(app)
    partner = await partner_token(app, agency.id)
    assert await status_of(client, member.token) == 401
    assert await status_of(client, partner.token) == 401
    # A cached success at its own door must not open another one.
    assert await status_of(client, staff.token) == 200
    assert not await opens(app, staff.token, "member")
    assert not await opens(app, staff.token, "partner")


async def test_the_right_door_with_too_small_a_role(
    client: httpx.AsyncClient, staff: SignedIn
) -> None:
    assert await status_of(client, staff.token, "/v1/staff/accounts") == 403


async def test_the_token_is_looked_at_before_the_body(
    client: httpx.AsyncClient, staff: SignedIn
) -> None:
    path = "/v1/staff/accounts"
    assert (await client.post(path, content=b"{", headers={})).status_code == 401
    garbage = {**staff.headers, "Content-Type": "text/plain"}
    assert (await client.post(path, content=b"{", headers=garbage)).status_code == 415


async def test_an_account_that_does_not_exist_has_nothing(
    app: FastAPI, client: httpx.AsyncClient, staff: SignedIn
) -> None:
    """Signed by us for an account that was never there: no row, no 500."""
    ghost = signed(app, claims_of(staff.token) | {"sub": str(uuid.uuid4())})
    assert await status_of(client, ghost) == 401
