-- 3: at no instant does a person hold more shares of a plan than its maximum, over all
-- channels and open orders; every live policy and open order holds exactly its places, those
-- that were added later from then on to its end.
with limits as (
    select plan_code, max((document -> 'contribution' ->> 'max_shares')::int) as most
    from plan_version where status <> 'draft' group by plan_code
)
select 'over the maximum' as fault, s.person_id as id
from share_slot s join limits l on l.plan_code = s.plan_code
where s.released_at is null
  and l.most < (
      select count(*) from share_slot o
      where o.person_id = s.person_id and o.plan_code = s.plan_code
        and o.released_at is null and o.period @> lower(s.period))
union all
select 'policy does not hold its places', p.id
from policy p
left join share_slot s
    on s.policy_id = p.id and s.released_at is null and s.period <@ p.period
    and upper(s.period) = upper(p.period)
where p.status in ('pending', 'in_force')
group by p.id, p.shares
having count(s.id) <> p.shares
union all
select 'ended policy still holds places', p.id
from policy p join share_slot s on s.policy_id = p.id and s.released_at is null
where p.status in ('cancelled', 'void')
union all
select 'open order does not hold its places', o.id
from contribution_order o
left join share_slot s on s.order_id = o.id and s.policy_id is null and s.released_at is null
where o.status = 'open'
group by o.id, o.shares
having count(s.id) <> o.shares
union all
select 'closed order still holds places', o.id
from contribution_order o
join share_slot s on s.order_id = o.id and s.policy_id is null and s.released_at is null
where o.status <> 'open'
