"""What a plan wants of a unit that joins as a whole, and of who orders in such a unit."""

from collections.abc import Collection, Iterator
from fractions import Fraction
from uuid import UUID

import asyncpg
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.group_models import GroupJoining
from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.terms import Group, PlanTerms

TOO_FEW = Text(
    "单位参保率须达到 {least}%，至少 {people} 人",
    "At least {least} % of the unit: {people} people.",
)
NOT_ALL = Text("不足 {most} 人的单位须全员参保", "A unit of up to {most} people joins as a whole.")
UNEQUAL = Text("同一单位每人参保份数须相同", "Everybody of the unit takes the same shares.")
TOO_MANY = Text("参保人数超过单位人数", "More people would hold the plan than the unit has.")
UNIT_FIRST = Text(
    "所在单位尚未整体参加该保障活动",
    "The plan is joined by the unit as a whole, and yours has not joined yet.",
)
SHARES_OF_UNIT = Text(
    "所在单位每人参保 {shares} 份，须相同", "Everybody of your unit takes {shares} shares."
)


def group_faults(
    rules: Group | None, headcount: int, joined: int, shares: frozenset[int], people: str
) -> Iterator[FieldError]:
    """The rules about the unit as a whole; `people` is the pointer to who joins."""
    if joined > headcount:
        yield FieldError("/headcount", "group-larger-than-unit", TOO_MANY)
    if rules is None:
        return
    if rules.minimum_participation is not None:
        share = Fraction(rules.minimum_participation)
        if Fraction(joined, headcount) < share:
            least = -(-share.numerator * headcount // share.denominator)
            fields = {"least": f"{float(share * 100):g}", "people": least}
            yield FieldError(people, "participation-too-low", TOO_FEW, fields)
    everybody = rules.everybody_up_to
    if everybody is not None and headcount <= everybody and joined < headcount:
        yield FieldError(people, "everybody-joins", NOT_ALL, {"most": everybody})
    if rules.equal_shares and len(shares) > 1:
        yield FieldError(people, "shares-not-equal", UNEQUAL)


async def faults_in_unit(
    session: AsyncSession, terms: PlanTerms, unit_id: UUID, shares: int
) -> list[FieldError]:
    """What keeps somebody of a unit from joining: the unit joins first, all with equal shares."""
    rules = terms.joining.group
    if rules is None:
        return []
    joining = await joining_of(session, unit_id, terms.code)
    return unit_faults(rules, None if joining is None else joining.shares, shares)


def unit_faults(rules: Group, joined_with: int | None, shares: int) -> list[FieldError]:
    """The same of a unit that joined with so many shares for everybody, or has not joined."""
    if joined_with is None:
        return [FieldError("", "unit-joins-first", UNIT_FIRST)]
    if rules.equal_shares and shares != joined_with:
        fields = {"shares": joined_with}
        return [FieldError("/shares", "shares-not-equal", SHARES_OF_UNIT, fields)]
    return []


_SHARES_OF_UNITS = """
select w.id, u.id as unit_id,
       (select g.shares from group_joining g
        where g.organisation_id = u.id and g.plan_code = $2 order by g.id desc limit 1) as shares
from organisation w
join organisation u on u.id = any(w.lineage) and u.kind = 'unit'
where w.id = any($1::uuid[])
"""


async def shares_of_units(
    connection: asyncpg.Connection, organisation_ids: Collection[UUID], plan_code: str
) -> dict[UUID, int | None]:
    """With how many shares the unit of each organisation joined; None where it has not.

    An organisation that is in no unit is left out.
    """
    rows = await connection.fetch(_SHARES_OF_UNITS, list(organisation_ids), plan_code)
    return {row["id"]: row["shares"] for row in rows}


async def joining_of(session: AsyncSession, unit_id: UUID, plan_code: str) -> GroupJoining | None:
    """How a unit last joined a plan as a whole, if it has."""
    return await session.scalar(
        select(GroupJoining)
        .where(GroupJoining.organisation_id == unit_id, GroupJoining.plan_code == plan_code)
        .order_by(GroupJoining.id.desc())
        .limit(1)
    )
