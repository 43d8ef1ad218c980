"""Relief funds, households and cases"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.kernel.migrate import append_only, constrain

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)

IMMUTABLE = """
create function relief_formula_is_immutable() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if old.status <> 'draft' then
            raise exception 'a published formula stays' using errcode = 'check_violation',
                constraint = 'relief_formula_is_immutable';
        end if;
        return old;
    end if;
    if old.status <> 'draft' and (
        new.document is distinct from old.document
        or new.id <> old.id
        or new.fund_id <> old.fund_id
        or new.number <> old.number
        or new.published_at is distinct from old.published_at
        or new.status = 'draft'
    ) then
        raise exception 'a published formula does not change'
            using errcode = 'check_violation', constraint = 'relief_formula_is_immutable';
    end if;
    return new;
end $$
"""


def upgrade() -> None:
    _funds()
    _households()
    _cases()
    _boards()
    _payouts()
    append_only(
        "relief_contribution",
        "household_situation",
        "relief_case_facts",
        "relief_decision",
        "relief_vote",
        "relief_visit",
    )


def _funds() -> None:
    op.create_table(
        "relief_fund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("quorum", sa.Integer(), nullable=False),
        sa.Column("account_code", sa.Text(), nullable=False),
        sa.Column("contributed_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("granted_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_by_kind", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.CheckConstraint("status in ('closed', 'open')", name=op.f("ck_relief_fund__status")),
        sa.CheckConstraint(
            "granted_fen between 0 and contributed_fen", name=op.f("ck_relief_fund__balance")
        ),
        sa.CheckConstraint("quorum between 1 and 30", name=op.f("ck_relief_fund__quorum")),
        sa.ForeignKeyConstraint(
            ["account_code"], ["ledger_account.code"], name=op.f("fk_relief_fund__account_code")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_relief_fund__organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relief_fund")),
        sa.UniqueConstraint("code", name="uq_relief_fund__code"),
    )
    op.create_index("ix_relief_fund__organisation_id", "relief_fund", ["organisation_id"])
    op.create_table(
        "relief_contribution",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", AT, nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_relief_contribution__amount_fen")),
        sa.ForeignKeyConstraint(
            ["fund_id"], ["relief_fund.id"], name=op.f("fk_relief_contribution__fund_id")
        ),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["ledger_receipt.id"], name=op.f("fk_relief_contribution__receipt_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["staff_account.id"], name=op.f("fk_relief_contribution__recorded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relief_contribution")),
        sa.UniqueConstraint("receipt_id", name="uq_relief_contribution__receipt_id"),
    )
    op.create_index("ix_relief_contribution__fund_id", "relief_contribution", ["fund_id", "id"])
    op.create_table(
        "relief_formula",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("document", JSONB(), nullable=False),
        sa.Column("drafted_at", AT, nullable=False),
        sa.Column("published_at", AT, nullable=True),
        sa.CheckConstraint(
            "status in ('closed', 'draft', 'published')", name=op.f("ck_relief_formula__status")
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_relief_formula__number")),
        sa.ForeignKeyConstraint(
            ["fund_id"], ["relief_fund.id"], name=op.f("fk_relief_formula__fund_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relief_formula")),
        sa.UniqueConstraint("fund_id", "number", name="uq_relief_formula__number"),
    )
    op.create_index(
        "uq_relief_formula__in_force",
        "relief_formula",
        ["fund_id"],
        unique=True,
        postgresql_where=sa.text("status = 'published'"),
    )
    op.execute(IMMUTABLE)
    op.execute(
        "create trigger relief_formula_is_immutable before update or delete on relief_formula"
        " for each row execute function relief_formula_is_immutable()"
    )


def _households() -> None:
    op.create_table(
        "household",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("opened_at", AT, nullable=False),
        sa.Column("review_due_on", sa.Date(), nullable=False),
        sa.Column("reviewed_at", AT, nullable=True),
        sa.Column("exited_at", AT, nullable=True),
        sa.Column("exit_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status <> 'exited' or exited_at is not null", name=op.f("ck_household__exited")
        ),
        sa.CheckConstraint(
            "exit_reason in ('hardship-ended', 'left-the-union', 'moved-away', 'deceased',"
            " 'stated-falsely', 'own-wish')",
            name=op.f("ck_household__exit_reason"),
        ),
        sa.CheckConstraint(
            "status in ('exited', 'open', 'review_due')", name=op.f("ck_household__status")
        ),
        sa.ForeignKeyConstraint(
            ["opened_by"], ["staff_account.id"], name=op.f("fk_household__opened_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_household__organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household")),
        sa.UniqueConstraint("number", name="uq_household__number"),
    )
    op.create_index(
        "ix_household__organisation_id", "household", ["organisation_id", "status", "id"]
    )
    op.create_table(
        "household_member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("joined_at", AT, nullable=False),
        sa.Column("left_at", AT, nullable=True),
        sa.CheckConstraint(
            "relation in ('self', 'spouse', 'child', 'parent', 'sibling', 'other')",
            name=op.f("ck_household_member__relation"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(person_id, sealed) = 1", name=op.f("ck_household_member__one_kind")
        ),
        sa.ForeignKeyConstraint(
            ["household_id"], ["household.id"], name=op.f("fk_household_member__household_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_household_member__person_id")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_account.id"], name=op.f("fk_household_member__staff_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household_member")),
    )
    op.create_index("ix_household_member__household_id", "household_member", ["household_id", "id"])
    op.create_index(
        "uq_household_member__live_person",
        "household_member",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("left_at is null"),
    )
    op.create_table(
        "household_situation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("names", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", AT, nullable=False),
        sa.CheckConstraint(
            "occasion in ('opened', 'changed', 'reviewed')",
            name=op.f("ck_household_situation__occasion"),
        ),
        sa.ForeignKeyConstraint(
            ["household_id"], ["household.id"], name=op.f("fk_household_situation__household_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["staff_account.id"], name=op.f("fk_household_situation__recorded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household_situation")),
        sa.UniqueConstraint("household_id", "version", name="uq_household_situation__version"),
    )


def _cases() -> None:
    op.create_table(
        "relief_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("formula_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("suggested_fen", sa.BigInteger(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("claim_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("payout_account_id", sa.Uuid(), nullable=True),
        sa.Column("opened_by_kind", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("opened_at", AT, nullable=False),
        sa.Column("applied_at", AT, nullable=True),
        sa.Column("referred_at", AT, nullable=True),
        sa.Column("decided_at", AT, nullable=True),
        sa.Column("paid_at", AT, nullable=True),
        sa.CheckConstraint(
            "amount_fen is not null or not (status in ('granted', 'paying', 'paid'))",
            name=op.f("ck_relief_case__granted_amount"),
        ),
        sa.CheckConstraint(
            "channel in ('claim', 'staff', 'visit')", name=op.f("ck_relief_case__channel")
        ),
        sa.CheckConstraint(
            "ground in ('illness', 'accident', 'disaster', 'spouse_illness', 'child_illness',"
            " 'parent_illness', 'hardship')",
            name=op.f("ck_relief_case__ground"),
        ),
        sa.CheckConstraint("kind in ('formula', 'condolence')", name=op.f("ck_relief_case__kind")),
        sa.CheckConstraint(
            "status in ('applied', 'board', 'declined', 'granted', 'paid', 'paying', 'proposed',"
            " 'withdrawn')",
            name=op.f("ck_relief_case__status"),
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_relief_case__amount_fen")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["member_account.id"], name=op.f("fk_relief_case__account_id")
        ),
        sa.ForeignKeyConstraint(
            ["formula_id"], ["relief_formula.id"], name=op.f("fk_relief_case__formula_id")
        ),
        sa.ForeignKeyConstraint(
            ["fund_id"], ["relief_fund.id"], name=op.f("fk_relief_case__fund_id")
        ),
        sa.ForeignKeyConstraint(
            ["household_id"], ["household.id"], name=op.f("fk_relief_case__household_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_relief_case__organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["payout_account_id"],
            ["payout_account.id"],
            name=op.f("fk_relief_case__payout_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_relief_case__person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relief_case")),
        sa.UniqueConstraint("number", name="uq_relief_case__number"),
    )
    op.create_index("ix_relief_case__fund_id", "relief_case", ["fund_id", "status"])
    op.create_index("ix_relief_case__household_id", "relief_case", ["household_id"])
    op.create_index(
        "ix_relief_case__organisation_id", "relief_case", ["organisation_id", "status", "id"]
    )
    op.create_index("ix_relief_case__person_id", "relief_case", ["person_id", "id"])
    op.create_index(
        "uq_relief_case__live",
        "relief_case",
        ["person_id", "fund_id", "year", "ground"],
        unique=True,
        postgresql_where=sa.text("kind = 'formula' and status in ('applied', 'board')"),
    )
    op.create_index(
        "uq_relief_case__proposal",
        "relief_case",
        ["person_id", "fund_id", "year"],
        unique=True,
        postgresql_where=sa.text("status = 'proposed'"),
    )
    op.create_table(
        "relief_case_facts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("names", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("given_by_kind", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Uuid(), nullable=False),
        sa.Column("given_at", AT, nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["relief_case.id"], name=op.f("fk_relief_case_facts__case_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relief_case_facts")),
        sa.UniqueConstraint("case_id", "version", name="uq_relief_case_facts__version"),
    )
    op.create_table(
        "relief_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_by_kind", sa.Text(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("uploaded_at", AT, nullable=False),
        sa.Column("removed_at", AT, nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"], ["relief_case.id"], name=op.f("fk_relief_document__case_id")
        ),
        sa.ForeignKeyConstraint(
            ["object_id"], ["stored_object.id"], name=op.f("fk_relief_document__object_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relief_document")),
    )
    op.create_index("ix_relief_document__object_id", "relief_document", ["object_id"])
    op.create_index(
        "uq_relief_document__fingerprint",
        "relief_document",
        ["case_id", "fingerprint"],
        unique=True,
        postgresql_where=sa.text("removed_at is null"),
    )


def _boards() -> None:
    op.create_table(
        "relief_decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("quorum", sa.Integer(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("decided_at", AT, nullable=False),
        sa.CheckConstraint(
            "(verdict = 'grant') = (amount_fen is not null)",
            name=op.f("ck_relief_decision__amount"),
        ),
        sa.CheckConstraint(
            "path in ('formula', 'hardship', 'condolence')", name=op.f("ck_relief_decision__path")
        ),
        sa.CheckConstraint(
            "verdict in ('grant', 'decline')", name=op.f("ck_relief_decision__verdict")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_relief_decision__amount_fen")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["relief_case.id"], name=op.f("fk_relief_decision__case_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["staff_account.id"], name=op.f("fk_relief_decision__recorded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relief_decision")),
        sa.UniqueConstraint("case_id", name="uq_relief_decision__case_id"),
    )
    op.create_table(
        "relief_visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_ref", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("claim_id", sa.Uuid(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("visited_at", AT, nullable=False),
        sa.Column("recorded_at", AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["relief_case.id"], name=op.f("fk_relief_visit__case_id")
        ),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name=op.f("fk_relief_visit__claim_id")),
        sa.ForeignKeyConstraint(
            ["household_id"], ["household.id"], name=op.f("fk_relief_visit__household_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_relief_visit__organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_relief_visit__person_id")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_account.id"], name=op.f("fk_relief_visit__staff_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relief_visit")),
        sa.UniqueConstraint("staff_id", "client_ref", name="uq_relief_visit__client_ref"),
    )
    op.create_index("ix_relief_visit__person_id", "relief_visit", ["person_id", "id"])
    op.create_table(
        "relief_vote",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("vote", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "vote in ('for', 'against', 'abstain')", name=op.f("ck_relief_vote__vote")
        ),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["relief_decision.id"], name=op.f("fk_relief_vote__decision_id")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_account.id"], name=op.f("fk_relief_vote__staff_id")
        ),
        sa.PrimaryKeyConstraint("decision_id", "staff_id", name=op.f("pk_relief_vote")),
    )
    # ### end Alembic commands ###


def _payouts() -> None:
    """A third thing that a payout may be for."""
    op.add_column("payout", sa.Column("relief_case_id", sa.Uuid(), nullable=True))
    constrain(
        "payout",
        "fk_payout__relief_case_id",
        "foreign key (relief_case_id) references relief_case (id)",
    )
    constrain(
        "payout",
        "ck_payout__one_cause",
        "check (num_nonnulls(claim_id, refund_id, relief_case_id) = 1)",
        instead=True,
    )
