"""Endorsements, beneficiaries, moratoriums, partial refunds"""

import sqlalchemy as sa
from alembic import op

from app.kernel.migrate import append_only, constrain, drop_constraint, keys

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)

# The payment's row is locked, so that two refunds of one payment add up one after the other.
WITHIN = """
create function refund_within_payment() returns trigger language plpgsql as $$
declare
    paid bigint;
begin
    select amount_fen into paid from payment_attempt where id = new.attempt_id for update;
    if paid < new.amount_fen + (
        select coalesce(sum(amount_fen), 0) from refund
        where attempt_id = new.attempt_id and status <> 'withdrawn')
    then
        raise exception 'refunds exceed the payment' using errcode = 'check_violation',
            constraint = 'refund_within_payment';
    end if;
    return new;
end $$
"""


def upgrade() -> None:
    _rules()
    _refunds()
    _endorsements()
    _lapses()
    append_only("policy_lapse")


def _rules() -> None:
    kinds = "'issue', 'upgrade', 'endorse', 'renew', 'cancel', 'reinstate', 'extend'"
    statuses = "'accepted', 'rejected', 'requested', 'succeeded', 'withdrawn'"
    for table, name, rule in (
        ("policy_transaction", "kind", f"kind in ({kinds})"),
        ("refund", "status", f"status in ({statuses})"),
    ):
        constrain(table, f"ck_{table}__{name}", f"check ({rule})", instead=True)


def _refunds() -> None:
    op.add_column(
        "refund",
        sa.Column("method", sa.Text(), server_default=sa.text("'gateway'"), nullable=False),
    )
    op.add_column("refund", sa.Column("sent_at", AT, nullable=True))
    op.execute("update refund set sent_at = requested_at")
    constrain("refund", "ck_refund__method", "check (method in ('gateway', 'payout'))")
    drop_constraint("refund", "uq_refund__attempt_id")
    op.execute(WITHIN)
    op.execute(
        "create trigger refund_within_payment before insert on refund"
        " for each row execute function refund_within_payment()"
    )


def _endorsements() -> None:
    op.create_table(
        "endorsement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "kind in ('name', 'document_number', 'occupation', 'beneficiary')",
            name=op.f("ck_endorsement__kind"),
        ),
        *keys("endorsement", policy_id="policy.id", transaction_id="policy_transaction.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endorsement")),
        sa.UniqueConstraint("transaction_id", name="uq_endorsement__transaction_id"),
    )
    op.create_index("ix_endorsement__policy_id", "endorsement", ["policy_id", "id"])
    op.create_table(
        "beneficiary",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("share_percent", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("document_index", sa.LargeBinary(), nullable=True),
        sa.Column("effective_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.CheckConstraint(
            "share_percent between 1 and 100", name=op.f("ck_beneficiary__share_percent")
        ),
        sa.CheckConstraint("ended_at >= effective_at", name=op.f("ck_beneficiary__ended_at")),
        *keys("beneficiary", policy_id="policy.id", transaction_id="policy_transaction.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_beneficiary")),
    )
    op.create_index(
        "uq_beneficiary__live",
        "beneficiary",
        ["policy_id", "position"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_index("ix_beneficiary__policy_id", "beneficiary", ["policy_id", "effective_at"])
    op.create_index(
        "ix_beneficiary__document_index",
        "beneficiary",
        ["document_index"],
        postgresql_where=sa.text("document_index is not null"),
    )


def _lapses() -> None:
    op.create_table(
        "policy_lapse",
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("ended_at", AT, nullable=False),
        sa.Column("lapsed_at", AT, nullable=False),
        sa.Column("recorded_at", AT, server_default=sa.text("now()"), nullable=False),
        *keys("policy_lapse", policy_id="policy.id"),
        sa.PrimaryKeyConstraint("policy_id", "ended_at", name=op.f("pk_policy_lapse")),
    )
    op.create_table(
        "moratorium",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Uuid(), nullable=False),
        sa.Column("declared_at", AT, nullable=False),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", AT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_moratorium__days")),
        sa.CheckConstraint("length(reason) between 1 and 200", name=op.f("ck_moratorium__reason")),
        sa.CheckConstraint(
            "(withdrawn_at is null) = (withdrawn_by is null)",
            name=op.f("ck_moratorium__withdrawn"),
        ),
        *keys(
            "moratorium",
            organisation_id="organisation.id",
            declared_by="staff_account.id",
            withdrawn_by="staff_account.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moratorium")),
    )
    op.create_index("ix_moratorium__organisation_id", "moratorium", ["organisation_id", "id"])
