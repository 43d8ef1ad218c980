"""Whom each row of a slice means: persons, riders and cover that are already there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from app.kernel.clock import business_day
from app.members.bulk import known_persons
from app.members.matching import Identity
from app.policies.bulk_looks import ended_policies, free_places, holdings_of
from app.policies.calendar import term_period
from app.policies.eligibility import Applicant, Wanted, failing_rules
from app.rosters import queries
from app.rosters.intents import Intent, Refusals, Run
from app.rosters.survey import UNCHANGED
from app.rosters.terms import Offer, offer_for
from app.rosters.units import unmet_in_units
from app.rosters.validation import Candidate, RowError


async def match(
    connection: asyncpg.Connection, run: Run, candidates: Sequence[Candidate]
) -> tuple[list[Intent], Refusals]:
    """The rows that can be carried out, everything they need found; and the refused ones."""
    refusals = Refusals()
    documents: dict[bytes, int] = {}
    intents = [
        intent
        for each in candidates
        if (intent := _intend(run, each, documents, refusals)) is not None
    ]
    intents = await _find_persons(connection, intents, refusals)
    intents = await _find_riders(connection, run, intents, refusals)
    await _find_cover(connection, run, intents)
    for offer in run.offers.values():
        mine = [intent for intent in intents if intent.offer is offer and intent.begins]
        unmet = await unmet_in_units(connection, offer, {each.organisation_id for each in mine})
        for intent in mine:
            intent.unmet = unmet.get(intent.organisation_id, ())
    return _eligible(run, intents, refusals), refusals


def _intend(
    run: Run, candidate: Candidate, documents: dict[bytes, int], refusals: Refusals
) -> Intent | None:
    """The row with its agreement, unless there is none or its person had a row before.

    `documents` has the rows of this slice; rows of former slices are riders by now.
    """
    errors: list[RowError] = []
    offer = offer_for(run.offers, candidate.plan)
    if isinstance(offer, str):
        errors.append(RowError("plan", offer))
    elif candidate.shares not in (None, offer.agreement.shares):
        fields = {"shares": offer.agreement.shares}
        errors.append(RowError("shares", "shares-differ", fields=fields))
    identity = Identity(candidate.name, candidate.document, candidate.phone)
    keys = run.indexer.keys_of(identity)
    first = documents.setdefault(keys.document, candidate.number)
    if first < candidate.number:
        errors.append(RowError("document_number", "duplicate-person", fields={"row": first}))
    if errors or isinstance(offer, str):
        refusals.add(candidate, *errors)
        return None
    notices = list(candidate.notices)
    organisation_id = run.organisation_id
    if candidate.site:
        organisation_id = run.sites.get(candidate.site, organisation_id)
        if candidate.site not in run.sites:
            notices.append("site-unknown")
    return Intent(candidate, identity, keys, offer, organisation_id, notices)


async def _find_persons(
    connection: asyncpg.Connection, intents: list[Intent], refusals: Refusals
) -> list[Intent]:
    """Everybody who is known by the documents; rows of blocked persons are refused."""
    by_document = {intent.keys.document: intent for intent in intents}
    for document, known in (await known_persons(connection, list(by_document))).items():
        intent = by_document[document]
        same_name = [person for person in known if person.name == intent.keys.name]
        intent.person = max(same_name, key=lambda person: person.verified, default=None)
        intent.namesakes = [person.id for person in known]
        intent.name_differs = any(
            person.verified and person.name != intent.keys.name for person in known
        )
        if any(person.blocked for person in known):
            refusals.add(intent.candidate, RowError("document_number", "person-not-enrollable"))
            del by_document[document]
    return list(by_document.values())


async def _find_riders(
    connection: asyncpg.Connection, run: Run, intents: list[Intent], refusals: Refusals
) -> list[Intent]:
    """The rider under this reference, or else under one that the file no longer names."""
    refs = [intent.candidate.rider_ref for intent in intents]
    by_ref = await queries.riders_by_ref(connection, run.partner_id, refs)
    persons = [person_id for intent in intents for person_id in intent.namesakes]
    by_person = await queries.riders_by_person(connection, run.partner_id, persons)
    kept = []
    for intent in intents:
        reference = intent.candidate.rider_ref
        others = [
            rider
            for person_id in intent.namesakes
            for rider in by_person.get(person_id, ())
            if rider["rider_ref"] != reference
        ]
        taken = next((each for each in others if _stays(run, each)), None)
        if taken is not None:
            fields = {"row": run.survey.named[taken["rider_ref"]]}
            error = RowError("document_number", "duplicate-person", fields=fields)
            refusals.add(intent.candidate, error)
            continue
        intent.rider = by_ref.get(reference)
        if intent.rider is None and intent.person is not None:
            renumbered = (
                each
                for each in others
                if each["person_id"] == intent.person.id
                and each["rider_ref"] not in run.survey.named
            )
            intent.rider = next(renumbered, None)
        kept.append(intent)
    return kept


def _stays(run: Run, rider: Any) -> bool:
    """Whether this roster says, or has said already, that the rider is who they were.

    A row that is still to come may say otherwise: two riders may have been mixed up.
    """
    mark = run.survey.mark_of(rider["rider_ref"])
    return mark is not None and (mark == UNCHANGED or rider["changed_sequence"] == run.sequence)


async def _find_cover(connection: asyncpg.Connection, run: Run, intents: list[Intent]) -> None:
    """Cover these persons have from this partner, and the places they have left."""
    known = {intent.person.id: intent for intent in intents if intent.person is not None}
    sponsored = await queries.sponsored_policies(
        connection, run.partner_id, list(known), run.cover_from
    )
    for intent in known.values():
        assert intent.person is not None  # noqa: S101  filtered above
        plan_code = intent.offer.agreement.plan_code
        intent.policy = sponsored.get((intent.person.id, plan_code))
    for offer in run.offers.values():
        waiting = [
            person_id
            for person_id, intent in known.items()
            if intent.offer is offer and intent.policy is None
        ]
        await _find_places(connection, run, offer, {each: known[each] for each in waiting})
    for intent in intents:
        if intent.person is None:
            intent.places = range(1, intent.offer.terms.max_shares + 1)


async def _find_places(
    connection: asyncpg.Connection, run: Run, offer: Offer, waiting: Mapping[UUID, Intent]
) -> None:
    """Who of these goes on where former cover ended, and the places that each has left."""
    maximum, plan_code = offer.terms.max_shares, offer.agreement.plan_code
    ended = await ended_policies(
        connection,
        list(waiting),
        plan_code,
        run.partner_id,
        cover_from=run.cover_from,
        now=run.now,
    )
    periods: dict[datetime, list[UUID]] = {}
    for person_id, intent in waiting.items():
        intent.follows = ended.get(person_id)
        starts_at = run.cover_from
        if intent.follows is not None:
            starts_at = intent.follows.ends_at
            term = offer.terms.option().term
            intent.period = term_period(term, business_day(starts_at))
        periods.setdefault(starts_at, []).append(person_id)
    for persons in periods.values():
        period = waiting[persons[0]].period or offer.period
        free = await free_places(connection, persons, plan_code, maximum, period)
        held = await holdings_of(connection, persons, plan_code, period)
        for person_id, places in free.items():
            waiting[person_id].places = places
            waiting[person_id].held = held.get(person_id, ())


def _eligible(run: Run, intents: list[Intent], refusals: Refusals) -> list[Intent]:
    """Those who have cover already, or may have it; every failing rule is named."""
    kept = []
    for intent in intents:
        document, offer = intent.candidate.document, intent.offer
        shares = offer.agreement.shares
        failures = (
            []
            if intent.policy is not None
            else failing_rules(
                offer.terms,
                Applicant(document.birth_on, document.sex, vouched_for=True),
                Wanted(
                    offer.first_day,
                    shares,
                    len(intent.places),
                    kind="new" if intent.follows is None else "renewal",
                    channel="roster",
                    today=business_day(run.now),
                    held=intent.held,
                ),
            )
        )
        errors = [
            RowError("document_number", rule.code, fields=_numbers(rule.fields))
            for rule in failures
        ]
        if errors or intent.unmet:
            refusals.add(intent.candidate, *errors, *intent.unmet)
            continue
        intent.places = intent.places[:shares]
        kept.append(intent)
    return kept


def _numbers(fields: Any) -> dict[str, int] | None:
    """What the words of a row's error are filled with; names of plans are not."""
    if not fields:
        return None
    return {name: value for name, value in fields.items() if isinstance(value, int)} or None
