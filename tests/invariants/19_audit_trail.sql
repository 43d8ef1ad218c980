-- P15: whatever moved a claim, its documents, an order, a refund or relief, and whatever owed,
-- settled or failed a payout, wrote its row of the audit trail in the same transaction.
select h.subject, h.subject_id, h.to_status
from status_history h
where (h.subject in ('claim', 'claim_document', 'contribution_order', 'refund', 'relief_case')
       or h.subject = 'payout' and h.to_status in ('requested', 'paid', 'failed'))
  and not exists (select from audit_entry a where a.recorded_at = h.recorded_at)
