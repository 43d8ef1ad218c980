"""Signing keys: kept sealed in the database, published before use, retired after their tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import tokens
from app.access.models import SigningKey
from app.kernel import audit
from app.kernel.clock import system_now
from app.kernel.ids import new_id
from app.kernel.principal import Door, Principal
from app.kernel.vault import Vault
from app.settings import Settings

# Longer than anybody may cache the published keys.
PUBLISHED_AHEAD = timedelta(minutes=10)
PUBLISHED_MAX_AGE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A minted token and its lifetime in seconds."""

    value: str
    expires_in: int


class KeyRing:
    """The keys of this process, as last read; mints and verifies access tokens."""

    def __init__(self, settings: Settings, vault: Vault) -> None:
        self._issuer = settings.token_issuer
        self._vault = vault
        self._prepared: dict[str, tokens.PreparedKey] = {}
        self._signing: dict[str, tokens.PreparedKey] = {}
        self._keys: tokens.Keys | None = None
        self.lifetime = timedelta(minutes=settings.access_token_minutes)

    @property
    def keys(self) -> tokens.Keys:
        if self._keys is None:
            raise RuntimeError("the signing keys have not been read yet")
        return self._keys

    async def refresh(self, session: AsyncSession) -> None:
        """Read the keys that are not retired; each is prepared once."""
        now = system_now()
        living = or_(SigningKey.retires_at.is_(None), SigningKey.retires_at > now)
        rows = (
            await session.scalars(select(SigningKey).where(living).order_by(SigningKey.active_at))
        ).all()
        if rows:
            self._take(rows, now)

    def _take(self, rows: Sequence[SigningKey], now: datetime) -> None:
        for row in rows:
            if row.kid not in self._prepared:
                self._prepared[row.kid] = tokens.prepare_verifying(row.public_jwk)
        current = [row for row in rows if row.active_at <= now][-1]
        if current.kid not in self._signing:
            pem = self._vault.open_bytes("signing_key", current.id, current.sealed)
            self._signing = {current.kid: tokens.prepare_signing(pem)}
        self._prepared = {row.kid: self._prepared[row.kid] for row in rows}
        self._keys = tokens.Keys(
            signing_kid=current.kid,
            signing=self._signing[current.kid],
            verifying=self._prepared,
            public=tuple(row.public_jwk for row in rows),
        )

    def mint(self, principal: Principal, generation: int) -> AccessToken:
        """A token for a principal that has a family."""
        value = tokens.mint(
            self.keys,
            principal,
            issuer=self._issuer,
            generation=generation,
            lifetime=self.lifetime,
            now=system_now(),
        )
        return AccessToken(value, int(self.lifetime.total_seconds()))

    def verify(self, token: str, door: Door, now: float) -> tokens.Claims:
        """Raises InvalidToken; revocation is not looked at here."""
        return tokens.verify(
            self.keys, token, door=door, issuer=self._issuer, longest=self.lifetime, now=now
        )

    def document(self) -> dict[str, Any]:
        """The published key set (RFC 7517)."""
        return {"keys": [dict(public) for public in self.keys.public]}


async def ensure_signing_key(session: AsyncSession, vault: Vault) -> None:
    """Make the first key where there is none; processes that start together make one."""
    await session.execute(text("select pg_advisory_xact_lock(hashtext('signing_key'))"))
    if await session.scalar(select(SigningKey.id).limit(1)) is None:
        await _add_key(session, vault, active_at=system_now())


async def rotate_signing_key(
    session: AsyncSession, vault: Vault, settings: Settings, actor: Principal
) -> SigningKey:
    """Publish the next key, which signs from PUBLISHED_AHEAD on; returns it.

    The present keys verify until the last token they signed has expired, so nobody is
    logged out. While a published key still waits, that one is returned again.
    """
    now = system_now()
    await session.execute(text("select pg_advisory_xact_lock(hashtext('signing_key'))"))
    waiting = await session.scalar(select(SigningKey).where(SigningKey.active_at > now))
    if waiting is not None:
        return waiting
    added = await _add_key(session, vault, active_at=now + PUBLISHED_AHEAD)
    lifetime = timedelta(minutes=settings.access_token_minutes)
    await session.execute(
        update(SigningKey)
        .where(SigningKey.id != added.id, SigningKey.retires_at.is_(None))
        .values(retires_at=added.active_at + lifetime + PUBLISHED_MAX_AGE)
    )
    await audit.record(
        session, actor, "signing_key.rotate", subject="signing_key", subject_ids=[added.id]
    )
    return added


async def _add_key(session: AsyncSession, vault: Vault, *, active_at: datetime) -> SigningKey:
    pem = tokens.new_private_key()
    public = tokens.public_jwk(pem)
    key_id = new_id()
    key = SigningKey(
        id=key_id,
        kid=public["kid"],
        sealed=vault.seal_bytes("signing_key", key_id, pem),
        public_jwk=public,
        created_at=system_now(),
        active_at=active_at,
    )
    session.add(key)
    await session.flush()
    return key
