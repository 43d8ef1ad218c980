"""Issuing policies: cover, its first transaction and its share slots in one statement."""

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.database import raw_connection
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id, new_ids, new_number
from app.kernel.principal import Principal
from app.members.blocking import blocked_since
from app.members.errors import MemberBlocked
from app.members.models import Person
from app.plans.models import PlanVersion
from app.policies.calendar import first_covered_day, term_period
from app.policies.errors import SharesOverLimit
from app.policies.events import POLICY_ISSUED
from app.policies.models import Policy
from app.policies.slots import reserve_shares
from app.policies.statements import ISSUE


@dataclass(frozen=True, slots=True)
class NewLayer:
    """A transaction of a new policy: the shares that it has by then, `counted_from` when.

    With an `option_code` that is the option from here on.
    """

    kind: Literal["issue", "renew", "upgrade"]
    shares: int
    effective_at: datetime
    counted_from: datetime | None = None
    option_code: str | None = None


@dataclass(frozen=True, slots=True)
class NewPolicy:
    """Everything that a policy is made of; `period` is planned while it is pending."""

    person_id: UUID
    plan_code: str
    plan_version_id: UUID
    shares: int
    period: Range[datetime]
    in_force: bool
    channel: str
    sponsor_id: UUID | None = None
    order_id: UUID | None = None
    organisation_id: UUID | None = None
    enrolled_by: UUID | None = None
    option_code: str | None = None
    term_number: int = 1
    follows_id: UUID | None = None
    # How its shares came together; empty: all of them with its first day.
    layers: tuple["NewLayer", ...] = ()
    id: UUID = field(default_factory=new_id)
    number: str = field(default_factory=partial(new_number, "P"))

    @property
    def status(self) -> str:
        return "in_force" if self.in_force else "pending"

    @property
    def starts_at(self) -> datetime:
        assert self.period.lower is not None  # noqa: S101  cover always starts
        return self.period.lower

    @property
    def ends_at(self) -> datetime:
        assert self.period.upper is not None  # noqa: S101  and ends
        return self.period.upper


async def issue_policy(
    session: AsyncSession,
    *,
    person: Person,
    version: PlanVersion,
    shares: int,
    start_on: date | None = None,
    channel: str,
    order_id: UUID | None = None,
    sponsor_id: UUID | None = None,
    organisation_id: UUID | None = None,
    enrolled_by: UUID | None = None,
    actor: Principal,
    now: datetime,
    without_identity: bool = False,
    option: str | None = None,
) -> Policy:
    """Issue cover to a person from `start_on` (default: the day after `now`).

    In force when the person is verified, or when the sponsor's agreement gives cover
    `without_identity`; otherwise pending until `activate_pending`. Shares come from the
    order's reservation, or are reserved here. Raises SharesOverLimit, MemberBlocked (409).
    The row returned is not attached to the session.
    """
    blocked_at = await blocked_since(session, person.id)
    if blocked_at is not None:
        raise MemberBlocked(blocked_at)
    first_day = start_on or first_covered_day(now)
    policy = NewPolicy(
        person_id=person.id,
        plan_code=version.plan_code,
        plan_version_id=version.id,
        shares=shares,
        period=term_period(version.terms.option(option).term, first_day),
        in_force=person.verified_at is not None or without_identity,
        channel=channel,
        sponsor_id=sponsor_id,
        order_id=order_id,
        organisation_id=organisation_id,
        enrolled_by=enrolled_by,
        option_code=option,
    )
    return await issue(session, policy, actor=actor, now=now, max_shares=version.terms.max_shares)


_ISSUE = f"""
with covered as (
    select $1::uuid as policy_id, $2::text as number, $3::uuid as person_id, $4::text as plan_code,
           $5::uuid as plan_version_id, $6::int as shares, tstzrange($7, $8) as period,
           $9::text as status, $10::text as channel, $11::uuid as sponsor_id,
           $12::uuid as order_id, $13::uuid as organisation_id, $14::uuid as enrolled_by,
           $15::text as option_code, $16::int as term_number, $17::uuid as follows_id,
           $18::timestamptz as issued_at, $19::text as actor_kind, $20::uuid as actor_id
), layer as (
    select * from unnest($21::uuid[], $22::text[], $23::timestamptz[], $24::int[],
                         $25::timestamptz[], $26::text[])
        as l(id, kind, effective_at, shares, counted_from, option_code)
), {ISSUE}
select count(*) from taken_over
"""  # noqa: S608  constants only


async def issue(
    session: AsyncSession,
    new: NewPolicy,
    *,
    actor: Principal,
    now: datetime,
    max_shares: int,
    stated: bool = True,
) -> Policy:
    """Write a policy whose terms are already decided.

    An order's reserved places become the policy's, moved to its period. With `stated`
    false the caller states the fact `issued_fact` together with its own.
    """
    connection = await raw_connection(session)
    taken_over = await connection.fetchval(
        _ISSUE,
        *_parameters(new, actor, now),
    )
    if taken_over == 0:
        await reserve_shares(
            session,
            person_id=new.person_id,
            plan_code=new.plan_code,
            shares=new.shares,
            max_shares=max_shares,
            period=new.period,
            policy_id=new.id,
        )
    elif taken_over != new.shares:
        raise SharesOverLimit
    if stated:
        await state(session, [issued_fact(new)], actor=actor, at=now)
    return _row(new, now)


def _parameters(new: NewPolicy, actor: Principal, now: datetime) -> tuple[Any, ...]:
    layers = new.layers or (NewLayer("issue", new.shares, new.starts_at),)
    return (
        new.id,
        new.number,
        new.person_id,
        new.plan_code,
        new.plan_version_id,
        new.shares,
        new.starts_at,
        new.ends_at,
        new.status,
        new.channel,
        new.sponsor_id,
        new.order_id,
        new.organisation_id,
        new.enrolled_by,
        new.option_code,
        new.term_number,
        new.follows_id,
        now,
        actor.kind,
        actor.id,
        new_ids(len(layers)),
        [layer.kind for layer in layers],
        [layer.effective_at for layer in layers],
        [layer.shares for layer in layers],
        [layer.counted_from for layer in layers],
        [layer.option_code for layer in layers],
    )


def issued_fact(new: NewPolicy) -> Fact:
    """What everybody is told about a new policy."""
    return Fact(
        subject="policy",
        subject_id=new.id,
        audited="policy.issue",
        event=POLICY_ISSUED,
        content={
            "number": new.number,
            "person_id": str(new.person_id),
            "plan_code": new.plan_code,
            "shares": new.shares,
            "status": new.status,
            "channel": new.channel,
            "follows_id": str(new.follows_id) if new.follows_id else None,
            "starts_at": new.starts_at.isoformat(),
            "ends_at": new.ends_at.isoformat(),
        },
    )


def _row(new: NewPolicy, now: datetime) -> Policy:
    return Policy(
        id=new.id,
        number=new.number,
        person_id=new.person_id,
        plan_code=new.plan_code,
        plan_version_id=new.plan_version_id,
        shares=new.shares,
        period=new.period,
        status=new.status,
        channel=new.channel,
        sponsor_id=new.sponsor_id,
        order_id=new.order_id,
        organisation_id=new.organisation_id,
        enrolled_by=new.enrolled_by,
        option_code=new.option_code,
        term_number=new.term_number,
        follows_id=new.follows_id,
        issued_at=now,
    )
