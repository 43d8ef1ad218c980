"""The tests' own PostgreSQL: one cluster a run, one migrated template, cheap copies of it."""

import base64
import fcntl
import gc
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app.kernel import postgres
from app.kernel.database import Database
from app.settings import Settings
from tests.simulators_fixture import Simulators, simulators

__all__ = ["simulators"]

TEST_DATA = Path(__file__).parent.parent / ".test-data"
TEMPLATE = "redumbrella_template"
RUNNING = pytest.StashKey[postgres.Running]()
SOCKET_DIR = "redumbrella_socket_dir"
MASTER_KEY = SecretStr(base64.b64encode(bytes(range(32))).decode())


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


# What importing makes stays: looking through it again and again would take a tenth of the run.
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """Under xdist the controller starts the cluster, because it outlives every worker."""
    if getattr(config.option, "numprocesses", None):
        start_cluster(config)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Two for each processor: a test waits for the database or a child a fifth of its time.

    Not where whole services are started (`-n logical`): four of them at once starve.
    """
    if config.option.numprocesses == "logical":
        return None
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    running = node.config.stash[RUNNING]  # type: ignore[attr-defined]
    node.workerinput[SOCKET_DIR] = str(running.socket_dir)  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    running = config.stash.get(RUNNING, None)
    if running is not None:
        running.stop()
        shutil.rmtree(running.home, ignore_errors=True)
        shutil.rmtree(TEST_DATA / str(os.getpid()), ignore_errors=True)


def start_cluster(config: pytest.Config) -> Path:
    """Return the folder of the socket. Leftovers of killed runs are removed first."""
    for folder in TEST_DATA.glob("[0-9]*"):
        try:
            os.kill(int(folder.name), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
    running = postgres.start(
        TEST_DATA / str(os.getpid()),
        fsync=False,
        settings={"max_connections": "300", "autovacuum": "off", "shared_buffers": "256MB"},
    )
    config.stash[RUNNING] = running
    return running.socket_dir


@pytest.fixture(scope="session")
def postgres_socket_dir(request: pytest.FixtureRequest) -> Path:
    """Where the run's cluster listens; without xdist it is started here, on first use."""
    worker_input = getattr(request.config, "workerinput", None)
    if worker_input is not None:
        return Path(worker_input[SOCKET_DIR])
    running = request.config.stash.get(RUNNING, None)
    return running.socket_dir if running else start_cluster(request.config)


@contextmanager
def only_one_process(folder: Path, name: str) -> Iterator[None]:
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def template_database(postgres_socket_dir: Path) -> str:
    """Name of the database built by `alembic upgrade head`, made by the first who asks."""
    done = postgres_socket_dir / "template.done"
    with only_one_process(postgres_socket_dir, "template"):
        if not done.exists():
            postgres.psql(postgres_socket_dir, f"CREATE DATABASE {TEMPLATE} OWNER {postgres.OWNER}")
            migrate(postgres.dsn(postgres_socket_dir, TEMPLATE, postgres.OWNER))
            done.touch()
    return TEMPLATE


def migrate(database_url: str) -> None:
    from app.kernel import migrate as migrations

    migrations.upgrade(
        Settings(environment="test", database_url=database_url, master_key=MASTER_KEY)
    )


@pytest.fixture(scope="session")
def clone_database(postgres_socket_dir: Path, template_database: str) -> Callable[[str], str]:
    """Copy the migrated template under a name; returns its URL."""

    def clone(name: str) -> str:
        sql = (
            f'CREATE DATABASE "{name}" OWNER {postgres.OWNER}'
            f" TEMPLATE {template_database} STRATEGY FILE_COPY"
        )
        with only_one_process(postgres_socket_dir, "clone"):
            postgres.psql(postgres_socket_dir, sql)
        return postgres.dsn(postgres_socket_dir, name, postgres.OWNER)

    return clone


@pytest.fixture(scope="session")
def database_url(clone_database: Callable[[str], str]) -> str:
    """A migrated database of this worker's own, for the whole run."""
    return clone_database(f"worker_{uuid.uuid4().hex[:12]}")


@pytest.fixture
def fresh_database_url(
    clone_database: Callable[[str], str], postgres_socket_dir: Path
) -> Iterator[str]:
    """A migrated database for this test alone: it may commit what it likes."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield clone_database(name)
    postgres.psql(postgres_socket_dir, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def settings(
    database_url: str, simulators: Simulators, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """The service's settings over this worker's database and the running simulators.

    Not to be overridden nearer to a test: `app` lives as long as the worker, so whoever
    asked first would choose for everybody.
    """
    return simulators.settings(
        database_url=database_url,
        master_key=MASTER_KEY,
        log_level="error",
        database_pool_size=20,
        # A hundred parallel requests wait for their turn, however slow the machine.
        database_pool_timeout=20.0,
        database_command_timeout=10.0,
        object_store_url=tmp_path_factory.mktemp("objects").as_uri(),
    )


@pytest.fixture(scope="session")
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """The real application, started; every request commits for real."""
    from app.main import create_app

    application = create_app(settings)
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as caller:
        yield caller


@pytest.fixture
def database(app: FastAPI) -> Database:
    """For arranging and looking: `async with database.transaction() as session`."""
    return cast(Database, app.state.database)
