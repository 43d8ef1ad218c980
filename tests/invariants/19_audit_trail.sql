-- P15: whatever moved a claim, its documents, an order, a refund or relief wrote its row of the
-- audit trail in the same transaction.
select h.subject, h.subject_id, h.to_status
from status_history h
where h.subject in ('claim', 'claim_document', 'contribution_order', 'refund', 'relief_case')
  and not exists (select from audit_entry a where a.recorded_at = h.recorded_at)
union all
-- Money on its way: each move of a payout or a batch is in the trail under its own id.
select h.subject, h.subject_id, h.to_status
from status_history h
where h.subject in ('payout', 'payout_batch')
  and not exists (
      select from audit_entry a
      where a.recorded_at = h.recorded_at and a.subject = h.subject
        and h.subject_id = any(a.subject_ids))
