"""Incident, claim, documents, facts, receipts."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.rotation import indexed
from app.kernel.transitions import Lifecycle

# Up to a plan's limit `submitted` may be decided by rule; `under_review` goes back to `paid`
# where a second look at a paid claim finds nothing more to pay.
CLAIM = Lifecycle.of(
    "claim",
    initial=["draft"],
    moves={
        "draft": ["submitted", "withdrawn"],
        "submitted": ["under_review", "approved", "withdrawn"],
        "under_review": [
            "submitted",
            "waiting_for_member",
            "awaiting_second_approval",
            "approved",
            "denied",
            "paid",
            "withdrawn",
        ],
        "waiting_for_member": ["submitted", "withdrawn"],
        "awaiting_second_approval": ["approved", "submitted"],
        "approved": ["paying"],
        "paying": ["paid", "approved"],
        "denied": ["appealed", "reopened"],
        "paid": ["appealed", "reopened"],
        "appealed": ["under_review"],
        "reopened": ["under_review"],
    },
)
# Handed in, and nothing is decided: of these something odd can still be raised.
UNDECIDED = (
    "submitted",
    "under_review",
    "waiting_for_member",
    "awaiting_second_approval",
    "appealed",
    "reopened",
)
DOCUMENT = Lifecycle.of(
    "claim_document",
    initial=["waiting"],
    moves={
        "waiting": ["accepted", "returned", "replaced"],
        "accepted": ["returned", "replaced"],
        "returned": ["replaced", "accepted"],
    },
)


def receipt_value(record: Mapping[str, Any]) -> str:
    """What makes a receipt the same receipt: its code and number, as printed."""
    return f"{record['code']}:{record['number']}"


class Incident(Base):
    """What happened to one person; place and description are sealed."""

    __tablename__ = "incident"
    __table_args__ = (
        CheckConstraint("cause in ('accident', 'illness')", name="cause"),
        Index("ix_incident__person_id", "person_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    cause: Mapped[str]
    occurred_at: Mapped[datetime]
    sealed: Mapped[bytes]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Claim(Base):
    """One request after one incident, under one policy and one benefit.

    `review_due_at` is the promised day; while `clock_stopped_at` is set the promise
    waits for the member. `rank_at` orders the review queue, by what `at_stake_fen` and
    `hardship` say. `deciding_organisation_id` decides in place of the managing one: the
    receiving one where the plan says so, or the parent after an appeal. `amount_fen` is all
    that the claim comes to, `paid_before_fen` what earlier rounds paid of it. The lease is
    on the system clock, everything else on the business clock; `stage` is 1, and 2 after
    an appeal. `after_check` is a person's look at a decision by rule. `for_survivors`: the
    member has died, and the money goes to the claim's claimants; `sealed_survivors` says why
    a named beneficiary is not among them.
    """

    __tablename__ = "claim"
    __table_args__ = (
        UniqueConstraint("number", name="uq_claim__number"),
        CheckConstraint(CLAIM.check(), name="status"),
        CheckConstraint("amount_fen > 0", name="amount_fen"),
        CheckConstraint("(lease_holder_id is null) = (lease_until is null)", name="lease"),
        CheckConstraint(
            "status not in ('approved', 'paying', 'paid') or amount_fen is not null",
            name="approved_amount",
        ),
        CheckConstraint("paid_before_fen >= 0", name="paid_before_fen"),
        CheckConstraint("after_check in ('due', 'confirmed', 'reopened')", name="after_check"),
        Index("ix_claim__person_id", "person_id", "id"),
        Index("ix_claim__policy_id", "policy_id"),
        Index("ix_claim__incident_id", "incident_id"),
        Index("ix_claim__managing_organisation_id", "managing_organisation_id"),
        Index(
            "ix_claim__deciding_organisation_id",
            "deciding_organisation_id",
            postgresql_where=text("deciding_organisation_id is not null"),
        ),
        Index(
            "ix_claim__plan_code",
            "plan_code",
            "status",
            "rank_at",
            "id",
            postgresql_where=text("rank_at is not null"),
        ),
        Index(
            "ix_claim__escalated_at",
            "escalated_at",
            postgresql_where=text("escalated_at is not null"),
        ),
        Index("ix_claim__after_check", "id", postgresql_where=text("after_check = 'due'")),
        Index(
            "ix_claim__lease_holder_id",
            "lease_holder_id",
            postgresql_where=text("lease_holder_id is not null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str]
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incident.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("member_account.id"))
    payout_account_id: Mapped[UUID | None] = mapped_column(ForeignKey("payout_account.id"))
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy.id"))
    plan_code: Mapped[str]
    plan_version_id: Mapped[UUID] = mapped_column(ForeignKey("plan_version.id"))
    benefit_code: Mapped[str]
    status: Mapped[str]
    managing_organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    receiving_organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    deciding_organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    claimed_by_kind: Mapped[str]
    claimed_by: Mapped[UUID]
    opened_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    review_due_at: Mapped[datetime | None]
    clock_stopped_at: Mapped[datetime | None]
    rank_at: Mapped[datetime | None]
    lease_holder_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    lease_until: Mapped[datetime | None]
    lease_since: Mapped[datetime | None]
    round: Mapped[int]
    stage: Mapped[int] = mapped_column(server_default=text("1"))
    at_stake_fen: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    hardship: Mapped[bool] = mapped_column(server_default=text("false"))
    escalated_at: Mapped[datetime | None]
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    paid_before_fen: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    decided_by_rule: Mapped[bool] = mapped_column(server_default=text("false"))
    after_check: Mapped[str | None]
    for_survivors: Mapped[bool] = mapped_column(server_default=text("false"))
    sealed_survivors: Mapped[bytes | None]
    decided_at: Mapped[datetime | None]
    payout_due_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]

    @property
    def decider_id(self) -> UUID:
        """The organisation whose people decide."""
        return self.deciding_organisation_id or self.managing_organisation_id


class ClaimDocument(Base):
    """One file for one required kind. `fingerprint` is the SHA-256 of what was sent.

    A replaced file stays as history; `sealed` is the reviewer's note to the member.
    """

    __tablename__ = "claim_document"
    __table_args__ = (
        CheckConstraint(DOCUMENT.check(), name="status"),
        CheckConstraint("status <> 'returned' or reason_code is not null", name="reason"),
        Index(
            "uq_claim_document__fingerprint",
            "claim_id",
            "fingerprint",
            unique=True,
            postgresql_where=text("status <> 'replaced'"),
        ),
        Index("ix_claim_document__object_id", "object_id"),
        Index("ix_claim_document__fingerprint", "fingerprint"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claim.id"))
    kind: Mapped[str]
    object_id: Mapped[UUID] = mapped_column(ForeignKey("stored_object.id"))
    fingerprint: Mapped[bytes]
    status: Mapped[str]
    reason_code: Mapped[str | None]
    sealed: Mapped[bytes | None]
    uploaded_by_kind: Mapped[str]
    uploaded_by: Mapped[UUID]
    uploaded_at: Mapped[datetime]
    reviewed_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    reviewed_at: Mapped[datetime | None]


class ClaimReceipt(Base):
    """A medical invoice used by a claim: the same number pays once over all live claims.

    Typed in, or while `recorded_by_kind` is `system` only read from a document. One that was
    typed wrongly is released for good by `removed_at`. `number_index` finds the number whatever
    code stands beside it (`claims/invoice_numbers.py`).
    """

    __tablename__ = "claim_receipt"
    __table_args__ = (
        Index(
            "uq_claim_receipt__live",
            "receipt_index",
            unique=True,
            postgresql_where=text("released_at is null"),
        ),
        Index("ix_claim_receipt__claim_id", "claim_id"),
        Index("ix_claim_receipt__receipt_index", "receipt_index"),
        Index("ix_claim_receipt__number_index", "number_index"),
        Index("ix_claim_receipt__unnumbered", "id", postgresql_where=text("number_index is null")),
        CheckConstraint("amount_fen >= 0", name="amount_fen"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claim.id"))
    receipt_index: Mapped[bytes] = mapped_column(info=indexed("receipt", receipt_value))
    number_index: Mapped[bytes | None] = mapped_column(info=indexed("receipt-number", "number"))
    sealed: Mapped[bytes]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    issued_on: Mapped[date]
    recorded_by_kind: Mapped[str]
    recorded_by: Mapped[UUID]
    recorded_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class ClaimFacts(Base):
    """The facts of a claim as known after one change; the newest row counts. Append-only.

    Values are sealed: they are medical. `names` are the facts that this row changed.
    """

    __tablename__ = "claim_facts"
    __table_args__ = (
        UniqueConstraint("claim_id", "version", name="uq_claim_facts__claim_id_version"),
        CheckConstraint("version > 0", name="version"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claim.id"))
    version: Mapped[int]
    names: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    sealed: Mapped[bytes]
    given_by_kind: Mapped[str]
    given_by: Mapped[UUID]
    given_at: Mapped[datetime]
    reason_code: Mapped[str | None]
