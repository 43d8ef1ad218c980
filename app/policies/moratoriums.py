"""Moratoriums: declared for a subtree and days, lengthened, withdrawn."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.clock import business_day
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.jobs import enqueue
from app.kernel.principal import Principal
from app.kernel.problems import FieldError, NotFound, PreconditionFailed, Unprocessable
from app.kernel.text import Text
from app.organisations.models import Organisation
from app.organisations.queries import in_scope
from app.organisations.service import managed_reference
from app.policies.change_models import Moratorium
from app.policies.change_schemas import MoratoriumBody
from app.policies.errors import MoratoriumOver
from app.policies.events import (
    EXTEND,
    MORATORIUM_CHANGED,
    MORATORIUM_DECLARED,
    MORATORIUM_WITHDRAWN,
)

# A disaster is declared after it has begun, but not months after.
LOOKS_BACK = timedelta(days=31)
LONGEST = timedelta(days=366)
ORDER = Text("末日不能早于首日", "The last day is not before the first.")
TOO_OLD = Text("首日最早为 31 天前", "The first day is at most 31 days ago.")
TOO_LONG = Text("期限最长 366 天", "It lasts 366 days at most.")
IN_THE_PAST = Text("末日不能早于今天", "The last day is not before today.")


async def declare(
    session: AsyncSession, supervisor: Principal, body: MoratoriumBody, now: datetime
) -> Moratorium:
    """Declare that nothing ends in a managed subtree on these days.

    Raises Unprocessable (422) naming what is wrong.
    """
    await managed_reference(session, supervisor, body.organisation_id, "/organisation_id")
    today = business_day(now)
    _refuse(_faults(body.first_day, body.last_day, today))
    row = Moratorium(
        id=new_id(),
        organisation_id=body.organisation_id,
        first_day=body.first_day,
        last_day=body.last_day,
        reason=body.reason,
        declared_by=supervisor.id,
        declared_at=now,
        version=1,
    )
    session.add(row)
    await session.flush()
    await _tell(session, row, "moratorium.declare", MORATORIUM_DECLARED, supervisor, now)
    await enqueue(session, EXTEND, {"moratorium_id": str(row.id)})
    return row


def _faults(first: date, last: date, today: date) -> list[FieldError]:
    faults = []
    if last < first:
        faults.append(FieldError("/last_day", "ends-before-start", ORDER))
    if last < today:
        faults.append(FieldError("/last_day", "in-the-past", IN_THE_PAST))
    if first < today - LOOKS_BACK:
        faults.append(FieldError("/first_day", "too-long-ago", TOO_OLD))
    if last - first >= LONGEST:
        faults.append(FieldError("/last_day", "too-long", TOO_LONG))
    return faults


def _refuse(faults: Sequence[FieldError]) -> None:
    if faults:
        raise Unprocessable(errors=faults)


async def change(
    session: AsyncSession,
    supervisor: Principal,
    moratorium_id: UUID,
    last_day: date,
    version: int,
    now: datetime,
) -> Moratorium:
    """Move the last day; what was extended already stays as it is.

    Raises NotFound (404), PreconditionFailed (412), MoratoriumOver (409), Unprocessable
    (422) for a day in the past.
    """
    row = await _locked(session, supervisor, moratorium_id)
    if row.version != version:
        raise PreconditionFailed
    today = business_day(now)
    if row.withdrawn_at is not None or row.last_day < today:
        raise MoratoriumOver
    faults = [
        fault for fault in _faults(row.first_day, last_day, today) if fault.pointer == "/last_day"
    ]
    _refuse(faults)
    row.last_day, row.version = last_day, row.version + 1
    await session.flush()
    await _tell(session, row, "moratorium.change", MORATORIUM_CHANGED, supervisor, now)
    await enqueue(session, EXTEND, {"moratorium_id": str(row.id)})
    return row


async def withdraw(
    session: AsyncSession, supervisor: Principal, moratorium_id: UUID, now: datetime
) -> Moratorium:
    """Extend nothing more; a withdrawn one stays as it is. Raises NotFound (404)."""
    row = await _locked(session, supervisor, moratorium_id)
    if row.withdrawn_at is None:
        row.withdrawn_at, row.withdrawn_by = now, supervisor.id
        row.version += 1
        await session.flush()
        await _tell(session, row, "moratorium.withdraw", MORATORIUM_WITHDRAWN, supervisor, now)
    return row


async def _locked(session: AsyncSession, caller: Principal, moratorium_id: UUID) -> Moratorium:
    row = await session.scalar(
        select(Moratorium)
        .where(Moratorium.id == moratorium_id, in_scope(caller, Moratorium.organisation_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound
    return row


def concerning(caller: Principal) -> ColumnElement[bool]:
    """True of moratoriums in the caller's subtree, and of those above that reach it."""
    above = select(func.unnest(Organisation.lineage)).where(
        Organisation.id == caller.organisation_id
    )
    return or_(in_scope(caller, Moratorium.organisation_id), Moratorium.organisation_id.in_(above))


async def page(
    session: AsyncSession, caller: Principal, after: UUID | None, limit: int
) -> Sequence[Moratorium]:
    """Newest first; one row more than `limit` proves that more follow."""
    statement = select(Moratorium).where(concerning(caller)).order_by(Moratorium.id.desc())
    if after is not None:
        statement = statement.where(Moratorium.id < after)
    return (await session.scalars(statement.limit(limit + 1))).all()


async def find(session: AsyncSession, caller: Principal, moratorium_id: UUID) -> Moratorium:
    """One that concerns the caller; raises NotFound (404)."""
    row = await session.scalar(
        select(Moratorium).where(Moratorium.id == moratorium_id, concerning(caller))
    )
    if row is None:
        raise NotFound
    return row


async def _tell(
    session: AsyncSession,
    row: Moratorium,
    verb: str,
    event: str,
    actor: Principal,
    now: datetime,
) -> None:
    content = {
        "organisation_id": str(row.organisation_id),
        "first_day": row.first_day.isoformat(),
        "last_day": row.last_day.isoformat(),
        "version": row.version,
    }
    await state(session, [Fact("moratorium", row.id, verb, event, content)], actor=actor, at=now)
