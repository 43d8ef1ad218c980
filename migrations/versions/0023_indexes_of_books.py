"""A bank reference counts once among receipts that stand"""

import sqlalchemy as sa
from alembic import op

from app.kernel.migrate import drop_constraint

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

BOOKED = (
    "status = 'settled' and way in ('suspend', 'write_off', 'post_fee') and released_at is null"
)


def upgrade() -> None:
    """Outside of a transaction; each statement may be repeated after a failure."""
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_reconciliation_item__booked",
            "reconciliation_item",
            ["source", "number"],
            postgresql_where=sa.text(BOOKED),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        # The new rule stands before the old one goes: no moment is without one.
        op.create_index(
            "uq_ledger_receipt__standing_reference",
            "ledger_receipt",
            ["bank_reference"],
            unique=True,
            postgresql_where=sa.text("reversed_at is null"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
    op.execute("alter table relief_case validate constraint ck_relief_case__status")
    drop_constraint("ledger_receipt", "uq_ledger_receipt__bank_reference")
