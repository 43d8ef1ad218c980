"""What a draft would mean for the people who are covered now: its price, and who may stay."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from app.kernel.clock import add_months, business_day
from app.kernel.money import round_half_up
from app.plans.errors import OptionNotFound
from app.plans.inputs import Value
from app.plans.prices import ContributionOption
from app.plans.pricing import priced
from app.plans.service import terms_of
from app.plans.terms import PlanTerms
from app.policies.calendar import period_days, term_period, whole_months
from app.policies.eligibility import Applicant, Wanted, failing_rules

# $1 the plan, $2 the instant, $3 its day, $4 the offices, $5 the office that manages what
# nobody else does (null: another one does).
_IN_FORCE = """
from policy p join person on person.id = p.person_id
left join member m on m.person_id = p.person_id
where p.plan_code = $1 and p.status = 'in_force' and p.period @> $2::timestamptz
and coalesce(p.organisation_id, m.organisation_id, $5::uuid) = any($4::uuid[])
"""
_AGE = "extract(year from age($3::date, person.birth_on))::int"
# The option at the instant: the newest that the policy was raised to, or the one issued.
_OPTION = """coalesce((
    select t.option_code from policy_transaction t
    where t.policy_id = p.id and t.option_code is not null and t.effective_at <= $2::timestamptz
    order by t.recorded_at desc, t.id desc limit 1), p.option_code)"""
_POLICIES = f"""
select p.plan_version_id, {_OPTION} as option_code, p.shares, {_AGE} as age, person.sex,
       count(*) as number
{_IN_FORCE} group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
"""
_PEOPLE = f"""
select plan_version_id, shares, age, sex, count(*) as number from (
  select (array_agg(p.plan_version_id order by p.id desc))[1] as plan_version_id,
         sum(p.shares)::int as shares, {_AGE} as age, person.sex
  {_IN_FORCE} group by p.person_id, person.birth_on, person.sex
) each group by 1, 2, 3, 4 order by 1, 2, 3, 4
"""  # noqa: S608


class Group(NamedTuple):
    """Equal policies, or equal people (`option_code` None); `number` of them."""

    terms: PlanTerms
    option_code: str | None
    shares: int
    age: int
    sex: str
    number: int


async def membership(
    reads: asyncpg.Pool,
    draft: PlanTerms,
    plan_code: str,
    now: datetime,
    offices: list[UUID],
    fallback: UUID | None,
) -> dict[str, Any]:
    """The effect on everybody whom the plan covers at `now`.

    Contributions are what the present shares and options cost per year at today's age.
    """
    day = business_day(now)
    scope = (plan_code, now, day, offices, fallback)
    policies = [
        Group(await terms_of(reads, version_id), *rest)
        for version_id, *rest in await reads.fetch(_POLICIES, *scope)
    ]
    people = [
        Group(await terms_of(reads, version_id), None, *rest)
        for version_id, *rest in await reads.fetch(_PEOPLE, *scope)
    ]
    return {"on": day.isoformat(), **incomes(draft, policies, day), **leavers(draft, people, day)}


def incomes(draft: PlanTerms, policies: Iterable[Group], day: date) -> dict[str, Any]:
    """Contributions per year in fen, now and then, by option and shares."""
    lines: dict[tuple[str, int], dict[str, Any]] = {}
    not_priced: dict[str, int] = {}
    covered = 0
    for group in policies:
        covered += group.number
        code = group.option_code or group.terms.option().code
        now, missing_now = yearly(group.terms, code, group, day)
        # Who never chose has whatever is sold when nobody chooses.
        then, missing_then = yearly(draft, group.option_code, group, day)
        missing = dict.fromkeys((*missing_now, *missing_then))
        for name in missing:
            not_priced[name] = not_priced.get(name, 0) + group.number
        line = lines.setdefault((code, group.shares), _no_policies(code, group.shares))
        line["policies"] += group.number
        if missing:
            line["not_priced"] += group.number
            continue
        line["now"] += now * group.number
        line["then"] += then * group.number
    options = [_in_fen(lines[key]) for key in sorted(lines)]
    now_fen = sum(line["now_fen_per_year"] for line in options)
    then_fen = sum(line["then_fen_per_year"] for line in options)
    return {
        "policies": covered,
        "now_fen_per_year": now_fen,
        "then_fen_per_year": then_fen,
        "difference_fen_per_year": then_fen - now_fen,
        "options": options,
        "not_priced": not_priced,
    }


def _no_policies(code: str, shares: int) -> dict[str, Any]:
    zero = Fraction(0)
    line: dict[str, Any] = {"option": code, "shares": shares, "policies": 0, "not_priced": 0}
    return line | {"now": zero, "then": zero}


def _in_fen(line: Mapping[str, Any]) -> dict[str, Any]:
    content = dict(line)
    for side in ("now", "then"):
        content[f"{side}_fen_per_year"] = round_half_up(content.pop(side))
    return content


def yearly(
    terms: PlanTerms, option_code: str | None, group: Group, day: date
) -> tuple[Fraction, tuple[str, ...]]:
    """What one such policy costs for twelve months, exactly; and what its price cannot be
    told without (`option`: the document has no such option)."""
    try:
        option = terms.option(option_code)
    except OptionNotFound:
        return Fraction(0), ("option",)
    inputs, terms_per_year = _term(option, day)
    inputs |= {"shares": group.shares, "age": group.age, "sex": group.sex}
    found = priced(terms, f"price:{option.code}", option.price, inputs)
    return found.amount_fen * terms_per_year, found.missing


def _term(option: ContributionOption, day: date) -> tuple[dict[str, Value], Fraction]:
    """A whole term as prices see it, and how many of them are a year."""
    term = option.term
    first = term.first_day or day
    period = term_period(term, first)
    assert period.upper is not None  # noqa: S101  cover always ends
    end, days = business_day(period.upper), period_days(period)
    months = term.months or whole_months(first, end)
    inputs: dict[str, Value] = {
        "term_days": days,
        "remaining_days": days,
        "term_months": months,
        "remaining_months": months,
    }
    if months and add_months(first, months) == end:
        return inputs, Fraction(12, months)
    return inputs, Fraction(365, days)


def leavers(draft: PlanTerms, people: Sequence[Group], day: date) -> dict[str, Any]:
    """Who could renew now and could not under the draft, by the rules that they would fail.

    Ages, sexes and shares are known; what people would state is not asked.
    """
    rules: dict[str, int] = {}
    leaving = 0
    for group in people:
        if _failed(group.terms, group, day):
            continue
        failed = _failed(draft, group, day)
        leaving += group.number if failed else 0
        for code in failed:
            rules[code] = rules.get(code, 0) + group.number
    members = sum(group.number for group in people)
    return {"members": members, "no_longer_eligible": {"members": leaving, "rules": rules}}


def _failed(terms: PlanTerms, group: Group, day: date) -> list[str]:
    # Anybody born on this day has this age; more is not asked.
    applicant = Applicant(add_months(day, -12 * group.age), group.sex, vouched_for=True)
    wanted = Wanted(day, group.shares, terms.max_shares, kind="renewal")
    return list(dict.fromkeys(each.code for each in failing_rules(terms, applicant, wanted)))
