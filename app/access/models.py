"""Accounts of the three doors, token families, one-time codes and signing keys."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.rotation import indexed
from app.kernel.transitions import Lifecycle

ROLES = ("caseworker", "reviewer", "supervisor", "auditor", "administrator")

MEMBER_ACCOUNT = Lifecycle.of(
    "member_account", initial=["active"], moves={"active": ["blocked"], "blocked": ["active"]}
)
STAFF_ACCOUNT = Lifecycle.of(
    "staff_account", initial=["active"], moves={"active": ["disabled"], "disabled": ["active"]}
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def generation_of(valid_after: datetime) -> int:
    """Microseconds since 1970: what a token carries of its account's `tokens_valid_after`."""
    elapsed = valid_after - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


class MemberAccount(Base):
    """A proven phone that may log in; `sealed` holds {phone, openid}.

    An account is not a person: `person_id` is set once an identity check has passed.
    """

    __tablename__ = "member_account"
    __table_args__ = (CheckConstraint(MEMBER_ACCOUNT.check(), name="status"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone_index: Mapped[bytes] = mapped_column(unique=True, info=indexed("phone", "phone"))
    openid_index: Mapped[bytes | None] = mapped_column(
        unique=True, info=indexed("openid", "openid")
    )
    sealed: Mapped[bytes]
    person_id: Mapped[UUID | None] = mapped_column(index=True)
    status: Mapped[str]
    tokens_valid_after: Mapped[datetime]
    created_at: Mapped[datetime]


class StaffAccount(Base):
    """Somebody who works for an organisation; `sealed` holds {totp_secret}.

    Tokens minted before `tokens_valid_after` are dead. `initial_password_until` is set
    while the password is the one that was shown once.
    """

    __tablename__ = "staff_account"
    __table_args__ = (
        CheckConstraint(STAFF_ACCOUNT.check(), name="status"),
        CheckConstraint(
            "cardinality(roles) > 0 and roles <@ array["
            + ", ".join(f"'{role}'" for role in ROLES)
            + "]::text[]",
            name="roles",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), index=True)
    username: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    password_hash: Mapped[str]
    initial_password_until: Mapped[datetime | None]
    sealed: Mapped[bytes]
    last_totp_step: Mapped[int] = mapped_column(BigInteger)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    status: Mapped[str]
    tokens_valid_after: Mapped[datetime]
    created_at: Mapped[datetime]


class PartnerClient(Base):
    """A partner's OAuth client; while a secret rotates, the former one works as well."""

    __tablename__ = "partner_client"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"), index=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    client_id: Mapped[str] = mapped_column(unique=True)
    secret_hash: Mapped[bytes]
    former_secret_hash: Mapped[bytes | None]
    former_secret_until: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    # While the partner as a whole is suspended.
    suspended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class TokenFamily(Base):
    """One login: all tokens that descend from it end together."""

    __tablename__ = "token_family"
    __table_args__ = (
        CheckConstraint("kind in ('member', 'staff')", name="kind"),
        Index(
            "ix_token_family__account_id", "account_id", postgresql_where=text("ended_at is null")
        ),
        Index("ix_token_family__expires_at", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    account_id: Mapped[UUID]
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None]


class RefreshToken(Base):
    """One link of a family, by hash; used at most once."""

    __tablename__ = "refresh_token"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    family_id: Mapped[UUID] = mapped_column(
        ForeignKey("token_family.id", ondelete="CASCADE"), index=True
    )
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class TokenRevocation(Base):
    """Tokens of `subject_id` (an account, a family, a client) of a generation up to
    `generation` are dead. Every process reads the new rows each second.
    """

    __tablename__ = "token_revocation"
    __table_args__ = (Index("ix_token_revocation__recorded_at", "recorded_at"),)

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class OneTimeCode(Base):
    """A code sent to a phone; phone and code are kept as keyed hashes only."""

    __tablename__ = "one_time_code"
    __table_args__ = (
        Index("ix_one_time_code__phone_hash", "phone_hash", "created_at"),
        Index("ix_one_time_code__expires_at", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone_hash: Mapped[bytes]
    code_hash: Mapped[bytes]
    guesses: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SigningKey(Base):
    """An ES256 key: published at once, signing from `active_at`, gone after `retires_at`."""

    __tablename__ = "signing_key"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kid: Mapped[str] = mapped_column(unique=True)
    sealed: Mapped[bytes]
    public_jwk: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    active_at: Mapped[datetime]
    retires_at: Mapped[datetime | None]
