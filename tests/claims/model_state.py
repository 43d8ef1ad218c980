"""What the model of claims remembers of one claim, and who may touch it."""

from dataclasses import dataclass, field

FEN_OF_ONE = 100
DEDUCTIBLE = 100 * FEN_OF_ONE
# Most of one benefit in the term, for one share.
CAPS = {"MED": 10_000 * FEN_OF_ONE, "DISAB": 40_000 * FEN_OF_ONE}
PAPERS = {
    "MED": ("medical_record", "receipt"),
    "DISAB": ("medical_record", "disability_assessment"),
}
SECOND_ABOVE = 20_000 * FEN_OF_ONE
BY_RULE_UP_TO = 500 * FEN_OF_ONE
WALLET_UP_TO = 20_000 * FEN_OF_ONE
FILES_OF_A_KIND = 9

# Who there is: where they sit, and what they are.
OFFICE, ABOVE, ELSEWHERE = "office", "above", "elsewhere"
STAFF: dict[str, tuple[str, frozenset[str]]] = {
    "reviewer": (OFFICE, frozenset({"reviewer"})),
    "colleague": (OFFICE, frozenset({"reviewer"})),
    "supervisor": (OFFICE, frozenset({"supervisor"})),
    "caseworker": (OFFICE, frozenset({"caseworker"})),
    # Sold the policy, and is everything else as well.
    "enroller": (OFFICE, frozenset({"caseworker", "reviewer", "supervisor"})),
    "judge": (ABOVE, frozenset({"reviewer"})),
    "chief": (ABOVE, frozenset({"supervisor"})),
    "outsider": (ELSEWHERE, frozenset({"caseworker", "reviewer", "supervisor"})),
}
REVIEWS, SUPERVISES, RECEIVES = (
    {"reviewer", "supervisor"},
    {"supervisor"},
    {
        "caseworker",
        "supervisor",
    },
)
LEASED = ("submitted", "under_review", "waiting_for_member", "appealed", "reopened")
UNDECIDED = (*LEASED, "awaiting_second_approval")


@dataclass
class File:
    """A document that counts: replaced ones are forgotten."""

    id: str
    kind: str
    state: str = "waiting"


@dataclass
class Money:
    """One payout of a claim."""

    round: int
    amount_fen: int
    method: str
    status: str = "requested"


@dataclass
class ClaimState:
    """One claim; `use_fen` is what it takes of its benefit's limit.

    `too_early` counts receipts from before the event that nobody has noticed; each that was is
    one of `signals`: what was said of it, None until somebody has.
    """

    id: str
    benefit: str
    facts: dict[str, int]
    claimed: dict[str, int]
    day: str = ""
    status: str = "draft"
    round: int = 1
    stage: int = 1
    decider: str = OFFICE
    files: list[File] = field(default_factory=list)
    receipts_fen: int = 0
    too_early: int = 0
    signals: list[str | None] = field(default_factory=list)
    holder: str | None = None
    lease_is_over: bool = False
    first: str | None = None
    deciders: dict[int, set[str]] = field(default_factory=dict)
    amount_fen: int | None = None
    paid_before_fen: int = 0
    use_fen: int = 0
    partly: dict[int, bool] = field(default_factory=dict)
    by_rule: bool = False
    outcome: str | None = None
    appealed: bool = False
    handed_in: bool = False
    payouts: list[Money] = field(default_factory=list)

    # Who may.

    def refused(self, who: str, roles: set[str]) -> str | None:
        """For what everybody of the office may do who has one of the roles."""
        place, own = STAFF[who]
        if not own & roles:
            return "forbidden"
        return "claim-not-found" if place == ELSEWHERE else None

    def not_to_decide(self, who: str, roles: set[str]) -> str | None:
        if refusal := self.refused(who, roles):
            return refusal
        if self.decider == ABOVE and STAFF[who][0] != ABOVE:
            return "forbidden"
        if who == "enroller":
            return "conflict-of-interest"
        before = (people for stage, people in self.deciders.items() if stage < self.stage)
        return "decided-before" if any(who in people for people in before) else None

    def held_by_other(self, who: str) -> bool:
        return self.holder is not None and not self.lease_is_over and self.holder != who

    def not_leased(self, who: str) -> str | None:
        if refusal := self.not_to_decide(who, REVIEWS):
            return refusal
        if self.status not in LEASED:
            return "not-reviewable"
        if self.held_by_other(who):
            return "lease-held"
        return "lease-needed" if self.holder != who or self.lease_is_over else None

    def state_of(self, kind: str) -> str:
        states = {file.state for file in self.files if file.kind == kind}
        return next(
            (each for each in ("returned", "waiting", "accepted") if each in states), "missing"
        )

    def states(self) -> dict[str, str]:
        return {kind: self.state_of(kind) for kind in PAPERS[self.benefit]}

    def not_open(self) -> str | None:
        """Whether the member may add to it."""
        open_to_member = self.status in ("draft", "waiting_for_member", "appealed")
        return None if open_to_member else "documents-closed"
