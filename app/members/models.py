"""Persons, members, their registrations and the checks that prove who they are."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, Numeric, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.rotation import indexed
from app.kernel.transitions import Lifecycle
from app.members.documents import DOCUMENT_TYPES, index_value

REGISTRATION = Lifecycle.of(
    "registration",
    initial=["draft"],
    moves={
        "draft": ["submitted", "abandoned"],
        "submitted": ["draft", "checking", "completed", "abandoned"],
        "checking": ["submitted", "completed", "abandoned"],
        "completed": [],
        "abandoned": [],
    },
)
IDENTITY_CHECK = Lifecycle.of(
    "identity_check",
    initial=["requested"],
    moves={"requested": ["passed", "failed", "expired"], "passed": [], "failed": [], "expired": []},
)
LIVE = ("draft", "submitted", "checking")


def _words(column: str, words: tuple[str, ...]) -> str:
    return f"{column} in (" + ", ".join(f"'{word}'" for word in words) + ")"


def document_value(record: Mapping[str, Any]) -> str | None:
    """What a document's blind index is made of; None for a record without a document."""
    number = record.get("document_number")
    if number is None:
        return None
    return index_value(record["document_type"], number, record.get("issuing_country"))


def name_value(record: Mapping[str, Any]) -> str | None:
    """What a name's blind index is made of."""
    name = record.get("name")
    return None if name is None else str(name).casefold()


class Person(Base):
    """A human being, unique by verified document.

    `sealed` holds {name, document_number, issuing_country, phone}. A person without
    `verified_at` was pre-registered by a roster: nobody has proven to be them yet.
    Erasing empties `sealed` and the indexes and rounds `birth_on` to its year. From
    `blocked_at` on (a confirmed report of death) the data serves claims and retention alone.
    """

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint(_words("document_type", DOCUMENT_TYPES), name="document_type"),
        CheckConstraint("sex in ('female', 'male')", name="sex"),
        CheckConstraint("verified_by in ('vendor', 'attestation')", name="verified_by"),
        CheckConstraint("(verified_at is null) = (verified_by is null)", name="verified"),
        Index(
            "uq_person__verified_document",
            "document_index",
            unique=True,
            postgresql_where=text("verified_at is not null and merged_into_id is null"),
        ),
        Index(
            "uq_person__claimed_document",
            "document_index",
            "name_index",
            unique=True,
            postgresql_where=text("verified_at is null and merged_into_id is null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]
    document_type: Mapped[str]
    document_index: Mapped[bytes | None] = mapped_column(info=indexed("document", document_value))
    name_index: Mapped[bytes | None] = mapped_column(info=indexed("name", name_value))
    phone_index: Mapped[bytes | None] = mapped_column(index=True, info=indexed("phone", "phone"))
    birth_on: Mapped[date]
    sex: Mapped[str]
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[str | None]
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    erased_at: Mapped[datetime | None]
    blocked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Member(Base):
    """A person as the union knows them: member number, managing organisation, who enrolled.

    Without an organisation (no code was scanned) the municipal office manages.
    """

    __tablename__ = "member"
    __table_args__ = (
        CheckConstraint("channel in ('self', 'on_site', 'roster')", name="channel"),
        Index("ix_member__organisation_id", "organisation_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), unique=True)
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    channel: Mapped[str]
    enrolled_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    enrolment_code_id: Mapped[UUID | None] = mapped_column(ForeignKey("enrolment_code.id"))
    joined_at: Mapped[datetime]


class EnrolmentCode(Base):
    """What a site's QR code carries; `scans` is counted in batches.

    `sponsor_id` is an organisation or a partner. Expiry goes by the system clock, like
    that of every token.
    """

    __tablename__ = "enrolment_code"
    __table_args__ = (
        CheckConstraint("length(code) <= 26", name="code"),
        Index("ix_enrolment_code__organisation_id", "organisation_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    campaign: Mapped[str | None]
    caseworker_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    sponsor_id: Mapped[UUID | None]
    plan_codes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    scans: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    last_scanned_at: Mapped[datetime | None]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    created_at: Mapped[datetime]


class Registration(Base):
    """Somebody on the way to becoming a member; it claims a document and proves nothing.

    `sealed` holds what was entered: {name, document_number, issuing_country, birth_on,
    sex, phone}. An abandoned one keeps none of it.
    """

    __tablename__ = "registration"
    __table_args__ = (
        CheckConstraint(REGISTRATION.check(), name="status"),
        CheckConstraint(_words("document_type", DOCUMENT_TYPES), name="document_type"),
        CheckConstraint("channel in ('self', 'on_site')", name="channel"),
        CheckConstraint("status <> 'completed' or person_id is not null", name="completed"),
        Index(
            "uq_registration__live_account",
            "account_id",
            unique=True,
            postgresql_where=text(_words("status", LIVE)),
        ),
        Index("ix_registration__account_id", "account_id", "id"),
        Index(
            "ix_registration__updated_at",
            "updated_at",
            postgresql_where=text("status in ('draft', 'submitted')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("member_account.id"))
    channel: Mapped[str]
    status: Mapped[str]
    sealed: Mapped[bytes]
    document_type: Mapped[str | None]
    document_index: Mapped[bytes | None] = mapped_column(info=indexed("document", document_value))
    enrolment_code_id: Mapped[UUID | None] = mapped_column(ForeignKey("enrolment_code.id"))
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class IdentityCheck(Base):
    """One try to prove that somebody is whom they claim; deadlines go by the system clock.

    `sealed_launch` is what the phone needs to begin the face step. An answer after the
    deadline is kept in `late_state` and changes nothing.
    """

    __tablename__ = "identity_check"
    __table_args__ = (
        CheckConstraint(IDENTITY_CHECK.check(), name="status"),
        CheckConstraint("route in ('vendor', 'attestation', 'attested_phone')", name="route"),
        Index(
            "uq_identity_check__live_registration",
            "registration_id",
            unique=True,
            postgresql_where=text("status = 'requested'"),
        ),
        Index("ix_identity_check__registration_id", "registration_id", "id"),
        Index("ix_identity_check__account_id", "account_id", "requested_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    registration_id: Mapped[UUID] = mapped_column(ForeignKey("registration.id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("member_account.id"))
    route: Mapped[str]
    status: Mapped[str]
    vendor_reference: Mapped[str | None] = mapped_column(unique=True)
    sealed_launch: Mapped[bytes | None]
    reason_code: Mapped[str | None]
    score: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    evidence_reference: Mapped[str | None]
    attested_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    requested_at: Mapped[datetime]
    deadline_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    called_back_at: Mapped[datetime | None]
    late_state: Mapped[str | None]
