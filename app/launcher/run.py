"""The order in which everything starts, runs and stops."""

import asyncio
import os
import signal
import socket
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from app.kernel import postgres
from app.launcher import advice, instance, serving
from app.launcher.children import Child, Service, StopRequested, Supervisor
from app.launcher.forking import ChildError
from app.launcher.screen import Screen
from app.launcher.surroundings import (
    Folders,
    LaunchError,
    explained,
    open_listener,
    prepare_environment,
    refuse_production,
    url_of,
)
from app.settings import Settings

READY_SECONDS = 60.0
LOG_LIMIT = 10_000_000


def run(data_dir: Path, port: int | None = None, *, verbose: bool = False) -> None:
    """Start everything, supervise it, and return after a clean stop.

    Raises LaunchError or PostgresStartError, whose messages say what to do.
    """
    if os.environ.get("REDUMBRELLA_FOLLOW_PARENT"):  # set by make: killing make ends us too
        postgres.die_with(os.getppid(), signal.SIGTERM)
    screen = Screen()
    folders = Folders(data_dir.absolute())
    supervisor = Supervisor(tell=screen.say)
    servers: list[postgres.Running] = []
    with supervisor.watching(), explained():
        folders.make()
        instance.claim(folders.root)
        try:
            with suppress(StopRequested):
                _start(screen, supervisor, folders, servers, port, verbose=verbose)
                supervisor.supervise(partial(_tend_database, screen, folders, servers))
        finally:
            screen.say("\nstopping …", "dim")
            instance.withdraw(folders.root)
            supervisor.stop()
            for server in servers:
                server.stop()
        screen.say("stopped", "dim")


def _start(
    screen: Screen,
    supervisor: Supervisor,
    folders: Folders,
    servers: list[postgres.Running],
    port: int | None,
    *,
    verbose: bool,
) -> None:
    began = time.monotonic()
    refuse_production()
    listener, simulators_listener = open_listener(port), open_listener(0)
    base_url, simulator_url = url_of(listener), url_of(simulators_listener)
    if not os.environ.get("DATABASE_URL"):
        with screen.step("PostgreSQL"):
            servers.append(postgres.launch(folders.postgres))
    database_url = servers[0].dsn() if servers else ""
    settings = prepare_environment(folders, database_url, base_url, simulator_url)
    prepare = partial(_prepare_database, settings, base_url, simulator_url)

    def start(name: str, serve: serving.Serve) -> Child:
        return supervisor.start(Service(name, serve, None if verbose else _log(folders, name)))

    # Each child is forked as soon as its imports are there, and works while the next load.
    with screen.step("loading the program"), serving.quick_imports():
        serving.import_api()
        for server in tuple(servers):
            _wait_for_database(folders, server, servers)
        supervisor.check()
        api = start("api", partial(serving.serve_api, settings, listener))
        serving.import_preparation()
        prepared = supervisor.ask(prepare, _log(folders, "setup"))
        serving.import_others()
        supervisor.check()
        worker = start("worker", partial(serving.serve_worker, settings))
        # Last, and so stopped last: the others still call it while they finish.
        serve_simulators = partial(
            serving.serve_simulators, folders.secrets, folders.simulators, simulators_listener
        )
        children = [api, worker, start("simulators", serve_simulators)]
    with screen.step("tables and demonstration data"):
        try:
            running = supervisor.answer(prepared, screen.turn)
        except ChildError as error:
            raise LaunchError(f"{error}\n(more in {_log(folders, 'setup')})") from None
    supervisor.open_gate()
    with screen.step("API, worker, simulators"):
        for each in (listener, simulators_listener):
            _wait_until_healthy(supervisor, children, each, screen)
    instance.publish(folders.root, running)
    screen.welcome(running, time.monotonic() - began, str(folders.logs))


def _log(folders: Folders, name: str) -> Path:
    log = folders.logs / f"{name}.log"
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    return log


def _wait_for_database(
    folders: Folders, server: postgres.Running, servers: list[postgres.Running]
) -> None:
    try:
        server.wait_until_ready()
    except postgres.PostgresStartError:
        # Once more with patience: backends of a killed server may still be leaving.
        server.stop()
        servers[:] = [postgres.start(folders.postgres)]


def _tend_database(screen: Screen, folders: Folders, servers: list[postgres.Running]) -> None:
    """A database that was killed is started again; its clients connect anew by themselves."""
    for server in tuple(servers):
        if not server.alive():
            screen.say("PostgreSQL ended, starting it again")
            server.stop()
            servers[:] = [postgres.start(folders.postgres)]


def _prepare_database(settings: Settings, base_url: str, simulator_url: str) -> instance.Instance:
    """In a child of its own: newest tables, demonstration data, and who may log in."""
    from app import demo
    from app.kernel import logs, migrate

    logs.configure_logs(settings.log_level)
    try:
        migrate.upgrade(settings)
        loaded = asyncio.run(demo.load(settings))
    except Exception as error:
        raise LaunchError(advice.words(error) or str(error)) from error
    return instance.Instance(
        base_url=base_url,
        simulator_url=simulator_url,
        pid=os.getppid(),
        accounts=tuple(instance.Account(*account) for account in loaded.accounts),
        enrolment_code=loaded.enrolment_code,
        partner_client_id=loaded.partner_client_id,
        partner_client_secret=loaded.partner_client_secret,
        database_url=settings.database_url,
    )


def _wait_until_healthy(
    supervisor: Supervisor, children: list[Child], listener: socket.socket, screen: Screen
) -> None:
    """The socket listens already, so one request waits in its queue until somebody serves."""
    deadline = time.monotonic() + READY_SECONDS
    with socket.create_connection(listener.getsockname()[:2], timeout=5) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while not supervisor.sleep(0.1, connection.fileno()):
            screen.turn()
            supervisor.check()
            for child in children:
                if supervisor.bury(child):
                    raise LaunchError(_last_words(child))
            if time.monotonic() > deadline:
                raise LaunchError(f"/healthz did not answer within {READY_SECONDS:.0f} s.")
        if b" 200 " not in connection.recv(16):
            raise LaunchError("/healthz does not answer 200; the logs say why.")


def _last_words(child: Child) -> str:
    log = child.service.log
    said = log.read_text(errors="replace").splitlines()[-12:] if log else []
    return "\n".join([f"{child.service.name} did not start. Its last words ({log}):", *said])
