"""Bands of image hashes: near-same pictures share at least one of four"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Built beside the work that goes on; each statement may be repeated after a failure."""
    with op.get_context().autocommit_block():
        # They were made otherwise and would be compared with those made now.
        op.execute("update stored_object set perceptual_hash = null")
        for number, shift in enumerate((48, 32, 16, 0), start=1):
            op.create_index(
                f"ix_stored_object__hash_band_{number}",
                "stored_object",
                [sa.text(f"((perceptual_hash >> {shift}) & 65535)")],
                postgresql_where=sa.text("perceptual_hash is not null"),
                postgresql_concurrently=True,
                if_not_exists=True,
            )
