"""One person's claims under another document, in the order in which they were decided; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from app.claims.amounts import context_of, standpoint, unpayable
from app.claims.opening import outside_cover, outside_terms
from app.kernel.clock import business_day
from app.plans.assessment import Assessment, assess
from app.plans.facts import facts_of, plans_counted, read_facts
from app.plans.history import Past, Use
from app.plans.inputs import Input
from app.plans.operators.conditions import Holds
from app.plans.terms import PlanTerms
from app.plans.walking import walk
from app.policies.cover import PlanCover, PolicyCover, plan_covers

# A person looked at the papers and did not believe them: no document decides that.
JUDGED = frozenset({"not-an-accident", "not-genuine", "claimed-before"})
NO_SUCH_BENEFIT = "no-such-benefit"


class DecidedClaim(NamedTuple):
    """A claim as it was decided; `counted` is False for what is only history."""

    id: UUID
    number: str
    person_id: UUID
    policy_id: UUID
    incident_id: UUID
    benefit_code: str
    paid_fen: int | None
    denied_for: str | None
    cause: str
    occurred_at: datetime
    opened_at: datetime
    decided_at: datetime
    birth_on: date
    sex: str
    counted: bool
    facts: Mapping[str, Any]


class OtherUse(NamedTuple):
    """What the person was paid by another plan, and when that became known."""

    use: Use
    recorded_at: datetime


class Outcome(NamedTuple):
    """A claim as it would be decided.

    `reason` says why nothing is paid; `missing` are facts without which nobody can say.
    `clouded`: a claim of the same person before it could not be compared.
    """

    claim: DecidedClaim
    benefit_code: str | None
    then_fen: int
    reason: str | None
    missing: tuple[str, ...]
    clouded: bool
    found: Assessment | None

    @property
    def now_fen(self) -> int:
        return self.claim.paid_fen or 0

    @property
    def limits(self) -> list[str]:
        """The periods of the limits that bit."""
        limits = () if self.found is None else self.found.limits
        return [each.limit.per for each in limits if each.bit]


class PersonRows(NamedTuple):
    """Everything of one person that the replay looks at.

    `cover` are rows of policies' transactions as `cover.plan_covers` folds them.
    """

    claims: Sequence[DecidedClaim]
    cover: Sequence[Mapping[str, Any]]
    others: Sequence[OtherUse]


@dataclass(frozen=True)
class Script:
    """The document that is tried out, and which of its benefits stand for former ones.

    `versions` are those under which cover was sold: their grace days were kept.
    """

    terms: PlanTerms
    renamed: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[UUID, PlanTerms] = field(default_factory=dict)

    def benefit(self, code: str) -> str | None:
        """The document's benefit for a former one, or None where there is no such benefit."""
        code = self.renamed.get(code, code)
        return code if code in self.terms.by_code else None

    @cached_property
    def facts(self) -> Mapping[str, Mapping[str, Input]]:
        """The facts that each benefit needs, by name."""
        return {
            benefit.code: {fact.name: fact for fact in facts_of(self.terms, benefit)}
            for benefit in self.terms.benefits
        }

    @cached_property
    def looks_at_other_plans(self) -> bool:
        """Whether payments of other plans count."""
        return bool(plans_counted(self.terms))

    @cached_property
    def looks_at_other_cover(self) -> bool:
        """Whether it matters which other plans the person held."""
        roots = []
        for benefit in self.terms.benefits:
            roots += [benefit.pays, *(step.value for step in benefit.steps)]
            roots += [condition.require for condition in benefit.conditions]
            roots += [counter.of for counter in benefit.counters.values()]
            roots += [limit.max for limit in benefit.limits]
        roots += [limit.max for limit in self.terms.limits]
        return any(isinstance(node, Holds) for root in roots for _, node in walk(root))


@dataclass(frozen=True, slots=True)
class _Event:
    """The incident of a decided claim."""

    id: UUID
    cause: str
    occurred_at: datetime


def replay(script: Script, person: PersonRows) -> Iterator[Outcome]:
    """Each claim as the document would have it, and its use of limits for those after it."""
    uses: list[Use] = []
    clouded = False
    for claim in person.claims:
        past = [other.use for other in person.others if other.recorded_at <= claim.decided_at]
        outcome = _outcome(script, claim, person.cover, [*past, *uses], clouded)
        yield outcome
        if outcome.missing:
            clouded = True
        used = _use(script, outcome)
        if used is not None:
            uses.append(used)


def _use(script: Script, outcome: Outcome) -> Use | None:
    """What the claim leaves behind; one that nobody can judge leaves what it was paid.

    A claim that comes to nothing although no condition fails still counts its days.
    """
    claim, found = outcome.claim, outcome.found
    if found is None or found.failed or outcome.benefit_code is None:
        return None
    amount = outcome.now_fen if outcome.missing else outcome.then_fen
    counters: Mapping[str, Fraction] = {} if outcome.missing else found.counters
    return Use(
        plan_code=script.terms.code,
        benefit_code=outcome.benefit_code,
        policy_id=claim.policy_id,
        incident_id=claim.incident_id,
        claim_id=claim.id,
        event_on=business_day(claim.occurred_at),
        amount_fen=amount,
        counters=counters,
    )


def _outcome(
    script: Script,
    claim: DecidedClaim,
    rows: Sequence[Mapping[str, Any]],
    uses: Sequence[Use],
    clouded: bool,
) -> Outcome:
    code = script.benefit(claim.benefit_code)
    if claim.denied_for in JUDGED:
        return Outcome(claim, code, 0, claim.denied_for, (), clouded, None)
    if code is None:
        return Outcome(claim, None, 0, NO_SUCH_BENEFIT, (), clouded, None)
    terms, event = script.terms, _Event(claim.incident_id, claim.cause, claim.occurred_at)
    plans = plan_covers(rows, claim.occurred_at, script.versions)
    cover = _cover(claim, rows, plans)
    outside = outside_terms(terms, code, event, max(claim.opened_at, claim.occurred_at))
    if outside is None:
        outside = "void" if cover is None else outside_cover(terms, code, event, cover)
    if outside is not None or cover is None:
        reason = (outside or "void").replace("_", "-")
        return Outcome(claim, code, 0, reason, (), clouded, None)
    known = script.facts[code]
    given = {name: value for name, value in claim.facts.items() if name in known}
    values, _ = read_facts(tuple(known.values()), given)
    found = assess(
        terms,
        code,
        {**values, **context_of(terms, code, cover, claim, event)},
        Past(uses, standpoint(terms.code, claim.policy_id, cover, code, event, claim.id)),
        frozenset(plan.plan_code for plan in plans if plan.covered),
    )
    unpaid = unpayable(found)
    return Outcome(
        claim, code, 0 if unpaid else found.amount_fen, unpaid, found.missing, clouded, found
    )


def _cover(
    claim: DecidedClaim, rows: Sequence[Mapping[str, Any]], plans: Sequence[PlanCover]
) -> PolicyCover | None:
    """The policy's cover at the incident, as it was when the claim was decided.

    That a paid claim was covered is settled: what ended the policy afterwards, with effect
    from before the incident, is not for the document to answer for.
    """
    found = _of_policy(claim, plans)
    if found is None or found.covered or claim.paid_fen is None:
        return found
    mine = [row for row in rows if row["policy_id"] == claim.policy_id]
    then = [row for row in mine if row["status"] == "in_force"] or mine
    before = _of_policy(claim, plan_covers(then, claim.occurred_at))
    return (before or found)._replace(reason="covered")


def _of_policy(claim: DecidedClaim, plans: Sequence[PlanCover]) -> PolicyCover | None:
    for plan in plans:
        for cover in plan.policies:
            if cover.policy_id == claim.policy_id:
                return cover
    return None
