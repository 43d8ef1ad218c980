"""Orders for cover, the attempts to pay them, what the gateway told us, and money back."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle

OPEN_FOR = timedelta(minutes=30)

ORDER = Lifecycle.of(
    "contribution_order",
    ["open"],
    {
        "open": ["paid", "closed", "suspended"],
        # Money that arrives when the order is over stands in suspense until it went back.
        "closed": ["suspended"],
        "suspended": ["refunding"],
        "paid": ["refunding"],
        "refunding": ["refunded", "paid"],
        "refunded": [],
    },
)
ATTEMPT = Lifecycle.of(
    "payment_attempt",
    ["created"],
    {
        "created": ["prepared", "failed", "succeeded", "closed"],
        "prepared": ["succeeded", "closed", "failed"],
        "closed": ["succeeded"],
        "failed": ["succeeded"],
        "succeeded": [],
    },
)
REFUND = Lifecycle.of(
    "refund",
    ["requested"],
    {
        # Taken back before anybody was asked for it, when the cover goes on after all.
        "requested": ["accepted", "succeeded", "rejected", "withdrawn"],
        "accepted": ["succeeded", "rejected"],
        "rejected": ["requested"],
        "succeeded": [],
        "withdrawn": [],
    },
)


class ContributionOrder(Base):
    """One intent to be covered: priced by the server, its shares reserved while it is open.

    A renewal or an upgrade names the policy that it continues. `amount_fen` is what the
    payer pays; what others owe beside it is `split`, fen by payer, and `deposit_fen` is
    the part that goes back when the term ends. `sealed` holds what the buyer stated:
    {statements, occupation, unit_kind, card_holder}; null where nothing was.
    """

    __tablename__ = "contribution_order"
    __table_args__ = (
        CheckConstraint(ORDER.check(), name="status"),
        CheckConstraint("channel in ('bought', 'gifted', 'on_site')", name="channel"),
        CheckConstraint("payer in ('member', 'sponsor')", name="payer"),
        CheckConstraint("amount_fen >= 0", name="amount_fen"),
        CheckConstraint("shares >= 1", name="shares"),
        CheckConstraint("kind in ('new', 'renewal', 'upgrade')", name="kind"),
        CheckConstraint("(kind = 'new') = (policy_id is null)", name="policy_id"),
        CheckConstraint("term_days between 1 and 366", name="term_days"),
        CheckConstraint("deposit_fen >= 0", name="deposit_fen"),
        UniqueConstraint("number", name="uq_contribution_order__number"),
        Index(
            "uq_contribution_order__one_open",
            "person_id",
            "plan_code",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
        Index("ix_contribution_order__person_id", "person_id", "id"),
        Index(
            "ix_contribution_order__deposit",
            "id",
            postgresql_where=text("deposit_fen > 0 and status = 'paid'"),
        ),
        Index(
            "ix_contribution_order__policy_id",
            "policy_id",
            postgresql_where=text("policy_id is not null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("member_account.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    plan_code: Mapped[str] = mapped_column(ForeignKey("plan.code"))
    plan_version_id: Mapped[UUID] = mapped_column(ForeignKey("plan_version.id"))
    shares: Mapped[int]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str]
    channel: Mapped[str]
    payer: Mapped[str]
    sponsor_id: Mapped[UUID | None]
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    enrolled_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    kind: Mapped[str] = mapped_column(server_default=text("'new'"))
    # Policies name their order as well; tables are sorted without this one.
    policy_id: Mapped[UUID | None] = mapped_column(ForeignKey("policy.id", use_alter=True))
    option_code: Mapped[str | None]
    # Chosen by the buyer where the option leaves a choice, and a first day later than the next.
    term_days: Mapped[int | None]
    starts_on: Mapped[date | None]
    split: Mapped[dict[str, int] | None] = mapped_column(JSONB)
    deposit_fen: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    sealed: Mapped[bytes | None]
    # Cover if it were paid now; the period is fixed anew by the payment.
    reserved_period: Mapped[Range[datetime]] = mapped_column(TSTZRANGE())
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]


class PaymentAttempt(Base):
    """One order at the gateway under a number of its own; an order may have several."""

    __tablename__ = "payment_attempt"
    __table_args__ = (
        CheckConstraint(ATTEMPT.check(), name="status"),
        CheckConstraint("trade_type in ('jsapi', 'native', 'agreement')", name="trade_type"),
        CheckConstraint(
            "(trade_type = 'agreement') = (agreement_id is not null)", name="agreement_id"
        ),
        CheckConstraint("amount_fen > 0", name="amount_fen"),
        UniqueConstraint("out_trade_no", name="uq_payment_attempt__out_trade_no"),
        UniqueConstraint("transaction_id", name="uq_payment_attempt__transaction_id"),
        Index("ix_payment_attempt__order_id", "order_id"),
        Index(
            "uq_payment_attempt__live",
            "order_id",
            "trade_type",
            unique=True,
            postgresql_where=text("status in ('created', 'prepared')"),
        ),
        # A payment agreement is asked once for an order, whatever becomes of it.
        Index(
            "uq_payment_attempt__one_charge",
            "order_id",
            unique=True,
            postgresql_where=text("trade_type = 'agreement'"),
        ),
        Index(
            "ix_payment_attempt__silent",
            "asked_at",
            postgresql_where=text("status in ('created', 'prepared')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("contribution_order.id"))
    out_trade_no: Mapped[str]
    trade_type: Mapped[str]
    agreement_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_agreement.id"))
    status: Mapped[str]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    # The prepay id (jsapi) or the code to scan (native), once the gateway gave it.
    prepay: Mapped[str | None]
    transaction_id: Mapped[str | None]
    created_at: Mapped[datetime]
    # When the gateway was last asked about it; system clock.
    asked_at: Mapped[datetime]
    succeeded_at: Mapped[datetime | None]


class GatewayNotice(Base):
    """A proven notice of the gateway and what became of it; a repeated delivery is one row."""

    __tablename__ = "gateway_notice"
    __table_args__ = (Index("ix_gateway_notice__reference", "reference"),)

    notice_id: Mapped[str] = mapped_column(primary_key=True)
    event_type: Mapped[str]
    reference: Mapped[str]
    outcome: Mapped[str]
    received_at: Mapped[datetime]


class Refund(Base):
    """Money back for one succeeded payment attempt: all of it, or a part.

    A trigger keeps the sum of an attempt's refunds within what it paid. `sent_at` is
    written before anybody is asked to pay it. The gateway pays back within a year; later
    ones go by `payout` (method).
    """

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint(REFUND.check(), name="status"),
        CheckConstraint("amount_fen > 0", name="amount_fen"),
        UniqueConstraint("out_refund_no", name="uq_refund__out_refund_no"),
        CheckConstraint("method in ('gateway', 'payout')", name="method"),
        Index("ix_refund__order_id", "order_id"),
        Index("ix_refund__attempt_id", "attempt_id"),
        Index(
            "uq_refund__one_deposit",
            "order_id",
            unique=True,
            postgresql_where=text("reason_code = 'deposit' and status <> 'withdrawn'"),
        ),
        Index(
            "ix_refund__unsettled",
            "requested_at",
            postgresql_where=text("status in ('requested', 'accepted')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("contribution_order.id"))
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("payment_attempt.id"))
    out_refund_no: Mapped[str]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str]
    reason_code: Mapped[str]
    method: Mapped[str] = mapped_column(server_default=text("'gateway'"))
    sent_at: Mapped[datetime | None]
    gateway_refund_id: Mapped[str | None]
    requested_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
