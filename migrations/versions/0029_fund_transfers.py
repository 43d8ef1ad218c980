"""Money given from one fund account to another, by two people"""

import sqlalchemy as sa
from alembic import op

from app.kernel.migrate import keys, rules

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "fund_transfer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("from_account", sa.Text(), nullable=False),
        sa.Column("to_account", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", AT, nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", AT, nullable=True),
        sa.Column("posting_id", sa.Uuid(), nullable=True),
        sa.Column("reversed_at", AT, nullable=True),
        *rules(
            "fund_transfer",
            status="status in ('declined', 'posted', 'proposed')",
            amount_fen="amount_fen > 0",
            two_accounts="from_account <> to_account",
            reason="length(reason) between 1 and 500",
            two_people="decided_by <> proposed_by",
            decided="status = 'proposed' or decided_by is not null",
            posting_id="status <> 'posted' or posting_id is not null",
        ),
        *keys(
            "fund_transfer",
            from_account="ledger_account.code",
            to_account="ledger_account.code",
            proposed_by="staff_account.id",
            decided_by="staff_account.id",
            posting_id="ledger_transaction.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fund_transfer")),
    )
    op.create_index("ix_fund_transfer__from_account", "fund_transfer", ["from_account", "id"])
    op.create_index("ix_fund_transfer__to_account", "fund_transfer", ["to_account", "id"])
    op.create_index("ix_fund_transfer__posting_id", "fund_transfer", ["posting_id"])
    op.execute("revoke delete, truncate on fund_transfer from redumbrella_app")
