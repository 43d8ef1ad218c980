"""Partners' OAuth clients: secrets shown once, kept as hashes, rotated with an overlap."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.keyring import AccessToken, KeyRing
from app.access.models import PartnerClient, generation_of
from app.access.revocations import revoke_account
from app.kernel import audit
from app.kernel.ids import new_id, random_code
from app.kernel.principal import Principal


async def create_client(
    session: AsyncSession,
    *,
    partner_id: UUID,
    organisation_id: UUID,
    expires_at: datetime | None,
    actor: Principal,
    now: datetime,
    secret: str | None = None,
) -> tuple[PartnerClient, str]:
    """A new client and its secret, which is not kept; the caller checked the scope.

    Only a demonstration chooses the secret itself.
    """
    secret = secret or _new_secret()
    client = PartnerClient(
        id=new_id(),
        partner_id=partner_id,
        organisation_id=organisation_id,
        client_id=f"ru-{random_code(16).lower()}",
        secret_hash=_hash(secret),
        expires_at=expires_at,
        created_at=now,
    )
    session.add(client)
    await session.flush()
    await _record(session, actor, "create", client)
    return client, secret


async def rotate_secret(
    session: AsyncSession,
    client: PartnerClient,
    *,
    overlap: timedelta,
    actor: Principal,
    now: datetime,
) -> str:
    """A new secret; the former one works until the overlap has passed."""
    secret = _new_secret()
    client.former_secret_hash = client.secret_hash
    client.former_secret_until = now + overlap
    client.secret_hash = _hash(secret)
    await session.flush()
    await _record(session, actor, "rotate", client)
    return secret


async def disable_client(
    session: AsyncSession, client: PartnerClient, *, actor: Principal, now: datetime
) -> None:
    """No new tokens, and the living ones die within seconds; repeating it changes nothing."""
    if client.disabled_at is None:
        client.disabled_at = now
        await session.flush()
        await revoke_account(session, client.id, now)
        await _record(session, actor, "disable", client)


async def suspend_clients(session: AsyncSession, partner_id: UUID, now: datetime) -> None:
    """No client of the partner gets tokens, and the living ones die within seconds."""
    for client in await clients_of(session, partner_id):
        client.suspended_at = now
        await revoke_account(session, client.id, now)
    await session.flush()


async def reinstate_clients(session: AsyncSession, partner_id: UUID) -> None:
    """The partner's clients work again; tokens from before stay dead."""
    for client in await clients_of(session, partner_id):
        client.suspended_at = None
    await session.flush()


async def clients_of(session: AsyncSession, partner_id: UUID) -> list[PartnerClient]:
    """All clients that the partner ever had, oldest first."""
    found = await session.scalars(
        select(PartnerClient)
        .where(PartnerClient.partner_id == partner_id)
        .order_by(PartnerClient.id)
    )
    return list(found.all())


async def prove_client(
    session: AsyncSession, client_id: str, secret: str, now: datetime
) -> PartnerClient | None:
    """The client, if the secret is one of its living ones and it has not ended."""
    client = await session.scalar(select(PartnerClient).where(PartnerClient.client_id == client_id))
    given = _hash(secret)
    if client is None or not _opens(client, given, now):
        return None
    if client.disabled_at is not None or client.suspended_at is not None:
        return None
    if client.expires_at is not None and client.expires_at <= now:
        return None
    return client


def _opens(client: PartnerClient, given: bytes, now: datetime) -> bool:
    if hmac.compare_digest(client.secret_hash, given):
        return True
    former, until = client.former_secret_hash, client.former_secret_until
    if former is None or until is None or until <= now:
        return False
    return hmac.compare_digest(former, given)


def client_token(keyring: KeyRing, client: PartnerClient, now: datetime) -> AccessToken:
    """A token of the partner door; it dies with its client."""
    principal = Principal(
        kind="partner",
        id=client.partner_id,
        organisation_id=client.organisation_id,
        family_id=client.id,
    )
    return keyring.mint(principal, generation_of(now))


def _new_secret() -> str:
    # 256 random bits need no slow hash.
    return f"rus_{secrets.token_urlsafe(32)}"


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


async def _record(
    session: AsyncSession, actor: Principal, verb: str, client: PartnerClient
) -> None:
    await audit.record(
        session,
        actor,
        f"partner_client.{verb}",
        subject="partner_client",
        subject_ids=[client.id],
    )
