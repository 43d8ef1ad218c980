-- No claim is agreed to while something odd about it is unjudged, by rule none about which
-- anything was raised; nothing is paid to an account in doubt, which may be recorded after the
-- decision; and nobody judges what is raised about them.
select c.id, 'unjudged ' || s.kind as fault
from claim c join claim_signal s on s.claim_id = c.id
where c.status in ('approved', 'paying', 'paid') and s.verdict is null and (
  s.kind not in ('shared-account', 'account-after-doubt') or exists (
    select from payout p
    where p.claim_id = c.id and p.status <> 'failed' and p.requested_at >= s.raised_at and (
      p.payout_account_id::text = s.evidence ->> 'account_id'
      or p.method = 'wechat' and case
          when s.evidence ? 'wallet' then exists (
              select from member_account a
              where a.id = p.account_id and encode(a.openid_index, 'hex') = s.evidence ->> 'wallet')
          else p.payee_person_id::text = s.evidence ->> 'wallet_of' end)))
union all
select d.claim_id, 'by rule in spite of ' || s.kind
from decision d join claim_signal s on s.claim_id = d.claim_id
where d.by_rule and d.verdict = 'approve' and s.raised_at < d.decided_at
union all
select s.claim_id, 'judged by whom it is about'
from claim_signal s
where s.evidence ->> 'staff_id' = s.judged_by::text
