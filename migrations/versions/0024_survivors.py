"""Reports of deaths, blocked members, survivors who claim, and their shares"""

import sqlalchemy as sa
from alembic import op

from app.kernel.migrate import constrain, keys, rules

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("person", sa.Column("blocked_at", AT, nullable=True))
    op.add_column(
        "claim",
        sa.Column("for_survivors", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("claim", sa.Column("sealed_survivors", sa.LargeBinary(), nullable=True))
    _reports()
    _claimants()
    op.add_column("payout", sa.Column("claimant_id", sa.Uuid(), nullable=True))
    constrain(
        "payout",
        "fk_payout__claimant_id",
        "foreign key (claimant_id) references claim_claimant (id)",
    )
    constrain("payout", "ck_payout__share", "check (claimant_id is null or claim_id is not null)")


def _reports() -> None:
    op.create_table(
        "death_report",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("died_on", sa.Date(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("reported_by_kind", sa.Text(), nullable=False),
        sa.Column("reported_by", sa.Uuid(), nullable=False),
        sa.Column("reported_at", AT, nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", AT, nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        *rules(
            "death_report",
            status="status in ('confirmed', 'declined', 'reported', 'withdrawn')",
            confirmed="status not in ('confirmed', 'withdrawn')"
            " or (person_id is not null and confirmed_at is not null and confirmed_by is not null)",
            ended="status not in ('declined', 'withdrawn')"
            " or (ended_at is not null and ended_by is not null)",
        ),
        *keys(
            "death_report",
            person_id="person.id",
            organisation_id="organisation.id",
            confirmed_by="staff_account.id",
            ended_by="staff_account.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_death_report")),
    )
    op.create_index(
        "uq_death_report__confirmed",
        "death_report",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("status = 'confirmed'"),
    )
    op.create_index(
        "ix_death_report__organisation_id", "death_report", ["organisation_id", "status", "id"]
    )
    op.create_index("ix_death_report__reported_by", "death_report", ["reported_by", "reported_at"])


def _claimants() -> None:
    op.create_table(
        "claim_claimant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("share_percent", sa.Integer(), nullable=False),
        sa.Column("kinship_document_id", sa.Uuid(), nullable=True),
        sa.Column("kinship_proven_by", sa.Uuid(), nullable=True),
        sa.Column("kinship_proven_at", AT, nullable=True),
        sa.Column("entered_by_kind", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("entered_at", AT, nullable=False),
        sa.Column("removed_at", AT, nullable=True),
        *rules(
            "claim_claimant",
            share_percent="share_percent between 1 and 100",
            kinship="(kinship_document_id is null) = (kinship_proven_at is null)"
            " and (kinship_document_id is null) = (kinship_proven_by is null)",
        ),
        *keys(
            "claim_claimant",
            claim_id="claim.id",
            person_id="person.id",
            beneficiary_id="beneficiary.id",
            kinship_document_id="claim_document.id",
            kinship_proven_by="staff_account.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_claimant")),
    )
    op.create_index(
        "uq_claim_claimant__live",
        "claim_claimant",
        ["claim_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("removed_at is null"),
    )
    op.create_index("ix_claim_claimant__claim_id", "claim_claimant", ["claim_id", "position"])
    op.create_index("ix_claim_claimant__person_id", "claim_claimant", ["person_id"])
