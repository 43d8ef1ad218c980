"""One-time codes by SMS: six digits, five minutes, five guesses, ten an hour (issue rules).

Guesses and limits are counted in transactions of their own, so that a refused request
still counts. Whether a phone is known makes no difference here.
"""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.errors import MessageNotDelivered, OneTimeCodeLocked, WrongOneTimeCode
from app.access.models import OneTimeCode
from app.integrations.errors import OutcomeUnknown, Refused, Unreachable
from app.integrations.sms import Sms
from app.kernel import rate
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.problems import TooManyRequests, Unavailable
from app.kernel.vault import Vault

LASTS = timedelta(minutes=5)
GUESSES = 5
PER_PHONE = 10
HOUR = timedelta(hours=1)
LOGIN = "login"
TEMPLATE = "one_time_code"


async def limit_address(
    database: Database, vault: Vault, what: str, address: str, at_most: int
) -> None:
    """Count one hit of an address for this hour; raises TooManyRequests (429)."""
    bucket = vault.mac("address-limit", f"{what}:{address}".encode())
    await rate.limit(database, bucket, at_most=at_most, per=HOUR)


async def send_code(
    database: Database, vault: Vault, sms: Sms, phone: str, purpose: str = LOGIN
) -> None:
    """Make a code for an E.164 phone and send it.

    Raises TooManyRequests (429) for the 11th in an hour, MessageNotDelivered (422),
    Unavailable (503) when the carrier took nothing. The caller holds no transaction.
    """
    bucket = vault.mac("phone-limit", f"{purpose}:{phone}".encode())
    await rate.limit(database, bucket, at_most=PER_PHONE, per=HOUR)
    code_id, code, now = new_id(), f"{secrets.randbelow(10**6):06d}", system_now()
    async with database.transaction() as session:
        await session.execute(
            insert(OneTimeCode).values(
                id=code_id,
                phone_hash=_phone_hash(vault, phone, purpose),
                code_hash=_code_hash(vault, code_id, code),
                guesses=0,
                created_at=now,
                expires_at=now + LASTS,
            )
        )
    minutes = str(int(LASTS.total_seconds()) // 60)
    try:
        await sms.send(phone, TEMPLATE, {"code": code, "minutes": minutes}, str(code_id))
    except OutcomeUnknown:
        # It may have been sent, so the caller waits for it; asking again is limited anyway.
        return
    except Unreachable as error:
        raise Unavailable from error
    except Refused as error:
        raise _refusal(error) from error


def _refusal(error: Refused) -> Exception:
    if error.code == "undeliverable":
        return MessageNotDelivered()
    if error.code == "too_often":
        return TooManyRequests(60)
    return Unavailable()


_GUESS = text(
    "update one_time_code set guesses = guesses + 1 where id = ("
    " select id from one_time_code where phone_hash = :phone_hash"
    " order by created_at desc, id desc limit 1)"
    " and used_at is null and expires_at > :now returning id, code_hash, guesses"
)


async def prove(
    database: Database, vault: Vault, phone: str, code: str, purpose: str = LOGIN
) -> UUID:
    """Check a guess at the newest code of a phone; returns the code's id for `consume`.

    Raises WrongOneTimeCode (422), or OneTimeCodeLocked (409) once five guesses were wrong.
    """
    phone_hash = _phone_hash(vault, phone, purpose)
    async with database.transaction() as session:
        found = (
            await session.execute(_GUESS, {"phone_hash": phone_hash, "now": system_now()})
        ).one_or_none()
    if found is None:
        raise WrongOneTimeCode
    if found.guesses > GUESSES:
        raise OneTimeCodeLocked
    given = _code_hash(vault, found.id, code)
    if not secrets.compare_digest(given, found.code_hash):
        raise OneTimeCodeLocked if found.guesses == GUESSES else WrongOneTimeCode
    code_id: UUID = found.id
    return code_id


async def consume(session: AsyncSession, code_id: UUID) -> None:
    """Use a proven code up with what it was proven for; raises WrongOneTimeCode (422)."""
    used = await session.scalar(
        text(
            "update one_time_code set used_at = :now where id = :id and used_at is null"
            " returning id"
        ),
        {"id": code_id, "now": system_now()},
    )
    if used is None:
        raise WrongOneTimeCode


def _phone_hash(vault: Vault, phone: str, purpose: str) -> bytes:
    return vault.mac("one-time-phone", f"{purpose}:{phone}".encode())


def _code_hash(vault: Vault, code_id: UUID, code: str) -> bytes:
    return vault.mac("one-time-code", f"{code_id}:{code}".encode())
