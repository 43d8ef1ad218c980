-- An older roster snapshot never overwrites a newer one; a partner touches only its own rows.
with applied as (
    select r.id, r.partner_id, r.sequence, h.position
    from roster r
    join status_history h on h.subject = 'roster' and h.subject_id = r.id and h.to_status = 'applied'
)
select 'older snapshot applied after a newer one' as fault, older.id
from applied older
join applied newer on newer.partner_id = older.partner_id and newer.sequence > older.sequence
where older.position > newer.position
union all
select 'rider written by a roster the partner did not push', r.id
from rider r
where not exists (
    select from roster o
    where o.partner_id = r.partner_id and o.sequence = r.changed_sequence
    and o.status in ('applying', 'applied')
)
union all
select 'rider under an agreement or cover of another partner', r.id
from rider r
join agreement a on a.id = r.agreement_id
join policy p on p.id = r.policy_id
where a.partner_id <> r.partner_id or p.sponsor_id <> r.partner_id
union all
select 'rider whose cover is another person''s', r.id
from rider r
join policy p on p.id = r.policy_id
where p.person_id <> r.person_id and p.status in ('pending', 'in_force')
union all
select 'applied roster with rows that have no answer', o.id
from roster o
where o.status = 'applied' and (
    o.row_count <> o.enrolled + o.updated + o.unchanged + o.refused
    or o.row_count <> (
        select coalesce(sum(a.enrolled + a.updated + a.unchanged + a.refused), 0)
        from roster_answers a where a.roster_id = o.id
    )
)
union all
select 'file kept after its roster was finished', o.id
from roster o
join roster_chunk c on c.roster_id = o.id
where o.status in ('applied', 'refused', 'superseded')
