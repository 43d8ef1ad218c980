"""Identifiers: UUIDv7 for machines, short check-digited numbers for people."""

import secrets
from uuid import UUID

import uuid_utils
from asyncpg.pgproto.pgproto import UUID as FastUUID
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_37_36

# Crockford's alphabet: no I, L, O, U, so that a number survives being read aloud.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> UUID:
    """A UUIDv7: ordered by creation, so that indexes stay dense."""
    return UUID(int=uuid_utils.uuid7().int)


def new_ids(count: int) -> list[UUID]:
    """`count` of them in order, made the cheap way for bulk work."""
    return [FastUUID(uuid_utils.uuid7().bytes) for _ in range(count)]


def random_code(length: int) -> str:
    """`length` characters of Crockford's alphabet, 5 random bits each."""
    bits = secrets.randbits(5 * length)
    return "".join(ALPHABET[(bits >> 5 * place) & 31] for place in range(length))


def new_number(prefix: str) -> str:
    """A number people can say: prefix letter, 10 random characters, ISO 7064 check character."""
    body = prefix + random_code(10)
    return body + mod_37_36.calc_check_digit(body)


def valid_number(number: str, prefix: str) -> bool:
    """Whether `number` has the prefix and a right check character; case is ignored."""
    try:
        mod_37_36.validate(number.upper())
    except ValidationError:
        return False
    return number.upper().startswith(prefix) and len(number) == len(prefix) + 11
