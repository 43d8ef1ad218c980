"""Months that close, bank batches, reconciliation"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.kernel.migrate import append_only, constrain, keys, rules

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)

ACCOUNTS = (
    ("fees", "expense", "手续费支出", "Fees"),
    ("write-offs", "expense", "对账差额核销", "Differences written off"),
)

# Postings share a lock that closing a month takes for itself: whoever closes has seen every
# posting of the month, and whoever posts afterwards sees it closed.
DATED = """
create function ledger_transaction_is_dated() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(hashtext('ledger_period'));
    new.posted_on := greatest(
        new.event_on, (select (max(month) + interval '1 month')::date from ledger_period));
    return new;
end $$
"""
BALANCED = """
create or replace function ledger_transaction_balances() returns trigger language plpgsql as $$
declare
    total numeric;
    dated boolean;
begin
    select sum(e.amount_fen), bool_and(e.posted_on = t.posted_on) into total, dated
    from ledger_entry e join ledger_transaction t on t.id = e.transaction_id
    where e.transaction_id = new.transaction_id;
    if total <> 0 then
        raise exception 'ledger transaction does not balance' using errcode = 'check_violation',
            constraint = 'ledger_transaction_balances';
    end if;
    if not dated
        or new.posted_on < (select (max(month) + interval '1 month')::date from ledger_period)
    then
        raise exception 'ledger month is closed' using errcode = 'check_violation',
            constraint = 'ledger_month_is_closed';
    end if;
    return null;
end $$
"""


def upgrade() -> None:
    _posting_days()
    _owners()
    _periods()
    _reversals()
    _lanes()
    _batches()
    _reconciliation()
    append_only("ledger_period", "ledger_period_balance", "ledger_receipt", "reconciliation_match")


def _posting_days() -> None:
    for table in ("ledger_transaction", "ledger_entry"):
        op.add_column(table, sa.Column("posted_on", sa.Date(), nullable=True))
    op.execute("update ledger_transaction set posted_on = event_on")
    op.execute(
        "update ledger_entry e set posted_on = t.posted_on"
        " from ledger_transaction t where t.id = e.transaction_id"
    )
    # The deferred checks of the rows just written have to be over before the tables change.
    op.execute("set constraints all immediate")
    op.execute("set constraints all deferred")
    for table in ("ledger_transaction", "ledger_entry"):
        constrain(table, f"ck_{table}__posted_on_known", "check (posted_on is not null)")


def _owners() -> None:
    op.add_column("ledger_account", sa.Column("organisation_id", sa.Uuid(), nullable=True))
    constrain(
        "ledger_account",
        "fk_ledger_account__organisation_id",
        "foreign key (organisation_id) references organisation (id)",
    )
    constrain(
        "ledger_account",
        "ck_ledger_account__one_owner",
        "check (num_nonnulls(plan_code, organisation_id) <= 1)",
    )
    columns = ("code", "kind", "name_zh", "name_en")
    accounts = sa.table("ledger_account", *(sa.column(name, sa.Text()) for name in columns))
    op.bulk_insert(
        accounts,
        [
            {"code": code, "kind": kind, "name_zh": zh, "name_en": en}
            for code, kind, zh, en in ACCOUNTS
        ],
    )


def _periods() -> None:
    op.create_table(
        "ledger_period",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("transactions", sa.BigInteger(), nullable=False),
        sa.Column("closed_by", sa.Uuid(), nullable=False),
        sa.Column("closed_at", AT, nullable=False),
        *rules("ledger_period", month="extract(day from month) = 1"),
        *keys("ledger_period", closed_by="staff_account.id"),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_ledger_period")),
    )
    op.create_table(
        "ledger_period_balance",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("account_code", sa.Text(), nullable=False),
        *(
            sa.Column(f"{name}_fen", sa.BigInteger(), nullable=False)
            for name in ("opening", "debit", "credit", "closing")
        ),
        *rules(
            "ledger_period_balance",
            closing_fen="closing_fen = opening_fen + debit_fen - credit_fen",
        ),
        *keys(
            "ledger_period_balance", month="ledger_period.month", account_code="ledger_account.code"
        ),
        sa.PrimaryKeyConstraint("month", "account_code", name=op.f("pk_ledger_period_balance")),
    )
    op.create_index(
        "ix_ledger_period_balance__account_code",
        "ledger_period_balance",
        ["account_code", "month"],
    )
    op.execute(DATED)
    op.execute(
        "create trigger ledger_transaction_is_dated before insert on ledger_transaction"
        " for each row execute function ledger_transaction_is_dated()"
    )
    op.execute(BALANCED)


def _reversals() -> None:
    op.create_table(
        "ledger_reversal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", AT, nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", AT, nullable=True),
        *rules(
            "ledger_reversal",
            status="status in ('declined', 'posted', 'proposed')",
            reason="length(reason) between 1 and 500",
            two_people="decided_by is null or decided_by <> proposed_by",
            posting_id="status <> 'posted' or posting_id is not null",
        ),
        *keys(
            "ledger_reversal",
            transaction_id="ledger_transaction.id",
            posting_id="ledger_transaction.id",
            proposed_by="staff_account.id",
            decided_by="staff_account.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_reversal")),
    )
    op.create_index(
        "uq_ledger_reversal__transaction_id",
        "ledger_reversal",
        ["transaction_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'declined'"),
    )
    op.create_table(
        "ledger_receipt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=False),
        sa.Column("account_code", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", AT, nullable=False),
        *rules("ledger_receipt", amount_fen="amount_fen > 0"),
        *keys("ledger_receipt", account_code="ledger_account.code", recorded_by="staff_account.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_receipt")),
        sa.UniqueConstraint("bank_reference", name="uq_ledger_receipt__bank_reference"),
    )


def _lanes() -> None:
    op.add_column("payout", sa.Column("lane", sa.Text(), nullable=True))
    op.add_column("payout", sa.Column("stop_requested_at", AT, nullable=True))
    constrain("payout", "ck_payout__lane", "check (lane in ('direct', 'batch'))")


def _batches() -> None:
    op.create_table(
        "payout_batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("business_on", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_file", sa.LargeBinary(), nullable=False),
        sa.Column("refusal_code", sa.Text(), nullable=True),
        sa.Column("made_by_kind", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", AT, nullable=False),
        sa.Column("submitted_at", AT, nullable=True),
        sa.Column("settled_at", AT, nullable=True),
        sa.Column("next_look_at", AT, nullable=True),
        *rules(
            "payout_batch",
            status="status in ('prepared', 'refused', 'settled', 'submitted', 'submitting',"
            " 'unknown')",
            channel="channel in ('door', 'hand')",
            control="rows > 0 and amount_fen > 0",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_batch")),
        sa.UniqueConstraint("number", name="uq_payout_batch__number"),
    )
    op.create_index(
        "ix_payout_batch__unsettled",
        "payout_batch",
        ["next_look_at"],
        postgresql_where=sa.text("status not in ('settled', 'refused')"),
    )
    _batch_rows()
    op.create_table(
        "payout_batch_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("used_at", AT, nullable=True),
        *keys("payout_batch_link", batch_id="payout_batch.id", staff_id="staff_account.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_batch_link")),
    )


def _batch_rows() -> None:
    op.create_table(
        "payout_batch_row",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("bank_reference", sa.Text(), nullable=True),
        sa.Column("told_at", AT, nullable=True),
        *rules(
            "payout_batch_row",
            outcome="outcome in ('pending', 'paid', 'failed', 'unknown', 'released')",
        ),
        *keys("payout_batch_row", batch_id="payout_batch.id", payout_id="payout.id"),
        sa.PrimaryKeyConstraint("batch_id", "position", name=op.f("pk_payout_batch_row")),
    )
    op.create_index(
        "uq_payout_batch_row__live",
        "payout_batch_row",
        ["payout_id"],
        unique=True,
        postgresql_where=sa.text("outcome in ('pending', 'unknown')"),
    )
    op.create_index("ix_payout_batch_row__payout_id", "payout_batch_row", ["payout_id"])
    op.create_table(
        "payout_batch_result",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("lines", JSONB(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("received_by_kind", sa.Text(), nullable=False),
        sa.Column("received_by", sa.Uuid(), nullable=False),
        sa.Column("received_at", AT, nullable=False),
        sa.Column("applied_at", AT, nullable=True),
        *rules("payout_batch_result", source="source in ('bank', 'staff')"),
        *keys("payout_batch_result", batch_id="payout_batch.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_batch_result")),
        sa.UniqueConstraint("batch_id", "sha256", name="uq_payout_batch_result__file"),
    )


def _reconciliation() -> None:
    op.create_table(
        "reconciliation_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requested_by_kind", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_at", AT, nullable=False),
        sa.Column("finished_at", AT, nullable=True),
        sa.Column("our_rows", sa.Integer(), nullable=True),
        sa.Column("our_fen", sa.BigInteger(), nullable=True),
        sa.Column("their_rows", sa.Integer(), nullable=True),
        sa.Column("their_fen", sa.BigInteger(), nullable=True),
        sa.Column("matched", sa.Integer(), nullable=True),
        *rules(
            "reconciliation_run",
            source="source in ('gateway_trade', 'gateway_transfer', 'bank')",
            status="status in ('done', 'requested')",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_run")),
        sa.UniqueConstraint("source", "day", name="uq_reconciliation_run__source_day"),
    )
    op.create_table(
        "reconciliation_match",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        *keys("reconciliation_match", run_id="reconciliation_run.id"),
        sa.PrimaryKeyConstraint("source", "kind", "number", name=op.f("pk_reconciliation_match")),
    )
    _items()


def _items() -> None:
    op.create_table(
        "reconciliation_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("ours_fen", sa.BigInteger(), nullable=True),
        sa.Column("theirs_fen", sa.BigInteger(), nullable=True),
        sa.Column("ours_status", sa.Text(), nullable=True),
        sa.Column("theirs_status", sa.Text(), nullable=True),
        sa.Column("difference_fen", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("settled_at", AT, nullable=True),
        sa.Column("found_at", AT, nullable=False),
        *rules(
            "reconciliation_item",
            kind="kind in ('payment', 'refund', 'transfer', 'bank_transfer', 'receipt', 'fee')",
            cause="cause in ('missing_here', 'missing_there', 'amount_differs', 'status_differs',"
            " 'fee', 'timing')",
            way="way in ('itself', 'post_fee', 'suspend', 'refund', 'write_off')",
            status="status in ('asked', 'open', 'proposed', 'refunding', 'settled')",
            settled_at="status <> 'settled' or settled_at is not null",
            two_people="way is distinct from 'write_off' or status <> 'settled'"
            " or (proposed_by is not null and settled_by <> proposed_by)",
        ),
        *keys(
            "reconciliation_item", run_id="reconciliation_run.id", proposed_by="staff_account.id"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_item")),
    )
    op.create_index(
        "uq_reconciliation_item__open",
        "reconciliation_item",
        ["source", "kind", "number"],
        unique=True,
        postgresql_where=sa.text("status <> 'settled'"),
    )
    op.create_index("ix_reconciliation_item__run_id", "reconciliation_item", ["run_id", "id"])
    op.create_index(
        "ix_reconciliation_item__number", "reconciliation_item", ["source", "kind", "number"]
    )
