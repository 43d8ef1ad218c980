"""Who may be covered: every failing rule is named at once, none stops the others."""

from dataclasses import dataclass
from datetime import date

from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.terms import AgeRange, PlanTerms
from app.policies.calendar import age_on


@dataclass(frozen=True, slots=True)
class Applicant:
    """What the rules look at; an occupation that nobody stated breaks no rule."""

    birth_on: date
    sex: str
    occupation: str | None = None


TOO_YOUNG = Text("未满 {minimum} 周岁", "Younger than {minimum}.")
TOO_OLD = Text("已满 {limit} 周岁", "{limit} or older.")
SEX = Text("该保障活动不面向此性别", "The plan is not for this sex.")
OCCUPATION = Text("职业不在保障范围内", "The occupation is not one the plan covers.")
SHARES = Text(
    "最多可参保 {maximum} 份，当前还可参保 {available} 份",
    "At most {maximum} shares; {available} are still available.",
)


def failing_rules(
    terms: PlanTerms, applicant: Applicant, *, first_day: date, shares: int, available: int
) -> list[FieldError]:
    """Every rule not met on the first covered day; empty means eligible.

    `available` is how many of the plan's shares nobody holds for this person yet, over
    all channels and open orders.
    """
    failures = [*_age(terms, applicant, first_day), *_occupation(terms, applicant)]
    if shares > available:
        fields = {"maximum": terms.max_shares, "available": available}
        failures.append(FieldError("/shares", "shares-over-limit", SHARES, fields))
    return failures


def _age(terms: PlanTerms, applicant: Applicant, first_day: date) -> list[FieldError]:
    allowed: AgeRange | None = terms.eligibility.ages.get(
        "female" if applicant.sex == "female" else "male"
    )
    if allowed is None:
        return [FieldError("", "sex-not-eligible", SEX)]
    age = age_on(applicant.birth_on, first_day)
    if age < allowed.minimum:
        fields = {"minimum": allowed.minimum}
        return [FieldError("", "age-below-minimum", TOO_YOUNG, fields)]
    if age > allowed.maximum:
        fields = {"limit": allowed.maximum + 1}
        return [FieldError("", "age-above-maximum", TOO_OLD, fields)]
    return []


def _occupation(terms: PlanTerms, applicant: Applicant) -> list[FieldError]:
    allowed = terms.eligibility.occupations
    if applicant.occupation is None or not allowed or applicant.occupation in allowed:
        return []
    return [FieldError("/occupation", "occupation-not-eligible", OCCUPATION)]
