"""The facts that a claim must state before a benefit of each shape can be calculated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.benefits import Benefit, DisabilityGrade
from app.plans.errors import FactsMissing
from app.plans.terms import PlanTerms

MAX_FACT_FEN = 10**12


@dataclass(frozen=True, slots=True)
class FactRule:
    """A fact that a shape needs: `whole` numbers from `least`, or a list of them."""

    name: str
    text: Text
    least: int
    most: int
    many: bool = False


SELF_PAY = FactRule(
    "self_pay_fen", Text("医保范围内自付金额（分）", "Self-paid cost in fen"), 0, MAX_FACT_FEN
)
LOSS = FactRule("loss_fen", Text("实际损失金额（分）", "Proven loss in fen"), 0, MAX_FACT_FEN)
GRADE = FactRule("disability_grade", Text("伤残等级", "Disability grade"), 1, 99)
STAYS = FactRule(
    "stay_days", Text("每次住院天数", "Days of each hospital stay"), 0, 3_650, many=True
)

FACTS: Mapping[str, tuple[FactRule, ...]] = {
    "lump": (),
    "lump_per_share": (),
    "lump_up_to": (LOSS,),
    "disability_grade": (GRADE,),
    "percent_after_deductible": (SELF_PAY,),
    "per_diem": (STAYS,),
}


def facts_needed(benefit: Benefit) -> tuple[FactRule, ...]:
    """What must be known before this benefit can be calculated."""
    return FACTS[benefit.shape]


MISSING = Text("缺少此项信息", "This fact is missing.")
OUT_OF_RANGE = Text("数值不在允许范围内", "The value is not in the range allowed.")


def require(benefit: Benefit, terms: PlanTerms, facts: Mapping[str, Any]) -> None:
    """Raise FactsMissing (422) naming every fact that is missing or out of range."""
    errors = []
    for rule in facts_needed(benefit):
        value = facts.get(rule.name)
        if value is None:
            errors.append(FieldError(f"/facts/{rule.name}", "fact-missing", MISSING))
        elif not _fits(rule, value) or not _in_table(benefit, terms, rule, value):
            errors.append(FieldError(f"/facts/{rule.name}", "fact-out-of-range", OUT_OF_RANGE))
    if errors:
        raise FactsMissing(errors=errors)


def _fits(rule: FactRule, value: object) -> bool:
    values = value if rule.many and isinstance(value, list | tuple) else [value]
    return 0 < len(values) <= 200 and all(
        isinstance(each, int) and not isinstance(each, bool) and rule.least <= each <= rule.most
        for each in values
    )


def _in_table(benefit: Benefit, terms: PlanTerms, rule: FactRule, value: object) -> bool:
    if not isinstance(benefit, DisabilityGrade) or rule is not GRADE:
        return True
    return str(value) in terms.tables[benefit.table]
