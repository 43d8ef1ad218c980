"""Orders for renewals and upgrades, options, chosen days, what buyers state"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.kernel.migrate import constrain

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ACCOUNTS = [
    ("unit-receivables", "asset", "应收单位分担互助费", "Owed by units"),
    ("union-receivables", "asset", "应收工会分担互助费", "Owed by unions"),
    ("platform-receivables", "asset", "应收平台分担互助费", "Owed by platforms"),
    ("deposits-held", "liability", "应退会员储金", "Deposits that go back"),
]


def upgrade() -> None:
    _columns()
    _constraints()
    columns = ("code", "kind", "name_zh", "name_en")
    accounts = sa.table("ledger_account", *(sa.column(name, sa.Text()) for name in columns))
    op.bulk_insert(
        accounts,
        [
            {"code": code, "kind": kind, "name_zh": zh, "name_en": en}
            for code, kind, zh, en in ACCOUNTS
        ],
    )


def _columns() -> None:
    for column in (
        sa.Column("kind", sa.Text(), server_default=sa.text("'new'"), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=True),
        sa.Column("option_code", sa.Text(), nullable=True),
        sa.Column("term_days", sa.Integer(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("split", JSONB(), nullable=True),
        sa.Column("deposit_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
    ):
        op.add_column("contribution_order", column)


def _constraints() -> None:
    for name, rule in (
        ("ck_contribution_order__kind", "check (kind in ('new', 'renewal', 'upgrade'))"),
        ("ck_contribution_order__policy_id", "check ((kind = 'new') = (policy_id is null))"),
        ("ck_contribution_order__term_days", "check (term_days between 1 and 366)"),
        ("ck_contribution_order__deposit_fen", "check (deposit_fen >= 0)"),
        ("fk_contribution_order__policy_id", "foreign key (policy_id) references policy (id)"),
    ):
        constrain("contribution_order", name, rule)
