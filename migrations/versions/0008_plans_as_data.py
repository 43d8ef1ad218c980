"""Plans as data: documents in the new form, what claims use of limits, layers of shares"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects.postgresql import JSONB

from app.kernel.migrate import constrain

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _benefit_use()
    _policies()
    _documents()


def _benefit_use() -> None:
    op.create_table(
        "benefit_use",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("plan_code", sa.Text(), nullable=False),
        sa.Column("benefit_code", sa.Text(), nullable=False),
        sa.Column("event_on", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("counters", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_benefit_use__amount_fen")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_benefit_use__person_id")
        ),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name=op.f("fk_benefit_use__claim_id")),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decision.id"], name=op.f("fk_benefit_use__decision_id")
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_benefit_use__incident_id")
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["policy.id"], name=op.f("fk_benefit_use__policy_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_benefit_use")),
        sa.UniqueConstraint("decision_id", name="uq_benefit_use__decision_id"),
    )
    op.create_index(
        "ix_benefit_use__person_id",
        "benefit_use",
        ["person_id", "event_on"],
        postgresql_where=sa.text("reversed_at is null"),
    )
    op.create_index("ix_benefit_use__claim_id", "benefit_use", ["claim_id"])
    op.execute(
        """
        insert into benefit_use (id, person_id, claim_id, decision_id, incident_id, policy_id,
                                 plan_code, benefit_code, event_on, amount_fen, recorded_at)
        select gen_random_uuid(), c.person_id, c.id, d.id, c.incident_id, c.policy_id,
               c.plan_code, c.benefit_code, (i.occurred_at at time zone 'Asia/Shanghai')::date,
               d.amount_fen, d.decided_at
        from claim c
        join incident i on i.id = c.incident_id
        join decision d on d.claim_id = c.id and d.round = c.round and d.step = 'first'
                        and d.verdict = 'approve'
        where c.status in ('awaiting_second_approval', 'approved', 'paying', 'paid')
        """
    )


def _policies() -> None:
    op.add_column("policy", sa.Column("option_code", sa.Text(), nullable=True))
    op.add_column(
        "policy",
        sa.Column("term_number", sa.Integer(), server_default=sa.text("1"), nullable=False),
    )
    op.add_column("policy", sa.Column("follows_id", sa.Uuid(), nullable=True))
    constrain("policy", "ck_policy__term_number", "check (term_number >= 1)")
    constrain("policy", "fk_policy__follows_id", "foreign key (follows_id) references policy (id)")
    op.add_column(
        "policy_transaction",
        sa.Column("counted_from", sa.DateTime(timezone=True), nullable=True),
    )


def _documents() -> None:
    """Rewrite documents of benefit shapes as expressions; what they pay stays the same."""
    if context.is_offline_mode():
        return  # there is nothing to read while the SQL is only written down
    connection = op.get_bind()
    rows = connection.execute(sa.text("select id, document from plan_version")).all()
    op.execute("alter table plan_version disable trigger plan_version_is_immutable")
    for row in rows:
        connection.execute(
            sa.text("update plan_version set document = cast(:document as jsonb) where id = :id"),
            {"id": row.id, "document": json.dumps(_rewritten(row.document), ensure_ascii=False)},
        )
    op.execute("alter table plan_version enable trigger plan_version_is_immutable")


def _rewritten(old: dict[str, Any]) -> dict[str, Any]:
    new: dict[str, Any] = {
        name: old[name]
        for name in ("code", "kind", "name", "summary", "source", "eligibility")
        if name in old
    }
    contribution = old["contribution"]
    new["contribution"] = {
        "max_shares": contribution["max_shares"],
        "options": [_option(option) for option in contribution["options"]],
    }
    waiting = dict(old.get("waiting") or {})
    new["renewal"] = {"grace_days": waiting.pop("renewal_grace_days", 0)}
    new["waiting"] = waiting
    if contribution.get("refund", "full_before_start") == "full_before_start":
        new["cancellation"] = {"before_start": "paid_fen"}
    if old.get("tables"):
        new["tables"] = {
            code: {"kind": "rates", "entries": entries} for code, entries in old["tables"].items()
        }
    new["benefits"] = [_benefit(benefit) for benefit in old["benefits"]]
    if old.get("cap_per_term_fen"):
        new["limits"] = [{"max": {"fen": old["cap_per_term_fen"]}, "per": "term"}]
    claims = dict(old.get("claims") or {})
    if "second_approval_above_fen" in claims:
        claims["second_approval_above"] = {"fen": claims.pop("second_approval_above_fen")}
    new["claims"] = claims
    return new


def _option(option: dict[str, Any]) -> dict[str, Any]:
    months, days = option.get("term_months"), option.get("term_days")
    return {
        "code": option["code"],
        "term": {"months": months} if months else {"days": days},
        "price": {"times": [{"fen": option["price_per_share_fen"]}, "shares"]},
    }


def _benefit(old: dict[str, Any]) -> dict[str, Any]:
    kept = ("code", "name", "trigger", "causes", "documents", "excludes")
    new: dict[str, Any] = {name: old[name] for name in kept if old.get(name)}
    if old.get("waiting_days") is not None:
        new["waiting_days"] = old["waiting_days"]
    per_share = bool(old.get("per_share")) or old["shape"] == "lump_per_share"
    new["pays"] = _pays(old, per_share)
    if old.get("cap_per_term_fen"):
        new["limits"] = [{"max": _money(old["cap_per_term_fen"], per_share), "per": "term"}]
    if old.get("hospital_grade_from"):
        new["conditions"] = [
            {
                "code": "hospital-grade-too-low",
                "require": {"reaches": ["hospital_grade", old["hospital_grade_from"]]},
                "words": {
                    "zh": f"医院等级须为 {old['hospital_grade_from']} 级及以上",
                    "en": f"The hospital is of grade {old['hospital_grade_from']} or above",
                },
            }
        ]
    if "death_certificate" in old.get("documents", ()):
        new["payee"] = "beneficiary"
    return new


def _money(fen: int, per_share: bool) -> dict[str, Any]:
    return {"times": [{"fen": fen}, "shares"]} if per_share else {"fen": fen}


def _pays(old: dict[str, Any], per_share: bool) -> Any:
    shape = old["shape"]
    if shape == "lump":
        return _money(old["amount_fen"], per_share)
    if shape == "lump_per_share":
        return _money(old["amount_per_share_fen"], per_share)
    if shape == "lump_up_to":
        return _at_most("loss_fen", old["max_fen"], per_share)
    if shape == "disability_grade":
        grade = {"look_up": {"table": old["table"], "of": "disability_grade"}}
        shares = ["shares"] if per_share else []
        return {"times": [{"fen": old["base_fen"]}, *shares, grade]}
    if shape == "percent_after_deductible":
        above = {"minus": ["self_pay_fen", {"fen": old["deductible_fen"]}]}
        return _at_most({"percent": {"of": above, "rate": old["rate"]}}, old["max_fen"], per_share)
    return _per_diem(old, per_share)


def _at_most(of: Any, fen: int, per_share: bool) -> dict[str, Any]:
    return {"at_most": {"of": of, "limit": _money(fen, per_share)}}


def _per_diem(old: dict[str, Any], per_share: bool) -> Any:
    unpaid = old.get("unpaid_days_per_stay") or 0
    each = {"minus": ["stays.days", unpaid]} if unpaid else "stays.days"
    days: Any = {"each": {"of": "stays", "gives": each}}
    if old.get("max_days"):
        days = {"at_most": {"of": days, "limit": old["max_days"]}}
    shares = ["shares"] if per_share else []
    paid = {"times": [{"fen": old["daily_fen"]}, days, *shares]}
    return _at_most(paid, old["max_fen"], per_share) if old.get("max_fen") else paid
