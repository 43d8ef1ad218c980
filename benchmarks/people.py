"""Made-up people for the seed: valid numbers of nobody, sealed as the application seals them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from stdnum.cn import ric

from app.kernel.ids import new_id, new_number
from app.kernel.vault import Vault
from app.members.documents import DocumentNumber, Sex
from app.members.matching import Identity, person_row

FIRST_BIRTHDAY = date(1970, 1, 1)
BIRTHDAYS = 12_000
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
GIVEN = "安平宁康乐和顺明远志强海云松"


@dataclass(frozen=True, slots=True)
class MadeUp:
    """One person of the seed, by the ids under which the tables know them."""

    person_id: UUID
    member_id: UUID
    account_id: UUID
    number: str
    phone: str
    identity: Identity


def phone_of(index: int) -> str:
    """A synthetic mainland mobile number in E.164."""
    return f"+86138{index:08d}"


def document_of(index: int) -> DocumentNumber:
    """The index-th synthetic resident number: a test area, a spread of birthdays."""
    born = FIRST_BIRTHDAY + timedelta(days=index % BIRTHDAYS)
    sequence = 1 + index // BIRTHDAYS
    body = f"110105{born:%Y%m%d}{sequence:03d}"
    sex: Sex = "male" if sequence % 2 else "female"
    return DocumentNumber("resident_id", body + ric.calc_check_digit(body + "0"), born, sex)


def name_of(index: int) -> str:
    given = GIVEN[index // 16 % 14] + GIVEN[index // 224 % 14]
    return SURNAMES[index % 16] + given


def people(first: int, count: int) -> Iterator[MadeUp]:
    """`count` people, numbered from `first`."""
    for index in range(first, first + count):
        phone = phone_of(index)
        identity = Identity(name_of(index), document_of(index), phone)
        yield MadeUp(new_id(), new_id(), new_id(), new_number("M"), phone, identity)


PERSON = (
    *("id", "sealed", "document_type", "document_index", "name_index", "phone_index"),
    *("birth_on", "sex", "verified_at", "verified_by", "created_at"),
)
ACCOUNT = (
    *("id", "phone_index", "sealed", "person_id", "status", "tokens_valid_after", "created_at"),
)
MEMBER = ("id", "number", "person_id", "organisation_id", "channel", "joined_at")


def person_record(vault: Vault, one: MadeUp, now: datetime) -> tuple[object, ...]:
    """A proven person's columns, in the order of PERSON."""
    row = person_row(vault, one.person_id, one.identity, now=now)
    row |= {"verified_at": now, "verified_by": "vendor"}
    return tuple(row[name] for name in PERSON)


def account_record(
    vault: Vault, account_id: UUID, phone: str, person_id: UUID | None, now: datetime
) -> tuple[object, ...]:
    """A login account's columns, in the order of ACCOUNT."""
    sealed = vault.seal("member_account", account_id, {"phone": phone, "openid": None})
    index = vault.blind_index("phone", phone)
    return (account_id, index, sealed, person_id, "active", now, now)
