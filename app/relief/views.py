"""Cases as their member and their office see them; every showing is recorded by the caller."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.year import accepted_kinds, costs_of_year
from app.kernel import audit
from app.kernel.principal import Principal
from app.kernel.text import Text
from app.kernel.transitions import StatusHistory
from app.kernel.vault import Vault
from app.members.models import Person
from app.members.service import name_of
from app.payouts.service import view_payout
from app.plans.plan_views import fact_view
from app.plans.schemas import WordsView
from app.relief import board_queries, queries
from app.relief.applying import find
from app.relief.assessing import explain_relief, standing_of_case
from app.relief.case_facts import facts_known, givers_known
from app.relief.case_models import ReliefCase
from app.relief.formulas import FormulaTerms
from app.relief.grounds import DOCUMENTS, GROUNDS, REASONS
from app.relief.models import ReliefFund
from app.relief.paying import latest_payout
from app.relief.schemas import (
    BoardDecisionView,
    BoardSeatView,
    CaseLine,
    CaseView,
    ClaimShareView,
    PaperView,
    StaffCaseLine,
    StaffCaseView,
    StatementView,
    StepView,
)
from app.relief.terms import terms_of_case


async def show(
    session: AsyncSession, vault: Vault, viewer: Principal, case_id: UUID, now: datetime
) -> CaseView:
    """One case for who asks to see it, with its row in the read audit; CaseNotFound (404)."""
    case = await find(session, viewer, case_id)
    return await shown(session, vault, viewer, case, now)


async def shown(
    session: AsyncSession, vault: Vault, viewer: Principal, case: ReliefCase, now: datetime
) -> CaseView:
    """The case as this caller sees it; the reading is recorded."""
    staff = viewer.kind == "staff"
    await audit.record(
        session,
        viewer,
        "relief_case.read",
        subject="relief_case",
        subject_ids=[case.id, case.person_id],
        on_behalf_of=case.person_id if staff else None,
    )
    content = await _content(session, vault, case, now)
    if not staff:
        return CaseView(**content)
    person = await session.get_one(Person, case.person_id)
    costs = await costs_of_year(session, vault, case.person_id, case.year)
    return StaffCaseView(
        **content,
        person_id=case.person_id,
        member_name=name_of(vault, person),
        organisation_id=case.organisation_id,
        household_id=case.household_id,
        given_by=await givers_known(session, case),
        claims=[
            ClaimShareView(
                claim_id=each.claim_id,
                number=each.number,
                self_pay_fen=each.self_pay_fen,
                paid_fen=each.paid_fen,
            )
            for each in costs
            if each.claim_id in case.claim_ids
        ],
        decision=await _decision(session, vault, case),
    )


def words(text: Text) -> WordsView:
    return WordsView(zh=text.zh, en=text.en)


def line(case: ReliefCase, fund: ReliefFund) -> CaseLine:
    return CaseLine(**_line(case, fund))


def staff_line(case: ReliefCase, fund: ReliefFund) -> StaffCaseLine:
    return StaffCaseLine(
        **_line(case, fund), person_id=case.person_id, organisation_id=case.organisation_id
    )


def _line(case: ReliefCase, fund: ReliefFund) -> dict[str, Any]:
    names = ("id", "number", "fund_id", "kind", "channel", "ground", "year", "status")
    return {name: getattr(case, name) for name in names} | {
        "fund": WordsView(zh=fund.name_zh, en=fund.name_en),
        "suggested_fen": case.suggested_fen,
        "amount_fen": case.amount_fen,
        "opened_at": case.opened_at,
    }


async def _content(
    session: AsyncSession, vault: Vault, case: ReliefCase, now: datetime
) -> dict[str, Any]:
    fund = await session.get_one(ReliefFund, case.fund_id)
    terms = await terms_of_case(session, case)
    facts = await facts_known(session, vault, case)
    payout = await latest_payout(session, case.id)
    explanation, missing = await _explained(session, vault, case, terms, facts, now)
    history = await queries.history_of(session, "relief_case", case.id)
    return _line(case, fund) | {
        "ground_words": words(GROUNDS[case.ground]),
        "facts": facts,
        "facts_needed": [fact_view(each) for each in terms.inputs if each.name != "ground"],
        "missing_facts": missing,
        "statements": [
            StatementView(code=each.code, words=WordsView(zh=each.words.zh, en=each.words.en))
            for each in terms.statements
        ],
        "papers": await _papers(session, case, terms),
        "explanation": explanation,
        "applied_at": case.applied_at,
        "decided_at": case.decided_at,
        "paid_at": case.paid_at,
        "payout": None if payout is None else view_payout(vault, payout),
        "history": steps_of(history),
    }


async def _explained(
    session: AsyncSession,
    vault: Vault,
    case: ReliefCase,
    terms: FormulaTerms,
    facts: dict[str, Any],
    now: datetime,
) -> tuple[dict[str, Any], list[str]]:
    """As it was decided, else as it would be now; and the facts that are missing."""
    decision = await board_queries.decision_of(session, case.id)
    if decision is not None:
        kept = vault.open("relief_decision", decision.id, decision.sealed)
        return kept["explanation"], []
    found = (await standing_of_case(session, case, terms, facts, now)).assess()
    givers = await givers_known(session, case)
    return explain_relief(terms, found, givers), list(found.missing)


async def _papers(session: AsyncSession, case: ReliefCase, terms: FormulaTerms) -> list[PaperView]:
    person = await session.get_one(Person, case.person_id)
    papers = await queries.papers_of(session, case.id)
    accepted = await accepted_kinds(session, case.claim_ids)
    found = []
    for kind in terms.papers(case.ground):
        files = [paper.id for paper in papers if paper.kind == kind]
        state = "there" if files else "missing"
        if not files and kind in accepted:
            state = "from_claim"
        elif not files and kind == "identity" and person.verified_at is not None:
            state = "verified"
        found.append(
            PaperView(kind=cast(Any, kind), name=words(DOCUMENTS[kind]), state=state, files=files)
        )
    return found


async def _decision(
    session: AsyncSession, vault: Vault, case: ReliefCase
) -> BoardDecisionView | None:
    decision = await board_queries.decision_of(session, case.id)
    if decision is None:
        return None
    kept = vault.open("relief_decision", decision.id, decision.sealed)
    return BoardDecisionView(
        verdict=cast(Any, decision.verdict),
        path=cast(Any, decision.path),
        amount_fen=decision.amount_fen,
        quorum=decision.quorum,
        seats=[
            BoardSeatView(
                staff_id=vote.staff_id, name=account.display_name, vote=cast(Any, vote.vote)
            )
            for vote, account in await board_queries.votes_of(session, decision.id)
        ],
        reason_code=decision.reason_code,
        reason=kept.get("reason"),
        note=kept.get("note"),
        recorded_by=decision.recorded_by,
        decided_at=decision.decided_at,
    )


def steps_of(history: Sequence[StatusHistory]) -> list[StepView]:
    """Every move, oldest first."""
    return [
        StepView(
            at=step.at,
            status=step.to_status,
            reason_code=step.reason_code,
            reason=_reason(step.reason_code),
            by=cast(Any, step.actor_kind),
        )
        for step in history
    ]


def _reason(code: str | None) -> WordsView | None:
    return words(REASONS[code]) if code is not None and code in REASONS else None
