"""What a partner is shown of its rosters: statuses, answers, riders who are missing."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel import audit
from app.kernel.principal import Principal
from app.kernel.text import Language, Text
from app.kernel.vault import Vault
from app.rosters import queries
from app.rosters.answers import RowAnswer, open_block
from app.rosters.columns import FileError
from app.rosters.errors import RosterNotFound
from app.rosters.models import Rider, Roster
from app.rosters.schemas import (
    FileErrorView,
    NoticeView,
    RosterCounts,
    RosterView,
    RowErrorView,
    RowView,
)
from app.rosters.words import FILE, NOTICES, ROW

_UNKNOWN = Text("内容有误", "The value is not accepted.")
_BLOCKS_AT_ONCE = 4


async def own_roster(session: AsyncSession, partner: Principal, sequence: int) -> Roster:
    """Raises RosterNotFound (404)."""
    found = await queries.roster(session, partner.id, sequence)
    if found is None:
        raise RosterNotFound
    return found


def roster_view(vault: Vault, roster: Roster, language: Language) -> RosterView:
    errors: Sequence[FileError] = ()
    ignored: list[str] = []
    if roster.sealed_report is not None:
        report = vault.open("roster", roster.id, roster.sealed_report)
        errors = msgspec.convert(report["errors"], list[FileError])
        ignored = list(report["ignored_columns"])
    counts = RosterCounts.model_validate(roster)
    return RosterView(
        sequence=roster.sequence,
        status=roster.status,
        url=f"/v1/partner/rosters/{roster.sequence}",
        received_at=roster.received_at,
        finished_at=roster.finished_at,
        row_count=roster.row_count,
        answered_rows=roster.enrolled + roster.updated + roster.unchanged + roster.refused,
        answers=counts,
        missing_riders=roster.missing_riders,
        newly_missing=roster.newly_missing,
        errors=[
            FileErrorView(
                code=error.code,
                message=_words(FILE, error.code, None, language),
                column=error.column or None,
                row=error.row or None,
            )
            for error in errors
        ],
        ignored_columns=ignored,
    )


def _words(
    words: Mapping[str, Text], code: str, fields: Mapping[str, int] | None, language: Language
) -> str:
    return words.get(code, _UNKNOWN).in_language(language, **(fields or {}))


async def row_answers(
    session: AsyncSession,
    vault: Vault,
    partner: Principal,
    roster: Roster,
    *,
    after: int,
    answer: str | None,
    limit: int,
) -> list[RowAnswer]:
    """Up to `limit + 1` answers beyond row `after`; the reading is recorded."""
    found: list[RowAnswer] = []
    last_row = after
    while len(found) <= limit:
        blocks = await queries.answer_blocks(session, roster.id, last_row, answer, _BLOCKS_AT_ONCE)
        for block in blocks:
            found += [
                row
                for row in open_block(vault, block.id, block.sealed)
                if row.row > after and answer in (None, row.answer)
            ]
            last_row = block.last_row
        if len(blocks) < _BLOCKS_AT_ONCE:
            break
    await audit.record(
        session,
        partner,
        "roster.read_rows",
        subject="roster",
        subject_ids=[roster.id],
        details={"rows": [row.row for row in found[:limit]]},
    )
    return found[: limit + 1]


def row_view(answer: RowAnswer, language: Language) -> RowView:
    return RowView(
        row=answer.row,
        rider_ref=answer.rider_ref,
        answer=answer.answer,
        policy_number=answer.policy_number or None,
        errors=[
            RowErrorView(
                column=error.column,
                code=error.code,
                message=_words(ROW, error.code, error.fields, language),
                value=error.value or None,
            )
            for error in answer.errors
        ],
        notices=[
            NoticeView(code=code, message=_words(NOTICES, code, None, language))
            for code in answer.notices
        ],
    )


async def missing_riders(
    session: AsyncSession,
    partner: Principal,
    roster: Roster,
    *,
    after: str | None,
    limit: int,
) -> Sequence[Rider]:
    """Riders whom the roster did not name and who have not come back; reading is recorded."""
    rows = await queries.missing_page(session, partner.id, roster.sequence, after, limit)
    shown: list[UUID] = [row.id for row in rows[:limit]]
    await audit.record(session, partner, "rider.read", subject="rider", subject_ids=shown)
    return rows
