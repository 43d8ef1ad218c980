"""What the rows of a slice ask for, and what is found for each on its way."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range

from app.members.bulk import Indexer, Keys, KnownPerson
from app.members.matching import Identity
from app.policies.bulk_looks import Followed
from app.policies.eligibility import Holding
from app.rosters.answers import RowAnswer
from app.rosters.survey import Survey
from app.rosters.terms import Offer
from app.rosters.validation import Candidate, RowError


@dataclass(slots=True)
class Run:
    """What the slices of one roster share."""

    roster_id: UUID
    partner_id: UUID
    organisation_id: UUID
    sequence: int
    survey: Survey
    indexer: Indexer
    now: datetime
    # Cover that starts now starts here, or later where the agreement says so.
    cover_from: datetime
    offers: dict[str, Offer] = field(default_factory=dict)
    sites: dict[str, UUID] = field(default_factory=dict)


@dataclass(slots=True)
class Intent:
    """One row on its way: what it asks for, and what was found for it."""

    candidate: Candidate
    identity: Identity
    keys: Keys
    offer: Offer
    organisation_id: UUID
    notices: list[str]
    person: KnownPerson | None = None
    name_differs: bool = False
    # Everybody who is said to have this document, under whatever name.
    namesakes: Sequence[UUID] = ()
    rider: Any = None
    policy: Any = None
    places: Sequence[int] = ()
    # Cover of this partner that has ended and goes on, and from when to when then.
    follows: Followed | None = None
    period: Range[datetime] | None = None
    held: tuple[Holding, ...] = ()
    # What the plan wants of the unit that the rider is in, and what that unit has not done.
    unmet: Sequence[RowError] = ()

    @property
    def begins(self) -> bool:
        """Whether the row asks for cover that neither is there nor goes on."""
        return self.policy is None and self.follows is None

    @property
    def in_force(self) -> bool:
        """Cover waits for identity unless the agreement gives it without.

        Where the document is proven under another name, it waits in any case.
        """
        if self.person is not None and self.person.verified:
            return True
        return self.offer.agreement.without_identity and not self.name_differs


class Refusals(list[RowAnswer]):
    """The answers to rows that go no further."""

    def add(self, candidate: Candidate, *errors: RowError) -> None:
        answer = RowAnswer(
            candidate.number, candidate.rider_ref, "refused", "", candidate.notices, errors
        )
        self.append(answer)
