-- From a confirmed report on nothing is bought for the dead, nobody logs in as them, no message
-- is written to them, nothing renews itself and no payout is begun; percents never exceed the
-- whole, and heirs share all of it.
select p.id, 'blocked without a report' as fault
from person p
where p.blocked_at is not null and not exists (
  select from death_report r where r.person_id = p.id and r.status = 'confirmed')
union all
select r.id, 'report without a block'
from death_report r join person p on p.id = r.person_id
where r.status = 'confirmed' and p.blocked_at is null
union all
select a.id, 'a login'
from member_account a join person p on p.id = a.person_id
where p.blocked_at is not null and a.status = 'active'
union all
select f.id, 'a session'
from token_family f
join member_account a on a.id = f.account_id and f.kind = 'member'
join person p on p.id = a.person_id
where p.blocked_at is not null and f.ended_at is null
union all
select o.id, 'an order'
from contribution_order o join person p on p.id = o.person_id
where o.opened_at > p.blocked_at
union all
select m.id, 'a message'
from message m join person p on p.id = m.person_id
where m.created_at > p.blocked_at
union all
select y.id, 'a payout'
from payout y join person p on p.id = y.payee_person_id
where y.requested_at > p.blocked_at
union all
select k.claim_id, 'percents'
from claim_claimant k
where k.removed_at is null
group by k.claim_id
having sum(k.share_percent) > 100
  or (bool_and(k.beneficiary_id is null) and sum(k.share_percent) <> 100)
union all
select k.claim_id, 'claimants of the living'
from claim_claimant k join claim c on c.id = k.claim_id
where k.removed_at is null and not c.for_survivors
