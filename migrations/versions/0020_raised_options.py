"""Contribution options that change during the life of a policy."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("policy_transaction", sa.Column("option_code", sa.Text(), nullable=True))
