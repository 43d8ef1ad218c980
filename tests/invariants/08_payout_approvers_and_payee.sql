-- Above the plan's limit two people approved, neither submitted the claim nor enrolled its
-- member; without people only what the plan lets the rule decide; one live payout for each
-- claim and round; the payee is the verified person of the claim.
select p.id, 'two approvers' as fault
from payout p
join claim c on c.id = p.claim_id
join plan_version v on v.id = c.plan_version_id
where p.amount_fen > coalesce(
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
group by p.claim_id, p.round
having count(*) > 1
union all
select p.claim_id, 'payouts under way'
from payout p
where p.claim_id is not null and p.status not in ('failed', 'paid')
group by p.claim_id
having count(*) > 1
union all
select p.id, 'payee'
from payout p
join claim c on c.id = p.claim_id
join person s on s.id = p.payee_person_id
where p.payee_person_id <> c.person_id or s.verified_at is null
union all
select p.id, 'payee account'
from payout p
left join member_account a on a.id = p.account_id
left join payout_account b on b.id = p.payout_account_id
where p.payee_person_id is distinct from coalesce(a.person_id, b.person_id)
