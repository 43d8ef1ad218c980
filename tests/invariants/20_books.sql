-- The books: a closed month's frozen balance is what its postings give again; months are closed
-- without a gap; an entry carries its transaction's posting day, which is not before the fact's;
-- a reversal mirrors what it takes back, and large ones were decided by two people; an organisation's
-- fund never gave what it did not hold, and a transfer between funds is booked as it was decided.
with again as (
    select p.month, a.code,
           coalesce(sum(e.amount_fen) filter (where e.posted_on < p.month), 0) as opening,
           coalesce(sum(e.amount_fen) filter (where e.posted_on >= p.month), 0) as moved
    from ledger_period p cross join ledger_account a
    left join ledger_entry e
        on e.account_code = a.code and e.posted_on < (p.month + interval '1 month')::date
    group by p.month, a.code
)
select 'frozen balance differs' as fault, again.code as name, again.month::text as detail
from again
left join ledger_period_balance b on b.month = again.month and b.account_code = again.code
where coalesce(b.opening_fen, 0) <> again.opening
   or coalesce(b.closing_fen, 0) <> again.opening + again.moved
union all
select 'frozen month is not closed', b.account_code, b.month::text
from ledger_period_balance b
where not exists (select from ledger_period p where p.month = b.month)
union all
select 'a month was left out', '', p.month::text
from ledger_period p
where p.month > (select min(month) from ledger_period)
  and not exists (
      select from ledger_period q where q.month = (p.month - interval '1 month')::date)
union all
select 'posting day differs', e.account_code, t.id::text
from ledger_entry e join ledger_transaction t on t.id = e.transaction_id
where e.posted_on <> t.posted_on
union all
select 'posted before the fact', t.kind, t.id::text
from ledger_transaction t
where t.posted_on < t.event_on
union all
select 'reversal is no mirror', '', r.id::text
from ledger_transaction r
where r.kind = 'reversal' and exists (
    select from (
        select account_code, amount_fen from ledger_entry where transaction_id = r.id
        union all
        select account_code, amount_fen from ledger_entry where transaction_id = r.reference_id
    ) both_sides
    group by account_code having sum(amount_fen) <> 0)
union all
select 'reversal without a reason', '', r.id::text
from ledger_transaction r
where r.kind = 'reversal' and not exists (
    select from ledger_reversal v
    where v.posting_id = r.id and v.transaction_id = r.reference_id and v.status = 'posted'
      and (v.amount_fen <= 2000000 or v.decided_by <> v.proposed_by))
union all
select 'fund below nothing', e.account_code, sum(e.amount_fen)::text
from ledger_entry e
where e.account_code like 'fund:%'
group by e.account_code having sum(e.amount_fen) > 0
union all
select 'transfer and booking differ', f.from_account, f.id::text
from fund_transfer f
where f.status = 'posted' and not exists (
    select from ledger_entry gives join ledger_entry takes using (transaction_id)
    where gives.transaction_id = f.posting_id
      and gives.account_code = f.from_account and gives.amount_fen = f.amount_fen
      and takes.account_code = f.to_account and takes.amount_fen = -f.amount_fen)
union all
select 'transfer and reversal differ', f.from_account, f.id::text
from fund_transfer f
where (f.reversed_at is not null) <> exists (
    select from ledger_reversal v where v.transaction_id = f.posting_id and v.status = 'posted')
