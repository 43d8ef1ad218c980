"""Production does not start on a database that forgets."""

import re
from pathlib import Path

import pytest

from app import worker
from app.kernel import postgres
from app.main import create_app
from app.settings import Settings

pytestmark = pytest.mark.anyio

# The cluster of the tests is thrown away, and set up accordingly.
EVERYTHING = "fsync = off, full_page_writes = off, synchronous_commit = off"


@pytest.fixture
def production(settings: Settings, fresh_database_url: str) -> Settings:
    return settings.model_copy(
        update={"environment": "production", "database_url": fresh_database_url}
    )


async def start_api(settings: Settings) -> None:
    application = create_app(settings)
    async with application.router.lifespan_context(application):
        raise AssertionError("it started")


async def test_api_and_worker_refuse_a_database_that_forgets(production: Settings) -> None:
    with pytest.raises(RuntimeError, match=EVERYTHING):
        await start_api(production)
    with pytest.raises(RuntimeError, match=EVERYTHING):
        await worker.run(production)


async def test_what_holds_for_the_login_counts(
    production: Settings, postgres_socket_dir: Path
) -> None:
    """A server's own setting may be overruled for one login, in either direction."""
    name = re.search(r"test_[0-9a-f]{12}", production.database_url)
    assert name is not None
    postgres.psql(
        postgres_socket_dir,
        f'alter role {postgres.OWNER} in database "{name[0]}" set synchronous_commit = on',
    )
    with pytest.raises(RuntimeError) as refused:
        await start_api(production)
    assert "fsync" in str(refused.value)
    assert "synchronous_commit" not in str(refused.value)
