-- A payout is followed by another one only after it failed by an outside word; never from
-- `unknown` or `sending` without an answer. A claim's round is paid once, and the books agree.
select later.id, 'sent anew before the former failed' as fault
from payout former
join payout later on later.claim_id = former.claim_id and later.id > former.id
  and later.claimant_id is not distinct from former.claimant_id
where not exists (
  select from status_history h
  where h.subject = 'payout' and h.subject_id = former.id
    -- The difference of a later round follows what was paid.
    and (h.to_status = 'failed' or (h.to_status = 'paid' and later.round > former.round))
    and h.recorded_at <= (
      select min(b.recorded_at) from status_history b
      where b.subject = 'payout' and b.subject_id = later.id))
union all
select p.claim_id, 'paid twice'
from payout p
where p.status = 'paid' and p.claim_id is not null
group by p.claim_id, p.round, p.claimant_id
having count(*) > 1
union all
select p.id, 'failed without an answer'
from payout p
where p.status = 'failed' and not exists (
  select from status_history h
  where h.subject = 'payout' and h.subject_id = p.id and h.to_status = 'failed'
    and h.reason_code is not null)
union all
select p.id, 'paid and not booked'
from payout p
where p.status = 'paid' and not exists (
  select from ledger_transaction t
  join ledger_entry e on e.transaction_id = t.id
  where t.reference_id = p.id and e.amount_fen = p.amount_fen
    and t.kind || ' from ' || e.account_code = case
      when p.refund_id is not null then 'refund.paid from refunds-payable'
      when p.relief_case_id is not null then 'relief.paid from relief-payable'
      else 'benefit.paid from benefits-payable' end)
union all
select t.id, 'booked and not paid'
from ledger_transaction t
left join payout p on p.id = t.reference_id
where t.kind in ('benefit.paid', 'relief.paid') and p.status is distinct from 'paid'
union all
select c.id, 'paying without a payout'
from claim c
where c.status = 'paying' and not exists (select from payout p where p.claim_id = c.id)
