-- 4: one gateway transaction settles one order, for exactly the order's amount.
select 'transaction used twice' as fault, min(a.id::text) as id
from payment_attempt a
where a.transaction_id is not null
group by a.transaction_id having count(*) > 1
union all
select 'amount differs', a.id::text
from payment_attempt a join contribution_order o on o.id = a.order_id
where a.amount_fen <> o.amount_fen
union all
select 'order settled twice', o.id::text
from contribution_order o
join payment_attempt a on a.order_id = o.id
join ledger_transaction t on t.reference_id = a.id and t.kind = 'contribution.received'
group by o.id having count(*) > 1
union all
select 'succeeded without a transaction', a.id::text
from payment_attempt a where a.status = 'succeeded' and a.transaction_id is null
