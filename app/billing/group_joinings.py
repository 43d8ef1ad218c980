"""A unit joins a plan as a whole: who joins is named, judged together, and may order then."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.errors import GroupNotOffered
from app.billing.group_models import GroupJoining, GroupPerson
from app.billing.group_rules import group_faults
from app.billing.group_schemas import GroupJoiningBody
from app.kernel import audit
from app.kernel.clock import business_day, day_start
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, Unprocessable
from app.kernel.text import Text
from app.members.models import Member, Person
from app.organisations.models import Kind, Organisation
from app.organisations.queries import in_scope
from app.organisations.service import managed_reference
from app.plans import service as plans
from app.plans.terms import PlanTerms
from app.policies.calendar import first_covered_day
from app.policies.eligibility import Applicant, Wanted, failing_rules
from app.policies.errors import NotEligible
from app.policies.models import Policy

PERSONAL = frozenset({"age-below-minimum", "age-above-maximum", "sex-not-eligible"})
NO_UNIT = Text("不是入会单位", "This is not a unit.")
NOT_OF_UNIT = Text("不是该单位的会员", "Not a member of this unit.")
NAMED_TWICE = Text("重复填写", "Named twice.")


async def declare(
    session: AsyncSession, staff: Principal, body: GroupJoiningBody, now: datetime
) -> GroupJoining:
    """Record that a unit joins: its people may order from now on.

    Raises PlanNotFound (404), PlanNotOnSale, GroupNotOffered (409), Unprocessable and
    NotEligible (422) naming every rule that is not met.
    """
    unit = await managed_reference(session, staff, body.organisation_id, "/organisation_id")
    version = await plans.version_on_sale(session, body.plan_code, now)
    rules = version.terms.joining.group
    if rules is None:
        raise GroupNotOffered
    if unit.kind != Kind.UNIT:
        raise Unprocessable(errors=[FieldError("/organisation_id", "not-a-unit", NO_UNIT)])
    people = await _people(session, unit, body.person_ids)
    faults = list(_named(body.person_ids, people))
    if faults:
        raise Unprocessable(errors=faults)
    covered = await _covered(session, unit, version.terms.code, now)
    joined = covered.keys() | set(body.person_ids)
    shares = frozenset({body.shares, *covered.values()})
    faults = [
        *group_faults(rules, body.headcount, len(joined), shares, "/person_ids"),
        *_of_people(version.terms, body, people, now),
    ]
    if faults:
        raise NotEligible(errors=faults)
    return await _record(session, staff, body, now)


async def _record(
    session: AsyncSession, staff: Principal, body: GroupJoiningBody, now: datetime
) -> GroupJoining:
    row = GroupJoining(
        id=new_id(),
        organisation_id=body.organisation_id,
        plan_code=body.plan_code,
        headcount=body.headcount,
        shares=body.shares,
        evidence=body.evidence,
        declared_by=staff.id,
        declared_at=now,
    )
    session.add(row)
    await session.flush()
    await session.execute(
        insert(GroupPerson),
        [{"group_id": row.id, "person_id": person_id} for person_id in body.person_ids],
    )
    details = {"plan_code": row.plan_code, "people": len(body.person_ids)}
    await audit.record(
        session,
        staff,
        "group.join",
        subject="group_joining",
        subject_ids=[row.id, row.organisation_id],
        details=details,
    )
    return row


async def _people(
    session: AsyncSession, unit: Organisation, person_ids: Sequence[UUID]
) -> dict[UUID, Any]:
    """Those of these people who are members of the unit, or of a site of it."""
    rows = await session.execute(
        select(Person.id, Person.birth_on, Person.sex)
        .join(Member, Member.person_id == Person.id)
        .join(Organisation, Organisation.id == Member.organisation_id)
        .where(Person.id.in_(person_ids), Organisation.lineage.contains([unit.id]))
    )
    return {row.id: row for row in rows}


def _named(person_ids: Sequence[UUID], people: dict[UUID, Any]) -> Iterator[FieldError]:
    seen: set[UUID] = set()
    for at, person_id in enumerate(person_ids):
        if person_id not in people:
            yield FieldError(f"/person_ids/{at}", "not-of-the-unit", NOT_OF_UNIT)
        elif person_id in seen:
            yield FieldError(f"/person_ids/{at}", "named-twice", NAMED_TWICE)
        seen.add(person_id)


async def _covered(
    session: AsyncSession, unit: Organisation, plan_code: str, now: datetime
) -> dict[UUID, int]:
    """The people of a unit who hold the plan when new cover would begin, with their shares."""
    rows = await session.execute(
        covered_in(unit, plan_code, now).add_columns(func.sum(Policy.shares))
    )
    return {person_id: int(shares) for person_id, shares in rows}


def covered_in(unit: Organisation, plan_code: str, now: datetime) -> Any:
    """People of a unit with the plan when new cover would begin: one row for each."""
    return (
        select(Policy.person_id)
        .join(Member, Member.person_id == Policy.person_id)
        .join(Organisation, Organisation.id == Member.organisation_id)
        .where(
            Organisation.lineage.contains([unit.id]),
            Policy.plan_code == plan_code,
            Policy.status.in_(("pending", "in_force")),
            func.upper(Policy.period) > day_start(first_covered_day(now)),
        )
        .group_by(Policy.person_id)
    )


def _of_people(
    terms: PlanTerms, body: GroupJoiningBody, people: dict[UUID, Any], now: datetime
) -> Iterator[FieldError]:
    """Age and sex of everybody; what people state for themselves is asked when they order.

    What is the same for all is said once.
    """
    wanted = Wanted(first_covered_day(now), body.shares, terms.max_shares, today=business_day(now))
    said: set[str] = set()
    for at, person_id in enumerate(body.person_ids):
        person = people[person_id]
        applicant = Applicant(person.birth_on, person.sex, vouched_for=True)
        for failure in failing_rules(terms, applicant, wanted):
            if failure.code in PERSONAL:
                yield replace(failure, pointer=f"/person_ids/{at}")
            elif failure.code not in said:
                said.add(failure.code)
                yield failure


async def page(
    session: AsyncSession, staff: Principal, after: UUID | None, limit: int
) -> Sequence[tuple[GroupJoining, int]]:
    """Those of managed units with how many people joined, newest first; one row more than
    `limit` proves that more follow."""
    people = (
        select(func.count())
        .where(GroupPerson.group_id == GroupJoining.id)
        .correlate(GroupJoining)
        .scalar_subquery()
    )
    statement = (
        select(GroupJoining, people)
        .where(in_scope(staff, GroupJoining.organisation_id))
        .order_by(GroupJoining.id.desc())
        .limit(limit + 1)
    )
    if after is not None:
        statement = statement.where(GroupJoining.id < after)
    return [(row[0], row[1]) for row in await session.execute(statement)]
