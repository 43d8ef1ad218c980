"""The single-purpose processes: `api`, `worker`, `simulators`, `migrate` and their kin."""

import asyncio
import base64
import json
import socket
import sys
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from app.launcher import serving
from app.launcher.children import Service, StopRequested, Supervisor
from app.launcher.forking import ChildError
from app.launcher.surroundings import Folders, LaunchError, read_settings
from app.settings import Settings


def database_settings() -> Settings:
    """Settings of a process that needs a database.

    Raises LaunchError without one, MasterKeyError without a key that could be one.
    """
    settings = read_settings()
    if not settings.database_url:
        raise LaunchError(
            "DATABASE_URL is not set.\n"
            "Set it (postgresql://user:password@host/database), or use `redumbrella run`,"
            " which brings a database along."
        )
    from app.kernel.vault import decode_master_key

    decode_master_key(settings.master_key.get_secret_value())
    return settings


def listen(host: str, port: int) -> socket.socket:
    try:
        return serving.bind(host, port)
    except OSError as error:
        raise LaunchError(
            f"{host}:{port} cannot be used ({error.strerror}); choose another with --port."
        ) from None


def run_api(host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM; with several workers they are forked and share the port."""
    settings = database_settings()
    listener = listen(host, port)
    if workers == 1:
        serving.serve_api(settings, listener)
        return
    with serving.quick_imports():
        serving.import_api()
    supervisor = Supervisor(tell=partial(print, file=sys.stderr))
    with supervisor.watching():
        # Once before many: a worker that cannot start would be started again for ever.
        if not _can_start(supervisor, settings):
            return
        for number in range(1, workers + 1):
            supervisor.start(
                Service(f"api-{number}", partial(serving.serve_api, settings, listener))
            )
        supervisor.open_gate()
        try:
            supervisor.supervise(lambda: None)
        finally:
            supervisor.stop()


def _can_start(supervisor: Supervisor, settings: Settings) -> bool:
    """Try it in a child; False if told to stop meanwhile. Raises LaunchError saying what to do."""
    try:
        words = supervisor.answer(
            supervisor.ask(partial(serving.rehearse, settings), None), lambda: None
        )
    except StopRequested:
        supervisor.stop()
        return False
    except ChildError as error:
        raise LaunchError(f"The API cannot start: {error}") from None
    if words is not None:
        raise LaunchError(words)
    return True


def run_worker() -> None:
    serving.serve_worker(database_settings())


def run_simulators(host: str, port: int, data_dir: Path) -> None:
    from app.simulators import secrets

    folders = Folders(data_dir.absolute())
    folders.make()
    listener = listen(host, port)
    secrets.prepare(folders.secrets, simulator_base_url=None)
    serving.serve_simulators(folders.secrets, folders.simulators, listener)


def run_migrations() -> bool:
    """Returns whether anything had to be done."""
    from app.kernel import migrate

    return migrate.upgrade(database_settings())


def load_demonstration() -> str:
    """Returns what to print: the code, the partner, the accounts."""
    from app import demo

    settings = database_settings()
    if not settings.sandbox:
        raise LaunchError("Demonstration data is not loaded into a production database.")
    loaded = asyncio.run(demo.load(settings))
    lines = [
        f"enrolment code {loaded.enrolment_code}",
        f"partner {loaded.partner_client_id} {loaded.partner_client_secret}",
        *(" ".join(account) for account in loaded.accounts),
    ]
    return "\n".join(lines)


def openapi_document() -> str:
    """The document needs no database and no secrets: nothing is connected or decrypted."""
    from app.main import create_app

    settings = Settings(
        environment="demo",
        database_url="postgresql://nobody@localhost/nothing",
        master_key=SecretStr(base64.b64encode(bytes(32)).decode()),
    )
    return json.dumps(create_app(settings).openapi(), ensure_ascii=False, indent=2)
