-- Above the plan's limit two people approved, neither submitted the claim nor enrolled its
-- member or entered its claimants; without people only what the plan lets the rule decide; one
-- live payout for each claim, round and share; the payee is the verified person of the claim,
-- or, of a dead member's, a verified beneficiary or heir with their own share.
select p.id, 'two approvers' as fault
from payout p
join claim c on c.id = p.claim_id
join plan_version v on v.id = c.plan_version_id
where greatest(p.amount_fen, (
    select sum(s.amount_fen) from payout s
    where s.claim_id = p.claim_id and s.round = p.round and s.status <> 'failed')) > coalesce(
    (v.document #>> '{claims,second_approval_above,fen}')::bigint,
    100 * (v.document #>> '{claims,second_approval_above,yuan}')::numeric, 2000000)
  and (select count(distinct approver) from unnest(p.approvers) approver) < 2
union all
select p.id, 'approver has a stake'
from payout p
join claim c on c.id = p.claim_id
join policy o on o.id = c.policy_id
join member m on m.person_id = c.person_id
where (c.claimed_by_kind = 'staff' and c.claimed_by = any(p.approvers))
  or o.enrolled_by = any(p.approvers) or m.enrolled_by = any(p.approvers)
  or exists (
    select from claim_claimant k
    where k.claim_id = c.id and k.entered_by_kind = 'staff' and k.entered_by = any(p.approvers))
union all
select p.id, 'approver did not decide'
from payout p
cross join lateral unnest(p.approvers) approver
where p.claim_id is not null and not exists (
  select from decision d
  where d.claim_id = p.claim_id and d.round = p.round and d.decided_by = approver
    and d.verdict = 'approve')
union all
select p.id, 'nobody approved'
from payout p
where p.claim_id is not null and (p.by_rule or cardinality(p.approvers) = 0) and not exists (
  select from decision d
  where d.claim_id = p.claim_id and d.round = p.round and d.by_rule and d.verdict = 'approve')
union all
select p.id, 'above what the rule may decide'
from payout p
join claim c on c.id = p.claim_id
join plan_version v on v.id = c.plan_version_id
where p.by_rule and p.amount_fen > coalesce(
  (v.document #>> '{claims,straight_through_up_to,fen}')::bigint,
  100 * (v.document #>> '{claims,straight_through_up_to,yuan}')::numeric, 0)
union all
select a.claim_id, 'decided again on appeal'
from decision a
join decision b on b.claim_id = a.claim_id and b.decided_by = a.decided_by and b.stage < a.stage
union all
select p.claim_id, 'live payouts'
from payout p
where p.claim_id is not null and p.status <> 'failed'
group by p.claim_id, p.round, p.claimant_id
having count(*) > 1
union all
select p.claim_id, 'payouts under way'
from payout p
where p.claim_id is not null and p.status not in ('failed', 'paid')
group by p.claim_id, p.claimant_id
having count(*) > 1
union all
select p.id, 'payee'
from payout p
join claim c on c.id = p.claim_id
join person s on s.id = p.payee_person_id
left join claim_claimant k on k.id = p.claimant_id and k.claim_id = p.claim_id
where p.payee_person_id <> coalesce(k.person_id, c.person_id) or s.verified_at is null
  or (p.claimant_id is not null and (k.id is null or not c.for_survivors))
union all
-- Whom the policy named when its member died; nobody named: the heirs.
select k.id, 'claimant not named'
from payout p
join claim_claimant k on k.id = p.claimant_id
join claim c on c.id = k.claim_id
join plan_version v on v.id = c.plan_version_id
join death_report r on r.person_id = c.person_id and r.status = 'confirmed'
cross join lateral jsonb_array_elements(v.document -> 'benefits') as b
cross join lateral (
  select array_agg(n.id) as ids from beneficiary n
  where n.policy_id = c.policy_id and b ->> 'payee' = 'beneficiary'
    and tstzrange(n.effective_at, n.ended_at) @> least(
      r.reported_at,
      (r.died_on + 1)::timestamp at time zone 'Asia/Shanghai' - interval '1 microsecond')
) as named
where b ->> 'code' = c.benefit_code and (
  (named.ids is null) <> (k.beneficiary_id is null) or k.beneficiary_id <> all(named.ids))
union all
-- The shares of a round are the whole of it, each within a fen of its weight.
select p.claim_id, 'share'
from payout p
join claim_claimant k on k.id = p.claimant_id
cross join lateral (
  select sum(w.share_percent) as percents from claim_claimant w
  where w.claim_id = p.claim_id and w.removed_at is null) as whole
join claim c on c.id = p.claim_id
cross join lateral (
  select d.amount_fen - coalesce((
    select sum(f.amount_fen) from payout f
    where f.claim_id = c.id and f.round < p.round and f.status = 'paid'), 0) as fen
  from decision d
  where d.claim_id = c.id and d.round = p.round and d.verdict = 'approve' limit 1) as due
where p.status <> 'failed'
  and abs(p.amount_fen * whole.percents - due.fen * k.share_percent) >= whole.percents
union all
select p.id, 'payee account'
from payout p
left join member_account a on a.id = p.account_id
left join payout_account b on b.id = p.payout_account_id
where p.payee_person_id is distinct from coalesce(a.person_id, b.person_id)
