"""Hostile files over HTTP: each is refused for the right reason, by a child within its memory."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.documents.desk import Desk
from app.documents.errors import REASON_TEXTS
from app.documents.sandbox.child import MEMORY_BYTES
from tests.claims.factories import make_case
from tests.documents.hostile import hostile

pytestmark = pytest.mark.anyio


@pytest.mark.long
async def test_every_hostile_file_is_refused_for_the_right_reason(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    case = await make_case(app, client)
    await case.open()
    wrong: dict[str, object] = {}
    for name, (content, reasons) in hostile().items():
        answer = await case.send("receipt", content)
        found = answer.json().get("reason_code")
        if answer.status_code != 422 or found not in reasons or found not in REASON_TEXTS:
            wrong[name] = answer.json()
        _require_within_memory(app.state.desk, name)
    assert not wrong
    assert len(hostile()) >= 60


def _require_within_memory(desk: Desk, name: str) -> None:
    """The kernel holds every child to the limit; those alive tell their peak."""
    for child in desk.prover.children:
        if child.pid is None:
            continue
        folder = Path("/proc", str(child.pid))
        limits = (folder / "limits").read_text().splitlines()
        allowed = next(line for line in limits if line.startswith("Max address space"))
        assert int(allowed.split()[3]) == MEMORY_BYTES == 256 * 1024 * 1024, name
        peak = next(
            line
            for line in (folder / "status").read_text().splitlines()
            if line.startswith("VmHWM")
        )
        assert int(peak.split()[1]) * 1024 <= MEMORY_BYTES, name
