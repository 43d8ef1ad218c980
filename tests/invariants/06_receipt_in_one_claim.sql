-- One receipt (code and number) stands in at most one claim that may still be paid.
select r.receipt_index, count(distinct r.claim_id) as claims
from claim_receipt r
join claim c on c.id = r.claim_id
where c.status not in ('denied', 'withdrawn')
group by r.receipt_index
having count(distinct r.claim_id) > 1
union all
-- The same receipt file neither.
select d.fingerprint, count(distinct d.claim_id)
from claim_document d
join claim c on c.id = d.claim_id
where d.kind = 'receipt' and d.status <> 'replaced' and c.status not in ('denied', 'withdrawn')
group by d.fingerprint
having count(distinct d.claim_id) > 1
