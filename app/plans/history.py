"""What a person was paid before, and how much of it counts in a period; pure functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from uuid import UUID

from app.kernel.clock import add_months
from app.plans.literals import Within
from app.plans.steps import ITEMS


@dataclass(frozen=True, slots=True)
class Use:
    """One paid claim: what it used of limits, and what its counters remember."""

    plan_code: str
    benefit_code: str
    policy_id: UUID
    incident_id: UUID
    claim_id: UUID
    event_on: date
    amount_fen: int
    counters: Mapping[str, Fraction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standpoint:
    """From where the past is seen: one claim, its policy and that policy's days [start, end)."""

    plan_code: str
    benefit_code: str
    policy_id: UUID
    incident_id: UUID
    claim_id: UUID | None
    event_on: date
    starts_on: date
    ends_on: date

    def year(self) -> tuple[date, date]:
        """The policy year in which the event lies, as [first day, first day after)."""
        months = 12
        while add_months(self.starts_on, months) <= self.event_on:
            months += 12
        return add_months(self.starts_on, months - 12), add_months(self.starts_on, months)


@dataclass(frozen=True, slots=True)
class Past:
    """A person's uses, oldest first, seen from one claim."""

    uses: Sequence[Use]
    here: Standpoint

    def paid(self, within: Within, benefits: Sequence[str], plans: Sequence[str] = ()) -> int:
        """Fen paid by this plan in the period; no benefits named: this benefit.

        With `plans` what those paid instead, whichever their benefits and policies.
        """
        if plans:
            return sum(use.amount_fen for use in self._member(within, set(plans)))
        codes = benefits or (self.here.benefit_code,)
        return sum(use.amount_fen for use in self._own(within) if use.benefit_code in codes)

    def times(self, within: Within) -> int:
        """Paid claims of this benefit in the period."""
        return len(
            {
                use.claim_id
                for use in self._own(within)
                if use.benefit_code == self.here.benefit_code and use.amount_fen
            }
        )

    def counted(self, counter: str, within: Within) -> Fraction:
        """What a counter had in the period; benefits that name it share it.

        Listed items are counted for each benefit by itself.
        """
        code = self.here.benefit_code
        return sum(
            (
                use.counters.get(counter, Fraction(0))
                for use in self._own(within)
                if counter != ITEMS or use.benefit_code == code
            ),
            Fraction(),
        )

    def of_limit(
        self,
        within: Within,
        *,
        benefits: Sequence[str],
        plans: Sequence[str],
        across_member: bool,
    ) -> int:
        """Fen that count against a limit: benefits (none named: all), over policies or plans."""
        codes = {self.here.plan_code, *plans}
        found = self._member(within, codes) if across_member or plans else self._own(within)
        return sum(use.amount_fen for use in found if not benefits or use.benefit_code in benefits)

    def _own(self, within: Within) -> list[Use]:
        """This policy's uses; over a lifetime those of all policies of the plan."""
        here = self.here
        if within == "lifetime":
            return [use for use in self.uses if use.plan_code == here.plan_code]
        inside = self._period(within)
        return [use for use in self.uses if use.policy_id == here.policy_id and inside(use)]

    def _member(self, within: Within, plans: set[str]) -> list[Use]:
        """The uses of all policies of the plans; a term is this policy's days."""
        here = self.here
        inside = self._period(within)
        if within == "term":
            return [
                use
                for use in self.uses
                if use.plan_code in plans and here.starts_on <= use.event_on < here.ends_on
            ]
        return [use for use in self.uses if use.plan_code in plans and inside(use)]

    def _period(self, within: Within) -> Callable[[Use], bool]:
        here = self.here
        if within == "claim":
            return lambda use: use.claim_id == here.claim_id
        if within == "incident":
            return lambda use: use.incident_id == here.incident_id
        if within == "year":
            first, after = here.year()
            return lambda use: first <= use.event_on < after
        return lambda use: True
