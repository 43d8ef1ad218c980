"""The SQL of opening a registration: one look, one write."""

# $1 account, $2 code or null, $3 business now, $4 start of the system day,
# $5 document index candidates, $6 name index candidates
STANDING = """
select a.person_id,
       exists(select from registration r
              where r.account_id = a.id and r.status in ('draft', 'submitted', 'checking')) as live,
       c.id as code_id, c.organisation_id, c.expires_at, c.revoked_at,
       (select json_object_agg(t.purpose, t.version)::text
        from (select purpose, max(version) as version from consent_text
              where effective_at <= $3 group by purpose) t) as present,
       (select coalesce(json_agg(json_build_array(
                   k.purpose, k.version, k.given_at, k.given_via)), '[]')::text
        from consent k where k.account_id = a.id and k.withdrawn_at is null) as held,
       (select count(*) from identity_check i
        where i.account_id = a.id and i.requested_at >= $4 and i.route = 'vendor'
          and (i.vendor_reference is not null or i.status in ('requested', 'failed'))) as tries,
       (select p.id from person p
        where p.document_index = any($5::bytea[]) and p.name_index = any($6::bytea[])
          and p.phone_index = a.phone_index and p.verified_by = 'attestation'
          and p.merged_into_id is null) as own_person_id
from member_account a
left join enrolment_code c on c.code = $2::text
where a.id = $1
"""

# $1 account, $2 document index candidates, $3 name index candidates
ATTESTED_PERSON = """
select p.id from person p join member_account a on a.id = $1
where p.document_index = any($2::bytea[]) and p.name_index = any($3::bytea[])
  and p.phone_index = a.phone_index and p.verified_by = 'attestation'
  and p.merged_into_id is null
"""

# $1 account, $2 purposes, $3 now
REPLACE_CONSENTS = """
update consent set withdrawn_at = $3
where account_id = $1 and purpose = any($2::text[]) and withdrawn_at is null
"""

# $1 id, $2 account, $3 status, $4 sealed, $5 document type, $6 document index, $7 code,
# $8 organisation, $9 now, $10 from statuses, $11 to statuses, $12 consent ids,
# $13 purposes, $14 versions, $15 request id
OPEN_REGISTRATION = """
with opened as (
    insert into registration (id, account_id, channel, status, sealed, document_type,
                              document_index, enrolment_code_id, organisation_id, created_at,
                              updated_at)
    values ($1, $2, 'self', $3, $4, $5, $6, $7, $8, $9, $9)
), moved as (
    insert into status_history (subject, subject_id, from_status, to_status, at, actor_kind,
                                actor_id)
    select 'registration', $1, h.here, h.there, $9, 'member', $2
    from unnest($10::text[], $11::text[]) as h(here, there)
), agreed as (
    insert into consent (id, purpose, version, account_id, given_via, given_at)
    select k.id, k.purpose, k.version, $2, 'self', $9
    from unnest($12::uuid[], $13::text[], $14::int[]) as k(id, purpose, version)
)
insert into audit_entry (actor_kind, actor_id, action, subject, subject_ids, request_id, details)
values ('member', $2, 'registration.open', 'registration', array[$1::uuid] || $12::uuid[], $15,
        '{}')
"""
