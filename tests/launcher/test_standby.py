"""The primary dies: what was acknowledged is on the synchronous standby (P1), which serves (P2)."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.kernel import postgres
from app.main import create_app
from tests.conftest import MASTER_KEY, migrate
from tests.cover_fixtures import Rider, load_plans, make_gateway, make_rider, order
from tests.launcher.standby import PRIMARY, clone, kill_at_once, promote, wait_for
from tests.simulators_fixture import Simulators

pytestmark = [pytest.mark.anyio, pytest.mark.long]

INVARIANTS = sorted((Path(__file__).parents[1] / "invariants").glob("*.sql"))
PURCHASES = 5
WRITES_AGAIN_WITHIN = 30.0


@dataclass
class Clusters:
    """A primary, a standby it waits for, and one it does not wait for."""

    primary: postgres.Running
    synchronous: postgres.Running
    asynchronous: postgres.Running

    def both(self) -> str:
        """The address that the runbook gives: both hosts, whichever is the primary."""
        alive = f"host={self.primary.socket_dir}&"
        assert alive in self.primary.dsn()
        hosts = f"host={self.primary.socket_dir},{self.synchronous.socket_dir}&"
        return self.primary.dsn().replace(alive, hosts) + "&target_session_attrs=primary"


@pytest.fixture
def clusters(tmp_path: Path) -> Iterator[Clusters]:
    primary = postgres.start(tmp_path / "primary", settings=PRIMARY)
    running = [primary]
    try:
        migrate(primary.dsn())
        names = ("waited_for", "behind")
        running += [clone(primary, tmp_path / name, name) for name in names]
        primary.psql("alter system set synchronous_standby_names = 'waited_for'")
        primary.psql("select pg_reload_conf()")
        wait_for(primary, "select count(*) from pg_stat_replication where sync_state = 'sync'", "1")
        made = Clusters(*running)
        yield made
        running = [made.primary, made.synchronous, made.asynchronous]
    finally:
        for each in running:
            each.stop()


@pytest.fixture
async def service(
    clusters: Clusters, simulators: Simulators, tmp_path: Path
) -> AsyncIterator[FastAPI]:
    """The API as in production, which also says that this database is good enough for it."""
    settings = simulators.settings(
        database_url=clusters.both(),
        master_key=MASTER_KEY,
        log_level="error",
        database_command_timeout=0.5,
        object_store_url=(tmp_path / "objects").as_uri(),
    ).model_copy(update={"environment": "production"})
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(service: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=service, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as caller:
        yield caller


async def ask(client: httpx.AsyncClient, rider: Rider, key: str) -> httpx.Response:
    return await client.post(
        "/v1/me/orders",
        headers=rider.headers | {"Idempotency-Key": key},
        json={"plan_code": "RIDER-ACC", "shares": 1},
    )


async def test_what_was_acknowledged_outlives_the_primary(
    clusters: Clusters, service: FastAPI, client: httpx.AsyncClient, simulators: Simulators
) -> None:
    await load_plans(service)
    gateway = make_gateway(client, simulators)
    riders = [await make_rider(service) for _ in range(PURCHASES + 1)]
    clusters.asynchronous.stop()
    acknowledged = []
    for rider in riders[:PURCHASES]:
        view = await gateway.settle(rider, await order(client, rider))
        assert view["status"] == "paid"
        acknowledged.append(view["id"])

    # Without its standby nothing is acknowledged, and a retry does not make it so, although
    # the primary itself has the order by now.
    clusters.synchronous.stop()
    key = secrets.token_hex(12)
    answers = [await ask(client, riders[-1], key) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 503]
    kept = f"select count(*) from contribution_order where person_id = '{riders[-1].person.id}'"
    assert clusters.primary.psql(kept, database=postgres.DATABASE) == "1"

    kill_at_once(clusters.primary)
    died_at = time.monotonic()
    paid = (
        "select count(*) from contribution_order where status = 'paid'"
        f" and id in ({', '.join(repr(each) for each in acknowledged)})"
    )
    clusters.synchronous = postgres.start(clusters.synchronous.home, settings=PRIMARY)
    clusters.asynchronous = postgres.start(clusters.asynchronous.home, settings=PRIMARY)
    for standby in (clusters.synchronous, clusters.asynchronous):
        promote(standby)
    found = clusters.synchronous.psql(paid, database=postgres.DATABASE)
    assert found == str(PURCHASES)
    # The same question shows loss where nobody waited: it can be answered with a no.
    assert clusters.asynchronous.psql(paid, database=postgres.DATABASE) == "0"
    assert clusters.synchronous.psql(kept, database=postgres.DATABASE) == "0"

    while (answer := await ask(client, riders[-1], key)).status_code == 503:
        assert time.monotonic() - died_at < WRITES_AGAIN_WITHIN
        await asyncio.sleep(0.1)
    assert answer.status_code == 201, answer.text
    assert clusters.synchronous.psql(kept, database=postgres.DATABASE) == "1"
    for invariant in INVARIANTS:
        sql = invariant.read_text()
        assert clusters.synchronous.psql(sql, database=postgres.DATABASE) == "", invariant.name
