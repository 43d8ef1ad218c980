"""Policies as sequences of transactions, and the share slots that hold the limit on shares."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, column, func, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle

POLICY = Lifecycle.of(
    "policy",
    ["pending", "in_force"],
    {
        "pending": ["in_force", "cancelled", "void"],
        "in_force": ["cancelled", "void"],
        "cancelled": ["in_force", "pending"],
        "void": [],
    },
)
CHANNELS = ("bought", "gifted", "roster", "on_site")
_WORDS = ", ".join(f"'{word}'" for word in CHANNELS)
_PERIOD = "not isempty(period) and lower(period) is not null and upper(period) is not null"


class Policy(Base):
    """One person's cover under one plan version for one half-open period [start, end).

    `pending` cover waits for identity and consents and pays nothing; that a period has
    not begun or is over follows from the instant asked about and is never stored.
    """

    __tablename__ = "policy"
    __table_args__ = (
        CheckConstraint(POLICY.check(), name="status"),
        CheckConstraint(f"channel in ({_WORDS})", name="channel"),
        CheckConstraint("shares >= 1", name="shares"),
        CheckConstraint("term_number >= 1", name="term_number"),
        CheckConstraint(_PERIOD, name="period"),
        UniqueConstraint("number", name="uq_policy__number"),
        UniqueConstraint("order_id", name="uq_policy__order_id"),
        Index("ix_policy__person_id", "person_id", "id"),
        Index("ix_policy__organisation_id", "organisation_id", "id"),
        Index(
            "ix_policy__ends_at",
            text("upper(period)"),
            "id",
            postgresql_where=text("status = 'in_force'"),
        ),
        Index(
            "uq_policy__follows_id",
            "follows_id",
            unique=True,
            postgresql_where=text("follows_id is not null and status not in ('cancelled', 'void')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    plan_code: Mapped[str] = mapped_column(ForeignKey("plan.code"))
    plan_version_id: Mapped[UUID] = mapped_column(ForeignKey("plan_version.id"))
    shares: Mapped[int]
    period: Mapped[Range[datetime]] = mapped_column(TSTZRANGE())
    status: Mapped[str]
    channel: Mapped[str]
    sponsor_id: Mapped[UUID | None]
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("contribution_order.id"))
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    enrolled_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    # The contribution option that it was issued with; without one the plan's first. One that
    # was raised since is in its transactions (`cover.tiers_at`).
    option_code: Mapped[str | None]
    # Which consecutive term this is, and the policy that it follows without a gap.
    term_number: Mapped[int] = mapped_column(server_default=text("1"))
    follows_id: Mapped[UUID | None] = mapped_column(ForeignKey("policy.id"))
    issued_at: Mapped[datetime]

    @property
    def starts_at(self) -> datetime:
        """The first covered instant."""
        assert self.period.lower is not None  # noqa: S101  a CHECK on the column
        return self.period.lower

    @property
    def ends_at(self) -> datetime:
        """The first instant that is no longer covered."""
        assert self.period.upper is not None  # noqa: S101
        return self.period.upper


class PolicyTransaction(Base):
    """What was done to a policy: the state it had afterwards, from when, known since when.

    Shares that a transaction adds form a layer: their waiting days and days of cover count
    from `counted_from`, or from `effective_at` where that is empty. A renewal without a
    gap counts from where the old cover did. So do those of an option that it raises.
    """

    __tablename__ = "policy_transaction"
    __table_args__ = (
        CheckConstraint(
            "kind in ('issue', 'upgrade', 'endorse', 'renew', 'cancel', 'reinstate', 'extend')",
            name="kind",
        ),
        CheckConstraint(POLICY.check(), name="status"),
        CheckConstraint("shares >= 1", name="shares"),
        Index("ix_policy_transaction__policy_id", "policy_id", "id"),
        Index(
            "ix_policy_transaction__order_id",
            "order_id",
            postgresql_where=text("order_id is not null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy.id"))
    kind: Mapped[str]
    effective_at: Mapped[datetime]
    # The database's clock: under the policy's row lock it orders its transactions, each
    # after the one before (`recording.recorded_after`).
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    shares: Mapped[int]
    period: Mapped[Range[datetime]] = mapped_column(TSTZRANGE())
    status: Mapped[str]
    counted_from: Mapped[datetime | None]
    # The contribution option from here on, where it is another one.
    option_code: Mapped[str | None]
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("contribution_order.id"))
    reason_code: Mapped[str | None]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID]
    on_behalf_of: Mapped[UUID | None]


class ShareSlot(Base):
    """One of the 1 … maximum places that a person has in a plan during a period.

    Constraints cannot sum, so each share takes a numbered place, and no place is taken
    twice at any instant: by an order while it is open, by the policy afterwards.
    """

    __tablename__ = "share_slot"
    __table_args__ = (
        CheckConstraint("slot >= 1", name="slot"),
        CheckConstraint("order_id is not null or policy_id is not null", name="holder"),
        ExcludeConstraint(
            (column("person_id"), "="),
            (column("plan_code"), "="),
            (column("slot"), "="),
            (column("period"), "&&"),
            where=text("released_at is null"),
            using="gist",
            name="ex_share_slot__one_holder",
        ),
        Index(
            "ix_share_slot__policy_id", "policy_id", postgresql_where=text("policy_id is not null")
        ),
        Index("ix_share_slot__order_id", "order_id", postgresql_where=text("order_id is not null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    plan_code: Mapped[str] = mapped_column(ForeignKey("plan.code"))
    slot: Mapped[int]
    period: Mapped[Range[datetime]] = mapped_column(TSTZRANGE())
    policy_id: Mapped[UUID | None] = mapped_column(ForeignKey("policy.id"))
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("contribution_order.id"))
    released_at: Mapped[datetime | None]
