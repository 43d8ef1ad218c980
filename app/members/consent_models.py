"""Consents and the texts they were given to; the right to serve one person for a while."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base

PURPOSES = ("service_terms", "personal_information", "identity_number", "face", "health")
# Without these nobody can be registered; the others are asked for when they are needed.
REQUIRED_TO_REGISTER = ("service_terms", "personal_information", "identity_number")
SERVE_REASONS = ("enrolment", "claim", "correction", "complaint", "relief")


def _words(column: str, words: tuple[str, ...]) -> str:
    return f"{column} in (" + ", ".join(f"'{word}'" for word in words) + ")"


class ConsentText(Base):
    """One version of the words that somebody agrees to; append-only.

    `digest` is the SHA-256 of both texts, in hex.
    """

    __tablename__ = "consent_text"
    __table_args__ = (CheckConstraint(_words("purpose", PURPOSES), name="purpose"),)

    purpose: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title_zh: Mapped[str]
    title_en: Mapped[str]
    text_zh: Mapped[str]
    text_en: Mapped[str]
    digest: Mapped[str]
    effective_at: Mapped[datetime]


class Consent(Base):
    """A consent to one purpose, by an account or by somebody standing at a site."""

    __tablename__ = "consent"
    __table_args__ = (
        ForeignKeyConstraint(
            ["purpose", "version"],
            ["consent_text.purpose", "consent_text.version"],
            name="fk_consent__text",
        ),
        CheckConstraint("given_via in ('self', 'on_site')", name="given_via"),
        CheckConstraint("account_id is not null or registration_id is not null", name="owner"),
        Index(
            "uq_consent__live_account",
            "account_id",
            "purpose",
            unique=True,
            postgresql_where=text("withdrawn_at is null"),
        ),
        Index(
            "uq_consent__live_registration",
            "registration_id",
            "purpose",
            unique=True,
            postgresql_where=text("withdrawn_at is null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    version: Mapped[int]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("member_account.id"))
    registration_id: Mapped[UUID | None] = mapped_column(ForeignKey("registration.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    given_via: Mapped[str]
    recorded_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class ServeCode(Base):
    """A one-time code that a member reads out, so that a caseworker may serve them."""

    __tablename__ = "serve_code"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class ServeGrant(Base):
    """A staff account may serve one person until `expires_at` (system clock)."""

    __tablename__ = "serve_grant"
    __table_args__ = (
        CheckConstraint(_words("reason", SERVE_REASONS), name="reason"),
        CheckConstraint("found_by in ('document', 'code')", name="found_by"),
        Index("ix_serve_grant__staff_id_person_id", "staff_id", "person_id", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]
    found_by: Mapped[str]
    granted_at: Mapped[datetime]
    expires_at: Mapped[datetime]
