"""Documents, claims, decisions, payouts"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.kernel.migrate import append_only

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The queue of every organisation above a claim's own follows the claim, whoever writes it.
QUEUE = (
    """
create function claim_queue_follow() returns trigger language plpgsql as $$
begin
  if new.managing_organisation_id = old.managing_organisation_id
     and old.rank_at is not null and new.rank_at is not null then
    update claim_queue set status = new.status, rank_at = new.rank_at where claim_id = new.id;
    return null;
  end if;
  delete from claim_queue where claim_id = new.id;
  if new.rank_at is not null then
    insert into claim_queue (organisation_id, status, rank_at, claim_id)
    select above, new.status, new.rank_at, new.id
    from organisation, unnest(lineage) as above
    where organisation.id = new.managing_organisation_id;
  end if;
  return null;
end $$
""",
    """
create function claim_queue_join() returns trigger language plpgsql as $$
begin
  insert into claim_queue (organisation_id, status, rank_at, claim_id)
  select above, added.status, added.rank_at, added.id
  from added
  join organisation on organisation.id = added.managing_organisation_id
  cross join lateral unnest(organisation.lineage) as above
  where added.rank_at is not null;
  return null;
end $$
""",
    """
create trigger claim_queue_join after insert on claim
referencing new table as added for each statement execute function claim_queue_join()
""",
    """
create trigger claim_queue_update after update of status, rank_at, managing_organisation_id
on claim for each row
when (
  old.status is distinct from new.status or old.rank_at is distinct from new.rank_at
  or old.managing_organisation_id is distinct from new.managing_organisation_id
) execute function claim_queue_follow()
""",
    """
create function claim_queue_regroup() returns trigger language plpgsql as $$
begin
  delete from claim_queue where claim_id in
    (select id from claim where managing_organisation_id = new.id);
  insert into claim_queue (organisation_id, status, rank_at, claim_id)
  select above, claim.status, claim.rank_at, claim.id
  from claim, unnest(new.lineage) as above
  where claim.managing_organisation_id = new.id and claim.rank_at is not null;
  return null;
end $$
""",
    """
create trigger claim_queue_regroup after update of lineage on organisation for each row
when (old.lineage is distinct from new.lineage) execute function claim_queue_regroup()
""",
)


def upgrade() -> None:
    create_documents()
    create_payout_accounts()
    create_claims()
    create_payouts()
    for statement in QUEUE:
        op.execute(statement)
    append_only("claim_facts", "decision", "claim_line")
    # A new vault key seals them again; nothing else about them changes.
    op.execute("grant update (sealed) on claim_facts, decision, claim_line to redumbrella_app")


def create_documents() -> None:
    op.create_table(
        "stored_object",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("original_media_type", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("original_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("thumbnail_key", sa.Text(), nullable=True),
        sa.Column("perceptual_hash", sa.BigInteger(), nullable=True),
        sa.Column(
            "stored_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("bytes > 0", name=op.f("ck_stored_object__bytes")),
        sa.CheckConstraint(
            "erased_at is not null or sealed is not null", name=op.f("ck_stored_object__openable")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_object")),
        sa.UniqueConstraint("object_key", name="uq_stored_object__object_key"),
    )
    op.create_index(
        "ix_stored_object__original_sha256", "stored_object", ["original_sha256"], unique=False
    )
    op.create_table(
        "upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("declared_bytes", sa.BigInteger(), nullable=False),
        sa.Column("declared_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column(
            "opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("swept", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "status <> 'finished' or object_id is not null", name=op.f("ck_upload__finished")
        ),
        sa.ForeignKeyConstraint(
            ["object_id"], ["stored_object.id"], name=op.f("fk_upload__object_id")
        ),
        sa.CheckConstraint(
            "status in ('expired', 'finished', 'receiving', 'refused')",
            name=op.f("ck_upload__status"),
        ),
        sa.CheckConstraint(
            "received between 0 and declared_bytes", name=op.f("ck_upload__received")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
        sa.UniqueConstraint("token_hash", name="uq_upload__token_hash"),
    )
    op.create_index("ix_upload__subject_id", "upload", ["subject_id"], unique=False)
    op.create_index(
        "ix_upload__expires_at",
        "upload",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("not swept"),
    )
    op.create_table(
        "upload_chunk",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.CheckConstraint("bytes > 0", name=op.f("ck_upload_chunk__bytes")),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["upload.id"], name=op.f("fk_upload_chunk__upload_id")
        ),
        sa.PrimaryKeyConstraint("upload_id", "start", name=op.f("pk_upload_chunk")),
    )
    op.create_table(
        "blob_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("viewer_kind", sa.Text(), nullable=False),
        sa.Column("viewer_id", sa.Uuid(), nullable=False),
        sa.Column("on_behalf_of", sa.Uuid(), nullable=True),
        sa.Column(
            "issued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "variant in ('content', 'thumbnail')", name=op.f("ck_blob_link__variant")
        ),
        sa.ForeignKeyConstraint(
            ["object_id"], ["stored_object.id"], name=op.f("fk_blob_link__object_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blob_link")),
    )
    op.create_index("ix_blob_link__object_id", "blob_link", ["object_id"], unique=False)


def create_claims() -> None:
    op.create_table(
        "incident",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("cause in ('accident', 'illness')", name=op.f("ck_incident__cause")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_incident__person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_index("ix_incident__person_id", "incident", ["person_id"], unique=False)
    op.create_table(
        "claim",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("payout_account_id", sa.Uuid(), nullable=True),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("plan_code", sa.Text(), nullable=False),
        sa.Column("plan_version_id", sa.Uuid(), nullable=False),
        sa.Column("benefit_code", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("managing_organisation_id", sa.Uuid(), nullable=False),
        sa.Column("receiving_organisation_id", sa.Uuid(), nullable=True),
        sa.Column("claimed_by_kind", sa.Text(), nullable=False),
        sa.Column("claimed_by", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clock_stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rank_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_holder_id", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("payout_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status in ('appealed', 'approved', 'awaiting_second_approval', 'denied', 'draft',"
            " 'paid', 'paying', 'reopened', 'submitted', 'under_review', 'waiting_for_member',"
            " 'withdrawn')",
            name=op.f("ck_claim__status"),
        ),
        sa.CheckConstraint(
            "status not in ('approved', 'paying', 'paid') or amount_fen is not null",
            name=op.f("ck_claim__approved_amount"),
        ),
        sa.CheckConstraint(
            "(lease_holder_id is null) = (lease_until is null)", name=op.f("ck_claim__lease")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_claim__amount_fen")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["member_account.id"], name=op.f("fk_claim__account_id")
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_claim__incident_id")
        ),
        sa.ForeignKeyConstraint(
            ["lease_holder_id"], ["staff_account.id"], name=op.f("fk_claim__lease_holder_id")
        ),
        sa.ForeignKeyConstraint(
            ["managing_organisation_id"],
            ["organisation.id"],
            name=op.f("fk_claim__managing_organisation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["payout_account_id"],
            ["payout_account.id"],
            name=op.f("fk_claim__payout_account_id"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_claim__person_id")),
        sa.ForeignKeyConstraint(
            ["plan_version_id"], ["plan_version.id"], name=op.f("fk_claim__plan_version_id")
        ),
        sa.ForeignKeyConstraint(["policy_id"], ["policy.id"], name=op.f("fk_claim__policy_id")),
        sa.ForeignKeyConstraint(
            ["receiving_organisation_id"],
            ["organisation.id"],
            name=op.f("fk_claim__receiving_organisation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
        sa.UniqueConstraint("number", name="uq_claim__number"),
    )
    op.create_index("ix_claim__incident_id", "claim", ["incident_id"], unique=False)
    op.create_index(
        "ix_claim__managing_organisation_id", "claim", ["managing_organisation_id"], unique=False
    )
    op.create_index("ix_claim__person_id", "claim", ["person_id", "id"], unique=False)
    op.create_index("ix_claim__policy_id", "claim", ["policy_id"], unique=False)
    op.create_table(
        "claim_queue",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rank_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint(
            "organisation_id", "status", "rank_at", "claim_id", name=op.f("pk_claim_queue")
        ),
    )
    op.create_index("ix_claim_queue__claim_id", "claim_queue", ["claim_id"], unique=False)
    op.create_table(
        "claim_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("uploaded_by_kind", sa.Text(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status <> 'returned' or reason_code is not null",
            name=op.f("ck_claim_document__reason"),
        ),
        sa.CheckConstraint(
            "status in ('accepted', 'replaced', 'returned', 'waiting')",
            name=op.f("ck_claim_document__status"),
        ),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["claim.id"], name=op.f("fk_claim_document__claim_id")
        ),
        sa.ForeignKeyConstraint(
            ["object_id"], ["stored_object.id"], name=op.f("fk_claim_document__object_id")
        ),
        sa.ForeignKeyConstraint(
            ["reviewed_by"], ["staff_account.id"], name=op.f("fk_claim_document__reviewed_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_document")),
    )
    op.create_index(
        "ix_claim_document__fingerprint", "claim_document", ["fingerprint"], unique=False
    )
    op.create_index("ix_claim_document__object_id", "claim_document", ["object_id"], unique=False)
    op.create_index(
        "uq_claim_document__fingerprint",
        "claim_document",
        ["claim_id", "fingerprint"],
        unique=True,
        postgresql_where=sa.text("status <> 'replaced'"),
    )
    op.create_table(
        "claim_receipt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("receipt_index", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("recorded_by_kind", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_claim_receipt__amount_fen")),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["claim.id"], name=op.f("fk_claim_receipt__claim_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_receipt")),
    )
    op.create_index("ix_claim_receipt__claim_id", "claim_receipt", ["claim_id"], unique=False)
    op.create_index(
        "uq_claim_receipt__live",
        "claim_receipt",
        ["receipt_index"],
        unique=True,
        postgresql_where=sa.text("released_at is null"),
    )
    op.create_table(
        "claim_facts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("names", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("given_by_kind", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Uuid(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.CheckConstraint("version > 0", name=op.f("ck_claim_facts__version")),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name=op.f("fk_claim_facts__claim_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_facts")),
        sa.UniqueConstraint("claim_id", "version", name="uq_claim_facts__claim_id_version"),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(verdict = 'approve') = (amount_fen is not null)", name=op.f("ck_decision__amount")
        ),
        sa.CheckConstraint("step in ('first', 'second')", name=op.f("ck_decision__step")),
        sa.CheckConstraint(
            "verdict <> 'deny' or reason_code is not null", name=op.f("ck_decision__reason")
        ),
        sa.CheckConstraint(
            "verdict in ('approve', 'deny', 'return')", name=op.f("ck_decision__verdict")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_decision__amount_fen")),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name=op.f("fk_decision__claim_id")),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["staff_account.id"], name=op.f("fk_decision__decided_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("claim_id", "round", "step", name="uq_decision__claim_id_round_step"),
    )
    op.create_index(
        "uq_decision__two_people", "decision", ["claim_id", "round", "decided_by"], unique=True
    )
    op.create_table(
        "claim_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("benefit_code", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("outcome", JSONB(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_claim_line__amount_fen")),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name=op.f("fk_claim_line__claim_id")),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decision.id"], name=op.f("fk_claim_line__decision_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_line")),
        sa.UniqueConstraint(
            "decision_id", "benefit_code", name="uq_claim_line__decision_id_benefit"
        ),
    )
    op.create_index("ix_claim_line__claim_id", "claim_line", ["claim_id"], unique=False)


def create_payout_accounts() -> None:
    op.create_table(
        "payout_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("account_index", sa.LargeBinary(), nullable=False),
        sa.Column("usable_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_kind", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("method in ('bank')", name=op.f("ck_payout_account__method")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_payout_account__person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_account")),
    )
    op.create_index(
        "ix_payout_account__account_index", "payout_account", ["account_index"], unique=False
    )
    op.create_index(
        "uq_payout_account__person_id_account_index",
        "payout_account",
        ["person_id", "account_index"],
        unique=True,
        postgresql_where=sa.text("retired_at is null"),
    )


def create_payouts() -> None:
    op.create_table(
        "payout",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("plan_code", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("payee_person_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("payout_account_id", sa.Uuid(), nullable=True),
        sa.Column("approvers", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("out_bill_no", sa.Text(), nullable=False),
        sa.Column("outside_reference", sa.Text(), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("sealed_package", sa.LargeBinary(), nullable=True),
        sa.Column("confirm_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_poll_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(method = 'bank') = (payout_account_id is not null)",
            name=op.f("ck_payout__destination"),
        ),
        sa.CheckConstraint("method in ('wechat', 'bank')", name=op.f("ck_payout__method")),
        sa.CheckConstraint(
            "status in ('accepted', 'failed', 'paid', 'requested', 'sending', 'unknown',"
            " 'waiting_confirm')",
            name=op.f("ck_payout__status"),
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payout__amount_fen")),
        sa.CheckConstraint("cardinality(approvers) >= 1", name=op.f("ck_payout__approvers")),
        sa.CheckConstraint(
            "num_nonnulls(claim_id, refund_id) = 1", name=op.f("ck_payout__one_cause")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["member_account.id"], name=op.f("fk_payout__account_id")
        ),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name=op.f("fk_payout__claim_id")),
        sa.ForeignKeyConstraint(
            ["payee_person_id"], ["person.id"], name=op.f("fk_payout__payee_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["payout_account_id"], ["payout_account.id"], name=op.f("fk_payout__payout_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout")),
        sa.UniqueConstraint("out_bill_no", name="uq_payout__out_bill_no"),
    )
    op.create_index("ix_payout__claim_id", "payout", ["claim_id"], unique=False)
    op.create_index(
        "ix_payout__next_poll_at",
        "payout",
        ["next_poll_at"],
        unique=False,
        postgresql_where=sa.text(
            "status in ('requested', 'sending', 'unknown', 'accepted', 'waiting_confirm')"
        ),
    )
    op.create_index("ix_payout__payee_person_id", "payout", ["payee_person_id"], unique=False)
    op.create_index(
        "uq_payout__live_claim",
        "payout",
        ["claim_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'failed'"),
    )
    op.create_index(
        "uq_payout__live_refund",
        "payout",
        ["refund_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'failed' and refund_id is not null"),
    )
