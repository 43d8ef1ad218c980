"""Hypothesis lives claims against the application and the model at once; both must agree.

The application runs in this process over ASGI with PostgreSQL and real tokens; money goes
through the simulated gateway and bank. `lived` runs the machine in a thread of its own, from
which every request goes back to the event loop of the test.
"""

import copy
import secrets
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import anyio.from_thread
import anyio.to_thread
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from app.kernel.clock import business_day, system_now
from tests.claims.chances import (
    ANYTHING,
    MOST_CLAIMS,
    NEXT,
    SMALL,
    boss,
    good_facts,
    some_facts,
    someone,
)
from tests.claims.factories import poll, run_jobs
from tests.claims.living import Member, World
from tests.claims.model import ModelClaim
from tests.claims.model_state import ABOVE, PAPERS, File
from tests.documents.corpus import patches

Draw = Callable[..., Any]

# The simulated bank decides about this account only when it is told to.
BANK_ACCOUNT = {"account_name": "张小明", "bank_code": "ICBC"}


class LifeOfClaims(Member):
    """One member with up to four claims."""

    # What happens. Hypothesis leaves out rules at random, life after life; with one rule for
    # everything no life is spent on waiting for a decision that never comes.

    @initialize(data=st.data())
    def begins(self, data: st.DataObject) -> None:
        self.opens(None, data.draw)

    @rule(
        index=st.integers(0, MOST_CLAIMS - 1),
        goes_on=st.sampled_from([True] * 3 + [False]),
        data=st.data(),
    )
    def happens(self, index: int, goes_on: bool, data: st.DataObject) -> None:
        """Something to one of the claims: mostly what usually comes next, else anything."""
        claim = self.model.claims[index % len(self.model.claims)]
        acts = NEXT[claim.status] if goes_on else ANYTHING
        if goes_on and claim.status == "under_review" and claim.round > 1:
            acts = [*acts, "upholds"]
        act = data.draw(st.sampled_from(acts), label="what")
        getattr(self, act)(claim, data.draw)

    def who(self, claim: ModelClaim, draw: Draw, people: st.SearchStrategy[str] = someone) -> str:
        chosen = draw(people, label="who")
        usual = "judge" if claim.decider == ABOVE else "reviewer"
        return (claim.holder or usual) if chosen == "holder" else chosen

    # The member's part.

    def opens(self, _: ModelClaim | None, draw: Draw) -> None:
        if len(self.model.claims) == MOST_CLAIMS:
            return
        benefit = draw(st.sampled_from(["MED", "MED", "DISAB"]), label="benefit")
        facts = draw(st.one_of(st.just(SMALL), some_facts["MED"])) if benefit == "MED" else {}
        # Events far from each other and from the first day: only a receipt can be odd.
        happened = system_now() - timedelta(days=10 + 40 * len(self.model.claims))
        incident = {"cause": "accident", "occurred_at": happened.isoformat()}
        body = {
            "policy_id": self.policy_id,
            "benefit_code": benefit,
            "incident": incident | {"place": "某路口", "description": "摔倒"},
            "facts": facts,
        }
        answer = self.ask("POST", "/v1/me/claims", self.rider, json=body)
        assert answer.status_code == 201, answer.text
        claim = ModelClaim(
            answer.json()["id"], benefit, dict(facts), dict(facts), member=self.model
        )
        claim.day = business_day(happened).isoformat()
        self.model.claims.append(claim)
        if draw(st.booleans(), label="with its receipt"):
            self.types_in_a_receipt(claim, draw)
        self.same(claim)

    def sends(self, claim: ModelClaim, draw: Draw) -> None:
        kinds = ["medical_record", "receipt", "disability_assessment"]
        self.sends_a(claim, draw(st.sampled_from(kinds), label="kind"))

    def sends_a(self, claim: ModelClaim, kind: str) -> None:
        refusal = claim.send(kind)
        answer = self.ask(
            "POST",
            f"/v1/me/claims/{claim.id}/documents",
            self.rider,
            data={"kind": kind},
            files={"file": ("a.jpg", patches(), "image/jpeg")},
        )
        if answer.is_success and refusal is None:
            files = (file for each in answer.json()["documents"] for file in each["files"])
            known = {file.id for file in claim.files}
            (new,) = [file["id"] for file in files if file["id"] not in known]
            claim.files.append(File(new, kind))
        self.agreed(claim, answer, refusal)

    def hands_in(self, claim: ModelClaim, draw: Draw) -> None:
        """Everything that is still missing, and the claim."""
        for kind in PAPERS[claim.benefit]:
            if claim.state_of(kind) in ("missing", "returned") and claim.not_open() is None:
                self.sends_a(claim, kind)
        self.submits(claim, draw)

    def submits(self, claim: ModelClaim, _: Draw) -> None:
        refusal = claim.submit()
        self.agreed(claim, self.own(claim, "/submission"), refusal)

    def types_in_a_receipt(self, claim: ModelClaim, draw: Draw) -> None:
        body, too_early = self.some_receipt(claim, draw)
        refusal = claim.type_in(50_000, too_early=too_early)
        self.agreed(claim, self.own(claim, "/receipts", body), refusal)

    def some_receipt(self, claim: ModelClaim, draw: Draw) -> tuple[dict[str, Any], bool]:
        """Mostly of the event's day; one of the day before is odd."""
        too_early = draw(st.sampled_from([False, False, True]), label="too early")
        issued_on = date.fromisoformat(claim.day) - timedelta(days=too_early)
        number = {"code": "050001900104", "number": secrets.token_hex(5)}
        return number | {"amount_fen": 50_000, "issued_on": issued_on.isoformat()}, too_early

    def withdraws(self, claim: ModelClaim, _: Draw) -> None:
        refusal = claim.withdraw()
        self.agreed(claim, self.own(claim, "/withdrawal"), refusal)

    def appeals(self, claim: ModelClaim, draw: Draw) -> None:
        people = ["rider", "rider", "rider", "caseworker", "reviewer", "outsider"]
        who, body = draw(st.sampled_from(people), label="who"), {"text": "请重新核定"}
        if who == "rider":
            refusal = claim.appeal()
            self.agreed(claim, self.own(claim, "/appeal", body), refusal)
        else:
            refusal = claim.appeal_for_member(who)
            self.agreed(claim, self.of(claim, who, "/appeal", body), refusal)

    def is_somebody_elses(self, claim: ModelClaim, draw: Draw) -> None:
        path = draw(st.sampled_from(["submission", "withdrawal", "payout"]), label="path")
        answer = self.ask("POST", f"/v1/me/claims/{claim.id}/{path}", self.world.stranger)
        self.agreed(claim, answer, "claim-not-found")

    # The office's part.

    def takes(self, claim: ModelClaim, draw: Draw) -> None:
        self.is_taken_by(claim, self.who(claim, draw))

    def is_taken_by(self, claim: ModelClaim, who: str) -> None:
        refusal = claim.take(who)
        self.agreed(claim, self.of(claim, who, "/lease"), refusal)

    def releases(self, claim: ModelClaim, draw: Draw) -> None:
        who = self.who(claim, draw)
        refusal = claim.release(who)
        path = f"/v1/staff/claims/{claim.id}/lease"
        self.agreed(claim, self.ask("DELETE", path, self.world.people[who]), refusal)

    def lease_runs_out(self, claim: ModelClaim, _: Draw) -> None:
        if claim.holder is not None:
            past = "update claim set lease_until = now() - interval '1 second' where id = :id"
            anyio.from_thread.run(self._execute, past, claim.id)
            claim.lease_is_over = True

    async def _execute(self, sql: str, claim_id: str) -> None:
        async with self.world.app.state.database.transaction() as session:
            await session.execute(text(sql), {"id": claim_id})

    def looks_at_a_file(self, claim: ModelClaim, draw: Draw) -> None:
        if claim.files:
            file = draw(st.sampled_from(claim.files), label="file")
            self.judges(claim, self.who(claim, draw), file, draw(st.booleans(), label="accept"))

    def gives_back(self, claim: ModelClaim, draw: Draw) -> None:
        if claim.files:
            file = draw(st.sampled_from(claim.files), label="file")
            self.judges(claim, self.who(claim, draw), file, accept=False)

    def judges(self, claim: ModelClaim, who: str, file: File, accept: bool) -> None:
        path = f"/documents/{file.id}/{'acceptance' if accept else 'return'}"
        refusal = (claim.accept if accept else claim.give_back)(who, file)
        body = None if accept else {"reason_code": "unreadable"}
        self.agreed(claim, self.of(claim, who, path, body), refusal)

    def captures(self, claim: ModelClaim, draw: Draw) -> None:
        self.is_captured_by(claim, self.who(claim, draw), draw)

    def is_captured_by(self, claim: ModelClaim, who: str, draw: Draw) -> None:
        body, too_early = self.some_receipt(claim, draw)
        refusal = claim.capture(who, 50_000, too_early=too_early)
        self.agreed(claim, self.of(claim, who, "/receipts", body), refusal)

    def looks_at_a_signal(self, claim: ModelClaim, draw: Draw) -> None:
        if claim.signals:
            number = draw(st.integers(0, len(claim.signals) - 1), label="signal")
            verdict = draw(st.sampled_from(["harmless", "confirmed"]), label="verdict")
            self.says(claim, self.who(claim, draw), number, verdict)

    def says(self, claim: ModelClaim, who: str, number: int, verdict: str) -> None:
        """Somebody's word on a signal."""
        path = f"/v1/staff/claims/{claim.id}/signals"
        listed = self.ask("GET", path, self.world.people["chief"]).json()["items"]
        assert [each["kind"] for each in listed] == ["dated-before"] * len(claim.signals)
        refusal = claim.judge(who, number, verdict)
        path, body = f"{path}/{listed[number]['id']}/judgement", {"verdict": verdict, "note": "核"}
        answer = self.ask("PUT", path, self.world.people[who], json=body)
        self.agreed(claim, answer, refusal)

    def looks_through(self, claim: ModelClaim, draw: Draw) -> None:
        """Takes the claim, accepts every file, mostly captures a receipt that nobody has, and
        may have a word for every open signal."""
        who = self.who(claim, draw)
        self.is_taken_by(claim, who)
        for file in [each for each in claim.files if each.state != "accepted"]:
            self.judges(claim, who, file, accept=True)
        wanted = "receipt" in PAPERS[claim.benefit] and not claim.receipts_fen
        if wanted and draw(st.sampled_from([True] * 3 + [False]), label="captures"):
            self.is_captured_by(claim, who, draw)
        if None in claim.signals and draw(st.booleans(), label="judges"):
            for number in [n for n, verdict in enumerate(claim.signals) if verdict is None]:
                self.says(claim, who, number, "harmless")

    def approves(self, claim: ModelClaim, draw: Draw) -> None:
        who = self.who(claim, draw)
        facts = draw(st.one_of(good_facts[claim.benefit], some_facts[claim.benefit]))
        refusal = claim.approve(who, facts)
        body = {"verdict": "approve", "facts": facts}
        self.agreed(claim, self.of(claim, who, "/decision", body), refusal)

    def denies(self, claim: ModelClaim, draw: Draw) -> None:
        who = self.who(claim, draw)
        reason = draw(st.sampled_from(["not-an-accident", "nothing-payable"]), label="reason")
        refusal = claim.deny(who, reason)
        body = {"verdict": "deny", "reason_code": reason}
        self.agreed(claim, self.of(claim, who, "/decision", body), refusal)

    def upholds(self, claim: ModelClaim, draw: Draw) -> None:
        who = self.who(claim, draw)
        refusal = claim.uphold(who)
        body = {"verdict": "uphold", "note": "维持"}
        self.agreed(claim, self.of(claim, who, "/decision", body), refusal)

    def is_the_second(self, claim: ModelClaim, draw: Draw) -> None:
        who = self.who(claim, draw, boss)
        agree = draw(st.sampled_from([True, True, False]), label="agree")
        refusal = claim.agree(who) if agree else claim.send_back(who)
        body = {"verdict": "approve"} if agree else {"verdict": "return", "note": "请复核"}
        self.agreed(claim, self.of(claim, who, "/second-approval", body), refusal)

    def reopens(self, claim: ModelClaim, draw: Draw) -> None:
        who = self.who(claim, draw, boss)
        refusal = claim.reopen(who)
        body = {"reason_code": "new-evidence", "note": "补交结算单"}
        self.agreed(claim, self.of(claim, who, "/reopening", body), refusal)

    # The money.

    def the_worker_runs(self, _: ModelClaim, __: Draw) -> None:
        before = [copy.copy(claim) for claim in self.model.claims]
        self.model.worker_runs()
        anyio.from_thread.run(run_jobs, self.world.app)
        self.compare_changed(before)

    def compare_changed(self, before: list[ModelClaim]) -> None:
        for claim, former in zip(self.model.claims, before, strict=True):
            if claim != former or claim.status == "paying":
                self.same(claim)

    def money_ends_somewhere(self, claim: ModelClaim, draw: Draw) -> None:
        """The member confirms in WeChat or lets it run out; the bank pays or refuses."""
        if not claim.on_its_way:
            self.the_worker_runs(claim, draw)
        if not claim.on_its_way:
            return
        arrives = draw(st.sampled_from([True, True, True, False]), label="arrives")
        number = anyio.from_thread.run(self._number, claim.id)
        control = self.world.simulators.control
        if claim.payouts[-1].method == "wechat":
            act = "confirm" if arrives else "expire"
            control(f"transfers/{act}", out_bill_no=number, behaviour="dropped")
        else:
            control("bank/settle", reference=number, state="paid" if arrives else "rejected")
        # Looking after payouts is the worker's, which then does everything else as well.
        before = [copy.copy(each) for each in self.model.claims]
        self.model.worker_runs()
        (claim.money_arrives if arrives else claim.money_comes_back)()
        anyio.from_thread.run(poll, self.world.app)
        self.compare_changed(before)

    async def _number(self, claim_id: str) -> str:
        newest = "select out_bill_no from payout where claim_id = :id order by id desc limit 1"
        async with self.world.app.state.database.transaction() as session:
            return str(await session.scalar(text(newest), {"id": claim_id}))

    def asks_for_the_money_again(self, claim: ModelClaim, draw: Draw) -> None:
        people = ["rider", "rider", "supervisor", "reviewer", "outsider"]
        who = draw(st.sampled_from(people), label="who")
        if who == "rider":
            refusal = claim.pay_again()
            self.agreed(claim, self.own(claim, "/payout"), refusal)
        else:
            refusal = claim.pay_again_by(who)
            self.agreed(claim, self.of(claim, who, "/payout"), refusal)

    def records_a_bank_account(self, claim: ModelClaim, _: Draw) -> None:
        if self.model.has_bank_account:
            return
        number = {"account_number": f"622202{secrets.randbelow(10**8):08d}9994"}
        answer = self.ask("POST", "/v1/me/payout-accounts", self.rider, json=BANK_ACCOUNT | number)
        assert answer.status_code == 201, answer.text
        self.model.has_bank_account = self.model.bank_account_is_new = True


async def lived(world: World, *, lives: int, steps: int, derandomize: bool = False) -> None:
    """Live that many members' claims, of up to so many steps each."""
    machine = type("LifeOfClaims", (LifeOfClaims,), {"world": world})
    chosen = settings(
        max_examples=lives,
        stateful_step_count=steps,
        derandomize=derandomize,
        # Each step talks to PostgreSQL: a shorter life with the same fault takes minutes to find.
        phases=[Phase.generate],
        report_multiple_bugs=False,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    await anyio.to_thread.run_sync(lambda: run_state_machine_as_test(machine, settings=chosen))
