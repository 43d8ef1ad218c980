-- Reconciliation: a difference that was settled by a booking has that booking, of exactly its
-- amount; one that waits has none; a number on which both sides agree is not missed as well, nor
-- carried a second time by a booking. Receipts that were reversed agree with nothing.
select 'settled without its booking' as fault, i.id
from reconciliation_item i
where i.status = 'settled' and i.way in ('post_fee', 'suspend', 'refund', 'write_off')
  and i.difference_fen <> 0
  and not exists (
      select from ledger_transaction t
      join ledger_entry e on e.transaction_id = t.id
      where t.reference_id = i.id and e.amount_fen = i.difference_fen
        and t.kind in ('fee.posted', 'difference.suspended', 'difference.written_off'))
union all
select 'booked and not settled', i.id
from reconciliation_item i
join ledger_transaction t on t.reference_id = i.id
where t.kind in ('fee.posted', 'difference.written_off') and i.status <> 'settled'
union all
select 'booking of no difference', t.id
from ledger_transaction t
where (t.kind like 'difference.%' or t.kind = 'fee.posted')
  and not exists (select from reconciliation_item i where i.id = t.reference_id)
union all
select 'agreed and missed', i.id
from reconciliation_item i
join reconciliation_match m on (m.source, m.kind, m.number) = (i.source, i.kind, i.number)
where i.status <> 'settled' and i.cause in ('missing_here', 'missing_there', 'timing')
  and (i.kind <> 'receipt' or exists (
      select from ledger_receipt l where l.bank_reference = i.number and l.reversed_at is null))
union all
select 'released and still booked', i.id
from reconciliation_item i
join ledger_transaction b on b.reference_id = i.id
  and b.kind in ('fee.posted', 'difference.suspended', 'difference.written_off',
                 'difference.released')
join ledger_transaction t
  on t.id = b.id or t.kind = 'reversal' and t.reference_id = b.id
join ledger_entry e on e.transaction_id = t.id
where i.released_at is not null
  and e.account_code = case i.source when 'bank' then 'bank' else 'gateway-clearing' end
group by i.id having sum(e.amount_fen) <> 0
union all
select 'reversed receipt stands', l.id
from ledger_receipt l
join ledger_transaction t on t.kind = 'receipt.recorded' and t.reference_id = l.id
left join ledger_transaction r on r.kind = 'reversal' and r.reference_id = t.id
where (r.id is null) <> (l.reversed_at is null)
