"""Invariant 11 holds after everything above, and finds what it is there to find."""

from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.rosters.factories import Platform, fetch, rider

pytestmark = pytest.mark.anyio

INVARIANT = (Path(__file__).parents[1] / "invariants" / "11_rosters.sql").read_text("utf-8")


class Undo(Exception):
    pass


async def test_it_holds_and_can_fail(platform: Platform) -> None:
    riders = [rider() for _ in range(3)]
    await platform.push(riders)
    await platform.push(riders[:2])
    assert await fetch(platform.app, INVARIANT) == []
    breaches = {
        "update roster set refused = refused + 1": "applied roster with rows that have no answer",
        "update rider set changed_sequence = 99": (
            "rider written by a roster the partner did not push"
        ),
    }
    for breach, fault in breaches.items():
        assert await faults_after(platform, breach) == {fault}


async def faults_after(platform: Platform, breach: str) -> set[str]:
    """What the invariant finds after a breach that is then undone."""
    found: set[str] = set()
    with suppress(Undo):
        async with platform.app.state.database.transaction() as session:
            await session.execute(
                text(f"{breach} where partner_id = :p"), {"p": platform.caller.account_id}
            )
            found = {row.fault for row in (await session.execute(text(INVARIANT))).all()}
            raise Undo
    return found
