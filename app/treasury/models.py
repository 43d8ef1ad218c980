"""What gateway and bank say of a day beside what the books say, and how each difference ended."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database import Base
from app.kernel.transitions import Lifecycle

SOURCES = ("gateway_trade", "gateway_transfer", "bank")
KINDS = ("payment", "refund", "transfer", "bank_transfer", "receipt", "fee")
CAUSES = (*("missing_here", "missing_there", "amount_differs", "status_differs", "fee", "timing"),)
WAYS = ("itself", "post_fee", "suspend", "refund", "write_off")

# Settled by a booking that another day may show to be none.
BOOKED = (
    "status = 'settled' and way in ('suspend', 'write_off', 'post_fee') and released_at is null"
)
RUN = Lifecycle.of(
    "reconciliation_run", initial=["requested"], moves={"requested": ["done"], "done": ["done"]}
)
ITEM = Lifecycle.of(
    "reconciliation_item",
    initial=["open"],
    moves={
        "open": ["asked", "proposed", "refunding", "settled"],
        "asked": ["proposed", "refunding", "settled"],
        "proposed": ["open", "settled"],
        "refunding": ["open", "settled"],
    },
)


def _among(column: str, words: tuple[str, ...]) -> str:
    return f"{column} in ({', '.join(repr(word) for word in words)})"


class ReconciliationRun(Base):
    """One day of one outside account, compared; counts and sums of both sides in fen.

    Money that came in counts positive, money that went out negative.
    """

    __tablename__ = "reconciliation_run"
    __table_args__ = (
        UniqueConstraint("source", "day", name="uq_reconciliation_run__source_day"),
        CheckConstraint(_among("source", SOURCES), name="source"),
        CheckConstraint(RUN.check(), name="status"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str]
    day: Mapped[date]
    status: Mapped[str]
    requested_by_kind: Mapped[str]
    requested_by: Mapped[UUID]
    requested_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    our_rows: Mapped[int | None]
    our_fen: Mapped[int | None] = mapped_column(BigInteger)
    their_rows: Mapped[int | None]
    their_fen: Mapped[int | None] = mapped_column(BigInteger)
    matched: Mapped[int | None]


class ReconciliationMatch(Base):
    """A number on which both sides agreed, so that another day does not miss it."""

    __tablename__ = "reconciliation_match"

    source: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("reconciliation_run.id"))


class ReconciliationItem(Base):
    """One difference: `number` is the payment, refund, transfer or bank line that it is about.

    `difference_fen` is what our account lacks (theirs less ours, money in positive), less what
    was booked for the number before. `released_at` when a booking was taken back, because both
    sides agreed after all.
    """

    __tablename__ = "reconciliation_item"
    __table_args__ = (
        CheckConstraint(_among("kind", KINDS), name="kind"),
        CheckConstraint(_among("cause", CAUSES), name="cause"),
        CheckConstraint(_among("way", WAYS), name="way"),
        CheckConstraint(ITEM.check(), name="status"),
        CheckConstraint("status <> 'settled' or settled_at is not null", name="settled_at"),
        CheckConstraint(
            "way is distinct from 'write_off' or status <> 'settled'"
            " or (proposed_by is not null and settled_by <> proposed_by)",
            name="two_people",
        ),
        Index(
            "uq_reconciliation_item__open",
            "source",
            "kind",
            "number",
            unique=True,
            postgresql_where=text("status <> 'settled'"),
        ),
        Index(
            "ix_reconciliation_item__booked",
            "source",
            "number",
            postgresql_where=text(BOOKED),
        ),
        Index("ix_reconciliation_item__run_id", "run_id", "id"),
        Index("ix_reconciliation_item__number", "source", "kind", "number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("reconciliation_run.id"))
    source: Mapped[str]
    kind: Mapped[str]
    number: Mapped[str]
    day: Mapped[date]
    subject_id: Mapped[UUID | None]
    ours_fen: Mapped[int | None] = mapped_column(BigInteger)
    theirs_fen: Mapped[int | None] = mapped_column(BigInteger)
    ours_status: Mapped[str | None]
    theirs_status: Mapped[str | None]
    difference_fen: Mapped[int] = mapped_column(BigInteger)
    cause: Mapped[str]
    status: Mapped[str]
    way: Mapped[str | None]
    note: Mapped[str | None]
    proposed_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    settled_by: Mapped[UUID | None]
    settled_at: Mapped[datetime | None]
    found_at: Mapped[datetime]
    released_at: Mapped[datetime | None]

    @property
    def ways(self) -> list[str]:
        """The ways that are open to end it now."""
        if self.status in ("settled", "refunding"):
            return []
        if self.status == "proposed":
            return ["write_off", "keep_open"]
        if self.way == "suspend":
            # It could not go back, and stands in suspense already.
            return ["suspend", "refund"]
        fits = {
            "ask": self.subject_id is not None and self.status == "open",
            "post_fee": self.cause in ("fee", "amount_differs") and self.difference_fen < 0,
            "suspend": self.cause != "fee",
            # Money of nobody's order goes back where it came from.
            "refund": self.kind == "payment"
            and self.cause == "missing_here"
            and (self.theirs_fen or 0) > 0,
            "write_off": True,
        }
        return [way for way, fitting in fits.items() if fitting]
