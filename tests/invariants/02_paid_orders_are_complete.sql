-- 2: a paid order has its policy transaction and its postings, or stands in suspense with a
-- refund; the cash posted for an order is what was paid for it less what went back by the gateway.
select 'no policy transaction' as fault, o.id
from contribution_order o
where o.status = 'paid'
  and not exists (select from policy_transaction t where t.order_id = o.id)
union all
select 'renewal without its policy', o.id
from contribution_order o
where o.status = 'paid' and o.kind = 'renewal'
  and not exists (select from policy p where p.order_id = o.id and p.follows_id = o.policy_id)
union all
select 'upgrade of another policy', o.id
from contribution_order o
where o.status = 'paid' and o.kind = 'upgrade'
  and not exists (
      select from policy_transaction t
      where t.order_id = o.id and t.policy_id = o.policy_id and t.kind = 'upgrade')
union all
select 'no posting', o.id
from contribution_order o
where o.status = 'paid' and (o.amount_fen > 0 or o.split is not null)
  and not exists (
      select from ledger_transaction t
      where (t.kind = 'contribution.sponsored' and t.reference_id = o.id)
         or (t.kind = 'contribution.received'
             and t.reference_id in (select a.id from payment_attempt a where a.order_id = o.id)))
union all
select 'suspended without a refund', o.id
from contribution_order o
where o.status in ('suspended', 'refunding', 'refunded')
  and not exists (select from refund r where r.order_id = o.id)
union all
select 'succeeded attempt without a posting', a.id
from payment_attempt a
where a.status = 'succeeded'
  and not exists (
      select from ledger_transaction t
      where t.reference_id = a.id
        and t.kind in ('contribution.received', 'contribution.suspended'))
union all
select 'cash differs from payments less refunds', o.id
from contribution_order o
join lateral (
    select coalesce(sum(a.amount_fen) filter (where a.status = 'succeeded'), 0) as fen
    from payment_attempt a where a.order_id = o.id) paid on true
join lateral (
    select coalesce(sum(r.amount_fen) filter (where r.status = 'succeeded' and r.method = 'gateway'), 0) as fen
    from refund r where r.order_id = o.id) back on true
join lateral (
    select coalesce(sum(e.amount_fen), 0) as fen
    from ledger_entry e join ledger_transaction t on t.id = e.transaction_id
    where e.account_code = 'gateway-clearing'
      and t.reference_id in (
          select a.id from payment_attempt a where a.order_id = o.id
          union all select r.id from refund r where r.order_id = o.id)) cash on true
where cash.fen <> paid.fen - back.fen
