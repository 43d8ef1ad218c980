"""Appeals, signals, promises, straight-through"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.kernel.migrate import constrain, keys, rules

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)

# The queue follows whoever decides: the managing organisation, or the one in its place.
QUEUE = (
    """
create or replace function claim_queue_follow() returns trigger language plpgsql as $$
begin
  if coalesce(new.deciding_organisation_id, new.managing_organisation_id)
       = coalesce(old.deciding_organisation_id, old.managing_organisation_id)
     and old.rank_at is not null and new.rank_at is not null then
    update claim_queue set status = new.status, rank_at = new.rank_at where claim_id = new.id;
    return null;
  end if;
  delete from claim_queue where claim_id = new.id;
  if new.rank_at is not null then
    insert into claim_queue (organisation_id, status, rank_at, claim_id)
    select above, new.status, new.rank_at, new.id
    from organisation, unnest(lineage) as above
    where organisation.id = coalesce(new.deciding_organisation_id, new.managing_organisation_id);
  end if;
  return null;
end $$
""",
    """
create or replace function claim_queue_join() returns trigger language plpgsql as $$
begin
  insert into claim_queue (organisation_id, status, rank_at, claim_id)
  select above, added.status, added.rank_at, added.id
  from added
  join organisation
    on organisation.id = coalesce(added.deciding_organisation_id, added.managing_organisation_id)
  cross join lateral unnest(organisation.lineage) as above
  where added.rank_at is not null;
  return null;
end $$
""",
    "drop trigger claim_queue_update on claim",
    """
create trigger claim_queue_update
after update of status, rank_at, managing_organisation_id, deciding_organisation_id
on claim for each row
when (
  old.status is distinct from new.status or old.rank_at is distinct from new.rank_at
  or old.managing_organisation_id is distinct from new.managing_organisation_id
  or old.deciding_organisation_id is distinct from new.deciding_organisation_id
) execute function claim_queue_follow()
""",
    """
create or replace function claim_queue_regroup() returns trigger language plpgsql as $$
begin
  delete from claim_queue where claim_id in (
    select id from claim
    where managing_organisation_id = new.id and deciding_organisation_id is null
    union all
    select id from claim where deciding_organisation_id = new.id);
  insert into claim_queue (organisation_id, status, rank_at, claim_id)
  select above, decided.status, decided.rank_at, decided.id
  from (
    select id, status, rank_at from claim
    where managing_organisation_id = new.id and deciding_organisation_id is null
    union all
    select id, status, rank_at from claim where deciding_organisation_id = new.id
  ) decided, unnest(new.lineage) as above
  where decided.rank_at is not null;
  return null;
end $$
""",
)

# What was promised before promises had rows, with their deadlines.
PROMISED = """
insert into claim_promise (id, claim_id, clock, length, unit, calendar_known, started_at, due_at,
                           nudge_at)
select gen_random_uuid(), c.id, 'review',
       coalesce((v.document #>> '{claims,review,length}')::int, 5),
       coalesce(v.document #>> '{claims,review,unit}', 'calendar_days'), true, c.submitted_at,
       c.review_due_at, c.submitted_at + 0.8 * (c.review_due_at - c.submitted_at)
from claim c join plan_version v on v.id = c.plan_version_id
where c.submitted_at is not null and c.review_due_at is not null and c.status in
  ('submitted', 'under_review', 'waiting_for_member', 'awaiting_second_approval')
union all
select gen_random_uuid(), c.id, 'payout',
       coalesce((v.document #>> '{claims,payout,length}')::int, 10),
       coalesce(v.document #>> '{claims,payout,unit}', 'calendar_days'), true, c.decided_at,
       c.payout_due_at, c.decided_at + 0.8 * (c.payout_due_at - c.decided_at)
from claim c join plan_version v on v.id = c.plan_version_id
where c.decided_at is not null and c.payout_due_at is not null
  and c.status in ('approved', 'paying')
"""
STOPPED = """
insert into claim_promise_stop (id, promise_id, reason_code, stopped_at, due_before)
select gen_random_uuid(), p.id, 'waiting-for-member', c.clock_stopped_at, p.due_at
from claim_promise p join claim c on c.id = p.claim_id
where p.clock = 'review' and c.clock_stopped_at is not null
"""
SCHEDULED = """
insert into due_thing (job, subject_id, due_at)
select job, p.id, case job when 'claims.promise_due' then p.due_at else p.nudge_at end
from claim_promise p, unnest(array['claims.promise_nudge', 'claims.promise_due']) job
where not exists (select from claim_promise_stop s where s.promise_id = p.id)
"""


def upgrade() -> None:
    _claims()
    _decisions()
    _payouts()
    for statement in QUEUE:
        op.execute(statement)
    _appeals()
    _promises()
    for statement in (
        PROMISED,
        STOPPED,
        "delete from due_thing where job = 'claims.review_due'",
        SCHEDULED,
    ):
        op.execute(statement)
    _signals()
    _handovers()


def _claims() -> None:
    for column in (
        sa.Column("deciding_organisation_id", sa.Uuid(), nullable=True),
        sa.Column("lease_since", AT, nullable=True),
        sa.Column("stage", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("at_stake_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("hardship", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("escalated_at", AT, nullable=True),
        sa.Column("paid_before_fen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("decided_by_rule", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("after_check", sa.Text(), nullable=True),
    ):
        op.add_column("claim", column)
    constrain(
        "claim",
        "fk_claim__deciding_organisation_id",
        "foreign key (deciding_organisation_id) references organisation (id)",
    )
    constrain("claim", "ck_claim__paid_before_fen", "check (paid_before_fen >= 0)")
    constrain(
        "claim",
        "ck_claim__after_check",
        "check (after_check in ('due', 'confirmed', 'reopened'))",
    )


def _decisions() -> None:
    for column in (
        sa.Column("stage", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("partly", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("by_rule", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    ):
        op.add_column("decision", column)
    # Nobody decides by rule; whoever reads a decision knows it by `by_rule`.
    op.execute(
        "-- squawk-ignore ban-drop-not-null\n"
        "alter table decision alter column decided_by drop not null"
    )
    constrain(
        "decision",
        "ck_decision__verdict",
        "check (verdict in ('approve', 'deny', 'return', 'uphold'))",
        instead=True,
    )
    constrain("decision", "ck_decision__by_rule", "check (by_rule = (decided_by is null))")
    constrain("decision", "ck_decision__partly", "check (not partly or verdict = 'approve')")
    # An exclusion, unlike a CHECK, cannot be added without a look at the rows.
    op.execute(
        "-- squawk-ignore constraint-missing-not-valid\n"
        "alter table decision add constraint ex_decision__other_people_on_appeal"
        " exclude using gist (claim_id with =, decided_by with =, stage with <>)"
    )


def _payouts() -> None:
    op.add_column(
        "payout", sa.Column("round", sa.Integer(), server_default=sa.text("1"), nullable=False)
    )
    op.add_column(
        "payout",
        sa.Column("by_rule", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.execute(
        "update payout p set round = c.round from claim c where c.id = p.claim_id and c.round > 1"
    )
    constrain(
        "payout",
        "ck_payout__approvers",
        "check (by_rule or cardinality(approvers) >= 1)",
        instead=True,
    )


def _appeals() -> None:
    op.create_table(
        "claim_appeal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("appealed_by_kind", sa.Text(), nullable=False),
        sa.Column("appealed_by", sa.Uuid(), nullable=False),
        sa.Column("appealed_at", AT, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        *rules(
            "claim_appeal",
            outcome="outcome in ('upheld', 'decided_anew')",
            ended="(outcome is null) = (ended_at is null)",
        ),
        *keys(
            "claim_appeal",
            claim_id="claim.id",
            decision_id="decision.id",
            organisation_id="organisation.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_appeal")),
        sa.UniqueConstraint("claim_id", name="uq_claim_appeal__claim_id"),
    )


def _promises() -> None:
    op.create_table(
        "claim_promise",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("calendar_known", sa.Boolean(), nullable=False),
        sa.Column("started_at", AT, nullable=False),
        sa.Column("due_at", AT, nullable=False),
        sa.Column("nudge_at", AT, nullable=False),
        sa.Column("nudged_at", AT, nullable=True),
        sa.Column("missed_at", AT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        *rules(
            "claim_promise",
            clock="clock in ('review', 'payout')",
            unit="unit in ('calendar_days', 'working_days')",
            length="length > 0",
            outcome="outcome in ('kept', 'late', 'void')",
            ended="(outcome is null) = (ended_at is null)",
        ),
        *keys("claim_promise", claim_id="claim.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_promise")),
    )
    op.create_index(
        "uq_claim_promise__open",
        "claim_promise",
        ["claim_id", "clock"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_index("ix_claim_promise__claim_id", "claim_promise", ["claim_id"])
    op.create_table(
        "claim_promise_stop",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("promise_id", sa.Uuid(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("stopped_at", AT, nullable=False),
        sa.Column("due_before", AT, nullable=False),
        sa.Column("resumed_at", AT, nullable=True),
        sa.Column("due_after", AT, nullable=True),
        *rules("claim_promise_stop", span="resumed_at >= stopped_at"),
        *keys("claim_promise_stop", promise_id="claim_promise.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_promise_stop")),
    )
    op.create_index(
        "uq_claim_promise_stop__open",
        "claim_promise_stop",
        ["promise_id"],
        unique=True,
        postgresql_where=sa.text("resumed_at is null"),
    )
    op.create_index("ix_claim_promise_stop__promise_id", "claim_promise_stop", ["promise_id"])
    op.create_table(
        "claim_escalation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("promise_id", sa.Uuid(), nullable=False),
        sa.Column("from_organisation_id", sa.Uuid(), nullable=False),
        sa.Column("to_organisation_id", sa.Uuid(), nullable=False),
        sa.Column("escalated_at", AT, nullable=False),
        *keys(
            "claim_escalation",
            claim_id="claim.id",
            promise_id="claim_promise.id",
            from_organisation_id="organisation.id",
            to_organisation_id="organisation.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_escalation")),
        sa.UniqueConstraint("promise_id", name="uq_claim_escalation__promise_id"),
    )
    op.create_index("ix_claim_escalation__claim_id", "claim_escalation", ["claim_id"])


def _signals() -> None:
    op.create_table(
        "claim_signal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("evidence_key", sa.Text(), nullable=False),
        sa.Column("evidence", JSONB(), nullable=False),
        sa.Column("raised_at", AT, nullable=False),
        sa.Column("judged_by", sa.Uuid(), nullable=True),
        sa.Column("judged_at", AT, nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        *rules(
            "claim_signal",
            verdict="verdict in ('harmless', 'confirmed')",
            judged="(verdict is null) = (judged_at is null)"
            " and (verdict is null) = (judged_by is null)",
        ),
        *keys("claim_signal", claim_id="claim.id", judged_by="staff_account.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_signal")),
        sa.UniqueConstraint("claim_id", "kind", "evidence_key", name="uq_claim_signal__once"),
    )
    op.create_index(
        "ix_claim_signal__open",
        "claim_signal",
        ["claim_id"],
        postgresql_where=sa.text("verdict is null"),
    )


def _handovers() -> None:
    op.create_table(
        "claim_handover",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("from_staff_id", sa.Uuid(), nullable=False),
        sa.Column("to_staff_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("offered_at", AT, nullable=False),
        sa.Column("answered_at", AT, nullable=True),
        *rules(
            "claim_handover",
            status="status in ('accepted', 'declined', 'lapsed', 'offered')",
            two_people="from_staff_id <> to_staff_id",
            answered="status <> 'offered' or answered_at is null",
        ),
        *keys(
            "claim_handover",
            claim_id="claim.id",
            from_staff_id="staff_account.id",
            to_staff_id="staff_account.id",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_handover")),
    )
    op.create_index(
        "uq_claim_handover__open",
        "claim_handover",
        ["claim_id"],
        unique=True,
        postgresql_where=sa.text("status = 'offered'"),
    )
    op.create_index(
        "ix_claim_handover__to_staff_id",
        "claim_handover",
        ["to_staff_id"],
        postgresql_where=sa.text("status = 'offered'"),
    )
    op.create_index("ix_claim_handover__claim_id", "claim_handover", ["claim_id"])
