"""Indexes of tables in use, built beside the work that goes on"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Name, table, columns, condition.
Index = tuple[str, str, Sequence[str | sa.TextClause], str | None]
UNIQUE: tuple[Index, ...] = (
    (
        "uq_policy__follows_id",
        "policy",
        ["follows_id"],
        "follows_id is not null and status not in ('cancelled', 'void')",
    ),
    (
        "uq_refund__one_deposit",
        "refund",
        ["order_id"],
        "reason_code = 'deposit' and status <> 'withdrawn'",
    ),
    (
        "uq_payment_attempt__one_charge",
        "payment_attempt",
        ["order_id"],
        "trade_type = 'agreement'",
    ),
    (
        "uq_payout__live_relief_case",
        "payout",
        ["relief_case_id"],
        "status <> 'failed' and relief_case_id is not null",
    ),
    # One that is under way for a claim at all, and one that lives for a claim and round.
    (
        "uq_payout__under_way_claim",
        "payout",
        ["claim_id"],
        "status not in ('failed', 'paid') and claim_id is not null",
    ),
    (
        "uq_payout__live_claim",
        "payout",
        ["claim_id", "round"],
        "status <> 'failed' and claim_id is not null",
    ),
)
PLAIN: tuple[Index, ...] = (
    (
        "ix_contribution_order__policy_id",
        "contribution_order",
        ["policy_id"],
        "policy_id is not null",
    ),
    (
        "ix_contribution_order__deposit",
        "contribution_order",
        ["id"],
        "deposit_fen > 0 and status = 'paid'",
    ),
    ("ix_policy__ends_at", "policy", [sa.text("upper(period)"), "id"], "status = 'in_force'"),
    ("ix_refund__attempt_id", "refund", ["attempt_id"], None),
    ("ix_ledger_transaction__posted_on", "ledger_transaction", ["posted_on"], None),
    ("ix_ledger_entry__account_code", "ledger_entry", ["account_code", "posted_on", "id"], None),
    (
        "ix_ledger_account__organisation_id",
        "ledger_account",
        ["organisation_id"],
        "organisation_id is not null",
    ),
    (
        "ix_payout__waiting_for_batch",
        "payout",
        ["id"],
        "lane = 'batch' and status = 'requested'",
    ),
    ("ix_payout__settled_at", "payout", ["settled_at"], "status = 'paid'"),
    (
        "ix_claim__deciding_organisation_id",
        "claim",
        ["deciding_organisation_id"],
        "deciding_organisation_id is not null",
    ),
    (
        "ix_claim__plan_code",
        "claim",
        ["plan_code", "status", "rank_at", "id"],
        "rank_at is not null",
    ),
    ("ix_claim__escalated_at", "claim", ["escalated_at"], "escalated_at is not null"),
    ("ix_claim__after_check", "claim", ["id"], "after_check = 'due'"),
    ("ix_claim__lease_holder_id", "claim", ["lease_holder_id"], "lease_holder_id is not null"),
)
# Built anew with other columns under their old names.
REBUILT = ("ix_ledger_entry__account_code", "uq_payout__live_claim")


def upgrade() -> None:
    """Outside of a transaction; each statement may be repeated after a failure."""
    with op.get_context().autocommit_block():
        for name in REBUILT:
            op.execute(f"drop index concurrently if exists {name}")
        for unique, indexes in ((True, UNIQUE), (False, PLAIN)):
            for name, table, columns, where in indexes:
                op.create_index(
                    name,
                    table,
                    columns,
                    unique=unique,
                    postgresql_where=None if where is None else sa.text(where),
                    postgresql_concurrently=True,
                    if_not_exists=True,
                )
