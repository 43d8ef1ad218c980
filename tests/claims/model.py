"""The whole life of a claim told a second time, in the fewest words: what somebody may do
with it, what they are told when they may not, and what comes of it when they may.

It knows one member with one share of RIDER-ACC and shares no code with the application. Every
act returns the code of the refusal that is expected, or None when it is to succeed; then the
model has moved on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.claims.model_state import (
    ABOVE,
    BY_RULE_UP_TO,
    CAPS,
    DEDUCTIBLE,
    FILES_OF_A_KIND,
    LEASED,
    PAPERS,
    RECEIVES,
    REVIEWS,
    SECOND_ABOVE,
    STAFF,
    SUPERVISES,
    UNDECIDED,
    WALLET_UP_TO,
    ClaimState,
    File,
    Money,
)


@dataclass
class ModelClaim(ClaimState):
    """One claim of the member."""

    member: "ModelMember" = field(kw_only=True, compare=False, repr=False)

    # The member's part.

    def send(self, kind: str) -> str | None:
        if refusal := self.not_open():
            return refusal
        if kind not in PAPERS[self.benefit]:
            return "document-not-asked-for"
        of_kind = [file for file in self.files if file.kind == kind]
        if len(of_kind) >= FILES_OF_A_KIND:
            return "too-many-files"
        self.files = [file for file in self.files if file.kind != kind or file.state != "returned"]
        return None

    def type_in(self, amount_fen: int, *, too_early: bool) -> str | None:
        if refusal := self.not_open():
            return refusal
        self.receipts_fen += amount_fen
        self.too_early += too_early
        return None

    def submit(self) -> str | None:
        if self.status in ("submitted", "under_review"):
            return None
        if {"missing", "returned"} & set(self.states().values()):
            return "missing-documents"
        if self.status not in ("draft", "waiting_for_member"):
            return "invalid-transition"
        if not self.handed_in:
            self.member.for_the_rule.append(self)
        self.status, self.handed_in = "submitted", True
        self.member.for_a_look.append(self)
        self._let_go()
        self.notice()
        return None

    def withdraw(self) -> str | None:
        if self.outcome is not None:
            return "decided-already"
        if self.status not in ("draft", "submitted", "under_review", "waiting_for_member"):
            return "invalid-transition"
        self.status, self.receipts_fen = "withdrawn", 0
        self._let_go()
        return None

    def appeal(self) -> str | None:
        if self.appealed:
            return "appealed-before"
        if self.status not in ("denied", "paid"):
            return "not-decided"
        self.status, self.appealed, self.decider = "appealed", True, ABOVE
        self.stage += 1
        self._look_again()
        return None

    def appeal_for_member(self, who: str) -> str | None:
        return self.refused(who, RECEIVES) or self.appeal()

    # The office's part.

    def take(self, who: str) -> str | None:
        if refusal := self.not_to_decide(who, REVIEWS):
            return refusal
        if self.status not in LEASED:
            return "not-reviewable"
        if self.held_by_other(who):
            return "lease-held"
        if self.status in ("submitted", "appealed", "reopened"):
            self.status = "under_review"
        self.holder, self.lease_is_over = who, False
        self.notice()
        return None

    def release(self, who: str) -> str | None:
        if refusal := self.not_to_decide(who, REVIEWS):
            return refusal
        if self.holder != who and "supervisor" not in STAFF[who][1]:
            return "lease-needed"
        if self.status == "under_review":
            self.status = "submitted"
        self._let_go()
        return None

    def accept(self, who: str, file: File) -> str | None:
        if refusal := self.not_leased(who):
            return refusal
        file.state = "accepted"
        return None

    def give_back(self, who: str, file: File) -> str | None:
        if refusal := self.not_leased(who):
            return refusal
        if file.state == "returned":
            return "invalid-transition"
        file.state = "returned"
        if self.status == "under_review":
            self.status = "waiting_for_member"
        return None

    def capture(self, who: str, amount_fen: int, *, too_early: bool) -> str | None:
        """A receipt typed in by who reviews: what is odd about it is seen at once."""
        if refusal := self.not_leased(who):
            return refusal
        self.receipts_fen += amount_fen
        self.too_early += too_early
        self.notice()
        return None

    def judge(self, who: str, number: int, verdict: str) -> str | None:
        """Somebody's word on one of its signals, which stays."""
        leased = self.status not in ("awaiting_second_approval", "approved")
        refusal = self.not_leased(who) if leased else self.not_to_decide(who, REVIEWS)
        if refusal:
            return refusal
        if self.signals[number] not in (None, verdict):
            return "signal-judged"
        self.signals = [*self.signals[:number], verdict, *self.signals[number + 1 :]]
        return None

    def _not_to_sit(self, who: str) -> str | None:
        if refusal := self.not_leased(who):
            return refusal
        return None if self.status == "under_review" else "not-reviewable"

    def deny(self, who: str, reason: str) -> str | None:
        if refusal := self._not_to_sit(who):
            return refusal
        if self.paid_before_fen:
            return "nothing-more"
        if reason == "nothing-payable":
            due = self.worth(self.facts)
            if due == "claim-facts-missing":
                return due
            if isinstance(due, int):
                return "amount-due"
        self._decided(who)
        self._denied()
        return None

    def uphold(self, who: str) -> str | None:
        if refusal := self._not_to_sit(who):
            return refusal
        if self.outcome is None:
            return "nothing-to-uphold"
        if self.paid_before_fen and None in self.signals:
            return "signals-open"
        self._decided(who)
        if self.paid_before_fen:
            self.status = "paid"
            self._let_go()
        else:
            self._denied()
        return None

    def approve(self, who: str, facts: dict[str, int]) -> str | None:
        if refusal := self._not_to_sit(who):
            return refusal
        if refusal := self._not_payable({**self.facts, **facts}):
            return refusal
        self.facts |= facts
        self._agree(self.worth(self.facts))
        self._decided(who)
        self.first = who
        if (self.amount_fen or 0) > SECOND_ABOVE:
            self.status = "awaiting_second_approval"
        else:
            self._approved()
        return None

    def _not_payable(self, facts: dict[str, int]) -> str | None:
        if set(self.states().values()) != {"accepted"}:
            return "documents-not-accepted"
        if "receipt" in PAPERS[self.benefit] and not self.receipts_fen:
            return "receipt-not-captured"
        if None in self.signals:
            return "signals-open"
        worth = self.worth(facts)
        if isinstance(worth, str):
            return worth
        return "nothing-more" if worth <= self.paid_before_fen else None

    def _not_second(self, who: str) -> str | None:
        if refusal := self.not_to_decide(who, SUPERVISES):
            return refusal
        if self.status != "awaiting_second_approval":
            return "not-reviewable"
        return "second-person-needed" if who == self.first else None

    def agree(self, who: str) -> str | None:
        """The second person's yes."""
        if refusal := self._not_second(who):
            return refusal
        if None in self.signals:
            return "signals-open"
        worth = self.worth(self.facts)
        if worth != self.amount_fen:
            return worth if isinstance(worth, str) else "amount-changed"
        self._agree(worth)
        self._decided(who)
        self._approved()
        return None

    def send_back(self, who: str) -> str | None:
        """The second person's no."""
        if refusal := self._not_second(who):
            return refusal
        self._decided(who)
        self.status, self.first = "submitted", None
        del self.partly[self.round]
        self.amount_fen, self.use_fen = self.paid_before_fen or None, self.paid_before_fen
        self.round += 1
        return None

    def reopen(self, who: str) -> str | None:
        if refusal := self.not_to_decide(who, SUPERVISES):
            return refusal
        if self.status not in ("denied", "paid"):
            return "not-decided"
        self.status = "reopened"
        self._look_again()
        return None

    # What follows.

    def worth(self, facts: dict[str, int]) -> int | str:
        """Fen for these facts beside the member's other claims, or why there is nothing."""
        if self.benefit == "MED":
            if facts.get("hospital_grade", 2) < 2:
                return "condition-not-met"
            if {"hospital_grade", "self_pay_fen"} - facts.keys():
                return "claim-facts-missing"
            full = facts["self_pay_fen"] - DEDUCTIBLE
        else:
            if "disability_grade" not in facts:
                return "claim-facts-missing"
            full = CAPS["DISAB"] * (11 - facts["disability_grade"]) // 10
        left = CAPS[self.benefit] - self.member.used(self)
        return min(full, left) if min(full, left) > 0 else "condition-not-met"

    def _agree(self, worth: int | str) -> None:
        assert isinstance(worth, int)
        claimed = self.worth({**self.facts, **self.claimed})
        self.amount_fen = self.use_fen = worth
        self.partly[self.round] = isinstance(claimed, int) and claimed > worth
        self._let_go()

    def _approved(self) -> None:
        self.status, self.outcome = "approved", "approved"
        self.pay()

    def _denied(self) -> None:
        self.status, self.outcome = "denied", "denied"
        self._let_go()

    def _decided(self, who: str) -> None:
        self.deciders.setdefault(self.stage, set()).add(who)

    def _let_go(self) -> None:
        self.holder, self.lease_is_over = None, False

    def _look_again(self) -> None:
        self.round, self.first = self.round + 1, None
        self.paid_before_fen = sum(
            each.amount_fen for each in self.payouts if each.status == "paid"
        )
        self.notice()

    def notice(self) -> None:
        """Raise what is odd and was not raised before."""
        if self.status in UNDECIDED:
            self.signals = [*self.signals, *[None] * self.too_early]
            self.too_early = 0

    def pay(self) -> str | None:
        """Where the money goes: the wallet up to its limit, else the bank, else it waits."""
        amount_fen = (self.amount_fen or 0) - self.paid_before_fen
        to_wallet = amount_fen <= WALLET_UP_TO
        if not (to_wallet or self.member.has_bank_account):
            return "no-payout-destination"
        self.status = "paying"
        self.payouts.append(Money(self.round, amount_fen, "wechat" if to_wallet else "bank"))
        return None

    def pay_again(self) -> str | None:
        if self.status == "paying":
            return "payout-live"
        return self.pay() if self.status == "approved" else "invalid-transition"

    def pay_again_by(self, who: str) -> str | None:
        return self.refused(who, SUPERVISES) or self.pay_again()

    def decide_by_rule(self) -> None:
        """What the worker does with a claim that was just handed in."""
        worth = self.worth(self.facts)
        fresh = self.status == "submitted" and self.round == 1 and self.holder is None
        complete = self.receipts_fen > 0 and "returned" not in self.states().values()
        covered = self.receipts_fen >= self.facts.get("self_pay_fen", 0)
        green = fresh and complete and covered and not self.signals
        if green and isinstance(worth, int) and worth <= BY_RULE_UP_TO:
            for file in self.files:
                file.state = "accepted"
            self._agree(worth)
            self.by_rule = True
            self._approved()

    def money_arrives(self) -> None:
        self.payouts[-1].status, self.status = "paid", "paid"

    def money_comes_back(self) -> None:
        self.payouts[-1].status, self.status = "failed", "approved"

    @property
    def on_its_way(self) -> bool:
        """Whether its money is at the gateway or the bank."""
        return self.status == "paying" and self.payouts[-1].status != "requested"

    @property
    def verdict(self) -> str | None:
        if self.status in ("approved", "paying", "paid"):
            return "partly_approved" if self.partly[max(self.partly)] else "approved"
        return "denied" if self.status == "denied" else None


@dataclass
class ModelMember:
    """The member, who has a WeChat wallet from the beginning."""

    claims: list[ModelClaim] = field(default_factory=list)
    for_the_rule: list[ModelClaim] = field(default_factory=list)
    for_a_look: list[ModelClaim] = field(default_factory=list)
    has_bank_account: bool = False
    bank_account_is_new: bool = False

    def used(self, besides: ModelClaim) -> int:
        """Fen of a benefit's limit that the other claims take."""
        others = (each for each in self.claims if each is not besides)
        return sum(each.use_fen for each in others if each.benefit == besides.benefit)

    def worker_runs(self) -> None:
        """Everything that waited for the worker, in the order in which it came."""
        for claim in self.claims if self.bank_account_is_new else self.for_a_look:
            claim.notice()
        self.for_a_look = []
        for claim in self.for_the_rule:
            claim.decide_by_rule()
        self.for_the_rule = []
        if self.bank_account_is_new:
            self.bank_account_is_new = False
            for claim in self._where(lambda each: each.status == "approved"):
                if all(each.round != claim.round for each in claim.payouts):
                    claim.pay()
        for claim in self._where(lambda each: each.status == "paying"):
            payout = claim.payouts[-1]
            if payout.status == "requested":
                payout.status = "waiting_confirm" if payout.method == "wechat" else "accepted"

    def _where(self, holds: Callable[[ModelClaim], bool]) -> list[ModelClaim]:
        return [each for each in self.claims if holds(each)]
