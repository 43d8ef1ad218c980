"""Who claims for a dead member: named beneficiaries or heirs, proven, with their shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import death_queries, promises, queries
from app.claims.death_bodies import ClaimantBody, ClaimantsBody
from app.claims.death_errors import (
    ClaimantsClosed,
    ClaimantsDiffer,
    ClaimantsMissing,
    DeathNotReported,
    KinshipNotProven,
    NotForSurvivors,
)
from app.claims.death_models import ClaimClaimant, DeathReport
from app.claims.errors import ClaimNotFound
from app.claims.models import Claim
from app.claims.terms import terms_of
from app.kernel.clock import business_day, day_start
from app.kernel.facts import Fact, state
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.kernel.vault import Vault
from app.members.entry import read_identity
from app.members.matching import Identity, lock_documents, prove_person
from app.members.models import Person
from app.members.names import normalise_name
from app.members.service import name_of
from app.payouts.queries import of_claim
from app.plans.benefits import Benefit
from app.policies.beneficiaries import beneficiaries_at, record_of
from app.policies.change_models import Beneficiary

# While these last and no money is on its way, claimants may be entered; in review only where
# the claim became the survivors' under way.
ENTERED_WHILE = ("draft", "waiting_for_member", "approved")
FIRST_ENTERED_WHILE = (*ENTERED_WHILE, "submitted", "under_review")

NOT_NAMED = Text("不是保障凭证指定的受益人", "Not a beneficiary that the policy names.")
TWICE = Text("重复登记", "Entered twice.")
IS_THE_DEAD = Text("与会员为同一人", "This is the member.")
PERCENT_FIXED = Text("份额以保障凭证为准，请勿填写", "The percent is on the policy; leave it out.")
PERCENT_MISSING = Text("请填写约定的份额", "Give the percent that the heirs agreed on.")
NOT_WHOLE = Text("份额合计须为 100%", "The percents add up to 100.")
LEFT_OUT = Text(
    "有指定受益人未列入，请说明原因", "A named beneficiary is left out: say why in the note."
)


async def require_report(session: AsyncSession, person_id: UUID) -> DeathReport:
    """The confirmed report of a person's death; raises DeathNotReported (409)."""
    report = await death_queries.confirmed_report(session, person_id)
    if report is None:
        raise DeathNotReported
    return report


async def named_at_death(
    session: AsyncSession, policy_id: UUID, benefit: Benefit, report: DeathReport
) -> Sequence[Beneficiary]:
    """Whom the policy named at the end of the day of death; nobody means the legal heirs.

    A benefit that is the member's own belongs to the estate, whomever the policy names.
    What was changed after the report cannot count.
    """
    if benefit.payee != "beneficiary":
        return ()
    last = day_start(report.died_on + timedelta(days=1)) - timedelta(microseconds=1)
    return await beneficiaries_at(session, policy_id, min(last, report.reported_at))


def is_named(vault: Vault, row: Beneficiary, person: Person) -> bool:
    """Whether the policy's entry means this proven person: by document, or else by name."""
    if row.document_index is not None:
        record = record_of(vault, row)
        held = vault.open("person", person.id, person.sealed)
        return bool(record["document_number"] == held["document_number"])
    return _same_name(vault, row, person)


def _same_name(vault: Vault, row: Beneficiary, person: Person) -> bool:
    named = normalise_name(record_of(vault, row)["name"]).casefold()
    return named == normalise_name(name_of(vault, person)).casefold()


@dataclass(frozen=True, slots=True)
class Entry:
    """One claimant about to be written."""

    person: Person
    relation: str
    share_percent: int
    beneficiary_id: UUID | None


async def enter_claimants(
    session: AsyncSession,
    vault: Vault,
    staff: Principal,
    claim_id: UUID,
    body: ClaimantsBody,
    now: datetime,
) -> Claim:
    """Replace a claim's claimants by these, whose cards the caller has in hand.

    Raises ClaimNotFound (404), NotForSurvivors, ClaimantsClosed, DeathNotReported,
    NameDiffers, MemberBlocked (409), ClaimantsDiffer, Unprocessable (422).
    """
    claim = await queries.find_locked(session, staff, claim_id)
    if claim is None:
        raise ClaimNotFound
    if not claim.for_survivors:
        raise NotForSurvivors
    live = [each for each in await of_claim(session, claim.id) if each.status != "failed"]
    known = await death_queries.claimants_of(session, claim.id)
    if claim.status not in (ENTERED_WHILE if known else FIRST_ENTERED_WHILE) or live:
        raise ClaimantsClosed
    report = await require_report(session, claim.person_id)
    benefit = (await terms_of(session, claim)).benefit(claim.benefit_code)
    named = await named_at_death(session, claim.policy_id, benefit, report)
    persons = await _prove(session, vault, staff, body.claimants, business_day(now), now)
    entries = _entries(vault, claim, body, persons, named)
    await write_claimants(session, vault, staff, claim, entries, body.note, now)
    if claim.status in ("submitted", "under_review"):
        await promises.resume(session, claim, "review", now)
    return claim


async def _prove(
    session: AsyncSession,
    vault: Vault,
    staff: Principal,
    given: Sequence[ClaimantBody],
    today: date,
    now: datetime,
) -> list[Person]:
    identities: list[Identity] = [
        read_identity(each.name, each.document, each.phone, today, f"/claimants/{place}")
        for place, each in enumerate(given)
    ]
    await lock_documents(session, vault, [each.document.index_value for each in identities])
    return [
        await prove_person(session, vault, each, verified_by="attestation", actor=staff, now=now)
        for each in identities
    ]


def _entries(
    vault: Vault,
    claim: Claim,
    body: ClaimantsBody,
    persons: Sequence[Person],
    named: Sequence[Beneficiary],
) -> list[Entry]:
    rows = _matched(vault, persons, named)
    faults = _who(claim, persons, rows if named else None)
    entries = []
    for place, (each, person) in enumerate(zip(body.claimants, persons, strict=True)):
        row = rows[place]
        percent = each.share_percent if row is None else row.share_percent
        if named and each.share_percent is not None:
            faults.append(_fault(place, "share_percent", "percent-fixed", PERCENT_FIXED))
        if not named and percent is None:
            faults.append(_fault(place, "share_percent", "percent-missing", PERCENT_MISSING))
        entries.append(Entry(person, each.relation, percent or 0, row.id if row else None))
    whole = sum(entry.share_percent for entry in entries)
    if not faults and named and whole < 100 and body.note is None:
        faults.append(FieldError("/note", "beneficiary-left-out", LEFT_OUT))
    if not faults and not named and whole != 100:
        faults.append(FieldError("/claimants", "percents-not-whole", NOT_WHOLE))
    if faults:
        raise ClaimantsDiffer(errors=faults)
    return entries


def _matched(
    vault: Vault, persons: Sequence[Person], named: Sequence[Beneficiary]
) -> list[Beneficiary | None]:
    """The policy's entry of each person; one entry means one person."""
    left, rows = list(named), []
    for person in persons:
        row = next((each for each in left if is_named(vault, each, person)), None)
        if row is not None:
            left.remove(row)
        rows.append(row)
    return rows


def _who(
    claim: Claim, persons: Sequence[Person], rows: Sequence[Beneficiary | None] | None
) -> list[FieldError]:
    """Faults of who they are, whatever their shares; `rows` is None where nobody is named."""
    faults = []
    for place, person in enumerate(persons):
        if person.id == claim.person_id:
            faults.append(_fault(place, "document", "is-the-member", IS_THE_DEAD))
        elif any(person.id == other.id for other in persons[:place]):
            faults.append(_fault(place, "document", "claimant-twice", TWICE))
        elif rows is not None and rows[place] is None:
            faults.append(_fault(place, "name", "not-named", NOT_NAMED))
    return faults


def _fault(place: int, field: str, code: str, words: Text) -> FieldError:
    return FieldError(f"/claimants/{place}/{field}", code, words)


async def write_claimants(
    session: AsyncSession,
    vault: Vault,
    actor: Principal,
    claim: Claim,
    entries: Sequence[Entry],
    note: str | None,
    now: datetime,
) -> None:
    """Write the claimants of a locked claim in place of those before; kinship starts anew."""
    for before in await death_queries.claimants_of(session, claim.id):
        before.removed_at = now
    await session.flush()
    for position, entry in enumerate(entries, start=1):
        session.add(
            ClaimClaimant(
                id=new_id(),
                claim_id=claim.id,
                person_id=entry.person.id,
                beneficiary_id=entry.beneficiary_id,
                position=position,
                relation=entry.relation,
                share_percent=entry.share_percent,
                entered_by_kind=actor.kind,
                entered_by=actor.id,
                entered_at=now,
            )
        )
    sealed = None if note is None else vault.seal("claim", claim.id, {"note": note})
    claim.sealed_survivors = sealed
    await session.flush()
    told: dict[str, Any] = {"persons": [str(entry.person.id) for entry in entries]}
    entered = Fact("claim", claim.id, "claim.enter_claimants", None, told)
    await state(session, [entered], actor=actor, at=now, on_behalf_of=claim.person_id)


async def require_whole(session: AsyncSession, claim: Claim) -> None:
    """Raise ClaimantsMissing (409) unless all who share are entered.

    Fewer than 100 percent is whole where a note says why a named beneficiary is left out.
    """
    claimants = await death_queries.claimants_of(session, claim.id)
    whole = sum(each.share_percent for each in claimants) == 100
    if not claimants or not (whole or claim.sealed_survivors is not None):
        raise ClaimantsMissing


async def unprove(session: AsyncSession, claim: Claim, document_id: UUID) -> None:
    """A paper counts no more: whoever's kinship was read in it is to be proven anew."""
    for claimant in await death_queries.claimants_of(session, claim.id):
        if claimant.kinship_document_id == document_id:
            claimant.kinship_document_id = None
            claimant.kinship_proven_by = claimant.kinship_proven_at = None
    await session.flush()


async def require_kinship(session: AsyncSession, claim: Claim) -> None:
    """Raise KinshipNotProven (409) naming claimants without a paper, or ClaimantsMissing."""
    await require_whole(session, claim)
    unproven = [
        str(each.id)
        for each in await death_queries.claimants_of(session, claim.id)
        if each.kinship_document_id is None
    ]
    if unproven:
        raise KinshipNotProven(unproven)
