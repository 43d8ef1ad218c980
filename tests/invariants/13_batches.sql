-- Batches of transfers: a payout is in one live batch; a batch's control sums are its rows';
-- a row is its payout's number and amount, and ended as the payout did; a settled or refused
-- batch holds nothing, and a payout that may be sent by a batch is not in one already.
select 'in two live batches' as fault, r.payout_id as id
from payout_batch_row r
where r.outcome in ('pending', 'unknown')
group by r.payout_id having count(*) > 1
union all
select 'control sums differ', b.id
from payout_batch b
left join payout_batch_row r on r.batch_id = b.id
group by b.id, b.rows, b.amount_fen
having count(r.payout_id) <> b.rows or coalesce(sum(r.amount_fen), 0) <> b.amount_fen
union all
select 'row is not its payout', r.payout_id
from payout_batch_row r join payout p on p.id = r.payout_id
where (r.reference, r.amount_fen) <> (p.out_bill_no, p.amount_fen) or p.method <> 'bank'
union all
select 'row ended otherwise', r.payout_id
from payout_batch_row r join payout p on p.id = r.payout_id
where r.outcome in ('paid', 'failed') and r.outcome <> p.status
union all
select 'live row of a payout that ended or waits', r.payout_id
from payout_batch_row r join payout p on p.id = r.payout_id
where r.outcome in ('pending', 'unknown') and p.status in ('paid', 'failed', 'requested')
union all
select 'ended batch holds a payout', r.payout_id
from payout_batch_row r join payout_batch b on b.id = r.batch_id
where r.outcome in ('pending', 'unknown') and b.status in ('settled', 'refused')
