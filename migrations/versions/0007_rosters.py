"""Agreements, rosters, their answers, riders"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
STATUSES = "'accepted', 'applied', 'applying', 'held', 'reading', 'refused', 'superseded'"


def upgrade() -> None:
    create_agreement()
    create_roster()
    create_rider()


def create_agreement() -> None:
    op.create_table(
        "agreement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("plan_code", sa.Text(), nullable=False),
        sa.Column("shares", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("without_identity", sa.Boolean(), nullable=False),
        sa.Column("hold_missing_percent", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("shares >= 1", name=op.f("ck_agreement__shares")),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_agreement__days")),
        sa.CheckConstraint(
            "hold_missing_percent between 0 and 100",
            name=op.f("ck_agreement__hold_missing_percent"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_agreement__partner_id")
        ),
        sa.ForeignKeyConstraint(["plan_code"], ["plan.code"], name=op.f("fk_agreement__plan_code")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["staff_account.id"], name=op.f("fk_agreement__created_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
    )
    op.execute(
        "alter table agreement add constraint ex_agreement__one_per_plan exclude using gist"
        " (partner_id with =, plan_code with =, daterange(starts_on, ends_on, '[]') with &&)"
    )


def create_roster() -> None:
    op.create_table(
        "roster",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body_bytes", sa.Integer(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("row_count", sa.Integer(), nullable=True),
        sa.Column("applied_through", sa.Integer(), nullable=False),
        sa.Column("enrolled", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("missing_riders", sa.Integer(), nullable=True),
        sa.Column("newly_missing", sa.Integer(), nullable=True),
        sa.Column("sealed_report", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(f"status in ({STATUSES})", name=op.f("ck_roster__status")),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_roster__sequence")),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("fk_roster__partner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster")),
        sa.UniqueConstraint("partner_id", "sequence", name="uq_roster__sequence"),
    )
    op.create_table(
        "roster_chunk",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("roster_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_chunk")),
        sa.UniqueConstraint("roster_id", "number", name="uq_roster_chunk__number"),
    )
    op.create_index("ix_roster_chunk__created_at", "roster_chunk", ["created_at"])
    # Ciphertext does not compress: do not spend time on trying.
    op.execute("alter table roster_chunk alter column sealed set storage external")
    op.create_table(
        "roster_answers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("roster_id", sa.Uuid(), nullable=False),
        sa.Column("first_row", sa.Integer(), nullable=False),
        sa.Column("last_row", sa.Integer(), nullable=False),
        sa.Column("enrolled", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["roster_id"], ["roster.id"], name=op.f("fk_roster_answers__roster_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_answers")),
        sa.UniqueConstraint("roster_id", "last_row", name="uq_roster_answers__last_row"),
    )
    op.execute("alter table roster_answers alter column sealed set storage external")


def create_rider() -> None:
    foreign = {
        "partner_id": "partner",
        "person_id": "person",
        "agreement_id": "agreement",
        "organisation_id": "organisation",
        "policy_id": "policy",
    }
    op.create_table(
        "rider",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("rider_ref", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("covered_until", INSTANT, nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=False),
        sa.Column("row_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("joined_sequence", sa.BigInteger(), nullable=False),
        sa.Column("changed_sequence", sa.BigInteger(), nullable=False),
        sa.Column("missing_since", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("length(row_hash) = 16", name=op.f("ck_rider__row_hash")),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_rider__{name}"))
            for name, table in foreign.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rider")),
        sa.UniqueConstraint("partner_id", "rider_ref", name="uq_rider__rider_ref"),
    )
    op.create_index("ix_rider__person_id", "rider", ["person_id"])
    op.create_index(
        "ix_rider__missing",
        "rider",
        ["partner_id", "rider_ref"],
        postgresql_where=sa.text("missing_since is not null"),
    )
