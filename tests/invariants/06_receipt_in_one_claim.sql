-- One receipt (code and number) stands in at most one claim that may still be paid.
select 'one receipt in two claims' as fault, r.receipt_index, count(distinct r.claim_id) as claims
from claim_receipt r
join claim c on c.id = r.claim_id
where c.status not in ('denied', 'withdrawn') and r.removed_at is null
group by r.receipt_index
having count(distinct r.claim_id) > 1
union all
-- Nor does one whose number, amount and day agree, however its code was typed or left out: it was
-- refused, or a person was asked. Only what was handed in has been looked at.
select 'one number in two claims', a.number_index, 2
from claim_receipt a
join claim_receipt b on b.number_index = a.number_index
  and b.amount_fen = a.amount_fen and b.issued_on = a.issued_on
  and b.claim_id > a.claim_id and b.receipt_index <> a.receipt_index
join claim first on first.id = a.claim_id
join claim second on second.id = b.claim_id
where a.removed_at is null and b.removed_at is null
  and first.status not in ('draft', 'returned', 'denied', 'withdrawn')
  and second.status not in ('draft', 'returned', 'denied', 'withdrawn')
  and not exists (
      select from claim_signal s
      where s.kind = 'same-invoice-number' and s.claim_id in (a.claim_id, b.claim_id)
        and s.evidence -> 'claims' @> jsonb_build_array(jsonb_build_object('claim_id',
            case s.claim_id when a.claim_id then b.claim_id else a.claim_id end)))
union all
-- The same receipt file neither.
select 'one file in two claims', d.fingerprint, count(distinct d.claim_id)
from claim_document d
join claim c on c.id = d.claim_id
where d.kind = 'receipt' and d.status <> 'replaced' and c.status not in ('denied', 'withdrawn')
group by d.fingerprint
having count(distinct d.claim_id) > 1
