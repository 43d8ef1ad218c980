"""The order in which everything starts, runs and stops."""

import asyncio
import dataclasses
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.kernel import postgres
from app.launcher import instance, serving
from app.launcher.children import ChildError, Service, StopRequested, Supervisor
from app.launcher.screen import Screen
from app.launcher.surroundings import (
    LOOPBACK,
    Folders,
    LaunchError,
    explained,
    open_listener,
    prepare_environment,
    url_of,
)
from app.settings import Settings

if TYPE_CHECKING:
    from app.demo import DemoSummary

READY_SECONDS = 60.0
LOG_LIMIT = 10_000_000


def run(data_dir: Path, port: int | None, *, verbose: bool = False) -> None:
    """Start everything, supervise it, and return after a clean stop.

    Raises LaunchError or PostgresStartError, whose messages say what to do.
    """
    began = time.monotonic()
    if os.environ.get("REDUMBRELLA_FOLLOW_PARENT"):  # set by make: `kill -9` of make ends us too
        postgres.die_with(os.getppid(), signal.SIGTERM)
    screen = Screen()
    folders = Folders(data_dir.absolute())
    supervisor = Supervisor(tell=screen.say)
    with supervisor.watching(), explained():
        folders.make()
        instance.claim(folders.root)
        server = None if os.environ.get("DATABASE_URL") else _launch_database(screen, folders)
        try:
            with suppress(StopRequested):
                server = _run(screen, supervisor, folders, server, port, began, verbose=verbose)
        finally:
            instance.withdraw(folders.root)
            screen.say("stopping …", "dim")
            supervisor.stop()
            for each in _databases(server):
                each.stop()
    screen.say("stopped", "dim")
