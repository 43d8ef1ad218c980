"""Every invariant is empty on a new database, and each finds the violation planted for it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.kernel.database import asyncpg_dsn
from app.kernel.ids import new_id

pytestmark = pytest.mark.anyio

FILES = {file.stem: file.read_text("utf-8") for file in Path(__file__).parent.glob("*.sql")}
# Any value of a type, for columns that the violation does not concern.
ANY = {
    "bigint": "1",
    "boolean": "false",
    "bytea": "'\\x01'",
    "date": "'2026-01-01'",
    "double precision": "1",
    "integer": "1",
    "jsonb": "'{}'",
    "smallint": "1",
    "text": "'any'",
    "timestamp with time zone": "'2026-01-01T00:00:00Z'",
    "tstzrange": "'[2026-01-01T00:00:00Z,2027-01-01T00:00:00Z)'",
    "uuid": "gen_random_uuid()",
    "ARRAY": "'{}'",
}
COLUMNS = """
select column_name, data_type from information_schema.columns
where table_schema = 'public' and table_name = $1 and is_nullable = 'NO'
  and column_default is null and is_identity = 'NO'
"""
CHECKS = """
select conrelid::regclass::text as relation, conname from pg_constraint
where contype in ('c', 'x', 'u') and connamespace = 'public'::regnamespace
"""


@pytest.fixture
async def owner(fresh_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner of a database whose constraints no longer stop anybody."""
    connection = await asyncpg.connect(asyncpg_dsn(fresh_database_url))
    for row in await connection.fetch(CHECKS):
        await connection.execute(
            f'alter table {row["relation"]} drop constraint "{row["conname"]}"'
        )
    for row in await connection.fetch(
        "select conrelid::regclass::text as relation, conname from pg_constraint"
        " where contype = 'f' and connamespace = 'public'::regnamespace"
    ):
        await connection.execute(
            f'alter table {row["relation"]} drop constraint "{row["conname"]}"'
        )
    for row in await connection.fetch(
        "select indexrelid::regclass::text as name from pg_index i"
        " join pg_class c on c.oid = i.indrelid"
        " where indisunique and not indisprimary and c.relnamespace = 'public'::regnamespace"
    ):
        await connection.execute(f"drop index {row['name']}")
    for row in await connection.fetch(
        "select tgname, tgrelid::regclass::text as relation from pg_trigger where not tgisinternal"
    ):
        await connection.execute(f'drop trigger "{row["tgname"]}" on {row["relation"]}')
    yield connection
    await connection.close()


async def plant(owner: asyncpg.Connection, table: str, **values: str) -> UUID:
    """A row with these SQL values, and anything in the other columns; its id."""
    row_id = new_id()
    for column in await owner.fetch(COLUMNS, table):
        name = column["column_name"]
        default = f"'{row_id}'" if name == "id" else ANY[column["data_type"]]
        values.setdefault(name, default)
    names, given = ", ".join(values), ", ".join(values.values())
    await owner.execute(f"insert into {table} ({names}) values ({given})")
    return row_id


async def two_claims_with_one_receipt(owner: asyncpg.Connection) -> None:
    for status in ("'submitted'", "'paid'"):
        claim = await plant(owner, "claim", status=status)
        await plant(owner, "claim_receipt", claim_id=f"'{claim}'", receipt_index="'\\x07'")


async def half_a_booking(owner: asyncpg.Connection) -> None:
    booking = await plant(owner, "ledger_transaction")
    await plant(owner, "ledger_entry", transaction_id=f"'{booking}'")


async def paid_and_nothing_more(owner: asyncpg.Connection) -> None:
    await plant(owner, "contribution_order", status="'paid'")


async def cover_without_places(owner: asyncpg.Connection) -> None:
    await plant(owner, "policy", status="'in_force'", shares="2")


async def one_payment_for_two_orders(owner: asyncpg.Connection) -> None:
    for _ in range(2):
        await plant(owner, "payment_attempt", status="'prepaid'", transaction_id="'4200'")


async def a_jump_in_a_history(owner: asyncpg.Connection) -> None:
    order = f"'{new_id()}'"
    for step in ("null", "'closed'"):
        await plant(
            owner,
            "status_history",
            subject="'contribution_order'",
            subject_id=order,
            from_status=step,
            to_status="'open'",
        )


async def paid_without_papers(owner: asyncpg.Connection) -> None:
    await plant(owner, "claim", status="'paid'", amount_fen="100")


async def approved_by_nobody(owner: asyncpg.Connection) -> None:
    claim = await plant(owner, "claim", status="'paying'")
    await plant(
        owner,
        "payout",
        claim_id=f"'{claim}'",
        approvers="array[gen_random_uuid()]",
        status="'requested'",
    )


async def paid_twice(owner: asyncpg.Connection) -> None:
    claim = f"'{new_id()}'"
    for _ in range(2):
        await plant(owner, "payout", claim_id=claim, status="'paid'")


async def one_document_two_persons(owner: asyncpg.Connection) -> None:
    for _ in range(2):
        await plant(owner, "person", document_index="'\\x09'", verified_at="now()")


async def an_older_snapshot_last(owner: asyncpg.Connection) -> None:
    partner = f"'{new_id()}'"
    for sequence in ("2", "1"):
        roster = await plant(owner, "roster", partner_id=partner, sequence=sequence)
        await plant(
            owner,
            "status_history",
            subject="'roster'",
            subject_id=f"'{roster}'",
            to_status="'applied'",
        )


async def half_a_beneficiary(owner: asyncpg.Connection) -> None:
    await plant(owner, "beneficiary", share_percent="50")


async def queued_without_a_claim(owner: asyncpg.Connection) -> None:
    await plant(owner, "claim_queue")


async def a_balance_that_was_never_posted(owner: asyncpg.Connection) -> None:
    await plant(owner, "ledger_period", month="'2026-01-01'")
    await plant(
        owner,
        "ledger_period_balance",
        month="'2026-01-01'",
        account_code="'bank'",
        opening_fen="0",
        closing_fen="5",
    )


async def a_payout_in_two_batches(owner: asyncpg.Connection) -> None:
    payout = f"'{new_id()}'"
    for _ in range(2):
        await plant(owner, "payout_batch_row", payout_id=payout, outcome="'pending'")


async def a_fee_settled_without_a_booking(owner: asyncpg.Connection) -> None:
    await plant(
        owner,
        "reconciliation_item",
        status="'settled'",
        way="'post_fee'",
        difference_fen="-6",
    )


async def one_message_twice(owner: asyncpg.Connection) -> None:
    message = f"'{new_id()}'"
    for channel in ("'wechat'", "'sms'"):
        await plant(owner, "message_delivery", message_id=message, channel=channel, status="'sent'")


async def granted_out_of_nothing(owner: asyncpg.Connection) -> None:
    await plant(owner, "relief_fund", contributed_fen="0", granted_fen="5")


async def blocked_by_nobody(owner: asyncpg.Connection) -> None:
    await plant(owner, "person", blocked_at="now()")


async def agreed_to_unjudged(owner: asyncpg.Connection) -> None:
    claim = await plant(owner, "claim", status="'approved'")
    await plant(owner, "claim_signal", claim_id=f"'{claim}'")


async def moved_in_silence(owner: asyncpg.Connection) -> None:
    await plant(owner, "status_history", subject="'claim'", to_status="'draft'")


async def a_payout_moved_beside_another(owner: asyncpg.Connection) -> None:
    await plant(owner, "audit_entry", subject="'payout'")
    await plant(owner, "status_history", subject="'payout'", to_status="'accepted'")


VIOLATIONS: dict[str, Any] = {
    "01_ledger_balances": half_a_booking,
    "02_paid_orders_are_complete": paid_and_nothing_more,
    "03_shares_within_the_maximum": cover_without_places,
    "04_one_payment_settles_one_order": one_payment_for_two_orders,
    "05_histories_are_paths": a_jump_in_a_history,
    "06_receipt_in_one_claim": two_claims_with_one_receipt,
    "07_paid_claim_is_complete": paid_without_papers,
    "08_payout_approvers_and_payee": approved_by_nobody,
    "09_unknown_payout_is_asked": paid_twice,
    "10_bought_cover_has_identity": one_document_two_persons,
    "11_rosters": an_older_snapshot_last,
    "12_changes_of_cover": half_a_beneficiary,
    "13_batches": a_payout_in_two_batches,
    "14_reconciliation": a_fee_settled_without_a_booking,
    "15_messages_and_agreements": one_message_twice,
    "16_relief": granted_out_of_nothing,
    "17_deaths": blocked_by_nobody,
    "18_signals": agreed_to_unjudged,
    "19_audit_trail": moved_in_silence,
    "20_books": a_balance_that_was_never_posted,
    "claims_queue": queued_without_a_claim,
}


async def more_than_the_limit_of_the_term(owner: asyncpg.Connection) -> None:
    limit = '{"max": {"times": [{"yuan": 100}, "shares"]}, "per": "term"}'
    document = f'{{"benefits": [{{"code": "MED", "limits": [{limit}]}}]}}'
    version = await plant(owner, "plan_version", document=f"'{document}'")
    policy = await plant(owner, "policy", status="'in_force'", shares="2")
    for amount in ("15000", "5001"):
        await plant(
            owner,
            "claim",
            status="'approved'",
            policy_id=f"'{policy}'",
            plan_version_id=f"'{version}'",
            benefit_code="'MED'",
            amount_fen=amount,
        )


async def a_claim_beside_its_history(owner: asyncpg.Connection) -> None:
    claim = await plant(owner, "claim", status="'paid'")
    await plant(
        owner,
        "status_history",
        subject="'claim'",
        subject_id=f"'{claim}'",
        to_status="'draft'",
    )


async def a_step_out_of_nowhere(owner: asyncpg.Connection) -> None:
    await plant(
        owner,
        "status_history",
        subject="'claim'",
        from_status="'denied'",
        to_status="'paid'",
    )


async def cover_of_a_roster_without_identity(owner: asyncpg.Connection) -> None:
    person = await plant(owner, "person")
    await plant(
        owner,
        "policy",
        status="'in_force'",
        channel="'roster'",
        person_id=f"'{person}'",
        sponsor_id="gen_random_uuid()",
    )


async def an_amount_that_is_not_the_orders(owner: asyncpg.Connection) -> None:
    order = await plant(owner, "contribution_order", amount_fen="5")
    await plant(owner, "payment_attempt", order_id=f"'{order}'", amount_fen="6")


async def one_payout_sent_twice(owner: asyncpg.Connection) -> None:
    claim = f"'{new_id()}'"
    for _ in range(2):
        await plant(
            owner, "payout", claim_id=claim, status="'requested'", approvers="'{}'", round="1"
        )


async def one_number_with_and_without_its_code(owner: asyncpg.Connection) -> None:
    for index in ("'\\x07'", "'\\x08'"):
        claim = await plant(owner, "claim", status="'submitted'")
        await plant(
            owner,
            "claim_receipt",
            claim_id=f"'{claim}'",
            receipt_index=index,
            number_index="'\\x09'",
        )


# Further faults of a file, by the word with which it tells of each.
FAULTS: list[tuple[str, str, Any]] = [
    ("04_one_payment_settles_one_order", "amount differs", an_amount_that_is_not_the_orders),
    ("05_histories_are_paths", "status is not the last step", a_claim_beside_its_history),
    ("05_histories_are_paths", "a step that no table has", a_step_out_of_nowhere),
    ("06_receipt_in_one_claim", "one number in two claims", one_number_with_and_without_its_code),
    ("07_paid_claim_is_complete", "cap of MED", more_than_the_limit_of_the_term),
    ("08_payout_approvers_and_payee", "live payouts", one_payout_sent_twice),
    ("08_payout_approvers_and_payee", "payouts under way", one_payout_sent_twice),
    ("09_unknown_payout_is_asked", "sent anew before the former failed", one_payout_sent_twice),
    ("10_bought_cover_has_identity", "given before identity", cover_of_a_roster_without_identity),
    ("19_audit_trail", "accepted", a_payout_moved_beside_another),
]


async def test_each_is_empty_at_first_and_finds_its_violation(owner: asyncpg.Connection) -> None:
    assert set(FILES) == set(VIOLATIONS)
    for name, sql in FILES.items():
        assert await owner.fetch(sql) == [], name
    for name, violate in VIOLATIONS.items():
        transaction = owner.transaction()
        await transaction.start()
        await violate(owner)
        assert await owner.fetch(FILES[name]), name
        await transaction.rollback()
    for name, fault, violate in FAULTS:
        transaction = owner.transaction()
        await transaction.start()
        await violate(owner)
        told = [word for row in await owner.fetch(FILES[name]) for word in row.values()]
        assert fault in told, (name, fault)
        await transaction.rollback()
