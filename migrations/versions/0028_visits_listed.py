"""Visits of an office by day"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Built beside the work that goes on; it may be repeated after a failure."""
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_relief_visit__organisation_id",
            "relief_visit",
            ["organisation_id", "visited_at", "id"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
