-- 12: a policy is what its last change says; refunds stay within their payment, cancelled
-- cover was judged once between two reinstatements; beneficiaries of a policy are whole;
-- nothing lapses before its end, and only a moratorium moves the end of running cover.
select 'policy differs from its last change' as fault, p.id
from policy p
join lateral (
    select t.status, t.period, t.shares from policy_transaction t
    where t.policy_id = p.id order by t.recorded_at desc, t.id desc limit 1) last on true
where (last.status, last.period, last.shares) is distinct from (p.status, p.period, p.shares)
union all
select 'refunds exceed the payment', a.id
from payment_attempt a
join refund r on r.attempt_id = a.id and r.status <> 'withdrawn'
group by a.id, a.amount_fen having sum(r.amount_fen) > a.amount_fen
union all
select 'withdrawn after it was sent', r.id
from refund r where r.status = 'withdrawn' and r.sent_at is not null
union all
select 'refunds payable differ', r.id
from refund r
join lateral (
    select coalesce(sum(e.amount_fen), 0) as fen
    from ledger_entry e join ledger_transaction t on t.id = e.transaction_id
    where e.account_code = 'refunds-payable' and (t.reference_id = r.id or t.reference_id in (
        select o.id from payout o where o.refund_id = r.id))) owed on true
where owed.fen <> case when r.status in ('succeeded', 'withdrawn') then 0 else -r.amount_fen end
union all
select 'cancelled twice', t.policy_id
from (
    select policy_id, kind,
           lag(kind) over (partition by policy_id order by recorded_at, id) as before
    from policy_transaction where kind in ('cancel', 'reinstate')) t
where t.kind = t.before or (t.kind = 'reinstate' and t.before is null)
union all
select 'beneficiaries are not whole', b.policy_id
from beneficiary b where b.ended_at is null
group by b.policy_id having sum(b.share_percent) <> 100
union all
select 'endorsement without its transaction', e.id
from endorsement e
where not exists (
    select from policy_transaction t
    where t.id = e.transaction_id and t.policy_id = e.policy_id and t.kind = 'endorse')
union all
select 'lapsed before its end', l.policy_id
from policy_lapse l where l.lapsed_at < l.ended_at
union all
select 'extended without a moratorium', t.policy_id
from policy_transaction t
where t.kind = 'extend' and not exists (
    select from moratorium m
    where t.effective_at >= (m.first_day::timestamp at time zone 'Asia/Shanghai'))
