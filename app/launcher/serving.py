"""How each kind of process serves: the same code behind `run`, `api`, `worker`, `simulators`."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from app.launcher import advice
from app.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp

BACKLOG = 2048
DRAIN_SECONDS = 4
Serve = Callable[[Callable[[], None]], None]


def import_api() -> None:
    """The application and its server, with the parts that uvicorn would load by name.

    Imported once, in the parent: it costs every process 2 CPU-seconds otherwise.
    """
    import uvicorn.lifespan.on
    import uvicorn.loops.uvloop
    import uvicorn.protocols.http.httptools_impl  # noqa: F401

    import app.main  # noqa: F401

    gc.freeze()


def import_preparation() -> None:
    """What the child needs that prepares the database."""
    import app.demo
    import app.kernel.migrate  # noqa: F401

    gc.freeze()


def import_others() -> None:
    import app.simulators.main
    import app.worker  # noqa: F401

    gc.freeze()


@contextmanager
def quick_imports() -> Iterator[None]:
    """Imports make little garbage and many objects: collecting meanwhile is a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def settle_memory() -> None:
    """Take what exists now, and lives as long as the process, out of the collector's sight.

    It makes p99 three to four times lower, and forked children share the memory.
    """
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


def at_once() -> None:
    """No gate: whatever has to be ready before serving is."""


def serve_api(
    settings: Settings, listener: socket.socket, gate: Callable[[], None] = at_once
) -> None:
    """Build the application, wait at the gate, serve until SIGTERM or SIGINT."""
    from app.main import create_app

    application = create_app(settings)
    failures: list[Exception] = []
    application.router.lifespan_context = _remembering(
        application.router.lifespan_context, failures
    )
    settle_memory()
    gate()
    _serve(application, listener, failures)


def rehearse(settings: Settings) -> str | None:
    """Start the API once and end it: what to do about its not starting, or None if it does.

    Raises what is a fault of ours.
    """
    from app.main import create_app

    async def start() -> None:
        application = create_app(settings)
        async with application.router.lifespan_context(application):
            pass

    try:
        asyncio.run(start())
    except Exception as error:
        words = advice.words(error)
        if words is None:
            raise
        return words
    return None


Lifespan = Callable[["FastAPI"], AbstractAsyncContextManager[Any]]


def _remembering(lifespan: Lifespan, failures: list[Exception]) -> Lifespan:
    """The same, with why it could not begin: uvicorn would only print a traceback."""

    @asynccontextmanager
    async def begin(application: "FastAPI") -> AsyncIterator[Any]:
        async with AsyncExitStack() as stack:
            try:
                state = await stack.enter_async_context(lifespan(application))
            except Exception as error:
                failures.append(error)
                raise
            yield state

    return begin


def serve_simulators(
    secrets_dir: Path,
    state_dir: Path,
    listener: socket.socket,
    gate: Callable[[], None] = at_once,
) -> None:
    """The outside systems on one port, each under its own path prefix."""
    from app.simulators import config
    from app.simulators.main import create_app

    application = create_app(state_dir, config.load(secrets_dir))
    gate()
    _serve(application, listener)


def serve_worker(settings: Settings, gate: Callable[[], None] = at_once) -> None:
    """Run jobs and timers until SIGTERM or SIGINT; running jobs are finished first."""
    import uvloop

    from app import worker

    async def run() -> None:
        task = asyncio.ensure_future(worker.run(settings))
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, task.cancel)
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    settle_memory()
    gate()
    uvloop.run(run())


def _exit_well(_signum: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _serve(
    application: "ASGIApp", listener: socket.socket, failures: Sequence[Exception] = ()
) -> None:
    """Serve until told to stop; raises the first of `failures` where it could not start."""
    import uvicorn

    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        # Our own middleware logs requests, without what identifies people.
        access_log=False,
        log_config=None,
        server_header=False,
        # uvicorn would believe X-Forwarded-For of anybody on this machine; the application
        # itself decides by `trusted_proxies`.
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    server = uvicorn.Server(config)
    # A stop is a success: uvicorn raises the signal once more after draining.
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _exit_well)
    # Whoever started us says what to do; the traceback, and that there is one, is not said first.
    logging.getLogger("uvicorn.error").addFilter(lambda _: not failures)
    try:
        server.run(sockets=[listener])
    except SystemExit:
        if failures:
            raise failures[0] from None
        raise
    if not server.started:
        sys.exit(3)
