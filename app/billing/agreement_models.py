"""Payment agreements (委托代扣): that the gateway may be asked for the next term's money."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle

# How long the page on which it is confirmed stays open, at the gateway as well.
CONFIRM_WITHIN = timedelta(minutes=30)
AGREEMENT = Lifecycle.of(
    "payment_agreement",
    ["requested"],
    {"requested": ["active", "ended"], "active": ["ended"], "ended": []},
)


class PaymentAgreement(Base):
    """One member's word that renewals of one chain of policies are paid by themselves.

    The chain is named by its first policy: terms that follow belong to the same agreement.
    `contract_code` is our number for it at the gateway; `sealed` holds {openid,
    contract_id, app_id, path}, the last three once the gateway gave them. No charge is above
    `most_fen`. Ended, it stays as it is; `end_sent_at` says that the gateway knows.
    """

    __tablename__ = "payment_agreement"
    __table_args__ = (
        CheckConstraint(AGREEMENT.check(), name="status"),
        CheckConstraint("most_fen > 0", name="most_fen"),
        CheckConstraint("status <> 'ended' or ended_at is not null", name="ended_at"),
        UniqueConstraint("contract_code", name="uq_payment_agreement__contract_code"),
        Index(
            "uq_payment_agreement__live",
            "first_policy_id",
            unique=True,
            postgresql_where=text("status in ('requested', 'active')"),
        ),
        Index("ix_payment_agreement__account_id", "account_id"),
        Index("ix_payment_agreement__first_policy_id", "first_policy_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("member_account.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    plan_code: Mapped[str] = mapped_column(ForeignKey("plan.code"))
    first_policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy.id"))
    contract_code: Mapped[str]
    most_fen: Mapped[int] = mapped_column(BigInteger)
    # The term whose renewal was tried last: each is tried once.
    tried_policy_id: Mapped[UUID | None] = mapped_column(ForeignKey("policy.id"))
    status: Mapped[str]
    sealed: Mapped[bytes]
    requested_at: Mapped[datetime]
    # The member has until then to confirm; system clock.
    confirm_before: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None]
    end_sent_at: Mapped[datetime | None]
