"""`POST /oauth/token`: client credentials for partners, in the words of RFC 6749 §4.4."""

import base64
import binascii
import re
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote_plus

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.access import partner_clients
from app.access.addresses import client_address
from app.access.authentication import AuthenticatorDep
from app.kernel import rate
from app.kernel.clock import system_now
from app.kernel.database import Database, DatabaseDep
from app.kernel.dependencies import VaultDep
from app.kernel.problems import TooManyRequests
from app.kernel.routing import router
from app.kernel.vault import Vault

routes = router("access")

Code = Literal[
    "invalid_request",
    "invalid_client",
    "unsupported_grant_type",
    "invalid_scope",
    "temporarily_unavailable",
]
_CLIENT_ID = re.compile(r"ru-[0-9a-z]{16}")
_WINDOW = timedelta(minutes=15)
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_FORM = "application/x-www-form-urlencoded"


class OAuthToken(BaseModel):
    """RFC 6749 §5.1."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int = Field(description="Seconds.", examples=[900])


class OAuthRefusal(BaseModel):
    """RFC 6749 §5.2."""

    error: Code
    error_description: str


class OAuthError(Exception):
    """A refusal of the token endpoint; `status` is the HTTP status."""

    def __init__(
        self, status: int, error: Code, description: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.status = status
        self.refusal = OAuthRefusal(error=error, error_description=description)
        self.headers = headers or {}


_DOCUMENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            _FORM: {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "client_id": {"type": "string", "examples": ["ru-4m7k2xq9v0p3t8wd"]},
                        "client_secret": {"type": "string", "examples": ["shown-once-at-making"]},
                    },
                }
            }
        },
    }
}
_REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": OAuthRefusal, "description": words}
    for status, words in (
        (400, "The request is not a client credentials grant."),
        (401, "The client is unknown, its secret is wrong, or it has ended."),
        (429, "Too often; see Retry-After."),
    )
}


async def _form(request: Request) -> dict[str, str]:
    """The form's fields; a field that comes twice is refused (RFC 6749 §3.2)."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _FORM:
        raise OAuthError(400, "invalid_request", f"send {_FORM}")
    try:
        text = (await request.body()).decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise OAuthError(400, "invalid_request", "the form cannot be read") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise OAuthError(400, "invalid_request", "a parameter appears twice")
    return fields


def _credentials(request: Request, fields: dict[str, str]) -> tuple[str, str]:
    """Client id and secret by HTTP Basic or in the body, never both (RFC 6749 §2.3.1)."""
    header = request.headers.get("authorization")
    if header is None:
        client_id, secret = fields.get("client_id", ""), fields.get("client_secret", "")
    elif "client_secret" in fields:
        raise OAuthError(400, "invalid_request", "use one way of client authentication")
    else:
        client_id, secret = _basic(header)
    if not _CLIENT_ID.fullmatch(client_id) or not secret:
        raise _invalid_client()
    return client_id, secret


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _invalid_client() from error
    if scheme.lower() != "basic":
        raise _invalid_client()
    client_id, _, secret = pair.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def _invalid_client() -> OAuthError:
    return OAuthError(
        401,
        "invalid_client",
        "unknown client or wrong secret",
        {"WWW-Authenticate": 'Basic realm="redumbrella"'},
    )


async def _count_attempt(database: Database, vault: Vault, client_id: str, address: str) -> bytes:
    bucket = vault.mac("oauth-client", client_id.encode("utf-8", "replace"))
    by_address = vault.mac("oauth-address", address.encode())
    try:
        await rate.limit(database, bucket, at_most=30, per=_WINDOW)
        await rate.limit(database, by_address, at_most=600, per=_WINDOW)
    except TooManyRequests as error:
        raise OAuthError(
            429, "temporarily_unavailable", "too many attempts", error.headers
        ) from error
    return bucket


async def _client_grant(request: Request) -> tuple[str, str]:
    fields = await _form(request)
    grant = fields.get("grant_type")
    if grant is None:
        raise OAuthError(400, "invalid_request", "grant_type is missing")
    if grant != "client_credentials":
        raise OAuthError(400, "unsupported_grant_type", "only client_credentials")
    if fields.get("scope"):
        raise OAuthError(400, "invalid_scope", "this service has no scopes")
    return _credentials(request, fields)


@routes.post("/oauth/token", response_model=OAuthToken, responses=_REFUSED, openapi_extra=_DOCUMENT)
async def issue_partner_token(
    request: Request, database: DatabaseDep, vault: VaultDep, authenticator: AuthenticatorDep
) -> Response:
    """Give a partner's client an access token (RFC 6749 §4.4, client credentials).

    The client authenticates by HTTP Basic or in the form body. There is no refresh
    token: ask again before `expires_in` has passed.
    """
    try:
        client_id, secret = await _client_grant(request)
        bucket = await _count_attempt(database, vault, client_id, client_address(request))
        now = system_now()
        async with database.transaction() as session:
            client = await partner_clients.prove_client(session, client_id, secret, now)
            if client is None:
                raise _invalid_client()
            await rate.forget(session, bucket)
            token = partner_clients.client_token(authenticator.keyring, client, now)
    except OAuthError as error:
        return JSONResponse(
            error.refusal.model_dump(), error.status, headers={**_NO_STORE, **error.headers}
        )
    body = OAuthToken(access_token=token.value, expires_in=token.expires_in)
    return JSONResponse(body.model_dump(), headers=_NO_STORE)
