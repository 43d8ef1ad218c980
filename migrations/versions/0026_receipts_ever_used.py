"""Invoices are found again whatever became of the claim that had them"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Built beside the work that goes on; may be repeated after a failure."""
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_claim_receipt__receipt_index",
            "claim_receipt",
            ["receipt_index"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
