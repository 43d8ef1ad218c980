"""From a bearer token to a principal: the callable behind every door, and its background watch."""

import asyncio
import hashlib
import re
import time
from dataclasses import dataclass
from typing import Annotated, cast

import structlog
from fastapi import Depends, Request

from app.access.keyring import KeyRing, ensure_signing_key
from app.access.passwords import Passwords
from app.access.revocations import POLL_SECONDS, Revocations
from app.access.tokens import MAX_TOKEN_LENGTH, Claims, InvalidToken
from app.kernel.database import Database
from app.kernel.principal import Door, Principal
from app.kernel.problems import Unauthenticated, Unavailable
from app.kernel.vault import Vault
from app.settings import Settings

log = structlog.get_logger("access")

CACHED_TOKENS = 20_000
# New keys are published ten minutes before they sign.
KEYS_EVERY = 15.0
_BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+) *")


@dataclass(frozen=True, slots=True)
class _Verified:
    claims: Claims
    door: Door
    principal: Principal
    kid_set: int


class Authenticator:
    """Verifies tokens for every door; `start` before the first request, `watch` meanwhile.

    A signature is checked once per token and process; expiry and revocation each time.
    """

    def __init__(self, settings: Settings, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self.keyring = KeyRing(settings, vault)
        self.revocations = Revocations(self.keyring.lifetime)
        self.passwords = Passwords()
        self._verified: dict[bytes, _Verified] = {}
        self._kid_set = 0
        self._keys_due = 0.0

    async def start(self) -> None:
        """Make sure that there is a signing key, and learn keys and revocations."""
        async with self._database.transaction() as session:
            await ensure_signing_key(session, self._vault)
        await self.refresh()

    async def refresh(self) -> None:
        """One reading of revocations and keys."""
        await self.revocations.refresh(self._database)
        await self._refresh_keys()

    async def _refresh_keys(self) -> None:
        async with self._database.transaction() as session:
            await self.keyring.refresh(session)
        kid_set = hash(frozenset(self.keyring.keys.verifying))
        if kid_set != self._kid_set:
            self._kid_set = kid_set
            self._verified.clear()
        self._keys_due = time.monotonic() + KEYS_EVERY

    async def watch(self) -> None:
        """Read revocations each second, keys now and then, until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                async with asyncio.timeout(2 * POLL_SECONDS):
                    await self.revocations.refresh(self._database)
                    if time.monotonic() >= self._keys_due:
                        await self._refresh_keys()
            except Exception as error:
                log.warning("revocations not read", error=type(error).__name__)

    async def __call__(self, request: Request, door: Door) -> Principal:
        """The caller; raises Unauthenticated (401), or Unavailable (503) for staff while
        revocations cannot be read."""
        token = _bearer_token(request.headers.get("authorization", ""))
        digest = hashlib.blake2b(token.encode(), digest_size=20).digest()
        found = self._verified.get(digest)
        now = time.time()
        if found is None or found.kid_set != self._kid_set:
            found = self._verify(token, door, digest, now)
        if found.door != door or found.claims.exp <= now:
            raise Unauthenticated
        if door == "staff" and self.revocations.is_stale:
            await self._catch_up()
        if self.revocations.is_dead(found.claims):
            raise Unauthenticated
        return found.principal

    async def _catch_up(self) -> None:
        """Read now what the watch has not read in time; raises Unavailable (503)."""
        try:
            async with asyncio.timeout(2 * POLL_SECONDS):
                await self.revocations.refresh(self._database)
        except Exception as error:
            raise Unavailable from error

    def _verify(self, token: str, door: Door, digest: bytes, now: float) -> _Verified:
        try:
            claims = self.keyring.verify(token, door, now)
        except InvalidToken as error:
            raise Unauthenticated from error
        if len(self._verified) >= CACHED_TOKENS:
            # Oldest first: dictionaries keep the order of insertion.
            for stale in list(self._verified)[: CACHED_TOKENS // 10]:
                del self._verified[stale]
        verified = _Verified(claims, door, claims.principal(door), self._kid_set)
        self._verified[digest] = verified
        return verified


def _bearer_token(header: str) -> str:
    if len(header) > MAX_TOKEN_LENGTH + 8:
        raise Unauthenticated
    match = _BEARER.fullmatch(header)
    if match is None:
        raise Unauthenticated
    return match[1]


async def _request_authenticator(request: Request) -> Authenticator:
    return cast(Authenticator, request.app.state.authenticate)


AuthenticatorDep = Annotated[Authenticator, Depends(_request_authenticator)]
