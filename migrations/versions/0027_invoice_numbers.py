"""Invoices found by their number alone, because who types one in may leave its code out"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rows that are there get theirs from the worker, which has the vault's keys.

    Built beside the work that goes on; each statement may be repeated after a failure.
    """
    op.add_column(
        "claim_receipt",
        sa.Column("number_index", sa.LargeBinary(), nullable=True),
        if_not_exists=True,
    )
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_claim_receipt__number_index",
            "claim_receipt",
            ["number_index"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.create_index(
            "ix_claim_receipt__unnumbered",
            "claim_receipt",
            ["id"],
            postgresql_where=sa.text("number_index is null"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
