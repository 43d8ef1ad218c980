"""The short form of `make soak`: every story of a claim while API and worker are killed."""

from pathlib import Path

import pytest

from tests.soak.claim_storm import storm
from tests.soak.stories import MIXED

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def test_claims_survive_the_death_of_api_and_worker(tmp_path: Path) -> None:
    told = await storm(
        tmp_path / ".data",
        mixed=len(MIXED),
        duels=2,
        every=2.0,
        victims=lambda: ("api", "worker"),
    )
    assert told.faults == []
    assert told.duels_won == 2
    assert min(told.kills["api"], told.kills["worker"]) >= 1
    assert told.replayed >= 100
