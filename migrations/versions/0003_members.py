"""Persons, members, registrations, enrolment codes, identity checks, consents"""
# ruff: noqa: E501

import hashlib
from pathlib import Path

import sqlalchemy as sa
import yaml
from alembic import op

from app.kernel.migrate import append_only

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CONSENT_TEXTS = Path(__file__).parents[2] / "app/members/data/consent_texts.yaml"


def upgrade() -> None:
    create_tables()
    append_only("consent_text")
    load_consent_texts()


def load_consent_texts() -> None:
    texts = yaml.safe_load(CONSENT_TEXTS.read_text(encoding="utf-8"))
    for text in texts:
        both = text["text_zh"] + "\n" + text["text_en"]
        text["digest"] = hashlib.sha256(both.encode()).hexdigest()
    op.get_bind().execute(
        sa.text(
            "insert into consent_text (purpose, version, title_zh, title_en, text_zh, text_en,"
            " digest, effective_at) values (:purpose, :version, :title_zh, :title_en, :text_zh,"
            " :text_en, :digest, :effective_at) on conflict do nothing"
        ),
        texts,
    )


def create_tables() -> None:
    op.create_table(
        "consent_text",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "purpose in ('service_terms', 'personal_information', 'identity_number', 'face', 'health')",
            name=op.f("ck_consent_text__purpose"),
        ),
        sa.PrimaryKeyConstraint("purpose", "version", name=op.f("pk_consent_text")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("document_type", sa.Text(), nullable=False),
        sa.Column("document_index", sa.LargeBinary(), nullable=True),
        sa.Column("name_index", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("birth_on", sa.Date(), nullable=False),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", sa.Text(), nullable=True),
        sa.Column("merged_into_id", sa.Uuid(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "document_type in ('resident_id', 'residence_permit', 'foreign_permanent_residence', 'passport')",
            name=op.f("ck_person__document_type"),
        ),
        sa.CheckConstraint("sex in ('female', 'male')", name=op.f("ck_person__sex")),
        sa.CheckConstraint(
            "verified_by in ('vendor', 'attestation')", name=op.f("ck_person__verified_by")
        ),
        sa.CheckConstraint(
            "(verified_at is null) = (verified_by is null)", name=op.f("ck_person__verified")
        ),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["person.id"], name=op.f("fk_person__merged_into_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_index(op.f("ix_person__phone_index"), "person", ["phone_index"], unique=False)
    op.create_index(
        "uq_person__claimed_document",
        "person",
        ["document_index", "name_index"],
        unique=True,
        postgresql_where=sa.text("verified_at is null and merged_into_id is null"),
    )
    op.create_index(
        "uq_person__verified_document",
        "person",
        ["document_index"],
        unique=True,
        postgresql_where=sa.text("verified_at is not null and merged_into_id is null"),
    )
    op.create_table(
        "serve_code",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_serve_code__person_id")
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_serve_code")),
    )
    op.create_index(op.f("ix_serve_code__expires_at"), "serve_code", ["expires_at"], unique=False)
    op.create_index(op.f("ix_serve_code__person_id"), "serve_code", ["person_id"], unique=False)
    op.create_table(
        "enrolment_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=True),
        sa.Column("caseworker_id", sa.Uuid(), nullable=True),
        sa.Column("sponsor_id", sa.Uuid(), nullable=True),
        sa.Column("plan_codes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scans", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(code) <= 26", name=op.f("ck_enrolment_code__code")),
        sa.ForeignKeyConstraint(
            ["caseworker_id"], ["staff_account.id"], name=op.f("fk_enrolment_code__caseworker_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["staff_account.id"], name=op.f("fk_enrolment_code__created_by")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_enrolment_code__organisation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_code")),
        sa.UniqueConstraint("code", name=op.f("uq_enrolment_code__code")),
    )
    op.create_index(
        "ix_enrolment_code__organisation_id",
        "enrolment_code",
        ["organisation_id", "id"],
        unique=False,
    )
    op.create_table(
        "serve_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("found_by", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "found_by in ('document', 'code')", name=op.f("ck_serve_grant__found_by")
        ),
        sa.CheckConstraint(
            "reason in ('enrolment', 'claim', 'correction', 'complaint', 'relief')",
            name=op.f("ck_serve_grant__reason"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_serve_grant__person_id")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_account.id"], name=op.f("fk_serve_grant__staff_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_serve_grant")),
    )
    op.create_index(
        "ix_serve_grant__staff_id_person_id",
        "serve_grant",
        ["staff_id", "person_id", "expires_at"],
        unique=False,
    )
    op.create_table(
        "member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("enrolled_by", sa.Uuid(), nullable=True),
        sa.Column("enrolment_code_id", sa.Uuid(), nullable=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "channel in ('self', 'on_site', 'roster')", name=op.f("ck_member__channel")
        ),
        sa.ForeignKeyConstraint(
            ["enrolled_by"], ["staff_account.id"], name=op.f("fk_member__enrolled_by")
        ),
        sa.ForeignKeyConstraint(
            ["enrolment_code_id"], ["enrolment_code.id"], name=op.f("fk_member__enrolment_code_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_member__organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_member__person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("number", name=op.f("uq_member__number")),
        sa.UniqueConstraint("person_id", name=op.f("uq_member__person_id")),
    )
    op.create_index("ix_member__organisation_id", "member", ["organisation_id", "id"], unique=False)
    op.create_table(
        "registration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("document_type", sa.Text(), nullable=True),
        sa.Column("document_index", sa.LargeBinary(), nullable=True),
        sa.Column("enrolment_code_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("channel in ('self', 'on_site')", name=op.f("ck_registration__channel")),
        sa.CheckConstraint(
            "document_type in ('resident_id', 'residence_permit', 'foreign_permanent_residence', 'passport')",
            name=op.f("ck_registration__document_type"),
        ),
        sa.CheckConstraint(
            "status <> 'completed' or person_id is not null",
            name=op.f("ck_registration__completed"),
        ),
        sa.CheckConstraint(
            "status in ('abandoned', 'checking', 'completed', 'draft', 'submitted')",
            name=op.f("ck_registration__status"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["member_account.id"], name=op.f("fk_registration__account_id")
        ),
        sa.ForeignKeyConstraint(
            ["enrolment_code_id"],
            ["enrolment_code.id"],
            name=op.f("fk_registration__enrolment_code_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_registration__organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_registration__person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration")),
    )
    op.create_index(
        "ix_registration__account_id", "registration", ["account_id", "id"], unique=False
    )
    op.create_index(op.f("ix_registration__person_id"), "registration", ["person_id"], unique=False)
    op.create_index(
        "ix_registration__updated_at",
        "registration",
        ["updated_at"],
        unique=False,
        postgresql_where=sa.text("status in ('draft', 'submitted')"),
    )
    op.create_index(
        "uq_registration__live_account",
        "registration",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("status in ('draft', 'submitted', 'checking')"),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("registration_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("given_via", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("given_via in ('self', 'on_site')", name=op.f("ck_consent__given_via")),
        sa.CheckConstraint(
            "account_id is not null or registration_id is not null", name=op.f("ck_consent__owner")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["member_account.id"], name=op.f("fk_consent__account_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_consent__person_id")),
        sa.ForeignKeyConstraint(
            ["purpose", "version"],
            ["consent_text.purpose", "consent_text.version"],
            name="fk_consent__text",
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["staff_account.id"], name=op.f("fk_consent__recorded_by")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_consent__registration_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(op.f("ix_consent__person_id"), "consent", ["person_id"], unique=False)
    op.create_index(
        "uq_consent__live_account",
        "consent",
        ["account_id", "purpose"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at is null"),
    )
    op.create_index(
        "uq_consent__live_registration",
        "consent",
        ["registration_id", "purpose"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at is null"),
    )
    op.create_table(
        "identity_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("vendor_reference", sa.Text(), nullable=True),
        sa.Column("sealed_launch", sa.LargeBinary(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("score", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("evidence_reference", sa.Text(), nullable=True),
        sa.Column("attested_by", sa.Uuid(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("called_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late_state", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "route in ('vendor', 'attestation', 'attested_phone')",
            name=op.f("ck_identity_check__route"),
        ),
        sa.CheckConstraint(
            "status in ('expired', 'failed', 'passed', 'requested')",
            name=op.f("ck_identity_check__status"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["member_account.id"], name=op.f("fk_identity_check__account_id")
        ),
        sa.ForeignKeyConstraint(
            ["attested_by"], ["staff_account.id"], name=op.f("fk_identity_check__attested_by")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_identity_check__registration_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_check")),
        sa.UniqueConstraint("vendor_reference", name=op.f("uq_identity_check__vendor_reference")),
    )
    op.create_index(
        "ix_identity_check__account_id",
        "identity_check",
        ["account_id", "requested_at"],
        unique=False,
    )
    op.create_index(
        "ix_identity_check__registration_id",
        "identity_check",
        ["registration_id", "id"],
        unique=False,
    )
    op.create_index(
        "uq_identity_check__live_registration",
        "identity_check",
        ["registration_id"],
        unique=True,
        postgresql_where=sa.text("status = 'requested'"),
    )
    op.create_table(
        "on_site_enrolment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("client_ref", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_on_site_enrolment__registration_id"),
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_account.id"], name=op.f("fk_on_site_enrolment__staff_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_on_site_enrolment")),
        sa.UniqueConstraint("staff_id", "client_ref", name="uq_on_site_enrolment__client_ref"),
    )
