"""Every lifecycle, every pair of states: the code's table and the database's agree."""

import itertools

import pytest
from fastapi import FastAPI
from sqlalchemy.exc import IntegrityError

import app.models  # noqa: F401  every Lifecycle must be defined
from app.kernel.clock import system_now
from app.kernel.database import Database
from app.kernel.ids import new_id
from app.kernel.transitions import LIFECYCLES, Lifecycle, StatusHistory

pytestmark = pytest.mark.anyio


def history(lifecycle: Lifecycle, current: str | None, target: str) -> StatusHistory:
    return StatusHistory(
        subject=lifecycle.subject,
        subject_id=new_id(),
        from_status=current,
        to_status=target,
        at=system_now(),
        actor_kind="system",
        actor_id=new_id(),
    )


@pytest.mark.parametrize("subject", sorted(LIFECYCLES))
async def test_history_holds_the_edges_and_nothing_else(
    app: FastAPI, database: Database, subject: str
) -> None:
    lifecycle = LIFECYCLES[subject]
    pairs = list(itertools.product(sorted(lifecycle.statuses), repeat=2))
    async with database.transaction() as session:
        for current, target in pairs:
            try:
                async with session.begin_nested():
                    session.add(history(lifecycle, current, target))
                    await session.flush()
                written = True
            except IntegrityError:
                written = False
            assert written is lifecycle.allows(current, target), (current, target)
        await session.rollback()


@pytest.mark.parametrize("subject", sorted(LIFECYCLES))
def test_every_status_can_be_reached(subject: str) -> None:
    lifecycle = LIFECYCLES[subject]
    reached = set(lifecycle.initial)
    while more := {there for here, there in lifecycle.edges if here in reached} - reached:
        reached |= more
    assert reached == lifecycle.statuses
