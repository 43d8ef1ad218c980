"""Units that join a plan as a whole"""

import sqlalchemy as sa
from alembic import op

from app.kernel.migrate import append_only, keys, rules

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "group_joining",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("plan_code", sa.Text(), nullable=False),
        sa.Column("headcount", sa.Integer(), nullable=False),
        sa.Column("shares", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Uuid(), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        *rules(
            "group_joining",
            headcount="headcount >= 1",
            shares="shares >= 1",
            evidence="length(evidence) between 1 and 200",
        ),
        *keys(
            "group_joining",
            organisation_id="organisation.id",
            plan_code="plan.code",
            declared_by="staff_account.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_joining")),
    )
    op.create_index(
        "ix_group_joining__organisation_id",
        "group_joining",
        ["organisation_id", "plan_code", "id"],
    )
    op.create_table(
        "group_person",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        *keys("group_person", group_id="group_joining.id", person_id="person.id"),
        sa.PrimaryKeyConstraint("group_id", "person_id", name=op.f("pk_group_person")),
    )
    append_only("group_joining", "group_person")
