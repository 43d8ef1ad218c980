-- 1: every ledger transaction has entries, and they sum to zero.
select t.id, t.kind, coalesce(sum(e.amount_fen), 0) as difference_fen, count(e.id) as entries
from ledger_transaction t left join ledger_entry e on e.transaction_id = t.id
group by t.id, t.kind
having coalesce(sum(e.amount_fen), 0) <> 0 or count(e.id) < 2
