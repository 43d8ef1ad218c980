"""SQL of issuing cover, as parts that the statement of a hot path carries."""

# Needs a CTE `covered` of one row: policy_id, number, person_id, plan_code, plan_version_id,
# shares, period, status, channel, sponsor_id, order_id, organisation_id, enrolled_by,
# option_code, term_number, follows_id, issued_at, actor_kind, actor_id; and a CTE `layer` of
# its transactions: id, kind, effective_at, shares (so far), counted_from, option_code. The
# places that the order reserved become the policy's; the CTE `taken_over` has a row for each.
ISSUE = """
policy_issued as (
    insert into policy (id, number, person_id, plan_code, plan_version_id, shares, period, status,
                        channel, sponsor_id, order_id, organisation_id, enrolled_by, option_code,
                        term_number, follows_id, issued_at)
    select policy_id, number, person_id, plan_code, plan_version_id, shares, period, status,
           channel, sponsor_id, order_id, organisation_id, enrolled_by, option_code,
           term_number, follows_id, issued_at
    from covered
), transacted as (
    insert into policy_transaction (id, policy_id, kind, effective_at, shares, period, status,
                                    counted_from, option_code, order_id, actor_kind, actor_id)
    select l.id, c.policy_id, l.kind, l.effective_at, l.shares, c.period, c.status,
           l.counted_from, l.option_code, c.order_id, c.actor_kind, c.actor_id
    from layer l, covered c
), policy_history as (
    insert into status_history (subject, subject_id, to_status, at, actor_kind, actor_id)
    select 'policy', policy_id, status, issued_at, actor_kind, actor_id from covered
), taken_over as (
    update share_slot s set policy_id = c.policy_id, period = c.period
    from covered c
    where s.order_id = c.order_id and s.policy_id is null and s.released_at is null
    returning 1
)"""
