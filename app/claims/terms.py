"""What the plan asks of a claim: its documents and facts, and where they stand."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.errors import UnknownFact
from app.claims.models import Claim, ClaimDocument
from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.benefits import Benefit, DocumentKind
from app.plans.facts import FactRule, facts_needed
from app.plans.service import version_of
from app.plans.terms import PlanTerms

HOSPITAL_GRADE = FactRule("hospital_grade", Text("医院等级（1 至 3）", "Hospital grade"), 1, 3)

KindState = Literal["missing", "verified", "waiting", "accepted", "returned"]


async def terms_of(session: AsyncSession, claim: Claim) -> PlanTerms:
    """The terms that the policy was sold under."""
    return (await version_of(session, claim.plan_version_id)).terms


def rules_of(benefit: Benefit) -> tuple[FactRule, ...]:
    """The facts that decide about this benefit and its amount."""
    needed = facts_needed(benefit)
    return (*needed, HOSPITAL_GRADE) if benefit.hospital_grade_from else needed


def check_known(benefit: Benefit, facts: Mapping[str, Any]) -> None:
    """Raise UnknownFact (422) naming each fact that this benefit does not use, or misread."""
    rules = {rule.name: rule for rule in rules_of(benefit)}
    wrong = [
        FieldError(f"/facts/{name}", "unknown-fact", Text("不需要此项", "Not needed here."))
        for name in facts
        if name not in rules
    ]
    wrong += [
        FieldError(f"/facts/{name}", "fact-out-of-range", Text("数值超出范围", "Out of range."))
        for name, value in facts.items()
        if name in rules and not _fits(rules[name], value)
    ]
    if wrong:
        raise UnknownFact(errors=wrong)


def _fits(rule: FactRule, value: object) -> bool:
    if isinstance(value, list):
        return rule.many and all(_fits(rule, each) for each in value)
    return isinstance(value, int) and rule.least <= value <= rule.most


def state_of_kind(
    kind: DocumentKind, files: Sequence[ClaimDocument], *, identity_verified: bool
) -> KindState:
    """Where one kind stands: a returned file outweighs, then a waiting one."""
    statuses = {file.status for file in files if file.kind == kind}
    if kind == "identity" and identity_verified and not statuses:
        return "verified"
    for state in ("returned", "waiting", "accepted"):
        if state in statuses:
            return state
    return "missing"
