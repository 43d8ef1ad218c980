-- 10: one verified document is one person; cover that somebody bought starts only after
-- identity and consents; other cover is pending until then, unless it was given without. What
-- is renewed goes on from cover that may have been given without, bought by a proven person.
select 'document of two persons' as fault, min(p.id::text) as id
from person p
where p.verified_at is not null and p.merged_into_id is null and p.document_index is not null
group by p.document_index having count(*) > 1
union all
select 'bought without identity', c.id::text
from policy c join person p on p.id = c.person_id
where c.status = 'in_force' and c.channel in ('bought', 'on_site')
  and (p.verified_at is null or p.verified_at >=
       case when c.follows_id is null then lower(c.period) else c.issued_at end)
union all
select 'bought without consents', c.id::text
from policy c
where c.status = 'in_force' and c.channel in ('bought', 'on_site')
  and 3 > (
      select count(distinct g.purpose) from consent g
      where g.person_id = c.person_id and g.given_at <
            case when c.follows_id is null then lower(c.period) else c.issued_at end
        and g.purpose in ('service_terms', 'personal_information', 'identity_number'))
union all
select 'given before identity', c.id::text
from policy c join person p on p.id = c.person_id
where c.status = 'in_force' and c.channel = 'roster' and p.verified_at is null
  and not exists (
      select from agreement a
      where a.partner_id = c.sponsor_id and a.plan_code = c.plan_code and a.without_identity)
