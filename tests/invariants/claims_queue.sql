-- The queue holds each submitted claim once for every organisation above who decides it, as
-- it stands.
select c.id, above as organisation_id
from claim c
join organisation o on o.id = coalesce(c.deciding_organisation_id, c.managing_organisation_id)
cross join lateral unnest(o.lineage) above
where c.rank_at is not null and not exists (
  select from claim_queue q
  where q.claim_id = c.id and q.organisation_id = above and q.status = c.status
    and q.rank_at = c.rank_at)
union all
select q.claim_id, q.organisation_id
from claim_queue q
left join claim c on c.id = q.claim_id
left join organisation o on o.id = coalesce(c.deciding_organisation_id, c.managing_organisation_id)
where c.rank_at is null or q.organisation_id <> all(o.lineage)
