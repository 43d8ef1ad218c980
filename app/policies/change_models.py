"""What changes of running cover keep: endorsements, beneficiaries, lapses, moratoriums."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.rotation import indexed
from app.members.documents import index_value

ENDORSEMENTS = ("name", "document_number", "occupation", "beneficiary")
_KINDS = ", ".join(f"'{kind}'" for kind in ENDORSEMENTS)


def document_value(record: Mapping[str, Any]) -> str | None:
    """What a beneficiary's blind index is made of; None where no document was given."""
    number = record.get("document_number")
    if number is None:
        return None
    return index_value(record["document_type"], number, record.get("issuing_country"))


class Endorsement(Base):
    """What a transaction of kind `endorse` corrected.

    `sealed` holds {was, becomes, reason, evidence}; who, when and from when is in the
    transaction beside it.
    """

    __tablename__ = "endorsement"
    __table_args__ = (
        CheckConstraint(f"kind in ({_KINDS})", name="kind"),
        UniqueConstraint("transaction_id", name="uq_endorsement__transaction_id"),
        Index("ix_endorsement__policy_id", "policy_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy.id"))
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("policy_transaction.id"))
    kind: Mapped[str]
    sealed: Mapped[bytes]


class Beneficiary(Base):
    """Who is paid when the covered person cannot be, and how many percent of it.

    In force for instants from `effective_at` until `ended_at`; the percents of a policy's
    live rows add up to 100. `sealed` holds {name, relation, document_type,
    document_number, issuing_country}.
    """

    __tablename__ = "beneficiary"
    __table_args__ = (
        CheckConstraint("share_percent between 1 and 100", name="share_percent"),
        CheckConstraint("ended_at >= effective_at", name="ended_at"),
        Index(
            "uq_beneficiary__live",
            "policy_id",
            "position",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
        Index("ix_beneficiary__policy_id", "policy_id", "effective_at"),
        Index(
            "ix_beneficiary__document_index",
            "document_index",
            postgresql_where=text("document_index is not null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy.id"))
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("policy_transaction.id"))
    position: Mapped[int]
    share_percent: Mapped[int]
    sealed: Mapped[bytes]
    document_index: Mapped[bytes | None] = mapped_column(info=indexed("document", document_value))
    effective_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PolicyLapse(Base):
    """That nobody renewed: told once for each end that a policy has had."""

    __tablename__ = "policy_lapse"

    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy.id"), primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(primary_key=True)
    lapsed_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Moratorium(Base):
    """Days on which no cover managed in an organisation's subtree ends.

    A withdrawn one extends nothing more; what it has extended stays. `version` counts
    changes and is its ETag.
    """

    __tablename__ = "moratorium"
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="days"),
        CheckConstraint("length(reason) between 1 and 200", name="reason"),
        CheckConstraint("(withdrawn_at is null) = (withdrawn_by is null)", name="withdrawn"),
        Index("ix_moratorium__organisation_id", "organisation_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    first_day: Mapped[date]
    last_day: Mapped[date]
    reason: Mapped[str]
    declared_by: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    declared_at: Mapped[datetime]
    withdrawn_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    withdrawn_at: Mapped[datetime | None]
    version: Mapped[int]
