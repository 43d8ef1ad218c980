"""Documents are used while their claim lives, then stored only, then gone from the storage."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.claims.keeping import keep_documents
from app.kernel.jobs import JobContext
from app.main import create_app
from app.settings import Settings
from tests.access_fixtures import SignedIn, staff_token
from tests.claims.factories import Case, make_case, run_jobs
from tests.cover_fixtures import Rider, scalar
from tests.simulators_fixture import Simulators

pytestmark = pytest.mark.anyio

USED, UNPAID, PAID, DRAFT = 365, 3 * 366, 30 * 366, 365
FACTS = {"self_pay_fen": 1_000_000, "hospital_grade": 2}


@dataclass(frozen=True)
class Later(JobContext):
    """The worker, some days from now."""

    days: int = 0

    async def business_now(self, session: AsyncSession) -> datetime:
        return await super().business_now(session) + timedelta(days=self.days)


@pytest.fixture
async def case(settings: Settings, fresh_database_url: str, tmp_path: Path) -> AsyncIterator[Case]:
    """A case in a database and a storage of its own: keeping looks at every document."""
    changes = {"database_url": fresh_database_url, "object_store_url": tmp_path.as_uri()}
    application = create_app(settings.model_copy(update=changes))
    async with application.router.lifespan_context(application):
        transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield await make_case(application, client)


async def keep(case: Case, days: int) -> None:
    state = case.app.state
    await keep_documents(Later(state.database, state.vault, state.settings, None, days), {})


def bytes_kept(folder: Path) -> int:
    return sum(1 for each in folder.glob("objects/**/*") if each.is_file())


def files(view: dict[str, Any]) -> list[dict[str, Any]]:
    return [file for kind in view["documents"] for file in (*kind["files"], *kind["former_files"])]


async def look(case: Case, who: SignedIn | Rider, path: str) -> httpx.Response:
    file = files(await case.own())[0]
    return await case.post(f"{path}/documents/{file['id']}/view", who, {"variant": "content"})


async def audited(case: Case, action: str) -> int:
    said = (
        "select coalesce(sum(cardinality(subject_ids)), 0) from audit_entry where action = :action"
    )
    return int(await scalar(case.app.state.database, said, action=action))


async def test_what_has_ended_is_stored_only_then_erased(case: Case, tmp_path: Path) -> None:
    await case.submitted()
    await case.denied()
    auditor = await staff_token(case.app, case.office.organisation.id, ["auditor"])
    await keep(case, USED - 1)
    assert (await look(case, case.office.reviewer, case.staff_path)).status_code == 200
    await keep(case, USED + 1)
    refused = await look(case, case.office.reviewer, case.staff_path)
    assert (refused.status_code, refused.json()["code"]) == (409, "document-blocked")
    assert (await look(case, auditor, case.staff_path)).status_code == 200
    own = await look(case, case.rider, case.path)
    assert (await case.client.get(own.json()["url"])).status_code == 200
    assert bytes_kept(tmp_path) == 4
    reads = await audited(case, "document.read")
    given = await look(case, case.rider, case.path)
    await keep(case, UNPAID + 1)
    assert bytes_kept(tmp_path) == 0
    assert (await look(case, case.rider, case.path)).status_code == 404
    assert (await case.client.get(given.json()["url"])).status_code == 404
    assert all(file["erased_at"] for file in files(await case.own()))
    rows = "select count(*) from stored_object where erased_at is not null and sealed is null"
    assert await scalar(case.app.state.database, rows) == 2
    assert (await audited(case, "document.block"), await audited(case, "document.erase")) == (2, 2)
    assert await audited(case, "document.read") >= reads
    await keep(case, UNPAID + 2)
    assert await audited(case, "document.erase") == 2


async def test_vouchers_of_payments_are_kept_longer(
    case: Case, tmp_path: Path, simulators: Simulators
) -> None:
    await case.submitted()
    await case.approved(**FACTS)
    await case.received(simulators)
    await keep(case, UNPAID + 1)
    assert (bytes_kept(tmp_path), await audited(case, "document.block")) == (4, 2)
    await keep(case, PAID + 1)
    assert bytes_kept(tmp_path) == 0


async def test_what_is_never_handed_in_is_erased(case: Case, tmp_path: Path) -> None:
    await case.open()
    assert (await case.send("receipt")).status_code == 201
    await keep(case, DRAFT - 1)
    assert bytes_kept(tmp_path) == 2
    await keep(case, DRAFT + 1)
    assert bytes_kept(tmp_path) == 0
    [receipt] = [each for each in (await case.own())["documents"] if each["kind"] == "receipt"]
    assert (receipt["state"], receipt["files"]) == ("missing", [])
    assert (await case.send("receipt")).status_code == 201


async def test_a_claim_under_way_is_left_alone(case: Case, tmp_path: Path) -> None:
    await case.submitted()
    await keep(case, PAID + 1)
    assert bytes_kept(tmp_path) == 4
    assert (await look(case, case.office.reviewer, case.staff_path)).status_code == 200


async def test_a_claim_that_lives_again_is_worked_with_at_once(case: Case) -> None:
    await case.submitted()
    await case.denied()
    await keep(case, USED + 1)
    assert (await look(case, case.office.reviewer, case.staff_path)).status_code == 409
    assert (await case.reopen()).status_code == 201
    assert (await look(case, case.office.reviewer, case.staff_path)).status_code == 200
    await keep(case, 0)
    blocked = "select count(*) from stored_object where blocked_at is not null"
    assert await scalar(case.app.state.database, blocked) == 0
    assert await audited(case, "document.unblock") == 2


async def test_without_consent_to_health_data_papers_are_not_used(
    case: Case, tmp_path: Path
) -> None:
    consent = {"purpose": "health", "version": 1}
    assert (await case.post("/v1/me/consents", case.rider, consent)).status_code == 201
    await case.submitted()
    await case.denied()
    ended = case.id
    await case.open()
    assert (await case.send("medical_record")).status_code == 201
    assert bytes_kept(tmp_path) == 6
    gone = await case.client.delete("/v1/me/consents/health", headers=case.rider.headers)
    assert gone.status_code == 204, gone.text
    assert "claims.health_withdrawn" in await run_jobs(case.app)
    assert bytes_kept(tmp_path) == 4
    assert files(await case.own())[0]["erased_at"] is not None
    case.id = ended
    assert (await look(case, case.office.reviewer, case.staff_path)).status_code == 409
    assert (await look(case, case.rider, case.path)).status_code == 200
