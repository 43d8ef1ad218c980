"""Payment agreements, reminders, messages"""

import sqlalchemy as sa
from alembic import op

from app.kernel.migrate import constrain, keys

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _messages()
    _deliveries()
    _consents()
    _agreements()
    _charges()


def _messages() -> None:
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("once_key", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("not_before", AT, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("read_at", AT, nullable=True),
        sa.Column("dropped_at", AT, nullable=True),
        sa.CheckConstraint("language in ('zh', 'en')", name=op.f("ck_message__language")),
        *keys("message", person_id="person.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("once_key", name="uq_message__once_key"),
    )
    op.create_index("ix_message__person_id", "message", ["person_id", "not_before", "id"])
    op.create_index(
        "ix_message__unread",
        "message",
        ["person_id"],
        postgresql_where=sa.text("read_at is null and dropped_at is null"),
    )
    op.create_index("ix_message__subject_id", "message", ["subject_id"])
    op.create_table(
        "message_preference",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("updated_at", AT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "language in ('zh', 'en')", name=op.f("ck_message_preference__language")
        ),
        *keys("message_preference", person_id="person.id"),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_message_preference")),
    )


def _deliveries() -> None:
    op.create_table(
        "message_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("outside_reference", sa.Text(), nullable=True),
        sa.Column("tried_at", AT, nullable=True),
        sa.Column("settled_at", AT, nullable=True),
        sa.CheckConstraint(
            "channel in ('sms', 'wechat')", name=op.f("ck_message_delivery__channel")
        ),
        sa.CheckConstraint(
            "status in ('dropped', 'failed', 'queued', 'sending', 'sent')",
            name=op.f("ck_message_delivery__status"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_message_delivery__attempts")),
        *keys("message_delivery", message_id="message.id", account_id="member_account.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_delivery")),
        sa.UniqueConstraint("message_id", "channel", name="uq_message_delivery__channel"),
    )
    op.create_index(
        "ix_message_delivery__failed",
        "message_delivery",
        ["id"],
        postgresql_where=sa.text("status = 'failed'"),
    )


def _consents() -> None:
    op.create_table(
        "subscription_consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("given_at", AT, server_default=sa.text("now()"), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        sa.CheckConstraint(
            "answer in ('accepted', 'rejected')", name=op.f("ck_subscription_consent__answer")
        ),
        *keys(
            "subscription_consent",
            account_id="member_account.id",
            delivery_id="message_delivery.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_consent")),
        sa.UniqueConstraint(
            "account_id", "template", "reference", name="uq_subscription_consent__reference"
        ),
        sa.UniqueConstraint("delivery_id", name="uq_subscription_consent__delivery_id"),
    )
    op.create_index(
        "ix_subscription_consent__left",
        "subscription_consent",
        ["account_id", "template"],
        postgresql_where=sa.text(
            "answer = 'accepted' and delivery_id is null and ended_at is null"
        ),
    )


def _agreements() -> None:
    op.create_table(
        "payment_agreement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("plan_code", sa.Text(), nullable=False),
        sa.Column("first_policy_id", sa.Uuid(), nullable=False),
        sa.Column("contract_code", sa.Text(), nullable=False),
        sa.Column("most_fen", sa.BigInteger(), nullable=False),
        sa.Column("tried_policy_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("requested_at", AT, nullable=False),
        sa.Column("confirm_before", AT, nullable=False),
        sa.Column("signed_at", AT, nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("ended_because", sa.Text(), nullable=True),
        sa.Column("end_sent_at", AT, nullable=True),
        sa.CheckConstraint(
            "status in ('active', 'ended', 'requested')", name=op.f("ck_payment_agreement__status")
        ),
        sa.CheckConstraint("most_fen > 0", name=op.f("ck_payment_agreement__most_fen")),
        sa.CheckConstraint(
            "status <> 'ended' or ended_at is not null",
            name=op.f("ck_payment_agreement__ended_at"),
        ),
        *keys(
            "payment_agreement",
            account_id="member_account.id",
            person_id="person.id",
            plan_code="plan.code",
            first_policy_id="policy.id",
            tried_policy_id="policy.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_agreement")),
        sa.UniqueConstraint("contract_code", name="uq_payment_agreement__contract_code"),
    )
    op.create_index(
        "uq_payment_agreement__live",
        "payment_agreement",
        ["first_policy_id"],
        unique=True,
        postgresql_where=sa.text("status in ('requested', 'active')"),
    )
    op.create_index("ix_payment_agreement__account_id", "payment_agreement", ["account_id"])
    op.create_index(
        "ix_payment_agreement__first_policy_id", "payment_agreement", ["first_policy_id", "id"]
    )


def _charges() -> None:
    op.add_column("payment_attempt", sa.Column("agreement_id", sa.Uuid(), nullable=True))
    constrain(
        "payment_attempt",
        "ck_payment_attempt__trade_type",
        "check (trade_type in ('jsapi', 'native', 'agreement'))",
        instead=True,
    )
    constrain(
        "payment_attempt",
        "ck_payment_attempt__agreement_id",
        "check ((trade_type = 'agreement') = (agreement_id is not null))",
    )
    constrain(
        "payment_attempt",
        "fk_payment_attempt__agreement_id",
        "foreign key (agreement_id) references payment_agreement (id)",
    )
