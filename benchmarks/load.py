"""The load generator: keep-alive connections on bare sockets, so that it is not the bottleneck.

One request is in flight per connection. Latency runs from the first byte written to the
last byte read; parsing is a search for two markers.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

CONNECTIONS = 16
_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)")
_END = b"\r\n\r\n"


@dataclass
class Driven:
    """What one drive saw: `seconds` is wall time, `latencies` are seconds per request.

    `answers` holds (index of the request, body) of every answer where bodies were kept,
    otherwise of a sample.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    refusals: list[bytes] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.latencies)


def request(method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
        if "Content-Type" not in headers:
            lines.append("Content-Type: application/json")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")


class _Connection(asyncio.Protocol):
    def __init__(self, drive: "_Drive") -> None:
        self._drive = drive
        self._buffer = b""
        self._index = 0
        self._started = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def next(self) -> None:
        found = self._drive.take()
        if found is None:
            self._drive.finished(self)
            return
        self._index, raw = found
        self._started = time.perf_counter()
        self.transport.write(raw)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head = self._buffer.find(_END)
        if head < 0:
            return
        found = _LENGTH.search(self._buffer, 0, head + 2)
        body_at = head + 4
        size = int(found[1]) if found else 0
        if len(self._buffer) < body_at + size:
            return
        elapsed = time.perf_counter() - self._started
        self._drive.answered(
            self._index, elapsed, int(self._buffer[9:12]), self._buffer[body_at : body_at + size]
        )
        self._buffer = b""
        self.next()

    def connection_lost(self, error: Exception | None) -> None:
        self._drive.lost(self, error)


class _Drive:
    def __init__(self, requests: Iterator[tuple[int, bytes]], until: float, keep_all: bool) -> None:
        self._requests = requests
        self._until = until
        self._keep_every = 1 if keep_all else 97
        self._open: set[_Connection] = set()
        self._done = asyncio.get_running_loop().create_future()
        self.seen = Driven()

    async def run(self, host: str, port: int, connections: int) -> Driven:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, connection = await loop.create_connection(lambda: _Connection(self), host, port)
            self._open.add(connection)
        started = time.perf_counter()
        self._until += started
        for connection in tuple(self._open):
            connection.next()
        await self._done
        self.seen.seconds = time.perf_counter() - started
        return self.seen

    def take(self) -> tuple[int, bytes] | None:
        if time.perf_counter() >= self._until:
            return None
        return next(self._requests, None)

    def answered(self, index: int, elapsed: float, status: int, body: bytes) -> None:
        seen = self.seen
        seen.latencies.append(elapsed)
        seen.statuses[status] += 1
        if status >= 400:
            seen.refusals.append(body)
        elif len(seen.latencies) % self._keep_every == 0:
            seen.answers.append((index, body))

    def finished(self, connection: _Connection) -> None:
        self._open.discard(connection)
        connection.transport.close()
        if not self._open and not self._done.done():
            self._done.set_result(None)

    def lost(self, connection: _Connection, error: Exception | None) -> None:
        if connection in self._open and not self._done.done():
            self._done.set_exception(ConnectionError(f"the server hung up: {error}"))


async def drive(
    port: int,
    requests: Sequence[bytes],
    *,
    seconds: float | None = None,
    keep_all: bool = False,
    connections: int = CONNECTIONS,
) -> Driven:
    """Send each request once, or all of them round and round for `seconds`."""
    numbered = enumerate(requests) if seconds is None else cycle(list(enumerate(requests)))
    running = _Drive(iter(numbered), seconds or float("inf"), keep_all)
    return await running.run("127.0.0.1", port, connections)
