-- 5: each status history begins at creation, each step starts where the last one ended and is
-- one of the transition table;
-- the present status is its last step; money that came after closing has a refund.
select 'history is broken' as fault, h.subject_id as id
from (
    select subject, subject_id, from_status,
           lag(to_status) over (partition by subject, subject_id order by position) as before
    from status_history) h
where h.from_status is distinct from h.before
union all
select 'a step that no table has', h.subject_id
from status_history h
where h.from_status is not null and not exists (
    select from lifecycle_edge e
    where (e.subject, e.from_status, e.to_status) = (h.subject, h.from_status, h.to_status))
union all
select 'status is not the last step', x.id
from (
    select id, 'contribution_order' as subject, status from contribution_order
    union all select id, 'payment_attempt', status from payment_attempt
    union all select id, 'refund', status from refund
    union all select id, 'policy', status from policy
    union all select id, 'claim', status from claim
    union all select id, 'claim_document', status from claim_document
    union all select id, 'payout', status from payout
    union all select id, 'payout_batch', status from payout_batch
    union all select id, 'payment_agreement', status from payment_agreement
    union all select id, 'relief_case', status from relief_case) x
join lateral (
    select h.to_status from status_history h
    where h.subject = x.subject and h.subject_id = x.id
    order by h.position desc limit 1) last on true
where last.to_status <> x.status
union all
select 'order without a history', o.id
from contribution_order o
where not exists (
    select from status_history h
    where h.subject = 'contribution_order' and h.subject_id = o.id)
union all
select 'money after closing stays silent', a.id
from payment_attempt a join contribution_order o on o.id = a.order_id
where a.status = 'succeeded' and o.status in ('open', 'closed')
union all
select 'suspended money without a refund', t.reference_id
from ledger_transaction t
where t.kind = 'contribution.suspended'
  and not exists (select from refund r where r.attempt_id = t.reference_id)
