"""What was claimed against what was accepted: each changed fact, and what it cost."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.amounts import Case
from app.claims.models import ClaimFacts
from app.kernel.vault import Vault


@dataclass(frozen=True, slots=True)
class ChangedFact:
    """A fact that the member stated and a reviewer changed; the reviewer's reason."""

    name: str
    claimed: Any
    accepted: Any
    reason_code: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the claim would have come to as claimed, and each change with its cost in fen.

    Costs add up to the difference; one below zero was in the member's favour.
    """

    claimed_fen: int
    accepted_fen: int
    costs: Sequence[tuple[ChangedFact, int]]

    @property
    def partly(self) -> bool:
        return self.accepted_fen < self.claimed_fen

    def record(self) -> dict[str, Any]:
        """As it is sealed with the decision."""
        lines = [{**asdict(change), "cost_fen": cost} for change, cost in self.costs]
        return {"claimed_fen": self.claimed_fen, "changes": lines}


async def changed_facts(
    session: AsyncSession, vault: Vault, claim_id: UUID
) -> Sequence[ChangedFact]:
    """Facts whose last word is a reviewer's and differs from the member's, by name.

    Somebody at a counter speaks for the member; who reviews gives a reason.
    """
    rows = await session.scalars(
        select(ClaimFacts).where(ClaimFacts.claim_id == claim_id).order_by(ClaimFacts.version)
    )
    claimed: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    known: Mapping[str, Any] = {}
    for row in rows.all():
        known = vault.open("claim_facts", row.id, row.sealed)
        for name in row.names:
            if row.reason_code is None:
                claimed[name] = known[name]
                reasons.pop(name, None)
            else:
                reasons[name] = row.reason_code
    return [
        ChangedFact(name, claimed[name], known[name], reason)
        for name, reason in sorted(reasons.items())
        if name in claimed and claimed[name] != known[name]
    ]


def compare(
    case: Case, accepted: Mapping[str, Any], accepted_fen: int, changes: Sequence[ChangedFact]
) -> Comparison:
    """Run the plan's engine with the claimed facts, then with one change after another."""
    facts = {**accepted, **{change.name: change.claimed for change in changes}}
    claimed_fen = before = _amount(case, facts)
    costs = []
    for at, change in enumerate(changes, 1):
        facts[change.name] = change.accepted
        after = accepted_fen if at == len(changes) else _amount(case, facts)
        costs.append((change, before - after))
        before = after
    return Comparison(claimed_fen if changes else accepted_fen, accepted_fen, costs)


def _amount(case: Case, facts: Mapping[str, Any]) -> int:
    """Fen; nothing where a condition fails or a fact is missing."""
    found = case.with_facts(facts).assess()
    return 0 if found.failed else found.amount_fen
