"""SeaweedFS, an S3 server as compose.yaml brings it, as a process of the tests."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from obstore.exceptions import BaseError
from obstore.store import S3Store

from app.kernel.postgres.death import dying_with_me

WEED = Path(sys.executable).with_name("weed")
START_SECONDS = 60.0
ACCESS_KEY, SECRET_KEY = "reader-and-writer", "not-a-secret"
BUCKET = "files"
PORTS = ("master.port", "volume.port", "filer.port", "s3.port", "admin.port")


@dataclass(frozen=True)
class S3Server:
    """Where it listens, where its files lie, and the options that reach it."""

    endpoint: str
    directory: Path

    def options(self, **changes: str) -> dict[str, str]:
        """`REDUMBRELLA_OBJECT_STORE_OPTIONS`, as in deploy/example.service.env."""
        return {
            "endpoint": self.endpoint,
            "allow_http": "true",
            "access_key_id": ACCESS_KEY,
            "secret_access_key": SECRET_KEY,
            "region": "none",
        } | changes


@contextmanager
def run_s3(directory: Path) -> Iterator[S3Server]:
    """Start it on free ports of the loopback address, and kill it in the end."""
    names = [f"{port}{kind}" for port in PORTS for kind in ("", ".grpc")]
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    data, config = directory / "data", directory / "s3.json"
    data.mkdir(parents=True)
    keys = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    # No administrator: whoever runs the storage makes the bucket.
    identity = {"name": "service", "credentials": keys, "actions": ["Read", "Write", "List"]}
    config.write_text(json.dumps({"identities": [identity]}))
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            _command(data, config, directory, ports),
            stdout=log,
            stderr=log,
            cwd=directory,
            preexec_fn=dying_with_me(signal.SIGKILL),  # noqa: PLW1509 - one prctl, no locks
        )
    try:
        server = S3Server(f"http://127.0.0.1:{ports['s3.port']}", data)
        _wait(process, server, directory / "log")
        yield server
    finally:
        # Asked to stop, it would take seconds.
        process.kill()
        process.wait()


def _command(data: Path, config: Path, directory: Path, ports: dict[str, int]) -> list[str]:
    return [
        *(str(WEED), "mini", f"-dir={data}", f"-bucket={BUCKET}", f"-s3.config={config}"),
        *(f"-{name}={port}" for name, port in ports.items()),
        # Nothing beyond the loopback address, and no other of its services.
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-s3.iam=false"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false"),
        # Otherwise in the machine's /tmp, named by port.
        *(f"-filer.localSocket={directory}/filer.sock", f"-s3.localSocket={directory}/s3.sock"),
    ]


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _wait(process: subprocess.Popen[bytes], server: S3Server, log: Path) -> None:
    """Until an object can be written: it answers before it knows its keys and its bucket."""
    store = S3Store(
        BUCKET,
        endpoint=server.endpoint,
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        region="none",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(BaseError, OSError):
            store.put("ready", b"ready")
            return
        time.sleep(0.05)
    process.kill()
    raise AssertionError(log.read_text(errors="replace")[-4000:])
