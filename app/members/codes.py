"""The text of an enrolment code: easy to read aloud, hard to guess, errors show.

Twelve characters of Crockford's alphabet (60 random bits) and a Luhn mod 32 check
character, which finds every single wrong character.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from stdnum import luhn

from app.kernel.ids import ALPHABET, random_code
from app.members import queries
from app.members.errors import CodeGone, CodeUnknown
from app.members.models import EnrolmentCode

LENGTH = 12
_READ_ALOUD = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})
_ONCE = {character: value for value, character in enumerate(ALPHABET)}
_TWICE = {c: sum(divmod(2 * value, len(ALPHABET))) for c, value in _ONCE.items()}


def new_code() -> str:
    body = random_code(LENGTH)
    return body + luhn.calc_check_digit(body, ALPHABET)


def normal_code(text: str) -> str:
    """The code as stored; raises CodeUnknown (404) for one that was altered."""
    code = text.upper().translate(_READ_ALOUD)
    if len(code) != LENGTH + 1 or not _adds_up(code):
        raise CodeUnknown
    return code


def _adds_up(code: str) -> bool:
    """`stdnum.luhn.is_valid` for this alphabet, by table: every scan pays for it."""
    try:
        odd = sum([_ONCE[character] for character in code[::-2]])
        even = sum([_TWICE[character] for character in code[-2::-2]])
    except KeyError:
        return False
    return (odd + even) % len(ALPHABET) == 0


def refuse_if_gone(expires_at: datetime, revoked_at: datetime | None, at: datetime) -> None:
    """Raises CodeGone (410) for a revoked or expired code; `at` is the system clock."""
    if revoked_at is not None and revoked_at <= at:
        raise CodeGone("revoked", revoked_at)
    if expires_at <= at:
        raise CodeGone("expired", expires_at)


async def usable_code(session: AsyncSession, text: str, at: datetime) -> EnrolmentCode:
    """The code that was scanned; raises CodeUnknown (404) or CodeGone (410)."""
    code = await queries.code_by_text(session, normal_code(text))
    if code is None:
        raise CodeUnknown
    refuse_if_gone(code.expires_at, code.revoked_at, at)
    return code
