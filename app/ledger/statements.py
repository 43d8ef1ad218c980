"""SQL of posting, as parts that the statement of a hot path carries."""

# Needs a CTE `posting` of one row (id, kind, reference_id, event_on, actor_kind, actor_id)
# and a CTE `posting_entry` (account_code, amount_fen) whose amounts sum to zero. The database
# says under which day the books carry it (`posted_on`): not under one of a closed month.
POST = """
posted as (
    insert into ledger_transaction (id, kind, reference_id, event_on, actor_kind, actor_id)
    select id, kind, reference_id, event_on, actor_kind, actor_id from posting
    returning id, posted_on
), entries as (
    insert into ledger_entry (transaction_id, account_code, amount_fen, posted_on)
    select p.id, e.account_code, e.amount_fen, p.posted_on from posted p, posting_entry e
)"""
