"""Receipts, bookings of differences and grants taken back; accounts that nobody renames"""

import sqlalchemy as sa
from alembic import op

from app.kernel.migrate import constrain

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)
# Rows of these are ended by a status, never taken away.
KEPT = ("ledger_reversal", "reconciliation_item", "reconciliation_run", "relief_fund")
STATUSES = (
    "status in ('applied', 'board', 'declined', 'granted', 'paid', 'paying', 'proposed',"
    " 'revoked', 'withdrawn')"
)


def upgrade() -> None:
    op.add_column("ledger_receipt", sa.Column("reversed_at", AT, nullable=True))
    op.execute("grant update (reversed_at) on ledger_receipt to redumbrella_app")
    op.add_column("reconciliation_item", sa.Column("released_at", AT, nullable=True))
    constrain("relief_case", "ck_relief_case__status", f"check ({STATUSES})", instead=True)
    op.execute("revoke update, delete, truncate on ledger_account from redumbrella_app")
    for table in KEPT:
        op.execute(f"revoke delete, truncate on {table} from redumbrella_app")
