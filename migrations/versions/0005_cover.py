"""Policies, share slots, ledger, orders, payments"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSTZRANGE

from app.kernel.migrate import append_only

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)

BALANCED = """
create function ledger_transaction_balances() returns trigger language plpgsql as $$
begin
    if (select sum(amount_fen) from ledger_entry where transaction_id = new.transaction_id) <> 0
    then
        raise exception 'ledger transaction does not balance' using errcode = 'check_violation',
            constraint = 'ledger_transaction_balances';
    end if;
    return null;
end $$
"""

ACCOUNTS = (
    ("bank", "asset", "银行存款", "Bank"),
    ("gateway-clearing", "asset", "支付平台待清算", "Payment gateway clearing"),
    ("sponsor-receivables", "asset", "应收出资方互助费", "Receivable from sponsors"),
    ("suspense", "liability", "待处理款项", "Suspense"),
    ("refunds-payable", "liability", "应退互助费", "Refunds payable"),
    ("benefits-payable", "liability", "应付互助金", "Benefits payable"),
    ("relief-payable", "liability", "应付救助金", "Relief payable"),
    ("relief", "expense", "救助金支出", "Relief"),
)


def upgrade() -> None:
    create_ledger()
    create_orders()
    create_policies()
    append_only("ledger_transaction", "ledger_entry", "policy_transaction", "gateway_notice")


def create_ledger() -> None:
    accounts = op.create_table(
        "ledger_account",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("plan_code", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind in ('asset', 'liability', 'income', 'expense')",
            name=op.f("ck_ledger_account__kind"),
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_ledger_account")),
    )
    op.bulk_insert(
        accounts,
        [
            {"code": code, "kind": kind, "name_zh": zh, "name_en": en}
            for code, kind, zh, en in ACCOUNTS
        ],
    )
    op.create_table(
        "ledger_transaction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference_id", sa.Uuid(), nullable=False),
        sa.Column("event_on", sa.Date(), nullable=False),
        sa.Column("posted_at", AT, server_default=sa.text("now()"), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transaction")),
        sa.UniqueConstraint("kind", "reference_id", name="uq_ledger_transaction__fact"),
    )
    op.create_index("ix_ledger_transaction__reference_id", "ledger_transaction", ["reference_id"])
    op.create_index("ix_ledger_transaction__event_on", "ledger_transaction", ["event_on"])
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("account_code", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen <> 0", name=op.f("ck_ledger_entry__amount_fen")),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_ledger_entry__transaction_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_code"], ["ledger_account.code"], name=op.f("fk_ledger_entry__account_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
    )
    op.create_index("ix_ledger_entry__transaction_id", "ledger_entry", ["transaction_id"])
    op.create_index("ix_ledger_entry__account_code", "ledger_entry", ["account_code", "id"])
    op.execute(BALANCED)
    op.execute(
        "create constraint trigger ledger_transaction_balances after insert on ledger_entry"
        " deferrable initially deferred for each row"
        " execute function ledger_transaction_balances()"
    )


def create_orders() -> None:
    op.create_table(
        "contribution_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("plan_code", sa.Text(), nullable=False),
        sa.Column("plan_version_id", sa.Uuid(), nullable=False),
        sa.Column("shares", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("sponsor_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("enrolled_by", sa.Uuid(), nullable=True),
        sa.Column("reserved_period", TSTZRANGE(), nullable=False),
        sa.Column("opened_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("paid_at", AT, nullable=True),
        sa.CheckConstraint(
            "status in ('closed', 'open', 'paid', 'refunded', 'refunding', 'suspended')",
            name=op.f("ck_contribution_order__status"),
        ),
        sa.CheckConstraint(
            "channel in ('bought', 'gifted', 'on_site')",
            name=op.f("ck_contribution_order__channel"),
        ),
        sa.CheckConstraint(
            "payer in ('member', 'sponsor')", name=op.f("ck_contribution_order__payer")
        ),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_contribution_order__amount_fen")),
        sa.CheckConstraint("shares >= 1", name=op.f("ck_contribution_order__shares")),
        *foreign_keys(
            "contribution_order",
            account_id="member_account.id",
            person_id="person.id",
            plan_code="plan.code",
            plan_version_id="plan_version.id",
            organisation_id="organisation.id",
            enrolled_by="staff_account.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contribution_order")),
        sa.UniqueConstraint("number", name="uq_contribution_order__number"),
    )
    op.create_index(
        "uq_contribution_order__one_open",
        "contribution_order",
        ["person_id", "plan_code"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index("ix_contribution_order__person_id", "contribution_order", ["person_id", "id"])
    create_payments()


def create_payments() -> None:
    op.create_table(
        "payment_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("out_trade_no", sa.Text(), nullable=False),
        sa.Column("trade_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("prepay", sa.Text(), nullable=True),
        sa.Column("transaction_id", sa.Text(), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("asked_at", AT, nullable=False),
        sa.Column("succeeded_at", AT, nullable=True),
        sa.CheckConstraint(
            "status in ('closed', 'created', 'failed', 'prepared', 'succeeded')",
            name=op.f("ck_payment_attempt__status"),
        ),
        sa.CheckConstraint(
            "trade_type in ('jsapi', 'native')", name=op.f("ck_payment_attempt__trade_type")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payment_attempt__amount_fen")),
        *foreign_keys("payment_attempt", order_id="contribution_order.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_attempt")),
        sa.UniqueConstraint("out_trade_no", name="uq_payment_attempt__out_trade_no"),
        sa.UniqueConstraint("transaction_id", name="uq_payment_attempt__transaction_id"),
    )
    op.create_index("ix_payment_attempt__order_id", "payment_attempt", ["order_id"])
    op.create_index(
        "uq_payment_attempt__live",
        "payment_attempt",
        ["order_id", "trade_type"],
        unique=True,
        postgresql_where=sa.text("status in ('created', 'prepared')"),
    )
    op.create_index(
        "ix_payment_attempt__silent",
        "payment_attempt",
        ["asked_at"],
        postgresql_where=sa.text("status in ('created', 'prepared')"),
    )
    op.create_table(
        "gateway_notice",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("received_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_gateway_notice")),
    )
    op.create_index("ix_gateway_notice__reference", "gateway_notice", ["reference"])
    op.create_table(
        "refund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("out_refund_no", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("gateway_refund_id", sa.Text(), nullable=True),
        sa.Column("requested_at", AT, nullable=False),
        sa.Column("settled_at", AT, nullable=True),
        sa.CheckConstraint(
            "status in ('accepted', 'rejected', 'requested', 'succeeded')",
            name=op.f("ck_refund__status"),
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_refund__amount_fen")),
        *foreign_keys("refund", order_id="contribution_order.id", attempt_id="payment_attempt.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("out_refund_no", name="uq_refund__out_refund_no"),
        sa.UniqueConstraint("attempt_id", name="uq_refund__attempt_id"),
    )
    op.create_index("ix_refund__order_id", "refund", ["order_id"])
    op.create_index(
        "ix_refund__unsettled",
        "refund",
        ["requested_at"],
        postgresql_where=sa.text("status in ('requested', 'accepted')"),
    )


def foreign_keys(table: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}__{column}"))
        for column, target in columns.items()
    ]


def create_policies() -> None:
    statuses = "status in ('cancelled', 'in_force', 'pending', 'void')"
    op.create_table(
        "policy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("plan_code", sa.Text(), nullable=False),
        sa.Column("plan_version_id", sa.Uuid(), nullable=False),
        sa.Column("shares", sa.Integer(), nullable=False),
        sa.Column("period", TSTZRANGE(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("sponsor_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("enrolled_by", sa.Uuid(), nullable=True),
        sa.Column("issued_at", AT, nullable=False),
        sa.CheckConstraint(statuses, name=op.f("ck_policy__status")),
        sa.CheckConstraint(
            "channel in ('bought', 'gifted', 'roster', 'on_site')", name=op.f("ck_policy__channel")
        ),
        sa.CheckConstraint("shares >= 1", name=op.f("ck_policy__shares")),
        sa.CheckConstraint(
            "not isempty(period) and lower(period) is not null and upper(period) is not null",
            name=op.f("ck_policy__period"),
        ),
        *foreign_keys(
            "policy",
            person_id="person.id",
            plan_code="plan.code",
            plan_version_id="plan_version.id",
            order_id="contribution_order.id",
            organisation_id="organisation.id",
            enrolled_by="staff_account.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy")),
        sa.UniqueConstraint("number", name="uq_policy__number"),
        sa.UniqueConstraint("order_id", name="uq_policy__order_id"),
    )
    op.create_index("ix_policy__person_id", "policy", ["person_id", "id"])
    op.create_index("ix_policy__organisation_id", "policy", ["organisation_id", "id"])
    op.create_table(
        "policy_transaction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("effective_at", AT, nullable=False),
        sa.Column("recorded_at", AT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("shares", sa.Integer(), nullable=False),
        sa.Column("period", TSTZRANGE(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("on_behalf_of", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "kind in ('issue', 'upgrade', 'endorse', 'renew', 'cancel', 'reinstate')",
            name=op.f("ck_policy_transaction__kind"),
        ),
        sa.CheckConstraint(statuses, name=op.f("ck_policy_transaction__status")),
        sa.CheckConstraint("shares >= 1", name=op.f("ck_policy_transaction__shares")),
        *foreign_keys(
            "policy_transaction", policy_id="policy.id", order_id="contribution_order.id"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_transaction")),
    )
    op.create_index("ix_policy_transaction__policy_id", "policy_transaction", ["policy_id", "id"])
    op.create_index(
        "ix_policy_transaction__order_id",
        "policy_transaction",
        ["order_id"],
        postgresql_where=sa.text("order_id is not null"),
    )
    create_share_slots()


def create_share_slots() -> None:
    op.create_table(
        "share_slot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("plan_code", sa.Text(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("period", TSTZRANGE(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("released_at", AT, nullable=True),
        sa.CheckConstraint("slot >= 1", name=op.f("ck_share_slot__slot")),
        sa.CheckConstraint(
            "order_id is not null or policy_id is not null", name=op.f("ck_share_slot__holder")
        ),
        *foreign_keys(
            "share_slot",
            person_id="person.id",
            plan_code="plan.code",
            policy_id="policy.id",
            order_id="contribution_order.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_slot")),
    )
    op.execute(
        "alter table share_slot add constraint ex_share_slot__one_holder exclude using gist"
        " (person_id with =, plan_code with =, slot with =, period with &&)"
        " where (released_at is null)"
    )
    for column in ("policy_id", "order_id"):
        op.create_index(
            f"ix_share_slot__{column}",
            "share_slot",
            [column],
            postgresql_where=sa.text(f"{column} is not null"),
        )
