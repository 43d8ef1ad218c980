"""Carrying out the rows of a slice: persons, cover, members, money, riders; in bulk."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import facts
from app.kernel.clock import business_day
from app.kernel.database import raw_connection
from app.kernel.principal import Principal
from app.kernel.vault import Vault
from app.members.bulk import join_in_bulk, pre_register
from app.policies.bulk import Batch, Recipient, issue_in_bulk
from app.rosters.answers import RowAnswer
from app.rosters.intents import Intent, Run
from app.rosters.matching import match
from app.rosters.riders import Placed, write_riders
from app.rosters.sponsorship import bill
from app.rosters.terms import Offer
from app.rosters.validation import Candidate


async def enrol_rows(
    session: AsyncSession,
    vault: Vault,
    run: Run,
    candidates: Sequence[Candidate],
    *,
    actor: Principal,
    now: datetime,
) -> list[RowAnswer]:
    """The answer to every candidate, and everything it stands for.

    Raises asyncpg's UniqueViolationError, ExclusionViolationError or DeadlockDetectedError
    when somebody else enrolled one of these persons meanwhile: roll back and run it again.
    """
    connection = await raw_connection(session)
    intents, refusals = await match(connection, run, candidates)
    persons = await _persons(session, vault, intents, actor, now)
    placed: list[Placed] = []
    for offer in run.offers.values():
        mine = [
            (intent, person_id)
            for intent, person_id in zip(intents, persons, strict=True)
            if intent.offer is offer
        ]
        placed += await _cover(session, offer, mine, run, actor, now)
    answers = await write_riders(session, vault, run, placed, actor, now)
    return [*refusals, *answers]


async def _persons(
    session: AsyncSession, vault: Vault, intents: Sequence[Intent], actor: Principal, now: datetime
) -> list[UUID]:
    """Each row's person, made where nobody was found."""
    missing = [(each.identity, each.keys) for each in intents if each.person is None]
    made = iter(await pre_register(session, vault, missing, actor=actor, now=now))
    return [each.person.id if each.person else next(made) for each in intents]


async def _cover(
    session: AsyncSession,
    offer: Offer,
    rows: Sequence[tuple[Intent, UUID]],
    run: Run,
    actor: Principal,
    now: datetime,
) -> list[Placed]:
    """The policies of one agreement: those that are there, and the new ones."""
    fresh = [(intent, person_id) for intent, person_id in rows if intent.policy is None]
    recipients = [
        Recipient(
            person_id,
            intent.organisation_id,
            intent.in_force,
            intent.places,
            intent.follows,
            intent.period,
        )
        for intent, person_id in fresh
    ]
    shares = offer.agreement.shares
    batch = Batch(offer.version, shares, offer.period, "roster", sponsor_id=run.partner_id)
    issued = await issue_in_bulk(session, batch, recipients, actor=actor, now=now)
    placed = [
        Placed(*row, policy.id, policy.number, _until(row[0], offer))
        for row, policy in zip(fresh, issued, strict=True)
    ]
    begun = [each for each in placed if each.covered_until is not None]
    await _join(session, begun, actor, now)
    await bill(
        session,
        offer.version,
        shares,
        [each.policy_id for each in begun],
        event_on=business_day(now),
        actor=actor,
    )
    return placed + [_kept(*row) for row in rows if row[0].policy is not None]


def _until(intent: Intent, offer: Offer) -> datetime | None:
    return (intent.period or offer.period).upper if intent.in_force else None


def _kept(intent: Intent, person_id: UUID) -> Placed:
    """A row whose person has this cover from this partner already."""
    policy = intent.policy
    until = policy["ends_at"] if policy["status"] == "in_force" else None
    return Placed(intent, person_id, policy["id"], policy["number"], until)


async def _join(
    session: AsyncSession, begun: Sequence[Placed], actor: Principal, now: datetime
) -> None:
    """Who is covered without having proven who they are becomes a member as well."""
    joining = [
        (each.person_id, each.intent.organisation_id)
        for each in begun
        if each.intent.person is None or not each.intent.person.verified
    ]
    if joining:
        told = await join_in_bulk(await raw_connection(session), joining, now=now)
        await facts.state(session, told, actor=actor, at=now)
