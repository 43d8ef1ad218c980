"""Everything a run stands on: a database of its own, secrets, keys, and both servers."""

import base64
import os
import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import asyncpg

from app.access.authentication import Authenticator
from app.kernel import migrate, postgres
from app.kernel.database import Database, asyncpg_dsn
from app.kernel.ids import new_id
from app.kernel.principal import Principal
from app.kernel.vault import Vault, open_vault
from app.settings import Settings
from app.simulators import config
from app.simulators import secrets as simulated
from app.simulators.wechat_pay.keys import PayKeys
from app.subscriptions import SUBSCRIPTIONS
from benchmarks import servers
from benchmarks.seed import Seeded

BIN = Path(sys.executable).parent
HOME = Path(__file__).parent.parent / ".test-data"
# The embedded server's share of a small machine; both sides stand on the same one.
DATABASE_SETTINGS = {
    "shared_buffers": "512MB",
    "max_connections": "100",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "maintenance_work_mem": "256MB",
}


NEVER_REVOKED = 2**61


def tell(line: str) -> None:
    """For people; stdout belongs to the JSON lines."""
    print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Stand:
    """A migrated, empty database and the variables under which both servers start."""

    home: Path
    variables: dict[str, str]
    settings: Settings


@dataclass(frozen=True)
class Tools:
    """Hands in this process: the tables' owner, and the application's own parts."""

    owner: asyncpg.Pool
    database: Database
    vault: Vault
    door: Authenticator


@dataclass
class World:
    """What paths work with."""

    stand: Stand
    tools: Tools
    ours: servers.Server
    lean: servers.Server
    city: Seeded

    def token(self, principal: Principal) -> str:
        """A token as a login would give it, minted by the application's own functions."""
        with_family = replace(principal, family_id=new_id())
        return self.tools.door.keyring.mint(with_family, NEVER_REVOKED).value

    def bearer(self, principal: Principal) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(principal)}"}

    @cached_property
    def gateway(self) -> tuple[config.SimulatorConfig, PayKeys]:
        """The simulated gateway's identity and keys, with which notices are signed."""
        known = config.load(self.stand.home / "secrets")
        return known, PayKeys(known)


@contextmanager
def cluster(*, fsync: bool) -> Iterator[tuple[Path, postgres.Running]]:
    """A PostgreSQL in a folder that goes when the run ends; leftovers of killed runs too."""
    HOME.mkdir(mode=0o700, exist_ok=True)
    for folder in HOME.glob("bench-*"):
        if not Path("/proc", folder.name.removeprefix("bench-")).exists():
            shutil.rmtree(folder, ignore_errors=True)
    home = HOME / f"bench-{os.getpid()}"
    home.mkdir(mode=0o700)
    running = postgres.start(home / "postgres", fsync=fsync, settings=DATABASE_SETTINGS)
    try:
        yield home, running
    finally:
        running.stop()
        shutil.rmtree(running.home, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def environment(home: Path, database_url: str) -> dict[str, str]:
    """Production's settings with the simulated world's keys; nothing of the caller's own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("REDUMBRELLA_") and name != "DATABASE_URL"
    }
    outside = simulated.prepare(home / "secrets", simulator_base_url="http://127.0.0.1:9")
    return (
        kept
        | outside
        | {
            "DATABASE_URL": database_url,
            "REDUMBRELLA_ENVIRONMENT": "production",
            "REDUMBRELLA_ISSUER_NAME": "测量用机构",
            "REDUMBRELLA_TOKEN_ISSUER": "https://bench.invalid",
            "REDUMBRELLA_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "REDUMBRELLA_OBJECT_STORE_URL": (home / "objects").as_uri(),
            # Tokens are minted before they are used.
            "REDUMBRELLA_ACCESS_TOKEN_MINUTES": "600",
        }
    )


def read_settings(variables: dict[str, str]) -> Settings:
    os.environ.update(
        {name: value for name, value in variables.items() if name.startswith("REDUMBRELLA_")}
    )
    os.environ["DATABASE_URL"] = variables["DATABASE_URL"]
    return Settings()


def prepare(home: Path, running: postgres.Running, database: str = postgres.DATABASE) -> Stand:
    """Migrate; the environment of this process becomes the servers'.

    Another `database` is made, with keys and secrets of its own in `home`.
    """
    if database != postgres.DATABASE:
        running.psql(f"create database {database} owner {postgres.OWNER}")
    variables = environment(home, running.dsn(database))
    settings = read_settings(variables)
    migrate.upgrade(settings)
    (home / "objects").mkdir(mode=0o700)
    return Stand(home, variables, settings)


@asynccontextmanager
async def open_tools(settings: Settings) -> AsyncIterator[Tools]:
    """The owner's pool, and the application's own database, vault and tokens."""
    database = Database(settings, subscriptions=SUBSCRIPTIONS, command_timeout=600)
    vault = open_vault(settings)
    owner = await asyncpg.create_pool(asyncpg_dsn(settings.database_url), min_size=1, max_size=4)
    await database.open()
    try:
        async with database.transaction() as session:
            await vault.refresh(session)
        door = Authenticator(settings, database, vault)
        await door.start()
        yield Tools(owner, database, vault, door)
    finally:
        await database.close()
        await owner.close()


@contextmanager
def both_servers(stand: Stand) -> Iterator[tuple[servers.Server, servers.Server]]:
    """Ours as in production, and the lean twin, each one process."""
    ours = servers.start("ours", [str(BIN / "redumbrella"), "api"], stand.variables, stand.home)
    try:
        lean = servers.start(
            "lean", [sys.executable, "-m", "benchmarks.lean"], stand.variables, stand.home
        )
        try:
            yield ours, lean
        finally:
            lean.stop()
    finally:
        ours.stop()
