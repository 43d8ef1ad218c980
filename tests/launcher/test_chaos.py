"""The short form of `make soak`: a journey that loses API and worker while it runs."""

from pathlib import Path

import pytest

from tests.soak.chaos import storm

pytestmark = pytest.mark.anyio


async def test_a_journey_survives_the_death_of_api_and_worker(tmp_path: Path) -> None:
    outcome = await storm(tmp_path / ".data", riders=2, concurrency=2, every=1.5, most=3)
    assert outcome.faults == []
    assert outcome.kills == {"api": 2, "worker": 1}
    assert outcome.replayed >= 100
