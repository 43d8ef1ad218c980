"""What invoices' printed codes say, receipts taken back, documents that are only stored"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("claim_receipt", sa.Column("removed_at", AT, nullable=True))
    op.add_column("stored_object", sa.Column("blocked_at", AT, nullable=True))
    op.create_table(
        "claim_receipt_reading",
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("read_at", AT, nullable=False),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_claim_receipt_reading__amount_fen")),
        sa.ForeignKeyConstraint(
            ["receipt_id"],
            ["claim_receipt.id"],
            name=op.f("fk_claim_receipt_reading__receipt_id"),
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["claim_document.id"],
            name=op.f("fk_claim_receipt_reading__document_id"),
        ),
        sa.PrimaryKeyConstraint("receipt_id", "document_id", name=op.f("pk_claim_receipt_reading")),
    )
    op.create_index(
        "ix_claim_receipt_reading__document_id", "claim_receipt_reading", ["document_id"]
    )
