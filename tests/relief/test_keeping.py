"""Papers of a relief case that has ended are stored only, then gone."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.jobs import JobContext
from app.main import create_app
from app.relief.keeping import keep_documents
from app.settings import Settings
from tests.relief.factories import Board, make_board
from tests.relief.test_board import FACTS

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Later(JobContext):
    """The worker, some days from now."""

    days: int = 0

    async def business_now(self, session: AsyncSession) -> datetime:
        return await super().business_now(session) + timedelta(days=self.days)


async def keep(board: Board, days: int) -> None:
    state = board.app.state
    await keep_documents(Later(state.database, state.vault, state.settings, None, days), {})


@pytest.fixture
async def board(
    settings: Settings, fresh_database_url: str, tmp_path: Path
) -> AsyncIterator[Board]:
    """A board in a database and a storage of its own: keeping looks at every document."""
    changes = {"database_url": fresh_database_url, "object_store_url": tmp_path.as_uri()}
    application = create_app(settings.model_copy(update=changes))
    async with application.router.lifespan_context(application):
        transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            made = await make_board(application, client)
            await made.open_fund()
            yield made


def bytes_kept(folder: Path) -> int:
    return sum(1 for each in folder.glob("objects/**/*") if each.is_file())


async def test_a_declined_case_keeps_its_papers_three_years(board: Board, tmp_path: Path) -> None:
    case_id = await board.referred(await board.rider(), FACTS)
    stored = bytes_kept(tmp_path)
    assert stored > 0
    await keep(board, 4 * 366)
    assert bytes_kept(tmp_path) == stored
    decline: dict[str, Any] = {"verdict": "decline", "reason_code": "helped-elsewhere"}
    decline["votes"] = board.votes("for", "against", "against")
    answer = await board.decide(case_id, decline)
    assert answer.json()["status"] == "declined", answer.text
    file = next(each for paper in (await board.seen(case_id))["papers"] for each in paper["files"])
    path = f"/v1/staff/relief-cases/{case_id}/documents/{file}/view"
    await board.post(path, board.caseworker, {"variant": "content"})
    await keep(board, 366)
    refused = await board.client.post(
        path, headers=board.caseworker.keyed, json={"variant": "content"}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "document-blocked")
    assert bytes_kept(tmp_path) == stored
    await keep(board, 4 * 366)
    assert bytes_kept(tmp_path) == 0
