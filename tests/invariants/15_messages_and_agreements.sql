-- 15: a message goes out by one channel, a permission brings one message, what was taken back
-- stays back; an agreement charges its own member's renewals, each once, within its limit.
select 'one message by two channels' as fault, message_id as id
from message_delivery where status in ('sending', 'sent')
group by message_id having count(*) > 1
union all
select 'a permission used for something else', c.id
from subscription_consent c join message_delivery d on d.id = c.delivery_id
where d.channel <> 'wechat' or d.account_id is distinct from c.account_id
   or c.answer <> 'accepted'
union all
select 'sent after it was taken back', d.id
from message_delivery d join message m on m.id = d.message_id
where m.dropped_at is not null and d.status in ('sending', 'sent')
union all
select 'charged above what was agreed', a.id
from payment_attempt a join payment_agreement g on g.id = a.agreement_id
where a.amount_fen > g.most_fen
union all
select 'charged for something else', a.id
from payment_attempt a
join payment_agreement g on g.id = a.agreement_id
join contribution_order o on o.id = a.order_id
where o.kind <> 'renewal' or o.person_id <> g.person_id or o.plan_code <> g.plan_code
union all
select 'charged twice', order_id
from payment_attempt where trade_type = 'agreement'
group by order_id having count(*) > 1
union all
select 'two agreements of one policy', first_policy_id
from payment_agreement where status in ('requested', 'active')
group by first_policy_id having count(*) > 1
union all
select 'active without a signature', id
from payment_agreement where status = 'active' and signed_at is null
