"""The simulators as a real server for tests, and a catcher for what they send to merchants.

A feature's conftest takes the fixtures by importing them:
`from tests.simulators_fixture import catcher, simulators`.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from stdnum.cn import ric

from app.settings import Settings
from app.simulators import config, secrets
from app.simulators.main import create_app

# Everything that takes seconds in the demo takes hundredths here.
QUICK: dict[str, Any] = {
    "notice_retry_seconds": (0.0, 0.05, 0.1, 0.2, 0.4),
    "refund_seconds": 0.05,
    "charge_seconds": 0.05,
    "identity_slow_seconds": 0.3,
    "bank_settle_seconds": 0.05,
    "bank_slow_seconds": 0.5,
}


@dataclass(frozen=True)
class Simulators:
    """A running server: its address, the variables for the service, and the control door."""

    base_url: str
    directory: Path
    env: dict[str, str] = field(repr=False)
    client: httpx.Client = field(repr=False)

    def control(self, path: str, /, **form: Any) -> dict[str, Any]:
        """POST a form to `/control/…`; AssertionError with its reason when the door says no."""
        response = self.client.post(f"/control/{path}", json=form)
        if response.is_error:
            raise AssertionError(f"{path}: {response.status_code} {response.text}")
        return cast("dict[str, Any]", response.json())

    def settings(self, **more: Any) -> Settings:
        """Test settings that point all clients to this server."""
        known = {name.removeprefix("REDUMBRELLA_").lower(): v for name, v in self.env.items()}
        return Settings(environment="test", **(known | more))


@dataclass
class Caught:
    """One request that the simulators made."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Catcher:
    """A merchant's address: keeps what comes, answers 204 or the next of `answers`."""

    base_url: str = ""
    caught: list[Caught] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def url(self, path: str) -> str:
        return f"{self.base_url}/{path}"

    def at(self, path: str) -> list[Caught]:
        return [each for each in self.caught if each.path == f"/{path}"]

    def wait(self, path: str, count: int = 1, seconds: float = 5.0) -> list[Caught]:
        """Block until `count` requests came to a path; the requests."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.at(path)) >= count, seconds):
                raise AssertionError(f"{len(self.at(path))} of {count} requests came to {path}")
            return self.at(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        planned = self.answers.get(scope["path"].removeprefix("/"), [])
        status = planned.pop(0) if planned else 204
        with self.changed:
            self.caught.append(Caught(scope["path"], headers, body))
            self.changed.notify_all()
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def id_number(sequence: str = "002", area: str = "110105", birth: str = "19491231") -> str:
    """A synthetic resident ID with a valid check character; the sequence decides its course."""
    body = f"{area}{birth}{sequence}"
    return f"{body}{ric.calc_check_digit(body + '0')}"


@contextmanager
def serve(app: ASGIApp, *, listener: socket.socket | None = None, lifespan: bool) -> Iterator[str]:
    """Run an ASGI application under uvicorn in a thread; yields its base URL."""
    listener = listener or listen()
    server = uvicorn.Server(
        uvicorn.Config(
            app, log_level="error", access_log=False, lifespan="on" if lifespan else "off"
        )
    )
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True
    )
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise AssertionError("the server did not start")
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def listen() -> socket.socket:
    """A free loopback port, already bound."""
    # asyncio switches Nagle's algorithm off only for sockets that name the protocol; with it
    # every answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    return listener


@cache
def _key_pairs() -> dict[str, bytes]:
    """Making RSA keys takes half a second: all simulators of a process have the same."""
    names = (
        config.MERCHANT_KEY_FILE,
        config.MERCHANT_PUBLIC_FILE,
        config.PLATFORM_KEY_FILE,
        config.PLATFORM_CERTIFICATE_FILE,
    )
    with TemporaryDirectory() as folder:
        secrets.prepare(Path(folder), simulator_base_url=None)
        return {name: Path(folder, name).read_bytes() for name in names}


def _lay_key_pairs(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in _key_pairs().items():
        file = directory / name
        if not file.exists():
            file.touch(mode=0o600)
            file.write_bytes(content)


@contextmanager
def run_simulators(directory: Path, **durations: Any) -> Iterator[Simulators]:
    """A server with its own secrets and state in `directory`; started again, it remembers."""
    listener = listen()
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    _lay_key_pairs(directory)
    env = secrets.prepare(directory, simulator_base_url=base_url)
    app = create_app(directory, config.load(directory, **(QUICK | durations)))
    with (
        serve(app, listener=listener, lifespan=True),
        httpx.Client(base_url=base_url, trust_env=False) as client,
    ):
        yield Simulators(base_url, directory, env, client)


@pytest.fixture(scope="session")
def simulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulators]:
    """One server for the whole run: use numbers, phones and references of your own."""
    with run_simulators(tmp_path_factory.mktemp("simulators")) as running:
        yield running


@pytest.fixture(scope="session")
def catcher() -> Iterator[Catcher]:
    """One merchant address for the whole run: use a path of your own."""
    catching = Catcher()
    with serve(catching, lifespan=False) as base_url:
        catching.base_url = base_url
        yield catching
