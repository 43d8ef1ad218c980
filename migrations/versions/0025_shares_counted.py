"""Payouts counted for each share of a claim; rules of payouts proven"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# New ones stand before the old ones go: no moment without a rule.
SHARES = (
    ("uq_payout__live_share", ["claim_id", "round", "claimant_id"], "status <> 'failed'"),
    (
        "uq_payout__share_under_way",
        ["claim_id", "claimant_id"],
        "status not in ('failed', 'paid')",
    ),
)


def upgrade() -> None:
    """Indexes outside of a transaction; each statement may be repeated after a failure."""
    with op.get_context().autocommit_block():
        for name, columns, where in SHARES:
            op.create_index(
                name,
                "payout",
                columns,
                unique=True,
                postgresql_where=sa.text(f"{where} and claim_id is not null"),
                postgresql_nulls_not_distinct=True,
                postgresql_concurrently=True,
                if_not_exists=True,
            )
        for name in ("uq_payout__live_claim", "uq_payout__under_way_claim"):
            op.execute(f"drop index concurrently if exists {name}")
    for name in ("fk_payout__claimant_id", "ck_payout__share"):
        op.execute(f"alter table payout validate constraint {name}")
