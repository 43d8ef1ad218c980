"""Plan simulations"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "plan_simulation",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organisation_id", sa.Uuid(), sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("requested_by", sa.Uuid(), sa.ForeignKey("staff_account.id"), nullable=False),
        sa.Column("requested_at", AT, nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("plan_code", sa.Text(), nullable=False),
        sa.Column("document", JSONB(), nullable=False),
        sa.Column("against", sa.Text(), sa.ForeignKey("plan.code"), nullable=False),
        sa.Column("benefits", JSONB(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("as_of", AT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("failure_code", sa.Text()),
        sa.Column("started_at", AT),
        sa.Column("finished_at", AT),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("through_person_id", sa.Uuid()),
        sa.Column("claims_total", sa.BigInteger()),
        sa.Column("claims_done", sa.BigInteger(), nullable=False),
        sa.Column("worked_ms", sa.BigInteger(), nullable=False),
        sa.Column("sums", JSONB(), nullable=False),
        sa.Column("result", JSONB()),
        sa.CheckConstraint(
            "status in ('cancelled', 'done', 'failed', 'requested', 'running')", name="status"
        ),
        sa.CheckConstraint("from_on <= to_on", name="days"),
        sa.CheckConstraint("claims_done >= 0 and starts >= 0 and worked_ms >= 0", name="progress"),
        sa.CheckConstraint("status <> 'done' or result is not null", name="result"),
    )
    op.create_index(
        "ix_plan_simulation__organisation_id", "plan_simulation", ["organisation_id", "id"]
    )
