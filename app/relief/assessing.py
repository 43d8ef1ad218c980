"""What a formula comes to for a household: the plans' engine over the facts of a case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.uses import uses_of
from app.kernel.money import yuan
from app.plans.assessment import Assessment, assess
from app.plans.estimates import estimate_range
from app.plans.explanation import explain
from app.plans.facts import plans_counted, read_facts
from app.plans.history import Past, Standpoint, Use
from app.plans.inputs import Item, Value
from app.policies.cover import cover_at
from app.relief import queries
from app.relief.case_models import ReliefCase
from app.relief.formulas import CONDOLENCE, RELIEF, FormulaTerms

# The engine speaks of benefits and years of cover; relief knows calendar years.
_SAID = (
    ("每个保障年度", "每户每个自然年度"),
    ("本保障年度", "本年度"),
    ("历年累计", "每户历年累计"),
    ("a year of cover", "a household and calendar year"),
    ("this year of cover", "this calendar year"),
)
_OWN_WORDS = frozenset({"limit", "used", "paid_before", "minus", "pays"})


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that one amount follows from."""

    terms: FormulaTerms
    inputs: Mapping[str, Value | tuple[Item, ...]]
    past: Past
    holds: frozenset[str]

    def assess(self) -> Assessment:
        """What the formula grants, or why it grants nothing."""
        return assess(self.terms.plan, RELIEF, self.inputs, self.past, self.holds)

    def promising(self, found: Assessment) -> bool:
        """Whether something is granted, or may be once the missing facts are known."""
        if found.amount_fen:
            return True
        if not found.missing:
            return False
        _, most = estimate_range(self.terms.plan, RELIEF, self.inputs, self.past, self.holds)
        return most is None or most > 0


async def standing(
    session: AsyncSession,
    terms: FormulaTerms,
    *,
    fund_id: UUID,
    person_id: UUID,
    household_id: UUID | None,
    ground: str,
    year: int,
    facts: Mapping[str, Any],
    now: datetime,
    case_id: UUID | None = None,
) -> Standing:
    """The facts as given, and what the fund granted to the household before."""
    values, _ = read_facts(terms.inputs, {**facts, "ground": ground})
    return Standing(
        terms,
        values,
        await past_of(session, terms, fund_id, person_id, household_id, year, case_id),
        frozenset(
            cover.plan_code for cover in await cover_at(session, person_id, now) if cover.covered
        ),
    )


async def standing_of_case(
    session: AsyncSession,
    case: ReliefCase,
    terms: FormulaTerms,
    facts: Mapping[str, Any],
    now: datetime,
) -> Standing:
    """The same for a case that exists."""
    return await standing(
        session,
        terms,
        fund_id=case.fund_id,
        person_id=case.person_id,
        household_id=case.household_id,
        ground=case.ground,
        year=case.year,
        facts=facts,
        now=now,
        case_id=case.id,
    )


async def past_of(
    session: AsyncSession,
    terms: FormulaTerms,
    fund_id: UUID,
    person_id: UUID,
    household_id: UUID | None,
    year: int,
    case_id: UUID | None,
) -> Past:
    """Grants of the fund to the whole household, seen from one calendar year.

    What plans paid its members is looked up where the formula counts it.
    """
    persons = {person_id}
    if household_id is not None:
        members = await queries.members_of(session, household_id)
        persons |= {each.person_id for each in members if each.person_id is not None}
    subject = household_id or person_id
    granted = await queries.granted_to(session, fund_id, list(persons), household_id)
    here = Standpoint(
        plan_code=terms.code,
        benefit_code=RELIEF,
        policy_id=subject,
        incident_id=case_id or subject,
        claim_id=case_id,
        event_on=date(year, 12, 31),
        starts_on=date(year, 1, 1),
        ends_on=date(year + 1, 1, 1),
    )
    uses = _uses(terms, subject, granted, case_id)
    if plans_counted(terms.plan):
        for each in sorted(persons):
            uses += await uses_of(session, each)
    return Past(uses, here)


def _uses(
    terms: FormulaTerms, subject: UUID, granted: Sequence[ReliefCase], besides: UUID | None
) -> list[Use]:
    return [
        Use(
            plan_code=terms.code,
            benefit_code=RELIEF if case.kind == "formula" else CONDOLENCE,
            policy_id=subject,
            incident_id=case.id,
            claim_id=case.id,
            event_on=date(case.year, 1, 1),
            amount_fen=case.amount_fen or 0,
        )
        for case in granted
        if case.id != besides
    ]


def explain_relief(
    terms: FormulaTerms, found: Assessment, givers: Mapping[str, str]
) -> dict[str, Any]:
    """The plans' explanation of the amount, in the words of relief."""
    root = explain(terms.plan, found, givers)
    amount = yuan(found.amount_fen)
    if found.failed:
        root["zh"] = f"不符合救助办法的条件，救助金 {amount} 元"
        root["en"] = f"The formula's conditions are not met: {amount} yuan"
    elif found.missing:
        root["zh"] = "信息不全，暂不能计算救助金"
        root["en"] = "Facts are missing: the amount of relief is not known yet"
    else:
        root["zh"] = f"按办法救助金 {amount} 元"
        root["en"] = f"Relief by the formula: {amount} yuan"
    _reword(root)
    return root


def _reword(node: dict[str, Any]) -> None:
    if node["code"] in _OWN_WORDS:
        for was, becomes in _SAID:
            node["zh"] = node["zh"].replace(was, becomes)
            node["en"] = node["en"].replace(was, becomes)
    for step in node["steps"]:
        _reword(step)
