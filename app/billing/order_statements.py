"""SQL of opening an order: what is judged, and everything that opening writes."""

from functools import cache

from app.kernel.facts import stating

_JUDGED = """
       p.id as person_id, p.birth_on, p.sex, p.verified_at, p.blocked_at, v.id as version_id,
       (select o.id from contribution_order o
        where o.person_id = p.id and o.plan_code = $2 and o.status = 'open') as open_order_id
"""
_ON_SALE = """
left join plan_version v on v.plan_code = $2 and v.status = 'published'
    and v.effective_from <= {now} and (v.effective_to is null or v.effective_to > {now})
"""

# $1 person, $2 plan, $3 organisation or null, $4 now.
JUDGE = f"""
select w.organisation_id, {_JUDGED},
       (select u.id from organisation g join organisation u on u.id = any(g.lineage)
        where g.id = w.organisation_id and u.kind = 'unit' limit 1) as unit_id
from person p
left join member m on m.person_id = p.id
cross join lateral (select coalesce($3, m.organisation_id) as organisation_id) w
{_ON_SALE.format(now="$4")}
where p.id = $1
"""  # noqa: S608  constants only

# The same for the caller of a keyed request, with the answer it may already have.
# $1 account, $2 plan, $3 key hash.
LOOK = f"""
select m.organisation_id, c.now, k.id, k.request_hash, k.status, k.sealed_body, k.etag, {_JUDGED}
from business_clock b
cross join lateral (select now() + make_interval(secs => b.offset_seconds) as now) c
join member_account a on a.id = $1
left join person p on p.id = a.person_id
left join member m on m.person_id = p.id
{_ON_SALE.format(now="c.now")}
left join stored_answer k on k.key_hash = $3 and k.expires_at > now()
"""  # noqa: S608

# Nothing is written unless `going` has its row: every share that needs one found a place.
# $1 id, $2 number, $3 account, $4 person, $5 plan, $6 version, $7 shares, $8 fen, $9 channel,
# $10 payer, $11 sponsor, $12 organisation, $13 enrolled by, $14 start, $15 end, $16 opened,
# $17 expires, $18 actor kind, $19 actor, $20 most shares, $21 slot ids, $22 due job, $23 kind,
# $24 policy, $25 option, $26 chosen days, $27 chosen start, $28 split as JSON text,
# $29 deposit, $30 sealed; facts from $31.
_OPEN = """
with {held} wanted as (
    select slot, row_number() over (order by slot) as place
    from {after} generate_series(1, $20::int) as slot
    where not exists (
        select from share_slot s where s.person_id = $4 and s.plan_code = $5 and s.slot = slot.slot
        and s.period && tstzrange($14, $15) and s.released_at is null)
    order by slot limit cardinality($21::uuid[])
), going as (
    select 1 where (select count(*) from wanted) = cardinality($21::uuid[])
), opened as (
    insert into contribution_order (id, number, account_id, person_id, plan_code, plan_version_id,
        shares, amount_fen, status, channel, payer, sponsor_id, organisation_id, enrolled_by,
        reserved_period, opened_at, expires_at, kind, policy_id, option_code, term_days,
        starts_on, split, deposit_fen, sealed)
    select $1, $2, $3::uuid, $4, $5, $6::uuid, $7, $8::bigint, 'open', $9, $10, $11::uuid,
           $12::uuid, $13::uuid, tstzrange($14, $15), $16::timestamptz, $17::timestamptz,
           $23, $24::uuid, $25, $26::int, $27::date, $28::text::jsonb, $29::bigint, $30::bytea
    from going
), slots as (
    insert into share_slot (id, person_id, plan_code, slot, period, order_id)
    select ($21::uuid[])[place], $4, $5, slot, tstzrange($14, $15), $1 from going, wanted
), history as (
    insert into status_history (subject, subject_id, to_status, at, actor_kind, actor_id)
    select 'contribution_order', $1, 'open', $16::timestamptz, $18::text, $19::uuid from going
), due as (
    insert into due_thing (job, subject_id, due_at)
    select $22::text, $1, $17::timestamptz from going where $8::bigint > 0
), {stated}{kept}
select {answer}
"""
_HELD = """
held as materialized (select pg_try_advisory_xact_lock($%d) as held),
serial as materialized (
    select pg_advisory_xact_lock(hashtextextended($4::uuid::text, 1)) from held where held),
"""
_KEPT = """, kept as (
    insert into stored_answer (key_hash, id, request_hash, status, sealed_body, expires_at)
    select $%d::bytea, $%d::uuid, $%d::bytea, 201, $%d::bytea, $%d::timestamptz from going
)"""
_FACTS_FROM = 31


@cache
def opening(arguments_of_facts: int, *, jobs: bool, keyed: bool) -> str:
    """The statement that opens; with `keyed` it holds the key and stores the answer as well.

    Keyed, six parameters follow the facts': the lock, and the columns of the answer. It
    answers `held` (always true without a key) and `opened`.
    """
    stated = stating(_FACTS_FROM, jobs=jobs, when="going")
    if not keyed:
        answer = "true as held, exists (select from going) as opened"
        return _OPEN.format(held="", after="", stated=stated, kept="", answer=answer)
    first = _FACTS_FROM + arguments_of_facts
    return _OPEN.format(
        held=_HELD % first,
        after="serial,",
        stated=stated,
        kept=_KEPT % tuple(range(first + 1, first + 6)),
        answer="held, exists (select from going) as opened from held",
    )
