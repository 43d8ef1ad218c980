"""Which tokens died before their time: written with the fact, read by every process each second."""

import time
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.models import generation_of
from app.access.tokens import SKEW, Claims
from app.kernel.database import Database

POLL_SECONDS = 1.0
# Beyond this age of our knowledge staff tokens are not believed (P10).
STALE_SECONDS = 5.0
# A row becomes visible only when its transaction commits: look back further than any lasts.
_OVERLAP = timedelta(seconds=120)
_ENDLESS = 2**62

_REVOKE = text(
    "insert into token_revocation (subject_id, generation) values (:subject_id, :generation)"
    " on conflict (subject_id) do update set recorded_at = clock_timestamp(),"
    " generation = greatest(token_revocation.generation, excluded.generation)"
)
_NEWS = (
    "select subject_id, generation, clock_timestamp() as read_at from token_revocation"
    " where recorded_at > coalesce($1, clock_timestamp()) - $2::interval"
    " union all select null, null, clock_timestamp()"
)


async def revoke_account(session: AsyncSession, account_id: UUID, valid_after: datetime) -> None:
    """Tokens of the account (or client) minted under an earlier `valid_after` are dead."""
    await session.execute(
        _REVOKE, {"subject_id": account_id, "generation": generation_of(valid_after)}
    )


async def revoke_family(session: AsyncSession, family_id: UUID) -> None:
    """Every token of this login is dead."""
    await session.execute(_REVOKE, {"subject_id": family_id, "generation": _ENDLESS})


class Revocations:
    """What this process knows of dead tokens, and how old that knowledge is."""

    def __init__(self, lifetime: timedelta) -> None:
        self._lifetime = lifetime + timedelta(seconds=SKEW) + _OVERLAP
        self._generations: dict[UUID, int] = {}
        self._forget_at: dict[UUID, float] = {}
        self._read_at: datetime | None = None
        self._known_at = float("-inf")

    async def refresh(self, database: Database) -> None:
        """Read what is new; the first time, everything that can still matter."""
        asked_at = time.monotonic()
        window = self._lifetime if self._read_at is None else _OVERLAP
        rows = await database.reads.fetch(_NEWS, self._read_at, window)
        for row in rows:
            if row["subject_id"] is not None:
                self._learn(row["subject_id"], row["generation"], asked_at)
        self._read_at = rows[-1]["read_at"]
        self._known_at = asked_at
        self._forget(asked_at)

    def _learn(self, subject_id: UUID, generation: int, asked_at: float) -> None:
        self._generations[subject_id] = generation
        self._forget_at[subject_id] = asked_at + self._lifetime.total_seconds()

    def _forget(self, now: float) -> None:
        for subject_id in [key for key, at in self._forget_at.items() if at < now]:
            del self._generations[subject_id], self._forget_at[subject_id]

    def is_dead(self, claims: Claims) -> bool:
        known = self._generations
        return known.get(claims.sub, -1) > claims.gen or known.get(claims.fam, -1) > claims.gen

    @property
    def is_stale(self) -> bool:
        """Whether the last successful reading is too old to trust a staff token by."""
        return time.monotonic() - self._known_at > STALE_SECONDS
