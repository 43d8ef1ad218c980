"""The scan: one statement, prebuilt bytes, and a count that never touches a hot row.

Plan versions and consent texts never change once they are published, so their JSON is
made once per process; a whole answer is kept by the very row that the statement gave,
and so can never outlive a change of anything in it.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from app.enrolment import queries
from app.enrolment.schemas import ConsentToShow, ScanView, SiteView, SponsorView
from app.kernel.clock import system_now
from app.kernel.database import Database, raw_connection
from app.members.codes import normal_code, refuse_if_gone
from app.members.consent_models import REQUIRED_TO_REGISTER
from app.members.errors import CodeUnknown
from app.plans import queries as plans
from app.plans.plan_views import plan_summary

log = structlog.get_logger("scan")

FLUSH_EVERY = 5.0
KEPT_ANSWERS = 2_048


class ScanDesk:
    """One process's scans: answers already made, and counts not yet written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._answers: dict[tuple[Any, ...], bytes] = {}
        self._counts: Counter[UUID] = Counter()

    async def scan(self, text: str) -> bytes:
        """The ScanView of a code as JSON; raises CodeUnknown (404), CodeGone (410)."""
        at = system_now()
        row = await self._database.reads.fetchrow(queries.SCAN, normal_code(text), at)
        if row is None:
            raise CodeUnknown
        refuse_if_gone(row["expires_at"], row["revoked_at"], at)
        self._counts[row["id"]] += 1
        key = tuple(row)
        answer = self._answers.get(key)
        if answer is None:
            answer = await self._make(row)
            if len(self._answers) >= KEPT_ANSWERS:
                self._answers.clear()
            self._answers[key] = answer
        return answer

    async def _make(self, row: asyncpg.Record) -> bytes:
        ids = [UUID(each) for each in (row["version_ids"] or "").split()]
        async with self._database.transaction() as session:
            versions = await plans.versions(session, ids)
        labels = (row["text_labels"] or "").split()
        texts = await self._database.reads.fetch(queries.TEXTS, labels)
        sponsor = row["sponsor_id"]
        view = ScanView(
            code=row["code"],
            site=SiteView(
                id=row["site_id"], name=row["site"], area_code=row["area_code"], area=row["area"]
            ),
            campaign=row["campaign"],
            sponsor=SponsorView(id=sponsor, name=row["sponsor"]) if sponsor else None,
            expires_at=row["expires_at"],
            plans=[plan_summary(versions[version_id]) for version_id in ids],
            consents=_consents(texts),
        )
        return view.model_dump_json().encode()

    async def count(self) -> None:
        """Write the counts every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            await self.flush()

    async def flush(self) -> None:
        """Add what was counted since the last time; kept for the next time if that fails."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            await self._write(counts, system_now())
        except Exception as error:
            self._counts.update(counts)
            log.warning("scans not counted yet", error=type(error).__name__)

    async def _write(self, counts: Counter[UUID], at: datetime) -> None:
        async with self._database.transaction() as session:
            connection = await raw_connection(session)
            await connection.execute(
                queries.COUNT_SCANS, list(counts.keys()), list(counts.values()), at
            )


def _consents(texts: Sequence[asyncpg.Record]) -> list[ConsentToShow]:
    """Required texts first, in the order in which a form asks for them."""
    shown = [
        ConsentToShow(required=text["purpose"] in REQUIRED_TO_REGISTER, **dict(text))
        for text in texts
    ]
    order = {purpose: place for place, purpose in enumerate(REQUIRED_TO_REGISTER)}
    return sorted(shown, key=lambda each: (order.get(each.purpose, len(order)), each.purpose))
