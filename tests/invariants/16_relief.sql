-- Relief: a fund's row, its books and its cases agree; every grant has a board without an
-- interest and a majority; the money goes to the case's person once; nothing is granted by itself.
select 'fund differs from its books' as fault, f.id
from relief_fund f
where f.contributed_fen - f.granted_fen <> (
  select coalesce(-sum(e.amount_fen), 0) from ledger_entry e where e.account_code = f.account_code)
union all
select 'contributed differs', f.id
from relief_fund f
where f.contributed_fen <> (
  select coalesce(sum(c.amount_fen), 0)
  from relief_contribution c join ledger_receipt l on l.id = c.receipt_id
  where c.fund_id = f.id and l.reversed_at is null) + (
  select coalesce(sum(t.amount_fen), 0) from fund_transfer t
  where t.to_account = f.account_code and t.status = 'posted' and t.reversed_at is null)
union all
select 'granted differs', f.id
from relief_fund f
where f.granted_fen <> (
  select coalesce(sum(c.amount_fen), 0) from relief_case c
  where c.fund_id = f.id and c.status in ('granted', 'paying', 'paid'))
union all
select 'more granted than given', f.id
from relief_fund f where f.granted_fen > f.contributed_fen
union all
select 'grant without a decision', c.id
from relief_case c
where c.status in ('granted', 'paying', 'paid') and not exists (
  select from relief_decision d
  where d.case_id = c.id and d.verdict = 'grant' and d.amount_fen = c.amount_fen)
union all
select 'grant not booked', c.id
from relief_case c
where c.status in ('granted', 'paying', 'paid') and not exists (
  select from ledger_transaction t
  join ledger_entry e on e.transaction_id = t.id
  where t.kind = 'relief.granted' and t.reference_id = c.id
    and e.account_code = 'relief-payable' and e.amount_fen = -c.amount_fen)
union all
select 'taken back and not booked', c.id
from relief_case c
where c.status = 'revoked' and not exists (
  select from ledger_transaction t
  join ledger_entry e on e.transaction_id = t.id
  where t.kind = 'relief.revoked' and t.reference_id = c.id
    and e.account_code = 'relief-payable' and e.amount_fen = c.amount_fen)
union all
select 'taken back and paid', c.id
from relief_case c join payout p on p.relief_case_id = c.id
where c.status = 'revoked' and p.status <> 'failed'
union all
select 'too few sat', d.id
from relief_decision d
where d.quorum > (select count(*) from relief_vote v where v.decision_id = d.id)
union all
select 'no majority', d.id
from relief_decision d
where (d.verdict = 'grant') <> (
  select 2 * count(*) filter (where v.vote = 'for') > count(*)
  from relief_vote v where v.decision_id = d.id)
union all
select 'somebody had an interest', d.id
from relief_decision d
join relief_case c on c.id = d.case_id
join relief_vote v on v.decision_id = d.id
left join member m on m.person_id = c.person_id
where v.staff_id = m.enrolled_by or exists (
  select from household_member k
  where k.household_id = c.household_id and k.staff_id = v.staff_id
    and k.joined_at <= d.decided_at)
union all
select 'payout differs from its case', p.id
from payout p
join relief_case c on c.id = p.relief_case_id
where p.amount_fen <> c.amount_fen or p.payee_person_id <> c.person_id
union all
select 'approver did not vote for it', p.id
from payout p
cross join lateral unnest(p.approvers) approver
where p.relief_case_id is not null and not exists (
  select from relief_decision d
  join relief_vote v on v.decision_id = d.id
  where d.case_id = p.relief_case_id and v.staff_id = approver and v.vote = 'for')
union all
select 'live payouts', p.relief_case_id
from payout p
where p.relief_case_id is not null and p.status <> 'failed'
group by p.relief_case_id having count(*) > 1
union all
select 'paid without a payout', c.id
from relief_case c
where c.status = 'paid' and not exists (
  select from payout p where p.relief_case_id = c.id and p.status = 'paid')
union all
select 'proposed twice', min(c.id::text)::uuid
from relief_case c
where c.status = 'proposed'
group by c.person_id, c.fund_id, c.year having count(*) > 1
union all
select 'in two households', m.person_id
from household_member m
join household h on h.id = m.household_id
where m.person_id is not null and m.left_at is null and h.status <> 'exited'
group by m.person_id having count(*) > 1
