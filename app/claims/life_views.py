"""Decisions, promises, appeals and the timeline of a claim, as they are shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.claims import promises, queries
from app.claims.appeals import appeal_of
from app.claims.decision_models import Decision
from app.claims.life_models import ClaimEscalation, ClaimPromise, ClaimPromiseStop
from app.claims.life_schemas import AppealView, ChangedFactView, PromiseView, StopView
from app.claims.models import Claim, ClaimDocument
from app.claims.schemas import ClaimStatus, DecisionView, TimelineEntry, VerdictWord
from app.claims.words import (
    DENIAL_REASONS,
    FACT_CHANGE_REASONS,
    LATE_WORDS,
    OTHER_REASONS,
    RETURN_REASONS,
    RETURNED_WORDS,
    STATUS_WORDS,
    STOP_REASONS,
)
from app.kernel.text import Text
from app.kernel.transitions import StatusHistory
from app.kernel.vault import Vault
from app.organisations.models import Organisation
from app.plans.benefits import Benefit, Words
from app.plans.facts import vocabulary
from app.plans.schemas import WordsView
from app.plans.terms import PlanTerms


def words(text: Text | Words) -> WordsView:
    return WordsView(zh=text.zh, en=text.en)


def _found(code: str | None, *tables: dict[str, Text]) -> WordsView | None:
    for table in tables:
        if code in table:
            return words(table[code])
    return None


def verdict_of(decision: Decision) -> VerdictWord:
    """The verdict in the member's words."""
    if decision.verdict == "approve":
        return "partly_approved" if decision.partly else "approved"
    known: dict[str, VerdictWord] = {"deny": "denied", "return": "returned", "uphold": "upheld"}
    return known[decision.verdict]


def standing_verdict(claim: Claim, decisions: Sequence[Decision]) -> VerdictWord | None:
    """What holds for the claim now; null until it is decided."""
    wanted = {"denied": "deny", "approved": "approve", "paying": "approve", "paid": "approve"}
    verdict = wanted.get(claim.status)
    for decision in reversed(decisions):
        if decision.verdict == verdict:
            return verdict_of(decision)
    return None


def decision_view(
    vault: Vault, decision: Decision, terms: PlanTerms, benefit: Benefit
) -> DecisionView:
    content = vault.open("decision", decision.id, decision.sealed)
    return DecisionView.model_validate(
        {
            "verdict": verdict_of(decision),
            "step": decision.step,
            "stage": decision.stage,
            "by_rule": decision.by_rule,
            "amount_fen": decision.amount_fen,
            "claimed_fen": content.get("claimed_fen"),
            "changes": [_changed(each, terms) for each in content.get("changes", ())],
            "reason_code": decision.reason_code,
            "reason": reason_words(decision.reason_code, benefit),
            "note": content["note"],
            "decided_at": decision.decided_at,
            "explanation": content.get("explanation"),
        }
    )


def _changed(line: dict[str, Any], terms: PlanTerms) -> ChangedFactView:
    fact = vocabulary(terms).get(line["name"])
    text = Text(line["name"], line["name"]) if fact is None else fact.text
    return ChangedFactView(
        **line, text=words(text), reason=_found(line["reason_code"], FACT_CHANGE_REASONS)
    )


def reason_words(code: str | None, benefit: Benefit) -> WordsView | None:
    """Why nothing is paid: in the words of the benefit's own condition, or the general ones."""
    for condition in benefit.conditions:
        if condition.code == code:
            return WordsView(zh=condition.words.zh, en=condition.words.en)
    return _found(code, DENIAL_REASONS)


def returned_words(code: str | None) -> WordsView | None:
    return _found(code, RETURN_REASONS)


async def promise_views(session: AsyncSession, claim_id: UUID) -> list[PromiseView]:
    """Every promise with the spans in which it stood still, the newest last."""
    made = await promises.promises_of(session, claim_id)
    stops = await promises.stops_of(session, claim_id) if made else ()
    return [_promise(each, stops) for each in made]


def _promise(made: ClaimPromise, stops: Sequence[ClaimPromiseStop]) -> PromiseView:
    return PromiseView.model_validate(
        {
            "clock": made.clock,
            "length": made.length,
            "unit": made.unit,
            "calendar_known": made.calendar_known,
            "started_at": made.started_at,
            "due_at": made.due_at,
            "missed_at": made.missed_at,
            "outcome": made.outcome,
            "stops": [
                StopView(
                    reason_code=stop.reason_code,
                    reason=_found(stop.reason_code, STOP_REASONS),
                    since=stop.stopped_at,
                    until=stop.resumed_at,
                )
                for stop in stops
                if stop.promise_id == made.id
            ],
        }
    )


async def appeal_view(session: AsyncSession, vault: Vault, claim_id: UUID) -> AppealView | None:
    """The appeal with the member's words."""
    appeal = await appeal_of(session, claim_id)
    if appeal is None:
        return None
    office = await session.get_one(Organisation, appeal.organisation_id)
    return AppealView.model_validate(
        {
            "text": vault.open("claim_appeal", appeal.id, appeal.sealed)["text"],
            "appealed_at": appeal.appealed_at,
            "organisation_name": office.name,
            "outcome": appeal.outcome,
            "ended_at": appeal.ended_at,
        }
    )


async def timeline(
    session: AsyncSession, claim: Claim, terms: PlanTerms, shown: Sequence[PromiseView]
) -> list[TimelineEntry]:
    """What happened, in order: each status, each return, each wait for somebody else, each
    missed day."""
    benefit = terms.benefit(claim.benefit_code)
    entries = [_status(row, benefit) for row in await queries.history_of(session, claim.id)]
    entries += [_returned(terms, *each) for each in await queries.returns_of(session, claim.id)]
    if any(promise.missed_at is not None for promise in shown):
        clocks = {made.id: made.clock for made in await promises.promises_of(session, claim.id)}
        missed = await promises.escalations_of(session, claim.id)
        entries += [_late(row, clocks[row.promise_id]) for row in missed]
    for promise in shown:
        entries += [_waits(stop) for stop in promise.stops if not _in_history(stop)]
    return sorted(entries, key=_at)


def _at(entry: TimelineEntry) -> datetime:
    return entry.at


def _in_history(stop: StopView) -> bool:
    return stop.reason_code == "waiting-for-member"


def _status(row: StatusHistory, benefit: Benefit) -> TimelineEntry:
    return TimelineEntry(
        at=row.at,
        what="status",
        status=cast(ClaimStatus, row.to_status),
        text=words(STATUS_WORDS[row.to_status]),
        reason_code=row.reason_code,
        reason=(
            reason_words(row.reason_code, benefit)
            if row.to_status == "denied"
            else _found(row.reason_code, RETURN_REASONS, OTHER_REASONS)
        ),
    )


def _returned(terms: PlanTerms, document: ClaimDocument, row: StatusHistory) -> TimelineEntry:
    return TimelineEntry(
        at=row.at,
        what="returned",
        status=None,
        document=words(terms.document_name(document.kind)),
        text=words(RETURNED_WORDS),
        reason_code=row.reason_code,
        reason=_found(row.reason_code, RETURN_REASONS),
    )


def _late(row: ClaimEscalation, clock: str) -> TimelineEntry:
    return TimelineEntry(
        at=row.escalated_at,
        what="late",
        status=None,
        text=words(LATE_WORDS[clock]),
        reason_code=f"{clock}-overdue",
        reason=None,
    )


def _waits(stop: StopView) -> TimelineEntry:
    text = STOP_REASONS.get(stop.reason_code, Text("时限暂停", "The clock stands"))
    return TimelineEntry(
        at=stop.since,
        what="waiting",
        status=None,
        text=words(text),
        reason_code=stop.reason_code,
        reason=None,
    )
