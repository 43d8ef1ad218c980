"""One household, one file: opened, kept, looked at every year, left with a reason."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.queries import municipal_office
from app.kernel.clock import add_months, business_day, day_start
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id, new_number
from app.kernel.jobs import schedule, unschedule
from app.kernel.principal import SYSTEM, Principal
from app.kernel.problems import FieldError, NotFound, Unprocessable
from app.kernel.text import Text
from app.kernel.transitions import begin, move
from app.kernel.vault import Vault
from app.members.service import member_of
from app.members.serving import may_serve
from app.relief import board_queries, queries
from app.relief.bodies import ExitBody, HouseholdBody, KinBody, ReviewBody
from app.relief.errors import HouseholdExited, HouseholdNotFound
from app.relief.events import HOUSEHOLD_EXITED, HOUSEHOLD_REVIEW_DUE, REVIEW_DUE
from app.relief.following import cases_follow
from app.relief.household_models import (
    HOUSEHOLD,
    Household,
    HouseholdMember,
)
from app.relief.situations import record, require_situation

REVIEW_MONTHS = 12
ONE_OF_TWO = Text("请填写成员编号或姓名，二者选一", "Give either a person or a name.")


async def open_household(
    session: AsyncSession,
    vault: Vault,
    caseworker: Principal,
    body: HouseholdBody,
    now: datetime,
    at: datetime,
) -> Household:
    """A file for a member's household, due for its first review in a year.

    Raises NotFound (404) for somebody whom the caller neither manages nor serves,
    InAnotherHousehold (409), Unprocessable (422).
    """
    require_situation(body.situation)
    if not await may_serve(session, caseworker, body.person_id, at):
        raise NotFound
    member = await member_of(session, body.person_id)
    office = None if member is None else member.organisation_id
    household_id = new_id()
    household = Household(
        id=household_id,
        number=new_number("H"),
        organisation_id=office or await municipal_office(session),
        status="open",
        sealed=vault.seal(
            "household", household_id, {"address": body.address, "notes": body.notes}
        ),
        opened_by=caseworker.id,
        opened_at=now,
        review_due_on=add_months(business_day(now), REVIEW_MONTHS),
    )
    begin(session, HOUSEHOLD, household, actor=caseworker, at=now, on_behalf_of=body.person_id)
    await session.flush()
    own = KinBody.model_construct(relation="self", person_id=body.person_id)
    for kin in (own, *body.members):
        await _add(session, vault, caseworker, household, kin, now, at)
    await record(session, vault, caseworker, household, body.situation, "opened", now)
    await _cases_follow(session, vault, household, now)
    await _wait_for_review(session, household)
    opened = Fact("household", household.id, "household.open")
    await state(session, [opened], actor=caseworker, at=now, on_behalf_of=body.person_id)
    return household


async def find(
    session: AsyncSession, staff: Principal, household_id: UUID, *, lock: bool = False
) -> Household:
    """A file that the caller manages; raises HouseholdNotFound (404)."""
    found = queries.visible_households(staff).where(Household.id == household_id)
    household = await session.scalar(found.with_for_update() if lock else found)
    if household is None:
        raise HouseholdNotFound
    return household


async def _open_one(session: AsyncSession, staff: Principal, household_id: UUID) -> Household:
    household = await find(session, staff, household_id, lock=True)
    if household.status == "exited":
        raise HouseholdExited
    return household


async def add_member(
    session: AsyncSession,
    vault: Vault,
    caseworker: Principal,
    household_id: UUID,
    body: KinBody,
    now: datetime,
    at: datetime,
) -> Household:
    """Somebody joins a household; raises InAnotherHousehold, HouseholdExited (409)."""
    household = await _open_one(session, caseworker, household_id)
    await _add(session, vault, caseworker, household, body, now, at)
    await _cases_follow(session, vault, household, now)
    added = Fact("household", household.id, "household.add_member")
    await state(session, [added], actor=caseworker, at=now)
    return household


async def _add(
    session: AsyncSession,
    vault: Vault,
    caseworker: Principal,
    household: Household,
    body: KinBody,
    now: datetime,
    at: datetime,
) -> None:
    if (body.person_id is None) == (body.name is None):
        raise Unprocessable(errors=[FieldError("/name", "one-of-two", ONE_OF_TWO)])
    if body.person_id is not None and not await may_serve(session, caseworker, body.person_id, at):
        raise NotFound
    if body.staff_id is not None and not await board_queries.visible_staff(
        session, caseworker, body.staff_id
    ):
        raise NotFound
    member_id = new_id()
    named = None
    if body.name is not None:
        named = vault.seal("household_member", member_id, {"name": body.name})
    session.add(
        HouseholdMember(
            id=member_id,
            household_id=household.id,
            relation=body.relation,
            person_id=body.person_id,
            sealed=named,
            staff_id=body.staff_id,
            joined_at=now,
        )
    )
    await session.flush()


async def _cases_follow(
    session: AsyncSession, vault: Vault, household: Household, now: datetime
) -> None:
    members = await queries.members_of(session, household.id)
    people = [each.person_id for each in members if each.person_id is not None]
    await cases_follow(session, vault, household, people, now)


async def remove_member(
    session: AsyncSession,
    caseworker: Principal,
    household_id: UUID,
    member_id: UUID,
    now: datetime,
) -> Household:
    """Somebody leaves a household; the file remembers. Raises HouseholdNotFound (404)."""
    household = await _open_one(session, caseworker, household_id)
    for member in await queries.members_of(session, household.id):
        if member.id == member_id:
            member.left_at = now
            await session.flush()
            left = Fact("household", household.id, "household.remove_member")
            await state(session, [left], actor=caseworker, at=now)
            return household
    raise HouseholdNotFound


async def record_situation(
    session: AsyncSession,
    vault: Vault,
    caseworker: Principal,
    household_id: UUID,
    situation: Mapping[str, Any],
    now: datetime,
) -> Household:
    """How the household stands now; what was known before stays in the file."""
    household = await _open_one(session, caseworker, household_id)
    require_situation(situation)
    await record(session, vault, caseworker, household, situation, "changed", now)
    await _cases_follow(session, vault, household, now)
    recorded = Fact("household", household.id, "household.record_situation")
    await state(session, [recorded], actor=caseworker, at=now)
    return household


async def review(
    session: AsyncSession,
    vault: Vault,
    caseworker: Principal,
    household_id: UUID,
    body: ReviewBody,
    now: datetime,
) -> Household:
    """The household stays; the next review is due a year from today."""
    household = await _open_one(session, caseworker, household_id)
    require_situation(body.situation)
    await record(session, vault, caseworker, household, body.situation, "reviewed", now)
    await _cases_follow(session, vault, household, now)
    if body.notes is not None:
        told = vault.open("household", household.id, household.sealed)
        told["notes"] = body.notes
        household.sealed = vault.seal("household", household.id, told)
    await move(
        session, HOUSEHOLD, household, "open", actor=caseworker, at=now, reason_code="reviewed"
    )
    household.reviewed_at = now
    household.review_due_on = add_months(business_day(now), REVIEW_MONTHS)
    await session.flush()
    await _wait_for_review(session, household)
    reviewed = Fact("household", household.id, "household.review")
    await state(session, [reviewed], actor=caseworker, at=now)
    return household


async def leave(
    session: AsyncSession,
    vault: Vault,
    caseworker: Principal,
    household_id: UUID,
    body: ExitBody,
    now: datetime,
) -> Household:
    """The household leaves with a reason; who was in it may be in another from now on."""
    household = await _open_one(session, caseworker, household_id)
    if body.note is not None:
        told = vault.open("household", household.id, household.sealed)
        told["exit_note"] = body.note
        household.sealed = vault.seal("household", household.id, told)
    household.exited_at, household.exit_reason = now, body.reason_code
    await move(
        session,
        HOUSEHOLD,
        household,
        "exited",
        actor=caseworker,
        at=now,
        reason_code=body.reason_code,
    )
    for member in await queries.members_of(session, household.id):
        member.left_at = now
    await session.flush()
    await unschedule(session, REVIEW_DUE, household.id)
    content = {"reason_code": body.reason_code}
    exited = Fact("household", household.id, "household.exit", HOUSEHOLD_EXITED, content)
    await state(session, [exited], actor=caseworker, at=now)
    return household


async def review_due(session: AsyncSession, household_id: UUID, now: datetime) -> None:
    """The day of the review has come: the file is on the caseworkers' list."""
    household = await session.get_one(Household, household_id, with_for_update=True)
    if household.status != "open" or day_start(household.review_due_on) > now:
        return
    await move(session, HOUSEHOLD, household, "review_due", actor=SYSTEM, at=now)
    due = Fact("household", household.id, "household.fall_due", HOUSEHOLD_REVIEW_DUE)
    await state(session, [due], actor=SYSTEM, at=now)


async def _wait_for_review(session: AsyncSession, household: Household) -> None:
    await schedule(session, REVIEW_DUE, household.id, day_start(household.review_due_on))
