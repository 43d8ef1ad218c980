"""Who may be covered: every failing rule is named at once, none stops the others."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.terms import AgeRange, PlanTerms
from app.policies.calendar import age_on

Kind = Literal["new", "renewal", "upgrade"]


@dataclass(frozen=True, slots=True)
class Applicant:
    """What the rules look at; an occupation that nobody stated breaks no rule.

    `vouched_for`: somebody else applies for the person and answers for them (a partner
    with its roster); what persons state of themselves is not asked then.
    """

    birth_on: date
    sex: str
    occupation: str | None = None
    statements: frozenset[str] = frozenset()
    in_unit: bool = False
    card_holder: bool | None = None
    vouched_for: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """Another plan that the person has during the cover asked for; `paid` or only ordered."""

    terms: PlanTerms
    paid: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """The cover asked for.

    `available` is how many of the plan's shares nobody holds for this person yet, over
    all channels and open orders. Without `today` no joining window is looked at, without
    a `channel` no channel is.
    """

    first_day: date
    shares: int
    available: int
    kind: Kind = "new"
    channel: str | None = None
    today: date | None = None
    held: tuple[Holding, ...] = ()
    statements_due: bool = True


TOO_YOUNG = Text("未满 {minimum} 周岁", "Younger than {minimum}.")
TOO_OLD = Text("已满 {limit} 周岁", "{limit} or older.")
SEX = Text("该保障活动不面向此性别", "The plan is not for this sex.")
OCCUPATION = Text("职业不在保障范围内", "The occupation is not one the plan covers.")
SHARES = Text(
    "最多可参保 {maximum} 份，当前还可参保 {available} 份",
    "At most {maximum} shares; {available} are still available.",
)
STATEMENT = Text("须声明（{statement}）：{zh}", "To be stated ({statement}): {en}")
UNIT = Text("须通过所在单位参加", "The plan is joined through one's unit.")
CARD = Text("须持有工会会员卡", "The union member's card is needed.")
NOT_OPEN_YET = Text("自 {day} 起开放参加", "Joining opens on {day}.")
CLOSED = Text("参加已于 {day} 截止", "Joining closed on {day}.")
CHANNEL = Text("该保障活动不能通过此渠道参加", "The plan cannot be joined in this way.")
EXCLUDED = Text("不能与「{zh}」同时参加", "Cannot be held together with {en}.")
REQUIRED = Text("须先参加保障活动 {plan}", "The plan {plan} must be held as well.")


def failing_rules(terms: PlanTerms, applicant: Applicant, wanted: Wanted) -> list[FieldError]:
    """Every rule not met; empty means eligible. Ages count on the first covered day."""
    failures = [
        *_age(terms, applicant, wanted),
        *_occupation(terms, applicant),
        *_stated(terms, applicant, wanted),
        *_joining(terms, wanted),
        *_relations(terms, wanted),
    ]
    if wanted.shares > wanted.available:
        fields = {"maximum": terms.max_shares, "available": wanted.available}
        failures.append(FieldError("/shares", "shares-over-limit", SHARES, fields))
    return failures


def _age(terms: PlanTerms, applicant: Applicant, wanted: Wanted) -> list[FieldError]:
    rules = terms.eligibility
    allowed: AgeRange | None = rules.ages.get("female" if applicant.sex == "female" else "male")
    if allowed is None:
        return [FieldError("", "sex-not-eligible", SEX)]
    maximum = allowed.maximum
    if wanted.kind == "renewal" and rules.renewal_maximum_age is not None:
        maximum = rules.renewal_maximum_age
    age = age_on(applicant.birth_on, wanted.first_day)
    if age < allowed.minimum:
        fields = {"minimum": allowed.minimum}
        return [FieldError("", "age-below-minimum", TOO_YOUNG, fields)]
    if age > maximum:
        return [FieldError("", "age-above-maximum", TOO_OLD, {"limit": maximum + 1})]
    return []


def _occupation(terms: PlanTerms, applicant: Applicant) -> list[FieldError]:
    allowed = terms.eligibility.occupations
    if applicant.occupation is None or not allowed or applicant.occupation in allowed:
        return []
    return [FieldError("/occupation", "occupation-not-eligible", OCCUPATION)]


def _stated(terms: PlanTerms, applicant: Applicant, wanted: Wanted) -> Iterator[FieldError]:
    """What the person has to state, and to belong to."""
    rules = terms.eligibility
    if applicant.vouched_for:
        return
    for each in rules.statements if wanted.statements_due else ():
        if each.code not in applicant.statements:
            fields = {"statement": each.code, "zh": each.words.zh, "en": each.words.en}
            yield FieldError("/statements", "statement-missing", STATEMENT, fields)
    if rules.unit_required and not applicant.in_unit:
        yield FieldError("/unit_kind", "unit-required", UNIT)
    if rules.card_required and not applicant.card_holder:
        yield FieldError("/card_holder", "card-required", CARD)


def _joining(terms: PlanTerms, wanted: Wanted) -> Iterator[FieldError]:
    """The window is for who joins; who goes on has the renewal's window."""
    joining = terms.joining
    if wanted.today is not None and wanted.kind == "new":
        if joining.opens_on is not None and wanted.today < joining.opens_on:
            fields = {"day": joining.opens_on.isoformat()}
            yield FieldError("", "joining-not-open", NOT_OPEN_YET, fields)
        if joining.closes_on is not None and wanted.today > joining.closes_on:
            fields = {"day": joining.closes_on.isoformat()}
            yield FieldError("", "joining-closed", CLOSED, fields)
    if wanted.channel is not None and joining.channels and wanted.channel not in joining.channels:
        yield FieldError("", "channel-not-open", CHANNEL)


def _relations(terms: PlanTerms, wanted: Wanted) -> Iterator[FieldError]:
    """Exclusion holds in both directions, and an order not yet paid counts for it."""
    for other in (holding.terms for holding in wanted.held):
        if other.code in terms.relations.excludes or terms.code in other.relations.excludes:
            fields = {"plan": other.code, "zh": other.name.zh, "en": other.name.en}
            yield FieldError("/plan_code", "plan-excluded", EXCLUDED, fields)
    paid = {holding.terms.code for holding in wanted.held if holding.paid}
    for code in terms.relations.requires:
        if code not in paid:
            yield FieldError("/plan_code", "plan-required", REQUIRED, {"plan": code})
