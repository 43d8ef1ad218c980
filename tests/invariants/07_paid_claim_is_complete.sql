-- A paid claim has its accepted documents, proven kinship of every survivor who was paid, an
-- incident inside the policy, one amount everywhere over all its rounds, and stays within the caps of its benefit and plan.
select c.id, 'document' as fault
from claim c
join plan_version v on v.id = c.plan_version_id
cross join lateral jsonb_array_elements(v.document -> 'benefits') as b
cross join lateral jsonb_array_elements_text(
  coalesce(b -> 'documents', '["identity", "medical_record", "receipt"]'::jsonb)
  || case when c.for_survivors and exists (
       select from payout p where p.claim_id = c.id and p.claimant_id is not null)
     then '["kinship_proof"]'::jsonb else '[]'::jsonb end) as kind
where c.status = 'paid' and b ->> 'code' = c.benefit_code
  and not exists (
    select from claim_document d
    where d.claim_id = c.id and d.kind = kind.value and d.status = 'accepted')
  and not (kind.value = 'identity' and exists (
    select from person p where p.id = c.person_id and p.verified_at is not null))
  -- Claimants are entered by the proof of their identity.
  and not (kind.value = 'claimant_identity' and exists (
    select from claim_claimant k join person p on p.id = k.person_id
    where k.claim_id = c.id and k.removed_at is null and p.verified_at is not null))
union all
select c.id, 'unproven kinship'
from claim c join claim_claimant k on k.claim_id = c.id
where c.status = 'paid' and k.removed_at is null and exists (
    select from payout p where p.claimant_id = k.id and p.status = 'paid')
  and not exists (
    select from claim_document d
    where d.id = k.kinship_document_id and d.claim_id = c.id and d.kind = 'kinship_proof'
      and d.status = 'accepted')
union all
select c.id, 'share not paid'
from claim c join claim_claimant k on k.claim_id = c.id
where c.status = 'paid' and k.removed_at is null and exists (
    select from payout p where p.claim_id = c.id and p.claimant_id is not null)
  and not exists (select from payout p where p.claimant_id = k.id and p.status = 'paid')
union all
select c.id, 'open document'
from claim c join claim_document d on d.claim_id = c.id
where c.status = 'paid' and d.status in ('waiting', 'returned') and not exists (
  -- Sent after the payment, and found to change nothing.
  select from decision u
  where u.claim_id = c.id and u.verdict = 'uphold' and u.decided_at >= d.uploaded_at)
union all
-- What is paid on receipts names one of them.
select c.id, 'no receipt captured'
from claim c
where c.status in ('approved', 'paying', 'paid')
  and exists (
    select from claim_document d
    where d.claim_id = c.id and d.kind = 'receipt' and d.status = 'accepted')
  and not exists (
    select from claim_receipt r where r.claim_id = c.id and r.released_at is null)
union all
select c.id, 'incident'
from claim c
join incident i on i.id = c.incident_id
where c.status = 'paid' and not exists (
  select from policy_transaction t
  where t.policy_id = c.policy_id and t.period @> i.occurred_at and t.status = 'in_force')
union all
select c.id, 'decision'
from claim c
where c.status in ('approved', 'paying', 'paid') and c.amount_fen is distinct from (
  -- The last round that was agreed to and not sent back.
  select d.amount_fen from decision d
  where d.claim_id = c.id and d.verdict = 'approve' and not exists (
    select from decision r
    where r.claim_id = d.claim_id and r.round = d.round and r.verdict = 'return')
  order by d.round desc, d.id desc limit 1)
union all
select c.id, 'payout'
from claim c
where c.status = 'paid' and c.amount_fen is distinct from (
  select sum(p.amount_fen) from payout p where p.claim_id = c.id and p.status = 'paid')
union all
select p.claim_id, 'payout of a round'
from payout p
where p.claim_id is not null and p.status = 'paid' and not exists (
  select from decision d
  where d.claim_id = p.claim_id and d.round = p.round and d.verdict = 'approve'
    and d.amount_fen >= p.amount_fen)
union all
select c.id, 'use of limits'
from claim c
where c.status in ('approved', 'paying', 'paid') and c.amount_fen is distinct from (
  select sum(u.amount_fen) from benefit_use u
  where u.claim_id = c.id and u.reversed_at is null)
union all
select c.policy_id, 'cap of ' || c.benefit_code
from claim c
join policy p on p.id = c.policy_id
join plan_version v on v.id = c.plan_version_id
cross join lateral jsonb_array_elements(v.document -> 'benefits') as b
cross join lateral jsonb_array_elements(b -> 'limits') as l
-- Limits that a reader can compute: so much for the term, or so much for each share.
cross join lateral (
  select coalesce(l -> 'max' -> 'times' -> 0, l -> 'max') as money,
         case when l -> 'max' -> 'times' -> 1 = '"shares"' then p.shares
              when l -> 'max' ? 'times' then null else 1 end as times) m
cross join lateral (
  select m.times * coalesce((m.money ->> 'fen')::numeric, 100 * (m.money ->> 'yuan')::numeric)
    as fen) most
where c.status in ('approved', 'paying', 'paid') and b ->> 'code' = c.benefit_code
  and l ->> 'per' = 'term' and coalesce(l ->> 'across', 'policy') = 'policy'
  and not l ? 'benefits' and not l ? 'plans' and jsonb_typeof(m.money) = 'object'
group by c.policy_id, c.benefit_code, l, most.fen
having sum(c.amount_fen) > most.fen
