"""Invoices found again whatever became of their claim; promises whose time is nearly over"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Built beside the work that goes on; each statement may be repeated after a failure."""
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_claim_receipt__receipt_index",
            "claim_receipt",
            ["receipt_index"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.create_index(
            "ix_claim_promise__nudged",
            "claim_promise",
            ["claim_id"],
            postgresql_where=sa.text("nudged_at is not null and ended_at is null"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
