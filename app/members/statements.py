"""The SQL of opening a registration: one look, one write (performance.md, `register`)."""

# $1 account, $2 code or null, $3 the system clock, $4 start of the system day,
# $5 document index candidates, $6 name index candidates, $7 key hash.
# Candidates that match stand for a person whom a caseworker attested with this phone.
STANDING = """
select a.person_id, b.now,
       exists(select from registration r
              where r.account_id = a.id and r.status in ('draft', 'submitted', 'checking')) as live,
       c.id as code_id, c.organisation_id, c.expires_at, c.revoked_at,
       (select json_object_agg(t.purpose, t.version)::text
        from (select purpose, max(version) as version from consent_text
              where effective_at <= b.now group by purpose) t) as present,
       (select coalesce(json_agg(json_build_array(
                   k.purpose, k.version, k.given_at, k.given_via)), '[]')::text
        from consent k where k.account_id = a.id and k.withdrawn_at is null) as held,
       (select count(*) from identity_check i
        where i.account_id = a.id and i.requested_at >= $4 and i.route = 'vendor'
          and (i.vendor_reference is not null or i.status in ('requested', 'failed'))) as tries,
       exists(select from person p
              where p.document_index = any($5::bytea[]) and p.name_index = any($6::bytea[])
                and p.phone_index = a.phone_index and p.verified_by = 'attestation'
                and p.merged_into_id is null) as attested,
       s.id as answer_id, s.request_hash, s.status, s.sealed_body, s.etag
from member_account a
cross join (select $3::timestamptz + make_interval(secs => offset_seconds) as now
            from business_clock) b
left join enrolment_code c on c.code = $2::text
left join stored_answer s on s.key_hash = $7 and s.expires_at > now()
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
# $13 purposes, $14 versions, $15 request id, $16 the key's lock, $17 key hash,
# $18 answer id or null (the caller stores it), $19 request hash, $20 sealed answer,
# $21 when the answer goes
OPEN_REGISTRATION = """
with claimed as materialized (
    select pg_try_advisory_xact_lock($16) as held
), opened as (
    insert into registration (id, account_id, channel, status, sealed, document_type,
                              document_index, enrolment_code_id, organisation_id, created_at,
                              updated_at)
    select $1, a.id, 'self', $3, $4, $5, $6, $7, $8, $9, $9
    from claimed join member_account a on a.id = $2 and a.person_id is null
    where claimed.held
    returning id
), moved as (
    insert into status_history (subject, subject_id, from_status, to_status, at, actor_kind,
                                actor_id)
    select 'registration', opened.id, h.here, h.there, $9, 'member', $2
    from opened cross join unnest($10::text[], $11::text[]) as h(here, there)
), agreed as (
    insert into consent (id, purpose, version, account_id, given_via, given_at)
    select k.id, k.purpose, k.version, $2, 'self', $9
    from opened cross join unnest($12::uuid[], $13::text[], $14::int[]) as k(id, purpose, version)
), audited as (
    insert into audit_entry (actor_kind, actor_id, action, subject, subject_ids, request_id,
                             details)
    select 'member', $2, 'registration.open', 'registration', array[opened.id] || $12::uuid[],
           $15, '{}'
    from opened
), answered as (
    insert into stored_answer (key_hash, id, request_hash, status, sealed_body, expires_at)
    select $17, $18, $19, 201, $20, $21 from opened where $18::uuid is not null
)
select claimed.held, exists(select from opened) as opened from claimed
"""
