-- A paid claim has its accepted documents, an incident inside the policy, one amount
-- everywhere, and stays within the caps of its benefit and plan.
select c.id, 'document' as fault
from claim c
join plan_version v on v.id = c.plan_version_id
cross join lateral jsonb_array_elements(v.document -> 'benefits') as b
cross join lateral jsonb_array_elements_text(
  coalesce(b -> 'documents', '["identity", "medical_record", "receipt"]'::jsonb)) as kind
where c.status = 'paid' and b ->> 'code' = c.benefit_code
  and not exists (
    select from claim_document d
    where d.claim_id = c.id and d.kind = kind.value and d.status = 'accepted')
  and not (kind.value = 'identity' and exists (
    select from person p where p.id = c.person_id and p.verified_at is not null))
union all
select c.id, 'open document'
from claim c join claim_document d on d.claim_id = c.id
where c.status = 'paid' and d.status in ('waiting', 'returned')
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
where c.status = 'paid' and not exists (
  select from decision d
  where d.claim_id = c.id and d.round = c.round and d.verdict = 'approve'
    and d.amount_fen = c.amount_fen)
union all
select c.id, 'payout'
from claim c
where c.status = 'paid' and (
  select count(*) from payout p
  where p.claim_id = c.id and p.status = 'paid' and p.amount_fen = c.amount_fen) <> 1
union all
select c.policy_id, 'cap of ' || c.benefit_code
from claim c
join policy p on p.id = c.policy_id
join plan_version v on v.id = c.plan_version_id
cross join lateral jsonb_array_elements(v.document -> 'benefits') as b
where c.status in ('approved', 'paying', 'paid') and b ->> 'code' = c.benefit_code
  and b ? 'cap_per_term_fen'
group by c.policy_id, c.benefit_code, b, p.shares
having sum(c.amount_fen) > (b ->> 'cap_per_term_fen')::bigint
  * case when coalesce((b ->> 'per_share')::boolean, false)
              or b ->> 'shape' = 'lump_per_share' then p.shares else 1 end
