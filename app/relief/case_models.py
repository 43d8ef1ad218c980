"""Relief cases: from the proposal that nobody asked for to the money; boards and visits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle
from app.relief.grounds import GROUNDS
from app.relief.household_models import among

RELIEF_CASE = Lifecycle.of(
    "relief_case",
    initial=["proposed", "applied"],
    moves={
        "proposed": ["applied", "withdrawn"],
        "applied": ["board", "granted", "withdrawn"],
        "board": ["applied", "granted", "declined", "withdrawn"],
        "granted": ["paying", "revoked"],
        "paying": ["paid", "granted"],
    },
)
WITH_MONEY = ("granted", "paying", "paid")


class ReliefCase(Base):
    """One request to one fund for one person and calendar year, under one formula version.

    `suggested_fen` is what the formula came to when it was last looked at, null while facts
    are missing. `claim_ids` are the claims whose residue it stands on.
    """

    __tablename__ = "relief_case"
    __table_args__ = (
        UniqueConstraint("number", name="uq_relief_case__number"),
        CheckConstraint(RELIEF_CASE.check(), name="status"),
        CheckConstraint(among("kind", ("formula", "condolence")), name="kind"),
        CheckConstraint(among("channel", ("claim", "staff", "visit")), name="channel"),
        CheckConstraint(among("ground", tuple(GROUNDS)), name="ground"),
        CheckConstraint("amount_fen > 0", name="amount_fen"),
        CheckConstraint(
            f"amount_fen is not null or not ({among('status', WITH_MONEY)})", name="granted_amount"
        ),
        Index(
            "uq_relief_case__proposal",
            "person_id",
            "fund_id",
            "year",
            unique=True,
            postgresql_where=text("status = 'proposed'"),
        ),
        Index(
            "uq_relief_case__live",
            "person_id",
            "fund_id",
            "year",
            "ground",
            unique=True,
            postgresql_where=text("kind = 'formula' and status in ('applied', 'board')"),
        ),
        Index("ix_relief_case__person_id", "person_id", "id"),
        Index("ix_relief_case__household_id", "household_id"),
        Index("ix_relief_case__organisation_id", "organisation_id", "status", "id"),
        Index("ix_relief_case__fund_id", "fund_id", "status"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str]
    fund_id: Mapped[UUID] = mapped_column(ForeignKey("relief_fund.id"))
    formula_id: Mapped[UUID] = mapped_column(ForeignKey("relief_formula.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    household_id: Mapped[UUID | None] = mapped_column(ForeignKey("household.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[str]
    channel: Mapped[str]
    ground: Mapped[str]
    year: Mapped[int]
    status: Mapped[str]
    suggested_fen: Mapped[int | None] = mapped_column(BigInteger)
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    claim_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("member_account.id"))
    payout_account_id: Mapped[UUID | None] = mapped_column(ForeignKey("payout_account.id"))
    opened_by_kind: Mapped[str]
    opened_by: Mapped[UUID]
    opened_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]
    referred_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]


class ReliefCaseFacts(Base):
    """The facts of a case after one change; the newest row counts. Append-only.

    `names` are the facts that this row changed, values are sealed.
    """

    __tablename__ = "relief_case_facts"
    __table_args__ = (UniqueConstraint("case_id", "version", name="uq_relief_case_facts__version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("relief_case.id"))
    version: Mapped[int]
    names: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    sealed: Mapped[bytes]
    given_by_kind: Mapped[str]
    given_by: Mapped[UUID]
    given_at: Mapped[datetime]
    reason_code: Mapped[str | None]


class ReliefDocument(Base):
    """A file of a case; what a claim of the year already holds is not asked for again."""

    __tablename__ = "relief_document"
    __table_args__ = (
        Index(
            "uq_relief_document__fingerprint",
            "case_id",
            "fingerprint",
            unique=True,
            postgresql_where=text("removed_at is null"),
        ),
        Index("ix_relief_document__object_id", "object_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("relief_case.id"))
    kind: Mapped[str]
    object_id: Mapped[UUID] = mapped_column(ForeignKey("stored_object.id"))
    fingerprint: Mapped[bytes]
    uploaded_by_kind: Mapped[str]
    uploaded_by: Mapped[UUID]
    uploaded_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class ReliefDecision(Base):
    """A board's word on a case; reason, facts and explanation are sealed. Append-only.

    `quorum` is what the fund asked for then; who sat and how they voted is in `relief_vote`.
    A condolence follows the fund's rule and has the visitor alone.
    """

    __tablename__ = "relief_decision"
    __table_args__ = (
        UniqueConstraint("case_id", name="uq_relief_decision__case_id"),
        CheckConstraint(among("verdict", ("grant", "decline")), name="verdict"),
        CheckConstraint(among("path", ("formula", "hardship", "condolence")), name="path"),
        CheckConstraint("(verdict = 'grant') = (amount_fen is not null)", name="amount"),
        CheckConstraint("amount_fen > 0", name="amount_fen"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("relief_case.id"))
    verdict: Mapped[str]
    path: Mapped[str]
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    quorum: Mapped[int]
    reason_code: Mapped[str | None]
    sealed: Mapped[bytes]
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    decided_at: Mapped[datetime]


class ReliefVote(Base):
    """Somebody who sat, and how they voted. Append-only."""

    __tablename__ = "relief_vote"
    __table_args__ = (CheckConstraint(among("vote", ("for", "against", "abstain")), name="vote"),)

    decision_id: Mapped[UUID] = mapped_column(ForeignKey("relief_decision.id"), primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"), primary_key=True)
    vote: Mapped[str]


class ReliefVisit(Base):
    """A condolence visit: what was granted and which claim was opened in the same act.

    `client_ref` is the tablet's own name for it; `body_hash` (keyed) tells a repetition from
    another visit under the same name. The notes are sealed.
    """

    __tablename__ = "relief_visit"
    __table_args__ = (
        UniqueConstraint("staff_id", "client_ref", name="uq_relief_visit__client_ref"),
        Index("ix_relief_visit__person_id", "person_id", "id"),
        Index("ix_relief_visit__organisation_id", "organisation_id", "visited_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_ref: Mapped[str]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    household_id: Mapped[UUID | None] = mapped_column(ForeignKey("household.id"))
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("relief_case.id"))
    claim_id: Mapped[UUID | None] = mapped_column(ForeignKey("claim.id"))
    body_hash: Mapped[bytes]
    sealed: Mapped[bytes]
    visited_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
